"""Findings in the Open Cybersecurity Schema (OCSF 1.x, JSON) by any tool: callers are the command line and apps.

- Compliance findings (class 2003), and detection or security findings (2004, 2001) that say PASS or FAIL as Prowler's
  do, are results of a benchmark: see `benchmark`. Of the states of one finding the newest counts. A failure that
  somebody muted, suppressed, called resolved, archived, closed or deleted still failed.
- Vulnerability findings (2002) that are not resolved are open CVEs of the resources they name, suppressed and archived
  ones too: see `findings`. Of cloud resources it is not known whether the internet reaches them. Images, functions and
  packages are not systems, and rate nothing.
- Other detections are alerts. Their number is no signal: they are reported.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.benchmark import Benchmark
from cyberscore.readers.documents import read_objects
from cyberscore.readers.fields import at, objects, text_at, texts_at
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

MAX_STATES = 1_000_000
"""More vulnerabilities, resource by resource, than this are refused."""

_SECURITY, _VULNERABILITY, _COMPLIANCE, _DETECTION = 2001, 2002, 2003, 2004
_CLOSED = {"4", "6", "resolved", "deleted"}
_NEXT_PAGE = ("NextToken", "nextToken", "next_token", "@odata.nextLink")
_VERDICTS = {"1": "pass", "3": "fail"}
_WORDS = {
    "success": "pass", "failure": "fail", "compliant": "pass", "noncompliant": "fail", "non_compliant": "fail",
    "muted": "fail",
}  # fmt: skip
"""How others than the schema call a verdict: Prowler 3 and 4, AWS Config. What was muted is taken for a failure."""
_DECIDING = {"PASS", "FAIL", "PASSED", "FAILED", "MUTED", "MANUAL", "WARNING", "NOT_AVAILABLE"}
_SOFTWARE = re.compile(r"image|function|lambda|repositor|registr|package|artifact|layer|code", re.IGNORECASE)
"""Types of resources that are not systems."""
_WRAPPERS = ("events", "findings", "Findings", "value", "data", "items", "results", "records", "Records")
"""Fields in which a bundle, or the answer of an API, holds its findings."""


def looks_like(head: Head) -> int:
    """Whether a file holds findings in OCSF."""
    marks = ("category_uid", "finding_info", "finding", "type_uid", "vulnerabilities", "compliance")
    places = ("", *(f"{one}." for one in _WRAPPERS))
    own = any(f"{at}class_uid" in head.keys and head.keys & {f"{at}{one}" for one in marks} for at in places)
    return 2 if own else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read OCSF findings: an array, JSON lines, one object, or a bundle that holds them.

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
    results: dict[tuple[str, ...], _Result] = {}
    for number, found in enumerate(_findings(source, name, leftovers)):
        if not text_at(found, "class_uid"):
            raise ReadingError(f"{name}: item {number} is no OCSF finding (no class_uid): give the tool's OCSF export")
        product = product or text_at(found, "metadata", "product", "name")[:60]
        version = version or text_at(found, "metadata", "product", "version")[:40]
        when = _time(found)
        newest = max(newest, when) if newest is not None and when is not None else when or newest
        _take(found, when, results, open_ones, leftovers)
    for result in results.values():
        benchmark.take(
            result.check, result.verdict,
            account=result.account, resource=result.resource, text=result.text, service=result.service,
            severity=result.severity, categories=result.categories,
        )  # fmt: skip
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
    for asset in open_ones.closed(leftovers):
        inventory.close(asset)
    claimed = list(benchmark.claims())
    checks = Reading.of(TOOL, label, when, claimed, assets=benchmark.assets, scope=scope, leftovers=leftovers)
    found_open = inventory.reading(
        TOOL, label, when,
        complete=False, listed=False, catalogue=catalogue, scope=scope, assets_total=assets_total,
    )  # fmt: skip
    return replace(found_open, observations=(*checks.observations, *found_open.observations))


def _findings(source: Input, name: str, leftovers: Leftovers) -> Iterator[dict[str, Any]]:
    for one in read_objects(source, MAX_BYTES):
        keys = [key for key in _WRAPPERS if isinstance(one.get(key), list)]
        if not keys or "class_uid" in one:
            yield one
            continue
        for key in keys:
            yield from objects(one[key], f"{name}: {key}")
        if any(one.get(key) for key in _NEXT_PAGE):
            leftovers.add("next page of findings, which this file does not hold", "NextToken", count=1)


@dataclass(frozen=True, slots=True)
class _Result:
    """One state of the result of a check."""

    when: datetime | None
    check: str
    verdict: str
    account: str
    resource: str
    text: str
    service: str
    severity: str
    categories: tuple[str, ...]


def _take(
    found: dict[str, Any],
    when: datetime | None,
    results: dict[tuple[str, ...], _Result],
    open_ones: "_Vulnerabilities",
    leftovers: Leftovers,
) -> None:
    listed = objects(found.get("vulnerabilities"), f"{open_ones.name}: vulnerabilities")
    if listed:
        open_ones.take(found, listed, when, leftovers)
    check = _check(found)
    verdict = text_at(found, "compliance", "status") or _VERDICTS.get(text_at(found, "compliance", "status_id"), "")
    code = text_at(found, "status_code")
    if not verdict and code.upper() in _DECIDING:
        verdict = code
    kind = text_at(found, "class_uid")
    if (kind == str(_COMPLIANCE) and not listed) or (verdict and kind in {str(_SECURITY), str(_DETECTION)}):
        result = _result(found, when, check, _WORDS.get(verdict.strip().casefold(), verdict))
        finding = text_at(found, "finding_info", "uid") or text_at(found, "finding", "uid") or str(len(results))
        key = (check, result.account, finding, result.resource)
        before = results.get(key)
        if before is None or before.when is None or (when is not None and when >= before.when):
            results[key] = result
    elif listed:
        return
    elif kind in {str(_SECURITY), str(_DETECTION)}:
        leftovers.add("alert, which no signal rates by itself", check, count=1)
    elif kind == str(_VULNERABILITY):
        leftovers.add("vulnerability finding without a vulnerability", check, count=1)
    else:
        leftovers.add(f"event of class {kind[:20]}, which is not read", text_at(found, "class_name") or check, count=1)


def _result(found: dict[str, Any], when: datetime | None, check: str, verdict: str) -> _Result:
    resource = _resources(found)[0]
    accounts = (("cloud", "account", "uid"), ("cloud", "account_uid"), ("cloud", "project_uid"))
    return _Result(
        when,
        check,
        verdict,
        next((text for path in accounts if (text := text_at(found, *path))), ""),
        text_at(resource, "uid") or text_at(resource, "name"),
        (text_at(found, "status_detail") or text_at(found, "message"))[:300],
        text_at(resource, "group", "name"),
        text_at(found, "severity"),
        tuple(texts_at(found, "unmapped", "categories")),
    )


def _check(found: dict[str, Any]) -> str:
    """Name what was checked, as well as a finding tells."""
    places = (
        ("metadata", "event_code"), ("metadata", "product", "feature", "uid"), ("compliance", "control"),
        ("finding_info", "analytic", "uid"), ("finding_info", "title"), ("finding", "title"), ("finding_info", "uid"),
        ("finding", "uid"), ("message",),
    )  # fmt: skip
    return next((text for path in places if (text := text_at(found, *path))), "finding")[:200]


def _resources(found: dict[str, Any]) -> list[Any]:
    listed = found.get("resources")
    if isinstance(listed, list) and listed:
        return listed
    return [found.get("resource") or found.get("device")]


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
        self._joined = 0

    def take(
        self, found: dict[str, Any], listed: list[dict[str, Any]], when: datetime | None, leftovers: Leftovers
    ) -> None:
        """Take one finding in: what it lists is open on each of its resources."""
        cves: dict[str, None] = {}
        for one in listed:
            places = (("cve", "uid"), ("cve_uid",), ("uid",), ("title",))
            named = next((told for path in places if (told := cves_in(text_at(one, *path)))), [])
            if not named:
                leftovers.add("vulnerability without a CVE", text_at(one, "title") or "vulnerability", count=1)
            cves.update(dict.fromkeys(named))
            score = probability(at(one, "cve", "epss", "score"))
            for cve in named if score is not None else ():
                self.scores[cve] = max(score or 0.0, self.scores.get(cve, 0.0))
        resources = _resources(found)
        self._joined += len(resources) * max(1, len(cves))
        if self._joined > MAX_STATES:
            raise ReadingError(f"{self.name}: more than {MAX_STATES} vulnerabilities of resources: split it by account")
        for place in resources:
            self._take(found, place, cves, when)

    def _take(
        self,
        found: dict[str, Any],
        place: object,
        cves: Iterable[str],
        when: datetime | None,
    ) -> None:
        address = exposure.address_of(text_at(place, "ip") or text_at(found, "device", "ip"))
        key = (
            text_at(place, "uid") or text_at(place, "hostname") or text_at(place, "name") or str(address or "resource")
        )[:200]
        if key not in self.assets and len(self.assets) >= MAX_ASSETS:
            raise ReadingError(f"{self.name}: more than {MAX_ASSETS} resources: split it by account")
        software = _SOFTWARE.search(text_at(place, "type")) is not None
        self.assets.setdefault(key, Asset(key, address, checked=True, software=software))
        words = [text_at(found, key).casefold() for key in ("status_id", "status", "state_id", "state")]
        closed = any(one in _CLOSED for one in words) or text_at(found, "activity_id") == "3"
        for cve in cves:
            before = self._states.get((key, cve))
            if before is None or before[0] is None or (when is not None and when >= before[0]):
                self._states[key, cve] = (when, not closed)

    def closed(self, leftovers: Leftovers) -> Iterator[Asset]:
        """Assets with what is open on them."""
        for (key, cve), (_, is_open) in self._states.items():
            if is_open:
                self.assets[key].cves[cve] = None
            else:
                leftovers.add("vulnerability that is no more", cve)
        yield from self.assets.values()
