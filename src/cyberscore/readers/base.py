"""What all readers share: the reading they return, what they claim, how much they saw, what they could not map."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.profile import Observation
from cyberscore.profile.evidence import SourceName
from cyberscore.profile.moments import with_own_day

MAX_NAMES = 200
"""How many different names one reason of `NotMapped` lists; all are counted."""

_EARLIEST_YEAR = 1997  # nmap's first release; an older date is a clock that was never set


@dataclass(frozen=True, slots=True)
class NotMapped:
    """What the file holds that gave no observation: why, how many, and which."""

    why: str
    count: int
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assets:
    """What a tool looked at, and how much of it there is.

    Parameters
    ----------
    kind : str
        What is counted: "hosts", "users", "mailboxes", "domains", "images", ...
    seen : int
        How many were assessed and answered.
    total : int, optional
        How many there are; None when neither the file nor the caller tells.
    """

    kind: str
    seen: int
    total: int | None = None

    @property
    def share(self) -> float | None:
        """Share of the scope that was seen, in 0..1; None when the total is not known."""
        if self.total is None:
            return None
        return min(1.0, self.seen / self.total) if self.total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"kind": self.kind, "seen": self.seen, "total": self.total, "share": self.share}


@dataclass(frozen=True, slots=True)
class Claim:
    """One observation before it has a date and a reference.

    Parameters
    ----------
    signal, value, source, occurred_at
        As in `Observation`.
    text : str
        What shows it, in plain words; the reference names the tool as well.
    assets : Assets, optional
        What this claim is about where it is not the reading's own assets (domains rather than users).
    """

    signal: str
    value: Any
    source: SourceName
    text: str
    occurred_at: date | None = None
    assets: Assets | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one export says.

    Parameters
    ----------
    tool, tool_version : str
        What wrote the file; the version is None when the file does not tell.
    observed_at : datetime
        When the tool looked, with the day of the zone that the file tells it in (UTC where it tells none).
    observations : tuple of Observation
        Ready for `Profile.with_observations`.
    scope : mapping
        What the tool looked at, in its own words: hosts or tenant, command line, vantage.
    not_mapped : tuple of NotMapped
        Everything else the file holds, by reason.
    assets : Assets, optional
        How many hosts, users, domains were seen, and of how many; the share enters the weight of the observations.
    """

    tool: str
    tool_version: str | None
    observed_at: datetime
    observations: tuple[Observation, ...]
    scope: Mapping[str, Any] = field(hash=False)
    not_mapped: tuple[NotMapped, ...]
    assets: Assets | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "tool": self.tool,
            "tool_version": self.tool_version,
            "observed_at": self.observed_at.isoformat(),
            "observations": [one.model_dump(mode="json", exclude_defaults=True) for one in self.observations],
            "assets": self.assets.to_dict() if self.assets else None,
            "scope": dict(self.scope),
            "not_mapped": [{"why": one.why, "count": one.count, "what": list(one.what)} for one in self.not_mapped],
        }

    @classmethod
    def of(
        cls,
        tool: str,
        version: str | None,
        observed_at: datetime,
        claims: Iterable[Claim],
        *,
        assets: Assets | None,
        scope: Mapping[str, Any],
        leftovers: "Leftovers",
        assets_total: int | None = None,
    ) -> "Reading":
        """Make observations of claims: the one place where their date, reference and share of the scope are set.

        Parameters
        ----------
        tool, version, observed_at, assets, scope
            As in `Reading`; `version` is shown in every reference.
        claims : iterable of Claim
        leftovers : Leftovers
        assets_total : int, optional
            What the caller says of how many assets there are; it stands over what the file tells.

        Raises
        ------
        ReadingError
            When `assets_total` is less than what was seen.
        """
        if assets is not None and assets_total is not None:
            if (
                isinstance(assets_total, bool)
                or not isinstance(assets_total, int)
                or assets_total < max(1, assets.seen)
            ):
                raise ReadingError(
                    f"assets_total must be a whole number of at least the {assets.seen} {assets.kind} that {tool} saw; "
                    f"got {assets_total!r}: give how many there are in all"
                )
            assets = Assets(assets.kind, assets.seen, assets_total)
        elif assets_total is not None:
            leftovers.add("assets_total was given, but the file does not tell how many were seen", str(assets_total))
        label = f"{tool} {version[:40]}" if version else tool
        made = tuple(_observation(claim, observed_at, label, claim.assets or assets) for claim in claims)
        return cls(tool, version, observed_at, made, scope, leftovers.result(), assets)


def _observation(claim: Claim, when: datetime, label: str, assets: Assets | None) -> Observation:
    share = assets.share if assets is not None else None
    # A share says what a tool did not look at; evidence of nothing at all is not claimed in the first place.
    return Observation(
        signal=claim.signal,
        value=claim.value,
        observed_at=when,
        source=claim.source,
        occurred_at=claim.occurred_at,
        reference=f"{label}: {claim.text}"[:2000],
        scope_share=share if share and share < 1 else None,
    )


class Leftovers:
    """Counts what gave no observation while a file is read."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = {}

    def add(self, why: str, *what: str, count: int | None = None) -> None:
        """Count things (by default as many as are named) under a reason."""
        number = len(what) if count is None else count
        if number == 0:
            return
        self._counts[why] = self._counts.get(why, 0) + number
        names = self._names.setdefault(why, {})
        for one in what:
            if len(names) < MAX_NAMES:
                names[" ".join(one[:400].split())[:200]] = None

    def result(self) -> tuple[NotMapped, ...]:
        """All reasons, in the order they were met."""
        return tuple(NotMapped(why, count, tuple(self._names[why])) for why, count in self._counts.items())


def moment(value: object) -> datetime | None:
    """Return a time with the day of its own zone, from Unix seconds or ISO 8601 text; None when it cannot be true."""
    try:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            found = datetime.fromtimestamp(int(value), tz=UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value)
        else:
            return None
        return _plausible(found) if found.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def date_of(found: datetime | None, given: date | datetime | str | None, name: str, leftovers: Leftovers) -> datetime:
    """When the tool looked: the file's own date, else the caller's.

    Raises
    ------
    ReadingError
        When the file has none and the caller gives none, or when the caller gives what is not a date.
    """
    if given is None:
        if found is not None:
            return found
        wanted = "pass observed_at (--observed-at), such as 2026-11-23"
        raise ReadingError(f"{name}: the file does not tell when it was made: {wanted}")
    told: object = given
    if isinstance(given, datetime):
        told = given.isoformat() if given.tzinfo is not None else ""
    elif isinstance(given, date):
        told = f"{given.isoformat()}T00:00:00+00:00"
    elif isinstance(given, str) and len(given) == 10:
        told = f"{given}T00:00:00+00:00"
    when = moment(told)
    if when is None:
        raise ReadingError(
            f"{name}: observed_at must be a date or a time with a zone, from {_EARLIEST_YEAR}; got {given!r}"
        )
    if found is not None:
        leftovers.add("observed_at was given, but the file has its own date, which stands", str(given))
        return found
    return when


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(
    r"(?:(?P<day1>\d{1,2})[ -](?P<m1>[a-z]{3})[a-z]*|(?<![a-z])(?P<m2>[a-z]{3})[a-z]* +(?P<day2>\d{1,2})),?"
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)? ?(am|pm)?")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d.])")
_YEAR = re.compile(r"\b(\d{4})\b")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})\d*Z?")
_DAY = re.compile(r"(?:19|20)\d{6}")


def loose_moment(value: object) -> datetime | None:
    """Return a time with the day of its own zone, from what tools print.

    That is ISO 8601, Unix seconds, "Mon Jul  1 11:47:41 2013", "02/03/2026" or "02.03.2026". Text without a zone is
    taken as UTC, 02.03.2026 as March, and 02/03/2026 as February (US tools print it) unless, as in 22/09/2022, only the
    day may stand first. None when it is missing or cannot be true.
    """
    found = moment(value) if value else None
    if found is not None or not value or not isinstance(value, str) or len(value) > 60:
        return found
    if _DAY.fullmatch(value.strip()):
        value = f"{value.strip()}T000000"
    text = value.strip().lower()
    compact = _COMPACT.fullmatch(value.strip())
    try:
        if compact:
            year, month, day, hour, minute, second = (int(part) for part in compact.groups())
            return _plausible(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
        if re.match(r"\d{4}-\d{2}-\d{2}", text):
            naive = datetime.fromisoformat(value.strip())
            return _plausible(naive if naive.tzinfo is not None else naive.replace(tzinfo=UTC))
        clock, slashed, named = _CLOCK.search(text), _SLASHED.search(text), _NAMED.search(text)
        dotted = _DOTTED.search(text)
        hour, minute, second = _time_of_day(clock)
        if dotted:
            day, month, year = (int(part) for part in dotted.groups())
        elif slashed:
            month, day, year = (int(part) for part in slashed.groups())
            if month > 12:
                month, day = day, month
        else:
            told = _YEAR.search(text)
            name = (named["m1"] or named["m2"]) if named else None
            if named is None or told is None or name not in _MONTHS:
                return None
            month, day, year = _MONTHS.index(name) + 1, int(named["day1"] or named["day2"]), int(told[1])
        return _plausible(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _time_of_day(clock: re.Match[str] | None) -> tuple[int, int, int]:
    if clock is None:
        return 0, 0, 0
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4] == "pm" else 0)
    return hour, int(clock[2]), int(clock[3] or 0)


def _plausible(found: datetime) -> datetime | None:
    kept = with_own_day(found)
    return kept if kept.year >= _EARLIEST_YEAR else None
