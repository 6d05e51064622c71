"""Tools whose files no reader takes, told by the marks in `other_tools.toml`: the caller is `detection`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

from cyberscore.readers.head import Head

FIRST_LINES = 2_000
"""How many characters of a text may hold a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What shows that a file is of a tool; all that is named must be there.

    Parameters
    ----------
    root : str
        XML root element.
    elements, attributes : tuple of str
        XML elements seen, and attributes of the root element.
    fields : tuple of str
        Paths of JSON fields, as in `Head.keys`.
    values : mapping
        A text that the first value at a path contains.
    columns : tuple of str
        Headings of one row of a table.
    begins, holds : str
        How the text begins; what stands in its first lines.
    """

    root: str = ""
    elements: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    columns: tuple[str, ...] = ()
    begins: str = ""
    holds: str = ""

    def fits(self, head: Head) -> bool:
        """Whether a file that begins so has this mark."""
        text = head.text[:FIRST_LINES].casefold()
        return (
            self.root in {"", head.root}
            and head.elements.issuperset(self.elements)
            and set(head.attributes).issuperset(self.attributes)
            and head.has_keys(*self.fields)
            and all(part.casefold() in head.values.get(path, "").casefold() for path, part in self.values.items())
            and (not self.columns or head.has_columns(*self.columns))
            and text.startswith(self.begins.casefold())
            and self.holds.casefold() in text
        )


@dataclass(frozen=True, slots=True)
class OtherTool:
    """A tool whose files no reader takes.

    Parameters
    ----------
    name : str
    give : str
        What to give instead; empty where there is nothing in particular.
    marks : tuple of Mark
    """

    name: str
    give: str
    marks: tuple[Mark, ...]


def other_tool(head: Head) -> OtherTool | None:
    """Return the tool that a file shows the marks of, the first that the table lists; None if it shows none."""
    return next((tool for tool in other_tools() if any(mark.fits(head) for mark in tool.marks)), None)


@cache
def other_tools() -> tuple[OtherTool, ...]:
    """All of the table, checked.

    Raises
    ------
    ValueError
        When the table is not as its head says.
    """
    text = (files("cyberscore.readers") / "other_tools.toml").read_text(encoding="utf-8")
    found = tuple(_tool(entry) for entry in tomllib.loads(text)["tool"])
    names = [tool.name for tool in found]
    if len(set(names)) < len(names):
        raise ValueError(f"other_tools.toml: a tool stands twice: {sorted(names)}")
    return found


def _tool(entry: Mapping[str, Any]) -> OtherTool:
    name, give, marks = entry.get("name"), entry.get("give", ""), entry.get("marks")
    if set(entry) - {"name", "give", "marks"} or not (
        isinstance(name, str) and isinstance(give, str) and name and marks
    ):
        raise ValueError(f"other_tools.toml: a tool has a name, marks and maybe give; got {entry!r:.200}")
    return OtherTool(name, give, tuple(_mark(name, mark) for mark in marks))


def _mark(name: str, mark: Mapping[str, Any]) -> Mark:
    types = {part.name: str if part.default == "" else dict if part.name == "values" else list for part in fields(Mark)}
    wrong = [key for key, value in mark.items() if type(value) is not types.get(key) or not value]
    texts = [text for value in mark.values() for text in ([value] if isinstance(value, str) else value)]
    if wrong or not mark or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"other_tools.toml: {name}: {mark!r:.200} is no mark: {', '.join(wrong) or 'it is empty'}")
    made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in mark.items()}
    return Mark(**made)
