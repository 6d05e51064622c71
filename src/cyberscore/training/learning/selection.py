"""What has earned its place out of fold: how much of the boosting, and which factors may meet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import joblib
import numpy as np
from scipy.special import xlogy
from threadpoolctl import threadpool_limits

from cyberscore.profile import signals
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.learning.design import AdditiveRates
from cyberscore.training.learning.exposure import Experience
from cyberscore.training.learning.frequency import FrequencyFit, FrequencyOptions, fit_frequency, log_rates
from cyberscore.training.learning.reference import blended_codes

FOLDS = 3
BOOSTING_SHARES = (0.0, 0.5, 1.0)
MIN_CLAIMS_TO_BOOST = 2_000
"""With fewer claims boosting is not even tried: of 1,400 it took away more than it brought."""
WAYS = (0.0, 0.5, 1.0)
"""Shares of the way from a prior plan to the fit that are tried out of fold; each counts by its likelihood there."""
MAX_PAIRS = 3
"""A manual with more of them is not read any more (judgement)."""
_CLEAR, _ON_EACH = 4.0, 1.5
"""Least z of a pair on both halves together (one in 700 pairs of noise has 3), and on each."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, and what it rests on: boosting's share, how far to leave a prior plan, the factors that meet.

    `way` is 0 (the prior plan as it is) to 1 (own tables). `deviance` is the mean Poisson deviance a year out of fold,
    by candidate; `gain` of the last candidates over stage 0 with its standard error; `screened` lists the sets tried,
    strongest first: names, and the z of both halves.
    """

    boosting_share: float
    way: float
    pairs: tuple[tuple[str, str], ...]
    deviance: dict[str, float]
    gain: dict[str, tuple[float, float]]
    screened: tuple[tuple[tuple[str, ...], float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "deviance": {name: round(value, 6) for name, value in self.deviance.items()},
            "gain": {name: [round(value, 7) for value in pair] for name, pair in self.gain.items()},
            "screened": [[" x ".join(names), round(z, 2), round(again, 2)] for names, z, again in self.screened],
        }


def select(
    experience: Experience,
    *,
    options: FrequencyOptions,
    prior: RatingPlan | None,
    screen: bool,
    seed: int,
    n_jobs: int | None = None,
) -> Selection:
    """Choose pairs on training folds and the share of boosting on the folds held out.

    Parameters
    ----------
    experience : Experience
    options : FrequencyOptions
        Its pairs are kept, whatever the screen says.
    prior : RatingPlan, optional
    screen : bool
        Whether to look for pairs beside those of the options.
    seed : int
    n_jobs : int, optional
        Folds at the same time.

    Notes
    -----
    Folds are by insured, and, in a book of several years, one more learns from all years but the last and is judged on
    that. Sets that meet are screened by score tests of their product on the residuals of an additive fit: clear on all
    insureds, and pointing the same way on each half of them.
    """
    policies, counts = experience.policies, experience.counts
    seeds = [int(x) for x in np.random.SeedSequence(seed).generate_state(FOLDS + 3)]
    tried: tuple[tuple[tuple[str, ...], float, float], ...] = ()
    pairs = options.pairs
    enough = counts.sum() >= MIN_CLAIMS_TO_BOOST
    if screen and enough:
        tried = screen_interactions(experience, prior=prior, seed=seeds[0])
        clear = [names for names, *z in tried if len(names) == 2 and sum(z) > _CLEAR * 2**0.5 and min(z) > _ON_EACH]
        found = [(names[0], names[1]) for names in clear if names not in pairs and names[::-1] not in pairs]
        pairs = (*pairs, *found)[: max(MAX_PAIRS, len(pairs))]
    options = replace(options, pairs=pairs, boosting_share=1.0 if enough else 0.0)
    running = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(_judge_fold)(experience, rows, options, prior, seeds[2 + at % FOLDS])
        for at, rows in enumerate(_folds(policies, seeds[1]))
    )
    losses: dict[str, list[Floats]] = {}
    for fold in running:
        for name, values in fold.items():
            losses.setdefault(name, []).append(values)
    total = {name: np.concatenate(parts) for name, parts in losses.items()}
    years = max(len(next(iter(total.values()))), 1)
    deviance = {name: float(values.sum() / years) for name, values in total.items()}
    share = min(BOOSTING_SHARES, key=lambda share: deviance.get(_boosting_name(share), np.inf))
    way = 1.0
    if prior is not None:
        ways = np.array([deviance[_way_name(way)] for way in WAYS]) * len(policies)
        if share == 0.0 or deviance[_boosting_name(share)] * len(policies) > ways.min():
            share, way = 0.0, _mean_way(ways)
    reference = total[_way_name(0.0) if prior is not None else "stage 0"]
    gain = {
        name: (float((reference - values).mean()), float((reference - values).std() / np.sqrt(years)))
        for name, values in total.items()
    }
    return Selection(share, way, pairs, deviance, gain, tried)


def _mean_way(deviances: Floats) -> float:
    """Mean of WAYS, each weighted by its likelihood out of fold: to pick the best of them would follow chance."""
    likelihood = np.exp(-0.5 * (deviances - deviances.min()))
    return round(float(likelihood @ WAYS / likelihood.sum()), 2)


def _judge_fold(
    experience: Experience,
    rows: tuple[np.ndarray, np.ndarray],
    options: FrequencyOptions,
    prior: RatingPlan | None,
    seed: int,
) -> dict[str, Floats]:
    """Learn from some rows; deviance of every candidate on each of the others."""
    policies, counts, exposure = experience.policies, experience.counts, experience.exposure
    train, test = rows
    weight = np.zeros(len(policies))
    weight[train] = 1.0
    with threadpool_limits(1):
        codes = blended_codes(policies, np.random.default_rng(seed))
        fit = fit_frequency(experience, codes, weight, options=options, prior=prior, seed=seed)
        return {
            name: _deviances(counts[test], exposure[test] * np.exp(rates)).sum(axis=1)
            for name, rates in _candidates(experience, fit, train, test, prior=prior).items()
        }


def _candidates(
    experience: Experience, fit: FrequencyFit, train: np.ndarray, test: np.ndarray, *, prior: RatingPlan | None
) -> dict[str, Floats]:
    """Log rates of every candidate on the test rows."""
    policies = experience.policies
    claims, years = experience.counts[train].sum(axis=0), experience.exposure[train].sum(axis=0)
    mean = np.log(np.maximum(claims, 0.5) / years)
    found: dict[str, Floats] = {"mean": np.tile(mean, (len(test), 1))}
    additive = log_rates(policies, test, fit.additive)
    if prior is None:
        found["stage 0"] = log_rates(policies, test, fit.stage_zero)
    else:
        before = log_rates(policies, test, rates_of_plan(prior))
        for way in WAYS[:-1]:
            found[_way_name(way)] = (1.0 - way) * before + way * additive
    whole = log_rates(policies, test, fit)
    for share in BOOSTING_SHARES if fit.boosted else (0.0,):
        found[_boosting_name(share)] = (1.0 - share) * additive + share * whole
    return found


def _way_name(way: float) -> str:
    """Candidate that goes some way from the prior plan to the own tables."""
    return {0.0: "prior plan", 1.0: _boosting_name(0.0)}.get(way, f"{way:g} of the way to own tables")


def _boosting_name(share: float) -> str:
    """Candidate in which boosting counts by a share."""
    return "own tables" if share == 0.0 else f"own tables and {share:g} of the boosting"


def rates_of_plan(plan: RatingPlan) -> AdditiveRates:
    """Return a plan's frequency as log rates."""
    return AdditiveRates(
        base=plan.base.values[:, :N_PERILS] + plan.log_balance,
        tables=tuple(plan.tables[factor.name][:, :N_PERILS] for factor in factors()),
        pairs={pair: table[:, :, :N_PERILS] for pair, table in plan.pairs.items()},
    )


def _folds(policies: EncodedPolicies, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and to judge on: by insured, then the last year after the others."""
    insured = policies.insured
    fold = np.random.default_rng(seed).integers(FOLDS, size=int(insured.max()) + 1)[insured]
    for k in range(FOLDS):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)
    if policies.year is not None and len(np.unique(policies.year)) > 1:
        last = policies.year.max()
        known = np.isin(insured, np.unique(insured[policies.year < last]))
        after = np.flatnonzero((policies.year == last) & ~known)
        if len(after):
            yield np.flatnonzero(policies.year < last), after


def _deviances(claims: Floats, expected: Floats) -> Floats:
    expected = np.maximum(expected, 1e-12)
    deviances: Floats = 2.0 * (xlogy(claims, claims / expected) - claims + expected)
    return deviances


def screen_interactions(
    experience: Experience,
    *,
    prior: RatingPlan | None,
    seed: int,
    keep: int = 12,
) -> tuple[tuple[tuple[str, ...], float, float], ...]:
    """Pairs of signals, and triples around the strongest pairs, by how clearly claims ask for their product.

    Parameters
    ----------
    experience, prior, seed
        As in `select`.
    keep : int
        Length of the list.

    Returns
    -------
    tuple of (names, z, z on the other half)
        z is the score statistic of the product of the signals' places (0 safest, 1 riskiest, blended by evidence), all
        perils together, each product centred on its factors. Only products that make bad with bad worse count: under
        monotone constraints boosting could learn no other from nothing.
    """
    policies, counts, exposure = experience.policies, experience.counts, experience.exposure
    half = np.random.default_rng(seed).integers(2, size=int(policies.insured.max()) + 1)[policies.insured]
    codes = policies.codes
    weight = np.ones(len(policies))
    fit = fit_frequency(experience, codes, weight, options=FrequencyOptions(), prior=prior, seed=seed)
    names = [name for f, name in enumerate(signals()) if factors()[f].monotone]
    places = _places(policies)
    rows = np.arange(len(policies))
    expected = (exposure * np.exp(log_rates(policies, rows, fit))).sum(axis=1)
    residual = counts.sum(axis=1) - expected
    z = []
    for part in (0, 1):
        mine = half == part
        own, mu = places[mine], expected[mine]
        centre = (mu @ own) / mu.sum()
        z.append(_pair_scores(own - centre, mu, residual[mine]))
    pairs = sorted(combinations(range(len(names)), 2), key=lambda ab: -(z[0] + z[1])[ab])[:keep]
    found = [((names[a], names[b]), float(z[0][a, b]), float(z[1][a, b])) for a, b in pairs]
    triples: list[tuple[tuple[str, ...], float, float]] = []
    for a, b in pairs[:3]:
        for c in range(len(names)):
            if c not in (a, b):
                first, second = (
                    _triple_score(places[half == p], expected[half == p], residual[half == p], (a, b, c))
                    for p in (0, 1)
                )
                triples.append(((names[a], names[b], names[c]), first, second))
    triples.sort(key=lambda one: -(one[1] + one[2]))
    return (*found, *triples[:3])


def _places(policies: EncodedPolicies) -> Floats:
    """Place of every ordered signal between its safest and riskiest code, blended, (terms, signals)."""
    columns = []
    for f, about in enumerate(signals().values()):
        if factors()[f].monotone:
            last = len(about.labels) - 1
            code = policies.codes[:, f].astype(float)
            rest = np.where(code > about.unknown, about.unanswered, about.unknown)
            weight = policies.weights[:, f]
            columns.append((weight * code + (1 - weight) * rest) / last)
    return np.column_stack(columns)


def _pair_scores(centred: Floats, expected: Floats, residual: Floats) -> Floats:
    """Score statistic of every product of two columns, (signals, signals)."""
    numerator = (centred * residual[:, None]).T @ centred
    squared = centred**2
    variance = (squared * expected[:, None]).T @ squared
    scores: Floats = numerator / np.sqrt(np.maximum(variance, 1e-12))
    return scores


def _triple_score(places: Floats, expected: Floats, residual: Floats, columns: tuple[int, int, int]) -> float:
    centre = (expected @ places[:, columns]) / expected.sum()
    product = (places[:, columns] - centre).prod(axis=1)
    return float(product @ residual / np.sqrt(max(float(expected @ product**2), 1e-12)))
