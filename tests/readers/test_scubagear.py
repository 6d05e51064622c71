"""ScubaGear's results: shares that may be claimed, exclusions, and the worst of the firm's mail domains."""

import copy
import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import mail_records, scubagear
from samples import OWN, others, plain

SMALL_TENANT = OWN / "scubagear" / "ScubaResults.json"
TENANT = "contoso.onmicrosoft.com"


def real_bytes():
    return plain(others("scubagear/ScubaResults_full.json.gz"))


def real():
    return json.loads(real_bytes().decode("utf-8-sig"))


RESISTANT = {"AuthenticationStrength": {"AllowedCombinations": ["fido2", "windowsHelloForBusiness"]}}
BLOCK = {"BuiltInControls": ["block"]}


def policy(name="P", grants=None, state="enabled", **conditions):
    """A conditional access policy as the tool exports it, empty conditions included; by default it asks for MFA."""
    users = {
        "IncludeUsers": ["All"],
        "ExcludeUsers": [],
        "ExcludeGroups": [],
        "ExcludeRoles": [],
        "IncludeRoles": [],
    }
    users |= {"ExcludeGuestsOrExternalUsers": {"ExternalTenants": {"MembershipKind": None}, "@odata.type": "x"}}
    users |= conditions.pop("Users", {})
    apps = {"IncludeApplications": ["All"], "ExcludeApplications": []} | conditions.pop("Applications", {})
    empty = {
        "Locations": {"IncludeLocations": None, "ExcludeLocations": []},
        "SignInRiskLevels": [],
        "Platforms": None,
    }
    found = {"Users": users, "Applications": apps, "ClientAppTypes": ["all"], **empty, **conditions}
    grants = {"Operator": "OR", "BuiltInControls": [], "CustomAuthenticationFactors": [], "TermsOfUse": []} | (
        {"BuiltInControls": ["mfa"]} if grants is None else grants
    )
    return {"DisplayName": name, "State": state, "Conditions": found, "GrantControls": grants}


def results(*controls, raw=None, **about):
    """A results file from (id, result) or (id, result, details)."""
    about = {
        "Tool": "ScubaGear",
        "ToolVersion": "1.5.0",
        "TimestampZulu": "2025-01-02T03:04:05.678Z",
        "DomainName": TENANT,
    } | about
    products = {}
    for name, result, *details in controls:
        control = {
            "Control ID": name,
            "Result": result,
            "Details": details[0] if details else "Requirement met",
        }
        products.setdefault(name.split(".")[1], [{"GroupName": "G", "Controls": []}])[0]["Controls"].append(control)
    content = {"MetaData": about, "Summary": {}, "Results": products}
    if raw is not None:
        content["Raw"] = raw
    return b"\xef\xbb\xbf" + json.dumps(content).encode()


def met(*names):
    return f"{len(names)} conditional access policy(s) found that meet(s) all requirements: {', '.join(names)}. "


def values(source):
    return {one.signal: one.value for one in scubagear.read(source).observations}


def reasons(reading):
    return {one.why: one.count for one in reading.not_mapped}


def with_policies(*policies, control="MS.AAD.3.2v1", details=None, **raw):
    details = details or met(*(one["DisplayName"] for one in policies))
    return results((control, "Pass", details), raw={"conditional_access_policies": list(policies), **raw})


def test_the_real_tenant():
    reading = scubagear.read(real_bytes())
    # MFA and the block of legacy clients pass without exclusions; phishing-resistant MFA fails; of the five
    # own mail domains none was looked up (the records are those of onmicrosoft.com names)
    assert [(one.signal, one.value, one.source) for one in reading.observations] == [
        ("mfa_email_coverage", 1.0, "telemetry"),
        ("mfa_admin_coverage", 1.0, "telemetry"),
        ("legacy_auth_enabled", 0, "telemetry"),
    ]
    assert reading.observed_at == datetime(2026, 5, 4, 17, 15, 48, 307000, tzinfo=UTC)
    assert (reading.tool, reading.tool_version) == ("ScubaGear", "1.8.0")
    assert reading.scope["policies"] == 92
    assert len(reading.scope["own_domains"]) == 5
    assert reasons(reading) == {
        "dmarc_policy: mail domain without a DNS answer in the file": 5,
        "spf_dkim_level: mail domain without a DNS answer in the file": 5,
        "no signal rates this policy (pass)": 52,
        "no signal rates this policy (n/a)": 9,
        "no signal rates this policy (fail)": 12,
        "no signal rates this policy (warning)": 11,
        "no policy meets it, which does not tell how many are covered": 2,
        "provider setting that no signal rates": 67,
    }


def test_the_real_tenant_without_provider_settings_shows_nothing():
    content = real()
    del content["Raw"]
    reading = scubagear.read(json.dumps(content).encode())
    assert reading.observations == ()
    assert reasons(reading)["it passes, but the file holds no conditional access policies that show for whom"] == 2
    assert reasons(reading)["which of the firm's own domains were looked up is not told"] == 2


def test_the_real_tenant_once_its_own_domains_were_looked_up():
    content = real()
    raw = content["Raw"]
    own = [one for one in raw["accepted_domains"] if mail_records.is_own(one["DomainName"])]
    names = [one["DomainName"] for one in own]
    raw["spf_records"] += [{"domain": name, "rdata": ["v=spf1 -all"], "log": []} for name in names]
    raw["dmarc_records"] = [{"domain": name, "rdata": ["v=DMARC1; p=quarantine"], "log": None} for name in names]
    raw["dkim_records"] = [{"domain": name, "rdata": [], "log": []} for name in names]
    reading = scubagear.read(json.dumps(content).encode())
    found = {one.signal: (one.value, one.source) for one in reading.observations}
    assert found["dmarc_policy"] == ("quarantine", "scan")
    assert found["spf_dkim_level"] == (1, "scan")


@pytest.mark.parametrize("suffix", ["", "v1", "v2", "v12"])
def test_version_suffixes_do_not_matter(suffix):
    assert values(with_policies(policy(), control=f"MS.AAD.3.2{suffix}")) == {
        "mfa_email_coverage": 1.0,
        "mfa_admin_coverage": 1.0,
    }


@pytest.mark.parametrize("verdict", ["Fail", "Warning", "N/A", "Error", "Omitted", "Incorrect result", "Perhaps", ""])
@pytest.mark.parametrize("name", ["MS.AAD.1.1v1", "MS.AAD.3.1v1", "MS.AAD.3.2v2", "MS.AAD.3.6v1"])
def test_only_a_pass_is_evidence(name, verdict):
    reading = scubagear.read(results((name, verdict), ("MS.AAD.7.1v1", verdict)))
    assert reading.observations == ()
    assert sum(reasons(reading).values()) == 2
    assert f"no signal rates this policy ({verdict.lower()})" in reasons(reading)


def test_what_each_policy_gives():
    strong, blocking = policy(grants=RESISTANT), policy(grants=BLOCK, ClientAppTypes=["exchangeActiveSync", "other"])
    assert values(with_policies(strong, control="MS.AAD.3.1v1")) == {
        "mfa_email_coverage": 1.0, "mfa_admin_coverage": 1.0, "phishing_resistant_mfa": 1.0,
    }  # fmt: skip
    assert values(with_policies(strong, control="MS.AAD.3.6v1")) == {"mfa_admin_coverage": 1.0}
    assert values(with_policies(blocking, control="MS.AAD.1.1v1")) == {"legacy_auth_enabled": 0}


def test_excluded_users_are_deducted_where_their_number_is_known():
    outside = policy(Users={"ExcludeUsers": ["A1", "b2"]})
    source = with_policies(outside, total_user_count=50, privileged_users={"a1": {}, "c3": {}, "d4": {}, "e5": {}})
    assert values(source) == {"mfa_email_coverage": 0.96, "mfa_admin_coverage": 0.75}


@pytest.mark.parametrize("total", [-1, 0, 1, None, "many", float("nan"), True])
def test_excluded_users_of_an_unknown_number_give_no_share(total):
    reading = scubagear.read(with_policies(policy(Users={"ExcludeUsers": ["a", "b"]}), total_user_count=total))
    assert reading.observations == ()
    assert reasons(reading)["users are excluded, but out of how many is not told"] == 2


def test_users_must_be_left_out_by_every_policy():
    both = (policy("A", Users={"ExcludeUsers": ["a", "b"]}), policy("B", Users={"ExcludeUsers": ["b", "c"]}))
    assert values(with_policies(*both, total_user_count=10))["mfa_email_coverage"] == 0.9
    assert values(with_policies(*both, policy("C")))["mfa_email_coverage"] == 1.0
    groups = policy("G", Users={"ExcludeGroups": ["g"]})
    assert values(with_policies(*both, groups, total_user_count=10))["mfa_email_coverage"] == 0.9


@pytest.mark.parametrize(
    "conditions",
    [
        {"Users": {"ExcludeGroups": ["g"]}},
        {"Users": {"ExcludeRoles": ["r"]}},
        {"Users": {"ExcludeGuestsOrExternalUsers": {"GuestOrExternalUserTypes": "internalGuest"}}},
        {"Users": {"ExcludeUsers": ["GuestsOrExternalUsers"]}},
        {"Users": {"IncludeUsers": ["someone"]}},
        {"Applications": {"ExcludeApplications": ["app"]}},
        {"Applications": {"IncludeApplications": ["Office365"]}},
        {"Applications": {"ApplicationFilter": {"Mode": "exclude", "Rule": "x"}}},
        {"Locations": {"IncludeLocations": ["All"], "ExcludeLocations": ["AllTrusted"]}},
        {"Platforms": {"IncludePlatforms": ["windows"], "ExcludePlatforms": []}},
        {"SignInRiskLevels": ["high"]},
        {"ClientAppTypes": ["browser"]},
    ],
)
def test_a_policy_limited_by_what_cannot_be_counted_gives_no_share(conditions):
    reading = scubagear.read(with_policies(policy(**conditions), total_user_count=100))
    assert reading.observations == ()
    assert any(why.startswith("the policy that meets it is limited") for why in reasons(reading))


def test_conditions_that_are_set_to_everything_limit_nothing():
    wide = policy(
        Locations={"IncludeLocations": ["All"], "ExcludeLocations": []},
        Platforms={"IncludePlatforms": ["all"], "ExcludePlatforms": None},
        ClientAppTypes=["browser", "mobileAppsAndDesktopClients"],
        Devices={"DeviceFilter": {"Mode": None, "Rule": None}},
    )
    assert values(with_policies(wide))["mfa_email_coverage"] == 1.0


def test_a_role_policy_needs_not_include_all_users():
    roles = policy(grants=RESISTANT, Users={"IncludeUsers": [], "IncludeRoles": ["X", "y"]})
    told = [{"RoleTemplateId": "x"}, {"RoleTemplateId": "Y"}]
    source = with_policies(roles, control="MS.AAD.3.6v1", privileged_roles=told)
    assert values(source) == {"mfa_admin_coverage": 1.0}
    for missing in ([], [*told, {"RoleTemplateId": "z"}]):
        assert values(with_policies(roles, control="MS.AAD.3.6v1", privileged_roles=missing)) == {}


def test_legacy_clients_are_blocked_only_for_all():
    clients = {"grants": BLOCK, "ClientAppTypes": ["exchangeActiveSync", "other"]}
    assert values(with_policies(policy(**clients), control="MS.AAD.1.1v1")) == {"legacy_auth_enabled": 0}
    some = policy(**clients, Users={"ExcludeUsers": ["printer"]})
    assert values(with_policies(some, control="MS.AAD.1.1v1", total_user_count=10)) == {}
    half = policy(grants=BLOCK, ClientAppTypes=["exchangeActiveSync"])
    assert values(with_policies(half, control="MS.AAD.1.1v1")) == {}


def dns(*domains, dkim_config=True, accepted=()):
    """Provider settings from (domain, SPF, DKIM key, DMARC); None is a look-up that failed."""

    def records(column, prefix):
        rows = []
        for row in domains:
            text, name = row[column], prefix + row[0]
            outcome = (
                "Query resulted in exception, x" if text is None else f"Query returned {int(bool(text))} txt records"
            )
            log = [{"query_name": name, "query_result": outcome, "query_answers": [text] if text else []}]
            rows.append({"domain": row[0], "rdata": [text] if text else [], "log": log})
        return rows

    return {
        "accepted_domains": [{"DomainName": name} for name in (*accepted, *(row[0] for row in domains), TENANT)],
        "spf_records": records(1, ""),
        "dkim_records": records(2, "s._domainkey."),
        "dmarc_records": records(3, "_dmarc."),
        "dkim_config": [{"Domain": row[0], "Enabled": dkim_config} for row in domains],
    }


SPF, KEY, REJECT = "v=spf1 include:x -all", "v=DKIM1; p=MII", "v=DMARC1; p=reject"
GOOD = ("contoso.com", SPF, KEY, REJECT)


def test_the_worst_own_domain_counts():
    assert values(results(raw=dns(GOOD))) == {"dmarc_policy": "reject", "spf_dkim_level": 2}
    worse = ("b.example", "", KEY, "v=DMARC1; p=none; rua=mailto:x@y")
    assert values(results(raw=dns(GOOD, worse))) == {"dmarc_policy": "monitor", "spf_dkim_level": 1}
    worst = ("c.example", "v=spf1 +all", "v=DKIM1; p=", "")
    assert values(results(raw=dns(GOOD, worse, worst))) == {"dmarc_policy": "none", "spf_dkim_level": 0}


def test_domains_of_the_tenant_itself_do_not_count():
    bare = ("x.mail.OnMicrosoft.com.", "", "", "")
    assert values(results(raw=dns(GOOD, bare))) == {"dmarc_policy": "reject", "spf_dkim_level": 2}
    reading = scubagear.read(results(raw=dns(bare)))
    assert reading.observations == ()
    assert reasons(reading)["mail domain: none is the firm's own (onmicrosoft.com does not count)"] == 2


def test_a_domain_without_an_answer_leaves_only_the_worst_to_be_claimed():
    for raw in (dns(GOOD, accepted=["new.example"]), dns(GOOD, ("b.example", None, None, None))):
        reading = scubagear.read(results(raw=raw))
        assert reading.observations == ()
        assert reasons(reading)["dmarc_policy: mail domain without a DNS answer in the file"] == 1
    bad = dns(("b.example", "", "", ""), accepted=["new.example"])
    assert values(results(raw=bad)) == {"dmarc_policy": "none", "spf_dkim_level": 0}


def test_dkim_needs_signing_to_be_on():
    assert values(results(raw=dns(GOOD, dkim_config=False)))["spf_dkim_level"] == 1


def test_powershell_unwraps_lists_of_one():
    raw = dns(GOOD)
    raw = {key: (value if key == "accepted_domains" else value[0]) for key, value in raw.items()}
    raw["spf_records"]["rdata"] = raw["spf_records"]["rdata"][0]
    assert values(results(raw=raw)) == {"dmarc_policy": "reject", "spf_dkim_level": 2}


def test_a_subdomain_inherits_the_policy_for_subdomains():
    raw = dns(GOOD)
    log = [
        {"query_name": "_dmarc.contoso.com", "query_result": "Query returned NXDomain", "query_answers": []},
        {
            "query_name": "_dmarc.com",
            "query_result": "Query returned 1 txt records",
            "query_answers": "v=DMARC1",
        },
    ]
    raw["dmarc_records"] = {"domain": "contoso.com", "rdata": ["v=DMARC1; p=reject; sp=none"], "log": log}
    assert values(results(raw=raw))["dmarc_policy"] == "monitor"


@pytest.mark.parametrize(
    ("texts", "policy_found"),
    [
        ([], "none"), (["v=spf1 -all"], "none"), ([REJECT, REJECT], "none"), ([REJECT, "other"], "reject"),
        (["V=dmarc1 ; P = Quarantine"], "quarantine"), (["v=DMARC1;p=none"], "monitor"),
        (["v=DMARC1"], "none"),
        (["v=DMARC1; p=reject; pct=20"], "quarantine"), (["v=DMARC1; p=quarantine; pct=0"], "monitor"),
        (["v=DMARC1; p=reject; pct=100"], "reject"), (["v=DMARC1; p=reject; t=y"], "quarantine"),
        (["v=DMARC1; p=rejct; rua=mailto:a@b"], "monitor"), (["v=DMARC1; sp=none; p=reject"], "reject"),
    ],
)  # fmt: skip
def test_dmarc_records(texts, policy_found):
    assert mail_records.dmarc_policy(texts) == policy_found


@pytest.mark.parametrize(
    ("texts", "held"),
    [
        ([SPF], True), (["v=spf1 ~all", "other"], True), (["v=spf1 redirect=_spf.x"], True),
        (["v=spf1 ?all"], False),
        (["v=spf1 a"], False), ([SPF, SPF], False), (["v=spf10 -all"], False), ([], False),
    ],
)  # fmt: skip
def test_spf_records(texts, held):
    assert mail_records.has_spf(texts) is held


def found_in(*domains):
    listed = ", ".join(domains)
    return f"{len(domains)} agency domain(s) found in violation: {listed}. View DNS logs, #dns-logs for more."


def mail(spf, dkim, dmarc, reject, **about):
    """Results of the mail policies, each given by the domains in violation; None is a policy not checked."""
    names = ("MS.EXO.2.2v1", "MS.EXO.3.1v1", "MS.EXO.4.1v1", "MS.EXO.4.2v1")
    rows = []
    for name, domains in zip(names, (spf, dkim, dmarc, reject), strict=True):
        if domains is None:
            rows.append((name, "Error", "x"))
        else:
            rows.append((name, "Fail", found_in(*domains)) if domains else (name, "Pass"))
    return values(results(*rows, **about))


def test_without_dns_records_only_named_domains_count():
    # A pass does not show which domains were looked up, even where the tenant's own domain is known.
    assert mail([], [TENANT], [], []) == mail([], [TENANT], [], [], DomainName="contoso.com") == {}
    assert mail(["a.example"], [], ["a.example"], ["a.example"]) == {"dmarc_policy": "none"}
    assert mail(["a.example"], ["a.example"], [TENANT], ["a.example"]) == {"spf_dkim_level": 0}
    assert mail(["a.example"], ["b.example"], [], []) == {}
    assert mail(None, ["a.example"], None, []) == {}


BAD = {
    "empty": (b"", "empty"),
    "compressed": (gzip.compress(b"{}")[:-4], "cut short"),
    "cut short": (results(("MS.AAD.3.2v1", "Pass"))[:-9], "cut short"),
    "binary": (bytes(range(128, 256)), "not text"),
    "a list": (b"[]", "JSON object is wanted"),
    "another tool": (results(Tool="ScubaGoggles"), "ScubaGoggles"),
    "provider settings": (b'{"tenant_details": []}', "ScubaResults"),
    "no results": (b'{"MetaData": {"Tool": "ScubaGear"}}', "not results of ScubaGear"),
    "deep": (b'{"a":' * 100_000, "nested too deeply|not valid JSON"),
    "deep but whole": (b'{"a":' * 90 + b"1" + b"}" * 90, "nested deeper"),
    "repeated": (b'{"MetaData": {}, "MetaData": {}}', "given twice"),
    "half a character": (results(ToolVersion="\ud800"), "half a character"),
    "long number": (b'{"a": ' + b"1" * 5000 + b"}", "number too long"),
    "metadata": (b'{"MetaData": [1]}', "MetaData must be an object; got list"),
    "undated": (results(TimestampZulu="yesterday"), "pass observed_at"),
    "no zone": (results(TimestampZulu="2025-01-02T03:04:05"), "pass observed_at"),
    "products": (b'{"MetaData": {"Tool": "ScubaGear"}, "Results": 3}', "Results must be an object; got int"),
    "groups": (b'{"MetaData": {"Tool": "ScubaGear"}, "Results": {"AAD": "x"}}', "AAD must be an object"),
    "control": (results().replace(b"{}}", b'{"AAD": {"Controls": {}}}}'), "without a Control ID"),
    "raw": (results(raw=[1]), "Raw must be an object; got list"),
    "records": (results(raw={"dmarc_records": [{"domain": 7}]}), "dmarc_records must hold text only"),
    "policies": (results(raw={"conditional_access_policies": "x"}), "policies must be an object; got str"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_damaged_or_foreign_files_give_one_clear_error(case, tmp_path):
    data, words = BAD[case]
    path = tmp_path / "results.json"
    path.write_bytes(data)
    with pytest.raises(ReadingError, match=words) as caught:
        scubagear.read(path)
    assert str(path) in str(caught.value)


def test_large_files_are_refused(monkeypatch):
    monkeypatch.setattr(scubagear, "MAX_BYTES", 1000)
    with pytest.raises(ReadingError, match="larger than"):
        scubagear.read(SMALL_TENANT)


def test_a_result_given_twice_must_agree():
    raw = {"conditional_access_policies": [policy()]}
    assert values(results(("MS.AAD.3.2v1", "Pass"), ("MS.AAD.3.2v2", "Pass"), raw=raw))["mfa_email_coverage"] == 1.0
    reading = scubagear.read(results(("MS.AAD.3.2v1", "Pass"), ("MS.AAD.3.2v2", "Fail"), ("MS.AAD.3.2v2", "Fail")))
    assert reading.observations == ()
    assert reasons(reading) == {"the file gives it twice, with different results": 1}


def test_other_encodings_and_dates():
    blocking = policy(grants=BLOCK, ClientAppTypes=["exchangeActiveSync", "other"])
    raw = {"conditional_access_policies": [blocking]}
    text = results(("MS.AAD.1.1v1", "Pass"), raw=raw).decode("utf-8-sig")
    assert values(text.encode("utf-16")) == values(text.encode()) == {"legacy_auth_enabled": 0}
    undated = results(("MS.AAD.1.1v1", "Pass"), TimestampZulu=None)
    assert scubagear.read(undated, observed_at=datetime(2025, 1, 2, tzinfo=UTC)).observed_at.year == 2025


def test_read_finds_the_reader():
    assert readers.read(SMALL_TENANT).tool == "ScubaGear"
    assert "not_mapped" in readers.read(SMALL_TENANT.read_bytes(), tool="scubagear").to_dict()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_to_values_gives_a_reading_or_a_reading_error(data):
    content = copy.deepcopy(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        node = content
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = data.draw(st.sampled_from(keys))
            inner = node[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 5)) == 0:
                break
            node = inner
        node[key] = data.draw(
            st.sampled_from(
                [
                    None,
                    True,
                    -1,
                    3,
                    1e300,
                    "",
                    "All",
                    "x.example",
                    [],
                    {},
                    [[]],
                    [None],
                    {"a": [1]},
                    ["v=DMARC1"],
                ]
            )
        )
    try:
        scubagear.read(json.dumps(content).encode(), observed_at="2024-01-01")
    except ReadingError as error:
        assert str(error).startswith("bytes: ")  # noqa: PT017


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_to_bytes_gives_a_reading_or_a_reading_error(data):
    content = bytearray(
        results(("MS.AAD.3.2v1", "Pass", met("P")), raw={**dns(GOOD), "conditional_access_policies": [policy()]})
    )
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (content, content[:cut]):
        try:
            scubagear.read(bytes(damaged), observed_at="2024-01-01")
        except ReadingError as error:
            assert str(error).startswith("bytes: ")  # noqa: PT017


SMALL = json.loads(
    results(
        ("MS.AAD.1.1v1", "Pass", met("P")), ("MS.AAD.3.1v1", "Fail"), ("MS.AAD.3.2v1", "Pass", met("P", "Q")),
        ("MS.EXO.2.2v1", "Fail", found_in("a.example")), ("MS.EXO.4.1v1", "Pass"),
        raw={
            **dns(GOOD),
            "conditional_access_policies": [policy("P"), policy("Q", Users={"ExcludeUsers": ["a"]})],
            "privileged_users": {"a": {}},
            "total_user_count": 9,
        },
    ).decode("utf-8-sig")
)  # fmt: skip
