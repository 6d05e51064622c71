"""Exhibits say what the plan says: relativities multiply to its rates, exposure and claims add up to the book's."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from typer.testing import CliRunner

from cyberscore import PlanError
from cyberscore.cli import app
from cyberscore.market import simulate
from cyberscore.perils import PARTS, PERILS
from cyberscore.rating.expected_loss import totals_of_many
from cyberscore.rating.library import load_plan
from cyberscore.rating.parts import N_PERILS, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles, canonical
from cyberscore.training.books.book import Book
from cyberscore.training.exhibits import compute_exhibits, reference_codes, write_exhibits

pytestmark = pytest.mark.slow

NAMES = [factor.name for factor in factors()]
VOID = {"meta", "br"}


@pytest.fixture(scope="module")
def plan():
    return load_plan(None)


@pytest.fixture(scope="module")
def book():
    market = simulate(1_500, 4)
    return Book(market.policies, market.claims)


@pytest.fixture(scope="module")
def exhibits(plan, book):
    return compute_exhibits(plan, book)


@pytest.fixture(scope="module")
def folder(plan, book, tmp_path_factory):
    path = tmp_path_factory.mktemp("exhibits")
    write_exhibits(plan, path, book)
    return path


def test_every_table_of_the_plan_has_its_exhibit(plan, exhibits):
    assert set(NAMES) | {" x ".join(pair) for pair in plan.pairs} <= set(exhibits)
    assert sum(len(exhibits[name]) for name in exhibits if name in NAMES or " x " in name) == len(plan.cells)


def test_tables_of_cover_have_their_exhibits(plan, exhibits):
    parts = exhibits["parts"].set_index("part")
    assert list(parts.index) == list(PARTS)
    np.testing.assert_allclose(parts.sum(), 1.0, atol=1e-9)
    assert parts.loc["extortion", "ransomware"] == plan.pricing.parts.of("ransomware")["extortion"]
    assert dict(exhibits["scenarios"].to_numpy().tolist())["howden_2023"] == -0.15
    assert exhibits["surplus_lines"].set_index("state").loc["TX"].tolist() == [0.0485, 0.00075]


def test_relativities_are_exactly_one_at_the_base(plan, exhibits):
    base = reference_codes()
    rows = [exhibits[name].iloc[base[name]] for name in NAMES]
    for one, other in plan.pairs:
        labels = dict(zip(NAMES, factors(), strict=True))
        frame = exhibits[f"{one} x {other}"]
        at = frame[one].eq(labels[one].labels[base[one]]) & frame[other].eq(labels[other].labels[base[other]])
        rows.append(frame[at].iloc[0])
    for row in rows:
        for peril in PERILS:
            assert row[f"relativity_{peril}"] == row[f"low_{peril}"] == row[f"high_{peril}"] == 1.0
            assert row[f"severity_{peril}"] == 1.0
            assert row[f"standard_error_{peril}"] == 0.0


def test_displayed_relativities_multiply_to_the_rates_of_the_plan(plan, book, exhibits):
    policies = book.encoded_policies
    n, codes = len(policies), policies.codes.astype(int)
    totals = totals_of_many(plan, policies.codes, np.ones(policies.weights.shape), policies.revenue)
    base = exhibits["base"]
    log_revenue = np.log(policies.revenue)
    inside = (log_revenue >= np.log(base["annual_revenue"].iloc[0])) & (
        log_revenue <= np.log(base["annual_revenue"].iloc[-1])
    )
    assert inside.sum() > 0.9 * n
    for k, peril in enumerate(PERILS):
        nodes = np.log(base["annual_revenue"])
        rate = np.exp(np.interp(log_revenue, nodes, np.log(base[f"rate_{peril}"])))
        location = np.interp(log_revenue, nodes, base[f"location_{peril}"])
        for f, name in enumerate(NAMES):
            rate *= exhibits[name][f"relativity_{peril}"].to_numpy()[codes[:, f]]
            location += np.log(exhibits[name][f"severity_{peril}"].to_numpy()[codes[:, f]])
        for one, other in plan.pairs:
            a, b = NAMES.index(one), NAMES.index(other)
            cell = codes[:, a] * len(factors()[b].labels) + codes[:, b]
            rate *= exhibits[f"{one} x {other}"][f"relativity_{peril}"].to_numpy()[cell]
            location += np.log(exhibits[f"{one} x {other}"][f"severity_{peril}"].to_numpy()[cell])
        np.testing.assert_allclose(rate[inside], np.exp(totals[inside, k]), rtol=1e-9)
        np.testing.assert_allclose(location[inside], totals[inside, N_PERILS + k], rtol=1e-9)


def test_exposure_and_claims_add_up_to_the_book(plan, book, exhibits):
    counts = np.bincount(book.encoded_claims.peril, minlength=N_PERILS)
    for name in ("base", *NAMES, *(" x ".join(pair) for pair in plan.pairs)):
        assert exhibits[name]["exposure"].sum() == pytest.approx(book.encoded_policies.exposure.sum(), rel=1e-9)
        claims = [exhibits[name][f"claims_{peril}"].sum() for peril in PERILS]
        np.testing.assert_allclose(claims, counts, rtol=1e-6)


def test_pairs_have_the_margins_of_their_factors(plan, exhibits):
    for one, other in plan.pairs:
        frame = exhibits[f"{one} x {other}"]
        for name in (one, other):
            margin = frame.groupby(name, sort=False)["exposure"].sum()
            np.testing.assert_allclose(margin[exhibits[name]["cell"]], exhibits[name]["exposure"], rtol=1e-6, atol=1e-9)


def test_evidence_weighs_a_policy_into_its_own_cell_and_unknown(plan):
    market = simulate(1, 1)
    policies = market.policies.drop(columns=[c for c in market.policies.columns if c.startswith("mfa_remote")])
    policies["mfa_remote_coverage"] = 1.0
    policies["mfa_remote_coverage__source"] = "attestation"
    policies["mfa_remote_coverage__age_days"] = 270
    book = Book(policies, market.claims[:0])
    weight = float(book.encoded_policies.weights[0, 0])
    assert 0.0 < weight < 0.5
    exposure = compute_exhibits(plan, book)["mfa_remote_coverage"].set_index("cell")["exposure"]
    assert exposure["0.95 or more"] == pytest.approx(weight)
    assert exposure["unknown"] == pytest.approx(1 - weight)


def test_standard_errors_are_the_spread_of_the_bags(plan, exhibits):
    f, base = NAMES.index("edr_coverage"), reference_codes()["edr_coverage"]
    rows = plan.offsets[f] + np.arange(len(factors()[f].labels))
    logs = plan.cells[rows] + plan.bag_deviations[:, rows]
    spread = (logs - logs[:, [base]]).std(axis=0, ddof=1)
    frame = exhibits["edr_coverage"]
    for k, peril in enumerate(PERILS):
        np.testing.assert_allclose(frame[f"standard_error_{peril}"], spread[:, k], atol=1e-12)
        others = (np.arange(len(frame)) != base) & (spread[:, k] > 0)
        reach = np.log(frame[f"high_{peril}"] / frame[f"relativity_{peril}"])[others] / spread[others, k]
        np.testing.assert_allclose(reach, student.ppf(0.9, len(plan.bag_deviations) - 1), rtol=1e-6)


def without_bags(plan, name=None):
    others = {**plan.files.others, "bags.json": canonical({"base": [], "deviations": []}) + b"\n"}
    return RatingPlan.from_files(PlanFiles({**plan.files.content, "about": {"data": name or "none"}}, others))


def test_a_plan_without_bags_has_no_standard_errors(plan, tmp_path):
    bare = without_bags(plan)
    frame = compute_exhibits(bare)["sector"]
    assert frame["standard_error_ransomware"].isna().all()
    assert "exposure" not in frame.columns
    write_exhibits(bare, tmp_path)
    text = (tmp_path / "rating_manual.html").read_text(encoding="utf-8")
    assert "without bags" in text
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+", "", text.lower())


def test_csv_reads_back_as_it_was(folder, exhibits):
    for name, frame in exhibits.items():
        read = pd.read_csv(folder / f"{name.replace(' x ', '__')}.csv", dtype=str, keep_default_na=False)
        assert list(read.columns) == list(frame.columns)
        for column in frame.columns:
            if pd.api.types.is_numeric_dtype(frame[column]):
                np.testing.assert_array_equal([float(text) for text in read[column]], frame[column].astype(float))
            else:
                assert read[column].astype(str).tolist() == frame[column].astype(str).tolist()


class Reader(HTMLParser):
    """Tags that open and close in order, with what matters in them."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.scopes = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        about = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in about:
            self.ids.append(about["id"])
        if tag == "th":
            self.scopes.append(about.get("scope"))
        self.links.extend(value for key, value in attrs if key in {"href", "src", "action"})

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(path):
    reader = Reader()
    reader.feed((path / "rating_manual.html").read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def test_manual_is_well_formed_and_accessible(folder):
    reader = parsed(folder)
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert all(link.startswith("#") for link in reader.links), "no network"
    assert reader.tags.count("table") == reader.tags.count("caption") == reader.tags.count("thead")
    assert set(reader.scopes) == {"row", "col", "colgroup"}
    assert not {"script", "img", "link", "iframe"} & set(reader.tags)


def test_every_row_of_a_table_has_as_many_cells_as_its_head(folder):
    text = (folder / "rating_manual.html").read_text(encoding="utf-8")
    for table in re.findall(r"<table>.*?</table>", text, flags=re.DOTALL):
        head, body = table.split("</thead>")
        top = re.findall(r"<th( [^>]*)>", head.split("</tr>", maxsplit=1)[0])
        wide = sum(int(found[1]) if (found := re.search(r'colspan="(\d+)"', about)) else 1 for about in top)
        for row in re.findall(r"<tr.*?</tr>", body, flags=re.DOTALL):
            assert len(re.findall(r"<t[hd][ >]", row)) == wide


def test_manual_names_the_plan_and_its_numbers(plan, folder, exhibits):
    text = (folder / "rating_manual.html").read_text(encoding="utf-8")
    assert plan.name in text
    assert plan.digest in text
    for name in ("edr_coverage", "exposed_rdp"):
        for value in exhibits[name]["relativity_ransomware"]:
            assert f">{value:.3f}<" in text
    for rule in plan.rules.rules:
        assert f"{rule.id} v{rule.version}" in text


def test_what_a_plan_says_is_escaped(plan, tmp_path):
    write_exhibits(without_bags(plan, "<script>alert('x')</script> & $name"), tmp_path)
    text = (tmp_path / "rating_manual.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; $name" in text
    parsed(tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(plan, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(PlanError, match="cannot be written"):
        write_exhibits(plan, tmp_path / "file")


def test_no_exhibit_replaces_a_file_of_the_book(plan, tmp_path):
    mine = tmp_path / "sector.csv"
    mine.write_text("policy_id\n", encoding="utf-8")
    with pytest.raises(PlanError, match=r"sector\.csv would be replaced, which is read here: give another folder"):
        write_exhibits(plan, tmp_path, keep=[mine])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sector.csv"]
    assert mine.read_text(encoding="utf-8") == "policy_id\n"


def test_command_writes_them(plan, tmp_path):
    market = simulate(200, 4)
    market.policies.to_csv(tmp_path / "policies.csv", index=False)
    market.claims.to_csv(tmp_path / "claims.csv", index=False)
    book = ["--policies", str(tmp_path / "policies.csv"), "--claims", str(tmp_path / "claims.csv")]
    found = CliRunner().invoke(app, ["plan", "exhibits", "-o", str(tmp_path / "out"), *book])
    assert found.exit_code == 0, found.output
    assert pd.read_csv(tmp_path / "out" / "sector.csv")["exposure"].sum() == pytest.approx(200.0)
    assert (tmp_path / "out" / "rating_manual.html").stat().st_size > 100_000
    lone = CliRunner().invoke(app, ["plan", "exhibits", "-o", str(tmp_path / "out"), *book[:2]])
    assert lone.exit_code != 0


def test_command_shows_the_book_as_it_is_known_at_a_date(tmp_path):
    market = simulate(400, 4)
    market.policies.to_csv(tmp_path / "policies.csv", index=False)
    market.claims.iloc[:0].to_csv(tmp_path / "claims.csv", index=False)
    book = ["--policies", str(tmp_path / "policies.csv"), "--claims", str(tmp_path / "claims.csv")]
    last = str(market.policies["start"].max().date())
    found = CliRunner().invoke(app, ["plan", "exhibits", "-o", str(tmp_path), *book, "--as-of", last])
    assert found.exit_code == 0, found.output
    assert f"cut at as_of {last}" in found.stderr
    assert 0 < pd.read_csv(tmp_path / "sector.csv")["exposure"].sum() < 400
    alone = CliRunner().invoke(app, ["plan", "exhibits", "-o", str(tmp_path), "--as-of", last])
    assert "give it with --policies and --claims" in str(alone.exception)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", " =", "\uff1d"])
def test_no_sentence_of_a_rule_is_a_formula(tmp_path, begin):
    files = load_plan().files
    rules = files.others["rules.toml"].decode().replace('"No cover while', f'"{begin}HYPERLINK() No cover while')
    plan = RatingPlan.from_files(PlanFiles(files.content, {**files.others, "rules.toml": rules.encode()}))
    write_exhibits(plan, tmp_path)
    with (tmp_path / "rules.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert f"'{begin}HYPERLINK() No cover while an incident is under way." in cells
    for path in tmp_path.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for cell in (cell for row in csv.reader(file) for cell in row):
                assert cell.lstrip()[:1] not in {"=", "+", "-", "@"} or float(cell) <= 0.0
