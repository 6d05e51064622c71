"""One underwriting rule: read from TOML and checked by itself. Called by the book of rules, and by its analysis.

A requirement declines, refers, asks for something, restricts or debits when its condition holds: its restrictions earn
no premium credit, so that mending a weakness never costs more. A term (retention floor, limit cap, standard sublimit,
waiting floor, renewal cap) applies to whoever it is about, is priced and reads no signal. A credit is earned when its
condition is known not to hold.

Format 2 names outcomes `then` (the condition holds), `unknown` and `otherwise`, and wants `unknown` wherever something
may be unknown. Format 1, still read, called them fail, unknown and pass, and knew fewer fields and actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cyberscore.exceptions import RuleError
from cyberscore.rules.actions import REWARDS, STAGES, TERMS, Actions, no_graver, parse_actions, stage_of
from cyberscore.rules.conditions import (
    Condition,
    Test,
    condition_text,
    condition_to_dict,
    parse_condition,
    tests_of,
)
from cyberscore.rules.fields import FIELDS, RATIOS

FORMATS = (1, 2)
_OUTCOMES = {1: ("fail", "unknown", "pass"), 2: ("then", "unknown", "otherwise")}
_WORDS = {
    "requirement": ("fail", "pass"),
    "term": ("applies", "does_not_apply"),
    "credit": ("does_not_apply", "applies"),
}
OUTCOMES = ("pass", "fail", "applies", "does_not_apply", "unknown")
"""What a rule may say: pass or fail (requirements), applies or does_not_apply (terms and credits), unknown (all)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One underwriting rule.

    `on_fail` acts when the condition holds, `on_unknown` when it cannot be told, `on_pass` when it does not hold.
    """

    id: str
    version: int
    sentence: str
    condition: Condition
    on_fail: Actions
    on_unknown: Actions
    on_pass: Actions
    rationale: str
    evidence: str
    tests: tuple[Test, ...] = field(init=False)
    signals: frozenset[str] = field(init=False)
    reads_posture: bool = field(init=False)
    kind: str = field(init=False)
    stage: int = field(init=False)
    words: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        tests = tests_of(self.condition)
        object.__setattr__(self, "tests", tuple(tests))
        object.__setattr__(self, "signals", frozenset(test.name for test in tests if test.kind == "signal"))
        object.__setattr__(self, "reads_posture", any(test.kind in {"signal", "evidence"} for test in tests))
        object.__setattr__(self, "kind", _kind(self.actions, self.on_pass))
        object.__setattr__(self, "stage", stage_of(self.actions))
        object.__setattr__(self, "words", _WORDS[self.kind])

    @property
    def actions(self) -> Actions:
        """All it may do."""
        return self.on_fail + self.on_unknown + self.on_pass

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, as in format 2 of rules.toml, with stage, kind and the condition in words."""
        found: dict[str, Any] = {
            "id": self.id,
            "version": self.version,
            "stage": STAGES[self.stage],
            "kind": self.kind,
            "sentence": self.sentence,
            "when": condition_to_dict(self.condition),
            "when_in_words": condition_text(self.condition),
        }
        for name, actions in (("then", self.on_fail), ("unknown", self.on_unknown), ("otherwise", self.on_pass)):
            found[name] = [action.to_dict() for action in actions]
        if not self.may_be_unknown:
            del found["unknown"]
        return found | {"rationale": self.rationale, "evidence": self.evidence}

    @property
    def sets_terms(self) -> bool:
        """Whether it may set a priced term: a floor, a cap or a standard sublimit."""
        return any(action.type in TERMS for action in self.actions)

    @property
    def sets_rates(self) -> bool:
        """Whether it may raise or lower the rate."""
        return any(action.type == "rate" for action in self.actions)

    @property
    def may_be_unknown(self) -> bool:
        """Whether something it reads may be unknown."""
        return any(test.kind == "signal" or FIELDS[test.kind, test.name].may_be_unknown for test in self.tests)


def _kind(actions: Actions, on_pass: Actions) -> str:
    if any(action.type in TERMS or action.type == "renewal_cap" for action in actions):
        return "term"
    rewards = [action.type in REWARDS or (action.type == "rate" and (action.percent or 0) < 0) for action in on_pass]
    return "credit" if any(rewards) and len(actions) == len(on_pass) else "requirement"


def parse_rule(raw: Any, version: int) -> Rule:
    """Rule from TOML, in one of FORMATS.

    Raises
    ------
    RuleError
        Naming the rule, what is wrong and what is wanted.
    """
    if not isinstance(raw, Mapping):
        raise RuleError(f"rules.toml: a rule must be a [[rule]] table; got {raw!r}")
    where = f"rule {raw.get('id', '?')}"
    wanted = {"id", "version", "sentence", "when", "rationale", "evidence"}
    names = _OUTCOMES[version]
    if wanted - set(raw) or set(raw) - wanted - set(names):
        raise RuleError(
            f"{where}: needs {', '.join(sorted(wanted))}, may have {', '.join(names)}; got {', '.join(sorted(raw))}"
        )
    for name in ("id", "sentence", "rationale", "evidence"):
        if not isinstance(raw[name], str) or not raw[name]:
            raise RuleError(f"{where}: {name} must be text; got {raw[name]!r}")
    if isinstance(raw["version"], bool) or not isinstance(raw["version"], int):
        raise RuleError(f"{where}: version must be a whole number; got {raw['version']!r}")
    condition = parse_condition(raw["when"], where)
    on_fail, on_unknown, on_pass = (parse_actions(raw.get(name, []), where) for name in names)
    rule = Rule(
        raw["id"], raw["version"], raw["sentence"], condition, on_fail, on_unknown, on_pass,
        raw["rationale"], raw["evidence"],
    )  # fmt: skip
    if version > 1 and rule.may_be_unknown != ("unknown" in raw):
        problem = (
            "something it reads may be unknown: say what happens then (unknown = [] for nothing)"
            if rule.may_be_unknown
            else "nothing it reads is ever unknown, so leave `unknown` out"
        )
        raise RuleError(f"{where}: {problem}")
    _check_order(rule, where)
    _check_premium(rule, where)
    return rule


def _check_order(rule: Rule, where: str) -> None:
    if any(test.kind == "coverage" for test in rule.tests) and any(action.type == "rate" for action in rule.actions):
        raise RuleError(
            f"{where}: a rate must not depend on the cover asked for: a higher limit could then cost less; use a term"
        )
    ratios = [test.name for test in rule.tests if (test.kind, test.name) in RATIOS]
    if ratios and (rule.sets_terms or rule.sets_rates):
        raise RuleError(
            f"{where}: a priced term or a rate must not depend on {ratios[0]}: a larger firm could then pay less; "
            "refer, or compare annual_revenue_usd or employee_count"
        )
    for name, actions in (("pass", rule.on_pass), ("unknown", rule.on_unknown), ("fail", rule.on_fail)):
        terms = [action.type for action in actions if action.type in TERMS]
        if terms and rule.reads_posture:
            raise RuleError(
                f"{where}: {terms[0]} is priced, so it cannot depend on a signal ({name}); use sublimit or coinsurance"
            )
    if not (no_graver(rule.on_pass, rule.on_unknown) and no_graver(rule.on_unknown, rule.on_fail)):
        raise RuleError(
            f"{where}: pass must be no graver than unknown, and unknown no graver than fail, in every kind of action"
        )
    cut = [test.name for test in rule.tests if test.cuts_favourable()]
    if cut and not no_graver(rule.on_fail, rule.on_unknown):
        raise RuleError(
            f"{where}: some values of {cut[0]} that are safer than unknown fail, so unknown must be treated "
            "as gravely as fail; else hiding the evidence would pay"
        )


def _check_premium(rule: Rule, where: str) -> None:
    """Refuse what reads the premium and does not hold it: the premium exists only after all else is decided."""
    caps = [action for action in rule.actions if action.type == "renewal_cap"]
    reads = [test for test in rule.tests if test.kind == "premium"]
    if not caps and not reads:
        return
    share = (caps[0].percent or 0.0) / 100.0 if caps else 0.0
    wanted = {("above", share), ("below", -share)}
    if (
        rule.on_fail != tuple(caps)
        or len(caps) != 1
        or {(test.operator, test.operand) for test in rule.tests} != wanted
    ):
        raise RuleError(
            f"{where}: renewal_cap stands alone in `then`, with renewal_change above and below that percentage as its "
            "condition, such as { any = [{ premium = 'renewal_change', above = 0.25 }, { premium = 'renewal_change', "
            "below = -0.25 }] }"
        )


def stage_name(rule: Rule) -> str:
    """Which of STAGES a rule acts in, at its gravest."""
    return STAGES[rule.stage]
