"""TLS servers of the perimeter and others; names, addresses and certificates that say less than they seem to."""

import json

import pytest

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure, ssl_labs, sslyze, testssl, tls

DAY = "2026-11-01"
GOOD = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
    "TLS1_2": "offered", "TLS1_3": "offered with final", "cipherlist_NULL": "not offered",
    "cipherlist_STRONG_FS": "offered", "cert_chain_of_trust": "passed.", "cert_expirationStatus": "70 >= 60 days",
}  # fmt: skip


def shell(place, **changes):
    """Rows of testssl.sh of one server; a change is (severity, finding)."""
    rows = {check: ("OK", finding) for check, finding in GOOD.items()} | changes
    lines = [f'"{check}","{place}","443","{one[0]}","{one[1]}","",""' for check, one in rows.items()]
    return "\n".join(['"id","fqdn/IP","port","severity","finding","cve","cwe"', *lines]).encode()


def scan(name, address, error="", matches=None):
    """One server as sslyze writes it; without an error its chain is trusted."""
    suite = {"accepted_cipher_suites": [{"cipher_suite": {"name": "TLS_AES_128_GCM_SHA256"}}]}
    commands = {f"{one}_cipher_suites": {"result": {"accepted_cipher_suites": []}} for one in (
        "ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"
    )} | {f"tls_1_{number}_cipher_suites": {"result": suite} for number in (2, 3)}  # fmt: skip
    store = {"trust_store": {"name": "Mozilla"}, "was_validation_successful": not error, "validation_error": error}
    deployment = {
        "received_certificate_chain": [{"not_valid_before": "2026-01-01", "not_valid_after": "2027-06-01"}],
        "path_validation_results": [store], "leaf_certificate_subject_matches_hostname": matches,
    }  # fmt: skip
    commands["certificate_info"] = {"result": {"certificate_deployments": [deployment]}}
    place = {"hostname": name, "ip_address": address, "port": 443}
    content = {"sslyze_version": "6.1.0", "date_scans_completed": "2026-11-01T10:00:00", "server_scan_results": [
        {"server_location": place, "scan_result": commands}
    ]}  # fmt: skip
    return json.dumps(content).encode()


def assessment(name, address, grade="A", **details):
    endpoint = {"ipAddress": address, "grade": grade} | ({"details": details} if details else {})
    return json.dumps(
        {"host": name, "status": "READY", "endpoints": [endpoint], "certs": details.get("certs")}
    ).encode()


def both(name, address):
    yield testssl, shell(f"{name}/{address}")
    yield sslyze, scan(name, address)
    yield ssl_labs, assessment(name, address)


def score(reader, data, **options):
    found = reader.read(data, observed_at=DAY, **options).observations
    return found[0].value if found else None


@pytest.mark.parametrize(
    ("name", "address", "auto", "external"),
    [
        ("www.firm.example", "203.0.113.5", True, True),
        ("203.0.113.5", "203.0.113.5", True, True),
        ("2001:db8::5", "2001:db8::5", True, True),
        ("www.firm.example", "10.0.0.5", False, True),
        ("192.168.1.20", "192.168.1.20", False, True),
        ("fe80::1", "fe80::1", False, None),
        ("100.64.0.9", "100.64.0.9", False, True),
        ("nas.local", "192.168.1.20", False, False),
        ("nas.local", "203.0.113.5", False, False),
        ("vm.c.project.internal", "203.0.113.5", False, False),
        ("localhost", "127.0.0.1", False, False),
        ("www.firm.example", "127.0.0.1", False, False),
        ("::1", "::1", False, False),
    ],
)
def test_only_servers_of_the_perimeter_are_scored(name, address, auto, external):
    for reader, data in both(name, address):
        assert (score(reader, data) is not None) is auto, reader.TOOL
        assert score(reader, data, vantage="internal") is None
        if external is not None:  # scans of link-local addresses are judged as those of ports are
            assert (score(reader, data, vantage="external") is not None) is external
        if not auto:
            why = {one.why: one.what for one in reader.read(data, observed_at=DAY).not_mapped}
            assert any(
                address in what for what in why["internal server: not publicly routable, or not seen from outside"]
            )
        with pytest.raises(ReadingError, match="vantage must be"):
            reader.read(data, observed_at=DAY, vantage="outside")


def test_a_name_without_an_address_is_outside_if_it_can_be_public():
    for name, outside in (("www.firm.example", True), ("printer", False), ("nas.lan", False), ("a.local.", False)):
        assert exposure.is_outside(name, "", "auto") is outside
    assert exposure.is_outside("printer", "", "external")


def test_an_internal_server_does_not_lower_the_score_of_the_edge():
    edge = shell("www.firm.example/203.0.113.5")
    bad = shell("nas.local/192.168.1.20", cert_chain_of_trust=("CRITICAL", "failed (self signed)."))
    together = edge + b"\n" + b"\n".join(bad.splitlines()[1:])
    reading = testssl.read(together, observed_at=DAY)
    assert (reading.observations[0].value, reading.assets.seen) == (score(testssl, edge), 1)


MISMATCH = ("CRITICAL", "certificate does not match supplied URI")
NO_NAME = "validation failed: leaf certificate has no matching subjectAltName"


def test_a_name_cannot_match_a_bare_address():
    for place, costs in (("203.0.113.5/203.0.113.5", 0), ("www.firm.example/203.0.113.5", 65)):
        found = shell(place, cert_trust=MISMATCH)
        assert score(testssl, found) == score(testssl, shell(place)) - costs
        graded = shell(place, cert_trust=MISMATCH, overall_grade=("CRITICAL", "M"))
        assert score(testssl, graded) == min(score(testssl, found), 100 if not costs else tls.GRADES["M"])
    for address, costs in (("203.0.113.5", 0), ("2001:db8::5", 0)):
        for found in (scan(address, address, matches=False), scan(address, address, error=NO_NAME)):
            assert score(sslyze, found) == score(sslyze, scan(address, address)) - costs
        assert score(ssl_labs, assessment(address, address, "M")) is None  # and nothing else is told
    assert score(sslyze, scan("www.firm.example", "203.0.113.5", matches=False)) < 40
    assert score(ssl_labs, assessment("www.firm.example", "203.0.113.5", "M")) == tls.GRADES["M"]
    # What else is wrong costs the same with a bare address.
    self_signed = shell("203.0.113.5/203.0.113.5", cert_chain_of_trust=("CRITICAL", "failed (self signed)."))
    assert score(testssl, self_signed) == 35


@pytest.mark.parametrize("name", ["expired.firm.example", "not-yet-valid.example", "name-match.example"])
def test_a_hosts_own_name_is_not_read_as_an_error(name):
    found = sslyze.read(scan(name, "203.0.113.5", error=f"{name}: candidates exhausted")).observations[0]
    assert "not trusted" in found.reference
    assert "expired or not yet" not in found.reference
    assert "another name" not in found.reference


def test_a_certificate_whose_trust_was_not_tried_is_not_favourable():
    undecided = shell("www.firm.example/203.0.113.5", cert_chain_of_trust=("WARN", "cannot find any certificate store"))
    assert score(testssl, undecided) is None
    content = json.loads(scan("www.firm.example", "203.0.113.5"))
    commands = content["server_scan_results"][0]["scan_result"]
    commands["certificate_info"]["result"]["certificate_deployments"][0]["path_validation_results"] = []
    assert score(sslyze, json.dumps(content).encode()) is None


def test_an_interrupted_scan_is_not_favourable_but_what_it_found_stands():
    place = "www.firm.example/203.0.113.5"
    stopped = {"scanTime": ("WARN", "Scan interrupted")}
    assert score(testssl, shell(place, **stopped)) is None
    assert score(testssl, shell(place, **stopped, cert_expirationStatus=("CRITICAL", "expired"))) == 35
    rows = [dict(zip(("id", "severity", "finding"), (check, "OK", text), strict=True)) for check, text in GOOD.items()]
    content = {
        "Invocation": "testssl x", "at": "host", "startTime": "1793520000", "scanTime": 60,
        "scanResult": [{"targetHost": "www.firm.example", "ip": "203.0.113.5", "port": "443", "protocols": rows}],
    }  # fmt: skip
    assert score(testssl, json.dumps(content).encode()) is not None
    assert score(testssl, json.dumps(content | {"scanTime": "Scan interrupted"}).encode()) is None


@pytest.mark.parametrize("name", ["www.firm.example", "intra.firm.local"])
def test_an_assessment_that_stopped_at_another_name_says_that(name):
    content = json.loads(assessment(name, "203.0.113.5"))
    content["endpoints"] = [{"ipAddress": "203.0.113.5", "statusMessage": "Certificate not valid for domain name"}]
    outside = exposure.is_outside(name, "203.0.113.5", "auto")
    assert score(ssl_labs, json.dumps(content).encode()) == (35 if outside else None)
    content["endpoints"][0]["statusMessage"] = "Unable to connect to the server"
    assert score(ssl_labs, json.dumps(content).encode()) is None


def test_a_letter_alone_bounds_the_score():
    head = '"id","fqdn/IP","port","severity","finding","cve","cwe"'
    row = head + '\n"overall_grade","a.example/203.0.113.5","443","INFO","{}","",""\n'
    assert score(testssl, row.format("F").encode()) == tls.GRADES["F"]
    assert score(testssl, row.format("A").encode()) is None  # the rest was not looked at
