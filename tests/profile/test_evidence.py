"""Properties of the evidence blend: mixtures are ordered by cumulative weight, from the safest code on."""

from datetime import timedelta
from itertools import accumulate

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from cyberscore.profile import SOURCES, Observation, signals
from cyberscore.profile.evidence import mixture_at
from strategies import AS_OF, DAYS_AGO, SIGNED, examples, histories, improved, is_favourable

TODAY = AS_OF.toordinal()
ANY = list(signals())


def mixture_of(about, observations, day=TODAY):
    return mixture_at(about, [one.prepared for one in observations], day)


def weights(about, mixture):
    """Weight of each code."""
    found = [0.0] * about.n_codes
    for code, weight in mixture:
        found[code] += weight
    return found


def is_no_riskier(about, one, other):
    """Whether `one` has at least the other's weight on the k safest codes, for every k."""
    ours, theirs = accumulate(weights(about, one)), accumulate(weights(about, other))
    return all(a >= b - 1e-12 for a, b in zip(ours, theirs, strict=True))


def see(name, value, days_ago=0, source="attestation", **fields):
    return Observation(signal=name, value=value, observed_at=AS_OF - timedelta(days=days_ago), source=source, **fields)


# --- what holds for every history


@given(histories(ANY, min_size=0, max_size=6))
def test_weights_are_shares_of_one(history):
    about, observations = history
    mixture = mixture_of(about, observations)
    assert all(0.0 <= weight <= 1.0 for _, weight in mixture)
    assert sum(weight for _, weight in mixture) == pytest.approx(1.0, abs=1e-12)
    assert len({code for code, _ in mixture}) == len(mixture)
    assert all(0 <= code < about.n_codes for code, _ in mixture)


@given(histories(ANY), st.data())
def test_order_and_duplicates_change_nothing(history, data):
    about, observations = history
    again = observations + data.draw(st.lists(st.sampled_from(observations), max_size=3))
    shuffled = data.draw(st.permutations(again))
    assert weights(about, mixture_of(about, shuffled)) == pytest.approx(
        weights(about, mixture_of(about, observations)), abs=1e-15
    )


@given(histories(), st.data())
@examples(100)
def test_a_better_value_is_never_riskier(history, data):
    about, observations = history
    i = data.draw(st.integers(0, len(observations) - 1))
    better = [*observations[:i], data.draw(improved(observations[i], kind="value")), *observations[i + 1 :]]
    event(f"changed: {better != observations}")
    assert is_no_riskier(about, mixture_of(about, better), mixture_of(about, observations))


@given(histories(), st.data(), st.sampled_from(("source", "date", "scope")))
@examples(100)
def test_a_better_source_a_fresher_date_or_a_wider_scope_of_a_favourable_one_is_never_riskier(history, data, kind):
    about, observations = history
    favourable = [i for i, one in enumerate(observations) if is_favourable(one)]
    assume(favourable)
    i = data.draw(st.sampled_from(favourable))
    better = [*observations[:i], data.draw(improved(observations[i], kind=kind)), *observations[i + 1 :]]
    event(f"changed: {better != observations}")
    assert is_no_riskier(about, mixture_of(about, better), mixture_of(about, observations))


@given(histories(), st.data())
@examples(100)
def test_deleting_a_favourable_observation_is_never_safer(history, data):
    about, observations = history
    favourable = [i for i, one in enumerate(observations) if is_favourable(one)]
    assume(favourable)
    i = data.draw(st.sampled_from(favourable))
    rest = observations[:i] + observations[i + 1 :]
    assert is_no_riskier(about, mixture_of(about, observations), mixture_of(about, rest))


@given(histories(), st.sampled_from(DAYS_AGO), st.integers(0, 900))
@examples(100)
def test_time_alone_is_never_safer(history, days, more):
    """But for events that leave their window: there only until the first one does."""
    about, observations = history
    now, later = TODAY + days, TODAY + days + more
    prepared = [one.prepared for one in observations]
    if about.window_days is not None:
        assume(all(one.lapsed(about, one.code, now) == one.lapsed(about, one.code, later) for one in prepared))
    assert is_no_riskier(about, mixture_at(about, prepared, now), mixture_at(about, prepared, later))


@given(histories([about.name for about in SIGNED if about.window_days is None]), st.integers(0, 900))
def test_an_adverse_observation_stands(history, more):
    """Alone, or among others of its kind, it weighs the same for ever."""
    about, observations = history
    adverse = [one for one in observations if not is_favourable(one)]
    assume(adverse)
    now, later = mixture_of(about, adverse), mixture_of(about, adverse, TODAY + more)
    assert now[-1] == later[-1]
    assert all(code >= about.unknown for code, _ in later)


@given(histories([about.name for about in signals().values() if about.is_context]), st.integers(0, 900))
def test_an_exposure_or_a_category_is_what_was_seen_last(history, more):
    about, observations = history
    newest = max(one.observed_at for one in observations)
    best = max(SOURCES[one.source].rank for one in observations if one.observed_at == newest)
    code, weight = mixture_of(about, observations, TODAY + more)[0]
    last = [one for one in observations if one.observed_at == newest and SOURCES[one.source].rank == best]
    assert code == max(about.code(one.value) for one in last)
    assert weight in {SOURCES[one.source].favourable for one in last}


@given(histories(["mfa_remote_coverage", "payment_verification"]))
def test_not_applicable_by_word_alone_is_no_better_than_unknown(history):
    about, observations = history
    mine = see(about.name, "not_applicable")
    assert dict(mixture_of(about, [mine]))[about.unknown] == 1.0
    favourable = [one for one in observations if is_favourable(one)]
    assume(favourable)
    assert weights(about, mixture_of(about, [*favourable, mine])) == weights(about, mixture_of(about, favourable))
    verified = see(about.name, "not_applicable", source="document")
    assert mixture_of(about, [verified])[0] == (0, 0.75)


@given(histories(), st.data(), st.floats(1e-6, 1.0))
def test_a_finding_is_a_finding_whatever_the_scope(history, data, share):
    """A narrow look weighs as much against the insured as a look at everything, and no less for standing alone."""
    about, observations = history
    adverse = [one for one in observations if not is_favourable(one)]
    assume(adverse)
    narrow = [one.model_copy(update={"scope_share": share}) for one in adverse]
    assert mixture_of(about, narrow) == mixture_of(about, adverse)


@given(histories(), st.data(), st.sampled_from((0.001, 0.015, 0.5, 0.999)))
@examples(100)
def test_a_wider_scope_of_a_finding_is_never_safer(history, data, share):
    about, observations = history
    adverse = [i for i, one in enumerate(observations) if not is_favourable(one)]
    assume(adverse)
    i = data.draw(st.sampled_from(adverse))
    narrow = [*observations[:i], observations[i].model_copy(update={"scope_share": share}), *observations[i + 1 :]]
    wide = [*observations[:i], observations[i].model_copy(update={"scope_share": None}), *observations[i + 1 :]]
    assert is_no_riskier(about, mixture_of(about, narrow), mixture_of(about, wide))


# --- values worked out by hand


@pytest.mark.parametrize(("share", "weight"), [(None, 0.9), (1.0, 0.9), (0.5, 0.45), (3 / 200, 0.9 * 3 / 200)])
def test_what_was_not_looked_at_is_unknown(share, weight):
    about = signals()["exposed_rdp"]
    mixture = mixture_of(about, [see(about.name, 0, 0, "scan", scope_share=share)])
    assert mixture == ((0, pytest.approx(weight)), (about.unknown, pytest.approx(1 - weight)))
    found = mixture_of(about, [see(about.name, 2, 0, "scan", scope_share=share)])
    assert found[0][1] == 0.9
    context = mixture_of(signals()["mail_platform"], [see("mail_platform", "google", 0, "scan", scope_share=share)])
    assert context[0][1] == 0.9


@pytest.mark.parametrize(
    ("found_in", "clean_in", "cleared"),
    [(None, None, True), (None, 0.8, True), (None, 0.79, False), (0.5, 0.4, True), (0.5, 0.39, False),
     (0.015, 0.015, True), (0.015, 1.0, True), (1.0, 0.015, False)],
)  # fmt: skip
def test_a_narrow_look_does_not_clear_what_a_wide_one_found(found_in, clean_in, cleared):
    about = signals()["exposed_rdp"]
    finding = see(about.name, 2, 9, "scan", scope_share=found_in)
    clean = see(about.name, 0, 0, "scan", scope_share=clean_in)
    mixture = mixture_of(about, [finding, clean])
    assert (mixture[0][0] < about.unknown) == cleared
    assert mixture_of(about, [clean, finding]) == mixture


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan"), float("inf"), "half"])
def test_a_share_of_the_scope_lies_between_nothing_and_all(share):
    with pytest.raises(ValueError, match="scope_share"):
        see("exposed_rdp", 0, 0, "scan", scope_share=share)


@pytest.mark.parametrize(
    ("name", "value", "source", "days", "weight"),
    [
        ("edr_coverage", 0.97, "telemetry", 0, 0.97),
        ("edr_coverage", 0.97, "telemetry", 120, 0.97 / 2),
        ("edr_coverage", 0.97, "telemetry", 240, 0.97 / 4),
        ("edr_coverage", 0.97, "attestation", 120, 0.25),
        ("exposed_rdp", 0, "scan", 30, 0.45),
        ("mdr_24x7", 1, "document", 365, 0.375),
        ("mdr_24x7", 1, "audit", 0, 0.9),
        ("mdr_24x7", 0, "attestation", 5_000, 0.95),
        ("edr_coverage", 0.0, "telemetry", 5_000, 0.97),
        ("exposed_rdp", 4, "scan", 5_000, 0.9),
        ("mail_platform", "google", "scan", 5_000, 0.9),
        ("training_age_days", 10, "telemetry", 60, 0.97),
    ],
)
def test_weight_of_one_observation(name, value, source, days, weight):
    about = signals()[name]
    mixture = mixture_of(about, [see(name, value, days, source)])
    assert mixture[0][1] == pytest.approx(weight, rel=1e-12)
    assert mixture[1] == (about.rest_of(mixture[0][0]), pytest.approx(1 - weight))


@pytest.mark.parametrize(
    ("sightings", "labels"),
    [
        ([], {"unanswered": 1.0}),
        # two favourable ones: the weaker claim takes over where the stronger has no weight
        (
            [(0.97, 0, "attestation"), (0.6, 0, "telemetry")],
            {"0.95 or more": 0.5, "0.5 to under 0.8": 0.47, "unknown": 0.03},
        ),
        ([(0.97, 0, "telemetry"), (0.6, 0, "attestation")], {"0.95 or more": 0.97, "unknown": 0.03}),
        # an adverse one stands until a newer one from a source as good
        ([(0.01, 9, "telemetry"), (0.97, 0, "attestation")], {"under 0.05": 0.97, "unanswered": 0.03}),
        ([(0.01, 9, "attestation"), (0.97, 0, "attestation")], {"0.95 or more": 0.5, "unknown": 0.5}),
        ([(0.01, 0, "attestation"), (0.97, 0, "attestation")], {"under 0.05": 0.95, "unanswered": 0.05}),
        ([(0.01, 9, "attestation"), (0.97, 0, "telemetry")], {"0.95 or more": 0.97, "unknown": 0.03}),
        # and stands again when the better source itself says so later
        ([(0.97, 9, "telemetry"), (0.01, 0, "telemetry")], {"under 0.05": 0.97, "unanswered": 0.03}),
    ],
)
def test_mixture_of_several(sightings, labels):
    about = signals()["edr_coverage"]
    mixture = mixture_of(about, [see("edr_coverage", *one) for one in sightings])
    assert {about.labels[code]: weight for code, weight in mixture if weight} == pytest.approx(labels)


def test_the_worst_adverse_one_counts():
    about = signals()["mfa_email_coverage"]
    seen = [see(about.name, 0.3, 1, "telemetry"), see(about.name, 0.0, 0, "attestation")]
    found = {about.labels[code]: weight for code, weight in mixture_of(about, seen)}
    assert found == pytest.approx({"under 0.05": 0.95, "0.05 to under 0.5": 0.02, "unanswered": 0.03})


def test_events_leave_their_window():
    about = signals()["malware_beacons_90d"]
    old = see(about.name, 5, 10, "scan", occurred_at=AS_OF - timedelta(days=90))
    assert mixture_of(about, [old])[0] == (3, 0.9)
    assert mixture_of(about, [old], TODAY + 1) == ((about.unknown, 1.0),)
    undated = see(about.name, 5, 10, "scan")  # counted from the day it was seen
    assert mixture_of(about, [undated], TODAY + 80)[0][0] > about.unknown
    assert mixture_of(about, [undated], TODAY + 81) == ((about.unknown, 1.0),)
    clean = see(about.name, 0, 40, "scan")
    assert mixture_of(about, [old, clean])[0][0] > about.unknown  # what came after stands
    assert mixture_of(about, [old, clean], TODAY + 1)[0][0] == 0  # until it left the window


def test_a_certificate_expires():
    about = signals()["assurance_level"]
    old = see(about.name, "none", 800, "document")
    certificate = see(about.name, "audited", 365, "audit")
    assert mixture_of(about, [certificate])[0] == (0, pytest.approx(0.45))
    assert mixture_of(about, [certificate], TODAY + 1) == ((about.unknown, 1.0),)
    assert mixture_of(about, [old, certificate])[0][0] == 0
    assert mixture_of(about, [old, certificate], TODAY + 1)[0] == (about.n_codes - 1, 0.95)


@pytest.mark.parametrize("fields", [{"value": 80}, {"occurred_at": AS_OF - timedelta(days=100)}])
def test_an_age_grows(fields):
    about = signals()["training_age_days"]
    one = Observation(signal=about.name, observed_at=AS_OF - timedelta(days=20), source="telemetry", **fields)
    for days, label in (
        (0, "90 to under 365"),
        (264, "90 to under 365"),
        (265, "365 to under 730"),
        (630, "730 or more"),
    ):
        code = mixture_of(about, [one], TODAY + days)[0][0]
        assert about.labels[code] == label
    never = see(about.name, "never", 400, "attestation")
    assert mixture_of(about, [never])[0] == (about.n_codes - 1, 0.95)


def test_equal_observations_are_equal_also_once_prepared():
    one, other = see("edr_coverage", 1), see("edr_coverage", 1.0)
    assert one.prepared == other.prepared
    assert one == other
    assert hash(one) == hash(other)
    assert one != see("edr_coverage", 0.9)
    assert len({one, other, see("edr_coverage", 1, 1)}) == 2
    assert one.model_copy(update={"value": 0.0}).prepared.code > one.prepared.code


@pytest.mark.parametrize(
    ("name", "first", "second", "counts"),
    [
        # rows of the table in the module's docstring: (value, days ago, source, share of the scope) twice
        ("edr_coverage", (0.97, 9, "attestation", None), (0.6, 0, "telemetry", None), "both"),
        ("mfa_email_coverage", (0.3, 1, "telemetry", None), (0.0, 0, "attestation", None), "both"),
        ("exposed_rdp", (2, 9, "scan", None), (0, 0, "scan", 0.9), "second"),
        ("edr_coverage", (0.01, 9, "telemetry", None), (0.97, 0, "attestation", None), "first"),
        ("exposed_rdp", (2, 9, "scan", None), (0, 0, "scan", 0.015), "first"),
        ("edr_coverage", (0.97, 9, "telemetry", None), (0.01, 0, "telemetry", None), "second"),
        ("edr_coverage", (0.97, 9, "telemetry", None), (0.01, 0, "attestation", None), "second"),
        ("edr_coverage", (0.97, 0, "telemetry", None), (0.01, 0, "attestation", None), "second"),
        ("mail_platform", ("google", 9, "scan", None), ("on_premises", 0, "scan", None), "second"),
    ],
)
def test_how_two_tools_on_one_signal_combine(name, first, second, counts):
    about = signals()[name]
    seen = [see(name, value, days, source, scope_share=share) for value, days, source, share in (first, second)]
    codes = [about.code(one.value) for one in seen]
    wanted = {"first": codes[:1], "second": codes[1:], "both": codes}[counts]
    for observations in (seen, seen[::-1]):
        told = {code for code, weight in mixture_of(about, observations) if weight > 0}
        assert told - {about.unknown, about.unanswered} == set(wanted)
