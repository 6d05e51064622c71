"""Qualys reports as evidence of vulnerabilities: callers are the command line and apps.

Four formats: the asset data report and the scan result (XML), the host list detection of the API (XML, which names no
CVE) and tables of VMDR and of scan-based reports (CSV). A confirmed vulnerability counts, a potential one is reported.
A host's "Host Scan Time" (QID 45038) shows that its scan ended and that the report keeps what is informational:
without it nothing is claimed to be zero. Which ports were scanned is not told.
"""

import re
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

TOOL = "Qualys"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 1_000_000_000
"""A report larger than this is refused; it is read as a stream."""
HOST_SCAN_TIME, OPEN_TCP, OPEN_UDP = "45038", "82023", "82004"
SEVERITIES = {"5": "critical", "4": "high", "3": "medium", "2": "low", "1": "low"}

_POTENTIAL = {"practice", "potential", "potential vulnerability"}
_INFORMATIONAL = {"ig", "info", "information", "information gathered"}

TABLE = Table(
    headers=(("qid", "title", "severity"), ("qid", "vuln title")),
    identity=("qid",),
    title=("title", "vuln title"),
    host=("asset ipv4", "asset ipv6", "ip", "ip address", "ip interfaces", "dns", "fqdn", "asset name"),
    risk=("severity", "kb severity"),
    cve=("cve id", "cveid", "cve", "cve-description", "cve ids"),
    severities=SEVERITIES,
    state=("status", "vuln status"),
    fixed_states=frozenset({"fixed"}),
    first=("first detected", "first found"),
    fixed=("last fixed", "date last fixed"),
    last=("last detected", "last found", "last scan"),
    kind=("type", "type detected", "vuln type"),
    potential=frozenset(_POTENTIAL),
    informational=frozenset(_INFORMATIONAL),
)

_FOUND = frozenset({"VULN_INFO", "DETECTION", "INFO", "VULN", "PRACTICE", "SERVICE"})


class _Report(Elements):
    tool = TOOL
    roots: ClassVar = frozenset({"ASSET_DATA_REPORT", "SCAN", "HOST_LIST_VM_DETECTION_OUTPUT", "QUALYS_REPORT"})
    texts: ClassVar = frozenset(
        {"IP", "IPV6", "DNS", "QID", "TYPE", "SEVERITY", "PORT", "SERVICE", "PROTOCOL", "RESULT", "RESULTS",
         "FIRST_FOUND", "LAST_FOUND", "LAST_FIXED", "FIRST_FOUND_DATETIME", "LAST_FOUND_DATETIME",
         "LAST_FIXED_DATETIME", "VULN_STATUS", "STATUS", "TITLE", "ID", "KEY", "DATETIME", "GENERATION_DATETIME",
         "LAST_SCAN_DATETIME", "LAST_VM_SCANNED_DATE", "LAST_VM_AUTH_SCANNED_DATE", "CVE",
         "TRACKING_METHOD"}
    )  # fmt: skip

    def __init__(self, name: str, inventory: Inventory, leftovers: Leftovers) -> None:
        super().__init__(name)
        self.inventory, self.leftovers = inventory, leftovers
        self.assets: list[Asset] = []
        self.pending: list[tuple[Asset, str]] = []
        self.titles: dict[str, str] = {}
        self.cves: dict[str, dict[str, None]] = {}
        self.listed: list[str] = []
        self.severities: dict[str, str] = {}
        self.history: list[tuple[str, str, date | None, date | None, bool]] = []
        self.asset = Asset("")
        self.found: dict[str, str] = {}
        self.place: dict[str, str] = {}
        self.key = ""
        self.qid = ""
        self.keys: dict[str, str] = {}
        self.newest: datetime | None = None
        self.made: datetime | None = None
        self.whole = True

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if tag == "HOST" and not self.within("HOSTS", "HOST"):
            self.asset = Asset("")
        elif tag == "IP" and "value" in found:  # a host of a scan result
            alive = found.get("status", "").lower() != "down"
            self.asset = Asset(found["value"], exposure.address_of(found["value"]), answered=alive)
            self.key = "IP"
        elif tag == "ERROR" and self.within("SCAN", "ERROR"):
            self._part("the scan reports an error: zero is not claimed", found.get("number", "error"))
        elif tag == "CAT":
            self.place = found
        elif tag in _FOUND and not (tag == "SERVICE" and "number" not in found):
            self.found, self.listed = {**found, "kind": tag}, []
        elif tag == "VULN_DETAILS":
            self.qid = found.get("id", "").removeprefix("qid_")
        elif tag == "QID" and self.path[-2:] == ["VULN_INFO", "QID"] and "id" in found:
            self.found["QID"] = found["id"].removeprefix("qid_")
        elif tag == "KEY":
            self.key = found.get("value", "")

    def closed(self, tag: str, text: str) -> None:
        """Take an element's text."""
        parent = self.path[-1] if self.path else ""
        if tag == "KEY":
            self.keys[self.key] = text[:500]
        elif tag in {"DATETIME", "GENERATION_DATETIME"}:
            self.made = self.made or loose_moment(text)
        elif parent == "HOST":
            self._in_host(tag, text)
        elif tag == "HOST" or (tag == "IP" and self.asset.name and parent == "SCAN"):
            self._end_host()
        elif tag == "WARNING" and parent == "RESPONSE":
            self._part("one page of a longer list: give the others as well", "hosts")
        elif parent in {"VULN_INFO", "DETECTION"} or (parent in _FOUND and tag in self.texts):
            self._in_found(tag, text)
        elif tag in _FOUND and self.found:
            self._end_found(self.found)
            self.found = {}
        elif "VULN_DETAILS" in self.path:
            self._in_details(tag, text)
        elif tag == "ID" and parent in {"CVE_ID", "CVE"} and self.found:
            self.listed.append(text)

    def _part(self, why: str, what: str) -> None:
        self.whole = False
        self.leftovers.add(why, what)

    def _in_host(self, tag: str, text: str) -> None:
        if tag == "IP" or (tag == "IPV6" and self.asset.address is None):
            self.asset.name = text or self.asset.name
            self.asset.address = exposure.address_of(text) or self.asset.address
        elif tag == "DNS" and not self.asset.name:
            self.asset.name = text
        elif tag in {"LAST_VM_SCANNED_DATE", "LAST_SCAN_DATETIME"}:
            self._saw(loose_moment(text))
        elif tag == "LAST_VM_AUTH_SCANNED_DATE":
            self.asset.authenticated |= bool(text)
        elif tag == "TRACKING_METHOD":
            self.asset.authenticated |= text.upper() in {"QAGENT", "AGENT"}

    def _in_found(self, tag: str, text: str) -> None:
        if tag in self.texts and text:
            self.found[tag] = text

    def _in_details(self, tag: str, text: str) -> None:
        if tag == "TITLE":
            self.titles[self.qid] = text[:300]
        elif tag == "QID" and text:
            self.qid = text
        elif tag == "SEVERITY":
            self.severities[self.qid] = text[:9]
        elif tag == "ID" and self.within("CVE_ID"):
            self.cves.setdefault(self.qid, {}).update(dict.fromkeys(cves_in(text)))

    def _saw(self, when: datetime | None) -> None:
        if when is not None and (self.newest is None or when > self.newest):
            self.newest = when

    def _end_found(self, found: dict[str, str]) -> None:
        self.asset.answered = True
        qid = found.get("QID") or found.get("number", "")
        kind = found.get("TYPE", found["kind"]).lower()
        kind = {"info": "ig", "service": "ig"}.get(kind, kind)
        self._ports(found, qid)
        if qid == HOST_SCAN_TIME:
            self.asset.checked = True
        if "TITLE" in found:
            self.titles.setdefault(qid, found["TITLE"][:300])
        last = loose_moment(found.get("LAST_FOUND_DATETIME") or found.get("LAST_FOUND"))
        self._saw(last)
        if kind in _INFORMATIONAL:
            self.leftovers.add("informational finding", f"QID {qid}", count=1)
            return
        if kind in _POTENTIAL:
            self.leftovers.add("potential vulnerability, which nobody confirmed", f"QID {qid}", count=1)
            return
        still = (found.get("VULN_STATUS") or found.get("STATUS") or "active").lower() != "fixed"
        first = loose_moment(found.get("FIRST_FOUND_DATETIME") or found.get("FIRST_FOUND"))
        fixed = loose_moment(found.get("LAST_FIXED_DATETIME") or found.get("LAST_FIXED"))
        severity = found.get("SEVERITY") or found.get("severity", "")
        self.history.append((qid, severity, first.date() if first else None, fixed.date() if fixed else None, still))
        if not still:
            self.leftovers.add("fixed finding", f"QID {qid}", count=1)
            return
        cves = cves_in(" ".join((found.get("cveid", ""), *self.listed, found.get("CVE", ""))))
        if cves:
            self.cves.setdefault(qid, {}).update(dict.fromkeys(cves))
        self.pending.append((self.asset, qid))

    def _ports(self, found: dict[str, str], qid: str) -> None:
        number = port_of(found.get("PORT") or self.place.get("port", ""))
        protocol = (found.get("PROTOCOL") or self.place.get("protocol", "")).lower()
        if number is not None and protocol in {"tcp", "udp"}:
            self._port(protocol, number, found.get("SERVICE", ""))
        if qid in {OPEN_TCP, OPEN_UDP}:
            for line in (found.get("RESULT") or found.get("RESULTS") or "").splitlines():
                cells = line.split("\t")
                listed = port_of(cells[0].strip())
                protocol, service = "tcp" if qid == OPEN_TCP else "udp", cells[3] if len(cells) > 3 else ""
                if listed is not None and (service or (protocol, listed) not in self.asset.ports):
                    self._port(protocol, listed, service)

    def _port(self, protocol: str, number: int, service: str) -> None:
        port = exposure.seen_port(protocol, number, re.sub(r"(?<!\W)\W+over\W.*", "", service.lower()))
        if port.probed or (protocol, number) not in self.asset.ports:
            self.asset.ports[protocol, number] = port

    def _end_host(self) -> None:
        if self.asset.name:
            self.assets.append(self.asset)
        else:
            self.leftovers.add("host without an address", "host")
        self.asset = Asset("")

    def resolve(self) -> None:
        """Join findings with the glossary, which stands after them, and close the hosts."""
        for asset, qid in self.pending:
            title, cves = self.titles.get(qid, ""), self.cves.get(qid, {})
            self.inventory.join(asset, cves)
            if past_end_of_life(title):
                asset.end_of_life = asset.end_of_life or title
            elif not cves:
                why = (
                    "finding without a CVE, which no signal rates" if title else "QID whose CVEs the file does not name"
                )
                self.leftovers.add(why, title or f"QID {qid}", count=1)
        for qid, severity, first, fixed, still in self.history:
            risk = SEVERITIES.get(severity or self.severities.get(qid, ""), "none")
            self.inventory.patching.add(risk, first, fixed, is_open=still)
        alive, listed = self.keys.get("NBHOST_ALIVE", ""), sum(asset.answered for asset in self.assets)
        if alive.isascii() and alive.isdigit() and int(alive[:9]) > listed:
            self._part("not all hosts that answered are listed: zero is not claimed", f"{listed} of {alive[:9]}")
        for asset in self.assets:
            self.inventory.patching.authenticated |= asset.authenticated
            self.inventory.close(asset)

    @property
    def complete(self) -> bool:
        """Whether every host was scanned to its end, and what is informational was kept."""
        ended = self.keys.get("STATUS", "FINISHED").upper() in {"FINISHED", "FINISHED "}
        answered = [asset for asset in self.assets if asset.answered]
        return self.whole and ended and bool(answered) and all(asset.checked for asset in answered)


def looks_like(head: Head) -> int:
    """Whether a file is a report by Qualys."""
    if head.form == "xml":
        scan = head.root == "SCAN" and bool(head.elements & {"KEY", "IP", "HEADER", "ERROR"})
        return 2 if scan or head.root in _Report.roots - {"SCAN"} else 0
    return 2 if TABLE.fits(head) else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a report of Qualys: asset data, scan result, host list detection or table.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When findings were last seen; used only when the file does not tell.
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
    complete = False
    if Head.of(source, MAX_BYTES).form == "text":
        found = read_findings(source, TABLE, inventory, leftovers)
    else:
        report = _Report(name, inventory, leftovers)
        read_xml(source, report, MAX_BYTES)
        report.resolve()
        found = report.newest or loose_moment(report.keys.get("DATE")) or report.made
        complete = report.complete
    return inventory.reading(
        TOOL,
        None,
        date_of(found, observed_at, name, leftovers),
        complete=complete,
        listed=complete,
        catalogue=catalogue,
        assets_total=assets_total,
    )
