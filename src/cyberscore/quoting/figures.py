"""Figures of one risk under one cover: what quotes, options, improvements and what-ifs are all made of.

Three things are worked out apart, since each stays the same while another changes: the firm (`Firm.of`), the cover it
asks for (`settle`) and its posture (`Standing.of`). `priced` brings them together; it is cheap, and every premium that
this library shows comes from it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cyberscore.exceptions import CoverageError, ProfileError
from cyberscore.money import decimals_of, rate_text
from cyberscore.perils import PARTS, country_group
from cyberscore.profile import Posture, Signal
from cyberscore.profile.evidence import Prepared
from cyberscore.profile.insured import Insured
from cyberscore.quoting.smaller_firms import AsItIs, SmallerFirm, SmallerPrice, smaller_firms
from cyberscore.quoting.terms import (
    Adjustment,
    check_activities,
    effective_coverage,
    findings_of,
    insured_fields,
    make_lookup,
    signal_value,
    signal_values,
)
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.expected_loss import RatedRisk, costs_of_layers, layer_costs, rate_risk
from cyberscore.rating.part_layers import PerilLayers
from cyberscore.rating.parts import N_PERILS
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rating.score import expected_loss_of_book, unclipped_score
from cyberscore.rules import Finding, decision_of, evaluate, rate_percent
from cyberscore.rules.amounts import Money


@dataclass(frozen=True, slots=True)
class Firm:
    """Who asks, on which day, under which plan; neither posture nor cover changes it. Amounts in USD."""

    plan: RatingPlan
    insured: Insured
    as_of: date
    usd_rate: float
    rate_given: bool
    revenue: float
    fields: Mapping[str, Any]
    reference_loss: float

    @classmethod
    def of(
        cls,
        insured: Insured,
        as_of: date,
        plan: RatingPlan,
        exchange_rate: float | None = None,
        *,
        exchange_rate_is_meant: bool = False,
    ) -> "Firm":
        """Gather it; `exchange_rate` is USD for one unit of the insured's currency, default the plan's.

        Raises
        ------
        ProfileError
            When there is no rate, one far from the plan's is not said to be meant, or revenue is out of bounds.
        """
        usd_rate = plan.pricing.usd_rate(insured.currency, exchange_rate)
        revenue = insured.annual_revenue * usd_rate
        if not 1.0 <= revenue <= 1e12:
            at = "" if insured.currency == "USD" else f" (at {rate_text(usd_rate)} USD for one {insured.currency})"
            raise ProfileError(
                f"annual_revenue comes to {revenue:,.15g} USD: the plan needs between 1 and "
                f"1,000,000,000,000{at}: give a year's revenue in full, or what is projected for the first 12 months"
            )
        if exchange_rate is not None and not exchange_rate_is_meant:
            _check_rate(plan, insured.currency, exchange_rate)
        if exchange_rate is None and exchange_rate_is_meant:
            raise ProfileError("exchange_rate_is_meant is about exchange_rate, and none was given: give one or neither")
        check_activities(insured, plan.rules)
        fields = insured_fields(insured, usd_rate, as_of)
        reference = expected_loss_of_book(plan, revenue)
        return cls(plan, insured, as_of, usd_rate, exchange_rate is not None, revenue, fields, reference)

    @property
    def rate_basis(self) -> str:
        """Where the rate of the insured's currency comes from."""
        if self.insured.currency == "USD":
            return "USD"
        return "given by the caller" if self.rate_given else f"plan, rates of {self.plan.pricing.currency.as_of}"

    def conversion_told(self, currency: str) -> str:
        """Say how amounts in USD become amounts in a currency."""
        return f"1 {currency} is {rate_text(self.rate_of(currency))} USD: {self.rate_basis}"

    def rate_of(self, currency: str) -> float:
        """USD for one unit of a currency: USD, or the insured's own.

        Raises
        ------
        CoverageError
            When it is another.
        """
        if currency not in {"USD", self.insured.currency}:
            own = f"USD or the insured's own, {self.insured.currency}" if self.insured.currency != "USD" else "USD"
            raise CoverageError(f"coverage: currency must be {own}; got {currency}")
        return 1.0 if currency == "USD" else self.usd_rate


def _check_rate(plan: RatingPlan, currency: str, given: float) -> None:
    """Refuse a caller's rate that is far from the plan's, such as one that is inverted."""
    far = plan.pricing.far_rate(currency, given)
    if far:
        inverted = "" if plan.pricing.far_rate(currency, 1.0 / given) else f"; inverted, it is {rate_text(1.0 / given)}"
        raise ProfileError(
            f"{far}{inverted}: give USD for one {currency}, or say that this rate is meant (exchange_rate_is_meant)"
        )


@dataclass(frozen=True, slots=True)
class SettledCover:
    """A cover after the rules' floors and caps, and all of its price that posture does not change.

    `requested` and `shown` are in the currency asked for, `cover` is the same as `shown` in USD. `findings`
    are those of rules that read no signal; `layers` is what the cover pays of a claim, by peril; `money` tells amounts;
    `smaller` are the firms just under rules' edges that the premium does not fall below.
    """

    requested: Coverage
    cover: Coverage
    shown: Coverage
    adjustments: tuple[Adjustment, ...]
    findings: tuple[Finding, ...]
    layers: tuple[PerilLayers, ...]
    terms: PremiumTerms
    money: Money
    smaller: tuple[SmallerFirm, ...] = ()


def settle(firm: Firm, requested: Coverage) -> SettledCover:
    """Settle the terms of a cover asked for.

    Raises
    ------
    CoverageError
        When the rules' floors and caps leave no cover, it pays nothing, its currency is neither USD nor the insured's,
        or its expiring premium cannot be one.
    """
    plan, rate = firm.plan, firm.rate_of(requested.currency)
    requested.check_expiring(rate)
    money = Money(requested.currency, 1.0 / rate, decimals_of(requested.currency))
    asked = requested.in_currency("USD", rate)
    cover, adjustments, setting = effective_coverage(plan.rules, asked, firm.fields, money)
    findings = setting + findings_of(plan.rules.firm_rules, make_lookup(firm.fields, cover, {}))
    group = country_group(firm.insured.country)

    def terms_of(settled: Coverage, revenue: float) -> PremiumTerms:
        return PremiumTerms.of(
            plan.pricing, settled, group, revenue, firm.as_of, currency=requested.currency, usd_rate=rate
        )

    terms, layers = terms_of(cover, firm.revenue), plan.pricing.layers_of(cover)
    smaller = tuple(smaller_firms(AsItIs(plan, firm.fields, asked, cover, setting, layers, terms_of)))
    least = max((one.terms.minimum for one in smaller), default=0.0)
    terms = replace(terms, minimum=max(terms.minimum, least))
    shown = cover.in_currency(requested.currency, 1.0 / rate, decimals=terms.decimals)
    if not any(own.pays for own in layers):
        raise CoverageError(
            "coverage: it pays nothing: of every peril the sublimit is 0, or the insured bears 100 %: raise a "
            "sublimit, or lower a coinsurance"
        )
    return SettledCover(requested, cover, shown, tuple(adjustments), tuple(findings), layers, terms, money, smaller)


class ClaimCosts(list[float]):
    """Mean cost of a claim by peril (USD), and the severity locations that it belongs to."""

    __slots__ = ("locations",)

    def __init__(self, costs: Sequence[float], locations: Sequence[float]) -> None:
        super().__init__(costs)
        self.locations = locations


def claim_costs(firm: Firm, settled: SettledCover, locations: Sequence[float]) -> ClaimCosts:
    """Mean cost to a settled cover of a claim above the basis retention, by peril (USD)."""
    costs = costs_of_layers(firm.plan, locations, firm.revenue, settled.cover.retention, settled.layers)
    return ClaimCosts(costs, locations)


def loss_by_part(firm: Firm, settled: SettledCover, standing: "Standing") -> dict[str, float]:
    """Split the expected yearly loss by coverage part (USD); empty where the plan has no parts."""
    found: dict[str, float] = {}
    retention = settled.cover.retention
    numbers = zip(settled.layers, firm.plan.severity, standing.rates, standing.locations, strict=True)
    for own, severity, rate, mu in numbers:
        costs = {one.depth: 0.0 for one in own.parts}
        for depth in costs:
            costs[depth] = rate * severity.layer_cost(retention, depth, mu, firm.revenue)
        for one in own.parts:
            found[one.part] = found.get(one.part, 0.0) + one.weight * costs[one.depth]
    return {part: found[part] for part in PARTS if part in found}


def standard_costs(firm: Firm, locations: Sequence[float]) -> list[float]:
    """Mean cost of a claim to the standard layer, by peril (USD)."""
    return layer_costs(firm.plan, locations, firm.revenue, STANDARD_LAYER)


def score_of(firm: Firm, rates: Sequence[float], costs: Sequence[float]) -> float:
    """Unclipped risk score from claim rates and `standard_costs`."""
    loss = sum(rate * cost for rate, cost in zip(rates, costs, strict=True))
    return unclipped_score(loss, firm.reference_loss)


@dataclass(frozen=True, slots=True)
class Standing:
    """A posture in numbers, whatever the cover; `values` are the signals as rules read them."""

    posture: Posture
    risk: RatedRisk
    values: Mapping[str, Any]
    rates: list[float]
    locations: list[float]
    standard_costs: list[float]
    score: float

    @classmethod
    def of(cls, firm: Firm, posture: Posture) -> "Standing":
        """Rate a posture."""
        risk = rate_risk(firm.plan, firm.insured, posture.mixtures, firm.revenue)
        rates, locations = risk.rates, risk.locations
        costs = standard_costs(firm, locations)
        values = signal_values(posture, firm.plan.rules.signals)
        return cls(posture, risk, values, rates, locations, costs, score_of(firm, rates, costs))


def rates_and_locations(total: Sequence[float]) -> tuple[list[float], list[float]]:
    """Claim rates and severity locations by peril from table sums, of which a quote's own are `RatedRisk.total`."""
    return [math.exp(x) for x in total[:N_PERILS]], list(total[N_PERILS:])


def posture_findings(firm: Firm, settled: SettledCover, values: Mapping[str, Any]) -> list[Finding]:
    """Apply the rules that read signals."""
    return findings_of(firm.plan.rules.posture_rules, make_lookup(firm.fields, settled.cover, values))


def findings_anew(
    firm: Firm,
    settled: SettledCover,
    standing: Standing,
    on_posture: Sequence[Finding],
    *,
    about: Signal,
    evidence: tuple[Prepared, ...],
) -> Sequence[Finding]:
    """Apply anew the rules that read one signal, with other evidence of it; `on_posture` are its `posture_findings`.

    The same sequence comes back where every rule acts as before.
    """
    book = firm.plan.rules
    places = book.reading.get(about.name, ())
    if not places:
        return on_posture
    values = {**standing.values, about.name: signal_value(about, evidence, firm.as_of.toordinal())}
    lookup = make_lookup(firm.fields, settled.cover, values)
    found, same = list(on_posture), True
    for place in places:
        before = found[place]
        found[place] = evaluate(before.rule, lookup)
        same = same and found[place].actions == before.actions
    return on_posture if same else found


@dataclass(frozen=True, slots=True)
class Figures:
    """One risk under one cover, priced. `costs` and `pure` by peril; amounts in USD, but `premium`.

    `smaller` are the premiums of smaller firms that this one does not fall below, `smaller_percents` the debits and
    credits of every smaller firm of the cover; `held_by` is the one that is charged, None where this firm's own is
    higher.
    """

    findings: tuple[Finding, ...]
    percent: float
    decision: str
    costs: ClaimCosts
    pure: Sequence[float]
    technical: float
    uncapped: float
    premium: float
    smaller: tuple[SmallerPrice, ...] = ()
    smaller_percents: tuple[float, ...] = ()
    held_by: SmallerPrice | None = None


def priced(
    settled: SettledCover,
    rates: Sequence[float],
    costs: ClaimCosts,
    findings: Sequence[Finding],
    *,
    judged: Figures | None = None,
) -> Figures:
    """Price a risk under a cover.

    Parameters
    ----------
    settled : SettledCover
    rates : sequence of float
        Claims a year above the basis retention, by peril.
    costs : sequence of float
        `claim_costs` of this cover at the risk's locations.
    findings : sequence of Finding
        `posture_findings`; those of the firm and the cover are added.
    judged : Figures, optional
        Figures with the same findings, whose schedule and decision are then not worked out again.
    """
    everything = judged.findings if judged else (*settled.findings, *findings)
    percent = judged.percent if judged else rate_percent(everything)
    pure = [rate * cost for rate, cost in zip(rates, costs, strict=True)]
    terms = settled.terms
    technical = terms.technical(pure)
    percents = (
        judged.smaller_percents if judged else tuple([one.percent_of(everything, percent) for one in settled.smaller])
    )
    tried = [
        one.price(rates, costs.locations, percent, own) for one, own in zip(settled.smaller, percents, strict=True)
    ]
    smaller = tuple([one for one in tried if one is not None])
    uncapped = terms.uncapped(technical, percent)
    dearest = max(smaller, key=lambda one: one.uncapped, default=None)
    held_by = dearest if dearest is not None and dearest.uncapped > uncapped else None
    return Figures(
        findings=everything,
        percent=percent,
        decision=judged.decision if judged else decision_of(everything),
        costs=costs,
        pure=pure,
        technical=technical,
        uncapped=uncapped if held_by is None else held_by.uncapped,
        premium=terms.indicative(technical, percent, 0.0 if held_by is None else held_by.uncapped),
        smaller=smaller,
        smaller_percents=percents,
        held_by=held_by,
    )


def premium_at(settled: SettledCover, figures: Figures, end: float) -> float:
    """Return the indicative premium if every loss were `exp(end)` times as high; it rises with `end`."""
    terms, factor = settled.terms, math.exp(end)
    technical = terms.technical([amount * factor for amount in figures.pure])
    return terms.indicative(technical, figures.percent, max([one.at(end) for one in figures.smaller], default=0.0))
