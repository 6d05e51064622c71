"""Commands on profiles over time: building is idempotent and all or nothing, and answers are the library's."""

import json
import re
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import CyberscoreError, Profile
from cyberscore.cli import app
from cyberscore.examples import example_text
from samples import OWN

NMAP = OWN / "nmap" / "perimeter.xml"
WIDE = {"COLUMNS": "200", "NO_COLOR": "1"}
INSURED = {"naics": "621210", "country": "US", "annual_revenue": 2_400_000}


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(one) for one in arguments], env=WIDE, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def insured(tmp_path):
    path = tmp_path / "insured.json"
    path.write_text(json.dumps(INSURED), encoding="utf-8")
    return path


@pytest.fixture
def law(tmp_path):
    path = tmp_path / "law.json"
    path.write_text(example_text("law_firm"), encoding="utf-8")
    return path


def test_build_is_idempotent_and_order_free(tmp_path, insured):
    first, second, third = (tmp_path / f"{k}.json" for k in range(3))
    scan = ("--vantage", "external", "--evidence", NMAP)
    done = run("profile", "build", "--insured", insured, *scan, "-o", first)
    assert f"{NMAP}: " in done.stderr
    built = Profile.load(first)
    assert built.insured.naics == "621210"
    assert built.observations
    run("profile", "build", "--base", first, *scan, "-o", second)
    run("profile", "build", "--base", second, "--insured", insured, *scan, *scan[2:], "-o", third)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    assert run("profile", "build", "--insured", insured, *scan).stdout == first.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json", "1.json", "2.json", "insured.json"]


def test_nothing_is_written_when_any_file_fails(tmp_path, insured):
    output, broken = tmp_path / "profile.json", tmp_path / "broken.xml"
    broken.write_bytes(b"<nmaprun>")
    output.write_text("before", encoding="utf-8")
    for arguments in (
        ("--insured", insured, "--evidence", NMAP, "--evidence", broken),
        ("--insured", insured, "--base", broken),
        (),
    ):
        with pytest.raises(CyberscoreError):
            run("profile", "build", *arguments, "-o", output)
        assert output.read_text(encoding="utf-8") == "before"
    with pytest.raises(CyberscoreError, match="cannot be written"):
        run("profile", "build", "--insured", insured, "-o", tmp_path / "missing" / "profile.json")


def test_build_names_what_differs(tmp_path, insured, law):
    with pytest.raises(CyberscoreError, match=r"insured\.naics differs: '541110' and '621210'"):
        run("profile", "build", "--insured", insured, "--base", law)


def test_a_dispute_is_written(tmp_path, law):
    output = tmp_path / "disputed.json"
    named = next(one for one in cyberscore.example("law_firm").observations if one.source == "telemetry")
    with pytest.raises(CyberscoreError, match="may be any of"):
        run("profile", "dispute", law, "--observation", "mfa_email_coverage", "--kind", "fixed", "--note", "x",
            "--at", "2026-11-23")  # fmt: skip
    digest = next(
        one.digest for one in cyberscore.example("law_firm").observations
        if (one.signal, one.source) == ("mfa_email_coverage", "telemetry")
    )  # fmt: skip
    run("profile", "dispute", law, "--observation", digest, "--kind", "fixed", "--note", "All enrolled.",
        "--at", "2026-11-23", "-o", output)  # fmt: skip
    assert Profile.load(output).disputes[0].note == "All enrolled."
    shown = run("quote", output, "--as-of", "2026-11-23").stdout
    assert "if upheld" in shown
    assert "fixed: All enrolled." in shown
    assert named


@pytest.mark.parametrize("unknown", ["nope", "0" * 32])
def test_a_dispute_of_nothing_observed_is_refused(law, unknown):
    with pytest.raises(CyberscoreError, match="is nothing that the profile observed: give a signal or a digest"):
        run("profile", "dispute", law, "--observation", unknown, "--kind", "fixed", "--note", "x", "--at", "2026-11-23")


def test_next_asks_in_plain_words(law):
    text = run("next", law, "--as-of", "2026-11-23", "--count", "3").stdout
    found = cyberscore.next_evidence(Profile.load(law), as_of=date(2026, 11, 23))
    assert [one.question in text for one in found.questions[:4]] == [True, True, True, False]
    plain = json.loads(run("next", law, "--as-of", "2026-11-23", "--json").stdout)
    assert plain == json.loads(json.dumps(found.to_dict()))


def test_next_asks_in_chinese(law):
    arguments = ("next", law, "--as-of", "2026-11-23", "--count", "39", "--lang", "zh")
    lines = run(*arguments).stdout.splitlines()
    found = cyberscore.next_evidence(Profile.load(law), as_of=date(2026, 11, 23), language="zh")
    assert len(lines) == 1 + 2 * len(found.questions)
    assert f"{found.indicative_premium:,.2f} 英镑" in lines[0]
    for line, one in zip(lines[1::2], found.questions, strict=True):
        assert one.question in line
        assert one.signal in line
    # nothing of the house's own words is English: what is left are names, in the questions and of the signals
    assert not [line for line in (lines[0], *lines[2::2]) if re.search("[A-Za-z]", line)]
    plain = json.loads(run(*arguments, "--json").stdout)
    assert plain == json.loads(json.dumps(found.to_dict()))


def test_changes_add_up(law):
    plain = json.loads(run("changes", law, "--then", "2026-08-01", "--now", "2026-11-23", "--json").stdout)
    assert sum(step["points"] for step in plain["steps"]) == pytest.approx(plain["change"], abs=1e-9)
    text = run("changes", law, "--then", "2026-08-01", "--now", "2026-11-23").stdout
    assert text.startswith("2026-08-01: score ")
    assert "observation: " in text
    with pytest.raises(CyberscoreError, match="--then must be a date such as 2026-11-23; got 'soon'"):
        run("changes", law, "--then", "soon", "--now", "2026-11-23")


def test_watch_tells_once(tmp_path, law):
    state = tmp_path / "state.json"
    arguments = ("watch", law, "--since", "2026-01-01", "--now", "2026-11-23", "--state", state)
    told = run(*arguments, code=1).stdout
    assert f"{law}: " in told
    assert told.endswith("since 2026-01-01\n")
    again = run(*arguments).stdout
    assert again == "1 firm looked at on 2026-11-23, no alerts since the last watch, 2026-11-23\n"
    state.write_text("{}", encoding="utf-8")
    with pytest.raises(CyberscoreError, match=r"not what WatchState\.to_dict gives"):
        run(*arguments)


def test_a_watch_names_who_could_not_be_read_and_looks_at_the_others(tmp_path, law):
    state, broken = tmp_path / "state.json", tmp_path / "broken.json"
    odd = tmp_path / "odd.json"
    odd.write_text(example_text("law_firm").replace('"GBP"', '"SCR"'), encoding="utf-8")
    days = ("--since", "2026-11-01", "--now", "2026-11-23")
    first = run("watch", law, *days, "--state", state)
    assert first.stdout == "1 firm looked at on 2026-11-23, no alerts since 2026-11-01\n"
    kept = json.loads(state.read_text(encoding="utf-8"))
    whole = law.read_text(encoding="utf-8")
    law.write_text(whole[:50], encoding="utf-8")
    done = run("watch", law, broken, odd, *days, "--state", state, code=1)
    assert done.stdout == "no firm looked at; 3 could not be read\n"
    assert re.search(rf"could not be read: {re.escape(str(broken))}: cannot be read", done.stderr)
    assert f"could not be read: {odd}: the plan has no rate for currency SCR" in done.stderr
    assert json.loads(state.read_text(encoding="utf-8")) == kept  # what was held of a firm outlasts a file that is cut
    plain = json.loads(run("watch", law, *days, "--json", code=1).stdout)
    assert (plain["looked_at"], list(plain["unread"])) == ([], [str(law)])
    law.write_text(whole, encoding="utf-8")
    assert run("watch", law, *days, "--state", state).stdout.startswith("1 firm looked at on 2026-11-23, no alerts")


def test_a_blank_form_is_printed_and_read_back(tmp_path, insured):
    form, output = tmp_path / "form.csv", tmp_path / "profile.json"
    assert run("profile", "form").stdout.startswith("id,question,answer")
    run("profile", "form", "--language", "zh", "-o", form)
    filled = form.read_text(encoding="utf-8").replace(",,2026-11-23", ",2026-11-20,2026-11-23")
    form.write_text(filled, encoding="utf-8")
    run("profile", "build", "--insured", insured, "--evidence", form, "-o", output)
    assert Profile.load(output).insured.naics == "621210"
