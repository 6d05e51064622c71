"""What is wrong is told in bounded words, whatever the input repeats, and little of it is looked at."""

import json
from typing import Annotated

import pytest
from pydantic import BaseModel, BeforeValidator, ValidationError

import cyberscore
from cyberscore import Coverage, CoverageError, Profile, ProfileError
from cyberscore.exceptions import CyberscoreError, bounded_text
from cyberscore.profile.problems import MOST_TOLD, AtMost, explain, nearest, problems_of, short
from cyberscore.profile.profile import parse_json

CLINIC = json.loads(cyberscore.example("dental_clinic").to_json())
SEEN = CLINIC["observations"][0]
LIKE_A_SIGNAL = "mfa_emial_coverage"

BAD_PROFILES = {
    "numbers for observations": {"observations": [0] * 99_999},
    "more observations than are read": {"observations": [0] * 100_001},
    "unknown signals": {"observations": [{**SEEN, "signal": LIKE_A_SIGNAL}] * 99_999},
    "a long signal": {"observations": [{**SEEN, "signal": "mfa" * 100_000}]},
    "long values": {"observations": [{**SEEN, "value": [0] * 10_000}] * 99},
    "long text": {"observations": [{**SEEN, "source": "\U0001f600" * 10_000}] * 99},
    "long dates": {"observations": [{**SEEN, "observed_at": "2" * 10_000}] * 99},
    "long unknown fields": {"observations": [{**SEEN, "q" * 100_000: 1}] * 99},
    "unknown fields of an observation": {"observations": [{**SEEN, **{f"k{i}": 1 for i in range(100)}}] * 99},
    "unknown fields": {f"k{i}": 1 for i in range(100_000)},
    "unknown fields of the insured": {"insured": {f"k{i}": 1 for i in range(100_000)}},
    "sources": {"sources": [[]] * 999},
    "repeated sources": {"sources": [{"name": "n" * 200, "kind": "scan"}] * 1_000},
    "disputes": {"disputes": [{"observation": "x" * 10_000}] * 9_999},
    "activities": {"insured": {**CLINIC["insured"], "business_activities": [1] * 99_999}},
    "a long activity": {"insured": {**CLINIC["insured"], "business_activities": ["x" * 100_000]}},
    "a long industry": {"insured": {**CLINIC["insured"], "naics": "1" * 100_000}},
    "a long country": {"insured": {**CLINIC["insured"], "country": "x" * 100_000}},
    "a long number": {"insured": {**CLINIC["insured"], "annual_revenue": 10**5_000}},
    "a nested value": {"observations": [{**SEEN, "value": json.loads("[" * 500 + "]" * 500)}]},
}


def refusal(build, *given):
    with pytest.raises(CyberscoreError) as caught:
        build(*given)
    return str(caught.value)


@pytest.mark.parametrize("case", BAD_PROFILES)
def test_a_bad_profile_is_refused_in_few_words(case):
    message = refusal(Profile.from_dict, {**CLINIC, **BAD_PROFILES[case]})
    assert len(message.encode()) < 64_000
    assert len(message.splitlines()) <= MOST_TOLD + 1
    assert message.startswith("profile: ")


@pytest.mark.parametrize(
    "bad",
    [
        {"sublimits": dict.fromkeys(map(str, range(10_000)), 1)},
        {"sublimits": dict.fromkeys(map(str, range(90)), "x" * 10_000)},
        {"sublimits": [0] * 10_000},
        {"coinsurance": {"x" * 100_000: 1}},
        {"currency": "x" * 100_000},
        {"retention": "1" * 100_000},
        dict.fromkeys(map(str, range(100_000)), 1),
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_a_bad_cover_is_refused_in_few_words(bad):
    with pytest.raises(CoverageError) as caught:
        Coverage.from_dict(bad)
    assert len(str(caught.value).encode()) < 64_000


def test_length_is_told_before_content():
    message = refusal(Profile.from_dict, {**CLINIC, "observations": [0] * 100_001, "sources": [{}]})
    assert "profile: observations: at most 100,000 entries are read; got 100,001: send fewer" in message
    assert "profile: sources[0].name: this field is required" in message


def test_few_problems_are_all_told_and_of_many_the_number():
    bad = {**SEEN, "source": "hearsay"}
    few = refusal(Profile.from_dict, {**CLINIC, "observations": [SEEN, bad, SEEN, bad, bad]})
    assert [line.partition(".source")[0] for line in few.splitlines()] == [
        f"profile: observations[{place}]" for place in (1, 3, 4)
    ]
    many = refusal(Profile.from_dict, {**CLINIC, "observations": [SEEN, *[bad] * 80]}).splitlines()
    assert len(many) == MOST_TOLD + 1
    assert many[0].startswith("profile: observations[1].source: ")
    assert many[-1] == "profile: and 30 more, not all of them checked: mend these first"


def looked_at(most_entries, values):
    """Validate a list of numbers; return what is wrong and which items were looked at."""
    seen = []

    class Numbers(BaseModel):
        numbers: Annotated[
            tuple[Annotated[int, BeforeValidator(lambda value: (seen.append(value), value)[1])], ...],
            AtMost(most_entries),
        ]

    try:
        return Numbers(numbers=values), seen
    except ValidationError as error:
        return error, seen


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 51, 400])
def test_items_are_looked_at_once_and_no_more_once_enough_are_wrong(bad):
    values = [*range(100), *["x"] * bad, *range(500, 600)]
    found, seen = looked_at(1_000, values)
    if not bad:
        assert found.numbers == tuple(values)
        assert seen == values
        return
    told, more = problems_of(found)
    wrong = [place for place, value in enumerate(values) if value == "x"]
    assert [item["loc"] for item in told] == [("numbers", place) for place in wrong[:MOST_TOLD]]
    assert seen == (values if bad < MOST_TOLD else values[: 100 + MOST_TOLD])
    assert more == (0 if bad < MOST_TOLD else len(values) - len(seen))
    assert len(explain(found, "list").splitlines()) == min(bad, MOST_TOLD) + (more > 0)


def test_what_is_too_long_is_not_looked_at():
    found, seen = looked_at(3, [1, 2, 3, 4])
    assert not seen
    assert explain(found, "given") == "given: numbers: at most 3 entries are read; got 4: send fewer"


def test_the_schema_tells_the_bounds():
    schema = Profile.model_json_schema()["properties"]
    assert {name: schema[name]["maxItems"] for name in ("observations", "sources", "disputes")} == {
        "observations": 100_000,
        "sources": 1_000,
        "disputes": 10_000,
    }
    assert Coverage.model_json_schema()["properties"]["sublimits"]["maxProperties"] == 100


@pytest.mark.parametrize("depth", [65, 500, 900, 100_000])
@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_what_nests_deeply_is_refused(depth, pair):
    text = pair[:-1] * depth + "1" + pair[-1] * depth
    assert "nested too deeply" in refusal(parse_json, text)


@pytest.mark.parametrize("item", ["0,", "[],", '{"a":1},'])
def test_values_are_counted_before_they_are_parsed(item):
    text = "[" + item * 60 + "0]"
    values = {"0,": 61, "[],": 121, '{"a":1},': 181}[item]  # keys count too
    assert len(parse_json(text, max_values=values)) == 61
    message = refusal(lambda: parse_json(text + "no JSON", max_values=60))
    assert message.startswith(f"profile: {values} keys and values in ")
    assert message.endswith(" MB, more than are read: split it or leave out what is not needed")


def test_what_has_many_brackets_side_by_side_is_not_deep():
    assert parse_json("[" + "[[]]," * 500 + "{}]") == [*[[[]]] * 500, {}]


def test_a_message_keeps_its_beginning_and_its_end():
    text = "\n".join([f"place {k}: wrong" for k in range(200)])
    assert bounded_text(text).splitlines() == [*[f"place {k}: wrong" for k in range(50)], "and 150 more"]
    assert bounded_text(bounded_text(text)) == bounded_text(text)
    line = bounded_text("place: got " + "x" * 9_999 + ": mend it")
    assert len(line) == 1_000
    assert line.startswith("place: got x")
    assert line.endswith("x: mend it")
    assert str(ProfileError(text)) == bounded_text(text)
    assert ProfileError(text).args == (bounded_text(text),)


LONG_VALUES = {
    "text": "x" * 10**6,
    "lists": [[[[0] * 99] * 99] * 99],
    "fields": {str(k): "y" * 99 for k in range(999)},
    "a number": 10**9_999,
}


@pytest.mark.parametrize("kind", LONG_VALUES)
def test_a_value_is_told_in_few_letters(kind):
    assert len(short(LONG_VALUES[kind])) <= 80


def test_names_are_offered_for_what_is_near_one():
    assert nearest(LIKE_A_SIGNAL, cyberscore.signals()) == ": did you mean 'mfa_email_coverage'?"
    for given in ("mfa" * 1_000, ["mfa_email_coverage"], None):
        assert not nearest(given, cyberscore.signals())
