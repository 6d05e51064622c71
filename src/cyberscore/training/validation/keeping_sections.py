"""Sections of the validation page on whether a plan will keep: drift, order, stability."""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from cyberscore.training.validation import plots
from cyberscore.training.validation.html_page import Figure, Section, TableOf, counted

SHOWN_CELLS = 30


def drift_section(frames: Mapping[str, pd.DataFrame]) -> Section:
    """Drift of the book's mix."""
    found = frames["drift"]
    columns = {
        "factor": ("factor", ""),
        "psi": ("PSI", ".3f"),
        "flag": ("", ""),
        "moved": ("level that moved most", ""),
        "share_then": ("share then", ".1%"),
        "share_now": ("share now", ".1%"),
    }
    worst = found.iloc[0]
    parts: list[Figure | TableOf] = [
        Figure(
            "Population stability index, the most drifted factors.",
            f"Bars by factor; the largest is {worst['factor']} at {worst['psi']:.3f}.",
            partial(plots.plot_drift, found),
            7.0,
            0.8 + 0.25 * min(len(found), 15),
        ),
        TableOf("Drift of every factor since training", found, columns, folded=True),
    ]
    if "drift_by_year" in frames:
        by_year = frames["drift_by_year"].sort_values("psi", ascending=False, kind="stable")
        parts.append(
            TableOf("Largest drifts from one year to the next", by_year.head(10), {"year": ("to year", ""), **columns})
        )
    return Section(
        "drift",
        "Drift",
        [
            (
                "How the mix of each factor, weighted by evidence, differs from that of the book the plan was "
                "learned from. "
                "Population stability index: watch above .1, act above .25."
            )
        ],
        parts,
    )


def monotonicity_section(found: pd.DataFrame) -> Section:
    """Order of the tables."""
    wrong = int((~found["holds"]).sum())
    return Section(
        "monotonicity",
        "Order",
        [
            (
                "Better security must never cost more: no factor's log rate or log severity may fall from a level to "
                "a riskier "
                f"one, in any context of its pairs. {counted(wrong, 'factor')} of {len(found)} break the order."
            )
        ],
        [
            TableOf(
                "Order of every factor that runs from safest to riskiest",
                found.sort_values("range", ascending=False, kind="stable"),
                {
                    "factor": ("factor", ""),
                    "smallest_step": ("smallest step", ".6f"),
                    "range": ("largest rise, log rate", ".3f"),
                    "holds": ("holds", ""),
                },
                folded=wrong == 0,
            )
        ],
    )


def stability_section(frames: Mapping[str, pd.DataFrame]) -> Section:
    """Spread over bags."""
    if "cell_stability" not in frames or "policy_stability" not in frames:
        return Section("stability", "Stability", ["The plan holds no bags, so that its spread is not known."])
    cells, terms = frames["cell_stability"], frames["policy_stability"]
    middle, high = terms["sd_all"].quantile([0.5, 0.95])
    return Section(
        "stability",
        "Stability",
        [
            (
                f"Over the plan's bootstrap bags the predicted rate of a term has a spread of {middle:.1%} (median), "
                f"{high:.1%} or more for one term in twenty. That is the error of estimating the tables; what the "
                "tables cannot "
                "express is not in it."
            )
        ],
        [
            Figure(
                "Spread of each term's predicted rate over bags.",
                f"Histogram of the spread; median {middle:.1%}.",
                partial(plots.plot_policy_stability, terms),
                7.0,
                3.0,
            ),
            TableOf(
                "Relativities with the widest spread over bags, of levels with at least 1 % of the book (first "
                f"{SHOWN_CELLS})",
                cells[cells["share"] >= 0.01].head(SHOWN_CELLS),
                {
                    "factor": ("factor", ""),
                    "slice": ("level", ""),
                    "share": ("share of training book", ".1%"),
                    "log_relativity": ("log relativity, mean of perils", "+.3f"),
                    "sd": ("spread", ".3f"),
                    "largest_sd": ("largest of a peril", ".3f"),
                },
                folded=True,
            ),
        ],
    )
