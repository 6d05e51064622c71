"""What if: the same firm with some things changed, quoted before and after, and what differs. Callers are apps.

Changes are added evidence, or other facts of the insured and the cover; nothing is estimated: both quotes are quotes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any, TypeAlias

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Insured, Observation, Profile, signals
from cyberscore.profile.evidence import SOURCES
from cyberscore.profile.moments import end_of, quarters_west
from cyberscore.profile.problems import nearest, short
from cyberscore.profile.profile import validated
from cyberscore.quoting.differences import Difference, differences
from cyberscore.quoting.engine import quote
from cyberscore.quoting.quote import Quote, Subjectivity
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.plan import RatingPlan

Change: TypeAlias = Observation | Mapping[str, Any]
"""An observation (or its plain JSON types), or names of signals, insured fields and coverage fields with values."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A quote before and after changes, and what differs.

    Attributes
    ----------
    profile, coverage : Profile and Coverage
        After the changes: `quote` of them is `after`.
    before, after : Quote
    """

    profile: Profile
    coverage: Coverage
    before: Quote
    after: Quote

    @property
    def score_change(self) -> float:
        """Points of risk score, unclipped; below zero is safer."""
        return self.after.unclipped_score - self.before.unclipped_score

    @property
    def premium_change(self) -> float | None:
        """Indicative premium after less before; None when they are in different currencies."""
        if self.after.currency != self.before.currency:
            return None
        return round(self.after.indicative_premium - self.before.indicative_premium, 3)

    @property
    def subjectivities_added(self) -> tuple[Subjectivity, ...]:
        """Conditions that only the quote after the changes has."""
        return tuple(one for one in self.after.subjectivities if one not in self.before.subjectivities)

    @property
    def subjectivities_met(self) -> tuple[Subjectivity, ...]:
        """Conditions that only the quote before the changes has."""
        return tuple(one for one in self.before.subjectivities if one not in self.after.subjectivities)

    @property
    def ledger_changes(self) -> tuple[Difference, ...]:
        """Lines of the premium ledger that differ: each operand and its table row, not the running amounts."""
        first, second = (_operands(one.ledger.to_dict()) for one in (self.before, self.after))
        return tuple(differences(first, second))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        met, added = (
            [{name: getattr(one, name) for name in one.__slots__} for one in found]
            for found in (self.subjectivities_met, self.subjectivities_added)
        )
        return {
            "risk_score": _pair(self.before.risk_score, self.after.risk_score),
            "band": _pair(self.before.band, self.after.band),
            "indicative_premium": _pair(self.before.indicative_premium, self.after.indicative_premium),
            "decision": _pair(self.before.decision, self.after.decision),
            "score_change": self.score_change,
            "premium_change": self.premium_change,
            "subjectivities_met": met,
            "subjectivities_added": added,
            "ledger_changes": [one.to_dict() for one in self.ledger_changes],
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }


def what_if(
    profile: Profile,
    changes: Change | Sequence[Change],
    coverage: Coverage | None = None,
    *,
    as_of: date,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
) -> WhatIf:
    """Quote a profile as it is and with changes.

    Parameters
    ----------
    profile : Profile
    changes : Observation, mapping, or sequence of them
        Made in their order. An observation (or its plain JSON types, with `signal`) is added to the evidence. A mapping
        gives signals, insured fields or coverage fields new values: ``{"mfa_email_coverage": 1.0, "retention":
        25_000}``. A signal's value is added as seen at the end of `as_of` by its best source: it replaces what a less
        reliable or older source said against it, as evidence does, and leaves better evidence standing. None takes all
        evidence of a signal away, so that it is unknown. `currency` is the insured's, and a cover follows it unless it
        names USD.
    coverage, as_of, plan, exchange_rate, exchange_rate_is_meant
        As `quote`.

    Raises
    ------
    ProfileError, CoverageError, PlanError
        As `quote`; and when a change names nothing that there is.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> clinic = cyberscore.example("dental_clinic")
    >>> found = cyberscore.what_if(clinic, {"payment_verification": "none"}, as_of=date(2026, 11, 23))
    >>> found.after.indicative_premium > found.before.indicative_premium
    True
    """
    shared: dict[str, Any] = {
        "as_of": as_of,
        "plan": plan,
        "exchange_rate": exchange_rate,
        "exchange_rate_is_meant": exchange_rate_is_meant,
    }
    before = quote(profile, coverage, **shared)
    requested = cover_asked(coverage, profile.insured.currency)
    changed, cover = changed_by(profile, requested, changes, as_of=as_of)
    after = quote(changed, cover, **shared)
    return WhatIf(changed, cover, before, after)


def changed_by(
    profile: Profile, coverage: Coverage, changes: Change | Sequence[Change], *, as_of: date
) -> tuple[Profile, Coverage]:
    """Return profile and coverage after changes, as `what_if` reads them."""
    listed = [changes] if isinstance(changes, Observation | Mapping) else changes
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        raise ProfileError(f"changes must be observations, or names with values; got {short(changes)}")
    draft = _Draft(profile, coverage, as_of)
    for change in listed:
        if isinstance(change, Observation):
            draft.observe(change)
        elif not isinstance(change, Mapping):
            raise ProfileError(f"a change must be an observation, or names with values; got {short(change)}")
        elif "signal" in change:
            draft.observe(validated(Observation, dict(change), "changes"))
        else:
            draft.set_values(change)
    return draft.profile(), draft.coverage


def seen_by_best_source(name: str, value: Any, as_of: date, latest: float | None = None) -> Observation:
    """Observation of a value at the end of a date, after the latest moment known of it, from its best source."""
    source = max(signals()[name].sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))
    moment = end_of(as_of, quarters_west(as_of, () if latest is None else (latest,)))
    content = {"signal": name, "value": value, "observed_at": moment, "source": source}
    return validated(Observation, content, f"changes: {name}")


class _Draft:
    """A profile and a cover while changes are made: one pass over the evidence, however many changes there are."""

    def __init__(self, profile: Profile, coverage: Coverage, as_of: date) -> None:
        self.before, self.insured, self.coverage, self.as_of = profile, profile.insured, coverage, as_of
        self.places = count()
        self.kept: dict[str, list[tuple[int, Observation]]] = {}
        """Evidence by signal, each observation with its place among all."""
        self.latest: dict[str, float] = {}
        """Moment of the newest evidence by signal, up to the date."""
        self.known = set(profile.observations)
        self.without: set[str] = set()
        """Signals whose evidence was taken away: disputes of it go too."""
        for one in profile.observations:
            self._add(one)

    def _add(self, observation: Observation) -> None:
        self.kept.setdefault(observation.signal, []).append((next(self.places), observation))
        prepared = observation.prepared
        if prepared.day <= self.as_of.toordinal():
            self.latest[observation.signal] = max(prepared.moment, self.latest.get(observation.signal, -math.inf))

    def observe(self, observation: Observation) -> None:
        """Add an observation, unless it is there."""
        if observation not in self.known:
            self.known.add(observation)
            self._add(observation)

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Give signals, fields of the insured and of the cover new values."""
        of_insured: dict[str, Any] = {}
        of_cover: dict[str, Any] = {}
        for name, value in values.items():
            if name in signals():
                if value is None:
                    self.known.difference_update(one for _, one in self.kept.pop(name, ()))
                    self.latest.pop(name, None)
                    self.without.add(name)
                else:
                    self.observe(seen_by_best_source(name, value, self.as_of, self.latest.get(name)))
            elif name in Insured.model_fields:
                of_insured[name] = value
                if name == "currency" and (self.coverage.currency != "USD" or not self.coverage.names_currency):
                    # a cover in the insured's own currency follows it, and the usual one becomes the usual one there
                    if self.coverage == Coverage.usual(self.coverage.currency) and isinstance(value, str):
                        self.coverage = Coverage.usual(value)
                    else:
                        of_cover[name] = value
            elif name in Coverage.model_fields:
                of_cover[name] = value
            else:
                raise ProfileError(f"changes: there is no {short(name)} to change{_nearest(name)}")
        if of_insured:
            insured = {**self.insured.model_dump(mode="json"), **of_insured}
            self.insured = validated(Profile, {"insured": insured}, "changes").insured
        if of_cover:
            self.coverage = Coverage.from_dict({**self.coverage.model_dump(exclude_unset=True), **of_cover})

    def profile(self) -> Profile:
        """Return the profile with all changes made."""
        in_order = sorted((item for kept in self.kept.values() for item in kept), key=lambda item: item[0])
        old, observations = self.before, tuple(one for _, one in in_order)
        disputes = old.disputes
        if disputes and self.without:
            gone = {one.digest for one in old.observations if one.signal in self.without}
            disputes = tuple(one for one in disputes if one.observation not in gone)
        content = {"insured": self.insured, "observations": observations, "sources": old.sources, "disputes": disputes}
        return validated(type(old), content, "changes")


def _nearest(name: str) -> str:
    known = [*signals(), *Insured.model_fields, *Coverage.model_fields]
    return nearest(name, known) or ": give a signal, or a field of the insured or the coverage"


def _operands(ledger: dict[str, Any]) -> dict[str, Any]:
    def line(step: dict[str, Any]) -> dict[str, Any]:
        return {name: step[name] for name in ("label", "operation", "value", "source")}

    return {
        "perils": {peril: [line(step) for step in steps] for peril, steps in ledger["perils"].items()},
        "premium": [line(step) for step in ledger["premium"]],
    }


def _pair(before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after}
