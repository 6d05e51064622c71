"""Terms of a book's policies: their dates and exposure, and which term a claim falls in. Called by the encoding."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cyberscore.training.books.columns import LATEST, MISSING, Days, Floats, Mask, Table, date_text, day_of
from cyberscore.training.books.problems import rows_text

DAYS_A_YEAR = 365.25
LONGEST = 100.0
"""No policy runs for more years: of two ways to read an exposure, the one above is wrong."""
EXPOSURE_TOLERANCE_DAYS = 4.0
"""An exposure given beside dates may differ from them by this much: leap days, and rounding to hundredths."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of policies, in the order of the rows.

    `ids` are the distinct policies, `policy` each row's index into them; `start` and `end` (exclusive, as agreed) are
    days since 1970-01-01, None in a book without dates.
    """

    ids: pd.Index
    policy: NDArray[np.int64]
    start: Days | None
    end: Days | None

    def __len__(self) -> int:
        return len(self.policy)

    @property
    def unreadable(self) -> Mask:
        """Rows whose dates are wrong: they stand after all others, and nothing follows from them."""
        if self.start is None:
            return np.zeros(len(self), dtype=bool)
        return np.asarray(self.start >= day_of(LATEST))

    def of_claims(self, policy: NDArray[np.int64], occurred: Days) -> NDArray[np.int64]:
        """Row of the term that each claim falls in, -1 where there is none.

        Parameters
        ----------
        policy : (claims,), index into `ids`, -1 for unknown
        occurred : (claims,), day; not looked at in a book without dates
        """
        if self.start is None or self.end is None:
            row_of = np.full(len(self.ids) + 1, -1)
            row_of[self.policy] = np.arange(len(self.policy))
            return row_of[policy]
        order = np.lexsort((self.start, self.policy))
        first, span = int(self.start.min()), int(self.start.max() - self.start.min()) + 1
        keys = self.policy[order] * span + (self.start[order] - first)
        wanted = policy * span + np.clip(occurred - first, 0, span - 1)
        place = np.searchsorted(keys, wanted, side="right") - 1
        row = order[np.maximum(place, 0)]
        inside = (place >= 0) & (policy >= 0) & (self.policy[row] == policy)
        inside &= (occurred >= self.start[row]) & (occurred < self.end[row])
        return np.where(inside, row, -1)


def read_terms(table: Table, as_of: date | None) -> tuple[Terms, Floats]:
    """Terms of a policies table and their exposure in years, up to the valuation date."""
    policy, ids = _policies(table)
    given = [name for name in ("start", "end") if name in table]
    if len(given) == 1:
        other = "end" if given[0] == "start" else "start"
        table.problems.add(f"policies: {given[0]} is given without {other}: give both, or neither and the exposure")
    if len(given) < 2:
        if as_of is not None and not given:
            table.problems.add("as_of needs dated policies: add the columns start and end to policies")
        terms = Terms(ids, policy, None, None)
        again = pd.Series(policy).duplicated().to_numpy() & (policy >= 0)
        if again.any() and not given:
            row = int(np.argmax(again))
            first = int(np.argmax(policy == policy[row]))
            table.problems.add(
                f"policies: policy_id must be unique; {rows_text(again)} repeat one (row {row} that of row {first}, "
                f"{table.who(row)}): several terms of a policy need the columns start and end"
            )
        return terms, table.numbers("exposure", above=0.0, high=LONGEST)
    return _dated(table, ids, policy, as_of)


def _policies(table: Table) -> tuple[NDArray[np.int64], pd.Index]:
    if "policy_id" not in table:
        return np.arange(len(table)), pd.RangeIndex(len(table))
    policy, ids = table.labels("policy_id")
    table.wrong("policy_id", policy < 0, "given in every row")
    return policy, pd.Index(ids)


def _dated(table: Table, ids: pd.Index, policy: NDArray[np.int64], as_of: date | None) -> tuple[Terms, Floats]:
    start, end = table.days("start"), table.days("end")
    both = (start != MISSING) & (end != MISSING)
    backwards = both & (end <= start)
    table.wrong("end", backwards, "after start: the first day that is not covered")
    good = both & ~backwards & (policy >= 0)
    _check_overlaps(table, policy, start, end, good)
    # terms that are wrong stand after all others, where no claim and no observation meets them
    never = day_of(LATEST)
    start, end = np.where(good, start, never), np.where(good, end, never + 1)
    agreed = end - start
    years = agreed / DAYS_A_YEAR
    if "exposure" in table:
        told = table.numbers("exposure", above=0.0, high=LONGEST)
        gap = np.abs(told - years) * DAYS_A_YEAR
        off = good & (gap > EXPOSURE_TOLERANCE_DAYS + 0.002 * agreed)
        table.wrong(
            "exposure", off, "the years from start to end, or left out", f": those dates span {_span(years, off)}"
        )
        years = told
    covered = agreed
    if as_of is not None:
        last = day_of(as_of)
        table.wrong("start", good & (start > last), f"no later than as_of {as_of}", ": leave out terms not yet begun")
        covered = np.clip(last + 1 - start, 0, agreed)
        cut = int((good & (covered < agreed)).sum())
        if cut:
            table.problems.note(f"policies: terms in progress, cut at as_of {as_of}: {cut:,}")
    return Terms(ids, policy, start, end), years * covered / agreed


def _span(years: Floats, bad: Mask) -> str:
    return f"{years[int(np.argmax(bad))]:.3f} years" if bad.any() else ""


def _check_overlaps(table: Table, policy: NDArray[np.int64], start: Days, end: Days, good: Mask) -> None:
    """Note terms of one policy that share days: each named with the row that it overlaps."""
    rows = np.flatnonzero(good)
    rows = rows[np.lexsort((start[rows], policy[rows]))]
    before, after = rows[:-1], rows[1:]
    same = (policy[before] == policy[after]) & (start[after] < end[before])
    twice = same & (start[after] == start[before]) & (end[after] == end[before])
    for found, what, remedy in (
        (twice, "the same term twice", "leave one out"),
        (same & ~twice, "terms that overlap", "end one where the next begins (end is exclusive)"),
    ):
        if not found.any():
            continue
        first = int(np.flatnonzero(found)[np.argmin(after[found])])
        a, b = (int(row) for row in sorted((before[first], after[first])))
        spans = " and ".join(f"row {row} ({date_text(start[row])} to {date_text(end[row])})" for row in (a, b))
        more = f", {int(found.sum()):,} such pairs in all" if found.sum() > 1 else ""
        table.problems.add(f"policies: one policy has {what}: {spans}, {table.who(a)}{more}: {remedy}")


def year_of_start(start: Days) -> NDArray[np.int64]:
    """Calendar year of each day."""
    years: NDArray[np.int64] = start.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return years
