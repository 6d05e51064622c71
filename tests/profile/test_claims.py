"""What statements on claims say together: bounds as narrow as can be, and contradictions told with a remedy."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Insured, Profile, ProfileError
from cyberscore.profile.bounds import LEAST, Between

FIRM = {"naics": "541110", "country": "US", "annual_revenue": 2e6}
FIELDS = ("claims_12m", "claims_36m", "largest_claim_36m")
COUNTS, AMOUNTS = range(6), (0.0, 1.0, 25_000.0, 1e6)


def consistent(recent, every, largest):
    """Whether three statements can all be true: the 36 months hold the 12, and a claim costs something."""
    return recent <= every and (every == 0) == (largest == 0.0)


EVERYTHING = [one for one in product(COUNTS, COUNTS, AMOUNTS) if consistent(*one)]
SOME = [None, *COUNTS[:5]]


@pytest.mark.parametrize("told", list(product(SOME, SOME, (None, 0.0, 25_000.0))))
def test_what_is_known_holds_all_that_can_be_true_and_no_more(told):
    possible = [one for one in EVERYTHING if all(a is None or a == b for a, b in zip(told, one, strict=True))]
    given_fields = {name: value for name, value in zip(FIELDS, told, strict=True) if value is not None}
    if not possible:
        with pytest.raises(ProfileError, match=r"claims?_(12|36)m"):
            Profile.from_dict({"insured": {**FIRM, **given_fields}})
        return
    insured = Profile.from_dict({"insured": {**FIRM, **given_fields}}).insured
    for position, (name, stated) in enumerate(zip(FIELDS, told, strict=True)):
        known = getattr(insured, f"{name}_known")
        values = {one[position] for one in possible}
        every = set(AMOUNTS) if position == 2 else set(COUNTS)
        if stated is not None:
            assert known == stated
        elif known is None:
            assert values == every, f"{name}: {known} although only {values} can be"
        elif isinstance(known, Between):
            assert values == {value for value in every if known.low <= value <= known.high} != every
        else:
            assert values == {known}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"claims_12m": 2, "claims_36m": 1}, "claims_12m 2 exceeds claims_36m 1: the 36 months hold the 12"),
        ({"claims_36m": 0, "largest_claim_36m": 5}, "largest_claim_36m is 5 although claims_36m is 0: correct one of"),
        (
            {"claims_36m": 2, "largest_claim_36m": 0},
            "largest_claim_36m 0 says that there was no claim, although claims_36m is 2: give the cost of the largest",
        ),
        (
            {"claims_12m": 1, "largest_claim_36m": 0},
            "although claims_12m is 1: give the cost of the largest claim, or leave largest_claim_36m out while it is",
        ),
    ],
)
def test_contradictions_are_told_with_a_remedy(told, message):
    with pytest.raises(ProfileError) as raised:
        Profile.from_dict({"insured": {**FIRM, **told}})
    assert message in str(raised.value)


def test_profiles_that_contradict_each_other_on_claims_are_not_merged():
    """Each is sound alone, and neither says anything else of a field than the other."""
    one, other = (Profile.from_dict({"insured": {**FIRM, **own}}) for own in ({"claims_12m": 5}, {"claims_36m": 2}))
    with pytest.raises(ProfileError, match=r"profile: insured: claims_12m 5 exceeds claims_36m 2"):
        one.merge(other)


@given(st.integers(0, 10**6), st.sampled_from((0, 1, 7)))
def test_counts_of_any_size_bound_each_other(count, more):
    twelve, all_of_them = Insured(**FIRM, claims_12m=count), Insured(**FIRM, claims_36m=count + more)
    assert twelve.claims_36m_known == (Between(count) if count else None)
    assert all_of_them.claims_12m_known == (Between(0, count + more) if count + more else 0)
    assert all_of_them.largest_claim_36m_known == (Between(LEAST) if count + more else 0.0)


def test_bounds_stay_out_of_the_profile():
    """What follows from an answer is not stored: the profile says what it was told."""
    profile = Profile.from_dict({"insured": {**FIRM, "claims_12m": 5}})
    assert set(profile.to_dict()["insured"]) == {*FIRM, "claims_12m"}
    assert cyberscore.Profile.from_json(profile.to_json()) == profile
