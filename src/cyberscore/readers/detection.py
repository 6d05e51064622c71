"""Which reader a file needs, told from its first bytes: callers are the command line and apps."""

from collections.abc import Callable
from datetime import date, datetime

from cyberscore.exceptions import ReadingError
from cyberscore.readers import nmap, scubagear
from cyberscore.readers.base import Input, Reading, name_of, pieces

READERS: dict[str, Callable[..., Reading]] = {"nmap": nmap.read, "scubagear": scubagear.read}
"""Readers by the name of their tool."""

_FIRST = {b"<": "nmap", b"{": "scubagear"}


def read(source: Input, *, tool: str | None = None, observed_at: date | datetime | str | None = None) -> Reading:
    """Read an export of any supported tool.

    Parameters
    ----------
    source : path or bytes
    tool : {"nmap", "scubagear"}, optional
        What wrote the file; by default told from how it begins.
    observed_at : date, datetime or str, optional
        When the tool looked; used only when the file does not tell.

    Raises
    ------
    ReadingError
        When no reader knows the file, or its reader cannot read it.
    """
    names = ", ".join(sorted(READERS))
    if tool is None:
        head = next(pieces(source, max(nmap.MAX_BYTES, scubagear.MAX_BYTES)), b"")
        text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
        tool = _FIRST.get(text[:1])
        if tool is None:
            raise ReadingError(f"{name_of(source)}: no reader knows this file: give an export of one of {names}")
    if tool.lower() not in READERS:
        raise ReadingError(f"there is no reader for {tool!r}: use one of {names}")
    return READERS[tool.lower()](source, observed_at=observed_at)
