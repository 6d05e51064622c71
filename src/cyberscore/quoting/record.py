"""A quote on record: what was asked, what was answered and by which plan, sealed; and its replay.

Callers are apps, the log of records and the command `replay`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, Self

from cyberscore.exceptions import CyberscoreError, PlanError, ProfileError, RecordError
from cyberscore.profile import Profile
from cyberscore.profile.profile import parse_json, read_bytes
from cyberscore.quoting.differences import ABSENT, Difference, differences, is_of_words
from cyberscore.quoting.engine import input_digest, quote
from cyberscore.quoting.quote import Quote
from cyberscore.quoting.seals import canonical, digest, rounded, sha256
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan

FORMAT = 1
"""Raised when a field is added or changes its meaning; readers of older numbers stay."""
FIRST = "0" * 64
"""Chain hash before the first record."""
_PROVENANCE = {"plan_id", "library_version", "input_digest"}
"""Parts of a result that tell where it came from, not what was answered."""


@dataclass(frozen=True, slots=True)
class QuoteRecord:
    """One quote with everything that made it, in plain JSON types.

    Attributes
    ----------
    profile, coverage : dict
        What was asked.
    arguments : dict
        The other arguments of `quote`: `as_of`, and `exchange_rate`, that it is meant, and `options` when they were
        given.
    plan_id, library_version : str
        By what it was answered.
    result : dict
        The whole quote, as `Quote.to_dict` gives it, every number but amounts rounded to ten digits (`rounded`).
    reference, recorded_at : str or None
        The caller's own: a quote number; a time in ISO 8601. The library reads no clock.
    input_digest, result_digest : str
        SHA-256 of what was asked, and of the result.
    previous, hash : str
        Chain: hash of the record before (64 zeros for none), and SHA-256 of all of this record, `previous` included.
    """

    profile: dict[str, Any]
    coverage: dict[str, Any]
    arguments: dict[str, Any]
    plan_id: str
    library_version: str
    result: dict[str, Any]
    reference: str | None
    recorded_at: str | None
    input_digest: str
    result_digest: str
    previous: str
    hash: str
    format: int = FORMAT

    @classmethod
    def of(
        cls,
        profile: Profile,
        coverage: Coverage | None,
        answer: Quote,
        *,
        exchange_rate: float | None = None,
        exchange_rate_is_meant: bool = False,
        options: Sequence[Coverage] = (),
        reference: str | None = None,
        recorded_at: datetime | None = None,
    ) -> Self:
        """Record a quote that was made of this profile and coverage.

        Raises
        ------
        RecordError
            When the quote was made of something else, or `recorded_at` has no time zone.
        """
        asked = cover_asked(coverage, profile.insured.currency, options)
        options = tuple(one.in_own(asked.currency) for one in options)
        if answer.input_digest != input_digest(profile, asked, answer.as_of, exchange_rate, options):
            raise RecordError(
                "the quote was not made of this profile, coverage, exchange rate and options: "
                "give what `quote` was given"
            )
        if recorded_at is not None and recorded_at.tzinfo is None:
            raise RecordError(f"recorded_at {recorded_at.isoformat()} has no time zone: use datetime.now(UTC)")
        arguments: dict[str, Any] = {"as_of": answer.as_of.isoformat()}
        if exchange_rate is not None:
            arguments["exchange_rate"] = exchange_rate
        if exchange_rate_is_meant:
            arguments["exchange_rate_is_meant"] = True
        if options:
            arguments["options"] = [one.to_dict() for one in options]
        # through JSON, so that a record is the same before and after it was written
        plain = json.loads(canonical([profile.to_dict(), asked.to_dict(), arguments, rounded(answer.to_dict())]))
        made = cls(
            profile=plain[0],
            coverage=plain[1],
            arguments=plain[2],
            plan_id=answer.plan_id,
            library_version=answer.library_version,
            result=plain[3],
            reference=reference,
            recorded_at=None if recorded_at is None else recorded_at.isoformat(),
            input_digest=digest(plain[:3]),
            result_digest=digest(plain[3]),
            previous=FIRST,
            hash="",
        )
        return made.after(FIRST)

    def after(self, previous: str) -> Self:
        """Return the same record chained to the hash of another."""
        unsealed = replace(self, previous=previous)
        return replace(unsealed, hash=sha256(_joined(_texts(unsealed), "hash")))

    def problems(self) -> tuple[str, ...]:
        """Seals that do not fit: what of the record was changed after it was made."""
        return self.checked()[0]

    def checked(self) -> tuple[tuple[str, ...], str]:
        """Return `problems` and `to_json`, for which every part is written once."""
        texts = _texts(self)
        found = []
        if self.input_digest != sha256(f"[{texts['profile']},{texts['coverage']},{texts['arguments']}]"):
            found.append("the input was edited: profile, coverage or arguments do not fit input_digest")
        if self.result_digest != sha256(texts["result"]):
            found.append("the result was edited: it does not fit result_digest")
        if self.hash != sha256(_joined(texts, "hash")):
            found.append("the record was edited: its content does not fit its hash")
        return tuple(found), _joined(texts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}

    def to_json(self) -> str:
        """Canonical JSON, one line: the same record gives the same bytes."""
        return _joined(_texts(self))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the record to a file of its own.

        Raises
        ------
        RecordError
            When the file cannot be written.
        """
        try:
            Path(path).write_text(self.to_json() + "\n", encoding="ascii", newline="\n")
        except OSError as error:
            raise RecordError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str = "record") -> Self:
        """Read a record; whether its seals fit is told by `problems` and by `replay`.

        Raises
        ------
        RecordError
            When it is not a record, or of a format that this version does not know.
        """
        try:
            content = parse_json(text, name)
        except ProfileError as error:
            raise RecordError(str(error)) from error
        return cls.from_dict(content, name=name)

    @classmethod
    def from_dict(cls, content: Any, *, name: str = "record") -> Self:
        """Read a record from plain JSON types; see `from_json`."""
        if not isinstance(content, dict) or "result" not in content:
            raise RecordError(f"{name}: not a quote record: `cyberscore quote --log` and `record` make them")
        if content.get("format") != FORMAT:
            raise RecordError(
                f"{name}: format must be {FORMAT}; got {content.get('format')!r}: use the version that wrote it"
            )
        for field, kinds in _KINDS.items():
            if field not in content:
                raise RecordError(f"{name}: {field} is missing: the record is not whole")
            if not isinstance(content[field], kinds):
                raise RecordError(f"{name}: {field} has the wrong type; got {content[field]!r}")
        strange = sorted(set(content) - set(_KINDS))
        if strange:
            raise RecordError(f"{name}: unknown field {strange[0]!r}: the record was edited")
        return cls(**content)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a record from a file; see `from_json`."""
        try:
            data = read_bytes(path)
        except ProfileError as error:
            raise RecordError(str(error)) from error
        return cls.from_json(data, name=str(path))

    def replay(self, plan: RatingPlan | None = None) -> "Replay":
        """Quote the recorded input again and compare with the recorded result.

        Parameters
        ----------
        plan : RatingPlan, optional
            Default the plan on record when it can be found (by name, and the digest fits), else the shipped one.
        """
        plan = _plan_on_record(self.plan_id) if plan is None else plan
        causes = list(self.problems())
        if plan.plan_id != self.plan_id:
            causes.append(f"another plan: recorded {self.plan_id}, now {plan.plan_id}")
        here = version("cyberscore")
        if here != self.library_version:
            causes.append(f"another version of the library: recorded {self.library_version}, now {here}")
        if (self.result.get("plan_id"), self.result.get("library_version")) != (self.plan_id, self.library_version):
            causes.append("the result names another plan or version than the record: one of them was edited")
        try:
            now = json.loads(canonical(rounded(self._quote(plan).to_dict())))
        except (CyberscoreError, TypeError, ValueError) as error:
            causes.append(f"the input cannot be quoted now: {error}")
            return Replay(self, plan.plan_id, here, (Difference("result", "a quote", ABSENT),), (), (), tuple(causes))
        asked, answered = ({k: v for k, v in one.items() if k not in _PROVENANCE} for one in (self.result, now))
        found = list(differences(asked, answered))
        # fields that a newer version adds do not stop the old ones from being reproduced
        added = tuple(one.path for one in found if one.before == ABSENT and not one.path.endswith("]"))
        words = tuple(one for one in found if is_of_words(one))
        different = tuple(one for one in found if one.path not in added and one not in words)
        if different and not causes:
            causes.append(
                "same plan, same version and whole seals: numpy, the machine or code that was changed in place"
            )
        return Replay(self, plan.plan_id, here, different, added, words, tuple(causes))

    def _quote(self, plan: RatingPlan) -> Quote:
        arguments = dict(self.arguments)
        as_of = date.fromisoformat(arguments.pop("as_of", ABSENT))
        profile, cover = Profile.from_dict(self.profile), Coverage.from_dict(self.coverage)
        if "options" in arguments:
            arguments["options"] = [Coverage.from_dict(one) for one in arguments["options"]]
        # a rate on record was accepted once: when no one was asked yet, or beside another plan's rates
        arguments["exchange_rate_is_meant"] = arguments.get("exchange_rate") is not None
        return quote(profile, cover, as_of=as_of, plan=plan, **arguments)


_DICTS = ("profile", "coverage", "arguments", "result")
_OPTIONAL = ("reference", "recorded_at")
_KINDS: dict[str, Any] = {
    **dict.fromkeys(QuoteRecord.__slots__, str),
    **dict.fromkeys(_DICTS, dict),
    **dict.fromkeys(_OPTIONAL, str | None),
    "format": int,
}


def _texts(made: QuoteRecord) -> dict[str, str]:
    """Canonical JSON of each field of a record, by name in order."""
    return {name: canonical(getattr(made, name)) for name in sorted(made.__slots__)}


def _joined(texts: Mapping[str, str], without: str = "") -> str:
    """Canonical JSON of an object from that of its fields, in order, less one of them."""
    return "{" + ",".join([f'"{name}":{text}' for name, text in texts.items() if name != without]) + "}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of quoting a record's input again.

    Attributes
    ----------
    plan_id, library_version : str
        By what it was quoted now.
    differences : tuple of Difference
        Fields of the result that are not what they were (`before` recorded, `after` now), beyond a billionth.
    added : tuple of str
        Fields that the recorded result does not have and this version's has.
    words : tuple of Difference
        Sentences that read otherwise now. They decide nothing, and do not stop a quote from being reproduced.
    causes : tuple of str
        What explains differences, or would: another plan or version, an edited input, result or record.
    """

    record: QuoteRecord
    plan_id: str
    library_version: str
    differences: tuple[Difference, ...]
    added: tuple[str, ...]
    words: tuple[Difference, ...]
    causes: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Whether every number, decision and code came out the same, to the cent, and the record's seals fit."""
        return not self.differences and not self.record.problems()

    def __str__(self) -> str:
        answer = self.record.result
        said = f"{answer.get('indicative_premium')} {answer.get('currency')}, {answer.get('decision')}"
        head = "reproduced" if self.reproduced else "not reproduced"
        lines = [f"{head}: {said}, as of {self.record.arguments.get('as_of')}, plan {self.plan_id[:25]}"]
        lines += [f"  cause: {cause}" for cause in self.causes]
        lines += [f"  differs: {one}" for one in self.differences]
        lines += [f"  new in this version: {', '.join(self.added)}"] if self.added else []
        lines += [f"  {len(self.words)} sentences read otherwise now, such as {self.words[0]}"] if self.words else []
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "reproduced": self.reproduced,
            "hash": self.record.hash,
            "reference": self.record.reference,
            "plan_id": self.plan_id,
            "library_version": self.library_version,
            "differences": [one.to_dict() for one in self.differences],
            "added": list(self.added),
            "words": [one.to_dict() for one in self.words],
            "causes": list(self.causes),
        }


def record(
    profile: Profile,
    coverage: Coverage | None = None,
    *,
    as_of: date,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
    options: Iterable[Coverage] = (),
    reference: str | None = None,
    recorded_at: datetime | None = None,
) -> QuoteRecord:
    """Quote a profile and record the quote.

    Parameters
    ----------
    profile, coverage, as_of, plan, exchange_rate, exchange_rate_is_meant, options
        As `quote`.
    reference : str, optional
        The caller's own name for it, such as a quote number.
    recorded_at : datetime, optional
        With a time zone; the library reads no clock.

    Raises
    ------
    ProfileError, CoverageError, PlanError, RecordError

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> made = cyberscore.record(cyberscore.example("dental_clinic"), as_of=date(2026, 11, 23))
    >>> made.replay().reproduced
    True
    """
    others = tuple(options)
    answer = quote(
        profile,
        coverage,
        as_of=as_of,
        plan=plan,
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
        options=others,
    )
    return QuoteRecord.of(
        profile,
        coverage,
        answer,
        exchange_rate=exchange_rate,
        exchange_rate_is_meant=exchange_rate_is_meant,
        options=others,
        reference=reference,
        recorded_at=recorded_at,
    )


def _plan_on_record(plan_id: str) -> RatingPlan:
    """Plan of that name if there is one with that digest, else the shipped one."""
    shipped = load_plan()
    name = plan_id.partition("@")[0]
    if plan_id == shipped.plan_id or not name or Path(name).name != name:
        return shipped
    try:
        found = load_plan(name)
    except PlanError:
        return shipped
    return found if found.plan_id == plan_id else shipped
