"""The service's endpoints: `create_app` makes it.

The plan is read once when the service is made and handed to every call; nothing else is kept, so that requests may run
in as many threads and processes as there are. The date of a quote is part of the request: the same request has the same
answer on any day.
"""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from cyberscore.app.answers import (
    Health,
    NextAnswer,
    PathAnswer,
    PostureAnswer,
    Problems,
    QuoteAnswer,
    Refusal,
    WhatIfAnswer,
)
from cyberscore.app.requests import (
    NextRequest,
    PathRequest,
    PostureRequest,
    QuoteRequest,
    ReportRequest,
    WhatIfRequest,
)
from cyberscore.app.transport import add_transport, as_json
from cyberscore.examples import example
from cyberscore.exceptions import CyberscoreError
from cyberscore.profile import posture_at
from cyberscore.quoting import Quote, next_evidence, path_to, quote, what_if
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.report import render_report

EXAMPLE, EXAMPLE_DAY = example("dental_clinic"), date(2026, 11, 23)


def create_app(plan: RatingPlan | None = None) -> FastAPI:
    """Make the service.

    Parameters
    ----------
    plan : RatingPlan, optional
        Default the shipped plan, read here and once.

    Returns
    -------
    FastAPI
        `/quote`, `/report`, `/posture`, `/next`, `/what-if`, `/path`, `/health`, `/ready`, and their OpenAPI at
        `/openapi.json`. A request that makes no sense is answered with 422 and what is wrong with it, the first 50
        problems in full and the others as a number; one of more than `LARGEST_BODY` bytes with 413, and one whose body
        is not said to be JSON with 415. Every answer bears the header X-Request-ID.
    """
    own = load_plan() if plan is None else plan
    library_version = version("cyberscore")
    known = {"plan_id": own.plan_id, "library_version": library_version}
    app = FastAPI(
        title="cyberscore",
        version=library_version,
        summary="Underwrite the cyber risk of small and medium enterprises. Indicative, not an offer of cover.",
        responses={
            413: {"model": Refusal, "description": "The body is too large"},
            415: {"model": Refusal, "description": "The body is not JSON in UTF-8"},
            422: {"model": Problems, "description": "The request makes no sense"},
        },
    )
    add_transport(app)

    @app.post("/quote", response_model=QuoteAnswer)
    def _quote(asked: QuoteRequest) -> Response:
        """Score, premium, decision, reasons, ledger and improvements."""
        return as_json(_quoted(asked, own).to_dict())

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
        return as_json(found.to_dict())

    @app.post("/posture", response_model=PostureAnswer)
    def _posture(asked: PostureRequest) -> Response:
        """Tell what the evidence says of every signal at a date."""
        return as_json({"as_of": asked.as_of.isoformat(), "signals": _signals(asked)})

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
        return as_json(found.to_dict())

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
        return as_json(found.to_dict())

    @app.head("/health", include_in_schema=False)
    @app.get("/health", response_model=Health)
    async def _health() -> Response:
        """Tell that the service runs, and with which plan; on the event loop, so that no other request delays it."""
        return as_json({"status": "ok", **known})

    @app.head("/ready", include_in_schema=False)
    @app.get("/ready", response_model=Health, responses={503: {"model": Refusal, "description": "It cannot quote"}})
    def _ready() -> Response:
        """Tell that the plan is loaded and quotes: an example is quoted for it."""
        try:
            quote(EXAMPLE, as_of=EXAMPLE_DAY, plan=own)
        except CyberscoreError as error:
            raise HTTPException(503, f"the plan does not quote: {error}") from error
        return as_json({"status": "ready", **known})

    app.openapi()  # made once and here, not on the event loop when it is first asked for
    return app


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
