"""Expected loss of one risk, or of many, from a plan's tables; the one place where evidence meets relativities."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cyberscore.perils import COUNTRY_GROUPS, PERILS, RECORD_BREAKPOINTS, RECORD_UNKNOWN, country_group
from cyberscore.profile import Insured, signals
from cyberscore.profile.evidence import Mixture
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.part_layers import PerilLayers
from cyberscore.rating.parts import N_PERILS, WIDTH, Floats, factors
from cyberscore.rating.plan import RatingPlan


def context_mixtures(plan: RatingPlan, insured: Insured) -> tuple[Mixture, ...]:
    """Codes of sector, country and record count: known for certain, or unknown."""
    sectors_at = plan.sector_codes
    records = RECORD_UNKNOWN
    if insured.record_count is not None:
        cell = sum(insured.record_count >= point for point in RECORD_BREAKPOINTS)
        records = cell if cell < RECORD_UNKNOWN else cell + 1
    return (
        ((sectors_at[insured.sector], 1.0),),
        ((COUNTRY_GROUPS.index(country_group(insured.country)), 1.0),),
        ((records, 1.0),),
    )


@dataclass(frozen=True, slots=True)
class RatedRisk:
    """One risk in numbers.

    Revenue in USD, every factor's mixture, and the tables (log rates, then locations): `parts` has a row a factor,
    then one a pair; `total` is `base` and all of them.
    """

    revenue: float
    mixtures: tuple[Mixture, ...]
    base: Floats
    parts: Floats
    total: Floats

    @property
    def rates(self) -> list[float]:
        """Claims a year above the basis retention, by peril."""
        return [math.exp(x) for x in self.total[:N_PERILS].tolist()]

    @property
    def locations(self) -> list[float]:
        """Location of the log excess, by peril."""
        found: list[float] = self.total[N_PERILS:].tolist()
        return found


def rate_risk(plan: RatingPlan, insured: Insured, mixtures: Sequence[Mixture], revenue: float) -> RatedRisk:
    """Add up the tables for one risk.

    Parameters
    ----------
    plan : RatingPlan
    insured : Insured
    mixtures : sequence of Mixture
        One a signal, in catalogue order.
    revenue : float
        Annual revenue in USD.
    """
    everything = (*mixtures, *context_mixtures(plan, insured))
    index: list[int] = []
    weight: list[float] = []
    starts: list[int] = []
    for offset, mixture in zip(plan.offsets, everything, strict=True):
        starts.append(len(index))
        for code, share in mixture:
            index.append(offset + code)
            weight.append(share)
    for a, b, offset, width in plan.pair_index:
        starts.append(len(index))
        for code_a, share_a in everything[a]:
            for code_b, share_b in everything[b]:
                index.append(offset + code_a * width + code_b)
                weight.append(share_a * share_b)
    base = plan.base.at(math.log(revenue)) + plan.balance_row
    parts = np.add.reduceat(np.array(weight)[:, None] * plan.cells[index], starts, axis=0)
    return RatedRisk(revenue, everything, base, parts, base + parts.sum(axis=0))


def factor_change(plan: RatingPlan, position: int, new: Mixture, old: Mixture, everything: Sequence[Mixture]) -> Floats:
    """Change of the table sums when one factor's mixture changes, its pairs with the others' included, (WIDTH,)."""
    change: Floats = factor_changes(plan, [(position, new, old)], everything)[0]
    return change


def factor_changes(
    plan: RatingPlan, moves: Sequence[tuple[int, Mixture, Mixture]], everything: Sequence[Mixture]
) -> Floats:
    """Change of the table sums by each of some moves alone, (moves, WIDTH); a move is position, new and old mixture."""
    if not moves:
        return np.zeros((0, WIDTH))
    index: list[int] = []
    weight: list[float] = []
    starts: list[int] = []
    for position, new, old in moves:
        starts.append(len(index))
        offset = plan.offsets[position]
        moved = [*new, *[(code, -share) for code, share in old]]
        for code, share in moved:
            index.append(offset + code)
            weight.append(share)
        for a, b, start, width in plan.pair_index:
            if position not in (a, b):
                continue
            other, stride, step = (everything[b], width, 1) if position == a else (everything[a], 1, width)
            for code, share in moved:
                for code_other, share_other in other:
                    index.append(start + code * stride + code_other * step)
                    weight.append(share * share_other)
    changes: Floats = np.add.reduceat(np.array(weight)[:, None] * plan.cells[index], starts, axis=0)
    return changes


def layer_costs(plan: RatingPlan, locations: Sequence[float], revenue: float, coverage: Coverage) -> list[float]:
    """Mean cost to the cover of a claim above the basis, by peril, before the waiting period (USD)."""
    return [
        severity.layer_cost(coverage.retention, coverage.limit_for(peril), mu, revenue)
        for peril, severity, mu in zip(PERILS, plan.severity, locations, strict=True)
    ]


def costs_of_layers(
    plan: RatingPlan, locations: Sequence[float], revenue: float, retention: float, perils: Sequence[PerilLayers]
) -> list[float]:
    """Mean cost of a claim above the basis, by peril, to the weighted layers above a retention (USD)."""
    return [
        sum([weight * severity.layer_cost(retention, depth, mu, revenue) for depth, weight in own.layers])
        for own, severity, mu in zip(perils, plan.severity, locations, strict=True)
    ]


def expected_loss(plan: RatingPlan, risk: RatedRisk, coverage: Coverage = STANDARD_LAYER) -> float:
    """Return the expected yearly loss to a layer (USD)."""
    costs = layer_costs(plan, risk.locations, risk.revenue, coverage)
    return sum(rate * cost for rate, cost in zip(risk.rates, costs, strict=True))


def totals_of_many(plan: RatingPlan, codes: NDArray[np.integer], weights: Floats, revenue: Floats) -> Floats:
    """Sum of the tables for many risks, (n, WIDTH).

    Parameters
    ----------
    plan : RatingPlan
    codes : (n, factors)
        Code of each factor; for signals, that of the one observation that counts (unknown or unanswered when none).
    weights : (n, signals)
        Its weight; the rest lies where `Signal.rest_of` says.
    revenue : (n,)
        USD.
    """
    base = plan.base.at_many(np.log(revenue)) + plan.balance_row
    tables = [plan.tables[factor.name] for factor in factors()]
    total: Floats = base + blended_mains(tables, codes, weights) + blended_pairs(plan.pairs, codes, weights)
    return total


def blended_mains(tables: Sequence[Floats], codes: NDArray[np.integer], weights: Floats) -> Floats:
    """Sum of one table a factor for many risks, blended by the weight of their evidence, (n, columns of a table)."""
    total = np.zeros((len(codes), tables[0].shape[1]))
    for f, table in enumerate(tables):
        for code, share in _two_points(codes, weights, f):
            total += share * table[code]
    return total


def blended_pairs(pairs: Mapping[tuple[str, str], Floats], codes: NDArray[np.integer], weights: Floats) -> Floats:
    """Sum of the tables of pairs for many risks, blended likewise; 0.0 without pairs."""
    names = [factor.name for factor in factors()]
    total = np.zeros((len(codes), next(iter(pairs.values())).shape[2])) if pairs else np.zeros((len(codes), 1))
    for (a, b), table in pairs.items():
        for code_a, share_a in _two_points(codes, weights, names.index(a)):
            for code_b, share_b in _two_points(codes, weights, names.index(b)):
                total += share_a * share_b * table[code_a, code_b]
    return total


def _two_points(codes: NDArray[np.integer], weights: Floats, f: int) -> list[tuple[NDArray[np.intp], Floats]]:
    """Return a factor's own code and, for a signal, where the rest of the evidence lies, with their shares, (n, 1)."""
    catalogue = list(signals().values())
    own = codes[:, f].astype(np.intp)
    if f >= len(catalogue):
        return [(own, np.ones((len(own), 1)))]
    share = np.asarray(weights[:, f], dtype=float)[:, None]
    rest = np.where(own > catalogue[f].unknown, catalogue[f].unanswered, catalogue[f].unknown)
    return [(own, share), (rest, 1.0 - share)]


def expected_losses_of_many(plan: RatingPlan, totals: Floats, coverage: Coverage = STANDARD_LAYER) -> Floats:
    """Return the expected yearly loss to a layer at or above the basis retention, by peril, (n, perils), in USD.

    `totals` come from `totals_of_many`.
    """
    columns = []
    for k, (peril, severity) in enumerate(zip(PERILS, plan.severity, strict=True)):
        mu = totals[:, N_PERILS + k]
        if coverage.retention < severity.basis:
            raise ValueError(f"retention {coverage.retention:g} must be at least the basis {severity.basis:g} here")
        low = coverage.retention - severity.basis
        top = low + coverage.limit_for(peril)
        cost = severity.limited_means(top, mu) - severity.limited_means(low, mu)
        columns.append(np.exp(totals[:, k]) * cost)
    return np.column_stack(columns)
