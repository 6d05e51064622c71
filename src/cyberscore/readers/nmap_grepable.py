"""nmap's grepable output (`-oG`) told as the elements of its XML: the caller is the reader of nmap.

It tells less than XML: which ports were scanned only when nmap ran with `-v`, no script, and of all ports that are
not listed one state. What it leaves out stays unknown, so that less is claimed, never more.
"""

import re
from typing import Protocol

from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import loose_moment
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.text_rows import read_lines

MAX_LINES = 4_000_000
"""A file of more lines than this is refused."""

BEGINS = re.compile(r"# nmap (?:\(V\. )?([\w.+-]+)\)? scan initiated (.{1,60}?) as: ?(.*)", re.IGNORECASE)
"""The first line: version, date and command."""
_ENDS = re.compile(r"# nmap (?:done|run completed) at (.{1,60}?) -- .*?\((\d+) hosts? up\)", re.IGNORECASE)
_SCANNED = re.compile(r"# Ports scanned:.*?\bTCP\(\d+;([\d,-]*)\)")
HOST = re.compile(r"Host: (\S+) \(([^)]*)\)\s+(.*)")
"""A line about a host: its address, its name and what is told."""
_PORT = re.compile(r"(?<!\d)(\d+)/([a-z|]+)/(\w+)/[^/]*/([^/]*)/[^/]*/([^/]*)/?")
_IGNORED = re.compile(r"Ignored State: ([a-z|]+) \(\d+\)")
_KINDS = re.compile(r"(?:^|\s)-s([A-Za-z]+)")
_SILENT = {"F": "fin", "N": "null", "X": "xmas", "M": "maimon", "A": "ack", "W": "window", "I": "idle"}
"""Kinds of scan that an open port need not answer, by their letter; without one nmap takes SYN or connect."""
_BOUNCE = re.compile(r"(?:^|\s)-b(?=\s)")


class Target(Protocol):
    """What takes the elements of nmap's XML."""

    def start(self, tag: str, found: dict[str, str]) -> None:
        """Take an element's attributes."""

    def end(self, tag: str) -> None:
        """Close an element."""


def feed(source: Input, target: Target, limit: int) -> None:
    """Tell a file's hosts and ports to a target of nmap's XML.

    Raises
    ------
    ReadingError
        When the file cannot be read, or is not nmap's grepable output.
    """
    name = name_of(source)
    lines = read_lines(source, limit, MAX_LINES)
    first = BEGINS.match(next(lines, ""))
    if first is None:
        raise ReadingError(f"{name}: not nmap's grepable output: make the file with nmap -oX")
    version, began, command = first.groups()
    run = {"scanner": "nmap", "version": version, "args": command, "start": _seconds(began)}
    target.start("nmaprun", {key: value for key, value in run.items() if value})
    # The list of ports is there only with -v; the kind of scan is known without it.
    _leaf(target, "scaninfo", {"type": _kind(command), "protocol": "tcp", "services": ""})
    address, name_of_host, told = "", "", list[str]()
    for line in lines:
        match = HOST.match(line)
        if match is not None:
            if match[1] != address and told:
                _host(target, address, name_of_host, told)
                told = []
            address, name_of_host = match[1], match[2]
            told.append(match[3])
        elif (scanned := _SCANNED.match(line)) is not None:
            _leaf(target, "scaninfo", {"type": _kind(command), "protocol": "tcp", "services": scanned[1]})
        elif (ended := _ENDS.match(line)) is not None:
            if told:
                _host(target, address, name_of_host, told)
                told = []
            target.start("runstats", {})
            _leaf(target, "finished", {"time": _seconds(ended[1])})
            _leaf(target, "hosts", {"up": ended[2]})
            target.end("runstats")
        elif BEGINS.match(line) is not None:
            raise ReadingError(f"{name}: several scans in one file (nmap --append-output): give a file a scan")
        elif line and not line.startswith("#"):
            raise ReadingError(
                f"{name}: {line[:60]!r} is no line of nmap's grepable output: make the file with nmap -oX"
            )
    if told:
        _host(target, address, name_of_host, told)
    target.end("nmaprun")


def _kind(command: str) -> str:
    letters = "".join(_KINDS.findall(command))
    silent = (kind for letter, kind in _SILENT.items() if letter in letters)
    return "bounce" if _BOUNCE.search(command) else next(silent, "syn")


def _host(target: Target, address: str, name: str, told: list[str]) -> None:
    text = "\t".join(told)
    target.start("host", {"timedout": "true"} if "Status: Timeout" in text else {})
    # A list scan (-sL) asks no host whether it is there.
    absent = "Status: Down" in text or "Status: Unknown" in text
    _leaf(target, "status", {"state": "down" if absent else "up"})
    _leaf(target, "address", {"addr": address})
    target.start("hostnames", {})
    _leaf(target, "hostname", {"name": name})
    target.end("hostnames")
    target.start("ports", {})
    ignored = _IGNORED.search(text)
    if ignored is not None:
        _leaf(target, "extraports", {"state": ignored[1]})
    for part in text.split("\t"):
        for number, state, protocol, service, product in _PORT.findall(part) if part.startswith("Ports:") else ():
            target.start("port", {"portid": number, "protocol": protocol})
            _leaf(target, "state", {"state": state})
            probed = bool(product) and not service.endswith("?")
            about = {"name": service.rpartition("|")[2].rstrip("?"), "product": product}
            _leaf(target, "service", {**about, "method": "probed" if probed else "table"})
            target.end("port")
    target.end("ports")
    target.end("host")


def _leaf(target: Target, tag: str, found: dict[str, str]) -> None:
    target.start(tag, found)
    target.end(tag)


def _seconds(text: str) -> str:
    """Return Unix seconds of a date as nmap prints it; empty when it is none."""
    when = loose_moment(text)
    return "" if when is None else str(int(when.timestamp()))
