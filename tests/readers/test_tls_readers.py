"""TLS scans as one score: what each fault costs, which hosts count, and what must have been looked at."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal
from cyberscore.readers import ssl_labs, sslyze, testssl, tls
from cyberscore.readers.base import Leftovers
from samples import OWN, others

SAMPLES = OWN
DAY = "2026-01-02"
NAMES = sorted(tls.faults())


def only(reading):
    (found,) = reading.observations
    assert (found.signal, found.source) == ("tls_dns_hygiene", "scan")
    return found


def server(*faults, host="a.example", parts=tls.PARTS, grade=""):
    return tls.Server(host, f"{host}:443", dict.fromkeys(faults), set(parts), grade)


def score(*servers):
    claims, _ = tls.claims(list(servers), Leftovers())
    return claims[0].value if claims else None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(NAMES), unique=True), st.sampled_from(NAMES))
def test_one_more_fault_never_scores_higher(faults, another):
    assert 0 <= server(*faults, another).score <= server(*faults).score <= 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=5), st.randoms())
def test_the_worst_host_counts_in_any_order(all_faults, order):
    servers = [server(*dict.fromkeys(faults), host=f"h{i}.example") for i, faults in enumerate(all_faults)]
    expected = min(one.score for one in servers)
    order.shuffle(servers)
    assert score(*servers) == expected


@pytest.mark.parametrize("fault", ["expired", "mismatch", "untrusted", "revoked", "heartbleed", "ssl2"])
def test_a_grave_fault_alone_is_adverse(fault):
    about = signal("tls_dns_hygiene")
    assert about.code(server(fault).score) == len(about.breakpoints) + 1  # the worst cell


def test_the_scale_follows_the_letters():
    # Modern configuration: A. Old protocols beside new ones: B. With 3DES and no authenticated encryption: C.
    assert server().score == 100
    assert server("no_hsts", "no_caa").score >= 90
    assert 65 <= server("tls10", "tls11", "no_tls13", "no_hsts").score < 80
    assert 40 <= server("tls10", "tls11", "no_tls13", "triple_des", "no_aead").score < 60
    assert server(grade="F").score < 20
    assert server(grade="T").score < 40


@pytest.mark.parametrize("missing", tls.PARTS)
def test_what_was_not_looked_at_is_not_favourable_but_a_finding_stands(missing):
    parts = set(tls.PARTS) - {missing}
    assert score(server(parts=parts)) is None
    assert score(server("expired", parts=parts)) == 35


def test_suites_of_iana_and_openssl_names_are_told_alike():
    pairs = [
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA", {"triple_des", "no_aead", "no_forward_secrecy"}),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", set()),
        ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", set()),
        ("TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5", {"rc4", "no_aead", "no_forward_secrecy"}),
        ("TLS_RSA_WITH_DES_CBC_SHA", "DES-CBC-SHA", {"weak_cipher", "no_aead", "no_forward_secrecy"}),
        ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "ADH-AES128-SHA", {"no_encryption", "no_aead", "no_forward_secrecy"}),
        ("TLS_RSA_WITH_NULL_SHA", "NULL-SHA", {"no_encryption", "no_aead", "no_forward_secrecy"}),
        ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA", {"no_aead"}),
    ]
    for iana, openssl, expected in pairs:
        for name in (iana, openssl):
            found = server(parts=())
            found.accept([name])
            assert set(found.faults) == expected, name
    export = server(parts=())
    export.accept(["TLS_RSA_EXPORT_WITH_RC4_40_MD5"])
    assert {"export_cipher", "rc4"} <= set(export.faults)


# testssl.sh


def from_outside(path):
    """A run on this computer's own servers, as if they had a public name and address."""
    return (
        gzip.decompress(path.read_bytes()).replace(b"localhost", b"www.x.example").replace(b"127.0.0.1", b"192.0.2.1")
    )


def test_golden_runs_of_the_tools_on_two_servers():
    # Both certificates are the servers' own; the second is also of another name, SHA-1, 1024 bits and a day.
    first = testssl.read(from_outside(SAMPLES / "testssl" / "self_signed_v3.0.8.pretty.json.gz"))
    assert (only(first).value, first.tool_version, first.observed_at.year) == (31, "3.0.8", 2026)
    assert "revoked" not in only(first).reference
    for reader, name in (
        (testssl, "testssl/anonymous_v3.0.8.csv.gz"), (sslyze, "sslyze/anonymous_v3.1.0.json.gz"),
        (sslyze, "sslyze/anonymous_v6.3.1.json.gz"),
    ):  # fmt: skip
        assert not reader.read(SAMPLES / name, observed_at="2026-11-26").observations  # localhost is no one's edge
        text = only(reader.read(from_outside(SAMPLES / name), observed_at="2026-11-26")).reference
        for fault in ("no_encryption", "mismatch", "weak_key", "weak_signature"):
            assert tls.faults()[fault].what in text, name
        assert "expired" not in text


def test_golden_testssl():
    found = testssl.read(others("testssl/defectdojo_many_vuln.csv"), observed_at=DAY)
    # TLS 1.2 only, AEAD, trusted certificate; no HSTS, no 1.3. BREACH and LUCKY13 cost nothing of their own.
    assert only(found).value == 94
    assert found.assets.seen == 1
    assert len(found.scope["servers"]) == 4


def rows(*changes, host="www.x.example/192.0.2.1"):
    good = {
        "SSLv2": ("OK", "not offered"), "SSLv3": ("OK", "not offered"), "TLS1": ("INFO", "not offered"),
        "TLS1_1": ("INFO", "not offered"), "TLS1_2": ("OK", "offered"), "TLS1_3": ("OK", "offered with final"),
        "cipherlist_NULL": ("OK", "not offered"), "cipherlist_3DES_IDEA": ("OK", "not offered"),
        "cipherlist_STRONG": ("OK", "offered"), "cert_trust": ("OK", "Ok via SAN"),
        "cert_chain_of_trust": ("OK", "passed."), "cert_expirationStatus": ("OK", "80 >= 30 days"),
        "heartbleed": ("OK", "not vulnerable"), "HSTS": ("OK", "365 days"),
    }  # fmt: skip
    good.update(changes)
    return [
        {"id": key, "ip": host, "port": "443", "severity": severity, "finding": finding}
        for key, (severity, finding) in good.items()
    ]


def pretty(found):
    """As --jsonfile-pretty nests findings."""
    scan = {"targetHost": "www.x.example", "ip": "192.0.2.1", "port": "443", "service": "HTTP"}
    for section, prefix in (("protocols", ("SSL", "TLS")), ("ciphers", ("cipher",)), ("serverDefaults", ("cert",))):
        scan[section] = [one for one in found if one["id"].startswith(prefix)]
    scan["vulnerabilities"] = [one for one in found if one["id"] in {"heartbleed", "HSTS", "overall_grade"}]
    about = {"Invocation": "testssl x", "at": "host", "version": "3.2", "openssl": "x", "startTime": "1767312000"}
    return about | {"scanResult": [scan], "scanTime": 60}


def as_csv(found):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "fqdn/ip", "port", "severity", "finding", "cve", "cwe"])
    writer.writerows([one["id"], one["ip"], one["port"], one["severity"], one["finding"], "", ""] for one in found)
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("cert_expirationStatus", ("CRITICAL", "expired")), "expired"),
        (("cert_expirationStatus", ("HIGH", "expires < 30 days (12)")), "expires_soon"),
        (("cert_trust", ("HIGH", "certificate does not match supplied URI")), "mismatch"),
        (("cert_chain_of_trust", ("CRITICAL", "failed (self signed).")), "untrusted"),
        (("TLS1", ("LOW", "offered (deprecated)")), "tls10"),
        (("TLS1", ("INFO", "offered")), "tls10"),  # 2.9
        (("SSLv3", ("CRITICAL", "offered")), "ssl3"),
        (("SSLv2", ("CRITICAL", "vulnerable with 3 ciphers")), "ssl2"),
        (("cipherlist_NULL", ("CRITICAL", "offered")), "no_encryption"),
        (("cipherlist_3DES_IDEA", ("MEDIUM", "offered")), "triple_des"),
        (("heartbleed", ("CRITICAL", "VULNERABLE")), "heartbleed"),
        (("HSTS", ("LOW", "not offered")), "no_hsts"),
        (("TLS1_3", ("INFO", "not offered and downgraded to a weaker protocol")), "no_tls13"),
    ],
)
def test_testssl_faults_in_all_three_formats(change, fault):
    found = rows(change)
    expected = 100 - tls.faults()[fault].points
    values = [
        only(testssl.read(data, observed_at=DAY)).value
        for data in (as_csv(found), json.dumps(found).encode(), json.dumps(pretty(found)).encode())
    ]
    assert values == [expected] * 3


def test_testssl_takes_a_grade_as_a_bound_and_reports_silence():
    found = rows(("overall_grade", ("CRITICAL", "T")))
    assert only(testssl.read(as_csv(found), observed_at=DAY)).value == tls.GRADES["T"]
    silent = rows(host="down.example/192.0.2.9")[:1]
    silent[0] |= {"id": "scanProblem", "severity": "FATAL", "finding": "Can't connect"}
    reading = testssl.read(as_csv(found + silent), observed_at=DAY)
    assert reading.scope["not_assessed"] == 1
    assert reading.assets.seen == 1
    nothing = testssl.read(as_csv(silent), observed_at=DAY)
    assert not nothing.observations
    assert testssl.read(json.dumps(pretty(found)).encode()).observed_at.year == 2026
    with pytest.raises(ReadingError, match="pass observed_at"):
        testssl.read(as_csv(found))


def test_testssl_takes_its_words_as_they_are_meant():
    # "Neither CRL nor OCSP URI" is graded HIGH, and no revocation; a server that answers badly does not offer.
    found = rows(
        ("cert_revocation", ("HIGH", "Neither CRL nor OCSP URI provided")),
        ("TLS1", ("CRITICAL", "connection failed rather than downgrading to SSLv3")),
        ("SSLv2", ("WARN", "not tested due to lack of local support")),
    )
    reading = testssl.read(as_csv(found), observed_at=DAY)
    assert only(reading).value == only(testssl.read(as_csv(rows()), observed_at=DAY)).value
    assert any("cert_revocation" in one.what for one in reading.not_mapped)
    # What this computer could not ask is not known to be missing.
    unasked = rows(("TLS1_3", ("WARN", "not tested due to lack of local support")))
    assert "TLS 1.3" not in only(testssl.read(as_csv(unasked), observed_at=DAY)).reference


def test_testssl_asked_for_flaws_alone_still_finds_them():
    # With -U neither protocols nor cipher suites are listed: what is wrong stands, and that nothing is proves nothing.
    flaw = {
        "id": "heartbleed",
        "ip": "x.example/192.0.2.1",
        "port": "443",
        "severity": "CRITICAL",
        "finding": "VULNERABLE",
    }
    found = only(testssl.read(as_csv([flaw]), observed_at=DAY))
    assert found.value < 20
    assert "at most" in found.reference
    sound = flaw | {"severity": "OK", "finding": "not vulnerable"}
    assert testssl.read(as_csv([sound]), observed_at=DAY).observations == ()


def test_testssl_2_9_names_protocols_and_certificates_in_its_own_way():
    found = [
        {"id": key, "ip": "www.x.example/192.0.2.1", "port": "443", "severity": severity, "finding": text}
        for key, severity, text in (
            ("sslv3", "OK", "SSLv3 is not offered"), ("tls1", "INFO", "TLSv1.0 is offered"),
            ("tls1_1", "INFO", "TLSv1.1 is not offered"), ("tls1_2", "OK", "TLSv1.2 is offered"),
            ("std_STRONG", "OK", "Strong encryption (AEAD ciphers): offered (OK)"),
            ("Server Certificate #1 chain_of_trust", "CRITICAL", "chain of trust failed"),
            ("Server Certificate #1 expiration", "OK", "Certificate Expiration : 60 >= 60 days"),
        )
    ]  # fmt: skip
    text = only(testssl.read(as_csv(found), observed_at=DAY)).reference
    assert "TLS 1.0 offered" in text
    assert "not trusted" in text
    assert "authenticated" not in text  # AEAD is offered
    assert "neither TLS 1.2" not in text


def test_testssl_that_could_not_connect_claims_nothing():
    refused = {"id": "scanProblem", "severity": "FATAL", "finding": "Can't connect to '192.0.2.1:443'"}
    about = {"Invocation": "testssl x", "at": "host", "version": "3.0.8  from ", "startTime": "1767312000"}
    reading = testssl.read(json.dumps({**about, "scanResult": [refused], "scanTime": "Scan interrupted"}).encode())
    assert (reading.observations, reading.tool_version) == ((), "3.0.8")
    assert any(one.why == "host that was not assessed" for one in reading.not_mapped)


# sslyze


def test_sslyze_of_the_day_on_which_a_certificate_begins():
    # Versions 3 and 4 do not date themselves; the caller gives a day, which begins before the certificate does.
    content = real_sslyze()
    del content["date_scans_started"], content["date_scans_completed"]
    commands = content["server_scan_results"][0]["scan_result"]
    leaf = commands["certificate_info"]["result"]["certificate_deployments"][0]["received_certificate_chain"][0]
    leaf.update(not_valid_before="2022-01-18T09:00:00", not_valid_after="2023-01-18T09:00:00")
    data = json.dumps(content).encode()
    assert only(sslyze.read(data, observed_at="2022-01-18")).value == 62
    assert "expired or not yet valid" in only(sslyze.read(data, observed_at="2022-01-01")).reference


def test_sslyze_errors_of_versions_3_and_4_name_the_server():
    error = {"server_string": "x.example:443", "error_message": "Connection rejected"}
    content = {"server_connectivity_errors": [error], "server_scan_results": [], "sslyze_version": "4.1.0"}
    reading = sslyze.read(json.dumps(content).encode(), observed_at=DAY)
    assert reading.observations == ()
    assert any("x.example:443" in one.what for one in reading.not_mapped)


def test_golden_sslyze():
    found = sslyze.read(others("sslyze/one_target_many_vuln_new.json"))
    # TLS 1.0 and 1.1 with 3DES, no 1.3; the certificate is trusted everywhere and was in date on the day of the scan.
    assert only(found).value == 62
    assert found.observed_at.date().isoformat() == "2022-01-17"
    assert found.tool_version == "5.0.1"


def real_sslyze():
    return json.loads((SAMPLES / "sslyze" / "old_protocols_v5.json").read_bytes())


def test_sslyze_of_other_versions_says_the_same():
    content = real_sslyze()
    scan = content["server_scan_results"][0]
    newer = json.loads(json.dumps(content))
    deployment = newer["server_scan_results"][0]["scan_result"]["certificate_info"]["result"][
        "certificate_deployments"
    ][0]
    del deployment["leaf_certificate_subject_matches_hostname"]  # version 6
    for one in deployment["path_validation_results"]:
        one["validation_error"] = one.pop("openssl_error_string")
    older = {
        "server_connectivity_errors": [],
        "server_scan_results": [
            {
                "scan_commands_results": {key: value["result"] for key, value in scan["scan_result"].items()},
                "server_info": {"server_location": scan["server_location"]},
            }
        ],
    }
    assert only(sslyze.read(json.dumps(newer).encode())).value == 62
    assert only(sslyze.read(json.dumps(older).encode(), observed_at="2022-01-18")).value == 62


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ("validation failed: cert is not valid at validation time", "expired"),
        ("validation failed: leaf certificate has no matching subjectAltName", "mismatch"),
        ("validation failed: candidates exhausted: all candidates exhausted", "untrusted"),
    ],
)
def test_sslyze_certificates_that_browsers_refuse(error, fault):
    content = real_sslyze()
    found = content["server_scan_results"][0]["scan_result"]["certificate_info"]["result"]["certificate_deployments"][0]
    for one in found["path_validation_results"]:
        one |= {"was_validation_successful": False, "verified_certificate_chain": None, "validation_error": error}
    assert only(sslyze.read(json.dumps(content).encode())).value == max(0, 62 - tls.faults()[fault].points)


def test_sslyze_without_a_certificate_check_is_not_favourable():
    content = real_sslyze()
    content["server_scan_results"][0]["scan_result"]["certificate_info"] = {"status": "NOT_SCHEDULED", "result": None}
    reading = sslyze.read(json.dumps(content).encode())
    assert not reading.observations
    content["server_scan_results"][0] |= {"scan_result": None, "scan_status": "ERROR_NO_CONNECTIVITY"}
    assert sslyze.read(json.dumps(content).encode()).scope["not_assessed"] == 1


def test_sslyze_before_version_3_is_refused_with_the_remedy():
    with pytest.raises(ReadingError, match="sslyze 3 or later"):
        sslyze.read(b'{"accepted_targets": [], "sslyze_version": "2.0"}')


# SSL Labs


def real_labs():
    return json.loads((SAMPLES / "ssl_labs" / "triple_des.json").read_bytes())


def test_golden_ssl_labs():
    found = ssl_labs.read(others("ssl_labs/ssl_labs_3des_v1.5.0.json"))
    # 3DES alone, in TLS 1.0 to 1.2: SSL Labs gives C. The chain without a server name is not held against it.
    assert only(found).value == 48
    assert found.scope["grades"] == {"3des.badssl.com (104.154.89.105):443": "C"}
    assert found.observed_at.date().isoformat() == "2021-10-14"


@pytest.mark.parametrize(("issues", "fault"), [(4, "expired"), (8, "mismatch"), (16, "revoked"), (64, "untrusted")])
def test_ssl_labs_certificate_issues_are_adverse(issues, fault):
    content = real_labs()
    leaf = content[0]["endpoints"][0]["details"]["certChains"][0]["certIds"][0]
    for one in content[0]["certs"]:
        one["issues"] = issues if one["id"] == leaf else 0
    content[0]["endpoints"][0]["grade"] = "T"
    found = only(ssl_labs.read(json.dumps(content).encode()))
    assert found.value == 0
    assert tls.faults()[fault].what in found.reference


@pytest.mark.parametrize(
    ("detail", "fault"),
    [
        ({"dhYsReuse": True}, None), ({"dhUsesKnownPrimes": 1}, None), ({"logjam": True}, "weak_key_exchange"),
        ({"bleichenbacher": 4}, None), ({"bleichenbacher": 3}, "padding_oracle"),
        ({"bleichenbacher": [2]}, None), ({"zombiePoodle": 1}, None),
    ],
)  # fmt: skip
def test_ssl_labs_codes_are_read_as_its_documentation_lists_them(detail, fault):
    content = real_labs()
    before = {"dhYsReuse": False, "logjam": False, "bleichenbacher": 1, "zombiePoodle": 1}
    scores = []
    for change in (before, before | detail):
        changed = json.loads(json.dumps(content))
        for one in changed if isinstance(changed, list) else [changed]:
            for endpoint in one["endpoints"]:
                endpoint["grade"] = "A"
                endpoint["details"].update(change)
        scores.append(only(ssl_labs.read(json.dumps(changed).encode())).reference)
    what = tls.faults()[fault].what if fault else None
    assert (scores[0] != scores[1] and what in scores[1]) if fault else scores[0] == scores[1]


def test_ssl_labs_versions_and_unready_hosts():
    host = {"host": "x.example", "port": 443, "status": "READY", "testTime": 1634250908125}
    graded = host | {"endpoints": [{"ipAddress": "192.0.2.1", "grade": "A+", "statusMessage": "Ready"}]}
    assert only(ssl_labs.read(json.dumps(graded).encode())).value == 100
    error = {"host": "y.example", "status": "ERROR", "statusMessage": "Unable to resolve domain name"}
    both = ssl_labs.read(json.dumps([graded, error]).encode())
    assert both.assets.seen == 1
    assert any("y.example" in one.what for one in both.not_mapped)
    details = {
        "cert": {"issues": 4, "notAfter": 1600000000000},
        "key": {"size": 1024, "alg": "RSA"},
        "protocols": [{"name": "TLS", "version": "1.2"}],
        "suites": {"list": [{"name": "TLS_RSA_WITH_AES_128_CBC_SHA"}]},
    }
    second = host | {"endpoints": [{"ipAddress": "192.0.2.1", "grade": "F", "details": details}]}
    found = only(ssl_labs.read(json.dumps(second).encode()))
    assert found.value == 0
    assert "expired" in found.reference
    assert "key too short" in found.reference
