"""OpenVAS and Greenbone reports (XML, also inside `get_reports_response`, and CSV) as evidence of vulnerabilities.

A result counts when its quality of detection is at least 70 %, as in Greenbone's own default filter; weaker ones are
guesses from a banner, and reported. A report lists the results of one filter: zero is claimed only if that filter
keeps every severity, the scan is done and the hosts that answered are listed. Which ports were scanned is not told.
Callers are the command line and apps.
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
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "OpenVAS"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 1_000_000_000
"""A report larger than this is refused; it is read as a stream."""
MIN_QUALITY = 70
"""Results of a lower quality of detection are guesses (Greenbone's default filter)."""

TABLE = Table(
    headers=(("ip", "nvt name", "cves"), ("ip", "nvt oid"), ("ip", "qod", "severity")),
    identity=("nvt oid", "nvt name"),
    title=("nvt name", "summary"),
    host=("ip", "hostname"),
    risk=("severity", "threat"),
    cve=("cves", "cve"),
    severities={"log": "none", "debug": "none", "false positive": "none"},
    last=("timestamp",),
    protocol=("port protocol", "protocol"),
    epss=("epss score", "max severity epss score", "max epss score"),
    quality=("qod",),
    min_quality=MIN_QUALITY,
)

_ROOTS = frozenset({"report", "get_reports_response", "get_results_response"})
_LEVELS = re.compile(r"levels=(\w*)")
_HARMLESS = re.compile(
    r"(?:^|\s)(?:levels=\w*|min_qod=(?:[0-6]?\d|70)?|min_cvss_base=(?:0|0\.0)?|and|(?:rows|first|sort|sort-reverse|"
    r"apply_overrides|overrides|notes|autofp|result_hosts_only|timezone|delta_states|show_closed_cves|(?:_and_)?report_id|"
    r"task_id)=\S*)(?=\s|$)"
)
"""Terms of a filter that leave out no finding that counts."""
_AUTHENTICATED = re.compile(r"Auth-(?:SSH|SMB|ESXi|SNMP)-Success", re.IGNORECASE)


class _Report(Elements):
    tool = TOOL
    roots: ClassVar = _ROOTS
    texts: ClassVar = frozenset(
        {"host", "hostname", "port", "name", "threat", "severity", "cve", "ip", "value", "score", "end", "scan_end",
         "scan_start", "timestamp", "scan_run_status", "term", "version", "start", "creation_time",
         "filtered"}
    )  # fmt: skip

    def __init__(self, name: str, inventory: Inventory, leftovers: Leftovers) -> None:
        super().__init__(name)
        self.inventory, self.leftovers = inventory, leftovers
        self.assets: dict[str, Asset] = {}
        self.result: dict[str, str] = {}
        self.cves: list[str] = []
        self.epss: dict[str, str] = {}
        self.host: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.term = ""
        self.newest: datetime | None = None
        self.results = self.hosts = 0
        self.most = self.first = ""
        self.wanted = {"h", "m", "l"}

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if tag == "result" and "result" not in self.path[:-1]:  # what detected a product is a result inside another
            self.result, self.cves, self.epss = {}, [], {}
            self.results += 1
        elif tag == "results" and "start" in found:
            self.most, self.first = found.get("max", ""), found.get("start", "")
        elif tag == "critical" and self.within("result_count", "critical"):
            self.wanted |= {"c"}  # since severities above 9 are a level of their own, a filter must name it
        elif tag == "nvt" and self.within("result", "nvt"):
            self.result["oid"] = found.get("oid", "")
        elif tag == "ref" and found.get("type", "").lower() == "cve":
            self.cves += cves_in(found.get("id", ""))
        elif tag == "cve" and "epss" in self.path:
            self.epss.setdefault("cve:" + self.path[-2], found.get("id", ""))
        elif tag == "host" and self.path[-2:] == ["report", "host"]:
            self.host = {}

    def data(self, text: str) -> None:
        """Take a piece of text; a host's or port's address stands before its child elements."""
        tag = self.path[-1] if self.path else ""
        if tag in {"host", "port"} and "result" in self.path and text.strip():
            self.result.setdefault(tag, text.strip()[:200])
        super().data(text)

    def closed(self, tag: str, text: str) -> None:
        """Take an element's text."""
        if "result" in self.path:
            self._in_result(tag, text)
        elif tag == "result":
            self._end_result()
        elif self.within("report", "host") and tag in {"ip", "start", "end"}:
            self.host[tag] = text
        elif tag == "host" and self.within("report"):
            self._end_host()
        elif tag == "name" and self.within("host", "detail"):
            self.host["detail"] = text
        elif tag == "value" and self.within("host", "detail") and _AUTHENTICATED.search(self.host.get("detail", "")):
            self.host["authenticated"] = "yes"
        elif tag == "term" and self.within("filters"):
            self.term = text
        elif tag in {"scan_run_status", "scan_end", "scan_start", "timestamp", "creation_time"}:
            self.about.setdefault(tag, text)
        elif tag == "filtered" and self.within("report", "result_count"):
            self.about.setdefault("filtered", text)
        elif tag == "version" and self.within("gmp"):
            self.about.setdefault("version", text)

    def _in_result(self, tag: str, text: str) -> None:
        if tag in {"threat", "severity"} and self.within("result"):
            self.result[tag] = text
        elif tag == "name" and self.within("result", "nvt"):
            self.result["name"] = text
        elif tag == "cve" and self.within("result", "nvt"):
            self.cves += cves_in(text)
        elif tag == "value" and self.within("result", "qod"):
            self.result["qod"] = text
        elif tag == "hostname":
            self.result["hostname"] = text
        elif tag == "score" and "epss" in self.path:
            self.epss["score:" + self.path[-1]] = text
        elif tag == "creation_time":
            self.result["seen"] = text

    def _asset(self, host: str) -> Asset:
        address = exposure.address_of(host)
        return self.assets.setdefault(str(address or host), Asset(host, address))

    def _end_result(self) -> None:
        found, title = self.result, self.result.get("name", "")
        host = found.get("host", "")
        if not host:
            self.leftovers.add("result without a host", title or "result", count=1)
            return
        asset = self._asset(host)
        seen = loose_moment(found.get("seen"))
        self.newest = seen if seen is not None and (self.newest is None or seen > self.newest) else self.newest
        number, _, protocol = found.get("port", "").partition("/")
        port = port_of(re.sub(r"\A.*\((\d+)", r"\1", number))
        if port is not None and protocol[:3] in {"tcp", "udp"}:
            asset.ports.setdefault((protocol[:3], port), exposure.seen_port(protocol[:3], port, ""))
        try:
            severity = float(found.get("severity") or 0)
        except ValueError:
            severity = 0.0
        rated = severity > 0 or found.get("threat", "").lower() in {"critical", "high", "medium", "low", "alarm"}
        quality = found.get("qod", "")
        if not rated:
            self.leftovers.add("informational result", title or "result", count=1)
        elif quality.isascii() and quality.isdigit() and int(quality[:5]) < MIN_QUALITY:
            self.leftovers.add(f"result of a quality of detection below {MIN_QUALITY} %", title or "result", count=1)
        else:
            self._open(asset, title)

    def _open(self, asset: Asset, title: str) -> None:
        if not self.cves:  # the CVE scanner names its results by the CVE alone
            self.cves = cves_in(self.result.get("oid", "")) or cves_in(title)
        asset.cves.update(dict.fromkeys(self.cves))
        for kind in ("max_severity", "max_epss"):
            score = probability(self.epss.get(f"score:{kind}"))
            if score is not None:
                for cve in cves_in(self.epss.get(f"cve:{kind}", "")):
                    self.inventory.scores[cve] = score
        if past_end_of_life(title):
            asset.end_of_life = asset.end_of_life or title
        elif not self.cves:
            self.leftovers.add("result without a CVE, which no signal rates", title or "result", count=1)

    def _end_host(self) -> None:
        host = self.host.get("ip", "")
        if host:
            self.hosts += 1
            asset = self._asset(host)
            asset.checked = bool(self.host.get("end"))
            asset.authenticated = "authenticated" in self.host

    @property
    def listed(self) -> bool:
        """Whether hosts without a finding are listed: the filter keeps log messages, or is told to keep such hosts."""
        levels = _LEVELS.search(self.term)
        if levels is None or not levels[1]:
            return self.hosts > 0 and not self.cut
        return ("g" in levels[1] or "result_hosts_only=0" in self.term) and not self.cut

    @property
    def cut(self) -> bool:
        """Whether this is one page of the results."""
        told = self.about.get("filtered", "")
        if told.isascii() and told.isdigit():
            return self.results < int(told[:9])
        full = self.most.isascii() and self.most.isdigit() and 0 < int(self.most[:9]) <= self.results
        return full or self.first not in {"", "0", "1"}

    @property
    def done(self) -> bool:
        """Whether the scan ran to its end, and the report leaves out no severity."""
        levels = _LEVELS.search(self.term)
        unfiltered = levels is None or not levels[1] or self.wanted <= set(levels[1])
        unfiltered = unfiltered and not _HARMLESS.sub(" ", self.term).strip()
        return self.about.get("scan_run_status", "").lower() in {"done", "processing"} and unfiltered and not self.cut


def looks_like(head: Head) -> int:
    """Whether a file is a report by OpenVAS or Greenbone."""
    if head.form == "xml":
        marks = {"nvt", "scan_run_status", "gmp", "omp", "report_format", "hole", "qod"}
        return 2 if head.root in _ROOTS and head.elements & marks else 0
    return 2 if TABLE.fits(head) else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a report of OpenVAS or Greenbone, as XML or CSV.

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
    version, complete, listed = None, False, False
    if Head.of(source, MAX_BYTES).form == "text":
        found = read_findings(source, TABLE, inventory, leftovers)
    else:
        report = _Report(name, inventory, leftovers)
        read_xml(source, report, MAX_BYTES)
        for asset in report.assets.values():
            inventory.close(asset)
        dates = (report.about.get(one) for one in ("scan_end", "timestamp", "scan_start", "creation_time"))
        found = next((one for one in map(loose_moment, dates) if one is not None), report.newest)
        complete, listed = report.done, report.listed
        if report.cut:
            leftovers.add(
                "one page of the results: zero is not claimed", f"first {report.first}, at most {report.most}"
            )
    return inventory.reading(
        TOOL,
        version,
        date_of(found, observed_at, name, leftovers),
        complete=complete,
        listed=listed,
        catalogue=catalogue,
        assets_total=assets_total,
    )
