"""Business activities: words in two languages, and industry codes that speak of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore.exceptions import ProfileError
from cyberscore.profile import industry
from cyberscore.profile.activities import (
    _catalogue,
    activities_of_industry,
    plain_activities,
    screened_activities,
)
from rule_firms import AS_OF, firm_profile, quoted

WORDS = [(name, word) for name, about in _catalogue().items() for word in (name, *about["words"])]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("MSP", "managed_service_provider"),
        ("crypto currency", "crypto"),
        ("Crypto-Currencies", "crypto"),
        ("online casino", "gambling"),
        ("Online  Casinos", "gambling"),
        ("加密货币", "crypto"),
        ("网络赌场", "gambling"),
        ("Collection Agencies", "debt_collection"),
        ("\uff2d\uff33\uff30", "managed_service_provider"),
        ("payment/processing", "payment_processing"),
    ],
)
def test_a_synonym_is_its_activity(word, name):
    assert plain_activities([word]) == (name,)


@given(st.sampled_from(WORDS), st.sampled_from([str.upper, str.title, str.casefold]), st.sampled_from("- _"))
def test_case_and_separators_do_not_matter(pair, case, separator):
    name, word = pair
    assert plain_activities([separator.join(case(word).split())]) == (name,)
    assert plain_activities(plain_activities([word])) == (name,)


def test_none_in_words_is_none():
    for word in ("none", "No", "N/A", "无"):
        assert plain_activities([word]) == ()
        assert firm_profile({"business_activities": [word]}).insured.business_activities == ()
    with pytest.raises(ProfileError, match="'none' says that there is none, but 'MSP' is given too: keep one"):
        plain_activities(["none", "MSP"])


def test_names_stand_once():
    assert plain_activities(["crypto", "Bitcoin", "gambling"]) == ("crypto", "gambling")


@pytest.mark.parametrize("word", ["bakery", "web design", "managed", "网页设计"])
def test_an_unknown_word_is_refused_with_the_known_ones(word):
    profile = firm_profile({"business_activities": ["gambling", word]})
    for ask in (cyberscore.quote, cyberscore.risk_score):
        with pytest.raises(ProfileError) as caught:
            ask(profile, as_of=AS_OF)
        assert f"business_activities[1]: unknown activity {profile.insured.business_activities[1]!r}" in str(
            caught.value
        )
        assert all(name in str(caught.value) for name in screened_activities())
    with pytest.raises(ProfileError, match=r"unknown activity 'gambing', did you mean gambling\?"):
        quoted({"business_activities": ["gambing"]})


def test_codes_of_the_catalogue_exist():
    for about in _catalogue().values():
        for code in about["naics"]:
            assert industry(code).naics == code


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("713210", ("gambling",)),
        ("713290", ("gambling",)),
        ("721120", ("gambling",)),
        ("7132", ("gambling",)),
        ("522320", ("payment_processing",)),
        ("561440", ("debt_collection",)),
        ("541513", ("managed_service_provider",)),
        ("523160", ("crypto",)),
        ("523130", ("crypto",)),
        ("713", ()),
        ("721110", ()),
        ("541512", ()),
        ("31-33", ()),
    ],
)
def test_industry_codes_speak(code, names):
    assert activities_of_industry(code) == names
    for declared in (cyberscore.example("dental_clinic").insured.business_activities, None):
        answer = quoted({"naics": code, "business_activities": declared})
        assert (answer.decision == "refer") is bool(names)
        contradicted = bool(names) and declared is not None
        assert ("U02-undeclared" in answer.failed) is contradicted
    if names:
        told = quoted({"naics": code, "business_activities": names})
        assert told.decision == "refer"
        assert "U02-undeclared" in told.passed


def test_what_is_not_answered_is_asked_before_binding():
    answer = quoted({"business_activities": None})
    assert answer.decision == "quote_with_contingencies"
    assert [(one.when, one.rule) for one in answer.subjectivities] == [("pre_bind", "U02")]
    assert [one.name for one in answer.open_questions] == ["business_activities"]
