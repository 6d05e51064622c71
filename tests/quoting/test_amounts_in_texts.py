"""Amounts of money in what a quote says: in its own currency, converted once, the same rules as in USD; what holds."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

import cyberscore
from cyberscore import Coverage, Profile, quote
from cyberscore.money import MINOR_UNITS, decimals_of, plain, written
from cyberscore.report import render_report
from cyberscore.report_text import print_quote
from cyberscore.rules import RuleBook
from cyberscore.rules.amounts import MARK, USD, Money
from cyberscore.rules.rule import parse_rule
from strategies import AS_OF

PLAN = cyberscore.load_plan()
RATES = PLAN.pricing.currency.usd
NUMBER = r"[0-9][0-9,]*(?:\.[0-9]+)?M?"
WEAK = {"backup_isolation": "none", "payment_verification": "none", "mfa_email_coverage": 0.1}


def firm(currency="USD", *, revenue=3e6, naics="522110", **own):
    rate = RATES[currency]
    seen = [
        {"signal": name, "value": value, "observed_at": "2018-11-22", "source": "attestation"}
        for name, value in WEAK.items()
    ]
    money = {"annual_revenue": revenue / rate, "largest_claim_36m": 40_000 / rate, "dual_approval_above": 30_000 / rate}
    insured = {"naics": naics, "country": "DE", "currency": currency, "claims_36m": 1, "claims_12m": 0, **money, **own}
    return Profile.from_dict({"insured": insured, "observations": seen})


def cover(currency="USD", **asked):
    rate = RATES[currency]
    amounts = {"aggregate_limit": 4e6, "retention": 1_000, **asked}
    return Coverage(currency=currency, waiting_period_hours=4, **{name: x / rate for name, x in amounts.items()})


def texts(answer):
    return [
        *(one.text for one in answer.adjustments),
        *(one.text for one in answer.subjectivities),
        *answer.decision_reasons,
        *(one.sentence for one in answer.rules),
        *(one.read for one in answer.rules),
    ]


def value(text):
    return float(text.removesuffix("M").replace(",", "")) * (1e6 if text.endswith("M") else 1.0)


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(set(RATES) - {"USD"})),
    st.sampled_from((8e5, 3e6, 3e7, 2e8)),
    st.sampled_from(("522110", "611110", "332721", "541110")),
    st.sampled_from(({}, {"expiring_premium": 900.0}, {"expiring_premium": 90_000.0})),
)
def test_every_text_says_what_it_says_in_usd_with_amounts_in_the_quotes_currency(currency, revenue, naics, asked):
    """Put the USD beside each converted amount in its place, and the text of the quote in USD is there again."""
    assume(revenue / RATES[currency] <= 1e14)  # the most that an insured may state
    home = quote(firm(revenue=revenue, naics=naics), cover(**asked), as_of=AS_OF)
    away = quote(firm(currency, revenue=revenue, naics=naics), cover(currency, **asked), as_of=AS_OF)
    assert not [line for line in away.warnings if "in USD" in line]
    told = re.compile(rf"({NUMBER}) {currency} \(({NUMBER}) USD\)")
    converted = 0
    for here, there in zip(texts(home), texts(away), strict=True):
        back = told.sub(lambda found: found[2], there)
        if "expiring" not in here:  # its change rounds otherwise
            assert back == here
        for amount, dollars in told.findall(there):
            converted += 1
            decimals = MINOR_UNITS.get(currency, 2)
            assert value(amount) == pytest.approx(
                value(dollars) / RATES[currency], abs=0.02 + 10.0**-decimals, rel=1e-5
            )
        assert not re.search(r"\{|\}", there)
    assert converted > 10
    assert away.decision == home.decision


@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_a_text_names_the_very_amount_of_its_field(currency):
    answer = quote(firm(currency), cover(currency), as_of=AS_OF)
    named = [one for one in answer.adjustments if one.kind in {"sublimit", "standard_sublimit", "part_sublimit"}]
    assert len(named) >= 5
    for one in named:
        found = re.search(rf"limited to ({NUMBER}) {currency} \(", one.text)
        assert value(found[1]) == one.amount
    assert cyberscore.record(firm(currency), cover(currency), as_of=AS_OF).replay().reproduced


def test_a_callers_own_rate_moves_the_texts_too():
    cheap, dear = (
        quote(firm("EUR"), cover("EUR"), as_of=AS_OF, exchange_rate=rate).decision_reasons for rate in (1.0, 1.25)
    )
    assert any("25,000 EUR (25,000 USD)" in line for line in cheap)
    assert any("20,000 EUR (25,000 USD)" in line for line in dear)


def test_a_rule_without_marks_is_told_to_be_in_usd():
    unmarked = _with_rules(lambda text: MARK.sub(r"\1\2", text))
    answer = quote(firm("EUR"), cover("EUR"), as_of=AS_OF, plan=unmarked)
    assert "amounts in the words of rules are in USD; those in fields are in the quote's currency" in answer.warnings
    at_home = quote(firm(), cover(), as_of=AS_OF, plan=unmarked)
    assert texts(at_home) == texts(quote(firm(), cover(), as_of=AS_OF))


def _with_rules(changed):
    more = {"stage", "kind", "when_in_words"}
    rules = [{name: part for name, part in rule.to_dict().items() if name not in more} for rule in PLAN.rules.rules]
    for rule in rules:
        rule["sentence"] = changed(rule["sentence"])
        for name in ("then", "unknown", "otherwise"):
            for action in rule.get(name, []):
                if "text" in action:
                    action["text"] = changed(action["text"])
    return replace(PLAN, rules=RuleBook(tuple(parse_rule(rule, 2) for rule in rules)))


@pytest.mark.parametrize("text", ["Limited to {250000 USD}.", "Limited to {}.", "Limited to 250,000}."])
def test_braces_that_mark_no_amount_are_left_alone(text):
    """Plans from before amounts were marked may have them."""
    plan = _with_rules(lambda old: text if "{" in old else old)
    answer = cyberscore.quote(cyberscore.example("law_firm"), Coverage(currency="GBP"), as_of=AS_OF, plan=plan)
    assert any(text.rstrip(".") in one.text for one in answer.adjustments)


@given(st.floats(0.01, 1e9), st.sampled_from(sorted(RATES)))
def test_money_is_told_with_every_digit_it_has(usd, currency):
    money = Money(currency, 1.0 / RATES[currency], MINOR_UNITS.get(currency, 2))
    told = money.told(round(usd, 2))
    found = re.fullmatch(rf"({NUMBER})(?: [A-Z]{{3}} \({NUMBER} USD\))?", told)
    assert value(found[1]) == pytest.approx(money.shown(round(usd, 2)), abs=1e-9, rel=1e-12)
    assert USD.text("{250,000} and {5M}") == "250,000 and 5M"


# --- what holds where two rules change one term


def test_of_two_rules_the_one_that_holds_is_told_from_the_one_it_supersedes():
    answer = quote(firm(naics="522110"), cover(), as_of=AS_OF)
    transfer = {one.rule: one for one in answer.adjustments if one.peril == "funds_transfer_fraud"}
    assert transfer["U17-standard"].superseded_by == "U17-finance"
    assert not transfer["U17-standard"].priced
    assert transfer["U17-finance"].priced
    assert transfer["U17-finance"].superseded_by in {"U17-callback", "U17-two-person"}
    assert transfer["U17-callback"].superseded_by is None
    factory = quote(firm(naics="332721"), cover(), as_of=AS_OF)
    waiting = {one.rule: one for one in factory.adjustments if one.kind == "waiting_floor"}
    assert (waiting["U15-all"].superseded_by, waiting["U15-all"].priced) == ("U15-manufacturing", False)
    assert (waiting["U15-manufacturing"].superseded_by, waiting["U15-manufacturing"].priced) == (None, True)
    assert factory.coverage["waiting_period_hours"] == waiting["U15-manufacturing"].amount == 12


def test_a_restriction_wider_than_what_was_asked_for_changes_nothing_and_says_so():
    asked = Coverage(aggregate_limit=1e6, retention=2_500, sublimits={"ransomware": 100_000})
    answer = quote(firm(), asked, as_of=AS_OF)
    wide = [one for one in answer.adjustments if one.kind == "sublimit" and one.peril == "ransomware"]
    assert wide
    assert {one.superseded_by for one in wide} == {"request"}
    assert answer.cover_offered["sublimits"]["ransomware"] == 100_000


@settings(max_examples=40)
@given(
    st.sampled_from(("522110", "611110", "332721", "541110")),
    st.sampled_from((1e6, 8e6, 4e7)),
    st.sampled_from(({}, {"ransomware": 100_000.0}, {"funds_transfer_fraud": 60_000.0}, {"extortion": 9e5})),
    st.sampled_from(("USD", "EUR")),
    st.sampled_from((1.5e5, 1e6, 5e6)),
)
def test_what_stands_is_what_the_cover_has(naics, revenue, sublimits, currency, limit):
    """Each term priced is in the cover priced, each that holds is in the cover to bind, and nothing else is."""
    rate = RATES[currency]
    asked = Coverage(
        currency=currency,
        aggregate_limit=limit / rate,
        retention=1_000 / rate,
        waiting_period_hours=4,
        sublimits={name: min(amount, limit) / rate for name, amount in sublimits.items()},
    )
    answer = quote(firm(currency, revenue=revenue, naics=naics), asked, as_of=AS_OF)
    fields = {
        "retention_floor": "retention",
        "limit_cap": "aggregate_limit",
        "waiting_floor": "waiting_period_hours",
    }
    rules = {one.rule for one in answer.adjustments}
    for one in answer.adjustments:
        assert one.superseded_by is None or one.superseded_by in rules | {"request"}
        assert one.superseded_by != one.rule
        if one.kind in fields:
            assert (answer.coverage[fields[one.kind]] == pytest.approx(one.amount)) is one.priced
        elif one.kind in {"standard_sublimit", "part_sublimit"}:
            assert (answer.coverage["sublimits"][one.peril] == pytest.approx(one.amount)) is one.priced
            holds = answer.cover_offered["sublimits"][one.peril] == pytest.approx(one.amount)
            assert holds is (one.superseded_by is None)
        elif one.kind == "sublimit":
            holds = answer.cover_offered["sublimits"][one.peril] == pytest.approx(one.amount)
            assert holds is (one.superseded_by is None)
        elif one.kind == "coinsurance":
            assert (answer.cover_offered["coinsurance"][one.peril] == one.amount) is (one.superseded_by is None)
        else:
            assert one.superseded_by is None


# --- what stands before the aggregate limit, what no quote does, and the evidence of rules


def test_losses_by_peril_and_part_stand_before_the_aggregate_limit_and_it_is_said():
    answer = quote(firm("EUR"), cover("EUR"), as_of=AS_OF)
    pure, aggregate = answer.ledger.premium[:2]
    assert sum(one.expected_loss for one in answer.by_peril.values()) * RATES["EUR"] == pytest.approx(pure.result)
    assert sum(answer.by_part.values()) * RATES["EUR"] == pytest.approx(pure.result)
    assert answer.expected_loss * RATES["EUR"] == pytest.approx(aggregate.result)
    assert answer.expected_loss < sum(answer.by_part.values())
    assert "before the aggregate limit" in pure.source
    assert "USD in the year; losses by peril and by part, above, stand before it" in aggregate.source


@pytest.mark.parametrize("country", ["IR", "KP", "RU", "US"])
def test_every_quote_says_that_it_screens_no_list(country):
    answer = quote(firm(country=country), as_of=AS_OF)
    assert "No sanctions list was screened" in answer.to_dict()["disclaimers"][0]
    assert any(line.startswith("U22: ") for line in answer.decision_reasons) is (country != "US")


EVIDENCE = {
    1: "P181 P194", 2: "P170 P192", 3: "P173 P186-P188", 4: "P174 P177 P194", 5: "P179 P182", 6: "P171 P194",
    7: "P178 P190 P191", 8: "", 9: "P181 P194", 10: "P172 P180", 11: "P169 P179", 12: "P164 P169 P179",
    13: "P162 P163", 14: "P161", 15: "P159 P195", 16: "P160", 17: "P165 P166 P175 P196", 18: "P177 P178",
    19: "P180 P182", 20: "P183 P184 P185", 21: "P208",
}  # fmt: skip


@pytest.mark.parametrize("number", EVIDENCE)
def test_rules_name_all_the_evidence_they_rest_on(number):
    named = {i for rule in PLAN.rules.rules if rule.id.startswith(f"U{number:02}") for i in rule.evidence.split()}
    assert set(EVIDENCE[number].split()) <= named


# --- currencies of no decimals and of three, wherever an amount is shown


@pytest.mark.parametrize(("currency", "rate"), [("KWD", 3.25), ("BHD", 2.65), ("VND", 3.9e-5), ("JPY", None)])
def test_every_amount_is_shown_in_one_way_with_the_currencys_decimals(currency, rate):
    usd = rate or RATES[currency]
    insured = firm().insured.model_copy(update={"currency": currency, "annual_revenue": 7.8e7 / usd, "country": "KW"})
    profile = Profile(insured=insured, observations=firm().observations)
    asked = Coverage(currency=currency, aggregate_limit=round(4e6 / usd), retention=round(1_000 / usd))
    answer = quote(profile, asked, as_of=AS_OF, exchange_rate=rate, options=[asked])
    decimals = decimals_of(currency)
    shown = [*texts(answer), *(one.source for one in answer.ledger.premium)]
    console = Console(width=250, file=io.StringIO(), highlight=False)
    print_quote(console, profile, answer)
    pages = [re.sub(r"<style.*?</style>", "", render_report(profile, answer, lang=lang)) for lang in ("en", "zh")]
    told = re.compile(rf"(?:{currency} ({NUMBER}))|(?:({NUMBER}) {currency}\b)")
    found = [a or b for text in (*shown, console.file.getvalue(), *pages) for a, b in told.findall(text)]
    assert len(found) > 100
    for amount in found:
        fraction = amount.removesuffix("M").partition(".")[2]
        assert amount.endswith("M") or len(fraction) in {0, decimals}, amount
        assert not amount.endswith("M") or value(amount) < 1e9, amount
    for amount in (answer.indicative_premium, answer.technical_premium, answer.options[0].indicative_premium):
        assert all(written(amount, currency) in text for text in (console.file.getvalue(), *pages))
    limits = [one["retention"] for one in (answer.coverage, answer.cover_offered)]
    assert all(plain(one, currency) in page for one in limits for page in pages)
    last = written(answer.ledger.premium[-1].result, currency)
    assert last in console.file.getvalue().partition("From expected loss")[2]


def test_a_limit_below_the_floors_is_told_in_the_covers_currency():
    school = firm("EUR", naics="611110")
    with pytest.raises(cyberscore.CoverageError, match=r"retention 21_739\.13 EUR \(25_000 USD\) must be below"):
        quote(school, Coverage(currency="EUR", aggregate_limit=20_000, retention=1_000), as_of=AS_OF)
