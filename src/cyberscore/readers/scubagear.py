"""Results of CISA's ScubaGear (`ScubaResults*.json`) as evidence of identity and mail.

A policy that passes is evidence where the tenant's settings in the same file show for whom; one that fails says that
no setting meets it, not that nobody is covered, so a failure gives no share. Nor does it show legacy authentication to
be open: security defaults, an MFA policy for all client apps and Exchange's own policies block it too, and ScubaGear
looks at none of them. MFA shares are 1 less the users excluded; an exclusion that cannot be counted gives no share.
`mfa_remote_coverage` is never mapped: the file does not tell who works through a VPN. Of the firm's own mail domains
the worst counts; without their DNS records only domains named as violating a policy do. What the tenant's own
configuration omits, or calls incorrect, still failed. Callers are the command line and apps that hold such files.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import mail_records, scuba_exports
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of, moment
from cyberscore.readers.conditional_access import Requirement, excluded_users
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "ScubaGear"

MAX_BYTES = 64_000_000
"""A results file larger than this is refused."""

_ID = re.compile(r"(MS\.[A-Z0-9]+\.\d+\.\d+)(v\d+)?", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![\w-])[\w-]+(?:\.[\w-]+)+")
_ANSWER = re.compile(r"Query returned (NXDomain|\d+ txt records)", re.IGNORECASE)
_NOT_MET = {"fail", "warning"}
_OVERRIDDEN = {"omitted", "incorrect result"}
_BEFORE_OVERRIDE = (("OmittedEvaluationResult", "OmittedEvaluationDetails"), ("OriginalResult", "OriginalDetails"))
_USERS_OWN_WORDS = re.compile(r"<span[^<>]*comment-heading|\bUser (?:comment|justification)\b", re.IGNORECASE)
_REASONS = {
    "fail": "no policy meets it, which does not tell how many are covered",
    "warning": "no policy meets it, which does not tell how many are covered",
    "n/a": "the tool does not check it",
    "error": "the tool could not check it",
    "omitted": "the tenant's own configuration omits it",
    "incorrect result": "the tenant's own configuration calls the result incorrect",
    "contradictory": "the file gives it twice, with different results",
}
_SHARES = {
    "mfa_email_coverage": ("MS.AAD.3.2", "MS.AAD.3.1"),
    "mfa_admin_coverage": ("MS.AAD.3.2", "MS.AAD.3.1", "MS.AAD.3.6"),
    "phishing_resistant_mfa": ("MS.AAD.3.1",),
}
_LEGACY = "MS.AAD.1.1"
_REQUIREMENTS: dict[str, Requirement] = {
    _LEGACY: "legacy", "MS.AAD.3.1": "phishing_resistant", "MS.AAD.3.2": "mfa", "MS.AAD.3.6": "admins",
}  # fmt: skip
_SPF, _OLD_SPF, _DKIM, _DMARC, _REJECT = "MS.EXO.2.2", "MS.EXO.2.1", "MS.EXO.3.1", "MS.EXO.4.1", "MS.EXO.4.2"
_RATED = {*_REQUIREMENTS, _SPF, _DKIM, _DMARC, _REJECT}
_USED_SETTINGS = {
    "conditional_access_policies", "privileged_users", "privileged_roles", "total_user_count", "accepted_domains",
    "spf_records", "dkim_config", "dkim_records", "dmarc_records",
}  # fmt: skip


_POLICIES = ("none", "monitor", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class _Control:
    name: str
    verdict: str
    details: str
    missed: bool
    """Whether the tool found it not met, whatever the tenant's configuration makes of that."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    texts: tuple[str, ...]
    inherited: bool


class _Results:
    """The parts of a results file that are rated, checked for their types."""

    def __init__(self, content: dict[str, Any], name: str, leftovers: Leftovers) -> None:
        self.name, self.leftovers = name, leftovers
        self.about = self.mapping(content.get("MetaData"), "MetaData")
        tool = self.about.get("Tool")
        if not isinstance(tool, str) or tool.lower() != "scubagear" or "Results" not in content:
            got = f"Tool={tool!r}" if tool is not None else f"fields {', '.join(map(str, content))[:120]}"
            raise ReadingError(f"{name}: not results of ScubaGear ({got}): give its ScubaResults_*.json")
        self.settings = self.mapping(content.get("Raw"), "Raw")
        self.controls: dict[str, _Control] = {}
        for product, groups in self.mapping(content["Results"], "Results").items():
            for group in self.items(groups, f"Results.{product}"):
                for control in self.items(group.get("Controls"), f"Results.{product}.Controls"):
                    self._add(control, f"Results.{product}")

    def _add(self, found: dict[str, Any], place: str) -> None:
        name, verdict, details = (found.get(key) for key in ("Control ID", "Result", "Details"))
        if not isinstance(name, str) or not isinstance(verdict, str):
            raise self.error(f"{place} has a control without a Control ID or a Result")
        match = _ID.fullmatch(name.strip())
        key = match[1].upper() if match else name
        verdict = verdict.strip().lower()
        missed = verdict in _NOT_MET
        for result, why in _BEFORE_OVERRIDE if verdict in _OVERRIDDEN else ():
            if not missed and str(found.get(result)).strip().lower() in _NOT_MET:
                missed, details = True, found.get(why)
        control = _Control(name, verdict, _tools_own(details) if isinstance(details, str) else "", missed)
        before = self.controls.get(key)
        if before is not None and before.verdict != control.verdict:
            control = _Control(name, "contradictory", "", missed=False)
        self.controls[key] = control

    def error(self, what: str) -> ReadingError:
        return ReadingError(f"{self.name}: {what}: use the file as ScubaGear wrote it")

    def mapping(self, value: object, place: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(f"{place} must be an object; got {type(value).__name__}")
        return value

    def items(self, value: object, place: str) -> list[dict[str, Any]]:
        """Objects of a list; PowerShell unwraps a list of one and fills an empty one with null."""
        found = value if isinstance(value, list) else [value]
        return [self.mapping(one, place) for one in found if one is not None]

    def texts(self, value: object, place: str) -> list[str]:
        found = [one for one in (value if isinstance(value, list) else [value]) if one is not None]
        if not all(isinstance(one, str) for one in found):
            raise self.error(f"{place} must hold text only")
        return [str(one) for one in found]

    def own_domains(self) -> list[str]:
        """List the firm's own mail domains that the provider settings name."""
        found = [
            self.texts(one.get(key), section)
            for section, key in (
                ("accepted_domains", "DomainName"), ("spf_records", "domain"), ("dkim_records", "domain"),
                ("dmarc_records", "domain"),
            )
            for one in self.items(self.settings.get(section), section)
        ]  # fmt: skip
        domains = dict.fromkeys(mail_records.tidy(one) for ones in found for one in ones)
        return [one for one in domains if mail_records.is_own(one)]

    def lookups(self, section: str, prefix: str = "") -> dict[str, _Lookup]:
        """DNS answers by domain, without those whose look-up failed."""
        found = {}
        for one in self.items(self.settings.get(section), section):
            texts = tuple(self.texts(one.get("rdata"), section))
            log = self.items(one.get("log"), section)
            if not (texts or not log or self._absent(log)):
                continue
            answering = {mail_records.tidy(str(entry.get("query_name"))) for entry in log if entry.get("query_answers")}
            for domain in map(mail_records.tidy, self.texts(one.get("domain"), section)):
                found[domain] = _Lookup(texts, inherited=bool(texts and log) and prefix + domain not in answering)
        return found

    def _absent(self, log: list[dict[str, Any]]) -> bool:
        """Whether every name that was asked for was answered for certain, if only with nothing."""
        asked = {str(entry.get("query_name")) for entry in log}
        sure = {str(entry.get("query_name")) for entry in log if _ANSWER.match(str(entry.get("query_result")))}
        return asked == sure

    def violators(self, key: str) -> set[str] | None:
        """Own domains that a mail policy names as violating it; None when its result does not tell."""
        control = self.controls.get(key)
        if control is None or not (control.missed or control.verdict == "pass"):
            return None
        if not control.missed:
            return set()
        text = re.split(r"<a |View DNS logs", control.details.partition("in violation:")[2])[0]
        named = {mail_records.tidy(one) for one in _DOMAIN.findall(text)}
        return {one for one in named if mail_records.is_own(one)} if named else None


def _tools_own(details: str) -> str:
    """Return details without the comment or justification that a user wrote behind them."""
    return _USERS_OWN_WORDS.split(details, maxsplit=1)[0]


def looks_like(head: Head) -> int:
    """Whether a file is results, settings or an action plan of ScubaGear."""
    tool = head.values.get("MetaData.Tool", "").lower()
    if tool == "scubagear":
        return 2
    if tool or scuba_exports.of_google_workspace(head):
        return 0
    columns = head.has_columns(*scuba_exports.COLUMNS)
    if scuba_exports.looks_like_settings(head.keys) or scuba_exports.looks_like_tests(head) or columns:
        return 2
    return int(head.has_keys("MetaData.TenantId", "MetaData.ProductsAssessed") or head.has_keys("Results", "Summary"))


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read results of ScubaGear 1.x: its JSON, its CSV files, tests, reports, or the provider settings alone.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the tool ran; used only when the file does not tell.
    assets_total : int, optional
        How many users there are in all, should the tenant not be the whole firm.

    Returns
    -------
    Reading
        Tenant settings come as telemetry, DNS records as a scan.

    Raises
    ------
    ReadingError
        When the file is missing, too large, cut short, not JSON, or not results of ScubaGear.
    """
    name, leftovers = name_of(source), Leftovers()
    content = scuba_exports.load(source, MAX_BYTES)
    results = _Results(content, name, leftovers)
    about = results.about
    when = date_of(moment(about.get("TimestampZulu")), observed_at, name, leftovers)
    claimed = [*_identity(results), *_mail(results)]
    for key, control in results.controls.items():
        if key not in _RATED and (key != _OLD_SPF or _SPF in results.controls):
            leftovers.add(f"no signal rates this policy ({control.verdict})", control.name)
        elif control.missed and control.verdict in _OVERRIDDEN:
            leftovers.add("the tenant's own configuration overrides a failure, which stands", control.name)
        elif control.verdict != "pass" and not (key.startswith("MS.EXO") and control.missed):
            leftovers.add(_REASONS.get(control.verdict, f"result {control.verdict[:40]!r} is not known"), control.name)
    unused = [str(one) for one in results.settings if one not in _USED_SETTINGS]
    leftovers.add("provider setting that no signal rates", *unused)
    known = {"MetaData", "Results", "Raw", "Summary", "AnnotatedFailedPolicies"}
    leftovers.add("section that is not known", *(str(one) for one in content if one not in known))
    version = _text(about.get("ToolVersion"))
    own_domains = results.own_domains()
    scope: dict[str, Any] = {
        "tenant_id": _text(about.get("TenantId")),
        "tenant": _text(about.get("DisplayName")),
        "domain": _text(about.get("DomainName")),
        "report": _text(about.get("ReportUUID")),
        "products": [str(one)[:200] for one in content["Results"] or {}],
        "policies": len(results.controls),
        "provider_settings": bool(results.settings),
        "own_domains": own_domains,
    }
    users = results.settings.get("total_user_count")
    seen = users if isinstance(users, int) and not isinstance(users, bool) and users > 0 else None
    domains = Assets("domains", len(own_domains))
    return Reading.of(
        TOOL,
        version,
        when,
        (replace(claim, assets=domains) if claim.source == "scan" else claim for claim in claimed),
        assets=Assets("users", seen) if seen is not None else None,
        scope=scope,
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _identity(results: _Results) -> list[Claim]:
    """Signals of the tenant's sign-in policies."""
    excluded: dict[str, frozenset[str]] = {}
    texts: dict[str, str] = {}
    policies = results.items(results.settings.get("conditional_access_policies"), "conditional_access_policies")
    roles = frozenset(
        str(one["RoleTemplateId"]).lower()
        for one in results.items(results.settings.get("privileged_roles"), "privileged_roles")
        if one.get("RoleTemplateId")
    )
    for key, control in results.controls.items():
        if control.verdict != "pass" or key not in _REQUIREMENTS:
            continue
        users, problem = excluded_users(policies, _REQUIREMENTS[key], roles)
        if users is None:
            results.leftovers.add(problem, control.name)
        else:
            excluded[key] = users
            texts[key] = f"{control.name} passes, {len(users)} excluded"
    claimed: list[Claim] = []
    for signal, keys in _SHARES.items():
        shares = []
        for key in (one for one in keys if one in excluded):
            share = _share(results, excluded[key], admins=signal == "mfa_admin_coverage")
            if share is None:
                results.leftovers.add("users are excluded, but out of how many is not told", signal)
            else:
                shares.append((share, texts[key]))
        if shares:
            share, text = max(shares)
            claimed.append(Claim(signal, share, "telemetry", text))
    if excluded.get(_LEGACY):
        results.leftovers.add("users are excluded from blocking", "legacy_auth_enabled")
    elif _LEGACY in excluded:
        claimed.append(Claim("legacy_auth_enabled", 0, "telemetry", texts[_LEGACY]))
    return claimed


def _share(results: _Results, users: frozenset[str], *, admins: bool) -> float | None:
    """Share of users, or of privileged users, that are not excluded; None when their number is not told."""
    if not users:
        return 1.0
    if admins:
        privileged = {
            str(one).lower()
            for one in results.mapping(results.settings.get("privileged_users") or None, "privileged_users")
        }
        return round(1 - len(users & privileged) / len(privileged), 6) if privileged else None
    total = results.settings.get("total_user_count")
    if not isinstance(total, int) or isinstance(total, bool) or total < len(users):
        return None
    return round(1 - len(users) / total, 6)


def _mail(results: _Results) -> list[Claim]:
    """Signals of mail domains: from the DNS records themselves, or from the domains that results name."""
    if not any(results.settings.get(one) for one in ("spf_records", "dkim_records", "dmarc_records")):
        return _mail_from_results(results)
    own = dict.fromkeys(results.own_domains())
    if not own:
        results.leftovers.add(
            "mail domain: none is the firm's own (onmicrosoft.com does not count)",
            "dmarc_policy",
            "spf_dkim_level",
        )
        return []
    dmarc = {
        domain: mail_records.dmarc_policy(found.texts, inherited=found.inherited)
        for domain, found in results.lookups("dmarc_records", "_dmarc.").items()
        if domain in own
    }
    keys = results.lookups("dkim_records")
    configured = "dkim_config" in results.settings
    signing = {
        mail_records.tidy(domain)
        for one in results.items(results.settings.get("dkim_config"), "dkim_config")
        if one.get("Enabled") is True
        for domain in results.texts(one.get("Domain"), "dkim_config")
    }
    level = {
        domain: int(mail_records.has_spf(found.texts))
        + (mail_records.has_dkim(keys[domain].texts) and (domain in signing or not configured))
        for domain, found in results.lookups("spf_records").items()
        if domain in own and domain in keys
    }
    claimed: list[Claim] = []
    for signal, found, ladder in (("dmarc_policy", dmarc, _POLICIES), ("spf_dkim_level", level, (0, 1, 2))):
        ranks = {domain: ladder.index(value) for domain, value in found.items()}
        missing = [domain for domain in own if domain not in ranks]
        if missing:
            results.leftovers.add(f"{signal}: mail domain without a DNS answer in the file", *missing)
        if ranks and (not missing or min(ranks.values()) == 0):
            worst = min(ranks, key=lambda domain: ranks[domain])
            claimed.append(Claim(signal, ladder[ranks[worst]], "scan", f"worst of {len(ranks)} domains: {worst}"))
    return claimed


def _mail_from_results(results: _Results) -> list[Claim]:
    """Without DNS records only bad news is certain: a pass does not show which domains were looked up, and how."""
    spf = results.violators(_SPF if _SPF in results.controls else _OLD_SPF)
    dkim, dmarc = results.violators(_DKIM), results.violators(_DMARC)
    claimed: list[Claim] = []
    if not any(key in results.controls for key in (_SPF, _OLD_SPF, _DKIM, _DMARC, _REJECT)):
        return claimed
    why = "which of the firm's own domains were looked up is not told"
    if dmarc:
        claimed.append(Claim("dmarc_policy", "none", "scan", f"no record: {', '.join(sorted(dmarc))}"))
    else:
        results.leftovers.add(why, "dmarc_policy")
    neither = (spf or set()) & (dkim or set())
    if neither:
        claimed.append(Claim("spf_dkim_level", 0, "scan", f"neither: {', '.join(sorted(neither))}"))
    else:
        results.leftovers.add(why, "spf_dkim_level")
    return claimed
