"""Lines of a log of quote records: what one holds, and how many are read, forwards, backwards and by several processes.

The caller is the log (`record_log`), which knows how lines follow each other.
"""

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from cyberscore.exceptions import RecordError
from cyberscore.quoting.record import QuoteRecord, Replay
from cyberscore.quoting.seals import canonical, digest
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles

Worked = TypeVar("Worked")
RawLine: TypeAlias = tuple[bytes, int]
_BLOCK = 65_536
_BATCH = 2_000_000
"""Bytes of lines that one process takes at a time."""
_PLANS: dict[str, RatingPlan] = {}
NOT_JSON = "it is not JSON"
_OTHER_BYTES = "it holds the same record in other bytes"
REFERENCE = re.compile(rb'"reference":("(?:[^"\\]|\\.)*"),"result":\{')
"""Where a line tells its record's reference: in canonical JSON no other field stands between the two."""


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


class Seal(NamedTuple):
    """What the chain needs of a line: its kind (record, repair or bad), its links, and what is wrong with it."""

    kind: str
    previous: str
    hash: str
    problem: str
    torn: bool


def in_batches(
    lines: Iterator[RawLine], work: Callable[[list[RawLine]], list[Worked]], jobs: int
) -> Iterator[tuple[list[Worked], int, int]]:
    """Yield results by batch of lines, in order, with the bytes done and those left; few batches are held at a time."""
    done = 0
    if jobs == 1:
        for batch in _batches(lines):
            done += sum(len(line) for line, _ in batch)
            yield work(batch), done, batch[-1][1]
        return
    from concurrent.futures import Future, ProcessPoolExecutor  # noqa: PLC0415  a quote alone does without
    from multiprocessing import get_context  # noqa: PLC0415

    waiting: deque[tuple[Future[list[Worked]], int, int]] = deque()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            for batch in _batches(lines):
                done += sum(len(line) for line, _ in batch)
                waiting.append((pool.submit(work, batch), done, batch[-1][1]))
                if len(waiting) > 2 * jobs:
                    future, at, left = waiting.popleft()
                    yield future.result(), at, left
            while waiting:
                future, at, left = waiting.popleft()
                yield future.result(), at, left
        finally:
            for future, _, _ in waiting:
                future.cancel()


def _batches(lines: Iterator[RawLine]) -> Iterator[list[RawLine]]:
    batch: list[RawLine] = []
    size = 0
    for line, left in lines:
        batch.append((line, left))
        size += len(line)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def worked_batch(work: Callable[[RawLine], Worked], batch: list[RawLine]) -> list[Worked]:
    """Work on each line of a batch."""
    return [work(line) for line in batch]


def seal_of(line: RawLine) -> Seal:
    """Return what the chain needs of a line."""
    found, torn = read_line(line, sealed=True)
    if isinstance(found, str):
        return Seal("bad", "", "", found, torn)
    return Seal("repair" if isinstance(found, Repair) else "record", found.previous, found.hash, "", torn)


def replay_of(line: RawLine, files: PlanFiles | None) -> Replay | None:
    """Replay the record of a line, None where it holds none; `files` are those of another plan to take."""
    found, _ = read_line(line, sealed=False)
    if not isinstance(found, QuoteRecord):
        return None
    return found.replay(None if files is None else _plan_of(files))


def _plan_of(files: PlanFiles) -> RatingPlan:
    """Build a plan in a process of its own, once."""
    if files.digest not in _PLANS:
        _PLANS.clear()
        _PLANS[files.digest] = RatingPlan.from_files(files)
    return _PLANS[files.digest]


def read_line(raw: RawLine, *, sealed: bool) -> tuple[QuoteRecord | Repair | str, bool]:
    """Return what a line holds or what is wrong with it, and whether it is the last and was cut."""
    line, left = raw
    found = parsed(line.removesuffix(b"\n"), sealed=sealed)
    torn = left == 0 and not line.endswith(b"\n")
    if isinstance(found, str):
        torn = found.startswith(NOT_JSON) and (torn or (left == 0 and b"\0" in line))
    elif torn and sealed:
        found = "its newline is missing; the rest of it is whole"
    return found, torn


def parsed(line: bytes, *, sealed: bool = True) -> QuoteRecord | Repair | str:
    """Return what a line holds, or what is wrong with it; without `sealed` a record that was edited is returned too."""
    found: QuoteRecord | Repair
    try:
        content = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError):
        return f"{NOT_JSON} ({len(line):,} bytes)"
    if isinstance(content, dict) and "set_aside_sha256" in content:
        fields: dict[str, Any] = {name: content.get(name) for name in Repair.__slots__}
        found = Repair(**fields)
        problems: tuple[str, ...] = () if found == found.sealed() else ("the note was edited",)
    else:
        try:
            found = QuoteRecord.from_dict(content, name="it")
        except RecordError as error:
            return str(error)
        if not sealed:
            return found
        problems, text = found.checked()
        return problems[0] if problems else found if text.encode() == line else _OTHER_BYTES
    if sealed and not problems and found.to_json().encode() != line:
        return _OTHER_BYTES
    return problems[0] if problems else found


def lines_backwards(file: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines before a place, the last first, each with the place just after its newline."""
    end, start = -1, size
    later: list[bytes] = []  # pieces of the line that is being read, the last first
    while start > 0:
        step = min(_BLOCK, start)
        start -= step
        block = read_bytes(file, start, start + step)
        right = len(block)
        while (newline := block.rfind(b"\n", 0, right)) >= 0:
            if end >= 0:
                yield end, b"".join([block[newline + 1 : right], *reversed(later)])
            end, right, later = start + newline + 1, newline, []
        if end >= 0:
            later.append(block[:right])
    if end >= 0:
        yield end, b"".join(reversed(later))


def lines_from(file: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines between two places, each with the place where it begins, without its newline."""
    pieces: list[bytes] = []
    place = start
    while start < end:
        block = read_bytes(file, start, min(start + _BLOCK, end))
        if not block:
            return
        start += len(block)
        *whole, rest = block.split(b"\n")
        for line in whole:
            found = b"".join([*pieces, line])
            yield place, found
            place += len(found) + 1
            pieces = []
        pieces.append(rest)


def read_bytes(file: int, start: int, end: int) -> bytes:
    """Read the bytes between two places of a file; fewer where it ends."""
    os.lseek(file, start, os.SEEK_SET)
    found = b""
    while len(found) < end - start:
        more = os.read(file, end - start - len(found))
        if not more:
            break
        found += more
    return found
