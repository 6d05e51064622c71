"""How a rating plan is learned from policies and claims."""

from cyberscore.training.estimator import AdditiveBoostingRegressor

__all__ = ["AdditiveBoostingRegressor"]
