"""What evidence that is not agreed on is worth: disputes if they were upheld, and better claims that are contradicted.

Called by the engine, and only when there is any; a quote itself is priced with every finding standing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from cyberscore.profile import Contradiction, Dispute, Posture, Profile, SignalState, signals
from cyberscore.profile.contradictions import contradiction_of
from cyberscore.profile.disputes import described, disputed_at
from cyberscore.profile.evidence import mixture_at
from cyberscore.profile.pivotal import pivotal
from cyberscore.profile.posture import posture_if_upheld
from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    posture_findings,
    priced,
    rates_and_locations,
    score_of,
    standard_costs,
)
from cyberscore.rating.expected_loss import factor_change
from cyberscore.rating.score import band, clipped


@dataclass(frozen=True, slots=True)
class Outcome:
    """Score, premium (in the quote's currency) and decision under one reading of the evidence."""

    risk_score: float
    unclipped_score: float
    band: str
    indicative_premium: float
    decision: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class DisputeOnRecord:
    """One dispute on record at the date of a quote, and what it would change if it alone were upheld.

    `points` of score and `saving` of premium are zero for an accepted risk, and where other evidence says the
    same as the finding disputed.
    """

    dispute: Dispute
    about: dict[str, Any]
    points: float
    saving: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**self.about, "points": self.points, "saving": self.saving}


@dataclass(frozen=True, slots=True)
class Disputed:
    """A quote with and without the findings in dispute, side by side, and every dispute on record."""

    standing: Outcome
    upheld: Outcome
    disputes: tuple[DisputeOnRecord, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "standing": self.standing.to_dict(),
            "upheld": self.upheld.to_dict(),
            "disputes": [one.to_dict() for one in self.disputes],
        }


def disputed_outcomes(
    profile: Profile, firm: Firm, settled: SettledCover, standing: Standing, figures: Figures
) -> Disputed | None:
    """Price a profile's disputes; None when none is on record at the date."""
    on_record = sorted((one for one in profile.disputes if one.at <= firm.as_of), key=lambda one: one.at)
    if not on_record:
        return None
    observations = {one.digest: one for one in profile.observations}
    posture, day = standing.posture, firm.as_of.toordinal()
    places = {name: position for position, name in enumerate(signals())}
    now = _outcome(firm, standing, figures)
    disputed = {places[observations[one.observation].signal] for one in on_record if one.changes_price}
    catalogue = list(signals().values())
    turning = {place: pivotal(catalogue[place], posture.evidence[place], day) for place in disputed}
    alone: dict[str, Outcome] = {}
    """If one finding fell alone, by its digest; of findings on which nothing turns, the quote as it is."""
    found = []
    for dispute in on_record:
        digest = dispute.observation
        place = places[observations[digest].signal]
        after = now
        if dispute.changes_price and digest in turning[place]:
            if digest not in alone:
                alone[digest] = _if_upheld(firm, settled, posture_if_upheld(posture, {digest}, {place}))
            after = alone[digest]
        found.append(
            DisputeOnRecord(
                dispute=dispute,
                about=described(dispute, observations[digest]),
                points=after.unclipped_score - now.unclipped_score,
                saving=round(now.indicative_premium - after.indicative_premium, 3),
            )
        )
    fallen = disputed_at(on_record, firm.as_of)
    upheld = _if_upheld(firm, settled, posture_if_upheld(posture, fallen, disputed)) if fallen else now
    return Disputed(now, upheld, tuple(found))


def _if_upheld(firm: Firm, settled: SettledCover, posture: Posture) -> Outcome:
    standing = Standing.of(firm, posture)
    findings = posture_findings(firm, settled, standing.values)
    figures = priced(settled, standing.rates, claim_costs(firm, settled, standing.locations), findings)
    return _outcome(firm, standing, figures)


def _outcome(firm: Firm, standing: Standing, figures: Figures) -> Outcome:
    score = standing.score
    return Outcome(clipped(score), score, band(firm.plan, score), figures.premium, figures.decision)


def differing_priced(firm: Firm, standing: Standing, states: Collection[SignalState]) -> tuple[Contradiction, ...]:
    """Where a posture's evidence differs, with the points that each better claim earns; `states` in catalogue order."""
    found = []
    for position, state in enumerate(states):
        told = contradiction_of(standing.posture, position, state)
        if told is None:
            continue
        contradiction, better = told
        if contradiction.earned_weight > 0.0:
            about, day = state.signal, firm.as_of.toordinal()
            rest = tuple(one for one in standing.posture.evidence[position] if one.observation != better.observation)
            mixture, mixtures = mixture_at(about, rest, day), standing.risk.mixtures
            change = factor_change(firm.plan, position, mixture, mixtures[position], mixtures)
            rates, locations = rates_and_locations((standing.risk.total + change).tolist())
            without = score_of(firm, rates, standard_costs(firm, locations))
            contradiction = replace(contradiction, earned_points=without - standing.score)
        found.append(contradiction)
    return tuple(found)
