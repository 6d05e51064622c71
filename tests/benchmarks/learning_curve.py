"""How the share of explainable deviance grows with the book: stage 0, the shrunk additive part, and all with boosting.

    python tests/benchmarks/learning_curve.py --policies 20000 100000 400000 --seeds 5
    python tests/benchmarks/learning_curve.py --market plain --policies 100000 400000 --seeds 5

`plain` is a market made straight from the cells of the signals: one common hygiene (a correlation of .53), the
tempers of C289, no size gradient, everything seen without error but for one answer in seven that is missing at random,
and about 700 claims from 100,000 policies.
"""

import argparse
import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cyberscore.market import market_parameters, simulate
from cyberscore.market.parameters import parameters_from
from cyberscore.rating.parts import factors
from cyberscore.training import Book
from cyberscore.training.learning.exposure import Experience, basis_exposure, claim_counts
from cyberscore.training.learning.frequency import FrequencyOptions, fit_frequency, log_rates
from cyberscore.training.learning.reference import blended_codes
from cyberscore.training.learning.severity import fit_severity
from cyberscore.training.release import market_trend
from cyberscore.training.validation import share_of_explainable_deviance

BOOSTING = {"learning_rate": 0.05, "max_iter": 40, "max_leaf_nodes": 4, "min_samples_leaf": 200}
TEMPERS = {"ransomware": 0.30, "funds_transfer_fraud": 0.50, "email_compromise": 0.50}


def plain_market():
    raw = copy.deepcopy(market_parameters().raw)
    for spec in raw["signals"].values():
        spec |= {"loading_general": 0.53**0.5, "loading_domain": 0.0, "size_slope": 0.0}
    for peril, about in raw["perils"].items():
        about["temper"] = TEMPERS.get(peril, 0.35)
    raw["seen"] |= {
        "connected": [1.0, 1.0, 1.0],
        "scanned": 1.0,
        "telemetry_reach": 0.86,
        "scan_reach": 0.86,
        "document_share": 0.0,
        "answer_required": 0.86,
        "answer_other": 0.86,
        "silence_of_the_worst": 0.0,
        "rosy_attestation": 0.0,
        "telemetry_error": 0.0,
        "scan_miss": 0.0,
        "mean_age": dict.fromkeys(raw["seen"]["mean_age"], 0),
    }
    raw["interactions"]["exposed_rdp"]["remains"] = 1.0
    made = parameters_from(raw)
    return replace(made, curve=made.curve - np.log(2.0))


MARKETS = {"built": market_parameters, "plain": plain_market}


def simulated(name, n, seed):
    parameters = MARKETS[name]()
    market = simulate(n, seed, parameters=parameters)
    policies = market.policies
    if name == "plain":
        policies = policies[[column for column in policies.columns if "__" not in column]]
    index = np.array([market_trend()[int(year)][0] for year in policies["year"]])
    return Book(policies, market.claims), market.true_rates.to_numpy() / index[:, None], index


def shares(name, n, seed, judged):
    book, _, index = simulated(name, n, seed)
    policies, claims = book.encoded_policies, book.encoded_claims
    n_codes = tuple(len(factor.labels) for factor in factors())
    severity = fit_severity(claims, policies.codes[claims.policy], np.log(policies.revenue[claims.policy]), n_codes)
    exposure = basis_exposure(policies, policies.codes, severity, index)
    experience = Experience(policies, claim_counts(policies, claims), exposure)
    codes = blended_codes(policies, np.random.default_rng([seed, 1]))  # not the stream that thins rows
    options = FrequencyOptions(boosting=BOOSTING, boosting_share=1.0)
    fit = fit_frequency(experience, codes, np.ones(n), options=options, seed=seed)
    others, true = judged
    rows = np.arange(len(others))

    def share(rates):
        return round(share_of_explainable_deviance(true, np.exp(log_rates(others, rows, rates))), 4)

    return {
        "claims": len(claims.peril),
        "stage 0": share(fit.stage_zero),
        "additive": share(fit.additive),
        "boosted": share(fit),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--market", choices=list(MARKETS), default="built")
    parser.add_argument("--policies", type=int, nargs="+", default=[20_000, 100_000, 400_000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--judged", type=int, default=60_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    book, true, _ = simulated(options.market, options.judged, 998)
    found = {}
    with threadpool_limits(1):
        for n in options.policies:
            rows = [
                shares(options.market, n, 100 + seed, (book.encoded_policies, true)) for seed in range(options.seeds)
            ]
            found[n] = {key: float(np.median([row[key] for row in rows])) for key in rows[0]}
            print(n, json.dumps(found[n]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
