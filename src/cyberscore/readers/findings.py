"""What a vulnerability scan found, asset by asset, and which signals follow: callers are the readers of such scans.

Which claims are made:

- `kev_open_external`: open known-exploited vulnerabilities, each on each internet-facing asset.
- `epss_any_30d`: 1 - prod(1 - p) over the different CVEs open on internet-facing assets, p the probability that a
  CVE is exploited somewhere in the next 30 days (EPSS), from the file or the catalogue, whichever is higher. A CVE
  without a score may have any: the product over the scored ones is claimed where that alone is adverse, and the
  product with `UNSCORED` for the others where even that is favourable; else nothing.
- `end_of_life_share`: assets with a system or software past its end of life, of the assets that were checked.
- `critical_patch_median_days`, `patch_14d_rate`: see `patching`.
- what open ports expose, see `exposure`.

*Nothing seen is not clean*: zero is claimed only when the scan ran to its end and looked for all vulnerabilities,
every internet-facing asset that answered had its checks, and the catalogue is not much older than the scan. Container
images and internal hosts are never internet-facing: what is known to be exploited on them is reported, and rates
nothing. What the owner of a system accepted, ignored or rated lower since is open as the scanner found it.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.profile.evidence import SourceName
from cyberscore.profile.signals import signal
from cyberscore.readers import exposure
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading
from cyberscore.readers.patching import Patching
from cyberscore.readers.vulnerabilities import Catalogue

SOFTWARE = {"images", "repositories"}
"""Kinds of assets that are not systems: nothing of them is internet-facing by itself."""
MAX_ASSETS = 1_000_000
"""A scan of more assets than this is refused."""
MAX_OPEN = 5_000_000
"""More open vulnerabilities than this, asset by asset, are refused: a glossary may list many for each finding."""
UNSCORED = 0.06
"""What a CVE without a score counts at most: the share of published CVEs that were ever exploited (C124)."""
STALE_DAYS = 180
"""A catalogue older than the scan by more than this does not show that nothing is exploited: judgement."""


@dataclass(slots=True)
class Asset:
    """One host or image while it is read.

    Parameters
    ----------
    name : str
        Address, host name or image.
    address : address, optional
    answered : bool
        Whether it was there to be looked at.
    checked : bool
        Whether vulnerability checks ran on it to their end.
    authenticated : bool
        Whether the scanner, or an agent, looked from inside.
    cves : mapping
        Open vulnerabilities.
    ports : mapping
        Open ports.
    scanned : bool
        Whether all ports that matter were scanned, so that those not listed are not open.
    end_of_life : str
        System or software past its end of life, if any.
    panels : list of str
        Pages where one signs in.
    names : set of str
        What it is called, besides `name`.
    failed : bool
        Whether something shows that its checks were disturbed, or a finding is disputed: no absence is claimed of it.
    inside : bool
        Whether an agent looked, which sees no port as others see it.
    software : bool
        Whether it is an image, a function or a package among hosts: nothing of it is internet-facing by itself.
    """

    name: str
    address: exposure.Address | None = None
    answered: bool = True
    checked: bool = False
    authenticated: bool = False
    scanned: bool = False
    end_of_life: str = ""
    cves: dict[str, None] = field(default_factory=dict)
    ports: dict[tuple[str, int], exposure.Port] = field(default_factory=dict)
    panels: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    failed: bool = False
    inside: bool = False
    software: bool = False

    def reach(self, host: str) -> None:
        """Take another of its addresses, where that is reachable from the internet and the one it has is not."""
        address = exposure.address_of(host)
        if address is None or (self.address is not None and exposure.routable(self.address)):
            return
        if self.address is None or exposure.routable(address):
            self.name, self.address, self.names = host, address, self.names | {self.name}

    @property
    def label(self) -> str:
        """What references call it."""
        return (str(self.address) if self.address is not None else self.name)[:200]


class Inventory:
    """Assets of a scan, closed one by one, of which only what rates is kept."""

    def __init__(
        self, name: str, leftovers: Leftovers, vantage: exposure.Vantage = "auto", kind: str = "hosts"
    ) -> None:
        exposure.check_vantage(vantage)
        self.name, self.leftovers, self.vantage, self.kind = name, leftovers, vantage, kind
        self.perimeter = exposure.Perimeter(leftovers)
        self.patching = Patching()
        self.source: SourceName = "scan"
        """Who says so: a scan, or telemetry where agents look from inside."""
        self.scores: dict[str, float] = {}
        """EPSS by CVE, as the file gives it."""
        self.counts = dict.fromkeys(("seen", "silent", "perimeter", "internal", "checked", "authenticated"), 0)
        self.open_outside: dict[str, dict[str, None]] = {}
        self.open_inside: dict[str, int] = {}
        self.open_software: dict[str, int] = {}
        self.end_of_life: dict[str, str] = {}
        self.unchecked_outside = 0
        self.unscanned_outside = 0
        self.full = True
        """Whether all vulnerabilities were looked for and are told, as far as they were found."""
        self._joined = 0

    def narrow(self, why: str, *what: str) -> None:
        """Note that not all vulnerabilities were looked for, or that some which were found are left out."""
        self.full = False
        self.leftovers.add(f"{why}: no absence of vulnerabilities is claimed", *what)

    def join(self, asset: Asset, cves: Collection[str]) -> None:
        """Note the CVEs that a glossary lists for a finding as open on an asset.

        Raises
        ------
        ReadingError
            When findings and their CVEs are too many together.
        """
        self._joined += len(cves)
        if self._joined > MAX_OPEN:
            raise ReadingError(f"{self.name}: more than {MAX_OPEN} open vulnerabilities: split the scan by network")
        asset.cves.update(dict.fromkeys(cves))

    def close(self, asset: Asset) -> None:
        """Keep what rates of an asset that is complete.

        Raises
        ------
        ReadingError
            When there are too many.
        """
        if sum(self.counts[one] for one in ("seen", "silent")) >= MAX_ASSETS:
            raise ReadingError(f"{self.name}: more than {MAX_ASSETS} {self.kind}: split the scan by network")
        if not asset.answered:
            self.counts["silent"] += 1
            return
        if asset.failed:
            asset.checked = asset.scanned = False
        if asset.inside:
            asset.ports.clear()
            asset.scanned = False
        software = asset.software or self.kind in SOFTWARE
        outside = not software and exposure.in_perimeter(asset.address, self.vantage, asset.name)
        self.counts["seen"] += 1
        self.counts["perimeter" if outside else "internal"] += 1
        self.counts["checked"] += asset.checked
        self.counts["authenticated"] += asset.authenticated
        if asset.end_of_life:
            self.end_of_life[asset.label] = asset.end_of_life[:200]
        if outside:
            self._expose(asset)
        else:
            within = self.open_software if software else self.open_inside
            for cve in asset.cves:
                within[cve] = within.get(cve, 0) + 1

    def _expose(self, asset: Asset) -> None:
        told = self.perimeter.add(asset.label, asset.ports.values(), (asset.name, *asset.names))
        self.unchecked_outside += not (asset.checked and told)
        self.unscanned_outside += not (asset.scanned and told)
        for panel in asset.panels:
            self.perimeter.panel(asset.label, panel[:200])
        if asset.cves:
            self.open_outside.setdefault(asset.label, {}).update(asset.cves)

    def reading(
        self,
        tool: str,
        version: str | None,
        when: datetime,
        *,
        complete: bool,
        listed: bool,
        catalogue: Catalogue | None = None,
        scope: Mapping[str, Any] | None = None,
        assets_total: int | None = None,
    ) -> Reading:
        """Make the reading of all closed assets.

        Parameters
        ----------
        tool, version, when, assets_total
            As in `Reading.of`.
        complete : bool
            The scan ran to its end and the file holds all of what it found.
        listed : bool
            The file lists every asset that answered, also those without a finding.
        catalogue : Catalogue, optional
            Default the packaged snapshot.
        scope : mapping, optional
            What the tool says of its scan.
        """
        known = catalogue if catalogue is not None else Catalogue.load()
        fresh = (when.date() - known.kev_date).days <= STALE_DAYS
        whole = complete and listed and self.full and not self.unchecked_outside
        claims: list[Claim] = []
        if self.perimeter.hosts:
            claims += self._exploited(known, zero=whole and fresh)
            claims += self._likely(known, zero=whole)
        claims += self._past_end_of_life(assets_total, zero=complete and listed and self.full, listed=listed)
        claims += self.patching.claims(when, self.leftovers)
        if self.kind not in SOFTWARE:
            claims += self.perimeter.claims(whole=complete and listed and not self.unscanned_outside, counted=listed)
        self._report_inside(known)
        return Reading.of(
            tool,
            version,
            when,
            claims,
            assets=Assets(self.kind, self.counts["seen"]),
            scope={
                **self._scope(),
                "complete": complete,
                "kev_date": known.kev_date.isoformat(),
                "epss_date": known.epss_date.isoformat(),
                **(scope or {}),
            },
            leftovers=self.leftovers,
            assets_total=assets_total,
        )

    def ports_reading(
        self, tool: str, version: str | None, when: datetime, *, assets_total: int | None = None
    ) -> Reading:
        """Make the reading of a scan that lists open ports alone."""
        return Reading.of(
            tool,
            version,
            when,
            self.perimeter.claims(whole=False, counted=False),
            assets=Assets(self.kind, self.counts["seen"]),
            scope={**self._scope(), "complete": False},
            leftovers=self.leftovers,
            assets_total=assets_total,
        )

    def _scope(self) -> dict[str, Any]:
        return {**{f"{self.kind}_{key}": number for key, number in self.counts.items()}, "vantage": self.vantage}

    def _exploited(self, known: Catalogue, *, zero: bool) -> list[Claim]:
        same = self.perimeter.same()
        found = (
            f"{cve} on {same[host]}"
            for host, cves in self.open_outside.items()
            for cve in sorted(known.exploited(cves))
        )
        pairs = list(dict.fromkeys(found))
        if pairs:
            return [Claim("kev_open_external", len(pairs), self.source, "; ".join(pairs))]
        if zero:
            text = f"none known to be exploited on {len(self.perimeter.hosts)} that answered"
            return [Claim("kev_open_external", 0, self.source, text)]
        self.leftovers.add("none seen, but zero is not claimed", "kev_open_external")
        return []

    def _likely(self, known: Catalogue, *, zero: bool) -> list[Claim]:
        about, name = signal("epss_any_30d"), "epss_any_30d"
        cves = sorted({cve for ones in self.open_outside.values() for cve in ones})
        scores = {
            cve: max(self.scores.get(cve, 0.0), known.epss.get(cve, 0.0))
            for cve in cves
            if cve in self.scores or cve in known.epss
        }
        unscored = [cve for cve in cves if cve not in scores]
        none_exploited = math.prod(1 - score for score in scores.values())
        low = round(1 - none_exploited, 6)
        high = round(1 - none_exploited * (1 - UNSCORED) ** len(unscored), 6)
        likeliest = sorted(scores, key=lambda cve: (-scores[cve], cve))[:20]
        text = f"{len(scores)} of {len(cves)} CVEs scored: " + "; ".join(
            f"{one} {scores[one]:.4f}" for one in likeliest
        )
        if about.code(low) > about.unknown:
            return [Claim(name, low, self.source, ("at least: " if unscored or not zero else "") + text)]
        if zero and about.code(high) <= about.unknown:
            return [Claim(name, high, self.source, ("at most: " if unscored else "") + text)]
        if unscored:
            self.leftovers.add("open CVE without an EPSS score: give FIRST's file of all scores", *unscored)
        self.leftovers.add("not known to be small: not claimed", name)
        return []

    def _past_end_of_life(self, total: int | None, *, zero: bool, listed: bool) -> list[Claim]:
        name, seen, found = "end_of_life_share", self.counts["seen"], self.end_of_life
        about, why = signal(name), ""
        text = f"{len(found)} of {seen}: " + "; ".join(f"{host} {what}" for host, what in found.items())
        if self.kind in SOFTWARE:
            why = f"past its end of life, but {self.kind} are not systems"
        elif not found:
            if zero and seen and self.counts["authenticated"] == self.counts["checked"] == seen:
                return [Claim(name, 0.0, self.source, f"none on {seen}, all looked at from inside")]
            self.leftovers.add("none seen, but zero is not claimed", name)
        elif not listed and not total:
            why = "past its end of life, but of how many is not told: give assets_total"
        else:
            share, least = round(len(found) / seen, 6), round(len(found) / max(total or seen, seen), 6)
            if listed and (about.code(share) <= about.unknown or least == share):
                return [Claim(name, share, self.source, text)]
            if about.code(least) > about.unknown:
                return [Claim(name, least, self.source, f"at least, of {total}: {text}")]
            why = "past its end of life on too few of all assets to tell a share"
        self.leftovers.add(why, *found.values())
        return []

    def _report_inside(self, known: Catalogue) -> None:
        software = self.kind if self.kind in SOFTWARE else "images, functions or packages"
        for where, cves in (("internal hosts", self.open_inside), (software, self.open_software)):
            exploited = known.exploited(cves)
            self.leftovers.add(
                f"known to be exploited on {where}: only internet-facing assets rate",
                *exploited,
                count=sum(cves[one] for one in exploited),
            )
        others = [one for one in {**self.open_inside, **self.open_software} if one not in known.kev]
        self.leftovers.add("other CVE on an asset that is not internet-facing", *others)


_PAST = re.compile(r"\bunsupported\b|\bend[- ]of[- ](?:life|support)\b|\bS?EOL\b|\bobsolete\b", re.IGNORECASE)
_NOT_A_SYSTEM = re.compile(
    r"\b(?:protocols?|ciphers?|algorithms?|certificates?|headers?|encryption|key exchange|mac|dns|mime|html|tags?)\b",
    re.IGNORECASE,
)


def past_end_of_life(title: str) -> bool:
    """Whether a finding's title says that a system or software is past its end of life."""
    return _PAST.search(title) is not None and _NOT_A_SYSTEM.search(title) is None
