"""Values of JSON are counted before any is made: profiles, plans and records hold no more than a bound."""

import json

import pytest

from cyberscore import Profile
from cyberscore.exceptions import PlanError, ProfileError
from cyberscore.profile import profile
from cyberscore.profile.json_values import BYTES_A_BRACKET, FREE_BRACKETS, JsonValues
from cyberscore.profile.profile import MAX_BYTES, PROFILE_VALUES, parse_json
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan_file import PlanFiles
from hostile_corpus import SHAPES

DENSE = ("lists", "objects", "lists in objects", "numbers", "empty objects", "brackets")


@pytest.mark.parametrize("shape", DENSE)
def test_many_small_values_are_refused_before_any_is_made(shape, monkeypatch, tmp_path):
    data = SHAPES[shape](4_000_000)
    path = tmp_path / "profile.json"
    path.write_bytes(data)
    monkeypatch.setattr(profile.json, "loads", None)
    for read in (lambda: Profile.from_json(data), lambda: Profile.load(path)):
        with pytest.raises(ProfileError, match="more than are read: split it") as caught:
            read()
        assert len(str(caught.value)) < 300


def test_plans_are_bounded_as_profiles_are(tmp_path):
    (tmp_path / "plan.json").write_bytes(SHAPES["lists"](4_000_000))
    with pytest.raises(PlanError, match="more than are read"):
        PlanFiles.read(tmp_path)
    assert load_plan().plan_id


def test_a_caller_may_allow_less():
    text = json.dumps({"a": [1] * 100})
    assert parse_json(text, max_values=200) == {"a": [1] * 100}
    with pytest.raises(ProfileError, match="it: 102 keys and values in"):
        parse_json(text, "it", max_values=101)
    assert parse_json(json.dumps({"a": ",:[{" * 1_000}), max_values=10) == {"a": ",:[{" * 1_000}


def test_a_profile_as_large_as_it_may_be_is_within_the_bounds():
    one = {
        "signal": "edr_coverage", "value": 0.5, "observed_at": "2026-01-01T00:00:00Z", "source": "telemetry",
        "occurred_at": "2026-01-01", "reference": "a", "connection": "b",
    }  # fmt: skip
    values = JsonValues(PROFILE_VALUES)
    assert not values.excess(json.dumps([one] * 100_000))
    assert values.size < 1.2 * MAX_BYTES


def test_brackets_beyond_the_free_ones_are_set_against_the_size():
    assert not JsonValues().excess(("[" + " " * BYTES_A_BRACKET) * 3 * FREE_BRACKETS)
    assert "objects and lists" in JsonValues().excess("[ " * 2 * FREE_BRACKETS)
