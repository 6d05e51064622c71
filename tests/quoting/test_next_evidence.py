"""What to ask next: every question is worth what seeing its answers would change, and none is about what is known."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Insured, Profile, next_evidence, posture_at, quote, signals
from cyberscore.exceptions import ProfileError
from cyberscore.quoting import questions as module
from cyberscore.quoting.next_evidence import SURE, seen_in_cell
from cyberscore.quoting.questions import question, questions
from cyberscore.rating.draws import ordered_codes
from strategies import AS_OF, profiles

PLAN = cyberscore.load_plan()
FIRM = Insured(naics="541110", country="US", annual_revenue=6e6)


@given(profiles(insured=FIRM, max_signals=8))
@settings(max_examples=5)
def test_questions_are_about_what_is_not_sure(profile):
    found = next_evidence(profile, PLAN, as_of=AS_OF)
    answer = quote(profile, as_of=AS_OF, plan=PLAN)
    assert (found.indicative_premium, found.premium_low, found.premium_high) == (
        answer.indicative_premium, answer.premium_low, answer.premium_high)  # fmt: skip
    posture = posture_at(profile, AS_OF)
    weak = {s.signal.name for s in posture if not s.signal.is_context and s.weight < SURE}
    assert {one.signal for one in found.questions} == weak
    narrowing = [one.expected_narrowing for one in found.questions]
    assert narrowing == sorted(narrowing, reverse=True)
    assert all(one.best_case_saving >= 0 for one in found.questions)
    assert all(one.source in one.sources for one in found.questions)
    assert json.loads(json.dumps(found.to_dict()))["as_of"] == AS_OF.isoformat()
    assert next_evidence(profile, PLAN, as_of=AS_OF) == found


@given(
    profiles(insured=FIRM, max_signals=6),
    st.sampled_from([one.name for one in signals().values() if not one.is_context]),
)
@settings(max_examples=5)
def test_narrowing_is_the_mean_over_the_quotes_of_every_answer(profile, name):
    """Told from quotes of the profile with each answer added: their widths lie on both sides of what is expected."""
    cover = Coverage(aggregate_limit=2e6)
    found = next_evidence(profile, PLAN, cover, as_of=AS_OF)
    asked = next((one for one in found.questions if one.signal == name), None)
    if asked is None:
        return
    answers = [
        quote(profile.with_observations(seen_in_cell(name, code, AS_OF).observation), cover, as_of=AS_OF, plan=PLAN)
        for code in ordered_codes(signals()[name])
    ]
    widths = [one.premium_high - one.premium_low for one in answers]
    after = found.width - asked.expected_narrowing
    assert min(widths) * 0.98 - 5 <= after <= max(widths) * 1.02 + 5
    saved = found.indicative_premium - min(one.indicative_premium for one in answers)
    assert asked.best_case_saving <= max(saved, 0.0) + 0.01


def test_a_blank_form_starts_with_what_tells_most():
    found = next_evidence(Profile(insured=FIRM), PLAN, as_of=AS_OF)
    first = found.questions[0]
    assert first.status == "unanswered"
    assert first.expected_narrowing_share > 0.1
    assert first.best_case_saving > 0
    assert first.question.endswith("?")


@pytest.mark.parametrize("name", list(signals()))
def test_every_signal_has_a_question_and_every_cell_a_value(name):
    about = signals()[name]
    assert question(name).endswith("?")
    assert question(name, "fr") == question(name)  # English where a language has none
    for code in ordered_codes(about):
        assert seen_in_cell(name, code, AS_OF).code_at(about, AS_OF.toordinal()) == code


def test_every_question_is_asked_in_chinese():
    """Whole, and each on its own: no English sentence left, none copied to another signal."""
    asked = {name: question(name, "zh") for name in signals()}
    assert len(set(asked.values())) == len(asked) == 39
    for name, text in asked.items():
        assert text.endswith("\uff1f"), name  # a full-width question mark
        assert len(re.findall(r"[\u4e00-\u9fff]", text)) >= 10, name
        assert not re.search(r"[,?;:()] ?", text), name  # the punctuation is Chinese too
        # English is left to names, such as VPN or Microsoft 365: never two small words in a row
        assert not re.search(r"\b[a-z]+ [a-z]+\b", text), name
        # every number that the English question names is in the Chinese one
        assert set(re.findall(r"\d+", question(name))) <= set(re.findall(r"\d+", text)), name


def test_the_language_changes_the_words_alone():
    profile = Profile(insured=FIRM)
    english = next_evidence(profile, PLAN, as_of=AS_OF)
    chinese = next_evidence(profile, PLAN, as_of=AS_OF, language="zh")
    assert [one.question for one in chinese.questions] == [question(one.signal, "zh") for one in english.questions]
    again = tuple(replace(one, question=question(one.signal)) for one in chinese.questions)
    assert replace(chinese, questions=again) == english


def test_a_question_about_nothing_is_refused(monkeypatch, tmp_path):
    (tmp_path / "questions.toml").write_text('[edr_coverag]\nen = "What?"\n', encoding="utf-8")
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    questions.cache_clear()
    try:
        with pytest.raises(ProfileError, match="one question in English for each signal"):
            questions()
    finally:
        questions.cache_clear()
