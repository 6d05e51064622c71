"""Findings in the Open Cybersecurity Schema (OCSF 1.x, JSON) by any tool: callers are the command line and apps.

- Compliance findings (class 2003), and detection or security findings (2004, 2001) that say PASS or FAIL as Prowler's
  do, are results of a benchmark: see `benchmark`.
- Vulnerability findings (2002) that are not resolved are open CVEs of the resources they name, suppressed ones too: see
  `findings`. Of cloud resources it is not known whether the internet reaches them.
- Other detections are alerts. Their number is no signal: they are reported.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.benchmark import Benchmark
from cyberscore.readers.documents import read_objects
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.findings import Asset, Inventory
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "OCSF"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 256_000_000
"""A file larger than this is refused."""
MAX_ASSETS = 1_000_000
"""Findings of more resources than this are refused."""

_SECURITY, _VULNERABILITY, _COMPLIANCE, _DETECTION = 2001, 2002, 2003, 2004
_CLOSED = {"4", "5", "resolved", "archived"}
_VERDICTS = {"1": "pass", "3": "fail"}


def looks_like(head: Head) -> int:
    """Whether a file holds findings in OCSF."""
    own = "class_uid" in head.keys and bool(
        head.keys & {"category_uid", "finding_info", "finding", "type_uid", "vulnerabilities", "compliance"}
    )
    return 2 if own else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read OCSF findings: an array, JSON lines or one object.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the tool looked; used only when no finding tells.
    assets_total : int, optional
        How many cloud accounts there are in all, or resources where the findings are vulnerabilities.
    vantage : {"auto", "external", "internal"}
        With "external" resources with vulnerabilities are internet-facing; by default those with a public address.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or holds something else than findings.
    """
    name, leftovers = name_of(source), Leftovers()
    benchmark, open_ones = Benchmark(name, leftovers), _Vulnerabilities(name)
    newest, product, version = None, "", ""
    for number, found in enumerate(read_objects(source, MAX_BYTES)):
        if not text_at(found, "class_uid"):
            raise ReadingError(f"{name}: item {number} is no OCSF finding (no class_uid): give the tool's OCSF export")
        product = product or text_at(found, "metadata", "product", "name")[:60]
        version = version or text_at(found, "metadata", "product", "version")[:40]
        when = _time(found)
        newest = max(newest, when) if newest is not None and when is not None else when or newest
        _take(found, when, benchmark, open_ones)
    when = date_of(newest, observed_at, name, leftovers)
    scope = {"product": product, "accounts": list(benchmark.accounts)[:200]}
    label = f"{product} {version}".strip() or None
    if not open_ones.assets:
        return Reading.of(
            TOOL, label, when, list(benchmark.claims()),
            assets=benchmark.assets, scope=scope, leftovers=leftovers, assets_total=assets_total,
        )  # fmt: skip
    inventory = Inventory(name, leftovers, vantage, "hosts")
    inventory.scores.update(open_ones.scores)
    for asset in open_ones.closed():
        inventory.close(asset)
    claimed = list(benchmark.claims())
    checks = Reading.of(TOOL, label, when, claimed, assets=benchmark.assets, scope=scope, leftovers=leftovers)
    found_open = inventory.reading(
        TOOL, label, when,
        complete=False, listed=False, catalogue=catalogue, scope=scope, assets_total=assets_total,
    )  # fmt: skip
    return replace(found_open, observations=(*checks.observations, *found_open.observations))


def _take(
    found: dict[str, Any],
    when: datetime | None,
    benchmark: Benchmark,
    open_ones: "_Vulnerabilities",
) -> None:
    leftovers, name = benchmark.leftovers, benchmark.name
    listed = objects(found.get("vulnerabilities"), f"{name}: vulnerabilities")
    if listed:
        open_ones.take(found, listed, when, leftovers)
        return
    check = _check(found)
    verdict = text_at(found, "compliance", "status") or _VERDICTS.get(text_at(found, "compliance", "status_id"), "")
    code = text_at(found, "status_code")
    if not verdict and code.upper() in {"PASS", "FAIL", "PASSED", "FAILED", "MANUAL", "WARNING", "NOT_AVAILABLE"}:
        verdict = code
    kind = text_at(found, "class_uid")
    if kind == str(_COMPLIANCE) or (verdict and kind in {str(_SECURITY), str(_DETECTION)}):
        resource = _resource(found)
        benchmark.take(
            check,
            verdict,
            account=text_at(found, "cloud", "account", "uid") or text_at(found, "cloud", "account_uid"),
            resource=text_at(resource, "uid") or text_at(resource, "name"),
            text=text_at(found, "status_detail") or text_at(found, "message"),
        )
    elif kind in {str(_SECURITY), str(_DETECTION)}:
        leftovers.add("alert, which no signal rates by itself", check, count=1)
    elif kind == str(_VULNERABILITY):
        leftovers.add("vulnerability finding without a vulnerability", check, count=1)
    else:
        leftovers.add(f"event of class {kind[:20]}, which is not read", text_at(found, "class_name") or check, count=1)


def _check(found: dict[str, Any]) -> str:
    """Name what was checked, as well as a finding tells."""
    places = (
        ("metadata", "event_code"), ("compliance", "control"), ("finding_info", "analytic", "uid"),
        ("finding_info", "title"), ("finding", "title"), ("finding_info", "uid"), ("finding", "uid"), ("message",),
    )  # fmt: skip
    return next((text for path in places if (text := text_at(found, *path))), "finding")[:200]


def _resource(found: dict[str, Any]) -> object:
    listed = found.get("resources")
    if isinstance(listed, list) and listed:
        return listed[0]
    return found.get("resource") or found.get("device")


def _time(found: dict[str, Any]) -> datetime | None:
    """When a finding was made: text, seconds or milliseconds."""
    for key in ("time_dt", "event_time", "time"):
        value = found.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e14:
            value = str(int(value / 1000 if value > 1e11 else value))
        told = loose_moment(value)
        if told is not None:
            return told
    return loose_moment(at(found, "finding_info", "created_time_dt"))


class _Vulnerabilities:
    """CVEs of resources, the newest state of each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.assets: dict[str, Asset] = {}
        self.scores: dict[str, float] = {}
        self._states: dict[tuple[str, str], tuple[datetime | None, bool]] = {}

    def take(
        self, found: dict[str, Any], listed: list[dict[str, Any]], when: datetime | None, leftovers: Leftovers
    ) -> None:
        """Take one finding in."""
        place = _resource(found)
        address = exposure.address_of(text_at(place, "ip") or text_at(found, "device", "ip"))
        key = (
            text_at(place, "uid") or text_at(place, "hostname") or text_at(place, "name") or str(address or "resource")
        )[:200]
        if key not in self.assets and len(self.assets) >= MAX_ASSETS:
            raise ReadingError(f"{self.name}: more than {MAX_ASSETS} resources: split it by account")
        self.assets.setdefault(key, Asset(key, address, checked=True))
        closed = text_at(found, "status_id") in _CLOSED or text_at(found, "status").lower() in _CLOSED
        closed = closed or text_at(found, "activity_id") == "3"
        for one in listed:
            cves = cves_in(text_at(one, "cve", "uid") or text_at(one, "cve_uid"))
            if not cves:
                leftovers.add("vulnerability without a CVE", text_at(one, "title") or "vulnerability", count=1)
            score = probability(at(one, "cve", "epss", "score"))
            for cve in cves:
                if score is not None:
                    self.scores[cve] = max(score, self.scores.get(cve, 0.0))
                before = self._states.get((key, cve))
                if before is None or before[0] is None or (when is not None and when >= before[0]):
                    self._states[key, cve] = (when, not closed)

    def closed(self) -> Iterator[Asset]:
        """Assets with what is open on them."""
        for (key, cve), (_, is_open) in self._states.items():
            if is_open:
                self.assets[key].cves[cve] = None
        yield from self.assets.values()
