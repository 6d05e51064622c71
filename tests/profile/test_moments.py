"""Days are those of the zone that a moment is told in, and everything that compares a moment with a day agrees."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Insured, Observation, Profile, ProfileError, quote, readers
from cyberscore.cli import common
from cyberscore.profile.history import known_at
from cyberscore.profile.moments import end_of, moment_told, quarters_west, with_own_day
from strategies import AS_OF, examples, profiles

FIRM = Insured(naics="541110", country="US", annual_revenue=2e6)
EVENING = "2026-11-23T21:30:00-05:00"
offsets = st.integers(-48, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
times = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001  a wall clock has no zone


def see(name, value, moment, source="scan", **fields):
    return Observation(signal=name, value=value, observed_at=moment, source=source, **fields)


def firm(*observations, **fields):
    return Profile(insured=FIRM, observations=observations, **fields)


# --- what a moment is


@pytest.mark.parametrize(
    ("told", "kept", "day"),
    [
        ("2026-11-23", "2026-11-23T00:00:00Z", 23),
        ("2026-11-23T21:30:00Z", "2026-11-23T21:30:00Z", 23),
        ("2026-11-23T21:30:00-05:00", "2026-11-23T21:30:00-05:00", 23),
        ("2026-11-24T02:30:00Z", "2026-11-24T02:30:00Z", 24),
        ("2026-11-23T18:30:00-05:00", "2026-11-23T23:30:00Z", 23),
        ("2026-11-24T06:00:00+08:00", "2026-11-24T06:00:00+08:00", 24),
        ("2026-11-24T09:00:00+08:00", "2026-11-24T01:00:00Z", 24),
        ("2026-11-23T23:45:00-03:30", "2026-11-23T23:45:00-03:30", 23),
        ("2026-11-24T13:00:00+14:00", "2026-11-24T13:00:00+14:00", 24),
    ],
)
def test_a_moment_is_kept_in_utc_unless_its_own_day_is_another(told, kept, day):
    one = see("exposed_rdp", 0, told)
    assert one.observed_at.date() == date(2026, 11, day)
    assert one.model_dump(mode="json")["observed_at"] == kept
    assert one.observed_at == datetime.fromisoformat(told if "T" in told else f"{told}T00:00:00+00:00")


@example(datetime(2026, 11, 23, 23, 30), timezone(timedelta(hours=-5)))  # noqa: DTZ001
@given(times, offsets)
def test_day_and_instant_survive_everything(wall, zone):
    moment = wall.replace(tzinfo=zone)
    one = see("exposed_rdp", 0, moment)
    assert (one.observed_at, one.observed_at.date()) == (moment, wall.date())
    assert one.prepared.day == wall.date().toordinal()
    assert one.prepared.moment == moment.timestamp()
    again = Observation.model_validate_json(one.model_dump_json())
    assert again == one
    assert again.model_dump_json() == one.model_dump_json()
    assert (again.digest, hash(again)) == (one.digest, hash(one))
    assert with_own_day(one.observed_at) == one.observed_at


@given(times, offsets, offsets)
def test_moments_are_the_same_where_instant_and_day_are(wall, zone, other):
    first = see("exposed_rdp", 0, wall.replace(tzinfo=zone))
    second = see("exposed_rdp", 0, wall.replace(tzinfo=zone).astimezone(other))
    same = first.observed_at.date() == second.observed_at.date()
    assert (first == second) == (first.digest == second.digest) == same
    assert len(firm(first).with_observations(second).observations) == (1 if same else 2)
    assert (moment_told(first.observed_at) == moment_told(second.observed_at)) == same


@given(times)
def test_digests_of_moments_in_utc_are_what_they_were(wall):
    moment = wall.replace(tzinfo=UTC)
    one = see("exposed_rdp", 2, moment)
    text = json.dumps(["exposed_rdp", 2.0, moment.isoformat(), "scan", None, None, None, None], ensure_ascii=True)
    assert one.digest == hashlib.sha256(text.encode()).hexdigest()[:32]


@given(times, st.lists(offsets, min_size=2, max_size=4))
def test_merging_does_not_depend_on_the_order_of_zones(wall, zones):
    instant = wall.replace(tzinfo=zones[0])
    parts = [firm(see("exposed_rdp", 0, instant.astimezone(zone))) for zone in zones]
    merged = {parts[k].merge(*(parts[j] for j in order)).to_json() for k, *order in permutations(range(len(parts)))}
    assert len(merged) == 1


# --- days compared


def test_an_evening_in_the_americas_is_today():
    finding = see("exposed_rdp", 2, EVENING)
    answer = quote(firm(finding), as_of=AS_OF)
    assert answer.decision == "quote_with_contingencies"
    with pytest.raises(ProfileError, match=r"observations\[0\] .* at 2026-11-23, after as_of 2026-11-22"):
        quote(firm(finding), as_of=AS_OF - timedelta(days=1))
    in_utc = see("exposed_rdp", 2, "2026-11-24T02:30:00Z")
    with pytest.raises(ProfileError, match=r"at 2026-11-24, after as_of 2026-11-23"):
        quote(firm(in_utc), as_of=AS_OF)
    assert finding != in_utc


def test_a_morning_in_asia_is_not_yesterday():
    early = see("exposed_rdp", 2, "2026-11-24T06:00:00+08:00")
    with pytest.raises(ProfileError, match=r"at 2026-11-24, after as_of 2026-11-23"):
        quote(firm(early), as_of=AS_OF)
    assert cyberscore.posture_at(firm(early), AS_OF + timedelta(days=1))["exposed_rdp"].age_days == 0


def numbers(answer, *, improvements):
    """Everything in a quote but how its input is written."""
    found = answer.to_dict()
    del found["input_digest"]
    for name in ("contradictions", "other_evidence"):  # which of several like observations is shown, is by digest
        found[name] = [(one["signal"], one["relation"], one["counts"], one["earned_points"]) for one in found[name]]
    for one in found["improvements"]:
        del one["observation"]
    if not improvements:
        del found["improvements"]
    return found


@examples(30)
@given(profiles(insured=FIRM, max_signals=6), offsets)
def test_another_zone_with_the_same_local_days_changes_no_quote(profile, zone):
    """West of UTC no improvement changes either; east of it the last second of a day is before that of UTC."""
    moved = profile.model_copy(
        update={
            "observations": tuple(
                Observation.model_validate(
                    {**one.model_dump(), "observed_at": one.observed_at.replace(tzinfo=zone).isoformat()}
                )
                for one in profile.observations
            )
        }
    )
    west = zone.utcoffset(None) <= timedelta(0)
    before, after = (numbers(quote(one, as_of=AS_OF), improvements=west) for one in (profile, moved))
    assert after == before
    assert known_at(moved, AS_OF - timedelta(days=60)).observations == tuple(
        one for one in moved.observations if one.prepared.day <= AS_OF.toordinal() - 60
    )


def test_an_event_of_the_same_evening_is_not_after_it():
    one = see("restore_test_age_days", None, EVENING, "document", occurred_at="2026-11-23")
    assert one.observed_at.date() == one.occurred_at
    with pytest.raises(ValueError, match="occurred_at 2026-11-24 is after observed_at 2026-11-23"):
        Observation.model_validate({**one.model_dump(), "occurred_at": "2026-11-24"})


def test_a_finding_of_this_evening_is_disputed_today():
    finding = see("exposed_rdp", 2, EVENING)
    disputed = firm(finding).dispute(finding, "fixed", "Closed.", at="2026-11-23")
    assert quote(disputed, as_of=AS_OF).disputed.disputes
    with pytest.raises(ProfileError, match=r"at 2026-11-22 is before exposed_rdp was observed, 2026-11-23"):
        firm(finding).dispute(finding, "fixed", "Closed.", at="2026-11-22")
    elsewhere = see("exposed_rdp", 2, "2026-11-23T20:30:00-06:00")
    assert elsewhere == finding
    assert Profile(insured=FIRM, observations=(elsewhere,), disputes=disputed.disputes).disputes


def test_a_connection_withdrawn_today_delivered_this_evening():
    source = {"name": "tenant", "kind": "telemetry", "withdrawn_at": "2026-11-24"}
    one = see("mfa_email_coverage", 1.0, EVENING, "telemetry", connection="tenant")
    profile = Profile.from_dict({"insured": FIRM.model_dump(), "observations": [one.model_dump()], "sources": [source]})
    assert cyberscore.posture_at(profile, AS_OF).telemetry == {"tenant"}
    assert cyberscore.posture_at(profile, AS_OF + timedelta(days=1)).telemetry == frozenset()


def test_over_time_a_finding_is_known_from_its_own_day_on():
    profile = firm(see("exposed_rdp", 0, "2026-11-01"), see("exposed_rdp", 2, EVENING))
    day_before, same_day = (
        one.risk_score for one in cyberscore.trajectory(profile, None, [AS_OF - timedelta(days=1), AS_OF]).points
    )
    assert same_day > day_before
    found = cyberscore.explain_change(profile, None, AS_OF - timedelta(days=1), AS_OF)
    assert "2026-11-23" in next(step.text for step in found.steps if step.kind == "observation")


@pytest.mark.parametrize("evening", [EVENING, "2026-11-23T23:59:00-10:00", "2026-11-23T23:45:00-03:30"])
def test_what_is_mended_today_counts_after_what_was_found_this_evening(evening):
    """Improvement, what-if, path and next evidence see the mended state later than the finding, on the same day."""
    profile, cover = firm(see("exposed_rdp", 2, evening)), Coverage()
    answer = quote(profile, cover, as_of=AS_OF)
    better = next(one for one in answer.improvements if one.signal == "exposed_rdp")
    assert better.saving > 0.0
    mended = profile.with_observations(Observation.model_validate(better.observation))
    assert quote(mended, cover, as_of=AS_OF).indicative_premium == better.indicative_premium
    found = cyberscore.what_if(profile, {"exposed_rdp": 0}, cover, as_of=AS_OF)
    assert found.after.indicative_premium == better.indicative_premium
    target = f"premium:{better.indicative_premium + 0.01:.2f}"
    path = cyberscore.path_to(profile, target, cover, as_of=AS_OF)
    assert path.reached
    asked = cyberscore.next_evidence(firm(see("mfa_email_coverage", 0.2, evening, "attestation")), as_of=AS_OF)
    plain = cyberscore.next_evidence(firm(see("mfa_email_coverage", 0.2, "2026-11-23", "attestation")), as_of=AS_OF)
    assert asked.to_dict() == plain.to_dict()


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.lists(st.tuples(st.times(), offsets), max_size=4))
def test_the_end_of_a_day_is_on_that_day_and_not_before_what_was_told_of_it(day, told):
    seconds = [datetime.combine(day, time.replace(microsecond=0), zone) for time, zone in told]
    west = quarters_west(day, [moment.timestamp() for moment in seconds])
    end = end_of(day, west)
    assert end.date() == day
    assert all(moment <= end for moment in seconds)
    assert west == 0 or end_of(day, west - 1) < max(seconds)
    assert end_of(day) == datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def test_a_record_of_an_evening_is_replayed():
    record = cyberscore.record(firm(see("exposed_rdp", 2, EVENING)), as_of=AS_OF)
    assert record.profile["observations"][0]["observed_at"] == EVENING
    assert record.replay().reproduced


# --- readers and the command line


@pytest.mark.parametrize("given_as", [EVENING, datetime.fromisoformat(EVENING)])
def test_a_file_without_a_date_takes_the_day_of_the_one_given(tmp_path, given_as):
    path = tmp_path / "dmarc.json"
    path.write_text(
        json.dumps({"domain": "example.com", "base_domain": "example.com", "dmarc": {"record": "v=DMARC1; p=reject",
            "valid": True, "tags": {"p": {"value": "reject"}}}, "spf": {"valid": True, "record": "v=spf1 -all"}})
    )  # fmt: skip
    reading = readers.read(path, observed_at=given_as)
    assert {one.observed_at.date() for one in reading.observations} == {AS_OF}


def test_a_file_with_a_zone_has_the_day_of_that_zone(tmp_path):
    path = tmp_path / "grype.json"
    path.write_text(
        json.dumps({"matches": [], "source": {"type": "directory", "target": "/srv"}, "distro": {"name": "debian"},
            "descriptor": {"name": "grype", "version": "0.110.0", "timestamp": "2026-11-23T21:30:00.123456789-05:00"}})
    )  # fmt: skip
    reading = readers.read(path)
    assert reading.observed_at.date() == AS_OF
    assert reading.observed_at == datetime.fromisoformat("2026-11-23T21:30:00.123456-05:00")


class _Noon(datetime):
    """A clock that stands at 23:00 UTC on 2026-11-23."""

    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 11, 23, 23, 0, tzinfo=UTC).astimezone(tz)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (EVENING, "2026-11-23"),
        ("2026-11-24T06:00:00+08:00", "2026-11-24"),
        ("2026-11-23", "2026-11-23"),
        ("2026-11-24T00:30:00Z", None),
        ("2026-11-25T06:00:00+08:00", None),
    ],
)
def test_the_command_line_takes_the_newest_own_day_and_refuses_the_future(monkeypatch, moment, day):
    monkeypatch.setattr(common, "datetime", _Noon)
    profile = firm(see("exposed_rdp", 0, moment))
    if day is None:
        with pytest.raises(ProfileError, match="in the future"):
            common.date_of(None, profile)
    else:
        assert common.date_of(None, profile) == date.fromisoformat(day)
