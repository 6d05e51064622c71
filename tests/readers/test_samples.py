"""What a security engineer reads out of each sample of a vulnerability or port scanner, one by one, and why."""

from pathlib import Path

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def said(path, **options):
    reading = readers.read(SAMPLES / path, **options)
    return reading, {one.signal: one.value for one in reading.observations}


def reasons(reading):
    return {one.why: (one.count, one.what) for one in reading.not_mapped}


def reference(reading, signal):
    return next(one.reference for one in reading.observations if one.signal == signal)


def test_nessus_from_inside_says_nothing_of_the_perimeter():
    """Seven servers in 10.0.0.0/8, looked at over the network without credentials."""
    reading, found = said("nessus/nessus_7hosts.nessus.gz")
    assert found == {}
    assert (reading.tool_version, reading.observed_at.date().isoformat()) == ("5.2.1", "2013-07-01")
    assert (reading.assets.seen, reading.scope["hosts_checked"], reading.scope["hosts_authenticated"]) == (7, 7, 0)
    assert reasons(reading)["informational finding"][0] == 259
    # 23 weak TLS and RDP settings have no CVE; the one CVE (self-made RDP key) is not known to be exploited
    assert reasons(reading)["finding without a CVE, which no signal rates"][0] == 23
    assert reasons(reading)["other CVE on an asset that is not internet-facing"][1] == ("CVE-2005-1794",)
    # no credentials: software past its end of life would not have been seen
    assert "end_of_life_share" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_nessus_from_outside_exposes_what_is_open():
    """The same seven, had they been scanned over the internet: all have 3389 and 445 open."""
    reading, found = said("nessus/nessus_7hosts.nessus.gz", vantage="external")
    assert found == {
        "kev_open_external": 0,  # every host ran its checks to the end (plugin 19506, HOST_END)
        "epss_any_30d": 0.06,  # one CVE without a score counts at most 6 %
        "exposed_rdp": 7,
        "risky_services": 7,  # SMB once a host, though 139 and 445 are open
        "internet_footprint": 7,
    }
    assert "exposed_login_panels" in reasons(reading)["none seen, but zero is not claimed"][1]  # 80/tcp is open


def test_tenable_table_lists_findings_and_proves_no_absence():
    reading, found = said("nessus/tenable_many_vuln.csv.gz")
    assert found == {}
    # one of the three "internal" addresses, 192.167.1.110, is in fact routable
    assert (reading.assets.seen, reading.scope["hosts_perimeter"], reading.scope["hosts_authenticated"]) == (3, 1, 3)
    assert reading.observed_at.isoformat() == "2023-06-08T02:01:27.233000+00:00"
    assert "kev_open_external" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_openvas_report_of_one_laboratory_machine():
    reading, found = said("openvas/many_vuln.xml.gz")
    # its address was made unreadable (192.168.1.1001), so it is not internet-facing; hosts without findings are hidden
    assert found == {}
    assert reasons(reading)["known to be exploited on internal hosts: only internet-facing assets rate"] == (
        1,
        ("CVE-2012-1823",),
    )
    assert "of how many is not told" in " ".join(reasons(reading))
    reading, found = said("openvas/many_vuln.xml.gz", vantage="external", assets_total=4)
    assert found["kev_open_external"] == 1
    assert found["epss_any_30d"] > 0.99
    assert found["end_of_life_share"] == 0.25  # Ubuntu 8.04, one of the four there are
    assert found["risky_services"] == 3  # FTP 21, PostgreSQL 5432, SMB 445; 2121 is only known by its number
    assert "exposed_rdp" not in found  # which ports were scanned is not told


def test_qualys_report_of_its_demonstration_hosts():
    reading, found = said("qualys/Qualys_Sample_Report.xml.gz")
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
    reading, found = said("nexpose/many_vulns.xml.gz")
    assert found == {}
    assert (reading.assets.seen, reading.scope["hosts_internal"], reading.scope["complete"]) == (8, 8, False)
    assert reasons(reading)["other CVE on an asset that is not internet-facing"][1] == (
        "CVE-2004-0230", "CVE-1999-0524", "CVE-2009-2765", "CVE-2009-1252",
    )  # fmt: skip
    reading, found = said("nexpose/many_vulns.xml.gz", vantage="external")
    # the scan was stopped: what was seen counts, but nothing is claimed to be zero
    assert "kev_open_external" not in found
    assert found["risky_services"] == 3  # FTP and telnet of the router, telnet of another host
    assert reference(reading, "risky_services").startswith("Nexpose 1.0: at least: ")


@pytest.mark.parametrize(
    ("path", "images", "cves"), [("trivy/kubernetes.json.gz", 2, 5), ("trivy/legacy_many_vulns.json.gz", 1, 55)]
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
    reading, found = said("grype/issue_9618.json.gz")
    assert found == {}
    assert (reading.tool_version, reading.observed_at.date().isoformat()) == ("0.96.0", "2024-02-22")
    assert reading.scope["artifact"] == "quay.io/cloudservices/xjoin-kafka-connect-strimzi:latest"


def test_nuclei_findings_expose_a_panel_and_a_database():
    reading, found = said("nuclei/many_findings.json")
    assert found == {"risky_services": 1, "exposed_login_panels": 1}
    assert "178.21.15.56 phpmyadmin-panel" in reference(reading, "exposed_login_panels")
    assert (reading.scope["hosts_perimeter"], reading.scope["hosts_internal"]) == (1, 1)  # WebGoat on 127.0.0.1


def test_wazuh_agents_are_inside():
    reading, found = said("wazuh/v4-8_many_findings.json.gz")
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


def test_qualys_scan_without_informational_findings_proves_no_absence():
    """One host that answered, finished, nothing found: but whether its checks ran to the end is not told."""
    reading, found = said("qualys/qualys_infrascan_webgui_0.xml", vantage="external")
    assert found == {}
    assert (reading.observed_at.date().isoformat(), reading.assets.seen) == ("2019-04-02", 1)
    assert "kev_open_external" in reasons(reading)["none seen, but zero is not claimed"][1]


def test_qualys_table_by_cve():
    reading, found = said("qualys/one_vuln_cve.csv")
    assert found == {}  # 10.1.0.50
    assert any("CVE-2021-44228" in what for _, what in reasons(reading).values())
    assert said("qualys/one_vuln_cve.csv", vantage="external")[1]["kev_open_external"] == 1
    assert reading.observed_at.date().isoformat() == "2026-02-03"


def test_nuclei_two_names_its_templates_otherwise():
    reading, found = said("nuclei/ftp-test.jsonl", vantage="external")
    assert found == {}  # behind 127.0.0.1 nothing faces the internet
    assert reading.observed_at.isoformat() == "2021-08-20T20:00:48.161349+00:00"
    assert reasons(reading)["finding without a CVE, which no signal rates (critical)"] == (
        2,
        ("ftp-default-credentials",),
    )
