"""Numbers known only by bounds, which follow from other answers: the insured draws them, rules compare them."""

import math
from dataclasses import dataclass

LEAST = math.nextafter(0.0, 1.0)
"""The least number above zero: a bound of what is not nothing."""


@dataclass(frozen=True, slots=True)
class Between:
    """A number that nobody stated, from `low` to `high`, both included."""

    low: float = 0.0
    high: float = math.inf
