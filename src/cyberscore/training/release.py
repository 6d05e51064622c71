"""The shipped plan, made from its seed: simulate a book, learn the plan, judge it on others, write the folder."""

import json
import logging
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cyberscore.market import check, market_parameters, simulate
from cyberscore.market.ceiling import compute_ceiling
from cyberscore.market.check import summary
from cyberscore.market.parameters import perturbed
from cyberscore.market.simulation import Market
from cyberscore.perils import PERILS
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.card import model_card
from cyberscore.training.interval_calibration import (
    calibrate_intervals,
    interval_coverage,
    intervals_paragraph,
    with_intervals,
)
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator, Trend
from cyberscore.training.learning.questionnaire import QuestionnaireGLM
from cyberscore.training.validation.discrimination import share_of_explainable_deviance

_LOG = logging.getLogger(__name__)

SEED = 20261123
N_POLICIES = 4_000_000
N_BAGS = 30
HELD_OUT = 200_000
CEILING_POLICIES = 10_000
QUESTIONNAIRE_POLICIES = 300_000
CHECKED_MARKETS = 4
TREND_TO = (1.05, 0.98)
"""Frequency and severity index of 2026, 2024 = 1 (claims.md d; severity of 2025 carried on)."""


def market_trend() -> Trend:
    """Yearly indices of the simulated market."""
    about = market_parameters().raw["year"]
    return {
        about["first"] + k: (float(f), float(s))
        for k, (f, s) in enumerate(zip(about["frequency"], about["severity"], strict=True))
    }


def train_plan(
    folder: str | PathLike[str],
    *,
    name: str,
    n_policies: int = N_POLICIES,
    n_bags: int = N_BAGS,
    seed: int = SEED,
    peers: str | PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> dict[str, Any]:
    """Simulate, learn, judge and write a plan; return its metrics.

    Parameters
    ----------
    folder : path
        Where to write; created when missing.
    name : str
    n_policies, n_bags, seed : int
        Same numbers and same wheels, same bytes.
    peers : path, optional
        What `tests/benchmarks/peers.py --json` wrote, to be told in the card.
    n_jobs : int, optional
        Bags at the same time.
    """
    compared = None if peers is None else json.loads(Path(peers).read_text(encoding="utf-8"))
    _LOG.info("simulating %s policies", f"{n_policies:,}")
    market = simulate(n_policies, seed)
    _LOG.info("learning from %s claims, %d bags", f"{len(market.claims):,}", n_bags)
    estimator = RatingPlanEstimator(
        name=name,
        screen_pairs=True,
        n_bags=n_bags,
        trend=market_trend(),
        trend_to=TREND_TO,
        about={
            "data": "simulated market, calibrated to published evidence; no firm's data",
            "policies": n_policies,
            "bags": n_bags,
            "seed": seed,
            "intervals": "bags and unknown signals; width calibrated on other simulated markets",
        },
        random_state=seed,
        n_jobs=n_jobs,
    ).fit(Book(market.policies, market.claims))
    # one thread: sums in another order would change last digits
    with threadpool_limits(1):
        _LOG.info("calibrating intervals")
        plan = with_intervals(estimator.plan_, calibrate_intervals(estimator.plan_, seed=seed + 10, trend_to=TREND_TO))
        plan.save(folder)
        _LOG.info("judging on %s other policies", f"{HELD_OUT:,}")
        held_out = simulate(HELD_OUT, seed + 1001)
        coverage = [
            interval_coverage(
                plan,
                parameters=perturbed(market_parameters(), seed=seed + 50 + k),
                seed=seed + 150 + k,
                trend_to=TREND_TO,
            )
            for k in range(1, CHECKED_MARKETS + 1)
        ]
        metrics = {
            "training": {name: value for name, value in estimator.report_.items() if name != "notes" or value},
            "held_out": judge(plan, held_out),
            "ceiling": judge_against_ceiling(plan, seed + 1002),
            "questionnaire": judge_against_questionnaire(plan, market, held_out),
            "intervals": [_records(table) for table in coverage],
            "market": judge_market(),
            **({} if compared is None else {"peers": compared}),
        }
    path = Path(folder)
    (path / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8", newline="\n")
    card = model_card(plan, metrics, intervals_paragraph(coverage))
    (path / "MODEL_CARD.md").write_text(card, encoding="utf-8", newline="\n")
    return metrics


def predicted_rates(plan: RatingPlan, policies: pd.DataFrame) -> Floats:
    """Claims a year above the basis at the level of each policy's own year, (policies, perils)."""
    encoded = encode_policies(policies)
    totals = totals_of_many(plan, encoded.codes, encoded.weights.astype(float), encoded.revenue)
    return np.asarray(np.exp(totals[:, :N_PERILS]) * (_year_index(policies) / TREND_TO[0])[:, None])


def _year_index(policies: pd.DataFrame) -> Floats:
    """Frequency index of each policy's year."""
    trend = market_trend()
    return np.array([trend[int(year)][0] for year in policies["year"]])


def judge(plan: RatingPlan, market: Market) -> dict[str, Any]:
    """Judge a plan's frequencies on a simulated book it has not seen, where the truth is known."""
    predicted = predicted_rates(plan, market.policies)
    true = market.true_rates.to_numpy()
    revenue = market.policies["annual_revenue"].to_numpy()
    bands = np.searchsorted(market_parameters().raw["revenue"]["bands"], revenue)
    return {
        "policies": len(true),
        "share_of_explainable_deviance": {
            **{
                peril: round(share_of_explainable_deviance(true[:, [k]], predicted[:, [k]]), 4)
                for k, peril in enumerate(PERILS)
            },
            "pooled": round(share_of_explainable_deviance(true, predicted), 4),
        },
        "predicted_over_true": {
            peril: round(float(predicted[:, k].sum() / true[:, k].sum()), 4) for k, peril in enumerate(PERILS)
        },
        "predicted_over_true_by_revenue_band": [
            round(float(predicted[bands == band].sum() / true[bands == band].sum()), 4) for band in range(3)
        ],
    }


def judge_against_ceiling(plan: RatingPlan, seed: int) -> dict[str, Any]:
    """Share of explainable deviance of a plan, and of the mean of the true rates given what the insurer sees."""
    found = compute_ceiling(CEILING_POLICIES, seed)
    policies = simulate(CEILING_POLICIES, seed).policies
    predicted = predicted_rates(plan, policies) / _year_index(policies)[:, None]
    own = share_of_explainable_deviance(found.true, predicted)
    best = share_of_explainable_deviance(found.true, found.expected)
    return {
        "policies": CEILING_POLICIES,
        "plan": round(own, 4),
        "ceiling": round(best, 4),
        "of_it": round(own / best, 4),
    }


def judge_against_questionnaire(plan: RatingPlan, market: Market, held_out: Market) -> dict[str, Any]:
    """Double lift over a GLM on a typical form's yes/no answers, learned from the same market and judged on another.

    Policies are put into five bands by what the plan expects over what the questionnaire expects.
    """
    few = market.policies["policy_id"] < QUESTIONNAIRE_POLICIES
    claims = market.claims[market.claims["policy_id"] < QUESTIONNAIRE_POLICIES]
    book = Book(market.policies[few], claims.reset_index(drop=True))
    form = QuestionnaireGLM(trend=market_trend()).fit(book)
    true = held_out.true_rates.to_numpy()
    ours = predicted_rates(plan, held_out.policies)
    theirs = form.predict(held_out.policies) * _year_index(held_out.policies)[:, None]
    ratio = ours.sum(axis=1) / theirs.sum(axis=1)
    band = np.searchsorted(np.quantile(ratio, [0.2, 0.4, 0.6, 0.8]), ratio)
    rows = [
        {
            "plan_over_questionnaire": round(float(ours[band == k].sum() / theirs[band == k].sum()), 4),
            "true_over_plan": round(float(true[band == k].sum() / ours[band == k].sum()), 4),
            "true_over_questionnaire": round(float(true[band == k].sum() / theirs[band == k].sum()), 4),
        }
        for k in range(5)
    ]
    return {
        "policies": int(few.sum()),
        "share": round(share_of_explainable_deviance(true, theirs), 4),
        "double_lift": rows,
    }


def judge_market() -> dict[str, Any]:
    """Check the market against published figures: the summary, and the counted figures it misses with why."""
    found = check()
    missed = found[found["counted"] & ~found["within"]]
    columns = ["name", "evidence", "what", "published", "simulated", "why"]
    return {
        "summary": summary(found),
        "figures": int(found["counted"].sum()),
        "within": int((found["counted"] & found["within"]).sum()),
        "missed": _records(missed[columns]),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain types, numbers to four decimals."""
    rows: list[dict[str, Any]] = json.loads(frame.round(4).to_json(orient="records"))
    return rows
