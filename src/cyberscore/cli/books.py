"""Options that say how the files of a book are written: `takes_book_files` gives a command all of these."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cyberscore.cli.options import replaces
from cyberscore.exceptions import CyberscoreError

OPTIONS: dict[str, Any] = {
    "sep": Annotated[
        str | None, typer.Option(metavar="CHAR", help="What parts the columns of CSV files; default as they show.")
    ],
    "decimal": Annotated[
        str | None, typer.Option(metavar="CHAR", help="Decimal mark, . or ,; default what each column proves.")
    ],
    "encoding": Annotated[
        str | None, typer.Option(metavar="NAME", help="Of CSV files, such as cp1252 or gb18030; default UTF-8.")
    ],
    "dayfirst": Annotated[
        bool | None,
        typer.Option("--dayfirst/--monthfirst", help="Order of day and month in 03/04/2026; default as proven."),
    ],
    "columns": Annotated[
        str | None,
        typer.Option(metavar="JSON", help='Your names of columns to ours, {"Beginn": "start"}, or a file of them.'),
    ],
    "values": Annotated[
        str | None,
        typer.Option(metavar="JSON", help='Your words to ours, {"status": {"offen": "open"}}, or a file of them.'),
    ],
}


@dataclass(frozen=True, slots=True)
class BookFiles:
    """How the files of a book are written; `options` are arguments of `Book.from_csv`."""

    options: dict[str, Any]

    @classmethod
    def of(cls, **given: Any) -> "BookFiles":
        """Take what the command line gave; JSON is read."""
        told = {name: value for name, value in given.items() if value is not None}
        for name in ("columns", "values"):
            if name in told:
                told[name] = _mapping(told[name], name)
        return cls(told)


def takes_book_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in place of its parameter `written`."""
    return replaces(command, "written", OPTIONS, BookFiles.of, panel="Files of the book")


def _mapping(text: str, name: str) -> dict[str, Any]:
    """Read a mapping from JSON, or from a file of it."""
    source = f"--{name}"
    if not text.lstrip().startswith("{"):
        source = f"--{name}: {text}"
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CyberscoreError(f"{source}: give JSON in braces, or a file of it: {error}") from error
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CyberscoreError(f"{source}: this is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise CyberscoreError(f"{source}: a JSON object in braces is wanted; got {text[:60]!r}")
    return found
