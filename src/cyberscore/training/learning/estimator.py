"""`AdditiveBoostingRegressor`: a scikit-learn estimator whose fitted model is a set of rating tables.

Called by whoever trains a plan or compares models; everything learned is in `tables_`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import d2_tweedie_score
from sklearn.utils import Tags, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from cyberscore.exceptions import PlanError, TrainingError
from cyberscore.rating.tables import AdditiveTables, Bins
from cyberscore.training.learning._validation import (
    check_columns,
    check_count,
    check_numbers,
    check_rows,
    check_sizes,
    check_target,
    resolve_breakpoints,
    resolve_interactions,
    resolve_monotonic,
)
from cyberscore.training.learning.boosting import (
    MAX_FACTOR_CELLS,
    average_tables,
    compile_tables,
    find_base,
    find_bins,
    fit_booster,
    make_booster,
    make_raw_prediction,
    to_features,
)

_TWEEDIE_POWER = {"squared_error": 0, "poisson": 1, "gamma": 2}


class AdditiveBoostingRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Gradient boosting that compiles, without loss, into main effects and chosen interactions.

    A `HistGradientBoostingRegressor` is trained on the cells of readable bins, under monotone constraints and
    with named sets of factors that may interact. Every path of its trees stays inside one set, so it is a sum
    of functions of the sets [1]_ and is turned into tables through its predictions alone. `predict` reads the
    tables.

    Parameters
    ----------
    loss : {"poisson", "gamma", "squared_error"}, default="poisson"
        Poisson and gamma deviance have a log link (tables hold log relativities), squared error the identity.
    monotonic_cst : dict of factor to {-1, 0, 1}, or array-like of shape (n_features,), default=None
        1 where the prediction must not fall as the factor grows, -1 where it must not rise, in every context.
        A missing value may be rated between the cells or beyond the last, but never before the first.
    interactions : {1, 2, 3} or list of tuples, default=1
        1: main effects only; 2: all pairs; 3: all triples; or the chosen sets of one to three factors, by
        name or column index, which may overlap. Factors in no set keep their main effect.
    breakpoints : dict of factor to array-like, default=None
        Where the cells begin, by name or column index: cell c holds
        ``breakpoints[c-1] <= x < breakpoints[c]``. The other factors get midpoints between their distinct
        values where these are few, else quantiles (weight-free). A nominal factor is an integer code, ordered
        by what is known of its relativities.
    max_bins : int, default=32
        The largest number of cells of a factor whose breakpoints are found, from 2 to 255; a missing cell is
        extra.
    n_bags : int, default=1
        With more than one, that many bootstrap fits are averaged cell by cell; with a log link the average is
        then balanced, so that predictions add up to the claims.
    learning_rate : float, default=0.05
        Shrinkage of each tree.
    max_iter : int, default=200
        Number of trees.
    max_leaf_nodes : int, default=4
        Leaves of a tree.
    min_samples_leaf : int, default=50
        Rows of a leaf (distinct rows, in a bag).
    l2_regularization : float, default=0.0
        Penalty on leaf values.
    early_stopping : bool, default=False
        Whether to stop when a tenth of the rows, held out, no longer improves.
    random_state : int, RandomState or None, default=None
        Seeds the bags and the rows held out. Each bag has its own seed: the result does not depend on
        `n_jobs`.
    n_jobs : int, default=None
        Bags fitted at the same time.
    verbose : int, default=0
        Passed to the booster.

    Attributes
    ----------
    tables_ : AdditiveTables
        The model, on the scale of the link.
    bag_tables_ : list of AdditiveTables
        The model of each bag, before balancing.
    balance_ : float
        The factor that balanced the average of the bags; 1.0 for a single bag or an identity link.
    n_iter_ : int
        Number of trees, the largest of the bags.
    n_features_in_ : int
        Number of factors.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had any; the tables call them x0, x1, ... otherwise.

    Notes
    -----
    Exposure enters as weight: a Poisson count y over exposure e is fitted as the rate y / e with weight e,
    which has the same score equations [2]_. A prior rate p likewise: y / (e p) with weight e p for Poisson, y
    / (e p) with weight e for gamma, and y / e - p with weight e for squared error. Two terms of one policy
    thus count as one, but for `min_samples_leaf`, which counts rows. A row of weight zero is left out.

    Beyond 200,000 rows scikit-learn looks for distinct codes in a sample of them, so that a cell of a few
    rows may be learned together with its neighbour. Tables and booster agree all the same.

    References
    ----------
    .. [1] Lou, Y., Caruana, R., Gehrke, J., Hooker, G. (2013). Accurate intelligible models with pairwise
       interactions. KDD 2013. doi:10.1145/2487575.2487579
    .. [2] Ohlsson, E., Johansson, B. (2010). Non-life insurance pricing with generalized linear models.
    Springer.
       doi:10.1007/978-3-642-10791-7

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"mfa": rng.integers(0, 3, 5000), "staff": rng.integers(1, 500, 5000)})
    >>> years = rng.uniform(0.2, 1.0, 5000)
    >>> claims = rng.poisson(years * 0.2 * np.exp(-0.5 * X["mfa"]))
    >>> model = AdditiveBoostingRegressor(monotonic_cst={"mfa": -1}, breakpoints={"staff": [50, 250]})
    >>> model = model.fit(X, claims, exposure=years)
    >>> [(table.factors, table.values.shape) for table in model.tables_.tables]
    [(('mfa',), (3,)), (('staff',), (3,))]
    >>> bool(np.all(np.diff(model.tables_.tables[0].values) <= 0))
    True
    """

    def __init__(
        self,
        *,
        loss: str = "poisson",
        monotonic_cst: Mapping[Any, int] | ArrayLike | None = None,
        interactions: int | Iterable[Any] = 1,
        breakpoints: Mapping[Any, ArrayLike] | None = None,
        max_bins: int = 32,
        n_bags: int = 1,
        learning_rate: float = 0.05,
        max_iter: int = 200,
        max_leaf_nodes: int = 4,
        min_samples_leaf: int = 50,
        l2_regularization: float = 0.0,
        early_stopping: bool = False,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.monotonic_cst = monotonic_cst
        self.interactions = interactions
        self.breakpoints = breakpoints
        self.max_bins = max_bins
        self.n_bags = n_bags
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.early_stopping = early_stopping
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
        prior: ArrayLike | None = None,
    ) -> Self:
        """Learn the tables.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Numbers; NaN is missing and gets a cell of its own.
        y : array-like of shape (n,)
            Without exposure, the rate or amount to predict; with it, the count or sum over the exposure.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row, zero or more.
        exposure : array-like of shape (n,), default=None
            Exposure of each row, such as policy years, or claims for a mean amount; above zero. Predictions
            are then per unit of exposure.
        prior : array-like of shape (n,), default=None
            What an earlier model predicts per unit of exposure: the tables then hold what comes on top of it,
            as a factor with a log link (prior above zero) and as a difference with squared error.

        Returns
        -------
        self

        Raises
        ------
        TrainingError
            If an option or a row is not valid; the first such row is named.
        """
        check_columns(X)
        if y is not None:
            check_numbers(y, "y")
        matrix, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True)
        names, named = self._factor_names()
        n_bags = check_count(self.n_bags, "n_bags", low=1)
        max_bins = check_count(self.max_bins, "max_bins", low=2, high=MAX_FACTOR_CELLS)
        signs = resolve_monotonic(self.monotonic_cst, names, named=named)
        sets = resolve_interactions(self.interactions, names, named=named)
        given = resolve_breakpoints(self.breakpoints, names, named=named)
        claims = np.asarray(y, dtype=np.float64)
        observed, weight = self._to_rates(claims, sample_weight, exposure)
        offset = self._check_prior(prior, len(claims))
        check_target(claims, weight, self.loss)
        rows = weight > 0
        matrix, observed, weight, offset = matrix[rows], observed[rows], weight[rows], offset[rows]

        bins = find_bins(matrix, names, given, max_bins)
        check_sizes(bins, sets, MAX_FACTOR_CELLS)
        codes = AdditiveTables(0.0, bins, ()).encode(matrix)
        target, target_weight = self._remove_prior(observed, weight, offset)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max, size=4)
        fit_bag = partial(
            _fit_bag,
            options=self._booster_options(signs, sets),
            bins=bins,
            base=find_base(codes, weight, bins),
            resample=n_bags > 1,
        )
        features = to_features(codes, bins)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_bag)(features, target, target_weight, seed=child)
            for child in np.random.SeedSequence(seed.tolist()).spawn(n_bags)
        )
        self.bag_tables_ = [tables for tables, _ in fitted]
        self.n_iter_ = max(n_iter for _, n_iter in fitted)
        self.tables_ = average_tables(self.bag_tables_) if n_bags > 1 else self.bag_tables_[0]
        self.balance_ = 1.0
        if n_bags > 1 and self.loss != "squared_error":
            predicted = self._add_prior(self.tables_.total(codes), offset)
            self.balance_ = float(np.sum(weight * observed) / np.sum(weight * predicted))
            self.tables_ = replace(self.tables_, intercept=self.tables_.intercept + np.log(self.balance_))
        return self

    def predict(self, X: ArrayLike, prior: ArrayLike | None = None) -> NDArray[np.float64]:
        """Predict from the tables.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            The factors, as in `fit`.
        prior : array-like of shape (n,), default=None
            The prior of each row, if the model was fitted on top of one: multiplied (log link) or added.
            Without it, the factor or difference on top of the prior is returned.

        Returns
        -------
        ndarray of shape (n,)
            Rates or amounts, per unit of exposure.

        Raises
        ------
        TrainingError
            If a value is missing in a factor that had no missing value in `fit`, or a prior is not valid.
        """
        check_is_fitted(self)
        check_columns(X)
        self._check_case(X)
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        try:
            codes = self.tables_.encode(matrix)
        except PlanError as error:
            raise TrainingError(f"{error}; fit saw no such value") from error
        return self._add_prior(self.tables_.total(codes), self._check_prior(prior, len(codes)))

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
        prior: ArrayLike | None = None,
    ) -> float:
        """Return D2, the share of the deviance explained beyond that of the mean (R2 for squared error).

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            The factors.
        y : array-like of shape (n,)
            Rates or amounts; with `exposure`, counts or sums, which are compared per unit of exposure,
            weighted by it.
        sample_weight, exposure, prior : array-like of shape (n,), default=None
            As in `fit`.

        Returns
        -------
        float
            1 for perfect predictions, 0 for those of the mean of these rows, a prior left aside.

        Notes
        -----
        A model of counts must be scored with its exposure, else counts are compared with rates. In a
        search, request it: ``set_fit_request(exposure=True).set_score_request(exposure=True)``.
        """
        predicted = self.predict(X, prior=prior)
        target = column_or_1d(check_numbers(y, "y"), dtype=np.float64)
        observed, weight = self._to_rates(target, sample_weight, exposure)
        power = _TWEEDIE_POWER[self.loss]
        return float(d2_tweedie_score(observed, predicted, sample_weight=weight, power=power))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.positive_only = self.loss != "squared_error"
        return tags

    def _check_case(self, X: ArrayLike) -> None:
        """Refuse names that differ from those of `fit` in capitals alone, and say so."""
        fitted = list(getattr(self, "feature_names_in_", []))
        given = [str(name) for name in getattr(X, "columns", [])]
        meant = {name.strip().casefold(): name for name in fitted}
        renamed = {name: meant[name.strip().casefold()] for name in given
                   if name not in fitted and name.strip().casefold() in meant}  # fmt: skip
        if renamed:
            raise TrainingError(
                f"feature names differ from those of fit in capitals or blanks: rename {renamed}, such as with "
                "X.rename(columns=...)"
            )

    def _factor_names(self) -> tuple[list[str], bool]:
        if hasattr(self, "feature_names_in_"):
            return list(self.feature_names_in_), True
        return [f"x{column}" for column in range(self.n_features_in_)], False

    def _to_rates(
        self, y: NDArray[np.float64], sample_weight: ArrayLike | None, exposure: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the observed value per unit of exposure, and its weight."""
        years = check_rows(exposure, "exposure", len(y), above=0)
        return y / years, check_rows(sample_weight, "sample_weight", len(y), at_least=0) * years

    def _check_prior(self, prior: ArrayLike | None, n_rows: int) -> NDArray[np.float64]:
        if self.loss != "squared_error":
            return check_rows(prior, "prior", n_rows, above=0)
        return np.zeros(n_rows) if prior is None else check_rows(prior, "prior", n_rows)

    def _remove_prior(
        self, observed: NDArray[np.float64], weight: NDArray[np.float64], prior: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the target and weight whose fit equals a fit with the prior as an offset."""
        if self.loss == "squared_error":
            return observed - prior, weight
        # Gamma deviance has no scale; Poisson deviance is proportional to the prior.
        return observed / prior, weight * prior if self.loss == "poisson" else weight

    def _add_prior(self, total: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.loss == "squared_error":
            return total + prior
        return np.exp(total) * prior

    def _booster_options(self, signs: list[int], sets: list[tuple[int, ...]]) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "monotonic_cst": signs,
            "sets": sets,
            "learning_rate": self.learning_rate,
            "max_iter": self.max_iter,
            "max_leaf_nodes": self.max_leaf_nodes,
            "min_samples_leaf": self.min_samples_leaf,
            "l2_regularization": self.l2_regularization,
            "early_stopping": self.early_stopping,
            "verbose": self.verbose,
        }


def _fit_bag(
    features: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    options: dict[str, Any],
    bins: dict[str, Bins],
    base: NDArray[np.intp],
    resample: bool,
    seed: np.random.SeedSequence,
) -> tuple[AdditiveTables, int]:
    """Fit one booster, on a bootstrap of the rows if asked, and compile it."""
    booster = make_booster(**options, random_state=int(seed.generate_state(1)[0]))
    if resample:
        # Rows are weighted, not repeated: no copy may sit on both sides of the early-stopping split.
        n_rows = len(target)
        drawn = np.bincount(np.random.default_rng(seed).integers(n_rows, size=n_rows), minlength=n_rows)
        rows = np.flatnonzero(drawn)
        features, target, weight = features[rows], target[rows], weight[rows] * drawn[rows]
    fit_booster(booster, features, target, weight)
    return compile_tables(make_raw_prediction(booster, bins), bins, options["sets"], base), int(booster.n_iter_)
