"""Tables in which forms come: a column of answers, boxes under Yes and No, a column a question, or no header at all.

The caller is `application`. A layout is told from the header and from questions that are known; which of two columns
holds the answers is never guessed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cyberscore.exceptions import ReadingError
from cyberscore.readers.answers import by_wording, plain
from cyberscore.readers.documents import read_rows
from cyberscore.readers.opening import Input

Row = tuple[str, str, object]
"""Id, wording and answer of a question; either of the first two may be empty."""

IDS = {plain(one) for one in ("id", "question_id", "ref", "reference", "code", "key", "编号", "题号", "序号")}
QUESTIONS = {plain(one) for one in ("question", "question text", "text", "label", "control", "问题", "题目")}
ANSWERS = {
    plain(one) for one in ("answer", "response", "reply", "value", "answers", "responses", "回答", "答案", "答复")
}
_MORE_QUESTIONS = {plain(one) for one in ("item", "requirement", "项目")}
_ANSWER_ENDS = ("answer", "response", "reply", "回答", "答案", "答复")  # "Applicant's response"
_YES, _NO, _DOES_NOT_APPLY = {"yes", "y", "是"}, {"no", "n", "否"}, {"na", "notapplicable", "不适用"}
_TICKED = {"x", "✓", "✔", "√", "☑", "☒", "●", "■", "1", "yes", "y", "true", "t", "是", "[x]", "(x)", "þ", "ý"}
_EMPTY_BOX = {"", "-", "☐", "□", "○", "0", "no", "n", "false", "f", "否", "[ ]", "[]", "( )", "()", "¨"}
_HEADER_ROWS = 20
_FEWEST_KNOWN = 3
"""How many questions must be known before a table without a form's header is one."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Places of what a row holds; `boxes` are those of yes, no and not applicable."""

    id: int | None
    question: int | None
    answer: int | None = None
    boxes: tuple[int, int, int | None] | None = None


def looks_like(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first rows of a table are a form's."""
    return any(_layout(row) is not None or _is_across(row) for row in rows) or _has_no_header(rows)


def rows_of(source: Input, limit: int, name: str) -> Iterator[Row]:
    """Questions and answers of a table.

    Raises
    ------
    ReadingError
        When it is no form's, or holds the answers of several firms.
    """
    first: list[list[str]] = []
    for row in read_rows(source, limit):
        first.append(row)
        if len(first) == _HEADER_ROWS:
            break
    header = next((i for i, row in enumerate(first) if _layout(row) is not None or _is_across(row)), None)
    if header is None:
        if any(_has_rival_answers(row) for row in first):
            raise ReadingError(f"{name}: several columns of answers: leave the one that the applicant filled in")
        if not _has_no_header(first):
            raise ReadingError(f"{name}: not a form (no columns question and answer): use the template's columns")
        layout: _Layout | None = _Layout(None, 0, 1)
    else:
        layout = _layout(first[header])
    below = (row for i, row in enumerate(read_rows(source, limit)) if header is None or i > header)
    if layout is not None:
        yield from (_read(row, layout) for row in below)
        return
    filled = [row for row in below if any(cell.strip() for cell in row)]
    if len(filled) != 1:
        raise ReadingError(f"{name}: answers of {len(filled)} forms, a row each: give a file with one of them")
    for question, answer in zip(first[header or 0], filled[0], strict=False):
        yield "", question.strip(), answer.strip()


def _layout(row: Sequence[str]) -> _Layout | None:
    """Places in a row, if it is the header of a form."""
    names = [plain(cell) for cell in row]

    def place(among: set[str]) -> int | None:
        return next((i for i, one in enumerate(names) if one in among), None)

    key, question = place(IDS), place(QUESTIONS)
    if question is None:
        question = next((i for i, one in enumerate(names) if "question" in one or one in _MORE_QUESTIONS), None)
    yes, no = place(_YES), place(_NO)
    if question is not None and yes is not None and no is not None:
        return _Layout(key, question, boxes=(yes, no, place(_DOES_NOT_APPLY)))
    answer = place(ANSWERS)
    if answer is not None and sum(one in ANSWERS for one in names) > 1:
        return None  # which of them holds the answers is not guessed
    if answer is not None:
        wording = place(QUESTIONS)
        # A header of an id and an answer alone is a form's: other tables have an id and a value among many.
        if wording is not None or (key is not None and len([one for one in names if one]) <= 4):
            return _Layout(key, wording, answer)
    ends = [i for i, one in enumerate(names) if one.endswith(_ANSWER_ENDS) and i != question]
    return _Layout(key, question, ends[0]) if question is not None and len(ends) == 1 else None


def _has_rival_answers(row: Sequence[str]) -> bool:
    """Whether a row is a header with several columns of answers, of which none is the one."""
    names = [plain(cell) for cell in row]
    asked = any("question" in one or one in QUESTIONS or one in _MORE_QUESTIONS for one in names)
    return asked and _layout(row) is None and sum(one.endswith(_ANSWER_ENDS) or one in ANSWERS for one in names) > 1


def _is_across(row: Sequence[str]) -> bool:
    known = by_wording()
    return sum(plain(cell) in known for cell in row) >= _FEWEST_KNOWN


def _has_no_header(rows: Sequence[Sequence[str]]) -> bool:
    known = by_wording()
    return sum(len(row) > 1 and plain(row[0]) in known for row in rows) >= _FEWEST_KNOWN


def _read(row: Sequence[str], layout: _Layout) -> Row:
    def cell(place: int | None) -> str:
        return "" if place is None or place >= len(row) else row[place].strip()

    if layout.boxes is None:
        return cell(layout.id), cell(layout.question), cell(layout.answer)
    words = ("yes", "no", "n/a")
    told = [
        word if text in _TICKED else text  # text that is no tick is unclear, and said to be, as two ticks are
        for word, place in zip(words, layout.boxes, strict=True)
        if (text := cell(place).casefold()) not in _EMPTY_BOX
    ]
    free = [text for text in told if text not in words]
    return cell(layout.id), cell(layout.question), " and ".join(told) + (" in a box" if free else "")
