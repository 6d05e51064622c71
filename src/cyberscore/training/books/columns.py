"""Columns of a table of any library (pandas, polars, Arrow) as numpy, and what is wrong in them.

Called by everything that reads a book.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from cyberscore.exceptions import TrainingError
from cyberscore.training.books.mapping import Export, Names, as_word, suggested, yes_and_no
from cyberscore.training.books.notation import date_hint, number_of, read_dates, read_numbers
from cyberscore.training.books.problems import SHOWN_PROBLEMS, Problems, nearest, rows_text, shown

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
Mask = NDArray[np.bool_]
Column: TypeAlias = "pd.Series[Any]"

MISSING = int(np.iinfo(np.int64).min)
"""Day of a date that is not given."""
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
DATE = "a date such as 2026-01-31 (ISO 8601)"
_OFFSET = re.compile(r"(\d[T ]\d.*?) ?[+-]\d\d(?::?\d\d)?\s*$")  # of a zone, behind a time of day
CONVERT = "convert every amount to USD at the rate of a stated date"
MONEY = frozenset({"annual_revenue", "retention", "limit", "incurred", "paid"})
_UNIT = re.compile(r"[\d.,]\s*(?:[kKmM]|[tT]sd|[mM]n|[mM]io|[bB]n|千|万|萬|百万|亿|億)\b\.?")
_AS_IT_STANDS = Export()


def day_of(moment: date) -> int:
    """Days since 1970-01-01."""
    return moment.toordinal() - date(1970, 1, 1).toordinal()


def date_text(day: int) -> str:
    """ISO date of a day since 1970-01-01."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(day)).isoformat()


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
    export : Export
        Names, words and notation of whoever wrote the table.
    """

    def __init__(
        self, native: IntoDataFrame, name: str, key: str, problems: Problems, export: Export = _AS_IT_STANDS
    ) -> None:
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
        self.name, self.key, self.problems, self.export = name, key, problems, export
        self._theirs = tuple(columns)
        self._sources = {column: column for column in columns}
        self._mapped: dict[str, Column] = {}
        self._faulty: dict[str, Mask] = {}
        self._likely: dict[str, str] = {}
        self.words_met: dict[str, set[str]] = {}
        """Words of the export's mapping that occur, by column."""

    def __len__(self) -> int:
        return len(self._frame)

    def __contains__(self, column: str) -> bool:
        return column in self._sources

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: ours where they are known."""
        return tuple(self._sources)

    def series(self, column: str) -> Column:
        """Return the column for pandas, words mapped; no copy of what pandas holds already."""
        words = self.export.words.get(column)
        if words is None:
            return self._native(column)
        if column not in self._mapped:
            codes, distinct = pd.factorize(self._native(column))
            meant = {as_word(word): words[word] for word in words}
            self.words_met[column] = {as_word(one) for one in distinct} & set(meant)
            values = [meant.get(as_word(one), one) for one in distinct]
            self._mapped[column] = pd.Series(pd.array([*values, None], dtype=object)[codes]).infer_objects()
        return self._mapped[column]

    def _native(self, column: str) -> Column:
        found = self._frame[self._sources[column]]
        if isinstance(native := found.to_native(), pd.Series):
            return native
        if found.dtype in {nw.Categorical, nw.Enum}:
            found = found.cast(nw.String)  # Arrow's own conversion turns gaps into the last category
        return pd.Series(found.to_numpy())

    def who(self, row: int) -> str:
        """Name of a row by its key, as `claim_id C7, `; nothing without that column."""
        return f"{self.key} {shown(self.series(self.key).iloc[row])}" if self.key in self else ""

    def called(self, column: str) -> str:
        """Name of a column in errors: ours, and theirs where it is another."""
        theirs = self._sources.get(column, column)
        return column if theirs == column else f"{column} (their {theirs!r})"

    def wrong(self, column: str, bad: Mask, rule: str, hint: "str | Callable[[object], str]" = "") -> None:
        """Note that a column breaks a rule in some rows: rows, first row's name and value, remedy."""
        if not bad.any():
            return
        self._blame(column, bad)
        row = int(np.argmax(bad))
        got = self.series(column).iloc[row]
        remedy = hint if isinstance(hint, str) else hint(got)
        named = ", ".join(part for part in (self.who(row), f"got {shown(got)}") if part)
        self.problems.add(
            f"{self.name}: {self.called(column)} must be {rule}; wrong in {rows_text(bad)} ({named}){remedy}"
        )

    def faulty(self, column: str) -> Mask:
        """Rows in which something was noted of a column: what stands for it there must not be blamed again."""
        return self._faulty.get(column, np.zeros(len(self), dtype=bool))

    def _blame(self, column: str, bad: Mask) -> None:
        self._faulty[column] = self.faulty(column) | bad

    def wrong_words(
        self,
        column: str,
        bad: Mask,
        choices: Sequence[str],
        *,
        rule: str = "",
        hint: "str | Callable[[object], str]" = "",
        usual: Callable[[object], str | None] = lambda _: None,
    ) -> None:
        """Note words that are not among the choices, as `wrong`, and draft what each may mean.

        `usual` returns the meaning of a word that stands in no choice.
        """
        if not bad.any():
            return
        self.wrong(
            column, bad, rule or f"one of {', '.join(choices)}", hint or (lambda got: nearest(got, list(choices)))
        )
        given = self.series(column)[np.asarray(bad)].dropna()
        if len(given):
            draft = self.problems.words.setdefault(column, {})
            for value in given.drop_duplicates().head(SHOWN_PROBLEMS):
                draft.setdefault(as_word(value), usual(value) or suggested(value, choices))

    def numbers(
        self,
        column: str,
        *,
        above: float | None = None,
        at_least: float | None = None,
        high: float = np.inf,
        remedy: str = "",
    ) -> Floats:
        """Finite numbers within bounds; 1 where they are wrong, or the column is missing.

        `remedy` ends the sentence on one out of bounds. `high` is no rule but a proof: a text that can be two numbers
        is not the one above it.
        """
        if column not in self:
            return np.ones(len(self))
        values, text = self._numbers(column, "numeric", high=high)
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

    def numbers_or_nan(
        self, column: str, words: Mask | None = None, *, high: float = np.inf, percent: bool = False, flag: bool = False
    ) -> Floats:
        """Return numbers, NaN where empty, wrong, or one of the `words` that mean something.

        A `percent` sign divides by 100; the words for yes and no of a `flag` are 1 and 0.
        """
        rule = "numeric, empty where unknown"
        return self._numbers(column, rule, words, high=high, percent=percent, flag=flag)[0]

    def _numbers(
        self,
        column: str,
        rule: str,
        words: Mask | None = None,
        *,
        high: float = np.inf,
        percent: bool = False,
        flag: bool = False,
    ) -> tuple[Floats, Mask]:
        """Numbers with NaN where empty, and where something else stood; that is noted."""
        series = self.series(column)
        if series.dtype.kind in "biuf":
            return series.to_numpy(dtype=float, na_value=np.nan), np.zeros(len(series), dtype=bool)
        codes, distinct = self.labels(column)
        told = dict(yes_and_no()) if flag else {}
        values = np.array([number_of(one, told) for one in distinct] + [np.nan])
        texts = [place for place, one in enumerate(distinct) if isinstance(one, str) and np.isnan(values[place])]
        read = read_numbers(
            [str(distinct[place]) for place in texts],
            decimal=self.export.decimal,
            high=high,
            percent=percent,
            money=column in MONEY,
        )
        values[texts] = read.numbers
        numbers = values[codes]
        bad = (codes >= 0) & np.isnan(numbers)
        if words is not None:
            bad &= ~words
        if bad.any():
            self._blame(column, bad)
        unclear = np.isin(codes, [texts[place] for place in read.unclear])
        if read.question:
            self.problems.add(f"{self.name}: {self.called(column)} in {rows_text(unclear)}: {read.question}")
        foreign = np.isin(codes, [texts[place] for place in read.currencies])
        if foreign.any():
            currencies = ", ".join(sorted(set(read.currencies.values())))
            self.wrong(column, foreign, f"in USD, and not in {currencies}", f": {CONVERT}")
        self._not_numeric(column, bad & ~unclear & ~foreign, rule)
        return numbers, bad

    def _not_numeric(self, column: str, bad: Mask, rule: str) -> None:
        if not bad.any():
            return
        row = int(np.argmax(bad))
        got = self.series(column).iloc[row]
        named = ", ".join(part for part in (self.who(row), f"got {shown(got)}") if part)
        self.problems.add(
            f"{self.name}: {self.called(column)} must be {rule}: wrong in {rows_text(bad)} ({named})"
            f"{self._number_hint(column, got)}"
        )

    def _number_hint(self, column: str, got: object) -> str:
        """Remedy for what is no number."""
        if not isinstance(got, str):
            return f": this is a {type(got).__name__}: does the column hold what its name says?"
        text = got.strip()
        if text.startswith("#"):
            return ": a spreadsheet's error: mend its formula, or leave the cell empty"
        if text.endswith("%"):
            return ": it is no share, so leave the percent sign out"
        if _UNIT.search(text):
            return ": write the number out, without a unit"
        if self.export.decimal is not None and not np.isnan(read_numbers([text], money=column in MONEY).numbers[0]):
            return f": decimal={self.export.decimal!r} is given, and it is not written so"
        return f': leave it empty, or say what it means: values={{"{column}": {{"{text[:30]}": ...}}}}'

    def labels(self, column: str) -> tuple[NDArray[np.int64], list[object]]:
        """Return codes into the distinct values (-1 where empty or blank), and these, without blanks around text."""
        series = self.series(column)
        if isinstance(series.dtype, pd.CategoricalDtype):
            places: NDArray[np.int64] = np.asarray(series.cat.codes, dtype=np.int64)
            return _without_blanks(places, list(series.cat.categories))
        codes, values = pd.factorize(series)
        return _without_blanks(codes.astype(np.int64), list(values))

    def days(self, column: str, *, required: bool = True) -> Days:
        """Days since 1970-01-01, MISSING where empty or wrong."""
        if column not in self:
            return np.full(len(self), MISSING)
        found, unclear, question = self._days(column)
        empty = self._empty(column)
        if question:
            self.problems.add(f"{self.name}: {self.called(column)} in {rows_text(unclear)}: {question}")
        hint = lambda got: date_hint(str(got))  # noqa: E731
        self.wrong(column, ~empty & ~unclear & (found == MISSING), DATE, hint)
        if required:
            self.wrong(column, empty, f"{DATE} in every row")
        far = (found != MISSING) & ((found < day_of(EARLIEST)) | (found > day_of(LATEST)))
        self.wrong(column, far, f"between {EARLIEST} and {LATEST}")
        return np.where(far, MISSING, found)

    def _empty(self, column: str) -> Mask:
        series = self.series(column)
        empty = series.isna().to_numpy(dtype=bool)
        return empty | (self.labels(column)[0] < 0) if series.dtype.kind not in "biufMm" else empty

    def _days(self, column: str) -> tuple[Days, Mask, str]:
        """Days, MISSING where empty or wrong; unclear rows, and the question that settles them."""
        series = self.series(column)
        clear = np.zeros(len(series), dtype=bool)
        if series.dtype.kind == "M":
            if isinstance(series.dtype, pd.ArrowDtype):
                zone = getattr(series.dtype.pyarrow_dtype, "tz", None)
                series = series.astype(pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]")
            return _whole_days(series.dt.tz_localize(None).to_numpy()), clear, ""  # each in its own zone
        codes, values = self.labels(column)
        if series.dtype.kind in "iufbm" or len(values) == 0:
            return np.full(len(series), MISSING), clear, ""
        distinct = pd.Series(values, dtype=object)
        # a year or a month alone is no date, a number least of all
        dated = distinct.map(lambda one: isinstance(one, date) or (isinstance(one, str) and len(one) >= 8))
        parsed = pd.to_datetime(distinct.where(dated).map(_on_the_wall), errors="coerce", format="ISO8601", utc=True)
        days = _whole_days(parsed.dt.tz_localize(None).to_numpy())
        texts = [place for place in np.flatnonzero(days == MISSING) if isinstance(values[place], str)]
        if not texts:
            return np.where(codes < 0, MISSING, days[codes]), clear, ""
        others = int((days != MISSING).sum())
        read = read_dates([str(values[place]) for place in texts], dayfirst=self.export.dayfirst, others=others)
        if read.alone:
            days = np.full(len(days), MISSING)
        days[texts] = [MISSING if one is None else day_of(one) for one in read.dates]
        unclear = np.isin(codes, [texts[place] for place in read.unclear])
        return np.where(codes < 0, MISSING, days[codes]), unclear, read.question

    def likely(self, ours: str) -> str | None:
        """Their column that is likely ours, though it is not read as such."""
        return None if ours in self else self._likely.get(ours)

    def check_names(
        self,
        known: Collection[str],
        lacking: Callable[[Collection[str]], str],
        *,
        dealt_with: "Callable[[Table], tuple[str, ...]] | None" = None,
    ) -> None:
        """Find which column stands for which of ours; note what is missing, misspelt or not read.

        Where names are wrong the table is read under the draft of a mapping, so that all else is told at once.

        Parameters
        ----------
        known : collection of str
            All names that mean something.
        lacking : callable
            Takes the names that are there; returns what to say of required ones that are not, nothing if none.
        dealt_with : callable, optional
            Takes this table, notes what is wrong with some of its columns and returns them.
        """
        names = Names.of(self._theirs, known, self.export)
        missing = lacking(names.sources)
        drafted = names.drafted if missing or names.near else {}
        self._likely = names.drafted
        used = {*names.sources.values(), *drafted.values()}
        left = [theirs for theirs in self._theirs if theirs not in used and self.export.ours(theirs) != ()]
        self._sources = {**names.sources, **drafted, **{theirs: theirs for theirs in left}}
        if missing:
            self.problems.add(missing if names.all else f"{missing}: is the first line of the file no header?")
        for theirs, (ours, other) in names.twice.items():
            self.problems.add(f"{self.name}: both {other!r} and {theirs!r} are read as {ours}: map one to it")
        skip = dealt_with(self) if dealt_with is not None else ()
        for theirs, ours in names.near.items():
            if theirs not in skip:
                self.problems.add(
                    f"{self.name}: unknown column {theirs!r}: did you mean {ours!r}? rename it, or drop it"
                )
        self.problems.columns.update({theirs: ours for ours, theirs in drafted.items()})
        meant = {theirs: ours for ours, theirs in names.drafted.items()}
        ignored = [
            theirs + (f" (is it {meant[theirs]}?)" if theirs in meant else "")
            for theirs in self._theirs
            if theirs not in used and theirs not in skip and theirs not in names.near
            and theirs not in names.twice and self.export.ours(theirs) is None
        ]  # fmt: skip
        if ignored:
            told = f"{self.name}: columns not used: {', '.join(ignored)}"
            self.problems.note(told)
            if missing:
                self.problems.add(told)


def _without_blanks(codes: NDArray[np.int64], values: list[Any]) -> tuple[NDArray[np.int64], list[object]]:
    """Codes and distinct values without blanks around text; what is all blank is empty."""
    stripped = [one.strip() if isinstance(one, str) else one for one in values]
    if not any(
        isinstance(one, str) and (not new or len(new) != len(one)) for one, new in zip(values, stripped, strict=True)
    ):
        return codes, values
    again, distinct = pd.factorize(pd.Series([None if one == "" else one for one in stripped], dtype=object))
    return np.append(again, -1)[codes].astype(np.int64), list(distinct)


def _on_the_wall(moment: object) -> object:
    """Return a moment as a clock of its own zone shows it, without the zone."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return _OFFSET.sub(r"\1", moment) if isinstance(moment, str) else moment


def _whole_days(moments: NDArray[np.datetime64]) -> Days:
    """Whole days of moments; NaT is MISSING, the same number in numpy."""
    return moments.astype("datetime64[D]").astype(np.int64)
