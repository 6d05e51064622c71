"""A firm's posture at a date: whole profiles, withdrawn connections, and the value that rules read."""

import math
from datetime import date, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Connection, Observation, Profile, posture_at, signals
from cyberscore.profile.evidence import mixture_at
from cyberscore.profile.signals import NOT_APPLICABLE
from strategies import AS_OF, SIGNED, Move, examples, is_favourable, moves, profiles

INSURED = {"naics": "621210", "country": "US", "annual_revenue": 5e6}
TIED = [about.name for about in signals().values() if about.may_not_apply or about.is_context]
INDEX = {name: index for index, name in enumerate(signals())}


def profile_of(*observations, sources=()):
    return Profile(insured=INSURED, observations=observations, sources=sources)


def see(name, value, days_ago=0, source="attestation", **fields):
    return Observation(signal=name, value=value, observed_at=AS_OF - timedelta(days=days_ago), source=source, **fields)


def cumulative(about, mixture):
    found = [0.0] * about.n_codes
    for code, weight in mixture:
        found[code] += weight
    return list(accumulate(found))


def riskier_signals(one, other, among=SIGNED):
    """Signals whose mixture in `one` lies, somewhere, on the risky side of that in `other`."""
    return [
        about.name
        for about in among
        if any(
            a < b - 1e-12
            for a, b in zip(
                cumulative(about, one.mixtures[INDEX[about.name]]),
                cumulative(about, other.mixtures[INDEX[about.name]]),
                strict=True,
            )
        )
    ]


def place(posture, about):
    """Place of the value that rules read, riskier is higher: favourable values, unknown, adverse values."""
    value = posture.rule_value(INDEX[about.name], about)
    if value is None:
        return (about.unknown, 0.0)
    if value == NOT_APPLICABLE:
        return (0, math.inf)
    if isinstance(value, str):
        return (about.code(value), 0.0)
    return (about.code(value), -value if about.safer == "higher" else value)


def riskier_rule_values(one, other, among=SIGNED):
    return [about.name for about in among if place(one, about) > place(other, about)]


def is_unsaid(one):
    """Not applicable on the insured's word alone."""
    return one.value == "not_applicable" and one.source == "attestation"


# --- what holds for every profile


@given(profiles(max_signals=8))
def test_a_posture_is_the_mixture_of_each_signal(profile):
    posture = posture_at(profile, AS_OF)
    gone = {one.name for one in profile.sources if one.withdrawn_at is not None and one.withdrawn_at <= AS_OF}
    assert [state.signal.name for state in posture] == list(signals())
    for about, mixture, state in zip(signals().values(), posture.mixtures, posture, strict=True):
        mine = [one.prepared for one in profile.observations if one.signal == about.name and one.connection not in gone]
        unsaid = [one for one in profile.observations if one.signal == about.name and is_unsaid(one)]
        assert sum(weight for _, weight in mixture) == pytest.approx(1.0, abs=1e-12)
        assert all(0 <= weight <= 1 for _, weight in mixture)
        assert state == posture[about.name]
        assert state.mixture == mixture
        if not unsaid and len(mine) == sum(one.signal == about.name for one in profile.observations):
            assert mixture == mixture_at(about, mine, AS_OF.toordinal())


@given(profiles() | profiles(names=TIED), st.data())
def test_order_does_not_matter(profile, data):
    shuffled = profile.model_copy(update={"observations": tuple(data.draw(st.permutations(profile.observations)))})
    one, other = posture_at(profile, AS_OF), posture_at(shuffled, AS_OF)
    assert one.mixtures == other.mixtures
    for about, ours, theirs in zip(signals().values(), one, other, strict=True):
        told = [(s.status, s.value, s.weight, s.age_days, s.contradicted) for s in (ours, theirs)]
        assert told[0] == told[1]
        assert one.rule_value(INDEX[about.name], about) == other.rule_value(INDEX[about.name], about)


@given(profiles(), st.data())
def test_duplicates_change_nothing(profile, data):
    assume(profile.observations)
    twice = profile.observations + tuple(data.draw(st.lists(st.sampled_from(profile.observations), min_size=1)))
    one, other = (
        posture_at(profile, AS_OF),
        posture_at(profile.model_copy(update={"observations": twice}), AS_OF),
    )
    for about, ours, theirs in zip(signals().values(), one, other, strict=True):
        assert cumulative(about, ours.mixture) == cumulative(about, theirs.mixture)
        assert (ours.status, ours.value, ours.contradicted) == (
            theirs.status,
            theirs.value,
            theirs.contradicted,
        )
        assert one.rule_value(INDEX[about.name], about) == other.rule_value(INDEX[about.name], about)


@given(moves(max_signals=2))
@examples(80)
def test_an_improvement_is_never_riskier(move: Move):
    before, after = posture_at(move.before, AS_OF), posture_at(move.after, AS_OF)
    event(f"{move.kind}: {'changed' if move.before != move.after else 'the same'}")
    assert riskier_signals(after, before) == []
    assert riskier_rule_values(after, before) == []


@given(profiles(max_signals=2), st.integers(0, 900))
@examples(60)
def test_time_alone_is_never_safer(profile, more):
    among = [about for about in SIGNED if about.window_days is None]
    now, later = posture_at(profile, AS_OF), posture_at(profile, AS_OF + timedelta(days=more))
    assert riskier_signals(now, later, among) == []
    assert riskier_rule_values(now, later, among) == []


@given(profiles(max_signals=2), st.data())
@examples(60)
def test_withdrawing_a_connection_never_helps(profile, data):
    connected = profile.model_copy(
        update={"sources": tuple(one.model_copy(update={"withdrawn_at": None}) for one in profile.sources)}
    )
    before, after = posture_at(connected, AS_OF), posture_at(profile, AS_OF)
    assert riskier_signals(before, after) == []
    assert riskier_rule_values(before, after) == []


@given(profiles(max_signals=2))
@examples(60)
def test_a_withdrawn_connection_is_worth_no_more_than_none(profile):
    """What it said in favour counts for nothing; what it said against still stands."""
    gone = {one.name for one in profile.sources if one.withdrawn_at is not None and one.withdrawn_at <= AS_OF}
    kept = tuple(one for one in profile.observations if one.connection not in gone or not is_favourable(one))
    never = profile.model_copy(update={"observations": kept})
    one, other = posture_at(profile, AS_OF), posture_at(never, AS_OF)
    assert all(one.mixtures[INDEX[about.name]] == other.mixtures[INDEX[about.name]] for about in SIGNED)


@given(profiles(max_signals=3))
def test_states_tell_what_the_mixture_says(profile):
    for state in posture_at(profile, AS_OF):
        about, head = state.signal, state.mixture[0][0]
        if state.status in {"unknown", "unanswered"}:
            wanted = about.unknown if state.status == "unknown" else about.unanswered
            assert state.mixture == ((wanted, 1.0),)
            assert (state.value, state.weight, state.observation, state.age_days) == (None, 0.0, None, None)
            assert state.status == "unknown" or about.required
            continue
        assert (state.status == "context") == about.is_context
        assert state.age_days == (AS_OF - state.observation.observation.observed_at.date()).days
        if state.status == "adverse":
            assert head > about.unknown
        elif not about.is_context:
            assert head <= about.unknown
        if state.status == "not_applicable":
            assert state.value == NOT_APPLICABLE
        assert state.weight <= 1 - dict(state.mixture).get(about.unknown, 0.0) + 1e-12


# --- examples


def test_nothing_known():
    posture = posture_at(profile_of(), AS_OF)
    for state in posture:
        assert state.status == ("unanswered" if state.signal.required else "unknown")
        assert state.mixture == ((state.signal.unanswered, 1.0),)
        assert posture.rule_value(INDEX[state.signal.name], state.signal) is None


def test_observed_good_observed_bad_unknown_and_not_applicable_differ():
    posture = posture_at(
        profile_of(
            see("mfa_email_coverage", 1.0),
            see("edr_coverage", 0.0),
            see("payment_verification", NOT_APPLICABLE, source="document"),
            see("mfa_remote_coverage", NOT_APPLICABLE),
            see("malware_beacons_90d", 2, 100, "scan"),
            see("mail_platform", "google", 700, "scan"),
        ),
        AS_OF,
    )
    told = {state.signal.name: (state.status, state.weight) for state in posture if state.observation}
    assert told == {
        "mfa_email_coverage": ("favourable", 0.5),
        "edr_coverage": ("adverse", 0.95),
        "mail_platform": ("context", 0.9),
        "payment_verification": ("not_applicable", 0.75),
    }
    assert posture["malware_beacons_90d"].status == "unknown"  # it was asked, and its events are long past
    assert posture["mfa_admin_coverage"].status == "unanswered"
    assert posture["mfa_remote_coverage"].status == "unanswered"  # not applicable, on the insured's word alone


@pytest.mark.parametrize(
    ("sightings", "value", "contradicted"),
    [
        ([see("edr_coverage", 0.9)], 0.9, False),
        ([see("edr_coverage", 0.9, 121)], None, False),  # half of .5, and a day more: too little to rely on
        ([see("edr_coverage", 0.9, 121, "telemetry")], 0.9, False),
        ([see("edr_coverage", 0.9), see("edr_coverage", 0.7, source="telemetry")], 0.9, True),
        ([see("edr_coverage", 0.9, 400), see("edr_coverage", 0.7, source="telemetry")], 0.7, False),
        ([see("edr_coverage", 0.9), see("edr_coverage", 0.02, 9, "telemetry")], 0.02, True),
        ([see("edr_coverage", 0.01), see("edr_coverage", 0.04)], 0.01, False),
        ([see("edr_coverage", 0.9), see("edr_coverage", 0.02, 9)], 0.9, False),  # the firm says that it was mended
        ([see("edr_coverage", 0.9), see("edr_coverage", 0.02)], 0.02, True),
    ],
)
def test_what_rules_read(sightings, value, contradicted):
    for observations in (sightings, sightings[::-1]):
        posture = posture_at(profile_of(*observations), AS_OF)
        assert posture.rule_value(INDEX["edr_coverage"], signals()["edr_coverage"]) == value
        assert posture["edr_coverage"].contradicted == contradicted


def test_rules_read_what_was_seen_rather_than_not_applicable():
    seen = [
        see("payment_verification", "dual_approval_and_callback"),
        see("payment_verification", NOT_APPLICABLE, source="audit"),
    ]
    about = signals()["payment_verification"]
    for observations in (seen, seen[::-1]):
        assert posture_at(profile_of(*observations), AS_OF).rule_value(INDEX[about.name], about) == about.levels[0]


def test_a_withdrawn_connection_keeps_its_adverse_findings():
    tenant = Connection(name="tenant", kind="telemetry", withdrawn_at=AS_OF)
    profile = profile_of(
        see("edr_coverage", 0.99, 3, "telemetry", connection="tenant"),
        see("mfa_email_coverage", 0.1, 3, "telemetry", connection="tenant"),
        sources=(tenant,),
    )
    the_day_before = posture_at(profile, AS_OF - timedelta(days=1))
    assert [the_day_before[name].status for name in ("edr_coverage", "mfa_email_coverage")] == [
        "favourable",
        "adverse",
    ]
    posture = posture_at(profile, AS_OF)
    assert [posture[name].status for name in ("edr_coverage", "mfa_email_coverage")] == [
        "unanswered",
        "adverse",
    ]


@pytest.mark.parametrize("as_of", ["2026-11-23", datetime(2026, 11, 23), None, 20261123])  # noqa: DTZ001
def test_as_of_must_be_a_date(as_of):
    with pytest.raises(ProfileError, match=r"as_of must be a date, such as datetime\.date"):
        posture_at(profile_of(), as_of)


def test_observations_of_the_future_are_refused():
    profile = profile_of(see("edr_coverage", 0.9, 2), see("exposed_rdp", 0, 0, "scan"))
    assert posture_at(profile, AS_OF)
    with pytest.raises(
        ProfileError,
        match=r"observations\[1\] \(exposed_rdp\) was observed at 2026-11-23, after as_of 2026-11-22",
    ):
        posture_at(profile, date(2026, 11, 22))


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(ProfileError, match="did you mean 'edr_coverage'"):
        posture_at(profile_of(), AS_OF)["edr_coverge"]
