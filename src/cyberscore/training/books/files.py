"""Tables of a book as files: CSV, plain or packed by gzip, and Parquet. Called by `Book.from_csv`."""

import gzip
import re
import warnings
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cyberscore.exceptions import MissingExtraError
from cyberscore.training.books import csv_layout
from cyberscore.training.books.csv_layout import (
    NO_NAME,
    SAMPLE_BYTES,
    Layout,
    TooLargeError,
    UnreadableError,
    bytes_of,
    encoding_of,
    layout_of,
    likely_encoding,
    text_of,
)
from cyberscore.training.books.mapping import Export, Names, words_of_totals
from cyberscore.training.books.notation import folded

TEXT_COLUMNS = frozenset({"policy_id", "insured_id", "claim_id", "naics", "country", "currency"})
DATE_COLUMNS = frozenset({"start", "end", "occurred_at", "reported_at"})
"""Read as text: a number among them would lose its zeros, and 20260131 is a date."""
EMPTY = ("", "nan", "NaN", "null", "NULL")
"""NA is a country, None may be a level: only these are unknown."""
HEAD_ROWS = 2_000
TRAILING = "(after the last separator)"
_ENDS_IN_COUNT = re.compile(rb"(?:^|\D)[1-9]\d{0,2}$")
_BROKEN = (OSError, EOFError, zlib.error)
"""What a file raises that is not there, may not be read, or is damaged where it is packed."""


@dataclass(slots=True)
class FileTable:
    """A table read from a file: `frame` is None when nothing could be read; `problems` are told before those in it."""

    frame: pd.DataFrame | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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
        _check_size(file)
        if head.startswith(b"PAR1"):
            frame = _read_parquet(file)
        else:
            _check_kind(file, head)
            frame = _read_csv(
                file, table, packed=head.startswith(b"\x1f\x8b"), known=known, export=export, sep=sep, encoding=encoding
            )
    except UnreadableError as error:
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
    if isinstance(error, TooLargeError | FileNotFoundError | PermissionError | IsADirectoryError):
        return str(error)
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        return f"the gzip file is damaged or cut short ({error}): export or copy it again"
    return str(error)


def _check_size(file: Path) -> None:
    size, most = file.stat().st_size, csv_layout.MAX_BYTES
    if size > most:
        raise TooLargeError(f"it has {size:,} bytes, more than {most:,}: split it, or hand over a table")


def _check_kind(file: Path, head: bytes) -> None:
    """Refuse what is neither text nor packed text."""
    if head.startswith(b"PK\x03\x04"):
        raise UnreadableError(
            "it is an Excel workbook or a zip file: save the sheet as CSV UTF-8, or unpack it (gzip needs no unpacking)"
        )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableError("it is an old Excel workbook: save the sheet as CSV UTF-8")
    if file.suffix.lower() in {".parquet", ".pq"}:
        raise UnreadableError("it is not a Parquet file: export it again, or name it .csv if it is text")


def _read_parquet(file: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(file, engine="pyarrow")
    except ImportError as error:
        raise MissingExtraError(
            f"{file} is a Parquet file, and pyarrow is not installed: pip install 'cyberscore[parquet]'"
        ) from error
    except (ValueError, OSError, NotImplementedError) as error:  # pyarrow's own errors are among these
        raise UnreadableError(f"it is a damaged Parquet file: export or copy it again ({error})") from error


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
    def read(codec: str) -> pd.DataFrame:
        form = layout_of(file, codec, sep, packed=packed)
        if form.twice:
            table.problems.append(f"the column {', '.join(form.twice)} appears twice: drop or rename one")
        return _parsed(file, form, Names.of(form.header, known, export), export, packed=packed)

    with bytes_of(file, packed=packed) as raw:
        codec = encoding_of(raw.read(SAMPLE_BYTES), encoding)
    try:
        return read(codec)
    except UnicodeDecodeError:
        codec, question = likely_encoding(file, codec, encoding, packed=packed)
        table.problems.append(question)
        return read(codec)


def _is_text(ours: str) -> bool:
    return ours in TEXT_COLUMNS or ours in DATE_COLUMNS or ours.endswith("__observed_at")


def _parsed(file: Path, form: Layout, names: Names, export: Export, *, packed: bool) -> pd.DataFrame:
    """Table of a CSV file: numbers where nothing can be meant but numbers, else text."""

    def read(dtype: dict[str, Any], **more: Any) -> pd.DataFrame:
        with text_of(file, form.encoding, packed=packed) as text, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of values that have no name, and would be lost
            found: pd.DataFrame = pd.read_csv(
                text,
                sep=form.sep,
                dtype=dtype,
                header=None,
                names=[*form.header, *([TRAILING] if form.trailing else [])],
                skiprows=form.skipped + 1,
                index_col=False,
                keep_default_na=False,
                na_values=list(EMPTY),
                decimal=export.decimal or ".",
                low_memory=False,
                **more,
            )
            return found

    as_text = [theirs for ours, theirs in names.all.items() if _is_text(ours)]
    numeric = [theirs for ours, theirs in names.all.items() if not _is_text(ours)]
    try:
        frame = read(dict.fromkeys(as_text, str))
        if export.decimal is None:
            doubtful, whole = _doubtful(frame[numeric])
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
    except pd.errors.ParserWarning as error:
        raise UnreadableError(
            f"its lines have more values than its header has names ({len(form.header)}): give every column a name"
        ) from error
    except (ValueError, MemoryError) as error:
        raise UnreadableError(f"{str(error).strip()}: a value that holds the separator stands in quotes") from error
    if form.trailing:
        if frame[TRAILING].notna().any():
            raise UnreadableError(
                f"it has {len(form.header)} names, and a value more in some lines: give every column a name"
            )
        frame = frame.drop(columns=TRAILING)
    unnamed = [column for column in frame.columns if column.startswith(NO_NAME) and frame[column].isna().all()]
    return frame.drop(columns=unnamed)


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
    with bytes_of(file, packed=packed) as raw:
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

    It is named so, or names no policy, and much of what all other rows have is missing in it.
    """
    last, others = frame.iloc[-1], frame.iloc[:-1]
    filled = others.columns[others.iloc[:1_000].notna().all()]
    gaps = last[filled].isna()
    named = any(_says_total(value) for value in last.dropna())
    nameless = "policy_id" in names and bool(pd.isna(last[names["policy_id"]]))
    return bool(len(filled)) and (
        (named and int(gaps.sum()) * 3 >= len(filled)) or (nameless and int(gaps.sum()) * 2 > len(filled))
    )


def _says_total(value: object) -> bool:
    return isinstance(value, str) and folded(value) in words_of_totals()
