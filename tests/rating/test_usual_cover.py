"""The cover of a request that gives no limit or retention: usual amounts of its currency, bounds told in it."""

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, Profile
from cyberscore.profile.places import CURRENCIES
from cyberscore.rating.coverage import BOUNDS_IN_USD, usual_covers

RATES = cyberscore.load_plan().pricing.currency.usd


def firm(currency, rate):
    return Profile.from_dict(
        {"insured": {"naics": "541110", "country": "JP", "annual_revenue": 3e6 / rate, "currency": currency}}
    )


def quoted(cover, rate=None):
    known = RATES.get(cover.currency, rate)
    return cyberscore.quote(firm(cover.currency, known), cover, as_of=date(2026, 11, 23), exchange_rate=rate)


def test_usd_and_what_is_given_do_not_change():
    assert (Coverage().aggregate_limit, Coverage().retention) == (1_000_000, 10_000)
    assert usual_covers()["USD"] == (1_000_000, 10_000)
    own = {"currency": "JPY", "aggregate_limit": 5e7, "retention": 3e5}
    assert Coverage.from_dict(own) == Coverage.from_dict(Coverage.from_dict(own).to_dict())
    assert Coverage.from_dict(own).aggregate_limit == 5e7


def test_every_rate_of_the_plan_has_the_customary_amount_nearest_to_the_usual_cover():
    assert set(RATES) <= set(usual_covers()) <= CURRENCIES
    for currency, rate in RATES.items():
        limit, retention = usual_covers()[currency]
        customary = [m * 10.0**k for k in range(4, 13) for m in (1, 2, 5)]
        assert limit == min(customary, key=lambda amount: abs(math.log(amount * rate / 1e6))), currency
        assert retention == limit / 100


@pytest.mark.parametrize("currency", sorted(set(RATES) - {"USD"}))
def test_a_currency_alone_is_quoted_as_the_same_cover_given(currency):
    limit, retention = usual_covers()[currency]
    alone = quoted(Coverage(currency=currency))
    given = quoted(Coverage(currency=currency, aggregate_limit=limit, retention=retention))
    assert alone.to_dict() == given.to_dict()
    assert alone.requested["aggregate_limit"] == limit


def test_a_request_means_the_same_at_any_rate_and_comes_back_from_a_record():
    cover = Coverage(currency="KRW")
    record = cyberscore.record(firm("KRW", 7e-4), cover, as_of=date(2026, 11, 23), exchange_rate=7e-4)
    assert record.replay().reproduced
    assert quoted(cover, 7e-4).requested == quoted(cover, 8e-4).requested


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(set(RATES) - {"USD"})),
    st.sampled_from(("aggregate_limit", "retention")),
    st.floats(-2.0, 2.0),
)
def test_what_is_out_of_bounds_is_told_with_bounds_in_its_own_currency(currency, name, outside):
    rate = RATES[currency]
    low, high = (bound / rate for bound in BOUNDS_IN_USD[name])
    amount = low * 0.99 * 10**outside if outside < 0 else high * 1.01 * 10**outside
    cover = {"currency": currency, "aggregate_limit": max(9e6 / rate, amount * 2), "retention": 600 / rate}
    if name == "aggregate_limit":
        cover["retention"] = min(600 / rate, amount / 2)
    cover = Coverage.from_dict({**cover, name: amount})
    with pytest.raises(CoverageError, match=f"it must be between .* and .* {currency} \\(.* USD\\)"):
        quoted(cover)


def test_where_nothing_is_usual_it_says_what_to_give():
    with pytest.raises(CoverageError, match="no usual cover is known in ETB: give aggregate_limit and retention"):
        Coverage.from_dict({"currency": "ETB"})
    with pytest.raises(CoverageError, match="no usual cover is known in ETB: give retention in ETB"):
        Coverage.from_dict({"currency": "ETB", "aggregate_limit": 1e8})
    with pytest.raises(CoverageError, match="is not above 2_000_000 JPY, the retention that is usual in JPY"):
        Coverage.from_dict({"currency": "JPY", "aggregate_limit": 1_000_000})


# --- a currency without a usual cover: amounts are never taken in another


def kuwait(cover=None, **more):
    shared = {"as_of": date(2026, 11, 23), "exchange_rate": 3.25, **more}
    return cyberscore.quote(firm("KWD", 3.25), cover, **shared)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"aggregate_limit": 300_000}, "retention"),
        ({"retention": 3_000}, "aggregate_limit"),
        ({"per_claim_limit": 100_000}, "aggregate_limit and retention"),
        ({"sublimits": {"ransomware": 50_000}}, "aggregate_limit and retention"),
        ({"expiring_premium": 900}, "aggregate_limit and retention"),
        ({"aggregate_limit": 300_000, "sublimits": {"extortion": 5_000}, "waiting_period_hours": 12}, "retention"),
    ],
)
def test_some_amounts_without_a_currency_are_refused_where_no_cover_is_usual(given, wanted):
    said = f"no usual cover is known in KWD: give {wanted} in KWD, or name USD as the currency of the cover"
    profile, about = firm("KWD", 3.25), {"as_of": date(2026, 11, 23), "exchange_rate": 3.25}
    cover = Coverage(**given)
    for ask in (
        lambda: cyberscore.quote(profile, cover, **about),
        lambda: cyberscore.record(profile, cover, **about),
        lambda: cyberscore.what_if(profile, {"mdr_24x7": 1}, cover, **about),
        lambda: cyberscore.path_to(profile, "band:A", cover, **about),
        lambda: cyberscore.next_evidence(profile, None, cover, **about),
        lambda: cyberscore.trajectory(profile, None, [about["as_of"]], cover, exchange_rate=3.25),
    ):
        with pytest.raises(CoverageError, match=said):
            ask()
    named = Coverage(currency="USD", **{"aggregate_limit": 1e6, "retention": 1e4, **given})
    assert kuwait(named).currency == "USD"
    whole = Coverage(**{"aggregate_limit": 300_000, "retention": 3_000, **given})
    assert kuwait(whole).currency == "KWD"


def test_without_amounts_the_usual_cover_in_usd_is_quoted():
    for cover in (None, Coverage(), Coverage(waiting_period_hours=12), Coverage(coinsurance={"extortion": 10})):
        answer = kuwait(cover)
        assert (answer.currency, answer.requested["aggregate_limit"]) == ("USD", 1_000_000)


def test_options_are_not_taken_in_usd_either():
    grid = Coverage.grid(limits=[300_000], retentions=[3_000])
    with pytest.raises(CoverageError, match="no usual cover is known in KWD, so options need a coverage beside them"):
        kuwait(options=grid)
    with pytest.raises(CoverageError, match="options need a coverage"):
        kuwait(Coverage(waiting_period_hours=12), options=grid)
    answer = kuwait(Coverage(aggregate_limit=300_000, retention=3_000), options=grid)
    assert (answer.currency, answer.options[0].requested["currency"]) == ("KWD", "KWD")
    named = Coverage.grid(limits=[300_000], retentions=[3_000], currency="USD")
    assert kuwait(options=named).options[0].requested["currency"] == "USD"


# --- percentages, and premiums that nobody paid


@pytest.mark.parametrize("percent", [0.2, 0.5, 0.999, 1e-9])
def test_a_share_given_as_percent_is_refused_with_what_to_write(percent):
    with pytest.raises(CoverageError, match=rf"in percent, 0 or at least 1; got {percent:g}: write {100 * percent:g}"):
        Coverage.from_dict({"coinsurance": {"ransomware": percent}})
    for fine in (0, 1, 20, 62.5, 100):
        assert Coverage(coinsurance={"ransomware": fine}).coinsurance == {"ransomware": fine}


@pytest.mark.parametrize(("currency", "rate"), [("USD", 1.0), ("JPY", RATES["JPY"]), ("EUR", RATES["EUR"])])
@pytest.mark.parametrize(("usd", "refused"), [(1, True), (49, True), (51, False), (900_000, False), (1_200_000, True)])
def test_an_expiring_premium_that_nobody_paid_is_refused(currency, rate, usd, refused):
    cover = Coverage(
        currency=currency, aggregate_limit=1e6 / rate, retention=10_000 / rate, expiring_premium=usd / rate
    )
    about = {"as_of": date(2026, 11, 23)}
    if refused:
        with pytest.raises(CoverageError, match=f"{currency} cannot be last year's premium: it must be at least"):
            cyberscore.quote(firm(currency, rate), cover, **about)
    else:
        odd = [line for line in cyberscore.quote(firm(currency, rate), cover, **about).warnings if "expiring" in line]
        assert "ask whether it is the premium of a year, in full" in odd[0]


def test_an_expiring_premium_near_the_new_one_is_not_asked_about():
    cover = Coverage(expiring_premium=2_500)
    answer = cyberscore.quote(firm("USD", 1.0), cover, as_of=date(2026, 11, 23))
    assert not [line for line in answer.warnings if "expiring" in line]
