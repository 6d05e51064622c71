"""What a command writes never replaces what it reads; options that do nothing without another are refused."""

import json
import os
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import ProfileError
from cyberscore.cli import app
from cyberscore.examples import example_text
from cyberscore.rating.library import models_folder

DAY = ("--as-of", "2026-11-23")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "law.json").write_text(example_text("law_firm"), encoding="utf-8")
    insured = json.loads(example_text("law_firm"))["insured"]
    (tmp_path / "insured.json").write_text(json.dumps(insured), encoding="utf-8")
    (tmp_path / "link.json").symlink_to(tmp_path / "law.json")
    os.link(tmp_path / "law.json", tmp_path / "hard.json")
    (tmp_path / "deep").mkdir()
    (tmp_path / "p.csv").write_text("policy_id\n1\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text("policy_id\n1\n", encoding="utf-8")
    form = CliRunner().invoke(app, ["profile", "form"]).stdout
    (tmp_path / "form.csv").write_text(form, encoding="utf-8")
    (tmp_path / "kev.csv").write_text("cveID\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("quote", "law.json", *DAY, "--log", "law.json"),
        ("quote", "law.json", *DAY, "--log", "deep/../law.json"),
        ("quote", "law.json", *DAY, "--evidence", "form.csv", "--log", "form.csv"),
        ("quote", "law.json", *DAY, "--log", "new.html", "--report", "new.html"),
        ("profile", "build", "--insured", "insured.json", "-o", "insured.json"),
        ("profile", "build", "--base", "law.json", "-o", "link.json"),
        ("profile", "build", "--base", "link.json", "-o", "law.json"),
        ("profile", "build", "--base", "law.json", "-o", "hard.json"),
        ("profile", "build", "--base", "law.json", "--evidence", "form.csv", "-o", "./form.csv"),
        ("profile", "build", "--base", "law.json", "--evidence", "application:form.csv", "-o", "form.csv"),
        ("profile", "dispute", "law.json", "--observation", "mfa_email_coverage", "--kind", "fixed", "--note", "x",
         "--at", "2026-11-23", "-o", "law.json"),
        ("watch", "law.json", "--since", "2026-11-01", "--now", "2026-11-23", "--state", "law.json"),
        ("plan", "validate", "sme-2026", "--policies", "p.csv", "--claims", "c.csv", "-o", "p.csv"),
        ("plan", "validate", "sme-2026", "--policies", "p.csv", "--claims", "c.csv", "-o", "c.csv"),
        ("plan", "compare", "sme-2026", "sme-2026", "--policies", "p.csv", "-o", "p.csv"),
        ("plan", "compare", "sme-2026", "sme-2026", "--policies", "p.csv",
         "-o", str(models_folder() / "sme-2026" / "plan.json")),
        ("plan", "learn", "--policies", "p.csv", "--claims", "c.csv", "--force",
         "-o", str(models_folder() / "sme-2026")),
    ],
)  # fmt: skip
def test_no_output_replaces_an_input(folder, arguments):
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    plan = (models_folder() / "sme-2026" / "plan.json").read_bytes()
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, ProfileError)
    assert "which this command reads: give another file" in str(result.exception)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert (models_folder() / "sme-2026" / "plan.json").read_bytes() == plan


def test_a_report_over_the_page_that_is_evidence_or_a_log_is_refused_before_anything_is_written(folder):
    page = folder / "page.html"
    page.write_text("<!doctype html><p>evidence</p>", encoding="utf-8")
    for arguments in (("--evidence", "page.html"), ("--log", "page.html")):
        result = CliRunner().invoke(app, ["quote", "law.json", *DAY, *arguments, "--report", "page.html"])
        assert "--report page.html would replace page.html" in str(result.exception)
    assert "evidence" in page.read_text(encoding="utf-8")
    broken = CliRunner().invoke(app, ["quote", "law.json", *DAY, "--log", "l.jsonl", "--report", "form.csv"])
    assert "is no HTML page" in str(broken.exception)
    assert not (folder / "l.jsonl").exists()


def test_other_outputs_are_written(folder):
    for arguments in (
        ("quote", "law.json", *DAY, "--log", "log.jsonl", "--reference", "Q-1", "--report", "r.html", "--lang", "en"),
        ("quote", "law.json", *DAY, "--log", "log.jsonl", "--report", "r.html"),  # both are there already
        ("profile", "build", "--base", "law.json", "-o", "built.json"),
        ("watch", "law.json", "--since", "2026-11-23", "--now", "2026-11-23", "--state", "state.json"),
        ("watch", "law.json", "--since", "2026-11-23", "--now", "2026-11-23", "--state", "state.json"),
    ):
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.exception
    assert cyberscore.QuoteLog(folder / "log.jsonl").verify().ok


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("quote", "law.json", *DAY, "--lang", "zh"), "--lang does nothing without --report"),
        (("quote", "law.json", *DAY, "--lang", "en"), "--lang does nothing without --report"),
        (("quote", "law.json", *DAY, "--reference", "Q-1"), "--reference does nothing without --log"),
        (("plan", "validate", "sme-2026", "--policies", "p.csv", "--claims", "c.csv", "--seed", "2", "-o", "v.html"),
         "--seed does nothing without --simulated"),
        (("plan", "compare", "sme-2026", "sme-2026", "--policies", "p.csv", "--seed", "2", "-o", "v.html"),
         "--seed does nothing without --simulated"),
        (("replay", "record.json", "--last-hash", "0" * 64), "--last-hash does nothing without a log"),
        (("rules", "--json", "test", "rules.toml", "law.json"), "give them after `rules test`"),
        (("rules", "--plan", "sme-2026", "test", "rules.toml", "law.json"), "give them after `rules test`"),
    ],
)  # fmt: skip
def test_an_option_that_does_nothing_is_refused(folder, arguments, said):
    cyberscore.record(cyberscore.example("dental_clinic"), as_of=date(2026, 11, 23)).save(folder / "record.json")
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, ProfileError)
    assert said in str(result.exception)


def test_a_count_of_questions_holds_in_json_too(folder):
    def questions(*options):
        return json.loads(CliRunner().invoke(app, ["next", "law.json", *DAY, "--json", *options]).stdout)["questions"]

    assert len(questions()) > 10
    assert questions("--count", "3") == questions()[:3]
