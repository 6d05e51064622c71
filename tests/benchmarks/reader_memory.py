"""Peak memory and time of reading a generated scan: `python tests/benchmarks/reader_memory.py --megabytes 100`.

Each file is read in a process of its own, whose peak includes the interpreter and the library.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ITEM = (
    '<ReportItem port="{port}" svc_name="www" protocol="tcp" severity="{severity}" pluginID="{plugin}" '
    'pluginName="Finding {plugin}" pluginFamily="General"><description>{text}</description>'
    "<risk_factor>High</risk_factor><cve>CVE-2021-{cve}</cve><plugin_output>{text}</plugin_output></ReportItem>\n"
)
TEXT = "The remote host is affected by a vulnerability as described in the advisory. " * 8


def nessus() -> Iterator[str]:
    """Parts of a scan without end: hosts of 200 findings each."""
    yield '<?xml version="1.0"?><NessusClientData_v2><Report name="x">\n'
    number = 0
    while True:
        number += 1
        address = f"203.0.{number // 250 % 250}.{number % 250 + 1}"
        items = (
            ITEM.format(
                port=k % 900 + 1, severity=k % 5, plugin=10_000 + k, text=TEXT, cve=10_000 + (number * 7 + k) % 20_000
            )
            for k in range(200)
        )
        yield (
            f'<ReportHost name="{address}"><HostProperties><tag name="host-ip">{address}</tag>'
            f'<tag name="HOST_END">Mon Jul  1 11:47:41 2024</tag></HostProperties>{"".join(items)}</ReportHost>\n'
        )


def nmap() -> Iterator[str]:
    """Parts of a scan without end: hosts of 100 ports each."""
    yield (
        '<nmaprun scanner="nmap" start="1700000000" version="7.94" args="nmap -sV">'
        '<scaninfo type="syn" protocol="tcp" numservices="65535" services="1-65535"/>\n'
    )
    number = 0
    while True:
        number += 1
        address = f"203.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250 + 1}"
        ports = "".join(
            f'<port protocol="tcp" portid="{k}"><state state="open" reason="syn-ack"/><service name="http" '
            f'product="nginx" method="probed"/><script id="http-title" output="Welcome page {k}"/></port>'
            for k in range(1, 101)
        )
        yield (
            f'<host><status state="up" reason="syn-ack"/><address addr="{address}" addrtype="ipv4"/>'
            f"<ports>{ports}</ports></host>\n"
        )


ENDS = {"nessus": (nessus, "</Report></NessusClientData_v2>"), "nmap": (nmap, "</nmaprun>")}


def write(path: Path, tool: str, size: int) -> None:
    """Write a scan of about that many bytes."""
    parts, end = ENDS[tool]
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for part in parts():
            written += file.write(part)
            if written >= size:
                break
        file.write(end)


def measure(path: str) -> None:
    """Read a file in this process and print its peak memory."""
    from cyberscore import readers

    start = time.perf_counter()
    reading = readers.read(path, observed_at="2026-01-02")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    hosts = reading.assets.seen if reading.assets else 0
    size = Path(path).stat().st_size / 1e6
    print(f"{reading.tool:8} {size:6.1f} MB  {hosts:6} hosts  {seconds:6.1f} s  peak {peak:6.1f} MB", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--file", help="Measure this file alone.")
    asked = parser.parse_args()
    if asked.file:
        measure(asked.file)
    else:
        for tool in ENDS:
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / f"scan.{tool}"
                write(made, tool, int(asked.megabytes * 1e6))
                subprocess.run([sys.executable, __file__, "--file", str(made)], check=True)
