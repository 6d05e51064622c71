"""What an open port of the perimeter exposes, whoever found it: callers are the readers of scans.

Which counts are made:

- `exposed_rdp`: hosts with Remote Desktop open: 3389/tcp, or wherever the service was recognised.
- `risky_services`: open services, host by host: SMB (445 and 139 of one host are one service), FTP (21),
  telnet (23), databases (1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 27017), or wherever they were recognised.
- `exposed_login_panels`: pages whose title, or an authentication script, says that one signs in there.
- `internet_footprint`: addresses that answered.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import Claim, Leftovers

Vantage = Literal["auto", "external", "internal"]
"""Where a scanner stood. "auto": publicly routable addresses belong to the perimeter; "external": all but loopback
do; "internal": none."""

RDP_PORTS = (3389,)
RISKY_PORTS = (21, 23, 445, 1433, 1521, 3306, 5432)
"""All must have been scanned before "no risky services" is claimed; nmap's thousand usual ports hold them."""
WEB_PORTS = (80, 443, 8080, 8443)
PORTS_OF = {"exposed_rdp": RDP_PORTS, "risky_services": RISKY_PORTS, "exposed_login_panels": WEB_PORTS}
"""Which ports must have been scanned before zero is claimed of a signal."""
TELLING_PORTS = (*RDP_PORTS, *RISKY_PORTS, *WEB_PORTS)

_PORTS = {
    "rdp": RDP_PORTS,
    "smb": (139, 445),
    "ftp": (21,),
    "telnet": (23,),
    "database": (1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 27017),
}
_SERVICES = {
    "rdp": "ms-wbt-server ms-term-serv rdp msrdp",
    "smb": "microsoft-ds netbios-ssn smb cifs",
    "ftp": "ftp ftps",
    "telnet": "telnet telnets",
    "database": (
        "mysql ms-sql-s oracle-tns oracle postgresql mongodb mongod redis memcached memcache cassandra "
        "cassandra-native elasticsearch couchdb ibm-db2 drda firebird sybase informix mssql tds oracle_tnslsnr postgres"
    ),
}
_KIND_OF_PORT = {number: kind for kind, numbers in _PORTS.items() for number in numbers}
_KIND_OF_SERVICE = {name: kind for kind, names in _SERVICES.items() for name in names.split()}
_DATABASES_OVER_HTTP = ("elasticsearch", "couchdb", "apache couchdb", "influxdb")
_UNIDENTIFIED = {"", "unknown", "tcpwrapped"}
_LOGIN = re.compile(
    r"\b(log[ -]?[io]n|sign[ -]?[io]n|log into|anmeld\w*|einloggen|connexion|se connecter|iniciar sesi[oó]n|"
    r"accedi|inloggen|logga in|webmail|roundcube|outlook(?: web)?|owa|citrix gateway|netscaler|globalprotect|"
    r"fortigate|ssl[ -]?vpn|phpmyadmin|pfsense|cpanel|plesk|webmin|vsphere|esxi|remote desktop web|rdweb)\b",
    re.IGNORECASE,
)
# Documentation addresses stand for public ones in exports made anonymous; nothing real answers there.
_STAND_INS = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)

_NEVER_PUBLIC = re.compile(r"(?:^|\.)(?:localhost|localdomain|local|internal|home\.arpa)$")
"""Names that mean something on the own machine or network alone (RFC 6761, 6762 and 8375; ICANN for .internal)."""
_SELDOM_PUBLIC = re.compile(r"^[^.]*$|\.(?:lan|corp|home|intranet|private)$")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(slots=True)
class Port:
    """A port as a scanner describes it; `probed` tells that the service was recognised, not looked up."""

    protocol: str
    number: int
    state: str = ""
    service: str = ""
    product: str = ""
    probed: bool = False
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether version detection recognised the service."""
        return self.probed and self.service not in _UNIDENTIFIED

    @property
    def kind(self) -> str | None:
        """One of rdp, smb, ftp, telnet, database or None; what was recognised outweighs the number."""
        if self.protocol != "tcp":
            return None
        if not self.identified:
            return _KIND_OF_PORT.get(self.number)
        if self.product.lower().startswith(_DATABASES_OVER_HTTP):
            return "database"
        return _KIND_OF_SERVICE.get(self.service)

    @property
    def may_be_web(self) -> bool:
        """Whether a login page may be behind it: a web service, or one nobody recognised."""
        if self.protocol != "tcp":
            return False
        unknown = self.service in _UNIDENTIFIED or "http" in self.service
        return unknown or (not self.identified and self.number in WEB_PORTS)

    @property
    def panel(self) -> str | None:
        """What a title or an authentication script says that one signs in to."""
        title = self.scripts.get("http-title", "").strip()
        if not title.lower().startswith("did not follow redirect") and _LOGIN.search(title):
            return title.splitlines()[0]
        asks = self.scripts.get("http-auth", "") if "401" in self.scripts.get("http-auth", "") else ""
        return (asks or self.scripts.get("http-auth-finder", "")).strip() or None


def routable(address: Address) -> bool:
    """Whether an address is reachable from the internet."""
    return (address.is_global and not address.is_multicast) or any(address in network for network in _STAND_INS)


def address_of(text: str) -> Address | None:
    """Return an IP address, without a zone and out of its IPv4-mapped form; None when the text is none."""
    text = text.strip().partition("%")[0]
    try:
        if ":" not in text:  # told at once, since most are, and trying both kinds takes three times as long
            return ipaddress.IPv4Address(text) if text[:1].isdigit() else None
        found = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found


def in_perimeter(address: Address | None, vantage: Vantage) -> bool:
    """Whether a host belongs to the perimeter; a name without an address does only for a scan from outside."""
    if vantage == "internal" or (address is not None and (address.is_loopback or address.is_unspecified)):
        return False
    return vantage == "external" or (address is not None and routable(address))


def check_vantage(vantage: str) -> None:
    """Refuse a vantage that is not one.

    Raises
    ------
    ReadingError
    """
    if vantage not in {"auto", "external", "internal"}:
        raise ReadingError(f"vantage must be auto, external or internal; got {vantage!r}")


def is_outside(name: str, address: str, vantage: Vantage) -> bool:
    """Whether a server belongs to the perimeter, told by its name and its address, of which one may be missing."""
    host = name.strip().strip("[]").rstrip(".").lower()
    place = address_of(address.strip().strip("[]")) or address_of(host)
    if vantage == "internal" or _NEVER_PUBLIC.search(host):
        return False
    if place is None and vantage == "auto":
        return bool(host) and _SELDOM_PUBLIC.search(host) is None
    return in_perimeter(place, vantage)


def seen_port(protocol: str, number: int, service: str) -> Port:
    """Return an open port as vulnerability scanners name it: a name they know outweighs the number, others do not."""
    name = service.strip().lower()
    return Port(protocol.lower(), number, "open", name, probed=name in _KIND_OF_SERVICE)


class Perimeter:
    """What answered from the internet, and what it exposes."""

    def __init__(self, leftovers: Leftovers) -> None:
        self.leftovers = leftovers
        self.hosts: dict[str, None] = {}
        self.seen: dict[str, dict[str, None]] = {name: {} for name in PORTS_OF}
        self.unsure: set[str] = set()
        """Signals of which zero cannot be claimed."""

    def open_port(self, host: str, port: Port) -> None:
        """Count an open port of a host."""
        kind, panel, label = port.kind, port.panel, f"{port.number}/{port.protocol}"
        if kind == "rdp":
            self.seen["exposed_rdp"][host] = None
        elif kind is not None:
            self.seen["risky_services"][f"{host} {kind}" if kind == "smb" else f"{host} {kind} {label}"] = None
        if panel is not None:
            self.panel(host, panel)
        elif "http-title" in port.scripts:
            title = port.scripts["http-title"].strip()
            self.leftovers.add("page whose title does not show a login; it may have one", title)
        if port.may_be_web:
            self.unsure.add("exposed_login_panels")
        if kind is None and panel is None:
            self.leftovers.add("open port whose service no signal rates", f"{label} {port.service or 'unknown'}")

    def panel(self, host: str, what: str) -> None:
        """Count a page of a host where one signs in."""
        self.seen["exposed_login_panels"][f"{host} {what}"] = None

    def claims(self, *, whole: bool, counted: bool) -> list[Claim]:
        """One claim for each count that can be made; the rest is left over with its reason.

        Parameters
        ----------
        whole : bool
            Every host that answered had its ports scanned to the end, so that zero may be claimed.
        counted : bool
            All hosts that answered are known, so that their number may be claimed.
        """
        if not self.hosts:
            self.leftovers.add("no host of the perimeter answered: nothing is claimed", "scan")
            return []
        claimed = []
        for name, places in self.seen.items():
            certain = whole and name not in self.unsure
            if places:
                text = ("" if certain else "at least: ") + "; ".join(places)
                claimed.append(Claim(name, len(places), "scan", text))
            elif certain:
                claimed.append(Claim(name, 0, "scan", f"none on {len(self.hosts)} that answered"))
            else:
                self.leftovers.add("none seen, but zero is not claimed", name)
        if counted:
            claimed.append(Claim("internet_footprint", len(self.hosts), "scan", "; ".join(self.hosts)))
        else:
            self.leftovers.add("not all hosts are listed: their number would be understated", "internet_footprint")
        return claimed
