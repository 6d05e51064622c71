"""Dislocation: identities of the split among tables, then what a comparison says and shows."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import cyberscore
from cyberscore import Coverage, TrainingError
from cyberscore.cli import app
from cyberscore.market import simulate
from cyberscore.rating.parts import Curve, factors
from cyberscore.training import Book, compare
from cyberscore.training.validation.contributions import compute_contributions, logarithmic_mean
from pages import check_page

pytestmark = pytest.mark.slow

SECTIONS = ["overview", "who", "bands", "why", "top-movers"]
DEEP = Coverage(aggregate_limit=2_000_000, retention=50_000, sublimits={"funds_transfer_fraud": 250_000})


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def book():
    market = simulate(3_000, 21)
    return Book(market.policies, market.claims)


@pytest.fixture(scope="module")
def new(plan):
    """All parts of a plan moved: tables, base, balance, severity; the pair the other way round, and one more."""
    rng = np.random.default_rng(5)
    base = plan.base.values  # noqa: PD011  a Curve of ours
    pairs = {(b, a): 1.3 * table.transpose(1, 0, 2) for (a, b), table in plan.pairs.items()}
    shape = [len(factor.labels) for factor in factors() if factor.name in {"sector", "country"}]
    pairs["sector", "country"] = rng.normal(0, 0.02, (*shape, plan.cells.shape[1]))
    return replace(
        plan,
        bag_base=None,
        bag_deviations=None,
        name="<new> & plan",
        tables={name: table * rng.uniform(0.5, 1.5) for name, table in plan.tables.items()},
        pairs=pairs,
        base=Curve(plan.base.log_revenue, base + rng.normal(0, 0.05, base.shape)),
        log_balance=plan.log_balance + rng.normal(0, 0.05, len(plan.log_balance)),
        severity=tuple(replace(shape, sigma=1.1 * shape.sigma) for shape in plan.severity),
    )


@pytest.fixture(scope="module")
def comparison(plan, new, book):
    return compare(plan, new, book)


def test_a_plan_against_itself_moves_nobody(plan, book):
    found = compare(plan, plan, book)
    assert (found.moves["ratio"] == 1).all()
    assert (found.moves["premium_ratio"] == 1).all()
    assert (found.parts[["mean", "mean_absolute"]] == 0).all(axis=None)
    assert found.cells.empty
    assert found.summary["share_in_the_same_band"] == 1
    assert np.trace(found.bands) == pytest.approx(1)
    check_page(found.to_html(), SECTIONS)


@pytest.mark.parametrize("coverage", [Coverage(), DEEP], ids=["standard", "deep"])
def test_contributions_sum_to_the_log_ratio_of_losses(plan, new, book, coverage):
    contributions, cells = compute_contributions(plan, new, book.encoded_policies, coverage=coverage)
    moves = compare(plan, new, book, coverage=coverage).moves
    np.testing.assert_allclose(contributions.sum(axis=1), np.log(moves["ratio"]), atol=1e-9)
    by_part = cells.groupby("part")["contribution"].sum()
    for part, mean in contributions.mean().items():
        if part not in {"base", "balance", "severity"}:
            assert by_part.get(part, 0.0) == pytest.approx(mean, abs=1e-12)
    assert "sector x country" in set(contributions)


def test_contributions_sum_to_the_log_ratio_of_frequencies(plan, new, book):
    contributions, _ = compute_contributions(plan, new, book.encoded_policies, coverage=None)
    moves = compare(plan, new, book).moves
    np.testing.assert_allclose(contributions.sum(axis=1), moves["log_frequency_ratio"], atol=1e-9)
    assert "severity" not in contributions


def test_swapping_the_plans_changes_every_sign(plan, new, book):
    one, _ = compute_contributions(plan, new, book.encoded_policies)
    two, _ = compute_contributions(new, plan, book.encoded_policies)
    pd.testing.assert_frame_equal(one, -two[one.columns], check_exact=False, atol=1e-12)


def test_one_changed_cell_is_found(plan, book):
    names = [factor.name for factor in factors()]
    sector = names.index("sector")
    table = plan.tables["sector"].copy()
    table[3, :5] += 0.2
    found = compare(plan, replace(plan, tables={**plan.tables, "sector": table}), book)
    assert len(found.cells) == 1
    cell = found.cells.iloc[0]
    assert (cell["part"], cell["slice"]) == ("sector", factors()[sector].labels[3])
    there = book.encoded_policies.codes[:, sector] == 3
    assert cell["share"] == pytest.approx(there.mean())
    assert cell["contribution"] == pytest.approx(0.2 * there.mean())
    np.testing.assert_allclose(found.moves["ratio"], np.where(there, np.exp(0.2), 1.0))
    assert found.parts.iloc[0]["part"] == "sector"
    assert set(found.top_movers["sector"].head(5)) == {factors()[sector].labels[3]}
    assert found.top_movers["why"].iloc[0] == "sector +22%"


def test_a_change_of_severity_alone_is_all_severity(plan, book):
    new = replace(plan, severity=tuple(replace(shape, sigma=1.2 * shape.sigma) for shape in plan.severity))
    parts = compare(plan, new, book).parts.set_index("part")["mean_absolute"]
    assert parts["severity"] > 0
    assert parts.drop("severity").max() < 1e-12


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_logarithmic_mean_lies_between(x, y):
    found = float(logarithmic_mean(np.array(x), np.array(y)))
    assert min(x, y) * (1 - 1e-9) <= found <= max(x, y) * (1 + 1e-9)
    assert found == pytest.approx(float(logarithmic_mean(np.array(y), np.array(x))))
    assert found <= (x + y) / 2 * (1 + 1e-9)


def test_frames_agree(comparison, book):
    moves, distribution = comparison.moves, comparison.distribution.set_index("measure")
    assert len(moves) == len(book)
    for slices in (comparison.by_revenue, comparison.by_sector):
        assert slices["policies"].sum() == len(book)
        assert slices["book_ratio"].between(moves["ratio"].min(), moves["ratio"].max()).all()
    loss = distribution.loc["expected loss"]
    assert loss["up_10"] == (moves["ratio"] > 1.1).mean()
    assert loss["q50"] == moves["ratio"].median()
    assert (loss.filter(regex="^q").diff().dropna() >= 0).all()
    assert comparison.bands.to_numpy().sum() == pytest.approx(1)
    assert comparison.parts["mean"].sum() == pytest.approx(np.log(moves["ratio"]).mean())
    # expenses and fixed costs do not move with the loss
    assert distribution.loc["technical premium", "q95"] < loss["q95"]
    assert json.loads(json.dumps(comparison.summary))["policies"] == len(book)


def test_technical_premiums_are_those_of_a_quote(plan, book, comparison):
    from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
    from cyberscore.rating.premium import PremiumTerms

    policies = book.encoded_policies
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    pure = expected_losses_of_many(plan, totals)
    for row in range(0, 60, 7):
        country, day = comparison.moves["country"][row], plan.pricing.index.calibration_date
        terms = PremiumTerms.of(plan.pricing, Coverage(), country, policies.revenue[row], day)
        assert comparison.moves["premium_old"][row] == pytest.approx(terms.technical(pure[row].tolist()), rel=1e-9)


def test_retention_below_the_basis_is_refused(plan, book):
    with pytest.raises(TrainingError, match="at least 10,000"):
        compare(plan, plan, book, coverage=Coverage(retention=5_000))


def test_page(comparison, tmp_path):
    comparison.save(tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    check_page(html, SECTIONS)
    assert "&lt;new&gt; &amp; plan against sme-2026" in html
    assert "<new>" not in html
    assert "Simulated data" in html


def test_compare_command(book, tmp_path):
    market = simulate(300, 21)
    market.policies.to_csv(tmp_path / "p.csv", index=False)
    for given_book in (("--simulated", "300", "--seed", "21"), ("--policies", str(tmp_path / "p.csv"))):
        page = tmp_path / "page.html"
        done = CliRunner().invoke(app, ["plan", "compare", "sme-2026", "sme-2026", *given_book, "-o", str(page)])
        assert done.exit_code == 0, done.output
        assert "+0.0%" in done.stderr
        check_page(page.read_text(encoding="utf-8"), SECTIONS)
        page.unlink()
    done = CliRunner().invoke(app, ["plan", "compare", "sme-2026", "sme-2026", "-o", str(page)])
    assert isinstance(done.exception, TrainingError)
