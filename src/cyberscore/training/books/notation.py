"""Numbers and dates written as text, in the notation of any country: a whole column is the evidence.

Called by `columns`.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from cyberscore.profile.places import CURRENCIES

POINT, COMMA = ".", ","
DECIMALS = (POINT, COMMA)
_PLAIN = {
    POINT: re.compile(r"(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})(?:\.\d*)?|\.\d+"),
    COMMA: re.compile(r"(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d*)?|,\d+"),
}
"""With a decimal point, commas group thousands (in India lakhs too); with a decimal comma, points do."""
_SCIENTIFIC = re.compile(r"(\d+[.,]?\d*|[.,]\d+)[eE]([+-]?\d{1,3})")
_GROUPED = re.compile(r"[1-9]\d{0,2}([ '])\d{3}(?:\1\d{3})*(?:[.,]\d+)?")
_DOLLARS = ("US$", "USD", "$")
_OTHER_CURRENCIES = {"元": "CNY", "人民币": "CNY", "RMB": "CNY", "円": "JPY"}
_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY or CNY"}
_ENDS = re.compile(r"^([^\d+\-.,(]*)(.*?)([^\d.,)\-]*)$", re.DOTALL)

_TIME = r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?)?"
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[./年-] ?(?P<month>\d{{1,2}})[./月-] ?(?P<day>\d{{1,2}})日?\.?{_TIME}")
_YEAR_LAST = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[./-]) ?(?P<second>\d{{1,2}})(?P=mark) ?(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
_FIRST_YEAR = 1990
"""Years of two digits are 1990 to 2089."""
_SPREADSHEET_DAYS = range(32_874, 73_051)
"""Day numbers of a spreadsheet between 1990 and 2100."""


@dataclass(slots=True)
class Numbers:
    """Numbers of distinct texts: NaN stands where a text is none.

    `unclear` are the places of texts that can be read in two ways, and `question` asks for what would settle them;
    `currencies` tells by place of amounts that are not in USD.
    """

    numbers: list[float]
    unclear: list[int] = field(default_factory=list)
    question: str = ""
    currencies: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Dates:
    """Dates of distinct texts, None where a text is none; `unclear` and `question` as of `Numbers`.

    `alone` says that most of the column is written in this way, so that what is ISO 8601 in it is no date.
    """

    dates: list[date | None]
    unclear: list[int] = field(default_factory=list)
    question: str = ""
    alone: bool = False


def folded(text: object) -> str:
    """Text without case, accents, blanks and punctuation."""
    plain = unicodedata.normalize("NFKD", str(text)).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def number_of(value: object, words: Mapping[str, float]) -> float:
    """Return the number that a value is, or that its folded text stands for; NaN if none."""
    if isinstance(value, str):
        return words.get(folded(value), float("nan")) if words else float("nan")
    if isinstance(value, date | timedelta | np.datetime64 | np.timedelta64):
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def read_numbers(
    texts: Sequence[str],
    *,
    decimal: str | None = None,
    high: float = float("inf"),
    percent: bool = False,
    money: bool = False,
) -> Numbers:
    """Read the distinct texts of a column as numbers.

    Parameters
    ----------
    texts : sequence of str
    decimal : {".", ","}, optional
        Decimal mark; default what the texts prove. Where none of them proves it and it matters, nothing is guessed.
    high : float
        No number of the column is larger: also a proof.
    percent : bool
        Whether a percent sign may stand behind a number, and divides it by 100.
    money : bool
        Whether a sign of USD may stand beside a number; that of another currency is told.
    """
    found = Numbers([float("nan")] * len(texts))
    readings: list[tuple[float | None, float | None]] = []
    for place, text in enumerate(texts):
        body, sign, scale, currency = _stripped(text, percent=percent, money=money)
        if currency:
            found.currencies[place] = currency
        pair = (None, None) if currency else (_number(body, POINT), _number(body, COMMA))
        readings.append(tuple(None if one is None else sign * one / scale for one in pair))  # type: ignore[arg-type]
    chosen = decimal or _proven(found, texts, readings, high)
    for place, (point, comma) in enumerate(readings):
        number = point if chosen == POINT else comma if chosen == COMMA else point if point == comma else None
        if number is not None:
            found.numbers[place] = number
    return found


def _proven(
    found: Numbers, texts: Sequence[str], readings: Sequence[tuple[float | None, float | None]], high: float
) -> str | None:
    """Decimal mark that the texts prove; None, with the question asked where it matters."""
    points = [k for k, (point, comma) in enumerate(readings) if point is not None and comma is None]
    commas = [k for k, (point, comma) in enumerate(readings) if comma is not None and point is None]
    either = [k for k, (point, comma) in enumerate(readings) if None not in {point, comma} and point != comma]
    if points and commas:
        found.unclear = sorted(points + commas + either)
        found.question = (
            f"numbers are written in two ways ({texts[points[0]]!r} and {texts[commas[0]]!r}): give decimal='.' or "
            "decimal=',', and mend those written in the other way"
        )
        return None
    if points or commas:
        return POINT if points else COMMA
    fits = [
        mark
        for at, mark in enumerate(DECIMALS)
        if all(abs(pair[at]) <= high for k in either if (pair := readings[k])[at] is not None)  # type: ignore[arg-type]
    ]
    if len(fits) == 1:
        return fits[0]
    if either:
        found.unclear = either
        point, comma = readings[either[0]]
        found.question = (
            f"{texts[either[0]]!r} can be {point:,.12g} or {comma:,.12g}, and no other number of the column tells which"
            f": give decimal='.' for {point:,.12g}, or decimal=',' for {comma:,.12g}"
        )
    return None


def _stripped(text: str, *, percent: bool, money: bool) -> tuple[str, float, float, str]:
    """Digits and marks of a text, its sign, its scale, and a currency that is not USD."""
    body = (
        unicodedata.normalize("NFKC", text)
        .strip()
        .replace("\N{MINUS SIGN}", "-")
        .replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    scale, sign = 1.0, 1.0
    if percent and body.endswith("%"):
        body, scale = body[:-1].rstrip(), 100.0
    if body.startswith("(") and body.endswith(")"):
        body, sign = body[1:-1].strip(), -1.0
    signed, body = _signed(body)
    if money and (ends := _ENDS.match(body)) is not None:
        before, body, after = ends.group(1).strip(), ends.group(2).strip(), ends.group(3).strip()
        for word in (before, after):
            if word.upper() not in {"", *_DOLLARS}:
                return "", sign, scale, _currency(word)
        again, body = _signed(body)
        signed *= again
    if _GROUPED.fullmatch(body):
        body = body.replace(" ", "\0").replace("'", "\0")
    return body, sign * signed, scale, ""


def _signed(body: str) -> tuple[float, str]:
    """Sign before or after a number, and the rest."""
    if body[:1] in {"+", "-"}:
        return (-1.0 if body[0] == "-" else 1.0), body[1:].lstrip()
    return (-1.0, body[:-1].rstrip()) if body.endswith("-") else (1.0, body)


def _currency(word: str) -> str:
    """Currency that a word beside an amount names; nothing if it names none."""
    upper = word.upper()
    if upper in CURRENCIES:
        return upper
    named = _OTHER_CURRENCIES.get(upper) or _SIGNS.get(word)
    return named or (word if any(unicodedata.category(letter) == "Sc" for letter in word) else "")


def _number(body: str, decimal: str) -> float | None:
    """Return the number that digits and marks are with a decimal mark, or None."""
    group = COMMA if decimal == POINT else POINT
    if "\0" in body:  # blanks or apostrophes group the thousands: the other mark can only be decimal
        body = body.replace("\0", "")
        return float(body.replace(decimal, ".")) if group not in body else None
    scientific = _SCIENTIFIC.fullmatch(body)
    if scientific is not None:
        mantissa, exponent = scientific.groups()
        return float(f"{mantissa.replace(decimal, '.')}e{exponent}") if group not in mantissa else None
    if not body.isascii() or _PLAIN[decimal].fullmatch(body) is None:
        return None
    return float(body.replace(group, "").replace(decimal, "."))


def read_dates(texts: Sequence[str], *, dayfirst: bool | None = None, others: int = 0) -> Dates:
    """Read the distinct texts of a column that are not ISO 8601 as dates: year, month and day, or year last.

    Parameters
    ----------
    texts : sequence of str
    dayfirst : bool, optional
        Whether the day stands before the month where the year is last; default what the texts prove, and yes with dots
        between. Where nothing proves it and it matters, nothing is guessed.
    others : int
        How many dates of the column are ISO 8601.

    Notes
    -----
    A column is written in one way: what is written in another than most of it is no date.
    """
    found = Dates([None] * len(texts))
    year_first: list[tuple[int, re.Match[str]]] = []
    year_last: dict[str, list[tuple[int, re.Match[str]]]] = {}
    for place, text in enumerate(texts):
        body = unicodedata.normalize("NFKC", text).strip()
        if (match := _YEAR_FIRST.fullmatch(body)) is not None:
            year_first.append((place, match))
        elif (match := _YEAR_LAST.fullmatch(body)) is not None:
            year_last.setdefault(match["mark"], []).append((place, match))
    mark = max(year_last, key=lambda one: len(year_last[one]), default="")
    if mark and len(year_last[mark]) > len(year_first) + others:
        found.alone = others > 0
        _read_year_last(found, texts, year_last[mark], dotted=mark == ".", dayfirst=dayfirst)
        return found
    for place, match in year_first:
        found.dates[place] = _day(int(match["year"]), int(match["month"]), int(match["day"]))
    return found


def _read_year_last(
    found: Dates,
    texts: Sequence[str],
    matches: Sequence[tuple[int, re.Match[str]]],
    *,
    dotted: bool,
    dayfirst: bool | None,
) -> None:
    parts = {place: (int(match["first"]), int(match["second"]), match["year"]) for place, match in matches}
    if dayfirst is None and not _say_what_is_unclear(found, texts, parts, dotted=dotted):
        return
    if dayfirst is None:
        dayfirst = dotted or not any(second > 12 for _, second, _ in parts.values())
    for place, (first, second, year) in parts.items():
        full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= _FIRST_YEAR % 100 else 2000)
        found.dates[place] = _day(full, second, first) if dayfirst else _day(full, first, second)


def _say_what_is_unclear(
    found: Dates, texts: Sequence[str], parts: dict[int, tuple[int, int, str]], *, dotted: bool
) -> bool:
    """Whether the order of day and month is proven; if not, ask for it."""
    short = [place for place, (_, _, year) in parts.items() if len(year) == 2]
    if short:
        found.unclear = short
        found.question = (
            f"{texts[short[0]]!r} has a year of two digits: give dayfirst=True or dayfirst=False (years are then "
            f"{_FIRST_YEAR} to {_FIRST_YEAR + 99}), or write years with four digits"
        )
        return False
    days = [place for place, (first, _, _) in parts.items() if first > 12]
    months = [place for place, (_, second, _) in parts.items() if second > 12]
    either = [place for place, (first, second, _) in parts.items() if max(first, second) <= 12 and first != second]
    if dotted or bool(days) != bool(months) or not (days or either):
        return True
    found.unclear = sorted(days + months + either)
    if days:
        found.question = (
            f"dates are written in two ways ({texts[days[0]]!r} and {texts[months[0]]!r}): give dayfirst=True or "
            "dayfirst=False, and mend those written in the other way"
        )
    else:
        first, second, year = parts[either[0]]
        found.question = (
            f"{texts[either[0]]!r} can be {year}-{second:02d}-{first:02d} or {year}-{first:02d}-{second:02d}, and no "
            "other date of the column tells which: give dayfirst=True for the first, or dayfirst=False for the second"
        )
    return False


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def date_hint(text: str) -> str:
    """Remedy for a text that is no date, or nothing."""
    if text.isdigit() and int(text) in _SPREADSHEET_DAYS:
        return ": this is a spreadsheet's number of a day: format the column as dates before the export"
    match = _YEAR_LAST.fullmatch(text.strip())
    if match is not None and int(match["second"]) > 12 >= int(match["first"]):
        return ": its month stands first; dayfirst=False reads a whole column so"
    return ""
