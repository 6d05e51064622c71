"""Commands on one firm: quote, posture, example, signals."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cyberscore import report_text
from cyberscore.cli.common import AsOfOption, ProfileArgument, console, date_of, note, read_profile
from cyberscore.cli.covers import Asked, ExchangeRateOption, LimitsOption, RetentionsOption, grid_of, takes_cover
from cyberscore.cli.evidence import Evidence, takes_evidence
from cyberscore.cli.records import write_to_log
from cyberscore.cli.reports import LanguageOption, ReportOption, write_report
from cyberscore.examples import example_names, example_text
from cyberscore.exceptions import ProfileError
from cyberscore.profile import posture_at, signals
from cyberscore.quoting import quote as make_quote
from cyberscore.rating.library import load_plan


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole quote as JSON.")] = False,
    log: Annotated[
        Path | None, typer.Option(metavar="L.jsonl", help="Append the quote to this log, to replay it later.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Your own name for it in the log.")] = None,
    report: ReportOption = None,
    lang: LanguageOption = "en",
) -> None:
    """Quote a profile: score, premium, decision, reasons; with --limits and --retentions, a grid of options too."""
    if reference is not None and log is None:
        raise ProfileError("--reference names a quote in a log: give --log L.jsonl as well")
    known = read_profile(profile, evidence)
    asked = cover.of(known.insured)
    options = grid_of(asked, limits, retentions)
    date_of_quote = date_of(as_of, known)
    chosen = load_plan(plan)
    answer = make_quote(known, asked, as_of=date_of_quote, plan=chosen, exchange_rate=exchange_rate, options=options)
    if log is not None:
        write_to_log(log, known, asked, answer, exchange_rate=exchange_rate, options=options, reference=reference)
    if report is not None:
        write_report(report, known, answer, chosen, lang)
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
