"""Every notebook runs from top to bottom, without a Jupyter server, and was stored as it ran with the shipped plan."""

import json
import re
from pathlib import Path

import matplotlib as mpl
import pytest

import cyberscore

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SLOW = {"shortest_path_to_a_price", "retrain_on_your_claims", "compare_and_release"}
TELL_THE_PLAN = {"quote_an_sme", "read_the_tables"}
MACHINE_PATH = re.compile(r"/(?:tmp|home|root|work|Users|var/folders)/|[A-Z]:\\\\")


def cells_of(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def text_of(output):
    """What a stored output says in words; pictures are left out."""
    data = {kind: text for kind, text in output.get("data", {}).items() if kind.startswith("text/")}
    return json.dumps([output.get("text", ""), data])


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in SLOW else [], id=path.stem) for path in NOTEBOOKS],
)
def test_notebook_runs(path):
    mpl.use("agg")
    names = {}
    try:
        for cell in cells_of(path):
            exec(compile("".join(cell["source"]), path.name, "exec"), names)  # noqa: S102  our own notebooks
    finally:
        mpl.pyplot.close("all")
    assert names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_one_clean_run(path):
    cells = cells_of(path)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output["ename"] for output in outputs if output["output_type"] == "error"]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert not [found[0] for output in outputs if (found := MACHINE_PATH.search(text_of(output)))]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem in TELL_THE_PLAN], ids=lambda path: path.stem)
def test_stored_outputs_are_of_the_shipped_plan(path):
    told = "".join(text_of(output) for cell in cells_of(path) for output in cell["outputs"])
    assert cyberscore.load_plan().plan_id[:25] in told, "the plan has changed: execute the notebooks again"
