"""The path to a target: the smallest or cheapest set of fixes that reaches it, best first. Callers are apps."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cyberscore.exceptions import TargetError
from cyberscore.money import written
from cyberscore.profile import Profile, posture_at, signal
from cyberscore.profile.disputes import denied_at
from cyberscore.profile.problems import short
from cyberscore.quoting.advice import Advice
from cyberscore.quoting.engine import quote, subjectivities_of
from cyberscore.quoting.figures import Firm, Standing, settle
from cyberscore.quoting.fixes import After, Fixes
from cyberscore.quoting.path_search import Search
from cyberscore.quoting.quote import Subjectivity
from cyberscore.quoting.targets import Target
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import band, clipped

WORK = 20_000
"""Most nodes that a search looks at; it then says that it proved no optimum."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One fix of a path, and the quote once it and all before it are made. Amounts in the quote's currency.

    `kind` and `action` tell what to do or, where it is said to be done, what to show (see `Improvement`).
    `points` and `saving` are against the step before; `cost` is what the caller gave; `return_on_cost` is the saving of
    one year over the cost, `payback_years` the inverse (None without a cost or a saving). `subjectivities` are the
    conditions left after it; `subjectivities_met` those of the step before that it meets, `subjectivities_added` what
    takes their place.
    """

    signal: str
    advice: Advice
    observation: Mapping[str, Any]
    risk_score: float
    band: str
    points: float
    indicative_premium: float
    saving: float
    decision: str
    subjectivities: tuple[Subjectivity, ...]
    subjectivities_met: tuple[Subjectivity, ...]
    subjectivities_added: tuple[Subjectivity, ...]
    cost: float | None
    return_on_cost: float | None
    payback_years: float | None

    @property
    def kind(self) -> str:
        """One of "do", "show", "renew" and "widen"."""
        return self.advice.kind

    @property
    def action(self) -> str:
        """What to do or to show, in English."""
        return self.advice.told()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        rest = {name: getattr(self, name) for name in self.__slots__ if name not in {"signal", "advice"}}
        return {
            "signal": self.signal,
            **self.advice.to_dict(),
            **rest,
            "observation": dict(self.observation),
            **{name: _plain(getattr(self, name)) for name in self.__slots__ if name.startswith("subjectivities")},
        }


@dataclass(frozen=True, slots=True)
class PathToTarget:
    """A path to a target.

    Attributes
    ----------
    target : str
    reached : bool
        Whether the steps reach it. If not, they are all fixes that help, and the last step is the best that can be had.
    optimal : bool
        Whether it was proven that no smaller set (with costs: no cheaper one) reaches the target, or that none does.
    best_of_ties : bool
        Whether it was proven too that no other set as small (as cheap) that reaches it saves more, or as much on surer
        evidence.
    lower_bound : float or None
        No set smaller (cheaper) than this reaches it; `gap` is what lies between. None when no set does.
    steps : tuple of PathStep
    total_cost : float or None
        Of all steps; None without costs.
    without_cost : tuple of str
        Signals that could be mended but for which no cost was given: not looked at.
    risk_score, band, indicative_premium, decision, subjectivities
        Before the first step.
    currency : str
        Of every amount here, the target's and the costs' too: that of the cover.
    why : str
        Why the target cannot be reached; empty when it is.
    """

    target: str
    reached: bool
    optimal: bool
    best_of_ties: bool
    lower_bound: float | None
    steps: tuple[PathStep, ...]
    total_cost: float | None
    without_cost: tuple[str, ...]
    risk_score: float
    band: str
    indicative_premium: float
    currency: str
    decision: str
    subjectivities: tuple[Subjectivity, ...]
    why: str

    @property
    def subjectivities_left(self) -> tuple[Subjectivity, ...]:
        """Conditions after the last step."""
        return self.steps[-1].subjectivities if self.steps else self.subjectivities

    @property
    def gap(self) -> float:
        """Cost (or number of fixes) of the path less the lower bound; 0 when it is optimal."""
        if self.optimal or self.lower_bound is None:
            return 0.0
        return (len(self.steps) if self.total_cost is None else self.total_cost) - self.lower_bound

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            **plain,
            "gap": self.gap,
            "steps": [step.to_dict() for step in self.steps],
            "subjectivities": _plain(self.subjectivities),
            "subjectivities_left": _plain(self.subjectivities_left),
        }


def _plain(conditions: tuple[Subjectivity, ...]) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in one.__slots__} for one in conditions]


def path_to(
    profile: Profile,
    target: Target | str,
    coverage: Coverage | None = None,
    *,
    as_of: date,
    costs: Mapping[str, float] | None = None,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
    work: int = WORK,
) -> PathToTarget:
    """Find the smallest set of fixes that reaches a target or, with costs, the cheapest.

    Of sets as small, or as cheap, it is the one that saves most premium; of those, the one whose evidence is the
    surest (the product of what its sources weigh); of those, the first in the order of the catalogue.

    A fix brings one signal to its target, seen by its best source. Steps are ordered greedily: each next one moves the
    target's figure most (per cost, when costs are given; those that cost nothing first).

    Parameters
    ----------
    profile : Profile
    target : Target or str
        ``Target.band("B")``, ``Target.premium(1200)``, ``Target.score(45)``, ``Target.no_referral()``,
        ``Target.no_conditions()``, or text: ``"band:B"``, ``"premium:1200"``, ``"no-referral"``.
    coverage, as_of, plan, exchange_rate, exchange_rate_is_meant
        As `quote`.
    costs : mapping of signal to float, optional
        What each fix costs, in the quote's currency. Fixes without one are left out; 0 is a fix that costs nothing.
    work : int
        Most nodes of the search; beyond, `optimal` is False and `lower_bound` says how far it may be off. Half as many
        again for the choice among sets that cost the same; beyond, `best_of_ties` is False.

    Returns
    -------
    PathToTarget

    Raises
    ------
    TargetError
        When the target or a cost makes no sense.
    ProfileError, CoverageError, PlanError
        As `quote`.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> path = cyberscore.path_to(cyberscore.example("dental_clinic"), "band:A", as_of=date(2026, 11, 23))
    >>> path.reached, path.optimal
    (True, True)
    """
    wanted = Target.parse(target) if isinstance(target, str) else target
    if not isinstance(wanted, Target):
        raise TargetError(f"target must be a cyberscore.Target or text such as band:B; got {short(target)}")
    # refuses whatever `quote` refuses, in its words
    now = quote(
        profile,
        coverage,
        as_of=as_of,
        plan=plan,
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
    )
    plan = load_plan() if plan is None else plan
    requested = cover_asked(coverage, profile.insured.currency)
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate, exchange_rate_is_meant=exchange_rate_is_meant)
    standing = Standing.of(firm, posture_at(profile, as_of))
    fixes = Fixes.of(firm, settle(firm, requested), standing, denied_at(profile.disputes, as_of))
    names = [fix.about.name for fix in fixes.fixes]
    prices = None if costs is None else _checked_costs(costs)
    allowed = [k for k, name in enumerate(names) if prices is None or name in prices]
    cost_of = [1.0 if prices is None else prices.get(name, 0.0) for name in names]
    search = Search(fixes, wanted, allowed, cost_of, whole=prices is None, work=work)
    chosen, lower, proven = search.run()
    reached = search.met(chosen)
    steps = tuple(_steps(search, chosen, None if prices is None else cost_of))
    return PathToTarget(
        target=wanted.told(now.currency),
        reached=reached,
        optimal=proven,
        best_of_ties=search.best_of_ties,
        lower_bound=lower if reached else None,
        steps=steps,
        total_cost=None if prices is None else math.fsum(cost_of[k] for k in chosen),
        without_cost=tuple(name for k, name in enumerate(names) if k not in set(allowed)),
        risk_score=now.risk_score,
        band=now.band,
        indicative_premium=now.indicative_premium,
        currency=now.currency,
        decision=now.decision,
        subjectivities=now.subjectivities,
        why="" if reached else _why(search, fixes.after(chosen)),
    )


def _checked_costs(costs: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(costs, Mapping):
        raise TargetError(f"costs must be a mapping of signals to amounts; got {short(costs)}")
    for name, cost in costs.items():
        if signal(name).target is None:
            raise TargetError(f"{name} has no target: there is nothing to mend that could cost something")
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost <= 1e12:
            raise TargetError(f"the cost of {name} must be a number between 0 and 1e12; got {short(cost)}")
    return {name: float(cost) for name, cost in costs.items()}


def _steps(search: Search, chosen: list[int], costs: list[float] | None) -> Iterator[PathStep]:
    fixes, left, made = search.fixes, sorted(chosen), list[int]()
    now = fixes.after(())
    while left:
        best = min(left, key=lambda k: (_worth(search, now, fixes.after([*made, k]), k), k))
        left.remove(best)
        made.append(best)
        after = fixes.after(made)
        yield _step(fixes, best, now, after, None if costs is None else costs[best])
        now = after


def _worth(search: Search, now: After, after: After, k: int) -> tuple[float, ...]:
    """Order of next steps: what it does for the target by its cost, then the premium by its cost, the least first."""
    cost = search.costs[k]
    gains = [a - b for a, b in zip(search.place(after), search.place(now), strict=True)]
    gains.append(after.figures.uncapped - now.figures.uncapped)
    return tuple(gain / cost if cost > 0.0 else (-math.inf if gain < 0.0 else 0.0) for gain in gains)


def _step(fixes: Fixes, k: int, now: After, after: After, cost: float | None) -> PathStep:
    fix, figures = fixes.fixes[k], after.figures
    saving = round(now.figures.premium - figures.premium, 3)
    before, left = (_conditions(fixes, one) for one in (now, after))
    return PathStep(
        signal=fix.about.name,
        advice=fixes.advice(k),
        observation=dict(fix.plain),
        risk_score=clipped(after.score),
        band=band(fixes.firm.plan, after.score),
        points=clipped(after.score) - clipped(now.score),
        indicative_premium=figures.premium,
        saving=saving,
        decision=figures.decision,
        subjectivities=left,
        subjectivities_met=tuple(one for one in before if one not in left),
        subjectivities_added=tuple(one for one in left if one not in before),
        cost=cost,
        return_on_cost=saving / cost if cost else None,
        payback_years=cost / saving if cost is not None and saving > 0.0 else None,
    )


def _conditions(fixes: Fixes, after: After) -> tuple[Subjectivity, ...]:
    findings = sorted(after.figures.findings, key=lambda finding: finding.rule.stage)
    return subjectivities_of(findings, fixes.settled.money)


def _why(search: Search, best: After) -> str:
    figures, settled = best.figures, search.fixes.settled
    if search.target.kind == "score":
        return f"with every fix the risk score is {clipped(best.score):.1f}"
    if search.target.kind == "decision":
        rules = [f.rule for f in figures.findings if not search.allows([f])]
        ways = "; ".join(f"{rule.id} ({settled.money.text(rule.sentence).rstrip('.')})" for rule in rules)
        return f"with every fix the decision is still {figures.decision.replace('_', ' ')}, by {ways}"
    currency = settled.requested.currency
    told = f"with every fix the premium is {written(figures.premium, currency)} {currency}"
    terms = settled.terms
    if figures.premium == terms.shown(terms.minimum):
        return f"{told}, the minimum premium"
    if terms.renewal_low is not None and figures.premium == terms.shown(terms.renewal_low):
        return f"{told}, the lowest that the renewal cap allows"
    return told
