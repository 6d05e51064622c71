"""The perils that are rated, the coverage parts that pay for them, and the retention at which frequency is stated."""

PERILS = ("ransomware", "funds_transfer_fraud", "email_compromise", "data_breach", "system_outage")

PARTS = {
    "incident_response": "INRE",
    "extortion": "EXT",
    "business_interruption": "NPBI",
    "contingent_business_interruption": "CBI",
    "data_restoration": "DIAS",
    "bricking": "DIAS",
    "reputational_harm": "NPBI",
    "financial_fraud": "FIN",
    "network_and_privacy_liability": "LIAB",
    "media_liability": "LIAB",
    "regulatory": "REG",
    "payment_card": "REG",
}
"""Coverage parts, and the coverage code each has in Open Exposure Data 4.0 (CoverageValues).

A peril is what happens, a part is what is paid for: a sublimit on `extortion` limits the ransom, not the interruption.
"""

BASIS_RETENTION = 10_000.0
"""A claim is a loss above this, in USD: frequency is stated at it, severity is the excess over it (judgement)."""

COUNTRY_GROUPS = ("US", "CA", "GB", "EU", "other")
EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905  a list runs to a line a code

RECORD_BREAKPOINTS = (1e3, 1e4, 1e5, 1e6)
RECORD_LABELS = (
    "under 1,000",
    "1,000 to under 10,000",
    "10,000 to under 100,000",
    "unknown",
    "100,000 to under 1,000,000",
    "1,000,000 or more",
)
RECORD_UNKNOWN = 3


def country_group(country: str) -> str:
    """Rating group of an ISO 3166-1 alpha-2 country."""
    if country in {"US", "CA", "GB"}:
        return country
    return "EU" if country in EU else "other"
