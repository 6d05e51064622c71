"""What earns its place out of fold: honest folds, no boosting on few claims, pairs that are there and no others."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import cyberscore
from cyberscore.market import simulate
from cyberscore.profile import signals
from cyberscore.rating.parts import factors
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.learning import selection
from cyberscore.training.learning.exposure import Experience
from cyberscore.training.learning.frequency import FrequencyOptions, log_rates
from cyberscore.training.learning.selection import rates_of_plan, screen_interactions, select

pytestmark = pytest.mark.slow

N = 4_000
BOOSTING = {"learning_rate": 0.1, "max_iter": 4, "max_leaf_nodes": 4, "min_samples_leaf": 200}
PAIR = ("mfa_email_coverage", "dmarc_policy")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other make small fits many times slower on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def policies():
    return encode_policies(simulate(N, 31).policies)


@pytest.fixture(scope="module")
def additive(policies):
    """Log rates of the shipped plan without its pairs."""
    rates = replace(rates_of_plan(cyberscore.load_plan()), pairs={})
    return log_rates(policies, np.arange(N), rates)


def experience_of(policies, rates, n_claims, seed):
    exposure = np.full(rates.shape, n_claims / np.exp(rates).sum())
    return Experience(policies, np.random.default_rng(seed).poisson(exposure * np.exp(rates)).astype(float), exposure)


def product_of(policies, pair):
    """Product of the places of two signals, each 0 at its safest and 1 at its riskiest, centred and of spread 1."""
    names = [name for name, factor in zip(signals(), factors(), strict=False) if factor.monotone]
    own = selection._places(policies)[:, [names.index(name) for name in pair]]
    centred = (own - own.mean(axis=0)) / own.std(axis=0)
    product = centred.prod(axis=1)
    return product / product.std()


# --- folds


@pytest.fixture(scope="module")
def renewed(policies):
    """Insureds of one to three terms."""
    return replace(policies, insured=np.random.default_rng(1).integers(N // 2, size=N))


def test_no_insured_is_learned_from_and_judged_on(renewed):
    folds = list(selection._folds(renewed, 7))
    assert len(folds) == selection.FOLDS + 1
    for train, test in folds:
        assert len(test) > 0
        assert not set(renewed.insured[train]) & set(renewed.insured[test])


def test_every_term_is_judged_once_by_folds_of_insureds(renewed):
    folds = list(selection._folds(renewed, 7))[: selection.FOLDS]
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(N))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(N))
        assert len(test) == pytest.approx(N / selection.FOLDS, rel=0.1)


def test_the_last_year_is_judged_by_the_others(renewed):
    train, test = list(selection._folds(renewed, 7))[-1]
    last = renewed.year.max()
    assert train.tolist() == np.flatnonzero(renewed.year < last).tolist()
    assert (renewed.year[test] == last).all()
    new = ~np.isin(renewed.insured, renewed.insured[train])
    assert len(test) == ((renewed.year == last) & new).sum()


@pytest.mark.parametrize("year", [None, np.full(N, 2025)])
def test_a_book_of_one_year_has_no_last_one(renewed, year):
    assert len(list(selection._folds(replace(renewed, year=year), 7))) == selection.FOLDS


# --- what is chosen


def chosen(experience, *, prior=None, screen=False, pairs=(), n_jobs=None):
    options = FrequencyOptions(pairs=pairs, boosting=BOOSTING)
    return select(experience, options=options, prior=prior, screen=screen, seed=1, n_jobs=n_jobs)


def test_few_claims_are_not_boosted_nor_screened(policies, additive):
    experience = experience_of(policies, additive, 0.9 * selection.MIN_CLAIMS_TO_BOOST, seed=1)
    assert 0.8 * selection.MIN_CLAIMS_TO_BOOST < experience.counts.sum() < selection.MIN_CLAIMS_TO_BOOST
    found = chosen(experience, screen=True)
    assert found.boosting_share == 0.0
    assert found.way == 1.0
    assert found.pairs == ()
    assert found.screened == ()
    assert set(found.deviance) == {"mean", "stage 0", "own tables"}


def test_all_candidates_are_judged_on_all_rows(policies, additive):
    experience = experience_of(policies, additive, 1.2 * selection.MIN_CLAIMS_TO_BOOST, seed=2)
    found = chosen(experience)
    by_share = {share: found.deviance[selection._boosting_name(share)] for share in selection.BOOSTING_SHARES}
    assert set(found.deviance) == set(found.gain) == {"mean", "stage 0", *map(selection._boosting_name, by_share)}
    assert by_share[found.boosting_share] == min(by_share.values())
    assert found.way == 1.0
    assert found.gain["stage 0"] == (0.0, 0.0)
    for name, (gain, _) in found.gain.items():
        assert gain == pytest.approx(found.deviance["stage 0"] - found.deviance[name], abs=1e-12)
    assert found.gain["mean"][0] < -3 * found.gain["mean"][1]
    told = found.to_dict()
    assert told["deviance"] == {name: round(value, 6) for name, value in found.deviance.items()}


@pytest.fixture(scope="module")
def off(additive):
    """Log rates of half the spread: what the shipped plan says of these firms is too steep by far."""
    centre = additive.mean(axis=0)
    return centre + 0.5 * (additive - centre)


@pytest.mark.parametrize(
    ("true", "n_claims", "least", "most"), [("additive", 1_900, 0.0, 0.6), ("off", 1_900, 0.9, 1.0)]
)
def test_own_claims_lead_as_far_from_a_prior_as_they_are_worth(policies, request, true, n_claims, least, most):
    """A prior that is right is kept, one that is wrong is left."""
    experience = experience_of(policies, request.getfixturevalue(true), n_claims, seed=2)
    found = chosen(experience, prior=cyberscore.load_plan())
    assert set(found.deviance) == {"mean", *map(selection._way_name, selection.WAYS)}
    deviances = np.array([found.deviance[selection._way_name(way)] for way in selection.WAYS])
    assert found.way == selection._mean_way(deviances * len(policies))
    assert least <= found.way <= most
    assert found.boosting_share == 0.0
    assert found.gain["prior plan"] == (0.0, 0.0)


def test_the_way_from_the_prior_is_the_likely_one():
    """Each way counts by its likelihood: all alike half way, one far ahead that one."""
    mean_way = selection._mean_way
    assert mean_way(np.array([7.0, 7.0, 7.0])) == 0.5
    assert mean_way(np.array([0.0, 30.0, 30.0])) == 0.0
    assert mean_way(np.array([30.0, 30.0, 0.0])) == 1.0
    assert mean_way(np.array([0.0, 100.0, 2.0 * np.log(3.0)])) == 0.25


def test_the_deviance_is_that_of_poisson():
    claims, expected = np.array([[0.0, 1.0, 3.0]]), np.array([[0.5, 1.0, 2.0]])
    found = selection._deviances(claims, expected)
    np.testing.assert_allclose(found, [[1.0, 0.0, 2 * (3 * np.log(1.5) - 1)]])


# --- pairs


def test_a_strong_pair_is_found_on_both_halves_and_chosen(policies, additive):
    planted = additive + 0.5 * product_of(policies, PAIR)[:, None]
    experience = experience_of(policies, planted, 4_000, seed=3)
    screened = screen_interactions(experience, prior=None, seed=5)
    names, z, again = screened[0]
    assert set(names) == set(PAIR)
    assert min(z, again) > selection._CLEAR + 2
    found = chosen(experience, screen=True, n_jobs=1)
    assert found.pairs
    assert set(found.pairs[0]) == set(PAIR)
    assert len(found.pairs) <= selection.MAX_PAIRS
    assert found.to_dict()["screened"][0][0] == " x ".join(names)


def test_a_pair_that_was_asked_for_is_kept_and_not_asked_for_twice(policies, additive):
    planted = additive + 0.5 * product_of(policies, PAIR)[:, None]
    experience = experience_of(policies, planted, 4_000, seed=3)
    wanted = (("mfa_remote_coverage", "exposed_rdp"), PAIR)
    found = chosen(experience, screen=True, pairs=wanted)
    assert found.pairs[:2] == wanted
    assert len({frozenset(pair) for pair in found.pairs}) == len(found.pairs) <= selection.MAX_PAIRS


@pytest.mark.parametrize("seed", range(4))
def test_chance_is_not_called_clear(policies, additive, seed):
    screened = screen_interactions(experience_of(policies, additive, 4_000, seed), prior=None, seed=seed)
    assert len(screened) == 12 + 3
    together = [(z + again) / np.sqrt(2.0) for names, z, again in screened if len(names) == 2]
    assert together == sorted(together, reverse=True)
    assert 1.5 < together[0] < selection._CLEAR  # the highest of 700 by chance


def test_scores_of_pairs_and_triples_are_those_of_their_products(policies):
    """Of a product alone in a Poisson model: sum of product x residual over its standard deviation."""
    rng = np.random.default_rng(6)
    places, expected = rng.random((500, 4)), rng.random(500)
    residual = rng.poisson(expected) - expected
    centred = places - (expected @ places) / expected.sum()
    scores = selection._pair_scores(centred, expected, residual)
    for a, b in ((0, 1), (2, 3)):
        product = centred[:, a] * centred[:, b]
        assert scores[a, b] == pytest.approx(product @ residual / np.sqrt(expected @ product**2))
        assert scores[a, b] == pytest.approx(scores[b, a])
    product = centred[:, [0, 1, 2]].prod(axis=1)
    triple = selection._triple_score(places, expected, residual, (0, 1, 2))
    assert triple == pytest.approx(product @ residual / np.sqrt(expected @ product**2))
