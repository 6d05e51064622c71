"""Whom Entra conditional access policies leave out: callers are the readers of Microsoft 365 tools."""

import html
import re
from typing import Any

_WORDS = {"all", "none", "guestsorexternalusers"}
_NARROWING = (
    "UserRiskLevels", "SignInRiskLevels", "ServicePrincipalRiskLevels", "InsiderRiskLevels", "Devices",
    "DeviceStates", "ClientApplications", "AuthenticationFlows", "Times",
)  # fmt: skip
_INTERACTIVE = {"browser", "mobileappsanddesktopclients"}


def excluded_users(
    policies: list[dict[str, Any]], details: str, *, for_roles: bool = False, legacy: bool = False
) -> tuple[frozenset[str] | None, str | None]:
    """Ids of the users whom all the policies that meet a requirement leave out.

    Parameters
    ----------
    policies : list of dict
        Conditional access policies as Microsoft Graph gives them, names in Pascal case.
    details : str
        Text that names the policies which meet the requirement.
    for_roles : bool
        The requirement is about roles: the policy need not include all users.
    legacy : bool
        The requirement is about legacy clients: the policy need not cover modern ones.

    Returns
    -------
    users : frozenset of str or None
        None when they cannot be counted.
    problem : str or None
        What could not be deducted, and why.
    """
    if not policies:
        return frozenset(), "exclusions cannot be deducted: the file holds no conditional access policies"
    named = _named(policies, details)
    if not named:
        return frozenset(), "exclusions cannot be deducted: the policies that meet it are not in the file"
    countable, problems = [], []
    for policy in named:
        found = _narrowed(policy, for_roles=for_roles, legacy=legacy)
        if found is None:
            countable.append(_users(policy))
        else:
            problems.append(found)
    if not countable:
        return None, f"the policy that meets it is limited: {', '.join(sorted(set(problems)))}"
    return frozenset.intersection(*countable), None


def _named(policies: list[dict[str, Any]], details: str) -> list[dict[str, Any]]:
    """Return the policies in force that a text names; names may hold commas, so the longest come first."""
    text = _plain(details)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for policy in policies:
        name = " ".join(str(policy.get("DisplayName") or "").split())
        if name and policy.get("State") == "enabled":
            by_name.setdefault(name, []).append(policy)
    found = []
    for name in sorted(by_name, key=len, reverse=True):
        if f", {name}," in text:
            text = text.replace(f", {name},", ",")
            found += by_name[name]
    return found


def _plain(details: str) -> str:
    """Cut the names out of "2 policies found that meet all requirements: A, B. View all CA policies."."""
    text = re.sub(r"<[^>]*>", "", re.sub(r"<br\s*/?>", " ", details))
    text = " ".join(html.unescape(text).split())
    text = text.partition("requirements:")[2].partition("... Note: The list")[0]
    return f", {text.removesuffix('View all CA policies.').strip().removesuffix('.').strip()},"


def _narrowed(policy: dict[str, Any], *, for_roles: bool, legacy: bool) -> str | None:
    """Return what makes a policy apply to fewer than all users less some that are named, if anything does."""
    conditions = _object(policy.get("Conditions"))
    users, apps = _object(conditions.get("Users")), _object(conditions.get("Applications"))
    clients = _lower(conditions.get("ClientAppTypes"))
    limits = [
        (not _blank(users.get("ExcludeGroups")), "it excludes groups, whose members are not told"),
        (not _blank(users.get("ExcludeRoles")), "it excludes roles, whose members are not told"),
        (
            not _blank(users.get("ExcludeGuestsOrExternalUsers")),
            "it excludes guests, whose number is not told",
        ),
        (bool(_lower(users.get("ExcludeUsers")) & _WORDS), "it excludes guests, whose number is not told"),
        (not for_roles and "all" not in _lower(users.get("IncludeUsers")), "it does not include all users"),
        ("all" not in _lower(apps.get("IncludeApplications")), "it does not include all applications"),
        (not _blank(apps.get("ExcludeApplications")), "it excludes applications"),
        (not _blank(apps.get("ApplicationFilter")), "it filters applications"),
        (_partial(conditions, "Locations"), "it depends on locations"),
        (_partial(conditions, "Platforms"), "it depends on platforms"),
        (
            bool(clients) and not legacy and not clients & {"all"} and not clients >= _INTERACTIVE,
            "it leaves out clients",
        ),
        *((not _blank(conditions.get(key)), f"it depends on {key}") for key in _NARROWING),
    ]
    return next((what for limited, what in limits if limited), None)


def _partial(conditions: dict[str, Any], key: str) -> bool:
    found = _object(conditions.get(key))
    included = _lower(found.get(f"Include{key}"))
    return (bool(included) and "all" not in included) or not _blank(found.get(f"Exclude{key}"))


def _users(policy: dict[str, Any]) -> frozenset[str]:
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
        return all(_blank(one) for key, one in value.items() if not str(key).startswith("@odata"))
    if isinstance(value, list):
        return all(_blank(one) for one in value)
    return value is None or value == ""
