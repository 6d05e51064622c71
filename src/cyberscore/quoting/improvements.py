"""What would help: for every signal that could be better, the score and premium once it is.

Both are recomputed from the tables.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from cyberscore.profile import Observation, Posture, Signal, signals
from cyberscore.profile.evidence import SOURCES, mixture_at
from cyberscore.quoting.terms import make_lookup, signal_value
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.expected_loss import RatedRisk, factor_change, layer_costs
from cyberscore.rating.parts import N_PERILS
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rating.score import clipped, unclipped_score
from cyberscore.rules import DECISIONS, Finding, decision_of, evaluate, rate_percent


@dataclass(frozen=True, slots=True)
class Improvement:
    """One thing to mend: what to do, the observation that would show it, and the quote after it (USD)."""

    signal: str
    action: str
    observation: dict[str, Any]
    risk_score: float
    points: float
    indicative_premium: float
    saving: float
    decision: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Standing:
    """The quote as it stands, as far as improvements need it."""

    plan: RatingPlan
    posture: Posture
    risk: RatedRisk
    coverage: Coverage
    waiting: Sequence[float]
    terms: PremiumTerms
    reference_loss: float
    fields: dict[str, Any]
    firm_findings: list[Finding]
    posture_findings: list[Finding]
    values: dict[str, Any]
    costs: list[float]
    standard_costs: list[float]
    score: float
    premium: float
    percent: float
    decision: str


@lru_cache(maxsize=512)
def best_observation(name: str, as_of: date) -> tuple[Observation, dict[str, Any]]:
    """Observation of a signal's target at the end of a date, from its best source; and the same in plain JSON types."""
    about = signals()[name]
    source = max(about.sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))
    moment = datetime(as_of.year, as_of.month, as_of.day, 23, 59, 59, tzinfo=UTC)
    event = as_of if about.kind == "age" else None
    made = Observation.model_validate(
        {"signal": name, "value": about.target, "observed_at": moment, "source": source, "occurred_at": event}
    )
    return made, made.model_dump(mode="json", exclude_defaults=True)


def improvements_for(now: Standing) -> tuple[Improvement, ...]:
    """Improvements by saving, then by points; those that change nothing are left out."""
    found = []
    for position, about in enumerate(signals().values()):
        if about.target is None:
            continue
        made = _improvement(now, position, about)
        if made is not None:
            found.append(made)
    return tuple(sorted(found, key=lambda one: (-one.saving, one.points, one.signal)))


def _improvement(now: Standing, position: int, about: Signal) -> Improvement | None:
    day = now.posture.as_of.toordinal()
    observation, plain = best_observation(about.name, now.posture.as_of)
    evidence = (*now.posture.evidence[position], observation.prepared)
    mixture = mixture_at(about, evidence, day)
    old = now.risk.mixtures[position]
    if mixture == old:
        return None
    change = factor_change(now.plan, position, mixture, old, now.risk.mixtures)
    total = (now.risk.total + change).tolist()
    rates = [math.exp(x) for x in total[:N_PERILS]]
    costs, standard = now.costs, now.standard_costs
    if change[N_PERILS:].any():
        locations = total[N_PERILS:]
        costs = layer_costs(now.plan, locations, now.risk.revenue, now.coverage)
        standard = layer_costs(now.plan, locations, now.risk.revenue, STANDARD_LAYER)
    loss = sum(rate * cost for rate, cost in zip(rates, standard, strict=True))
    score = unclipped_score(loss, now.reference_loss)
    percent, decision = now.percent, now.decision
    if about.name in now.values:
        findings = now.firm_findings + _findings(now, about, evidence, day)
        percent, decision = rate_percent(findings), decision_of(findings)
    pure = [rate * cost * wait for rate, cost, wait in zip(rates, costs, now.waiting, strict=True)]
    premium = now.terms.indicative(now.terms.technical(pure), percent)
    better = DECISIONS.index(decision) < DECISIONS.index(now.decision)
    if now.score - score < 0.005 and now.premium - premium < 0.005 and not better:
        return None
    return Improvement(
        signal=about.name,
        action=about.advice,
        observation=dict(plain),
        risk_score=clipped(score),
        points=clipped(score) - clipped(now.score),
        indicative_premium=premium,
        saving=round(now.premium - premium, 2),
        decision=decision,
    )


def _findings(now: Standing, about: Signal, evidence: tuple[Any, ...], day: int) -> list[Finding]:
    """Posture findings, with the rules that name the signal evaluated again."""
    lookup = make_lookup(now.fields, now.coverage, {**now.values, about.name: signal_value(about, evidence, day)})
    return [
        evaluate(finding.rule, lookup) if about.name in finding.rule.signals else finding
        for finding in now.posture_findings
    ]
