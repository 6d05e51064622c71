"""compare(): dislocation, how a new plan moves a book against an old one, and which table cells move it."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cyberscore.exceptions import TrainingError
from cyberscore.perils import COUNTRY_GROUPS
from cyberscore.profile import sectors, signals
from cyberscore.rating.coverage import STANDARD_LAYER, Coverage
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.premium import PremiumTerms
from cyberscore.rating.score import BANDS, CENTRE, POINTS_PER_DOUBLING
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.validation.calibration import REVENUE_LABELS, revenue_bands
from cyberscore.training.validation.comparison_page import comparison_page
from cyberscore.training.validation.contributions import compute_contributions

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
SHOWN_CELLS = 100
SHOWN_MOVERS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A book under two plans; ratios are new over old.

    Attributes
    ----------
    old, new : str
        Name and digest of the plans.
    facts : dict of str to str
        What was compared on what, for people.
    moves : DataFrame
        One row a term: policy_id, annual_revenue, sector, country, expected_loss_old, expected_loss_new, ratio,
        premium_old, premium_new (technical, USD), premium_ratio, log_frequency_ratio, band_old, band_new.
    distribution : DataFrame
        measure (expected loss, technical premium), the quantiles of the ratio (q01 to q99), mean, and the shares of
        terms that move by more: up_10, up_25, down_10, down_25.
    by_revenue, by_sector : DataFrame
        slice, policies, book_ratio (summed expected losses), median, low and high (5 % and 95 % quantile), moved_25.
    bands : DataFrame
        Share of the book by old band (rows) and new band (columns).
    parts : DataFrame
        part (base, balance, severity, a factor, or "a x b"), mean and mean_absolute contribution to the log ratio of
        expected loss; largest first. The means sum to the mean log ratio.
    cells : DataFrame
        Table cells with the largest contribution: part, slice, share (of the book), log_relativity_change (mean over
        perils), contribution (mean over the book; over all cells of a part they sum to the part's mean).
    top_movers : DataFrame
        Terms that move most: as `moves`, and the three largest parts in words.
    """

    old: str
    new: str
    facts: dict[str, str]
    moves: pd.DataFrame
    distribution: pd.DataFrame
    by_revenue: pd.DataFrame
    by_sector: pd.DataFrame
    bands: pd.DataFrame
    parts: pd.DataFrame
    cells: pd.DataFrame
    top_movers: pd.DataFrame

    @property
    def summary(self) -> dict[str, Any]:
        """The main numbers, as plain JSON types."""
        moves = self.moves
        kept = float((moves["band_old"] == moves["band_new"]).mean())
        return {
            "old": self.old,
            "new": self.new,
            "policies": len(moves),
            "book_ratio": round(float(moves["expected_loss_new"].sum() / moves["expected_loss_old"].sum()), 6),
            "premium_ratio": round(float(moves["premium_new"].sum() / moves["premium_old"].sum()), 6),
            "distribution": {
                str(row["measure"]): {
                    str(name): round(float(value), 6) for name, value in row.items() if name != "measure"
                }
                for row in self.distribution.to_dict("records")
            },
            "share_in_the_same_band": round(kept, 6),
            "largest_parts": {
                str(row["part"]): round(float(row["mean_absolute"]), 6)
                for row in self.parts.head(10).to_dict("records")
            },
        }

    def to_html(self) -> str:
        """One self-contained page; see `cyberscore.training.validation.html_page`."""
        frames = {
            name: getattr(self, name)
            for name in ("moves", "distribution", "by_revenue", "by_sector", "bands", "parts", "cells", "top_movers")
        }
        return comparison_page(self.facts, self.summary, frames)

    def save(self, path: str | PathLike[str]) -> None:
        """Write `to_html()` to a file."""
        Path(path).write_text(self.to_html(), encoding="utf-8", newline="\n")


def compute_moves(
    old: RatingPlan, new: RatingPlan, policies: EncodedPolicies, *, coverage: Coverage = STANDARD_LAYER
) -> pd.DataFrame:
    """Rate each term under both plans: expected loss, technical premium and band; see `Comparison.moves`."""
    codes, weights, revenue = policies.codes, policies.weights.astype(float), policies.revenue
    n_signals = len(signals())
    frame = pd.DataFrame(
        {
            "policy_id": np.asarray(policies.index_of),
            "annual_revenue": revenue,
            "sector": np.array(sectors(), dtype=object)[codes[:, n_signals]],
            "country": np.array(COUNTRY_GROUPS, dtype=object)[codes[:, n_signals + 1]],
        }
    )
    frequency = []
    for name, plan in (("old", old), ("new", new)):
        totals = totals_of_many(plan, codes, weights, revenue)
        frequency.append(np.exp(totals[:, :N_PERILS]).sum(axis=1))
        pure = expected_losses_of_many(plan, totals, coverage)
        frame[f"expected_loss_{name}"] = pure.sum(axis=1)
        frame[f"premium_{name}"] = _technical(plan, pure, coverage, codes[:, n_signals + 1])
        standard = expected_losses_of_many(plan, totals).sum(axis=1)
        reference = np.exp(plan.score.expected_loss.at_many(np.log(revenue))[:, 0])
        score = CENTRE + POINTS_PER_DOUBLING * np.log2(standard / reference)
        frame[f"band_{name}"] = np.array(BANDS)[np.searchsorted(plan.score.band_edges, score, side="right")]
    frame["ratio"] = frame["expected_loss_new"] / frame["expected_loss_old"]
    frame["premium_ratio"] = frame["premium_new"] / frame["premium_old"]
    frame["log_frequency_ratio"] = np.log(frequency[1] / frequency[0])
    return frame


def _technical(plan: RatingPlan, pure: Floats, coverage: Coverage, country: Any) -> Floats:
    """Technical premium at the plan's own level; it depends on country and cover, not on revenue or date."""
    found = np.zeros(len(pure))
    for code, group in enumerate(COUNTRY_GROUPS):
        of = country == code
        if of.any():
            terms = PremiumTerms.of(plan.pricing, coverage, group, 1e6, plan.pricing.index.calibration_date)
            found[of] = terms.technical_of_many(pure[of])
    return found


def compute_distribution(moves: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the ratios, and how many terms move by more than 10 and 25 %; see `Comparison.distribution`."""
    rows = []
    for measure, column in (("expected loss", "ratio"), ("technical premium", "premium_ratio")):
        ratio = moves[column].to_numpy(dtype=float)
        rows.append(
            {
                "measure": measure,
                **{f"q{round(100 * q):02d}": float(np.quantile(ratio, q)) for q in QUANTILES},
                "mean": float(ratio.mean()),
                "up_10": float((ratio > 1.1).mean()),
                "up_25": float((ratio > 1.25).mean()),
                "down_10": float((ratio < 0.9).mean()),
                "down_25": float((ratio < 0.75).mean()),
            }
        )
    return pd.DataFrame(rows)


def compute_moves_by(moves: pd.DataFrame, slices: pd.Series, labels: tuple[str, ...]) -> pd.DataFrame:
    """Sum up moves by slice of the book; see `Comparison.by_revenue`."""
    rows = []
    for label in labels:
        own = moves[(slices == label).to_numpy()]
        if own.empty:
            continue
        ratio = own["ratio"].to_numpy(dtype=float)
        rows.append(
            {
                "slice": label,
                "policies": len(own),
                "book_ratio": float(own["expected_loss_new"].sum() / own["expected_loss_old"].sum()),
                "median": float(np.median(ratio)),
                "low": float(np.quantile(ratio, 0.05)),
                "high": float(np.quantile(ratio, 0.95)),
                "moved_25": float(((ratio > 1.25) | (ratio < 0.75)).mean()),
            }
        )
    return pd.DataFrame(rows)


def compare(old: RatingPlan, new: RatingPlan, book: Book, *, coverage: Coverage = STANDARD_LAYER) -> Comparison:
    """Compare two plans on a book: who moves, how far, and which cells of the tables move them.

    Parameters
    ----------
    old, new : RatingPlan
    book : Book
        Claims are not used.
    coverage : Coverage
        Layer in which expected losses and technical premiums are compared, the same for every term; its retention is at
        least 10,000 USD.

    Returns
    -------
    Comparison

    Raises
    ------
    TrainingError
        When the retention is below the basis.

    Examples
    --------
    >>> from cyberscore.market import simulate
    >>> from cyberscore.rating.library import load_plan
    >>> from cyberscore.training import Book, compare
    >>> market = simulate(500, 1)
    >>> found = compare(load_plan(), load_plan(), Book(market.policies, market.claims))
    >>> found.summary["book_ratio"]
    1.0
    """
    basis = max(shape.basis for shape in (*old.severity, *new.severity))
    if coverage.retention < basis:
        raise TrainingError(
            f"plans are compared at a retention of at least {basis:,.0f}; got {coverage.retention:,.0f}"
        )
    policies = book.encoded_policies
    moves = compute_moves(old, new, policies, coverage=coverage)
    contributions, cells = compute_contributions(old, new, policies, coverage=coverage)
    mean, size = contributions.mean(), contributions.abs().mean()
    parts = pd.DataFrame({"part": contributions.columns, "mean": mean.to_numpy(), "mean_absolute": size.to_numpy()})
    parts = parts.sort_values("mean_absolute", ascending=False, kind="stable", ignore_index=True)
    sized = pd.Series(np.array(REVENUE_LABELS, dtype=object)[revenue_bands(policies.revenue)])
    bands = pd.crosstab(moves["band_old"], moves["band_new"], normalize="all")
    return Comparison(
        old=old.plan_id,
        new=new.plan_id,
        facts={
            "Old plan": f"{old.name} ({old.digest[:16]})",
            "New plan": f"{new.name} ({new.digest[:16]})",
            "Old plan learned from": str(old.about.get("data", "not stated")),
            "New plan learned from": str(new.about.get("data", "not stated")),
            "Policy terms": f"{len(policies):,}",
            "Layer": f"{coverage.aggregate_limit:,.0f} above {coverage.retention:,.0f} USD",
        },
        moves=moves,
        distribution=compute_distribution(moves),
        by_revenue=compute_moves_by(moves, sized, REVENUE_LABELS),
        by_sector=compute_moves_by(moves, moves["sector"], sectors()),
        bands=bands.reindex(index=list(BANDS), columns=list(BANDS), fill_value=0.0),
        parts=parts,
        cells=cells.head(SHOWN_CELLS),
        top_movers=_top_movers(moves, contributions),
    )


def _top_movers(moves: pd.DataFrame, contributions: pd.DataFrame) -> pd.DataFrame:
    size = np.log(moves["ratio"].to_numpy(dtype=float))
    rows = np.argsort(-np.abs(size), kind="stable")[:SHOWN_MOVERS]
    found = moves.iloc[rows].reset_index(drop=True)
    values, names = contributions.to_numpy()[rows], contributions.columns
    why = []
    for row in values:
        largest = [k for k in np.argsort(-np.abs(row), kind="stable")[:3] if abs(row[k]) > 1e-9]
        why.append(", ".join(f"{names[k]} {np.expm1(row[k]):+.0%}" for k in largest))
    found["why"] = why
    return found
