"""`quote --log` and `replay`: what is recorded replays; what differs or was changed is said, with exit status 1."""

import json
import subprocess
import sys
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore.cli import app
from cyberscore.examples import example_text


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False, env={"COLUMNS": "200"})


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "quotes.jsonl"
    for name in ("dental_clinic", "law_firm"):
        profile = tmp_path / f"{name}.json"
        profile.write_text(example_text(name), encoding="utf-8")
        done = run("quote", profile, "--as-of", "2026-11-23", "--log", path, "--reference", f"Q-{name}")
        assert done.exit_code == 0
        assert f"recorded in {path}" in done.stderr
    return path


def test_what_was_logged_replays(log):
    records = list(cyberscore.QuoteLog(log))
    assert [one.reference for one in records] == ["Q-dental_clinic", "Q-law_firm"]
    assert all(one.recorded_at for one in records)
    done = run("replay", log, "--last-hash", records[-1].hash)
    assert done.exit_code == 0
    assert done.stdout.count("reproduced: ") == 2
    assert f"{records[0].result['indicative_premium']}" in done.stdout
    assert "2 records" in done.stderr
    told = [json.loads(line) for line in run("replay", log, "--json").stdout.splitlines()]
    assert [one["reproduced"] for one in told] == [True, True]


def test_a_cut_log_replays_what_is_whole_and_says_so(log, tmp_path):
    log.write_bytes(log.read_bytes()[:-100])
    done = run("replay", log)
    assert done.exit_code == 1
    assert done.stdout.count("reproduced: ") == 1
    assert "line 2 is torn" in done.stderr
    again = run("quote", tmp_path / "law_firm.json", "--as-of", "2026-11-23", "--log", log)
    assert "set aside" in again.stderr
    assert run("replay", log).exit_code == 0


def test_an_edited_premium_is_named_with_what_it_was(log):
    data = log.read_text(encoding="ascii")
    premium = next(iter(cyberscore.QuoteLog(log))).result["indicative_premium"]
    log.write_text(data.replace(f'"indicative_premium":{premium}', '"indicative_premium":1.5', 1), encoding="ascii")
    done = run("replay", log)
    assert done.exit_code == 1
    assert "line 1: not reproduced: 1.5" in done.stdout
    assert "the result was edited" in done.stdout
    assert f"1.5 -> {premium}" in done.stdout
    assert "line 1 is changed" in done.stderr


def test_a_broken_first_line_is_told_with_what_is_safe_and_what_to_do(log):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"{}}\n" + b"".join(lines[1:]))
    done = run("replay", log)
    assert done.exit_code == 1
    assert done.stdout.startswith("line 2: reproduced: ")
    assert "2 lines read; line 1 is changed: it is not JSON (3 bytes)\n  safe, before that: no record\n" in done.stderr
    assert "from there on: 1 record with seals that fit" in done.stderr
    assert "to do: compare line 1 with a copy of the log" in done.stderr
    log.write_bytes(b"")
    assert "no record: the log is empty" in run("replay", log).stderr


def test_one_record_replays_alone(tmp_path):
    path = tmp_path / "one.json"
    cyberscore.record(cyberscore.example("law_firm"), as_of=date(2026, 11, 23)).save(path)
    assert run("replay", path).stdout.startswith("reproduced: ")
    path.write_text("{}", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "cyberscore.cli", "replay", path], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"not a quote record" in done.stderr
