"""Which vulnerabilities are known to be exploited, and how likely others are: callers are `findings` and apps.

`known_exploited.csv` is a dated snapshot: CISA's catalogue of known exploited vulnerabilities (CC0) with the
probability of exploitation in 30 days (EPSS, (c) FIRST.org, free to use with attribution) of those alone. Fresher
files, as CISA and FIRST publish them, take its place.
"""

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Self

from cyberscore.exceptions import ReadingError
from cyberscore.readers.documents import read_json, read_rows
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

MAX_BYTES = 128_000_000
"""A catalogue larger than this is refused."""
CVE = re.compile(r"CVE-\d{4}-\d{4,7}", re.IGNORECASE)
"""A CVE id, in any case."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Known exploited vulnerabilities and probabilities of exploitation, each at its date.

    Parameters
    ----------
    kev : mapping
        CVE id to the day CISA added it (or the day it was first seen in the catalogue).
    epss : mapping
        CVE id to the probability that it is exploited in the next 30 days.
    kev_date, epss_date : date
        When the two were published.
    """

    kev: Mapping[str, date] = field(hash=False)
    epss: Mapping[str, float] = field(hash=False)
    kev_date: date
    epss_date: date

    @classmethod
    def load(cls, *, kev: Input | None = None, epss: Input | None = None) -> Self:
        """Load the packaged snapshot, or fresher files in its place.

        Parameters
        ----------
        kev : path or bytes, optional
            CISA's known_exploited_vulnerabilities, as JSON or CSV.
        epss : path or bytes, optional
            FIRST's epss_scores, as CSV, also gzip-compressed.

        Raises
        ------
        ReadingError
            When a file cannot be read or is not such a catalogue.
        """
        found = _packaged()
        made = cls(found.kev, found.epss, found.kev_date, found.epss_date)
        if kev is not None:
            known, day = _read_kev(kev)
            made = replace(made, kev=known, kev_date=day)
        if epss is not None:
            scores, day = _read_epss(epss)
            made = replace(made, epss=scores, epss_date=day)
        return made

    def exploited(self, cves: Iterable[str]) -> list[str]:
        """Return those CVE ids that are known to be exploited, in order."""
        return [one for one in cves if one in self.kev]


def cves_in(text: str) -> list[str]:
    """Return the CVE ids in a text, in capitals, each once, in the order they appear."""
    return list(dict.fromkeys(one.upper() for one in CVE.findall(text)))


def probability(value: object) -> float | None:
    """Return a probability from a number or its text; None when it is missing or outside 0..1."""
    try:
        found = float(value)  # type: ignore[arg-type]  # other types are refused below
    except (TypeError, ValueError, OverflowError):
        return None
    return found if not isinstance(value, bool) and math.isfinite(found) and 0 <= found <= 1 else None


@cache
def _packaged() -> Catalogue:
    lines = (files("cyberscore.readers") / "known_exploited.csv").read_text(encoding="utf-8").splitlines()
    dates = dict(re.findall(r"(kev|epss)_date=([\d-]{10})", lines[0]))
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return Catalogue(
        {row["cve"]: date.fromisoformat(row["added"]) for row in rows},
        {row["cve"]: float(row["epss"]) for row in rows},
        date.fromisoformat(dates["kev"]),
        date.fromisoformat(dates["epss"]),
    )


def _read_kev(source: Input) -> tuple[dict[str, date], date]:
    """CISA's catalogue, and its date: its own, else that of its newest entry."""
    name = name_of(source)
    if Head.of(source, MAX_BYTES).form == "json object":
        content = read_json(source, MAX_BYTES)
        entries = content.get("vulnerabilities")
        pairs = [(one.get("cveID"), one.get("dateAdded")) for one in entries or [] if isinstance(one, dict)]
        told = _day(str(content.get("dateReleased") or "")[:10])
    else:
        rows = read_rows(source, MAX_BYTES)
        header = [cell.strip() for cell in next(rows, [])]
        if "cveID" not in header or "dateAdded" not in header:
            pairs = []
        else:
            id_place, day_place = header.index("cveID"), header.index("dateAdded")
            pairs = [(row[id_place], row[day_place]) for row in rows if len(row) > max(id_place, day_place)]
        told = None
    found = {}
    for cve, added in pairs:
        day = _day(str(added)[:10])
        if not isinstance(cve, str) or not CVE.fullmatch(cve.strip()) or day is None:
            raise ReadingError(f"{name}: {cve!r} added {added!r} is no entry of CISA's catalogue: download it again")
        found[cve.strip().upper()] = day
    if not found:
        raise ReadingError(
            f"{name}: not CISA's catalogue (vulnerabilities with cveID and dateAdded): give "
            "known_exploited_vulnerabilities as JSON or CSV"
        )
    return found, told or max(found.values())


def _read_epss(source: Input) -> tuple[dict[str, float], date]:
    """FIRST's scores and their date, which stands in a comment before the header."""
    name, rows = name_of(source), read_rows(source, MAX_BYTES)
    first = next(rows, [])
    told = re.search(r"score_date:\s*(\d{4}-\d{2}-\d{2})", ",".join(first))
    header = [cell.strip().lower() for cell in (next(rows, []) if first and first[0].startswith("#") else first)]
    day = _day(told[1]) if told else None
    if header[:2] != ["cve", "epss"] or day is None:
        raise ReadingError(
            f"{name}: not FIRST's scores (a comment with score_date, then cve,epss,percentile): give its "
            "epss_scores-YYYY-MM-DD.csv.gz"
        )
    found = {}
    for row in rows:
        score = probability(row[1]) if len(row) > 1 else None
        if score is None or not CVE.fullmatch(row[0]):
            if any(row):
                raise ReadingError(f"{name}: {','.join(row)[:80]!r} is no score: download the file again")
            continue
        found[row[0].upper()] = score
    if not found:
        raise ReadingError(f"{name}: holds no score: download the file again")
    return found, day


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
