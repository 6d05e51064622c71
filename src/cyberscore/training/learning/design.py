"""The columns of the additive part: revenue, sector, country and every step of every signal, blended as a quote is.

Called by the shrunk regression; `Coefficients` go to tables and back.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.learning.regression import Matrix

REVENUE_NODES = (1e5, 1e6, 5e6, 2.5e7, 1e8, 5e8)
REVENUE_CENTRE, REVENUE_SCALE = float(np.log(3.7e6)), 1.42
_SECTOR, _COUNTRY = len(signals()), len(signals()) + 1


def revenue_hats(log_revenue: Floats) -> Floats:
    """Piecewise linear basis in log revenue, (n, nodes); rows sum to one, outer segments run on."""
    nodes = np.log(REVENUE_NODES)
    k = np.clip(np.searchsorted(nodes, log_revenue), 1, len(nodes) - 1)
    share = (log_revenue - nodes[k - 1]) / (nodes[k] - nodes[k - 1])
    hats = np.zeros((len(log_revenue), len(nodes)))
    rows = np.arange(len(log_revenue))
    hats[rows, k - 1] = 1.0 - share
    hats[rows, k] = share
    return hats


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each part stands among the columns.

    `steps[f]` of a signal whose codes have an order: column k is the step from code k to k + 1. `levels[f]` of the
    other factors: a column a code. `index` is (columns,): a step's share of the way from its signal's safest to its
    riskiest code.
    """

    size: int
    level: int
    slope: int
    hats: slice
    steps: dict[int, slice]
    levels: dict[int, slice]
    index: Floats

    @property
    def ordered(self) -> np.ndarray:
        """Which columns are steps, (columns,)."""
        return self.index > 0


@cache
def layout() -> Layout:
    """Columns in order: level, slope in log revenue, revenue nodes, sector, country, then signal by signal."""
    own = factors()
    start = 2 + len(REVENUE_NODES)
    steps: dict[int, slice] = {}
    levels: dict[int, slice] = {}
    for f in (_SECTOR, _COUNTRY, *range(len(signals()))):
        ordered = f < len(signals()) and own[f].monotone
        size = len(own[f].labels) - (1 if ordered else 0)
        (steps if ordered else levels)[f] = slice(start, start + size)
        start += size
    index = np.zeros(start)
    for span in steps.values():
        index[span] = 1.0 / (span.stop - span.start)
    return Layout(start, 0, 1, slice(2, 2 + len(REVENUE_NODES)), steps, levels, index)


def design_matrix(policies: EncodedPolicies, rows: np.ndarray) -> Matrix:
    """Columns of some policies, (rows, columns): an observation counts by its weight, the rest of it where it lies."""
    about = layout()
    X = np.zeros((len(rows), about.size), dtype=np.float32)
    log_revenue = np.log(policies.revenue[rows])
    X[:, about.level] = 1.0
    X[:, about.slope] = (log_revenue - REVENUE_CENTRE) / REVENUE_SCALE
    X[:, about.hats] = revenue_hats(log_revenue)
    catalogue = list(signals().values())
    for f, span in (*about.steps.items(), *about.levels.items()):
        code = policies.codes[rows, f][:, None].astype(np.int16)
        size = span.stop - span.start
        if f >= len(catalogue):
            X[:, span] = code == np.arange(size)
            continue
        weight = policies.weights[rows, f][:, None]
        rest = np.where(code > catalogue[f].unknown, catalogue[f].unanswered, catalogue[f].unknown)
        if f in about.steps:
            at = np.arange(1, size + 1)
            X[:, span] = weight * (code >= at) + (1 - weight) * (rest >= at)
        else:
            X[:, span] = weight * (code == np.arange(size)) + (1 - weight) * (rest == np.arange(size))
    return X


@dataclass(frozen=True, slots=True)
class AdditiveRates:
    """Log rates: `base` (nodes, perils) along the revenue nodes, `tables[f]` (codes, perils), `pairs` of a prior."""

    base: Floats
    tables: tuple[Floats, ...]
    pairs: dict[tuple[str, str], Floats] = field(default_factory=dict)


def to_tables(coefficients: Floats) -> AdditiveRates:
    """Tables of coefficients of shape (perils, columns)."""
    about = layout()
    nodes = (np.log(REVENUE_NODES) - REVENUE_CENTRE) / REVENUE_SCALE
    base = coefficients[:, about.level] + np.outer(nodes, coefficients[:, about.slope]) + coefficients[:, about.hats].T
    tables = []
    for f, factor in enumerate(factors()):
        if f in about.steps:
            rising = np.cumsum(coefficients[:, about.steps[f]], axis=1).T
            tables.append(np.concatenate([np.zeros((1, len(PERILS))), rising]))
        elif f in about.levels:
            tables.append(coefficients[:, about.levels[f]].T.copy())
        else:
            tables.append(np.zeros((len(factor.labels), len(PERILS))))
    return AdditiveRates(base, tuple(tables))


def of_plan(plan: RatingPlan) -> Floats:
    """Coefficients of a plan's frequency, (perils, columns), without its pairs and record counts."""
    about = layout()
    found = np.zeros((N_PERILS, about.size))
    nodes = np.log(REVENUE_NODES)
    base = plan.base.at_many(nodes)[:, :N_PERILS] + plan.log_balance
    for f, factor in enumerate(factors()):
        table = plan.tables[factor.name][:, :N_PERILS]
        if f in about.steps:
            # a step down within rounding is none
            found[:, about.steps[f]] = np.maximum(np.diff(table, axis=0), 0.0).T
            base = base + table[0]
        elif f in about.levels:
            found[:, about.levels[f]] = table.T
    found[:, about.hats] = base.T
    return found
