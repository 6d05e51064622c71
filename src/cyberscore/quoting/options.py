"""Covers offered to one risk: the one a quote is about, and options beside it. The caller is the engine.

All share the risk's rates and the draws of what is unknown, so that an option costs a fraction of a quote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    posture_findings,
    premium_at,
    priced,
    settle,
)
from cyberscore.quoting.intervals import LossDraws
from cyberscore.quoting.terms import (
    Adjustment,
    cover_offered,
    decision_reasons,
    held_premium,
    restrictions_of,
    what_holds,
)
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.taxes import TaxStatus, tax_lines, tax_status
from cyberscore.rules import Finding

MONEY_KINDS = ("retention_floor", "limit_cap", "standard_sublimit", "part_sublimit", "sublimit", "renewal_cap")
"""Kinds of adjustment whose amount is money."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One cover settled and priced for a risk; `loss_ends` and premiums are the 80 % interval."""

    settled: SettledCover
    on_posture: Sequence[Finding]
    figures: Figures
    held: Sequence[Adjustment]
    on_premium: Sequence[Finding]
    loss_ends: tuple[float, float]
    premium_low: float
    premium_high: float

    def money(self, usd: float) -> float:
        """Return an amount of USD in the currency of the cover, unrounded."""
        return usd * self.settled.terms.conversion

    @property
    def findings(self) -> list[Finding]:
        """What the rules say of firm, cover and posture, gravest stage first."""
        return sorted(self.figures.findings, key=lambda finding: finding.rule.stage)

    @property
    def expected_loss(self) -> float:
        """Expected yearly loss under the aggregate limit, in the currency of the cover."""
        return self.money(self.settled.terms.paid(sum(self.figures.pure)))

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """What rules changed; amounts in the currency of the cover."""
        settled = self.settled
        on_terms, on_posture = what_holds(
            settled.adjustments, restrictions_of(self.findings, settled.money), settled.cover
        )
        return tuple(
            replace(one, amount=settled.terms.shown(one.amount))
            if one.amount is not None and one.kind in MONEY_KINDS
            else one
            for one in (*on_terms, *on_posture, *self.held)
        )

    def cover_offered(self) -> dict[str, Any] | None:
        """Cover to bind, in the currency of the cover; None where nothing is offered."""
        found = cover_offered(self.settled.cover, self.figures.findings)
        terms, currency = self.settled.terms, self.settled.requested.currency
        if found is None:
            return None
        if currency == "USD":
            return {**found, "retention": round(found["retention"], terms.decimals)}
        return Coverage.from_dict(found).in_currency(currency, terms.conversion, decimals=terms.decimals).to_dict()

    def taxes(self, firm: Firm) -> dict[str, float]:
        """Taxes and fees beside the premium, in the currency of the cover."""
        terms, pricing = self.settled.terms, firm.plan.pricing
        lines = tax_lines(
            self.figures.premium / terms.conversion,
            firm.insured.country,
            self.settled.requested.surplus_lines_state,
            pricing.taxes,
            pricing.surplus_lines,
        )
        return {name: terms.shown(amount) for name, amount in lines.items()}

    def tax_status(self, firm: Firm) -> TaxStatus:
        """Whether taxes are due beside the premium, none are, or the plan does not know."""
        return tax_status(self.taxes(firm), firm.insured.country, firm.plan.pricing.taxes)


def make_offer(firm: Firm, standing: Standing, draws: LossDraws, requested: Coverage) -> Offer:
    """Settle and price one cover.

    Raises
    ------
    CoverageError
        When nothing is left of the cover.
    """
    settled = settle(firm, requested)
    on_posture = posture_findings(firm, settled, standing.values)
    figures = priced(settled, standing.rates, claim_costs(firm, settled, standing.locations), on_posture)
    held, on_premium = held_premium(
        firm.plan.rules, settled.cover.expiring_premium, figures.uncapped, settled.terms.minimum, settled.money
    )
    ends = draws.quoted(settled, figures)
    # the steps after the expected loss keep order, so the ends of its interval pass through them
    low, high = (premium_at(settled, figures, end) for end in ends)
    return Offer(settled, on_posture, figures, held, on_premium, ends, low, high)


@dataclass(frozen=True, slots=True)
class QuoteOption:
    """Another cover for the same risk, priced. Amounts in the quote's currency; fields as in `Quote`."""

    requested: dict[str, Any]
    coverage: dict[str, Any]
    cover_offered: dict[str, Any] | None
    indicative_premium: float
    premium_low: float
    premium_high: float
    technical_premium: float
    uncapped_premium: float
    expected_loss: float
    taxes: dict[str, float]
    tax_status: TaxStatus
    decision: str
    decision_reasons: tuple[str, ...]
    adjustments: tuple[Adjustment, ...]

    @classmethod
    def of(cls, firm: Firm, offer: Offer) -> "QuoteOption":
        """Gather an option from an offer."""
        figures, settled = offer.figures, offer.settled
        return cls(
            requested=settled.requested.to_dict(),
            coverage=settled.shown.to_dict(),
            cover_offered=offer.cover_offered(),
            indicative_premium=figures.premium,
            premium_low=offer.premium_low,
            premium_high=offer.premium_high,
            technical_premium=offer.money(figures.technical),
            uncapped_premium=offer.money(figures.uncapped),
            expected_loss=offer.expected_loss,
            taxes=offer.taxes(firm),
            tax_status=offer.tax_status(firm),
            decision=figures.decision,
            decision_reasons=decision_reasons(offer.findings, figures.decision, settled.money),
            adjustments=offer.adjustments,
        )
