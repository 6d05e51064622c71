"""Observations, and how those of one signal combine at a date: callers are the posture and the market simulator.

An observation is favourable when its code lies below unknown, adverse when above. One is *superseded* by a newer one
of the other kind from a source at least as reliable; a favourable one supersedes only what was found in a scope not
much larger than its own (`CLEARING_SHARE`). If an adverse one stands, the adverse ones count, else the favourable.
Those that count support "at least this good" (or bad) with their weight; the support of a code is the strongest support
for it or anything beyond it. This envelope equals the blend `w T[x] + (1 - w) T[unknown]` when one observation counts,
does not depend on context, and never gets riskier when one favourable observation gets better, fresher, better sourced
or wider in scope.

How several tools on one signal combine; a test holds each row, whatever the order in which they come:

============================================== =================================================================
evidence that is live at the date              what counts
============================================== =================================================================
one observation                                its value, with its weight; the rest of the weight is unknown
favourable ones only                           every one: the weight of a cell or better is the largest that any
                                               gives to it
adverse ones only                              likewise from the riskiest cell on; the rest is *unanswered*
adverse, then favourable, as well sourced and  the favourable ones: it was mended
of a scope as wide
adverse, then favourable, worse sourced or     the adverse ones: a word does not clear a measurement, nor a look
much narrower                                  at 3 hosts what a look at 200 found
favourable, then adverse, as well sourced      the adverse ones
favourable, then adverse, worse sourced        the adverse ones: an answer against one's own interest is believed
the same moment, both kinds                    the adverse ones
exposures and categories                       the newest; of the same moment the best sourced, then the riskiest
============================================== =================================================================

Why nothing stricter limits an attestation that a measurement contradicts. Write a mixture as its weight `G(k)` on codes
up to k, the safest first. One mixture is no riskier than another under *every* ordered table, alone or within pairs,
only if its `G` is nowhere lower (a table that steps at k is an ordered table). One favourable observation alone gives
`G_i(k) = w_i` from its code on. That adding favourable evidence never raises the score therefore demands `G >= G_i` for
each i; the envelope is `G = max G_i`, the riskiest mixture that this allows. Attested 1.00 (weight .5) and measured
.62 (.97): the attestation keeps .5 on its own cell, but what it earns shrinks from `.5 (T[unknown] - T[1.00])` to
`.5 (T[.62] - T[1.00])`. To cap it at .62 would make G(1.00) zero: a firm that adds the measurement would pay more
wherever `.5 T[1.00] + .5 T[unknown] < .97 T[.62] + .03 T[unknown]`. If the measurement is adverse, the attestation
counts for nothing. `contradictions` shows each case, with what the better claim still earns.

Scope: what was not looked at is unknown, so a favourable observation weighs its share of the scope; a finding is a
finding, however little was looked at, so an adverse one weighs in full.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cyberscore.exceptions import ProfileError
from cyberscore.profile.moments import Day, Moment, moment_told
from cyberscore.profile.problems import Input
from cyberscore.profile.signals import NEVER, NOT_APPLICABLE, Signal, Value, signal, signals

SourceName = Literal["telemetry", "scan", "audit", "document", "attestation"]


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of evidence: its rank decides what replaces what, its reliabilities what an observation weighs."""

    name: str
    rank: int
    favourable: float
    adverse: float
    basis: str


# An answer against one's own interest is believed: "no" weighs .95 whoever says it (controls.md, section 3).
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("telemetry", 4, 0.97, 0.97, "C225"),
        Source("scan", 3, 0.90, 0.90, "C273 C278"),
        Source("audit", 3, 0.90, 0.95, "C282 C261-C263 C265"),
        Source("document", 2, 0.75, 0.95, "judgement"),
        Source("attestation", 1, 0.50, 0.95, "C251-C257"),
    )
}
MAX_RANK = max(source.rank for source in SOURCES.values())
CLEARING_SHARE = 0.8
"""A favourable observation clears a finding only if it saw this much of the scope the finding came from, or more: 3 of
200 hosts do not clear what a look at all of them found; a few hosts that were off this week do not matter (judgement).
"""
RULES_IGNORE_BELOW = 0.25
"""A favourable observation that weighs less than this is unknown to underwriting rules (judgement)."""


class Observation(Input):
    """One dated fact about a firm's security.

    Parameters
    ----------
    signal : str
        A name from the catalogue (`cyberscore signals`).
    value : float, int, bool or str
        In the signal's unit; ``"not_applicable"`` where the catalogue allows it, ``"never"`` for an age.
        An age may be left out when `occurred_at` says when the event was.
    observed_at : datetime or date
        When it was seen, ISO 8601; a bare date is midnight UTC. Its day is that of the zone it is told in.
    source : {"telemetry", "scan", "audit", "document", "attestation"}
        Who says so; the catalogue lists the sources each signal allows.
    occurred_at : date, optional
        When the event was (ages, and counts over a window).
    connection : str, optional
        Name of the connection in `Profile.sources` that delivered it.
    reference : str, optional
        Where to find the evidence: a file, a report, a ticket.
    scope_share : float, optional
        Share of what the signal speaks of that was looked at, above 0 and at most 1: 3 of 200 hosts is 0.015. Left out,
        all of it. A favourable observation weighs so much less; an adverse one, an exposure or a category does not.
    """

    signal: Annotated[str, Field(json_schema_extra=lambda schema: schema.update(enum=list(signals())))]
    value: Annotated[
        Any, Field(json_schema_extra={"anyOf": [{"type": t} for t in ("number", "boolean", "string")]})
    ] = None
    observed_at: Moment
    source: SourceName
    occurred_at: Day | None = None
    connection: str | None = Field(default=None, min_length=1, max_length=200)
    reference: str | None = Field(default=None, max_length=2000)
    scope_share: float | None = Field(default=None, gt=0.0, le=1.0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _canonical_value(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("signal"), str):
            return data
        about = signal(data["signal"])
        if data.get("value") is not None:
            return {**data, "value": about.check(data["value"])}
        if about.kind == "age" and data.get("occurred_at") is not None:
            return data
        raise ProfileError(f"{about.name} needs a value ({about.unit}); leave the observation out if it is unknown")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        about = signal(self.signal)
        if self.source not in about.sources:
            raise ProfileError(
                f"{self.signal} cannot come from {self.source!r}: allowed are {', '.join(about.sources)}"
            )
        if self.occurred_at is not None:
            if about.kind != "age" and about.window_days is None:
                raise ProfileError(
                    f"{self.signal} has no occurred_at: only ages and counts over a window do; use observed_at"
                )
            if self.occurred_at > self.observed_at.date():
                raise ProfileError(
                    f"occurred_at {self.occurred_at} is after observed_at {self.observed_at.date()}: check both dates"
                )
            self._check_event(about, self.occurred_at)
        return self

    def _check_event(self, about: Signal, occurred_at: date) -> None:
        """Refuse an event that contradicts the value."""
        days = (self.observed_at.date() - occurred_at).days
        if about.kind == "age" and self.value is not None:
            told = self.value
            if not isinstance(told, int | float) or abs(told - min(days, about.high)) > 1:
                raise ProfileError(
                    f"{self.signal} value {told!r} contradicts occurred_at {occurred_at}, {days} days before: "
                    "give one of them"
                )
        if about.window_days is not None and self.value and days > about.window_days:
            raise ProfileError(
                f"{self.signal} counts {about.window_days} days, but occurred_at {occurred_at} is {days} days before "
                "observed_at: give the date of the latest event, or the count without it"
            )

    @cached_property
    def prepared(self) -> "Prepared":
        """What the posture needs of this observation, worked out once."""
        about, source = signal(self.signal), SOURCES[self.source]
        day, value = self.observed_at.toordinal(), self.value
        event = self.occurred_at.toordinal() if self.occurred_at else None
        if about.kind == "age" and event is None and isinstance(value, int | float):
            event = day - round(value)
        if about.window_days is not None and event is None:
            event = day
        verified = self.source != "attestation"
        scope = 1.0 if self.scope_share is None else self.scope_share
        return Prepared(
            observation=self,
            moment=self.observed_at.timestamp(),
            day=day,
            event=event if about.kind == "age" or about.window_days is not None else None,
            rank=source.rank,
            favourable=(source.favourable if value != NOT_APPLICABLE or verified else 0.0)
            * (1.0 if about.is_context else scope),
            adverse=source.adverse,
            scope=scope,
            code=-1 if about.kind == "age" else about.code(value),
        )

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that name this observation; the same for equal ones."""
        value = float(self.value) if isinstance(self.value, int | float) else self.value
        moment, event = moment_told(self.observed_at), self.occurred_at.isoformat() if self.occurred_at else None
        rest = (self.connection, self.reference, self.scope_share)
        text = json.dumps([self.signal, value, moment, self.source, event, *rest], ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def __copy__(self) -> Self:
        copied = super().__copy__()
        for name in ("prepared", "digest"):
            copied.__dict__.pop(name, None)  # a copy may be given another value
        return copied

    def __hash__(self) -> int:
        return hash(self._fields)

    def __eq__(self, other: object) -> bool:
        # by fields alone: `prepared` refers back to the observation
        return self._fields == other._fields if isinstance(other, Observation) else NotImplemented

    @property
    def _fields(self) -> tuple[object, ...]:
        return (
            self.signal,
            self.value,
            self.observed_at,
            self.observed_at.date(),
            self.source,
            self.occurred_at,
            self.connection,
            self.reference,
            self.scope_share,
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """An observation in numbers: days are proleptic ordinals, `code` is -1 for ages, whose code moves with the date."""

    observation: Observation
    moment: float
    day: int
    event: int | None
    rank: int
    favourable: float
    adverse: float
    scope: float
    code: int

    def value_at(self, about: Signal, day: int) -> Value:
        """Return the value at a date: an age grows."""
        if about.kind != "age" or self.observation.value == NOT_APPLICABLE:
            value: Value = self.observation.value
            return value
        if self.observation.value == NEVER or self.event is None:
            return about.high if about.high < 1e9 else about.breakpoints[-1]
        return min(float(day - self.event), about.high)

    def code_at(self, about: Signal, day: int) -> int:
        """Code of the value at a date."""
        return self.code if self.code >= 0 else about.code(self.value_at(about, day))

    def weight_at(self, about: Signal, code: int, day: int) -> float:
        """Weight in 0..1: a favourable observation fades by half each half-life, an adverse one does not."""
        if about.is_context:
            return self.favourable
        if code > about.unknown:
            return self.adverse
        age = 0 if about.kind == "age" else day - self.day
        return self.favourable * 2.0 ** (-age / about.half_life_days) if age > 0 else self.favourable

    def lapsed(self, about: Signal, code: int, day: int) -> bool:
        """Whether it says nothing any more: its events left the window, or a certificate expired."""
        if about.window_days is not None and code > about.unknown and self.event is not None:
            return day - self.event > about.window_days
        return about.expires_days is not None and code < about.unknown and day - self.day > about.expires_days


Mixture = tuple[tuple[int, float], ...]
"""Codes with their weights, which sum to one."""


def mixture_at(about: Signal, prepared: Sequence[Prepared], day: int) -> Mixture:
    """Weights of a signal's codes at a date.

    Parameters
    ----------
    about : Signal
    prepared : sequence of Prepared
        All observations of that signal, none after `day`.
    day : int
        Proleptic ordinal of the date.

    Returns
    -------
    tuple of (code, weight)
        The rest of the weight lies on *unknown*; of adverse evidence, or with no observation at all, on *unanswered*
        (which only required signals tell from unknown).
    """
    if not prepared:
        return ((about.unanswered, 1.0),)
    if len(prepared) == 1:
        one = prepared[0]
        code = one.code if one.code >= 0 else one.code_at(about, day)
        if one.lapsed(about, code, day):
            return ((about.unknown, 1.0),)
        weight = one.weight_at(about, code, day)
        return ((code, weight), (about.rest_of(code), 1.0 - weight))
    counted = counting(about, prepared, day)
    if not counted:
        return ((about.unknown, 1.0),)
    adverse = counted[0][0] > about.unknown
    support: dict[int, float] = {}
    for code, weight, _ in counted:
        support[code] = max(weight, support.get(code, 0.0))
    mixture, reached = [], 0.0
    for code in sorted(support, reverse=adverse):
        if support[code] > reached:
            mixture.append((code, support[code] - reached))
            reached = support[code]
    return (*mixture, (about.rest_of(counted[0][0]), 1.0 - reached))


def counting(about: Signal, prepared: Sequence[Prepared], day: int) -> list[tuple[int, float, Prepared]]:
    """Observations that count at a date, with code and weight: all adverse, or all favourable."""
    live = []
    for one in prepared:
        code = one.code if one.code >= 0 else one.code_at(about, day)
        if not one.lapsed(about, code, day):
            live.append((code, one.weight_at(about, code, day), one))
    if len(live) < 2:
        return live
    if about.is_context:
        return [max(live, key=_newest)]
    # one of a kind stands unless the other kind was seen later by a source at least as reliable
    favourable = [item for item in live if item[0] <= about.unknown]
    adverse = [item for item in live if item[0] > about.unknown]
    if not favourable or not adverse:
        return favourable or adverse
    standing = not_cleared(adverse, favourable)
    if standing:
        return standing
    found = _LatestByRank()
    for item in adverse:
        found.add(item[2])
    return [item for item in favourable if found.moments[item[2].rank] <= item[2].moment]


def _newest(item: tuple[int, float, Prepared]) -> tuple[float, int, int, float]:
    value = item[2].observation.value
    return (item[2].moment, item[2].rank, item[0], value if isinstance(value, int | float) else 0.0)


def rule_value(about: Signal, prepared: Sequence[Prepared], day: int) -> Value | None:
    """Return the value of a signal that underwriting rules read at a date, None when unknown.

    The riskiest of the adverse observations that stand, else the safest favourable one that still weighs enough.
    """
    counted = counting(about, prepared, day) if prepared else []
    if not counted:
        return None
    if about.is_context:
        return counted[0][2].value_at(about, day)
    adverse = counted[0][0] > about.unknown
    values = [
        (code, value_for_rules(about, one, day))
        for code, weight, one in counted
        if adverse or weight >= RULES_IGNORE_BELOW
    ]
    if not values:
        return None
    pick = max if adverse else min
    return pick(values, key=lambda item: (item[0], riskiness(about, item[1])))[1]


def value_for_rules(about: Signal, one: Prepared, day: int) -> Value:
    """Value at a date as rules compare it: what never was is older than anything."""
    return math.inf if one.observation.value == NEVER else one.value_at(about, day)


def riskiness(about: Signal, value: Value) -> float:
    """Place of a value: the higher, the riskier; not applicable comes after what was seen."""
    if isinstance(value, str):
        return float(about.levels.index(value) if value in about.levels else len(about.levels) + 1)
    return -value if about.safer == "higher" else value


class _LatestByRank:
    """Moment of the latest observation from a source of at least each rank."""

    def __init__(self) -> None:
        self.moments = [-math.inf] * (MAX_RANK + 1)

    def add(self, one: Prepared) -> None:
        """Take one observation in."""
        for rank in range(one.rank + 1):
            self.moments[rank] = max(self.moments[rank], one.moment)


def not_cleared(
    adverse: list[tuple[int, float, Prepared]], favourable: list[tuple[int, float, Prepared]]
) -> list[tuple[int, float, Prepared]]:
    """Adverse observations that no favourable one supersedes: none later, as well sourced and of a scope as wide."""
    widest_first = sorted((item[2] for item in favourable), key=lambda one: -one.scope)
    seen, taken, standing = _LatestByRank(), 0, []
    for item in sorted(adverse, key=lambda item: -item[2].scope):
        while taken < len(widest_first) and widest_first[taken].scope >= CLEARING_SHARE * item[2].scope:
            seen.add(widest_first[taken])
            taken += 1
        if seen.moments[item[2].rank] <= item[2].moment:
            standing.append(item)
    return standing
