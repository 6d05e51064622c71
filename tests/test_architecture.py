"""ARCHITECTURE.md is kept true: one line a module, none missing, none gone; and modules stay small."""

import re
from pathlib import Path

import cyberscore

PACKAGE = Path(cyberscore.__file__).parent
ROOT = Path(__file__).parents[1]


def modules():
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".toml", ".csv"} and "models" not in path.relative_to(PACKAGE).parts
    }


def test_every_file_has_its_line():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))
    assert told == modules()


def test_modules_are_small():
    long = {}
    for path in PACKAGE.rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > 420:
            long[path.name] = lines
    assert not long


def test_nothing_names_a_machine():
    """No machine paths, registry hosts or tools of a workplace in anything that is shipped."""
    # spelled in pieces, so that this file does not find itself
    wanted = re.compile("|".join(("/" + "work/", "/" + "tmp/", "pypi" + r"\.org", "python" + "hosted")))
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml"), *ROOT.glob("*.md"), *(ROOT / "models").rglob("*")]:
        if path.is_file():
            assert not wanted.search(path.read_text(encoding="utf-8")), path
