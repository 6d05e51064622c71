"""What is said to be done is not told to be done: it is told to be shown, and by what."""

from datetime import timedelta

import pytest
from hypothesis import given
from typer.testing import CliRunner

import cyberscore
from cyberscore import Connection, Insured, Observation, Profile, next_evidence, path_to, posture_at, quote, what_if
from cyberscore.cli import app as cli
from cyberscore.profile import signals
from cyberscore.profile.evidence import SOURCES
from cyberscore.profile.signals import NOT_APPLICABLE
from cyberscore.quoting.advice import KINDS, _words
from cyberscore.quoting.next_evidence import SURE
from cyberscore.report import render_report
from cyberscore.report.language import language
from strategies import AS_OF, SIGNED, examples, profiles

PLAN = cyberscore.load_plan()
FIRM = Insured(naics="541110", country="US", annual_revenue=2e6)
RDP = "Take remote desktop off the internet."


def see(value, days=0, source="scan", *, name="exposed_rdp", **more):
    return Observation(signal=name, value=value, observed_at=AS_OF - timedelta(days=days), source=source, **more)


def mfa(value, days=0, source="attestation", *, name="mfa_email_coverage", **more):
    return see(value, days, source, name=name, **more)


def improvement(profile, name):
    answer = quote(profile, as_of=AS_OF, plan=PLAN)
    return next(one for one in answer.improvements if one.signal == name)


TELEMETRY = Connection(name="tenant", kind="telemetry", withdrawn_at=AS_OF - timedelta(days=1))
REMOTE = {"name": "mfa_remote_coverage"}
PAID = {"name": "payment_verification"}
CERTIFIED = {"name": "assurance_level"}
TESTED = {"name": "restore_test_age_days"}
BOTH = "dual_approval_and_callback"

CASES = {
    # nothing is known: do it, and show it
    "nothing said": ([], "exposed_rdp", "do", "Take remote desktop off the internet, and show it by scan."),
    "long out of its window": (
        [see(3, 700, name="leaked_credentials_12m")],
        "leaked_credentials_12m",
        "do",
        "Reset leaked credentials and watch for new leaks, and show it by scan.",
    ),
    # it is known not to be so
    "a finding": ([see(2, 9)], "exposed_rdp", "do", RDP),
    "a finding after a clean scan": ([see(0, 90), see(2, 9)], "exposed_rdp", "do", RDP),
    "a finding of the same day": ([see(0, 9), see(2, 9)], "exposed_rdp", "do", RDP),
    "a finding on one host of many": ([see(1, 9, scope_share=0.01)], "exposed_rdp", "do", RDP),
    "a clean look at a few hosts does not clear a finding on all": (
        [see(2, 30), see(0, 9, scope_share=0.05)],
        "exposed_rdp",
        "do",
        RDP,
    ),
    "admitted": ([mfa(0.0, 9)], "mfa_email_coverage", "do", "Enforce MFA on every mailbox."),
    "admitted after it was shown": (
        [mfa(1.0, 40, "telemetry"), mfa(0.2, 9)],
        "mfa_email_coverage",
        "do",
        "Enforce MFA on every mailbox.",
    ),
    "good, but not at its best": ([mfa(0.85, 9)], "mfa_email_coverage", "do", "Enforce MFA on every mailbox."),
    "said to be at its best, measured since to be less": (
        [mfa(1.0, 40), mfa(0.85, 9, "telemetry")],
        "mfa_email_coverage",
        "do",
        "Enforce MFA on every mailbox.",
    ),
    "a VPN that is not known to be risky": (
        [see("other", 9, name="edge_vpn_class")],
        "edge_vpn_class",
        "do",
        "Replace the VPN with zero-trust access.",
    ),
    "patched within a week, which is not less": (
        [see(7, 2, "telemetry", name="critical_patch_median_days")],
        "critical_patch_median_days",
        "do",
        "Patch critical vulnerabilities in less than a week.",
    ),
    "approved or in a vault, but standing": (
        [see(2, 2, "telemetry", name="privileged_access_level")],
        "privileged_access_level",
        "do",
        "Give administrator rights just in time",
    ),
    "an event that has aged": ([see(400, 2, "document", **TESTED)], "restore_test_age_days", "do", "Test a full"),
    "it does not apply, the firm said, but it was found to": (
        [mfa(NOT_APPLICABLE, 40, **REMOTE), mfa(0.3, 9, "telemetry", **REMOTE)],
        "mfa_remote_coverage",
        "do",
        "Enforce MFA for every remote and VPN user.",
    ),
    # it is said to be so
    "attested": (
        [mfa(1.0, 54)],
        "mfa_email_coverage",
        "show",
        "Show it by telemetry or audit: MFA on email, 100% (so far attestation of 2026-09-30).",
    ),
    "attested in the best cell, not at its very end": (
        [mfa(0.97, 54)],
        "mfa_email_coverage",
        "show",
        "MFA on email, 97% (so far attestation of 2026-09-30).",
    ),
    "attested again after it was shown": (
        [mfa(1.0, 2_000, "telemetry"), mfa(1.0, 9)],
        "mfa_email_coverage",
        "show",
        "so far attestation of 2026-11-14",
    ),
    "documented": (
        [see(BOTH, 9, "document", **PAID)],
        "payment_verification",
        "show",
        "Show it by audit: Payment verification, dual approval and callback (so far document of 2026-11-14).",
    ),
    "an event that was told": (
        [see(30, 2, "attestation", **TESTED)],
        "restore_test_age_days",
        "show",
        "Show it by telemetry or audit: Days since a restore test, 32 (so far attestation of 2026-11-21).",
    ),
    "it does not apply, the firm says": (
        [mfa(NOT_APPLICABLE, 9, **REMOTE)],
        "mfa_remote_coverage",
        "show",
        "Show it by telemetry or audit: MFA on remote access, not applicable (so far attestation of 2026-11-14).",
    ),
    "it does not apply, a document says": (
        [mfa(NOT_APPLICABLE, 9, "document", **REMOTE)],
        "mfa_remote_coverage",
        "show",
        "not applicable (so far document of 2026-11-14).",
    ),
    "said to be mended since a finding": (
        [mfa(0.38, 40, "telemetry"), mfa(1.0, 9)],
        "mfa_email_coverage",
        "show",
        "MFA on email, 100% (attestation of 2026-11-14 says so, telemetry of 2026-10-14 said 38%).",
    ),
    "said to be better than was measured": (
        [mfa(0.85, 40, "telemetry"), mfa(1.0, 9)],
        "mfa_email_coverage",
        "show",
        "telemetry of 2026-10-14 said 85%",
    ),
    "a finding that was mended since, shown, and attested anew": (
        [mfa(0.1, 900, "telemetry"), mfa(1.0, 800, "telemetry"), mfa(1.0, 9)],
        "mfa_email_coverage",
        "show",
        "so far attestation of 2026-11-14",
    ),
    # it was shown, too long ago
    "an old scan": (
        [see(0, 300)],
        "exposed_rdp",
        "renew",
        "Show it anew by scan: Remote desktop exposed to the internet, 0 (the last evidence is scan of 2026-01-27).",
    ),
    "an old scan and an older finding that it cleared": (
        [see(2, 600), see(0, 300)],
        "exposed_rdp",
        "renew",
        "the last evidence is scan of 2026-01-27",
    ),
    "a certificate that has expired": (
        [see("audited", 900, "audit", **CERTIFIED)],
        "assurance_level",
        "renew",
        "the last evidence is audit of 2024-06-06",
    ),
    "a connection that was withdrawn": (
        [mfa(1.0, 9, "telemetry", connection="tenant")],
        "mfa_email_coverage",
        "renew",
        "Show it anew by telemetry or audit: MFA on email, 100% (the last evidence is telemetry of 2026-11-14).",
    ),
    "a finding, and a clean look by a connection that was withdrawn": (
        [mfa(0.1, 40, "document"), mfa(1.0, 9, "telemetry", connection="tenant")],
        "mfa_email_coverage",
        "show",
        "telemetry of 2026-11-14 says so, document of 2026-10-14 said 10%",
    ),
    "old telemetry, and a word that is not quite as good since": (
        [mfa(1.0, 100, "telemetry"), mfa(0.9, 9)],
        "mfa_email_coverage",
        "renew",
        "the last evidence is telemetry of 2026-08-15",
    ),
    # it was shown for a part
    "a scan of some hosts": (
        [see(0, 2, scope_share=0.4)],
        "exposed_rdp",
        "widen",
        "Show it for all by scan: Remote desktop exposed to the internet, 0 (scan of 2026-11-21 looked at 40 %).",
    ),
    "telemetry of a few, fresh": (
        [mfa(1.0, 0, "telemetry", scope_share=0.015)],
        "mfa_email_coverage",
        "widen",
        "telemetry of 2026-11-23 looked at 1.5 %",
    ),
}


def firm(seen):
    linked = any(one.connection for one in seen)
    return Profile(insured=FIRM, observations=tuple(seen), sources=(TELEMETRY,) if linked else ())


@pytest.mark.parametrize("case", CASES)
def test_advice_asks_for_what_is_lacking(case):
    seen, name, kind, words = CASES[case]
    for order in (seen, seen[::-1]):
        profile = firm(order)
        found = improvement(profile, name)
        assert found.kind == kind
        assert words in found.action
        if kind != "do":
            assert signals()[name].advice.rstrip(".") not in found.action
        told = found.to_dict()
        assert (told["kind"], told["action"], told["shown_by"]) == (
            found.kind,
            found.action,
            list(found.advice.shown_by),
        )
        assert set(told["shown_by"]) <= set(signals()[name].sources) - {"attestation"}
        path = path_to(profile, "score:0", as_of=AS_OF, plan=PLAN)
        steps = {one.signal: one for one in path.steps}
        assert (steps[name].kind, steps[name].action) == (kind, found.action)
        assert {key: steps[name].to_dict()[key] for key in ("kind", "action")} == {"kind": kind, "action": found.action}


def test_what_does_not_apply_is_shown_not_to_apply():
    """A firm without remote access is not asked to enforce MFA on it, nor to show that it did."""
    for source in ("attestation", "document"):
        found = improvement(firm([mfa(NOT_APPLICABLE, 9, source, **REMOTE)]), "mfa_remote_coverage")
        assert found.observation["value"] == NOT_APPLICABLE
        shown = firm([mfa(NOT_APPLICABLE, 9, source, **REMOTE), Observation.model_validate(found.observation)])
        assert quote(shown, as_of=AS_OF, plan=PLAN).indicative_premium == found.indicative_premium


@pytest.mark.parametrize("kind", ["fixed", "false_positive", "not_ours"])
def test_a_finding_in_dispute_is_to_be_shown_false_or_mended(kind):
    finding = see(2, 9)
    profile = firm([finding]).dispute(finding, kind, "Not so.", at=AS_OF)
    found = improvement(profile, "exposed_rdp")
    assert (found.kind, found.advice.shown_by) == ("show", ("scan",))
    assert found.action.startswith("Show by scan that a finding in dispute is not so: Remote desktop exposed to the ")
    assert found.action.endswith("internet, 2 (scan of 2026-11-14).")
    assert path_to(profile, "score:0", as_of=AS_OF, plan=PLAN).steps[0].kind in KINDS
    later = firm([finding]).dispute(finding, kind, "Not so.", at=AS_OF + timedelta(days=1))
    assert improvement(later, "exposed_rdp").action == RDP
    before = firm([see(0, 60), finding]).dispute(finding, kind, "Not so.", at=AS_OF)
    assert improvement(before, "exposed_rdp").advice.case == "show_denied"
    since = firm([mfa(0.3, 60, "telemetry"), mfa(1.0, 9)]).dispute(mfa(0.3, 60, "telemetry"), kind, "No.", at=AS_OF)
    assert improvement(since, "mfa_email_coverage").advice.case == "show_against"
    part = firm([mfa(0.3, 9, "telemetry"), mfa(0.85, 20)]).dispute(mfa(0.3, 9, "telemetry"), kind, "No.", at=AS_OF)
    assert improvement(part, "mfa_email_coverage").kind == "do"
    two = firm([finding, see(1, 5)]).dispute(finding, kind, "Not so.", at=AS_OF)
    assert improvement(two, "exposed_rdp").action == RDP


@pytest.mark.parametrize("kind", ["accepted_risk", "compensating_control"])
def test_a_finding_that_is_granted_is_to_be_mended(kind):
    finding = see(2, 9)
    profile = firm([finding]).dispute(finding, kind, "So it is.", at=AS_OF)
    assert (improvement(profile, "exposed_rdp").kind, improvement(profile, "exposed_rdp").action) == ("do", RDP)


@pytest.mark.parametrize("name", [one.name for one in SIGNED if one.target is not None])
def test_every_signal_can_be_told_in_every_case(name):
    """At its target by its worst source, 200 days ago: never told to be done."""
    about = signals()[name]
    source = min(about.sources, key=lambda one: SOURCES[one].rank)
    event = {"occurred_at": AS_OF - timedelta(days=20)} if about.kind == "age" else {}
    days = 0 if about.kind == "age" else 200
    value = None if event else about.target
    seen = see(value, days, source, name=name, **event)
    found = improvement(firm([seen]), name)
    assert found.kind in {"show", "renew"}
    assert about.title in found.action
    assert (AS_OF - timedelta(days=days)).isoformat() in found.action
    chinese = language("zh").action(found.advice)
    assert language("zh").title(about) in chinese
    assert "佐证" in chinese
    assert "{" not in found.action + chinese


@examples(25)
@given(profiles(insured=FIRM, max_signals=6))
def test_only_a_state_that_was_said_is_to_be_shown(profile):
    """In any history: what is to be shown was said to be so; what is to be renewed or widened was seen so."""
    posture = posture_at(profile, AS_OF)
    for found in quote(profile, as_of=AS_OF, plan=PLAN).improvements:
        about, advice, day = signals()[found.signal], found.advice, AS_OF.toordinal()
        mine = [one for one in profile.observations if one.signal == found.signal]
        at_best = [one for one in mine if one.prepared.code_at(about, day) == 0]
        state = posture[found.signal]
        if found.kind == "do":
            assert not (mine and len(at_best) == len(mine))
        else:
            assert at_best
            assert advice.evidence.observed_at in {one.observed_at.date() for one in at_best}
        if state.status == "adverse" and advice.case != "show_denied":
            assert found.kind in {"do", "show"}
            assert advice.case != "show"
        if advice.case == "show" and about.may_not_apply is False:
            proven = SOURCES[advice.evidence.source].favourable
            assert all(SOURCES[name].favourable > proven for name in advice.shown_by)
        if found.kind == "widen":
            assert advice.evidence.scope_share < 1.0
        if found.kind in {"show", "renew", "widen"}:
            assert advice.evidence.observed_at <= AS_OF


def test_an_audit_is_not_asked_for_where_one_is_what_there_is():
    """Only what proves more is named; for all that prove as little, the same kind anew would change nothing."""
    for source, wanted in (("audit", ("telemetry",)), ("document", ("telemetry", "audit"))):
        advice = improvement(firm([mfa(1.0, 3, source)]), "mfa_email_coverage").advice
        assert (advice.case, advice.shown_by) == ("show", wanted)


@pytest.mark.parametrize(("share", "told"), [(0.02, "2"), (0.5, "50"), (0.125, "12.5"), (0.9, "90")])
def test_a_share_of_the_scope_is_told_as_it_was_given(share, told):
    advice = improvement(
        firm([see(1.0, 0, "telemetry", name="edr_coverage", scope_share=share)]), "edr_coverage"
    ).advice
    for words, percent in (
        (advice.told(), " %"),
        (language("en").action(advice), " %"),
        (language("zh").action(advice), "%"),
    ):
        assert f"{told}{percent}" in words.replace("了", " ").split("100")[-1]
        assert f"{told}.0" not in words


def test_words_are_in_both_languages_with_the_same_parts():
    for words in _words().values():
        assert set(words) == {"kind", "en", "zh"}
        parts = [sorted(part.split("}")[0] for part in words[one].split("{")[1:]) for one in ("en", "zh")]
        assert parts[0] == parts[1]


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][2] != "do"])
def test_the_report_says_it_in_both_languages(case):
    seen, name, _, _ = CASES[case]
    profile = firm(seen)
    answer = quote(profile, as_of=AS_OF, plan=PLAN)
    found = next(one for one in answer.improvements if one.signal == name)
    for lang in ("en", "zh"):
        page = render_report(profile, answer, lang=lang)
        assert language(lang).action(found.advice) in page
        assert language(lang).advice(signals()[name]) not in page.split('id="improvements"')[1].split("</section>")[0]


def test_what_if_advises_alike():
    found = what_if(firm([]), mfa(0.3, 1), as_of=AS_OF, plan=PLAN).to_dict()
    before, after = (
        next(one for one in found[when]["improvements"] if one["signal"] == "mfa_email_coverage")
        for when in ("before", "after")
    )
    assert (before["action"], after["action"]) == (
        "Enforce MFA on every mailbox, and show it by telemetry or audit.",
        "Enforce MFA on every mailbox.",
    )


def test_a_question_answered_long_ago_asks_to_show_it_anew():
    profile = firm([mfa(0.9, 900)])
    found = next(
        one for one in quote(profile, as_of=AS_OF, plan=PLAN).open_questions if one.name == "mfa_email_coverage"
    )
    assert found.kind == "renew"
    assert "So far attestation of 2024-06-06 says 90%, which counts for too little" in found.question
    assert "show it anew by telemetry or audit" in found.question
    assert found.evidence["value"] == 0.9
    assert "重新佐证" in found.asked("zh", speech=language("zh"))
    assert found.asked("zh", speech=language("zh")) in render_report(
        profile, quote(profile, as_of=AS_OF, plan=PLAN), lang="zh"
    )
    silent = next(
        one for one in quote(firm([]), as_of=AS_OF, plan=PLAN).open_questions if one.name == "mfa_email_coverage"
    )
    assert (silent.kind, silent.evidence) == ("ask", None)
    known = quote(firm([mfa(0.6, 9)]), as_of=AS_OF, plan=PLAN).open_questions
    assert all(one.kind == "ask" for one in known if one.name == "mfa_email_coverage")


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][1] == "mfa_email_coverage"])
def test_what_to_ask_next_tells_what_was_answered(case):
    seen, name, kind, _ = CASES[case]
    asked = next((one for one in next_evidence(firm(seen), PLAN, as_of=AS_OF).questions if one.signal == name), None)
    if asked is None:  # it is known well enough
        assert posture_at(firm(seen), AS_OF)[name].weight >= SURE
        return
    adverse = posture_at(firm(seen), AS_OF)[name].status == "adverse"
    assert (asked.kind == "ask") == (asked.evidence is None) == (adverse or not seen)
    if kind in {"renew", "widen"}:
        assert asked.kind == kind
    assert asked.to_dict()["evidence"] == (None if asked.evidence is None else asked.evidence.to_dict())


def test_what_to_ask_next_is_told_with_what_was_answered(tmp_path):
    path = tmp_path / "firm.json"
    path.write_text(firm([mfa(1.0, 54)]).to_json(), encoding="utf-8")
    for lang, words in (
        ("en", "so far attestation of 30 September 2026: 100 %]"),
        ("zh", "目前仅有2026年9月30日的自我声明"),
    ):
        told = CliRunner().invoke(
            cli, ["next", str(path), "--as-of", AS_OF.isoformat(), "--lang", lang, "--count", "99"]
        )
        assert words in told.stdout
