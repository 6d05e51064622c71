"""What is measured on a simulated book to compare it with a published figure: the caller is the check."""

import csv
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from cyberscore.market.losses import posture_effect, survival
from cyberscore.market.parameters import Floats
from cyberscore.market.posture import NOT_SEEN
from cyberscore.market.sample import Sample, cells_told, peril_indices, policies_of
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import signals

Measure = Callable[..., float]
MEASURES: dict[str, Measure] = {}


def measure(statistic: Measure) -> Measure:
    """Register a statistic under its name."""
    MEASURES[statistic.__name__] = statistic
    return statistic


# --- frequency


@measure
def claims_per_100(sample: Sample, *, perils: Sequence[str] | None = None, who: dict[str, Any] | None = None) -> float:
    """Claims per 100 policies and year: in the market, expected losses above 10,000."""
    return float(100 * sample.rates[policies_of(sample, who)][:, peril_indices(perils)].sum(axis=1).mean())


@measure
def claims_in_book_per_100(sample: Sample, *, who: dict[str, Any] | None = None) -> float:
    """Claims per 100 policies and year as losses above each policy's own retention."""
    sigma = sample.market.peril("log_sigma")
    own = survival(sample.population.retention[:, None], sample.log_medians, sigma, sample.market)
    basis = survival(np.array(BASIS_RETENTION), sample.log_medians, sigma, sample.market)
    return float(100 * (sample.rates * own / basis)[policies_of(sample, who)].sum(axis=1).mean())


@measure
def frequency_ratio(
    sample: Sample, *, of: dict[str, Any], to: dict[str, Any], perils: Sequence[str] | None = None
) -> float:
    """Claims per policy of one population against another's."""
    return claims_per_100(sample, perils=perils, who=of) / claims_per_100(sample, perils=perils, who=to)


@measure
def frequency_change(
    sample: Sample, *, year: int, who: dict[str, Any] | None = None, perils: Sequence[str] | None = None
) -> float:
    """Change in percent of claims per policy, of a year upon the year before, for the same policies."""
    index, first = sample.market.raw["year"]["frequency"], sample.market.raw["year"]["first"]
    chosen = policies_of(sample, who)
    level = (
        sample.rates[chosen][:, peril_indices(perils)].sum(axis=1)
        / np.array(index)[sample.population.year[chosen] - first]
    )
    now, then = (float((level * index[one - first]).mean()) for one in (year, year - 1))
    return 100 * (now / then - 1)


@measure
def frequency_slope(sample: Sample, *, low: float, high: float) -> float:
    """Log-log slope between the bands under 25M and over 100M, put at the revenues `low` and `high`."""
    rates = [claims_per_100(sample, who={"band": band}) for band in (0, 2)]
    return float(np.log(rates[1] / rates[0]) / np.log(high / low))


@measure
def share_of_claims(sample: Sample, *, perils: Sequence[str] | None = None, who: dict[str, Any] | None = None) -> float:
    """Percent of claims that are of these perils, or of this population."""
    part = sample.rates[policies_of(sample, who)][:, peril_indices(perils)].sum()
    return float(100 * part / sample.rates.sum())


# --- severity


def _weights(sample: Sample, like: dict[str, Any] | None) -> Floats:
    """Weight a policy's losses so that claims above `at_least` fall in revenue bands as those of a published sample."""
    weights = np.ones(len(sample.population.revenue))
    if like is None:
        return weights
    place = np.digitize(sample.population.revenue, like["revenue"])
    counted = sample.losses.amount >= like["at_least"]
    counts = np.bincount(place[sample.losses.policy[counted]], minlength=len(like["counts"]))
    factors = np.array(like["counts"], dtype=float) / np.maximum(counts, 1)
    chosen: Floats = factors[place]
    return chosen


def _amounts(
    sample: Sample,
    perils: Sequence[str] | None,
    who: dict[str, Any] | None,
    at_least: float,
    like: dict[str, Any] | None,
) -> tuple[Floats, Floats]:
    losses = sample.losses
    kept = (
        np.isin(losses.peril, peril_indices(perils))
        & policies_of(sample, who)[losses.policy]
        & (losses.amount >= at_least)
    )
    return losses.amount[kept], _weights(sample, like)[losses.policy[kept]]


@measure
def severity_change(sample: Sample, *, year: int) -> float:
    """Change in percent of the mean ground-up loss, of a year upon the year before, at the same posture and cover."""
    index, first = sample.market.raw["year"]["severity"], sample.market.raw["year"]["first"]
    return float(100 * (index[year - first] / index[year - 1 - first] - 1))


@measure
def mean_incurred(sample: Sample, *, perils: Sequence[str] | None = None, who: dict[str, Any] | None = None) -> float:
    """Mean cost of a claim to the insurer, USD: net of the policy's retention, up to its limit."""
    losses, people = sample.losses, sample.population
    net = np.minimum(losses.amount - people.retention[losses.policy], people.limit[losses.policy])
    kept = np.isin(losses.peril, peril_indices(perils)) & policies_of(sample, who)[losses.policy] & (net > 0)
    return float(net[kept].mean())


@measure
def mean_loss(
    sample: Sample,
    *,
    perils: Sequence[str] | None = None,
    who: dict[str, Any] | None = None,
    at_least: float = 0.0,
    like: dict[str, Any] | None = None,
) -> float:
    """Mean ground-up loss, USD, of losses of at least so much."""
    amount, weight = _amounts(sample, perils, who, at_least, like)
    return float(np.average(amount, weights=weight))


@measure
def incurred_ratio(sample: Sample, *, of: dict[str, Any], to: dict[str, Any] | None = None) -> float:
    """Mean cost of a claim of one population against another's."""
    return mean_incurred(sample, who=of) / mean_incurred(sample, who=to)


@measure
def mean_loss_at(sample: Sample, *, peril: str, revenue: float) -> float:
    """Mean ground-up loss of firms as they are, moved to one revenue, without sector or year, USD; capped."""
    k, cap = PERILS.index(peril), sample.market.raw["severity"]["cap"]
    slope, sigma = sample.market.peril("revenue_exponent")[k], sample.market.peril("log_sigma")[k]
    step = sample.population.year - sample.market.raw["year"]["first"]
    moved = sample.log_medians[:, k] - slope * np.log(sample.population.revenue / revenue)
    moved = moved - np.log(sample.market.raw["year"]["severity"])[step]
    below = np.exp(moved + sigma**2 / 2) * ndtr((np.log(cap) - moved - sigma**2) / sigma)
    return float((below + cap * ndtr((moved - np.log(cap)) / sigma)).mean())


@measure
def median_loss(
    sample: Sample, *, perils: Sequence[str] | None = None, who: dict[str, Any] | None = None, at_least: float = 0.0
) -> float:
    """Median ground-up loss, USD, of losses of at least so much."""
    return float(np.median(_amounts(sample, perils, who, at_least, None)[0]))


@measure
def share_above(
    sample: Sample,
    *,
    amount: float,
    at_least: float,
    who: dict[str, Any] | None = None,
    like: dict[str, Any] | None = None,
) -> float:
    """Percent of losses of at least `at_least` that reach an amount."""
    amounts, weight = _amounts(sample, None, who, at_least, like)
    return float(100 * weight[amounts >= amount].sum() / weight.sum())


@measure
def tail_index(sample: Sample, *, low: float, high: float, like: dict[str, Any] | None = None) -> float:
    """Pareto exponent between two amounts, from how many losses reach each."""
    amounts, weight = _amounts(sample, None, None, low, like)
    return float(np.log(weight.sum() / weight[amounts >= high].sum()) / np.log(high / low))


@measure
def loss_log_sigma(sample: Sample, *, low: float, high: float, like: dict[str, Any] | None = None) -> float:
    """Log standard deviation of the lognormal that has the sample's shares above two amounts, of losses from 1,000."""
    scores = [ndtri(1 - share_above(sample, amount=x, at_least=1e3, like=like) / 100) for x in (low, high)]
    return float(np.log(high / low) / (scores[1] - scores[0]))


@measure
def severity_slope(sample: Sample, *, low: float, high: float, median: bool = False) -> float:
    """Log-log slope of the mean (or median) loss between the bands under 25M and over 100M, put at two revenues."""
    of = median_loss if median else mean_loss
    values = [of(sample, who={"band": band}) for band in (0, 2)]
    return float(np.log(values[1] / values[0]) / np.log(high / low))


@measure
def share_of_loss(
    sample: Sample, *, perils: Sequence[str], at_least: float, like: dict[str, Any] | None = None
) -> float:
    """Percent of the sum of ground-up losses that these perils make."""
    part, whole = _amounts(sample, perils, None, at_least, like), _amounts(sample, None, None, at_least, like)
    return float(100 * (part[0] @ part[1]) / (whole[0] @ whole[1]))


# --- controls


@measure
def contrast(
    sample: Sample,
    *,
    signal: str,
    worse: Sequence[int],
    better: Sequence[int],
    source: str | None = None,
    perils: Sequence[str] | None = None,
    who: dict[str, Any] | None = None,
) -> float:
    """Claims per policy where a source shows the worse cells against the better ones: nothing else is held equal."""
    cells, total, chosen = (
        cells_told(sample, signal, source),
        sample.rates[:, peril_indices(perils)].sum(axis=1),
        policies_of(sample, who),
    )
    return float(total[chosen & np.isin(cells, worse)].mean() / total[chosen & np.isin(cells, better)].mean())


@measure
def all_in_place_contrast(
    sample: Sample, *, cells: dict[str, list[int]], source: str | None = None, who: dict[str, Any] | None = None
) -> float:
    """Claims per policy where not all of several controls are shown in place, against where all are."""
    told = {name: cells_told(sample, name, source) for name in cells}
    asked = policies_of(sample, who) & np.logical_and.reduce([column != NOT_SEEN for column in told.values()])
    every = np.logical_and.reduce([np.isin(told[name], good) for name, good in cells.items()])
    total = sample.rates.sum(axis=1)
    return float(total[asked & ~every].mean() / total[asked & every].mean())


@measure
def outside_rating_contrast(sample: Sample, *, worst: float, best: float, perils: Sequence[str] | None = None) -> float:
    """Claims per policy of the worst and the best share of firms by what a scan alone shows of their controls."""
    own = sample.market.effects
    score = np.zeros(len(sample.truth))
    for j, about in enumerate(signals().values()):
        if "scan" in about.sources and not about.is_context:
            weight = own[j][:, peril_indices(perils)].mean(axis=1)
            cells = cells_told(sample, about.name, "scan")
            score += np.where(cells == NOT_SEEN, sample.market.prevalence[j] @ weight, weight[cells])
    low, high = np.quantile(score, [best, 1 - worst])
    total = sample.rates[:, peril_indices(perils)].sum(axis=1)
    return float(total[score >= high].mean() / total[score <= low].mean())


@measure
def severity_contrast(
    sample: Sample, *, signal: str, worse: Sequence[int], better: Sequence[int], perils: Sequence[str]
) -> float:
    """Mean ground-up loss where the true cells are worse against better."""
    cells = cells_told(sample, signal, None)[sample.losses.policy]
    of_peril = np.isin(sample.losses.peril, peril_indices(perils))
    amounts = [sample.losses.amount[of_peril & np.isin(cells, group)] for group in (worse, better)]
    return float(amounts[0].mean() / amounts[1].mean())


@measure
def quintile_ratio(sample: Sample, *, peril: str) -> float:
    """Mean effect of posture on frequency, worst against best fifth of firms by it: at equal revenue."""
    effect = np.sort(np.exp(posture_effect(sample.truth, sample.market)[:, PERILS.index(peril)]))
    fifth = len(effect) // 5
    return float(effect[-fifth:].mean() / effect[:fifth].mean())


@measure
def percentile_ratio(sample: Sample, *, peril: str) -> float:
    """Effect of posture on frequency, 99th against 1st percentile of firms by it."""
    effect = posture_effect(sample.truth, sample.market)[:, PERILS.index(peril)]
    low, high = np.percentile(effect, [1, 99])
    return float(np.exp(high - low))


# --- prevalence and what is told of it


@measure
def prevalence(
    sample: Sample, *, cells: dict[str, list[int]], source: str | None = None, who: dict[str, Any] | None = None
) -> float:
    """Percent of firms with all these signals in these cells, in truth or among those that a source shows."""
    told = {name: cells_told(sample, name, source) for name in cells}
    base = policies_of(sample, who) & np.logical_and.reduce([column != NOT_SEEN for column in told.values()])
    every = np.logical_and.reduce([np.isin(told[name], good) for name, good in cells.items()])
    return float(100 * every[base].mean())


@measure
def prevalence_gap(sample: Sample, *, cells: dict[str, list[int]], of: str, to: str) -> float:
    """Points between the prevalences of two size classes."""
    return prevalence(sample, cells=cells, who={"sizes": [of]}) - prevalence(sample, cells=cells, who={"sizes": [to]})


@measure
def uncovered_share(sample: Sample, *, signal: str, middles: list[float], who: dict[str, Any] | None = None) -> float:
    """Percent of accounts left uncovered in firms that have the control at all, as their telemetry counts."""
    cells = cells_told(sample, signal, "telemetry")
    having = policies_of(sample, who) & (cells != NOT_SEEN) & (cells < len(middles))
    return float(100 * (1 - np.array(middles)[cells[having]]).mean())


@measure
def contradicted(
    sample: Sample,
    *,
    signal: str,
    said: Sequence[int],
    true: dict[str, list[int]],
    who: dict[str, Any] | None = None,
) -> float:
    """Percent of the firms attesting certain cells of a signal whose true cells are as given."""
    told = policies_of(sample, who) & np.isin(cells_told(sample, signal, "attestation"), said)
    fact = np.logical_and.reduce([np.isin(cells_told(sample, name, None), cells) for name, cells in true.items()])
    return float(100 * fact[told].mean())


@measure
def true_share_of_told(sample: Sample, *, signal: str, cells: Sequence[int]) -> float:
    """Percent of firms in truth in certain cells, against the percent attesting them: below 1 is overstated."""
    told, fact = cells_told(sample, signal, "attestation"), cells_told(sample, signal, None)
    answered = told != NOT_SEEN
    return float(np.isin(fact[answered], cells).mean() / np.isin(told[answered], cells).mean())


@measure
def common_correlation(sample: Sample, *, cells: dict[str, list[int]], who: dict[str, Any] | None = None) -> float:
    """One correlation of normal scores at which controls would occur together as often as they do."""
    chosen = policies_of(sample, who)
    held = np.column_stack([np.isin(cells_told(sample, name, None)[chosen], good) for name, good in cells.items()])
    alone, together = held.mean(axis=0), held.all(axis=1).mean()
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)

    def excess(rho: float) -> float:
        given = ndtr((ndtri(alone)[:, None] + np.sqrt(rho) * nodes) / np.sqrt(1 - rho)).prod(axis=0)
        return float(given @ weights / weights.sum() - together)

    low, high = 0.0, 0.99
    if excess(low) >= 0 or excess(high) <= 0:
        return low if excess(low) >= 0 else high
    return float(brentq(excess, low, high))


# --- who is insured


@measure
def buyer_tilt(sample: Sample, *, sector: str) -> float:
    """Share of policies in a sector against its share of all firms (SUSB)."""
    firms: dict[str, int] = {}
    for name, _, count in _us_firms():
        firms[name] = firms.get(name, 0) + count
    return float(policies_of(sample, {"sectors": [sector]}).mean() * sum(firms.values()) / firms[sector])


@cache
def _us_firms() -> tuple[tuple[str, str, int], ...]:
    """US firms by rating sector and employees, 2021 (US Census Bureau, SUSB; public domain)."""
    text = files("cyberscore.market").joinpath("susb_2021.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple((row["sector"], row["employees"], int(row["firms"])) for row in rows)
