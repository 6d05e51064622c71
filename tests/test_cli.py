"""The command line: answers on standard output, notes and errors on standard error, exit status 2 for bad input."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import Coverage, CyberscoreError, PlanError, Profile, report_text
from cyberscore.cli import app, main
from cyberscore.examples import example_text
from cyberscore.profile import posture_at, signals
from cyberscore.rating.library import models_folder
from samples import OWN
from strategies import some_values

NMAP = OWN / "nmap" / "perimeter.xml"
WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONWARNINGS": "error"}
CLINIC = json.loads(example_text("dental_clinic"))


@pytest.fixture
def clinic(tmp_path):
    path = tmp_path / "clinic.json"
    path.write_text(example_text("dental_clinic"), encoding="utf-8")
    return path


@pytest.fixture
def scuba(tmp_path):
    path = tmp_path / "ScubaResults.json"
    path.write_bytes((OWN / "scubagear" / "ScubaResults.json").read_bytes())
    return path


def run(*arguments, stdin=None):
    """Run in this process; an error of ours is raised."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin, env=WIDE, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def process(*arguments, stdin=None):
    """Run as a user does; bytes in, text out."""
    return subprocess.run(
        [sys.executable, "-m", "cyberscore.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **WIDE},
        timeout=60,
        check=False,
    )


def written(tmp_path, content, name="profile.json"):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# --- quote


def test_quote_as_text(clinic):
    result = run("quote", clinic, "--as-of", "2026-11-23")
    expected = cyberscore.quote(cyberscore.example("dental_clinic"), as_of=_day("2026-11-23"))
    assert (
        "Harbor Street Dental (example), US, NAICS 621210 Offices of Dentists, revenue 2,400,000 USD" in result.stdout
    )
    assert f"Indicative premium {expected.indicative_premium:,.2f} USD" in result.stdout
    assert f"Risk score {expected.risk_score:.1f} of 100" in result.stdout
    assert "Reasons (points from the average score of 50)" in result.stdout
    assert "From expected loss to premium" in result.stdout
    assert "as of 2026-11-23. Indicative, not an offer of cover." in result.stdout
    assert result.stderr == ""


def _day(text):
    from datetime import date

    return date.fromisoformat(text)


def test_the_date_is_that_of_the_newest_observation_or_dispute(tmp_path):
    profile = cyberscore.example("law_firm")
    finding = next(one for one in profile.observations if one.signal == "payment_verification")
    later = profile.dispute(finding.digest, "fixed", "Closed.", at=_day("2026-11-25"))
    result = run("quote", written(tmp_path, later.to_dict()))
    assert "as of 2026-11-25, the date of the newest dispute (--as-of sets another)" in result.stderr
    assert "as of 2026-11-25. Indicative" in result.stdout


def test_a_report_does_not_replace_what_is_no_page(clinic, tmp_path):
    page = tmp_path / "clinic.html"
    for _ in range(2):  # a page may be written again
        run("quote", clinic, "--report", page)
    before = clinic.read_bytes()
    is_refused(process("quote", clinic, "--report", clinic), "is there already, and is no HTML page")
    assert clinic.read_bytes() == before


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_every_example_prints(name, tmp_path):
    path = written(tmp_path, example_text(name))
    expected = cyberscore.quote(cyberscore.example(name), as_of=_day("2026-11-23"))
    text = run("quote", path, "--as-of", "2026-11-23").stdout
    assert f"Decision: {expected.decision.replace('_', ' ')} " in text
    for one in expected.subjectivities:
        assert one.text.split()[0] in text
        assert f"({one.rule})" in text
    for line in expected.contradictions:
        assert f"Note: {line.signal}: evidence disagrees" in text
    for name_of_tax, amount in expected.taxes.items():
        assert f"{name_of_tax}, not in the premium: {amount:,.2f} {expected.currency}" in text


def test_quote_as_json_is_the_quote_and_nothing_else(clinic):
    result = process("quote", clinic, "--json")
    assert result.returncode == 0
    answer = json.loads(result.stdout)
    expected = cyberscore.quote(cyberscore.example("dental_clinic"), as_of=_day("2026-11-22"))
    assert answer == expected.to_dict()
    assert result.stderr.decode() == "as of 2026-11-22, the date of the newest observation (--as-of sets another)\n"


def test_quote_takes_cover_and_date(clinic):
    options = ("--limit", "500000", "--retention", "25000", "--waiting-hours", "24", "--as-of", "2026-12-31")
    result = run("quote", clinic, *options, "--json")
    cover = Coverage(aggregate_limit=500_000, retention=25_000, waiting_period_hours=24)
    expected = cyberscore.quote(cyberscore.example("dental_clinic"), cover, as_of=_day("2026-12-31"))
    assert json.loads(result.stdout) == expected.to_dict()
    assert result.stderr == ""


def test_quote_reads_standard_input():
    text = "\ufeff" + example_text("dental_clinic")
    result = process("quote", "-", "--as-of", "2026-11-23", "--json", stdin=text.encode())
    assert result.returncode == 0
    assert result.stderr == b""
    expected = cyberscore.quote(cyberscore.example("dental_clinic"), as_of=_day("2026-11-23"))
    assert json.loads(result.stdout)["input_digest"] == expected.input_digest


def test_the_words_of_a_quote_say_nothing_twice(tmp_path):
    path = written(tmp_path, example_text("online_shop"))
    answer = cyberscore.quote(Profile.load(path), as_of=date(2026, 11, 23))
    lines = run("quote", path, "--as-of", "2026-11-23").stdout.splitlines()
    held = [one for one in answer.adjustments if one.rule == "U17-bank"]
    assert [line for line in lines if "(U17-bank; no premium credit)" in line] == [
        f"  {one.text.removesuffix(': bank details verified: not known.')}. (U17-bank; no premium credit)"
        for one in held
    ]
    assert any("priced, but U17-bank takes its place in the cover offered" in line for line in lines)
    assert any("Remote access technology: none or ZTNA" in line for line in lines)
    assert any(re.search(r"^Rounding +round to +2 decimals +\d", line) for line in lines)
    assert [line for line in lines if re.search(r"^ +-0\.0 |\b1 days old|days: \d+ days", line)] == []


def test_a_referral_is_told_with_its_rule_behind_it(tmp_path):
    raw = json.loads(example_text("law_firm"))
    raw["insured"]["business_activities"] = ["gambling"]
    text = run("quote", written(tmp_path, raw), "--as-of", "2026-11-23").stdout
    assert "  refer: A business activity outside automatic authority. (U02)\n" in text


def test_every_value_has_words():
    """A level has its name, an age its days once, a choice its capitals."""
    told = {name: [about.told(value) for value in some_values(about)] for name, about in signals().items()}
    assert all(word and "_" not in word for words in told.values() for word in words)
    assert signals()["privileged_access_level"].told(2) == "approval or vault"
    assert signals()["edge_vpn_class"].told("high_risk_ssl_vpn") == "high risk SSL VPN"
    assert signals()["critical_patch_median_days"].told(10.5) == "10.5"
    assert signals()["edr_coverage"].told(0.996) == "99.6%"


def test_quote_with_a_plan_by_name_and_by_folder(clinic, tmp_path):
    folder = shutil.copytree(models_folder() / "sme-2026", tmp_path / "plan")
    found = [
        json.loads(run("quote", clinic, "--as-of", "2026-11-23", "--plan", plan, "--json").stdout)
        for plan in ("sme-2026", folder)
    ]
    assert found[0] == found[1]


def test_nmap_evidence(clinic):
    result = run("quote", clinic, "--evidence", f"nmap:{NMAP}", "--as-of", "2026-11-23", "--json")
    first, *rest = result.stderr.splitlines()
    found = re.fullmatch(
        rf"{re.escape(str(NMAP))}: (\d+) observations from nmap, (\d+) kinds of finding not mapped; 2 hosts seen", first
    )
    assert int(found[1]) > 0
    assert len(rest) == int(found[2]) > 0
    assert all(re.match(r"  not mapped: \d+ x ", line) for line in rest)
    plain = run("quote", clinic, "--as-of", "2026-11-23", "--json")
    assert json.loads(result.stdout)["input_digest"] != json.loads(plain.stdout)["input_digest"]


def test_scans_are_read_as_the_options_say(clinic, tmp_path):
    scan = OWN / "nessus" / "servers.nessus"
    options = ("posture", clinic, "--evidence", str(scan), "--as-of", "2026-11-23")
    assert "0 observations from Nessus" in run(*options).stderr
    assert "5 observations from Nessus" in run(*options, "--vantage", "external").stderr
    kev, epss = tmp_path / "kev.csv", tmp_path / "epss.csv"
    kev.write_text("cveID,dateAdded\nCVE-2005-1794,2024-01-02\n")
    epss.write_text("#score_date:2024-01-02\ncve,epss,percentile\nCVE-2005-1794,0.3,0.9\n")
    outside = (*options, "--vantage", "external", "--kev", str(kev), "--epss", str(epss))
    quoted = run("quote", *outside[1:], "--assets-total", "hosts=200", "--json")
    assert "kev_open_external" in quoted.stdout
    with pytest.raises(CyberscoreError, match="at least the 2 hosts that Nessus saw; got 1"):
        run(*outside, "--assets-total", "hosts=1")
    with pytest.raises(CyberscoreError, match="--assets-total must be KIND=N"):
        run(*outside, "--assets-total", "many")
    with pytest.raises(CyberscoreError, match=r"--assets-total host: no file given counts them; .* are: hosts"):
        run(*outside, "--assets-total", "host=200")
    with pytest.raises(CyberscoreError, match="vantage must be auto, external or internal"):
        run(*options, "--vantage", "outside")
    with pytest.raises(CyberscoreError, match="not CISA's catalogue"):
        run(*options, "--kev", str(epss))
    image = OWN / "trivy" / "first_versions.json"
    with pytest.raises(CyberscoreError, match="pass observed_at"):
        run("posture", clinic, "--evidence", str(image))
    dated = run("posture", clinic, "--evidence", str(image), "--observed-at", "2022-01-02", "--as-of", "2026-11-23")
    assert "0 observations from Trivy" in dated.stderr


def test_scubagear_evidence_and_nmap_together(clinic, scuba):
    evidence = ("--evidence", f"scubagear:{scuba}", "--evidence", f"nmap:{NMAP}")
    result = run("posture", clinic, *evidence, "--as-of", "2026-12-31")
    assert "observations from ScubaGear" in result.stderr
    assert "observations from nmap" in result.stderr
    alone = json.loads(run("quote", clinic, "--as-of", "2026-12-31", "--json").stdout)
    more = json.loads(run("quote", clinic, *evidence, "--as-of", "2026-12-31", "--json").stdout)
    assert more["input_digest"] != alone["input_digest"]


def test_the_name_of_a_tool_may_be_in_capitals(clinic):
    for item in (f"NMAP:{NMAP}", str(NMAP)):
        assert "observations from nmap" in run("posture", clinic, "--evidence", item).stderr


def test_texts_of_others_are_printed_as_they_are(tmp_path):
    """Square brackets are markup to the printer; a name or a reference must not be taken for it."""
    odd = {
        "insured": {**CLINIC["insured"], "name": "Acme [/] [/bold] [red]Dental[/red]"},
        "observations": [
            {
                "signal": "exposed_rdp",
                "value": 5,
                "observed_at": "2026-11-20",
                "source": "scan",
                "reference": "[/x] [page 3]",
            }
        ],
    }
    text = run("quote", written(tmp_path, odd)).stdout
    assert "Acme [/] [/bold] [red]Dental[/red], US" in text
    assert "[/x] [page 3]" in text


# --- the other commands


def test_posture(clinic):
    text = run("posture", clinic, "--as-of", "2026-11-23").stdout
    assert "Posture as of 2026-11-23" in text
    for name in signals():
        assert len(re.findall(rf"^{name}\s", text, flags=re.MULTILINE)) == 1
    assert re.search(r"^mfa_email_coverage\s+favourable\s+0\.94\s+telemetry\s+1 d\s+0\.97$", text, re.MULTILINE)
    assert re.search(r"^exposed_login_panels\s+favourable\s+1\s", text, re.MULTILINE)


def test_posture_shows_a_contradiction(tmp_path):
    path = written(tmp_path, example_text("law_firm"))
    assert re.search(r"mfa_email_coverage\s+adverse \(contradicted\)", run("posture", path).stdout)


def test_posture_breaks_no_word_in_a_narrow_window(clinic):
    console = report_text.Console(width=80, file=io.StringIO())
    report_text.print_posture(console, posture_at(Profile.load(clinic), date(2026, 11, 23)))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == len(signals()) + 2
    assert any(" favourable " in line for line in lines)


def test_list_of_signals():
    text = run("signals").stdout
    for name, about in signals().items():
        assert re.search(rf"^{name}\s.*{about.half_life_days:g} d\s*$", text, re.MULTILINE)
    assert '"not_applicable" is a value of mfa_remote_coverage, alerts_closed_24h, payment_verification.' in text


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_example_on_standard_output(name):
    text = run("example", name).stdout
    assert text == example_text(name)
    assert Profile.from_json(text) == cyberscore.example(name)


def test_example_to_a_file(tmp_path):
    path = tmp_path / "out.json"
    result = run("example", "law_firm", "-o", path)
    assert result.stdout == ""
    assert result.stderr == f"wrote {path}\n"
    assert Profile.load(path) == cyberscore.example("law_firm")


def test_check_of_plans(tmp_path):
    folder = shutil.copytree(models_folder() / "sme-2026", tmp_path / "plan")
    plan = cyberscore.load_plan()
    expected = f"{plan.plan_id}: sound, {len(plan.rules.rules)} rules, {len(plan.cells)} cells\n"
    assert run("plan", "check").stdout == expected
    assert run("plan", "check", "sme-2026").stdout == expected
    assert run("plan", "check", folder).stdout == expected


def test_sealing_an_edited_plan(tmp_path, clinic):
    folder = shutil.copytree(models_folder() / "sme-2026", tmp_path / "plan")
    pricing = folder / "pricing.toml"
    pricing.write_text(
        pricing.read_text(encoding="utf-8").replace("premium = 500", "premium = 90000", 1), encoding="utf-8"
    )
    broken = process("plan", "check", folder)
    assert broken.returncode == 2
    assert b"changed after it was sealed" in broken.stderr
    sealed = run("plan", "seal", folder).stdout
    assert re.fullmatch(r"sme-2026@[0-9a-f]{64}: sealed\n", sealed)
    assert run("plan", "check", folder).stdout.split(":")[0] == sealed.split(":")[0]
    answer = json.loads(run("quote", clinic, "--plan", folder, "--json").stdout)
    assert answer["indicative_premium"] == 90_000.0
    assert answer["plan_id"] == sealed.split(":")[0]


def test_help_names_every_command():
    text = CliRunner().invoke(app, ["--help"], env=WIDE).output
    for command in ("quote", "posture", "example", "signals", "train", "plan"):
        assert re.search(rf"\b{command}\b", text)


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="cannot be written"):
        run("train", "-o", tmp_path / "file" / "plan")


def test_train_writes_a_plan(tmp_path, monkeypatch):
    """What the command hands on and prints; training itself has its own tests."""
    from cyberscore.training import release

    asked = {}

    def train_plan(folder, **options):
        asked.update(options)
        cyberscore.load_plan().save(folder)
        return {"held_out": {"share_of_explainable_deviance": {"pooled": 0.8}}}

    monkeypatch.setattr(release, "train_plan", train_plan)
    result = run("train", "-o", tmp_path / "mine", "--policies", "20000", "--bags", "2", "--seed", "0")
    assert {name: asked[name] for name in ("name", "n_policies", "n_bags", "seed")} == {
        "name": "mine", "n_policies": 20_000, "n_bags": 2, "seed": 0
    }  # fmt: skip
    assert cyberscore.load_plan().digest[:16] in result.stderr
    with pytest.raises(PlanError, match="holds a plan already"):
        run("train", "-o", tmp_path / "mine")
    run("train", "-o", tmp_path / "mine", "--force")
    assert (asked["n_policies"], asked["n_bags"], asked["seed"]) == (release.N_POLICIES, release.N_BAGS, release.SEED)


# --- bad input


def changed(**insured):
    return {**CLINIC, "insured": {**CLINIC["insured"], **insured}}


def observed(**observation):
    own = {"signal": "mfa_email_coverage", "value": 1.0, "observed_at": "2026-11-20", "source": "telemetry"}
    return {"insured": CLINIC["insured"], "observations": [{**own, **observation}]}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<nmaprun scanner="nmap" start="1761300000"><host><status state="up"/><os>&b;</os></host></nmaprun>"""

# profile, options, part of the message
BAD_PROFILES = {
    "not JSON": ("annual revenue: two million", [], "not valid JSON at line 1, column 1"),
    "half a file": (example_text("dental_clinic")[:700], [], "not valid JSON at line"),
    "a list": ("[]", [], "profile.json: "),
    "not text": (b"\xff\xfe{}", [], "not UTF-8 text"),
    "unknown signal": (observed(signal="mfa_emial_coverage"), [], "did you mean 'mfa_email_coverage'?"),
    "82 for a share": (observed(value=82), [], "a share is wanted, not a percentage; did you mean 0.82?"),
    "NaN": (example_text("dental_clinic").replace("0.94", "NaN"), [], "NaN is not a JSON number"),
    "an infinite number": (example_text("dental_clinic").replace("2400000", "1e999"), [], "insured.annual_revenue"),
    "negative revenue": (changed(annual_revenue=-1), [], "insured.annual_revenue: input should be greater than 0"),
    "unknown currency": (changed(currency="EURO"), [], "unknown currency 'EURO'"),
    "a currency without a rate": (changed(currency="ZAR"), [], "no rate for currency ZAR: pass exchange_rate"),
    "unknown country": (changed(country="UK"), [], "unknown country 'UK': .*the United Kingdom is GB"),
    "unknown NAICS": (changed(naics="999999"), [], "unknown NAICS code '999999'"),
    "unknown field": (changed(revenue=5), [], "insured.revenue: unknown field"),
    "a date that is none": (observed(observed_at="20/11/2026"), [], "a date or a time in ISO 8601 is wanted"),
    "observed after as_of": (CLINIC, ["--as-of", "2026-11-01"], r"observations\[0\] .*after as_of 2026-11-01"),
    "no observation to date by": ({"insured": CLINIC["insured"]}, [], "give --as-of YYYY-MM-DD"),
    "as_of that is none": (CLINIC, ["--as-of", "today"], "--as-of must be a date such as 2026-11-23; got 'today'"),
    "retention at the limit": (CLINIC, ["--retention", "1000000"], "retention 1_000_000 must be below aggregate_limit"),
    "a limit too high": (CLINIC, ["--limit", "1e9"], "coverage: aggregate_limit: "),
    "a limit of NaN": (CLINIC, ["--limit", "nan"], "coverage: aggregate_limit: .*finite"),
    "negative retention": (CLINIC, ["--retention=-5"], "coverage: retention: "),
    "unknown plan": (CLINIC, ["--plan", "sme-1999"], "no plan 'sme-1999': give the folder"),
    "evidence without a tool that is not there": (CLINIC, ["--evidence", "scan.xml"], "scan.xml: cannot be read"),
    "evidence without a file": (CLINIC, ["--evidence", "nmap:"], "--evidence must be FILE or TOOL:FILE"),
    "an unknown tool": (CLINIC, ["--evidence", "npam:scan.xml"], "there is no reader for 'npam': use one of "),
    "evidence that is not there": (CLINIC, ["--evidence", "nmap:nowhere.xml"], "nowhere.xml"),
}


def refused(capsys):
    """Run main() in this process; return standard error."""
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("name", BAD_PROFILES)
def test_bad_input_is_one_error(name, tmp_path, monkeypatch, capsys):
    content, options, said = BAD_PROFILES[name]
    path = written(tmp_path, content)
    for command in ("quote", "posture") if not options or options[0] in {"--evidence", "--as-of"} else ("quote",):
        if command == "posture" and name == "a currency without a rate":
            continue
        monkeypatch.setattr(sys, "argv", ["cyberscore", command, str(path), *options])
        err = [line for line in refused(capsys).splitlines() if not line.startswith("as of ")]
        assert all(line.startswith("error: ") for line in err)
        assert re.search(said, "\n".join(err))


# a process each: the exit status, standard error and the absence of a traceback as a user sees them
@pytest.mark.parametrize(
    "name", ["not JSON", "unknown signal", "82 for a share", "NaN", "retention at the limit", "observed after as_of"]
)
def test_bad_input_as_a_user_sees_it(name, tmp_path):
    content, options, said = BAD_PROFILES[name]
    is_refused(process("quote", written(tmp_path, content), *options), said)


def is_refused(result, said):
    err = result.stderr.decode()
    assert result.returncode == 2
    assert result.stdout == b""
    assert err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in err
    assert re.search(said, err)


def test_a_missing_profile(tmp_path):
    is_refused(process("quote", tmp_path / "nowhere.json"), r"nowhere\.json: cannot be read: No such file")
    is_refused(process("posture", tmp_path), "cannot be read: ")


def test_bad_standard_input():
    is_refused(process("quote", "-", stdin=b""), "not valid JSON")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (NMAP.read_bytes()[:1_500], "scan.xml: "),
        (BOMB, "entities"),
        (b"", "scan.xml: "),
        (b"{}", "scan.xml: "),
    ],
    ids=["truncated", "entities", "empty", "json"],
)
def test_bad_scans(data, said, clinic, tmp_path):
    path = written(tmp_path, data, "scan.xml")
    is_refused(process("quote", clinic, "--evidence", f"nmap:{path}"), said)


def test_evidence_newer_than_as_of(clinic):
    is_refused(
        process("quote", clinic, "--evidence", f"nmap:{NMAP}", "--as-of", "2010-01-01"), "after as_of 2010-01-01"
    )


def test_a_damaged_plan(clinic, tmp_path):
    folder = shutil.copytree(models_folder() / "sme-2026", tmp_path / "plan")
    rules = folder / "rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("250000", "25000000"), encoding="utf-8")
    is_refused(process("quote", clinic, "--plan", folder), "the plan was changed after it was sealed")
    (folder / "plan.json").write_text("{", encoding="utf-8")
    is_refused(process("plan", "check", folder), r"plan\.json: not valid JSON")
    is_refused(process("plan", "seal", folder), r"plan\.json: not valid JSON")
    is_refused(process("plan", "seal", tmp_path / "nowhere"), "cannot be read")
    is_refused(process("plan", "check", tmp_path / "nowhere"), "no plan ")


def test_an_unknown_example(tmp_path):
    is_refused(process("example", "bakery"), "unknown example 'bakery': there are dental_clinic, law_firm")
    is_refused(process("example", "law_firm", "-o", tmp_path), "cannot be written")


def test_several_things_wrong_are_several_lines(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, {**changed(country="UK", annual_revenue=-1), "colour": "red"})
    monkeypatch.setattr(sys, "argv", ["cyberscore", "quote", str(path)])
    lines = refused(capsys).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("error: ") for line in lines)


def test_usage_errors_have_the_same_status(clinic):
    for arguments in (["quote"], ["quote", clinic, "--limit", "much"], ["quote", clinic, "--colour"], ["sing"]):
        result = process(*arguments)
        assert result.returncode == 2
        assert result.stdout == b""
        assert b"Traceback" not in result.stderr
