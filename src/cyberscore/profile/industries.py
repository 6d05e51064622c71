"""NAICS codes (2022 and 2017) and the rating sectors they fall in: callers are the insured and the market."""

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cyberscore.exceptions import ProfileError


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry: the NAICS code that was matched (perhaps a parent of the code asked for) and its rating sector."""

    naics: str
    title: str
    sector: str


@cache
def _titles() -> dict[str, str]:
    """Titles by code: NAICS 2022, then what only NAICS 2017 had (US Census Bureau, public domain)."""
    text = files("cyberscore.profile").joinpath("naics.csv").read_text(encoding="utf-8")
    return {row["naics"]: row["title"] for row in csv.DictReader(text.splitlines())}


@cache
def sector_prefixes() -> dict[str, str]:
    """Sector by NAICS prefix."""
    text = files("cyberscore.profile").joinpath("industries.toml").read_text(encoding="utf-8")
    return {prefix: sector for sector, prefixes in tomllib.loads(text).items() for prefix in prefixes}


@cache
def sectors() -> tuple[str, ...]:
    """All rating sectors, sorted."""
    return tuple(sorted(set(sector_prefixes().values())))


@cache
def short_codes() -> tuple[str, ...]:
    """Known codes of 2 to 4 digits: between them they reach every sector."""
    return tuple(code for code in _titles() if 2 <= len(code) <= 4)


@cache
def industry(naics: str) -> Industry:
    """Find the industry of a NAICS code of 2 to 6 digits.

    A code that neither edition holds falls back to its nearest parent, down to three digits.

    Raises
    ------
    ProfileError
        When the code is not 2 to 6 digits or no parent of at least three digits exists.
    """
    if not (naics.isascii() and naics.isdigit() and 2 <= len(naics) <= 6):
        raise ProfileError(f"naics must be a code of 2 to 6 digits as text, such as '621210'; got {naics!r}")
    titles = _titles()
    for length in range(len(naics), min(len(naics), 3) - 1, -1):
        code = naics[:length]
        if code in titles:
            prefixes = sector_prefixes()
            sector = next(prefixes[code[:n]] for n in range(len(code), 1, -1) if code[:n] in prefixes)
            return Industry(code, titles[code], sector)
    known = f"; {naics[:2]} is {titles[naics[:2]]}" if naics[:2] in titles else ""
    raise ProfileError(
        f"unknown NAICS code {naics!r}: neither the 2022 nor the 2017 edition has it or a parent of it{known}"
    )
