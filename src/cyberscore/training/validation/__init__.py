"""How well a plan foretells a book (discrimination, calibration, drift, order, stability), and how two plans differ."""

from cyberscore.training.validation.calibration import (
    compute_actual_over_expected,
    compute_calibration,
    compute_cost_per_claim,
    compute_factor_levels,
    compute_identification,
    compute_slopes,
    evidence_weight,
    poisson_interval,
)
from cyberscore.training.validation.comparison import Comparison, compare
from cyberscore.training.validation.discrimination import (
    compute_discrimination,
    compute_double_lift,
    compute_lorenz,
    compute_murphy,
    gini,
    poisson_deviance,
    share_of_explainable_deviance,
)
from cyberscore.training.validation.judged_book import JudgedBook, expected_claims, judge_book
from cyberscore.training.validation.pack import Validation, validate
from cyberscore.training.validation.stability import (
    compute_cell_stability,
    compute_drift,
    compute_drift_by_year,
    compute_monotonicity,
    compute_policy_stability,
    population_stability_index,
)

__all__ = [
    "Comparison",
    "JudgedBook",
    "Validation",
    "compare",
    "compute_actual_over_expected",
    "compute_calibration",
    "compute_cell_stability",
    "compute_cost_per_claim",
    "compute_discrimination",
    "compute_double_lift",
    "compute_drift",
    "compute_drift_by_year",
    "compute_factor_levels",
    "compute_identification",
    "compute_lorenz",
    "compute_monotonicity",
    "compute_murphy",
    "compute_policy_stability",
    "compute_slopes",
    "evidence_weight",
    "expected_claims",
    "gini",
    "judge_book",
    "poisson_deviance",
    "poisson_interval",
    "population_stability_index",
    "share_of_explainable_deviance",
    "validate",
]
