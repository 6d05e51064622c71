"""Hostile files of any size, made from nothing: callers are the tests of all readers and the fuzzer.

`SHAPES` are what breaks a reader of a format: tokens without end, many small values, blank rows, packed zeros. `ROWS`
are the shortest files of a tool that its reader takes in row by row, so that a limit of bytes is reached last.
`JOINS` are files of two halves that a reader joins: what one half lists counts for each of the other. `TEXTS` are
runs on which a regular expression may go back and forth.
"""

# ruff: noqa: E501  shapes on few lines

import bz2
import gzip
import io
import random
import zipfile
import zlib

ROOTS = {
    "nmap": '<nmaprun scanner="nmap" start="1700000000" args="">', "masscan": '<nmaprun scanner="masscan">',
    "nessus": "<NessusClientData_v2>", "openvas": "<report>", "qualys": "<ASSET_DATA_REPORT>",
    "nexpose": "<NexposeReport>", "pingcastle": "<HealthcheckData>",
}  # fmt: skip
"""How the XML of a reader begins."""

SHORTEST_ROW = 64
"""Bytes of a row of a table, on average, below which it is refused."""


def repeated(part, begin="", end=""):
    """Return what makes a file of about so many bytes out of one part again and again."""
    begin, part, end = (one.encode() if isinstance(one, str) else one for one in (begin, part, end))
    return lambda size: begin + part * max(1, (size - len(begin) - len(end)) // len(part)) + end


def numbered(part, begin="", end="", *, step=1):
    """Return what makes a file out of a part in which %d is a number that is never the same."""

    def make(size):
        number = max(1, (size - len(begin) - len(end)) // (len(part) + 4))
        return (begin + "".join(part.replace("%d", str(k * step)) for k in range(number)) + end).encode()

    return make


def padded(part, begin):
    """Return the same of rows in which ~ stands for as much text as makes a row just long enough to be taken."""
    return numbered(part.replace("~", "x" * max(1, SHORTEST_ROW - 4 - len(part))), begin)


def noise(size):
    """Bytes that no compression makes smaller."""
    return random.Random(1).randbytes(size)  # noqa: S311  nothing is kept secret


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """Return a zip archive of files by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def entries(size):
    """Return a zip archive of as many empty files as fit, their list told in the fields of large archives."""
    return zip64(zipped({str(k): b"" for k in range(max(1, size // 80))}))


def zip64(archive):
    """Return the same archive with its list of files told in the fields for large archives alone."""
    end = archive.rindex(b"PK\x05\x06")
    number, length, place = (
        int.from_bytes(archive[end + a : end + b], "little") for a, b in ((10, 12), (12, 16), (16, 20))
    )
    large = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes([45, 0, 45, 0]) + bytes(8)
    large += number.to_bytes(8, "little") * 2 + length.to_bytes(8, "little") + place.to_bytes(8, "little")
    locator = b"PK\x06\x07" + bytes(4) + end.to_bytes(8, "little") + (1).to_bytes(4, "little")
    return archive[:end] + large + locator + b"PK\x05\x06" + bytes(18)


def nested(data, depth):
    """Return data packed again and again."""
    for _ in range(depth):
        data = gzip.compress(data)
    return data


SHAPES = {
    # XML: tokens that never end, and many small events
    **{f"{name}: attribute without end": repeated("x", root + '<a b="') for name, root in ROOTS.items()},
    "comment without end": repeated("x", ROOTS["nessus"] + "<!--"),
    "instruction without end": repeated("x", ROOTS["nessus"] + "<?a "),
    "cdata without end": repeated("x", ROOTS["nessus"] + "<![CDATA["),
    "tag without end": repeated("x", ROOTS["nmap"] + "<"),
    "doctype without end": repeated("x", '<!DOCTYPE a SYSTEM "'),
    "references": repeated("&#65;", ROOTS["qualys"] + "<IP>"),
    "comments": repeated("<!---->", ROOTS["openvas"]),
    "instructions": repeated("<?a?>", ROOTS["openvas"]),
    "text between comments": repeated("a<!---->", ROOTS["pingcastle"]),
    **{f"{name}: elements": repeated("<a/>", root) for name, root in ROOTS.items()},
    **{f"{name}: longer elements": repeated("<abcdefghij/>", root) for name, root in ROOTS.items()},
    "attributes of one": numbered(' a%d=""', ROOTS["nmap"] + "<a", "/>"),
    "attributes of many": repeated('<a b="" c="" d="" e="" f=""/>', ROOTS["nmap"]),
    "names of elements": numbered("<abcdef%d/>", ROOTS["nexpose"]),
    "namespaces": numbered(' xmlns:a%d="b%d"', ROOTS["nessus"] + "<a", "/>"),
    "depth": repeated("<a>", ROOTS["nessus"]),
    "root's attribute": repeated("a", "<a "),
    "root's spaces": repeated("a ", "<a "),
    "prolog": repeated("<!-- -->"),
    # JSON: many small values, depth, long numbers and texts, keys
    "lists": repeated("[],", '{"a":[', "0]}"),
    "objects": repeated("{},", '{"matches":[', "{}]}"),
    "spaced objects": repeated("{" + " " * 17 + "},", '{"matches":[', "{}]}"),
    "numbers": repeated("1,", '{"a":[', "1]}"),
    "texts": repeated('"ab",', '{"a":[', '""]}'),
    "keys": numbered('"%d":0,', "{", '"a":0}'),
    "lists in objects": repeated('{"":[]},', "[", "{}]"),
    "brackets": repeated("["),
    "brackets of objects": repeated('{"a":'),
    "one number": repeated("9", '{"a":', "}"),
    "long numbers": repeated("9" * 4000 + ",", '{"a":[', "1]}"),
    "one text": repeated("x", '{"a":"', '"}'),
    "text without end": repeated("x", '[{"a":"'),
    "escapes": repeated("\\u00e9", '{"a":"', '"}'),
    "backslashes": repeated("\\\\", '{"a":"'),
    "quotes": repeated('"'),
    "empty objects": repeated("{},", "[", "{}]"),
    "lines of objects": repeated("{}\n"),
    "lines of lists": repeated('{"a":[[],[],[],[]]}\n'),
    "blank lines of objects": repeated("\n", "{}\n"),
    # tables and lines
    "blank": repeated(" \n"),
    "newlines": repeated("\n"),
    "commas": repeated(","),
    "rows of commas": repeated(",,,,\n", "Plugin ID,Risk,Host,Name\n"),
    "rows of one cell": repeated("a\n", "Plugin ID,Risk,Host,Name\n"),
    "quote without end": repeated("x", 'Plugin ID,Risk,Host,Name\n"'),
    "lines in a quote": repeated("\n", 'Plugin ID,Risk,Host,Name\n"'),
    "columns": numbered("a%d,"),
    "carriage returns": repeated("\r", "Plugin ID,Risk,Host,Name\n"),
    # encodings
    "zeros": bytes,
    "utf-16 halves": repeated(b"\x00\xd8", b"\xff\xfe"),
    "utf-32 junk": repeated(b"\xff\xff\xff\xff", b"\xff\xfe\x00\x00"),
    "gb18030": repeated(b"\xb0\xa1", b"\xb1\xe0\xba\xc5,\xcc\xe2\xc4\xbf,\xbb\xd8\xb4\xf0\n"),
    "gb18030 junk": repeated(b"\xb0\xa1\x81", b"\xb0\xa1" * 3000),
    "utf-8 junk": repeated(b"\xff", b"a,b\n"),
    "utf-16 table": lambda size: repeated("a,b\n", "Plugin ID,Risk,Host,Name\n")(size // 2).decode().encode("utf-16"),
    # packed
    "packed zeros": lambda size: gzip.compress(bytes(size)),
    "packed lists": lambda size: gzip.compress(repeated("[],", '{"a":[', "0]}")(size)),
    "packed elements": lambda size: zipped({"a": repeated("<a/>", ROOTS["nessus"])(size)}),
    "packed blank lines": lambda size: gzip.compress(b"\n" * size),
    "packed noise": lambda size: gzip.compress(noise(size)),
    "packed four times": lambda size: nested(bytes(size), 4),
    "zip in zip": lambda size: zipped({"a.zip": zipped({"a": bytes(size)})}),
    "bzip2 in zip": lambda size: zipped({"a": bz2.compress(bytes(size))}),
    "zlib": lambda size: zlib.compress(bytes(size)),
    "zip of many files": entries,
    "gzip members": lambda size: gzip.compress(b"a") * (size // 21),
    "gzip without a body": lambda size: b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * size,
}  # fmt: skip
"""Makers of files that no reader takes, by what is wrong with them."""

_CSV = {
    "nessus": "Plugin ID,Risk,Host,CVE,Port,Protocol\n", "qualys": "QID,Title,Severity,IP\n",
    "nexpose": "Asset IP Address,Vulnerability ID,Vulnerability Test Date\n",
    "openvas": "IP,Port,Port Protocol,CVSS,Severity,QoD,NVT Name,CVEs\n",
    "wazuh": "agent.id,vulnerability.id,vulnerability.severity\n",
}  # fmt: skip

ROWS = {
    "application: table": numbered("q%d,question %d,yes\n", "id,question,answer\n"),
    "application: fields": numbered('"question%d":"yes",', "{", '"mfa_email":"yes"}'),
    "application: objects": repeated('{"a":{"b":1}},', "[", '{"id":"mfa_email","answer":"yes"}]'),
    "checkdmarc: table": numbered("a%d.example,,\n", "domain,spf_record,dmarc_record\n"),
    "application: rows": padded("~q%d,question,yes\n", "id,question,answer\n"),
    "checkdmarc: rows": padded("a%d.example,~,\n", "domain,spf_record,dmarc_record\n"),
    "checkdmarc: hosts of a row": repeated("a.b ", "domain,spf_record,dmarc_record,mx\na.example,,,"),
    "graph_registration: rows": padded("a%d@b.example,true,true,~\n", "userPrincipalName,isMfaCapable,isMfaRegistered,methodsRegistered\n"),
    "nessus: rows": padded("%d,High,a%d.example,CVE-2021-1%d,443,tcp,~\n", _CSV["nessus"].strip() + ",Name\n"),
    "nexpose: rows": padded("192.0.2.1,a%d,2024-01-01,~\n", _CSV["nexpose"].strip() + ",a\n"),
    "openvas: rows": padded("192.0.2.1,%d,tcp,9,High,80,~,CVE-2021-1234\n", _CSV["openvas"]),
    "prowler: rows": padded("check12,FAIL,~,%d,%d\n", "CHECK_ID,STATUS,STATUS_EXTENDED,ACCOUNT_UID,RESOURCE_UID\n"),
    "qualys: rows": padded("%d,~,5,192.0.2.1\n", _CSV["qualys"]),
    "testssl: rows": padded("TLS1,a.example/,443,OK,~%d\n", "id,fqdn/IP,port,severity,finding\n"),
    "wazuh: rows": padded("%d,CVE-2021-1234,High,~\n", _CSV["wazuh"].strip() + ",a\n"),
    "checkdmarc: objects": numbered('{"domain":"a%d.example"},', "[", '{"domain":"a.example"}]'),
    "checkdmarc: hosts": repeated('{"hostname":"a"},', '{"domain":"a.example","spf":{},"dmarc":{},"mx":{"hosts":[', "{}]}}"),
    "graph_registration: table": numbered("a%d@b.example,true,true\n", "userPrincipalName,isMfaCapable,isMfaRegistered\n"),
    "graph_registration: objects": repeated('{"isMfaRegistered":true},', '{"value":[', '{"isMfaRegistered":true,"isMfaCapable":true}]}'),
    "graph_registration: lines": repeated('{"isMfaRegistered":true}\n'),
    "graph_registration: methods": repeated('"fido2",', '{"value":[{"isMfaRegistered":true,"methodsRegistered":[', '""]}]}'),
    "grype: matches": numbered('{"vulnerability":{"id":"CVE-2021-%d"}},', '{"descriptor":{},"matches":[', "{}]}", step=7),
    "grype: empty": repeated('{"artifact":{"a":1}},', '{"matches":[', "{}]}"),
    "lynis: keys": numbered("key%d=v\n", "# Lynis Report\nlynis_version=3\n"),
    "lynis: warnings": numbered("warning[]=A%d|b|\n", "# Lynis Report\nlynis_version=3\n"),
    "masscan: list": numbered("open tcp 443 192.0.2.1 %d\n", "#masscan\n"),
    "masscan: objects": numbered('{"ip":"192.0.2.1","timestamp":"%d","ports":[{"port":443,"proto":"tcp","status":"open"}]},\n', "[\n", "]"),
    "masscan: ports of one": repeated('{"port":443},', '[\n{"ip":"192.0.2.1","timestamp":"1","ports":[', '{"port":1,"proto":"tcp"}]}\n]'),
    "masscan: XML": numbered('<host><address addr="192.0.2.1"/><ports><port portid="%d" protocol="tcp"/></ports></host>', ROOTS["masscan"], "</nmaprun>"),
    "masscan: ports of a line": repeated("1/open/tcp,", "Host: 192.0.2.1 ()\tPorts: "),
    "masscan: empty ports": repeated(",", "# Masscan 1\nHost: 192.0.2.1 ()\tPorts: ", "1/open/tcp"),
    "nessus: hosts": numbered('<ReportHost name="%d"></ReportHost>', ROOTS["nessus"], "</NessusClientData_v2>"),
    "nessus: items": numbered('<ReportItem port="%d" protocol="tcp"/>', ROOTS["nessus"] + '<ReportHost name="192.0.2.1">', "</ReportHost></NessusClientData_v2>"),
    "nessus: cves": numbered("<cve>CVE-2021-%d</cve>", ROOTS["nessus"] + '<ReportHost name="192.0.2.1"><ReportItem>', "</ReportItem></ReportHost></NessusClientData_v2>", step=3),
    "nessus: table": numbered("%d,High,192.0.2.1,,1,tcp\n", _CSV["nessus"]),
    "nessus: hosts of a table": numbered("1,High,a%d.example,CVE-2021-%d,1,tcp\n", _CSV["nessus"]),
    "nexpose: hosts": numbered('<node address="%d"></node>', ROOTS["nexpose"], "</NexposeReport>"),
    "nexpose: tests": numbered('<test id="%d" status="vv"/>', ROOTS["nexpose"] + '<node address="192.0.2.1">', "</node></NexposeReport>"),
    "nexpose: tags": repeated("<tag>obsolete</tag>", ROOTS["nexpose"] + '<vulnerability id="a">', "</vulnerability></NexposeReport>"),
    "nexpose: table": numbered("192.0.2.1,a%d,\n", _CSV["nexpose"]),
    "nmap: ports": numbered('<port portid="%d"/>', ROOTS["nmap"] + '<host><status state="up"/><address addr="192.0.2.1"/><ports>', "</ports></host></nmaprun>"),
    "nmap: hosts": repeated('<host><status state="up"/><address addr="198.51.100.1"/></host>', ROOTS["nmap"], "</nmaprun>"),
    "nmap: port lists": repeated("1,", ROOTS["nmap"] + '<scaninfo type="syn" protocol="tcp" services="', '1"/></nmaprun>'),
    "nmap: grepable hosts": repeated("Host: 203.0.113.1 ()\tStatus: Up\n", "# Nmap 7.94 scan initiated Mon Jul  1 11:47:41 2024 as: nmap -oG a b\n"),
    "nmap: grepable ports": numbered("%d/open/tcp//http///, ", "# Nmap 7.94 scan initiated Mon Jul  1 11:47:41 2024 as: nmap -oG a b\nHost: 192.0.2.1 ()\tPorts: "),
    "nuclei: lines": numbered('{"template-id":"a%d","info":{"name":"b"},"host":"a%d.example"}\n'),
    "nuclei: objects": numbered('{"template-id":"a%d","info":{"name":"b"}},', "[", '{"template-id":"a","info":{}}]'),
    "ocsf: objects": numbered('{"class_uid":2003,"type_uid":%d},', "[", '{"class_uid":2003,"compliance":{}}]'),
    "ocsf: lines": numbered('{"class_uid":2003,"compliance":{"status":"PASS"},"message":"%d"}\n'),
    "openvas: results": numbered("<result><host>192.0.2.%d</host></result>", ROOTS["openvas"] + "<nvt/>", "</report>"),
    "openvas: hosts": numbered("<host><ip>%d</ip></host>", ROOTS["openvas"] + "<nvt/>", "</report>"),
    "openvas: table": numbered("192.0.2.1,%d,tcp,9,High,80,a,\n", _CSV["openvas"]),
    "pingcastle: rules": numbered("<HealthcheckRiskRule><RiskId>%d</RiskId></HealthcheckRiskRule>", ROOTS["pingcastle"] + "<RiskRules>", "</RiskRules></HealthcheckData>"),
    "pingcastle: systems": numbered("<HealthcheckOSData><OperatingSystem>Windows %d</OperatingSystem><NumberActive>1</NumberActive></HealthcheckOSData>", ROOTS["pingcastle"] + "<OperatingSystem>", "</OperatingSystem></HealthcheckData>"),
    "prowler: table": numbered("a%d,PASS,\n", "CHECK_ID,STATUS,STATUS_EXTENDED\n"),
    "prowler: accounts": numbered("check12,FAIL,,%d,%d\n", "CHECK_ID,STATUS,STATUS_EXTENDED,ACCOUNT_UID,RESOURCE_UID\n"),
    "prowler: objects": numbered('{"CheckID":"a%d","Status":"PASS"},', "[", '{"CheckID":"a","Status":"PASS","StatusExtended":""}]'),
    "qualys: hosts": numbered("<HOST><IP>%d</IP></HOST>", ROOTS["qualys"] + "<HOST_LIST>", "</HOST_LIST></ASSET_DATA_REPORT>"),
    "qualys: findings": numbered("<VULN_INFO><QID>%d</QID></VULN_INFO>", ROOTS["qualys"] + "<HOST_LIST><HOST><IP>192.0.2.1</IP><VULN_INFO_LIST>", "</VULN_INFO_LIST></HOST></HOST_LIST></ASSET_DATA_REPORT>"),
    "qualys: ids of one": numbered("<CVE_ID><ID>CVE-2021-%d</ID></CVE_ID>", "<SCAN><IP value='192.0.2.1'><VULN number='1'>", "</VULN></IP></SCAN>", step=3),
    "qualys: open ports": numbered("%d\ta\tb\tc\n", ROOTS["qualys"] + "<HOST_LIST><HOST><IP>192.0.2.1</IP><VULN_INFO_LIST><VULN_INFO><QID>82023</QID><RESULT>", "</RESULT></VULN_INFO></VULN_INFO_LIST></HOST></HOST_LIST></ASSET_DATA_REPORT>"),
    "qualys: open ports of many": repeated("<VULN_INFO><QID>82023</QID><RESULT>" + "1\n" * 9_000 + "</RESULT></VULN_INFO>", ROOTS["qualys"] + "<HOST_LIST><HOST><IP>192.0.2.1</IP><VULN_INFO_LIST>", "</VULN_INFO_LIST></HOST></HOST_LIST></ASSET_DATA_REPORT>"),
    "lynis: blank": repeated("\n", "# Lynis Report\nlynis_version=3\n"),
    "application: wide letters": repeated("\ufdfa" * 500 + ",yes\n", "question,answer\n"),
    "qualys: table": numbered("%d,a,5,192.0.2.1\n", _CSV["qualys"]),
    "scubagear: controls": numbered('{"Control ID":"MS.A.1.%dv1","Result":"Pass"},', '{"MetaData":{"Tool":"ScubaGear"},"Results":{"AAD":[{"Controls":[', '{"Control ID":"a","Result":"Fail"}]}]}}'),
    "scubagear: domains": numbered('{"domain":"a%d.example"},', '{"MetaData":{"Tool":"ScubaGear"},"Results":{},"Raw":{"spf_records":[', '{"domain":"a.example"}]}}'),
    "secure_score: controls": numbered('{"controlName":"a%d","score":1},', '{"value":[{"azureTenantId":"t","currentScore":1,"maxScore":2,"controlScores":[', "{}]}]}"),
    "secure_score: scores": numbered('{"currentScore":%d,"maxScore":9},', "[", '{"currentScore":1,"maxScore":9,"azureTenantId":""}]'),
    "ssl_labs: endpoints": numbered('{"grade":"A","ipAddress":"%d"},', '{"host":"a.example","criteriaVersion":"2009","endpoints":[', '{"grade":"A"}]}'),
    "ssl_labs: suites": repeated('{"name":"TLS_RSA_WITH_AES"},', '{"host":"a.example","criteriaVersion":"2009","endpoints":[{"details":{"suites":{"list":[', "{}]}}}]}"),
    "sslyze: servers": numbered('{"server_string":"a%d"},', '{"sslyze_version":"5","server_scan_results":[', '{"scan_result":{}}]}'),
    "sslyze: suites": repeated('{"cipher_suite":{"name":"A"}},', '{"sslyze_version":"5","server_scan_results":[{"scan_result":{"tls_1_2_cipher_suites":{"result":{"accepted_cipher_suites":[', "{}]}}}}]}"),
    "testssl: table": numbered("a%d,b/,443,OK,c\n", "id,fqdn/IP,port,severity,finding\n"),
    "testssl: servers": numbered("TLS1,a%d.example/,443,OK,c\n", "id,fqdn/IP,port,severity,finding\n"),
    "testssl: objects": numbered('{"id":"a%d","ip":"b/","finding":""},', "[", '{"id":"a","ip":"b/","port":"443","severity":"OK","finding":""}]'),
    "trivy: vulnerabilities": numbered('{"VulnerabilityID":"CVE-2021-%d"},', '{"SchemaVersion":2,"ArtifactName":"a","Results":[{"Target":"a","Vulnerabilities":[', "{}]}]}", step=7),
    "trivy: results": numbered('{"Target":"a%d","Class":"b"},', '{"SchemaVersion":2,"ArtifactName":"a","Results":[', "{}]}"),
    "trivy: artifacts": numbered('{"Name":"a%d","Results":[]},', '{"ClusterName":"a","Resources":[', '{"Name":"a"}]}'),
    "wazuh: lines": numbered('{"agent":{"id":"%d"},"vulnerability":{"id":"CVE-2021-1234"}}\n'),
    "wazuh: hits": numbered('{"agent":{"id":"1"},"vulnerability":{"id":"CVE-2021-%d"}},', '{"hits":{"hits":[', '{"_source":{"agent":{"id":"1"},"vulnerability":{"id":""}}}]}}', step=7),
    "wazuh: alerts": numbered('{"agent":{"id":"%d"},"data":{"vulnerability":{"cve":"CVE-2021-1234","package":{"name":"%d"}}}}\n'),
    "wazuh: table": numbered("%d,CVE-2021-1234,High\n", _CSV["wazuh"]),
}  # fmt: skip
"""Makers of files by their reader and what the rows are."""


def halves(begin, first, middle, second, end=""):
    """Return what makes a file of two halves."""
    return lambda size: (
        numbered(first, begin, middle, step=11)(size // 2) + numbered(second, "", end, step=13)(size // 2)
    )


JOINS = {
    "qualys: glossary": halves("<ASSET_DATA_REPORT><HOST_LIST><HOST><IP>192.0.2.1</IP><VULN_INFO_LIST>", "<VULN_INFO><QID>1</QID><A>%d</A></VULN_INFO>", "</VULN_INFO_LIST></HOST></HOST_LIST><VULN_DETAILS_LIST><VULN_DETAILS id='qid_1'>", "<CVE_ID><ID>CVE-2021-%d</ID></CVE_ID>", "</VULN_DETAILS></VULN_DETAILS_LIST></ASSET_DATA_REPORT>"),
    "nexpose: definitions": halves('<NexposeReport><node address="192.0.2.1">', '<test id="a" status="vv" n="%d"/>', '</node><vulnerability id="a">', '<reference source="CVE">CVE-2021-%d</reference>', "</vulnerability></NexposeReport>"),
    "ocsf: resources": halves('[{"class_uid":2002,"type_uid":1,"vulnerabilities":[', '{"cve":{"uid":"CVE-2021-%d"}},', '{}],"resources":[', '{"uid":"a%d"},', '{"uid":"b"}]}]'),
    "scubagear: look-ups": halves('{"MetaData":{"Tool":"ScubaGear"},"Results":{},"Raw":{"spf_records":[{"rdata":"a","domain":[', '"a%d.example",', '"a"],"log":[', '{"query_name":"a%d","query_answers":[1]},', '{"query_name":"a"}]}]}}'),
    "nmap: command": lambda size: ('<nmaprun scanner="nmap" start="1700000000" args="' + " -x" * (size // 6) + '">').encode() + repeated('<host><status state="up"/><address addr="198.51.100.1"/></host>', "", "</nmaprun>")(size // 2),
    "nmap: port lists of hosts": repeated("1,", ROOTS["nmap"] + '<host><status state="up"/><address addr="198.51.100.1"/><ports><extraports state="filtered"><extrareasons proto="tcp" ports="', '1"/></extraports></ports></host></nmaprun>'),
    "nmap: grepable command": lambda size: b"# Nmap 7.94 scan initiated Mon Jul  1 11:47:41 2024 as: nmap" + b" -s" * (size // 6) + b"\n" + b"# Ports scanned: TCP(1;1)\n" * (size // 52),
    "nessus: port ranges": repeated("4000-65535,", ROOTS["nessus"] + '<ReportHost name="192.0.2.1"><ReportItem pluginID="19506"><plugin_output>Port scanner(s) : syn\nPort range : ', "1</plugin_output></ReportItem></ReportHost></NessusClientData_v2>"),
}  # fmt: skip
"""Makers of files by their reader and what is joined."""

TEXTS = (
    "a", " ", "\t", "<", "{", "}", "(", ")", '"', "'", "/", "-", ".", ",", "1", "_", "|", "\u00e9", "a ", "a.", "a-", "a=", "<a ", "<span ",
    "<!--", "<?", "over ", " over", "1/a/", "record ", "does not have a ", "Host: ", "TCP(", "(1", "CVE-2021-", "Query returned ", "MS.A.1.",
    "login ", "a://", "[0", "1:", ": ", "a b", " : a", "\n ", "- ", "TLS", "check1", "User ", "1.", "1. ", "State: ", "IDs:",
)  # fmt: skip
"""Short texts of which a long run may make a regular expression go back and forth."""
