"""NAICS codes (2022 and 2017) and the rating sectors they fall in: callers are the insured and the market."""

import csv
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cyberscore.exceptions import ProfileError

RANGES = {"31-33": "31", "44-45": "44", "48-49": "48"}
"""Sectors of two or three prefixes, as the editions write them, and one of these prefixes."""
MOST_DIGITS = 6
MOST_NAMED = 4
"""How many existing codes an error names below the nearest parent."""


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry: a NAICS code, its title in the edition, and the rating sector it falls in."""

    naics: str
    title: str
    sector: str


@cache
def _titles() -> dict[str, str]:
    """Titles by code: NAICS 2022, then what only NAICS 2017 had (US Census Bureau, public domain)."""
    text = files("cyberscore.profile").joinpath("naics.csv").read_text(encoding="utf-8")
    titles = {row["naics"]: row["title"] for row in csv.DictReader(text.splitlines())}
    return titles | {code: titles[first] for code, first in RANGES.items()}


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


def plain_code(naics: str) -> str:
    """Write a code as the editions do: dashes of a range such as 31-33 are hyphens."""
    return re.sub(r"(?<!\s)\s*[\u2010-\u2015-]\s*", "-", naics.strip())


@cache
def industry(naics: str) -> Industry:
    """Find the industry of a NAICS code of 2 to 6 digits, edition 2022 or 2017, or of a range: 31-33, 44-45, 48-49.

    Raises
    ------
    ProfileError
        When neither edition holds the code; the error names the nearest codes that exist.
    """
    _check_form(naics)
    if naics not in _titles():
        raise ProfileError(_unknown(naics))
    return _industry(naics)


@cache
def nearest_industry(naics: str) -> Industry:
    """Find the industry of a NAICS code, or of its nearest parent of at least three digits where no edition holds it.

    For books of policies, whose codes may be of older editions: the caller tells which codes were read as another.

    Raises
    ------
    ProfileError
        When it is no code, or no parent of at least three digits exists.
    """
    _check_form(naics)
    parent = _parent(naics)
    if parent is None:
        raise ProfileError(_unknown(naics))
    return _industry(parent)


def _check_form(naics: str) -> None:
    if naics not in RANGES and not (naics.isascii() and naics.isdigit() and 2 <= len(naics) <= MOST_DIGITS):
        raise ProfileError(
            f"naics must be a code of 2 to 6 digits as text, such as '621210', or one of {', '.join(RANGES)}; "
            f"got {naics!r}"
        )


def _parent(naics: str) -> str | None:
    """Return the code itself, or its nearest parent of at least three digits; None where there is none."""
    titles = _titles()
    return next((naics[:n] for n in range(len(naics), min(len(naics), 3) - 1, -1) if naics[:n] in titles), None)


def _industry(code: str) -> Industry:
    prefixes = sector_prefixes()
    sector = next(prefixes[code[:n]] for n in range(len(code), 1, -1) if code[:n] in prefixes)
    return Industry(code, _titles()[code], sector)


def _unknown(naics: str) -> str:
    """Say that a code does not exist, and which near it do."""
    titles, parent = _titles(), _parent(naics)
    text = f"unknown NAICS code {naics!r}: neither the 2022 nor the 2017 edition has it"
    if parent is None:
        known = f"; {naics[:2]} is {titles[naics[:2]]}" if naics[:2] in titles else ""
        return f"{text} or a parent of it{known}: give a NAICS code, not one of another system (SIC, NACE)"
    below = [code for code in titles if code.startswith(parent) and len(code) == MOST_DIGITS != len(parent)]
    named = "; ".join(f"{code} {titles[code]}" for code in (parent, *below[:MOST_NAMED]))
    return f"{text}. Take one that exists, such as {named}; a code of another system (SIC, NACE) is not a NAICS code"
