"""Count development and honest likelihoods: what a book as of a date, or under other covers, says of the truth."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from cyberscore.market import market_parameters, simulate
from cyberscore.market.parameters import parameters_from
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.rating.parts import factors
from cyberscore.training.books.book import Book
from cyberscore.training.books.columns import day_of
from cyberscore.training.books.development import DEFAULT_CLAIMS, ReportingDelays, default_delays, fit_reporting_delays
from cyberscore.training.learning.severity import fit_severity

pytestmark = pytest.mark.slow  # learns many times over

AS_OF = date(2025, 6, 30)
N_CODES = tuple(len(factor.labels) for factor in factors())
SLOW = ReportingDelays((30.0, 60.0, 90.0, 150.0, 20.0), (1.0, 1.3, 0.8, 1.1, 1.6))


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other make the fits several times slower on a busy machine."""
    with threadpool_limits(1):
        yield


# --- the share that is reported


def test_share_reported_rises_from_nothing_to_all():
    share = SLOW.share_reported(np.arange(-5, 4_000))
    assert (share[:5] == 0.0).all()
    assert (np.diff(share, axis=0) >= 0).all()
    assert (share[-1] > 0.98).all()
    assert SLOW.share_reported(np.array([29]))[0, 0] == pytest.approx(0.5)  # a delay of under 30 days: at 29 days' age


def test_mean_share_is_the_mean_over_days():
    start, end = np.array([0, 100, 700, 960]), np.array([365, 465, 1_065, 1_325])
    mean = SLOW.mean_share_reported(start, end, as_of=960)
    for row, (a, b) in enumerate(zip(start, end, strict=True)):
        days = np.arange(a, min(b, 961))
        np.testing.assert_allclose(mean[row], SLOW.share_reported(960 - days).mean(axis=0), rtol=1e-12)


def test_exposure_times_share_reported_is_what_claims_are_counted_from():
    """A million claims of terms begun over two years: by peril within three standard errors."""
    rng = np.random.default_rng(3)
    n, as_of = 1_000_000, 730
    start = rng.integers(0, as_of, n)
    occurred = start + rng.integers(0, 365, n)
    share = SLOW.mean_share_reported(start, start + 365, as_of)
    exposure = (np.minimum(start + 365, as_of + 1) - start) / 365
    for k in range(len(PERILS)):
        delay = np.floor(SLOW.median_days[k] * np.exp(SLOW.log_sigma[k] * rng.standard_normal(n)))
        known = (occurred + delay <= as_of).sum()
        expected = exposure @ share[:, k]
        assert abs(known - expected) < 3 * np.sqrt(expected)
        assert known < exposure.sum() * 0.97  # what a naive count would be off by


# --- how late claims are reported


def reports(delays, n, *, window, seed):
    """Claims that occurred evenly over a window of days and were reported within it."""
    rng = np.random.default_rng(seed)
    peril = rng.integers(0, len(PERILS), n)
    age = rng.integers(0, window, n)
    delay = np.floor(
        np.array(delays.median_days)[peril] * np.exp(np.array(delays.log_sigma)[peril] * rng.standard_normal(n))
    ).astype(np.int64)
    seen = delay <= age
    return delay[seen], age[seen], peril[seen]


def test_delays_are_recovered_though_the_late_are_not_seen_yet():
    delay, age, peril = reports(SLOW, 20_000, window=400, seed=5)
    found = fit_reporting_delays(delay, age, peril)
    np.testing.assert_allclose(found.median_days, SLOW.median_days, rtol=0.15)
    np.testing.assert_allclose(found.log_sigma, SLOW.log_sigma, rtol=0.12)
    assert found.claims == tuple(np.bincount(peril).tolist())
    naive = np.array([np.median(delay[peril == k]) for k in range(len(PERILS))])
    assert (naive[1:4] < 0.85 * np.array(SLOW.median_days)[1:4]).all()  # what truncation hides


def test_few_claims_stay_near_the_default():
    default = default_delays()
    nothing = fit_reporting_delays(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    assert nothing.median_days == pytest.approx(default.median_days)
    assert nothing.log_sigma == pytest.approx(default.log_sigma)
    late = np.full(3, 400)
    one = fit_reporting_delays(late, late + 1_000, np.zeros(3, dtype=np.int64))
    assert default.median_days[0] < one.median_days[0] < 20.0
    assert one.median_days[1:] == pytest.approx(default.median_days[1:])
    pull = np.log(one.median_days[0] / default.median_days[0]) / np.log(400 / default.median_days[0])
    assert pull == pytest.approx(3 / (3 + DEFAULT_CLAIMS), abs=0.03)


# --- frequency as of a date


def slow_market(n, seed, as_of=None):
    about = market_parameters().raw
    raw = {
        **about,
        "reporting": {
            **about["reporting"],
            "median_days": dict(zip(PERILS, SLOW.median_days, strict=True)),
            "log_sigma": dict(zip(PERILS, SLOW.log_sigma, strict=True)),
        },
    }
    return simulate(n, seed, parameters=parameters_from(raw), as_of=as_of)


@pytest.fixture(scope="module")
def early():
    """Terms begun in the last eighteen months: what is known of them, and what will be."""
    parts = []
    for as_of in (AS_OF, None):
        market = slow_market(150_000, 9, as_of)
        recent = market.policies["start"].between("2024-01-01", pd.Timestamp(AS_OF))
        policies = market.policies[recent].reset_index(drop=True)
        claims = market.claims[market.claims["policy_id"].isin(policies["policy_id"])].reset_index(drop=True)
        parts.append(Book(policies, claims, as_of=as_of))
    return parts


def counts_by_year(book):
    """Claims by year of the term and peril."""
    policies, claims = book.encoded_policies, book.encoded_claims
    year = policies.year[claims.policy] - 2024
    return np.array([np.bincount(claims.peril[year == one], minlength=len(PERILS)) for one in (0, 1)])


def test_reported_exposure_makes_frequency_unbiased(early):
    """Year by year, since rates move: claims known now over reported exposure are claims in the end over exposure."""
    known, ultimate = early
    policies = known.encoded_policies
    years = [policies.year == one for one in (2024, 2025)]
    rates = counts_by_year(ultimate) / np.array([[ultimate.encoded_policies.exposure[one].sum()] for one in years])
    expected = rates * np.array([policies.exposure[one] @ policies.reported[one] for one in years])
    counts = counts_by_year(known)
    assert counts.sum() > 300
    z = (counts.sum(axis=0) - expected.sum(axis=0)) / np.sqrt(expected.sum(axis=0))
    assert (np.abs(z) < 3).all()
    assert abs(counts.sum() / expected.sum() - 1) < 3 / np.sqrt(expected.sum())
    naive = (rates * np.array([[policies.exposure[one].sum()] for one in years])).sum()
    assert counts.sum() / naive < 0.8
    assert counts.sum() < naive - 5 * np.sqrt(naive)


# --- severity as of a date


def severity_of(claims, policies, weight=None):
    return fit_severity(claims, policies.codes[claims.policy], np.log(policies.revenue[claims.policy]), N_CODES, weight)


def test_open_claims_are_censored_not_taken_as_final():
    market, last = simulate(150_000, 31), simulate(150_000, 31, as_of=AS_OF)
    known = Book(last.policies, last.claims, as_of=AS_OF)
    # the same claims, years later
    later = market.claims[market.claims["claim_id"].isin(last.claims["claim_id"])]
    final = Book(market.policies, later)
    naive = Book(last.policies, last.claims.assign(incurred=np.maximum(last.claims["paid"], 0.01), status="closed"))
    assert known.encoded_claims.censored.mean() > 2 * final.encoded_claims.censored.mean()
    location = []
    for book in (known, final, naive):
        fit = severity_of(book.encoded_claims, book.encoded_policies)
        policies = final.encoded_policies
        location.append(fit.location(policies.codes, np.log(policies.revenue)).mean(axis=0))
    censored, at_ultimate, as_paid = location
    assert censored == pytest.approx(at_ultimate, abs=0.25)
    assert censored.mean() == pytest.approx(at_ultimate.mean(), abs=0.08)
    assert (as_paid < at_ultimate).all()
    assert as_paid.mean() < at_ultimate.mean() - 0.2


# --- honest likelihood: covers of one book, truth of all

MU, SIGMA, RATE = 10.9, 1.6, 0.05


def carrier(n, *, retentions, limits, seed, rate=RATE):
    """Book of like firms whose excess over the basis is lognormal; one peril, no posture."""
    rng = np.random.default_rng(seed)
    policies = pd.DataFrame(
        {
            "policy_id": np.arange(n),
            "annual_revenue": 1e7,
            "sector": "retail",
            "country": "US",
            "exposure": 1.0,
            "retention": rng.choice(retentions, n),
            "limit": rng.choice(limits, n),
        }
    )
    policy = np.repeat(np.arange(n), rng.poisson(rate, n))
    gross = BASIS_RETENTION + np.exp(rng.normal(MU, SIGMA, len(policy)))
    cover = policies.iloc[policy]
    net = np.minimum(gross - cover["retention"].to_numpy(), cover["limit"].to_numpy())
    claims = pd.DataFrame({"policy_id": policy, "peril": "ransomware", "incurred": net})
    return Book(policies, claims[net > 0].reset_index(drop=True))


def visible(policies, fit):
    """Share of each policy's claims above the basis that its retention lets through."""
    hidden = np.maximum(policies.retention - BASIS_RETENTION, 1e-9)
    location = fit.location(policies.codes, np.log(policies.revenue))[:, 0]
    return ndtr((location - np.log(hidden)) / fit.sigma[0])


def test_a_book_of_low_retentions_foretells_counts_at_high_ones():
    low = carrier(60_000, retentions=[1e4, 2.5e4], limits=[1e5, 2.5e5], seed=1)
    policies, claims = low.encoded_policies, low.encoded_claims
    fit = severity_of(claims, policies)
    rate = len(claims.peril) / (policies.exposure * visible(policies, fit)).sum()
    assert rate == pytest.approx(RATE, rel=3 / np.sqrt(len(claims.peril)))
    for retention in (2.5e4, 1e5, 2.5e5):
        other = carrier(40_000, retentions=[retention], limits=[2e6, 5e6], seed=int(retention))
        counted = len(other.encoded_claims.peril)
        foretold = rate * (other.encoded_policies.exposure * visible(other.encoded_policies, fit)).sum()
        error = np.sqrt(counted + (0.05 * foretold) ** 2)
        assert abs(counted - foretold) < 3 * error, retention
        # without the retentions' effect they would be far off
        assert counted < 0.8 * RATE * 40_000 or retention < 5e4


def test_the_other_way_round_too():
    """From retentions of 25,000 and more, the count above the basis: what the truncation is for."""
    high = carrier(80_000, retentions=[2.5e4, 5e4], limits=[1e6, 3e6], seed=2)
    policies, claims = high.encoded_policies, high.encoded_claims
    fit = severity_of(claims, policies)
    rate = len(claims.peril) / (policies.exposure * visible(policies, fit)).sum()
    assert rate == pytest.approx(RATE, rel=0.1)
    assert fit.intercept[0] + fit.tables[39][:, 0].mean() == pytest.approx(MU, abs=0.2)


def test_intervals_cover_the_truth_in_their_nominal_share():
    """Bootstrap intervals of the body's median, on books of retentions and limits of all sizes."""
    z, covered, spread = 1.2816, [], []
    for repeat in range(40):
        book = carrier(8_000, retentions=[5e3, 1e4, 2.5e4, 5e4], limits=[1e5, 1e6], seed=100 + repeat)
        policies, claims = book.encoded_policies, book.encoded_claims
        rng = np.random.default_rng(repeat)

        def location(weight=None, policies=policies, claims=claims):
            fit = severity_of(claims, policies, weight)
            return fit.location(policies.codes[:1], np.log(policies.revenue[:1]))[0, 0]

        drawn = [location(rng.poisson(1.0, len(claims.peril)).astype(float)) for _ in range(12)]
        half = z * np.std(drawn, ddof=1)
        covered.append(abs(location() - MU) < half)
        spread.append(half / z)
    assert 25 <= sum(covered) <= 39  # 32 expected at 80 %
    assert 0.03 < np.mean(spread) < 0.2


def test_day_numbers():
    assert day_of(date(1970, 1, 2)) == 1
