"""Profiles of one firm made one: idempotent, and the same whatever the order. Callers are `Profile.merge` and commands.

Observations are united and put in canonical order; a withdrawn connection stays withdrawn, from its earliest date;
disputes are united; of the insured, what one profile leaves open another may fill in, and what differs is refused.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from cyberscore.exceptions import ProfileError
from cyberscore.profile.connections import Connection
from cyberscore.profile.disputes import Dispute
from cyberscore.profile.evidence import Observation
from cyberscore.profile.insured import Insured
from cyberscore.profile.signals import signals


def in_canonical_order(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Observations by signal (as in the catalogue), date and source, each once."""
    places = {name: position for position, name in enumerate(signals())}

    def key(one: Observation) -> tuple[Any, ...]:
        # 1 and 1.0 are the same value, and a moment may be told in two zones: one observation, and which of them is
        # written must not depend on the order
        return (
            places[one.signal],
            one.observed_at,
            one.source,
            one.digest,
            repr(one.value),
            one.observed_at.isoformat(),
        )

    return tuple(dict.fromkeys(sorted(observations, key=key)))


def merged_insured(insured: Sequence[Insured]) -> dict[str, Any]:
    """Unite what profiles say of one insured; what they say together is yet to be checked.

    Raises
    ------
    ProfileError
        When two say different things, naming each field with both values.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name in Insured.model_fields:
        told = [value for one in insured if (value := _comparable(getattr(one, name))) is not None]
        different = sorted({repr(value) for value in told if value != told[0]} | {repr(told[0])}) if told else []
        if len(different) > 1:
            problems.append(f"insured.{name} differs: {' and '.join(different)}: say which is right")
        found[name] = told[0] if told else None
    if problems:
        raise ProfileError("\n".join(problems))
    return found


def _comparable(value: Any) -> Any:
    return tuple(sorted(set(value))) if isinstance(value, tuple) else value


def merged_connections(connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Unite connections by name; withdrawn from the earliest date that any profile gives.

    Raises
    ------
    ProfileError
        When a name stands for different kinds of source.
    """
    found: dict[str, Connection] = {}
    for one in connections:
        old = found.setdefault(one.name, one)
        if old.kind != one.kind:
            kinds = " and ".join(sorted((old.kind, one.kind)))
            raise ProfileError(f"sources: {one.name!r} is {kinds}: give different connections different names")
        dates = [day for day in (old.withdrawn_at, one.withdrawn_at) if day is not None]
        found[one.name] = old.model_copy(update={"withdrawn_at": min(dates, default=None)})
    return tuple(found[name] for name in sorted(found))


def merged_disputes(disputes: Iterable[Dispute]) -> tuple[Dispute, ...]:
    """Disputes by date, each once."""
    return tuple(sorted(set(disputes), key=lambda one: (one.at, one.observation, one.kind, one.note)))
