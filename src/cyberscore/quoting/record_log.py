"""An append-only log of quote records, one line of JSON each, chained by hash: who writes it, who checks it.

Callers are apps and the commands `quote --log` and `replay`. Each record holds the hash of the one before, so that an
edit, a deletion or another order shows. A line counts once its newline is written: what a crash leaves behind the last
newline is set aside by the next append, which says so in a line of its own. Only this may be lost, and nobody was ever
told that it was written.

What a chain alone cannot show is that its last lines are gone, or that all of it was made anew: keep
`Verification.last_hash` somewhere else, and give it to `verify`.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from cyberscore.exceptions import RecordError
from cyberscore.quoting.record import FIRST, QuoteRecord, Replay, canonical, digest
from cyberscore.rating.plan import RatingPlan

_BLOCK = 65_536
_NOT_JSON = "it is not JSON"


@dataclass(frozen=True, slots=True)
class Repair:
    """A line that says what the next append found behind the last whole line, and set aside."""

    set_aside_bytes: int
    set_aside_sha256: str
    previous: str
    hash: str

    @classmethod
    def of(cls, torn: bytes, previous: str) -> "Repair":
        """Note about torn bytes."""
        return cls(len(torn), hashlib.sha256(torn).hexdigest(), previous, "").sealed()

    def sealed(self) -> "Repair":
        """Return the same note with the hash that fits."""
        content = self.to_dict()
        del content["hash"]
        return Repair(self.set_aside_bytes, self.set_aside_sha256, self.previous, digest(content))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "note": "a line was cut while it was written; its bytes were set aside",
            **{name: getattr(self, name) for name in self.__slots__},
        }

    def to_json(self) -> str:
        """Canonical JSON, one line."""
        return canonical(self.to_dict())


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

    def append(self, record: QuoteRecord) -> Appended:
        """Chain a record to the last one and write it.

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
        end, line = _last_line(file, size)
        while b"\0" in line:  # what a crash of the machine may leave where a page was never written
            end, line = _last_line(file, end - len(line) - 1)
        tail = _read(file, end, size)
        previous, note, lines = FIRST, "", b""
        if end:
            found = _parsed(line)
            if isinstance(found, str):
                raise RecordError(self._refusal(found))
            previous = found.hash
        if tail:
            found = _parsed(tail)
            if isinstance(found, str) and not found.startswith(_NOT_JSON):
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
        except OSError:
            os.ftruncate(file, size)
            raise
        if self.fsync:
            os.fsync(file)
        return Appended(chained, note)

    def _refusal(self, problem: str) -> str:
        return (
            f"{self.path}: nothing was appended: the last line is not what was written ({problem}): "
            "look at it with `cyberscore replay`, and start another log"
        )

    def verify(self, *, last_hash: str | None = None) -> Verification:
        """Check every line: whether it is whole, as written, and follows the one before.

        Parameters
        ----------
        last_hash : str, optional
            Hash that the log is known to have held: that of the last line, or of an earlier one if more was appended.

        Raises
        ------
        RecordError
            When the file cannot be read.
        """
        records, unchained, previous, number = 0, 0, FIRST, 0
        repairs: list[int] = []
        seen = last_hash is None or last_hash == FIRST
        first: tuple[Literal["torn", "changed"], int, str] | None = None
        for number, found, torn in self._lines():
            if first is None:
                if isinstance(found, str):
                    first = ("torn" if torn else "changed", number, found)
                elif found.previous != previous:
                    first = ("changed", number, "it does not follow the line before: a line is missing, or was moved")
            if first is not None:
                unchained += isinstance(found, QuoteRecord)
            elif not isinstance(found, str):
                previous = found.hash
                seen = seen or previous == last_hash
                if isinstance(found, Repair):
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

    def replay(self, plan: RatingPlan | None = None) -> Iterator[tuple[int, Replay]]:
        """Replay every record that can be read, with its line: see `QuoteRecord.replay`; `verify` tells of the rest."""
        for number, found, _ in self._lines(sealed=False):
            if isinstance(found, QuoteRecord):
                yield number, found.replay(plan)

    def _lines(self, *, sealed: bool = True) -> Iterator[tuple[int, QuoteRecord | Repair | str, bool]]:
        """Yield each line's number, what it holds or what is wrong with it, and whether it is the last and was cut."""
        try:
            with self.path.open("rb") as file:  # first of all: a log that is not there gets no lock file
                left = self._whole_size()
                for number, line in enumerate(file, 1):
                    line = line[:left]  # noqa: PLW2901  what is being written just now is not looked at
                    if not line:
                        return
                    left -= len(line)
                    found = _parsed(line.removesuffix(b"\n"), sealed=sealed)
                    torn = left == 0 and not line.endswith(b"\n")
                    if isinstance(found, str):
                        torn = found.startswith(_NOT_JSON) and (torn or (left == 0 and b"\0" in line))
                    elif torn and sealed:
                        found = "its newline is missing; the rest of it is whole"
                    yield number, found, torn
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be read: {error.strerror or error}") from error

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


def _parsed(line: bytes, *, sealed: bool = True) -> QuoteRecord | Repair | str:
    """Return what a line holds, or what is wrong with it; without `sealed` a record that was edited is returned too."""
    found: QuoteRecord | Repair
    try:
        content = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError):
        return f"{_NOT_JSON} ({len(line):,} bytes)"
    if isinstance(content, dict) and "set_aside_sha256" in content:
        fields: dict[str, Any] = {name: content.get(name) for name in Repair.__slots__}
        found = Repair(**fields)
        problems: tuple[str, ...] = () if found == found.sealed() else ("the note was edited",)
    else:
        try:
            found = QuoteRecord.from_dict(content, name="it")
        except RecordError as error:
            return str(error)
        problems = found.problems() if sealed else ()
    if sealed and not problems and found.to_json().encode() != line:
        problems = ("it holds the same record in other bytes",)
    return problems[0] if problems else found


def _last_line(file: int, size: int) -> tuple[int, bytes]:
    """Place just after the last newline, and the line that it ends; 0 and nothing when there is none."""
    start, data = size, b""
    while start > 0 and data.count(b"\n") < 2:
        step = min(_BLOCK, start)
        start -= step
        data = _read(file, start, start + step) + data
    end = data.rfind(b"\n")
    if end < 0:
        return 0, b""
    begin = data.rfind(b"\n", 0, end)
    return start + end + 1, data[begin + 1 : end]


def _read(file: int, start: int, end: int) -> bytes:
    os.lseek(file, start, os.SEEK_SET)
    found = b""
    while len(found) < end - start:
        more = os.read(file, end - start - len(found))
        if not more:
            break
        found += more
    return found


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
