"""Merging profiles of one firm: the same whatever the order, once or twice; and disputes of what they hold."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cyberscore import Insured, Observation, Profile, ProfileError, posture_at
from strategies import AS_OF, is_favourable, profiles

FIRM = Insured(naics="541110", country="US", annual_revenue=2e6)


def see(name, value, days_ago=0, source="telemetry", **fields):
    return Observation(signal=name, value=value, observed_at=AS_OF - timedelta(days=days_ago), source=source, **fields)


def disputed(profile, index=0, kind="false_positive", at=AS_OF):
    return profile.dispute(profile.observations[index], kind, "we think not", at=at)


@st.composite
def parts_of_a_firm(draw):
    """A few profiles of one firm, with shared observations, some connections withdrawn and some findings disputed."""
    found = draw(st.lists(profiles(insured=FIRM), min_size=2, max_size=3))
    everything = [one for part in found for one in part.observations]
    if everything:
        shared = draw(st.lists(st.sampled_from(everything), max_size=4))
        found = [part.with_observations(*shared) for part in found]
    return [
        disputed(part, index, draw(st.sampled_from(("fixed", "accepted_risk"))))
        if (index := _finding_in(part)) is not None and draw(st.booleans())
        else part
        for part in found
    ]


def _finding_in(profile):
    adverse = [i for i, one in enumerate(profile.observations) if _is_finding(one)]
    return adverse[0] if adverse else None


def _is_finding(one):
    from cyberscore import signals

    return not signals()[one.signal].is_context and not is_favourable(one)


@given(parts_of_a_firm(), st.data())
@settings(max_examples=30)
def test_order_and_repetition_change_nothing(parts, data):
    first, *rest = parts
    merged = first.merge(*rest)
    shuffled = data.draw(st.permutations([*parts, *data.draw(st.lists(st.sampled_from(parts), max_size=2))]))
    other = shuffled[0].merge(*shuffled[1:])
    assert other == merged
    assert other.to_json() == merged.to_json()
    assert merged.merge(merged, first) == merged
    step_by_step = first
    for one in rest:
        step_by_step = step_by_step.merge(one)
    assert step_by_step == merged
    assert set(merged.observations) == {one for part in parts for one in part.observations}
    assert len(set(merged.observations)) == len(merged.observations)
    assert Profile.from_json(merged.to_json()) == merged


@given(parts_of_a_firm())
@settings(max_examples=40)
def test_a_withdrawal_is_kept_from_its_earliest_date(parts):
    merged = parts[0].merge(*parts[1:])
    for one in merged.sources:
        dates = [s.withdrawn_at for part in parts for s in part.sources if s.name == one.name and s.withdrawn_at]
        assert one.withdrawn_at == min(dates, default=None)


def test_what_one_leaves_open_another_fills_in():
    bare = Profile(insured=FIRM)
    fuller = Profile(insured=FIRM.model_copy(update={"employee_count": 12, "business_activities": ("b", "a")}))
    merged = bare.merge(fuller)
    assert (merged.insured.employee_count, merged.insured.business_activities) == (12, ("a", "b"))
    assert fuller.merge(bare) == merged


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"annual_revenue": 3e6}, "insured.annual_revenue differs: 2000000.0 and 3000000.0: say which is right"),
        ({"currency": "EUR"}, "insured.currency differs: 'EUR' and 'USD'"),
        ({"naics": "621210"}, "insured.naics differs: '541110' and '621210'"),
    ],
)
def test_conflicting_insured_data_is_refused_with_both_values(change, told):
    one, other = Profile(insured=FIRM), Profile(insured=FIRM.model_copy(update=change))
    for first, second in ((one, other), (other, one)):
        with pytest.raises(ProfileError, match=told):
            first.merge(second)


def test_a_connection_has_one_kind():
    one = Profile(insured=FIRM, sources=({"name": "tenant", "kind": "telemetry"},))
    other = Profile(insured=FIRM, sources=({"name": "tenant", "kind": "scan"},))
    with pytest.raises(ProfileError, match="sources: 'tenant' is scan and telemetry: give different connections"):
        one.merge(other)
    with pytest.raises(ProfileError, match="merge: profiles are wanted; got dict"):
        one.merge({})


def test_one_and_one_point_zero_are_one_observation():
    one, other = (Profile(insured=FIRM, observations=(see("edr_coverage", v),)) for v in (1, 1.0))
    assert one.observations[0].digest == other.observations[0].digest
    assert one.merge(other).to_json() == other.merge(one).to_json()
    assert len(one.merge(other).observations) == 1


# --- disputes


def test_a_dispute_is_on_record_and_changes_no_weight():
    profile = Profile(insured=FIRM, observations=(see("edr_coverage", 0.01, 3),))
    found = disputed(profile)
    assert posture_at(found, AS_OF).mixtures == posture_at(profile, AS_OF).mixtures
    assert Profile.from_json(found.to_json()) == found
    assert found != profile
    assert hash(found) != hash(profile)
    assert disputed(found) == found
    assert found.with_observations(see("exposed_rdp", 0, source="scan")).disputes == found.disputes
    assert found.without(lambda one: one.signal == "edr_coverage").disputes == ()
    assert profile.dispute(profile.observations[0].digest, "fixed", "x", at="2026-11-23").disputes[0].at == AS_OF


@pytest.mark.parametrize(
    ("index", "fields", "told"),
    [
        (1, {}, r"edr_vendor|mail_platform is an exposure or a category, not a finding"),
        (2, {}, "mfa_email_coverage = 1.0 speaks for the insured: only a finding can be disputed"),
        (0, {"at": date(2026, 11, 1)}, "at 2026-11-01 is before edr_coverage was observed, 2026-11-20"),
        (0, {"kind": "wrong"}, "dispute: kind"),
        (0, {"note": " "}, "dispute: note"),
        (0, {"at": "soon"}, "dispute: at: a date in ISO 8601 is wanted"),
    ],
)
def test_what_cannot_be_disputed_is_told(index, fields, told):
    seen = (see("edr_coverage", 0.01, 3), see("mail_platform", "google", 0, "scan"), see("mfa_email_coverage", 1.0))
    profile = Profile(insured=FIRM, observations=seen)
    with pytest.raises(ProfileError, match=told):
        profile.dispute(seen[index], **{"kind": "fixed", "note": "so it is", "at": AS_OF, **fields})


def test_only_what_the_profile_holds_can_be_disputed():
    with pytest.raises(ProfileError, match="is none of the profile's: give the digest of one of them"):
        Profile(insured=FIRM).dispute(see("edr_coverage", 0.01), "fixed", "x", at=AS_OF)
    with pytest.raises(ProfileError, match="observation must be an Observation or its digest; got 3"):
        Profile(insured=FIRM).dispute(3, "fixed", "x", at=AS_OF)


@given(profiles(insured=FIRM), st.data())
@settings(max_examples=30)
def test_any_finding_can_be_disputed_and_survives_json(profile, data):
    findings = [one for one in profile.observations if _is_finding(one)]
    assume(findings)
    one = data.draw(st.sampled_from(findings))
    found = profile.dispute(one, "not_ours", "x", at=AS_OF)
    assert Profile.from_json(found.to_json()) == found
