"""A larger firm never pays less: at the edges of any rule, in any currency, in every place with a premium."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Observation, Profile, quote
from cyberscore.perils import PERILS
from cyberscore.quoting.figures import Firm, Standing, claim_costs, posture_findings, premium_at, priced, settle
from cyberscore.rating.expected_loss import rate_risk
from cyberscore.rules import RuleBook
from strategies import AS_OF, examples, moves, profiles, requests

PLAN = cyberscore.load_plan()
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
EDGES = (5e6, 25e6, 50e6)
CENT = 0.01


def edges_of(book, name="annual_revenue_usd"):
    """Every amount that a rule compares a size with, whatever the rule does."""
    return sorted({float(test.operand) for rule in book.rules for test in rule.tests if test.name == name})


def around(edges, low=2e5, high=3e8):
    """Sizes at, just below and just above each edge, and some between."""
    near = [value for edge in edges for value in (math.nextafter(edge, 0.0), edge, edge + 1.0, edge * 1.08)]
    between = [low, 1e6, 4e6, 7e6, 12e6, 24e6, 40e6, 80e6, high]
    return sorted({value for value in (*near, *between) if low <= value <= high})


def poor(**insured):
    """A firm that says nothing good of itself: no MFA, old systems."""
    own = {"naics": "541110", "country": "US", "annual_revenue": 4_999_999.0, "record_count": 5_000, **insured}
    seen = {"mfa_email_coverage": 0.1, "end_of_life_share": 0.3, "exposed_rdp": 2}
    return Profile.from_dict(
        {
            "insured": own,
            "observations": [
                {"signal": name, "value": value, "observed_at": "2026-11-20", "source": "scan"}
                if name != "mfa_email_coverage"
                else {"signal": name, "value": value, "observed_at": "2026-11-20", "source": "telemetry"}
                for name, value in seen.items()
            ],
        }
    )


def sized(profile, **sizes):
    return profile.model_copy(update={"insured": profile.insured.model_copy(update=sizes)})


def priced_at(profile, cover, plan=PLAN):
    """Cover and figures of a profile, as a quote works them out."""
    firm = Firm.of(profile.insured, AS_OF, plan)
    standing = Standing.of(firm, cyberscore.posture_at(profile, AS_OF))
    settled = settle(firm, cover)
    costs = claim_costs(firm, settled, standing.locations)
    return settled, priced(settled, standing.rates, costs, posture_findings(firm, settled, standing.values))


def premiums_over_revenue(profile, cover, plan=PLAN):
    """Premiums at every edge of the plan's rules, in the order of revenue, and their ends of an interval."""
    rate = plan.pricing.usd_rate(profile.insured.currency, None)
    found = []
    for revenue in around(edges_of(plan.rules)):
        settled, figures = priced_at(sized(profile, annual_revenue=revenue / rate), cover, plan)
        found.append((figures.premium, premium_at(settled, figures, -0.5), premium_at(settled, figures, 0.5)))
        assert premium_at(settled, figures, 0.0) == figures.premium
    return found


def never_falls(premiums):
    return all(a <= b + CENT / 2 for a, b in pairwise(premiums))


# --- the shipped plan


def test_the_edges_are_those_of_the_shipped_rules():
    assert set(EDGES) < set(edges_of(PLAN.rules))
    assert [edge.value for edge in PLAN.rules.edges["insured", "annual_revenue_usd"]] == [
        math.nextafter(edge, 0.0) for edge in EDGES
    ]
    assert set(PLAN.rules.edges) == {("insured", "annual_revenue_usd")}, "revenue above 100M only refers"


@examples(40)
@given(profiles(max_signals=6), requests(), st.sampled_from(CURRENCIES), st.booleans())
def test_premiums_rise_with_revenue_at_every_edge_of_every_rule(profile, fields, currency, own):
    profile = sized(profile, currency=currency)
    rate = PLAN.pricing.usd_rate(currency, None)
    # a little within the bounds, so that rounding in another currency stays within them
    within = {"aggregate_limit": min(fields["aggregate_limit"], 9.9e6), "retention": fields["retention"] + 10.0}
    within["per_claim_limit"] = fields["per_claim_limit"] and min(fields["per_claim_limit"], 9.9e6)
    cover = Coverage(**{**fields, **within})
    cover = cover.in_currency(currency, 1.0 / rate, decimals=6) if own else cover
    for premiums in zip(*premiums_over_revenue(profile, cover), strict=True):
        assert never_falls(premiums)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("retention", [500.0, 2_500.0, 5_000.0, 10_000.0])
def test_a_poor_firm_does_not_gain_by_an_edge(edge, retention):
    """Without MFA on email a debit ends at 5M; at 25M and 50M retention floors rise."""
    just_below, at = (
        quote(poor(annual_revenue=revenue), Coverage(retention=retention), as_of=AS_OF)
        for revenue in (edge - 0.01, edge)
    )
    assert just_below.indicative_premium <= at.indicative_premium <= just_below.indicative_premium * 1.0001
    assert at.ledger.replay() == at.indicative_premium
    assert at.premium_low <= at.indicative_premium <= at.premium_high
    held = [step for step in at.ledger.premium if step.label == "Not below a smaller firm"]
    binds = edge == 5e6 or retention < {25e6: 5_000, 50e6: 10_000}[edge]
    assert [step.operation for step in held] == ["at_least"] * binds
    for step in held:
        assert step.source == f"rules: what the same firm pays with annual revenue just below {edge:,.0f} USD"
        assert step.value == step.result == at.uncapped_premium == pytest.approx(just_below.uncapped_premium, rel=1e-6)


def test_far_above_the_edge_a_firm_pays_for_its_own_terms_alone():
    for revenue in (2e6, 24e6, 45e6, 90e6):
        answer = quote(poor(annual_revenue=revenue), Coverage(retention=10_000.0), as_of=AS_OF)
        assert "Not below a smaller firm" not in [step.label for step in answer.ledger.premium]


def test_every_place_with_a_premium_agrees():
    """Quote, option, what-if, path, improvement, next evidence, dispute and comparison of rules."""
    profile, cover = poor(annual_revenue=26e6), Coverage(retention=2_500.0)
    answer = quote(profile, cover, as_of=AS_OF, options=[cover])
    assert any(step.label == "Not below a smaller firm" for step in answer.ledger.premium)
    option = answer.options[0]
    for name in ("indicative_premium", "premium_low", "premium_high", "uncapped_premium"):
        assert getattr(option, name) == getattr(answer, name)
    assert cyberscore.next_evidence(profile, None, cover, as_of=AS_OF).indicative_premium == answer.indicative_premium
    for improvement in answer.improvements[:4]:
        better = profile.with_observations(Observation.model_validate(improvement.observation))
        assert quote(better, cover, as_of=AS_OF).indicative_premium == improvement.indicative_premium
    found = cyberscore.what_if(profile, {"mfa_email_coverage": 1.0}, cover, as_of=AS_OF)
    assert found.before.indicative_premium == answer.indicative_premium
    assert found.after.indicative_premium < answer.indicative_premium
    disputed = profile.dispute(profile.observations[2], "fixed", "Closed.", at=AS_OF)
    assert quote(disputed, cover, as_of=AS_OF).disputed.standing.indicative_premium == answer.indicative_premium
    target = cyberscore.path_to(profile, f"premium:{answer.indicative_premium * 0.8:.0f}", cover, as_of=AS_OF)
    assert target.steps
    mended = profile.with_observations(*(Observation.model_validate(one.observation) for one in target.steps))
    assert quote(mended, cover, as_of=AS_OF).indicative_premium == target.steps[-1].indicative_premium
    record = cyberscore.record(profile, cover, as_of=AS_OF)
    assert record.replay().reproduced


@examples(25)
@given(moves(max_signals=4), st.sampled_from((5e6, 5.5e6, 25e6, 30e6, 51e6)), st.sampled_from((500.0, 3e3, 1e4)))
def test_better_security_never_costs_more_where_a_smaller_firm_holds_the_premium(move, revenue, retention):
    usd = {"annual_revenue": revenue, "currency": "USD"}
    before, after = (
        priced_at(sized(one, **usd), Coverage(retention=retention))[1].premium for one in (move.before, move.after)
    )
    assert after <= before


# --- rules of any plan

TERMS = (
    '{ type = "retention_floor", amount = 40000 }',
    '{ type = "limit_cap", amount = 400000 }',
    '{ type = "standard_sublimit", peril = "ransomware", amount = 60000 }',
    '{ type = "part_sublimit", part = "business_interruption", amount = 50000 }',
    '{ type = "waiting_floor", hours = 48 }',
)
RATES = ('{ type = "rate", percent = 18 }', '{ type = "rate", percent = 7 }')
ON_SIZES = ("annual_revenue_usd", "employee_count", "record_count")
OTHERS = (
    '{ insured = "country", is = "US" }',
    '{ insured = "naics", starts_with = ["54", "62"] }',
    '{ insured = "employee_count", above = 12 }',
    '{ insured = "record_count", at_least = 900 }',
    '{ insured = "annual_revenue_usd", at_most = 30000000 }',
)
SEEN = ('{ signal = "mfa_email_coverage", below = 0.5 }', '{ signal = "exposed_rdp", at_least = 1 }')


@st.composite
def rule_texts(draw, number):
    """Draw a rule that sets a term or a rate from some revenue on, or up to it, alone or with other things."""
    amount = draw(st.sampled_from((1_000_000, 3_000_000, 8_000_000, 20_000_000)))
    operator = draw(st.sampled_from(("at_least", "above", "below", "at_most")))
    size = f'{{ insured = "annual_revenue_usd", {operator} = {amount} }}'
    sets_term = draw(st.booleans())
    others = draw(st.lists(st.sampled_from(OTHERS if sets_term else OTHERS + SEEN), max_size=2, unique=True))
    joined = f"{{ {draw(st.sampled_from(('all', 'any')))} = [{', '.join([size, *others])}] }}" if others else size
    action = draw(st.sampled_from(TERMS if sets_term else RATES))
    unknown = "" if not any("employee" in o or "record" in o or "signal" in o for o in others) else f"[{action}]"
    credit = not sets_term and not others and draw(st.booleans())
    lines = [
        "[[rule]]",
        f'id = "X{number}"',
        "version = 1",
        'sentence = "A rule."',
        f"when = {joined}",
        "then = []" if credit else f"then = [{action}]",
        'otherwise = [{ type = "rate", percent = -9 }]' if credit else "",
        f"unknown = {unknown}" if unknown else "",
        'rationale = "A test."',
        'evidence = "judgement"',
    ]
    return "\n".join(line for line in lines if line)


@st.composite
def books(draw):
    texts = [draw(rule_texts(number)) for number in range(draw(st.integers(1, 3)))]
    try:
        return RuleBook.from_toml("format = 2\n" + "\n".join(texts))
    except cyberscore.RuleError:
        return RuleBook.from_toml("format = 2\n" + texts[0])  # rules that hide or contradict each other are refused


def test_the_random_books_are_of_every_kind():
    """Nearly every drawn rule is a sound one alone; else the property below would try nothing."""
    assert rule_texts(0).filter(lambda text: bool(RuleBook.from_toml("format = 2\n" + text).rules)).example


@examples(80)
@given(
    books(),
    profiles(max_signals=3, names=["mfa_email_coverage", "exposed_rdp", "end_of_life_share"]),
    requests(),
    st.sampled_from(CURRENCIES),
)
def test_premiums_rise_with_revenue_under_any_rules(book, profile, fields, currency):
    plan, profile = replace(PLAN, rules=book), sized(profile, currency=currency)
    fields = {**fields, "aggregate_limit": max(fields["aggregate_limit"], 250_000.0), "per_claim_limit": None}
    fields["sublimits"] = {k: min(v, 250_000.0) for k, v in fields["sublimits"].items()}
    for premiums in zip(*premiums_over_revenue(profile, Coverage(**fields), plan), strict=True):
        assert never_falls(premiums)


@pytest.mark.parametrize("size", ["employee_count", "record_count"])
@pytest.mark.parametrize("operator", ["at_least", "above", "below", "at_most"])
@pytest.mark.parametrize("action", [*TERMS, *RATES])
def test_premiums_rise_with_employees_and_records(size, operator, action):
    when = f'{{ any = [{{ insured = "{size}", {operator} = 500 }}, {{ insured = "country", is = "DE" }}] }}'
    text = (
        f'format = 2\n[[rule]]\nid = "X"\nversion = 1\nsentence = "A rule."\nwhen = {when}\n'
        f'then = [{action}]\nunknown = []\nrationale = "A test."\nevidence = "judgement"'
    )
    plan = replace(PLAN, rules=RuleBook.from_toml(text))
    cover = Coverage(retention=5_000.0, aggregate_limit=1e6)
    premiums = [
        quote(poor(**{size: count}), cover, as_of=AS_OF, plan=plan).indicative_premium
        for count in (0, 499, 500, 501, 900, 5_000)
    ]
    assert never_falls(premiums)


@pytest.mark.parametrize("operator", ["above", "below"])
@pytest.mark.parametrize("action", [*TERMS, *RATES])
@pytest.mark.parametrize("with_other", [False, True])
def test_no_price_hangs_on_revenue_for_each_employee(operator, action, with_other):
    """It rises with revenue and falls with employees: whichever way the rule points, one of the two would pay less."""
    test = f'{{ insured = "revenue_per_employee_usd", {operator} = 50000 }}'
    when = f'{{ any = [{test}, {{ insured = "country", is = "DE" }}] }}' if with_other else test
    text = (
        f'format = 2\n[[rule]]\nid = "X"\nversion = 1\nsentence = "A rule."\nwhen = {when}\n'
        f'then = [{{}}]\nrationale = "A test."\nevidence = "judgement"'
    )
    with pytest.raises(cyberscore.RuleError, match=r"rule X: a priced term or a rate must not depend on revenue_per"):
        RuleBook.from_toml(text.replace("[{}]", f"[{action}]"))
    assert RuleBook.from_toml(text.replace("[{}]", '[{ type = "refer", text = "Ask." }]')).rules


@pytest.mark.parametrize("operator", ["at_least", "above", "below", "at_most"])
@pytest.mark.parametrize("action", [TERMS[0], *TERMS[2:]])
def test_premiums_rise_with_the_limit_asked_for(operator, action):
    text = (
        f'format = 2\n[[rule]]\nid = "X"\nversion = 1\nsentence = "A rule."\n'
        f'when = {{ coverage = "aggregate_limit", {operator} = 1000000 }}\n'
        f'then = [{action}]\nrationale = "A test."\nevidence = "judgement"'
    )
    plan = replace(PLAN, rules=RuleBook.from_toml(text))
    premiums = [
        quote(poor(), Coverage(aggregate_limit=limit, retention=5e3), as_of=AS_OF, plan=plan).indicative_premium
        for limit in (250_000, 999_999.99, 1e6, 1_000_001, 1.2e6, 5e6)
    ]
    assert never_falls(premiums)


# --- rating itself, and minimums


@pytest.mark.parametrize("retention", [500.0, 2_500.0, 10_000.0, 250_000.0])
@pytest.mark.parametrize("limit", [300_000.0, 1e6, 1e7])
@pytest.mark.parametrize("name", cyberscore.example_names())
def test_rating_never_falls_with_revenue_in_any_peril(name, limit, retention):
    profile = cyberscore.example(name)
    mixtures = cyberscore.posture_at(profile, AS_OF).mixtures
    before = np.zeros(len(PERILS))
    for revenue in np.geomspace(1e4, 1e10, 120).tolist():
        risk = rate_risk(PLAN, profile.insured, mixtures, revenue)
        shapes = zip(risk.rates, PLAN.severity, risk.locations, strict=True)
        pure = np.array([rate * own.layer_cost(retention, limit, mu, revenue) for rate, own, mu in shapes])
        assert (pure >= before * (1.0 - 1e-12)).all()
        before = pure


def test_a_risk_with_more_records_is_never_rated_lower():
    table = PLAN.tables["record_count"]
    known = [0, 1, 2, 4, 5]  # 3 is unknown
    assert (np.diff(table[known], axis=0) >= 0.0).all()


@examples(40)
@given(
    profiles(max_signals=2),
    st.lists(st.floats(10_000.0, 1e7), min_size=2, max_size=4),
    st.lists(st.floats(1e5, 1e9), min_size=2, max_size=4),
)
def test_minimum_premiums_never_fall_with_revenue_or_limit(profile, limits, revenues):
    def least(revenue, limit):
        firm = Firm.of(sized(profile, annual_revenue=revenue, currency="USD").insured, AS_OF, PLAN)
        return settle(firm, Coverage(aggregate_limit=limit, retention=500.0)).terms.minimum

    limits = sorted(max(limit, 26_000.0) for limit in limits)
    rows = [[least(revenue, limit) for limit in limits] for revenue in sorted(revenues)]
    assert all(never_falls(row) for row in rows)
    assert all(never_falls(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("cap", [100_000, 240_000])
def test_a_limit_cap_for_larger_firms_does_not_lower_their_minimum(cap):
    """The least premium for small limits is lower: who may buy no more than one pays no less than a smaller firm."""
    text = (
        f'format = 2\n[[rule]]\nid = "X"\nversion = 1\nsentence = "A rule."\n'
        f'when = {{ insured = "annual_revenue_usd", at_least = 300000 }}\n'
        f'then = [{{ type = "limit_cap", amount = {cap} }}]\nrationale = "A test."\nevidence = "judgement"'
    )
    plan = replace(PLAN, rules=RuleBook.from_toml(text))
    cover = Coverage(aggregate_limit=300_000.0, retention=25_000.0, sublimits=dict.fromkeys(PERILS, 50.0))
    small, large = (
        quote(poor(annual_revenue=revenue), cover, as_of=AS_OF, plan=plan) for revenue in (299_999.0, 300_000.0)
    )
    assert small.indicative_premium == large.indicative_premium == 500.0
