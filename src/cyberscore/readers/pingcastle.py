"""PingCastle's health check of an Active Directory domain (XML): callers are the command line and apps.

- `dormant_account_share`: enabled user accounts without a logon for six months, PingCastle's own threshold (so at
  least this share is unused for 90 days), of all enabled ones.
- `end_of_life_share`: active computers whose Windows no longer gets updates, of all active ones; what systems without
  a known name, or active computers that no system is listed for, could change is left open.

Its scores are risk scores, 100 the worst, and no share of a benchmark: they and the rules behind them are reported.
Smart cards required of few administrators do not show that the others lack MFA. One file is one domain.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from importlib import resources

from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.bounds import certain_end
from cyberscore.readers.documents import MAX_DEPTH, read_xml
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "PingCastle"

MAX_BYTES = 256_000_000
"""A report larger than this is refused."""
MAX_TEXT = 4_000
"""Characters of one element's text that are kept."""

_TOP = {
    "EngineVersion", "GenerationDate", "DomainFQDN", "GlobalScore", "StaleObjectsScore", "PrivilegiedGroupScore",
    "TrustScore", "AnomalyScore", "MaturityLevel", "NumberOfDC", "LAPSInstalled", "NewLAPSInstalled", "LastADBackup",
}  # fmt: skip
_SYSTEM = ("OperatingSystem", "HealthcheckOSData")


@cache
def _windows() -> tuple[tuple[re.Pattern[str], date], ...]:
    text = resources.files("cyberscore.readers").joinpath("windows_support.toml").read_text(encoding="utf-8")
    return tuple((re.compile(one["pattern"], re.IGNORECASE), one["ends"]) for one in tomllib.loads(text)["system"])


def windows_support_ends(name: str) -> date | None:
    """Date until which a Windows of this name gets free security updates; None when the name is not known."""
    if "windows" not in name.lower():
        return None
    return next((ends for pattern, ends in _windows() if pattern.search(name)), None)


class _Report:
    """Target of the XML parser: keeps the few counts that rate, not the document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path: list[str] = []
        self.text: list[str] = []
        self.size = 0
        self.top: dict[str, str] = {}
        self.users: dict[str, str] = {}
        self.computers: dict[str, str] = {}
        self.system: dict[str, str] = {}
        self.systems: list[tuple[str, int]] = []
        self.rules: list[str] = []

    def start(self, tag: str, _: dict[str, str]) -> None:
        """Open an element."""
        if not self.path and tag != "HealthcheckData":
            raise ReadingError(f"{self.name}: not a health check by PingCastle (root element <{tag[:60]}>)"
                               ": give its ad_hc_*.xml")  # fmt: skip
        if len(self.path) >= MAX_DEPTH:
            raise ReadingError(f"{self.name}: nested deeper than {MAX_DEPTH} levels: use the file as written")
        self.path.append(tag)
        self.text, self.size = [], 0

    def data(self, text: str) -> None:
        """Take text."""
        if self.size < MAX_TEXT:
            self.text.append(text)
            self.size += len(text)

    def end(self, tag: str) -> None:
        """Close an element: its text is complete."""
        text = "".join(self.text)[:MAX_TEXT].strip()
        self.text, self.size = [], 0
        self.path.pop()
        inside = tuple(self.path[1:])
        if not inside and tag in _TOP:
            self.top[tag] = text
        elif inside == ("UserAccountData",):
            self.users[tag] = text
        elif inside == ("ComputerAccountData",):
            self.computers[tag] = text
        elif inside == ("RiskRules", "HealthcheckRiskRule") and tag == "RiskId":
            self.rules.append(text[:100])
        elif inside in {_SYSTEM, (*_SYSTEM, "data")}:
            self.system[tag] = text
        elif inside == _SYSTEM[:1] and tag == _SYSTEM[1]:
            self._end_system()

    def _end_system(self) -> None:
        counts = (_count(self.system.get(key)) for key in ("NumberActive", "NumberEnabled", "NumberOfOccurence"))
        number = next((one for one in counts if one is not None), None)
        if number:
            self.systems.append((self.system.get("OperatingSystem", "")[:200], number))
        self.system = {}


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 9 else None


def looks_like(head: Head) -> int:
    """Whether a file is a health check by PingCastle."""
    return 2 if head.form == "xml" and head.root == "HealthcheckData" else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read the XML report of a health check by PingCastle.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When it ran; used only when the file does not tell.
    assets_total : int, optional
        How many enabled users there are in all domains.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not XML, or not PingCastle's.
    """
    name, leftovers = name_of(source), Leftovers()
    report = _Report(name)
    read_xml(source, report, MAX_BYTES)
    made = loose_moment(report.top.get("GenerationDate"))
    when = date_of(made, observed_at, name, leftovers)
    leftovers.add("rule of the health check that no signal rates", *report.rules)
    enabled = _count(report.users.get("NumberEnabled"))
    scores = {key: report.top[key] for key in sorted(_TOP) if key in report.top}
    return Reading.of(
        TOOL,
        report.top.get("EngineVersion") or None,
        when,
        [
            *_dormant(report.users, enabled, leftovers),
            *_end_of_life(report.systems, _count(report.computers.get("NumberActive")), when, leftovers),
        ],
        assets=Assets("users", enabled) if enabled else None,
        scope={key: value[:200] for key, value in scores.items()},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _dormant(users: dict[str, str], enabled: int | None, leftovers: Leftovers) -> Iterator[Claim]:
    inactive = _count(users.get("NumberInactive"))
    if enabled and inactive is not None and inactive <= enabled:
        text = f"{inactive} of {enabled} enabled users without a logon for six months"
        yield Claim("dormant_account_share", round(inactive / enabled, 6), "telemetry", text)
    else:
        leftovers.add("enabled and inactive users are not told", "dormant_account_share")


def _end_of_life(
    systems: list[tuple[str, int]], active: int | None, when: datetime, leftovers: Leftovers
) -> Iterator[Claim]:
    listed = sum(number for _, number in systems)
    if not listed:
        leftovers.add("no active computer is listed", "end_of_life_share")
        return
    total = max(listed, active or 0)
    past: dict[str, int] = {}
    unknown = total - listed
    leftovers.add("active computer whose system is not listed", "computer", count=unknown)
    for system, number in systems:
        ends = windows_support_ends(system)
        if ends is None:
            unknown += number
            leftovers.add("system whose end of life is not known", system or "not set", count=number)
        elif ends < when.date():
            past[system] = past.get(system, 0) + number
    ended = sum(past.values())
    share = certain_end("end_of_life_share", round(ended / total, 6), round((ended + unknown) / total, 6))
    if share is None:
        leftovers.add("depends on systems whose end of life is not known", "end_of_life_share")
        return
    named = ", ".join(f"{number} {system}" for system, number in past.items()) or "none"
    text = f"past support of {total} active computers: {named}"
    yield Claim("end_of_life_share", share, "telemetry", text, assets=Assets("hosts", total))
