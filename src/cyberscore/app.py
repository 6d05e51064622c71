"""An HTTP service in FastAPI over the library, to run or to copy from: ``uvicorn --factory cyberscore.app:create_app``.

Needs the extra `app`. The plan is read once when the app is made and handed to every call; nothing else is kept, so
that requests may run in as many threads and processes as there are. The date of a quote is part of the request: the
same request has the same answer on any day.
"""

import json
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from cyberscore.examples import example_text
from cyberscore.exceptions import CyberscoreError, MissingExtraError
from cyberscore.profile import Observation, Profile, posture_at
from cyberscore.profile.moments import Day
from cyberscore.quoting import Quote, next_evidence, path_to, quote, what_if
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.taxes import TaxStatus
from cyberscore.report import render_report

try:
    from fastapi import Depends, FastAPI, HTTPException, Request, Response
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import HTMLResponse
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
except ImportError as error:
    raise MissingExtraError('cyberscore.app needs FastAPI: pip install "cyberscore[app]"') from error

AsOf = Annotated[Day, Field(description="Date of the answer; no observation may be later.")]
Rate = Annotated[
    float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True, description="USD for one unit of the currency.")
]
LARGEST_BODY = 10_000_000
"""Bytes of a request's body, at most: some 50,000 observations (judgement)."""
MOST_CHANGES = 1_000
"""Values that the changes of one request may give, in all (judgement)."""
Language = Literal["en", "zh"]
Cost = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]


def _shown(**more: Any) -> ConfigDict:
    """Return the settings of a request, with one that works as example in the OpenAPI."""
    example = {"profile": json.loads(example_text("dental_clinic")), "as_of": "2026-11-23", **more}
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [example]})


class PostureRequest(BaseModel):
    """A profile and a date."""

    model_config = _shown()

    profile: Profile
    as_of: AsOf


class CoverRequest(PostureRequest):
    """A profile, the cover asked for, and a date."""

    model_config = _shown(coverage={"aggregate_limit": 1_000_000, "retention": 10_000})

    coverage: Annotated[
        Coverage | None, Field(description="What is asked for; default the usual cover in the insured's currency.")
    ] = None
    exchange_rate: Rate | None = None
    exchange_rate_is_meant: Annotated[
        StrictBool, Field(description="Whether a rate that is far from the plan's is meant; else it is refused.")
    ] = False


class QuoteRequest(CoverRequest):
    """A request for a quote, and other covers to price beside it."""

    model_config = _shown(coverage={"retention": 10_000}, options=[{"retention": 25_000}, {"retention": 50_000}])

    options: Annotated[list[Coverage], Field(max_length=100)] = Field(default_factory=list)


class ReportRequest(QuoteRequest):
    """A request for a quote as a page, in English or Simplified Chinese."""

    model_config = _shown(language="zh")

    language: Language = "en"


class NextRequest(CoverRequest):
    """A request for what to ask next, in English or Simplified Chinese."""

    model_config = _shown(language="en")

    language: Language = "en"


class WhatIfRequest(CoverRequest):
    """A request for a quote, and changes made in their order: observations, or names with new values."""

    model_config = _shown(changes=[{"mfa_email_coverage": 1.0}, {"retention": 25_000}])

    changes: Annotated[list[Observation | dict[str, Any]], Field(max_length=MOST_CHANGES)]

    @field_validator("changes")
    @classmethod
    def _few(cls, changes: list[Observation | dict[str, Any]]) -> list[Observation | dict[str, Any]]:
        values = sum(len(change) if isinstance(change, dict) else 1 for change in changes)
        if values > MOST_CHANGES:
            raise ValueError(f"changes may give {MOST_CHANGES:,} values in all; got {values:,}: leave out those undone")
        return changes


class PathRequest(CoverRequest):
    """A request for a quote, a target (``band:B``, ``premium:1200``, ``no-referral``) and, maybe, costs of fixes."""

    model_config = _shown(target="band:A", costs={"payment_verification": 800, "mdr_24x7": 9_000})

    target: Annotated[str, Field(max_length=100)]
    costs: Annotated[dict[str, Cost], Field(max_length=1_000)] | None = None


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


class Unreadable(BaseModel):
    """That a body is not JSON, or too large."""

    detail: str


class Problems(BaseModel):
    """Everything that is wrong with a request."""

    detail: list[Problem]


def create_app(plan: RatingPlan | None = None) -> FastAPI:
    """Make the service.

    Parameters
    ----------
    plan : RatingPlan, optional
        Default the shipped plan, read here and once.

    Returns
    -------
    FastAPI
        `/quote`, `/report`, `/posture`, `/next`, `/what-if`, `/path`, `/health`, and their OpenAPI at `/openapi.json`.
        A request that makes no sense is answered with 422 and everything that is wrong with it, one of more than
        `LARGEST_BODY` bytes with 413.
    """
    own = load_plan() if plan is None else plan
    app = FastAPI(
        title="cyberscore",
        version=version("cyberscore"),
        summary="Underwrite the cyber risk of small and medium enterprises. Indicative, not an offer of cover.",
        dependencies=[Depends(_refuse_query)],
        responses={
            400: {"model": Unreadable, "description": "The body is not JSON"},
            413: {"model": Unreadable, "description": "The body is too large"},
            422: {"model": Problems, "description": "The request makes no sense"},
        },
    )

    app.add_middleware(_Bounded)

    @app.exception_handler(CyberscoreError)
    def _refuse(_: Request, error: CyberscoreError) -> Response:
        lines = [Problem(loc=["body"], msg=line, type=type(error).__name__) for line in str(error).splitlines()]
        return _json(Problems(detail=lines).model_dump(), status=422)

    @app.exception_handler(RequestValidationError)
    def _refuse_body(_: Request, error: RequestValidationError) -> Response:
        # pydantic's own account, without what it cannot write as JSON: the errors themselves and NaN
        lines = [
            Problem(loc=list(one["loc"]), msg=str(one["msg"]).removeprefix("Value error, "), type=str(one["type"]))
            for one in error.errors()
        ]
        return _json(Problems(detail=lines).model_dump(), status=422)

    @app.post("/quote", response_model=QuoteAnswer)
    def _quote(asked: QuoteRequest) -> Response:
        """Score, premium, decision, reasons, ledger and improvements."""
        return _json(_quoted(asked, own).to_dict())

    @app.post("/report", response_class=HTMLResponse)
    def _report(asked: ReportRequest) -> Response:
        """Quote as one HTML page to read, print or hand over."""
        return HTMLResponse(render_report(asked.profile, _quoted(asked, own), plan=own, lang=asked.language))

    @app.post("/next", response_model=NextAnswer)
    def _next(asked: NextRequest) -> Response:
        """Tell what to ask next, in plain words, and what knowing it is worth."""
        found = next_evidence(
            asked.profile,
            own,
            asked.coverage,
            as_of=asked.as_of,
            exchange_rate=asked.exchange_rate,
            exchange_rate_is_meant=asked.exchange_rate_is_meant,
            language=asked.language,
        )
        return _json(found.to_dict())

    @app.post("/posture", response_model=PostureAnswer)
    def _posture(asked: PostureRequest) -> Response:
        """Tell what the evidence says of every signal at a date."""
        return _json({"as_of": asked.as_of.isoformat(), "signals": _signals(asked)})

    @app.post("/what-if", response_model=WhatIfAnswer)
    def _what_if(asked: WhatIfRequest) -> Response:
        """Quote before and after changes, and what differs."""
        found = what_if(
            asked.profile,
            asked.changes,
            asked.coverage,
            as_of=asked.as_of,
            plan=own,
            exchange_rate=asked.exchange_rate,
            exchange_rate_is_meant=asked.exchange_rate_is_meant,
        )
        return _json(found.to_dict())

    @app.post("/path", response_model=PathAnswer)
    def _path(asked: PathRequest) -> Response:
        """Find the smallest or cheapest set of fixes that reaches a target."""
        found = path_to(
            asked.profile,
            asked.target,
            asked.coverage,
            as_of=asked.as_of,
            costs=asked.costs,
            plan=own,
            exchange_rate=asked.exchange_rate,
            exchange_rate_is_meant=asked.exchange_rate_is_meant,
        )
        return _json(found.to_dict())

    @app.get("/health", response_model=Health)
    def _health() -> Response:
        """Tell that the service runs, and with which plan."""
        return _json({"status": "ok", "plan_id": own.plan_id, "library_version": version("cyberscore")})

    return app


async def _refuse_query(request: Request) -> None:
    """Refuse query parameters beside a body: everything is asked for there, and nothing would read them."""
    if request.method != "GET" and request.query_params:
        name = next(iter(request.query_params))
        problem = {
            "loc": ("query", name),
            "msg": "no query parameter is known: put what you ask for into the JSON body",
            "type": "extra_forbidden",
        }
        raise RequestValidationError([problem])


def _quoted(asked: QuoteRequest, plan: RatingPlan) -> Quote:
    return quote(
        asked.profile,
        asked.coverage,
        as_of=asked.as_of,
        plan=plan,
        exchange_rate=asked.exchange_rate,
        exchange_rate_is_meant=asked.exchange_rate_is_meant,
        options=asked.options,
    )


class _Bounded:
    """Refuse bodies larger than `LARGEST_BODY`, whether their length is told or not, before they are kept or read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:
                raise HTTPException(413, f"the body has more than {LARGEST_BODY:,} bytes: send less at a time")
            return message

        await self.app(scope, bounded if scope["type"] == "http" else receive, send)


def _signals(asked: PostureRequest) -> Sequence[dict[str, Any]]:
    return [
        {
            "signal": state.signal.name,
            "status": state.status,
            "value": state.value,
            "weight": state.weight,
            "age_days": state.age_days,
            "source": None if state.observation is None else state.observation.observation.source,
            "contradicted": state.contradicted,
        }
        for state in posture_at(asked.profile, asked.as_of)
    ]


def _json(content: Any, *, status: int = 200) -> Response:
    """Answer in JSON; ASCII, so that any text a caller sent can be told back."""
    return Response(json.dumps(content, allow_nan=False), status_code=status, media_type="application/json")
