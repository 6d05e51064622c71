"""Which of the sets that reach a target at the same least cost to take: called by the search for a path.

The one after which the premium is lowest; of those, the one that rests on the surest evidence (the product of what its
sources weigh); of those, the first in the order of the catalogue. Found by branch and bound over the sets that cost no
more: a branch ends where what it leaves to take can neither reach the target nor better the best set yet, as bounded by
tangents (see `cheapest_set`) that the budget fills.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from cyberscore.profile.evidence import SOURCES
from cyberscore.quoting.cheapest_set import point_of, tangent
from cyberscore.quoting.fixes import Fixes
from cyberscore.rating.parts import Floats

_SLACK = 1e-9
"""Bounds are loosened by this, so that rounding never excludes a set."""
_MOST_CUTS = 8

Key = tuple[float, float, tuple[int, ...]]
"""Premium, minus the sureness of the evidence, and the fixes: the least is the best."""


class _OutOfWork(Exception):  # noqa: N818  not an error: the search is stopped
    pass


class _Found(Exception):  # noqa: N818  not an error: nothing better can come
    pass


@dataclass(frozen=True, slots=True)
class Ends:
    """Exponents, and falls by fix, whose log sum bounds a figure's log from below."""

    start: list[float]
    falls: list[list[float]]

    @classmethod
    def of(cls, start: Floats, falls: Floats) -> "Ends":
        """Take them from arrays."""
        return cls(start.tolist(), falls.tolist())

    def cut(self, chosen: Sequence[int]) -> "_Cut":
        """Return the tangent at a set of fixes."""
        return _Cut(*tangent(self.start, self.falls, point_of(self.start, self.falls, chosen)))


@dataclass(slots=True)
class _Cut:
    """The figure's log is at least `height` less the `value` of every fix made."""

    height: float
    value: list[float]
    rests: dict[int, tuple[list[float], list[float]]] = field(default_factory=dict)
    """By place: costs and values of what is left from there on, added up, what is worth most by its cost first."""

    def after(self, chosen: Sequence[int]) -> float:
        """Height after a set of fixes."""
        return self.height - sum(self.value[k] for k in chosen)


class Ties:
    """The best of the sets of one cost that reach a target: what both kinds of search share.

    Parameters
    ----------
    fixes : Fixes
    costs : sequence of float
        By fix; may be zero.
    met : callable
        Whether a set reaches the target, exactly; more fixes never undo it.
    best : sequence of int
        A set that does, at the least cost.
    premium : Ends
        Of the premium in USD, before cap, minimum and rounding.
    work : int
        Most branches.
    """

    def __init__(
        self,
        fixes: Fixes,
        costs: Sequence[float],
        met: Callable[[Sequence[int]], bool],
        best: Sequence[int],
        premium: Ends,
        *,
        work: int,
    ) -> None:
        self.fixes, self.costs, self.met, self.premium, self.work = fixes, costs, met, premium, work
        self.sure = [math.log(SOURCES[fix.observation.source].favourable) for fix in fixes.fixes]
        self.best = self.key(best)
        self.lowest = fixes.after(range(len(fixes.fixes))).figures.premium
        self.nodes = 0
        self.premium_cuts = [premium.cut(best)]

    def key(self, chosen: Sequence[int]) -> Key:
        """Place of a set among those of one cost."""
        sureness = round(math.fsum(self.sure[k] for k in chosen), 12)
        return self.fixes.after(chosen).figures.premium, -sureness, tuple(sorted(chosen))

    def count(self) -> None:
        """Count a branch."""
        self.nodes += 1
        if self.nodes > self.work:
            raise _OutOfWork

    def offer(self, chosen: Sequence[int]) -> None:
        """Take a set that reaches the target if it is better and nothing in it is needless."""
        key = self.key(chosen)
        if key < self.best and not any(
            self.costs[k] == 0.0 and self.met([one for one in chosen if one != k]) for k in chosen
        ):
            self.best = key
        if len(self.premium_cuts) < _MOST_CUTS:
            self.premium_cuts.append(self.premium.cut(chosen))

    def log_premium(self, units: float) -> float:
        """Log of the best premium yet and some minor units, in USD."""
        terms = self.fixes.settled.terms
        if units > 0.0 and terms.renewal_high is not None and self.best[0] >= terms.shown(terms.renewal_high):
            return math.inf  # any premium comes down to what the renewal cap allows
        amount = (self.best[0] + units * 10.0**-terms.decimals) / terms.conversion
        return math.log(amount) + _SLACK if amount > 0.0 else -math.inf

    def may_save(self, low: float) -> tuple[bool, bool]:
        """Whether a log premium of at least `low` may come to the best yet, and whether to less."""
        return low <= self.log_premium(0.5), self.best[0] > self.lowest and low <= self.log_premium(-0.5)


class TiesOfFigures(Ties):
    """Ties of a score or a premium: any fixes, within the budget."""

    def settle(self, allowed: Sequence[int], figure: Ends, log_bound: float) -> tuple[list[int], bool]:
        """Return the best set, and whether that is proven; `figure` must come to `log_bound` or less."""
        self.figure, self.log_bound = figure, log_bound + _SLACK
        self.cuts = [figure.cut(chosen) for chosen in ((), self.best[2])]
        budget = math.fsum(self.costs[k] for k in self.best[2])
        budget += _SLACK * max(1.0, budget)
        self.tied, self.last = False, False
        worth = self.premium_cuts[0].value
        orders = [sorted(allowed, key=lambda k: (-_ratio(worth[k], self.costs[k]), k)), sorted(allowed)]
        try:
            for self.order in orders:
                self.surest: dict[int, list[float]] = {}
                self.dearest: dict[int, float] = {}
                for cut in (*self.cuts, *self.premium_cuts):
                    cut.rests.clear()
                self._walk(0, [], budget)
                if not self.tied:  # no branch was left that might have been as good
                    break
                self.last = True
        except _OutOfWork:
            return list(self.best[2]), False
        except _Found:
            pass
        return list(self.best[2]), True

    def _walk(self, first: int, chosen: list[int], left: float) -> None:
        self.count()
        if all(cut.after(chosen) <= self.log_bound for cut in self.cuts):
            if self.met(chosen):
                self.offer(chosen)
                return
            if len(self.cuts) < _MOST_CUTS:
                self.cuts.append(self.figure.cut(chosen))
        sure, cuts = sum(self.sure[k] for k in chosen), -1
        for place in range(first, len(self.order)):
            if cuts != len(self.cuts) + len(self.premium_cuts):  # branches add some
                cuts = len(self.cuts) + len(self.premium_cuts)
                figure = [(cut, cut.after(chosen) - self.log_bound) for cut in self.cuts]
                premium = [(cut, cut.after(chosen)) for cut in self.premium_cuts]
            if any(excess > self._rest(cut, place, left) for cut, excess in figure):
                return
            low = max(height - self._rest(cut, place, left) for cut, height in premium)
            if not self._may(low, sure, place, left):
                return
            k = self.order[place]
            if self.costs[k] <= left:
                self._walk(place + 1, [*chosen, k], left - self.costs[k])

    def offer(self, chosen: Sequence[int]) -> None:
        """Take a better set; on the last walk, which is in the catalogue's order, the first that is as good."""
        before = self.best
        super().offer(chosen)
        if self.last and self.key(chosen)[:2] == before[:2] and self.best[2] == tuple(sorted(chosen)):
            raise _Found

    def _may(self, low: float, sure: float, place: int, left: float) -> bool:
        """Whether a branch may better the best set yet; `low` and `sure` are of its premium and of its fixes so far."""
        as_low, lower = self.may_save(low)
        if lower or not as_low:
            return lower
        lacking = -round(sure + self._surest(place, left), 12)
        if lacking == self.best[1]:
            self.tied = True
        return lacking <= self.best[1] if self.last else lacking < self.best[1]

    def _rest(self, cut: _Cut, place: int, left: float) -> float:
        """Most that a budget buys of a cut from a place on, when the last fix may be taken in part."""
        if place not in cut.rests:
            rest = sorted(self.order[place:], key=lambda k: -_ratio(cut.value[k], self.costs[k]))
            cut.rests[place] = (
                list(accumulate((self.costs[k] for k in rest), initial=0.0)),
                list(accumulate((cut.value[k] for k in rest), initial=0.0)),
            )
        costs, values = cut.rests[place]
        reached = bisect_right(costs, left) - 1
        if reached + 1 == len(costs):
            return values[-1]
        part = (left - costs[reached]) / (costs[reached + 1] - costs[reached])
        return values[reached] + part * (values[reached + 1] - values[reached])

    def _surest(self, place: int, left: float) -> float:
        """Sureness of what is left, at most: the budget is spent to the end, so that so many fixes are still needed."""
        if place not in self.surest:
            rest = sorted((self.sure[k] for k in self.order[place:]), reverse=True)
            self.surest[place] = list(accumulate(rest, initial=0.0))
            self.dearest[place] = max((self.costs[k] for k in self.order[place:]), default=0.0)
        dearest, sums = self.dearest[place], self.surest[place]
        fewest = max(1, math.ceil(left / dearest - 1e-6)) if dearest > 0.0 else 1
        return sums[min(fewest, len(sums) - 1)]


class TiesOfRules(Ties):
    """Ties of a decision: one of the sets that satisfy each group of rules, for every group."""

    def settle(self, groups: Sequence[Sequence[tuple[int, ...]]]) -> tuple[list[int], bool]:
        """Return the best set, and whether that is proven; `groups` hold the sets to choose from."""
        self.groups = [sorted(options) for options in groups]
        try:
            self._walk(0, ())
        except _OutOfWork:
            return list(self.best[2]), False
        return list(self.best[2]), True

    def _walk(self, place: int, chosen: tuple[int, ...]) -> None:
        self.count()
        rest = self.groups[place:]
        if not rest:
            if self.met(chosen):
                self.offer(chosen)
            return
        low = max(
            cut.after(chosen) - sum(max(sum(cut.value[k] for k in option) for option in options) for options in rest)
            for cut in self.premium_cuts
        )
        as_low, lower = self.may_save(low)
        if not lower:
            most = sum(max(sum(self.sure[k] for k in option) for option in options) for options in rest)
            lacking = -round(sum(self.sure[k] for k in chosen) + most, 12)
            # the first of each group together come before any other choice
            first = tuple(sorted((*chosen, *(k for options in rest for k in options[0]))))
            if not as_low or (lacking, first) >= self.best[1:]:
                return
        for option in rest[0]:
            self._walk(place + 1, (*chosen, *option))


def _ratio(value: float, cost: float) -> float:
    return value / cost if cost > 0.0 else math.inf
