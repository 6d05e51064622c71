"""Numbers and dates as spreadsheets of many countries save them, and all that each may mean: the caller is `answers`.

`1.234` is 1234 to some and 1.234 to others, 03/04/2026 is in March or in April. Where the same form shows how it writes
numbers or dates (0,8 or 22/11/2026), that decides; where nothing does, both are told, and neither is taken.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_WHOLE = re.compile(r"\d{1,9}")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3}(?:\1\d{3}){1,2}|(?:[ '\u2019]\d{3}){1,2})")
_WITH_DECIMALS = re.compile(r"(\d{1,3}(?:([ .,'\u2019])\d{3}(?:\2\d{3}){0,1}))(?!\2)([.,])(\d{1,6})")
_ONE_MARK = re.compile(r"(\d{1,9})([.,])(\d{1,9})")
_GROUPED = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_DAY = re.compile(r"(?<!\d)(?<!\d[./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?![./-]?\d)")


@dataclass(frozen=True, slots=True)
class Habits:
    """How one form writes: the decimal mark that its numbers show, and whether its dates begin with the day."""

    decimal: str | None = None
    day_first: bool | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Habits":
        """Tell them from texts that can be read in one way only; None where they show nothing, or contradict."""
        marks, orders = set(), set()
        for text in texts:
            number = text.rstrip("% ").strip()
            if (mark := _decimal_shown(number)) is not None:
                marks.add(mark)
            for first, mark, second, _ in _DAY.findall(text):
                if mark != "." and (int(first) > 12) != (int(second) > 12):
                    orders.add(int(first) > 12)
        return cls(marks.pop() if len(marks) == 1 else None, orders.pop() if len(orders) == 1 else None)


NO_HABITS = Habits()


def numbers_in(text: str, habits: Habits = NO_HABITS) -> tuple[float, ...]:
    """All that a number may mean: nothing where it is none, two values where it may be read in two ways.

    Examples
    --------
    >>> numbers_in("0,8"), numbers_in("1.234"), numbers_in("1.234,5"), numbers_in("much")
    ((0.8,), (1234.0, 1.234), (1234.5,), ())
    >>> numbers_in("1.234", Habits(decimal=","))
    (1234.0,)
    """
    text = text.strip()
    if _WHOLE.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return (float(re.sub(r"\D", "", text)),)
    found = _WITH_DECIMALS.fullmatch(text)
    if found:
        return (float(f"{re.sub(r'[^0-9]', '', found[1])}.{found[4]}"),)
    found = _ONE_MARK.fullmatch(text)
    if found is None:
        return ()
    decimal = float(f"{found[1]}.{found[3]}")
    if not _GROUPED.fullmatch(text):
        return (decimal,)
    if habits.decimal is not None:
        return (decimal,) if habits.decimal == found[2] else (float(found[1] + found[3]),)
    return (float(found[1] + found[3]), decimal)


def _decimal_shown(text: str) -> str | None:
    """Decimal mark that a number shows, None where it has none or may have none."""
    found = _WITH_DECIMALS.fullmatch(text)
    if found:
        return found[3]
    found = _ONE_MARK.fullmatch(text)
    return found[2] if found and not _GROUPED.fullmatch(text) else None


def dates_in(text: str, habits: Habits = NO_HABITS) -> tuple[date, ...]:
    """All that the one date of a text may be, its year last: with points the day is first, otherwise it may be second.

    Examples
    --------
    >>> dates_in("22.11.2026"), len(dates_in("03/04/2026")), dates_in("11/22/2026")
    ((datetime.date(2026, 11, 22),), 2, (datetime.date(2026, 11, 22),))
    """
    found = _DAY.findall(text)
    if len(found) != 1:
        return ()
    first, mark, second, year = found[0]
    orders = [(first, second), (second, first)]
    usual_first = mark == "." or habits.day_first is not None
    if mark != "." and habits.day_first is False:
        orders.reverse()
    days = [_day(int(year), int(month), int(day)) for day, month in orders]
    possible = tuple(dict.fromkeys(day for day in days if day is not None))
    return possible[:1] if usual_first else possible


def has_date(text: str) -> bool:
    """Whether a text holds a date whose year is last, in digits alone."""
    return _DAY.search(text) is not None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
