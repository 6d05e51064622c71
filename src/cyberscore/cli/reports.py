"""The HTML report of a quote as options of the command line; called by `quote`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cyberscore.cli.common import note
from cyberscore.exceptions import ProfileError
from cyberscore.profile import Profile
from cyberscore.quoting import Quote
from cyberscore.rating.plan import RatingPlan
from cyberscore.report import render_report

ReportOption = Annotated[
    Path | None,
    typer.Option(
        metavar="R.html",
        help="Write the quote to this file as one HTML page, to read or print.",
        rich_help_panel="Record and report",
    ),
]
LanguageOption = Annotated[Literal["en", "zh"], typer.Option(help="Language of the questions: English or Chinese.")]
ReportLanguageOption = Annotated[
    Literal["en", "zh"] | None,
    typer.Option(help="Language of the report: English (default) or Chinese.", rich_help_panel="Record and report"),
]


def check_report(path: Path | None) -> None:
    """Refuse, before anything is done, to write a report over a file that is no page.

    Raises
    ------
    ProfileError
        Naming the file.
    """
    try:
        if path is None or not path.exists() or not path.stat().st_size:
            return
        is_page = path.read_bytes()[:15].lower().startswith(b"<!doctype html")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written: {error.strerror or error}") from error
    if not is_page:
        raise ProfileError(f"{path}: is there already, and is no HTML page: give --report another name")


def write_report(path: Path, profile: Profile, answer: Quote, plan: RatingPlan, lang: str) -> None:
    """Write the report of a quote, and say so.

    Raises
    ------
    ProfileError
        When the file cannot be written.
    """
    page = render_report(profile, answer, plan=plan, lang=lang)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written: {error.strerror or error}") from error
    note(f"wrote {path}")
