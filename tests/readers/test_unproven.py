"""Scanners prove no more than they looked at, their owner's word changes no finding, and nothing is counted twice."""

# ruff: noqa: E501  excerpts of exports keep their lines

import json
from pathlib import Path

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import opening
from cyberscore.readers.nessus import UNPRIVILEGED

CASES = Path(__file__).parents[3] / "shared" / "cases" / "readers"
KEV, OTHER = "CVE-2024-21762", "CVE-2022-0001"  # known to be exploited, and not
VULNERABILITIES = ("kev_open_external", "epss_any_30d")
PORTS = ("exposed_rdp", "risky_services", "exposed_login_panels")
ZERO = {"kev_open_external": 0, "epss_any_30d": 0.0}


def said(data, **options):
    data = (
        data
        if isinstance(data, bytes | Path)
        else data.encode()
        if isinstance(data, str)
        else json.dumps(data).encode()
    )
    reading = readers.read(data, **{"vantage": "external", "observed_at": "2026-11-01", **options})
    return reading, {one.signal: one.value for one in reading.observations}


def reasons(reading):
    return {one.why: one.count for one in reading.not_mapped}


# small inputs that were misread, beside the checkout: what each must say, and what it must not


TABLE = {
    "n01_nmap_xmas_windows_all_closed.xml": ({}, PORTS, "kind of scan that an open port need not answer"),
    "n03_nmap_window.xml": ({}, PORTS, "kind of scan that an open port need not answer"),
    "n04_nmap_fin_listed.xml": ({}, PORTS, "kind of scan that an open port need not answer"),
    "n05_nmap_fin.gnmap": ({}, PORTS, "kind of scan that an open port need not answer"),
    "n06_nmap_syn_proxy_all_open.xml": ({}, (*PORTS, "internet_footprint"), "answers for all ports"),
    "n07_masscan_syn_proxy.json": ({}, (*PORTS, "internet_footprint"), "answers for all ports"),
    "n08_nmap_dual_stack.xml": ({"internet_footprint": 1, "exposed_rdp": 1}, (), "counted once"),
    "n09_nmap_control_syn_one_rdp.xml": (
        {"internet_footprint": 1, "exposed_rdp": 1, "risky_services": 0, "exposed_login_panels": 0},
        (),
        "",
    ),
    "o01_openvas_override_to_log.xml": ({"kev_open_external": 1}, (), "override made less severe"),
    "o02_openvas_override_false_positive.xml": ({}, VULNERABILITIES, "calls a false positive"),
    "o03_openvas_consider_alive_dead_host.xml": ({}, (*VULNERABILITIES, "internet_footprint"), "did not answer"),
    "o04_openvas_one_live_one_dead.xml": ({"internet_footprint": 1}, (), "did not answer"),
    "o05_openvas_discovery_config.xml": ({}, VULNERABILITIES, "no result has a severity"),
    "o07_openvas_errors_host_dead.xml": ({}, VULNERABILITIES, "error while a host was scanned"),
    "o08_openvas_control_no_override.xml": ({"kev_open_external": 1, "internet_footprint": 1}, (), ""),
    "o09_openvas_host_with_newline.xml": ({"kev_open_external": 1, "internet_footprint": 1}, (), ""),
    "e01_nessus_host_discovery.nessus": ({}, VULNERABILITIES, "families of plugins that did not run"),
    "e02_nessus_single_topic.nessus": ({}, VULNERABILITIES, "families of plugins that did not run"),
    "e04_nessus_blocked_midscan.nessus": ({}, (*VULNERABILITIES, *PORTS), "was disturbed"),
    "e05_nessus_fragile_not_scanned.nessus": ({}, (*VULNERABILITIES, *PORTS), "was disturbed"),
    "e06_nessus_control_full_policy.nessus": ({**ZERO, "exposed_rdp": 0, "risky_services": 0}, (), ""),
    "q01_qualys_day_first.csv": ({"critical_patch_median_days": 30}, (), ""),
    "q02_qualys_same_iso.csv": ({"critical_patch_median_days": 30}, (), ""),
    "q03_qualys_scan_interference.xml": ({"internet_footprint": 1}, VULNERABILITIES, "was disturbed"),
    "q04_qualys_without_interference.xml": ({**ZERO, "internet_footprint": 1}, (), ""),
    "w01_wazuh5_states.json": ({"kev_open_external": 2}, (), ""),
    "w02_wazuh5_flat.json": ({"kev_open_external": 1}, (), ""),
    "u01_nuclei_matcher_status.jsonl": ({"kev_open_external": 1}, (), "did not match"),
}


@pytest.mark.skipif(not CASES.exists(), reason="the inputs are not beside the checkout")
@pytest.mark.parametrize("name", TABLE)
def test_inputs_that_were_misread(name):
    says, absent, why = TABLE[name]
    reading, found = said(CASES / name)
    assert {signal: found.get(signal) for signal in says} == says
    assert not set(absent) & set(found)
    assert not why or any(why in one.why for one in reading.not_mapped)


@pytest.mark.skipif(not CASES.exists(), reason="the inputs are not beside the checkout")
def test_agents_of_both_versions_of_wazuh_read_alike():
    for name in ("w03_wazuh5_three_agents.json", "w04_wazuh412_three_agents.json"):
        reading, found = said(CASES / name, vantage="auto")
        assert (reading.assets.seen, found["kev_open_external"]) == (3, 2)
        assert (reading.scope["hosts_perimeter"], reading.scope["hosts_internal"]) == (2, 1)


# OpenVAS


def openvas(*parts, term="levels=hmlgf min_qod=70", hosts=("203.0.113.40",), counts="", errors=""):
    listed = "".join(f"<host><ip>{host}</ip><end>2026-11-01T08:50:00Z</end></host>" for host in hosts)
    return f"""<report id="a"><report id="b"><gmp><version>22.6</version></gmp><filters id="0"><term>{term}</term></filters>
    <scan_run_status>Done</scan_run_status>{counts}<results start="1" max="100">{"".join(parts)}</results>{listed}{errors}
    <scan_end>2026-11-01T09:00:00Z</scan_end></report></report>"""


def result(cve="", *, severity="2.6", threat="Low", original=None, host="203.0.113.40", name="TCP Timestamps"):
    was = (
        f"<original_threat>{original[0]}</original_threat><original_severity>{original[1]}</original_severity>"
        if original
        else ""
    )
    return f"""<result id="1"><host>{host}<asset asset_id=""/></host><port>general/tcp</port><nvt oid="1"><name>{name}</name>
    <refs><ref type="cve" id="{cve}"/></refs></nvt><threat>{threat}</threat><severity>{severity}</severity>{was}
    <qod><value>80</value></qod></result>"""


LOG = result(severity="0.0", threat="Log", name="Services")


def test_openvas_log_messages_alone_do_not_show_that_vulnerabilities_were_looked_for():
    assert said(openvas(LOG, result()))[1] == {**ZERO, "internet_footprint": 1}
    assert said(openvas(LOG))[1] == {"internet_footprint": 1}
    made_less = result(severity="0.0", threat="Log", original=("Low", "2.6"))
    assert said(openvas(made_less))[1] == {**ZERO, "internet_footprint": 1}  # a check found it, whatever it is called


def test_openvas_hosts_without_a_result_did_not_answer():
    reading, found = said(openvas(result(), hosts=("203.0.113.40", "203.0.113.41")))
    assert (found["internet_footprint"], reading.scope["hosts_silent"]) == (1, 1)
    kept = openvas(result(), hosts=("203.0.113.40", "203.0.113.41"), term="levels=hmlf result_hosts_only=0")
    assert "internet_footprint" not in said(kept)[1]  # its log messages may have been left out
    alive = kept.replace("41</ip>", "41</ip><detail><name>best_os_cpe</name><value>x</value></detail>")
    assert said(alive)[1] == {**ZERO, "internet_footprint": 2}


ERROR = "<error><host>{}<asset asset_id=''/></host><port>general/tcp</port><description>{}</description><nvt oid='0'/></error>"


@pytest.mark.parametrize("why", ["Host dead", "NVT timed out after 320 seconds."])
def test_openvas_errors_leave_a_host_unproven(why):
    text = openvas(result(), errors=f"<errors><count>1</count>{ERROR.format('203.0.113.40', why)}</errors>")
    reading, found = said(text)
    assert found == {"internet_footprint": 1}
    assert reasons(reading)["error while a host was scanned: zero is not claimed"] == 1
    dead = openvas(result(), errors=f"<errors><count>1</count>{ERROR.format('203.0.113.9', why)}</errors>")
    assert said(dead)[1] == {**ZERO, "internet_footprint": 1}  # another host, which did not answer
    assert said(openvas(result(), errors="<errors><count>3</count></errors>"))[1] == {"internet_footprint": 1}
    unnamed = openvas(result(), errors=f"<errors><count>1</count>{ERROR.format('', why)}</errors>")
    assert said(unnamed)[1] == {"internet_footprint": 1}
    older = openvas(result(), result(severity="-3.0", threat="Error", name=why))
    assert said(older)[1] == {"internet_footprint": 1}


def test_openvas_overrides_change_no_finding():
    severe = {"original": ("High", "9.8"), "name": "RCE"}
    for override in (("0.0", "Log"), ("2.0", "Low"), ("5.0", "Medium"), ("-2.0", "Debug")):
        found = said(openvas(result(), result(KEV, severity=override[0], threat=override[1], **severe)))[1]
        assert found["kev_open_external"] == 1
    reading, found = said(openvas(result(), result(KEV, severity="-1.0", threat="False Positive", **severe)))
    assert found == {"internet_footprint": 1}
    assert reasons(reading)["result that its owner calls a false positive: not shown to be absent"] == 1
    beside = said(openvas(result(KEV), result(OTHER, severity="-1.0", threat="False Positive", **severe)))[1]
    assert beside["kev_open_external"] == 1


def test_openvas_false_positives_are_disputed_whatever_they_were_before():
    for original in (None, ("High", "9.8")):
        reading, found = said(
            openvas(result(), LOG, result(KEV, severity="-1.0", threat="False Positive", original=original))
        )
        assert found == {"internet_footprint": 1}
        assert reasons(reading)["result that its owner calls a false positive: not shown to be absent"] == 1


def test_openvas_filters_that_leave_out_false_positives_prove_nothing_absent():
    term = "apply_overrides=1 levels=hmlg"
    count = "<result_count>{}<full>{}</full><filtered>{}</filtered>{}</result_count>"
    assert said(openvas(result(), term=term))[1] == {"internet_footprint": 1}
    hidden = count.format(1, 2, 1, "<false_positive><full>1</full><filtered>0</filtered></false_positive>")
    assert said(openvas(result(), term=term, counts=hidden))[1] == {"internet_footprint": 1}
    for whole in (count.format(1, 1, 1, ""), hidden.replace("<full>1</full>", "<full>0</full>")):
        assert said(openvas(result(), term=term, counts=whole))[1] == {**ZERO, "internet_footprint": 1}
    assert said(openvas(result(), term=term.replace("=1", "=0")))[1] == {**ZERO, "internet_footprint": 1}


def test_openvas_comparisons_and_look_ups_show_nothing_absent():
    clean = openvas(result(), LOG)
    assert said(clean)[1] == {**ZERO, "internet_footprint": 1}
    delta = clean.replace('<report id="b">', '<report id="b" type="delta">')
    assert said(delta)[1] == {"internet_footprint": 1}
    looked_up = openvas(result(), result(OTHER, name=OTHER).replace("<name>", "<type>cve</type><name>"), LOG)
    assert not set(VULNERABILITIES) & set(said(looked_up)[1])


def test_openvas_a_result_that_is_gone_is_not_open():
    for state, open_ones in (("gone", 0), ("same", 1), ("new", 1), ("changed", 1)):
        finding = result(KEV, severity="9.8", threat="High").replace("</qod>", f"</qod><delta>{state}</delta>")
        assert said(openvas(finding, result(), LOG))[1]["kev_open_external"] == open_ones


def test_openvas_addresses_are_read_whole_however_the_file_comes(monkeypatch):
    text = openvas(result(KEV), errors=f"<errors><count>1</count>{ERROR.format('203.0.113.40', 'Host dead')}</errors>")
    whole = said(text)[0].to_dict()
    for size in (7, 11, 64):
        monkeypatch.setattr(opening, "PIECE", size)
        assert said(text)[0].to_dict() == whole


# Nessus


FULL = ("Backdoors", "CGI abuses", "CISCO", "Databases", "DNS", "Firewalls", "FTP", "Gain a shell remotely", "Misc.", "RPC",
        "SMTP problems", "SNMP", "Web Servers", "Windows", "Port scanners", "Settings", "Denial of Service")  # fmt: skip


UP = (
    '<ReportItem port="0" severity="0" pluginID="10180" pluginName="Ping the remote host"><risk_factor>None</risk_factor>'
    "<plugin_output>The remote host is up</plugin_output></ReportItem>"
)


def nessus(*items, policy="", used="Basic Network Scan", host="203.0.113.30", feed="20261030", up=UP):
    return f"""<?xml version="1.0"?><NessusClientData_v2><Policy>{policy}</Policy><Report name="x"><ReportHost name="{host}">
    <HostProperties><tag name="HOST_END">Sun Nov  1 10:30:00 2026</tag><tag name="host-ip">{host}</tag></HostProperties>{up}
    <ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="19506" pluginName="Nessus Scan Information">
    <plugin_output>Nessus version : 10.8.3
Plugin feed version : {feed}0000
Scan policy used : {used}
Port scanner(s) : nessus_syn_scanner
Port range : default
Credentialed checks : no
</plugin_output></ReportItem>{"".join(items)}</ReportHost></Report></NessusClientData_v2>"""


def item(plugin, *, name="x", severity="0", risk="None", output="", more="", port="0", service="general"):
    return (
        f'<ReportItem port="{port}" svc_name="{service}" protocol="tcp" severity="{severity}" pluginID="{plugin}" '
        f'pluginName="{name}"><risk_factor>{risk}</risk_factor><plugin_output>{output}</plugin_output>{more}</ReportItem>'
    )


def families(off="", status="disabled", names=FULL):
    rows = "".join(
        f"<FamilyItem><FamilyName>{one}</FamilyName><Status>{status if one == off else 'enabled'}</Status></FamilyItem>"
        for one in names
    )
    return f"<FamilySelection>{rows}</FamilySelection>"


def plugins(*chosen):
    rows = "".join(
        f"<PluginItem><PluginId>1</PluginId><PluginName>x</PluginName><Family>{family}</Family><Status>{status}</Status></PluginItem>"
        for family, status in chosen
    )
    return f"<IndividualPluginSelection>{rows}</IndividualPluginSelection>"


def plugin_set(count):
    numbers = ";".join(str(10_000 + number) for number in range(count))
    return (
        "<Preferences><ServerPreferences><preference><name>plugin_set</name>"
        f"<value>{numbers}</value></preference></ServerPreferences></Preferences>"
    )


NESSUS_CLEAN = {**ZERO, **dict.fromkeys(PORTS, 0), "internet_footprint": 1}
NESSUS_PORTS = {**dict.fromkeys(PORTS, 0), "internet_footprint": 1}


@pytest.mark.parametrize(
    ("policy", "full"),
    [
        ("", True),
        (families(), True),
        (families("Denial of Service"), True),
        (families("Port scanners", "mixed"), True),
        (families("Web Servers"), False),
        (families("Misc.", "mixed"), False),
        (families(names=("Port scanners", "Settings", "Policy Compliance")), False),
        (families() + plugins(("Port scanners", "enabled"), ("Settings", "disabled")), True),
        (families() + plugins(("Firewalls", "disabled")), False),
        (plugin_set(3), False),
        (plugin_set(2_500), False),
        (plugin_set(60_000), True),
        ("<policyName>Ping-Only Discovery</policyName>", False),
        ("<policyName>Policy Compliance Auditing, monthly</policyName>", False),
        ("<policyName>Advanced Network Scan</policyName>", True),
    ],
)
def test_nessus_policies_that_leave_checks_out_show_no_vulnerability_absent(policy, full):
    reading, found = said(nessus(policy=policy))
    assert found == (NESSUS_CLEAN if full else NESSUS_PORTS)
    assert any("no absence of vulnerabilities is claimed" in why for why in reasons(reading)) is not full
    assert said(nessus(item(1, severity="4", risk="Critical", more=f"<cve>{KEV}</cve>"), policy=policy))[1][
        "kev_open_external"
    ] == 1  # fmt: skip


@pytest.mark.parametrize("used", ["Log4Shell Remote Checks", "Host Discovery", "Malware Scan", "Zerologon Remote Scan"])
def test_nessus_templates_for_one_purpose_are_no_full_scan(used):
    assert said(nessus(used=used))[1] == NESSUS_PORTS


@pytest.mark.parametrize(
    "disturbed",
    [
        item(10919, name="Open Port Re-check", output="Port 443 was detected as being open but is now unresponsive"),
        item(11933, name="Do not scan printers", more="<synopsis>The host appears to be fragile.</synopsis>"),
        item(87413, name="Do not scan OT devices", output="The host is a controller and will not be scanned."),
        item(9, output="The host stopped responding during the tests."),
        item(9, output="The port scan timed out."),
        item(9, more="<synopsis>The remote firewall is blocking Nessus.</synopsis>"),
    ],
)
def test_nessus_hosts_whose_scan_was_disturbed_are_not_clean(disturbed):
    reading, found = said(nessus(disturbed))
    assert found == {"internet_footprint": 1}
    assert reasons(reading)["the scan of a host was disturbed: zero is not claimed"] == 1


def test_nessus_hosts_that_are_taken_as_alive_did_not_answer():
    told = [item(12053, name="FQDN Resolution"), item(46180), item(10287, name="Traceroute Information")]
    for silent in (nessus(up=""), nessus(*told, up="")):
        reading, found = said(silent)
        assert found == {}
        assert reasons(reading)["host of which nothing shows that it answered"] == 1
    assert said(nessus(item(11219, port="443", service="www"), up=""))[1]["internet_footprint"] == 1


def test_nessus_plugins_much_older_than_the_scan_show_no_vulnerability_absent():
    assert said(nessus(feed="20260601"))[1] == NESSUS_CLEAN
    assert said(nessus(feed="20260101"))[1] == NESSUS_PORTS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Port range : default", "Port range : 22"),
        ("Port range : default", "Port range : 80,443"),
        (
            "Port scanner(s) : nessus_syn_scanner\nPort range : default",
            "WARNING : No port scanner was enabled during the scan. This may\nlead to incomplete results.",
        ),
        ("Credentialed checks : no", "Display superseded patches : no (supersedence plugin launched)"),
    ],
)
def test_nessus_scans_of_few_ports_or_without_superseded_patches_show_no_vulnerability_absent(before, after):
    assert not set(VULNERABILITIES) & set(said(nessus().replace(before, after))[1])
    for harmless in ("yes (supersedence plugin launched)", "no (supersedence plugin did not launch)"):
        patches = f"Display superseded patches : {harmless}"
        assert said(nessus().replace("Credentialed checks : no", patches))[1] == NESSUS_CLEAN


def test_nessus_policies_are_told_host_by_host_too():
    tag = '<tag name="policy-used">Host Discovery</tag></HostProperties>'
    assert said(nessus(used="").replace("</HostProperties>", tag))[1] == NESSUS_PORTS


@pytest.mark.parametrize("plugin", sorted(UNPRIVILEGED))
def test_nessus_a_look_from_inside_without_rights_shows_no_system_supported(plugin):
    inside = nessus().replace("Credentialed checks : no", "Credentialed checks : yes")
    assert said(inside)[1] == {**NESSUS_CLEAN, "end_of_life_share": 0.0}
    failed = item(plugin, name="Not all could be seen")
    reading, found = said(inside.replace("</ReportHost>", f"{failed}</ReportHost>"))
    assert found == NESSUS_CLEAN
    assert reasons(reading)["look from inside without the rights to see all"] == 1
    without_ports = inside.replace("</ReportHost>", f"{failed}</ReportHost>").replace("range : default", "range : 22")
    assert not set(VULNERABILITIES) & set(said(without_ports)[1])


def test_nessus_agents_see_no_port_from_outside():
    patch = item("1", name="KB5000000", severity="3", risk="High", port="445", service="cifs")
    agent = nessus(patch).replace("Credentialed checks : no", "Scan type : Windows Agent\nCredentialed checks : yes")
    assert said(agent)[1] == {**ZERO, "end_of_life_share": 0.0, "internet_footprint": 1}
    assert said(nessus(patch))[1]["risky_services"] == 1


def test_nessus_findings_that_were_recast_are_open():
    for more in ("<cvss3_base_score>9.8</cvss3_base_score>", "<cvss_base_score>10.0</cvss_base_score>"):
        recast = item(1, severity="0", risk="None", more=f"<cve>{KEV}</cve>{more}")
        reading, found = said(nessus(recast))
        assert found["kev_open_external"] == 1
        assert reasons(reading)["finding that its owner made less severe: counts as it was found"] == 1


TENABLE = "Plugin ID,CVE,CVSS v3 Base Score,Severity,Original Severity,Modification,Vulnerability State,IP Address,FQDN,Asset UUID,Plugin Name,Port,Protocol\n"


@pytest.mark.parametrize(
    ("row", "open_ones"),
    [
        (f"1,{KEV},9.8,4,4,NONE,Active,203.0.113.5,a.example,,x,443,TCP", 1),
        (f"1,{KEV},9.8,0,4,RECASTED,Active,203.0.113.5,a.example,,x,443,TCP", 1),
        (f"1,{KEV},,Info,Critical,RECASTED,Active,203.0.113.5,a.example,,x,443,TCP", 1),
        (f"1,{KEV},9.8,0,,,Active,203.0.113.5,a.example,,x,443,TCP", 1),
        (f"1,{KEV},9.8,4,4,ACCEPTED,Active,203.0.113.5,a.example,,x,443,TCP", 1),
        (f"1,{KEV},9.8,4,4,NONE,Fixed,203.0.113.5,a.example,,x,443,TCP", None),
        (f"1,{KEV},9.8,4,4,NONE,False Positive,203.0.113.5,a.example,,x,443,TCP", None),
        (f"1,{KEV},,0,0,NONE,Active,203.0.113.5,a.example,,x,443,TCP", None),
    ],
)
def test_tenable_tables_keep_what_the_owner_changed(row, open_ones):
    reading, found = said(TENABLE + row)
    assert found.get("kev_open_external") == open_ones
    changed = any(word in row for word in ("RECASTED", "ACCEPTED"))
    assert (
        "finding that its owner accepted or made less severe: counts as it was found" in reasons(reading)
    ) == changed


def test_a_host_of_a_table_with_two_kinds_of_address_is_one_host():
    row = f"1,{KEV},9.8,4,4,NONE,Active,{{}},{{}},{{}},x,3389,TCP\n"

    def counted(*hosts):
        found = said(TENABLE + "".join(row.format(*host) for host in hosts))[1]
        assert found["exposed_rdp"] == found["kev_open_external"]
        return found["exposed_rdp"]

    assert counted(("203.0.113.5", "a.example", ""), ("2001:db8::5", "a.example", "")) == 1
    assert counted(("203.0.113.5", "", "id-1"), ("2001:db8::5", "", "id-1")) == 1
    assert counted(("203.0.113.5", "", "id-1"), ("203.0.113.6", "", "id-1")) == 1  # two addresses of one asset
    assert counted(("10.0.0.5", "", "id-1"), ("203.0.113.6", "", "id-1")) == 1
    assert counted(("203.0.113.5", "a.example", ""), ("2001:db8::5", "b.example", "")) == 2
    assert counted(("203.0.113.5", "a.example", ""), ("203.0.113.6", "a.example", "")) == 2


def test_an_asset_is_where_it_is_reached_from_the_internet():
    row = f"1,{KEV},9.8,4,4,NONE,Active,{{}},,id-1,x,443,TCP\n"
    for order in (("10.0.0.5", "203.0.113.6"), ("203.0.113.6", "10.0.0.5")):
        found = said(TENABLE + "".join(row.format(host) for host in order), vantage="auto")[1]
        assert found["kev_open_external"] == 1


def test_nessus_ports_behind_a_proxy_settle_nothing():
    ports = [item(11219, port=str(number)) for number in (*range(1, 60), 3389)]
    reading, found = said(nessus(*ports))
    assert found == {}
    assert reasons(reading)["host on which a proxy or a trap answers for all ports: it settles nothing"] == 1
    verified = item(1, severity="4", risk="Critical", more=f"<cve>{KEV}</cve>", port="443")
    assert said(nessus(*ports, verified))[1]["kev_open_external"] == 1


# Qualys


def qualys(*infos, options="Standard Scan", root="SCAN"):
    info = '<INFO number="45038" severity="1"><TITLE>Host Scan Time</TITLE><RESULT>Scan duration: 300 seconds</RESULT></INFO>'
    return f"""<{root} value="scan/1"><HEADER><KEY value="DATE">2026-11-01T08:00:00Z</KEY><KEY value="OPTIONS">{options}</KEY>
    <KEY value="STATUS">FINISHED</KEY></HEADER><IP value="203.0.113.80" name="a.example"><INFOS><CAT value="x">{info}{"".join(infos)}
    </CAT></INFOS></IP></{root}>"""


@pytest.mark.parametrize(
    ("number", "title", "output"),
    [
        ("42432", "Possible Scan Interference", ""),
        ("86476", "Web Server Stopped Responding", ""),
        ("99999", "Scan note", "The service stopped responding during the scan."),
        ("45038", "Host Scan Time", "Scan did not complete: the longest time was reached."),
    ],
)
def test_qualys_hosts_whose_scan_was_disturbed_are_not_clean(number, title, output):
    assert said(qualys())[1] == {**ZERO, "internet_footprint": 1}
    info = f'<INFO number="{number}" severity="1"><TITLE>{title}</TITLE><RESULT>{output}</RESULT></INFO>'
    reading, found = said(qualys(info))
    assert found == {"internet_footprint": 1}
    assert reasons(reading)["the scan of a host was disturbed: zero is not claimed"] == 1


@pytest.mark.parametrize(
    ("options", "full"),
    [
        ("Full TCP scan, Vulnerability Detection: Complete, Intensity: Low", True),
        ("Full TCP scan, Vulnerability Detection: Custom: Log4j", False),
        ("Light TCP scan, Selective Vulnerability Detection", False),
        ("Light Inventory Scan", False),
        ("Scanned TCP Ports: Standard Scan, Scanned UDP Ports: None, Vulnerability Detection: Complete", True),
        ("Scanned TCP Ports: Full, Vulnerability Detection: Complete", True),
        ("Scanned TCP Ports: None, Vulnerability Detection: Complete", False),
        ("Scanned TCP Ports: Light Scan, Vulnerability Detection: Complete", False),
        ("Scanned TCP Ports: Targeted Scan: 22, Vulnerability Detection: Complete", False),
    ],
)
def test_qualys_profiles_that_choose_vulnerabilities_show_none_absent(options, full):
    assert said(qualys(options=options))[1] == {**(ZERO if full else {}), "internet_footprint": 1}


def test_qualys_dead_hosts_that_are_scanned_too_did_not_answer():
    options = "Full TCP scan, Scan Dead Hosts: On"
    reading, found = said(qualys(options=options))
    assert found == {}
    assert reasons(reading)["host of which nothing shows that it answered"] == 1
    info = '<INFO number="45017" severity="2"><TITLE>Operating System Detected</TITLE></INFO>'
    assert said(qualys(info, options=options))[1] == {**ZERO, "internet_footprint": 1}


def test_qualys_severities_that_their_owner_changed_hide_no_slow_patch():
    header = "IP,QID,Title,Severity,KB Severity,CVE ID,Vuln Status,First Detected,Date Last Fixed,Last Detected\n"
    row = "203.0.113.1,{},Title,{},5,CVE-2026-0001,{},2026-09-01,{},2026-10-30\n"
    rows = [row.format(number, 5, "Fixed", "2026-09-11") for number in range(6)]
    slow = [row.format(number, 1, "Active", "") for number in range(6, 14)]
    assert said(header + "".join(rows + slow))[1]["critical_patch_median_days"] == 59


def asset_report(filters, finding=""):
    summary = (
        f"<APPENDICES><TEMPLATE_DETAILS><FILTER_SUMMARY>{filters}</FILTER_SUMMARY></TEMPLATE_DETAILS></APPENDICES>"
        if filters
        else ""
    )
    return f"""<ASSET_DATA_REPORT><HEADER><GENERATION_DATETIME>2026-11-01T08:00:00Z</GENERATION_DATETIME></HEADER><HOST_LIST><HOST>
    <IP>203.0.113.81</IP><VULN_INFO_LIST><VULN_INFO><QID id="qid_45038">45038</QID><TYPE>Ig</TYPE></VULN_INFO>{finding}</VULN_INFO_LIST>
    </HOST></HOST_LIST>{summary}</ASSET_DATA_REPORT>"""


def test_qualys_reports_may_leave_out_what_their_owner_ignored():
    kept = "Status:New, Active, Re-Opened\nVulnerabilities:\nState:Active, Disabled, Ignored\nInformation Gathered:\nState:Active"
    assert said(asset_report(kept))[1] == {**ZERO, "internet_footprint": 1}
    for filters in (kept.replace(", Disabled, Ignored", ""), kept.replace(", Ignored", ""), ""):
        assert said(asset_report(filters))[1] == {"internet_footprint": 1}
    listed = """<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><DATETIME>2026-11-01T08:00:00Z</DATETIME><HOST_LIST><HOST><IP>203.0.113.81</IP>
    <DETECTION_LIST><DETECTION><QID>45038</QID><TYPE>Info</TYPE></DETECTION></DETECTION_LIST></HOST></HOST_LIST></RESPONSE>
    </HOST_LIST_VM_DETECTION_OUTPUT>"""
    assert said(listed)[1] == {"internet_footprint": 1}
    ignored = (
        f"<VULN_INFO><QID id='qid_7'>7</QID><TYPE>Vuln</TYPE><IS_IGNORED>1</IS_IGNORED><CVE>{KEV}</CVE></VULN_INFO>"
    )
    reading, found = said(asset_report(kept, ignored))
    assert found["kev_open_external"] == 1
    assert reasons(reading)["finding that its owner ignored or disabled: counts all the same"] == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Re-Opened\n", "Re-Opened\nExclude non-running services:\nOn\n"),
        ("Re-Opened\n", "Re-Opened\nExclude QIDs not exploitable due to configuration: On\n"),
        ("New, Active, Re-Opened", "New"),
        ("New, Active, Re-Opened", "New, Active"),
        ("All Operating Systems", "Windows 2019"),
        ("All Operating Systems", "All Operating Systems\nSeverity: 4, 5"),
        ("</FILTER_SUMMARY>", "</FILTER_SUMMARY><SELECTIVE_VULNS>7</SELECTIVE_VULNS>"),
    ],
)
def test_qualys_templates_that_leave_findings_out_show_none_absent(before, after):
    kept = """Status:New, Active, Re-Opened
    Exclude non-running kernels:
    Off
    Vulnerabilities:
    State:Active, Disabled, Ignored
    Included Operating Systems:
    All Operating Systems"""
    assert said(asset_report(kept))[1] == {**ZERO, "internet_footprint": 1}
    assert said(asset_report(kept).replace(before, after))[1] == {"internet_footprint": 1}


def test_qualys_findings_whose_cves_are_not_told_may_be_any():
    kept = "Vulnerabilities:\nState:Active, Disabled, Ignored"
    finding = "<VULN_INFO><QID id='qid_7'>7</QID><TYPE>Vuln</TYPE></VULN_INFO>"
    assert said(asset_report(kept, finding))[1] == {"internet_footprint": 1}


def test_qualys_tables_name_the_address_that_is_reached():
    text = f'IP Interfaces,QID,Title,Severity,CVE ID,Last Detected\n"10.0.0.5,203.0.113.7",1,t,5,{KEV},2026-10-30\n'
    assert said(text, vantage="auto")[1]["kev_open_external"] == 1


# Nexpose


def nexpose(status, *, node="203.0.113.9", names="", extra=""):
    return f"""<NexposeReport version="2.0"><scans><scan id="1" endTime="20261101T030405678" status="finished"/></scans><nodes>
    <node address="{node}" status="alive">{names}<tests><test id="fgt" status="{status}"/><test id="tcp" status="vulnerable-exploited"/>
    </tests></node>{extra}</nodes><VulnerabilityDefinitions><vulnerability id="fgt" title="RCE" severity="10"><references>
    <reference source="CVE">{KEV}</reference></references></vulnerability><vulnerability id="tcp" title="TCP timestamp" severity="1"/>
    </VulnerabilityDefinitions></NexposeReport>"""


@pytest.mark.parametrize("status", ["error", "unknown"])
def test_nexpose_tests_that_failed_leave_a_host_unproven(status):
    assert said(nexpose("not-vulnerable"))[1] == {**ZERO, "internet_footprint": 1}
    assert said(nexpose(status))[1] == {"internet_footprint": 1}


@pytest.mark.parametrize(
    "status",
    ["vulnerable-version-with-exception", "exception-vulnerable-exploited", "vulnerable-exploited-with-exception"],
)
def test_nexpose_exceptions_change_no_finding(status):
    reading, found = said(nexpose(status))
    assert found["kev_open_external"] == 1
    assert reasons(reading)["finding that its owner made an exception of: counts all the same"] == 1
    header = "Asset IP Address,Vulnerability Test Result Code,Vulnerability ID,Vulnerability CVE IDs,Vulnerability Severity Level\n"
    for code, count in (("ee", 1), ("ev", 1), ("ep", None), ("er", None)):
        assert said(f"{header}203.0.113.9,{code},fgt,{KEV},10\n")[1].get("kev_open_external") == count


@pytest.mark.parametrize("status", ["skipped-dos", "not-tested", "skipped-disabled", "SD"])
def test_nexpose_tests_of_what_is_exploited_that_were_left_out_show_nothing_absent(status):
    reading, found = said(nexpose(status))
    assert found == {"internet_footprint": 1}
    assert reasons(reading)["test that was left out, of a CVE known to be exploited: zero is not claimed"] == 1
    assert said(nexpose(status).replace(KEV, OTHER))[1] == {**ZERO, "internet_footprint": 1}
    assert said(nexpose("skipped-version"))[1] == {**ZERO, "internet_footprint": 1}


def test_nexpose_findings_without_a_definition_may_be_any():
    missing = nexpose("vulnerable-exploited").replace('<vulnerability id="fgt"', '<vulnerability id="other"')
    assert said(missing)[1] == {"internet_footprint": 1}


def test_nexpose_nodes_of_one_name_are_one_host():
    names = "<names><name>A.example</name></names>"
    other = f'<node address="2001:db8::9" status="alive">{names}<tests><test id="tcp" status="not-vulnerable"/></tests></node>'
    assert said(nexpose("not-vulnerable", names=names, extra=other))[1]["internet_footprint"] == 1
    assert said(nexpose("not-vulnerable", extra=other))[1]["internet_footprint"] == 2


# Trivy and Grype


def trivy(*vulnerabilities, ignored=(), **more):
    one = {"Target": "/", "Class": "os-pkgs", "Vulnerabilities": list(vulnerabilities)}
    if ignored:
        one["ExperimentalModifiedFindings"] = list(ignored)
    return {
        "SchemaVersion": 2,
        "CreatedAt": "2026-11-01T03:04:05Z",
        "ArtifactName": "a",
        "ArtifactType": "rootfs",
        "Results": [one],
        **more,
    }


def test_trivy_a_fix_that_exists_is_not_yet_made():
    for status in ("fixed", "affected", "will_not_fix", "fix_deferred", "end_of_life", ""):
        assert said(trivy({"VulnerabilityID": KEV, "Status": status, "FixedVersion": "2"}))[1]["kev_open_external"] == 1
    assert "kev_open_external" not in said(trivy({"VulnerabilityID": KEV, "Status": "not_affected"}))[1]


def test_trivy_what_a_user_ignores_is_open():
    def hidden(status, kind="vulnerability"):
        return {"Type": kind, "Status": status, "Source": ".trivyignore", "Finding": {"VulnerabilityID": KEV}}

    reading, found = said(trivy(ignored=[hidden("ignored")]))
    assert found["kev_open_external"] == 1
    assert reasons(reading)["vulnerability that a rule of the user ignores: counts all the same"] == 1
    for status in ("not_affected", "fixed"):
        reading, found = said(trivy(ignored=[hidden(status)]))
        assert "kev_open_external" not in found
        assert reasons(reading)["vulnerability that a statement says does not affect"] == 1
    assert "kev_open_external" not in said(trivy(ignored=[hidden("ignored", "misconfiguration")]))[1]


def test_folders_of_sources_are_no_systems():
    found = {"VulnerabilityID": KEV}
    folder = trivy(
        ArtifactType="filesystem", Results=[{"Target": "a.lock", "Class": "lang-pkgs", "Vulnerabilities": [found]}]
    )
    reading, claimed = said(folder)
    assert claimed == {}
    assert reasons(reading)["known to be exploited on repositories: only internet-facing assets rate"] == 1
    for system in (folder | {"Metadata": {"OS": {"Family": "debian"}}}, trivy(found, ArtifactType="filesystem")):
        assert said(system)[1]["kev_open_external"] == 1
    match = {"vulnerability": {"id": KEV}, "artifact": {}}
    about = {"descriptor": {"name": "grype", "timestamp": "2026-11-01T03:04:05Z"}, "matches": [match]}
    for target, distribution, open_ones in (("/", "", 1), ("/mnt", "debian", 1), ("/home/app", "", None)):
        source = {"source": {"type": "directory", "target": target}, "distro": {"name": distribution}}
        assert said(about | source)[1].get("kev_open_external") == open_ones


@pytest.mark.parametrize("kind", ["AwsEcrContainerImage", "AWS::Lambda::Function", "artifactregistry.googleapis.com"])
def test_images_functions_and_packages_among_resources_are_no_systems(kind):
    finding = {"class_uid": 2002, "category_uid": 2, "time": 1793523600, "vulnerabilities": [{"cve": {"uid": KEV}}],
               "finding_info": {"uid": "1"}, "resources": [{"uid": "a", "type": kind}]}  # fmt: skip
    reading, found = said([finding])
    assert found == {}
    assert (
        reasons(reading)["known to be exploited on images, functions or packages: only internet-facing assets rate"]
        == 1
    )
    finding["resources"][0]["type"] = "AwsEc2Instance"
    assert said([finding])[1]["kev_open_external"] == 1


def test_trivy_workloads_that_could_not_be_scanned_were_not_seen():
    cluster = {
        "ClusterName": "c",
        "Resources": [{"Namespace": "n", "Kind": "Pod", "Name": "p", "Error": "scan error: no such image"}],
    }
    reading, _ = said(cluster)
    assert reading.assets.seen == 0
    assert reasons(reading)["not looked at for vulnerabilities"] == 1


@pytest.mark.parametrize(
    ("rules", "open_ones"),
    [
        ([{"vulnerability": KEV, "reason": "accepted"}], 1),
        ([{"fix-state": "not-fixed"}], 1),
        ([{"package": {"name": "fortios"}}], 1),
        ([], 1),
        ([{"namespace": "vex", "vex-status": "not_affected"}], None),
        ([{"vex-status": "fixed"}, {"vulnerability": KEV}], None),
        (
            [{"package": {"name": "kernel-headers", "upstream-name": "kernel"}, "match-type": "exact-indirect-match"}],
            None,
        ),
    ],
)
def test_grype_what_a_user_ignores_is_open(rules, open_ones):
    match = {"vulnerability": {"id": KEV}, "artifact": {}, "appliedIgnoreRules": rules}
    report = {"matches": [], "ignoredMatches": [match], "source": {"type": "directory", "target": "/"},
              "descriptor": {"name": "grype", "timestamp": "2026-11-01T03:04:05Z"}}  # fmt: skip
    reading, found = said(report)
    assert found.get("kev_open_external") == open_ones
    assert any("ignores" in why or "itself" in why for why in reasons(reading))


# Wazuh, Nuclei and masscan


def state(agent, number, cve=KEV, *, addresses=("203.0.113.60",)):
    about = {"id": number, "name": f"edge{number}", "host": {"ip": list(addresses)}}
    told = {"vulnerability": {"id": cve, "detected_at": "2026-11-01T02:00:00Z"}, "package": {"name": "p"}}
    return {**told, **({"wazuh": {"agent": about}} if agent == "wazuh.agent" else {"agent": about})}


def dotted(found, parent=""):
    flat = {}
    for name, value in found.items():
        flat |= dotted(value, f"{parent}{name}.") if isinstance(value, dict) else {f"{parent}{name}": value}
    return flat


@pytest.mark.parametrize("agent", ["agent", "wazuh.agent"])
@pytest.mark.parametrize("shape", ["nested", "flat", "lists", "lines", "table"])
def test_wazuh_agents_by_either_name_and_in_any_shape(agent, shape):
    states = [state(agent, number, addresses=addresses) for number, addresses in
              (("003", ["203.0.113.60"]), ("004", ["fe80::1", "10.0.0.4", "203.0.113.61"]), ("005", ["10.0.0.8"]))]  # fmt: skip
    flat = [dotted(one) for one in states]
    rows = [f'{one[f"{agent}.id"]},"{",".join(one[f"{agent}.host.ip"])}",{KEV},High' for one in flat]
    data = {
        "nested": {"hits": {"total": {"value": 3}, "hits": [{"_source": one} for one in states]}},
        "flat": flat,
        "lists": {
            "hits": {
                "hits": [
                    {"fields": {key: value if isinstance(value, list) else [value] for key, value in one.items()}}
                    for one in flat
                ]
            }
        },
        "lines": "\n".join(json.dumps(one) for one in states),
        "table": "\n".join([f"{agent}.id,{agent}.host.ip,vulnerability.id,vulnerability.severity", *rows]),
    }[shape]
    text = data if isinstance(data, str) else json.dumps(data)
    assert readers.detect(text.encode()) == "wazuh"
    reading, found = said(text, vantage="auto")
    assert (reading.assets.seen, found["kev_open_external"]) == (3, 2)


def test_wazuh_states_without_an_agent_are_refused():
    unknown = {"endpoint": {"id": "003"}, "vulnerability": {"id": KEV, "detected_at": "2026-11-01T02:00:00Z"}}
    with pytest.raises(ReadingError, match=r"names no agent .* export agent.id, or wazuh.agent.id"):
        readers.read(json.dumps([unknown]).encode(), tool="wazuh")


def nuclei(host, ip=None, **more):
    info = {"name": "RCE", "severity": "critical", "classification": {"cve-id": [KEV]}}
    return {"template-id": "x", "info": info, "type": "http", "host": host, "ip": ip, "matched-at": f"https://{host}/",
            "timestamp": "2026-11-01T09:00:00Z", **more}  # fmt: skip


def test_nuclei_one_host_by_name_and_by_two_addresses_is_one_host():
    found = [nuclei("a.example", "203.0.113.5"), nuclei("a.example", "2001:db8::5"), nuclei("a.example")]
    assert said(found)[1]["kev_open_external"] == 1
    assert said([nuclei("a.example", "203.0.113.5"), nuclei("b.example")])[1]["kev_open_external"] == 2


def test_nuclei_a_trap_is_no_service():
    trap = nuclei("203.0.113.5:23", **{"matched-at": "203.0.113.5:23", "type": "tcp"})
    assert said([trap])[1]["risky_services"] == 1
    trap["info"] = {"name": "Honeypot", "severity": "info", "tags": ["network", "honeypot"]}
    reading, found = said([trap])
    assert found == {}
    assert reasons(reading)["honeypot, which is a trap and no service"] == 1


def test_nuclei_one_page_over_http_and_https_is_one():
    page = {"info": {"name": "Login", "severity": "info", "tags": ["panel"]}, "ip": "203.0.113.5"}
    found = [
        nuclei("a.example", **page) | {"matched-at": where}
        for where in ("http://a.example/in", "https://a.example/in/", "https://www.a.example:443/in?token=x")
    ]
    reading, claimed = said(found)
    assert claimed["exposed_login_panels"] == 1
    assert "token" not in json.dumps(reading.to_dict())
    assert said([*found, found[0] | {"matched-at": "http://a.example/admin"}])[1]["exposed_login_panels"] == 2


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "localhost.localdomain", "127.0.0.1", "169.254.1.1"])
def test_the_scanner_itself_is_not_the_edge(host):
    assert said([nuclei(host)])[1] == {}
    assert said([nuclei("edge.example")])[1]["kev_open_external"] == 1


def test_masscan_behind_a_proxy_and_with_two_kinds_of_address():
    def line(address, port):
        return f"open tcp {port} {address} 1793600000\n"

    everywhere = "#masscan\n" + "".join(line("203.0.113.21", port) for port in (*range(1, 60), 3389, 23))
    reading, found = said(everywhere)
    assert found == {}
    assert reasons(reading)["host on which a proxy or a trap answers for all ports: it settles nothing"] == 1
    both = "#masscan\n" + "".join(
        line(address, port) for address in ("203.0.113.5", "2001:db8::5") for port in (23, 3389)
    )
    assert said(both)[1] == {"exposed_rdp": 1, "risky_services": 1}
