"""What cover is asked for: limit, retention, sublimits and waiting period, in USD."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from cyberscore.exceptions import CoverageError
from cyberscore.perils import PERILS
from cyberscore.profile.profile import explain


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise CoverageError(f"a number is wanted; got {value!r}")
    return value


Money = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]


class Coverage(BaseModel):
    """A request for cover; amounts in USD.

    Parameters
    ----------
    aggregate_limit : float
        Most that is paid in the year, 10,000 to 10,000,000; also the most for one claim.
    retention : float
        What the insured bears of each claim, 500 to 1,000,000, below the limit.
    sublimits : dict of peril to float, optional
        A lower limit for a peril, 0 for none of it. A sublimit asked for is priced; one that a rule imposes is not.
    waiting_period_hours : float
        Hours before lost income is paid, 1 to 72.
    expiring_premium : float, optional
        Last year's premium, on a renewal: the change is capped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aggregate_limit: Money = Field(default=1_000_000.0, ge=10_000, le=10_000_000)
    retention: Money = Field(default=10_000.0, ge=500, le=1_000_000)
    sublimits: dict[str, Annotated[Money, Field(ge=0)]] = Field(default_factory=dict)
    waiting_period_hours: Money = Field(default=8.0, ge=1, le=72)
    expiring_premium: Annotated[Money, Field(gt=0, le=1e9)] | None = None

    @field_validator("sublimits")
    @classmethod
    def _known_perils(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - set(PERILS))
        if unknown:
            raise CoverageError(f"unknown peril {unknown[0]!r} in sublimits: the perils are {', '.join(PERILS)}")
        return value

    @model_validator(mode="after")
    def _retention_below_limit(self) -> Self:
        if self.retention >= self.aggregate_limit:
            raise CoverageError(
                f"retention {self.retention:_.0f} must be below aggregate_limit {self.aggregate_limit:_.0f}"
            )
        for peril, sublimit in self.sublimits.items():
            if sublimit > self.aggregate_limit:
                raise CoverageError(
                    f"sublimit {sublimit:_.0f} of {peril} must not exceed aggregate_limit {self.aggregate_limit:_.0f}"
                )
        return self

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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.model_dump(mode="json")

    def limit_for(self, peril: str) -> float:
        """Most that is paid for one claim of a peril."""
        return min(self.aggregate_limit, self.sublimits.get(peril, self.aggregate_limit))


STANDARD_LAYER = Coverage()
"""The layer in which the risk score is stated: limit 1,000,000, retention 10,000 USD."""
