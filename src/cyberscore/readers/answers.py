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

Kind = Literal["yes_no", "share", "count", "days", "age"]

_YES = {"yes", "y", "true", "t", "1", "x", "✓", "✔", "ja", "oui", "si", "sí", "是", "是的", "有", "对"}
_NO = {"no", "n", "false", "f", "0", "✗", "✘", "nein", "non", "否", "不", "不是", "没有", "无"}
_NOT_APPLICABLE = {"na", "n/a", "n.a.", "not applicable", "不适用"}
_OPEN = {
    "", "-", "?", "unknown", "don't know", "do not know", "not sure", "unsure", "tbd", "不知道", "不清楚", "未知",
}  # fmt: skip
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
_NUMBER = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(%|percent|per cent)?")
_SPAN = re.compile(
    r"(?:(within|under|less than|up to|<=?)|(at least|>=))?\s*(\d{1,5}(?:\.\d{1,3})?)\s*"
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
    """What an answer says: a value in the signal's unit or the date of the event, or neither where it says nothing."""

    value: Value | None = None
    occurred_at: date | None = None
    said: Literal["yes", "no", "value", "not applicable", "open", "unclear"] = "value"


def understand(question: Question, given: object) -> Answer:
    """Return what an answer to a question says; never a guess: what is unclear says so."""
    text = _text(given)
    if text in _OPEN:
        return Answer(said="open")
    if text in _NOT_APPLICABLE:
        allowed = bool(question.signal) and signal(question.signal).may_not_apply
        return Answer(NOT_APPLICABLE, said="not applicable") if allowed else Answer(said="unclear")
    if question.kind in {"count", "days"} and re.fullmatch(r"\d{1,6}", text):  # 1 and 0 are numbers here
        return _checked(question, Answer(float(text)))
    if text in _YES:
        return Answer(question.yes, said="yes") if question.yes is not None else Answer(said="unclear")
    if text in _NO:
        return Answer(question.no, said="no") if question.no is not None or question.step else Answer(said="unclear")
    return _checked(question, _measured(question, text))


def _text(given: object) -> str:
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, list) and len(given) == 1 and not isinstance(given[0], dict | list):
        given = given[0]  # a box that was ticked
    if given is None or isinstance(given, dict | list):
        return "" if not given else "unreadable"
    text = f"{given:.9g}" if isinstance(given, float) else str(given)[:200]
    return unicodedata.normalize("NFKC", text)[:200].strip().rstrip(".。!").strip().casefold()


def _measured(question: Question, text: str) -> Answer:
    if question.kind == "age":
        return _event(text)
    if question.kind == "share":
        found = _NUMBER.fullmatch(text)
        if found is None:
            return Answer(said="unclear")
        number = float(found[1])
        return Answer(number / 100 if found[2] or number > 1 else number)  # "80" is 80 %, "0.8" as well
    if question.kind == "days":
        days = _days(text, more_is_better=bool(question.signal) and signal(question.signal).safer == "higher")
        return Answer(days) if days is not None else Answer(said="unclear")
    if question.kind == "count":
        found = re.fullmatch(r"(\d{1,6})(?:\.0+)?", text)
        return Answer(float(found[1])) if found else Answer(said="unclear")
    return Answer(said="unclear")


def _event(text: str) -> Answer:
    if text in _NEVER:
        return Answer("never", said="no")
    year_first = re.fullmatch(r"(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?", text)
    if year_first:
        text = f"{year_first[1]}-{int(year_first[2]):02}-{int(year_first[3]):02}"
    when = loose_moment(text.upper()) if re.search(r"\d{4}", text) and not text.isdigit() else None
    if when is not None:
        return Answer(occurred_at=when.date())
    days = _days(text)
    return Answer(days) if days is not None else Answer(said="unclear")


def _days(text: str, *, more_is_better: bool = False) -> float | None:
    """Return a span in days; of a bound only the one that cannot flatter is a number."""
    found = _SPAN.fullmatch(text)
    if found is None or found[1 if more_is_better else 2]:
        return None
    unit = (found[4] or "d").rstrip("s")
    return round(float(found[3]) * _DAYS[unit], 3)


def _checked(question: Question, answer: Answer) -> Answer:
    """Return an answer cut to what its signal can hold; unclear when it is out of bounds."""
    if answer.value is None or not question.signal or not isinstance(answer.value, int | float):
        return answer
    about = signal(question.signal)
    if not about.low <= answer.value <= about.high:
        capped = question.kind in {"age", "days"} and answer.value > about.high
        return Answer(about.high) if capped else Answer(said="unclear")
    return answer
