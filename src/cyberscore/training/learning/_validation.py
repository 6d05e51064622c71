"""Checks of what a caller hands to the estimator, one job each; called by `estimator` alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import combinations
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cyberscore.exceptions import PlanError, TrainingError
from cyberscore.rating.tables import MAX_TABLE_FACTORS, Bins, check_table_size

MAX_NAMED_ROWS = 1_000_000
"""Rows in which the first that is no number is looked for."""
LOSSES = ("poisson", "gamma", "squared_error")


def check_numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Return a column as numbers.

    Raises
    ------
    TrainingError
        For text that is no number, dates and durations; the first such row is named, with what to do.
    """
    column = np.asarray(values)
    if column.dtype.kind == "c":
        raise TrainingError(f"Complex data not supported: {name} must be real numbers")
    if column.dtype.kind not in "mM":
        try:
            found: NDArray[np.float64] = column.astype(np.float64)
        except (TypeError, ValueError):
            pass
        else:
            return found
    wrong = np.array([not _is_number(value) for value in column.ravel()[:MAX_NAMED_ROWS]])
    row = int(wrong.argmax())
    got = column.ravel()[row]
    raise TrainingError(f"{name} must be numbers; got {_shown(got)} in row {row} (counted from 0): {_remedy(got)}")


def _is_number(value: object) -> bool:
    if value is None or isinstance(value, date | np.datetime64 | np.timedelta64 | timedelta):
        return value is None
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _shown(value: object) -> str:
    if isinstance(value, np.generic):
        value = str(value)[:10] if isinstance(value, np.datetime64) else value.item()
    return value.isoformat()[:10] if isinstance(value, date) else repr(value)


def _remedy(value: object) -> str:
    """Say what to do with a value that is no number."""
    if isinstance(value, date | np.datetime64):
        return "give days, or years, since a date instead"
    if isinstance(value, timedelta | np.timedelta64):
        return "give days as a number"
    if isinstance(value, str):
        return (
            "numbers have a decimal point and no sign of grouping; give a nominal factor as integer codes, ordered by "
            "what is known of their relativities, and an empty cell as NaN"
        )
    return "give one number a row"


def check_columns(X: Any) -> None:
    """Refuse columns of a table that are no numbers, before scikit-learn does without naming them.

    Raises
    ------
    TrainingError
        Naming the column, the first row, what was got and what to do.
    """
    try:
        frame = nw.from_native(X, eager_only=True)
    except TypeError:
        matrix = np.asarray(X)
        if matrix.ndim == 2 and matrix.dtype.kind in "USmM":  # the rest is for scikit-learn to check
            for place in range(matrix.shape[1]):
                check_numbers(matrix[:, place], f"column {place}")
        return
    for name, column in zip(frame.columns, frame.iter_columns(), strict=True):
        if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
            check_numbers(column.to_numpy(), f"column {name!r}")


def check_rows(
    values: ArrayLike | None,
    name: str,
    n_rows: int,
    *,
    at_least: float | None = None,
    above: float | None = None,
) -> NDArray[np.float64]:
    """Return one finite number a row; ones if `values` is None.

    Raises
    ------
    TrainingError
        If the shape is not (n_rows,), or a value is not finite or out of bounds. The first such row is named.
    """
    if values is None:
        return np.ones(n_rows)
    column = check_numbers(values, name)
    if column.shape != (n_rows,):
        raise TrainingError(f"{name} needs one number a row, shape ({n_rows},), got shape {column.shape}")
    wrong, rule = ~np.isfinite(column), "finite"
    if at_least is not None:
        wrong, rule = wrong | (column < at_least), f"at least {at_least:g}"
    if above is not None:
        wrong, rule = wrong | (column <= above), f"above {above:g}"
    if wrong.any():
        row = int(wrong.argmax())
        raise TrainingError(
            f"{name} must be {rule}, got {column[row]:g} in row {row} (counted from 0); correct or leave out"
            f" such rows, {int(wrong.sum())} in all"
        )
    return column


def check_target(y: NDArray[np.float64], weight: NDArray[np.float64], loss: str) -> None:
    """Refuse targets that the loss cannot rate.

    Raises
    ------
    TrainingError
        For an unknown loss, a negative count, a claim amount of zero, weights that are all zero, or no claim.
    """
    if loss not in LOSSES:
        raise TrainingError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    if loss == "poisson":
        check_rows(y, "y with loss 'poisson'", len(y), at_least=0)
    if loss == "gamma":
        check_rows(y, "y with loss 'gamma'", len(y), above=0)
    if not weight.any():
        raise TrainingError("sample_weight is zero in every row; at least one row must count")
    if loss == "poisson" and not (y * weight).any():
        raise TrainingError("y holds no claim at all, so no rate can be learned; pool more rows or longer terms")


def check_count(value: object, name: str, *, low: int, high: int | None = None) -> int:
    """Return an integer option within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TrainingError(f"{name} must be an integer, got {value!r}")
    if value < low or (high is not None and value > high):
        bound = f"at least {low}" if high is None else f"from {low} to {high}"
        raise TrainingError(f"{name} must be {bound}, got {value}")
    return int(value)


def find_column(key: object, names: Sequence[str], *, named: bool, option: str) -> int:
    """Return the column index of a factor given by name or index.

    Raises
    ------
    TrainingError
        If X has no names, the name is unknown (the nearest one is offered), or the index is out of range.
    """
    if isinstance(key, str):
        if not named:
            raise TrainingError(
                f"{option} names the factor {key!r}, but X has no column names; fit on a DataFrame"
                " (in a Pipeline, call set_output(transform='pandas') on it) or give column indices"
            )
        if key not in names:
            same = [name for name in names if name.casefold() == key.strip().casefold()]
            near = same or get_close_matches(key, names, n=1, cutoff=0.0)
            raise TrainingError(f"{option} names the unknown factor {key!r}; did you mean {near[0]!r}?")
        return list(names).index(key)
    return check_count(key, f"a factor in {option}", low=0, high=len(names) - 1)


def resolve_monotonic(
    monotonic_cst: Mapping[Any, int] | ArrayLike | None, names: Sequence[str], *, named: bool
) -> list[int]:
    """Return -1, 0 or 1 for each column."""
    signs = [0] * len(names)
    if isinstance(monotonic_cst, Mapping):
        for key, sign in monotonic_cst.items():
            signs[find_column(key, names, named=named, option="monotonic_cst")] = sign
    elif monotonic_cst is not None:
        signs = np.asarray(monotonic_cst).tolist()
        if not isinstance(signs, list) or len(signs) != len(names):
            raise TrainingError(
                f"monotonic_cst needs one sign a column ({len(names)}) or a dict, got {monotonic_cst!r}"
            )
    for name, sign in zip(names, signs, strict=True):
        if sign not in (-1, 0, 1):
            raise TrainingError(f"monotonic_cst of {name!r} must be -1, 0 or 1, got {sign!r}")
    return [int(sign) for sign in signs]


def resolve_interactions(
    interactions: int | Iterable[Any], names: Sequence[str], *, named: bool
) -> list[tuple[int, ...]]:
    """Return the sets of columns that may meet, none inside another, every column in at least one."""
    n_columns = len(names)
    if isinstance(interactions, int | np.integer):
        order = check_count(interactions, "interactions", low=1, high=MAX_TABLE_FACTORS)
        return list(combinations(range(n_columns), min(order, n_columns)))
    if isinstance(interactions, str) or not isinstance(interactions, Iterable):
        raise TrainingError(f"interactions must be 1, 2, 3 or a list of tuples, got {interactions!r}")
    named_sets = set()
    for entry in interactions:
        members = (entry,) if isinstance(entry, str | int | np.integer) else tuple(entry)
        columns = {find_column(key, names, named=named, option="interactions") for key in members}
        if not 1 <= len(columns) <= MAX_TABLE_FACTORS or len(columns) != len(members):
            raise TrainingError(f"an interaction joins one to three different factors, got {entry!r}")
        named_sets.add(frozenset(columns))
    # Every single factor is listed: the booster would treat the unlisted ones as one joint set.
    candidates = named_sets | {frozenset((column,)) for column in range(n_columns)}
    maximal = [chosen for chosen in candidates if not any(chosen < other for other in candidates)]
    return sorted(tuple(sorted(chosen)) for chosen in maximal)


def resolve_breakpoints(
    breakpoints: Mapping[Any, ArrayLike] | None, names: Sequence[str], *, named: bool
) -> dict[str, tuple[float, ...]]:
    """Return the given breakpoints by factor name."""
    if breakpoints is None:
        return {}
    if not isinstance(breakpoints, Mapping):
        raise TrainingError(f"breakpoints must be a dict of factor to list, got {type(breakpoints).__name__}")
    resolved: dict[str, tuple[float, ...]] = {}
    for key, points in breakpoints.items():
        name = names[find_column(key, names, named=named, option="breakpoints")]
        try:
            resolved[name] = Bins(tuple(np.asarray(points, dtype=np.float64).tolist()), has_missing=False).breakpoints
        except (TypeError, ValueError) as error:
            raise TrainingError(f"breakpoints of {name!r}: {error}") from error
    return resolved


def check_sizes(bins: Mapping[str, Bins], sets: Iterable[Sequence[int]], max_cells: int) -> None:
    """Refuse, before any training, factors or tables with too many cells."""
    names = list(bins)
    for name, factor in bins.items():
        if len(factor.breakpoints) >= max_cells:
            raise TrainingError(
                f"factor {name!r} would have {len(factor.breakpoints) + 1} cells, more than {max_cells};"
                " use fewer breakpoints"
            )
    for chosen in sets:
        factors = [names[column] for column in chosen]
        try:
            check_table_size(factors, [bins[name].n_cells for name in factors])
        except PlanError as error:
            raise TrainingError(f"{error}, a lower max_bins, or fewer interactions") from error
