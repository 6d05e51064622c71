"""What SPF, DKIM and DMARC records of a domain say: callers are the readers of tools that look them up."""

import re
from collections.abc import Iterable

_MICROSOFT_OWN = re.compile(r"(^|\.)(onmicrosoft\.(com|us|cn|de)|partner\.onmschina\.cn)$")
_WEAKER = {"reject": "quarantine", "quarantine": "monitor", "monitor": "monitor"}


def tidy(domain: str) -> str:
    """Return a domain in lower case without a final dot."""
    return domain.strip().rstrip(".").lower()


def is_own(domain: str) -> bool:
    """Whether a domain is the firm's own rather than one that Microsoft gave its tenant."""
    return bool(domain) and _MICROSOFT_OWN.search(domain) is None


def has_spf(texts: Iterable[str]) -> bool:
    """Whether TXT records hold one SPF policy that fails other senders, or sends on to one.

    Two policies are an error to receivers (RFC 7208, section 4.5), which is as good as none.
    """
    found = [text.lower().split() for text in texts if re.match(r"\s*v=spf1(\s|$)", text, re.IGNORECASE)]
    return len(found) == 1 and any(term in {"-all", "~all"} or term.startswith("redirect=") for term in found[0][1:])


def has_dkim(texts: Iterable[str]) -> bool:
    """Whether TXT records hold a DKIM key; an empty one was withdrawn (RFC 6376, section 3.6.1)."""
    keys = [tags for tags in map(_tags, texts) if tags.get("v", "DKIM1").upper() == "DKIM1"]
    return any(tags.get("p") for tags in keys)


def dmarc_policy(texts: Iterable[str], *, inherited: bool = False) -> str:
    """Return none, monitor, quarantine or reject: what happens at least to every message that fails.

    Two records count as none (RFC 7489, section 6.6.3). A share below 100 % leaves the rest to the next
    weaker policy (section 6.6.4), as does the test mode that replaced it. A subdomain that inherits follows
    `sp`.
    """
    found = [tags for tags in map(_tags, texts) if tags.get("v", "").upper() == "DMARC1"]
    if len(found) != 1:
        return "none"
    tags = found[0]
    asked = tags.get("sp", tags.get("p", "")) if inherited else tags.get("p", "")
    asked = asked.lower()
    if asked not in {"none", "quarantine", "reject"}:
        return "monitor" if tags.get("rua") else "none"
    policy = "monitor" if asked == "none" else asked
    share = tags.get("pct", "100")
    partial = share.isascii() and share.isdigit() and len(share) <= 3 and int(share) < 100
    return _WEAKER[policy] if partial or tags.get("t", "").lower() == "y" else policy


def _tags(text: str) -> dict[str, str]:
    """Tags of a record such as "v=DMARC1; p=reject"; the first of each name counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found
