"""TLS configuration as one score of hygiene, whoever looked: callers are the readers of testssl.sh, sslyze, SSL Labs.

A server loses points for what is wrong with it (`tls_faults.toml`), and scores at most what its letter allows where
a tool gives one. A host of several addresses or ports counts with its worst, and of the hosts *the worst counts*, as
the worst mail domain does: the score is a sign of diligence, and the one forgotten server is where it shows. An
expired, untrusted or mismatched certificate alone is worse than unknown.

A favourable score is claimed only when protocols, cipher suites and the certificate were all looked at; an adverse
one always, since whatever was not looked at could only lower it.

Only servers of the perimeter count, told by name and address as those of scans are (`exposure`). A server that was
asked for by a bare address cannot show a certificate of that name: a mismatch costs it nothing.
"""

import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal
from cyberscore.readers import exposure
from cyberscore.readers.base import Assets, Claim, Leftovers

MAX_SERVERS = 100_000
"""More servers in one file than this are refused."""
PARTS = ("protocols", "cipher suites", "certificate")
"""What must have been looked at before a favourable score is claimed."""
EXPIRES_SOON_DAYS = 14
"""A certificate with fewer days left is about to expire: half of what automatic renewal leaves (judgement)."""
GRADES = {"A+": 100, "A": 100, "A-": 89, "B": 79, "C": 59, "D": 49, "E": 34, "F": 19, "T": 35, "M": 35}
"""The most that a server of a letter of SSL Labs scores: just below the next better letter, in round figures."""

_NAME_MISMATCH = "M"

_AEAD = re.compile(r"GCM|CCM|CHACHA20|POLY1305", re.IGNORECASE)
_EPHEMERAL = re.compile(r"^(?:TLS_)?(?:ECDHE|DHE|EDH|AES_|CHACHA20)|TLS_AES|TLS_CHACHA", re.IGNORECASE)
_SUITE_FAULTS = (
    ("no_encryption", re.compile(r"NULL|anon|^A(?:EC)?DH|_ADH", re.IGNORECASE)),
    ("export_cipher", re.compile(r"EXP", re.IGNORECASE)),
    ("rc4", re.compile(r"RC4", re.IGNORECASE)),
    ("triple_des", re.compile(r"3DES|DES[-_]CBC3|IDEA", re.IGNORECASE)),
    ("weak_cipher", re.compile(r"(?<![3A-Z])DES_?(?:40|64|192)?[-_]CBC(?!3)|RC2|_DES_CBC_", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What one fault costs."""

    points: float
    what: str


@cache
def faults() -> dict[str, Fault]:
    """All faults by name, as packaged."""
    text = resources.files("cyberscore.readers").joinpath("tls_faults.toml").read_text(encoding="utf-8")
    found = {name: Fault(float(one["points"]), str(one["what"])) for name, one in tomllib.loads(text).items()}
    if not all(0 < one.points <= 100 for one in found.values()):
        raise ReadingError("tls_faults.toml: points must lie above 0 and at most at 100: mend the file")
    return found


@dataclass(slots=True)
class Server:
    """One address and port while a file is read.

    Parameters
    ----------
    host : str
        Name or address by which servers of one host are grouped.
    place : str
        What references call it.
    faults : mapping
        Names of faults that were found.
    parts : set of str
        Which of `PARTS` were looked at.
    grade : str
        Letter of SSL Labs' rating guide, if the tool gives one.
    """

    host: str
    place: str
    faults: dict[str, None] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)
    grade: str = ""
    address: str = ""

    @property
    def bare(self) -> bool:
        """Whether it was asked for by an address, without a name."""
        return exposure.address_of(self.host.strip("[]")) is not None

    def blame(self, name: str, found: object) -> None:
        """Note a fault if it was found."""
        if found is True and not (name == "mismatch" and self.bare):
            self.faults[name] = None

    def rate(self, letter: str) -> None:
        """Note the letter that a tool gives, if it is one of those that bound the score."""
        if letter in GRADES and not (letter == _NAME_MISMATCH and self.bare):
            self.grade = letter

    def offer(self, versions: Iterable[str], asked: Collection[str] = ("tls13",)) -> None:
        """Note which protocols are offered, of ssl2, ssl3, tls10, tls11, tls12 and tls13.

        All were looked at, but TLS 1.3 only if it is among those `asked` for: older tools do not know it.
        """
        offered = set(versions)
        self.parts.add("protocols")
        for name in ("ssl2", "ssl3", "tls10", "tls11"):
            self.blame(name, name in offered)
        self.blame("no_tls13", "tls13" in asked and "tls13" not in offered)
        self.blame("no_modern_protocol", not offered & {"tls12", "tls13"})

    def accept(self, suites: Iterable[str]) -> None:
        """Note which cipher suites are accepted, by their IANA or OpenSSL names; all were looked at."""
        names = [one[:200] for one in suites]
        if not names:
            return
        self.parts.add("cipher suites")
        for fault, pattern in _SUITE_FAULTS:
            self.blame(fault, any(pattern.search(one) for one in names))
        self.blame("no_aead", not any(_AEAD.search(one) for one in names))
        self.blame("no_forward_secrecy", not any(_EPHEMERAL.search(one) for one in names))

    @property
    def score(self) -> float:
        """Points of 100 that are left."""
        left = max(0.0, 100.0 - sum(faults()[name].points for name in self.faults))
        return min(left, GRADES.get(self.grade, 100))

    @property
    def whole(self) -> bool:
        """Whether all parts were looked at."""
        return self.parts.issuperset(PARTS)

    @property
    def text(self) -> str:
        """Score and reasons in words."""
        reasons = [faults()[name].what for name in sorted(self.faults, key=lambda one: -faults()[one].points)]
        grade = f", grade {self.grade}" if self.grade else ""
        return f"{self.place} scores {self.score:g} of 100{grade}: {'; '.join(reasons) or 'nothing is wrong'}"


def claims(
    servers: list[Server], leftovers: Leftovers, vantage: exposure.Vantage = "auto"
) -> tuple[list[Claim], Assets | None]:
    """Return the claim of `tls_dns_hygiene` that servers support, if any, and how many hosts of the edge were seen."""
    outside = []
    for server in servers:
        if exposure.is_outside(server.host, server.address, vantage):
            outside.append(server)
        else:
            leftovers.add("internal server: not publicly routable, or not seen from outside", server.place)
    if not outside:
        leftovers.add("no server of the perimeter was assessed: nothing is claimed", "tls_dns_hygiene")
        return [], None
    assets = Assets("hosts", len({one.host for one in outside}))
    about = signal("tls_dns_hygiene")
    worst = min(outside, key=lambda one: (one.score, one.place))
    partial = [one for one in outside if not one.whole]
    if partial and about.code(worst.score) <= about.unknown:
        lacking = sorted({part for one in partial for part in PARTS if part not in one.parts})
        leftovers.add(
            f"not looked at: {', '.join(lacking)}: the score could be lower, and is not claimed",
            *(one.place for one in partial),
        )
        return [], assets
    others = f"worst of {assets.seen} hosts: " if assets.seen > 1 else ""
    most = "at most: " if not worst.whole else ""
    return [Claim("tls_dns_hygiene", worst.score, "scan", f"{most}{others}{worst.text}")], assets
