"""Which two observations of a signal cannot both be so: callers are the posture and `contradictions`.

Two contradict each other when both cannot be so at about the same time: they are of different kinds of source, no
further apart than the signal's half-life (judgement: so long such a thing tends to stay as it was seen), and the safer
one looked at about as much as the other. Of one kind of source the newer has taken the older one's place; what a source
at least as reliable says later was mended, was mended; few hosts that are clean do not contradict what was found on
many. An event has a date: "restore tested in May" and "none was tested", said in July, contradict each other whenever
they were said.
"""

import math
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, TypeAlias

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


def contradicting(about: Signal, live: Sequence[Seen], counted: Collection[int]) -> tuple[Seen, Seen] | None:
    """Return the safest observation that another contradicts, and the best sourced of those that do; None if none does.

    No pair is looked at but by groups of one source, day and code (see `_contradicted`): n observations take n log n.
    """
    current = _current(about, live, counted)
    groups: dict[tuple[Any, ...], list[Seen]] = {}
    for code, one in current:
        alike = (one.observation.source, one.day, one.observation.value == 0, one.event is None)
        groups.setdefault((code, -one.rank, *alike), []).append((code, one))
    for _, keys in groupby(sorted(groups), key=lambda key: key[:2]):
        found = [item for key in keys for item in _contradicted(about, groups[key], current)]
        for better in sorted(found, key=safest):
            against = [item for item in current if item[0] > better[0] and _contradict(about, better, item)]
            if against:
                return better, max(against, key=best_sourced)
    return None


def _current(about: Signal, live: Sequence[Seen], counted: Collection[int]) -> list[Seen]:
    """Observations whose place no later one of their kind of source has taken."""
    favourable = any(code <= about.unknown and id(one) in counted for code, one in live)
    replaced: set[int] = set()
    by_source: dict[str, list[Prepared]] = {}
    for _, one in sorted(live, key=lambda item: -item[1].scope):
        by_source.setdefault(one.observation.source, []).append(one)
    for widest_first in by_source.values():
        taken, latest = 0, 0
        for older in widest_first:
            while taken < len(widest_first) and widest_first[taken].scope >= CLEARING_SHARE * older.scope:
                latest = max(latest, widest_first[taken].day)
                taken += 1
            if latest > older.day:
                replaced.add(id(older))
    return [
        (code, one)
        for code, one in live
        if id(one) not in replaced and not (favourable and code > about.unknown and not _dated(about, one))
    ]


def _contradicted(about: Signal, alike: Sequence[Seen], current: Sequence[Seen]) -> list[Seen]:
    """Those of a group of one source, day and code that some riskier observation contradicts.

    The wider a look, the more of the riskier ones it may contradict: the group is walked from the narrowest on, with
    the latest of those that come near in scope.
    """
    code, first = alike[0]
    of_event = about.kind == "age" and first.event is not None
    riskier = [item for item in current if item[0] > code and (of_event or _at_one_time(about, first, item[1]))]
    riskier.sort(key=lambda item: item[1].scope)
    low, high = len(riskier), 0  # between them lies what is near in scope
    latest_moment = latest_day = latest_outranking = -math.inf
    found = []
    for item in sorted(alike, key=lambda item: item[1].scope):
        better, before = item[1], (low, high)
        while low > 0 and better.scope + riskier[low - 1][1].scope > 1.0:
            low -= 1
        while high < len(riskier) and better.scope >= CLEARING_SHARE * riskier[high][1].scope:
            high += 1
        for other, worse in (*riskier[low : min(before[0], high)], *riskier[max(before[1], low) : high]):
            latest_moment, latest_day = max(latest_moment, worse.moment), max(latest_day, worse.day)
            if code <= about.unknown < other or worse.rank > better.rank:
                latest_outranking = max(latest_outranking, worse.day)
        since = better.event if of_event and better.event is not None else -math.inf
        if latest_outranking > since or (latest_moment > better.moment and latest_day > since):
            found.append(item)
    return found


def _contradict(about: Signal, first: Seen, second: Seen) -> bool:
    """Whether a better observation and a worse one, neither of them replaced, cannot both be so."""
    (code, better), (other, worse) = first, second
    opposite = code <= about.unknown < other
    # where a less reliable source says less, and no later, nothing speaks against the better one
    if not (opposite or worse.rank > better.rank or worse.moment > better.moment) or too_narrow(better, worse):
        return False
    return _at_one_time(about, better, worse)


def _at_one_time(about: Signal, better: Prepared, worse: Prepared) -> bool:
    """Whether both are said of about the same time."""
    if about.kind == "age" and better.event is not None:
        return better.event < worse.day  # an event of that day or later may have come after the look that missed it
    if _dated(about, worse) and better.observation.value == 0 and worse.event is not None:
        return worse.event <= better.day <= worse.event + (about.window_days or 0)
    apart, alike = abs(better.day - worse.day), better.observation.source == worse.observation.source
    return apart == 0 or (not alike and apart <= about.half_life_days)


def _dated(about: Signal, one: Prepared) -> bool:
    """Whether it tells of an event in a window by its date."""
    return about.window_days is not None and one.observation.occurred_at is not None


def too_narrow(better: Prepared, worse: Prepared) -> bool:
    """Whether the better look may have missed what the worse one found, or the two may be of different things."""
    return better.scope < CLEARING_SHARE * worse.scope or better.scope + worse.scope <= 1.0
