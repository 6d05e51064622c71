"""Text of hostile files, decoded as it is read, and its rows counted: callers are `documents`, `head` and readers."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from itertools import count

from cyberscore.exceptions import ReadingError
from cyberscore.readers.opening import Input, allowed, name_of, stream

MAX_ROW = 8_000_000
"""A CSV row of more characters than this is refused."""
MAX_ROWS = 2_000_000
"""A table, or a list of objects, with more rows than this is refused."""
FREE_ROWS, BYTES_A_LINE, BYTES_A_ROW = 100_000, 24, 64
"""A file may hold that many rows, and one more for so many bytes: the shortest lines that a tool writes take some 30,
rows of tables and objects more than 80 on average."""
LOOKED_AT = 1 << 16
"""How many bytes of a table are looked at to tell its encoding."""
LEGACY = "cp1252"
"""What a table is in that is neither UTF-8 nor Chinese: what spreadsheets of western Europe and America save."""
_GB_PAIR, _HIGH = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]"), re.compile(rb"[\x80-\xff]")
_LEAST_GB_PAIRS, _GB_SHARE = 4, 0.9
"""Characters of GB 2312 that a Chinese text has at least, and the share of its bytes beyond ASCII that they are."""


class Text(io.TextIOWrapper):
    """Text of a file, decoded as it is read, whose rows are counted; a mark or zero bytes tell UTF-16."""

    def __init__(self, source: Input, limit: int, name: str, errors: str) -> None:
        self.source, self.rows = name, 0
        self.binary = stream(source, limit)
        looked_at = self.binary.peek(LOOKED_AT)[:LOOKED_AT]
        encoding = encoding_of(looked_at, otherwise=LEGACY if errors == "replace" else "utf-8-sig")
        super().__init__(self.binary, encoding=encoding, errors=errors, newline="")

    def row(self, most: int = -1) -> str:
        """Return the next line, or the first `most` characters of it; empty at the end."""
        self.rows += 1
        self.check_rows(self.rows, BYTES_A_ROW)
        return self.readline(most)

    def check_rows(self, number: int, each: int, most: int = MAX_ROWS) -> None:
        """Refuse too many rows, and more than so many bytes hold in what tools write."""
        if number <= FREE_ROWS:
            return
        size = self.binary.raw.size  # type: ignore[attr-defined]  # of a file made of pieces
        if number > most:
            raise ReadingError(f"{self.source}: more than {most} rows: split it by network or tenant")
        if number > allowed(size, FREE_ROWS, each):
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
    with Text(source, limit, name, errors="replace") as text:
        try:
            for number in count(1):
                line = text.readline(MAX_ROW)
                if not line:
                    return
                if len(line) == MAX_ROW:
                    raise ReadingError(f"{name}, line {number}: longer than {MAX_ROW} characters: split it by network")
                text.check_rows(number, BYTES_A_LINE, most)
                yield line.strip()
        except UnicodeError as error:  # such as UTF-32 without its mark; other text keeps its ASCII characters
            raise ReadingError(f"{name}: not text ({error}): text in UTF-8 is wanted") from error


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
