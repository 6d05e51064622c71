"""What would help: for every signal that could be better, the score and premium once it is.

Both are recomputed from the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cyberscore.profile import Observation, signals
from cyberscore.profile.evidence import SOURCES, mixture_at
from cyberscore.profile.moments import end_of, quarters_west
from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    findings_anew,
    priced,
    rates_and_locations,
    score_of,
    standard_costs,
)
from cyberscore.rating.expected_loss import factor_changes
from cyberscore.rating.parts import N_PERILS
from cyberscore.rating.score import clipped
from cyberscore.rules import DECISIONS, Finding


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


@lru_cache(maxsize=512)
def best_observation(name: str, as_of: date, west: int = 0) -> tuple[Observation, dict[str, Any]]:
    """Observation of a signal's target at the end of a date, from its best source; and the same in plain JSON types.

    `west` is as in `cyberscore.profile.moments.end_of`.
    """
    about = signals()[name]
    source = max(about.sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))
    moment = end_of(as_of, west)
    event = as_of if about.kind == "age" else None
    made = Observation.model_validate(
        {"signal": name, "value": about.target, "observed_at": moment, "source": source, "occurred_at": event}
    )
    return made, made.model_dump(mode="json", exclude_defaults=True)


def improvements_for(
    firm: Firm, settled: SettledCover, standing: Standing, figures: Figures, on_posture: Sequence[Finding]
) -> tuple[Improvement, ...]:
    """Improvements by saving, then by points; those that change nothing are left out."""
    risk, day = standing.risk, firm.as_of.toordinal()
    moves, candidates = [], []
    for position, about in enumerate(signals().values()):
        if about.target is None:
            continue
        seen = standing.posture.evidence[position]
        west = quarters_west(firm.as_of, (one.moment for one in seen))
        observation, plain = best_observation(about.name, firm.as_of, west)
        evidence = (*seen, observation.prepared)
        mixture, old = mixture_at(about, evidence, day), risk.mixtures[position]
        if mixture != old:
            moves.append((position, mixture, old))
            candidates.append((about, evidence, plain))
    changes = factor_changes(firm.plan, moves, risk.mixtures)
    moved = (changes[:, N_PERILS:] != 0.0).any(axis=1).tolist()
    found = []
    for (about, evidence, plain), total, severer in zip(
        candidates, (risk.total + changes).tolist(), moved, strict=True
    ):
        rates, locations = rates_and_locations(total)
        costs, standard = figures.costs, standing.standard_costs
        if severer:
            costs, standard = claim_costs(firm, settled, locations), standard_costs(firm, locations)
        score = score_of(firm, rates, standard)
        findings = findings_anew(firm, settled, standing, on_posture, about=about, evidence=evidence)
        after = priced(settled, rates, costs, findings, judged=figures if findings is on_posture else None)
        better = DECISIONS.index(after.decision) < DECISIONS.index(figures.decision)
        if standing.score - score < 0.005 and figures.premium - after.premium < 0.005 and not better:
            continue
        found.append(
            Improvement(
                signal=about.name,
                action=about.advice,
                observation=dict(plain),
                risk_score=clipped(score),
                points=clipped(score) - clipped(standing.score),
                indicative_premium=after.premium,
                saving=round(figures.premium - after.premium, 2),
                decision=after.decision,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.saving, one.points, one.signal)))
