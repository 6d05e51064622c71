"""A caller's exchange rate: one far from the plan's is refused unless it is meant, everywhere a rate is taken."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Profile, ProfileError, QuoteRecord
from cyberscore.quoting.seals import digest
from cyberscore.rating.pricing import FAR
from cyberscore.report import render_report

AS_OF = date(2026, 11, 23)
PLAN = cyberscore.load_plan()
RATES = PLAN.pricing.currency.usd
LAW = cyberscore.example("law_firm")  # in GBP, 1.31 USD
ASK = {
    "quote": lambda **rate: cyberscore.quote(LAW, as_of=AS_OF, **rate),
    "risk_score": lambda **rate: cyberscore.risk_score(LAW, as_of=AS_OF, **rate),
    "record": lambda **rate: cyberscore.record(LAW, as_of=AS_OF, **rate),
    "what_if": lambda **rate: cyberscore.what_if(LAW, {"mdr_24x7": 1}, as_of=AS_OF, **rate),
    "path_to": lambda **rate: cyberscore.path_to(LAW, "score:99", as_of=AS_OF, **rate),
    "next_evidence": lambda **rate: cyberscore.next_evidence(LAW, as_of=AS_OF, **rate),
    "trajectory": lambda **rate: cyberscore.trajectory(LAW, None, [AS_OF], **rate),
    "explain_change": lambda **rate: cyberscore.explain_change(LAW, None, AS_OF, AS_OF, **rate),
}
SAID = (
    r"exchange_rate 0\.76 USD for one GBP is far from the plan's 1\.31 of 2026-11-01; inverted, it is 1\.31579: "
    r"give USD for one GBP, or say that this rate is meant \(exchange_rate_is_meant\)"
)


def firm(currency):
    revenue = 3e6 / RATES.get(currency, 1.0)
    insured = {"naics": "541110", "country": "DE", "annual_revenue": revenue, "currency": currency}
    return Profile.from_dict({"insured": insured})


@pytest.mark.parametrize("name", ASK)
def test_an_inverted_rate_is_refused_and_one_that_is_meant_is_taken(name):
    with pytest.raises(ProfileError, match=SAID):
        ASK[name](exchange_rate=0.76)
    assert ASK[name](exchange_rate=0.76, exchange_rate_is_meant=True) is not None
    with pytest.raises(ProfileError, match="is about exchange_rate, and none was given"):
        ASK[name](exchange_rate_is_meant=True)


@pytest.mark.parametrize("currency", sorted(code for code, rate in RATES.items() if code != "USD" and rate > 0.005))
def test_every_rate_of_the_plan_is_found_when_it_is_inverted(currency):
    with pytest.raises(ProfileError, match="inverted, it is"):
        cyberscore.risk_score(firm(currency), as_of=AS_OF, exchange_rate=1.0 / RATES[currency])


@pytest.mark.parametrize("true", [1.02, 1.09, 1.3])
def test_the_euro_is_found_inverted_wherever_it_stands_above_the_dollar(true):
    assert cyberscore.risk_score(firm("EUR"), as_of=AS_OF, exchange_rate=true)
    with pytest.raises(ProfileError, match=r"far from the plan's 1\.15"):
        cyberscore.risk_score(firm("EUR"), as_of=AS_OF, exchange_rate=1.0 / true)


@given(st.sampled_from(sorted(set(RATES) - {"USD"})), st.floats(-1.0, 1.0))
def test_a_rate_within_the_factor_is_taken_and_beyond_it_refused(currency, share):
    near = RATES[currency] * FAR**share
    answer = cyberscore.quote(firm(currency), as_of=AS_OF, exchange_rate=near)
    assert not [line for line in answer.warnings if "exchange_rate" in line]
    for far in (near * FAR**2.01, near / FAR**2.01):
        with pytest.raises(ProfileError, match="is far from the plan's"):
            cyberscore.risk_score(firm(currency), as_of=AS_OF, exchange_rate=far)


def test_of_a_currency_without_a_rate_nothing_can_be_compared():
    assert cyberscore.risk_score(firm("KWD"), as_of=AS_OF, exchange_rate=3.25)
    assert cyberscore.risk_score(firm("KWD"), as_of=AS_OF, exchange_rate=1 / 3.25)


def test_a_rate_that_is_meant_is_told_in_the_quote_recorded_and_replayed():
    made = cyberscore.record(LAW, as_of=AS_OF, exchange_rate=0.76, exchange_rate_is_meant=True)
    told = (
        "exchange_rate 0.76 USD for one GBP is far from the plan's 1.31 of 2026-11-01; the caller says that it is meant"
    )
    assert told in made.result["warnings"]
    assert made.arguments == {"as_of": "2026-11-23", "exchange_rate": 0.76, "exchange_rate_is_meant": True}
    again = QuoteRecord.from_json(made.to_json()).replay()
    assert (again.reproduced, again.differences, again.causes) == (True, (), ())
    answer = ASK["quote"](exchange_rate=0.76, exchange_rate_is_meant=True)
    for lang, said in (("en", "the caller says that it is meant"), ("zh", "使用方表示确为所指")):
        assert said in render_report(LAW, answer, lang=lang)


def test_a_record_from_before_rates_were_compared_replays():
    made = cyberscore.record(LAW, as_of=AS_OF, exchange_rate=0.76, exchange_rate_is_meant=True).to_dict()
    made["arguments"] = {"as_of": "2026-11-23", "exchange_rate": 0.76}
    made["result"]["warnings"] = []
    made["input_digest"] = digest([made["profile"], made["coverage"], made["arguments"]])
    made["result_digest"] = digest(made["result"])
    made["hash"] = digest({name: part for name, part in made.items() if name != "hash"})
    replay = QuoteRecord.from_json(json.dumps(made)).replay()
    assert (replay.reproduced, replay.differences, replay.causes) == (True, (), ())


def test_revenue_out_of_bounds_is_told_before_the_rate():
    with pytest.raises(ProfileError, match=r"annual_revenue comes to 0\.56 USD: .* the first 12 months"):
        cyberscore.quote(Profile.from_dict({"insured": {**LAW.to_dict()["insured"], "annual_revenue": 56}}),
                         Coverage(), as_of=AS_OF, exchange_rate=0.01)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "told"), [(date(2026, 11, 23), False), (date(2027, 11, 1), False), (date(2027, 11, 2), True)]
)
def test_rates_of_the_plan_that_are_old_are_told(day, told):
    """A year later a rate is another: a caller's own is then not called old, nor is there any for USD."""
    said = (
        f"the plan's exchange rates are of 2026-11-01, more than a year from {day}: give exchange_rate, USD for one EUR"
    )
    answer = cyberscore.quote(firm("EUR"), as_of=day)
    assert (said in answer.warnings) is told
    own = cyberscore.quote(firm("EUR"), as_of=day, exchange_rate=1.2)
    assert not [
        line for line in (*own.warnings, *cyberscore.quote(firm("USD"), as_of=day).warnings) if "rates are" in line
    ]
    page = render_report(firm("EUR"), answer, lang="zh")
    assert ("方案的汇率为 2026-11-01 所定" in page) is told
    assert "the plan's exchange rates" not in page
