"""True claim rates and severities of simulated firms, and the claims they have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cyberscore.market.parameters import Floats, MarketParameters
from cyberscore.market.population import Population, typical_records
from cyberscore.market.posture import Cells
from cyberscore.perils import BASIS_RETENTION, COUNTRY_GROUPS, PERILS
from cyberscore.profile import signals


@dataclass(frozen=True, slots=True)
class Losses:
    """Ground-up losses above zero in USD: one entry a loss."""

    policy: NDArray[np.int64]
    peril: NDArray[np.int64]
    amount: Floats


def revenue_curve(revenue: Floats, market: MarketParameters) -> Floats:
    """Log rate by revenue and peril, (policies, perils), for the mean posture, sector and country."""
    about = market.raw["revenue"]
    inner = np.log(about["curve_nodes"][1:-1])
    x = np.log(revenue)
    columns = []
    for row in market.curve:
        y = np.interp(x, inner, row)
        y = (
            y
            + about["low_exponent"] * np.minimum(x - inner[0], 0.0)
            + about["high_exponent"] * np.maximum(x - inner[-1], 0.0)
        )
        columns.append(y)
    return np.column_stack(columns)


def posture_effect(truth: Cells, market: MarketParameters) -> Floats:
    """Log effect of the true posture on frequency, (policies, perils), zero at the market's mean cells."""
    names = list(signals())
    total = np.zeros((len(truth), len(PERILS)))
    interactions = market.raw["interactions"]
    for j, name in enumerate(names):
        effect = market.effects[j] - market.prevalence[j] @ market.effects[j]
        part = effect[truth[:, j]]
        if name in interactions:
            by = names.index(interactions[name]["by"])
            badness = np.array(market.raw["signals"][names[by]]["badness"])[truth[:, by]]
            remains = interactions[name]["remains"]
            part = part * (remains + (1.0 - remains) * badness)[:, None]
        total += part
    return total


def true_log_rates(population: Population, truth: Cells, market: MarketParameters) -> Floats:
    """Return the true log rate of losses above the basis retention at 2024's level, (policies, perils)."""
    total = revenue_curve(population.revenue, market) + posture_effect(truth, market)
    names = sorted(market.raw["sectors"])
    sector = np.array(
        [
            [np.log(about.get(peril, about["frequency"])) for peril in PERILS]
            for about in (market.raw["sectors"][name] for name in names)
        ]
    )
    country = np.log([market.raw["country"]["frequency"][name] for name in COUNTRY_GROUPS])
    log_rates: Floats = total + sector[population.sector] + country[population.country][:, None]
    return log_rates


def true_log_medians(population: Population, truth: Cells, market: MarketParameters) -> Floats:
    """Return the true log median of the ground-up loss by peril at 2024's level, (policies, perils)."""
    names = sorted(market.raw["sectors"])
    sector = np.log([market.raw["sectors"][name]["severity"] for name in names])
    total = (
        np.log(market.peril("median")) + market.peril("revenue_exponent") * np.log(population.revenue / 1e7)[:, None]
    )
    total = total + sector[population.sector][:, None]
    for j in range(truth.shape[1]):
        effect = market.severity_effects[j]
        if effect.any():
            total += (effect - market.prevalence[j] @ effect)[truth[:, j]]
    breach = PERILS.index("data_breach")
    typical = typical_records(population.revenue)
    total[:, breach] += market.raw["severity"]["records_exponent"] * np.log(
        np.maximum(population.record_count, 1.0) / typical
    )
    medians: Floats = total
    return medians


def survival(amount: Floats, log_median: Floats, log_sigma: Floats, market: MarketParameters) -> Floats:
    """Chance that a ground-up loss exceeds an amount: lognormal, with a Pareto tail from `tail_from`."""
    tail = market.raw["severity"]
    body = ndtr((log_median - np.log(np.minimum(amount, tail["tail_from"]))) / log_sigma)
    beyond: Floats = body * (np.maximum(amount, tail["tail_from"]) / tail["tail_from"]) ** -tail["tail_alpha"]
    return beyond


def draw_losses(log_rates: Floats, log_medians: Floats, market: MarketParameters, rng: np.random.Generator) -> Losses:
    """Draw a year of ground-up losses; frequency is stated above the basis retention and carried to the ground."""
    tail = market.raw["severity"]
    sigma = market.peril("log_sigma")
    above = survival(np.array(BASIS_RETENTION), log_medians, sigma, market)
    counts = rng.poisson(np.exp(log_rates) / above)
    policy, peril = np.nonzero(counts)
    repeats = counts[policy, peril]
    policy, peril = np.repeat(policy, repeats), np.repeat(peril, repeats)
    uniform = 1.0 - rng.random(len(policy))
    log_median, log_sigma = log_medians[policy, peril], sigma[peril]
    at_tail = ndtr((log_median - np.log(tail["tail_from"])) / log_sigma)
    body = np.exp(log_median - log_sigma * ndtri(np.maximum(uniform, at_tail)))
    beyond = tail["tail_from"] * np.maximum(at_tail / uniform, 1.0) ** (1.0 / tail["tail_alpha"])
    amount = np.minimum(np.where(uniform >= at_tail, body, beyond), tail["cap"])
    return Losses(policy, peril, np.round(amount, 2))
