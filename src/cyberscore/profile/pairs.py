"""Which two observations of a signal cannot both be so: callers are the posture and `contradictions`.

Two contradict each other when both cannot be so at about the same time: they are of different kinds of source, no
further apart than the signal's half-life (judgement: so long such a thing tends to stay as it was seen), and the safer
one looked at about as much as the other. Of one kind of source the newer has taken the older one's place; what a source
at least as reliable says later was mended, was mended; few hosts that are clean do not contradict what was found on
many. An event has a date: "restore tested in May" and "none was tested", said in July, contradict each other whenever
they were said.
"""

from collections.abc import Collection, Sequence
from typing import TypeAlias

from cyberscore.profile.evidence import CLEARING_SHARE, Prepared
from cyberscore.profile.signals import Signal

Seen: TypeAlias = tuple[int, Prepared]
"""An observation with its code at a date."""


def live_at(about: Signal, prepared: Sequence[Prepared], day: int) -> list[Seen]:
    """Observations that still say something at a date."""
    coded = [(one.code_at(about, day), one) for one in prepared]
    return [(code, one) for code, one in coded if not one.lapsed(about, code, day)]


def safest(item: Seen) -> tuple[int, int, float, str]:
    """Order by value, the safest first, then by source and date, the best and newest first."""
    code, one = item
    return (code, -one.rank, -one.moment, one.observation.digest)


def best_sourced(item: Seen) -> tuple[int, float, int, str]:
    """Order by source and date, the best and newest last, then by value."""
    code, one = item
    return (one.rank, one.moment, code, one.observation.digest)


def contradicting(about: Signal, live: Sequence[Seen], counted: Collection[int]) -> list[tuple[Seen, Seen]]:
    """Pairs of a better and a worse observation that cannot both be so."""
    favourable = any(code <= about.unknown and id(one) in counted for code, one in live)
    current = [
        (code, one)
        for code, one in live
        if not any(_replaces(other, one) for _, other in live)
        and not (favourable and code > about.unknown and not _dated(about, one))
    ]
    return [
        (better, worse)
        for better in current
        for worse in current
        if better[0] < worse[0] and _contradict(about, better, worse)
    ]


def _contradict(about: Signal, first: Seen, second: Seen) -> bool:
    (code, better), (other, worse) = first, second
    opposite = code <= about.unknown < other
    # where a less reliable source says less, and no later, nothing speaks against the better one
    if not (opposite or worse.rank > better.rank or worse.moment > better.moment) or too_narrow(better, worse):
        return False
    if about.kind == "age" and better.event is not None:
        return better.event < worse.day  # an event of that day or later may have come after the look that missed it
    if _dated(about, worse) and better.observation.value == 0 and worse.event is not None:
        return worse.event <= better.day <= worse.event + (about.window_days or 0)
    apart, alike = abs(better.day - worse.day), better.observation.source == worse.observation.source
    return apart == 0 or (not alike and apart <= about.half_life_days)


def _replaces(newer: Prepared, older: Prepared) -> bool:
    """Whether an observation of the same kind of source, on a later day, takes another's place."""
    return (
        newer.observation.source == older.observation.source
        and newer.day > older.day
        and newer.scope >= CLEARING_SHARE * older.scope
    )


def _dated(about: Signal, one: Prepared) -> bool:
    """Whether it tells of an event in a window by its date."""
    return about.window_days is not None and one.observation.occurred_at is not None


def too_narrow(better: Prepared, worse: Prepared) -> bool:
    """Whether the better look may have missed what the worse one found, or the two may be of different things."""
    return better.scope < CLEARING_SHARE * worse.scope or better.scope + worse.scope <= 1.0
