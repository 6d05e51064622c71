"""Columns of the additive part say what tables say, and tables come back from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore.market import simulate
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.expected_loss import blended_mains, blended_pairs, totals_of_many
from cyberscore.rating.parts import factors
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.learning.design import (
    REVENUE_CENTRE,
    REVENUE_NODES,
    REVENUE_SCALE,
    design_matrix,
    layout,
    of_plan,
    revenue_hats,
    to_tables,
)
from cyberscore.training.learning.frequency import log_rates
from cyberscore.training.learning.selection import rates_of_plan


@pytest.fixture(scope="module")
def policies():
    return encode_policies(simulate(1_500, 9).policies)


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


seeds = st.integers(0, 10_000)


def coefficients_of(seed):
    return np.random.default_rng(seed).normal(0.0, 0.3, (len(PERILS), layout().size))


@given(seeds)
@settings(max_examples=15)
def test_columns_times_coefficients_are_the_rates_of_the_tables(policies, seed):
    coefficients = coefficients_of(seed)
    rows = np.sort(np.random.default_rng(seed).choice(len(policies), 300, replace=False))
    rates = to_tables(coefficients)
    weights = policies.weights[rows].astype(float)
    expected = revenue_hats(np.log(policies.revenue[rows])) @ rates.base
    expected += blended_mains(rates.tables, policies.codes[rows], weights)
    np.testing.assert_allclose(design_matrix(policies, rows) @ coefficients.T, expected, atol=1e-4)
    np.testing.assert_array_equal(log_rates(policies, rows, rates), expected)


def test_every_column_has_one_place():
    about = layout()
    used = np.zeros(about.size, dtype=int)
    used[[about.level, about.slope]] += 1
    for span in (about.hats, *about.steps.values(), *about.levels.values()):
        used[span] += 1
    assert used.tolist() == [1] * about.size
    assert set(about.steps) == {f for f, one in enumerate(factors()[: len(signals())]) if one.monotone}
    for f, span in about.steps.items():
        assert span.stop - span.start == len(factors()[f].labels) - 1
        assert about.index[span].sum() == pytest.approx(1.0)
    assert about.ordered.sum() == sum(span.stop - span.start for span in about.steps.values())


def test_tables_rise_by_their_steps_and_start_at_the_safest():
    coefficients = np.abs(coefficients_of(1))
    rates = to_tables(coefficients)
    for f, span in layout().steps.items():
        assert (rates.tables[f][0] == 0.0).all()
        np.testing.assert_allclose(np.diff(rates.tables[f], axis=0), coefficients[:, span].T)
    records = rates.tables[-1]
    assert not records.any()  # frequency does not know them


@given(st.lists(st.floats(8.0, 23.0), min_size=1, max_size=20))
def test_hats_share_out_and_reproduce_straight_lines(log_revenue):
    x = np.array(log_revenue)
    hats = revenue_hats(x)
    np.testing.assert_allclose(hats.sum(axis=1), 1.0)
    np.testing.assert_allclose(hats @ np.log(REVENUE_NODES), x)
    assert ((hats != 0).sum(axis=1) <= 2).all()


def test_an_observation_counts_by_its_weight(policies):
    """Weight one: all steps up to its code. Weight none: those of one who is not known, or does not answer."""
    about = layout()
    f = list(signals()).index("mfa_email_coverage")
    own = signals()["mfa_email_coverage"]
    rows = np.arange(len(policies))
    steps = design_matrix(policies, rows)[:, about.steps[f]].sum(axis=1)
    code, weight = policies.codes[:, f].astype(float), policies.weights[:, f]
    rest = np.where(code > own.unknown, own.unanswered, own.unknown)
    np.testing.assert_allclose(steps, weight * code + (1 - weight) * rest, rtol=1e-5)
    assert 0 < (weight < 1).mean() < 1


def test_a_plan_becomes_coefficients_and_comes_back(plan, policies):
    """Without its pairs and record counts."""
    rows = np.arange(len(policies))
    weights = policies.weights.astype(float)
    records = plan.tables["record_count"][policies.codes[:, -1]]
    totals = totals_of_many(plan, policies.codes, weights, policies.revenue) - records
    mains = (totals - blended_pairs(plan.pairs, policies.codes, weights))[:, : len(PERILS)]
    coefficients = of_plan(plan)
    np.testing.assert_allclose(log_rates(policies, rows, to_tables(coefficients)), mains, atol=1e-6)
    np.testing.assert_allclose(design_matrix(policies, rows) @ coefficients.T, mains, atol=1e-4)
    assert (coefficients[:, layout().ordered] >= 0.0).all()


def test_a_plan_with_its_pairs_is_its_frequency(plan, policies):
    rows = np.arange(len(policies))
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    found = log_rates(policies, rows, rates_of_plan(plan))
    np.testing.assert_allclose(found, totals[:, : len(PERILS)], atol=1e-12)


def test_the_slope_is_per_standard_deviation_of_log_revenue():
    coefficients = np.zeros((len(PERILS), layout().size))
    coefficients[:, layout().slope] = 0.5
    base = to_tables(coefficients).base
    rise = np.diff(base, axis=0)[:, 0] / np.diff(np.log(REVENUE_NODES))
    np.testing.assert_allclose(rise, 0.5 / REVENUE_SCALE)
    assert revenue_hats(np.array([REVENUE_CENTRE])) @ base == pytest.approx(np.zeros((1, len(PERILS))), abs=1e-12)
