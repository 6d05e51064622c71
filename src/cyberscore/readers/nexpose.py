"""Nexpose and InsightVM reports (XML 1.0, 2.0 and simple, CSV) as evidence of vulnerabilities.

A test counts when it found its vulnerability by exploit or by version; one that is only potential is reported. What
the owner made an exception of is open all the same. A host on which a test ended in an error, or was left out for a
CVE that is known to be exploited, is not shown to be clean.
A report may leave out severities without saying so: zero is
claimed only when one of the lowest (1 to 3 of 10) is among them. Definitions, which name the CVEs, stand after the
hosts. Which ports were scanned, and whether with credentials, is not told. Callers are the command line and apps.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar

from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_xml
from cyberscore.readers.elements import Elements
from cyberscore.readers.findings import Asset, Inventory, past_end_of_life
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.tables import Table, port_of, read_findings
from cyberscore.readers.vulnerabilities import Catalogue, cves_in

TOOL = "Nexpose"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 1_000_000_000
"""A report larger than this is refused; it is read as a stream."""

_OPEN = {"vulnerable-exploited", "vulnerable-version", "vulnerable", "vulnerable-exploited-with-exception",
         "vulnerable-version-with-exception", "exception-vulnerable-exploited", "exception-vulnerable-version",
         "ve", "vv", "ee", "ev", "exception-vulnerable-exploit"}  # fmt: skip
_POTENTIAL = {
    "vulnerable-potential",
    "vulnerable-potential-with-exception",
    "exception-vulnerable-potential",
    "vp",
    "ep",
}
_EXCEPTED = {"ee", "ev", "ep"}
_FAILED = {"error", "er", "unknown", "uk"}
_SKIPPED = {"not-tested", "nt", "skipped-dos", "sd", "skipped-disabled", "ds"}
"""Tests that the scan was told to leave out; one left out because of a version does not apply."""

TABLE = Table(
    headers=(("asset ip address", "vulnerability id"), ("asset ip address", "vulnerability title")),
    identity=("vulnerability id",),
    title=("vulnerability title", "vulnerability id"),
    host=("asset ip address", "asset names", "hostname(s)"),
    risk=("vulnerability severity level", "vulnerability severity"),
    cve=("vulnerability cve ids", "vulnerability cve id"),
    severities={"": "low", **dict.fromkeys("123", "medium"), **dict.fromkeys("4567", "high"),
                **dict.fromkeys(("8", "9", "10"), "critical")},
    first=("vulnerable since",),
    last=("vulnerability test date",),
    port=("service port",),
    protocol=("service protocol", "protocol"),
    service=("service name",),
    kind=("vulnerability test result code",),
    potential=frozenset({"vp", "ep"}),
    # overridden, not vulnerable, not tested, skipped, error, unknown
    informational=frozenset({"ov", "nv", "nt", "ds", "sd", "sv", "er", "uk", "vz"}),
    names=("asset names", "hostname(s)"),
    asset=("asset id",),
)  # fmt: skip


class _Report(Elements):
    tool = TOOL
    roots: ClassVar = frozenset({"NexposeReport", "NeXposeSimpleXML"})
    texts: ClassVar = frozenset({"reference", "id", "tag", "generated", "name"})

    def __init__(self, name: str, inventory: Inventory, leftovers: Leftovers) -> None:
        super().__init__(name)
        self.inventory, self.leftovers = inventory, leftovers
        self.assets: list[Asset] = []
        self.pending: list[tuple[Asset, str]] = []
        self.skipped: list[tuple[Asset, str]] = []
        self.titles: dict[str, str] = {}
        self.cves: dict[str, dict[str, None]] = {}
        self.asset: Asset | None = None
        self.endpoint: tuple[str, int] | None = None
        self.kind = self.vulnerability = ""
        self.newest: datetime | None = None
        self.version: str | None = None
        self.finished = True
        self.unfiltered = False
        self.scans = 0

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if tag in {"NexposeReport", "NeXposeSimpleXML"}:
            self.version = found.get("version", "")[:20] or None
        elif tag == "scan":
            self.scans += 1
            self.finished &= found.get("status", "finished").lower() == "finished"
            ended = loose_moment(found.get("endTime")) or loose_moment(found.get("startTime"))
            self.newest = max(filter(None, (self.newest, ended)), default=None)
        elif tag in {"node", "device"}:
            alive = found.get("status", "alive").lower() == "alive"
            self.asset = Asset(found.get("address", ""), exposure.address_of(found.get("address", "")), answered=alive)
        elif tag == "endpoint" or (tag == "service" and "port" in found):
            number = port_of(found.get("port", ""))
            is_open = found.get("status", "open").lower() == "open"
            self.endpoint = (found.get("protocol", "").lower(), number) if number is not None and is_open else None
            self._service("")
        if tag == "service":
            self._service(found.get("name", ""))
        elif tag in {"test", "vulnerability"} and self.asset is not None:
            self._test(self.asset, found)
        elif tag == "vulnerability":
            self.vulnerability = found.get("id", "").lower()
            self.titles[self.vulnerability] = found.get("title", "")[:300]
            self.unfiltered |= found.get("severity", "") in {"1", "2", "3"}
        elif tag in {"reference", "id"}:
            self.kind = (found.get("source") or found.get("type") or "").lower()

    def closed(self, tag: str, text: str) -> None:
        """Take an element's text."""
        if tag in {"reference", "id"} and self.kind == "cve":
            self.cves.setdefault(self.vulnerability, {}).update(dict.fromkeys(cves_in(text)))
        elif tag == "tag" and "obsolete" in text.lower() and self.vulnerability:
            title = self.titles.get(self.vulnerability, "")
            self.titles[self.vulnerability] = title if title.endswith(" (obsolete)") else f"{title} (obsolete)"
        elif tag == "name" and self.within("names") and self.asset is not None:
            self.asset.names.add(text[:255])
        elif tag in {"node", "device"} and self.asset is not None:
            self.assets.append(self.asset)
            self.asset = None
        elif tag == "endpoint":
            self.endpoint = None
        elif tag == "generated":
            self.newest = self.newest or loose_moment(text)

    def _service(self, name: str) -> None:
        if self.asset is not None and self.endpoint is not None:
            port = exposure.seen_port(*self.endpoint, name)
            if port.probed or self.endpoint not in self.asset.ports:
                self.asset.ports[self.endpoint] = port

    def _test(self, asset: Asset, found: dict[str, str]) -> None:
        asset.checked = True
        self.vulnerability = found.get("id", "").lower()
        status = (found.get("status") or found.get("resultCode") or "").lower()
        if "exception" in status or status in _EXCEPTED:
            self.leftovers.add("finding that its owner made an exception of: counts all the same", self.vulnerability)
        if status in _FAILED:
            self.leftovers.add(
                "test that ended in an error: zero is not claimed", f"{asset.label}: {self.vulnerability}", count=1
            )
            asset.failed = True
        if status in _SKIPPED:
            self.skipped.append((asset, self.vulnerability))
        if status in _OPEN:
            self.pending.append((asset, self.vulnerability))
        elif status in _POTENTIAL:
            self.leftovers.add("potential vulnerability, which nobody confirmed", self.vulnerability, count=1)

    def _cves(self, key: str) -> Collection[str]:
        return self.cves.get(key) or cves_in(key) or cves_in(self.titles.get(key, ""))

    def resolve(self, known: Catalogue) -> None:
        """Join findings with their definitions, and close the hosts."""
        for asset, key in self.skipped:
            if known.exploited(self._cves(key)):
                self.leftovers.add(
                    "test that was left out, of a CVE known to be exploited: zero is not claimed",
                    f"{asset.label}: {key}",
                    count=1,
                )
                asset.failed = True
        for asset, key in self.pending:
            title, cves = self.titles.get(key, ""), self._cves(key)
            if key not in self.titles and not cves:
                self.inventory.narrow("finding whose definition, and CVEs, the file does not hold", key)
            self.inventory.join(asset, cves)
            if past_end_of_life(title) or key.endswith(("-obsolete", "-obsolete-version")):
                asset.end_of_life = asset.end_of_life or title or key
            elif not cves:
                self.leftovers.add("finding without a CVE, which no signal rates", title or key, count=1)
        for asset in self.assets:
            self.inventory.close(asset)


def looks_like(head: Head) -> int:
    """Whether a file is a report by Nexpose or InsightVM."""
    return 2 if head.root in _Report.roots or TABLE.fits(head) else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a report of Nexpose or InsightVM in XML, or its table of vulnerability check results.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ended; used only when the file does not tell.
    assets_total : int, optional
        How many hosts there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood, see `exposure.Vantage`.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, cut short, or not such a report.
    """
    name, leftovers = name_of(source), Leftovers()
    inventory = Inventory(name, leftovers, vantage)
    if Head.of(source, MAX_BYTES).form == "text":
        newest = read_findings(source, TABLE, inventory, leftovers)
        return inventory.reading(
            TOOL,
            None,
            date_of(newest, observed_at, name, leftovers),
            complete=False,
            listed=False,
            catalogue=catalogue,
            assets_total=assets_total,
        )
    report = _Report(name, inventory, leftovers)
    read_xml(source, report, MAX_BYTES)
    known = catalogue if catalogue is not None else Catalogue.load()
    report.resolve(known)
    complete = report.finished and report.scans > 0 and report.unfiltered
    if not report.finished:
        leftovers.add("the scan did not run to its end: zero is not claimed", "scan")
    elif report.scans and not report.unfiltered:
        leftovers.add("no moderate vulnerability is told, which a report may leave out: zero is not claimed", "report")
    return inventory.reading(
        TOOL,
        report.version,
        date_of(report.newest, observed_at, name, leftovers),
        complete=complete,
        listed=True,
        catalogue=known,
        assets_total=assets_total,
    )
