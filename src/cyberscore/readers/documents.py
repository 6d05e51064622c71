"""XML, JSON, JSON lines and CSV out of hostile files, in bounded time and memory: callers are the readers."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Literal, overload

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, XMLParser

from cyberscore.exceptions import ReadingError
from cyberscore.profile.json_values import JsonValues
from cyberscore.readers.opening import PIECE, Input, allowed, name_of, pieces, stream

MAX_DEPTH = 64
"""Elements or brackets nested deeper than this are refused; no supported tool nests half as deep."""
MAX_TOKEN = 4_000_000
"""An XML tag, comment or instruction of more bytes than this is refused."""
FREE_ELEMENTS, BYTES_AN_ELEMENT = 200_000, 12
"""XML may hold that many elements and attributes, and one more for so many bytes; the densest that a tool
writes has one for some 16."""
MAX_FIELD = 4_000_000
"""A CSV field longer than this many characters is refused."""
MAX_COLUMNS = 2_000
"""A CSV row with more fields than this is refused."""
MAX_ROW = 8_000_000
"""A CSV row of more characters than this is refused."""
MAX_ROWS = 2_000_000
"""A table, or a list of objects, with more rows than this is refused."""
FREE_ROWS, BYTES_A_ROW = 100_000, 24
"""A table, or a list of objects, may hold that many rows, and one more for so many bytes: the shortest that a tool
writes take some 30."""
MAX_ITEM = 64_000_000
"""An object in a list, of more characters than this, is refused."""

_LONGEST_WORD = len("-Infinity") + 3
"""How far from its end a text that was cut may seem to be wrong."""
_CUT = "the file is cut short, damaged or not JSON: export it again"
_OPEN_QUOTE = "a quote is open or the file is damaged: export it again"
_WHITE = re.compile(r"[ \t\n\r]*")
_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<!--(?:(?!-->).)*-->)+(?=<\?xml\s)", re.DOTALL)
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
    events = _Events(name, parser.parser, target)
    try:
        for piece in _whole_tokens(events, pieces(source, limit)):
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


class _Events:
    """Hands the parser's events to a target, and counts them against the bytes they came from."""

    def __init__(self, name: str, parser: Any, target: Any) -> None:
        self.name, self.parser = name, parser
        self.fed = self.count = 0

        def start(tag: str, attributes: dict[str, str]) -> None:
            self.count += 1 + len(attributes)
            target.start(tag, attributes)

        def end(tag: str) -> None:
            target.end(tag)

        # Straight to the target: ElementTree's own handlers take most of the time of a large document.
        parser.ordered_attributes = False
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = _refuse_internal_subset

    @property
    def pending(self) -> int:
        """Bytes since the start of the last token, which may not have ended yet."""
        return self.fed - max(0, int(self.parser.CurrentByteIndex))

    def check(self, size: int) -> None:
        """Take that many bytes as fed; refuse a token without end, and more elements than such a file holds."""
        self.fed += size
        if self.pending > max(MAX_TOKEN, size):
            raise ReadingError(f"{self.name}: a tag or comment longer than {MAX_TOKEN / 1e6:g} MB: the file is damaged")
        if self.count > allowed(self.fed, FREE_ELEMENTS, BYTES_AN_ELEMENT):
            raise ReadingError(
                f"{self.name}: {self.count} elements and attributes in {self.fed / 1e6:g} MB, which no tool writes: "
                "use the file as written"
            )


def _whole_tokens(events: _Events, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces at least as long as the token that is open: old versions of expat read it again with each of them."""
    held: list[bytes] = []
    size = 0
    for number, part in enumerate(parts):
        # Archives put a notice of licence, or an empty line, before the declaration, where XML allows none.
        before = _BEFORE.match(part) if number == 0 else None
        held.append(part if before is None else part[before.end() :])
        size += len(held[-1])
        if size >= events.pending:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


def _refuse_internal_subset(name: str, system: str | None, public: str | None, internal: int) -> None:
    """Refuse declarations inside the document: they can multiply its size, and no tool writes any."""
    if internal:
        raise DTDForbidden(name, system, public)


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
    with _Text(source, limit, name, errors="strict") as text:
        try:
            yield from _objects_in(text, name)
        except UnicodeError as error:
            raise ReadingError(f"{name}: not text ({error}): a JSON file in UTF-8 is wanted") from error


def _objects_in(text: "_Text", name: str) -> Iterator[dict[str, Any]]:
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


def _items(begins: str, text: "_Text", name: str) -> Iterator[dict[str, Any]]:
    """Objects of an array one by one, so that the whole is never held."""
    held = _Held(begins, text, name)
    held.place = begins.index("[") + 1
    mark = held.mark()
    for number in count(1):
        if mark == "]" and number == 1:
            break
        yield held.item(mark, f"{name}, item {number - 1}")
        text.check_rows(number)
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

    def __init__(self, begins: str, text: "_Text", name: str) -> None:
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


class _Text(io.TextIOWrapper):
    """Text of a file, decoded as it is read, whose rows are counted; a mark or zero bytes tell UTF-16."""

    def __init__(self, source: Input, limit: int, name: str, errors: str) -> None:
        self.source, self.rows = name, 0
        self.binary = stream(source, limit)
        looked_at = self.binary.peek(LOOKED_AT)[:LOOKED_AT]
        super().__init__(self.binary, encoding=encoding_of(looked_at), errors=errors, newline="")

    def row(self, most: int = -1) -> str:
        """Return the next line, or the first `most` characters of it; empty at the end."""
        self.rows += 1
        self.check_rows(self.rows)
        return self.readline(most)

    def check_rows(self, number: int, most: int = MAX_ROWS) -> None:
        """Refuse too many rows, and more than so many bytes hold in what tools write."""
        if number <= FREE_ROWS:
            return
        size = self.binary.raw.size  # type: ignore[attr-defined]  # of a file made of pieces
        if number > most:
            raise ReadingError(f"{self.source}: more than {most} rows: split it by network or tenant")
        if number > allowed(size, FREE_ROWS, BYTES_A_ROW):
            raise ReadingError(
                f"{self.source}: {number} rows in {size / 1e6:g} MB, so that most are empty or nearly so: use the file "
                "as the tool wrote it"
            )


def read_lines(source: Input, limit: int, most: int = MAX_ROWS) -> Iterator[str]:
    """Lines of a file without the white space around them; bytes that are not text are replaced.

    Raises
    ------
    ReadingError
        When the file cannot be read, or holds a line that is too long, or too many.
    """
    name = name_of(source)
    with _Text(source, limit, name, errors="replace") as text:
        try:
            for number in count(1):
                line = text.readline(MAX_ROW)
                if not line:
                    return
                if len(line) == MAX_ROW:
                    raise ReadingError(f"{name}, line {number}: longer than {MAX_ROW} characters: split it by network")
                text.check_rows(number, most)
                yield line.strip()
        except UnicodeError as error:  # such as UTF-32 without its mark; other text keeps its ASCII characters
            raise ReadingError(f"{name}: not text ({error}): text in UTF-8 is wanted") from error


LOOKED_AT = 1 << 12
"""How many bytes of a table are looked at to tell its encoding."""
_GB_PAIR, _HIGH = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]"), re.compile(rb"[\x80-\xff]")
_LEAST_GB_PAIRS, _GB_SHARE = 4, 0.9
"""Characters of GB 2312 that a Chinese text has at least, and the share of its bytes beyond ASCII that they are."""


def encoding_of(start: bytes) -> str:
    """Return the encoding of text that begins with these bytes: UTF-8 unless a mark or zero bytes tell another.

    Spreadsheets save Chinese tables in GB 18030, without a mark: told from nearly all bytes beyond ASCII being pairs of
    GB 2312, as the accented letters of other languages are not.
    """
    found = json.detect_encoding(start)
    if not found.startswith("utf-8"):
        return found
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # may be cut inside a character
    except UnicodeDecodeError:
        pairs = len(_GB_PAIR.findall(start))
        if pairs >= max(_LEAST_GB_PAIRS, _GB_SHARE * len(_HIGH.findall(start)) / 2):
            return "gb18030"
    return "utf-8-sig"


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
    for number, row in enumerate(read_rows(source, limit), 1):
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
    name = name_of(source)
    # The limit is one for the whole process, and raised, never lowered: threads may read at the same time.
    csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))
    with _Text(source, limit, name, errors="replace") as text:
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
                text.check_rows(number)
                if len(row) > MAX_COLUMNS:
                    raise ReadingError(f"{name}, row {number}: more rows or columns than are read: {_OPEN_QUOTE}")
                size = 0
                yield row
        except csv.Error as error:
            raise ReadingError(f"{name}, line {rows.line_num}: not readable as CSV: {error}: {_OPEN_QUOTE}") from error
        except UnicodeError as error:  # such as UTF-32 without its mark; other text keeps its ASCII characters
            raise ReadingError(f"{name}: not text ({error}): a CSV file in UTF-8 is wanted") from error


def delimiter_of(text: str) -> str:
    """Which of comma, semicolon and tab the first lines have most of, outside quotes."""
    plain = "\n".join(re.sub(r'"[^"]*"', "", text).splitlines()[:20])
    return max(",;\t", key=plain.count)
