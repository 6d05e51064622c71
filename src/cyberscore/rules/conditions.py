"""Conditions of underwriting rules: three-valued, over signals, the insured, the cover asked for and the premium."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cyberscore.exceptions import ProfileError, RuleError
from cyberscore.money import short
from cyberscore.profile import Signal, signal
from cyberscore.profile.bounds import Between
from cyberscore.profile.signals import NEVER, NOT_APPLICABLE
from cyberscore.rules.fields import FIELDS, SOURCES_OF_FIELDS, names_of, told_value


@dataclass(frozen=True, slots=True)
class SignalValue:
    """A signal's value as rules read it; an adverse one never passes a rule: at best it leaves it unknown."""

    value: Any
    adverse: bool


Lookup = Callable[[str, str], Any]
"""Gives the value of (kind, name), None when unknown; for a signal a `SignalValue`, for a number that is known by its
bounds alone a `Between`. Kinds: see KINDS."""

KINDS = ("signal", *SOURCES_OF_FIELDS)
MOST_DEEP = 8
"""How deep `all` and `any` may stand in each other: deeper conditions nobody reads."""


def _starts_with(value: str, prefixes: list[str]) -> bool:
    return any(value.startswith(prefix) for prefix in prefixes)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda value, limit: bool(value >= limit),
    "above": lambda value, limit: bool(value > limit),
    "below": lambda value, limit: bool(value < limit),
    "at_most": lambda value, limit: bool(value <= limit),
    "is": lambda value, wanted: bool(value == wanted),
    "is_one_of": lambda value, wanted: value in wanted,
    "starts_with": _starts_with,
    "includes_any": lambda value, wanted: not set(value).isdisjoint(wanted),
}
_RISKY_WHEN_HIGH = {"at_least", "above"}
_RISKY_WHEN_LOW = {"below", "at_most"}
_RISKY_ORDER = ("at_least", "above", "below", "at_most")
_OPERATORS_OF = {
    "flag": ("is",),
    "text": ("is", "is_one_of", "starts_with"),
    "list": ("includes_any",),
    "number": _RISKY_ORDER,
}


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: `kind` is one of KINDS."""

    kind: str
    name: str
    operator: str
    operand: Any

    def holds(self, lookup: Lookup) -> bool | None:
        """Whether it holds; None when the value is unknown, or its bounds do not decide."""
        value = lookup(self.kind, self.name)
        if value is None:
            return None
        if isinstance(value, Between):
            low, high = (OPERATORS[self.operator](end, self.operand) for end in (value.low, value.high))
            return low if low == high else None
        if isinstance(value, SignalValue):
            if value.value == NOT_APPLICABLE:
                return False
            return OPERATORS[self.operator](value.value, self.operand) or (None if value.adverse else False)
        return OPERATORS[self.operator](value, self.operand)

    def cuts_favourable(self) -> bool:
        """Whether some favourable value of the signal fails."""
        if self.kind != "signal":
            return False
        about = signal(self.name)
        return any(OPERATORS[self.operator](value, self.operand) for value in _favourable_values(about))


def _favourable_values(about: Signal) -> list[Any]:
    if about.levels:
        return list(about.levels[: about.unknown])
    edges = [about.low, *about.breakpoints]
    # the value at each cell's lower edge, and one just below the next edge
    inner = [
        value
        for p in about.breakpoints
        for value in (p, math.nextafter(p, -math.inf) if about.kind in {"share", "number"} else p - 1)
    ]
    values = [value for value in {*edges, *inner} if about.low <= value <= about.high]
    return [value for value in values if about.code(value) < about.unknown]


@dataclass(frozen=True, slots=True)
class Group:
    """All of, or any of, several conditions."""

    every: bool
    parts: tuple["Condition", ...]

    def holds(self, lookup: Lookup) -> bool | None:
        """Kleene logic: an unknown part leaves the whole unknown unless the others decide."""
        found = [part.holds(lookup) for part in self.parts]
        decisive = not self.every
        if decisive in found:
            return decisive
        return None if None in found else self.every


@dataclass(frozen=True, slots=True)
class Always:
    """What holds of everyone."""

    def holds(self, _lookup: Lookup) -> bool | None:
        """Return true, whatever is known."""
        return True


Condition = Test | Group | Always


def tests_of(condition: Condition) -> list[Test]:
    """All comparisons inside a condition."""
    if isinstance(condition, Test):
        return [condition]
    if isinstance(condition, Always):
        return []
    return [test for part in condition.parts for test in tests_of(part)]


_IN_WORDS = {
    "at_least": "at least", "above": "above", "below": "below", "at_most": "at most", "is": "is",
    "is_one_of": "is one of", "starts_with": "starts with", "includes_any": "includes",
}  # fmt: skip


def condition_text(condition: Condition) -> str:
    """Condition in one line, as an underwriter reads it."""
    if isinstance(condition, Always):
        return "always"
    if isinstance(condition, Group):
        parts = [f"({text})" if isinstance(part, Group) else text for part, text in _texts(condition)]
        return (" and " if condition.every else " or ").join(parts)
    operand = condition.operand
    if isinstance(operand, list):
        shown = " or ".join(map(str, operand)).replace("_", " ")
    elif condition.kind == "signal":
        shown = told_value(signal(condition.name), operand)
    elif isinstance(operand, bool):
        shown = "yes" if operand else "no"
    elif condition.kind == "premium":
        shown = f"{operand:+.0%}"
    else:
        shown = short(operand) if isinstance(operand, int | float) else str(operand)
    name = signal(condition.name).title if condition.kind == "signal" else condition.name.replace("_", " ")
    return f"{name} {_IN_WORDS[condition.operator]} {shown}"


def _texts(group: Group) -> list[tuple[Condition, str]]:
    return [(part, condition_text(part)) for part in group.parts]


def condition_to_dict(condition: Condition) -> dict[str, Any]:
    """Condition as in rules.toml."""
    if isinstance(condition, Always):
        return {"always": True}
    if isinstance(condition, Group):
        return {"all" if condition.every else "any": [condition_to_dict(part) for part in condition.parts]}
    return {condition.kind: condition.name, condition.operator: condition.operand}


def parse_condition(raw: Any, where: str, depth: int = 1) -> Condition:
    """Condition from TOML; `depth` tells how many groups it stands in, itself included.

    Raises
    ------
    RuleError
        Naming the rule, what is wrong and what is wanted.
    """
    if not isinstance(raw, Mapping):
        raise RuleError(f"{where}: a condition must be a table, such as {{ signal = ..., below = 0.5 }}; got {raw!r}")
    for key in ("all", "any"):
        if key in raw:
            if set(raw) != {key} or not isinstance(raw[key], list) or not raw[key]:
                raise RuleError(f"{where}: {key!r} must stand alone with a list of conditions")
            if depth > MOST_DEEP:
                raise RuleError(f"{where}: groups stand in groups {depth} deep, more than {MOST_DEEP}: split the rule")
            return Group(every=key == "all", parts=tuple(parse_condition(part, where, depth + 1) for part in raw[key]))
    if "always" in raw:
        if dict(raw) != {"always": True}:
            raise RuleError(f"{where}: 'always' must stand alone, as {{ always = true }}; got {dict(raw)!r}")
        return Always()
    kinds = [kind for kind in KINDS if kind in raw]
    operators = [name for name in OPERATORS if name in raw]
    if len(kinds) != 1 or len(operators) != 1 or len(raw) != 2:
        raise RuleError(f"{where}: give one of {', '.join(KINDS)} and one of {', '.join(OPERATORS)}; got {dict(raw)!r}")
    test = Test(kinds[0], raw[kinds[0]], operators[0], raw[operators[0]])
    _check(test, where)
    return test


def _check(test: Test, where: str) -> None:
    if test.kind != "signal":
        if not isinstance(test.name, str) or (test.kind, test.name) not in FIELDS:
            known = ", ".join(names_of(test.kind))
            raise RuleError(f"{where}: unknown {test.kind} field {test.name!r}: known are {known}")
        _check_operand(test, where)
        return
    try:
        about = signal(str(test.name))
        for operand in test.operand if isinstance(test.operand, list) else [test.operand]:
            about.check(operand)
            if operand in {NOT_APPLICABLE, NEVER}:
                raise RuleError(f"{where}: {test.name} cannot be compared with {operand!r}: name a value")
    except ProfileError as error:
        raise RuleError(f"{where}: {error}") from error
    _check_operand(test, where, about)
    if about.is_context:
        return
    if about.levels:
        failing = {about.code(level) for level in about.levels if OPERATORS[test.operator](level, test.operand)}
        riskier = {about.code(level) for level in about.levels if failing and about.code(level) > min(failing)}
        if test.operator not in {"is", "is_one_of"} or not riskier <= failing:
            raise RuleError(
                f"{where}: {test.name} must fail for its riskiest levels; "
                f"{', '.join(about.levels)} run from safest to riskiest"
            )
        return
    higher_is_safer = about.safer == "higher"
    if about.kind == "flag" and test.operator == "is":
        fits = bool(test.operand) != higher_is_safer
    else:
        fits = test.operator in (_RISKY_WHEN_LOW if higher_is_safer else _RISKY_WHEN_HIGH)
    if not fits:
        wanted = " or ".join(sorted(_RISKY_WHEN_LOW if higher_is_safer else _RISKY_WHEN_HIGH))
        raise RuleError(
            f"{where}: {test.name} gets riskier the {'lower' if higher_is_safer else 'higher'} it is: use {wanted}"
        )


def _check_operand(test: Test, where: str, about: Signal | None = None) -> None:
    """Refuse an operator that does not fit the field, or a value that does not fit the operator."""
    if about is not None:
        kind: str = "text" if about.levels else about.kind
        allowed = ("is", "is_one_of") if about.levels else (*_RISKY_ORDER, *(("is",) if about.kind == "flag" else ()))
    else:
        kind = FIELDS[test.kind, test.name].type
        allowed = _OPERATORS_OF[kind]
    if test.operator not in allowed:
        raise RuleError(f"{where}: {test.name} cannot be compared with {test.operator}: use {' or '.join(allowed)}")
    value = test.operand
    if test.operator in {"is_one_of", "starts_with", "includes_any"}:
        fits = isinstance(value, list) and value and all(isinstance(item, str) for item in value)
        wanted = "a list of text"
    elif test.operator in _RISKY_ORDER:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        wanted = "a finite number"
    elif kind == "text":
        fits, wanted = isinstance(value, str), "text"
    else:
        fits, wanted = isinstance(value, bool) or about is not None, "true or false"
    if not fits:
        raise RuleError(f"{where}: {test.name} {test.operator} needs {wanted}; got {value!r}")
