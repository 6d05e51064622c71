"""A simulated SME market with known truth: synthetic, calibrated to published evidence."""

from cyberscore.market.check import check
from cyberscore.market.parameters import MarketParameters, market_parameters
from cyberscore.market.simulation import Market, simulate

__all__ = ["Market", "MarketParameters", "check", "market_parameters", "simulate"]
