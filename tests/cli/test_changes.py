"""`what-if` and `path` from the command line."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import ProfileError, TargetError
from cyberscore.cli import app
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
    assert "Reached with 300.00; nothing less does." in done.stdout
    assert "paid back in" in done.stdout
    assert "Left out, no cost given: " in done.stdout


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
