"""From pure premium by peril to the technical and the indicative premium: the arithmetic.

The ledger that shows it is `cyberscore.quoting.ledger_lines`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from cyberscore.money import MINOR_UNITS
from cyberscore.perils import PERILS
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.parts import Floats
from cyberscore.rating.pricing import Pricing


@dataclass(frozen=True, slots=True)
class PremiumTerms:
    """Everything between pure premium and premium that does not depend on posture, worked out once a quote."""

    aggregate_limit: float
    level: float
    loss_adjustment: float
    risk_loads: tuple[float, ...]
    fixed: float
    systemic_share: float
    expense_and_profit: float
    territory: float
    index: float
    schedule_low: float
    schedule_high: float
    renewal_low: float | None
    renewal_high: float | None
    minimum: float
    scenario: float = 1.0
    conversion: float = 1.0
    decimals: int = 2

    @classmethod
    def of(
        cls,
        pricing: Pricing,
        coverage: Coverage,
        country_group: str,
        revenue: float,
        as_of: date,
        *,
        currency: str = "USD",
        usd_rate: float = 1.0,
    ) -> "PremiumTerms":
        """Terms of one risk and cover at a date; revenue and cover in USD.

        The premium is in `currency`, of which one unit is `usd_rate` USD.
        """
        name = coverage.market_scenario
        expenses, expiring = pricing.expenses, coverage.expiring_premium
        return cls(
            aggregate_limit=coverage.aggregate_limit,
            level=expenses.level,
            loss_adjustment=expenses.loss_adjustment,
            risk_loads=tuple([pricing.risk_load.at(peril, max(coverage.limit_for(peril), 1.0)) for peril in PERILS]),
            fixed=expenses.fixed,
            systemic_share=pricing.systemic_share,
            expense_and_profit=expenses.variable + expenses.profit,
            territory=pricing.territory[country_group],
            index=pricing.index.at(as_of, pricing.share_mid(revenue)),
            schedule_low=pricing.schedule_low,
            schedule_high=pricing.schedule_high,
            renewal_low=None if expiring is None else expiring * (1.0 - pricing.renewal_cap),
            renewal_high=None if expiring is None else expiring * (1.0 + pricing.renewal_cap),
            minimum=pricing.minimum.at(coverage.aggregate_limit),
            scenario=1.0 if name is None else 1.0 + pricing.scenario(name).change,
            conversion=1.0 / usd_rate,
            decimals=MINOR_UNITS.get(currency, 2),
        )

    def rounded(self, amount: float) -> float:
        """Round an amount in the premium's currency to its minor unit: the cent, or the yen."""
        return round(amount, self.decimals)

    def shown(self, usd: float) -> float:
        """Convert an amount of USD to the premium's currency, rounded to its minor unit."""
        return self.rounded(usd * self.conversion)

    def paid(self, pure: float) -> float:
        """Return the expected payment under the aggregate limit, of an expected loss that no aggregate bounds (USD).

        `L (1 - exp(-E / L))`: exact when every claim takes the whole limit, else a little low, by less than `E^2 / 2L`;
        for a usual firm less than a thousandth. It rises with the loss and with the limit.
        """
        return -self.aggregate_limit * math.expm1(-pure / self.aggregate_limit)

    def technical(self, pure: Sequence[float]) -> float:
        """Technical premium of pure premiums by peril (USD).

        `((paid + pure * (LAE + risk load)) * level + fixed) / (1 - expense - profit - systemic)`, times territory.
        """
        loaded = self.paid(sum(pure)) * self.level
        for amount, load in zip(pure, self.risk_loads, strict=True):
            loaded += amount * self.level * (self.loss_adjustment + load)
        return (loaded + self.fixed) / (1.0 - self.expense_and_profit - self.systemic_share) * self.territory

    def technical_of_many(self, pure: Floats) -> Floats:
        """`technical` for rows of pure premiums, (n, perils) to (n,)."""
        loads = self.level * (self.loss_adjustment + np.array(self.risk_loads))
        paid = -self.aggregate_limit * np.expm1(-pure.sum(axis=1) / self.aggregate_limit)
        kept = 1.0 - self.expense_and_profit - self.systemic_share
        technical: Floats = (paid * self.level + (pure * loads).sum(axis=1) + self.fixed) / kept * self.territory
        return technical

    def schedule(self, percent: float) -> float:
        """Factor for the rules' debits and credits, clamped."""
        return min(max(1.0 + percent / 100.0, self.schedule_low), self.schedule_high)

    def uncapped(self, technical: float, percent: float) -> float:
        """Return the premium before renewal cap, minimum and rounding: index, market scenario, schedule (USD)."""
        return technical * self.index * self.scenario * self.schedule(percent)

    def indicative(self, technical: float, percent: float, least: float = 0.0) -> float:
        """Return the indicative premium in its currency, to the minor unit.

        Index, market scenario, schedule, `least` (what smaller firms pay, USD), renewal cap, minimum (which wins),
        conversion, rounding.
        """
        premium = max(self.uncapped(technical, percent), least)
        if self.renewal_low is not None and self.renewal_high is not None:
            premium = min(max(premium, self.renewal_low), self.renewal_high)
        return self.shown(max(premium, self.minimum))
