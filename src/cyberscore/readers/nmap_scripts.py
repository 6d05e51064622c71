"""What nmap's scripts say of vulnerabilities: the caller is the reader of nmap.

A script of nmap's `vulns` library that writes "State: VULNERABLE" tried the vulnerability: its CVEs are open. One that
looks a version up (vulners, vulscan) guesses: distributions mend without a new version, so its CVEs are reported and
rate nothing. Neither shows what is absent.
"""

import re

from cyberscore.readers.vulnerabilities import cves_in

GUESSING = {"vulners", "vulscan"}
"""Scripts that look CVEs up by version."""
MAX_OUTPUT = 200_000
"""How many characters of a script's output are looked at."""

_BLOCK = re.compile(r"State:\s+([A-Z ]+)")
_IDS = re.compile(r"^(?:[^\S\n]|\|)*IDs:(.*)$", re.MULTILINE)


def verified(output: str) -> list[str]:
    """Return the CVEs that a script tried and found open.

    Parameters
    ----------
    output : str
        A script's output; each vulnerability has its state, then its ids.
    """
    found: list[str] = []
    parts = _BLOCK.split(output[:MAX_OUTPUT])
    for state, text in zip(parts[1::2], parts[2::2], strict=True):
        if state.strip() == "VULNERABLE":
            found += [cve for line in _IDS.findall(text) for cve in cves_in(line)]
    return list(dict.fromkeys(found))


def guessed(script: str, output: str) -> list[str]:
    """Return the CVEs that a script looked up by version."""
    return cves_in(output[:MAX_OUTPUT]) if script in GUESSING else []
