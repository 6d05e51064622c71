"""Fixes still open to a firm, and the quote after any set of them: the caller is the search for a path.

A fix brings one signal to its target, seen by its best source. Sets of fixes add up in log rates and severities, but
for pairs of factors that meet, whose corrections are worked out once.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from cyberscore.profile import Observation, Posture, Signal, signals
from cyberscore.profile.evidence import Mixture, mixture_at
from cyberscore.quoting.advice import Advice
from cyberscore.quoting.figures import (
    ClaimCosts,
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    priced,
    rates_and_locations,
    score_of,
)
from cyberscore.quoting.figures import standard_costs as costs_in_standard_layer
from cyberscore.quoting.improvements import advice_on, observation_at_best
from cyberscore.quoting.terms import make_lookup, signal_value
from cyberscore.rating.expected_loss import factor_change
from cyberscore.rating.parts import N_PERILS, WIDTH, Floats
from cyberscore.rules import Finding, Rule, evaluate


@dataclass(frozen=True, slots=True)
class Fix:
    """One signal brought to its target."""

    about: Signal
    position: int
    observation: Observation
    plain: Mapping[str, Any]
    mixture: Mixture
    value: Any


def open_fixes(firm: Firm, posture: Posture, denied: Collection[str] = ()) -> tuple[Fix, ...]:
    """Signals that are not at their target as their best source would show it, in catalogue order.

    `denied` are digests of findings that the insured says are not so.
    """
    day, found = firm.as_of.toordinal(), []
    for position, about in enumerate(signals().values()):
        if about.target is None:
            continue
        observation, plain = observation_at_best(posture, position, about, denied)
        evidence = (*posture.evidence[position], observation.prepared)
        mixture = mixture_at(about, evidence, day)
        if mixture != posture.mixtures[position]:
            found.append(Fix(about, position, observation, plain, mixture, signal_value(about, evidence, day)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class After:
    """The quote after a set of fixes, as far as a path needs it."""

    score: float
    figures: Figures


@dataclass(frozen=True, slots=True)
class Fixes:
    """A firm under a cover, its open fixes, and what each does.

    Attributes
    ----------
    changes : (fixes, WIDTH)
        Change of the table sums by each fix alone.
    pairs : dict of (fix, fix) to (WIDTH,)
        What is to be added when both are made.
    movers : frozenset
        Fixes that change severity.
    findings, costs, seen : dict
        What was worked out before, by the fixes it depends on.
    """

    firm: Firm
    settled: SettledCover
    standing: Standing
    denied: Collection[str]
    fixes: tuple[Fix, ...]
    changes: Floats
    pairs: Mapping[tuple[int, int], Floats]
    movers: frozenset[int]
    findings: dict[frozenset[int], tuple[Finding, ...]] = field(default_factory=dict)
    costs: dict[frozenset[int], tuple[ClaimCosts, list[float]]] = field(default_factory=dict)
    seen: dict[frozenset[int], After] = field(default_factory=dict)

    @classmethod
    def of(cls, firm: Firm, settled: SettledCover, standing: Standing, denied: Collection[str] = ()) -> "Fixes":
        """Gather the fixes of a firm."""
        fixes, plan, old = open_fixes(firm, standing.posture, denied), firm.plan, standing.risk.mixtures
        changes = np.zeros((len(fixes), WIDTH))
        for k, fix in enumerate(fixes):
            changes[k] = factor_change(plan, fix.position, fix.mixture, old[fix.position], old)
        meeting = {frozenset((a, b)) for a, b, _, _ in plan.pair_index}
        pairs = {}
        for (i, first), (j, second) in combinations(enumerate(fixes), 2):
            if frozenset((first.position, second.position)) in meeting:
                moved = list(old)
                moved[first.position] = first.mixture
                both = factor_change(plan, second.position, second.mixture, old[second.position], moved)
                pairs[i, j] = both - changes[j]
        movers = {k for k, change in enumerate(changes) if change[N_PERILS:].any()}
        movers |= {k for pair, more in pairs.items() if more[N_PERILS:].any() for k in pair}
        return cls(firm, settled, standing, denied, fixes, changes, pairs, frozenset(movers))

    def advice(self, k: int) -> Advice:
        """Return what to do or to show for one fix."""
        fix = self.fixes[k]
        return advice_on(self.standing.posture, fix.position, fix.about, self.denied)

    def after(self, chosen: Iterable[int]) -> After:
        """Return the quote after a set of fixes."""
        key = frozenset(chosen)
        found = self.seen.get(key)
        if found is None:
            found = self.seen[key] = self._after(key)
        return found

    def _after(self, chosen: frozenset[int]) -> After:
        firm, standing = self.firm, self.standing
        change = self.changes[sorted(chosen)].sum(axis=0)
        for (i, j), more in self.pairs.items():
            if i in chosen and j in chosen:
                change = change + more
        rates, locations = rates_and_locations((standing.risk.total + change).tolist())
        moved = chosen & self.movers
        if moved not in self.costs:
            self.costs[moved] = claim_costs(firm, self.settled, locations), costs_in_standard_layer(firm, locations)
        costs, standard = self.costs[moved]
        figures = priced(self.settled, rates, costs, self.findings_after(chosen))
        return After(score_of(firm, rates, standard), figures)

    def findings_after(self, chosen: Iterable[int]) -> tuple[Finding, ...]:
        """Apply the rules on posture after a set of fixes."""
        key = frozenset(k for k in chosen if self.fixes[k].about.name in self.standing.values)
        found = self.findings.get(key)
        if found is None:
            found = tuple(self.evaluated(self.firm.plan.rules.posture_rules, key))
            self.findings[key] = found
        return found

    def evaluated(self, rules: Iterable[Rule], chosen: Iterable[int]) -> list[Finding]:
        """Apply some rules on posture after a set of fixes."""
        values = {**self.standing.values, **{self.fixes[k].about.name: self.fixes[k].value for k in chosen}}
        lookup = make_lookup(self.firm.fields, self.settled.cover, values)
        return [evaluate(rule, lookup) for rule in rules]
