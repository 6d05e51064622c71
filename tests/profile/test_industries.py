"""NAICS codes of two editions, their parents and their sectors."""

import csv
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore.exceptions import ProfileError
from cyberscore.profile import industry, sectors
from cyberscore.profile.industries import nearest_industry, sector_prefixes

ROWS = list(csv.DictReader(files("cyberscore.profile").joinpath("naics.csv").read_text(encoding="utf-8").splitlines()))
CODES = [row["naics"] for row in ROWS]


def test_both_editions_are_there():
    assert sum(len(row["naics"]) == 6 and row["edition"] == "2022" for row in ROWS) == 1012
    assert sum(len(row["naics"]) == 6 and row["edition"] == "2017" for row in ROWS) == 139
    assert len(set(CODES)) == len(CODES)


def test_every_code_has_a_sector_and_its_own_title():
    for row in ROWS:
        found = industry(row["naics"])
        assert (found.naics, found.title) == (row["naics"], row["title"])
        assert found.sector in sectors()
    assert set(sector_prefixes().values()) == set(sectors())
    assert len(sectors()) == 15


@pytest.mark.parametrize(
    ("code", "sector"),
    [
        ("454110", "retail"),
        ("511210", "technology"),
        ("541511", "technology"),
        ("541110", "professional_services"),
        ("31", "manufacturing"),
        ("325412", "materials_and_staples"),
        ("334111", "technology"),
        ("339112", "manufacturing"),
        ("813110", "nonprofit"),
        ("811111", "other_services"),
        ("518210", "technology"),
        ("922120", "public_sector"),
    ],
)
def test_the_longest_prefix_decides(code, sector):
    assert industry(code).sector == sector


@given(st.sampled_from([code for code in CODES if len(code) == 5]), st.sampled_from("0123456789"))
def test_in_a_book_a_missing_code_falls_back_to_its_parent(parent, digit):
    code = parent + digit
    found = nearest_industry(code)
    assert found.naics == (code if code in CODES else parent)
    assert found.sector == industry(parent).sector


def test_how_far_a_code_falls_back_in_a_book():
    assert nearest_industry("621998").naics == "62199"
    assert nearest_industry("62177").naics == "621"


@given(st.from_regex("[0-9]{3,6}", fullmatch=True))
def test_a_firm_never_has_a_code_that_does_not_exist(code):
    if code in CODES:
        assert industry(code).naics == code
    else:
        with pytest.raises(ProfileError, match=f"unknown NAICS code '{code}'"):
            industry(code)


def test_a_code_that_does_not_exist_is_told_with_those_near_it():
    for code in ("561019", "56101"):  # the first a slip, the second restaurants in the United Kingdom's SIC
        with pytest.raises(ValueError, match="another system") as caught:
            cyberscore.Insured(naics=code, country="US", annual_revenue=1e6)
        assert "561 Administrative and Support Services; 561110 Office Administrative Services" in str(caught.value)
    with pytest.raises(
        cyberscore.ProfileError, match=r"insured\.naics: unknown NAICS code '621211'.*621210 Offices of D"
    ):
        cyberscore.Profile.from_dict({"insured": {"naics": "621211", "country": "US", "annual_revenue": 1e6}})


@pytest.mark.parametrize(
    ("told", "code", "sector"),
    [
        ("31-33", "31-33", "manufacturing"),
        ("44\u201345", "44-45", "retail"),
        (" 48 - 49 ", "48-49", "transport_and_wholesale"),
    ],
)
def test_ranges_of_the_edition_are_codes(told, code, sector):
    insured = cyberscore.Insured(naics=told, country="US", annual_revenue=1e6)
    assert (insured.naics, insured.sector) == (code, sector)
    assert insured.industry.title == industry(code[:2]).title
    pattern = cyberscore.Insured.model_json_schema()["properties"]["naics"]["pattern"]
    assert re.fullmatch(pattern, code)


@pytest.mark.parametrize("code", ["6212101", "6", "", "62a", "62.1", " 62", "31-34", "٦٢", "-62", "31-33-"])
def test_what_is_no_code_is_refused(code):
    for find in (industry, nearest_industry):
        with pytest.raises(ProfileError, match=r"naics must be a code of 2 to 6 digits as text, .*; got") as caught:
            find(code)
        assert repr(code) in str(caught.value)


def test_a_code_without_a_parent_is_refused():
    for find in (industry, nearest_industry):
        with pytest.raises(ProfileError, match=r"unknown NAICS code '629999'.*62 is Health Care and Social Assistance"):
            find("629999")
    with pytest.raises(ProfileError, match="unknown NAICS code '99'"):
        industry("99")
