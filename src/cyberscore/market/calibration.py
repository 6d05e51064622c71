"""Fit the revenue curve of market.toml to the published frequencies by band.

Run it as `python -m cyberscore.market.calibration`.
"""

import copy
from dataclasses import replace

import numpy as np

from cyberscore.market.firms import Chances
from cyberscore.market.losses import true_log_rates
from cyberscore.market.parameters import Floats, MarketParameters, market_parameters
from cyberscore.market.population import draw_population
from cyberscore.market.posture import draw_hygiene, draw_posture
from cyberscore.perils import PERILS


def frequencies_by_band(market: MarketParameters, *, n: int, seed: int) -> Floats:
    """Mean true rate above the basis retention by revenue band and peril, per policy and year, (bands, perils)."""
    chances = Chances.of(seed)
    population = draw_population(n, market, chances.population)
    posture = draw_posture(population, draw_hygiene(n, market, chances.truth), market, chances.truth)
    rates = np.exp(true_log_rates(population, posture, market))
    return np.array([rates[population.band == band].mean(axis=0) for band in range(3)])


def calibrated_curve(market: MarketParameters, *, n: int = 1_000_000, seed: int = 20261123, rounds: int = 12) -> Floats:
    """Log rates at the three inner nodes, (perils, 3), so that the means by band meet the published ones."""
    target = np.array([market.raw["perils"][peril]["frequency"] for peril in PERILS]).T / 100.0
    curve: Floats = np.log(target).T.copy()
    for _ in range(rounds):
        trial = replace(market, raw=copy.copy(market.raw), curve=curve)
        curve = curve + np.log(target / frequencies_by_band(trial, n=n, seed=seed)).T
    return np.round(curve, 4)


def _print_curve() -> None:
    for peril, row in zip(PERILS, calibrated_curve(market_parameters()), strict=True):
        print(f"[perils.{peril}] log_rate = {row.tolist()}")  # noqa: T201  the output of this script


if __name__ == "__main__":
    _print_curve()
