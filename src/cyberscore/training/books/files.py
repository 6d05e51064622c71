"""Tables of a book as files: CSV, plain or packed by gzip, and Parquet. Called by `Book.from_csv`."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd

from cyberscore.exceptions import MissingExtraError, TrainingError
from cyberscore.training.books.mapping import Export, Names, folded, words_of_totals

MAX_CSV_BYTES = 4_000_000_000
"""Larger files are refused, unpacked: they would not fit in memory twice."""
TEXT_COLUMNS = frozenset({"policy_id", "insured_id", "claim_id", "naics", "country", "currency"})
DATE_COLUMNS = frozenset({"start", "end", "occurred_at", "reported_at"})
"""Read as text: a number among them would lose its zeros, and 20260131 is a date."""
EMPTY = ("", "nan", "NaN", "null", "NULL")
"""NA is a country, None may be a level: only these are unknown."""
SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES, SAMPLE_LINES, HEAD_ROWS = 1 << 16, 50, 2_000
_ENDS_IN_COUNT = re.compile(rb"(?:^|\D)[1-9]\d{0,2}$")
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
_PLAIN_TEXT = "utf-8"
_BROKEN = (OSError, EOFError, zlib.error)
"""What a file raises that is not there, may not be read, or is damaged where it is packed."""


class _TooLargeError(OSError):
    """A file is larger, unpacked, than may be read."""


class _Bounded(io.RawIOBase):
    """Bytes of a file, up to a bound."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner, self._left = inner, MAX_CSV_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = cast("int", self._inner.readinto(buffer))  # type: ignore[attr-defined]
        self._left -= n
        if self._left < 0:
            raise _TooLargeError(f"more than {MAX_CSV_BYTES:,} bytes unpacked: split it, or hand over a table")
        return n


@dataclass(slots=True)
class FileTable:
    """A table read from a file: `frame` is None when nothing could be read; `problems` are told before those in it."""

    frame: pd.DataFrame | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a CSV file is laid out: encoding, separator, header, lines before it, whether lines end in a separator."""

    encoding: str
    sep: str
    header: list[str]
    skipped: int
    trailing: bool
    twice: tuple[str, ...]


class _UnreadableError(Exception):
    """A file cannot be read; the message says why, and what to do."""


def read_file(
    path: str | PathLike[str],
    name: str,
    *,
    known: Collection[str],
    export: Export,
    sep: str | None = None,
    encoding: str | None = None,
) -> FileTable:
    """Read policies or claims from a file; what is wrong with it is noted in the result.

    Parameters
    ----------
    path : path
    name : str
        What errors call it: policies or claims.
    known : collection of str
        Names of ours that its columns may have.
    export : Export
    sep, encoding : str, optional
        As of `Book.from_csv`.

    Raises
    ------
    MissingExtraError
        When it is a Parquet file and pyarrow is not installed.
    """
    file, table = Path(path), FileTable()
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
        if file.stat().st_size > MAX_CSV_BYTES:
            raise _UnreadableError(
                f"it has {file.stat().st_size:,} bytes, more than {MAX_CSV_BYTES:,}: split it, or hand over a table"
            )
        if head.startswith(b"PAR1"):
            frame = _read_parquet(file)
        else:
            _check_kind(file, head)
            frame = _read_csv(
                file, table, packed=head.startswith(b"\x1f\x8b"), known=known, export=export, sep=sep, encoding=encoding
            )
    except _UnreadableError as error:
        table.problems = [f"{name}: {line}" for line in (*table.problems, f"cannot read {file}: {error}")]
        return table
    except _BROKEN as error:
        table.problems = [f"{name}: {line}" for line in (*table.problems, f"cannot read {file}: {_why(error)}")]
        return table
    table.problems = [f"{name}: {line}" for line in table.problems]
    table.frame, left_out = _without_totals(_with_text_ids(frame, known, export), known, export)
    table.notes += [f"{name}: {line}" for line in left_out]
    return table


def _why(error: BaseException) -> str:
    """Reason of a failure to read, and its remedy where it is known."""
    if isinstance(error, _TooLargeError | FileNotFoundError | PermissionError | IsADirectoryError):
        return str(error)
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        return f"the gzip file is damaged or cut short ({error}): export or copy it again"
    return str(error)


def _check_kind(file: Path, head: bytes) -> None:
    """Refuse what is neither text nor packed text."""
    if head.startswith(b"PK\x03\x04"):
        raise _UnreadableError(
            "it is an Excel workbook or a zip file: save the sheet as CSV UTF-8, or unpack it (gzip and Parquet are read)"
        )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise _UnreadableError("it is an old Excel workbook: save the sheet as CSV UTF-8")
    if file.suffix.lower() in {".parquet", ".pq"}:
        raise _UnreadableError("it is not a Parquet file: export it again, or name it .csv if it is text")


def _read_parquet(file: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(file, engine="pyarrow")
    except ImportError as error:
        raise MissingExtraError(
            f"{file} is a Parquet file, and pyarrow is not installed: pip install 'cyberscore[parquet]'"
        ) from error
    except (ValueError, OSError, NotImplementedError) as error:  # pyarrow's own errors are among these
        raise _UnreadableError(f"it is a damaged Parquet file: export or copy it again ({error})") from error


@contextmanager
def _bytes_of(file: Path, *, packed: bool) -> Iterator[io.BufferedReader]:
    with file.open("rb") as opened:
        inner = cast("BinaryIO", gzip.GzipFile(fileobj=opened)) if packed else cast("BinaryIO", opened)
        yield io.BufferedReader(_Bounded(inner), 1 << 20)


@contextmanager
def _text_of(file: Path, encoding: str, *, packed: bool) -> Iterator[io.TextIOWrapper]:
    with _bytes_of(file, packed=packed) as raw:
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        yield text
        text.detach()


def _read_csv(
    file: Path,
    table: FileTable,
    *,
    packed: bool,
    known: Collection[str],
    export: Export,
    sep: str | None,
    encoding: str | None,
) -> pd.DataFrame:
    with _bytes_of(file, packed=packed) as raw:
        sample = raw.read(SAMPLE_BYTES)
    codec = _encoding(sample, encoding)
    for _ in range(2):
        try:
            form = _form(file, codec, sep, packed=packed)
            break
        except UnicodeDecodeError:
            codec = _ask_for_encoding(file, table, codec, encoding, packed=packed)
    if form.twice:
        table.problems.append(f"the column {', '.join(form.twice)} appears twice: drop or rename one")
    names = Names.of(form.header, known, export)
    as_text = [theirs for ours, theirs in names.all.items() if _is_text(ours)]
    for _ in range(2):
        try:
            return _parsed(file, form, as_text, _numeric(names, known), export, packed=packed)
        except UnicodeDecodeError:
            codec = _ask_for_encoding(file, table, form.encoding, encoding, packed=packed)
            form = _form(file, codec, sep, packed=packed)
    raise AssertionError("the second encoding was tried on the whole file")  # pragma: no cover


def _is_text(ours: str) -> bool:
    return ours in TEXT_COLUMNS or ours in DATE_COLUMNS or ours.endswith("__observed_at")


def _numeric(names: Names, known: Collection[str]) -> list[str]:
    """Their columns in which numbers may stand."""
    return [theirs for ours, theirs in names.all.items() if ours in known and not _is_text(ours)]


def _parsed(
    file: Path, form: _Form, as_text: Sequence[str], numeric: Sequence[str], export: Export, *, packed: bool
) -> pd.DataFrame:
    """Table of a CSV file: numbers where nothing can be meant but numbers, else text."""

    def read(dtype: dict[str, Any], **more: Any) -> pd.DataFrame:
        with _text_of(file, form.encoding, packed=packed) as text:
            return pd.read_csv(
                text,
                sep=form.sep,
                dtype=dtype,
                header=None,
                names=[*form.header, *([_TRAILING] if form.trailing else [])],
                skiprows=form.skipped + 1,
                index_col=False,
                keep_default_na=False,
                na_values=list(EMPTY),
                decimal=export.decimal or ".",
                low_memory=False,
                **more,
            )

    try:
        frame = read(dict.fromkeys(as_text, str))
        if export.decimal is None:
            doubtful, whole = _doubtful(frame[list(numeric)])
            if doubtful:
                head = read(dict.fromkeys(doubtful, str), usecols=doubtful, nrows=HEAD_ROWS)
                doubtful = [column for column in doubtful if not _proves_point(head[column])]
            if whole and _has_thousands(file, form.encoding, packed=packed):
                doubtful += whole
            if doubtful:
                texts = read(dict.fromkeys(doubtful, str), usecols=doubtful)
                frame = frame.assign(**{column: texts[column] for column in doubtful})
    except UnicodeDecodeError:
        raise
    except (ValueError, pd.errors.ParserError, MemoryError, csv.Error) as error:
        raise _UnreadableError(f"{str(error).strip()}: a value that holds the separator stands in quotes") from error
    if form.trailing:
        if frame[_TRAILING].notna().any():
            raise _UnreadableError(
                f"it has {len(form.header) + 1} values in some lines and {len(form.header)} names: give every column a name"
            )
        frame = frame.drop(columns=_TRAILING)
    unnamed = [column for column in frame.columns if column.startswith(_UNNAMED) and frame[column].isna().all()]
    return frame.drop(columns=unnamed)


_TRAILING, _UNNAMED = "(after the last separator)", "(no name "


def _doubtful(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns of numbers that may have been thousands grouped by a point: some as 1.234, others all as 10.000."""
    broken, whole = [], []
    for column, dtype in frame.dtypes.items():
        if dtype.kind != "f":
            continue
        values = np.abs(frame[column].to_numpy())
        values = values[np.isfinite(values) & (values > 0)]
        grouped = (values >= 1) & (values < 1_000)
        rest = values[values % 1 != 0]
        if not len(rest):
            whole += [str(column)] if grouped.any() else []
        elif (rest >= 1).all() and (rest < 1_000).all() and np.allclose(rest * 1_000, np.rint(rest * 1_000), atol=1e-6):
            broken.append(str(column))
    return broken, whole


def _proves_point(texts: "pd.Series[Any]") -> bool:
    """Whether a point stands before other than three digits: it is decimal."""
    parts = [text.partition(".") for text in texts.dropna() if "." in text]
    return any(len(decimals) != 3 for _, _, decimals in parts)


def _has_thousands(file: Path, encoding: str, *, packed: bool) -> bool:
    """Whether a number such as 10.000 stands anywhere in a file."""
    plain = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    wanted = re.compile(re.escape(".000".encode(plain)))
    width = len("0".encode(plain))
    with _bytes_of(file, packed=packed) as raw:
        end = b""
        while piece := raw.read(1 << 20):
            text = end + piece
            for match in wanted.finditer(text):
                before = text[max(match.start() - 4 * width, 0) : match.start()]
                after = text[match.end() : match.end() + width]
                if not after.strip(b"\0").isdigit() and _ENDS_IN_COUNT.search(before.replace(b"\0", b"")):
                    return True
            end = piece[-8 * width :]
    return False


def _encoding(sample: bytes, given: str | None) -> str:
    """Encoding of a file: what its byte order mark says, else the one given, else UTF-8."""
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            return codec
    if given is not None:
        try:
            return codecs.lookup(given).name
        except LookupError as error:
            raise _UnreadableError(
                f"it cannot be read as {given!r}: no such encoding; usual ones are utf-8, {', '.join(_ENCODINGS)}"
            ) from error
    if b"\0" in sample:
        raise _UnreadableError(
            "it holds zero bytes: it is no text, or UTF-16 without a mark of it; if so, give encoding='utf-16-le'"
        )
    return _PLAIN_TEXT


def _ask_for_encoding(file: Path, table: FileTable, codec: str, given: str | None, *, packed: bool) -> str:
    """Ask for the encoding of a file; return the likely one, with which it is read on to find what else is wrong."""
    number, line = _first_undecodable(file, codec, packed=packed)
    if given is not None or codec != _PLAIN_TEXT:
        raise _UnreadableError(
            f"it cannot be read in {codec}: line {number} holds bytes that it lacks ({line[:60]!r}): "
            f"give another encoding, such as {', '.join(_ENCODINGS)}"
        )
    likely = [one for one in _by_likelihood(line) if _decodes(file, one, packed=packed)]
    if not likely:
        raise _UnreadableError(f"it is not UTF-8 (line {number}: {line[:60]!r}): give its encoding")
    readings = ", ".join(f"encoding={one!r} reads {_around(line, one)!r}" for one in likely)
    table.problems.append(f"{file} is not UTF-8; line {number} is the first that is not: {readings}: give the right one")
    return likely[0]


def _first_undecodable(file: Path, codec: str, *, packed: bool) -> tuple[int, bytes]:
    """Number, from 1, and bytes of the first line that an encoding lacks."""
    with _bytes_of(file, packed=packed) as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError:
                return number, line
    return 1, b""


def _by_likelihood(line: bytes) -> tuple[str, ...]:
    """Encodings, likely ones first: the usual Chinese characters are pairs of high bytes, Western letters stand alone."""
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
        with _bytes_of(file, packed=packed) as raw:
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


def _form(file: Path, codec: str, sep: str | None, *, packed: bool) -> _Form:
    """Find out how a CSV file is laid out, from its first lines."""
    if sep is not None and (not isinstance(sep, str) or len(sep) != 1):
        raise _UnreadableError(f"it needs a separator of one character: sep must be such as ';' or '\\t'; got {sep!r}")
    with _text_of(file, codec, packed=packed) as text:
        lines = list(islice(text, SAMPLE_LINES + 1))
    skipped = 0
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip("\r\n")) <= 5:
        sep = sep or lines[0][4:5]
        skipped = 1
    while skipped < len(lines) and not lines[skipped].strip():
        skipped += 1
    lines = lines[skipped:]
    if not lines:
        raise _UnreadableError("it has no columns: a header line is wanted")
    sep = sep or _separator(lines)
    rows = [row for row in csv.reader(lines, delimiter=sep) if row]
    header = [column.strip() for column in rows[0]]
    if len(header) < 2:
        usual = Counter(len(row) for row in rows[1:]).most_common(1)
        told = (
            f": its line {skipped + 1} is {lines[0].strip()[:60]!r}, and others have {usual[0][0]} values: leave out what "
            "stands above the header"
            if usual and usual[0][0] > 1
            else ": a header line is wanted, with its names parted by a comma, or by sep="
        )
        raise _UnreadableError(f"it has no columns{told}")
    named = [column or f"{_UNNAMED}{place})" for place, column in enumerate(header, 1)]
    again = [column in named[:place] for place, column in enumerate(named)]
    twice = tuple(sorted({column for column, is_again in zip(named, again, strict=True) if is_again}))
    named = [f"{column} (column {place})" if again[place - 1] else column for place, column in enumerate(named, 1)]
    if "\n" in "".join(header) or "\r" in "".join(header):
        raise _UnreadableError("it has a line break inside a name of its header: write the name in one line")
    longer = [row for row in rows[1:] if len(row) == len(header) + 1 and not row[-1]]
    return _Form(codec, sep, named, skipped, trailing=bool(longer), twice=twice)


def _separator(lines: Sequence[str]) -> str:
    """Separator of the columns: the one that parts all lines into as many values.

    Raises
    ------
    _UnreadableError
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
        raise _UnreadableError(
            f"it can be parted by {' or '.join(repr(mark) for mark, _ in fits)}: give sep={fits[0][0]!r} or the other"
        )
    return fits[0][0] if fits else ","


def _with_text_ids(frame: pd.DataFrame, known: Collection[str], export: Export) -> pd.DataFrame:
    """Ids as text, as in CSV files, where Parquet has numbers: both tables must name a policy in the same way."""
    names = Names.of([str(column) for column in frame.columns], known, export).all
    for ours, theirs in names.items():
        if ours in TEXT_COLUMNS and frame[theirs].dtype.kind in "iuf":
            frame = frame.assign(**{theirs: _as_text(frame[theirs])})
    return frame


def _as_text(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    whole = numbers.dropna()
    if numbers.dtype.kind == "f" and (whole % 1 == 0).all():
        numbers = numbers.astype("Int64")
    return numbers.astype(object).where(numbers.notna()).map(str, na_action="ignore")


def _without_totals(frame: pd.DataFrame, known: Collection[str], export: Export) -> tuple[pd.DataFrame, list[str]]:
    """Leave out rows in which nothing stands, and a last row of totals; both are told."""
    notes: list[str] = []
    names = Names.of([str(column) for column in frame.columns], known, export).all
    key = frame[names["policy_id"]] if "policy_id" in names else frame.iloc[:, 0]
    without = np.flatnonzero(key.isna().to_numpy())
    if len(without):
        empty = without[frame.iloc[without].isna().all(axis=1).to_numpy()]
        if len(empty):
            frame = frame.drop(index=frame.index[empty]).reset_index(drop=True)
            notes.append(f"empty rows left out: {len(empty):,}")
    if len(frame) > 1 and _is_total(frame, names):
        last = ", ".join(str(value) for value in frame.iloc[-1].dropna())
        notes.append(f"the last row is one of totals ({last[:80]}) and left out")
        frame = frame.iloc[:-1]
    return frame, notes


def _is_total(frame: pd.DataFrame, names: dict[str, str]) -> bool:
    """Whether the last row sums up the others.

    It is named so, or names no policy, and most of what all other rows have is missing in it.
    """
    last, others = frame.iloc[-1], frame.iloc[:-1]
    filled = others.columns[others.iloc[: 1_000].notna().all()]
    gaps = last[filled].isna()
    named = any(_says_total(value) for value in last.dropna())
    nameless = "policy_id" in names and bool(pd.isna(last[names["policy_id"]]))
    return bool(len(filled)) and ((named and int(gaps.sum()) >= 1) or (nameless and int(gaps.sum()) * 2 > len(filled)))


def _says_total(value: object) -> bool:
    return isinstance(value, str) and folded(value) in words_of_totals()
