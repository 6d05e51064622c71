"""Peers on the same folds: a rating plan against other learners, on a simulated book whose true rates are known.

Install what it compares with by `pip install -e ".[bench]"`; without LightGBM or interpret their rows are left out.

    python tests/benchmarks/peers.py --policies 100000 --seeds 1 2 --folds 3 --json peers.json

Every learner gets the same training folds (by insured), the same exposure to claims above the basis and the same
information: the code of every signal (unknown included, in its place in the order), sector, country, band of records,
revenue; those marked *weights* also the weight of each observation's evidence. Rates are predicted for the policies
held out, at the index of their own year.

- *share*: noise-free share of explainable deviance, perils pooled, `1 - KL(truth, model) / KL(truth, mean)`, with KL
  the mean Poisson divergence of predictions from the true rates, and the mean that of the true rates held out.
- *deviance*: mean Poisson deviance a policy, perils pooled, on the claims held out.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor
from threadpoolctl import threadpool_limits

from cyberscore.exceptions import CyberscoreError
from cyberscore.market import Market, simulate
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.learning.exposure import claim_counts
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator
from cyberscore.training.learning.questionnaire import ClaimExposure, QuestionnaireGLM
from cyberscore.training.release import market_trend

N_SIGNALS = len(signals())
STOPPING_SHARE = 0.2
"""Part of a training fold, by insured, on which boosters choose their settings and their number of trees."""
RIDGE_STRENGTHS = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Penalties in claims on effects of one standard deviation."""
TINY = 1e-9


# --- books and folds ------------------------------------------------------------------------------------------------


def subset(market: Market, rows: np.ndarray) -> Market:
    """Policies of a market in the given rows, with their claims and their truth."""
    policies = market.policies.iloc[rows].reset_index(drop=True)
    claims = market.claims[market.claims["policy_id"].isin(policies["policy_id"])].reset_index(drop=True)
    return replace(
        market,
        policies=policies,
        claims=claims,
        true_rates=market.true_rates.iloc[rows].reset_index(drop=True),
        truth=market.truth[rows],
    )


def fold_of_policies(market: Market, n_folds: int, seed: int) -> np.ndarray:
    """Fold of every policy; terms of one insured share theirs."""
    column = "insured_id" if "insured_id" in market.policies.columns else "policy_id"
    return folds_of(pd.factorize(market.policies[column])[0], n_folds, seed)


def folds_of(insured: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Fold of every row by insured, folds of even size."""
    return (np.random.default_rng(seed).permutation(int(insured.max()) + 1) % n_folds)[insured]


@dataclass
class Side:
    """One side of a fold: a market, encoded, with the exposure that every learner shares."""

    market: Market
    book: Book
    exposure_basis: ClaimExposure

    @property
    def encoded(self) -> EncodedPolicies:
        return self.book.encoded_policies

    @cached_property
    def exposure(self) -> Floats:
        return np.maximum(self.exposure_basis.of(self.encoded), 1e-12)

    @cached_property
    def counts(self) -> Floats:
        return claim_counts(self.encoded, self.book.encoded_claims)

    @cached_property
    def index(self) -> Floats:
        """Frequency index of each policy's year, (n, 1)."""
        trend = market_trend()
        return np.array([trend[int(year)][0] for year in self.encoded.year])[:, None]

    @cached_property
    def truth(self) -> Floats:
        return self.market.true_rates.to_numpy()

    @cached_property
    def badness(self) -> Floats:
        """Mean place, safest 0 to riskiest 1, of the signals that are known."""
        total, known = np.zeros(len(self.encoded)), np.zeros(len(self.encoded))
        for j, about in enumerate(signals().values()):
            if not about.monotone:
                continue
            code = self.encoded.codes[:, j]
            seen = (code != about.unknown) & (code != about.unanswered)
            total += np.where(seen, code / (about.n_codes - 1), 0.0)
            known += seen
        return total / np.maximum(known, 1.0)

    def features(self, *, weights: bool) -> Floats:
        """Log revenue, the code of every factor and, if wanted, the weight of every observation."""
        columns = [np.log(self.encoded.revenue), self.encoded.codes]
        return np.column_stack([*columns, self.encoded.weights] if weights else columns).astype(np.float32)

    def places(self) -> Floats:
        """Log revenue, place of every signal in its order, blended with unknown's by weight, and categories."""
        columns = [np.log(self.encoded.revenue / 1e7)[:, None]]
        for f, factor in enumerate(factors()):
            code = self.encoded.codes[:, f]
            if not factor.monotone:
                columns.append(np.eye(len(factor.labels))[code])
                continue
            place = np.linspace(0.0, 1.0, len(factor.labels))
            own = place[code]
            if f < N_SIGNALS:
                about, w = list(signals().values())[f], self.encoded.weights[:, f].astype(float)
                own = w * own + (1.0 - w) * place[np.where(code > about.unknown, about.unanswered, about.unknown)]
            columns.append(own[:, None])
        return np.column_stack(columns)

    def stopping(self, seed: int) -> np.ndarray:
        """Rows that boosters set aside to choose with."""
        return folds_of(self.encoded.insured, round(1 / STOPPING_SHARE), seed + 77) == 0


def monotone(*, weights: bool) -> list[int]:
    """Constraints on `Side.features`: a riskier code never lowers a rate."""
    own = [1, *(1 if factor.monotone and f < N_SIGNALS else 0 for f, factor in enumerate(factors()))]
    return own + [0] * (N_SIGNALS if weights else 0)


def categorical() -> list[int]:
    """Columns of `Side.features` that have no order."""
    return [f + 1 for f, factor in enumerate(factors()) if not factor.monotone]


# --- learners: training side, held-out side and seed in; rates at index 1 out, (n, perils) --------------------------

Learner = Callable[[Side, Side, int], Floats]


def mean_rate(train: Side, test: Side, seed: int) -> Floats:
    return np.tile(train.counts.sum(axis=0) / train.exposure.sum(axis=0), (len(test.encoded), 1))


def three_numbers(train: Side, test: Side, seed: int) -> Floats:
    """One slope on log revenue, one on mean known badness, and the level; the level by peril."""
    scale = train.counts.sum() / train.exposure.sum()

    def design(side: Side) -> Floats:
        own = np.column_stack([np.log(side.encoded.revenue / 1e7), 5.0 * side.badness])
        return np.column_stack([np.tile(own, (N_PERILS, 1)), np.repeat(np.eye(N_PERILS), len(own), axis=0)])

    model = PoissonRegressor(alpha=1e-6, solver="newton-cholesky", max_iter=100)
    e = train.exposure.T.ravel()
    model.fit(design(train), train.counts.T.ravel() / e / scale, sample_weight=e)
    return scale * model.predict(design(test)).reshape(N_PERILS, -1).T


def questionnaire(train: Side, test: Side, seed: int) -> Floats:
    return QuestionnaireGLM(trend=market_trend(), random_state=seed).fit(train.book).predict(test.market.policies)


def ridge_glm(train: Side, test: Side, seed: int) -> Floats:
    """Cross-validated ridge Poisson GLM a peril on each signal's place in its order, blended with that of unknown."""
    X, Z, fold = train.places(), test.places(), folds_of(train.encoded.insured, 3, seed + 78)
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    scale[0] /= 10.0  # the revenue slope goes free of penalty
    X, Z = X / scale, Z / scale
    columns = []
    for k in range(N_PERILS):
        y, e = train.counts[:, k], train.exposure[:, k]
        claims, mean = max(y.sum(), 0.5), max(y.sum(), 0.5) / e.sum()

        def fitted(rows: np.ndarray, strength: float, y=y, e=e, claims=claims, mean=mean) -> PoissonRegressor:
            model = PoissonRegressor(alpha=strength / claims, solver="newton-cholesky", max_iter=100)
            return model.fit(X[rows], y[rows] / e[rows] / mean, sample_weight=e[rows])

        losses = []
        for strength in RIDGE_STRENGTHS:
            loss = 0.0
            for j in range(3):
                rate = mean * fitted(np.flatnonzero(fold != j), strength).predict(X[fold == j])
                loss += float((e[fold == j] * rate - y[fold == j] * np.log(rate)).sum())
            losses.append(loss)
        best = RIDGE_STRENGTHS[int(np.argmin(losses))]
        columns.append(mean * fitted(np.arange(len(X)), best).predict(Z))
    return np.column_stack(columns)


def rating_plan(n_bags: int) -> Learner:
    def learn(train: Side, test: Side, seed: int) -> Floats:
        estimator = RatingPlanEstimator(
            screen_pairs=True, n_bags=n_bags, trend=market_trend(), trend_to=(1.0, 1.0), random_state=seed, n_jobs=1
        )
        plan = estimator.fit(train.book).plan_
        own = test.encoded
        return np.exp(totals_of_many(plan, own.codes, own.weights.astype(float), own.revenue)[:, :N_PERILS])

    return learn


def _boosted(X: Floats, y: Floats, e: Floats, aside: np.ndarray, seed: int, **options: Any) -> Any:
    """Histogram boosting, stopped early on the rows aside, then refitted on all."""
    about: dict[str, Any] = {
        "loss": "poisson",
        "learning_rate": 0.05,
        "max_leaf_nodes": 6,
        "min_samples_leaf": 200,
        "l2_regularization": 1.0,
        "max_features": 0.5,
        "random_state": seed,
        "early_stopping": False,
        **options,
    }
    mean = float(y.sum() / e.sum())
    target = y / e / mean
    trial = HistGradientBoostingRegressor(max_iter=300, **about)
    trial.fit(X[~aside], target[~aside], sample_weight=e[~aside])
    losses = [
        float((e[aside] * mean * rate - y[aside] * np.log(np.maximum(rate, TINY))).sum())
        for rate in trial.staged_predict(X[aside])
    ]
    final = HistGradientBoostingRegressor(max_iter=int(np.argmin(losses)) + 1, **about)
    final.fit(X, target, sample_weight=e)
    return lambda Z: mean * final.predict(Z)


def five_boosters(train: Side, test: Side, seed: int) -> Floats:
    X, Z, aside = train.features(weights=False), test.features(weights=False), train.stopping(seed)
    cst = monotone(weights=False)
    return np.column_stack(
        [
            _boosted(
                X,
                train.counts[:, k],
                train.exposure[:, k],
                aside,
                seed,
                monotonic_cst=cst,
                categorical_features=categorical(),
            )(Z)
            for k in range(N_PERILS)
        ]
    )


def all_claims_first(train: Side, test: Side, seed: int) -> Floats:
    """One booster on all claims, then monotone boosters of each peril on what it leaves."""
    X, Z, aside = train.features(weights=False), test.features(weights=False), train.stopping(seed)
    options = {"monotonic_cst": monotone(weights=False), "categorical_features": categorical()}
    together = _boosted(X, train.counts.sum(axis=1), train.exposure.mean(axis=1), aside, seed, **options)
    known, new = together(X), together(Z)
    columns = []
    for k in range(N_PERILS):
        left = _boosted(X, train.counts[:, k], train.exposure[:, k] * known, aside, seed, **options)
        columns.append(new * left(Z))
    return np.column_stack(columns)


def _stack(X: Floats) -> Floats:
    """Rows of every peril under one another, the peril in the last column."""
    peril = np.repeat(np.arange(N_PERILS, dtype=np.float32), len(X))
    return np.column_stack([np.tile(X, (N_PERILS, 1)), peril])


LIGHTGBM_TRIALS: tuple[dict[str, Any], ...] = (
    {"num_leaves": 3, "min_data_in_leaf": 500},
    {"num_leaves": 6, "min_data_in_leaf": 1000},
    {"num_leaves": 12, "min_data_in_leaf": 2000},
)


def _lightgbm(X: Floats, y: Floats, e: Floats, aside: np.ndarray, seed: int, cst: list[int], cats: list[int]) -> Any:
    """Best of a few sizes of tree, each stopped early on the rows aside, then refitted on all with as many trees."""
    import lightgbm

    mean = float(y.sum() / e.sum())
    shared = {
        "objective": "poisson",
        "metric": "poisson",
        "learning_rate": 0.05,
        "lambda_l2": 5.0,
        "feature_fraction": 0.5,
        "cat_smooth": 50.0,
        "cat_l2": 50.0,
        "monotone_constraints": cst,
        "monotone_constraints_method": "advanced",
        "num_threads": 1,
        "deterministic": True,
        "seed": seed,
        "verbosity": -1,
    }
    binning = {"max_bin": 63, "feature_pre_filter": False, "verbosity": -1, "num_threads": 1}
    whole = lightgbm.Dataset(X, y / e / mean, weight=e * mean, categorical_feature=cats, params=binning)
    whole.construct()
    part, rest = whole.subset(np.flatnonzero(~aside)), whole.subset(np.flatnonzero(aside))
    best: tuple[float, dict[str, Any], int] | None = None
    for trial in LIGHTGBM_TRIALS:
        stop = lightgbm.early_stopping(30, verbose=False)
        model = lightgbm.train({**shared, **trial}, part, 600, valid_sets=[rest], callbacks=[stop])
        loss = model.best_score["valid_0"]["poisson"]
        if best is None or loss < best[0]:
            best = (loss, trial, max(model.best_iteration, 1))
    _, trial, n_trees = best
    final = lightgbm.train({**shared, **trial}, whole, n_trees)
    return lambda Z: mean * final.predict(Z, num_threads=1)


def lightgbm_by_peril(*, weights: bool) -> Learner:
    def learn(train: Side, test: Side, seed: int) -> Floats:
        X, Z, aside = train.features(weights=weights), test.features(weights=weights), train.stopping(seed)
        cst, cats = monotone(weights=weights), categorical()
        return np.column_stack(
            [_lightgbm(X, train.counts[:, k], train.exposure[:, k], aside, seed, cst, cats)(Z) for k in range(N_PERILS)]
        )

    return learn


def lightgbm_stacked(*, weights: bool, start: Learner | None = None) -> Learner:
    """One booster of all perils, from its mean or on top of what `start` predicts."""

    def learn(train: Side, test: Side, seed: int) -> Floats:
        X, Z = _stack(train.features(weights=weights)), _stack(test.features(weights=weights))
        aside = np.tile(train.stopping(seed), N_PERILS)
        cst, cats = [*monotone(weights=weights), 0], [*categorical(), X.shape[1] - 1]
        known, new = (start(train, side, seed) if start else np.ones(side.exposure.shape) for side in (train, test))
        model = _lightgbm(X, train.counts.T.ravel(), (train.exposure * known).T.ravel(), aside, seed, cst, cats)
        return new * model(Z).reshape(N_PERILS, -1).T

    return learn


def _ebm(X: Floats, y: Floats, e: Floats, seed: int, cst: list[int], cats: list[int], pairs: list[Any]) -> Any:
    from interpret.glassbox import ExplainableBoostingRegressor

    mean = float(y.sum() / e.sum())
    kinds = ["nominal" if c in cats else "continuous" for c in range(X.shape[1])]
    model = ExplainableBoostingRegressor(
        objective="poisson_deviance",
        feature_names=[f"x{c}" for c in range(X.shape[1])],
        feature_types=kinds,
        interactions=pairs,
        monotone_constraints=cst,
        outer_bags=4,
        learning_rate=0.02,
        max_rounds=2_000,
        early_stopping_rounds=50,
        min_samples_leaf=50,
        validation_size=0.15,
        n_jobs=1,
        random_state=seed,
    )
    model.fit(X.astype(np.float64), y / e / mean, sample_weight=e / e.mean())
    return lambda Z: mean * model.predict(Z.astype(np.float64))


def ebm_by_peril(train: Side, test: Side, seed: int) -> Floats:
    """One machine a peril, main effects alone."""
    X, Z = train.features(weights=False), test.features(weights=False)
    cst, cats = monotone(weights=False), categorical()
    return np.column_stack(
        [_ebm(X, train.counts[:, k], train.exposure[:, k], seed, cst, cats, [])(Z) for k in range(N_PERILS)]
    )


def ebm_stacked(train: Side, test: Side, seed: int) -> Floats:
    """One machine for all perils: main effects, and every factor's with the peril."""
    X, Z = _stack(train.features(weights=False)), _stack(test.features(weights=False))
    peril = X.shape[1] - 1
    pairs = [(c, peril) for c in range(1 + len(factors()))]
    cst, cats = [*monotone(weights=False), 0], [*categorical(), peril]
    model = _ebm(X, train.counts.T.ravel(), train.exposure.T.ravel(), seed, cst, cats, pairs)
    return model(Z).reshape(N_PERILS, -1).T


OURS = "rating plan"


def learners(*, quick: bool, n_bags: int) -> dict[str, Learner]:
    """Every learner that can run here, ours first."""
    found: dict[str, Learner] = {
        OURS: rating_plan(2 if quick else n_bags),
        "mean": mean_rate,
        "three numbers": three_numbers,
        "questionnaire GLM": questionnaire,
        "ridge GLM on places": ridge_glm,
        "five independent boosters": five_boosters,
        "all claims first, then perils": all_claims_first,
    }
    if find_spec("lightgbm"):
        found["LightGBM by peril"] = lightgbm_by_peril(weights=False)
        found["LightGBM stacked"] = lightgbm_stacked(weights=False)
        found["LightGBM stacked, weights"] = lightgbm_stacked(weights=True)
        found["LightGBM stacked on three numbers"] = lightgbm_stacked(weights=False, start=three_numbers)
    if find_spec("interpret"):
        found["EBM by peril"] = ebm_by_peril
        if not quick:
            found["EBM stacked"] = ebm_stacked
    for package, name in (("lightgbm", "LightGBM"), ("interpret", "EBM")):
        if not find_spec(package):
            sys.stderr.write(f'{name} is left out: pip install -e ".[bench]"\n')
    return found


# --- judging --------------------------------------------------------------------------------------------------------


def divergence(truth: Floats, model: Floats) -> Floats:
    """Sum of the Poisson divergence of a model's rates from the true ones, (perils,)."""
    return (truth * np.log(truth / model) - truth + model).sum(axis=0)


def deviance(counts: Floats, expected: Floats) -> Floats:
    """Sum of the Poisson deviance of claims, (perils,)."""
    logs = np.where(counts > 0, counts * np.log(np.maximum(counts, 1.0) / expected), 0.0)
    return 2.0 * (logs - counts + expected).sum(axis=0)


@dataclass(frozen=True)
class Judged:
    """Sums by peril over the policies held out in one fold."""

    name: str
    seed: int
    fold: int
    n: int
    divergence: Floats
    divergence_of_mean: Floats
    deviance: Floats
    predicted_over_true: Floats
    seconds: float


def judge(name: str, learn: Learner, train: Side, test: Side, *, seed: int, fold: int) -> Judged:
    """Let one learner learn and judge it."""
    start = time.perf_counter()
    with threadpool_limits(1):
        rates = np.maximum(learn(train, test, seed), TINY)
    seconds = time.perf_counter() - start
    at_year = rates * test.index
    mean = np.broadcast_to(test.truth.mean(axis=0), test.truth.shape)
    return Judged(
        name=name,
        seed=seed,
        fold=fold,
        n=len(rates),
        divergence=divergence(test.truth, at_year),
        divergence_of_mean=divergence(test.truth, mean),
        deviance=deviance(test.counts, np.maximum(rates * test.exposure, 1e-15)),
        predicted_over_true=at_year.sum(axis=0) / test.truth.sum(axis=0),
        seconds=seconds,
    )


def sides(market: Market, n_folds: int, seed: int) -> Iterator[tuple[int, Side, Side]]:
    """Training and held-out side of every fold."""
    fold = fold_of_policies(market, n_folds, seed)
    for k in range(n_folds):
        parts = [subset(market, np.flatnonzero(mask)) for mask in (fold != k, fold == k)]
        books = [Book(part.policies, part.claims) for part in parts]
        basis = ClaimExposure.learn(books[0], market_trend())
        yield k, Side(parts[0], books[0], basis), Side(parts[1], books[1], basis)


def share(rows: Sequence[Judged], peril: int | slice = slice(None)) -> float:
    """Noise-free share of explainable deviance over some folds."""
    own = sum(float(np.sum(row.divergence[peril])) for row in rows)
    return 1.0 - own / sum(float(np.sum(row.divergence_of_mean[peril])) for row in rows)


def summary(name: str, rows: Sequence[Judged], ours: Sequence[Judged]) -> dict[str, Any]:
    """One learner over all folds and seeds; `better` counts the folds in which ours explains more."""
    seeds = sorted({row.seed for row in rows})
    by_seed = [share([row for row in rows if row.seed == seed]) for seed in seeds]
    by_fold = [share([row]) for row in rows]
    lead = [share([mine]) - share([row]) for mine, row in zip(ours, rows, strict=True)] if ours else []
    return {
        "learner": name,
        "share": share(rows),
        "share_by_seed": by_seed,
        "share_by_fold": by_fold,
        "share_by_peril": {peril: share(rows, k) for k, peril in enumerate(PERILS)},
        "deviance": sum(float(row.deviance.sum()) for row in rows) / sum(row.n for row in rows),
        "predicted_over_true": {
            peril: float(np.mean([row.predicted_over_true[k] for row in rows])) for k, peril in enumerate(PERILS)
        },
        "lead_of_ours": lead,
        "seconds_a_fold": float(np.mean([row.seconds for row in rows])),
    }


def markdown(rows: Sequence[dict[str, Any]], *, title: str) -> str:
    """Return the table."""
    lines = [
        title,
        "",
        f"| learner | share | over folds | {' | '.join(PERILS)} | deviance | plan ahead by | s a fold |",
        "|" + "---|" * (len(PERILS) + 6),
    ]
    for row in sorted(rows, key=lambda row: -row["share"]):
        perils = " | ".join(f"{value:.3f}" for value in row["share_by_peril"].values())
        low, high = min(row["share_by_fold"]), max(row["share_by_fold"])
        lead = row["lead_of_ours"]
        ahead = ""
        if lead and row["learner"] != OURS:
            ahead = f"{np.mean(lead):+.3f} ({sum(x > 0 for x in lead)} of {len(lead)} folds)"
        lines.append(
            f"| {row['learner']} | {row['share']:.3f} | {low:.3f} to {high:.3f} | {perils} | {row['deviance']:.5f} "
            f"| {ahead} | {row['seconds_a_fold']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("--policies", type=int, default=100_000)
    about.add_argument("--seeds", type=int, nargs="+", default=[1])
    about.add_argument("--folds", type=int, default=3, help="2 to 5; a third of --policies is held out by default")
    about.add_argument("--bags", type=int, default=8, help="bags of the rating plan")
    about.add_argument("--only", nargs="+", help="parts of the names of the learners to run")
    about.add_argument("--quick", action="store_true", help="fewer bags, and without the slowest learners")
    about.add_argument("--json", type=Path, help="write all numbers to this file")
    about.add_argument("--markdown", type=Path, help="write the table to this file, after every fold")
    asked = about.parse_args()
    chosen = {
        name: learn
        for name, learn in learners(quick=asked.quick, n_bags=asked.bags).items()
        if not asked.only or any(part in name for part in asked.only)
    }
    found: dict[str, list[Judged]] = {name: [] for name in chosen}
    for seed in asked.seeds:
        market = simulate(asked.policies, seed)
        for fold, train, test in sides(market, asked.folds, seed):
            for name in list(found):
                try:
                    judged = judge(name, chosen[name], train, test, seed=seed, fold=fold)
                except CyberscoreError as error:
                    sys.stderr.write(f"seed {seed} fold {fold} {name}: left out, it cannot learn this fold: {error}\n")
                    del found[name]
                    continue
                found[name].append(judged)
                sys.stderr.write(
                    f"seed {seed} fold {fold} {name}: {share([judged]):.4f}, "
                    f"deviance {judged.deviance.sum() / judged.n:.5f}, {judged.seconds:.0f} s\n"
                )
            rows = [summary(name, judged, found.get(OURS, [])) for name, judged in found.items()]
            title = (
                f"{asked.policies:,} simulated policies, seeds {', '.join(map(str, asked.seeds))}, "
                f"{asked.folds} folds by insured, {len(next(iter(found.values())))} folds judged."
            )
            text = markdown(rows, title=title)
            if asked.markdown:
                asked.markdown.write_text(text, encoding="utf-8")
            if asked.json:
                content = {"policies": asked.policies, "seeds": asked.seeds, "folds": asked.folds, "learners": rows}
                asked.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
