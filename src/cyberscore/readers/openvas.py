"""OpenVAS and Greenbone reports (XML, also inside `get_reports_response`, and CSV) as evidence of vulnerabilities.

A result counts when its quality of detection is at least 70 %, as in Greenbone's own default filter; weaker ones are
guesses from a banner, and reported. It counts with its original severity, whatever an override made of it; one that its
owner calls a false positive is neither open nor shown to be absent. A report lists the results of one filter: zero is
claimed only if that filter keeps every severity, the scan is done, the hosts that answered are listed without an error,
and some result has a severity: a discovery configuration writes log messages alone, and a report does not name its
configuration. Nor is it from a comparison of two scans, or from the CVE scanner, which looks at no host. A host without
any result did not answer. Which ports were scanned is not told. Callers are the command
line and apps.
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
    names=("hostname",),
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
_RATED = {"critical", "high", "medium", "low", "alarm"}
_ALIVE = {"os", "best_os_cpe", "best_os_txt", "services", "tcp_ports", "ports", "app", "mac", "traceroute"}
"""Details of a host, in lower case, that only one which answered has."""
_AUTHENTICATED = re.compile(r"Auth-(?:SSH|SMB|ESXi|SNMP)-Success", re.IGNORECASE)


class _Report(Elements):
    tool = TOOL
    roots: ClassVar = _ROOTS
    texts: ClassVar = frozenset(
        {"host", "hostname", "port", "name", "threat", "severity", "cve", "ip", "value", "score", "end", "scan_end",
         "scan_start", "timestamp", "scan_run_status", "term", "start", "creation_time",
         "filtered", "full", "original_threat", "original_severity", "description", "count", "type", "delta"}
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
        self.rated = 0
        self.looked_up = False
        self.failure: dict[str, str] = {}
        self.errors = 0

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if tag == "report" and found.get("type", "").lower() == "delta":
            self.inventory.narrow("the report compares two scans, and may leave out what both found", "delta report")
        elif tag == "result" and "result" not in self.path[:-1]:  # what detected a product is a result inside another
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
        elif tag == "error":
            self.failure = {}

    def data(self, text: str) -> None:
        """Take a piece of text; a host's or port's address stands before its child elements."""
        tag = self.path[-1] if self.path else ""
        if tag in {"host", "port"} and ("result" in self.path or "errors" in self.path):
            found = self.result if "result" in self.path else self.failure
            found[tag] = (found.get(tag, "") + text).lstrip()[:200]
        super().data(text)

    def closed(self, tag: str, text: str) -> None:
        """Take an element's text."""
        if "result" in self.path:
            self._in_result(tag, text)
        elif tag == "result":
            self._end_result()
        elif "errors" in self.path or tag == "errors":
            self._in_errors(tag, text)
        elif self.within("report", "host") or self.within("host", "detail"):
            self._in_host(tag, text)
        elif tag == "host" and self.within("report"):
            self._end_host()
        elif tag == "term" and self.within("filters"):
            self.term = text
        elif tag in {"scan_run_status", "scan_end", "scan_start", "timestamp", "creation_time"}:
            self.about.setdefault(tag, text)
        elif tag in {"filtered", "full"} and "result_count" in self.path:
            level = "" if self.within("report", "result_count") else f" of {self.path[-1]}"
            self.about.setdefault(f"{tag}{level}", text)

    def _in_host(self, tag: str, text: str) -> None:
        if self.path[-1] == "host":
            if tag in {"ip", "start", "end"}:
                self.host[tag] = text
        elif tag == "name":
            self.host["detail"] = text
            if text.lower() in _ALIVE:
                self.host["alive"] = "yes"
        elif tag == "value" and _AUTHENTICATED.search(self.host.get("detail", "")):
            self.host["authenticated"] = "yes"

    def _in_result(self, tag: str, text: str) -> None:
        own = {"threat", "severity", "original_threat", "original_severity", "delta"}
        if (tag in own and self.within("result")) or (tag in {"name", "type"} and self.within("result", "nvt")):
            self.result[tag] = text
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

    def _in_errors(self, tag: str, text: str) -> None:
        if tag == "description" and self.within("errors", "error"):
            self.failure["why"] = text[:200]
        elif tag == "count" and self.within("errors"):
            self.about.setdefault("errors", text)
        elif tag == "error":
            self.errors += 1
            self._failed(self.failure.get("host", "").strip(), self.failure.get("why", "error"))
        elif tag == "errors":
            told = self.about.get("errors", "")
            if told.isascii() and told.isdigit() and int(told[:9]) > self.errors:
                self.inventory.narrow("errors of the scan that are counted but not listed", "errors")

    def _failed(self, host: str, why: str) -> None:
        """Note that the checks of a host did not run to their end; without its name, those of any."""
        if not host:
            self.inventory.narrow("the scan reports an error", why)
            return
        self.leftovers.add("error while a host was scanned: zero is not claimed", f"{host}: {why}", count=1)
        self._asset(host).failed = True

    def _asset(self, host: str) -> Asset:
        address = exposure.address_of(host)
        return self.assets.setdefault(str(address or host), Asset(host, address, answered=False))

    def _end_result(self) -> None:
        found, title = self.result, self.result.get("name", "")
        host = found.get("host", "").strip()
        if not host:
            self.leftovers.add("result without a host", title or "result", count=1)
            return
        if found.get("delta", "").lower().startswith("gone"):
            self.leftovers.add("result that is gone since an earlier scan", title or "result", count=1)
            return
        if found.get("type", "").lower() == "cve" and not self.looked_up:
            self.looked_up = True
            self.inventory.narrow("the CVE scanner looks up software that another scan once saw", title or "result")
        if found.get("threat", "").lower() == "error" or _number(found.get("severity")) == _ERROR:
            self._failed(host, title or "error")
            return
        asset = self._asset(host)
        asset.answered = True
        if found.get("hostname"):
            asset.names.add(found["hostname"][:255])
        seen = loose_moment(found.get("seen"))
        self.newest = seen if seen is not None and (self.newest is None or seen > self.newest) else self.newest
        number, _, protocol = found.get("port", "").strip().partition("/")
        port = port_of(re.sub(r"\A.*\((\d+)", r"\1", number))
        if port is not None and protocol[:3] in {"tcp", "udp"}:
            asset.ports.setdefault((protocol[:3], port), exposure.seen_port(protocol[:3], port, ""))
        threats = (found.get("threat", "").lower(), found.get("original_threat", "").lower())
        severities = (_number(found.get("severity")), _number(found.get("original_severity")))
        rated = max(severities) > 0 or not _RATED.isdisjoint(threats)
        self.rated += rated
        quality = found.get("qod", "")
        if threats[0] == "false positive" or severities[0] == _FALSE_POSITIVE:
            self.leftovers.add("result that its owner calls a false positive: not shown to be absent", title, count=1)
            asset.failed = True
        elif not rated:
            self.leftovers.add("informational result", title or "result", count=1)
        elif quality.isascii() and quality.isdigit() and int(quality[:5]) < MIN_QUALITY:
            self.leftovers.add(f"result of a quality of detection below {MIN_QUALITY} %", title or "result", count=1)
        else:
            if severities[0] < severities[1]:
                self.leftovers.add("result that an override made less severe: counts as it was found", title, count=1)
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
            asset.answered |= "alive" in self.host
            asset.checked = bool(self.host.get("end"))
            asset.authenticated = "authenticated" in self.host

    def resolve(self) -> None:
        """Close the hosts, once the document is at its end."""
        for asset in self.assets.values():
            if not asset.answered:
                self.leftovers.add("host without any result: it did not answer", asset.label)
            self.inventory.close(asset)
        if not self.rated:
            self.inventory.narrow("no result has a severity, as when a discovery configuration was used", "report")
        if self.hides_false_positives:
            self.inventory.narrow("the filter leaves out what its owner calls a false positive", self.term)

    @property
    def hides_false_positives(self) -> bool:
        """Whether results may be missing because an override called them false positives."""
        levels = _LEVELS.search(self.term)
        left_out = "apply_overrides=1" in self.term and levels is not None and bool(levels[1]) and "f" not in levels[1]
        none = (
            self.about.get("full", "?") == self.about.get("filtered") or self.about.get("full of false_positive") == "0"
        )
        return left_out and not none

    @property
    def listed(self) -> bool:
        """Whether hosts without a finding are listed: the filter keeps log messages, or is told to keep such hosts."""
        levels = _LEVELS.search(self.term)
        if levels is None or not levels[1]:
            return self.hosts > 0 and not self.cut
        silent = any(not asset.answered for asset in self.assets.values())  # or what they answered is filtered out
        kept = "g" in levels[1] or ("result_hosts_only=0" in self.term and not silent)
        return kept and not self.cut

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


_FALSE_POSITIVE, _ERROR = -1.0, -3.0
"""Severities by which Greenbone tells that a result is none."""


def _number(text: str | None) -> float:
    """Return a severity, 0 where there is none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


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
        report.resolve()
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
