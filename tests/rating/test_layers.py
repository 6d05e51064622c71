"""Layer costs in closed form against the integral of the survival curve they stand for."""

import math
from dataclasses import replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from cyberscore.exceptions import PlanError
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.library import load_plan

SHAPE = PerilSeverity(
    basis=10_000.0,
    sigma=1.7,
    threshold=1e6,
    alpha=1.15,
    cap=1e7,
    small_median=30_000.0,
    small_log_sigma=1.5,
    small_revenue_exponent=0.25,
)
ALPHAS = (0.8, 1.0, 1.0 + 1e-10, 1.0 - 1e-10, 1.1, 1.3, 2.5)
mus = st.floats(7.0, 14.0)
shapes = st.builds(
    replace,
    st.just(SHAPE),
    sigma=st.sampled_from((0.6, 1.2, 1.7, 2.4)),
    alpha=st.sampled_from(ALPHAS),
    threshold=st.sampled_from((1e5, 1e6)),
)
revenues = st.sampled_from((2e5, 3e6, 1e7, 2.5e8))
retentions = st.sampled_from((500.0, 2_500.0, 9_999.0, 10_000.0, 10_001.0, 25_000.0, 250_000.0, 1e6))
limits = st.sampled_from((10_000.0, 250_000.0, 990_000.0, 1e6, 1.01e6, 5e6, 1e7))


def survival_by_hand(shape, excess, mu):
    """Chance of an excess of more than an amount, written out."""
    if excess >= shape.cap:
        return 0.0
    body = norm.sf((np.log(min(excess, shape.threshold)) - mu) / shape.sigma)
    return body * (max(excess, shape.threshold) / shape.threshold) ** -shape.alpha


def small_survival_by_hand(shape, amount, revenue):
    mu = np.log(shape.small_median) + shape.small_revenue_exponent * np.log(revenue / 1e7)
    return norm.sf((np.log(amount) - mu) / shape.small_log_sigma)


def integral(curve, low, high, corners=()):
    """Integral over an amount, in log steps so that small amounts are not missed."""
    edges = sorted({max(low, 1e-3), high, *(c for c in corners if low < c < high)})
    total = max(1e-3 - low, 0.0)  # below a tenth of a cent all claims are
    for a, b in pairwise(edges):
        total += quad(lambda t: curve(math.exp(t)) * math.exp(t), math.log(a), math.log(b), epsabs=0, epsrel=1e-11)[0]
    return total


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("mu", [8.0, 11.0, 13.5])
@pytest.mark.parametrize("depth", [1.0, 5e3, 1e6 - 1, 1e6, 1e6 + 1, 4e6, 1e7, 3e7])
def test_limited_mean_is_the_integral_of_survival(alpha, mu, depth):
    shape = replace(SHAPE, alpha=alpha)
    expected = integral(lambda x: survival_by_hand(shape, x, mu), 0.0, min(depth, shape.cap), [shape.threshold])
    assert shape.limited_mean(depth, mu) == pytest.approx(expected, rel=1e-8)


@given(shapes, mus, retentions, limits, revenues)
def test_layer_cost_is_the_integral_over_the_layer(shape, mu, retention, limit, revenue):
    """Above the basis the excess curve; below it the evidence's ground-up curve, per claim above the basis."""
    top = retention + limit
    expected = 0.0
    if top > shape.basis:
        inside = max(retention, shape.basis) - shape.basis, min(top - shape.basis, shape.cap)
        expected += integral(lambda x: survival_by_hand(shape, x, mu), *inside, [shape.threshold])
    if retention < shape.basis:
        small = integral(lambda x: small_survival_by_hand(shape, x, revenue), retention, min(top, shape.basis))
        expected += small / small_survival_by_hand(shape, shape.basis, revenue)
    assert shape.layer_cost(retention, limit, mu, revenue) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_frequency_factor_is_survival_at_the_retention():
    assert SHAPE.frequency_factor(10_000.0, 11.0, 1e6) == 1.0
    assert SHAPE.frequency_factor(35_000.0, 11.0, 1e6) == pytest.approx(survival_by_hand(SHAPE, 25_000.0, 11.0))
    below = small_survival_by_hand(SHAPE, 2_500.0, 1e6) / small_survival_by_hand(SHAPE, 10_000.0, 1e6)
    assert SHAPE.frequency_factor(2_500.0, 11.0, 1e6) == pytest.approx(below)
    assert below > 1.0


@pytest.mark.parametrize("excess", [1.0, 999_999.0, 1e6, 1_000_001.0, 9_999_999.0])
def test_survival(excess):
    assert SHAPE.survival(excess, 12.0) == pytest.approx(survival_by_hand(SHAPE, excess, 12.0), rel=1e-12)


def test_survival_at_the_ends():
    assert SHAPE.survival(0.0, 12.0) == 1.0
    assert SHAPE.survival(-5.0, 12.0) == 1.0
    assert SHAPE.survival(1e7, 12.0) == 0.0


def test_nothing_is_paid_beyond_the_cap():
    assert SHAPE.limited_mean(1e7, 12.0) == SHAPE.limited_mean(5e7, 12.0)
    assert SHAPE.layer_cost(1e7 + 10_000.0, 1e6, 12.0, 1e7) == 0.0
    assert SHAPE.limited_mean(0.0, 12.0) == SHAPE.limited_mean(-1.0, 12.0) == 0.0


@given(shapes, mus, revenues, retentions, limits, st.floats(0.01, 0.99))
def test_a_layer_cut_in_two_costs_the_same(shape, mu, revenue, retention, limit, share):
    lower = limit * share
    whole = shape.layer_cost(retention, limit, mu, revenue)
    low = shape.layer_cost(retention, lower, mu, revenue)
    high = shape.layer_cost(retention + lower, limit - lower, mu, revenue)
    assert low + high == pytest.approx(whole, rel=1e-9, abs=1e-6)


@given(shapes, mus, st.sampled_from((1.0, 9e4, 1e5, 1.5e5, 9.9e5, 1e6, 2e6, 1e7, 2e7)))
def test_slope_is_the_derivative_by_mu(shape, mu, depth):
    mean, slope = shape.limited_mean_and_slope(depth, mu)
    step = 1e-5
    numeric = (shape.limited_mean(depth, mu + step) - shape.limited_mean(depth, mu - step)) / (2 * step)
    assert mean == pytest.approx(shape.limited_mean(depth, mu), rel=1e-12)
    assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-7 * mean)


def test_slope_of_nothing():
    assert SHAPE.limited_mean_and_slope(0.0, 11.0) == (0.0, 0.0)


@given(shapes, mus, mus, retentions, limits, revenues)
def test_cost_rises_with_mu(shape, one, other, retention, limit, revenue):
    low, high = sorted((one, other))
    cheap, dear = (shape.layer_cost(retention, limit, mu, revenue) for mu in (low, high))
    assert cheap <= dear * (1 + 1e-12) + 1e-9


@given(shapes, mus, st.floats(500, 1e6), st.floats(500, 1e6), st.floats(1e4, 1e7), st.floats(1e4, 1e7), revenues)
def test_cost_rises_with_the_limit_and_falls_with_the_retention(shape, mu, r1, r2, l1, l2, revenue):
    (r1, r2), (l1, l2) = sorted((r1, r2)), sorted((l1, l2))
    cost = shape.layer_cost(r1, l1, mu, revenue)
    assert 0.0 <= cost <= shape.layer_cost(r1, l2, mu, revenue) * (1 + 1e-12) + 1e-9
    assert shape.layer_cost(r2, l1, mu, revenue) <= cost * (1 + 1e-12) + 1e-9
    assert shape.frequency_factor(r2, mu, revenue) <= shape.frequency_factor(r1, mu, revenue) * (1 + 1e-12)


def test_alpha_near_one_is_continuous():
    costs = [
        replace(SHAPE, alpha=1.0 + d).limited_mean(8e6, 13.0) for d in (-1e-6, -2e-9, -1e-10, 0, 1e-10, 2e-9, 1e-6)
    ]
    assert max(costs) / min(costs) - 1.0 < 1e-5
    assert costs == pytest.approx(sorted(costs, reverse=True), rel=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("basis", -1.0),
        ("sigma", 0.09),
        ("sigma", 5.1),
        ("sigma", math.nan),
        ("sigma", "1.7"),
        ("threshold", 9_999.0),
        ("alpha", 0.29),
        ("alpha", math.inf),
        ("cap", 1e11),
        ("small_median", 0.0),
        ("small_log_sigma", 0.0),
        ("small_revenue_exponent", 1.01),
    ],
)
def test_bounds(field, value):
    with pytest.raises(PlanError, match=rf"severity {field} must be a number between .* got "):
        replace(SHAPE, **{field: value})


def test_cap_must_be_above_threshold():
    with pytest.raises(PlanError, match="cap 1e\\+06 must be above threshold 1e\\+06"):
        replace(SHAPE, cap=1e6)


def test_plain_types_restore_it():
    assert PerilSeverity(**SHAPE.to_dict()) == SHAPE


@pytest.mark.parametrize(("retention", "limit"), [(500, 2_000), (1_000, 8_999), (1_000, 9_000), (2_500, 7_500)])
@pytest.mark.parametrize("revenue", [2e5, 1e7])
def test_a_layer_wholly_below_the_basis_is_the_integral_of_its_survival(retention, limit, revenue):
    """Its top is at or below the basis: what is paid is the ground-up survival between, over that at the basis."""
    shape = load_plan().severity[0]
    mu = math.log(shape.small_median) + shape.small_revenue_exponent * math.log(revenue / 1e7)
    ground_up = NormalDist(mu, shape.small_log_sigma)
    steps = 20_000
    width = limit / steps
    middles = (retention + (k + 0.5) * width for k in range(steps))
    survival = sum(1.0 - ground_up.cdf(math.log(amount)) for amount in middles) * width
    expected = survival / (1.0 - ground_up.cdf(math.log(shape.basis)))
    assert retention + limit <= shape.basis
    for location in (6.0, 12.0):
        assert shape.layer_cost(retention, limit, location, revenue) == pytest.approx(expected, rel=1e-6)
