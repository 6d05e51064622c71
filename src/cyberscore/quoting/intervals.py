"""How sure a quote is: intervals of its score and premium, from draws of what is unknown and with each bag's tables.

Called by the engine. The draws are `cyberscore.rating.draws`; how wide they must be is calibrated and in the plan.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from cyberscore.profile import Signal, signals
from cyberscore.profile.evidence import Mixture
from cyberscore.quoting.figures import Figures, Firm, SettledCover, Standing, claim_costs, standard_costs
from cyberscore.rating.draws import draw_spread, draw_totals
from cyberscore.rating.expected_loss import RatedRisk
from cyberscore.rating.parts import Floats
from cyberscore.rating.plan import RatingPlan

LEVEL = 0.8
_STEP = 0.1
"""Step of location over which the elasticity of a layer's cost is taken."""


@dataclass(frozen=True, slots=True)
class LossDraws:
    """What is unknown of one risk, drawn once; intervals of its loss under any cover follow from it.

    An interval is given by its ends in log of the loss quoted: the low end at most 0, the high end at least.
    `standard` is that in the standard layer; `z` the normal quantile of its level.
    """

    firm: Firm
    standing: Standing
    deviations: Floats
    log_revenue: Floats
    log_relative: Floats
    z: float
    standard: tuple[float, float]

    def quoted(self, settled: SettledCover, figures: Figures) -> tuple[float, float]:
        """Return the ends of the interval of the expected loss under a cover, in log of the one quoted."""
        standing = self.standing
        pure = [rate * cost for rate, cost in zip(standing.rates, standing.standard_costs, strict=True)]
        if list(figures.pure) == pure:
            return self.standard
        return self.ends(figures.pure, lambda locations: claim_costs(self.firm, settled, locations))

    def elasticity(self, settled: SettledCover) -> Floats:
        """Change of the log of a claim's cost to a cover with its location, by peril."""
        return _elasticity(self.standing.locations, lambda locations: claim_costs(self.firm, settled, locations))

    def ends(
        self, by_peril: Sequence[float], costs_at: Callable[[Sequence[float]], Sequence[float]]
    ) -> tuple[float, float]:
        """Return the ends for a loss by peril whose claims cost `costs_at` severity locations."""
        elasticity = _elasticity(self.standing.locations, costs_at)
        mean, deviation = draw_spread(self.deviations, np.array([by_peril]), elasticity[None])
        low, high = self.firm.plan.intervals.around(
            mean, deviation, log_revenue=self.log_revenue, log_relative=self.log_relative, z=self.z
        )
        return float(low[0]), float(high[0])


def loss_draws(firm: Firm, standing: Standing, *, level: float = LEVEL) -> LossDraws:
    """Draw what is unknown of a risk: the costly part of an interval, the same for every cover.

    `level` is the chance that the interval holds the true expected loss; a higher level gives an interval around it.
    """
    log_revenue = np.array([math.log(firm.revenue)])
    pure = [rate * cost for rate, cost in zip(standing.rates, standing.standard_costs, strict=True)]
    made = LossDraws(
        firm=firm,
        standing=standing,
        deviations=_deviations(firm.plan, standing.risk, log_revenue),
        log_revenue=log_revenue,
        log_relative=np.array([math.log(sum(pure) / firm.reference_loss)]),
        z=NormalDist().inv_cdf(0.5 + 0.5 * level),
        standard=(0.0, 0.0),
    )
    return replace(made, standard=made.ends(pure, lambda locations: standard_costs(firm, locations)))


def known_code(about: Signal, mixture: Mixture) -> tuple[int, float]:
    """Return the code that evidence points to, and its weight: unanswered when it points nowhere."""
    found, reached = (about.unanswered, 1.0), 0.0
    for code, share in mixture:
        if code not in {about.unknown, about.unanswered} and share > reached:
            found, reached = (code, share), share
    return found


def _deviations(plan: RatingPlan, risk: RatedRisk, log_revenue: Floats) -> Floats:
    """Of the draws' totals from the risk's own, (1, nodes, WIDTH)."""
    catalogue = list(signals().values())
    known = [known_code(about, mixture) for about, mixture in zip(catalogue, risk.mixtures, strict=False)]
    codes, weights = [code for code, _ in known], [weight for _, weight in known]
    codes += [mixture[0][0] for mixture in risk.mixtures[len(catalogue) :]]
    drawn = draw_totals(plan, np.array([codes]), np.array([weights]), log_revenue)
    return drawn - risk.total


def _elasticity(locations: Sequence[float], costs_at: Callable[[Sequence[float]], Sequence[float]]) -> Floats:
    """Change of the log of a claim's cost with its location, by peril; 0 where it costs nothing."""
    high, low = (costs_at([mu + step for mu in locations]) for step in (_STEP, -_STEP))
    return np.array(
        [math.log(a / b) / (2.0 * _STEP) if a > 0.0 and b > 0.0 else 0.0 for a, b in zip(high, low, strict=True)]
    )
