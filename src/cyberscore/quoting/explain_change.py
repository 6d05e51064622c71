"""Why a score moved between two days: ageing, evidence, facts of the firm and the plan, in points that add up.

Callers are apps and the command line. The way from the first score to the second is walked in a fixed order, and each
step is charged with what the score moves by when it is taken, all else as it then stands:

1. time passes over the evidence of the first day, signal by signal in the order of the catalogue (*ageing*; *lapse*
   where an event left its window or a certificate expired);
2. connections that were withdrawn meanwhile no longer speak in the insured's favour (*withdrawal*);
3. observations that the second profile no longer has are taken away (*removed*), then its new ones are added by date
   (*observation*); disputes on record since are told, and move nothing (*dispute*);
4. facts of the insured change, in the order of its fields (*insured*);
5. the plan changes (*plan*).

The steps telescope: their sum is the change of the unclipped score. Ageing alone never lowers a score, but where a
counted event leaves its window.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cyberscore.exceptions import ProfileError
from cyberscore.money import plain
from cyberscore.profile import Insured, Observation, Profile, Signal, signals
from cyberscore.profile.evidence import Mixture
from cyberscore.profile.history import known_at, mixture_of, withdrawn_by
from cyberscore.profile.merge import in_canonical_order
from cyberscore.quoting.figures import Firm
from cyberscore.rating.expected_loss import expected_loss, rate_risk
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import band, unclipped_score

_FIRM_FIELDS = ("naics", "country", "annual_revenue", "record_count")


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One cause and the points of score it moved; `observation` in plain JSON types where there is one."""

    kind: str
    signal: str | None
    points: float
    text: str
    observation: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ChangeExplanation:
    """Two scores and every step between them; `steps` sum to `change`."""

    then: date
    now: date
    plan_then: str
    plan_now: str
    score_then: float
    score_now: float
    band_then: str
    band_now: str
    steps: tuple[ChangeStep, ...]

    @property
    def change(self) -> float:
        """Points of unclipped score, above zero riskier."""
        return self.score_now - self.score_then

    @property
    def by_kind(self) -> dict[str, float]:
        """Points by kind of cause, in the order of the steps."""
        found: dict[str, float] = {}
        for step in self.steps:
            found[step.kind] = found.get(step.kind, 0.0) + step.points
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {
            **found,
            "then": self.then.isoformat(),
            "now": self.now.isoformat(),
            "change": self.change,
            "by_kind": self.by_kind,
            "steps": [step.to_dict() for step in self.steps],
        }


@dataclass(slots=True)
class _Walk:
    """Where the walk stands; every score comes from here."""

    plan: RatingPlan
    insured: Insured
    mixtures: list[Mixture]
    day: date
    exchange_rate: float | None
    exchange_rate_is_meant: bool

    def score(self) -> float:
        """Return the unclipped score here."""
        firm = Firm.of(
            self.insured,
            self.day,
            self.plan,
            self.exchange_rate,
            exchange_rate_is_meant=self.exchange_rate_is_meant,
        )
        risk = rate_risk(self.plan, self.insured, self.mixtures, firm.revenue)
        return unclipped_score(expected_loss(self.plan, risk), firm.reference_loss)


def explain_change(
    profile: Profile,
    plan: RatingPlan | None,
    then: date,
    now: date,
    *,
    profile_then: Profile | None = None,
    plan_then: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
) -> ChangeExplanation:
    """Tell which observations, ageing, facts or plan moved a score between two days, by how many points.

    Parameters
    ----------
    profile : Profile
        As it is now.
    plan : RatingPlan or None
        That of now; None is the shipped plan.
    then, now : date
        The first day and the second.
    profile_then : Profile, optional
        As it was then; default this profile without what was observed after `then`.
    plan_then : RatingPlan, optional
        That of then; default the same plan.
    exchange_rate, exchange_rate_is_meant
        As `quote`, on both days.

    Raises
    ------
    ProfileError
        When `then` is after `now`, or as `quote`.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> law = cyberscore.example("law_firm")
    >>> found = cyberscore.explain_change(law, None, date(2026, 6, 1), date(2026, 11, 23))
    >>> abs(sum(step.points for step in found.steps) - found.change) < 1e-9
    True
    """
    if not then <= now:
        raise ProfileError(f"then {then} must not be after now {now}: give the earlier day first")
    plan = load_plan() if plan is None else plan
    first = known_at(profile if profile_then is None else profile_then, then)
    second = known_at(profile, now)
    before, after = _by_signal(first), _by_signal(second)
    gone_then, gone_now = withdrawn_by(first, then), withdrawn_by(second, now)
    catalogue = list(signals().values())
    start = [mixture_of(about, before[about.name], gone_then, then) for about in catalogue]
    walk = _Walk(plan_then or plan, first.insured, start, now, exchange_rate, exchange_rate_is_meant)
    score_then = reached = walk.score()
    stood, steps = list(walk.mixtures), []
    for kind, name, text, seen in _walked(walk, before, after, (gone_then, gone_now), then):
        score = reached if walk.mixtures == stood else walk.score()
        stood = list(walk.mixtures)
        if score != reached or kind in {"observation", "removed"}:
            steps.append(ChangeStep(kind, name, score - reached, text, _plain(seen)))
        reached = score
    steps += _disputes(second, then)
    for kind, text in _firm_and_plan(walk, second.insured, plan):
        score = walk.score()
        if score != reached:
            steps.append(ChangeStep(kind, None, score - reached, text))
        reached = score
    return ChangeExplanation(
        then=then,
        now=now,
        plan_then=(plan_then or plan).plan_id,
        plan_now=plan.plan_id,
        score_then=score_then,
        score_now=reached,
        band_then=band(plan_then or plan, score_then),
        band_now=band(plan, reached),
        steps=tuple(steps),
    )


_Evidence = dict[str, list[Observation]]


def _walked(
    walk: _Walk, before: _Evidence, after: _Evidence, gone: tuple[frozenset[str], frozenset[str]], then: date
) -> Iterator[tuple[str, str, str, Observation | None]]:
    """Take the steps of the evidence one by one: kind, signal, words and observation; the walk stands after each."""
    now = walk.day
    catalogue = list(signals().values())
    for position, about in enumerate(catalogue):
        walk.mixtures[position] = mixture_of(about, before[about.name], gone[0], now)
        lapsed = [one for one in before[about.name] if _lapses(about, one, then, now)]
        kind, word = ("lapse", "lapsed") if lapsed else ("ageing", "aged")
        yield kind, about.name, f"{about.title}: evidence {word} by {(now - then).days} days", None
    for position, about in enumerate(catalogue):
        walk.mixtures[position] = mixture_of(about, before[about.name], gone[1], now)
        yield "withdrawal", about.name, f"{about.title}: its connection was withdrawn", None
    added: list[Observation] = []
    for position, about in enumerate(catalogue):
        old, new = before[about.name], after[about.name]
        was, remains = set(old), set(new)
        kept = list(old)
        for one in (one for one in old if one not in remains):
            kept.remove(one)
            walk.mixtures[position] = mixture_of(about, kept, gone[1], now)
            yield "removed", about.name, f"{about.title}: {_told(one)} is no longer there", one
        added += [one for one in new if one not in was]
    places = {about.name: position for position, about in enumerate(catalogue)}
    held: _Evidence = {}
    for name, old in before.items():
        remains = set(after[name])
        held[name] = [one for one in old if one in remains]
    for one in sorted(added, key=lambda one: one.observed_at):
        about = signals()[one.signal]
        held[about.name].append(one)
        walk.mixtures[places[about.name]] = mixture_of(about, held[about.name], gone[1], now)
        yield "observation", about.name, f"{about.title}: {_told(one)}", one


def _firm_and_plan(walk: _Walk, insured: Insured, plan: RatingPlan) -> Iterator[tuple[str, str]]:
    for name in _FIRM_FIELDS:
        old, new = getattr(walk.insured, name), getattr(insured, name)
        currency = (walk.insured.currency, insured.currency)
        changes: dict[str, Any] = {name: new}
        told = f"{name} {old!r} became {new!r}"
        if name == "annual_revenue":
            changes["currency"] = insured.currency
            told = f"{name} {plain(old, currency[0])} {currency[0]} became {plain(new, currency[1])} {currency[1]}"
        walk.insured = walk.insured.model_copy(update=changes)
        yield "insured", told
    old_plan, walk.plan = walk.plan, plan
    yield "plan", f"plan {old_plan.plan_id[:25]} became {plan.plan_id[:25]}"


def _disputes(profile: Profile, then: date) -> list[ChangeStep]:
    known = {one.digest: one for one in profile.observations}
    found = []
    for one in (one for one in profile.disputes if one.at > then):
        seen = known[one.observation]
        text = f"{signals()[seen.signal].title}: disputed ({one.kind.replace('_', ' ')}): {one.note}"
        found.append(ChangeStep("dispute", seen.signal, 0.0, text, _plain(seen)))
    return found


def _by_signal(profile: Profile) -> _Evidence:
    found: _Evidence = {name: [] for name in signals()}
    for one in in_canonical_order(profile.observations):
        found[one.signal].append(one)
    return found


def _lapses(about: Signal, one: Observation, then: date, now: date) -> bool:
    ready = one.prepared
    days: Sequence[int] = (then.toordinal(), now.toordinal())
    early, late = (ready.lapsed(about, ready.code_at(about, day), day) for day in days)
    return late and not early


def _told(one: Observation) -> str:
    value = one.value if one.value is not None else f"event of {one.occurred_at}"
    return f"{value} ({one.source}, {one.observed_at.date()})"


def _plain(one: Observation | None) -> dict[str, Any] | None:
    return None if one is None else one.model_dump(mode="json", exclude_defaults=True)
