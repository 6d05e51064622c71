"""The rule oracle: every shipped rule true, false, unknown and at its border, through the public `quote`."""

import tomllib
from pathlib import Path

import pytest

import cyberscore
from cyberscore.profile import sectors
from cyberscore.rules import OUTCOMES, STAGES
from rule_firms import quoted

CASES = tomllib.loads(Path(__file__).with_name("oracle.toml").read_text(encoding="utf-8"))["case"]
RULES = cyberscore.load_plan().rules.rules


def answer_to(case):
    return quoted(case.get("insured"), case.get("coverage", {}), case.get("connection"), **case.get("signals", {}))


def asked(answer, rule):
    own = [one for one in answer.subjectivities if one.rule == rule]
    return ["before binding" if one.when == "pre_bind" else f"within {one.days} days" for one in own]


def changes(answer, rule):
    return [
        {"kind": one.kind, "amount": one.amount} | ({"peril": one.peril} if one.peril else {})
        for one in answer.adjustments
        if one.rule == rule
    ]


@pytest.mark.parametrize("case", CASES, ids=[f"{one['rule']}-{number}" for number, one in enumerate(CASES)])
def test_oracle(case):
    answer = answer_to(case)
    rule = case["rule"]
    result = next(one for one in answer.rules if one.rule == rule)
    assert result.outcome == case["outcome"]
    assert answer.decision == case["decision"]
    assert asked(answer, rule) == case.get("asked", [])
    assert changes(answer, rule) == case.get("changes", [])
    if "told" in case:
        assert case["told"] in [one.text for one in answer.adjustments if one.rule == rule]


def test_the_oracle_tries_every_rule_in_every_way():
    """True and false for each that can be either; unknown for all that may be."""
    tried = {(case["rule"], case["outcome"]) for case in CASES}
    assert len(CASES) >= 80
    for rule in RULES:
        wanted = {*rule.words} | ({"unknown"} if rule.may_be_unknown else set())
        if not rule.tests:
            wanted = {"applies"}  # it holds of everyone
        if rule.id == "U21":
            wanted = {"does_not_apply"}  # what applies needs a premium: below
        assert {(rule.id, outcome) for outcome in wanted} <= tried, rule.id


def test_rules_of_the_evidence_are_all_there():
    assert {rule.id.split("-")[0] for rule in RULES} >= {f"U{number:02}" for number in range(1, 22)}


def test_every_sector_has_a_limit_on_ransoms():
    named = [sector for rule in RULES if rule.id.startswith("U16") for test in rule.tests for sector in test.operand]
    assert sorted(named) == list(sectors())


@pytest.mark.parametrize("case", CASES[::9])
def test_every_rule_is_in_one_list_and_in_order(case):
    answer = answer_to(case)
    assert {one.rule for one in answer.rules} == {rule.id for rule in RULES}
    assert [STAGES.index(one.stage) for one in answer.rules] == sorted(STAGES.index(one.stage) for one in answer.rules)
    lists = {"pass": answer.passed, "fail": answer.failed, "unknown": answer.ungraded, "applies": answer.applied}
    for outcome in OUTCOMES:
        found = tuple(one.rule for one in answer.rules if one.outcome == outcome)
        assert lists.get(outcome, found) == found
    assert answer.to_dict()["failed"] == list(answer.failed)


@pytest.mark.parametrize("case", CASES)
def test_every_change_tells_its_reason_with_the_insureds_own_figure(case):
    """What a rule changed ends with what it read: the value of a field, or that it is not known."""
    answer = answer_to(case)
    read = {one.rule: one.read for one in answer.rules}
    for one in answer.adjustments:
        assert read[one.rule] in one.text
        assert one.text.endswith(".")
    assert all(one.read for one in answer.rules)


@pytest.mark.parametrize(
    ("firm", "cover", "text"),
    [
        (
            {"annual_revenue": 31e6},
            {"retention": 2_500},
            "Retention set to 5,000: revenue is 31M; 2,500 was asked for.",
        ),
        (
            {"annual_revenue": 3.1e6, "naics": "611110"},
            {"aggregate_limit": 2e6},
            "Limit lowered to 1,000,000: education (NAICS 611110); 2,000,000 was asked for.",
        ),
        (
            {"annual_revenue": 4_999_999.99},
            {"aggregate_limit": 3e6},
            "Limit lowered to 2,000,000: revenue is 4,999,999.99; 3,000,000 was asked for.",
        ),
        ({"naics": "332721"}, {}, "Waiting period set to 12 hours: manufacturing (NAICS 332721); 8 was asked for."),
        (
            {"naics": "522110"},
            {},
            "Funds transfer fraud limited to 100,000: financial services (NAICS 522110).",
        ),
        ({}, {"waiting_period_hours": 6}, "Waiting period set to 8 hours: waiting period is 6 hours; 6 was asked for."),
    ],
)
def test_terms_in_words(firm, cover, text):
    assert text in [one.text for one in quoted(firm, cover).adjustments]


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({"end_of_life_share": 0.12}, "Premium raised by 10 %: Systems past end of life: 12 %."),
        (
            {"mfa_email_coverage": (0.3, "telemetry")},
            "Ransomware limited to 250,000 until MFA covers email: MFA on email: 30 %; revenue is 2M.",
        ),
        (
            {"mfa_email_coverage": None},
            "Ransomware limited to 250,000 until MFA on email is shown: MFA on email: not known.",
        ),
        (
            {"backup_isolation": "none"},
            "Ransomware limited to 250,000 until backups are isolated: Backup isolation: none.",
        ),
    ],
)
def test_restrictions_in_words(seen, text):
    seen = {name: (value, "attestation") if value == "none" else value for name, value in seen.items()}
    assert text in [one.text for one in quoted(**seen).adjustments]


def test_in_another_currency_the_text_is_in_it_with_the_usd_beside():
    answer = quoted({"currency": "EUR"}, {"currency": "EUR", "retention": 1_000})
    floor = next(one for one in answer.adjustments if one.kind == "retention_floor")
    assert floor.text == (
        "Retention set to 2,173.91 EUR (2,500 USD): revenue is 2M EUR (2.3M USD); 1,000 EUR (1,150 USD) was asked for."
    )
    assert floor.amount == pytest.approx(2_500 / 1.15, abs=0.01)
    ransom = next(one for one in answer.adjustments if one.kind == "part_sublimit")
    assert ransom.amount == pytest.approx(500_000 / 1.15, abs=0.01)


# --- what needs a premium, or last year's


@pytest.mark.parametrize("share", [0.5, 0.76, 0.799, 0.801, 1.0, 1.2, 1.33, 1.34, 3.0])
def test_the_renewal_cap_is_a_rule_that_applies_when_it_holds_the_premium(share):
    """Expiring premiums from half to three times what cost asks for."""
    plain = quoted().uncapped_premium
    answer = quoted(cover={"expiring_premium": round(plain * share, 2)})
    change = answer.uncapped_premium / round(plain * share, 2) - 1.0
    held = [one for one in answer.adjustments if one.kind == "renewal_cap"]
    assert ("U21" in answer.applied) == (abs(change) > 0.25) == bool(held)
    assert answer.uncapped_premium == pytest.approx(plain)
    if held:
        assert answer.indicative_premium == max(round(held[0].amount, 2), 500.0)
        assert f"{answer.uncapped_premium:,.2f}" in held[0].text
        assert f"{change:+.1%} on the expiring premium" in held[0].text
    else:
        assert answer.indicative_premium == max(round(answer.uncapped_premium, 2), 500.0)


@pytest.mark.parametrize(("expiring", "wins"), [(100.0, True), (399.0, True), (400.0, False), (3_000.0, False)])
def test_a_held_premium_below_the_minimum_says_that_the_minimum_wins(expiring, wins):
    answer = quoted(cover={"expiring_premium": expiring})
    text = next(one.text for one in answer.adjustments if one.kind == "renewal_cap")
    assert ("below the minimum premium of 500.00, which wins" in text) == wins
    assert f"{500.0 if wins else answer.indicative_premium:,.2f}" in text
    assert (answer.indicative_premium == 500.0) or not wins


def test_a_year_without_claims_or_findings_lowers_the_retention_at_no_premium():
    renewal = {"expiring_premium": 900.0, "retention": 20_000}
    with_claims, without = (quoted({"claims_12m": n, "claims_36m": 1}, renewal) for n in (1, 0))
    assert without.cover_offered["retention"] == 15_000
    assert with_claims.cover_offered["retention"] == without.coverage["retention"] == 20_000
    assert without.indicative_premium == with_claims.indicative_premium
    at_the_floor = quoted(cover={"expiring_premium": 900.0, "retention": 2_500})
    assert at_the_floor.cover_offered["retention"] == 2_500
    assert quoted(cover={"expiring_premium": 900.0, "retention": 3_000}).cover_offered["retention"] == 2_500


@pytest.mark.parametrize(
    ("firm", "cover", "message"),
    [
        ({"application_signed_at": "2026-11-24"}, {}, "application_signed_at 2026-11-24 is after as_of 2026-11-23"),
        ({}, {"contingencies_open_since": "2026-11-24"}, "contingencies_open_since 2026-11-24 is after as_of"),
        ({"claims_12m": 2, "claims_36m": 1}, {}, "claims_12m 2 exceeds claims_36m 1"),
        ({"claims_36m": 0, "largest_claim_36m": 1.0}, {}, "largest_claim_36m is 1 although claims_36m is 0"),
        ({"claims_36m": -1}, {}, "claims_36m"),
        ({"claims_36m": 1.5}, {}, "claims_36m"),
        ({"claims_36m": True}, {}, "a number is wanted; got True"),
        ({"largest_claim_36m": float("nan")}, {}, "largest_claim_36m"),
        ({"largest_claim_36m": "25k"}, {}, "a number is wanted; got '25k'"),
        ({"dual_approval_above": -1}, {}, "dual_approval_above"),
        ({"bank_details_verified": "yes"}, {}, "bank_details_verified"),
        ({"application_signed_at": "last week"}, {}, "a date in ISO 8601 is wanted"),
        ({}, {"contingencies_open_since": 20261123}, "a date in ISO 8601 is wanted"),
    ],
)
def test_statements_that_make_no_sense(firm, cover, message):
    with pytest.raises((cyberscore.ProfileError, cyberscore.CoverageError), match=message):
        quoted(firm, cover)


def test_new_statements_are_in_the_schema_and_in_the_digest():
    schema = cyberscore.Profile.model_json_schema()["$defs"]["Insured"]["properties"]
    told = {"claims_12m": 0, "claims_36m": 1, "largest_claim_36m": 5.0, "application_signed_at": "2026-11-20"}
    told |= {"bank_details_verified": False, "dual_approval_above": 1.0}
    assert set(told) <= set(schema)
    silent = {"claims_36m": None}
    digests = {quoted({**silent, name: value}).input_digest for name, value in told.items()}
    digests.add(quoted(silent).input_digest)
    assert len(digests) == len(told) + 1
    assert "contingencies_open_since" in cyberscore.Coverage.model_json_schema()["properties"]
    assert quoted(cover={"contingencies_open_since": "2026-11-20"}).input_digest not in digests
