"""A comparison of two plans as a page: what to show of each frame, and how to read it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from cyberscore.training.validation import plots
from cyberscore.training.validation.html_page import Figure, Section, TableOf, page

SLICE_COLUMNS = {
    "slice": ("", ""),
    "policies": ("terms", ",.0f"),
    "book_ratio": ("ratio of sums", ".3f"),
    "median": ("median ratio", ".3f"),
    "low": ("5 % below", ".3f"),
    "high": ("5 % above", ".3f"),
    "moved_25": ("move over 25 %", ".1%"),
}


def comparison_page(facts: Mapping[str, str], summary: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> str:
    """Build the page of a `Comparison` from its facts, its summary and its frames."""
    old, new = (facts[name].rsplit(" (", 1)[0] for name in ("Old plan", "New plan"))
    lead = [
        (
            "How a new rating plan moves a book: how far each policy's expected loss moves, who moves most, and "
            "which cells "
            "of the tables move them. Ratios are new over old."
        )
    ]
    if "simulat" in " ".join(facts.values()).lower():
        lead.append("Simulated data: at least one of the plans was learned from, or the book is, a simulated market.")
    sections = [_overview(summary, frames), _who(frames), _bands(summary, frames["bands"]), _why(frames), _top(frames)]
    return page(f"{new} against {old}", lead=lead, facts=facts, sections=sections)


def _overview(summary: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> Section:
    loss = summary["distribution"]["expected loss"]
    quantiles = {
        name: (f"{int(name[1:])} %", ".3f") for name in map(str, frames["distribution"].columns) if name.startswith("q")
    }
    return Section(
        "overview",
        "How far policies move",
        [
            (
                f"The book's expected loss moves by {summary['book_ratio'] - 1:+.1%}, its technical premium by "
                f"{summary['premium_ratio'] - 1:+.1%}. The expected loss of {loss['up_10'] + loss['down_10']:.1%} of "
                "terms "
                f"moves by more than 10 %, that of {loss['up_25'] + loss['down_25']:.1%} by more than 25 %."
            ),
        ],
        [
            Figure(
                "Change of expected loss, on a logarithmic scale. Dashed: 10 and 25 % either way.",
                f"Histogram of the change; median {loss['q50'] - 1:+.1%}, nine in ten terms between "
                f"{loss['q05'] - 1:+.1%} "
                f"and {loss['q95'] - 1:+.1%}.",
                partial(plots.plot_dislocation, frames["moves"]),
                7.0,
                3.2,
            ),
            TableOf(
                "Quantiles of the ratio over terms",
                frames["distribution"],
                {"measure": ("ratio of", ""), **quantiles, "mean": ("mean", ".3f")},
            ),
            TableOf(
                "Share of terms that move by more",
                frames["distribution"],
                {
                    "measure": ("ratio of", ""),
                    "down_25": ("down over 25 %", ".1%"),
                    "down_10": ("down over 10 %", ".1%"),
                    "up_10": ("up over 10 %", ".1%"),
                    "up_25": ("up over 25 %", ".1%"),
                },
            ),
        ],
    )


def _who(frames: Mapping[str, pd.DataFrame]) -> Section:
    return Section(
        "who",
        "Who moves",
        ["Expected losses; the first ratio is that of summed losses, the others are over terms. Revenue in USD."],
        [
            TableOf("By revenue", frames["by_revenue"], SLICE_COLUMNS),
            TableOf("By sector", frames["by_sector"], SLICE_COLUMNS),
        ],
    )


def _bands(summary: Mapping[str, Any], bands: pd.DataFrame) -> Section:
    columns = {"band_old": ("old band", "")} | {name: (f"new {name}", ".1%") for name in bands.columns}
    return Section(
        "bands",
        "Bands",
        [
            (
                f"{summary['share_in_the_same_band']:.1%} of terms keep their band (A the safest), in the standard "
                "layer and "
                "each plan by its own edges."
            )
        ],
        [TableOf("Share of the book by old and new band", bands.rename_axis("band_old").reset_index(), columns)],
    )


def _why(frames: Mapping[str, pd.DataFrame]) -> Section:
    parts = frames["parts"]
    moved = parts[parts["mean_absolute"] > 0]
    first = f"the largest is {moved.iloc[0]['part']}" if len(moved) else "there is none"
    return Section(
        "why",
        "Why they move",
        [
            (
                "Each term's log ratio of expected loss is split exactly among base rates, balance, severity, "
                "factors and pairs; "
                "a contribution of .05 is about 5 %. Cells are compared as they are filed: a change of the cell at "
                "which "
                "relativities are stated as 1 shows in the base as well."
            )
        ],
        [
            Figure(
                "Contributions by part, over terms: bars are the mean size, diamonds the mean with its sign.",
                f"Bars by part of the plan; {first}.",
                partial(plots.plot_contributions, parts),
                7.0,
                0.9 + 0.25 * min(max(len(moved), 1), 15),
            ),
            TableOf(
                "Contributions by part",
                moved,
                {
                    "part": ("part", ""),
                    "mean": ("mean", "+.4f"),
                    "mean_absolute": ("mean size", ".4f"),
                },
                folded=True,
            ),
            TableOf(
                "Cells that move the book most (first 25)",
                frames["cells"].head(25),
                {
                    "part": ("factor", ""),
                    "slice": ("level", ""),
                    "share": ("share of book", ".1%"),
                    "log_relativity_change": ("change of log relativity", "+.3f"),
                    "contribution": ("contribution", "+.4f"),
                },
            ),
        ],
    )


def _top(frames: Mapping[str, pd.DataFrame]) -> Section:
    return Section(
        "top-movers",
        "Who moves most",
        ["The terms whose expected loss moves furthest, either way, and the three largest reasons."],
        [
            TableOf(
                "Terms that move most",
                frames["top_movers"],
                {
                    "policy_id": ("policy", ""),
                    "annual_revenue": ("revenue", ",.0f"),
                    "sector": ("sector", ""),
                    "expected_loss_old": ("old expected loss", ",.0f"),
                    "expected_loss_new": ("new", ",.0f"),
                    "ratio": ("ratio", ".2f"),
                    "why": ("largest reasons", ""),
                },
            )
        ],
    )
