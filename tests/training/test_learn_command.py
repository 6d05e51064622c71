"""`cyberscore plan learn`: a carrier's CSV files in, a plan's folder with its card out."""

import json

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import CyberscoreError, RatingPlan
from cyberscore.cli import app
from cyberscore.market import simulate
from cyberscore.training import Book, RatingPlanEstimator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, market = tmp_path_factory.mktemp("book"), simulate(1_500, 7)
    market.policies.to_csv(folder / "policies.csv", index=False)
    market.claims.to_csv(folder / "claims.csv", index=False)
    return folder


def learn(files, output, *more):
    book = ("--policies", str(files / "policies.csv"), "--claims", str(files / "claims.csv"))
    return CliRunner().invoke(app, ["plan", "learn", *book, "--output", str(output), "--bags", "2", *more])


def test_it_is_the_estimators_plan_with_a_card(files, tmp_path):
    result = learn(files, tmp_path / "mine", "--seed", "3")
    assert result.exit_code == 0, result.output
    book = Book.from_csv(files / "policies.csv", files / "claims.csv")
    made = RatingPlanEstimator(name="mine", prior=cyberscore.load_plan(), n_bags=2, random_state=3).fit(book)
    plan = RatingPlan.load(tmp_path / "mine")
    assert plan.plan_id == made.plan_.plan_id
    assert plan.digest[:16] in result.output
    report = json.loads((tmp_path / "mine" / "metrics.json").read_text(encoding="utf-8"))["training"]
    assert report == json.loads(json.dumps(made.report_))
    card = (tmp_path / "mine" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"Digest `{plan.digest}`" in card
    assert f"{report['claims_above_basis']:,} claims above 10,000 USD" in card
    assert cyberscore.load_plan().plan_id in card
    assert f"went {report['way_from_prior']:.0%} of the way" in card
    for note in book.notes:
        assert f"- {note}" in card
    for peril, claims in report["claims_by_peril"].items():
        assert f"| {peril} | {claims:,} | " in card


def test_a_plan_is_not_replaced_by_mistake_and_nothing_is_half_done(files, tmp_path):
    for output, more, said in (
        (tmp_path / "mine", ("--prior", "none"), "with a prior plan few are enough"),
        (tmp_path / "mine", ("--prior", "nowhere"), "nowhere"),
    ):
        result = learn(files, output, *more)
        assert isinstance(result.exception, CyberscoreError)
        assert said in str(result.exception)
        assert not (output / "plan.json").exists()
    cyberscore.load_plan().save(tmp_path / "mine")
    result = learn(files, tmp_path / "mine")
    assert isinstance(result.exception, CyberscoreError)
    assert "--force" in str(result.exception)
    assert RatingPlan.load(tmp_path / "mine").plan_id.split("@")[1] == cyberscore.load_plan().digest
    assert learn(files, tmp_path / "mine", "--force").exit_code == 0
    assert RatingPlan.load(tmp_path / "mine").digest != cyberscore.load_plan().digest
