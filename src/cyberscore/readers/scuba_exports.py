"""ScubaGear's other exports brought to the form of its results file: the caller is `scubagear`.

`ProviderSettingsExport.json` holds the tenant's settings and DNS records without a verdict on any policy. The CSV files
(`ScubaResults_*.csv`, `ActionPlan.csv`) hold verdicts without settings, and do not tell when the tool ran; an action
plan lists failures alone. `TestResults.json` (and `.csv`) what the policies' tests said, without date or settings;
`IndividualReports/*Report.json` the verdicts of one product.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from cyberscore.readers.base import loose_moment
from cyberscore.readers.documents import read_json, read_table
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

COLUMNS = ("Control ID", "Requirement", "Result", "Criticality")
"""What both CSV files begin with."""
_TOLD = (
    "Control ID", "Result", "Details", "OmittedEvaluationResult", "OmittedEvaluationDetails", "OriginalResult",
    "OriginalDetails",
)  # fmt: skip
"""Columns that say what was found, and what was before the tenant's own configuration overrode it."""
TEST_COLUMNS = ("PolicyId", "RequirementMet", "Criticality")
"""What test results hold; before version 1 they named policies otherwise, and are not read."""
_SETTINGS = {"conditional_access_policies", "spf_records", "dmarc_records", "dkim_config", "privileged_users"}
_POLICY = re.compile(r"\bMS\.[A-Z]+\.\d")
_MAX_ROWS = 20_000


def looks_like_settings(keys: frozenset[str] | set[str]) -> bool:
    """Whether fields are those of provider settings."""
    return "MetaData" not in keys and len(keys & _SETTINGS) >= 2


def looks_like_tests(head: Head) -> bool:
    """Whether a file holds the results of the policies' tests, or the report of one product."""
    tests = head.form == "json array" and head.has_keys(*TEST_COLUMNS)
    report = head.has_keys("ReportSummary", "Results.Controls.Control ID", "Results.GroupName")
    return tests or report or head.has_columns(*TEST_COLUMNS)


def of_google_workspace(head: Head) -> bool:
    """Whether a file's policies are those of ScubaGoggles, which writes the same columns and fields."""
    return "GWS." in head.text and _POLICY.search(head.text) is None


def load(source: Input, limit: int) -> dict[str, Any]:
    """Return an export in the form of a results file.

    Raises
    ------
    ReadingError
        When the file cannot be read as JSON, or as a table with `COLUMNS`.
    """
    head = Head.of(source, limit)
    if head.has_columns(*COLUMNS):
        return _from_table(source, limit)
    if head.has_columns(*TEST_COLUMNS):
        return _from_tests(dict(row) for row in read_table(source, limit, TEST_COLUMNS))
    if head.form == "json array" and looks_like_tests(head):
        listed = read_json(source, limit, arrays=True)
        return _from_tests({str(key).casefold(): value for key, value in one.items()}
                           for one in objects(listed, f"{name_of(source)}: the list"))  # fmt: skip
    content = read_json(source, limit)
    if "ReportSummary" in content and isinstance(content.get("Results"), list):
        return _from_report(content)
    if not looks_like_settings(set(content)):
        return content
    tenants = content.get("tenant_details")
    tenant = tenants[0] if isinstance(tenants, list) and tenants else tenants
    about = {
        "Tool": "ScubaGear",
        "ToolVersion": text_at(content, "module_version") or None,
        "TimestampZulu": text_at(content, "timestamp_zulu") or None,
        "ReportUUID": text_at(content, "report_uuid") or None,
        **{key: at(tenant, key) for key in ("TenantId", "DisplayName", "DomainName")},
    }
    return {"MetaData": about, "Results": {}, "Raw": content}


def _from_tests(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    controls = []
    for row in islice(rows, _MAX_ROWS):
        criticality = text_at(row, "criticality")
        missed = "Fail" if criticality.startswith("Shall") else "Warning"
        verdict = "Pass" if str(row.get("requirementmet")).casefold() == "true" else missed
        controls.append(
            {
                "Control ID": text_at(row, "policyid"),
                "Result": "N/A" if "/" in criticality else verdict,  # "Shall/Not-Implemented"
                "Details": text_at(row, "reportdetails"),
            }
        )
    return {"MetaData": {"Tool": "ScubaGear"}, "Results": {"Tests": [{"Controls": controls}]}}


def _from_report(content: dict[str, Any]) -> dict[str, Any]:
    told = content.get("MetaData")
    told = told[0] if isinstance(told, list) and told else told
    made = loose_moment(text_at(told, "Report Date")) or loose_moment(text_at(content, "ReportSummary", "Date"))
    about = {
        "Tool": "ScubaGear",
        "ToolVersion": text_at(told, "Module Version") or None,
        "DisplayName": text_at(told, "Tenant Display Name") or None,
        "TimestampZulu": made.isoformat() if made is not None else None,
    }
    return {"MetaData": about, "Results": {"Report": content["Results"]}}


def _from_table(source: Input, limit: int) -> dict[str, Any]:
    controls: list[dict[str, str]] = []
    for row in read_table(source, limit, COLUMNS):
        if row["control id"] and len(controls) < _MAX_ROWS:
            controls.append({name: row.get(name.casefold(), "") for name in _TOLD})
    return {"MetaData": {"Tool": "ScubaGear"}, "Results": {"CSV": [{"Controls": controls}]}}
