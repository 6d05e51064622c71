"""Signals of a policies table as codes and evidence weights. Called by the encoding."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cyberscore.profile import SOURCES, Signal, signals
from cyberscore.profile.signals import NEVER, NOT_APPLICABLE
from cyberscore.training.books.columns import MISSING, Days, Floats, Mask, Table
from cyberscore.training.books.problems import nearest

Codes = NDArray[np.uint8]
ENDINGS = ("__source", "__age_days", "__observed_at")


def signal_column_names() -> set[str]:
    """Every column that a signal may have."""
    return {name + ending for name in signals() for ending in ("", *ENDINGS)}


def check_signal_names(table: Table) -> tuple[str, ...]:
    """Note columns such as `<signal>__source` that belong to no column; return those dealt with."""
    orphans = [column for column in table.columns if "__" in column and column not in signal_column_names()]
    orphans += [
        column
        for column in table.columns
        if column.endswith(ENDINGS) and column in signal_column_names() and column.rpartition("__")[0] not in table
    ]
    lost, dealt_with = [], []
    for column in orphans:
        base, _, ending = column.rpartition("__")
        hint = ""
        if base not in signals():
            hint = nearest(base, list(signals()))
        elif f"__{ending}" not in ENDINGS:
            hint = nearest(column, [base + one for one in ENDINGS])
        if hint or column.endswith(ENDINGS):
            dealt_with.append(column)
            lost.append(f"{column} ({hint.removeprefix(': ')})" if hint else column)
    if lost:
        table.problems.add(f"policies: {', '.join(lost)} without a column of the signal: mend the name, or drop them")
    return tuple(dealt_with)


def encode_signal(table: Table, about: Signal, start: Days | None) -> tuple[Codes, NDArray[np.float32]]:
    """Codes and weights of one signal; the code of nothing said where the column is missing or wrong."""
    n = len(table)
    if about.name not in table:
        return np.full(n, about.unanswered, dtype=np.uint8), np.ones(n, dtype=np.float32)
    if about.levels:
        code, seen, exempt = _of_levels(table, about)
    else:
        code, seen, exempt = _of_numbers(table, about)
    code = np.where(seen, np.where(exempt, 0, code), about.unanswered)
    return code.astype(np.uint8), _weights(table, about, code, seen, exempt=exempt, start=start)


def _of_levels(table: Table, about: Signal) -> tuple[NDArray[np.int64], Mask, Mask]:
    index, values = table.labels(about.name)
    place = pd.Index(about.levels).get_indexer(pd.Index(values, dtype=object))
    exempts = np.array([about.may_not_apply and value == NOT_APPLICABLE for value in values], dtype=bool)
    seen = index >= 0
    level, exempt = np.append(place, -1)[index], np.append(exempts, False)[index]
    bad = seen & (level < 0) & ~exempt
    table.wrong_words(about.name, bad, about.levels, rule=", ".join(about.levels))
    return np.array(about.code_of_cell)[np.maximum(level, 0)], seen & ~bad, exempt


def _of_numbers(table: Table, about: Signal) -> tuple[NDArray[np.int64], Mask, Mask]:
    """Codes by value; `never` of an age is the longest, `not_applicable` is kept apart."""
    series = table.series(about.name)
    exempt = never = np.zeros(len(table), dtype=bool)
    if series.dtype.kind not in "biuf":
        if about.kind == "age":
            never = (series == NEVER).to_numpy(dtype=bool, na_value=False)
        if about.may_not_apply:
            exempt = (series == NOT_APPLICABLE).to_numpy(dtype=bool, na_value=False)
    words = never | exempt
    share, flag = about.kind == "share", about.kind == "flag"
    values = table.numbers_or_nan(about.name, words, high=about.high, percent=share, flag=flag)
    seen = ~np.isnan(values) | words
    outside = seen & ~words & ~((values >= about.low) & (values <= about.high))
    first = float(values[int(np.argmax(outside))])
    table.wrong(about.name, outside, about.range_text(), _unit_hint(about, first))
    whole = about.kind in {"flag", "count", "level"}
    broken = seen & ~outside & (np.nan_to_num(values) % 1 != 0) if whole else np.zeros(len(table), dtype=bool)
    table.wrong(about.name, broken, f"a whole number ({about.unit})")
    cell = np.searchsorted(about.breakpoints, np.where(never, np.inf, np.nan_to_num(values)), side="right")
    return np.array(about.code_of_cell)[cell], seen & ~outside & ~broken, exempt


def _unit_hint(about: Signal, value: float) -> str:
    if about.kind == "share" and 1 < value <= 100:
        return f": a share is wanted, not a percentage; did you mean {value / 100:g}?"
    if about.kind == "age" and value > about.high:
        return f": give {about.high:g} for anything longer"
    return ""


def _weights(
    table: Table, about: Signal, code: NDArray[np.int64], seen: Mask, *, exempt: Mask, start: Days | None
) -> NDArray[np.float32]:
    """Weigh a column as `Prepared.weight_at` weighs an observation.

    Without source and age columns an observation is certain.
    """
    source = f"{about.name}__source"
    days = _ages(table, about, seen, start)
    if source not in table:
        dated = [about.name + ending for ending in ENDINGS[1:] if about.name + ending in table]
        if dated:
            table.problems.note(f"policies: {', '.join(dated)} not used: without {source} a value counts as certain")
        return np.ones(len(code), dtype=np.float32)
    index, values = table.labels(source)
    place = pd.Index(list(SOURCES)).get_indexer(pd.Index(values, dtype=object))
    place = np.append(place, -1)[index]
    wrong = seen & (place < 0)
    table.wrong_words(source, wrong, tuple(SOURCES))
    favourable = np.array([s.favourable for s in SOURCES.values()])[place]
    adverse = np.array([s.adverse for s in SOURCES.values()])[place]
    favourable = np.where(exempt & (place == list(SOURCES).index("attestation")), 0.0, favourable)
    faded = favourable * 2.0 ** (-days / about.half_life_days)
    weight = np.where((code > about.unknown) & (not about.is_context), adverse, faded)
    return np.where(seen, weight, 1.0).astype(np.float32)


def _ages(table: Table, about: Signal, seen: Mask, start: Days | None) -> Floats:
    """Age of a signal's evidence at the start of the term, in days; zero where it does not fade."""
    age, observed = (about.name + ending for ending in ENDINGS[1:])
    days = np.zeros(len(table))
    if age in table and observed in table:
        table.problems.add(f"policies: both {age} and {observed} are given: drop one")
    elif age in table:
        told = table.numbers_or_nan(age)
        _note_undated(table, age, seen & np.isnan(told))
        days = np.where(seen, np.nan_to_num(told), 0.0)
        table.wrong(age, days < 0, "at least 0", ": learned after the start of the term, it must not rate it")
    elif observed in table:
        if start is None:
            table.problems.add(f"policies: {observed} needs start and end: give them, or {age}")
            return days
        moment = table.days(observed, required=False)
        _note_undated(table, observed, seen & (moment == MISSING))
        given = seen & (moment != MISSING)
        late = given & (moment > start)
        table.wrong(
            observed,
            late,
            "no later than start",
            ": what was learned after inception, perhaps from a claim, must not rate the term; split it there, or "
            "leave the value empty",
        )
        days = np.where(given, start - np.where(given, moment, 0), 0).astype(float)
    return np.zeros(len(table)) if about.is_context or about.kind == "age" else np.maximum(days, 0.0)


def _note_undated(table: Table, column: str, undated: Mask) -> None:
    if undated.any():
        table.problems.note(f"policies: {column} is empty beside {int(undated.sum()):,} values: they count as fresh")
