"""The posture of a firm at a date: for every signal, which codes it may have and with what weight."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from cyberscore.exceptions import ProfileError
from cyberscore.profile.evidence import Mixture, Prepared, counting, mixture_at, riskiness, rule_value
from cyberscore.profile.pairs import contradicting, live_at
from cyberscore.profile.profile import Profile
from cyberscore.profile.signals import NOT_APPLICABLE, Signal, Value, signal, signals

DAYS_OF_DELIVERY = 90
"""A connection shares telemetry while something it delivered is no older than this (judgement)."""


@dataclass(frozen=True, slots=True)
class SignalState:
    """What is known of one signal at a date.

    `status` is one of favourable, adverse, context (an exposure or a category), not_applicable, unknown, unanswered.
    `value` and `observation` belong to the observation that carries most of the weight among those that count.
    `differs` tells that a live observation says the opposite, a newer one something else, or a better sourced one
    something worse; `contradicted`, that two of them cannot both be so: `cyberscore.profile.contradictions` has both.
    """

    signal: Signal
    status: str
    value: Value | None
    weight: float
    age_days: int | None
    observation: Prepared | None
    mixture: Mixture
    contradicted: bool
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Posture:
    """All signals at a date, in catalogue order.

    `telemetry` names the telemetry connections that are not withdrawn and delivered something within DAYS_OF_DELIVERY.
    `unproven` is what was said for the insured and weighs nothing, by signal: "not applicable" on its own word, and
    what withdrawn connections found.
    """

    as_of: date
    mixtures: tuple[Mixture, ...]
    evidence: tuple[tuple[Prepared, ...], ...]
    telemetry: frozenset[str] = frozenset()
    unproven: Mapping[str, tuple[Prepared, ...]] = field(default_factory=dict, hash=False)

    def __iter__(self) -> Iterator[SignalState]:
        day = self.as_of.toordinal()
        for about, prepared, mixture in zip(signals().values(), self.evidence, self.mixtures, strict=True):
            yield _state(about, prepared, mixture, day)

    def __getitem__(self, name: str) -> SignalState:
        about = signal(name)
        index = list(signals()).index(name)
        return _state(about, self.evidence[index], self.mixtures[index], self.as_of.toordinal())

    def rule_value(self, index: int, about: Signal) -> Value | None:
        """Return the value that underwriting rules read, None when unknown.

        The riskiest of the adverse observations that stand, else the safest favourable one that still weighs enough.
        """
        return rule_value(about, self.evidence[index], self.as_of.toordinal())


def posture_at(profile: Profile, as_of: date) -> Posture:
    """Weigh a profile's evidence at a date.

    Parameters
    ----------
    profile : Profile
    as_of : date
        No observation may be later.

    Raises
    ------
    ProfileError
        When an observation is dated after `as_of`, or `as_of` is not a date.
    """
    if isinstance(as_of, datetime) or not isinstance(as_of, date):
        raise ProfileError(f"as_of must be a date, such as datetime.date(2026, 11, 23); got {as_of!r}")
    day = as_of.toordinal()
    if profile.newest > day:
        index, late = next((i, one) for i, one in enumerate(profile.observations) if one.observed_at.toordinal() > day)
        raise ProfileError(
            f"observations[{index}] ({late.signal}) was observed at {late.observed_at.date()}, after as_of {as_of}: "
            "use a later as_of or leave it out"
        )
    evidence, unproven = profile.prepared, profile.unproven
    if any(source.withdrawn_at is not None for source in profile.sources):
        evidence, withdrawn = _without_withdrawn(profile, as_of)
        unproven += withdrawn
    catalogue = signals().values()
    mixtures = tuple([mixture_at(about, items, day) for about, items in zip(catalogue, evidence, strict=True)])
    by_signal: dict[str, tuple[Prepared, ...]] = {}
    for name, items in groupby(sorted(unproven, key=_signal_name), key=_signal_name):
        by_signal[name] = tuple(items)
    return Posture(as_of, mixtures, evidence, _sharing(profile, as_of), by_signal)


def _signal_name(one: Prepared) -> str:
    return one.observation.signal


def _sharing(profile: Profile, as_of: date) -> frozenset[str]:
    """Telemetry connections that deliver: a name alone is worth nothing."""
    names = {
        source.name
        for source in profile.sources
        if source.kind == "telemetry" and (source.withdrawn_at is None or source.withdrawn_at > as_of)
    }
    since = as_of.toordinal() - DAYS_OF_DELIVERY
    return frozenset(
        one.connection
        for one in (profile.observations if names else ())
        if one.connection in names and one.prepared.day >= since
    )


def posture_if_upheld(posture: Posture, fallen: Collection[str], positions: Collection[int] | None = None) -> Posture:
    """Weigh the evidence again without some findings, given by digest.

    What speaks for the insured at the posture's date stays, whatever was said of it: upholding never costs more.
    `positions` are the places in the catalogue of the signals they are about, default all: no other is looked at.
    """
    day = posture.as_of.toordinal()
    evidence, mixtures = list(posture.evidence), list(posture.mixtures)
    for position, about in enumerate(signals().values()):
        if positions is not None and position not in positions:
            continue
        kept = tuple(
            one
            for one in evidence[position]
            if about.is_context or one.code_at(about, day) < about.unknown or one.observation.digest not in fallen
        )
        if len(kept) < len(evidence[position]):
            evidence[position], mixtures[position] = kept, mixture_at(about, kept, day)
    return replace(posture, mixtures=tuple(mixtures), evidence=tuple(evidence))


def _without_withdrawn(profile: Profile, as_of: date) -> tuple[tuple[tuple[Prepared, ...], ...], tuple[Prepared, ...]]:
    """Evidence without what withdrawn connections found in the insured's favour, and that."""
    gone = {s.name for s in profile.sources if s.withdrawn_at is not None and s.withdrawn_at <= as_of}
    day = as_of.toordinal()
    evidence: list[tuple[Prepared, ...]] = []
    withdrawn: list[Prepared] = []
    for about, items in zip(signals().values(), profile.prepared, strict=True):
        kept = []
        for one in items:
            if about.is_context or one.observation.connection not in gone or one.code_at(about, day) > about.unknown:
                kept.append(one)
            else:
                withdrawn.append(one)
        evidence.append(tuple(kept))
    return tuple(evidence), tuple(withdrawn)


def _state(about: Signal, prepared: tuple[Prepared, ...], mixture: Mixture, day: int) -> SignalState:
    counted = counting(about, prepared, day)
    if not counted:
        status = "unknown" if prepared or not about.required else "unanswered"
        return SignalState(about, status, None, 0.0, None, None, mixture, contradicted=False)
    adverse = counted[0][0] > about.unknown
    _, weight, best = counted[0] if len(counted) == 1 else _prominent(about, counted, mixture, day)
    value = best.value_at(about, day)
    status = "adverse" if adverse else "favourable"
    if about.is_context:
        status = "context"
    elif value == NOT_APPLICABLE:
        status = NOT_APPLICABLE
    differs = not about.is_context and len(prepared) > 1 and _differs(about, prepared, best, day)
    contradicted = (
        differs and contradicting(about, live_at(about, prepared, day), {id(one) for _, _, one in counted}) is not None
    )
    return SignalState(about, status, value, weight, day - best.day, best, mixture, contradicted, differs)


def _prominent(
    about: Signal, counted: list[tuple[int, float, Prepared]], mixture: Mixture, day: int
) -> tuple[int, float, Prepared]:
    """Pick the observation that carries most of the weight; ties go to the newest, then to what counts for more."""
    share = dict(mixture)
    adverse = counted[0][0] > about.unknown

    def prominence(item: tuple[int, float, Prepared]) -> tuple[float, float, float, float, str]:
        risk = riskiness(about, item[2].value_at(about, day))
        source = item[2].observation.source
        return (share.get(item[0], 0.0), item[1], item[2].moment, risk if adverse else -risk, source)

    return max(counted, key=prominence)


def _differs(about: Signal, prepared: tuple[Prepared, ...], shown: Prepared, day: int) -> bool:
    """Whether a live observation says the opposite of the one shown, a newer one other, a better sourced one worse."""
    code = shown.code_at(about, day)
    adverse = code > about.unknown
    others = [(one, one.code_at(about, day)) for one in prepared]
    return any(
        (other > about.unknown) != adverse
        or (other != code and one.moment > shown.moment)
        or (other > code and one.rank > shown.rank)
        for one, other in others
        if not one.lapsed(about, other, day)
    )
