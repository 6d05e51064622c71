"""Poisson regression with a normal prior and lower bounds: what the additive part of frequency is fitted with."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from cyberscore.training.books.columns import Floats

Matrix = NDArray[np.float32]
_HESSIAN_ROWS = 40_000
# a start far above the claims falls by e a step, and only with a new Hessian: from some step on each has its own
_RENEW_AT = (0, 2, 5, 10)
_RENEW_ALWAYS_FROM = 15
_MAX_STEPS = 60


def fit_poisson(
    X: Matrix,
    claims: Floats,
    exposure: Floats,
    *,
    mean: Floats,
    precision: Floats,
    lower: Floats,
    start: Floats,
    seed: int,
    tolerance: float = 0.05,
) -> Floats:
    r"""Find the most probable coefficients of a log-linear Poisson rate.

    Parameters
    ----------
    X : float32 array of shape (n, p)
    claims, exposure : arrays of shape (n,)
        Weighted alike, if at all.
    mean, precision : arrays of shape (p,) and (p, p)
        Of the normal prior.
    lower : array of shape (p,)
        Lower bounds, -inf for none.
    start : array of shape (p,)
    seed : int
        Of the rows that the curvature is estimated on.
    tolerance : float
        Stop when a step improves the log posterior by less (nats), and did not promise ten times as much.

    Returns
    -------
    array of shape (p,)

    Notes
    -----
    Minimises :math:`\sum_i e_i \exp(x_i b) - y_i x_i b + (b - m)' P (b - m) / 2` over :math:`b \ge l` by projected
    Newton steps [1]_. The gradient is exact; the Hessian of a large book is estimated on rows drawn by their expected
    claims, which changes the path and not the end.

    References
    ----------
    .. [1] Bertsekas, D. (1982). Projected Newton methods for optimization problems with simple constraints. SIAM
       Journal on Control and Optimization 20, 221-246. doi:10.1137/0320018
    """
    rng = np.random.default_rng(seed)
    claimed = np.flatnonzero(claims)
    claims_by_column = X[claimed].astype(float).T @ claims[claimed]

    def objective(b: Floats) -> tuple[float, Floats]:
        expected = exposure * np.exp((X @ b.astype(np.float32)).astype(float))
        off = b - mean
        return float(expected.sum() - claims_by_column @ b + 0.5 * off @ precision @ off), expected

    b = np.maximum(start, lower)
    value, expected = objective(b)
    hessian = precision
    for step in range(_MAX_STEPS):
        gradient = (X.T @ expected.astype(np.float32)).astype(float) - claims_by_column + precision @ (b - mean)
        if step in _RENEW_AT or step >= _RENEW_ALWAYS_FROM:
            hessian = _curvature(X, expected, rng) + precision
        free = np.flatnonzero(~((b <= lower) & (gradient > 0)))
        direction = np.zeros(len(b))
        ridge = 1e-7 * np.trace(hessian) / len(b)
        factor = cho_factor(hessian[np.ix_(free, free)] + ridge * np.eye(len(free)))
        direction[free] = -cho_solve(factor, gradient[free])
        length = 1.0
        while True:
            trial = np.maximum(b + length * direction, lower)
            trial_value, trial_expected = objective(trial)
            if trial_value <= value + 1e-4 * float(gradient @ (trial - b)) or length < 1e-3:
                break
            length *= 0.5
        gain, promised = value - trial_value, float(gradient @ (b - trial))
        if gain > 0:
            b, value, expected = trial, trial_value, trial_expected
        # a step with an old Hessian may overshoot to where it gains next to nothing, far from the end
        if gain <= 0 or (gain < tolerance and promised < 10 * tolerance):
            break
    return b


def _curvature(X: Matrix, expected: Floats, rng: np.random.Generator) -> Floats:
    """Hessian of the Poisson part; of many rows some stand for all, drawn by their weight."""
    total = float(expected.sum())
    if len(X) > _HESSIAN_ROWS:
        rows = X[np.sort(rng.choice(len(X), _HESSIAN_ROWS, p=expected / total))].astype(float)
        return np.asarray(rows.T @ rows * (total / _HESSIAN_ROWS))
    # in double precision: columns that never vary would make the sum singular within rounding
    weighted = X.astype(float) * np.sqrt(expected)[:, None]
    return np.asarray(weighted.T @ weighted)
