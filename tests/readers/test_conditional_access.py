"""Which conditional access policies prove MFA, and what nobody's words may change in that."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.readers import scubagear
from cyberscore.readers.conditional_access import excluded_users

COMMENT = "<span class='comment-heading'>User comment</span>\"{}\""
LISTED = "1 conditional access policy(s) found that meet(s) all requirements: {}. "
NAMED = LISTED.format("P")


def policy(*controls, operator="OR", strength=None, state="enabled", name="P", users=None, **conditions):
    grants = {"BuiltInControls": list(controls), "Operator": operator}
    if strength is not None:
        grants["AuthenticationStrength"] = {"AllowedCombinations": strength}
    everyone = {
        "Users": {"IncludeUsers": ["All"]} | (users or {}),
        "Applications": {"IncludeApplications": ["All"]}, "ClientAppTypes": ["all"],
    }  # fmt: skip
    return {"DisplayName": name, "State": state, "Conditions": everyone | conditions, "GrantControls": grants}


def results(*policies, control="MS.AAD.3.2v2", details=NAMED, verdict="Pass", raw=True, **more):
    content = {
        "MetaData": {"Tool": "ScubaGear", "ToolVersion": "1.8.0", "TimestampZulu": "2026-11-01T10:00:00Z"},
        "Results": {control.split(".")[1]: [{"Controls": [
            {"Control ID": control, "Result": verdict, "Details": details} | more
        ]}]},
    }  # fmt: skip
    if raw:
        content["Raw"] = {"conditional_access_policies": list(policies), "total_user_count": 60}
    return scubagear.read(json.dumps(content).encode())


def values(reading):
    return {one.signal: one.value for one in reading.observations}


BOTH = {"mfa_email_coverage": 1.0, "mfa_admin_coverage": 1.0}
PHISHABLE = ["password,microsoftAuthenticatorPush", "fido2"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (policy("mfa"), BOTH),
        (policy("mfa", "compliantDevice"), {}),
        (policy("mfa", "domainJoinedDevice"), {}),
        (policy("mfa", "compliantDevice", operator="AND"), BOTH),
        (policy("compliantDevice", "domainJoinedDevice", operator="AND"), {}),
        (policy("compliantDevice", strength=PHISHABLE), {}),
        (policy(strength=PHISHABLE), BOTH),
        (policy(strength=[*PHISHABLE, "password"]), {}),
        (policy(strength="sms"), {}),  # a list of one, which PowerShell unwraps
        (policy("mfa", state="enabledForReportingButNotEnforced"), {}),
        (policy("mfa", state="disabled"), {}),
        (policy("block"), {}),
        (policy("mfa", UserRiskLevels=["high"]), {}),
        (policy("mfa", SignInRiskLevels=["medium", "high"]), {}),
        (policy("mfa", InsiderRiskLevels="elevated"), {}),
        (policy("mfa", ConditionOfNextYear={"Levels": ["high"]}), {}),
        (policy("mfa", Platforms={"IncludePlatforms": ["android", "iOS"]}), {}),
        (policy("mfa", Locations={"IncludeLocations": ["All"], "ExcludeLocations": ["AllTrusted"]}), {}),
        (policy("mfa", ClientAppTypes=["browser"]), {}),
        (policy("mfa", Applications={"IncludeApplications": ["Office365"]}), {}),
        (policy("mfa", Applications={"IncludeApplications": ["All"], "ExcludeApplications": ["x"]}), {}),
        (policy("mfa", users={"IncludeUsers": [], "IncludeRoles": ["r"]}), {}),
        (policy("mfa", users={"ExcludeGroups": ["g"]}), {}),
        (policy("mfa", users={"ExcludeRoles": ["r"]}), {}),
        (policy("mfa", users={"ExcludeGuestsOrExternalUsers": {"GuestOrExternalUserTypes": "internalGuest"}}), {}),
        (policy("mfa", users={"ExcludeUsers": [f"u{number}" for number in range(30)]}), {"mfa_email_coverage": 0.5}),
    ],
)
def test_only_mfa_that_nothing_replaces_is_a_share(found, expected):
    reading = results(found)
    assert values(reading) == expected
    assert reading.observations or any("MS.AAD.3.2v2" in one.what for one in reading.not_mapped)


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=40), words=st.text(max_size=80), half=st.booleans())
def test_no_name_or_comment_changes_what_a_policy_shows(name, words, half):
    found = policy("mfa", name=name, users={"ExcludeUsers": [f"u{number}" for number in range(30 * half)]})
    details = LISTED.format(name) + COMMENT.format(words)
    assert values(results(found, details=details)).get("mfa_email_coverage") == (0.5 if half else 1.0)
    excluding = policy("mfa", name=name, users={"ExcludeGroups": ["g"]})
    assert values(results(excluding, details=details)) == {}


def test_a_pass_without_the_policies_behind_it_proves_nothing():
    assert values(results(raw=False)) == {}
    assert values(results()) == {}
    assert values(results(policy("block"), details=LISTED.format("another"))) == {}


def test_phishing_resistance_needs_methods_that_cannot_be_phished():
    resistant = policy(strength=["fido2", "x509CertificateMultiFactor"])
    expected = BOTH | {"phishing_resistant_mfa": 1.0}
    assert values(results(resistant, control="MS.AAD.3.1v1")) == expected
    for weaker in (policy("mfa"), policy(strength=PHISHABLE), policy("mfa", strength=["fido2"])):
        assert values(results(weaker, control="MS.AAD.3.1v1")) == {}
    by_number = policy()
    for number, proves in ((2, False), (3, False), (4, True)):
        by_number["GrantControls"]["AuthenticationStrength"] = {"Id": f"00000000-0000-0000-0000-00000000000{number}"}
        assert bool(values(results(by_number, control="MS.AAD.3.1v1"))) is proves


def test_the_largest_group_that_some_policy_covers_counts():
    some, other = (policy("mfa", users={"ExcludeUsers": one}) for one in (["a", "b"], ["b", "c"]))
    assert excluded_users([some, other], "mfa") == (frozenset("b"), "")
    limited = policy("mfa", UserRiskLevels=["high"])
    assert excluded_users([some, limited], "mfa") == (frozenset("ab"), "")
    assert excluded_users([limited, policy("mfa", state="off")], "mfa")[0] is None


def violation(domain):
    return f"1 agency domain(s) found in violation: {domain}. "


@pytest.mark.parametrize("verdict", ["Omitted", "Incorrect result"])
def test_an_owners_override_does_not_hide_a_failure(verdict):
    failed = violation("a.example")
    plain = results(control="MS.EXO.4.1v1", details=failed, verdict="Fail", raw=False)
    assert values(plain) == {"dmarc_policy": "none"}
    for before in (
        {"OriginalResult": "Fail", "OriginalDetails": failed},
        {"OmittedEvaluationResult": "Fail", "OmittedEvaluationDetails": failed, "OriginalResult": "Omitted"},
    ):
        excuse = COMMENT.replace("comment<", "justification<").format("we know")
        hidden = results(control="MS.EXO.4.1v1", details=excuse, verdict=verdict, raw=False, **before)
        assert values(hidden) == values(plain)
        assert any("which stands" in one.why for one in hidden.not_mapped)
    passed = {"OriginalResult": "Pass", "OriginalDetails": "Requirement met"}
    assert values(results(policy("mfa"), verdict=verdict, **passed)) == {}


def test_a_domain_in_a_users_comment_violates_nothing():
    details = violation("a.example") + COMMENT.format("moves to b.example")
    reading = results(control="MS.EXO.4.1v1", details=details, verdict="Fail", raw=False)
    assert "b.example" not in reading.observations[0].reference
