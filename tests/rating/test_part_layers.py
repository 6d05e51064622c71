"""Coverage parts: shares that sum, terms that bind where they should, and how far fixed shares are from real ones."""

import re
from datetime import date

import numpy as np
import pytest

import cyberscore
from cyberscore import Coverage, CoverageError, PlanError
from cyberscore.perils import PARTS, PERILS
from cyberscore.rating.pricing import Pricing

PLAN = cyberscore.load_plan()
AS_OF = date(2026, 11, 23)
OLD_WAITING = "interruption_share = { ransomware = 0.35, system_outage = 1.0 }"


def text_of_pricing():
    return PLAN.files.others["pricing.toml"].decode()


def old_text():
    """pricing.toml as it was before coverage parts: no [parts], the share of lost income given by peril."""
    without = re.sub(r"(?ms)^\[parts\].*?(?=^\[)", "", text_of_pricing())
    return re.sub(r"(?m)^parts = \[.*$", OLD_WAITING, without)


def weights(cover, pricing=PLAN.pricing):
    return {
        peril: sum(weight for _, weight in own.layers)
        for peril, own in zip(PERILS, pricing.layers_of(cover), strict=True)
    }


def test_the_shipped_table_names_every_part_and_sums():
    shares = [PLAN.pricing.parts.of(peril) for peril in PERILS]
    assert {part for row in shares for part in row} == set(PARTS)
    assert [sum(row.values()) for row in shares] == pytest.approx([1.0] * len(PERILS))


def test_a_pricing_without_parts_keeps_loading_and_prices_the_same():
    old = Pricing.from_toml(old_text())
    assert old.parts is None
    for cover in (Coverage(), Coverage(waiting_period_hours=24, sublimits={"ransomware": 1e5}, per_claim_limit=5e5)):
        before, now = old.layers_of(cover), PLAN.pricing.layers_of(cover)
        for one, other in zip(before, now, strict=True):
            assert one.layers[0] == pytest.approx(other.layers[0], rel=1e-12)
            assert (one.limit, one.parts) == (other.limit, ())
    with pytest.raises(CoverageError, match=r"the plan has no table of coverage parts .*by peril"):
        old.layers_of(Coverage(sublimits={"extortion": 1e5}))


@pytest.mark.parametrize(
    ("pattern", "new", "said"),
    [
        (r"extortion = 0\.20", "extortion = 0.21", r"parts.ransomware: shares must sum to 1; got 1\.01"),
        (r"extortion = 0\.20", "ransom = 0.20", "parts.ransomware: unknown part 'ransom': the parts are incident"),
        (r"extortion = 0\.20", "extortion = -0.20", "parts.ransomware.extortion: .*greater than 0"),
        (r"(?m)^system_outage = \{.*", "", "parts must have one row for each peril"),
        (r"(?m)^parts = \[.*", OLD_WAITING, "waiting_period must give interruption_share in a plan without"),
        (r"(?m)^parts = \[.*", 'parts = ["income"]', "waiting_period.parts must name coverage parts .*got 'income'"),
        (r"(?ms)^\[parts\].*?(?=^\[)", "", "waiting_period must give interruption_share in a plan without"),
    ],
)
def test_a_table_of_parts_that_is_wrong(pattern, new, said):
    text, found = re.subn(pattern, new, text_of_pricing(), count=1)
    assert found
    with pytest.raises(PlanError, match=said):
        Pricing.from_toml(text)


def test_a_cap_on_ransoms_touches_ransoms_alone():
    own = dict(zip(PERILS, PLAN.pricing.layers_of(Coverage(sublimits={"extortion": 100_000})), strict=True))
    assert {one.part for one in own["ransomware"].parts if one.depth < own["ransomware"].limit} == {"extortion"}
    share = PLAN.pricing.parts.of("ransomware")["extortion"]
    assert own["ransomware"].layers == ((100_000 / share, share), (1e6, pytest.approx(1.0 - share)))
    assert all(own[peril].layers == ((1e6, 1.0),) for peril in PERILS if peril != "ransomware")


def test_waiting_touches_lost_income_alone():
    lost = {peril: PLAN.pricing.interruption_share(peril) for peril in PERILS}
    assert lost == pytest.approx({"ransomware": 0.35, "system_outage": 1.0} | dict.fromkeys(PERILS[1:4], 0))
    factor = PLAN.pricing.waiting_period.at(24)
    found = weights(Coverage(waiting_period_hours=24))
    assert found == pytest.approx({peril: 1.0 - share * (1.0 - factor) for peril, share in lost.items()})
    no_income = dict.fromkeys(PLAN.pricing.waiting_period.parts, 0.0)
    for hours in (8, 72):
        layers = PLAN.pricing.layers_of(Coverage(waiting_period_hours=hours, sublimits=no_income))
        paid = [sum(weight for depth, weight in own.layers if depth) for own in layers]
        assert paid == pytest.approx([1.0 - share for share in lost.values()])


def test_of_two_coinsurances_the_higher_counts():
    cover = Coverage(coinsurance={"ransomware": 20, "extortion": 50, "incident_response": 10})
    own = PLAN.pricing.layers_of(cover)[0]
    borne = {one.part: 1.0 - one.weight / one.share for one in own.parts}
    assert borne == pytest.approx(dict.fromkeys(borne, 0.2) | {"extortion": 0.5})
    assert weights(Coverage(coinsurance={"ransomware": 20}))["ransomware"] == pytest.approx(0.8)


def cost(cover, mu, peril="ransomware"):
    severity, own = PLAN.severity[PERILS.index(peril)], PLAN.pricing.layers_of(cover)[PERILS.index(peril)]
    return sum(weight * severity.layer_cost(cover.retention, depth, mu, 1e7) for depth, weight in own.layers)


@pytest.mark.parametrize("mu", [10.0, 11.0, 12.0])
@pytest.mark.parametrize("sublimit", [25_000.0, 100_000.0, 250_000.0])
def test_fixed_shares_against_ransoms_that_are_paid_or_not(mu, sublimit):
    """In a simulation a ransom is paid in 3 cases of 10 and is then most of the claim; others share the limit's room.

    Fixed shares make a cap on ransoms worth too little as a rule: from 1 % of the cost of the peril below the simulated
    price to 5 % above.
    """
    severity, rng = PLAN.severity[0], np.random.default_rng(1)
    n = 400_000
    excess = np.exp(mu + severity.sigma * rng.standard_normal(n))
    tail = excess > severity.threshold
    excess[tail] = severity.threshold * (1.0 - rng.random(int(tail.sum()))) ** (-1.0 / severity.alpha)
    excess = np.minimum(excess, severity.cap)
    ransom = np.where(rng.random(n) < 0.3, PLAN.pricing.parts.of("ransomware")["extortion"] / 0.3, 0.0) * excess
    simulated = np.minimum(np.minimum(ransom, sublimit) + excess - ransom, 1e6).mean()
    without = cost(Coverage(), mu)
    assert np.minimum(excess, 1e6).mean() == pytest.approx(without, rel=0.02)
    priced = cost(Coverage(sublimits={"extortion": sublimit}), mu)
    assert -0.015 <= (priced - simulated) / without <= 0.056
