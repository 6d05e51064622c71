"""What nobody answered is said in a quote, with what to ask and whether a condition stands in for the answer."""

import json

import pytest
from hypothesis import assume, given, settings

import cyberscore
from cyberscore import Insured, Profile, quote
from cyberscore.quoting.open_questions import _texts
from cyberscore.report import render_report
from cyberscore.report.language import language
from strategies import AS_OF, profiles

PLAN = cyberscore.load_plan()
ANSWERED = {
    "active_incident": False, "known_circumstances": False, "business_activities": [], "claims_12m": 0, "claims_36m": 0,
    "record_count": 10, "application_signed_at": "2026-11-20", "bank_details_verified": True, "dual_approval_above": 0,
}  # fmt: skip


def clinic(**answers):
    raw = cyberscore.example("dental_clinic").to_dict()
    known = {name: raw["insured"][name] for name in ("naics", "country", "annual_revenue")}
    return Profile.from_dict({**raw, "insured": {**known, **answers}})


def test_a_silent_application_is_told_field_by_field():
    silent = {one.name: one for one in quote(clinic(), as_of=AS_OF).open_questions if one.about == "insured"}
    assert set(silent) == set(ANSWERED) - {"claims_12m"} | {"largest_claim_36m"}
    assert [name for name, one in silent.items() if not one.guarded] == []
    told = str(silent["business_activities"])
    assert "payment processing" in told
    assert told.endswith("[business_activities] (U02)")
    assert [one for one in quote(clinic(**ANSWERED), as_of=AS_OF).open_questions if one.about == "insured"] == []


@pytest.mark.parametrize("field", sorted(set(ANSWERED) - {"claims_12m"}))
def test_each_answer_closes_its_question_alone(field):
    rest = {name: value for name, value in ANSWERED.items() if name != field}
    asked = [one.name for one in quote(clinic(**rest), as_of=AS_OF).open_questions if one.about == "insured"]
    assert field in asked
    assert set(asked) <= {field, "largest_claim_36m"}


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({}, {"claims_36m", "largest_claim_36m"}),
        ({"claims_12m": 2}, {"claims_36m", "largest_claim_36m"}),
        ({"claims_12m": 3}, set()),
        ({"largest_claim_36m": 0}, set()),
        ({"largest_claim_36m": 100}, {"claims_36m"}),
        ({"claims_36m": 2}, {"largest_claim_36m"}),
    ],
)
def test_what_other_answers_decide_is_not_asked(told, asked):
    rest = {name: value for name, value in ANSWERED.items() if not name.startswith("claims")}
    found = quote(clinic(**rest, **told), as_of=AS_OF).open_questions
    assert {one.name for one in found if one.about == "insured"} == asked


@given(profiles(max_signals=4))
@settings(max_examples=25)
def test_every_rule_that_cannot_be_told_has_a_question(profile):
    assume(1e4 <= profile.insured.annual_revenue <= 1e10)
    answer = quote(profile, as_of=AS_OF, plan=PLAN)
    found = answer.open_questions
    assert {rule for one in found for rule in one.rules} == set(answer.ungraded)
    for one in found:
        if one.about == "insured":
            assert getattr(profile.insured, one.name) is None
        assert one.question == one.asked("en", lambda name: name.replace("_", " "))
    assert len({(one.about, one.name) for one in found}) == len(found)
    assert json.loads(answer.to_json())["open_questions"] == json.loads(json.dumps([_plain(one) for one in found]))


def _plain(one):
    return {name: getattr(one, name) for name in one.__slots__}


def test_questions_about_the_insured_are_whole_in_both_languages():
    for own in _texts().values():
        assert own["field"] in Insured.model_fields
        assert own["en"].endswith("?")
        assert own["zh"].endswith("\uff1f")
        assert ("{choices}" in own["en"]) == ("{choices}" in own["zh"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_asks(lang):
    profile = clinic()
    words = language(lang)
    page = render_report(profile, quote(profile, as_of=AS_OF), lang=lang)
    assert words("open_table") in page
    assert words("open_unguarded") in page
    assert ("payment processing" in page) if lang == "en" else ("支付处理" in page)
