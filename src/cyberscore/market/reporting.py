"""When simulated claims occur and are reported, and what is paid by a date. Called by the simulation."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cyberscore.market.losses import Losses
from cyberscore.market.parameters import Floats, MarketParameters
from cyberscore.market.population import Population
from cyberscore.perils import PERILS

STATUSES = ("open", "closed")
Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Chronology:
    """Dates of terms and of losses, and how fast each loss is paid.

    `start` and `end` (exclusive) are one a policy; `occurred`, `reported` and `pace` one a loss. `pace` is what is paid
    within a year of the report, in USD from the ground up, if the loss is large enough.
    """

    start: Dates
    end: Dates
    occurred: Dates
    reported: Dates
    pace: Floats
    pace_exponent: float

    def paid_by(self, as_of: date) -> Floats:
        """Most that can be paid of each loss at the end of a day, in USD from the ground up."""
        years = np.maximum((np.datetime64(as_of, "D") - self.reported).astype(float) + 1.0, 0.0) / 365.25
        paid: Floats = self.pace * years**self.pace_exponent
        return paid


def draw_chronology(
    population: Population, losses: Losses, market: MarketParameters, rng: np.random.Generator
) -> Chronology:
    """Draw starts (uniform in the policy's year), days of loss (uniform in the term), report delays and payments.

    The pace of payments does not depend on the size of the loss, so that what is paid of an open claim is an
    independent bound on what it will cost.
    """
    first = (population.year - 1970).astype("datetime64[Y]")
    january: Dates = first.astype("datetime64[D]")
    length = ((first + np.timedelta64(1, "Y")).astype("datetime64[D]") - january).astype(np.int64)
    start: Dates = january + _days(rng.random(len(january)) * length)
    month = start.astype("datetime64[M]")
    end = (month + np.timedelta64(12, "M")).astype("datetime64[D]") + (start - month.astype("datetime64[D]"))
    term = (end - start).astype(np.int64)[losses.policy]
    occurred: Dates = start[losses.policy] + _days(rng.random(len(term)) * term)
    about = market.raw["reporting"]
    median = np.array([about["median_days"][peril] for peril in PERILS])[losses.peril]
    sigma = np.array([about["log_sigma"][peril] for peril in PERILS])[losses.peril]
    delay = median * np.exp(sigma * rng.standard_normal(len(term)))
    reported: Dates = occurred + _days(np.minimum(delay, 36_500))
    pace = about["paid_in_a_year"] * np.exp(about["paid_log_sigma"] * rng.standard_normal(len(term)))
    return Chronology(
        start=start,
        end=end,
        occurred=occurred,
        reported=reported,
        pace=pace,
        pace_exponent=float(about["paid_exponent"]),
    )


def _days(count: Floats) -> NDArray[np.timedelta64]:
    """Whole days, rounded down, with their unit named: numpy no longer adds bare integers to dates."""
    whole: NDArray[np.timedelta64] = np.floor(count).astype(np.int64).astype("timedelta64[D]")
    return whole
