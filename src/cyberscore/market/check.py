"""The simulated market against the figures of published.toml: callers are the command `market check` and apps."""

import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cyberscore.market.measures import MEASURES
from cyberscore.market.parameters import MarketParameters, market_parameters
from cyberscore.market.sample import Sample, draw_sample

N_POLICIES, SEED = 200_000, 20261123
_PARTS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure, how it is measured on a simulated book, and how far that may lie from it.

    `evidence` holds the ids of the published rows; `why` explains a miss that is left to stand, or is empty; what is
    not `counted` is of a population or a contrast that the market does not hold, and `why` says so.
    """

    name: str
    evidence: tuple[str, ...]
    what: str
    source: str
    measure: str
    parameters: Mapping[str, Any]
    published: float
    low: float
    high: float
    why: str
    counted: bool

    def taken_on(self, sample: Sample) -> float:
        """Return the value on a simulated book: NaN where it holds nothing of the kind."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
            try:
                return MEASURES[self.measure](sample, **self.parameters)
            except ZeroDivisionError:
                return float("nan")


@cache
def published_figures() -> tuple[Figure, ...]:
    """Figures of published.toml, in its order."""
    raw = tomllib.loads(files("cyberscore.market").joinpath("published.toml").read_text(encoding="utf-8"))
    rules = raw.pop("rules")
    return tuple(_figure(name, about, rules) for name, about in raw.items())


def _figure(name: str, about: dict[str, Any], rules: dict[str, dict[str, float]]) -> Figure:
    if ("rule" in about) == ("range" in about):
        raise ValueError(f"published.toml: {name} needs either a rule or a range of its source")
    value = float(about["published"])
    low, high = about["range"] if "range" in about else _range(value, rules[about["rule"]])
    also = float(about.get("also", value))
    parameters = dict(about["measure"])
    measure = parameters.pop("name")
    if measure not in MEASURES:
        raise ValueError(f"published.toml: {name} asks for the measure {measure!r}; there are {', '.join(MEASURES)}")
    return Figure(
        name=name,
        evidence=tuple(about["evidence"]),
        what=about["what"],
        source=about["source"],
        measure=measure,
        parameters=parameters,
        published=value,
        low=min(float(low), also),
        high=max(float(high), also),
        why=about.get("outside", about.get("why", "")),
        counted="outside" not in about,
    )


def _range(value: float, rule: dict[str, float]) -> tuple[float, float]:
    """Range about a published value: a share of it, a share of its logarithm, or points."""
    if "share" in rule:
        ends = [value * (1 - rule["share"]), value * (1 + rule["share"])]
    elif "log_share" in rule:
        ends = [value ** (1 - rule["log_share"]), value ** (1 + rule["log_share"])]
    else:
        ends = [value - rule["points"], value + rule["points"]]
    return min(ends), max(ends)


def check(
    n_policies: int = N_POLICIES, seed: int = SEED, *, parameters: MarketParameters | None = None
) -> pd.DataFrame:
    """Compare the simulated market with published figures.

    Parameters
    ----------
    n_policies : int
        Policies to simulate, of one year each, at least 1,000. Severities rest on 40 years of their losses.
    seed : int
        Same seed, same answer.
    parameters : MarketParameters, optional
        Default: as shipped.

    Returns
    -------
    DataFrame, one row a figure
        name; evidence (ids of the published rows); what (was counted, in which population); source (publisher and
        year); published; low, high (the range stated for it); simulated; standard_error (of the simulated value, from
        ten parts of the book; missing where a part is too small); within (simulated lies in the range); clear (it is
        on its side of the range by two standard errors); counted (False where the figure's population or contrast has
        something that the market has not); why (that, or the explanation of a miss that is left to stand, or empty).
        Units are told in `what`: claims per 100 policies, percent, USD or ratios.

    Notes
    -----
    Frequencies are expected ones, not counts of drawn claims, so that what noise there is comes from who is insured.
    Contrasts between controls hold nothing else equal and use the view of the source (a scan, an attestation), as the
    published ones do: they are not the effects that the market is made from.
    """
    if n_policies < 1_000:
        raise ValueError(f"n_policies must be at least 1,000; got {n_policies}")
    sample = draw_sample(n_policies, seed, parameters or market_parameters())
    edges = np.linspace(0, n_policies, _PARTS + 1).astype(int)
    parts = [sample.part(int(start), int(stop)) for start, stop in pairwise(edges)]
    return pd.DataFrame([_row(figure, sample, parts) for figure in published_figures()])


def _row(figure: Figure, sample: Sample, parts: list[Sample]) -> dict[str, Any]:
    simulated = figure.taken_on(sample)
    of_parts = np.array([figure.taken_on(part) for part in parts])
    error = float(of_parts.std(ddof=1) / np.sqrt(len(parts))) if np.isfinite(of_parts).all() else float("nan")
    to_edge = min(abs(simulated - figure.low), abs(simulated - figure.high))
    return {
        "name": figure.name,
        "evidence": " ".join(figure.evidence),
        "what": figure.what,
        "source": figure.source,
        "published": figure.published,
        "low": figure.low,
        "high": figure.high,
        "simulated": simulated,
        "standard_error": error,
        "within": figure.low <= simulated <= figure.high,
        "clear": to_edge > 2 * error,
        "counted": figure.counted,
        "why": figure.why,
    }


def unexplained(found: pd.DataFrame) -> list[str]:
    """Names of the figures that a check found clearly missed and that nothing explains."""
    return [str(name) for name in found.loc[~found["within"] & found["clear"] & (found["why"] == ""), "name"]]


def summary(found: pd.DataFrame) -> str:
    """Say in a sentence how many figures a check found met, missed and not counted."""
    counted, others = found[found["counted"]], found[~found["counted"]]
    met, open_questions = int(counted["within"].sum()), unexplained(found)
    explained = int((~counted["within"] & (counted["why"] != "")).sum())
    text = f"{met} of {len(counted)} figures within their range ({met / len(counted):.0%})"
    text += f", {explained} missed and explained"
    if undecided := len(counted) - met - explained - len(open_questions):
        text += f", {undecided} missed by less than two standard errors"
    text += f", {len(open_questions)} missed and not explained"
    if open_questions:
        text += f" ({', '.join(open_questions)})"
    within = int(others["within"].sum())
    return f"{text}; {len(others)} more are of what the market does not hold ({within} within)"
