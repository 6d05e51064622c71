"""Expected cost of a layer per claim, in closed form: lognormal excess over the basis retention, Pareto tail, cap.

The excess Y of a claim over the basis b is lognormal(mu, sigma) up to a threshold T and Pareto(alpha) beyond, no more
than a cap. `E[min(Y, d)]` is the limited expected value (Klugman, Panjer, Willmot, Loss Models, section 3.4 and
appendix A). Below b, losses follow the ground-up lognormal of the evidence: there the claims of a book say little.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyberscore.exceptions import PlanError
from cyberscore.rating.numbers_of_plan import real

Floats = NDArray[np.float64]
_SQRT2 = math.sqrt(2.0)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def _phi(z: float) -> float:
    return 0.5 * math.erfc(-z / _SQRT2)


def _phis(z: Floats) -> Floats:
    return np.asarray(0.5 * _erfc(-z / _SQRT2), dtype=float)


@dataclass(frozen=True, slots=True)
class PerilSeverity:
    """Shape of one peril's losses in USD; the location `mu` of the log excess comes from the plan's tables."""

    basis: float
    sigma: float
    threshold: float
    alpha: float
    cap: float
    small_median: float
    small_log_sigma: float
    small_revenue_exponent: float

    def __post_init__(self) -> None:
        bounds = {
            "basis": (0.0, 1e6),
            "sigma": (0.1, 5.0),
            "threshold": (1e4, 1e9),
            "alpha": (0.3, 5.0),
            "cap": (1e5, 1e10),
            "small_median": (1.0, 1e9),
            "small_log_sigma": (0.1, 5.0),
            "small_revenue_exponent": (0.0, 1.0),
        }
        for name, (low, high) in bounds.items():
            real(getattr(self, name), f"severity {name}", low, high)
        if self.cap <= self.threshold:
            raise PlanError(f"severity cap {self.cap:g} must be above threshold {self.threshold:g}")

    def survival(self, excess: float, mu: float) -> float:
        """Chance that a claim's excess over the basis is more than `excess`."""
        if excess <= 0.0:
            return 1.0
        if excess >= self.cap:
            return 0.0
        body = _phi((mu - math.log(min(excess, self.threshold))) / self.sigma)
        return body if excess <= self.threshold else body * float((self.threshold / excess) ** self.alpha)

    def limited_mean(self, depth: float, mu: float) -> float:
        """`E[min(Y, depth)]` of the excess over the basis."""
        if depth <= 0.0:
            return 0.0
        inner = min(depth, self.threshold)
        z = (math.log(inner) - mu) / self.sigma
        beyond = _phi(-z)
        mean = math.exp(mu + 0.5 * self.sigma * self.sigma) * _phi(z - self.sigma) + inner * beyond
        if depth > self.threshold:
            mean += beyond * self.threshold * self._tail_mean(depth)
        return mean

    def limited_means(self, depth: float, mu: Floats) -> Floats:
        """`limited_mean` for many locations."""
        if depth <= 0.0:
            return np.zeros(len(mu))
        inner = min(depth, self.threshold)
        z = (math.log(inner) - mu) / self.sigma
        beyond = _phis(-z)
        mean: Floats = np.exp(mu + 0.5 * self.sigma * self.sigma) * _phis(z - self.sigma) + inner * beyond
        if depth > self.threshold:
            mean = mean + beyond * self.threshold * self._tail_mean(depth)
        return mean

    def limited_mean_and_slope(self, depth: float, mu: float) -> tuple[float, float]:
        """`limited_mean` and its derivative by `mu`."""
        if depth <= 0.0:
            return 0.0, 0.0
        inner = min(depth, self.threshold)
        z = (math.log(inner) - mu) / self.sigma
        beyond = _phi(-z)
        slope = math.exp(mu + 0.5 * self.sigma * self.sigma) * _phi(z - self.sigma)
        mean = slope + inner * beyond
        if depth > self.threshold:
            tail = self.threshold * self._tail_mean(depth)
            mean += beyond * tail
            slope += math.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * self.sigma) * tail
        return mean, slope

    def _tail_mean(self, depth: float) -> float:
        """Mean of the Pareto tail limited to `depth`, over the threshold, in thresholds."""
        ratio, power = min(depth, self.cap) / self.threshold, 1.0 - self.alpha
        return math.log(ratio) if abs(power) < 1e-9 else float(ratio**power - 1.0) / power

    def _small(self, amount: float, revenue: float) -> tuple[float, float]:
        """Ground-up survival at an amount below the basis, and mean loss limited to it, on the evidence's lognormal."""
        mu = math.log(self.small_median) + self.small_revenue_exponent * math.log(revenue / 1e7)
        s = self.small_log_sigma
        z = (math.log(amount) - mu) / s
        return _phi(-z), math.exp(mu + 0.5 * s * s) * _phi(z - s) + amount * _phi(-z)

    def frequency_factor(self, retention: float, mu: float, revenue: float) -> float:
        """Claims above a retention per claim above the basis."""
        if retention >= self.basis:
            return self.survival(retention - self.basis, mu)
        return self._small(retention, revenue)[0] / self._small(self.basis, revenue)[0]

    def layer_cost(self, retention: float, limit: float, mu: float, revenue: float) -> float:
        """Mean cost in the layer from `retention` to `retention + limit`, per claim above the basis (USD)."""
        top = retention + limit - self.basis
        if retention >= self.basis:
            return self.limited_mean(top, mu) - self.limited_mean(retention - self.basis, mu)
        at_basis, mean_basis = self._small(self.basis, revenue)
        upper = self._small(self.basis + top, revenue)[1] if top < 0.0 else mean_basis
        small = (upper - self._small(retention, revenue)[1]) / at_basis
        return small + self.limited_mean(top, mu)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
