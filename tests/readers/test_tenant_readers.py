"""Tenants, domains, hosts and clouds: registration, Secure Score, checkdmarc, Lynis, PingCastle, Prowler, OCSF."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal
from cyberscore.readers import checkdmarc, graph_registration, lynis, ocsf, pingcastle, prowler, secure_score
from cyberscore.readers.benchmark import FEWEST_CHECKS
from cyberscore.readers.bounds import certain_end
from samples import OWN, others

SAMPLES = OWN
DAY = "2026-01-02"


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def sources(reading):
    return {one.signal: one.source for one in reading.observations}


def encoded(content):
    return json.dumps(content).encode()


def test_registration_from_the_portal_and_as_lines():
    head = "User Principal Name,Name,Is Admin,MFA Capable,MFA Registered,Methods Registered"
    rows = []
    for i in range(10):
        yes = "Not " if i % 4 == 0 else ""
        name, methods = f"u{i}{'#EXT#' if i > 7 else ''}@x.example", "FIDO2 security key, Passkey (device-bound)"
        rows.append(f'{name},U,{"No" if i else "Yes"},{yes}Capable,{yes}Registered,"{methods}"')
    data = "\n".join([head, *rows]).encode()
    assert readers.detect(data) == "graph_registration"
    found = graph_registration.read(data, observed_at=DAY)
    assert (found.assets.seen, found.scope["guests"]) == (8, 2)
    assert values(found)["mfa_email_coverage"] == 0.75
    assert values(found)["phishing_resistant_mfa"] == 0.75
    users = [user("fido2SecurityKey"), user("fido2SecurityKey")]
    lines = b"\n".join(encoded(one) for one in users)
    assert (
        readers.read(lines, observed_at=DAY).observations == readers.read(encoded(users), observed_at=DAY).observations
    )


def test_a_secure_score_beside_its_profiles():
    score = {"azureTenantId": "t", "createdDateTime": "2026-10-02T00:00:00Z", "currentScore": 41, "maxScore": 100}
    score["controlScores"] = []
    found = readers.read(encoded({"secureScore": {"value": [score]}, "profiles": {"value": []}}))
    assert values(found) == {"hardening_score": 0.41}


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["phishing_resistant_mfa", "end_of_life_share"]), st.floats(0, 1), st.floats(0, 1))
def test_a_bound_is_claimed_only_where_the_truth_cannot_lie_on_the_other_side(name, one, another):
    least, most = sorted((one, another))
    about, found = signal(name), certain_end(name, least, most)
    if found is None:
        return
    sides = {about.code(value) > about.unknown for value in (least, most)}
    assert sides == {about.code(found) > about.unknown}
    assert certain_end(name, one, one) in {one, None}


# Registration in Entra

PASSKEY, PUSH = ["passKeyDeviceBound"], ["microsoftAuthenticatorPush"]


def user(*methods, capable=True, admin=False, kind="member", **more):
    return {
        "isAdmin": admin, "isMfaCapable": capable, "isMfaRegistered": bool(methods), "userType": kind,
        "methodsRegistered": list(methods), "lastUpdatedDateTime": "2026-01-01T00:00:00Z",
    } | more  # fmt: skip


def registration(*users, total=None, **page):
    return graph_registration.read(encoded({"value": list(users)} | page), assets_total=total)


def test_golden_registration():
    found = graph_registration.read(others("ms_graph/userRegistrationDetails.json"))
    # Both members can use MFA, the guest does not count; push and codes can be phished; none of the three is an admin.
    assert values(found) == {"mfa_email_coverage": 1.0, "phishing_resistant_mfa": 0.0}
    assert sources(found) == {"mfa_email_coverage": "document", "phishing_resistant_mfa": "telemetry"}
    assert (found.scope["users"], found.scope["guests"]) == (2, 1)


def test_registered_is_not_enforced():
    # Bad news is certain: telemetry. Good news is an upper bound: it weighs as a document.
    few = registration(*[user(*PUSH)] * 4, *[user(capable=False)] * 6)
    assert values(few)["mfa_email_coverage"] == 0.4
    assert sources(few)["mfa_email_coverage"] == "telemetry"
    many = registration(*[user(*PUSH)] * 9, user(capable=False))
    assert values(many)["mfa_email_coverage"] == 0.9
    assert sources(many)["mfa_email_coverage"] == "document"


def test_administrators_count_even_as_guests():
    found = registration(user(*PUSH, admin=True), user(capable=False, admin=True, kind="guest"), user(*PUSH))
    assert values(found)["mfa_admin_coverage"] == 0.5


def test_phishing_resistance_is_bounded_by_what_else_is_registered():
    assert values(registration(*[user(*PASSKEY)] * 9, user(*PUSH)))["phishing_resistant_mfa"] == 0.9
    assert "phishing_resistant_mfa" not in values(registration(*[user(*PASSKEY, *PUSH)] * 10))
    assert values(registration(*[user(*PUSH)] * 100, user(*PASSKEY)))["phishing_resistant_mfa"] == round(1 / 101, 6)


def test_a_page_is_a_part_of_the_tenant():
    users = [*[user(*PUSH, admin=True)] * 8, user(*PUSH)]
    next_page = {"@odata.nextLink": "https://graph.microsoft.com/v1.0/next"}
    page = registration(*users, **next_page)
    assert set(values(page)) == {"phishing_resistant_mfa"}  # bad news of a page is news all the same
    assert page.assets.total is None
    told = registration(*users, **next_page, total=90)
    shares = {one.signal: one.scope_share for one in told.observations}
    assert shares["mfa_email_coverage"] == pytest.approx(0.1)
    counted = registration(*users, **next_page, **{"@odata.count": 36})
    assert counted.assets.share == 0.25
    pages = graph_registration.read(encoded([{"value": users, **next_page}, {"value": users}]))
    assert pages.assets.share == 1
    assert values(pages)["mfa_email_coverage"] == 1


def test_powershell_and_csv_read_alike():
    plain = [user(*PUSH), user(*PUSH, admin=True), user(capable=False)]
    pascal = [{key[0].upper() + key[1:]: value for key, value in one.items()} for one in plain]
    assert graph_registration.read(encoded(pascal)).observations == registration(*plain).observations
    table = b"UserPrincipalName,IsAdmin,IsMfaCapable,IsMfaRegistered,UserType\n"
    table += b"a,False,True,True,member\nb,True,False,False,member\n"
    assert values(graph_registration.read(table, observed_at=DAY)) == {
        "mfa_email_coverage": 0.5,
        "mfa_admin_coverage": 0,
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_one_more_capable_user_never_reads_worse(capable):
    about = signal("mfa_email_coverage")
    # One who is capable shows that these users sign in here: where nobody is, they may do so elsewhere.
    some = [user(*PUSH), *(user(*PUSH, capable=one) for one in capable)]
    before = values(registration(*some)).get("mfa_email_coverage")
    after = values(registration(*some, user(*PUSH))).get("mfa_email_coverage")
    assert about.code(after) <= about.code(before)


# Secure Score


def test_golden_secure_score():
    found = secure_score.read(others("ms_graph/secureScores.json"))
    # 387 of 697 points; version 1 controls tell no share.
    assert values(found) == {"hardening_score": 0.555237}
    assert found.assets.seen == 100


def test_secure_score_controls_with_shares_and_the_newest_day():
    old = {"createdDateTime": "2025-12-01T00:00:00Z", "currentScore": 1, "maxScore": 100, "azureTenantId": "t"}
    controls = [
        {"controlName": "AdminMFAV2", "scoreInPercentage": 75.0, "implementationStatus": "You have 1 out of 4 ..."},
        {"controlName": "MFARegistrationV2", "scoreInPercentage": 20},
        {"controlName": "BlockLegacyAuthentication", "scoreInPercentage": 100.0, "count": "4", "total": "4"},
    ]
    new = old | {"createdDateTime": "2026-01-01T00:00:00Z", "currentScore": 60, "controlScores": controls}
    for content in ({"value": [old, new]}, {"value": [new, old]}, [new, old]):
        assert values(secure_score.read(encoded(content))) == {
            "hardening_score": 0.6, "mfa_admin_coverage": 0.75, "mfa_email_coverage": 0.2, "legacy_auth_enabled": 0,
        }  # fmt: skip
    deeper = [{"ControlName": "AdminMFAV2", "AdditionalProperties": {"scoreInPercentage": 50}}]
    powershell = {"CreatedDateTime": "2026-01-01T00:00:00Z", "CurrentScore": 60, "MaxScore": 100}
    powershell["ControlScores"] = deeper
    assert values(secure_score.read(encoded([powershell]))) == {"hardening_score": 0.6, "mfa_admin_coverage": 0.5}
    controls[2]["scoreInPercentage"] = 90.0
    assert "legacy_auth_enabled" not in values(secure_score.read(encoded(new)))
    assert not secure_score.read(encoded(old | {"maxScore": 0})).observations


# checkdmarc


def domain(name="x.example", dmarc="v=DMARC1; p=reject", spf="v=spf1 -all", **more):
    def record(text):
        return {"record": text, "valid": True} if text else {"record": None, "valid": False, "error": "not found"}

    return {"domain": name, "base_domain": name, "spf": record(spf), "dmarc": record(dmarc)} | more


def dmarc(*domains, **options):
    return values(checkdmarc.read(encoded(list(domains)), observed_at=DAY, **options))


def test_golden_checkdmarc():
    found = checkdmarc.read(others("checkdmarc/proton.me.json"), observed_at=DAY)
    # p=quarantine; SPF with ~all, DKIM not looked up. DNSSEC and MTA-STS are reported.
    assert values(found) == {"dmarc_policy": "quarantine", "spf_dkim_level": 1}
    assert any("dnssec" in one.what for one in found.not_mapped)


@pytest.mark.parametrize("name", ["seven_domains_v4.json", "seven_domains_v6.csv"])
def test_golden_checkdmarc_of_many_domains(name):
    # One enforces, one only watches, one has no records, one has each record twice, one misspells them, one takes no
    # mail, and of one the look-ups failed.
    found = checkdmarc.read(SAMPLES / "checkdmarc" / name, observed_at=DAY)
    assert values(found) == {"dmarc_policy": "none"}
    assert found.assets.seen == 7
    why = {one.why: one.what for one in found.not_mapped}
    unseen = "record was not seen: the look-up failed, or the tool withheld it"
    assert why[f"DMARC {unseen}"] == why[f"SPF {unseen}"] == ("x.fail.example",)
    hosts = why["mail host that does not show which platform is behind it"]
    assert hosts == ("good-example.mail.protection.outlook.com", "mail.weak.example")


def test_the_worst_domain_counts_and_microsofts_own_does_not():
    worst = domain("z.example", dmarc=None)
    assert dmarc(domain(), worst) == {"dmarc_policy": "none", "spf_dkim_level": 1}
    assert dmarc(domain(), domain("x.onmicrosoft.com", dmarc=None, spf=None))["dmarc_policy"] == "reject"
    assert dmarc(domain("x.onmicrosoft.com")) == {}
    inherited = domain("sub.x.example", dmarc="v=DMARC1; p=reject; sp=none")
    inherited["dmarc"]["location"] = "x.example"
    assert dmarc(inherited)["dmarc_policy"] == "monitor"


def test_a_look_up_that_failed_says_nothing():
    failed = domain()
    failed["dmarc"] = {"record": None, "valid": False, "error": "The DNS operation timed out after 2.0 seconds"}
    assert "dmarc_policy" not in dmarc(failed)
    assert "dmarc_policy" not in dmarc(domain("y.example"), failed)
    assert dmarc(domain("y.example", dmarc=None), failed)["dmarc_policy"] == "none"
    assert "spf_dkim_level" not in dmarc(domain(spf=None))  # DKIM may be there


@pytest.mark.parametrize(
    ("host", "platform"),
    [
        ("aspmx.l.google.com", "google"),
        ("x-example.mail.protection.outlook.com", "microsoft_365"),
        ("mx.x.example", None),
    ],
)
def test_the_mail_host_shows_the_platform(host, platform):
    assert dmarc(domain(mx={"hosts": [{"hostname": host}]})).get("mail_platform") == platform


def test_checkdmarc_csv():
    table = (
        b"domain,base_domain,spf_valid,dmarc_valid,spf_record,dmarc_record,dmarc_record_location\n"
        b"x.example,x.example,True,True,v=spf1 -all,v=DMARC1; p=none,x.example\n"
    )
    assert values(checkdmarc.read(table, observed_at=DAY)) == {"dmarc_policy": "monitor", "spf_dkim_level": 1}


# Lynis


def test_golden_lynis():
    found = lynis.read(others("lynis/lynis_many_vuln.dat"))
    # Hardening index 57; Debian 13 is supported, and one host of no known number shows nothing of the others.
    assert values(found) == {"hardening_score": 0.57}
    assert (found.tool_version, found.assets.seen, found.scope["hostname"]) == ("3.1.4", 1, "82103dde74c7")
    assert lynis.read(others("lynis/lynis_many_vuln.dat"), assets_total=50).observations[0].scope_share == 0.02


def test_lynis_end_of_life_and_unfinished_audits():
    text = b"lynis_version=2.7.5\nreport_datetime_start=2026-01-01 10:00:00\n"
    text += b"warning[]=GEN-0010|This version 16.04 is marked end-of-life as of 2021-05-01|-|-|\n"
    assert values(lynis.read(text)) == {}
    assert values(lynis.read(text, assets_total=10)) == {"end_of_life_share": 0.1}
    text += b"lynis_tests_done=230\n"
    wide = (text + b"hardening_index=70\n").decode().encode("utf-16")
    assert values(lynis.read(wide)) == {"hardening_score": 0.7}
    with pytest.raises(ReadingError, match="not a report"):
        lynis.read(bytes(400))
    for index in (b"", b"101", b"-3", b"5e1"):
        assert values(lynis.read(text + b"hardening_index=" + index)) == {}
    with pytest.raises(ReadingError, match="several reports"):
        lynis.read(text + text)


# PingCastle


def test_golden_pingcastle():
    found = pingcastle.read(others("pingcastle/many.xml"))
    # 0 of 104 enabled users inactive; the one computer's system is redacted. Risk score 70 is no share of a benchmark.
    assert values(found) == {"dormant_account_share": 0.0}
    assert found.scope["GlobalScore"] == "70"
    assert sum(one.count for one in found.not_mapped if "rule" in one.why) == 28


def health_check(systems, inactive=30, enabled=100):
    listed = "".join(
        f"<HealthcheckOSData><OperatingSystem>{name}</OperatingSystem><NumberOfOccurence>99</NumberOfOccurence>"
        f"<data><Number>99</Number><NumberActive>{number}</NumberActive></data></HealthcheckOSData>"
        for name, number in systems
    )
    return (
        "<HealthcheckData><GenerationDate>2026-01-02T00:00:00+01:00</GenerationDate><UserAccountData>"
        f"<NumberEnabled>{enabled}</NumberEnabled><NumberInactive>{inactive}</NumberInactive></UserAccountData>"
        f"<OperatingSystem>{listed}</OperatingSystem></HealthcheckData>"
    ).encode()


def test_pingcastle_counts_active_systems_past_their_support():
    found = pingcastle.read(health_check([("Windows 11", 90), ("Windows 2012", 8), ("Windows 10", 2)]))
    assert values(found) == {"dormant_account_share": 0.3, "end_of_life_share": 0.1}
    fresh = pingcastle.read(health_check([("Windows 11", 90), ("Windows 2022", 10)]))
    assert values(fresh)["end_of_life_share"] == 0
    unknown = pingcastle.read(health_check([("Windows 11", 50), ("OperatingSystem not set", 50)]))
    assert "end_of_life_share" not in values(unknown)
    assert "dormant_account_share" not in values(pingcastle.read(health_check([], inactive=101)))


def test_windows_support_follows_the_name():
    ended = pingcastle.windows_support_ends
    assert ended("Windows Server 2012 R2 Standard").isoformat() == "2023-10-10"
    assert ended("Windows 7 Professional").year == 2020
    assert ended("Windows 10 Enterprise LTSC").year > ended("Windows 10 Pro").year
    assert ended("Windows 10 Entreprise 2015 LTSB").isoformat() == "2025-10-14"
    assert ended("Windows 10 Enterprise 2016 LTSB").isoformat() == "2026-10-13"
    assert ended("Windows Server 2016 Standard").isoformat() == "2027-01-12"
    assert ended("Ubuntu 20.04") is None
    assert ended("Windows") is None


# Prowler


def test_golden_prowler():
    found = prowler.read(others("prowler_csv/many_vuln2.csv"), observed_at=DAY)
    # Root has MFA (check113) and no console user lacks it (check12). INFO rows decide nothing.
    assert values(found) == {"hardening_score": 0.549267, "mfa_admin_coverage": 1.0}
    assert found.assets.kind == "cloud accounts"


HEADERS = {
    3: "ASSESSMENT_START_TIME;PROVIDER;PROFILE;ACCOUNT_ID;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;RESOURCE_ID",
    4: "TIMESTAMP;PROVIDER;ACCOUNT_UID;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;MUTED;RESOURCE_UID;PROWLER_VERSION",
}


def cloud(results, version=4, **same):
    """CSV of (check, status, resource, text)."""
    header = HEADERS[version].split(";")
    lines = [";".join(header)]
    for check, status, *more in results:
        resource, text = (*more, "", "")[:2]
        row = {
            "ASSESSMENT_START_TIME": "2026-01-01T10:00:00", "TIMESTAMP": "2026-01-01 10:00:00.000001",
            "PROVIDER": "aws",
            "ACCOUNT_ID": "1", "ACCOUNT_UID": "1", "CHECK_ID": check, "STATUS": status, "STATUS_EXTENDED": text,
            "RESOURCE_ID": resource, "RESOURCE_UID": resource, "PROWLER_VERSION": "5.4.0",
        } | same  # fmt: skip
        lines.append(";".join(row.get(name, "") for name in header))
    return prowler.read("\n".join(lines).encode())


def findings(results):
    return encoded(
        [
            {
                "class_uid": 2004, "category_uid": 2, "status_code": status, "time": 1767261600,
                "metadata": {"event_code": check, "product": {"name": "Prowler", "version": "5.4.0"}},
                "status_detail": (*more, "", "")[1], "resources": [{"uid": (*more, "", "")[0]}],
                "finding_info": {"title": check}, "cloud": {"account": {"uid": "1"}},
            }
            for check, status, *more in results
        ]
    )  # fmt: skip


MANY = [(f"service{i % 8}_check_{i}", "PASS" if i % 4 else "FAIL", f"r{i}") for i in range(40)]


def test_prowler_formats_agree():
    expected = {"hardening_score": 0.75}
    assert values(cloud(MANY)) == expected
    assert values(cloud(MANY, version=3)) == expected
    assert values(ocsf.read(findings(MANY))) == expected
    assert values(prowler.read(findings(MANY))) == expected
    third = [{"CheckID": c, "Status": s, "StatusExtended": "", "AccountId": "1", "ResourceId": r,
              "AssessmentStartTime": "2026-01-01T10:00:00"} for c, s, r in MANY]  # fmt: skip
    assert values(prowler.read(encoded(third))) == expected
    second = b"\n".join(encoded({"Control": f"[check{i}] T", "Control ID": str(i), "Status": s.title(), "Message": "m",
                                 "Account Number": "1", "Timestamp": "2026-01-01T10:00:00Z"})
                        for i, (_, s, _) in enumerate(MANY))  # fmt: skip
    assert values(prowler.read(second)) == expected


def test_each_check_counts_the_same_however_many_its_resources():
    results = [*MANY, *[("service1_check_1", "FAIL", f"bucket{i}") for i in range(999)]]
    assert values(cloud(results))["hardening_score"] == pytest.approx((29 + 1 / 1000) / 40, abs=1e-6)


def test_a_filtered_file_or_a_handful_of_checks_is_no_benchmark():
    failed = [one for one in MANY if one[1] == "FAIL"] * 3
    assert values(cloud([(f"{c}{i}", s, r) for i, (c, s, r) in enumerate(failed)])) == {}
    assert values(cloud([one for one in MANY if one[1] == "PASS"])) == {}
    assert values(cloud(MANY[: FEWEST_CHECKS - 1])) == {}
    manual = cloud([("a", "MANUAL"), ("b", "INFO"), *MANY])
    assert values(manual) == {"hardening_score": 0.75}
    assert {"a", "b"} <= {name for one in manual.not_mapped for name in one.what}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=FEWEST_CHECKS, max_size=40), st.data())
def test_a_check_that_passes_instead_never_lowers_the_share(passed, data):
    if all(passed) or not any(passed):
        return
    results = [(f"s{i % 6}_c{i}", "PASS" if one else "FAIL") for i, one in enumerate(passed)]
    place = data.draw(st.sampled_from([i for i, one in enumerate(passed) if not one]))
    better = [*results[:place], (f"s{place % 6}_c{place}", "PASS"), *results[place + 1 :]]
    after = values(cloud(better)).get("hardening_score", 1)
    assert after > values(cloud(results))["hardening_score"]


def test_mfa_of_administrators_is_counted_account_by_account():
    root, users = "iam_root_mfa_enabled", "iam_user_mfa_enabled_console_access"
    results = [
        (root, "PASS", "root"),
        (users, "PASS", "a", "User a has Console Password enabled and MFA enabled."),
        (users, "FAIL", "b", "User b has Console Password enabled but MFA disabled."),
        (users, "PASS", "c", "User c does not have Console Password enabled."),
    ]
    assert values(cloud(results)) == {"mfa_admin_coverage": round(2 / 3, 6)}
    assert values(cloud(results[:1])) == {}
    assert values(
        cloud([("entra_privileged_user_has_mfa", "PASS", "a"), ("entra_privileged_user_has_mfa", "FAIL", "b")])
    ) == {"mfa_admin_coverage": 0.5}
    second = [("check113", "PASS"), ("check12", "FAIL", "x", "User x has Password enabled but MFA disabled")]
    assert values(cloud(second)) == {}  # only those without MFA are listed: no share


# OCSF


@pytest.mark.parametrize(
    "name", ["example_output_aws.ocsf.json", "example_output_azure.ocsf.json", "many_vuln.ocsf.json", "own"]
)
def test_golden_ocsf(name):
    # Three or four findings of a benchmark of hundreds: no share. All are accounted for.
    path = SAMPLES / "ocsf" / "three_findings.ocsf.json" if name == "own" else others(f"prowler_ocsf/{name}")
    found = ocsf.read(path)
    assert not found.observations
    assert found.scope["product"] == "Prowler"
    decided = {one.why: one.count for one in found.not_mapped}
    assert decided["check that failed"] >= 2


SERVICES = ("S3", "IAM", "EC2", "KMS", "RDS", "CloudTrail")


def test_compliance_findings_of_any_product_are_a_benchmark():
    listed = [
        {
            "class_uid": 2003, "category_uid": 2, "time": 1767261600000, "finding_info": {"title": f"t{i}"},
            "metadata": {"product": {"name": "Security Hub"}}, "compliance": {"control": f"{service}.{i}", **verdict},
        }
        for i in range(30)
        for service in [SERVICES[i % 6]]
        for verdict in [{"status": "PASSED"} if i % 3 else {"status_id": 3}]
    ]  # fmt: skip
    found = ocsf.read(encoded(listed))
    assert values(found) == {"hardening_score": round(20 / 30, 6)}
    assert found.observed_at.isoformat() == "2026-01-01T10:00:00+00:00"


def vulnerability(cve="CVE-2021-44228", **more):
    return {
        "class_uid": 2002, "category_uid": 2, "time": 1767261600000, "status_id": 1,
        "finding_info": {"uid": "1", "title": cve}, "metadata": {"product": {"name": "Inspector"}},
        "resources": [{"uid": "i-1", "ip": "198.18.0.1"}], "vulnerabilities": [{"cve": {"uid": cve}}],
    } | more  # fmt: skip


def test_vulnerability_findings_join_known_exploitation():
    outside = ocsf.read(encoded([vulnerability()]), vantage="external")
    assert values(outside)["kev_open_external"] == 1
    assert "kev_open_external" not in values(ocsf.read(encoded([vulnerability()]), vantage="internal"))
    later = vulnerability(status_id=4, time=1767361600000)
    for order in ([vulnerability(), later], [later, vulnerability()]):
        assert "kev_open_external" not in values(ocsf.read(encoded(order), vantage="external"))
    for status in (3, 5):  # suppressed or archived is not fixed
        put_away = ocsf.read(encoded([vulnerability(status_id=status)]), vantage="external")
        assert values(put_away)["kev_open_external"] == 1
    resolved = ocsf.read(encoded([later]), vantage="external")
    assert any(one.why == "vulnerability that is no more" and one.count == 1 for one in resolved.not_mapped)


def compliance(number, status, **more):
    return {
        "class_uid": 2003, "category_uid": 2, "time": 1767261600000, "status_id": 1,
        "finding_info": {"uid": f"f{number}", "title": f"t{number}"}, "metadata": {"product": {"name": "Security Hub"}},
        "compliance": {"control": f"{SERVICES[number % 6]}.{number}", "status": status},
        "resources": [{"uid": f"b{number}"}],
    } | more  # fmt: skip


def test_of_the_states_of_one_finding_the_newest_counts():
    listed = [compliance(i, "Pass" if i % 3 else "Fail") for i in range(30)]
    fixed = compliance(0, "Pass", time=1767361600000)
    for order in ([*listed, fixed], [fixed, *listed]):
        assert values(ocsf.read(encoded(order))) == {"hardening_score": round(21 / 30, 6)}
    # Said to be suppressed, resolved, archived or deleted, or closed, and yet they fail.
    for state in ({"status_id": 3}, {"status_id": 4}, {"status_id": 5}, {"status_id": 6}, {"activity_id": 3}):
        said = [one | state for one in listed]
        assert values(ocsf.read(encoded(said))) == values(ocsf.read(encoded(listed)))


@pytest.mark.parametrize("field", ["events", "findings", "Findings", "value"])
def test_bundles_and_answers_of_an_api_read_as_their_findings(field):
    listed = [compliance(i, "Pass" if i % 3 else "Fail") for i in range(30)]
    data = encoded({field: listed, "NextToken": "x"})
    assert readers.detect(data) == "ocsf"
    assert ocsf.read(data).observations == ocsf.read(encoded(listed)).observations
    assert any(one.why.startswith("next page of findings") for one in ocsf.read(data).not_mapped)
    halves = encoded({field: listed[:15], "data": listed[15:]})  # no list is left out
    assert ocsf.read(halves).observations == ocsf.read(encoded(listed)).observations


def test_prowler_3_says_success_and_names_the_check_as_a_feature():
    def finding(number, verdict):
        check = "iam_root_mfa_enabled" if number == 0 else f"service{number % 8}_check_{number}"
        return {
            "finding": {"title": f"T{number}", "uid": f"prowler-aws-{check}-1-us-east-1-r"},
            "compliance": {"status": verdict, "status_detail": "x"}, "status": verdict, "class_uid": 2001,
            "category_uid": 2, "cloud": {"account": {"uid": "1"}}, "time": "2023-10-05 11:01:01.123",
            "resources": [{"uid": f"r{number}"}],
            "metadata": {"product": {"name": "Prowler", "version": "3.10.0", "feature": {"uid": check}}},
        }  # fmt: skip

    found = ocsf.read(encoded([finding(i, "Success" if i % 4 else "Failure") for i in range(40)]))
    assert values(found) == {"hardening_score": 0.75}
    assert (found.assets.seen, found.observed_at.year) == (1, 2023)
    assert any("iam_root_mfa_enabled" in one.what for one in found.not_mapped)


def test_prowler_files_by_framework_and_of_azure():
    head = (
        "PROVIDER;DESCRIPTION;ACCOUNTID;REGION;ASSESSMENTDATE;REQUIREMENTS_ID;STATUS;STATUSEXTENDED;RESOURCEID;CHECKID"
    )
    rows = [
        f"AWS;CIS;1;x;2024-09-01 10:00:00;1.{i};{'PASS' if i % 5 else 'FAIL'};x;r{i};s{i % 8}_c{i}" for i in range(40)
    ]
    found = readers.read("\n".join([head, *rows, "AWS;CIS;;;2024-09-01 10:00:00;9;MANUAL;x;x;manual"]).encode())
    assert (found.tool, values(found), found.observed_at.year) == ("Prowler", {"hardening_score": 0.8}, 2024)
    azure = [
        {"CheckID": f"c{i}", "Status": "PASS" if i % 4 else "FAIL", "StatusExtended": "x", "Subscription": "s"}
        for i in range(40)
    ]
    assert prowler.read(encoded(azure), observed_at="2023-01-01").assets.seen == 1


def test_a_vulnerability_is_open_on_each_of_its_resources():
    two = vulnerability(
        resources=[{"uid": "i-1"}, {"uid": "i-2"}], vulnerabilities=[{"title": "CVE-2021-44228 in log4j"}]
    )
    found = ocsf.read(encoded([two]), vantage="external")
    assert (found.assets.seen, values(found)["kev_open_external"]) == (2, 2)
    older = two | {"class_uid": 2001, "state_id": 4, "state": "Resolved"}
    assert "kev_open_external" not in values(ocsf.read(encoded([older]), vantage="external"))


def test_alerts_are_reported_and_rate_nothing():
    alert = {
        "class_uid": 2004,
        "category_uid": 2,
        "time": 1767261600,
        "finding_info": {"title": "Beacon"},
        "status": "New",
    }
    found = ocsf.read(encoded([alert]))
    assert not found.observations
    assert found.not_mapped[0].what == ("Beacon",)


def test_gzip_and_lines_read_alike():
    lines = b"\n".join(encoded(one) for one in json.loads(findings(MANY)))
    assert ocsf.read(gzip.compress(lines)).observations == ocsf.read(findings(MANY)).observations
