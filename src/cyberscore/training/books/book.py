"""`Book`: policies and claims of a carrier, checked, from pandas, polars or Arrow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date
from os import PathLike
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoDataFrame

from cyberscore.exceptions import TrainingError
from cyberscore.perils import BASIS_RETENTION
from cyberscore.training.books.claim_columns import CLAIM_COLUMNS, Claims, check_hindsight, read_claims
from cyberscore.training.books.columns import CONVERT, MISSING, Table, date_text, day_of
from cyberscore.training.books.development import ReportingDelays, default_delays, fit_reporting_delays
from cyberscore.training.books.encoding import (
    EncodedClaims,
    EncodedPolicies,
    check_policy_columns,
    claims_above_basis,
    encode_policy_table,
    policy_columns,
)
from cyberscore.training.books.files import read_file
from cyberscore.training.books.mapping import Export
from cyberscore.training.books.problems import Problems, nearest

EMPTY_CLAIMS = ("policy_id", "peril", "incurred", "occurred_at")
"""Columns of a table of no claims."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Book:
    """Policies and claims, checked when made: the contract between a carrier's data and a plan.

    Parameters
    ----------
    policies : DataFrame of pandas or polars, or Arrow table
        One row a policy *term*; a term in which the posture changed is split there. Never changed.

        - ``policy_id``; optional ``insured_id``: terms of one insured are kept together.
        - ``start`` and ``end``: first day covered and first day not covered any more (dates, datetimes or ISO 8601
          text). Several terms of one policy must not overlap. Or, in a book without dates, ``exposure`` in years, with
          one row a policy, and optional ``year``. Beside dates an exposure must agree with them.
        - ``annual_revenue``, ``retention``, ``limit`` (net of the retention) in USD, as at the start of the term.
        - ``sector``, or ``naics`` (2 to 6 digits); ``country`` (ISO 3166-1 alpha-2, or a country group).
        - optional ``record_count`` (empty where unknown) and ``currency`` (must be USD).
        - a column a signal, empty where unknown, as known *at the start of the term*, with optional
          ``<signal>__source`` and ``<signal>__age_days`` (at the start) or ``<signal>__observed_at`` (a date, no later
          than the start). Without a source a value counts as certain.
    claims : DataFrame of pandas or polars, or Arrow table
        One row a claim, at its latest valuation. Never changed.

        - ``policy_id``, ``peril``; optional ``claim_id``.
        - ``incurred``: paid plus reserve in USD, net of the retention, up to the limit, gross of recoveries.
        - ``occurred_at``: the day that assigns the claim to a term; required when policies are dated. On a
          claims-made book that is the day of discovery.
        - optional ``reported_at``, ``paid``, ``status`` (open or closed), ``currency`` (must be USD).
    as_of : date, optional
        Last day the data know of. Terms in progress are cut there, and each term counts with the share of its claims
        that is reported by then. Without it all is at ultimate.
    delays : ReportingDelays, optional
        How late claims are reported; default: fitted to this book's own ``reported_at``, shrunk to a default.
    columns : dict of str to str, optional
        Your name of a column to the one above, such as ``{"Policennummer": "policy_id"}``, for both tables; several of
        ours as a list; None leaves a column out.
    values : dict of str to dict, optional
        By the name above of a column, your words to ours, such as ``{"status": {"offen": "open"}}``; None is unknown.
    decimal : {".", ","}, optional
        Decimal mark of numbers that are text; the other mark groups thousands, as blanks and apostrophes do.
        Default: what the whole column proves. Where nothing proves it and it matters, it is asked for, never guessed.
    dayfirst : bool, optional
        Whether the day comes first in dates whose year is last. Default: what the whole column proves, and yes in
        31.12.2025; else it is asked for.

    Attributes
    ----------
    encoded_policies, encoded_claims
        The same in numbers.
    reporting_delays : ReportingDelays or None
        The delays that were used; None at ultimate.
    notes : tuple of str
        What was left out or read otherwise than one might think.

    Raises
    ------
    TrainingError
        Naming tables, columns, rows (counted from 0), what was got and the remedy, for all problems at once.

    Notes
    -----
    An open claim counts as a claim when its incurred is above the basis, and tells the severity only that it costs more
    than is paid. Claims are never multiplied by a development factor.
    """

    policies: IntoDataFrame
    claims: IntoDataFrame
    _: KW_ONLY
    as_of: date | None = None
    delays: ReportingDelays | None = None
    columns: Mapping[str, str | Sequence[str] | None] | None = None
    values: Mapping[str, Mapping[Any, Any]] | None = None
    decimal: str | None = None
    dayfirst: bool | None = None
    encoded_policies: EncodedPolicies = field(init=False)
    encoded_claims: EncodedClaims = field(init=False)
    reporting_delays: ReportingDelays | None = field(init=False)
    notes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        as_of = _as_date(self.as_of)
        export = Export(self.columns or {}, self.values or {}, self.decimal, self.dayfirst)
        encoded, found = _read(self.policies, self.claims, as_of, export, problems)
        problems.settle()
        if encoded is None or found is None:
            raise AssertionError("a table that is not there is a problem")  # pragma: no cover
        if as_of is None and self.delays is not None:
            problems.note("delays are not used: without as_of every claim counts as reported")
        delays = None if as_of is None else self.delays or _delays(found, as_of, problems)
        terms = encoded.terms
        if as_of is not None and delays is not None and terms.start is not None and terms.end is not None:
            reported = delays.mean_share_reported(terms.start, terms.end, day_of(as_of))
            encoded = replace(encoded, reported=reported)
        _note_claims(found, encoded, as_of, problems)
        for name, value in (
            ("as_of", as_of),
            ("encoded_policies", encoded),
            ("encoded_claims", claims_above_basis(found, encoded)),
            ("reporting_delays", delays),
            ("notes", tuple(problems.notes)),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.encoded_policies)

    def __repr__(self) -> str:
        encoded = self.encoded_policies
        terms = encoded.terms
        spans = ""
        if terms.start is not None and terms.end is not None:
            spans = f" from {date_text(terms.start.min())} to {date_text(terms.end.max())}"
        known = "" if self.as_of is None else f", as of {self.as_of}"
        return (
            f"<Book: {len(self):,} terms of {len(terms.ids):,} policies{spans}, {encoded.exposure.sum():,.1f} years; "
            f"{len(self.encoded_claims.peril):,} claims above {BASIS_RETENTION:,.0f}{known}; {len(self.notes)} notes>"
        )

    @classmethod
    def from_csv(
        cls,
        policies: str | PathLike[str],
        claims: str | PathLike[str] | None,
        *,
        as_of: date | None = None,
        delays: ReportingDelays | None = None,
        sep: str | None = None,
        encoding: str | None = None,
        columns: Mapping[str, str | Sequence[str] | None] | None = None,
        values: Mapping[str, Mapping[Any, Any]] | None = None,
        decimal: str | None = None,
        dayfirst: bool | None = None,
    ) -> Self:
        r"""Read a book from two files: CSV with a header line, plain or packed by gzip; or Parquet.

        Parameters
        ----------
        policies, claims : path
            What a file is, is told by its content, not by its name. Without claims the book has none: enough to
            compare plans.
        as_of, delays
            As of `Book`.
        sep : str, optional
            What parts the columns of a CSV file; default the one of ``, ; \t |`` that parts its lines evenly.
        encoding : str, optional
            Of a CSV file without a byte order mark; default UTF-8. Others are asked for: cp1252 in Western Europe,
            gb18030 in China.
        columns, values, decimal, dayfirst
            As of `Book`.

        Raises
        ------
        TrainingError
            Naming all problems of both files at once, and as `Book` does. Row 0 is the line after the header; rows in
            which nothing stands are not counted.
        MissingExtraError
            For a Parquet file, when pyarrow is not installed.

        Notes
        -----
        Empty rows, and a last row of totals, are left out; `notes` tells so.
        """
        export = Export(columns or {}, values or {}, decimal, dayfirst)
        if claims is None:
            export = _of_policies_alone(export)
        read = [
            read_file(path, name, known=known, export=export, sep=sep, encoding=encoding)
            for path, name, known in (
                (policies, "policies", policy_columns()),
                (claims, "claims", CLAIM_COLUMNS),
            )
            if path is not None
        ]
        frames = [table.frame for table in read]
        if claims is None:
            frames.append(pd.DataFrame(columns=list(EMPTY_CLAIMS)))
        problems = Problems()
        for line in (line for table in read for line in table.problems):
            problems.add(line)
        if problems.lines:
            _read(frames[0], frames[1], _as_date(as_of), export, problems)
            problems.settle()
        book = cls(
            cast("pd.DataFrame", frames[0]),
            cast("pd.DataFrame", frames[1]),
            as_of=as_of,
            delays=delays,
            columns=export.columns,
            values=export.words,
            decimal=decimal,
            dayfirst=dayfirst,
        )
        object.__setattr__(book, "notes", (*(note for table in read for note in table.notes), *book.notes))
        return book


def _of_policies_alone(export: Export) -> Export:
    """Leave out of a mapping what is said of claims: one mapping serves with and without them."""
    of_claims = CLAIM_COLUMNS - policy_columns()
    columns = {
        theirs: ours
        for theirs, ours in export.columns.items()
        if not (names := export.ours(theirs)) or not of_claims.issuperset(names)
    }
    words = {column: words for column, words in export.words.items() if column not in of_claims}
    return replace(export, columns=columns, words=words)


def _read(
    policies: IntoDataFrame | None,
    claims: IntoDataFrame | None,
    as_of: date | None,
    export: Export,
    problems: Problems,
) -> tuple[EncodedPolicies | None, Claims | None]:
    """Policies and claims in numbers; what is wrong is noted, also where one of the tables could not be read."""
    policy_table = None if policies is None else Table(policies, "policies", "policy_id", problems, export)
    claim_table = None if claims is None else Table(claims, "claims", "claim_id", problems, export)
    _check_mapping(export, [table for table in (policy_table, claim_table) if table is not None], problems)
    encoded = None
    if policy_table is not None and len(policy_table) == 0:
        check_policy_columns(policy_table)
        problems.add("policies are empty")
    elif policy_table is not None:
        encoded = encode_policy_table(policy_table, as_of)
    if claim_table is None:
        return encoded, None
    terms, limit = None, None
    if policy_table is not None and encoded is not None:
        terms, limit = encoded.terms, np.where(policy_table.faulty("limit"), np.inf, encoded.limit)
    found = read_claims(claim_table, terms, limit, as_of)
    _note_unmet_words(export, [table for table in (policy_table, claim_table) if table is not None], problems)
    if policy_table is not None and encoded is not None:
        check_hindsight(policy_table, encoded.terms, found)
        _check_currencies(policy_table, claim_table, problems)
    return encoded, found


def _note_unmet_words(export: Export, tables: Sequence[Table], problems: Problems) -> None:
    """Note words of a mapping that do not occur: they did nothing."""
    for column, words in export.words.items():
        met = {word for table in tables for word in table.words_met.get(column, ())}
        if unmet := [repr(word) for word in words if str(word).strip() not in met]:
            problems.note(f"values: {', '.join(unmet)} of {column} {'does' if len(unmet) == 1 else 'do'} not occur")


def _check_mapping(export: Export, tables: Sequence[Table], problems: Problems) -> None:
    """Note names of a mapping that mean nothing: they would do nothing."""
    known: Collection[str] = sorted({*policy_columns(), *CLAIM_COLUMNS})
    theirs = sorted({column for table in tables for column in table.columns})
    for name in export.columns:
        if name not in theirs and len(tables) == 2:
            problems.add(f"columns names {name!r}, which is a column of neither table{nearest(name, theirs)}")
        for ours in export.ours(name) or ():
            if ours not in known:
                problems.add(f"columns maps {name!r} to {ours!r}, which is no name of ours{nearest(ours, list(known))}")
    for name in export.words:
        if name not in known:
            problems.add(f"values names {name!r}, which is no name of ours{nearest(name, list(known))}")


def _as_date(value: object) -> date | None:
    """Date of a date, a datetime or ISO text."""
    try:
        if value is None or isinstance(value, date):
            return None if value is None else date(value.year, value.month, value.day)
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError as error:
        raise TrainingError(f"as_of must be a date such as 2026-01-31; got {value!r}") from error
    raise TrainingError(f"as_of must be a date such as 2026-01-31; got {value!r}")


def _delays(claims: Claims, as_of: date, problems: Problems) -> ReportingDelays:
    """Delays of the claims that have both dates."""
    dated = (claims.occurred != MISSING) & (claims.reported != MISSING)
    if not dated.all():
        left = int((~dated).sum())
        problems.note(f"claims: {left:,} have no reported_at; report delays are learned from the others or defaults")
    if not dated.any():
        return default_delays()
    occurred = claims.occurred[dated]
    return fit_reporting_delays(claims.reported[dated] - occurred, day_of(as_of) - occurred, claims.peril[dated])


def _note_claims(claims: Claims, policies: EncodedPolicies, as_of: date | None, problems: Problems) -> None:
    below = claims.incurred + policies.retention[claims.term] <= BASIS_RETENTION
    if below.any():
        problems.note(
            f"claims: {int(below.sum()):,} losses (incurred {claims.incurred[below].sum():,.0f}) are not above "
            f"the basis of {BASIS_RETENTION:,.0f} and left out"
        )
    if as_of is None and claims.open.any():
        problems.note(
            f"claims: {int(claims.open.sum()):,} are open though no as_of is given: exposure counts as fully reported"
        )


def _check_currencies(policies: Table, claims: Table, problems: Problems) -> None:
    """All amounts must be in USD: rates are stated in it."""
    found: dict[str, list[str]] = {}
    for table in (policies, claims):
        if "currency" in table:
            code, values = table.labels("currency")
            table.wrong("currency", code < 0, "given in every row, or left out")
            found[table.name] = sorted({str(value).strip().upper() for value in values})
        elif (theirs := table.likely("currency")) is not None:
            codes = sorted({str(value).strip().upper() for value in table.labels(theirs)[1]})
            if codes != ["USD"]:
                problems.add(
                    f"{table.name}: the column {theirs!r} is not used, and says {', '.join(codes[:5])}: amounts must "
                    f'be in USD. Map it to currency, or leave it out with columns={{"{theirs}": None}}'
                )
    every = sorted({one for several in found.values() for one in several})
    remedy = f"{CONVERT}, and drop the column or write USD"
    if len(every) > 1:
        told = "; ".join(f"{name} in {', '.join(several)}" for name, several in found.items())
        problems.add(f"currencies are mixed: {told}: {remedy}")
    elif every and every != ["USD"]:
        problems.add(f"{' and '.join(found)}: currency must be USD; got {every[0]}: {remedy}")
