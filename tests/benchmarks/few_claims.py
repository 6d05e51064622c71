"""How a prior plan and few own claims go together: share of explainable deviance, over seeds and sizes of book.

    python tests/benchmarks/few_claims.py --policies 2000 5000 20000 --seeds 50

The prior is the shipped plan with every effect 30 % off, and the level of every peril too (lognormal, a seed each).
"""

import argparse
import copy
import json
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cyberscore.market import simulate
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.library import load_plan
from cyberscore.rating.parts import N_PERILS, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles, rounded
from cyberscore.training import Book, RatingPlanEstimator
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.release import TREND_TO, market_trend
from cyberscore.training.validation import share_of_explainable_deviance

OFF = 0.3


def prior_off(plan, seed):
    """Return a plan whose effects and levels are 30 % off."""
    rng = np.random.default_rng(seed)
    content = copy.deepcopy(plan.files.content)
    for factor in factors():
        table = np.array(content["tables"][factor.name])
        table[:, :N_PERILS] *= np.exp(OFF * rng.standard_normal(N_PERILS))
        content["tables"][factor.name] = rounded(table)
    content["pairs"] = {}
    base = np.array(content["base"])
    base[:, :N_PERILS] += OFF * rng.standard_normal(N_PERILS)
    content["base"] = rounded(base)
    others = {**plan.files.others, "bags.json": b'{"base":[],"deviations":[]}\n'}
    return RatingPlan.from_files(PlanFiles(content, others))


class Judge:
    """Policies whose true rates are known."""

    def __init__(self, n, seed):
        market = simulate(n, seed)
        self.encoded = encode_policies(market.policies)
        index = [market_trend()[int(year)][0] / TREND_TO[0] for year in market.policies["year"]]
        self.true = market.true_rates.to_numpy() / np.array(index)[:, None]

    def rates(self, plan):
        own = self.encoded
        return np.exp(totals_of_many(plan, own.codes, own.weights.astype(float), own.revenue)[:, :N_PERILS])

    def share(self, rates):
        return share_of_explainable_deviance(self.true, rates)


def own_over_expected(plan, book):
    """Return claims over those expected by a plan, all perils: what a level adjustment multiplies by."""
    from cyberscore.training.validation import expected_claims

    expected = expected_claims(plan, book.encoded_policies, trend=market_trend(), trend_to=TREND_TO)
    return len(book.encoded_claims.peril) / float(expected.sum())


def one(n, seed, judge, *, own):
    prior = prior_off(load_plan(), 1000 + seed)
    market = simulate(n, 5000 + seed)
    book = Book(market.policies, market.claims)
    options = {"n_bags": 1, "trend": market_trend(), "trend_to": TREND_TO, "random_state": seed}
    raw = judge.rates(prior)
    found = {
        "policies": n,
        "seed": seed,
        "claims": len(book.encoded_claims.peril),
        "prior": judge.share(raw),
        "prior, level adjusted": judge.share(raw * own_over_expected(prior, book)),
    }
    with threadpool_limits(1):
        start = time.perf_counter()
        found["prior and own"] = judge.share(judge.rates(RatingPlanEstimator(prior=prior, **options).fit(book).plan_))
        found["seconds"] = round(time.perf_counter() - start, 1)
        if own and found["claims"] >= 30:
            found["own"] = judge.share(judge.rates(RatingPlanEstimator(**options).fit(book).plan_))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, nargs="+", default=[2_000, 5_000, 20_000])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--own", action="store_true", help="also without the prior")
    parser.add_argument("--judged", type=int, default=40_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    judge = Judge(options.judged, 999)
    rows = []
    for n in options.policies:
        mine = []
        for seed in range(options.seeds):
            mine.append(one(n, seed, judge, own=options.own))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        rows += mine
        better = np.array([max(row["prior"], row["prior, level adjusted"]) for row in mine])
        both = np.array([row["prior and own"] for row in mine])
        medians = {key: round(float(np.median([row[key] for row in mine])), 4) for key in mine[0] if key != "seed"}
        gains = {
            "over the better prior, median": round(float(np.median(both - better)), 4),
            "5th percentile": round(float(np.quantile(both - better, 0.05)), 4),
        }
        if options.own:
            own = np.array([row["own"] for row in mine])
            gains["over own, median"] = round(float(np.median(both - own)), 4)
        print(json.dumps(medians | gains), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
