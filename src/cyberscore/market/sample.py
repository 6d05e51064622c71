"""A simulated book with everything known, and whom of it a published figure is about: the callers measure it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyberscore.market.firms import Chances, Firms, draw_firms
from cyberscore.market.losses import Losses, draw_losses, true_log_medians, true_log_rates
from cyberscore.market.parameters import Floats, MarketParameters
from cyberscore.market.population import Population
from cyberscore.market.posture import NOT_SEEN, Cells, SeenPosture
from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.profile import signals
from cyberscore.profile.signals import SOURCE_NAMES

YEARS_OF_LOSSES = 40
"""Losses are drawn for so many years of each policy: severities would else rest on few."""

SIZES = {"micro": (0.0, 2e6), "small": (2e6, 1e7), "medium": (1e7, 5e7), "large": (5e7, np.inf)}
"""Revenue of the EU's size classes (Recommendation 2003/361/EC), which surveys by employees are read with."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """A simulated book with everything known; `rates` are losses above 10,000 in the policy's own year, by peril."""

    market: MarketParameters
    firms: Firms
    rates: Floats
    log_medians: Floats
    losses: Losses

    def part(self, start: int, stop: int) -> "Sample":
        """Return policies `start` to `stop` and their losses."""
        kept = (self.losses.policy >= start) & (self.losses.policy < stop)
        losses = Losses(self.losses.policy[kept] - start, self.losses.peril[kept], self.losses.amount[kept])
        firms, rates, medians = self.firms.part(start, stop), self.rates[start:stop], self.log_medians[start:stop]
        return Sample(self.market, firms, rates, medians, losses)

    @property
    def population(self) -> Population:
        """Who is insured."""
        return self.firms.population

    @property
    def truth(self) -> Cells:
        """True cell of every signal."""
        return self.firms.truth

    @property
    def seen(self) -> SeenPosture:
        """What the insurer sees of it."""
        return self.firms.seen


def draw_sample(n: int, seed: int, market: MarketParameters) -> Sample:
    """Draw the policies, postures and views of ``simulate(n, seed)``, and many years of their losses."""
    chances = Chances.of(seed)
    firms = draw_firms(n, market, chances)
    population, truth = firms.population, firms.truth
    step = population.year - market.raw["year"]["first"]
    log_rates = true_log_rates(population, truth, market) + np.log(market.raw["year"]["frequency"])[step][:, None]
    log_medians = true_log_medians(population, truth, market) + np.log(market.raw["year"]["severity"])[step][:, None]
    losses = draw_losses(log_rates + np.log(YEARS_OF_LOSSES), log_medians, market, chances.losses)
    return Sample(market, firms, np.exp(log_rates), log_medians, losses)


def policies_of(sample: Sample, who: dict[str, Any] | None) -> Mask:
    """Which policies are of a population told by band, sizes, revenue, years, country or sectors."""
    people, about = sample.population, who or {}
    chosen = np.ones(len(people.revenue), dtype=bool)
    for key, wanted in about.items():
        if key == "band":
            chosen &= people.band == wanted
        elif key == "sizes":
            chosen &= np.logical_or.reduce([_between(people.revenue, SIZES[size]) for size in wanted])
        elif key == "revenue":
            chosen &= _between(people.revenue, wanted)
        elif key == "years":
            chosen &= np.isin(people.year, wanted)
        elif key == "country":
            chosen &= people.country == COUNTRY_GROUPS.index(wanted)
        elif key == "sectors":
            names = sorted(sample.market.raw["sectors"])
            chosen &= np.isin(people.sector, [names.index(name) for name in wanted])
        else:
            raise ValueError(f"a population is told by band, sizes, revenue, years, country or sectors; got {key!r}")
    return chosen


def _between(values: Floats, bounds: Sequence[float]) -> Mask:
    return (values >= bounds[0]) & (values < bounds[1])


def peril_indices(perils: Sequence[str] | None) -> list[int]:
    """Look up perils by name; all of them by default."""
    return [PERILS.index(peril) for peril in perils or PERILS]


def cells_told(sample: Sample, signal: str, source: str | None) -> Cells:
    """Cells of a signal: the truth, or what a source shows and -1 where it shows nothing."""
    j = list(signals()).index(signal)
    if source is None:
        return sample.truth[:, j]
    shown = sample.seen.source[:, j] == SOURCE_NAMES.index(source)
    return np.where(shown, sample.seen.cell[:, j], NOT_SEEN)
