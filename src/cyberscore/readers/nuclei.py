"""Nuclei findings (JSON lines, or an array; field names of version 1 to 3) as evidence of the perimeter.

Nuclei writes down what matched alone: neither what it looked at nor what did not match, so zero is never claimed. A
template that matched is a verified finding; its CVEs are open. Templates tagged "panel" show where one signs in.
Callers are the command line and apps.
"""

import re
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_objects
from cyberscore.readers.fields import at, text_at, texts_at
from cyberscore.readers.findings import Asset, Inventory, past_end_of_life
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.tables import port_of
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

TOOL = "Nuclei"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 200_000_000
"""A file larger than this is refused."""

_IDS = ("template-id", "templateID", "template_id", "template")
_PLACE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(\[[0-9a-fA-F:.]+\]|[^\s/:?#]+)(?::(\d{1,5}))?", re.IGNORECASE)


def looks_like(head: Head) -> int:
    """Whether a file holds findings of Nuclei."""
    flat = head.has_keys("template", "matched", "name", "severity")
    return 2 if flat or (head.keys & set(_IDS) and head.has_keys("info", "info.name")) else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read findings of Nuclei.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When Nuclei ran; used only when the file does not tell.
    assets_total : int, optional
        How many internet-facing hosts there are in all.
    vantage : {"auto", "external", "internal"}
        Where Nuclei ran, see `exposure.Vantage`; with "external" names without an address count as well.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or not findings of Nuclei.
    """
    name, leftovers = name_of(source), Leftovers()
    inventory = Inventory(name, leftovers, vantage)
    assets: dict[str, Asset] = {}
    newest: datetime | None = None
    for number, one in enumerate(read_objects(source, MAX_BYTES), 1):
        found = one
        template = next((text for one in _IDS if (text := text_at(found, one))), "")
        if "info" not in found and "matched" in found and "severity" in found:
            found = {**found, "info": found}  # before 2.3 a template's own fields stood beside the others
        if not template or not isinstance(found.get("info"), dict):
            raise ReadingError(
                f"{name}, item {number}: not a finding of Nuclei (no template-id or info): give its -jsonl"
            )
        when = loose_moment(text_at(found, "timestamp")[:60]) or loose_moment(text_at(found, "timestamp")[:19])
        newest = when if when is not None and (newest is None or when > newest) else newest
        if found.get("matcher-status", found.get("matcher_status", True)) is False:
            leftovers.add("template that did not match", template, count=1)
            continue
        _take(found, template, assets, inventory, leftovers)
    for asset in assets.values():
        inventory.close(asset)
    return inventory.reading(
        TOOL,
        None,
        date_of(newest, observed_at, name, leftovers),
        complete=False,
        listed=False,
        catalogue=catalogue,
        assets_total=assets_total,
    )


def _take(
    found: dict[str, Any], template: str, assets: dict[str, Asset], inventory: Inventory, leftovers: Leftovers
) -> None:
    matched = next((text for one in ("matched-at", "matched", "host", "url") if (text := text_at(found, one))), "")
    place = _PLACE.match(matched)
    host = place[2].strip("[]") if place else text_at(found, "ip")
    address = exposure.address_of(text_at(found, "ip")) or exposure.address_of(host)
    if not host and address is None:
        leftovers.add("finding without a host", template, count=1)
        return
    if "honeypot" in texts_at(found, "info", "tags"):
        leftovers.add("honeypot, which is a trap and no service", template, count=1)
        return
    asset = assets.setdefault(str(address or host.lower()), Asset(host, address))
    asset.names |= {name.lower() for name in (host, text_at(found, "host")) if name and "/" not in name}
    scheme, kind = (place[1] or "").lower() if place else "", text_at(found, "type").lower()
    number = port_of((place[3] if place else None) or text_at(found, "port")) or _port_of_scheme(scheme)
    if number is not None and kind != "dns":
        service = "http" if scheme in {"http", "https"} or kind in {"http", "headless"} else ""
        asset.ports.setdefault(("tcp", number), exposure.Port("tcp", number, "open", service))
    info, tags = found["info"], {tag.lower() for tag in texts_at(found, "info", "tags")}
    cves = list(dict.fromkeys(cve for text in texts_at(info, "classification", "cve-id") for cve in cves_in(text)))
    cves = cves or cves_in(template)
    title = text_at(info, "name")
    asset.cves.update(dict.fromkeys(cves))
    score = probability(at(info, "classification", "epss-score"))
    if score is not None and len(cves) == 1:
        inventory.scores[cves[0]] = score
    if "panel" in tags:
        asset.panels.append(f"{template} {_page(matched)}".rstrip())
    elif past_end_of_life(title):
        asset.end_of_life = asset.end_of_life or title
    elif not cves:
        severity = text_at(info, "severity").lower() or "unknown"
        leftovers.add(f"finding without a CVE, which no signal rates ({severity[:20]})", template, count=1)


def _port_of_scheme(scheme: str) -> int | None:
    return {"http": 80, "https": 443}.get(scheme)


def _page(matched: str) -> str:
    """Return a URL's path: one page over http and https, or by two names, is one; a query may hold secrets."""
    try:
        return urlsplit(matched).path.rstrip("/")[:300] if "://" in matched else ""
    except ValueError:
        return ""
