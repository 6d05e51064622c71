"""How a rating plan is learned from policies and claims."""

from cyberscore.training.books.book import Book
from cyberscore.training.learning.estimator import AdditiveBoostingRegressor
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator
from cyberscore.training.validation import Comparison, Validation, compare, validate

__all__ = [
    "AdditiveBoostingRegressor",
    "Book",
    "Comparison",
    "RatingPlanEstimator",
    "Validation",
    "compare",
    "validate",
]
