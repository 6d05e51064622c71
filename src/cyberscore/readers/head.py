"""How a file begins: what readers look at to tell whether it is theirs. The caller is `detection`."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from cyberscore.readers.documents import delimiter_of
from cyberscore.readers.opening import Input, pieces
from cyberscore.readers.text_rows import LEGACY, LOOKED_AT, encoding_of

HEAD_BYTES = 1 << 16
"""How much of a file is looked at."""
MAX_LISTED = 500
"""How many names of elements or fields are kept."""

Form = Literal["xml", "json object", "json array", "json lines", "text"]

_SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<([A-Za-z_][\w.:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>?")
_ATTRIBUTE = re.compile(r"(?<![\w.:-])([\w.:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """The first 64 KB of a file, unpacked and decoded, and what they show.

    Parameters
    ----------
    text : str
        As it stands; bytes that are not text are replaced.
    form : {"xml", "json object", "json array", "json lines", "text"}
        What it begins as. Tables and logs are text.
    root : str
        Name of the XML root element without its prefix; empty if there is none.
    attributes : mapping
        Attributes of the root element.
    elements : frozenset of str
        Names of the elements seen, the root among them.
    keys : frozenset of str
        Paths of the JSON fields seen, such as "results.vulnerabilities.id": arrays are walked through, and leave no
        trace in the path. Of JSON lines the first is looked at.
    values : mapping
        First text, number or literal at each path.
    rows : tuple of tuple of str
        The first twenty rows, if it is read as a table.
    """

    text: str
    form: Form
    root: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    elements: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    rows: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, source: Input, limit: int) -> Self:
        """Look at a file.

        Raises
        ------
        ReadingError
            When it cannot be opened.
        """
        data = b""
        for piece in pieces(source, limit):
            data += piece
            if len(data) >= HEAD_BYTES:
                break
        data = data[:HEAD_BYTES]
        return cls.of_text(data.decode(encoding_of(data[:LOOKED_AT], otherwise=LEGACY), "replace"))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Look at text."""
        text = text.lstrip("\ufeff \t\r\n")
        if text.startswith("<"):
            return cls._of_xml(text)
        if text.startswith(("{", "[")):
            return cls._of_json(text)
        rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter_of(text[:4096]))
        found: list[tuple[str, ...]] = []
        try:
            for row in rows:
                found.append(tuple(cell.strip() for cell in row[:MAX_LISTED]))
                if len(found) == 20:
                    break
        except csv.Error:
            found = []  # not a table, whatever else it may be
        return cls(text, "text", rows=tuple(found))

    def has_columns(self, *names: str) -> bool:
        """Whether one of the first rows holds all these column names, in any case."""
        wanted = {name.casefold() for name in names}
        return any(wanted <= {cell.casefold() for cell in row} for row in self.rows)

    def columns(self, *names: str) -> tuple[str, ...]:
        """Columns of the first row that holds all these, in lower case; none if no row does."""
        wanted = {name.casefold() for name in names}
        rows = (tuple(cell.casefold() for cell in row) for row in self.rows)
        return next((row for row in rows if wanted <= set(row)), ())

    def has_keys(self, *paths: str) -> bool:
        """Whether all these JSON fields were seen."""
        return self.keys.issuperset(paths)

    @classmethod
    def _of_xml(cls, text: str) -> Self:
        place = 0
        while match := _SKIPPED.match(text, place):
            place = match.end()
        root = _TAG.match(text, place)
        if root is None:
            return cls(text, "xml")
        attributes = {name: double or single for name, double, single in _ATTRIBUTE.findall(root[2])[:MAX_LISTED]}
        elements: dict[str, None] = {}
        for match in _TAG.finditer(text, place):
            elements[match[1].rpartition(":")[2]] = None
            if len(elements) >= MAX_LISTED:
                break
        return cls(text, "xml", root[1].rpartition(":")[2], attributes, frozenset(elements))

    @classmethod
    def _of_json(cls, text: str) -> Self:
        walk = _Walk()
        whole = walk.through(text)
        form: Form = "json array" if text.startswith("[") else "json object"
        if form == "json object" and whole is not None and text[whole:].lstrip().startswith("{"):
            form = "json lines"
        return cls(text, form, keys=frozenset(walk.keys), values=walk.values)


class _Walk:
    """Walks through the beginning of JSON text, whole or not, and keeps the paths of its fields."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.values: dict[str, str] = {}

    def through(self, text: str) -> int | None:
        """Return where the first value ends, None if it does not."""
        paths: list[str] = []  # path of each open bracket
        brackets: list[str] = []
        name, awaits_key = "", False
        for match in _TOKEN.finditer(text):
            part = match[0]
            if part == '"' or (part in "}]" and not brackets):
                return None  # cut off inside a text, or not JSON
            if part in "{[":
                paths.append(name)
                brackets.append(part)
                awaits_key = part == "{"
            elif part in "}]":
                brackets.pop()
                name = paths.pop()
                awaits_key = False
                if not brackets:
                    return match.end()
            elif part == ",":
                name = paths[-1] if paths else ""
                awaits_key = bool(brackets) and brackets[-1] == "{"
            elif part == ":":
                awaits_key = False
            elif awaits_key:
                parent = paths[-1]
                awaits_key = False
                if len(paths) < 8:
                    name = f"{parent}.{part[1:-1]}" if parent else part[1:-1]
                    if len(self.keys) < MAX_LISTED:
                        self.keys[name] = None
            elif len(self.values) < MAX_LISTED and name not in self.values:
                self.values[name] = part.strip('"')[:200]
        return None
