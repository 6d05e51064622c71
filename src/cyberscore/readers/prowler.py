"""Prowler's own formats: CSV of versions 2 to 5, JSON of 2 and 3: callers are the command line and apps.

Results are counted by `benchmark`. Its OCSF files, version 4 and later, are read as any OCSF (see `ocsf`). Version 2
writes CSV without a date. A result that the owner muted counts as a failure: what it was before is not told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import ocsf
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.benchmark import Benchmark
from cyberscore.readers.documents import read_objects, read_table
from cyberscore.readers.fields import text_at, texts_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "Prowler"

MAX_BYTES = 256_000_000
"""A file larger than this is refused."""

_ALIASES = {
    "status": ("status", "check_result"),
    "title": ("title_text", "control", "check_title", "checktitle"),
    "check": ("check_id", "checkid"),
    "account": (
        "account_uid",
        "account_id",
        "accountid",
        "account_num",
        "account number",
        "accountuid",
        "subscription",
        "subscriptionid",
        "project_id",
        "projectid",
    ),
    "resource": ("resource_uid", "resource_id", "resourceid", "resource id", "resourcearn", "resource_name"),
    "text": ("status_extended", "statusextended", "check_result_extended", "message"),
    "time": ("timestamp", "assessment_start_time", "assessmentstarttime", "assessmentdate"),
    "version": ("prowler_version",),
    "service": ("service_name", "servicename", "check_servicename", "service"),
    "severity": ("severity", "check_severity"),
    "categories": ("categories",),
}
_MUTED = {"muted", "warning"}
"""How results on a mutelist (version 4), or an allowlist (2 and 3), are called."""
_TITLE = re.compile(r"\[((?:check|extra)\d+)\]", re.IGNORECASE)
_CSV_HEADERS = (
    ("check_result", "title_text"),
    ("check_id", "status", "provider"),
    ("check_id", "status", "status_extended"),
    ("checkid", "status", "statusextended"),  # one of its files by framework, such as CIS
)


@dataclass(frozen=True, slots=True)
class _Row:
    status: str
    title: str
    check: str
    account: str
    resource: str
    text: str
    time: str
    version: str
    service: str
    severity: str
    categories: str


def looks_like(head: Head) -> int:
    """Whether a file is Prowler's, other than OCSF."""
    if head.form == "text":
        return 2 if any(head.has_columns(*names) for names in _CSV_HEADERS) else 0
    own = head.has_keys("CheckID", "Status", "StatusExtended") or head.has_keys("Control", "Status", "Control ID")
    return 2 if own else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read results of Prowler, CSV or JSON.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When it ran; used only when the file does not tell (CSV of version 2).
    assets_total : int, optional
        How many cloud accounts or subscriptions there are in all.

    Raises
    ------
    ReadingError
        When the file is missing, too large, damaged, or not Prowler's.
    """
    name, leftovers = name_of(source), Leftovers()
    head = Head.of(source, MAX_BYTES)
    if head.form == "xml":
        raise ReadingError(f"{name}: not results of Prowler (XML): give its CSV or JSON file")
    if "class_uid" in head.keys:
        return ocsf.read(source, observed_at=observed_at, assets_total=assets_total)
    benchmark = Benchmark(name, leftovers)
    first, version, rows = None, "", 0
    for row in _table(source, head, name) if head.form == "text" else _json(source, name):
        status = "fail" if row.status.strip().casefold() in _MUTED else row.status
        benchmark.take(
            _check(row), status,
            account=row.account, resource=row.resource, text=row.text, service=row.service, severity=row.severity,
            categories=re.split(r"[|,]", row.categories),
        )  # fmt: skip
        told = loose_moment(row.time)
        first = min(first, told) if first is not None and told is not None else told or first
        version, rows = version or row.version, rows + 1
    if not rows:
        raise ReadingError(f"{name}: holds no results: run Prowler again and export all of them")
    return Reading.of(
        TOOL,
        version[:40] or None,
        date_of(first, observed_at, name, leftovers),
        list(benchmark.claims()),
        assets=benchmark.assets,
        scope={"accounts": list(benchmark.accounts)[:200], "results": rows},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _check(row: _Row) -> str:
    """Id of a check; version 2 hides it in the title."""
    found = _TITLE.search(row.title)
    return (found[1].lower() if found else row.check or row.title)[:200]


def _table(source: Input, head: Head, name: str) -> Iterator[_Row]:
    columns = next((names for names in _CSV_HEADERS if head.has_columns(*names)), None)
    if columns is None:
        raise ReadingError(f"{name}: not results of Prowler (no columns CHECK_ID and STATUS): give its CSV or JSON")
    for row in read_table(source, MAX_BYTES, columns):
        yield _row(row)


def _json(source: Input, name: str) -> Iterator[_Row]:
    for found in read_objects(source, MAX_BYTES):
        row = _row({str(key).casefold(): value for key, value in found.items()})
        if not row.status or not _check(row):
            raise ReadingError(
                f"{name}: not results of Prowler (one without a check and a status): give its CSV or JSON"
            )
        yield row


def _row(found: dict[str, Any]) -> _Row:
    found = {**found, "categories": ",".join(texts_at(found, "categories"))}
    return _Row(**{key: next((text for one in names if (text := text_at(found, one))), "")
                   for key, names in _ALIASES.items()})  # fmt: skip
