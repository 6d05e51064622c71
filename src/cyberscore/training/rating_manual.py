"""The rating manual: a plan's exhibits as one printable HTML page, no script, no network; the caller is `exhibits`.

The words stand in rating_manual.html, the looks in rating_manual.css; every text of a plan is escaped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

import numpy as np
import pandas as pd

from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import signals
from cyberscore.rating.parts import Floats, factors
from cyberscore.rating.plan import RatingPlan

PERIL_TITLES = {peril: peril.replace("_", " ").capitalize() for peril in PERILS}
Grid = list[list[str]]


def manual_html(plan: RatingPlan, exhibits: Mapping[str, pd.DataFrame], reference: Mapping[str, int]) -> str:
    """Return the manual.

    Parameters
    ----------
    plan : RatingPlan
    exhibits : dict of str to DataFrame
        As `compute_exhibits` makes them.
    reference : dict of str to int
        Code of each factor whose relativity is 1.
    """
    folder = files("cyberscore.training")
    names = [factor.name for factor in factors()]
    pairs = [name for name in exhibits if " x " in name]
    labels = {factor.name: factor.labels[reference[factor.name]] for factor in factors()}
    provenance = {"plan": plan.name, "digest (SHA-256)": plan.digest, **plan.about}
    return Template(folder.joinpath("rating_manual.html").read_text(encoding="utf-8")).substitute(
        style=folder.joinpath("rating_manual.css").read_text(encoding="utf-8"),
        name=escape(plan.name),
        about="".join(
            f"<div><dt>{escape(_words(name))}</dt><dd>{escape(str(value))}</dd></div>\n"
            for name, value in provenance.items()
        ),
        factor_links="".join(_link(name, _title(name)) for name in names),
        pair_links="".join(_link(name, _pair_title(name)) for name in pairs) or "<li>none</li>\n",
        basis=f"{BASIS_RETENTION:,.0f}",
        sector=escape(_words(labels["sector"])),
        country=escape(labels["country"]),
        n_factors=len(plan.tables),
        n_pairs="one pair" if len(pairs) == 1 else f"{len(pairs)} pairs",
        base=_base(exhibits["base"]),
        factors="".join(_factor(name, exhibits[name], reference[name]) for name in names),
        pairs="".join(_pair(name, exhibits[name], reference) for name in pairs) or "<p>This plan has none.</p>\n",
        severity=_severity(exhibits["severity"]),
        premium=_premium(plan, exhibits),
        rules=_rules(exhibits["rules"]),
        errors=_errors(plan),
    )


def _base(frame: pd.DataFrame) -> str:
    records = frame.to_dict("records")
    revenues = [f"{_significant(row['annual_revenue']):,.0f}" for row in records]
    rates = [
        [text for p in PERILS for text in (f"{100 * row[f'rate_{p}']:.4f}", _decimals(row[f"standard_error_{p}"]))]
        for row in records
    ]
    medians = [[f"{np.exp(row[f'location_{peril}']):,.0f}" for peril in PERILS] for row in records]
    return _rated_table(
        "Claims a year above the basis per 100 policies with every factor at its reference cell; standard errors of "
        "the logarithm.",
        ("Revenue, USD", "rate"),
        frame,
        (revenues, rates),
    ) + _table(
        "Median excess of a claim over the basis, USD, with every factor at its reference cell.",
        _one_head(["Revenue, USD", *PERIL_TITLES.values()]),
        revenues,
        medians,
    )


def _factor(name: str, frame: pd.DataFrame, base: int) -> str:
    records = frame.to_dict("records")
    cells = [str(row["cell"]) for row in records]
    shown = [
        [text for p in PERILS for text in (f"{row[f'relativity_{p}']:.3f}", _decimals(row[f"standard_error_{p}"]))]
        for row in records
    ]
    more = "; exposure in years and claims, as evidence weighs them" if "exposure" in frame.columns else ""
    caption = f"{_title(name)}: frequency relativities, standard errors of their logarithm{more}."
    body = _rated_table(caption, ("Cell", "relativity"), frame, (cells, shown), base)
    shifted = [peril for peril in PERILS if not np.allclose(frame[f"severity_{peril}"], 1.0, atol=1e-12)]
    if shifted:
        body += _table(
            f"{_title(name)}: severity relativities; 1.000 for perils not shown.",
            _one_head(["Cell", *(PERIL_TITLES[peril] for peril in shifted)]),
            cells,
            [[f"{row[f'severity_{peril}']:.3f}" for peril in shifted] for row in records],
            lambda row, _: row == base,
        )
    return _part(name, _title(name), _about_signal(name) + body)


def _about_signal(name: str) -> str:
    about = signals().get(name)
    if about is None:
        return ""
    fades = "does not fade" if about.is_context else f"half-life {about.half_life_days:g} days"
    return f"<p><code>{escape(name)}</code>: {escape(about.unit)}; {escape(about.domain)}; {fades}.</p>\n"


def _pair(name: str, frame: pd.DataFrame, reference: Mapping[str, int]) -> str:
    one, other = name.split(" x ")
    rows, columns = list(dict.fromkeys(frame[one])), list(dict.fromkeys(frame[other]))
    shape = (len(rows), len(columns))
    head = (
        f'<tr><th scope="col" rowspan="2">{escape(_title(one))}</th>'
        f'<th scope="colgroup" colspan="{shape[1]}">{escape(_title(other))}</th></tr>\n{_heads(columns)}'
    )

    def grid(caption: str, cells: Grid) -> str:
        at = (reference[one], reference[other])
        return _table(f"{_pair_title(name)}: {caption}.", head, rows, cells, lambda i, j: (i, j) == at)

    def numbers(column: str) -> Floats:
        return np.asarray(frame[column], dtype=float).reshape(shape)

    rates = {peril: (numbers(f"relativity_{peril}"), numbers(f"standard_error_{peril}")) for peril in PERILS}
    first, error = rates[PERILS[0]]
    alike = all(np.allclose(r, first) and np.allclose(e, error, equal_nan=True) for r, e in rates.values())
    body = ""
    for peril in PERILS[:1] if alike else PERILS:
        whom = "all perils" if alike else PERIL_TITLES[peril]
        caption = f"frequency relativities, {whom} (standard error of the logarithm)"
        body += grid(caption, _both(*rates[peril], lambda r, e: f"{r:.3f}{'' if np.isnan(e) else f' ({e:.3f})'}"))
    for peril in PERILS:
        severity = numbers(f"severity_{peril}")
        if not np.allclose(severity, 1.0, atol=1e-12):
            cells = [[f"{x:.3f}" for x in row] for row in severity]
            body += grid(f"severity relativities, {PERIL_TITLES[peril]}", cells)
    if "exposure" in frame.columns:
        claims = np.sum([numbers(f"claims_{peril}") for peril in PERILS], axis=0)
        cells = _both(numbers("exposure"), claims, lambda years, n: f"{years:,.1f} / {n:,.1f}")
        body += grid("exposure in years / claims of all perils", cells)
    return _part(name, _pair_title(name), body)


def _both(one: Floats, other: Floats, show: Callable[[float, float], str]) -> Grid:
    return [[show(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]


def _severity(frame: pd.DataFrame) -> str:
    heads = {
        "sigma": "Sigma",
        "threshold": "Threshold, USD",
        "alpha": "Alpha",
        "cap": "Cap, USD",
        "small_median": "Median of small losses, USD",
        "small_log_sigma": "Their sigma",
        "small_revenue_exponent": "Their revenue exponent",
        "balance": "Balance",
    }
    rows = frame.to_dict("records")
    return _table(
        "Severity by peril.",
        _one_head(["Peril", *heads.values()]),
        [PERIL_TITLES[str(row["peril"])] for row in rows],
        [[_amount(row[key]) for key in heads] for row in rows],
    )


def _premium(plan: RatingPlan, exhibits: Mapping[str, pd.DataFrame]) -> str:
    index = plan.pricing.index
    heads = {
        "level": ("Level, expenses, loads and bounds.", ["Item", "Value"]),
        "risk_load": (
            "Risk load as a share of layer pure premium by limit, linear between; at least the floor above.",
            ["Limit, USD", *PERIL_TITLES.values()],
        ),
        "territory": ("Territory: differences in expense and law, net of the loss model.", ["Country group", "Factor"]),
        "market_index": (
            f"Market index, divided by its value of {index.calibration_date.isoformat()}; micro up to "  # noqa: ISC004
            f"{index.micro_revenue:,.0f} USD of revenue, mid from {index.mid_revenue:,.0f}, linear between.",
            ["Date", "Micro", "Mid"],
        ),
        "waiting_period": ("Waiting period: factor on the interruption part, linear between.", ["Hours", "Factor"]),
        "parts": (
            "Coverage parts: share of each in the cost of a claim; a sublimit limits its part.",
            ["Part", *PERIL_TITLES.values()],
        ),
        "scenarios": ("Market scenarios: change of the premium, when one is asked for.", ["Scenario", "Change"]),
        "surplus_lines": (
            "Surplus lines: tax and stamping fee as shares of premium, beside it.",
            ["State", "Tax", "Stamping fee"],
        ),
    }
    text = ""
    for name, (caption, titles) in heads.items():
        if name not in exhibits:
            continue
        show = _amount if name == "level" else _decimals
        rows = list(exhibits[name].itertuples(index=False))
        first = [_words(row[0]) if name in {"level", "parts"} else _text(row[0]) for row in rows]
        text += _table(caption, _one_head(titles), first, [[show(value) for value in row[1:]] for row in rows])
    return text


def _rules(frame: pd.DataFrame) -> str:
    titles = ["Rule", "Sentence", "When it holds", "When unknown", "Otherwise", "Rationale", "Evidence"]
    rows = [[str(value) for value in row] for row in frame.itertuples(index=False)]
    head = f"<tr>{''.join(_col(title) for title in titles)}</tr>\n"
    return _table("Rules in the plan's order.", head, [row[0] for row in rows], [row[1:] for row in rows], kind="")


def _errors(plan: RatingPlan) -> str:
    bags = plan.bag_deviations
    if bags is None or len(bags) < 2:
        return "This plan was made without bags, so it says nothing of its sampling error."
    n = len(bags)
    return (
        f"A standard error is the standard deviation of the log relativity over the plan's {n} bags, which are fits to "
        "bootstrap samples of one book. It estimates the sampling error of one fit. The plan is the mean of the bags: "
        "as they share the book, its own error is at most that, and not smaller by the square root of their number. Of "
        f"{n} bags a standard error is itself uncertain by about {1 / np.sqrt(2 * (n - 1)):.0%}. Constraints and "
        "penalties pull relativities towards none, which a standard error does not show. The CSV files hold 80 % "
        f"intervals from Student's distribution at {n - 1} degrees of freedom."
    )


def _rated_table(
    caption: str, heads: tuple[str, str], frame: pd.DataFrame, body: tuple[list[str], Grid], base: int = -1
) -> str:
    """Table of a number and its standard error by peril, with exposure and claims where there is a book."""
    first, cells = body
    top = f'<th scope="col" rowspan="2">{escape(heads[0])}</th>'
    top += "".join(f'<th scope="colgroup" colspan="2">{escape(title)}</th>' for title in PERIL_TITLES.values())
    under = [heads[1], "s.e."] * len(PERILS)
    if "exposure" in frame.columns:
        top += f'{_col("Exposure", " rowspan=2")}<th scope="colgroup" colspan="{len(PERILS)}">Claims</th>'
        under += PERIL_TITLES.values()
        columns = ["exposure", *(f"claims_{peril}" for peril in PERILS)]
        counted = frame[columns].to_numpy(dtype=float)
        cells = [[*row, *(f"{x:,.1f}" for x in more)] for row, more in zip(cells, counted, strict=True)]
    return _table(caption, f"<tr>{top}</tr>\n{_heads(under)}", first, cells, lambda row, _: row == base)


def _table(
    caption: str,
    head: str,
    first: Sequence[str],
    cells: Sequence[Sequence[str]],
    marked: Callable[[int, int], bool] = lambda _row, _column: False,
    *,
    kind: str = "n",
) -> str:
    """Table of texts: `first` heads the rows, `marked` says which cells of which rows are at the base."""
    body = ""
    for i, (label, row) in enumerate(zip(first, cells, strict=True)):
        whole = bool(row) and all(marked(i, j) for j in range(len(row)))
        body += f'<tr class="base"><th scope="row">{escape(label)}</th>' if whole else f"<tr>{_row_head(label)}"
        for j, text in enumerate(row):
            classes = f"{kind} base".strip() if marked(i, j) and not whole else kind
            body += f'<td class="{classes}">{escape(text)}</td>' if classes else f"<td>{escape(text)}</td>"
        body += "</tr>\n"
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _row_head(label: str) -> str:
    return f'<th scope="row">{escape(label)}</th>'


def _col(title: str, more: str = "") -> str:
    return f'<th scope="col"{more}>{escape(title)}</th>'


def _heads(titles: Iterable[str]) -> str:
    return f"<tr>{''.join(_col(title, ' class=n') for title in titles)}</tr>\n"


def _one_head(titles: Sequence[str]) -> str:
    return f"<tr>{_col(titles[0])}{''.join(_col(title, ' class=n') for title in titles[1:])}</tr>\n"


def _part(name: str, title: str, body: str) -> str:
    at = _anchor(name)
    head = f'<h3 id="{at}-title">{escape(title)}</h3>\n'
    return f'<section class="factor" id="{at}" aria-labelledby="{at}-title">\n{head}{body}</section>\n'


def _link(name: str, title: str) -> str:
    return f'<li><a href="#{_anchor(name)}">{escape(title)}</a></li>\n'


def _anchor(name: str) -> str:
    return "of-" + "".join(c if c.isalnum() else "-" for c in name)


def _title(name: str) -> str:
    about = signals().get(name)
    return _words(name) if about is None else about.title


def _pair_title(name: str) -> str:
    return " by ".join(map(_title, name.split(" x ")))


def _words(name: object) -> str:
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def _significant(value: object) -> float:
    """Five figures of a number: a plan rounds the logarithm of its revenues."""
    return float(f"{float(str(value)):.5g}")


def _decimals(value: object) -> str:
    number = float(str(value))
    return "" if np.isnan(number) else f"{number:.3f}"


def _amount(value: object) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"
