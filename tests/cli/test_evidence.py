"""Options on how tool exports are read: each reaches the readers that take it, and one that reaches none is refused."""

import json

import pytest
from typer.testing import CliRunner

from cyberscore import CyberscoreError
from cyberscore.cli import app
from cyberscore.cli.evidence import Evidence
from cyberscore.examples import example_text
from cyberscore.exceptions import ProfileError

AS_OF = ("--as-of", "2026-12-31")
SCAN = (
    '<nmaprun scanner="nmap" args="nmap -oX -" start="1699999000" version="7.94">'
    '<scaninfo type="syn" protocol="tcp" numservices="1000" services="1-10000"/>'
    '<host><status state="up" reason="echo-reply"/><address addr="10.0.0.1" addrtype="ipv4"/>'
    '<ports><extraports state="closed" count="990"/></ports></host>'
    '<runstats><finished time="1700000000" exit="success"/><hosts up="1" down="0"/></runstats></nmaprun>'
)
REGISTRATION = {"value": [{"isMfaCapable": True, "isMfaRegistered": True, "methodsRegistered": [], "isAdmin": True}]}


def run(*arguments):
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def files(tmp_path):
    """A profile, a scan, which takes a vantage, and a list of users, which does not."""
    profile, scan, users = (tmp_path / name for name in ("profile.json", "scan.xml", "users.json"))
    profile.write_text(example_text("dental_clinic"), encoding="utf-8")
    scan.write_text(SCAN, encoding="utf-8")
    users.write_text(json.dumps(REGISTRATION), encoding="utf-8")
    return profile, scan, users


def test_one_vantage_for_files_of_different_tools_reaches_those_that_take_it(files):
    profile, scan, users = files
    dated = ("--observed-at", "2026-01-02", *AS_OF)
    for order in ((scan, users), (users, scan)):
        evidence = [part for file in order for part in ("--evidence", file)]
        told = run("posture", profile, *evidence, "--vantage", "external", *dated).stderr
        assert f"{scan}: 4 observations from nmap" in told
        assert f"{users}: 3 observations from" in told


@pytest.mark.parametrize("command", ["posture", "quote", "next", "what-if", "path"])
def test_a_vantage_that_no_file_takes_is_refused(files, command):
    profile, _, users = files
    more = {"what-if": ("--set", "mfa_email_coverage=1.0"), "path": ("--to", "band:A")}.get(command, ())
    asked = ("--evidence", users, "--vantage", "external", "--observed-at", "2026-01-02", *AS_OF)
    with pytest.raises(ProfileError, match=r"--vantage: no file given takes it \(they are of graph_registration\)"):
        run(command, profile, *asked, *more)


def test_a_catalogue_that_no_file_takes_is_refused_and_nothing_is_written(files, tmp_path):
    profile, _, users = files
    kev = tmp_path / "kev.csv"
    kev.write_text("cveID,dateAdded\nCVE-2005-1794,2024-01-02\n", encoding="utf-8")
    output = tmp_path / "built.json"
    asked = ("--evidence", users, "--kev", kev, "--observed-at", "2026-01-02", "-o", output)
    with pytest.raises(ProfileError, match="--kev or --epss: no file given takes it"):
        run("profile", "build", "--base", profile, *asked)
    assert not output.exists()


@pytest.mark.parametrize(
    "option",
    [
        ("--vantage", "external"), ("--kev", "kev.csv"), ("--epss", "epss.csv"), ("--assets-total", "hosts=3"),
        ("--observed-at", "2026-01-02"),
    ],
)  # fmt: skip
def test_options_on_reading_files_need_a_file(files, option):
    with pytest.raises(ProfileError, match=f"{option[0]} says how to read a tool export, and none is given"):
        run("posture", files[0], *option, *AS_OF)


def test_no_option_needs_no_file():
    assert list(Evidence.of().readings()) == []


def test_options_that_go_with_another_are_refused_alone(files, tmp_path):
    profile, *_ = files
    with pytest.raises(CyberscoreError, match="--reference does nothing without --log: give both, or leave it out"):
        run("quote", profile, "--reference", "Q-1", *AS_OF)
    run("quote", profile, "--log", tmp_path / "log.jsonl", *AS_OF)
    line = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()[0]
    alone = tmp_path / "record.json"
    alone.write_text(line, encoding="utf-8")
    with pytest.raises(CyberscoreError, match="--last-hash does nothing without a log: give both"):
        run("replay", alone, "--last-hash", "0" * 64)
    for flag in (("--json",), ("--plan", "sme-2026")):
        with pytest.raises(CyberscoreError, match="--plan and --json do nothing before a further command"):
            run("rules", *flag, "test", "rules.toml", profile)
    for command in (("validate", "sme-2026"), ("compare", "sme-2026", "sme-2026")):
        book = ("--policies", "p.csv", *(("--claims", "c.csv") if command[0] == "validate" else ()))
        with pytest.raises(CyberscoreError, match="--seed does nothing without --simulated"):
            run("plan", *command, *book, "--seed", "3", "-o", tmp_path / "page.html")


def test_a_count_of_questions_holds_in_json_too(files):
    def asked(*more):
        return json.loads(run("next", files[0], "--json", *AS_OF, *more).stdout)["questions"]

    assert asked("--count", "3") == asked()[:3]
    assert len(asked()) > 10
