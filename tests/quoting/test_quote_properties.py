"""What must hold of any quote: it adds up, it replays, better security never costs more, and time never helps."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Insured, Observation, Profile
from cyberscore.profile import signals
from cyberscore.quoting.engine import quote, risk_score
from cyberscore.rating.coverage import STANDARD_LAYER
from cyberscore.rating.expected_loss import (
    context_mixtures,
    expected_loss,
    expected_losses_of_many,
    rate_risk,
    totals_of_many,
)
from cyberscore.rating.score import expected_loss_of_book
from cyberscore.rules import DECISIONS
from strategies import AS_OF, examples, is_favourable, moves, profiles

PLAN = cyberscore.load_plan()
RULED = sorted(name for rule in PLAN.rules.posture_rules for name in rule.signals)
RANK = {name: rank for rank, name in enumerate(DECISIONS)}


@st.composite
def firms(draw):
    return Insured(
        naics=draw(st.sampled_from(("621210", "541110", "454110", "332721", "523", "722511", "6111", "92"))),
        country=draw(st.sampled_from(("US", "GB", "DE", "CA", "JP"))),
        annual_revenue=draw(st.sampled_from((90_000.0, 1.1e6, 4.99e6, 5.01e6, 24.9e6, 38e6, 99e6, 2.5e8))),
        record_count=draw(st.sampled_from((None, 0, 5_000, 90_000, 600_000))),
        active_incident=draw(st.sampled_from((None, False))),
        known_circumstances=draw(st.sampled_from((None, False, True))),
    )


@st.composite
def covers(draw):
    limit = draw(st.sampled_from((100_000.0, 250_000.0, 500_000.0, 1e6, 2e6, 3e6, 5e6, 1e7)))
    return Coverage(
        aggregate_limit=limit,
        retention=draw(st.sampled_from((500.0, 2_500.0, 5_000.0, 10_000.0, 25_000.0, 50_000.0))),
        per_claim_limit=draw(st.sampled_from((None, None, limit * 0.75))),
        waiting_period_hours=draw(st.sampled_from((4.0, 8.0, 12.0, 24.0, 72.0))),
        sublimits=draw(st.sampled_from(({}, {"ransomware": 5e4}, {"funds_transfer_fraud": 0.0}, {"extortion": 9e3}))),
        coinsurance=draw(st.sampled_from(({}, {}, {"ransomware": 50.0}, {"business_interruption": 20.0}))),
        market_scenario=draw(st.sampled_from((None, None, "howden_2023"))),
        expiring_premium=draw(st.sampled_from((None, None, 400.0, 2_000.0, 60_000.0))),
    )


firm_profiles = firms().flatmap(lambda firm: profiles(insured=firm, max_signals=8))
# half of the moves touch signals that underwriting rules read
firm_moves = firms().flatmap(
    lambda firm: st.one_of(moves(insured=firm), moves(insured=firm, names=RULED, max_signals=3))
)


def quoted(profile, cover=None, as_of=AS_OF):
    return quote(profile, cover, as_of=as_of, plan=PLAN)


@given(firm_profiles, covers())
def test_points_sum_to_the_score(profile, cover):
    answer = quoted(profile, cover)
    assert sum(reason.points for reason in answer.reasons) == pytest.approx(answer.unclipped_score - 50.0, abs=1e-9)
    assert sum(reason.shown for reason in answer.reasons) == pytest.approx(round(answer.unclipped_score - 50.0, 1))
    assert all(abs(reason.shown - reason.points) < 0.1 + 1e-9 for reason in answer.reasons)
    assert answer.risk_score == min(max(answer.unclipped_score, 0.0), 100.0)
    assert answer.security_rating == 100.0 - answer.risk_score


@given(firm_profiles)
def test_book_mix_is_what_lies_between_the_mean_firm_and_the_mean_loss(profile):
    """Reasons start at the mean mixtures: that start, and the small factors, are all the book mix holds."""
    answer = quoted(profile)
    risk = rate_risk(PLAN, profile.insured, cyberscore.posture_at(profile, AS_OF).mixtures, _revenue(profile))
    means = tuple(tuple(enumerate(mean.tolist())) for mean in PLAN.score.mean_codes)
    start = risk.base + _sum_of_tables(means)
    loss = expected_losses_of_many(PLAN, start[None, :], STANDARD_LAYER).sum()
    between = 10.0 * np.log2(loss / expected_loss_of_book(PLAN, risk.revenue))
    mix = next(reason.points for reason in answer.reasons if reason.factor == "book_mix")
    listed = {reason.factor for reason in answer.reasons}
    small = 0.005 * (len(means) + 1 - len(listed))
    assert mix == pytest.approx(between, abs=small + 1e-5)


def _revenue(profile):
    return profile.insured.annual_revenue * PLAN.pricing.usd_rate(profile.insured.currency, None)


def _sum_of_tables(mixtures):
    total = np.zeros(PLAN.cells.shape[1])
    for offset, mixture in zip(PLAN.offsets, mixtures, strict=True):
        for code, share in mixture:
            total = total + share * PLAN.cells[offset + code]
    for a, b, offset, width in PLAN.pair_index:
        for code_a, share_a in mixtures[a]:
            for code_b, share_b in mixtures[b]:
                total = total + share_a * share_b * PLAN.cells[offset + code_a * width + code_b]
    return total


@given(firm_profiles, covers())
def test_ledger_reproduces_the_premium_to_the_cent(profile, cover):
    answer = quoted(profile, cover)
    assert answer.ledger.replay() == answer.indicative_premium
    assert answer.ledger.premium[-1].result == answer.indicative_premium
    technical = next(step for step in answer.ledger.premium if step.label == "Territory").result
    assert technical == pytest.approx(answer.technical_premium, rel=1e-12)
    pure = {peril: steps[-1].result for peril, steps in answer.ledger.perils.items()}
    assert pure == pytest.approx({peril: one.expected_loss for peril, one in answer.by_peril.items()}, rel=1e-9)
    limited = next(step for step in answer.ledger.premium if step.label == "Aggregate limit").result
    assert limited == pytest.approx(answer.expected_loss, rel=1e-9)
    assert limited <= min(sum(pure.values()), answer.coverage["aggregate_limit"]) * (1 + 1e-12)


@examples(120)
@given(firm_moves, covers())
def test_better_evidence_never_costs_more(move, cover):
    before, after = quoted(move.before, cover), quoted(move.after, cover)
    assert after.unclipped_score <= before.unclipped_score + 1e-9
    assert after.technical_premium <= before.technical_premium * (1 + 1e-12)
    assert after.indicative_premium <= before.indicative_premium
    assert RANK[after.decision] <= RANK[before.decision]


@examples(60)
@given(firm_profiles, st.integers(1, 900))
def test_time_without_new_evidence_never_lowers_the_score(profile, days):
    windowed = {name for name, about in signals().items() if about.window_days is not None}
    kept = tuple(one for one in profile.observations if one.signal not in windowed)
    profile = Profile(insured=profile.insured, observations=kept, sources=profile.sources)
    now = risk_score(profile, as_of=AS_OF, plan=PLAN)
    later = risk_score(profile, as_of=AS_OF + timedelta(days=days), plan=PLAN)
    assert later >= now - 1e-9


@examples(60)
@given(firm_profiles.filter(lambda p: any(is_favourable(one) for one in p.observations)), st.data())
def test_deleting_a_favourable_observation_never_lowers_the_score(profile, data):
    good = [k for k, one in enumerate(profile.observations) if is_favourable(one)]
    gone = data.draw(st.sampled_from(good))
    less = tuple(one for k, one in enumerate(profile.observations) if k != gone)
    without = Profile(insured=profile.insured, observations=less, sources=profile.sources)
    assert risk_score(without, as_of=AS_OF, plan=PLAN) >= risk_score(profile, as_of=AS_OF, plan=PLAN) - 1e-9


@examples(20)
@given(firm_profiles, covers(), covers())
def test_premium_never_falls_with_limit_nor_rises_with_retention(profile, one, other):
    """Compared at the terms after floors and caps, all else the same."""
    kept = ("sublimits", "coinsurance", "waiting_period_hours", "expiring_premium", "market_scenario")
    base = {name: getattr(one, name) for name in kept}
    limits = sorted((one.aggregate_limit, other.aggregate_limit))
    retentions = sorted((one.retention, other.retention))
    low, high = (quoted(profile, Coverage(aggregate_limit=limit, retention=retentions[0], **base)) for limit in limits)
    assert low.coverage["aggregate_limit"] <= high.coverage["aggregate_limit"]
    assert low.indicative_premium <= high.indicative_premium
    small, large = (
        quoted(profile, Coverage(aggregate_limit=limits[1], retention=retention, **base)) for retention in retentions
    )
    assert small.coverage["retention"] <= large.coverage["retention"]
    assert small.indicative_premium >= large.indicative_premium
    assert small.annual_claim_probability >= large.annual_claim_probability


@given(firm_profiles, covers())
def test_same_input_same_bytes_and_json_survives(profile, cover):
    answer = quoted(profile, cover)
    again = quoted(Profile.from_json(profile.to_json()), Coverage.from_dict(json.loads(json.dumps(cover.to_dict()))))
    assert again.to_json() == answer.to_json()
    assert json.loads(answer.to_json()) == answer.to_dict()


@given(firm_profiles, covers())
def test_interval_holds_the_premium(profile, cover):
    answer = quoted(profile, cover)
    assert 0 < answer.premium_low <= answer.indicative_premium <= answer.premium_high


@pytest.mark.slow
@examples(20)
@given(firm_profiles, covers())
def test_improvements_are_the_quotes_one_would_get(profile, cover):
    answer = quoted(profile, cover)
    for better in answer.improvements:
        after = quoted(profile.with_observations(Observation.model_validate(better.observation)), cover)
        assert after.indicative_premium == better.indicative_premium
        assert after.risk_score == pytest.approx(better.risk_score, abs=1e-9)
        assert after.decision == better.decision
        assert better.saving == round(answer.indicative_premium - after.indicative_premium, 2)
        assert better.saving >= 0
        assert better.points <= 1e-9


@given(st.lists(firms().flatmap(lambda firm: profiles(insured=firm, max_observations=1)), min_size=1, max_size=5))
def test_single_and_batch_paths_agree(found):
    codes, weights, revenues, losses = [], [], [], []
    for profile in found:
        open_sources = tuple(source.model_copy(update={"withdrawn_at": None}) for source in profile.sources)
        plain = Profile(insured=profile.insured, observations=profile.observations, sources=open_sources)
        mixtures = cyberscore.posture_at(plain, AS_OF).mixtures
        risk = rate_risk(PLAN, plain.insured, mixtures, _revenue(plain))
        losses.append(expected_loss(PLAN, risk))
        revenues.append(risk.revenue)
        codes.append([mixture[0][0] for mixture in (*mixtures, *context_mixtures(PLAN, plain.insured))])
        weights.append([mixture[0][1] for mixture in mixtures])
    totals = totals_of_many(PLAN, np.array(codes), np.array(weights), np.array(revenues))
    batch = expected_losses_of_many(PLAN, totals).sum(axis=1)
    np.testing.assert_allclose(batch, losses, rtol=1e-9)


def test_a_withdrawn_connection_never_helps():
    profile = cyberscore.example("online_shop")
    gone = tuple(source.model_copy(update={"withdrawn_at": date(2026, 11, 22)}) for source in profile.sources)
    withdrawn = Profile(insured=profile.insured, observations=profile.observations, sources=gone)
    assert quoted(withdrawn).unclipped_score > quoted(profile).unclipped_score


# --- nothing seen is not clean


@examples(30)
@given(firm_profiles, st.data())
def test_a_scan_that_is_left_out_never_helps(profile, data):
    """All that the scans of some days found in the insured's favour, left out together."""
    scans = sorted({one.observed_at.date() for one in profile.observations if one.source == "scan"})
    days = set(data.draw(st.lists(st.sampled_from(scans), min_size=1))) if scans else set()
    less = profile.without(lambda one: one.source == "scan" and one.observed_at.date() in days and is_favourable(one))
    full, bare = quoted(profile), quoted(less)
    assert bare.unclipped_score >= full.unclipped_score - 1e-9
    assert bare.indicative_premium >= full.indicative_premium
    assert RANK[bare.decision] >= RANK[full.decision]


@examples(20)
@given(firm_profiles)
def test_required_signals_left_unknown_cost_at_least_as_much_as_unknown(profile):
    """For each required signal and peril of the shipped plan, among whatever else is known."""
    mixtures = list(cyberscore.posture_at(profile, AS_OF).mixtures)
    for position, about in enumerate(signals().values()):
        if not about.required:
            continue
        found = []
        for code in (about.unknown, about.unanswered):
            mixtures[position] = ((code, 1.0),)
            found.append(rate_risk(PLAN, profile.insured, mixtures, _revenue(profile)).total)
        assert (found[1] >= found[0] - 1e-9).all()
        silent = Profile(insured=profile.insured)
        assert cyberscore.posture_at(silent, AS_OF).mixtures[position] == ((about.unanswered, 1.0),)
