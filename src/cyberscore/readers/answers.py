"""Questions of an application form and what an answer to one stands for: the caller is `application`."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import NOT_APPLICABLE, Value, signal
from cyberscore.readers.base import loose_moment
from cyberscore.readers.local_text import NO_HABITS, Habits, dates_in, has_date, numbers_in

Kind = Literal["yes_no", "share", "count", "days", "age"]

# A spreadsheet saves TRUE and FALSE in the words of its own country.
_YES = {
    "yes", "y", "true", "t", "1", "x", "✓", "✔", "ja", "oui", "si", "sí", "是", "是的", "有", "对",
    "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "sand", "tosi", "prawda", "真",
}  # fmt: skip
_NO = {
    "no", "n", "false", "f", "0", "✗", "✘", "nein", "non", "否", "不", "不是", "没有", "无",
    "falsch", "faux", "falso", "onwaar", "falskt", "falsk", "epätosi", "fałsz", "假",
}  # fmt: skip
_NOT_APPLICABLE = {"na", "n/a", "n.a.", "not applicable", "不适用"}
_OPEN = {
    "", "-", "?", "unknown", "don't know", "do not know", "not sure", "unsure", "tbd", "不知道", "不清楚", "未知",
}  # fmt: skip
_EARLIEST_YEAR = 1997  # as of the dates that tools print: an older one is a slip of the pen
_NOT_YET = re.compile(
    r"(?:(?:no|nein|non|nee)\s*,\s*)?"
    r"(?:not yet|noch nicht|pas encore|nog niet|todav[ií]a no|a[uú]n no)(?: (?:implemented|in place|deployed|done))?|"
    r"(?:no|n|nein|non)\s*[,;:.(\u2013-]+\s*(?:but |aber |mais )?(?:this is |it is )?"
    r"(?:planned|planning|scheduled|in progress|under way|not yet|geplant|in planung|pr[eé]vu)\b.*|"
    r"尚未|还没有|还没|暂无|未实施|否[,;:。(]*(?:计划|正在).*",
    re.DOTALL,
)
"""No, for now."""
_NEVER = {"never", "从未", "从来没有"}
_LEADING = re.compile(
    r"^\s*\d{1,3}(?:\.\d{1,3})+\s+|^\s*(?:q(?:uestion)?\s*)?\d{1,3}(?:\.\d{1,3})*\s*[.:)、]\s*", re.IGNORECASE
)
# What forms call by several names: they differ between insurers, and their meaning does not.
_FIRM = r"(?:applicant|company|insured|organi[sz]ation|firm|business)"
_SAME = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\b(?:multi|two|2)[- ]?factor authentication(?: \((?:mfa|2fa)\))?|\b2fa\b", "mfa"),
        (r"\bendpoint detection (?:and|&) response(?: \(edr\))?", "edr"),
        (r"\bprivileged access management(?: \(pam\))?", "pam"),
        (rf"\bdoes (?:the |your |our )?{_FIRM}\b", "do you"),
        (rf"\bhas (?:the |your |our )?{_FIRM}\b", "have you"),
        (rf"\b(?:the |your ){_FIRM}['\u2019]s\b", "your"),
        (r"(?<!\s)\s*\((?:yes ?/ ?no|y ?/ ?n)\)", ""),
    )
)
_SHARE = re.compile(r"(\d[\d.,' \u2019]{0,20}?)\s*(%|percent|per cent)?")
_SPAN = re.compile(
    r"(?:(within|under|less than|up to|<=?)|(at least|>=))?\s*(\d(?:[\d.,' \u2019]{0,20}\d)?)\s*"
    r"(days?|d|weeks?|months?|years?|hours?|天|日|周|个月|月|年|小时)?(?: ago|前|以内|内)?"
)
_DAYS = {
    "d": 1, "day": 1, "天": 1, "日": 1, "week": 7, "周": 7, "month": 30, "月": 30, "个月": 30, "year": 365, "年": 365,
    "hour": 1 / 24, "小时": 1 / 24,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One question: see `application_form.toml`. `signal` is empty where an answer is only reported."""

    id: str
    text: str
    zh: str
    also: tuple[str, ...]
    signal: str = ""
    kind: Kind = "yes_no"
    yes: Value | None = None
    no: Value | None = None
    step: int = 0
    needs_lower: bool = False
    why: str = ""

    @property
    def wordings(self) -> tuple[str, ...]:
        """Everything it is recognised by."""
        return (self.id, self.text, self.zh, *self.also)


@cache
def questions() -> tuple[Question, ...]:
    """All questions, in the order of the form, as packaged.

    Raises
    ------
    ReadingError
        When two share a wording, or a value is not one of its signal's.
    """
    text = resources.files("cyberscore.readers").joinpath("application_form.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    found = tuple(
        Question(**{**one, "also": tuple(one.get("also", ()))})
        for part in ("question", "reported")
        for one in content[part]
    )
    known: dict[str, str] = {}
    for one in found:
        for wording in one.wordings:
            if known.setdefault(plain(wording), one.id) != one.id:
                raise ReadingError(f"application_form.toml: {wording!r} is a wording of two questions: keep one")
        for value in (one.yes, one.no):
            if value is not None and one.signal:
                signal(one.signal).check(value)
    return found


@cache
def by_wording() -> Mapping[str, Question]:
    """Questions by each of their wordings, as `plain` writes them."""
    return {plain(wording): one for one in questions() for wording in one.wordings}


def plain(wording: str) -> str:
    """Return a wording without case, punctuation, spaces, leading number and width, and with one name for one thing."""
    text = _LEADING.sub("", unicodedata.normalize("NFKC", wording[:500])[:500]).casefold()
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    return re.sub(r"[\W_]+", "", text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says: a value in the signal's unit or the date of the event, or neither where it says nothing.

    `either` is what an unclear answer may be, where it may be read in two ways.
    """

    value: Value | None = None
    occurred_at: date | None = None
    said: Literal["yes", "no", "value", "not applicable", "open", "unclear"] = "value"
    either: tuple[str, ...] = ()


def understand(question: Question, given: object, habits: Habits = NO_HABITS) -> Answer:
    """Return what an answer to a question says; never a guess: what is unclear says so.

    `habits` are how the same form writes numbers and dates.
    """
    text = text_of(given)
    if text in _OPEN:
        return Answer(said="open")
    if text in _NOT_APPLICABLE:
        allowed = bool(question.signal) and signal(question.signal).may_not_apply
        return Answer(NOT_APPLICABLE, said="not applicable") if allowed else Answer(said="unclear")
    if question.kind in {"count", "days"} and re.fullmatch(r"\d{1,6}", text):  # 1 and 0 are numbers here
        return _checked(question, Answer(float(text)))
    if text in _YES:
        return Answer(question.yes, said="yes") if question.yes is not None else Answer(said="unclear")
    if text in _NO or _NOT_YET.fullmatch(text):
        return Answer(question.no, said="no") if question.no is not None or question.step else Answer(said="unclear")
    return _checked(question, _measured(question, text, habits))


def text_of(given: object) -> str:
    """Text of an answer, in small letters and of one width; of a box with one thing in it that thing."""
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, list) and len(given) == 1 and not isinstance(given[0], dict | list):
        given = given[0]  # a box that was ticked
    if given is None or isinstance(given, dict | list):
        return "" if not given else "unreadable"
    text = f"{given:.9g}" if isinstance(given, float) else str(given)[:200]
    return unicodedata.normalize("NFKC", text)[:200].strip().rstrip(".。!").strip().casefold()


def _measured(question: Question, text: str, habits: Habits) -> Answer:
    if question.kind == "age":
        return _event(text, habits)
    if question.kind == "share":
        found = _SHARE.fullmatch(text)
        # no share is in the thousands, so that 12,500 is 12.5 whatever the comma means
        numbers = [number for number in numbers_in(found[1], habits) if number <= 100] if found else []
        if found is None or len(numbers) != 1:
            return Answer(said="unclear")
        number = numbers[0]
        return Answer(number / 100 if found[2] or number > 1 else number)  # "80" is 80 %, "0.8" as well
    if question.kind == "days":
        better = bool(question.signal) and signal(question.signal).safer == "higher"
        return _one_of(_days(text, habits, more_is_better=better))
    if question.kind == "count":
        numbers = list(numbers_in(text, habits))
        return _one_of(numbers) if len(numbers) > 1 or all(one.is_integer() for one in numbers) else _one_of([])
    return Answer(said="unclear")


def _one_of(values: list[float]) -> Answer:
    """Return the only value that an answer may have; unclear where there is none or more than one."""
    if len(values) == 1:
        return Answer(values[0])
    return Answer(said="unclear", either=tuple(f"{value:.9g}" for value in values))


def _event(text: str, habits: Habits) -> Answer:
    if text in _NEVER:
        return Answer("never", said="no")
    year_first = re.fullmatch(r"(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?", text)
    if year_first:
        text = f"{year_first[1]}-{int(year_first[2]):02}-{int(year_first[3]):02}"
    if has_date(text):
        days = [day for day in dates_in(text, habits) if day.year >= _EARLIEST_YEAR]
        if len(days) == 1:
            return Answer(occurred_at=days[0])
        return Answer(said="unclear", either=tuple(day.isoformat() for day in days))
    when = loose_moment(text.upper()) if re.search(r"\d{4}", text) and not text.isdigit() else None
    if when is not None:
        return Answer(occurred_at=when.date())
    return _one_of(_days(text, habits))


def _days(text: str, habits: Habits, *, more_is_better: bool = False) -> list[float]:
    """Return all that a span may be in days; of a bound only the one that cannot flatter is a number."""
    found = _SPAN.fullmatch(text)
    if found is None or found[1 if more_is_better else 2]:
        return []
    unit = (found[4] or "d").rstrip("s")
    return [round(number * _DAYS[unit], 3) for number in numbers_in(found[3], habits) if number < 100_000]


def _checked(question: Question, answer: Answer) -> Answer:
    """Return an answer cut to what its signal can hold; unclear when it is out of bounds."""
    if answer.value is None or not question.signal or not isinstance(answer.value, int | float):
        return answer
    about = signal(question.signal)
    if not about.low <= answer.value <= about.high:
        capped = question.kind in {"age", "days"} and answer.value > about.high
        return Answer(about.high) if capped else Answer(said="unclear")
    return answer
