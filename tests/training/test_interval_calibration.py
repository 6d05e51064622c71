"""Calibrated intervals: the truth they are held against, how signals are made unknown, the fit, and what they hold."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import cyberscore
from cyberscore.market import market_parameters, simulate
from cyberscore.market.losses import draw_losses, survival, true_log_medians, true_log_rates
from cyberscore.market.parameters import perturbed
from cyberscore.market.population import draw_population
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.quoting.intervals import loss_draws
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.draws import ordered_codes
from cyberscore.rating.expected_loss import RatedRisk, layer_costs
from cyberscore.rating.parts import WIDTH, IntervalWidths
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.interval_calibration import (
    UNKNOWN_COUNTS,
    _draw_insureds,
    _fit_widths,
    _limited_means,
    _quote_many,
    _Quoted,
    _with_unknown,
    calibrate_intervals,
    interval_coverage,
    intervals_paragraph,
    true_losses,
    with_intervals,
)

pytestmark = pytest.mark.slow  # learns many times over

TREND_TO = (1.05, 0.98)
CATALOGUE = list(signals().values())
ELSEWHERE = perturbed(market_parameters(), seed=77)


@pytest.fixture(scope="module")
def plan():
    """Shipped plan, its intervals as drawn."""
    return with_intervals(cyberscore.load_plan(), IntervalWidths())


@pytest.fixture(scope="module")
def insureds():
    return _draw_insureds(ELSEWHERE, 240, 5, TREND_TO)


@pytest.fixture(scope="module")
def widths(plan):
    return calibrate_intervals(plan, seed=3, trend_to=TREND_TO, n=150, markets=4)


def unknown_counts(view):
    own = view.codes[:, : len(CATALOGUE)]
    return np.sum(
        [(own[:, j] == about.unknown) | (own[:, j] == about.unanswered) for j, about in enumerate(CATALOGUE)], axis=0
    )


# --- the truth


@pytest.mark.parametrize("depth", [10_000.0, 260_000.0, 1_010_000.0, 5_010_000.0])
def test_limited_mean_is_the_area_under_the_survival(depth):
    market = market_parameters()
    medians = np.log([[20_000.0, 5_000.0, 60_000.0, 300_000.0, 1_000.0]])
    sigma = market.peril("log_sigma")
    edges = np.concatenate([[0.0], np.geomspace(1.0, depth, 20_001)])
    middle = np.maximum((edges[1:] + edges[:-1]) / 2, 1e-3)
    area = sum(
        survival(np.array(x), medians, sigma, market) * step for x, step in zip(middle, np.diff(edges), strict=True)
    )
    np.testing.assert_allclose(_limited_means(np.full(5, depth), medians, sigma, market), area, rtol=1e-5)


def test_true_losses_are_those_of_the_market():
    """Against the losses it draws: many firms, one year."""
    market, n = market_parameters(), 150_000
    population = draw_population(n, market, np.random.default_rng(1))
    truth = np.zeros((n, len(CATALOGUE)), dtype=np.int8)
    truth[:, :10] = 1
    cover = Coverage(aggregate_limit=250_000.0, retention=25_000.0, sublimits={"ransomware": 100_000.0})
    expected = true_losses(population, truth, market, trend_to=(1.0, 1.0), cover=cover).sum(axis=0)
    rates, medians = true_log_rates(population, truth, market), true_log_medians(population, truth, market)
    # ten times as many claims, for less chance
    losses = draw_losses(rates + np.log(10.0), medians, market, np.random.default_rng(2))
    limit = np.array([cover.limit_for(peril) for peril in PERILS])[losses.peril]
    paid = np.clip(losses.amount - cover.retention, 0.0, limit)
    drawn = np.bincount(losses.peril, paid, minlength=len(PERILS)) / 10.0
    error = np.sqrt(np.bincount(losses.peril, paid**2, minlength=len(PERILS))) / 10.0
    assert (np.abs(drawn - expected) < 4.0 * error).all()
    assert (error < 0.1 * expected).all()


def test_trend_moves_the_truth():
    population = draw_population(50, ELSEWHERE, np.random.default_rng(1))
    truth = np.zeros((50, len(CATALOGUE)), dtype=np.int8)
    now, often, dear = (
        true_losses(population, truth, ELSEWHERE, trend_to=trend) for trend in ((1.0, 1.0), (1.1, 1.0), (1.0, 1.1))
    )
    np.testing.assert_allclose(often, 1.1 * now, rtol=1e-12)
    assert (dear > now).all()


# --- what is unknown


@pytest.mark.parametrize("count", [0, *UNKNOWN_COUNTS])
def test_exactly_so_many_are_unknown(insureds, count):
    view = _with_unknown(insureds, count, ELSEWHERE, np.random.default_rng(0))
    assert (unknown_counts(view) == count).all()
    assert ((view.weights > 0.0) & (view.weights <= 1.0)).all()


def test_what_is_seen_stays_when_less_is_unknown(insureds):
    """Only unseen signals are shown when more are unseen than wanted, only seen ones hidden when fewer."""
    view = _with_unknown(insureds, 5, ELSEWHERE, np.random.default_rng(0))
    changed = (view.codes != insureds.codes)[:, : len(CATALOGUE)]
    before = unknown_counts(insureds)
    assert (changed.sum(axis=1) == np.abs(before - 5)).all()


def test_shown_signals_have_the_codes_that_policies_have():
    """A market whose insurer never errs: what policies encode is the truth, in the plan's codes."""
    raw = copy.deepcopy(market_parameters().raw)
    raw["seen"]["oldest"] = 0.0  # nor is anything out of date
    for name in ("rosy_attestation", "rosy_document", "telemetry_error", "scan_miss"):
        raw["seen"][name] = 0.0
    market = replace(market_parameters(), raw=raw)
    book = simulate(2_000, 4, parameters=market)
    codes = encode_policies(book.policies).codes
    for j, about in enumerate(CATALOGUE):
        seen = book.policies[about.name].notna().to_numpy()
        assert seen.any()
        assert (codes[seen, j] == np.array(ordered_codes(about))[book.truth[seen, j]]).all(), about.name


# --- the fit


def test_fit_finds_the_widths_of_made_errors():
    rng = np.random.default_rng(0)
    n = 60_000
    true = IntervalWidths(0.1, 0.8, 0.05, -0.2, 0.7, 0.9, 0.15, 0.2)
    mean, deviation = rng.normal(-0.3, 0.2, n), rng.uniform(0.1, 0.9, n)
    log_revenue, relative = rng.uniform(12, 19, n), rng.normal(0.0, 0.5, n)
    low, high = true.deviations(deviation)
    noise = rng.standard_normal(n)
    # two half normal distributions whose mean is brought back to the centre by the fit's shift
    error = np.where(noise < 0.0, low, high) * noise
    made = _Quoted(
        pure=np.ones((n, 1)), mean=mean, deviation=deviation, log_revenue=log_revenue, log_relative=relative,
        log_true=true.centre(mean, log_revenue, relative) + error,
    )  # fmt: skip
    found = _fit_widths(made, made)
    assert found.lean == pytest.approx(true.lean, abs=0.02)
    assert found.by_revenue == pytest.approx(true.by_revenue, abs=0.01)
    assert found.by_score == pytest.approx(true.by_score, abs=0.01)
    ends = found.around(mean, deviation, log_revenue=log_revenue, log_relative=relative, z=1.2815516)
    for bottom, top in ((0.1, 0.35), (0.35, 0.65), (0.65, 0.9)):
        some = (deviation >= bottom) & (deviation < top)
        held = (made.log_true >= ends[0]) & (made.log_true <= ends[1])
        assert held[some].mean() == pytest.approx(0.8, abs=0.03)


def test_single_and_many_agree(plan, insureds, widths):
    """One insured's interval, as a quote makes it, and the same insured among many."""
    own = with_intervals(plan, widths)
    cover = Coverage(aggregate_limit=2e6, retention=25_000.0)
    many = {"standard": _quote_many(own, insureds), "quoted": _quote_many(own, insureds, cover)}
    for k in range(0, 240, 40):
        risk = _rated(own, _mixtures(insureds.codes[k], insureds.weights[k]), float(insureds.revenue[k]))
        standard, quoted = (said.pure[k].tolist() for said in many.values())
        reference = float(np.exp(own.score.expected_loss.at(np.log(risk.revenue))[0]))
        revenue, locations = risk.revenue, risk.locations
        firm = SimpleNamespace(plan=own, revenue=revenue, reference_loss=reference)
        costs = layer_costs(own, locations, revenue, STANDARD_LAYER)
        assert [rate * cost for rate, cost in zip(risk.rates, costs, strict=True)] == pytest.approx(standard)
        draws = loss_draws(
            firm, SimpleNamespace(risk=risk, rates=risk.rates, locations=locations, standard_costs=costs)
        )
        found = {
            "standard": draws.standard,
            "quoted": draws.ends(quoted, lambda moved: layer_costs(own, moved, revenue, cover)),  # noqa: B023  called now
        }
        for name, said in many.items():
            low, high = widths.around(
                said.mean, said.deviation, log_revenue=said.log_revenue, log_relative=said.log_relative,
                z=1.2815515655446004,
            )  # fmt: skip
            assert found[name] == pytest.approx((low[k], high[k]), abs=1e-9)


def _mixtures(codes, weights):
    found = []
    for about, code, weight in zip(CATALOGUE, codes.tolist(), weights.tolist(), strict=False):
        known = code not in {about.unknown, about.unanswered}
        found.append(((code, weight), (about.rest_of(code), 1.0 - weight)) if known else ((code, 1.0),))
    return (*found, *(((code, 1.0),) for code in codes[len(CATALOGUE) :].tolist()))


def _rated(plan, mixtures, revenue):
    """Rate mixtures that include those of the context."""
    base = plan.base.at(np.log(revenue)) + plan.balance_row
    total = base.copy()
    for offset, mixture in zip(plan.offsets, mixtures, strict=True):
        total += sum(share * plan.cells[offset + code] for code, share in mixture)
    for a, b, offset, size in plan.pair_index:
        for x, one in mixtures[a]:
            for y, other in mixtures[b]:
                total += one * other * plan.cells[offset + x * size + y]
    return RatedRisk(revenue, mixtures, base, np.zeros((0, WIDTH)), total)


def test_calibration_repeats(plan, widths):
    first = calibrate_intervals(plan, seed=4, trend_to=TREND_TO, n=60, markets=2)
    assert calibrate_intervals(with_intervals(plan, widths), seed=4, trend_to=TREND_TO, n=60, markets=2) == first
    assert calibrate_intervals(plan, seed=5, trend_to=TREND_TO, n=60, markets=2) != first


def test_calibrated_intervals_hold_the_truth_elsewhere(plan, widths):
    """Another market and other insureds, a few hundred: the mean over all cells near 80 %, every cell near it."""
    found = interval_coverage(with_intervals(plan, widths), parameters=ELSEWHERE, seed=9, trend_to=TREND_TO, n=600)
    assert len(found) == 15
    assert found["coverage"].mean() == pytest.approx(0.8, abs=0.06)
    assert found["coverage"].between(0.65, 0.95).all()
    assert (found["below"] + found["above"]).between(0.0, 0.35).all()
    assert (found.groupby("revenue")["insureds"].nunique() == 1).all()
    by_count = found.groupby("unknown")["width"].mean()
    assert by_count["5"] < by_count["10"] < by_count["20"] < by_count["39"]


def test_a_higher_level_holds_more(plan, widths):
    own = with_intervals(plan, widths)
    half, most = (
        interval_coverage(own, parameters=ELSEWHERE, seed=9, trend_to=TREND_TO, n=150, level=level)["coverage"]
        for level in (0.5, 0.95)
    )
    assert (half < most).all()


def test_paragraph_tells_the_table(plan, widths):
    table = interval_coverage(with_intervals(plan, widths), parameters=ELSEWHERE, seed=9, trend_to=TREND_TO, n=90)
    text = intervals_paragraph([table, table.assign(coverage=0.8)])
    assert "checked on 2 others" in text
    assert text.count("\n| ") == 1 + 5
    first = table["coverage"].iloc[0]
    assert f"| 5 | {(first + 0.8) / 2:.0%} ({min(first, 0.8):.0%} to {max(first, 0.8):.0%}) |" in text
