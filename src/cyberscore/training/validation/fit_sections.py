"""Sections of the validation page on how a plan fits a book: discrimination, calibration, double lift, cost."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from cyberscore.training.validation import plots
from cyberscore.training.validation.discrimination import LEAST_CLAIMS
from cyberscore.training.validation.html_page import Figure, Section, TableOf, counted

LINE = ("peril", "")
SLICE_COLUMNS = {
    "slice": ("", ""),
    "policies": ("terms", ",.0f"),
    "exposure": ("years", ",.0f"),
    "actual": ("actual", ",.0f"),
    "expected": ("expected", ",.1f"),
    "ratio": ("actual / expected", ".2f"),
    "low": ("95 % from", ".2f"),
    "high": ("to", ".2f"),
}


def told(value: float, shape: str) -> str:
    """Return a number in words of a sentence; what cannot be told is no number."""
    return format(value, shape) if np.isfinite(value) else "not a number"


def untold(found: pd.DataFrame, column: str, why: str) -> list[str]:
    """Say of which lines a measure is not a number, and why; nothing where it is one everywhere."""
    lines = [str(line).replace("_", " ") for line in found.loc[found[column].isna(), "line"]]
    return [f"Not a number (-) for {', '.join(lines)}: {why}."] if lines else []


def discrimination_section(frames: Mapping[str, pd.DataFrame]) -> Section:
    """Gini, deviance and concentration curve."""
    found = frames["discrimination"]
    whole = found.iloc[0]
    columns = {
        "line": LINE,
        "claims": ("claims", ",.0f"),
        "gini": ("Gini", ".3f"),
        "gini_low": ("95 % from", ".3f"),
        "gini_high": ("to", ".3f"),
        "deviance": ("Poisson deviance", ",.1f"),
        "deviance_of_mean": ("of the mean rate", ",.1f"),
        "d2": ("D2", ".4f"),
        "share_of_explainable": ("share of what could be explained", ".3f"),
    }
    if found["gini_low"].notna().any():
        columns["samples"] = ("samples with a claim", ",.0f")
    text = [
        (
            "Gini: how far claims gather where the plan expects them, 0 for no order; terms are ordered by expected "
            "claims a "
            "year. Its interval is a bootstrap of insureds. D2: share of the Poisson deviance of the mean rate that "
            "the plan "
            "removes. Claims are rare, so even the true rates would reach a few hundredths only."
        ),
    ]
    text += untold(found, "gini", "Gini and D2 need two claims, and more than one term to order")
    text += untold(
        found, "gini_low", "the interval of a Gini needs claims of two insureds; samples without a claim are left out"
    )
    if "share_of_explainable" in found:
        text.append(
            "The truth of this book is known: the last column is the share of the divergence between mean rate and "
            "true "
            "rates that the plan removes, 1 for the truth itself, which no insurer can see."
        )
    parts: list[Figure | TableOf] = [
        Figure(
            "Concentration curve, all perils. Dashed: what the plan itself expects.",
            f"Concentration curve of claims against exposure, least risky first, below the diagonal; Gini "
            f"{told(whole['gini'], '.3f')}.",
            partial(plots.plot_lorenz, frames["lorenz"]),
            4.8,
            4.4,
        ),
        TableOf("Discrimination by peril", found, columns),
    ]
    if "other_discrimination" in frames:
        parts.append(TableOf("Discrimination of the other plan", frames["other_discrimination"], columns))
    return Section("discrimination", "Telling risks apart", text, parts)


def murphy_section(found: pd.DataFrame) -> Section:
    """Murphy decomposition."""
    whole = found.iloc[0]
    drawn = found.dropna(subset="uncertainty")
    shown = found.assign(
        net=found["discrimination"] - found["miscalibration"],
    )
    return Section(
        "murphy",
        "Miscalibration and discrimination",
        [
            (
                "The mean Poisson deviance a year = miscalibration - discrimination + uncertainty. Miscalibration is "
                "what recalibrating the plan's rates could save, discrimination what its order is worth, uncertainty "
                "the deviance of the mean rate. Isotonic recalibration also fits noise: with few claims the first two "
                "are too high, by about as much."
            ),
            *untold(found, "uncertainty", "it needs two claims, more than one term, and terms that differ in claims"),
        ],
        [
            *(
                [
                    Figure(
                        "Shares of uncertainty, %.",
                        "Bars by peril; all perils: discrimination "
                        f"{told(whole['discrimination'] / whole['uncertainty'], '.1%')} and miscalibration "
                        f"{told(whole['miscalibration'] / whole['uncertainty'], '.1%')} of uncertainty.",
                        partial(plots.plot_murphy, drawn),
                        7.0,
                        3.2,
                    )
                ]
                if len(drawn)
                else []
            ),
            TableOf(
                "Murphy decomposition of the mean Poisson deviance a year",
                shown,
                {
                    "line": LINE,
                    "score": ("score", ".5f"),
                    "miscalibration": ("miscalibration", ".5f"),
                    "discrimination": ("discrimination", ".5f"),
                    "uncertainty": ("uncertainty", ".5f"),
                    "net": ("discrimination - miscalibration", ".5f"),
                },
            ),
        ],
    )


def predicted_risk_section(frames: Mapping[str, pd.DataFrame]) -> Section:
    """Calibration by predicted risk."""
    found = frames["calibration"]
    bands = found[(found["dimension"] == "predicted risk") & (found["line"] == "all")]
    rates = bands["actual"] / bands["exposure"]
    lift = rates.iloc[-1] / rates.iloc[0] if rates.iloc[0] > 0 else float("nan")
    spread = bands["expected"] / bands["exposure"]
    return Section(
        "predicted-risk",
        "By predicted risk",
        [
            (
                "Bands of about equal exposure by expected claims a year. Intervals of actual over expected are "
                "exact Poisson "
                "ones; a marked row's interval leaves out 1, which one in twenty does by chance."
            ),
            "Slope: how claims rise with the predicted log rate; below 1 the plan spreads risks too far.",
            *untold(
                frames["slopes"],
                "slope",
                "a slope needs two claims, more than one predicted rate, and claims not all at one end of the rates",
            ),
        ],
        [
            Figure(
                "Decile lift: claims of each band over the mean.",
                f"Bars rise from the least to the most risky band; claims of the last band over those of the first: "
                f"{told(lift, '.1f')}; expected: {spread.iloc[-1] / spread.iloc[0]:.1f}.",
                partial(plots.plot_lift, found),
            ),
            Figure(
                "Reliability: actual against expected claims a year, logarithmic scales; vertical lines are 95 % "
                "intervals.",
                "Points of the bands of predicted risk around the diagonal where actual equals expected.",
                partial(plots.plot_reliability, found),
                4.8,
                4.4,
            ),
            TableOf("Bands of predicted risk, all perils", bands, SLICE_COLUMNS),
            TableOf(
                "Calibration slopes",
                frames["slopes"],
                {
                    "line": LINE,
                    "ratio": ("actual / expected", ".2f"),
                    "slope": ("slope", ".2f"),
                    "slope_low": ("95 % from", ".2f"),
                    "slope_high": ("to", ".2f"),
                },
            ),
            TableOf(
                "Bands of predicted risk by peril",
                found[(found["dimension"] == "predicted risk") & (found["line"] != "all")],
                {"line": LINE, **SLICE_COLUMNS},
                folded=True,
            ),
        ],
    )


def slices_section(found: pd.DataFrame) -> Section:
    """Calibration by year, revenue and evidence weight."""
    parts: list[Figure | TableOf] = []
    for dimension in ("year", "revenue", "evidence weight"):
        own = found[(found["dimension"] == dimension) & (found["line"] == "all")]
        if own.empty:
            continue
        worst = own.iloc[int((own["ratio"] - 1.0).abs().to_numpy().argmax())]
        parts += [
            Figure(
                f"Actual over expected by {dimension}, with 95 % Poisson intervals.",
                f"Points with intervals for {len(own)} slices; furthest from 1 is {worst['slice']} at "
                f"{worst['ratio']:.2f}.",
                partial(plots.plot_actual_over_expected, found, dimension=dimension),
                7.0,
                3.2,
            ),
            TableOf(f"By {dimension}, all perils", own, SLICE_COLUMNS),
            TableOf(
                f"By {dimension} and peril",
                found[(found["dimension"] == dimension) & (found["line"] != "all")],
                {"line": LINE, **SLICE_COLUMNS},
                folded=True,
            ),
        ]
    return Section(
        "slices",
        "By year, revenue and evidence",
        [
            (
                "Revenue in USD. Evidence weight is the mean weight of what was observed of a firm over the signals "
                "that "
                "fade: 0 knows nothing, 1 everything, freshly and from the best source."
            )
        ],
        parts,
    )


def factors_section(frames: Mapping[str, pd.DataFrame]) -> Section:
    """Calibration by level of every factor."""
    levels = frames["factor_levels"]
    pooled = levels[levels["line"] == "all"]
    tests = frames["identification"]
    columns = {"dimension": ("factor", ""), **SLICE_COLUMNS, "slice": ("level", "")}
    doubtful = pooled[pooled["outside"]]
    flagged = tests[tests["flagged"]]
    return Section(
        "factors",
        "By factor level",
        [
            (
                f"Levels whose interval leaves out 1: {len(doubtful)} of {len(pooled)}; chance alone gives up to about "
                f"{0.05 * len(pooled):.0f}."
            ),
            (
                "The identification test asks whether predicted less actual claims a year have mean 0 given a level "
                "(exact "
                f"Poisson test, Holm's step-down over all levels): {counted(len(flagged), 'level')} rejected."
            ),
        ],
        [
            TableOf("Levels whose interval leaves out 1", doubtful.drop(columns="outside"), columns),
            TableOf(
                "Smallest p-values of the identification test",
                tests.sort_values("p_value", kind="stable").head(10),
                {
                    "factor": ("factor", ""),
                    "slice": ("level", ""),
                    "policies": ("terms", ",.0f"),
                    "bias": ("predicted less actual, a year", "+.5f"),
                    "stderr": ("standard error", ".5f"),
                    "p_value": ("p", ".4f"),
                    "flagged": ("rejected", ""),
                },
            ),
            TableOf("All levels of all factors", pooled, columns, folded=True),
        ],
    )


def double_lift_section(facts: Mapping[str, str], frames: Mapping[str, pd.DataFrame]) -> Section | None:
    """Double lift, or None without another plan."""
    if "double_lift" not in frames:
        return None
    name, other = facts["Plan"], facts["Held against"].rsplit(" (", 1)[0]
    other = f"{other} (other)" if other == name else other
    found = frames["double_lift"]
    own = found[found["line"] == "all"]
    error, error_other = (
        float((own["actual"] - own[e]).abs().sum() / own["actual"].sum())
        if own["actual"].sum() >= LEAST_CLAIMS
        else float("nan")
        for e in ("expected", "expected_other")
    )
    few = own["actual"].sum() < LEAST_CLAIMS
    return Section(
        "double-lift",
        "Against another plan",
        [
            *(["With fewer than two claims nothing is told of which plan is right."] if few else []),
            (
                f"Terms ordered by what {other} expects over what {name} does. Where the two differ, the one that "
                "follows the "
                f"actual claims is right. Mean distance from the actual claims over the bands: {told(error, '.1%')} "
                f"for {name}, {told(error_other, '.1%')} for {other}."
            ),
        ],
        [
            Figure(
                f"Double lift, all perils: {name} and {other}.",
                "Bars of actual claims by band of the ratio, with the two plans' expected claims as lines; mean "
                "distance "
                f"{told(error, '.1%')} and {told(error_other, '.1%')}.",
                partial(plots.plot_double_lift, found, name=name, other=other),
            ),
            TableOf(
                "Double lift, all perils",
                own,
                {
                    "band": ("band", ""),
                    "ratio_low": ("ratio from", ".2f"),
                    "ratio_high": ("to", ".2f"),
                    "policies": ("terms", ",.0f"),
                    "actual": ("actual", ",.0f"),
                    "expected": (f"expected by {name}", ",.1f"),
                    "expected_other": (f"by {other}", ",.1f"),
                    "actual_over_expected": (f"actual / {name}", ".2f"),
                    "actual_over_expected_other": (f"actual / {other}", ".2f"),
                },
            ),
        ],
    )


def cost_section(found: pd.DataFrame) -> Section:
    """Cost of a claim."""
    return Section(
        "cost",
        "Cost of a claim",
        [
            (
                "Mean cost in the policy's own layer, of claims above 10,000 USD. With a heavy tail the interval, a "
                "normal one, "
                "is too narrow: a few claims decide. An open claim stands at what the plan expects of one that costs "
                "at least "
                "what is paid."
            ),
            *untold(found, "actual", "there is no claim"),
            *untold(
                found[found["claims"] > 0], "low", "an interval needs two claims, and claims that do not cost the same"
            ),
        ],
        [
            TableOf(
                "Actual and expected mean cost of a claim, USD",
                found,
                {
                    "line": LINE,
                    "claims": ("claims", ",.0f"),
                    "open": ("of them open", ",.0f"),
                    "actual": ("actual", ",.0f"),
                    "expected": ("expected", ",.0f"),
                    "ratio": ("actual / expected", ".2f"),
                    "low": ("95 % from", ".2f"),
                    "high": ("to", ".2f"),
                },
            )
        ],
    )
