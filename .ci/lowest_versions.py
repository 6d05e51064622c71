#!/usr/bin/env python3
"""Print pip constraints that pin every direct dependency, extras included, to its lower bound in pyproject.toml."""

import re
import tomllib
from itertools import chain
from pathlib import Path

EXTRAS = ("app", "parquet", "validation", "test")

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = (project["optional-dependencies"][name] for name in EXTRAS)
for requirement in chain(project["dependencies"], *extras):
    bound = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)(?:,.*)?", requirement)
    if bound:
        print(f"{bound[1]}=={bound[2]}")
    elif not requirement.startswith("cyberscore["):
        raise SystemExit(f"pyproject.toml: {requirement!r} has no lower bound")
