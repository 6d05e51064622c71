"""The premium ledger: every step from a base rate to the premium, which anyone can replay."""

from dataclasses import dataclass
from typing import Any, NamedTuple

CURRENCY = "Currency"
"""Label of the line that converts a premium; amounts before it are in USD, from it on in the quote's currency."""
OPERATIONS = ("start", "multiply", "add", "at_least", "at_most", "round")


class Step(NamedTuple):
    """One step: `operation` with `value` on the running amount gives `result`.

    `source` names the table row, rule or number.
    """

    label: str
    operation: str
    value: float
    result: float
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self._asdict()


def apply(operation: str, amount: float, value: float) -> float:
    """Return the result of one operation; rounding is to `value` decimals."""
    match operation:
        case "start":
            return value
        case "multiply":
            return amount * value
        case "add":
            return amount + value
        case "at_least":
            return max(amount, value)
        case "at_most":
            return min(amount, value)
        case "round":
            return round(amount, int(value))
    raise ValueError(f"unknown ledger operation {operation!r}: the operations are {', '.join(OPERATIONS)}")


class Column:
    """A column of steps under way."""

    __slots__ = ("amount", "steps")

    def __init__(self) -> None:
        self.amount = 0.0
        self.steps: list[Step] = []

    def multiply(self, label: str, value: float, source: str) -> None:
        """Append the step that most lines are."""
        self.amount *= value
        self.steps.append(Step(label, "multiply", value, self.amount, source))

    def step(self, label: str, operation: str, value: float, source: str) -> float:
        """Append a step and return the running amount."""
        self.amount = apply(operation, self.amount, value)
        self.steps.append(Step(label, operation, value, self.amount, source))
        return self.amount


@dataclass(frozen=True, slots=True)
class Ledger:
    """One column a peril down to its layer pure premium, then one column to the indicative premium."""

    perils: dict[str, tuple[Step, ...]]
    premium: tuple[Step, ...]

    def replay(self) -> float:
        """Premium from operations and values alone: the stated results are not looked at."""
        pure = 0.0
        for steps in self.perils.values():
            pure += _fold(steps)
        first, *rest = self.premium
        if first.operation != "start" or abs(first.value - pure) > 1e-9 * max(pure, 1.0):
            raise ValueError(f"the premium column must start with the sum of the perils, {pure!r}; got {first.value!r}")
        amount = pure
        for step in rest:
            amount = apply(step.operation, amount, step.value)
        return amount

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "perils": {peril: [step.to_dict() for step in steps] for peril, steps in self.perils.items()},
            "premium": [step.to_dict() for step in self.premium],
        }


def _fold(steps: tuple[Step, ...]) -> float:
    amount = 0.0
    for step in steps:
        amount = apply(step.operation, amount, step.value)
    return amount
