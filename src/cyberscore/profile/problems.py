"""What is wrong with input, in bounded words: how much is checked, told and repeated. Callers are models and edges.

Length comes before content: a list that is too long is refused before its first item is looked at, and one of many bad
items is left once enough of them are known.
"""

import difflib
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cyberscore.exceptions import MOST_LINES, bounded_line

MOST_TOLD = MOST_LINES
"""Problems that are told, at most; the others are counted."""
LONGEST_WORD = 80
"""Characters of a value or of a field's name that a message repeats."""
UNCHECKED = "unchecked"
"""Type of the problem that stands for the items after the last that was looked at."""

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 2, LONGEST_WORD, LONGEST_WORD, LONGEST_WORD


class Input(BaseModel):
    """Base of all models of what a caller gives: frozen, and refusing unknown fields, a mass of them in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + MOST_TOLD:
            unknown = [name for name in data if name not in cls.model_fields]
            told = ", ".join(short(name) for name in unknown[:3])
            raise ValueError(
                f"{len(unknown):,} unknown fields, such as {told}: remove them; known are {', '.join(cls.model_fields)}"
            )
        return data


@dataclass(frozen=True, slots=True)
class AtMost:
    """Annotation of a tuple, list or dict: no more than so many entries, counted before they are looked at.

    Items of a tuple or list are looked at until `MOST_TOLD` problems are known; the rest is counted as not checked.
    """

    entries: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Bound the length in the JSON Schema too, and stop at the first bad item, after which `_checked` goes on."""
        schema: Any = handler(source)
        schema["max_length"] = self.entries
        if schema["type"] != "dict":
            schema["fail_fast"] = True
        return core_schema.no_info_wrap_validator_function(self._checked, schema)

    def _checked(self, values: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        if isinstance(values, list | tuple | dict) and len(values) > self.entries:
            raise PydanticCustomError(
                "too_long",
                "at most {most} entries are read; got {got}: send fewer",
                {"most": f"{self.entries:,}", "got": f"{len(values):,}"},
            )
        if not isinstance(values, list | tuple) or not values:
            return handler(values)
        problems: list[Any] = []
        start = 0
        while start < len(values):
            left = len(values) - start
            if len(problems) >= MOST_TOLD:
                problems.append({"type": PydanticCustomError(UNCHECKED, "{left} more", {"left": left}), "input": None})
                break
            try:
                good = handler(values[start:])
            except ValidationError as error:
                items = error.errors(include_url=False)
                if not items[0]["loc"]:
                    raise  # the list itself is wrong, as where a dict is wanted
                problems += [_moved(item, start) for item in items]
                start = problems[-1]["loc"][0] + 1
            else:
                if not problems:
                    return good
                break
        raise ValidationError.from_exception_data("list", problems)


def _moved(item: Any, start: int) -> Any:
    """Return an account of pydantic with the item's place in the whole list."""
    place, *rest = item["loc"]
    problem = PydanticCustomError(item["type"], item["msg"])
    return {"type": problem, "loc": (place + start, *rest), "input": item["input"]}


def problems_of(error: ValidationError) -> tuple[list[Any], int]:
    """Return pydantic's account of the first problems, at most `MOST_TOLD`, and how many there are beside them.

    Items that were not looked at count as one each.
    """
    every: Iterable[Any] = error.errors(include_url=False)
    known, left = [], 0
    for item in every:
        if item["type"] == UNCHECKED:
            left += item["ctx"]["left"]
        else:
            known.append(item)
    return known[:MOST_TOLD], max(0, len(known) - MOST_TOLD) + left


def explain(error: ValidationError, name: str) -> str:
    """One line for each thing wrong: place, what is wanted, what was got; beyond `MOST_TOLD`, how many more."""
    items, more = problems_of(error)
    lines = [_line(item, name) for item in items]
    if more:
        lines.append(f"{name}: and {more_text(more)}")
    return "\n".join(lines)


def more_text(more: int) -> str:
    """Say how many problems are not told."""
    return f"{more:,} more, not all of them checked: mend these first"


def _line(item: Any, name: str) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{bounded_line(part, LONGEST_WORD)}" for part in item["loc"]]
    place = "".join(parts).lstrip(".")
    where = f"{name}: {place}" if place else name
    message = item["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    kind = item["type"]
    if kind == "missing":
        return f"{where}: this field is required"
    if kind == "extra_forbidden":
        return f"{where}: unknown field: remove it or mend its name"
    if kind in {"value_error", "too_long"}:
        return f"{where}: {message}"
    return f"{where}: {message[0].lower()}{message[1:]}; got {short(item.get('input'))}"


def short(value: object) -> str:
    """Return a value as Python writes it, of a long one the beginning and the end."""
    try:
        return bounded_line(_SHORT.repr(value), LONGEST_WORD)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return f"a value of type {type(value).__name__} that is too long to tell"


def nearest(name: object, names: Iterable[str]) -> str:
    """Offer the nearest of some names, as `: did you mean ...?`, or nothing; a long text is near none."""
    text = str(name) if isinstance(name, str | int | float) else ""
    close = difflib.get_close_matches(text, names, n=1) if len(text) <= LONGEST_WORD else []
    return f": did you mean {close[0]!r}?" if close else ""
