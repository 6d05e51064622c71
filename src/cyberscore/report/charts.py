"""Geometry of the report's pictures, in the units of their SVG; the template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cyberscore.quoting import Reason
from cyberscore.quoting.reasons import BOOK_MIX
from cyberscore.rating.score import BANDS, CENTRE
from cyberscore.report.exceedance import Exceedance, Floats

WIDTH, HEIGHT = 640.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 72.0, 12.0, 12.0, 64.0
LOWEST = 1e-4
"""Chances below this, one year in 10,000, are not drawn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the waterfall: where it starts and how wide it is, percent of the picture; the score after it."""

    factor: str
    shown: float
    left: float
    width: float
    after: float
    end: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Bars in order, with the place of the middle and of the score, percent of the picture."""

    bars: tuple[Bar, ...]
    centre: float
    score: float


def waterfall(reasons: Sequence[Reason]) -> Waterfall:
    """Lay out reasons from the book's mean to the score, largest first and the book mix last."""
    at, low, high = CENTRE, CENTRE, CENTRE
    runs = []
    for reason in reasons:
        after = round(at + reason.shown, 1)
        runs.append((reason, at, after))
        at = after
        low, high = min(low, at), max(high, at)
    low, high = low - 1.0, high + 1.0

    def place(points: float) -> float:
        return round(100.0 * (points - low) / (high - low), 2)

    bars = tuple(
        Bar(
            reason.factor,
            reason.shown,
            min(place(start), place(after)),
            max(round(abs(place(after) - place(start)), 2), 0.4),
            after,
            place(after),
        )
        for reason, start, after in runs
    )
    return Waterfall(bars, place(CENTRE), place(at))


def is_book_mix(bar: Bar) -> bool:
    """Whether a bar is the last one, which no factor of the firm explains."""
    return bar.factor == BOOK_MIX


@dataclass(frozen=True, slots=True)
class Segment:
    """One band on the scale of scores, percent of the picture."""

    band: str
    left: float
    width: float


def band_segments(edges: Sequence[float]) -> tuple[Segment, ...]:
    """Bands on a scale from 0 to 100."""
    borders = [0.0, *(min(max(edge, 0.0), 100.0) for edge in edges), 100.0]
    return tuple(
        Segment(band, round(low, 2), round(high - low, 2))
        for band, low, high in zip(BANDS, borders, borders[1:], strict=False)
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: the peril (or "all"), and its path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick: where it stands and the value it is for."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Curves:
    """The exceedance chart: lines, ticks, and where the limit stands (None when off the chart)."""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    limit: float | None
    points: tuple[tuple[float, float], ...]


def curves(found: Exceedance, limit: float) -> Curves:
    """Lay out exceedance curves on logarithmic axes."""
    amounts, total = found.amounts, found.total
    drawn = amounts[total >= LOWEST]
    low = 10.0 ** math.floor(math.log10(amounts[0]))
    high = 10.0 ** math.ceil(math.log10(max(drawn[-1] if len(drawn) else low, 100.0 * low, 1.5 * limit)))
    top = 10.0 ** math.ceil(math.log10(max(float(total[0]), 10.0 * LOWEST)))

    def across(amount: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * math.log(amount / low) / math.log(high / low), 1)

    def up(chance: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * math.log(top / chance) / math.log(top / LOWEST), 1)

    def path(chances: Floats) -> str:
        kept = [(a, c) for a, c in zip(amounts.tolist(), chances.tolist(), strict=True) if c >= LOWEST and a <= high]
        return "M" + "L".join(f"{across(a)},{up(c)}" for a, c in kept) if len(kept) > 1 else ""

    lines = [Line("all", path(total)), *(Line(peril, path(chances)) for peril, chances in found.perils.items())]
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    chances = range(round(math.log10(LOWEST)), round(math.log10(top)) + 1)
    told = [k for k in decades if low < 10.0**k < high]
    points = tuple((10.0**k, float(total[int((amounts <= 10.0**k).sum()) - 1])) for k in told if 10.0**k >= amounts[0])
    return Curves(
        lines=tuple(lines),
        across=tuple(Tick(across(10.0**k), 10.0**k) for k in decades),
        up=tuple(Tick(up(10.0**k), 10.0**k) for k in chances),
        limit=across(limit) if low < limit < high else None,
        points=points,
    )
