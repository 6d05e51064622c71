"""Examples in docstrings are run, so that they stay true."""

import doctest
import importlib
from pathlib import Path

import pytest

import cyberscore

PACKAGE = Path(cyberscore.__file__).parent
NAMES = [
    ".".join(("cyberscore", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_run(name):
    done = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert done.attempted > 0
    assert done.failed == 0
