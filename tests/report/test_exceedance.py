"""Exceedance curves: they agree with the quote, with the closed form, and with a simulation."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, ProfileError
from cyberscore.perils import PERILS
from cyberscore.profile import posture_at
from cyberscore.quoting.figures import Firm, Standing, settle
from cyberscore.report.exceedance import exceedance
from strategies import AS_OF, profiles

COVERS = (
    Coverage(currency="USD"),
    Coverage(
        currency="USD",
        retention=2_500,
        sublimits={"extortion": 50_000, "data_breach": 2e5},
        coinsurance={"ransomware": 20},
    ),
    Coverage(currency="USD", aggregate_limit=5e6, retention=100_000, per_claim_limit=1e6, waiting_period_hours=24),
)


def curves_of(profile, cover):
    plan = cyberscore.load_plan()
    firm = Firm.of(profile.insured, AS_OF, plan)
    settled, standing = settle(firm, cover), Standing.of(firm, posture_at(profile, AS_OF))
    return firm, settled, standing, exceedance(firm, settled, standing)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(profiles(), st.sampled_from(COVERS))
def test_curves_hold_together(profile, cover):
    try:
        _, settled, _, found = curves_of(profile, cover)
    except (CoverageError, ProfileError):  # a cover or a revenue that no plan rates
        return
    answer = cyberscore.quote(profile, cover, as_of=AS_OF)
    pure = sum(one.expected_loss for one in answer.by_peril.values())
    assert found.mean_paid == pytest.approx(pure, rel=0.02)
    assert found.mean_loss >= found.mean_paid * 0.98
    for curve in (found.total, found.largest, *found.perils.values()):
        assert np.all((curve >= 0.0) & (curve <= 1.0))
        assert np.all(np.diff(curve) <= 1e-9)
    # a year's sum passes an amount at least as often as its largest loss, but for the width of the grid
    assert np.all(found.total[1:] >= found.largest[1:] * (1 - 0.02) - 1e-6) or found.mean_loss > 1e7
    for peril in PERILS:
        assert np.all(found.total >= found.perils[peril] - 1e-9)
    last = None
    for one in found.return_periods:
        assert one.year_loss >= one.largest_loss  # the sum holds the largest
        assert one.paid <= settled.terms.aggregate_limit * settled.terms.conversion + 1e-6
        if last is not None:
            assert one.year_loss >= last.year_loss
            assert one.largest_loss >= last.largest_loss
            assert one.paid >= last.paid
        last = one


def test_largest_loss_is_the_closed_form():
    firm, settled, standing, found = curves_of(cyberscore.example("manufacturer"), Coverage())
    at = found.return_periods[2].largest_loss
    rate = sum(
        r * s.frequency_factor(settled.cover.retention + at, mu, firm.revenue)
        for s, r, mu in zip(firm.plan.severity, standing.rates, standing.locations, strict=True)
    )
    assert -math.expm1(-rate) == pytest.approx(1 / 100, rel=1e-3)


def test_the_sum_agrees_with_a_simulation():
    firm, _, standing, found = curves_of(cyberscore.example("manufacturer"), Coverage())
    random, years = np.random.default_rng(7), 100_000
    totals = np.zeros(years)
    for severity, rate, mu in zip(firm.plan.severity, standing.rates, standing.locations, strict=True):
        depths = np.geomspace(1.0, severity.cap * (1 - 1e-9), 4_000)
        above = np.array([severity.survival(depth, mu) for depth in depths])
        counts = random.poisson(rate, years)
        drawn = np.exp(np.interp(-random.random(counts.sum()), -above, np.log(depths)))
        np.add.at(totals, np.repeat(np.arange(years), counts), drawn)
    for k in (100, 140, 180):
        if found.total[k] > 1e-3:
            spread = math.sqrt(found.total[k] / years)
            assert abs((totals > found.amounts[k]).mean() - found.total[k]) < 4 * spread + 2e-4
