"""What the service is asked: the bodies of its requests, bounded by what one answer may cost. The caller is `service`.

A request holds fewer observations than a profile may: the library and the command line read the others.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from cyberscore.examples import example_text
from cyberscore.profile import Observation, Profile
from cyberscore.profile.moments import Day
from cyberscore.profile.problems import AtMost, Input
from cyberscore.rating.coverage import Coverage

LARGEST_BODY = 2_000_000
"""Bytes of a request's body, at most: 5,000 observations with references of some 200 characters (judgement)."""
MOST_VALUES = 200_000
"""Values in a body, at most: four times as many as the lists below hold (judgement)."""
MOST_CHANGES = 1_000
"""Values that the changes of one request may give, in all (judgement)."""
MOST_OF_A_PROFILE: Mapping[str, int] = {"observations": 5_000, "sources": 200, "disputes": 500}
"""Entries of a profile's lists in a request, at most: 128 observations a signal, quoted in a fifth of a second."""

AsOf = Annotated[Day, Field(description="Date of the answer; no observation may be later.")]
Rate = Annotated[
    float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True, description="USD for one unit of the currency.")
]
Language = Literal["en", "zh"]
Cost = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]


def _few_entries(data: Any) -> Any:
    """Refuse lists that are too long for a request, before anything of the profile is looked at."""
    entries = {name: data.get(name) for name in MOST_OF_A_PROFILE} if isinstance(data, dict) else {}
    problems: list[Any] = [
        {
            "type": PydanticCustomError(
                "too_long",
                "the service reads at most {most} entries; got {got}: leave out what newer evidence replaces, "
                "or use the library",
                {"most": f"{MOST_OF_A_PROFILE[name]:,}", "got": f"{len(items):,}"},
            ),
            "loc": (name,),
            "input": None,
        }
        for name, items in entries.items()
        if isinstance(items, list) and len(items) > MOST_OF_A_PROFILE[name]
    ]
    if problems:
        raise ValidationError.from_exception_data("profile", problems)
    return data


ServedProfile = Annotated[
    Profile,
    BeforeValidator(_few_entries),
    Field(description="At most " + ", ".join(f"{most:,} {name}" for name, most in MOST_OF_A_PROFILE.items()) + "."),
]


def _shown(**more: Any) -> ConfigDict:
    """Return the settings of a request, with one that works as example in the OpenAPI."""
    example = {"profile": json.loads(example_text("dental_clinic")), "as_of": "2026-11-23", **more}
    return ConfigDict(json_schema_extra={"examples": [example]})


class PostureRequest(Input):
    """A profile and a date."""

    model_config = _shown()

    profile: ServedProfile
    as_of: AsOf


class CoverRequest(PostureRequest):
    """A profile, the cover asked for, and a date."""

    model_config = _shown(coverage={"aggregate_limit": 1_000_000, "retention": 10_000})

    coverage: Annotated[
        Coverage | None, Field(description="What is asked for; default the usual cover in the insured's currency.")
    ] = None
    exchange_rate: Rate | None = None
    exchange_rate_is_meant: Annotated[
        StrictBool, Field(description="Whether a rate that is far from the plan's is meant; else it is refused.")
    ] = False


class QuoteRequest(CoverRequest):
    """A request for a quote, and other covers to price beside it."""

    model_config = _shown(coverage={"retention": 10_000}, options=[{"retention": 25_000}, {"retention": 50_000}])

    options: Annotated[list[Coverage], AtMost(100)] = Field(default_factory=list)


class ReportRequest(QuoteRequest):
    """A request for a quote as a page, in English or Simplified Chinese."""

    model_config = _shown(language="zh")

    language: Language = "en"


class NextRequest(CoverRequest):
    """A request for what to ask next, in English or Simplified Chinese."""

    model_config = _shown(language="en")

    language: Language = "en"


class WhatIfRequest(CoverRequest):
    """A request for a quote, and changes made in their order: observations, or names with new values."""

    model_config = _shown(changes=[{"mfa_email_coverage": 1.0}, {"retention": 25_000}])

    changes: Annotated[list[Observation | dict[str, Any]], AtMost(MOST_CHANGES)]

    @field_validator("changes", mode="before")
    @classmethod
    def _few_values(cls, changes: Any) -> Any:
        if isinstance(changes, list):
            values = sum(len(one) if isinstance(one, dict) and "signal" not in one else 1 for one in changes)
            if values > MOST_CHANGES:
                raise ValueError(
                    f"changes may give {MOST_CHANGES:,} values in all; got {values:,}: leave out those undone"
                )
        return changes


class PathRequest(CoverRequest):
    """A request for a quote, a target (``band:B``, ``premium:1200``, ``no-referral``) and, maybe, costs of fixes."""

    model_config = _shown(target="band:A", costs={"payment_verification": 800, "mdr_24x7": 9_000})

    target: Annotated[str, Field(max_length=100)]
    costs: Annotated[dict[str, Cost], AtMost(100)] | None = None
