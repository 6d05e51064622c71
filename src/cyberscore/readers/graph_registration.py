"""Who registered for MFA in Entra (Microsoft Graph `userRegistrationDetails`): callers are the command line and apps.

*Registered is not enforced*: a user who can use MFA is asked for it only where a policy says so, and this export holds
no policy. So the share of users who are capable is an upper bound of the share that MFA protects. Below the
population's median an upper bound is bad news for certain, and is telemetry. Above it, it shows that people are ready
and nothing more: it weighs as a document, which telemetry of the policies themselves (ScubaGear) replaces.

Who signs in elsewhere registers elsewhere. An external method counts as MFA, though `isMfaCapable` leaves it out.
Where nobody of a domain is capable, or hardly anybody, the domain may be federated, and its users may all be asked for
MFA by whoever signs them in. The tenant's own domain (onmicrosoft.com) cannot be federated.

For `phishing_resistant_mfa` there are two bounds: at most those with a passkey, security key, Windows Hello or
certificate; at least those who are capable and have nothing else, so that there is no weaker method to be talked into.
The lower one is claimed where it is favourable, the upper one where it is adverse.

Mailboxes are taken to be those of members; guests have theirs elsewhere. Administrators count whether members or not.
The report leaves out disabled users. Several pages may be given as one list; a page that names a next one is a part
of the tenant, and favourable shares of it are claimed only if it is told how many users there are. A list of
administrators alone was filtered, and gives none of all users either.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.profile.evidence import SourceName
from cyberscore.profile.signals import signal
from cyberscore.readers import mail_records
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.bounds import certain_end
from cyberscore.readers.documents import read_json, read_objects, read_table
from cyberscore.readers.fields import objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "Microsoft Graph userRegistrationDetails"

MAX_BYTES = 128_000_000
"""An export larger than this is refused."""

_RESISTANT = {
    "fido2securitykey", "fido2", "windowshelloforbusiness", "passkeydevicebound", "passkeydeviceboundauthenticator",
    "passkeydeviceboundwindowshello", "passkeysynced", "certificate", "certificatebasedauthentication",
    "x509certificate", "x509certificatemultifactor", "macossecureenclavekey", "platformcredential",
}  # fmt: skip
_NOT_MFA = {"email", "securityquestion", "none", "temporaryaccesspass"}
"""Methods that only reset passwords, or are handed out to register others."""
FEW = 0.1
"""Fewer capable users of a domain than this share may be those who try things out in a federated one (judgement)."""
FEWEST_ADMINS = 3
"""From how many members on, all of them administrators, a list is one of administrators alone (judgement)."""
_EXTERNAL = "external"  # externalAuthMethod, externalAuthenticationMethod: MFA of another provider
_FIELDS = ("ismfaregistered", "ismfacapable", "methodsregistered", "authmethods")


@dataclass(frozen=True, slots=True)
class _User:
    guest: bool
    admin: bool
    capable: bool
    methods: frozenset[str] | None
    domain: str

    @property
    def external(self) -> bool:
        """Whether another provider asks for MFA, in ways that the file does not tell."""
        return any(one.startswith(_EXTERNAL) for one in self.methods or ())

    @property
    def resistant(self) -> bool:
        return self.capable and bool(self.methods) and bool((self.methods or frozenset()) & _RESISTANT)

    @property
    def only_resistant(self) -> bool:
        return self.resistant and (self.methods or frozenset()) <= _RESISTANT | _NOT_MFA


def looks_like(head: Head) -> int:
    """Whether a file is an export of userRegistrationDetails."""
    if head.form == "text":
        return 2 if _header(head) else 0
    fields = {key.removeprefix("value.").casefold() for key in head.keys}
    return 2 if "ismfaregistered" in fields and fields & {"methodsregistered", "ismfacapable", "authmethods"} else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read pages of userRegistrationDetails as Graph (also JSON lines), PowerShell or the portal's CSV give them.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When it was exported; used only when no user says when the report was last updated.
    assets_total : int, optional
        How many users there are in all, guests left out.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON or CSV, or not of this kind.
    """
    name, leftovers = name_of(source), Leftovers()
    users: list[_User] = []
    updated: datetime | None = None
    more, count = False, None
    head = Head.of(source, MAX_BYTES)
    if head.form == "text":
        rows: Iterator[dict[str, Any]] = iter(read_table(source, MAX_BYTES, _header(head) or ("isMfaRegistered",)))
    else:
        lines = head.form == "json lines"
        content = list(read_objects(source, MAX_BYTES)) if lines else read_json(source, MAX_BYTES, arrays=True)
        pages = objects(content if isinstance(content, list) else [content], f"{name}: the list")
        more = bool(pages) and bool(pages[-1].get("@odata.nextLink")) and len(pages) == 1
        counts = [one["@odata.count"] for one in pages if isinstance(one.get("@odata.count"), int)]
        count = max(counts, default=None)
        rows = _users_of(pages, name)
    for row in rows:
        found = {_field(str(key)): value for key, value in row.items()}
        if not any(key in found for key in _FIELDS):
            raise ReadingError(
                f"{name}: not userRegistrationDetails (a user without isMfaRegistered): give that report"
            )
        users.append(_user(found))
        told = loose_moment(text_at(found, "lastupdateddatetime"))
        updated = max(updated, told) if updated is not None and told is not None else told or updated
    if not users:
        raise ReadingError(f"{name}: holds no users: export the report of the whole tenant")
    members = [one for one in users if not one.guest]
    guests = len(users) - len(members)
    leftovers.add("guest, whose mailbox is elsewhere", "guest", count=guests)
    when = date_of(updated, observed_at, name, leftovers)
    total = max(count - guests, len(members)) if count is not None else (None if more else len(members))
    assets = Assets("users", len(members), total)
    partial = total is None and assets_total is None
    filtered = assets_total is None and len(members) >= FEWEST_ADMINS and all(one.admin for one in members)
    return Reading.of(
        TOOL,
        None,
        when,
        list(_claims(users, members, leftovers, partial=partial, filtered=filtered)),
        assets=assets,
        scope={"users": len(members), "guests": guests, "admins": sum(one.admin for one in users), "more_pages": more},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _field(heading: str) -> str:
    """Name of a field from Graph, PowerShell, or a heading of the portal such as "MFA Capable"."""
    name = re.sub(r"[\W_]+", "", heading.casefold()).replace("multifactorauthentication", "mfa")
    return f"is{name}" if name in {"mfacapable", "mfaregistered", "admin"} else name


def _header(head: Head) -> tuple[str, ...]:
    """Columns that tell a table of users and their MFA; none when it is another table."""
    for row in head.rows:
        fields = {_field(cell): cell for cell in row if cell}
        mfa = tuple(fields[one] for one in ("ismfaregistered", "ismfacapable") if one in fields)
        if mfa and (len(mfa) == 2 or "methodsregistered" in fields):
            return mfa
    return ()


def _users_of(pages: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    for page in pages:
        if "value" in page:
            yield from objects(page["value"], f"{name}: value")
        else:
            yield page


def _true(value: object) -> bool:
    return value is True or (
        isinstance(value, str) and value.strip().casefold() in {"true", "yes", "capable", "registered", "1"}
    )


def _user(found: dict[str, Any]) -> _User:
    capable = (
        _true(found["ismfacapable"]) if found.get("ismfacapable") is not None else _true(found.get("ismfaregistered"))
    )
    told = found.get("methodsregistered", found.get("authmethods"))
    if isinstance(told, str):
        told = None if "[]" in told else [one.strip() for one in told.replace(";", ",").split(",") if one.strip()]
    methods = frozenset(re.sub(r"\W+", "", str(one).casefold()) for one in told) if isinstance(told, list) else None
    name = str(found.get("userprincipalname") or "").casefold()
    return _User(
        guest=str(found.get("usertype") or "").casefold() == "guest" or "#ext#" in name,
        admin=_true(found.get("isadmin")),
        capable=capable or any(one.startswith(_EXTERNAL) for one in methods or ()),
        methods=methods,
        domain=mail_records.tidy(name.rpartition("@")[2]) if "@" in name else "",
    )


def _elsewhere(users: list[_User]) -> set[str]:
    """Domains that may be federated: hardly anybody of them can use the tenant's own MFA."""
    every = Counter(one.domain for one in users if not one.domain or mail_records.is_own(one.domain))
    capable = Counter(one.domain for one in users if one.capable)
    return {domain for domain, number in every.items() if capable[domain] < FEW * number}


def _claims(
    users: list[_User], members: list[_User], leftovers: Leftovers, *, partial: bool, filtered: bool
) -> Iterator[Claim]:
    admins = [one for one in users if one.admin]
    if partial:
        leftovers.add("a page of several, of how many users is not told: favourable shares are not claimed", "page")
    elsewhere = _elsewhere(users)
    if filtered:
        leftovers.add("administrators alone are in the file: favourable shares of all users are not claimed", "members")
    for name, group, what in (("mfa_email_coverage", members, "members"), ("mfa_admin_coverage", admins, "admins")):
        if not group:
            leftovers.add(f"none of the {what} is in the file", name)
            continue
        capable = sum(one.capable for one in group)
        federated = sum(one.domain in elsewhere and not one.capable for one in group)
        share = certain_end(name, round(capable / len(group), 6), round((capable + federated) / len(group), 6))
        if share is None:
            leftovers.add(f"{federated} of {len(group)} {what} are of domains that may be federated: no share", name)
            continue
        adverse = signal(name).code(share) > signal(name).unknown
        if not adverse and (partial or (filtered and group is members)):
            continue
        source: SourceName = "telemetry" if adverse else "document"
        text = f"at most: {capable} of {len(group)} {what} can use MFA; registered is not enforced"
        yield Claim(name, share, source, text)
    if not members or any(one.methods is None for one in members):
        leftovers.add("methods are not told for all users", "phishing_resistant_mfa")
        return
    name = "phishing_resistant_mfa"
    unseen = sum(not one.resistant and (one.external or one.domain in elsewhere) for one in members)
    least, most = (
        round(number / len(members), 6)
        for number in (
            sum(one.only_resistant for one in members),
            sum(one.resistant for one in members) + unseen,
        )
    )
    certain = certain_end(name, least, most)
    if certain is None:
        leftovers.add(f"between {least:.0%} and {most:.0%} of members, by policies that the file does not hold", name)
    elif not (partial or filtered) or signal(name).code(certain) > signal(name).unknown:
        text = f"{least:.0%} of {len(members)} members have phishing-resistant methods only, {most:.0%} have one"
        yield Claim(name, certain, "telemetry", text)
