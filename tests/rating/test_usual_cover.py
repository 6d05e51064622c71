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
