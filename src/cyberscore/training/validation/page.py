"""The validation pack as a page: what to show of each frame, and how to read it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cyberscore.training.validation.fit_sections import (
    LINE,
    cost_section,
    discrimination_section,
    double_lift_section,
    factors_section,
    murphy_section,
    predicted_risk_section,
    slices_section,
)
from cyberscore.training.validation.html_page import Section, TableOf, counted, page
from cyberscore.training.validation.keeping_sections import drift_section, monotonicity_section, stability_section


def validation_page(facts: Mapping[str, str], summary: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> str:
    """Build the page of a `Validation` from its facts, its summary and its frames."""
    told = " ".join(facts.values()).lower()
    lead = [
        (
            "How well a rating plan foretold the claims of a book: does it tell risks apart, is its level right in "
            "every "
            "slice, has the book's mix moved, and would another sample have given the same plan?"
        ),
        "Fair only when the plan was not learned from this book. A claim is a loss above 10,000 USD.",
    ]
    if "simulat" in told:
        lead.insert(1, "Simulated data: " + _simulated(facts) + " Nothing here was measured on real claims.")
    sections = [
        _overview(summary, frames),
        discrimination_section(frames),
        murphy_section(frames["murphy"]),
        predicted_risk_section(frames),
        slices_section(frames["calibration"]),
        factors_section(frames),
        double_lift_section(facts, frames),
        cost_section(frames["cost_per_claim"]),
        drift_section(frames),
        monotonicity_section(frames["monotonicity"]),
        stability_section(frames),
    ]
    return page(f"Validation of {facts['Plan']}", lead=lead, facts=facts, sections=[s for s in sections if s])


def _simulated(facts: Mapping[str, str]) -> str:
    learned, judged = ("simulat" in facts[name].lower() for name in ("Learned from", "Judged on"))
    if learned and judged:
        return "the plan was learned from a simulated market, and the book is simulated too."
    return "the plan was learned from a simulated market." if learned else "the book is simulated."


def _overview(summary: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> Section:
    book = frames["calibration"]
    book = book[book["dimension"] == "book"].drop(columns="slice")
    found = book.merge(frames["discrimination"][["line", "gini", "d2"]], on="line")
    found = found.merge(frames["slopes"][["line", "slope"]], on="line", how="left")
    if "share_of_explainable" in frames["discrimination"]:
        found = found.merge(frames["discrimination"][["line", "share_of_explainable"]], on="line")
    slices, drift = summary["slices"], summary["drift"]
    judged, outside = slices["judged"], slices["interval_leaves_out_1"]
    whole = summary["actual_over_expected"]["all"]
    rejected = len(summary["factor_levels_rejected"])
    return Section(
        "overview",
        "At a glance",
        [
            (
                f"{whole['actual']:,.0f} claims came where {whole['expected']:,.1f} were expected: actual over "
                "expected "
                f"{whole['ratio']:.2f} (95 % {whole['low']:.2f} to {whole['high']:.2f})."
            ),
            f"Slices of the book (by predicted risk, year, revenue, evidence) whose interval leaves out 1: {outside} "
            "of "
            f"{judged}; chance alone gives up to about {0.05 * judged:.0f}. "
            f"{counted(rejected, 'factor level')} rejected after allowing for many tests. "
            f"{counted(len(drift['act']), 'factor')} drifted beyond .25, {len(drift['watch'])} beyond .1. "
            + ("Better security never costs more." if summary["monotone"] else "Tables are out of order: see below."),
        ],
        [
            TableOf(
                "All perils, and each",
                found,
                {
                    "line": LINE,
                    "actual": ("actual claims", ",.0f"),
                    "expected": ("expected", ",.1f"),
                    "ratio": ("actual / expected", ".2f"),
                    "low": ("95 % from", ".2f"),
                    "high": ("to", ".2f"),
                    "gini": ("Gini", ".3f"),
                    "d2": ("D2", ".3f"),
                    "slope": ("slope", ".2f"),
                    "share_of_explainable": ("share of what could be explained", ".3f"),
                },
            )
        ],
    )
