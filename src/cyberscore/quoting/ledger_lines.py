"""Lines of the premium ledger: which table rows, rules and numbers make this premium."""

import math

import numpy as np

from cyberscore.money import whole
from cyberscore.perils import PERILS
from cyberscore.profile.evidence import Mixture
from cyberscore.quoting.figures import Figures, Firm, SettledCover, Standing
from cyberscore.rating.expected_loss import RatedRisk, layer_costs
from cyberscore.rating.ledger import CURRENCY, Column, Ledger, Step
from cyberscore.rating.parts import N_PERILS, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rules import rate_percent

BEFORE = "losses by peril and by part, above, stand before it"
_NO_EFFECT = [1.0] * N_PERILS


def build_ledger(firm: Firm, settled: SettledCover, standing: Standing, figures: Figures) -> Ledger:
    """Ledger of a premium; relativities of 1 are left out."""
    plan, risk, cover = firm.plan, standing.risk, settled.cover
    costs = layer_costs(plan, standing.locations, firm.revenue, cover)
    lines = _relativities(plan, risk)
    base = plan.base.at(math.log(risk.revenue)).tolist()
    columns = {}
    for k, peril in enumerate(PERILS):
        column = Column()
        column.step(
            "Base rate at this revenue",
            "start",
            math.exp(base[k]),
            f"plan base, {peril}, revenue {whole(risk.revenue)} USD",
        )
        for label, source, relativities in lines:
            if relativities[k] != 1.0:
                column.multiply(label, relativities[k], source)
        column.step("Balance", "multiply", math.exp(float(plan.log_balance[k])), f"plan log_balance, {peril}")
        mu = standing.locations[k]
        top = cover.retention + cover.limit_for(peril)
        where = f"layer {whole(cover.retention)} to {whole(top)} USD, log excess at {mu:.6f}"
        column.step("Layer cost per claim", "multiply", costs[k], f"plan severity, {peril}: {where}")
        column.step(
            "Waiting period",
            "multiply",
            settled.layers[k].waiting,
            f"pricing waiting_period, {cover.waiting_period_hours:g} h",
        )
        cost = costs[k] * settled.layers[k].waiting
        terms = _terms_of_parts(peril, settled)
        if terms and cost > 0.0:
            column.step("Sublimits and coinsurance", "multiply", figures.costs[k] / cost, terms)
        columns[peril] = tuple(column.steps)
    return Ledger(columns, _premium_steps(columns, firm, settled, figures))


def _terms_of_parts(peril: str, settled: SettledCover) -> str:
    """Say which terms of a cover lessen what it pays of a peril's claims, below the limit of a claim."""
    cover, own = settled.cover, settled.layers[PERILS.index(peril)]
    if not cover.coinsurance and not cover.has_part_terms:
        return ""
    told = [
        f"{one.part} to {whole(cover.sublimits[one.part])} USD, {one.share:g} of a claim"
        for one in own.parts
        if one.depth < own.limit
    ]
    if cover.borne(peril):
        told.append(f"insured bears {cover.borne(peril):.0%}")
    told += [
        f"insured bears {cover.borne(peril, one.part):.0%} of {one.part}, {one.share:g} of a claim"
        for one in own.parts
        if cover.borne(peril, one.part) > cover.borne(peril)
    ]
    return f"pricing parts, {peril}: {'; '.join(told)}" if told else ""


def _premium_steps(
    columns: dict[str, tuple[Step, ...]], firm: Firm, settled: SettledCover, figures: Figures
) -> tuple[Step, ...]:
    findings = figures.findings
    terms, name, currency = settled.terms, settled.cover.market_scenario, settled.requested.currency
    pure = [steps[-1].result for steps in columns.values()]
    column = Column()
    total = sum(pure)
    column.step("Pure premium of the layer", "start", total, "sum of the perils, before the aggregate limit")
    factor = terms.paid(total) / total if total > 0.0 else 1.0
    limit = whole(terms.aggregate_limit)
    column.step("Aggregate limit", "multiply", factor, f"at most {limit} USD in the year; {BEFORE}")
    column.step("Level", "multiply", terms.level, "pricing expenses.level, fitted to published premiums")
    adjustment = total * terms.level * terms.loss_adjustment
    risk_load = sum(amount * terms.level * load for amount, load in zip(pure, terms.risk_loads, strict=True))
    column.step("Loss adjustment", "add", adjustment, "pricing expenses.loss_adjustment, before the aggregate limit")
    column.step("Risk load", "add", risk_load, "pricing risk_load, by peril and limit")
    loaded = column.step("Fixed expense", "add", terms.fixed, "pricing expenses.fixed, fitted to published premiums")
    kept = 1.0 - terms.expense_and_profit
    systemic = loaded / (kept - terms.systemic_share) * terms.systemic_share
    column.step("Systemic load", "add", systemic, "pricing systemic_share, of technical premium before territory")
    column.step("Variable expense and profit", "multiply", 1.0 / kept, "pricing expenses")
    column.step("Territory", "multiply", terms.territory, "pricing territory")
    column.step("Market index", "multiply", terms.index, "pricing index at as_of over calibration date")
    if name is not None:
        about = firm.plan.pricing.scenario(name).about
        column.step("Market scenario", "multiply", terms.scenario, f"pricing scenarios.{name}: {about}")
    rules = (
        ", ".join(f"{f.rule.id} {a.percent:+g} %" for f in findings for a in f.actions if a.type == "rate") or "no rule"
    )
    column.step("Schedule", "multiply", terms.schedule(rate_percent(findings)), f"rules: {rules}; clamped")
    if figures.held_by is not None:
        told = f"rules: what the same firm pays with {figures.held_by.firm.told}"
        column.step("Not below a smaller firm", "at_least", figures.held_by.uncapped, told)
    if terms.renewal_low is not None and terms.renewal_high is not None:
        column.step("Renewal cap, low", "at_least", terms.renewal_low, "pricing renewal_cap")
        column.step("Renewal cap, high", "at_most", terms.renewal_high, "pricing renewal_cap")
    column.step("Minimum premium", "at_least", terms.minimum, "pricing minimum")
    if currency != "USD":
        column.step(CURRENCY, "multiply", terms.conversion, firm.conversion_told(currency))
    told = "to the cent" if terms.decimals == 2 else f"to {terms.decimals} decimals, as {currency} has"
    column.step("Rounding", "round", terms.decimals, told)
    return tuple(column.steps)


def _relativities(plan: RatingPlan, risk: RatedRisk) -> list[tuple[str, str, list[float]]]:
    """Label, source and relativity by peril of every factor and pair."""
    own, mixtures = factors(), risk.mixtures
    said = [_said(factor.labels, mixture) for factor, mixture in zip(own, mixtures, strict=True)]
    names = [factor.name for factor in own]
    sources = list(said)
    for a, b, _, _ in plan.pair_index:
        names.append(f"{own[a].name} x {own[b].name}")
        sources.append(f"{said[a]} with {said[b]}")
    relativities = np.exp(risk.parts[:, :N_PERILS]).tolist()
    return [
        (name, f"table {name}: {source}", row)
        for name, source, row in zip(names, sources, relativities, strict=True)
        if row != _NO_EFFECT
    ]


def _said(labels: tuple[str, ...], mixture: Mixture) -> str:
    return " + ".join(f"{share:.4f} {labels[code]}" for code, share in mixture if share > 0.0)
