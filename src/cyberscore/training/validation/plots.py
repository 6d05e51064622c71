"""Pictures of validation and comparison frames, with matplotlib; each takes a frame and an Axes, and returns the Axes.

Called by the pages of `validation` and `comparison`, and in notebooks.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cyberscore.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = "#2f7fc1", "#d9762b", "#3c9a5f", "#8a8f98"
"""Of middling lightness: readable on white and on near-black; ACTUAL is also told from EXPECTED by its markers."""


def new_axes(ax: "Axes | None" = None, *, width: float = 7.0, height: float = 3.6) -> "Axes":
    """Return `ax`, or the axes of a new figure.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415  an optional extra
    except ImportError as error:
        raise MissingExtraError(
            "plots need matplotlib, which is not installed: pip install 'cyberscore[validation]'"
        ) from error
    _, made = plt.subplots(figsize=(width, height), layout="constrained")
    return made


def _finish(ax: "Axes", *, x: str, y: str, grid: Literal["both", "x", "y"] = "y", legend: bool = True) -> "Axes":
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.grid(visible=True, axis=grid, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    if legend:
        ax.legend(
            frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2
        )  # off the data
    return ax


def _line(frame: pd.DataFrame, line: str) -> pd.DataFrame:
    found = frame[frame["line"] == line]
    if found.empty:
        raise ValueError(f"the frame has no line {line!r}; it has {', '.join(map(str, frame['line'].unique()))}")
    return found


def _claimed(frame: pd.DataFrame, line: str) -> pd.DataFrame:
    """Rows of a line that has claims.

    Raises
    ------
    ValueError
        Without a claim there is nothing to draw.
    """
    found = _line(frame, line)
    claims = found["actual"] if "actual" in found else found["share_of_claims"]
    if not claims.fillna(0.0).any():
        raise ValueError(f"{line} has no claim: there is nothing to draw")
    return found


def plot_lorenz(frame: pd.DataFrame, ax: "Axes | None" = None, *, line: str = "all") -> "Axes":
    """Draw `compute_lorenz`: share of claims against share of exposure, least risky first."""
    ax = new_axes(ax, width=4.8, height=4.4)
    own = _claimed(frame, line)
    x = own["share_of_exposure"]
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle=":", label="no order")
    ax.plot(x, own["share_of_expected"], color=ORANGE, linewidth=1.4, linestyle="--", label="expected")
    ax.plot(x, own["share_of_claims"], color=BLUE, linewidth=1.8, label="actual")
    ax.set_aspect("equal")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    return _finish(ax, x="share of exposure, least risky first", y="share of claims", grid="both")


def plot_actual_over_expected(
    frame: pd.DataFrame, ax: "Axes | None" = None, *, dimension: str, line: str = "all"
) -> "Axes":
    """Draw one dimension of `compute_calibration`: actual over expected with Poisson intervals, claims below."""
    ax = new_axes(ax)
    own = _line(frame[frame["dimension"] == dimension], line)
    at = np.arange(len(own))
    ratio = own["ratio"].to_numpy(dtype=float)
    low, high = own["low"].to_numpy(dtype=float), own["high"].to_numpy(dtype=float)
    outside = own["outside"].to_numpy(dtype=bool)
    ax.axhline(1.0, color=GREY, linewidth=1.0)
    for some, colour, marker, name in (
        (~outside, BLUE, "o", "interval holds 1"),
        (outside, ORANGE, "D", "it does not"),
    ):
        if some.any():
            error = np.array([ratio - low, high - ratio])[:, some]
            ax.errorbar(
                at[some], ratio[some], yerr=error, fmt=marker, color=colour, capsize=3, markersize=5, label=name
            )
    ax.set_xticks(at, [f"{name}\n{n:,.0f}" for name, n in zip(own["slice"], own["actual"], strict=True)], fontsize=8)
    ax.set_ylim(0.0, min(max(1.6, 1.1 * float(np.nanmax(high))), 3.0))
    return _finish(ax, x=f"{dimension} (claims below)", y="actual / expected")


def plot_reliability(frame: pd.DataFrame, ax: "Axes | None" = None, *, line: str = "all") -> "Axes":
    """Draw the bands of predicted risk of `compute_calibration`: actual rate against expected, on log scales."""
    ax = new_axes(ax, width=4.8, height=4.4)
    own = _line(frame[frame["dimension"] == "predicted risk"], line)
    expected = own["expected"].to_numpy() / own["exposure"].to_numpy()
    ratio, low, high = (own[name].to_numpy() for name in ("ratio", "low", "high"))
    seen = ratio > 0
    ax.plot(
        expected[seen], (ratio * expected)[seen], "o-", color=BLUE, linewidth=1.2, markersize=5, label="bands (95 %)"
    )
    ax.vlines(expected[seen], (low * expected)[seen], (high * expected)[seen], color=BLUE, linewidth=1.2)
    ends = np.array([expected.min() * 0.7, expected.max() * 1.4])
    ax.plot(ends, ends, color=GREY, linewidth=1.0, linestyle=":", label="actual = expected")
    for axis in ("x", "y"):
        getattr(ax, f"set_{axis}scale")("log")
        _percent_ticks(getattr(ax, f"{axis}axis"))
    return _finish(
        ax,
        x="expected claims a year",
        y="actual claims a year",
        grid="both",
    )


def _percent_ticks(axis: object) -> None:
    from matplotlib import ticker  # noqa: PLC0415  an optional extra

    axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))  # type: ignore[attr-defined]
    axis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{100 * x:g} %"))  # type: ignore[attr-defined]
    axis.set_minor_locator(ticker.NullLocator())  # type: ignore[attr-defined]


def plot_lift(frame: pd.DataFrame, ax: "Axes | None" = None, *, line: str = "all") -> "Axes":
    """Draw decile lift from `compute_calibration`: claims of each band of predicted risk, as a multiple of the mean."""
    ax = new_axes(ax)
    own = _claimed(frame[frame["dimension"] == "predicted risk"], line)
    at = np.arange(len(own))
    mean = own["actual"].sum() / own["exposure"].sum()
    ax.bar(at, own["actual"] / own["exposure"] / mean, color=BLUE, width=0.7, label="actual", alpha=0.85)
    ax.plot(at, own["expected"] / own["exposure"] / mean, color=ORANGE, marker="D", markersize=5, label="expected")
    ax.axhline(1.0, color=GREY, linewidth=1.0)
    ax.set_xticks(at, list(own["slice"]))
    return _finish(ax, x="band of predicted risk, least risky first", y="claims a year / mean")


def plot_double_lift(
    frame: pd.DataFrame,
    ax: "Axes | None" = None,
    *,
    line: str = "all",
    name: str = "this plan",
    other: str = "other plan",
) -> "Axes":
    """Draw `compute_double_lift`: claims a year of exposure, actual and by both plans, over the book's mean."""
    ax = new_axes(ax)
    own = _claimed(frame, line)
    at = np.arange(len(own))
    mean = own["actual"].sum() / own["exposure"].sum()
    rates = {column: own[column] / own["exposure"] / mean for column in ("actual", "expected", "expected_other")}
    ax.bar(at, rates["actual"], color=GREY, width=0.7, alpha=0.5, label="actual")
    ax.plot(at, rates["expected"], color=BLUE, marker="o", markersize=5, label=f"expected by {name}")
    ax.plot(at, rates["expected_other"], color=ORANGE, marker="D", markersize=5, label=f"expected by {other}")
    ax.set_xticks(at, [f"{a:.2f}\n to {b:.2f}" for a, b in zip(own["ratio_low"], own["ratio_high"], strict=True)])
    ax.tick_params(axis="x", labelsize=8)
    ax.set_ylim(0, 1.35 * max(float(rate.max()) for rate in rates.values()))
    return _finish(ax, x=f"{other} / {name}", y="claims a year / mean")


def plot_murphy(frame: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw `compute_murphy`: miscalibration and discrimination as shares of uncertainty, by line that has them."""
    ax = new_axes(ax, height=3.2)
    frame = frame.dropna(subset="uncertainty")
    at = np.arange(len(frame))
    for shift, name, colour in ((-0.2, "discrimination", BLUE), (0.2, "miscalibration", ORANGE)):
        value = 100.0 * frame[name] / frame["uncertainty"]
        bars = ax.barh(at + shift, value, height=0.36, color=colour, label=name)
        ax.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    ax.set_yticks(at, [_spaced(name) for name in frame["line"]])
    ax.invert_yaxis()
    ax.margins(x=0.12)
    return _finish(ax, x="% of uncertainty", y="", grid="x")


def plot_drift(frame: pd.DataFrame, ax: "Axes | None" = None, *, n_factors: int = 15) -> "Axes":
    """Draw `compute_drift`: the most drifted factors, with the thresholds of watch and act."""
    own = frame.head(n_factors)
    ax = new_axes(ax, height=0.8 + 0.25 * len(own))
    at = np.arange(len(own))
    ax.barh(at, own["psi"], color=[ORANGE if flag else BLUE for flag in own["flag"]], height=0.7)
    for threshold, name in ((0.1, "watch"), (0.25, "act")):
        ax.axvline(threshold, color=GREY, linestyle="--", linewidth=1.0)
        ax.annotate(name, (threshold, 0.02), xycoords=("data", "axes fraction"), xytext=(3, 0),
                    textcoords="offset points", fontsize=8)  # fmt: skip
    ax.set_yticks(at, [_spaced(name) for name in own["factor"]])
    ax.invert_yaxis()
    ax.set_xlim(0, max(0.3, 1.1 * float(own["psi"].max())))
    return _finish(ax, x="population stability index", y="", grid="x", legend=False)


def plot_policy_stability(frame: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw `compute_policy_stability`: how many terms have which spread of the predicted rate over bags."""
    ax = new_axes(ax, height=3.0)
    sd = 100.0 * frame["sd_all"].to_numpy(dtype=float)
    ax.hist(sd, bins=40, range=(0.0, float(np.quantile(sd, 0.995)) + 1e-9), color=BLUE)
    middle = float(np.median(sd))
    ax.axvline(middle, color=ORANGE, linewidth=1.6, label=f"median {middle:.1f} %")
    return _finish(ax, x="spread over bags of the predicted rate, %", y="terms")


def plot_dislocation(frame: pd.DataFrame, ax: "Axes | None" = None, *, measure: str = "ratio") -> "Axes":
    """Draw the moves of a comparison: a histogram of the new expected loss over the old (or of another ratio)."""
    ax = new_axes(ax, height=3.2)
    change = np.log(frame[measure].to_numpy(dtype=float))
    reach = max(float(np.quantile(np.abs(change), 0.995)), 0.05)
    ax.hist(np.clip(change, -reach, reach), bins=41, range=(-reach, reach), color=BLUE)
    for share in (-0.25, -0.1, 0.1, 0.25):
        if abs(np.log1p(share)) < reach:
            ax.axvline(np.log1p(share), color=GREY, linestyle="--", linewidth=0.9)
    ax.axvline(0.0, color=ORANGE, linewidth=1.4)
    usual = np.array([-0.75, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 9.0])
    ticks = [tick for tick in usual if abs(np.log1p(tick)) <= reach]
    ax.set_xticks([float(np.log1p(tick)) for tick in ticks], [f"{tick:+.0%}" if tick else "0" for tick in ticks])
    return _finish(ax, x="change (outer bars hold what lies beyond)", y="terms", legend=False)


def plot_contributions(frame: pd.DataFrame, ax: "Axes | None" = None, *, n_parts: int = 15) -> "Axes":
    """Draw the parts of a comparison: mean absolute contribution to the log ratio, the largest first."""
    own = frame[frame["mean_absolute"] > 0].head(n_parts)
    ax = new_axes(ax, height=0.9 + 0.25 * max(len(own), 1))
    at = np.arange(len(own))
    ax.barh(at, 100.0 * own["mean_absolute"], height=0.7, color=BLUE, alpha=0.85, label="mean size")
    ax.plot(100.0 * own["mean"], at, "D", color=ORANGE, markersize=5, label="mean, with its sign")
    ax.axvline(0.0, color=GREY, linewidth=1.0)
    ax.set_yticks(at, [_spaced(name) for name in own["part"]])
    ax.invert_yaxis()
    return _finish(ax, x="contribution to the log ratio, x 100", y="", grid="x")


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")
