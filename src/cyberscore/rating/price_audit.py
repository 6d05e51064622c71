"""Prices of a grid of firms, the safest and the riskiest that tables can make: a plan that misprices them is refused.

Called when a plan is built from its files, whoever made them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from cyberscore.exceptions import PlanError
from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.rating.coverage import BOUNDS_IN_USD, Coverage
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.parts import N_PERILS, Curve, Floats
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rating.pricing import Pricing

REVENUES = (1.0, 1e12)
"""Ends of the revenue that a quote takes (USD); beyond its nodes a plan's base goes on along its outer segments."""
CLAIMS = (1e-30, 1e12)
"""Fewest and most claims a year of a peril above the basis (judgement).

Wide, since no firm has the riskiest cell of every table: plans learned from few claims alone come to some 1e6."""
LOG_COST = (-20.0, 40.0)
"""Least and most that the location of the log excess may be, at any revenue (judgement): costs stay finite."""
BEYOND = 1e6
"""How much wider bounds are at `REVENUES`, far beyond the nodes of most plans (judgement)."""
MOST_OF_LIMIT = 1e12
"""Largest technical premium over the limit (judgement); 1e12 USD of revenue and the least limit make some hundreds."""


def audit_prices(
    base: Curve,
    log_balance: Floats,
    tables: Mapping[str, Floats],
    pairs: Mapping[tuple[str, str], Floats],
    *,
    severity: Sequence[PerilSeverity],
    pricing: Pricing,
) -> None:
    """Refuse a plan whose claims, costs or premiums are not finite, or beyond a stated bound, for some firm.

    Of each table the lowest and the highest cell of each column are taken, at the least and the largest revenue and at
    every node between, under the narrowest and the widest cover, in the dearest territory.

    Raises
    ------
    PlanError
        Naming the firm, what came out and the bound.
    """
    safest = sum((table.min(axis=0) for table in tables.values()), start=0.0 * base.values[0])
    riskiest = sum((table.max(axis=0) for table in tables.values()), start=0.0 * base.values[0])
    for table in pairs.values():
        safest, riskiest = safest + table.min(axis=(0, 1)), riskiest + table.max(axis=(0, 1))
    for log_revenue in (math.log(REVENUES[0]), *base.log_revenue, math.log(REVENUES[1])):
        for name, sums in (("safest", safest), ("riskiest", riskiest)):
            firm = f"the {name} cells at a revenue of {math.exp(log_revenue):,.0f} USD"
            total = base.at(log_revenue) + sums
            wider = 1.0 if log_revenue in base.log_revenue else BEYOND
            rates = _rates(total[:N_PERILS] + log_balance, firm, wider)
            for cover, premium in _premiums(severity, pricing, math.exp(log_revenue), rates, _locations(total, firm)):
                if not 0.0 < premium <= MOST_OF_LIMIT * wider * cover.aggregate_limit:
                    raise PlanError(
                        f"{firm} come to a technical premium of {premium:.6g} USD for a limit of "
                        f"{cover.aggregate_limit:,.0f} and a retention of {cover.retention:,.0f} USD: a plan may ask "
                        f"for more than 0 and at most {MOST_OF_LIMIT * wider:g} times the limit"
                    )


def _rates(log_rates: Floats, firm: str, wider: float) -> list[float]:
    fewest, most = CLAIMS[0] / wider, CLAIMS[1] * wider
    low, high = math.log(fewest), math.log(most)
    found: list[float] = log_rates.tolist()
    for peril, log_rate in zip(PERILS, found, strict=True):
        if not low <= log_rate <= high:
            raise PlanError(
                f"{firm} come to exp({log_rate:.4g}) claims of {peril} a year: a plan may have between {fewest:g} "
                f"and {most:g}: check base and tables"
            )
    return [math.exp(log_rate) for log_rate in found]


def _locations(total: Floats, firm: str) -> list[float]:
    found: list[float] = total[N_PERILS:].tolist()
    for peril, location in zip(PERILS, found, strict=True):
        if not LOG_COST[0] <= location <= LOG_COST[1]:
            raise PlanError(
                f"{firm} put the middle cost of a claim of {peril} at exp({location:.4g}) USD: a plan may have between "
                f"exp({LOG_COST[0]:g}) and exp({LOG_COST[1]:g}): check base and tables"
            )
    return found


def _premiums(
    severity: Sequence[PerilSeverity], pricing: Pricing, revenue: float, rates: Sequence[float], mus: Sequence[float]
) -> Iterator[tuple[Coverage, float]]:
    """Technical premiums of the narrowest and the widest covers, in the dearest territory."""
    group = max(COUNTRY_GROUPS, key=lambda name: pricing.territory[name])
    for limit, retention in product(BOUNDS_IN_USD["aggregate_limit"], BOUNDS_IN_USD["retention"]):
        if retention >= limit:
            continue
        cover = Coverage(aggregate_limit=limit, retention=retention)
        pure = [
            rate * sum(weight * shape.layer_cost(retention, depth, mu, revenue) for depth, weight in own.layers)
            for rate, mu, shape, own in zip(rates, mus, severity, pricing.layers_of(cover), strict=True)
        ]
        terms = PremiumTerms.of(pricing, cover, group, revenue, pricing.index.calibration_date)
        yield cover, terms.technical(pure)
