"""Grype reports (JSON) of images, directories and packages as evidence: callers are the command line and apps.

An image is not a system: what is known to be exploited in it is reported, and rates nothing. A directory is a host's
only when it is the root, or holds an operating system, and the caller says that it is internet-facing
(`vantage="external"`). Grype's own EPSS scores are used. What a
rule of the user ignores is open all the same; what a statement (VEX) says does not affect is told, and rates nothing,
and so are matches that Grype itself sets aside.
"""

from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.findings import Asset, Inventory
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "Grype"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 100_000_000
"""A report larger than this is refused."""


def looks_like(head: Head) -> int:
    """Whether a file is a report by Grype."""
    if head.values.get("descriptor.name") == "grype":
        return 2
    return 2 if head.has_keys("matches", "matches.vulnerability") or head.has_keys("matches", "descriptor") else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a report of Grype.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When Grype ran; used only when the file does not tell (older versions).
    assets_total : int, optional
        How many assets of the kind there are in all.
    vantage : {"auto", "external", "internal"}
        With "external" a directory is that of an internet-facing host.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or not a report by Grype.
    """
    name, leftovers = name_of(source), Leftovers()
    found = read_json(source, MAX_BYTES)
    if "matches" not in found:
        raise ReadingError(
            f"{name}: not a report by Grype (fields {', '.join(list(found)[:8])[:120]}): make one with grype -o json"
        )
    target = at(found, "source", "target")
    if text_at(found, "source", "type") != "directory":
        kind = "images"
    else:  # the root of a system, or a folder of sources
        kind = "hosts" if target == "/" or text_at(found, "distro", "name") else "repositories"
    inventory = Inventory(name, leftovers, vantage, kind)
    label = target if isinstance(target, str) else text_at(target, "userInput") or text_at(target, "imageID")
    asset = Asset(label or "image", checked=True, authenticated=True)
    for match in objects(found.get("matches"), f"{name}: matches"):
        _take(match, asset, inventory, leftovers, name)
    for match in objects(found.get("ignoredMatches"), f"{name}: ignoredMatches"):
        key = text_at(match, "vulnerability", "id")
        if _by_user(match, name):
            leftovers.add("match that a rule of the user ignores: counts all the same", key, count=1)
            _take(match, asset, inventory, leftovers, name)
        else:
            leftovers.add("match that a statement or Grype itself says does not affect", key, count=1)
    inventory.close(asset)
    made = loose_moment(text_at(found, "descriptor", "timestamp")[:60])
    # Which severities were kept is not told, so nothing is claimed to be zero.
    return inventory.reading(
        TOOL,
        text_at(found, "descriptor", "version") or None,
        date_of(made, observed_at, name, leftovers),
        complete=False,
        listed=True,
        catalogue=catalogue,
        scope={"artifact": label[:200], "distribution": text_at(found, "distro", "name")},
        assets_total=assets_total,
    )


def _by_user(match: dict[str, Any], name: str) -> bool:
    """Whether a rule of the user hides a match: not a statement (VEX), nor one of the rules that Grype brings along.

    Grype's own set aside what it matched by the source of a package alone: headers of the kernel are not the kernel.
    """
    rules = objects(match.get("appliedIgnoreRules"), f"{name}: appliedIgnoreRules")

    def set_aside(rule: dict[str, Any]) -> bool:
        stated = text_at(rule, "vex-status") or text_at(rule, "namespace") == "vex"
        return bool(stated) or text_at(rule, "match-type") == "exact-indirect-match"

    return not any(set_aside(rule) for rule in rules)


def _take(match: dict[str, Any], asset: Asset, inventory: Inventory, leftovers: Leftovers, name: str) -> None:
    about = match.get("vulnerability")
    related = objects(match.get("relatedVulnerabilities"), f"{name}: relatedVulnerabilities")
    cves = cves_in(text_at(about, "id"))
    if not cves:  # an advisory (GHSA, ALAS) whose CVEs stand beside it
        cves = list(dict.fromkeys(cve for one in related for cve in cves_in(text_at(one, "id"))))
    if not cves:
        leftovers.add("vulnerability without a CVE", text_at(about, "id") or "match", count=1)
    asset.cves.update(dict.fromkeys(cves))
    for one in (about, *related):
        scores = at(one, "epss")
        for score in scores if isinstance(scores, list) else ():
            value = probability(at(score, "epss"))
            for cve in cves_in(text_at(score, "cve")) if value is not None else ():
                inventory.scores[cve] = value or 0.0
