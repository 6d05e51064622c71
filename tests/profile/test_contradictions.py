"""What contradicts what: never across time or scopes alone, and what is merely older or narrower is told as such."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore import Insured, Observation, Profile, contradictions, posture_at, quote
from cyberscore.profile import pairs, signals
from cyberscore.profile.evidence import CLEARING_SHARE, counting
from cyberscore.profile.pairs import live_at
from strategies import AS_OF, examples, profiles, some_values

FIRM = Insured(naics="541110", country="US", annual_revenue=2e6)

MFA = {"name": "mfa_email_coverage"}


def see(value, days=0, source="scan", *, name="exposed_rdp", **more):
    return Observation(signal=name, value=value, observed_at=AS_OF - timedelta(days=days), source=source, **more)


def differing(*seen):
    """The one signal on which evidence differs, as a quote tells it."""
    answer = quote(Profile(insured=FIRM, observations=seen), as_of=AS_OF)
    (found,) = (*answer.contradictions, *answer.other_evidence)
    assert [one.relation for one in answer.contradictions] == ["contradiction"] * len(answer.contradictions)
    assert (found in answer.contradictions) == (found.relation == "contradiction")
    return found


@pytest.mark.parametrize(
    ("seen", "relation", "told"),
    [
        (
            [see(2, 900), see(0, 5)],
            "superseded",
            "scan of 2024-06-06 says 2; superseded by scan of 2026-11-18, which says 0",
        ),
        ([see(0, 900), see(2, 5)], "superseded", "says 0; superseded by scan of 2026-11-18, which says 2"),
        (
            [see(2, 900), see(0, 5, scope_share=0.015)],
            "narrower",
            "an older finding stands: scan of 2024-06-06 says 2; scan of 2026-11-18 says 0, but looked at only 1.5 %",
        ),
        ([see(2), see(0, scope_share=0.015)], "narrower", "exposed_rdp: a finding stands"),
        ([see(2), see(0)], "contradiction", "evidence disagrees: scan of 2026-11-23 says 0"),
        ([see(2, 9, scope_share=0.1), see(0, 9, scope_share=0.1)], "narrower", "finding stands"),
        (
            [see(0.1, 900, "telemetry", **MFA), see(1.0, 5, "attestation", **MFA)],
            "less_reliable",
            "an older finding stands: telemetry of 2024-06-06 says 10%; attestation of 2026-11-18 says 100%, but is",
        ),
        (
            [see(0.1, 9, "telemetry", **MFA), see(1.0, 5, "attestation", **MFA)],
            "contradiction",
            "telemetry counts, and the better claim earns nothing",
        ),
        (
            [see(0.1, 5, "telemetry", **MFA), see(1.0, 500, "attestation", **MFA)],
            "superseded",
            "attestation of 2025-07-11 says 100%; superseded by telemetry of 2026-11-18, which says 10%",
        ),
        ([see(0.1, 9, "telemetry", scope_share=0.1, **MFA), see(1.0, 9, "attestation", **MFA)], "contradiction", "dis"),
    ],
)
def test_what_is_told_of_evidence_that_differs(seen, relation, told):
    for order in (seen, seen[::-1]):
        found = differing(*order)
        assert found.relation == relation
        assert told in str(found)


def test_older_evidence_of_another_source_still_counts_with_its_weight():
    words = {"name": "edr_coverage"}
    found = differing(see(1.0, 2, "attestation", **words), see(0.7, 300, "telemetry", **words))
    assert (found.relation, found.counts) == ("older", "both")
    assert str(found).startswith("edr_coverage: evidence of different dates: telemetry of 2026-01-27 says 70%, attest")
    assert "both count" in str(found)
    close = differing(see(1.0, 2, "attestation", **words), see(0.7, 60, "telemetry", **words))
    assert close.relation == "contradiction"


def test_an_event_contradicts_whoever_says_later_that_it_never_was():
    tested, never = {"name": "restore_test_age_days"}, "never"
    said_later = differing(see(0, 200, "document", **tested), see(never, 2, "attestation", **tested))
    assert said_later.relation == "contradiction"
    since = differing(see(20, 10, "document", **tested), see(never, 100, "attestation", **tested))
    assert since.relation == "superseded"


def test_a_mended_finding_and_what_the_firm_says_anew_are_no_contradiction():
    """Telemetry found 38 %, then 97 %; the firm said 97 % all along: nothing is left to contradict."""
    words = {"name": "mfa_email_coverage"}
    seen = [
        see(0.38, 90, "telemetry", **words),
        see(0.97, 2, "telemetry", **words),
        see(0.97, 30, "attestation", **words),
    ]
    assert contradictions(posture_at(Profile(insured=FIRM, observations=tuple(seen)), AS_OF)) == ()


@given(profiles(insured=FIRM, max_signals=3))
def test_contradictions_are_of_one_time_and_scope(profile):
    for found in contradictions(posture_at(profile, AS_OF)):
        about, scopes = signals()[found.signal], [one.scope_share or 1.0 for one in (found.better, found.worse)]
        assert scopes[0] >= CLEARING_SHARE * scopes[1]
        apart = abs(found.better.observed_at - found.worse.observed_at).days
        if about.kind != "age" and about.window_days is None:
            assert apart <= about.half_life_days
            assert apart <= 1 or found.better.source != found.worse.source


@given(profiles(insured=FIRM, max_signals=2))
def test_long_before_is_never_a_contradiction(profile):
    """All that one source says, said ten years before all that others say: nothing is said at about the same time."""
    among = [one for one in profile.observations if signals()[one.signal].kind != "age" and one.occurred_at is None]
    moved = [
        one.model_copy(update={"observed_at": one.observed_at - timedelta(days=3650), "source": one.source})
        for one in among
        if one.source == "attestation"
    ]
    kept = [one for one in among if one.source == "telemetry"]
    days = {(one.signal, one.source, one.observed_at.date()) for one in moved + kept}
    if len(days) == len(moved + kept):  # one day's looks of one source may contradict each other
        whole = Profile(insured=FIRM, observations=tuple(moved + kept), sources=profile.sources)
        assert contradictions(posture_at(whole, AS_OF)) == ()


@st.composite
def crowds(draw):
    """Draw many observations of one signal within a few days, of few values, sources and scopes."""
    about = draw(st.sampled_from([one for one in signals().values() if not one.is_context]))
    days = draw(st.sampled_from(((0,), (0, 1), (0, 1, 100), (0, 40, 400))))
    specials = ("never",) if about.kind == "age" else ()
    values = draw(st.lists(st.sampled_from((*some_values(about), *specials)), min_size=1, max_size=4))
    crowd = []
    for _ in range(draw(st.integers(2, 14))):
        value, days_ago = draw(st.sampled_from(values)), draw(st.sampled_from(days))
        moment = datetime(AS_OF.year, AS_OF.month, AS_OF.day, draw(st.integers(0, 3)), tzinfo=UTC)
        moment -= timedelta(days=days_ago)
        event = None
        if about.window_days is not None and draw(st.booleans()):
            event = moment.date() - timedelta(days=draw(st.sampled_from((0, 1, 50))))
        crowd.append(
            Observation(
                signal=about.name,
                value=value,
                observed_at=moment,
                source=draw(st.sampled_from(about.sources)),
                occurred_at=event,
                scope_share=draw(st.sampled_from((None, None, 0.3, 0.45, 0.55, 0.56, 0.6, 0.7, 0.9, 1.0))),
            )
        )
    return about, crowd


@examples(150)
@given(crowds())
def test_the_pair_that_is_told_is_the_first_of_all_pairs(crowd):
    """Whatever is not looked at on the way to it, every pair was held against the definition here."""
    about, seen = crowd
    day = AS_OF.toordinal()
    live = live_at(about, [one.prepared for one in seen], day)
    counted = {id(one) for _, _, one in counting(about, [one for _, one in live], day)}
    favourable = any(code <= about.unknown and id(one) in counted for code, one in live)
    current = [
        (code, one)
        for code, one in live
        if not any(
            other.observation.source == one.observation.source
            and other.day > one.day
            and other.scope >= CLEARING_SHARE * one.scope
            for _, other in live
        )
        and not (favourable and code > about.unknown and not pairs._dated(about, one))
    ]
    every = [(one, two) for one in current for two in current if one[0] < two[0] and pairs._contradict(about, one, two)]
    found = pairs.contradicting(about, live, counted)
    assert (found is None) == (not every)
    if found:
        assert found[0][1].observation == min((one for one, _ in every), key=pairs.safest)[1].observation
        against = [two for one, two in every if one[1] is found[0][1]]
        assert found[1][1].observation == max(against, key=pairs.best_sourced)[1].observation
