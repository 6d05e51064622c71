"""Nessus scans (`.nessus`, and CSV of Tenable products) as evidence: callers are the command line and apps.

Plugin 19506 tells, host by host, whether checks ran, with credentials or not, and which ports were scanned: without
it nothing is claimed to be zero. Nor is it of a host that was blocked, fell silent or was spared, nor of
vulnerabilities when the policy switched families of plugins off, chose single plugins, or is a template for discovery,
compliance or one flaw. Checks over the network that looked at few ports show nothing absent either. Ports that Nessus
lists from inside a host (netstat, or where its agent files what it found) are not seen from outside and do not count.
A finding counts as open whatever severity its owner gave it since. From a table zero is never claimed.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import ClassVar

from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_xml
from cyberscore.readers.elements import MAX_TEXT, Elements
from cyberscore.readers.findings import STALE_DAYS, Asset, Inventory, past_end_of_life
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.tables import Row, Table, first_of, port_of, read_findings, score_of
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "Nessus"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 2_000_000_000
"""A scan larger than this is refused; it is read as a stream."""

SCAN_INFORMATION, PING = "19506", "10180"
WITHOUT_ANSWER = {SCAN_INFORMATION, "12053", "46180", "10287"}
"""Plugins that report of a host which is taken as alive but never answers: the scan itself, its names in DNS, the way
to it."""
DISTURBED = {"10919", "11933", "22481", "22482"}
"""Plugins that tell of ports which fell silent during the scan, and of printers and other devices that were spared."""
_DISTURBED = re.compile(
    r"(?:will|has|have|was|were)(?: not|n't)(?: be| been)? (?:scanned|tested)|previously open ports are now closed|"
    r"\b(?:is|are) now (?:unresponsive|closed)|stopped responding|be(?:came|come) unresponsive|"
    r"\b(?:scan|plugin|check|test)s?\b[^.\n]{0,60}\b(?:timed out|ran out of time|aborted|interrupted|blocked)|"
    r"\bblock(?:ed|ing) (?:the |this )?(?:nessus|scan)",
    re.IGNORECASE,
)
"""What an informational plugin says of a host whose scan was disturbed."""
UNPRIVILEGED = {"21745", "24786", "26917", "104410", "110385", "117886"}
"""Plugins that tell of a look from inside which failed, or had too few rights to see all software."""
FAMILIES = {
    "Backdoors", "CGI abuses", "CISCO", "Databases", "DNS", "Firewalls", "FTP", "Gain a shell remotely", "Misc.", "RPC",
    "SMTP problems", "SNMP", "Web Servers", "Windows",
}  # fmt: skip
"""Families of plugins that look for vulnerabilities over the network: a full scan has them all."""
_NARROW = re.compile(
    r"\b(?:discovery|ping[- ]only|compliance|scap|oval|config(?:uration)? audit|mdm|malware|find ai|mobile device|"
    r"credential validation|active directory starter|web app(?:lication)? tests?|cisa alerts|threat landscape|"
    r"ransomware ecosystem|log4shell|shellshock|badlock|drown|wannacry|spectre|meltdown|intel amt|shadow brokers|"
    r"printnightmare|proxylogon|zerologon|solorigate|ripple20|contileaks)\b",
    re.IGNORECASE,
)
"""Names of Tenable's templates that look for hosts, settings, files or single flaws; other names show nothing."""
_SUPERSEDED = re.compile(r"no\b(?!.*did not launch)", re.IGNORECASE)
"""What the scan says of itself where it left out patches, and the CVEs that they alone name."""
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
    original=("original severity", "definition.severity", "risk factor"),
    scores=("cvss", "cvss v2.0 base score", "cvss v3.0 base score", "cvss base score", "cvss3 base score",
            "cvss v2 base score", "cvss v3 base score", "cvss v4 base score", "cvss v4.0 base score",
            "cvss4 base score", "definition.cvss2.base_score", "definition.cvss3.base_score",
            "definition.cvss4.base_score"),
    changed=("modification", "severity modification type", "severity_modification_type", "risk modified",
             "accept risk?", "accept risk", "recast risk?", "recast risk"),
    names=("fqdn", "dns name", "asset.host_name", "netbios name", "asset.name", "host"),
    asset=("asset uuid", "asset id", "asset.id", "host id", "agent id"),
    epss=("epss score", "epss", "exploit prediction scoring system (epss)", "definition.epss.score"),
    authenticated=("last authenticated results date",),
)  # fmt: skip
_SCORES = ("cvss_base_score", "cvss3_base_score", "cvss4_base_score")
_OUTPUT = ("plugin output", "plugin text", "output")
_FACT_NAME = re.compile(r"[\w ()/]+")


def facts_of(output: str) -> dict[str, str]:
    """Return the lines "name : value" of plugin 19506, names in lower case."""
    lines = (line.partition(":") for line in output.split("\n"))
    told = ((name.strip(" \t"), value.strip(" \t")) for name, colon, value in lines if colon)
    return {name.lower(): value for name, value in told if _FACT_NAME.fullmatch(name)}


def apply_scan_information(asset: Asset, facts: dict[str, str]) -> None:
    """Set what plugin 19506 tells of a host: that checks ran, from where, and over which ports."""
    asset.authenticated = facts.get("credentialed checks", "").lower().startswith("yes")
    scanners, ports = facts.get("port scanner(s)", ""), facts.get("port range", "")
    tried = "syn" in scanners or "tcp" in scanners
    asset.scanned = tried and covers(ports)
    # Checks over the network run where a port scanner found something.
    asset.checked = asset.authenticated or (asset.scanned and covers(ports, {80, 443}))
    asset.inside = "agent" in facts.get("scan type", "").lower()


def covers(ports: str, wanted: Iterable[int] = (*exposure.RDP_PORTS, *exposure.RISKY_PORTS)) -> bool:
    """Whether a range of ports such as "1-1024,3389" holds all that are wanted."""
    if ports.strip().lower() in ALL_PORTS:
        return True
    missing = set(wanted)
    for part in set(ports.split(",")):
        match = re.fullmatch(r"\s*(?:T:)?(\d{1,5})(?:-(\d{1,5}))?\s*", part)
        if match:
            low, high = int(match[1]), int(match[2] or match[1])
            missing = {number for number in missing if not low <= number <= high}
    return not missing


class _Scan(Elements):
    tool = TOOL
    roots: ClassVar = frozenset({"NessusClientData_v2"})
    texts: ClassVar = frozenset(
        {
            "tag",
            "cve",
            "risk_factor",
            "plugin_output",
            "synopsis",
            "description",
            "unsupported_by_vendor",
            "epss_score",
            "policyName",
            "cvss_base_score",
            "cvss3_base_score",
            "cvss4_base_score",
            "FamilyName",
            "Status",
            "Family",
            "PluginName",
            "name",
            "value",
        }
    )

    def __init__(self, name: str, inventory: Inventory, leftovers: Leftovers) -> None:
        super().__init__(name)
        self.inventory, self.leftovers = inventory, leftovers
        self.asset: Asset | None = None
        self.ended = True
        self.host: dict[str, str] = {}
        self.unprivileged = ""
        self.key = ""
        self.item: dict[str, str] = {}
        self.cves: list[str] = []
        self.about: dict[str, str] = {}
        self.version: str | None = None
        self.policy = ""
        self.setting: dict[str, str] = {}
        self.families: dict[str, str] = {}
        self.feed: datetime | None = None
        self.newest: datetime | None = None

    def opened(self, tag: str, found: dict[str, str]) -> None:
        if tag == "ReportHost":
            self.asset = Asset(found.get("name", ""), exposure.address_of(found.get("name", "")), answered=False)
            self.host, self.unprivileged = {}, ""
        elif tag == "tag":
            self.key = found.get("name", "")
        elif tag == "ReportItem":
            self.item, self.cves, self.about = found, [], {}
        elif tag in {"FamilyItem", "PluginItem", "preference"}:
            self.setting = {}

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
            self._judge_template(self.policy)
        elif tag in self.texts and self.path[-1] in {"FamilyItem", "PluginItem", "preference"}:
            self.setting[tag] = text
        elif tag in {"FamilyItem", "PluginItem", "preference", "FamilySelection"}:
            self._judge_policy(tag)
        elif tag == "ReportItem" and self.asset is not None:
            self._end_item(self.asset)
        elif tag == "HostProperties" and self.asset is not None:
            self._describe(self.asset)
        elif tag == "ReportHost" and self.asset is not None:
            self._end_host(self.asset)

    def _judge_template(self, name: str) -> None:
        """Note a policy or template that looks for something else than all vulnerabilities."""
        if _NARROW.search(name):
            self.inventory.narrow("the template of the scan is not that of a full one", name[:200])

    def _judge_policy(self, tag: str) -> None:
        """Note families and plugins that did not run; newer versions list none of them."""
        if tag == "FamilyItem":
            self.families[self.setting.get("FamilyName", "")] = self.setting.get("Status", "").lower()
        elif tag == "FamilySelection" and self.families:
            partly = sorted(name for name in FAMILIES if self.families.get(name) != "enabled")
            if partly:
                self.inventory.narrow("families of plugins that did not run, or not as a whole", *partly)
        elif tag == "PluginItem" and self.setting.get("Status", "").lower() == "disabled":
            if self.setting.get("Family") not in {"Port scanners", "Settings", "Denial of Service"}:
                self.inventory.narrow("plugins that were switched off", self.setting.get("PluginName", "plugin"))
        elif tag == "preference" and self.setting.get("name") == "plugin_set":
            plugins = self.setting.get("value", "")
            if plugins[:1].isdigit() and len(plugins) < MAX_TEXT:  # full scans have tens of thousands
                self.inventory.narrow("few plugins were chosen", f"{plugins.count(';') + 1} plugins")

    def _describe(self, asset: Asset) -> None:
        asset.names |= {self.host.get(name, "")[:255] for name in ("host-fqdn", "netbios-name", "hostname")}
        asset.address = exposure.address_of(self.host.get("host-ip", "")) or asset.address
        self._judge_template(self.host.get("policy-used", ""))

    def _end_item(self, asset: Asset) -> None:
        plugin, title = self.item.get("pluginID", ""), self.item.get("pluginName", "")
        # Nessus 4 wrote what a plugin found at the end of its description.
        output = self.about.get("plugin_output") or self.about.get("description", "")
        if plugin == PING and "considered as dead" in output:
            return
        asset.answered |= plugin not in WITHOUT_ANSWER
        if plugin == SCAN_INFORMATION:
            facts = facts_of(output)
            apply_scan_information(asset, facts)
            self._judge_template(facts.get("scan policy used", ""))
            if _SUPERSEDED.match(facts.get("display superseded patches", "")):
                self.inventory.narrow("the policy hides missing patches that newer ones supersede", asset.label)
            self.feed = loose_moment(facts.get("plugin feed version", "")[:8])
            self.version = facts.get("nessus version", "").split(" ")[0][:40] or self.version
            return
        number = port_of(self.item.get("port", ""))
        if plugin not in LOCAL_PORT_LISTS and number is not None:
            protocol, service = self.item.get("protocol", ""), self.item.get("svc_name", "")
            asset.ports.setdefault((protocol, number), exposure.seen_port(protocol, number, service))
        risk = self.about.get("risk_factor", "").lower()
        severity = self.item.get("severity", "0")  # Nessus 4 called 1 what is informational as well as what is low
        unrated = not any(score_of(self.about.get(one, "")) > 0 for one in _SCORES)
        if plugin in UNPRIVILEGED:
            self.unprivileged = title or plugin
        if unrated and ((severity == "0" and risk in {"", "info"}) or (severity in {"0", "1"} and risk == "none")):
            said = f"{self.about.get('synopsis', '')}\n{self.about.get('plugin_output', '')}"
            if plugin in DISTURBED or _DISTURBED.search(said):
                self.leftovers.add("the scan of a host was disturbed: zero is not claimed", f"{asset.label}: {title}")
                asset.failed = True
            self.leftovers.add("informational finding", title or plugin, count=1)
            return
        if severity == "0":
            self.leftovers.add("finding that its owner made less severe: counts as it was found", title, count=1)
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
        if self.unprivileged and asset.authenticated:
            self.leftovers.add("look from inside without the rights to see all", f"{asset.label}: {self.unprivileged}")
            asset.authenticated, asset.checked = False, asset.scanned
        if when is not None and self.feed is not None and (when - self.feed).days > STALE_DAYS:
            self.inventory.narrow(f"plugins more than {STALE_DAYS} days older than the scan", f"{self.feed:%Y-%m-%d}")
        if asset.answered and "HOST_END" not in self.host and "HOST_END_TIMESTAMP" not in self.host:
            self.ended = asset.checked = asset.scanned = False
            self.leftovers.add("the scan of a host did not run to its end: zero is not claimed", asset.label)
        if not asset.answered:
            self.leftovers.add("host of which nothing shows that it answered", asset.label)
        self.inventory.close(asset)
        self.asset = self.feed = None


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
