"""How well a plan tells risks apart: Gini, deviance, Murphy decomposition, double lift."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from cyberscore.exceptions import MissingExtraError
from cyberscore.perils import PERILS
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.training.validation.judged_book import LINES, JudgedBook

CURVE_POINTS = 100
MURPHY_TERMS = ("miscalibration", "discrimination", "uncertainty", "score")
LEAST_CLAIMS = 2
"""With fewer claims nothing is said of an order: one claim stands somewhere in any order, and no claim nowhere."""
NEGLIGIBLE = 1e-9
"""Deviances below this, a claim, are rounding: nothing is there to be explained."""


def model_diagnostics_scoring() -> Any:
    """Return the scoring module of model-diagnostics.

    Raises
    ------
    MissingExtraError
        Naming the extra to install.
    """
    try:
        from model_diagnostics import scoring  # noqa: PLC0415  an optional extra
    except ImportError as error:
        raise MissingExtraError(
            "validation needs model-diagnostics and matplotlib, which are not installed: "
            "pip install 'cyberscore[validation]'"
        ) from error
    return scoring


def tie_groups(order_by: ArrayLike) -> NDArray[np.intp]:
    """Return the number of each row's group of equal values, 0 the lowest."""
    return np.unique(np.asarray(order_by, dtype=float), return_inverse=True)[1]


def bands_of(order_by: ArrayLike, weight: Floats, n_bands: int) -> NDArray[np.intp]:
    """Band of each row, 0 the lowest: bands of about equal weight, equal values never parted."""
    group = tie_groups(order_by)
    total = np.bincount(group, weight)
    middle = (np.cumsum(total) - total / 2) / total.sum()
    band: NDArray[np.intp] = np.minimum((middle * n_bands).astype(np.intp), n_bands - 1)[group]
    return band


def lorenz_curve(actual: Floats, exposure: Floats, order_by: ArrayLike) -> tuple[Floats, Floats]:
    """Cumulated shares of exposure and of claims, least risky first, both from 0 to 1; NaN where there are none."""
    return _curve(actual, exposure, tie_groups(order_by))


def _curve(actual: Floats, exposure: Floats, group: NDArray[np.intp]) -> tuple[Floats, Floats]:
    x = np.concatenate([[0.0], np.cumsum(np.bincount(group, exposure))])
    y = np.concatenate([[0.0], np.cumsum(np.bincount(group, actual))])
    nothing = np.full(len(x), np.nan)
    return x / x[-1] if x[-1] > 0 else nothing, y / y[-1] if y[-1] > 0 else nothing


def _gini(actual: Floats, exposure: Floats, group: NDArray[np.intp]) -> float:
    if len(group) < 2:
        return np.nan
    x, y = _curve(actual, exposure, group)
    return float(1.0 - (np.diff(x) * (y[1:] + y[:-1])).sum())


def gini(actual: Floats, exposure: Floats, order_by: ArrayLike) -> float:
    r"""Gini index of the concentration curve.

    Parameters
    ----------
    actual : array (n,)
        Claims.
    exposure : array (n,)
        Years.
    order_by : array (n,)
        Prediction, a rate per year. Rows of equal prediction count as one, so that their order cannot matter.

    Returns
    -------
    float
        0 for no order, above 0 when claims gather where the prediction is high; reversing the order changes the sign.
        NaN without a claim, without exposure, or of a single row: there is nothing to order.

    Notes
    -----
    :math:`G = 1 - 2 \int_0^1 L(p)\,dp`, where L(p) is the share of claims among the least risky share p of exposure,
    by trapezoids.

    References
    ----------
    E. W. Frees, G. Meyers, A. D. Cummings, Summarizing insurance scores using a Gini index, JASA 106 (2011) 1085-1098,
    https://doi.org/10.1198/jasa.2011.tm10506
    """
    return _gini(actual, exposure, tie_groups(order_by))


def poisson_deviance(actual: Floats, expected: Floats) -> float:
    """Sum of `2 (y log(y / m) - y + m)`."""
    return float(2.0 * (xlogy(actual, actual) - xlogy(actual, expected) - actual + expected).sum())


def share_of_explainable_deviance(true: Floats, predicted: Floats) -> float:
    """Share of the Poisson divergence of the mean rate from the true ones that a prediction removes.

    Parameters
    ----------
    true, predicted : arrays (n,) or (n, perils)
        Yearly rates, true ones as in a simulated market. With several perils each is compared with its own mean.

    Returns
    -------
    float
        1 for the truth, 0 for the mean rate; NaN where all true rates are the same, and so nothing is to be explained.
    """

    def divergence(model: Floats) -> float:
        return float((true * np.log(true / model) - true + model).sum())

    explainable = divergence(np.broadcast_to(true.mean(axis=0), true.shape))
    return 1.0 - divergence(predicted) / explainable if explainable > NEGLIGIBLE * float(true.sum()) else np.nan


def _null(judged: JudgedBook) -> Floats:
    """Claims expected of each peril's mean rate, (n, perils)."""
    actual, exposure = judged.actual[:, 1:], judged.exposure[:, 1:]
    return np.asarray(exposure * (actual.sum(axis=0) / exposure.sum(axis=0)))


def compute_discrimination(
    judged: JudgedBook,
    *,
    true_rates: Floats | None = None,
    n_bootstrap: int = 200,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Gini with an interval, deviance and D2 by line; the share of what could be explained where the truth is known.

    Parameters
    ----------
    judged : JudgedBook
    true_rates : array (n, perils), optional
        True claims a year above the basis, in each term's own year.
    n_bootstrap : int
        Bootstrap samples of insureds; 0 for no interval.
    level : float
        Of the interval, percentiles of the bootstrap.
    random_state : int

    Returns
    -------
    DataFrame
        A row a line: claims, gini, gini_low, gini_high, deviance (of all terms), deviance_of_mean, d2,
        share_of_explainable, and samples (of the bootstrap that held a claim; the others are left out).
        `d2 = 1 - deviance / deviance_of_mean`, the mean rate being each peril's own in this book.

    Notes
    -----
    What cannot be told is NaN: gini and d2 of fewer than two claims, d2 of a mean rate that is right everywhere, and
    the interval where all claims are of one insured, since every sample is then the same.
    """
    rate, null = judged.rate, _null(judged)
    insured = np.unique(judged.policies.insured, return_inverse=True)[1]
    rng = np.random.default_rng(random_state)
    draws = np.empty((n_bootstrap, len(LINES)))
    groups = [tie_groups(rate[:, k]) for k in range(len(LINES))]
    for b in range(n_bootstrap):
        weight = np.bincount(rng.integers(insured.max() + 1, size=insured.max() + 1), minlength=insured.max() + 1)
        weight = weight[insured].astype(float)
        for k, group in enumerate(groups):
            draws[b, k] = _gini(judged.actual[:, k] * weight, judged.exposure[:, k] * weight, group)
    tail = 50.0 * (1.0 - level)
    claimants = [len(np.unique(insured[judged.actual[:, k] > 0])) for k in range(len(LINES))]
    rows: list[dict[str, object]] = []
    for k, line in enumerate(LINES):
        column = slice(None) if k == 0 else slice(k - 1, k)
        own = poisson_deviance(judged.actual[:, 1:][:, column], judged.expected[:, 1:][:, column])
        mean = poisson_deviance(judged.actual[:, 1:][:, column], null[:, column])
        held = draws[np.isfinite(draws[:, k]), k]
        enough = len(held) > 0 and claimants[k] >= 2
        low, high = np.percentile(held, [tail, 100.0 - tail]) if enough else (np.nan, np.nan)
        claims = int(judged.actual[:, k].sum())
        told = claims >= LEAST_CLAIMS
        row: dict[str, object] = {
            "line": line,
            "claims": claims,
            "gini": gini(judged.actual[:, k], judged.exposure[:, k], rate[:, k]) if told else np.nan,
            "gini_low": float(low),
            "gini_high": float(high),
            "deviance": own,
            "deviance_of_mean": mean,
            "d2": 1.0 - own / mean if told and mean > NEGLIGIBLE * claims else np.nan,
            "samples": len(held),
        }
        if true_rates is not None:
            row["share_of_explainable"] = share_of_explainable_deviance(
                true_rates[:, column], judged.yearly_rate[:, column]
            )
        rows.append(row)
    return pd.DataFrame(rows)


def compute_lorenz(judged: JudgedBook, *, by: str = "rate") -> pd.DataFrame:
    """Concentration curves by line, thinned to about a hundred points.

    Parameters
    ----------
    judged : JudgedBook
    by : {"rate", "pure_premium"}
        What orders terms: the predicted rate of the line, or the predicted loss in the standard layer.

    Returns
    -------
    DataFrame
        line, share_of_exposure, share_of_claims, share_of_expected.
    """
    if by not in {"rate", "pure_premium"}:
        raise ValueError(f"by must be 'rate' or 'pure_premium'; got {by!r}")
    parts = []
    grid = np.linspace(0.0, 1.0, CURVE_POINTS + 1)
    for k, line in enumerate(LINES):
        order = judged.rate[:, k] if by == "rate" else judged.pure_premium
        x, y = lorenz_curve(judged.actual[:, k], judged.exposure[:, k], order)
        _, z = lorenz_curve(judged.expected[:, k], judged.exposure[:, k], order)
        parts.append(
            pd.DataFrame(
                {
                    "line": line,
                    "share_of_exposure": grid,
                    "share_of_claims": np.interp(grid, x, y),
                    "share_of_expected": np.interp(grid, x, z),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def compute_murphy(judged: JudgedBook) -> pd.DataFrame:
    """Murphy decomposition of the mean Poisson deviance per year, by line.

    Returns
    -------
    DataFrame
        line, miscalibration (less is better), discrimination (more is better), uncertainty, score; NaN for lines of
        fewer than two claims, in a book of a single term, or where claims are as even as could be.

    Notes
    -----
    `score = miscalibration - discrimination + uncertainty`, with isotonic recalibration. Isotonic regression also fits
    noise: with few claims both miscalibration and discrimination come out too high, by about as much.

    References
    ----------
    T. Fissler, C. Lorentzen, M. Mayer, Model comparison and calibration assessment (2022),
    https://doi.org/10.48550/arXiv.2202.12780
    """
    scoring = model_diagnostics_scoring()
    rows = []
    rate = judged.rate
    for k, line in enumerate(LINES):
        if judged.actual[:, k].sum() < LEAST_CLAIMS or len(judged) < 2:
            rows.append({"line": line, **dict.fromkeys(MURPHY_TERMS, np.nan)})
            continue
        order = np.argsort(rate[:, k], kind="stable")  # decompose looks for a zero at its first row alone
        found = scoring.decompose(
            (judged.actual[:, k] / judged.exposure[:, k])[order],
            rate[order, k],
            judged.exposure[order, k],
            scoring_function=scoring.PoissonDeviance(),
        ).row(0, named=True)
        known = found["uncertainty"] > NEGLIGIBLE
        rows.append({"line": line, **{name: float(value) if known else np.nan for name, value in found.items()}})
    return pd.DataFrame(rows)


def compute_double_lift(judged: JudgedBook, other: JudgedBook, *, n_bands: int = 10) -> pd.DataFrame:
    """Claims against both plans, by bands of the ratio of what the other plan expects to what this one does.

    Parameters
    ----------
    judged, other : JudgedBook
        The same book under two plans.
    n_bands : int

    Returns
    -------
    DataFrame
        line, band (1 where the other plan is lowest against this one), ratio_low, ratio_high, policies, exposure,
        actual, expected, expected_other, actual_over_expected, actual_over_expected_other. The plan whose ratios stay
        nearer to 1 is right where the two differ. Of fewer than two claims both are NaN.
    """
    parts = []
    for k, line in enumerate(LINES):
        ratio = other.expected[:, k] / judged.expected[:, k]
        weight = np.sqrt(judged.exposure[:, k] * other.exposure[:, k])  # so that swapping the plans swaps the bands
        band = bands_of(ratio, weight, n_bands)
        frame = pd.DataFrame(
            {
                "band": band + 1,
                "ratio": ratio,
                "exposure": weight,
                "actual": judged.actual[:, k],
                "expected": judged.expected[:, k],
                "expected_other": other.expected[:, k],
            }
        )
        found = frame.groupby("band", sort=True).agg(
            ratio_low=("ratio", "min"),
            ratio_high=("ratio", "max"),
            policies=("ratio", "size"),
            exposure=("exposure", "sum"),
            actual=("actual", "sum"),
            expected=("expected", "sum"),
            expected_other=("expected_other", "sum"),
        )
        found = found.reset_index()
        told = found["actual"].sum() >= LEAST_CLAIMS
        found["actual_over_expected"] = found["actual"] / found["expected"] if told else np.nan
        found["actual_over_expected_other"] = found["actual"] / found["expected_other"] if told else np.nan
        found.insert(0, "line", line)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def known_truth(true_rates: object, n: int) -> Floats | None:
    """Return true rates as an array (n, perils), or None.

    Raises
    ------
    ValueError
        When the shape is not that of the book, or a rate is not positive.
    """
    if true_rates is None:
        return None
    if isinstance(true_rates, pd.DataFrame):
        true_rates = true_rates[list(PERILS)].to_numpy(dtype=float)
    true = np.asarray(true_rates, dtype=float)
    if true.shape != (n, N_PERILS):
        raise ValueError(f"true_rates must be {n} rows of {N_PERILS} perils; got shape {true.shape}")
    if not (true > 0).all():
        raise ValueError("true_rates must be positive")
    return true
