"""Work grows in step with the evidence, the changes and the disputes, never with their product or a square."""

import random
from datetime import UTC, datetime, timedelta

import pytest

import cyberscore
from cyberscore import Insured, Observation, Profile, contradictions, next_evidence, path_to, posture_at, quote, what_if
from cyberscore.profile.disputes import Dispute
from strategies import AS_OF
from work import lines_run

PLAN = cyberscore.load_plan()
FIRM = Insured(naics="541110", country="US", annual_revenue=2e6)
TODAY = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
SLACK = 1.5
"""Four times as much may take a little more than four times the work: sorting, more days. A square takes sixteen."""

SHAPES = {
    "over months": lambda k, n, rng: {
        "value": rng.choice((0.3, 0.62, 0.9, 1.0)),
        "observed_at": TODAY - timedelta(minutes=11 * k),
    },
    "on one day": lambda k, n, rng: {
        "value": rng.choice((0.3, 0.62, 0.9, 1.0)),
        "observed_at": TODAY + timedelta(seconds=k),
    },
    "all favourable": lambda k, n, rng: {
        "value": rng.choice((0.9, 0.97, 1.0)),
        "observed_at": TODAY + timedelta(seconds=k),
    },
    "all adverse": lambda k, n, rng: {
        "value": rng.choice((0.0, 0.2, 0.4)),
        "observed_at": TODAY + timedelta(seconds=k),
    },
    "of as many scopes": lambda k, n, rng: {
        "value": rng.choice((0.9, 0.97, 1.0)),
        "observed_at": TODAY + timedelta(seconds=n - k),
        "scope_share": (k + 1) / n,
    },
}

WEIGH = {
    "posture": lambda profile: list(posture_at(profile, AS_OF)),
    "contradictions": lambda profile: contradictions(posture_at(profile, AS_OF)),
    "quote": lambda profile: quote(profile, as_of=AS_OF, plan=PLAN),
    "next": lambda profile: next_evidence(profile, PLAN, as_of=AS_OF),
    "path": lambda profile: path_to(profile, "band:A", as_of=AS_OF, plan=PLAN),
    "merge": lambda profile: profile.merge(profile),
}


def seen(n, shape, name="mfa_email_coverage"):
    """Observations of one signal; each has a reference of its own."""
    rng = random.Random(n)  # noqa: S311  no secret
    sources = ("telemetry", "document", "attestation")
    return [
        Observation(signal=name, source=rng.choice(sources), reference=str(k), **SHAPES[shape](k, n, rng))
        for k in range(n)
    ]


def grows_in_step(call_of):
    """Hold the work of 1,600 to about four times that of 400."""
    few, many = (lines_run(call_of(n)) for n in (400, 1_600))
    assert many <= 4.0 * SLACK * few, (few, many)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weigh", WEIGH)
def test_evidence_on_one_signal(shape, weigh):
    def call_of(n):
        profile = Profile(insured=FIRM, observations=tuple(seen(n, shape)))
        return lambda: WEIGH[weigh](profile)

    grows_in_step(call_of)


def test_adding_observations():
    def call_of(n):
        profile = Profile(insured=FIRM, observations=tuple(seen(n, "over months")))
        return lambda: profile.with_observations(*seen(n + 1, "on one day"))

    grows_in_step(call_of)


@pytest.mark.parametrize("of", ["observations", "values", "values and none", "insured"])
def test_changes_of_what_if(of):
    """As many changes as observations: their work adds up, it does not multiply."""

    def change(k):
        if of == "observations":
            return Observation(signal="exposed_rdp", value=0, observed_at=TODAY, source="scan", reference=str(k))
        if of == "insured":
            return {"annual_revenue": 1e6 + k, "retention": 5_000 + k}
        return {"mfa_email_coverage": None if of == "values and none" and k % 2 else (k % 99) / 100}

    def call_of(n):
        profile = Profile(insured=FIRM, observations=tuple(seen(n, "over months")))
        changes = [change(k) for k in range(n // 4)]
        return lambda: what_if(profile, changes, as_of=AS_OF, plan=PLAN)

    grows_in_step(call_of)


@pytest.mark.parametrize("mended", [False, True])
def test_disputes(mended):
    """As many disputes as findings of one signal, standing or mended since."""

    def call_of(n):
        findings = seen(n, "all adverse")
        mends = [
            Observation(signal="mfa_email_coverage", value=1.0, observed_at=TODAY + timedelta(hours=9), source=source)
            for source in ("telemetry", "attestation")
        ]
        profile = Profile(
            insured=FIRM,
            observations=(*findings, *(mends if mended else ())),
            disputes=tuple(Dispute(observation=one.digest, kind="fixed", note="Mended.", at=AS_OF) for one in findings),
        )
        return lambda: quote(profile, as_of=AS_OF, plan=PLAN)

    grows_in_step(call_of)
