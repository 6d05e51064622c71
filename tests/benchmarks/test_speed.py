"""Speed, as pytest-benchmark tables: `pytest tests/benchmarks --benchmark-only`. Nothing here asserts a time."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import cyberscore
from cyberscore.quoting.engine import quote, risk_score
from cyberscore.rating.tables import Bins
from cyberscore.training.learning.boosting import (
    compile_tables,
    fit_booster,
    make_booster,
    make_raw_prediction,
    to_features,
)

AS_OF = date(2026, 11, 23)


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def compiled():
    """A booster over 40 factors of 6 cells, and the tables compiled from it."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 6, (20_000, 40))
    claims = rng.poisson(0.1 * np.exp(0.1 * codes[:, 0] - 0.2 * codes[:, 1])).astype(float)
    bins = {f"x{j}": Bins(tuple(c + 0.5 for c in range(5)), has_missing=False) for j in range(40)}
    sets = [(j,) for j in range(40)]
    booster = make_booster(
        loss="poisson",
        monotonic_cst=[0] * 40,
        sets=sets,
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=4,
        min_samples_leaf=50,
        l2_regularization=0.0,
        early_stopping=False,
        random_state=0,
        verbose=0,
    )
    fit_booster(booster, to_features(codes, bins), claims, np.ones(len(codes)))
    tables = compile_tables(make_raw_prediction(booster, bins), bins, sets, [0] * 40)
    return booster, tables, codes[:1].astype(float)


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_quote(benchmark, plan, name):
    profile = cyberscore.example(name)
    benchmark(quote, profile, as_of=AS_OF, plan=plan)


def test_quote_with_nine_options(benchmark, plan):
    profile = cyberscore.example("manufacturer")
    grid = cyberscore.Coverage.grid(limits=[5e5, 1e6, 2e6], retentions=[1e4, 2.5e4, 5e4])
    benchmark(quote, profile, as_of=AS_OF, plan=plan, options=grid)


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_score_alone(benchmark, plan, name):
    profile = cyberscore.example(name)
    benchmark(risk_score, profile, as_of=AS_OF, plan=plan)


@pytest.mark.parametrize("target", ["band:A", "band:B", "premium:1500", "premium:700", "no-conditions"])
@pytest.mark.parametrize("priced", [False, True], ids=["smallest", "cheapest"])
def test_path(benchmark, plan, target, priced):
    """Of a firm about which nothing is known: every fix is open."""
    answered = {"record_count": 900, "active_incident": False, "known_circumstances": False}
    insured = cyberscore.Insured(naics="541110", country="US", annual_revenue=2e6, **answered)
    names = [name for name, about in cyberscore.signals().items() if about.target is not None]
    costs = {name: 100.0 * (3 + 7 * k % 20) for k, name in enumerate(names)} if priced else None
    profile = cyberscore.Profile(insured=insured)
    assert benchmark(cyberscore.path_to, profile, target, as_of=AS_OF, plan=plan, costs=costs).optimal


def evidence_on_one_signal(n):
    """Draw n observations of one signal on one day, of as many scopes."""
    start = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
    return [
        cyberscore.Observation(
            signal="mfa_email_coverage",
            value=(0.2, 0.6, 0.9, 1.0)[k % 4],
            observed_at=start + timedelta(seconds=k),
            source=("telemetry", "document", "attestation")[k % 3],
            scope_share=(k + 1) / n,
        )
        for k in range(n)
    ]


def firm_with(n):
    insured = cyberscore.Insured(naics="541110", country="US", annual_revenue=2e6)
    return cyberscore.Profile(insured=insured, observations=tuple(evidence_on_one_signal(n)))


@pytest.mark.benchmark(group="grows with the evidence: each line should take four times the one before")
@pytest.mark.parametrize("n", [2_500, 10_000, 40_000])
@pytest.mark.parametrize("what", ["quote", "with_observations", "what_if", "disputes"])
def test_growth(benchmark, plan, what, n):
    """As many additions, and changes and disputes up to a thousand, as there are observations of one signal."""
    profile, more = firm_with(n), evidence_on_one_signal(n + 1)
    if what == "with_observations":
        benchmark.pedantic(profile.with_observations, args=more, rounds=3)
    elif what == "what_if":
        benchmark.pedantic(
            cyberscore.what_if, args=(profile, more[:1_000]), kwargs={"as_of": AS_OF, "plan": plan}, rounds=3
        )
    else:
        if what == "disputes":
            findings = [one.digest for one in profile.observations if one.value == 0.2][:1_000]
            disputes = [{"observation": one, "kind": "fixed", "note": "Mended.", "at": AS_OF} for one in findings]
            profile = cyberscore.Profile.from_dict({**profile.to_dict(), "disputes": disputes})
        benchmark.pedantic(quote, args=(profile,), kwargs={"as_of": AS_OF, "plan": plan}, rounds=3)


@pytest.mark.benchmark(group="one row of 40 factors")
def test_tables_one_row(benchmark, compiled):
    _, tables, row = compiled
    values = row[0].tolist()
    benchmark(lambda: tables.total_one(tables.encode_one(values)))


@pytest.mark.benchmark(group="one row of 40 factors")
def test_booster_one_row(benchmark, compiled):
    """The same booster's own `predict`, the peer of the tables."""
    booster, _, row = compiled
    benchmark(booster.predict, row)


def test_process_to_first_quote(benchmark):
    """A fresh interpreter: import, load the plan, quote."""
    code = (
        "from datetime import date; import cyberscore; "
        "cyberscore.quote(cyberscore.example('dental_clinic'), as_of=date(2026, 11, 23))"
    )
    benchmark.pedantic(subprocess.run, args=([sys.executable, "-c", code],), kwargs={"check": True}, rounds=5)
