"""The search behind a path: which fixes reach a target at least cost, and the proof. The caller is `path_to`.

How it is known to be optimal: more fixes never raise the score or the premium nor worsen the decision, so the sets
that reach a target are closed upwards. A score or premium target is searched by `CheapestSet`, which needs a bound from
below that is a sum of exponentials: the expected loss is one in the log rates; severities enter by the steepest chord
of their log cost, an aggregate limit by a plane below the concave premium, debits of rules by the most each can fall.
A decision depends on the rules alone: their fixes are tried set by set, cheapest first, apart for rules that share
none. Every set that is returned was priced exactly.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, product

import numpy as np

from cyberscore.quoting.cheapest_set import CheapestSet
from cyberscore.quoting.figures import claim_costs, standard_costs
from cyberscore.quoting.fixes import After, Fixes
from cyberscore.quoting.path_ties import Ends, TiesOfFigures, TiesOfRules
from cyberscore.quoting.targets import Target
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.score import CENTRE, POINTS_PER_DOUBLING
from cyberscore.rules import DECISIONS, Finding, Rule, decision_of, rate_percent

_GRID = 33
"""Points at which a chord of log severity is looked for; the steepest is taken a thousandth steeper."""


class Search:
    """One search: what may be mended, at what cost, until what is met."""

    def __init__(
        self, fixes: Fixes, target: Target, allowed: list[int], costs: list[float], *, whole: bool, work: int
    ) -> None:
        self.fixes, self.target, self.allowed, self.costs = fixes, target, allowed, costs
        self.whole, self.work = whole, work
        self.best_of_ties = False
        """Once run: whether it is proven that no set of the same cost that reaches the target is better."""

    def met(self, chosen: Sequence[int]) -> bool:
        """Whether the target is met after a set of fixes."""
        after = self.fixes.after(chosen)
        figures = after.figures
        return self.target.met(
            self.fixes.firm.plan, score=after.score, premium=figures.premium, decision=figures.decision
        )

    def run(self) -> tuple[list[int], float, bool]:
        """Return the fixes to make, a lower bound of their cost, and whether it is proven that none cost less.

        Of the sets that cost the same, it is the best (see `path_ties`), if `best_of_ties`.
        """
        chosen, lower, proven = self._cheapest()
        if proven and lower < math.inf:
            chosen, self.best_of_ties = self._best_of_ties(chosen)
        return chosen, lower, proven

    def _best_of_ties(self, chosen: list[int]) -> tuple[list[int], bool]:
        if not chosen:
            return chosen, True
        lowest = Target.premium(self.fixes.after(chosen).figures.premium)
        *ends, _ = premium_bound(self.fixes, lowest, self.allowed)
        args = (self.fixes, self.costs, self.met, chosen, Ends.of(*ends))
        if self.target.kind == "decision":
            options, whole = self._cheapest_options(self._groups([], self.allowed))
            best, proven = TiesOfRules(*args, work=self.work // 2).settle(options)
            return best, proven and whole
        bound = score_bound if self.target.kind == "score" else premium_bound
        *figure, log_bound = bound(self.fixes, self.target, self.allowed)
        return TiesOfFigures(*args, work=self.work // 2).settle(self.allowed, Ends.of(*figure), log_bound)

    def _cheapest_options(
        self, groups: Iterable[tuple[list[Rule], list[int]]]
    ) -> tuple[list[list[tuple[int, ...]]], bool]:
        """Return, by group of rules, the sets that satisfy it at the least cost, none with a needless fix; if all."""
        found: list[list[tuple[int, ...]]] = []
        left = self.work
        for rules, mine in groups:
            options: list[tuple[int, ...]] = []
            least = math.inf
            for cost, chosen in _by_cost(mine, self.costs):
                left -= 1
                if left < 0 and options:
                    return [*found, options], False
                if cost > least + 1e-9 * max(1.0, least):
                    break
                if any(set(option) <= set(chosen) for option in options):
                    continue
                if self.allows(self.fixes.evaluated(rules, chosen)):
                    least = min(least, cost)
                    options = [option for option in options if not set(chosen) <= set(option)]
                    options.append(tuple(sorted(chosen)))
            found.append(options)
        return found, True

    def _cheapest(self) -> tuple[list[int], float, bool]:
        free = [k for k in self.allowed if self.costs[k] == 0.0]
        if self.met(()):
            return [], 0.0, True
        if not self.met(self.allowed):
            return self._all_that_help(), math.inf, True
        if self.met(free):
            return self._needed(free), 0.0, True
        dear = [k for k in self.allowed if self.costs[k] > 0.0]
        found, lower, proven = (self._by_rules if self.target.kind == "decision" else self._by_figures)(free, dear)
        chosen = self._needed([*free, *found])
        return chosen, math.fsum(self.costs[k] for k in chosen) if proven else lower, proven

    def _needed(self, chosen: list[int]) -> list[int]:
        """Leave out whatever is not needed, dearest first."""
        for k in sorted(chosen, key=lambda k: (-self.costs[k], -k)):
            fewer = [one for one in chosen if one != k]
            if self.met(fewer):
                chosen = fewer
        return chosen

    def _all_that_help(self) -> list[int]:
        """Leave out fixes without which the best that can be had is just as good."""
        chosen, best = list(self.allowed), self.place(self.fixes.after(self.allowed))
        for k in sorted(chosen, key=lambda k: (-self.costs[k], -k)):
            fewer = [one for one in chosen if one != k]
            if self.place(self.fixes.after(fewer)) <= best:
                chosen = fewer
        return chosen

    def place(self, after: After) -> tuple[float, ...]:
        """Order of quotes by what the target looks at; the less the better."""
        figures = after.figures
        if self.target.kind == "score":
            return (round(after.score, 9),)
        if self.target.kind == "premium":
            return (figures.premium, round(figures.uncapped, 6))
        standing_in_the_way = sum(not self.allows([one]) for one in figures.findings)
        return (DECISIONS.index(figures.decision), standing_in_the_way)

    # decisions

    def _by_rules(self, free: list[int], dear: list[int]) -> tuple[list[int], float, bool]:
        found: list[int] = []
        lower, proven, left = 0.0, True, self.work
        for rules, mine in self._groups(free, dear):
            for tried, (cost, chosen) in enumerate(_by_cost(mine, self.costs)):
                if tried >= left:
                    found += mine
                    lower, proven, left = lower + cost, False, 0
                    break
                if self.allows(self.fixes.evaluated(rules, [*free, *chosen])):
                    found += chosen
                    lower, left = lower + cost, left - tried
                    break
        return found, lower, proven

    def _groups(self, free: list[int], dear: list[int]) -> Iterator[tuple[list[Rule], list[int]]]:
        """Rules that stand in the way after the free fixes, together when they share a fix, and their fixes."""
        groups: list[tuple[list[Rule], set[int]]] = []
        for finding in self.fixes.findings_after(free):
            if self.allows([finding]):
                continue
            rules, mine = [finding.rule], {k for k in dear if self.fixes.fixes[k].about.name in finding.rule.signals}
            for other in [one for one in groups if one[1] & mine]:
                rules, mine = rules + other[0], mine | other[1]
                groups.remove(other)
            groups.append((rules, mine))
        return ((rules, sorted(mine)) for rules, mine in groups)

    def allows(self, findings: Sequence[Finding]) -> bool:
        """Whether findings leave the decision that is wanted."""
        return DECISIONS.index(decision_of(list(findings))) <= self.target.at_most

    # scores and premiums

    def _by_figures(self, free: list[int], dear: list[int]) -> tuple[list[int], float, bool]:
        of_score = self.target.kind == "score"
        start, falls, log_bound = (score_bound if of_score else premium_bound)(self.fixes, self.target, self.allowed)
        base = start + falls[free].sum(axis=0)
        found = CheapestSet(
            base.tolist(),
            falls[dear].tolist(),
            [self.costs[k] for k in dear],
            log_bound=log_bound,
            admissible=lambda chosen: self.met([*free, *(dear[k] for k in chosen)]),
            whole=self.whole,
            work=self.work,
        ).solve()
        return [dear[k] for k in found.chosen], found.lower_bound, found.proven


def _by_cost(items: Sequence[int], costs: Sequence[float]) -> Iterator[tuple[float, list[int]]]:
    """Every subset, the cheapest first."""
    yield 0.0, []
    order = sorted(items, key=lambda k: costs[k])
    if not order:
        return
    ticket = count()
    heap: list[tuple[float, int, int, tuple[int, ...]]] = [(costs[order[0]], next(ticket), 0, (0,))]
    while heap:
        cost, _, last, places = heapq.heappop(heap)
        yield cost, [order[p] for p in places]
        if last + 1 < len(order):
            more = costs[order[last + 1]]
            heapq.heappush(heap, (cost + more, next(ticket), last + 1, (*places, last + 1)))
            swapped = cost + more - costs[order[last]]
            heapq.heappush(heap, (swapped, next(ticket), last + 1, (*places[:-1], last + 1)))


def _falls(
    fixes: Fixes, allowed: Sequence[int], costs: Sequence[float], costs_at: Callable[[list[float]], Sequence[float]]
) -> Floats:
    """Falls of the log pure premium by peril of each fix, never too small in all of any set, (fixes, perils)."""
    changes = np.minimum(fixes.changes, 0.0)
    for (i, j), more in fixes.pairs.items():
        for k in (i, j):  # half of what both together bring goes to each
            changes[k] += 0.5 * np.minimum(more, 0.0)
    rates, moves = changes[:, :N_PERILS], changes[:, N_PERILS:]
    depth = moves[list(allowed)].sum(axis=0)
    slope = np.zeros(N_PERILS)
    if depth.any():
        here, now = np.array(fixes.standing.locations), np.array(costs)
        for share in np.linspace(0.0, 1.0, _GRID)[1:]:
            there = np.array(costs_at((here + share * depth).tolist()))
            with np.errstate(divide="ignore", invalid="ignore"):
                chord = np.log(there / now) / (share * depth)
            slope = np.maximum(slope, np.where(np.isfinite(chord), chord, 0.0))
    return rates + 1.001 * slope * moves


def score_bound(fixes: Fixes, target: Target, allowed: Sequence[int]) -> tuple[Floats, Floats, float]:
    """Bound the expected loss in the standard layer from below: exponents, falls by fix, log of the most allowed."""
    firm, standing = fixes.firm, fixes.standing
    falls = _falls(fixes, allowed, standing.standard_costs, lambda locations: standard_costs(firm, locations))
    loss = np.array(standing.rates) * np.array(standing.standard_costs)
    kept = loss > 0.0
    doublings = (target.score_bound(firm.plan) - CENTRE) / POINTS_PER_DOUBLING
    return np.log(loss[kept]), falls[:, kept], math.log(firm.reference_loss) + doublings * math.log(2.0)


def premium_bound(fixes: Fixes, target: Target, allowed: Sequence[int]) -> tuple[Floats, Floats, float]:
    """Bound the premium before cap, minimum and rounding likewise; half a minor unit above the target is allowed.

    The bound is in USD, the target in the currency of the cover.
    """
    settled, now = fixes.settled, fixes.after(()).figures
    terms = settled.terms
    falls = _falls(fixes, allowed, now.costs, lambda locations: claim_costs(fixes.firm, settled, locations))
    pure, lowest = np.array(now.pure), np.array(fixes.after(allowed).figures.pure)
    # the technical premium is concave in the pure premiums: a plane below it at the corners is below it within
    corners = [np.where(pick, pure, lowest) for pick in product((True, False), repeat=N_PERILS)]
    heights = [terms.technical(corner.tolist()) for corner in corners]
    plane = np.zeros(N_PERILS)
    for k in range(N_PERILS):
        upper = lowest.copy()
        upper[k] = pure[k]
        if pure[k] > lowest[k]:
            plane[k] = (terms.technical(upper.tolist()) - terms.technical(lowest.tolist())) / (pure[k] - lowest[k])
    constant = min(height - float(plane @ corner) for height, corner in zip(heights, corners, strict=True))
    if constant <= 0.0:
        plane *= min(height / float(plane @ corner) for height, corner in zip(heights, corners, strict=True))
    factor, relief = _schedule_falls(fixes, allowed)
    columns = [math.log(p * b * factor) for p, b in zip(pure, plane, strict=True) if p * b > 0.0]
    kept = pure * plane > 0.0
    falls = falls[:, kept] - relief[:, None]
    if constant > 0.0:
        columns.append(math.log(constant * factor))
        falls = np.column_stack([falls, -relief])
    return np.array(columns), falls, math.log((target.at_most + 0.5 * 10.0**-terms.decimals) / terms.conversion)


def _schedule_falls(fixes: Fixes, allowed: Sequence[int]) -> tuple[float, Floats]:
    """Index and schedule as they stand, and the most that each fix can take off the log of the schedule."""
    terms, now = fixes.settled.terms, fixes.after(()).figures
    drops = np.zeros(len(fixes.fixes))
    for finding in fixes.findings_after(()):
        rule = finding.rule
        percents = [
            sum(action.percent or 0.0 for action in actions if action.type == "rate")
            for actions in (rule.on_pass, rule.on_unknown, rule.on_fail)
        ]
        drop = rate_percent([finding]) - min(percents)
        for k in allowed:
            if fixes.fixes[k].about.name in rule.signals:
                drops[k] += max(drop, 0.0)
    total = float(drops.sum())
    factor = terms.uncapped(1.0, now.percent)
    slope = 0.0
    for step in range(1, 201) if total > 0.0 else ():
        fall = total * step / 200
        slope = max(slope, math.log(factor / terms.uncapped(1.0, now.percent - fall)) / fall)
    return factor, 1.01 * slope * drops
