"""The log ratio of two plans, term by term, split exactly among their tables: the caller is the comparison."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cyberscore.profile import signals
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.parts import N_PERILS, WIDTH, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.encoding import EncodedPolicies

BASE, BALANCE, SEVERITY = "base", "balance", "severity"


@dataclass(frozen=True, slots=True)
class _CellChange:
    """One cell's share in the change: the weight with which each term stands in it, and the change of its row."""

    part: str
    label: str
    weight: Floats
    change: Floats


def _cell_changes(old: RatingPlan, new: RatingPlan, policies: EncodedPolicies) -> Iterator[_CellChange]:
    """Every cell that two plans rate differently, (perils,) changes of log rates, with the terms' weights (n,)."""
    own = factors()
    weights = [_code_weights(policies, f) for f in range(len(own))]
    for f, factor in enumerate(own):
        change = (new.tables[factor.name] - old.tables[factor.name])[:, :N_PERILS]
        for code in np.flatnonzero(change.any(axis=1)):
            yield _CellChange(factor.name, factor.labels[code], weights[f][:, code], change[code])
    names = [factor.name for factor in own]
    for a, b in dict.fromkeys([*_sorted_pairs(old), *_sorted_pairs(new)]):
        change = (_pair_table(new, a, b) - _pair_table(old, a, b))[..., :N_PERILS]
        i, j = names.index(a), names.index(b)
        for code_a, code_b in np.argwhere(change.any(axis=2)):
            weight = weights[i][:, code_a] * weights[j][:, code_b]
            label = f"{own[i].labels[code_a]} x {own[j].labels[code_b]}"
            yield _CellChange(f"{a} x {b}", label, weight, change[code_a, code_b])


def _code_weights(policies: EncodedPolicies, f: int) -> Floats:
    """Weight of each term on each code of a factor, (n, codes); rows sum to one."""
    codes = policies.codes[:, f].astype(np.intp)
    rows, catalogue = np.arange(len(codes)), list(signals().values())
    found = np.zeros((len(codes), len(factors()[f].labels)))
    if f >= len(catalogue):
        found[rows, codes] = 1.0
        return found
    weight = policies.weights[:, f].astype(float)
    about = catalogue[f]
    found[rows, np.where(codes > about.unknown, about.unanswered, about.unknown)] = 1.0 - weight
    found[rows, codes] += weight
    return found


def _sorted_pairs(plan: RatingPlan) -> list[tuple[str, str]]:
    order = {factor.name: f for f, factor in enumerate(factors())}
    return [(a, b) if order[a] < order[b] else (b, a) for a, b in plan.pairs]


def _pair_table(plan: RatingPlan, a: str, b: str) -> Floats:
    """Table of a pair, (codes of a, codes of b, WIDTH): the sum of both orders, zero when the plan has neither."""
    sizes = {factor.name: len(factor.labels) for factor in factors()}
    table = np.zeros((sizes[a], sizes[b], WIDTH))
    if (a, b) in plan.pairs:
        table = table + plan.pairs[a, b]
    if (b, a) in plan.pairs:
        table = table + plan.pairs[b, a].transpose(1, 0, 2)
    return table


def logarithmic_mean(x: Floats, y: Floats) -> Floats:
    """`(x - y) / log(x / y)`, and x where they are equal."""
    gap = np.log(x / y)
    small = np.abs(gap) < 1e-8
    return np.where(small, 0.5 * (x + y), (x - y) / np.where(small, 1.0, gap))


def _peril_weights(old: Floats, new: Floats) -> Floats:
    """Weights (n, perils) that turn logs of the perils' ratios into the log of the ratio of their sums, exactly."""
    total: Floats = logarithmic_mean(new, old) / logarithmic_mean(new.sum(axis=1), old.sum(axis=1))[:, None]
    return total


def compute_contributions(
    old: RatingPlan,
    new: RatingPlan,
    policies: EncodedPolicies,
    *,
    coverage: Coverage | None = STANDARD_LAYER,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Split each term's log ratio, new over old, among the parts of the plans, exactly.

    Parameters
    ----------
    old, new : RatingPlan
    policies : EncodedPolicies
    coverage : Coverage or None
        The layer whose expected loss is split; None splits the frequency above the basis, without severity.

    Returns
    -------
    contributions : DataFrame (n, parts)
        A row sums to the term's log ratio: base, balance, severity (with a coverage), every factor, every pair.
    cells : DataFrame
        part, slice, share, log_relativity_change, contribution: see `Comparison.cells`; every cell that differs.

    Notes
    -----
    A peril's log rate is a sum of tables, so that its change splits by itself. Over perils the logarithmic mean does
    it: with :math:`L(x, y) = (x - y) / \log(x / y)`,

    .. math:: \log \frac{\sum_k x_k}{\sum_k y_k} = \sum_k \frac{L(x_k, y_k)}{L(\sum x, \sum y)} \log \frac{x_k}{y_k}.

    A table's cells are compared as they are filed: a plan that states its relativities against another cell moves the
    difference to its base.

    References
    ----------
    B. W. Ang, The LMDI approach to decomposition analysis: a practical guide, Energy Policy 33 (2005) 867-871,
    https://doi.org/10.1016/j.enpol.2003.10.010
    """
    codes, weights, revenue = policies.codes, policies.weights.astype(float), policies.revenue
    totals = [totals_of_many(plan, codes, weights, revenue) for plan in (old, new)]
    rates = [np.exp(total[:, :N_PERILS]) for total in totals]
    losses = rates if coverage is None else _losses(old, new, totals, coverage)
    share = _peril_weights(losses[0], losses[1])
    log_revenue = np.log(revenue)
    base = (new.base.at_many(log_revenue) - old.base.at_many(log_revenue))[:, :N_PERILS]
    parts: dict[str, Floats] = {
        BASE: (share * base).sum(axis=1),
        BALANCE: share @ (new.log_balance - old.log_balance),
    }
    if coverage is not None:
        cost = np.log(losses[1] / losses[0]) - np.log(rates[1] / rates[0])
        parts[SEVERITY] = (share * cost).sum(axis=1)
    parts |= {factor.name: np.zeros(len(codes)) for factor in factors()}
    cells = []
    for cell in _cell_changes(old, new, policies):
        own = cell.weight * (share @ cell.change)
        parts[cell.part] = parts.get(cell.part, 0.0) + own
        cells.append((cell.part, cell.label, cell.weight.mean(), cell.change.mean(), own.mean()))
    found = pd.DataFrame(cells, columns=["part", "slice", "share", "log_relativity_change", "contribution"])
    order = found["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return pd.DataFrame(parts), found.loc[order].reset_index(drop=True)


def _losses(old: RatingPlan, new: RatingPlan, totals: list[Floats], coverage: Coverage) -> list[Floats]:
    pairs = zip((old, new), totals, strict=True)
    return [np.maximum(expected_losses_of_many(plan, total, coverage), 1e-12) for plan, total in pairs]
