"""Where evidence disagrees: what each side says, which counts, and what the better claim still earns.

Callers are the engine, which reports it with a quote, and apps that show a posture. Nothing here changes a weight.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cyberscore.profile.evidence import Mixture, Prepared, counting
from cyberscore.profile.posture import Posture, SignalState
from cyberscore.profile.signals import Signal, Value, signals


@dataclass(frozen=True, slots=True)
class Claim:
    """One side: a value, who says so since when, and whether it counts; `weight` is its own, all else left aside."""

    value: Value
    source: str
    observed_at: datetime
    weight: float
    counts: bool
    reference: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "observed_at": self.observed_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two observations of a signal that do not agree.

    Attributes
    ----------
    better, worse : Claim
        The safest value that anyone gives; and the best sourced, newest of the riskier ones.
    counts : str
        "better", "worse", "both" (each with its weight), or "neither" when yet others stand.
    earned_weight : float
        Weight that the better claim still has beyond what the worse one says.
    earned_points : float
        Points of score that it still earns: without it, the score would be so much higher.
    """

    signal: str
    title: str
    better: Claim
    worse: Claim
    counts: str
    earned_weight: float
    earned_points: float = 0.0

    def __str__(self) -> str:
        told = {
            "better": f"{self.better.source} counts",
            "worse": f"{self.worse.source} counts, and the better claim earns nothing",
            "both": f"both count, and the better claim earns {self.earned_points:.1f} points "
            f"with the weight {self.earned_weight:.2f} that it has beyond the other",
            "neither": "other evidence counts",
        }[self.counts]
        sides = ", ".join(
            f"{side.source} of {side.observed_at.date()} says {side.value}" for side in (self.better, self.worse)
        )
        return f"{self.signal}: evidence disagrees: {sides}; {told}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "better": self.better.to_dict(), "worse": self.worse.to_dict()}


def contradiction_of(posture: Posture, position: int, state: SignalState) -> tuple[Contradiction, Prepared] | None:
    """Where evidence of a signal disagrees (without points), and the observation that makes the better claim.

    `position` is the signal's place in the catalogue.
    """
    if not state.contradicted:
        return None
    about, day = state.signal, posture.as_of.toordinal()
    coded = [(one.code_at(about, day), one) for one in posture.evidence[position]]
    live = [(code, one) for code, one in coded if not one.lapsed(about, code, day)]
    first, better = min(live, key=lambda item: (item[0], -item[1].rank, -item[1].moment, _tie(item[1])))
    second, worse = max(
        (item for item in live if item[0] > first),
        key=lambda item: (item[1].rank, item[1].moment, item[0], _tie(item[1])),
    )
    counted = {id(one) for _, _, one in counting(about, posture.evidence[position], day)}
    standing = (id(better) in counted, id(worse) in counted)
    found = Contradiction(
        signal=about.name,
        title=about.title,
        better=_claim(about, first, better, day, counts=standing[0]),
        worse=_claim(about, second, worse, day, counts=standing[1]),
        counts={(True, True): "both", (True, False): "better", (False, True): "worse"}.get(standing, "neither"),
        earned_weight=_weight_beyond(about, state.mixture, second) if standing[0] else 0.0,
    )
    return found, better


def contradictions(posture: Posture) -> tuple[Contradiction, ...]:
    """Return every signal on which live evidence disagrees, in catalogue order, without points."""
    places = {name: position for position, name in enumerate(signals())}
    found = (contradiction_of(posture, places[state.signal.name], state) for state in posture)
    return tuple(one[0] for one in found if one is not None)


def _claim(about: Signal, code: int, one: Prepared, day: int, *, counts: bool) -> Claim:
    seen = one.observation
    weight = one.weight_at(about, code, day)
    return Claim(one.value_at(about, day), seen.source, seen.observed_at, weight, counts, seen.reference)


def _weight_beyond(about: Signal, mixture: Mixture, worse: int) -> float:
    return sum(share for code, share in mixture if code < min(worse, about.unknown))


def _tie(one: Prepared) -> str:
    return one.observation.digest
