"""The cheapest set of items that brings a sum of exponentials down to a bound: exact search, no knowledge of insurance.

Given columns q with exponents `start[q]`, items i with falls `falls[i][q] <= 0`, and costs, the function
`log sum_q exp(start[q] + sum_{i in S} falls[i][q])` bounds from below something that is dear to evaluate, and must be
at most `log_bound` for a set S to be admissible at all. It is convex in the exponents, so each tangent is a linear
cut `sum_{i in S} v_i >= b` that every admissible set obeys (outer approximation; Duran and Grossmann 1986). A
depth-first search over the items bounds the cost that is still needed by the continuous relaxation of each cut;
wherever all cuts hold, `admissible` decides, and adds a cut when it says no.

The caller is the search for a path (`cyberscore.quoting.path`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SLACK = 1e-9
"""Cuts are loosened by this, so that rounding never excludes a set."""
_MOST_CUTS = 12


@dataclass(frozen=True, slots=True)
class Cheapest:
    """A set and its cost; `proven` when no admissible set costs less, else none costs less than `lower_bound`."""

    chosen: tuple[int, ...]
    cost: float
    lower_bound: float
    proven: bool
    nodes: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """`value[i]` summed over a set must reach `need`; `order` has the items by value per cost."""

    value: list[float]
    need: float
    order: list[int]


class _OutOfWork(Exception):  # noqa: N818  not an error: the search is stopped
    pass


def point_of(start: Sequence[float], falls: Sequence[Sequence[float]], chosen: Sequence[int]) -> list[float]:
    """Exponents after a set of items."""
    return [first + sum(falls[i][q] for i in chosen) for q, first in enumerate(start)]


def tangent(
    start: Sequence[float], falls: Sequence[Sequence[float]], point: Sequence[float]
) -> tuple[float, list[float]]:
    """Tangent at a point: its height with nothing taken, and by how much each item lowers it.

    The log sum of exponentials lies nowhere below its tangents.
    """
    top = max(point)
    weights = [math.exp(x - top) for x in point]
    total = sum(weights)
    weights = [w / total for w in weights]
    height = top + math.log(total) + sum(w * (a - x) for w, a, x in zip(weights, start, point, strict=True))
    return height, [-sum(w * x for w, x in zip(weights, row, strict=True)) for row in falls]


class CheapestSet:
    """One search: see the module.

    Parameters
    ----------
    start, falls, costs : sequences
        As in the module; costs above zero.
    log_bound : float
    admissible : callable
        Whether a set of items will do, exactly; a set with more items must do when one with fewer does.
    whole : bool
        Whether costs are whole numbers, so that bounds may be rounded up.
    work : int
        Most nodes of the search.
    """

    def __init__(
        self,
        start: Sequence[float],
        falls: Sequence[Sequence[float]],
        costs: Sequence[float],
        *,
        log_bound: float,
        admissible: Callable[[Sequence[int]], bool],
        whole: bool,
        work: int,
    ) -> None:
        self.start, self.costs, self.log_bound = list(start), list(costs), log_bound
        self.falls = [[min(x, 0.0) for x in row] for row in falls]
        self.admissible, self.whole, self.work = admissible, whole, work
        self.nodes = 0
        self.cuts: list[_Cut] = []
        self.best: tuple[int, ...] = ()
        self.best_cost = math.inf
        self.lower = 0.0

    def solve(self) -> Cheapest:
        """Search; all items together must be admissible."""
        items = range(len(self.costs))
        self._keep(tuple(items))
        for point in (self._point(()), self._point(items)):
            self._cut_at(point)
        for _ in range(4):  # each round goes on from what the last one found
            before = self.best_cost
            self._cut_at(self._point(self._filled(self.cuts[-1])))
            if self.best_cost >= before and len(self.cuts) > 3:
                break
        self.lower = self._bound(0, self._rank(), 0.0, [cut.need for cut in self.cuts])
        proven = self._settled(self.lower)
        if not proven:
            proven = self._search()
        return Cheapest(self.best, self.best_cost, self.best_cost if proven else self.lower, proven, self.nodes)

    # what a set comes to

    def _point(self, chosen: Sequence[int]) -> list[float]:
        return point_of(self.start, self.falls, chosen)

    def _keep(self, chosen: tuple[int, ...]) -> None:
        """Take a set that will do, less what it does not need, if it is the cheapest yet."""
        for i in sorted(chosen, key=lambda i: -self.costs[i]):
            fewer = tuple(k for k in chosen if k != i)
            if self.admissible(fewer):
                chosen = fewer
        cost = math.fsum(self.costs[i] for i in chosen)
        if cost < self.best_cost - _SLACK:
            self.best, self.best_cost = chosen, cost

    def _filled(self, cut: _Cut) -> tuple[int, ...]:
        """Take items by value per cost until the set will do, and keep it."""
        chosen: list[int] = []
        reached = 0.0
        for i in cut.order:
            chosen.append(i)
            reached += cut.value[i]
            if reached >= cut.need and self.admissible(chosen):
                break
        self._keep(tuple(chosen))
        return tuple(chosen)

    # cuts

    def _cut_at(self, point: list[float]) -> None:
        height, value = tangent(self.start, self.falls, point)
        need = height - self.log_bound
        order = sorted(range(len(value)), key=lambda i: -value[i] / self.costs[i])
        self.cuts.append(_Cut(value, need - _SLACK, order))

    def _rank(self) -> list[int]:
        return list(range(len(self.costs)))

    def _bound(self, first: int, rank: list[int], cost: float, needs: Sequence[float]) -> float:
        """Least cost in all of a set that has cost so far, may take items of rank `first` on, and must fill `needs`."""
        worst = cost
        for cut, need in zip(self.cuts, needs, strict=True):
            if need > 0.0:
                worst = max(worst, cost + self._least_cost(cut, need, first, rank))
        return math.ceil(worst - 1e-7) if self.whole and worst < math.inf else worst

    def _least_cost(self, cut: _Cut, need: float, first: int, rank: list[int]) -> float:
        """Least cost of filling one cut, when the last item may be taken in part."""
        cost, left = 0.0, need
        for i in cut.order:
            if rank[i] < first:
                continue
            value = cut.value[i]
            if value >= left:
                return cost + self.costs[i] * (left / value)
            if value <= 0.0:
                break
            left -= value
            cost += self.costs[i]
        return math.inf

    def _settled(self, lower: float) -> bool:
        return lower >= self.best_cost - _SLACK * max(1.0, self.best_cost)

    # the search

    def _search(self) -> bool:
        order = self.cuts[-1].order
        rank = self._rank()
        for place, i in enumerate(order):
            rank[i] = place
        try:
            self._descend(0, order, rank, 0.0, [])
        except _OutOfWork:
            return False
        return True

    def _descend(self, first: int, order: list[int], rank: list[int], cost: float, chosen: list[int]) -> None:
        self.nodes += 1
        if self.nodes > self.work:
            raise _OutOfWork
        needs = self._needs(chosen)
        if chosen and max(needs) <= 0.0:
            if self.admissible(chosen):
                self._keep(tuple(chosen))
                return
            if len(self.cuts) < _MOST_CUTS:
                self._cut_at(self._point(chosen))
        for place in range(first, len(order)):
            if len(needs) < len(self.cuts):
                needs = self._needs(chosen)
            if self._settled(self._bound(place, rank, cost, needs)):
                return
            i = order[place]
            if self._settled(cost + self.costs[i]):
                continue
            chosen.append(i)
            self._descend(place + 1, order, rank, cost + self.costs[i], chosen)
            chosen.pop()

    def _needs(self, chosen: Sequence[int]) -> list[float]:
        return [cut.need - sum(cut.value[i] for i in chosen) for cut in self.cuts]
