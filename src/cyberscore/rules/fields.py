"""Fields that rules may read besides signals: their kind, whether they may be unknown, and their value in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cyberscore.money import short
from cyberscore.profile import Signal, signals
from cyberscore.profile.bounds import LEAST, Between
from cyberscore.profile.industries import industry
from cyberscore.profile.signals import NEVER


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `type` is flag, text, list or number; `told` puts a value into words, where {} is the value.

    `bounded` tells how a number may be known by other answers alone: "from" a least, or "up_to" a most.
    """

    source: str
    name: str
    type: str
    told: str
    may_be_unknown: bool = False
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    bounded: str = ""

    @property
    def is_money(self) -> bool:
        """Whether it is an amount of USD."""
        return self.name.endswith("_usd") or self.name in {"aggregate_limit", "retention"}


FIELDS: dict[tuple[str, str], Field] = {
    (field.source, field.name): field
    for field in (
        Field("insured", "annual_revenue_usd", "number", "revenue is {}", low=1.0, high=1e12),
        Field("insured", "revenue_per_employee_usd", "number", "revenue per employee is {}", low=0.0),
        Field("insured", "employee_count", "number", "employees: {}", may_be_unknown=True, low=0, whole=True),
        Field("insured", "record_count", "number", "records: {}", may_be_unknown=True, low=0, whole=True),
        Field("insured", "active_incident", "flag", "an incident under way: {}", may_be_unknown=True),
        Field("insured", "known_circumstances", "flag", "circumstances known: {}", may_be_unknown=True),
        Field("insured", "naics", "text", "{}"),
        Field("insured", "sector", "text", "{}"),
        Field("insured", "country", "text", "country is {}"),
        Field("insured", "business_activities", "list", "activities: {}", may_be_unknown=True),
        Field("insured", "industry_activities", "list", "activities of the industry code: {}"),
        Field("insured", "undeclared_activities", "list", "activities of the industry code that are not declared: {}"),
        Field(
            "insured", "claims_36m", "number", "claims in 36 months: {}",
            may_be_unknown=True, low=0, whole=True, bounded="from",
        ),
        Field(
            "insured", "claims_12m", "number", "claims in 12 months: {}",
            may_be_unknown=True, low=0, whole=True, bounded="up_to",
        ),
        Field(
            "insured", "largest_claim_36m_usd", "number", "largest claim of 36 months is {}",
            may_be_unknown=True, low=0, bounded="from",
        ),
        Field(
            "insured", "application_age_days", "number", "days since the application was signed: {}",
            may_be_unknown=True, low=0, whole=True,
        ),
        Field("insured", "bank_details_verified", "flag", "bank details verified: {}", may_be_unknown=True),
        Field(
            "insured", "dual_approval_above_usd", "number", "transfers two persons release: above {}",
            may_be_unknown=True, low=0,
        ),
        Field("evidence", "telemetry_connections", "number", "connections sharing telemetry: {}", low=0, whole=True),
        Field("coverage", "aggregate_limit", "number", "limit is {}", low=10_000, high=10_000_000),
        Field("coverage", "retention", "number", "retention is {}", low=500, high=1_000_000),
        Field("coverage", "waiting_period_hours", "number", "waiting period is {} hours", low=1, high=72),
        Field("coverage", "renewal", "flag", "renewal: {}"),
        Field(
            "coverage", "contingency_open_days", "number", "days that a condition is open: {}", low=0, whole=True
        ),
        Field("premium", "renewal_change", "number", "{:+.1%} on the expiring premium", low=-1.0),
    )
}  # fmt: skip
RATIOS = frozenset({("insured", "revenue_per_employee_usd")})
"""Fields that rise with one size of a firm and fall with another: no price may hang on them."""
SOURCES_OF_FIELDS = ("insured", "evidence", "coverage", "premium")


def names_of(source: str) -> tuple[str, ...]:
    """Names of the fields of one source."""
    return tuple(field.name for field in FIELDS.values() if field.source == source)


def told(source: str, name: str, value: Any, money: Callable[[float], str] | None = None) -> str:
    """Value of a field or a signal in words: "revenue is 31M", "MFA on email: 12 %"; `money` tells an amount of USD."""
    if source == "signal":
        about = signals()[name]
        return f"{about.title}: {'not known' if value is None else told_value(about, value)}"
    field = FIELDS[source, name]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return f"{field.told.split(' is ', maxsplit=1)[0].split(':', maxsplit=1)[0]}: not known"
    if name == "naics":
        return f"{str(industry(value).sector).replace('_', ' ')} (NAICS {value})"
    shown = value
    if field.type == "flag":
        shown = "yes" if value else "no"
    elif isinstance(value, Between):
        shown = _told_bounds(value, (money or short) if field.is_money else short)
    elif field.type == "list":
        shown = ", ".join(value).replace("_", " ") or "none"
    elif money is not None and field.is_money:
        shown = money(value)
    elif source != "premium":
        shown = short(value) if field.type == "number" else str(value).replace("_", " ")
    return field.told.format(shown)


def _told_bounds(value: Between, write: Callable[[float], str]) -> str:
    """Say between which bounds a number lies."""
    if value.low <= LEAST:
        return "more than 0" if value.high == math.inf else f"at most {write(value.high)}"
    return f"at least {write(value.low)}" if value.high == math.inf else f"{write(value.low)} to {write(value.high)}"


def told_value(about: Signal, value: Any) -> str:
    """Value of a signal in words: yes or no, percent, days."""
    if value == math.inf:
        return NEVER
    if isinstance(value, str):
        return value.replace("_", " ")
    if about.kind == "flag":
        return "yes" if value else "no"
    return f"{round(100 * value, 2):g} %" if about.kind == "share" else f"{value:g}"
