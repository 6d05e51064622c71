"""Money around a premium: currencies, taxes and fees, the market index and scenarios."""

import io
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import cyberscore
from cyberscore import Coverage, CoverageError, Profile, quote
from cyberscore.money import MINOR_UNITS, decimals_of, short
from cyberscore.rating.taxes import tax_lines
from cyberscore.report import render_report
from cyberscore.report_text import print_quote
from rule_firms import firm_profile
from strategies import AS_OF

PLAN = cyberscore.load_plan()
RATES = PLAN.pricing.currency.usd


def firm(revenue=3e6, country="US", currency="USD"):
    seen = {"signal": "mfa_email_coverage", "value": 1.0, "observed_at": "2018-11-22", "source": "telemetry"}
    own = {"naics": "541110", "country": country, "annual_revenue": revenue, "currency": currency}
    return Profile.from_dict({"insured": own, "observations": [seen]})


def premium_line(answer, label):
    return next((step for step in answer.ledger.premium if step.label == label), None)


# --- currencies


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(set(RATES) - {"USD"})),
    st.sampled_from((250_000.0, 1e6, 3e6)),
    st.sampled_from((None, 2_000.0, 9_000.0)),
    st.sampled_from(({}, {"extortion": 30_000.0})),
)
def test_a_quote_in_the_insureds_currency_is_the_same_cover_converted_once(currency, limit, expiring, sublimits):
    rate, profile = RATES[currency], firm(5e6 / RATES[currency], "DE", currency)
    usd = Coverage(
        currency="USD", aggregate_limit=limit, retention=10_000, expiring_premium=expiring, sublimits=sublimits
    )
    there = Coverage(
        currency=currency,
        aggregate_limit=limit / rate,
        retention=10_000 / rate,
        expiring_premium=None if expiring is None else expiring / rate,
        sublimits={name: amount / rate for name, amount in sublimits.items()},
    )
    home, away = (quote(profile, cover, as_of=AS_OF, plan=PLAN) for cover in (usd, there))
    assert (home.currency, away.currency) == ("USD", currency)
    decimals = MINOR_UNITS.get(currency, 2)
    assert away.indicative_premium == round(away.indicative_premium, decimals)
    before = premium_line(away, "Minimum premium").result
    assert away.indicative_premium == round(before * (1.0 / rate), decimals)
    assert round(before, 2) == pytest.approx(home.indicative_premium, abs=0.011)
    assert away.ledger.replay() == away.indicative_premium
    assert away.ledger.premium[-1].result == away.indicative_premium
    for name in ("technical_premium", "uncapped_premium", "expected_loss"):
        assert getattr(away, name) * rate == pytest.approx(getattr(home, name), rel=1e-6)
    assert away.by_peril["ransomware"].expected_loss * rate == pytest.approx(
        home.by_peril["ransomware"].expected_loss, rel=1e-6
    )
    assert away.coverage["aggregate_limit"] == pytest.approx(limit / rate, abs=0.5)
    assert away.premium_low <= away.indicative_premium <= away.premium_high
    saved = {one.signal: one.saving for one in away.improvements}
    for one in home.improvements:
        assert saved.get(one.signal, 0.0) * rate == pytest.approx(one.saving, abs=2.5 * rate * 10.0**-decimals + 0.02)


SMALL_UNITS = {"VND": 0.000039, "KWD": 3.25, "JPY": 0.0065, "KRW": 0.00072, "BHD": 2.65, "IDR": 0.00006, "EUR": 1.15}


@settings(max_examples=60)
@given(st.sampled_from(sorted(SMALL_UNITS)), st.data())
def test_what_was_told_in_any_currency_is_told_back_to_the_last_digit(currency, data):
    """In a currency of many units to the dollar a cent of USD is hundreds of them: no amount is rounded in USD."""
    rate, unit = SMALL_UNITS[currency], 10.0 ** -decimals_of(currency)

    def amount(low, high):
        return round(data.draw(st.integers(int(low / rate / unit), int(high / rate / unit))) * unit, 3)

    above, largest, limit, retention = (
        amount(*bounds) for bounds in ((1e3, 9e4), (1e3, 9e4), (1.1e5, 1.9e6), (1.1e4, 9e4))
    )
    profile = firm_profile(
        {
            "currency": currency,
            "annual_revenue": round(2e6 / rate),
            "dual_approval_above": above,
            "largest_claim_36m": largest,
            "claims_36m": 1,
        }
    )
    cover = Coverage(currency=currency, aggregate_limit=limit, retention=retention)
    answer = quote(profile, cover, as_of=AS_OF, exchange_rate=rate, exchange_rate_is_meant=True)
    read = " ".join(rule.read for rule in answer.rules)
    assert f"transfers two persons release: above {short(above, currency)} {currency} (" in read
    assert f"largest claim of 36 months is {short(largest, currency)} {currency} (" in read
    assert answer.cover_offered["retention"] == answer.coverage["retention"] == retention
    assert answer.cover_offered["aggregate_limit"] == limit


@pytest.mark.parametrize("currency", ["KWD", "BHD", "JPY", "USD"])
def test_savings_are_the_difference_of_the_premiums_beside_them(currency):
    rate = {**SMALL_UNITS, "USD": 1.0}[currency]
    profile = Profile.from_dict(
        {
            **(data := cyberscore.example("dental_clinic").to_dict()),
            "insured": {**data["insured"], "currency": currency, "annual_revenue": 2.4e6 / rate},
        }
    )
    leaked = next(one for one in profile.observations if one.signal == "leaked_credentials_12m")
    profile = profile.dispute(leaked, "not_ours", "Another firm's.", at=AS_OF)
    cover = Coverage(currency=currency, aggregate_limit=1e6 / rate, retention=1e4 / rate)
    given_rate = {} if currency == "USD" else {"exchange_rate": rate}
    answer = quote(profile, cover, as_of=AS_OF, **given_rate)
    saved = {one.signal: one.saving for one in answer.improvements}
    for one in answer.improvements:
        assert one.saving == pytest.approx(answer.indicative_premium - one.indicative_premium, abs=1e-9)
    upheld = answer.disputed.upheld.indicative_premium
    assert answer.disputed.disputes[0].saving == pytest.approx(answer.indicative_premium - upheld, abs=1e-9) != 0.0
    asked = cyberscore.next_evidence(profile, None, cover, as_of=AS_OF, **given_rate)
    best = {one.signal: one.best_case_saving for one in asked.questions}
    assert best["payment_verification"] == saved["payment_verification"]
    found = cyberscore.path_to(
        profile, f"premium:{answer.indicative_premium * 0.9:.4f}", cover, as_of=AS_OF, **given_rate
    )
    assert found.steps[0].saving == pytest.approx(
        answer.indicative_premium - found.steps[0].indicative_premium, abs=1e-9
    )


def test_the_rate_is_dated_shown_and_the_callers_own_wins():
    profile, cover = firm(5e8, "JP", "JPY"), Coverage(currency="JPY", aggregate_limit=1.5e8, retention=1.5e6)
    answer = quote(profile, cover, as_of=AS_OF)
    assert answer.indicative_premium == int(answer.indicative_premium)
    assert (answer.exchange_rate, answer.exchange_rate_basis) == (RATES["JPY"], "plan, rates of 2026-11-01")
    assert premium_line(answer, "Currency").source == "1 JPY is 0.0065 USD: plan, rates of 2026-11-01"
    own = quote(profile, cover, as_of=AS_OF, exchange_rate=0.007)
    assert own.exchange_rate_basis == "given by the caller"
    assert premium_line(own, "Currency").value == 1.0 / 0.007
    record = cyberscore.record(profile, cover, as_of=AS_OF, exchange_rate=0.007)
    assert record.replay().reproduced


def test_usd_has_no_line_for_currency():
    answer = quote(firm(), as_of=AS_OF)
    assert (answer.currency, answer.exchange_rate_basis) == ("USD", "USD")
    assert premium_line(answer, "Currency") is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"currency": "EUR"}, "coverage: currency must be USD or the insured's own, GBP; got EUR"),
        (
            {"currency": "GBP", "aggregate_limit": 1e7},
            "aggregate_limit: 10,000,000 GBP is 13,100,000 USD at 1.31 USD for one GBP: .* 7,634 and 7,633,587 GBP",
        ),
        ({"currency": "GBP", "retention": 300}, "retention: 300 GBP is 393 USD at 1.31 .* between 382 and 763,358 GBP"),
    ],
)
def test_a_currency_or_an_amount_that_will_not_do(fields, said):
    with pytest.raises(CoverageError, match=said):
        quote(firm(3e6, "GB", "GBP"), Coverage(**fields), as_of=AS_OF)


@pytest.mark.parametrize(("currency", "rate"), [("GBP", 1.31), ("JPY", 0.0065)])
def test_a_path_to_a_premium_is_the_same_in_either_currency(currency, rate):
    """The target is in the quote's currency; too tight a bound in the search would miss the smallest set."""
    data = cyberscore.example("law_firm").to_dict()
    data["insured"] |= {"currency": currency, "annual_revenue": 5e6 / rate}
    profile = Profile.from_dict(data)
    for cover in (Coverage(), Coverage(currency=currency, aggregate_limit=1e6 / rate, retention=1e4 / rate)):
        start = quote(profile, cover, as_of=AS_OF, plan=PLAN).indicative_premium
        found = cyberscore.path_to(profile, f"premium:{start * 0.7:.2f}", cover, as_of=AS_OF, plan=PLAN)
        assert (found.optimal, found.reached, len(found.steps) > 1) == (True, True, True)
        # what these fixes reach exactly takes no more of them
        end = found.steps[-1].indicative_premium
        again = cyberscore.path_to(profile, f"premium:{end:.2f}", cover, as_of=AS_OF, plan=PLAN)
        assert again.reached
        assert len(again.steps) <= len(found.steps)


# --- taxes


def test_taxes_are_lines_beside_the_premium():
    plain, taxed = (quote(firm(country=country), as_of=AS_OF) for country in ("US", "GB"))
    assert plain.taxes == {}
    assert taxed.taxes == {"GB premium tax": round(taxed.indicative_premium * 0.12, 2)}
    assert taxed.ledger.premium[-1].result == taxed.indicative_premium


@pytest.mark.parametrize(
    ("country", "state", "status", "terminal", "english", "chinese"),
    [
        ("US", None, "none_due", "none due in US", "none due in US", "无应缴税费"),
        ("US", "TX", "due", "US-TX surplus lines tax, not in the premium", "surplus lines tax", "盈余险税"),
        ("GB", None, "due", "GB premium tax, not in the premium", "GB premium tax", "保费税"),
        ("JP", None, "not_known", "not known here for JP; ask", "not known here for JP: ask", "请另行核实"),
        ("BE", None, "not_known", "not known here for BE; ask", "not known here for BE: ask", "请另行核实"),
    ],
)
def test_no_tax_due_is_told_from_none_known(country, state, status, terminal, english, chinese):
    profile, cover = firm(country=country), Coverage(surplus_lines_state=state)
    answer = quote(profile, cover, as_of=AS_OF, options=[cover])
    assert answer.tax_status == status
    assert bool(answer.taxes) is (status == "due")
    plain = json.loads(answer.to_json())
    assert (plain["tax_status"], plain["options"][0]["tax_status"]) == (status, status)
    console = Console(width=200, file=io.StringIO(), highlight=False)
    print_quote(console, profile, answer)
    assert terminal in console.file.getvalue()
    assert english in render_report(profile, answer)
    assert chinese in render_report(profile, answer, lang="zh")


def test_every_country_of_the_plan_is_known_and_no_other():
    known = PLAN.pricing.taxes
    assert known["US"] == 0.0
    for country in ("US", "GB", "DE", "FR", "NL", "ES", "CA", "CN", "KW"):
        status = quote(firm(country=country), as_of=AS_OF).tax_status
        assert status == ("not_known" if country not in known else "due" if known[country] else "none_due")


def test_surplus_lines_by_state():
    answer = quote(firm(), Coverage(surplus_lines_state="TX"), as_of=AS_OF)
    base = answer.indicative_premium + 100
    assert answer.taxes == {
        "US-TX surplus lines tax": round(base * 0.0485, 2),
        "US-TX stamping fee": round(base * 0.00075, 2),
        "policy fee": 100.0,
    }
    assert answer.indicative_premium == quote(firm(), as_of=AS_OF).indicative_premium
    lines = PLAN.pricing.surplus_lines
    assert tax_lines(25_000.0, "US", "CO", {}, lines) == {"US-CO surplus lines tax": 25_250 * 0.03, "policy fee": 250.0}


@pytest.mark.parametrize(
    ("country", "state", "said"),
    [
        ("GB", "TX", "surplus_lines_state is for insureds in the US; this one is in GB"),
        ("US", "ZZ", "the plan has no surplus lines tax for 'ZZ'; it knows AL, AZ"),
        ("US", "texas", "the plan has no surplus lines tax for 'texas'"),
    ],
)
def test_a_state_that_will_not_do(country, state, said):
    with pytest.raises(CoverageError, match=said):
        quote(firm(country=country), Coverage(surplus_lines_state=state), as_of=AS_OF)


# --- the market


def test_the_index_holds_the_hard_market_and_its_turn():
    """Small and medium accounts: about +50 % from the end of 2020 to the end of 2022 (P093-P102), then less."""
    index = PLAN.pricing.index

    def mid(*day):
        return index.at(date(*day), 1.0)

    years = [mid(2020, 12, 1), mid(2021, 6, 1), mid(2021, 12, 1), mid(2022, 6, 1), mid(2022, 12, 1)]
    assert years == sorted(years)
    assert 1.4 <= years[-1] / years[0] <= 1.6
    # yearly changes as surveyed: 2021 Q2 against Q4 of 2021 and 2022
    assert mid(2021, 11, 15) / mid(2020, 11, 15) == pytest.approx(1.343, abs=0.01)
    assert mid(2022, 5, 15) / mid(2021, 5, 15) == pytest.approx(1.268, abs=0.01)
    assert mid(2022, 11, 15) / mid(2021, 11, 15) == pytest.approx(1.15, abs=0.01)
    assert mid(2023, 12, 31) < mid(2023, 6, 1) < mid(2023, 5, 15) * 1.0001
    assert mid(2026, 7, 1) < mid(2025, 7, 1) < mid(2023, 12, 31)
    micro = [index.at(date(year, 7, 1), 0.0) for year in range(2019, 2027)]
    assert max(micro) / min(micro) < 1.2
    assert index.dates[0] == date(2019, 7, 1)


@pytest.mark.parametrize(("revenue", "moved"), [(2e6, False), (5e7, True)])
def test_a_hard_market_is_seen_in_the_premium_of_a_larger_firm(revenue, moved):
    before, after = (quote(firm(revenue), as_of=day).uncapped_premium for day in (date(2020, 12, 1), date(2022, 12, 1)))
    assert (after > 1.4 * before) == moved


@pytest.mark.parametrize(("name", "change"), [("howden_2023", -0.15), ("aon_2023", -0.17)])
def test_a_market_scenario_is_a_line_of_the_ledger_and_on_record(name, change):
    plain, moved = (quote(firm(), Coverage(market_scenario=one), as_of=AS_OF) for one in (None, name))
    assert moved.technical_premium == plain.technical_premium
    assert moved.uncapped_premium == pytest.approx(plain.uncapped_premium * (1.0 + change))
    step = premium_line(moved, "Market scenario")
    assert step.value == 1.0 + change
    assert step.source.startswith(f"pricing scenarios.{name}: ")
    assert moved.ledger.replay() == moved.indicative_premium
    assert moved.coverage["market_scenario"] == name
    assert premium_line(plain, "Market scenario") is None
    assert PLAN.pricing.scenarios[name].evidence


def test_an_unknown_scenario_names_those_there_are():
    with pytest.raises(CoverageError, match="unknown market_scenario 'howden': the plan has aon_2023, ciab_2021"):
        quote(firm(), Coverage(market_scenario="howden"), as_of=AS_OF)


@pytest.mark.parametrize(("currency", "named"), [("EUR", "EUR"), ("JPY", "JPY"), ("USD", "USD"), ("XPF", "USD")])
def test_a_quote_is_of_the_usual_cover_in_the_insureds_currency(currency, named):
    """Of everything that quotes; in USD where no cover is usual in the currency."""
    rate = {"exchange_rate": 0.009} if currency == "XPF" else {}
    profile, usual = firm(9e8 if currency in {"JPY", "XPF"} else 6e6, "FR", currency), Coverage.usual(currency)
    assert usual.currency == named
    about = {"as_of": AS_OF, **rate}
    expected = cyberscore.quote(profile, usual, **about)
    assert cyberscore.quote(profile, **about) == expected
    assert expected.currency == named
    assert cyberscore.record(profile, **about).replay().reproduced
    change = {"mfa_email_coverage": 1.0}
    assert cyberscore.what_if(profile, change, **about) == cyberscore.what_if(profile, change, usual, **about)
    assert cyberscore.path_to(profile, "band:A", **about) == cyberscore.path_to(profile, "band:A", usual, **about)
    assert cyberscore.next_evidence(profile, **about) == cyberscore.next_evidence(profile, None, usual, **about)
