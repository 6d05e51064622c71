"""A book between renewals: what changed for the worse, told once, without flapping. Callers are apps and a command.

`watch` is a pure function. What it must remember from one run to the next is in `WatchState`, which the caller keeps
(plain JSON types); the same book, dates and state give the same alerts.

Hysteresis, all by judgement: a score leaves the band it is held in only when it is `BAND_MARGIN` points beyond that
band's edge; an exposure that was reported and vanished must stay away `CLEAR_DAYS` before it is reported anew; evidence
that lapsed is back only when it weighs `EVIDENCE_BACK`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from cyberscore.exceptions import CyberscoreError, ProfileError
from cyberscore.profile import Posture, Profile, posture_at, signals
from cyberscore.profile.evidence import RULES_IGNORE_BELOW, counting
from cyberscore.profile.history import known_at
from cyberscore.quoting.engine import risk_score
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import BANDS, band

BAND_MARGIN = 1.5
"""Points beyond a band's edge before a score counts as in the next band: 1.5 points are 11 % of expected loss."""
CLEAR_DAYS = 14
"""Days that an exposure must stay away before it can be new again: two weekly scans."""
EVIDENCE_BACK = 0.30
"""Weight at which lapsed evidence is back; it lapses below RULES_IGNORE_BELOW, where rules stop reading it."""
KEV_DAYS = 30
"""Days that a known exploited vulnerability may stay open before it is reported."""

EXPOSED = ("exposed_rdp", "risky_services")
KNOWN_EXPLOITED = "kev_open_external"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that got worse at one firm.

    `kind` is exposed, known_exploited_open, evidence_lapsed or band_up; `before` and `after` are bands or values.
    """

    name: str
    kind: str
    signal: str | None
    text: str
    before: Any = None
    after: Any = None
    score_change: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watch remembers of each firm: the band it is held in, and for each open alert since when it is clear."""

    as_of: date
    bands: Mapping[str, str] = field(hash=False)
    open: Mapping[str, Mapping[str, date | None]] = field(hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "as_of": self.as_of.isoformat(),
            "bands": dict(self.bands),
            "open": {
                name: {key: day.isoformat() if day else None for key, day in alerts.items()}
                for name, alerts in self.open.items()
            },
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Build it from what `to_dict` gave.

        Raises
        ------
        ProfileError
            When it is something else.
        """
        try:
            bands = {str(name): BANDS[BANDS.index(held)] for name, held in data["bands"].items()}
            opened = {
                str(name): {str(key): date.fromisoformat(day) if day else None for key, day in alerts.items()}
                for name, alerts in data["open"].items()
            }
            return cls(date.fromisoformat(data["as_of"]), bands, opened)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProfileError(
                f"state of a watch: not what WatchState.to_dict gives ({error!r}): start anew"
            ) from error


@dataclass(frozen=True, slots=True)
class Watch:
    """Alerts in the order of the book, and the state to hand to the next watch.

    Attributes
    ----------
    looked_at : tuple of str
        Names of the firms that were looked at.
    known : tuple of str
        Those of them that the state knew: looked at since its date, the others since `since`.
    unread : mapping of str to str
        Names of firms that could not be read or scored, each with why. What the state held of them is kept.
    """

    since: date
    now: date
    alerts: tuple[Alert, ...]
    state: WatchState
    looked_at: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    state_of: date | None = None
    unread: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        firms = "1 firm" if len(self.looked_at) == 1 else f"{len(self.looked_at)} firms"
        alerts = {0: "no alerts", 1: "1 alert"}.get(len(self.alerts), f"{len(self.alerts)} alerts")
        new = len(self.looked_at) - len(self.known)
        since = f"since {self.since}"
        if self.known and self.state_of is not None:
            since = f"since the last watch, {self.state_of}"
            if new:
                since += f" ({new} of them new to it: since {self.since})"
        told = f"{firms} looked at on {self.now}, {alerts} {since}" if self.looked_at else "no firm looked at"
        return told + (f"; {len(self.unread)} could not be read" if self.unread else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "since": self.since.isoformat(),
            "now": self.now.isoformat(),
            "alerts": [one.to_dict() for one in self.alerts],
            "state": self.state.to_dict(),
            "looked_at": list(self.looked_at),
            "unread": dict(self.unread),
        }


def watch(
    book: Mapping[str, Profile] | Iterable[tuple[str, Profile]],
    plan: RatingPlan | None = None,
    *,
    since: date,
    now: date,
    state: WatchState | None = None,
    unread: Mapping[str, str] | None = None,
) -> Watch:
    """Tell what got worse in a book since a day.

    Parameters
    ----------
    book : mapping or iterable of (name, Profile)
        All evidence of each firm; what is later than a day is not looked at on that day.
    plan : RatingPlan, optional
        Default the shipped plan.
    since, now : date
        Without a state, what stood already on `since` is not reported. With one, its own date takes the place of
        `since` for the firms that it knows.
    state : WatchState, optional
        What the last watch returned.
    unread : mapping of str to str, optional
        Firms of the book that the caller could not read, and why: their state is kept. A firm that cannot be scored, as
        one in a currency that the plan has no rate for, joins them; the others are looked at all the same.

    Raises
    ------
    ProfileError
        When `since` is after `now`, the state is of a later day, or a name comes twice.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> book = {name: cyberscore.example(name) for name in cyberscore.example_names()}
    >>> found = cyberscore.watch(book, since=date(2026, 11, 1), now=date(2026, 11, 23))
    >>> cyberscore.watch(book, since=date(2026, 11, 1), now=date(2026, 11, 23), state=found.state).alerts
    ()
    """
    plan = load_plan() if plan is None else plan
    if not since <= now:
        raise ProfileError(f"since {since} must not be after now {now}: give the earlier day first")
    if state is not None and state.as_of > now:
        raise ProfileError(f"the state is of {state.as_of}, after now {now}: give a later now, or an older state")
    alerts: list[Alert] = []
    bands: dict[str, str] = {}
    opened: dict[str, Mapping[str, date | None]] = {}
    failed = dict(unread or {})
    looked_at: list[str] = []
    for name, profile in book.items() if isinstance(book, Mapping) else book:
        if name in looked_at or name in failed:
            raise ProfileError(f"book: the name {name!r} comes twice: give each firm its own")
        if not isinstance(profile, Profile):
            raise ProfileError(f"book: {name!r} must be a Profile; got {type(profile).__name__}")
        known = state is not None and name in state.bands
        last = state.as_of if state is not None and known else since
        try:
            posture, score = _seen(profile, now, plan)
            before, score_before = _seen(profile, last, plan)
        except CyberscoreError as error:
            failed[name] = str(error)
            continue
        looked_at.append(name)
        held = state.bands[name] if state is not None and known else band(plan, score_before)
        was_open = dict(state.open.get(name, {})) if state is not None and known else _conditions(profile, before)[0]
        bands[name] = _held_band(plan, held, score)
        if BANDS.index(bands[name]) > BANDS.index(held):
            text = f"score {score:.1f}, up from band {held} to {bands[name]}"
            alerts.append(Alert(name, "band_up", None, text, held, bands[name], score - score_before))
        holding, fading = _conditions(profile, posture)
        alerts += [_alert(name, key, posture) for key in holding if key not in was_open]
        opened[name] = _still_open(was_open, holding, fading, now)
    held_names = frozenset() if state is None else frozenset(state.bands)
    if state is not None:
        kept = [name for name in failed if name in held_names]
        bands |= {name: state.bands[name] for name in kept}
        opened |= {name: state.open.get(name, {}) for name in kept}
    return Watch(
        since,
        now,
        tuple(alerts),
        WatchState(now, bands, opened),
        looked_at=tuple(looked_at),
        known=tuple(name for name in looked_at if name in held_names),
        state_of=None if state is None else state.as_of,
        unread=failed,
    )


def _seen(profile: Profile, day: date, plan: RatingPlan) -> tuple[Posture, float]:
    known = known_at(profile, day)
    return posture_at(known, day), risk_score(known, as_of=day, plan=plan)


def _held_band(plan: RatingPlan, held: str, score: float) -> str:
    """Band that a score is held in: the old one, unless the score is beyond its edge by the margin."""
    low, high = (band(plan, score - BAND_MARGIN), band(plan, score + BAND_MARGIN))
    if BANDS.index(low) > BANDS.index(held):
        return low
    return high if BANDS.index(high) < BANDS.index(held) else held


def _conditions(profile: Profile, posture: Posture) -> tuple[dict[str, date | None], frozenset[str]]:
    """Conditions that hold, and those that are neither here nor gone (weights between both thresholds)."""
    holding: dict[str, date | None] = {}
    fading = set()
    # evidence of a connection that was withdrawn has lapsed as well
    told = {one.signal for one in profile.observations if one.observed_at.date() <= posture.as_of}
    for position, state in enumerate(posture):
        name = state.signal.name
        if name in EXPOSED and state.status == "adverse":
            holding[f"exposed:{name}"] = None
        if name == KNOWN_EXPLOITED and _open_days(posture, position) > KEV_DAYS:
            holding[f"known_exploited_open:{name}"] = None
        if state.signal.required and name in told and state.status != "adverse":
            if state.weight < RULES_IGNORE_BELOW:
                holding[f"evidence_lapsed:{name}"] = None
            elif state.weight < EVIDENCE_BACK:
                fading.add(f"evidence_lapsed:{name}")
    return holding, frozenset(fading)


def _open_days(posture: Posture, position: int) -> int:
    """Days since the oldest finding that still stands; -1 when none does."""
    about, day = list(signals().values())[position], posture.as_of.toordinal()
    standing = [one.day for code, _, one in counting(about, posture.evidence[position], day) if code > about.unknown]
    return day - min(standing) if standing else -1


def _alert(name: str, key: str, posture: Posture) -> Alert:
    kind, _, signal = key.partition(":")
    state = posture[signal]
    if kind == "exposed":
        text = f"{state.signal.title}: {state.value}"
    elif kind == "known_exploited_open":
        text = (
            f"{state.signal.title}: {state.value}, open for {_open_days(posture, list(signals()).index(signal))} days"
        )
    else:
        text = f"{state.signal.title}: evidence has lapsed (weight {state.weight:.2f}); ask for it again"
    return Alert(name, kind, signal, text, after=state.value)


def _still_open(
    was_open: Mapping[str, date | None], holding: Mapping[str, date | None], fading: frozenset[str], now: date
) -> dict[str, date | None]:
    """Open alerts after this look: what holds, and what has not been clear for long enough."""
    found: dict[str, date | None] = dict.fromkeys((*holding, *(key for key in was_open if key in fading)))
    for key, clear_since in was_open.items():
        if key in found or key.startswith("evidence_lapsed"):
            continue
        clear = now if clear_since is None else clear_since
        if (now - clear).days < CLEAR_DAYS:
            found[key] = clear
    return dict(sorted(found.items()))
