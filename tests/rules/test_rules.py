"""Underwriting rules: what they change, how they combine, and that each malformed rule is one error."""

import math
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, PlanError, Profile, RatingPlan, RuleError
from cyberscore.profile import signals
from cyberscore.profile.bounds import Between
from cyberscore.rating.library import shipped_text
from cyberscore.rating.plan_file import PlanFiles
from cyberscore.report.language import language
from cyberscore.rules import DECISIONS, RuleBook, evaluate
from cyberscore.rules.amounts import USD
from cyberscore.rules.conditions import SignalValue, parse_condition
from cyberscore.rules.fields import told as told_field
from rule_firms import AS_OF, FIRM, firm_profile, quoted

CONTINGENT = "quote_with_contingencies"


def said(answer, rule):
    """What one rule said."""
    return next(one.outcome for one in answer.rules if one.rule == rule)


def test_rules_are_recorded_with_their_evidence():
    answer = quoted()
    text = tomllib.loads(shipped_text("rules.toml"))
    assert {one.rule for one in answer.rules} == {raw["id"] for raw in text["rule"]}
    assert all(one.sentence and one.evidence and one.version for one in answer.rules)


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
        ("U16-others", "part_sublimit"): True,
        ("U17-standard", "standard_sublimit"): True,
        ("U17-callback", "sublimit"): False,
    }
    assert answer.coverage["sublimits"] == {"extortion": 500_000, "funds_transfer_fraud": 250_000}
    assert answer.coverage["aggregate_limit"] == 1e6
    assert answer.requested["aggregate_limit"] == 2e6


# --- evidence that has faded


@pytest.mark.parametrize(("days", "outcome"), [(0, "pass"), (270, "pass"), (271, "unknown"), (3_000, "unknown")])
def test_a_favourable_answer_fades_to_unknown(days, outcome):
    """An attestation weighs .5; after its half-life of 270 days exactly .25, the least that rules read."""
    observed = (AS_OF - timedelta(days=days)).isoformat()
    seen = {"signal": "mfa_email_coverage", "value": 1.0, "observed_at": observed, "source": "attestation"}
    other = [one for one in firm_profile().to_dict()["observations"] if one["signal"] != "mfa_email_coverage"]
    known = Profile.from_dict({"insured": FIRM, "observations": [*other, seen]})
    assert said(cyberscore.quote(known, as_of=AS_OF), "U03-small") == outcome


def test_an_adverse_answer_does_not_fade():
    seen = {"signal": "mfa_email_coverage", "value": 0.1, "observed_at": "2019-01-01", "source": "attestation"}
    known = Profile.from_dict({"insured": FIRM, "observations": [seen]})
    assert said(cyberscore.quote(known, as_of=AS_OF), "U03-small") == "fail"


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


def burdens(answer):
    return [one for one in answer.adjustments if one.kind in {"sublimit", "coinsurance", "debit"}]


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
    assert len(burdens(after)) <= len(burdens(before))


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


# --- formats


ENDS = st.sampled_from((0, 1, 2, 3, 4, 5, math.inf))


@given(st.tuples(ENDS, ENDS).filter(lambda ends: ends[0] <= ends[1] and ends[0] < math.inf), st.integers(0, 6))
def test_bounds_decide_where_every_number_within_them_agrees(ends, limit):
    low, high = ends
    numbers = [value for value in (0, 1, 2, 3, 4, 5, 6, 7, 10**9) if low <= value <= high]
    for operator in ("at_least", "above", "below", "at_most"):
        test = parse_condition({"insured": "claims_36m", operator: limit}, "rule A")
        answers = {test.holds(lambda *_, value=value: value) for value in numbers}
        found = test.holds(lambda *_: Between(low, high))
        assert found == (answers.pop() if len(answers) == 1 else None)


@pytest.mark.parametrize(
    ("known", "told", "chinese"),
    [
        (Between(5), "at least 5", "至少 5"),
        (Between(0, 2), "at most 2", "至多 2"),
        (Between(1, 2), "1 to 2", "1 至 2"),
    ],
)
def test_bounds_in_words(known, told, chinese):
    text = told_field("insured", "claims_12m", known)
    assert text == f"claims in 12 months: {told}"
    assert str(language("zh").say(text)) == f"12 个月内索赔次数\uff1a{chinese}"


@pytest.mark.parametrize(
    ("firm", "rule", "read", "chinese"),
    [
        (
            {"claims_36m": "unknown", "claims_12m": 5},
            "U09",
            "claims in 36 months: at least 5",
            "36 个月内索赔次数\uff1a至少 5",
        ),
        (
            {"claims_36m": 2},
            "U09",
            "largest claim of 36 months is more than 0",
            "36 个月内最大索赔大于 0 美元",
        ),
    ],
)
def test_a_result_tells_the_bound_that_it_read(firm, rule, read, chinese):
    answer = quoted(firm)
    assert next(one.read for one in answer.rules if one.rule == rule) == read
    assert str(language("zh").read(read)) == chinese


def test_rules_of_format_1_are_still_read():
    """The rules that were shipped before format 2."""
    path = Path(__file__).parents[1] / "data" / "rules" / "rules-format-1.toml"
    old = {rule.id: rule for rule in RuleBook.from_toml(path.read_text(encoding="utf-8")).rules}
    new = {rule.id: rule for rule in cyberscore.load_plan().rules.rules}
    assert len(old) == 24
    told = [
        [(action.type, action.amount, USD.text(action.text)) for action in book["U06"].on_fail] for book in (old, new)
    ]
    assert told[0] == told[1]
    assert old["U06"].on_unknown == new["U06"].on_unknown
    same = {name for name in old if name in new and old[name].condition == new[name].condition}
    assert same == set(old) - {"U02", "U17-standard", "U17-verification"}


def two(when, extra):
    """One rule of format 2 as TOML."""
    return RuleBook.from_toml(
        f'format = 2\n[[rule]]\nid = "X2"\nversion = 1\nsentence = "s"\nrationale = "r"\nevidence = "e"\n'
        f"when = {when}\n{extra}"
    )


@pytest.mark.parametrize(
    ("when", "extra", "message"),
    [
        (ONE, f"then = {REFER}", "something it reads may be unknown: say what happens then"),
        (
            '{ insured = "naics", is = "61" }',
            f"then = {REFER}\nunknown = []",
            "nothing it reads is ever unknown, so leave `unknown` out",
        ),
        (ONE, f"fail = {REFER}\nunknown = []", "may have then, unknown, otherwise; got .*fail"),
        ("{ always = false }", f"then = {REFER}", "'always' must stand alone"),
        ('{ always = true, signal = "exposed_rdp" }', f"then = {REFER}", "'always' must stand alone"),
        ('{ premium = "renewal_change", above = 0.2 }', f"then = {REFER}", "renewal_cap stands alone"),
        (
            '{ premium = "renewal_change", above = 0.2 }',
            'then = [{ type = "renewal_cap", percent = 20 }]',
            "renewal_cap stands alone",
        ),
        (
            '{ any = [{ premium = "renewal_change", above = 0.2 }, { premium = "renewal_change", below = -0.2 }] }',
            'then = [{ type = "renewal_cap", percent = 25 }]',
            "renewal_cap stands alone",
        ),
        ("{ always = true }", 'then = [{ type = "renewal_cap", percent = 25 }]', "renewal_cap stands alone"),
        (
            '{ evidence = "telemetry_connections", below = 1 }',
            'then = [{ type = "limit_cap", amount = 1000000 }]',
            "limit_cap is priced, so it cannot depend on a signal",
        ),
        (
            '{ evidence = "telemetry_connections", below = 1 }',
            'then = [{ type = "retention_credit", percent = 5, text = "t" }]',
            "pass must be no graver than unknown",
        ),
    ],
)
def test_what_format_2_refuses(when, extra, message):
    with pytest.raises(RuleError, match=f"rule X2: .*{message}"):
        two(when, extra)


def test_a_cap_that_differs_from_pricing_is_refused():
    files = cyberscore.load_plan().files
    text = files.others["rules.toml"].decode()
    changed = text.replace("0.25", "0.2").replace('"renewal_cap", percent = 25', '"renewal_cap", percent = 20')
    with pytest.raises(PlanError, match=r"rules\.toml holds a renewal to 20%, pricing\.toml to 25%: make"):
        RatingPlan.from_files(PlanFiles(files.content, {**files.others, "rules.toml": changed.encode()}))


def test_a_cap_on_a_part_needs_a_table_of_parts():
    files = cyberscore.load_plan().files
    text = files.others["pricing.toml"].decode()
    without = re.sub(r"(?ms)^\[parts\].*?(?=^\[)", "", text)
    without = re.sub(r"(?m)^parts = .*$", "interruption_share = { system_outage = 1.0 }", without)
    with pytest.raises(PlanError, match=r"rule U16-class-1 limits extortion, but pricing\.toml has no \[parts\]"):
        RatingPlan.from_files(PlanFiles(files.content, {**files.others, "pricing.toml": without.encode()}))


# --- malformed rules


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("5", "a condition must be a table"),
        ("{}", "give one of signal, insured, evidence, coverage, premium and one of at_least"),
        ('{ signal = "exposed_rdp" }', "give one of signal, insured, evidence"),
        ('{ signal = "exposed_rdp", at_least = 1, above = 1 }', "give one of signal, insured, evidence"),
        ('{ signal = "exposed_rdp", insured = "naics", is = 1 }', "give one of signal, insured, evidence"),
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
        ({"fail": '[{ type = "rate", percent = 0.15 }]'}, "percent is in percent; got 0.15: write 15 for 15 %"),
        ({"pass": '[{ type = "rate", percent = -0.05 }]'}, "percent is in percent; got -0.05: write -5 for -5 %"),
        (
            {"fail": '[{ type = "coinsurance", peril = "ransomware", percent = 0.5, text = "t" }]'},
            "percent is in percent; got 0.5: write 50 for 50 %",
        ),
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
        ("format = 3", "format must be 1 or 2, .*got format 3"),
        ("format = true", "format must be 1 or 2, .*got format True"),
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


# --- the order of gravity

GRAVITY = ["[]", '[{ type = "rate", percent = 5 }]', '[{ type = "post_bind", days = 30, text = "t" }]',
           '[{ type = "pre_bind", text = "t" }]', '[{ type = "refer", text = "t" }]',
           '[{ type = "refer_without_offer", text = "t" }]', '[{ type = "decline", text = "t" }]']  # fmt: skip


@pytest.mark.parametrize("milder", range(len(GRAVITY)))
@pytest.mark.parametrize("graver", range(len(GRAVITY)))
def test_unknown_is_no_graver_than_fail_in_every_pair(milder, graver):
    """A rate beside a decision is another kind of action: only decisions are compared here, and each with nothing."""
    comparable = 1 not in {milder, graver} or 0 in {milder, graver}
    when = '{ signal = "mfa_email_coverage", below = 0.05 }'
    if milder <= graver and comparable:
        assert book(when, fail=GRAVITY[graver], unknown=GRAVITY[milder]).rules
    elif comparable and milder > graver:
        with pytest.raises(RuleError, match="unknown no graver than fail"):
            book(when, fail=GRAVITY[graver], unknown=GRAVITY[milder])


@pytest.mark.parametrize(("fail", "unknown", "said"), [(30, 30, False), (30, 31, False), (30, 29, True), (1, 0, True)])
def test_a_condition_after_binding_is_graver_the_sooner_it_is_due(fail, unknown, said):
    when = '{ signal = "mfa_email_coverage", below = 0.05 }'
    texts = [f'[{{ type = "post_bind", days = {days}, text = "t" }}]' for days in (fail, unknown)]
    if said:
        with pytest.raises(RuleError, match="no graver than fail"):
            book(when, fail=texts[0], unknown=texts[1])
    else:
        assert book(when, fail=texts[0], unknown=texts[1]).rules
    with pytest.raises(RuleError, match="no graver than fail"):
        book(when, fail=texts[0], unknown='[{ type = "pre_bind", text = "t" }]')
