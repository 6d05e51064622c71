"""What the service answers, as far as it is always there: for its OpenAPI. Callers are `service` and `transport`."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cyberscore.rating.taxes import TaxStatus


class _Answer(BaseModel):
    """What is always there; there is more."""

    model_config = ConfigDict(extra="allow")


class QuoteAnswer(_Answer):
    """A quote; see `cyberscore.Quote` for the rest of it."""

    as_of: date
    plan_id: str
    risk_score: float
    band: str
    indicative_premium: float
    premium_low: float
    premium_high: float
    currency: str
    taxes: Annotated[dict[str, float], Field(description="Taxes and fees, which are not in the premium.")]
    tax_status: Annotated[TaxStatus, Field(description="What empty taxes mean: none due, or not known to the plan.")]
    expected_loss: Annotated[float, Field(description="Of a year, under the aggregate limit.")]
    by_peril: Annotated[
        dict[str, Any], Field(description="Claims and losses of a year by peril, before the aggregate limit.")
    ]
    by_part: Annotated[
        dict[str, float], Field(description="Losses of a year by coverage part, before the aggregate limit.")
    ]
    decision: str
    subjectivities: list[dict[str, Any]]
    open_questions: Annotated[list[dict[str, Any]], Field(description="What was not answered, and what to ask.")]
    reasons: list[dict[str, Any]]
    improvements: list[dict[str, Any]]
    cover_offered: dict[str, Any] | None
    warnings: list[str]
    notice: str
    disclaimers: Annotated[list[str], Field(description="What a quote does not do, whatever it decides.")]


class WhatIfAnswer(_Answer):
    """Two quotes and what differs; see `cyberscore.WhatIf`."""

    score_change: float
    premium_change: float | None
    ledger_changes: list[dict[str, Any]]
    before: QuoteAnswer
    after: QuoteAnswer


class PathAnswer(_Answer):
    """Fixes that reach a target, best first; see `cyberscore.PathToTarget`."""

    target: str
    reached: bool
    optimal: bool
    steps: list[dict[str, Any]]


class NextAnswer(_Answer):
    """Questions, the most telling first; see `cyberscore.NextEvidence`."""

    indicative_premium: float
    premium_low: float
    premium_high: float
    questions: list[dict[str, Any]]


class SignalAnswer(_Answer):
    """One signal at the date."""

    signal: str
    status: str
    value: float | str | None
    weight: float
    age_days: int | None
    source: str | None
    contradicted: bool


class PostureAnswer(_Answer):
    """All signals at a date."""

    as_of: date
    signals: list[SignalAnswer]


class Health(BaseModel):
    """That the service runs, and with which plan and version."""

    status: str
    plan_id: str
    library_version: str


class Problem(BaseModel):
    """One thing that is wrong: where, in words, and of which kind."""

    loc: list[str | int]
    msg: str
    type: str


class Refusal(BaseModel):
    """Why there is no answer, and the id of the request in the log."""

    detail: str
    request_id: str


class Problems(BaseModel):
    """What is wrong with a request, the last line counting what is not told, and the id of the request in the log."""

    detail: list[Problem]
    request_id: str
