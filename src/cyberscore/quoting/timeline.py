"""A firm over time: its score, premium and band on given days. Callers are apps and the command line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Profile
from cyberscore.profile.history import known_at
from cyberscore.quoting.engine import quote
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan


@dataclass(frozen=True, slots=True)
class TrajectoryPoint:
    """One day: what a quote of that day said, from what was known by then. Amounts in the currency of the cover."""

    as_of: date
    observations: int
    risk_score: float
    unclipped_score: float
    risk_score_low: float
    risk_score_high: float
    band: str
    indicative_premium: float
    premium_low: float
    premium_high: float
    decision: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "as_of": self.as_of.isoformat()}


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Days in ascending order; `plan_id` priced them all."""

    plan_id: str
    currency: str
    points: tuple[TrajectoryPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `points` is a list of rows that any table library takes."""
        return {
            "plan_id": self.plan_id,
            "currency": self.currency,
            "points": [one.to_dict() for one in self.points],
        }


def trajectory(
    profile: Profile,
    plan: RatingPlan | None,
    dates: Iterable[date],
    coverage: Coverage | None = None,
    *,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
) -> Trajectory:
    """Score and price a profile on several days, each from what had been observed by then.

    Parameters
    ----------
    profile : Profile
        All its evidence; what is later than a day is left out on that day.
    plan : RatingPlan or None
        None is the shipped plan.
    dates : iterable of date
        In any order, each counted once.
    coverage, exchange_rate, exchange_rate_is_meant
        As `quote`.

    Raises
    ------
    ProfileError, CoverageError
        As `quote`; and when a date is not a date, or there is none.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> found = cyberscore.trajectory(cyberscore.example("law_firm"), None, [date(2026, 11, 23), date(2027, 5, 23)])
    >>> found.points[0].unclipped_score <= found.points[1].unclipped_score
    True
    """
    plan = load_plan() if plan is None else plan
    days = list(dates)
    wrong = [day for day in days if isinstance(day, datetime) or not isinstance(day, date)]
    if wrong or not days:
        raise ProfileError(f"dates must be dates, such as datetime.date(2026, 11, 23); got {wrong[:1] or days}")
    found, currency = [], "USD"
    for day in sorted(set(days)):
        known = known_at(profile, day)
        answer = quote(
            known,
            coverage,
            as_of=day,
            plan=plan,
            exchange_rate=exchange_rate,
            exchange_rate_is_meant=exchange_rate_is_meant,
        )
        currency = answer.currency
        of_quote = {
            name: getattr(answer, name) for name in TrajectoryPoint.__slots__ if name not in {"as_of", "observations"}
        }
        found.append(TrajectoryPoint(as_of=day, observations=len(known.observations), **of_quote))
    return Trajectory(plan.plan_id, currency, tuple(found))
