"""Where evidence differs: what cannot both be so, what is merely older or of another scope, and which of it counts.

Callers are the engine, which reports it with a quote, and apps that show a posture. Nothing here changes a weight; what
contradicts what is told in `pairs`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cyberscore.profile.evidence import Mixture, Prepared, counting
from cyberscore.profile.pairs import best_sourced, contradicting, live_at, safest, too_narrow
from cyberscore.profile.posture import Posture, SignalState
from cyberscore.profile.signals import Signal, Value, signal, signals

CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Claim:
    """One side: a value, who says so since when, and whether it counts.

    `weight` is its own, all else left aside; `scope_share` is how much of it was looked at, None for all.
    """

    value: Value
    source: str
    observed_at: datetime
    weight: float
    counts: bool
    reference: str | None
    scope_share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "observed_at": self.observed_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two observations of a signal that do not say the same.

    Attributes
    ----------
    better, worse : Claim
        Those that contradict each other: the safest value, and the best sourced, newest of the riskier ones. Where
        nothing does, the safest and the best sourced of all.
    counts : str
        "better", "worse", "both" (each with its weight), or "neither" when yet others stand.
    earned_weight : float
        Weight that the better claim still has beyond what the worse one says.
    earned_points : float
        Points of score that it still earns: without it, the score would be so much higher.
    relation : str
        "contradiction", or why both may be so: "superseded" (a newer one has taken the older one's place), "narrower"
        (the favourable one looked at too little to clear the finding), "less_reliable" (the finding is older and
        stands, as the newer word comes from a worse source) or "older" (time passed between them).
    """

    signal: str
    title: str
    better: Claim
    worse: Claim
    counts: str
    earned_weight: float
    earned_points: float = 0.0
    relation: str = CONTRADICTION

    def __str__(self) -> str:
        if self.relation != CONTRADICTION:
            return f"{self.signal}: {self._told()}"
        told = {
            "better": f"{self.better.source} counts",
            "worse": f"{self.worse.source} counts, and the better claim earns nothing",
            "both": f"both count, and the better claim earns {self.earned_points:.1f} points "
            f"with the weight {self.earned_weight:.2f} that it has beyond the other",
            "neither": "other evidence counts",
        }[self.counts]
        return f"{self.signal}: evidence disagrees: {self._said(self.better)}, {self._said(self.worse)}; {told}"

    def _told(self) -> str:
        older, newer = sorted((self.worse, self.better), key=lambda claim: claim.observed_at)
        if self.relation == "narrower":
            share = 1.0 if self.better.scope_share is None else self.better.scope_share
            finding = "an older finding" if self.worse.observed_at < self.better.observed_at else "a finding"
            told = (
                f"{finding} stands: {self._said(self.worse)}; {self._said(self.better)}, but looked at only "
                f"{100 * share:.3g} % of what there is"
            )
        elif self.relation == "less_reliable":
            told = f"an older finding stands: {self._said(older)}; {self._said(newer)}, but is the less reliable source"
        elif self.relation == "superseded":
            told = f"{self._said(older)}; superseded by {self._said(newer, ', which')}"
        else:
            told = f"evidence of different dates: {self._said(older)}, {self._said(newer)}"
        if self.counts == "both":
            told += f"; both count, and the better claim earns {self.earned_points:.1f} points"
        return told + ("; yet other evidence counts" if self.counts == "neither" else "")

    def _said(self, claim: Claim, link: str = "") -> str:
        return f"{claim.source} of {claim.observed_at.date()}{link} says {signal(self.signal).told(claim.value)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "better": self.better.to_dict(), "worse": self.worse.to_dict()}


def contradiction_of(posture: Posture, position: int, state: SignalState) -> tuple[Contradiction, Prepared] | None:
    """Where evidence of a signal differs (without points), and the observation that makes the better claim.

    `position` is the signal's place in the catalogue. Whether it is a contradiction, `relation` tells.
    """
    if not state.differs:
        return None
    about, day = state.signal, posture.as_of.toordinal()
    live = live_at(about, posture.evidence[position], day)
    counted = {id(one) for _, _, one in counting(about, posture.evidence[position], day)}
    pair = contradicting(about, live, counted)
    if pair is None:
        first, better = min(live, key=safest)
        second, worse = max((item for item in live if item[0] > first), key=best_sourced)
    else:
        (first, better), (second, worse) = pair
    standing = (id(better) in counted, id(worse) in counted)
    found = Contradiction(
        signal=about.name,
        title=about.title,
        better=_claim(about, first, better, day, counts=standing[0]),
        worse=_claim(about, second, worse, day, counts=standing[1]),
        counts={(True, True): "both", (True, False): "better", (False, True): "worse"}.get(standing, "neither"),
        earned_weight=_weight_beyond(about, state.mixture, second) if standing[0] else 0.0,
        relation=CONTRADICTION if pair else _relation(better, worse, standing),
    )
    return found, better


def _relation(better: Prepared, worse: Prepared, standing: tuple[bool, bool]) -> str:
    """Why two observations that differ may both be so."""
    if standing[1] and not standing[0]:
        if too_narrow(better, worse):
            return "narrower"
        if worse.moment < better.moment and better.rank < worse.rank:
            return "less_reliable"
        return "superseded" if worse.moment > better.moment else "older"
    if standing[0] and not standing[1] and better.moment >= worse.moment:
        return "superseded"
    return "older"


def contradictions(posture: Posture) -> tuple[Contradiction, ...]:
    """Return every signal on which live evidence contradicts itself, in catalogue order, without points."""
    places = {name: position for position, name in enumerate(signals())}
    found = (contradiction_of(posture, places[state.signal.name], state) for state in posture)
    return tuple(one[0] for one in found if one is not None and one[0].relation == CONTRADICTION)


def _claim(about: Signal, code: int, one: Prepared, day: int, *, counts: bool) -> Claim:
    seen = one.observation
    weight = one.weight_at(about, code, day)
    return Claim(
        one.value_at(about, day), seen.source, seen.observed_at, weight, counts, seen.reference, seen.scope_share
    )


def _weight_beyond(about: Signal, mixture: Mixture, worse: int) -> float:
    return sum(share for code, share in mixture if code < min(worse, about.unknown))
