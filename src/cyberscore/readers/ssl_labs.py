"""Qualys SSL Labs' assessments (API versions 2 to 4, one host or several): callers are the command line and apps.

The letter bounds the score (`tls.GRADES`), the details say how far below it lies. A letter without details is enough
for the bound alone. An assessment that is not ready says nothing, but where it stopped because the certificate is of
another name, it says that.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure, tls
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "SSL Labs"
OPTIONS = ("vantage",)

MAX_BYTES = 128_000_000
"""A file larger than this is refused."""

_VERSIONS = {
    ("SSL", "2.0"): "ssl2", ("SSL", "3.0"): "ssl3", ("TLS", "1.0"): "tls10", ("TLS", "1.1"): "tls11",
    ("TLS", "1.2"): "tls12", ("TLS", "1.3"): "tls13",
}  # fmt: skip
# Bits of a certificate's `issues`, as the API's documentation lists them.
_CERTIFICATE_ISSUES = {
    1: "untrusted", 2: "expired", 4: "expired", 8: "mismatch", 16: "revoked", 32: "mismatch", 64: "untrusted",
    128: "untrusted", 256: "weak_signature", 512: "weak_key",
}  # fmt: skip
_MISMATCH = "certificate not valid for domain name"
"""What an address is said to be that was left alone because its certificate is of another name."""
_CHAIN_INCOMPLETE, _CHAIN_ORDER = 2, 8
# Details whose value says "vulnerable": from which number, or True.
_VULNERABLE: dict[str, tuple[str, int]] = {
    "openSslCcs": ("ccs_injection", 3), "openSSLLuckyMinus20": ("padding_oracle", 2),
    "ticketbleed": ("padding_oracle", 2),
    "poodleTls": ("padding_oracle", 2), "zombiePoodle": ("padding_oracle", 2),
    "goldenDoodle": ("padding_oracle", 4), "zeroLengthPaddingOracle": ("padding_oracle", 6),
    "sleepingPoodle": ("padding_oracle", 10),
}  # fmt: skip
_FLAGS = {
    "heartbleed": "heartbleed", "poodle": "ssl3", "freak": "export_cipher", "logjam": "weak_key_exchange",
    "drownVulnerable": "padding_oracle", "supportsRc4": "rc4",
}  # fmt: skip


def looks_like(head: Head) -> int:
    """Whether a file is an assessment by SSL Labs."""
    own = head.has_keys("endpoints", "host") and bool(
        head.keys & {"criteriaVersion", "engineVersion", "endpoints.grade"}
    )
    return 2 if own else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
) -> Reading:
    """Read hosts as SSL Labs' API, or its command line ``ssllabs-scan``, gives them.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When they were assessed; used only when the file does not tell.
    assets_total : int, optional
        How many hosts with TLS there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood. With "auto" only servers with a public name or address belong to the perimeter; with
        "external" all do but those of the scanner's own machine or network by name; with "internal" none.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or not SSL Labs'.
    """
    name, leftovers = name_of(source), Leftovers()
    exposure.check_vantage(vantage)
    content = read_json(source, MAX_BYTES, arrays=True)
    hosts = objects(content if isinstance(content, list) else [content], f"{name}: the list")
    if not hosts or not all("host" in one and ("endpoints" in one or "status" in one) for one in hosts):
        raise ReadingError(f"{name}: not an assessment by SSL Labs (no host and endpoints): give the API's answer")
    times = [found for one in hosts if (found := _epoch(one.get("testTime") or one.get("startTime"))) is not None]
    when = date_of(min(times, default=None), observed_at, name, leftovers)  # the oldest: none looks fresher than it is
    servers: list[tls.Server] = []
    for host in hosts:
        for endpoint, certificates in _endpoints(host, name, leftovers):
            if len(servers) >= tls.MAX_SERVERS:
                raise ReadingError(f"{name}: more than {tls.MAX_SERVERS} servers: split it by host")
            servers.append(_assess(host, endpoint, certificates, when, name))
    claimed, assets = tls.claims(servers, leftovers, vantage)
    return Reading.of(
        TOOL,
        text_at(hosts[0], "engineVersion") or None,
        when,
        claimed,
        assets=assets,
        scope={
            "vantage": vantage,
            "servers": [one.place for one in servers][:200],
            "grades": {one.place: one.grade for one in servers[:200]},
            "criteria": text_at(hosts[0], "criteriaVersion"),
        },
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _epoch(value: object) -> datetime | None:
    """Return a time from milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        return None
    return loose_moment(str(int(value // 1000)))


def _endpoints(
    host: dict[str, Any], name: str, leftovers: Leftovers
) -> Iterator[tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
    label = text_at(host, "host")
    if text_at(host, "status") not in {"READY", ""}:
        leftovers.add(f"host that was not assessed ({text_at(host, 'status')[:40]})", label)
        return
    certificates = {text_at(one, "id"): one for one in objects(host.get("certs"), f"{name}: certs")}
    for one in objects(host.get("endpoints"), f"{name}: endpoints"):
        if isinstance(one.get("details"), dict) or text_at(one, "grade") or _is_mismatch(one):
            yield one, certificates
        else:
            leftovers.add("address that was not assessed", f"{label} {text_at(one, 'ipAddress')}: "
                          f"{text_at(one, 'statusMessage')}")  # fmt: skip


def _is_mismatch(endpoint: dict[str, Any]) -> bool:
    return text_at(endpoint, "statusMessage").casefold().startswith(_MISMATCH)


def _assess(
    host: dict[str, Any],
    endpoint: dict[str, Any],
    certificates: dict[str, dict[str, Any]],
    when: datetime,
    name: str,
) -> tls.Server:
    label, port = text_at(host, "host")[:200], text_at(host, "port")[:10] or "443"
    address = text_at(endpoint, "ipAddress")[:60]
    server = tls.Server(label, f"{label} ({address}):{port}", address=address)
    server.rate(text_at(endpoint, "grade").strip().upper())
    if server.grade:
        server.parts.update(tls.PARTS)  # no letter is given before all parts were looked at
    elif _is_mismatch(endpoint):
        server.blame("mismatch", found=True)
    details = endpoint.get("details")
    if isinstance(details, dict):
        _details(server, details, certificates, when, name)
    return server


def _details(
    server: tls.Server, details: dict[str, Any], certificates: dict[str, dict[str, Any]], when: datetime, name: str
) -> None:
    protocols = objects(details.get("protocols"), f"{name}: protocols")
    if protocols:
        server.offer(
            version
            for one in protocols
            if (version := _VERSIONS.get((text_at(one, "name").upper(), text_at(one, "version"))))
        )
    listed = details.get("suites")
    groups = objects([listed] if isinstance(listed, dict) else listed, f"{name}: suites")
    suites = [one for group in groups for one in objects(group.get("list"), f"{name}: suites.list")]
    server.accept(text_at(one, "name") for one in suites)
    server.blame(
        "weak_key_exchange", any(isinstance(size := one.get("dhStrength"), int) and size <= 1024 for one in suites)
    )
    for key, fault in _FLAGS.items():
        server.blame(fault, details.get(key))
    for key, (fault, least) in _VULNERABLE.items():
        value = details.get(key)
        server.blame(fault, isinstance(value, int) and not isinstance(value, bool) and value >= least)
    oracle = details.get("bleichenbacher")
    server.blame("padding_oracle", isinstance(oracle, int) and oracle in {2, 3})  # 4 is "inconsistent results"
    server.blame("insecure_renegotiation", _bit(details.get("renegSupport"), 1))
    server.blame("compression", _bit(details.get("compressionMethods"), 1))
    server.blame("no_hsts", text_at(details, "hstsPolicy", "status") in {"absent", "disabled", "invalid"})
    for chain in objects(details.get("certChains"), f"{name}: certChains"):
        if chain.get("noSni") is True:
            continue  # shown only to clients that name no host
        ids = chain.get("certIds")
        leaf = certificates.get(str(ids[0])) if isinstance(ids, list) and ids else None
        _certificate(server, leaf, when)
        server.blame("incomplete_chain", _bit(chain.get("issues"), _CHAIN_INCOMPLETE | _CHAIN_ORDER))
    if isinstance(details.get("cert"), dict):  # version 2
        _certificate(server, details["cert"], when)
        size = at(details, "key", "size")
        server.blame("weak_key", isinstance(size, int) and size < 2048 and text_at(details, "key", "alg") == "RSA")


def _certificate(server: tls.Server, found: dict[str, Any] | None, when: datetime) -> None:
    if found is None:
        return
    server.parts.add("certificate")
    for bit, fault in _CERTIFICATE_ISSUES.items():
        server.blame(fault, _bit(found.get("issues"), bit))
    ends = _epoch(found.get("notAfter"))
    if ends is not None:
        server.blame("expired", ends < when)
        server.blame("expires_soon", 0 <= (ends - when.astimezone(UTC)).days < tls.EXPIRES_SOON_DAYS)
    server.blame("no_caa", found.get("dnsCaa") is False)


def _bit(value: object, mask: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and bool(value & mask)
