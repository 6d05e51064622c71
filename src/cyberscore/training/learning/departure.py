"""How far a plan has moved from its prior, table by table."""

import numpy as np
import pandas as pd

from cyberscore.profile import signals
from cyberscore.rating.parts import N_PERILS, factors
from cyberscore.rating.plan import RatingPlan


def compute_departure(plan: RatingPlan, prior: RatingPlan) -> pd.DataFrame:
    """Compare the frequency tables of two plans.

    Parameters
    ----------
    plan, prior : RatingPlan

    Returns
    -------
    DataFrame
        One row a factor: ``factor``, ``group`` (a signal's domain, else "context"); ``moved``, the root mean square
        change of log relativity over perils and cells, each cell by its share of the plan's book; ``standard_error``
        of the plan's log relativities, likewise, from its bags (nan without bags); ``kept``, the slope of the plan's
        table on the prior's (1 as it was, 0 flat); ``kept_in_group``, the same over the group.
    """
    rows: list[dict[str, object]] = []
    crossed: dict[str, float] = {}
    squared: dict[str, float] = {}
    catalogue = signals()
    start = 0
    for f, factor in enumerate(factors()):
        new, old = plan.tables[factor.name][:, :N_PERILS], prior.tables[factor.name][:, :N_PERILS]
        share = np.array(plan.score.mean_codes[f])[:, None]
        error = np.nan
        if plan.bag_deviations is not None:
            spread = plan.bag_deviations[:, start : start + len(new), :N_PERILS].std(axis=0, ddof=1)
            error = float(np.sqrt((share * spread**2).sum() / N_PERILS))
        start += len(new)
        new, old = new - (share * new).sum(axis=0), old - (share * old).sum(axis=0)
        group = catalogue[factor.name].domain if factor.name in catalogue else "context"
        cross, square = float((share * new * old).sum()), float((share * old**2).sum())
        crossed[group] = crossed.get(group, 0.0) + cross
        squared[group] = squared.get(group, 0.0) + square
        rows.append(
            {
                "factor": factor.name,
                "group": group,
                "moved": float(np.sqrt((share * (new - old) ** 2).sum() / N_PERILS)),
                "standard_error": error,
                "kept": cross / square if square > 0 else np.nan,
            }
        )
    frame = pd.DataFrame(rows)
    kept = {group: crossed[group] / squared[group] if squared[group] > 0 else np.nan for group in crossed}
    frame["kept_in_group"] = frame["group"].map(kept)
    return frame
