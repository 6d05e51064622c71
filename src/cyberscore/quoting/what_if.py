"""What if: the same firm with some things changed, quoted before and after, and what differs. Callers are apps.

Changes are added evidence, or other facts of the insured and the cover; nothing is estimated: both quotes are quotes.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Insured, Observation, Profile, signals
from cyberscore.profile.evidence import SOURCES
from cyberscore.profile.moments import end_of, quarters_west
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
        raise ProfileError(f"changes must be observations, or names with values; got {changes!r}")
    for change in listed:
        if isinstance(change, Observation):
            profile = profile.with_observations(change)
        elif not isinstance(change, Mapping):
            raise ProfileError(f"a change must be an observation, or names with values; got {change!r}")
        elif "signal" in change:
            profile = profile.with_observations(validated(Observation, dict(change), "changes"))
        else:
            profile, coverage = _with_values(profile, coverage, change, as_of)
    return profile, coverage


def seen_by_best_source(name: str, value: Any, as_of: date, profile: Profile) -> Observation:
    """Observation of a value at the end of a date, after all that a profile has of that day, from its best source."""
    source = max(signals()[name].sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))
    day = as_of.toordinal()
    seen = (one.prepared.moment for one in profile.observations if one.signal == name and one.prepared.day <= day)
    moment = end_of(as_of, quarters_west(as_of, seen))
    content = {"signal": name, "value": value, "observed_at": moment, "source": source}
    return validated(Observation, content, f"changes: {name}")


def _with_values(
    profile: Profile, coverage: Coverage, values: Mapping[str, Any], as_of: date
) -> tuple[Profile, Coverage]:
    of_insured: dict[str, Any] = {}
    of_cover: dict[str, Any] = {}
    for name, value in values.items():
        if name in signals():
            if value is None:
                profile = profile.without(lambda one, name=name: one.signal == name)  # type: ignore[misc]
            else:
                profile = profile.with_observations(seen_by_best_source(name, value, as_of, profile))
        elif name in Insured.model_fields:
            of_insured[name] = value
            if name == "currency" and (coverage.currency != "USD" or not coverage.names_currency):
                # a cover in the insured's own currency follows it, and the usual one becomes the usual one there
                if coverage == Coverage.usual(coverage.currency) and isinstance(value, str):
                    coverage = Coverage.usual(value)
                else:
                    of_cover[name] = value
        elif name in Coverage.model_fields:
            of_cover[name] = value
        else:
            raise ProfileError(f"changes: there is no {name!r} to change{_nearest(name)}")
    if of_insured:
        data = {**profile.to_dict(), "insured": {**profile.insured.model_dump(mode="json"), **of_insured}}
        profile = validated(Profile, data, "changes")
    if of_cover:
        coverage = Coverage.from_dict({**coverage.model_dump(exclude_unset=True), **of_cover})
    return profile, coverage


def _nearest(name: str) -> str:
    known = [*signals(), *Insured.model_fields, *Coverage.model_fields]
    close = difflib.get_close_matches(str(name), known, n=1)
    return f": did you mean {close[0]!r}?" if close else ": give a signal, or a field of the insured or the coverage"


def _operands(ledger: dict[str, Any]) -> dict[str, Any]:
    def line(step: dict[str, Any]) -> dict[str, Any]:
        return {name: step[name] for name in ("label", "operation", "value", "source")}

    return {
        "perils": {peril: [line(step) for step in steps] for peril, steps in ledger["perils"].items()},
        "premium": [line(step) for step in ledger["premium"]],
    }


def _pair(before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after}
