"""Who is insured: firmographics, and the statements an application always asks for."""

from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, field_validator, model_validator

from cyberscore.exceptions import ProfileError
from cyberscore.money import plain
from cyberscore.profile.activities import plain_activities
from cyberscore.profile.bounds import LEAST, Between
from cyberscore.profile.industries import RANGES, Industry, industry, plain_code
from cyberscore.profile.moments import Day
from cyberscore.profile.places import COUNTRIES, CURRENCIES
from cyberscore.profile.problems import AtMost, Input, short


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ProfileError(f"a number is wanted; got {short(value)}")
    return value


def _revenue(value: object) -> object:
    """Tell what to give for a firm that has no revenue yet."""
    if value is None or (value == 0 and not isinstance(value, bool)):
        raise ProfileError(
            f"a year's revenue must be greater than 0; got {value!r}: for a firm without revenue yet, give the "
            "projected revenue of its first 12 months"
        )
    return _number(value)


Revenue = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e14), BeforeValidator(_revenue)]
AmountOrZero = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e14), BeforeValidator(_number)]
Count = Annotated[int, Field(ge=0, le=10**11), BeforeValidator(_number)]


class Insured(Input):
    """A firm that asks for cover.

    Parameters
    ----------
    naics : str
        NAICS 2022 or 2017 code, 2 to 6 digits, as text, or a range: 31-33, 44-45, 48-49.
    country : str
        ISO 3166-1 alpha-2.
    annual_revenue : float
        Per year, in `currency`, in full; of a firm without revenue yet what it projects for its first 12 months.
    currency : str
        ISO 4217; default USD.
    name : str, optional
    employee_count, record_count : int, optional
        Employees; records of personal data held (None is unknown).
    active_incident, known_circumstances : bool, optional
        Whether an incident is under way, or circumstances are known that may lead to a claim; None is not answered.
    business_activities : tuple of str, optional
        Activities that underwriters screen, such as "payment_processing", or a synonym of activities.toml in English or
        Chinese ("MSP", "online casino"); None is not answered, empty is none. A quote refuses one that neither the
        catalogue nor a rule of the plan knows.
    claims_12m, claims_36m : int, optional
        The firm's own cyber claims reported in the past 12 and 36 months; None is not answered.
    largest_claim_36m : float, optional
        The largest of those of 36 months, all costs, in `currency`; 0 says that there was none, None is not answered.
    application_signed_at : date, optional
        When the application was signed; None is not signed yet. Not after the date of the quote.
    bank_details_verified : bool, optional
        Whether new or changed bank details of a payee are verified before the first payment; None is not answered.
    dual_approval_above : float, optional
        Two persons must release every transfer above this, in `currency`; None is not answered.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    naics: Annotated[str, Field(json_schema_extra={"pattern": f"^([0-9]{{2,6}}|{'|'.join(RANGES)})$"})]
    country: Annotated[str, Field(json_schema_extra={"enum": sorted(COUNTRIES)})]
    annual_revenue: Revenue
    currency: Annotated[str, Field(json_schema_extra={"enum": sorted(CURRENCIES)})] = "USD"
    name: str | None = Field(default=None, max_length=300)
    employee_count: Count | None = None
    record_count: Count | None = None
    active_incident: StrictBool | None = None
    known_circumstances: StrictBool | None = None
    business_activities: (
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], AtMost(100)] | None
    ) = None
    claims_12m: Count | None = None
    claims_36m: Count | None = None
    largest_claim_36m: AmountOrZero | None = None
    application_signed_at: Day | None = None
    bank_details_verified: StrictBool | None = None
    dual_approval_above: AmountOrZero | None = None

    @field_validator("naics", mode="before")
    @classmethod
    def _naics_is_text(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            raise ProfileError(f'naics must be text, so that it is never taken for a number; write "{value}"')
        return plain_code(value) if isinstance(value, str) else value

    @field_validator("naics")
    @classmethod
    def _known_industry(cls, value: str) -> str:
        industry(value)
        return value

    @field_validator("business_activities")
    @classmethod
    def _plain_activities(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else plain_activities(value)

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str) -> str:
        if value not in COUNTRIES:
            hint = f"; did you mean {value.upper()}?" if value.upper() in COUNTRIES else ""
            hint = "; the United Kingdom is GB" if value == "UK" else hint
            raise ProfileError(f"unknown country {value!r}: give an ISO 3166-1 alpha-2 code, such as US or GB{hint}")
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value not in CURRENCIES:
            hint = f"; did you mean {value.upper()}?" if value.upper() in CURRENCIES else ""
            raise ProfileError(f"unknown currency {value!r}: give an ISO 4217 code, such as USD or EUR{hint}")
        return value

    @model_validator(mode="after")
    def _claims_agree(self) -> Self:
        recent, all_claims, largest = self.claims_12m, self.claims_36m, self.largest_claim_36m
        if recent is not None and all_claims is not None and recent > all_claims:
            raise ProfileError(f"claims_12m {recent} exceeds claims_36m {all_claims}: the 36 months hold the 12")
        if all_claims == 0 and largest:
            told = plain(largest, self.currency)
            raise ProfileError(f"largest_claim_36m is {told} although claims_36m is 0: correct one of them")
        if largest == 0 and (all_claims or recent):
            name, count = ("claims_36m", all_claims) if all_claims else ("claims_12m", recent)
            raise ProfileError(
                f"largest_claim_36m 0 says that there was no claim, although {name} is {count}: "
                "give the cost of the largest claim, or leave largest_claim_36m out while it is not known"
            )
        return self

    @property
    def claims_12m_known(self) -> int | Between | None:
        """Claims of 12 months as stated, or as the other statements on claims bound them: those of 36 hold them."""
        if self.claims_12m is not None or self.claims_36m_known is None:
            return self.claims_12m
        most = self.claims_36m_known
        if isinstance(most, Between):
            return None
        return Between(0, most) if most else 0

    @property
    def claims_36m_known(self) -> int | Between | None:
        """Claims of 36 months as stated, or as the other statements on claims bound them."""
        if self.claims_36m is not None:
            return self.claims_36m
        if self.largest_claim_36m == 0:
            return 0
        least = max(self.claims_12m or 0, 1 if self.largest_claim_36m else 0)
        return Between(least) if least else None

    @property
    def largest_claim_36m_known(self) -> float | Between | None:
        """Largest claim of 36 months as stated, or as the other statements on claims bound it."""
        if self.largest_claim_36m is not None:
            return self.largest_claim_36m
        if self.claims_36m == 0:
            return 0.0
        return Between(LEAST) if self.claims_36m or self.claims_12m else None

    @property
    def industry(self) -> Industry:
        """Code, title and rating sector of the NAICS code."""
        return industry(self.naics)

    @property
    def sector(self) -> str:
        """Rating sector of the NAICS code."""
        return self.industry.sector
