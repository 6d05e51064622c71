"""How a rating plan is learned from policies and claims."""

from cyberscore.training.book import Book
from cyberscore.training.comparison import Comparison, compare
from cyberscore.training.estimator import AdditiveBoostingRegressor
from cyberscore.training.plan_estimator import RatingPlanEstimator
from cyberscore.training.validation import Validation, validate

__all__ = [
    "AdditiveBoostingRegressor",
    "Book",
    "Comparison",
    "RatingPlanEstimator",
    "Validation",
    "compare",
    "validate",
]
