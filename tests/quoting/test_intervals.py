"""Intervals of score and premium: they hold what is quoted, nest, follow the plan's widths; evidence narrows them."""

import math
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, PlanError, Profile, RatingPlan, quote
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.quoting.figures import Firm, Standing, claim_costs, priced, settle
from cyberscore.quoting.intervals import loss_draws
from cyberscore.rating.coverage import STANDARD_LAYER
from cyberscore.rating.draws import draw_spread, draw_totals, ordered_codes
from cyberscore.rating.parts import WIDTH, IntervalWidths
from cyberscore.rating.plan_file import PlanFiles
from cyberscore.rating.score import clipped, score_change
from strategies import AS_OF, profiles

WIDE = IntervalWidths(0.1, 0.9, 0.05, -0.1, 0.8, 0.75, 0.15, 0.2)


def with_content(intervals):
    """Shipped plan with another field `intervals`; without it when None."""
    files = cyberscore.load_plan().files
    content = {name: value for name, value in files.content.items() if name != "intervals"}
    return RatingPlan.from_files(
        PlanFiles(content if intervals is None else {**content, "intervals": intervals}, files.others)
    )


# at module level: fixtures in the arguments of a hypothesis test are shown when it fails
DRAWN, CALIBRATED = with_content(None), with_content(asdict(WIDE))


@pytest.fixture
def drawn():
    """Plan without calibrated widths."""
    return DRAWN


@pytest.fixture
def calibrated():
    return CALIBRATED


def ends(plan, profile, *, cover=STANDARD_LAYER, level=0.8):
    """Interval under a cover as it was asked for, whatever rules would make of it."""
    about = Firm.of(profile.insured, AS_OF, plan)
    standing = Standing.of(about, cyberscore.posture_at(profile, AS_OF))
    settled = replace(settle(about, cover), cover=cover, layers=plan.pricing.layers_of(cover))
    figures = priced(settled, standing.rates, claim_costs(about, settled, standing.locations), ())
    draws = loss_draws(about, standing, level=level)
    return SimpleNamespace(standard=draws.standard, quoted=draws.quoted(settled, figures))


def firm(values=(), source="telemetry", annual_revenue=4e6):
    """Build a firm of which some signals are known, (signal, value), by a source where that may tell."""
    made = [
        {"signal": name, "value": value, "observed_at": AS_OF.isoformat(),
         "source": source if source in signals()[name].sources else signals()[name].sources[0]}
        for name, value in values
    ]  # fmt: skip
    own = {"naics": "541110", "country": "US", "annual_revenue": annual_revenue}
    return Profile.from_dict({"insured": own, "observations": made})


def middling(about):
    """Value in the middle of what a signal may be."""
    if about.levels:
        return about.levels[len(about.levels) // 2]
    return about.breakpoints[len(about.breakpoints) // 2]


def width(pair):
    return pair[1] - pair[0]


# --- what is quoted lies inside

firm_profiles = st.sampled_from((1.0, 75_000.0, 2.5e6, 99e6, 1e12)).flatmap(
    lambda revenue: profiles(insured=firm(annual_revenue=revenue).insured, max_signals=12, max_observations=2)
)


@settings(max_examples=50)
@given(
    firm_profiles,
    st.sampled_from((2_500.0, 10_000.0, 25_000.0)),
    st.sampled_from(({}, {"ransomware": 0.0}, {"data_breach": 50_000.0})),
)
def test_a_quote_lies_in_its_intervals(profile, retention, sublimits):
    answer = quote(profile, Coverage(retention=retention, sublimits=sublimits), as_of=AS_OF, plan=CALIBRATED)
    assert answer.premium_low <= answer.indicative_premium <= answer.premium_high
    assert 0.0 <= answer.risk_score_low <= answer.risk_score <= answer.risk_score_high <= 100.0


@settings(max_examples=40)
@given(firm_profiles)
def test_intervals_nest(profile):
    found = [ends(CALIBRATED, profile, cover=Coverage(aggregate_limit=5e6), level=x) for x in (0.01, 0.5, 0.8, 0.99)]
    for name in ("standard", "quoted"):
        rows = [getattr(one, name) for one in found]
        assert [low for low, _ in rows] == sorted((low for low, _ in rows), reverse=True)
        assert [high for _, high in rows] == sorted(high for _, high in rows)
        assert rows[0][0] <= 0.0 <= rows[0][1]


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_score_and_premium_follow_the_same_ends(calibrated, name):
    """In the standard layer; the premium through the arithmetic of a quote, the score by its definition."""
    profile = cyberscore.example(name)
    answer, found = quote(profile, as_of=AS_OF, plan=calibrated), ends(calibrated, profile)
    assert found.quoted == found.standard
    assert answer.risk_score_low == pytest.approx(clipped(answer.unclipped_score + score_change(found.standard[0])))
    assert answer.risk_score_high == pytest.approx(clipped(answer.unclipped_score + score_change(found.standard[1])))
    assert score_change(math.log(2.0)) == pytest.approx(10.0)
    assert quote(profile, as_of=AS_OF, plan=calibrated).to_json() == answer.to_json()


def test_hardly_any_cover_hardly_a_loss_to_be_unsure_of(calibrated):
    hardly = Coverage(sublimits={**dict.fromkeys(PERILS, 0.0), "system_outage": 1.0})
    found = ends(calibrated, cyberscore.example("law_firm"), cover=hardly)
    assert found.quoted[0] <= 0.0 <= found.quoted[1]
    answer = quote(cyberscore.example("law_firm"), hardly, as_of=AS_OF, plan=calibrated)
    assert answer.premium_low == answer.indicative_premium == answer.premium_high
    assert answer.risk_score_low < answer.risk_score < answer.risk_score_high


# --- what is known narrows


@pytest.mark.parametrize("source", ["telemetry", "attestation"])
def test_more_evidence_narrows(calibrated, source):
    """Average values, added one domain after another; the most is known when all are verified."""
    values = [(about.name, middling(about)) for about in signals().values() if about.kind != "age"]
    widths = [width(ends(calibrated, firm(values[:k], source)).standard) for k in (0, 9, 18, 27, len(values))]
    assert widths[-1] < 0.8 * widths[0]
    assert np.polyfit(range(5), widths, 1)[0] < 0.0


def test_verified_evidence_narrows_more_than_attested(calibrated):
    values = [(about.name, middling(about)) for about in signals().values() if about.kind != "age"]
    told, verified = (width(ends(calibrated, firm(values, source)).standard) for source in ("attestation", "telemetry"))
    assert verified < told


def test_draws_know_what_is_known_for_certain(drawn):
    """Nothing is unknown, one bag: every draw is the same."""
    plan = RatingPlan.from_files(
        PlanFiles(drawn.files.content, {**drawn.files.others, "bags.json": b'{"base":[],"deviations":[]}'})
    )
    codes = np.array([[ordered_codes(about)[0] for about in signals().values()] + [0, 0, 0]])
    totals = draw_totals(plan, codes, np.ones((1, len(signals()))), np.array([15.0]))
    assert totals.shape == (1, len(plan.unknowns.latent_nodes), WIDTH)
    assert np.ptp(totals, axis=1).max() == 0.0
    assert draw_spread(totals - totals[:, :1], np.ones((1, 5)), np.zeros((1, 5)))[1] == 0.0


def test_draws_of_many_are_those_of_each(drawn):
    rng = np.random.default_rng(0)
    sizes = [about.n_codes for about in signals().values()]
    codes = np.column_stack([rng.integers(0, n, 7) for n in sizes] + [np.zeros((7, 3), dtype=int)])
    weights, log_revenue = rng.random((7, len(sizes))), rng.uniform(12, 19, 7)
    many = draw_totals(drawn, codes, weights, log_revenue)
    for k in range(7):
        one = draw_totals(drawn, codes[k : k + 1], weights[k : k + 1], log_revenue[k : k + 1])
        np.testing.assert_allclose(one[0], many[k], rtol=0, atol=1e-12)


# --- the plan's widths


def test_a_plan_without_widths_is_as_wide_as_drawn(drawn):
    assert drawn.intervals == IntervalWidths()
    mean, deviation = np.array([-0.3]), np.array([0.4])
    nothing = np.zeros(1)
    low, high = drawn.intervals.around(mean, deviation, log_revenue=nothing, log_relative=nothing, z=1.5)
    assert (low[0], high[0]) == pytest.approx((-0.6, 0.6))  # around the quote, whatever the draws' mean


def test_widths_are_arithmetic():
    widths = IntervalWidths(0.1, 0.5, 0.2, -0.1, 3.0, 0.0, 0.4, 0.7)
    low, high = widths.around(
        np.array([-0.4]), np.array([0.1]), log_revenue=np.log([1e8]), log_relative=np.array([2.0]), z=2.0
    )
    centre = 0.1 - 0.2 + 0.2 - 0.2
    assert (low[0], high[0]) == pytest.approx((centre - 2.0 * 0.5, centre + 2.0 * 0.7))


@pytest.mark.parametrize("name", ["spread_low", "spread_high", "model_low", "model_high"])
def test_every_width_widens(calibrated, name):
    plan = with_content(asdict(replace(WIDE, **{name: 2.0 * getattr(WIDE, name)})))
    before, after = (ends(one, cyberscore.example("law_firm")).standard for one in (calibrated, plan))
    side = int(name.endswith("high"))
    assert abs(after[side]) > abs(before[side])
    assert after[1 - side] == before[1 - side]


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        ({**asdict(WIDE), "spread_low": -0.1}, r"intervals\.spread_low must be between 0 and 3; got -0\.1"),
        ({**asdict(WIDE), "shift": 4}, r"intervals\.shift must be between -3 and 3; got 4"),
        ({**asdict(WIDE), "lean": "much"}, r"intervals\.lean must be between 0 and 3; got 'much'"),
        ({**asdict(WIDE), "model_high": True}, r"intervals\.model_high must be .*; got True"),
        ({**asdict(WIDE), "mood": 1.0}, r"intervals must have shift, .*; got .*mood"),
        ({"shift": 0.0}, "intervals must have shift, lean, "),
        (3, "intervals must be a table"),
        ([], "intervals must be a table"),
    ],
)
def test_damaged_widths(intervals, message):
    with pytest.raises(PlanError, match=message):
        with_content(intervals)


def test_widths_survive_the_disk(calibrated, tmp_path):
    calibrated.save(tmp_path / "plan")
    loaded = RatingPlan.load(tmp_path / "plan")
    assert loaded.intervals == WIDE
    assert loaded.digest == calibrated.digest
    profile = cyberscore.example("dental_clinic")
    assert ends(loaded, profile) == ends(calibrated, profile)
