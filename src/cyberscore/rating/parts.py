"""The parts a rating plan is made of: factors, curves by revenue, score references, the model of unknown signals."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cyberscore.perils import COUNTRY_GROUPS, PERILS, RECORD_LABELS
from cyberscore.profile import sectors, signals

Floats = NDArray[np.float64]
N_PERILS = len(PERILS)
WIDTH = 2 * N_PERILS
"""Columns of every table: log relativity of each peril's frequency, then shift of each peril's log severity."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One rating factor: its codes' labels; `monotone` when they run from safest to riskiest."""

    name: str
    labels: tuple[str, ...]
    monotone: bool


@cache
def factors() -> tuple[Factor, ...]:
    """All factors a plan may rate, signals first, in catalogue order; then sector, country and record count."""
    own = [Factor(s.name, s.labels, s.monotone) for s in signals().values()]
    return (
        *own,
        Factor("sector", sectors(), monotone=False),
        Factor("country", COUNTRY_GROUPS, monotone=False),
        Factor("record_count", RECORD_LABELS, monotone=True),
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """Values that are linear in log revenue between nodes, and beyond them along the outer segments."""

    log_revenue: tuple[float, ...]
    values: Floats

    def at(self, log_revenue: float) -> Floats:
        """Values at a log revenue, one row."""
        x = self.log_revenue
        k = min(max(int(np.searchsorted(x, log_revenue)), 1), len(x) - 1)
        share = (log_revenue - x[k - 1]) / (x[k] - x[k - 1])
        row: Floats = self.values[k - 1] + share * (self.values[k] - self.values[k - 1])
        return row

    def at_many(self, log_revenue: Floats) -> Floats:
        """Values at many log revenues, (n, columns)."""
        x = np.array(self.log_revenue)
        k = np.clip(np.searchsorted(x, log_revenue), 1, len(x) - 1)
        share = ((log_revenue - x[k - 1]) / (x[k] - x[k - 1]))[:, None]
        rows: Floats = self.values[k - 1] + share * (self.values[k] - self.values[k - 1])
        return rows


@dataclass(frozen=True, slots=True)
class ScoreReference:
    """What a score is measured against: book mean by revenue, band edges, and peers' score quantiles."""

    expected_loss: Curve
    band_edges: tuple[float, ...]
    peer_revenue: tuple[float, ...]
    peer_quantiles: Mapping[str, tuple[tuple[float, ...], ...]]
    mean_codes: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class UnknownsModel:
    """How signals hang together: normal scores on size, general and domain hygiene; fixed nodes stand in for chance.

    `thresholds[j]` cut signal j's normal score into cells, riskiest score lowest. `latent_nodes` is (nodes, latents),
    `own_nodes` and `uniform_nodes` are (nodes, signals).
    """

    size_centre: float
    size_scale: float
    size_slope: Floats
    loadings: Floats
    thresholds: tuple[Floats, ...]
    latent_nodes: Floats
    own_nodes: Floats
    uniform_nodes: Floats
