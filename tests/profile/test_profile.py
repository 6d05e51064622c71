"""Profiles as JSON: exact round trips, and one clear error for everything that is wrong."""

import copy
import json
import math
import pickle
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore.exceptions import CyberscoreError, ProfileError
from cyberscore.profile import Observation, Profile, posture_at
from cyberscore.profile.profile import MAX_BYTES
from strategies import AS_OF, observations, profiles

INSURED = {"naics": "621210", "country": "US", "annual_revenue": 5e6}
SEEN = {"signal": "edr_coverage", "value": 0.9, "observed_at": "2026-11-01", "source": "telemetry"}
TRAINED = {"signal": "training_age_days", "observed_at": "2026-11-01", "source": "telemetry"}


def data(insured=None, seen=None, **fields):
    return {"insured": {**INSURED, **(insured or {})}, "observations": [{**SEEN, **(seen or {})}], **fields}


def without(field, of=INSURED):
    return {key: value for key, value in of.items() if key != field}


@given(profiles())
def test_json_gives_the_same_profile_back(profile):
    text = profile.to_json()
    assert Profile.from_json(text) == profile
    assert Profile.from_json(text.encode()) == profile
    assert Profile.from_json(text).to_json() == text
    assert Profile.from_dict(profile.to_dict()) == profile
    assert Profile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile
    assert hash(Profile.from_json(text)) == hash(profile)


@given(profiles())
def test_a_profile_stays_the_same_once_used(profile):
    posture = posture_at(profile, AS_OF)
    pickled = pickle.loads(pickle.dumps(profile))  # noqa: S301
    for other in (Profile.from_json(profile.to_json()), pickled, copy.deepcopy(profile)):
        assert other == profile
        assert other.observations == profile.observations
        assert posture_at(other, AS_OF) == posture


@given(st.floats(1e-6, 1e14), st.floats(0, 1))
def test_numbers_are_kept_to_the_last_bit(revenue, share):
    profile = Profile.from_dict(data({"annual_revenue": revenue}, {"value": share}))
    again = Profile.from_json(profile.to_json())
    assert again.insured.annual_revenue == revenue
    assert again.observations[0].value == share


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(data()), encoding="utf-8-sig")
    assert Profile.load(path) == Profile.load(str(path)) == Profile.from_dict(data())
    assert Profile.from_json(path.read_text(encoding="utf-8")) == Profile.from_dict(data())


@given(profiles(), st.lists(observations(), max_size=3))
def test_more_observations_count_at_once(profile, more):
    posture_at(profile, AS_OF)
    grown = profile.with_observations(*more, *more)
    fresh = Profile.from_json(grown.to_json())
    assert posture_at(grown, AS_OF) == posture_at(fresh, AS_OF)
    assert set(grown.observations) == set(profile.observations) | set(more)
    assert len(grown.observations) == len(profile.observations) + len(set(more) - set(profile.observations))
    assert grown.with_observations(*more) == grown
    copied = profile.model_copy(update={"observations": grown.observations})
    assert posture_at(copied, AS_OF) == posture_at(grown, AS_OF)


def test_more_observations_need_listed_connections():
    stranger = Observation(**SEEN, connection="tenant")
    with pytest.raises(ProfileError, match=r"observations\[1\]\.connection 'tenant' is not listed in sources"):
        Profile.from_dict(data()).with_observations(stranger)


# Each: what is wrong, and what the message must name: the place, the value, the remedy.
WRONG = {
    "unknown signal": (
        data(seen={"signal": "edr_coverge"}),
        "observations[0]",
        "'edr_coverge'",
        "did you mean 'edr_coverage'?",
    ),
    "no signal": (data(seen={"signal": None}), "observations[0].signal", "None", "valid string"),
    "outside the range": (
        data(seen={"value": 1.2}),
        "observations[0]: edr_coverage",
        "1.2",
        "between 0 and 1",
    ),
    "percentage": (
        data(seen={"value": 82}),
        "observations[0]: edr_coverage",
        "82",
        "not a percentage; did you mean 0.82?",
    ),
    "NaN": (
        data(seen={"value": math.nan}),
        "observations[0]: edr_coverage",
        "nan",
        "leave the observation out",
    ),
    "infinity": (data(seen={"value": math.inf}), "observations[0]: edr_coverage", "inf", "must be finite"),
    "huge": (data(seen={"value": 10**400}), "observations[0]: edr_coverage", "above 1e+15", "check its unit"),
    "boolean share": (
        data(seen={"value": True}),
        "observations[0]: edr_coverage",
        "True",
        "must be a number (share of",
    ),
    "text share": (data(seen={"value": "0.9"}), "observations[0]: edr_coverage", "'0.9'", "must be a number"),
    "no value": (
        data(seen={"value": None}),
        "observations[0]: edr_coverage",
        "needs a value",
        "leave the observation out",
    ),
    "list value": (data(seen={"value": [0.9]}), "observations[0]: edr_coverage", "[0.9]", "must be a number"),
    "source not allowed": (
        data(seen={"source": "scan"}),
        "observations[0]: edr_coverage",
        "'scan'",
        "allowed are telemetry",
    ),
    "unknown source": (
        data(seen={"source": "gossip"}),
        "observations[0].source",
        "'gossip'",
        "'telemetry', 'scan'",
    ),
    "no zone": (
        data(seen={"observed_at": "2026-11-01T10:00:00"}),
        "observations[0].observed_at",
        "2026-11-01T10",
        "add Z",
    ),
    "no date": (
        data(seen={"observed_at": "1.11.2026"}),
        "observations[0].observed_at",
        "'1.11.2026'",
        "such as 2026-11-23",
    ),
    "no such day": (
        data(seen={"observed_at": "2026-02-30"}),
        "observations[0].observed_at",
        "'2026-02-30'",
        "ISO 8601",
    ),
    "number for a date": (
        data(seen={"observed_at": 1.7e9}),
        "observations[0].observed_at",
        "1700000000.0",
        "ISO 8601",
    ),
    "before the calendar": (
        data(seen={"observed_at": "0001-01-01T00:00:00+05:00"}),
        "observations[0].observed_at",
        "'0001-01-01T00",
        "ISO 8601",
    ),
    "event after sighting": (
        data(seen={**TRAINED, "occurred_at": "2026-11-02"}),
        "observations[0]",
        "occurred_at 2026-11-02 is after",
        "check both dates",
    ),
    "number for an event": (
        data(seen={**TRAINED, "occurred_at": 1699920000}),
        "observations[0].occurred_at",
        "1699920000",
        "such as 2026-11-23",
    ),
    "event of a share": (
        data(seen={"occurred_at": "2026-10-01"}),
        "observations[0]: edr_coverage",
        "has no occurred_at",
        "use observed_at",
    ),
    "connection not listed": (
        data(seen={"connection": "m365"}),
        "observations[0].connection",
        "'m365'",
        "add it there",
    ),
    "connection of another kind": (
        data(seen={"connection": "m365"}, sources=[{"name": "m365", "kind": "scan"}]),
        "observations[0].source",
        "'telemetry'",
        "'scan'",
    ),
    "connection listed twice": (
        data(sources=[{"name": "m365", "kind": "scan"}] * 2),
        "sources",
        "['m365', 'm365']",
        "different",
    ),
    "number for a withdrawal": (
        data(sources=[{"name": "a", "kind": "scan", "withdrawn_at": 0}]),
        "sources[0].withdrawn_at",
        "got 0",
        "ISO 8601",
    ),
    "unknown field": (data(turnover=1), "profile: turnover", "unknown field", "remove it or mend its name"),
    "unknown field of the insured": (
        data({"revenue": 1}),
        "insured.revenue",
        "unknown field",
        "remove it or mend its name",
    ),
    "unknown field of a sighting": (
        data(seen={"when": 1}),
        "observations[0].when",
        "unknown field",
        "mend its name",
    ),
    "negative revenue": (data({"annual_revenue": -5}), "insured.annual_revenue", "got -5", "greater than 0"),
    "zero revenue": (data({"annual_revenue": 0}), "insured.annual_revenue", "got 0", "greater than 0"),
    "no revenue yet": (data({"annual_revenue": None}), "insured.annual_revenue", "got None", "its first 12 months"),
    "revenue of nothing": (data({"annual_revenue": 0.0}), "got 0.0", "give the projected revenue of", "12 months"),
    "NaN revenue": (data({"annual_revenue": math.nan}), "insured.annual_revenue", "nan", "finite number"),
    "huge revenue": (
        data({"annual_revenue": 1e300}),
        "insured.annual_revenue",
        "1e+300",
        "less than or equal to 100000000000000",
    ),
    "huge whole revenue": (
        data({"annual_revenue": 10**400}),
        "insured.annual_revenue",
        "10000",
        "valid number",
    ),
    "text revenue": (
        data({"annual_revenue": "5000000"}),
        "insured.annual_revenue",
        "'5000000'",
        "a number is wanted",
    ),
    "boolean revenue": (
        data({"annual_revenue": True}),
        "insured.annual_revenue",
        "True",
        "a number is wanted",
    ),
    "boolean employees": (
        data({"employee_count": True}),
        "insured.employee_count",
        "True",
        "a number is wanted",
    ),
    "half an employee": (data({"employee_count": 12.5}), "insured.employee_count", "12.5", "valid integer"),
    "negative records": (
        data({"record_count": -1}),
        "insured.record_count",
        "-1",
        "greater than or equal to 0",
    ),
    "no revenue": ({"insured": without("annual_revenue")}, "insured.annual_revenue", "field", "is required"),
    "no insured": ({}, "profile: insured", "field", "is required"),
    "unknown currency": (data({"currency": "usd"}), "insured.currency", "'usd'", "did you mean USD?"),
    "unknown country": (data({"country": "UK"}), "insured.country", "'UK'", "the United Kingdom is GB"),
    "long country": (
        data({"country": "USA"}),
        "insured.country",
        "'USA'",
        "ISO 3166-1 alpha-2 code, such as US",
    ),
    "unknown NAICS": (data({"naics": "991110"}), "insured", "'991110'", "2022 nor the 2017 edition"),
    "NAICS as a number": (data({"naics": 621210}), "insured.naics", "must be text", 'write "621210"'),
    "NAICS of 7 digits": (
        data({"naics": "6212101"}),
        "insured",
        "'6212101'",
        "code of 2 to 6 digits as text, such as",
    ),
    "a list": ([], "profile", "[]", "dictionary"),
    "nothing": (None, "profile", "None", "dictionary"),
}


def refusal(call, *args):
    """Return the message of the one ProfileError that a call must raise."""
    with pytest.raises(ProfileError) as caught:
        call(*args)
    assert type(caught.value) is ProfileError
    assert isinstance(caught.value, (CyberscoreError, ValueError))
    message = str(caught.value)
    assert message.count("\n") == 0, message
    assert len(message) < 400
    assert "pydantic" not in message
    return message


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_what_is_wrong_is_named_with_its_place_and_remedy(case):
    given_data, *parts = WRONG[case]
    before = copy.deepcopy(given_data)
    message = refusal(Profile.from_dict, given_data)
    for part in parts:
        assert part in message
    assert repr(given_data) == repr(before)


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_the_same_is_refused_as_json(case):
    given_data = WRONG[case][0]
    message = refusal(Profile.from_json, json.dumps(given_data))
    if "NaN" in json.dumps(given_data) or "Infinity" in json.dumps(given_data):
        assert "is not a JSON number: leave the field out" in message
    else:
        assert message == refusal(Profile.from_dict, given_data)


def test_everything_wrong_is_told_at_once():
    with pytest.raises(ProfileError) as caught:
        Profile.from_dict(data({"annual_revenue": -5, "country": "UK"}, {"value": 82}))
    lines = str(caught.value).split("\n")
    assert [re.match(r"profile: ([^ :]+): ", line)[1] for line in lines] == [
        "insured.country",
        "insured.annual_revenue",
        "observations[0]",
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"insured": {}, "insured": {}}', "field 'insured' is given twice: keep one"),
        (
            '{"insured": {"naics": "62", "name": "a", "naics": "61"}}',
            "field 'naics' is given twice: keep one",
        ),
        ('{"insured": NaN}', "NaN is not a JSON number: leave the field out if it is unknown"),
        ('{"insured": -Infinity}', "-Infinity is not a JSON number"),
        ('{"insured": ' + "1" * 5_000 + "}", "a number has too many digits: check it"),
        ('{"insured": {"naics": "6212', "not valid JSON at line 1, column 23: Unterminated string"),
        ("", "not valid JSON at line 1, column 1"),
        ("{\n'insured': 1}", "not valid JSON at line 2, column 1"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8 text (byte 0): save it as UTF-8 JSON"),
        (b'{"insured": "M\xfcller"}', "not UTF-8 text (byte 14): save it as UTF-8 JSON"),
        ("[" * 200_000, "nested too deeply to be a profile"),
        ('{"insured":' * 200_000, "nested too deeply to be a profile"),
        (
            '{"insured": {"annual_revenue": 1e999, "naics": "621210", "country": "US"}}',
            "insured.annual_revenue",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_broken_json_is_refused(text, part):
    assert part in refusal(Profile.from_json, text)


@given(profiles(), st.data())
def test_a_truncated_file_is_refused(profile, data):
    whole = profile.to_json().encode()
    refusal(Profile.from_json, whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_files_that_cannot_be_read_are_refused(tmp_path):
    assert f"{tmp_path / 'missing.json'}: cannot be read: No such file" in refusal(
        Profile.load, tmp_path / "missing.json"
    )
    assert "cannot be read" in refusal(Profile.load, tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text('{"insured": ')
    assert str(broken) in refusal(Profile.load, broken)
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(data({"country": "UK"})))
    assert f"{wrong}: insured.country" in refusal(Profile.load, wrong)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert f"{huge}: larger than 20 MB: split it" in refusal(Profile.load, huge)


def test_a_profile_may_be_as_of_the_day_of_its_newest_observation():
    profile = Profile.from_dict(data(seen={"observed_at": "2026-11-01T23:59:59Z"}))
    assert posture_at(profile, date(2026, 11, 1)).as_of == date(2026, 11, 1)
    message = refusal(posture_at, profile, date(2026, 10, 31))
    assert "observations[0] (edr_coverage) was observed at 2026-11-01, after as_of 2026-10-31" in message
    assert "use a later as_of or leave it out" in message
