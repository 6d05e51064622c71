"""Whole books: what can never act, contradicts or is hidden is refused, and nothing else is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import RuleError
from cyberscore.rating.library import shipped_text
from cyberscore.rules import RuleBook, analysis
from cyberscore.rules.analysis import _cells, _Work, check_book
from cyberscore.rules.conditions import parse_condition

HEAD = 'version = 1\nsentence = "s"\nrationale = "r"\nevidence = "judgement"\n'


def book(*rules):
    """Rules of format 2 from (condition, actions) or (condition, actions, what happens when unknown)."""
    text = "format = 2\n"
    for name, (when, then, *unknown) in zip("ABC", rules, strict=False):
        text += f'[[rule]]\nid = "{name}"\n{HEAD}when = {when}\nthen = [{then}]\n'
        text += f"unknown = [{unknown[0]}]\n" if unknown else ""
    return RuleBook.from_toml(text)


def refer(text="t"):
    return f'{{ type = "refer", text = "{text}" }}'


def cap(amount):
    return f'{{ type = "limit_cap", amount = {amount} }}'


def floor(amount):
    return f'{{ type = "retention_floor", amount = {amount} }}'


def revenue(operator, amount):
    return f'{{ insured = "annual_revenue_usd", {operator} = {amount} }}'


def naics(*codes):
    return f'{{ insured = "naics", starts_with = [{", ".join(chr(34) + code + chr(34) for code in codes)}] }}'


def both(*conditions):
    return f"{{ all = [{', '.join(conditions)}] }}"


EVERYONE = "{ always = true }"
PERCENT = '{{ type = "rate", percent = {} }}'
BACKUP = '{ signal = "backup_isolation", is = "none" }'


def test_the_shipped_rules_are_sound():
    check_book(cyberscore.load_plan().rules.rules)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (both(revenue("below", 5e6), revenue("at_least", 5e6)), "its condition can never hold"),
        (both(revenue("below", 5e6), revenue("above", 4_999_999.9999999999)), "its condition can never hold"),
        (revenue("below", 1), "its condition can never hold"),
        ('{ coverage = "aggregate_limit", above = 10000000 }', "its condition can never hold"),
        ('{ coverage = "waiting_period_hours", below = 1 }', "its condition can never hold"),
        (both(naics("52"), naics("61")), "its condition can never hold"),
        (naics("99"), "its condition can never hold"),
        (both(naics("61"), '{ insured = "sector", is = "manufacturing" }'), "its condition can never hold"),
        ('{ insured = "sector", is = "banking" }', "its condition can never hold"),
        (both('{ insured = "country", is = "US" }', '{ insured = "country", is = "CA" }'), "its condition can never"),
        ('{ insured = "country", is = "UK" }', "its condition can never hold"),
        (
            f"{{ any = [{both(revenue('below', 5e6), revenue('above', 6e6))}, {naics('61')}] }}",
            "a part of its condition can never hold .*below 5000000.* and annual_revenue_usd above",
        ),
    ],
)
def test_what_can_never_hold(when, message):
    with pytest.raises(RuleError, match=f"rule A: {message}.*correct it, or take it out"):
        book((when, refer()))


@pytest.mark.parametrize(
    ("when", "unknown"),
    [
        (both(revenue("at_least", 5e6), revenue("at_most", 5e6)), ()),
        (both(naics("61"), naics("611")), ()),
        (both(naics("31"), '{ insured = "sector", is = "manufacturing" }'), ()),
        (both(naics("311"), '{ insured = "sector", is = "materials_and_staples" }'), ()),
        ('{ insured = "naics", is = "611110" }', ()),
        ('{ insured = "record_count", below = 1 }', ("",)),
        (both('{ insured = "claims_36m", above = 1 }', '{ insured = "claims_36m", below = 3 }'), ("",)),
        ('{ signal = "exposed_rdp", above = 100000 }', ("",)),
        ('{ coverage = "retention", at_least = 1000000 }', ()),
        (
            both(
                '{ insured = "business_activities", includes_any = ["a", "b"] }',
                '{ insured = "business_activities", includes_any = ["c"] }',
                '{ insured = "business_activities", includes_any = ["d"] }',
            ),
            ("",),
        ),
    ],
)
def test_what_holds_of_someone_is_accepted(when, unknown):
    assert book((when, refer(), *unknown)).rules[0].id == "A"


def test_bounds_are_among_what_a_rule_may_meet():
    """From 4 claims on is at least 3 and perhaps 5: the first acts and the second cannot be told, which no number and
    no silence does.
    """
    tests = [parse_condition({"insured": "claims_36m", "at_least": count}, "rule A") for count in (3, 5)]
    found = {
        tuple([test.holds(lambda *key, cell=cell: cell[key]) for test in tests]) for cell in _cells("A", tests, _Work())
    }
    assert found == {(False, False), (True, False), (True, True), (None, None), (True, None)}
    upper = [parse_condition({"insured": "claims_12m", "at_least": count}, "rule A") for count in (3, 5)]
    found = {
        tuple([test.holds(lambda *key, cell=cell: cell[key]) for test in upper]) for cell in _cells("A", upper, _Work())
    }
    assert found == {(False, False), (True, False), (True, True), (None, None), (None, False)}


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            (naics("61"), cap(20_000)),
            (naics("61"), floor(25_000)),
            "rules A and B leave no cover where both act: limit cap 20,000 meets retention floor 25,000: change one",
        ),
        (
            (naics("61"), cap(25_000)),
            (revenue("below", 5e6), floor(25_000)),
            "rules A and B leave no cover where both act",
        ),
        (
            (EVERYONE, '{ type = "standard_sublimit", peril = "ransomware", amount = 5000 }'),
            (naics("61"), floor(25_000)),
            "leave no cover where both act: standard sublimit ransomware 5,000 meets retention floor 25,000",
        ),
        (
            (EVERYONE, '{ type = "part_sublimit", part = "extortion", amount = 5000 }'),
            (naics("61"), floor(25_000)),
            "leave no cover where both act: part sublimit extortion 5,000 meets retention floor 25,000",
        ),
    ],
)
def test_rules_that_leave_no_cover(first, second, message):
    with pytest.raises(RuleError, match=message):
        book(first, second)
    with pytest.raises(RuleError, match="leave no cover"):
        book(second, first)


def test_rates_against_each_other():
    debit, credit = PERCENT.format(5), PERCENT.format(-5)
    rules = (
        f'format = 2\n[[rule]]\nid = "A"\n{HEAD}when = {naics("61")}\nthen = [{debit}]\n'
        f'[[rule]]\nid = "B"\n{HEAD}when = {naics("61")}\notherwise = [{credit}]\n'
    )
    assert len(RuleBook.from_toml(rules).rules) == 2  # they act on different firms
    others = naics("1", "2", "3", "4", "5", "7", "8", "9", "62")
    opposed = rules.replace(f"when = {naics('61')}\notherwise", f"when = {others}\notherwise")
    with pytest.raises(RuleError, match=r"rules A and B act on the same condition against each other: rate \+5 %"):
        RuleBook.from_toml(opposed)


@pytest.mark.parametrize(
    ("hidden", "stronger"),
    [
        ((naics("611"), cap(2e6)), (naics("61"), cap(1e6))),
        ((naics("61"), floor(5_000)), (EVERYONE, floor(10_000))),
        ((revenue("below", 1e6), floor(2_500)), (revenue("below", 5e6), floor(2_501))),
        ((naics("61"), refer()), (naics("61"), '{ type = "decline", text = "t" }')),
        ((naics("61"), refer("same")), (naics("61"), refer("same"))),
        (
            (naics("31"), '{ type = "waiting_floor", hours = 8 }'),
            (EVERYONE, '{ type = "waiting_floor", hours = 12 }'),
        ),
        (
            (both(BACKUP, naics("61")), '{ type = "sublimit", peril = "ransomware", amount = 9, text = "t" }', ""),
            (BACKUP, '{ type = "sublimit", peril = "ransomware", amount = 8, text = "t" }', ""),
        ),
        (
            ('{ insured = "claims_36m", at_least = 5 }', refer("same"), ""),
            ('{ insured = "claims_36m", at_least = 3 }', refer("same"), ""),
        ),
    ],
)
def test_a_rule_that_a_stronger_one_hides(hidden, stronger):
    with pytest.raises(RuleError, match="rule A never changes anything: wherever it acts, rule B does as much or more"):
        book(hidden, stronger)
    if hidden != stronger:
        with pytest.raises(RuleError, match="rule B never changes anything: wherever it acts, rule A does"):
            book(stronger, hidden)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((naics("611"), cap(1e6)), (naics("61"), cap(2e6))),  # the narrower is the stronger
        ((naics("61"), cap(2e6)), (naics("62"), cap(1e6))),
        ((revenue("below", 5e6), cap(2e6)), (naics("61"), cap(1e6))),
        ((naics("61"), refer("one")), (naics("61"), refer("another"))),  # both are told
        ((naics("61"), PERCENT.format(5)), (EVERYONE, PERCENT.format(10))),  # debits add up
        ((naics("61"), cap(1e6)), (naics("61"), floor(25_000))),
        (
            (BACKUP, '{ type = "sublimit", peril = "ransomware", amount = 9, text = "t" }', ""),
            (BACKUP, '{ type = "sublimit", peril = "data_breach", amount = 8, text = "t" }', ""),
        ),
        (  # when unknown, only the weaker acts
            ('{ insured = "claims_36m", at_least = 3 }', refer("same"), refer("same")),
            ('{ insured = "claims_36m", at_least = 3 }', '{ type = "decline", text = "t" }', ""),
        ),
    ],
)
def test_rules_that_stand_beside_each_other(one, other):
    assert len(book(one, other).rules) == 2
    assert len(book(other, one).rules) == 2


def test_too_much_to_tell_apart():
    signals = [name for name, about in cyberscore.signals().items() if about.kind == "share"][:11]
    parts = [
        f'{{ signal = "{name}", {"below" if cyberscore.signals()[name].safer == "higher" else "above"} = 0.04 }}'
        for name in signals
    ]
    with pytest.raises(RuleError, match=r"rule A: [\d,]+ combinations of values to tell apart, more"):
        book((f"{{ any = [{', '.join(parts)}] }}", refer(), refer()))


def test_a_change_of_a_shipped_rule_is_found():
    text = shipped_text("rules.toml")
    with pytest.raises(RuleError, match="rules U13 and U14-small leave no cover where both act"):
        RuleBook.from_toml(text.replace('limit_cap", amount = 1000000', 'limit_cap", amount = 2000'))


# --- against brute force

OPERATORS = {
    "at_least": lambda x, y: x >= y,
    "above": lambda x, y: x > y,
    "below": lambda x, y: x < y,
    "at_most": lambda x, y: x <= y,
}
tests_of_revenue = st.tuples(st.sampled_from(sorted(OPERATORS)), st.integers(2, 6))


@settings(max_examples=60)
@given(st.lists(tests_of_revenue, min_size=1, max_size=3), st.lists(tests_of_revenue, min_size=1, max_size=3))
def test_interval_rules_against_a_grid(first, second):
    """`all` of comparisons with whole numbers: a grid of quarters meets every interval between them."""
    grid = [quarter / 4 for quarter in range(4, 40)]
    hold = [
        {x for x in grid if all(OPERATORS[operator](x, limit) for operator, limit in tests)}
        for tests in (first, second)
    ]
    rules = [
        (both(*(revenue(operator, limit) for operator, limit in tests)), cap(amount))
        for tests, amount in ((first, 2e6), (second, 1e6))
    ]
    try:
        book(*rules)
        refused = ""
    except RuleError as error:
        refused = str(error)
    if not (hold[0] and hold[1]):
        assert "can never hold" in refused
    elif hold[0] <= hold[1]:
        assert refused.startswith("rule A never changes anything")
    else:
        assert not refused


def test_every_cell_of_a_rule_is_tried():
    """Two flags that may be unknown: nine combinations, of which one holds."""
    when = both('{ insured = "active_incident", is = true }', '{ insured = "known_circumstances", is = false }')
    rule = book((when, refer(), "")).rules[0]
    outcomes = [
        rule.condition.holds(lambda _, name, a=a, b=b: a if name == "active_incident" else b)
        for a, b in product((True, False, None), repeat=2)
    ]
    assert outcomes.count(True) == 1


# --- work is bounded


def debits_and_credits(n, depth):
    """Rules of a book whose every pair must be looked at in whole: n debits and n credits."""
    names = ("mfa_email_coverage", "mfa_remote_coverage", "mfa_admin_coverage", "edr_coverage", "backup_coverage")
    names += ("patch_14d_rate", "alerts_closed_24h")
    rules = []
    for k in range(n):
        below = round(0.03 + 0.013 * k, 3)
        tests = ", ".join(f'{{ signal = "{names[(k + j) % 7]}", below = {below} }}' for j in range(depth))
        common = f'version = 1\nsentence = "s"\nwhen = {{ any = [{tests}] }}\nrationale = "r"\nevidence = "judgement"'
        debit = f'[{{ type = "rate", percent = {k + 1} }}]'
        rules.append(f'[[rule]]\nid = "D{k}"\n{common}\nthen = {debit}\nunknown = {debit}')
        credit = f'[{{ type = "rate", percent = -{k + 1} }}]'
        rules.append(f'[[rule]]\nid = "C{k}"\n{common}\nthen = []\nunknown = []\notherwise = {credit}')
    return "format = 2\n" + "\n".join(rules)


def test_a_book_with_too_much_to_look_at_is_refused(monkeypatch):
    looked_at = []
    monkeypatch.setattr(analysis, "product", lambda *values: (looked_at.append(1) or one for one in product(*values)))
    RuleBook.from_toml(debits_and_credits(3, 2))
    with pytest.raises(RuleError, match=f"the book has more than {analysis.MOST_WORK:,} combinations"):
        RuleBook.from_toml(debits_and_credits(20, 4))
    assert len(looked_at) <= analysis.MOST_WORK + 10_000


@pytest.mark.parametrize("key", ["all", "any"])
@pytest.mark.parametrize("depth", [9, 100, 900, 5_000])
def test_groups_that_stand_too_deep_are_refused(key, depth):
    when = '{ signal = "mfa_email_coverage", below = 0.5 }'
    refer = '[{ type = "refer", text = "t" }]'
    text = (
        f'format = 2\n[[rule]]\nid = "R"\nversion = 1\nsentence = "s"\nrationale = "r"\nevidence = "judgement"\n'
        f"then = {refer}\nunknown = {refer}\nwhen = "
    )
    assert RuleBook.from_toml(text + f"{{ {key} = [" * 8 + when + "] }" * 8).rules
    with pytest.raises(RuleError, match=r"deep.*: split the rule"):
        RuleBook.from_toml(text + f"{{ {key} = [" * depth + when + "] }" * depth)


def test_edges_at_which_a_firm_may_be_smaller_are_bounded():
    floor = '[{ type = "retention_floor", amount = %d }]'
    rules = [
        f'[[rule]]\nid = "R{k}"\nversion = 1\nsentence = "s"\nrationale = "r"\nevidence = "judgement"\n'
        f'when = {{ insured = "annual_revenue_usd", at_least = {1e6 * (k + 1)} }}\nthen = {floor % (1_000 + k)}'
        for k in range(250)
    ]
    assert RuleBook.from_toml("format = 2\n" + "\n".join(rules[:9])).edges
    with pytest.raises(RuleError, match=r"may be smaller in 2\d\d ways, more than 200"):
        RuleBook.from_toml("format = 2\n" + "\n".join(rules))
