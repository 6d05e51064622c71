"""Trivy reports (JSON, of images, filesystems and clusters) as evidence: callers are the command line and apps.

An image or a repository is not a system: what is known to be exploited in it is reported, and rates nothing. A root
filesystem or a machine is a host, seen from inside; a filesystem without an operating system is a folder of sources.
Clusters are read in their old form (Vulnerabilities) and the newer one (Resources), single artifacts in schema 2 and
as the bare list that came before it. What a rule of the user ignores is open all the same; what a statement (VEX) says
does not affect is told, and rates nothing.
"""

from collections.abc import Iterator
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
from cyberscore.readers.vulnerabilities import Catalogue, cves_in

TOOL = "Trivy"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 100_000_000
"""A report larger than this is refused."""

_KINDS = {"filesystem": "hosts", "vm": "hosts", "rootfs": "hosts", "repository": "repositories"}
_NO_CHECK = {"config", "secret", "license", "license-file", "custom"}
_CLUSTER = ("Resources", "Vulnerabilities", "Findings")


def looks_like(head: Head) -> int:
    """Whether a file is a report by Trivy."""
    if head.form == "json array":
        return int("Target" in head.values and bool(head.keys & {"Type", "Vulnerabilities"}))
    single = head.has_keys("SchemaVersion", "ArtifactName") or head.has_keys("ArtifactName", "Results")
    cluster = "ClusterName" in head.keys and bool(head.keys & {*_CLUSTER, "Misconfigurations"})
    return 2 if single or cluster else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read a report of Trivy.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When Trivy ran; used only when the file does not tell (versions before 0.49).
    assets_total : int, optional
        How many assets of the kind there are in all.
    vantage : {"auto", "external", "internal"}
        With "external" a machine or root filesystem is internet-facing.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or not a report by Trivy.
    """
    name, leftovers = name_of(source), Leftovers()
    found = read_json(source, MAX_BYTES, arrays=True)
    kind = "images" if isinstance(found, list) else _kind(found, name)
    inventory = Inventory(name, leftovers, vantage, kind)
    assets: dict[str, Asset] = {}
    for label, about, results in _artifacts(found, name):
        failed = text_at(about, "Error")
        looked = not failed and (any(text_at(result, "Class") not in _NO_CHECK for result in results) or not results)
        asset = assets.get(label) or Asset(label, checked=looked, authenticated=looked)
        system = at(about, "Metadata", "OS")
        if at(system, "EOSL") is True:
            asset.end_of_life = f"{text_at(system, 'Family')} {text_at(system, 'Name')}".strip()
        for result in results:
            _take(result, asset, leftovers, name)
        if looked:
            assets[label] = asset
        else:
            leftovers.add("not looked at for vulnerabilities", label, count=1)
    for asset in assets.values():
        inventory.close(asset)
    made = loose_moment(text_at(found, "CreatedAt")) if isinstance(found, dict) else None
    # Which severities were asked for is not told, so nothing is claimed to be zero.
    return inventory.reading(
        TOOL,
        text_at(found, "Trivy", "Version") or None,
        date_of(made, observed_at, name, leftovers),
        complete=False,
        listed=True,
        catalogue=catalogue,
        scope={"artifact": text_at(found, "ArtifactName") or text_at(found, "ClusterName")},
        assets_total=assets_total,
    )


def _kind(found: dict[str, Any], name: str) -> str:
    """Tell a system from what is built into one: folders of source text are scanned as file systems too."""
    kind = _KINDS.get(text_at(found, "ArtifactType"), "images")
    if text_at(found, "ArtifactType") != "filesystem" or at(found, "Metadata", "OS"):
        return kind
    results = objects(found.get("Results"), f"{name}: Results")
    return kind if any(text_at(result, "Class").startswith("os-pkgs") for result in results) else "repositories"


def _artifacts(found: dict[str, Any] | list[Any], name: str) -> Iterator[tuple[str, object, list[dict[str, Any]]]]:
    """Label, the whole and the results of each artifact."""
    if isinstance(found, list):
        results = objects(found, f"{name}: the list")
        if not all("Target" in one for one in results):
            raise ReadingError(f"{name}: not a report by Trivy (an item without Target): give its JSON output")
        yield text_at(results[0], "Target") if results else "image", None, results
        return
    if "ClusterName" in found:
        for part in _CLUSTER:
            for one in objects(found.get(part), f"{name}: {part}"):
                label = "/".join(text_at(one, key) for key in ("Namespace", "Kind", "Name"))
                yield label, one, objects(one.get("Results"), f"{name}: {part}.Results")
        return
    if "ArtifactName" not in found and "Results" not in found:
        fields = ", ".join(list(found)[:8])[:120]
        raise ReadingError(f"{name}: not a report by Trivy (fields {fields}): give its JSON output")
    yield text_at(found, "ArtifactName"), found, objects(found.get("Results"), f"{name}: Results")


def _take(result: dict[str, Any], asset: Asset, leftovers: Leftovers, name: str) -> None:
    for one in objects(result.get("Vulnerabilities"), f"{name}: Vulnerabilities"):
        # Status "fixed" says that a newer version of the package is without it, not that this one is.
        _find(one, text_at(one, "Status").lower(), asset, leftovers)
    for part in ("Misconfigurations", "Secrets", "Licenses", "CustomResources"):
        rest = objects(result.get(part), f"{name}: {part}")
        leftovers.add(f"{part.lower()}, which no signal rates", text_at(result, "Target"), count=len(rest))
    for one in objects(result.get("ExperimentalModifiedFindings"), f"{name}: ExperimentalModifiedFindings"):
        status, found = text_at(one, "Status").lower(), one.get("Finding")
        if text_at(one, "Type").lower() not in {"", "vulnerability"} or not isinstance(found, dict):
            leftovers.add("finding of another kind that is set aside", text_at(result, "Target"), count=1)
        elif status in {"not_affected", "fixed"}:
            leftovers.add(
                "vulnerability that a statement says does not affect", text_at(found, "VulnerabilityID"), count=1
            )
        else:
            leftovers.add(
                "vulnerability that a rule of the user ignores: counts all the same",
                text_at(found, "VulnerabilityID"),
                count=1,
            )
            _find(found, "", asset, leftovers)


def _find(found: dict[str, Any], status: str, asset: Asset, leftovers: Leftovers) -> None:
    key = text_at(found, "VulnerabilityID")
    cves = cves_in(key)
    if not cves:
        leftovers.add("vulnerability without a CVE", key or "vulnerability", count=1)
    elif status == "not_affected":
        leftovers.add("vulnerability that does not affect, by its vendor", key, count=1)
    else:
        asset.cves.update(dict.fromkeys(cves))
