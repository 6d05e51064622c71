"""The command line, a module a group of commands. Errors: standard error, exit status 2."""

import io
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cyberscore.cli import changes, living, plans, quotes, records, rules
from cyberscore.cli.commands import Commands
from cyberscore.cli.common import note
from cyberscore.exceptions import CyberscoreError

app = Commands(no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it with the flag
    if wanted:
        sys.stdout.write(f"cyberscore {version('cyberscore')}\n")
        raise typer.Exit


@app.callback()
def describe(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Underwrite the cyber risk of small and medium enterprises. Answers are indicative, not an offer of cover."""


for group in (quotes, plans, rules, records, changes, living):
    group.add_to(app)


def main() -> None:
    """Run the command line; an error of ours is one message and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except CyberscoreError as error:
        for line in str(error).splitlines():
            note(f"error: {line}")
        sys.exit(2)
