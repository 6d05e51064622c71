"""The true posture of simulated firms, from latent hygiene, and the noisy, dated part of it that an insurer sees."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cyberscore.market.parameters import Floats, MarketParameters
from cyberscore.market.population import Population
from cyberscore.profile import Signal, signals
from cyberscore.profile.signals import SOURCE_NAMES

Cells = NDArray[np.int8]
NOT_SEEN = -1


@dataclass(frozen=True, slots=True)
class SeenPosture:
    """What the insurer sees, (policies, signals): cell (-1 not seen), source (index into SOURCE_NAMES), age in days."""

    cell: Cells
    source: Cells
    age_days: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Hygiene:
    """How well firms look after their security, (policies,) normal scores: in general, and by domain."""

    general: Floats
    by_domain: dict[str, Floats]


def draw_hygiene(n: int, market: MarketParameters, rng: np.random.Generator) -> Hygiene:
    """Draw what makes the signals of a firm hang together."""
    general = rng.standard_normal(n)
    return Hygiene(general, {name: rng.standard_normal(n) for name in dict.fromkeys(market.domains)})


def draw_posture(population: Population, hygiene: Hygiene, market: MarketParameters, rng: np.random.Generator) -> Cells:
    """Draw the cell (0 the safest) of every signal, (policies, signals).

    Each signal is a normal score: general hygiene, hygiene of its domain, size, and its own part.
    """
    n = len(population.revenue)
    size = population.size
    cells = np.empty((n, len(market.domains)), dtype=np.int8)
    for j, domain in enumerate(market.domains):
        g, d, slope = market.loading_general[j], market.loading_domain[j], market.size_slope[j]
        own = np.sqrt(1.0 - g * g - d * d)
        score = g * hygiene.general + d * hygiene.by_domain[domain] + own * rng.standard_normal(n) + slope * size
        score /= np.sqrt(1.0 + slope * slope)
        # the safest cell holds the highest scores
        edges = -ndtri(np.cumsum(market.prevalence[j])[:-1])
        cells[:, j] = (score[:, None] < edges[None, :]).sum(axis=1)
    return cells


def see_posture(
    truth: Cells, former: Cells, population: Population, market: MarketParameters, rng: np.random.Generator
) -> SeenPosture:
    """Draw what an insurer sees of the truth: best source first, errors by source, silence about what is bad.

    Postures move: what was observed some time ago is still so by half after the signal's half-life; else it is the cell
    of `former`, the posture of the same firm at another time.
    """
    about = market.raw["seen"]
    n, n_signals = truth.shape
    connected = rng.random(n) < np.array(about["connected"])[population.band]
    scanned = rng.random(n) < about["scanned"]
    cell = np.full((n, n_signals), NOT_SEEN, dtype=np.int8)
    source = np.zeros((n, n_signals), dtype=np.int8)
    age = np.zeros((n, n_signals), dtype=np.int16)
    mean_age = np.array([about["mean_age"][name] for name in SOURCE_NAMES])
    for j, signal in enumerate(signals().values()):
        last = len(market.prevalence[j]) - 1
        seen = _first_source(signal, truth[:, j] / last, connected, scanned, about=about, rng=rng)
        source[:, j] = np.maximum(seen, 0)
        age[:, j] = np.minimum(rng.exponential(1.0, n) * mean_age[source[:, j]], about["oldest"])
        moved = rng.random(n) >= still_so(signal, age[:, j])
        then = np.where(moved, former[:, j], truth[:, j])
        cell[:, j] = _misread(then, seen, last=last, context=signal.is_context, about=about, rng=rng)
    return SeenPosture(cell, source, age)


def still_so(signal: Signal, age_days: NDArray[np.integer]) -> Floats:
    """Chance that what was observed this long ago has not changed since; context does not move, and ages count on."""
    if signal.is_context or signal.kind == "age":
        return np.ones(len(age_days))
    chance: Floats = 2.0 ** (-age_days / signal.half_life_days)
    return chance


def _first_source(
    signal: Signal,
    badness: Floats,
    connected: NDArray[np.bool_],
    scanned: NDArray[np.bool_],
    *,
    about: dict[str, Any],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Index of the source that shows the signal, best first; -1 for none."""
    n = len(badness)
    answer = about["answer_required"] if signal.required else about["answer_other"]
    chance = {
        "telemetry": connected * about["telemetry_reach"],
        "scan": scanned * about["scan_reach"],
        "audit": np.full(n, about["document_share"] / 2),
        "document": np.full(n, about["document_share"]),
        "attestation": answer * (1.0 - about["silence_of_the_worst"] * badness),
    }
    seen = np.full(n, NOT_SEEN)
    for index, name in enumerate(SOURCE_NAMES):
        hit = rng.random(n) < chance[name]
        if name in signal.sources:
            seen = np.where((seen == NOT_SEEN) & hit, index, seen)
    return seen


def _misread(
    truth: Cells,
    seen: NDArray[np.int64],
    *,
    last: int,
    context: bool,
    about: dict[str, Any],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Cell as seen: told better than it is, missed by a scan, or off by one."""
    names = {name: index for index, name in enumerate(SOURCE_NAMES)}
    luck, to_best = rng.random(len(truth)), rng.random(len(truth)) < 0.5
    better = np.where(to_best, 0, np.maximum(truth - 1, 0))
    step = np.clip(truth + np.where(to_best, 1, -1), 0, last)
    result = truth.astype(np.int64)
    if not context:
        rosy = ((seen == names["attestation"]) & (luck < about["rosy_attestation"])) | (
            (seen == names["document"]) & (luck < about["rosy_document"])
        )
        missed = (seen == names["scan"]) & (luck < about["scan_miss"])
        result = np.where(rosy | missed, better, result)
    wrong = ((seen == names["telemetry"]) | (seen == names["audit"])) & (luck < about["telemetry_error"])
    result = np.where(wrong, step, result)
    return np.where(seen == NOT_SEEN, NOT_SEEN, result)
