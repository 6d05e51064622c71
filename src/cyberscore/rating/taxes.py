"""Taxes and fees on a premium: data of the plan, lines beside the premium, never in it. Called by the engine."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cyberscore.exceptions import CoverageError, PlanError
from cyberscore.rating.numbers_of_plan import Fee, Positive, Share

TaxStatus = Literal["due", "none_due", "not_known"]
"""Whether taxes or fees stand beside a premium, none do, or the plan does not know of the country."""


class StateTax(BaseModel):
    """Surplus lines tax and stamping fee of a US state, as shares of premium."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tax: Share
    stamping: Share = 0.0


class PolicyFee(BaseModel):
    """Fee on a surplus lines policy, USD: `small` for a premium below `below`, else `large`; it is taxed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    below: Positive
    small: Fee
    large: Fee

    @model_validator(mode="after")
    def _rises(self) -> "PolicyFee":
        if self.small > self.large:
            raise PlanError("surplus_lines.policy_fee: small must not exceed large")
        return self


class SurplusLines(BaseModel):
    """What a placement with a non-admitted insurer adds in the United States."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_fee: PolicyFee
    states: dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], StateTax]


def tax_lines(
    premium_usd: float, country: str, state: str | None, taxes: Mapping[str, float], lines: SurplusLines | None
) -> dict[str, float]:
    """Taxes and fees on a premium, by name, unrounded.

    Parameters
    ----------
    premium_usd : float
        Premium without them, USD.
    country : str
        Of the insured, ISO 3166-1 alpha-2.
    state : str or None
        US state whose surplus lines rules apply, on such a placement.
    taxes : dict of country to float
        Premium tax as a share of premium.
    lines : SurplusLines or None

    Raises
    ------
    CoverageError
        When a state is given for a firm outside the United States, or one the plan does not know.
    """
    found = {f"{country} premium tax": premium_usd * taxes[country]} if taxes.get(country) else {}
    if state is None:
        return found
    if country != "US":
        raise CoverageError(f"coverage: surplus_lines_state is for insureds in the US; this one is in {country}")
    if lines is None or state not in lines.states:
        known = ", ".join(sorted(lines.states)) if lines else "none"
        raise CoverageError(f"coverage: the plan has no surplus lines tax for {state!r}; it knows {known}")
    own, fee = lines.states[state], lines.policy_fee
    charged = fee.small if premium_usd < fee.below else fee.large
    found[f"US-{state} surplus lines tax"] = (premium_usd + charged) * own.tax
    if own.stamping:
        found[f"US-{state} stamping fee"] = (premium_usd + charged) * own.stamping
    if charged:
        found["policy fee"] = charged
    return found


def tax_status(lines: Mapping[str, float], country: str, taxes: Mapping[str, float]) -> TaxStatus:
    """Tell "none due", a country of which the plan has a tax of 0, from "not known", one that it does not have."""
    if lines:
        return "due"
    return "none_due" if country in taxes else "not_known"
