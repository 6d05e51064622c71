"""Who is insured in the simulated market, for what and since when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cyberscore.market.parameters import Floats, MarketParameters
from cyberscore.perils import COUNTRY_GROUPS

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Population:
    """One entry a policy-year; sector and country are indices into the sorted sectors and COUNTRY_GROUPS; USD."""

    revenue: Floats
    band: Ints
    sector: Ints
    country: Ints
    record_count: Floats
    year: Ints
    retention: Floats
    limit: Floats

    @property
    def size(self) -> Floats:
        """Log revenue, standardised over the insured population: what drives posture by size."""
        standardised: Floats = (np.log(self.revenue) - np.log(4.16e6)) / 1.54
        return standardised


def draw_population(n: int, market: MarketParameters, rng: np.random.Generator) -> Population:
    """Draw `n` policy-years."""
    raw = market.raw
    revenue, band = _revenues(n, market, rng)
    names = sorted(raw["sectors"])
    shares = np.array([raw["sectors"][name]["share"] for name in names])
    sector = rng.choice(len(names), size=n, p=shares / shares.sum())
    countries = raw["country"]["shares"]
    country = rng.choice(len(COUNTRY_GROUPS), size=n, p=[countries[name] for name in COUNTRY_GROUPS])
    # a wide spread around what is typical (judgement)
    records = np.floor(np.clip(typical_records(revenue) * 10 ** rng.normal(0.0, 0.8, n), 1, 10**8.5))
    years = raw["year"]
    year = years["first"] + rng.choice(len(years["shares"]), size=n, p=years["shares"])
    cover = raw["cover"]
    return Population(
        revenue=revenue,
        band=band,
        sector=sector,
        country=country,
        record_count=records,
        year=year,
        retention=_by_band(cover["retentions"], cover["retention_shares"], band, rng),
        limit=_by_band(cover["limits"], cover["limit_shares"], band, rng),
    )


def typical_records(revenue: Floats) -> Floats:
    """Return how many records of personal data a firm typically holds: about 1,600 at 1M of revenue (judgement)."""
    typical: Floats = 10 ** (3.2 + 0.75 * (np.log10(revenue) - 6))
    return typical


def _revenues(n: int, market: MarketParameters, rng: np.random.Generator) -> tuple[Floats, Ints]:
    about = market.raw["revenue"]
    bands = about["bands"]
    band = rng.choice(len(bands), size=n, p=about["shares"])
    log_low, log_high = np.log([about["lowest"], *bands[:-1]]), np.log(bands)
    uniform = log_low[band] + rng.random(n) * (log_high - log_low)[band]
    small = rng.normal(np.log(about["small_median"]), about["small_log_sigma"], n)
    outside = (small < log_low[0]) | (small > log_high[0])
    small = np.where(outside, uniform, small)
    revenue: Floats = np.exp(np.where(band == 0, small, uniform))
    return np.round(revenue, 0), band


def _by_band(values: list[float], shares: list[list[float]], band: Ints, rng: np.random.Generator) -> Floats:
    ladder = np.cumsum(np.array(shares), axis=1)[band]
    drawn = (rng.random(len(band))[:, None] > ladder).sum(axis=1)
    picked: Floats = np.array(values, dtype=float)[np.minimum(drawn, len(values) - 1)]
    return picked
