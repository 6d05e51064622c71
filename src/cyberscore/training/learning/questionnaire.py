"""What a static questionnaire would charge: yes/no answers in a penalised Poisson GLM, a baseline to measure plans by.

Callers are the benchmarks and data scientists who ask what evidence is worth over answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import PoissonRegressor

from cyberscore.exceptions import TrainingError
from cyberscore.perils import COUNTRY_GROUPS, PERILS, RECORD_LABELS
from cyberscore.profile import SOURCES, sectors, signals
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.training.books.book import Book
from cyberscore.training.books.columns import Table
from cyberscore.training.books.encoding import EncodedPolicies, encode_policies
from cyberscore.training.books.problems import Problems
from cyberscore.training.learning.exposure import basis_exposure, claim_counts
from cyberscore.training.learning.severity import SeverityFit, fit_severity

Trend = Mapping[int, tuple[float, float]]
Answers = NDArray[np.int8]

QUESTIONS: Mapping[str, float | str] = {
    "mfa_remote_coverage": 0.5,
    "mfa_email_coverage": 0.5,
    "mfa_admin_coverage": 0.5,
    "privileged_access_level": 2,
    "patch_14d_rate": 0.6,
    "end_of_life_share": 0.01,
    "edr_coverage": 0.5,
    "mdr_24x7": 1,
    "payment_verification": "dual_approval",
    "backup_isolation": "offline_or_immutable",
    "backup_coverage": 0.5,
    "restore_test_age_days": 180.0,
    "incident_response_test_age_days": 180.0,
}
"""What forms ask (controls.md 3, C244-C250), and the worst cell's value that is still answered yes (judgement)."""

YES, NO_ANSWER, NO = 0, 1, 2
REVENUE_SCALE = 5.0
"""Makes a penalty on the revenue slope negligible: it is an exposure, not an answer."""


def answers(policies: IntoDataFrame, *, sources: Sequence[str] | None = None) -> Answers:
    """Turn what a book knows into the answers of a form, (policies, questions): yes 0, no answer 1, no 2.

    Parameters
    ----------
    policies : DataFrame or Arrow table
        As in `Book`.
    sources : sequence of str, optional
        Sources that count as an answer, such as ``("document", "attestation")``; an observation of another is no
        answer. By default any: a book holds one observation of a signal, and where a better source saw it, what was
        seen stands in for what the insured would have answered. That flatters the questionnaire.

    Raises
    ------
    TrainingError
        When a source is unknown, or policies are wrong.
    """
    return _answers(policies, encode_policies(policies), sources)


def _answers(policies: IntoDataFrame, encoded: EncodedPolicies, sources: Sequence[str] | None) -> Answers:
    unknown = sorted(set(sources or ()) - set(SOURCES))
    if unknown:
        raise TrainingError(f"sources must be of {', '.join(SOURCES)}; got {', '.join(unknown)}")
    catalogue = signals()
    names = list(catalogue)
    table = Table(policies, "policies", "policy_id", Problems())
    columns = []
    for name, worst_yes in QUESTIONS.items():
        about = catalogue[name]
        code = encoded.codes[:, names.index(name)]
        answered = (code != about.unknown) & (code != about.unanswered)
        if sources is not None:
            answered &= _is_from(table, f"{name}__source", sources)
        said = np.where(code <= about.code(worst_yes), YES, NO)
        columns.append(np.where(answered, said, NO_ANSWER))
    return np.column_stack(columns).astype(np.int8)


def _is_from(table: Table, column: str, sources: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows were seen by one of the sources; without a column of sources all."""
    if column not in table:
        return np.ones(len(table), dtype=bool)
    code, values = table.labels(column)
    wanted = np.array([*(str(value) in sources for value in values), False])
    return np.asarray(wanted[code], dtype=bool)


@dataclass(frozen=True, slots=True)
class ClaimExposure:
    """Exposure to claims above the basis, as a plan's estimator counts it.

    Years, times the share of claims known by now, times the frequency index of the year, times the share of claims
    that the retention lets through.
    """

    severity: SeverityFit
    trend: Trend | None = None

    @classmethod
    def learn(cls, book: Book, trend: Trend | None = None) -> Self:
        """Fit the severity of a book's claims, brought to index 1, which says what a retention hides.

        Raises
        ------
        TrainingError
            When there is a trend and policies have no year, or a year has no index.
        """
        policies, claims = book.encoded_policies, book.encoded_claims
        by_year = np.array([1.0 / row[1] for row in _indices(policies, trend)]) if trend else np.ones(len(policies))
        scale = by_year[claims.policy]
        on_level = replace(claims, excess=claims.excess * scale, truncation=claims.truncation * scale)
        codes, log_revenue = policies.codes[claims.policy], np.log(policies.revenue[claims.policy])
        severity = fit_severity(on_level, codes, log_revenue, tuple(len(factor.labels) for factor in factors()))
        return cls(severity, trend)

    def of(self, policies: EncodedPolicies) -> Floats:
        """Exposure of policies, (n, perils)."""
        index = np.array([row[0] for row in _indices(policies, self.trend)]) if self.trend else np.ones(len(policies))
        return basis_exposure(policies, policies.codes, self.severity, index)


def _indices(policies: EncodedPolicies, trend: Trend) -> list[tuple[float, float]]:
    if policies.year is None:
        raise TrainingError("a trend needs a column year in policies")
    unknown = sorted({int(year) for year in np.unique(policies.year)} - set(trend))
    if unknown:
        raise TrainingError(f"trend has no index for the years {unknown}")
    return [trend[int(year)] for year in policies.year]


class QuestionnaireGLM(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Frequency by peril as a yes/no form would price it.

    A Poisson GLM a peril on log revenue, sector, country, band of records, prior incidents and, for each of
    `QUESTIONS`, *no* and *no answer* against *yes*. Who said so and how long ago is ignored: that is the point.

    Parameters
    ----------
    strengths : sequence of float
        Ridge penalties to choose from, in claims: an effect is believed half when that many claims speak for it, since
        the penalty on the mean deviance is strength / claims of the peril.
    n_folds : int
        Folds, by insured, over which each peril chooses.
    sources : sequence of str, optional
        See `answers`.
    trend : dict of year to (frequency index, severity index), optional
        Rates are stated at index 1.
    random_state : int

    Attributes
    ----------
    columns_ : tuple of str
    intercept_ : array (perils,)
    coef_ : array (columns, perils)
        Log relativities; `log_revenue` is a slope, at 10M USD.
    strength_ : dict of peril to float
    exposure_ : ClaimExposure
    """

    def __init__(
        self,
        *,
        strengths: Sequence[float] = (3.0, 10.0, 30.0, 100.0, 300.0),
        n_folds: int = 3,
        sources: Sequence[str] | None = None,
        trend: Trend | None = None,
        random_state: int = 0,
    ) -> None:
        self.strengths = strengths
        self.n_folds = n_folds
        self.sources = sources
        self.trend = trend
        self.random_state = random_state

    def fit(self, book: Book) -> Self:
        """Learn from a book.

        Raises
        ------
        TrainingError
            When the book has fewer than 30 claims above the basis, or a year without a trend.
        """
        if len(book.encoded_claims.peril) < 30:
            raise TrainingError(f"a questionnaire needs at least 30 claims; got {len(book.encoded_claims.peril)}")
        policies = book.encoded_policies
        self.exposure_ = ClaimExposure.learn(book, self.trend)
        exposure, counts = np.maximum(self.exposure_.of(policies), 1e-12), claim_counts(policies, book.encoded_claims)
        X = self._design(book.policies, policies)
        shuffled = np.random.default_rng(self.random_state).permutation(int(policies.insured.max()) + 1)
        fold = shuffled[policies.insured] % self.n_folds
        self.columns_ = _columns()
        self.intercept_, self.coef_ = np.zeros(N_PERILS), np.zeros((X.shape[1], N_PERILS))
        self.strength_ = {}
        for k, peril in enumerate(PERILS):
            y, e = counts[:, k], exposure[:, k]
            losses = [self._held_out_loss(X, y, e, fold, strength) for strength in self.strengths]
            best = self.strengths[int(np.argmin(losses))]
            self.intercept_[k], self.coef_[:, k] = _fit(X, y, e, best)
            self.strength_[peril] = best
        self.coef_[0] *= REVENUE_SCALE
        return self

    def _held_out_loss(self, X: Floats, y: Floats, e: Floats, fold: NDArray[np.int64], strength: float) -> float:
        loss = 0.0
        for k in range(self.n_folds):
            inside = fold != k
            intercept, coef = _fit(X[inside], y[inside], e[inside], strength)
            eta = intercept + X[~inside] @ coef
            loss += float((e[~inside] * np.exp(eta) - y[~inside] * eta).sum())
        return loss

    def predict(self, policies: IntoDataFrame) -> Floats:
        """Claims a year above the basis retention, (policies, perils), at index 1 of the trend.

        Parameters
        ----------
        policies : DataFrame or Arrow table
            As in `Book`.
        """
        X = self._design(policies, encode_policies(policies))
        X[:, 0] /= REVENUE_SCALE
        rates: Floats = np.exp(self.intercept_ + X @ self.coef_)
        return rates

    def _design(self, policies: IntoDataFrame, encoded: EncodedPolicies) -> Floats:
        said = _answers(policies, encoded, self.sources)
        names = [factor.name for factor in factors()]
        parts = [REVENUE_SCALE * np.log(encoded.revenue / 1e7)[:, None]]
        for name in _CATEGORIES:
            at = names.index(name)
            parts.append(np.eye(len(factors()[at].labels))[encoded.codes[:, at]])
        parts += [said == NO_ANSWER, said == NO]
        return np.column_stack(parts).astype(np.float64)


_CATEGORIES = ("sector", "country", "record_count", "prior_incidents_24m")


def _columns() -> tuple[str, ...]:
    labels = {
        "sector": sectors(),
        "country": COUNTRY_GROUPS,
        "record_count": RECORD_LABELS,
        "prior_incidents_24m": signals()["prior_incidents_24m"].labels,
    }
    return (
        "log_revenue",
        *(f"{name} = {label}" for name in _CATEGORIES for label in labels[name]),
        *(f"{name}: no answer" for name in QUESTIONS),
        *(f"{name}: no" for name in QUESTIONS),
    )


def _fit(X: Floats, y: Floats, e: Floats, strength: float) -> tuple[float, Floats]:
    """Intercept and coefficients of one peril, the deviance scaled so that the penalty counts in claims."""
    claims = max(float(y.sum()), 0.5)
    mean = claims / float(e.sum())
    model = PoissonRegressor(alpha=strength / claims, solver="newton-cholesky", max_iter=100, tol=1e-7)
    model.fit(X, y / e / mean, sample_weight=e / e.sum())
    return float(np.log(mean) + model.intercept_), np.asarray(model.coef_, dtype=float)
