"""The validation pack: identities and properties first, then what it says of the shipped plan on a simulated book."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, poisson
from typer.testing import CliRunner

import cyberscore
from cyberscore import TrainingError
from cyberscore.cli import app
from cyberscore.exceptions import CyberscoreError, MissingExtraError
from cyberscore.market import simulate
from cyberscore.perils import PERILS
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.parts import N_PERILS, factors
from cyberscore.training import Book, validate
from cyberscore.training.release import TREND_TO, judge, market_trend
from cyberscore.training.validation import (
    compute_calibration,
    compute_cell_stability,
    compute_cost_per_claim,
    compute_discrimination,
    compute_double_lift,
    compute_drift,
    compute_drift_by_year,
    compute_factor_levels,
    compute_identification,
    compute_lorenz,
    compute_monotonicity,
    compute_murphy,
    compute_policy_stability,
    compute_slopes,
    evidence_weight,
    expected_claims,
    gini,
    judge_book,
    plots,
    poisson_interval,
    population_stability_index,
    share_of_explainable_deviance,
)
from cyberscore.training.validation.calibration import holm, poisson_p_value
from cyberscore.training.validation.discrimination import bands_of
from cyberscore.training.validation.html_page import Figure, render_svg
from cyberscore.training.validation.judged_book import LINES, survival_of_many
from cyberscore.training.validation.stability import bag_plan
from pages import check_page

pytestmark = pytest.mark.slow  # learns many times over

SECTIONS = [
    "overview", "discrimination", "murphy", "predicted-risk", "slices", "factors", "double-lift", "cost", "drift",
    "monotonicity", "stability",
]  # fmt: skip
TREND = {"trend": market_trend(), "trend_to": TREND_TO}
DATES = ["year", "start", "end"]
HOSTILE = """<script>alert("x")</script> & 'co' $a_b$"""


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def market():
    return simulate(10_000, 11)


@pytest.fixture(scope="module")
def book(market):
    return Book(market.policies, market.claims)


@pytest.fixture(scope="module")
def judged(plan, book):
    return judge_book(plan, book, **TREND)


@pytest.fixture(scope="module")
def other(plan):
    """A plan with weaker relativities, and a name to be wary of."""
    return replace(plan, name=HOSTILE, tables={name: 0.6 * table for name, table in plan.tables.items()})


@pytest.fixture(scope="module")
def validation(plan, book, market, other):
    return validate(
        plan, book, other=other, true_rates=market.true_rates, n_bootstrap=20, book_label="simulated", **TREND
    )


def with_actual(judged, actual):
    """The same book with other claims by peril."""
    return replace(judged, actual=np.column_stack([actual.sum(axis=1), actual]))


def drawn(judged, seed):
    """The same book with claims that come as expected."""
    return with_actual(judged, np.random.default_rng(seed).poisson(judged.expected[:, 1:]).astype(float))


# what was expected


def test_expected_claims_are_rate_times_what_could_be_seen(plan, book, judged):
    policies = book.encoded_policies
    expected = expected_claims(plan, policies, **TREND)
    np.testing.assert_allclose(expected, judged.expected[:, 1:], rtol=1e-12)
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    for row in (0, 17, int(np.argmax(policies.retention))):
        frequency, severity = (a / b for a, b in zip(TREND["trend"][int(policies.year[row])], TREND_TO, strict=True))
        for k, shape in enumerate(plan.severity):
            hidden = max(policies.retention[row] - 10_000.0, 0.0) / severity
            wanted = np.exp(totals[row, k]) * frequency * policies.exposure[row] * policies.reported[row, k]
            wanted *= shape.survival(hidden, totals[row, N_PERILS + k])
            assert expected[row, k] == pytest.approx(wanted, rel=1e-9)


def test_lines_add_up(judged):
    for name in ("expected", "actual"):
        column = getattr(judged, name)
        np.testing.assert_allclose(column[:, 0], column[:, 1:].sum(axis=1), rtol=1e-12)


@given(st.floats(0, 2e7), st.floats(6, 14))
def test_survival_agrees_with_the_plan(excess, location):
    shape = cyberscore.load_plan().severity[0]
    many = survival_of_many(shape, np.array([excess]), np.array([location]))
    assert many[0] == pytest.approx(shape.survival(excess, location), rel=1e-9, abs=1e-300)


def test_a_year_without_trend_and_a_book_without_claims_are_refused(plan, book, market):
    with pytest.raises(TrainingError, match="no index for the years"):
        judge_book(plan, book, trend={1999: (1.0, 1.0)})
    with pytest.raises(TrainingError, match="has none"):
        judge_book(plan, Book(market.policies, market.claims.iloc[:0]))
    with pytest.raises(TrainingError, match="column year"):
        judge_book(plan, Book(market.policies.drop(columns=DATES), market.claims), **TREND)
    with pytest.raises(TrainingError, match="n_bands"):
        validate(plan, book, n_bands=1)
    with pytest.raises(ValueError, match="10000 rows of 5 perils"):
        validate(plan, book, true_rates=np.ones((3, 5)))


# telling risks apart

books = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any),
        st.lists(st.floats(0.1, 2), min_size=n, max_size=n),
        st.lists(st.integers(-5, 5), min_size=n, max_size=n),
    )
)


@given(books)
def test_gini_is_antisymmetric_bounded_and_blind_to_row_order(rows):
    actual, exposure, order = (np.array(values, dtype=float) for values in rows)
    found = gini(actual, exposure, order)
    assert gini(actual, exposure, -order) == pytest.approx(-found, abs=1e-12)
    assert gini(actual[::-1], exposure[::-1], order[::-1]) == pytest.approx(found, abs=1e-12)
    assert gini(actual, exposure, np.exp(order)) == pytest.approx(found, abs=1e-12)
    assert -1.0 <= found <= 1.0
    assert gini(actual, exposure, np.zeros(len(order))) == pytest.approx(0.0, abs=1e-12)


def test_gini_of_a_random_order_is_about_zero(judged):
    rng = np.random.default_rng(3)
    order = rng.random(len(judged))
    claims = judged.actual[:, 0].sum()
    assert abs(gini(judged.actual[:, 0], judged.exposure[:, 0], order)) < 4 / np.sqrt(3 * claims)
    flat = judged.exposure[:, 1:] * 0.02
    blind = replace(drawn(replace(judged, expected=np.column_stack([flat.sum(1), flat])), 6), expected=judged.expected)
    row = compute_discrimination(blind, n_bootstrap=50).iloc[0]
    assert row["gini_low"] < 0 < row["gini_high"]


def test_gini_interval_is_by_insured(judged):
    """Twice the same terms of the same insureds say nothing new: the interval must not shrink."""
    twice = replace(
        judged,
        policies=replace(judged.policies, insured=np.tile(judged.policies.insured, 2)),
        expected=np.tile(judged.expected, (2, 1)),
        actual=np.tile(judged.actual, (2, 1)),
        exposure=np.tile(judged.exposure, (2, 1)),
    )
    once, again = (compute_discrimination(one, n_bootstrap=10, random_state=5) for one in (judged, twice))
    pd.testing.assert_frame_equal(
        once[["gini", "gini_low", "gini_high", "d2"]], again[["gini", "gini_low", "gini_high", "d2"]]
    )


def test_the_plan_orders_claims(judged):
    found = compute_discrimination(judged, n_bootstrap=20).set_index("line")
    assert found.loc["all", "gini_low"] > 0.2
    assert found.loc["all", "d2"] > 0
    assert found.loc["all", "deviance"] == pytest.approx(found.loc[list(PERILS), "deviance"].sum())
    curve = compute_lorenz(judged, by="pure_premium")
    assert (curve.groupby("line")["share_of_claims"].diff().dropna() >= -1e-12).all()
    with pytest.raises(ValueError, match="by must be"):
        compute_lorenz(judged, by="age")


def test_share_is_one_for_the_truth_and_zero_for_the_mean(market):
    true = market.true_rates.to_numpy()
    assert share_of_explainable_deviance(true, true) == pytest.approx(1.0)
    mean = np.broadcast_to(true.mean(axis=0), true.shape)
    assert share_of_explainable_deviance(true, mean) == pytest.approx(0.0, abs=1e-12)
    assert share_of_explainable_deviance(true, true * 1.1) < 1.0


def test_share_is_what_the_model_card_reports(plan):
    market = simulate(2_000, 12)
    judged = judge_book(plan, Book(market.policies, market.claims), **TREND)
    found = compute_discrimination(judged, true_rates=market.true_rates.to_numpy(), n_bootstrap=0).set_index("line")
    for line, share in judge(plan, market)["share_of_explainable_deviance"].items():
        assert found.loc["all" if line == "pooled" else line, "share_of_explainable"] == pytest.approx(share, abs=6e-5)


def test_murphy_adds_up(judged):
    found = compute_murphy(judged)
    assert list(found["line"]) == list(LINES)
    rebuilt = found["miscalibration"] - found["discrimination"] + found["uncertainty"]
    np.testing.assert_allclose(found["score"], rebuilt, rtol=1e-9)
    assert (found[["miscalibration", "discrimination"]] >= -1e-12).all(axis=None)
    shuffled = np.random.default_rng(1).permutation(len(judged))
    mixed = replace(judged, **{name: getattr(judged, name)[shuffled] for name in ("expected", "actual", "exposure")})
    np.testing.assert_allclose(compute_murphy(mixed)["score"], found["score"], rtol=1e-9)


def test_claims_that_came_as_expected_are_not_miscalibrated(judged):
    exact = with_actual(judged, judged.expected[:, 1:])
    assert compute_murphy(exact)["miscalibration"].to_numpy() == pytest.approx(0.0, abs=1e-12)
    slopes = compute_slopes(exact)
    assert slopes["slope"].to_numpy() == pytest.approx(1.0, abs=1e-8)
    assert slopes["ratio"].to_numpy() == pytest.approx(1.0)
    assert not compute_identification(exact)["flagged"].any()
    assert not compute_calibration(exact)["outside"].any()


def test_double_lift_swaps_with_the_plans(judged, other, book):
    against = judge_book(other, book, **TREND)
    one, two = compute_double_lift(judged, against), compute_double_lift(against, judged)
    for line in LINES:
        a, b = one[one["line"] == line], two[two["line"] == line].iloc[::-1]
        np.testing.assert_allclose(a["actual"], b["actual"])
        np.testing.assert_allclose(a["expected"], b["expected_other"])
        np.testing.assert_allclose(a["ratio_low"], 1 / b["ratio_high"])
        assert a["actual"].sum() == judged.actual[:, LINES.index(line)].sum()
    alone = compute_double_lift(judged, judged)
    np.testing.assert_array_equal(alone["actual_over_expected"], alone["actual_over_expected_other"])


# calibration


def test_claims_drawn_from_the_plan_pass(judged):
    lucky = drawn(judged, 23)
    slope = compute_slopes(lucky).iloc[0]
    assert slope["slope_low"] < 1 < slope["slope_high"]
    calibration = compute_calibration(lucky)
    assert calibration["outside"].mean() < 0.1
    assert not compute_identification(lucky)["flagged"].any()


def test_plans_that_are_wrong_are_found_out(judged):
    steep = replace(drawn(judged, 22), expected=judged.expected**2 / judged.expected.mean(axis=0))
    assert compute_slopes(steep).iloc[0]["slope_high"] < 0.9
    high = replace(drawn(judged, 22), expected=2 * judged.expected)
    found = compute_calibration(high)
    assert found[(found["dimension"] == "book") & (found["line"] == "all")]["outside"].all()
    assert compute_identification(high).iloc[0]["flagged"]


def test_slices_add_up_to_the_book(judged):
    both = pd.concat([compute_calibration(judged), compute_factor_levels(judged)])
    assert {"book", "predicted risk", "year", "revenue", "evidence weight"} < set(both["dimension"])
    assert {factor.name for factor in factors()} < set(both["dimension"])
    for (_, line), slices in both.groupby(["dimension", "line"]):
        k = LINES.index(line)
        assert slices["policies"].sum() == len(judged)
        assert slices["actual"].sum() == judged.actual[:, k].sum()
        assert slices["expected"].sum() == pytest.approx(judged.expected[:, k].sum())
        assert slices["exposure"].sum() == pytest.approx(judged.exposure[:, k].sum())
        assert ((slices["low"] <= slices["ratio"]) & (slices["ratio"] <= slices["high"])).all()


def test_bands_of_predicted_risk_ascend(judged):
    found = compute_calibration(judged)
    for _, bands in found[found["dimension"] == "predicted risk"].groupby("line"):
        assert (np.diff(bands["expected"] / bands["exposure"]) > 0).all()
        assert bands["exposure"].max() < 1.05 * bands["exposure"].min()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(2, 10))
def test_bands_keep_ties_together_and_order(values, n_bands):
    order = np.array(values, dtype=float)
    band = bands_of(order, np.ones(len(order)), n_bands)
    assert band.min() >= 0
    assert band.max() < n_bands
    for a, b in zip(order, band, strict=True):
        assert set(band[order == a]) == {b}
        assert (band[order > a] >= b).all()


@given(st.integers(0, 500), st.floats(0.1, 500))
def test_poisson_interval_is_garwoods(actual, expected):
    low, high = poisson_interval(actual, expected)
    assert low == pytest.approx(chi2.ppf(0.025, 2 * actual) / 2 / expected if actual else 0.0, rel=1e-6)
    assert high == pytest.approx(chi2.ppf(0.975, 2 * actual + 2) / 2 / expected, rel=1e-6)


def test_bias_is_what_model_diagnostics_computes(judged):
    """Level by level; not called in the library, since its t-test fails for rare claims, and it warns with polars 2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from model_diagnostics.calibration import compute_bias

        f = [factor.name for factor in factors()].index("mfa_email_coverage")
        labels = np.array(factors()[f].labels)[judged.policies.codes[:, f]]
        theirs = compute_bias(
            judged.actual[:, 0] / judged.exposure[:, 0],
            judged.rate[:, 0],
            feature=pd.Series(labels, name="level"),
            weights=judged.exposure[:, 0],
        ).to_pandas()
    ours = compute_identification(judged).query("factor == 'mfa_email_coverage'")
    both = ours.merge(theirs, left_on="slice", right_on="level")
    assert len(both) == len(ours) > 3
    np.testing.assert_allclose(both["bias"], both["bias_mean"], rtol=1e-6, atol=1e-12)


@given(st.integers(0, 60), st.floats(0.1, 60))
def test_poisson_p_value_sums_a_tail(actual, expected):
    tails = (poisson.cdf(actual, expected), poisson.sf(actual - 1, expected))
    assert poisson_p_value(actual, expected) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)
    low, high = poisson_interval(actual, expected)
    if not np.isclose(poisson_p_value(actual, expected), 0.05, rtol=1e-6):
        assert (poisson_p_value(actual, expected) < 0.05) == (not low <= 1 <= high)


def test_holm():
    assert holm(np.array([0.04, 0.001, 0.03, np.nan])).tolist() == [False, True, False, False]
    assert holm(np.array([0.01, 0.02])).tolist() == [True, True]


def test_evidence_weight(book, market):
    weight = evidence_weight(book.encoded_policies)
    assert 0 <= weight.min() < weight.max() <= 1
    signals = [name for name in cyberscore.signals() if name in market.policies]
    blank = market.policies.drop(columns=[c for c in market.policies if c.split("__")[0] in signals])
    assert (evidence_weight(Book(blank, market.claims).encoded_policies) == 0).all()


def test_cost_per_claim(plan, book, judged):
    found = compute_cost_per_claim(plan, book, judged, **TREND).set_index("line")
    whole, perils = found.loc["all"], found.loc[[peril for peril in PERILS if peril in found.index]]
    assert whole["claims"] == perils["claims"].sum() == len(book.encoded_claims.peril)
    for name in ("actual", "expected"):
        assert whole[name] * whole["claims"] == pytest.approx((perils[name] * perils["claims"]).sum())
    assert (found["open"] == 0).all()
    assert 0.4 < whole["ratio"] < 2.5


def test_open_claims_of_which_nothing_is_paid_cost_what_is_expected(plan, market):
    claims = market.claims.assign(status="open", paid=0.0)
    book = Book(market.policies, claims)
    found = compute_cost_per_claim(plan, book, judge_book(plan, book)).iloc[0]
    assert found["open"] == found["claims"]
    assert found["ratio"] == pytest.approx(1.0, abs=1e-3)


# whether it will keep

mixes = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda shares: sum(shares) > 0.1)


@given(mixes, mixes)
def test_psi(p, q):
    p, q = np.array(p), np.array(q)
    found = population_stability_index(p, q)
    assert found >= 0
    assert np.isfinite(found)
    assert found == pytest.approx(population_stability_index(q, p))
    assert population_stability_index(p, 3 * p) == pytest.approx(0.0, abs=1e-12)
    if np.abs(p / p.sum() - q / q.sum()).max() > 1e-3:
        assert found > 0


def test_drift(plan, book, market):
    assert (compute_drift(book, book)["psi"] == 0).all()
    assert (compute_drift(plan, book)["psi"] < 0.1).all()
    blind = Book(
        market.policies.drop(columns=["exposed_rdp", "exposed_rdp__source", "exposed_rdp__age_days"]), market.claims
    )
    found = compute_drift(book, blind).iloc[0]
    assert (found["factor"], found["flag"]) == ("exposed_rdp", "act")
    assert "annual_revenue" in set(compute_drift(book, blind)["factor"])
    by_year = compute_drift_by_year(book)
    assert set(by_year["year"]) == set(np.unique(book.encoded_policies.year)[1:])
    assert compute_drift_by_year(Book(market.policies.drop(columns=DATES), market.claims)) is None


def test_monotonicity(plan):
    assert compute_monotonicity(plan)["holds"].all()
    tables = {**plan.tables, "exposed_rdp": -plan.tables["exposed_rdp"]}
    found = compute_monotonicity(replace(plan, tables=tables)).set_index("factor")["holds"]
    assert not found["exposed_rdp"]
    assert found.sum() == len(found) - 1


def test_bags(plan, book):
    for bag in (0, len(plan.bag_base) - 1):
        one = bag_plan(plan, bag)
        np.testing.assert_allclose(one.cells - plan.cells, plan.bag_deviations[bag], atol=1e-12)
    with pytest.raises(ValueError, match="no bag"):
        bag_plan(plan, len(plan.bag_base))
    terms = compute_policy_stability(plan, book)
    assert len(terms) == len(book)
    assert (terms.filter(like="sd_") > 0).all(axis=None)
    cells = compute_cell_stability(plan)
    assert len(cells) == len(plan.cells)
    assert (cells["largest_sd"] >= cells["sd"]).all()
    bare = replace(plan, bag_base=None, bag_deviations=None)
    assert compute_policy_stability(bare, book) is None
    assert compute_cell_stability(bare) is None
    same = replace(plan, bag_base=0 * plan.bag_base, bag_deviations=0 * plan.bag_deviations)
    assert compute_policy_stability(same, book)["sd_all"].max() < 1e-12


# the pack and its page


def test_validation_says_what_its_frames_say(validation, judged, plan):
    summary = json.loads(json.dumps(validation.summary))
    assert summary["plan"] == plan.plan_id
    assert summary["actual_over_expected"]["all"]["actual"] == judged.actual[:, 0].sum()
    assert summary["monotone"]
    assert 0.6 < summary["discrimination"]["all"]["share_of_explainable"] < 1
    assert set(summary["murphy"]) == set(LINES)
    for name, frame in validation.frames.items():
        assert len(frame), name


def test_page(validation):
    html = validation.to_html()
    page = check_page(html, SECTIONS)
    assert page.tags.count("section") == len(SECTIONS)
    assert "Simulated data" in html
    assert "alert(" in html
    assert "<script" not in html


def test_pictures_are_the_same_every_time(validation):
    picture = Figure("", "", lambda ax: plots.plot_murphy(validation.murphy, ax))
    assert render_svg(picture, "a") == render_svg(picture, "a")


def test_page_of_a_hostile_plan_without_bags_or_other(other, book, tmp_path):
    bare = replace(other, bag_base=None, bag_deviations=None, about={"data": "<b>our book</b>"})
    found = validate(bare, book, n_bootstrap=0)
    found.save(tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    check_page(html, [name for name in SECTIONS if name != "double-lift"])
    assert "Simulated data" not in html
    assert "<b>" not in html


def test_plots_return_their_axes(validation):
    from matplotlib.figure import Figure as Canvas

    ax = Canvas().subplots()
    assert plots.plot_lorenz(validation.lorenz, ax, line="ransomware") is ax
    with pytest.raises(ValueError, match="no line 'fire'"):
        plots.plot_lorenz(validation.lorenz, ax, line="fire")


@pytest.mark.parametrize("missing", ["model_diagnostics", "matplotlib"])
def test_a_missing_extra_is_named(missing, plan, book, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, missing, None)
    drawing = partial(render_svg, Figure("", "", lambda ax: ax), "f")
    work = drawing if missing == "matplotlib" else partial(validate, plan, book)
    with pytest.raises(MissingExtraError, match=r"cyberscore\[validation\]") as caught:
        work()
    assert isinstance(caught.value, CyberscoreError)
    assert isinstance(caught.value, ImportError)
    if missing == "matplotlib":
        with pytest.raises(MissingExtraError, match="plots need matplotlib"):
            plots.new_axes()


def test_training_needs_no_extra():
    code = "import sys, cyberscore.training; print({'matplotlib', 'model_diagnostics', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


# the command line


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def test_validate_command_on_a_simulated_book(tmp_path):
    page = tmp_path / "page.html"
    done = run("validate", "sme-2026", "--simulated", 1_500, "--seed", 5, "--against", "sme-2026", "-o", page)
    assert done.exit_code == 0, done.output
    assert "actual over expected" in done.stderr
    check_page(page.read_text(encoding="utf-8"), SECTIONS)


def test_validate_command_on_files(tmp_path):
    market = simulate(1_500, 13)
    book = Book(market.policies, market.claims)
    market.policies.to_csv(tmp_path / "p.csv", index=False)
    market.claims.to_csv(tmp_path / "c.csv", index=False)
    page = tmp_path / "page.html"
    done = run("validate", "sme-2026", "--policies", tmp_path / "p.csv", "--claims", tmp_path / "c.csv", "-o", page)
    assert done.exit_code == 0, done.output
    html = page.read_text(encoding="utf-8")
    assert f"{len(book.encoded_claims.peril):,}" in html
    assert str(tmp_path) not in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a book"),
        (("--simulated", "3000", "--policies", "p.csv"), "leave out"),
        (("--simulated", "5000000"), "between 1 and"),
        (("--simulated", "3000", "--seed", "20261123"), "learned from"),
        (("--policies", "none.csv", "--claims", "none.csv"), "cannot read"),
        (("--simulated", "1500", "-o", "no/such/folder/page.html"), "cannot be written"),
    ],
)
def test_validate_command_says_what_is_wrong(arguments, message, tmp_path):
    output = () if "-o" in arguments else ("-o", tmp_path / "page.html")
    done = run("validate", "sme-2026", *arguments, *output)
    assert isinstance(done.exception, CyberscoreError)
    assert message in str(done.exception)
