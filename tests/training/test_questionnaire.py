"""A static questionnaire: it learns what yes and no are worth, and knows nothing of who said so and when."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from cyberscore import TrainingError
from cyberscore.market import simulate
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import sectors, signals
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.learning.exposure import basis_exposure, claim_counts
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator
from cyberscore.training.learning.questionnaire import (
    NO,
    NO_ANSWER,
    QUESTIONS,
    YES,
    ClaimExposure,
    QuestionnaireGLM,
    answers,
)

pytestmark = pytest.mark.slow

N = 12_000
EFFECT = 2.5
RATE = 0.15


def simulated(seed=1, n=N):
    """Book in which no MFA on email, but not its exact coverage, multiplies every peril's claims."""
    rng = np.random.default_rng(seed)
    mfa = rng.choice([1.0, 0.6, 0.3, 0.0, np.nan], size=n)
    revenue = np.exp(rng.normal(np.log(3e6), 1.2, n))
    policies = pd.DataFrame(
        {
            "policy_id": np.arange(n),
            "annual_revenue": revenue,
            "sector": rng.choice(sectors(), n),
            "country": "US",
            "exposure": rng.choice([0.5, 1.0], size=n),
            "retention": rng.choice([1e4, 2.5e4], size=n),
            "limit": 1e6,
            "year": rng.choice([2024, 2025], size=n),
            "mfa_email_coverage": mfa,
            "mfa_email_coverage__source": rng.choice(["telemetry", "attestation"], n),
            "mfa_email_coverage__age_days": rng.integers(0, 500, n),
        }
    )
    bad = np.where(np.isnan(mfa), rng.random(n) < 0.5, mfa < 0.5)
    rate = RATE * np.sqrt(revenue / 3e6) * np.where(bad, EFFECT, 1.0) * policies["exposure"]
    counts = rng.poisson(np.repeat(rate.to_numpy()[:, None], len(PERILS), axis=1))
    policy, peril = (np.repeat(index, counts[np.nonzero(counts)]) for index in np.nonzero(counts))
    gross = BASIS_RETENTION + np.exp(rng.normal(11.0, 1.5, len(policy)))
    incurred = np.minimum(gross - policies["retention"].to_numpy()[policy], 1e6)
    claims = pd.DataFrame({"policy_id": policy, "peril": np.array(PERILS)[peril], "incurred": incurred})
    return Book(policies, claims[claims["incurred"] > 0.0])


@pytest.fixture(scope="module")
def book():
    return simulated()


@pytest.fixture(scope="module")
def fitted(book):
    with threadpool_limits(1):
        return QuestionnaireGLM(strengths=(3.0, 100.0), n_folds=2).fit(book)


def test_questions_are_signals_with_a_yes_and_a_no():
    for name, worst_yes in QUESTIONS.items():
        about = signals()[name]
        yes = about.code(about.check(worst_yes))
        assert 0 <= yes < about.n_codes - 1
        assert about.monotone


def test_answers_are_yes_no_or_none():
    market = simulate(300, 2)
    said = answers(market.policies)
    assert said.shape == (300, len(QUESTIONS))
    column = list(QUESTIONS).index("edr_coverage")
    coverage = market.policies["edr_coverage"].to_numpy()
    wanted = np.where(np.isnan(coverage), NO_ANSWER, np.where(coverage >= 0.5, YES, NO))
    np.testing.assert_array_equal(said[:, column], wanted)


def test_sources_that_do_not_count_are_no_answer():
    policies = simulate(300, 2).policies
    column = list(QUESTIONS).index("mfa_email_coverage")
    attested = answers(policies, sources=("attestation", "document"))
    telemetry = policies["mfa_email_coverage__source"].eq("telemetry").to_numpy()
    assert telemetry.any()
    assert (attested[telemetry, column] == NO_ANSWER).all()
    own = policies["mfa_email_coverage__source"].isin(["attestation", "document"]).to_numpy()
    np.testing.assert_array_equal(attested[own, column], answers(policies)[own, column])
    with pytest.raises(TrainingError, match="sources must be of"):
        answers(policies, sources=("gossip",))


def test_it_recovers_the_effect_of_no(fitted):
    at = fitted.columns_.index("mfa_email_coverage: no")
    assert np.exp(fitted.coef_[at]) == pytest.approx(EFFECT, rel=0.2)
    at = fitted.columns_.index("mfa_email_coverage: no answer")
    assert np.exp(fitted.coef_[at]) == pytest.approx((1 + EFFECT) / 2, rel=0.2)
    at = fitted.columns_.index("backup_isolation: no")
    np.testing.assert_allclose(fitted.coef_[at], 0.0, atol=0.05)


def test_it_recovers_level_and_revenue(fitted):
    np.testing.assert_allclose(fitted.coef_[0], 0.5, atol=0.06)
    policies = pd.DataFrame(
        {
            "policy_id": range(len(sectors())),
            "annual_revenue": 3e6,
            "sector": sectors(),
            "country": "US",
            "exposure": 0.25,
            "retention": 5e4,
            "limit": 1e6,
            "mfa_email_coverage": 1.0,
        }
    )
    np.testing.assert_allclose(fitted.predict(policies).mean(axis=0), RATE, rtol=0.15)


def test_it_ignores_source_and_age(book, fitted):
    policies = book.policies.head(500)
    other = policies.assign(mfa_email_coverage__source="document", mfa_email_coverage__age_days=0)
    np.testing.assert_array_equal(fitted.predict(policies), fitted.predict(other))
    np.testing.assert_array_equal(fitted.predict(policies), fitted.predict(pl.from_pandas(policies)))


def test_it_ignores_how_much_more_than_half_is_covered(book, fitted):
    policies = book.policies.head(500)
    half = policies["mfa_email_coverage"].where(~(policies["mfa_email_coverage"] >= 0.5), 0.5)
    np.testing.assert_array_equal(fitted.predict(policies), fitted.predict(policies.assign(mfa_email_coverage=half)))


def test_expected_claims_are_the_claims(book, fitted):
    expected = fitted.predict(book.policies) * fitted.exposure_.of(book.encoded_policies)
    np.testing.assert_allclose(
        expected.sum(axis=0), claim_counts(book.encoded_policies, book.encoded_claims).sum(axis=0), rtol=1e-3
    )


def test_exposure_is_that_of_the_plan_estimator(book):
    trend = {2024: (1.0, 1.0), 2025: (1.2, 0.9)}
    policies = book.encoded_policies
    basis = ClaimExposure.learn(book, trend)
    index, claims = RatingPlanEstimator(trend=trend)._on_level(book.encoded_claims, policies)
    wanted = basis_exposure(policies, policies.codes, basis.severity, index)
    np.testing.assert_allclose(basis.of(policies), wanted, rtol=1e-12)
    scale = np.where(policies.year[claims.policy] == 2025, 1 / 0.9, 1.0)
    np.testing.assert_allclose(claims.excess, book.encoded_claims.excess * scale)


def test_a_trend_needs_years(book):
    with pytest.raises(TrainingError, match="no index for the years"):
        ClaimExposure.learn(book, {2024: (1.0, 1.0)})
    policies = encode_policies(book.policies.drop(columns="year"))
    with pytest.raises(TrainingError, match="column year"):
        ClaimExposure(ClaimExposure.learn(book).severity, {2024: (1.0, 1.0)}).of(policies)


def test_few_claims_are_an_error(book):
    with pytest.raises(TrainingError, match="at least 30"):
        QuestionnaireGLM().fit(Book(book.policies, book.claims.head(10)))
