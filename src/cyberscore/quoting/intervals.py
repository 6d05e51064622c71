"""How sure a premium is: unknown signals drawn given the known ones, each draw with one bag's tables.

Signals hang together through a few latents (the plan's model of unknowns). Given what is known of this insured the
latents are normal; fixed nodes stored in the plan stand in for chance, so that a quote stays a pure function.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cyberscore.profile import signals
from cyberscore.profile.evidence import Mixture
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.expected_loss import RatedRisk, layer_costs
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan

LEVELS = (0.1, 0.9)
_GRID = 7


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The model of unknowns in the form draws need: padded thresholds, cell scores and codes, spread, bags' cells."""

    thresholds: Floats
    code_of_cell: NDArray[np.intp]
    score_of_code: tuple[tuple[float, ...], ...]
    own: Floats
    spread: Floats
    n_bags: int
    bag_cells: Floats


@lru_cache(maxsize=8)
def _prepared(plan: RatingPlan) -> _Prepared:
    normal = NormalDist()
    model = plan.unknowns
    widest = max(len(row) for row in model.thresholds)
    thresholds = np.full((len(model.thresholds), widest), -np.inf)
    codes = np.zeros((len(model.thresholds), widest + 1), dtype=np.intp)
    scores = []
    for j, (about, row) in enumerate(zip(signals().values(), model.thresholds, strict=True)):
        thresholds[j, : len(row)] = row
        shift = about.n_codes - len(about.code_of_cell)
        codes[j, : len(row) + 1] = [cell if cell < about.unknown else cell + shift for cell in range(len(row) + 1)]
        edges = [1.0, *[normal.cdf(x) for x in row], 0.0]
        by_code = [0.0] * about.n_codes
        for cell, (high, low) in enumerate(pairwise(edges)):
            by_code[int(codes[j, cell])] = normal.inv_cdf(min(max((high + low) / 2, 1e-6), 1 - 1e-6))
        scores.append(tuple(by_code))
    own = np.sqrt(np.maximum(1.0 - (model.loadings**2).sum(axis=1), 0.05))
    bags = plan.cells[None] if plan.bag_deviations is None else plan.cells + plan.bag_deviations
    return _Prepared(
        thresholds=thresholds,
        code_of_cell=codes,
        score_of_code=tuple(scores),
        own=own,
        spread=np.sqrt(1.0 - model.size_slope**2),
        n_bags=len(bags),
        bag_cells=bags.reshape(-1, plan.cells.shape[1]),
    )


def draw_totals(plan: RatingPlan, risk: RatedRisk) -> Floats:
    """Table sums of possible true postures, (nodes, WIDTH)."""
    model, ready = plan.unknowns, _prepared(plan)
    catalogue = list(signals().values())
    mixtures = risk.mixtures[: len(catalogue)]
    size = (math.log(risk.revenue) - model.size_centre) / model.size_scale
    known, kept, score = _known(mixtures, ready)
    centred = (score - model.size_slope * size) / ready.spread
    # posterior of the latents: each known signal is a noisy reading of them, noisier the less it weighs
    precision_of = kept / ready.own**2
    precision = np.eye(model.loadings.shape[1]) + (model.loadings * precision_of[:, None]).T @ model.loadings
    mean = np.linalg.solve(precision, model.loadings.T @ (precision_of * centred))
    root = np.linalg.inv(np.linalg.cholesky(precision)).T
    latent = mean + model.latent_nodes @ root.T
    z = model.size_slope * size + ready.spread * (latent @ model.loadings.T + ready.own * model.own_nodes)
    cell = (z[:, :, None] < ready.thresholds).sum(axis=2)
    drawn = ready.code_of_cell[np.arange(len(catalogue)), cell]
    codes = np.where(model.uniform_nodes < kept, known, drawn)
    context = [mixture[0][0] for mixture in risk.mixtures[len(catalogue) :]]
    everything = np.empty((len(codes), len(risk.mixtures)), dtype=np.intp)
    everything[:, : len(catalogue)] = codes
    everything[:, len(catalogue) :] = context
    index = everything + np.array(plan.offsets)
    if plan.pair_index:
        met = [offset + everything[:, a] * width + everything[:, b] for a, b, offset, width in plan.pair_index]
        index = np.column_stack([index, *met])
    bag = np.arange(len(index)) % ready.n_bags
    rows = index + (bag * len(plan.cells))[:, None]
    totals = risk.base + np.take(ready.bag_cells, rows, axis=0).sum(axis=1)
    if plan.bag_base is not None:
        totals = totals + _base_deviation(plan, risk.revenue)[bag]
    # the risk's own figures are balanced on claims: the draws spread around them, they do not move them
    rates, locations = totals[:, :N_PERILS], totals[:, N_PERILS:]
    rates += risk.total[:N_PERILS] - np.log(np.exp(rates).mean(axis=0))
    locations += risk.total[N_PERILS:] - locations.mean(axis=0)
    return np.asarray(totals)


def _known(mixtures: Sequence[Mixture], ready: _Prepared) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Code that evidence points to, its weight (0 when nothing is known) and its normal score, by signal."""
    codes, kept, scores = [], [], []
    for j, (about, mixture) in enumerate(zip(signals().values(), mixtures, strict=True)):
        best = (about.unknown, 0.0)
        for code, share in mixture:
            if code not in {about.unknown, about.unanswered} and share > best[1]:
                best = (code, share)
        codes.append(best[0])
        kept.append(best[1])
        scores.append(ready.score_of_code[j][best[0]])
    return np.array(codes, dtype=np.intp), np.array(kept), np.array(scores)


def _base_deviation(plan: RatingPlan, revenue: float) -> Floats:
    nodes = plan.base.log_revenue
    x = math.log(revenue)
    k = min(max(int(np.searchsorted(nodes, x)), 1), len(nodes) - 1)
    share = (x - nodes[k - 1]) / (nodes[k] - nodes[k - 1])
    base = plan.bag_base
    assert base is not None  # noqa: S101  the caller looked
    return np.asarray(base[:, k - 1] + share * (base[:, k] - base[:, k - 1]))


def draw_pure(plan: RatingPlan, totals: Floats, revenue: float, coverage: Coverage) -> Floats:
    """Layer pure premium by peril of every draw, (nodes, perils); layer costs are interpolated in the location."""
    mu = totals[:, N_PERILS:]
    low, high = mu.min(axis=0), mu.max(axis=0) + 1e-9
    grid = np.linspace(low, high, _GRID)
    costs = np.array([layer_costs(plan, row.tolist(), revenue, coverage) for row in grid])
    pure = np.empty((len(totals), N_PERILS))
    for k in range(N_PERILS):
        pure[:, k] = np.exp(totals[:, k]) * np.interp(mu[:, k], grid[:, k], costs[:, k])
    return pure
