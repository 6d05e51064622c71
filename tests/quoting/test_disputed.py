"""Disputes in quotes: every finding stands, and beside it is what upholding would change, never for the worse."""

import json
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Profile, posture_at, quote, signals
from cyberscore.profile.evidence import mixture_at, rule_value
from cyberscore.profile.pivotal import pivotal
from cyberscore.rules import DECISIONS
from strategies import AS_OF, examples, histories, is_favourable, profiles

PLAN = cyberscore.load_plan()
FIRM = cyberscore.Insured(naics="541110", country="US", annual_revenue=6e6)


def findings_of(profile):
    return [o for o in profile.observations if not signals()[o.signal].is_context and not is_favourable(o)]


@st.composite
def disputed_profiles(draw):
    profile = draw(profiles(insured=FIRM, max_signals=6))
    findings = findings_of(profile)
    assume(findings)
    kinds = ("not_ours", "false_positive", "compensating_control", "fixed", "accepted_risk")
    for one in draw(st.lists(st.sampled_from(findings), min_size=1, max_size=3)):
        profile = profile.dispute(one, draw(st.sampled_from(kinds)), "not so", at=AS_OF)
    return profile


@given(disputed_profiles(), st.sampled_from((500_000.0, 2e6)))
@settings(max_examples=30)
def test_upholding_is_the_quote_without_the_findings_and_never_costs_more(profile, limit):
    cover = Coverage(aggregate_limit=limit)
    answer = quote(profile, cover, as_of=AS_OF, plan=PLAN)
    plain = quote(Profile(insured=profile.insured, observations=profile.observations, sources=profile.sources), cover,
                  as_of=AS_OF, plan=PLAN)  # fmt: skip
    assert plain.disputed is None
    assert plain.input_digest != answer.input_digest
    assert (answer.indicative_premium, answer.unclipped_score, answer.decision) == (
        plain.indicative_premium, plain.unclipped_score, plain.decision)  # fmt: skip
    now, then = answer.disputed.standing, answer.disputed.upheld
    assert (now.indicative_premium, now.decision) == (answer.indicative_premium, answer.decision)
    fallen = {one.observation for one in profile.disputes if one.kind != "accepted_risk"}
    rest = profile.without(lambda one: one.digest in fallen)
    less = quote(rest, cover, as_of=AS_OF, plan=PLAN)
    assert then.unclipped_score == pytest.approx(less.unclipped_score, abs=1e-9)
    # a connection whose only findings are disputed still shares telemetry
    same_sharing = cyberscore.posture_at(rest, AS_OF).telemetry == cyberscore.posture_at(profile, AS_OF).telemetry
    assert not same_sharing or (then.indicative_premium, then.decision, then.band) == (
        less.indicative_premium,
        less.decision,
        less.band,
    )
    assert then.unclipped_score <= now.unclipped_score + 1e-9
    assert then.indicative_premium <= now.indicative_premium
    assert DECISIONS.index(then.decision) <= DECISIONS.index(now.decision)
    assert len(answer.disputed.disputes) == len(profile.disputes)
    for one in answer.disputed.disputes:
        assert one.saving >= 0
        assert one.points <= 1e-9
        if one.dispute.kind == "accepted_risk":
            assert (one.points, one.saving) == (0.0, 0.0)
    assert json.loads(answer.to_json())["disputed"] == json.loads(json.dumps(answer.disputed.to_dict()))


@given(disputed_profiles())
@settings(max_examples=30)
def test_a_dispute_alone_is_the_quote_without_its_finding(profile):
    """Though most findings are never taken out: without them nothing would be weighed otherwise."""
    now = quote(profile, as_of=AS_OF, plan=PLAN)
    for dispute, told in zip(profile.disputes, now.disputed.disputes, strict=True):
        kept = tuple(one for one in profile.observations if one.digest != dispute.observation)
        rest = Profile(insured=FIRM, observations=kept, sources=profile.sources)
        if dispute.kind == "accepted_risk" or posture_at(rest, AS_OF).telemetry != posture_at(profile, AS_OF).telemetry:
            continue  # a connection whose only findings are disputed still shares telemetry
        less = quote(rest, as_of=AS_OF, plan=PLAN)
        assert told.points == pytest.approx(less.unclipped_score - now.unclipped_score, abs=1e-9)
        assert told.saving == pytest.approx(now.indicative_premium - less.indicative_premium, abs=0.001)


@examples(200)
@given(histories(min_size=1, max_size=7))
def test_only_pivotal_findings_change_how_a_signal_is_weighed(history):
    about, seen = history
    prepared, day = [one.prepared for one in seen], AS_OF.toordinal()
    named = pivotal(about, prepared, day)
    now = mixture_at(about, prepared, day), rule_value(about, prepared, day)
    for one in prepared:
        rest = [other for other in prepared if other.observation != one.observation]
        if one.code_at(about, day) > about.unknown and one.observation.digest not in named:
            assert (mixture_at(about, rest, day), rule_value(about, rest, day)) == now


def law_firm(kind, at=AS_OF):
    law = cyberscore.example("law_firm")
    finding = next(o for o in law.observations if o.signal == "mfa_email_coverage" and o.source == "telemetry")
    return law.dispute(finding, kind, "All enrolled since Monday.", at=at)


def test_a_dispute_shows_both_prices_and_its_date():
    answer = quote(law_firm("fixed"), as_of=AS_OF)
    assert answer.disputed.upheld.indicative_premium < answer.disputed.standing.indicative_premium
    (line,) = answer.to_dict()["disputed"]["disputes"]
    assert (line["at"], line["kind"], line["note"]) == ("2026-11-23", "fixed", "All enrolled since Monday.")
    assert line["observation"]["value"] == 0.38
    assert line["saving"] > 0


def test_an_accepted_risk_is_on_record_and_changes_no_price():
    answer = quote(law_firm("accepted_risk"), as_of=AS_OF)
    assert answer.disputed.upheld == answer.disputed.standing
    assert len(answer.disputed.disputes) == 1


def test_before_its_date_a_dispute_does_not_exist():
    assert quote(law_firm("fixed", at=AS_OF + timedelta(days=1)), as_of=AS_OF).disputed is None


@given(profiles(insured=FIRM, max_signals=6))
@settings(max_examples=30)
def test_contradictions_tell_what_the_better_claim_earns(profile):
    answer = quote(profile, as_of=AS_OF, plan=PLAN)
    for found in answer.contradictions:
        assert found.earned_points >= -1e-9
        assert 0.0 <= found.earned_weight <= 1.0
        if not found.better.counts:
            assert (found.earned_weight, found.earned_points) == (0.0, 0.0)
        assert str(found).startswith(f"{found.signal}: evidence disagrees: ")
    states = list(cyberscore.posture_at(profile, AS_OF))
    differing = [found.signal for found in (*answer.contradictions, *answer.other_evidence)]
    assert {found.signal for found in answer.contradictions} == {one.signal.name for one in states if one.contradicted}
    assert sorted(differing) == sorted(one.signal.name for one in states if one.differs)
    for found in (*answer.contradictions, *answer.other_evidence):
        assert (found in answer.contradictions) == (found.relation == "contradiction")
        assert str(found).startswith(f"{found.signal}: ")
