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
        (("--coinsurance", "extortion=much"), "--coinsurance must be NAME=NUMBER, such as ransomware=20 for 20 %; got"),
        (("--coinsurance", "extortion=99.999"), "'99.999' may be 99999 or 99.9990: write the one that is meant"),
        (("--limit", "1.000.000"), "thousands with commas or nothing between them, and decimals after a point"),
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


# --- numbers that may be read in two ways, and currencies without a usual cover


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--limit", "800.000"), "--limit: '800.000' may be 800000 or 800: write the one that is meant"),
        (("--retention", "9.000"), "--retention: '9.000' may be 9000 or 9"),
        (("--per-claim-limit", "400.000"), "--per-claim-limit: '400.000' may be"),
        (("--expiring-premium", "2.100"), "--expiring-premium: '2.100' may be 2100 or 2.1"),
        (("--waiting-hours", "12,5"), "--waiting-hours: '12,5' is not a number"),
        (("--sublimit", "extortion=60.000"), "got 'extortion=60.000': '60.000' may be 60000 or 60"),
        (("--coinsurance", "bricking=12.500"), "'12.500' may be 12500 or 12.5"),
        (("--coinsurance", "bricking=0.2"), "in percent, 0 or at least 1; got 0.2: write 20 for 20 %"),
        (("--limits", "500.000,1.000.000"), "'500.000' may be 500000 or 500"),
        (("--limits", "500,000"), "--limits: '500,000' may be 500000, or 500 and 000"),
        (("--retentions", "5,000,10,000"), "write thousands without commas, and a space after the comma"),
        (("--retentions", "10,500"), "'10,500' may be 10500, or 10 and 500"),
    ],
)
def test_a_number_that_may_be_read_in_two_ways_is_refused(law_firm, options, said):
    result = run(law_firm, *options)
    assert isinstance(result.exception, CoverageError)
    assert said in str(result.exception)


def test_numbers_with_thousands_set_apart_are_read(law_firm):
    options = (
        "--limit",
        "800,000",
        "--retention",
        "9_000",
        "--sublimit",
        "extortion=60,000",
        "--retentions",
        "9500, 9750",
    )
    found = json.loads(run(law_firm, *options, "--json").stdout)
    asked = found["requested"]
    assert (asked["aggregate_limit"], asked["retention"], asked["sublimits"]) == (8e5, 9e3, {"extortion": 6e4})
    assert [one["requested"]["retention"] for one in found["options"]] == [9500, 9750]


@pytest.fixture
def kuwait(tmp_path):
    raw = json.loads(example_text("law_firm"))
    raw["insured"] |= {"country": "KW", "currency": "KWD", "annual_revenue": 2e6}
    path = tmp_path / "kuwait.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--limit", "300000"), "--retention"),
        (("--retention", "3000"), "--limit"),
        (("--currency", "KWD"), "--limit and --retention"),
        (("--sublimit", "extortion=5000"), "--limit and --retention"),
        (("--expiring-premium", "900"), "--limit and --retention"),
        (("--limits", "300000,500000"), "--limit and --retention"),
        (("--limits", "300000", "--retentions", "3000"), "--limit and --retention"),
    ],
)
def test_amounts_in_a_currency_without_a_usual_cover_ask_for_the_options_that_are_missing(kuwait, options, wanted):
    result = run(kuwait, "--exchange-rate", "3.25", *options)
    assert isinstance(result.exception, CoverageError)
    assert f"no usual cover is known in KWD: give {wanted} in KWD, or --currency USD" in str(result.exception)


def test_whole_amounts_are_in_the_insureds_currency_and_none_in_usd(kuwait):
    whole = ("--limit", "300000", "--retention", "3000")
    own = json.loads(run(kuwait, "--exchange-rate", "3.250", *whole, "--json").stdout)
    assert (own["currency"], own["requested"]["aggregate_limit"], own["exchange_rate"]) == ("KWD", 300_000, 3.25)
    assert json.loads(run(kuwait, "--exchange-rate", "3.25", "--json").stdout)["currency"] == "USD"


def test_a_rate_far_from_the_plans_needs_its_option(law_firm, tmp_path):
    refused = run(law_firm, "--exchange-rate", "0.76")
    assert "(exchange_rate_is_meant)" in str(refused.exception)
    log = tmp_path / "log.jsonl"
    taken = run(law_firm, "--exchange-rate", "0.76", "--exchange-rate-is-meant", "--log", str(log), "--json")
    assert json.loads(taken.stdout)["exchange_rate"] == 0.76
    assert CliRunner().invoke(app, ["replay", str(log)]).exit_code == 0
    alone = run(law_firm, "--exchange-rate-is-meant")
    assert "none was given" in str(alone.exception)
