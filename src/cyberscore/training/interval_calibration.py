"""How wide intervals must be: calibrated on simulated markets other than the plan's own, and checked on yet others.

Called when a plan is released. There the truth is known: an insured's true posture, rates and severities give the
technical premium that a quote stands for, and the interval should hold it for its level's share of insureds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from cyberscore.market import MarketParameters, market_parameters, simulate
from cyberscore.market.firms import Chances
from cyberscore.market.losses import survival, true_log_medians, true_log_rates
from cyberscore.market.parameters import perturbed
from cyberscore.market.population import Population, draw_population
from cyberscore.market.posture import Cells
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import SOURCES, signals
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.draws import draw_spread, draw_totals, ordered_codes
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.parts import INTERVAL_BOUND, LOG_TEN, LOG_TEN_MILLION, N_PERILS, Floats, IntervalWidths
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles
from cyberscore.rating.premium import PremiumTerms
from cyberscore.training.books.encoding import encode_policies

LEVEL = 0.8
UNKNOWN_COUNTS = (5, 10, 20, 39)
AS_SEEN = "as seen"
EFFECTS_OFF = 0.3
"""Standard deviation of the log of each effect's error in the markets that intervals are calibrated on."""
N_MARKETS = 12
WIDENINGS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_BATCH = 128
_STEP = 0.1
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Insureds:
    """Insureds of a simulated market: what is seen of them, and the truth."""

    codes: _Ints
    weights: Floats
    revenue: Floats
    band: NDArray[np.int64]
    truth: Cells
    true_losses: Floats


@dataclass(frozen=True, slots=True)
class _Quoted:
    """What the plan says of insureds, and what is true; `log_true` is over the quoted expected loss."""

    pure: Floats
    mean: Floats
    deviation: Floats
    log_revenue: Floats
    log_relative: Floats
    log_true: Floats

    def features(self) -> Floats:
        """Columns whose factors make the centre, in the order of `IntervalWidths`."""
        decades = (self.log_revenue - LOG_TEN_MILLION) / LOG_TEN
        return np.column_stack([np.ones(len(self.mean)), self.mean, decades, self.log_relative])


def calibrate_intervals(
    plan: RatingPlan, *, seed: int, trend_to: tuple[float, float], n: int = 900, markets: int = N_MARKETS
) -> IntervalWidths:
    """Fit the width of a plan's intervals on simulated markets whose effects are off by 30 %.

    Parameters
    ----------
    plan : RatingPlan
        Its own intervals do not matter.
    seed : int
    trend_to : (float, float)
        Index of frequency and severity at which the plan is stated.
    n : int
        Insureds in each market, a third in each revenue band, each seen with 5, 10, 20 and 39 signals unknown, as the
        insurer sees it, and with all signals verified.
    markets : int
        Several, since the errors of one market's few large effects are shared by its insureds.

    Returns
    -------
    IntervalWidths
        Rounded to 4 decimals.

    Notes
    -----
    The centre is the least-squares fit of the log of true over quoted expected loss. Each side's `spread` and `model`
    then minimise the pinball loss of the distance from it at the end's quantile, and one factor on all four brings the
    share held to the level. Independent bags and draws alone are too narrow where much is known (they do not know that
    an effect is wrong) and too wide, and too high, where nothing is.
    """
    seeds = np.random.SeedSequence(seed).generate_state(2 * markets).tolist()
    usual, verified = [], []
    for market_seed, book_seed in zip(seeds[:markets], seeds[markets:], strict=True):
        parameters = perturbed(market_parameters(), seed=market_seed, spread=EFFECTS_OFF)
        insureds = _draw_insureds(parameters, n, book_seed, trend_to)
        rng = np.random.default_rng(book_seed + 1)
        views = [_with_unknown(insureds, count, parameters, rng) for count in UNKNOWN_COUNTS]
        usual += [_quote_many(plan, view) for view in (insureds, *views)]
        nothing = _with_unknown(insureds, len(signals()), parameters, rng)
        verified.append(_quote_many(plan, _with_unknown(nothing, 0, parameters, rng)))
    return _fit_widths(_stack(usual), _stack(verified))


def _fit_widths(usual: _Quoted, verified: _Quoted) -> IntervalWidths:
    """Fit shape and centre to both; the level to the usual ones alone."""
    z = _normal_score(LEVEL)
    both = _stack([usual, verified])
    found = np.linalg.lstsq(both.features(), both.log_true, rcond=None)[0]
    centre = (
        round(float(x), 4) for x in np.clip(found, [-INTERVAL_BOUND, 0.0, -1.0, -1.0], [INTERVAL_BOUND, 1.5, 1.0, 1.0])
    )
    shift, lean, by_revenue, by_score = centre
    widths = IntervalWidths(shift, lean, by_revenue, by_score)
    error = both.log_true - widths.centre(both.mean, both.log_revenue, both.log_relative)
    fitted = {}
    for widen in WIDENINGS:
        drawn = both.deviation * (1.0 + widen * both.deviation)
        fitted[widen] = (_fit_side(-error, drawn, z), _fit_side(error, drawn, z))
    widen = min(fitted, key=lambda widen: fitted[widen][0][2] + fitted[widen][1][2])
    (spread_low, model_low, _), (spread_high, model_high, _) = fitted[widen]
    widths = replace(widths, widen=widen)
    sides = {
        "spread_low": spread_low,
        "spread_high": spread_high,
        "model_low": model_low,
        "model_high": model_high,
    }
    # how many times as wide each interval would have to be; none where the truth lies between centre and quote
    error = usual.log_true - widths.centre(usual.mean, usual.log_revenue, usual.log_relative)
    low, high = replace(widths, **sides).deviations(usual.deviation)
    needed = np.where(error * usual.log_true <= 0.0, 0.0, np.maximum(-error / low, error / high) / z)
    factor = float(np.quantile(needed, LEVEL))
    return replace(widths, **{name: round(min(factor * x, INTERVAL_BOUND), 4) for name, x in sides.items()})


def _fit_side(distance: Floats, deviation: Floats, z: float) -> tuple[float, float, float]:
    """`spread` and `model` of one side: least pinball loss of the distance from the centre outwards, and that loss."""
    quantile = 0.5 + 0.5 * LEVEL

    def loss(x: Floats) -> float:
        beyond = distance - z * np.hypot(x[0] * deviation, x[1])
        return float(np.where(beyond >= 0.0, quantile * beyond, (quantile - 1.0) * beyond).mean())

    options = {"xatol": 1e-5, "fatol": 1e-10, "maxiter": 1000}
    found = minimize(loss, [0.8, 0.15], method="Nelder-Mead", options=options)
    spread, model = np.clip(np.abs(found.x), 1e-3, INTERVAL_BOUND).tolist()
    return spread, model, float(found.fun)


def _normal_score(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + 0.5 * level)


def interval_coverage(
    plan: RatingPlan,
    *,
    parameters: MarketParameters,
    seed: int,
    trend_to: tuple[float, float],
    n: int = 4500,
    cover: Coverage = STANDARD_LAYER,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Count how often a plan's intervals hold the true technical premium in a simulated market.

    Parameters
    ----------
    plan : RatingPlan
    parameters : MarketParameters
        A market that the intervals were not calibrated on.
    seed : int
    trend_to : (float, float)
        Index of frequency and severity at which the plan is stated.
    n : int
        Insureds, about a third in each revenue band; the same in every row of a band.
    cover : Coverage
        Its retention at least the basis; the calibration used the standard layer.
    level : float

    Returns
    -------
    DataFrame
        A row for each number of unknown signals and revenue band: `insureds`, `coverage` and its standard error `se`,
        `below` and `above` (true premium beyond an end), `width` (mean of log high over low) and `bias` (mean of log
        true over quoted technical premium).

    Notes
    -----
    The technical premium is before index, schedule, minimum, cap and rounding, in the US; the true one has the same
    loads and expenses on the true expected loss.
    """
    insureds = _draw_insureds(parameters, n, seed, trend_to, cover)
    rng = np.random.default_rng(seed + 1)
    terms = PremiumTerms.of(plan.pricing, cover, "US", 1e6, plan.pricing.index.calibration_date)
    true = terms.technical_of_many(insureds.true_losses)
    z = _normal_score(level)
    rows = []
    for count in (*UNKNOWN_COUNTS, AS_SEEN):
        seen = insureds if isinstance(count, str) else _with_unknown(insureds, count, parameters, rng)
        said = _quote_many(plan, seen, cover)
        low, high = plan.intervals.around(
            said.mean, said.deviation, log_revenue=said.log_revenue, log_relative=said.log_relative, z=z
        )
        bottom, quoted, top = (
            terms.technical_of_many(said.pure * np.exp(end)[:, None]) for end in (low, np.zeros(len(low)), high)
        )
        for band, name in enumerate(_band_names(parameters)):
            mine = insureds.band == band
            below, above = (true < bottom)[mine].mean(), (true > top)[mine].mean()
            coverage = 1.0 - below - above
            rows.append({
                "unknown": str(count),
                "revenue": name,
                "insureds": int(mine.sum()),
                "coverage": coverage,
                "se": np.sqrt(coverage * (1.0 - coverage) / mine.sum()),
                "below": below,
                "above": above,
                "width": np.log(top / bottom)[mine].mean(),
                "bias": np.log(true / quoted)[mine].mean(),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _band_names(parameters: MarketParameters) -> list[str]:
    upper = [f"{top / 1e6:.0f}M" for top in parameters.raw["revenue"]["bands"]]
    return [f"up to {upper[0]}", *(f"{low} to {high}" for low, high in pairwise(upper))]


def with_intervals(plan: RatingPlan, widths: IntervalWidths) -> RatingPlan:
    """Return the plan with widths of intervals; its digest changes."""
    content = {**plan.files.content, "intervals": asdict(widths)}
    return RatingPlan.from_files(PlanFiles(content, plan.files.others))


def intervals_paragraph(tables: Sequence[pd.DataFrame]) -> str:
    """Say in Markdown how often intervals held the truth, one table of `interval_coverage` a market."""
    every = pd.concat(tables)
    inside = int(every["coverage"].between(LEVEL - 0.05, LEVEL + 0.05).sum())
    bands = list(dict.fromkeys(every["revenue"]))
    by_cell = every.groupby(["unknown", "revenue"], sort=False)["coverage"].agg(["mean", "min", "max"])
    rows = "\n".join(
        f"| {unknown} | "
        + " | ".join(
            "{mean:.0%} ({min:.0%} to {max:.0%})".format_map(by_cell.loc[(unknown, band)].to_dict()) for band in bands
        )
        + " |"
        for unknown in dict.fromkeys(every["unknown"])
    )
    return f"""Intervals of {LEVEL:.0%} are calibrated on {N_MARKETS} simulated markets whose effects are {EFFECTS_OFF:.0%} off, and were
checked on {len(tables)} others: the share of insureds whose true technical premium (before index, schedule, minimum, cap and
rounding) they hold, mean and range over these markets. {inside} of {len(every)} cells lie within {LEVEL - 0.05:.0%} to {LEVEL + 0.05:.0%}.

| signals unknown of {len(signals())} | {" | ".join(f"revenue {band}" for band in bands)} |
|---|{"---|" * len(bands)}
{rows}
"""  # noqa: E501  lines of Markdown


def _draw_insureds(
    parameters: MarketParameters,
    n: int,
    seed: int,
    trend_to: tuple[float, float],
    cover: Coverage = STANDARD_LAYER,
) -> _Insureds:
    """Simulate insureds, as many in each revenue band, with their true expected losses at the plan's index."""
    bands = parameters.raw["revenue"]["bands"]
    shares = [1.0 / len(bands)] * len(bands)
    even = replace(parameters, raw={**parameters.raw, "revenue": {**parameters.raw["revenue"], "shares": shares}})
    market = simulate(n, seed, parameters=even)
    # the book's own first stream of chance: the same population
    population = draw_population(n, even, Chances.of(seed).population)
    encoded = encode_policies(market.policies)
    return _Insureds(
        codes=encoded.codes.astype(np.intp),
        weights=encoded.weights.astype(float),
        revenue=population.revenue,
        band=population.band,
        truth=market.truth,
        true_losses=true_losses(population, market.truth, even, trend_to=trend_to, cover=cover),
    )


def true_losses(
    population: Population,
    truth: Cells,
    parameters: MarketParameters,
    *,
    trend_to: tuple[float, float],
    cover: Coverage = STANDARD_LAYER,
) -> Floats:
    """Return the true expected yearly loss to a cover by peril, (n, perils), in USD.

    Notes
    -----
    Rate above the basis times ``(E[min(X, top)] - E[min(X, retention)]) / P(X > basis)`` of the ground-up loss X:
    lognormal, with a Pareto tail and a cap.
    """
    log_rates = true_log_rates(population, truth, parameters) + np.log(trend_to[0])
    log_medians = true_log_medians(population, truth, parameters) + np.log(trend_to[1])
    sigma = parameters.peril("log_sigma")
    bottoms = np.full(N_PERILS, cover.retention)
    tops = np.array([cover.retention + cover.limit_for(peril) for peril in PERILS])
    layer = _limited_means(tops, log_medians, sigma, parameters)
    layer -= _limited_means(bottoms, log_medians, sigma, parameters)
    losses: Floats = np.exp(log_rates) * layer / survival(np.array(BASIS_RETENTION), log_medians, sigma, parameters)
    return losses


def _limited_means(depths: Floats, log_medians: Floats, sigma: Floats, parameters: MarketParameters) -> Floats:
    """`E[min(X, depth)]` of ground-up losses, (n, perils)."""
    tail = parameters.raw["severity"]
    start, power = tail["tail_from"], 1.0 - tail["tail_alpha"]
    inner = np.minimum(depths, start)
    z = (np.log(inner) - log_medians) / sigma
    beyond = ndtr(-z)
    ratio = np.maximum(np.minimum(depths, tail["cap"]) / start, 1.0)
    mean: Floats = (
        np.exp(log_medians + 0.5 * sigma**2) * ndtr(z - sigma)
        + inner * beyond
        + beyond * start * (ratio**power - 1.0) / power
    )
    return mean


def _with_unknown(insureds: _Insureds, count: int, parameters: MarketParameters, rng: np.random.Generator) -> _Insureds:
    """Return insureds of whom exactly `count` signals, drawn by chance, are unknown.

    Unseen signals are first to stay unknown; others are hidden, or shown as telemetry shows them.
    """
    catalogue = list(signals().values())
    codes, weights = insureds.codes.copy(), insureds.weights.copy()
    own = codes[:, : len(catalogue)]
    empty = (own == [about.unknown for about in catalogue]) | (own == [about.unanswered for about in catalogue])
    order = (~empty + rng.random(empty.shape)).argsort(axis=1).argsort(axis=1)
    wanted = order < count
    wrong = rng.random(empty.shape) < parameters.raw["seen"]["telemetry_error"]
    step = np.where(rng.random(empty.shape) < 0.5, 1, -1) * wrong
    for j, about in enumerate(catalogue):
        hidden, shown = wanted[:, j] & ~empty[:, j], ~wanted[:, j] & empty[:, j]
        ladder = np.array(ordered_codes(about))
        cell = np.clip(insureds.truth[:, j] + step[:, j], 0, len(ladder) - 1)
        codes[hidden, j], weights[hidden, j] = about.unanswered, 1.0
        codes[shown, j], weights[shown, j] = ladder[cell[shown]], SOURCES["telemetry"].favourable
    return replace(insureds, codes=codes, weights=weights)


def _quote_many(plan: RatingPlan, insureds: _Insureds, cover: Coverage = STANDARD_LAYER) -> _Quoted:
    """Return the quoted expected loss of insureds to a cover, and the spread of its draws."""
    log_revenue = np.log(insureds.revenue)
    totals = totals_of_many(plan, insureds.codes, insureds.weights, insureds.revenue)
    step = np.concatenate([np.zeros(N_PERILS), np.full(N_PERILS, _STEP)])
    pure, low, high = (expected_losses_of_many(plan, totals + move, cover) for move in (0.0, -step, step))
    elasticity = np.log(high / low) / (2.0 * _STEP)
    mean, deviation = np.empty(len(totals)), np.empty(len(totals))
    for start in range(0, len(totals), _BATCH):
        part = slice(start, start + _BATCH)
        drawn = draw_totals(plan, insureds.codes[part], insureds.weights[part], log_revenue[part])
        drawn -= totals[part, None, :]
        mean[part], deviation[part] = draw_spread(drawn, pure[part], elasticity[part])
    quoted = np.log(pure.sum(axis=1))
    standard = quoted if cover == STANDARD_LAYER else np.log(expected_losses_of_many(plan, totals).sum(axis=1))
    return _Quoted(
        pure=pure,
        mean=mean,
        deviation=deviation,
        log_revenue=log_revenue,
        log_relative=standard - plan.score.expected_loss.at_many(log_revenue)[:, 0],
        log_true=np.log(insureds.true_losses.sum(axis=1)) - quoted,
    )


def _stack(parts: Sequence[_Quoted]) -> _Quoted:
    return _Quoted(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Quoted.__slots__))
