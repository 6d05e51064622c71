"""checkdmarc's results (JSON of one domain or several, or CSV): callers are the command line and apps.

Of the firm's domains the worst counts; onmicrosoft.com does not. A record is none only where the tool says that it is
absent, in a wrong place or there twice: whatever else went wrong (a look-up that failed, a record that the tool
withheld beside others) says nothing. checkdmarc looks up no DKIM keys: SPF alone shows level 1 at least, and without
SPF the level is left open. Its DNSSEC, MTA-STS and STARTTLS results are one half of `tls_dns_hygiene` without the
other, the firm's own servers: they are reported. `mail_platform` is claimed where all mail goes to Google or
Microsoft 365 directly. The files do not tell when the look-ups were made.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import mail_records
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, date_of
from cyberscore.readers.documents import read_json, read_table
from cyberscore.readers.fields import at, objects, text_at
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of

TOOL = "checkdmarc"

MAX_BYTES = 64_000_000
"""A file larger than this is refused."""

_POLICIES = ("none", "monitor", "quarantine", "reject")
_NAME = re.compile(r"(?<![\w-])(?:[\w-]+\.)+[\w-]+")  # a domain may be called timeout.example or not-found.example
_RECORD = re.compile(r"record\b")
_HAS_NO = re.compile(r"does not have an? ([\w ]*)")
_TWICE = re.compile(r"^multiple |has multiple ", re.IGNORECASE)
_HOSTS = {
    "google": re.compile(r"\.(google|googlemail)\.com$"),
    "microsoft_365": re.compile(r"\.(mail\.protection\.outlook\.com|mx\.microsoft)$"),
}
_REPORTED = ("dnssec", "mta_sts", "smtp_tls_reporting", "bimi", "soa", "ns")


def looks_like(head: Head) -> int:
    """Whether a file is checkdmarc's."""
    if head.form == "text":
        return 2 if head.has_columns("domain", "spf_record", "dmarc_record") else 0
    return 2 if head.has_keys("domain", "spf", "dmarc") or head.has_keys("domain", "base_domain") else 0


def read(
    source: Input, *, observed_at: date | datetime | str | None = None, assets_total: int | None = None
) -> Reading:
    """Read results of checkdmarc.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str
        When the records were looked up; the file does not tell.
    assets_total : int, optional
        How many domains the firm has in all.

    Raises
    ------
    ReadingError
        When the file is missing, too large, damaged, or not checkdmarc's; or when `observed_at` is missing.
    """
    name, leftovers = name_of(source), Leftovers()
    if Head.of(source, MAX_BYTES).form == "text":
        found = [_from_row(row) for row in read_table(source, MAX_BYTES, ("domain", "spf_record", "dmarc_record"))]
    else:
        content = read_json(source, MAX_BYTES, arrays=True)
        found = objects(content if isinstance(content, list) else [content], f"{name}: the list")
    if not found or not all(text_at(one, "domain") for one in found):
        raise ReadingError(f"{name}: not results of checkdmarc (no domain): give its JSON or CSV output")
    when = date_of(None, observed_at, name, leftovers)
    domains = {mail_records.tidy(text_at(one, "domain"))[:253]: one for one in found}
    own = {domain: one for domain, one in domains.items() if mail_records.is_own(domain)}
    leftovers.add("domain that is Microsoft's, not the firm's own", *(one for one in domains if one not in own))
    for one in own.values():
        leftovers.add("result that no signal rates", *(key for key in _REPORTED if one.get(key) not in (None, "")))
    return Reading.of(
        TOOL,
        None,
        when,
        list(_claims(own, leftovers, name)),
        assets=Assets("domains", len(own)) if own else None,
        scope={"domains": list(own)[:200]},
        leftovers=leftovers,
        assets_total=assets_total,
    )


def _from_row(row: dict[str, str]) -> dict[str, Any]:
    """Return a row of the CSV output as the JSON output has it."""

    def record(kind: str, place: str = "") -> dict[str, Any]:
        return {
            "record": row.get(f"{kind}_record") or None,
            "valid": row.get(f"{kind}_valid", "").strip().lower() == "true",
            "error": row.get(f"{kind}_error") or None,
            "location": row.get(place) or None,
        }

    hosts = [{"hostname": one} for one in re.split(r"[|,\s]+", row.get("mx", "")) if "." in one]
    return {
        "domain": row["domain"],
        "base_domain": row.get("base_domain", ""),
        "spf": record("spf"),
        "dmarc": record("dmarc", "dmarc_record_location"),
        "mx": {"hosts": hosts},
    }


def _record(found: dict[str, Any], kind: str) -> tuple[str, ...] | None:
    """Texts of a record, empty if there is none; None when it was not seen and may be there."""
    result = found.get(kind)
    if not isinstance(result, dict):
        return None
    text, error = text_at(result, "record"), text_at(result, "error")
    if text:  # of a broken DMARC record receivers read what they can, of a broken SPF record nothing
        return (text,) if kind == "dmarc" or result.get("valid") is not False else ()
    words = _NAME.sub("", error.partition("\n")[0]).strip()  # other records that are quoted stand on later lines
    return () if _is_absent(words.lower()) or _TWICE.search(words) else None


def _is_absent(words: str) -> bool:
    """Whether an error says that there is no such record."""
    record = _RECORD.search(words)
    after = "" if record is None else words[record.end() :]
    missing = any(what in after for what in ("does not exist", "not found")) or words.startswith("not found")
    return missing or any("record" in what for what in _HAS_NO.findall(words)) or "record must be located at" in words


def _claims(own: dict[str, dict[str, Any]], leftovers: Leftovers, name: str) -> Iterator[Claim]:
    if not own:
        leftovers.add("mail domain: none is the firm's own", "dmarc_policy", "spf_dkim_level")
        return
    policies, spf = {}, {}
    for domain, one in own.items():
        texts = _record(one, "dmarc")
        if texts is None:
            leftovers.add("DMARC record was not seen: the look-up failed, or the tool withheld it", domain)
        else:
            place = mail_records.tidy(text_at(one, "dmarc", "location")).removeprefix("_dmarc.")
            policies[domain] = mail_records.dmarc_policy(texts, inherited=bool(place) and place != domain)
        texts = _record(one, "spf")
        if texts is None:
            leftovers.add("SPF record was not seen: the look-up failed, or the tool withheld it", domain)
        else:
            spf[domain] = mail_records.has_spf(texts)
    if policies:
        worst = min(policies, key=lambda domain: _POLICIES.index(policies[domain]))
        if len(policies) == len(own) or policies[worst] == "none":
            text = f"worst of {len(own)} domains: {worst}"
            yield Claim("dmarc_policy", policies[worst], "scan", text)
        else:
            leftovers.add("not all domains were looked up: the worst is not known", "dmarc_policy")
    if len(spf) == len(own) and all(spf.values()):
        yield Claim("spf_dkim_level", 1, "scan", f"at least: SPF on {len(own)} domains; DKIM is not looked up")
    else:
        leftovers.add(
            "without SPF on every domain and with DKIM not looked up, the level is not known", "spf_dkim_level"
        )
    yield from _platform(own, leftovers, name)


def _platform(own: dict[str, dict[str, Any]], leftovers: Leftovers, name: str) -> Iterator[Claim]:
    hosts = [
        mail_records.tidy(text_at(host, "hostname"))
        for one in own.values()
        for host in objects(at(one, "mx", "hosts"), f"{name}: mx.hosts")
    ]
    hosts = [one for one in hosts if one]  # a null MX takes no mail (RFC 7505)
    for platform, pattern in _HOSTS.items():
        if hosts and all(pattern.search(f".{one}") for one in hosts):
            yield Claim("mail_platform", platform, "scan", f"mail goes to {hosts[0]}")
            return
    leftovers.add("mail host that does not show which platform is behind it", *hosts)
