"""What cover is asked for: limits, retention, sublimits, coinsurance and waiting period."""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cyberscore.exceptions import CoverageError
from cyberscore.money import converted, literal, plain, rate_text, whole
from cyberscore.perils import PARTS, PERILS
from cyberscore.profile.moments import Day
from cyberscore.profile.places import CURRENCIES
from cyberscore.profile.problems import AtMost, Input, explain, short

BOUNDS_IN_USD = {
    "aggregate_limit": (10_000.0, 10_000_000.0),
    "per_claim_limit": (1_000.0, 10_000_000.0),
    "retention": (500.0, 1_000_000.0),
}
LEAST_EXPIRING = 50.0
"""USD below which nothing can be a year's premium (judgement: the market's least are some hundreds)."""
AMOUNTS = ("aggregate_limit", "per_claim_limit", "retention", "sublimits", "expiring_premium")
"""Fields of a request that are amounts of money."""
USUAL_RETENTION = 0.01
"""The usual retention as a share of the usual limit (judgement): 10,000 of 1,000,000 USD."""


@cache
def usual_covers() -> Mapping[str, tuple[float, float]]:
    """Usual limit and retention by currency: what a request has that does not give them."""
    text = (files("cyberscore.rating") / "usual_covers.toml").read_text(encoding="utf-8")
    limits = tomllib.loads(text)["aggregate_limit"]
    return {currency: (float(limit), limit * USUAL_RETENTION) for currency, limit in limits.items()}


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise CoverageError(f"a number is wanted; got {short(value)}")
    return value


Money = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
Amount = Annotated[Money, Field(ge=0, le=1e15)]
Percent = Annotated[Money, Field(ge=0, le=100)]


class Coverage(Input):
    """A request for cover.

    Parameters
    ----------
    currency : str
        Of every amount here and in the quote: USD, or the insured's own, which is meant where none is named.
    aggregate_limit : float
        Most that is paid in the year, 10,000 to 10,000,000 USD or as much of another currency. Default 1,000,000 USD,
        or the usual limit of the currency: the customary amount nearest to that, such as 1,000,000 EUR or 200,000,000
        JPY (`cyberscore.rating.coverage.usual_covers`). It is fixed, and no exchange rate moves it.
    per_claim_limit : float, optional
        Most that is paid for one claim; default the aggregate limit.
    retention : float
        What the insured bears of each claim, 500 to 1,000,000 USD or as much of another currency, below the limits.
        Default 10,000 USD, or a hundredth of the currency's usual limit.
    sublimits : dict of peril or coverage part to float, optional
        A lower limit for a claim of a peril, or for one part of any claim (`cyberscore.perils.PARTS`), 0 for none of
        it. A sublimit asked for is priced; one that a rule imposes for a weak posture is not.
    coinsurance : dict of peril or coverage part to float, optional
        Percent of what would be paid that the insured bears. Where a peril's and a part's meet, the higher counts.
        Priced when asked for.
    waiting_period_hours : float
        Hours before lost income is paid, 1 to 72.
    expiring_premium : float, optional
        Last year's premium, on a renewal: the change is capped.
    contingencies_open_since : date, optional
        When the policy in force was bound, if conditions of it are still open; None when none is. Not after the date of
        the quote.
    surplus_lines_state : str, optional
        US state, two letters, whose surplus lines tax and fees apply: on a placement with a non-admitted insurer.
    market_scenario : str, optional
        Name of a scenario of the plan: what the premium would be after such a change of the market.
    """

    currency: str = Field(default="USD", description="Of every amount here; where none is named, the insured's own.")
    aggregate_limit: Amount = Field(
        default=1_000_000.0,
        description="Of a year, in `currency`; default 1,000,000 USD, or the currency's usual limit.",
    )
    per_claim_limit: Amount | None = None
    retention: Amount = Field(
        default=10_000.0, description="Of each claim, in `currency`; default 10,000 USD, or the currency's usual one."
    )
    sublimits: Annotated[dict[str, Amount], AtMost(100)] = Field(default_factory=dict)
    coinsurance: Annotated[dict[str, Percent], AtMost(100)] = Field(default_factory=dict)
    waiting_period_hours: Money = Field(default=8.0, ge=1, le=72)
    expiring_premium: Annotated[Money, Field(gt=0, le=1e13)] | None = None
    contingencies_open_since: Day | None = None
    surplus_lines_state: str | None = None
    market_scenario: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, data: Any) -> Any:
        """Give what is not asked for as is usual in the currency; the fields' own defaults are those of USD."""
        currency = data.get("currency") if isinstance(data, Mapping) else None
        missing = [name for name in ("aggregate_limit", "retention") if isinstance(data, Mapping) and name not in data]
        if not missing or not isinstance(currency, str) or currency == "USD" or currency not in CURRENCIES:
            return data
        if currency not in usual_covers():
            raise CoverageError(
                f"no usual cover is known in {currency}: give {' and '.join(missing)} in {currency}, "
                "or name USD as the currency of the cover"
            )
        limit, retention = usual_covers()[currency]
        asked = data.get("aggregate_limit", limit)
        if missing == ["retention"] and isinstance(asked, int | float) and asked <= retention:
            raise CoverageError(
                f"aggregate_limit {literal(asked)} {currency} is not above {literal(retention)} {currency}, the "
                f"retention that is usual in {currency}: give a higher limit, or a retention too"
            )
        return {"aggregate_limit": limit, "retention": retention, **data}

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value not in CURRENCIES:
            raise CoverageError(f"unknown currency {short(value)}: give an ISO 4217 code such as USD, EUR or GBP")
        return value

    @field_validator("aggregate_limit", "per_claim_limit", "retention")
    @classmethod
    def _within_bounds(cls, value: float | None, info: ValidationInfo) -> float | None:
        """Bounds are in USD; those of another currency are checked once its rate is known."""
        low, high = BOUNDS_IN_USD[str(info.field_name)]
        if value is not None and info.data.get("currency") == "USD" and not low <= value <= high:
            raise CoverageError(
                f"must be between {low:.0f} and {high:.0f} USD; got {value:.15g} (name the currency, if it is another)"
            )
        return value

    @field_validator("sublimits", "coinsurance")
    @classmethod
    def _known_names(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        unknown = sorted(set(value) - set(PERILS) - set(PARTS))
        if unknown:
            raise CoverageError(
                f"unknown peril or coverage part {short(unknown[0])} in {info.field_name}: the perils are "
                f"{', '.join(PERILS)}; the parts are {', '.join(PARTS)}"
            )
        return value

    @field_validator("coinsurance")
    @classmethod
    def _in_percent(cls, value: dict[str, float]) -> dict[str, float]:
        """Refuse what is a share rather than a percentage: 0.2 may mean 20 %."""
        for name, percent in value.items():
            if 0.0 < percent < 1.0:
                raise CoverageError(
                    f"{name}: the insured's part is given in percent, 0 or at least 1; got {percent:g}: "
                    f"write {100.0 * percent:g} for {100.0 * percent:g} %"
                )
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        limit = self.aggregate_limit
        if self.per_claim_limit is not None and self.per_claim_limit > limit:
            raise CoverageError(
                f"per_claim_limit {literal(self.per_claim_limit)} must not exceed aggregate_limit {literal(limit)}"
            )
        if self.retention >= limit:
            raise CoverageError(f"retention {literal(self.retention)} must be below aggregate_limit {literal(limit)}")
        if self.per_claim_limit is not None and self.retention >= self.per_claim_limit:
            raise CoverageError(
                f"retention {literal(self.retention)} must be below per_claim_limit {literal(self.per_claim_limit)}"
            )
        for name, sublimit in self.sublimits.items():
            if sublimit > limit:
                raise CoverageError(
                    f"sublimit {literal(sublimit)} of {name} must not exceed aggregate_limit {literal(limit)}"
                )
        return self

    @classmethod
    def usual(cls, currency: str) -> Self:
        """Return the usual cover in a currency, what a quote is of by default; that in USD where none is known."""
        return cls(currency=currency) if currency in usual_covers() and currency != "USD" else cls()

    def in_own(self, currency: str) -> Self:
        """Return the same request with its amounts in a currency where it names none; itself where it does.

        It stays in USD where no cover is usual in the currency and no amount is given.

        Raises
        ------
        CoverageError
            When no cover is usual in the currency and only some amounts are given.
        """
        if self.names_currency or currency == self.currency:
            return self
        if currency not in usual_covers() and not self.gives_amounts:
            return self
        return self.from_dict({**self.model_dump(exclude_unset=True), "currency": currency})

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Build a request from plain JSON types.

        Raises
        ------
        CoverageError
            Naming each place, the value got and what is wanted.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise CoverageError(explain(error, "coverage")) from error

    @classmethod
    def grid(cls, *, limits: Iterable[float], retentions: Iterable[float], **shared: Any) -> tuple[Self, ...]:
        """Make requests for every limit with every retention, limits outermost, all else shared.

        Parameters
        ----------
        limits, retentions : iterable of float
            Aggregate limits and retentions.
        **shared
            Other fields of every request.

        Raises
        ------
        CoverageError
            When one of them makes no sense, or there is none.

        Examples
        --------
        >>> from cyberscore import Coverage
        >>> [(c.aggregate_limit, c.retention) for c in Coverage.grid(limits=[5e5, 1e6], retentions=[5e3])]
        [(500000.0, 5000.0), (1000000.0, 5000.0)]
        """
        rows, columns = list(limits), list(retentions)
        if not rows or not columns:
            raise CoverageError("a grid needs at least one limit and one retention; got none")
        return tuple(
            cls.from_dict({**shared, "aggregate_limit": limit, "retention": retention})
            for limit in rows
            for retention in columns
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.model_dump(mode="json")

    def in_currency(self, currency: str, rate: float, *, decimals: int | None = None) -> Self:
        """Return the same request with every amount times `rate`, in another currency; itself when it is that already.

        Amounts are rounded to `decimals`, to 14 digits by default.

        Raises
        ------
        CoverageError
            When an amount is out of bounds, which are in USD.
        """
        if currency == self.currency:
            return self
        if currency == "USD":
            self._check_bounds(rate)

        def moved(amount: float | None) -> float | None:
            if amount is None:
                return None
            return converted(amount, rate) if decimals is None else round(amount * rate, decimals)

        amounts = [name for name in AMOUNTS if name != "sublimits"]
        return self.from_dict(
            {
                **self.model_dump(),
                "currency": currency,
                **{name: moved(getattr(self, name)) for name in amounts},
                "sublimits": {name: moved(amount) for name, amount in self.sublimits.items()},
            }
        )

    def _check_bounds(self, rate: float) -> None:
        """Refuse amounts of another currency that are out of bounds at a rate, in that currency."""
        for name, (low, high) in BOUNDS_IN_USD.items():
            value = getattr(self, name)
            if value is not None and not low <= round(value * rate, 6) <= high:
                least, most = math.ceil(low / rate), math.floor(high / rate)
                asked = f"{plain(value, self.currency)} {self.currency} is {plain(value * rate)} USD"
                raise CoverageError(
                    f"coverage: {name}: {asked} at {rate_text(rate)} USD for "
                    f"one {self.currency}: it must be between {whole(least)} and {whole(most)} "
                    f"{self.currency} ({plain(low)} to {plain(high)} USD)"
                )

    def check_expiring(self, rate: float) -> None:
        """Refuse an expiring premium that nobody paid for a year of such a cover; `rate` is USD for one of `currency`.

        Raises
        ------
        CoverageError
            Naming the premium and what it must lie between.
        """
        paid, currency = self.expiring_premium, self.currency
        if paid is not None and not LEAST_EXPIRING <= paid * rate < self.aggregate_limit * rate:
            least = plain(math.ceil(LEAST_EXPIRING / rate * 1000) / 1000, currency)
            raise CoverageError(
                f"coverage: expiring_premium: {plain(paid, currency)} {currency} cannot be last year's premium: it "
                f"must be at least {least} and below aggregate_limit {plain(self.aggregate_limit, currency)}: "
                "give the premium of a year, in full"
            )

    @property
    def names_currency(self) -> bool:
        """Whether the request says of which currency its amounts are."""
        return "currency" in self.model_fields_set

    @property
    def gives_amounts(self) -> bool:
        """Whether an amount of money was given, rather than left as is usual."""
        return any(getattr(self, name) for name in AMOUNTS if name in self.model_fields_set)

    @property
    def is_renewal(self) -> bool:
        """Whether a policy is in force that this would renew."""
        return self.expiring_premium is not None or self.contingencies_open_since is not None

    @property
    def claim_limit(self) -> float:
        """Most that is paid for one claim."""
        return self.aggregate_limit if self.per_claim_limit is None else self.per_claim_limit

    def limit_for(self, name: str) -> float:
        """Most that is paid for one claim of a peril, or for a coverage part of one claim."""
        return min(self.claim_limit, self.sublimits.get(name, self.claim_limit))

    def borne(self, peril: str, part: str | None = None) -> float:
        """Share of a payment that the insured bears."""
        return max(self.coinsurance.get(peril, 0.0), self.coinsurance.get(part or peril, 0.0)) / 100.0

    @property
    def has_part_terms(self) -> bool:
        """Whether a sublimit or coinsurance is by coverage part."""
        return not PARTS.keys().isdisjoint({**self.sublimits, **self.coinsurance})

    def at_terms(
        self, *, aggregate_limit: float, retention: float, waiting_period_hours: float, sublimits: dict[str, float]
    ) -> Self:
        """Return the same request at other terms; limits inside the aggregate limit fall with it.

        Raises
        ------
        CoverageError
            When nothing is left of a limit above the retention.
        """
        claim = self.per_claim_limit
        return self.from_dict(
            {
                **self.model_dump(),
                "aggregate_limit": aggregate_limit,
                "per_claim_limit": None if claim is None else min(claim, aggregate_limit),
                "retention": retention,
                "waiting_period_hours": waiting_period_hours,
                "sublimits": {name: min(amount, aggregate_limit) for name, amount in sublimits.items()},
            }
        )


def cover_asked(coverage: Coverage | None, own_currency: str, options: Sequence[Coverage] = ()) -> Coverage:
    """Return the cover that a quote is about: what was asked for, else the usual one.

    Its currency is the one it names, else that of the options beside it, else the insured's own.

    Raises
    ------
    CoverageError
        When amounts name no currency and cannot be of the insured's, since no cover is usual there.
    """
    named = [one.currency for one in options if one.names_currency]
    currency = named[0] if named else own_currency
    asked = Coverage.usual(currency) if coverage is None else coverage.in_own(currency)
    if asked.currency != currency and not asked.names_currency and any(one.gives_amounts for one in options):
        raise CoverageError(
            f"no usual cover is known in {currency}, so options need a coverage beside them: give one with "
            f"aggregate_limit and retention in {currency}, or name USD as the currency of coverage and options"
        )
    return asked


STANDARD_LAYER = Coverage()
"""The layer in which the risk score is stated: limit 1,000,000, retention 10,000 USD."""
