"""Which reader a file needs, told from what it holds: callers are the command line and apps.

A reader is a module with `TOOL`, `looks_like` and `read`, and a line in `_MODULES`.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Protocol

from cyberscore.exceptions import ReadingError
from cyberscore.readers import (
    application,
    checkdmarc,
    graph_registration,
    grype,
    lynis,
    masscan,
    nessus,
    nexpose,
    nmap,
    nuclei,
    ocsf,
    openvas,
    pingcastle,
    prowler,
    qualys,
    scubagear,
    secure_score,
    ssl_labs,
    sslyze,
    testssl,
    trivy,
    wazuh,
)
from cyberscore.readers.base import Reading
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.other_tools import other_tool
from cyberscore.readers.vulnerabilities import Catalogue


class Reader(Protocol):
    """What a module of a tool offers."""

    @property
    def TOOL(self) -> str:  # noqa: N802  a constant of the module
        """Name of the tool, as it calls itself."""

    def looks_like(self, head: Head) -> int:
        """Tell whether a file is this tool's: 0 no, 1 its general format, 2 its own marks; True counts as 1."""

    def read(
        self, source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
    ) -> Reading:
        """Read an export of the tool."""


_MODULES: tuple[Reader, ...] = (
    application,
    checkdmarc,
    graph_registration,
    grype,
    lynis,
    masscan,
    nessus,
    nexpose,
    nmap,
    nuclei,
    ocsf,
    openvas,
    pingcastle,
    prowler,
    qualys,
    scubagear,
    secure_score,
    ssl_labs,
    sslyze,
    testssl,
    trivy,
    wazuh,
)

READERS: dict[str, Reader] = {module.__name__.rpartition(".")[2]: module for module in _MODULES}  # type: ignore[attr-defined]
"""Readers by the name of their module, which is how the command line calls their tool."""

MAX_BYTES = 256_000_000
"""A file larger than this is refused; some readers take less."""


def detect(source: Input) -> str:
    """Name of the reader that knows a file, told from its content and never from its name.

    Parameters
    ----------
    source : path or bytes

    Raises
    ------
    ReadingError
        When no reader knows the file, or several do.
    """
    head = Head.of(source, MAX_BYTES)
    marks = {name: int(module.looks_like(head)) for name, module in READERS.items()}
    best = max(marks.values())
    found = [name for name, mark in marks.items() if mark == best]
    if best == 0 and head.form == "json array" and re.fullmatch(r"\[[\s,]*\]\s*", head.text):
        raise ReadingError(
            f"{name_of(source)}: holds an empty list, which shows neither which tool looked nor at what: leave it out, "
            "or give the export of a run that found something"
        )
    if best == 0:
        known = other_tool(head)
        named = f": it looks like {known.name}" if known else ""
        give = known.give if known and known.give else f"an export of one of {', '.join(sorted(READERS))}"
        raise ReadingError(f"{name_of(source)}: no reader knows this file ({_described(head)}){named}: give {give}")
    if len(found) > 1:
        raise ReadingError(
            f"{name_of(source)}: may be an export of {' or '.join(found)}: name the tool, as in {found[0]}:FILE"
        )
    return found[0]


def _described(head: Head) -> str:
    if head.form == "xml":
        return f"XML, root element <{head.root[:60]}>" if head.root else "XML without a root element"
    if head.form != "text":
        fields = [one for one in sorted(head.keys) if "." not in one][:8]
        return f"{head.form}, fields {', '.join(fields)[:200] or 'none'}"
    return f"text that begins {head.text[:40]!r}"


def read(
    source: Input,
    *,
    tool: str | None = None,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    **options: Any,
) -> Reading:
    """Read an export of any supported tool.

    Parameters
    ----------
    source : path or bytes
        A gzip file, or a zip archive of one file, is unpacked.
    tool : str, optional
        What wrote the file, one of `READERS`; by default told from its content.
    observed_at : date, datetime or str, optional
        When the tool looked; used only when the file does not tell.
    assets_total : int, optional
        How many hosts, users or domains there are in all: what was not looked at lowers the weight of the evidence.
    **options
        What this tool's reader takes besides, such as `vantage`; `options_of` names them.

    Raises
    ------
    ReadingError
        When no reader knows the file, its reader cannot read it, or an option is none that this reader takes. The last
        is no TypeError: which options there are depends on what the file holds, and a caller that hands on files and
        options of others has one error to catch. Like all of these it is a ValueError.
    """
    name = (tool or detect(source)).strip().lower()
    if name not in READERS:
        raise ReadingError(
            f"there is no reader for {tool!r}: use one of {', '.join(sorted(READERS))}" + _nearest(name, READERS)
        )
    taken = options_of(name)
    for option in options:
        if option not in taken:
            raise ReadingError(f"{name_of(source)}: {_not_taken(name, option, taken)}")
    catalogue = options.get("catalogue")
    if catalogue is not None and not isinstance(catalogue, Catalogue):
        raise ReadingError(f"catalogue must be one that Catalogue.load(kev=..., epss=...) made; got {catalogue!r:.80}")
    return READERS[name].read(source, observed_at=observed_at, assets_total=assets_total, **options)


def options_of(name: str) -> tuple[str, ...]:
    """Options that the reader of this name takes besides `observed_at` and `assets_total`."""
    return tuple(getattr(READERS[name], "OPTIONS", ()))


def _not_taken(name: str, option: str, taken: tuple[str, ...]) -> str:
    told = f"the reader of {name} takes no option {option!r}: it takes {', '.join(taken) or 'none: leave it out'}"
    elsewhere = [other for other in sorted(READERS) if option in options_of(other)]
    if elsewhere:
        return f"{told} (those of {', '.join(elsewhere)} take it)"
    return told + _nearest(option, (*taken, "observed_at", "assets_total", "tool"))


def _nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing."""
    close = get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
