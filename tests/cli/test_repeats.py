"""Options given twice, help by -h and in groups, the version, completion by the shell."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cyberscore import CyberscoreError
from cyberscore.cli import app
from cyberscore.examples import example_text

DAY = ("--as-of", "2026-11-23")


@pytest.fixture
def clinic(tmp_path):
    path = tmp_path / "clinic.json"
    path.write_text(example_text("dental_clinic"), encoding="utf-8")
    return str(path)


def run(*arguments):
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments)


def refusal(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, CyberscoreError), result.output
    assert not result.stdout
    return str(result.exception)


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("what-if", ("--set", "retention=5000", "--set", "retention=25000"), "--set retention is given twice"),
        ("what-if", ("--set", "retention=5000", "--set", "retention=5000"), "--set retention is given twice"),
        ("what-if", ("--set", "mfa_email_coverage=1", "--set", "mfa_email_coverage=unknown"), "keep one, or set"),
        ("what-if", ("--set", "edr_coverage=unknown", "--set", "edr_coverage=1", "--set", "edr_coverage=0"), "twice"),
        ("quote", ("--sublimit", "extortion=1000", "--sublimit", "extortion=2000"), "twice, 1000 and 2000: keep one"),
        ("quote", ("--sublimit", "extortion=1000", "--sublimit", " extortion =2000"), "--sublimit extortion is given"),
        ("quote", ("--coinsurance", "bricking=10", "--coinsurance", "bricking=20"), "--coinsurance bricking is given"),
        ("path", ("--to", "band:A", "--cost", "mdr_24x7=1", "--cost", "mdr_24x7=2"), "--cost mdr_24x7 is given twice"),
        ("quote", ("--limit", "500000", "--limit", "1000000"), "--limit is given 2 times: keep one"),
        ("quote", ("--limit", "500000", "--limit=500000", "--limit", "1"), "--limit is given 3 times"),
        ("quote", ("--waiting-hours", "8", "--waiting-period", "12"), "--waiting-hours or --waiting-period is given 2"),
        ("quote", ("--currency", "USD", "--currency", "EUR"), "--currency is given 2 times"),
        ("quote", ("--limits", "500000", "--limits", "1000000"), "--limits is given 2 times"),
        ("path", ("--to", "band:A", "--to", "band:B"), "--to is given 2 times"),
        ("next", ("--count", "1", "--count", "2"), "--count is given 2 times"),
        ("posture", DAY, "--as-of is given 2 times"),
    ],
    ids=str,
)
def test_what_is_given_twice_is_refused(clinic, command, options, said):
    assert said in refusal(command, clinic, *DAY, *options)


def test_totals_given_twice_are_refused(clinic):
    totals = ("--assets-total", "hosts=5", "--assets-total", "hosts=50")
    assert "--assets-total hosts is given twice, 5 and 50" in refusal("quote", clinic, "--evidence", "x.xml", *totals)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rules", "--plan", "sme-2026", "--plan", "other"),
        ("plan", "learn", "--policies", "a", "--policies", "b", "--claims", "c", "-o", "d"),
        ("plan", "validate", "sme-2026", "-o", "a.html", "--output", "b.html"),
        ("market", "check", "--seed", "1", "--seed", "2"),
        ("profile", "form", "--lang", "en", "--language", "zh"),
        ("example", "law_firm", "-o", "a.json", "-o", "b.json"),
    ],
    ids=" ".join,
)
def test_every_group_of_commands_refuses_an_option_given_twice(arguments):
    assert "is given 2 times: keep one" in refusal(*arguments)


def test_what_adds_up_may_be_repeated(clinic):
    """Evidence taken away and then set, other names, a flag."""
    changes = ("--set", "mfa_email_coverage=unknown", "--set", "mfa_email_coverage=0.2", "--set", "retention=25000")
    assert run("what-if", clinic, *DAY, *changes, "--json", "--json").exit_code == 0
    covers = ("--sublimit", "extortion=60000", "--sublimit", "ransomware=300000")
    assert run("quote", clinic, *DAY, *covers).exit_code == 0


def commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [(), *commands(get_command(app))], ids=" ".join)
def test_h_asks_for_help(path):
    short, long = run(*path, "-h"), run(*path, "--help")
    assert short.exit_code == 0
    assert short.output == long.output
    assert "Usage:" in short.output


def test_the_version_is_told():
    result = run("--version")
    assert result.exit_code == 0
    assert result.output == f"cyberscore {version('cyberscore')}\n"


def test_the_help_of_quote_has_groups():
    told = run("quote", "--help").output
    places = {
        title: told.index(title) for title in ("Options", "Record and report", "Evidence from tools", "Cover asked for")
    }
    for option, title in {
        "--json": "Options",
        "--log": "Record and report",
        "--report ": "Record and report",
        "--kev": "Evidence from tools",
        "--sublimit": "Cover asked for",
        "--exchange-rate ": "Cover asked for",
    }.items():
        above = max((place, name) for name, place in places.items() if place < told.index(option))
        assert above[1] == title, option


@pytest.mark.parametrize(
    ("line", "offered"),
    [("cyberscore quo", {"quote"}), ("cyberscore plan ch", {"check"}), ("cyberscore quote --subl", {"--sublimit"})],
)
def test_the_shell_completes(line, offered):
    start = "import sys; sys.argv = ['cyberscore']; from cyberscore.cli import main; main()"
    asked = {"_CYBERSCORE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    found = subprocess.run(
        [sys.executable, "-c", start],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert set(found.stdout.split()) == offered, found.stderr
    assert "--show-completion" in run("--help").output
