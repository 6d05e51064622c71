"""`plan learn`, `validate`, `compare` and `exhibits` on files in a carrier's own notation."""

import json

import pytest
from typer.testing import CliRunner

from cyberscore.cli import app
from cyberscore.exceptions import CyberscoreError
from cyberscore.market import simulate
from cyberscore.training import Book

COLUMNS = {"Policennummer": "policy_id", "Umsatz": "annual_revenue", "Ursache": "peril", "Aufwand": "incurred"}
VALUES = {"peril": {"Erpressung": "ransomware"}}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write a simulated book as a German system would, and as it is."""
    folder, market = tmp_path_factory.mktemp("german"), simulate(1_500, 13)
    theirs = {ours: name for name, ours in COLUMNS.items()}
    for name, table in (("policies", market.policies), ("claims", market.claims)):
        table.to_csv(folder / f"plain_{name}.csv", index=False)
        german = table.rename(columns=theirs)
        for column in {"start", "end", "occurred_at", "reported_at"} & {*table.columns}:
            german[column] = table[column].dt.strftime("%d.%m.%Y")
        if name == "claims":
            german["Ursache"] = table["peril"].astype(str).replace("ransomware", "Erpressung")
        german.to_csv(folder / f"{name}.csv", index=False, sep=";", decimal=",", encoding="cp1252")
    (folder / "columns.json").write_text(json.dumps(COLUMNS), encoding="utf-8")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def german(files, *, claims=True):
    options = (
        "--sep",
        ";",
        "--decimal",
        ",",
        "--encoding",
        "cp1252",
        "--dayfirst",
        "--columns",
        files / "columns.json",
    )
    given = ("--policies", files / "policies.csv", *options, "--values", json.dumps(VALUES))
    return (*given, "--claims", files / "claims.csv") if claims else given


def test_validate_compare_and_exhibits_read_them(files, tmp_path):
    book = Book.from_csv(files / "plain_policies.csv", files / "plain_claims.csv")
    done = run("validate", "sme-2026", *german(files), "-o", tmp_path / "german.html")
    assert done.exit_code == 0, (done.output, done.exception)
    plain = ("--policies", files / "plain_policies.csv", "--claims", files / "plain_claims.csv")
    same = run("validate", "sme-2026", *plain, "-o", tmp_path / "plain.html")
    assert done.stderr.replace("german", "plain") == same.stderr
    assert f"{len(book.encoded_claims.peril):,} claims" in done.stderr
    done = run("compare", "sme-2026", "sme-2026", *german(files, claims=False), "-o", tmp_path / "compared.html")
    assert done.exit_code == 0, (done.output, done.exception)
    done = run("exhibits", *german(files), "-o", tmp_path / "exhibits")
    assert done.exit_code == 0, (done.output, done.exception)


@pytest.mark.slow
def test_learn_reads_them(files, tmp_path):
    done = run("learn", *german(files), "-o", tmp_path / "mine", "--bags", 1)
    assert done.exit_code == 0, (done.output, done.exception)
    plain = ("--policies", files / "plain_policies.csv", "--claims", files / "plain_claims.csv")
    same = run("learn", *plain, "-o", tmp_path / "again" / "mine", "--bags", 1)
    assert done.output.split("plan ")[1][:16] == same.output.split("plan ")[1][:16]


def test_the_draft_can_be_copied_to_the_command_line(files, tmp_path):
    """What the error drafts is JSON: with the one word filled in, it is all that is needed."""
    book = ("--policies", files / "policies.csv", "--claims", files / "claims.csv", "-o", tmp_path / "page.html")
    said = str(run("validate", "sme-2026", *book).exception)
    found = {}
    for name in ("columns", "values"):
        text = said.partition("then pass it on:\n")[2].partition(f"{name}=")[2]
        found[name], _ = json.JSONDecoder().raw_decode(text)
    assert found["columns"] == COLUMNS
    assert found["values"] == {"peril": {"Erpressung": "?"}}
    found["values"]["peril"]["Erpressung"] = "ransomware"
    more = [part for name, value in found.items() for part in (f"--{name}", json.dumps(value))]
    assert run("validate", "sme-2026", *book, *more).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--columns", "{oh"), "--columns: this is no JSON"),
        (("--columns", "nowhere.json"), "--columns: nowhere.json: give JSON in braces, or a file of it"),
        (("--values", "{}", "--columns", '{"a": 3}'), "columns['a'] must be one of our names"),
        (("--decimal", "x"), "decimal must be '.' or ','"),
        (("--encoding", "klingon"), "it cannot be read as 'klingon': no such encoding"),
    ],
)
def test_options_that_are_not_valid(files, tmp_path, arguments, said):
    book = ("--policies", files / "policies.csv", "--claims", files / "claims.csv", "-o", tmp_path / "page.html")
    done = run("validate", "sme-2026", *book, *arguments)
    assert isinstance(done.exception, CyberscoreError)
    assert said in str(done.exception)


def test_how_a_book_is_written_needs_a_book(tmp_path):
    done = run("validate", "sme-2026", "--simulated", 500, "--decimal", ",", "-o", tmp_path / "page.html")
    assert "leave out --policies" in str(done.exception)
    done = run("exhibits", "--decimal", ",", "-o", tmp_path / "out")
    assert "--decimal says how a book is written" in str(done.exception)
