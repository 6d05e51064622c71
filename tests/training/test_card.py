"""The model card: every section, every number it was given, and nothing that is not known."""

import copy
import json
import re

import pytest

import cyberscore
from cyberscore.perils import PERILS
from cyberscore.rating.library import DEFAULT_PLAN, models_folder
from cyberscore.training.card import model_card

SECTIONS = [
    "# Model card: sme-2026",
    "## Judged on 4,321 other simulated policies",
    "## Intervals",
    "## The market it was learned from",
    "## Level",
    "## Limits",
]
LEADS = ["What it is", "What it was learned from", "Use", "How", "Against a questionnaire", "Against other learners"]
INTERVALS = "A paragraph on intervals.\n"
METRICS = {
    "training": {
        "policies": 1_234_567,
        "claims_above_basis": 15_000,
        "claims_by_peril": {peril: 1_111 * (k + 1) for k, peril in enumerate(PERILS)},
        "boosting_share": 0.5,
        "pairs": [["mfa_remote_coverage", "exposed_rdp"]],
        "out_of_fold": {"deviance": {"mean": 0.164781, "stage 0": 0.154279, "boosting x 0": 0.153677}},
        "level": 0.8431,
        "fixed_expense": 254.12,
        "technical_over_published_premium": {"250000": 0.1377, "1000000": -0.0459},
    },
    "held_out": {
        "policies": 4_321,
        "share_of_explainable_deviance": {**{peril: 0.811 + k / 100 for k, peril in enumerate(PERILS)}, "pooled": 0.8},
        "predicted_over_true": {peril: 0.991 + k / 100 for k, peril in enumerate(PERILS)},
    },
    "ceiling": {"policies": 9_876, "plan": 0.872, "ceiling": 0.907, "of_it": 0.9614},
    "questionnaire": {
        "policies": 301_000,
        "share": 0.747,
        "double_lift": [
            {"plan_over_questionnaire": 0.6 + k / 5, "true_over_plan": 1.04 - k / 50, "true_over_questionnaire": 0.63}
            for k in range(5)
        ],
    },
    "market": {
        "summary": "97 of 113 figures within their range",
        "missed": [{"evidence": "XX99", "what": "a thing", "published": 0.26, "simulated": 1850.0, "why": "as it is"}],
    },
    "peers": {
        "policies": 100_500,
        "seeds": [1, 2],
        "folds": 3,
        "learners": [{"learner": "rating plan", "share": 0.8123, "deviance": 0.15371}],
    },
}


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


def card_of(plan, **changes):
    return model_card(plan, {**copy.deepcopy(METRICS), **changes}, INTERVALS)


def assert_is_whole(card):
    assert not re.findall(r"\b(?:None|nan|NaN|inf|Infinity|array|dtype|np\.float64)\b|[{}]", card)
    tables = re.findall(r"(?:^\|.*\|\n)+", card + "\n", flags=re.MULTILINE)
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1, table
        assert re.fullmatch(r"\|(---\|)+", lines[1]), table
        assert len(lines) > 2, table
    return tables


def test_it_has_all_sections_in_order(plan):
    card = card_of(plan)
    assert re.findall(r"^#.*$", card, flags=re.MULTILINE) == SECTIONS
    assert re.findall(r"^\*\*([^*]+?)[.,]?\*\*", card, flags=re.MULTILINE) == LEADS
    assert len(assert_is_whole(card)) == 5
    assert f"Digest `{plan.digest}`" in card
    assert INTERVALS in card


@pytest.mark.parametrize(
    "told",
    [
        "| ransomware | 1,111 | 0.811 | 0.991 |",
        "| system_outage | 5,555 | 0.851 | 1.031 |",
        "| all | 15,000 | 0.800 | |",
        "is 0.907 on 9,876 yet other policies; the plan reaches 0.872 there, 96.1% of it",
        "mean 0.16478, stage 0 0.15428, boosting x 0 0.15368.",
        "did best\nout of fold (0.5). Factors that meet: mfa_remote_coverage with exposed_rdp.",
        "learned from 301,000 policies",
        "has a share of 0.747",
        "| 5 | 1.40 | 0.96 | 0.63 |",
        "100,500 simulated policies (seeds 1, 2,\n3 folds by insured",
        "| rating plan | 0.812 | 0.15371 |",
        "97 of 113 figures within their range (`cyberscore market check`)",
        "| XX99 | a thing | 0.26 | 1850 | as it is |",
        "Level 0.8431 on loss cost and a fixed expense of 254.12 USD",
    ],
)
def test_it_tells_the_numbers_it_was_given(plan, told):
    assert told in card_of(plan)


def test_residuals_are_told_by_revenue(plan):
    training = METRICS["training"] | {"technical_over_published_premium": {250_000: 0.1377, 1_000_000: -0.0459}}
    card = card_of(plan, training=training)
    assert "| 250,000 | +13.8% |" in card
    assert "| 1,000,000 | -4.6% |" in card


def test_without_peers_nothing_is_said_of_them(plan):
    metrics = copy.deepcopy(METRICS)
    del metrics["peers"]
    card = model_card(plan, metrics, INTERVALS)
    assert "other learners" not in card
    assert len(assert_is_whole(card)) == 4
    assert re.findall(r"^#.*$", card, flags=re.MULTILINE) == SECTIONS


def test_no_pair_is_said_to_be_none(plan):
    assert "Factors that meet: none (" in card_of(plan, training=METRICS["training"] | {"pairs": []})


def test_the_risk_load_is_that_of_the_plan(plan):
    line = next(line for line in card_of(plan).splitlines() if line.startswith("- The risk load"))
    load = plan.pricing.risk_load
    largest = max(max(row) for row in load.factors.values())
    assert f"{load.floor:.0%}" in line
    assert f"{largest:.1%}" in line


def test_metrics_may_have_been_to_disk(plan):
    """Same card from metrics as written to metrics.json, whose keys are texts."""
    metrics = copy.deepcopy(METRICS)
    metrics["training"]["technical_over_published_premium"] = {250_000: 0.1377, 1_000_000: -0.0459}
    back = json.loads(json.dumps(metrics))
    assert model_card(plan, back, INTERVALS) == model_card(plan, metrics, INTERVALS)


def test_the_shipped_card_is_made_from_the_shipped_metrics(plan):
    folder = models_folder() / DEFAULT_PLAN
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    if "ceiling" not in metrics:
        pytest.skip("the shipped plan was released before there were ceilings")
    shipped = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    intervals = shipped.split("## Intervals\n\n")[1].split("\n## ")[0]
    card = model_card(plan, metrics, intervals)
    assert card == shipped
    assert_is_whole(card)
