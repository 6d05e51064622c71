"""The catalogue of posture signals, read from signals.toml and checked: who asks for a unit, an order or a cell."""

import math
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal

from cyberscore.exceptions import ProfileError
from cyberscore.profile.problems import nearest, short

Kind = Literal["share", "flag", "count", "number", "level", "choice", "category", "age"]
Value = float | int | bool | str

NOT_APPLICABLE = "not_applicable"
NEVER = "never"
LARGEST = 1e15
"""No signal holds a larger number: whole numbers stay exact as floats."""

SOURCE_NAMES = ("telemetry", "scan", "audit", "document", "attestation")

_ACRONYMS = {"ztna": "ZTNA", "ssl": "SSL", "vpn": "VPN"}
_FIELDS = {
    "title", "domain", "kind", "unit", "safer", "levels", "low", "high", "breakpoints", "unknown_after", "required",
    "not_applicable", "window_days", "expires_days", "half_life_days", "sources", "target", "advice", "basis",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that can be observed of a firm's security.

    A value falls in a *cell*; the cells and "unknown" (and "unanswered", for a required signal) together are the
    signal's *codes*, 0 the safest. Unknown stands at code `unknown`; favourable codes are below it, adverse above.
    """

    name: str
    title: str
    domain: str
    kind: Kind
    unit: str
    safer: Literal["higher", "lower", "order", "exposure", "category"]
    levels: tuple[str, ...]
    low: float
    high: float
    breakpoints: tuple[float, ...]
    unknown: int
    required: bool
    may_not_apply: bool
    window_days: int | None
    expires_days: int | None
    half_life_days: float
    sources: tuple[str, ...]
    target: Value | None
    advice: str
    basis: str
    code_of_cell: tuple[int, ...]
    labels: tuple[str, ...]

    @property
    def n_codes(self) -> int:
        """Number of codes, unknown (and unanswered) included."""
        return len(self.labels)

    @property
    def unanswered(self) -> int:
        """Code of a signal about which nothing was ever said."""
        return self.unknown + 1 if self.required else self.unknown

    def rest_of(self, code: int) -> int:
        """Code on which the rest of an observation's weight lies: unknown, and unanswered behind an adverse one.

        So that an adverse observation is never rated below having said nothing.
        """
        return self.unanswered if code > self.unknown else self.unknown

    @property
    def is_context(self) -> bool:
        """Whether the signal is an exposure or a category: it does not fade and has no better value."""
        return self.safer in {"exposure", "category"}

    @property
    def monotone(self) -> bool:
        """Whether codes are ordered from safest to riskiest (all but categories)."""
        return self.safer != "category"

    def code(self, value: Value) -> int:
        """Code of a checked value (for an age: days)."""
        if isinstance(value, str):
            if value == NOT_APPLICABLE:
                return 0
            return self.code_of_cell[self.levels.index(value)]
        return self.code_of_cell[bisect_right(self.breakpoints, value)]

    def told(self, value: Value) -> str:
        """Value in words: yes or no, percent, days, the name of a level."""
        if isinstance(value, str):
            return " ".join(_ACRONYMS.get(word, word) for word in value.split("_"))
        if self.kind == "flag":
            return "yes" if value else "no"
        if self.kind == "share":
            return f"{round(100 * value, 1):g}%"
        if self.kind == "level":
            names = dict(one.split(" ", 1) for one in self.unit.removeprefix("level: ").split(", "))
            return names.get(f"{value:g}", f"{value:g}")
        days = (self.kind == "age" or self.unit == "days") and "days" not in self.title.lower()
        return f"{value:g} days" if days else f"{value:g}"

    def check(self, value: object) -> Value:
        """Return the value in its canonical type.

        Raises
        ------
        ProfileError
            When the value has the wrong type or unit, is not finite or lies outside the signal's range.
        """
        if value == NOT_APPLICABLE:
            if not self.may_not_apply:
                raise ProfileError(f"{self.name} cannot be not_applicable: give its value, or leave it out if unknown")
            return NOT_APPLICABLE
        if self.levels:
            return self._check_level(value)
        if self.kind == "age" and value == NEVER:
            return NEVER
        return self._check_number(value)

    def _check_level(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.levels:
            raise ProfileError(
                f"{self.name} must be one of {', '.join(self.levels)}; got {short(value)}{nearest(value, self.levels)}"
            )
        return value

    def _check_number(self, value: object) -> float | int:
        if isinstance(value, bool) and self.kind == "flag":
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ProfileError(f"{self.name} must be a number ({self.unit}); got {short(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ProfileError(f"{self.name} must be finite; got {value!r}: leave the observation out if it is unknown")
        if abs(value) > LARGEST:
            raise ProfileError(
                f"{self.name} must be {self.range_text()}; got a number above {LARGEST:g}: check its unit"
            )
        if not self.low <= value <= self.high:
            hint = ""
            if self.kind == "share" and 1 < value <= 100:
                hint = f": a share is wanted, not a percentage; did you mean {value / 100:g}?"
            elif self.kind == "age" and value > self.high:
                hint = f': give {self.high:g} or "{NEVER}" for anything longer'
            raise ProfileError(f"{self.name} must be {self.range_text()}; got {short(value)}{hint}")
        if self.kind in {"flag", "count", "level"}:
            if value != int(value):
                raise ProfileError(f"{self.name} must be a whole number ({self.unit}); got {short(value)}")
            return int(value)
        return value

    def range_text(self) -> str:
        """Readable range of admissible values."""
        if self.levels:
            return " | ".join(self.levels)
        return f"at least {self.low:g}" if self.high == math.inf else f"between {self.low:g} and {self.high:g}"


def _labels(raw: Mapping[str, Any]) -> list[str]:
    """Readable label of each cell, in the order of the breakpoints (or levels)."""
    if "levels" in raw:
        return list(raw["levels"])
    points = [f"{p:g}" for p in raw["breakpoints"]]
    if raw["kind"] in {"count", "level", "flag"}:
        edges = [int(raw["low"]), *raw["breakpoints"]]
        last = f"{edges[-1]}" if raw.get("high") == edges[-1] else f"{edges[-1]} or more"
        pairs = pairwise(edges)
        return [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in pairs] + [last]
    inner = [f"{a} to under {b}" for a, b in pairwise(points)]
    return [f"under {points[0]}", *inner, f"{points[-1]} or more"]


def _signal(name: str, raw: Mapping[str, Any]) -> Signal:
    extra = set(raw) - _FIELDS
    if extra:
        raise ProfileError(f"signals.toml: {name} has unknown fields {sorted(extra)}")
    points = tuple(float(p) for p in raw.get("breakpoints", ()))
    if list(points) != sorted(set(points)):
        raise ProfileError(f"signals.toml: {name} breakpoints must ascend; got {points}")
    unknown_sources = set(raw["sources"]) - set(SOURCE_NAMES)
    if unknown_sources or not raw["sources"]:
        raise ProfileError(f"signals.toml: {name} has unknown sources {sorted(unknown_sources)}")
    cells = _labels(raw)
    order = list(range(len(cells)))
    if raw["safer"] == "higher":
        order.reverse()
    required = bool(raw.get("required", False))
    unknown = int(raw["unknown_after"])
    if not 0 < unknown < len(cells):
        raise ProfileError(f"signals.toml: {name} unknown_after must lie between 1 and {len(cells) - 1}; got {unknown}")
    shift = 2 if required else 1
    codes = [0] * len(cells)
    labels = [""] * (len(cells) + shift)
    for rank, cell in enumerate(order):
        codes[cell] = rank if rank < unknown else rank + shift
        labels[codes[cell]] = cells[cell]
    labels[unknown] = "unknown"
    if required:
        labels[unknown + 1] = "unanswered"
    return Signal(
        name=name,
        title=raw["title"],
        domain=raw["domain"],
        kind=raw["kind"],
        unit=raw["unit"],
        safer=raw["safer"],
        levels=tuple(raw.get("levels", ())),
        low=float(raw.get("low", 0.0)),
        high=float(raw.get("high", math.inf)),
        breakpoints=points,
        unknown=unknown,
        required=required,
        may_not_apply=bool(raw.get("not_applicable", False)),
        window_days=raw.get("window_days"),
        expires_days=raw.get("expires_days"),
        half_life_days=float(raw["half_life_days"]),
        sources=tuple(raw["sources"]),
        target=raw.get("target"),
        advice=raw.get("advice", ""),
        basis=raw["basis"],
        code_of_cell=tuple(codes),
        labels=tuple(labels),
    )


@cache
def signals() -> dict[str, Signal]:
    """All signals by name, in the order of the catalogue."""
    text = files("cyberscore.profile").joinpath("signals.toml").read_text(encoding="utf-8")
    return {name: _signal(name, raw) for name, raw in tomllib.loads(text).items()}


def signal(name: str) -> Signal:
    """One signal by name.

    Raises
    ------
    ProfileError
        When there is no such signal; the nearest name is offered.
    """
    found = signals().get(name)
    if found is None:
        near = nearest(name, signals())
        raise ProfileError(f"unknown signal {short(name)}{near} (cyberscore signals lists all)")
    return found
