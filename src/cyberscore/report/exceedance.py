"""Loss exceedance of one risk: how often a year's losses, or its largest loss, pass an amount. Called by the report.

Claims of a peril come as a Poisson process, independent of other perils. The largest loss of a year then has the closed
form `P(max > x) = 1 - exp(-rate(x))`, with `rate(x)` the claims a year above x: exact. The sum of a year is compound
Poisson, computed on a grid of `POINTS` amounts by the fast Fourier transform (Klugman, Panjer, Willmot, Loss Models,
section 9.6): losses are rounded to the grid, and its top lies far above what can be reached, so that nothing wraps
around.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cyberscore.perils import PERILS
from cyberscore.quoting.figures import Firm, SettledCover, Standing
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.part_layers import PerilLayers

Floats = NDArray[np.float64]
POINTS = 1 << 16
KNOTS = 400
"""Amounts at which a survival function is evaluated; between them it is log-linear in the log amount."""
RETURN_PERIODS = (10, 50, 100, 250, 1000)


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """Amounts passed with probability `1 / years` in a year.

    `year_loss` is the sum of all losses above the retention, `largest_loss` the largest of them, `paid` what the cover
    pays in the year.
    """

    years: int
    year_loss: float
    largest_loss: float
    paid: float


@dataclass(frozen=True, slots=True)
class Exceedance:
    """Exceedance curves of a risk, in the currency of the cover.

    Attributes
    ----------
    amounts : losses of a year above the retention
    total : chance that the year's losses of all perils pass each amount
    perils : the same of each peril alone
    largest : chance that the largest loss of the year passes each amount
    mean_loss, mean_paid : expected yearly loss above the retention, and of it what the cover pays
    """

    amounts: Floats
    total: Floats
    perils: dict[str, Floats]
    largest: Floats
    return_periods: tuple[ReturnPeriod, ...]
    mean_loss: float
    mean_paid: float


@dataclass(frozen=True, slots=True)
class _Claims:
    """Claims above the retention of one peril: rate a year, and the rate of those whose loss passes each knot."""

    knots: Floats
    rates: Floats

    @classmethod
    def of(cls, severity: PerilSeverity, rate: float, mu: float, revenue: float, retention: float) -> "_Claims":
        top = severity.cap + severity.basis - retention
        knots = np.geomspace(1.0, top * (1.0 - 1e-12), KNOTS)
        found = [rate * severity.frequency_factor(retention + depth, mu, revenue) for depth in (0.0, *knots)]
        return cls(np.array([0.0, *knots]), np.array(found))

    def above(self, depths: Floats) -> Floats:
        """Claims a year whose loss above the retention is more than each depth."""
        x = np.log(np.maximum(depths, 1.0))
        with np.errstate(divide="ignore"):
            logs = np.log(self.rates[1:])
        found = np.exp(np.interp(x, np.log(self.knots[1:]), logs))
        found = np.where(depths < 1.0, self.rates[0] + (self.rates[1] - self.rates[0]) * np.maximum(depths, 0.0), found)
        return np.where(depths >= self.knots[-1], 0.0, found)

    def paid_above(self, layers: PerilLayers, payments: Floats) -> Floats:
        """Claims a year of which the cover pays more than each payment."""
        depths = np.array([0.0, *sorted({depth for depth, _ in layers.layers})])
        paid = sum((weight * np.minimum(depths, depth) for depth, weight in layers.layers), start=np.zeros(len(depths)))
        rising = np.concatenate(([True], np.diff(paid) > 0.0))
        inverse = np.interp(payments, paid[rising], depths[rising])
        return np.where(payments >= paid[-1], 0.0, self.above(inverse))


def exceedance(firm: Firm, settled: SettledCover, standing: Standing) -> Exceedance:
    """Work out the exceedance curves of a risk under a settled cover."""
    retention, money = settled.cover.retention, settled.terms.conversion
    numbers = zip(firm.plan.severity, standing.rates, standing.locations, strict=True)
    claims = [_Claims.of(severity, rate, mu, firm.revenue, retention) for severity, rate, mu in numbers]
    step = _step(claims)
    edges: Floats = np.asarray(step * (np.arange(POINTS) + 0.5), dtype=np.float64)
    losses = [_masses(one.above(edges), one.rates[0]) for one in claims]
    payments = np.zeros(POINTS)
    for one, layers in zip(claims, settled.layers, strict=True):
        above = one.paid_above(layers, np.concatenate((np.zeros(1), edges)))
        payments += _masses(above[1:], float(above[0]))
    spectra = [np.fft.rfft(masses) - masses.sum() for masses in losses]
    paid = _above(np.fft.rfft(payments) - payments.sum())
    total = _above(np.asarray(sum(spectra)))
    limit = settled.terms.aggregate_limit
    amounts = np.geomspace(1000.0, 2.0 * max(one.knots[-1] for one in claims), 240)
    grid = step * np.arange(POINTS)
    largest = -np.expm1(-np.asarray(sum(one.above(amounts) for one in claims)))
    periods = tuple(
        ReturnPeriod(
            years,
            # a sum is never less than the largest of its losses, which is known exactly
            money * max(_passed(total, edges, years), loss),
            money * loss,
            money * min(_passed(paid, edges, years), limit),
        )
        for years, loss in zip(RETURN_PERIODS, _largest_losses(claims), strict=True)
    )
    return Exceedance(
        amounts=money * amounts,
        # a loss is above a point of the grid from half a step beyond it on
        total=np.interp(amounts, edges, total),
        perils={
            peril: np.interp(amounts, edges, _above(spectrum)) for peril, spectrum in zip(PERILS, spectra, strict=True)
        },
        largest=largest,
        return_periods=periods,
        mean_loss=money * float((grid * sum(losses)).sum()),  # not `@`: waking BLAS's threads costs more than the sum
        mean_paid=money * float((grid * payments).sum()),
    )


def _step(claims: Sequence[_Claims]) -> float:
    """Width of the grid: its top holds more than two of the largest losses, and ten deviations of the year's sum."""
    mean = square = 0.0
    for one in claims:
        mean += float(np.trapezoid(one.rates, one.knots))
        square += float(np.trapezoid(2.0 * one.knots * one.rates, one.knots))
    largest = float(max(one.knots[-1] for one in claims))
    return max(2.5 * largest, mean + 2.0 * largest + 10.0 * math.sqrt(square)) / POINTS


def _masses(above: Floats, rate: float) -> Floats:
    """Claims a year on each point of the grid; `above` is taken half a step beyond it."""
    return -np.diff(above, prepend=rate)


def _above(spectrum: NDArray[np.complex128]) -> Floats:
    """Chance that a compound Poisson sum is above each point, from the transform of its masses less their sum."""
    chance = np.fft.irfft(np.exp(spectrum), POINTS)
    # from the far end, where it is small, so that no digit is lost; never more than 1 nor less than 0
    return np.clip(np.cumsum(chance[::-1])[::-1] - chance, 0.0, 1.0)


def _passed(above: Floats, edges: Floats, years: int) -> float:
    """Amount passed with a chance of `1 / years`, 0 when there is none; `above` is the chance to pass each edge."""
    wanted = 1.0 / years
    k = int(np.argmax(above <= wanted))
    if k == 0:
        return 0.0
    share = (above[k - 1] - wanted) / (above[k - 1] - above[k])
    return float(edges[k - 1] + share * (edges[k] - edges[k - 1]))


def _largest_losses(claims: Sequence[_Claims]) -> list[float]:
    """Loss that the largest of a year passes with a chance of `1 / years`, for every return period."""
    depths = np.geomspace(1.0, max(one.knots[-1] for one in claims), 6 * KNOTS)
    rates = np.maximum(np.asarray(sum(one.above(depths) for one in claims)), 1e-300)
    wanted = [-math.log1p(-1.0 / years) for years in RETURN_PERIODS]
    found = np.exp(np.interp(-np.log(wanted), -np.log(rates), np.log(depths))).tolist()
    return [loss if rates[0] > rate else 0.0 for loss, rate in zip(found, wanted, strict=True)]
