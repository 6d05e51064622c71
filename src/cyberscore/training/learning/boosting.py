"""The base learner, made in one place, and the compiler that turns it into tables through predictions alone.

Called by `estimator`. The booster sees cell codes only, so it is an exact function of the cells.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from cyberscore.exceptions import TrainingError
from cyberscore.rating.tables import AdditiveTables, Bins, Table

SINGLE_THREAD_CELLS = 5_000_000
MAX_FACTOR_CELLS = 255
"""Histogram boosting keeps 255 distinct codes apart, besides missing ones."""

_ROWS_AT_ONCE = 100_000


def make_booster(
    *,
    loss: str,
    monotonic_cst: Sequence[int],
    sets: Iterable[Sequence[int]],
    learning_rate: float,
    max_iter: int,
    max_leaf_nodes: int,
    min_samples_leaf: int,
    l2_regularization: float,
    early_stopping: bool,
    random_state: int,
    verbose: int,
) -> HistGradientBoostingRegressor:
    """Make the unfitted base learner.

    Every column must be in a set, and none is ever declared categorical: scikit-learn moves categorical
    columns to the front without moving the interaction sets along, which would then constrain the wrong
    columns.
    """
    return HistGradientBoostingRegressor(
        loss=loss,
        monotonic_cst=list(monotonic_cst),
        interaction_cst=[set(chosen) for chosen in sets],
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
        max_bins=MAX_FACTOR_CELLS,
        categorical_features=None,
        early_stopping=early_stopping,
        random_state=random_state,
        verbose=verbose,
    )


def find_breakpoints(values: NDArray[np.float64], max_bins: int) -> tuple[float, ...]:
    """Find breakpoints of at most `max_bins` cells, none of them empty.

    Parameters
    ----------
    values : ndarray of shape (n,)
        One factor; NaN is left out.
    max_bins : int
        The largest number of cells.

    Returns
    -------
    tuple of float
        Midpoints of the distinct values where these are few, else quantiles.
    """
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) <= max_bins:
        lower, upper = distinct[:-1], distinct[1:]
        middle = lower / 2 + upper / 2
        # Between neighbouring floats the midpoint is one of them; a cell is closed below.
        points = np.where(middle > lower, middle, upper)
    else:
        shares = np.arange(1, max_bins) / max_bins
        points = np.unique(np.quantile(known, shares, method="inverted_cdf"))
        points = points[points > distinct[0]]
    return tuple(points.tolist())


def find_bins(
    X: NDArray[np.float64], names: Sequence[str], given: Mapping[str, tuple[float, ...]], max_bins: int
) -> dict[str, Bins]:
    """Find the cells of each column: the given breakpoints, or those found from the data."""
    return {
        name: Bins(
            given[name] if name in given else find_breakpoints(column, max_bins),
            has_missing=bool(np.isnan(column).any()),
        )
        for name, column in zip(names, X.T, strict=True)
    }


def find_base(codes: NDArray[np.intp], weight: NDArray[np.float64], bins: Mapping[str, Bins]) -> NDArray[np.intp]:
    """Find each factor's heaviest cell, whose relativity is one by convention."""
    sizes = [factor.n_cells for factor in bins.values()]
    return np.array(
        [np.bincount(column, weight, size).argmax() for column, size in zip(codes.T, sizes, strict=True)],
        dtype=np.intp,
    )


def to_features(codes: NDArray[np.intp], bins: Mapping[str, Bins]) -> NDArray[np.float64]:
    """Turn cell codes into what the booster sees: the code as a number, NaN for the missing cell."""
    features = codes.astype(np.float64)
    for column, factor in enumerate(bins.values()):
        if factor.has_missing:
            features[codes[:, column] == factor.n_cells - 1, column] = np.nan
    return features


def fit_booster(
    booster: HistGradientBoostingRegressor,
    features: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> HistGradientBoostingRegressor:
    """Fit on rows that all have a weight.

    A column without any known value, which scikit-learn cannot bin, is held constant and so never split.

    Raises
    ------
    TrainingError
        If a Poisson fit meets rows without a single claim, as a bag of a very small book can.
    """
    if booster.loss == "poisson" and not target.any():
        raise TrainingError("the rows drawn for a bag hold no claim; use fewer bags or more data")
    unknown = np.isnan(features).all(axis=0)
    if unknown.any():
        features = np.where(unknown, 0.0, features)
    # on few rows threads cost more than they bring, and beside other work they wait on one another without end
    threads = 1 if features.size < SINGLE_THREAD_CELLS else None
    with threadpool_limits(limits=threads, user_api="openmp"):
        return booster.fit(features, target, sample_weight=weight)


def make_raw_prediction(
    booster: HistGradientBoostingRegressor, bins: Mapping[str, Bins]
) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
    """Return the booster as a function of cell codes, on the scale of its link."""

    def predict_raw(codes: NDArray[np.intp]) -> NDArray[np.float64]:
        prediction: NDArray[np.float64] = booster.predict(to_features(codes, bins))
        return prediction if booster.loss == "squared_error" else np.log(prediction)

    return predict_raw


def compile_tables(
    predict_raw: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    bins: Mapping[str, Bins],
    sets: Iterable[Sequence[int]],
    base: Sequence[int] | NDArray[np.intp],
) -> AdditiveTables:
    r"""Compile a function of cell codes into tables, from its predictions alone.

    Parameters
    ----------
    predict_raw : callable
        From codes of shape (m, n_factors) to values of shape (m,), on the scale of the link.
    bins : mapping of str to Bins
        The factors, in the order of the columns.
    sets : iterable of sequences of int
        The sets of one to three columns that the function is a sum over; they may overlap.
    base : sequence of n_factors int
        The cell at which every other factor is held; a table is zero wherever one of its factors is there.

    Returns
    -------
    AdditiveTables
        A table for each set and each of its subsets. Equal to the function up to rounding if that is a sum of
        functions of the sets.

    Notes
    -----
    With F(x_S) the function where the factors outside S are at the base, the table of S is :math:`T_S(x_S) =
    F(x_S) - \sum_{R \subsetneq S} T_R(x_R)`, that is F(x_j) - F() for a single factor and F(x_j, x_k) -
    F(x_j) - F(x_k) + F() for a pair. A function of the set A contributes to T_S only where S is part of A,
    and its contributions over all S within A telescope to itself; this is why overlap does no harm [1]_.

    References
    ----------
    .. [1] Kuo, F., Sloan, I., Wasilkowski, G., Wozniakowski, H. (2010). On decompositions of multivariate
       functions. Mathematics of Computation 79, 953-966. doi:10.1090/S0025-5718-09-02319-9 (anchored
       decomposition)

    Examples
    --------
    >>> from cyberscore.rating.tables import Bins
    >>> bins = {"a": Bins((0.5,), has_missing=False), "b": Bins((0.5,), has_missing=False)}
    >>> tables = compile_tables(lambda codes: 1.0 + codes[:, 0] * codes[:, 1], bins, [(0, 1)], [0, 0])
    >>> tables.intercept, [(table.factors, table.values.tolist()) for table in tables.tables][2]
    (1.0, (('a', 'b'), [[0.0, 0.0], [0.0, 1.0]]))
    """
    names, sizes = list(bins), [factor.n_cells for factor in bins.values()]
    anchor = np.asarray(base, dtype=np.intp)
    subsets = sorted({subset for chosen in sets for subset in _subsets(chosen)}, key=lambda s: (len(s), s))
    intercept = float(predict_raw(anchor[np.newaxis])[0])
    effects: dict[tuple[int, ...], NDArray[np.float64]] = {}
    for subset, raw in _predict_grids(predict_raw, subsets, sizes, anchor):
        effect = raw - intercept
        for part in _subsets(subset)[:-1]:
            effect -= effects[part].reshape([sizes[column] if column in part else 1 for column in subset])
        effects[subset] = effect
    return AdditiveTables(
        intercept=intercept,
        bins=dict(bins),
        tables=tuple(Table(tuple(names[column] for column in subset), effect) for subset, effect in effects.items()),
    )


def average_tables(bags: Sequence[AdditiveTables]) -> AdditiveTables:
    """Average models of the same structure cell by cell: the mean log relativity for a log link."""
    first = bags[0]
    means = (np.mean([bag.tables[place].values for bag in bags], axis=0) for place in range(len(first.tables)))
    return AdditiveTables(
        intercept=float(np.mean([bag.intercept for bag in bags])),
        bins=first.bins,
        tables=tuple(replace(table, values=mean) for table, mean in zip(first.tables, means, strict=True)),
    )


def _subsets(columns: Sequence[int]) -> list[tuple[int, ...]]:
    """Return all subsets but the empty one, the smaller first and the whole last."""
    ordered = sorted(columns)
    return [part for size in range(1, len(ordered) + 1) for part in combinations(ordered, size)]


def _predict_grids(
    predict_raw: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    subsets: Sequence[tuple[int, ...]],
    sizes: Sequence[int],
    base: NDArray[np.intp],
) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64]]]:
    """Yield each subset with its predictions over all its cells; many small grids share a call."""
    waiting: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    n_rows = 0
    for place, subset in enumerate(subsets):
        shape = tuple(sizes[column] for column in subset)
        waiting.append((subset, shape))
        n_rows += prod(shape)
        if n_rows < _ROWS_AT_ONCE and place < len(subsets) - 1:
            continue
        codes = np.tile(base, (n_rows, 1))
        start = 0
        for columns, grid in waiting:
            stop = start + prod(grid)
            codes[start:stop, list(columns)] = np.indices(grid).reshape(len(grid), -1).T
            start = stop
        ends = np.cumsum([prod(grid) for _, grid in waiting])[:-1]
        for (columns, grid), raw in zip(waiting, np.split(predict_raw(codes), ends), strict=True):
            yield columns, raw.reshape(grid).copy()
        waiting, n_rows = [], 0
