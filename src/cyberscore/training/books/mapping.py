"""How a carrier's export maps to a book: names of its columns, words in them, and the draft of a mapping.

Called by `columns` and `files`.
"""

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from cyberscore.exceptions import TrainingError
from cyberscore.training.books.notation import DECIMALS, folded

UNKNOWN_VALUE = "?"
"""Stands in the draft of a mapping where the meaning of a word has to be filled in."""


@dataclass(frozen=True, slots=True)
class Export:
    """How a carrier writes its tables; see `Book` for the meaning of each (`words` are its `values`).

    Raises
    ------
    TrainingError
        When one of them is not of the right kind.
    """

    columns: Mapping[str, str | Sequence[str] | None] = field(default_factory=dict)
    words: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    decimal: str | None = None
    dayfirst: bool | None = None

    def __post_init__(self) -> None:
        if self.decimal not in {None, *DECIMALS}:
            raise TrainingError(f"decimal must be '.' or ',', or left out; got {self.decimal!r}")
        if self.dayfirst not in {None, True, False}:
            raise TrainingError(f"dayfirst must be True or False, or left out; got {self.dayfirst!r}")
        if not isinstance(self.columns, Mapping):
            raise TrainingError(
                'columns must be a dict of your names to ours, such as {"Policy No": "policy_id"}; '
                f"got {self.columns!r}"
            )
        for theirs, ours in self.columns.items():
            names = [] if ours is None else [ours] if isinstance(ours, str) else ours
            if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
                raise TrainingError(
                    f"columns[{theirs!r}] must be one of our names, a list of them, or None to leave the column out; "
                    f"got {ours!r}"
                )
        if not isinstance(self.words, Mapping) or not all(isinstance(one, Mapping) for one in self.words.values()):
            raise TrainingError(
                'values must be a dict by our name of a column, such as {"status": {"offen": "open"}}; '
                f"got {self.words!r}"
            )

    def ours(self, theirs: str) -> tuple[str, ...] | None:
        """Return our names of one of their columns, () for one to be left out, None where nothing is said of it."""
        if theirs not in self.columns:
            return None
        names = self.columns[theirs]
        return () if names is None or names == "" else (names,) if isinstance(names, str) else tuple(names)


@dataclass(frozen=True, slots=True)
class Names:
    """Which of a table's columns stands for which of ours.

    `sources` are agreed, ours to theirs; `drafted` are not: a mapping by near names and usual words, under which the
    table is read on to find whatever else is wrong. `near` holds, by one of their columns, the name of ours that it
    all but has; `twice` the columns that claim a name of ours that another has already.
    """

    sources: dict[str, str]
    drafted: dict[str, str]
    near: dict[str, str]
    twice: dict[str, tuple[str, str]]

    @property
    def all(self) -> dict[str, str]:
        """Agreed and drafted ones, ours to theirs."""
        return {**self.drafted, **self.sources}

    @classmethod
    def of(cls, columns: Sequence[str], known: Collection[str], export: Export) -> "Names":
        """Find which column stands for which of the `known` names."""
        sources: dict[str, str] = {name: name for name in columns if name in known and export.ours(name) is None}
        twice: dict[str, tuple[str, str]] = {}
        for theirs in columns:
            for ours in export.ours(theirs) or ():
                if ours in known and sources.setdefault(ours, theirs) != theirs:
                    twice[theirs] = (ours, sources[ours])
        free = [name for name in columns if name not in sources.values() and export.ours(name) is None]
        absent = sorted(set(known) - set(sources))
        drafted: dict[str, str] = {}
        near: dict[str, str] = {}
        for theirs in free:
            if (close := _near(theirs, absent)) is not None:
                near[theirs] = close
                drafted.setdefault(close, theirs)
        for theirs in free:
            usual = _usual_words().get(folded(theirs))
            if usual in absent and usual is not None and theirs not in near:
                drafted.setdefault(usual, theirs)
        return cls(sources, drafted, near, twice)


def _near(theirs: str, absent: Sequence[str]) -> str | None:
    """Name of ours that one of their columns all but has: other case or marks, a part of it, or a slip."""
    same = [name for name in absent if folded(name) == folded(theirs)]
    if same or "__" in theirs:  # beside a signal: what belongs to no column is told elsewhere
        return same[0] if same else None
    begun = [name for name in absent if len(theirs) > 5 and name.startswith(f"{theirs}_")]
    close = begun or get_close_matches(theirs.lower().strip(), absent, n=1, cutoff=0.8)
    return close[0] if close else None


@cache
def _vocabulary() -> Mapping[str, Any]:
    text = files("cyberscore.training.books").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _usual_words() -> Mapping[str, str]:
    """Names of ours by words that exports use for them; a word that could be two of ours is none."""
    found: dict[str, str] = {}
    for ours, words in _vocabulary()["columns"].items():
        for word in words:
            if found.setdefault(folded(word), ours) != ours:
                raise ValueError(f"vocabulary.toml: {word!r} stands for {found[folded(word)]} and for {ours}")
    return found


@cache
def yes_and_no() -> Mapping[str, float]:
    """1 and 0 by words that say yes and no, folded."""
    words = _vocabulary()
    return {folded(word): 1.0 for word in words["yes"]} | {folded(word): 0.0 for word in words["no"]}


@cache
def words_of_totals() -> frozenset[str]:
    """Words that name a row of totals, folded."""
    return frozenset(folded(word) for word in _vocabulary()["totals"])


def as_word(value: object) -> str:
    """Value as a mapping of words names it: 1 for 1.0."""
    if isinstance(value, float) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def suggested(value: object, choices: Sequence[str]) -> str:
    """Which of the choices a word is likely to mean, or UNKNOWN_VALUE."""
    same = [choice for choice in choices if folded(choice) == folded(value)]
    close = same or get_close_matches(str(value).lower(), choices, n=1, cutoff=0.6)
    return close[0] if close else UNKNOWN_VALUE


def draft_text(columns: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> str:
    """Draft of a mapping, to be copied as arguments in Python or as JSON on the command line; empty without any."""
    parts = [
        f"{name}={json.dumps(mapping, ensure_ascii=False, indent=2)}"
        for name, mapping in (("columns", columns), ("values", values))
        if mapping
    ]
    if not parts:
        return ""
    fill_in = (
        f" and fill in every {json.dumps(UNKNOWN_VALUE)}"
        if any(UNKNOWN_VALUE in mapping.values() for mapping in values.values())
        else ""
    )
    held = " (the columns were read as if it held)" if columns else ""
    return f"draft of a mapping{held}: check it{fill_in}, then pass it on:\n" + ",\n".join(parts)
