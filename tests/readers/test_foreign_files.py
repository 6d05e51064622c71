"""Exports of tools that have no reader, and files cut or garbled: one clear error that says what to do."""

import contextlib
import json
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from samples import OWN, plain

MINE = (
    "application", "checkdmarc", "graph_registration", "lynis", "ocsf", "pingcastle", "prowler", "secure_score",
    "ssl_labs", "sslyze", "testssl",
)  # fmt: skip

# The beginnings of what each of these tools writes, shortened by hand.
FOREIGN = {
    "Mozilla Observatory": {
        "scan": {"grade": "F", "score": 0, "tests_failed": 6},
        "tests": {"cookies": {"pass": True}},
    },
    "ssh-audit": {"banner": {"protocol": [2, 0]}, "cves": [], "enc": ["aes128-ctr"], "kex": [], "key": [], "mac": []},
    "Defender vulnerabilities": {"value": [{"cveId": "CVE-2021-1", "machineId": "m", "severity": "High", "id": "x"}]},
    "Security Hub": [
        {"SchemaVersion": "2018-10-08", "Id": "arn", "ProductArn": "arn", "Compliance": {"Status": "FAILED"}}
    ],
    "Inspector": {"findings": [{"awsAccountId": "1", "type": "PACKAGE_VULNERABILITY", "status": "ACTIVE"}]},
    "kube-bench": [
        {"id": "1", "text": "Control Plane", "node_type": "master", "tests": [{"results": []}], "total_fail": 3}
    ],
    "Docker Bench": {
        "dockerbenchsecurity": "1.3.5",
        "start": 1,
        "tests": [{"id": "1", "results": []}],
        "checks": 2,
        "score": 1,
    },
    "Satellite": {"total": 1, "subtotal": 1, "page": 1, "per_page": 20, "results": [{"id": 1, "errata_id": "RHSA-1"}]},
    "RiskRecon": {
        "test": "x",
        "findings": [{"finding_id": "1", "security_domain": "Web Encryption", "severity": "high"}],
    },
    "Graph users": {"value": [{"id": "1", "userPrincipalName": "a@x.example", "accountEnabled": True}]},
    "package.json": {"name": "x", "version": "1.0.0", "dependencies": {"y": "1"}},
}
TEXTS = {
    "OpenSCAP": '<?xml version="1.0"?><asset-report-collection xmlns="http://scap.nist.gov/"><report/></asset-report-collection>',
    "XCCDF": '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.1" id="x"><status>draft</status></Benchmark>',
    "Defender for Cloud": '"exportedTimestamp","subscriptionId","state"\n"9/9/2021","1","Unhealthy"\n',
    "Wiz": "Created At,Title,Severity,Status,Description,Resource Type\n2023-01-01,T,HIGH,OPEN,D,VM\n",
    "a spreadsheet": "Name,Age\nAnn,4\nBob,5\n",
    "a letter": "Dear underwriter,\n\nwe are secure.\n",
}
NOBODY_S = {"package.json", "a spreadsheet", "a letter"}
CASES = {name: json.dumps(one).encode() for name, one in FOREIGN.items()} | {k: v.encode() for k, v in TEXTS.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_tool_without_a_reader_is_refused_and_named_or_else_those_with_one_are(name):
    with pytest.raises(ReadingError, match="no reader knows this file") as caught:
        readers.read(CASES[name], observed_at="2026-01-02")
    said = str(caught.value)
    assert ("it looks like " in said) == (name not in NOBODY_S)
    assert name not in NOBODY_S or all(one in said for one in readers.READERS)


@pytest.mark.parametrize("tool", MINE)
@pytest.mark.parametrize("name", CASES)
def test_no_reader_takes_a_foreign_file_even_if_told_to(tool, name):
    with contextlib.suppress(ReadingError):
        assert not readers.read(CASES[name], tool=tool, observed_at="2026-01-02").observations


@cache
def sample(name):
    files = list((OWN / name).iterdir())
    # Where a table or lines were cut between two of them, nothing shows it: prefer another format.
    whole = [one for one in files if not {".csv", ".jsonl"} & set(one.suffixes)]
    return plain(min(whole or files, key=lambda one: one.stat().st_size))


@pytest.mark.parametrize("tool", MINE)
def test_a_file_cut_short_is_an_error_or_proves_less(tool):
    data = sample(tool)
    whole = {one.signal for one in readers.read(data, tool=tool, observed_at="2026-01-02").observations}
    for part in range(1, 8):
        with contextlib.suppress(ReadingError):
            found = readers.read(data[: len(data) * part // 8], tool=tool, observed_at="2026-01-02")
            assert {one.signal for one in found.observations} <= whole


TOKENS = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'"x"',
    b"-1",
    b"1e999",
    b"9" * 40,
    b'"\\ud800"',
    b"[" * 99,
    b"\x00",
    b"\xff",
    b'"',
    b"",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MINE), st.data())
def test_garbled_files_read_or_raise_one_error(tool, data):
    whole = sample(tool)[:30_000]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, max(0, len(whole) - 1)))
        length = data.draw(st.integers(0, 30))
        whole = whole[:start] + data.draw(st.sampled_from(TOKENS)) + whole[start + length :]
    with contextlib.suppress(ReadingError):
        json.dumps(readers.read(whole, tool=tool, observed_at="2026-01-02").to_dict())


@pytest.mark.parametrize("tool", [*MINE, "scubagear", "nessus"])
@pytest.mark.parametrize(
    "data", [bytes(4000), b"\x00\x00\xfe\xff" + bytes(4000), b"\xff\xfea"], ids=["zeros", "utf-32", "cut"]
)
def test_text_in_no_encoding_is_one_error(tool, data):
    with pytest.raises(ReadingError):
        readers.read(data, tool=tool, observed_at="2026-01-02")


NEIGHBOURS = {
    '<?xml version="1.0"?><NessusClientData><Report/></NessusClientData>': "version 2",
    "<WAS_SCAN_REPORT><HEADER/></WAS_SCAN_REPORT>": "vulnerability management",
    '{"bomFormat": "CycloneDX", "metadata": {"tools": [{"name": "trivy"}]}}': "CycloneDX",
    '{"spdxVersion": "SPDX-2.2"}': "SPDX",
    '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy"}}}]}': "SARIF",
    '{"kind": "VulnerabilityReport", "report": {"vulnerabilities": [{"vulnerabilityID": "CVE-2021-1"}]}}': "trivy k8s",
}


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_other_files_of_the_same_tools_are_named(text):
    with pytest.raises(ReadingError, match="no reader knows this file") as caught:
        readers.read(text.encode())
    assert NEIGHBOURS[text] in str(caught.value)
