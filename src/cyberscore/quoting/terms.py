"""Rules applied to one risk: the terms that are priced, then findings about the posture and what they restrict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cyberscore.exceptions import CoverageError
from cyberscore.profile import Posture, Signal, signals
from cyberscore.profile.evidence import Prepared, rule_value
from cyberscore.profile.insured import Insured
from cyberscore.profile.signals import NOT_APPLICABLE
from cyberscore.rating.coverage import Coverage
from cyberscore.rules import Finding, Rule, RuleBook, evaluate
from cyberscore.rules.conditions import Lookup, SignalValue


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of the cover or the price by a rule; `priced` tells whether the premium reflects it."""

    rule: str
    kind: str
    text: str
    peril: str | None
    amount: float | None
    priced: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


def insured_fields(insured: Insured, revenue: float) -> dict[str, Any]:
    """Fields of the insured that rules may read; revenue in USD."""
    return {
        "annual_revenue_usd": revenue,
        "employee_count": insured.employee_count,
        "record_count": insured.record_count,
        "active_incident": insured.active_incident,
        "known_circumstances": insured.known_circumstances,
        "naics": insured.naics,
        "sector": insured.sector,
        "country": insured.country,
        "business_activities": insured.business_activities,
    }


def make_lookup(fields: Mapping[str, Any], coverage: Coverage, values: Mapping[str, Any]) -> Lookup:
    """Lookup for rule conditions; `values` are the signals' values as rules read them."""

    def lookup(kind: str, name: str) -> Any:
        if kind == "signal":
            return values.get(name)
        return fields[name] if kind == "insured" else getattr(coverage, name)

    return lookup


def signal_values(posture: Posture, wanted: frozenset[str]) -> dict[str, SignalValue | None]:
    """Values of signals as rules read them."""
    day = posture.as_of.toordinal()
    return {
        about.name: signal_value(about, prepared, day)
        for about, prepared in zip(signals().values(), posture.evidence, strict=True)
        if about.name in wanted
    }


def signal_value(about: Signal, prepared: tuple[Prepared, ...], day: int) -> SignalValue | None:
    """Value of one signal as rules read it, None when unknown."""
    value = rule_value(about, prepared, day)
    if value is None:
        return None
    adverse = not about.is_context and value != NOT_APPLICABLE and about.code(value) > about.unknown
    return SignalValue(value, adverse)


def findings_of(rules: tuple[Rule, ...], lookup: Lookup) -> list[Finding]:
    """Apply every rule."""
    return [evaluate(rule, lookup) for rule in rules]


def effective_coverage(
    book: RuleBook, requested: Coverage, fields: Mapping[str, Any]
) -> tuple[Coverage, list[Adjustment], list[Finding]]:
    """Cover after retention floors, limit caps, waiting floors and standard sublimits, which are priced.

    Raises
    ------
    CoverageError
        When the floors leave no cover.
    """
    findings = findings_of(book.setting_rules, make_lookup(fields, requested, {}))
    limit, retention, hours = requested.aggregate_limit, requested.retention, requested.waiting_period_hours
    sublimits = dict(requested.sublimits)
    adjustments = []
    for finding in findings:
        for action in finding.actions:
            rule, amount = finding.rule, action.amount or 0.0
            text, changed = "", False
            if action.type == "retention_floor" and retention < amount:
                text, changed, retention = f"Retention raised to {amount:,.0f}.", True, amount
            elif action.type == "limit_cap" and limit > amount:
                text, changed, limit = f"Limit lowered to {amount:,.0f}.", True, amount
            elif action.type == "waiting_floor" and hours < (action.hours or 0.0):
                amount = hours = action.hours or 0.0
                text, changed = f"Waiting period raised to {hours:g} hours.", True
            elif (
                action.type == "standard_sublimit"
                and action.peril
                and amount < min(limit, sublimits.get(action.peril, limit))
            ):
                text, changed = (
                    f"{action.peril.replace('_', ' ').capitalize()} limited to {amount:,.0f}.",
                    True,
                )
                sublimits[action.peril] = amount
            if changed:
                adjustments.append(Adjustment(rule.id, action.type, text, action.peril, amount, priced=True))
    if retention >= limit:
        raise CoverageError(
            f"retention {retention:_.0f} must be below aggregate_limit {limit:_.0f} after the plan's floors and caps "
            f"(asked for: {requested.retention:_.0f} and {requested.aggregate_limit:_.0f}): change the request"
        )
    effective = requested.at_terms(
        aggregate_limit=limit, retention=retention, sublimits=sublimits, waiting_period_hours=hours
    )
    return effective, adjustments, findings


def cover_offered(cover: Coverage, findings: Sequence[Finding]) -> dict[str, Any]:
    """Cover less what rules restrict: the lowest sublimit and the highest coinsurance, in percent, by peril."""
    sublimits, coinsurance = dict(cover.sublimits), dict(cover.coinsurance)
    for action in (action for finding in findings for action in finding.actions if action.peril):
        peril = str(action.peril)
        if action.type == "sublimit":
            sublimits[peril] = min(action.amount or 0.0, cover.limit_for(peril), sublimits.get(peril, math.inf))
        elif action.type == "coinsurance":
            coinsurance[peril] = max(action.percent or 0.0, coinsurance.get(peril, 0.0))
    return {**cover.to_dict(), "sublimits": sublimits, "coinsurance": coinsurance}


def restrictions_of(findings: Sequence[Finding]) -> list[Adjustment]:
    """Restrictions and debits that posture brings; restrictions earn no premium credit."""
    found = []
    for finding in findings:
        for action in finding.actions:
            if action.type in {"sublimit", "coinsurance"}:
                amount = action.amount if action.type == "sublimit" else action.percent
                found.append(Adjustment(finding.rule.id, action.type, action.text, action.peril, amount, priced=False))
            elif action.type == "rate" and action.percent:
                word = "debit" if action.percent > 0 else "credit"
                told = finding.rule.sentence
                if finding.outcome == "unknown":
                    names = ", ".join(signals()[name].title for name in sorted(finding.rule.signals))
                    told = f"{names or finding.rule.id} is not known."
                text = f"{told} ({action.percent:+g} % on the premium)"
                found.append(Adjustment(finding.rule.id, word, text, None, action.percent, priced=True))
    return found
