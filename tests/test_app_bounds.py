"""The service under bad and large requests: answers are small, work is bounded, the event loop is never kept."""

import json

import pytest
from fastapi.testclient import TestClient

from bodies import ASKED, CLINIC, ENDPOINTS, SEEN, bad, costly, nonsense
from cyberscore.app import LARGEST_BODY, create_app
from cyberscore.app.requests import MOST_OF_A_PROFILE
from cyberscore.profile.problems import MOST_TOLD

JSON = {"Content-Type": "application/json"}
LARGEST_ANSWER = 64_000


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), raise_server_exceptions=True) as made:
        yield made


def refused(client, path, body):
    answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 422, answer.text[:300]
    assert len(answer.content) < LARGEST_ANSWER
    told = answer.json()["detail"]
    assert 1 <= len(told) <= MOST_TOLD + 1
    return told


@pytest.mark.parametrize("name", nonsense())
def test_nonsense_is_refused_in_few_words(client, name):
    body = nonsense()[name]
    assert len(body) <= LARGEST_BODY
    refused(client, "/quote", body)


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in ENDPOINTS for name in bad(path)])
def test_a_bad_part_is_refused_in_few_words(client, path, name):
    body = bad(path)[name]
    assert len(body) <= LARGEST_BODY
    refused(client, path, body)


def test_the_costliest_requests_are_allowed(client):
    for name, (_, body) in costly().items():
        assert len(body) <= LARGEST_BODY, name
    path, body = costly()["/posture all signals"]
    assert client.post(path, content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("name", MOST_OF_A_PROFILE)
def test_length_comes_before_content(client, name, monkeypatch):
    """No item of a list that is too long is looked at."""
    most = MOST_OF_A_PROFILE[name]
    monkeypatch.setattr("cyberscore.profile.evidence.signal", lambda _: pytest.fail("an observation was looked at"))
    body = json.dumps({**ASKED, "profile": {**CLINIC, name: [SEEN] * (most + 1)}})
    (told,) = refused(client, "/quote", body)
    assert told["loc"] == ["body", "profile", name]
    assert told["msg"].startswith(f"the service reads at most {most:,} entries; got {most + 1:,}: ")


def test_few_of_many_bad_items_are_looked_at(client, monkeypatch):
    """Work is counted: the catalogue is asked for one name after another until enough are wrong."""
    asked = []

    def unknown(name):
        asked.append(name)
        raise ValueError("no such signal")

    monkeypatch.setattr("cyberscore.profile.evidence.signal", unknown)
    body = json.dumps({**ASKED, "profile": {**CLINIC, "observations": [SEEN] * 4_999}})
    told = refused(client, "/quote", body)
    assert len(asked) == MOST_TOLD
    assert told[-1]["type"] == "more"
    assert told[-1]["msg"] == "and 4,949 more, not all of them checked: mend these first"


def test_few_problems_are_all_told(client):
    wrong = {**SEEN, "source": "hearsay"}
    told = refused(
        client, "/quote", json.dumps({**ASKED, "profile": {**CLINIC, "observations": [SEEN, *[wrong] * 49]}})
    )
    assert [item["loc"] for item in told] == [["body", "profile", "observations", k, "source"] for k in range(1, 50)]
