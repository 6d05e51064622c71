"""What the report's template needs to know, worked out from a profile, its quote and its plan."""

from collections import Counter
from typing import Any

from cyberscore.exceptions import PlanError, ProfileError
from cyberscore.money import decimals_of, outward, rate_text
from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.profile import Insured, Posture, Profile, SignalState, posture_at, signals
from cyberscore.quoting import Quote
from cyberscore.quoting.engine import input_digest
from cyberscore.quoting.figures import Firm, Standing, settle
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.ledger import CURRENCY, Step
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.report.charts import band_segments, curves, is_book_mix, waterfall
from cyberscore.report.exceedance import exceedance
from cyberscore.report.language import Language


def view_of(profile: Profile, quote: Quote, plan: RatingPlan | None, words: Language) -> dict[str, Any]:
    """Gather everything.

    Raises
    ------
    ProfileError, PlanError
        When profile or plan are not those of the quote.
    """
    plan = load_plan() if plan is None else plan
    given = _check(profile, quote, plan)
    firm = Firm.of(profile.insured, quote.as_of, plan, given, exchange_rate_is_meant=given is not None)
    posture = posture_at(profile, quote.as_of)
    settled, standing = settle(firm, Coverage.from_dict(quote.requested)), Standing.of(firm, posture)
    found = exceedance(firm, settled, standing)
    states = list(posture)
    bars, small = _bars(quote, words, states, profile.insured)
    dates = [one.observed_at.date() for one in profile.observations]
    name, digest = quote.plan_id.split("@")[:2]
    simulated = "simulat" in " ".join(str(value) for value in plan.about.values()).lower()
    return {
        "t": words,
        "quote": quote,
        "insured": profile.insured,
        "rate": rate_text,
        "interval": outward(quote.premium_low, quote.premium_high),
        "segments": band_segments(plan.score.band_edges),
        "edges": plan.score.band_edges,
        "bars": bars,
        "small": small,
        "waterfall": waterfall(quote.reasons),
        "cover_rows": _cover_rows(quote, words),
        "exceedance": found,
        "curves": curves(found, quote.coverage["aggregate_limit"]),
        "grid": _grid(quote),
        "ledger_rows": _ledger_rows(quote, words),
        "premium_rows": _premium_rows(quote, words),
        "ledger_sums": [steps[-1].result for steps in quote.ledger.perils.values()],
        "operation": lambda step: _operation(step, words),
        "perils": PERILS,
        "read_of": {rule.rule: rule.read for rule in quote.rules},
        "rules": {
            key: [rule for rule in quote.rules if rule.outcome == outcome]
            for key, outcome in (
                ("failed", "fail"), ("ungraded", "unknown"), ("applied", "applies"), ("passed", "pass"),
            )
        },
        "domains": _domains(posture),
        "counts": Counter(state.status for state in states),
        "first": min(dates, default=None),
        "last": max(dates, default=None),
        "plan_name": name,
        "plan_digest": digest,
        "simulated": simulated,
        "signal_of": signals(),
        "finding_of": lambda state: finding_of(state, words),
    }  # fmt: skip


def _check(profile: Profile, quote: Quote, plan: RatingPlan) -> float | None:
    """Check that the quote is that of the profile and the plan; return the exchange rate a caller gave."""
    if plan.plan_id != quote.plan_id:
        raise PlanError(f"the quote was made with plan {quote.plan_id}; got {plan.plan_id}: give the plan it names")
    cover = Coverage.from_dict(quote.requested)
    options = [Coverage.from_dict(option.requested) for option in quote.options]
    for given in (None, quote.exchange_rate):
        if input_digest(profile, cover, quote.as_of, given, options) == quote.input_digest:
            return given
    raise ProfileError("the quote was made of another profile: its input digest differs; quote this profile first")


def _bars(
    quote: Quote, words: Language, states: list[SignalState], insured: Insured
) -> tuple[list[dict[str, Any]], int]:
    """Rows of the waterfall: bar, title, what was found and the evidence for it; and how many are too small to show."""
    by_name = {state.signal.name: state for state in states}
    rows, small = [], 0
    for bar, reason in zip(waterfall(quote.reasons).bars, quote.reasons, strict=True):
        if reason.shown == 0.0 and not is_book_mix(bar):
            small += 1
            continue
        state = by_name.get(reason.factor)
        if state is not None:
            title, found, evidence = words.title(state.signal), finding_of(state, words), evidence_of(state, words)
        elif is_book_mix(bar):
            title, found, evidence = words("book_mix"), words("book_mix_about"), words("from_plan")
        else:
            title, evidence = words.factor(reason.factor), words("from_application")
            found = words.plain(reason.text.partition(": ")[2])
            if reason.factor == "country" and insured.country not in COUNTRY_GROUPS:
                found = words("rated_as", country=insured.country, group=found)
            elif reason.factor == "record_count" and insured.record_count is None:
                evidence = "\u2013"  # the application does not tell it
        rows.append({"bar": bar, "title": title, "told": (found, evidence)})
    return rows, small


def finding_of(state: SignalState, words: Language) -> str:
    """Value of a signal, or that nothing is known of it."""
    return words.name("statuses", state.status) if state.observation is None else words.value(state)


def evidence_of(state: SignalState, words: Language) -> str:
    """Source, age and weight in a line."""
    if state.observation is None or state.age_days is None:
        return "\u2013"
    source = words.name("sources", state.observation.observation.source)
    age = words("days_old", days=words.number(state.age_days))
    return str(words.texts["format"]["comma"]).join((source, age, words("weighs", weight=f"{state.weight:.2f}")))


def _cover_rows(quote: Quote, words: Language) -> list[tuple[str, list[str]]]:
    """Term by term: asked for, priced, and offered where a cover is offered."""
    covers = [one for one in (quote.requested, quote.coverage, quote.cover_offered) if one is not None]
    currency = quote.currency

    def money(value: float | None) -> str:
        return words("none") if value is None else words.term(value, currency)

    rows = [
        (words("aggregate_limit"), [money(one["aggregate_limit"]) for one in covers]),
        (words("retention"), [money(one["retention"]) for one in covers]),
        (words("waiting"), [words("hours", hours=f"{one['waiting_period_hours']:g}") for one in covers]),
    ]
    if quote.requested["per_claim_limit"] is not None:
        rows.insert(1, (words("per_claim_limit"), [money(one["per_claim_limit"]) for one in covers]))
    for field, key in (("sublimits", "sublimit_of"), ("coinsurance", "coinsurance_of")):
        for name in dict.fromkeys(name for one in covers for name in one[field]):
            title = words(key, name=part_or_peril(name, words))
            shown = [
                words("none")
                if name not in one[field]
                else money(one[field][name])
                if field == "sublimits"
                else words("percent_borne", percent=f"{one[field][name]:g}")
                for one in covers
            ]
            rows.append((title, shown))
    asked = quote.requested
    once = [
        ("expiring_premium", None if asked["expiring_premium"] is None else money(asked["expiring_premium"])),
        ("open_since", asked["contingencies_open_since"]),
        ("surplus_state", asked["surplus_lines_state"]),
        ("scenario", asked["market_scenario"] and words.name("scenarios", asked["market_scenario"])),
    ]
    return rows + [(words(key), [str(value)] * len(covers)) for key, value in once if value is not None]


def part_or_peril(name: str, words: Language) -> str:
    """Name of a peril or of a coverage part."""
    return words.name("perils" if name in PERILS else "parts", name)


def _grid(quote: Quote) -> dict[str, Any] | None:
    """Options by limit and retention asked for; None without options."""
    if not quote.options:
        return None
    cells: dict[tuple[float, float], list[Any]] = {}
    for option in quote.options:
        cells.setdefault((option.requested["aggregate_limit"], option.requested["retention"]), []).append(option)
    return {
        "limits": sorted({limit for limit, _ in cells}),
        "retentions": sorted({retention for _, retention in cells}),
        "cells": cells,
    }


def _ledger_rows(quote: Quote, words: Language) -> list[dict[str, Any]]:
    """Put the steps of all perils side by side: a label, what it rests on, and the value for each peril."""
    order: list[str] = []
    for steps in quote.ledger.perils.values():
        at = 0
        for step in steps:
            if step.label in order:
                at = order.index(step.label) + 1
            else:
                order.insert(at, step.label)
                at += 1
    by_peril = {peril: {step.label: step for step in steps} for peril, steps in quote.ledger.perils.items()}
    rows = []
    for label in order:
        found = {peril: own[label] for peril, own in by_peril.items() if label in own}
        sources = list(dict.fromkeys(step.source for step in found.values()))
        rows.append(
            {
                "label": " × ".join(words.factor(one) for one in label.split(" x ")) if label[0].islower() else None,
                "said": label,
                "sources": sources,
                "values": [_operation(found[peril], words) if peril in found else "" for peril in PERILS],
            }
        )
    return rows


def _premium_rows(quote: Quote, words: Language) -> list[tuple[Step, str]]:
    """Pair the steps of the premium, each with its result as the currency it is in is written."""
    rows, currency = [], "USD"
    for step in quote.ledger.premium:
        currency = quote.currency if step.label == CURRENCY else currency
        rows.append((step, words.number(step.result, decimals_of(currency))))
    return rows


def _operation(step: Step, words: Language) -> str:
    """One operation with its value."""
    value = step.value
    if step.operation == "round":
        return str(words.texts["operations"]["round"].format(n=int(value)))
    shown = words.number(value, 6 if abs(value) < 0.1 else 4 if abs(value) < 100 else 2)
    if step.operation == "start":
        return shown
    return f"{words.name('operations', step.operation)} {shown}"


def _domains(posture: Posture) -> list[tuple[str, list[dict[str, Any]]]]:
    """Signals by domain in catalogue order, each with how many observations there are of it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for state, evidence in zip(posture, posture.evidence, strict=True):
        found.setdefault(state.signal.domain, []).append({"state": state, "count": len(evidence)})
    return list(found.items())
