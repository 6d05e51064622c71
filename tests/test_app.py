"""The service: answers are the library's own, errors say what is wrong, threads do not disturb each other."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from fastapi.testclient import TestClient

import cyberscore
from cyberscore import Coverage, Profile
from cyberscore.app import LARGEST_BODY, create_app
from cyberscore.examples import example_text
from cyberscore.rating.library import models_folder
from cyberscore.report import render_report

AS_OF = date(2026, 11, 23)
ASKED = {"profile": json.loads(example_text("dental_clinic")), "as_of": "2026-11-23"}
CLINIC = cyberscore.example("dental_clinic")


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), raise_server_exceptions=True) as made:
        yield made


def plain(answer):
    return json.loads(json.dumps(answer.to_dict()))


def test_answers_are_those_of_the_library(client):
    cover = {"aggregate_limit": 500_000, "retention": 25_000}
    got = client.post("/quote", json={**ASKED, "coverage": cover})
    assert got.status_code == 200
    assert got.json() == plain(cyberscore.quote(CLINIC, Coverage.from_dict(cover), as_of=AS_OF))
    changes = [{"mfa_email_coverage": 1.0}, CLINIC.to_dict()["observations"][0], {"retention": 25_000}]
    got = client.post("/what-if", json={**ASKED, "changes": changes})
    assert got.json() == plain(cyberscore.what_if(CLINIC, changes, as_of=AS_OF))
    costs = {"payment_verification": 800, "mdr_24x7": 9_000}
    for priced in (None, costs):
        got = client.post("/path", json={**ASKED, "target": "band:A", "costs": priced})
        assert got.json() == plain(cyberscore.path_to(CLINIC, "band:A", as_of=AS_OF, costs=priced))
    found = client.post("/next", json={**ASKED, "coverage": cover})
    assert found.json() == plain(cyberscore.next_evidence(CLINIC, None, Coverage.from_dict(cover), as_of=AS_OF))
    found = client.post("/next", json={**ASKED, "language": "zh"})
    assert found.json() == plain(cyberscore.next_evidence(CLINIC, None, as_of=AS_OF, language="zh"))
    options = [{"retention": 25_000}, {"retention": 50_000}]
    expected = cyberscore.quote(CLINIC, as_of=AS_OF, options=map(Coverage.from_dict, options))
    assert client.post("/quote", json={**ASKED, "options": options}).json() == plain(expected)
    for language in ("en", "zh"):
        got = client.post("/report", json={**ASKED, "options": options, "language": language})
        assert got.headers["content-type"] == "text/html; charset=utf-8"
        assert got.text == render_report(CLINIC, expected, lang=language)
    found = client.post("/posture", json=ASKED).json()["signals"]
    posture = cyberscore.posture_at(CLINIC, AS_OF)
    assert [(one["signal"], one["status"], one["value"]) for one in found] == [
        (state.signal.name, state.status, state.value) for state in posture
    ]
    assert client.get("/health").json()["plan_id"] == cyberscore.load_plan().plan_id


@pytest.mark.parametrize(
    ("path", "change", "where", "said"),
    [
        ("/quote", {"as_of": "2020-01-01"}, ["body"], "after as_of 2020-01-01"),
        ("/quote", {"as_of": 0}, ["body", "as_of"], "ISO 8601"),
        ("/quote", {"as_of": None}, ["body", "as_of"], "date"),
        ("/quote", {"coverage": {"retention": 2e6}}, ["body", "coverage", "retention"], "between 500"),
        ("/quote", {"exchange_rate": "1"}, ["body", "exchange_rate"], "number"),
        ("/quote", {"exchange_rate": 2.0}, ["body"], "exchange_rate is USD for one USD"),
        ("/quote", {"exchange_rate_is_meant": True}, ["body"], "exchange_rate_is_meant is about exchange_rate"),
        ("/quote", {"exchange_rate_is_meant": 1}, ["body", "exchange_rate_is_meant"], "boolean"),
        ("/quote", {"coverage": {"coinsurance": {"extortion": 0.2}}}, ["body", "coverage", "coinsurance"], "write 20"),
        ("/quote", {"coverage": {"expiring_premium": 1}}, ["body"], "cannot be last year's premium"),
        (
            "/quote",
            {"profile": {"insured": {"naics": "541110", "country": "US", "annual_revenue": 0}}},
            ["body", "profile", "insured", "annual_revenue"],
            "the projected revenue of its first 12 months",
        ),
        ("/path", {"target": "premium:1.200"}, ["body"], "may be 1200 or 1.2"),
        ("/quote", {"colour": 1}, ["body", "colour"], "Extra inputs"),
        ("/quote", {"profile": {"insured": {"naics": "1"}}}, ["body", "profile", "insured", "country"], "required"),
        ("/what-if", {"changes": [{"mfa_emial_coverage": 1}]}, ["body"], "did you mean 'mfa_email_coverage'"),
        ("/what-if", {"changes": [{"mfa_email_coverage": 94}]}, ["body"], "did you mean 0.94"),
        ("/what-if", {"changes": [{"mfa_email_coverage": "\ud800"}]}, ["body"], "mfa_email_coverage"),
        ("/what-if", {"changes": [{f"x{k}": 1 for k in range(501)}] * 2}, ["body", "changes"], "got 1,002"),
        ("/path", {"target": "band:Z"}, ["body"], "a band is one of"),
        ("/path", {"target": "band:B", "costs": {"mail_platform": 3}}, ["body"], "no target"),
    ],
)
def test_what_makes_no_sense_is_422_and_says_so(client, path, change, where, said):
    body = json.dumps({**ASKED, **change})  # ASCII: half of a surrogate pair can be told, and told back
    got = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert got.status_code == 422
    found = [one for one in got.json()["detail"] if said in one["msg"]]
    assert found, got.json()
    assert found[0]["loc"][: len(where)] == where


@pytest.mark.parametrize("currency", ["JPY", "EUR", "CAD"])
def test_a_currency_alone_is_quoted_at_its_usual_cover_and_a_path_reaches_a_premium_in_it(client, currency):
    insured = {"naics": "541110", "country": "DE", "annual_revenue": 4e8, "currency": currency}
    asked = {"profile": {"insured": insured}, "as_of": "2026-11-23", "coverage": {"currency": currency}}
    answer = client.post("/quote", json=asked)
    assert answer.status_code == 200
    profile, cover = Profile.from_dict(asked["profile"]), Coverage(currency=currency)
    assert answer.json() == plain(cyberscore.quote(profile, cover, as_of=AS_OF))
    premium = answer.json()["indicative_premium"]
    path = client.post("/path", json={**asked, "target": f"premium:{premium}"}).json()
    assert (path["target"], path["currency"]) == (
        f"premium of at most {premium:,.{0 if currency == 'JPY' else 2}f} {currency}",
        currency,
    )
    assert path["reached"]


def test_a_currency_without_a_usual_cover_is_422_and_says_what_to_give(client):
    insured = {"naics": "541110", "country": "ET", "annual_revenue": 4e8, "currency": "ETB"}
    asked = {"profile": {"insured": insured}, "as_of": "2026-11-23", "coverage": {"currency": "ETB"}}
    refused = client.post("/quote", json=asked)
    assert refused.status_code == 422
    assert "give aggregate_limit and retention in ETB" in refused.text


def test_every_place_that_is_wrong_is_named(client):
    wrong = json.loads(json.dumps(ASKED))
    wrong["profile"]["insured"] |= {"country": "UK", "annual_revenue": -1}
    wrong["profile"]["observations"][0]["source"] = "hearsay"
    found = [one["loc"] for one in client.post("/quote", json=wrong).json()["detail"]]
    assert ["body", "profile", "insured", "country"] in found
    assert ["body", "profile", "insured", "annual_revenue"] in found
    assert ["body", "profile", "observations", 0, "source"] in found


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"1" * 5_000])
def test_what_is_no_json_is_400_or_422(client, body):
    got = client.post("/quote", content=body, headers={"Content-Type": "application/json"})
    assert got.status_code in {400, 422}
    assert got.json()["detail"]


@pytest.mark.parametrize("told", [True, False])
def test_what_is_too_large_is_413(client, told):
    """Whether the length is told in the head or not; nothing larger is kept."""
    body = json.dumps(ASKED).encode()
    whole = body + b" " * (LARGEST_BODY - len(body))
    head = {"Content-Type": "application/json"}
    assert client.post("/quote", content=whole, headers=head).status_code == 200
    larger = whole + b" "
    pieces = larger if told else (larger[k : k + 65_536] for k in range(0, len(larger), 65_536))
    got = client.post("/quote", content=pieces, headers=head)
    assert got.status_code == 413
    assert f"{LARGEST_BODY:,} bytes" in got.json()["detail"]


def test_nan_and_infinity_are_refused(client):
    for change in ('"exchange_rate": NaN', '"coverage": {"retention": Infinity}'):
        body = json.dumps(ASKED)[:-1] + f", {change}}}"
        got = client.post("/quote", content=body, headers={"Content-Type": "application/json"})
        assert got.status_code == 422


def test_the_openapi_is_made_of_our_models(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert set(Profile.model_fields) == set(schemas["Profile"]["properties"])
    assert set(Coverage.model_fields) == set(schemas["Coverage"]["properties"])
    assert schemas["Observation"]["properties"]["signal"]["enum"] == list(cyberscore.signals())
    assert "GB" in schemas["Insured"]["properties"]["country"]["enum"]
    paths = {"Quote": "/quote", "Report": "/report", "Next": "/next", "WhatIf": "/what-if", "Path": "/path"}
    for name, path in paths.items():
        for example in schemas[f"{name}Request"]["examples"]:
            assert client.post(path, json=example).status_code == 200


def test_the_plan_is_the_one_handed_over(tmp_path):
    folder = tmp_path / "mine"
    cyberscore.load_plan().save(folder)
    own = cyberscore.RatingPlan.load(folder)
    with TestClient(create_app(own)) as client:
        folder.joinpath("plan.json").write_text("{}", encoding="utf-8")  # it is not read again
        assert client.get("/health").json()["plan_id"] == own.plan_id
        assert client.post("/quote", json=ASKED).json()["plan_id"] == own.plan_id
    assert (models_folder() / "sme-2026" / "plan.json").is_file()


def some_inputs(n):
    """Make different firms and covers, plain, so that each thread builds its own."""
    rng = random.Random(7)  # noqa: S311  no secret
    found = []
    for k in range(n):
        data = json.loads(example_text(cyberscore.example_names()[k % 4]))
        data["observations"] = rng.sample(data["observations"], k=len(data["observations"]) // 2)
        data["insured"]["annual_revenue"] = 1e5 * (k + 1)
        found.append((data, {"aggregate_limit": rng.choice((5e5, 1e6, 3e6)), "retention": rng.choice((1e4, 5e4))}))
    return found


@pytest.mark.parametrize("n", [120, pytest.param(1_000, marks=pytest.mark.slow)])
def test_quotes_in_eight_threads_equal_the_serial_ones(n):
    inputs = some_inputs(40)
    shared = [Profile.from_dict(data) for data, _ in inputs]
    plan = cyberscore.RatingPlan.load(models_folder() / "sme-2026")  # nothing of it was worked out before

    def run(k):
        data, cover = inputs[k % 40]
        # half of them work on the same profile at the same time, half on a profile of their own
        profile = shared[k % 40] if k % 80 < 40 else Profile.from_dict(data)
        return cyberscore.quote(profile, Coverage.from_dict(cover), as_of=AS_OF, plan=plan).to_json()

    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(run, range(n)))
    serial = [run(k) for k in range(40)]
    assert len(set(serial)) == 40
    assert threaded == [serial[k % 40] for k in range(n)]


def test_the_service_in_eight_threads_answers_as_alone(client):
    inputs = [{"profile": data, "coverage": cover, "as_of": "2026-11-23"} for data, cover in some_inputs(20)]

    def run(k):
        return client.post("/quote", json=inputs[k % 20]).json()["indicative_premium"]

    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(run, range(60)))
    assert threaded == [run(k) for k in range(20)] * 3


def test_a_query_parameter_is_refused_where_the_body_says_everything(client):
    got = client.post("/report?language=zh", json=ASKED)
    assert got.status_code == 422
    (problem,) = got.json()["detail"]
    assert problem["loc"] == ["query", "language"]
    assert "put what you ask for into the JSON body" in problem["msg"]
    assert client.get("/health?probe=1").status_code == 200


def test_a_rate_far_from_the_plans_is_refused_by_every_answer_unless_it_is_meant(client):
    asked = {"profile": cyberscore.example("law_firm").to_dict(), "as_of": AS_OF.isoformat(), "exchange_rate": 0.76}
    more = {"/what-if": {"changes": [{"mdr_24x7": 1}]}, "/path": {"target": "score:99"}}
    for path in ("/quote", "/report", "/next", "/what-if", "/path"):
        body = {**asked, **more.get(path, {})}
        refused = client.post(path, json=body)
        assert refused.status_code == 422
        assert "far from the plan's 1.31 of 2026-11-01" in refused.json()["detail"][0]["msg"]
        assert client.post(path, json={**body, "exchange_rate_is_meant": True}).status_code == 200


def test_an_answer_tells_whether_taxes_are_known(client):
    found = client.post("/quote", json={**ASKED, "as_of": AS_OF.isoformat()}).json()
    assert (found["taxes"], found["tax_status"]) == ({}, "none_due")
