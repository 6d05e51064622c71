"""Possible true postures of insureds, drawn given what is known of them; each draw with one bag's tables.

Signals hang together through a few latents (the plan's model of unknowns). Given what is known of an insured the
latents are normal; fixed nodes stored in the plan stand in for chance, so that a quote stays a pure function. Callers
are a quote's intervals, one risk at a time, and the calibration of their width, many.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cyberscore.profile import Signal, signals
from cyberscore.rating.parts import N_PERILS, WIDTH, Floats
from cyberscore.rating.plan import RatingPlan

Codes = NDArray[np.integer]


def ordered_codes(about: Signal) -> list[int]:
    """Codes of a signal's cells, safest first: all but those of unknown and unanswered."""
    shift = about.n_codes - len(about.code_of_cell)
    return [cell if cell < about.unknown else cell + shift for cell in range(len(about.code_of_cell))]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The model of unknowns in the form draws need: padded thresholds, codes of cells, scores of codes, bags' cells."""

    thresholds: Floats
    code_of_cell: NDArray[np.intp]
    score_of_code: Floats
    not_known: NDArray[np.intp]
    own: Floats
    spread: Floats
    bag: NDArray[np.intp]
    bag_cells: Floats


@lru_cache(maxsize=8)
def _prepared(plan: RatingPlan) -> _Prepared:
    normal = NormalDist()
    model = plan.unknowns
    catalogue = list(signals().values())
    widest = max(len(row) for row in model.thresholds)
    thresholds = np.full((len(catalogue), widest), -np.inf)
    codes = np.zeros((len(catalogue), widest + 1), dtype=np.intp)
    scores = np.zeros((len(catalogue), max(about.n_codes for about in catalogue)))
    for j, (about, row) in enumerate(zip(catalogue, model.thresholds, strict=True)):
        thresholds[j, : len(row)] = row
        codes[j, : len(row) + 1] = ordered_codes(about)
        edges = [1.0, *[normal.cdf(x) for x in row], 0.0]
        for cell, (high, low) in enumerate(pairwise(edges)):
            scores[j, codes[j, cell]] = normal.inv_cdf(min(max((high + low) / 2, 1e-6), 1 - 1e-6))
    bags = plan.cells[None] if plan.bag_deviations is None else plan.cells + plan.bag_deviations
    return _Prepared(
        thresholds=thresholds,
        code_of_cell=codes,
        score_of_code=scores,
        not_known=np.array([[about.unknown, about.unanswered] for about in catalogue]).T,
        own=np.sqrt(np.maximum(1.0 - (model.loadings**2).sum(axis=1), 0.05)),
        spread=np.sqrt(1.0 - model.size_slope**2),
        bag=np.arange(len(model.latent_nodes)) % len(bags),
        bag_cells=bags.reshape(-1, WIDTH),
    )


def known_weights(plan: RatingPlan, codes: Codes, weights: Floats) -> Floats:
    """Weight of what is known of each signal, 0 where nothing is, (n, signals); arguments as in `draw_totals`."""
    ready, n_signals = _prepared(plan), len(plan.unknowns.loadings)
    nothing = (codes[:, :n_signals] == ready.not_known[0]) | (codes[:, :n_signals] == ready.not_known[1])
    return np.where(nothing, 0.0, weights)


def draw_totals(plan: RatingPlan, codes: Codes, weights: Floats, log_revenue: Floats) -> Floats:
    """Add up the tables for possible true postures, (n, nodes, WIDTH).

    Parameters
    ----------
    plan : RatingPlan
    codes : (n, factors)
        Code of each factor; for signals, the one that evidence points to (unknown or unanswered when none does).
    weights : (n, signals)
        Weight of that evidence.
    log_revenue : (n,)
        Of USD.

    Notes
    -----
    With loadings L, a known signal's score is a reading of the latents whose precision is `weight / own variance`:
    the latents' posterior has precision `I + L' P L` and mean its inverse times `L' P score`. A draw keeps the known
    code with the chance of its weight and takes the drawn one else.
    """
    model, ready = plan.unknowns, _prepared(plan)
    n_signals = len(model.loadings)
    own_codes = np.asarray(codes[:, :n_signals], dtype=np.intp)
    kept = known_weights(plan, own_codes, weights)
    every = np.arange(n_signals)
    by_size, mean, precision = _latents(plan, own_codes, kept, log_revenue)
    root = np.linalg.inv(np.linalg.cholesky(precision))
    latent = mean[:, None, :] + model.latent_nodes @ root
    z = by_size[:, None, :] + ready.spread * (latent @ model.loadings.T + ready.own * model.own_nodes)
    cell = np.zeros(z.shape, dtype=np.intp)
    for edge in ready.thresholds.T:
        cell += z < edge
    everything = np.empty((*z.shape[:2], codes.shape[1]), dtype=np.intp)
    everything[:, :, :n_signals] = np.where(
        model.uniform_nodes < kept[:, None, :], own_codes[:, None, :], ready.code_of_cell[every, cell]
    )
    everything[:, :, n_signals:] = codes[:, None, n_signals:]
    index = everything + np.array(plan.offsets)
    if plan.pair_index:
        met = [offset + everything[:, :, a] * width + everything[:, :, b] for a, b, offset, width in plan.pair_index]
        index = np.concatenate([index, np.stack(met, axis=2)], axis=2)
    index += (ready.bag * len(plan.cells))[:, None]
    # factors first: numpy adds up rows of draws several times faster than columns of factors
    totals: Floats = np.take(ready.bag_cells, np.moveaxis(index, 2, 0), axis=0).sum(axis=0)
    if plan.bag_base is not None:
        totals += _base_deviations(plan, plan.bag_base, log_revenue)[:, ready.bag]
    totals += (plan.base.at_many(log_revenue) + plan.balance_row)[:, None, :]
    return totals


def _latents(plan: RatingPlan, own_codes: Codes, kept: Floats, log_revenue: Floats) -> tuple[Floats, Floats, Floats]:
    """Shift of scores by size, (n, signals), and the latents' posterior mean and precision given what is known."""
    model, ready = plan.unknowns, _prepared(plan)
    by_size: Floats = model.size_slope * ((log_revenue - model.size_centre) / model.size_scale)[:, None]
    centred = (ready.score_of_code[np.arange(len(model.loadings)), own_codes] - by_size) / ready.spread
    precision_of = kept / ready.own**2
    precision = np.eye(model.loadings.shape[1]) + (model.loadings.T * precision_of[:, None, :]) @ model.loadings
    reading = (precision_of * centred) @ model.loadings
    mean = np.asarray(np.linalg.solve(precision, reading[:, :, None])[:, :, 0], dtype=float)
    return by_size, mean, precision


def chances_of_codes(plan: RatingPlan, codes: Codes, weights: Floats, log_revenue: Floats) -> list[dict[int, float]]:
    """How likely each true code of each signal of one insured is, given all that is known of it.

    Arguments as in `draw_totals`, with one row. What a draw does by chance is worked out here: the known code with the
    chance of its weight, else a normal score with the latents' posterior mean and variance.
    """
    model, ready = plan.unknowns, _prepared(plan)
    n_signals = len(model.loadings)
    own_codes = np.asarray(codes[:, :n_signals], dtype=np.intp)
    kept = known_weights(plan, own_codes, weights)
    by_size, mean, precision = _latents(plan, own_codes, kept, log_revenue)
    centre = by_size[0] + ready.spread * (model.loadings @ mean[0])
    of_latents = (model.loadings @ np.linalg.inv(precision[0]) * model.loadings).sum(axis=1)
    deviation = ready.spread * np.sqrt(of_latents + ready.own**2)
    found = []
    for j, row in enumerate(model.thresholds):
        normal = NormalDist(float(centre[j]), float(deviation[j]))
        edges = [1.0, *(normal.cdf(float(x)) for x in row), 0.0]
        share, chances = float(kept[0, j]), {}
        for cell, (high, low) in enumerate(pairwise(edges)):
            chances[int(ready.code_of_cell[j, cell])] = (1.0 - share) * (high - low)
        if share > 0.0:
            chances[int(own_codes[0, j])] += share
        found.append(chances)
    return found


def _base_deviations(plan: RatingPlan, base: Floats, log_revenue: Floats) -> Floats:
    """Each bag's base less the plan's at some revenues, (n, bags, WIDTH)."""
    nodes = np.array(plan.base.log_revenue)
    k = np.clip(np.searchsorted(nodes, log_revenue), 1, len(nodes) - 1)
    share = ((log_revenue - nodes[k - 1]) / (nodes[k] - nodes[k - 1]))[:, None, None]
    low, high = base[:, k - 1].swapaxes(0, 1), base[:, k].swapaxes(0, 1)
    found: Floats = low + share * (high - low)
    return found


def draw_spread(deviations: Floats, pure: Floats, elasticity: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation over the draws of the log expected loss to a layer, over the quoted one, (n,) each.

    Parameters
    ----------
    deviations : (n, nodes, WIDTH)
        Of the draws' totals from the quoted ones.
    pure : (n, perils)
        Quoted expected loss to the layer by peril.
    elasticity : (n, perils)
        Change of its log with the location.
    """
    total = pure.sum(axis=1)
    if not (total > 0.0).all():
        nothing = np.zeros(len(pure))
        return nothing, nothing
    share = pure / total[:, None]
    moved = np.exp(deviations[:, :, :N_PERILS] + elasticity[:, None, :] * deviations[:, :, N_PERILS:])
    log_loss = np.log((moved @ share[:, :, None])[:, :, 0])
    return log_loss.mean(axis=1), log_loss.std(axis=1)
