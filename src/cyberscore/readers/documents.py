"""XML, JSON, JSON lines and CSV out of hostile files, in bounded time and memory: callers are the readers."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Literal, overload

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from cyberscore.exceptions import ReadingError
from cyberscore.profile.json_values import JsonValues
from cyberscore.readers.opening import PIECE, Input, name_of, pieces
from cyberscore.readers.text_rows import BYTES_A_LINE, BYTES_A_ROW, LOOKED_AT, MAX_ROW, Text, encoding_of
from cyberscore.readers.xml_events import XmlEvents, whole_tokens

MAX_DEPTH = 64
"""Elements or brackets nested deeper than this are refused; no supported tool nests half as deep."""
MAX_FIELD = 4_000_000
"""A CSV field longer than this many characters is refused."""
MAX_COLUMNS = 2_000
"""A CSV row with more fields than this is refused."""
MAX_ITEM = 64_000_000
"""An object in a list, of more characters than this, is refused."""

_LONGEST_WORD = len("-Infinity") + 3
"""How far from its end a text that was cut may seem to be wrong."""
_CUT = "the file is cut short, damaged or not JSON: export it again"
_OPEN_QUOTE = "a quote is open or the file is damaged: export it again"
_WHITE = re.compile(r"[ \t\n\r]*")
_HALF = re.compile("[\ud800-\udfff]")


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
    events = XmlEvents(name, parser.parser, target)
    try:
        for piece in whole_tokens(events, pieces(source, limit)):
            parser.feed(piece)
            events.check(len(piece))
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


@overload
def read_json(source: Input, limit: int, *, arrays: Literal[False] = False) -> dict[str, Any]: ...
@overload
def read_json(source: Input, limit: int, *, arrays: Literal[True]) -> dict[str, Any] | list[Any]: ...
def read_json(source: Input, limit: int, *, arrays: bool = False) -> dict[str, Any] | list[Any]:
    """Return the JSON object a file holds, in UTF-8 or UTF-16, with or without a byte order mark.

    NaN and infinities, which PowerShell writes where a count failed, become None.

    Parameters
    ----------
    source : path or bytes
    limit : int
        Bytes.
    arrays : bool
        An array at the top is wanted as well.

    Raises
    ------
    ReadingError
        When the file cannot be read, is not one whole JSON value of the wanted kind, repeats a field or nests too
        deeply.
    """
    name = name_of(source)
    found = _loads(_decoded(b"".join(pieces(source, limit)), name), name, JsonValues())
    if not isinstance(found, dict | list if arrays else dict):
        wanted = "a JSON object or array" if arrays else "a JSON object"
        raise ReadingError(f"{name}: {wanted} is wanted; got {type(found).__name__}: use the tool's results file")
    checked: dict[str, Any] | list[Any] = found
    return checked


def read_objects(source: Input, limit: int) -> Iterator[dict[str, Any]]:
    """Objects of a file one by one: JSON lines, an array of objects, or one object.

    Lines are read as they come. An array, or an object spread over several lines, is held in memory.

    Raises
    ------
    ReadingError
        When the file cannot be read, or one of them is not a whole JSON object.
    """
    name = name_of(source)
    with Text(source, limit, name, errors="strict") as text:
        try:
            yield from _objects_in(text, name)
        except UnicodeError as error:
            raise ReadingError(f"{name}: not text ({error}): a JSON file in UTF-8 is wanted") from error


def _objects_in(text: "Text", name: str) -> Iterator[dict[str, Any]]:
    begins = ""
    while not begins.strip():
        begins = text.row(PIECE)
        if not begins:
            raise ReadingError(f"{name}: holds nothing but white space: export it again")
    if begins.lstrip("\ufeff \t\r\n").startswith("["):
        yield from _items(begins, text, name)
        return
    values = JsonValues()
    line = begins if begins.endswith("\n") else begins + text.readline()
    after = text.row()
    if not after or not _is_line(line):
        yield _object(_loads(line + after + text.read(), name, values), f"{name}, item 0")
        return
    yield _object(_loads(line, name, values), f"{name}, line 1")
    while after:
        if after.strip():
            place = f"{name}, line {text.rows}"
            yield _object(_loads(after, place, values), place)
        after = text.row()


def _is_line(first: str) -> bool:
    """Whether a first line is an object of its own."""
    if not first.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _items(begins: str, text: "Text", name: str) -> Iterator[dict[str, Any]]:
    """Objects of an array one by one, so that the whole is never held."""
    held = _Held(begins, text, name)
    held.place = begins.index("[") + 1
    mark = held.mark()
    for number in count(1):
        if mark == "]" and number == 1:
            break
        yield held.item(mark, f"{name}, item {number - 1}")
        text.check_rows(number, BYTES_A_ROW)
        mark = held.mark()
        if mark == "]":
            break
        if mark != ",":
            raise ReadingError(f"{name}, item {number}: not valid JSON: a comma or ] is wanted; got {mark!r}: {_CUT}")
        held.place += 1
        mark = held.mark()
    held.place += 1
    if held.mark():
        raise ReadingError(f"{name}: not valid JSON: the list is followed by {held.mark()!r}: give the list alone")


class _Held:
    """The part of a text that is held, and a place in it."""

    def __init__(self, begins: str, text: "Text", name: str) -> None:
        self.held, self.text, self.name, self.place = begins, text, name, 0
        self.decoder, self.values = _decoder(name), JsonValues()
        _check_values(begins, name, self.values)

    def mark(self) -> str:
        """Return the next character that is not white space, where the place is then; empty at the end."""
        while (place := _white(self.held, self.place)) == len(self.held):
            self.place = place
            if not self._more():
                return ""
        self.place = place
        return self.held[place]

    def item(self, mark: str, place: str) -> dict[str, Any]:
        """Return the object that begins at the place, which is then where it ends."""
        if mark != "{":
            raise ReadingError(f"{place}: a JSON object is wanted; got {mark!r}: use the tool's results file")
        while True:
            try:
                found, end = _decode(self.decoder, self.held, self.place, self.name)
                break
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self.held) - _LONGEST_WORD or error.msg.startswith("Unterminated")
                if not cut or not self._more():
                    raise _not_json(error, f"{place}: not valid JSON") from error
        self.place = end
        _check_content(found, self.name)
        return _object(found, place)

    def _more(self) -> bool:
        """Read at least as much again as is left, so that no item is tried often; False at the end."""
        left = self.held[self.place :]
        more = self.text.read(max(PIECE, len(left)))
        self.held, self.place = left + more, 0
        if len(self.held) > MAX_ITEM:
            raise ReadingError(f"{self.name}: an object of more than {MAX_ITEM} characters: split it")
        _check_values(more, self.name, self.values)
        return bool(more)


def _white(text: str, place: int) -> int:
    """Place of the next character that is not white space."""
    found = _WHITE.match(text, place)
    return found.end() if found else place


def _object(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ReadingError(f"{place}: a JSON object is wanted; got {type(found).__name__}: use the tool's results file")
    return found


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode(encoding_of(data[:4]))
    except UnicodeDecodeError as error:
        raise ReadingError(f"{name}: not text (byte {error.start}): a JSON file in UTF-8 is wanted") from error


def _loads(text: str, name: str, values: JsonValues) -> Any:
    _check_values(text, name, values)
    try:
        found = _decoder(name).decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(error, f"{name}: not valid JSON at line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise _too_deep(error, name) from error
    _check_content(found, name)
    return found


def _decoder(name: str) -> json.JSONDecoder:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ReadingError(f"{name}: a field is given twice (among {', '.join(found)[:200]}): export it again")
        return found

    return json.JSONDecoder(parse_constant=lambda _: None, object_pairs_hook=unique)


def _decode(decoder: json.JSONDecoder, text: str, place: int, name: str) -> tuple[Any, int]:
    """Value that begins at a place, and where it ends."""
    try:
        return decoder.raw_decode(text, place)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise _too_deep(error, name) from error


def _too_deep(error: Exception, name: str) -> ReadingError:
    """Return what the decoder's other errors mean; one of the field names stays as it is."""
    if isinstance(error, ReadingError):
        return error
    return ReadingError(f"{name}: nested too deeply, or a number too long: use the file as written")


def _not_json(error: json.JSONDecodeError, place: str) -> ReadingError:
    return ReadingError(f"{place}: {error.msg}: {_CUT}")


def _check_values(text: str, name: str, values: JsonValues) -> None:
    if excess := values.excess(text):
        raise ReadingError(f"{name}: {excess}, more than any tool writes: use the file as written, or split it")


def _check_content(found: Any, name: str) -> None:
    """Refuse deep nesting, and text that cannot be written again (half of a surrogate pair)."""
    level = [found] if isinstance(found, dict | list) else []
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


def read_table(source: Input, limit: int, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file as mappings from the column's name, in lower case, to its text.

    The delimiter (comma, semicolon or tab) is the one that the header has most of. Rows before the header, as in
    printed reports, are skipped, and a row that is too short lacks its last columns. Text that is not UTF-8 keeps
    its ASCII characters.

    Parameters
    ----------
    source : path or bytes
    limit : int
        Bytes.
    columns : sequence of str
        Names, in any case, that the header must hold.

    Raises
    ------
    ReadingError
        When the file cannot be read, has no such header, or a row or field is too long.
    """
    name = name_of(source)
    wanted = [one.casefold() for one in columns]
    header: list[str] | None = None
    for number, row in enumerate(_rows(source, limit, BYTES_A_ROW), 1):
        if header is None:
            found = [cell.strip().casefold() for cell in row]
            header = found if set(wanted) <= set(found) else None
            if header is None and number > 50:
                break
        elif any(row):
            yield dict(zip(header, row, strict=False))
    if header is None:
        raise ReadingError(f"{name}: no row with the columns {', '.join(columns)}: export the table with its header")


def read_rows(source: Input, limit: int) -> Iterator[list[str]]:
    """Rows of a CSV file as lists of text, headers and all.

    Raises
    ------
    ReadingError
        When the file cannot be read, or a row or field is too long.
    """
    yield from _rows(source, limit, BYTES_A_LINE)


def _rows(source: Input, limit: int, each: int) -> Iterator[list[str]]:
    name = name_of(source)
    # The limit is one for the whole process, and raised, never lowered: threads may read at the same time.
    csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))
    with Text(source, limit, name, errors="replace") as text:
        sample = text.binary.peek(LOOKED_AT)
        size = 0

        def lines() -> Iterator[str]:
            nonlocal size
            while line := text.readline(MAX_ROW + 1):
                size += len(line)
                if size > MAX_ROW:
                    raise ReadingError(f"{name}: a row of more than {MAX_ROW} characters: {_OPEN_QUOTE}")
                yield line

        rows = csv.reader(lines(), delimiter=delimiter_of(sample.decode(text.encoding, "replace")))
        try:
            for number, row in enumerate(rows, 1):
                text.check_rows(number, each)
                if len(row) > MAX_COLUMNS:
                    raise ReadingError(f"{name}, row {number}: more rows or columns than are read: {_OPEN_QUOTE}")
                size = 0
                yield row
        except csv.Error as error:
            raise ReadingError(f"{name}, line {rows.line_num}: not readable as CSV: {error}: {_OPEN_QUOTE}") from error
        except UnicodeError as error:  # such as UTF-32 without its mark; other text keeps its ASCII characters
            raise ReadingError(f"{name}: not text ({error}): a CSV file in UTF-8 is wanted") from error


def delimiter_of(text: str) -> str:
    """Which of comma, semicolon and tab divides the first lines: the one that most of them hold equally often.

    Texts may hold more commas than a line has columns. A first line `sep=;`, as spreadsheets write it, decides.
    """
    plain = re.sub(r'"[^"]*"', "", text).partition('"')[0]  # without texts in quotes, and one that is cut off
    lines = plain.splitlines()[:20]
    told = re.match(r"\ufeff?sep=([,;\t])$", lines[0]) if lines else None
    if told:
        return told[1]

    def fit(mark: str) -> tuple[int, int]:
        counts = Counter(count for line in lines if (count := line.count(mark)))
        return max(((times, count) for count, times in counts.items()), default=(0, 0))

    return max(",;\t", key=fit)
