"""Claims of a book: read from a table, checked against the terms they fall in. Called by the encoding."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cyberscore.perils import PERILS
from cyberscore.training.books.columns import MISSING, Days, Floats, Mask, Table, date_text, day_of
from cyberscore.training.books.problems import rows_text, shown
from cyberscore.training.books.terms import Terms

REQUIRED_CLAIM_COLUMNS = ("policy_id", "peril", "incurred")
OPTIONAL_CLAIM_COLUMNS = ("claim_id", "occurred_at", "reported_at", "paid", "status", "currency")
CLAIM_COLUMNS = frozenset({*REQUIRED_CLAIM_COLUMNS, *OPTIONAL_CLAIM_COLUMNS})
STATUSES = ("open", "closed")
CENT = 0.01


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims as a book has them, below the basis too; one entry a row of the table.

    `term` is the row of the policies; `incurred` and `known` (what an open claim costs at least) are net of the
    retention, in USD; `occurred` and `reported` are days since 1970-01-01, MISSING where not given.
    """

    term: NDArray[np.int64]
    peril: NDArray[np.int64]
    incurred: Floats
    known: Floats
    open: Mask
    occurred: Days
    reported: Days

    def __len__(self) -> int:
        return len(self.term)


def read_claims(table: Table, terms: Terms | None, limit: Floats | None, as_of: date | None) -> Claims:
    """Read and check a claims table; problems are noted in it. Without terms only what needs none."""
    dated = "occurred_at" in table if terms is None else terms.start is not None
    required = (*REQUIRED_CLAIM_COLUMNS, "occurred_at") if dated else REQUIRED_CLAIM_COLUMNS

    def lacking(given: Collection[str]) -> str:
        missing = [name for name in required if name not in given]
        return f"claims need the columns {', '.join(required)}; missing: {', '.join(missing)}" if missing else ""

    table.check_names(CLAIM_COLUMNS, lacking)
    if not dated and "occurred_at" in table:
        table.problems.note("claims: dates not used: policies have no start and end")
    occurred = table.days("occurred_at") if dated else np.full(len(table), MISSING)
    reported = table.days("reported_at", required=False) if dated else np.full(len(table), MISSING)
    term = np.full(len(table), -1) if terms is None else _terms(table, terms, occurred)
    incurred = _incurred(table, np.where(term < 0, np.inf, np.inf if limit is None else limit[term]))
    is_open, known = _state(table, incurred)
    _check_dates(table, occurred, reported, as_of)
    if "claim_id" in table:
        code, _ = table.labels("claim_id")
        table.wrong("claim_id", code < 0, "given in every row, or left out")
        again = (code >= 0) & pd.Series(code).duplicated().to_numpy()
        table.wrong(
            "claim_id", again, "unique: one row a claim, at its latest valuation", ": add up its payments in one row"
        )
    occurred = np.where(term < 0, MISSING, occurred)
    return Claims(np.maximum(term, 0), _perils(table), incurred, known, is_open, occurred, reported)


def _terms(table: Table, terms: Terms, occurred: Days) -> NDArray[np.int64]:
    """Row of the term of each claim, -1 where there is none."""
    if "policy_id" not in table:
        return np.full(len(table), -1)
    code, values = table.labels("policy_id")
    policy = np.append(terms.ids.get_indexer(pd.Index(values)) if values else [], -1).astype(np.int64)[code]
    unknown = policy < 0
    if unknown.any():
        row = int(np.argmax(unknown))
        kinds = {isinstance(one, str) for one in (values[:1] + list(terms.ids[:1]))}
        hint = ": ids are text in one table and numbers in the other" if len(kinds) == 2 else ""
        spelt = {_bare(one): one for one in terms.ids}
        if not hint and (alike := spelt.get(_bare(table.series("policy_id").iloc[row]))) is not None:
            hint = f": policies have {shown(alike)}; spell ids alike, with their zeros and without .0"
        table.problems.add(
            f"claims of unknown policies: {rows_text(unknown)} name a policy_id that policies lack "
            f"(got {shown(table.series('policy_id').iloc[row])}){hint}"
        )
    row_of = terms.of_claims(policy, occurred)
    # a claim of a policy whose dates are wrong may well lie inside: one fault, one line
    in_doubt = np.isin(policy, terms.policy[terms.unreadable])
    outside = ~unknown & ~in_doubt & (row_of < 0) & (occurred != MISSING)
    if outside.any() and terms.start is not None and terms.end is not None:
        row = int(np.argmax(outside))
        own = np.flatnonzero(terms.policy == policy[row])
        spans = ", ".join(f"{date_text(terms.start[k])} to {date_text(terms.end[k])}" for k in own[:3])
        more = f" and {len(own) - 3} more" if len(own) > 3 else ""
        on_end = ": end is the first day that is not covered" if (terms.end[own] == occurred[row]).any() else ""
        table.wrong(
            "occurred_at",
            outside,
            "inside a term of its policy",
            f": policy_id {shown(table.series('policy_id').iloc[row])} has the terms {spans}{more}{on_end}",
        )
    return row_of


def _bare(policy: object) -> str:
    """Id without what spreadsheets add and take away: case, leading zeros, and a .0 behind."""
    return str(policy).strip().casefold().removesuffix(".0").lstrip("0")


def _perils(table: Table) -> NDArray[np.int64]:
    if "peril" not in table:
        return np.zeros(len(table), dtype=np.int64)
    code, values = table.labels("peril")
    peril = np.append(pd.Index(PERILS).get_indexer(pd.Index(values, dtype=object)), -1).astype(np.int64)[code]
    table.wrong_words("peril", peril < 0, PERILS)
    return np.maximum(peril, 0)


def _incurred(table: Table, limit: Floats) -> Floats:
    incurred = table.numbers("incurred")
    low = ~(incurred > 0)
    table.wrong(
        "incurred",
        low,
        "positive, net of the retention",
        ": leave out claims that cost nothing, and add recoveries (subrogation, salvage) back",
    )
    above = ~low & (incurred > limit * (1 + 1e-9))
    if above.any():
        row = int(np.argmax(above))
        table.problems.add(
            f"claims: incurred must not exceed the policy's limit; wrong in {rows_text(above)} "
            f"({', '.join(part for part in (table.who(row), f'got {incurred[row]:,.0f}') if part)}, limit "
            f"{limit[row]:,.0f}): give what the policy pays, net of the retention and up to the limit, not the loss "
            "from the ground up"
        )
    return np.where(low, 1.0, incurred)


def _state(table: Table, incurred: Floats) -> tuple[Mask, Floats]:
    """Which claims are open, and what they cost at least."""
    told = ~table.faulty("incurred")
    is_open = np.zeros(len(table), dtype=bool)
    if "status" in table:
        code, values = table.labels("status")
        lowered = [str(value).strip().lower() for value in values]
        status = np.append([STATUSES.index(one) if one in STATUSES else -1 for one in lowered], -1)[code]
        table.wrong_words("status", status < 0, STATUSES, rule="open or closed", hint=": count reopened claims as open")
        is_open = status == 0
    if "paid" not in table:
        return is_open, incurred
    paid = table.numbers("paid", at_least=0.0)
    table.wrong(
        "paid",
        told & (paid > incurred + CENT),
        "at most incurred",
        ": incurred must be paid plus reserve, gross of recoveries: add subrogation and salvage back",
    )
    reserved = int((~is_open & (incurred > paid + CENT)).sum()) if "status" in table else 0
    if reserved:
        table.problems.note(f"claims: {reserved:,} closed claims have more incurred than paid; incurred counts")
    return is_open, np.minimum(paid, incurred)


def _check_dates(table: Table, occurred: Days, reported: Days, as_of: date | None) -> None:
    both = (occurred != MISSING) & (reported != MISSING)
    table.wrong("reported_at", both & (reported < occurred), "no earlier than occurred_at")
    if as_of is None:
        return
    last = day_of(as_of)
    for name, days in (("occurred_at", occurred), ("reported_at", reported)):
        table.wrong(
            name,
            (days != MISSING) & (days > last),
            f"no later than as_of {as_of}",
            ": give the claims as they stood on that day, or a later as_of",
        )


def check_hindsight(policies: Table, terms: Terms, claims: Claims) -> None:
    """Note signals that were observed after a claim of the very term they rate."""
    if terms.start is None or not len(claims):
        return
    first = np.full(len(terms), np.iinfo(np.int64).max)
    placed = claims.occurred != MISSING
    np.minimum.at(first, claims.term[placed], claims.occurred[placed])
    for column in policies.columns:
        if column.endswith("__observed_at") and column.removesuffix("__observed_at") in policies:
            observed = policies.days(column, required=False)
            late = (observed != MISSING) & (observed >= first) & (observed > terms.start)
            policies.wrong(
                column, late, "from before the term's claims", ": hindsight: a claim makes firms look, and look bad"
            )
