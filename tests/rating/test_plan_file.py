"""Plans on disk: what is written is what is loaded, and every kind of damage is one clear error."""

import copy
import json
import os
import re
import shutil
from datetime import date

import pytest
from typer.testing import CliRunner

import cyberscore
from cyberscore import PlanError, RatingPlan, load_plan
from cyberscore.cli import app
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.audit import audit_tables, repair
from cyberscore.rating.library import DEFAULT_PLAN, models_folder, shipped_text
from cyberscore.rating.parts import WIDTH, factors
from cyberscore.rating.plan_file import OTHER_FILES, PlanFiles, canonical, readable

AS_OF = date(2026, 11, 23)
FILES = ("plan.json", *OTHER_FILES)
ZEROS = [0.0] * WIDTH


@pytest.fixture
def folder(tmp_path):
    """Copy of the shipped plan."""
    return shutil.copytree(models_folder() / DEFAULT_PLAN, tmp_path / "plan")


def edit(path, pattern, replacement):
    text, found = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert found, f"{pattern} is not in {path.name}"
    path.write_text(text, encoding="utf-8", newline="\n")


def changed(*change, **others):
    """Content of the shipped plan without bags, changed at (key, key, ..., value), or by a function."""
    files = load_plan().files
    content = copy.deepcopy(files.content)
    for keys in change:
        *path, last, value = keys
        place = content
        for key in path:
            place = place[key]
        place[last] = value
    own = {**files.others, "bags.json": b'{"base":[],"deviations":[]}'}
    return PlanFiles(content, {**own, **{name.replace("_", "."): data for name, data in others.items()}})


def flat_pair(a, b):
    """Table of a pair that changes nothing."""
    sizes = {factor.name: len(factor.labels) for factor in factors()}
    return [[list(ZEROS) for _ in range(sizes[b])] for _ in range(sizes[a])]


# --- what is written is what is loaded


def test_saved_and_loaded_again_it_is_the_same(tmp_path):
    plan = load_plan()
    for k in (1, 2):
        plan.save(tmp_path / f"plan{k}")
        plan = RatingPlan.load(tmp_path / f"plan{k}")
    assert plan.digest == load_plan().digest
    assert plan.plan_id == f"{DEFAULT_PLAN}@{plan.digest}"
    for name in FILES:
        assert (tmp_path / "plan1" / name).read_bytes() == (tmp_path / "plan2" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "plan1").iterdir()) == sorted(FILES)


def test_the_shipped_files_are_as_written(tmp_path):
    load_plan().save(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (models_folder() / DEFAULT_PLAN / name).read_bytes()


def test_the_digest_does_not_depend_on_the_layout_of_plan_json(folder):
    raw = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    compact = json.dumps(dict(reversed(raw.items())), separators=(",", ":"))
    (folder / "plan.json").write_text(compact, encoding="utf-8")
    assert RatingPlan.load(folder).digest == load_plan().digest


def test_a_table_row_is_a_line(folder):
    text = (folder / "plan.json").read_text(encoding="utf-8")
    content = json.loads(text)
    lines = {line.strip().rstrip(",") for line in text.splitlines()}
    for table in content["tables"].values():
        for row in table:
            assert json.dumps(row) in lines
    for pair in content["pairs"].values():
        assert {json.dumps(row) for rows in pair for row in rows} <= lines
    assert all(line == line.rstrip() for line in text.splitlines())
    assert readable({"a": {}, "b": [], "c": [[1, 2], [3]]}).splitlines()[-5:] == [
        ' "c": [',
        "  [1, 2],",
        "  [3]",
        " ]",
        "}",
    ]


def test_canonical_has_one_form():
    assert canonical({"b": [1.5, "é"], "a": None}) == '{"a":null,"b":[1.5,"é"]}'.encode()


def test_arrays_cannot_be_changed():
    plan = load_plan()
    for array in (plan.cells, plan.tables["exposed_rdp"], plan.base.values, plan.score.mean_codes[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


# --- what is found


def test_load_by_name_by_path_and_by_default(folder):
    assert load_plan(DEFAULT_PLAN) is load_plan()
    assert load_plan(str(models_folder() / DEFAULT_PLAN)) is load_plan()
    assert load_plan(folder).digest == load_plan(str(folder)).digest == load_plan().digest
    assert shipped_text("rules.toml").encode() == load_plan().files.others["rules.toml"]


@pytest.mark.parametrize("name", ["sme-2025", "", "../nowhere"])
def test_unknown_name(name):
    with pytest.raises(PlanError, match=rf"no plan '{name}': give the folder .* or one of .*{DEFAULT_PLAN}"):
        load_plan(name)


def test_a_folder_without_a_plan(tmp_path):
    with pytest.raises(PlanError, match=r"no plan .*: give the folder of a plan.json"):
        load_plan(tmp_path)


def test_plans_inside_the_package_come_first(tmp_path, monkeypatch, folder):
    """In a wheel the plans lie inside the package, in a checkout beside src (TRAPS 21)."""
    package = tmp_path / "root" / "src" / "cyberscore"
    package.mkdir(parents=True)
    monkeypatch.setattr("cyberscore.rating.library.files", lambda name: package)
    with pytest.raises(PlanError, match=r"no plans found in .*reinstall"):
        models_folder()
    beside = tmp_path / "root" / "models"
    shutil.copytree(folder, beside / DEFAULT_PLAN)
    assert models_folder() == beside
    shutil.copytree(folder, package / "models" / DEFAULT_PLAN)
    assert models_folder() == package / "models"


def test_a_plan_is_read_again_when_a_file_changes(folder):
    first = load_plan(folder)
    assert load_plan(folder) is first
    edit(folder / "pricing.toml", r"^schedule_high = .*", "schedule_high = 1.20")
    with pytest.raises(PlanError, match="changed after it was sealed"):
        load_plan(folder)
    PlanFiles.read(folder, check_digest=False).write(folder)
    assert load_plan(folder).pricing.schedule_high == 1.2
    assert first.pricing.schedule_high == load_plan().pricing.schedule_high


def test_a_changed_time_alone_gives_the_same_plan(folder):
    first = load_plan(folder)
    os.utime(folder / "bags.json", ns=(1, 1))
    assert load_plan(folder).digest == first.digest


# --- seals


def seal(folder):
    return CliRunner().invoke(app, ["plan", "seal", str(folder)])


def test_an_edited_plan_is_sealed_again_and_is_the_one_loaded(folder):
    table = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["tables"]["exposed_rdp"]
    dear = [value + (0.5 if k < WIDTH // 2 else 0.0) for k, value in enumerate(table[-1])]
    edit(folder / "plan.json", re.escape(json.dumps(table[-1])), json.dumps(dear))
    with pytest.raises(PlanError, match=r"digest .* stated, .* found.*cyberscore plan seal"):
        load_plan(folder)
    assert seal(folder).exit_code == 0
    plan = load_plan(folder)
    assert plan.digest != load_plan().digest
    assert plan.tables["exposed_rdp"][-1].tolist() == dear
    scan = {"signal": "exposed_rdp", "value": 9, "observed_at": "2026-11-20", "source": "scan"}
    firm = {"insured": {"naics": "621210", "country": "US", "annual_revenue": 2e6}, "observations": [scan]}
    profile = cyberscore.Profile.from_dict(firm)
    before, after = (cyberscore.risk_score(profile, as_of=AS_OF, plan=one) for one in (load_plan(), plan))
    assert after > before + 1.0


def test_sealing_an_unchanged_plan_changes_nothing(folder):
    before = {name: (folder / name).read_bytes() for name in FILES}
    assert seal(folder).exit_code == 0
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_sealing_refuses_a_plan_in_which_better_security_costs_more(folder):
    raw = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    raw["tables"]["exposed_rdp"][-1] = [-1.0] * WIDTH
    (folder / "plan.json").write_text(json.dumps(raw), encoding="utf-8")
    before = (folder / "plan.json").read_bytes()
    result = seal(folder)
    assert isinstance(result.exception, PlanError)
    assert (folder / "plan.json").read_bytes() == before


# --- damage on disk


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(PlanError, match=rf"{re.escape(name)}: cannot be read"):
        RatingPlan.load(folder)


def test_a_truncated_file(folder):
    text = (folder / "plan.json").read_text(encoding="utf-8")
    (folder / "plan.json").write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(PlanError, match=r"plan\.json: not valid JSON at line \d+, column \d+"):
        load_plan(folder)


@pytest.mark.parametrize("text", ["[]", "null", '"plan"', "{}", '{"format": 2}', '{"format": "1"}'])
def test_a_format_that_is_not_known(folder, text):
    (folder / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(
        PlanError, match=r"plan\.json: format .* is not known; this version of cyberscore reads format 1"
    ):
        load_plan(folder)


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        ("plan.json", r'^ "name": "[^"]*"', ' "name": "mine"'),
        ("plan.json", r'^ "digest": "\w', ' "digest": "x'),
        ("plan.json", r',\n "digest": "\w*"', ""),
        ("pricing.toml", r"^premium = 500", "premium = 501"),
        ("pricing.toml", r"\Z", "\n"),
        ("rules.toml", r"amount = 250000", "amount = 240000"),
        ("bags.json", r"\Z", " "),
    ],
)
def test_a_change_in_any_file_breaks_the_seal(folder, name, pattern, replacement):
    edit(folder / name, pattern, replacement)
    with pytest.raises(PlanError, match=r"the plan was changed after it was sealed .*cyberscore plan seal"):
        load_plan(folder)


@pytest.mark.parametrize(("number", "said"), [("1e999", "must be finite"), ("NaN", "NaN is not a JSON number")])
def test_numbers_that_are_not_finite(folder, number, said):
    edit(folder / "plan.json", r'^ "log_balance": \[[^,]*', f' "log_balance": [{number}')
    with pytest.raises(PlanError, match=said):
        load_plan(folder)


@pytest.mark.parametrize("name", OTHER_FILES)
def test_bytes_that_are_not_text(name):
    with pytest.raises(PlanError, match=rf"{re.escape(name)}: not UTF-8 text"):
        RatingPlan.from_files(changed(**{name.replace(".", "_"): b"\xff\xfe"}))


def test_toml_that_is_not_toml():
    with pytest.raises(PlanError, match=r"pricing\.toml: not valid TOML"):
        RatingPlan.from_files(changed(pricing_toml=b"[expenses"))


def test_bags_that_are_not_json():
    with pytest.raises(PlanError, match=r"bags\.json: not valid JSON"):
        RatingPlan.from_files(changed(bags_json=b'{"base":['))


# --- damage in the content

N_SIGNALS = len(signals())
RDP = ("tables", "exposed_rdp")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((*RDP, -1, 0, 1e3), "log within -10..10"),
        ((*RDP, -1, 0, "high"), "tables.exposed_rdp must hold numbers alone, in lists of one depth; got 'high'"),
        ((*RDP, -1, 0, None), "tables.exposed_rdp must hold numbers alone, in lists of one depth; got None"),
        ((*RDP, [ZEROS] * 3), "the table of exposed_rdp must have 4 rows of 10 numbers"),
        ((*RDP, [[0.0] * 9] * 4), "the table of exposed_rdp must have 4 rows of 10 numbers"),
        ((*RDP, [ZEROS, [0.0]]), "of the wrong kind"),
        (("tables", "exposed_ssh", [ZEROS] * 4), "tables of unknown factors: exposed_ssh"),
        (("factors", "exposed_rdp", ["0", "unknown", "1 to 4", "5 or more"]), "factor exposed_rdp: .*retrain"),
        (("perils", list(reversed(PERILS))), "perils must be"),
        (("log_revenue_nodes", 0, 30.0), "log_revenue_nodes must ascend"),
        (("base", 0, 0, 1e3), "base must be numbers within -25..25"),
        (("base", [ZEROS]), "base must be 6 x 10 numbers"),
        (("log_balance", [0.0] * 4), "log_balance must be 5 numbers"),
        (("log_balance", 0, 11.0), "log_balance must be numbers within -10..10"),
        (("severity", 0, "sigma", 0.0), "severity sigma must be a number between"),
        (("severity", 0, "alpha", 9.0), "severity alpha must be a number between"),
        (("severity", 0, "cap", 1e6), "severity cap .* must be above threshold"),
        (("severity", 0, "tail", 1.0), "of the wrong kind.*tail"),
        (("severity", []), "severity must have one entry a peril"),
        (("score", "band_edges", [10, 30, 20, 40, 50]), "score.band_edges must ascend and have 5 values"),
        (("score", "band_edges", [10, 20, 30, 40]), "score.band_edges must ascend and have 5 values"),
        (("score", "peer_revenue", [5e6, 1e6, 25e6]), "score.peer_revenue must ascend"),
        (("score", "peer_quantiles", "retail", 0, [1.0, 3.0, 2.0]), "score.peer_quantiles.retail must ascend"),
        (("score", "peer_quantiles", "retail", [[1.0, 2.0]]), "score.peer_quantiles.retail must be 4 rows"),
        (("score", "peer_quantiles", {}), "a field is missing"),
        (
            ("score", "mean_codes", "exposed_rdp", [0.5, 0.5, 0.5, 0.5]),
            "mean_codes.exposed_rdp must be shares that sum",
        ),
        (("score", "mean_codes", "exposed_rdp", [1.0]), "score.mean_codes.exposed_rdp must be 4 numbers"),
        (("score", "log_expected_loss", [[0.0]]), "score.log_expected_loss must be 6 x 1 numbers"),
        (("unknowns", "loadings", [[0.0]]), f"unknowns.loadings must be {N_SIGNALS} x any numbers"),
        (("unknowns", "loadings", 0, 0, 1.5), "unknowns.loadings must be numbers within -1..1"),
        (("unknowns", "size_slope", [1.5] * N_SIGNALS), "unknowns.size_slope must be numbers within"),
        (("unknowns", "size_scale", 0.0), "unknowns.size_scale must be a number between"),
        (("unknowns", "thresholds", []), "unknowns.thresholds must have one row a signal"),
        (("unknowns", "thresholds", 0, [0.0]), "unknowns.thresholds of .* must be . numbers"),
        (
            ("unknowns", "thresholds", 0, [0.1, 0.2, 0.3, 0.4]),
            "thresholds of mfa_remote_coverage must descend",
        ),
        (("unknowns", "own_nodes", [[0.0]]), "unknowns.own_nodes must be"),
        (("unknowns", "uniform_nodes", 0, 0, 1.5), "unknowns.uniform_nodes must be numbers within 0..1"),
        (("pairs", {"exposed_rdp": []}), "of the wrong kind"),
        (("pairs", {"exposed_rdp x nothing": []}), "pair exposed_rdp x nothing: unknown factor 'nothing'"),
        (("pairs", {"exposed_rdp x exposed_rdp": []}), "a pair needs two factors"),
        (("pairs", {"exposed_rdp x mdr_24x7": [[0.0]]}), "the table of exposed_rdp x mdr_24x7 must have shape"),
    ],
)
def test_content_out_of_bounds(change, said):
    with pytest.raises(PlanError, match=said):
        RatingPlan.from_files(changed(change))


def _numbers_of(content, path=()):
    """Paths to numbers of plan.json, one or two of each list."""
    if isinstance(content, dict):
        for key, item in content.items():
            if key not in {"about", "format"}:
                yield from _numbers_of(item, (*path, key))
    elif isinstance(content, list):
        for place in {0, len(content) - 1} if content else ():
            yield from _numbers_of(content[place], (*path, place))
    elif isinstance(content, int | float):
        yield path


NUMBERS = list(_numbers_of(load_plan().files.content))


@pytest.mark.parametrize("value", ["nan", "inf", "1.0", True, None])
def test_numbers_are_numbers(value):
    """Also where a plan is sealed anew, so that its digest fits."""
    assert len(NUMBERS) > 300
    for path in NUMBERS[:: 7 if value == "1.0" else 29]:
        with pytest.raises(PlanError):
            RatingPlan.from_files(changed((*path, value)))


@pytest.mark.parametrize(
    "line",
    [
        'systemic_share = "0.05"', "schedule_low = true", 'schedule_high = "inf"', 'renewal_cap = "nan"',
        "systemic_share = nan", "schedule_high = inf", "taxes = { GB = true }", 'taxes = { GB = "0.12" }',
    ],
)  # fmt: skip
def test_numbers_of_pricing_are_numbers(line):
    text = re.sub(rf"^{line.split()[0]} = .*$", line, shipped_text("pricing.toml"), count=1, flags=re.MULTILINE)
    assert line in text
    with pytest.raises(PlanError, match=r"pricing\.toml"):
        RatingPlan.from_files(changed(pricing_toml=text.encode()))


BOUND = {name: [[9.9] * WIDTH] * len(table) for name, table in load_plan().tables.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("tables", BOUND), "the safest cells at a revenue of 1 USD come to exp.* claims of ransomware a year"),
        (
            ("tables", {name: [[-9.9] * WIDTH] * len(rows) for name, rows in BOUND.items()}),
            "claims of ransomware a year",
        ),
        (("base", [[-7.0] * 5 + [5.0 * k] * 5 for k in range(6)]), r"middle cost of a claim of \w+ at exp\(-"),
        (("base", [[-7.0] * 5 + [25.0 - 5.0 * k] * 5 for k in range(6)]), r"middle cost of a claim of \w+ at exp\(49"),
    ],
)
def test_a_plan_that_misprices_some_firm_is_refused(change, said):
    with pytest.raises(PlanError, match=said):
        RatingPlan.from_files(changed(change))


def test_the_shipped_plan_is_far_from_the_bounds(monkeypatch):
    from cyberscore.rating import price_audit

    plan = load_plan()
    monkeypatch.setattr(price_audit, "MOST_OF_LIMIT", 1e3)
    monkeypatch.setattr(price_audit, "CLAIMS", (1e-9, 100.0))
    price_audit.audit_prices(
        plan.base, plan.log_balance, plan.tables, plan.pairs, severity=plan.severity, pricing=plan.pricing
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_or_device_is_no_plan(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    for load in (load_plan, RatingPlan.load):
        with pytest.raises(PlanError, match=rf"{re.escape(name)}: not a regular file|no plan "):
            load(folder)
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    with pytest.raises(PlanError, match=rf"{re.escape(name)}: not a regular file|no plan "):
        load_plan(folder)


@pytest.mark.parametrize("name", ["x" * 5_000, "a/" * 5_000, "plan\0", "", "."])
def test_names_that_are_no_plan(name):
    with pytest.raises(PlanError, match="no plan"):
        load_plan(name)


@pytest.mark.parametrize("field", ["name", "factors", "base", "tables", "pairs", "severity", "score", "unknowns"])
def test_a_missing_field(field):
    files = changed()
    del files.content[field]
    with pytest.raises(PlanError, match=f"a field is missing or of the wrong kind: KeyError\\('{field}'\\)"):
        RatingPlan.from_files(files)


def test_a_missing_factor():
    files = changed()
    del files.content["tables"]["mdr_24x7"]
    with pytest.raises(PlanError, match="the table of mdr_24x7 must have 3 rows"):
        RatingPlan.from_files(files)
    del files.content["factors"]["mdr_24x7"]
    with pytest.raises(PlanError, match="factor mdr_24x7: the plan was made for codes None"):
        RatingPlan.from_files(files)


def test_bags_of_another_plan():
    own = load_plan()
    n_nodes, n_cells = len(own.base.log_revenue), len(own.cells)

    def bags(base, deviations):
        return json.dumps({"base": base, "deviations": deviations}).encode()

    one_base, one_deviation = [[ZEROS] * n_nodes], [[ZEROS] * n_cells]
    assert RatingPlan.from_files(changed(bags_json=bags(one_base, one_deviation))).bag_base.shape == (1, n_nodes, WIDTH)
    for bad, said in (
        (bags([[ZEROS]], one_deviation), "bags.base must be"),
        (bags(one_base, [[ZEROS] * (n_cells - 1)]), f"bags.deviations must have {n_cells} cells a bag"),
        (bags(one_base * 2, one_deviation), "bags.deviations must be 2 x any x 10"),
        (b"[]", "of the wrong kind"),
        (b"{}", "KeyError\\('base'\\)"),
    ):
        with pytest.raises(PlanError, match=said):
            RatingPlan.from_files(changed(bags_json=bad))


# --- better security never costs more


def test_a_table_that_falls_names_factor_and_codes():
    rows = [[float(k)] * WIDTH for k in range(4)]
    rows[3][2] = 1.5
    with pytest.raises(
        PlanError, match=r"factor exposed_rdp: '3 or more' is rated below the safer '1 to 2' \(column 2"
    ):
        RatingPlan.from_files(changed((*RDP, rows), ("pairs", {})))


def test_a_severity_shift_that_falls_is_refused():
    rows = [[0.0] * WIDTH for _ in range(4)]
    rows[0][WIDTH - 1] = 0.2
    with pytest.raises(PlanError, match="factor exposed_rdp: 'unknown' is rated below the safer '0'"):
        RatingPlan.from_files(changed((*RDP, rows), ("pairs", {})))


def test_a_pair_that_breaks_the_order_in_one_context():
    """The step of .3 is lost only where remote access has no MFA."""
    table = flat_pair("exposed_rdp", "mdr_24x7")
    table[3][2][0] = -0.4
    rows = [[0.3 * k] * WIDTH for k in range(4)]
    content = ((*RDP, rows), ("pairs", {"exposed_rdp x mdr_24x7": table}))
    flat_mdr = ("tables", "mdr_24x7", [[1.0 * k] * WIDTH for k in range(3)])
    with pytest.raises(PlanError, match="factor exposed_rdp: '3 or more' is rated below the safer '1 to 2'"):
        RatingPlan.from_files(changed(*content, flat_mdr))
    table[3][2][0] = -0.3
    RatingPlan.from_files(changed(*content, flat_mdr))


def test_a_pair_is_audited_along_its_second_factor_too():
    table = flat_pair("exposed_rdp", "mdr_24x7")
    table[1][2][4] = -1.1
    rows = [[2.0 * k] * WIDTH for k in range(4)]
    with pytest.raises(PlanError, match="factor mdr_24x7: '0' is rated below the safer 'unknown'"):
        RatingPlan.from_files(
            changed(
                (*RDP, rows),
                ("tables", "mdr_24x7", [[1.0 * k] * WIDTH for k in range(3)]),
                ("pairs", {"exposed_rdp x mdr_24x7": table}),
            )
        )


def test_categories_may_be_in_any_order():
    rows = [[-0.1 * k] * WIDTH for k in range(5)]
    assert RatingPlan.from_files(changed(("tables", "mail_platform", rows))).tables["mail_platform"][4, 0] == -0.4


def test_repair_raises_just_enough():
    plan = RatingPlan.from_files(changed(("pairs", {})))
    tables = {name: table.copy() for name, table in plan.tables.items()}
    tables["exposed_rdp"][:, 0] = [0.0, 0.2, 0.1, 0.4]
    fixed, largest = repair(tables, {})
    assert largest == pytest.approx(0.1)
    assert fixed["exposed_rdp"][:, 0].tolist() == pytest.approx([0.0, 0.2, 0.2, 0.5])
    audit_tables(fixed, {})
    with pytest.raises(PlanError, match="exposed_rdp"):
        audit_tables(tables, {})


# --- pricing.toml


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (
            r"^ransomware = \[.*",
            "ransomware = [0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0]",
            "ransomware must have .* none falling",
        ),
        (r"^ransomware = \[.*", "ransomware = [0.5]", "ransomware must have one factor a limit"),
        (r"^ransomware = \[.*", "", "risk_load.factors must name the perils"),
        (r"^limits = \[100000, 250000", "limits = [250000, 100000", "risk_load.limits must ascend"),
        (r"^micro = \[[^,]*,", "micro = [", "index: dates must ascend, with one micro and one mid value each"),
        (r"^factors = \[1.04", "factors = [0.9", "waiting_period: .* none rising with hours"),
        (r"^hours = \[6, 8", "hours = [8, 6", "waiting_period: hours must ascend"),
        (r"^mid_revenue = .*", "mid_revenue = 5e6", "index: .* micro_revenue below mid_revenue"),
        (r"^usd = \{ USD = 1.0", 'usd = { USD = "one"', "currency.usd.USD: .*number"),
        (r"^usd = \{ USD = 1.0", "usd = { USD = 0", "currency.usd.USD: .*greater than 0"),
        (r"^usd = .*", "usd = [1.0, 1.15]", "currency.usd: .*dictionary"),
        (r"^usd = .*", "", "currency.usd: this field is required"),
        (r"^US = 1.0", "MX = 1.0", "territory must name US, CA, GB, EU, other"),
        (r"^schedule_low = .*", "schedule_low = 1.1", "schedule_low must be at most 1"),
        (r"^profit = [0-9.]*", "profit = 0.7", "must leave at least 10 % of premium"),
        (r"^level = [0-9.]*", "level = nan", "expenses.level: .*finite"),
        (r"^level = [0-9.]*", "level = 99", "expenses.level: .*less than or equal to 10"),
        (r"^renewal_cap = [0-9.]*", "renewal_kap = 0.2", "renewal_kap: unknown field"),
        (r"^calibration_date = .*", 'calibration_date = "soon"', "index.calibration_date"),
    ],
)
def test_pricing_out_of_bounds(pattern, replacement, said):
    text, found = re.subn(pattern, replacement, shipped_text("pricing.toml"), count=1, flags=re.MULTILINE)
    assert found
    with pytest.raises(PlanError, match=said):
        RatingPlan.from_files(changed(pricing_toml=text.encode()))


# --- bounds, at their edge


def test_the_audit_tolerates_a_billionth_and_no_more():
    plan = load_plan()
    code = plan.tables["exposed_rdp"].shape[0] - 2
    for step, refused in ((-5e-10, False), (-2e-9, True), (-1e-6, True)):
        table = plan.tables["exposed_rdp"].copy()
        table[code + 1] = table[code] + step
        tables = {**plan.tables, "exposed_rdp": table}
        if refused:
            with pytest.raises(PlanError, match=r"factor exposed_rdp: .* is rated below the safer"):
                audit_tables(tables, plan.pairs)
        else:
            audit_tables(tables, plan.pairs)


@pytest.mark.parametrize("place", [0, 15, 16, 31, 32, 63])
def test_the_whole_digest_is_compared(folder, place):
    raw = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    other = "0" if raw["digest"][place] != "0" else "1"
    raw["digest"] = raw["digest"][:place] + other + raw["digest"][place + 1 :]
    (folder / "plan.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(PlanError, match="changed after it was sealed"):
        RatingPlan.load(folder)


def test_base_rates_end_at_twenty_claims_a_year():
    def with_base(log_rate):
        return changed(("base", [[log_rate] * 5 + [9.0] * 5] * 6))

    flat = {name: [ZEROS] * len(table) for name, table in load_plan().tables.items()}
    for log_rate, refused in ((2.999, False), (3.0, False), (3.001, True)):
        files = with_base(log_rate)
        files.content["tables"], files.content["pairs"] = flat, {}
        if refused:
            with pytest.raises(PlanError, match=r"base holds a log rate of 3\.001: more than 20 claims a year"):
                RatingPlan.from_files(files)
        else:
            assert RatingPlan.from_files(files).base.values[0, 0] == log_rate


@pytest.mark.parametrize(("share", "refused"), [(0.3, False), (0.3199, False), (0.3201, True), (0.4, True)])
def test_expenses_profit_and_systemic_share_leave_a_tenth(share, refused):
    """Beside a variable expense of .50 and a profit of .08."""
    text = shipped_text("pricing.toml")
    expenses = {"commission": 0.25, "other_acquisition": 0.15, "general": 0.07, "taxes_and_licences": 0.03}
    for name, value in {**expenses, "profit": 0.08, "systemic_share": share}.items():
        text, found = re.subn(rf"^{name} = [0-9.]+", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
        assert found
    files = changed(pricing_toml=text.encode())
    if refused:
        with pytest.raises(PlanError, match="must leave at least 10 % of premium for losses"):
            RatingPlan.from_files(files)
    else:
        assert RatingPlan.from_files(files).pricing.systemic_share == share


@pytest.mark.parametrize(("surplus", "refused"), [(0.0, False), (5e-4, False), (2e-3, True), (-2e-3, True)])
def test_shares_of_codes_sum_to_one(surplus, refused):
    name = "exposed_rdp"
    shares = list(load_plan().files.content["score"]["mean_codes"][name])
    shares[0] += surplus + 1.0 - sum(shares)
    files = changed(("score", "mean_codes", name, shares))
    if refused:
        with pytest.raises(PlanError, match=f"mean_codes.{name} must be shares that sum to 1"):
            RatingPlan.from_files(files)
    else:
        assert RatingPlan.from_files(files)


@pytest.mark.parametrize(("surplus", "refused"), [(5e-10, False), (2e-9, True), (-2e-9, True)])
def test_shares_of_coverage_parts_sum_to_one(surplus, refused):
    share = 0.92 + surplus
    text = shipped_text("pricing.toml").replace("financial_fraud = 0.92", f"financial_fraud = {share!r}")
    files = changed(pricing_toml=text.encode())
    if refused:
        with pytest.raises(PlanError, match="funds_transfer_fraud: shares must sum to 1"):
            RatingPlan.from_files(files)
    else:
        assert RatingPlan.from_files(files)
