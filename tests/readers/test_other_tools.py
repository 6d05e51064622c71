"""Files of tools that have no reader: each is told by its tool's name and never taken for another's."""

import csv
import io
import json

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import other_tools
from cyberscore.readers.head import Head
from samples import NOT_READ, others, samples

# The beginning of what each tool writes, shortened by hand; the names and numbers are invented.
EXAMPLES = {
    "AWS Security Hub (findings in ASFF)": [
        [{"SchemaVersion": "2018-10-08", "Id": "arn", "ProductArn": "arn", "GeneratorId": "g", "AwsAccountId": "1"}],
        {"Findings": [{"Id": "x", "AwsAccountId": "1", "ProductArn": "arn", "SchemaVersion": "2018-10-08"}]},
        {"detail": {"findings": [{"AwsAccountId": "1", "ProductArn": "arn"}]}},
        [{"SchemaVersion": "2018-10-08", "Id": "arn", "ProductArn": "arn", "Compliance": {"Status": "FAILED"}}],
    ],
    "AWS Inspector": [
        {"findings": [{"awsAccountId": "1", "type": "PACKAGE_VULNERABILITY", "status": "ACTIVE"}]},
        [{"findingArn": "arn", "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2021-1"}}],
    ],
    "AWS Identity and Access Management (credential report)": [
        "user,arn,user_creation_time,password_enabled,mfa_active\nann,arn:1,2024-01-02,true,false\n",
    ],
    "AWS GuardDuty": [{"Findings": [{"AccountId": "1", "Service": {"DetectorId": "d"}}]}],
    "ScoutSuite": [
        "scoutsuite_results =\n{}",
        {"provider_code": "aws", "services": {}, "last_run": {"ruleset_name": "d"}},
    ],
    "Google Security Command Center": [[{"finding": {"canonicalName": "projects/1", "category": "MFA_NOT_ENFORCED"}}]],
    "Microsoft Defender for Cloud": [
        '"exportedTimestamp","subscriptionId","state"\n"9/9/2021","1","Unhealthy"\n',
        {"value": [{"type": "Microsoft.Security/assessments", "id": "x"}]},
    ],
    "Microsoft Defender Vulnerability Management": [
        {"value": [{"cveId": "CVE-2021-1", "machineId": "m", "severity": "High", "id": "x"}]},
        [{"deviceId": "d", "cveId": "CVE-2021-1", "softwareName": "openssl"}],
        {"value": [{"id": "m", "computerDnsName": "a.example", "riskScore": "Low", "exposureLevel": "Low"}]},
        "DeviceId,DeviceName,OSPlatform,CveId,VulnerabilitySeverityLevel\nd,a.example,Windows11,CVE-2021-1,High\n",
    ],
    "Microsoft Secure Score (the portal's table)": [
        "Rank,Recommended action,Score impact,Points achieved,Status\n1,Require MFA,+1%,0/10,To address\n",
    ],
    "Microsoft Graph (a list of conditional access policies)": [
        {"value": [{"displayName": "P", "state": "enabled", "conditions": {}, "grantControls": {}}]},
    ],
    "Microsoft Graph (a list of users)": [
        {"value": [{"id": "1", "userPrincipalName": "a@x.example", "accountEnabled": True}]},
        {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": [{"displayName": "Ann"}]},
    ],
    "Microsoft Intune (a list of devices)": [
        {"value": [{"managedDeviceOwnerType": "company", "complianceState": "compliant"}]},
        "Device ID,Device name,Managed by,Ownership,Compliance,OS\n1,pc,Intune,Corporate,Compliant,Windows\n",
    ],
    "Maester": [{"Result": "Failed", "TotalCount": 9, "ExecutedAt": "2026-01-02T00:00:00Z", "TenantId": "t"}],
    "ScubaGoggles": [
        {"MetaData": {"Tool": "ScubaGoggles", "TenantId": "t", "ProductsAssessed": []}, "Results": {}, "Summary": {}},
        [{"PolicyId": '"GWS.GMAIL.1.1v1"', "RequirementMet": "true", "Criticality": '"Shall"'}],
        "Product,GroupNumber,GroupName,ControlID,Requirement,Criticality\ngmail,1,G,GWS.GMAIL.1.1v1,R,Shall\n",
        '"Control ID","Requirement","Result","Criticality","Details"\n"GWS.GMAIL.1.1v1","R","Pass","Shall","D"\n',
        {"ReportSummary": {}, "Results": [{"GroupName": "G", "Controls": [{"Control ID": "GWS.GMAIL.1.1v1"}]}]},
    ],
    "BloodHound (SharpHound or AzureHound)": [
        {"data": [{"Properties": {"name": "X"}, "ObjectIdentifier": "S-1-5"}], "meta": {"type": "users", "count": 1}},
        {"computers": [], "meta": {"type": "computers", "count": 0, "version": 3}},
        {"data": [{"kind": "AZUser", "data": {"tenantId": "t"}}], "meta": {"type": "azure"}},
    ],
    "Wiz": ["Created At,Title,Severity,Status,Description,Resource Type\n2023-01-01,T,HIGH,OPEN,D,VM\n"],
    "SecurityScorecard": [
        {"entries": [{"name": "patching_cadence", "score": 90, "grade": "A", "issue_summary": []}], "total": 1},
        "ISSUE ID,FACTOR NAME,ISSUE TYPE TITLE,ISSUE TYPE SEVERITY\n1,Patching,Outdated,High\n",
    ],
    "Bitsight": [
        {"results": [{"temporary_id": "t", "risk_vector": "patching_cadence", "rolledup_observation_id": "r"}]},
        {"name": "Saperix", "current_rating": 700, "rating_details": {"patching_cadence": {"grade": "B"}}},
    ],
    "RiskRecon": [
        {"test": "x", "findings": [{"finding_id": "1", "security_domain": "Web Encryption", "severity": "high"}]},
    ],
    "Shodan": [
        {"ip_str": "192.0.2.1", "ports": [22], "hostnames": [], "data": [{"port": 22, "_shodan": {"module": "ssh"}}]},
        {"matches": [{"ip_str": "192.0.2.1", "_shodan": {"module": "http"}}], "total": 1},
        {"ip": "192.0.2.1", "ports": [22], "cpes": [], "hostnames": [], "tags": [], "vulns": []},
    ],
    "Censys": [
        {"ip": "192.0.2.1", "services": [{"port": 22, "service_name": "SSH"}], "autonomous_system": {"asn": 64496}},
        {"code": 200, "result": {"ip": "192.0.2.1", "services": [{"port": 22, "service_name": "SSH"}]}},
    ],
    "httpx (ProjectDiscovery)": [
        {"timestamp": "2026-01-02T00:00:00Z", "port": "443", "url": "https://a.example", "input": "a.example",
         "scheme": "https", "webserver": "nginx", "tech": ["nginx"], "host": "192.0.2.1", "status_code": 200},
        {"url": "https://a.example", "input": "a.example", "status-code": 200, "title": "T"},
    ],
    "naabu (ProjectDiscovery)": [
        {"host": "a.example", "ip": "192.0.2.1", "timestamp": "2026-01-02T00:00:00Z", "port": 80, "protocol": "tcp",
         "tls": False},
        {"ip": "192.0.2.1", "port": {"Port": 80, "Protocol": 0, "TLS": False}},
        "host,ip,timestamp,port,protocol,tls\na.example,192.0.2.1,2026-01-02,80,tcp,false\n",
    ],
    "subfinder (ProjectDiscovery)": [{"host": "www.a.example", "input": "a.example", "source": "crtsh"}],
    "dnsx (ProjectDiscovery)": [{"host": "a.example", "resolver": ["192.0.2.53"], "a": [], "status_code": "NOERROR"}],
    "tlsx (ProjectDiscovery)": [
        {"host": "a.example", "ip": "192.0.2.1", "probe_status": True, "tls_version": "tls13", "cipher": "x"},
    ],
    "Amass": [
        {"name": "www.a.example", "domain": "a.example", "addresses": [{"ip": "192.0.2.1", "cidr": "192.0.2.0/24"}]},
    ],
    "WhatWeb": [[{"target": "https://a.example", "http_status": 200, "plugins": {"nginx": {}}}]],
    "ZMap or ZGrab": [
        "saddr,daddr,sport,classification\n192.0.2.1,192.0.2.9,443,synack\n",
        {"ip": "192.0.2.1", "data": {"http": {"status": "success", "protocol": "http"}}},
    ],
    "Mozilla HTTP Observatory": [
        {"scan": {"grade": "F", "score": 0, "tests_failed": 6}, "tests": {"cookies": {"pass": True}}},
        {"id": 1, "details_url": "https://x.example", "algorithm_version": 4, "grade": "F", "score": 0},
    ],
    "ssh-audit": [
        {"banner": {"protocol": [2, 0]}, "cves": [], "enc": ["aes128-ctr"], "kex": [], "key": [], "mac": []},
        "# general\n(gen) banner: SSH-2.0-OpenSSH_9.6\n(gen) software: OpenSSH 9.6\n",
    ],
    "sslscan": ['<document title="SSLScan Results"><ssltest host="a.example" port="443"/></document>'],
    "testssl.sh (its log or page)": ["####\n    testssl.sh       3.2 from https://testssl.sh/\n####\n"],
    "ZAP": [
        '<OWASPZAPReport version="2.14.0"><site name="https://a.example"><alerts/></site></OWASPZAPReport>',
        {"@programName": "ZAP", "@version": "2.14.0", "site": [{"@name": "https://a.example", "alerts": []}]},
    ],
    "Burp Suite": ['<issues burpVersion="2024.1"><issue><name>X</name></issue></issues>'],
    "Acunetix or Invicti (Netsparker)": [
        "<ScanGroup><Scan><Name>x</Name></Scan></ScanGroup>",
        {"Generated": "02/01/2026", "Target": {"ScanId": "s", "Url": "https://a.example"}, "Vulnerabilities": []},
    ],
    "Nikto": [
        "<niktoscan><scandetails/></niktoscan>",
        '"Nikto - v2.5.0/"\n"a.example","192.0.2.1","443"\n',
        [{"host": "a.example", "port": "443", "banner": "", "vulnerabilities": [{"id": "1", "msg": "m"}]}],
    ],
    "WPScan": [{"banner": {"description": "x"}, "target_url": "https://a.example", "effective_url": "https://a.example"}],
    "Wapiti, Arachni or w3af": [
        '<report type="security"><report_infos/><vulnerabilities/></report>',
        {"classifications": {}, "vulnerabilities": {}, "infos": {"target": "https://a.example"}},
    ],
    "Qualys Web Application Scanning": ["<WAS_SCAN_REPORT><HEADER/></WAS_SCAN_REPORT>"],
    "Rapid7 AppSec (AppSpider)": ["<VulnSummary><ScanName>x</ScanName></VulnSummary>"],
    "Nessus (its first XML)": ['<?xml version="1.0"?><NessusClientData><Report/></NessusClientData>'],
    "Qualys (a list without findings)": [
        "<HOST_LIST_OUTPUT><RESPONSE/></HOST_LIST_OUTPUT>",
        "<KNOWLEDGE_BASE_VULN_LIST_OUTPUT><RESPONSE/></KNOWLEDGE_BASE_VULN_LIST_OUTPUT>",
    ],
    "Trivy's operator": [
        {"kind": "VulnerabilityReport", "report": {"vulnerabilities": [{"vulnerabilityID": "CVE-2021-1"}]}},
        {"apiVersion": "v1", "items": [{"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ConfigAuditReport"}]},
    ],
    "Lynis (its log)": ["2026-01-02 10:00:00 Starting Lynis 3.1.4 with PID 9, build date 2025\n"],
    "SARIF": [
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy"}}}]},
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": []},
    ],
    "CycloneDX (a bill of materials)": [
        {"bomFormat": "CycloneDX", "metadata": {"tools": [{"name": "trivy"}]}},
        '<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components/></bom>',
    ],
    "SPDX (a bill of materials)": [
        {"spdxVersion": "SPDX-2.2"},
        "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n",
        {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []},
    ],
    "OpenSCAP or another scanner of SCAP (ARF, XCCDF, OVAL)": [
        '<asset-report-collection xmlns="http://scap.nist.gov/schema/asset-reporting-format/1.1"/>',
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.1" id="x"><status>draft</status></Benchmark>',
        '<xccdf:TestResult xmlns:xccdf="http://checklists.nist.gov/xccdf/1.2" id="x"/>',
        '<oval_results xmlns="http://oval.mitre.org/XMLSchema/oval-results-5"/>',
    ],
    "kube-bench": [
        [{"id": "1", "text": "Control Plane", "node_type": "master", "tests": [{"results": []}], "total_fail": 3}],
        {"Controls": [{"id": "1", "node_type": "master", "tests": []}], "Totals": {"total_fail": 3}},
        "[INFO] 1 Control Plane Security Configuration\n[FAIL] 1.1.1 x\n",
    ],
    "Docker Bench for Security": [
        {"dockerbenchsecurity": "1.3.5", "start": 1, "tests": [{"id": "1", "results": []}], "checks": 2, "score": 1},
        "# ----\n# Docker Bench for Security v1.6.0\n# ----\n",
    ],
    "Kubescape": [{"clusterAPIServerInfo": {}, "summaryDetails": {}, "resources": []}],
    "Red Hat Satellite": [
        {"total": 1, "subtotal": 1, "page": 1, "per_page": 20, "results": [{"id": 1, "errata_id": "RHSA-1"}]},
    ],
    "Anchore Engine or Enterprise": [
        {"imageDigest": "sha256:1", "vulnerability_type": "os", "vulnerabilities": [{"feed": "vulnerabilities"}]},
    ],
    "Clair": [{"manifest_hash": "sha256:1", "packages": {}, "vulnerabilities": {}}],
    "Snyk": [
        {"vulnerabilities": [], "ok": True, "dependencyCount": 9, "org": "x", "packageManager": "npm"},
        {"vulnerabilities": [{"id": "SNYK-1", "upgradePath": [], "isUpgradable": True}]},
    ],
    "GitHub Dependabot": [[{"number": 1, "state": "open", "security_advisory": {"ghsa_id": "GHSA-1"}}]],
    "npm audit": [{"auditReportVersion": 2, "vulnerabilities": {}}],
    "pip-audit": [{"dependencies": [{"name": "x", "version": "1", "vulns": []}], "fixes": []}],
    "OSV-Scanner": [{"results": [{"source": {"path": "x"}, "packages": [{"package": {"ecosystem": "PyPI"}}]}]}],
    "OWASP Dependency-Check": [
        "<analysis><scanInfo><engineVersion>9</engineVersion></scanInfo></analysis>",
        {"reportSchema": "1.1", "scanInfo": {}, "dependencies": []},
    ],
    "Semgrep": [{"results": [{"check_id": "x", "path": "a.py", "start": {}, "extra": {}}], "errors": []}],
    "Bandit": [{"results": [{"test_id": "B101", "issue_severity": "LOW"}], "metrics": {}}],
    "SonarQube": [{"issues": [{"rule": "x:1", "component": "a"}], "total": 1}],
    "Checkov": [{"check_type": "terraform", "results": {"passed_checks": [], "failed_checks": []}}],
    "gitleaks": [
        [{"RuleID": "aws", "Secret": "REDACTED", "Commit": "0", "Fingerprint": "0:a:1"}],
        [{"rule": "aws", "offender": "REDACTED", "commit": "0"}],
    ],
    "TruffleHog": [{"SourceMetadata": {}, "DetectorName": "AWS", "Verified": False}],
    "internet.nl": [{"api_version": "2.4.0", "request": {"name": "x"}, "domains": {"a.example": {"status": "ok"}}}],
    "a DMARC aggregate report": [
        "<feedback><report_metadata/><policy_published><domain>a.example</domain></policy_published></feedback>",
    ],
    "dnstwist": [
        [{"fuzzer": "addition", "domain": "a.example", "dns_a": ["203.0.113.1"]}],
        "fuzzer,domain,dns_a\naddition,a.example,203.0.113.1\n",
    ],
    "ffuf": [{"commandline": "ffuf -u x", "results": [{"input": {"FUZZ": "a"}, "status": 200}], "config": {}}],
    "SpiderFoot": ["Scan Name,Updated,Type,Module,Source,F/P,Data\nx,2026,Open TCP Port,m,y,0,203.0.113.1:3389\n"],
    "Metasploit": ["<MetasploitV5><hosts><host/></hosts></MetasploitV5>"],
    "CrowdStrike Falcon Spotlight": [
        {"resources": [{"id": "1", "aid": "a", "cid": "c", "vulnerability_id": "CVE-2021-1", "status": "open"}]},
    ],
    "InsightVM (an answer of its API)": [
        {"resources": [{"ip": "203.0.113.1", "riskScore": 9.5, "vulnerabilities": {"total": 1}}], "page": {}},
    ],
    "Tenable (an export of its API)": [
        [{"asset": {"uuid": "a"}, "plugin": {"id": 1}, "scan": {"uuid": "s"}, "severity": "high", "state": "OPEN"}],
    ],
    "DefectDojo": [{"count": 1, "results": [{"id": 1, "found_by": [1], "risk_accepted": False, "severity": "High"}]}],
    "Okta (a list of users)": [
        [{"id": "u", "profile": {"login": "a@a.example"}, "credentials": {"provider": {"type": "OKTA"}}}],
    ],
    "Duo (a list of users)": [{"response": [{"username": "a", "is_enrolled": True}], "stat": "OK"}],
    "Google Workspace (a list of users)": [
        "First Name [Required],Email Address [Required],2sv Enrolled [READ ONLY]\nAnn,a@a.example,TRUE\n",
    ],
    "Microsoft Entra (a log of sign-ins)": [
        {"value": [{"userPrincipalName": "a@a.example", "conditionalAccessStatus": "success", "clientAppUsed": "x"}]},
    ],
    "SentinelOne (a list of agents)": [
        {"data": [{"agentVersion": "1", "computerName": "pc", "infected": False}], "pagination": {}},
    ],
    "osquery": [[{"name": "p", "hostIdentifier": "h", "calendarTime": "x", "columns": {}, "action": "added"}]],
    "Steampipe or Powerpipe": [{"group_id": "root", "title": "CIS", "summary": {}, "groups": [], "controls": []}],
    "CloudSploit": [
        [{"plugin": "openRDP", "category": "EC2", "title": "t", "region": "x", "status": "FAIL", "message": "m"}],
    ],
    "CIS-CAT": [{"benchmark-id": "b", "profile-id": "p", "rules": [{"rule-id": "1", "result": "pass"}]}],
    "a page to look at (HTML)": ["<!DOCTYPE html><html><head><title>Report</title></head></html>"],
}  # fmt: skip
CASES = [(name, example) for name, examples in EXAMPLES.items() for example in examples]
IDS = [f"{name} {number}" for name, examples in EXAMPLES.items() for number in range(len(examples))]


def encoded(example):
    return (example if isinstance(example, str) else json.dumps(example)).encode()


def test_every_tool_of_the_table_has_an_example():
    assert list(EXAMPLES) == [tool.name for tool in other_tools.other_tools()]


@pytest.mark.parametrize(("name", "example"), CASES, ids=IDS)
def test_a_file_of_a_tool_without_a_reader_names_the_tool_and_what_to_give(name, example):
    data = encoded(example)
    with pytest.raises(ReadingError, match="no reader knows this file") as caught:
        readers.read(data, observed_at="2026-01-02")
    (tool,) = (one for one in other_tools.other_tools() if any(mark.fits(Head.of(data, 10**6)) for mark in one.marks))
    assert tool.name == name
    said = str(caught.value)
    assert f": it looks like {name}: give " in said
    assert said.endswith(tool.give or ", ".join(sorted(readers.READERS)))


@pytest.mark.parametrize(("name", "example"), CASES, ids=IDS)
def test_it_is_told_in_other_encodings_and_as_lines(name, example):
    data = encoded(example)
    versions = [data.decode().encode("utf-16"), b"\xef\xbb\xbf" + data]
    if isinstance(example, dict):
        versions += [
            data + b"\n" + data + b"\n",
            json.dumps(example, indent=2).encode(),
            json.dumps([example]).encode(),
        ]
    for version in versions:
        with pytest.raises(ReadingError) as caught:
            readers.detect(version)
        assert f"it looks like {name}" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        {"name": "x", "version": "1.0.0", "dependencies": {"y": "1"}},
        {"value": [{"id": "1", "displayName": "Ann"}]},
        {"results": [{"id": 1, "score": 2}], "total": 1},
        "Name,Age\nAnn,4\nBob,5\n",
        "Dear underwriter,\n\nwe are secure.\n",
        "<report><title>Our year</title></report>",
    ],
)
def test_what_nobody_knows_gets_no_name_and_all_tools_that_are_read(content):
    with pytest.raises(ReadingError) as caught:
        readers.detect(encoded(content))
    assert "looks like" not in str(caught.value)
    assert all(name in str(caught.value) for name in readers.READERS)


def test_a_table_of_policies_of_both_tenants_is_still_scubagears():
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Control ID", "Requirement", "Result", "Criticality", "Details"])
    writer.writerow(["MS.AAD.3.2v1", "MFA for all; see GWS.COMMONCONTROLS.1.1", "Pass", "Shall", "Requirement met"])
    assert readers.detect(text.getvalue().encode()) == "scubagear"


@pytest.mark.parametrize(
    "mark",
    [
        {},
        {"root": ""},
        {"roots": "x"},
        {"root": ["x"]},
        {"fields": "x"},
        {"fields": []},
        {"fields": [1]},
        {"values": ["x"]},
    ],
)
def test_a_mark_that_says_nothing_or_something_else_is_refused(mark):
    with pytest.raises(ValueError, match="is no mark"):
        other_tools._mark("X", mark)


@pytest.mark.parametrize("name", NOT_READ)
def test_exports_of_others_are_named_and_none_is_taken_for_another_tools(name):
    path = others(name)
    head = Head.of(path, 10**9)
    assert not [reader for reader, module in readers.READERS.items() if module.looks_like(head)]
    with pytest.raises(ReadingError, match=f"it looks like {NOT_READ[name]}"):
        readers.read(path, observed_at="2026-01-02")


def test_an_archive_of_several_exports_is_refused():
    with pytest.raises(ReadingError, match="a zip archive of 2 files: give one of them, unpacked"):
        readers.read(others("ms_defender_tvm/defender.zip"))


ALL = [(name, path) for name, paths in samples().items() for path in paths]


@pytest.mark.parametrize(("name", "path"), ALL, ids=[f"{name}-{path.name}" for name, path in ALL])
def test_no_mark_is_that_of_a_file_which_a_reader_takes(name, path):
    assert readers.detect(path) == name
    assert other_tools.other_tool(Head.of(path, 10**9)) is None
