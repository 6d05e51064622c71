"""Scans by nmap: what may be claimed of a perimeter, and what may not."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import base, nmap
from samples import OWN, others

FILES = [OWN / "nmap" / "perimeter.xml", OWN / "nmap" / "localhost.xml"]
SYN = '<scaninfo type="syn" protocol="tcp" numservices="1000" services="1-10000"/>'
CLOSED = '<extraports state="closed" count="990"/>'
BY_REASON = (
    '<extraports state="closed" count="9"><extrareasons proto="tcp" ports="1-9999"/></extraports>'
    '<extraports state="open|filtered" count="9"><extrareasons proto="udp" ports="1-9999"/></extraports>'
)
DONE = '<runstats><finished time="1700000000" exit="success"/><hosts up="{up}" down="0"/></runstats>'


def port(number, state="open", service="", *, method="table", scripts="", protocol="tcp", product=""):
    return (
        f'<port protocol="{protocol}" portid="{number}"><state state="{state}" reason="syn-ack"/>'
        f'<service name="{service}" method="{method}" product="{product}"/>{scripts}</port>'
    )


def script(name, output):
    return f'<script id="{name}" output="{output}"/>'


def host(ports=CLOSED, address="8.8.8.8", *, reason="echo-reply", state="up", extra=""):
    return (
        f'<host {extra}><status state="{state}" reason="{reason}"/>'
        f'<address addr="{address}" addrtype="ip"/><ports>{ports}</ports></host>'
    )


def scan(*hosts, info=SYN, end=None, args="nmap -oX -", root='scanner="nmap"', head="", up=None):
    end = DONE.format(up=len(hosts) if up is None else up) if end is None else end
    return (
        f'<?xml version="1.0"?>{head}<nmaprun {root} args="{args}" start="1699999000" version="7.94">'
        f"{info}{''.join(hosts)}{end}</nmaprun>"
    ).encode()


def values(source, **options):
    return {one.signal: one.value for one in nmap.read(source, **options).observations}


def reasons(reading):
    return {one.why: (one.count, one.what) for one in reading.not_mapped}


NOTHING_OPEN = {"exposed_rdp": 0, "risky_services": 0, "exposed_login_panels": 0, "internet_footprint": 1}


def test_a_public_host_of_a_real_scan_has_no_remote_desktop():
    reading = nmap.read(others("nmap/2_hosts_version.xml"))
    assert values(others("nmap/2_hosts_version.xml")) == {
        "exposed_rdp": 0,
        "risky_services": 0,
        "internet_footprint": 1,
    }
    assert {one.source for one in reading.observations} == {"scan"}
    assert reading.observed_at == datetime(2013, 2, 24, 20, 30, 30, tzinfo=UTC)
    assert reading.tool_version == "5.51"
    assert reasons(reading)["internal host: not publicly routable, or not seen from outside"] == (
        1,
        ("127.0.0.1",),
    )
    assert reasons(reading)["open port whose service no signal rates"][0] == 3


@pytest.mark.parametrize("name", ["full_sudo6.xml", "issue4406.xml"])
def test_private_hosts_give_nothing_unless_seen_from_outside(name):
    reading = nmap.read(others(f"nmap/{name}"))
    assert reading.observations == ()
    assert reading.scope["hosts_internal"] == reading.scope["hosts_answered"] > 0


def test_a_home_network_taken_as_perimeter():
    # .1 has telnet on 23 and 992 and an unlabelled router page, .3 Remote Desktop
    found = values(others("nmap/full_sudo6.xml"), vantage="external")
    assert found == {"exposed_rdp": 1, "risky_services": 2, "internet_footprint": 4}


def test_a_cluster_node_taken_as_perimeter_shows_its_seven_databases():
    found = values(others("nmap/issue4406.xml"), vantage="external")
    assert found == {"exposed_rdp": 0, "risky_services": 7, "internet_footprint": 1}


def test_internal_vantage_gives_nothing():
    assert values(scan(host()), vantage="internal") == {}
    with pytest.raises(ReadingError, match="vantage must be"):
        nmap.read(scan(host()), vantage="outside")


def test_zero_is_claimed_where_all_was_scanned():
    assert values(scan(host())) == NOTHING_OPEN


@pytest.mark.parametrize(
    ("ports", "claimed"),
    [
        ("22,80,443,8080,8443", {"exposed_login_panels": 0}),
        ("3389", {"exposed_rdp": 0}),
        ("21,23,445,1433,1521,3306", {}),
        ("21,23,445,1433,1521,3306,5432", {"risky_services": 0}),
        ("", {}),
    ],
)
def test_zero_is_claimed_only_for_ports_in_the_list(ports, claimed):
    info = f'<scaninfo type="syn" protocol="tcp" numservices="9" services="{ports}"/>'
    assert values(scan(host(), info=info)) == {**claimed, "internet_footprint": 1}


def test_all_lists_of_ports_count_but_not_those_of_other_protocols():
    part = '<scaninfo type="syn" protocol="tcp" numservices="1" services="{}"/>'
    assert values(scan(host(), info=part.format("1-3388") + part.format("3389-9999"))) == NOTHING_OPEN
    for other in ('type="udp" protocol="udp"', 'type="ipproto" protocol="ip"'):
        info = part.format("80") + f'<scaninfo {other} numservices="1" services="1-9999"/>'
        assert "exposed_rdp" not in values(scan(host(), info=info))


@pytest.mark.parametrize("state", ["filtered", "closed", "closed|filtered"])
def test_ports_listed_as_not_open_are_not_open(state):
    assert values(scan(host(CLOSED + port(3389, state, "ms-wbt-server"))))["exposed_rdp"] == 0


@pytest.mark.parametrize("state", ["open|filtered", "unfiltered", ""])
def test_ports_of_unclear_state_are_neither_open_nor_closed(state):
    reading = nmap.read(scan(host(CLOSED + port(3389, state))))
    assert "exposed_rdp" not in {one.signal for one in reading.observations}
    assert "no definite result for a port of exposed_rdp: zero is not claimed" in reasons(reading)
    assert ("port open|filtered: not known to be open" in reasons(reading)) == (state == "open|filtered")


@pytest.mark.parametrize(
    ("kind", "extras", "settled"),
    [
        ("syn", CLOSED + '<extraports state="open|filtered" count="50"/>', True),
        ("syn", '<extraports state="open|filtered" count="50"/>', False),
        ("fin", CLOSED + '<extraports state="open|filtered" count="50"/>', False),
        ("fin", '<extraports state="closed" count="50"/>', False),
        ("ack", '<extraports state="unfiltered" count="50"/>', False),
        ("fin", BY_REASON, False),
        ("syn", BY_REASON, True),
        ("syn", "", False),
    ],
)
def test_what_lists_of_quiet_ports_tell(kind, extras, settled):
    info = SYN.replace("syn", kind)
    assert ("exposed_rdp" in values(scan(host(extras), info=info))) == settled


SILENT = ("fin", "null", "xmas", "maimon", "ack", "window", "idle", "bounce")


@pytest.mark.parametrize("kind", SILENT)
@pytest.mark.parametrize(
    "ports", [CLOSED, CLOSED + port(3389, "closed"), '<extraports state="filtered" count="9"/>', ""]
)
def test_a_scan_that_an_open_port_need_not_answer_proves_nothing_closed(kind, ports):
    reading = nmap.read(scan(host(ports), info=SYN.replace("syn", kind), args="nmap --open -oX -"))
    assert {one.signal: one.value for one in reading.observations} == {"internet_footprint": 1}
    assert reasons(reading)["kind of scan that an open port need not answer: zero is not claimed"][1] == (
        f"TCP scan: {kind}",
    )
    probed = port(3389, service="ms-wbt-server", method="probed")
    assert values(scan(host(CLOSED + probed), info=SYN.replace("syn", kind)))["exposed_rdp"] == 1


@pytest.mark.parametrize(
    "option",
    ["--badsum", "--scanflags URGPSH", "--ttl 2", "-S 192.0.2.9", "--ip-options L", "-f", "-ff", "--mtu 16", "--mtu=16",
     "--max-retries 0", "--max-retries=0", "-max-retries 0", "-mtu 8"],
)  # fmt: skip
def test_probes_that_an_open_port_need_not_answer_prove_nothing_closed(option):
    assert values(scan(host(), args=f"nmap {option} -oX - 8.8.8.8")) == {"internet_footprint": 1}
    assert values(grepable(args=f"{option} 8.8.8.8")) == {"internet_footprint": 1}
    reading = nmap.read(scan(host(), args=f"nmap {option} -oX - 8.8.8.8"))
    told = reasons(reading)["kind of scan that an open port need not answer: zero is not claimed"][1]
    assert option.replace("=", " ").split()[0] in told[0]
    flags = SYN.replace('protocol="tcp"', 'protocol="tcp" scanflags="FINURG"')
    assert values(scan(host(), info=flags)) == {"internet_footprint": 1}


@pytest.mark.parametrize("option", ["-F", "--max-retries 1", "--max-retries 10", "-oX fine-f", "-T4 -sS", "--fuzzy"])
def test_other_options_change_no_probe(option):
    assert values(scan(host(), args=f"nmap {option} 8.8.8.8"))["exposed_rdp"] == 0


def test_a_port_that_a_window_scan_takes_for_open_is_not_known_to_be():
    guessed = CLOSED + port(3389).replace("syn-ack", "reset")
    reading = nmap.read(scan(host(guessed), info=SYN.replace("syn", "window")))
    assert {one.signal for one in reading.observations} == {"internet_footprint"}
    assert "port that a window scan takes for open: not known to be open" in reasons(reading)


@pytest.mark.parametrize("letter", "FNXMAWI")
def test_grepable_output_of_such_a_scan_proves_nothing_closed(letter):
    closed = "3389/closed/tcp//ms-wbt-server///, 445/closed/tcp//microsoft-ds///"
    for data in (
        grepable(closed, args=f"-sV -s{letter} 8.8.8.8", ignored="closed"),
        grepable(closed, args=f"-s{letter} 8.8.8.8", ignored="closed").replace(b"# Ports scanned", b"# Ports"),
    ):
        assert values(data) == {"internet_footprint": 1}
    assert values(grepable(closed, args="-b ftp.example 8.8.8.8", ignored="closed")) == {"internet_footprint": 1}


def test_a_list_scan_asks_no_host():
    first, *_, last = grepable(args="-sL 8.8.8.8").decode().splitlines()
    listed = "Host: 8.8.8.8 (dns.example)\tStatus: Unknown\nHost: 8.8.4.4 ()\tStatus: Unknown"
    reading = nmap.read(f"{first}\n{listed}\n{last}\n".encode())
    assert reading.observations == ()
    assert reading.scope["hosts_up"] == 0


def many(service, *, count=60, method="probed"):
    return "".join(port(number, service=service, method=method) for number in (*range(1, count), 3389))


@pytest.mark.parametrize(
    "ports",
    [
        CLOSED + many("tcpwrapped", count=25),
        CLOSED + many("unknown", method="table"),
        CLOSED + many("ms-wbt-server", method="table"),
        many("", count=25, method="table"),  # all that was tried is open
        CLOSED + many("ms-wbt-server", count=400),  # a trap answers as any service
    ],
)
def test_a_proxy_that_answers_on_every_port_settles_nothing(ports):
    reading = nmap.read(scan(host(ports)))
    assert reading.observations == ()
    assert reasons(reading)["host on which a proxy or a trap answers for all ports: it settles nothing"][0] == 1
    beside = values(scan(host(ports), host(CLOSED + port(3389), "8.8.4.4")))
    assert beside == {"exposed_rdp": 1}  # what the other exposes; how many hosts there are is not known


def test_behind_such_a_proxy_what_was_recognised_counts():
    ports = CLOSED + many("tcpwrapped") + port(13389, service="ms-wbt-server", method="probed")
    assert values(scan(host(ports))) == {"exposed_rdp": 1}
    lines = ", ".join(f"{number}/open/tcp//tcpwrapped///" for number in (*range(1, 60), 3389))
    assert values(grepable(lines)) == {}


def test_many_services_that_were_recognised_are_services():
    ports = CLOSED + "".join(port(number, service="http", method="probed") for number in range(8000, 8060))
    assert values(scan(host(ports + port(3389))))["exposed_rdp"] == 1


NAMED = '<hostnames><hostname name="{}" type="PTR"/></hostnames><ports>'


@pytest.mark.parametrize(
    ("first", "second", "hosts"),
    [
        ((port(443), "a.example"), (port(443), "a.example"), 1),
        ((port(443), "a.example"), (port(443) + port(22), "A.example."), 1),
        ((port(443), ""), (port(443), "a.example"), 1),
        ((port(443), ""), (port(443), ""), 1),
        ((port(443), "a.example"), (port(443), "b.example"), 2),
        ((port(443), ""), (port(443) + port(22), ""), 2),
        (("", ""), ("", ""), 2),  # nothing shows that they are one
    ],
)
def test_a_host_with_two_kinds_of_address_is_one_host(first, second, hosts):
    def at(address, found, name):
        text = host(CLOSED + found + port(3389), address)
        text = text.replace(port(3389), "") if not found else text
        return text.replace("<ports>", NAMED.format(name)) if name else text

    reading = nmap.read(scan(at("8.8.8.8", *first), at("2001:4860::8", *second)))
    found = {one.signal: one.value for one in reading.observations}
    assert found["internet_footprint"] == hosts
    assert found["exposed_rdp"] == (hosts if first[0] else 0)
    assert reading.assets.seen == hosts
    both = values(scan(at("8.8.8.8", *first), at("8.8.4.4", *first), at("2001:4860::8", *second)))
    assert both["internet_footprint"] == hosts + 1  # two IPv4 addresses are two hosts, whatever their names


def test_hidden_hosts_and_ports_of_an_open_only_scan_are_not_open():
    found = values(scan(host(port(22)), args="nmap --open -oX - x", up=5))
    assert found == {"exposed_rdp": 0, "risky_services": 0}
    trimmed = nmap.read(scan(host(), up=5))
    assert trimmed.observations == ()
    assert reasons(trimmed)["host that was up but is not listed"][0] == 4


def test_remote_desktop_counts_hosts_and_services_count_host_by_host():
    both = CLOSED + port(139) + port(445) + port(3389) + port(21) + port(3390, service="ms-wbt-server", method="probed")
    found = values(scan(host(both), host(both, "8.8.4.4"), host(both, "8.8.4.4")))
    assert found["exposed_rdp"] == 2
    assert found["risky_services"] == 4  # SMB and FTP, on two hosts
    assert found["internet_footprint"] == 2


def test_version_detection_outweighs_the_port():
    web = CLOSED + port(3389, service="http", method="probed") + port(3306, service="ssh", method="probed")
    assert values(scan(host(web)))["exposed_rdp"] == values(scan(host(web)))["risky_services"] == 0
    moved = (
        CLOSED
        + port(33060, service="mysql", method="probed")
        + port(9999, service="http", method="probed", product="Elasticsearch REST API")
    )
    assert values(scan(host(moved)))["risky_services"] == 2
    wrapped = CLOSED + port(3389, service="tcpwrapped", method="probed")
    assert values(scan(host(wrapped)))["exposed_rdp"] == 1
    assert values(scan(host(CLOSED + port(3389, protocol="udp"))))["exposed_rdp"] == 0


@pytest.mark.parametrize(
    ("scripts", "panels"),
    [
        ("", None),
        (script("http-title", "Welcome"), None),
        (script("http-title", "Site doesn&apos;t have a title (text/html)."), None),
        (script("http-title", "Did not follow redirect to https://login.example.com/"), None),
        (script("http-title", "Dynamic blog inlet"), None),
        (script("http-title", "FortiGate - Login"), 1),
        (script("http-title", "Sign in &#xb7; GitLab"), 1),
        (script("http-title", "Portal&#xa;Requested resource was https://8.8.8.8/login.php"), 1),
        (script("http-auth", "&#xa;HTTP/1.1 401 Unauthorized&#xa;  Basic realm=router"), 1),
    ],
)
def test_a_login_panel_needs_a_title_or_a_script(scripts, panels):
    found = values(scan(host(CLOSED + port(443, service="https", scripts=scripts))))
    assert found.get("exposed_login_panels") == panels


@pytest.mark.parametrize(
    "title",
    ["用户登录 - 管理后台", "系統登入", "ログイン | 社内", "관리자 로그인", "Вход в систему", "Logowanie",
     "Přihlášení", "Iniciar sessão", "Inicio de sesión", "Aanmelden", "Bejelentkezés", "Log ind", "Anmeldung",
     "تسجيل الدخول"],
)  # fmt: skip
def test_a_login_is_told_in_many_languages(title):
    page = CLOSED + port(443, service="https", scripts=script("http-title", title))
    assert values(scan(host(page)))["exposed_login_panels"] == 1


@pytest.mark.parametrize("title", ["登山记录", "Catalog in English", "Vlogging", "Blog Indonesia"])
def test_a_title_that_only_sounds_like_a_login_is_none(title):
    page = CLOSED + port(443, service="https", scripts=script("http-title", title))
    assert "exposed_login_panels" not in values(scan(host(page)))


def test_one_panel_on_two_ports_of_a_host_is_one_panel():
    login = script("http-title", "Log in")
    page = CLOSED + port(80, service="http", scripts=login) + port(443, service="https", scripts=login)
    assert values(scan(host(page), host(page, "8.8.4.4")))["exposed_login_panels"] == 2


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("203.0.113.9", True), ("10.0.0.1", False), ("100.64.0.1", False),
        ("169.254.1.1", False), ("2606:4700::1111", True), ("fd00::1", False), ("fe80::1", False),
        ("::1", False), ("::ffff:10.0.0.1", False), ("::ffff:8.8.8.8", True), ("224.0.0.1", False),
    ],
)  # fmt: skip
def test_only_publicly_routable_addresses_are_the_perimeter(address, public):
    assert bool(values(scan(host(address=address)))) == public


def test_neighbours_and_loopback_are_not_seen_from_outside():
    mac = '<address addr="00:11:22:33:44:55" addrtype="mac"/>'
    assert values(scan(host(reason="arp-response"))) == {}
    assert values(scan(host().replace("<ports>", mac + "<ports>"))) == {}
    assert values(scan(host(address="127.0.0.1")), vantage="external") == {}


def test_hosts_that_did_not_answer_are_not_counted():
    silent = '<extraports state="filtered" count="1000"/>'
    quiet = host(silent, "8.8.4.4", reason="user-set")
    assert values(scan(quiet)) == {}
    assert values(scan(host(), quiet)) == NOTHING_OPEN
    assert values(scan(host(silent + port(80, "closed"), reason="user-set")))["internet_footprint"] == 1
    old = quiet.replace(' reason="user-set"', "")
    assert values(scan(old, args="nmap -P0 -oX - x")) == {}
    assert nmap.read(scan(host(state="down"), host(state="down"), up=0)).scope["hosts_down"] == 2


def test_a_ping_scan_gives_only_a_footprint():
    ping = '<host><status state="up" reason="echo-reply"/><address addr="8.8.8.8" addrtype="ipv4"/></host>'
    hint = ping.replace("host>", "hosthint>")
    assert values(scan(hint, ping, info="", args="nmap -sn", up=1)) == {"internet_footprint": 1}


def test_a_host_that_timed_out_prevents_zero_but_not_a_count():
    late = host("", "8.8.4.4", extra='timedout="true"')
    assert values(scan(host(), late)) == {"internet_footprint": 2}
    assert values(scan(host(CLOSED + port(3389)), late))["exposed_rdp"] == 1


@pytest.mark.parametrize(
    "end",
    [
        "",
        "<runstats></runstats>",
        '<runstats><finished time="1700000000" exit="error" errormsg="x"/></runstats>',
    ],
)
def test_an_aborted_scan_gives_what_it_saw_and_no_zero(end):
    reading = nmap.read(scan(host(CLOSED + port(3389)), end=end))
    assert [(one.signal, one.value) for one in reading.observations] == [("exposed_rdp", 1)]
    assert reading.observations[0].reference.startswith("nmap 7.94: at least")
    assert reading.scope["complete"] is False
    assert "the scan did not run to its end: zero is not claimed" in reasons(reading)
    assert reading.observed_at.timestamp() == (1700000000 if "time" in end else 1699999000)


def test_a_date_is_taken_from_the_file_or_asked_for():
    undated = scan(host(), end="").replace(b'start="1699999000"', b"")
    with pytest.raises(ReadingError, match="pass observed_at"):
        nmap.read(undated)
    assert nmap.read(undated, observed_at="2024-05-06").observed_at == datetime(2024, 5, 6, tzinfo=UTC)
    with pytest.raises(ReadingError, match="observed_at must be"):
        nmap.read(undated, observed_at=datetime(2024, 5, 6))  # noqa: DTZ001
    reading = nmap.read(scan(host()), observed_at="2024-05-06")
    assert reading.observed_at.timestamp() == 1700000000
    assert reasons(reading)["observed_at was given, but the file has its own date, which stands"][0] == 1


BAD = {
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)), "not readable as XML"),
    "compressed": (b"\xfd7zXZ\x00rest", "decompress it first"),
    "text": (b"Starting Nmap 7.94", "make the file with nmap -oX"),
    "cut short": (scan(host())[:-20], "cut short"),
    "appended": (scan(host()) + scan(host()), "keep one scan a file"),
    "masscan": (scan(host(), root='scanner="masscan"'), "masscan"),
    "another tool": (b"<NessusClientData_v2/>", "NessusClientData_v2"),
    "entities": (scan(host(), head='<!DOCTYPE nmaprun [<!ENTITY a "b">]>'), "entities"),
    "external": (scan(head='<!DOCTYPE nmaprun [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>'), "entities"),
    "attribute defaults": (scan(head='<!DOCTYPE nmaprun [<!ATTLIST state state CDATA "open">]>'), "entities"),
    "undeclared entity": (scan(host(port(1, service="&lol;"))), "undefined entity"),
    "port": (scan(host(port("http"))), "not a port number"),
    "port list": (scan(host(), info=SYN.replace("1-10000", "1-x")), "not a range of ports"),
    "address": (scan(host(address="host.example")), "not an IP address"),
    "deep": (b'<nmaprun scanner="nmap">' + b"<a>" * 100_000, "nested deeper"),
    "encoding": (b'<?xml version="1.0" encoding="klingon"?><nmaprun/>', "not readable as XML"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_damaged_or_foreign_files_give_one_clear_error(case, tmp_path):
    data, words = BAD[case]
    path = tmp_path / "scan.xml"
    path.write_bytes(data)
    with pytest.raises(ReadingError, match=words) as caught:
        nmap.read(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_wrong_types_give_one_clear_error(tmp_path):
    for path in (tmp_path / "none.xml", tmp_path, "a\0b"):
        with pytest.raises(ReadingError, match="cannot be read"):
            nmap.read(path)
    with pytest.raises(ReadingError, match="path or bytes"):
        nmap.read(7)


def test_large_files_are_refused(monkeypatch):
    monkeypatch.setattr(nmap, "MAX_BYTES", 1000)
    with pytest.raises(ReadingError, match="larger than"):
        nmap.read(FILES[0])
    monkeypatch.undo()
    monkeypatch.setattr(nmap, "MAX_RECORDS", 10)
    with pytest.raises(ReadingError, match="one host holds more"):
        nmap.read(scan(host("".join(port(number) for number in range(20)))))
    monkeypatch.setattr(nmap, "MAX_HOSTS", 1)
    with pytest.raises(ReadingError, match="split the scan"):
        nmap.read(scan(host(), host(address="8.8.4.4")))


def test_a_bare_document_type_is_allowed():
    assert values(scan(host(), head="<!DOCTYPE nmaprun>")) == NOTHING_OPEN


def test_read_finds_the_reader():
    assert readers.read(FILES[0]).tool == "nmap"
    assert readers.read(FILES[0].read_bytes(), tool="Nmap").tool == "nmap"
    with pytest.raises(ReadingError, match="no reader knows"):
        readers.read(b"hello")
    with pytest.raises(ReadingError, match="there is no reader for 'zap'"):
        readers.read(FILES[0], tool="zap")


def test_a_reading_is_plain_data():
    reading = nmap.read(FILES[0])
    plain = reading.to_dict()
    assert plain["observations"][0]["signal"] == "exposed_rdp"
    assert [one["count"] for one in plain["not_mapped"]] == [one.count for one in reading.not_mapped]
    assert hash(reading) == hash(nmap.read(FILES[0]))


def test_leftovers_count_all_and_name_some():
    leftovers = base.Leftovers()
    leftovers.add("why", *(str(number) for number in range(300)))
    leftovers.add("never")
    (found,) = leftovers.result()
    assert (found.count, len(found.what)) == (300, base.MAX_NAMES)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_gives_a_reading_or_a_reading_error(data):
    # the parser reads about 10 MB/s; the smallest real file keeps this quick
    content = bytearray(FILES[0].read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 5))):
        if content:
            place = data.draw(st.integers(0, len(content) - 1))
            content[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        nmap.read(bytes(content), observed_at="2024-01-01")
    except ReadingError as error:
        assert str(error).startswith("bytes: ")  # noqa: PT017


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 0.999))
def test_a_scan_cut_anywhere_is_refused(cut):
    content = FILES[0].read_bytes().rstrip()
    with pytest.raises(ReadingError):
        nmap.read(content[: int(cut * len(content))])


@settings(max_examples=60, deadline=None)
@given(
    ports=st.lists(
        st.tuples(
            st.sampled_from([21, 80, 139, 443, 445, 3306, 3389]),
            st.sampled_from(["open", "closed", "filtered"]),
        ),
        max_size=6,
    )
)
def test_opening_a_port_never_lowers_a_count(ports):
    before = CLOSED + "".join(port(number, state) for number, state in dict(ports).items())
    after = CLOSED + "".join(port(number, "open") for number, _ in dict(ports).items())
    low, high = values(scan(host(before))), values(scan(host(after)))
    assert all(low[name] <= high[name] for name in ("exposed_rdp", "risky_services"))


TRIED = (
    "&#xa; VULNERABLE:&#xa; RCE in SMBv1&#xa;  State: {state}&#xa;  IDs:  CVE:CVE-2017-0143&#xa;  Ref: CVE-2000-0001"
)


def test_scripts_that_tried_a_vulnerability_show_it_open_and_those_that_guess_do_not():
    def with_script(output, name="smb-vuln-ms17-010", **options):
        return nmap.read(scan(host(port(445, scripts=script(name, output)))), **options)

    def signals_of(reading):
        return {one.signal: one.value for one in reading.observations}

    assert signals_of(with_script(TRIED.format(state="VULNERABLE")))["kev_open_external"] == 1
    for state in ("NOT VULNERABLE", "LIKELY VULNERABLE", "UNKNOWN (unable to test)"):
        assert "kev_open_external" not in signals_of(with_script(TRIED.format(state=state)))
    guessed = with_script("&#xa;  CVE-2017-0143 9.3 https://vulners.com", name="vulners")
    assert "kev_open_external" not in signals_of(guessed)
    assert reasons(guessed)["CVE that a script guesses from a version: not verified"] == (1, ("CVE-2017-0143",))
    inside = with_script(TRIED.format(state="VULNERABLE"), vantage="internal")
    assert "kev_open_external" not in signals_of(inside)
    assert "CVE verified on an internal host: only internet-facing assets rate" in reasons(inside)


GREPABLE = """# Nmap 7.80 scan initiated Wed Dec  9 21:25:25 2020 as: nmap -v -oG - {args}
# Ports scanned: TCP(65535;1-65535) UDP(0;) SCTP(0;) PROTOCOLS(0;)
Host: 8.8.8.8 (dns.example)\tStatus: Up
Host: 8.8.8.8 (dns.example)\tPorts: {ports}\tIgnored State: {ignored} (65533)\tOS: Linux 4.15
Host: 8.8.4.4 ()\tStatus: Down
# Nmap done at Wed Dec  9 21:27:25 2020 -- 2 IP addresses (1 host up) scanned in 120.31 seconds
"""
SSH = "22/open/tcp//ssh//OpenSSH 7.6p1 Ubuntu 4 (Ubuntu Linux; protocol 2.0)/"


def grepable(ports=SSH, *, args="8.8.8.8", ignored="filtered"):
    return GREPABLE.format(ports=ports, args=args, ignored=ignored).encode()


def test_grepable_output_says_what_xml_says():
    reading = readers.read(grepable())
    assert readers.detect(grepable()) == "nmap"
    assert {one.signal: one.value for one in reading.observations} == NOTHING_OPEN
    assert (reading.tool_version, reading.observed_at.isoformat()) == ("7.80", "2020-12-09T21:27:25+00:00")
    assert (reading.scope["hosts_up"], reading.scope["hosts_down"]) == (1, 1)
    ports = (
        "3389/open/tcp//ms-wbt-server///, 23/filtered/tcp//telnet///, 13306/open/tcp//mysql//MySQL 5.7.16, community/"
    )
    found = values(grepable(ports))
    assert (found["exposed_rdp"], found["risky_services"]) == (1, 1)
    assert "exposed_login_panels" not in values(grepable("443/open/tcp//ssl|http?///"))


@pytest.mark.parametrize(
    "data",
    [
        grepable(ignored="open|filtered"),
        grepable(args="-sF 8.8.8.8", ignored="open|filtered"),
        grepable().replace(b"# Ports scanned", b"# Ports"),
        grepable().rpartition(b"# Nmap done")[0],
        grepable(args="--open -p- 8.8.8.8").replace(b"Status: Up", b"Status: Timeout").replace(b"Ignored", b"Other"),
    ],
)
def test_grepable_output_leaves_open_what_it_does_not_tell(data):
    assert "exposed_rdp" not in values(data)


def test_scans_appended_to_one_file_are_refused():
    """Hosts of the second would be judged by the ports of the first."""
    with pytest.raises(ReadingError, match="several scans in one file"):
        readers.read(grepable() + grepable())


def test_output_for_people_is_refused_with_what_to_do():
    shown = (
        b"# Nmap 7.94 scan initiated Mon Sep 16 20:10:32 2024 as: nmap -oN x 8.8.8.8\nNmap scan report for 8.8.8.8\n"
    )
    for data in (shown, b"Starting Nmap 7.94 ( https://nmap.org ) at 2026-10-07 12:00 UTC\n"):
        with pytest.raises(ReadingError, match="make the file with nmap -oX"):
            readers.read(data)
