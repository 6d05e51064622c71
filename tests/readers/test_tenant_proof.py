"""What registration, Secure Score, checkdmarc, Lynis and PingCastle do not prove, for better or for worse."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.profile.signals import signal
from cyberscore.readers import checkdmarc, graph_registration, lynis, pingcastle, secure_score
from cyberscore.readers.graph_registration import FEWEST_ADMINS
from cyberscore.readers.lynis import FEWEST_TESTS
from cyberscore.readers.secure_score import FEWEST_CONTROLS, FEWEST_POINTS

DAY = "2026-11-01"


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def reasons(reading):
    return " ".join(one.why for one in reading.not_mapped)


# Registration: who signs in elsewhere registers elsewhere


def user(*methods, capable=False, domain="firm.example", admin=False):
    return {
        "userPrincipalName": f"u@{domain}", "userType": "member", "isAdmin": admin, "isMfaCapable": capable,
        "isMfaRegistered": capable, "methodsRegistered": list(methods), "lastUpdatedDateTime": "2026-10-30T02:00:00Z",
    }  # fmt: skip


def registration(*users):
    return graph_registration.read(json.dumps({"value": list(users)}).encode())


@pytest.mark.parametrize("method", ["externalAuthMethod", "External authentication method"])
def test_an_external_method_counts_as_mfa_and_may_resist_phishing(method):
    found = registration(*[user(method, admin=True)] * 9, user())
    assert values(found) == {"mfa_email_coverage": 0.9, "mfa_admin_coverage": 1.0}
    assert {one.source for one in found.observations} == {"document"}
    mixed = registration(user(method), *[user("microsoftAuthenticatorPush", capable=True)] * 99)
    assert values(mixed)["phishing_resistant_mfa"] == 0.01  # at most this one


def test_where_nobody_registers_the_domain_may_be_federated():
    none = registration(*[user(admin=True)] * 20)
    assert none.observations == ()
    assert "may be federated" in reasons(none)
    # One administrator of the tenant's own domain does not show how the other domain signs in.
    admin = user("microsoftAuthenticatorPush", capable=True, domain="firm.onmicrosoft.com", admin=True)
    found = registration(*[user()] * 59, admin)
    assert values(found) == {"mfa_admin_coverage": 1.0}


@pytest.mark.parametrize(("capable", "certain"), [(1, False), (3, False), (4, True), (20, True)])
def test_a_few_who_try_it_out_do_not_show_that_a_domain_is_not_federated(capable, certain):
    users = [user("microsoftAuthenticatorPush", capable=i < capable) for i in range(40)]
    found = values(registration(*users))
    assert found.get("mfa_email_coverage") == (capable / 40 if certain else None)


def test_a_list_of_administrators_alone_says_nothing_of_all_users():
    admins = [user("microsoftAuthenticatorPush", capable=True, admin=True)] * FEWEST_ADMINS
    assert values(registration(*admins)) == {"mfa_admin_coverage": 1.0, "phishing_resistant_mfa": 0.0}
    passkeys = [user("fido2", capable=True, admin=True)] * FEWEST_ADMINS
    assert values(registration(*passkeys)) == {"mfa_admin_coverage": 1.0}
    assert "administrators alone" in reasons(registration(*admins))
    for whole in (admins[1:], [*admins, user(capable=True)]):
        assert values(registration(*whole))["mfa_email_coverage"] == 1.0


def test_where_users_can_only_sign_in_here_none_is_certain():
    for users in (
        [user(domain="firm.onmicrosoft.com")] * 10,
        [*[user()] * 9, user("microsoftAuthenticatorPush", capable=True)],
    ):
        found = registration(*users)
        coverage = next(one for one in found.observations if one.signal == "mfa_email_coverage")
        assert coverage.source == "telemetry"
        assert coverage.value <= 0.1


# Secure Score


def score(controls, current=60, most=100, **more):
    return {
        "azureTenantId": "t", "createdDateTime": "2026-10-02T00:00:00Z", "currentScore": current, "maxScore": most,
        "controlScores": controls,
    } | more  # fmt: skip


def scored(content):
    return secure_score.read(json.dumps(content).encode())


def controls(number, points):
    return [{"controlName": f"control{i}", "score": points} for i in range(number)]


def test_a_score_of_few_controls_or_points_is_no_benchmark():
    whole = controls(FEWEST_CONTROLS, 3)
    assert values(scored(score(whole))) == {"hardening_score": 0.6}
    assert values(scored(score(whole[1:], current=3 * FEWEST_CONTROLS - 3))) == {}
    assert values(scored(score(whole, current=FEWEST_POINTS - 2, most=FEWEST_POINTS - 1))) == {}


@pytest.mark.parametrize("state", ["ThirdParty", "Ignored", "Reviewed"])
def test_points_that_the_tenant_gave_itself_are_taken_off(state):
    listed = [*controls(FEWEST_CONTROLS, 2), {"controlName": "AdminMFAV2", "score": 20, "scoreInPercentage": 100}]
    plain = score(listed)
    assert values(scored(plain)) == {"mfa_admin_coverage": 1.0, "hardening_score": 0.6}
    updates = [
        {"state": state, "updatedDateTime": "2026-09-02T00:00:00Z"},
        {"state": "Default", "updatedDateTime": "2026-09-01T00:00:00Z"},
    ]
    profiles = {"value": [{"id": "AdminMFAV2", "controlStateUpdates": updates}]}
    beside = {"secureScore": {"value": [plain]}, "profiles": profiles}
    inside = score([*listed[:-1], listed[-1] | {"controlState": state}])
    for marked in (beside, inside):
        assert values(scored(marked)) == {"hardening_score": 0.4}
    updates[0]["state"] = "Default"
    assert values(scored(beside)) == values(scored(plain))


def mfa(words="", **more):
    """Share and source of the first factor's control, of a score whose controls have no profiles."""
    control = {"controlName": "MFARegistrationV2", "score": 9, "scoreInPercentage": 100, "implementationStatus": words}
    found = scored(score([*controls(FEWEST_CONTROLS, 2), control | more], current=60))
    listed = [(one.value, one.source) for one in found.observations if one.signal == "mfa_email_coverage"]
    return listed[0] if listed else None


def test_what_was_counted_stands_over_the_share_of_a_control():
    assert mfa("You have 0 out of 40 users that aren\u2019t registered with MFA.") == (1.0, "telemetry")
    assert mfa("You have <b>30</b> of 40 users that don't have MFA.") == (0.25, "telemetry")
    assert mfa("You have 40 of 40 users without MFA.", count="0", total="40") == (0.0, "telemetry")
    assert mfa(count="40", total="40") == (1.0, "telemetry")
    marked = score(
        [*controls(FEWEST_CONTROLS, 2), {
            "controlName": "MFARegistrationV2", "score": 20, "scoreInPercentage": 100,
            "implementationStatus": "You have 20 of 40 users that aren't registered.",
        }]
    )  # fmt: skip
    assert values(scored(marked)) == {"mfa_email_coverage": 0.5, "hardening_score": 0.5}


def test_a_share_that_nothing_counts_is_a_document_if_it_is_good():
    assert mfa() == mfa("All is well.") == mfa(count="10", total="40") == (1.0, "document")
    assert mfa(scoreInPercentage=25) == (0.25, "telemetry")
    for nobody in ({"words": "You have 0 of 0 users that aren't registered."}, {"count": "0", "total": "0"}):
        assert mfa(**nobody) is None


def test_a_control_measured_long_before_the_score_is_no_good_news():
    words = "You have {} of 40 users that aren't registered."
    assert mfa(words.format(0), lastSynced="2026-10-01T00:00:00Z") == (1.0, "telemetry")
    assert mfa(words.format(0), lastSynced="2026-06-01T00:00:00Z") is None
    assert mfa(words.format(30), scoreInPercentage=25, lastSynced="2026-06-01T00:00:00Z") == (0.25, "telemetry")


def test_legacy_authentication_is_shown_to_be_blocked_by_a_count_or_a_profile():
    control = {"controlName": "BlockLegacyAuthentication", "score": 8, "scoreInPercentage": 100}
    listed = [*controls(FEWEST_CONTROLS, 2), control]
    assert "legacy_auth_enabled" not in values(scored(score(listed)))
    counted = control | {"implementationStatus": "You have 0 of 40 users that don't have it blocked."}
    assert values(scored(score([*listed[:-1], counted])))["legacy_auth_enabled"] == 0
    profiles = {"value": [{"id": "BlockLegacyAuthentication", "controlStateUpdates": []}]}
    beside = {"secureScore": {"value": [score(listed)]}, "profiles": profiles}
    assert values(scored(beside))["legacy_auth_enabled"] == 0


# checkdmarc


def domain(name, error, record=None):
    return {
        "domain": name, "base_domain": name, "spf": {"record": "v=spf1 -all", "valid": True},
        "dmarc": {"record": record, "valid": record is not None, "error": error},
    }  # fmt: skip


def policy(*domains):
    return values(checkdmarc.read(json.dumps(list(domains)).encode(), observed_at=DAY)).get("dmarc_policy")


UNRELATED = (
    "Unrelated TXT records were discovered. These should be removed, as some receivers may not expect to find "
    "unrelated TXT records at _dmarc.firm.example\n\nA DMARC record does not exist"
)


@pytest.mark.parametrize(
    "error",
    [
        UNRELATED,
        "The DNS operation timed out after 2.0 seconds",
        "All nameservers failed to answer the query _dmarc.firm.example. IN TXT: Server 9.9.9.9 answered SERVFAIL",
        "Found a DMARC record at _dmarc.firm.example that starts with whitespace. Please remove the whitespace",
        "The domain does not exist.",
        "An error of next year's version",
        "",
    ],
)
def test_a_record_that_was_not_seen_is_not_none(error):
    assert policy(domain("firm.example", error)) is None


@pytest.mark.parametrize(
    "name",
    ["timeout-error.example", "servfail.example", "network-refused.example", "nameserver.example", "multiple.example"],
)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("A DMARC record does not exist.", "none"),
        ("A DMARC record does not exist for this domain or its base domain", "none"),
        ("A DMARC record for {} does not exist", "none"),
        ("{} does not have a DMARC TXT record", "none"),
        ("The DMARC record must be located at _dmarc.{}, not {}", "none"),
        ("Multiple DMARC policy records are not permitted - https://tools.ietf.org/html/rfc7489#section-6.6.3", "none"),
        (
            "All nameservers failed to answer the query _dmarc.{}. IN TXT: Server Do53:9.9.9.9@53 answered SERVFAIL",
            None,
        ),
    ],
)
def test_a_domains_own_name_is_no_word_of_an_error(name, error, expected):
    assert policy(domain(name, error.format(name, name))) == expected


def test_a_broken_record_is_read_as_receivers_read_it():
    text = "v=DMARC1; p=reject; rua=mailto:a@multiple.example"
    broken = domain("firm.example", "multiple.example does not have a DMARC report record", record=text)
    broken["dmarc"]["valid"] = False
    assert policy(broken) == "reject"


# Lynis


def audit(**values):
    told = {
        "lynis_version": "3.1.5", "report_datetime_end": "2026-11-01 09:00:05", "test_category": "all",
        "test_group": "all", "lynis_tests_done": 230, "hardening_index": 80, "finish": "true",
    } | values  # fmt: skip
    return lynis.read("\n".join(f"{key}={value}" for key, value in told.items() if value is not None).encode())


@pytest.mark.parametrize(
    ("change", "claimed"),
    [
        ({}, True), ({"lynis_tests_done": FEWEST_TESTS}, True), ({"test_group": None, "test_category": None}, True),
        ({"lynis_tests_done": FEWEST_TESTS - 1}, False), ({"lynis_tests_done": None}, False),
        ({"lynis_tests_done": "many"}, False), ({"test_group": "ssh"}, False), ({"test_category": "security"}, False),
        ({"container": "0"}, True), ({"container": "1", "container_type": "Docker"}, False),
    ],
)  # fmt: skip
def test_an_index_of_a_part_of_the_tests_is_no_benchmark(change, claimed):
    found = audit(**change)
    assert values(found) == ({"hardening_score": 0.8} if claimed else {})
    assert claimed or "hardening_score" in str(found.not_mapped)


# PingCastle


def health_check(systems, active):
    listed = "".join(
        f"<HealthcheckOSData><OperatingSystem>{name}</OperatingSystem><data><NumberActive>{number}</NumberActive></data>"
        "</HealthcheckOSData>"
        for name, number in systems
    )
    return pingcastle.read(
        "<HealthcheckData><GenerationDate>2026-01-02T00:00:00+01:00</GenerationDate>"
        f"<ComputerAccountData><NumberActive>{active}</NumberActive></ComputerAccountData>"
        f"<OperatingSystem>{listed}</OperatingSystem></HealthcheckData>".encode()
    )


@settings(max_examples=40, deadline=None)
@given(ended=st.integers(0, 50), fresh=st.integers(1, 50), unlisted=st.integers(0, 100))
def test_computers_without_a_listed_system_are_not_taken_for_supported(ended, fresh, unlisted):
    systems = [("Windows 7", ended), ("Windows Server 2022", fresh)]
    share = values(health_check(systems, ended + fresh + unlisted)).get("end_of_life_share")
    about = signal("end_of_life_share")
    total = ended + fresh + unlisted
    if share is not None and about.code(share) < about.unknown:
        assert about.code(share) >= about.code((ended + unlisted) / total)
    elif share is not None:
        assert share == pytest.approx(ended / total, abs=1e-6)


def test_a_partial_list_of_systems_gives_no_favourable_share():
    assert values(health_check([("Windows Server 2022", 10)], 10)) == {"end_of_life_share": 0.0}
    partial = health_check([("Windows Server 2022", 10)], 40)
    assert values(partial) == {}
    assert "whose system is not listed" in reasons(partial)
