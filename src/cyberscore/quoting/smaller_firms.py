"""The same firm at sizes just under the edges of rules, whose premium it does not fall below. The caller is `figures`.

A rule may end a debit or raise a retention from some size on, and so make a larger firm pay less than a smaller one.
The premium is therefore not below that of the same firm, with the same posture and request, at any smaller size at
which the rules set it other terms or rates. Between edges a premium rises with size, so that these sizes are enough,
and premiums rise over all sizes. Better security lowers every one of these premiums, and so the highest of them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cyberscore.exceptions import CoverageError
from cyberscore.quoting.terms import effective_coverage, make_lookup
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.expected_loss import costs_of_layers
from cyberscore.rating.part_layers import PerilLayers
from cyberscore.rating.parts import N_PERILS
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rules import Finding, evaluate
from cyberscore.rules.amounts import Money
from cyberscore.rules.edges import Edge, Size, smaller_sizes, with_sizes

_REVENUE = ("insured", "annual_revenue_usd")
_LIMIT = ("coverage", "aggregate_limit")


@dataclass(frozen=True, slots=True)
class SmallerPrice:
    """What a smaller firm would pay: pure premium by peril, debits in percent, and premium (USD)."""

    firm: "SmallerFirm"
    pure: Sequence[float]
    percent: float
    uncapped: float

    def at(self, end: float) -> float:
        """Return the premium before renewal cap and minimum if every loss were `exp(end)` times as high (USD)."""
        terms, factor = self.firm.terms, math.exp(end)
        return terms.uncapped(terms.technical([amount * factor for amount in self.pure]), self.percent)


@dataclass(frozen=True, slots=True)
class SmallerFirm:
    """The same firm and request at smaller sizes, as far as posture does not change them; amounts in USD.

    `shift` is what is added to the table sums at its revenue. Records move no rates here: at the rates of more records
    the premium that a firm does not fall below is, if anything, higher.
    """

    plan: RatingPlan
    sizes: Mapping[Size, Edge]
    revenue: float
    shift: tuple[float, ...]
    cover: Coverage
    layers: tuple[PerilLayers, ...]
    terms: PremiumTerms
    same_cover: bool
    costs: dict[tuple[float, ...], list[float]] = field(default_factory=dict, repr=False)

    @property
    def told(self) -> str:
        """Say at which sizes."""
        return ", ".join(edge.told for edge in self.sizes.values())

    def price(
        self, rates: Sequence[float], locations: Sequence[float], percent: float, own_percent: float
    ) -> SmallerPrice | None:
        """Price it; None where neither its cover nor its debits could make it dearer.

        Parameters
        ----------
        rates, locations : sequence of float
            Of the firm as it is, by peril.
        percent, own_percent : float
            Debits and credits of the firm as it is, and of this one (`percent_of`).
        """
        if self.same_cover and own_percent <= percent:
            return None
        there = tuple(mu + by for mu, by in zip(locations, self.shift[N_PERILS:], strict=True))
        costs = self.costs.get(there)
        if costs is None:
            costs = costs_of_layers(self.plan, there, self.revenue, self.cover.retention, self.layers)
            self.costs[there] = costs
        pure = [rate * math.exp(by) * cost for rate, by, cost in zip(rates, self.shift[:N_PERILS], costs, strict=True)]
        uncapped = self.terms.uncapped(self.terms.technical(pure), own_percent)
        return SmallerPrice(self, pure, own_percent, uncapped)

    def percent_of(self, findings: Sequence[Finding], percent: float) -> float:
        """Debits and credits of this firm, beside `percent` of the firm as it is; `findings` are of all rules."""
        more = 0.0
        for finding in findings:
            if finding.rule.id in self.plan.rules.rates_by_size:
                there = evaluate(finding.rule, with_sizes(finding.lookup, self.sizes))
                more += there.rate_percent - finding.rate_percent
        return percent + more


@dataclass(frozen=True, slots=True)
class AsItIs:
    """A firm at its own size: what rules read of it, its cover asked for and settled (USD), findings on terms, layers.

    `terms_of` gives the premium terms of a cover at a revenue.
    """

    plan: RatingPlan
    fields: Mapping[str, Any]
    requested: Coverage
    cover: Coverage
    setting: Sequence[Finding]
    layers: tuple[PerilLayers, ...]
    terms_of: Callable[[Coverage, float], PremiumTerms]

    def cover_at(self, sizes: Mapping[Size, Edge]) -> Coverage | None:
        """Settle the cover at other sizes; None where none is left there."""
        asked, limit = self.requested, sizes.get(_LIMIT)
        if limit is None and all(
            evaluate(finding.rule, with_sizes(finding.lookup, sizes)).actions == finding.actions
            for finding in self.setting
        ):
            return self.cover
        smaller = {**self.fields, **{name: edge.value for (kind, name), edge in sizes.items() if kind == "insured"}}
        try:
            if limit is not None:
                asked = asked.at_terms(
                    aggregate_limit=limit.value,
                    retention=asked.retention,
                    waiting_period_hours=asked.waiting_period_hours,
                    sublimits=asked.sublimits,
                )
            return effective_coverage(self.plan.rules, asked, smaller, Money())[0]
        except CoverageError:
            return None


def smaller_firms(firm: AsItIs) -> Iterator[SmallerFirm]:
    """Give the smaller firms that rules treat otherwise, or might once the posture is known."""
    plan, revenue = firm.plan, firm.fields["annual_revenue_usd"]
    size_of = make_lookup(firm.fields, firm.requested, {})
    for sizes in smaller_sizes(plan.rules.edges, lambda size: size_of(*size)):
        cover = firm.cover_at(sizes)
        same = cover == firm.cover
        if cover is None or (same and not plan.rules.rates_by_size):
            continue
        layers = firm.layers if same else plan.pricing.layers_of(cover)
        if not any(own.pays for own in layers):
            continue  # nor could a smaller firm buy that
        there = sizes[_REVENUE].value if _REVENUE in sizes else revenue
        shift = plan.base.at(math.log(there)) - plan.base.at(math.log(revenue))
        yield SmallerFirm(
            plan=plan,
            sizes=sizes,
            revenue=there,
            shift=tuple(shift.tolist()),
            cover=cover,
            layers=layers,
            terms=firm.terms_of(cover, there),
            same_cover=same,
        )
