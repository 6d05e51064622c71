"""Frequency by peril: a shrunk additive part, then boosting by the share that it has earned out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cyberscore.profile import signals
from cyberscore.rating.expected_loss import blended_mains, blended_pairs
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.books.signal_columns import Codes
from cyberscore.training.learning.design import AdditiveRates, design_matrix, of_plan, revenue_hats, to_tables
from cyberscore.training.learning.estimator import AdditiveBoostingRegressor
from cyberscore.training.learning.exposure import Experience
from cyberscore.training.learning.shrinkage import fit_shrunk

PERIL = "peril"
QUIET_ROWS_PER_CLAIM = 20
"""Rows without a claim that a fit keeps for each row with one; those kept stand for the others by weight."""
_LEAST_ROWS = 100_000
Pairs = dict[tuple[str, str], Floats]


@dataclass(frozen=True, slots=True)
class FrequencyOptions:
    """How frequency is learned: factors that may meet, the booster, how much of it counts, how far to leave a prior."""

    pairs: tuple[tuple[str, str], ...] = ()
    boosting: dict[str, Any] = field(default_factory=dict)
    boosting_share: float = 0.0
    way: float = 1.0


@dataclass(frozen=True, slots=True)
class FrequencyFit:
    """Log rates: `base` (nodes, perils) along the revenue nodes; `tables[f]` (codes, perils); `pairs[a, b]`.

    `additive` is what was there before boosting, `stage_zero` for revenue, sector, country and one hygiene index alone.
    """

    base: Floats
    tables: tuple[Floats, ...]
    pairs: Pairs
    additive: AdditiveRates
    stage_zero: AdditiveRates
    boosted: bool


def fit_frequency(
    experience: Experience,
    codes: Codes,
    weight: Floats,
    *,
    options: FrequencyOptions,
    prior: RatingPlan | None = None,
    seed: int,
) -> FrequencyFit:
    """Fit one bag.

    Parameters
    ----------
    experience : Experience
    codes : (terms, factors)
        Observations masked by their weights: what boosting sees.
    weight : (terms,)
        Bootstrap counts; terms of weight zero are left out.
    options : FrequencyOptions
    prior : RatingPlan, optional
        What is left only as far as the claims ask for it.
    seed : int
    """
    rng = np.random.default_rng(seed)
    policies = experience.policies
    rows, weight = _thinned(experience.counts, weight, rng)
    claims, years = experience.counts[rows] * weight[:, None], experience.exposure[rows] * weight[:, None]
    X = design_matrix(policies, rows)
    before = None if prior is None else of_plan(prior)
    met: Pairs = {}
    if prior is not None and prior.pairs:
        met = {pair: table[:, :, :N_PERILS].copy() for pair, table in prior.pairs.items()}
        years = years * np.exp(blended_pairs(met, policies.codes[rows], policies.weights[rows].astype(float)))
    fit = fit_shrunk(X, claims, years, prior=before, seed=int(rng.integers(2**31)))
    full = fit.full if before is None else before + options.way * (fit.full - before)
    rates = to_tables(full)
    if prior is not None:
        met = {pair: _credibility(pair, rates.tables, prior) * table for pair, table in met.items()}
    additive = replace(rates, pairs=dict(met))
    base, tables = rates.base, list(rates.tables)
    if options.boosting_share > 0.0:
        expected = years * np.exp((X @ full.T.astype(np.float32)).astype(float))
        found = _boost(codes[rows], claims, expected, options, int(rng.integers(2**31)))
        share = options.boosting_share
        base = base + share * found.base
        tables = [table + share * more for table, more in zip(tables, found.tables, strict=True)]
        for pair, more in found.pairs.items():
            met[pair] = met.get(pair, 0.0) + share * more
    boosted = options.boosting_share > 0.0
    return FrequencyFit(base, tuple(tables), met, additive, to_tables(fit.stage_zero), boosted=boosted)


def log_rates(policies: EncodedPolicies, rows: np.ndarray, fit: FrequencyFit | AdditiveRates) -> Floats:
    """Log rates of some policies, blended by the weight of their evidence, (rows, perils)."""
    codes, weights = policies.codes[rows], policies.weights[rows].astype(float)
    base = revenue_hats(np.log(policies.revenue[rows])) @ fit.base
    total: Floats = base + blended_mains(fit.tables, codes, weights) + blended_pairs(fit.pairs, codes, weights)
    return total


def _thinned(counts: Floats, weight: Floats, rng: np.random.Generator) -> tuple[np.ndarray, Floats]:
    """Rows to fit on and their weights: all with a claim, and enough of the others."""
    used = np.flatnonzero(weight > 0)
    claimed: np.ndarray = counts[used].sum(axis=1) > 0
    quiet = int((~claimed).sum())
    keep = max(QUIET_ROWS_PER_CLAIM * int(claimed.sum()), _LEAST_ROWS)
    if quiet <= keep:
        return used, weight[used]
    kept = claimed | (rng.random(len(used)) < keep / quiet)
    # the others' weight is met in all, not only on average
    scale = weight[used][~claimed].sum() / weight[used][kept & ~claimed].sum()
    rows = used[kept]
    return rows, weight[rows] * np.where(claimed[kept], 1.0, scale)


def _credibility(pair: tuple[str, str], tables: Sequence[Floats], prior: RatingPlan) -> Floats:
    """Share of a prior pair that is kept, (perils,): no more than of the effects of its two factors."""
    names = [factor.name for factor in factors()]
    kept = np.ones(N_PERILS)
    for name in pair:
        before = np.ptp(prior.tables[name][:, :N_PERILS], axis=0)
        now = np.ptp(tables[names.index(name)], axis=0)
        kept = np.minimum(kept, np.where(before > 0, now / np.maximum(before, 1e-12), 1.0))
    return kept


@dataclass(frozen=True, slots=True)
class _Boosted:
    base: Floats
    tables: tuple[Floats, ...]
    pairs: Pairs


def _boost(codes: Codes, claims: Floats, expected: Floats, options: FrequencyOptions, seed: int) -> _Boosted:
    """Boost what the additive part leaves: perils stacked as rows, each factor alone and with the peril, and pairs."""
    own = factors()
    rated = [f for f in range(len(own)) if own[f].name != "record_count"]
    names = [own[f].name for f in rated]
    n = len(codes)
    columns = np.column_stack(
        [np.tile(codes[:, rated], (N_PERILS, 1)), np.repeat(np.arange(N_PERILS, dtype=np.uint8), n)]
    )
    breakpoints = {own[f].name: [c - 0.5 for c in range(1, len(own[f].labels))] for f in rated}
    model = AdditiveBoostingRegressor(
        loss="poisson",
        monotonic_cst={own[f].name: 1 for f in rated if own[f].monotone and f < len(signals())},
        interactions=[*((name, PERIL) for name in names), *options.pairs],
        breakpoints=breakpoints | {PERIL: [c - 0.5 for c in range(1, N_PERILS)]},
        random_state=seed,
        **options.boosting,
    )
    model.fit(
        pd.DataFrame(columns, columns=[*names, PERIL]),
        claims.T.ravel(),
        exposure=np.maximum(expected.T.ravel(), 1e-12),
    )
    found = {table.factors: table.values for table in model.tables_.tables}  # noqa: PD011  a Table of ours
    tables = [np.zeros((len(factor.labels), N_PERILS)) for factor in own]
    for f, name in zip(rated, names, strict=True):
        tables[f] = found[(name,)][:, None] + found[(name, PERIL)]
    met = {(a, b): np.repeat(found[a, b][:, :, None], N_PERILS, axis=2) for a, b in options.pairs}
    return _Boosted(model.tables_.intercept + found[(PERIL,)], tuple(tables), met)
