"""A profile: the insured, the connections that watch it, and every observation made of it."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cyberscore.exceptions import ProfileError
from cyberscore.profile.connections import Connection
from cyberscore.profile.disputes import Dispute, DisputeKind, check_disputes
from cyberscore.profile.evidence import Observation, Prepared
from cyberscore.profile.insured import Insured
from cyberscore.profile.merge import in_canonical_order, merged_connections, merged_disputes, merged_insured
from cyberscore.profile.signals import signals

Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 20_000_000
"""A profile file larger than this is refused."""


class Profile(BaseModel):
    """What is known of one firm.

    Parameters
    ----------
    insured : Insured
    observations : tuple of Observation
    sources : tuple of Connection
        Connections that observations may name; a withdrawn one stays listed.
    disputes : tuple of Dispute
        Findings that the insured disputes, on record; they stand until evidence replaces them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    insured: Insured
    observations: tuple[Observation, ...] = Field(default=(), max_length=100_000)
    sources: tuple[Connection, ...] = Field(default=(), max_length=1_000)
    disputes: tuple[Dispute, ...] = Field(default=(), max_length=10_000)

    @model_validator(mode="after")
    def _connections_exist(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ProfileError(f"sources must have different names; got {sorted(names)}")
        kinds = {source.name: source.kind for source in self.sources}
        for index, one in enumerate(self.observations):
            if one.connection is None:
                continue
            if one.connection not in kinds:
                raise ProfileError(
                    f"observations[{index}].connection {one.connection!r} is not listed in sources: add it there"
                )
            if kinds[one.connection] != one.source:
                raise ProfileError(
                    f"observations[{index}].source {one.source!r} differs from "
                    f"its connection's kind {kinds[one.connection]!r}"
                )
        if self.disputes:
            check_disputes(self.disputes, self.observations)
        return self

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Build a profile from plain JSON types.

        Raises
        ------
        ProfileError
            Naming each place, the value got and what is wanted.
        """
        return validated(cls, data, "profile")

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Build a profile from JSON text; see `from_dict`."""
        return validated(cls, parse_json(text), "profile")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a profile from a JSON file; see `from_dict`."""
        return validated(cls, parse_json(read_bytes(path), name=str(path)), str(path))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not set is left out. `from_dict` gives the same profile back."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_json(self, *, indent: int | None = 2) -> str:
        """JSON text; see `to_dict`."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def with_observations(self, *observations: Observation) -> Self:
        """Return the same profile with more observations; exact duplicates are added once."""
        known = set(self.observations)
        new = tuple(dict.fromkeys(one for one in observations if one not in known))
        return self._with(observations=self.observations + new)

    def without(self, unwanted: Callable[[Observation], bool]) -> Self:
        """Return the same profile without some observations, and without the disputes about them."""
        kept = tuple(one for one in self.observations if not unwanted(one))
        digests = {one.digest for one in kept} if self.disputes else set()
        disputes = tuple(one for one in self.disputes if one.observation in digests)
        return self._with(observations=kept, disputes=disputes)

    def dispute(self, observation: Observation | str, kind: DisputeKind, note: str, *, at: date | str) -> Self:
        """Return the same profile with a finding disputed, on record beside it; the finding stands.

        Parameters
        ----------
        observation : Observation or str
            One of the profile's that speaks against the insured, or its `digest`.
        kind : {"not_ours", "false_positive", "compensating_control", "fixed", "accepted_risk"}
        note : str
            In the insured's words.
        at : date
            When it was disputed.

        Raises
        ------
        ProfileError
            When the profile does not hold the observation, it speaks for the insured, or a field is wrong.

        Examples
        --------
        >>> import cyberscore
        >>> law = cyberscore.example("law_firm")
        >>> finding = next(o for o in law.observations if o.signal == "mfa_email_coverage" and o.source == "telemetry")
        >>> law.dispute(finding, "fixed", "Enrolled last week.", at="2026-11-23").disputes[0].kind
        'fixed'
        """
        if not isinstance(observation, Observation | str):
            raise ProfileError(f"observation must be an Observation or its digest; got {observation!r}")
        name = observation if isinstance(observation, str) else observation.digest
        made = validated(Dispute, {"observation": name, "kind": kind, "note": note, "at": at}, "dispute")
        return self if made in self.disputes else self._with(disputes=(*self.disputes, made))

    def merge(self, *others: "Profile") -> Self:
        """Return one profile of all, the same whatever their order; observations are in canonical order, each once.

        Parameters
        ----------
        *others : Profile
            Of the same firm. A connection that any of them withdrew stays withdrawn, and disputes are kept.

        Raises
        ------
        ProfileError
            When they say different things of the insured or of a connection, naming both.
        """
        every: tuple[Profile, ...] = (self, *others)
        strange = [type(one).__name__ for one in others if not isinstance(one, Profile)]
        if strange:
            raise ProfileError(f"merge: profiles are wanted; got {', '.join(strange)}")
        return self._with(
            insured=merged_insured([one.insured for one in every]),
            observations=in_canonical_order(seen for one in every for seen in one.observations),
            sources=merged_connections(source for one in every for source in one.sources),
            disputes=merged_disputes(dispute for one in every for dispute in one.disputes),
        )

    def _with(self, **changes: Any) -> Self:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return validated(type(self), {**fields, **changes}, "profile")

    def __copy__(self) -> Self:
        copied = super().__copy__()
        for name in ("prepared", "unproven", "newest"):
            copied.__dict__.pop(name, None)  # a copy may be given other observations
        return copied

    @cached_property
    def prepared(self) -> tuple[tuple[Prepared, ...], ...]:
        """Observations in numbers, one tuple a signal in catalogue order."""
        found: dict[str, list[Prepared]] = {name: [] for name in signals()}
        for one in self.observations:
            # "not applicable" on the insured's own word weighs nothing: it is as if nothing had been said
            if one.prepared.favourable > 0.0:
                found[one.signal].append(one.prepared)
        return tuple(tuple(items) for items in found.values())

    @cached_property
    def unproven(self) -> tuple[Prepared, ...]:
        """Observations that weigh nothing: "not applicable" on the insured's own word."""
        return tuple(one.prepared for one in self.observations if one.prepared.favourable <= 0.0)

    @cached_property
    def newest(self) -> int:
        """Ordinal of the newest observation's day (0 when there is none)."""
        return max((one.observed_at.toordinal() for one in self.observations), default=0)

    def __hash__(self) -> int:
        return hash((self.insured, self.observations, self.sources, self.disputes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Profile):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Profile.model_fields)


def read_bytes(path: str | PathLike[str], limit: int = MAX_BYTES) -> bytes:
    """Bytes of a file of limited size.

    Raises
    ------
    ProfileError
        When the file is missing, cannot be read or is too large.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise ProfileError(f"{path}: larger than {limit / 1e6:g} MB: split it or leave out what is not needed")
    return data


def parse_json(text: str | bytes, name: str = "profile") -> Any:
    """Plain types from JSON text in UTF-8 (a byte order mark is allowed).

    NaN, infinities and repeated keys are refused.
    """

    def refuse(constant: str) -> Any:
        raise ProfileError(f"{name}: {constant} is not a JSON number: leave the field out if it is unknown")

    def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise ProfileError(f"{name}: field {repeated!r} is given twice: keep one")
        return found

    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return json.loads(decoded, parse_constant=refuse, object_pairs_hook=no_repeats)
    except UnicodeDecodeError as error:
        raise ProfileError(f"{name}: not UTF-8 text (byte {error.start}): save it as UTF-8 JSON") from error
    except json.JSONDecodeError as error:
        raise ProfileError(
            f"{name}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except ProfileError:
        raise
    except RecursionError as error:
        raise ProfileError(f"{name}: nested too deeply to be a profile") from error
    except ValueError as error:
        raise ProfileError(f"{name}: not valid JSON: a number has too many digits: check it") from error


def validated(model: type[Model], data: Any, name: str) -> Model:
    """Build a model from plain types, or raise one ProfileError that names every place."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ProfileError(explain(error, name)) from error


def explain(error: ValidationError, name: str) -> str:
    """One line for each thing wrong: place, what is wanted, what was got."""
    lines = []
    for item in error.errors(include_url=False):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip(".")
        where = f"{name}: {place}" if place else name
        message = item["msg"].removeprefix("Value error, ")
        kind = item["type"]
        if kind == "missing":
            lines.append(f"{where}: this field is required")
        elif kind == "extra_forbidden":
            lines.append(f"{where}: unknown field: remove it or mend its name")
        elif kind == "value_error":
            lines.append(f"{where}: {message}")
        else:
            got = repr(item.get("input"))
            message = message.replace("a valid tuple", "a list")
            lines.append(
                f"{where}: {message[0].lower()}{message[1:]}; got {got if len(got) < 80 else got[:77] + '...'}"
            )
    return "\n".join(lines)
