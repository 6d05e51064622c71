"""How sure a quote is: intervals of its score and premium, from draws of what is unknown and with each bag's tables.

Called by the engine. The draws are `cyberscore.rating.draws`; how wide they must be is calibrated and in the plan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from cyberscore.profile import signals
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.draws import draw_spread, draw_totals
from cyberscore.rating.expected_loss import RatedRisk, layer_costs
from cyberscore.rating.parts import Floats
from cyberscore.rating.plan import RatingPlan

LEVEL = 0.8
_STEP = 0.1
"""Step of location over which the elasticity of a layer's cost is taken."""


@dataclass(frozen=True, slots=True)
class LossIntervals:
    """Ends of the interval of the expected loss, in log of the one quoted, in the standard layer and the one quoted.

    Low ends are at most 0, high ends at least: the interval holds what was quoted.
    """

    standard: tuple[float, float]
    quoted: tuple[float, float]


def loss_intervals(
    plan: RatingPlan,
    risk: RatedRisk,
    cover: Coverage,
    *,
    standard_pure: Sequence[float],
    pure: Sequence[float],
    reference: float,
    level: float = LEVEL,
) -> LossIntervals:
    """Intervals of the expected loss.

    Parameters
    ----------
    plan : RatingPlan
    risk : RatedRisk
    cover : Coverage
        Cover quoted.
    standard_pure, pure : sequence of float
        Expected loss by peril, in the standard layer and in the one quoted, USD.
    reference : float
        The book's mean expected loss at this revenue, in the standard layer, USD.
    level : float
        Chance that the interval holds the true expected loss. A higher level gives an interval around it.

    Returns
    -------
    LossIntervals
    """
    log_revenue = np.array([math.log(risk.revenue)])
    log_relative = np.array([math.log(sum(standard_pure) / reference)])
    deviations = _deviations(plan, risk, log_revenue)

    def ends(layer: Coverage, by_peril: Sequence[float]) -> tuple[float, float]:
        mean, deviation = draw_spread(deviations, np.array([by_peril]), _elasticity(plan, risk, layer)[None])
        low, high = plan.intervals.around(
            mean,
            deviation,
            log_revenue=log_revenue,
            log_relative=log_relative,
            z=NormalDist().inv_cdf(0.5 + 0.5 * level),
        )
        return float(low[0]), float(high[0])

    standard = ends(STANDARD_LAYER, standard_pure)
    same = list(pure) == list(standard_pure)
    return LossIntervals(standard, standard if same else ends(cover, pure))


def _deviations(plan: RatingPlan, risk: RatedRisk, log_revenue: Floats) -> Floats:
    """Of the draws' totals from the risk's own, (1, nodes, WIDTH)."""
    catalogue = list(signals().values())
    codes, weights = [], []
    for about, mixture in zip(catalogue, risk.mixtures, strict=False):
        best = (about.unanswered, 1.0)
        reached = 0.0
        for code, share in mixture:
            if code not in {about.unknown, about.unanswered} and share > reached:
                best, reached = (code, share), share
        codes.append(best[0])
        weights.append(best[1])
    codes += [mixture[0][0] for mixture in risk.mixtures[len(catalogue) :]]
    drawn = draw_totals(plan, np.array([codes]), np.array([weights]), log_revenue)
    return drawn - risk.total


def _elasticity(plan: RatingPlan, risk: RatedRisk, cover: Coverage) -> Floats:
    """Change of the log of the cost of a claim to the cover with its location, by peril; 0 where it costs nothing."""
    high, low = (
        layer_costs(plan, [mu + step for mu in risk.locations], risk.revenue, cover) for step in (_STEP, -_STEP)
    )
    return np.array(
        [math.log(a / b) / (2.0 * _STEP) if a > 0.0 and b > 0.0 else 0.0 for a, b in zip(high, low, strict=True)]
    )
