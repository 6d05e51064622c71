"""Underwriting rules: each shipped rule true, false, unknown and at its border; each malformed rule is one error."""

import tomllib
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, PlanError, Profile, RuleError
from cyberscore.profile import signals
from cyberscore.rating.library import shipped_text
from cyberscore.rules import DECISIONS, RuleBook, evaluate
from cyberscore.rules.conditions import SignalValue

AS_OF = date(2026, 11, 23)
CLEAN = {
    "mfa_email_coverage": (1.0, "telemetry"),
    "mfa_remote_coverage": (1.0, "telemetry"),
    "mfa_admin_coverage": (1.0, "telemetry"),
    "exposed_rdp": (0, "scan"),
    "risky_services": (0, "scan"),
    "backup_isolation": ("offline_or_immutable", "telemetry"),
    "kev_open_external": (0, "scan"),
    "end_of_life_share": (0.0, "scan"),
    "payment_verification": ("dual_approval_and_callback", "document"),
}
FIRM = {
    "naics": "541110",
    "country": "US",
    "annual_revenue": 2e6,
    "record_count": 5_000,
    "active_incident": False,
    "known_circumstances": False,
}


def profile(firm=None, **seen):
    """Build a firm without any weakness, but for what is given; None leaves a signal or a field unknown."""
    found = {name: (value, "scan") if not isinstance(value, tuple) else value for name, value in seen.items()}
    observations = [
        {"signal": name, "value": value, "observed_at": "2026-11-23", "source": source}
        for name, (value, source) in {**CLEAN, **found}.items()
        if value is not None
    ]
    insured = {name: value for name, value in {**FIRM, **(firm or {})}.items() if value is not None}
    return Profile.from_dict({"insured": insured, "observations": observations})


def quoted(firm=None, cover=None, **seen):
    return cyberscore.quote(profile(firm, **seen), cover, as_of=AS_OF)


def said(answer, rule):
    """What one rule did: outcome, conditions, and changes of cover or price."""
    outcome = next(one.outcome for one in answer.rules if one.rule == rule)
    asked = [(s.when, s.days) for s in answer.subjectivities if s.rule == rule]
    changes = [(a.kind, a.peril, a.amount) for a in answer.adjustments if a.rule == rule]
    return outcome, asked, changes


LARGE = {"annual_revenue": 5e6}
RANSOM = ("sublimit", "ransomware", 250_000)
COINSURANCE = ("coinsurance", "ransomware", 50)
WIRE = ("sublimit", "funds_transfer_fraud", 50_000)
CONTINGENT = "quote_with_contingencies"
NO_SCAN = {"exposed_rdp": None, "risky_services": None}

# rule, firm, cover, signals; outcome, decision, conditions asked for, changes made
CASES = [
    ("U01-incident", {"active_incident": True}, {}, {}, "fail", "decline", [], []),
    ("U01-incident", {}, {}, {}, "pass", "quote", [], []),
    ("U01-incident", {"active_incident": None}, {}, {}, "unknown", CONTINGENT, [("pre_bind", None)], []),
    ("U01-circumstances", {"known_circumstances": True}, {}, {}, "fail", "refer", [], []),
    ("U01-circumstances", {}, {}, {}, "pass", "quote", [], []),
    ("U01-circumstances", {"known_circumstances": None}, {}, {}, "unknown", CONTINGENT, [("pre_bind", None)], []),
    ("U02", {"business_activities": ["baking", "gambling"]}, {}, {}, "fail", "refer", [], []),
    ("U02", {"business_activities": ["baking"]}, {}, {}, "pass", "quote", [], []),
    ("U02", {"business_activities": []}, {}, {}, "pass", "quote", [], []),
    ("U02", {"business_activities": ["Debt Collection"]}, {}, {}, "fail", "refer", [], []),
    ("U02", {}, {}, {}, "unknown", "quote", [], []),
    (
        "U03-small", {}, {}, {"mfa_email_coverage": (0.4999, "telemetry")},
        "fail", "quote", [], [RANSOM, COINSURANCE, ("debit", None, 15)],
    ),
    ("U03-small", {}, {}, {"mfa_email_coverage": (0.5, "telemetry")}, "pass", "quote", [], []),
    ("U03-small", {}, {}, {"mfa_email_coverage": None}, "unknown", "quote", [], [RANSOM, ("debit", None, 5)]),
    ("U03-small", LARGE, {}, {"mfa_email_coverage": (0.1, "telemetry")}, "pass", CONTINGENT, [], []),
    (
        "U03-small", {"annual_revenue": 4_999_999.99}, {}, {"mfa_email_coverage": (0.1, "telemetry")},
        "fail", "quote", [], [RANSOM, COINSURANCE, ("debit", None, 15)],
    ),
    ("U03-large", {}, {}, {"mfa_email_coverage": None}, "pass", "quote", [], []),
    ("U03-large", LARGE, {}, {"mfa_email_coverage": (0.49, "telemetry")}, "fail", CONTINGENT, [("pre_bind", None)], []),
    ("U03-large", LARGE, {}, {"mfa_email_coverage": (0.5, "telemetry")}, "pass", "quote", [], []),
    ("U03-large", LARGE, {}, {"mfa_email_coverage": None}, "unknown", CONTINGENT, [("pre_bind", None)], []),
    ("U04", {}, {}, {"mfa_remote_coverage": (0.2, "attestation")}, "fail", CONTINGENT, [("pre_bind", None)], []),
    ("U04", {}, {}, {"mfa_admin_coverage": (0.49, "telemetry")}, "fail", CONTINGENT, [("pre_bind", None)], []),
    ("U04", {}, {}, {"mfa_admin_coverage": (0.5, "telemetry")}, "pass", "quote", [], []),
    ("U04", {}, {}, {"mfa_admin_coverage": None}, "unknown", CONTINGENT, [("pre_bind", None)], []),
    (
        "U04", {}, {}, {"mfa_admin_coverage": None, "mfa_remote_coverage": (0.0, "telemetry")},
        "fail", CONTINGENT, [("pre_bind", None)], [],
    ),
    ("U04", {}, {}, {"mfa_remote_coverage": ("not_applicable", "document")}, "pass", "quote", [], []),
    (
        "U04", {}, {}, {"mfa_remote_coverage": ("not_applicable", "attestation")},
        "unknown", CONTINGENT, [("pre_bind", None)], [],
    ),
    ("U05", {}, {}, {"exposed_rdp": 1}, "fail", CONTINGENT, [("pre_bind", None)], []),
    ("U05", {}, {}, {"risky_services": 1, "exposed_rdp": None}, "fail", CONTINGENT, [("pre_bind", None)], []),
    ("U05", {}, {}, {}, "pass", "quote", [], []),
    ("U05", {}, {}, NO_SCAN, "unknown", CONTINGENT, [("post_bind", 30)], []),
    ("U05", {}, {}, {"exposed_rdp": None}, "unknown", CONTINGENT, [("post_bind", 30)], []),
    ("U06", {}, {}, {"backup_isolation": ("none", "attestation")}, "fail", "refer", [], [RANSOM]),
    ("U06", {}, {}, {"backup_isolation": ("offsite", "attestation")}, "pass", "quote", [], []),
    ("U06", {}, {}, {"backup_isolation": None}, "unknown", CONTINGENT, [("pre_bind", None)], []),
    (
        "U07", {}, {}, {"kev_open_external": 1},
        "fail", CONTINGENT, [("post_bind", 30)], [("coinsurance", "ransomware", 20)],
    ),
    ("U07", {}, {}, {"kev_open_external": 0}, "pass", "quote", [], []),
    ("U07", {}, {}, {"kev_open_external": None}, "unknown", CONTINGENT, [("post_bind", 30)], []),
    ("U08", {}, {}, {"end_of_life_share": 0.05}, "fail", "quote", [], [("debit", None, 10)]),
    ("U08", {}, {}, {"end_of_life_share": 0.0499}, "pass", "quote", [], []),
    ("U08", {}, {}, {"end_of_life_share": None}, "unknown", "quote", [], []),
    ("U10", {"record_count": 500_001}, {}, {}, "fail", "refer", [], []),
    ("U10", {"record_count": 500_000}, {}, {}, "pass", "quote", [], []),
    ("U10", {"record_count": None}, {}, {}, "unknown", "quote_with_contingencies", [("pre_bind", None)], []),
    ("U11", {"annual_revenue": 100_000_001.0}, {}, {}, "fail", "refer", [], []),
    ("U11", {"annual_revenue": 1e8}, {}, {}, "pass", "quote", [], []),
    ("U11", {"annual_revenue": 9e7, "currency": "EUR"}, {}, {}, "fail", "refer", [], []),
    ("U12-authority", LARGE, {"aggregate_limit": 3_000_001}, {}, "fail", "refer", [], []),
    ("U12-authority", LARGE, {"aggregate_limit": 3_000_000}, {}, "pass", "quote", [], []),
    ("U12-senior", LARGE, {"aggregate_limit": 5_000_000}, {}, "fail", "refer", [], []),
    ("U12-senior", LARGE, {"aggregate_limit": 4_999_999}, {}, "pass", "refer", [], []),
    ("U12-small", {}, {"aggregate_limit": 3e6}, {}, "fail", "quote", [], [("limit_cap", None, 2e6)]),
    ("U12-small", {}, {"aggregate_limit": 2e6}, {}, "fail", "quote", [], []),
    ("U12-small", LARGE, {"aggregate_limit": 3e6}, {}, "pass", "quote", [], []),
    (
        "U13", {"naics": "611110"}, {"aggregate_limit": 2e6}, {},
        "fail", "quote", [], [("limit_cap", None, 1e6), ("retention_floor", None, 25_000)],
    ),
    ("U13", {"naics": "92"}, {"retention": 25_000}, {}, "fail", "quote", [], []),
    ("U13", {"naics": "541110"}, {"aggregate_limit": 2e6}, {}, "pass", "quote", [], []),
    ("U14-small", {}, {"retention": 1_000}, {}, "fail", "quote", [], [("retention_floor", None, 2_500)]),
    ("U14-small", {}, {"retention": 2_500}, {}, "fail", "quote", [], []),
    ("U14-small", {"annual_revenue": 25e6}, {"retention": 5_000}, {}, "pass", "quote", [], []),
    (
        "U14-medium", {"annual_revenue": 25e6}, {"retention": 2_500}, {},
        "fail", "quote", [], [("retention_floor", None, 5_000)],
    ),
    ("U14-medium", {"annual_revenue": 50e6}, {}, {}, "pass", "quote", [], []),
    (
        "U14-large", {"annual_revenue": 50e6}, {"retention": 5_000}, {},
        "fail", "quote", [], [("retention_floor", None, 10_000)],
    ),
    ("U14-large", {"annual_revenue": 49_999_999.0}, {}, {}, "pass", "quote", [], []),
    ("U15-all", {}, {"waiting_period_hours": 7.9}, {}, "fail", "quote", [], [("waiting_floor", None, 8)]),
    ("U15-all", {}, {"waiting_period_hours": 8}, {}, "pass", "quote", [], []),
    ("U15-manufacturing", {"naics": "332721"}, {}, {}, "fail", "quote", [], [("waiting_floor", None, 12)]),
    ("U15-manufacturing", {"naics": "332721"}, {"waiting_period_hours": 24}, {}, "fail", "quote", [], []),
    ("U15-manufacturing", {"naics": "423"}, {}, {}, "pass", "quote", [], []),
    ("U17-standard", {}, {}, {}, "fail", "quote", [], [("standard_sublimit", "funds_transfer_fraud", 250_000)]),
    ("U17-standard", {}, {"aggregate_limit": 250_000}, {}, "fail", "quote", [], []),
    ("U17-standard", {}, {"sublimits": {"funds_transfer_fraud": 100_000}}, {}, "fail", "quote", [], []),
    (
        "U17-finance", {"naics": "522110"}, {}, {},
        "fail", "quote", [], [("standard_sublimit", "funds_transfer_fraud", 100_000)],
    ),
    ("U17-finance", {}, {}, {}, "pass", "quote", [], []),
    ("U17-verification", {}, {}, {"payment_verification": ("none", "attestation")}, "fail", "quote", [], [WIRE]),
    ("U17-verification", {}, {}, {"payment_verification": ("dual_approval", "audit")}, "fail", "quote", [], [WIRE]),
    ("U17-verification", {}, {}, {}, "pass", "quote", [], []),
    ("U17-verification", {}, {}, {"payment_verification": None}, "unknown", "quote", [], [WIRE]),
    ("U17-verification", {}, {}, {"payment_verification": ("not_applicable", "audit")}, "pass", "quote", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "firm", "cover", "seen", "outcome", "decision", "asked", "changes"), CASES)
def test_shipped_rules(rule, firm, cover, seen, outcome, decision, asked, changes):
    answer = quoted(firm, Coverage(**cover), **seen)
    assert said(answer, rule) == (outcome, asked, changes)
    assert answer.decision == decision
    own_reason = [line for line in answer.decision_reasons if line.startswith(f"{rule}: ")]
    assert bool(own_reason) == (outcome != "pass" and decision != "quote" and (not asked or decision == CONTINGENT))


def test_every_shipped_rule_has_cases():
    """True and false for each, unknown for all that can be: an amount of cover is always known, so is revenue."""
    tried = {(case[0], case[4]) for case in CASES}
    always_known = {"U02", "U11", "U12-authority", "U12-senior", "U12-small", "U13", "U14-small", "U14-medium"}
    always_known |= {"U14-large", "U15-all", "U15-manufacturing", "U17-standard", "U17-finance"}
    for rule in cyberscore.load_plan().rules.rules:
        wanted = {"fail", "pass"} | (set() if rule.id in always_known else {"unknown"})
        wanted -= {"pass"} if rule.id == "U17-standard" else set()
        assert {(rule.id, outcome) for outcome in wanted} <= tried


def test_rules_are_recorded_with_their_evidence():
    answer = quoted()
    text = tomllib.loads(shipped_text("rules.toml"))
    assert {one.rule for one in answer.rules} == {raw["id"] for raw in text["rule"]}
    assert all(one.sentence and one.evidence for one in answer.rules)


@pytest.mark.parametrize(
    ("firm", "seen", "decision"),
    [
        ({"active_incident": True, "known_circumstances": True}, {"exposed_rdp": 1}, "decline"),
        ({"known_circumstances": True}, {"exposed_rdp": 1}, "refer"),
        ({}, {"exposed_rdp": 1, "end_of_life_share": 0.5}, CONTINGENT),
        ({}, {"end_of_life_share": 0.5}, "quote"),
    ],
)
def test_the_gravest_decision_wins(firm, seen, decision):
    answer = quoted(firm, **seen)
    assert answer.decision == decision
    assert bool(answer.decision_reasons) == (decision != "quote")


def test_what_comes_before_binding_is_listed_first():
    found = [one.when for one in quoted(exposed_rdp=1, kev_open_external=1, mfa_admin_coverage=None).subjectivities]
    assert found == ["pre_bind", "pre_bind", "post_bind"]


def test_debits_add_up_and_the_premium_shows_them():
    clean, two = quoted(), quoted(end_of_life_share=0.05, mfa_email_coverage=None)
    schedule = next(step for step in two.ledger.premium if step.label == "Schedule")
    assert schedule.value == pytest.approx(1.15)
    assert two.uncapped_premium / two.technical_premium == pytest.approx(
        1.15 * clean.uncapped_premium / clean.technical_premium
    )


def test_floors_may_leave_no_cover():
    with pytest.raises(CoverageError, match=r"retention 25_000 must be below aggregate_limit 20_000 after .*floors"):
        quoted({"naics": "611110"}, Coverage(aggregate_limit=20_000, retention=1_000))


def test_terms_are_priced_and_restrictions_are_not():
    answer = quoted({"naics": "611110"}, Coverage(aggregate_limit=2e6), payment_verification=("none", "attestation"))
    priced = {(one.rule, one.kind): one.priced for one in answer.adjustments}
    assert priced == {
        ("U13", "limit_cap"): True,
        ("U13", "retention_floor"): True,
        ("U17-standard", "standard_sublimit"): True,
        ("U17-verification", "sublimit"): False,
    }
    assert answer.coverage["sublimits"] == {"funds_transfer_fraud": 250_000}
    assert answer.coverage["aggregate_limit"] == 1e6
    assert answer.requested["aggregate_limit"] == 2e6


# --- evidence that has faded


@pytest.mark.parametrize(("days", "outcome"), [(0, "pass"), (270, "pass"), (271, "unknown"), (3_000, "unknown")])
def test_a_favourable_answer_fades_to_unknown(days, outcome):
    """An attestation weighs .5; after its half-life of 270 days exactly .25, the least that rules read."""
    observed = (AS_OF - timedelta(days=days)).isoformat()
    seen = {"signal": "mfa_email_coverage", "value": 1.0, "observed_at": observed, "source": "attestation"}
    other = [one for one in profile().to_dict()["observations"] if one["signal"] != "mfa_email_coverage"]
    known = Profile.from_dict({"insured": FIRM, "observations": [*other, seen]})
    assert said(cyberscore.quote(known, as_of=AS_OF), "U03-small")[0] == outcome


def test_an_adverse_answer_does_not_fade():
    seen = {"signal": "mfa_email_coverage", "value": 0.1, "observed_at": "2019-01-01", "source": "attestation"}
    known = Profile.from_dict({"insured": FIRM, "observations": [seen]})
    assert said(cyberscore.quote(known, as_of=AS_OF), "U03-small")[0] == "fail"


# --- restrictions earn no credit

weaknesses = st.fixed_dictionaries(
    {},
    optional={
        "mfa_email_coverage": st.sampled_from(((0.0, "telemetry"), (0.3, "attestation"), None)),
        "backup_isolation": st.sampled_from((("none", "attestation"), ("none", "telemetry"), None)),
        "payment_verification": st.sampled_from((("none", "attestation"), ("dual_approval", "audit"), None)),
        "kev_open_external": st.sampled_from((1, 5, None)),
        "end_of_life_share": st.sampled_from((0.05, 0.4, None)),
        "mfa_remote_coverage": st.sampled_from(((0.1, "attestation"), None)),
    },
).filter(bool)


@settings(max_examples=150)
@given(
    weaknesses,
    st.sampled_from((2e5, 2e6, 4.99e6, 5e6, 4e7)),
    st.sampled_from((1e5, 2.5e5, 1e6, 3e6)),
    st.sampled_from((None, 400.0, 9_000.0)),
    st.data(),
)
def test_mending_a_weakness_never_costs_more(seen, revenue, limit, expiring, data):
    cover = Coverage(aggregate_limit=limit, expiring_premium=expiring)
    mended = data.draw(st.sampled_from(sorted(seen)))
    before = quoted({"annual_revenue": revenue}, cover, **seen)
    after = quoted(
        {"annual_revenue": revenue}, cover, **{name: value for name, value in seen.items() if name != mended}
    )
    assert after.indicative_premium <= before.indicative_premium
    assert after.unclipped_score <= before.unclipped_score + 1e-9
    assert DECISIONS.index(after.decision) <= DECISIONS.index(before.decision)
    assert len(after.adjustments) <= len(before.adjustments)


# --- three values


def book(when, **outcomes):
    """One rule as TOML."""
    actions = "\n".join(f"{name} = {value}" for name, value in outcomes.items())
    return RuleBook.from_toml(
        f'format = 1\n[[rule]]\nid = "X1"\nversion = 1\nsentence = "s"\nrationale = "r"\nevidence = "e"\n'
        f"when = {when}\n{actions}"
    )


REFER = '[{ type = "refer", text = "t" }]'
ONE, TWO = '{ signal = "exposed_rdp", at_least = 1 }', '{ insured = "record_count", above = 10 }'


@pytest.mark.parametrize(
    ("join", "first", "second", "expected"),
    [
        ("all", True, True, "fail"),
        ("all", True, False, "pass"),
        ("all", True, None, "unknown"),
        ("all", False, None, "pass"),
        ("all", None, None, "unknown"),
        ("any", True, None, "fail"),
        ("any", True, False, "fail"),
        ("any", False, None, "unknown"),
        ("any", False, False, "pass"),
        ("any", None, True, "fail"),
        ("any", None, None, "unknown"),
    ],
)
def test_unknown_decides_nothing(join, first, second, expected):
    rule = book(f"{{ {join} = [{ONE}, {TWO}] }}", fail=REFER).rules[0]
    values = {
        ("signal", "exposed_rdp"): {True: SignalValue(3, adverse=True), False: SignalValue(0, adverse=False)}.get(
            first
        ),
        ("insured", "record_count"): {True: 11, False: 10}.get(second),
    }
    assert evaluate(rule, lambda kind, name: values[kind, name]).outcome == expected


def test_an_adverse_value_never_passes():
    rule = book('{ signal = "mfa_email_coverage", below = 0.05 }', fail=REFER).rules[0]
    for value, adverse, outcome in ((0.3, True, "unknown"), (0.01, True, "fail"), (0.9, False, "pass")):
        assert evaluate(rule, lambda *_, v=value, a=adverse: SignalValue(v, adverse=a)).outcome == outcome


def test_conditions_nest():
    rule = book(f"{{ any = [{{ all = [{ONE}, {TWO}] }}, {TWO}] }}", fail=REFER).rules[0]
    assert rule.signals == {"exposed_rdp"}
    assert evaluate(rule, lambda kind, _: 11 if kind == "insured" else None).outcome == "fail"


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [
        ('{ insured = "record_count", at_least = 10 }', 10, True),
        ('{ insured = "record_count", above = 10 }', 10, False),
        ('{ insured = "record_count", below = 10 }', 10, False),
        ('{ insured = "record_count", at_most = 10 }', 10, True),
        ('{ insured = "country", is = "US" }', "US", True),
        ('{ insured = "country", is_one_of = ["US", "CA"] }', "GB", False),
        ('{ insured = "naics", starts_with = ["61", "92"] }', "921", True),
        ('{ insured = "naics", starts_with = ["61", "92"] }', "161", False),
        ('{ insured = "business_activities", includes_any = ["a", "b"] }', ("c", "b"), True),
        ('{ insured = "business_activities", includes_any = ["a", "b"] }', ("ab",), False),
        ('{ insured = "active_incident", is = false }', False, True),
        ('{ signal = "mail_platform", is_one_of = ["on_premises"] }', SignalValue("google", adverse=False), False),
        ('{ signal = "legacy_auth_enabled", is = true }', SignalValue(1, adverse=True), True),
        ('{ signal = "mdr_24x7", is = false }', SignalValue(0, adverse=True), True),
        ('{ signal = "internet_footprint", above = 300 }', SignalValue(301, adverse=False), True),
    ],
)
def test_operators(when, value, expected):
    rule = book(when).rules[0]
    assert rule.condition.holds(lambda *_: value) is expected
    assert rule.condition.holds(lambda *_: None) is None


# --- malformed rules


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("5", "a condition must be a table"),
        ("{}", "give one of signal, insured, coverage and one of at_least"),
        ('{ signal = "exposed_rdp" }', "give one of signal, insured, coverage"),
        ('{ signal = "exposed_rdp", at_least = 1, above = 1 }', "give one of signal, insured, coverage"),
        ('{ signal = "exposed_rdp", insured = "naics", is = 1 }', "give one of signal, insured, coverage"),
        ('{ signal = "exposed_rdp", over = 1 }', "give one of signal, .*over"),
        ("{ all = [] }", "'all' must stand alone with a list of conditions"),
        ("{ any = 5 }", "'any' must stand alone"),
        (f"{{ all = [{ONE}], any = [{ONE}] }}", "'all' must stand alone"),
        ('{ signal = "exposed_rpd", at_least = 1 }', "unknown signal 'exposed_rpd': did you mean 'exposed_rdp'"),
        ("{ signal = 5, at_least = 1 }", "unknown signal '5'"),
        ('{ insured = "revenue", below = 1 }', "unknown insured field 'revenue': known are annual_revenue_usd"),
        ('{ coverage = "limit", below = 1 }', "unknown coverage field 'limit': known are aggregate_limit"),
        ('{ signal = "mfa_email_coverage", below = 50 }', "a share is wanted, not a percentage; did you mean 0.5"),
        ('{ signal = "mfa_email_coverage", below = nan }', "must be finite"),
        ('{ signal = "mfa_email_coverage", below = true }', "must be a number"),
        ('{ signal = "exposed_rdp", at_least = 1.5 }', "must be a whole number"),
        ('{ signal = "exposed_rdp", at_least = [1] }', "cannot be compared|must be a number|needs a finite number"),
        ('{ signal = "exposed_rdp", is_one_of = 5 }', "cannot be compared with is_one_of"),
        ('{ signal = "exposed_rdp", below = 1 }', "gets riskier the higher it is: use above or at_least"),
        ('{ signal = "mfa_email_coverage", at_least = 0.5 }', "gets riskier the lower it is: use at_most or below"),
        ('{ signal = "legacy_auth_enabled", is = false }', "gets riskier the higher it is"),
        ('{ signal = "mdr_24x7", is = true }', "gets riskier the lower it is"),
        ('{ signal = "backup_isolation", is = "offsite" }', "must fail for its riskiest levels"),
        ('{ signal = "backup_isolation", is = "tape" }', "must be one of offline_or_immutable"),
        ('{ signal = "backup_isolation", is_one_of = "none" }', "needs a list of text"),
        ('{ signal = "backup_isolation", above = "none" }', "cannot be compared with above: use is or is_one_of"),
        ('{ signal = "payment_verification", is_one_of = ["dual_approval"] }', "must fail for its riskiest levels"),
        ('{ signal = "internet_footprint", starts_with = 5 }', "cannot be compared with starts_with"),
        ('{ signal = "mail_platform", at_least = "google" }', "cannot be compared with at_least"),
        ('{ insured = "annual_revenue_usd", below = "5M" }', "needs a finite number; got '5M'"),
        ('{ insured = "annual_revenue_usd", below = nan }', "needs a finite number"),
        ('{ insured = "annual_revenue_usd", starts_with = ["5"] }', "cannot be compared with starts_with"),
        ('{ insured = "naics", starts_with = "61" }', "naics starts_with needs a list of text; got '61'"),
        ('{ insured = "naics", at_least = 61 }', "naics cannot be compared with at_least"),
        ('{ insured = "business_activities", includes_any = "adult" }', "needs a list of text; got 'adult'"),
        ('{ insured = "business_activities", is = "adult" }', "cannot be compared with is: use includes_any"),
        ('{ insured = "active_incident", is = "yes" }', "needs true or false; got 'yes'"),
        ('{ insured = "country", is = 5 }', "needs text; got 5"),
        ('{ coverage = "retention", is_one_of = [5] }', "cannot be compared with is_one_of"),
    ],
)
def test_malformed_conditions(when, message):
    with pytest.raises(RuleError, match=rf"rule X1: .*({message})"):
        book(when, fail=REFER)


def test_a_malformed_condition_deep_inside_is_found():
    with pytest.raises(RuleError, match="rule X1: unknown signal 'rdp'"):
        book(f'{{ any = [{{ all = [{ONE}, {{ signal = "rdp", above = 1 }}] }}] }}')


POST = '{ type = "post_bind", days = 30, text = "t" }'
LIMIT = '{ type = "sublimit", peril = "ransomware", amount = 1000, text = "t" }'


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ({"fail": "5"}, "actions must be a list"),
        ({"fail": "[5]"}, "an action must be one of decline"),
        ({"fail": '[{ type = "reject", text = "t" }]'}, "an action must be one of"),
        ({"fail": '[{ type = ["refer"], text = "t" }]'}, "an action must be one of"),
        ({"fail": '[{ type = "refer" }]'}, "an action must be one of"),
        ({"fail": '[{ type = "refer", text = "t", days = 3 }]'}, "an action must be one of"),
        ({"fail": '[{ type = "refer", text = 5 }]'}, "text must be text"),
        ({"fail": '[{ type = "rate", percent = 101 }]'}, "percent must be a number between -25 and 100; got 101"),
        ({"fail": '[{ type = "rate", percent = -26 }]'}, "percent must be a number between -25 and 100"),
        ({"fail": '[{ type = "rate", percent = nan }]'}, "percent must be a number"),
        ({"fail": '[{ type = "rate", percent = "10" }]'}, "percent must be a number"),
        ({"fail": '[{ type = "rate", percent = true }]'}, "percent must be a number"),
        ({"fail": f"[{LIMIT.replace('1000', '-1')}]"}, "amount must be a number between 0 and 1e"),
        ({"fail": f"[{LIMIT.replace('ransomware', 'malware')}]"}, "unknown peril 'malware': the perils are ransomware"),
        ({"fail": '[{ type = "post_bind", days = 400, text = "t" }]'}, "days must be a number between 0 and 365"),
        (
            {"fail": '[{ type = "coinsurance", peril = "ransomware", percent = -5, text = "t" }]'},
            "percent must be a number between 0 and 100",
        ),
        (
            {"fail": '[{ type = "limit_cap", amount = 1000000 }]'},
            "limit_cap is priced, so it cannot depend on a signal",
        ),
        ({"unknown": '[{ type = "waiting_floor", hours = 9 }]'}, r"waiting_floor is priced, .*\(unknown\)"),
        (
            {"fail": f"[{POST}]", "unknown": REFER},
            "pass must be no graver than unknown, and unknown no graver than fail",
        ),
        ({"unknown": REFER}, "unknown no graver than fail"),
        ({"pass": f"[{POST}]", "fail": REFER}, "pass must be no graver than unknown"),
        ({"fail": '[{ type = "rate", percent = 5 }]', "unknown": '[{ type = "rate", percent = 6 }]'}, "no graver"),
        ({"pass": '[{ type = "rate", percent = 5 }]'}, "no graver"),
        ({"fail": REFER, "unknown": f"[{LIMIT}]"}, "no graver than fail, in every kind of action"),
        ({"fail": f"[{LIMIT}]", "unknown": f"[{LIMIT.replace('1000', '999')}]"}, "no graver"),
    ],
)
def test_malformed_actions(outcomes, message):
    with pytest.raises(RuleError, match=f"rule X1: .*{message}"):
        book(ONE, **outcomes)


@pytest.mark.parametrize(
    "outcomes",
    [
        {},
        {"fail": REFER},
        {"fail": REFER, "unknown": f"[{POST}]"},
        {"fail": f"[{LIMIT}]", "unknown": f"[{LIMIT.replace('1000', '1001')}]"},
        {"pass": '[{ type = "rate", percent = -5 }]', "unknown": '[{ type = "rate", percent = -3 }]'},
    ],
)
def test_well_ordered_actions(outcomes):
    assert book(ONE, **outcomes).rules[0].id == "X1"


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ('{ signal = "mfa_email_coverage", below = 0.8 }', "mfa_email_coverage"),
        ('{ signal = "mfa_email_coverage", below = 0.500001 }', "mfa_email_coverage"),
        ('{ signal = "mfa_email_coverage", at_most = 0.5 }', "mfa_email_coverage"),
        ('{ signal = "end_of_life_share", at_least = 0.0499 }', "end_of_life_share"),
        ('{ signal = "exposed_login_panels", above = 1 }', "exposed_login_panels"),
        ('{ signal = "backup_isolation", is_one_of = ["offsite", "none"] }', "backup_isolation"),
        (f'{{ any = [{ONE}, {{ signal = "edr_coverage", below = 0.9 }}] }}', "edr_coverage"),
    ],
)
def test_hiding_must_not_pay(when, name):
    """A rule that fails some favourable values must treat unknown as gravely."""
    with pytest.raises(RuleError, match=f"rule X1: some values of {name} that are safer than unknown fail"):
        book(when, fail=REFER, unknown=f"[{POST}]")
    assert book(when, fail=REFER, unknown=REFER).rules


@pytest.mark.parametrize(
    "when",
    [
        '{ signal = "mfa_email_coverage", below = 0.5 }',
        '{ signal = "end_of_life_share", at_least = 0.05 }',
        '{ signal = "exposed_login_panels", at_least = 3 }',
        '{ signal = "backup_isolation", is = "none" }',
        '{ signal = "internet_footprint", above = 1 }',
    ],
)
def test_unknown_may_be_milder_when_only_adverse_values_fail(when):
    about = next(iter(book(when).rules[0].signals))
    if not signals()[about].is_context:
        assert book(when, fail=REFER, unknown=f"[{POST}]").rules


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = ", "not valid TOML"),
        ("", "format must be 1"),
        ("format = 2", "format must be 1, .*got format 2"),
        ("format = 1\nrules = []", "format must be 1"),
        ("format = 1\nrule = 5", r"\[\[rule\]\]"),
        ("format = 1\nrule = [5]", r"\[\[rule\]\] table; got 5"),
        ('format = 1\n[[rule]]\nid = "X9"', "rule X9: needs evidence, id, .*when"),
        ("format = 1\n[[rule]]\nversion = 1", r"rule \?: needs"),
    ],
)
def test_malformed_files(text, message):
    with pytest.raises(RuleError, match=message):
        RuleBook.from_toml(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "U02"', 'id = "U01-incident"', r"rule ids must differ; got \['U01-incident'\] twice"),
        ('id = "U02"', "id = 2", "rule 2: id must be text"),
        ('id = "U02"', 'id = "U02"\nnote = "x"', "rule U02: needs .*note"),
        ("version = 1", 'version = "1"', "rule U01-incident: version must be"),
        ('sentence = "', "sentence = 5 # ", "rule U01-incident: sentence must be text"),
        ("is = true", 'is = "true"', "rule U01-incident: active_incident is needs true or false"),
    ],
)
def test_a_shipped_file_spoilt(old, new, message):
    text = shipped_text("rules.toml")
    assert old in text
    with pytest.raises(RuleError, match=message):
        RuleBook.from_toml(text.replace(old, new, 1))


def test_rule_errors_are_plan_errors():
    assert issubclass(RuleError, PlanError)
    assert issubclass(PlanError, ValueError)
