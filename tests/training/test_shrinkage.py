"""The shrunk additive part: monotone always; few claims leave the prior as it is, many find the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import cyberscore
from cyberscore.market import simulate
from cyberscore.perils import PERILS
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.learning import shrinkage
from cyberscore.training.learning.design import design_matrix, layout, of_plan
from cyberscore.training.learning.shrinkage import GROUPS, fit_shrunk
from cyberscore.training.validation.discrimination import share_of_explainable_deviance

N = 3_000
SEEDS = range(3)
ORDERED = layout().ordered


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other make small fits many times slower on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module", name="X")
def matrix():
    return design_matrix(encode_policies(simulate(N, 3).policies), np.arange(N))


@pytest.fixture(scope="module")
def plan():
    """Coefficients of the shipped plan: a prior, or a known truth of the additive form."""
    return of_plan(cyberscore.load_plan())


def rates(X, coefficients):
    return np.exp(X.astype(float) @ coefficients.T)


def claims_of(X, truth, n_claims, seed):
    """Claims of these coefficients, and the exposure at which about so many are expected."""
    true = rates(X, truth)
    exposure = np.full(true.shape, n_claims / true.sum())
    return np.random.default_rng(seed).poisson(exposure * true).astype(float), exposure


def off_by(coefficients, seed, spread=0.3):
    """Every signal's, sector's and country's effect on each peril times a random factor."""
    rng = np.random.default_rng(seed)
    found = coefficients.copy()
    for span in (*layout().steps.values(), *layout().levels.values()):
        found[:, span] *= np.exp(spread * rng.standard_normal((len(PERILS), 1)))
    return found


def distance(X, one, other):
    """Standard deviation of the log of the ratio of two rates, mean over perils: no matter the level."""
    return float((X.astype(float) @ (one - other).T).std(axis=0).mean())


@given(seed=st.integers(0, 1_000), with_prior=st.booleans(), n_claims=st.sampled_from([20, 500, 10_000]))
@settings(max_examples=12)
def test_no_step_goes_down(X, plan, seed, with_prior, n_claims):
    """Even when claims say so: drawn from effects that are turned around."""
    claims, exposure = claims_of(X, np.where(ORDERED, -1.0, 1.0) * plan, n_claims, seed)
    fit = fit_shrunk(X, claims, exposure, prior=plan if with_prior else None, seed=seed)
    assert fit.full[:, ORDERED].min() > -1e-9
    assert fit.stage_zero[:, ORDERED].min() > -1e-9
    assert np.isfinite(fit.full).all()


def test_the_groups_are_the_perils():
    assert sorted(peril for group in GROUPS for peril in group) == sorted(PERILS)


# --- without a prior plan


def test_many_claims_find_more_than_one_hygiene_index(X, plan):
    claims, exposure = claims_of(X, plan, 20_000, seed=1)
    fit = fit_shrunk(X, claims, exposure)
    true = rates(X, plan)
    stage_zero, full = (share_of_explainable_deviance(true, rates(X, b)) for b in (fit.stage_zero, fit.full))
    assert full > 0.97
    assert full > stage_zero + 0.01


def test_more_claims_find_more(X, plan):
    true = rates(X, plan)
    means = []
    for n_claims in (100, 1_000, 10_000):
        fits = [fit_shrunk(X, *claims_of(X, plan, n_claims, seed)).full for seed in SEEDS]
        means.append(np.mean([share_of_explainable_deviance(true, rates(X, fit)) for fit in fits]))
    assert means == sorted(means)
    assert means[0] > 0.4  # a hundred claims are believed, with care
    assert means[2] > 0.95


def test_stage_zero_is_one_index(X, plan):
    """Each peril's steps are one number times a step's share of its signal's way."""
    fit = fit_shrunk(X, *claims_of(X, plan, 2_000, seed=2))
    slopes = fit.stage_zero[:, ORDERED] / layout().index[ORDERED]
    np.testing.assert_allclose(slopes, np.broadcast_to(slopes[:, :1], slopes.shape))
    assert (slopes > 0).all()
    assert np.ptp(fit.full[:, ORDERED] / layout().index[ORDERED], axis=1).min() > 0.01


def test_without_claims_the_index_is_that_of_the_evidence(X):
    nothing = np.zeros((N, len(PERILS)))
    fit = fit_shrunk(X, nothing, nothing + 1e-9)
    slopes = fit.full[:, ORDERED] / layout().index[ORDERED]
    assert np.ptp(slopes) < 0.01
    assert 0.08 < slopes.mean() < 0.2


def test_expected_claims_are_those_there_were(X, plan):
    claims, exposure = claims_of(X, plan, 5_000, seed=4)
    fit = fit_shrunk(X, claims, exposure)
    expected = (exposure * rates(X, fit.full)).sum(axis=0)
    assert expected == pytest.approx(claims.sum(axis=0), rel=0.01)


def test_perils_of_a_group_learn_from_each_other(X, plan):
    """What data breach alone suffers from is believed of ransomware in part, and more than of email."""
    f, span = next(iter(layout().steps.items()))
    truth = np.where(ORDERED, 0.3, 1.0) * plan
    breach, cousin, stranger = (PERILS.index(one) for one in ("data_breach", "ransomware", "email_compromise"))
    steeper = truth.copy()
    steeper[breach, span] += 0.3
    rise = []
    for one in (truth, steeper):
        exposure = claims_of(X, truth, 8_000, seed=5)[1]
        fit = fit_shrunk(X, rates(X, one) * exposure, exposure)  # claims as expected, without chance
        rise.append(fit.full[:, span].sum(axis=1))
    more = rise[1] - rise[0]
    assert more[breach] > more[cousin] > more[stranger] > 0.0
    assert f in layout().steps


def test_same_seed_same_bytes_and_weights_are_rows(X, plan):
    claims, exposure = claims_of(X, plan, 1_000, seed=6)
    one, again = (fit_shrunk(X, claims, exposure, seed=1) for _ in range(2))
    assert one.full.tobytes() == again.full.tobytes()
    times = np.random.default_rng(0).integers(0, 3, N)
    rows = np.repeat(np.arange(N), times)
    weighted = fit_shrunk(X, claims * times[:, None], exposure * times[:, None])
    repeated = fit_shrunk(X[rows], claims[rows], exposure[rows])
    np.testing.assert_allclose(weighted.full, repeated.full, atol=2e-2)
    assert distance(X, weighted.full, repeated.full) < 5e-3


# --- with a prior plan


def test_without_experience_the_prior_comes_back(X, plan):
    nothing = np.zeros((N, len(PERILS)))
    fit = fit_shrunk(X, nothing, nothing + 1e-9, prior=plan)
    np.testing.assert_allclose(fit.full, plan, atol=1e-5)


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_claims_everywhere_alike_move_the_level_alone(X, plan, times):
    true = rates(X, plan)
    exposure = np.full(true.shape, 10_000 / true.sum())
    fit = fit_shrunk(X, times * true * exposure, exposure, prior=plan)
    assert distance(X, fit.full, plan) < 0.01
    np.testing.assert_allclose(np.log(rates(X, fit.full) / true).mean(axis=0), np.log(times), atol=0.02)


def test_the_level_is_believed_by_its_claims(X, plan):
    """Claims twice as many as the prior expects: the fewer there are, the less of it is believed."""
    true = rates(X, plan)
    moves = []
    for n_claims in (2, 20, 200, 2_000):
        exposure = np.full(true.shape, n_claims / true.sum())
        fit = fit_shrunk(X, 2.0 * true * exposure, exposure, prior=plan)
        moves.append(float(np.log(rates(X, fit.full) / true).mean() / np.log(2.0)))
    assert moves == sorted(moves)
    assert moves[0] < 0.3
    assert moves[-1] > 0.9


def test_few_claims_stay_near_a_prior_that_is_off_and_many_find_the_truth(X, plan):
    from_truth, from_prior, shares = [], [], []
    truths = [off_by(plan, seed) for seed in SEEDS]
    for n_claims in (30, 3_000, 30_000, 300_000):
        fits = [
            fit_shrunk(X, *claims_of(X, truth, n_claims, seed), prior=plan).full for seed, truth in enumerate(truths)
        ]
        from_truth.append(np.mean([distance(X, fit, truth) for fit, truth in zip(fits, truths, strict=True)]))
        from_prior.append(np.mean([distance(X, fit, plan) for fit in fits]))
        true = [rates(X, truth) for truth in truths]
        found = [rates(X, fit) for fit in fits]
        shares.append(np.mean([share_of_explainable_deviance(*both) for both in zip(true, found, strict=True)]))
    gap = np.mean([distance(X, plan, truth) for truth in truths])
    assert from_prior[0] < 0.4 * gap
    assert from_truth[0] < 1.1 * gap
    assert from_truth == sorted(from_truth, reverse=True)
    assert from_truth[-1] < 0.5 * gap
    assert shares == sorted(shares)
    assert shares[0] > 0.85
    assert shares[-1] > 0.99


def too_steep(X, plan):
    """Return the plan with all effects of signals doubled, and its mean rates as they were."""
    steep = np.where(ORDERED, 2.0, 1.0) * plan
    steep[:, layout().hats] += np.log(rates(X, plan).mean(axis=0) / rates(X, steep).mean(axis=0))[:, None]
    return steep


def kept_of(steep, fit):
    return float(fit.full[:, ORDERED].sum() / steep[:, ORDERED].sum())


def test_a_prior_too_steep_is_flattened(X, plan):
    """Claims take its effects back, the more of them the nearer to half."""
    steep = too_steep(X, plan)
    kept = [
        kept_of(steep, fit_shrunk(X, *claims_of(X, plan, n_claims, seed=1), prior=steep))
        for n_claims in (100, 1_000, 10_000, 100_000)
    ]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 0.85
    assert kept[-1] == pytest.approx(0.5, abs=0.03)


def test_signals_that_are_too_steep_together_are_flattened_sooner(X, plan, monkeypatch):
    steep = too_steep(X, plan)
    book = claims_of(X, plan, 1_000, seed=1)
    kept = kept_of(steep, fit_shrunk(X, *book, prior=steep))
    monkeypatch.setattr(shrinkage, "FLATTENING", 0.0)
    assert kept < kept_of(steep, fit_shrunk(X, *book, prior=steep)) - 0.02
