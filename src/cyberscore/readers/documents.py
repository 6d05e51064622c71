"""XML, JSON, JSON lines and CSV out of hostile files, in bounded time and memory: callers are the readers."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, overload

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, XMLParser

from cyberscore.exceptions import ReadingError
from cyberscore.readers.opening import Input, name_of, pieces, stream

MAX_DEPTH = 64
"""Elements or brackets nested deeper than this are refused; no supported tool nests half as deep."""
MAX_FIELD = 4_000_000
"""A CSV field longer than this many characters is refused."""
MAX_COLUMNS = 2_000
"""A CSV row with more fields than this is refused."""
MAX_ROWS = 2_000_000
"""A table, or a list of objects, with more rows than this is refused."""

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
    parser.parser.StartDoctypeDeclHandler = _refuse_internal_subset
    try:
        for number, piece in enumerate(pieces(source, limit)):
            # Archives put a notice of licence, or an empty line, before the declaration, where XML allows none.
            before = _BEFORE.match(piece) if number == 0 else None
            parser.feed(piece if before is None else piece[before.end() :])
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
    found = _loads(_decoded(b"".join(pieces(source, limit)), name), name)
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
    lines = _lines(source, limit, name)
    first = ""
    while not first.strip():
        found = next(lines, None)
        if found is None:
            raise ReadingError(f"{name}: holds nothing but white space: export it again")
        first = found
    if not _is_line(first):
        yield from _objects_of(_loads(first + "".join(lines), name), name)
        return
    yield _object(_loads(first, name), f"{name}, line 1")
    for number, line in enumerate(lines, 2):
        if number > MAX_ROWS:
            raise ReadingError(f"{name}: more than {MAX_ROWS} lines: split it by network or tenant")
        if line.strip():
            place = f"{name}, line {number}"
            yield _object(_loads(line, place), place)


def _is_line(first: str) -> bool:
    """Whether a first line is an object of its own."""
    if not first.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _objects_of(found: Any, name: str) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(found if isinstance(found, list) else [found]):
        yield _object(one, f"{name}, item {number}")


def _object(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ReadingError(f"{place}: a JSON object is wanted; got {type(found).__name__}: use the tool's results file")
    return found


def _lines(source: Input, limit: int, name: str) -> Iterator[str]:
    with _text(source, limit, "strict") as text:
        try:
            yield from text
        except UnicodeError as error:
            raise ReadingError(f"{name}: not text ({error}): a JSON file in UTF-8 is wanted") from error


def _text(source: Input, limit: int, errors: str) -> io.TextIOWrapper:
    """Text of a file, decoded as it is read; a byte order mark or zero bytes tell UTF-16."""
    binary = stream(source, limit)
    otherwise = LEGACY if errors == "replace" else "utf-8-sig"
    encoding = encoding_of(binary.peek(LOOKED_AT)[:LOOKED_AT], otherwise=otherwise)
    return io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="")


LOOKED_AT = 1 << 16
"""How many bytes of a table are looked at to tell its encoding."""
LEGACY = "cp1252"
"""What a table is in that is neither UTF-8 nor Chinese: what spreadsheets of western Europe and America save."""
_GB_PAIR, _HIGH = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]"), re.compile(rb"[\x80-\xff]")
_LEAST_GB_PAIRS, _GB_SHARE = 4, 0.9
"""Characters of GB 2312 that a Chinese text has at least, and the share of its bytes beyond ASCII that they are."""


def encoding_of(start: bytes, *, otherwise: str = "utf-8-sig") -> str:
    """Return the encoding of text that begins with these bytes: UTF-8 unless a mark or zero bytes tell another.

    `otherwise` is that of text which cannot be any of these.

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
        return otherwise
    return "utf-8-sig"


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode(encoding_of(data[:4]))
    except UnicodeDecodeError as error:
        raise ReadingError(f"{name}: not text (byte {error.start}): a JSON file in UTF-8 is wanted") from error


def _loads(text: str, name: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ReadingError(f"{name}: a field is given twice (among {', '.join(found)[:200]}): export it again")
        return found

    try:
        found = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ReadingError(
            f"{name}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}: "
            "the file is cut short, damaged or not JSON: export it again"
        ) from error
    except ReadingError:
        raise
    except (RecursionError, ValueError) as error:
        raise ReadingError(f"{name}: nested too deeply, or a number too long: use the file as written") from error
    _check_content(found, name)
    return found


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
    with _text(source, limit, "replace") as text:
        sample = text.buffer.peek(1 << 12)  # type: ignore[attr-defined]  # a BufferedReader
        delimiter = delimiter_of(sample.decode(text.encoding, "replace"))
        rows = csv.reader(text, delimiter=delimiter)
        try:
            for number, row in enumerate(rows, 1):
                if number > MAX_ROWS or len(row) > MAX_COLUMNS:
                    raise ReadingError(f"{name}, row {number}: more rows or columns than are read: split the file")
                yield row
        except csv.Error as error:
            raise ReadingError(
                f"{name}, line {rows.line_num}: not readable as CSV: {error}: a quote is open or the file is damaged: "
                "export it again"
            ) from error
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
