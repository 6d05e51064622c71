"""What a plan expected of a book and what happened, side by side: every measure of the validation pack starts here."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from cyberscore.exceptions import TrainingError
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies

Trend = Mapping[int, tuple[float, float]]

ALL = "all"
LINES = (ALL, *PERILS)
"""Lines of every table: all perils together, then each."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedBook:
    """Claims expected by a plan and claims that came, one row a policy term.

    Attributes
    ----------
    policies : EncodedPolicies
    exposure : array (n, lines)
        Years in which a claim above the basis would have been seen and reported; for all perils together the mean over
        perils by their share of the expected claims.
    expected, actual : arrays (n, lines)
        Claims.
    yearly_rate : array (n, perils)
        Predicted claims a year above the basis, in the term's own year.
    pure_premium : array (n,)
        Predicted yearly loss in the standard layer, USD, at the plan's own level of trend.
    totals : array (n, WIDTH)
        Sums of the plan's tables.
    """

    policies: EncodedPolicies
    exposure: Floats
    expected: Floats
    actual: Floats
    yearly_rate: Floats
    pure_premium: Floats
    totals: Floats

    def __len__(self) -> int:
        return len(self.expected)

    @property
    def rate(self) -> Floats:
        """Expected claims a year of exposure, (n, lines)."""
        rate: Floats = self.expected / self.exposure
        return rate


def survival_of_many(severity: PerilSeverity, excess: Floats, location: Floats) -> Floats:
    """Chance that a claim's excess over the basis is more than `excess`; `PerilSeverity.survival` for many."""
    capped = np.clip(excess, 1e-300, severity.threshold)
    body = ndtr((location - np.log(capped)) / severity.sigma)
    tail = (severity.threshold / np.maximum(excess, severity.threshold)) ** severity.alpha
    return np.where(excess <= 0.0, 1.0, np.where(excess >= severity.cap, 0.0, body * tail))


def trend_factors(
    policies: EncodedPolicies, trend: Trend | None, trend_to: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Frequency and severity index of each term's year over the plan's, two arrays (n,).

    Raises
    ------
    TrainingError
        When the book has no years, or a year has no index.
    """
    if trend is None:
        return np.ones(len(policies)), np.ones(len(policies))
    if policies.year is None:
        raise TrainingError("a trend needs a column year in policies")
    years, place = np.unique(policies.year, return_inverse=True)
    unknown = [int(year) for year in years if int(year) not in trend]
    if unknown:
        raise TrainingError(f"trend has no index for the years {unknown}")
    index = np.array([trend[int(year)] for year in years])[place]
    return index[:, 0] / trend_to[0], index[:, 1] / trend_to[1]


def expected_claims(
    plan: RatingPlan,
    policies: EncodedPolicies,
    *,
    trend: Trend | None = None,
    trend_to: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Claims that a plan expects of each term: above the basis and the retention, and reported by now.

    Parameters
    ----------
    plan : RatingPlan
    policies : EncodedPolicies
    trend : dict of year to (frequency index, severity index), optional
        What each year is multiplied by.
    trend_to : (float, float)
        Indices at which the plan is stated.

    Returns
    -------
    array (n, perils)

    Notes
    -----
    `rate * f * exposure * reported * S(max(R - 10,000, 0) / s)` with f and s the indices of frequency and severity of
    the term's year over the plan's, and S the survival function of the excess of a claim over the basis.
    """
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    frequency, severity = trend_factors(policies, trend, trend_to)
    expected: Floats = _exposure(plan, policies, totals, severity) * np.exp(totals[:, :N_PERILS]) * frequency[:, None]
    return expected


def _exposure(plan: RatingPlan, policies: EncodedPolicies, totals: Floats, severity: Floats) -> Floats:
    hidden = np.maximum(policies.retention - BASIS_RETENTION, 0.0) / severity
    seen = np.column_stack(
        [survival_of_many(shape, hidden, totals[:, N_PERILS + k]) for k, shape in enumerate(plan.severity)]
    )
    return np.maximum(policies.exposure[:, None] * policies.reported * seen, 1e-12)


def judge_book(
    plan: RatingPlan, book: Book, *, trend: Trend | None = None, trend_to: tuple[float, float] = (1.0, 1.0)
) -> JudgedBook:
    """Rate every term of a book and count its claims.

    Parameters
    ----------
    plan : RatingPlan
    book : Book
    trend, trend_to
        As in `expected_claims`.

    Raises
    ------
    TrainingError
        When a year has no trend, or the book has no claim above the basis.
    """
    policies, claims = book.encoded_policies, book.encoded_claims
    if len(claims.peril) == 0:
        raise TrainingError(f"a plan is judged on claims above {BASIS_RETENTION:,.0f}; the book has none")
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    frequency, severity = trend_factors(policies, trend, trend_to)
    exposure = _exposure(plan, policies, totals, severity)
    rate = np.exp(totals[:, :N_PERILS]) * frequency[:, None]
    expected = rate * exposure
    actual = np.zeros_like(expected)
    np.add.at(actual, (claims.policy, claims.peril), 1.0)
    share = expected.sum(axis=0) / exposure.sum(axis=0)
    pooled = exposure @ (share / share.sum())
    return JudgedBook(
        policies=policies,
        exposure=np.column_stack([pooled, exposure]),
        expected=np.column_stack([expected.sum(axis=1), expected]),
        actual=np.column_stack([actual.sum(axis=1), actual]),
        yearly_rate=rate,
        pure_premium=expected_losses_of_many(plan, totals).sum(axis=1),
        totals=totals,
    )
