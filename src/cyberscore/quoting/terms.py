"""Rules applied to one risk: the terms that are priced, then findings about the posture and what they restrict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from cyberscore.exceptions import CoverageError, ProfileError
from cyberscore.money import converted, literal, plain
from cyberscore.profile import Posture, Signal, signals
from cyberscore.profile.activities import activities_of_industry, screened_activities
from cyberscore.profile.evidence import Prepared, rule_value
from cyberscore.profile.insured import Insured
from cyberscore.profile.signals import NOT_APPLICABLE
from cyberscore.rating.coverage import Coverage
from cyberscore.rules import DECISIONS, Finding, Rule, RuleBook, evaluate
from cyberscore.rules.actions import DECISION_OF, NO_OFFER
from cyberscore.rules.amounts import Money
from cyberscore.rules.conditions import Lookup, SignalValue

LOWEST_RETENTION = 500.0
"""No retention credit goes below what may be asked for at least."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of the cover or the price by a rule.

    `priced` tells whether the premium reflects it; `superseded_by` which rule's stronger term holds in its place in the
    cover to bind, "request" when the cover asked for is stronger already, None when it holds.
    """

    rule: str
    kind: str
    text: str
    peril: str | None
    amount: float | None
    priced: bool
    superseded_by: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


def insured_fields(insured: Insured, usd_rate: float, as_of: date) -> dict[str, Any]:
    """Fields of the insured that rules may read at a date; money in USD. `Between` is known by bounds, None is unknown.

    Raises
    ------
    ProfileError
        When the application was signed after `as_of`.
    """
    signed = insured.application_signed_at
    if signed is not None and signed > as_of:
        raise ProfileError(f"insured.application_signed_at {signed} is after as_of {as_of}: correct one of them")
    declared, of_industry = insured.business_activities, activities_of_industry(insured.naics)
    largest, above = insured.largest_claim_36m_known, insured.dual_approval_above
    return {
        "as_of": as_of,
        "annual_revenue_usd": insured.annual_revenue * usd_rate,
        "employee_count": insured.employee_count,
        "revenue_per_employee_usd": _revenue_per_employee(insured, usd_rate),
        "record_count": insured.record_count,
        "active_incident": insured.active_incident,
        "known_circumstances": insured.known_circumstances,
        "naics": insured.naics,
        "sector": insured.sector,
        "country": insured.country,
        "business_activities": insured.business_activities,
        "industry_activities": of_industry,
        "undeclared_activities": tuple(name for name in of_industry if declared is not None and name not in declared),
        "claims_36m": insured.claims_36m_known,
        "claims_12m": insured.claims_12m_known,
        "largest_claim_36m_usd": converted(largest, usd_rate) if isinstance(largest, float) else largest,
        "application_age_days": None if signed is None else (as_of - signed).days,
        "bank_details_verified": insured.bank_details_verified,
        "dual_approval_above_usd": None if above is None else converted(above, usd_rate),
    }


def check_activities(insured: Insured, book: RuleBook) -> None:
    """Refuse business activities that neither the catalogue nor a rule of the plan knows.

    Raises
    ------
    ProfileError
        Naming the first, those near it and all that are known.
    """
    if not insured.business_activities:
        return
    known = book.known_activities.union(screened_activities())
    for place, name in enumerate(insured.business_activities):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise ProfileError(
                f"insured.business_activities[{place}]: unknown activity {name!r}"
                f"{f', did you mean {near[0]}?' if near else ''}: known are {', '.join(sorted(known))}, and their "
                "synonyms; leave out an activity that is none of these, and give an empty list where none applies"
            )


def _revenue_per_employee(insured: Insured, usd_rate: float) -> float:
    """Revenue in USD for each employee, one at least; where their number is not told NaN, which no bound refuses."""
    if insured.employee_count is None:
        return math.nan
    return converted(insured.annual_revenue / max(insured.employee_count, 1), usd_rate)


def make_lookup(fields: Mapping[str, Any], coverage: Coverage, values: Mapping[str, Any]) -> Lookup:
    """Lookup for rule conditions.

    `fields` are those of `insured_fields`, `values` those of `signal_values`.
    """

    def lookup(kind: str, name: str) -> Any:
        if kind == "insured":
            return fields[name]
        if kind != "coverage":
            return values.get(name)
        if name == "renewal":
            return coverage.is_renewal
        if name == "contingency_open_days":
            since = coverage.contingencies_open_since
            # what is open since today is open: only 0 says that nothing is
            return 0 if since is None else max((fields["as_of"] - since).days, 1)
        return getattr(coverage, name)

    return lookup


def signal_values(posture: Posture, wanted: frozenset[str]) -> dict[str, SignalValue | int | None]:
    """Values of signals as rules read them, and how many connections share telemetry."""
    day = posture.as_of.toordinal()
    values: dict[str, SignalValue | int | None] = {
        about.name: signal_value(about, prepared, day)
        for about, prepared in zip(signals().values(), posture.evidence, strict=True)
        if about.name in wanted
    }
    values["telemetry_connections"] = len(posture.telemetry)
    return values


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


def check_open_since(requested: Coverage, as_of: date) -> None:
    """Refuse conditions that are open since after the date of the quote.

    Raises
    ------
    CoverageError
        Naming both dates.
    """
    since = requested.contingencies_open_since
    if since is not None and since > as_of:
        raise CoverageError(f"contingencies_open_since {since} is after as_of {as_of}: correct one of them")


def effective_coverage(
    book: RuleBook, requested: Coverage, fields: Mapping[str, Any], money: Money
) -> tuple[Coverage, list[Adjustment], list[Finding]]:
    """Cover after retention floors, limit caps, waiting floors and standard sublimits, which are priced (USD).

    Raises
    ------
    CoverageError
        When the floors leave no cover, or conditions are open since after the date of the quote.
    """
    check_open_since(requested, fields["as_of"])
    findings = findings_of(book.setting_rules, make_lookup(fields, requested, {}))
    limit, retention, hours = requested.aggregate_limit, requested.retention, requested.waiting_period_hours
    sublimits = dict(requested.sublimits)
    adjustments = []
    holder: dict[str, str] = {}

    def told(usd: float) -> str:
        return money.told(usd, plain)

    for finding in findings:
        for action in finding.actions:
            amount, named, text = action.amount or 0.0, action.peril or action.part, ""
            if action.type == "retention_floor" and retention < amount:
                text, asked, retention = f"Retention set to {told(amount)}", told(requested.retention), amount
            elif action.type == "limit_cap" and limit > amount:
                text, asked, limit = f"Limit lowered to {told(amount)}", told(requested.aggregate_limit), amount
            elif action.type == "waiting_floor" and hours < (action.hours or 0.0):
                amount = hours = action.hours or 0.0
                text, asked = f"Waiting period set to {hours:g} hours", f"{requested.waiting_period_hours:g}"
            elif named and amount < min(limit, sublimits.get(named, limit)):  # standard_sublimit or part_sublimit
                text, asked = f"{named.replace('_', ' ').capitalize()} limited to {told(amount)}", ""
                sublimits[named] = amount
            if text:
                whole = f"{text}: {finding.read(money)}{f'; {asked} was asked for' if asked else ''}."
                adjustments.append(Adjustment(finding.rule.id, action.type, whole, named, amount, priced=True))
                holder[named or action.type] = finding.rule.id
    if retention >= limit:
        amounts = (retention, limit, requested.retention, requested.aggregate_limit)
        least, most, *asked_for = [money.told(usd, lambda amount, _: literal(amount)) for usd in amounts]
        raise CoverageError(
            f"retention {least} must be below aggregate_limit {most} after the plan's floors and caps "
            f"(asked for: {' and '.join(asked_for)}): change the request"
        )
    effective = requested.at_terms(
        aggregate_limit=limit, retention=retention, sublimits=sublimits, waiting_period_hours=hours
    )
    for name, amount in sublimits.items():
        if name in holder and amount > limit:
            holder[name] = holder.get("limit_cap", holder[name])
    standing = [_superseded(one, holder[one.peril or one.kind], priced=False) for one in adjustments]
    return effective, standing, findings


def _superseded(one: Adjustment, holder: str, *, priced: bool) -> Adjustment:
    """Return an adjustment, marked when another rule's holds in its place."""
    return one if holder == one.rule else replace(one, superseded_by=holder, priced=priced)


def what_holds(
    on_terms: Sequence[Adjustment], on_posture: Sequence[Adjustment], cover: Coverage
) -> tuple[list[Adjustment], list[Adjustment]]:
    """Mark restrictions that a stronger one, a term or the request leaves without effect, and terms that one outdoes.

    A term that a restriction outdoes stays in the premium, which no restriction lowers. Of equals each holds.
    """
    terms = {str(one.peril): one.rule for one in on_terms if one.peril and one.superseded_by is None}
    strongest: dict[tuple[str, str | None], Adjustment] = {}
    for one in on_posture:
        if one.kind in {"sublimit", "coinsurance"} and one.peril is not None:
            key = (one.kind, one.peril)
            if key not in strongest or _strength(one) > _strength(strongest[key]):
                strongest[key] = one

    def standing(one: Adjustment) -> Adjustment:
        top, peril = strongest.get((one.kind, one.peril)), str(one.peril)
        if top is None:
            return one
        if _strength(one) < _strength(top):
            one = replace(one, superseded_by=top.rule)
        if one.kind == "sublimit" and (one.amount or 0.0) > cover.limit_for(peril):
            return replace(one, superseded_by=one.superseded_by or terms.get(peril, "request"))
        if one.kind == "coinsurance" and (one.amount or 0.0) < cover.coinsurance.get(peril, 0.0):
            return replace(one, superseded_by=one.superseded_by or "request")
        return one

    def outdone(one: Adjustment) -> Adjustment:
        top = strongest.get(("sublimit", one.peril))
        if one.superseded_by or one.peril is None or top is None or (top.amount or 0.0) >= (one.amount or 0.0):
            return one
        return replace(one, superseded_by=top.rule)

    return [outdone(one) for one in on_terms], [standing(one) for one in on_posture]


def _strength(one: Adjustment) -> float:
    """How much a restriction takes away, beside others of its kind."""
    return -(one.amount or 0.0) if one.kind == "sublimit" else one.amount or 0.0


def cover_offered(cover: Coverage, findings: Sequence[Finding]) -> dict[str, Any] | None:
    """Cover less what rules restrict, with the retention that rules reward; None where rules let nothing be offered.

    The lowest sublimit and the highest coinsurance, in percent, by peril; a retention credit stops at the floors.
    """
    sublimits, coinsurance = dict(cover.sublimits), dict(cover.coinsurance)
    retention, floor = cover.retention, LOWEST_RETENTION
    actions = [action for finding in findings for action in finding.actions]
    if any(action.type in NO_OFFER for action in actions):
        return None
    for action in actions:
        peril = str(action.peril)
        if action.type == "sublimit":
            sublimits[peril] = min(action.amount or 0.0, cover.limit_for(peril), sublimits.get(peril, math.inf))
        elif action.type == "coinsurance":
            coinsurance[peril] = max(action.percent or 0.0, coinsurance.get(peril, 0.0))
        elif action.type == "retention_floor":
            floor = max(floor, action.amount or 0.0)
        elif action.type == "retention_credit":
            retention *= 1.0 - (action.percent or 0.0) / 100.0
    return {
        **cover.to_dict(),
        "retention": round(min(max(retention, floor), cover.retention), 9),
        "sublimits": sublimits,
        "coinsurance": coinsurance,
    }


def decision_reasons(findings: Sequence[Finding], decision: str, money: Money) -> tuple[str, ...]:
    """Return the rules' own words for a decision, amounts as `money` tells them; none for a plain quote."""
    if decision == DECISIONS[0]:
        return ()
    return tuple(
        f"{f.rule.id}: {money.text(action.text)}"
        for f in findings
        for action in f.actions
        if DECISION_OF.get(action.type) == decision
    )


def restrictions_of(findings: Sequence[Finding], money: Money) -> list[Adjustment]:
    """Restrictions, which earn no premium credit; retention credits, which cost nothing; then debits and credits."""
    restrictions, rates = [], []
    for finding in findings:
        rule = finding.rule.id
        for action in finding.actions:
            if action.type in {"sublimit", "coinsurance", "retention_credit"}:
                amount = action.amount if action.type == "sublimit" else action.percent
                text = f"{money.text(action.text).rstrip('.')}: {finding.read(money)}."
                restrictions.append(Adjustment(rule, action.type, text, action.peril, amount, priced=False))
            elif action.type == "rate" and action.percent:
                word, verb = ("debit", "raised") if action.percent > 0 else ("credit", "lowered")
                text = f"Premium {verb} by {abs(action.percent):g} %: {finding.read(money)}."
                rates.append(Adjustment(rule, word, text, None, action.percent, priced=True))
    return restrictions + rates


def held_premium(
    book: RuleBook, expiring: float | None, uncapped: float, minimum: float, money: Money
) -> tuple[list[Adjustment], list[Finding]]:
    """Tell whether rules hold the change of premium on renewal, with the premium before it (USD); the minimum wins."""
    change = 0.0 if expiring is None else uncapped / expiring - 1.0
    findings = [evaluate(rule, lambda *_: change) for rule in book.premium_rules]
    adjustments = []
    told = money.told_in_full
    for finding in findings:
        for action in finding.actions:
            share = math.copysign((action.percent or 0.0) / 100.0, change)
            held = (expiring or 0.0) * (1.0 + share)
            least = f", below the minimum premium of {told(minimum)}, which wins" if held < minimum else ""
            text = (
                f"Premium held at {told(held)}, {share:+.0%} on the expiring {told(expiring or 0.0)}{least}: "
                f"without it {told(uncapped)}, {finding.read(money)}."
            )
            adjustments.append(Adjustment(finding.rule.id, action.type, text, None, held, priced=True))
    return adjustments, findings
