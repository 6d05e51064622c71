"""What-if is two quotes and their differences: nothing in it is an estimate."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, Insured, Observation, Profile, ProfileError, quote, what_if
from cyberscore.profile import signals
from cyberscore.quoting.what_if import changed_by
from cyberscore.rules import DECISIONS
from strategies import AS_OF, SIGNED, insureds, profiles, some_values

PLAN = cyberscore.load_plan()
LATE = Observation(signal="exposed_rdp", value=0, observed_at=AS_OF + timedelta(days=9), source="scan")
CLINIC = cyberscore.example("dental_clinic")
firms = insureds().filter(lambda firm: 1e3 <= firm.annual_revenue <= 5e11)
some_profiles = firms.flatmap(lambda firm: profiles(insured=firm, max_signals=6))


def asked(profile, changes, coverage=None):
    return what_if(profile, changes, coverage, as_of=AS_OF, plan=PLAN)


@st.composite
def some_changes(draw):
    names = draw(st.lists(st.sampled_from(list(signals())), max_size=4, unique=True))
    found = {name: draw(st.sampled_from((None, *some_values(signals()[name])))) for name in names}
    if draw(st.booleans()):
        found |= {"annual_revenue": draw(st.sampled_from((9e5, 3e7))), "retention": draw(st.sampled_from((5e3, 5e4)))}
    return found


@settings(max_examples=40)
@given(some_profiles, some_changes())
def test_before_and_after_are_plain_quotes(profile, changes):
    found = asked(profile, changes)
    assert found.before == quote(profile, as_of=AS_OF, plan=PLAN)
    assert found.after == quote(found.profile, found.coverage, as_of=AS_OF, plan=PLAN)
    assert found.premium_change == pytest.approx(found.after.indicative_premium - found.before.indicative_premium)
    one_by_one = asked(profile, [{name: value} for name, value in changes.items()])
    assert one_by_one.after.indicative_premium == found.after.indicative_premium
    for name, value in changes.items():
        if name in signals():
            mine = [one for one in found.profile.observations if one.signal == name]
            assert (mine == []) if value is None else (mine[-1].value == value)
    before, after = set(found.before.subjectivities), set(found.after.subjectivities)
    assert set(found.subjectivities_added) == after - before
    assert set(found.subjectivities_met) == before - after


@settings(max_examples=25)
@given(some_profiles)
def test_no_change_changes_nothing(profile):
    for nothing in ({}, [], [{}], profile.observations):
        found = asked(profile, nothing)
        assert found.before == found.after
        assert (found.score_change, found.premium_change, found.ledger_changes) == (0.0, 0.0, ())


@settings(max_examples=10)
@given(some_profiles)
def test_an_improvement_is_a_what_if(profile):
    for one in quote(profile, as_of=AS_OF, plan=PLAN).improvements[:4]:
        target = signals()[one.signal].target
        for change in ({one.signal: target}, one.observation, Observation.model_validate(one.observation)):
            found = asked(profile, change)
            assert found.after.risk_score == pytest.approx(one.risk_score, abs=1e-9)
            assert found.after.indicative_premium == one.indicative_premium
            assert found.after.decision == one.decision


@settings(max_examples=40)
@given(some_profiles, st.sampled_from([one for one in SIGNED if one.target is not None]))
def test_bringing_a_signal_to_its_target_never_costs_more(profile, about):
    found = asked(profile, {about.name: about.target})
    assert found.score_change <= 1e-9
    assert found.premium_change <= 0.0
    assert DECISIONS.index(found.after.decision) <= DECISIONS.index(found.before.decision)


def test_ledger_changes_name_the_lines_that_moved_the_premium():
    found = asked(CLINIC, {"aggregate_limit": 2_000_000})
    paths = {one.path for one in found.ledger_changes}
    assert "perils.ransomware[Layer cost per claim].value" in paths
    assert not [path for path in paths if "Base rate" in path]
    found = asked(CLINIC, {"payment_verification": signals()["payment_verification"].target})
    assert {one.path.split("[")[1].split("]")[0] for one in found.ledger_changes if one.path.startswith("perils")} == {
        "payment_verification"
    }


def test_changes_of_everything():
    found = asked(
        CLINIC, {"naics": "541110", "record_count": None, "expiring_premium": 900, "sublimits": {"ransomware": 0}}
    )
    assert found.profile.insured.naics == "541110"
    assert found.profile.insured.record_count is None
    assert found.coverage.sublimits == {"ransomware": 0.0}
    # taking evidence away, then giving some, replaces it
    replaced = asked(CLINIC, [{"mfa_email_coverage": None}, {"mfa_email_coverage": 0.85}]).profile
    assert [one.value for one in replaced.observations if one.signal == "mfa_email_coverage"] == [0.85]


def test_changes_are_made_in_their_order():
    """Evidence taken away goes with its disputes, and what is given after it stays, after what was there."""
    finding = next(one for one in CLINIC.observations if one.signal == "mdr_24x7")
    other = next(one for one in CLINIC.observations if one.signal == "leaked_credentials_12m")
    disputed = CLINIC.dispute(finding, "fixed", "Bought.", at=AS_OF).dispute(other, "not_ours", "No.", at=AS_OF)
    twice = disputed.model_copy(update={"observations": (*disputed.observations, finding)})
    changed, _ = changed_by(twice, Coverage(), [{"mdr_24x7": None}, finding, {"mdr_24x7": 1}, finding], as_of=AS_OF)
    rest = tuple(one for one in CLINIC.observations if one != finding)
    assert changed.observations[: len(rest)] == rest
    assert [one.value for one in changed.observations[len(rest) :]] == [finding.value, 1]
    assert [one.observation for one in changed.disputes] == [other.digest]
    assert changed_by(twice, Coverage(), {}, as_of=AS_OF)[0] == twice
    last, cover = changed_by(
        CLINIC, Coverage(), [{"annual_revenue": 1e6}, {"annual_revenue": 2e6, "retention": 5e3}], as_of=AS_OF
    )
    assert (last.insured.annual_revenue, cover.retention) == (2e6, 5e3)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"mfa_emial_coverage": 1.0}, ProfileError, "did you mean 'mfa_email_coverage'"),
        ({"colour": 1.0}, ProfileError, "there is no 'colour'"),
        ({"mfa_email_coverage": 94}, ProfileError, "did you mean 0.94"),
        ({"country": "UK"}, ProfileError, "GB"),
        ({"retention": 5e8}, CoverageError, "retention"),
        ({"signal": "exposed_rdp", "value": 1}, ProfileError, "observed_at"),
        ([3], ProfileError, "a change must be"),
        ("exposed_rdp", ProfileError, "changes must be"),
        (
            Observation(signal="exposed_rdp", value=0, observed_at=AS_OF + timedelta(days=9), source="scan"),
            ProfileError,
            "after as_of",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(changes, error, said):
    with pytest.raises(error, match=said):
        asked(CLINIC, changes)


def test_no_name_means_two_things():
    of_cover = [name for name in Coverage.model_fields if name != "currency"]
    names = [*signals(), *Insured.model_fields, *of_cover, *Profile.model_fields, "signal"]
    assert len(set(names)) == len(names)


def test_a_cover_in_the_insureds_own_currency_follows_it():
    changed, cover = changed_by(CLINIC, Coverage(currency=CLINIC.insured.currency), {"currency": "GBP"}, as_of=AS_OF)
    assert (changed.insured.currency, cover.currency) == ("GBP", "USD")
    again, cover = changed_by(changed, Coverage(currency="GBP"), {"currency": "EUR"}, as_of=AS_OF)
    assert (again.insured.currency, cover.currency) == ("EUR", "EUR")


def test_the_usual_cover_follows_the_insureds_currency():
    data = cyberscore.example("law_firm").to_dict()
    data["insured"] |= {"currency": "JPY", "annual_revenue": 9e8}
    firm = Profile.from_dict(data)
    found = cyberscore.what_if(firm, {"currency": "EUR", "annual_revenue": 5.5e6}, as_of=AS_OF)
    assert (found.before.currency, found.after.currency) == ("JPY", "EUR")
    assert found.after.coverage["aggregate_limit"] == 1_000_000


@pytest.mark.parametrize(
    ("cover", "currency", "wanted"),
    [
        (None, "EUR", ("EUR", 1_000_000, 10_000)),
        (None, "JPY", ("JPY", 200_000_000, 2_000_000)),
        (Coverage(), "GBP", ("GBP", 1_000_000, 10_000)),
        (Coverage(retention=25_000), "EUR", ("EUR", 1_000_000, 25_000)),
        (Coverage(currency="USD"), "EUR", ("USD", 1_000_000, 10_000)),
        (Coverage(currency="USD", retention=25_000), "EUR", ("USD", 1_000_000, 25_000)),
    ],
)
def test_from_usd_a_cover_follows_the_currency_unless_it_names_usd(cover, currency, wanted):
    changes = {"currency": currency, "annual_revenue": 3.6e8 if currency == "JPY" else 2.4e6}
    after = cyberscore.what_if(CLINIC, changes, cover, as_of=AS_OF).after
    assert (after.currency, after.requested["aggregate_limit"], after.requested["retention"]) == wanted
    again = cyberscore.what_if(CLINIC, [{"waiting_period_hours": 12}, changes], cover, as_of=AS_OF).after
    assert (again.currency, again.requested["waiting_period_hours"]) == (wanted[0], 12)
