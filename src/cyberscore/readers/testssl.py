"""testssl.sh, as CSV, flat JSON or pretty JSON, of versions 2.9 to 3.2: callers are the command line and apps.

What it calls CRITICAL to MEDIUM in protocols, cipher suites, certificate and known flaws is scored by `tls`. BEAST,
LUCKY13 and BREACH follow from TLS 1.0, CBC and any compressed page, and cost nothing of their own. The CSV and flat
JSON do not tell when the scan ran.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure, tls
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json, read_table
from cyberscore.readers.fields import objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "testssl.sh"
OPTIONS = ("vantage",)

MAX_BYTES = 64_000_000
"""A file larger than this is refused."""

_BAD = {"LOW", "MEDIUM", "HIGH", "CRITICAL"}
_SERIOUS = {"MEDIUM", "HIGH", "CRITICAL"}
_GRAVE = {"HIGH", "CRITICAL"}
# "offered (deprecated)"; version 2.9 names the protocol: "TLSv1.2 is offered".
_OFFERED = re.compile(r"^(?:(?:SSL|TLS) ?v?[\d.]+ )?(?:is )?(?:offered|supported|vulnerable with)", re.IGNORECASE)
_PROTOCOLS = {
    "sslv2": "ssl2", "sslv3": "ssl3", "tls1": "tls10", "tls1_0": "tls10", "tls1_1": "tls11", "tls1_2": "tls12",
    "tls1_3": "tls13",
}  # fmt: skip
_GOOD_CIPHERS = {
    "cipherlist_strong", "cipherlist_good", "cipherlist_strong_fs", "cipherlist_strong_nofs", "std_high", "std_strong",
    "std_aead",
}  # fmt: skip
_SIMPLE: dict[str, tuple[str, set[str]]] = {
    "null": ("no_encryption", _BAD), "anull": ("no_encryption", _BAD), "adh": ("no_encryption", _BAD),
    "export": ("export_cipher", _BAD), "exp": ("export_cipher", _BAD), "export40": ("export_cipher", _BAD),
    "export56": ("export_cipher", _BAD), "low": ("weak_cipher", _SERIOUS), "des": ("weak_cipher", _SERIOUS),
    "des+64bit": ("weak_cipher", _SERIOUS), "3des": ("triple_des", _BAD), "3des_idea": ("triple_des", _BAD),
}  # fmt: skip
_FLAWS: dict[str, tuple[str, set[str]]] = {
    "heartbleed": ("heartbleed", _SERIOUS), "ccs": ("ccs_injection", _SERIOUS), "winshock": ("ccs_injection", _SERIOUS),
    "ticketbleed": ("padding_oracle", _SERIOUS), "robot": ("padding_oracle", _SERIOUS),
    "poodle_tls": ("padding_oracle", _SERIOUS), "drown": ("padding_oracle", _GRAVE),
    "opossum": ("padding_oracle", _GRAVE), "freak": ("export_cipher", _SERIOUS), "rc4": ("rc4", _SERIOUS),
    "sweet32": ("triple_des", _BAD), "poodle_ssl": ("ssl3", _SERIOUS), "logjam": ("weak_key_exchange", _SERIOUS),
    "logjam-common_primes": ("weak_key_exchange", _GRAVE), "crime_tls": ("compression", _SERIOUS),
    "crime": ("compression", _SERIOUS), "secure_renego": ("insecure_renegotiation", _SERIOUS),
    "secure_client_renego": ("client_renegotiation", _BAD), "sec_client_renego": ("client_renegotiation", _BAD),
    "hsts": ("no_hsts", _BAD), "dns_caarecord": ("no_caa", _BAD), "caa_record": ("no_caa", _BAD),
    "cert_signaturealgorithm": ("weak_signature", _SERIOUS), "cert_keysize": ("weak_key", _SERIOUS),
    "cert_ocsprevoked": ("revoked", _GRAVE), "cert_crlrevoked": ("revoked", _GRAVE),
    "cert_chain_of_trust": ("untrusted", _SERIOUS), "cert_trust": ("mismatch", _GRAVE),
    "certs_list_ordering_problem": ("incomplete_chain", _BAD), "algorithm": ("weak_signature", _SERIOUS),
    "key_size": ("weak_key", _SERIOUS), "chain_of_trust": ("untrusted", _SERIOUS), "trust": ("mismatch", _GRAVE),
}  # fmt: skip
_TRUST = {"cert_chain_of_trust", "chain_of_trust"}
_UNDECIDED = {"WARN", "DEBUG"}  # such as "no certificate stores found"
_ABOUT_THE_RUN = {"engine_problem", "scantime", "clientproblem1", "clientproblem"}
_INTERRUPTED = "interrupted"
_NOT_ASSESSED = {"scanproblem", "dns_resolution", "target", "host_timeout"}
_SECTIONS = (
    "pretest", "singleCipher", "protocols", "grease", "ciphers", "cipherTests", "serverPreferences", "pfs", "fs",
    "serverDefaults", "headerResponse", "vulnerabilities", "cipherSuites", "browserSimulations", "rating",
)  # fmt: skip


def looks_like(head: Head) -> int:
    """Whether a file is testssl.sh's."""
    if head.form == "text":
        return 2 if head.has_columns("id", "fqdn/ip", "severity", "finding") else 0
    pretty = head.has_keys("scanResult") and bool(head.keys & {"Invocation", "openssl", "at", "scanResult.targetHost"})
    flat = head.form == "json array" and head.has_keys("id", "ip", "port", "severity", "finding")
    return 2 if pretty or flat else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
) -> Reading:
    """Read what testssl.sh wrote with ``--csvfile``, ``--jsonfile`` or ``--jsonfile-pretty``.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ran; only pretty JSON tells.
    assets_total : int, optional
        How many hosts with TLS there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood. With "auto" only servers with a public name or address belong to the perimeter; with
        "external" all do but those of the scanner's own machine or network by name; with "internal" none.

    Raises
    ------
    ReadingError
        When the file is missing, too large, damaged, or not testssl.sh's.
    """
    name, leftovers = name_of(source), Leftovers()
    exposure.check_vantage(vantage)
    form = Head.of(source, MAX_BYTES).form
    version, started, interrupted = None, None, False
    if form == "text":
        rows: Iterator[tuple[str, str, str, str, str]] = (
            (row["id"], row.get("fqdn/ip", ""), row.get("port", ""), row.get("severity", ""), row.get("finding", ""))
            for row in read_table(source, MAX_BYTES, ("id", "fqdn/ip", "severity", "finding"))
        )
    else:
        content = read_json(source, MAX_BYTES, arrays=True)
        if isinstance(content, dict):
            version = text_at(content, "version").partition(" ")[0] or None  # "3.2rc3 e806f7a", "3.0.8  from "
            started = loose_moment(text_at(content, "startTime"))
            interrupted = _INTERRUPTED in text_at(content, "scanTime").lower()
        rows = _pretty(content, name) if isinstance(content, dict) else _flat(content, name)
    servers: dict[tuple[str, str], _Target] = {}
    for key, where, port, severity, finding in rows:
        # "cert_trust <cert#2>" where there are several; in version 2.9 "Server Certificate #2 trust"
        check = re.sub(r"(?<!\s)\s*<.*|^server certificate #\d+ ", "", key.strip().lower())
        host, _, address = where.strip().rstrip("/").partition("/")
        place = (host, f"{address}:{port.strip()}")
        if not host and check in _NOT_ASSESSED:  # pretty JSON does not tell which
            leftovers.add("host that was not assessed", finding.strip()[:100], count=1)
        if not host or (place not in servers and check in _ABOUT_THE_RUN):
            continue
        if place not in servers and len(servers) >= tls.MAX_SERVERS:
            raise ReadingError(f"{name}: more than {tls.MAX_SERVERS} servers: split it by network")
        target = servers.setdefault(place, _Target(host[:200], address[:60], port.strip()[:10]))
        if not target.take(check, severity.strip().upper(), finding.strip()):
            leftovers.add(f"finding that costs no points ({severity.strip().lower()})", key)
    if servers and interrupted:
        next(reversed(servers.values())).interrupted = True
    closed = [(one.closed(), one.silent) for one in servers.values()]
    silent = [one.place for one, failed in closed if failed or not (one.parts or one.faults or one.grade)]
    leftovers.add("host that was not assessed", *silent)
    assessed = [one for one, failed in closed if not failed and (one.parts or one.faults or one.grade)]
    claimed, assets = tls.claims(assessed, leftovers, vantage)
    return Reading.of(
        TOOL,
        version,
        date_of(started, observed_at, name, leftovers),
        claimed,
        assets=assets,
        scope={"vantage": vantage, "servers": [one.place for one in assessed][:200], "not_assessed": len(silent)},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _flat(content: list[Any], name: str) -> Iterator[tuple[str, str, str, str, str]]:
    for one in objects(content, f"{name}: the list"):
        if "finding" not in one:
            raise ReadingError(f"{name}: not a list of findings by testssl.sh: give its JSON or CSV file")
        yield _row(one, text_at(one, "ip"), text_at(one, "port"))


def _pretty(content: dict[str, Any], name: str) -> Iterator[tuple[str, str, str, str, str]]:
    if "scanResult" not in content:
        raise ReadingError(f"{name}: not a report by testssl.sh (no scanResult): give its JSON or CSV file")
    for scan in objects(content["scanResult"], f"{name}: scanResult"):
        host = text_at(scan, "targetHost") or text_at(scan, "ip")
        where, port = f"{host}/{text_at(scan, 'ip')}", text_at(scan, "port")
        if "finding" in scan:
            yield _row(scan, where, port)
        for section in _SECTIONS:
            for one in objects(scan.get(section), f"{name}: scanResult.{section}"):
                yield _row(one, where, port)


def _row(one: dict[str, Any], where: str, port: str) -> tuple[str, str, str, str, str]:
    return text_at(one, "id"), where, port, text_at(one, "severity"), text_at(one, "finding")


class _Target:
    """A server, and which protocols and good cipher lists were seen so far."""

    def __init__(self, host: str, address: str, port: str) -> None:
        shown = f"{host} ({address})" if address and address != host else host
        self.server = tls.Server(host, f"{shown}:{port}" if port else shown, address=address)
        self.protocols: dict[str, bool] = {}
        self.good: list[bool] = []
        self.silent = False
        self.expiry_told = self.trust_told = self.interrupted = False

    def take(self, check: str, severity: str, finding: str) -> bool:
        """Take one finding in; False when it is a serious one that costs nothing."""
        server = self.server
        offered = _OFFERED.match(finding) is not None
        if check in _NOT_ASSESSED or severity == "FATAL":
            self.silent = True
        elif check == "scantime":
            self.interrupted = _INTERRUPTED in finding.lower()
        elif check in _PROTOCOLS:
            if severity == "WARN" and not offered:
                return False  # "not tested due to lack of local support"
            self.protocols[_PROTOCOLS[check]] = offered
        elif check.startswith(("cipherlist_", "std_")):
            server.parts.add("cipher suites")
            if check in _GOOD_CIPHERS:
                self.good.append(offered or re.search(r"(?<!not )\boffered", finding.lower()) is not None)
            _blame(server, _SIMPLE, check.partition("_")[2], severity)
        elif check in {"pfs", "fs"}:
            server.blame("no_forward_secrecy", severity in _BAD)
        elif check in {"cert_expirationstatus", "expiration"}:
            self.expiry_told = True
            _take_expiry(server, severity, finding)
        elif check == "hsts_time":
            server.blame("no_hsts", "disabled" in finding.lower())
        elif check == "overall_grade":
            server.rate(finding.upper())
        elif check in _FLAWS:
            self.trust_told |= check in _TRUST and severity not in _UNDECIDED
            _blame(server, _FLAWS, check, severity)
        else:
            return severity not in _SERIOUS
        return True

    def closed(self) -> tls.Server:
        """Return the server, with what only all findings together show."""
        if {"ssl3", "tls10", "tls11", "tls12"} <= set(self.protocols):
            self.server.offer((one for one, offered in self.protocols.items() if offered), self.protocols)
        for name in ("ssl2", "ssl3", "tls10", "tls11"):
            self.server.blame(name, self.protocols.get(name, False))
        if self.good:
            self.server.blame("no_aead", not any(self.good))
        if self.expiry_told and self.trust_told:
            self.server.parts.add("certificate")
        if self.interrupted:
            self.server.parts.clear()  # flaws are tried last
        return self.server


def _blame(server: tls.Server, faults: dict[str, tuple[str, set[str]]], key: str, severity: str) -> None:
    fault, severities = faults.get(key, ("", set()))
    if severity in severities:
        server.blame(fault, found=True)


def _take_expiry(server: tls.Server, severity: str, finding: str) -> None:
    text = finding.lower()
    if severity in _GRAVE and ("expired" in text or "not valid" in text or "not yet" in text):
        server.blame("expired", found=True)
    elif severity in _GRAVE:
        server.blame("expires_soon", found=True)
