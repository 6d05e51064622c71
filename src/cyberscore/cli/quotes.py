"""Commands on one firm: quote, posture, example, signals."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cyberscore import report_text
from cyberscore.cli.common import (
    AsOfOption,
    ProfileArgument,
    console,
    date_of,
    keep_inputs,
    needs,
    note,
    read_profile,
)
from cyberscore.cli.covers import (
    Asked,
    ExchangeRateOption,
    LimitsOption,
    RateIsMeantOption,
    RetentionsOption,
    grid_of,
    takes_cover,
)
from cyberscore.cli.evidence import Evidence, takes_evidence
from cyberscore.cli.records import write_to_log
from cyberscore.cli.reports import ReportLanguageOption, ReportOption, check_report, write_report
from cyberscore.examples import example_names, example_text
from cyberscore.exceptions import ProfileError
from cyberscore.profile import posture_at, signals
from cyberscore.quoting import quote as make_quote
from cyberscore.rating.library import load_plan, plan_folder


@takes_evidence
@takes_cover
def quote(
    profile: ProfileArgument,
    *,
    evidence: Evidence,
    cover: Asked,
    limits: LimitsOption = None,
    retentions: RetentionsOption = None,
    as_of: AsOfOption = None,
    plan: Annotated[str | None, typer.Option(help="Name of a shipped plan, or a plan's folder.")] = None,
    exchange_rate: ExchangeRateOption = None,
    exchange_rate_is_meant: RateIsMeantOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole quote as JSON.")] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="L.jsonl",
            help="Append the quote to this log, to replay it later.",
            rich_help_panel="Record and report",
        ),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Your own name for it in the log.", rich_help_panel="Record and report")
    ] = None,
    report: ReportOption = None,
    lang: ReportLanguageOption = None,
) -> None:
    """Quote a profile: score, premium, decision, reasons; with --limits and --retentions, a grid of options too."""
    needs("--lang", "--report", given=lang is not None, has_partner=report is not None)
    needs("--reference", "--log", given=reference is not None, has_partner=log is not None)
    check_report(report)
    keep_inputs("--log", log, profile, *evidence.paths, plan_folder(plan))
    keep_inputs("--report", report, profile, *evidence.paths, plan_folder(plan), log)
    known = read_profile(profile, evidence)
    asked = cover.of(known.insured, grid=limits is not None or retentions is not None)
    options = grid_of(asked, limits, retentions)
    date_of_quote = date_of(as_of, known)
    chosen = load_plan(plan)
    shared: dict[str, Any] = {
        "exchange_rate": exchange_rate,
        "exchange_rate_is_meant": exchange_rate_is_meant,
        "options": options,
    }
    answer = make_quote(known, asked, as_of=date_of_quote, plan=chosen, **shared)
    if log is not None:
        write_to_log(log, known, asked, answer, reference=reference, **shared)
    if report is not None:
        write_report(report, known, answer, chosen, lang or "en")
    if as_json:
        sys.stdout.write(answer.to_json(indent=2) + "\n")
    else:
        report_text.print_quote(console(), known, answer)


@takes_evidence
def posture(profile: ProfileArgument, evidence: Evidence, as_of: AsOfOption = None) -> None:
    """Show what a profile's evidence says at a date."""
    known = read_profile(profile, evidence)
    report_text.print_posture(console(), posture_at(known, date_of(as_of, known)))


def example(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(example_names()), show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Print an example profile."""
    text = example_text(name)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"{output}: cannot be written: {error.strerror}") from error
    note(f"wrote {output}")


def list_signals() -> None:
    """List the posture signals: unit, range, order, sources, half-life."""
    report_text.print_signals(console(), list(signals().values()))


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(quote)
    app.command()(posture)
    app.command()(example)
    app.command("signals")(list_signals)
