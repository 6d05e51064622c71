"""Whether a plan's level is right, in all and in every slice: actual over expected, slopes, identification tests."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, gammaincinv, ndtri

from cyberscore.perils import BASIS_RETENTION
from cyberscore.profile import signals
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.validation.discrimination import LEAST_CLAIMS, bands_of
from cyberscore.training.validation.judged_book import LINES, JudgedBook, Trend, trend_factors

REVENUE_EDGES = (1e6, 5e6, 2.5e7, 1e8)
REVENUE_LABELS = ("under 1M", "1M to under 5M", "5M to under 25M", "25M to under 100M", "100M or more")
SAME_LOG_RATE = 1e-9
"""Log rates nearer to each other than this are the same."""
PREDICTED_RISK = "predicted risk"
EVIDENCE_WEIGHT = "evidence weight"


def poisson_interval(actual: ArrayLike, expected: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of actual over expected.

    Parameters
    ----------
    actual, expected : array-like
        Claims.
    level : float
        At least that coverage, when claims are Poisson.

    Returns
    -------
    low, high : arrays

    References
    ----------
    F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936) 437-442,
    https://doi.org/10.1093/biomet/28.3-4.437
    """
    a, e = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    tail = (1.0 - level) / 2.0
    low = np.where(a > 0, gammaincinv(np.maximum(a, 1e-12), tail), 0.0)
    return low / e, gammaincinv(a + 1.0, 1.0 - tail) / e


def compute_actual_over_expected(
    judged: JudgedBook, slices: NDArray[np.integer], labels: tuple[str, ...], *, dimension: str, level: float = 0.95
) -> pd.DataFrame:
    """Actual and expected claims of each slice of a book.

    Parameters
    ----------
    judged : JudgedBook
    slices : int array (n,)
        Slice of each term; a place in `labels`.
    labels : tuple of str
    dimension : str
        What is sliced by.
    level : float
        Of the Poisson interval.

    Returns
    -------
    DataFrame
        dimension, line, slice, policies, exposure, actual, expected, ratio, low, high, outside (the interval leaves
        out 1). Slices without terms are left out; actual and expected add up to the book's.
    """
    size = np.bincount(slices, minlength=len(labels))
    kept = np.flatnonzero(size)
    parts = []
    for k, line in enumerate(LINES):
        sums = [
            np.bincount(slices, column[:, k], minlength=len(labels))[kept]
            for column in (judged.exposure, judged.actual, judged.expected)
        ]
        low, high = poisson_interval(sums[1], sums[2], level=level)
        parts.append(
            pd.DataFrame(
                {
                    "dimension": dimension,
                    "line": line,
                    "slice": [labels[code] for code in kept],
                    "policies": size[kept],
                    "exposure": sums[0],
                    "actual": sums[1],
                    "expected": sums[2],
                    "ratio": sums[1] / sums[2],
                    "low": low,
                    "high": high,
                    "outside": (low > 1.0) | (high < 1.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def evidence_weight(policies: EncodedPolicies) -> Floats:
    """Mean weight of the evidence of each term over the signals that fade, 0 (nothing known) to 1, (n,)."""
    known = []
    for j, about in enumerate(signals().values()):
        if about.is_context:
            continue
        code = policies.codes[:, j]
        blank = (code == about.unknown) | (code == about.unanswered)
        known.append(np.where(blank, 0.0, policies.weights[:, j]))
    return np.asarray(np.mean(known, axis=0), dtype=float)


def revenue_bands(revenue: Floats) -> NDArray[np.intp]:
    """Place of each revenue in `REVENUE_LABELS`."""
    return np.searchsorted(REVENUE_EDGES, revenue, side="right")


def compute_calibration(judged: JudgedBook, *, n_bands: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Actual over expected of the whole book, by predicted risk, year, revenue and evidence weight.

    Parameters
    ----------
    judged : JudgedBook
    n_bands : int
        Bands of predicted risk, of about equal exposure and each line by its own prediction.
    level : float

    Returns
    -------
    DataFrame
        As `compute_actual_over_expected`; dimension is book, predicted risk, year, revenue or evidence weight.
    """
    n = len(judged)
    parts = [compute_actual_over_expected(judged, np.zeros(n, dtype=int), ("all",), dimension="book", level=level)]
    names = tuple(str(k + 1) for k in range(n_bands))
    for k, line in enumerate(LINES):
        bands = bands_of(judged.rate[:, k], judged.exposure[:, k], n_bands)
        found = compute_actual_over_expected(judged, bands, names, dimension=PREDICTED_RISK, level=level)
        parts.append(found[found["line"] == line])
    if judged.policies.year is not None:
        years, place = np.unique(judged.policies.year, return_inverse=True)
        parts.append(compute_actual_over_expected(judged, place, tuple(map(str, years)), dimension="year", level=level))
    sized = revenue_bands(judged.policies.revenue)
    parts.append(compute_actual_over_expected(judged, sized, REVENUE_LABELS, dimension="revenue", level=level))
    weight = evidence_weight(judged.policies)
    bands = bands_of(weight, judged.exposure[:, 0], 5)
    spans = tuple(
        f"{weight[bands == b].min():.2f} to {weight[bands == b].max():.2f}" if (bands == b).any() else ""
        for b in range(5)
    )
    parts.append(compute_actual_over_expected(judged, bands, spans, dimension=EVIDENCE_WEIGHT, level=level))
    return pd.concat(parts, ignore_index=True)


def compute_factor_levels(judged: JudgedBook, *, level: float = 0.95) -> pd.DataFrame:
    """Actual over expected by level of every factor, as `compute_actual_over_expected`.

    A term stands at the level observed, whatever the weight of the evidence.
    """
    parts = [
        compute_actual_over_expected(
            judged, judged.policies.codes[:, f], factor.labels, dimension=factor.name, level=level
        )
        for f, factor in enumerate(factors())
    ]
    return pd.concat(parts, ignore_index=True)


def compute_slopes(judged: JudgedBook, *, level: float = 0.95) -> pd.DataFrame:
    """Calibration slope by line: how claims rise with the predicted log rate, 1 where a plan is right.

    Returns
    -------
    DataFrame
        line, ratio (actual over expected), slope, slope_low, slope_high. The slope is NaN for a line of fewer than two
        claims, of a single predicted rate, or whose claims all stand at one end of the rates, where it is infinite.

    Notes
    -----
    Poisson regression of claims on the log of the predicted rate with the log of exposure as offset, by Newton's
    method; a Wald interval. Below 1 the plan spreads risks too far (overfit), above 1 too little.

    References
    ----------
    D. R. Cox, Two further applications of a model for binary regression, Biometrika 45 (1958) 562-565,
    https://doi.org/10.1093/biomet/45.3-4.562
    """
    z = float(ndtri(0.5 + level / 2.0))
    rows = []
    for k, line in enumerate(LINES):
        actual, expected = judged.actual[:, k], judged.expected[:, k]
        log_rate = np.log(judged.rate[:, k])
        centred = log_rate - np.average(log_rate, weights=expected)
        ratio = float(actual.sum() / expected.sum())
        slope, error = np.nan, np.nan
        if actual.sum() >= LEAST_CLAIMS and np.ptp(centred) > SAME_LOG_RATE:
            slope, error = _slope(actual, expected, centred, np.log(ratio))
        rows.append(
            {
                "line": line,
                "ratio": ratio,
                "slope": 1.0 + slope,
                "slope_low": 1.0 + slope - z * error,
                "slope_high": 1.0 + slope + z * error,
            }
        )
    return pd.DataFrame(rows)


def _slope(actual: Floats, expected: Floats, x: Floats, start: float) -> tuple[float, float]:
    """Slope on x, and its standard error, of `actual ~ Poisson(expected exp(a + b x))`; NaN where there is none."""
    claimed = x[actual > 0]
    if np.ptp(claimed) <= SAME_LOG_RATE and min(claimed.min() - x.min(), x.max() - claimed.max()) <= SAME_LOG_RATE:
        return np.nan, np.nan  # steeper is always likelier
    beta = np.array([start, 0.0])
    design = np.column_stack([np.ones_like(x), x])
    information = np.eye(2)
    for _ in range(50):
        mean = expected * np.exp(np.clip(design @ beta, -20.0, 20.0))
        information = design.T @ (mean[:, None] * design) + 1e-12 * np.eye(2)
        step = np.clip(np.linalg.solve(information, design.T @ (actual - mean)), -1.0, 1.0)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return np.nan, np.nan
    return float(beta[1]), float(np.sqrt(np.linalg.inv(information)[1, 1]))


def poisson_p_value(actual: ArrayLike, expected: ArrayLike) -> Floats:
    """Two-sided p-value of `actual` claims where `expected` were due: twice the smaller tail, at most 1."""
    a, e = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    at_most, at_least = gammaincc(a + 1.0, e), np.where(a > 0, gammainc(np.maximum(a, 1e-12), e), 1.0)
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(at_most, at_least)))


def compute_identification(judged: JudgedBook) -> pd.DataFrame:
    """Test calibration given each factor: predicted less actual rate by level, all perils together.

    Returns
    -------
    DataFrame
        factor, slice, policies, bias (predicted less actual claims a year), stderr, p_value, flagged (rejected at 5 %
        over the whole table by Holm's step-down). The first row is the whole book.

    Notes
    -----
    Where the identification function `V = predicted - actual` has mean 0 given a feature, a plan is calibrated given
    it. The mean is weighted by exposure, as in model-diagnostics' `compute_bias`; standard error and p-value are those
    of Poisson claims, exact. The usual t-test fails for rare claims: a level without any has next to no variance. On 25
    books of 10,000 policies with claims drawn from the plan itself it rejected 3 levels a book on average, after Holm.

    References
    ----------
    T. Fissler, C. Lorentzen, M. Mayer, Model comparison and calibration assessment (2022),
    https://doi.org/10.48550/arXiv.2202.12780
    """
    levels = [("book", "all", np.ones(len(judged), dtype=bool))]
    for f, factor in enumerate(factors()):
        codes = judged.policies.codes[:, f]
        levels += [(factor.name, factor.labels[code], codes == code) for code in np.unique(codes)]
    rows = []
    for name, label, of in levels:
        exposure, actual, expected = (
            float(column[of, 0].sum()) for column in (judged.exposure, judged.actual, judged.expected)
        )
        rows.append(
            {
                "factor": name,
                "slice": label,
                "policies": int(of.sum()),
                "bias": (expected - actual) / exposure,
                "stderr": float(np.sqrt(expected)) / exposure,
                "p_value": float(poisson_p_value(actual, expected)),
            }
        )
    frame = pd.DataFrame(rows)
    frame["flagged"] = holm(frame["p_value"].to_numpy())
    return frame


def holm(p_values: Floats, *, level: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses Holm's step-down rejects; a missing p-value is never rejected."""
    filled = np.where(np.isnan(p_values), 1.0, p_values)
    order = np.argsort(filled, kind="stable")
    passed = filled[order] <= level / (len(filled) - np.arange(len(filled)))
    rejected = np.zeros(len(filled), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


def compute_cost_per_claim(
    plan: RatingPlan,
    book: Book,
    judged: JudgedBook,
    *,
    trend: Trend | None = None,
    trend_to: tuple[float, float] = (1.0, 1.0),
) -> pd.DataFrame:
    """Actual against expected cost of a claim above the basis, in its own policy's layer, by line.

    Returns
    -------
    DataFrame
        line, claims, open, actual, expected (mean USD a claim, at the plan's level of trend), ratio, low, high. The
        interval is the normal one of the mean of claims: with few claims and a heavy tail it is too narrow. An open
        claim stands at what the plan expects of one that costs at least what is paid. NaN: the costs of no claim, and
        the interval of one claim or of claims that cost the same.
    """
    policies, claims = book.encoded_policies, book.encoded_claims
    _, index = trend_factors(policies, trend, trend_to)
    index = index[claims.policy]
    hidden = np.maximum(policies.retention[claims.policy] - BASIS_RETENTION, 0.0) / index
    top = (policies.retention + policies.limit)[claims.policy] / index - BASIS_RETENTION / index
    paid = np.minimum(claims.excess / index, top) - hidden
    still_open = claims.censored & (claims.excess / index < top * (1 - 1e-6))
    locations = judged.totals[claims.policy, N_PERILS + claims.peril]
    mean = _mean_beyond(plan, claims.peril, hidden, top, locations)
    paid[still_open] += _mean_beyond(plan, claims.peril, hidden + paid, top, locations)[still_open]
    rows = []
    for k, line in enumerate(LINES):
        mine = np.ones(len(paid), dtype=bool) if k == 0 else claims.peril == k - 1
        n = int(mine.sum())
        actual, expected = (float(cost[mine].mean()) if n else np.nan for cost in (paid, mean))
        error = float(paid[mine].std(ddof=1)) / np.sqrt(n) if n > 1 and np.ptp(paid[mine]) > 0 else np.nan
        low = (actual - 1.96 * error) / expected
        rows.append(
            {
                "line": line,
                "claims": n,
                "open": int(still_open[mine].sum()),
                "actual": actual,
                "expected": expected,
                "ratio": actual / expected,
                "low": low if np.isnan(low) else max(low, 0.0),
                "high": (actual + 1.96 * error) / expected,
            }
        )
    return pd.DataFrame(rows)


def _mean_beyond(plan: RatingPlan, peril: NDArray[np.int64], low: Floats, top: Floats, location: Floats) -> Floats:
    """Mean cost between `low` and `top` of each claim, given an excess above `low`."""
    found = np.empty(len(peril))
    for i, (k, a, b, mu) in enumerate(zip(peril.tolist(), low.tolist(), top.tolist(), location.tolist(), strict=True)):
        shape = plan.severity[k]
        found[i] = (shape.limited_mean(b, mu) - shape.limited_mean(a, mu)) / max(shape.survival(a, mu), 1e-12)
    return found
