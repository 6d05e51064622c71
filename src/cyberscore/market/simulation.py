"""A simulated book: policies as an insurer sees them, their claims, and the truth behind both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cyberscore.market.firms import Chances, draw_firms
from cyberscore.market.losses import Losses, draw_losses, true_log_medians, true_log_rates
from cyberscore.market.parameters import Floats, MarketParameters, market_parameters
from cyberscore.market.population import Population
from cyberscore.market.posture import Cells, SeenPosture
from cyberscore.market.reporting import STATUSES, Chronology, draw_chronology
from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.profile import Signal, signals
from cyberscore.profile.signals import SOURCE_NAMES


@dataclass(frozen=True, slots=True)
class Market:
    """A simulated book with known truth. It is synthetic: calibrated to published evidence, no firm's data.

    Attributes
    ----------
    policies : DataFrame, one row a policy
        policy_id, annual_revenue (USD), sector, country, record_count, year, start, end (dates, end exclusive),
        exposure (years, of the whole term), retention, limit (USD), and for every signal its value as seen (missing
        when not seen), `<signal>__source` and `<signal>__age_days`.
    claims : DataFrame
        claim_id, policy_id, peril, year (of the policy), occurred_at, reported_at, incurred (USD, net of the retention
        and up to the limit), paid (USD), status (open or closed).
    true_rates : DataFrame, (policies, perils)
        Expected losses above 10,000 USD a year, by peril, in the policy's own year.
    truth : int array, (policies, signals)
        True cell of every signal, 0 the safest.
    """

    policies: pd.DataFrame
    claims: pd.DataFrame
    true_rates: pd.DataFrame
    truth: Cells


def simulate(
    n_policies: int, seed: int, *, parameters: MarketParameters | None = None, as_of: date | None = None
) -> Market:
    """Simulate a book of policies of one year each.

    Parameters
    ----------
    n_policies : int
    seed : int
        Same seed, same book.
    parameters : MarketParameters, optional
        Default: as shipped.
    as_of : date, optional
        The same book as it is known at the end of that day: policies begun and claims reported by then, those not yet
        paid in full open, with a case reserve. Default: at ultimate, every claim reported and closed.

    Returns
    -------
    Market
    """
    if n_policies < 1:
        raise ValueError(f"n_policies must be at least 1; got {n_policies}")
    market = parameters or market_parameters()
    chances = Chances.of(seed)
    firms = draw_firms(n_policies, market, chances)
    population, truth = firms.population, firms.truth
    step = population.year - market.raw["year"]["first"]
    log_rates = true_log_rates(population, truth, market) + np.log(market.raw["year"]["frequency"])[step][:, None]
    log_medians = true_log_medians(population, truth, market) + np.log(market.raw["year"]["severity"])[step][:, None]
    losses = draw_losses(log_rates, log_medians, market, chances.losses)
    dates = draw_chronology(population, losses, market, chances.reporting)
    begun = np.ones(n_policies, dtype=bool) if as_of is None else dates.start <= np.datetime64(as_of, "D")
    true_rates = pd.DataFrame(np.exp(log_rates[begun]), columns=list(PERILS))
    policies = _policies_frame(population, firms.seen, dates)
    return Market(
        policies=policies if as_of is None else policies[begun].reset_index(drop=True),
        claims=_claims_frame(losses, population, dates, market, as_of=as_of),
        true_rates=true_rates,
        truth=truth[begun],
    )


def _policies_frame(population: Population, seen: SeenPosture, dates: Chronology) -> pd.DataFrame:
    n = len(population.revenue)
    names = _sector_names()
    columns: dict[str, object] = {
        "policy_id": np.arange(n),
        "annual_revenue": population.revenue,
        "sector": _categorical(population.sector, names),
        "country": _categorical(population.country, COUNTRY_GROUPS),
        "record_count": population.record_count,
        "year": population.year,
        "start": dates.start.astype("datetime64[s]"),
        "end": dates.end.astype("datetime64[s]"),
        "exposure": np.ones(n),
        "retention": population.retention,
        "limit": population.limit,
    }
    for j, signal in enumerate(signals().values()):
        columns[signal.name] = _values(signal, seen.cell[:, j])
        columns[f"{signal.name}__source"] = _categorical(
            np.where(seen.cell[:, j] < 0, -1, seen.source[:, j]), SOURCE_NAMES
        )
        columns[f"{signal.name}__age_days"] = seen.age_days[:, j]
    return pd.DataFrame(columns)


def _categorical(codes: NDArray[np.integer], names: Sequence[str]) -> "pd.Categorical[str]":
    """Column of names given by index, -1 for missing."""
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(names)))


def _sector_names() -> list[str]:
    return sorted(market_parameters().raw["sectors"])


def _values(signal: Signal, cell: Cells) -> object:
    if signal.levels:
        return _categorical(cell, signal.levels)
    values = np.array([*representatives(signal), np.nan], dtype=np.float32)
    return values[cell]


def representatives(signal: Signal) -> Floats:
    """One value inside each cell of a numeric signal, safest cell first."""
    points = np.array(signal.breakpoints)
    high = signal.high if np.isfinite(signal.high) else points[-1] * 1.5
    edges = np.array([signal.low, *points, high])
    if signal.kind in {"flag", "count", "level"}:
        values = np.array([signal.low, *points])
    else:
        values = (edges[:-1] + edges[1:]) / 2
    return values[::-1] if signal.safer == "higher" else values


def _claims_frame(
    losses: Losses, population: Population, dates: Chronology, market: MarketParameters, *, as_of: date | None
) -> pd.DataFrame:
    """Claims at ultimate, or as they are known at the end of a day."""
    retention, limit = population.retention[losses.policy], population.limit[losses.policy]
    incurred = np.round(np.minimum(losses.amount - retention, limit), 2)
    paid = incurred
    numbers = np.cumsum(incurred > 0) - 1
    known = incurred > 0
    if as_of is not None:
        known &= dates.reported <= np.datetime64(as_of, "D")
        paid = np.round(np.clip(dates.paid_by(as_of) - retention, 0.0, incurred), 2)
        reserve = market.raw["reporting"]["case_reserve"] * (incurred - paid)
        incurred = np.maximum(np.round(paid + reserve, 2), 0.01)
    policy = losses.policy[known]
    return pd.DataFrame(
        {
            "claim_id": numbers[known],
            "policy_id": policy,
            "peril": _categorical(losses.peril[known], PERILS),
            "year": population.year[policy],
            "occurred_at": dates.occurred[known].astype("datetime64[s]"),
            "reported_at": dates.reported[known].astype("datetime64[s]"),
            "incurred": incurred[known],
            "paid": paid[known],
            "status": _categorical((incurred <= paid)[known].astype(np.int8), STATUSES),
        }
    )
