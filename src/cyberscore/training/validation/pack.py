"""validate(): a plan judged on a book, everything in one frozen result."""

from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cyberscore.exceptions import TrainingError
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.validation.calibration import (
    compute_calibration,
    compute_cost_per_claim,
    compute_factor_levels,
    compute_identification,
    compute_slopes,
)
from cyberscore.training.validation.discrimination import (
    compute_discrimination,
    compute_double_lift,
    compute_lorenz,
    compute_murphy,
    known_truth,
    model_diagnostics_scoring,
)
from cyberscore.training.validation.judged_book import Trend, judge_book
from cyberscore.training.validation.page import validation_page
from cyberscore.training.validation.stability import (
    compute_cell_stability,
    compute_drift,
    compute_drift_by_year,
    compute_monotonicity,
    compute_policy_stability,
)


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """A plan judged on a book.

    Attributes
    ----------
    plan, other : str
        Name and digest of the plan, and of the one it was held against (or "").
    facts : dict of str to str
        What was judged on what, for people.
    discrimination, lorenz, murphy : DataFrame
        From `compute_discrimination`, `compute_lorenz` and `compute_murphy`.
    calibration, factor_levels, slopes, identification, cost_per_claim : DataFrame
        From `compute_calibration`, `compute_factor_levels`, `compute_slopes`, `compute_identification` and
        `compute_cost_per_claim`.
    double_lift, other_discrimination : DataFrame or None
        From `compute_double_lift`, and the other plan's `compute_discrimination`.
    drift, drift_by_year : DataFrame, DataFrame or None
        From `compute_drift` against the plan's training book, and `compute_drift_by_year`.
    monotonicity : DataFrame
        From `compute_monotonicity`.
    cell_stability, policy_stability : DataFrame or None
        From `compute_cell_stability` and `compute_policy_stability`.
    """

    plan: str
    other: str
    facts: dict[str, str]
    discrimination: pd.DataFrame
    lorenz: pd.DataFrame
    murphy: pd.DataFrame
    calibration: pd.DataFrame
    factor_levels: pd.DataFrame
    slopes: pd.DataFrame
    identification: pd.DataFrame
    cost_per_claim: pd.DataFrame
    double_lift: pd.DataFrame | None
    other_discrimination: pd.DataFrame | None
    drift: pd.DataFrame
    drift_by_year: pd.DataFrame | None
    monotonicity: pd.DataFrame
    cell_stability: pd.DataFrame | None
    policy_stability: pd.DataFrame | None

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every frame there is, by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, pd.DataFrame)}

    @property
    def summary(self) -> dict[str, Any]:
        """The main numbers, as plain JSON types; None stands for what is not known."""
        book = self.calibration[self.calibration["dimension"] == "book"].set_index("line")
        slices = self.calibration[(self.calibration["dimension"] != "book") & (self.calibration["line"] == "all")]
        cells, terms = self.cell_stability, self.policy_stability
        return {
            "plan": self.plan,
            "other": self.other or None,
            "policies": int(book["policies"].iloc[0]),
            "actual_over_expected": {
                line: {name: _plain(row[name]) for name in ("actual", "expected", "ratio", "low", "high")}
                for line, row in book.iterrows()
            },
            "discrimination": _records(self.discrimination),
            "other_discrimination": (
                None if self.other_discrimination is None else _records(self.other_discrimination)
            ),
            "murphy": _records(self.murphy),
            "calibration_slope": _records(self.slopes),
            "cost_per_claim": _records(self.cost_per_claim),
            "slices": {"judged": len(slices), "interval_leaves_out_1": int(slices["outside"].sum())},
            "factor_levels_rejected": self.identification.loc[
                self.identification["flagged"], ["factor", "slice"]
            ].to_dict("records"),
            "drift": {flag: self.drift.loc[self.drift["flag"] == flag, "factor"].tolist() for flag in ("watch", "act")},
            "monotone": bool(self.monotonicity["holds"].all()),
            "stability": {
                "median_sd_of_log_relativity": None if cells is None else _plain(cells["sd"].median()),
                "median_sd_of_log_rate": None if terms is None else _plain(terms["sd_all"].median()),
            },
        }

    def to_html(self) -> str:
        """One self-contained page; see `cyberscore.training.validation.html_page`."""
        return validation_page(self.facts, self.summary, self.frames)

    def save(self, path: str | PathLike[str]) -> None:
        """Write `to_html()` to a file."""
        Path(path).write_text(self.to_html(), encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _records(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(row["line"]): {str(name): _plain(value) for name, value in row.items() if name != "line"}
        for row in frame.to_dict("records")
    }


def validate(
    plan: RatingPlan,
    book: Book,
    *,
    other: RatingPlan | None = None,
    true_rates: object = None,
    trend: Trend | None = None,
    trend_to: tuple[float, float] = (1.0, 1.0),
    n_bands: int = 10,
    n_bootstrap: int = 200,
    book_label: str = "",
    random_state: int = 0,
) -> Validation:
    """Judge a plan on a book; fair when it was not learned from it.

    Parameters
    ----------
    plan : RatingPlan
    book : Book
        Policies and claims.
    other : RatingPlan, optional
        A plan to hold it against: double lift.
    true_rates : DataFrame or array (n, perils), optional
        True claims a year above the basis, in each term's own year, when the book was simulated.
    trend : dict of year to (frequency index, severity index), optional
        What each year is multiplied by. Without it every year is judged at the plan's own level.
    trend_to : (float, float)
        Indices at which the plan is stated.
    n_bands : int
        Bands of predicted risk, 2 to 50.
    n_bootstrap : int
        Bootstrap samples of insureds for the Gini's interval.
    book_label : str
        What the book is, for the page.
    random_state : int

    Returns
    -------
    Validation

    Raises
    ------
    TrainingError
        When the book has no claim above the basis, or a year has no trend.
    MissingExtraError
        When model-diagnostics is not installed.

    Examples
    --------
    >>> from cyberscore.market import simulate
    >>> from cyberscore.rating.library import load_plan
    >>> from cyberscore.training import Book, validate
    >>> market = simulate(8_000, 1)
    >>> judged = validate(load_plan(), Book(market.policies, market.claims), true_rates=market.true_rates)
    >>> judged.summary["monotone"]
    True
    """
    if not 2 <= n_bands <= 50:
        raise TrainingError(f"n_bands must be between 2 and 50; got {n_bands}")
    if n_bootstrap < 0:
        raise TrainingError(f"n_bootstrap must be at least 0; got {n_bootstrap}")
    model_diagnostics_scoring()  # before any work
    judged = judge_book(plan, book, trend=trend, trend_to=trend_to)
    true = known_truth(true_rates, len(judged))
    against = None if other is None else judge_book(other, book, trend=trend, trend_to=trend_to)

    def discrimination(of: Any) -> pd.DataFrame:
        return compute_discrimination(of, true_rates=true, n_bootstrap=n_bootstrap, random_state=random_state)

    return Validation(
        plan=plan.plan_id,
        other="" if other is None else other.plan_id,
        facts=_facts(
            plan,
            book,
            other,
            trended=trend is not None,
            book_label=book_label,
            trend_to=None if trend is not None or tuple(trend_to) == (1.0, 1.0) else trend_to,
        ),
        discrimination=discrimination(judged),
        lorenz=compute_lorenz(judged),
        murphy=compute_murphy(judged),
        calibration=compute_calibration(judged, n_bands=n_bands),
        factor_levels=compute_factor_levels(judged),
        slopes=compute_slopes(judged),
        identification=compute_identification(judged),
        cost_per_claim=compute_cost_per_claim(plan, book, judged, trend=trend, trend_to=trend_to),
        double_lift=None if against is None else compute_double_lift(judged, against, n_bands=n_bands),
        other_discrimination=None if against is None else discrimination(against),
        drift=compute_drift(plan, book),
        drift_by_year=compute_drift_by_year(book),
        monotonicity=compute_monotonicity(plan),
        cell_stability=compute_cell_stability(plan),
        policy_stability=compute_policy_stability(plan, book, random_state=random_state),
    )


def _facts(
    plan: RatingPlan,
    book: Book,
    other: RatingPlan | None,
    *,
    trended: bool,
    book_label: str,
    trend_to: tuple[float, float] | None,
) -> dict[str, str]:
    policies, claims = book.encoded_policies, book.encoded_claims
    years = policies.year
    return {
        "Plan": plan.name,
        "Digest": plan.digest[:16],
        "Learned from": str(plan.about.get("data", "not stated")),
        "Judged on": book_label or "a book of policies and claims",
        "Policy terms": f"{len(policies):,}",
        "Years at risk": f"{policies.exposure.sum():,.0f}",
        "Claims above 10,000": f"{len(claims.peril):,}",
        "Policy years": "not stated" if years is None else f"{years.min()} to {years.max()}",
        "Trend": "each year at its own level" if trended else "none: all years at the plan's level",
        **({} if trend_to is None else {"Not used": "trend_to, since no trend is given"}),
        **({} if other is None else {"Held against": f"{other.name} ({other.digest[:16]})"}),
    }
