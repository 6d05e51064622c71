"""A firm over time: steps between two scores add up, ageing never lowers one, alerts are told once and do not flap."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import (
    Insured,
    Observation,
    Profile,
    ProfileError,
    WatchState,
    explain_change,
    posture_at,
    quote,
    risk_score,
    signals,
    trajectory,
    watch,
)
from cyberscore.profile.history import known_at
from cyberscore.quoting.watch import CLEAR_DAYS
from strategies import AS_OF, insureds, profiles

PLAN = cyberscore.load_plan()
FIRM = Insured(naics="541110", country="US", annual_revenue=6e6)
rated_firms = insureds().filter(lambda one: 1e3 < one.annual_revenue < 1e11)
DAYS = (0, 1, 30, 90, 400, 800)


def day(ago):
    return AS_OF - timedelta(days=ago)


def see(name, value, ago=0, source="scan", **fields):
    return Observation(signal=name, value=value, observed_at=day(ago), source=source, **fields)


def firm(*observations, **fields):
    return Profile(insured=FIRM, observations=observations, **fields)


# --- what moved a score


@given(profiles(insured=FIRM, max_signals=6), st.sampled_from(DAYS), st.sampled_from(DAYS))
@settings(max_examples=12)
def test_steps_add_up_to_the_change(profile, one, other):
    then, now = day(max(one, other)), day(min(one, other))
    found = explain_change(profile, PLAN, then, now)
    assert found.score_then == pytest.approx(risk_score(known_at(profile, then), as_of=then, plan=PLAN), abs=1e-9)
    assert found.score_now == pytest.approx(risk_score(known_at(profile, now), as_of=now, plan=PLAN), abs=1e-9)
    assert sum(step.points for step in found.steps) == pytest.approx(found.change, abs=1e-9)
    assert sum(found.by_kind.values()) == pytest.approx(found.change, abs=1e-9)
    assert json.loads(json.dumps(found.to_dict()))["then"] == then.isoformat()


@given(rated_firms, rated_firms, profiles(insured=FIRM, max_signals=4), profiles(insured=FIRM, max_signals=4))
@settings(max_examples=10)
def test_two_profiles_of_two_firms_are_explained_as_well(first, second, one, other):
    then, now = day(30), AS_OF
    before, after = (p.model_copy(update={"insured": i}) for p, i in ((one, first), (other, second)))
    found = explain_change(after, PLAN, then, now, profile_then=before)
    assert found.score_then == pytest.approx(risk_score(known_at(before, then), as_of=then, plan=PLAN), abs=1e-9)
    assert found.score_now == pytest.approx(risk_score(after, as_of=now, plan=PLAN), abs=1e-9)
    assert sum(step.points for step in found.steps) == pytest.approx(found.change, abs=1e-9)


@given(profiles(insured=FIRM, max_signals=6), st.integers(0, 900))
@settings(max_examples=12)
def test_ageing_is_monotone(profile, days):
    found = explain_change(profile, PLAN, AS_OF, AS_OF + timedelta(days=days))
    assert {step.kind for step in found.steps} <= {"ageing", "lapse", "withdrawal"}
    for step in found.steps:
        if step.kind != "lapse" or signals()[step.signal].window_days is None:
            assert step.points >= -1e-9


def test_each_cause_has_its_step():
    tenant = cyberscore.Connection(name="tenant", kind="telemetry", withdrawn_at=day(5))
    profile = firm(
        see("mfa_email_coverage", 1.0, 100, "telemetry", connection="tenant"),
        see("backup_isolation", "offsite", 100, "audit"),
        see("assurance_level", "audited", 400, "audit"),
        see("exposed_rdp", 2, 10),
        sources=(tenant,),
    ).dispute(see("exposed_rdp", 2, 10), "not_ours", "a honeypot", at=day(3))
    old = PLAN
    new_firm = profile.model_copy(update={"insured": FIRM.model_copy(update={"annual_revenue": 9e6})})
    found = explain_change(new_firm, PLAN, day(60), AS_OF, profile_then=profile, plan_then=old)
    kinds = [step.kind for step in found.steps]
    assert list(dict.fromkeys(kinds)) == ["ageing", "lapse", "withdrawal", "observation", "dispute", "insured"]
    rdp = next(step for step in found.steps if step.kind == "observation")
    assert rdp.points > 0
    assert rdp.observation["value"] == 2
    assert next(step for step in found.steps if step.kind == "dispute").points == 0.0
    assert "6,000,000 USD became 9,000,000 USD" in found.steps[-1].text
    assert next(step for step in found.steps if step.kind == "lapse").signal == "assurance_level"


def test_a_change_of_plan_is_a_step(tmp_path):
    from cyberscore.rating.plan_file import PlanFiles

    files = PLAN.files
    tables = {**files.content["tables"]}
    tables["exposed_rdp"] = [[cell + 0.1 * (k > 0) for cell in row] for k, row in enumerate(tables["exposed_rdp"])]
    other = cyberscore.RatingPlan.from_files(PlanFiles({**files.content, "tables": tables}, files.others))
    found = explain_change(firm(see("exposed_rdp", 2, 90)), other, day(60), day(60), plan_then=PLAN)
    (step,) = found.steps
    assert step.kind == "plan"
    assert step.points == pytest.approx(found.change, abs=1e-9) != 0.0


def test_the_earlier_day_comes_first():
    with pytest.raises(ProfileError, match="then 2026-11-23 must not be after now 2026-11-22"):
        explain_change(firm(), PLAN, AS_OF, day(1))
    with pytest.raises(ProfileError, match="since 2026-11-23 must not be after now 2026-11-22"):
        watch({}, PLAN, since=AS_OF, now=day(1))


# --- a trajectory


@given(profiles(insured=FIRM, max_signals=4))
@settings(max_examples=6)
def test_a_trajectory_is_the_quotes_of_its_days(profile):
    found = trajectory(profile, PLAN, [AS_OF, day(90), AS_OF])
    assert [one.as_of for one in found.points] == [day(90), AS_OF]
    for one in found.points:
        answer = quote(known_at(profile, one.as_of), as_of=one.as_of, plan=PLAN)
        assert one.indicative_premium == answer.indicative_premium
        assert one.premium_low <= one.indicative_premium <= one.premium_high
        assert (one.band, one.decision) == (answer.band, answer.decision)
        assert one.observations == sum(o.observed_at.date() <= one.as_of for o in profile.observations)
    assert json.loads(json.dumps(found.to_dict()))["plan_id"] == PLAN.plan_id


@pytest.mark.parametrize("dates", [[], ["2026-11-23"], [datetime(2026, 11, 23, tzinfo=UTC)]])
def test_dates_must_be_dates(dates):
    with pytest.raises(ProfileError, match="dates must be dates"):
        trajectory(firm(), PLAN, dates)


def test_what_was_known_on_a_day():
    profile = firm(see("exposed_rdp", 2, 10), see("exposed_rdp", 0, 2))
    profile = profile.dispute(profile.observations[0], "fixed", "closed", at=day(3))
    assert known_at(profile, AS_OF) == profile
    assert known_at(profile, day(5)).observations == profile.observations[:1]
    assert known_at(profile, day(5)).disputes == ()
    assert known_at(profile, day(20)) == firm()


# --- alerts


def kinds(found):
    return [(one.name, one.kind, one.signal) for one in found.alerts]


def test_a_new_exposure_is_told_once():
    book = {"a": firm(see("exposed_rdp", 0, 40), see("exposed_rdp", 1, 3)), "b": firm(see("exposed_rdp", 1, 40))}
    first = watch(book, PLAN, since=day(20), now=AS_OF)
    assert ("a", "exposed", "exposed_rdp") in kinds(first)
    assert not [one for one in first.alerts if one.name == "b"]  # stood already
    assert watch(book, PLAN, since=day(20), now=AS_OF, state=first.state).alerts == ()


def test_an_exposure_that_comes_and_goes_does_not_flap():
    seen = [see("exposed_rdp", value, ago) for ago, value in ((40, 0), (30, 1), (25, 0), (20, 1), (15, 0), (0, 1))]
    state, told = None, []
    for ago in (30, 25, 20, 15, 0):
        found = watch({"a": firm(*seen)}, PLAN, since=day(35), now=day(ago), state=state)
        told.append([one.kind for one in found.alerts if one.kind == "exposed"])
        state = WatchState.from_dict(json.loads(json.dumps(found.state.to_dict())))
        assert state == found.state
    assert told == [["exposed"], [], [], [], []]
    clear = firm(*seen[:-1])
    found = watch({"a": clear}, PLAN, since=day(35), now=AS_OF + timedelta(days=CLEAR_DAYS), state=state)
    found = watch({"a": clear}, PLAN, since=day(35), now=AS_OF + timedelta(days=2 * CLEAR_DAYS), state=found.state)
    later = AS_OF + timedelta(days=2 * CLEAR_DAYS + 1)
    back = clear.with_observations(Observation(signal="exposed_rdp", value=1, observed_at=later, source="scan"))
    assert "exposed" in [a.kind for a in watch({"a": back}, PLAN, since=day(35), now=later, state=found.state).alerts]


def test_a_known_exploited_vulnerability_is_told_after_thirty_days():
    profile = firm(see("kev_open_external", 1, 31), see("kev_open_external", 2, 1))
    assert ("a", "known_exploited_open", "kev_open_external") in kinds(
        watch({"a": profile}, PLAN, since=day(5), now=AS_OF)
    )
    assert not kinds(watch({"a": profile}, PLAN, since=day(5), now=day(1)))
    closed = profile.with_observations(see("kev_open_external", 0, 0))
    assert not kinds(watch({"a": closed}, PLAN, since=day(5), now=AS_OF))


def test_required_evidence_that_lapses_is_told():
    half_lives = firm(see("mfa_email_coverage", 1.0, 300, "attestation"))
    found = watch({"a": half_lives}, PLAN, since=day(60), now=AS_OF)
    assert ("a", "evidence_lapsed", "mfa_email_coverage") in kinds(found)
    gone = firm(
        see("edr_coverage", 1.0, 10, "telemetry", connection="tenant"),
        sources=({"name": "tenant", "kind": "telemetry", "withdrawn_at": day(2)},),
    )
    assert ("a", "evidence_lapsed", "edr_coverage") in kinds(watch({"a": gone}, PLAN, since=day(5), now=AS_OF))


def test_a_band_that_rises_is_told_and_must_fall_by_the_margin_to_be_told_again():
    bad = [see(name, 3, 5) for name in ("exposed_rdp", "risky_services", "kev_open_external", "leaked_credentials_12m")]
    found = watch({"a": firm(*bad)}, PLAN, since=day(20), now=AS_OF)
    (up,) = [one for one in found.alerts if one.kind == "band_up"]
    assert up.before < up.after == found.state.bands["a"]
    assert up.score_change > 0
    assert not watch({"a": firm(*bad)}, PLAN, since=day(20), now=AS_OF + timedelta(days=1), state=found.state).alerts


@given(profiles(insured=FIRM, max_signals=6), st.sampled_from(DAYS))
@settings(max_examples=8)
def test_the_same_book_again_is_silent(profile, ago):
    found = watch([("a", profile)], PLAN, since=day(ago), now=AS_OF)
    assert watch([("a", profile)], PLAN, since=day(ago), now=AS_OF, state=found.state).alerts == ()
    assert watch([("a", profile)], PLAN, since=AS_OF, now=AS_OF).alerts == ()
    assert WatchState.from_dict(found.to_dict()["state"]) == found.state


def test_what_a_watch_refuses():
    with pytest.raises(ProfileError, match="the name 'a' comes twice"):
        watch([("a", firm()), ("a", firm())], PLAN, since=AS_OF, now=AS_OF)
    with pytest.raises(ProfileError, match="'a' must be a Profile; got dict"):
        watch({"a": {}}, PLAN, since=AS_OF, now=AS_OF)
    with pytest.raises(ProfileError, match=r"not what WatchState\.to_dict gives"):
        WatchState.from_dict({"bands": {"a": "Z"}})
    state = watch({}, PLAN, since=AS_OF, now=AS_OF).state
    with pytest.raises(ProfileError, match="the state is of 2026-11-23, after now 2026-11-22"):
        watch({}, PLAN, since=date(2026, 1, 1), now=day(1), state=state)


def test_a_posture_of_the_past_is_what_was_known_then():
    law = cyberscore.example("law_firm")
    law = law.model_copy(update={"insured": law.insured.model_copy(update={"application_signed_at": day(1)})})
    assert trajectory(law, PLAN, [day(90), AS_OF]).points[0].as_of == day(90)
    early = known_at(law, date(2026, 9, 1))
    assert posture_at(early, date(2026, 9, 1))
    assert all(one.observed_at.date() <= date(2026, 9, 1) for one in early.observations)
