"""ScubaGear's other exports say what its results file says of the same tenant, and no more."""

import csv
import gzip
import io
import json
import sys

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import scubagear
from samples import OWN, others, plain

REAL = OWN / "scubagear" / "ScubaResults.json"
DAY = "2026-05-05"


@pytest.fixture(autouse=True, params=["own", "others"])
def _tenant(request, monkeypatch):
    """Every promise holds for a small tenant of the project's own, and for the test tenant of others."""
    if request.param == "others":
        monkeypatch.setattr(sys.modules[__name__], "REAL", others("scubagear/ScubaResults_full.json.gz"))


def real():
    return json.loads(plain(REAL).decode("utf-8-sig"))


def without_settings():
    """Verdicts alone, one of which names a domain: what a pass shows is not told without settings."""
    content = real()
    del content["Raw"]
    for control in (one for group in content["Results"]["EXO"] for one in group["Controls"]):
        if control["Control ID"].startswith("MS.EXO.4.1"):
            control |= {"Result": "Fail", "Details": "1 agency domain(s) found in violation: a.example. "}
    return content


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def table(content, *results):
    """As the tool writes ScubaResults_*.csv and ActionPlan.csv: a byte order mark, quotes, more columns."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["Control ID", "Requirement", "Result", "Criticality", "Details", "Justification"])
    for groups in content["Results"].values():
        for control in (one for group in groups for one in group["Controls"]):
            if not results or control["Result"] in results:
                writer.writerow(
                    [*(control[k] for k in ("Control ID", "Requirement", "Result", "Criticality", "Details")), " "]
                )
    return "\ufeff".encode() + text.getvalue().encode()


def test_settings_alone_hold_mail_records_but_no_verdict():
    settings = real()["Raw"]
    settings["accepted_domains"] = [{"DomainName": "x.example"}]
    for kind, text in (("spf", "v=spf1 -all"), ("dkim", "v=DKIM1; p=abc"), ("dmarc", "v=DMARC1; p=reject")):
        settings[f"{kind}_records"] = [{"domain": "x.example", "rdata": [text], "log": []}]
    settings["dkim_config"] = [{"Domain": "x.example", "Enabled": True}]
    data = json.dumps(settings).encode()
    assert readers.detect(data) == "scubagear"
    found = readers.read(data)
    assert values(found) == {"dmarc_policy": "reject", "spf_dkim_level": 2}
    assert found.tool_version == "1.8.0"
    assert found.observed_at == scubagear.read(REAL).observed_at
    assert readers.read(gzip.compress(data)).observations == found.observations


def as_tests(content):
    """As TestResults.json: what each policy's test said."""
    return [
        {
            "PolicyId": one["Control ID"], "Commandlet": ["Get-MgBetaPolicy"], "ActualValue": [],
            "Criticality": one["Criticality"], "ReportDetails": one["Details"],
            "RequirementMet": one["Result"] == "Pass",
        }
        for groups in content["Results"].values() for group in groups for one in group["Controls"]
        if one["Result"] in {"Pass", "Fail", "Warning"} or "/" in one["Criticality"]
    ]  # fmt: skip


def test_results_of_tests_and_reports_of_a_product_say_what_results_without_settings_say():
    content = without_settings()
    expected = values(scubagear.read(json.dumps(content).encode()))
    assert expected == {"dmarc_policy": "none"}
    tests = as_tests(content)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(tests[0]))
    writer.writeheader()
    writer.writerows(tests)
    for data in (json.dumps(tests).encode(), text.getvalue().encode()):
        assert readers.detect(data) == "scubagear"
        assert values(readers.read(data, observed_at=DAY)) == expected
    about = {
        "Tenant Display Name": "t",
        "Report Date": "05/15/2024 10:11:12 Pacific Standard Time",
        "Module Version": "1.2.0",
    }
    report = {"ReportSummary": {"Passes": 1}, "MetaData": about, "Results": content["Results"]["EXO"]}
    found = readers.read(json.dumps(report).encode())
    assert (found.tool_version, found.observed_at.date().isoformat()) == ("1.2.0", "2024-05-15")
    assert values(found) == expected


def test_a_table_of_results_says_what_results_without_settings_say():
    content = without_settings()
    expected = values(scubagear.read(json.dumps(content).encode()))
    data = table(content)
    assert readers.detect(data) == "scubagear"
    assert values(readers.read(data, observed_at=DAY)) == expected
    assert expected == {"dmarc_policy": "none"}


def test_an_action_plan_is_reported_and_proves_nothing():
    found = readers.read(table(real(), "Fail"), observed_at=DAY)
    assert not found.observations
    controls = (one for groups in real()["Results"].values() for group in groups for one in group["Controls"])
    failed = sum(one["Result"] == "Fail" for one in controls)
    assert sum(one.count for one in found.not_mapped) == found.scope["policies"] == failed > 0
    with pytest.raises(ReadingError, match="pass observed_at"):
        readers.read(table(real(), "Fail"))
