"""How a rating plan is learned from policies and claims."""

from cyberscore.training.book import Book
from cyberscore.training.estimator import AdditiveBoostingRegressor
from cyberscore.training.plan_estimator import RatingPlanEstimator

__all__ = ["AdditiveBoostingRegressor", "Book", "RatingPlanEstimator"]
