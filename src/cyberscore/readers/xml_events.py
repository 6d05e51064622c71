"""Events of an XML parser, counted against the bytes they come from: the caller is `documents`.

Old versions of expat, such as Python 3.11 has, read a token again from its start with every piece they are fed.
"""

import re
from collections.abc import Iterator
from typing import Any

from defusedxml.common import DTDForbidden

from cyberscore.exceptions import ReadingError
from cyberscore.readers.opening import allowed

MAX_TOKEN = 4_000_000
"""An XML tag, comment or instruction of more bytes than this is refused."""
FREE_ELEMENTS, BYTES_AN_ELEMENT = 200_000, 12
"""XML may hold that many elements and attributes, and one more for so many bytes; the densest that a tool
writes has one for some 16."""

_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<!--(?:(?!-->).)*-->)+(?=<\?xml\s)", re.DOTALL)


class XmlEvents:
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


def whole_tokens(events: XmlEvents, parts: Iterator[bytes]) -> Iterator[bytes]:
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
