"""What single checks of clouds and tenants prove of ports, MFA and mail records: the caller is `benchmark`.

- `exposed_rdp`, `risky_services`: a firewall rule that lets the internet in is one at least; machines that a check
  names with a public address are as many. That no check fails proves no zero: one cloud is not the whole perimeter.
- `mfa_email_coverage`, `mfa_admin_coverage`: where no policy enforces MFA for all, how many it covers is not told, and
  Prowler overlooks policies that ask for an authentication strength. That is bad news of unknown size: the mildest
  adverse share, with a document's weight. A policy that passes may exclude anyone, and proves nothing. Users one by one
  are only *capable* of MFA: see `graph_registration` for what that proves.
- `legacy_auth_enabled`: no policy blocks it, unless security defaults do, or Exchange turns off what is left of it
  (SMTP AUTH).
- `dmarc_policy`: a domain for which no record was found. A check of DKIM alone leaves the level open.

Which checks there are is in `cloud_checks.toml`. What a user may write (names of rules, policies and users) decides
nothing.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from cyberscore.exceptions import ReadingError
from cyberscore.profile.evidence import SourceName
from cyberscore.profile.signals import signal
from cyberscore.readers import mail_records
from cyberscore.readers.base import Claim, Leftovers
from cyberscore.readers.bounds import mildest_adverse

MAX_PLACES = 100_000
"""More failures of one kind than this are not told apart."""

_LEGACY = "entra_legacy_authentication_blocked"
_LEGACY_OFF = {"exchange_transport_config_smtp_auth_disabled", "entra_security_defaults_enabled"}
_CAPABLE = {
    "entra_users_mfa_capable": "mfa_email_coverage",
    "entra_privileged_user_has_mfa": "mfa_admin_coverage",
}
_DKIM = {"defender_domain_dkim_enabled"}
_DMARC = re.compile(r"defender_domain_dmarc_records_published|zones?_(record_)?dmarc_(record_)?exists")
_NO_RECORD = re.compile(r"No DMARC record (?:was )?found\b")
# A name of a group or an instance stands before these words, and only its id in brackets directly before them.
_NOT_ASKED = re.compile(r"\) has all ports open to the Internet and therefore was not checked")
_NOT_REACHED = re.compile(r"with no public ip address|but in private subnet", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ports:
    """Checks of one kind of port: which signal counts it, and which ids check rules and hosts."""

    signal: str
    what: str
    rules: re.Pattern[str]
    hosts: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """Checks whether a policy covers everybody, what a failure says, and which checks gainsay it by passing."""

    signal: str
    what: str
    checks: frozenset[str]
    unless: frozenset[str]


@cache
def checks() -> tuple[dict[str, Ports], tuple[Policy, ...]]:
    """Return kinds of ports by name, and policies, as packaged.

    Raises
    ------
    ReadingError
        When a pattern or a signal of the packaged file is wrong.
    """
    text = resources.files("cyberscore.readers").joinpath("cloud_checks.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    try:
        ports = {
            kind: Ports(signal(one["signal"]).name, one["what"], _any_of(one["rules"]), _any_of(one["hosts"]))
            for kind, one in content["ports"].items()
        }
        policies = tuple(
            Policy(signal(name).name, one["what"], frozenset(one["checks"]), frozenset(one["unless"]))
            for name, one in content["policies"].items()
        )
    except (re.error, KeyError) as error:
        raise ReadingError(f"cloud_checks.toml: {error}: mend the file") from error
    return ports, policies


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns) or r"(?!)")


@dataclass(slots=True)
class _Reach:
    """Where the internet may reach a kind of port."""

    rules: dict[str, set[str]] = field(default_factory=dict)
    """Rules that let it in, by account."""
    machines: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    """Accounts whose machines were looked at one by one."""


class CloudChecks:
    """Results of single checks while a file is read."""

    def __init__(self, leftovers: Leftovers) -> None:
        self.leftovers = leftovers
        self._reach: dict[str, _Reach] = {}
        self._verdicts: dict[str, bool] = {}
        self._capable: dict[str, dict[str, bool]] = {}
        self._bare_domains: set[str] = set()

    def take(self, check: str, account: str, resource: str, text: str, *, passed: bool) -> None:
        """Take one result in; of a check with several results the worst counts."""
        ports, policies = checks()
        for kind, one in ports.items():
            if one.rules.fullmatch(check) and (not passed or _NOT_ASKED.search(text)):
                self._open(kind).rules.setdefault(account, set()).add(resource[:200])
            elif one.hosts.fullmatch(check):
                self._host(kind, check, account, resource, text, passed=passed)
        if check in {_LEGACY, *_LEGACY_OFF} or any(check in one.checks | one.unless for one in policies):
            self._verdicts[check] = passed and self._verdicts.get(check, True)
        if check in _CAPABLE:
            users = self._capable.setdefault(_CAPABLE[check], {})
            user = f"{account} {resource}"
            if user in users or len(users) < MAX_PLACES:
                users[user] = passed and users.get(user, True)
        if check in _DKIM and not passed:
            self.leftovers.add("DKIM is not set up: without SPF known, the level is not", resource or check)
        domain = mail_records.tidy(resource)
        if _DMARC.fullmatch(check) and not passed and (not domain or mail_records.is_own(domain)):
            if _NO_RECORD.match(text):
                self._bare_domains.add(domain or "a domain")
            else:
                self.leftovers.add("DMARC record that the check does not tell", domain or check)

    def _open(self, kind: str) -> _Reach:
        return self._reach.setdefault(kind, _Reach())

    def _host(self, kind: str, check: str, account: str, resource: str, text: str, *, passed: bool) -> None:
        reach = self._open(kind)
        if passed or _NOT_REACHED.search(text):
            reach.settled.add(account)
            if not passed:
                self.leftovers.add("port open to the internet on a machine that it does not reach", check)
        elif len(reach.machines) < MAX_PLACES:
            reach.machines.add(f"{account} {resource} {check}"[:300])

    def claims(self) -> Iterator[Claim]:
        """Return what the results prove."""
        yield from self._ports()
        yield from self._mfa()
        if self._verdicts.get(_LEGACY) is False:
            if any(self._verdicts.get(check) for check in _LEGACY_OFF):
                self.leftovers.add("no policy blocks legacy authentication, but other settings do", _LEGACY)
            else:
                text = f"{_LEGACY} fails: no policy blocks legacy authentication"
                yield Claim("legacy_auth_enabled", 1, "telemetry", text)
        if self._bare_domains:
            yield Claim("dmarc_policy", "none", "scan", f"no record: {', '.join(sorted(self._bare_domains)[:20])}")

    def _ports(self) -> Iterator[Claim]:
        counts: dict[str, int] = {}
        told: dict[str, list[str]] = {}
        # Where every machine was looked at and the internet reaches none, a rule opens RDP to nothing. Databases and
        # the like run elsewhere than on machines too.
        desktops = self._open("rdp")
        unreached = set() if desktops.machines else desktops.settled
        for kind, one in checks()[0].items():
            reach = self._open(kind)
            closed = unreached if one.signal == "exposed_rdp" else set()
            rules = [rule for account, listed in reach.rules.items() if account not in closed for rule in listed]
            if reach.rules and not rules:
                self.leftovers.add("rule that lets the internet in, to no machine that it reaches", one.what)
            if not rules and not reach.machines:
                continue
            counts[one.signal] = counts.get(one.signal, 0) + len(reach.machines)
            where = f"{len(reach.machines)} machines" if reach.machines else f"by {len(rules)} firewall rules"
            told.setdefault(one.signal, []).append(f"{one.what} open to the internet, {where}")
        for name, texts in told.items():
            yield Claim(name, max(1, counts[name]), "scan", f"at least: {'; '.join(texts)}")

    def _mfa(self) -> Iterator[Claim]:
        missed = {
            one.signal: f"{one.what}; how many are covered is not told: the mildest adverse share"
            for one in checks()[1]
            if any(self._verdicts.get(check) is False for check in one.checks)
            and not any(self._verdicts.get(check) for check in one.unless)
        }
        for name in dict.fromkeys((*missed, *self._capable)):
            users = self._capable.get(name, {})
            capable = sum(users.values())
            share = round(capable / len(users), 6) if users else None
            if users and not capable:
                self.leftovers.add("no user can use MFA here: they may be asked for it elsewhere", name)
            elif share is not None:
                adverse = signal(name).code(share) > signal(name).unknown
                if adverse or name not in missed:
                    source: SourceName = "telemetry" if adverse else "document"
                    text = f"at most: {capable} of {len(users)} users can use MFA; registered is not enforced"
                    yield Claim(name, share, source, text)
                    continue
            if name in missed:
                yield Claim(name, mildest_adverse(name), "document", missed[name])
