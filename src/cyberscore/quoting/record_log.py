"""An append-only log of quote records, one line of JSON each, chained by hash: who writes it, who checks it.

Callers are apps and the commands `quote --log` and `replay`. Each record holds the hash of the one before, so that an
edit, a deletion or another order shows. A line counts once its newline is written: what a crash leaves behind the last
newline is set aside by the next append, which says so in a line of its own. Only this may be lost, and nobody was ever
told that it was written.

What a chain alone cannot show is that its last lines are gone, or that all of it was made anew: keep
`Verification.last_hash` somewhere else, and give it to `verify`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

from cyberscore.exceptions import RecordError
from cyberscore.quoting.record import FIRST, QuoteRecord, Replay
from cyberscore.quoting.record_lines import (
    NOT_JSON,
    REFERENCE,
    RawLine,
    Repair,
    Worked,
    in_batches,
    lines_backwards,
    lines_from,
    parsed,
    read_bytes,
    read_line,
    replay_of,
    seal_of,
    worked_batch,
)
from cyberscore.quoting.seals import canonical
from cyberscore.rating.plan import RatingPlan

Progress: TypeAlias = Callable[[int, int], None]
"""Told the bytes that were looked at, and those there are."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at every line found.

    Attributes
    ----------
    status : {"whole", "torn", "changed"}
        `torn`: the last line was cut while it was written, all before it is whole. `changed`: a line is not what was
        written, or not where it was written.
    records : int
        Whole records before the first bad line.
    last_hash : str
        Hash of the last whole line: keep it elsewhere.
    bad_line : int or None
        First line, from 1, that is torn or changed.
    problem : str
        What is wrong with it; empty when nothing is.
    repairs : tuple of int
        Lines that tell of bytes set aside after a crash.
    lines : int
        All lines of the file.
    unchained : int
        Records from the first bad line on whose own seals fit; whether others are missing among them cannot be told.
    """

    status: Literal["whole", "torn", "changed"]
    records: int
    last_hash: str
    bad_line: int | None
    problem: str
    repairs: tuple[int, ...]
    lines: int = 0
    unchained: int = 0

    @property
    def ok(self) -> bool:
        """Whether every line is whole and in its place."""
        return self.status == "whole"

    @property
    def to_do(self) -> str:
        """What to do about the bad line; empty when there is none."""
        if self.bad_line is None:
            return ""
        if self.status == "torn":
            return "nothing: it was never acknowledged, and the next `quote --log` mends it"
        if self.bad_line > self.lines:
            return "compare it with a copy of the log: what the copy holds beyond is what is missing"
        return (
            f"compare line {self.bad_line} with a copy of the log; without one, keep this file as it is, "
            "and start another log"
        )

    def __str__(self) -> str:
        safe = f"{_counted(self.records)}, last hash {self.last_hash[:16]}" if self.records else "no record"
        if self.repairs:
            safe += f"; lines cut by a crash were set aside before line {', '.join(map(str, self.repairs))}"
        if self.bad_line is None:
            return safe if self.lines else "no record: the log is empty"
        read = "1 line" if self.lines == 1 else f"{self.lines} lines"
        bad = "its end is missing" if self.bad_line > self.lines else f"line {self.bad_line} is {self.status}"
        told = [f"{read} read; {bad}: {self.problem}", f"  safe, before that: {safe}"]
        if self.unchained:
            told.append(
                f"  from there on: {_counted(self.unchained)} with seals that fit; whether others are missing among "
                "them cannot be told"
            )
        return "\n".join([*told, f"  to do: {self.to_do}"])


def _counted(records: int) -> str:
    return "1 record" if records == 1 else f"{records} records"


@dataclass(frozen=True, slots=True)
class Appended:
    """A record as it was written, and what had to be set aside before (empty when nothing had)."""

    record: QuoteRecord
    note: str


class QuoteLog:
    """A log of quote records in a file.

    Safe under threads and processes that write at the same time (a lock file, `<name>.lock`, beside it; on a file
    system that locks) and under a crash at any byte.

    Parameters
    ----------
    path : path
        Made when first written; its folder must exist.
    fsync : bool
        Whether `append` returns only once the line is on the disk (the default: a crash of the machine then loses
        nothing that was acknowledged). Without, the operating system writes it when it pleases: a crash of the process
        loses nothing, one of the machine the last seconds.
    timeout : float
        Seconds to wait for other writers before giving up.
    """

    def __init__(self, path: str | PathLike[str], *, fsync: bool = True, timeout: float = 30.0) -> None:
        self.path = Path(path)
        self.fsync = fsync
        self.timeout = timeout
        self._places: dict[bytes, list[int]] = {}
        self._indexed = 0

    def append(self, record: QuoteRecord) -> Appended:
        """Chain a record to the last one and write it.

        A record with a `reference` is written once: where the log holds one of the same reference, input and answer,
        nothing is written and that one comes back, so that an append that was interrupted can be tried again. (The log
        is looked through once for each `QuoteLog`, then only what was added.) A record of the same reference with
        another input or answer is another quote, and is written.

        Returns
        -------
        Appended
            The record as it stands in the log, with `previous` and `hash`.

        Raises
        ------
        RecordError
            When the record's seals do not fit, the file cannot be written or locked, or its last whole line is not what
            was written: then nothing is written.
        """
        if record.problems():
            raise RecordError(f"the record was changed after it was made: {record.problems()[0]}")
        try:
            with self._lock(), self._opened() as file:
                return self._append(file, record)
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be written: {error.strerror or error}") from error

    def _append(self, file: int, record: QuoteRecord) -> Appended:
        size = os.fstat(file).st_size
        # a line with zero bytes is what a crash of the machine may leave where a page was never written
        end, line = next(((end, line) for end, line in lines_backwards(file, size) if b"\0" not in line), (0, b""))
        tail = read_bytes(file, end, size)
        previous, note, lines = FIRST, "", b""
        if end:
            found = parsed(line)
            if isinstance(found, str):
                raise RecordError(self._refusal(found))
            previous = found.hash
        known = self._written(file, record, end)
        if known is not None:
            return Appended(
                known, f"{self.path}: {record.reference} was written before, the same: nothing was appended"
            )
        if tail:
            found = parsed(tail)
            if isinstance(found, str) and not found.startswith(NOT_JSON):
                raise RecordError(self._refusal(found))
            if isinstance(found, str):
                repair = Repair.of(tail, previous)
                lines, previous = repair.to_json().encode() + b"\n", repair.hash
                note = f"{self.path}: {len(tail)} bytes of a line that was cut while it was written were set aside"
                os.ftruncate(file, end)
                size = end
            else:  # all but its newline had been written
                if found.previous != previous:
                    raise RecordError(self._refusal("it does not follow the line before"))
                lines, previous = b"\n", found.hash
                note = f"{self.path}: the last line lacked its newline, which was added"
        chained = record.after(previous)
        try:
            _write(file, lines + chained.to_json().encode() + b"\n")
            if self.fsync:
                os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
        return Appended(chained, note)

    def _written(self, file: int, record: QuoteRecord, end: int) -> QuoteRecord | None:
        """Find the record of the same reference, input and answer before a place of the file, if there is one."""
        if record.reference is None:
            return None
        if end < self._indexed:
            self._places, self._indexed = {}, 0
        for place, line in lines_from(file, self._indexed, end):
            found = REFERENCE.search(line)
            if found:
                self._places.setdefault(found[1], []).append(place)
        self._indexed = end
        for place in self._places.get(canonical(record.reference).encode(), ()):
            line = next(lines_from(file, place, end))[1]
            known = parsed(line)
            if isinstance(known, QuoteRecord) and (known.input_digest, known.result_digest) == (
                record.input_digest,
                record.result_digest,
            ):
                return known
        return None

    def _refusal(self, problem: str) -> str:
        return (
            f"{self.path}: nothing was appended: the last line is not what was written ({problem}): "
            "look at it with `cyberscore replay`, and start another log"
        )

    def verify(self, *, last_hash: str | None = None, jobs: int = 1, progress: Progress | None = None) -> Verification:
        """Check every line: whether it is whole, as written, and follows the one before.

        Lines are read one after another and never held together.

        Parameters
        ----------
        last_hash : str, optional
            Hash that the log is known to have held: that of the last line, or of an earlier one if more was appended.
        jobs : int
            How many processes look at lines. More than 1 needs a script that may be imported (`multiprocessing`).
        progress : callable, optional
            Told the bytes that were looked at, and those there are, after each batch of lines.

        Raises
        ------
        RecordError
            When the file cannot be read.
        """
        records, unchained, previous, number = 0, 0, FIRST, 0
        repairs: list[int] = []
        seen = last_hash is None or last_hash == FIRST
        first: tuple[Literal["torn", "changed"], int, str] | None = None
        for number, seal in self._worked(seal_of, jobs, progress):
            if first is None:
                if seal.problem:
                    first = ("torn" if seal.torn else "changed", number, seal.problem)
                elif seal.previous != previous:
                    first = ("changed", number, "it does not follow the line before: a line is missing, or was moved")
            if first is not None:
                unchained += seal.kind == "record"
            else:
                previous = seal.hash
                seen = seen or previous == last_hash
                if seal.kind == "repair":
                    repairs.append(number)
                else:
                    records += 1
        if first is None and not seen:
            problem = f"the hash {last_hash} is nowhere in it: lines are missing at the end, or all was made anew"
            first = ("changed", number + 1, problem)
        status, bad, problem = first or ("whole", None, "")
        return Verification(status, records, previous, bad, problem, tuple(repairs), number, unchained)

    def __iter__(self) -> Iterator[QuoteRecord]:
        """Yield whole records; a torn last line is left to `verify`, any other bad line is an error."""
        for number, found, torn in self._lines():
            if isinstance(found, QuoteRecord):
                yield found
            elif isinstance(found, str) and not torn:
                raise RecordError(f"{self.path}: line {number}: {found}")

    def replay(
        self, plan: RatingPlan | None = None, *, jobs: int = 1, progress: Progress | None = None
    ) -> Iterator[tuple[int, Replay]]:
        """Replay every record that can be read, with its line: see `QuoteRecord.replay`; `verify` tells of the rest.

        `jobs` and `progress` as in `verify`.
        """
        work = partial(replay_of, files=None if plan is None else plan.files)
        yield from ((number, found) for number, found in self._worked(work, jobs, progress) if found is not None)

    def _lines(self) -> Iterator[tuple[int, QuoteRecord | Repair | str, bool]]:
        """Yield each line's number, what it holds or what is wrong with it, and whether it is the last and was cut."""
        for number, line in enumerate(self._raw_lines(), 1):
            yield (number, *read_line(line, sealed=True))

    def _raw_lines(self) -> Iterator[RawLine]:
        """Yield lines as they are, each with the bytes behind it."""
        try:
            with self.path.open("rb") as file:  # first of all: a log that is not there gets no lock file
                left = self._whole_size()
                for line in file:
                    own = line[:left]  # what is being written just now is not looked at
                    if not own:
                        return
                    left -= len(own)
                    yield own, left
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be read: {error.strerror or error}") from error

    def _worked(
        self, work: Callable[[RawLine], Worked], jobs: int, progress: Progress | None
    ) -> Iterator[tuple[int, Worked]]:
        """Yield what is made of each line, with its number, in order; by as many processes as jobs."""
        if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
            raise RecordError(f"jobs must be a whole number of at least 1; got {jobs!r}")
        number = 0
        for results, done, left in in_batches(self._raw_lines(), partial(worked_batch, work), jobs):
            for found in results:
                number += 1
                yield number, found
            if progress is not None:
                progress(done, done + left)

    def _whole_size(self) -> int:
        """Size while nobody writes; on a medium that cannot be locked, size as it is."""
        try:
            with self._lock():
                return self.path.stat().st_size
        except OSError:
            return self.path.stat().st_size

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # noqa: PLC0415  a quote alone does without

        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {self.path.parent}")
        lock = FileLock(f"{self.path}.lock", timeout=self.timeout, thread_local=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise RecordError(
                f"{self.path}: others have been writing for {self.timeout:g} s: try again, or give a longer timeout"
            ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _opened(self) -> Iterator[int]:
        new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            if new and self.fsync and os.name == "posix":
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)  # else the file itself may be gone after a crash
                finally:
                    os.close(folder)
            yield file
        finally:
            os.close(file)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
