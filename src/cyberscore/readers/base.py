"""What all readers share: the reading they return, what they could not map, how they open hostile files."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, XMLParser

from cyberscore.exceptions import ReadingError
from cyberscore.profile import Observation

Input = str | PathLike[str] | bytes
"""A file's path, or its bytes."""

MAX_DEPTH = 64
"""Elements or brackets nested deeper than this are refused; no supported tool nests half as deep."""
MAX_NAMES = 200
"""How many different names one reason of `NotMapped` lists; all are counted."""

_PIECE = 1 << 16
_HALF = re.compile("[\ud800-\udfff]")
_EARLIEST_YEAR = 1997  # nmap's first release; an older date is a clock that was never set
_MAGIC = {
    b"\x1f\x8b": "gzip-compressed: decompress it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\xfd7zXZ": "xz-compressed: decompress it first",
}


@dataclass(frozen=True, slots=True)
class NotMapped:
    """What the file holds that gave no observation: why, how many, and which."""

    why: str
    count: int
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one export says.

    Parameters
    ----------
    tool, tool_version : str
        What wrote the file; the version is None when the file does not tell.
    observed_at : datetime
        When the tool looked, UTC.
    observations : tuple of Observation
        Ready for `Profile.with_observations`.
    scope : mapping
        What the tool looked at: hosts or tenant, and how much of it.
    not_mapped : tuple of NotMapped
        Everything else the file holds, by reason.
    """

    tool: str
    tool_version: str | None
    observed_at: datetime
    observations: tuple[Observation, ...]
    scope: Mapping[str, Any] = field(hash=False)
    not_mapped: tuple[NotMapped, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "tool": self.tool,
            "tool_version": self.tool_version,
            "observed_at": self.observed_at.isoformat(),
            "observations": [one.model_dump(mode="json", exclude_defaults=True) for one in self.observations],
            "scope": dict(self.scope),
            "not_mapped": [{"why": one.why, "count": one.count, "what": list(one.what)} for one in self.not_mapped],
        }


class Leftovers:
    """Counts what gave no observation while a file is read."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = {}

    def add(self, why: str, *what: str, count: int | None = None) -> None:
        """Count things (by default as many as are named) under a reason."""
        number = len(what) if count is None else count
        if number == 0:
            return
        self._counts[why] = self._counts.get(why, 0) + number
        names = self._names.setdefault(why, {})
        for one in what:
            if len(names) < MAX_NAMES:
                names[one[:200]] = None

    def result(self) -> tuple[NotMapped, ...]:
        """All reasons, in the order they were met."""
        return tuple(NotMapped(why, count, tuple(self._names[why])) for why, count in self._counts.items())


def name_of(source: Input) -> str:
    """Name of an input for error messages.

    Raises
    ------
    ReadingError
        When it is neither a path nor bytes.
    """
    if isinstance(source, bytes):
        return "bytes"
    if isinstance(source, str | PathLike):
        return str(fspath(source))
    raise ReadingError(f"a path or bytes are wanted; got {type(source).__name__}: pass what the file holds")


def pieces(source: Input, limit: int) -> Iterator[bytes]:
    """Bytes of a file of limited size, piece by piece.

    Raises
    ------
    ReadingError
        When the file is missing, cannot be read, is empty, is compressed or is larger than `limit` bytes.
    """
    name, size = name_of(source), 0
    for piece in _stored(source, name):
        if size == 0:
            for magic, what in _MAGIC.items():
                if piece.startswith(magic):
                    raise ReadingError(f"{name}: {what}")
        size += len(piece)
        if size > limit:
            raise ReadingError(f"{name}: larger than {limit / 1e6:g} MB: split it by network or tenant")
        yield piece
    if size == 0:
        raise ReadingError(f"{name}: the file is empty: export it again")


def _stored(source: Input, name: str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), _PIECE):
            yield source[start : start + _PIECE]
        return
    try:
        with Path(source).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReadingError(f"{name}: cannot be read: {reason}: check the path") from error


def read_xml(source: Input, target: object, limit: int) -> None:
    """Feed an XML file to a target with `start(tag, attributes)` and `end(tag)`, without building a tree.

    A bare document type is allowed; entities and external references are refused before they are expanded.

    Raises
    ------
    ReadingError
        When the file cannot be read, or is not whole and well-formed XML.
    """
    name = name_of(source)
    parser = XMLParser(target=target)
    parser.parser.StartDoctypeDeclHandler = _refuse_internal_subset
    try:
        for piece in pieces(source, limit):
            parser.feed(piece)
        parser.close()
    except ReadingError:
        raise
    except DefusedXmlException as error:
        raise ReadingError(
            f"{name}: declares XML entities or the like, which is refused: use the file as written"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        detail = str(error)
        if "junk after document" in detail or "declaration not at start" in detail:
            remedy = "several documents, or text around one: keep one scan a file"
        else:
            remedy = "the file is cut short, damaged or not XML: export it again"
        raise ReadingError(f"{name}: not readable as XML: {detail}: {remedy}") from error


def _refuse_internal_subset(name: str, system: str | None, public: str | None, internal: int) -> None:
    """Refuse declarations inside the document: they can multiply its size, and no tool writes any."""
    if internal:
        raise DTDForbidden(name, system, public)


def read_json(source: Input, limit: int) -> dict[str, Any]:
    """Return the JSON object a file holds, in UTF-8 or UTF-16, with or without a byte order mark.

    NaN and infinities, which PowerShell writes where a count failed, become None.

    Raises
    ------
    ReadingError
        When the file cannot be read, is not one whole JSON object, repeats a field or nests too deeply.
    """
    name = name_of(source)
    data = b"".join(pieces(source, limit))
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ReadingError(f"{name}: a field is given twice (among {', '.join(found)[:200]}): export it again")
        return found

    try:
        found = json.loads(data.decode(encoding), parse_constant=lambda _: None, object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise ReadingError(f"{name}: not text (byte {error.start}): a JSON file in UTF-8 is wanted") from error
    except json.JSONDecodeError as error:
        raise ReadingError(
            f"{name}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}: "
            "the file is cut short, damaged or not JSON: export it again"
        ) from error
    except ReadingError:
        raise
    except (RecursionError, ValueError) as error:
        raise ReadingError(f"{name}: nested too deeply, or a number too long: use the file as written") from error
    if not isinstance(found, dict):
        raise ReadingError(f"{name}: a JSON object is wanted; got {type(found).__name__}: use the tool's results file")
    _check_content(found, name)
    return found


def _check_content(found: Any, name: str) -> None:
    """Refuse deep nesting, and text that cannot be written again (half of a surrogate pair)."""
    level = [found]
    for _ in range(MAX_DEPTH):
        children = [
            child for parent in level for child in ((*parent, *parent.values()) if isinstance(parent, dict) else parent)
        ]
        for child in children:
            if isinstance(child, str) and not child.isascii() and _HALF.search(child):
                raise ReadingError(f"{name}: text holds half a character: export it again")
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise ReadingError(f"{name}: nested deeper than {MAX_DEPTH} levels: use the file as the tool wrote it")


def moment(value: object) -> datetime | None:
    """Return a time in UTC from Unix seconds or ISO 8601 text; None when it is missing or cannot be true."""
    try:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            found = datetime.fromtimestamp(int(value), tz=UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value)
        else:
            return None
        in_utc = found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None
    return in_utc if in_utc is not None and in_utc.year >= _EARLIEST_YEAR else None


def date_of(found: datetime | None, given: date | datetime | str | None, name: str, leftovers: Leftovers) -> datetime:
    """When the tool looked: the file's own date, else the caller's.

    Raises
    ------
    ReadingError
        When the file has none and the caller gives none, or one that is not a date.
    """
    if found is not None:
        if given is not None:
            leftovers.add("observed_at was given, but the file has its own date, which stands", str(given))
        return found
    if given is None:
        raise ReadingError(f"{name}: the file does not tell when it was made: pass observed_at, such as 2026-11-23")
    if isinstance(given, datetime):
        given = given.isoformat() if given.tzinfo is not None else ""
    elif isinstance(given, date):
        given = f"{given.isoformat()}T00:00:00+00:00"
    elif isinstance(given, str) and len(given) == 10:
        given = f"{given}T00:00:00+00:00"
    when = moment(given)
    if when is None:
        raise ReadingError(
            f"{name}: observed_at must be a date or a time with a zone, from {_EARLIEST_YEAR}; got {given!r}"
        )
    return when
