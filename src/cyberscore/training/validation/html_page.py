"""One self-contained HTML page from sections of text, tables and figures: callers are validation and comparison.

No script, no network; figures are inline SVG whose ink follows light and dark.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cyberscore.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#010203"
"""Stands for the page's own text colour while a figure is drawn."""

NAMES = frozenset({"line", "factor", "part", "dimension", "sector", "why"})
"""Columns of names of perils, factors and sectors: shown with spaces."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture: `draw` gets empty axes; `alt` says in words what it shows."""

    caption: str
    alt: str
    draw: "Callable[[Axes], object]"
    width: float = 7.0
    height: float = 3.6


@dataclass(frozen=True, slots=True, eq=False)
class TableOf:
    """A frame to show: `columns` maps its columns to (heading, format); formats are those of `str.format`, or ""."""

    caption: str
    frame: pd.DataFrame
    columns: Mapping[str, tuple[str, str]]
    folded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A heading with paragraphs, then figures and tables in order."""

    anchor: str
    title: str
    paragraphs: Sequence[str]
    parts: Sequence[Figure | TableOf] = ()


def page(title: str, *, lead: Sequence[str], facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Build the page.

    Parameters
    ----------
    title : str
    lead : sequence of str
        Paragraphs under the title.
    facts : dict of str to str
        Name and value pairs: which plan, which book.
    sections : sequence of Section

    Returns
    -------
    str
        HTML; every text in it is escaped.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    css = files("cyberscore.training.validation").joinpath("html_page.css").read_text(encoding="utf-8")
    contents = "\n".join(f'<li><a href="#{escape(s.anchor)}">{escape(s.title)}</a></li>' for s in sections)
    told = "\n".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    paragraphs = "\n".join(f"<p>{escape(text)}</p>" for text in lead)
    body = "\n".join(_section(section) for section in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{css}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<h1>{escape(title)}</h1>
{paragraphs}
<dl>
{told}
</dl>
</header>
<nav aria-label="Contents">
<h2>Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main id="main">
{body}
</main>
</body>
</html>
"""


def _section(section: Section) -> str:
    anchor, title = escape(section.anchor), escape(section.title)
    text = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in section.paragraphs)
    parts = "\n".join(
        _figure(part, f"{section.anchor}-{k}") if isinstance(part, Figure) else _table(part)
        for k, part in enumerate(section.parts)
    )
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n<h2 id="{anchor}-title">{title}</h2>\n'
        f"{text}\n{parts}\n</section>"
    )


def counted(n: int, what: str) -> str:
    """Return "1 level" or "3 levels"."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def _table(table: TableOf) -> str:
    """HTML of a frame; true cells of a column `flag`, `outside` or `flagged`, or false ones of `holds`, mark a row."""
    columns = {name: shape for name, shape in table.columns.items() if name in table.frame.columns}
    kind = {name: "n" if _is_number(table.frame[name]) else "" for name in columns}
    head = "".join(
        f'<th scope="col"{_class(kind[name])}>{escape(heading)}</th>' for name, (heading, _) in columns.items()
    )
    rows = []
    for row in table.frame.to_dict("records"):
        cells = []
        for k, (name, (_, shape)) in enumerate(columns.items()):
            text = escape(_shown(row[name], shape).replace("_", " " if name in NAMES else "_"))
            tag, scope = ("th", ' scope="row"') if k == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{_class(kind[name])}>{text}</{tag}>")
        rows.append(f"<tr{_class('marked' if _marked(row) else '')}>{''.join(cells)}</tr>")
    caption, body = escape(table.caption), "\n".join(rows)
    html = (
        f'<div class="wide" tabindex="0" role="region" aria-label="{caption}"><table>\n<caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )
    return f"<details><summary>{caption}</summary>\n{html}\n</details>" if table.folded else html


def _is_number(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _marked(row: Mapping[Any, Any]) -> bool:
    return bool(row.get("outside") or row.get("flagged") or row.get("flag") or row.get("holds") is False)


def _shown(value: object, shape: str) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return format(value, shape) if shape else str(value)


def _figure(figure: Figure, key: str) -> str:
    svg = render_svg(figure, key)
    return (
        f'<figure>\n<div class="picture" role="img" aria-label="{escape(figure.alt)}">{svg}</div>\n'
        f"<figcaption>{escape(figure.caption)}</figcaption>\n</figure>"
    )


def _style() -> dict[str, Any]:
    named = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "xtick.labelcolor")
    return {
        **dict.fromkeys((*named, "ytick.labelcolor", "grid.color"), INK),
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.labelcolor": INK,
        "font.family": "sans-serif",
        "font.size": 10,
        "svg.fonttype": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,
    }


def render_svg(figure: Figure, key: str) -> str:
    """Draw a figure as an SVG element that stands on its own in a page.

    Parameters
    ----------
    figure : Figure
    key : str
        Different for every figure of a page, so that ids do not meet.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  an optional extra
        from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "reports need matplotlib, which is not installed: pip install 'cyberscore[validation]'"
        ) from error
    style: Any = {**_style(), "svg.hashsalt": key}
    with mpl.rc_context(style):
        canvas = Canvas(figsize=(figure.width, figure.height), layout="constrained")
        figure.draw(canvas.subplots())
        buffer = io.StringIO()
        printer: Any = FigureCanvasSVG(canvas)
        printer.print_svg(buffer, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(?::\w+)?="[^"]*"', "", svg)  # HTML knows the names; and so no address is left
    svg = svg.replace("xlink:href", "href").replace(INK, "currentColor")
    svg = re.sub(r'(<svg[^>]*?)\s(?:width|height)="[^"]*pt"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?)\s(?:width|height)="[^"]*pt"', r"\1", svg)
    svg = svg.replace(
        "<svg", f'<svg aria-hidden="true" focusable="false" style="max-width:{figure.width * 96:.0f}px"', 1
    )
    ids = set(re.findall(r'\sid="([^"]+)"', svg))
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    for name in ids - used:
        svg = svg.replace(f' id="{name}"', "")
    for name in ids & used:
        svg = re.sub(rf'(id="|url\(#|href="#){re.escape(name)}(?=[")])', rf"\g<1>{key}-{name}", svg)
    return svg.strip()
