"""The parts a rating plan is made of: factors, revenue curves, score references, unknown signals, interval widths."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cyberscore.exceptions import PlanError
from cyberscore.perils import COUNTRY_GROUPS, PERILS, RECORD_LABELS
from cyberscore.profile import sectors, signals

Floats = NDArray[np.float64]
N_PERILS = len(PERILS)
WIDTH = 2 * N_PERILS
"""Columns of every table: log relativity of each peril's frequency, then shift of each peril's log severity."""
INTERVAL_BOUND, WIDEN_BOUND = 3.0, 10.0
"""Most that a number of `IntervalWidths` may be: a log of twenty times."""
LOG_TEN, LOG_TEN_MILLION = math.log(10.0), math.log(1e7)


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


@dataclass(frozen=True, slots=True)
class IntervalWidths:
    """How draws become an interval of the log of the true expected loss over the quoted one; without fit, as drawn.

    Attributes
    ----------
    shift : float
        Centre at 10M of revenue, an average score, and draws that agree with the quote.
    lean : float
        How far the centre follows the draws, which know that firms that are good at one thing are good at others.
    by_revenue : float
        Change of the centre by decade of revenue.
    by_score : float
        Change of the centre with the log of the quoted expected loss over the book's.
    spread_low, spread_high : float
        Factors on the draws' standard deviation below and above the centre.
    model_low, model_high : float
        Standard deviations of what draws do not know: effects that are wrong in the plan.
    widen : float
        How much more the draws' deviation counts the larger it is: where little is known they are too close together.
    """

    shift: float = 0.0
    lean: float = 0.0
    by_revenue: float = 0.0
    by_score: float = 0.0
    spread_low: float = 1.0
    spread_high: float = 1.0
    model_low: float = 0.0
    model_high: float = 0.0
    widen: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            low = 0.0 if name.startswith(("lean", "spread", "model", "widen")) else -INTERVAL_BOUND
            high = WIDEN_BOUND if name == "widen" else INTERVAL_BOUND
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise PlanError(f"intervals.{name} must be between {low:g} and {high:g}; got {value!r}")

    def centre(self, mean: Floats, log_revenue: Floats, log_relative: Floats) -> Floats:
        """Return ``shift + lean mean + by_revenue log10(revenue / 10M) + by_score log_relative``, in log."""
        decades = (log_revenue - LOG_TEN_MILLION) / LOG_TEN
        found: Floats = self.shift + self.lean * mean + self.by_revenue * decades + self.by_score * log_relative
        return found

    def deviations(self, deviation: Floats) -> tuple[Floats, Floats]:
        """Return those below and above the centre: ``sqrt((spread (1 + widen deviation) deviation)^2 + model^2)``."""
        drawn = deviation * (1.0 + self.widen * deviation)
        low: Floats = np.hypot(self.spread_low * drawn, self.model_low)
        high: Floats = np.hypot(self.spread_high * drawn, self.model_high)
        return low, high

    def around(
        self, mean: Floats, deviation: Floats, *, log_revenue: Floats, log_relative: Floats, z: float
    ) -> tuple[Floats, Floats]:
        """Low and high ends of intervals, in log of the quoted expected loss; each holds the quote itself, 0.

        Parameters
        ----------
        mean, deviation : (n,)
            Of the draws' log expected loss over the quoted one.
        log_revenue : (n,)
            Of USD.
        log_relative : (n,)
            Log of the quoted expected loss in the standard layer over the book's at that revenue.
        z : float
            Normal score of the upper end: 1.2816 for an interval of 80 %. A higher one gives an interval around it.
        """
        centre = self.centre(mean, log_revenue, log_relative)
        low, high = self.deviations(deviation)
        return np.minimum(centre - z * low, 0.0), np.maximum(centre + z * high, 0.0)
