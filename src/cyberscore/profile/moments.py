"""Dates and times as they come in: ISO 8601, kept in UTC. Callers are the models of a profile."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator


def _as_utc(value: object) -> datetime:
    moment: object = value
    try:
        if isinstance(value, str):
            moment = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if isinstance(moment, datetime):
        raise ValueError(  # noqa: TRY004  pydantic reports a ValueError, not a TypeError
            f"{moment.isoformat()} has no time zone: add Z or an offset, or give a date"
        )
    if isinstance(moment, date):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    raise ValueError(f"a date or a time in ISO 8601 is wanted, such as 2026-11-23; got {value!r}")


def _as_day(value: object) -> object:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]  # other types are refused below
    except (TypeError, ValueError):
        raise ValueError(f"a date in ISO 8601 is wanted, such as 2026-11-23; got {value!r}") from None


Moment = Annotated[datetime, BeforeValidator(_as_utc)]
Day = Annotated[date, BeforeValidator(_as_day)]
