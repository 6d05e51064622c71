"""NAICS codes of two editions, their parents and their sectors."""

import csv
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore.exceptions import ProfileError
from cyberscore.profile import industry, sectors
from cyberscore.profile.industries import sector_prefixes

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
def test_a_missing_code_falls_back_to_its_parent(parent, digit):
    code = parent + digit
    found = industry(code)
    assert found.naics == (code if code in CODES else parent)
    assert found.sector == industry(parent).sector


def test_how_far_a_code_falls_back():
    assert industry("621998").naics == "62199"
    assert industry("62177").naics == "621"


@pytest.mark.parametrize("code", ["6212101", "6", "", "62a", "62.1", " 62", "31-33", "٦٢", "-62"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(
        ProfileError, match="naics must be a code of 2 to 6 digits as text, such as '621210'; got"
    ) as caught:
        industry(code)
    assert repr(code) in str(caught.value)


def test_a_code_without_a_parent_is_refused():
    with pytest.raises(ProfileError, match=r"unknown NAICS code '629999'.*62 is Health Care and Social Assistance"):
        industry("629999")
    with pytest.raises(ProfileError, match="unknown NAICS code '99'"):
        industry("99")
