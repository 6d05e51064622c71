"""The additive model in tables: bins that turn values into cells, and tables that turn cells into a total.

Called by training (which compiles a booster into tables) and by whatever scores, explains or saves a plan.
The total is on the scale of the link: a log rate, a log severity, or plain units for an identity link.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite, isinf, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cyberscore.exceptions import PlanError

MAX_TABLE_CELLS = 6_000
"""Above this a table is neither readable nor fast to load."""

MAX_TABLE_FACTORS = 3
"""Triples are the highest order that people can read."""


@dataclass(frozen=True, slots=True)
class Bins:
    """The cells of one factor: half-open intervals, and a last cell for missing values if there is one.

    Parameters
    ----------
    breakpoints : tuple of float
        Strictly increasing and finite. Cell c holds ``breakpoints[c-1] <= x < breakpoints[c]``.
    has_missing : bool
        Whether a missing value (NaN) has a cell of its own, the last one.

    Raises
    ------
    PlanError
        If the breakpoints are not finite or not strictly increasing.

    Examples
    --------
    >>> bins = Bins((10.0, 50.0), has_missing=True)
    >>> bins.labels()
    ('below 10', '10 to below 50', '50 and above', 'missing')
    >>> bins.encode([3, 10, 80, float("nan")]).tolist()
    [0, 1, 2, 3]
    """

    breakpoints: tuple[float, ...]
    has_missing: bool

    def __post_init__(self) -> None:
        """Hold plain floats, in order."""
        if not isinstance(self.has_missing, bool | np.bool_):
            raise PlanError(f"has_missing must be true or false, got {self.has_missing!r}")
        points = tuple(float(point) for point in self.breakpoints)
        if not all(isfinite(point) for point in points):
            raise PlanError(f"breakpoints must be finite, got {points}")
        for lower, upper in pairwise(points):
            if lower >= upper:
                raise PlanError(f"breakpoints must be strictly increasing, got {lower!r} before {upper!r}")
        object.__setattr__(self, "breakpoints", points)
        object.__setattr__(self, "has_missing", bool(self.has_missing))

    @property
    def n_cells(self) -> int:
        """Number of cells, the missing one included."""
        return len(self.breakpoints) + 1 + self.has_missing

    def encode(self, values: ArrayLike, *, factor: str = "factor") -> NDArray[np.intp]:
        """Find the cell of each value, an array of shape (n,) of values in the factor's own units.

        Raises
        ------
        PlanError
            If a value is infinite, or missing (NaN) without a missing cell; `factor` and row are named.
        """
        column = np.asarray(values, dtype=np.float64)
        codes = np.searchsorted(np.asarray(self.breakpoints, dtype=np.float64), column, side="right")
        odd = ~np.isfinite(column)
        if odd.any():
            refused = np.isinf(column) if self.has_missing else odd
            if refused.any():
                row = int(refused.argmax())
                raise PlanError(_no_cell(factor, column[row], f" in row {row}"))
            codes[odd] = self.n_cells - 1
        return codes

    def encode_one(self, value: float, *, factor: str = "factor") -> int:
        """Find the cell of a single value: `encode` without the cost of an array."""
        if isfinite(value):
            return bisect_right(self.breakpoints, value)
        if isinf(value) or not self.has_missing:
            raise PlanError(_no_cell(factor, value, ""))
        return self.n_cells - 1

    def labels(self) -> tuple[str, ...]:
        """Describe each cell in words, in the order of the cells."""
        points = [_readable(point) for point in self.breakpoints]
        if points:
            inner = [f"{low} to below {high}" for low, high in pairwise(points)]
            names = [f"below {points[0]}", *inner, f"{points[-1]} and above"]
        else:
            names = ["any value"]
        return (*names, "missing") if self.has_missing else tuple(names)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The effect of one to three factors, a value for each combination of their cells.

    Parameters
    ----------
    factors : tuple of str
        One to three different names.
    values : array-like of shape (n_cells of each factor, ...)
        Effects on the scale of the link; held as a read-only array of float64.

    Raises
    ------
    PlanError
        If names repeat, the number of dimensions is wrong, a value is not finite, or there are more than
        6,000 cells.
    """

    factors: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the shape and freeze the array."""
        factors = tuple(self.factors)
        name = " x ".join(map(str, factors))
        if not 1 <= len(factors) <= MAX_TABLE_FACTORS or len(set(factors)) != len(factors):
            raise PlanError(f"a table rates one to three different factors, got {factors}")
        values = np.array(self.values, dtype=np.float64, order="C")
        if values.ndim != len(factors) or values.size == 0:
            raise PlanError(f"table {name} needs an array of {len(factors)} dimensions, got {values.shape}")
        check_table_size(factors, values.shape)
        if not np.isfinite(values).all():
            raise PlanError(f"table {name} holds a value that is not finite; every cell needs a number")
        values.setflags(write=False)
        object.__setattr__(self, "factors", factors)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        """Compare names and every value."""
        if not isinstance(other, Table):
            return NotImplemented
        return self.factors == other.factors and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((self.factors, self.values.shape))

    def __reduce__(self) -> tuple[type["Table"], tuple[Any, ...]]:
        """Rebuild through the constructor, since an unpickled array would be writeable."""
        return Table, (self.factors, self.values)


@dataclass(frozen=True, slots=True)
class AdditiveTables:
    """A sum of tables: intercept + main effects + pairs + triples.

    Parameters
    ----------
    intercept : float
        The total of the base cells, on the scale of the link.
    bins : dict of str to Bins
        The factors; their order is the order of columns everywhere in this class.
    tables : tuple of Table
        No two over the same factors.

    Raises
    ------
    PlanError
        If a table names an unknown factor, has a shape other than its factors' cells, or comes twice.

    Examples
    --------
    >>> import numpy as np
    >>> tables = AdditiveTables(
    ...     intercept=-4.0,
    ...     bins={"mfa": Bins((0.5,), has_missing=True), "staff": Bins((50.0,), has_missing=False)},
    ...     tables=(
    ...         Table(("mfa",), np.array([0.5, 0.0, 0.25])),
    ...         Table(("staff",), np.array([0.0, 1.0])),
    ...         Table(("mfa", "staff"), np.array([[0.0, 0.125], [0.0, 0.0], [0.0, 0.0]])),
    ...     ),
    ... )
    >>> codes = tables.encode([[0.0, 80.0], [float("nan"), 20.0]])
    >>> tables.total(codes).tolist()
    [-2.375, -3.75]
    >>> tables.total_one(tables.encode_one([0.0, 80.0]))
    -2.375
    """

    intercept: float
    bins: dict[str, Bins]
    tables: tuple[Table, ...]
    _single_path: tuple[list[Any], ...] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that tables and bins fit together."""
        if not isfinite(self.intercept):
            raise PlanError(f"the intercept must be finite, got {self.intercept!r}")
        seen: set[frozenset[str]] = set()
        for table in self.tables:
            unknown = [name for name in table.factors if name not in self.bins]
            if unknown:
                raise PlanError(f"table {table.factors} names the factor {unknown[0]!r}, which has no bins")
            shape = tuple(self.bins[name].n_cells for name in table.factors)
            if table.values.shape != shape:
                raise PlanError(
                    f"table {table.factors} has shape {table.values.shape}, but its bins have {shape} cells"
                )
            if frozenset(table.factors) in seen:
                raise PlanError(f"there are two tables of {table.factors}; add them into one")
            seen.add(frozenset(table.factors))
        object.__setattr__(self, "intercept", float(self.intercept))
        object.__setattr__(self, "bins", dict(self.bins))
        object.__setattr__(self, "tables", tuple(self.tables))

    def __reduce__(self) -> tuple[type["AdditiveTables"], tuple[Any, ...]]:
        """Rebuild through the constructor; the lists of the single path are not worth storing."""
        return AdditiveTables, (self.intercept, self.bins, self.tables)

    @property
    def n_cells(self) -> int:
        """Number of cells over all tables."""
        return sum(table.values.size for table in self.tables)

    def encode(self, values: ArrayLike) -> NDArray[np.intp]:
        """Find the cell of every value.

        Parameters
        ----------
        values : array-like of shape (n, n_factors)
            Columns in the order of `bins`; NaN is missing.

        Returns
        -------
        ndarray of shape (n, n_factors), dtype intp

        Raises
        ------
        PlanError
            If the shape is wrong, or a value has no cell.
        """
        matrix = np.asarray(values, dtype=np.float64)
        self._check_width(matrix.shape)
        codes = np.empty(matrix.shape, dtype=np.intp, order="F")
        for column, (name, bins) in enumerate(self.bins.items()):
            codes[:, column] = bins.encode(matrix[:, column], factor=name)
        return codes

    def encode_one(self, values: Sequence[float]) -> list[int]:
        """Find the cells of a single row of n_factors values."""
        self._check_width((1, len(values)))
        return [
            bins.encode_one(value, factor=name) for (name, bins), value in zip(self.bins.items(), values, strict=True)
        ]

    def total(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Add up the tables for many rows.

        Parameters
        ----------
        codes : ndarray of int, shape (n, n_factors)
            Cells as from `encode`.

        Returns
        -------
        ndarray of shape (n,)
            Totals on the scale of the link.

        Raises
        ------
        PlanError
            If the shape is wrong or a code is negative.
        IndexError
            If a code lies beyond the last cell of a factor.
        """
        codes = np.asarray(codes)
        self._check_width(codes.shape)
        if codes.size and codes.min() < 0:
            raise PlanError(f"cell codes start at 0, got {int(codes.min())}; use encode() to find them")
        position = {name: column for column, name in enumerate(self.bins)}
        total = np.full(codes.shape[0], self.intercept)
        for table in self.tables:
            total += table.values[tuple(codes[:, position[name]] for name in table.factors)]
        return total

    def total_one(self, codes: Sequence[int]) -> float:
        """Add up the tables for a single row held as Python integers, without the cost of arrays.

        Parameters
        ----------
        codes : sequence of n_factors int
            Cells as from `encode_one`; not checked.

        Returns
        -------
        float
            The total on the scale of the link.
        """
        if self._single_path is None:
            object.__setattr__(self, "_single_path", self._build_single_path())
        mains, pairs, triples = self._single_path  # type: ignore[misc]  # set two lines up
        total = self.intercept
        for cells, first in mains:
            total += cells[codes[first]]
        for cells, first, second in pairs:
            total += cells[codes[first]][codes[second]]
        for cells, first, second, third in triples:
            total += cells[codes[first]][codes[second]][codes[third]]
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `from_dict` restores an equal object."""
        return {
            "intercept": self.intercept,
            "bins": {
                name: {"breakpoints": list(bins.breakpoints), "has_missing": bins.has_missing}
                for name, bins in self.bins.items()
            },
            "tables": [{"factors": list(table.factors), "values": table.values.tolist()} for table in self.tables],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "AdditiveTables":
        """Build from what `to_dict` returned.

        Raises
        ------
        PlanError
            If a key is missing, a type is wrong, or the tables do not fit their bins.
        """
        try:
            return cls(
                intercept=float(data["intercept"]),
                bins={
                    str(name): Bins(tuple(bins["breakpoints"]), bins["has_missing"])
                    for name, bins in data["bins"].items()
                },
                tables=tuple(
                    Table(tuple(table["factors"]), np.array(table["values"], dtype=np.float64))
                    for table in data["tables"]
                ),
            )
        except PlanError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PlanError(f"additive tables are malformed ({error!r}); expected what to_dict() writes") from error

    def _check_width(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2 or shape[1] != len(self.bins):
            raise PlanError(f"expected {len(self.bins)} columns, one for each of the bins, got shape {shape}")

    def _build_single_path(self) -> tuple[list[Any], ...]:
        position = {name: column for column, name in enumerate(self.bins)}
        by_order: tuple[list[Any], ...] = ([], [], [])
        for table in self.tables:
            columns = (position[name] for name in table.factors)
            by_order[len(table.factors) - 1].append((table.values.tolist(), *columns))
        return by_order


def check_table_size(factors: Sequence[str], shape: Sequence[int]) -> None:
    """Refuse a table of more than `MAX_TABLE_CELLS` cells.

    Raises
    ------
    PlanError
        With the table's name and its number of cells.
    """
    if prod(shape) > MAX_TABLE_CELLS:
        raise PlanError(
            f"table {' x '.join(factors)} would have {prod(shape):,} cells ({' x '.join(map(str, shape))}), "
            f"more than {MAX_TABLE_CELLS:,}; use fewer breakpoints"
        )


def _readable(value: float) -> str:
    return f"{int(value):,}" if value.is_integer() else repr(value)


def _no_cell(factor: str, value: float, place: str) -> str:
    if isinf(value):
        return f"{factor} is infinite{place}; give a finite value, or NaN where it is missing"
    return f"{factor} is missing{place}, but its bins have no missing cell; give a value or add that cell"
