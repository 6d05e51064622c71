"""Nessus scans (`.nessus`, and CSV of Tenable products) as evidence: callers are the command line and apps.

Plugin 19506 tells, host by host, whether checks ran, with credentials or not, and which ports were scanned: without
it nothing is claimed to be zero. Ports that Nessus lists from inside a host (netstat) are not seen from outside and
do not count. A finding counts as open whatever severity its owner gave it since. From a table zero is never claimed.
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
from cyberscore.readers.tables import Row, Table, first_of, port_of, read_findings
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "Nessus"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 2_000_000_000
"""A scan larger than this is refused; it is read as a stream."""

SCAN_INFORMATION, PING = "19506", "10180"
LOCAL_PORT_LISTS = {"14272", "34220", "25221", "64582", "34252"}
"""Plugins that list listening ports from inside: netstat over SSH and WMI, remote listeners."""
ALL_PORTS = {"default", "sc-default", "all", "1-65535", "0-65535"}
"""Port ranges of Nessus that hold every port that matters."""
TABLE = Table(
    headers=(
        ("plugin id", "risk", "host"),
        ("plugin", "plugin name", "severity"),
        ("definition.id", "definition.name"),
        ("plugin id", "plugin name"),
        ("definition.cve", "asset.name"),
        ("definition.name", "severity"),
    ),
    identity=("plugin id", "plugin", "definition.id"),
    title=("name", "plugin name", "definition.name"),
    host=("ip address", "asset.display_ipv4_address", "asset.display_ipv6_address", "host", "asset.host_name",
          "dns name", "asset.name", "fqdn", "netbios name", "asset"),
    risk=("risk", "severity", "risk factor"),
    cve=("cve", "definition.cve", "cves"),
    severities={"4": "critical", "3": "high", "2": "medium", "1": "low", "0": "none", "info": "none"},
    state=("vulnerability state", "state"),
    fixed_states=frozenset({"fixed", "mitigated"}),
    first=("first found", "first discovered", "first observed", "first_observed", "first_found", "first seen"),
    fixed=("last fixed", "last mitigated", "last_fixed"),
    last=("last found", "last observed", "last_observed", "last_seen", "last_found", "last seen", "host end",
          "host start"),
    port=("port", "asset.port"),
    epss=("epss score", "epss", "exploit prediction scoring system (epss)", "definition.epss.score"),
    authenticated=("last authenticated results date",),
)  # fmt: skip
_OUTPUT = ("plugin output", "plugin text", "output")
_FACT_NAME = re.compile(r"[\w ()/]+")


def facts_of(output: str) -> dict[str, str]:
    """Return the lines "name : value" of plugin 19506, names in lower case."""
    lines = (line.partition(":") for line in output.split("\n"))
    told = ((name.strip(" \t"), value.strip(" \t")) for name, colon, value in lines if colon)
    return {name.lower(): value for name, value in told if _FACT_NAME.fullmatch(name)}


def apply_scan_information(asset: Asset, facts: dict[str, str]) -> None:
    """Set what plugin 19506 tells of a host: that checks ran, from where, and over which ports."""
    asset.checked = True
    asset.authenticated = facts.get("credentialed checks", "").lower().startswith("yes")
    scanners = facts.get("port scanner(s)", "")
    asset.scanned = ("syn" in scanners or "tcp" in scanners) and covers(facts.get("port range", ""))


def covers(ports: str) -> bool:
    """Whether a range of ports such as "1-1024,3389" holds all that matter to a claim of zero."""
    if ports.strip().lower() in ALL_PORTS:
        return True
    wanted = {*exposure.RDP_PORTS, *exposure.RISKY_PORTS}
    for part in set(ports.split(",")):
        match = re.fullmatch(r"\s*(?:T:)?(\d{1,5})(?:-(\d{1,5}))?\s*", part)
        if match:
            low, high = int(match[1]), int(match[2] or match[1])
            wanted = {number for number in wanted if not low <= number <= high}
    return not wanted


class _Scan(Elements):
    tool = TOOL
    roots: ClassVar = frozenset({"NessusClientData_v2"})
    texts: ClassVar = frozenset(
        {
            "tag",
            "cve",
            "risk_factor",
            "plugin_output",
            "description",
            "unsupported_by_vendor",
            "epss_score",
            "policyName",
        }
    )

    def __init__(self, name: str, inventory: Inventory, leftovers: Leftovers) -> None:
        super().__init__(name)
        self.inventory, self.leftovers = inventory, leftovers
        self.asset: Asset | None = None
        self.ended = True
        self.host: dict[str, str] = {}
        self.key = ""
        self.item: dict[str, str] = {}
        self.cves: list[str] = []
        self.about: dict[str, str] = {}
        self.version: str | None = None
        self.policy = ""
        self.newest: datetime | None = None

    def opened(self, tag: str, found: dict[str, str]) -> None:
        if tag == "ReportHost":
            self.asset = Asset(found.get("name", ""), exposure.address_of(found.get("name", "")), answered=False)
            self.host = {}
        elif tag == "tag":
            self.key = found.get("name", "")
        elif tag == "ReportItem":
            self.item, self.cves, self.about = found, [], {}

    def closed(self, tag: str, text: str) -> None:
        if tag == "tag" and self.within("HostProperties"):
            if len(self.host) < 1000:
                self.host[self.key] = text
        elif tag == "cve" and self.within("ReportItem"):
            self.cves += cves_in(text)
        elif tag in self.texts and self.within("ReportItem"):
            self.about[tag] = text
        elif tag == "policyName":
            self.policy = text[:200]
        elif tag == "ReportItem" and self.asset is not None:
            self._end_item(self.asset)
        elif tag == "HostProperties" and self.asset is not None:
            self._describe(self.asset)
        elif tag == "ReportHost" and self.asset is not None:
            self._end_host(self.asset)

    def _describe(self, asset: Asset) -> None:
        asset.address = exposure.address_of(self.host.get("host-ip", "")) or asset.address

    def _end_item(self, asset: Asset) -> None:
        plugin, title = self.item.get("pluginID", ""), self.item.get("pluginName", "")
        # Nessus 4 wrote what a plugin found at the end of its description.
        output = self.about.get("plugin_output") or self.about.get("description", "")
        if plugin == PING and "considered as dead" in output:
            return
        asset.answered = True
        if plugin == SCAN_INFORMATION:
            facts = facts_of(output)
            apply_scan_information(asset, facts)
            self.version = facts.get("nessus version", "").split(" ")[0][:40] or self.version
            return
        number = port_of(self.item.get("port", ""))
        if plugin not in LOCAL_PORT_LISTS and number is not None:
            protocol, service = self.item.get("protocol", ""), self.item.get("svc_name", "")
            asset.ports.setdefault((protocol, number), exposure.seen_port(protocol, number, service))
        risk = self.about.get("risk_factor", "").lower()
        severity = self.item.get("severity", "0")  # Nessus 4 called 1 what is informational as well as what is low
        if (severity == "0" and risk in {"", "info"}) or (severity in {"0", "1"} and risk == "none"):
            self.leftovers.add("informational finding", title or plugin, count=1)
            return
        asset.cves.update(dict.fromkeys(self.cves))
        score = probability(self.about.get("epss_score"))
        if score is not None and len(self.cves) == 1:
            self.inventory.scores[self.cves[0]] = score
        if self.about.get("unsupported_by_vendor", "").lower() == "true" or past_end_of_life(title):
            asset.end_of_life = asset.end_of_life or title
        elif not self.cves:
            self.leftovers.add("finding without a CVE, which no signal rates", title or plugin, count=1)

    def _end_host(self, asset: Asset) -> None:
        when = next((found for one in ("HOST_END_TIMESTAMP", "HOST_END", "HOST_START_TIMESTAMP", "HOST_START")
                     if (found := loose_moment(self.host.get(one)))), None)  # fmt: skip
        if when is not None and (self.newest is None or when > self.newest):
            self.newest = when
        if asset.answered and "HOST_END" not in self.host and "HOST_END_TIMESTAMP" not in self.host:
            self.ended = asset.checked = asset.scanned = False
            self.leftovers.add("the scan of a host did not run to its end: zero is not claimed", asset.label)
        self.inventory.close(asset)
        self.asset = None


def _special(row: Row, plugin: str, asset: Asset) -> bool:
    """Take what a table's row tells of the scan itself, or of ports seen from inside only."""
    if plugin == SCAN_INFORMATION:
        apply_scan_information(asset, facts_of(first_of(row, _OUTPUT)))
        return True
    return plugin in LOCAL_PORT_LISTS


def looks_like(head: Head) -> int:
    """Whether a file is a scan in Nessus's version 2 XML, or a table of findings by Nessus or Tenable."""
    return 2 if head.root == "NessusClientData_v2" or TABLE.fits(head) else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a scan in Nessus's version 2 XML, or a table of findings by Nessus, Tenable.io or Tenable.sc.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ran; used only when the file does not tell. Its dates without a zone are taken as UTC.
    assets_total : int, optional
        How many hosts there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood, see `exposure.Vantage`.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, cut short, or not such a scan.
    """
    name, leftovers = name_of(source), Leftovers()
    inventory = Inventory(name, leftovers, vantage)
    if Head.of(source, MAX_BYTES).form == "text":
        newest = read_findings(source, TABLE, inventory, leftovers, _special)
        version, complete, policy = None, False, None
    else:
        scan = _Scan(name, inventory, leftovers)
        read_xml(source, scan, MAX_BYTES)
        newest, version, complete, policy = scan.newest, scan.version, scan.ended, scan.policy
    return inventory.reading(
        TOOL,
        version,
        date_of(newest, observed_at, name, leftovers),
        complete=complete,
        listed=complete,
        catalogue=catalogue,
        scope={"policy": policy},
        assets_total=assets_total,
    )
