"""What is wrong with a book, told in one error, and how errors show rows and values. Called by its readers."""

from datetime import date, datetime
from difflib import get_close_matches

import numpy as np
import pandas as pd

from cyberscore.exceptions import TrainingError
from cyberscore.training.books.mapping import draft_text
from cyberscore.training.books.notation import folded

SHOWN_ROWS, SHOWN_PROBLEMS = 5, 20


def rows_text(bad: object) -> str:
    """First rows of a mask, and how many more."""
    rows = np.flatnonzero(np.asarray(bad))
    shown = ", ".join(str(row) for row in rows[:SHOWN_ROWS])
    more = f" and {len(rows) - SHOWN_ROWS:,} more" if len(rows) > SHOWN_ROWS else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def nearest(value: object, names: list[str], cutoff: float = 0.6) -> str:
    """`: did you mean ...?`, or nothing."""
    same = [name for name in names if folded(name) == folded(value)]
    close = same or get_close_matches(str(value), names, n=1, cutoff=cutoff)
    return f": did you mean {close[0]!r}?" if close else ""


class Problems:
    """What is wrong with a book, told in one error; and what is merely worth knowing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.columns: dict[str, str] = {}
        """Draft of a mapping of their columns to ours."""
        self.words: dict[str, dict[str, str]] = {}
        """Draft of a mapping of their words to ours, by column."""

    def add(self, line: str) -> None:
        """Add one problem, once."""
        if line not in self.lines:
            self.lines.append(line)

    def note(self, line: str) -> None:
        """Add something that is no problem, but not to be dropped in silence."""
        self.notes.append(line)

    def settle(self) -> None:
        """Raise what was found.

        Raises
        ------
        TrainingError
            One line a problem, at most 20, and the draft of a mapping where names or words are not ours.
        """
        if not self.lines:
            return
        rows = " (rows are counted from 0)" if any(" in row" in line or " row " in line for line in self.lines) else ""
        shown = [self.lines[0] + rows]
        if len(self.lines) > 1:
            shown = [f"the book has {len(self.lines)} problems{rows}:"]
            shown += [f"- {line}" for line in self.lines[:SHOWN_PROBLEMS]]
        if len(self.lines) > SHOWN_PROBLEMS:
            shown.append(f"- and {len(self.lines) - SHOWN_PROBLEMS} more problems")
        draft = draft_text(self.columns, self.words)
        raise TrainingError("\n".join([*shown, draft] if draft else shown))


def shown(value: object) -> str:
    """Value as errors show it, whatever library it came from."""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
