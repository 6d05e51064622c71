"""What a security engineer reads out of each sample of a vulnerability or port scanner, one by one, and why."""

import json

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import scubagear
from samples import OWN, others


def said(path, **options):
    """What a file says: one of others by its name, or one of the project's own by its path."""
    reading = readers.read(others(path) if isinstance(path, str) else path, **options)
    return reading, {one.signal: one.value for one in reading.observations}


def reasons(reading):
    return {one.why: (one.count, one.what) for one in reading.not_mapped}


def reference(reading, signal):
    return next(one.reference for one in reading.observations if one.signal == signal)


def test_nessus_from_inside_says_nothing_of_the_perimeter():
    """Seven servers in 10.0.0.0/8, looked at over the network without credentials."""
    reading, found = said("nessus/nessus_7hosts.nessus")
    assert found == {}
    assert (reading.tool_version, reading.observed_at.date().isoformat()) == ("5.2.1", "2013-07-01")
    # the checks of none count as whole: on every host ports fell silent during the scan (plugin 10919)
    assert (reading.assets.seen, reading.scope["hosts_checked"], reading.scope["hosts_authenticated"]) == (7, 0, 0)
    assert reasons(reading)["the scan of a host was disturbed: zero is not claimed"][0] == 7
    assert reasons(reading)["informational finding"][0] == 259
    # 23 weak TLS and RDP settings have no CVE; the one CVE (self-made RDP key) is not known to be exploited
    assert reasons(reading)["finding without a CVE, which no signal rates"][0] == 23
    assert reasons(reading)["other CVE on an asset that is not internet-facing"][1] == ("CVE-2005-1794",)
    # no credentials: software past its end of life would not have been seen
    assert "end_of_life_share" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_nessus_from_outside_exposes_what_is_open():
    """The same seven, had they been scanned over the internet: all have 3389 and 445 open."""
    reading, found = said("nessus/nessus_7hosts.nessus", vantage="external")
    assert found == {
        # no vulnerability is shown to be absent: 135, 80 and 3389 fell silent during the scan (plugin 10919)
        "exposed_rdp": 7,
        "risky_services": 7,  # SMB once a host, though 139 and 445 are open
        "internet_footprint": 7,
    }
    assert "exposed_login_panels" in reasons(reading)["none seen, but zero is not claimed"][1]  # 80/tcp is open


def test_tenable_table_lists_findings_and_proves_no_absence():
    reading, found = said("nessus/tenable_many_vuln.csv")
    assert found == {}
    # one of the three "internal" addresses, 192.167.1.110, is in fact routable
    assert (reading.assets.seen, reading.scope["hosts_perimeter"], reading.scope["hosts_authenticated"]) == (3, 1, 3)
    assert reading.observed_at.isoformat() == "2023-06-08T02:01:27.233000+00:00"
    assert "kev_open_external" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_openvas_report_of_one_laboratory_machine():
    reading, found = said("openvas/many_vuln.xml")
    # its address was made unreadable (192.168.1.1001), so it is not internet-facing; hosts without findings are hidden
    assert found == {}
    assert reasons(reading)["known to be exploited on internal hosts: only internet-facing assets rate"] == (
        1,
        ("CVE-2012-1823",),
    )
    assert "of how many is not told" in " ".join(reasons(reading))
    reading, found = said("openvas/many_vuln.xml", vantage="external", assets_total=4)
    assert found["kev_open_external"] == 1
    assert found["epss_any_30d"] > 0.99
    assert found["end_of_life_share"] == 0.25  # Ubuntu 8.04, one of the four there are
    assert found["risky_services"] == 3  # FTP 21, PostgreSQL 5432, SMB 445; 2121 is only known by its number
    assert "exposed_rdp" not in found  # which ports were scanned is not told


def test_qualys_report_of_its_demonstration_hosts():
    reading, found = said("qualys/Qualys_Sample_Report.xml")
    assert reading.assets.seen == reading.scope["hosts_perimeter"] == 7
    # EternalBlue (six CVEs) and BlueKeep on two hosts each, Heartbleed and Shellshock where they were confirmed
    told = reference(reading, "kev_open_external")
    for cve in ("CVE-2017-0144", "CVE-2019-0708", "CVE-2014-0160", "CVE-2014-6271"):
        assert cve in told
    assert found["kev_open_external"] == told.count("CVE-") == 15
    assert found["epss_any_30d"] > 0.99
    assert found["exposed_rdp"] == 2
    assert found["risky_services"] == 3
    assert found["internet_footprint"] == 7
    assert reasons(reading)["potential vulnerability, which nobody confirmed"] == (2, ("QID 370876",))


def test_qualys_table_names_no_cve():
    reading, found = said("qualys/many_vulns_qid.csv")
    assert found == {"risky_services": 1}  # 445 on the one routable host; the others are in 10.0.0.0/8
    assert reading.observed_at.date().isoformat() == "2026-02-03"
    assert reasons(reading)["fixed finding"][0] == 1


def test_nexpose_report_of_a_home_network():
    reading, found = said("nexpose/many_vulns.xml")
    assert found == {}
    assert (reading.assets.seen, reading.scope["hosts_internal"], reading.scope["complete"]) == (8, 8, False)
    assert reasons(reading)["other CVE on an asset that is not internet-facing"][1] == (
        "CVE-2004-0230", "CVE-1999-0524", "CVE-2009-2765", "CVE-2009-1252",
    )  # fmt: skip
    reading, found = said("nexpose/many_vulns.xml", vantage="external")
    # the scan was stopped: what was seen counts, but nothing is claimed to be zero
    assert "kev_open_external" not in found
    assert found["risky_services"] == 3  # FTP and telnet of the router, telnet of another host
    assert reference(reading, "risky_services").startswith("Nexpose 1.0: at least: ")


@pytest.mark.parametrize(
    ("path", "images", "cves"), [("trivy/kubernetes.json", 2, 5), ("trivy/legacy_many_vulns.json", 1, 55)]
)
def test_trivy_images_are_not_the_perimeter(path, images, cves):
    with pytest.raises(ReadingError, match="pass observed_at"):
        said(path)
    for vantage in ("auto", "external"):
        reading, found = said(path, observed_at="2022-01-02", vantage=vantage)
        assert found == {}
        assert (reading.assets.kind, reading.assets.seen) == ("images", images)
        assert len(reasons(reading)["other CVE on an asset that is not internet-facing"][1]) == cves


def test_grype_image_is_not_the_perimeter():
    reading, found = said("grype/issue_9618.json")
    assert found == {}
    assert (reading.tool_version, reading.observed_at.date().isoformat()) == ("0.96.0", "2024-02-22")
    assert reading.scope["artifact"] == "quay.io/cloudservices/xjoin-kafka-connect-strimzi:latest"


def test_nuclei_findings_expose_a_panel_and_a_database():
    reading, found = said("nuclei/many_findings.json")
    assert found == {"risky_services": 1, "exposed_login_panels": 1}
    assert "178.21.15.56 phpmyadmin-panel" in reference(reading, "exposed_login_panels")
    assert (reading.scope["hosts_perimeter"], reading.scope["hosts_internal"]) == (1, 1)  # WebGoat on 127.0.0.1


def test_wazuh_agents_are_inside():
    reading, found = said("wazuh/v4-8_many_findings.json")
    assert found == {}
    assert (reading.tool_version, reading.assets.seen) == ("4.11.1", 8)
    assert reasons(reading)["state that the search left out: ask for all hits"][0] == 115


def test_masscan_lists_open_ports_alone():
    reading, found = said("masscan/masscan_many_vuln.json", vantage="external")
    assert found == {}
    assert reasons(reading)["open port whose service no signal rates"][0] == 4
    assert set(reasons(reading)["none seen, but zero is not claimed"][1]) == {
        "exposed_rdp", "risky_services", "exposed_login_panels",
    }  # fmt: skip


# The project's own files hold the same promises, in each format of each tool. What stands here is what is certain.

OUTSIDE, DAY = {"vantage": "external"}, {"observed_at": "2026-11-07"}
PERIMETER = {"exposed_rdp": 1, "risky_services": 1}
LOG4J = {"kev_open_external": 1}  # Log4Shell, known to be exploited
GOLDEN = [
    ("grype/directory.json", OUTSIDE, LOG4J, "hosts", 1),
    ("grype/image.json", OUTSIDE, {}, "images", 1),
    ("masscan/perimeter.gnmap", {}, PERIMETER, "hosts", 2),
    ("masscan/perimeter.json", {}, PERIMETER, "hosts", 2),
    ("masscan/perimeter.ndjson", {}, PERIMETER, "hosts", 2),
    ("masscan/perimeter.txt", {}, PERIMETER, "hosts", 2),
    ("masscan/perimeter.xml", {}, PERIMETER, "hosts", 2),
    ("nessus/findings.csv", {}, {}, "hosts", 2),
    ("nessus/findings.csv", OUTSIDE, LOG4J, "hosts", 2),
    ("nessus/servers.nessus", {}, {}, "hosts", 2),
    ("nessus/servers.nessus", OUTSIDE, {"exposed_rdp": 1, "risky_services": 2, "internet_footprint": 2}, "hosts", 2),
    ("nexpose/checks.csv", {}, LOG4J | PERIMETER, "hosts", 2),
    ("nexpose/report.xml", {}, LOG4J | PERIMETER | {"internet_footprint": 2, "end_of_life_share": 0.5}, "hosts", 2),
    ("nexpose/simple.xml", {}, {"kev_open_external": 1, "risky_services": 2}, "hosts", 1),
    ("nmap/localhost.gnmap", OUTSIDE, {}, "hosts", 0),
    ("nmap/localhost.xml", OUTSIDE, {}, "hosts", 0),
    ("nmap/perimeter.xml", {}, PERIMETER | {"exposed_login_panels": 1, "internet_footprint": 2}, "hosts", None),
    ("nuclei/findings.json", {}, LOG4J | {"risky_services": 1, "exposed_login_panels": 1}, "hosts", 2),
    ("nuclei/findings.jsonl", {}, LOG4J | {"risky_services": 1, "exposed_login_panels": 1}, "hosts", 2),
    ("nuclei/version_2.jsonl", OUTSIDE, {}, "hosts", 1),
    ("openvas/report.xml", {}, {"kev_open_external": 2, "risky_services": 2, "end_of_life_share": 0.5}, "hosts", 2),
    ("openvas/results.csv", {}, {"kev_open_external": 2, "risky_services": 1}, "hosts", 2),
    ("qualys/asset_data.xml", {}, PERIMETER | {"kev_open_external": 3, "end_of_life_share": 0.5}, "hosts", 2),
    ("qualys/detections.xml", {}, {"critical_patch_median_days": 10, "patch_14d_rate": 0.857143}, "hosts", 1),
    ("qualys/vmdr.csv", {}, {"risky_services": 1}, "hosts", 2),
    ("trivy/cluster.json", DAY, {}, "images", 2),
    ("trivy/first_versions.json", DAY, {}, "images", 1),
    ("trivy/image.json", OUTSIDE, {}, "images", 1),
    ("trivy/machine.json", {}, {}, "hosts", 1),
    ("wazuh/alerts.jsonl", {}, LOG4J, "hosts", 1),
    ("wazuh/api.json", {}, LOG4J, "hosts", 1),
    ("wazuh/states.csv", {}, {}, "hosts", 2),
    ("wazuh/states.csv", OUTSIDE, LOG4J, "hosts", 2),
    ("wazuh/states.json", {}, {}, "hosts", 3),
    ("wazuh/states.json", OUTSIDE, {"kev_open_external": 2}, "hosts", 3),
    ("ocsf/vulnerabilities.jsonl", {}, LOG4J, "hosts", 2),
    ("ocsf/three_findings.ocsf.json", {}, {}, "cloud accounts", 1),
    ("ocsf/whole_account.ocsf.json", {}, {"mfa_admin_coverage": 0.666667}, "cloud accounts", 1),
    ("prowler/version_2.csv", DAY, {}, "cloud accounts", 1),
    ("prowler/version_3.json", {}, {"mfa_admin_coverage": 0.666667}, "cloud accounts", 1),
    ("prowler/version_4.csv", {}, {"mfa_admin_coverage": 0.666667}, "cloud accounts", 1),
    ("checkdmarc/seven_domains_v4.json", DAY, {"dmarc_policy": "none"}, "domains", 7),
    ("checkdmarc/seven_domains_v6.csv", DAY, {"dmarc_policy": "none"}, "domains", 7),
    ("graph_registration/portal.csv", DAY, {"mfa_email_coverage": 0.75, "phishing_resistant_mfa": 0.25}, "users", 4),
    ("graph_registration/users.json", {}, {"mfa_email_coverage": 0.75, "phishing_resistant_mfa": 0.25}, "users", 4),
    ("lynis/lynis-report.dat", {}, {"hardening_score": 0.64}, "hosts", 1),
    ("pingcastle/ad_hc_firm.xml", {}, {"dormant_account_share": 0.08, "end_of_life_share": 0.15}, "users", 50),
    ("secure_score/secureScores.json", {}, {"hardening_score": 0.55, "mfa_admin_coverage": 0.75}, "users", None),
    ("ssl_labs/triple_des.json", {}, {"tls_dns_hygiene": 48}, "hosts", 1),
    ("sslyze/old_protocols_v5.json", {}, {"tls_dns_hygiene": 62}, "hosts", 1),
    ("testssl/old_protocols.json", DAY, {"tls_dns_hygiene": 59}, "hosts", 1),
]
ADVERSE = {"kev_open_external", "exposed_rdp", "risky_services", "exposed_login_panels"}


@pytest.mark.parametrize(("name", "options", "values", "kind", "seen"), GOLDEN)
def test_own_samples_read_as_an_engineer_reads_them(name, options, values, kind, seen):
    reading, found = said(OWN / name, **options)
    assert {signal: found.get(signal) for signal in values} == values
    # nothing else is said to be open, and where nothing is expected nothing adverse is found
    assert not [signal for signal in ADVERSE & set(found) - set(values) if found[signal]]
    assert reading.assets.kind == kind
    assert seen is None or reading.assets.seen == seen


def test_images_and_inside_hosts_of_own_samples_rate_nothing():
    for name in ("grype/image.json", "trivy/image.json"):
        assert said(OWN / name, vantage="external")[1] == {}
    for name in ("nessus/servers.nessus", "nessus/findings.csv", "wazuh/states.json", "wazuh/states.csv"):
        assert said(OWN / name)[1] == {}


def test_masscan_and_tables_of_findings_prove_no_absence():
    for name in ("masscan/perimeter.json", "nessus/findings.csv", "openvas/results.csv", "nexpose/checks.csv"):
        _, found = said(OWN / name, vantage="external")
        assert 0 not in {found.get(signal) for signal in ADVERSE}, name


def test_a_small_tenant_says_what_its_policies_show():
    path = OWN / "scubagear" / "ScubaResults.json"
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    reading, found = said(path)
    assert found == {"mfa_email_coverage": 1.0, "mfa_admin_coverage": 1.0, "legacy_auth_enabled": 0}
    assert (reading.tool_version, reading.scope["policies"]) == ("1.8.0", 11)
    assert reading.scope["own_domains"] == ["firm.example", "firm-mail.example"]
    told = reasons(reading)
    assert told["dmarc_policy: mail domain without a DNS answer in the file"][0] == 2
    assert told["no policy meets it, which does not tell how many are covered"][0] == 2
    # once its own domains are looked up, the worst counts
    for domain, record in (("firm.example", "v=DMARC1; p=reject"), ("firm-mail.example", "v=DMARC1; p=quarantine")):
        content["Raw"]["spf_records"].append({"domain": domain, "rdata": ["v=spf1 -all"], "log": []})
        content["Raw"]["dkim_records"].append({"domain": domain, "rdata": [], "log": []})
        content["Raw"]["dmarc_records"].append({"domain": domain, "rdata": [record], "log": []})
    more = {one.signal: one.value for one in scubagear.read(json.dumps(content).encode()).observations}
    assert more == {**found, "dmarc_policy": "quarantine", "spf_dkim_level": 1}
    # without settings no more is claimed than with them
    del content["Raw"]
    less = {one.signal: one.value for one in scubagear.read(json.dumps(content).encode()).observations}
    assert less.items() <= found.items()
    for name in ("ScubaResults.csv", "TestResults.json", "AADReport.json", "ProviderSettings.json"):
        assert said(path.parent / name, observed_at="2026-11-07")[1].items() <= found.items()


def test_qualys_scan_without_informational_findings_proves_no_absence():
    """One host that answered, finished, nothing found: but whether its checks ran to the end is not told."""
    reading, found = said(OWN / "qualys" / "scan.xml", vantage="external")
    assert found == {}
    assert (reading.observed_at.date().isoformat(), reading.assets.seen) == ("2026-11-07", 1)
    assert "kev_open_external" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_qualys_table_by_cve():
    reading, found = said(OWN / "qualys" / "vmdr_by_cve.csv")
    assert found == {}  # 10.20.0.7
    assert any("CVE-2021-44228" in what for _, what in reasons(reading).values())
    assert said(OWN / "qualys" / "vmdr_by_cve.csv", vantage="external")[1]["kev_open_external"] == 1
    assert reading.observed_at.date().isoformat() == "2026-11-06"


def test_nuclei_two_names_its_templates_otherwise():
    reading, found = said(OWN / "nuclei" / "version_2.jsonl", vantage="external")
    assert found == {}  # behind 127.0.0.1 nothing faces the internet
    assert reading.observed_at.isoformat() == "2021-09-01T08:00:01.500000+00:00"
    assert reasons(reading)["finding without a CVE, which no signal rates (critical)"] == (
        2,
        ("tomcat-default-login",),
    )
