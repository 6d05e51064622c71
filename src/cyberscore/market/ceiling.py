"""The best that any model could do in the simulated market: the mean of the true rates given what an insurer sees.

Called when a plan is judged; exact up to quadrature, since the market's own distributions are known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cyberscore.market.firms import Chances, draw_firms
from cyberscore.market.losses import true_log_rates
from cyberscore.market.parameters import Floats, MarketParameters, market_parameters
from cyberscore.market.population import Population
from cyberscore.market.posture import NOT_SEEN, SeenPosture, still_so
from cyberscore.perils import PERILS
from cyberscore.profile import Signal, signals
from cyberscore.profile.signals import SOURCE_NAMES

_NODES = 11
_ROWS = 250


@dataclass(frozen=True, slots=True)
class Ceiling:
    """True rates and their mean given what is seen, (policies, perils), at 2024's level."""

    true: Floats
    expected: Floats


def compute_ceiling(n_policies: int, seed: int, *, parameters: MarketParameters | None = None) -> Ceiling:
    """Simulate policies and work out the mean of each one's true rates given what the insurer sees.

    Parameters
    ----------
    n_policies : int
    seed : int
        The policies are those of ``simulate(n_policies, seed)``.
    parameters : MarketParameters, optional
        Default: as shipped.

    Notes
    -----
    Given general hygiene g and the hygiene d of its domain, signals are independent, and so are what is seen of them.
    Sums over cells and Gauss-Hermite quadrature over g and every d give the posterior mean of ``exp`` of a sum of
    effects; the two signals that interact are summed together. Whether a firm is connected or scanned is a mixture.
    """
    market = parameters or market_parameters()
    firms = draw_firms(n_policies, market, Chances.of(seed))
    population, truth = firms.population, firms.truth
    neutral = true_log_rates(population, np.zeros_like(truth), market) - _effect_of_best(market)
    parts = (firms.part(start, start + _ROWS) for start in range(0, n_policies, _ROWS))
    means = [_posterior_means(part.population, part.seen, market) for part in parts]
    return Ceiling(
        true=np.exp(true_log_rates(population, truth, market)),
        expected=np.exp(neutral) * np.concatenate(means),
    )


def _centred(market: MarketParameters, j: int) -> Floats:
    effect: Floats = market.effects[j] - market.prevalence[j] @ market.effects[j]
    return effect


def _interaction(market: MarketParameters) -> tuple[int, int, float]:
    """Return the signal whose effect depends on another, that other, and what remains at its safest."""
    names = list(signals())
    ((name, about),) = market.raw["interactions"].items()
    return names.index(name), names.index(about["by"]), float(about["remains"])


def _effect_of_best(market: MarketParameters) -> Floats:
    """Log effect of the safest cell of every signal, (perils,): what `true_log_rates` adds for it."""
    dependent, by, remains = _interaction(market)
    badness = market.raw["signals"][list(signals())[by]]["badness"][0]
    total = np.zeros(len(PERILS))
    for j in range(len(market.effects)):
        share = remains + (1.0 - remains) * badness if j == dependent else 1.0
        total += _centred(market, j)[0] * share
    return total


def _posterior_means(population: Population, seen: SeenPosture, market: MarketParameters) -> Floats:
    """Mean of exp(effect of the true posture) given what is seen, (policies, perils)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    n = len(population.revenue)
    dependent, by, remains = _interaction(market)
    badness_by = np.array(market.raw["signals"][list(signals())[by]]["badness"])
    about = market.raw["seen"]
    domains = list(dict.fromkeys(market.domains))
    chance = [_cell_chances(j, population.size, nodes, market) for j in range(len(market.domains))]
    total = np.zeros((n, len(PERILS) + 1))
    for connected in (False, True):
        share_connected = np.array(about["connected"])[population.band]
        for scanned in (False, True):
            prior = np.where(connected, share_connected, 1.0 - share_connected)
            prior = prior * (about["scanned"] if scanned else 1.0 - about["scanned"])
            likelihood = [
                _likelihood(signal, j, seen, market, connected=connected, scanned=scanned)
                for j, signal in enumerate(signals().values())
            ]
            for m in range(len(badness_by)):
                product = np.ones((n, len(nodes), len(PERILS) + 1))
                for domain in domains:
                    inner = np.ones((n, len(nodes), len(nodes), len(PERILS) + 1))
                    for j in (j for j, name in enumerate(market.domains) if name == domain):
                        effect = _centred(market, j)
                        if j == dependent:
                            effect = effect * (remains + (1.0 - remains) * badness_by[m])
                        values = np.column_stack([np.ones(len(effect)), np.exp(effect)])
                        if j == by:
                            only = np.zeros_like(values)
                            only[m] = values[m]
                            values = only
                        inner *= _summed(chance[j], likelihood[j], values)
                    product *= np.einsum("ngdk,d->ngk", inner, weights)
                total += prior[:, None] * np.einsum("ngk,g->nk", product, weights)
    means: Floats = total[:, 1:] / total[:, :1]
    return means


def _summed(chance: Floats, seen: "_Likelihood", values: Floats) -> Floats:
    """Sum over a signal's cells of chance x likelihood x value, (policies, nodes, nodes, values)."""
    n, g, d, cells = chance.shape
    now = (seen.if_still_so * seen.shown)[:, :, None] * values
    moved = seen.shown[:, :, None] * values
    sums = chance.reshape(n, g * d, cells) @ np.concatenate([now, moved, seen.if_moved[:, :, None]], axis=2)
    width = values.shape[1]
    total: Floats = sums[:, :, :width] + sums[:, :, -1:] * sums[:, :, width : 2 * width]
    return total.reshape(n, g, d, width)


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Chance of what is seen of a signal, (policies, cells).

    That the source shows it, given the true cell; that it reads so, given the true cell, and nothing changed since;
    that it reads so, given the cell then, and something did.
    """

    shown: Floats
    if_still_so: Floats
    if_moved: Floats


def _cell_chances(j: int, size: Floats, nodes: Floats, market: MarketParameters) -> Floats:
    """Chance of each cell given general hygiene, that of the domain, and size, (policies, nodes, nodes, cells)."""
    g, d, slope = market.loading_general[j], market.loading_domain[j], market.size_slope[j]
    own = np.sqrt(1.0 - g * g - d * d)
    edges = -ndtri(np.cumsum(market.prevalence[j])[:-1])
    mean = g * nodes[:, None] + d * nodes[None, :]
    # a score below the edge is a cell riskier than it
    above = ndtr(
        (mean[None, :, :, None] + slope * size[:, None, None, None] - edges * np.sqrt(1.0 + slope * slope)) / own
    )
    ends = np.concatenate([np.zeros((*above.shape[:3], 1)), above, np.ones((*above.shape[:3], 1))], axis=3)
    chances: Floats = np.diff(ends, axis=3)
    return chances


def _likelihood(
    signal: Signal, j: int, seen: SeenPosture, market: MarketParameters, *, connected: bool, scanned: bool
) -> _Likelihood:
    about = market.raw["seen"]
    n_cells = len(market.prevalence[j])
    cells = np.arange(n_cells)
    answer = about["answer_required"] if signal.required else about["answer_other"]
    chance = {
        "telemetry": np.full(n_cells, connected * about["telemetry_reach"]),
        "scan": np.full(n_cells, scanned * about["scan_reach"]),
        "audit": np.full(n_cells, about["document_share"] / 2),
        "document": np.full(n_cells, about["document_share"]),
        "attestation": answer * (1.0 - about["silence_of_the_worst"] * cells / (n_cells - 1)),
    }
    shown = np.zeros((len(SOURCE_NAMES) + 1, n_cells))  # by source, the last for none
    reading = np.ones((len(SOURCE_NAMES) + 1, n_cells, n_cells))  # source, cell as read, cell then
    none_yet = np.ones(n_cells)
    for index, name in enumerate(SOURCE_NAMES):
        if name in signal.sources:
            shown[index] = none_yet * chance[name]
            reading[index] = _misreading(name, n_cells, about, context=signal.is_context)
            none_yet = none_yet * (1.0 - chance[name])
    shown[-1] = none_yet
    unseen = seen.cell[:, j] == NOT_SEEN
    source = np.where(unseen, len(SOURCE_NAMES), seen.source[:, j])
    read = reading[source, np.where(unseen, 0, seen.cell[:, j])]
    still = np.where(unseen, 1.0, still_so(signal, seen.age_days[:, j]))[:, None]
    return _Likelihood(shown[source], still * read, (1.0 - still) * read)


def _misreading(source: str, n_cells: int, about: dict[str, float], *, context: bool) -> NDArray[np.float64]:
    """Chance of each cell as seen (rows) given the true one (columns)."""
    last = n_cells - 1
    error = {
        "attestation": 0.0 if context else about["rosy_attestation"],
        "document": 0.0 if context else about["rosy_document"],
        "scan": 0.0 if context else about["scan_miss"],
        "telemetry": about["telemetry_error"],
        "audit": about["telemetry_error"],
    }[source]
    table = (1.0 - error) * np.eye(n_cells)
    for cell in range(n_cells):
        better = max(cell - 1, 0)
        wrong = (min(cell + 1, last), better) if source in {"telemetry", "audit"} else (0, better)
        for place in wrong:
            table[place, cell] += error / 2
    return table
