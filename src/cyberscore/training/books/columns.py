"""Columns of a table of any library (pandas, polars, Arrow) as numpy, and what is wrong in them.

Called by everything that reads a book.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from cyberscore.exceptions import TrainingError

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
Mask = NDArray[np.bool_]
Column: TypeAlias = "pd.Series[Any]"

MISSING = int(np.iinfo(np.int64).min)
"""Day of a date that is not given."""
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
SHOWN_ROWS, SHOWN_PROBLEMS = 5, 20
DATE = "a date such as 2026-01-31 (ISO 8601)"
_OFFSET = re.compile(r"(\d[T ]\d.*?) ?[+-]\d\d(?::?\d\d)?\s*$")
"""Offset of a zone behind a time of day."""


def day_of(moment: date) -> int:
    """Days since 1970-01-01."""
    return moment.toordinal() - date(1970, 1, 1).toordinal()


def date_text(day: int) -> str:
    """ISO date of a day since 1970-01-01."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(day)).isoformat()


def rows_text(bad: object) -> str:
    """First rows of a mask, and how many more."""
    rows = np.flatnonzero(np.asarray(bad))
    shown = ", ".join(str(row) for row in rows[:SHOWN_ROWS])
    more = f" and {len(rows) - SHOWN_ROWS:,} more" if len(rows) > SHOWN_ROWS else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def nearest(value: object, names: list[str], cutoff: float = 0.6) -> str:
    """`: did you mean ...?`, or nothing."""
    close = get_close_matches(str(value), names, n=1, cutoff=cutoff)
    return f": did you mean {close[0]!r}?" if close else ""


class Problems:
    """What is wrong with a book, told in one error; and what is merely worth knowing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def add(self, line: str) -> None:
        """Add one problem, once."""
        if line not in self.lines:
            self.lines.append(line)

    def note(self, line: str) -> None:
        """Add something that is no problem, but not to be dropped in silence."""
        self.notes.append(line)

    def settle(self) -> None:
        """Raise what was found.

        Raises
        ------
        TrainingError
            One line a problem, at most 20.
        """
        if not self.lines:
            return
        rows = " (rows are counted from 0)" if any(" in row" in line or " row " in line for line in self.lines) else ""
        if len(self.lines) == 1:
            raise TrainingError(self.lines[0] + rows)
        shown = [f"- {line}" for line in self.lines[:SHOWN_PROBLEMS]]
        if len(self.lines) > SHOWN_PROBLEMS:
            shown.append(f"- and {len(self.lines) - SHOWN_PROBLEMS} more problems")
        raise TrainingError("\n".join([f"the book has {len(self.lines)} problems{rows}:", *shown]))


class Table:
    """A table of a book: reads columns as numpy and notes what is wrong; values that are wrong become harmless.

    Parameters
    ----------
    native : DataFrame of pandas or polars, or Arrow table
        Never changed.
    name : str
        What errors call it: policies or claims.
    key : str
        Column that names a row in errors.
    problems : Problems
    """

    def __init__(self, native: IntoDataFrame, name: str, key: str, problems: Problems) -> None:
        try:
            self._frame = nw.from_native(native, eager_only=True)
            columns = [str(column) for column in self._frame.columns]
        except TypeError as error:
            lazy = ": collect() it first" if hasattr(native, "collect") else ""
            raise TrainingError(
                f"{name} must be a DataFrame of pandas or polars or an Arrow table; got {type(native).__name__}{lazy}"
            ) from error
        except nw.exceptions.NarwhalsError as error:
            raise TrainingError(f"{name} cannot be read as a table: {error}") from error
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise TrainingError(f"{name}: the column {', '.join(twice)} appears twice: drop or rename one")
        self.name, self.key, self.problems = name, key, problems
        self.columns = tuple(columns)
        self._known = frozenset(columns)

    def __len__(self) -> int:
        return len(self._frame)

    def __contains__(self, column: str) -> bool:
        return column in self._known

    def series(self, column: str) -> Column:
        """Return the column for pandas; no copy of what pandas holds already."""
        found = self._frame[column]
        native = found.to_native()
        if isinstance(native, pd.Series):
            return native
        if found.dtype in {nw.Categorical, nw.Enum}:
            found = found.cast(nw.String)  # Arrow's own conversion turns gaps into the last category
        return pd.Series(found.to_numpy())

    def who(self, row: int) -> str:
        """Name of a row by its key, as `claim_id C7, `; nothing without that column."""
        return f"{self.key} {shown(self.series(self.key).iloc[row])}" if self.key in self else ""

    def wrong(self, column: str, bad: Mask, rule: str, hint: "str | Callable[[object], str]" = "") -> None:
        """Note that a column breaks a rule in some rows: rows, first row's name and value, remedy."""
        if not bad.any():
            return
        row = int(np.argmax(bad))
        got = self.series(column).iloc[row]
        remedy = hint if isinstance(hint, str) else hint(got)
        named = ", ".join(part for part in (self.who(row), f"got {shown(got)}") if part)
        self.problems.add(f"{self.name}: {column} must be {rule}; wrong in {rows_text(bad)} ({named}){remedy}")

    def numbers(
        self, column: str, *, above: float | None = None, at_least: float | None = None, remedy: str = ""
    ) -> Floats:
        """Finite numbers within bounds; 1 where they are wrong, or the column is missing."""
        if column not in self:
            return np.ones(len(self))
        values, text = _floats(self.series(column))
        if text.any():
            self._not_numeric(column, text, "numeric")
        infinite = ~text & ~np.isfinite(values)
        self.wrong(column, infinite, "finite", ": fill it in, or leave out the row")
        bad = text | infinite
        if above is not None or at_least is not None:
            rule = (
                f"at least {at_least:g}" if at_least is not None else "positive" if above == 0 else f"above {above:g}"
            )
            low = np.zeros(len(self), dtype=bool)
            if above is not None:
                low |= ~bad & (values <= above)
            if at_least is not None:
                low |= ~bad & (values < at_least)
            self.wrong(column, low, rule, remedy)
            bad = bad | low
        return np.where(bad, 1.0, values)

    def numbers_or_nan(self, column: str, words: Mask | None = None) -> Floats:
        """Return numbers, NaN where empty, wrong, or one of the `words` that mean something."""
        values, text = _floats(self.series(column))
        if words is not None:
            text &= ~words
        if text.any():
            self._not_numeric(column, text, "numeric, empty where unknown")
        return values

    def _not_numeric(self, column: str, bad: Mask, rule: str) -> None:
        row = int(np.argmax(bad))
        named = ", ".join(part for part in (self.who(row), f"got {shown(self.series(column).iloc[row])}") if part)
        self.problems.add(f"{self.name}: {column} must be {rule}: wrong in {rows_text(bad)} ({named})")

    def labels(self, column: str) -> tuple[NDArray[np.int64], list[object]]:
        """Return codes into the distinct values (-1 where empty), and these."""
        series = self.series(column)
        if isinstance(series.dtype, pd.CategoricalDtype):
            places: NDArray[np.int64] = np.asarray(series.cat.codes, dtype=np.int64)
            return places, list(series.cat.categories)
        codes, values = pd.factorize(series)
        return codes.astype(np.int64), list(values)

    def days(self, column: str, *, required: bool = True) -> Days:
        """Days since 1970-01-01, MISSING where empty or wrong."""
        if column not in self:
            return np.full(len(self), MISSING)
        series = self.series(column)
        empty = series.isna().to_numpy()
        found = _days(series)
        self.wrong(column, ~empty & (found == MISSING), DATE)
        if required:
            self.wrong(column, empty, f"{DATE} in every row")
        far = (found != MISSING) & ((found < day_of(EARLIEST)) | (found > day_of(LATEST)))
        self.wrong(column, far, f"between {EARLIEST} and {LATEST}")
        return np.where(far, MISSING, found)

    def check_names(self, known: set[str], missing: str, *, skip: tuple[str, ...] = ()) -> None:
        """Note missing columns, misspelt ones, and those that are not read.

        Parameters
        ----------
        known : set of str
            All columns that mean something.
        missing : str
            What to say of required columns that are not there; nothing when empty.
        skip : tuple of str
            Columns that were dealt with elsewhere.
        """
        if missing:
            self.problems.add(missing)
        absent = sorted(known - self._known)
        ignored = []
        for column in self.columns:
            if column in known or column in skip:
                continue
            begun = [name for name in absent if len(column) > 5 and name.startswith(f"{column}_")]
            close = begun or get_close_matches(column.lower().strip(), absent, n=1, cutoff=0.8)
            if close:
                self.problems.add(
                    f"{self.name}: unknown column {column!r}: did you mean {close[0]!r}? rename it, or drop it"
                )
            else:
                ignored.append(column)
        if ignored:
            self.problems.note(f"{self.name}: columns not used: {', '.join(ignored)}")


def shown(value: object) -> str:
    """Value as errors show it, whatever library it came from."""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _floats(series: Column) -> tuple[Floats, Mask]:
    """Numbers with NaN where empty, and where text stood."""
    if series.dtype.kind in "Mm":
        return np.full(len(series), np.nan), series.notna().to_numpy()
    try:
        values: Floats = series.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        found: Floats = pd.to_numeric(series.astype(object), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return found, series.notna().to_numpy() & np.isnan(found)
    return values, np.zeros(len(series), dtype=bool)


def _days(series: Column) -> Days:
    """Days of dates and moments, each in its own zone."""
    if series.dtype.kind == "M":
        if isinstance(series.dtype, pd.ArrowDtype):
            zone = getattr(series.dtype.pyarrow_dtype, "tz", None)
            series = series.astype(pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]")
        return _whole_days(series.dt.tz_localize(None).to_numpy())
    if series.dtype.kind in "iufbm":
        return np.full(len(series), MISSING)
    codes, values = pd.factorize(series)
    if len(values) == 0:
        return np.full(len(series), MISSING)
    distinct = pd.Series(list(values), dtype=object)
    # a year or a month alone is no date, a number least of all
    dated = distinct.map(lambda one: isinstance(one, date) or (isinstance(one, str) and len(one.strip()) >= 8))
    parsed = pd.to_datetime(distinct.where(dated).map(_on_the_wall), errors="coerce", format="ISO8601", utc=True)
    days = _whole_days(parsed.dt.tz_localize(None).to_numpy())
    return np.where(codes < 0, MISSING, days[codes])


def _on_the_wall(moment: object) -> object:
    """Return a moment as a clock of its own zone shows it, without the zone."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return _OFFSET.sub(r"\1", moment) if isinstance(moment, str) else moment


def _whole_days(moments: NDArray[np.datetime64]) -> Days:
    """Whole days of moments; NaT is MISSING, the same number in numpy."""
    return moments.astype("datetime64[D]").astype(np.int64)
