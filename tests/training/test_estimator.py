"""The estimator: tables equal the booster, constraints hold, exposure and prior mean what they say."""

import pickle
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from cyberscore.exceptions import TrainingError
from cyberscore.rating.tables import Bins
from cyberscore.training.learning import estimator as estimator_module
from cyberscore.training.learning.boosting import (
    compile_tables,
    find_breakpoints,
    fit_booster,
    make_booster,
    make_raw_prediction,
    to_features,
)
from cyberscore.training.learning.estimator import AdditiveBoostingRegressor

pytestmark = pytest.mark.slow  # learns many times over

FACTORS = ["exposed", "revenue", "mfa", "staff", "sector"]
QUICK = {"max_iter": 40, "learning_rate": 0.2, "min_samples_leaf": 5, "max_bins": 6, "random_state": 0}
BREAKPOINTS = {"staff": [10, 50, 250, 100_000]}  # no row has 100,000 staff
ALL_LOSSES = pytest.mark.parametrize("loss", ["poisson", "gamma", "squared_error"])


def make_book(n_rows=2000, seed=0, loss="poisson"):
    """Draw factors (missing values, the nominal one last), a target with interactions, and exposures."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "exposed": rng.integers(0, 5, n_rows),
            "revenue": rng.lognormal(1.0, 1.0, n_rows),
            "mfa": np.where(rng.random(n_rows) < 0.2, np.nan, rng.integers(0, 3, n_rows)),
            "staff": rng.integers(1, 500, n_rows),
            "sector": rng.integers(0, 7, n_rows),
        }
    )
    exposure = rng.uniform(0.2, 1.0, n_rows)
    unprotected = (X["mfa"] == 0).to_numpy()
    rate = np.exp(-1 + 0.2 * X["exposed"] + 0.8 * unprotected * (X["exposed"] > 2) + 0.4 * np.sin(3 * X["sector"]))
    if loss == "poisson":
        return X, rng.poisson(exposure * rate).astype(float), exposure
    if loss == "gamma":
        return X, exposure * rate * rng.gamma(2.0, 0.5, n_rows), exposure
    return X, exposure * (rate + rng.normal(size=n_rows)), exposure


def cell_codes(bins, n_rows=3000, seed=1):
    """Draw any cells, also those that no training row holds."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(factor.n_cells, size=n_rows) for factor in bins.values()])


@pytest.fixture
def booster_spy(monkeypatch):
    """Record the raw prediction function of every booster that the estimator compiles."""
    seen = []

    def spy(predict_raw, bins, sets, base):
        seen.append(predict_raw)
        return compile_tables(predict_raw, bins, sets, base)

    monkeypatch.setattr(estimator_module, "compile_tables", spy)
    return seen


# --- compiling ---


@st.composite
def additive_functions(draw):
    """Draw bins, a function of each of several overlapping sets of factors, and a base cell."""
    bins = {
        f"f{place}": Bins(tuple(range(draw(st.integers(0, 3)))), has_missing=draw(st.booleans())) for place in range(4)
    }
    sizes = [factor.n_cells for factor in bins.values()]
    subsets = [chosen for order in (1, 2, 3) for chosen in combinations(range(4), order)]
    sets = draw(st.lists(st.sampled_from(subsets), unique=True, min_size=1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    effects = {chosen: rng.normal(size=[sizes[column] for column in chosen]) for chosen in sets}
    base = [int(rng.integers(size)) for size in sizes]
    return bins, effects, base


@given(additive_functions())
@settings(max_examples=60)
def test_compiling_a_sum_over_overlapping_sets_is_exact(case):
    bins, effects, base = case

    def function(codes):
        return 0.5 + sum(values[tuple(codes[:, column] for column in chosen)] for chosen, values in effects.items())

    tables = compile_tables(function, bins, [reversed(chosen) for chosen in effects], base)
    codes = cell_codes(bins, 500)
    np.testing.assert_allclose(tables.total(codes), function(codes), rtol=0, atol=1e-12)
    names = list(bins)
    wanted = {part for chosen in effects for order in (1, 2, 3) for part in combinations(chosen, order)}
    assert [table.factors for table in tables.tables] == [
        tuple(names[column] for column in part) for part in sorted(wanted, key=lambda part: (len(part), part))
    ]
    for table in tables.tables:  # zero wherever a factor is at its base cell
        for axis, name in enumerate(table.factors):
            assert np.abs(np.take(table.values, base[names.index(name)], axis=axis)).max() < 1e-12


def test_a_triple_is_not_a_sum_of_pairs():
    bins = {name: Bins((0.5,), has_missing=False) for name in "abc"}
    codes = np.array([[1, 1, 1]])
    pairs = list(combinations(range(3), 2))
    assert compile_tables(lambda codes: codes.prod(axis=1), bins, pairs, [0, 0, 0]).total(codes) == [0.0]
    assert compile_tables(lambda codes: codes.prod(axis=1), bins, [(0, 1, 2)], [0, 0, 0]).total(codes) == [1.0]


def test_many_grids_share_few_calls():
    bins = {f"f{place}": Bins(tuple(range(31)), has_missing=False) for place in range(16)}
    calls = []

    def function(codes):
        calls.append(len(codes))
        return codes[:, 3] * codes[:, 7] - codes[:, 15] / 4

    tables = compile_tables(function, bins, list(combinations(range(16), 2)), [0] * 16)
    codes = cell_codes(bins, 500)
    np.testing.assert_array_equal(tables.total(codes), function(codes))
    assert sum(calls[:-1]) == 1 + tables.n_cells
    assert len(calls) == 4


@ALL_LOSSES
@pytest.mark.parametrize(
    "interactions",
    [1, 2, 3, [("mfa", "exposed"), ("mfa", "sector"), ("staff", "sector", "exposed")]],
    ids=["singles", "pairs", "triples", "chosen"],
)
def test_tables_equal_the_booster(booster_spy, loss, interactions):
    X, y, exposure = make_book(loss=loss)
    model = AdditiveBoostingRegressor(loss=loss, interactions=interactions, breakpoints=BREAKPOINTS, **QUICK)
    model.fit(X, y, exposure=exposure)
    (predict_raw,) = booster_spy
    held_out, _, _ = make_book(seed=1, loss=loss)
    for codes in (model.tables_.encode(held_out), cell_codes(model.tables_.bins)):
        np.testing.assert_allclose(model.tables_.total(codes), predict_raw(codes), rtol=0, atol=1e-9)
    order = 3 if isinstance(interactions, list) else interactions
    strongest = max(np.abs(table.values).max() for table in model.tables_.tables if len(table.factors) == order)
    assert strongest > 0.01  # the highest order was used at all


def test_tables_equal_the_booster_where_missing_was_never_seen():
    rng = np.random.default_rng(0)
    bins = {name: Bins((0.5, 1.5, 2.5), has_missing=True) for name in "abcd"}
    codes = rng.integers(0, 4, (1000, 4))
    codes[codes == 2] = 3  # nor cell 2
    sets = list(combinations(range(4), 2))
    booster = make_booster(
        loss="poisson",
        monotonic_cst=[1, 0, -1, 0],
        sets=sets,
        learning_rate=0.2,
        max_iter=50,
        max_leaf_nodes=8,
        min_samples_leaf=5,
        l2_regularization=0.0,
        early_stopping=False,
        random_state=0,
        verbose=0,
    )
    target = rng.poisson(np.exp(0.3 * codes[:, 0] - 0.3 * codes[:, 1] * codes[:, 3]))
    fit_booster(booster, to_features(codes, bins), target.astype(float), np.ones(1000))
    predict_raw = make_raw_prediction(booster, bins)
    tables = compile_tables(predict_raw, bins, sets, [0, 0, 0, 0])
    anywhere = cell_codes(bins)
    assert {2, 4} <= set(anywhere.ravel().tolist())
    np.testing.assert_allclose(tables.total(anywhere), predict_raw(anywhere), rtol=0, atol=1e-9)


def test_a_column_without_any_value_is_left_alone(booster_spy):
    X, y, _ = make_book()
    X["mfa"] = np.nan
    model = AdditiveBoostingRegressor(interactions=2, **QUICK).fit(X, y)
    assert model.tables_.bins["mfa"].n_cells == 2
    codes = cell_codes(model.tables_.bins)
    np.testing.assert_allclose(model.tables_.total(codes), booster_spy[0](codes), rtol=0, atol=1e-9)
    for table in model.tables_.tables:
        if "mfa" in table.factors:
            assert np.abs(table.values).max() == 0.0


def test_the_nominal_column_meets_only_its_partners():
    X, y, exposure = make_book()
    model = AdditiveBoostingRegressor(interactions=[("sector", "mfa")], **QUICK).fit(X, y, exposure=exposure)
    assert [table.factors for table in model.tables_.tables] == [(name,) for name in FACTORS] + [("mfa", "sector")]


# --- bins ---


@given(
    st.lists(st.one_of(st.floats(allow_infinity=False), st.integers(0, 3).map(float)), min_size=1),
    st.integers(2, 12),
)
@example([0.0] * 50 + list(range(10)), 4)
@example([1.0, np.nextafter(1.0, 2.0)], 2)
def test_found_cells_are_few_and_none_is_empty(values, max_bins):
    column = np.array(values)
    bins = Bins(find_breakpoints(column, max_bins), has_missing=True)
    known = column[~np.isnan(column)]
    used = np.unique(bins.encode(known))
    assert bins.n_cells - 1 <= max_bins
    if known.size:
        assert used.tolist() == list(range(bins.n_cells - 1))
    if len(np.unique(known)) <= max_bins:
        assert len(used) == len(np.unique(known))


def test_given_breakpoints_are_kept_by_name_and_by_index():
    X, y, _ = make_book(500)
    by_name = AdditiveBoostingRegressor(breakpoints={"staff": [10, 50], "revenue": np.array([2.5])}, **QUICK)
    by_index = AdditiveBoostingRegressor(breakpoints={3: (10, 50), 1: [2.5]}, **QUICK)
    assert by_name.fit(X, y).tables_.bins["staff"] == Bins((10.0, 50.0), has_missing=False)
    assert by_name.tables_ == by_index.fit(X, y).tables_
    assert by_name.tables_.bins["mfa"] == Bins((0.5, 1.5), has_missing=True)


# --- monotone constraints ---


def largest_fall(model, name, n_contexts=1500):
    """Return the largest fall of the total as one factor grows, over many contexts."""
    bins = model.tables_.bins
    codes = cell_codes(bins, n_contexts)
    column = list(bins).index(name)
    known = bins[name].n_cells - bins[name].has_missing
    totals = []
    for cell in range(known):
        codes[:, column] = cell
        totals.append(model.tables_.total(codes))
    return -np.diff(totals, axis=0).min()


@pytest.mark.parametrize("n_bags", [1, 4])
@pytest.mark.parametrize("interactions", [1, 3])
def test_constraints_hold_in_every_context(n_bags, interactions):
    X, y, exposure = make_book(1500)
    options = {"interactions": interactions, "n_bags": n_bags, **QUICK}
    signs = {"exposed": 1, "mfa": -1, "revenue": 1}
    model = AdditiveBoostingRegressor(monotonic_cst=signs, **options).fit(X, y, exposure=exposure)
    as_list = AdditiveBoostingRegressor(monotonic_cst=[1, 1, -1, 0, 0], **options).fit(X, y, exposure=exposure)
    free = AdditiveBoostingRegressor(**options).fit(X, y, exposure=exposure)
    assert as_list.tables_ == model.tables_
    for name in ("exposed", "revenue"):
        assert largest_fall(model, name) < 1e-9
    assert largest_fall(model, "mfa") > 0.1
    rising = clone(model).set_params(monotonic_cst={"mfa": 1}).fit(X, y, exposure=exposure)
    assert largest_fall(rising, "mfa") < 1e-9
    assert largest_fall(free, "revenue") > 0.01  # the data alone would not obey


def test_missing_need_not_be_the_riskiest():
    X, y, exposure = make_book()
    y = np.where(X["mfa"].isna(), 0.0, y)  # no claim where mfa is unknown
    model = AdditiveBoostingRegressor(monotonic_cst={"mfa": 1, "exposed": 1}, **QUICK)
    model.fit(X[["mfa", "exposed"]], y + (X["mfa"] == 2), exposure=exposure)
    low, middle, high, missing = np.asarray(model.tables_.tables[0].values)
    assert low <= middle < high
    assert missing < high


# --- exposure, weights, prior ---


@ALL_LOSSES
def test_twice_the_exposure_with_twice_the_claims_is_the_same_rate(loss):
    X, y, exposure = make_book(loss=loss)
    model = AdditiveBoostingRegressor(loss=loss, interactions=2, **QUICK)
    once = model.fit(X, y, exposure=exposure).predict(X)
    twice = model.fit(X, 2 * y, exposure=2 * exposure).predict(X)
    np.testing.assert_allclose(twice, once, rtol=1e-9)
    assert np.abs(model.fit(X, y).predict(X) / once - 1).max() > 0.1  # exposure matters


def test_a_policy_split_in_two_terms_is_the_same_policy():
    X, y, exposure = make_book()
    rng = np.random.default_rng(2)
    first_claims, share = rng.binomial(y.astype(int), 0.5), rng.uniform(0.1, 0.9, len(y))
    model = AdditiveBoostingRegressor(breakpoints=BREAKPOINTS, **QUICK | {"min_samples_leaf": 1, "max_bins": 255})
    X["revenue"] = X["revenue"].round()
    whole = model.fit(X, y, exposure=exposure).predict(X)
    split = model.fit(
        pd.concat([X, X]),
        np.concatenate([first_claims, y - first_claims]),
        exposure=np.concatenate([exposure * share, exposure * (1 - share)]),
    )
    np.testing.assert_allclose(split.predict(X), whole, rtol=1e-4)


@ALL_LOSSES
def test_a_row_of_weight_zero_is_absent(loss):
    X, y, exposure = make_book(loss=loss)
    weight = np.random.default_rng(3).integers(0, 3, len(y))
    kept = weight > 0
    model = AdditiveBoostingRegressor(loss=loss, interactions=2, **QUICK)
    tables = model.fit(X, y, sample_weight=weight, exposure=exposure).tables_
    same = model.fit(X[kept], y[kept], sample_weight=weight[kept], exposure=exposure[kept]).tables_
    assert tables == same
    assert tables != model.fit(X, y, exposure=exposure).tables_


@pytest.mark.parametrize("n_bags", [1, 3])
@ALL_LOSSES
def test_a_constant_prior_only_moves_the_level(loss, n_bags):
    X, y, exposure = make_book(loss=loss)
    model = AdditiveBoostingRegressor(loss=loss, interactions=2, n_bags=n_bags, **QUICK)
    plain = model.fit(X, y, exposure=exposure).predict(X)
    prior = np.full(len(y), 0.3)
    model.fit(X, y, exposure=exposure, prior=prior)
    np.testing.assert_allclose(model.predict(X, prior=prior), plain, rtol=1e-4, atol=1e-6)
    on_top = model.predict(X)
    np.testing.assert_allclose(on_top + prior if loss == "squared_error" else on_top * prior, model.predict(X, prior))


@ALL_LOSSES
def test_a_prior_within_the_model_leaves_the_optimum(loss):
    X, y, exposure = make_book(loss=loss)
    X = X[["exposed", "sector"]]
    prior = np.exp(0.5 * X["exposed"] - 0.3 * X["sector"]).to_numpy()  # additive in both factors, on the log scale
    if loss == "squared_error":
        prior = np.log(prior)
    model = AdditiveBoostingRegressor(loss=loss, max_iter=500, learning_rate=0.3, min_samples_leaf=1)
    without = model.fit(X, y, exposure=exposure).predict(X)
    level = model.tables_.total(model.tables_.encode(X))
    within = model.fit(X, y, exposure=exposure, prior=prior).predict(X, prior=prior)
    np.testing.assert_allclose(within, without, rtol=2e-3, atol=2e-3)
    on_top = model.tables_.total(model.tables_.encode(X))
    assert np.abs(on_top - level).max() > 0.5  # though the tables are quite different


@ALL_LOSSES
def test_bags_are_averaged_and_balanced(loss):
    X, y, exposure = make_book(loss=loss)
    prior = np.linspace(0.5, 2.0, len(y))
    weight = np.linspace(1.0, 2.0, len(y))
    rows = {"sample_weight": weight, "exposure": exposure, "prior": prior}
    model = AdditiveBoostingRegressor(loss=loss, interactions=2, n_bags=3, **QUICK).fit(X, y, **rows)
    codes = cell_codes(model.tables_.bins)
    mean = np.mean([bag.total(codes) for bag in model.bag_tables_], axis=0)
    assert len(model.bag_tables_) == 3
    assert model.bag_tables_[0] != model.bag_tables_[1]
    np.testing.assert_allclose(model.tables_.total(codes), mean + np.log(model.balance_), rtol=0, atol=1e-9)
    if loss == "squared_error":
        assert model.balance_ == 1.0
    else:
        assert model.balance_ != 1.0
        expected = np.sum(weight * exposure * model.predict(X, prior=prior))
        assert expected == pytest.approx(np.sum(weight * y), rel=1e-9)


def test_bags_are_bootstraps():
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 1.0, 100)
    model = AdditiveBoostingRegressor(loss="squared_error", max_iter=1, n_bags=200, random_state=0)
    bags = model.fit(np.zeros((100, 1)), y).bag_tables_
    spread = np.std([bag.intercept for bag in bags])  # of means over rows drawn with replacement
    assert spread == pytest.approx(y.std() / 10, rel=0.15)
    assert np.mean([bag.intercept for bag in bags]) == pytest.approx(y.mean(), abs=4 * spread / 200**0.5)


# --- seeds, rows, scores ---


def test_the_same_seed_gives_the_same_tables_for_any_number_of_jobs():
    X, y, exposure = make_book(800)
    model = AdditiveBoostingRegressor(interactions=2, n_bags=3, early_stopping=True, **QUICK)
    alone = model.fit(X, y, exposure=exposure)
    together = clone(model).set_params(n_jobs=2).fit(X, y, exposure=exposure)
    other_seed = clone(model).set_params(random_state=1).fit(X, y, exposure=exposure)
    more = clone(model).set_params(n_bags=4).fit(X, y, exposure=exposure)
    assert alone.tables_ == together.tables_
    assert alone.tables_ != other_seed.tables_
    assert more.bag_tables_[:3] == alone.bag_tables_
    assert 1 <= alone.n_iter_ <= 40


def test_one_row_is_rated_as_in_the_batch():
    X, y, exposure = make_book()
    model = AdditiveBoostingRegressor(interactions=3, **QUICK).fit(X, y, exposure=exposure)
    batch = np.log(model.predict(X.head(200)))
    rows = X.head(200).to_numpy(dtype=float).tolist()
    single = [model.tables_.total_one(model.tables_.encode_one(row)) for row in rows]
    np.testing.assert_allclose(single, batch, rtol=0, atol=1e-12)


def test_pickle_and_clone():
    X, y, _ = make_book(500)
    model = AdditiveBoostingRegressor(interactions=2, **QUICK).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))  # noqa: S301
    assert restored.tables_ == model.tables_
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))
    assert not hasattr(clone(model), "tables_")


@ALL_LOSSES
def test_score_is_the_share_of_deviance_explained(loss):
    X, y, exposure = make_book(loss=loss)
    weight, prior = np.linspace(1.0, 2.0, len(y)), np.linspace(0.5, 2.0, len(y))
    model = AdditiveBoostingRegressor(loss=loss, **QUICK).fit(X, y, exposure=exposure, prior=prior)

    def deviance(mean):
        rate = y / exposure
        if loss == "poisson":
            unit = np.where(y > 0, rate * np.log(np.where(y > 0, rate, 1.0) / mean), 0.0) - rate + mean
        elif loss == "gamma":
            unit = np.log(mean / rate) + rate / mean - 1
        else:
            unit = (rate - mean) ** 2
        return np.sum(weight * exposure * unit)

    mean = np.sum(weight * y) / np.sum(weight * exposure)
    expected = 1 - deviance(model.predict(X, prior=prior)) / deviance(np.full(len(y), mean))
    got = model.score(X, y, sample_weight=weight, exposure=exposure, prior=prior)
    assert got == pytest.approx(expected, rel=1e-9)


def test_pairs_find_what_singles_cannot():
    X, y, exposure = make_book(20_000)
    held_out, claims, years = make_book(20_000, seed=1)
    scores = [
        AdditiveBoostingRegressor(interactions=interactions)
        .fit(X, y, exposure=exposure)
        .score(held_out, claims, exposure=years)
        for interactions in (1, [("exposed", "mfa")])
    ]
    assert scores[1] > scores[0] + 0.005 > 0.1


# --- as a scikit-learn estimator ---


@parametrize_with_checks(
    [
        AdditiveBoostingRegressor(),
        AdditiveBoostingRegressor(loss="squared_error", interactions=2),
        AdditiveBoostingRegressor(loss="gamma", interactions=2, max_bins=8, n_bags=2),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def test_grid_search_routes_exposure():
    X, y, exposure = make_book()
    folds = KFold(3)
    with config_context(enable_metadata_routing=True):
        model = AdditiveBoostingRegressor(**QUICK).set_fit_request(exposure=True).set_score_request(exposure=True)
        search = GridSearchCV(model, {"interactions": [1, 2]}, cv=folds, error_score="raise")
        search.fit(X, y, exposure=exposure)
    for interactions, mean_score in zip([1, 2], search.cv_results_["mean_test_score"], strict=True):
        by_hand = [
            AdditiveBoostingRegressor(interactions=interactions, **QUICK)
            .fit(X.iloc[train], y[train], exposure=exposure[train])
            .score(X.iloc[test], y[test], exposure=exposure[test])
            for train, test in folds.split(X)
        ]
        assert mean_score == pytest.approx(np.mean(by_hand), abs=1e-9)


def test_pipeline_keeps_names_with_set_output():
    X, y, exposure = make_book()
    model = AdditiveBoostingRegressor(monotonic_cst={"exposed": 1}, **QUICK)
    nameless = make_pipeline(SimpleImputer(), model)
    with pytest.raises(TrainingError, match="set_output"):
        nameless.fit(X, y, additiveboostingregressor__exposure=exposure)
    named = make_pipeline(SimpleImputer(), model).set_output(transform="pandas")
    named.fit(X, y, additiveboostingregressor__exposure=exposure)
    assert list(named[-1].tables_.bins) == FACTORS
    direct = clone(model).fit(X.fillna(X.mean()), y, exposure=exposure)
    np.testing.assert_allclose(named.predict(X), direct.predict(X.fillna(X.mean())))


def test_pipeline_with_metadata_routing():
    X, y, exposure = make_book(500)
    with config_context(enable_metadata_routing=True):
        model = AdditiveBoostingRegressor(**QUICK).set_fit_request(exposure=True, prior=True)
        model.set_predict_request(prior=True)
        pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y, exposure=exposure, prior=exposure)
        predicted = pipeline.predict(X, prior=exposure)
    direct = AdditiveBoostingRegressor(**QUICK).fit(X, y, exposure=exposure, prior=exposure)
    np.testing.assert_array_equal(predicted, direct.predict(X, prior=exposure))


# --- what is refused ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monotonic_cst": {"exposd": 1}}, "unknown factor 'exposd'; did you mean 'exposed'"),
        ({"monotonic_cst": {"exposed": 2}}, "'exposed' must be -1, 0 or 1, got 2"),
        ({"monotonic_cst": [1, 0]}, r"one sign a column \(5\)"),
        ({"monotonic_cst": 1}, "one sign a column"),
        ({"interactions": [("mfa", "sectr")]}, "did you mean 'sector'"),
        ({"interactions": [("mfa", 7)]}, "from 0 to 4, got 7"),
        ({"interactions": [(0, 1, 2, 3)]}, "one to three different factors"),
        ({"interactions": [("mfa", "mfa")]}, "one to three different factors"),
        ({"interactions": [()]}, "one to three different factors"),
        ({"interactions": 4}, "interactions must be from 1 to 3, got 4"),
        ({"interactions": True}, "must be an integer, got True"),
        ({"interactions": "mfa"}, "must be 1, 2, 3 or a list"),
        ({"interactions": None}, "must be 1, 2, 3 or a list"),
        (
            {"interactions": 3, "max_bins": 32},
            r"exposed x revenue x staff would have 5,120 cells|more than 6,000",
        ),
        ({"breakpoints": {"stuff": [1]}}, "did you mean 'staff'"),
        ({"breakpoints": {"staff": [2, 1]}}, "breakpoints of 'staff': .* strictly increasing"),
        ({"breakpoints": {"staff": ["many"]}}, "breakpoints of 'staff'"),
        ({"breakpoints": {"staff": range(255)}}, "'staff' would have 256 cells, more than 255"),
        ({"breakpoints": [1, 2]}, "must be a dict"),
        ({"max_bins": 256}, "max_bins must be from 2 to 255"),
        ({"max_bins": 1}, "max_bins must be from 2 to 255"),
        ({"n_bags": 0}, "n_bags must be at least 1"),
        ({"n_bags": 2.0}, "n_bags must be an integer"),
        ({"loss": "tweedie"}, "loss must be one of poisson, gamma, squared_error, got 'tweedie'"),
    ],
)
def test_bad_options(options, message):
    X, y, _ = make_book(200)
    with pytest.raises(TrainingError, match=message):
        AdditiveBoostingRegressor(**QUICK | options).fit(X, y)


def changed(values, value):
    """Return a copy with two rows changed, of which row 7 is the first."""
    copy = np.array(values, dtype=float)
    copy[[7, 9]] = value
    return copy


@pytest.mark.parametrize(
    ("loss", "rows", "message"),
    [
        ("poisson", {"y": -1}, "'poisson' must be at least 0, got -1 in row 7"),
        ("gamma", {"y": 0}, "'gamma' must be above 0, got 0 in row 7 .* 2 in all"),
        ("poisson", {"exposure": 0}, "exposure must be above 0, got 0 in row 7"),
        ("poisson", {"exposure": -0.5}, "exposure must be above 0, got -0.5 in row 7"),
        ("poisson", {"exposure": np.nan}, "exposure must be .*, got nan in row 7"),
        ("poisson", {"exposure": np.inf}, "exposure must be .*, got inf in row 7"),
        ("poisson", {"sample_weight": -1}, "sample_weight must be at least 0, got -1 in row 7"),
        ("poisson", {"prior": 0}, "prior must be above 0, got 0 in row 7"),
        ("squared_error", {"prior": np.inf}, "prior must be finite, got inf in row 7"),
    ],
)
def test_bad_rows_name_the_first(loss, rows, message):
    X, y, exposure = make_book(200, loss=loss)
    columns = {"y": y, "exposure": exposure, "sample_weight": np.ones(200), "prior": np.ones(200)}
    for name, value in rows.items():
        columns[name] = changed(columns[name], value)
    with pytest.raises(TrainingError, match=message):
        AdditiveBoostingRegressor(loss=loss, **QUICK).fit(X, **columns)


def test_bad_shapes_and_empty_books():
    X, y, exposure = make_book(200)
    model = AdditiveBoostingRegressor(**QUICK)
    with pytest.raises(TrainingError, match=r"exposure needs one number a row, shape \(200,\), got shape \(199,\)"):
        model.fit(X, y, exposure=exposure[:-1])
    with pytest.raises(TrainingError, match="no claim at all"):
        model.fit(X, np.zeros(200))
    with pytest.raises(TrainingError, match="zero in every row"):
        model.fit(X, y, sample_weight=np.zeros(200))
    single_claim = np.zeros(200)
    single_claim[0] = 1.0
    with pytest.raises(TrainingError, match="a bag hold no claim"):
        clone(model).set_params(n_bags=20).fit(X, single_claim)


def test_prediction_checks_its_rows():
    X, y, _ = make_book(500)
    model = AdditiveBoostingRegressor(**QUICK)
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, y)
    incomplete = X.astype(float)
    incomplete.loc[3, "staff"] = np.nan
    with pytest.raises(TrainingError, match="staff is missing in row 3"):
        model.predict(incomplete)
    with pytest.raises(TrainingError, match="prior must be above 0, got -1 in row 7"):
        model.predict(X, prior=changed(np.ones(500), -1))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[FACTORS[::-1]])


DAYS = pd.date_range("2025-01-01", periods=200)
NOMINAL = "give a nominal factor as integer codes"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["retail"] * 200, rf"column 'staff' must be numbers; got 'retail' in row 0 .*{NOMINAL}"),
        (pd.Categorical(["retail"] * 200), rf"column 'staff' must be numbers; got 'retail' in row 0 .*{NOMINAL}"),
        (
            ["1"] * 7 + ["1,5"] * 193,
            "column 'staff' must be numbers; got '1,5' in row 7 .*: numbers have a decimal point",
        ),
        (DAYS, "column 'staff' must be numbers; got '?2025-01-01'? in row 0 .*: give days, or years, since a date"),
        (DAYS.date, "column 'staff' must be numbers; got '?2025-01-01'? in row 0"),
        (DAYS - DAYS[0], "column 'staff' must be numbers; got .*: give days as a number"),
    ],
)
def test_a_column_that_is_no_number_is_named(values, message):
    X, y, exposure = make_book(200)
    fitted = AdditiveBoostingRegressor(**QUICK).fit(X, y, exposure=exposure)
    wrong = X.assign(staff=values)
    for table in (wrong, pl.from_pandas(wrong)):
        for call in (
            lambda table=table: AdditiveBoostingRegressor(**QUICK).fit(table, y),
            lambda: fitted.predict(wrong),
        ):
            with pytest.raises(TrainingError, match=message):
                call()


@pytest.mark.parametrize("array", [[["a", "b"]] * 30, np.full((30, 2), np.datetime64("2025-01-01"))])
def test_arrays_of_text_and_dates_are_refused(array):
    with pytest.raises(TrainingError, match=r"column 0 must be numbers; got .* in row 0"):
        AdditiveBoostingRegressor(**QUICK).fit(array, np.ones(30))


@pytest.mark.parametrize("name", ["y", "exposure", "sample_weight", "prior"])
@pytest.mark.parametrize("value", ["1,5", np.datetime64("2025-01-01")])
def test_rows_that_are_no_number_are_named(name, value):
    X, y, _ = make_book(200)
    columns = {"y": y, name: [value] * 200}
    with pytest.raises(TrainingError, match=f"{name} must be numbers; got .* in row 0"):
        AdditiveBoostingRegressor(**QUICK).fit(X, **columns)


def test_capitalised_names_are_told():
    X, y, _ = make_book(200)
    with pytest.raises(TrainingError, match="unknown factor 'Mfa '; did you mean 'mfa'"):
        AdditiveBoostingRegressor(monotonic_cst={"Mfa ": 1}, **QUICK).fit(X, y)
    fitted = AdditiveBoostingRegressor(**QUICK).fit(X, y)
    with pytest.raises(TrainingError, match=r"capitals or blanks: rename \{'STAFF': 'staff'\}"):
        fitted.predict(X.rename(columns={"staff": "STAFF"}))
