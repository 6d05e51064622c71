"""Amounts of money in the words of rules: marked in USD, told in a quote's currency. Callers are rules and quoting.

A rule's text marks an amount by braces, `Ransomware limited to {250,000} until MFA covers email.`, so that a quote in
USD says 250,000 and one in euro what that is in euro, with the plan's USD beside it: `217,391.30 EUR (250,000 USD)`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from cyberscore.money import short, written

MARK = re.compile(r"\{([0-9][0-9,]*(?:\.[0-9]+)?)(M?)\}")


@dataclass(frozen=True, slots=True)
class Money:
    """A currency, how much of it one USD is, and how many decimals it has."""

    currency: str = "USD"
    conversion: float = 1.0
    decimals: int = 2

    def shown(self, usd: float) -> float:
        """Convert an amount of USD, rounded to the minor unit."""
        return round(usd * self.conversion, self.decimals)

    def told(self, usd: float, write: Callable[[float, str], str] = short) -> str:
        """Say an amount of USD in the currency; in another than USD with its name, and the USD beside it."""
        if self.currency == "USD":
            return write(usd, "USD")
        return f"{write(self.shown(usd), self.currency)} {self.currency} ({write(round(usd, 2), 'USD')} USD)"

    def told_in_full(self, usd: float) -> str:
        """Say an amount of USD as `told`, with all decimals of each currency."""
        return self.told(usd, written)

    def text(self, marked: str) -> str:
        """Return a rule's text with its amounts in the currency."""
        if "{" not in marked:
            return marked
        if self.currency == "USD":
            return MARK.sub(r"\1\2", marked)
        return MARK.sub(lambda found: self.told(_usd(found)), marked)


USD = Money()


def _usd(found: re.Match[str]) -> float:
    return float(found[1].replace(",", "")) * (1e6 if found[2] else 1.0)
