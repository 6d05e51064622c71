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
from work import lines_run

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
        ("M.S.P.", "managed_service_provider"),
        ("Managed Services Provider (MSP)", "managed_service_provider"),
        ("IT外包", "managed_service_provider"),
        ("it 外包 服务", "managed_service_provider"),
        ("Gentlemen\u2019s Clubs", "adult"),
        ("Casino operator", "gambling"),
        ("national-lottery retailers", "gambling"),
        ("博 彩", "gambling"),
        ("博彩业", "gambling"),
        ("线上 博彩 平台", "gambling"),
        ("賭場", "gambling"),
        ("VASP", "crypto"),
        ("crypto-asset service providers", "crypto"),
        ("区块链技术公司", "crypto"),
        ("虛擬貨幣交易所", "crypto"),
        ("third-party collections", "debt_collection"),
        ("Debt Recovery Agency", "debt_collection"),
        ("催收公司", "debt_collection"),
        ("mobile payments", "payment_processing"),
        ("第三方支付公司", "payment_processing"),
        ("收单机构", "payment_processing"),
        ("CBD products", "cannabis"),
        ("Medical Marijuana", "cannabis"),
        ("工业大麻", "cannabis"),
    ],
)
def test_a_synonym_is_its_activity(word, name):
    assert plain_activities([word]) == (name,)


@pytest.mark.parametrize("before", ["", "online ", "Third-party ", "在线"])
@pytest.mark.parametrize("after", ["", " company", " services", " Service Providers", "公司", "服务平台"])
@pytest.mark.parametrize("name", ["adult", "cannabis", "crypto", "debt_collection", "gambling", "payment_processing"])
def test_words_around_an_activity_do_not_hide_it(before, name, after):
    assert plain_activities([f"{before}{name}{after}"]) == (name,)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("casino and crypto", ("gambling", "crypto")),
        ("Crypto & casinos", ("crypto", "gambling")),
        ("赌场和加密货币", ("gambling", "crypto")),
        ("赌场、催收", ("gambling", "debt_collection")),
        ("debt collection, payments; MSP", ("debt_collection", "payment_processing", "managed_service_provider")),
    ],
)
def test_a_text_may_hold_several_activities(told, names):
    assert plain_activities([told]) == names


@pytest.mark.parametrize(
    "told",
    [
        "garbage collection services", "adult education", "online shop", "legal services", "video gaming", "gaming",
        "dispensary", "casino and bakery", "web hosting", "payroll services", "service provider", "公司", "网络服务",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_not_taken_for_it(told):
    assert not set(plain_activities([told])) & set(screened_activities())
    with pytest.raises(ProfileError, match="unknown activity"):
        quoted({"business_activities": [told]})


@pytest.mark.parametrize("told", ["-", " . ", "。", "()"])
def test_a_text_without_a_word_is_refused_as_it_was_given(told):
    with pytest.raises(ProfileError) as caught:
        plain_activities([told])
    assert str(caught.value).startswith(f"{told!r} holds no word: name an activity, or give an empty list")


def test_one_text_in_place_of_a_list_is_refused_in_words_of_json():
    with pytest.raises(ProfileError, match=r"business_activities: input should be a list; got 'casino'"):
        firm_profile({"business_activities": "casino"})


@given(st.sampled_from(WORDS), st.sampled_from([str.upper, str.title, str.casefold]), st.sampled_from("- _"))
def test_case_and_separators_do_not_matter(pair, case, separator):
    name, word = pair
    assert plain_activities([separator.join(case(word).split())]) == (name,)
    assert plain_activities(plain_activities([word])) == (name,)


def test_none_in_words_is_none():
    for word in (*("none", "No", "N/A", "N.A.", "None of the above."), *("无", "无。", "無", "以上均无", "不适用")):
        assert plain_activities([word]) == ()
        assert firm_profile({"business_activities": [word]}).insured.business_activities == ()
    for told in (["none", "MSP"], ["MSP", "none"]):
        with pytest.raises(ProfileError, match="'none' says that there is none, but 'MSP' is given too: keep one"):
            plain_activities(told)
    with pytest.raises(ProfileError, match="'none, casino' says that there is none, but 'none, casino' is given too"):
        plain_activities(["none, casino"])


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


@pytest.mark.parametrize("told", ["线上" * 25 + "业" * 50, "online " * 7 + "services " * 5, "和".join("赌" * 50)])
def test_long_texts_are_looked_at_in_bounded_work(told):
    """Each word around an activity may be taken off at either end: not in every way, however many there are."""
    plain_activities(["casino"])  # the catalogue is read once
    assert lines_run(lambda: plain_activities([told])) < 10_000


def test_several_words_around_an_activity_are_looked_past():
    assert plain_activities(["licensed online third-party collections services"]) == ("debt_collection",)
