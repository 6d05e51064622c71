"""What rules do: actions as data, checked, and which of two lists of actions is the graver."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cyberscore.exceptions import RuleError
from cyberscore.money import plain
from cyberscore.perils import PARTS, PERILS
from cyberscore.rules.amounts import USD

DECISIONS = ("quote", "quote_with_contingencies", "refer", "decline")
RANKS = {
    "decline": 6, "refer_without_offer": 5, "refer": 4, "pre_bind": 3, "post_bind": 2, "sublimit": 1, "coinsurance": 1,
    "rate": 0,
}  # fmt: skip
TERMS = ("retention_floor", "limit_cap", "standard_sublimit", "part_sublimit", "waiting_floor")
"""Actions that are priced: they may not depend on a signal, nor be a reward."""
REWARDS = ("retention_credit",)
STAGES = ("decline", "refer", "pre_bind", "post_bind", "terms", "rate")
"""Order in which rules act, gravest first."""
DECISION_OF = {
    "decline": "decline",
    "refer": "refer",
    "refer_without_offer": "refer",
    "pre_bind": "quote_with_contingencies",
    "post_bind": "quote_with_contingencies",
}
NO_OFFER = frozenset({"decline", "refer_without_offer"})
"""Actions after which no cover is offered: declined, or nothing may be offered before somebody has decided."""
FIELDS_OF = {
    "decline": {"text"},
    "refer": {"text"},
    "refer_without_offer": {"text"},
    "pre_bind": {"text"},
    "post_bind": {"text", "days"},
    "sublimit": {"peril", "amount", "text"},
    "coinsurance": {"peril", "percent", "text"},
    "rate": {"percent"},
    "retention_floor": {"amount"},
    "limit_cap": {"amount"},
    "standard_sublimit": {"peril", "amount"},
    "part_sublimit": {"part", "amount"},
    "waiting_floor": {"hours"},
    "retention_credit": {"percent", "text"},
    "renewal_cap": {"percent"},
}


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does; `type` is one of FIELDS_OF, the rest as that type needs; `text` marks amounts (`amounts`)."""

    type: str
    text: str = ""
    peril: str | None = None
    part: str | None = None
    amount: float | None = None
    percent: float | None = None
    days: int | None = None
    hours: float | None = None

    @property
    def stage(self) -> str:
        """Which of STAGES it acts in."""
        if self.type == "refer_without_offer":
            return "refer"
        if self.type in DECISION_OF:
            return self.type
        return "rate" if self.type in {"rate", "renewal_cap"} else "terms"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, as in rules.toml."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value not in {None, ""}}


Actions = tuple[Action, ...]


def parse_actions(raw: Any, where: str) -> Actions:
    """Actions from TOML.

    Raises
    ------
    RuleError
        Naming the rule, what is wrong and what is wanted.
    """
    if not isinstance(raw, list):
        raise RuleError(f"{where}: actions must be a list; got {raw!r}")
    actions = []
    for item in raw:
        kind = item.get("type") if isinstance(item, Mapping) else None
        if not isinstance(kind, str) or kind not in FIELDS_OF or set(item) - {"type"} != FIELDS_OF[kind]:
            known = "; ".join(f"{name} ({', '.join(sorted(fields))})" for name, fields in FIELDS_OF.items())
            raise RuleError(f"{where}: an action must be one of {known}; got {item!r}")
        for name in ("amount", "percent", "days", "hours"):
            value = item.get(name, 0)
            low = -25 if name == "percent" and kind == "rate" else 0
            high = {"amount": 1e8, "percent": 100, "days": 365, "hours": 72}[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise RuleError(f"{where}: {name} must be a number between {low} and {high:g}; got {value!r}")
            if name == "percent" and 0 < abs(value) < 1:
                raise RuleError(
                    f"{where}: percent is in percent; got {value!r}: write {100 * value:g} for {100 * value:g} %"
                )
        if not isinstance(item.get("text", ""), str):
            raise RuleError(f"{where}: text must be text; got {item['text']!r}")
        if item.get("peril", PERILS[0]) not in PERILS:
            raise RuleError(f"{where}: unknown peril {item['peril']!r}: the perils are {', '.join(PERILS)}")
        if item.get("part", next(iter(PARTS))) not in PARTS:
            raise RuleError(f"{where}: unknown coverage part {item['part']!r}: the parts are {', '.join(PARTS)}")
        actions.append(Action(**item))
    return tuple(actions)


def no_graver(a: Actions, b: Actions) -> bool:
    """Whether `a` is no graver than `b` in every kind of action."""
    first, second = _weight(a), _weight(b)
    return all(first.get(key, 0.0) <= second.get(key, 0.0) for key in first.keys() | second.keys())


def _weight(actions: Actions) -> dict[tuple[str, str | None], float]:
    """How grave actions are, by kind: greater is graver, a reward is less than nothing."""
    grave: dict[tuple[str, str | None], float] = {("rank", None): 0.0, ("rate", None): 0.0}
    for action in actions:
        grave["rank", None] = max(grave["rank", None], RANKS.get(action.type, 0))
        if action.type == "rate":
            grave["rate", None] += action.percent or 0.0
        elif action.type == "retention_credit":
            grave["retention_credit", None] = grave.get(("retention_credit", None), 0.0) - (action.percent or 0.0)
        elif action.type == "sublimit":
            key, value = ("sublimit", action.peril), 1e9 - (action.amount or 0.0)
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type == "coinsurance":
            key, value = ("coinsurance", action.peril), action.percent or 0.0
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type == "post_bind":
            key, value = ("haste", None), 366.0 - (action.days or 0)
            grave[key] = max(grave.get(key, 0.0), value)
        elif action.type in {"pre_bind", "refer", "refer_without_offer", "decline"}:
            grave["haste", None] = 366.0
    return grave


def told_action(action: Action) -> str:
    """Say what an action does in one line."""
    about = {
        "on": action.peril or action.part,
        "amount": None if action.amount is None else plain(action.amount),
        "percent": None if action.percent is None else f"{action.percent:+g} %",
        "days": None if action.days is None else f"{action.days} days",
        "hours": None if action.hours is None else f"{action.hours:g} hours",
    }
    numbers = " ".join(value.replace("_", " ") for value in about.values() if value)
    kind = action.type.replace("_", " ")
    return f"{kind}{' ' if numbers else ''}{numbers}{': ' if action.text else ''}{USD.text(action.text)}"


def stage_of(actions: Actions) -> int:
    """Place in STAGES of the gravest of some actions; the last place when there is none."""
    return min((STAGES.index(action.stage) for action in actions), default=len(STAGES) - 1)


def strength(action: Action) -> float:
    """How strong an action is beside others of its kind and peril: greater is stronger."""
    if action.type in {"limit_cap", "standard_sublimit", "part_sublimit", "sublimit"}:
        return -(action.amount or 0.0)
    if action.type == "post_bind":
        return -float(action.days or 0)
    return next((x for x in (action.amount, action.percent, action.hours) if x is not None), math.inf)
