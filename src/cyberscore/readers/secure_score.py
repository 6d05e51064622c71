"""Microsoft Secure Score (Graph `secureScores`) as evidence: callers are the command line and apps.

`hardening_score` is the points reached of those that Microsoft's own benchmark gives for the tenant's licences. Of the
controls, three count users whom a policy protects and not just who registered, and tell their share: AdminMFAV2 and
MFARegistrationV2 ("registered and protected"), and BlockLegacyAuthentication, where all or nothing is claimed.
Files list a score a day: the newest counts. Version 1 controls (AdminMFA) have no share, and are reported.

A tenant may mark a control as met by other means, or accept its risk: Microsoft then gives points that nobody measured,
and they are taken off. What Microsoft counted (in its words, or as a count of a total) stands over the share. Without
such a count, and without the controls' profiles, which hold their marks, a good share weighs as a document, and legacy
authentication is not shown to be blocked. Good news that was last measured long before the score is none. A score of a
few controls or points is no benchmark.
"""

import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.profile.evidence import SourceName
from cyberscore.profile.signals import signal
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_json
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "Microsoft Secure Score"

MAX_BYTES = 128_000_000
"""An export larger than this is refused."""

FEWEST_CONTROLS = 20
"""A score made of fewer controls than this is no benchmark; a tenant without paid licences has some thirty
(judgement)."""
FEWEST_POINTS = 50
"""A score with fewer points to reach than this is no benchmark (judgement)."""

_AS_MEASURED = {"", "default", "active", "planned", "toaddress"}
"""States of a control that give no points by themselves."""
STALE_DAYS = 30
"""A control last measured longer than this before the score is not of its day (judgement)."""
ROUNDING = 0.01
"""A share further than this from what was counted is another."""
_MISSING = re.compile(
    r"\b(\d{1,7})(?: out)? of (\d{1,7}) [^.]*\b(?:(?:is|are|do|does|have|has)n.t|not|without)\b", re.IGNORECASE
)
"""How Microsoft says how many users a control misses."""
_SHARES = {"adminmfav2": "mfa_admin_coverage", "mfaregistrationv2": "mfa_email_coverage"}
_LEGACY = "blocklegacyauthentication"


def looks_like(head: Head) -> int:
    """Whether a file is an export of secureScores."""
    fields = {key.removeprefix("secureScore.").removeprefix("value.").casefold() for key in head.keys}
    return 2 if {"currentscore", "maxscore"} <= fields and fields & {"controlscores", "azuretenantid"} else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read secureScores as Graph or PowerShell give them, whole answers or single scores.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When it was exported; used only when no score has a date.
    assets_total : int, optional
        How many users there are in all, should the tenant not be the whole firm.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or not of this kind.
    """
    name, leftovers = name_of(source), Leftovers()
    content = read_json(source, MAX_BYTES, arrays=True)
    scores = [_lower(one) for one in _scores(content, name)]
    marked, profiled = _marked(content, name)
    if not scores or not all("currentscore" in one for one in scores):
        raise ReadingError(f"{name}: not secureScores (no currentScore): give the answer of security/secureScores")
    dated = [(loose_moment(text_at(one, "createddatetime")), one) for one in scores]
    made, newest = max(dated, key=lambda item: (item[0] is not None, item[0] or 0))
    tenants = {text_at(one, "azuretenantid") for one in scores}
    if len(tenants) > 1:
        raise ReadingError(f"{name}: scores of {len(tenants)} tenants: give one tenant a file")
    leftovers.add("older score", "score", count=len(scores) - 1)
    users = newest.get("licensedusercount")
    seen = users if isinstance(users, int) and not isinstance(users, bool) and users > 0 else None
    return Reading.of(
        TOOL,
        None,
        date_of(made, observed_at, name, leftovers),
        list(_claims(newest, made, marked, leftovers, name, profiled=profiled)),
        assets=Assets("users", seen) if seen is not None else None,
        scope={
            "tenant_id": text_at(newest, "azuretenantid")[:200],
            "current_score": _number(newest.get("currentscore")),
            "max_score": _number(newest.get("maxscore")),
        },
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _scores(content: dict[str, Any] | list[Any], name: str) -> Iterator[dict[str, Any]]:
    for one in objects(content if isinstance(content, list) else [content], f"{name}: the list"):
        if isinstance(one.get("secureScore"), dict):  # beside the profiles of the controls, as MITRE's SAF keeps them
            yield from _scores(one["secureScore"], name)
        elif "value" in one:
            yield from objects(one["value"], f"{name}: value")
        else:
            yield one


def _marked(content: dict[str, Any] | list[Any], name: str) -> tuple[set[str], set[str]]:
    """Return controls that the tenant marked as met by other means, or whose risk it accepted; and all in profiles."""
    marked, profiled = set(), set()
    for one in objects(content if isinstance(content, list) else [content], f"{name}: the list"):
        listed = at(one, "profiles", "value")
        for profile in map(_lower, objects(listed, f"{name}: profiles")):
            states = objects(profile.get("controlstateupdates"), f"{name}: controlStateUpdates")
            latest = max(states, key=lambda update: text_at(update, "updatedDateTime"), default=None)
            profiled.add(text_at(profile, "id").casefold())
            if _overridden(text_at(_lower(latest or {}), "state")):
                marked.add(text_at(profile, "id").casefold())
    return marked, profiled


def _overridden(state: str) -> bool:
    return re.sub(r"\W+", "", state.casefold()) not in _AS_MEASURED


def _lower(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object with names in lower case: Graph writes camelCase, PowerShell PascalCase."""
    return {str(key).casefold(): value for key, value in found.items()}


def _control(found: dict[str, Any]) -> dict[str, Any]:
    """Return a control with names in lower case; PowerShell puts some fields one level deeper."""
    more = found.get("AdditionalProperties")
    return _lower({**(more if isinstance(more, dict) else {}), **found})


def _number(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d{1,9})?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        return None
    return float(value)


def _counted(control: dict[str, Any], told: str, share: float | None) -> float | None:
    """Return the share of users that Microsoft counted; None when it tells none, NaN when there is no user."""
    missing = _MISSING.search(told)
    if missing is not None:
        total = int(missing[2])
        return max(0.0, 1 - int(missing[1]) / total) if total else math.nan
    met, number = (_number(control.get(key)) for key in ("count", "total"))
    if met is None or number is None or share is None:
        return None
    if not number:
        return math.nan
    return met / number if abs(met / number - share) <= ROUNDING else None  # what it counts is documented nowhere


def _claims(
    score: dict[str, Any],
    made: datetime | None,
    marked: set[str],
    leftovers: Leftovers,
    name: str,
    *,
    profiled: set[str],
) -> Iterator[Claim]:
    controls = [_control(one) for one in objects(score.get("controlscores"), f"{name}: controlScores")]
    given = [_number(one.get("score")) or 0.0 for one in controls]
    unmeasured = 0.0
    for control, points in zip(controls, given, strict=True):
        label = text_at(control, "controlname")
        key = label.casefold()
        share = _number(control.get("scoreinpercentage"))
        share = share / 100 if share is not None and share <= 100 else None
        told = " ".join(re.sub(r"<[^<>]*>", " ", text_at(control, "implementationstatus"))[:300].split())
        counted = _counted(control, told, share)
        synced = loose_moment(text_at(control, "lastsynced")[:60])
        rated = key in _SHARES or key == _LEGACY
        if key in marked or _overridden(text_at(control, "controlstate")):
            unmeasured += points
            leftovers.add("control that the tenant marked by itself: its points are taken off", label)
            continue
        if share is None or not rated:
            leftovers.add("control that tells no share of what a signal rates", label)
            continue
        if counted is not None and math.isnan(counted):
            leftovers.add("control that counts no user", label)
            continue
        if counted is not None and share > counted + ROUNDING:
            unmeasured += points * (1 - counted / share)
            leftovers.add("control with points for more users than were counted: those are taken off", label)
            share = counted
        rates = _SHARES.get(key, "legacy_auth_enabled")
        adverse = key in _SHARES and signal(rates).code(share) > signal(rates).unknown
        proven = counted is not None or key in profiled
        if not adverse and made is not None and synced is not None and (made - synced).days > STALE_DAYS:
            leftovers.add(f"control last measured more than {STALE_DAYS} days before the score", label)
        elif key in _SHARES:
            source: SourceName = "telemetry" if adverse or proven else "document"
            yield Claim(rates, round(share, 6), source, f"{label} {share:.0%}: {told}")
        elif share == 1 and proven:
            yield Claim(rates, 0, "telemetry", f"{label} 100%: {told}")
        else:
            leftovers.add("control that does not show legacy authentication to be blocked for all", label)
    current, most = _number(score.get("currentscore")), _number(score.get("maxscore"))
    if current is None or not most or current > most:
        leftovers.add("score or maximum is missing or cannot be true", "hardening_score")
    elif most < FEWEST_POINTS or (len(controls) < FEWEST_CONTROLS and controls and sum(given) >= current - 1):
        leftovers.add(f"{most:g} points of {len(controls)} listed controls are no benchmark", "hardening_score")
    else:
        reached = max(0.0, current - unmeasured)
        text = f"{reached:g} of {most:g} points of Microsoft's benchmark"
        yield Claim("hardening_score", round(reached / most, 6), "telemetry", text)
