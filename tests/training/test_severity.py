"""The severity fit against simulated losses whose truth is known, hidden by retentions and cut by limits."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from threadpoolctl import threadpool_limits

from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.parts import factors
from cyberscore.training.books.encoding import EncodedClaims
from cyberscore.training.learning import severity
from cyberscore.training.learning.severity import CAP, THRESHOLD, fit_severity, severity_factors

pytestmark = pytest.mark.slow

N_CODES = tuple(len(factor.labels) for factor in factors())
TRUE_MU = np.array([11.0, 10.4, 10.0, 10.8, 10.2])
TRUE_SIGMA = np.array([1.9, 1.4, 1.6, 2.0, 1.3])
SLOPE = 0.27
BACKUP = list(signals()).index("backup_isolation")


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other make the fits several times slower on a busy machine."""
    with threadpool_limits(1):
        yield


def middle_codes(n):
    """Every signal unknown, one sector, country and record count."""
    own = [about.unknown for about in signals().values()]
    return np.tile(np.array([*own, 0, 0, 3], dtype=np.uint8), (n, 1))


def simulated(n, seed, *, retentions=(0.0,), limits=(np.inf,), alpha=None, shift=None):
    """Claims as a book shows them: `n` drawn a peril, excess over the basis, those under a retention never seen.

    `shift` moves the location of risks without a backup; `alpha` replaces the tail above the threshold.
    """
    rng = np.random.default_rng(seed)
    peril = np.repeat(np.arange(len(PERILS)), n)
    codes = middle_codes(len(peril))
    log_revenue = rng.normal(np.log(5e6), 1.2, len(peril))
    mu = TRUE_MU[peril] + SLOPE * (log_revenue - np.log(1e7))
    if shift is not None:
        bad = rng.random(len(peril)) < 0.5
        codes[:, BACKUP] = np.where(bad, N_CODES[BACKUP] - 1, 0)
        mu = mu + shift * (bad & np.isin(peril, severity_factors()[BACKUP]))
    excess = np.exp(rng.normal(mu, TRUE_SIGMA[peril]))
    if alpha is not None:
        tail = excess > THRESHOLD
        excess[tail] = THRESHOLD * (1.0 - rng.random(int(tail.sum()))) ** (-1.0 / alpha)
        excess = np.minimum(excess, CAP)
    hidden = rng.choice(retentions, len(peril))
    limit = rng.choice(limits, len(peril))
    seen = excess > hidden
    top = hidden + limit
    claims = EncodedClaims(
        policy=np.arange(int(seen.sum())),
        peril=peril[seen],
        excess=np.minimum(excess, top)[seen],
        censored=(excess >= top)[seen],
        truncation=hidden[seen],
    )
    return claims, codes[seen], log_revenue[seen]


def location(fit, n=1):
    """Location of the middle risk at a revenue of 10M, by peril."""
    return fit.location(middle_codes(n), np.full(n, np.log(1e7)))[0]


def naive(claims, log_revenue):
    """Mean and spread of the log excess as seen, by peril."""
    log_y = np.log(claims.excess) - SLOPE * (log_revenue - np.log(1e7))
    mine = [log_y[claims.peril == k] for k in range(len(PERILS))]
    return np.array([x.mean() for x in mine]), np.array([x.std() for x in mine])


def test_whole_losses_are_fitted_as_anyone_would():
    claims, codes, log_revenue = simulated(3_000, 1)
    fit = fit_severity(claims, codes, log_revenue, N_CODES)
    assert location(fit) == pytest.approx(TRUE_MU, abs=0.12)
    assert fit.sigma == pytest.approx(TRUE_SIGMA, abs=0.08)
    assert fit.slope == pytest.approx([SLOPE] * len(PERILS), abs=0.05)


@pytest.mark.parametrize("seed", [2, 3])
def test_retentions_and_limits_do_not_mislead(seed):
    """A retention hides the small losses, a limit cuts the large ones; both at once leave neither mean nor spread."""
    claims, codes, log_revenue = simulated(
        6_000, seed, retentions=(0.0, 15_000.0, 40_000.0, 90_000.0), limits=(50_000.0, 250_000.0, 1e6)
    )
    assert 0.1 < claims.censored.mean() < 0.6
    fit = fit_severity(claims, codes, log_revenue, N_CODES)
    naive_mu, naive_sigma = naive(claims, log_revenue)
    assert location(fit) == pytest.approx(TRUE_MU, abs=0.15)
    assert fit.sigma == pytest.approx(TRUE_SIGMA, abs=0.12)
    assert np.abs(naive_mu - TRUE_MU).max() > 0.4
    assert (TRUE_SIGMA - naive_sigma).max() > 0.4


def test_losses_beyond_the_threshold_do_not_bend_the_body():
    """All above the threshold is censored in the body's fit: a heavy tail leaves the lognormal as it is."""
    plain, codes, log_revenue = simulated(3_000, 4)
    heavy = EncodedClaims(
        plain.policy,
        plain.peril,
        np.where(plain.excess > THRESHOLD, np.minimum(plain.excess * 5, CAP), plain.excess),
        plain.censored,
        plain.truncation,
    )
    one, other = (fit_severity(claims, codes, log_revenue, N_CODES) for claims in (plain, heavy))
    assert location(one) == pytest.approx(location(other), abs=1e-9)
    assert one.sigma == pytest.approx(other.sigma, abs=1e-9)
    assert other.alpha[0] < one.alpha[0]


def test_a_factor_shifts_the_perils_it_may():
    claims, codes, log_revenue = simulated(4_000, 5, shift=0.6)
    table = fit_severity(claims, codes, log_revenue, N_CODES).tables[BACKUP]
    moved = [PERILS.index("ransomware"), PERILS.index("system_outage")]
    assert (table[-1] - table[0])[moved] == pytest.approx([0.6, 0.6], abs=0.15)
    assert not np.delete(table, moved, axis=1).any()
    assert (np.diff(table, axis=0) >= 0.0).all()


def test_a_shift_against_the_order_is_held_at_nothing():
    claims, codes, log_revenue = simulated(2_000, 6, shift=-0.6)
    table = fit_severity(claims, codes, log_revenue, N_CODES).tables[BACKUP]
    assert (np.diff(table, axis=0) >= 0.0).all()
    assert table.max() == pytest.approx(0.0, abs=1e-6)


def test_weights_count_claims():
    claims, codes, log_revenue = simulated(400, 7)
    weight = np.random.default_rng(7).integers(0, 3, len(claims.peril)).astype(float)
    again = np.repeat(np.arange(len(weight)), weight.astype(int))
    repeated = EncodedClaims(
        *(column[again] for column in (claims.policy, claims.peril, claims.excess, claims.censored, claims.truncation))
    )
    one = fit_severity(claims, codes, log_revenue, N_CODES, weight)
    other = fit_severity(repeated, codes[again], log_revenue[again], N_CODES)
    assert location(one) == pytest.approx(location(other), abs=5e-3)
    assert one.sigma == pytest.approx(other.sigma, abs=5e-3)
    assert one.alpha == pytest.approx(other.alpha)


@pytest.mark.parametrize(("true", "low", "high"), [(0.9, 0.85, 1.0), (1.1, 1.05, 1.15), (1.25, 1.15, 1.3)])
def test_tail_index(true, low, high):
    claims, codes, log_revenue = simulated(4_000, 8, alpha=true)
    assert (claims.excess > THRESHOLD).sum() > 300
    fit = fit_severity(claims, codes, log_revenue, N_CODES)
    assert low < fit.alpha[0] < high
    assert len(set(fit.alpha.tolist())) == 1


@pytest.mark.parametrize(("true", "bound"), [(0.4, 0.8), (4.0, 1.3)])
def test_tail_index_stays_within_the_evidence(true, bound):
    claims, codes, log_revenue = simulated(4_000, 9, alpha=true)
    assert fit_severity(claims, codes, log_revenue, N_CODES).alpha[0] == bound


def test_without_large_claims_the_tail_is_that_of_the_evidence():
    claims, codes, log_revenue = simulated(100, 10, limits=(100_000.0,))
    assert fit_severity(claims, codes, log_revenue, N_CODES).alpha == pytest.approx([1.1] * len(PERILS))


def test_a_peril_without_claims_has_a_fit():
    claims, codes, log_revenue = simulated(200, 11)
    some = claims.peril < 4
    rest = EncodedClaims(
        *(column[some] for column in (claims.policy, claims.peril, claims.excess, claims.censored, claims.truncation))
    )
    fit = fit_severity(rest, codes[some], log_revenue[some], N_CODES)
    assert np.isfinite(location(fit)).all()
    assert fit.sigma[4] == pytest.approx(1.6, abs=1e-3)


def test_gradient_of_the_likelihood(monkeypatch):
    """Against finite differences, where claims are whole, cut, hidden, and beyond the threshold."""
    caught = {}

    def minimize(objective, start, **options):
        caught.update(objective=objective, start=start)
        return found(objective, start, **options)

    found = severity.minimize
    monkeypatch.setattr(severity, "minimize", minimize)
    claims, codes, log_revenue = simulated(60, 12, retentions=(0.0, 2e4), limits=(1e5, 5e6), shift=0.5)
    codes[:, len(signals())] = np.arange(len(codes)) % N_CODES[len(signals())]
    weight = np.random.default_rng(12).uniform(0.2, 2.0, len(codes))
    fit_severity(claims, codes, log_revenue, N_CODES, weight)
    assert claims.censored.any()
    assert (claims.truncation > 0).any()
    assert (claims.excess > THRESHOLD).any()
    rng = np.random.default_rng(13)
    for _ in range(3):
        theta = caught["start"] + rng.uniform(0.0, 0.4, len(caught["start"]))
        _, gradient = caught["objective"](theta)
        gap = check_grad(lambda t: caught["objective"](t)[0], lambda t: caught["objective"](t)[1], theta)
        assert np.linalg.norm(gradient) > 1.0
        assert gap < 1e-4 * np.linalg.norm(gradient)
