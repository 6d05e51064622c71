"""What would help: for every signal that could be better, the score and premium once it is.

Both are recomputed from the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from cyberscore.profile import Observation, Signal, signals
from cyberscore.profile.evidence import SOURCES, mixture_at
from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    priced,
    rates_and_locations,
    score_of,
    standard_costs,
)
from cyberscore.quoting.terms import make_lookup, signal_value
from cyberscore.rating.expected_loss import factor_change
from cyberscore.rating.parts import N_PERILS
from cyberscore.rating.score import clipped
from cyberscore.rules import DECISIONS, Finding, evaluate


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
class _Now:
    """The quote as it stands."""

    firm: Firm
    settled: SettledCover
    standing: Standing
    figures: Figures
    on_posture: Sequence[Finding]


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


def improvements_for(
    firm: Firm, settled: SettledCover, standing: Standing, figures: Figures, on_posture: Sequence[Finding]
) -> tuple[Improvement, ...]:
    """Improvements by saving, then by points; those that change nothing are left out."""
    now = _Now(firm, settled, standing, figures, on_posture)
    found = []
    for position, about in enumerate(signals().values()):
        if about.target is None:
            continue
        made = _improvement(now, position, about)
        if made is not None:
            found.append(made)
    return tuple(sorted(found, key=lambda one: (-one.saving, one.points, one.signal)))


def _improvement(now: _Now, position: int, about: Signal) -> Improvement | None:
    firm, standing, figures, risk = now.firm, now.standing, now.figures, now.standing.risk
    day = firm.as_of.toordinal()
    observation, plain = best_observation(about.name, firm.as_of)
    evidence = (*standing.posture.evidence[position], observation.prepared)
    mixture = mixture_at(about, evidence, day)
    old = risk.mixtures[position]
    if mixture == old:
        return None
    change = factor_change(firm.plan, position, mixture, old, risk.mixtures)
    rates, locations = rates_and_locations((risk.total + change).tolist())
    costs, standard = figures.costs, standing.standard_costs
    if change[N_PERILS:].any():
        costs, standard = claim_costs(firm, now.settled, locations), standard_costs(firm, locations)
    score = score_of(firm, rates, standard)
    if about.name in standing.values:
        after = priced(now.settled, rates, costs, _findings(now, about, evidence, day))
    else:
        after = priced(now.settled, rates, costs, now.on_posture, judged=figures)
    better = DECISIONS.index(after.decision) < DECISIONS.index(figures.decision)
    if standing.score - score < 0.005 and figures.premium - after.premium < 0.005 and not better:
        return None
    return Improvement(
        signal=about.name,
        action=about.advice,
        observation=dict(plain),
        risk_score=clipped(score),
        points=clipped(score) - clipped(standing.score),
        indicative_premium=after.premium,
        saving=round(figures.premium - after.premium, 2),
        decision=after.decision,
    )


def _findings(now: _Now, about: Signal, evidence: tuple[Any, ...], day: int) -> list[Finding]:
    """Posture findings, with the rules that name the signal evaluated again."""
    values = {**now.standing.values, about.name: signal_value(about, evidence, day)}
    lookup = make_lookup(now.firm.fields, now.settled.cover, values)
    return [
        evaluate(finding.rule, lookup) if about.name in finding.rule.signals else finding for finding in now.on_posture
    ]
