"""A target for the XML parser that keeps the text of a few elements and no tree: callers are readers of large XML."""

from typing import ClassVar

from cyberscore.exceptions import ReadingError
from cyberscore.readers.documents import MAX_DEPTH

MAX_TEXT = 20_000
"""How many characters of one element's text are kept."""


class Elements:
    """Follows a document: `opened` at each start, `closed` at each end with the text of elements in `texts`.

    A subclass names the root elements it knows; another root, or nesting too deep, is refused.
    """

    tool: ClassVar[str]
    roots: ClassVar[frozenset[str]]
    texts: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name
        self.path: list[str] = []
        self._parts: list[str] = []
        self._size = 0
        self._collecting = 0

    def start(self, tag: str, found: dict[str, str]) -> None:
        """Take the start of an element."""
        tag = tag.rpartition("}")[2].rpartition(":")[2]
        if not self.path and tag not in self.roots:
            wanted = " or ".join(f"<{one}>" for one in sorted(self.roots))
            raise ReadingError(
                f"{self.name}: not an export of {self.tool} (root element <{tag[:60]}>, not {wanted}): "
                "use the reader of the tool that wrote it"
            )
        if len(self.path) >= MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels")
        self.path.append(tag)
        if tag in self.texts:
            self._collecting, self._size = len(self.path), 0
            self._parts.clear()
        self.opened(tag, found)

    def data(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting and self._size < MAX_TEXT:
            self._parts.append(text)
            self._size += len(text)

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        text = ""
        if self._collecting == len(self.path):
            text = "".join(self._parts)[:MAX_TEXT].strip()
            self._collecting = 0
            self._parts.clear()
        tag = self.path.pop()
        self.closed(tag, text)

    def within(self, *tags: str) -> bool:
        """Whether the open elements end with these."""
        return self.path[-len(tags) :] == list(tags)

    def error(self, what: str) -> ReadingError:
        """Return an error that names the file and what to do."""
        return ReadingError(f"{self.name}: {what}: use the file as {self.tool} wrote it")

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes; it is the last of `path`."""

    def closed(self, tag: str, text: str) -> None:
        """Take an element's text; `path` ends with its parent."""
