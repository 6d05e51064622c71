"""Frequency: thinning, boosting by its share, pairs of a prior, and the same rates in the plan."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import cyberscore
from cyberscore.market import simulate
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.library import shipped_text
from cyberscore.rating.parts import factors
from cyberscore.training.books.encoding import EncodedClaims, encode_policies
from cyberscore.training.learning import frequency
from cyberscore.training.learning.assembly import Material, assemble, severity_of
from cyberscore.training.learning.exposure import Experience
from cyberscore.training.learning.frequency import FrequencyOptions, fit_frequency, log_rates
from cyberscore.training.learning.selection import rates_of_plan

pytestmark = pytest.mark.slow

N = 4_000
CLAIMS = 3_000
PAIR = ("mfa_remote_coverage", "exposed_rdp")
BOOSTING = {"learning_rate": 0.1, "max_iter": 10, "max_leaf_nodes": 4, "min_samples_leaf": 100}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other make small fits many times slower on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def experience(plan):
    """Claims of the shipped plan's own rates, but for ten times the exposure a book would have."""
    policies = encode_policies(simulate(N, 21).policies)
    true = np.exp(log_rates(policies, np.arange(N), rates_of_plan(plan)))
    exposure = np.full(true.shape, CLAIMS / true.sum())
    return Experience(policies, np.random.default_rng(2).poisson(exposure * true).astype(float), exposure)


def fitted(experience, *, weight=None, prior=None, seed=1, **options):
    weight = np.ones(N) if weight is None else weight
    codes = experience.policies.codes
    return fit_frequency(experience, codes, weight, options=FrequencyOptions(**options), prior=prior, seed=seed)


@pytest.fixture(scope="module")
def boosted(experience):
    return fitted(experience, pairs=(PAIR,), boosting=BOOSTING, boosting_share=1.0)


def rates(experience, fit):
    return log_rates(experience.policies, np.arange(N), fit)


# --- thinning


def test_thinning_keeps_every_claim_and_all_the_weight(experience, monkeypatch):
    monkeypatch.setattr(frequency, "_LEAST_ROWS", 10)
    monkeypatch.setattr(frequency, "QUIET_ROWS_PER_CLAIM", 1)
    rng = np.random.default_rng(5)
    counts = experience.counts * (rng.random((N, 1)) < 0.2)
    weight = rng.poisson(1.0, N).astype(float)
    rows, thinned = frequency._thinned(counts, weight, rng)
    claimed = counts.sum(axis=1) > 0
    assert set(np.flatnonzero(claimed & (weight > 0))) <= set(rows)
    np.testing.assert_array_equal(thinned[claimed[rows]], weight[rows][claimed[rows]])
    assert thinned.sum() == pytest.approx(weight.sum())
    assert (weight[rows] > 0).all()
    quiet = ~claimed & (weight > 0)
    kept = int((~claimed[rows]).sum())
    assert kept < 0.7 * quiet.sum()
    assert kept == pytest.approx((claimed & (weight > 0)).sum(), rel=0.15)


def test_small_books_are_not_thinned(experience):
    weight = np.arange(N) % 3.0
    rows, kept = frequency._thinned(experience.counts, weight, np.random.default_rng(0))
    assert rows.tolist() == np.flatnonzero(weight).tolist()
    assert kept.tolist() == weight[rows].tolist()


def test_thinned_rows_say_about_the_same(experience, monkeypatch):
    rng = np.random.default_rng(99)
    few = replace(experience, counts=experience.counts * (rng.random((N, 1)) < 0.05))
    whole = rates(few, fitted(few))
    monkeypatch.setattr(frequency, "_LEAST_ROWS", 10)
    monkeypatch.setattr(frequency, "QUIET_ROWS_PER_CLAIM", 10)
    found = [rates(few, fitted(few, seed=seed)) for seed in range(6)]
    assert not np.array_equal(found[0], found[1])
    levels = [np.log(np.exp(one).sum() / np.exp(whole).sum()) for one in found]
    assert abs(np.mean(levels)) < 0.04
    for one in found:
        assert (one - whole).std(axis=0).max() < 0.25 * whole.std(axis=0).min()


# --- boosting


def test_without_boosting_the_additive_part_is_all(experience):
    fit = fitted(experience, pairs=(PAIR,), boosting=BOOSTING)
    assert not fit.boosted
    assert fit.pairs == {}
    np.testing.assert_array_equal(fit.base, fit.additive.base)
    for table, own in zip(fit.tables, fit.additive.tables, strict=True):
        np.testing.assert_array_equal(table, own)


def test_half_the_boosting_is_half_the_way(experience, boosted):
    half = fitted(experience, pairs=(PAIR,), boosting=BOOSTING, boosting_share=0.5)
    additive, whole = rates(experience, boosted.additive), rates(experience, boosted)
    assert np.abs(whole - additive).max() > 0.01
    np.testing.assert_allclose(rates(experience, half), (additive + whole) / 2, atol=1e-9)


def test_boosted_tables_never_fall(boosted):
    for f, factor in enumerate(factors()[: len(signals())]):
        if factor.monotone and factor.name not in PAIR:
            assert np.diff(boosted.tables[f], axis=0).min() > -1e-9, factor.name
    a, b = (next(f for f, factor in enumerate(factors()) if factor.name == name) for name in PAIR)
    both = boosted.tables[a][:, None] + boosted.tables[b][None] + boosted.pairs[PAIR]
    assert np.diff(both, axis=0).min() > -1e-9
    assert np.diff(both, axis=1).min() > -1e-9


# --- pairs of a prior


def test_pairs_of_a_prior_are_kept_no_more_than_their_factors(experience, plan):
    fit = fitted(experience, prior=plan)
    assert list(fit.pairs) == list(plan.pairs)
    names = [factor.name for factor in factors()]
    for pair, table in fit.pairs.items():
        before = plan.pairs[pair][:, :, : len(PERILS)]
        kept = (table * before).sum(axis=(0, 1)) / (before**2).sum(axis=(0, 1))
        np.testing.assert_allclose(table, kept * before, atol=1e-12)
        assert (kept <= 1.0 + 1e-12).all()
        for name in pair:
            now = np.ptp(fit.tables[names.index(name)], axis=0)
            assert (kept <= now / np.ptp(plan.tables[name][:, : len(PERILS)], axis=0) + 1e-9).all()
    silent = replace(experience, counts=0 * experience.counts, exposure=1e-9 * experience.exposure)
    back = rates(experience, fitted(silent, prior=plan))
    np.testing.assert_allclose(back, rates(experience, rates_of_plan(plan)), atol=1e-4)


def test_some_of_the_way_from_a_prior_is_between_it_and_the_fit(experience, plan):
    without = replace(plan, pairs={}, bag_base=None, bag_deviations=None)
    stay, half, go = (rates(experience, fitted(experience, prior=without, way=way)) for way in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(stay, rates(experience, rates_of_plan(without)), atol=1e-5)
    np.testing.assert_allclose(half, (stay + go) / 2, atol=1e-9)
    assert np.abs(go - stay).max() > 0.05


# --- the plan


def test_a_plan_put_together_from_a_fit_has_its_rates(experience, boosted, plan):
    """But for the balance, a constant by peril."""
    policies = experience.policies
    policy, peril = np.nonzero(experience.counts)
    n = len(policy)
    excess = np.random.default_rng(4).lognormal(10.5, 1.5, n)
    hidden = np.maximum(policies.retention[policy] - 1e4, 0.0)
    claims = EncodedClaims(policy, peril, hidden + excess, np.zeros(n, dtype=bool), hidden)
    pricing = shipped_text("pricing.toml").replace("reference_policies = 10000", "reference_policies = 50")
    material = Material("same", {}, policies, claims, np.ones(N), None, 1.0, pricing, None, (1, 2))
    made, report = assemble(material, [(boosted, severity_of(plan))])
    assert report["largest_monotone_repair"] < 1e-5
    totals = totals_of_many(made, policies.codes, policies.weights.astype(float), policies.revenue)
    more = totals[:, : len(PERILS)] - rates(experience, boosted)
    np.testing.assert_allclose(more, np.broadcast_to(made.log_balance, more.shape), atol=2e-5)
    assert made.bag_deviations is None
