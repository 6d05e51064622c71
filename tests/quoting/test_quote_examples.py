"""Quotes one can check by eye: shipped examples, requests that make no sense, contradictions, what does not apply."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

import cyberscore
from cyberscore import Coverage, CoverageError, Observation, Profile, ProfileError, RatingPlan, quote
from cyberscore.rating.parts import WIDTH, factors
from cyberscore.rating.plan_file import PlanFiles
from cyberscore.rules import DECISIONS

AS_OF = date(2026, 11, 23)
RANK = {name: rank for rank, name in enumerate(DECISIONS)}


@pytest.fixture(scope="module")
def steep():
    """Plan in which every code of an ordered factor costs 5 % more than the one before: no learned number decides."""
    files = cyberscore.load_plan().files
    tables = {
        factor.name: [[0.05 * code * factor.monotone] * WIDTH for code in range(len(factor.labels))]
        for factor in factors()
    }
    content = {**files.content, "name": "steep", "tables": tables, "pairs": {}}
    return RatingPlan.from_files(PlanFiles(content, {**files.others, "bags.json": b'{"base":[],"deviations":[]}'}))


def firm(*observations, sources=(), **insured):
    """Build a small firm; observations are (signal, value, source) or with a date."""
    made = [
        {"signal": o[0], "value": o[1], "source": o[2], "observed_at": o[3] if len(o) > 3 else "2026-11-20"}
        for o in observations
    ]
    own = {"naics": "541110", "country": "US", "annual_revenue": 2e6, **insured}
    return Profile.from_dict({"insured": own, "observations": made, "sources": list(sources)})


def without(profile, *, signal, source):
    kept = tuple(one for one in profile.observations if (one.signal, one.source) != (signal, source))
    assert len(kept) == len(profile.observations) - 1
    return Profile(insured=profile.insured, observations=kept, sources=profile.sources)


# --- the shipped examples


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_examples_quote(name):
    profile = cyberscore.example(name)
    answer = quote(profile, as_of=AS_OF)
    assert answer.notice == "indicative, not an offer of cover"
    assert answer.decision in DECISIONS
    assert 0.0 <= answer.risk_score <= 100.0
    assert answer.band in "ABCDEF"
    assert 0.0 <= answer.safer_than <= 1.0
    assert 0.0 < answer.annual_claim_probability < 1.0
    assert answer.premium_low <= answer.indicative_premium <= answer.premium_high
    assert answer.plan_id == cyberscore.load_plan().plan_id
    assert answer.ledger.replay() == answer.indicative_premium
    assert json.loads(answer.to_json())["as_of"] == "2026-11-23"
    assert len(answer.rules) == len(cyberscore.load_plan().rules.rules)
    assert list(answer.to_dict()) == list(type(answer).__slots__)


def test_the_examples_differ_as_told():
    """The shop is well run, the manufacturer is not."""
    found = {name: quote(cyberscore.example(name), as_of=AS_OF) for name in cyberscore.example_names()}
    assert set(found) == {"dental_clinic", "law_firm", "manufacturer", "online_shop"}
    assert found["online_shop"].risk_score < found["manufacturer"].risk_score
    assert found["online_shop"].safer_than > 0.5 > found["manufacturer"].safer_than
    assert RANK[found["online_shop"].decision] <= RANK[found["manufacturer"].decision]


def test_an_empty_profile_quotes_and_asks():
    answer = quote(firm(), as_of=AS_OF)
    assert len(answer.unknowns) == len(cyberscore.signals())
    assert {one.status for one in answer.unknowns} == {"unknown", "unanswered"}
    assert answer.decision == "quote_with_contingencies"
    assert answer.subjectivities
    assert answer.contradictions == ()


def test_a_quote_does_not_change_what_it_was_given():
    profile, cover = cyberscore.example("law_firm"), Coverage(sublimits={"ransomware": 1e5})
    before = profile.to_json(), cover.to_dict()
    first = quote(profile, cover, as_of=AS_OF)
    assert (profile.to_json(), cover.to_dict()) == before
    assert quote(profile, cover, as_of=AS_OF).to_json() == first.to_json()


def test_every_input_is_in_the_digest():
    profile = cyberscore.example("dental_clinic")
    base = quote(profile, as_of=AS_OF).input_digest
    assert base == quote(profile, Coverage(), as_of=AS_OF).input_digest
    others = {
        quote(profile, Coverage(retention=25_000), as_of=AS_OF).input_digest,
        quote(profile, as_of=AS_OF + timedelta(days=1)).input_digest,
        quote(profile, as_of=AS_OF, exchange_rate=1.0).input_digest,
        quote(without(profile, signal="mdr_24x7", source="attestation"), as_of=AS_OF).input_digest,
    }
    assert len(others | {base}) == 5


# --- requests that make no sense


def test_a_floor_that_reaches_the_limit():
    school = firm(naics="611110")
    assert quote(school, Coverage(aggregate_limit=30_000, retention=1_000), as_of=AS_OF).coverage["retention"] == 25_000
    with pytest.raises(CoverageError, match=r"retention 25_000 .*must be below aggregate_limit 25_000 after the plan"):
        quote(school, Coverage(aggregate_limit=25_000, retention=1_000), as_of=AS_OF)


@pytest.mark.parametrize("cover", [{}, {"aggregate_limit": 1e6}, "1M", 1_000_000, (1e6, 1e4)])
def test_cover_of_the_wrong_type(cover):
    with pytest.raises(CoverageError, match=r"coverage must be a cyberscore\.Coverage; got .*Coverage\.from_dict"):
        quote(firm(), cover, as_of=AS_OF)


@pytest.mark.parametrize("profile", [None, {}, "firm.json", [], cyberscore.Coverage()])
def test_a_profile_of_the_wrong_type(profile):
    with pytest.raises(ProfileError, match=r"profile must be a cyberscore\.Profile; got .*Profile\.from_dict"):
        quote(profile, as_of=AS_OF)


@pytest.mark.parametrize("as_of", [None, "2026-11-23", 20261123, datetime(2026, 11, 23, tzinfo=UTC)])
def test_as_of_that_is_not_a_date(as_of):
    for ask in (quote, cyberscore.risk_score):
        with pytest.raises(ProfileError, match="as_of must be a date, such as"):
            ask(firm(), as_of=as_of)


def test_as_of_before_the_newest_observation():
    profile = firm(("exposed_rdp", 0, "scan", "2026-11-20"), ("risky_services", 0, "scan", "2026-11-24"))
    with pytest.raises(
        ProfileError, match=r"observations\[1\] \(risky_services\) was observed at 2026-11-24, after as_of"
    ):
        quote(profile, as_of=AS_OF)
    assert quote(profile, as_of=date(2026, 11, 24)).as_of == date(2026, 11, 24)


def test_a_currency_without_a_rate():
    rand = firm(currency="ZAR", country="ZA", annual_revenue=3e7)
    with pytest.raises(ProfileError, match="no rate for currency ZAR: pass exchange_rate"):
        quote(rand, as_of=AS_OF)
    answer = quote(rand, as_of=AS_OF, exchange_rate=0.055)
    assert answer.exchange_rate == 0.055
    assert cyberscore.risk_score(rand, as_of=AS_OF, exchange_rate=0.055) == answer.unclipped_score


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, "0.055", True])
def test_an_exchange_rate_that_is_none(rate):
    with pytest.raises(ProfileError, match="exchange_rate must be USD for one USD"):
        quote(firm(), as_of=AS_OF, exchange_rate=rate)


@pytest.mark.parametrize(("revenue", "rate"), [(1.0, 0.01), (1e14, 1.5), (1e10, 1e5)])
def test_revenue_beyond_the_plan_in_usd(revenue, rate):
    with pytest.raises(ProfileError, match=r"annual_revenue comes to .* USD: the plan needs between 1 and"):
        quote(firm(annual_revenue=revenue, currency="EUR"), as_of=AS_OF, exchange_rate=rate)


@pytest.mark.parametrize("revenue", [1.0, 1e12])
def test_the_smallest_and_the_largest_firm_quote(revenue):
    answer = quote(firm(annual_revenue=revenue), as_of=AS_OF)
    assert math.isfinite(answer.unclipped_score)
    assert answer.ledger.replay() == answer.indicative_premium


# --- what is shown


def test_html_escapes_what_others_wrote(steep):
    evil = "<script>alert('x')</script> & [/bold]"
    hostile = Observation.model_validate(
        {"signal": "exposed_rdp", "value": 3, "observed_at": "2026-11-20", "source": "scan", "reference": evil}
    )
    answer = quote(firm(name=evil).with_observations(hostile), as_of=AS_OF, plan=steep)
    page = answer._repr_html_()
    assert "<script" not in page
    assert page.count("<table>") == page.count("</table>") == 1
    assert "indicative, not an offer of cover" in page
    shown = next(reason for reason in answer.reasons if reason.factor == "exposed_rdp")
    assert evil in shown.evidence


def test_html_escapes_the_texts_of_a_plan():
    answer = quote(firm(), as_of=AS_OF)
    hostile = replace(answer.subjectivities[0], text="<script>1</script>")
    reason = replace(answer.reasons[0], text="<img src=x>")
    page = replace(answer, plan_id="<b>mine", subjectivities=(hostile,), reasons=(reason,))._repr_html_()
    assert not any(tag in page for tag in ("<b>", "<script", "<img"))
    assert "&lt;b&gt;mine" in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page


def test_improvements_are_sorted_and_save():
    for name in cyberscore.example_names():
        answer = quote(cyberscore.example(name), as_of=AS_OF)
        assert answer.improvements
        keys = [(-one.saving, one.points, one.signal) for one in answer.improvements]
        assert keys == sorted(keys)
        assert len({one.signal for one in answer.improvements}) == len(keys)
        for one in answer.improvements:
            assert one.saving == round(answer.indicative_premium - one.indicative_premium, 2) >= 0.0
            assert one.action
            assert RANK[one.decision] <= RANK[answer.decision]


def test_a_perfect_signal_is_no_improvement(steep):
    best = firm(("exposed_rdp", 0, "scan", "2026-11-23"), ("mfa_email_coverage", 1.0, "telemetry", "2026-11-23"))
    listed = {one.signal for one in quote(best, as_of=AS_OF, plan=steep).improvements}
    assert not {"exposed_rdp", "mfa_email_coverage"} & listed
    assert "mfa_admin_coverage" in listed


def test_premium_tax_is_a_line_of_its_own():
    law = quote(cyberscore.example("law_firm"), as_of=AS_OF)
    rate = cyberscore.load_plan().pricing.taxes["GB"]
    assert law.taxes == {"GB premium tax": round(law.indicative_premium * rate, 2)}
    assert law.ledger.premium[-1].result == law.indicative_premium
    assert not any("tax" in step.label.lower() for step in law.ledger.premium)
    assert quote(cyberscore.example("dental_clinic"), as_of=AS_OF).taxes == {}


# --- contradictions

ATTESTED, MEASURED = ("mfa_email_coverage", "attestation"), ("mfa_email_coverage", "telemetry")


def _claim(name, source):
    one = next(o for o in cyberscore.example("law_firm").observations if (o.signal, o.source) == (name, source))
    return {
        "value": one.value,
        "source": source,
        "observed_at": one.observed_at.isoformat(),
        "reference": one.reference,
        "scope_share": one.scope_share,
    }


def test_a_measurement_limits_what_an_attestation_earns(steep):
    """Attested 1.00, measured 0.62: both count, and the attestation earns only what lies between the two cells."""
    attested = ("mfa_email_coverage", 1.0, "attestation", "2026-11-23")
    measured = ("mfa_email_coverage", 0.62, "telemetry", "2026-11-23")
    both, word, tool = (
        quote(firm(*seen), as_of=AS_OF, plan=steep) for seen in ([attested, measured], [attested], [measured])
    )
    (found,) = both.contradictions
    assert (found.counts, found.earned_weight) == ("both", 0.5)
    assert found.earned_points == pytest.approx(tool.unclipped_score - both.unclipped_score, abs=1e-9)
    assert 0 < found.earned_points < quote(firm(), as_of=AS_OF, plan=steep).unclipped_score - word.unclipped_score
    assert both.unclipped_score < word.unclipped_score
    assert RANK[both.decision] <= min(RANK[word.decision], RANK[tool.decision])
    assert word.contradictions == tool.contradictions == ()
    assert "both count, and the better claim earns" in str(found)


def test_a_contradiction_is_reported(steep):
    answer = quote(cyberscore.example("law_firm"), as_of=AS_OF, plan=steep)
    (found,) = answer.contradictions
    assert found.to_dict() == {
        "signal": "mfa_email_coverage",
        "title": "MFA on email",
        "better": {**_claim("mfa_email_coverage", "attestation"), "counts": False, "weight": found.better.weight},
        "worse": {**_claim("mfa_email_coverage", "telemetry"), "counts": True, "weight": 0.97},
        "counts": "worse",
        "earned_weight": 0.0,
        "earned_points": 0.0,
        "relation": "contradiction",
    }
    assert "telemetry counts, and the better claim earns nothing" in str(found)
    reason = next(one for one in answer.reasons if one.factor == "mfa_email_coverage")
    assert reason.text == "MFA on email: 38%; other evidence disagrees"
    assert cyberscore.posture_at(cyberscore.example("law_firm"), AS_OF)["mfa_email_coverage"].contradicted


def test_a_contradiction_alone_changes_nothing_else(steep):
    """Against having only the telemetry: the same score, premium and decision."""
    law = cyberscore.example("law_firm")
    both = quote(law, as_of=AS_OF, plan=steep)
    measured = quote(without(law, signal="mfa_email_coverage", source="attestation"), as_of=AS_OF, plan=steep)
    assert measured.contradictions == ()
    assert both.decision == measured.decision
    assert both.unclipped_score == measured.unclipped_score
    assert both.indicative_premium == measured.indicative_premium
    assert both.subjectivities == measured.subjectivities
    attested = quote(without(law, signal="mfa_email_coverage", source="telemetry"), as_of=AS_OF, plan=steep)
    assert attested.unclipped_score < both.unclipped_score


def test_a_contradiction_ends_when_better_evidence_replaces_the_worse(steep):
    seen = [("mfa_email_coverage", 0.1, "attestation", "2026-01-01"), ("mfa_email_coverage", 1.0, "telemetry")]
    answer = quote(firm(*seen), as_of=AS_OF, plan=steep)
    only = quote(firm(seen[1]), as_of=AS_OF, plan=steep)
    assert answer.unclipped_score == only.unclipped_score
    assert answer.decision == only.decision


# --- what does not apply

REMOTE = "mfa_remote_coverage"


def test_not_applicable_counts_only_when_verified(steep):
    """Told by the insured it is as if unsaid; shown by a document it is as good as the best value shown so."""
    score = {
        source: cyberscore.risk_score(firm((REMOTE, "not_applicable", source)), as_of=AS_OF, plan=steep)
        for source in ("attestation", "document", "audit", "telemetry")
    }
    best = cyberscore.risk_score(firm((REMOTE, 1.0, "document")), as_of=AS_OF, plan=steep)
    silent = cyberscore.risk_score(firm(), as_of=AS_OF, plan=steep)
    assert score["document"] == pytest.approx(best, abs=1e-9)
    assert score["attestation"] == silent
    assert score["telemetry"] <= score["audit"] <= score["document"] < score["attestation"]


def test_not_applicable_is_shown_as_such(steep):
    shop = cyberscore.example("online_shop")
    assert cyberscore.posture_at(shop, AS_OF)[REMOTE].status == "not_applicable"
    answer = quote(shop, as_of=AS_OF, plan=steep)
    assert REMOTE not in {one.signal for one in answer.unknowns}
    reason = next(one for one in answer.reasons if one.factor == REMOTE)
    assert reason.text == "MFA on remote access: not applicable"
    assert next(one.outcome for one in answer.rules if one.rule == "U04") == "pass"


def test_not_applicable_where_it_cannot_be():
    with pytest.raises(ProfileError, match="mfa_email_coverage cannot be not_applicable: give its value"):
        firm(("mfa_email_coverage", "not_applicable", "telemetry"))


# --- the four states of a signal


def test_observed_good_unknown_unanswered_and_observed_bad_are_in_that_order(steep):
    """Unknown is what a favourable answer fades to; unanswered is nothing at all of what is always asked."""
    cases = {
        "good": firm(("mfa_email_coverage", 1.0, "telemetry")),
        "unknown": firm(("mfa_email_coverage", 1.0, "attestation", "1990-01-01")),
        "unanswered": firm(),
        "bad": firm(("mfa_email_coverage", 0.0, "telemetry")),
    }
    scores = [cyberscore.risk_score(profile, as_of=AS_OF, plan=steep) for profile in cases.values()]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


def test_a_withdrawn_connection_keeps_what_speaks_against_the_insured(steep):
    tenant = {"name": "tenant", "kind": "telemetry"}
    seen = [
        {"signal": name, "value": 1.0 if name == "mfa_admin_coverage" else 0.1, "observed_at": "2026-11-20",
         "source": "telemetry", "connection": "tenant"}
        for name in ("mfa_admin_coverage", "mfa_email_coverage")
    ]  # fmt: skip
    insured = {"naics": "541110", "country": "US", "annual_revenue": 2e6}
    live, gone = (
        Profile.from_dict({"insured": insured, "observations": seen, "sources": [{**tenant, **left}]})
        for left in ({}, {"withdrawn_at": "2026-11-23"})
    )
    answers = [quote(profile, as_of=AS_OF, plan=steep) for profile in (live, gone)]
    outcome = [{one.rule: one.outcome for one in answer.rules} for answer in answers]
    assert [one["U03-small"] for one in outcome] == ["fail", "fail"]
    assert answers[1].unclipped_score > answers[0].unclipped_score
    assert "mfa_admin_coverage" in {one.signal for one in answers[1].unknowns}


@pytest.mark.parametrize(("retention", "noted"), [(2_500, True), (9_999, True), (10_000, False)])
def test_a_retention_below_the_claims_is_noted(retention, noted):
    answer = quote(firm(), Coverage(retention=retention), as_of=AS_OF)
    assert any("below 10,000, the lowest the plan's claims tell of" in line for line in answer.warnings) == noted
