"""How the service takes requests and tells them apart: media types, repeated fields, ids, log, health and readiness."""

import json
import logging
import re
import threading

import pytest
from fastapi.testclient import TestClient

import cyberscore
from bodies import ASKED
from cyberscore import CoverageError, Profile, ProfileError
from cyberscore.app import LARGEST_BODY, create_app

BODY = json.dumps(ASKED).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=UTF-8", "application/vnd.firm+json"])
def test_a_body_that_is_said_to_be_json_is_read(client, media):
    assert client.post("/posture", content=BODY, headers={"Content-Type": media}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/quote", "/path"])
def test_a_body_that_is_not_said_to_be_json_is_415(client, path, headers):
    answer = client.post(path, content=BODY, headers=headers)
    assert answer.status_code == 415
    assert "send" in answer.json()["detail"]


REPEATED = {
    "at the top": (b'"as_of"', b'"as_of": "2026-01-01", "as_of"'),
    "in the insured": (b'"naics"', b'"naics": "541110", "naics"'),
    "in an observation": (b'"signal"', b'"value": 0.1, "value": 0.2, "signal"'),
    "with the same value": (b'"country": "US"', b'"country": "US", "country": "US"'),
    "in another spelling": (b'"naics"', b'"n\\u0061ics": "541110", "naics"'),
}


@pytest.mark.parametrize("case", REPEATED)
def test_a_repeated_field_is_refused_as_by_the_library(client, case):
    body = BODY.replace(*REPEATED[case], 1)
    assert len(body) > len(BODY)
    answer = client.post("/quote", content=body, headers=JSON)
    assert answer.status_code == 422
    with pytest.raises(ProfileError) as caught:
        Profile.from_json(body)
    assert [item["msg"] for item in answer.json()["detail"]] == [str(caught.value).replace("profile: ", "body: ")]


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_health_and_readiness_answer_get_and_head(client, path):
    got, head = client.get(path), client.head(path)
    assert (got.status_code, head.status_code) == (200, 200)
    assert got.json()["plan_id"] == cyberscore.load_plan().plan_id
    assert not head.content
    assert head.headers["content-length"] == got.headers["content-length"]


def test_readiness_is_that_the_plan_quotes(client, monkeypatch):
    quoted = []
    real = cyberscore.quote
    monkeypatch.setattr("cyberscore.app.service.quote", lambda *given, **more: quoted.append(real(*given, **more)))
    assert client.get("/ready").status_code == 200
    assert quoted[0].indicative_premium > 0

    def refuse(*_, **__):
        raise CoverageError("no such layer")

    monkeypatch.setattr("cyberscore.app.service.quote", refuse)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the plan does not quote: no such layer"
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("given", ["a", "6f1c-7.Z_", "x" * 64])
def test_a_sane_request_id_is_told_back(client, given):
    assert client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<b>", "a,b", "\xe4", '"'])
def test_any_other_request_id_is_replaced(client, given):
    headers = [(b"X-Request-ID", given.encode("latin-1"))]
    found = client.get("/health", headers=headers).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", found)


def test_of_two_request_ids_none_is_taken(client):
    found = client.get("/health", headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")])
    assert found.headers.get_list("x-request-id") != ["a", "b"]
    assert re.fullmatch("[0-9a-f]{32}", found.headers["x-request-id"])


REQUESTS = {
    "quoted": (200, "POST", "/quote", BODY, JSON),
    "a page": (200, "POST", "/report", BODY, JSON),
    "refused": (422, "POST", "/quote", b"{}", JSON),
    "refused by the engine": (422, "POST", "/quote", BODY.replace(b'"2026-11-23"}', b'"1999-01-01"}'), JSON),
    "no JSON": (422, "POST", "/quote", b"{", JSON),
    "of another media type": (415, "POST", "/quote", BODY, {}),
    "too large": (413, "POST", "/quote", b" " * (LARGEST_BODY + 1), JSON),
    "of no such path": (404, "GET", "/Jane%20Doe%0d%0aforged?name=Jane", None, {}),
    "of no such method": (405, "GET", "/quote", None, {}),
    "failed": (500, "POST", "/next", BODY, JSON),
}


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("given", ["mine-1", None])
def test_every_answer_and_its_line_in_the_log_bear_the_request_id(client, kind, given, monkeypatch, caplog):
    monkeypatch.setattr("cyberscore.app.service.next_evidence", lambda *_, **__: 1 / 0)
    status, method, path, body, headers = REQUESTS[kind]
    with caplog.at_level(logging.INFO, logger="cyberscore.app"):
        answer = client.request(
            method, path, content=body, headers={**headers, **({"X-Request-ID": given} if given else {})}
        )
    assert answer.status_code == status
    (found,) = answer.headers.get_list("x-request-id")
    assert found == given or (given is None and re.fullmatch("[0-9a-f]{32}", found))
    if status >= 400:
        assert answer.json()["request_id"] == found
        assert answer.json()["detail"]
    (line,) = [record.getMessage() for record in caplog.records if record.name == "cyberscore.app"]
    known = "(unknown path)" if status == 404 else path
    assert re.fullmatch(rf"{method} {re.escape(known)} {status} \d+ ms {found}", line)


def test_the_log_holds_nothing_of_a_body_or_of_who_asks(client, caplog):
    name = ASKED["profile"]["insured"]["name"]
    with caplog.at_level(logging.INFO, logger="cyberscore.app"):
        for body in (BODY, BODY.replace(b'"US"', b'"UK"')):
            client.post("/quote", params={"who": name}, content=body, headers=JSON)
    lines = [record.getMessage() for record in caplog.records if record.name == "cyberscore.app"]
    assert len(lines) == 2
    for line in lines:
        assert not any(word in line for word in (name, "testclient", "who", "UK"))


def test_bodies_are_worked_on_off_the_event_loop(client, monkeypatch):
    """The thread that answers `/health` is the event loop's; none of a body is looked at there."""
    threads = {}
    for place in ("app.transport.parse_json", "profile.evidence.signal", "app.service.quote"):
        name, _, function = place.rpartition(".")
        real = getattr(__import__(f"cyberscore.{name}", fromlist=[function]), function)

        def noted(*given, real=real, place=place, **more):
            threads.setdefault(place, set()).add(threading.current_thread())
            return real(*given, **more)

        monkeypatch.setattr(f"cyberscore.{place}", noted)
    on_the_loop = []

    def note_thread(_):
        on_the_loop.append(threading.current_thread())
        return "a"

    monkeypatch.setattr("cyberscore.app.transport._id_of", note_thread)
    assert client.post("/quote", content=BODY, headers=JSON).status_code == 200
    (loop,) = on_the_loop
    assert len(threads) == 3
    assert all(loop not in found for found in threads.values())


def test_the_openapi_tells_refusals(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/quote", "/report", "/posture", "/next", "/what-if", "/path"):
        assert {"200", "413", "415", "422"} <= set(paths[path]["post"]["responses"])
    assert "503" in paths["/ready"]["get"]["responses"]
    assert "head" not in paths["/health"]
