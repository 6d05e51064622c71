"""`what-if` and `path` from the command line."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import CyberscoreError, ProfileError, TargetError
from cyberscore.cli import app
from cyberscore.cli.changes import _outcome_told
from cyberscore.examples import example_text


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False, env={"COLUMNS": "200"})


@pytest.fixture
def clinic(tmp_path):
    path = tmp_path / "clinic.json"
    path.write_text(example_text("dental_clinic"), encoding="utf-8")
    return path


def test_what_if_is_the_function(clinic):
    done = run(
        "what-if", clinic, "--as-of", "2026-11-23", "--json", "--set", "mfa_email_coverage=1.0",
        "--set", "backup_isolation=unknown", "--set", "naics=541110", "--set", "retention=25000",
        "--set", "active_incident=true", "--set", "business_activities=gambling,adult",
    )  # fmt: skip
    changes = {
        "mfa_email_coverage": 1.0,
        "backup_isolation": None,
        "naics": "541110",
        "retention": 25_000,
        "active_incident": True,
        "business_activities": ["gambling", "adult"],
    }
    found = cyberscore.what_if(cyberscore.example("dental_clinic"), changes, as_of=date(2026, 11, 23))
    assert json.loads(done.stdout) == json.loads(json.dumps(found.to_dict()))
    assert found.after.decision == "decline"


def test_what_if_in_words(clinic):
    done = run("what-if", clinic, "--as-of", "2026-11-23", "--set", "payment_verification=none")
    assert "Indicative premium" in done.stdout
    assert "(+" in done.stdout
    assert "payment_verification" in done.stdout


def test_a_change_without_a_value_is_refused(clinic):
    with pytest.raises(ProfileError, match="NAME=VALUE"):
        run("what-if", clinic, "--set", "mfa_email_coverage")


def test_path_is_the_function(clinic):
    done = run("path", clinic, "--to", "band:A", "--as-of", "2026-11-23", "--json")
    found = cyberscore.path_to(cyberscore.example("dental_clinic"), "band:A", as_of=date(2026, 11, 23))
    assert json.loads(done.stdout) == json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert found.reached


def test_path_in_words_with_costs(clinic):
    costs = [word for name in ("payment_verification", "mdr_24x7") for word in ("--cost", f"{name}=300")]
    # what either of the two reaches alone, whatever the plan
    improvements = cyberscore.quote(cyberscore.example("dental_clinic"), as_of=date(2026, 11, 23)).improvements
    premium = max(one.indicative_premium for one in improvements if one.signal in {"payment_verification", "mdr_24x7"})
    done = run("path", clinic, "--to", f"premium:{premium}", "--as-of", "2026-11-23", *costs)
    assert done.exit_code == 0
    assert "Reached with 1 fix for 300.00 USD; no other set costs less." in done.stdout
    assert "paid back in" in done.stdout
    assert "Left out, no cost given: " in done.stdout


def test_a_path_tells_each_condition_once_as_it_is_met(tmp_path):
    maker = tmp_path / "maker.json"
    maker.write_text(example_text("manufacturer"), encoding="utf-8")
    found = cyberscore.path_to(cyberscore.example("manufacturer"), "no-conditions", as_of=date(2026, 11, 23))
    text = run("path", maker, "--to", "no-conditions", "--as-of", "2026-11-23").stdout
    now, steps = text.split("Target: ")
    steps, left = steps.split("Conditions left:")
    assert all(one.told in now for one in found.subjectivities)
    met = [one for step in found.steps for one in step.subjectivities_met]
    assert met
    assert [steps.count(f"condition met: {one.text} ({one.rule})") for one in met] == [1] * len(met)
    assert steps.count("condition met: ") == len(met)
    assert [one.told for one in found.subjectivities_left] == [line.strip() for line in left.splitlines() if line]
    assert "Not reached: with every fix the decision is still quote with contingencies, by U02 (" in text


def test_what_a_path_proved_is_told_in_whole_numbers(tmp_path):
    maker = tmp_path / "maker.json"
    maker.write_text(example_text("manufacturer"), encoding="utf-8")
    ended = run("path", maker, "--to", "band:D", "--as-of", "2026-11-23").stdout
    assert re.search(r"Reached with \d+ fixes, the fewest that do\.\nConditions left:", ended)
    told = run("path", maker, "--to", "score:77", "--as-of", "2026-11-23").stdout
    assert "\nReached with 1 fix.\n" in told
    found = cyberscore.path_to(cyberscore.example("manufacturer"), "score:77", as_of=date(2026, 11, 23))
    open_end = replace(found, optimal=False, lower_bound=0.4)
    assert _outcome_told(open_end) == "Reached with 1 fix, not proven the fewest: at least 1 needed."
    dear = replace(open_end, total_cost=1_500.0)
    assert "1 fix for 1,500.00 USD; not proven the cheapest: none costs less than 0.40 USD." in _outcome_told(dear)


def test_a_target_out_of_reach_is_exit_status_1(clinic):
    done = run("path", clinic, "--to", "premium:100", "--as-of", "2026-11-23")
    assert done.exit_code == 1
    assert "Not reached: with every fix the premium is" in done.stdout
    json.loads(run("path", clinic, "--to", "premium:100", "--as-of", "2026-11-23", "--json").stdout)
    assert "Reached already." in run("path", clinic, "--to", "band:F", "--as-of", "2026-11-23").stdout
    for wrong in (("--to", "band:Z"), ("--to", "band:A", "--cost", "mdr_24x7")):
        with pytest.raises(TargetError):
            run("path", clinic, *wrong, "--as-of", "2026-11-23")


def test_what_if_says_when_better_evidence_stands(clinic):
    start = ["what-if", clinic, "--as-of", "2026-11-23"]
    assert "better evidence" not in run(*start, "--set", "backup_isolation=offline_or_immutable").stderr
    assert "set mfa_email_coverage=unknown first" in run(*start, "--set", "mfa_email_coverage=0.5").stderr
    replaced = run(*start, "--set", "mfa_email_coverage=unknown", "--set", "mfa_email_coverage=0.5")
    assert "better evidence" not in replaced.stderr


COVER = (
    "--limit", "800000", "--retention", "9000", "--per-claim-limit", "400000", "--waiting-period", "12",
    "--sublimit", "extortion=60000", "--coinsurance", "bricking=20", "--expiring-premium", "2100",
    "--currency", "GBP", "--scenario", "aon_2023",
)  # fmt: skip
ASKED = cyberscore.Coverage(
    currency="GBP",
    aggregate_limit=800_000,
    per_claim_limit=400_000,
    retention=9_000,
    waiting_period_hours=12,
    sublimits={"extortion": 60_000},
    coinsurance={"bricking": 20},
    expiring_premium=2_100,
    market_scenario="aon_2023",
)


@pytest.mark.parametrize("command", ["quote", "what-if", "path", "next"])
def test_every_command_that_quotes_takes_every_option_of_the_cover(command, tmp_path):
    file, day = tmp_path / "law.json", date(2026, 11, 23)
    file.write_text(example_text("law_firm"), encoding="utf-8")
    firm, shared = cyberscore.example("law_firm"), {"as_of": day, "exchange_rate": 1.4}
    more = {"what-if": ("--set", "mfa_admin_coverage=unknown"), "path": ("--to", "premium:1700")}.get(command, ())
    done = run(command, file, "--as-of", day, *COVER, "--exchange-rate", "1.4", *more, "--json")
    found = {
        "quote": lambda: cyberscore.quote(firm, ASKED, **shared),
        "what-if": lambda: cyberscore.what_if(firm, {"mfa_admin_coverage": None}, ASKED, **shared),
        "path": lambda: cyberscore.path_to(firm, "premium:1700", ASKED, **shared),
        "next": lambda: cyberscore.next_evidence(firm, cyberscore.load_plan(), ASKED, **shared),
    }[command]()
    assert json.loads(done.stdout) == json.loads(json.dumps(found.to_dict()))


def test_a_premium_to_reach_is_in_the_currency_of_the_cover_and_says_so(tmp_path):
    file = tmp_path / "law.json"
    file.write_text(example_text("law_firm"), encoding="utf-8")
    done = run("path", file, "--as-of", "2026-11-23", "--to", "premium:1500", "--currency", "GBP")
    found = cyberscore.path_to(
        cyberscore.example("law_firm"), "premium:1500", cyberscore.Coverage(currency="GBP"), as_of=date(2026, 11, 23)
    )
    assert found.target == "premium of at most 1,500 GBP"
    assert f"Now: premium {found.indicative_premium:,.2f} GBP" in done.stdout
    assert found.steps[-1].indicative_premium <= 1_500


def test_what_if_shows_ledger_lines_side_by_side(clinic):
    done = run(
        "what-if", clinic, "--as-of", "2026-11-23", "--set", "mfa_email_coverage=unknown", "--set", "retention=25000"
    )
    found = cyberscore.what_if(
        cyberscore.example("dental_clinic"), {"mfa_email_coverage": None, "retention": 25_000}, as_of=date(2026, 11, 23)
    )
    assert "{" not in done.stdout
    told = done.stdout.partition("Ledger lines that differ:\n")[2]
    for name in ("perils", "premium"):
        columns = [getattr(one.ledger, name) for one in (found.before, found.after)]
        old, new = ([step for steps in one.values() for step in steps] if name == "perils" else one for one in columns)
        for was, now in zip(old, new, strict=True):
            if was.value != now.value:
                assert f"  {was.label}\n" in told
                numbers = [
                    f"{one.value:,.4f}" if one.operation == "multiply" else f"{one.value:,.2f}" for one in (was, now)
                ]
                if was.operation != "start":
                    assert all(one in told for one in numbers)
    assert "before: table" in told
    assert "after: table" in told


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("path", ("--to", "premium:1.200"), "'1.200' may be 1200 or 1.2"),
        (
            "path",
            ("--to", "premium:300.125"),
            "premium:1200; got 'premium:300.125': '300.125' may be 300125 or 300.1250",
        ),
        ("path", ("--to", "score:x"), "score wants a number, such as score:45; got 'score:x'"),
        ("path", ("--to", "band:A", "--cost", "mdr_24x7=9.000"), "'9.000' may be 9000 or 9"),
        ("path", ("--to", "band:A", "--cost", "mdr_24x7=9k"), "write it without units"),
        ("what-if", ("--set", "annual_revenue=2.400"), "--set annual_revenue: '2.400' may be 2400 or 2.4"),
        ("what-if", ("--set", "retention=25.000"), "--set retention: '25.000' may be 25000 or 25"),
        ("what-if", ("--set", "record_count=1.200.000"), "is not a number such as 1200"),
        ("what-if", ("--set", "central_log_days=1.095"), "'1.095' may be 1095 or 1.095"),
        ("what-if", ("--set", "annual_revenue=0"), "the projected revenue of its first 12 months"),
        ("what-if", ("--set", 'coinsurance={"extortion": 0.2}'), "write 20 for 20 %"),
    ],
)
def test_a_number_that_may_be_read_in_two_ways_is_refused(clinic, command, options, said):
    done = CliRunner().invoke(app, [command, str(clinic), "--as-of", "2026-11-23", *options])
    assert isinstance(done.exception, CyberscoreError)
    assert said in str(done.exception)


def test_numbers_of_what_if_with_thousands_set_apart_are_read_and_shares_need_no_care(clinic):
    done = run("what-if", clinic, "--as-of", "2026-11-23", "--json", "--set", "annual_revenue=2,600,000",
               "--set", "record_count=1_200", "--set", "mfa_email_coverage=1.000")  # fmt: skip
    changes = {"annual_revenue": 2_600_000, "record_count": 1_200, "mfa_email_coverage": 1.0}
    found = cyberscore.what_if(cyberscore.example("dental_clinic"), changes, as_of=date(2026, 11, 23))
    assert json.loads(done.stdout) == json.loads(json.dumps(found.to_dict()))


def test_a_usd_firms_cover_follows_its_currency_on_the_command_line(clinic):
    def after(*cover):
        done = run("what-if", clinic, "--as-of", "2026-11-23", "--json", *cover, "--set", "currency=EUR")
        return json.loads(done.stdout)["after"]["currency"]

    assert [after(), after("--retention", "25000"), after("--currency", "USD")] == ["EUR", "EUR", "USD"]
