"""Amounts of money as text, written and read: every part of the library that shows or takes an amount calls this.

An amount has as many decimals as its currency (ISO 4217), and thousands are set apart by commas. `written` shows all
decimals, as a premium has; `plain` only where there are any, as in a limit; `short` says millions as an underwriter
does; `whole` rounds what is an estimate, `outward` an interval; `literal` is for error messages, as Python writes.
"""

import math
import re
from decimal import Decimal

_WITHOUT_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_IN_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
MINOR_UNITS = dict.fromkeys(_WITHOUT_CENTS.split(), 0) | dict.fromkeys(_IN_THOUSANDTHS.split(), 3)
"""Decimals of currencies that have not two (ISO 4217)."""

_WHOLE = r"(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+)"
_NUMBER = re.compile(rf"[+-]?(?:(?:{_WHOLE}(?:\.\d*)?|\.\d+)(?:e[+-]?\d{{1,3}})?|nan|inf)")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")


def decimals_of(currency: str) -> int:
    """Decimals of a currency: 2 of most, 0 of the yen, 3 of the Kuwaiti dinar."""
    return MINOR_UNITS.get(currency, 2)


def converted(amount: float, rate: float) -> float:
    """Convert an amount at a rate, to 14 digits: all that were told, and no noise of floats at the edge of a rule.

    Examples
    --------
    >>> 28_000_000 * 1e-6, converted(28_000_000, 1e-6)
    (28.0, 28.0)
    >>> converted(123_456_789, 0.000039)
    4814.814771
    """
    return float(f"{amount * rate:.14g}")


def written(amount: float, currency: str, sign: str = "") -> str:
    """Write an amount with every decimal of its currency; `sign` + shows that of any number.

    Examples
    --------
    >>> written(1234.5, "USD"), written(1234.5, "KWD"), written(1234, "JPY", "+")
    ('1,234.50', '1,234.500', '+1,234')
    """
    return f"{amount:{sign},.{decimals_of(currency)}f}"


def plain(amount: float, currency: str = "USD") -> str:
    """Write an amount with the decimals of its currency, or with none where it is whole.

    Examples
    --------
    >>> plain(250_000, "KWD"), plain(769.231, "KWD"), plain(99.5)
    ('250,000', '769.231', '99.50')
    """
    text = written(amount, currency)
    whole, point, decimals = text.partition(".")
    return text if point and decimals.strip("0") else whole


def whole(amount: float) -> str:
    """Write an amount rounded to whole units, as an estimate is told: 1,234."""
    return f"{amount:,.0f}"


def outward(low: float, high: float) -> tuple[str, str]:
    """Write the ends of an interval in whole units, rounded outward: it holds as written what it held.

    Examples
    --------
    >>> outward(342.592, 401.2), outward(500.0, 500.0)
    (('342', '402'), ('500', '500'))
    """
    return whole(math.floor(low)), whole(math.ceil(high))


def short(amount: float, currency: str = "USD") -> str:
    """Write an amount as an underwriter does, in millions where no digit is lost; a thousand million and more in full.

    Examples
    --------
    >>> short(2.5e6), short(4_999_999.99), short(2e12, "VND")
    ('2.5M', '4,999,999.99', '2,000,000,000,000')
    """
    if 1e6 <= amount < 1e9 and round(amount / 1e6, 3) * 1e6 == amount:
        return f"{amount / 1e6:.10g}M"
    return plain(amount, currency)


def literal(amount: float) -> str:
    """Write an amount as it was given, for an error message: 1_000_000, 0.2."""
    return f"{amount:_.15g}"


def rate_text(usd: float) -> str:
    """Write an exchange rate with six digits that tell, and never as a power of ten: 1.31, 0.000039."""
    return f"{Decimal(f'{usd:.6g}'):f}"


def number_of(text: str) -> float:
    """Read a number that a person typed; one that may be read in two ways is refused.

    Thousands may be set apart by commas or underscores, and decimals follow a point. `1.200` is 1200 to some and 1.2 to
    others. Whether a number is finite and within bounds is for whoever takes it to say.

    Raises
    ------
    ValueError
        Saying how to write it.

    Examples
    --------
    >>> number_of("1,200.50"), number_of("1200"), number_of("0.125")
    (1200.5, 1200.0, 0.125)
    """
    said = text.strip()
    if _EITHER.fullmatch(said):
        whole, _, thousandths = said.partition(".")
        decimal = f"{whole}.{thousandths}".rstrip("0").rstrip(".")
        decimal += "0" if decimal == said else ""  # the same number in digits that can only mean it
        raise ValueError(f"{said!r} may be {whole}{thousandths} or {decimal}: write the one that is meant")
    if not _NUMBER.fullmatch(said.lower()):
        raise ValueError(
            f"{said!r} is not a number such as 1200, 1,200 or 1200.50: write it without units, thousands with commas "
            "or nothing between them, and decimals after a point"
        )
    return float(said.replace(",", "").replace("_", ""))
