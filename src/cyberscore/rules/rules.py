"""Underwriting rules read from rules.toml, checked, and what they say about one risk.

A rule whose condition names a signal may decline, refer, ask for something, restrict or debit: its restrictions earn no
premium credit, so that mending a weakness never costs more. A rule on who is insured or what is asked for may also set
terms (retention floor, limit cap, standard sublimit, waiting floor); terms are priced.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cyberscore.exceptions import RuleError
from cyberscore.perils import PERILS
from cyberscore.rules.conditions import Condition, Lookup, Test, parse_condition, tests_of

DECISIONS = ("quote", "quote_with_contingencies", "refer", "decline")
RANKS = {"decline": 5, "refer": 4, "pre_bind": 3, "post_bind": 2, "sublimit": 1, "coinsurance": 1, "rate": 0}
TERMS = ("retention_floor", "limit_cap", "standard_sublimit", "waiting_floor")
_DECISION_OF = {
    "decline": "decline",
    "refer": "refer",
    "pre_bind": "quote_with_contingencies",
    "post_bind": "quote_with_contingencies",
}
_FIELDS = {
    "decline": {"text"},
    "refer": {"text"},
    "pre_bind": {"text"},
    "post_bind": {"text", "days"},
    "sublimit": {"peril", "amount", "text"},
    "coinsurance": {"peril", "percent", "text"},
    "rate": {"percent"},
    "retention_floor": {"amount"},
    "limit_cap": {"amount"},
    "standard_sublimit": {"peril", "amount"},
    "waiting_floor": {"hours"},
}


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does; `type` is one of RANKS or TERMS, the rest as that type needs."""

    type: str
    text: str = ""
    peril: str | None = None
    amount: float | None = None
    percent: float | None = None
    days: int | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One underwriting rule; `on_fail` acts when the condition holds, `on_unknown` when it cannot be told."""

    id: str
    version: int
    sentence: str
    condition: Condition
    on_fail: tuple[Action, ...]
    on_unknown: tuple[Action, ...]
    on_pass: tuple[Action, ...]
    rationale: str
    evidence: str
    signals: frozenset[str]

    @property
    def sets_terms(self) -> bool:
        """Whether it may set a priced term: a floor, a cap or a standard sublimit."""
        return any(action.type in TERMS for action in self.on_pass + self.on_unknown + self.on_fail)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule said: `outcome` is pass, unknown or fail."""

    rule: Rule
    outcome: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of a plan, and the same by what they read.

    Attributes
    ----------
    setting_rules : rules that set priced terms; they read the request as it was made
    firm_rules : other rules that read no signal; they read the cover after terms
    posture_rules : rules that read a signal
    signals : all signals that rules read
    """

    rules: tuple[Rule, ...]
    setting_rules: tuple[Rule, ...] = field(init=False)
    firm_rules: tuple[Rule, ...] = field(init=False)
    posture_rules: tuple[Rule, ...] = field(init=False)
    signals: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        setting = tuple(rule for rule in self.rules if rule.sets_terms)
        others = tuple(rule for rule in self.rules if not rule.sets_terms)
        object.__setattr__(self, "setting_rules", setting)
        object.__setattr__(self, "firm_rules", tuple(rule for rule in others if not rule.signals))
        object.__setattr__(self, "posture_rules", tuple(rule for rule in others if rule.signals))
        object.__setattr__(self, "signals", frozenset(name for rule in others for name in rule.signals))

    @property
    def known_activities(self) -> frozenset[str]:
        """Business activities that some rule names."""
        tests = (test for rule in self.rules for test in tests_of(rule.condition) if test.name == "business_activities")
        return frozenset(str(activity) for test in tests for activity in test.operand)

    @classmethod
    def from_toml(cls, text: str) -> "RuleBook":
        """Read and check rules.toml.

        Raises
        ------
        RuleError
            Naming the rule that is wrong.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RuleError(f"rules.toml: not valid TOML: {error}") from error
        if raw.get("format") != 1 or set(raw) - {"format", "rule"}:
            raise RuleError(f"rules.toml: format must be 1, with a list of [[rule]]; got format {raw.get('format')!r}")
        listed = raw.get("rule", [])
        if not isinstance(listed, list):
            raise RuleError("rules.toml: rules must be [[rule]] tables")
        rules = tuple(_rule(item) for item in listed)
        ids = [rule.id for rule in rules]
        if len(set(ids)) < len(ids):
            raise RuleError(
                f"rules.toml: rule ids must differ; got {sorted(i for i in set(ids) if ids.count(i) > 1)} twice"
            )
        return cls(rules)


def evaluate(rule: Rule, lookup: Lookup) -> Finding:
    """Apply one rule."""
    holds = rule.condition.holds(lookup)
    if holds is None:
        return Finding(rule, "unknown", rule.on_unknown)
    return Finding(rule, "fail", rule.on_fail) if holds else Finding(rule, "pass", rule.on_pass)


def decision_of(findings: Sequence[Finding]) -> str:
    """Gravest decision among findings."""
    return max(
        (_DECISION_OF.get(action.type, "quote") for f in findings for action in f.actions),
        key=DECISIONS.index,
        default="quote",
    )


def rate_percent(findings: Sequence[Finding]) -> float:
    """Sum of debits (positive) and credits (negative), in percent."""
    return sum(action.percent or 0.0 for finding in findings for action in finding.actions if action.type == "rate")


def _rule(raw: Any) -> Rule:
    if not isinstance(raw, Mapping):
        raise RuleError(f"rules.toml: a rule must be a [[rule]] table; got {raw!r}")
    where = f"rule {raw.get('id', '?')}"
    wanted = {"id", "version", "sentence", "when", "rationale", "evidence"}
    allowed = wanted | {"fail", "unknown", "pass"}
    if wanted - set(raw) or set(raw) - allowed:
        raise RuleError(f"{where}: needs {', '.join(sorted(wanted))}, may have fail, unknown, pass; got {sorted(raw)}")
    for name in ("id", "sentence", "rationale", "evidence"):
        if not isinstance(raw[name], str) or not raw[name]:
            raise RuleError(f"{where}: {name} must be text; got {raw[name]!r}")
    if isinstance(raw["version"], bool) or not isinstance(raw["version"], int):
        raise RuleError(f"{where}: version must be a whole number; got {raw['version']!r}")
    condition = parse_condition(raw["when"], where)
    tests = tests_of(condition)
    rule = Rule(
        id=raw["id"],
        version=raw["version"],
        sentence=raw["sentence"],
        condition=condition,
        on_fail=_actions(raw.get("fail", []), where),
        on_unknown=_actions(raw.get("unknown", []), where),
        on_pass=_actions(raw.get("pass", []), where),
        rationale=raw["rationale"],
        evidence=raw["evidence"],
        signals=frozenset(test.name for test in tests if test.kind == "signal"),
    )
    _check_order(rule, tests, where)
    return rule


def _actions(raw: Any, where: str) -> tuple[Action, ...]:
    if not isinstance(raw, list):
        raise RuleError(f"{where}: actions must be a list; got {raw!r}")
    actions = []
    for item in raw:
        kind = item.get("type") if isinstance(item, Mapping) else None
        if not isinstance(kind, str) or kind not in _FIELDS or set(item) - {"type"} != _FIELDS[kind]:
            known = "; ".join(f"{name} ({', '.join(sorted(fields))})" for name, fields in _FIELDS.items())
            raise RuleError(f"{where}: an action must be one of {known}; got {item!r}")
        for name in ("amount", "percent", "days", "hours"):
            value = item.get(name, 0)
            low = -25 if name == "percent" and kind == "rate" else 0
            high = {"amount": 1e8, "percent": 100, "days": 365, "hours": 72}[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise RuleError(f"{where}: {name} must be a number between {low} and {high:g}; got {value!r}")
        if not isinstance(item.get("text", ""), str):
            raise RuleError(f"{where}: text must be text; got {item['text']!r}")
        if item.get("peril", PERILS[0]) not in PERILS:
            raise RuleError(f"{where}: unknown peril {item['peril']!r}: the perils are {', '.join(PERILS)}")
        actions.append(Action(**item))
    return tuple(actions)


def _weight(actions: tuple[Action, ...]) -> dict[tuple[str, str | None], float]:
    """How grave actions are, by kind: greater is graver."""
    grave: dict[tuple[str, str | None], float] = {("rank", None): 0.0, ("rate", None): 0.0}
    for action in actions:
        grave["rank", None] = max(grave["rank", None], RANKS.get(action.type, 0))
        if action.type == "rate":
            grave["rate", None] += action.percent or 0.0
        elif action.type == "sublimit":
            key, value = ("sublimit", action.peril), 1e9 - (action.amount or 0.0)
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type == "coinsurance":
            key, value = ("coinsurance", action.peril), action.percent or 0.0
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type == "post_bind":
            key, value = ("haste", None), 366.0 - (action.days or 0)
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type in {"pre_bind", "refer", "decline"}:
            grave["haste", None] = 366.0
    return grave


def _no_graver(a: tuple[Action, ...], b: tuple[Action, ...]) -> bool:
    first, second = _weight(a), _weight(b)
    return all(value <= second.get(key, 0.0) for key, value in first.items())


def _check_order(rule: Rule, tests: list[Test], where: str) -> None:
    everything = rule.on_pass + rule.on_unknown + rule.on_fail
    if any(test.kind == "coverage" for test in tests) and any(action.type == "rate" for action in everything):
        raise RuleError(
            f"{where}: a rate must not depend on the cover asked for: a higher limit could then cost less; use a term"
        )
    for name, actions in (("pass", rule.on_pass), ("unknown", rule.on_unknown), ("fail", rule.on_fail)):
        terms = [action.type for action in actions if action.type in TERMS]
        if terms and rule.signals:
            raise RuleError(
                f"{where}: {terms[0]} is priced, so it cannot depend on a signal ({name}); use sublimit or coinsurance"
            )
    if not (_no_graver(rule.on_pass, rule.on_unknown) and _no_graver(rule.on_unknown, rule.on_fail)):
        raise RuleError(
            f"{where}: pass must be no graver than unknown, and unknown no graver than fail, in every kind of action"
        )
    cut = [test.name for test in tests if test.cuts_favourable()]
    if cut and not _no_graver(rule.on_fail, rule.on_unknown):
        raise RuleError(
            f"{where}: some values of {cut[0]} that are safer than unknown fail, so unknown must be treated "
            "as gravely as fail; else hiding the evidence would pay"
        )
