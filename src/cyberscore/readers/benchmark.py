"""Checks of a benchmark that passed or failed, resource by resource: callers are the readers of Prowler and OCSF.

`hardening_score`: the share passed. Each check counts the same, by the share of its resources that pass: five hundred
buckets do not outweigh the root account. A check that failed and was muted still failed. It is claimed of at least
`FEWEST_CHECKS` checks of `FEWEST_SERVICES` services or sections, some passed and some failed: fewer are no benchmark,
and a file of failures alone (or of passes alone), of the gravest severities or of one category was filtered.

`mfa_admin_coverage` in AWS: from checks that ask account by account, root and the users with a console password. What
single checks prove besides is in `cloud_checks`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import Assets, Claim, Leftovers
from cyberscore.readers.cloud_checks import CloudChecks

FEWEST_CHECKS = 20
"""Fewer different checks than this are no benchmark; the shortest CIS profile in use has about twice as many
(judgement)."""
FEWEST_SERVICES = 5
"""Checks of fewer services or sections than this are a part of a benchmark: CIS's for AWS, Azure, Google Cloud and
Microsoft 365 have five sections and more (judgement)."""
MAX_CHECKS = 100_000
"""More different checks than this are refused."""

_GRAVE = {"critical", "high"}
"""A whole benchmark has milder ones too. One severity that is not critical shows nothing: some tools rate all alike."""
_ROOT = {"iam_root_mfa_enabled", "check113"}
_USERS = {"iam_user_mfa_enabled_console_access", "check12"}
_SECTION = re.compile(r"check(\d)\d*|(extra)\d+", re.IGNORECASE)  # Prowler 2 numbers its checks as CIS does
_SERVICE = re.compile(r"([a-z]*\d*)[\W_]|([a-z]*)", re.IGNORECASE)
_NO_CONSOLE = re.compile(r"not have console password|no console password|console password disabled", re.IGNORECASE)
_ALL_USERS = re.compile(r"no users? found", re.IGNORECASE)


@dataclass(slots=True)
class _Tally:
    passed: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Admins:
    root: dict[str, bool] = field(default_factory=dict)
    users: dict[str, bool] = field(default_factory=dict)
    whole: bool = False
    """Whether a check says of all console users at once that they have MFA."""
    listed: bool = True
    """Whether those with MFA are listed as well as those without."""


class Benchmark:
    """Results while a file is read."""

    def __init__(self, name: str, leftovers: Leftovers) -> None:
        self.name, self.leftovers = name, leftovers
        self.accounts: dict[str, None] = {}
        self._checks: dict[str, _Tally] = {}
        self._services: set[str] = set()
        self._severities: set[str] = set()
        self._shared: frozenset[str] | None = None
        """Categories that all checks so far have in common."""
        self._admins = _Admins()
        self._cloud = CloudChecks(leftovers)

    def take(
        self,
        check: str,
        status: str,
        *,
        account: str = "",
        resource: str = "",
        text: str = "",
        service: str = "",
        severity: str = "",
        categories: Iterable[str] = (),
    ) -> None:
        """Take one result in.

        Raises
        ------
        ReadingError
            When there are too many different checks.
        """
        account = account[:100]
        if account and len(self.accounts) < MAX_CHECKS:
            self.accounts[account] = None
        verdict = status.strip().casefold()
        if verdict not in {"pass", "fail", "passed", "failed"}:
            self.leftovers.add(f"check that the tool did not decide ({status.strip()[:20] or 'no status'})", check)
            return
        passed = verdict.startswith("pass")
        tally = self._checks.get(check)
        if tally is None:
            if len(self._checks) >= MAX_CHECKS:
                raise ReadingError(f"{self.name}: more than {MAX_CHECKS} different checks: use the file as written")
            tally = self._checks[check] = _Tally()
            self._services.add(service.strip().casefold()[:100] or _service(check))
            self._severities.add(severity.strip().casefold()[:20])
            own = frozenset(one.strip().casefold()[:100] for one in categories if one.strip())
            self._shared = own if self._shared is None else self._shared & own
        tally.passed += passed
        tally.failed += not passed
        self._cloud.take(check, account, resource[:200], text, passed=passed)
        self._ask_for_mfa(check, account, resource[:200], text, passed=passed)

    def _ask_for_mfa(self, check: str, account: str, resource: str, text: str, *, passed: bool) -> None:
        found, user = self._admins, f"{account} {resource}"
        if check in _ROOT:
            found.root[account] = passed and found.root.get(account, True)
        elif check in _USERS and not (passed and _NO_CONSOLE.search(text)):
            if passed and _ALL_USERS.search(text):
                found.whole = True
            else:
                found.users[user] = passed and found.users.get(user, True)
            found.listed = found.listed and check != "check12"

    @property
    def assets(self) -> Assets | None:
        """Accounts that were looked at."""
        return Assets("cloud accounts", len(self.accounts)) if self.accounts else None

    def claims(self) -> Iterator[Claim]:
        """Return what the results support."""
        tallies = self._checks.values()
        passed, failed = sum(one.passed for one in tallies), sum(one.failed for one in tallies)
        self.leftovers.add("check that failed", *(key for key, one in self._checks.items() if one.failed))
        if not tallies:
            return
        if len(tallies) < FEWEST_CHECKS:
            self.leftovers.add(f"fewer than {FEWEST_CHECKS} decided checks are no benchmark", "hardening_score")
        elif len(self._services) < FEWEST_SERVICES:
            services = ", ".join(sorted(self._services))
            self.leftovers.add(f"checks of {services} alone are a part of a benchmark", "hardening_score")
        elif "critical" in self._severities and self._severities <= _GRAVE:
            self.leftovers.add("checks of the gravest severities alone are a part of a benchmark", "hardening_score")
        elif self._shared:
            only = ", ".join(sorted(self._shared))
            self.leftovers.add(f"checks of the category {only} alone are a part of a benchmark", "hardening_score")
        elif not passed or not failed:
            self.leftovers.add("results of one kind only: they were filtered", "hardening_score")
        else:
            share = sum(one.passed / (one.passed + one.failed) for one in tallies) / len(tallies)
            text = f"{share:.1%} of {len(tallies)} checks passed, {passed} of {passed + failed} results"
            yield Claim("hardening_score", round(share, 6), "telemetry", text)
        yield from self._mfa()
        yield from self._cloud.claims()

    def _mfa(self) -> Iterator[Claim]:
        found = self._admins
        if not found.root and not found.users and not found.whole:
            return
        if found.root and found.whole and all(found.root.values()) and all(found.users.values()):
            yield Claim("mfa_admin_coverage", 1.0, "telemetry", "root and all console users have MFA")
        elif found.root and found.users and found.listed:
            accounts = [*found.root.values(), *found.users.values()]
            text = f"{sum(accounts)} of {len(accounts)}: root and console users with MFA"
            yield Claim("mfa_admin_coverage", round(sum(accounts) / len(accounts), 6), "telemetry", text)
        else:
            self.leftovers.add("MFA of some accounts only: no share", "mfa_admin_coverage")


def _service(check: str) -> str:
    """Name of the service or section that an id begins with: s3_bucket_acl, S3.1, .../v/1.4.0/rule/1.20, check113."""
    section = _SECTION.fullmatch(check)
    if section:
        return section[1] or section[2].casefold()
    found = _SERVICE.match(check.rpartition("/")[2])
    return (found[1] or found[2] or "").casefold() if found else ""
