"""The simulated market against published figures, and that a wrong market is found out."""

import copy
import importlib
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from cyberscore.cli import app
from cyberscore.exceptions import CyberscoreError
from cyberscore.market import check, market_parameters
from cyberscore.market.check import _figure, _range, published_figures, summary, unexplained
from cyberscore.market.measures import MEASURES, _us_firms
from cyberscore.market.parameters import parameters_from
from cyberscore.market.sample import draw_sample, policies_of
from cyberscore.profile.industries import sectors

RAW = market_parameters().raw
COLUMNS = [
    "name", "evidence", "what", "source", "published", "low", "high", "simulated", "standard_error", "within", "clear",
    "counted", "why",
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return check(100_000, seed=7)


@pytest.fixture(scope="module")
def small():
    return draw_sample(20_000, 3, market_parameters())


def wrong(change):
    """Return a market with one thing changed."""
    raw = copy.deepcopy(RAW)
    change(raw)
    return parameters_from(raw)


def missed(parameters):
    """Names of the figures that a market misses."""
    answer = check(30_000, seed=7, parameters=parameters)
    return set(answer.loc[~answer["within"], "name"])


# --- the figures themselves


def test_figures_are_many_and_named_once():
    figures = published_figures()
    assert sum(figure.counted for figure in figures) >= 60
    assert len({figure.name for figure in figures}) == len(figures)
    assert len({(figure.what, figure.source) for figure in figures}) == len(figures)


@pytest.mark.parametrize("figure", published_figures(), ids=lambda figure: figure.name)
def test_a_figure_names_its_rows_and_holds_its_value(figure):
    assert figure.evidence
    for row in figure.evidence:
        assert re.fullmatch(r"(FQ|SV|DS|EL|IN|TR|SP)\d{2,3}|S\d{2}|C\d{3}|note|susb", row), row
    assert figure.low < figure.published < figure.high or figure.published in (figure.low, figure.high)
    assert figure.low < figure.high
    assert figure.source
    assert figure.counted or figure.why


def test_ranges_follow_from_the_rule():
    assert _range(2.0, {"share": 0.25}) == pytest.approx((1.5, 2.5))
    assert _range(-12.0, {"points": 5.0}) == (-17.0, -7.0)
    assert _range(4.0, {"log_share": 0.5}) == pytest.approx((2.0, 8.0))
    assert _range(0.25, {"log_share": 0.5}) == pytest.approx((0.125, 0.5))


def test_no_range_of_a_contrast_holds_one():
    """A control without any effect must miss."""
    for figure in published_figures():
        if "contrast" in figure.measure:
            assert figure.low > 1, figure.name


def test_a_second_source_only_widens():
    about = {
        "evidence": ["SV01"], "what": "a", "source": "b", "measure": {"name": "mean_loss"}, "published": 100,
        "rule": "severity",
    }  # fmt: skip
    rules = {"severity": {"share": 0.25}}
    alone, wide, near = (_figure("a", {**about, **more}, rules) for more in ({}, {"also": 300}, {"also": 110}))
    assert (alone.low, alone.high) == (near.low, near.high) == (75, 125)
    assert (wide.low, wide.high) == (75, 300)


@pytest.mark.parametrize("change", [{"range": [0, 1]}, {"rule": None}, {"measure": {"name": "guess"}}])
def test_a_figure_without_one_rule_or_measure_is_refused(change):
    about = {
        "evidence": ["C019"], "what": "a", "source": "b", "measure": {"name": "contrast"}, "published": 2,
        "rule": "contrast", **change,
    }  # fmt: skip
    about = {key: value for key, value in about.items() if value is not None}
    with pytest.raises(ValueError, match=r"published\.toml: a "):
        _figure("a", about, {"contrast": {"log_share": 0.5}})


# --- measures


@pytest.mark.parametrize("figure", published_figures(), ids=lambda figure: figure.name)
def test_every_figure_can_be_measured(small, figure):
    assert np.isfinite(figure.taken_on(small))


def test_every_measure_is_used():
    assert {figure.measure for figure in published_figures()} == set(MEASURES)


def test_shares_of_claims_add_up(small):
    of = MEASURES["share_of_claims"]
    assert sum(of(small, perils=[peril]) for peril in small.market.raw["perils"]) == pytest.approx(100)
    assert sum(of(small, who={"band": band}) for band in range(3)) == pytest.approx(100)


def test_a_part_of_a_book_is_that_part(small):
    part = small.part(5_000, 10_000)
    np.testing.assert_array_equal(part.rates, small.rates[5_000:10_000])
    np.testing.assert_array_equal(part.population.revenue, small.population.revenue[5_000:10_000])
    inside = (small.losses.policy >= 5_000) & (small.losses.policy < 10_000)
    np.testing.assert_array_equal(part.losses.amount, small.losses.amount[inside])
    assert part.losses.policy.min() >= 0
    assert part.losses.policy.max() < 5_000


def test_populations_are_told_by_what_is_known(small):
    everyone = np.zeros(20_000, dtype=int)
    for size in ("micro", "small", "medium", "large"):
        everyone += policies_of(small, {"sizes": [size]})
    assert (everyone == 1).all()
    with pytest.raises(ValueError, match="a population is told by"):
        policies_of(small, {"colour": "blue"})


def test_common_correlation_of_known_cells():
    """Controls drawn apart show none; one counted twice shows nearly all."""
    rng = np.random.default_rng(1)
    small = draw_sample(20_000, 4, market_parameters())
    small.truth[:, 0], small.truth[:, 1] = (rng.integers(0, 2, 20_000) for _ in range(2))
    small.truth[:, 2] = small.truth[:, 0]
    of = MEASURES["common_correlation"]
    names = ["mfa_remote_coverage", "mfa_email_coverage", "mfa_admin_coverage"]
    assert of(small, cells={names[0]: [0], names[1]: [0]}) < 0.05
    assert of(small, cells={names[0]: [0], names[2]: [0]}) > 0.95


# --- the market as shipped


def test_the_answer_has_its_columns_and_repeats(found):
    assert list(found) == COLUMNS
    assert check(2_000, seed=1).equals(check(2_000, seed=1))
    assert not check(2_000, seed=1).equals(check(2_000, seed=2))


def test_most_figures_are_met_and_every_miss_is_explained(found):
    assert unexplained(found) == []
    counted = found[found["counted"]]
    assert counted["within"].mean() > 0.82
    assert summary(found).startswith(f"{counted['within'].sum()} of {len(counted)} figures within their range")


def test_passes_are_not_luck(found):
    """Nearly all are on their side of the range by two standard errors."""
    assert found["clear"].mean() > 0.85
    assert (found["standard_error"].dropna() >= 0).all()


def test_an_explanation_is_not_a_spare(found):
    """A figure that is met needs no excuse, but for what noise may carry across the end of its range."""
    spare = found[found["counted"] & found["within"] & found["clear"] & (found["why"] != "")]
    assert spare.empty, list(spare["name"])


def test_sector_shares_are_firms_times_the_stated_tilt():
    firms = {sector: sum(count for name, _, count in _us_firms() if name == sector) for sector in sectors()}
    total = sum(firms.values())
    assert 6.2e6 < total < 6.4e6  # firms of two sectors count twice
    for sector, about in RAW["sectors"].items():
        if sector != "public_sector":
            assert about["share"] == pytest.approx(firms[sector] / total * about["tilt"], abs=0.0051), sector


# --- a wrong market is found out


def test_twice_the_claims_miss_every_frequency():
    def change(raw):
        for about in raw["perils"].values():
            about["log_rate"] = [rate + np.log(2) for rate in about["log_rate"]]

    names = {"frequency_2024", "frequency_small_2025", "frequency_middle_2024", "frequency_large_2024", "frequency_us"}
    assert names <= missed(wrong(change))


def test_half_the_mfa_misses_the_surveys():
    def change(raw):
        raw["signals"]["mfa_email_coverage"]["prevalence"] = [0.1, 0.06, 0.09, 0.35, 0.4]

    assert {"mfa_all", "mfa_micro"} <= missed(wrong(change))


def test_controls_without_effect_miss_the_contrasts():
    def change(raw):
        for about in raw["perils"].values():
            about["temper"] = 0.0

    found = missed(wrong(change))
    assert {"contrast_remote_desktop", "contrast_leaked_credentials", "contrast_outside_rating"} <= found
    assert {"spread_ransomware", "spread_transfer", "spread_breach"} <= found


def test_untempered_controls_miss_the_spread():
    def change(raw):
        for about in raw["perils"].values():
            about["temper"] = 1.0

    assert {"spread_ransomware", "extremes_ransomware", "extremes_breach"} <= missed(wrong(change))


def test_twice_the_losses_miss_the_severities():
    def change(raw):
        for about in raw["perils"].values():
            about["median"] *= 2

    assert {"severity_all_2024", "severity_small", "ransomware_at_10m"} <= missed(wrong(change))


def test_true_answers_miss_what_is_known_of_attestations():
    def change(raw):
        raw["seen"]["rosy_attestation"] = 0.0

    assert {"answers_contradicted", "recovery_overstated"} <= missed(wrong(change))


def test_other_buyers_miss_the_mix():
    def change(raw):
        raw["sectors"]["healthcare"]["share"] = 0.4
        raw["revenue"]["shares"] = [0.98, 0.015, 0.005]

    assert {"buyers_healthcare", "claims_small_firms", "claims_middle_firms"} <= missed(wrong(change))


# --- the command


def test_the_command_prints_a_table_and_why():
    result = CliRunner().invoke(app, ["market", "check", "--policies", "5000", "--seed", "1"])
    assert result.exit_code == 0
    assert "FQ01" in result.stdout
    assert "Missed" in result.stdout
    assert "figures within their range" in result.stderr


def test_the_command_prints_json_and_csv():
    runner = CliRunner()
    rows = json.loads(runner.invoke(app, ["market", "check", "--policies", "5000", "--seed", "1", "--json"]).stdout)
    assert list(rows[0]) == COLUMNS
    lines = runner.invoke(app, ["market", "check", "--policies", "5000", "--seed", "1", "--csv"]).stdout.splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == len(rows) + 1 == len(published_figures()) + 1
    both = runner.invoke(app, ["market", "check", "--json", "--csv"])
    assert isinstance(both.exception, CyberscoreError)


def test_strict_fails_on_a_miss_without_explanation(monkeypatch):
    module = importlib.import_module("cyberscore.market.check")  # the package's own `check` is the function
    monkeypatch.setattr(module, "unexplained", lambda _: ["frequency_2024"])
    arguments = ["market", "check", "--policies", "2000"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--strict"]).exit_code == 1


def test_too_few_policies_are_refused():
    with pytest.raises(ValueError, match="n_policies must be at least 1,000; got 10"):
        check(10)
