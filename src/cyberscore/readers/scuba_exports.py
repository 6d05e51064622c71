"""ScubaGear's other exports brought to the form of its results file: the caller is `scubagear`.

`ProviderSettingsExport.json` holds the tenant's settings and DNS records without a verdict on any policy. The CSV files
(`ScubaResults_*.csv`, `ActionPlan.csv`) hold verdicts without settings, and do not tell when the tool ran; an action
plan lists failures alone.
"""

from typing import Any

from cyberscore.readers.documents import read_json, read_table
from cyberscore.readers.fields import at, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input

COLUMNS = ("Control ID", "Requirement", "Result", "Criticality")
"""What both CSV files begin with."""
_SETTINGS = {"conditional_access_policies", "spf_records", "dmarc_records", "dkim_config", "privileged_users"}
_MAX_ROWS = 20_000


def looks_like_settings(keys: frozenset[str] | set[str]) -> bool:
    """Whether fields are those of provider settings."""
    return "MetaData" not in keys and len(keys & _SETTINGS) >= 2


def load(source: Input, limit: int) -> dict[str, Any]:
    """Return an export in the form of a results file.

    Raises
    ------
    ReadingError
        When the file cannot be read as JSON, or as a table with `COLUMNS`.
    """
    if Head.of(source, limit).has_columns(*COLUMNS):
        return _from_table(source, limit)
    content = read_json(source, limit)
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


def _from_table(source: Input, limit: int) -> dict[str, Any]:
    controls: list[dict[str, str]] = []
    for row in read_table(source, limit, COLUMNS):
        if row["control id"] and len(controls) < _MAX_ROWS:
            controls.append(
                {"Control ID": row["control id"], "Result": row.get("result", ""), "Details": row.get("details", "")}
            )
    return {"MetaData": {"Tool": "ScubaGear"}, "Results": {"CSV": [{"Controls": controls}]}}
