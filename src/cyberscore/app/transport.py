"""How requests come in and answers go out: bounded, off the event loop, each with an id. The caller is `service`.

The event loop only receives and sends. A body is parsed, checked and answered in one of a few threads, so that no
request keeps the others, or `/health`, waiting.
"""

import asyncio
import inspect
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cyberscore.app.answers import Problem, Problems, Refusal
from cyberscore.app.requests import LARGEST_BODY, MOST_VALUES
from cyberscore.exceptions import LONGEST_LINE, CyberscoreError, bounded_line
from cyberscore.profile.problems import LONGEST_WORD, more_text, problems_of
from cyberscore.profile.profile import parse_json

LOG = logging.getLogger("cyberscore.app")
"""A line a request: method, path, status, milliseconds and id. No address, no query and nothing of a body."""
WORKERS = 2
"""Requests that are worked on at the same time in one process; the others wait in line. Python computes one at a time,
so that more of them would only keep the event loop waiting; more processes answer more."""
LARGEST_REFUSAL = 60_000
"""Bytes of the problems that one answer tells, at most."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class InvalidRequestError(Exception):
    """A request is not what is taken: problems in pydantic's account, their place from the body or query on."""

    def __init__(self, problems: list[Any], more: int) -> None:
        super().__init__(problems, more)
        self.problems, self.more = problems, more


class ThreadedRoute(APIRoute):
    """A route whose endpoint takes one model, `asked`: its body is read bounded, and all else happens in a thread."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what FastAPI calls with a request; an endpoint without a body is FastAPI's own affair."""
        endpoint: Any = self.endpoint
        asked = inspect.signature(endpoint).parameters.get("asked")
        if asked is None:
            return super().get_route_handler()
        model: type[BaseModel] = asked.annotation

        def answer(body: bytes) -> Response:
            content = parse_json(body, name="body", max_values=MOST_VALUES)
            try:
                request = model.model_validate(content)
            except ValidationError as error:
                problems, more = problems_of(error)
                placed = [{**item, "loc": ("body", *item["loc"])} for item in problems]
                raise InvalidRequestError(placed, more) from error
            answered: Response = endpoint(request)
            return answered

        async def handle(request: Request) -> Response:
            _check_query(request)
            _check_media_type(request)
            body = await _body_of(request)
            return await asyncio.get_running_loop().run_in_executor(request.app.state.threads, answer, body)

        return handle


def _check_query(request: Request) -> None:
    """Refuse query parameters beside a body: everything is asked for there, and nothing would read them."""
    name = next(iter(request.query_params), None)
    if name is not None:
        problem = "no query parameter is known: put what you ask for into the JSON body"
        raise InvalidRequestError([{"loc": ("query", name), "msg": problem, "type": "extra_forbidden"}], 0)


def _check_media_type(request: Request) -> None:
    """Refuse what does not say that it is JSON in UTF-8.

    Raises
    ------
    HTTPException
        415, with the header to send.
    """
    media, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charsets = {part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")}
    is_json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    if not is_json or not charsets <= {"utf-8", "utf8", "us-ascii"}:
        raise HTTPException(415, "a body of JSON in UTF-8 is wanted: send the header Content-Type: application/json")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HTTPException(415, "a compressed body is not read: send it as it is, without Content-Encoding")


async def _body_of(request: Request) -> bytes:
    """Read a body, never more than `LARGEST_BODY` bytes of it, whether its length is told or not.

    Raises
    ------
    HTTPException
        413 when it is larger, 400 when it ends too early.
    """
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise _too_large()
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection was closed before the body was whole: send it again") from error
    return bytes(body)


def _too_large() -> HTTPException:
    return HTTPException(413, f"the body has more than {LARGEST_BODY:,} bytes: send less at a time")


class Traced:
    """Give every request an id, in the answer's header and in the log: the caller's own X-Request-ID if it is sane."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        start, status = time.perf_counter(), 500

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            await send(message)

        try:
            await self.app(scope, receive, traced)
        finally:
            took = 1000.0 * (time.perf_counter() - start)
            LOG.info("%s %s %d %.0f ms %s", _method_of(scope), _path_of(scope), status, took, request_id)


def _id_of(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    sane = len(given) == 1 and _REQUEST_ID.fullmatch(given[0])
    return given[0].decode("ascii") if sane else uuid.uuid4().hex


def _method_of(scope: Scope) -> str:
    return str(scope["method"]) if scope["method"] in _METHODS else "(other)"


def _path_of(scope: Scope) -> str:
    """Path for the log: one of the service's own, since any other may hold whatever the caller wrote."""
    known = {getattr(route, "path", None) for route in scope["app"].routes}
    return str(scope["path"]) if scope["path"] in known else "(unknown path)"


def add_transport(app: FastAPI) -> None:
    """Give a service its threads, its ids and its refusals; before its routes are added."""
    app.state.threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="cyberscore")
    app.router.route_class = ThreadedRoute
    app.add_middleware(Traced)

    @app.exception_handler(CyberscoreError)
    async def _refuse(request: Request, error: CyberscoreError) -> Response:
        kind = type(error).__name__
        return _problems(request, (Problem(loc=["body"], msg=line, type=kind) for line in str(error).splitlines()))

    @app.exception_handler(InvalidRequestError)
    async def _refuse_body(request: Request, error: InvalidRequestError) -> Response:
        return _problems(request, (_problem(item) for item in error.problems), error.more)

    @app.exception_handler(AnyHTTPException)
    async def _refuse_request(request: Request, error: AnyHTTPException) -> Response:
        told = Refusal(detail=error.detail, request_id=request.state.request_id)
        return as_json(told.model_dump(), status=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def _fail(request: Request, _: Exception) -> Response:
        # Starlette answers outside of `Traced` here, and raises the error again for the server's log
        request_id = request.state.request_id
        told = Refusal(detail="the service failed: give the request_id to who runs it", request_id=request_id)
        return as_json(told.model_dump(), status=500, headers={"X-Request-ID": request_id})


def _problem(item: Any) -> Problem:
    """Return pydantic's own account, without what it cannot write as JSON: the errors themselves and NaN."""
    place = [part if isinstance(part, int) else bounded_line(part, LONGEST_WORD) for part in item["loc"]]
    message = bounded_line(item["msg"].removeprefix("Value error, "), LONGEST_LINE)
    return Problem(loc=place, msg=message, type=item["type"])


def _problems(request: Request, problems: Iterable[Problem], more: int = 0) -> Response:
    """Answer with what is wrong, in at most `LARGEST_REFUSAL` bytes, and with how much more there is."""
    told: list[Problem] = []
    size = 0
    for problem in problems:
        size += len(json.dumps(problem.model_dump())) + 2
        if size <= LARGEST_REFUSAL:
            told.append(problem)
        else:
            more += 1
    if more:
        told.append(Problem(loc=["body"], msg=f"and {more_text(more)}", type="more"))
    return as_json(Problems(detail=told, request_id=request.state.request_id).model_dump(), status=422)


def as_json(content: Any, *, status: int = 200, headers: Any = None) -> Response:
    """Answer in JSON; ASCII, so that any text a caller sent can be told back."""
    text = json.dumps(content, allow_nan=False)
    return Response(text, status_code=status, headers=headers, media_type="application/json")
