"""Other formats and versions of the tools than the samples: each reads as documented, and is told by its content."""

# ruff: noqa: E501  excerpts of exports keep their lines

import json

import pytest

from cyberscore import readers
from cyberscore.readers.head import Head
from cyberscore.readers.other_tools import other_tool

KEV = "CVE-2021-44228"  # Log4Shell, known to be exploited
OTHER = "CVE-2022-0001"  # not known to be


def said(data, tool, **options):
    data = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    assert readers.detect(data) == tool
    assert other_tool(Head.of(data, 10**7)) is None
    reading = readers.read(data, **options)
    return reading, {one.signal: one.value for one in reading.observations}


def reasons(reading):
    return {one.why: (one.count, one.what) for one in reading.not_mapped}


NESSUS_19506 = """Information about this scan :

Nessus version : 10.7.1 (Nessus 10.7.1 is available)
Port scanner(s) : nessus_syn_scanner
Port range : {ports}
Credentialed checks : {credentials}
"""


def nessus(*items, ports="default", credentials="no", host="192.0.2.1", end=True, extra=""):
    tags = '<tag name="HOST_END_TIMESTAMP">1700000000</tag>' if end else ""
    information = NESSUS_19506.format(ports=ports, credentials=credentials)
    return f"""<?xml version="1.0"?><!-- by hand --><NessusClientData_v2><Policy><policyName>Basic</policyName></Policy>
    <Report name="x" xmlns:cm="http://www.nessus.org/cm"><ReportHost name="{host}"><HostProperties>{tags}
    <tag name="host-ip">{host}</tag></HostProperties>
    <ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="19506" pluginName="Nessus Scan Information">
    <plugin_output>{information}</plugin_output></ReportItem><ReportItem port="0" severity="0" pluginID="10180" pluginName="Ping">
    <plugin_output>The remote host is up</plugin_output></ReportItem>{"".join(items)}</ReportHost>{extra}</Report></NessusClientData_v2>"""


def item(cve="", *, severity=3, port=0, plugin=1, name="x", service="general", more=""):
    cves = f"<cve>{cve}</cve>" if cve else ""
    return (
        f'<ReportItem port="{port}" svc_name="{service}" protocol="tcp" severity="{severity}" pluginID="{plugin}" '
        f'pluginName="{name}"><risk_factor>High</risk_factor>{cves}{more}</ReportItem>'
    )


NONE = {"kev_open_external": 0, "epss_any_30d": 0.0, "exposed_rdp": 0, "risky_services": 0, "exposed_login_panels": 0}


def test_nessus_zero_needs_checks_ports_and_an_end():
    clean = {**NONE, "internet_footprint": 1}
    assert said(nessus(), "nessus")[1] == clean
    assert said(nessus(credentials="yes, as 'root' via ssh"), "nessus")[1] == {**clean, "end_of_life_share": 0.0}
    assert said(nessus(ports="1-21,22-5999"), "nessus")[1] == clean
    narrow = said(nessus(ports="80,443"), "nessus")[1]
    assert narrow == {"internet_footprint": 1}
    assert said(nessus(end=False), "nessus", observed_at="2024-01-02")[1] == {}
    unchecked = said(nessus(item(port=22)).replace("19506", "19507"), "nessus")[1]
    assert unchecked == {"internet_footprint": 1}


def test_nessus_four_told_of_its_scan_in_a_description():
    old = nessus(item(OTHER, severity=1, port=53).replace("High", "None"), item(KEV, severity=2))
    old = old.replace("plugin_output>", "description>").replace("10.7.1 (Nessus 10.7.1 is available)", "4.2.0")
    reading, found = said(old.replace('severity="0"', 'severity="1"'), "nessus")
    assert reading.tool_version == "4.2.0"
    assert (found["kev_open_external"], found["exposed_rdp"]) == (1, 0)
    assert reasons(reading)["informational finding"] == (1, ("x",))


def test_nessus_findings_on_the_perimeter():
    found = said(nessus(item(KEV, port=8443, service="www")), "nessus")[1]
    assert found["kev_open_external"] == 1
    assert "exposed_login_panels" not in found
    recast = said(nessus(item(KEV, severity=0)), "nessus")[1]
    assert recast["kev_open_external"] == 1  # whatever severity its owner gave it since
    assert said(nessus(item(more="<unsupported_by_vendor>true</unsupported_by_vendor>")), "nessus")[1][
        "end_of_life_share"
    ] == 1.0  # fmt: skip
    own = said(nessus(item(OTHER, more="<epss_score>0.9</epss_score>")), "nessus")[1]
    assert own["epss_any_30d"] == 0.9
    local = said(nessus(item(port=3389, plugin=34220, severity=0)), "nessus")[1]
    assert local["exposed_rdp"] == 0  # netstat on the host itself shows no exposure
    assert said(nessus(item(port=3389, plugin=11219, service="msrdp")), "nessus")[1]["exposed_rdp"] == 1
    assert said(nessus(item(port=13389, plugin=11219, service="msrdp")), "nessus")[1]["exposed_rdp"] == 1


def test_nessus_hosts_that_did_not_answer_are_not_clean():
    dead = (
        '<ReportHost name="192.0.2.9"><HostProperties/><ReportItem port="0" severity="0" pluginID="10180" pluginName="Ping">'
        "<plugin_output>The remote host (192.0.2.9) is considered as dead - not scanning</plugin_output></ReportItem>"
        "</ReportHost>"
    )
    reading, found = said(nessus(extra=dead), "nessus", assets_total=2)
    assert (reading.assets.seen, reading.scope["hosts_silent"], reading.assets.share) == (1, 1, 0.5)
    assert {one.scope_share for one in reading.observations} == {0.5}
    assert found["internet_footprint"] == 1


@pytest.mark.parametrize(
    "header",
    [
        "Plugin ID,CVE,CVSS v2.0 Base Score,Risk,Host,Protocol,Port,Name,Synopsis,Plugin Output",
        "Plugin,CVE,Family,Severity,IP Address,Protocol,Port,Plugin Name,Synopsis,Plugin Text",
        "definition.id,definition.cve,x,severity,asset.display_ipv4_address,protocol,port,definition.name,y,output",
    ],
)
def test_tables_of_nessus_and_tenable(header):
    text = f'{header}\n1,{KEV},9.8,Critical,192.0.2.1,tcp,3389,"Log4j, again","a\nb",x\n'
    _, found = said(text, "nessus", observed_at="2024-01-02")
    assert found["kev_open_external"] == found["exposed_rdp"] == 1
    assert "internet_footprint" not in found
    assert said(text.replace(",", ";").replace("Log4j;", "Log4j,"), "nessus", observed_at="2024-01-02")[1] == found


def qualys_row(number, status, first, fixed, severity=5, cve=KEV):
    return f"192.0.2.1,{number},Title {number},{severity},{cve},{status},{first},{fixed},03/01/2024 00:00:00"


def test_qualys_table_tells_how_fast_patches_come():
    header = "IP,QID,Title,Severity,CVE ID,Vuln Status,First Detected,Date Last Fixed,Last Detected"
    fixed = [qualys_row(n, "Fixed", "01/01/2024 00:00:00", f"01/{n + 2:02}/2024 00:00:00") for n in range(1, 8)]
    still = qualys_row(9, "Active", "01/01/2024 00:00:00", "")
    reading, found = said("\n".join(["Report", header, *fixed, still]), "qualys")
    assert reading.observed_at.date().isoformat() == "2024-03-01"
    assert found["critical_patch_median_days"] == 5  # fixed after 2 to 8 days; with the open one, half by day 5
    assert found["kev_open_external"] == 1
    assert "patch_14d_rate" not in found  # seen from outside, and the catalogue takes it as telemetry alone
    assert "critical_patch_median_days" not in said("\n".join([header, *fixed]), "qualys")[1]  # fixed ones alone
    assert "critical_patch_median_days" not in said("\n".join([header, *fixed[:4], still]), "qualys")[1]  # too few


def test_qualys_scan_result():
    text = f"""<?xml version="1.0"?><!DOCTYPE SCAN SYSTEM "https://x/scan-1.dtd"><SCAN value="scan/1">
    <HEADER><KEY value="DATE">2024-05-06T07:08:09Z</KEY><KEY value="STATUS">FINISHED</KEY></HEADER>
    <IP value="192.0.2.7" name="a.example" status="down"><OS>Linux</OS>
    <INFOS><CAT value="Information gathering"><INFO number="45038" severity="1"><TITLE>Host Scan Time</TITLE></INFO></CAT>
    <CAT value="TCP/IP"><INFO number="82023" severity="1"><TITLE>Open TCP</TITLE><RESULT format="table">Port\tIANA\tD\tDetected
23\ttelnet\tTelnet\ttelnet
13389\tunknown\tx\tms-wbt-server</RESULT></INFO></CAT></INFOS>
    <VULNS><CAT value="Web server" port="443" protocol="tcp"><VULN number="730" severity="5" cveid="{KEV}">
    <TITLE>EOL/Obsolete Software: Apache Log4j 1.x</TITLE></VULN></CAT></VULNS>
    <PRACTICES><CAT value="x"><PRACTICE number="8" severity="3" cveid="{OTHER}"><TITLE>t</TITLE></PRACTICE></CAT></PRACTICES>
    </IP></SCAN>"""
    reading, found = said(text, "qualys")
    assert reading.observed_at.date().isoformat() == "2024-05-06"
    assert found["kev_open_external"] == found["exposed_rdp"] == found["risky_services"] == 1
    assert found["end_of_life_share"] == 1.0
    assert reasons(reading)["potential vulnerability, which nobody confirmed"][0] == 1


def test_qualys_host_list_detection():
    def detection(qid, status, fixed=""):
        return f"""<DETECTION><QID>{qid}</QID><TYPE>Confirmed</TYPE><SEVERITY>5</SEVERITY><PORT>445</PORT>
        <PROTOCOL>tcp</PROTOCOL><STATUS>{status}</STATUS><FIRST_FOUND_DATETIME>2024-01-01T00:00:00Z</FIRST_FOUND_DATETIME>
        <LAST_FOUND_DATETIME>2024-02-02T00:00:00Z</LAST_FOUND_DATETIME>{fixed}</DETECTION>"""

    fixed = "<LAST_FIXED_DATETIME>2024-01-11T00:00:00Z</LAST_FIXED_DATETIME>"
    detections = [*(detection(n, "Fixed", fixed) for n in range(6)), detection(9, "Active")]
    text = f"""<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><DATETIME>2024-02-03T00:00:00Z</DATETIME><HOST_LIST><HOST><ID>1</ID>
    <IP>192.0.2.8</IP><LAST_VM_SCANNED_DATE>2024-02-02T01:00:00Z</LAST_VM_SCANNED_DATE>
    <LAST_VM_AUTH_SCANNED_DATE>2024-02-02T01:00:00Z</LAST_VM_AUTH_SCANNED_DATE>
    <DETECTION_LIST>{"".join(detections)}</DETECTION_LIST></HOST></HOST_LIST></RESPONSE></HOST_LIST_VM_DETECTION_OUTPUT>"""
    reading, found = said(text, "qualys")
    assert found["critical_patch_median_days"] == 10
    assert found["patch_14d_rate"] == round(6 / 7, 6)
    assert found["risky_services"] == 1
    assert reasons(reading)["QID whose CVEs the file does not name: no absence of vulnerabilities is claimed"][0] == 1


RESULT = """<result id="1"><name>r</name><host>192.0.2.3<asset asset_id=""/><hostname>h</hostname></host><port>{port}</port>
<nvt oid="1"><name>{name}</name><refs><ref type="cve" id="{cve}"/></refs></nvt><threat>{threat}</threat><severity>{score}</severity>
<qod><value>{qod}</value></qod></result>"""


def openvas(
    *results, levels="hmlg", status="Done", host="<host><ip>192.0.2.3</ip><end>2024-01-02T03:04:05Z</end></host>"
):
    return f"""<get_reports_response status="200" status_text="OK"><report id="a"><report id="b"><gmp><version>22.4</version></gmp>
    <filters id="0"><term>levels={levels} min_qod=70</term></filters><scan_run_status>{status}</scan_run_status>
    <results>{"".join(results)}</results>{host}<scan_end>2024-01-02T03:04:05Z</scan_end></report></report>
    </get_reports_response>"""


def result(cve=KEV, *, port="443/tcp", name="n", threat="High", score="9.8", qod="95"):
    return RESULT.format(cve=cve, port=port, name=name, threat=threat, score=score, qod=qod)


LOW = result("", threat="Low", score="2.6", name="TCP Timestamps")
"""Shows that the scan looked for vulnerabilities."""


def test_openvas_response_of_the_management_protocol():
    assert said(openvas(result()), "openvas")[1]["kev_open_external"] == 1
    guess = said(openvas(result(qod="30")), "openvas")
    assert guess[1]["kev_open_external"] == 0
    assert reasons(guess[0])["result of a quality of detection below 70 %"][0] == 1
    log = said(openvas(LOW, result(threat="Log", score="0.0", port="3389/tcp")), "openvas")[1]
    assert (log["kev_open_external"], log["exposed_rdp"]) == (0, 1)
    filters = ("hm", "hmlg severity&gt;9.5", "hmlg min_qod=99", "hmlg tag=foo", "hmlg vulnerability=nothing")
    for unsure in (
        *(openvas(LOW, levels=one) for one in filters),
        openvas(LOW, status="Stopped"),
        openvas(LOW, host=""),
    ):
        assert "kev_open_external" not in said(unsure, "openvas")[1]


def test_openvas_pages_and_results_named_by_their_cve_alone():
    whole = openvas(result(threat="Low", score="2.6", cve=""))
    for mark, zero in (
        ('<results start="1" max="-1">', True),
        ('<results start="1" max="100">', True),
        ('<results start="1" max="1">', False),
        ('<results start="11" max="10">', False),
        ('<result_count>2<full>2</full><filtered>2</filtered></result_count><results start="1" max="10">', False),
        ('<result_count>1<full>2</full><filtered>1</filtered></result_count><results start="1" max="1">', True),
    ):
        found = said(whole.replace("<results>", mark), "openvas")[1]
        assert ("kev_open_external" in found, "internet_footprint" in found) == (zero, zero), mark
    counted = "<result_count>1<filtered>1</filtered><critical><full>1</full></critical></result_count><results>"
    assert "kev_open_external" not in said(whole.replace("<results>", counted), "openvas")[1]
    assert "kev_open_external" in said(whole.replace("<results>", counted).replace("=hmlg", "=chmlg"), "openvas")[1]
    nested = whole.replace("<results>", '<results start="1" max="2">').replace(
        "<port>",
        '<detection><result id="d"><details><detail><name>p</name></detail></details></result></detection><port>',
    )
    assert said(nested, "openvas")[1]["kev_open_external"] == 0  # what detected a product is no other result
    bare = f"""<report id="1"><report id="1"><results start="1" max="-1"><result><host>192.0.2.3</host><port>80/tcp</port>
    <nvt oid="{KEV}"><type>cve</type><name>{KEV}</name></nvt><severity>9.8</severity><qod><value>75</value></qod>
    </result></results></report></report>"""
    assert said(bare, "openvas", observed_at="2024-03-18")[1] == {
        "kev_open_external": 1,
        "epss_any_30d": pytest.approx(1, abs=0.1),
    }
    header = "IP,Hostname,Port,Port Protocol,CVSS,Severity,QoD,NVT Name,NVT OID,CVEs,Timestamp"
    row = f'192.0.2.3,,,,9.8,High,75,"{KEV}",{KEV},"",2024-03-18T21:29:42Z'
    assert said(f"{header}\n{row}", "openvas")[1]["kev_open_external"] == 1


def test_openvas_table():
    header = "IP,Hostname,Port,Port Protocol,CVSS,Severity,QoD,Solution Type,NVT Name,Summary,NVT OID,CVEs,Timestamp"
    row = f'192.0.2.3,h,5432,tcp,9.8,High,80,VendorFix,Name,"s\nt",1.3,"{KEV},{OTHER}",2024-01-02T03:04:05Z'
    found = said(f"{header}\n{row}", "openvas")[1]
    assert (found["kev_open_external"], found["risky_services"]) == (1, 1)


def test_nexpose_two_and_simple():
    definitions = f"""<VulnerabilityDefinitions><vulnerability id="log4j" title="Log4Shell" severity="10"><references>
    <reference source="CVE">{KEV}</reference></references></vulnerability><vulnerability id="os-obsolete" title="Obsolete OS"
    severity="10"><tags><tag>Obsolete OS</tag></tags></vulnerability><vulnerability id="tcp-timestamp" title="TCP timestamp"
    severity="1"/></VulnerabilityDefinitions>"""

    def report(status, scan="finished"):
        return f"""<NexposeReport version="2.0"><scans><scan id="1" endTime="20240102T030405678" status="{scan}"/></scans><nodes>
        <node address="192.0.2.4" status="alive"><tests><test id="{status and "os-obsolete"}" status="{status}"/></tests>
        <endpoints><endpoint protocol="tcp" port="3389" status="open"><services><service name="RDP"><tests>
        <test id="LOG4J" status="{status}"/></tests></service></services></endpoint></endpoints></node></nodes>
        {definitions}</NexposeReport>"""

    reading, found = said(report("vulnerable-version"), "nexpose")
    assert reading.observed_at.date().isoformat() == "2024-01-02"
    assert (found["kev_open_external"], found["exposed_rdp"], found["end_of_life_share"]) == (1, 1, 1.0)
    assert said(report("not-vulnerable"), "nexpose")[1]["kev_open_external"] == 0
    potential = said(report("vulnerable-potential"), "nexpose")
    assert potential[1]["kev_open_external"] == 0
    assert reasons(potential[0])["potential vulnerability, which nobody confirmed"][0] == 2
    assert "kev_open_external" not in said(report("not-vulnerable", "aborted"), "nexpose")[1]
    severe = report("not-vulnerable").replace('severity="1"/>', 'severity="5"/>')
    assert "kev_open_external" not in said(severe, "nexpose")[1]  # the report may be one of severe findings alone
    titled = report("vulnerable-version").replace("Log4Shell", f"Apache Log4j: {KEV}").replace(f">{KEV}<", "><")
    assert said(titled, "nexpose")[1]["kev_open_external"] == 1
    simple = f"""<NeXposeSimpleXML version="1.0"><generated>20240102T030405678</generated><devices><device address="192.0.2.4">
    <vulnerabilities><vulnerability id="log4j" resultCode="VE"><id type="cve">{KEV}</id></vulnerability></vulnerabilities>
    <services><service name="Telnet" port="23" protocol="tcp"/></services></device></devices></NeXposeSimpleXML>"""
    found = said(simple, "nexpose")[1]
    assert (found["kev_open_external"], found["risky_services"]) == (1, 1)


def trivy(kind, *, status="fixed_version", **more):
    return {"SchemaVersion": 2, "CreatedAt": "2024-01-02T03:04:05.678901234+01:00", "ArtifactName": "a", "ArtifactType": kind,
            "Results": [{"Target": "a", "Class": "os-pkgs", "Vulnerabilities": [
                {"VulnerabilityID": KEV, "Status": status}, {"VulnerabilityID": "GHSA-x"}]},
                {"Target": "Dockerfile", "Misconfigurations": [{"ID": "DS001"}]}], **more}  # fmt: skip


def test_trivy_schema_two_and_clusters():
    reading, found = said(
        trivy("container_image", Metadata={"OS": {"Family": "debian", "Name": "8", "EOSL": True}}), "trivy"
    )
    assert found == {}
    assert reasons(reading)["known to be exploited on images: only internet-facing assets rate"] == (1, (KEV,))
    assert reasons(reading)["past its end of life, but images are not systems"] == (1, ("debian 8",))
    machine = trivy("vm", Metadata={"OS": {"Family": "debian", "Name": "8", "EOSL": True}})
    assert said(machine, "trivy")[1] == {"end_of_life_share": 1.0}
    assert said(machine, "trivy", vantage="external")[1]["kev_open_external"] == 1
    assert said(trivy("repository"), "trivy", vantage="external")[1] == {}
    cluster = {
        "ClusterName": "c",
        "Resources": [{"Namespace": "n", "Kind": "Pod", "Name": "p", "Results": trivy("")["Results"]}],
    }
    assert said(cluster, "trivy", observed_at="2024-01-02")[0].assets.seen == 1
    empty = {
        "SchemaVersion": 2,
        "ArtifactName": "a",
        "ArtifactType": "container_image",
        "CreatedAt": "2024-01-02T03:04:05Z",
    }
    assert said(empty, "trivy")[1] == {}


def test_grype_scores_and_advisories():
    matches = [{"vulnerability": {"id": "GHSA-x", "epss": [{"cve": OTHER, "epss": 0.4}]},
                "relatedVulnerabilities": [{"id": OTHER}], "artifact": {}},
               {"vulnerability": {"id": "ELSA-1"}, "artifact": {}}]  # fmt: skip
    report = {"matches": matches, "source": {"type": "directory", "target": "/"},
              "descriptor": {"name": "grype", "version": "0.110.0", "timestamp": "2026-01-02T03:04:05.123456789Z"}}  # fmt: skip
    reading, found = said(report, "grype", vantage="external")
    assert found["epss_any_30d"] == 0.4
    assert reasons(reading)["vulnerability without a CVE"] == (1, ("ELSA-1",))
    assert said(report, "grype")[1] == {}


def nuclei(**more):
    return {"template-id": "x", "info": {"name": "X", "severity": "critical", "tags": ["a"], "classification": {"cve-id": None}},
            "type": "http", "host": "a.example", "ip": "192.0.2.5", "matched-at": "https://a.example:8443/x?token=secret",
            "timestamp": "2024-01-02T03:04:05.123456789Z", "matcher-status": True, **more}  # fmt: skip


def test_nuclei_lines_and_arrays():
    kev = nuclei(info={"name": "Log4j", "classification": {"cve-id": [KEV.lower()], "epss-score": 0.5}})
    panel = nuclei(**{"template-id": "p", "info": {"name": "Panel", "tags": "panel,login"}})
    missed = nuclei(**{"template-id": KEV, "matcher-status": False})
    for data in ([kev, panel, missed], "\n".join(map(json.dumps, (kev, panel, missed)))):
        reading, found = said(data, "nuclei")
        assert (found["kev_open_external"], found["exposed_login_panels"]) == (1, 1)
        assert "secret" not in json.dumps(reading.to_dict())
        assert "internet_footprint" not in found
    rdp = nuclei(type="javascript", **{"matched-at": "192.0.2.5:3389", "template-id": "rdp-detect"})
    assert said([rdp], "nuclei")[1] == {"exposed_rdp": 1}
    named = {**nuclei(type="http"), "ip": None}
    assert said([named], "nuclei")[0].scope["hosts_perimeter"] == 0
    assert said([named], "nuclei", vantage="external")[0].scope["hosts_perimeter"] == 1


def test_wazuh_answers_of_the_older_api():
    old = {
        "cve": KEV,
        "detection_time": "2023-12-13T22:11:57+00:00",
        "agent_ip": "192.0.2.6",
        "agent_name": "a",
        "status": "VALID",
    }
    answer = {
        "data": {"affected_items": [old, {**old, "cve": OTHER, "status": "OBSOLETE"}], "total_affected_items": 9},
        "error": 0,
    }
    reading, found = said(answer, "wazuh")
    assert found["kev_open_external"] == 1
    assert {one.source for one in reading.observations if one.signal == "kev_open_external"} == {"telemetry"}
    assert reasons(reading)["state that the answer left out: ask for all"][0] == 7
    state = {"agent": {"id": "1", "name": "a"}, "vulnerability": {"id": KEV, "detected_at": "2024-01-02T03:04:05Z"}}
    for data in (state, [state], {"_source": state}, {"hits": {"total": {"value": 1}, "hits": [{"_source": state}]}}):
        assert said(data, "wazuh", vantage="external")[1]["kev_open_external"] == 1


MASSCAN = '{"ip": "192.0.2.7", "timestamp": "1700000000", "ports": [{"port": PORT, "proto": "tcp", "status": "open"}]}'


@pytest.mark.parametrize(
    "text",
    [
        f"[\n{MASSCAN.replace('PORT', '3389')},\n{MASSCAN.replace('PORT', '23')}\n]\n",
        f"[\n{MASSCAN.replace('PORT', '3389')},\n{MASSCAN.replace('PORT', '23')},\n]\n",
        f"{{\n{MASSCAN.replace('PORT', '3389')},\n{MASSCAN.replace('PORT', '23')},\n{{finished: 1}}\n}}\n",
        "#masscan\nopen tcp 3389 192.0.2.7 1700000000\nopen tcp 23 192.0.2.7 1700000000\n# end\n",
        (
            "#masscan\nbanner tcp 13389 192.0.2.7 1700000000 rdp x\nopen tcp 13389 192.0.2.7 1700000000\n"
            "open tcp 23 192.0.2.7 1700000000\n"
        ),
        (
            '<?xml version="1.0"?><!-- masscan v1.0 scan --><nmaprun scanner="masscan" start="1700000000" version="1.3.2">'
            '<host endtime="1700000000"><address addr="192.0.2.7" addrtype="ipv4"/><ports>'
            '<port protocol="tcp" portid="3389"><state state="open" reason="syn-ack"/></port></ports></host>'
            '<host endtime="1700000000"><address addr="192.0.2.7" addrtype="ipv4"/><ports>'
            '<port protocol="tcp" portid="23"><state state="open"/></port></ports></host></nmaprun>'
        ),
        "\n".join(
            f'{{"ip":"192.0.2.7","timestamp":"1700000000","port":{port},"proto":"tcp","rec_type":"status",'
            '"data":{"status":"open","reason":"syn-ack","ttl":64}}'
            for port in (3389, 23)
        ),
    ],
    ids=["array", "trailing comma", "old and invalid", "list", "banner", "xml", "lines"],
)
def test_masscan_in_all_its_formats(text):
    reading, found = said(text, "masscan")
    assert found == {"exposed_rdp": 1, "risky_services": 1}
    assert reading.observed_at.timestamp() == 1700000000


def test_dates_that_only_a_day_may_begin():
    table = "IP,LAST SCAN,QID,VULN TITLE,TYPE,SEVERITY,PORT,PROTOCOL,CVEID\n"
    row = "192.0.2.1,{},1,t,{},Medium,3389,tcp,{}\n"
    reading, _ = said(table + row.format("22/09/2022 13:01", "VULN", KEV), "qualys")
    assert reading.observed_at.date().isoformat() == "2022-09-22"
    older = row.format("22/08/2022 13:01", "VULN", KEV) + row.format("03/09/2022 13:01", "VULN", KEV)
    assert said(table + older, "qualys")[0].observed_at.date().isoformat() == "2022-09-03"
    late = "".join(row.format("03/09/2022 13:01", "VULN", KEV) for _ in range(28)) + row.format(
        "22/08/2022", "VULN", KEV
    )
    assert said(table + late, "qualys")[0].observed_at.date().isoformat() == "2022-09-03"
    american = row.format("08/22/2022 13:01", "VULN", KEV) + row.format("09/03/2022 13:01", "VULN", KEV)
    assert said(table + american, "qualys")[0].observed_at.date().isoformat() == "2022-09-03"


def test_tables_tell_what_nobody_confirmed():
    table = "IP,LAST SCAN,QID,VULN TITLE,TYPE,SEVERITY,PORT,PROTOCOL,CVEID\n"
    row = "192.0.2.1,09/08/2022,1,t,{},5,3389,tcp,{}\n"
    kinds = [row.format("Practice", KEV), row.format("Ig", KEV), row.format("POTENTIAL", KEV)]
    reading, found = said(table + "".join(kinds), "qualys")
    assert found == {"exposed_rdp": 1}  # the port answered all the same
    assert reasons(reading)["potential vulnerability, which nobody confirmed"][0] == 2
    assert reasons(reading)["informational finding"][0] == 1
    assert said(table + row.format("Vuln", KEV), "qualys")[1]["kev_open_external"] == 1

    greenbone = "IP,Hostname,Port,Port Protocol,CVSS,Severity,QoD,NVT Name,NVT OID,CVEs,Timestamp\n"
    line = '198.51.100.4,,443,tcp,9.8,High,{},t,1.3.6,"' + KEV + '",2024-03-18T21:29:42Z\n'
    reading, found = said(greenbone + line.format(30), "openvas")
    assert "kev_open_external" not in found
    assert reasons(reading)["result of a quality of detection below 70 %"][0] == 1
    assert said(greenbone + line.format(75), "openvas")[1]["kev_open_external"] == 1


def test_qualys_hosts_that_are_down_and_pages():
    header = '<SCAN value="scan/1"><HEADER><KEY value="DATE">2024-05-06T07:08:09Z</KEY></HEADER>'
    checked = '<IP value="192.0.2.7"><INFOS><CAT value="x"><INFO number="45038" severity="1"/></CAT></INFOS></IP>'
    reading, found = said(f'{header}{checked}<IP value="192.0.2.8" status="down"/></SCAN>', "qualys")
    assert found["internet_footprint"] == 1
    assert found["kev_open_external"] == 0
    assert (reading.scope["hosts_seen"], reading.scope["hosts_silent"]) == (1, 1)
    reading, found = said(f'{header}{checked}<ERROR number="3509">stopped</ERROR></SCAN>', "qualys")
    assert found == {}
    assert reasons(reading)["the scan reports an error: zero is not claimed"][0] == 1

    more = header.replace("</HEADER>", '<KEY value="NBHOST_ALIVE">2</KEY></HEADER>')
    assert said(f"{more}{checked}</SCAN>", "qualys")[1] == {}  # the other host that answered is not there

    host = "<HOST><IPV6>2001:db8::5</IPV6><DETECTION_LIST><DETECTION><QID>45038</QID><TYPE>Info</TYPE></DETECTION></DETECTION_LIST></HOST>"
    page = (
        "<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><DATETIME>2024-05-06T07:08:09Z</DATETIME>"
        f"<HOST_LIST>{host}</HOST_LIST>{{}}</RESPONSE></HOST_LIST_VM_DETECTION_OUTPUT>"
    )
    assert said(page.format(""), "qualys")[1]["internet_footprint"] == 1
    truncated = (
        "<WARNING><CODE>1980</CODE><TEXT>1000 record limit exceeded.</TEXT><URL>https://q.example</URL></WARNING>"
    )
    reading, found = said(page.format(truncated), "qualys")
    assert found == {}
    assert reasons(reading)["one page of a longer list: give the others as well"][0] == 1


def test_nexpose_table_of_check_results():
    header = (
        "Asset IP Address,Service Port,Vulnerability Test Result Code,Vulnerability ID,"
        "Vulnerability CVE IDs,Vulnerability Severity Level,Vulnerability Title\n"
    )
    row = '203.0.113.9,443,{},apache-log4j-core,"' + KEV + '",10,Apache Log4j Core\n'
    assert said(header + row.format("vv"), "nexpose", observed_at="2024-05-06")[1]["kev_open_external"] == 1
    assert said(header + row.format("VE"), "nexpose", observed_at="2024-05-06")[1]["kev_open_external"] == 1
    reading, found = said(header + row.format("vp") + row.format("nv"), "nexpose", observed_at="2024-05-06")
    assert found == {}
    assert reasons(reading)["potential vulnerability, which nobody confirmed"][0] == 1
    assert reasons(reading)["informational finding"][0] == 1


def test_nuclei_before_a_template_had_its_own_object():
    line = {"template": "CVE-2021-44228", "type": "http", "matched": "https://192.0.2.3:8443/x", "name": "Log4Shell",
            "severity": "critical", "author": "x", "host": "https://192.0.2.3:8443"}  # fmt: skip
    _reading, found = said(line, "nuclei", observed_at="2020-12-01")
    assert found["kev_open_external"] == 1
    line = {**line, "template": "fortinet-panel", "tags": "panel,fortinet"}
    assert said(line, "nuclei", observed_at="2020-12-01")[1]["exposed_login_panels"] == 1


def test_trivy_lists_of_the_first_versions():
    old = [{"Target": "alpine:3.9 (alpine 3.9.4)", "Vulnerabilities": [{"VulnerabilityID": KEV, "PkgName": "x"}]}]
    reading, found = said(old, "trivy", observed_at="2019-09-01")
    assert found == {}
    assert reading.assets.seen == 1
    assert any("known to be exploited on images" in why for why in reasons(reading))
    empty = [{"Target": "alpine:3.10 (alpine 3.10.1)", "Vulnerabilities": None}]
    assert said(empty, "trivy", observed_at="2019-09-01")[1] == {}


def test_trivy_does_not_call_checked_what_it_only_configured():
    role = {
        "Kind": "ClusterRole",
        "Name": "r",
        "Results": [{"Class": "config", "Misconfigurations": [{"ID": "KSV113"}]}],
    }
    work = {
        "Kind": "Deployment",
        "Name": "d",
        "Results": [{"Class": "os-pkgs", "Vulnerabilities": [{"VulnerabilityID": KEV}]}],
    }
    again = {**work, "Results": [{"Class": "lang-pkgs", "Secrets": [{"RuleID": "x"}]}]}  # of the same workload
    reading, _ = said({"ClusterName": "c", "Resources": [role, work, again]}, "trivy", observed_at="2024-01-02")
    assert reading.assets.seen == 1
    assert reasons(reading)["not looked at for vulnerabilities"][0] == 1
    assert reasons(reading)["misconfigurations, which no signal rates"][0] == 1


def wazuh_alert(status, when, cve=KEV, package="log4j"):
    return {
        "timestamp": when,
        "rule": {"id": "23505", "groups": ["vulnerability-detector"]},
        "agent": {"id": "003", "ip": "192.0.2.66", "name": "web"},
        "data": {"vulnerability": {"cve": cve, "status": status, "severity": "High", "package": {"name": package}}},
    }


def test_wazuh_alerts_of_the_older_detector_and_tables():
    active = wazuh_alert("Active", "2022-01-02T03:04:05.678+0000")
    solved = wazuh_alert("Solved", "2022-02-02T03:04:05.678+0000")
    reading, found = said(active, "wazuh")
    assert found["kev_open_external"] == 1
    assert reading.observed_at.date().isoformat() == "2022-01-02"
    for order in ((active, solved), (solved, active)):  # a search may answer with the newest first
        lines = "\n".join(json.dumps(one) for one in order)
        reading, found = said(lines, "wazuh")
        assert "kev_open_external" not in found
        assert reasons(reading)["vulnerability that is no more"] == (1, (KEV,))
    other = wazuh_alert("Active", "2022-01-02T03:04:05.678+0000", package="log4j-core")
    hits = {"hits": {"total": {"value": 2}, "hits": [{"_source": solved}, {"_source": other}]}}
    assert said(hits, "wazuh")[1]["kev_open_external"] == 1  # one of two packages is still there

    for one in (active, other, solved):
        one["data"]["vulnerability"]["package"] |= {"name": "log4j", "version": "2.14"}
    other["data"]["vulnerability"]["package"]["version"] = "2.13"
    lines = "\n".join(json.dumps(one) for one in (active, other, solved))
    assert said(lines, "wazuh")[1]["kev_open_external"] == 1  # another version of it is still there

    login = {**active, "rule": {"id": "5710", "description": "sshd: login"}, "data": {"srcip": "192.0.2.1"}}
    reading, found = said("\n".join(json.dumps(one) for one in (active, login)), "wazuh")
    assert found["kev_open_external"] == 1
    assert reasons(reading)["alert that is not of a vulnerability"] == (1, ("sshd: login",))

    table = f"agent.name,package.name,vulnerability.id,vulnerability.severity,vulnerability.detected_at\nweb,log4j,{KEV},-,Jan 2 2024 @ 03:04:05.000\n"
    assert said(table, "wazuh")[1] == {}
    assert said(table, "wazuh", vantage="external")[1]["kev_open_external"] == 1


def test_masscan_grepable_and_bare_banners():
    text = """# Masscan 1.3.2 scan initiated Thu Jan 18 10:11:12 2024
# Ports scanned: TCP(2;80,3389) UDP(0;) SCTP(0;) PROTOCOLS(0;)
Timestamp: 1705572672\tHost: 192.0.2.1 (host.example)\tPorts: 3389/open/tcp//ms-wbt-server//
Timestamp: 1705572673\tHost: 192.0.2.2 ()\tPorts: 80/open/tcp//http//, 23/open/tcp//telnet//
# Masscan done at Thu Jan 18 10:12:12 2024
"""
    reading, found = said(text, "masscan")
    assert found == {"exposed_rdp": 1, "risky_services": 1}
    assert reading.observed_at.isoformat() == "2024-01-18T10:11:13+00:00"
    banner = {"ip": "192.0.2.1", "timestamp": "1705572672", "port": 23, "proto": "tcp", "rec_type": "banner",
              "data": {"banner": "login:"}}  # fmt: skip
    assert said(banner, "masscan")[1] == {"risky_services": 1}
