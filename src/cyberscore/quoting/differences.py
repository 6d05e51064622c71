"""Where two results in plain JSON types differ, field by field: callers are the replay of a record and what-if."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"
"""Stands for a field or a line that one side does not have."""

_NAMES = ("signal", "rule", "factor", "label", "peril", "name")
"""What the items of a list are known by, so that one more line does not make all that follow differ."""
TOLERANCE = 1e-9
"""Relative difference of numbers that is no difference: sums may round otherwise on another machine."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: where it stands, what it was and what it is."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.before)} -> {_short(self.after)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"path": self.path, "before": self.before, "after": self.after}


_WORDS = {"text", "sentence", "read", "source", "evidence", "title", "action", "question", "notice"}
_LISTS_OF_WORDS = ("warnings", "disclaimers", "decision_reasons")


def is_of_words(one: Difference) -> bool:
    """Whether a difference between two quotes is one of words alone: sentences are mended, numbers and codes stand."""
    told = isinstance(one.before, str) and isinstance(one.after, str)
    return told and (one.path.rpartition(".")[2] in _WORDS or one.path.startswith(_LISTS_OF_WORDS))


def differences(before: Any, after: Any, *, path: str = "") -> Iterator[Difference]:
    """Fields that differ, in the order of the first side, then those that only the second has.

    Parameters
    ----------
    before, after : plain JSON types
        Numbers that differ by less than a billionth are equal. Items of a list are matched by the name they carry, or
        else by place.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), path=place)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif not _equal(before, after):
        yield Difference(path, before, after)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    first, second = _named(before), _named(after)
    if first is None or second is None:
        for k in range(max(len(before), len(after))):
            old, new = (items[k] if k < len(items) else ABSENT for items in (before, after))
            yield from differences(old, new, path=f"{path}[{k}]")
        return
    for name in (*first, *(name for name in second if name not in first)):
        yield from differences(first.get(name, ABSENT), second.get(name, ABSENT), path=f"{path}[{name}]")
    shared = [[name for name in one if name in other] for one, other in ((first, second), (second, first))]
    if shared[0] != shared[1]:
        yield Difference(f"{path} (order)", shared[0], shared[1])


def _named(items: list[Any]) -> dict[str, Any] | None:
    """Items by name, or None when they have none that tells them apart."""
    for name in _NAMES:
        if all(isinstance(item, dict) and isinstance(item.get(name), str) for item in items):
            found = {item[name]: item for item in items}
            if len(found) == len(items):
                return found
    return None


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return type(a) is type(b) and bool(a == b)
    return bool(abs(a - b) <= TOLERANCE * max(abs(a), abs(b)))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
