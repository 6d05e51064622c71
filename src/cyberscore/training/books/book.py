"""`Book`: policies and claims of a carrier, checked, from pandas, polars or Arrow."""

import csv
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Self

import pandas as pd
from narwhals.stable.v2.typing import IntoDataFrame

from cyberscore.exceptions import TrainingError
from cyberscore.perils import BASIS_RETENTION
from cyberscore.training.books.claim_columns import Claims, check_hindsight, read_claims
from cyberscore.training.books.columns import MISSING, Problems, Table, date_text, day_of
from cyberscore.training.books.development import ReportingDelays, default_delays, fit_reporting_delays
from cyberscore.training.books.encoding import (
    EncodedClaims,
    EncodedPolicies,
    claims_above_basis,
    encode_policy_table,
)

MAX_CSV_BYTES = 4_000_000_000
"""Larger files are refused: they would not fit in memory twice."""
TEXT_COLUMNS = ("policy_id", "insured_id", "claim_id", "naics", "country", "currency")


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
    encoded_policies: EncodedPolicies = field(init=False)
    encoded_claims: EncodedClaims = field(init=False)
    reporting_delays: ReportingDelays | None = field(init=False)
    notes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        problems = Problems()
        as_of = _as_date(self.as_of)
        policies = Table(self.policies, "policies", "policy_id", problems)
        claims = Table(self.claims, "claims", "claim_id", problems)
        encoded = encode_policy_table(policies, as_of)
        found = read_claims(claims, encoded.terms, encoded.limit, as_of)
        check_hindsight(policies, encoded.terms, found)
        _check_currencies(policies, claims, problems)
        problems.settle()
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
        claims: str | PathLike[str],
        *,
        as_of: date | None = None,
        delays: ReportingDelays | None = None,
    ) -> Self:
        """Read a book from two CSV files (UTF-8, comma, a header line; empty where unknown).

        Parameters
        ----------
        policies, claims : path
        as_of, delays
            As of `Book`.

        Raises
        ------
        TrainingError
            When a file cannot be read, or as `Book` does. Row 0 is the line after the header.
        """
        return cls(_read_csv(policies, "policies"), _read_csv(claims, "claims"), as_of=as_of, delays=delays)


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
    every = sorted({one for several in found.values() for one in several})
    remedy = "convert every amount to USD at the rate of a stated date, and drop the column or write USD"
    if len(every) > 1:
        told = "; ".join(f"{name} in {', '.join(several)}" for name, several in found.items())
        problems.add(f"currencies are mixed: {told}: {remedy}")
    elif every and every != ["USD"]:
        problems.add(f"{' and '.join(found)}: currency must be USD; got {every[0]}: {remedy}")


def _read_csv(path: str | PathLike[str], name: str) -> pd.DataFrame:
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_CSV_BYTES:
            raise TrainingError(
                f"{name}: {file} has {size:,} bytes, more than {MAX_CSV_BYTES:,}: split it, or hand over a table"
            )
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{name}: cannot read {file}: {error}") from error
    if len(header) < 2:
        other = next((mark for mark in (";", "\t", "|") if header and mark in header[0]), None)
        hint = f": columns are parted by {other!r}, a comma is wanted" if other else ": a header line is wanted"
        raise TrainingError(f"{name}: {file} has no columns{hint}")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise TrainingError(f"{name}: the column {', '.join(twice)} appears twice: drop or rename one")
    try:
        # NA is a country, None may be a level: only what is empty is unknown
        return pd.read_csv(
            file,
            dtype=dict.fromkeys(TEXT_COLUMNS, str),
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=["", "nan", "NaN", "null", "NULL"],
            low_memory=False,
        )
    except (ValueError, pd.errors.ParserError, MemoryError) as error:
        raise TrainingError(f"{name}: cannot read {file}: {error}") from error
