"""A rating plan on disk: a folder of text files. Reading parses, audits, then builds; nothing is ever unpickled.

plan.json     factors, tables, severities, score references, model of unknowns; names the format and the digest
bags.json     the bags' deviations from the tables, read with the plan
pricing.toml  expenses, loads, territory, index, currencies
rules.toml    underwriting rules
The digest is the SHA-256 of canonical plan.json without that field, then the bytes of the other three files.

Format 1. `intervals`, the calibrated width of intervals, may be absent: then they are as wide as drawn. When a field
is added or changes its meaning, raise FORMAT, keep the reader of the old number beside the new one, and keep a plan of
the old format in the tests.
"""

import hashlib
import json
import re
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cyberscore.exceptions import PlanError, ProfileError
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import SOURCES, Signal, sectors, signals
from cyberscore.profile.evidence import RULES_IGNORE_BELOW
from cyberscore.profile.industries import sector_prefixes
from cyberscore.profile.profile import parse_json, read_bytes
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.numbers_of_plan import check_numbers, real
from cyberscore.rating.parts import WIDTH, Curve, Floats, IntervalWidths, ScoreReference, UnknownsModel, factors
from cyberscore.rating.pricing import Pricing
from cyberscore.rules import RuleBook

FORMAT = 1
MAX_BYTES = 50_000_000
DECIMALS = 6
FIELDS = frozenset((
    "format", "name", "about", "catalogue", "perils", "factors", "log_revenue_nodes", "base", "log_balance", "severity",
    "tables", "pairs", "score", "unknowns",
))  # fmt: skip
OPTIONAL_FIELDS = frozenset(("intervals",))
OTHER_FILES = ("pricing.toml", "rules.toml", "bags.json")


def catalogue_digest() -> str:
    """SHA-256 of what a quote takes from the package: signals, reliabilities, half-lives, sectors."""
    own = {
        about.name: [
            about.kind, about.safer, about.levels, about.breakpoints, about.unknown, about.required,
            about.may_not_apply, about.window_days, about.expires_days, about.half_life_days, about.sources,
            about.target,
        ]
        for about in signals().values()
    }  # fmt: skip
    sources = {one.name: [one.rank, one.favourable, one.adverse] for one in SOURCES.values()}
    return hashlib.sha256(canonical([own, sources, RULES_IGNORE_BELOW, sector_prefixes()])).hexdigest()


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
        for name in ("plan.json", *OTHER_FILES):
            if (path / name).exists() and not (path / name).is_file():
                raise PlanError(f"{path / name}: not a regular file: give the folder of a plan")
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
        try:
            found = files.digest
        except ValueError as error:
            raise PlanError(f"{path / 'plan.json'}: every number must be finite") from error
        if check_digest and stated != found:
            raise PlanError(
                f"{path}: the plan was changed after it was sealed (digest {stated[:16]} stated, {found[:16]} "
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


def _array(value: Any, name: str, *shape: int | None, bound: float = 1e6) -> Floats:
    """Read-only array within -bound..bound, of a shape (None is any length)."""
    check_numbers(value, name)
    array = np.array(value, dtype=float)
    fits = array.ndim == len(shape) and all(want in {None, got} for want, got in zip(shape, array.shape, strict=True))
    if shape and not fits:
        wanted = " x ".join("any" if want is None else str(want) for want in shape)
        raise PlanError(f"{name} must be {wanted} numbers; got shape {array.shape}")
    if not (np.abs(array) <= bound).all():
        raise PlanError(f"{name} must be numbers within -{bound:g}..{bound:g}")
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
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", str(content["name"])):
        raise PlanError(f"plan.json: name must be of a-z, 0-9, dot, dash and underscore; got {content['name']!r}")
    extra = sorted(set(content) - FIELDS - OPTIONAL_FIELDS)
    if extra:
        raise PlanError(f"plan.json has unknown fields {', '.join(extra)}: remove them")
    if content["catalogue"] != catalogue_digest():
        raise PlanError(
            "plan.json was made for other half-lives, reliabilities, signals or sectors than this version of "
            "cyberscore has: use the version it was made with, or check it and run: cyberscore plan seal"
        )
    if content["perils"] != list(PERILS):
        raise PlanError(f"perils must be {list(PERILS)}; got {content['perils']}")
    nodes = _ascending(content["log_revenue_nodes"], "log_revenue_nodes", apart=True)
    if len(nodes) < 2:
        raise PlanError(f"log_revenue_nodes must be at least two; got {nodes}")
    tables = {name: _array(rows, f"tables.{name}") for name, rows in content["tables"].items()}
    pairs = {tuple(key.split(" x ")): _array(rows, f"pairs.{key}") for key, rows in content["pairs"].items()}
    if set(tables) - set(own):
        raise PlanError(f"tables of unknown factors: {', '.join(sorted(set(tables) - set(own)))}")
    bag_base, bag_deviations = _bags(others["bags.json"], len(nodes))
    pricing = Pricing.from_toml(_text(others["pricing.toml"], "pricing.toml"))
    rules = RuleBook.from_toml(_text(others["rules.toml"], "rules.toml"))
    if rules.renewal_cap not in {None, pricing.renewal_cap}:
        raise PlanError(
            f"rules.toml holds a renewal to {rules.renewal_cap:.0%}, pricing.toml to {pricing.renewal_cap:.0%}: "
            "make the rule's percent and renewal_cap agree"
        )
    for rule in rules.rules:
        part = next((action.part for action in rule.actions if action.part), None)
        if part and not pricing.parts:
            raise PlanError(f"rule {rule.id} limits {part}, but pricing.toml has no [parts]: add it, or drop the rule")
    return {
        "name": str(content["name"]),
        "about": content["about"],
        "base": _base(content["base"], nodes),
        "tables": tables,
        "pairs": {(a, b): table for (a, b), table in pairs.items()},
        "log_balance": _array(content["log_balance"], "log_balance", len(PERILS), bound=10.0),
        "severity": _severities(content["severity"]),
        "score": _score(content["score"], nodes),
        "unknowns": _unknowns(content["unknowns"]),
        "intervals": _intervals(content.get("intervals")),
        "pricing": pricing,
        "rules": rules,
        "bag_base": bag_base,
        "bag_deviations": bag_deviations,
    }


def _base(rows: Any, nodes: tuple[float, ...]) -> Curve:
    base = _array(rows, "base", len(nodes), WIDTH, bound=25.0)
    if base[:, : len(PERILS)].max() > 3.0:
        raise PlanError(f"base holds a log rate of {base[:, : len(PERILS)].max():g}: more than 20 claims a year")
    return Curve(nodes, base)


def _severities(rows: Any) -> tuple[PerilSeverity, ...]:
    if len(rows) != len(PERILS):
        raise PlanError(f"severity must have one entry a peril ({', '.join(PERILS)}); got {len(rows)}")
    found = tuple(PerilSeverity(**row) for row in rows)
    if any(severity.basis != BASIS_RETENTION for severity in found):
        raise PlanError(f"severity basis must be {BASIS_RETENTION:g}, at which frequency is stated")
    return found


def _score(raw: Any, nodes: tuple[float, ...]) -> ScoreReference:
    peer_revenue = _ascending(raw["peer_revenue"], "score.peer_revenue")
    quantiles = {
        sector: tuple(_ascending(row, f"score.peer_quantiles.{sector}") for row in raw["peer_quantiles"][sector])
        for sector in sectors()
    }
    for sector, rows in quantiles.items():
        if len(rows) != len(peer_revenue) + 1 or min(map(len, rows)) < 2:
            raise PlanError(
                f"score.peer_quantiles.{sector} must be {len(peer_revenue) + 1} rows of quantiles, one a size"
            )
    means = []
    for factor in factors():
        mean = _array(raw["mean_codes"][factor.name], f"score.mean_codes.{factor.name}", len(factor.labels))
        if (mean < 0).any() or abs(mean.sum() - 1.0) > 1e-3:
            raise PlanError(f"score.mean_codes.{factor.name} must be shares that sum to 1; got {mean.tolist()}")
        means.append(mean)
    log_loss = _array(raw["log_expected_loss"], "score.log_expected_loss", len(nodes), 1, bound=50.0)
    return ScoreReference(
        expected_loss=Curve(nodes, log_loss),
        band_edges=_ascending(raw["band_edges"], "score.band_edges", 5),
        peer_revenue=peer_revenue,
        peer_quantiles=quantiles,
        mean_codes=tuple(means),
    )


def _unknowns(raw: Any) -> UnknownsModel:
    catalogue = list(signals().values())
    n = len(catalogue)
    loadings = _array(raw["loadings"], "unknowns.loadings", n, None, bound=1.0)
    latent_nodes = _array(raw["latent_nodes"], "unknowns.latent_nodes", None, loadings.shape[1])
    if len(raw["thresholds"]) != n:
        raise PlanError(f"unknowns.thresholds must have one row a signal, {n}; got {len(raw['thresholds'])}")
    return UnknownsModel(
        size_centre=real(raw["size_centre"], "unknowns.size_centre", -100.0, 100.0),
        size_scale=real(raw["size_scale"], "unknowns.size_scale", 0.01, 100.0),
        size_slope=_array(raw["size_slope"], "unknowns.size_slope", n, bound=0.99),
        loadings=loadings,
        thresholds=tuple(_thresholds(row, about) for about, row in zip(catalogue, raw["thresholds"], strict=True)),
        latent_nodes=latent_nodes,
        own_nodes=_array(raw["own_nodes"], "unknowns.own_nodes", len(latent_nodes), n),
        uniform_nodes=_chances(raw["uniform_nodes"], "unknowns.uniform_nodes", len(latent_nodes), n),
    )


def _chances(value: Any, name: str, *shape: int) -> Floats:
    array = _array(value, name, *shape)
    if not ((array >= 0.0) & (array <= 1.0)).all():
        raise PlanError(f"{name} must be numbers within 0..1")
    return array


def _thresholds(row: Any, about: Signal) -> Floats:
    """Cuts of a signal's normal score, from its safest cell to its riskiest: they descend."""
    cuts = _array(row, f"unknowns.thresholds of {about.name}", len(about.code_of_cell) - 1)
    if (np.diff(cuts) > 0.0).any():
        raise PlanError(f"unknowns.thresholds of {about.name} must descend; got {row}")
    return cuts


def _intervals(raw: Any) -> IntervalWidths:
    if raw is None:
        return IntervalWidths()
    wanted = [field.name for field in fields(IntervalWidths)]
    if not isinstance(raw, dict):
        raise PlanError(f"intervals must be a table of {', '.join(wanted)}; got {raw!r}")
    if sorted(raw) != sorted(wanted):
        raise PlanError(f"intervals must have {', '.join(wanted)}; got {', '.join(sorted(raw))}")
    return IntervalWidths(**raw)


def _bags(data: bytes, n_nodes: int) -> tuple[Floats | None, Floats | None]:
    bags = parse_json(data, "bags.json")
    if not bags["base"] and not bags["deviations"]:
        return None, None
    base = _array(bags["base"], "bags.base", None, n_nodes, WIDTH, bound=50.0)
    return base, _array(bags["deviations"], "bags.deviations", len(base), None, WIDTH, bound=50.0)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PlanError(f"{name}: not UTF-8 text (byte {error.start})") from error


def _ascending(values: Any, name: str, size: int | None = None, *, apart: bool = False) -> tuple[float, ...]:
    check_numbers(values, name)
    found = tuple(float(x) for x in values)
    ordered = sorted(set(found) if apart else found)
    if list(found) != ordered or (size is not None and len(found) != size):
        raise PlanError(f"{name} must ascend{'' if size is None else f' and have {size} values'}; got {values!r}")
    return found
