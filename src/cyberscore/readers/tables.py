"""Findings of vulnerability scanners as CSV: callers are the readers of tools that export such tables.

A table lists findings, not hosts, and its filters are not told: zero is never claimed from it. Columns differ among
products and their versions, so each role has several names, of which the first that is filled counts. A finding whose
owner accepted it, or rated it lower, counts as the tool found it; one that its owner calls false is told, and neither
counts nor shows that anything is absent.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, loose_moment
from cyberscore.readers.documents import read_table
from cyberscore.readers.findings import Asset, Inventory, past_end_of_life
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.vulnerabilities import cves_in, probability

MAX_BYTES = 256_000_000
"""A table larger than this is refused."""

Names = tuple[str, ...]

_SLASHED = re.compile(r"\A(\d{1,2})/(\d{1,2})/(?=\d{4}\b)")
_DAY_FIRST = re.compile(r"(?:1[3-9]|2\d|3[01])/\d{1,2}/\d{4}\b")


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, in lower case, by what they hold.

    Parameters
    ----------
    headers : tuple of tuple of str
        Sets of columns, of which the header must hold one.
    title, host, risk, cve : tuple of str
    severities : mapping
        What the tool calls a severity to "critical", "high", "medium", "low" or "none"; others are taken as they are.
    original, scores : tuple of str
        What the tool itself said of the severity, in its words and as CVSS, where its owner may have changed that.
    changed : tuple of str
        Where the table tells that its owner did.
    names, asset : tuple of str
        All columns with a name of the host, and its number in the tool.
    identity : tuple of str
        The tool's number of the finding.
    state, fixed_states
        Where it says that a finding was fixed, and how.
    first, fixed, last, port, protocol, service, epss : tuple of str
    authenticated : tuple of str
        Filled when the finding was seen from inside.
    kind : tuple of str
        Where the table tells a confirmed finding from a potential or an informational one.
    potential, informational : frozenset of str
        What it calls those.
    quality : tuple of str
        Quality of detection, in percent.
    min_quality : int
        Findings of a lower quality are guesses.
    """

    headers: tuple[Names, ...]
    identity: Names
    title: Names
    host: Names
    risk: Names
    cve: Names
    severities: Mapping[str, str] = field(default_factory=dict)
    original: Names = ()
    scores: Names = ()
    changed: Names = ()
    names: Names = ()
    asset: Names = ()
    state: Names = ()
    fixed_states: frozenset[str] = frozenset()
    first: Names = ()
    fixed: Names = ()
    last: Names = ()
    port: Names = ("port",)
    protocol: Names = ("protocol",)
    service: Names = ("service",)
    epss: Names = ("epss", "epss score")
    authenticated: Names = ()
    kind: Names = ()
    potential: frozenset[str] = frozenset()
    informational: frozenset[str] = frozenset()
    quality: Names = ()
    min_quality: int = 0

    def fits(self, head: Head) -> bool:
        """Whether a file begins with such a header."""
        return head.form == "text" and any(head.has_columns(*one) for one in self.headers)

    def among(self, header: Collection[str]) -> "Table":
        """Return the same without names that a header does not hold: looking for them takes most of a row's time."""
        roles = ("identity", "title", "host", "risk", "cve", "state", "first", "fixed", "last", "port", "protocol",
                 "service", "epss", "authenticated", "kind", "quality")  # fmt: skip
        held: dict[str, Any] = {role: tuple(one for one in getattr(self, role) if one in header) for role in roles}
        return replace(self, **held)


Row = dict[str, str]
Special = Callable[[Row, str, Asset], bool]
"""Takes a row of its own kind, by its number; returns whether it did."""


def first_of(row: Row, names: Names) -> str:
    """Return the first of several columns that is filled."""
    for name in names:
        text = row.get(name, "").strip(" '\"-\t")
        if text and text.lower() != "null":
            return text
    return ""


_RISKS = ("none", "low", "medium", "high", "critical")
_FALSE = {"false positive", "false_positive", "falsepositive", "not a finding"}
_UNCHANGED = {"", "none", "no", "false", "0", "n/a"}


def score_of(text: str) -> float:
    """Return a CVSS score, 0 where there is none."""
    usable = re.fullmatch(r"\d{1,2}(?:\.\d{1,2})?", text.strip())
    return float(text) if usable else 0.0


def _risk_of(row: Row, table: Table) -> str:
    """Return a finding's severity as the tool found it: the highest of what the table says."""
    said = [first_of(row, table.risk), *(row.get(name, "").strip() for name in table.original)]
    first, *others = [table.severities.get(text.lower(), text.lower()) or "none" for text in said]
    if first not in _RISKS:
        return first
    if first == "none":  # a score says that something was found all the same
        score = max((score_of(row.get(name, "")) for name in table.scores), default=0.0)
        others.append(_RISKS[(score > 0) + (score >= 4) + (score >= 7) + (score >= 9)])
    return max((first, *(one for one in others if one in _RISKS)), key=_RISKS.index)


def read_findings(
    source: Input, table: Table, inventory: Inventory, leftovers: Leftovers, special: Special | None = None
) -> datetime | None:
    """Read a table into an inventory.

    Returns
    -------
    datetime or None
        When a finding was last seen.

    Raises
    ------
    ReadingError
        When the file cannot be read or has no such header.
    """
    head = Head.of(source, MAX_BYTES)
    columns = next((one for one in table.headers if head.has_columns(*one)), None)
    if columns is None:
        wanted = " or ".join(", ".join(one) for one in table.headers)
        raise ReadingError(f"{name_of(source)}: no row with the columns {wanted}: export the table with its header")
    table = table.among(head.columns(*columns))
    assets: dict[str, Asset] = {}
    newest: datetime | None = None
    told: set[tuple[str, str, str]] = set()  # some tables repeat a finding for each of its CVEs
    # One date such as 22/09/2022 shows that the tool wrote all with the day first.
    day_first = any(
        _DAY_FIRST.match(cell) for found in read_table(source, MAX_BYTES, columns) for cell in found.values()
    )
    for found in read_table(source, MAX_BYTES, columns):
        row = {name: _SLASHED.sub(r"\2/\1/", text) for name, text in found.items()} if day_first else found
        host = exposure.best_address(first_of(row, table.host).split(","))
        if not host:
            leftovers.add("row without a host", first_of(row, table.title) or "row", count=1)
            continue
        address = exposure.address_of(host)
        number = first_of(row, table.asset)
        key = f"number {number}" if number else str(address or host)
        asset = assets.get(key)
        if asset is None:
            asset = assets[key] = Asset(host, address)
        asset.reach(host)
        asset.names |= {row.get(name, "").strip()[:255] for name in table.names}
        seen = loose_moment(first_of(row, table.last))
        if seen is not None and (newest is None or seen > newest):
            newest = seen
        if special is None or not special(row, first_of(row, table.identity), asset):
            finding = (key, first_of(row, table.identity), first_of(row, table.port))
            _take(row, table, asset, inventory, leftovers, again=finding in told)
            told.add(finding)
    for asset in assets.values():
        inventory.patching.authenticated |= asset.authenticated
        inventory.close(asset)
    return newest


def _unproven(row: Row, table: Table) -> str:
    """Why a row shows no finding that stands; empty when it does."""
    kind, quality = first_of(row, table.kind).lower(), first_of(row, table.quality).removesuffix("%")
    if kind in table.potential:
        return "potential vulnerability, which nobody confirmed"
    if kind in table.informational:
        return "informational finding"
    if not _FALSE.isdisjoint(first_of(row, names).lower() for names in (table.state, table.risk, table.changed)):
        return "finding that its owner calls false: not shown to be absent"
    if quality.isascii() and quality.isdigit() and int(quality[:5]) < table.min_quality:
        return f"result of a quality of detection below {table.min_quality} %"
    return ""


def _take(row: Row, table: Table, asset: Asset, inventory: Inventory, leftovers: Leftovers, *, again: bool) -> None:
    title = first_of(row, table.title) or first_of(row, table.identity)
    risk = _risk_of(row, table)
    unproven = _unproven(row, table)
    if unproven:
        risk = "none"
    fixed = first_of(row, table.state).lower() in table.fixed_states
    asset.authenticated |= bool(first_of(row, table.authenticated))
    if risk != "none" and not again:
        first, last = loose_moment(first_of(row, table.first)), loose_moment(first_of(row, table.fixed))
        days = (first.date() if first else None, last.date() if last else None)
        inventory.patching.add(risk, *days, is_open=not fixed)
    if fixed:
        leftovers.add("fixed finding", title, count=1)
        return
    number, protocol = port_of(first_of(row, table.port)), first_of(row, table.protocol).lower()
    if number is not None and protocol:
        port = exposure.seen_port(protocol, number, first_of(row, table.service))
        asset.ports.setdefault((protocol, number), port)
    if risk == "none":
        leftovers.add(unproven or "informational finding", title, count=1)
        return
    if any(row.get(name, "").strip().lower() not in _UNCHANGED for name in table.changed):
        leftovers.add("finding that its owner accepted or made less severe: counts as it was found", title, count=1)
    # Some findings are named by their CVE alone: by their number, or else by their title.
    cves = cves_in(first_of(row, table.cve)) or cves_in(first_of(row, table.identity)) or cves_in(title)
    asset.cves.update(dict.fromkeys(cves))
    score = probability(first_of(row, table.epss))
    if score is not None and len(cves) == 1:
        inventory.scores[cves[0]] = score
    if first_of(row, ("unsupported by vendor",)).lower() == "true" or past_end_of_life(title):
        asset.end_of_life = asset.end_of_life or title
    elif not cves:
        leftovers.add("finding without a CVE, which no signal rates", title, count=1)


def port_of(text: str) -> int | None:
    """Return a port's number, None for 0, "general" and what is none."""
    usable = text.isascii() and text.isdigit() and len(text) <= 5
    return int(text) if usable and 0 < int(text) < 65536 else None
