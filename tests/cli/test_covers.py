"""What cover the command line asks for: every option of it, a grid of options, and what is wrong with one."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import Coverage, CoverageError
from cyberscore.cli import app
from cyberscore.examples import example_text

DAY = date(2026, 11, 23)


@pytest.fixture
def law_firm(tmp_path):
    path = tmp_path / "law_firm.json"
    path.write_text(example_text("law_firm"), encoding="utf-8")
    return str(path)


def run(path, *options):
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["quote", path, "--as-of", DAY.isoformat(), *options])


def test_every_option_of_the_cover_is_in_the_quote(law_firm):
    options = (
        "--limit", "800000", "--retention", "9000", "--per-claim-limit", "400000", "--waiting-hours", "12",
        "--sublimit", "extortion=60000", "--sublimit", "ransomware = 300000", "--coinsurance", "bricking=20",
        "--expiring-premium", "2100", "--currency", "GBP", "--scenario", "aon_2023", "--json",
    )  # fmt: skip
    cover = Coverage(
        currency="GBP",
        aggregate_limit=800_000,
        per_claim_limit=400_000,
        retention=9_000,
        waiting_period_hours=12,
        sublimits={"extortion": 60_000, "ransomware": 300_000},
        coinsurance={"bricking": 20},
        expiring_premium=2_100,
        market_scenario="aon_2023",
    )
    expected = cyberscore.quote(cyberscore.example("law_firm"), cover, as_of=DAY)
    result = run(law_firm, *options)
    assert json.loads(result.stdout) == expected.to_dict()


def test_a_grid_is_printed_with_every_premium_and_marks_explained(law_firm):
    options = ("--limits", "500000,1000000,5000000", "--retentions", "1000,10000")
    text = run(law_firm, *options).stdout
    grid = Coverage.grid(limits=[5e5, 1e6, 5e6], retentions=[1e3, 1e4], currency="GBP")  # the firm's own
    answer = cyberscore.quote(cyberscore.example("law_firm"), as_of=DAY, options=grid)
    for option in answer.options:
        other = "*" if option.decision != answer.decision else ""
        floored = "+" if option.coverage["retention"] != option.requested["retention"] else ""
        assert f"{option.indicative_premium:,.2f}{other}{floored}" in text
    assert "* another decision than the quote's" in text
    assert "+ priced at a limit or retention that rules set" in text
    assert json.loads(run(law_firm, *options, "--json").stdout)["options"] == answer.to_dict()["options"]


def test_one_axis_keeps_the_other_of_the_cover(law_firm):
    found = json.loads(run(law_firm, "--retention", "25000", "--limits", "500000,2000000", "--json").stdout)["options"]
    asked = [(one["requested"]["aggregate_limit"], one["requested"]["retention"]) for one in found]
    assert asked == [(500_000, 25_000), (2_000_000, 25_000)]


def test_a_ledger_in_another_currency_says_where_it_changes(law_firm):
    options = ("--currency", "GBP", "--limit", "750000")
    text = run(law_firm, *options).stdout
    assert "USD, then GBP" in text
    assert "limit 750,000, retention 10,000 GBP" in text
    assert "GBP premium tax" not in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sublimit", "extortion"), "--sublimit must be NAME=NUMBER, such as ransomware=250000; got 'extortion'"),
        (("--coinsurance", "extortion=much"), "--coinsurance must be NAME=NUMBER"),
        (("--sublimit", "malware=1"), "unknown peril or coverage part 'malware' in sublimits"),
        (("--limits", "1e6;2e6"), "--limits must be numbers with commas between"),
        (
            ("--currency", "USD", "--limits", "5000"),
            "aggregate_limit: must be between 10000 and 10000000 USD; got 5000",
        ),
        (("--limits", "20000", "--retentions", "20000"), "retention 20_000 must be below aggregate_limit 20_000"),
        (("--currency", "EUR"), "currency must be USD or the insured's own, GBP; got EUR"),
        (("--scenario", "boom"), "unknown market_scenario 'boom': the plan has"),
        (("--surplus-lines-state", "TX"), "surplus_lines_state is for insureds in the US; this one is in GB"),
    ],
)
def test_a_cover_that_makes_no_sense(law_firm, options, said):
    result = run(law_firm, *options)
    assert isinstance(result.exception, CoverageError)
    assert said in str(result.exception)


def test_yen_are_written_without_cents_by_every_command(tmp_path):
    raw = json.loads(example_text("law_firm"))
    raw["insured"] |= {"country": "JP", "currency": "JPY", "annual_revenue": 1.1e9}
    path = tmp_path / "tokyo.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    day = ("--as-of", DAY.isoformat(), "--currency", "JPY")
    premium = cyberscore.quote(
        cyberscore.Profile.from_dict(raw), Coverage(currency="JPY"), as_of=DAY
    ).indicative_premium
    commands = (
        ("quote", "--limits", "100000000,200000000"), ("path", "--to", "band:A"), ("next",),
        ("what-if", "--set", "mfa_admin_coverage=unknown"),
    )  # fmt: skip
    for name, *more in commands:
        done = CliRunner(env={"COLUMNS": "160"}).invoke(app, [name, str(path), *day, *more], catch_exceptions=False)
        assert f"{premium:,.0f} JPY" in done.stdout
        assert f"{premium:,.2f}" not in done.stdout.partition("From expected loss")[0]
