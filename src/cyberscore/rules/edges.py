"""Edges: sizes of a firm or of its limit from which rules set other terms or rates. Callers are books and covers."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from cyberscore.exceptions import RuleError
from cyberscore.money import plain
from cyberscore.rules.conditions import Lookup
from cyberscore.rules.fields import FIELDS
from cyberscore.rules.rule import Rule

Size = tuple[str, str]
SIZES: tuple[Size, ...] = (
    ("insured", "annual_revenue_usd"),
    ("insured", "employee_count"),
    ("insured", "record_count"),
    ("coverage", "aggregate_limit"),
)
"""Fields of which more is a larger risk: no edge of theirs may lower a premium."""
MOST_WAYS = 200
"""In how many ways a firm may be smaller by edges: each may have to be priced."""
_TOLD = {
    "annual_revenue_usd": "annual revenue {} USD",
    "employee_count": "{} employees",
    "record_count": "{} records",
    "aggregate_limit": "aggregate limit {} USD",
}


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One edge of a size: `value` is the largest that is still on the smaller side, `told` says so in words."""

    value: float
    told: str


def edges_of(rules: Iterable[Rule]) -> Mapping[Size, tuple[Edge, ...]]:
    """Gather the edges of rules that set priced terms or rates, by the size they are of, ascending."""
    found: dict[Size, set[Edge]] = {}
    for rule in rules:
        if not (rule.sets_terms or rule.sets_rates):
            continue
        for test in rule.tests:
            size = (test.kind, test.name)
            if size in SIZES:
                edge = _edge(size, test.operator, test.operand)
                if edge.value >= FIELDS[size].low:
                    found.setdefault(size, set()).add(edge)
    ways = math.prod(len(own) + 1 for own in found.values())
    if ways > MOST_WAYS:
        raise RuleError(
            f"rules set terms or rates at so many sizes of {', '.join(name for _, name in found)} that a firm may be "
            f"smaller in {ways:,} ways, more than {MOST_WAYS}: let rules share their thresholds"
        )
    return {size: tuple(sorted(own)) for size, own in found.items()}


def _edge(size: Size, operator: str, operand: float) -> Edge:
    """Edge of one comparison: just below the amount where the amount itself is on the larger side, else at it."""
    name, whole = size[1], FIELDS[size].whole
    just_below = operator in {"below", "at_least"}
    if whole:
        count = math.ceil(operand) - 1 if just_below else math.floor(operand)
        return Edge(count, _TOLD[name].format(f"{count:,}"))
    value = math.nextafter(operand, -math.inf) if just_below else operand
    return Edge(value, _TOLD[name].format(f"{'just below' if just_below else 'of'} {plain(operand)}"))


def smaller_sizes(edges: Mapping[Size, tuple[Edge, ...]], size_of: Callable[[Size], Any]) -> Iterator[dict[Size, Edge]]:
    """Give every way to be smaller by edges: of each size either none of them, or one below the size as it is.

    `size_of` gives a size, None when it is unknown: what is unknown has nothing below it.
    """
    choices: list[list[tuple[Size, Edge] | None]] = []
    for size, own in edges.items():
        value = size_of(size)
        below = [] if value is None else [(size, edge) for edge in own if edge.value < value]
        if below:
            choices.append([None, *below])
    for chosen in product(*choices):
        if any(chosen):
            yield dict(one for one in chosen if one is not None)


def with_sizes(lookup: Lookup, sizes: Mapping[Size, Edge]) -> Lookup:
    """Lookup of the same firm with other sizes."""

    def smaller(kind: str, name: str) -> Any:
        edge = sizes.get((kind, name))
        return lookup(kind, name) if edge is None else edge.value

    return smaller
