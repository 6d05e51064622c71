"""The shipped plan against what is published: level by revenue, order, and what its card claims."""

import json
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

import cyberscore
from cyberscore.market import simulate
from cyberscore.perils import COUNTRY_GROUPS
from cyberscore.profile import signals
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.library import DEFAULT_PLAN, models_folder
from cyberscore.rating.premium import PremiumTerms
from cyberscore.training.books.encoding import encode_policies
from cyberscore.training.learning.reference import STANDARD_TERMS


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


@pytest.fixture(scope="module")
def book(plan):
    """Revenues, premiums and expected losses of simulated US policies not seen before; limit 1M, retention 10k."""
    encoded = encode_policies(simulate(60_000, 4242).policies)
    totals = totals_of_many(plan, encoded.codes, encoded.weights.astype(float), encoded.revenue)
    pure = expected_losses_of_many(plan, totals, STANDARD_TERMS)
    # the technical premium depends on revenue through the pure premium alone
    terms = PremiumTerms.of(plan.pricing, STANDARD_TERMS, "US", 1e6, date(2026, 11, 1))
    technical = terms.technical_of_many(pure)
    home = encoded.codes[:, len(signals()) + 1] == COUNTRY_GROUPS.index("US")
    return encoded.revenue[home], technical[home], pure[home].sum(axis=1)


@pytest.mark.parametrize(("revenue", "low", "high"), [(1e6, 1_100, 2_100), (5e6, 2_200, 3_700), (1e7, 3_400, 5_900)])
def test_average_firms_pay_what_is_published(book, revenue, low, high):
    """Around pricing.md's base premiums (1,550 at 1M); the mean over all classes and controls at that revenue."""
    revenues, technical, _ = book
    near = np.abs(np.log(revenues / revenue)) < 0.15
    assert near.sum() > 300
    assert low < technical[near].mean() < high


def test_premium_rises_with_revenue(book):
    revenues, technical, _ = book
    edges = np.quantile(revenues, np.linspace(0, 1, 9))
    means = [technical[(revenues >= a) & (revenues <= b)].mean() for a, b in pairwise(edges)]
    assert means == sorted(means)


def test_pure_premium_is_a_reasonable_share_of_the_market(book, plan):
    """Within and around the .3 to .46 of prototypes; the rest is expense, load and the two fitted constants."""
    revenues, _, pure = book
    reference = plan.pricing.market_reference
    for revenue, premium in zip(reference.revenue, reference.premium, strict=True):
        if 5e5 <= revenue <= 1e7:
            near = np.abs(np.log(revenues / revenue)) < 0.2
            assert 0.25 < pure[near].mean() / premium < 0.6


def test_scores_are_centred_on_the_book(plan):
    """At every size the mean expected loss of a book scores 50."""
    encoded = encode_policies(simulate(40_000, 4243).policies)
    totals = totals_of_many(plan, encoded.codes, encoded.weights.astype(float), encoded.revenue)
    losses = expected_losses_of_many(plan, totals).sum(axis=1)
    reference = np.exp(plan.score.expected_loss.at_many(np.log(encoded.revenue))[:, 0])
    for low, high in ((1e5, 1e6), (1e6, 5e6), (5e6, 25e6), (25e6, 5e8)):
        some = (encoded.revenue >= low) & (encoded.revenue < high)
        assert losses[some].sum() / reference[some].sum() == pytest.approx(1.0, abs=0.08)


def test_card_and_metrics_speak_of_this_plan(plan):
    folder = models_folder() / DEFAULT_PLAN
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert plan.digest in card
    assert f"{metrics['held_out']['share_of_explainable_deviance']['pooled']:.3f}" in card
    assert metrics["training"]["level"] == plan.pricing.expenses.level
    assert metrics["training"]["fixed_expense"] == plan.pricing.expenses.fixed
    assert "simulated" in card


def test_worst_codes_are_rated_above_best_ones(plan):
    """Every signed signal but a few of no effect costs more at its worst than at its best, in some peril."""
    flat = [
        name
        for name, about in signals().items()
        if about.monotone and not (plan.tables[name][-1] > plan.tables[name][0]).any()
    ]
    assert flat == []
