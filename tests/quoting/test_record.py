"""A record replays to the cent, or says what differs and why; whatever is changed in it shows."""

import json
import random
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Observation, QuoteRecord, RatingPlan, RecordError
from cyberscore.quoting.differences import differences, is_of_words
from cyberscore.quoting.seals import rounded
from cyberscore.rating.plan_file import PlanFiles
from strategies import AS_OF, insureds, profiles

PLAN = cyberscore.load_plan()
CLINIC = cyberscore.example("dental_clinic")
RECORD = cyberscore.record(CLINIC, Coverage(aggregate_limit=500_000), as_of=AS_OF, plan=PLAN, reference="Q-1")


@settings(max_examples=25)
@given(
    insureds().filter(lambda firm: 1e3 <= firm.annual_revenue <= 5e11).flatmap(lambda firm: profiles(insured=firm)),
    st.sampled_from((None, "№ 7\n")),
)
def test_every_record_replays_from_its_bytes(profile, reference):
    rate = None if profile.insured.currency == "USD" else 0.8  # far from the plan's
    shared = {"as_of": AS_OF, "plan": PLAN, "exchange_rate": rate, "exchange_rate_is_meant": rate is not None}
    made = cyberscore.record(profile, **shared, reference=reference)
    text = made.to_json()
    read = QuoteRecord.from_json(text)
    assert read == made
    assert read.to_json() == text
    assert text.isascii()
    assert "\n" not in text
    replay = read.replay()
    assert (replay.reproduced, replay.differences, replay.causes) == (True, (), ())
    assert read.result == rounded(json.loads(cyberscore.quote(profile, **shared).to_json()))


def test_another_plan_is_named_and_every_change_listed(tmp_path):
    files = PlanFiles.read(cyberscore.rating.library.models_folder() / "sme-2026")
    pricing = files.others["pricing.toml"]
    files.others["pricing.toml"] = pricing.replace(b"loss_adjustment = 0.08", b"loss_adjustment = 0.09")
    assert files.others["pricing.toml"] != pricing
    files.write(tmp_path / "other")
    other = RatingPlan.load(tmp_path / "other")
    replay = RECORD.replay(other)
    assert not replay.reproduced
    assert [cause for cause in replay.causes if other.plan_id in cause and PLAN.plan_id in cause]
    told = {one.path: one for one in replay.differences}
    now = cyberscore.quote(CLINIC, Coverage(aggregate_limit=500_000), as_of=AS_OF, plan=other)
    premium = told["indicative_premium"]
    assert (premium.before, premium.after) == (RECORD.result["indicative_premium"], now.indicative_premium)
    assert premium.after > premium.before
    assert "ledger.premium[Loss adjustment].value" in told
    assert "risk_score" not in told
    assert f"{premium.before} -> {premium.after}" in str(replay)


def edited(**changes):
    return QuoteRecord.from_dict({**json.loads(RECORD.to_json()), **changes})


def test_an_edited_input_is_told_from_an_edited_result():
    insured = {**RECORD.profile["insured"], "annual_revenue": 9_000_000.0}
    replay = edited(profile={**RECORD.profile, "insured": insured}).replay()
    assert not replay.reproduced
    assert any("input was edited" in cause for cause in replay.causes)
    assert any(one.path == "indicative_premium" for one in replay.differences)

    replay = edited(result={**RECORD.result, "indicative_premium": 1.0}).replay()
    assert any("result was edited" in cause for cause in replay.causes)
    assert [one.path for one in replay.differences] == ["indicative_premium"]
    assert replay.differences[0].after == RECORD.result["indicative_premium"]


@pytest.mark.parametrize("field", ["reference", "plan_id", "library_version", "previous", "recorded_at", "arguments"])
def test_any_edited_field_shows(field):
    value = {"as_of": "2026-11-24"} if field == "arguments" else "f" * 64
    changed = edited(**{field: value})
    assert changed.problems()
    assert not changed.replay().reproduced


def test_an_older_version_is_named_and_a_field_it_lacked_is_no_difference():
    result = {name: value for name, value in RECORD.result.items() if name != "uncapped_premium"}
    result["library_version"] = "0.0.1"
    replay = edited(result=result, library_version="0.0.1").replay()
    assert replay.differences == ()
    assert replay.added == ("uncapped_premium",)
    assert any("0.0.1" in cause for cause in replay.causes)


def test_input_that_cannot_be_quoted_any_more_is_said():
    replay = edited(profile={"insured": {"naics": "999999"}}).replay()
    assert not replay.reproduced
    assert any("cannot be quoted now" in cause for cause in replay.causes)
    assert not edited(arguments={}).replay().reproduced


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format must be 1"),
        ({"hash": None}, "hash has the wrong type"),
        ({"profile": []}, "profile has the wrong type"),
        ({"more": 1}, "unknown field 'more'"),
    ],
)
def test_what_is_no_record_is_refused(change, said):
    with pytest.raises(RecordError, match=said):
        edited(**change)
    for text in ("[]", "{", "null", '{"result": {}, "result": {}}', b"\xff", "1" * 5000):
        with pytest.raises(RecordError):
            QuoteRecord.from_json(text)
    lacking = json.loads(RECORD.to_json())
    del lacking["plan_id"]
    with pytest.raises(RecordError, match="plan_id is missing"):
        QuoteRecord.from_dict(lacking)


def test_a_quote_of_something_else_is_refused():
    answer = cyberscore.quote(CLINIC, as_of=AS_OF, plan=PLAN)
    assert QuoteRecord.of(CLINIC, None, answer) == cyberscore.record(CLINIC, as_of=AS_OF, plan=PLAN)
    more = Observation(signal="exposed_rdp", value=1, observed_at=AS_OF, source="scan")
    for profile, cover, rate in (
        (CLINIC.with_observations(more), None, None),
        (CLINIC, Coverage(retention=5_000), None),
        (CLINIC, None, 1.0),
    ):
        with pytest.raises(RecordError, match="not made of this"):
            QuoteRecord.of(profile, cover, answer, exchange_rate=rate)


def test_a_record_reads_no_clock_and_wants_a_time_zone():
    assert RECORD.recorded_at is None
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert cyberscore.record(CLINIC, as_of=AS_OF, recorded_at=moment).recorded_at == "2026-11-23T12:00:00+00:00"
    with pytest.raises(RecordError, match="no time zone"):
        cyberscore.record(CLINIC, as_of=AS_OF, recorded_at=moment.replace(tzinfo=None))


def test_a_record_file_round_trips(tmp_path):
    RECORD.save(tmp_path / "one.json")
    assert QuoteRecord.load(tmp_path / "one.json") == RECORD
    pretty = json.dumps(json.loads(RECORD.to_json()), indent=2)
    assert QuoteRecord.from_json(pretty).replay().reproduced
    with pytest.raises(RecordError, match="cannot be written"):
        RECORD.save(tmp_path / "no" / "one.json")
    with pytest.raises(RecordError, match="cannot be read"):
        QuoteRecord.load(tmp_path / "none.json")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(plain, plain)
def test_differences_are_none_of_the_same_and_some_of_others(a, b):
    assert not list(differences(a, a))
    close = a == b or (isinstance(a, int | float) and isinstance(b, int | float) and abs(a - b) < 1e-6)
    if json.dumps(a) != json.dumps(b) and not close:
        assert list(differences(a, b)) or _near(a, b)


def _near(a, b):
    """Whether two differ only in numbers that are nearly the same, or in int and float."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_near(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_near, a, b))
    return a == b or (isinstance(a, int | float) and isinstance(b, int | float) and abs(a - b) < 1e-6)


def test_lists_are_matched_by_name():
    before = [{"rule": "a", "x": 1}, {"rule": "b", "x": 2}]
    after = [{"rule": "b", "x": 2}, {"rule": "c", "x": 3}, {"rule": "a", "x": 1.5}]
    assert [str(one) for one in differences(before, after, path="rules")] == [
        "rules[a].x: 1 -> 1.5",
        "rules[c]: '(absent)' -> {'rule': 'c', 'x': 3}",
        "rules (order): ['a', 'b'] -> ['b', 'a']",
    ]


def test_dates_are_dates():
    assert date.fromisoformat(RECORD.arguments["as_of"]) == AS_OF


def test_words_that_were_mended_do_not_stop_a_quote_from_being_reproduced():
    made = cyberscore.record(cyberscore.example("law_firm"), as_of=AS_OF)
    answer = cyberscore.quote(cyberscore.example("law_firm"), as_of=AS_OF).to_dict()
    other = json.loads(json.dumps(answer))
    other["rules"][0]["read"] += " (as it was told once)"
    other["reasons"][0]["text"] = "In other words."
    told = list(differences(answer, other))
    assert len(told) == 2
    assert all(is_of_words(one) for one in told)
    other["decision"], other["indicative_premium"] = "refer", answer["indicative_premium"] + 0.01
    assert sum(not is_of_words(one) for one in differences(answer, other)) == 2
    assert made.replay().words == ()


# --- what a record seals does not depend on the last bits of a sum


def shaken(content, draw):
    """The same content, as another processor would have computed it: the last bits of its numbers differ."""
    if isinstance(content, float):
        return content if content == round(content, 3) else content * (1.0 + draw.uniform(-4e-16, 4e-16))
    if isinstance(content, dict):
        return {name: shaken(value, draw) for name, value in content.items()}
    return [shaken(value, draw) for value in content] if isinstance(content, list) else content


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_the_seal_is_the_same_on_another_processor(name, monkeypatch):
    profile = cyberscore.example(name)
    made = cyberscore.record(profile, as_of=AS_OF)
    to_dict = cyberscore.Quote.to_dict
    monkeypatch.setattr(cyberscore.Quote, "to_dict", lambda self: shaken(to_dict(self), random.Random(7)))  # noqa: S311
    there = cyberscore.record(profile, as_of=AS_OF)
    assert cyberscore.quote(profile, as_of=AS_OF).to_json() != json.dumps(made.result, ensure_ascii=False)
    assert (there.input_digest, there.result_digest, there.hash) == (made.input_digest, made.result_digest, made.hash)
    assert made.replay().reproduced


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_keeps_ten_digits_and_every_amount(value):
    told = rounded([{"a": value}])[0]["a"]
    assert told == pytest.approx(value, rel=5.1e-10, abs=0.0)
    assert rounded(told) == told
    amount = round(min(max(value, -1e12), 1e12), 2)
    assert rounded(amount) == amount
