"""A rating plan on disk: a folder of text files. Reading parses, audits, then builds; nothing is ever unpickled.

plan.json     factors, tables, severities, score references, model of unknowns; names the format and the digest
bags.json     the bags' deviations from the tables, read with the plan
pricing.toml  expenses, loads, territory, index, currencies
rules.toml    underwriting rules
The digest is the SHA-256 of canonical plan.json without that field, then the bytes of the other three files.

Format 1. When a field is added or changes its meaning, raise FORMAT, keep the reader of the old number beside the new
one, and keep a plan of the old format in the tests.
"""

import hashlib
import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cyberscore.exceptions import PlanError, ProfileError
from cyberscore.profile.profile import parse_json, read_bytes
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.parts import WIDTH, Curve, Floats, ScoreReference, UnknownsModel, factors
from cyberscore.rating.perils import PERILS
from cyberscore.rating.pricing import Pricing
from cyberscore.rules import RuleBook

FORMAT = 1
MAX_BYTES = 50_000_000
DECIMALS = 6
OTHER_FILES = ("pricing.toml", "rules.toml", "bags.json")


def canonical(content: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """The content of a plan's files: plan.json as plain types without its digest, the others as bytes."""

    content: dict[str, Any]
    others: dict[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 over all files."""
        own = hashlib.sha256(canonical(self.content))
        for name in OTHER_FILES:
            own.update(name.encode())
            own.update(hashlib.sha256(self.others[name]).digest())
        return own.hexdigest()

    @classmethod
    def read(cls, folder: str | PathLike[str], *, check_digest: bool = True) -> "PlanFiles":
        """Read the files of a folder and check format and digest.

        Raises
        ------
        PlanError
            When a file is missing or damaged, the format is unknown or the digest does not fit.
        """
        path = Path(folder)
        try:
            content = parse_json(read_bytes(path / "plan.json", MAX_BYTES), str(path / "plan.json"))
            others = {name: read_bytes(path / name, MAX_BYTES) for name in OTHER_FILES}
        except ProfileError as error:
            raise PlanError(str(error)) from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            got = content.get("format") if isinstance(content, dict) else type(content).__name__
            raise PlanError(
                f"{path / 'plan.json'}: format {got!r} is not known; this version of cyberscore reads format {FORMAT}"
            )
        stated = str(content.pop("digest", "none"))
        files = cls(content, others)
        if check_digest and stated != files.digest:
            raise PlanError(
                f"{path}: the plan was changed after it was sealed (digest {stated[:16]} stated, {files.digest[:16]} "
                f"found): undo the change, or check it and run: cyberscore plan seal {path}"
            )
        return files

    def write(self, folder: str | PathLike[str]) -> None:
        """Write all files, each whole or not at all, with the digest in plan.json, which comes last."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        plan = readable({**self.content, "digest": self.digest}).encode()
        for name, data in (*self.others.items(), ("plan.json", plan)):
            part = path / f".{name}.part"
            part.write_bytes(data)
            part.replace(path / name)


def readable(content: dict[str, Any]) -> str:
    """JSON with one line a table row, so that a change of plan is a readable diff."""
    lines: list[str] = []
    _write(content, 0, lines, "")
    return "\n".join(lines) + "\n"


def _write(value: Any, depth: int, lines: list[str], lead: str, tail: str = "") -> None:
    pad = " " * depth
    if isinstance(value, dict) and value:
        lines.append(f"{pad}{lead}{{")
        items = list(value.items())
        for k, (key, item) in enumerate(items):
            _write(
                item,
                depth + 1,
                lines,
                f"{json.dumps(key, ensure_ascii=False)}: ",
                "," if k < len(items) - 1 else "",
            )
        lines.append(f"{pad}}}{tail}")
    elif isinstance(value, list) and value and isinstance(value[0], list):
        lines.append(f"{pad}{lead}[")
        for k, item in enumerate(value):
            _write(item, depth + 1, lines, "", "," if k < len(value) - 1 else "")
        lines.append(f"{pad}]{tail}")
    else:
        lines.append(f"{pad}{lead}{json.dumps(value, ensure_ascii=False, allow_nan=False)}{tail}")


def rounded(values: Floats) -> Any:
    """Nested lists of numbers with 6 decimals."""
    return (np.round(values, DECIMALS) + 0.0).tolist()


def _array(value: Any, name: str, *shape: int) -> Floats:
    array = np.array(value, dtype=float)
    if (shape and array.shape != shape) or not np.isfinite(array).all():
        raise PlanError(f"{name} must be finite numbers of shape {shape or 'as listed'}; got shape {array.shape}")
    array.setflags(write=False)
    return array


def build_parts(files: PlanFiles) -> dict[str, Any]:
    """Build the parts of a plan, each checked.

    Raises
    ------
    PlanError
        When a field is missing, of the wrong kind or out of bounds.
    """
    try:
        return _parts(files.content, files.others)
    except PlanError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise PlanError(f"plan.json: a field is missing or of the wrong kind: {error!r}") from error


def _parts(content: dict[str, Any], others: dict[str, bytes]) -> dict[str, Any]:
    own = {factor.name: factor for factor in factors()}
    stated = content["factors"]
    for name, factor in own.items():
        if stated.get(name) != list(factor.labels):
            raise PlanError(
                f"factor {name}: the plan was made for codes {stated.get(name)}, "
                f"the catalogue has {list(factor.labels)}: retrain it"
            )
    if content["perils"] != list(PERILS):
        raise PlanError(f"perils must be {list(PERILS)}; got {content['perils']}")
    nodes = tuple(float(x) for x in content["log_revenue_nodes"])
    tables = {name: _array(rows, f"tables.{name}") for name, rows in content["tables"].items()}
    pairs = {tuple(key.split(" x ")): _array(rows, f"pairs.{key}") for key, rows in content["pairs"].items()}
    score = content["score"]
    unknowns = content["unknowns"]
    bags = parse_json(others["bags.json"], "bags.json")
    return {
        "name": str(content["name"]),
        "about": content["about"],
        "base": Curve(nodes, _array(content["base"], "base", len(nodes), WIDTH)),
        "tables": tables,
        "pairs": {(a, b): table for (a, b), table in pairs.items()},
        "log_balance": _array(content["log_balance"], "log_balance", len(PERILS)),
        "severity": tuple(PerilSeverity(**row) for row in content["severity"]),
        "score": ScoreReference(
            expected_loss=Curve(nodes, _array(score["log_expected_loss"], "score.log_expected_loss", len(nodes), 1)),
            band_edges=_ascending(score["band_edges"], "score.band_edges", 5),
            peer_revenue=_ascending(score["peer_revenue"], "score.peer_revenue"),
            peer_quantiles={
                sector: tuple(_ascending(row, f"score.peer_quantiles.{sector}") for row in rows)
                for sector, rows in score["peer_quantiles"].items()
            },
            mean_codes=tuple(
                _array(score["mean_codes"][name], f"score.mean_codes.{name}", len(f.labels)) for name, f in own.items()
            ),
        ),
        "unknowns": UnknownsModel(
            size_centre=float(unknowns["size_centre"]),
            size_scale=float(unknowns["size_scale"]),
            size_slope=_array(unknowns["size_slope"], "unknowns.size_slope"),
            loadings=_array(unknowns["loadings"], "unknowns.loadings"),
            thresholds=tuple(_array(row, "unknowns.thresholds") for row in unknowns["thresholds"]),
            latent_nodes=_array(unknowns["latent_nodes"], "unknowns.latent_nodes"),
            own_nodes=_array(unknowns["own_nodes"], "unknowns.own_nodes"),
            uniform_nodes=_array(unknowns["uniform_nodes"], "unknowns.uniform_nodes"),
        ),
        "pricing": Pricing.from_toml(_text(others["pricing.toml"], "pricing.toml")),
        "rules": RuleBook.from_toml(_text(others["rules.toml"], "rules.toml")),
        "bag_base": _array(bags["base"], "bags.base") if bags["base"] else None,
        "bag_deviations": _array(bags["deviations"], "bags.deviations") if bags["deviations"] else None,
    }


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PlanError(f"{name}: not UTF-8 text (byte {error.start})") from error


def _ascending(values: Any, name: str, size: int | None = None) -> tuple[float, ...]:
    found = tuple(float(x) for x in values)
    if list(found) != sorted(found) or (size is not None and len(found) != size):
        raise PlanError(f"{name} must ascend{'' if size is None else f' and have {size} values'}; got {values!r}")
    return found
