"""Single checks of Prowler and of OCSF: what a failure proves, what it does not, and what the owner's word changes."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.profile.signals import signal
from cyberscore.readers import cloud_checks, ocsf, prowler
from cyberscore.readers.benchmark import FEWEST_CHECKS, FEWEST_SERVICES
from cyberscore.readers.bounds import mildest_adverse

COLUMNS = ("TIMESTAMP", "ACCOUNT_UID", "PROVIDER", "CHECK_ID", "STATUS", "STATUS_EXTENDED", "MUTED", "RESOURCE_UID")


def row(check, status="FAIL", text="x", resource="r", account="1", muted="False"):
    return ("2026-11-01 08:00:00", account, "aws", check, status, text, muted, resource)


def table(*rows):
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([COLUMNS, *rows])
    return prowler.read(text.getvalue().encode())


def findings(*rows):
    listed = [
        {
            "class_uid": 2004, "category_uid": 2, "time": 1793520000, "status_code": status, "status_detail": text,
            "status": "Suppressed" if muted == "True" else "New", "cloud": {"account": {"uid": account}},
            "metadata": {"event_code": check, "product": {"name": "Prowler"}}, "resources": [{"uid": resource}],
            "finding_info": {"uid": f"{check}-{resource}-{number}"},
        }
        for number, (_, account, _, check, status, text, muted, resource) in enumerate(rows)
    ]  # fmt: skip
    return ocsf.read(json.dumps(listed).encode())


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def read_both(*rows):
    first, second = table(*rows), findings(*rows)
    assert values(first) == values(second)
    return values(first)


def test_every_kind_of_port_names_a_signal():
    ports, policies = cloud_checks.checks()
    assert {one.signal for one in ports.values()} == {"exposed_rdp", "risky_services"}
    assert {one.signal for one in policies} == {"mfa_email_coverage", "mfa_admin_coverage"}


RDP = "compute_firewall_rdp_access_from_the_internet_allowed"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (RDP, {"exposed_rdp": 1}),
        ("compute_rdp_access_from_the_internet_allowed", {"exposed_rdp": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389", {"exposed_rdp": 1}),
        ("check42", {"exposed_rdp": 1}),
        ("EC2.14", {"exposed_rdp": 1}),
        ("network_rdp_internet_access_restricted", {"exposed_rdp": 1}),
        ("network_security_list_ingress_from_internet_to_rdp_port", {"exposed_rdp": 1}),
        ("network_security_group_ingress_from_internet_to_rdp_port", {"exposed_rdp": 1}),
        ("ecs_securitygroup_restrict_rdp_internet", {"exposed_rdp": 1}),
        ("networking_security_group_allows_rdp_from_internet", {"exposed_rdp": 1}),
        ("ec2_instance_port_rdp_exposed_to_internet", {"exposed_rdp": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_all_ports", {"exposed_rdp": 1, "risky_services": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_mysql_3306", {"risky_services": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_port_mongodb_27017_27018", {"risky_services": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_ftp_port_20_21", {"risky_services": 1}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_telnet_23", {"risky_services": 1}),
        ("ec2_instance_port_cifs_exposed_to_internet", {"risky_services": 1}),
        ("ecs_securitygroup_restrict_redis_internet", {"risky_services": 1}),
        # SSH and Kafka are no signal; network ACLs and single open ports say little.
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22", {}),
        ("compute_firewall_ssh_access_from_the_internet_allowed", {}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_kafka_9092", {}),
        ("ec2_securitygroup_allow_ingress_from_internet_to_any_port", {}),
        ("ec2_networkacl_allow_ingress_tcp_port_3389", {}),
        ("my_compute_firewall_rdp_access_from_the_internet_allowed", {}),
    ],
)
def test_ports_that_a_failed_check_opens(check, expected):
    assert read_both(row(check)) == expected
    assert read_both(row(check, muted="True")) == expected
    assert read_both(row(check, "PASS")) == {}  # one cloud is not the whole perimeter
    assert read_both(row(check, "MANUAL")) == {}
    assert any(check in one.what for one in table(row(check)).not_mapped)


MACHINE = "ec2_instance_port_rdp_exposed_to_internet"
GROUP = "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389"
PUBLIC = "Instance {} has RDP exposed to 0.0.0.0/0 on public ip address 203.0.113.7 in public subnet subnet-1."
UNROUTED = "Instance {} has RDP exposed to 0.0.0.0/0 on public ip address 203.0.113.7 but in private subnet subnet-1."
PRIVATE = "Instance {} has RDP exposed to 0.0.0.0/0 but with no public ip address."


def test_machines_count_where_the_internet_reaches_them():
    three = [row(MACHINE, "FAIL", PUBLIC.format(f"i-{i}"), f"i-{i}") for i in range(3)]
    assert read_both(*three, row(GROUP)) == {"exposed_rdp": 3}
    hidden = [row(MACHINE, "FAIL", PRIVATE.format("i-1"), "i-1"), row(MACHINE, "FAIL", UNROUTED.format("i-2"), "i-2")]
    assert read_both(*hidden) == {}
    assert read_both(*hidden, row(GROUP)) == {}
    assert read_both(*hidden, row(GROUP, account="2")) == {"exposed_rdp": 1}
    assert read_both(*hidden, three[0], row(GROUP)) == {"exposed_rdp": 1}


def test_a_port_that_was_not_asked_because_all_are_open_is_open():
    text = (
        "Security group web (sg-1) has all ports open to the Internet and therefore was not checked against the port."
    )
    assert read_both(row(GROUP, "PASS", text)) == {"exposed_rdp": 1}
    name = "Security group has all ports open to the Internet (sg-1) does not have Microsoft RDP port 3389 open."
    assert read_both(row(GROUP, "PASS", name)) == {}


USERS, ADMINS = "entra_users_mfa_enabled", "entra_admin_users_mfa_enabled"
LEGACY, SMTP = "entra_legacy_authentication_blocked", "exchange_transport_config_smtp_auth_disabled"


def test_no_policy_for_all_is_bad_news_of_unknown_size():
    found = table(row(USERS), row(ADMINS), row(LEGACY))
    for name in ("mfa_email_coverage", "mfa_admin_coverage"):
        coverage = next(one for one in found.observations if one.signal == name)
        about = signal(name)
        assert about.code(coverage.value) == about.unanswered + 1  # the mildest that is adverse
        assert coverage.source == "document"
    assert values(found)["legacy_auth_enabled"] == 1
    assert read_both(row(USERS), row(ADMINS), row(LEGACY)) == values(found)
    reported = "Conditional Access Policy 'MFA' reports MFA requirement for all users but does not enforce it."
    assert "mfa_email_coverage" in read_both(row(USERS, text=reported))


@pytest.mark.parametrize("check", [USERS, ADMINS, LEGACY, SMTP, "defender_domain_dkim_enabled"])
def test_a_pass_without_the_policies_behind_it_proves_nothing(check):
    assert read_both(row(check, "PASS", "Conditional Access Policy 'x' enforces MFA for all users.")) == {}


def test_what_else_the_file_says_may_gainsay_a_failure():
    assert read_both(row(LEGACY), row(SMTP, "PASS")) == {}
    assert read_both(row(LEGACY), row(SMTP)) == {"legacy_auth_enabled": 1}
    strong = row("entra_admin_users_phishing_resistant_mfa_enabled", "PASS")
    assert read_both(row(ADMINS), strong) == {}
    assert set(read_both(row(USERS), row(ADMINS), strong)) == {"mfa_email_coverage"}
    assert read_both(row(USERS), row(ADMINS), row(LEGACY), row("entra_security_defaults_enabled", "PASS")) == {}


@pytest.mark.parametrize(
    ("check", "name"),
    [("entra_users_mfa_capable", "mfa_email_coverage"), ("entra_privileged_user_has_mfa", "mfa_admin_coverage")],
)
def test_users_who_are_capable_of_mfa_are_not_asked_for_it(check, name):
    def users(capable, total):
        return [row(check, "PASS" if i < capable else "FAIL", "x", f"u{i}") for i in range(total)]

    few, many, none = (table(*users(capable, 10)) for capable in (3, 9, 0))
    assert [(one.signal, one.value, one.source) for one in few.observations] == [(name, 0.3, "telemetry")]
    assert [(one.signal, one.value, one.source) for one in many.observations] == [(name, 0.9, "document")]
    assert none.observations == ()  # they may be asked for it elsewhere
    if name == "mfa_email_coverage":  # ready, and yet no policy asks them
        assert read_both(*users(9, 10), row(USERS)) == {name: mildest_adverse(name)}
        assert read_both(*users(3, 10), row(USERS)) == {name: 0.3}


DMARC = "defender_domain_dmarc_records_published"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No DMARC record found for domain {}.", {"dmarc_policy": "none"}),
        ("Could not resolve DMARC record for domain {} due to a DNS resolver error (Timeout).", {}),
        ("DMARC record exists for domain {} but uses monitoring-only policy p=none.", {}),
    ],
)
def test_a_domain_without_a_dmarc_record(text, expected):
    for domain in ("firm.example", "no-dmarc-record-found.example"):
        assert read_both(row(DMARC, "FAIL", text.format(domain), domain)) == expected
        assert read_both(row(DMARC, "PASS", text.format(domain), domain)) == {}
    tenant = "firm.onmicrosoft.com"
    assert read_both(row(DMARC, "FAIL", text.format(tenant), tenant)) == {}


# The share of a benchmark


def some(services, checks, muted=()):
    return [
        row(f"service{i % services}_check_{i}", "FAIL" if i % 4 == 0 else "PASS", muted=str(i in muted))
        for i in range(checks)
    ]


@settings(max_examples=40, deadline=None)
@given(services=st.integers(1, 10), checks=st.integers(1, 60))
def test_a_share_needs_checks_and_services(services, checks):
    whole = checks >= FEWEST_CHECKS and min(services, checks) >= FEWEST_SERVICES
    assert ("hardening_score" in read_both(*some(services, checks))) is whole


@given(check=st.text(max_size=30))
def test_no_id_of_a_check_alone_is_a_benchmark(check):
    found = table(*(row(f"{check}_{i}", "PASS" if i % 3 else "FAIL") for i in range(FEWEST_CHECKS)))
    assert "hardening_score" not in values(found)


def test_the_service_that_a_file_names_outweighs_the_id():
    rows = some(8, 40)
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([(*COLUMNS, "SERVICE_NAME"), *((*one, "s3") for one in rows)])
    assert values(prowler.read(text.getvalue().encode())) == {}
    named = [
        {
            "class_uid": 2003, "category_uid": 2, "time": 1793520000, "finding_info": {"uid": f"f{i}"},
            "compliance": {"control": f"c{i}", "status": "Pass" if i % 4 else "Fail"},
            "resources": [{"uid": "r", "group": {"name": f"service{i % 8}"}}],
        }
        for i in range(40)
    ]  # fmt: skip
    assert values(ocsf.read(json.dumps(named).encode())) == {"hardening_score": 0.75}
    for one in named:
        one["resources"][0]["group"]["name"] = "s3"
    assert values(ocsf.read(json.dumps(named).encode())) == {}


@pytest.mark.parametrize("word", ["MUTED", "Muted"])
def test_muting_never_raises_the_share(word):
    plain = read_both(*some(8, 40))["hardening_score"]
    assert read_both(*some(8, 40, muted=range(0, 40, 4)))["hardening_score"] == plain
    renamed = [(*one[:4], word if one[4] == "FAIL" else one[4], *one[5:]) for one in some(8, 40)]
    assert read_both(*renamed)["hardening_score"] == plain
    third = [(*one[:4], "WARNING" if one[4] == "FAIL" else one[4], *one[5:]) for one in some(8, 40)]
    assert values(table(*third))["hardening_score"] == plain  # Prowler 3's allowlist


def rated(severities, categories=("",)):
    """Share passed of 48 checks of eight services, as Prowler's CSV and as OCSF tell it."""
    told = [
        (f"service{i % 8}_check_{i}", "FAIL" if i % 4 == 0 else "PASS", severities[i // 8 % len(severities)],
         categories[i % len(categories)])
        for i in range(48)
    ]  # fmt: skip
    head = "TIMESTAMP;ACCOUNT_UID;PROVIDER;CHECK_ID;STATUS;STATUS_EXTENDED;SEVERITY;CATEGORIES"
    rows = [f"2026-01-01 10:00:00;1;aws;{check};{status};;{grade};{group}" for check, status, grade, group in told]
    listed = [
        {
            "class_uid": 2003, "category_uid": 2, "time": 1767261600, "status_code": status, "severity": grade.title(),
            "metadata": {"event_code": check}, "finding_info": {"uid": check}, "resources": [{"uid": "r"}],
            "unmapped": {"categories": [one for one in group.split(" | ") if one]},
        }
        for check, status, grade, group in told
    ]  # fmt: skip
    by_csv = values(prowler.read("\n".join([head, *rows]).encode())).get("hardening_score")
    assert values(ocsf.read(json.dumps(listed).encode())).get("hardening_score") == by_csv
    return by_csv


def test_checks_chosen_by_severity_or_category_are_no_benchmark():
    assert rated(["low", "medium", "high", "critical"]) == 0.75
    assert rated(["critical", "high"]) is None
    assert rated(["critical"]) is None
    assert rated(["medium"]) == 0.75  # some tools rate all alike
    everything = ["low", "medium", "high", "critical"]
    assert rated(everything, ["internet-exposed"]) is None
    assert rated(everything, ["secrets", "secrets | encryption"]) is None
    assert rated(everything, ["secrets", "encryption"]) == 0.75
    assert rated(everything, ["secrets", ""]) == 0.75
