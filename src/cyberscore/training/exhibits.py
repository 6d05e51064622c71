"""Exhibits of a rating plan, as a filing shows them: relativities, standard errors, exposure and claims, in frames.

`write_exhibits` writes them as CSV with a rating manual in HTML; the caller is the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from cyberscore.exceptions import PlanError
from cyberscore.perils import COUNTRY_GROUPS, PARTS, PERILS, RECORD_UNKNOWN
from cyberscore.profile import sectors, signals
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.pricing import Pricing
from cyberscore.rules import told_action
from cyberscore.rules.amounts import USD
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedPolicies
from cyberscore.training.learning.exposure import claim_counts
from cyberscore.training.rating_manual import manual_html

Points = list[tuple[NDArray[np.int64], Floats]]
COVERAGE = 0.8
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula in a spreadsheet, in full width too."""


def reference_codes() -> dict[str, int]:
    """Cell of each factor whose relativity is 1: unknown, professional services, the US, records unknown."""
    own = {about.name: about.unknown for about in signals().values()}
    sector = sectors().index("professional_services")
    return {**own, "sector": sector, "country": COUNTRY_GROUPS.index("US"), "record_count": RECORD_UNKNOWN}


def compute_exhibits(plan: RatingPlan, book: Book | None = None) -> dict[str, pd.DataFrame]:
    """State a plan as exhibits.

    Parameters
    ----------
    plan : RatingPlan
    book : Book, optional
        Adds exposure (years) and claims above the basis retention to every cell. A policy counts in a cell with the
        weight of its evidence: `w` in the observed cell, `1 - w` in the one on which the rest lies (unknown). Exposure
        and claims by revenue are split between the two nodes beside the policy's revenue.

    Returns
    -------
    dict of str to DataFrame
        - ``base``: claims a year per policy above the basis with every factor at its reference cell, and the location
          of the log excess (USD), by revenue; log-linear in log revenue between nodes. Balance is inside.
        - the name of each factor, and ``a x b`` of each pair: a row a cell. Columns a peril: ``relativity_``,
          ``standard_error_``, ``low_``, ``high_`` and ``severity_`` (of the scale of the excess), with a book
          ``claims_``; and ``exposure``.
        - ``severity``, ``level``, ``risk_load``, ``territory``, ``market_index``, ``waiting_period``, ``rules``;
          and where the plan has them ``parts``, ``scenarios``, ``surplus_lines``.

    Notes
    -----
    The rate above the basis of a firm whose evidence is certain is the base rate at its revenue, times the relativity
    of its cell of every factor, times that of its cell of every pair. Relativities are 1 at the reference cells, pairs
    where both are; the base holds what the plan's tables have there.

    The *standard error* is the standard deviation, over the plan's bags (fits to bootstrap samples of the book), of the
    log relativity. It estimates the sampling error of one fit. The plan is the mean of the bags, which share one book:
    its own error is at most that, and not smaller by the square root of their number. Of n bags the standard error is
    itself uncertain by about 1 / sqrt(2 (n - 1)). Constraints and penalties bias a relativity towards none, which it
    does not show. The *80 % interval* is exp(log relativity -+ t * standard error), t being the 90 % quantile of
    Student's distribution at n - 1 degrees of freedom. Without bags both are empty.
    """
    reference = reference_codes()
    sums = None if book is None else _BookSums(book)
    found = {"base": _base(plan, reference, sums)}
    for f, factor in enumerate(factors()):
        cells = _Cells(plan, plan.offsets[f] + np.arange(len(factor.labels)), plan.offsets[f] + reference[factor.name])
        frame = cells.frame({"code": range(len(factor.labels)), "cell": factor.labels})
        found[factor.name] = frame if sums is None else sums.add(frame, [sums.points(f)], (len(factor.labels),))
    for a, b, start, width in plan.pair_index:
        one, other = factors()[a], factors()[b]
        size = len(one.labels) * width
        base = start + reference[one.name] * width + reference[other.name]
        frame = _Cells(plan, start + np.arange(size), base).frame(
            {one.name: np.repeat(one.labels, width), other.name: np.tile(other.labels, len(one.labels))}
        )
        shape = (len(one.labels), width)
        points = [] if sums is None else [sums.points(a), sums.points(b)]
        found[f"{one.name} x {other.name}"] = frame if sums is None else sums.add(frame, points, shape)
    return found | _other_exhibits(plan)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells of one table of a plan, by their rows among all cells, and the one that is stated as 1."""

    plan: RatingPlan
    rows: NDArray[np.int64]
    base: int

    def frame(self, labels: dict[str, Sequence[object] | range | NDArray[np.str_]]) -> pd.DataFrame:
        logs = self.plan.cells[self.rows] - self.plan.cells[self.base]
        bags = self.plan.bag_deviations
        spread = None if bags is None else bags[:, self.rows] - bags[:, self.base][:, None]
        columns: dict[str, object] = {name: list(values) for name, values in labels.items()}
        error, reach = _errors(spread, logs.shape)
        for k, peril in enumerate(PERILS):
            columns[f"relativity_{peril}"] = np.exp(logs[:, k])
            columns[f"standard_error_{peril}"] = error[:, k]
            columns[f"low_{peril}"] = np.exp(logs[:, k] - reach * error[:, k])
            columns[f"high_{peril}"] = np.exp(logs[:, k] + reach * error[:, k])
            columns[f"severity_{peril}"] = np.exp(logs[:, N_PERILS + k])
        return pd.DataFrame(columns)


def _errors(spread: Floats | None, shape: tuple[int, ...]) -> tuple[Floats, float]:
    """Return the standard deviation over bags, and how many of it the interval reaches either way."""
    if spread is None or len(spread) < 2:
        return np.full(shape, np.nan), 1.0
    return np.asarray(spread.std(axis=0, ddof=1)), float(student.ppf(0.5 + COVERAGE / 2, len(spread) - 1))


class _BookSums:
    """Exposure and claims of a book by cell."""

    def __init__(self, book: Book) -> None:
        self.policies: EncodedPolicies = book.encoded_policies
        counts = claim_counts(self.policies, book.encoded_claims)
        self.columns = np.column_stack([self.policies.exposure, counts])

    def points(self, f: int) -> Points:
        """Codes of a factor that each policy has, each with its weight."""
        catalogue = list(signals().values())
        own = self.policies.codes[:, f].astype(np.int64)
        if f >= len(catalogue):
            return [(own, np.ones(len(own)))]
        about, weight = catalogue[f], self.policies.weights[:, f].astype(float)
        rest = np.where(own > about.unknown, about.unanswered, about.unknown)
        return [(own, weight), (rest, 1.0 - weight)]

    def add(self, frame: pd.DataFrame, points: Sequence[Points], shape: tuple[int, ...]) -> pd.DataFrame:
        """Add exposure and claims to the cells of a factor, or of a pair."""
        total = np.zeros((len(frame), 1 + N_PERILS))
        for code, weight in points[0]:
            for other, share in points[1] if len(points) > 1 else [(0, 1.0)]:
                cell = code if len(points) == 1 else code * shape[1] + other
                total += self.by_cell(cell, weight * share, len(frame))
        return self.with_sums(frame, total)

    def by_cell(self, cell: NDArray[np.int64], weight: Floats, size: int) -> Floats:
        sums = [np.bincount(cell, weight * column, minlength=size) for column in self.columns.T]
        return np.column_stack(sums)

    @staticmethod
    def with_sums(frame: pd.DataFrame, total: Floats) -> pd.DataFrame:
        more = {"exposure": total[:, 0], **{f"claims_{peril}": total[:, 1 + k] for k, peril in enumerate(PERILS)}}
        return pd.concat([frame, pd.DataFrame(more)], axis=1)


def _base(plan: RatingPlan, reference: dict[str, int], sums: _BookSums | None) -> pd.DataFrame:
    """Rates and locations by revenue with every factor and pair at its reference cells."""
    rows = [plan.offsets[f] + reference[factor.name] for f, factor in enumerate(factors())]
    names = [factor.name for factor in factors()]
    rows += [start + reference[names[a]] * width + reference[names[b]] for a, b, start, width in plan.pair_index]
    logs = plan.base.values + plan.balance_row + plan.cells[rows].sum(axis=0)  # noqa: PD011  a Curve of ours
    bags, base_bags = plan.bag_deviations, plan.bag_base
    spread = None if bags is None or base_bags is None else base_bags + bags[:, rows].sum(axis=1)[:, None]
    error, reach = _errors(spread, logs.shape)
    columns: dict[str, object] = {"annual_revenue": np.exp(plan.base.log_revenue)}
    for k, peril in enumerate(PERILS):
        columns[f"rate_{peril}"] = np.exp(logs[:, k])
        columns[f"standard_error_{peril}"] = error[:, k]
        columns[f"low_{peril}"] = np.exp(logs[:, k] - reach * error[:, k])
        columns[f"high_{peril}"] = np.exp(logs[:, k] + reach * error[:, k])
        columns[f"location_{peril}"] = logs[:, N_PERILS + k]
    frame = pd.DataFrame(columns)
    if sums is None:
        return frame
    nodes = np.array(plan.base.log_revenue)
    x = np.clip(np.log(sums.policies.revenue), nodes[0], nodes[-1])
    above: NDArray[np.int64] = np.clip(np.searchsorted(nodes, x), 1, len(nodes) - 1)
    share = (x - nodes[above - 1]) / (nodes[above] - nodes[above - 1])
    total = sums.by_cell(above - 1, 1.0 - share, len(nodes)) + sums.by_cell(above, share, len(nodes))
    return sums.with_sums(frame, total)


def _other_exhibits(plan: RatingPlan) -> dict[str, pd.DataFrame]:
    pricing = plan.pricing
    load, index, waiting, least = pricing.risk_load, pricing.index, pricing.waiting_period, pricing.minimum
    level: dict[str, object] = {
        **pricing.expenses.model_dump(),
        "risk_load_floor": load.floor,
        "systemic_share": pricing.systemic_share,
        "schedule_low": pricing.schedule_low,
        "schedule_high": pricing.schedule_high,
        "renewal_cap": pricing.renewal_cap,
        **{f"minimum_{name}": value for name, value in least.model_dump().items()},
        **{f"tax_{country}": share for country, share in pricing.taxes.items()},
    }
    return {
        **_cover_exhibits(pricing),
        "severity": pd.DataFrame(
            [
                {"peril": peril, "balance": float(np.exp(balance))}
                | {name: getattr(shape, name) for name in _SEVERITY_FIELDS}
                for peril, shape, balance in zip(PERILS, plan.severity, plan.log_balance, strict=True)
            ]
        ),
        "level": pd.DataFrame({"item": list(level), "value": [float(str(value)) for value in level.values()]}),
        "risk_load": pd.DataFrame({"limit": load.limits, **{peril: load.factors[peril] for peril in PERILS}}),
        "territory": pd.DataFrame(
            {"country": COUNTRY_GROUPS, "factor": [pricing.territory[c] for c in COUNTRY_GROUPS]}
        ),
        "market_index": pd.DataFrame(
            {"date": [day.isoformat() for day in index.dates], "micro": index.micro, "mid": index.mid}
        ),
        "waiting_period": pd.DataFrame({"hours": waiting.hours, "factor": waiting.factors}),
        "rules": pd.DataFrame(
            [
                {
                    "rule": f"{rule.id} v{rule.version}",
                    "sentence": USD.text(rule.sentence),
                    "when_it_holds": "; ".join(map(told_action, rule.on_fail)),
                    "when_unknown": "; ".join(map(told_action, rule.on_unknown)),
                    "otherwise": "; ".join(map(told_action, rule.on_pass)),
                    "rationale": rule.rationale,
                    "evidence": rule.evidence,
                }
                for rule in plan.rules.rules
            ],
            columns=["rule", "sentence", "when_it_holds", "when_unknown", "otherwise", "rationale", "evidence"],
        ),
    }


def _cover_exhibits(pricing: Pricing) -> dict[str, pd.DataFrame]:
    """Tables that older plans lack: coverage parts, market scenarios, surplus lines taxes."""
    found = {}
    if pricing.parts is not None:
        shares = {peril: pricing.parts.of(peril) for peril in PERILS}
        found["parts"] = pd.DataFrame(
            {"part": list(PARTS), **{peril: [row.get(part, 0.0) for part in PARTS] for peril, row in shares.items()}}
        )
    if pricing.scenarios:
        found["scenarios"] = pd.DataFrame(
            {"scenario": list(pricing.scenarios), "change": [one.change for one in pricing.scenarios.values()]}
        )
    if pricing.surplus_lines is not None:
        states = pricing.surplus_lines.states
        found["surplus_lines"] = pd.DataFrame(
            {
                "state": list(states),
                "tax": [one.tax for one in states.values()],
                "stamping": [one.stamping for one in states.values()],
            }
        )
    return found


_SEVERITY_FIELDS = (
    "basis", "sigma", "threshold", "alpha", "cap", "small_median", "small_log_sigma", "small_revenue_exponent",
)  # fmt: skip


def safe_cell(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula; everything else is left as it is.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("1 to 4"), safe_cell(-0.5)
    ("'=1+1", '1 to 4', -0.5)
    """
    return f"'{value}" if isinstance(value, str) and value.lstrip()[:1] in _FORMULA else value


def write_exhibits(
    plan: RatingPlan, folder: str | PathLike[str], book: Book | None = None, *, keep: Sequence[Path] = ()
) -> list[Path]:
    """Write every exhibit as CSV with full decimals, and `rating_manual.html`, one page that holds them all.

    Text that a spreadsheet would take for a formula stands behind an apostrophe.

    Files to `keep`, which the book was read from, are never replaced.

    Returns
    -------
    list of Path
        What was written, the manual first.

    Raises
    ------
    PlanError
        When the folder cannot be written, or a file to keep would be replaced.
    """
    path = Path(folder)
    exhibits = compute_exhibits(plan, book)
    files = {name: path / f"{name.replace(' x ', '__')}.csv" for name in exhibits}
    written = [path / "rating_manual.html", *files.values()]
    lost = [file for file in written if file.exists() and any(one.samefile(file) for one in keep)]
    if lost:
        raise PlanError(f"{lost[0]} would be replaced, which is read here: give another folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        written[0].write_text(manual_html(plan, exhibits, reference_codes()), encoding="utf-8", newline="\n")
        for name, frame in exhibits.items():
            frame.map(safe_cell).to_csv(files[name], index=False, lineterminator="\n", encoding="utf-8")
    except OSError as error:
        raise PlanError(f"{path}: cannot be written: {error.strerror}: give another folder") from error
    return written
