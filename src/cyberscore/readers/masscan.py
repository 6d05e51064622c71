"""masscan results (`-oJ`, `-oD`, `-oX`, `-oL`, `-oG`) as evidence of the perimeter.

masscan writes down open ports alone: a host without one, or a port that was closed, leaves no trace. So zero is never
claimed, nor how many hosts there are. Its services are guessed from the port's number, unless a banner shows them.
Callers are the command line and apps.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from cyberscore.exceptions import ReadingError
from cyberscore.profile.json_values import JsonValues
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, moment
from cyberscore.readers.documents import read_xml
from cyberscore.readers.elements import Elements
from cyberscore.readers.findings import Asset, Inventory
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, allowed, name_of
from cyberscore.readers.tables import port_of
from cyberscore.readers.text_rows import MAX_ROWS, read_lines

TOOL = "masscan"
OPTIONS = ("vantage",)

MAX_BYTES = 256_000_000
"""A scan larger than this is refused."""

_LIST = re.compile(r"(open|closed|banner) (tcp|udp|sctp|icmp) (\d+) (\S+) (\d+)(?: (\S+))?")
_FREE_PORTS, _SHORTEST_PORT = 1_000, len("1/open/tcp")
_GREPABLE = re.compile(r"(?:Timestamp: (\d+)\s+)?Host: (\S+) \([^)]*\)\s+Ports: (.+)")


@dataclass(frozen=True, slots=True)
class _Record:
    address: str
    protocol: str
    number: str
    status: str
    service: str
    time: str


def looks_like(head: Head) -> int:
    """Whether a file is a scan by masscan, in one of its formats."""
    if head.form == "xml":
        return 2 if head.root == "nmaprun" and head.attributes.get("scanner") == "masscan" else 0
    if head.form == "text":
        if head.text.startswith(("#masscan", "# Masscan ")):
            return 2
        return int(_LIST.match(head.text) is not None or head.text.startswith("Timestamp: "))
    listed = head.has_keys("ip", "timestamp", "ports", "ports.port", "ports.proto")
    lines = head.has_keys("ip", "timestamp", "port", "proto", "rec_type")
    return 2 if listed or lines else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
) -> Reading:
    """Read a scan by masscan: JSON with its stray commas, JSON lines, XML or list.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the scan ran; used only when the file does not tell.
    assets_total : int, optional
        How many internet-facing hosts there are in all.
    vantage : {"auto", "external", "internal"}
        Where the scanner stood, see `exposure.Vantage`.

    Raises
    ------
    ReadingError
        When the file is missing, too large, damaged, or not a scan by masscan.
    """
    name, leftovers = name_of(source), Leftovers()
    inventory = Inventory(name, leftovers, vantage)
    head = Head.of(source, MAX_BYTES)
    assets: dict[str, Asset] = {}
    newest: datetime | None = None
    for record in _records(source, head, name):
        address, number = exposure.address_of(record.address), port_of(record.number)
        if address is None:
            raise ReadingError(
                f"{name}: {record.address[:60]!r} is not an IP address: use the file as masscan wrote it"
            )
        when = moment(record.time)
        newest = when if when is not None and (newest is None or when > newest) else newest
        if record.status != "open" or number is None:
            leftovers.add("port that is not open", f"{record.number}/{record.protocol}", count=1)
            continue
        asset = assets.setdefault(str(address), Asset(record.address, address))
        known = asset.ports.get((record.protocol, number))
        if known is None or record.service:
            asset.ports[record.protocol, number] = exposure.seen_port(record.protocol, number, record.service)
    for asset in assets.values():
        inventory.close(asset)
    leftovers.add("masscan looks for open ports alone, not for vulnerabilities", "kev_open_external", "epss_any_30d")
    return inventory.ports_reading(
        TOOL, head.attributes.get("version"), date_of(newest, observed_at, name, leftovers), assets_total=assets_total
    )


def _records(source: Input, head: Head, name: str) -> Iterator[_Record]:
    if head.form == "xml":
        scan = _Scan(name)
        read_xml(source, scan, MAX_BYTES)
        yield from scan.records
        return
    values = JsonValues()
    for number, line in enumerate(read_lines(source, MAX_BYTES), 1):
        text = line.strip(",").strip()
        if (
            not text
            or text in {"[", "]", "{", "}"}
            or text.startswith("#")
            or re.fullmatch(r"\{\s*finished: 1\s*\}", text)
        ):
            continue
        if head.form == "text":
            yield from _from_text(text, f"{name}, line {number}")
        else:
            yield from _from_json(text, f"{name}, line {number}", values)


def _from_text(text: str, place: str) -> Iterator[_Record]:
    """Take a line of `-oL`, or of `-oG`, which lists a host's ports as nmap does."""
    listed = _GREPABLE.match(text)
    if listed is None:
        yield _from_list(text, place)
        return
    time, address, ports = listed.groups()
    if ports.count(",") > allowed(len(ports), _FREE_PORTS, _SHORTEST_PORT):
        raise ReadingError(f"{place}: ports that are empty or nearly so: use the file as masscan wrote it")
    for port in ports.split(","):
        number, status, protocol = (*port.strip().split("/"), "", "", "")[:3]
        yield _Record(address, protocol, number, status, "", time or "")


def _from_list(text: str, place: str) -> _Record:
    match = _LIST.match(text)
    if match is None:
        raise ReadingError(
            f"{place}: {text[:60]!r} is not a record of masscan's list: use the file as masscan wrote it"
        )
    kind, protocol, number, address, time, service = match.groups()
    status, service = ("open", service or "") if kind == "banner" else (kind, "")
    return _Record(address, protocol, number, status, service, time)


def _from_json(text: str, place: str, values: JsonValues) -> Iterator[_Record]:
    begins, ends = text.find("{"), text.rfind("}")
    whole = text[begins : ends + 1] if 0 <= begins < ends else text
    if excess := values.excess(whole):
        raise ReadingError(f"{place}: {excess}, more than masscan writes: use its own file")
    try:
        found = json.loads(whole)
    except (ValueError, RecursionError) as error:
        raise ReadingError(
            f"{place}: not a record of masscan: {text[:60]!r}: the file is cut short or damaged"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("ip"), str):
        raise ReadingError(f"{place}: not a record of masscan (no ip): use the file as masscan wrote it")
    ports = found.get("ports")
    for port in ports if isinstance(ports, list) else [_flat(found)]:
        if not isinstance(port, dict):
            raise ReadingError(f"{place}: ports must hold objects; got {type(port).__name__}: use masscan's own file")
        service = port.get("service")
        name = str(service.get("name") or "") if isinstance(service, dict) else ""
        status = str(port.get("status") or ("open" if name else ""))
        yield _Record(
            found["ip"], str(port.get("proto")), str(port.get("port")), status, name, str(found.get("timestamp"))
        )


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """Return a record of `-oD` in the shape of `-oJ`."""
    data = found.get("data")
    about = data if isinstance(data, dict) else {}
    service = {"name": about.get("service_name")} if found.get("rec_type") == "banner" else None
    status = about.get("status") or ("open" if service else None)
    return {"port": found.get("port"), "proto": found.get("proto"), "status": status, "service": service}


class _Scan(Elements):
    tool = TOOL
    roots: ClassVar = frozenset({"nmaprun"})

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.records: list[_Record] = []
        self.time = self.address = self.status = self.service = ""
        self.port: dict[str, str] = {}

    def opened(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""
        if tag == "nmaprun" and found.get("scanner") != "masscan":
            raise ReadingError(
                f"{self.name}: not a scan by masscan (scanner={found.get('scanner')!r}): use that reader"
            )
        if tag == "host":
            self.time, self.address = found.get("endtime", ""), ""
        elif tag == "address":
            self.address = found.get("addr", "")
        elif tag == "port":
            self.port, self.status, self.service = found, "", ""
        elif tag == "state":
            self.status = found.get("state", "")
        elif tag == "service":
            self.service = found.get("name", "") if found.get("banner") else ""

    def closed(self, tag: str, text: str) -> None:  # noqa: ARG002  masscan's elements hold no text
        """Take a port that is complete."""
        if tag == "port" and self.within("ports"):
            number, protocol = self.port.get("portid", ""), self.port.get("protocol", "")
            status = self.status or ("open" if self.service else "")
            self.records.append(_Record(self.address, protocol, number, status, self.service, self.time))
            if len(self.records) > MAX_ROWS:
                raise self.error(f"more than {MAX_ROWS} ports")
