"""What an open port of the perimeter exposes, whoever found it: callers are the readers of port scans."""

import ipaddress
import re
from dataclasses import dataclass, field

RDP_PORTS = (3389,)
RISKY_PORTS = (21, 23, 445, 1433, 1521, 3306, 5432)
"""All must have been scanned before "no risky services" is claimed; nmap's thousand usual ports hold them."""
WEB_PORTS = (80, 443, 8080, 8443)
TELLING_PORTS = (*RDP_PORTS, *RISKY_PORTS, *WEB_PORTS)

_PORTS = {
    "rdp": RDP_PORTS,
    "smb": (139, 445),
    "ftp": (21,),
    "telnet": (23,),
    "database": (1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 27017),
}
_SERVICES = {
    "rdp": "ms-wbt-server ms-term-serv rdp",
    "smb": "microsoft-ds netbios-ssn smb",
    "ftp": "ftp ftps",
    "telnet": "telnet telnets",
    "database": (
        "mysql ms-sql-s oracle-tns oracle postgresql mongodb mongod redis memcached memcache cassandra "
        "cassandra-native elasticsearch couchdb ibm-db2 drda firebird sybase informix"
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
