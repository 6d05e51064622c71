"""Qualys reports as evidence of vulnerabilities: callers are the command line and apps.

Four formats: the asset data report and the scan result (XML), the host list detection of the API (XML, which names no
CVE) and tables of VMDR and of scan-based reports (CSV). A confirmed vulnerability counts, a potential one is reported.
A host's "Host Scan Time" (QID 45038) shows that its scan ended and that the report keeps what is informational:
without it nothing is claimed to be zero. Nor is it of a host whose scan was disturbed, nor of vulnerabilities when the
option profile chose some of them, or when findings that their owner ignored or disabled may be left out of the report:
both the API and the usual templates do so. Where they are there, they are open. Which ports were scanned is not told.
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
WITHOUT_ANSWER = {HOST_SCAN_TIME, "6", "45006"}
"""What is told of a dead host that is scanned all the same: the scan itself, its name in DNS, the way to it."""
_DEAD_TOO = re.compile(r"\bdead hosts?\s*(?::\s*)?(?:on|yes|enabled)\b", re.IGNORECASE)
DISTURBED = {"42432", "86476"}
"""Possible scan interference, and a web server that stopped responding: the checks of a host were not whole."""
_DISTURBED = re.compile(
    r"scan interference|stopped responding|(?:no longer|not) respond|unreachable during|"
    r"scan\b[^.\n]{0,40}\b(?:timed out|aborted|interrupted|blocked|terminated|incomplete|not complete)",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"vulnerability detection\s*:\s*(?!complete)\w|\b(?:selective|custom) (?:vulnerability|scan)|\bselected qids?\b|"
    r"\bexcluded qids?\s*:\s*\d|\blight inventory\b|\bbasic information gathering\b|"
    r"scanned tcp ports\s*:\s*(?:none|light|targeted|additional|custom)",
    re.IGNORECASE,
)
"""What an option profile says when it looks for some vulnerabilities, or at few ports, alone."""
_STATUSES = re.compile(r"^Status: ?(\w[\w-]*(?:, ?[\w-]+)*)")
"""Whether a report keeps findings that are new, seen again, and back again."""
_LEFT_OUT = re.compile(
    r"\bExclude [\w -]+: ?On\b|\bIncluded Operating Systems: ?(?!All\b)\w+|\bSeverit(?:y|ies)(?: Levels?)?: ?\d|"
    r"\b(?:Selective|Custom)\b[^:]*:|\bSearch Lists?: ?\w+",
    re.IGNORECASE,
)
"""What a report's template leaves out besides."""
_STATES = re.compile(r"Vulnerabilities: ?State: ?(\w+(?:, ?\w+)*)")
"""Which findings a report keeps, by what their owner made of them."""
SEVERITIES = {"5": "critical", "4": "high", "3": "medium", "2": "low", "1": "low"}

_POTENTIAL = {"practice", "potential", "potential vulnerability"}
_INFORMATIONAL = {"ig", "info", "information", "information gathered"}

TABLE = Table(
    headers=(("qid", "title", "severity"), ("qid", "vuln title")),
    identity=("qid",),
    title=("title", "vuln title"),
    host=("asset ipv4", "asset ipv6", "ip", "ip address", "ip interfaces", "dns", "fqdn", "asset name"),
    risk=("severity", "kb severity"),
    original=("kb severity", "standard severity"),
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
    changed=("ignored", "is ignored", "disabled", "is disabled"),
    names=("dns", "fqdn", "netbios", "asset name"),
    asset=("host id", "asset id"),
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
         "TRACKING_METHOD", "NETBIOS", "IS_IGNORED", "IS_DISABLED", "FILTER_SUMMARY"}
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
        self.filters = self.root = ""
        self.spoke = False

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if len(self.path) == 1:
            self.root = tag
        if self.within("TEMPLATE_DETAILS", tag) and tag != "FILTER_SUMMARY":
            self.inventory.narrow("the report's template chooses findings", tag)
        if tag == "HOST" and not self.within("HOSTS", "HOST"):
            self.asset = Asset("")
        elif tag == "IP" and "value" in found:  # a host of a scan result
            alive = found.get("status", "").lower() != "down"
            self.asset = Asset(found["value"], exposure.address_of(found["value"]), answered=alive)
            self.asset.names.add(found.get("name", "")[:255])
            self.key, self.spoke = "IP", False
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
            self.keys[self.key] = text[:5000]
        elif tag == "FILTER_SUMMARY":
            self.filters = " ".join(text.split())
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
        elif tag in {"DNS", "NETBIOS"}:
            self.asset.name = self.asset.name or (text if tag == "DNS" else "")
            self.asset.names.add(text[:255])
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
        self.spoke |= qid not in WITHOUT_ANSWER
        self._ports(found, qid)
        if qid == HOST_SCAN_TIME:
            self.asset.checked = True
        result = found.get("RESULT") or found.get("RESULTS") or ""
        if qid in DISTURBED or (kind in _INFORMATIONAL and _DISTURBED.search(f"{found.get('TITLE', '')}\n{result}")):
            self.asset.failed = True
            self.leftovers.add("the scan of a host was disturbed: zero is not claimed", f"{self.asset.name}: QID {qid}")
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
        # Its owner may have given it another severity than the standard one.
        severity = max(found.get("SEVERITY") or found.get("severity", ""), found.get("standard-severity", ""))
        self.history.append((qid, severity, first.date() if first else None, fixed.date() if fixed else None, still))
        if not still:
            self.leftovers.add("fixed finding", f"QID {qid}", count=1)
            return
        if found.get("IS_IGNORED") == "1" or found.get("IS_DISABLED") == "1":
            self.leftovers.add("finding that its owner ignored or disabled: counts all the same", f"QID {qid}", count=1)
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
        if not self.spoke and _DEAD_TOO.search(self.keys.get("OPTIONS", "")):
            self.asset.answered = False
            self.leftovers.add("host of which nothing shows that it answered", self.asset.name)
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
                if title:
                    self.leftovers.add("finding without a CVE, which no signal rates", title, count=1)
                else:
                    self.inventory.narrow("QID whose CVEs the file does not name", f"QID {qid}")
        for qid, severity, first, fixed, still in self.history:
            risk = SEVERITIES.get(severity or self.severities.get(qid, ""), "none")
            self.inventory.patching.add(risk, first, fixed, is_open=still)
        alive, listed = self.keys.get("NBHOST_ALIVE", ""), sum(asset.answered for asset in self.assets)
        if alive.isascii() and alive.isdigit() and int(alive[:9]) > listed:
            self._part("not all hosts that answered are listed: zero is not claimed", f"{listed} of {alive[:9]}")
        for asset in self.assets:
            self.inventory.patching.authenticated |= asset.authenticated
            self.inventory.close(asset)
        self._judge_profile()

    def _judge_profile(self) -> None:
        """Note vulnerabilities that were not looked for, or that the report leaves out."""
        chosen = _CHOSEN.search(self.keys.get("OPTIONS", ""))
        if chosen is not None:
            self.inventory.narrow("the option profile chooses vulnerabilities or ports", chosen[0])
        if self.root == "SCAN":  # all that a scan found, and nothing of its owner's
            return
        statuses, left_out = _STATUSES.search(self.filters), _LEFT_OUT.search(self.filters)
        if left_out is not None:
            self.inventory.narrow("the report's template leaves findings out", left_out[0])
        if statuses is not None and not {"new", "active", "re-opened"} <= set(re.split(r", ?", statuses[1].lower())):
            self.inventory.narrow("the report's template leaves findings out by their status", statuses[1])
        states = _STATES.search(self.filters)
        told = states[1].lower() if states else ""
        if not ("ignored" in told and "disabled" in told):
            self.inventory.narrow("findings that their owner ignored or disabled may be left out", told or "not told")

    @property
    def complete(self) -> bool:
        """Whether every host was scanned to its end, and what is informational was kept."""
        ended = self.keys.get("STATUS", "FINISHED").upper() in {"FINISHED", "FINISHED "}
        answered = [asset for asset in self.assets if asset.answered]
        return self.whole and ended and bool(answered) and all(asset.checked or asset.failed for asset in answered)


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
