"""What an open port of the perimeter exposes, whoever found it: callers are the readers of scans.

Which counts are made:

- `exposed_rdp`: hosts with Remote Desktop open: 3389/tcp, or wherever the service was recognised.
- `risky_services`: open services, host by host: SMB (445 and 139 of one host are one service), FTP (21),
  telnet (23), databases (1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 27017), or wherever they were recognised.
- `exposed_login_panels`: pages whose title, or an authentication script, says that one signs in there.
- `internet_footprint`: hosts that answered.

A host on which far more ports are open than anyone runs services is a proxy or a trap that answers for all ports: it
settles nothing. An IPv4 and an IPv6 address of one host are one host.
"""

import ipaddress
import re
from collections.abc import Iterable
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
UNKNOWN_PORTS, WRAPPED_PORTS, ALL_PORTS = 50, 20, 250
"""From how many open TCP ports on a proxy or a trap is taken to answer for a host: ports whose service nobody
recognised; those that closed the connection without a word (tcpwrapped), or unrecognised ones when every port that was
tried is open; and ports at all. Judgement: hosts of small firms have fewer than ten."""
_DATABASES_OVER_HTTP = ("elasticsearch", "couchdb", "apache couchdb", "influxdb")
_UNIDENTIFIED = {"", "unknown", "tcpwrapped"}
_LOGIN = re.compile(
    r"\b(log[ -]?[io]n|sign[ -]?[io]n|log into|anmeld\w*|einloggen|connexion|se connecter|iniciar sesi[oó]n|"
    r"inicio de sesi[oó]n|(?:iniciar|in[ií]cio de) sess[aã]o|accedi|inloggen|aanmelden|logga in|logg inn|log ind|"
    r"kirjaudu|logowanie|zaloguj|přihl[aá][sš]\w*|prihl[aá]s\w*|bejelentkez\w*|autentificare|giriş yap|"
    r"oturum aç\w*|đăng nhập|вход в систему|войти|авторизация|вхід|увійти|webmail|roundcube|"
    r"outlook(?: web)?|owa|citrix gateway|netscaler|globalprotect|"
    r"fortigate|ssl[ -]?vpn|phpmyadmin|pfsense|cpanel|plesk|webmin|vsphere|esxi|remote desktop web|rdweb)\b|"
    # languages that put no space between words
    r"登录|登錄|登入|登陆|ログイン|サインイン|로그인|เข้าสู่ระบบ|تسجيل الدخول",
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


_OWN_NAMES = re.compile(r"(?:.+\.)?localhost(?:\.localdomain)?\.?|ip6-(?:localhost|loopback)", re.IGNORECASE)
"""Names of the scanner's own machine (RFC 6761)."""


def best_address(texts: Iterable[str]) -> str:
    """Return, of one host's addresses, the first that is reachable from the internet, else the first; "" if none."""
    given = [text.strip() for text in texts if text.strip()]
    addresses = [(text, address_of(text)) for text in given]
    public = (text for text, address in addresses if address is not None and routable(address))
    return next(public, given[0] if given else "")


def in_perimeter(address: Address | None, vantage: Vantage, name: str = "") -> bool:
    """Whether a host belongs to the perimeter; a name without an address does only for a scan from outside."""
    if vantage == "internal":
        return False
    if address is None:
        return vantage == "external" and _OWN_NAMES.fullmatch(name) is None
    if address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast:
        return False
    return vantage == "external" or routable(address)


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


@dataclass(slots=True)
class Answer:
    """What one address of the perimeter answered, and how its host is called."""

    address: Address | None
    names: set[str] = field(default_factory=set)
    ports: set[tuple[str, int]] = field(default_factory=set)
    for_all: bool = False
    """A proxy or a trap answers on all its ports."""


def answers_for_all(ports: Iterable[Port], *, all_open: bool = False) -> bool:
    """Whether so many ports are open that a proxy or a trap answers, not a host's services.

    Parameters
    ----------
    ports : iterable of Port
        Open ports of one host.
    all_open : bool
        No port that was tried is closed or filtered.
    """
    tcp = [port for port in ports if port.protocol == "tcp"]
    unknown = [port for port in tcp if not port.identified]
    wrapped = unknown if all_open else [port for port in unknown if port.service == "tcpwrapped"]
    return len(unknown) >= UNKNOWN_PORTS or len(wrapped) >= WRAPPED_PORTS or len(tcp) >= ALL_PORTS


class Perimeter:
    """What answered from the internet, and what it exposes."""

    def __init__(self, leftovers: Leftovers) -> None:
        self.leftovers = leftovers
        self.hosts: dict[str, Answer] = {}
        self.seen: dict[str, dict[tuple[str, str], None]] = {name: {} for name in PORTS_OF}
        """Places that count, by signal: the host, and what is there."""
        self.unsure: set[str] = set()
        """Signals of which zero cannot be claimed."""

    def add(self, host: str, ports: Iterable[Port] = (), names: Iterable[str] = (), *, all_open: bool = False) -> bool:
        """Take a host that answered, with its open ports.

        Parameters
        ----------
        host : str
            Its address, or a name where that is not known.
        ports : iterable of Port
        names : iterable of str
            What it is called: the same name at an IPv4 and an IPv6 address shows one host.
        all_open : bool
            No port that was tried is closed or filtered.

        Returns
        -------
        bool
            Whether its ports tell what it exposes; False where a proxy or a trap answers for all of them.
        """
        opened = list(ports)
        answer = self.hosts.get(host)
        if answer is None:
            answer = self.hosts[host] = Answer(address_of(host))
        unnamed = answer.address is not None  # its address is no name
        called = {name.strip().rstrip(".").lower() for name in names if not (unnamed and name == host)} - {""}
        answer.names |= {name for name in called if address_of(name) is None and not _OWN_NAMES.fullmatch(name)}
        if not answers_for_all(opened, all_open=all_open):
            answer.ports |= {(port.protocol, port.number) for port in opened}
            for port in opened:
                self._open(host, port)
            return True
        answer.for_all = True
        self.unsure.update(PORTS_OF)
        self.leftovers.add(
            "host on which a proxy or a trap answers for all ports: it settles nothing",
            f"{host}: {len(opened)} open",
            count=1,
        )
        recognised = [port for port in opened if port.identified]
        for port in recognised if len(recognised) < UNKNOWN_PORTS else ():
            self._open(host, port)
        return False

    def _open(self, host: str, port: Port) -> None:
        kind, panel, label = port.kind, port.panel, f"{port.number}/{port.protocol}"
        if kind == "rdp":
            self.seen["exposed_rdp"][host, ""] = None
        elif kind is not None:
            self.seen["risky_services"][host, kind if kind == "smb" else f"{kind} {label}"] = None
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
        self.seen["exposed_login_panels"][host, what] = None

    @property
    def settled(self) -> int:
        """How many hosts answered for themselves."""
        same = self.same()
        return len({same[host] for host, one in self.hosts.items() if not one.for_all})

    def same(self) -> dict[str, str]:
        """Return the host that each address or name belongs to: itself, or the address that it is counted with.

        An IPv6 address goes with an IPv4 address of the same name, else with one that has the same open ports and no
        other name; each IPv4 address takes at most one. A name without an address goes with an address of that name.
        """
        found = {host: host for host in self.hosts}
        older = {host: one for host, one in self.hosts.items() if one.address is not None and one.address.version == 4}
        newer = {host: one for host, one in self.hosts.items() if one.address is not None and one.address.version == 6}
        named, alike = _by_name(older), _by_ports(older)
        for host, answer in newer.items():
            _take(found, host, older, [named.get(name, []) for name in sorted(answer.names)])
        for host, answer in newer.items():
            # A host with names of its own may still be one that was scanned without any.
            kinds = (False,) if answer.names else (False, True)
            if answer.ports and found[host] == host:
                _take(found, host, older, [alike.get((frozenset(answer.ports), kind), []) for kind in kinds])
        placed = _by_name({host: one for host, one in self.hosts.items() if one.address is not None})
        for host, answer in self.hosts.items():
            if answer.address is None:
                found[host] = next((found[one] for name in sorted(answer.names) for one in placed.get(name, ())), host)
        return found

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
        same = self.same()
        self.leftovers.add(
            "IPv6 address of a host that is counted once, with its IPv4 address",
            *(f"{host} of {one}" for host, one in same.items() if host != one),
        )
        hosts = list(dict.fromkeys(same.values()))
        claimed = []
        for name, seen in self.seen.items():
            certain = whole and name not in self.unsure
            places = list(dict.fromkeys(f"{same[host]} {what}".rstrip() for host, what in seen))
            if places:
                text = ("" if certain else "at least: ") + "; ".join(places)
                claimed.append(Claim(name, len(places), "scan", text))
            elif certain:
                claimed.append(Claim(name, 0, "scan", f"none on {len(hosts)} that answered"))
            else:
                self.leftovers.add("none seen, but zero is not claimed", name)
        if not counted:
            self.leftovers.add("not all hosts are listed: their number would be understated", "internet_footprint")
        elif any(one.for_all for one in self.hosts.values()):
            self.leftovers.add("how many hosts are behind a proxy or a trap is not known", "internet_footprint")
        else:
            claimed.append(Claim("internet_footprint", len(hosts), "scan", "; ".join(hosts)))
        return claimed


def _take(found: dict[str, str], host: str, free: dict[str, Answer], candidates: list[list[str]]) -> None:
    """Count an IPv6 address with the first candidate that no other has taken."""
    for ones in candidates:
        while ones:
            match = ones.pop()
            if match in free:
                found[host] = match
                del free[match]
                return


def _by_name(hosts: dict[str, Answer]) -> dict[str, list[str]]:
    """Return hosts by each of their names, the last one first."""
    found: dict[str, list[str]] = {}
    for host, answer in reversed(hosts.items()):
        for name in answer.names:
            found.setdefault(name, []).append(host)
    return found


def _by_ports(hosts: dict[str, Answer]) -> dict[tuple[frozenset[tuple[str, int]], bool], list[str]]:
    """Return hosts by their open ports and whether they have names, the last one first."""
    found: dict[tuple[frozenset[tuple[str, int]], bool], list[str]] = {}
    for host, answer in reversed(hosts.items()):
        found.setdefault((frozenset(answer.ports), bool(answer.names)), []).append(host)
    return found
