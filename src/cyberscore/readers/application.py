"""A filled application form (CSV or JSON) as attestation: callers are the command line and apps.

Questions are told by id or by wording (`application_form.toml`, English and Simplified Chinese), compared without case,
punctuation, spaces and leading numbers; what does not match is reported, never guessed at. Answers are yes or no in
several languages, true or false, shares, numbers, spans such as "30 days", and dates, as spreadsheets of many countries
save them; an answer that is open or unclear says nothing, and one that may be read in two ways is asked again. "No" is
adverse. The form's date of signature is when it was observed.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal
from cyberscore.readers import form_tables
from cyberscore.readers.answers import Answer, Question, by_wording, plain, questions, text_of, understand
from cyberscore.readers.base import Claim, Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json
from cyberscore.readers.head import Head
from cyberscore.readers.local_text import Habits
from cyberscore.readers.opening import Input, name_of

TOOL = "application form"

MAX_BYTES = 16_000_000
"""A form larger than this is refused."""
MAX_ANSWERS = 20_000
"""A form with more answers than this is refused."""

_SIGNED = {
    plain(one)
    for one in (
        "signed_on", "signed_at", "signed", "date_signed", "signature_date", "date of signature", "application_date",
        "completed_at", "completion_time", "submitted_at", "submission_date", "timestamp", "date", "签署日期",
        "签字日期", "填写日期", "日期",
    )
}  # fmt: skip
_SIGNED_ID = "signed_on"
_MONTH_FIRST = {plain("completion_time")}
"""Columns that Microsoft Forms fills in itself, in the order of the United States whoever asks."""


def looks_like(head: Head) -> int:
    """Whether a file is a form: an answer for each question, or fields that are questions."""
    known = by_wording()
    if head.form == "text":
        return 2 if form_tables.looks_like(head.rows) else 0
    if head.form not in {"json object", "json array"}:
        return 0
    last = [plain(key.rpartition(".")[2]) for key in head.keys]
    listed = set(last) & form_tables.ANSWERS and set(last) & form_tables.QUESTIONS
    matched = sum(one in known for one in last)
    answered = any(plain(key.partition(".")[0]) in form_tables.ANSWERS for key in head.keys)
    places = form_tables.IDS | form_tables.QUESTIONS
    named = any(plain(key.rpartition(".")[2]) in places and plain(text) in known for key, text in head.values.items())
    if (listed and len(set(last)) <= 12) or (named and set(last) & form_tables.ANSWERS):
        return 2
    return 2 if matched >= 3 or (matched and answered) else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read a filled form.

    Parameters
    ----------
    source : path or bytes
        CSV with a column of answers and one of ids or questions, such as `template` prints; or JSON: fields that are
        questions, or a list of objects with a question and an answer.
    observed_at : date, datetime or str, optional
        When it was signed; used only when the form does not tell.
    assets_total : int, optional
        Has no meaning for a form, and is reported.

    Returns
    -------
    Reading
        All observations are attestations.

    Raises
    ------
    ReadingError
        When the file is missing, too large, damaged, no form, or answers a question twice and differently.
    """
    name, leftovers = name_of(source), Leftovers()
    form = Head.of(source, MAX_BYTES).form
    if form == "xml":
        raise ReadingError(f"{name}: not a form (XML): give questions and answers as CSV or JSON")
    answers: dict[str, tuple[Question, Answer, str]] = {}
    read_rows = form_tables.rows_of(source, MAX_BYTES, name) if form == "text" else _json(source, name)
    rows = list(islice(read_rows, MAX_ANSWERS + 1))
    if len(rows) > MAX_ANSWERS:
        raise ReadingError(f"{name}: more than {MAX_ANSWERS} answers: give the form alone")
    habits = Habits.of(text_of(given) for key, wording, given in rows if _is_known(key, wording))
    for key, wording, given in rows:
        if _is_signature(key, wording):
            continue
        label = (key or wording)[:200]
        question = _question(key, wording)
        if question is None:
            if label:
                leftovers.add("question that is not known", label)
            continue
        answer = understand(question, given, habits)
        before = answers.get(question.id)
        if answer.said == "open" and before is not None:
            continue
        if before is not None and before[1].said != "open" and before[1] != answer:
            raise ReadingError(f"{name}: {question.id} is answered twice, and differently: correct the form")
        answers[question.id] = (question, answer, str(given)[:100])
    if not answers:
        raise ReadingError(f"{name}: no question of the form is known: use the ids that its template prints")
    when = _signed_on(rows, habits, observed_at, name, leftovers)
    said = dict.fromkeys(("yes", "no", "value", "not applicable", "open", "unclear"), 0)
    for _, answer, _ in answers.values():
        said[answer.said] += 1
    return Reading.of(
        TOOL,
        None,
        when,
        list(_claims(answers, when, leftovers)),
        assets=None,
        scope={"questions": len(questions()), "answers": len(answers), "said": said},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _question(key: str, wording: str) -> Question | None:
    known = by_wording()
    return known.get(plain(key)) or known.get(plain(wording))


def _is_known(key: str, wording: str) -> bool:
    return _is_signature(key, wording) or _question(key, wording) is not None


def _is_signature(key: str, wording: str) -> bool:
    return plain(key) in _SIGNED or plain(wording) in _SIGNED


def _signed_on(
    rows: Sequence[form_tables.Row],
    habits: Habits,
    observed_at: date | datetime | str | None,
    name: str,
    leftovers: Leftovers,
) -> datetime:
    """When the form was signed: its own date, the last of several, else the caller's.

    Raises
    ------
    ReadingError
        When its date may be read in two ways and the caller gives none, or there is none at all.
    """
    signed: datetime | None = None
    asked = ""
    for key, wording, given in rows:
        if not _is_signature(key, wording):
            continue
        by_software = bool({plain(key), plain(wording)} & _MONTH_FIRST) and ":" in str(given)
        answer = understand(_SIGNATURE, given, replace(habits, day_first=False) if by_software else habits)
        if answer.occurred_at is not None:
            signed = loose_moment(answer.occurred_at.isoformat())
        elif answer.either:
            asked = f"{str(given)[:100]} may be {' or '.join(answer.either)}: write the one that is meant"
    if asked and signed is None:
        if observed_at is None:
            raise ReadingError(f"{name}: the date of signature {asked}, or pass observed_at (--observed-at)")
        leftovers.add("date of signature that may be read in two ways", asked)
    return date_of(signed, observed_at, name, leftovers)


def template(*, language: str = "en") -> str:
    """Return a blank form as CSV: a row for the date of signature, then one a question.

    Parameters
    ----------
    language : {"en", "zh"}
        Of the questions.

    Raises
    ------
    ReadingError
        When the language is another.

    Examples
    --------
    >>> from cyberscore.readers import application
    >>> application.template().splitlines()[0]
    'id,question,answer,how_to_answer'
    """
    if language not in {"en", "zh"}:
        raise ReadingError(f"language must be en or zh; got {language!r}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "question", "answer", "how_to_answer"])
    writer.writerow([_SIGNED_ID, "签署日期" if language == "zh" else "Date of signature", "", "2026-11-23"])
    for one in questions():
        if one.signal:
            writer.writerow([one.id, one.zh if language == "zh" else one.text, "", _how(one)])
    return text.getvalue()


def _how(question: Question) -> str:
    how = {
        "yes_no": "yes or no",
        "share": "yes, no, or a share such as 80%",
        "count": "a number",
        "days": "a number of days" if question.yes is None else "yes, no, or a number of days",
        "age": "yes, no, or a date such as 2026-11-23",
    }[question.kind]
    return f"{how}, or n/a" if signal(question.signal).may_not_apply else how


def _json(source: Input, name: str) -> Iterator[form_tables.Row]:
    yield from _walk(read_json(source, MAX_BYTES, arrays=True), name, 0)


def _walk(found: Any, name: str, depth: int) -> Iterator[form_tables.Row]:
    """Rows of nested sections: a list of questions, or fields that are questions."""
    if depth > 8:
        raise ReadingError(f"{name}: a form nested deeper than 8 levels: use the template's form")
    if isinstance(found, list):
        for one in found:
            if not isinstance(one, dict):
                raise ReadingError(f"{name}: a list must hold objects with a question and an answer: use the template")
            yield from _walk(one, name, depth + 1)
        return
    if len(found) > MAX_ANSWERS:
        raise ReadingError(f"{name}: more than {MAX_ANSWERS} answers: give the form alone")
    names = {plain(str(key)): key for key in found}

    def text(among: set[str]) -> str:
        return next((found[key] for one, key in names.items() if one in among and isinstance(found[key], str)), "")

    answer = next((key for one, key in names.items() if one in form_tables.ANSWERS), None)
    if answer is not None and _is_plain(found[answer]) and (text(form_tables.IDS) or text(form_tables.QUESTIONS)):
        given = found[answer]
        yield (
            text(form_tables.IDS),
            text(form_tables.QUESTIONS),
            next(iter(given.values())) if isinstance(given, dict) else given,
        )
        return
    for key, value in found.items():
        if (isinstance(value, dict) and value) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield from _walk(value, name, depth + 1)
        else:
            yield str(key), "", value


def _is_plain(given: object) -> bool:
    """Whether an answer is one value, be it in a box such as {"value": "Yes"} or ["Yes"]."""
    if isinstance(given, dict):
        return len(given) == 1 and not isinstance(next(iter(given.values())), dict | list)
    return not isinstance(given, list) or (len(given) <= 1 and not any(isinstance(one, dict | list) for one in given))


_SIGNATURE = Question(_SIGNED_ID, "Date of signature", "签署日期", (), kind="age")


def _claims(answers: dict[str, tuple[Question, Answer, str]], when: datetime, leftovers: Leftovers) -> Iterator[Claim]:
    ladders: dict[str, list[tuple[Question, Answer, str]]] = {}
    for question, answer, given in answers.values():
        if question.why:
            leftovers.add(question.why, question.id)
        elif answer.said == "open":
            leftovers.add("question that is not answered", question.id)
        elif answer.either:
            told = f"{question.id}: {given} may be {' or '.join(answer.either)}: write the one that is meant"
            leftovers.add("answer that may be read in two ways", told)
        elif answer.said == "unclear":
            leftovers.add("answer that is not understood", f"{question.id}: {given}")
        elif question.step:
            ladders.setdefault(question.signal, []).append((question, answer, given))
        elif answer.occurred_at is not None and answer.occurred_at > when.date():
            leftovers.add("date after the form was signed", f"{question.id}: {given}")
        else:
            text = f"{question.id}: {given}"
            yield Claim(question.signal, answer.value, "attestation", text, occurred_at=answer.occurred_at)
    for name, steps in ladders.items():
        value = _reached(steps)
        said = "; ".join(f"{question.id}: {given}" for question, _, given in steps)
        if value is None:
            leftovers.add("the answers together do not tell a value", said)
        else:
            yield Claim(name, value, "attestation", said)


def _reached(steps: list[tuple[Question, Answer, str]]) -> Any:
    """Value that the answers to the steps of one signal support together."""
    ordered = sorted(steps, key=lambda one: one[0].step)
    if any(answer.said == "not applicable" for _, answer, _ in ordered):
        others = [answer for _, answer, _ in ordered if answer.said != "not applicable"]
        return None if others else ordered[0][1].value
    affirmed = {question.step for question, answer, _ in ordered if answer.said == "yes"}
    for question, answer, _ in reversed(ordered):
        if answer.said == "yes" and (not question.needs_lower or affirmed.issuperset(range(1, question.step))):
            return answer.value
    return next((answer.value for _, answer, _ in ordered if answer.said == "no" and answer.value is not None), None)
