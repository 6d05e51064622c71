"""What to do about a signal; or, where it is said to be done, what to show of it: callers are improvements and paths.

What a signal could earn, it earns by a better state or by better evidence of the same state. Which of the two, is told
by `kind`:

- "do": the state must change, or nothing is known of it (then: do it, and show it);
- "show": it is said to be so, by a source that proves little, or against an older finding or one in dispute;
- "renew": it was shown, too long ago, or by a connection that was withdrawn since;
- "widen": it was shown for a part.

The words are in advice.toml, a case of a kind each, one line a language.
"""

import math
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, TypeAlias

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Signal, signals
from cyberscore.profile.evidence import CLEARING_SHARE, MAX_RANK, SOURCES, Prepared, not_cleared
from cyberscore.profile.pairs import live_at
from cyberscore.profile.signals import NEVER, Value
from cyberscore.quoting.questions import question

KINDS = ("do", "show", "renew", "widen")
NEARLY_AS_GOOD = 0.9
"""Sources that weigh this share of the best one's weight are named beside it (judgement)."""


class Speech(Protocol):
    """How a language puts the parts of advice into words."""

    def advice(self, about: Signal) -> str:
        """Say what to do."""

    def title(self, about: Signal) -> str:
        """Name a signal."""

    def told(self, about: Signal, value: Value) -> str:
        """Put a value into words."""

    def source(self, name: str) -> str:
        """Name a kind of source."""

    def either(self, sources: Sequence[str]) -> str:
        """Name one kind of source or another."""

    def day(self, when: date) -> str:
        """Write a date."""

    def share(self, part: float) -> str:
        """Write a share in percent."""


class _English:
    """The English of results: dates as in their JSON."""

    def advice(self, about: Signal) -> str:
        return about.advice

    def title(self, about: Signal) -> str:
        return about.title

    def told(self, about: Signal, value: Value) -> str:
        return about.told(value)

    def source(self, name: str) -> str:
        return name

    def either(self, sources: Sequence[str]) -> str:
        return " or ".join((", ".join(sources[:-1]), sources[-1])) if len(sources) > 1 else sources[0]

    def day(self, when: date) -> str:
        return when.isoformat()

    def share(self, part: float) -> str:
        return f"{100.0 * part:.3g} %"


ENGLISH: Speech = _English()

_Doubt: TypeAlias = tuple[int, float, Prepared]
"""An observation that says otherwise, with its code."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an observation says of its signal at a date, and who says it since when."""

    value: Value
    source: str
    observed_at: date
    scope_share: float | None

    @classmethod
    def of(cls, about: Signal, one: Prepared, day: int) -> "Said":
        """Read an observation; an age as it is at the date."""
        seen = one.observation
        value = NEVER if seen.value == NEVER else one.value_at(about, day)
        return cls(value, seen.source, seen.observed_at.date(), seen.scope_share)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Said":
        """Read it from plain JSON types."""
        return cls(**{**content, "observed_at": date.fromisoformat(content["observed_at"])})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "observed_at": self.observed_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one signal, or to show of it.

    Attributes
    ----------
    case : str
        Which words of advice.toml.
    shown_by : tuple of str
        Sources that would do, the best first; figures that come with an advice are those of the best.
    evidence : Said or None
        What says already that it is so.
    against : Said or None
        What said, or says, otherwise.
    """

    signal: str
    case: str
    shown_by: tuple[str, ...]
    evidence: Said | None = None
    against: Said | None = None

    @property
    def kind(self) -> str:
        """One of "do", "show", "renew" and "widen"."""
        return _words()[self.case]["kind"]

    def told(self, language: str = "en", speech: Speech = ENGLISH) -> str:
        """Put it into words of a language, English where advice.toml has none."""
        about, said, other = signals()[self.signal], self.evidence, self.against
        parts = {"title": speech.title(about), "sources": speech.either(self.shown_by)}
        parts["advice"] = speech.advice(about).rstrip(".。")
        if self.case == "asked_again":
            parts["question"] = question(about.name, language)
        if said is not None:
            parts |= {"value": speech.told(about, said.value), "source": speech.source(said.source)}
            parts["date"] = speech.day(said.observed_at)
            parts["share"] = speech.share(1.0 if said.scope_share is None else said.scope_share)
        if other is not None:
            parts |= {"worse": speech.told(about, other.value), "other": speech.source(other.source)}
            parts["other_date"] = speech.day(other.observed_at)
        words = _words()[self.case]
        return words.get(language, words["en"]).format(**parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the kind, the words in English, and what they are made of."""
        return {
            "kind": self.kind,
            "action": self.told(),
            "shown_by": list(self.shown_by),
            "evidence": None if self.evidence is None else self.evidence.to_dict(),
            "against": None if self.against is None else self.against.to_dict(),
        }


def advise(
    about: Signal, evidence: Sequence[Prepared], day: int, *, unproven: Sequence[Prepared], denied: Collection[str]
) -> Advice:
    """Tell what would bring a signal to its target: a change of its state, or better evidence of it.

    Parameters
    ----------
    about : Signal
        With a target.
    evidence : sequence of Prepared
        Its observations that weigh something.
    day : int
        Proleptic ordinal of the date.
    unproven : sequence of Prepared
        Those that weigh nothing (`Posture.unproven`).
    denied : collection of str
        Digests of findings that the insured says are not so (`denied_at`).
    """
    live = live_at(about, evidence, day)
    goal = about.code(about.target) if about.target is not None else 0
    claims = [one for one in (*evidence, *unproven) if one.code_at(about, day) <= goal]
    if not claims and not denied:
        return Advice(about.name, "do" if live else "do_and_show", _sources(about.name))
    told = [(code, 0.0, one) for code, one in live]
    shown = [item for item in told if item[0] <= goal]
    # what something as reliable, later and of as wide a scope says otherwise, is settled
    doubts = not_cleared([item for item in told if item[0] > goal], shown)
    open_doubts = [item for item in doubts if item[2].observation.digest not in denied] if denied else doubts
    standing = _standing(about, claims, open_doubts)
    if denied and (standing or not open_doubts):
        latest = max((one.moment for one in standing), default=-math.inf)
        findings = [item for item in doubts if item[0] > about.unknown and item[2].moment >= latest]
        if findings:  # all of them in dispute, or they would have overruled what stands
            worst = max(findings, key=_best_sourced)[2]
            return Advice(
                about.name, "show_denied", _sources(about.name, worst.rank), against=Said.of(about, worst, day)
            )
    if not standing:
        return Advice(about.name, "do" if live else "do_and_show", _sources(about.name))
    alive = {id(one) for _, one in live}

    def weight(one: Prepared) -> float:
        return one.weight_at(about, goal, day) if id(one) in alive else 0.0

    claim = max(standing, key=lambda one: (weight(one), one.rank, one.moment, one.scope, str(one.observation.value)))
    said = Said.of(about, claim, day)
    # a finding that stands beside a claim outranks it, or the claim weighs nothing any more
    against = [item for item in doubts if item[0] > about.unknown or item[2].rank > claim.rank]
    against = [item for item in against if item[2].moment < claim.moment]
    if against:
        worst = max(against, key=_best_sourced)[2]
        return Advice(about.name, "show_against", _sources(about.name, worst.rank), said, Said.of(about, worst, day))
    lacks = lacking(about, claim, weight(claim))
    shown_by = _sources(about.name)
    if lacks == "show":  # a source of the same kind would prove no more
        proven = SOURCES[claim.observation.source].favourable
        shown_by = tuple(name for name in shown_by if SOURCES[name].favourable > proven) or shown_by
    return Advice(about.name, lacks, shown_by, said)


def asked_again(about: Signal, evidence: Sequence[Prepared], day: int) -> Advice | None:
    """Advice to answer anew what was answered, and counts for too little; None when nothing was said.

    `evidence` are all observations of a signal that rules take for unknown, those that weigh nothing too.
    """
    if not evidence:
        return None
    last = max(evidence, key=lambda one: (one.moment, one.rank, one.scope, str(one.observation.value)))
    return Advice(about.name, "asked_again", _sources(about.name), Said.of(about, last, day))


def _best_sourced(item: _Doubt) -> tuple[int, float, int, float, str]:
    code, _, one = item
    return (one.rank, one.moment, code, one.scope, str(one.observation.value))


def _standing(about: Signal, claims: Sequence[Prepared], doubts: Sequence[_Doubt]) -> Sequence[Prepared]:
    """Claims that the state is good which no doubt overrules.

    One overrules a claim that is no newer, if it is adverse or as well sourced; and one that looked at much less.
    """
    latest = [max((one.moment for code, _, one in doubts if code > about.unknown), default=-math.inf)] * (MAX_RANK + 1)
    widest = max((one.scope for _, _, one in doubts), default=0.0)
    for _, _, one in doubts:
        for rank in range(one.rank + 1):
            latest[rank] = max(latest[rank], one.moment)
    return [one for one in claims if one.moment > latest[one.rank] and one.scope >= CLEARING_SHARE * widest]


def lacking(about: Signal, claim: Prepared, weight: float) -> str:
    """Tell what a claim lacks most: a source that proves it, its whole scope, or a date that is near."""
    best = max(SOURCES[name].favourable for name in about.sources)
    own = SOURCES[claim.observation.source].favourable
    lacks = {"show": math.log(best / own), "widen": -math.log(claim.scope), "renew": 0.0}
    if claim.favourable > 0.0:  # else it is "not applicable" on the insured's own word
        # what is not explained by its source and scope is its age, or that its connection was withdrawn
        lacks["renew"] = math.log(claim.favourable / weight) if weight > 0.0 else math.inf
    return max(lacks, key=lambda case: lacks[case])


@cache
def _sources(name: str, rank: int = 0) -> tuple[str, ...]:
    """Name sources of a signal that prove about as much as the best, the best first, of at least a rank."""
    about = signals()[name]
    best = max(SOURCES[name].favourable for name in about.sources)
    fitting = (
        SOURCES[name]
        for name in about.sources
        if SOURCES[name].rank >= rank and SOURCES[name].favourable >= NEARLY_AS_GOOD * best
    )
    return tuple(one.name for one in sorted(fitting, key=lambda one: (-one.rank, -one.favourable, one.name)))


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    text = files("cyberscore.quoting").joinpath("advice.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    wrong = [case for case, words in found.items() if words.get("kind") not in KINDS or not words.get("en")]
    if wrong:
        raise ProfileError(f"advice.toml must hold a kind and English words for each case; see {', '.join(wrong)}")
    return found
