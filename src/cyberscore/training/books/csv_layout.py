"""How a CSV file is laid out: packed or not, its encoding, separator and header. Called by `files`."""

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

MAX_BYTES = 4_000_000_000
"""Larger files are refused, unpacked: they would not fit in memory twice."""
SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES, SAMPLE_LINES = 1 << 16, 50
MAX_LINE = 1 << 17
"""Longest line, in characters, and the longest value that Python's own reader of CSV takes."""
UTF_8 = "utf-8"
NO_NAME = "(no name "
"""Begins what a column without a name is called."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-32 begins with that of UTF-16."""
_ENCODINGS = ("cp1252", "gb18030", "cp1250", "cp932", "mac_roman")
"""Of exports that are not UTF-8: Western Europe, China, Central Europe, Japan, old Macs."""


class UnreadableError(Exception):
    """A file cannot be read; the message says why, and what to do."""


class TooLargeError(OSError):
    """A file is larger, unpacked, than may be read."""


class _Bounded(io.RawIOBase):
    """Bytes of a file, up to a bound."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner, self._left = inner, MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = cast("int", self._inner.readinto(buffer))  # type: ignore[attr-defined]
        self._left -= n
        if self._left < 0:
            raise TooLargeError(f"more than {MAX_BYTES:,} bytes unpacked: split it, or hand over a table")
        return n


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV file is laid out: encoding, separator, header, lines before it, whether lines end in a separator."""

    encoding: str
    sep: str
    header: list[str]
    skipped: int
    trailing: bool
    twice: tuple[str, ...]


@contextmanager
def bytes_of(file: Path, *, packed: bool) -> Iterator[io.BufferedReader]:
    """Open a file as bytes, unpacked and bounded."""
    with file.open("rb") as opened:
        inner = cast("BinaryIO", gzip.GzipFile(fileobj=opened)) if packed else cast("BinaryIO", opened)
        yield io.BufferedReader(_Bounded(inner), 1 << 20)


@contextmanager
def text_of(file: Path, encoding: str, *, packed: bool) -> Iterator[io.TextIOWrapper]:
    """Open a file as text, unpacked and bounded."""
    with bytes_of(file, packed=packed) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        yield text
        text.detach()


def encoding_of(sample: bytes, given: str | None) -> str:
    """Return what a file's byte order mark says, else the encoding given, else UTF-8."""
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            return codec
    if given is not None:
        try:
            return codecs.lookup(given).name
        except LookupError as error:
            raise UnreadableError(
                f"it cannot be read as {given!r}: no such encoding; usual ones are utf-8, {', '.join(_ENCODINGS)}"
            ) from error
    if b"\0" in sample:
        raise UnreadableError(
            "it holds zero bytes: it is no text, or UTF-16 without a mark of it; if so, give encoding='utf-16-le'"
        )
    return UTF_8


def likely_encoding(file: Path, codec: str, given: str | None, *, packed: bool) -> tuple[str, str]:
    """Return the likely encoding of a file that is not in `codec`, and the question which one it is.

    The file is read on with the likely one, to find what else is wrong.

    Raises
    ------
    UnreadableError
        When the encoding was given, or none is likely.
    """
    number, line = _first_undecodable(file, codec, packed=packed)
    if given is not None or codec != UTF_8:
        raise UnreadableError(
            f"it cannot be read in {codec}: line {number} holds bytes that it lacks ({line[:60]!r}): "
            f"give another encoding, such as {', '.join(_ENCODINGS)}"
        )
    likely = [one for one in _by_likelihood(line) if _decodes(file, one, packed=packed)]
    if not likely:
        raise UnreadableError(f"it is not UTF-8 (line {number}: {line[:60]!r}): give its encoding")
    readings = ", ".join(f"encoding={one!r} reads {_around(line, one)!r}" for one in likely)
    return likely[0], f"{file} is not UTF-8; line {number} is the first that is not: {readings}: give the right one"


def _first_undecodable(file: Path, codec: str, *, packed: bool) -> tuple[int, bytes]:
    """Return the number, from 1, and the bytes of the first line that an encoding lacks."""
    with bytes_of(file, packed=packed) as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError:
                return number, line
    return 1, b""


def _by_likelihood(line: bytes) -> tuple[str, ...]:
    """Return encodings, likely ones first: Chinese characters are pairs of high bytes, Western letters are not."""
    high = line.translate(None, bytes(range(128)))
    pairs = sum(0xB0 <= a <= 0xF7 and b >= 0xA1 for a, b in zip(high[::2], high[1::2], strict=False))
    chinese = len(high) % 2 == 0 and 2 * pairs == len(high) and _runs_are_even(line)
    return ("gb18030", *(one for one in _ENCODINGS if one != "gb18030")) if chinese else _ENCODINGS


def _runs_are_even(line: bytes) -> bool:
    runs = bytes(1 if byte > 127 else 32 for byte in line).split(b" ")
    return all(len(run) % 2 == 0 for run in runs)


def _decodes(file: Path, codec: str, *, packed: bool) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with bytes_of(file, packed=packed) as raw:
            while piece := raw.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _around(line: bytes, codec: str) -> str:
    """Text around the first letter that is not ASCII."""
    text = line.decode(codec, errors="replace").strip()
    at = next((place for place, letter in enumerate(text) if not letter.isascii()), 0)
    return text[max(at - 12, 0) : at + 12]


def layout_of(file: Path, codec: str, sep: str | None, *, packed: bool) -> Layout:
    """Find out how a CSV file is laid out, from its first lines."""
    if sep is not None and (not isinstance(sep, str) or len(sep) != 1):
        raise UnreadableError(f"it needs a separator of one character: sep must be such as ';' or '\\t'; got {sep!r}")
    with text_of(file, codec, packed=packed) as text:
        lines = [line for _ in range(SAMPLE_LINES + 1) if (line := text.readline(MAX_LINE))]
    skipped = 0
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip("\r\n")) <= 5:
        sep = sep or lines[0][4:5]
        skipped = 1
    while skipped < len(lines) and not lines[skipped].strip():
        skipped += 1
    lines = lines[skipped:]
    if not lines:
        raise UnreadableError("it has no columns: a header line is wanted")
    if any(len(line) >= MAX_LINE for line in lines):
        raise UnreadableError(
            f"it has lines of {MAX_LINE:,} characters or more: it is no CSV file, or a quote is not closed"
        )
    try:
        sep = sep or _separator(lines)
        rows = [row for row in csv.reader(lines, delimiter=sep) if row]
    except csv.Error as error:
        raise UnreadableError(f"{error}: close every quote that is opened") from error
    header = [column.strip() for column in rows[0]]
    if "\n" in "".join(header) or "\r" in "".join(header):
        raise UnreadableError(
            "it has a line break inside a name of its header: close the quote before it, or write the name in one line"
        )
    if len(header) < 2 or 2 * header.count("") > len(header):
        raise UnreadableError(f"it has no columns{_what_stands_above(lines, skipped)}")
    named = [column or f"{NO_NAME}{place})" for place, column in enumerate(header, 1)]
    again = [column in named[:place] for place, column in enumerate(named)]
    twice = tuple(sorted({column for column, is_again in zip(named, again, strict=True) if is_again}))
    named = [f"{column} (column {place})" if again[place - 1] else column for place, column in enumerate(named, 1)]
    longer = [row for row in rows[1:] if len(row) == len(header) + 1 and not row[-1]]
    return Layout(codec, sep, named, skipped, trailing=bool(longer), twice=twice)


def _what_stands_above(lines: Sequence[str], skipped: int) -> str:
    """Remedy for a file whose first line is no header."""
    sizes = [
        max(len([value for value in row if value]) for row in csv.reader(lines[1:], delimiter=mark) or [[]])
        for mark in SEPARATORS
        if len(lines) > 1
    ]
    if max(sizes, default=0) < 2:
        return ": a header line is wanted, with its names parted by a comma, or by sep="
    return (
        f": its line {skipped + 1} is {lines[0].strip()[:60]!r}, and others have {max(sizes)} values: leave out what "
        "stands above the header"
    )


def _separator(lines: Sequence[str]) -> str:
    """Separator of the columns: the one that parts all lines into as many values.

    Raises
    ------
    UnreadableError
        When several do.
    """
    fits = []
    for mark in SEPARATORS:
        sizes = [len(row) for row in csv.reader(lines[:SAMPLE_LINES], delimiter=mark) if row]
        if sizes and sizes[0] > 1:
            fits.append((mark, sizes))
    if len(fits) > 1:
        even = [(mark, sizes) for mark, sizes in fits if len(set(sizes)) == 1]
        fits = even or fits
    if len(fits) > 1:
        most = max(sizes[0] for _, sizes in fits)
        fits = [(mark, sizes) for mark, sizes in fits if 2 * sizes[0] > most]
    if len(fits) > 1:
        raise UnreadableError(
            f"it can be parted by {' or '.join(repr(mark) for mark, _ in fits)}: give sep={fits[0][0]!r} or the other"
        )
    return fits[0][0] if fits else ","
