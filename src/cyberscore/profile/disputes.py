"""Disputes: the insured's word against a finding, on record beside it. Callers are the profile and the engine.

A dispute changes no price by itself: the finding stands. A quote shows beside it what would follow if the disputes were
upheld. What an upheld dispute leaves is *unknown*, not *clean*; the same thing found again is a new observation, which
this dispute does not touch.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field

from cyberscore.exceptions import ProfileError
from cyberscore.profile.evidence import Observation
from cyberscore.profile.moments import Day
from cyberscore.profile.problems import Input
from cyberscore.profile.signals import signal

DisputeKind = Literal["not_ours", "false_positive", "compensating_control", "fixed", "accepted_risk"]


class Dispute(Input):
    """One finding disputed.

    Parameters
    ----------
    observation : str
        Which: its `Observation.digest`.
    kind : {"not_ours", "false_positive", "compensating_control", "fixed", "accepted_risk"}
        Why. A risk that is accepted is still a risk: `accepted_risk` is on record and never changes a price.
    note : str
        In the insured's words.
    at : date
        When; before that date the dispute does not exist.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    observation: str = Field(pattern="^[0-9a-f]{32}$")
    kind: DisputeKind
    note: str = Field(min_length=1, max_length=2000)
    at: Day

    @property
    def changes_price(self) -> bool:
        """Whether upholding it could change a price."""
        return self.kind != "accepted_risk"


def check_disputes(disputes: Iterable[Dispute], observations: Collection[Observation]) -> None:
    """Refuse disputes of what is not there or speaks for the insured.

    Raises
    ------
    ProfileError
        Naming the dispute.
    """
    known = {one.digest: one for one in observations}
    for index, dispute in enumerate(disputes):
        place = f"disputes[{index}]"
        one = known.get(dispute.observation)
        if one is None:
            raise ProfileError(
                f"{place}.observation {dispute.observation!r} is none of the profile's: give the digest of one of them"
            )
        about = signal(one.signal)
        if dispute.at < one.observed_at.date():
            raise ProfileError(
                f"{place}.at {dispute.at} is before {one.signal} was observed, {one.observed_at.date()}: check the date"
            )
        if about.is_context:
            raise ProfileError(
                f"{place}: {one.signal} is an exposure or a category, not a finding: add a corrected observation"
            )
        if one.prepared.code_at(about, dispute.at.toordinal()) < about.unknown:
            raise ProfileError(
                f"{place}: {one.signal} = {one.value!r} speaks for the insured: only a finding can be disputed"
            )


def disputed_at(disputes: Iterable[Dispute], as_of: date) -> frozenset[str]:
    """Digests of observations that would fall if all disputes on record at a date were upheld."""
    return frozenset(one.observation for one in disputes if one.at <= as_of and one.changes_price)


def denied_at(disputes: Iterable[Dispute], as_of: date) -> frozenset[str]:
    """Digests of findings that the insured says are false, not its own, or mended, by disputes on record at a date."""
    return frozenset(
        one.observation for one in disputes if one.at <= as_of and one.kind in {"false_positive", "not_ours", "fixed"}
    )


def described(dispute: Dispute, observation: Observation) -> dict[str, Any]:
    """Dispute and what it is about, in plain JSON types."""
    return {
        "kind": dispute.kind,
        "note": dispute.note,
        "at": dispute.at.isoformat(),
        "observation": observation.model_dump(mode="json", exclude_defaults=True),
        "digest": dispute.observation,
    }
