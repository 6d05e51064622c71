"""Whether a plan will keep: drift of the book's mix, order of the tables, spread over the bootstrap bags."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from cyberscore.perils import PERILS
from cyberscore.rating.audit import TOLERANCE, steps_of
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.parts import N_PERILS, WIDTH, Curve, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.learning.reference import mean_mixtures
from cyberscore.training.validation.calibration import REVENUE_LABELS, revenue_bands

PSI_WATCH, PSI_ACT = 0.1, 0.25
"""Above the first a factor's mix has drifted, above the second it is another mix (the usual thresholds; judgement)."""

PSI_FLOOR = 1e-4
REVENUE = "annual_revenue"
SAMPLE = 20_000


def population_stability_index(reference: Floats, now: Floats) -> float:
    """Return the population stability index between two mixes of the same levels.

    Parameters
    ----------
    reference, now : arrays (levels,)
        Shares or counts.

    Returns
    -------
    float
        0 for the same mix, positive otherwise, symmetric.

    Notes
    -----
    `sum (p - q) log(p / q)`, the symmetric Kullback-Leibler divergence; shares are floored at 0.0001, so that a level
    that is absent from one side stays finite.

    References
    ----------
    S. Kullback, R. A. Leibler, On information and sufficiency, Annals of Mathematical Statistics 22 (1951) 79-86,
    https://doi.org/10.1214/aoms/1177729694
    """
    p, q = (np.maximum(np.asarray(x, dtype=float) / np.sum(x), PSI_FLOOR) for x in (reference, now))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def mix_of(source: RatingPlan | EncodedPolicies) -> dict[str, Floats]:
    """Share of every level of every factor in a book, or in the book a plan was learned from (without revenue)."""
    if isinstance(source, RatingPlan):
        return {factor.name: mean for factor, mean in zip(factors(), source.score.mean_codes, strict=True)}
    mix = {name: np.array(mean) for name, mean in mean_mixtures(source).items()}
    mix[REVENUE] = np.bincount(revenue_bands(source.revenue), minlength=len(REVENUE_LABELS)) / len(source)
    return mix


def compute_drift(reference: RatingPlan | Book, book: Book) -> pd.DataFrame:
    """Drift of each factor's mix from a plan's training book, or from another book, to this one.

    Returns
    -------
    DataFrame
        factor, psi, flag ("", "watch" above .1, "act" above .25), moved (the level whose share moved most), share_then,
        share_now; most drifted first. Between two books revenue bands are compared too.
    """
    then = mix_of(reference.encoded_policies if isinstance(reference, Book) else reference)
    return _drift(then, mix_of(book.encoded_policies))


def compute_drift_by_year(book: Book) -> pd.DataFrame | None:
    """Drift of each factor from each year of a book to the next; None for fewer than two years.

    Returns
    -------
    DataFrame or None
        year, then as `compute_drift`.
    """
    policies = book.encoded_policies
    if policies.year is None or len(np.unique(policies.year)) < 2:
        return None
    mixes = {}
    for year in np.unique(policies.year):
        of = policies.year == year
        mixes[int(year)] = mix_of(
            replace(policies, codes=policies.codes[of], weights=policies.weights[of], revenue=policies.revenue[of])
        )
    years = list(mixes)
    parts = []
    for before, year in pairwise(years):
        found = _drift(mixes[before], mixes[year])
        found.insert(0, "year", year)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def _drift(then: dict[str, Floats], now: dict[str, Floats]) -> pd.DataFrame:
    labels = {factor.name: factor.labels for factor in factors()} | {REVENUE: REVENUE_LABELS}
    rows = []
    for name in (name for name in now if name in then):
        psi = population_stability_index(then[name], now[name])
        most = int(np.argmax(np.abs(now[name] - then[name])))
        rows.append(
            {
                "factor": name,
                "psi": psi,
                "flag": "act" if psi > PSI_ACT else "watch" if psi > PSI_WATCH else "",
                "moved": labels[name][most],
                "share_then": float(then[name][most]),
                "share_now": float(now[name][most]),
            }
        )
    return pd.DataFrame(rows).sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def compute_monotonicity(plan: RatingPlan) -> pd.DataFrame:
    """Order of each factor that runs from safest to riskiest: the smallest rise from a level to the next.

    Returns
    -------
    DataFrame
        factor, smallest_step (of log rates and log severities, in any context), range (largest rise of a log rate from
        the safest level to the riskiest, over perils), holds.
    """
    rows = []
    for factor in factors():
        if not factor.monotone:
            continue
        step = float(steps_of(factor.name, plan.tables, plan.pairs).min(initial=np.inf))
        table = plan.tables[factor.name][:, :N_PERILS]
        rows.append(
            {
                "factor": factor.name,
                "smallest_step": step,
                "range": float((table[-1] - table[0]).max()),
                "holds": step >= -TOLERANCE,
            }
        )
    return pd.DataFrame(rows)


def compute_cell_stability(plan: RatingPlan) -> pd.DataFrame | None:
    """Spread over bags of every log relativity; None for a plan without bags.

    Returns
    -------
    DataFrame or None
        factor (or "a x b"), slice, share (of the training book; of a pair, the product), log_relativity and sd (means
        over perils), largest_sd (over perils); widest first.
    """
    if plan.bag_deviations is None or len(plan.bag_deviations) < 2:
        return None
    sd = plan.bag_deviations[:, :, :N_PERILS].std(axis=0, ddof=1)
    own = factors()
    names, labels, shares = [], [], []
    for factor, mean in zip(own, plan.score.mean_codes, strict=True):
        names += [factor.name] * len(factor.labels)
        labels += list(factor.labels)
        shares += list(mean)
    for a, b, _, _ in plan.pair_index:
        for i, label_a in enumerate(own[a].labels):
            for j, label_b in enumerate(own[b].labels):
                names.append(f"{own[a].name} x {own[b].name}")
                labels.append(f"{label_a} x {label_b}")
                shares.append(plan.score.mean_codes[a][i] * plan.score.mean_codes[b][j])
    frame = pd.DataFrame(
        {
            "factor": names,
            "slice": labels,
            "share": np.array(shares, dtype=float),
            "log_relativity": plan.cells[:, :N_PERILS].mean(axis=1),
            "sd": sd.mean(axis=1),
            "largest_sd": sd.max(axis=1),
        }
    )
    return frame.sort_values("sd", ascending=False, kind="stable", ignore_index=True)


def bag_plan(plan: RatingPlan, bag: int) -> RatingPlan:
    """Plan with one bag's own tables.

    Raises
    ------
    ValueError
        When the plan has no such bag.
    """
    if plan.bag_base is None or plan.bag_deviations is None or not 0 <= bag < len(plan.bag_base):
        raise ValueError(f"{plan.name} has no bag {bag}")
    change = plan.bag_deviations[bag]
    own = factors()
    tables = {
        factor.name: plan.tables[factor.name] + change[at : at + len(factor.labels)]
        for factor, at in zip(own, plan.offsets, strict=True)
    }
    pairs = {}
    for (a, b), (_, _, at, _) in zip(plan.pairs, plan.pair_index, strict=True):
        shape = plan.pairs[a, b].shape
        pairs[a, b] = plan.pairs[a, b] + change[at : at + shape[0] * shape[1]].reshape(*shape[:2], WIDTH)
    base = Curve(plan.base.log_revenue, plan.base.values + plan.bag_base[bag])  # noqa: PD011  a Curve of ours
    return replace(plan, base=base, tables=tables, pairs=pairs)


def compute_policy_stability(plan: RatingPlan, book: Book, *, random_state: int = 0) -> pd.DataFrame | None:
    """Spread over bags of each term's predicted rate; None for a plan without bags.

    Returns
    -------
    DataFrame or None
        One row a term, of a random 20,000 at most: policy_id, rate (claims a year above the basis), sd_all (of the log
        of that rate over bags), and sd_<peril>. Bags are bootstrap fits, so that the spread is a standard error of the
        estimate; what the tables cannot express is not in it.
    """
    if plan.bag_deviations is None or len(plan.bag_deviations) < 2:
        return None
    policies = book.encoded_policies
    n = len(policies)
    rows = np.arange(n)
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(random_state).choice(n, size=SAMPLE, replace=False))
    codes, weights, revenue = policies.codes[rows], policies.weights[rows].astype(float), policies.revenue[rows]
    mean = totals_of_many(plan, codes, weights, revenue)[:, :N_PERILS]
    logs = []
    for bag in range(len(plan.bag_deviations)):
        own = totals_of_many(bag_plan(plan, bag), codes, weights, revenue)[:, :N_PERILS]
        logs.append(np.column_stack([np.log(np.exp(own).sum(axis=1)), own]))
    sd = np.std(logs, axis=0, ddof=1)
    frame = pd.DataFrame({"policy_id": np.asarray(policies.index_of)[rows], "rate": np.exp(mean).sum(axis=1)})
    for k, line in enumerate(("all", *PERILS)):
        frame[f"sd_{line}"] = sd[:, k]
    return frame
