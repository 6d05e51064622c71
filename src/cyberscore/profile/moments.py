"""Dates and times as they come in: ISO 8601, each with the day of its own zone. Callers are profiles and readers.

What happened this evening in the Americas happened today, although it is tomorrow in UTC. A moment is therefore its
instant and the day in the zone that it was told in. It is kept in UTC where that is the same day there, else in its
own zone. Two moments are the same when instant and day are; what is newer is decided by the instant, ages by the day.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated

from pydantic import BeforeValidator

from cyberscore.profile.problems import short

_QUARTER, _MOST_WEST = 900, 95
"""Seconds in which offsets of zones go, and how many of them an offset may have at most."""


def with_own_day(moment: datetime) -> datetime:
    """Return a moment that has a zone in UTC where its day is the same there, else with the offset of its own zone.

    Raises
    ------
    OverflowError
        When it lies outside the years 1 to 9999 in UTC.
    """
    in_utc = moment.astimezone(UTC)
    offset = moment.utcoffset()
    if offset is None or in_utc.date() == moment.date():
        return in_utc
    return in_utc.astimezone(timezone(offset))


def moment_told(moment: datetime) -> str:
    """Text that is the same for the same moment: the instant in UTC, and the day where it is another."""
    in_utc = moment.astimezone(UTC)
    day = moment.date()
    return in_utc.isoformat() if in_utc.date() == day else f"{in_utc.isoformat()} on {day}"


def quarters_west(day: date, instants: Iterable[float]) -> int:
    """How many quarters of an hour west of UTC a day must end so as to end after some instants of it (Unix seconds).

    It is 0, which is UTC, but where something was told in a zone farther west, late on that day.
    """
    end = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + 86_400.0
    latest = max(instants, default=end - 1.0)
    return min(max(int((latest - end) // _QUARTER) + 1, 0), _MOST_WEST)


def end_of(day: date, west: int = 0) -> datetime:
    """Return the last second of a day, `west` quarters of an hour west of UTC."""
    zone = timezone(timedelta(seconds=-west * _QUARTER)) if west else UTC
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone)


def _as_moment(value: object) -> datetime:
    moment: object = value
    try:
        if isinstance(value, str):
            moment = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return with_own_day(moment)
    except (ValueError, OverflowError):
        moment = None
    if isinstance(moment, datetime):
        raise ValueError(  # noqa: TRY004  pydantic reports a ValueError, not a TypeError
            f"{moment.isoformat()} has no time zone: add Z or an offset, or give a date"
        )
    if isinstance(moment, date):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    raise ValueError(f"a date or a time in ISO 8601 is wanted, such as 2026-11-23; got {short(value)}")


def _as_day(value: object) -> object:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]  # other types are refused below
    except (TypeError, ValueError):
        raise ValueError(f"a date in ISO 8601 is wanted, such as 2026-11-23; got {short(value)}") from None


Moment = Annotated[datetime, BeforeValidator(_as_moment)]
Day = Annotated[date, BeforeValidator(_as_day)]
