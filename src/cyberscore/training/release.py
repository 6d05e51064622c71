"""The shipped plan, made from its seed: simulate a book, learn the plan, judge it on another book, write the folder."""

import json
import logging
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cyberscore.market import market_parameters, simulate
from cyberscore.perils import PERILS
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.book import Book
from cyberscore.training.encoding import encode_policies
from cyberscore.training.plan_estimator import RatingPlanEstimator, Trend

_LOG = logging.getLogger(__name__)

SEED = 20261123
N_POLICIES = 1_000_000
N_BAGS = 8
HELD_OUT = 200_000
PAIRS = (("mfa_remote_coverage", "exposed_rdp"),)
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
) -> dict[str, Any]:
    """Simulate, learn, judge and write a plan; return its metrics.

    Parameters
    ----------
    folder : path
        Where to write; created when missing.
    name : str
    n_policies, n_bags, seed : int
        Same numbers and same wheels, same bytes.
    """
    _LOG.info("simulating %s policies", f"{n_policies:,}")
    market = simulate(n_policies, seed)
    _LOG.info("learning from %s claims, %d bags", f"{len(market.claims):,}", n_bags)
    estimator = RatingPlanEstimator(
        name=name,
        pairs=PAIRS,
        n_bags=n_bags,
        max_iter=250,
        max_leaf_nodes=8,
        trend=market_trend(),
        trend_to=TREND_TO,
        about={
            "data": "simulated market, calibrated to published evidence; no firm's data",
            "policies": n_policies,
            "bags": n_bags,
            "seed": seed,
            "intervals": "bags and unknown signals; width not yet calibrated",
        },
        random_state=seed,
    ).fit(Book(market.policies, market.claims))
    plan = estimator.plan_
    plan.save(folder)
    _LOG.info("judging on %s other policies", f"{HELD_OUT:,}")
    metrics = {"training": estimator.report_, "held_out": judge(plan, HELD_OUT, seed + 1)}
    path = Path(folder)
    (path / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8", newline="\n")
    (path / "MODEL_CARD.md").write_text(model_card(plan, metrics), encoding="utf-8", newline="\n")
    return metrics


def judge(plan: RatingPlan, n_policies: int, seed: int) -> dict[str, Any]:
    """Judge a plan's frequencies on a simulated book it has not seen, where the truth is known."""
    market = simulate(n_policies, seed)
    encoded = encode_policies(market.policies)
    totals = totals_of_many(plan, encoded.codes, encoded.weights.astype(float), encoded.revenue)
    index = np.array([market_trend()[int(y)][0] / TREND_TO[0] for y in market.policies["year"]])
    predicted = np.exp(totals[:, :N_PERILS]) * index[:, None]
    true = market.true_rates.to_numpy()
    bands = np.searchsorted(market_parameters().raw["revenue"]["bands"], encoded.revenue)
    return {
        "policies": n_policies,
        "share_of_explainable_deviance": {
            **{peril: round(_share(true[:, k], predicted[:, k]), 4) for k, peril in enumerate(PERILS)},
            "pooled": round(
                1.0
                - sum(_divergence(true[:, k], predicted[:, k]) for k in range(N_PERILS))
                / sum(_divergence(true[:, k], np.full(n_policies, true[:, k].mean())) for k in range(N_PERILS)),
                4,
            ),
        },
        "predicted_over_true": {
            peril: round(float(predicted[:, k].sum() / true[:, k].sum()), 4) for k, peril in enumerate(PERILS)
        },
        "predicted_over_true_by_revenue_band": [
            round(float(predicted[bands == band].sum() / true[bands == band].sum()), 4) for band in range(3)
        ],
    }


def _divergence(true: Floats, model: Floats) -> float:
    """Mean Poisson divergence of a model's rates from the true ones."""
    return float((true * np.log(true / model) - true + model).mean())


def _share(true: Floats, model: Floats) -> float:
    return 1.0 - _divergence(true, model) / _divergence(true, np.full(len(true), true.mean()))


def _risk_load_line(plan: RatingPlan) -> str:
    load = plan.pricing.risk_load
    largest = max(max(row) for row in load.factors.values())
    if largest <= load.floor:
        return (
            f"The risk load is its floor of {load.floor:.0%} for every peril and limit: the co-TVaR of the simulated "
            f"reference book asks for at most {largest:.1%}."
        )
    return f"The risk load is at least {load.floor:.0%}, at most {largest:.1%} of layer pure premium."


def model_card(plan: RatingPlan, metrics: dict[str, Any]) -> str:
    """MODEL_CARD.md from the plan and its metrics."""
    training, held_out = metrics["training"], metrics["held_out"]
    about = plan.about
    shares = held_out["share_of_explainable_deviance"]
    rows = "\n".join(
        f"| {peril} | {training['claims_by_peril'][peril]:,} | {shares[peril]:.3f} "
        f"| {held_out['predicted_over_true'][peril]:.3f} |"
        for peril in PERILS
    )
    residuals = "\n".join(
        f"| {int(revenue):,} | {value:+.1%} |"
        for revenue, value in training["technical_over_published_premium"].items()
    )
    return f"""# Model card: {plan.name}

Digest `{plan.digest}`

**What it is.** A rating plan for the cyber risk of small and medium enterprises: frequency and severity by peril as additive
tables, compiled from gradient boosting (scikit-learn) under monotone constraints, with score references, pricing and rules.

**What it was learned from.** A *simulated* market of {about["policies"]:,} policies ({training["claims_above_basis"]:,} claims above
10,000 USD), seed {about["seed"]}, calibrated to published evidence. There is no public data that links security posture to
claims; nothing here was learned from a firm's data. Control effects are published figures, tempered; see market.toml.

**Use.** Indicative pricing and triage of SMEs by underwriters, and a prior for a carrier's own plan. Not an offer of cover. Not for
firms above 100M revenue without an underwriter, nor for natural persons.

Made by `cyberscore train` ({about["bags"]} bags). Same seed and same wheels give the same bytes.

## Judged on {held_out["policies"]:,} other simulated policies

Share of explainable Poisson deviance: 0 is the mean rate, 1 the true rate of every firm (which no insurer can see).

| peril | claims learned from | share | predicted / true |
|---|---|---|---|
{rows}
| all | {training["claims_above_basis"]:,} | {shares["pooled"]:.3f} | |

## Level

Level {training["level"]} on loss cost and a fixed expense of {training["fixed_expense"]} USD a policy were fitted to published base
premiums between 0.5M and 10M of revenue (limit 1M, retention 10k, US, average class and controls).

| revenue | technical / published |
|---|---|
{residuals}

Above 10M the published premiums are weak evidence (pricing.md) and were not fitted.

## Limits

- Premium intervals come from {about["bags"]} bags and from unknown signals; their width is not yet calibrated.
- Severity shifts only with sector, revenue, records and four resilience signals.
- The aggregate limit bounds the expected payment by L (1 - exp(-E / L)), a little low, by less than E^2 / 2L.
- {_risk_load_line(plan)}
- Below a retention of 10,000 the frequency follows the evidence's ground-up lognormal, not claims.
"""  # noqa: E501  the lines of MODEL_CARD.md
