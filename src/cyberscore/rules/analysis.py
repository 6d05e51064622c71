"""Rules that can never act, that contradict each other, or that a stronger one hides: found when a book is loaded.

Every field is cut into the values that the rules' comparisons tell apart (unknown among them), and every combination is
tried: exact, but for fields that depend on each other. Of those NAICS and sector are cut together; others, such as
claims in 12 and in 36 months, are taken as free, so that a rule is never called unreachable wrongly.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

from cyberscore.exceptions import ProfileError, RuleError
from cyberscore.profile import signal
from cyberscore.profile.bounds import LEAST, Between
from cyberscore.profile.industries import industry, short_codes
from cyberscore.profile.places import COUNTRIES
from cyberscore.profile.signals import NOT_APPLICABLE
from cyberscore.rules.actions import Action, Actions, strength, told_action
from cyberscore.rules.conditions import Condition, Group, SignalValue, Test, tests_of
from cyberscore.rules.fields import FIELDS
from cyberscore.rules.rule import Rule

MOST_CELLS = 50_000
"""More combinations than this in one rule, or in two that meet, are refused: nobody could check them."""
MOST_WORK = 250_000
"""More combinations than this in a whole book are refused: it would take seconds to load (about one at this number)."""

Key = tuple[str, str]
Cell = dict[Key, Any]
_TOGETHER = {("insured", "sector"): ("insured", "naics")}
_ADDED_UP = {"rate", "retention_credit", "renewal_cap"}


def check_book(rules: Sequence[Rule]) -> None:
    """Refuse rules that cannot act, contradict each other or are hidden.

    Raises
    ------
    RuleError
        Naming the rule, or both, and the remedy.
    """
    work = _Work()
    for rule in rules:
        _check_reachable(rule, work)
    for a, b in combinations(rules, 2):
        _check_conflict(a, b, work)
        _check_hidden(a, b, work)
        _check_hidden(b, a, work)


@dataclass(slots=True)
class _Work:
    """How many combinations a book may still have looked at."""

    left: int = MOST_WORK

    def spend(self, combinations_of: int, where: str) -> None:
        self.left -= combinations_of
        if self.left < 0:
            raise RuleError(
                f"{where}: with these the book has more than {MOST_WORK:,} combinations of values to tell apart: let "
                "rules read fewer signals each, or share the thresholds of other rules"
            )


def _check_reachable(rule: Rule, work: _Work) -> None:
    for part in _parts(rule.condition):
        if not any(part.holds(_lookup(cell)) for cell in _cells(f"rule {rule.id}", tests_of(part), work)):
            said = " and ".join(f"{test.name} {test.operator} {test.operand}" for test in tests_of(part))
            whole = "its condition" if part is rule.condition else "a part of its condition"
            raise RuleError(f"rule {rule.id}: {whole} can never hold ({said}): correct it, or take it out")


def _parts(condition: Condition) -> Iterator[Condition]:
    """Go through the condition's parts, innermost first."""
    if isinstance(condition, Group):
        for part in condition.parts:
            yield from _parts(part)
    yield condition


def _check_conflict(a: Rule, b: Rule, work: _Work) -> None:
    if not any(_contradict(one, other) for one in a.actions for other in b.actions):
        return
    where = f"rules {a.id} and {b.id}"
    opposed, same = None, True
    for cell in _cells(where, a.tests + b.tests, work):
        first, second = _acts(a, cell), _acts(b, cell)
        same = same and bool(first) == bool(second)
        for one, other in product(first, second):
            if one.type != "rate" and _contradict(one, other):
                raise RuleError(
                    f"{where} leave no cover where both act: {told_action(one)} meets {told_action(other)}: "
                    "change one of the amounts, or make their conditions exclude each other"
                )
            if _contradict(one, other):
                opposed = (one, other)
    if opposed and same:
        raise RuleError(
            f"{where} act on the same condition against each other: {told_action(opposed[0])} and "
            f"{told_action(opposed[1])}: keep one of them, with the difference"
        )


def _contradict(one: Action, other: Action) -> bool:
    kinds = {one.type, other.type}
    if kinds == {"rate"}:
        return (one.percent or 0.0) * (other.percent or 0.0) < 0
    if "retention_floor" not in kinds or not kinds & {"limit_cap", "standard_sublimit", "part_sublimit"}:
        return False
    floor, cap = (one, other) if one.type == "retention_floor" else (other, one)
    # a sublimit of nothing is meant; one that the retention swallows is not
    return (cap.type == "limit_cap" or bool(cap.amount)) and (cap.amount or 0.0) <= (floor.amount or 0.0)


def _check_hidden(a: Rule, b: Rule, work: _Work) -> None:
    """Refuse `a` if in every combination `b` does all that it does, and more or the same."""
    if not any(_covers(other, one) for one in a.actions for other in b.actions):
        return
    if b.tests and not {_axis(test) for test in b.tests} & {_axis(test) for test in a.tests}:
        return  # where they read nothing in common, each acts without the other somewhere
    where, acts = f"rules {a.id} and {b.id}", False
    for cell in _cells(where, a.tests + b.tests, work):
        mine, its = _acts(a, cell), _acts(b, cell)
        if not all(any(_covers(other, one) for other in its) for one in mine):
            return
        acts = acts or bool(mine)
    if acts:
        told = "; ".join(told_action(action) for action in b.actions)
        raise RuleError(
            f"rule {a.id} never changes anything: wherever it acts, rule {b.id} does as much or more ({told}): "
            f"take {a.id} out, or make its condition or its actions differ"
        )


def _covers(strong: Action, weak: Action) -> bool:
    """Whether one action leaves nothing for another to do."""
    if strong.type == "decline" and weak.type in {"refer", "refer_without_offer", "pre_bind", "post_bind"}:
        return True
    if (strong.type, strong.peril, strong.part) != (weak.type, weak.peril, weak.part) or strong.type in _ADDED_UP:
        return False
    return strength(strong) > strength(weak) or strong == weak


def _acts(rule: Rule, cell: Cell) -> Actions:
    holds = rule.condition.holds(_lookup(cell))
    return rule.on_unknown if holds is None else rule.on_fail if holds else rule.on_pass


def _lookup(cell: Cell) -> Any:
    return lambda kind, name: cell[kind, name]


def _axis(test: Test) -> Key:
    key = (test.kind, test.name)
    return _TOGETHER.get(key, key)


def _cells(where: str, tests: Sequence[Test], work: _Work) -> Iterator[Cell]:
    """Every combination of values that the tests tell apart."""
    axes: dict[Key, list[Test]] = {}
    for test in tests:
        axes.setdefault(_axis(test), []).append(test)
    values = [_values(axis, own) for axis, own in axes.items()]
    count = math.prod(len(own) for own in values)
    if count > MOST_CELLS:
        raise RuleError(
            f"{where}: {count:,} combinations of values to tell apart, more than {MOST_CELLS:,}: split the rule"
        )
    work.spend(count, where)
    for combination in product(*values):
        yield dict(chain.from_iterable(cell.items() for cell in combination))


def _values(axis: Key, tests: Sequence[Test]) -> list[Cell]:
    """One value, as a small cell, for each way in which the tests of a field can come out."""
    found: dict[tuple[bool | None, ...], Cell] = {}
    for cell in _candidates(axis, tests):
        found.setdefault(tuple([test.holds(_lookup(cell)) for test in tests]), cell)
    return list(found.values())


def _candidates(axis: Key, tests: Sequence[Test]) -> Iterator[Cell]:
    kind, name = axis
    operands = list(chain.from_iterable(t.operand if isinstance(t.operand, list) else [t.operand] for t in tests))
    if axis == ("insured", "naics"):
        for code in (*short_codes(), *(str(one) for one in operands)):
            try:
                yield {axis: code, ("insured", "sector"): industry(code).sector}
            except ProfileError:
                continue  # no insured may have this code
        return
    values: Sequence[Any]
    if kind == "signal":
        values = _signal_values(name, operands)
    else:
        field = FIELDS[axis]
        if field.type == "flag":
            values = (True, False)
        elif field.type == "text":
            values = tuple(COUNTRIES)
        elif field.type == "list":
            values = _lists(axis, tests, operands)
        else:
            values = _numbers(operands, field.low, field.high, whole=field.whole)
            values = [*values, *_bounds(values, field.bounded)]
        values = (*values, *((None,) if field.may_be_unknown else ()))
    for value in values:
        yield {axis: value}


def _bounds(values: Sequence[float], bounded: str) -> list[Between]:
    """Return what a number may be known by, other than its value."""
    if bounded == "from":
        return [Between(max(value, LEAST)) for value in values]
    return [Between(0.0, value) for value in values if value > 0.0] if bounded == "up_to" else []


def _lists(axis: Key, tests: Sequence[Test], operands: Sequence[str]) -> list[tuple[str, ...]]:
    """Make lists of items, with one item for each way in which the tests of the field can see a single one."""
    apart = {tuple([test.holds(_lookup({axis: (item,)})) for test in tests]): item for item in operands}
    if len(apart) > 12:
        raise RuleError(f"{axis[1]}: rules tell {len(apart)} groups of items apart, more than 12: join some of them")
    return [chosen for n in range(len(apart) + 1) for chosen in combinations(apart.values(), n)]


def _signal_values(name: str, operands: Sequence[Any]) -> list[SignalValue | None]:
    about = signal(name)
    values: list[Any] = list(about.levels) or _numbers(
        operands, about.low, about.high, whole=about.kind not in {"share", "number", "age"}
    )
    found: list[SignalValue | None] = [None]
    if about.may_not_apply:
        found.append(SignalValue(NOT_APPLICABLE, adverse=False))
    found += [SignalValue(one, adverse=not about.is_context and about.code(one) > about.unknown) for one in values]
    if about.kind == "age":
        found.append(SignalValue(math.inf, adverse=about.safer == "lower"))
    return found


def _numbers(operands: Sequence[float], low: float, high: float, *, whole: bool) -> list[float]:
    """Every operand and its two neighbours, within bounds, and the bounds."""
    near: set[float] = {low, high} - {math.inf, -math.inf}
    for one in operands:
        near |= {math.floor(one), math.ceil(one), math.floor(one) - 1, math.ceil(one) + 1} if whole else {
            one, math.nextafter(one, -math.inf), math.nextafter(one, math.inf)
        }  # fmt: skip
    return sorted(value for value in near if low <= value <= high)
