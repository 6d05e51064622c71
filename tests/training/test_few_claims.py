"""Statistics of no claim, of one, and of one term: not a number, and told as such on the page and in the summary."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore.cli import app
from cyberscore.exceptions import CyberscoreError
from cyberscore.market import simulate
from cyberscore.perils import PERILS
from cyberscore.training import Book, validate
from cyberscore.training.validation import (
    compute_cost_per_claim,
    compute_discrimination,
    compute_double_lift,
    compute_lorenz,
    compute_murphy,
    compute_slopes,
    gini,
    judge_book,
    plots,
    share_of_explainable_deviance,
)
from cyberscore.training.validation.judged_book import LINES

NONE, ONE, TWO = "system_outage", "data_breach", "email_compromise"
"""Perils with no claim, one, and two of two insureds, in the book of these tests."""


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def market():
    return simulate(2_000, 11)


def book_of(market, counts):
    """Return the market's policies with so many claims of each peril, each of another policy."""
    policies = market.policies
    rows = iter(range(0, len(policies), 7))
    claims = [
        {
            "policy_id": policies["policy_id"].iloc[row := next(rows)],
            "peril": peril,
            "incurred": 40_000.0 + 1_000.0 * k,
            "occurred_at": policies["start"].iloc[row],
        }
        for peril, n in counts.items()
        for k in range(n)
    ]
    return Book(policies, pd.DataFrame(claims, columns=["policy_id", "peril", "incurred", "occurred_at"]))


@pytest.fixture(scope="module")
def book(market):
    return book_of(market, {"ransomware": 12, "funds_transfer_fraud": 9, TWO: 2, ONE: 1})


@pytest.fixture(scope="module")
def judged(plan, book):
    return judge_book(plan, book)


def test_the_gini_of_nothing_is_no_number():
    ones, order = np.ones(6), np.arange(6.0)
    assert np.isnan(gini(np.zeros(6), ones, order))
    assert np.isnan(gini(ones, np.zeros(6), order))
    assert np.isnan(gini(np.ones(1), np.ones(1), np.ones(1)))
    assert gini(ones, ones, np.ones(6)) == 0.0  # a flat plan orders nothing: that is known


def test_nothing_to_explain_is_no_number():
    assert np.isnan(share_of_explainable_deviance(np.full((5, 2), 0.1), np.full((5, 2), 0.2)))
    assert np.isnan(share_of_explainable_deviance(np.array([[0.1, 0.3]]), np.array([[0.2, 0.2]])))


@pytest.mark.parametrize("line", [NONE, ONE])
def test_without_two_claims_no_order_is_told(judged, line):
    frames = [compute_discrimination(judged, n_bootstrap=50), compute_murphy(judged), compute_slopes(judged)]
    unknown = [
        ["gini", "gini_low", "gini_high", "d2"],
        ["miscalibration", "discrimination", "uncertainty", "score"],
        ["slope", "slope_low", "slope_high"],
    ]
    for frame, columns in zip(frames, unknown, strict=True):
        assert list(frame["line"]) == list(LINES)
        own = frame.set_index("line").loc[line]
        assert own[columns].isna().all(), (line, columns)
        assert frame.set_index("line").loc["all", columns].notna().all()
    assert compute_double_lift(judged, judged).query("line == @line")["actual_over_expected"].isna().all()


def test_samples_without_claims_are_left_out(judged):
    found = compute_discrimination(judged, n_bootstrap=400).set_index("line")
    assert found.loc[NONE, "samples"] == 0
    assert found.loc["ransomware", "samples"] == 400
    # a sample misses both of two insureds in exp(-2) of the cases
    assert 400 * (1 - np.exp(-2)) == pytest.approx(found.loc[TWO, "samples"], abs=30)
    assert -1 <= found.loc[TWO, "gini_low"] <= found.loc[TWO, "gini"] <= found.loc[TWO, "gini_high"] < 1


def test_claims_of_one_insured_have_no_interval(plan, market):
    book = book_of(market, {"ransomware": 5})
    claims = book.claims.assign(
        policy_id=book.claims["policy_id"].iloc[0], occurred_at=book.claims["occurred_at"].iloc[0]
    )
    found = compute_discrimination(judge_book(plan, Book(market.policies, claims))).set_index("line")
    assert np.isfinite(found.loc["ransomware", "gini"])
    assert np.isnan(found.loc["ransomware", "gini_low"])


def test_lorenz_curve_and_cost_of_no_claim(plan, book, judged):
    lorenz = compute_lorenz(judged).query("line == @NONE")
    assert lorenz["share_of_claims"].isna().all()
    assert lorenz["share_of_expected"].notna().all()
    cost = compute_cost_per_claim(plan, book, judged).set_index("line")
    assert list(cost.index) == list(LINES)
    assert cost.loc[NONE, "claims"] == 0
    assert cost.loc[NONE, ["actual", "expected", "ratio", "low", "high"]].isna().all()
    assert cost.loc[ONE, ["low", "high"]].isna().all()
    assert np.isfinite(cost.loc[ONE, "ratio"])


def test_claims_that_cost_the_same_have_no_interval(plan, market):
    claims = book_of(market, {"ransomware": 5}).claims
    for incurred, known in ((50_000.0, False), ([5e4, 6e4, 5e4, 6e4, 7e4], True)):
        book = Book(market.policies.assign(retention=1e4, limit=1e6), claims.assign(incurred=incurred))
        found = compute_cost_per_claim(plan, book, judge_book(plan, book)).set_index("line")
        assert np.isfinite(found.loc["all", ["low", "high"]]).all() == known


def test_a_slope_without_spread_or_end_is_no_number(judged):
    flat = replace(judged, expected=judged.exposure.copy())
    assert compute_slopes(flat)["slope"].isna().all()
    actual = np.zeros_like(judged.actual)
    actual[np.argmax(judged.rate[:, 1]), :2] = 3.0  # three claims where the plan expects most: ever steeper is likelier
    assert compute_slopes(replace(judged, actual=actual)).set_index("line")["slope"].isna()["ransomware"]


def test_a_book_of_one_term(plan, market):
    policies = market.policies.head(1)
    claims = pd.DataFrame(
        {
            "policy_id": policies["policy_id"].repeat(3),
            "peril": ["ransomware", "ransomware", "data_breach"],
            "incurred": [5e4, 6e4, 7e4],
            "occurred_at": policies["start"].repeat(3),
        }
    )
    found = validate(plan, Book(policies, claims), other=plan, true_rates=market.true_rates[:1], n_bootstrap=20)
    summary = json.loads(json.dumps(found.summary))
    for line in LINES:
        told = summary["discrimination"][line]
        assert {told[name] for name in ("gini", "gini_low", "d2", "share_of_explainable")} == {None}
        assert summary["murphy"][line]["discrimination"] is None
        assert summary["calibration_slope"][line]["slope"] is None
    assert summary["actual_over_expected"]["all"]["ratio"] > 1
    html = found.to_html()
    assert "Not a number (-) for all, ransomware" in html
    assert not [word for word in (">nan<", "nan%", " nan", "inf%") if word in html]


@pytest.mark.parametrize("counts", [{"ransomware": 1}, {"ransomware": 2}, {"ransomware": 12, TWO: 2, ONE: 1}])
def test_the_page_says_what_is_not_told(plan, market, counts):
    found = validate(plan, book_of(market, counts), other=plan, n_bootstrap=30)
    html = found.to_html()
    assert f"Not a number (-) for {'all, ' if sum(counts.values()) < 2 else ''}" in html
    assert not [word for word in (">nan<", "nan%", " nan", "inf%", '1.000</td><td class="n">1.000') if word in html]
    assert ("nothing is told of which plan is right" in html) == (sum(counts.values()) < 2)


def test_pictures_of_nothing_are_refused(judged):
    from cyberscore.training.validation import compute_calibration

    calibration = compute_calibration(judged)
    for draw in (
        lambda: plots.plot_lorenz(compute_lorenz(judged), line=NONE),
        lambda: plots.plot_lift(calibration, line=NONE),
        lambda: plots.plot_double_lift(compute_double_lift(judged, judged), line=NONE),
    ):
        with pytest.raises(ValueError, match="system_outage has no claim: there is nothing to draw"):
            draw()


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def test_the_command_line_says_not_a_number(market, tmp_path):
    book = book_of(market, {"ransomware": 1})
    market.policies.to_csv(tmp_path / "p.csv", index=False)
    book.claims.to_csv(tmp_path / "c.csv", index=False)
    files = ("--policies", tmp_path / "p.csv", "--claims", tmp_path / "c.csv", "-o", tmp_path / "page.html")
    done = run("validate", "sme-2026", *files)
    assert done.exit_code == 0, done.output
    assert "Gini not a number" in done.stderr
    refused = run("validate", "sme-2026", *files, "--seed", 3)
    assert isinstance(refused.exception, CyberscoreError)
    assert "--seed does nothing without --simulated" in str(refused.exception)


def test_every_peril_has_a_line(judged):
    assert set(PERILS) < set(compute_discrimination(judged, n_bootstrap=0)["line"])
