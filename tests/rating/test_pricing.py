"""From pure premium to premium: the arithmetic by hand, the clamps in order, and no cliffs."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, PlanError, ProfileError
from cyberscore.perils import PERILS
from cyberscore.rating.ledger import Column, Ledger, apply
from cyberscore.rating.library import load_plan, shipped_text
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rating.pricing import Pricing, Waiting

AS_OF = date(2026, 11, 23)
PRICING = Pricing.from_toml("""
systemic_share = 0.05
schedule_low = 0.8
schedule_high = 1.3
renewal_cap = 0.2
taxes = { GB = 0.12 }
[expenses]
level = 0.8
loss_adjustment = 0.1
fixed = 200
commission = 0.1
other_acquisition = 0.05
general = 0.06
taxes_and_licences = 0.04
profit = 0.1
[risk_load]
rate = 0.06
floor = 0.1
reference_policies = 100
limits = [100000, 1000000, 2000000]
[risk_load.factors]
ransomware = [0.05, 0.2, 0.4]
funds_transfer_fraud = [0.2, 0.3, 0.4]
email_compromise = [0, 0, 0]
data_breach = [0, 0, 1]
system_outage = [0.1, 0.1, 0.1]
[territory]
US = 1.0
CA = 1.1
GB = 1.2
EU = 0.9
other = 1.5
[index]
calibration_date = 2026-01-01
micro_revenue = 5e6
mid_revenue = 1e7
dates = [2024-01-01, 2026-01-01, 2026-01-11]
micro = [1.0, 2.0, 3.0]
mid = [1.0, 1.0, 0.5]
[waiting_period]
hours = [6, 8, 12]
factors = [1.1, 1.0, 0.5]
interruption_share = { ransomware = 0.4, system_outage = 1.0 }
[minimum]
premium = 500
small_limit = 250000
small_premium = 350
[currency]
as_of = 2026-11-01
usd = { USD = 1.0, EUR = 1.2 }
[market_reference]
revenue = [1e6]
premium = [1500]
""")
PURE = (100.0, 50.0, 30.0, 20.0, 10.0)
DAY = date(2026, 1, 6)


def terms(coverage=None, *, country="US", revenue=1e6, as_of=date(2026, 1, 1)):
    return PremiumTerms.of(PRICING, coverage or Coverage(), country, revenue, as_of)


def by_hand(territory=1.0):
    """Level .8; loads at 1M: .2, .3, floor .1, floor .1, .1; kept 1 - .25 - .1 - .05 = .6; aggregate limit 1M."""
    loaded = 100 * 0.8 * 1.3 + 50 * 0.8 * 1.4 + (30 + 20 + 10) * 0.8 * 1.2
    loaded += (1e6 * (1 - math.exp(-210e-6)) - 210) * 0.8
    return (loaded + 200) / 0.6 * territory


def test_technical_premium_by_hand():
    assert by_hand() == pytest.approx(696.0, abs=0.03)
    assert terms().technical(PURE) == pytest.approx(by_hand(), rel=1e-12)
    assert terms(country="GB").technical(PURE) == pytest.approx(by_hand(1.2), rel=1e-12)


def test_indicative_premium_by_hand():
    found = terms(as_of=DAY)
    technical = found.technical(PURE)
    assert found.index == pytest.approx(2.5 / 2.0)
    assert found.uncapped(technical, 15.0) == pytest.approx(by_hand() * 1.25 * 1.15, rel=1e-12)
    assert found.indicative(technical, 15.0) == 1000.46
    assert found.indicative(technical, 0.0) == 869.96


def test_loads_follow_the_limit_of_the_peril():
    cover = Coverage(sublimits={"funds_transfer_fraud": 0.0, "data_breach": 550_000.0}, aggregate_limit=1_500_000)
    assert terms(cover).risk_loads == pytest.approx((0.3, 0.2, 0.1, 0.1, 0.1))
    wide = Coverage(aggregate_limit=10_000_000)
    assert terms(wide).risk_loads == pytest.approx((0.4, 0.4, 0.1, 1.0, 0.1))


pure_rows = st.lists(st.lists(st.floats(0, 1e7), min_size=len(PERILS), max_size=len(PERILS)), min_size=1, max_size=5)


@given(pure_rows, st.sampled_from(("US", "GB", "other")), st.sampled_from((1e5, 1e6, 1e7)))
def test_one_and_many_agree(rows, country, limit):
    found = terms(Coverage(aggregate_limit=limit), country=country)
    many = found.technical_of_many(np.array(rows))
    assert many.tolist() == pytest.approx([found.technical(row) for row in rows], rel=1e-12)


@pytest.mark.parametrize(
    ("percent", "factor"), [(0, 1), (15, 1.15), (30, 1.3), (31, 1.3), (400, 1.3), (-20, 0.8), (-21, 0.8), (-99, 0.8)]
)
def test_schedule_is_clamped(percent, factor):
    assert terms().schedule(percent) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("expiring", "expected"),
    [(None, 696.0), (696.0, 696.0), (1000.0, 800.0), (500.0, 600.0), (580.0, 696.0), (300.0, 500.0), (1e6, 800_000.0)],
)
def test_renewal_cap_then_the_minimum_which_wins(expiring, expected):
    """At 300 the cap would allow 360; the minimum of 500 wins."""
    assert terms(Coverage(expiring_premium=expiring)).indicative(696.0, 0.0) == expected


def test_the_minimum_wins_over_a_sinking_cap():
    assert terms(Coverage(expiring_premium=100.0)).indicative(50.0, 0.0) == 500.0


@pytest.mark.parametrize(("limit", "minimum"), [(100_000, 350.0), (250_000, 350.0), (250_001, 500.0), (1e6, 500.0)])
def test_small_limits_have_a_smaller_minimum(limit, minimum):
    assert terms(Coverage(aggregate_limit=limit)).indicative(1.0, 0.0) == minimum


@given(st.lists(st.floats(1e4, 1e7), min_size=2), st.sampled_from((1e3, 1e4, 250_000.0, 1e7)))
def test_minimums_never_fall_with_the_limit(limits, small_limit):
    minimum = PRICING.minimum.model_copy(update={"small_limit": small_limit})
    least = [minimum.at(limit) for limit in sorted(limits)]
    assert least == sorted(least)


def test_a_plan_whose_minimum_falls_with_the_limit_is_refused():
    falling = shipped_text("pricing.toml").replace("small_premium = 350", "small_premium = 500.01")
    with pytest.raises(PlanError, match=r"small_premium must not exceed minimum\.premium: else a higher limit could"):
        Pricing.from_toml(falling)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(-50, 50), st.sampled_from((None, 400.0, 1e4)))
def test_a_higher_technical_premium_is_never_cheaper(one, other, percent, expiring):
    low, high = sorted((one, other))
    found = terms(Coverage(expiring_premium=expiring))
    assert found.indicative(low, percent) <= found.indicative(high, percent)


# --- index, waiting period, currencies


@pytest.mark.parametrize(
    ("day", "micro", "mid"),
    [
        (date(1999, 1, 1), 0.5, 1.0),
        (date(2024, 1, 1), 0.5, 1.0),
        (date(2025, 1, 1), 0.5 * (1 + 366 / 731), 1.0),
        (date(2026, 1, 1), 1.0, 1.0),
        (DAY, 1.25, 0.75),
        (date(2026, 1, 11), 1.5, 0.5),
        (date(2050, 1, 1), 1.5, 0.5),
    ],
)
def test_index_by_date_constant_outside(day, micro, mid):
    assert PRICING.index.at(day, 0.0) == pytest.approx(micro)
    assert PRICING.index.at(day, 1.0) == pytest.approx(mid)


def test_index_between_micro_and_mid_market():
    assert PRICING.share_mid(4e6) == PRICING.share_mid(5e6) == 0.0
    assert PRICING.share_mid(1e7) == PRICING.share_mid(1e8) == 1.0
    assert 0.0 < PRICING.share_mid(6e6) < PRICING.share_mid(7e6) < 1.0


@pytest.mark.parametrize(
    ("hours", "factor"), [(1, 1.1), (6, 1.1), (7, 1.05), (8, 1.0), (10, 0.75), (12, 0.5), (72, 0.5)]
)
def test_waiting_period_acts_on_the_interruption_share(hours, factor):
    assert PRICING.waiting_factor("system_outage", hours) == pytest.approx(factor)
    assert PRICING.waiting_factor("ransomware", hours) == pytest.approx(0.6 + 0.4 * factor)
    assert PRICING.waiting_factor("data_breach", hours) == 1.0


def test_exchange_rates():
    assert PRICING.usd_rate("EUR", None) == 1.2
    assert PRICING.usd_rate("EUR", 1.5) == 1.5
    assert PRICING.usd_rate("BRL", 0.2) == 0.2
    with pytest.raises(
        ProfileError, match=r"no rate for currency BRL: pass exchange_rate \(USD for one BRL\).*EUR, USD"
    ):
        PRICING.usd_rate("BRL", None)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, 1e6, "1.2", True])
def test_rates_that_are_none(rate):
    with pytest.raises(ProfileError, match="exchange_rate must be USD for one EUR, a positive number; got"):
        PRICING.usd_rate("EUR", rate)


# --- through a quote


def clinic(**changes):
    good = {"signal": "mfa_email_coverage", "value": 1.0, "observed_at": "2026-11-22", "source": "telemetry"}
    insured = {"naics": "621210", "country": "US", "annual_revenue": 2e6, **changes}
    return cyberscore.Profile.from_dict({"insured": insured, "observations": [good]})


@pytest.mark.parametrize("revenue", [1e5, 1e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 5e8])
@pytest.mark.parametrize("as_of", [AS_OF, date(2027, 6, 30)])
def test_no_cliff_in_revenue(revenue, as_of):
    """At equal terms; every node of the plan and every border of a rule is met."""
    cover = Coverage(retention=25_000.0)
    below, above = (
        cyberscore.quote(clinic(annual_revenue=revenue * (1 + step)), cover, as_of=as_of) for step in (-5e-10, 5e-10)
    )
    assert below.coverage == above.coverage
    assert above.technical_premium == pytest.approx(below.technical_premium, rel=1e-6)
    assert above.uncapped_premium == pytest.approx(below.uncapped_premium, rel=1e-6)
    assert above.unclipped_score == pytest.approx(below.unclipped_score, abs=1e-5)


def test_a_rate_of_the_caller_wins_and_is_recorded():
    firm = clinic(currency="EUR")
    with_plan, own = (
        cyberscore.quote(
            firm, Coverage(currency="USD"), as_of=AS_OF, exchange_rate=rate, exchange_rate_is_meant=rate is not None
        )
        for rate in (None, 2.0)
    )
    in_usd = cyberscore.quote(clinic(annual_revenue=4e6), as_of=AS_OF)
    assert with_plan.exchange_rate == cyberscore.load_plan().pricing.currency.usd["EUR"]
    assert own.exchange_rate == 2.0
    assert own.indicative_premium == in_usd.indicative_premium
    assert own.input_digest != with_plan.input_digest
    assert own.currency == "USD"


def test_the_market_index_is_noted_where_it_is_held():
    dates = cyberscore.load_plan().pricing.index.dates
    for day, noted in ((dates[-1], False), (dates[-1] + timedelta(days=500), True), (dates[0] - timedelta(1), True)):
        insured = {"naics": "621210", "country": "US", "annual_revenue": 2e6}
        answer = cyberscore.quote(cyberscore.Profile.from_dict({"insured": insured}), as_of=day)
        assert any("market index is held constant" in line for line in answer.warnings) == noted


def test_a_sublimit_of_nothing_takes_the_peril_away():
    cover = Coverage(sublimits={"ransomware": 0.0})
    none, all_of_it = (cyberscore.quote(clinic(), c, as_of=AS_OF) for c in (cover, Coverage()))
    assert none.by_peril["ransomware"].expected_loss == 0.0
    assert none.technical_premium < all_of_it.technical_premium
    assert none.ledger.replay() == none.indicative_premium


# --- the ledger


def test_a_ledger_replays_and_refuses_a_tampered_start():
    answer = cyberscore.quote(clinic(), as_of=AS_OF)
    ledger = answer.ledger
    assert ledger.replay() == answer.indicative_premium
    first, *rest = ledger.premium
    for wrong in (
        first._replace(value=first.value * 1.01),
        first._replace(operation="add"),
    ):
        with pytest.raises(ValueError, match="the premium column must start with the sum of the perils"):
            Ledger(ledger.perils, (wrong, *rest)).replay()
    column = ledger.perils["ransomware"]
    dearer = (column[0]._replace(value=column[0].value * 2), *column[1:])
    with pytest.raises(ValueError, match="must start with the sum of the perils"):
        Ledger({**ledger.perils, "ransomware": dearer}, ledger.premium).replay()


def test_a_ledger_does_not_look_at_stated_results():
    ledger = cyberscore.quote(clinic(), as_of=AS_OF).ledger
    lied = tuple(step._replace(result=0.0) for step in ledger.premium)
    assert Ledger(ledger.perils, lied).replay() == ledger.replay()
    more = [step._replace(value=step.value * 2) if step.label == "Level" else step for step in ledger.premium]
    assert Ledger(ledger.perils, tuple(more)).replay() > ledger.replay()


def test_ledger_operations():
    column = Column()
    for operation, value, expected in (
        ("start", 10.0, 10.0),
        ("multiply", 1.5, 15.0),
        ("add", 0.126, 15.126),
        ("at_least", 15.0, 15.126),
        ("at_least", 16.0, 16.0),
        ("at_most", 15.555, 15.555),
        ("round", 1, 15.6),
    ):
        assert column.step("step", operation, value, "test") == expected
    assert [step.result for step in column.steps][-1] == 15.6
    with pytest.raises(ValueError, match="unknown ledger operation 'divide': the operations are start"):
        apply("divide", 1.0, 2.0)


# --- the cover asked for


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"aggregate_limit": 9_999}, "coverage: aggregate_limit: .*10000"),
        ({"aggregate_limit": 10_000_001}, "coverage: aggregate_limit: .*10000000"),
        ({"aggregate_limit": math.nan}, "coverage: aggregate_limit: .*finite"),
        ({"aggregate_limit": math.inf}, "coverage: aggregate_limit: .*finite"),
        ({"aggregate_limit": -1e6}, "coverage: aggregate_limit: "),
        ({"aggregate_limit": "1000000"}, "coverage: aggregate_limit: a number is wanted; got '1000000'"),
        ({"aggregate_limit": True}, "coverage: aggregate_limit: a number is wanted; got True"),
        ({"aggregate_limit": None}, "coverage: aggregate_limit"),
        ({"retention": 499}, "coverage: retention: .*500"),
        ({"retention": 1_000_000}, "retention 1_000_000 must be below aggregate_limit 1_000_000"),
        ({"aggregate_limit": 50_000, "retention": 60_000}, "retention 60_000 must be below aggregate_limit 50_000"),
        (
            {"sublimits": {"malware": 1}},
            "unknown peril or coverage part 'malware' in sublimits: .*ransomware.*extortion",
        ),
        ({"coinsurance": {"ransom": 10}}, "unknown peril or coverage part 'ransom' in coinsurance"),
        ({"coinsurance": {"extortion": 101}}, "coverage: coinsurance.extortion: .*100"),
        ({"per_claim_limit": 2e6}, "per_claim_limit 2_000_000 must not exceed aggregate_limit 1_000_000"),
        ({"per_claim_limit": 10_000}, "retention 10_000 must be below per_claim_limit 10_000"),
        ({"per_claim_limit": 500}, "coverage: per_claim_limit: must be between 1000 and 10000000 USD; got 500"),
        ({"currency": "usd"}, "coverage: currency: unknown currency 'usd': give an ISO 4217 code"),
        ({"sublimits": {"ransomware": -1}}, "coverage: sublimits.ransomware"),
        (
            {"sublimits": {"ransomware": 2e6}},
            "sublimit 2_000_000 of ransomware must not exceed aggregate_limit 1_000_000",
        ),
        ({"sublimits": [1]}, "coverage: sublimits"),
        ({"waiting_period_hours": 0}, "coverage: waiting_period_hours"),
        ({"waiting_period_hours": 73}, "coverage: waiting_period_hours"),
        ({"expiring_premium": 0}, "coverage: expiring_premium"),
        ({"limit": 1e6}, "coverage: limit: unknown field"),
        ([], "coverage: "),
        ("1M", "coverage: "),
    ],
)
def test_cover_that_makes_no_sense(data, said):
    with pytest.raises(CoverageError, match=said):
        Coverage.from_dict(data)


def test_cover_survives_json():
    cover = Coverage(sublimits={"ransomware": 0.0}, expiring_premium=1.0)
    assert Coverage.from_dict(cover.to_dict()) == cover
    assert cover.limit_for("ransomware") == 0.0
    assert cover.limit_for("data_breach") == 1_000_000.0


@given(st.floats(1e-3, 3.0), st.floats(0.2, 2.5), st.integers(0, 10))
def test_aggregate_limit_is_between_its_bounds(frequency, sigma, seed):
    """Against a simulated year: no more than the loss that no aggregate bounds, low by less than stated."""
    limit = 1e6
    found = terms(Coverage(aggregate_limit=limit))
    rng = np.random.default_rng(seed)
    years = 4_000
    counts = rng.poisson(frequency, years)
    claims = np.minimum(rng.lognormal(np.log(2e5), sigma, counts.sum()), limit)
    total = np.bincount(np.repeat(np.arange(years), counts), claims, minlength=years)
    unbounded, bounded = total.mean(), np.minimum(total, limit).mean()
    error = 5 * np.minimum(total, limit).std() / math.sqrt(years)
    assert found.paid(unbounded) <= bounded + error
    assert bounded - found.paid(unbounded) <= unbounded**2 / (2 * limit) + error
    assert found.paid(unbounded) <= min(unbounded, limit)


def test_waiting_beyond_the_hours_of_the_plan_counts_as_the_last_of_them():
    waiting = load_plan().pricing.waiting_period
    assert waiting.at(waiting.hours[-1] + 100) == waiting.factors[-1]
    assert waiting.at(waiting.hours[0] / 2) == waiting.factors[0]
    assert waiting.at((waiting.hours[-2] + waiting.hours[-1]) / 2) == pytest.approx(
        (waiting.factors[-2] + waiting.factors[-1]) / 2
    )
    short = Waiting(hours=(8, 12), factors=(1.0, 0.9), parts=())
    assert [short.at(hours) for hours in (1, 8, 10, 12, 13, 72)] == pytest.approx([1.0, 1.0, 0.95, 0.9, 0.9, 0.9])
