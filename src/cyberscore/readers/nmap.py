"""nmap XML (`nmap -oX`, or `-oG`) as evidence of the perimeter: callers are the command line and apps that hold scans.

Only `open` is open. A count above zero is what was seen. Zero is claimed only when the scan ran to its end
and every host of the perimeter that answered had all the ports in question scanned with a definite result, by a kind of
scan that an open port must answer: Windows and others reset every probe of FIN, NULL, Xmas, Maimon, ACK and window
scans, and firewalls drop probes in fragments, so that those prove nothing closed. A title can show a login panel but
not rule one out: zero panels is claimed only where no web service is open.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure, nmap_grepable, nmap_scripts
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, moment
from cyberscore.readers.documents import MAX_DEPTH, read_xml
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.vulnerabilities import Catalogue

TOOL = "nmap"
OPTIONS = ("vantage", "catalogue")
MAX_BYTES = 256_000_000
"""A scan larger than this is refused."""
MAX_HOSTS = 1_000_000
"""A scan with more hosts in the perimeter than this is refused."""
MAX_RECORDS = 250_000
"""A host with more ports than this is refused; there are 65,536 a protocol."""

_NOT_OPEN = {"closed", "filtered", "closed|filtered"}
_ANSWERS = {"open", "closed", "unfiltered"}
_TELLING_SCANS = {"syn", "connect"}
"""Kinds of TCP scan that an open port answers, as seen from the scanner itself: idle and bounce scans see what another
host sees."""
_BLINDED = re.compile(
    r"(?:^|\s)(--?(?:badsum|scanflags|ip-options|ttl|mtu|max-retries[\s=]0+(?=\s|$))|-f{1,2}|-S)(?=[\s=]|$)"
)
"""Options by which an open port need not answer: probes are changed, sent in fragments that firewalls drop, sent once
and lost, or answered to another host."""
_SKIPS_DISCOVERY = re.compile(r"(?:^|\s)(?:-Pn|-PN|-P0|-PD)(?=\s|$)")
_OPEN_ONLY = re.compile(r"(?:^|\s)--open(?=\s|$)")


@dataclass(slots=True)
class _Host:
    status: str = ""
    reason: str = ""
    timed_out: bool = False
    neighbour: bool = False
    records: int = 0
    addresses: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ports: dict[tuple[str, int], exposure.Port] = field(default_factory=dict)
    extras: list[str] = field(default_factory=list)
    cves: dict[str, None] = field(default_factory=dict)


class _Scan:
    """Target of the XML parser: keeps counts of hosts, not the document."""

    def __init__(self, name: str, vantage: exposure.Vantage, leftovers: Leftovers) -> None:
        self.name, self.vantage, self.leftovers = name, vantage, leftovers
        self.path: list[str] = []
        self.run: dict[str, str] = {}
        self.finished: dict[str, str] = {}
        self.totals: dict[str, str] = {}
        self.protocols: set[str] = set()
        self.scan_types: set[str] = set()
        self.scanned: set[int] = set()
        self.counts = dict.fromkeys(("up", "down", "answered", "internal", "perimeter"), 0)
        self.perimeter = exposure.Perimeter(leftovers)
        self.open: dict[str, dict[str, None]] = {}
        self.host = _Host()
        self.port = exposure.Port("", 0)
        self.reason = ""
        self.handlers: dict[tuple[str, str], Callable[[dict[str, str]], None]] = {
            ("nmaprun", "scaninfo"): self._scaninfo,
            ("nmaprun", "host"): self._begin_host,
            ("host", "status"): self._status,
            ("host", "address"): self._address,
            ("hostnames", "hostname"): self._hostname,
            ("host", "os"): lambda _: self._unused("operating system"),
            ("host", "trace"): lambda _: self._unused("traceroute"),
            ("hostscript", "script"): self._vulnerabilities,
            ("ports", "extraports"): self._extraports,
            ("ports", "port"): self._begin_port,
            ("port", "state"): self._state,
            ("port", "service"): self._service,
            ("port", "script"): self._script,
            ("runstats", "finished"): self.finished.update,
            ("runstats", "hosts"): self.totals.update,
        }

    def start(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if not self.path:
            self._begin_run(tag, found)
        elif len(self.path) >= MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH} levels")
        else:
            handler = self.handlers.get((self.path[-1], tag))
            if handler is not None:
                handler(found)
        self.path.append(tag)

    def end(self, tag: str) -> None:
        """Close an element: a port or a host is complete."""
        self.path.pop()
        if tag == "port" and self.path[-1:] == ["ports"]:
            if self.port.state == "open" and self.reason == "reset" and not self.port.identified:
                self.port.state = "open by its reset"  # a window scan's guess from the size of a window
            self.host.ports[self.port.protocol, self.port.number] = self.port
        elif tag == "host" and self.path == ["nmaprun"]:
            self._end_host()

    @property
    def telling(self) -> bool:
        """Whether an open TCP port had to answer this scan."""
        return self.scan_types <= _TELLING_SCANS and not self.blinding

    @cached_property
    def blinding(self) -> list[str]:
        """Options of the command by which an open port need not answer."""
        return [" ".join(option.split()) for option in _BLINDED.findall(self.run.get("args", ""))]

    @cached_property
    def open_only(self) -> bool:
        """Whether hosts and ports that are not open were left out of the file."""
        return _OPEN_ONLY.search(self.run.get("args", "")) is not None

    @cached_property
    def skips_discovery(self) -> bool:
        """Whether hosts were scanned that had not answered."""
        return _SKIPS_DISCOVERY.search(self.run.get("args", "")) is not None

    def _error(self, what: str) -> ReadingError:
        return ReadingError(f"{self.name}: {what}: use the file as nmap wrote it")

    def _begin_run(self, tag: str, found: dict[str, str]) -> None:
        if tag != "nmaprun" or found.get("scanner") != "nmap":
            got = f"scanner={found.get('scanner')!r}" if tag == "nmaprun" else f"root element <{tag[:60]}>"
            raise ReadingError(
                f"{self.name}: not a scan by nmap ({got}): make one with nmap -oX or use that tool's reader"
            )
        self.run = found

    def _scaninfo(self, found: dict[str, str]) -> None:
        self.protocols.add(found.get("protocol", ""))
        telling = self._among(found.get("services", ""))
        if found.get("protocol") == "tcp":
            # Flags of one's own make a SYN scan something else.
            self.scan_types.add("scanflags" if "scanflags" in found else found.get("type", ""))
            self.scanned |= telling

    def _begin_host(self, found: dict[str, str]) -> None:
        self.host = _Host(timed_out=found.get("timedout") == "true")

    def _status(self, found: dict[str, str]) -> None:
        self.host.status, self.host.reason = found.get("state", ""), found.get("reason", "")

    def _address(self, found: dict[str, str]) -> None:
        self._record()
        if found.get("addrtype") == "mac":
            self.host.neighbour = True  # the scanner stood on the host's own network segment
        else:
            self.host.addresses.append(found.get("addr", ""))

    def _hostname(self, found: dict[str, str]) -> None:
        self._record()
        self.host.names.append(found.get("name", "")[:255])

    def _record(self) -> None:
        self.host.records += 1
        if self.host.records > MAX_RECORDS:
            raise self._error(f"one host holds more than {MAX_RECORDS} ports and addresses")

    def _extraports(self, found: dict[str, str]) -> None:
        self._record()
        self.host.extras.append(found.get("state", ""))

    def _begin_port(self, found: dict[str, str]) -> None:
        self._record()
        number = _number(found.get("portid", ""))
        if number is None:
            raise self._error(f"portid {found.get('portid', '')[:40]!r} is not a port number")
        self.port = exposure.Port(found.get("protocol", ""), number)

    def _state(self, found: dict[str, str]) -> None:
        self.port.state, self.reason = found.get("state", ""), found.get("reason", "")

    def _service(self, found: dict[str, str]) -> None:
        self.port.service, self.port.product = found.get("name", "").lower(), found.get("product", "")
        self.port.probed = found.get("method") == "probed"

    def _script(self, found: dict[str, str]) -> None:
        script = found.get("id", "")
        if script in {"http-title", "http-auth", "http-auth-finder"}:
            self.port.scripts[script] = found.get("output", "")[:2000]
        else:
            self._vulnerabilities(found)

    def _vulnerabilities(self, found: dict[str, str]) -> None:
        script, output = found.get("id", ""), found.get("output", "")
        tried = nmap_scripts.verified(output)
        self.host.cves.update(dict.fromkeys(tried))
        guessed = nmap_scripts.guessed(script, output)
        self.leftovers.add("CVE that a script guesses from a version: not verified", *guessed)
        if not tried:
            self._unused(script)

    def _unused(self, what: str) -> None:
        self.leftovers.add("script or probe that no signal rates", what)

    def _end_host(self) -> None:
        host = self.host
        if host.status != "up":
            self.counts["down"] += 1
            return
        self.counts["up"] += 1
        text = next((one for one in host.addresses if one), None)
        if text is None:
            self.leftovers.add("host without an IP address", "host")
            return
        address = exposure.address_of(text)
        if address is None:
            raise self._error(f"{text[:60]!r} is not an IP address")
        if not self._answered():
            self.leftovers.add("host taken as up without an answer (-Pn)", str(address))
            return
        self.counts["answered"] += 1
        if not self._in_perimeter(address):
            self.counts["internal"] += 1
            self.leftovers.add("CVE verified on an internal host: only internet-facing assets rate", *self.host.cves)
            self.leftovers.add("internal host: not publicly routable, or not seen from outside", str(address))
            return
        self.counts["perimeter"] += 1
        self._expose(str(address))
        if len(self.perimeter.hosts) > MAX_HOSTS:
            raise ReadingError(f"{self.name}: more than {MAX_HOSTS} hosts: split the scan by network")
        if self.host.cves:
            self.open.setdefault(str(address), {}).update(self.host.cves)

    def _answered(self) -> bool:
        host = self.host
        unasked = host.reason == "user-set" or (not host.reason and self.skips_discovery)
        answers = {port.state for port in host.ports.values()} | set(host.extras)
        return not unasked or bool(answers & _ANSWERS)

    def _in_perimeter(self, address: exposure.Address) -> bool:
        near = self.host.neighbour or self.host.reason in {"arp-response", "localhost-response"}
        return exposure.in_perimeter(address, self.vantage) and not (near and self.vantage == "auto")

    def _expose(self, address: str) -> None:
        tried = [port for port in self.host.ports.values() if port.protocol == "tcp"]
        hidden = self.host.extras or self.open_only
        all_open = not hidden and all(port.state == "open" for port in tried)
        opened = [port for port in self.host.ports.values() if port.state == "open"]
        self.perimeter.add(address, opened, self.host.names, all_open=all_open)
        for port in self.host.ports.values():
            label = f"{port.number}/{port.protocol}"
            if port.state == "open|filtered":
                self.leftovers.add("port open|filtered: not known to be open", label)
            elif port.state == "open by its reset":
                self.leftovers.add("port that a window scan takes for open: not known to be open", label)
        if not self.telling:
            kinds = " ".join((", ".join(sorted(self.scan_types)) or "none", *self.blinding))
            self.leftovers.add(
                "kind of scan that an open port need not answer: zero is not claimed", f"TCP scan: {kinds}", count=1
            )
        for name, numbers in exposure.PORTS_OF.items():
            for number in numbers:
                if not self._settled(number):
                    self.perimeter.unsure.add(name)
                    self.leftovers.add(f"no definite result for a port of {name}: zero is not claimed", f"{number}/tcp")

    def _settled(self, number: int) -> bool:
        """Whether the scan tells for certain that a TCP port is open or that it is not."""
        listed = self.host.ports.get(("tcp", number))
        if listed is not None and listed.state == "open":
            return True
        if not self.telling:
            return False
        if listed is not None:
            return listed.state in _NOT_OPEN
        if self.host.timed_out or number not in self.scanned:
            return False
        states = set(self.host.extras)
        if not states:
            return self.open_only
        return bool(states & _NOT_OPEN)  # what is open|filtered beside them are ports of another protocol

    def _among(self, services: str) -> set[int]:
        """Those ports that matter for a claim, out of a list such as "1,3-4"."""
        found: set[int] = set()
        for part in set(services.split(",")) if services else ():
            first, dash, last = part.strip().partition("-")
            low = _number(first)
            high = _number(last) if dash else low
            if low is None or high is None or low > high:
                raise self._error(f"{part[:40]!r} is not a range of ports")
            if low < high:
                found.update(number for number in exposure.TELLING_PORTS if low <= number <= high)
            elif low in exposure.TELLING_PORTS:
                found.add(low)
        return found


def _number(text: str, highest: int = 65535) -> int | None:
    usable = text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if usable and int(text) <= highest else None


def looks_like(head: Head) -> int:
    """Whether a file is a scan by nmap; the root element is masscan's as well."""
    if head.form == "text":
        grepable = nmap_grepable.BEGINS.match(head.text) is not None
        listed = any(nmap_grepable.HOST.match(line) for line in head.text.splitlines()[:100])
        return 1 + listed if grepable or head.text.startswith("Starting Nmap ") else 0
    return 2 if head.root == "nmaprun" and head.attributes.get("scanner", "nmap") == "nmap" else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a scan written by ``nmap -oX``, or by ``nmap -oG``, which tells less.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ran; used only when the file does not tell.
    assets_total : int, optional
        How many internet-facing hosts there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood. With "auto" only publicly routable addresses, not seen from their own network
        segment, belong to the perimeter; with "external" all but loopback do; with "internal" none.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities; default the packaged snapshot.

    Returns
    -------
    Reading

    Raises
    ------
    ReadingError
        When the file is missing, too large, cut short, not XML, or not a scan by nmap.
    """
    name, leftovers = name_of(source), Leftovers()
    exposure.check_vantage(vantage)
    scan = _Scan(name, vantage, leftovers)
    head = Head.of(source, MAX_BYTES)
    if head.form == "text" and looks_like(head):
        nmap_grepable.feed(source, scan, MAX_BYTES)
    else:
        read_xml(source, scan, MAX_BYTES)
    found = moment(scan.finished.get("time")) or moment(scan.run.get("start"))
    when = date_of(found, observed_at, name, leftovers)
    ended = bool(scan.finished) and scan.finished.get("exit", "success") == "success"
    hidden = max(0, (_number(scan.totals.get("up", ""), 2**32) or 0) - scan.counts["up"])
    if not ended:
        leftovers.add("the scan did not run to its end: zero is not claimed", "scan")
    if hidden:
        leftovers.add("host that was up but is not listed", "host", count=hidden)
    whole = ended and (scan.open_only or not hidden)  # hosts that --open hides have nothing open
    claims = [
        *scan.perimeter.claims(whole=whole, counted=ended and not hidden),
        *_exploited(scan.open, scan.perimeter.same(), catalogue or Catalogue.load(), leftovers),
    ]
    scope: dict[str, Any] = {
        **{f"hosts_{key}": number for key, number in scan.counts.items()},
        "vantage": vantage,
        "complete": ended,
        "protocols": sorted(scan.protocols),
        "command": scan.run.get("args", "")[:500],
    }
    return Reading.of(
        TOOL,
        scan.run.get("version"),
        when,
        claims,
        assets=Assets("hosts", scan.perimeter.settled),
        scope=scope,
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _exploited(
    found: dict[str, dict[str, None]], same: dict[str, str], known: Catalogue, leftovers: Leftovers
) -> list[Claim]:
    """Known-exploited vulnerabilities that scripts verified; scripts never show that there are none."""
    pairs = list(
        dict.fromkeys(f"{cve} on {same[host]}" for host, cves in found.items() for cve in known.exploited(cves))
    )
    others = [cve for cves in found.values() for cve in cves if cve not in known.kev]
    leftovers.add("CVE verified, but not known to be exploited", *others)
    return [Claim("kev_open_external", len(pairs), "scan", "at least: " + "; ".join(pairs))] if pairs else []
