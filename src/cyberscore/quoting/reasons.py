"""Reasons: the score's distance from 50 split among factors, exactly.

Aumann-Shapley values along the straight line from the book's mean mixture of every factor to this insured's, on the
multilinear form (pairs are split along the path); one more line, "book_mix", makes the start equal the book's mean
loss.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from cyberscore.profile import SignalState, signals
from cyberscore.profile.evidence import Mixture
from cyberscore.profile.signals import NEVER
from cyberscore.rating.coverage import STANDARD_LAYER
from cyberscore.rating.expected_loss import RatedRisk
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import POINTS_PER_DOUBLING

_NODES, _WEIGHTS = (x.tolist() for x in np.polynomial.legendre.leggauss(6))
BOOK_MIX = "book_mix"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one factor adds to the score.

    `points` are exact, `shown` rounded so that they sum to the rounded score less 50.
    """

    factor: str
    points: float
    shown: float
    text: str
    evidence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@lru_cache(maxsize=8)
def _mean_parts(plan: RatingPlan) -> tuple[Floats, tuple[Floats, ...]]:
    """Book-mean contribution of every factor, (factors, WIDTH), and of every pair, (WIDTH,)."""
    means = plan.score.mean_codes
    mains = np.array([mean @ plan.tables[factor.name] for mean, factor in zip(means, factors(), strict=True)])
    names = [factor.name for factor in factors()]
    pairs = tuple(
        np.einsum("i,j,ijk->k", means[names.index(a)], means[names.index(b)], table)
        for (a, b), table in plan.pairs.items()
    )
    return mains, pairs


def points_by_factor(plan: RatingPlan, risk: RatedRisk) -> Floats:
    """Points of every factor, (factors,), without the book mix."""
    mean_mains, mean_pairs = _mean_parts(plan)
    own = risk.parts[: len(mean_mains)]
    start = risk.base + mean_mains.sum(axis=0) + sum(mean_pairs, start=np.zeros(len(risk.base)))
    delta = own - mean_mains
    pairs = _pair_corners(plan, risk.mixtures, mean_pairs)
    points = np.zeros(len(delta))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        t = 0.5 * (node + 1.0)
        at = start + t * delta.sum(axis=0)
        rise = delta
        if pairs:
            rise = delta.copy()
            for a, b, low, first, second, high in pairs:
                at = at + t * (1.0 - t) * (first + second - 2.0 * low) + t * t * (high - low)
                rise[a] += (1.0 - t) * (first - low) + t * (high - second)
                rise[b] += (1.0 - t) * (second - low) + t * (high - first)
        points += 0.5 * weight * (rise @ _gradient(plan, at))
    return points * (POINTS_PER_DOUBLING / math.log(2.0))


def _pair_corners(
    plan: RatingPlan, mixtures: Sequence[Mixture], mean_pairs: tuple[Floats, ...]
) -> list[tuple[int, int, Floats, Floats, Floats, Floats]]:
    """For each pair: its factors, and its value with (mean, mean), (own, mean), (mean, own) and (own, own) mixtures."""
    found = []
    for (a, b, _, _), table, low in zip(plan.pair_index, plan.pairs.values(), mean_pairs, strict=True):
        mean_a, mean_b = plan.score.mean_codes[a], plan.score.mean_codes[b]
        own_a, own_b = np.zeros(len(mean_a)), np.zeros(len(mean_b))
        for code, share in mixtures[a]:
            own_a[code] += share
        for code, share in mixtures[b]:
            own_b[code] += share
        by_b = np.tensordot(mean_b, table, axes=(0, 1))
        own_by_b = np.tensordot(own_b, table, axes=(0, 1))
        found.append((a, b, low, own_a @ by_b, mean_a @ own_by_b, own_a @ own_by_b))
    return found


def _gradient(plan: RatingPlan, total: Floats) -> Floats:
    """Differentiate the log expected loss in the standard layer by the table sums, (WIDTH,)."""
    values = total.tolist()
    depth = STANDARD_LAYER.aggregate_limit
    rates = [math.exp(x) for x in values[:N_PERILS]]
    losses, slopes = [], []
    for rate, mu, severity in zip(rates, values[N_PERILS:], plan.severity, strict=True):
        low = STANDARD_LAYER.retention - severity.basis
        top, top_slope = severity.limited_mean_and_slope(low + depth, mu)
        bottom, bottom_slope = severity.limited_mean_and_slope(low, mu)
        losses.append(rate * (top - bottom))
        slopes.append(rate * (top_slope - bottom_slope))
    return np.array(losses + slopes) / sum(losses)


def reasons_for(
    plan: RatingPlan, risk: RatedRisk, states: Mapping[str, SignalState], distance: float
) -> tuple[Reason, ...]:
    """Reasons, largest first and the book mix last; their points sum to `distance`, the unclipped score less 50.

    A factor that neither adds nor takes a hundredth of a point is left to the book mix.
    """
    points = points_by_factor(plan, risk).tolist()
    lines: list[tuple[str, float, str, str]] = []
    catalogue = signals()
    listed = 0.0
    for factor, value, mixture in zip(factors(), points, risk.mixtures, strict=True):
        if abs(value) < 0.005:
            continue
        listed += value
        if factor.name in catalogue:
            said, evidence = _evidence(states[factor.name])
            lines.append((factor.name, value, f"{catalogue[factor.name].title}: {said}", evidence))
        else:
            code = mixture[0][0]
            title = factor.name.replace("_", " ").capitalize()
            lines.append((factor.name, value, f"{title}: {factor.labels[code].replace('_', ' ')}", "insured"))
    lines.append(
        (
            BOOK_MIX,
            distance - listed,
            "Book mix: mean loss against the loss of the mean firm; factors under 0.005 points",
            "plan",
        )
    )
    shown = _largest_remainder([value for _, value, _, _ in lines], round(distance, 1))
    made = [
        Reason(name, value, show, text, evidence)
        for (name, value, text, evidence), show in zip(lines, shown, strict=True)
    ]
    return tuple(sorted(made, key=lambda reason: (reason.factor == BOOK_MIX, -abs(reason.points))))


def _evidence(state: SignalState) -> tuple[str, str]:
    if state.observation is None:
        return state.status, "none"
    observation = state.observation.observation
    age = {0: "today", 1: "1 day old"}.get(state.age_days or 0, f"{state.age_days} days old")
    note = "; other evidence disagrees" if state.contradicted else ""
    reference = f"; {observation.reference}" if observation.reference else ""
    return f"{_told(state)}{note}", f"{observation.source}, {age}, weight {state.weight:.2f}{reference}"


def _told(state: SignalState) -> str:
    if state.observation is not None and state.observation.observation.value == NEVER:
        return NEVER
    return state.status if state.value is None else state.signal.told(state.value)


def _largest_remainder(values: list[float], total: float) -> list[float]:
    """Values rounded to tenths so that they sum to `total`."""
    tenths = [math.floor(value * 10.0) for value in values]
    lack = round(total * 10.0) - sum(tenths)
    order = sorted(range(len(values)), key=lambda k: values[k] * 10.0 - tenths[k], reverse=True)
    for k in range(abs(lack)):
        tenths[order[k % len(order)] if lack > 0 else order[-1 - k % len(order)]] += 1 if lack > 0 else -1
    return [tenth / 10.0 for tenth in tenths]
