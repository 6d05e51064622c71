"""The additive part of frequency, shrunk: perils to groups, groups to one, that to a hygiene index or a prior plan.

How much is believed follows from the number of claims: few leave the index, or the prior plan, almost as it is.
"""

from dataclasses import dataclass

import numpy as np

from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.parts import Floats
from cyberscore.training.learning.design import REVENUE_SCALE, layout
from cyberscore.training.learning.regression import Matrix, fit_poisson

GROUPS = (("funds_transfer_fraud", "email_compromise"), ("ransomware", "data_breach", "system_outage"))
"""Perils that share causes: a deceived person, and an intruder (or a failure) in the systems."""
EXPECTED_SLOPE, SLOPE_SPREAD, OWN_SLOPE_SPREAD = 0.15, 0.1, 0.06
"""Of the hygiene index: log rate from a signal's safest to its riskiest code, its spread, and around it by peril."""
REVENUE_EXPONENT = 0.4
"""EL01 EL02."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations, in log rate, of what one level of the hierarchy adds to the level above (judgement).

    `signal` from the safest code to the riskiest in proportion to the index, `step` each step's own part of that,
    `context` unordered signals; `nodes` of the revenue curve around a straight line of the given `slope`.
    """

    level: float
    slope: float
    nodes: float
    sector: float
    country: float
    context: float
    signal: float
    step: float


COMMON = Spread(level=5.0, slope=0.2, nodes=0.2, sector=0.2, country=0.2, context=0.1, signal=0.1, step=0.06)
GROUP = Spread(level=5.0, slope=0.1, nodes=0.1, sector=0.15, country=0.05, context=0.07, signal=0.08, step=0.05)
OWN = Spread(level=5.0, slope=0.07, nodes=0.07, sector=0.12, country=0.04, context=0.05, signal=0.05, step=0.02)
# around a prior plan, on top of `RELATIVE` times its own effects
COMMON_OFF = Spread(level=0.2, slope=0.04, nodes=0.03, sector=0.04, country=0.03, context=0.03, signal=0.03, step=0.01)
GROUP_OFF = Spread(level=0.1, slope=0.03, nodes=0.02, sector=0.03, country=0.02, context=0.02, signal=0.02, step=0.01)
OWN_OFF = Spread(level=0.2, slope=0.03, nodes=0.02, sector=0.03, country=0.02, context=0.02, signal=0.02, step=0.01)
RELATIVE = 0.17
"""Standard deviation, at each level, of the share by which a prior plan's effect is off: 30 % in all (judgement)."""
FLATTENING = 0.03
"""Standard deviation, at each level, of the share by which all its signals are too steep or too flat together."""
SWEEPS = 2


@dataclass(frozen=True, slots=True)
class ShrunkFit:
    """Coefficients by peril, (perils, columns): of stage 0 (revenue, sector, country, one index), and of all."""

    stage_zero: Floats
    full: Floats


def fit_shrunk(X: Matrix, claims: Floats, exposure: Floats, *, prior: Floats | None = None, seed: int = 0) -> ShrunkFit:
    r"""Fit all perils together.

    Parameters
    ----------
    X : (n, columns)
        From `design_matrix`.
    claims, exposure : (n, perils)
        Weighted alike, if at all.
    prior : (perils, columns), optional
        Coefficients of a prior plan.
    seed : int

    Notes
    -----
    With :math:`\beta_p` what is added to the start (the level of each peril, or the prior plan):
    :math:`\beta_p \sim N(\beta_g, S_{own})`, :math:`\beta_g \sim N(\beta, S_{group})`,
    :math:`\beta \sim N(\beta_0, S_{common})`; :math:`\beta_0` is the hygiene index (nothing, with a prior plan). The
    most probable coefficients are found peril by peril, the upper levels in closed form between, in `SWEEPS` rounds
    from fits on the claims of all perils and of groups.
    """
    about = layout()
    k = len(PERILS)
    if prior is None:
        rate = np.maximum(claims.sum(axis=0), 0.5) / np.maximum(exposure.sum(axis=0), 1e-12)
        start = np.zeros((k, about.size))
        start[:, about.level] = np.log(rate)
        precisions = [_precision(spread, about.index) for spread in (COMMON, GROUP, OWN)]
    else:
        start = prior
        effects = prior.mean(axis=0)
        precisions = [_precision(spread, about.index, effects) for spread in (COMMON_OFF, GROUP_OFF, OWN_OFF)]
    expected = exposure * np.exp(np.minimum((X @ start.T.astype(np.float32)).astype(float), 20.0))
    fitting = _Fitting(X, claims, expected, start, seed)
    top = np.zeros(about.size)
    stage_zero = start.copy()
    if prior is None:
        top[about.slope] = REVENUE_EXPONENT * REVENUE_SCALE
        pooled, top = _fit_index(fitting, list(range(k)), top, precisions[0], slope=EXPECTED_SLOPE, spread=SLOPE_SPREAD)
        slope = float(top[about.ordered].sum() / about.index.sum())
        for p in range(k):
            stage_zero[p] += _fit_index(
                fitting, [p], pooled * ~about.ordered, precisions[1], slope=slope, spread=OWN_SLOPE_SPREAD
            )[0]
    return ShrunkFit(stage_zero, start + _fit_hierarchy(fitting, top, precisions))


@dataclass(frozen=True, slots=True)
class _Fitting:
    """What all fits share: rows, claims, claims expected from the start, and the start that bounds are counted from."""

    X: Matrix
    claims: Floats
    expected: Floats
    start: Floats
    seed: int

    def fit(self, perils: list[int], mean: Floats, precision: Floats, begin: Floats) -> Floats:
        """Fit what is added to the start, on the claims of some perils together."""
        ordered = layout().ordered
        lower = np.where(ordered, -self.start[perils].mean(axis=0), -np.inf)
        return fit_poisson(
            self.X,
            self.claims[:, perils].sum(axis=1),
            self.expected[:, perils].sum(axis=1),
            mean=mean,
            precision=precision,
            lower=lower,
            start=begin,
            seed=self.seed,
        )


def _fit_index(
    fitting: _Fitting, perils: list[int], mean: Floats, precision: Floats, *, slope: float, spread: float
) -> tuple[Floats, Floats]:
    """Stage 0: all signals as one index. Return its coefficients, and the mean it gives to the signals' own."""
    about = layout()
    other = np.flatnonzero(~about.ordered)
    index = about.index.astype(np.float32)
    X = np.column_stack([fitting.X[:, other], fitting.X @ index])
    small = np.zeros((len(other) + 1, len(other) + 1))
    small[:-1, :-1] = precision[np.ix_(other, other)]
    small[-1, -1] = 1.0 / spread**2
    centre = np.append(mean[other], slope)
    found = fit_poisson(
        X,
        fitting.claims[:, perils].sum(axis=1),
        fitting.expected[:, perils].sum(axis=1),
        mean=centre,
        precision=small,
        lower=np.append(np.full(len(other), -np.inf), 0.0),
        start=centre,
        seed=fitting.seed,
    )
    out = found[-1] * about.index
    out[other] = found[:-1]
    top = mean.copy()
    top[about.ordered] = found[-1] * about.index[about.ordered]
    return out, top


def _fit_hierarchy(fitting: _Fitting, top: Floats, precisions: list[Floats]) -> Floats:
    """Coefficients by peril, (perils, columns), less the start."""
    first, second, third = precisions
    groups = [[PERILS.index(name) for name in group] for group in GROUPS]
    common = fitting.fit(list(range(len(PERILS))), top, first, top)
    by_group = [fitting.fit(group, common, second, common) for group in groups]
    own: Floats = np.zeros((len(PERILS), len(top)))
    for group, middle in zip(groups, by_group, strict=True):
        own[group] = middle
    for _ in range(SWEEPS):
        for group, middle in zip(groups, by_group, strict=True):
            for p in group:
                own[p] = fitting.fit([p], middle, third, own[p])
        for _ in range(5):
            by_group = [
                _solve(second + len(group) * third, second @ common + third @ own[group].sum(axis=0))
                for group in groups
            ]
            together: Floats = first @ top + second @ np.sum(by_group, axis=0)
            common = _solve(first + len(groups) * second, together)
    return own


def _solve(matrix: Floats, vector: Floats) -> Floats:
    return np.asarray(np.linalg.solve(matrix, vector), dtype=np.float64)


def _precision(spread: Spread, index: Floats, effects: Floats | None = None) -> Floats:
    """Inverse covariance of one level, (columns, columns)."""
    about = layout()
    covariance = np.zeros((about.size, about.size))
    covariance[about.level, about.level] = spread.level**2
    covariance[about.slope, about.slope] = spread.slope**2
    nodes = range(about.hats.start, about.hats.stop)
    covariance[nodes, nodes] = spread.nodes**2
    sizes = {len(signals()): spread.sector, len(signals()) + 1: spread.country}
    for f, span in about.levels.items():
        columns = range(span.start, span.stop)
        covariance[columns, columns] = sizes.get(f, spread.context) ** 2
    for span in about.steps.values():
        way = index[span]
        covariance[span, span] = spread.signal**2 * np.outer(way, way) + spread.step**2 * np.diag(way)
    if effects is not None:
        for span in (*about.levels.values(), *about.steps.values()):
            covariance[span, span] += RELATIVE**2 * np.outer(effects[span], effects[span])
        steep = np.where(about.ordered, effects, 0.0)
        covariance += FLATTENING**2 * np.outer(steep, steep)
    return np.asarray(np.linalg.inv(covariance), dtype=np.float64)
