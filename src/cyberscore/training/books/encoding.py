"""Policies and claims of a book in numbers.

Codes and evidence weights of every signal, exposure and claims by peril.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from cyberscore.exceptions import ProfileError
from cyberscore.perils import (
    BASIS_RETENTION,
    COUNTRY_GROUPS,
    PERILS,
    RECORD_BREAKPOINTS,
    RECORD_UNKNOWN,
    country_group,
)
from cyberscore.profile import sectors, signals
from cyberscore.profile.industries import nearest_industry
from cyberscore.profile.places import COUNTRIES
from cyberscore.training.books.claim_columns import Claims, read_claims
from cyberscore.training.books.columns import Floats, Table
from cyberscore.training.books.problems import Problems, nearest
from cyberscore.training.books.signal_columns import Codes, check_signal_names, encode_signal, signal_column_names
from cyberscore.training.books.terms import Terms, read_terms, year_of_start

WITHOUT_REVENUE = ": of a firm without revenue yet, give what it projected for its first 12 months"
REQUIRED_POLICY_COLUMNS = ("policy_id", "annual_revenue", "sector", "country", "exposure", "retention", "limit")
PLAUSIBLE_MEDIAN_REVENUE = (1e5, 1e9)
MOST_LIMIT_OVER_REVENUE = 20.0
"""A book of firms whose median revenue, or cover beside it, is beyond these is noted: judgement."""
OPTIONAL_POLICY_COLUMNS = ("insured_id", "start", "end", "year", "naics", "record_count", "currency")


@dataclass(frozen=True, slots=True)
class EncodedPolicies:
    """Policy terms in numbers.

    `codes` is (terms, factors) in the order of the plan's factors, `weights` (terms, signals). `insured` numbers
    who is insured: terms of one insured share a number. `reported` (terms, perils) is the share of a term's claims
    that is known by now. `terms` has their dates.
    """

    codes: Codes
    weights: NDArray[np.float32]
    revenue: Floats
    exposure: Floats
    retention: Floats
    limit: Floats
    year: NDArray[np.int64] | None
    insured: NDArray[np.int64]
    reported: Floats
    terms: Terms

    def __len__(self) -> int:
        return len(self.revenue)

    @property
    def index_of(self) -> pd.Index:
        """Policy of each row."""
        return self.terms.ids.take(self.terms.policy)


@dataclass(frozen=True, slots=True)
class EncodedClaims:
    """Claims above the basis.

    `excess` is over the basis; `censored` are those cut by the limit, and open ones, which cost at least this (their
    excess is below the policy's top); `truncation` is the excess below which the policy's retention hides claims.
    """

    policy: NDArray[np.int64]
    peril: NDArray[np.int64]
    excess: Floats
    censored: NDArray[np.bool_]
    truncation: Floats


def encode_policies(policies: IntoDataFrame, *, as_of: date | None = None) -> EncodedPolicies:
    """Check a policies table and turn it into codes and weights; every claim counts as reported.

    Raises
    ------
    TrainingError
        Naming the columns and the first rows that are wrong.
    """
    problems = Problems()
    encoded = encode_policy_table(Table(policies, "policies", "policy_id", problems), as_of)
    problems.settle()
    return encoded


def encode_claims(claims: IntoDataFrame, policies: EncodedPolicies, *, as_of: date | None = None) -> EncodedClaims:
    """Check a claims table (incurred is net of the retention, up to the limit) and bring it to the basis.

    Raises
    ------
    TrainingError
        Naming the columns and the first rows that are wrong.
    """
    problems = Problems()
    found = read_claims(Table(claims, "claims", "claim_id", problems), policies.terms, policies.limit, as_of)
    problems.settle()
    return claims_above_basis(found, policies)


def encode_policy_table(table: Table, as_of: date | None) -> EncodedPolicies:
    """Encode a policies table; what is wrong is noted in it and replaced by something harmless."""
    check_policy_columns(table)
    if len(table) == 0:
        table.problems.add("policies are empty")
        table.problems.settle()
    terms, exposure = read_terms(table, as_of)
    money = {
        "annual_revenue": table.numbers("annual_revenue", above=0.0, remedy=WITHOUT_REVENUE),
        "limit": table.numbers("limit", above=0.0),
    }
    retention = table.numbers("retention", at_least=0.0)
    if "retention" in table and "limit" in table:
        # the numbers that stand for wrong ones must not be blamed again
        swapped = (retention >= money["limit"]) & (money["limit"] > 1.0)
        table.wrong("retention", swapped, "below limit", ": is the limit missing zeros, or are the columns swapped?")
    _note_odd_revenue(table, money["annual_revenue"], money["limit"])
    _note_posture(table)
    signal_codes = [encode_signal(table, about, terms.start) for about in signals().values()]
    codes = [code for code, _ in signal_codes]
    codes += [_sectors(table), _countries(table), _records(table)]
    return EncodedPolicies(
        codes=np.column_stack(codes),
        weights=np.column_stack([weight for _, weight in signal_codes]),
        revenue=money["annual_revenue"],
        exposure=exposure,
        retention=retention,
        limit=money["limit"],
        year=_years(table, terms),
        insured=_insured(table, terms),
        reported=np.ones((len(table), len(PERILS))),
        terms=terms,
    )


def claims_above_basis(claims: Claims, policies: EncodedPolicies) -> EncodedClaims:
    """Claims above the basis, as excess over it; open ones cost at least what is paid."""
    retention, limit = policies.retention[claims.term], policies.limit[claims.term]
    keep = claims.incurred + retention > BASIS_RETENTION
    truncation = np.maximum(retention - BASIS_RETENTION, 0.0)
    # an open claim with nothing paid says only that there is one: a dollar over what is hidden
    known = np.maximum(claims.known + retention - BASIS_RETENTION, np.maximum(truncation, 1.0))
    excess = np.where(claims.open, known, claims.incurred + retention - BASIS_RETENTION)
    return EncodedClaims(
        policy=claims.term[keep],
        peril=claims.peril[keep],
        excess=excess[keep],
        censored=(claims.open | (claims.incurred >= limit * (1 - 1e-9)))[keep],
        truncation=truncation[keep],
    )


def policy_columns() -> frozenset[str]:
    """Every name that a column of policies may have."""
    return frozenset({*REQUIRED_POLICY_COLUMNS, *OPTIONAL_POLICY_COLUMNS, *signal_column_names()})


def check_policy_columns(table: Table) -> None:
    """Note columns that are missing, misspelt or not used."""
    instead = {"sector": ("naics",), "exposure": ("start", "end")}
    wanted = ", ".join(
        name + (f" (or {' and '.join(instead[name])})" if name in instead else "") for name in REQUIRED_POLICY_COLUMNS
    )

    def lacking(given: Collection[str]) -> str:
        missing = [
            name
            for name in REQUIRED_POLICY_COLUMNS
            if name not in given and not any(other in given for other in instead.get(name, ()))
        ]
        return f"policies need the columns {wanted}; missing: {', '.join(missing)}" if missing else ""

    table.check_names(policy_columns(), lacking, dealt_with=check_signal_names)


def _note_posture(table: Table) -> None:
    """Note a book that knows nothing of anyone's security: its plan tells firms apart by who they are alone."""
    told = [name for name in signals() if name in table]
    if not any(table.series(name).notna().any() for name in told):
        what = "the columns of signals are all empty" if told else "there is no column of a signal"
        table.problems.note(
            f"policies: {what}: nothing is known of any firm's security. A signal has a column of its name, such as "
            f"{next(iter(signals()))}"
        )


def _note_odd_revenue(table: Table, revenue: Floats, limit: Floats) -> None:
    """Note revenues that look as if given in another unit: they are rated as they stand."""
    if "annual_revenue" not in table or "limit" not in table:
        return
    median, cover = float(np.median(revenue)), float(np.median(limit))
    low, high = PLAUSIBLE_MEDIAN_REVENUE
    if low <= median <= high and cover <= MOST_LIMIT_OVER_REVENUE * median:
        return
    table.problems.note(
        f"policies: the median annual_revenue is {median:,.{2 if median < 1_000 else 0}f} USD beside a median limit of "
        f"{cover:,.0f} USD: is it in thousands or millions, or in another currency? it is read as USD"
    )


def _years(table: Table, terms: Terms) -> NDArray[np.int64] | None:
    """Year in which each term starts."""
    if terms.start is None:
        return table.numbers("year", high=9_999.0).astype(np.int64) if "year" in table else None
    years = year_of_start(terms.start)
    if "year" in table and (other := int((table.numbers("year", high=9_999.0) != years).sum())):
        table.problems.note(f"policies: year differs from the year of start in {other:,} rows; that of start counts")
    return years


def _insured(table: Table, terms: Terms) -> NDArray[np.int64]:
    if "insured_id" not in table:
        return terms.policy
    code, _ = table.labels("insured_id")
    table.wrong("insured_id", code < 0, "given in every row, or left out")
    return code


def _codes_of(
    table: Table,
    column: str,
    codes: list[int],
    *,
    rule: str,
    hints: dict[str, str],
    choices: Sequence[str] = (),
    usual: Callable[[object], str | None] = lambda _: None,
) -> Codes:
    """Codes of the distinct values of a column, -1 for those that are wrong."""
    index, _ = table.labels(column)
    code: NDArray[np.int64] = np.array([*codes, -1])[index]
    hint = lambda got: hints.get(str(got), "")  # noqa: E731
    if choices:
        table.wrong_words(column, code < 0, choices, rule=rule, hint=hint, usual=usual)
    else:
        table.wrong(column, code < 0, rule, hint)
    return np.maximum(code, 0).astype(np.uint8)


def _sectors(table: Table) -> Codes:
    known = sectors()
    if "sector" in table:
        if "naics" in table:
            table.problems.note("policies: naics not used: sector is given")
        _, values = table.labels("sector")
        codes = [known.index(str(value)) if value in known else -1 for value in values]
        hints = {str(value): nearest(value, list(known)) for value in values}
        return _codes_of(table, "sector", codes, rule=f"one of {', '.join(known)}", hints=hints, choices=known)
    if "naics" not in table:
        return np.zeros(len(table), dtype=np.uint8)
    index, values = table.labels("naics")
    codes, hints, parents = [], {}, []
    for at, value in enumerate(values):
        text = str(int(value)) if isinstance(value, int | float | np.number) and float(value).is_integer() else value
        try:
            found = nearest_industry(str(text).strip())
        except ProfileError as error:
            codes.append(-1)
            hints[str(value)] = f": {error}"
            continue
        codes.append(known.index(found.sector))
        if found.naics != str(text).strip():
            parents.append(at)
    rows = int(np.isin(index, parents).sum())
    if rows:
        some = ", ".join(str(values[at]) for at in parents[:5])
        table.problems.note(f"policies: naics of {rows:,} rows is in neither edition and rated by its parent ({some})")
    return _codes_of(table, "naics", codes, rule="a NAICS code of 2017 or 2022", hints=hints)


def _countries(table: Table) -> Codes:
    if "country" not in table:
        return np.zeros(len(table), dtype=np.uint8)
    _, values = table.labels("country")
    codes, hints = [], {}
    for value in values:
        if value in COUNTRY_GROUPS:
            codes.append(COUNTRY_GROUPS.index(str(value)))
        elif value in COUNTRIES:
            codes.append(COUNTRY_GROUPS.index(country_group(str(value))))
        else:
            codes.append(-1)
            if (meant := _country_meant(value)) is not None:
                hints[str(value)] = f": did you mean {meant!r}?"
    rule = f"one of {', '.join(COUNTRY_GROUPS)}, or a country code of ISO 3166 such as DE"
    return _codes_of(
        table, "country", codes, rule=rule, hints=hints, choices=tuple(COUNTRY_GROUPS), usual=_country_meant
    )


def _country_meant(value: object) -> str | None:
    """Code that a way of writing a country stands for, if it does."""
    upper = str(value).strip().upper()
    meant = {"UK": "GB", "USA": "US"}.get(upper, upper)
    return meant if meant in COUNTRIES or meant in COUNTRY_GROUPS else None


def _records(table: Table) -> Codes:
    if "record_count" not in table:
        return np.full(len(table), RECORD_UNKNOWN, dtype=np.uint8)
    values = table.numbers_or_nan("record_count")
    table.wrong("record_count", values < 0, "at least 0")
    return record_codes(values)


def record_codes(values: Floats) -> Codes:
    """Code of the record count, NaN is unknown."""
    cell = np.searchsorted(RECORD_BREAKPOINTS, np.nan_to_num(values, nan=0.0), side="right")
    code = np.where(cell < RECORD_UNKNOWN, cell, cell + 1)
    return np.where(np.isnan(values), RECORD_UNKNOWN, code).astype(np.uint8)


__all__ = [
    "Codes",
    "EncodedClaims",
    "EncodedPolicies",
    "Floats",
    "claims_above_basis",
    "encode_claims",
    "encode_policies",
    "encode_policy_table",
    "record_codes",
]
