"""What would help: for every signal that could be better, the score and premium once it is.

Both are recomputed from the tables.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cyberscore.profile import Observation, Posture, Signal, signals
from cyberscore.profile.evidence import SOURCES, mixture_at
from cyberscore.profile.moments import end_of, quarters_west
from cyberscore.profile.signals import NOT_APPLICABLE, Value
from cyberscore.quoting.advice import Advice, advise
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
    """One thing to mend or to show: what to do, the observation that would show it, and the quote after it.

    `kind` is "do" where the state must change or nothing is known of it; where it is said to be so already, "show" (by
    a better source), "renew" (evidence faded) or "widen" (a part was looked at). `action` says it in English.
    """

    signal: str
    advice: Advice
    observation: dict[str, Any]
    risk_score: float
    points: float
    indicative_premium: float
    saving: float
    decision: str

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
        return {"signal": self.signal, **self.advice.to_dict(), **rest}


@lru_cache(maxsize=512)
def best_observation(
    name: str, as_of: date, west: int = 0, value: Value | None = None
) -> tuple[Observation, dict[str, Any]]:
    """Observation of a value (default: the target) at the end of a date, from the signal's best source; and as JSON.

    `west` is as in `cyberscore.profile.moments.end_of`.
    """
    about = signals()[name]
    source = max(about.sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))
    moment = end_of(as_of, west)
    event = as_of if about.kind == "age" and value is None else None
    made = Observation.model_validate(
        {
            "signal": name,
            "value": about.target if value is None else value,
            "observed_at": moment,
            "source": source,
            "occurred_at": event,
        }
    )
    return made, made.model_dump(mode="json", exclude_defaults=True)


def advice_on(posture: Posture, position: int, about: Signal, denied: Collection[str]) -> Advice:
    """Tell what would bring a signal to its target; see `advise`."""
    unproven = posture.unproven.get(about.name, ())
    return advise(about, posture.evidence[position], posture.as_of.toordinal(), unproven=unproven, denied=denied)


def observation_at_best(
    posture: Posture, position: int, about: Signal, denied: Collection[str]
) -> tuple[Observation, dict[str, Any]]:
    """Observation that would show a signal at its target or, where that is said, that it does not apply."""
    west = quarters_west(posture.as_of, (one.moment for one in posture.evidence[position]))
    heard = (*posture.evidence[position], *posture.unproven.get(about.name, ())) if about.may_not_apply else ()
    if any(one.observation.value == NOT_APPLICABLE for one in heard):
        said = advice_on(posture, position, about, denied).evidence
        if said is not None and said.value == NOT_APPLICABLE:
            return best_observation(about.name, posture.as_of, west, NOT_APPLICABLE)
    return best_observation(about.name, posture.as_of, west)


def improvements_for(
    firm: Firm,
    settled: SettledCover,
    standing: Standing,
    figures: Figures,
    on_posture: Sequence[Finding],
    *,
    denied: Collection[str] = (),
) -> tuple[Improvement, ...]:
    """Improvements by saving, then by points; those that change nothing are left out.

    `denied` are digests of findings that the insured says are not so.
    """
    risk, day = standing.risk, firm.as_of.toordinal()
    moves, candidates = [], []
    for position, about in enumerate(signals().values()):
        if about.target is None:
            continue
        observation, plain = observation_at_best(standing.posture, position, about, denied)
        evidence = (*standing.posture.evidence[position], observation.prepared)
        mixture, old = mixture_at(about, evidence, day), risk.mixtures[position]
        if mixture != old:
            moves.append((position, mixture, old))
            candidates.append((position, about, evidence, plain))
    changes = factor_changes(firm.plan, moves, risk.mixtures)
    moved = (changes[:, N_PERILS:] != 0.0).any(axis=1).tolist()
    found = []
    for (position, about, evidence, plain), total, severer in zip(
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
                advice=advice_on(standing.posture, position, about, denied),
                observation=dict(plain),
                risk_score=clipped(score),
                points=clipped(score) - clipped(standing.score),
                indicative_premium=after.premium,
                saving=round(figures.premium - after.premium, 3),
                decision=after.decision,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.saving, one.points, one.signal)))
