"""sslyze's JSON (`--json_out`), versions 3 to 6: callers are the command line and apps.

A certificate is trusted when Mozilla's store trusts it, or any store where Mozilla's is not listed. What was not
scheduled was not looked at. `tls` scores what was found.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure, tls
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "sslyze"
OPTIONS = ("vantage",)

MAX_BYTES = 128_000_000
"""A file larger than this is refused."""

_VERSIONS = {
    "ssl_2_0": "ssl2", "ssl_3_0": "ssl3", "tls_1_0": "tls10", "tls_1_1": "tls11", "tls_1_2": "tls12",
    "tls_1_3": "tls13",
}  # fmt: skip
_MUST_BE_KNOWN = {"ssl3", "tls10", "tls11", "tls12"}
_USED = {
    *(f"{one}_cipher_suites" for one in _VERSIONS), "certificate_info", "heartbleed", "openssl_ccs_injection", "robot",
    "session_renegotiation", "tls_compression", "http_headers",
}  # fmt: skip


def looks_like(head: Head) -> int:
    """Whether a file is sslyze's."""
    if head.form != "json object":
        return 0
    own = head.keys & {"sslyze_version", "sslyze_url", "server_scan_results", "server_connectivity_errors"}
    return 2 if own or head.has_keys("accepted_targets") else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
) -> Reading:
    """Read what sslyze wrote with ``--json_out``.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ran; used only when the file does not tell (before version 5).
    assets_total : int, optional
        How many hosts with TLS there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood. With "auto" only servers with a public name or address belong to the perimeter; with
        "external" all do but those of the scanner's own machine or network by name; with "internal" none.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, of a version before 3, or not sslyze's.
    """
    name, leftovers = name_of(source), Leftovers()
    exposure.check_vantage(vantage)
    content = read_json(source, MAX_BYTES)
    if "server_scan_results" not in content:
        old = "accepted_targets" in content
        raise ReadingError(
            f"{name}: {'written by sslyze 2 or older' if old else 'not a report by sslyze (no server_scan_results)'}: "
            "give the --json_out file of sslyze 3 or later"
        )
    made = loose_moment(text_at(content, "date_scans_completed") or text_at(content, "date_scans_started"))
    when = date_of(made, observed_at, name, leftovers)
    servers: list[tls.Server] = []
    silent = [_place(one) for one in objects(content.get("server_connectivity_errors"), f"{name}: errors")]
    for one in objects(content["server_scan_results"], f"{name}: server_scan_results"):
        if len(servers) >= tls.MAX_SERVERS:
            raise ReadingError(f"{name}: more than {tls.MAX_SERVERS} servers: split it by network")
        commands = one.get("scan_result") or one.get("scan_commands_results")
        if not isinstance(commands, dict):
            silent.append(_place(one))
            continue
        server = tls.Server(_host(one), _place(one), address=text_at(_location(one), "ip_address")[:60])
        _assess(server, commands, when, name, leftovers)
        servers.append(server)
    leftovers.add("host that was not assessed", *silent)
    claimed, assets = tls.claims(servers, leftovers, vantage)
    return Reading.of(
        TOOL,
        text_at(content, "sslyze_version") or None,
        when,
        claimed,
        assets=assets,
        scope={"vantage": vantage, "servers": [one.place for one in servers][:200], "not_assessed": len(silent)},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _location(one: dict[str, Any]) -> object:
    return one.get("server_location") or at(one, "server_info", "server_location")


def _host(one: dict[str, Any]) -> str:
    place = _location(one)
    return (text_at(place, "hostname") or text_at(place, "ip_address"))[:200]


def _place(one: dict[str, Any]) -> str:
    place = _location(one)
    if not isinstance(place, dict):  # an error of version 3 or 4
        return text_at(one, "server_string")[:200]
    address, port = text_at(place, "ip_address")[:60], text_at(place, "port")[:10]
    return f"{_host(one)}{f' ({address})' if address else ''}:{port}"


def _result(commands: dict[str, Any], command: str) -> dict[str, Any] | None:
    """Return what a command found; None when it did not run. Versions 3 and 4 have no status around it."""
    found = commands.get(command)
    if not isinstance(found, dict):
        return None
    if "status" in found or "result" in found:
        found = found.get("result")
    return found if isinstance(found, dict) else None


def _assess(server: tls.Server, commands: dict[str, Any], when: datetime, name: str, leftovers: Leftovers) -> None:
    offered, known, suites = set(), set(), []
    for prefix, version in _VERSIONS.items():
        found = _result(commands, f"{prefix}_cipher_suites")
        if found is None:
            continue
        known.add(version)
        accepted = objects(found.get("accepted_cipher_suites"), f"{name}: {prefix}: accepted_cipher_suites")
        if accepted:
            offered.add(version)
        for one in accepted:
            suites.append(text_at(one, "cipher_suite", "name"))
            server.blame("no_encryption", at(one, "cipher_suite", "is_anonymous"))
            size = at(one, "ephemeral_key", "size")
            kind = text_at(one, "ephemeral_key", "type_name") or text_at(one, "ephemeral_key", "type")
            short = isinstance(size, int) and size <= 1024 and kind.upper() == "DH"
            server.blame("weak_key_exchange", short)
    if known >= _MUST_BE_KNOWN:
        server.offer(offered, known)
        server.accept(suites)
    for version in ("ssl2", "ssl3", "tls10", "tls11"):
        server.blame(version, version in offered)
    for place, fault in _FLAGS.items():
        server.blame(fault, at(_result(commands, place[0]), place[1]))
    server.blame(
        "insecure_renegotiation", _is_false(commands, "session_renegotiation", "supports_secure_renegotiation")
    )
    robot = text_at(_result(commands, "robot"), "robot_result").upper()
    server.blame("padding_oracle", robot.startswith("VULNERABLE"))
    headers = _result(commands, "http_headers")
    if headers is not None and "strict_transport_security_header" in headers and not headers.get("http_error_trace"):
        server.blame("no_hsts", headers["strict_transport_security_header"] is None)
    info = _result(commands, "certificate_info")
    if info is not None:
        for deployment in objects(info.get("certificate_deployments"), f"{name}: certificate_deployments"):
            _certificate(server, deployment, when, name)
    leftovers.add("check that costs no points", *(str(one) for one in commands if one not in _USED))


_FLAGS = {
    ("heartbleed", "is_vulnerable_to_heartbleed"): "heartbleed",
    ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection"): "ccs_injection",
    ("tls_compression", "supports_compression"): "compression",
    ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"): "client_renegotiation",
    ("session_renegotiation", "accepts_client_renegotiation"): "client_renegotiation",
}


def _is_false(commands: dict[str, Any], command: str, key: str) -> bool:
    return at(_result(commands, command), key) is False


def _certificate(server: tls.Server, found: dict[str, Any], when: datetime, name: str) -> None:
    chain = objects(found.get("received_certificate_chain"), f"{name}: received_certificate_chain")
    stores = list(_validations(found, name))
    if chain and stores:
        server.parts.add("certificate")
    if chain:
        leaf = chain[0]
        ends = loose_moment(text_at(leaf, "not_valid_after") or text_at(leaf, "notAfter"))
        begins = loose_moment(text_at(leaf, "not_valid_before") or text_at(leaf, "notBefore"))
        # A day of grace: before version 5 the caller says when it ran, and may say the day alone.
        expired = (ends is not None and ends < when) or (begins is not None and begins > when + timedelta(days=1))
        server.blame("expired", expired)
        if ends is not None and not expired:
            server.blame("expires_soon", ends - when.astimezone(UTC) < timedelta(days=tls.EXPIRES_SOON_DAYS))
        key = leaf.get("public_key") or leaf.get("publicKey")
        size = at(key, "key_size") or at(key, "size")
        server.blame("weak_key", "RSA" in text_at(key, "algorithm").upper() and isinstance(size, int) and size < 2048)
        hashed = text_at(leaf, "signature_hash_algorithm", "name") or text_at(leaf, "signatureAlgorithm")
        server.blame("weak_signature", hashed.lower() in {"sha1", "md5", "md2"})
    server.blame("weak_signature", found.get("verified_chain_has_sha1_signature"))
    server.blame("mismatch", found.get("leaf_certificate_subject_matches_hostname") is False)
    server.blame("incomplete_chain", found.get("received_chain_has_valid_order") is False)
    server.blame("revoked", text_at(found, "ocsp_response", "certificate_status").upper() == "REVOKED")
    _trust(server, stores)


def _validations(found: dict[str, Any], name: str) -> Iterator[tuple[str, bool, str]]:
    """Store, whether it trusts the chain, and what it complains of."""
    for one in objects(found.get("path_validation_results"), f"{name}: path_validation_results"):
        error = text_at(one, "validation_error") or text_at(one, "openssl_error_string")
        told = one.get("was_validation_successful")
        trusted = told if isinstance(told, bool) else bool(one.get("verified_certificate_chain")) and not error
        yield text_at(one, "trust_store", "name").lower(), trusted, error.lower()


def _trust(server: tls.Server, stores: list[tuple[str, bool, str]]) -> None:
    if not stores:
        return
    mozilla = [one for one in stores if one[0] == "mozilla"] or stores
    if any(trusted for _, trusted, _ in mozilla):
        return
    # A host may be called expired.example, and errors name the host.
    errors = " ".join(error for _, _, error in mozilla).replace(server.host.lower(), "")
    if "expired" in errors or "not valid at validation time" in errors or "not yet valid" in errors:
        server.blame("expired", found=True)
    elif "name" in errors and ("match" in errors or "subjectaltname" in errors or "san" in errors):
        server.blame("mismatch", found=True)
    else:
        server.blame("untrusted", found=True)
