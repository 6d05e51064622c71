"""Commands on what could be: what-if, and the path to a target."""

import json
import math
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cyberscore.cli.common import AsOfOption, ProfileArgument, date_of, note, read_profile
from cyberscore.cli.covers import Asked, ExchangeRateOption, RateIsMeantOption, takes_cover
from cyberscore.cli.evidence import Evidence, takes_evidence
from cyberscore.cli.options import named_values
from cyberscore.exceptions import ProfileError, TargetError
from cyberscore.money import number_of, written
from cyberscore.perils import PERILS
from cyberscore.profile import Insured, Profile, posture_at, signals
from cyberscore.quoting import PathToTarget, WhatIf, path_to
from cyberscore.quoting import what_if as compare
from cyberscore.quoting.quote import Subjectivity
from cyberscore.rating.ledger import Step
from cyberscore.rating.library import load_plan

PlanOption = Annotated[str | None, typer.Option(help="Name of a shipped plan, or a plan's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


@takes_evidence
@takes_cover
def what_if(
    profile: ProfileArgument,
    *,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A signal (seen today by its best source; unknown takes its evidence away), or a field of the insured "
            "or the coverage; may be repeated.",
        ),
    ],
    evidence: Evidence,
    cover: Asked,
    as_of: AsOfOption = None,
    plan: PlanOption = None,
    exchange_rate: ExchangeRateOption = None,
    exchange_rate_is_meant: RateIsMeantOption = False,
    as_json: JsonOption = False,
) -> None:
    """Quote a profile before and after changes."""
    known = read_profile(profile, evidence)
    found = compare(
        known,
        _changes(changes),
        cover.of(known.insured),
        as_of=date_of(as_of, known),
        plan=load_plan(plan),
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
    )
    if as_json:
        sys.stdout.write(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_told(found))
        for one in _outdone(known, found):
            note(f"{one}: better evidence stands beside what was set; to replace it, set {one}=unknown first")


@takes_evidence
@takes_cover
def path(
    profile: ProfileArgument,
    *,
    target: Annotated[
        str,
        typer.Option("--to", metavar="TARGET", help="band:B, score:45, premium:1200, no-referral or no-conditions."),
    ],
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIGNAL=AMOUNT",
            help="What a fix costs; may be repeated. Then only fixes with a cost are looked at, for the cheapest set.",
        ),
    ] = None,
    evidence: Evidence,
    cover: Asked,
    as_of: AsOfOption = None,
    plan: PlanOption = None,
    exchange_rate: ExchangeRateOption = None,
    exchange_rate_is_meant: RateIsMeantOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the smallest or cheapest set of fixes that reaches a target, best first; exit status 1 if none does."""
    known = read_profile(profile, evidence)
    found = path_to(
        known,
        target,
        cover.of(known.insured),
        as_of=date_of(as_of, known),
        costs=_costs(cost) if cost else None,
        plan=load_plan(plan),
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
    )
    if as_json:
        sys.stdout.write(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_path_told(found))
    if not found.reached:
        raise typer.Exit(1)


def _changes(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Read every --set, in their order; a name is set once, but that its evidence may be taken away before.

    Raises
    ------
    ProfileError
        When a name is set twice: neither value is more meant than the other.
    """
    found: list[tuple[str, Any]] = []
    for text in texts:
        name, value = _change(text)
        before = [set_to for other, set_to in found if other == name]
        if (value is None and before) or any(set_to is not None for set_to in before):
            raise ProfileError(f"--set {name} is given twice: keep one, or set {name}=unknown before its value")
        found.append((name, value))
    return [{name: value} for name, value in found]


def _change(text: str) -> tuple[str, Any]:
    """Name and value of one --set."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ProfileError(f"--set must be NAME=VALUE, such as mfa_email_coverage=1.0; got {text!r}")
    if name in signals() and signals()[name].levels:
        return name, None if value == "unknown" else value
    if name in Insured.model_fields and name == "business_activities":
        return name, [one for one in value.split(",") if one]
    if name in Insured.model_fields and Insured.model_fields[name].annotation in (str, str | None):
        return name, value
    if value == "unknown":
        return name, None
    return name, _typed(name, value)


def _typed(name: str, text: str) -> Any:
    """Value of one --set as a number where it is one, else as JSON, else as text."""
    is_share = name in signals() and signals()[name].kind == "share"  # 1.000 of it can only be 1
    try:
        if is_share or not re.fullmatch(r"[-+]?[.,_]?\d[\d.,_]*", text):
            return json.loads(text)
    except ValueError:
        return text
    try:
        number = number_of(text)
    except ValueError as error:
        raise ProfileError(f"--set {name}: {error}") from error
    return int(number) if number.is_integer() else number


def _costs(texts: Sequence[str]) -> dict[str, float]:
    found = {}
    for name, value in named_values("--cost", texts).items():
        try:
            found[name] = number_of(value)
        except ValueError as error:
            given = next(text for text in texts if text.partition("=")[0].strip() == name)
            raise TargetError(
                f"--cost must be SIGNAL=AMOUNT, such as mfa_email_coverage=800; got {given!r}: {error}"
            ) from None
    return found


def _path_told(found: PathToTarget) -> str:
    currency = found.currency
    now = (
        f"premium {written(found.indicative_premium, currency)} {currency}, score {found.risk_score:.1f}, "
        f"band {found.band}, "
        f"{found.decision.replace('_', ' ')}"
    )
    lines = [f"Now: {now}", *_conditions_told("Conditions now", found.subjectivities), f"Target: {found.target}"]
    for k, step in enumerate(found.steps, 1):
        told = [
            f"premium {written(step.indicative_premium, currency)} {currency} ({written(-step.saving, currency, '+')})",
            f"score {step.risk_score:.1f} ({step.points:+.1f})",
            f"band {step.band}",
            step.decision.replace("_", " "),
        ]
        if step.cost is not None:
            told.append(f"costs {written(step.cost, currency)} {currency}")
        if step.payback_years is not None:
            told.append(f"paid back in {step.payback_years:.1f} years")
        lines += [f"{k:2}. {step.action} [{step.signal}]", f"    {', '.join(told)}"]
        lines += [f"    condition met: {one.text} ({one.rule})" for one in step.subjectivities_met]
        lines += [f"    condition added: {one.text} ({one.rule})" for one in step.subjectivities_added]
    lines.append(_outcome_told(found))
    if found.steps:
        lines += _conditions_told("Conditions left", found.subjectivities_left)
    if found.without_cost:
        lines.append(f"Left out, no cost given: {', '.join(found.without_cost)}")
    return "\n".join(lines) + "\n"


def _conditions_told(title: str, conditions: Sequence[Subjectivity]) -> list[str]:
    if not conditions:
        return [f"{title}: none"]
    return [f"{title}:", *(f"  {one.told}" for one in conditions)]


def _outcome_told(found: PathToTarget) -> str:
    """Tell whether the target is reached, with what, and what was proven of it."""
    if not found.reached:
        return f"Not reached: {found.why}."
    if not found.steps:
        return "Reached already."
    count = "1 fix" if len(found.steps) == 1 else f"{len(found.steps)} fixes"
    least = 0.0 if found.lower_bound is None else found.lower_bound
    if found.total_cost is None:
        proven = "the fewest that do" if found.optimal else f"not proven the fewest: at least {math.ceil(least)} needed"
        return f"Reached with {count}" + ("." if found.optimal and len(found.steps) == 1 else f", {proven}.")
    amounts = (f"{written(amount, found.currency)} {found.currency}" for amount in (found.total_cost, least))
    spent, bound = amounts
    proven = "no other set costs less" if found.optimal else f"not proven the cheapest: none costs less than {bound}"
    return f"Reached with {count} for {spent}; {proven}."


def _told(found: WhatIf) -> str:
    before, after = found.before, found.after
    moved = "" if found.premium_change is None else f"  ({written(found.premium_change, after.currency, '+')})"
    first, second = (f"{written(one.indicative_premium, one.currency)} {one.currency}" for one in (before, after))
    lines = [
        f"{'':22}{'before':>24}{'after':>26}",
        f"{'Indicative premium':22}{first:>24}{second:>26}{moved}",
        f"{'Risk score':22}{before.risk_score:>24.1f}{after.risk_score:>26.1f}  ({found.score_change:+.1f})",
        f"{'Band':22}{before.band:>24}{after.band:>26}",
        f"{'Decision':22}{before.decision.replace('_', ' '):>24}{after.decision.replace('_', ' '):>26}",
    ]
    covers = ["none offered" if one.cover_offered is None else "offered" for one in (before, after)]
    if "none offered" in covers:
        lines.append(f"{'Cover':22}{covers[0]:>24}{covers[1]:>26}")
    lines += [f"Condition met:   {one.text} ({one.rule})" for one in found.subjectivities_met]
    lines += [f"Condition added: {one.text} ({one.rule})" for one in found.subjectivities_added]
    foreign = "" if {before.currency, after.currency} == {"USD"} else " (USD up to the line Currency)"
    lines += ["", f"Ledger lines that differ{foreign}:", *_ledger_told(found)]
    return "\n".join(lines) + "\n"


def _ledger_told(found: WhatIf) -> list[str]:
    """Lines of both ledgers that differ, side by side: what is multiplied or added, then what it was read from."""
    before, after = (one.ledger for one in (found.before, found.after))
    columns = [(peril.replace("_", " "), before.perils[peril], after.perils[peril]) for peril in PERILS]
    rows: dict[str, list[str]] = {}
    for name, old, new in (*columns, ("premium", before.premium, after.premium)):
        first, second = ({step.label: step for step in steps} for steps in (old, new))
        for label in dict.fromkeys((*first, *second)):
            was, now = first.get(label), second.get(label)
            if was is not None and now is not None and (was.value, was.source) == (now.value, now.source):
                continue
            told = rows.setdefault(label, [f"  {label}"])
            told.append(f"    {name:22}{_operand(was):>16}{_operand(now):>16}")
            sources = ("" if was is None else was.source, "" if now is None else now.source)
            # where a source names its peril, one would speak for its own row only
            shared = name == "premium" or "table" in sources[0] + sources[1]
            if shared and sources[0] != sources[1] and len(told) == 2:
                told[1:1] = [
                    f"    {when}: {source}" for when, source in zip(("before", "after"), sources, strict=True) if source
                ]
    if not rows:
        return ["  none"]
    return [f"{'':26}{'before':>16}{'after':>16}", *(line for told in rows.values() for line in told)]


def _operand(step: Step | None) -> str:
    """Value of a ledger line with the sign of what it does; a dash where there is no such line."""
    if step is None:
        return "-"
    if step.operation == "start":
        return f"{step.value:,.6g}"
    sign = {"multiply": "x ", "add": "+ ", "at_least": ">= ", "at_most": "<= "}.get(step.operation, "")
    return f"{sign}{step.value:,.4f}" if step.operation == "multiply" else f"{sign}{written(step.value, 'USD')}"


def _outdone(known: Profile, found: WhatIf) -> list[str]:
    """Signals that were set to a value beside which a better observation, still on the profile, counts for more."""
    after = posture_at(found.profile, found.after.as_of)
    before = set(known.observations)
    told = {one.signal: one.value for one in found.profile.observations if one not in before}
    counted = {name: after[name].observation for name in told}
    return [name for name, best in counted.items() if best is not None and best.observation.value != told[name]]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("what-if")(what_if)
    app.command()(path)
