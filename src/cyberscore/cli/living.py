"""Commands on profiles over time: build one, dispute a finding, what to ask next, what changed, watch a book."""

import contextlib
import json
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cyberscore import report_text
from cyberscore.cli.changes import JsonOption, PlanOption
from cyberscore.cli.commands import Commands
from cyberscore.cli.common import (
    AsOfOption,
    EvidenceOption,
    ProfileArgument,
    date_of,
    keep_inputs,
    note,
    read_profile,
)
from cyberscore.cli.covers import Asked, ExchangeRateOption, RateIsMeantOption, takes_cover
from cyberscore.cli.evidence import Evidence, takes_evidence
from cyberscore.cli.reports import LanguageOption
from cyberscore.exceptions import ProfileError
from cyberscore.money import written
from cyberscore.profile import Profile, signals
from cyberscore.profile.profile import parse_json, read_bytes
from cyberscore.quoting import WatchState, explain_change, next_evidence
from cyberscore.quoting import watch as watch_book
from cyberscore.rating.library import load_plan, plan_folder
from cyberscore.readers import application
from cyberscore.report.language import language

profile_app = Commands(
    no_args_is_help=True, help="Build a profile from evidence, dispute findings, print a blank form."
)

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
]


@takes_evidence
def build(
    *,
    evidence: EvidenceOption = None,
    insured: Annotated[
        Path | None, typer.Option(metavar="INSURED.json", help="Who is insured: an insured, or a whole profile.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(metavar="PROFILE.json", help="Profile to add to; what it holds is kept.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Make one profile of an insured, tool exports and an older profile; the same whatever their order."""
    parts = ([_insured(insured)] if insured is not None else []) + ([Profile.load(base)] if base is not None else [])
    if not parts:
        raise ProfileError("nothing tells who is insured: give --insured INSURED.json, --base PROFILE.json or both")
    chosen = evidence if isinstance(evidence, Evidence) else Evidence.of(evidence)
    keep_inputs("--output", output, insured, base, *chosen.paths)
    # every file is read before anything is written
    for file, reading in chosen.readings():
        note(f"{file}: {len(reading.observations)} observations from {reading.tool}")
        for line in reading.not_mapped:
            note(f"  not mapped: {report_text.not_mapped_line(line)}")
        parts.append(Profile(insured=parts[0].insured, observations=reading.observations))
    built = parts[0].merge(*parts[1:])
    _write(built.to_json() + "\n", output)
    note(f"{len(built.observations)} observations of {len({one.signal for one in built.observations})} signals")


def dispute(
    profile: ProfileArgument,
    *,
    observation: Annotated[str, typer.Option(help="Digest of the observation, or a signal with one finding.")],
    kind: Annotated[str, typer.Option(help="not_ours, false_positive, compensating_control, fixed or accepted_risk.")],
    text: Annotated[str, typer.Option("--note", help="Why, in the insured's words.")],
    at: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="When it was disputed.")],
    output: OutputOption = None,
) -> None:
    """Dispute a finding of a profile; it stays, with the dispute on record beside it."""
    keep_inputs("--output", output, profile)
    known = read_profile(profile, None)
    found = [one for one in known.observations if observation in {one.digest, one.signal}]
    if len(found) > 1:
        told = ", ".join(f"{one.digest} ({one.value}, {one.source}, {one.observed_at.date()})" for one in found)
        raise ProfileError(f"--observation {observation!r} may be any of {told}: give the digest")
    if not found:
        raise ProfileError(
            f"--observation {observation!r} is nothing that the profile observed: give a signal or a digest of it"
        )
    _write(known.dispute(found[0], kind, text, at=at).to_json() + "\n", output)  # type: ignore[arg-type]  # checked there


@takes_evidence
@takes_cover
def ask_next(
    profile: ProfileArgument,
    *,
    evidence: EvidenceOption = None,
    cover: Asked,
    as_of: AsOfOption = None,
    plan: PlanOption = None,
    exchange_rate: ExchangeRateOption = None,
    exchange_rate_is_meant: RateIsMeantOption = False,
    count: Annotated[
        int | None, typer.Option(help="How many questions; default 10, and all of them in JSON.", min=1)
    ] = None,
    lang: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Rank what to find out next: by how much it should narrow the premium, and what it could save."""
    known = read_profile(profile, evidence)
    found = next_evidence(
        known,
        load_plan(plan),
        cover.of(known.insured),
        as_of=date_of(as_of, known),
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
        language=lang,
    )
    if as_json:
        content = found.to_dict()
        _print_json({**content, "questions": content["questions"][:count]})
        return
    words, currency = language(lang), found.currency
    spoken = lang != "en"  # English shows the names that the JSON has
    lines = [
        words.name("next", "premium").format(
            premium=written(found.indicative_premium, currency),
            currency=words.name("currencies", currency) if spoken else currency,
            low=written(found.premium_low, currency),
            high=written(found.premium_high, currency),
        )
    ]
    for k, one in enumerate(found.questions[: count or 10], 1):
        status = words.name("statuses", one.status) if spoken else one.status
        if one.evidence is not None:
            status += words.name("next", "so_far").format(
                source=words.source(one.evidence.source),
                date=words.day(one.evidence.observed_at),
                value=words.told(signals()[one.signal], one.evidence.value),
            )
        lines.append(f"{k:2}. {one.question} [{one.signal}, {status}]")
        worth = words.name("next", "worth").format(
            source=words.name("sources", one.source) if spoken else one.source,
            narrowing=written(one.expected_narrowing, currency),
            share=f"{one.expected_narrowing_share:.0%}",
            saving=written(one.best_case_saving, currency),
        )
        lines.append(f"    {worth}")
    sys.stdout.write("\n".join(lines) + "\n")


@takes_evidence
def changes(
    profile: ProfileArgument,
    *,
    evidence: EvidenceOption = None,
    then: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="First day.")],
    now: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Second day.")],
    before: Annotated[
        Path | None, typer.Option(metavar="PROFILE.json", help="Profile as it was; default this one, as known then.")
    ] = None,
    plan: PlanOption = None,
    plan_then: Annotated[str | None, typer.Option(help="Plan of the first day; default the same.")] = None,
    exchange_rate: ExchangeRateOption = None,
    exchange_rate_is_meant: RateIsMeantOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what moved a score between two days, in points that add up."""
    found = explain_change(
        read_profile(profile, evidence),
        load_plan(plan),
        _day(then, "--then"),
        _day(now, "--now"),
        profile_then=None if before is None else Profile.load(before),
        plan_then=None if plan_then is None else load_plan(plan_then),
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
    )
    if as_json:
        _print_json(found.to_dict())
        return
    lines = [f"{found.then}: score {found.score_then:.2f}, band {found.band_then}"]
    lines += [f"{step.points:+8.2f}  {step.kind}: {step.text}" for step in found.steps]
    lines.append(f"{found.now}: score {found.score_now:.2f}, band {found.band_now} ({found.change:+.2f})")
    sys.stdout.write("\n".join(lines) + "\n")


def watch(
    profiles: Annotated[
        list[Path], typer.Argument(metavar="PROFILE.json...", help="Profiles of the book.", show_default=False)
    ],
    *,
    since: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="What stood already on this day is not told.")],
    now: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Day to look at.")],
    state: Annotated[
        Path | None, typer.Option(metavar="STATE.json", help="What the last watch left; read if there, and replaced.")
    ] = None,
    plan: PlanOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what got worse in a book since a day; exit status 1 when anything did, or a firm could not be read."""
    keep_inputs("--state", state, *profiles, plan_folder(plan))
    kept = None
    if state is not None and state.exists():
        kept = WatchState.from_dict(parse_json(read_bytes(state), name=str(state)))
    book: list[tuple[str, Profile]] = []
    unread: dict[str, str] = {}
    for path in profiles:
        try:
            book.append((str(path), Profile.load(path)))
        except ProfileError as error:
            unread[str(path)] = str(error)
    day, since_day = _day(now, "--now"), _day(since, "--since")
    found = watch_book(book, load_plan(plan), since=since_day, now=day, state=kept, unread=unread)
    if as_json:
        _print_json(found.to_dict())
    else:
        lines = [f"{one.name}: {one.kind.replace('_', ' ')}: {one.text}" for one in found.alerts]
        sys.stdout.write("\n".join([*lines, str(found)]) + "\n")
    for name, why in found.unread.items():
        reason = "; ".join(line.removeprefix(f"{name}: ") for line in why.splitlines())
        note(f"could not be read: {name}: {reason}")
    if state is not None:
        _write(json.dumps(found.state.to_dict(), indent=2, ensure_ascii=False) + "\n", state)
    if found.alerts or found.unread:
        raise typer.Exit(1)


def _insured(path: Path) -> Profile:
    content = parse_json(read_bytes(path), name=str(path))
    whole = isinstance(content, dict) and "insured" in content
    return Profile.from_dict(content if whole else {"insured": content})


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ProfileError(f"{option} must be a date such as 2026-11-23; got {text!r}") from error


def _print_json(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write(text: str, path: Path | None) -> None:
    """Write a file whole or not at all; standard output when there is no path."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            # a file of mkstemp is its owner's alone; what was there keeps its rights, a new file gets the usual ones
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(path.stat().st_mode if path.exists() else 0o666 & ~mask)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written: {error.strerror or error}") from error
    note(f"wrote {path}")


def form(
    *,
    language: Annotated[str, typer.Option("--lang", "--language", help="Of the questions: en or zh.")] = "en",
    output: OutputOption = None,
) -> None:
    """Print a blank application form (CSV), whose answers are read back with --evidence."""
    _write(application.template(language=language), output)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    profile_app.command()(build)
    profile_app.command()(dispute)
    profile_app.command()(form)
    app.add_typer(profile_app, name="profile")
    app.command("next")(ask_next)
    app.command()(changes)
    app.command()(watch)
