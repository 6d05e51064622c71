"""A profile as it was known on a day, and the mixtures of its signals from chosen evidence: callers are timelines."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from cyberscore.profile.evidence import Mixture, Observation, mixture_at
from cyberscore.profile.profile import Profile
from cyberscore.profile.signals import Signal


def known_at(profile: Profile, day: date) -> Profile:
    """Return the profile without what was observed, disputed or signed after a day.

    Connections are listed as they are: `posture_at` heeds the dates of their withdrawal.
    """
    if profile.newest > day.toordinal():
        profile = profile.without(lambda one: one.observed_at.date() > day)
    changes: dict[str, Any] = {}
    if any(one.at > day for one in profile.disputes):
        changes["disputes"] = tuple(one for one in profile.disputes if one.at <= day)
    signed = profile.insured.application_signed_at
    if signed is not None and signed > day:
        changes["insured"] = profile.insured.model_copy(update={"application_signed_at": None})
    return profile.model_copy(update=changes) if changes else profile


def withdrawn_by(profile: Profile, day: date) -> frozenset[str]:
    """Names of the connections withdrawn on or before a day."""
    return frozenset(one.name for one in profile.sources if one.withdrawn_at is not None and one.withdrawn_at <= day)


def mixture_of(about: Signal, observations: Iterable[Observation], withdrawn: Collection[str], day: date) -> Mixture:
    """Mixture of one signal from some observations of it, as `posture_at` would weigh them."""
    ordinal = day.toordinal()
    counted = [
        one.prepared
        for one in observations
        if one.prepared.favourable > 0.0
        and (
            about.is_context or one.connection not in withdrawn or one.prepared.code_at(about, ordinal) > about.unknown
        )
    ]
    return mixture_at(about, counted, ordinal)
