"""Firms of the simulated market: who is insured, their true posture, and what an insurer sees of it.

One way to draw them for the book, its check, the ceiling and intervals: same seed, same firms.
"""

from dataclasses import dataclass, fields

import numpy as np

from cyberscore.market.parameters import MarketParameters
from cyberscore.market.population import Population, draw_population
from cyberscore.market.posture import Cells, SeenPosture, draw_hygiene, draw_posture, see_posture


@dataclass(frozen=True, slots=True)
class Firms:
    """Who is insured; the true cell of every signal, (policies, signals), 0 the safest; what is seen of it."""

    population: Population
    truth: Cells
    seen: SeenPosture

    def part(self, start: int, stop: int) -> "Firms":
        """Return firms `start` to `stop`."""
        return Firms(
            Population(*(getattr(self.population, field.name)[start:stop] for field in fields(Population))),
            self.truth[start:stop],
            SeenPosture(*(getattr(self.seen, field.name)[start:stop] for field in fields(SeenPosture))),
        )


@dataclass(frozen=True, slots=True)
class Chances:
    """Random streams of a simulation, one a purpose: a change in one leaves the others as they are."""

    population: np.random.Generator
    truth: np.random.Generator
    seen: np.random.Generator
    losses: np.random.Generator
    reporting: np.random.Generator
    former: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> "Chances":
        """Return the streams of a seed."""
        children = np.random.SeedSequence(seed).spawn(len(fields(cls)))
        return cls(*(np.random.default_rng(child) for child in children))


def draw_firms(n: int, market: MarketParameters, chances: Chances) -> Firms:
    """Draw the firms of `n` policy-years."""
    population = draw_population(n, market, chances.population)
    hygiene = draw_hygiene(n, market, chances.truth)
    truth = draw_posture(population, hygiene, market, chances.truth)
    former = draw_posture(population, hygiene, market, chances.former)
    return Firms(population, truth, see_posture(truth, former, population, market, chances.seen))
