"""`cyberscore rules` and `cyberscore rules test`."""

import json
from datetime import date

import pytest

import cyberscore
from cyberscore import Coverage, Profile, RuleError, quote
from cyberscore.cli import main
from cyberscore.quoting.rule_changes import compare_rules, read_risks
from cyberscore.rating.library import shipped_text
from cyberscore.rules import RuleBook
from cyberscore.rules.amounts import USD
from rule_firms import AS_OF, firm_profile


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["cyberscore", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    shown = capsys.readouterr()
    return left.value.code, shown.out, shown.err


FIRMS = {
    "clean": {},
    "school": {"firm": {"naics": "611110"}},
    "no_mfa": {"mfa_email_coverage": (0.2, "telemetry")},
    "records": {"firm": {"record_count": 400_000}},
}


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "book"
    folder.mkdir()
    for name, what in FIRMS.items():
        (folder / f"{name}.json").write_text(firm_profile(**what).to_json(), encoding="utf-8")
    return folder


@pytest.fixture
def stricter(tmp_path):
    """Fewer records without an underwriter, a lower limit for schools, a dearer lack of MFA."""
    text = shipped_text("rules.toml").replace("above = 500000", "above = 300000")
    text = text.replace('limit_cap", amount = 1000000', 'limit_cap", amount = 500000')
    text = text.replace("percent = 15 }", "percent = 20 }")
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_are_printed_in_order(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "rules")
    assert code == 0
    rules = cyberscore.load_plan().rules.rules
    places = [out.index(f"{rule.id} v{rule.version}  ") for rule in rules]
    assert places == sorted(places)
    assert all(USD.text(rule.sentence) in out and rule.rationale in out for rule in rules)
    assert [out.index(stage) for stage in ("DECLINE", "REFER", "PRE-BIND", "POST-BIND", "TERMS", "RATE")] == sorted(
        out.index(stage) for stage in ("DECLINE", "REFER", "PRE-BIND", "POST-BIND", "TERMS", "RATE")
    )
    assert "when      MFA on email below 50 % and annual revenue usd below 5M" in out
    assert "unknown   nothing" in out


def test_rules_as_json_are_those_of_the_file(capsys, monkeypatch):
    import tomllib

    code, out, _ = run(capsys, monkeypatch, "rules", "--json", "--plan", "sme-2026")
    assert code == 0
    printed = {rule["id"]: rule for rule in json.loads(out)}
    written = {rule["id"]: rule for rule in tomllib.loads(shipped_text("rules.toml"))["rule"]}
    assert printed.keys() == written.keys()
    for name, rule in written.items():
        for key, value in {"otherwise": [], **rule}.items():
            assert printed[name][key] == value
        assert ("unknown" in printed[name]) == ("unknown" in rule)


def test_whom_changed_rules_touch(capsys, monkeypatch, book, stricter):
    code, out, _ = run(capsys, monkeypatch, "rules", "test", stricter, book, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["risks"], found["touched"]) == (4, 3)
    assert [one["name"] for one in found["who"]] == ["records", *sorted(("no_mfa", "school"), key=_moved(found))]
    assert {"before": "quote", "after": "refer", "risks": 1} in found["decisions"]
    assert found["rules"] == {"U10": {"fail": {"before": 0, "after": 1}, "pass": {"before": 4, "after": 3}}}
    code, out, _ = run(capsys, monkeypatch, "rules", "test", stricter, book)
    assert code == 0
    assert "3 of 4 risks are touched" in out
    assert "1  quote becomes refer" in out
    assert "U10: fail 0 to 1, pass 4 to 3" in out
    assert "records: decision, conditions; quote to refer" in out


def _moved(found):
    premium = {one["name"]: one["premium"] for one in found["who"]}
    return lambda name: -abs(premium[name]["after"] - premium[name]["before"])


def test_figures_are_those_of_quotes(book, stricter):
    changed = RuleBook.from_toml(stricter.read_text(encoding="utf-8"))
    found = compare_rules(cyberscore.load_plan(), changed, read_risks(book), as_of=AS_OF)
    premiums = {name: quote(firm_profile(**what), as_of=AS_OF).indicative_premium for name, what in FIRMS.items()}
    assert found.premium_before == pytest.approx(sum(premiums.values()), abs=0.01)
    assert all(one.premium_before == premiums[one.name] for one in found.touched)
    same = compare_rules(cyberscore.load_plan(), cyberscore.load_plan().rules, read_risks(book), as_of=AS_OF)
    assert (same.touched, same.rules, same.dearer, same.cheaper) == ((), {}, 0, 0)


def test_a_book_of_json_lines_with_covers(tmp_path, stricter):
    path = tmp_path / "book.jsonl"
    profile = firm_profile({"naics": "611110"}).to_dict()
    lines = [
        {"profile": profile, "coverage": {"aggregate_limit": 400_000}, "name": "small"},
        {"profile": profile, "coverage": {"aggregate_limit": 2_000_000}},
        profile,
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", encoding="utf-8")
    risks = read_risks(path)
    assert [one.name for one in risks] == ["small", "line 2", "line 3"]
    assert risks[0].coverage == Coverage(aggregate_limit=400_000)
    changed = RuleBook.from_toml(stricter.read_text(encoding="utf-8"))
    touched = compare_rules(cyberscore.load_plan(), changed, risks).touched
    assert {one.name for one in touched} == {"line 2", "line 3"}
    assert all(one.premium_after < one.premium_before and "cover" in one.what for one in touched)


def test_rules_that_leave_no_cover_are_shown_not_raised(tmp_path):
    higher = shipped_text("rules.toml").replace('floor", amount = 25000', 'floor", amount = 50000')
    changed = RuleBook.from_toml(higher)
    path = tmp_path / "book.jsonl"
    line = {"profile": firm_profile({"naics": "611110"}).to_dict(), "coverage": {"aggregate_limit": 40_000}}
    path.write_text(json.dumps(line), encoding="utf-8")
    found = compare_rules(cyberscore.load_plan(), changed, read_risks(path))
    assert found.decisions == {("quote", "no_cover"): 1}
    assert found.touched[0].premium_after is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no risk found: a book is a file of JSON lines"),
        ("{", ":1: "),
        ('{"insured": {"naics": "541110"}}', r":1: .*country"),
        ('{"profile": {}, "cover": {}}', ":1: unknown 'cover': a risk has profile, coverage and name"),
        ("[1]", ":1: "),
    ],
)
def test_a_damaged_book_is_one_message(capsys, monkeypatch, tmp_path, stricter, text, message):
    import re

    path = tmp_path / "book.jsonl"
    path.write_text(text, encoding="utf-8")
    code, out, err = run(capsys, monkeypatch, "rules", "test", stricter, path)
    assert (code, out) == (2, "")
    assert re.search(message, err)
    assert "Traceback" not in err


def test_conflicting_rules_are_one_message(capsys, monkeypatch, tmp_path, book):
    path = tmp_path / "rules.toml"
    path.write_text(shipped_text("rules.toml").replace("amount = 1000000 }, {", "amount = 2000 }, {"), encoding="utf-8")
    code, _, err = run(capsys, monkeypatch, "rules", "test", path, book)
    assert code == 2
    assert "leave no cover where both act" in err
    with pytest.raises(RuleError):
        RuleBook.from_toml(path.read_text(encoding="utf-8"))


def test_a_date_that_is_none(capsys, monkeypatch, book, stricter):
    code, _, err = run(capsys, monkeypatch, "rules", "test", stricter, book, "--as-of", "soon")
    assert (code, "--as-of must be a date" in err) == (2, True)
    bare = Profile.from_dict({"insured": {"naics": "541110", "country": "US", "annual_revenue": 1e6}})
    (book / "bare.json").write_text(bare.to_json(), encoding="utf-8")
    code, _, err = run(capsys, monkeypatch, "rules", "test", stricter, book)
    assert (code, "bare: the profile has no observation to take a date from" in err) == (2, True)
    assert compare_rules(
        cyberscore.load_plan(), cyberscore.load_plan().rules, read_risks(book), as_of=date(2026, 11, 23)
    )


def test_a_file_of_rules_is_named_in_what_is_wrong_with_it(capsys, monkeypatch, tmp_path, book):
    file = tmp_path / "mine.toml"
    file.write_text("{", encoding="utf-8")
    status, _, said = run(capsys, monkeypatch, "rules", "test", file, book)
    assert status == 2
    assert "mine.toml: not valid TOML" in said
