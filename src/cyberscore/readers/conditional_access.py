"""Whom Entra conditional access policies leave out: callers are the readers of Microsoft 365 tools.

What a policy does is read from its settings. Its name, and what a tool or a user writes about it, decides nothing.
"""

from collections.abc import Iterator
from typing import Any, Literal

Requirement = Literal["mfa", "phishing_resistant", "admins", "legacy"]
"""MFA of all users; MFA that cannot be phished, of all users or of all privileged roles; legacy clients blocked."""

_WORDS = {"all", "none", "guestsorexternalusers"}
_READ_CONDITIONS = {"Users", "Applications", "ClientAppTypes", "Locations", "Platforms"}
"""Conditions that are judged one by one; any other that is set (risk, devices, flows, ...) narrows a policy."""
_INTERACTIVE = {"browser", "mobileappsanddesktopclients"}
_LEGACY_CLIENTS = {"exchangeactivesync", "other"}
_RESISTANT = {"windowshelloforbusiness", "fido2", "x509certificatemultifactor"}
_ONE_STEP_MFA = {
    *_RESISTANT, "devicebasedpush", "federatedmultifactor", "temporaryaccesspassonetime", "temporaryaccesspassmultiuse",
}  # fmt: skip
"""Methods of an authentication strength that are MFA by themselves; others are only in pairs ("password,sms")."""
_BUILT_IN_STRENGTHS = {f"00000000-0000-0000-0000-00000000000{number}": number for number in (2, 3, 4)}
_RESISTANT_STRENGTH = 4


def excluded_users(
    policies: list[dict[str, Any]], requirement: Requirement, privileged_roles: frozenset[str] = frozenset()
) -> tuple[frozenset[str] | None, str]:
    """Ids of the users whom all policies that meet a requirement leave out.

    Parameters
    ----------
    policies : list of dict
        Conditional access policies as Microsoft Graph gives them, names in Pascal case.
    requirement : {"mfa", "phishing_resistant", "admins", "legacy"}
        What a policy must enforce, and for whom.
    privileged_roles : frozenset of str
        Template ids of the roles that a policy about administrators must include, in lower case.

    Returns
    -------
    users : frozenset of str or None
        None when no policy is known to meet it, or when those whom it leaves out cannot be counted.
    problem : str
        Why they are not known; empty when they are.
    """
    if not policies:
        return None, "it passes, but the file holds no conditional access policies that show for whom"
    countable: list[frozenset[str]] = []
    problems: set[str] = set()
    for policy in policies:
        if policy.get("State") == "disabled" or not _concerns(policy, requirement):
            continue
        unmet = next(_unmet(policy, requirement, privileged_roles), None)
        if unmet is None:
            countable.append(_excluded(policy))
        else:
            problems.add(unmet)
    if countable:
        return frozenset.intersection(*countable), ""
    if not problems:
        return None, "it passes, but no policy in the file meets it"
    return None, f"the policy that meets it is limited: {', '.join(sorted(problems))}"


def _concerns(policy: dict[str, Any], requirement: Requirement) -> bool:
    """Whether a policy is about what is required, met or not."""
    names = {name for name, _ in _options(policy, requirement)}
    return bool(names & ({"block"} if requirement == "legacy" else {"mfa", "authentication strength"}))


def _unmet(policy: dict[str, Any], requirement: Requirement, privileged_roles: frozenset[str]) -> Iterator[str]:
    """Yield what keeps a policy from meeting a requirement for all users less some that are named."""
    if policy.get("State") != "enabled":
        yield "it only reports"
    if requirement != "legacy":
        yield from _weaker(policy, requirement)
    yield from _narrowed(policy, requirement, privileged_roles)


def _options(policy: dict[str, Any], requirement: Requirement) -> list[tuple[str, bool]]:
    """Return what a policy asks for, and whether each alone is what is required."""
    grants = _object(policy.get("GrantControls"))
    resistant = requirement in {"phishing_resistant", "admins"}
    options = [(name, name == "mfa" and not resistant) for name in sorted(_lower(grants.get("BuiltInControls")))]
    strength = _object(grants.get("AuthenticationStrength"))
    if not _blank(strength):
        options.append(("authentication strength", _strong(strength, resistant=resistant)))
    others = ("CustomAuthenticationFactors", "TermsOfUse")
    return options + [(key, False) for key in others if not _blank(grants.get(key))]


def _strong(strength: dict[str, Any], *, resistant: bool) -> bool:
    """Whether every combination of methods that a strength allows is MFA, or MFA that cannot be phished."""
    combinations = _lower(strength.get("AllowedCombinations"))
    if not combinations:
        number = _BUILT_IN_STRENGTHS.get(str(strength.get("Id") or ""), 0)
        return number == _RESISTANT_STRENGTH if resistant else number > 0
    if resistant:
        return combinations <= _RESISTANT
    return all(one in _ONE_STEP_MFA or "," in one for one in combinations)


def _weaker(policy: dict[str, Any], requirement: Requirement) -> Iterator[str]:
    """Yield what else lets a user in."""
    options = _options(policy, requirement)
    every = str(_object(policy.get("GrantControls")).get("Operator") or "").upper() == "AND"
    proving = [name for name, proves in options if proves]
    others = [name for name, proves in options if not proves]
    if others and not (every and proving):
        yield f"{' or '.join(others)} is enough"


def _narrowed(policy: dict[str, Any], requirement: Requirement, privileged_roles: frozenset[str]) -> Iterator[str]:
    """Yield what makes a policy apply to fewer than all users less some that are named."""
    conditions = _object(policy.get("Conditions"))
    users, apps = _object(conditions.get("Users")), _object(conditions.get("Applications"))
    clients, wanted = _lower(conditions.get("ClientAppTypes")), _INTERACTIVE
    everyone, whole = "all" in _lower(users.get("IncludeUsers")), "it does not include all users"
    if requirement == "legacy":
        wanted = _LEGACY_CLIENTS
    elif requirement == "admins" and not everyone:
        everyone = bool(privileged_roles) and _lower(users.get("IncludeRoles")) >= privileged_roles
        whole = "it does not include all privileged roles that the file names"
    guests = not _blank(users.get("ExcludeGuestsOrExternalUsers")) or bool(_lower(users.get("ExcludeUsers")) & _WORDS)
    limits = [
        (not _blank(users.get("ExcludeGroups")), "it excludes groups, whose members are not told"),
        (not _blank(users.get("ExcludeRoles")), "it excludes roles, whose members are not told"),
        (guests, "it excludes guests, whose number is not told"),
        (not everyone, whole),
        ("all" not in _lower(apps.get("IncludeApplications")), "it does not include all applications"),
        (not _blank(apps.get("ExcludeApplications")), "it excludes applications"),
        (not _blank(apps.get("ApplicationFilter")), "it filters applications"),
        (_partial(conditions, "Locations"), "it depends on locations"),
        (_partial(conditions, "Platforms"), "it depends on platforms"),
        ("all" not in clients and not clients >= wanted, "it leaves out clients"),
        *(
            (not _blank(value), f"it depends on {key}")
            for key, value in conditions.items()
            if key not in _READ_CONDITIONS and "@odata" not in str(key)
        ),
    ]
    yield from (what for limited, what in limits if limited)


def _partial(conditions: dict[str, Any], key: str) -> bool:
    found = _object(conditions.get(key))
    included = _lower(found.get(f"Include{key}"))
    return (bool(included) and "all" not in included) or not _blank(found.get(f"Exclude{key}"))


def _excluded(policy: dict[str, Any]) -> frozenset[str]:
    return frozenset(_lower(_object(_object(policy.get("Conditions")).get("Users")).get("ExcludeUsers")))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _lower(value: object) -> set[str]:
    """Texts of a list in lower case; PowerShell unwraps a list of one."""
    found = value if isinstance(value, list) else [value]
    return {str(one).lower() for one in found if one is not None and one != ""}


def _blank(value: object) -> bool:
    """Whether a setting is empty; older versions write an object of nulls where nothing is set."""
    if isinstance(value, dict):
        return all(_blank(one) for key, one in value.items() if "@odata" not in str(key))
    if isinstance(value, list):
        return all(_blank(one) for one in value)
    return value is None or value == ""
