"""Commands on quotes on record: replay, and the log that `quote --log` writes."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cyberscore.cli.common import needs, note
from cyberscore.profile import Profile
from cyberscore.quoting import Quote, QuoteLog, QuoteRecord, Replay
from cyberscore.quoting.record_log import Progress
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.library import load_plan

LARGE = 20_000_000
"""Bytes of a log from which on several processes are worth their start."""


def write_to_log(
    path: Path,
    profile: Profile,
    cover: Coverage,
    answer: Quote,
    *,
    exchange_rate: float | None,
    exchange_rate_is_meant: bool,
    options: Sequence[Coverage],
    reference: str | None,
) -> None:
    """Append a quote to a log, and say so."""
    made = QuoteRecord.of(
        profile,
        cover,
        answer,
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
        options=options,
        reference=reference,
        recorded_at=datetime.now(UTC),
    )
    written = QuoteLog(path).append(made)
    if written.note:
        note(written.note)
    note(f"recorded in {path}: {written.record.hash}")


def replay(
    file: Annotated[Path, typer.Argument(help="One record, or a log of them if named .jsonl.", show_default=False)],
    *,
    plan: Annotated[
        str | None, typer.Option(help="Plan's name or folder; default the one on record, if it is found.")
    ] = None,
    last_hash: Annotated[str | None, typer.Option(help="A hash that the log is known to have held.")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes; default 1, and all processors for a log of over 20 MB.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON a record.")] = False,
) -> None:
    """Quote recorded input again: reproduced to the cent, or what differs and why. Exit status 1 when anything does."""
    chosen = None if plan is None else load_plan(plan)
    alone = _alone(file)
    needs("--last-hash", "a log", given=last_hash is not None, has_partner=alone is None)
    whole = True
    if alone is not None:
        whole = _told(alone.replay(chosen), "", as_json=as_json)
    else:
        log = QuoteLog(file)
        large = file.is_file() and file.stat().st_size > LARGE
        several = jobs or (os.cpu_count() or 1 if large else 1)
        with _progress("replayed") as progress:
            for line, one in log.replay(chosen, jobs=several, progress=progress):
                whole = _told(one, f"line {line}: ", as_json=as_json) and whole
        with _progress("verified") as progress:
            found = log.verify(last_hash=last_hash, jobs=several, progress=progress)
        note(f"{file}: {found}")
        whole = whole and found.ok
    if not whole:
        raise typer.Exit(1)


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """Show how much of a log was looked at, and the time left, on standard error where that is a terminal."""
    from rich.console import Console  # noqa: PLC0415  read when a log is
    from rich.progress import Progress as Bar  # noqa: PLC0415

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _alone(file: Path) -> QuoteRecord | None:
    """Read the record of a file that holds one; None when it is a log."""
    if file.suffix.lower() in {".jsonl", ".ndjson"}:
        return None
    return QuoteRecord.load(file)


def _told(one: Replay, where: str, *, as_json: bool) -> bool:
    sys.stdout.write((json.dumps(one.to_dict(), ensure_ascii=False) if as_json else f"{where}{one}") + "\n")
    return one.reproduced


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(replay)
