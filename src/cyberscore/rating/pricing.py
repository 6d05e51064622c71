"""From pure premium to indicative premium: the numbers of pricing.toml, checked, and the steps that use them."""

import tomllib
from bisect import bisect_right
from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cyberscore.exceptions import CoverageError, PlanError, ProfileError
from cyberscore.money import rate_text
from cyberscore.perils import COUNTRY_GROUPS, PARTS, PERILS
from cyberscore.profile.places import COUNTRIES, CURRENCIES
from cyberscore.profile.problems import explain
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.numbers_of_plan import Change, Count, Factor, Fee, Load, Positive, Share, ShareOrAll
from cyberscore.rating.part_layers import PartShares, PerilLayers, peril_layers
from cyberscore.rating.taxes import SurplusLines

FAR = 1.15
"""How many times a caller's rate may be the plan's, or the plan's the caller's, before it must be meant (judgement).

Major currencies seldom move further in the year that a plan's rates stand for. Of the usual rates the euro's is nearest
to one: inverted, it is found as long as one euro is worth more than one dollar. For a currency that moves faster, or a
date far from the plan's, there is `exchange_rate_is_meant`."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expenses(_Part):
    """Level and expenses. `level` and `fixed` are fitted to published base premiums."""

    level: Factor
    loss_adjustment: Share
    fixed: Fee
    commission: Share
    other_acquisition: Share
    general: Share
    taxes_and_licences: Share
    profit: Share

    @property
    def variable(self) -> float:
        """Variable expense as a share of premium."""
        return self.commission + self.other_acquisition + self.general + self.taxes_and_licences


class RiskLoad(_Part):
    """Load on layer pure premium by limit and peril.

    `rate` of co-TVaR99 less mean of a reference book, at least `floor`.
    """

    rate: Share
    floor: Share
    reference_policies: Count
    limits: tuple[Positive, ...]
    factors: dict[str, tuple[Load, ...]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.factors) != set(PERILS):
            raise PlanError(f"risk_load.factors must name the perils {', '.join(PERILS)}")
        if not self.limits or list(self.limits) != sorted(set(self.limits)):
            raise PlanError("risk_load.limits must ascend, with one at least")
        for peril, row in self.factors.items():
            if len(row) != len(self.limits) or list(row) != sorted(row):
                raise PlanError(
                    f"risk_load.factors.{peril} must have one factor a limit, none falling: "
                    "else a higher limit could cost less"
                )
        return self

    def at(self, peril: str, limit: float) -> float:
        """Factor for a peril at a limit, linear between the limits given."""
        return max(self.floor, _interpolate(self.limits, self.factors[peril], limit))


class Index(_Part):
    """Market index by date, for firms up to `micro_revenue` and from `mid_revenue`, linear in revenue between."""

    calibration_date: date
    micro_revenue: Positive
    mid_revenue: Positive
    dates: tuple[date, ...]
    micro: tuple[Factor, ...]
    mid: tuple[Factor, ...]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.dates) == len(self.micro) == len(self.mid) or list(self.dates) != sorted(set(self.dates)):
            raise PlanError("index: dates must ascend, with one micro and one mid value each")
        if not self.dates or self.micro_revenue >= self.mid_revenue:
            raise PlanError(
                "index: give at least one date, and a micro_revenue below mid_revenue: else a cliff between them"
            )
        return self

    def at(self, as_of: date, share_mid: float) -> float:
        """Index at a date over the index at the calibration date; held constant outside the dates given."""
        days = [float(day.toordinal()) for day in self.dates]

        def value(day: date) -> float:
            x = float(day.toordinal())
            return _interpolate(days, self.micro, x) * (1 - share_mid) + _interpolate(days, self.mid, x) * share_mid

        return value(as_of) / value(self.calibration_date)


class Waiting(_Part):
    """Factor on lost income by waiting hours, and where lost income is.

    That is `parts`, of which the plan's table of coverage parts gives the shares, or, in plans without such a table,
    `interruption_share`, the share of each peril.
    """

    hours: tuple[Positive, ...]
    factors: tuple[Factor, ...]
    parts: tuple[str, ...] = ()
    interruption_share: dict[str, ShareOrAll] | None = None

    @model_validator(mode="after")
    def _falls(self) -> Self:
        strange = sorted(set(self.interruption_share or {}) - set(PERILS))
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown:
            raise PlanError(f"waiting_period.parts must name coverage parts ({', '.join(PARTS)}); got {unknown[0]!r}")
        if strange:
            raise PlanError(f"waiting_period.interruption_share must name perils; got {', '.join(strange)}")
        ascending = self.hours and list(self.hours) == sorted(set(self.hours)) and len(self.hours) == len(self.factors)
        if not ascending or list(self.factors) != sorted(self.factors, reverse=True):
            raise PlanError("waiting_period: hours must ascend, with one factor each, none rising with hours")
        return self

    def at(self, hours: float) -> float:
        """Factor on lost income."""
        return _interpolate(self.hours, self.factors, hours)


class Minimum(_Part):
    """Least premium, and the least for small limits."""

    premium: Positive
    small_limit: Positive
    small_premium: Positive

    @model_validator(mode="after")
    def _small_is_less(self) -> Self:
        if self.small_premium > self.premium:
            raise PlanError(
                "minimum.small_premium must not exceed minimum.premium: else a higher limit could cost less"
            )
        return self

    def at(self, limit: float) -> float:
        """Least premium at a limit."""
        return self.small_premium if limit <= self.small_limit else self.premium


class Currency(_Part):
    """USD for one unit of each currency, at a date."""

    as_of: date
    usd: dict[str, Positive]

    @model_validator(mode="after")
    def _known(self) -> Self:
        strange = sorted(set(self.usd) - CURRENCIES)
        if strange or self.usd.get("USD") != 1.0:
            raise PlanError(f"currency.usd must name ISO 4217 codes, USD at 1.0; got {strange or self.usd.get('USD')}")
        return self


class MarketReference(_Part):
    """Published base premiums by revenue (limit 1M, retention 10k).

    Level and fixed expense are calibrated to them.
    """

    revenue: tuple[Positive, ...]
    premium: tuple[Positive, ...]


class Scenario(_Part):
    """A change of the whole market, named: `change` is a share of premium, such as -0.15."""

    change: Change
    about: str
    evidence: str


class Pricing(_Part):
    """The content of pricing.toml; every number there names its evidence or says judgement."""

    expenses: Expenses
    risk_load: RiskLoad
    systemic_share: Share
    territory: dict[str, Factor]
    index: Index
    waiting_period: Waiting
    parts: PartShares | None = None
    schedule_low: Factor
    schedule_high: Factor
    renewal_cap: Share
    minimum: Minimum
    taxes: dict[str, Share]
    surplus_lines: SurplusLines | None = None
    scenarios: dict[str, Scenario] = Field(default_factory=dict)
    currency: Currency
    market_reference: MarketReference

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if set(self.territory) != set(COUNTRY_GROUPS):
            raise PlanError(f"territory must name {', '.join(COUNTRY_GROUPS)}")
        strange = sorted(set(self.taxes) - COUNTRIES)
        if strange:
            raise PlanError(f"taxes must name ISO 3166-1 alpha-2 countries; got {', '.join(strange)}")
        if (self.parts is None) != (self.waiting_period.interruption_share is not None) or (
            self.parts is None and self.waiting_period.parts
        ):
            raise PlanError(
                "waiting_period must give interruption_share in a plan without [parts], and parts alone in one with it"
            )
        if not self.schedule_low <= 1.0 <= self.schedule_high:
            raise PlanError("schedule_low must be at most 1 and schedule_high at least 1")
        if self.expenses.variable + self.expenses.profit + self.systemic_share >= 0.9:
            raise PlanError(
                "variable expense, profit and systemic share must leave at least 10 % of premium for losses"
            )
        return self

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read and check pricing.toml.

        Raises
        ------
        PlanError
            Naming each place that is wrong.
        """
        try:
            return cls.model_validate(tomllib.loads(text))
        except ValidationError as error:
            raise PlanError(explain(error, "pricing.toml")) from error
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"pricing.toml: not valid TOML: {error}") from error
        except RecursionError as error:
            raise PlanError("pricing.toml: nested too deeply") from error

    def usd_rate(self, currency: str, given: float | None) -> float:
        """USD for one unit of a currency; a rate given by the caller wins.

        Raises
        ------
        ProfileError
            When the plan has no rate and none was given, or the rate given is not a positive number.
        """
        if given is not None:
            if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 < given < 1e6:
                raise ProfileError(f"exchange_rate must be USD for one {currency}, a positive number; got {given!r}")
            if currency == "USD" and given != 1.0:
                raise ProfileError(f"exchange_rate is USD for one {currency}, so 1; got {given!r}: leave it out")
            return given
        if currency not in self.currency.usd:
            known = ", ".join(sorted(self.currency.usd))
            raise ProfileError(
                f"the plan has no rate for currency {currency}: "
                f"pass exchange_rate (USD for one {currency}); it knows {known}"
            )
        return self.currency.usd[currency]

    def far_rate(self, currency: str, given: float) -> str:
        """Tell that a caller's rate is far from the plan's, with both; empty where it is near, or the plan has none."""
        known = self.currency.usd.get(currency)
        if known is None or max(given / known, known / given) <= FAR * (1.0 + 1e-9):
            return ""
        told = f"exchange_rate {rate_text(given)} USD for one {currency} is far from the plan's {rate_text(known)} of "
        return f"{told}{self.currency.as_of}"

    def interruption_share(self, peril: str) -> float:
        """Share of a peril's cost that is lost income."""
        if self.parts is None:
            return (self.waiting_period.interruption_share or {}).get(peril, 0.0)
        return sum(share for part, share in self.parts.of(peril).items() if part in self.waiting_period.parts)

    def waiting_factor(self, peril: str, hours: float) -> float:
        """Factor of the waiting period on a peril's pure premium."""
        share = self.interruption_share(peril)
        return 1.0 - share + share * self.waiting_period.at(hours) if share else 1.0

    def layers_of(self, cover: Coverage) -> tuple[PerilLayers, ...]:
        """Lay out what a cover pays of each peril, waiting, sublimits and coinsurance included.

        Raises
        ------
        CoverageError
            When the cover speaks of coverage parts and the plan has no table of them.
        """
        hours = cover.waiting_period_hours
        by_peril = {peril: self.waiting_factor(peril, hours) for peril in PERILS}
        factor = self.waiting_period.at(hours)
        return peril_layers(cover, self.parts, by_peril, dict.fromkeys(self.waiting_period.parts, factor))

    def scenario(self, name: str) -> Scenario:
        """Find a market scenario by its name.

        Raises
        ------
        CoverageError
            When the plan has none of that name.
        """
        if name not in self.scenarios:
            known = ", ".join(sorted(self.scenarios)) or "none"
            raise CoverageError(f"coverage: unknown market_scenario {name!r}: the plan has {known}")
        return self.scenarios[name]

    def share_mid(self, revenue: float) -> float:
        """How far a firm is from the micro (0) to the mid-market (1) index.

        Interpolated: steps in revenue would be premium cliffs.
        """
        return _interpolate((self.index.micro_revenue, self.index.mid_revenue), (0.0, 1.0), revenue)


def _interpolate(x: Any, y: Any, at: float) -> float:
    """Linear between points, constant outside."""
    if at <= x[0]:
        return float(y[0])
    if at >= x[-1]:
        return float(y[-1])
    k = bisect_right(x, at)
    share = (at - x[k - 1]) / (x[k] - x[k - 1])
    return float(y[k - 1] + share * (y[k] - y[k - 1]))
