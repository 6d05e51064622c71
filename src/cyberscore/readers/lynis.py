"""Lynis reports (`lynis-report.dat`) of one host: callers are the command line and apps.

`hardening_score` is the hardening index, a share of the points of the tests that ran. One host is not a firm: where it
is told how many there are, a good index weighs that little more than nothing, and a system past its end of life is one
of that many. A report that did not run to its end has no index, and one of a single category or group of tests, or of
few tests, is no audit: its index says how well those few went. Nor is one of a container an audit of a host. Which
tests were skipped on purpose is not told.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.text_rows import read_lines

TOOL = "Lynis"

MAX_BYTES = 32_000_000
"""A report larger than this is refused."""

FEWEST_TESTS = 100
"""An index of fewer tests than this is not of the whole host; a full audit runs some 200 to 280 (judgement)."""

_END_OF_LIFE_TEST = "GEN-0010"


def looks_like(head: Head) -> int:
    """Whether a file is a report of Lynis."""
    if head.form != "text":
        return 0
    lines = head.text.splitlines()
    own = lines[:1] == ["# Lynis Report"] or any(one.startswith("lynis_version=") for one in lines[:200])
    return 2 if own else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read the report data of an audit by Lynis.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the audit ran; used only when the file does not tell.
    assets_total : int, optional
        How many hosts there are in all.

    Raises
    ------
    ReadingError
        When the file is missing, too large, of several hosts, or not a report of Lynis.
    """
    name, leftovers = name_of(source), Leftovers()
    values, ended_of_life = _values(read_lines(source, MAX_BYTES), name, leftovers)
    if "lynis_version" not in values and "hardening_index" not in values:
        raise ReadingError(f"{name}: not a report of Lynis (no lynis_version): give its lynis-report.dat")
    made = loose_moment(values.get("report_datetime_end") or values.get("report_datetime_start"))
    when = date_of(made, observed_at, name, leftovers)
    claimed = list(_hardening(values, leftovers))
    if ended_of_life and assets_total is not None and assets_total > 0:
        share = round(1 / assets_total, 6)
        claimed.append(Claim("end_of_life_share", share, "telemetry", f"at least this host: {ended_of_life[0]}"))
    elif ended_of_life:
        leftovers.add("past its end of life, of how many hosts is not told: pass assets_total", ended_of_life[0])
    scope = {
        key: values.get(key, "")[:200] for key in ("hostname", "os_fullname", "os", "os_version", "lynis_tests_done")
    }
    return Reading.of(
        TOOL,
        values.get("lynis_version") or None,
        when,
        claimed,
        assets=Assets("hosts", 1),
        scope={**scope, "complete": values.get("finish") == "true"},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _hardening(values: dict[str, str], leftovers: Leftovers) -> Iterator[Claim]:
    name = "hardening_score"
    index, tests = (_whole(values.get(key, "")) for key in ("hardening_index", "lynis_tests_done"))
    chosen = {key: values.get(key, "") for key in ("test_category", "test_group")}
    parts = [f"{key} {value[:60]}" for key, value in chosen.items() if value.lower() not in {"", "all"}]
    if index is None or index > 100:
        leftovers.add("no hardening index: the audit did not run to its end", name)
    elif values.get("container") == "1":
        leftovers.add("index of a container, which is no host", name)
    elif parts:
        leftovers.add(f"index of a part of the tests: {', '.join(parts)}", name)
    elif tests is None or tests < FEWEST_TESTS:
        leftovers.add(f"index of fewer than {FEWEST_TESTS} tests, or of how many is not told", name)
    else:
        yield Claim(name, index / 100, "telemetry", f"index {index} of {tests} tests")


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _values(lines: Iterable[str], name: str, leftovers: Leftovers) -> tuple[dict[str, str], list[str]]:
    """Return single values by key, and what is past its end of life."""
    values: dict[str, str] = {}
    ended_of_life: list[str] = []
    for line in lines:
        key, equals, value = line.partition("=")
        key, value = key.strip(), value.strip()
        if line.startswith("#") or not equals:
            continue
        if key in {"warning[]", "suggestion[]"}:
            test, _, told = value.partition("|")
            if test == _END_OF_LIFE_TEST and key == "warning[]":
                ended_of_life.append(told.partition("|")[0][:200])
            else:
                leftovers.add(f"{key[:-2]} that no signal rates by itself", test[:40])
        elif key == "vulnerable_package[]":
            leftovers.add("vulnerable package, without its CVE", value[:100])
        elif key in values and key in {"hostname", "lynis_version", "report_datetime_start"}:
            raise ReadingError(f"{name}: several reports in one file: give one host a file")
        else:
            values.setdefault(key, value)
    return values, ended_of_life
