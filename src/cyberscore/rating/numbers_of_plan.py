"""Numbers in the files of a plan, never text, true or false in their place: callers are the readers of these files."""

from itertools import chain
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cyberscore.exceptions import PlanError


def number(value: Any) -> Any:
    """Pass a number on; refuse text, true and false, which would be taken for one."""
    if isinstance(value, bool | str):
        raise PlanError(f"a number is wanted; got {value!r}: write it without quotes")
    return value


def real(value: Any, name: str, low: float, high: float) -> float:
    """Read a number within bounds.

    Raises
    ------
    PlanError
        Naming the field, the bounds and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PlanError(f"{name} must be a number between {low:g} and {high:g}; got {value!r}")
    return float(value)


def check_numbers(value: Any, name: str) -> None:
    """Refuse nested lists that hold anything but numbers.

    Raises
    ------
    PlanError
        Naming the field and the first value that is no number.
    """
    items = [value]
    while items and all(type(item) is list for item in items):
        items = list(chain.from_iterable(items))
    if not set(map(type, items)) <= {int, float}:
        wrong = next(item for item in items if type(item) not in {int, float})
        raise PlanError(f"{name} must hold numbers alone, in lists of one depth; got {wrong!r:.60}")


Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), BeforeValidator(number)]
ShareOrAll = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(number)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False), BeforeValidator(number)]
PartShare = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), BeforeValidator(number)]
Factor = Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False), BeforeValidator(number)]
Fee = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False), BeforeValidator(number)]
Load = Annotated[float, Field(ge=0, le=5, allow_inf_nan=False), BeforeValidator(number)]
Change = Annotated[float, Field(gt=-0.9, le=3.0, allow_inf_nan=False), BeforeValidator(number)]
Count = Annotated[int, Field(ge=0, le=10**9), BeforeValidator(number)]
