"""Random insureds, observations and profiles, and moves that can only improve them, for every property test.

Values lie on cell borders, a hair below them and inside; dates repeat; sources and connections differ: what
supersedes, fades, expires or leaves a window is met often. No observation is later than `AS_OF`.
"""

import math
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st

from cyberscore.perils import PARTS, PERILS
from cyberscore.profile import SOURCES, Connection, Insured, Observation, Profile, Signal, signals
from cyberscore.profile.signals import NEVER, NOT_APPLICABLE, Value

AS_OF = date(2026, 11, 23)
DAYS_AGO = (0, 0, 1, 1, 2, 15, 30, 60, 89, 90, 91, 180, 364, 365, 366, 500, 730, 731, 1200)


def examples(n: int) -> settings:
    """Settings of a property that is tried on n examples, or on as many times more as CYBERSCORE_EXAMPLES says."""
    return settings(max_examples=n * int(os.environ.get("CYBERSCORE_EXAMPLES", "1")))


SCOPES = (None, None, None, 0.015, 0.4, 0.5, 0.99, 1.0)
"""Shares of the scope that was seen; those next to each other lie on both sides of what clears a finding."""

CONNECTIONS = (
    Connection(name="tenant", kind="telemetry"),
    Connection(name="endpoints", kind="telemetry"),
    Connection(name="weekly_scan", kind="scan"),
)

SIGNED = tuple(about for about in signals().values() if not about.is_context)
"""Signals with a safer and a riskier side: no exposures, no categories."""


@cache
def some_values(about: Signal) -> tuple[Value, ...]:
    """Values of a signal, safest first: both ends, every cell's borders and something inside."""
    if about.levels:
        return about.levels
    high = about.high if about.high < math.inf else about.breakpoints[-1] * 2 + 3
    edges = [about.low, *about.breakpoints, high]
    if about.kind in {"share", "number"}:
        found = {value for a, b in pairwise(edges) for value in (a, (a + b) / 2, b - 1e-9 * (b > a))}
    else:
        found = {int(value) for a, b in pairwise(edges) for value in (a, (a + b) // 2, max(a, b - 1))}
    return tuple(sorted(found | {type(next(iter(found)))(high)}, reverse=about.safer == "higher"))


def at_least_as_good(about: Signal, value: Value) -> tuple[Value, ...]:
    """Values of a signed signal that are no riskier than this one."""
    every = some_values(about)
    if value in {
        NEVER,
        NOT_APPLICABLE,
    }:  # the oldest there is; and, told by nobody but the insured, as good as unknown
        return tuple(one for one in every if value == NEVER or about.code(one) < about.unknown)
    if about.levels:
        return every[: every.index(value) + 1]
    return tuple(one for one in every if (one >= value if about.safer == "higher" else one <= value))


def at_least_as_reliable(about: Signal, source: str) -> tuple[str, ...]:
    """Sources of a signal that are no worse for a favourable observation."""
    mine = SOURCES[source]
    return tuple(
        name
        for name in about.sources
        if SOURCES[name].rank >= mine.rank and SOURCES[name].favourable >= mine.favourable
    )


@st.composite
def moments(draw, as_of=AS_OF):
    """Draw a time up to the end of `as_of`; half of them fall on the same few midnights."""
    midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) - timedelta(
        days=draw(st.sampled_from(DAYS_AGO))
    )
    return midnight + timedelta(seconds=draw(st.sampled_from((0, 0, 0, 3600, 86399))))


@st.composite
def observations(draw, name=None, *, as_of=AS_OF, connections=()):
    """Draw one valid observation, of the named signal or of any."""
    about = signals()[name] if name else draw(st.sampled_from(list(signals().values())))
    source = draw(st.sampled_from(about.sources))
    observed_at = draw(moments(as_of))
    special = ((NOT_APPLICABLE,) if about.may_not_apply else ()) + ((NEVER,) if about.kind == "age" else ())
    value = draw(st.sampled_from(some_values(about) + special))
    occurred_at = None
    if value != NEVER and (about.kind == "age" or about.window_days is not None) and draw(st.booleans()):
        # an event that is counted lies inside the window
        within = about.window_days if about.window_days is not None and value else math.inf
        occurred_at = observed_at.date() - timedelta(days=draw(st.sampled_from([d for d in DAYS_AGO if d <= within])))
    fitting = [None, *(connection.name for connection in connections if connection.kind == source)]
    return Observation(
        signal=about.name,
        value=None if occurred_at is not None and about.kind == "age" else value,
        observed_at=observed_at,
        source=source,
        occurred_at=occurred_at,
        connection=draw(st.sampled_from(fitting)),
        scope_share=draw(st.sampled_from(SCOPES)),
    )


@st.composite
def histories(draw, names=None, *, min_size=1, max_size=5):
    """Draw a signal (by default a signed one) and a few observations of it."""
    about = signals()[draw(st.sampled_from(names or [one.name for one in SIGNED]))]
    return about, draw(st.lists(observations(about.name), min_size=min_size, max_size=max_size))


@st.composite
def insureds(draw):
    """Draw a firm."""
    return Insured(
        naics=draw(st.sampled_from(("621210", "541110", "454110", "31", "523", "722511", "92"))),
        country=draw(st.sampled_from(("US", "GB", "DE", "CA", "JP"))),
        annual_revenue=draw(st.sampled_from((1.0, 75_000.0, 2.5e6, 24_999_999.99, 25e6, 99e6, 4.9e8, 1e12))),
        currency=draw(st.sampled_from(("USD", "EUR", "GBP"))),
        name=draw(st.sampled_from((None, "Müller & Søn 株式会社", 'Say "no"\n'))),
        employee_count=draw(st.sampled_from((None, 0, 12, 4_000))),
        record_count=draw(st.sampled_from((None, 0, 999, 1_000, 250_000, 10**8))),
        active_incident=draw(st.sampled_from((None, False, True))),
        known_circumstances=draw(st.sampled_from((None, False))),
        business_activities=draw(st.sampled_from(((), ("payment_processing",)))),
    )


@st.composite
def profiles(draw, *, as_of=AS_OF, max_signals=4, max_observations=5, names=None, insured=None):
    """Draw a firm with several observations of each of a few signals, some of withdrawn connections."""
    leaving = st.sampled_from((None, None, *(as_of - timedelta(days=days) for days in (-1, 0, 45))))
    connections = tuple(one.model_copy(update={"withdrawn_at": draw(leaving)}) for one in CONNECTIONS)
    chosen = draw(st.lists(st.sampled_from(names or list(signals())), max_size=max_signals, unique=True))
    found = []
    for name in chosen:
        one = observations(name, as_of=as_of, connections=connections)
        found += draw(st.lists(one, min_size=1, max_size=max_observations))
    return Profile(
        insured=insured or draw(insureds()),
        observations=tuple(draw(st.permutations(found))) if found else (),
        sources=connections,
    )


@dataclass(frozen=True, slots=True)
class Move:
    """A profile before and after one change that can only be in its favour, and where it was made."""

    before: Profile
    after: Profile
    index: int
    kind: str


@st.composite
def moves(draw, *, as_of=AS_OF, kinds=("value", "source", "date", "scope", "addition"), **about_profile):
    """Draw a move: a better value, one more favourable observation, or a better source, date or scope for one.

    Observations of withdrawn connections, of exposures and of categories stay as they are.
    """
    profile = draw(profiles(as_of=as_of, **about_profile).filter(_movable))
    index = draw(st.sampled_from(_movable(profile)))
    kind = draw(st.sampled_from(kinds))
    old = profile.observations[index]
    earlier, further = profile.observations[:index], profile.observations[index + 1 :]
    if kind != "addition":
        new = draw(improved(old, kind=kind, as_of=as_of))
        return Move(profile, _with(profile, (*earlier, new, *further)), index, kind)
    before = _with(profile, earlier + further) if is_favourable(old, as_of) else profile
    return Move(before, profile, index, kind)


@st.composite
def improved(draw, old, *, kind, as_of=AS_OF):
    """Draw the observation with a better value or, if it is favourable, a better source, date or scope."""
    about = signals()[old.signal]
    fields = {name: getattr(old, name) for name in Observation.model_fields}
    if kind == "value":
        if old.occurred_at is not None and about.kind == "age":
            fields["occurred_at"] = old.occurred_at + draw(days_up_to(old.observed_at.date() - old.occurred_at))
        elif old.value != NOT_APPLICABLE or old.source == "attestation":
            fields["value"] = draw(st.sampled_from((*at_least_as_good(about, old.value), old.value)))
    elif is_favourable(old, as_of) and kind == "source":
        fields["source"] = draw(st.sampled_from(at_least_as_reliable(about, old.source)))
        fields["connection"] = old.connection if fields["source"] == old.source else None
    elif is_favourable(old, as_of) and kind == "date":
        fields["observed_at"] = old.observed_at + draw(days_up_to(as_of - old.observed_at.date()))
    elif is_favourable(old, as_of) and kind == "scope" and old.scope_share is not None:
        fields["scope_share"] = draw(st.sampled_from([s for s in SCOPES if s is None or s >= old.scope_share]))
    return Observation(**fields)


def days_up_to(span):
    """Draw a time span of whole days: nothing, a little, or all of it."""
    days = sorted({0, 1, span.days // 2, span.days} & set(range(span.days + 1)))
    return st.sampled_from([timedelta(days=one) for one in days])


def is_favourable(observation, as_of=AS_OF):
    """Whether an observation of a signed signal speaks for the insured at a date."""
    about = signals()[observation.signal]
    return not about.is_context and observation.prepared.code_at(about, as_of.toordinal()) < about.unknown


def _movable(profile):
    gone = {one.name for one in profile.sources if one.withdrawn_at is not None}
    signed = {one.name for one in SIGNED}
    return [i for i, one in enumerate(profile.observations) if one.signal in signed and one.connection not in gone]


def _with(profile, changed):
    return Profile(insured=profile.insured, observations=changed, sources=profile.sources)


# --- covers

COVER_NAMES = (*PERILS, *PARTS)
AMOUNTS = (0.0, 10_000.0, 50_000.0, 100_000.0, 250_000.0, 1e6)


@st.composite
def requests(draw):
    """Fields of a request in which anything may be given."""
    limit = draw(st.sampled_from((100_000.0, 250_000.0, 1e6, 3e6, 1e7)))
    below = [amount for amount in AMOUNTS if amount <= limit]
    some = st.dictionaries(st.sampled_from(COVER_NAMES), st.sampled_from(below), max_size=4)
    borne = st.dictionaries(st.sampled_from(COVER_NAMES), st.sampled_from((10.0, 50.0, 100.0)), max_size=2)
    return {
        "aggregate_limit": limit,
        "per_claim_limit": draw(st.sampled_from((None, None, limit / 2, limit))),
        "retention": draw(st.sampled_from((500.0, 2_500.0, 10_000.0, 25_000.0))),
        "waiting_period_hours": draw(st.sampled_from((4.0, 8.0, 12.0, 24.0, 72.0))),
        "sublimits": draw(some),
        "coinsurance": draw(borne),
        "expiring_premium": draw(st.sampled_from((None, None, 400.0, 2_000.0, 60_000.0))),
    }
