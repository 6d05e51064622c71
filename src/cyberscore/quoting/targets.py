"""What a path is to reach: a band, a score, a premium or a decision. Callers give it to `path_to`, typed or as text."""

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, Self

from cyberscore.exceptions import TargetError
from cyberscore.money import number_of, plain
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import BANDS, clipped
from cyberscore.rules import DECISIONS

Kind = Literal["score", "premium", "decision"]

SCORE_TOLERANCE = 1e-9
"""A score is a sum whose last digits depend on the order of its terms: one that a quote told must be reachable."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound to come under; made by `band`, `score`, `premium`, `no_referral`, `no_conditions` or `parse`.

    Attributes
    ----------
    kind : {"score", "premium", "decision"}
        What must come down; of a decision the bound is a place in the order quote, quote_with_contingencies, refer,
        decline.
    text : str
        The target in words.
    at_most : float
        Largest premium, score or place; of a band infinite, since its edge stands in the plan.
    letter : str
        The band wanted, or a safer one.
    """

    kind: Kind
    text: str
    at_most: float
    letter: str = ""

    @classmethod
    def band(cls, letter: str) -> Self:
        """Score in this band or a safer one."""
        if letter not in BANDS:
            raise TargetError(f"a band is one of {', '.join(BANDS)}; got {letter!r}")
        return cls("score", f"band {letter}", math.inf, letter)

    @classmethod
    def score(cls, at_most: float) -> Self:
        """Risk score (as shown, 0 to 100) of at most this."""
        value = _number(at_most, "risk score")
        if value > 100:
            raise TargetError(f"a risk score lies between 0 and 100; got {at_most!r}")
        return cls("score", f"risk score of at most {value:g}", value)

    @classmethod
    def premium(cls, at_most: float) -> Self:
        """Come to an indicative premium of at most this, in the quote's currency."""
        value = _number(at_most, "premium")
        return cls("premium", f"premium of at most {plain(value)}", value)

    @classmethod
    def no_referral(cls) -> Self:
        """Quoted automatically, with conditions or without."""
        return cls("decision", "no referral", 1.0)

    @classmethod
    def no_conditions(cls) -> Self:
        """Quoted automatically and without conditions."""
        return cls("decision", "no conditions", 0.0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Target from text: ``band:B``, ``score:45``, ``premium:1200``, ``no-referral`` or ``no-conditions``.

        Raises
        ------
        TargetError
            When it is none of them.
        """
        found = re.fullmatch(r"(?:max[\s_-])?([a-z]+)(?:[\s_:=]++|(?<=no)-)(.+)", text.strip(), flags=re.IGNORECASE)
        name, value = (found[1].lower(), found[2].strip()) if found else ("", "")
        if name == "no" and value.lower() in {"referral", "conditions"}:
            return cls.no_referral() if value.lower() == "referral" else cls.no_conditions()
        if name == "band":
            return cls.band(value.upper())
        if name in {"premium", "score"}:
            try:
                number = number_of(value)
            except ValueError as error:
                example = "premium:1200" if name == "premium" else "score:45"
                raise TargetError(f"{name} wants a number, such as {example}; got {text!r}: {error}") from None
            return cls.premium(number) if name == "premium" else cls.score(number)
        raise TargetError(f"a target is band:B, score:45, premium:1200, no-referral or no-conditions; got {text!r}")

    def told(self, currency: str) -> str:
        """Put it into words for a quote in a currency."""
        return f"premium of at most {plain(self.at_most, currency)} {currency}" if self.kind == "premium" else self.text

    def met(self, plan: RatingPlan, *, score: float, premium: float, decision: str) -> bool:
        """Whether a quote with this unclipped score, indicative premium and decision meets it."""
        if self.kind == "score":
            if self.letter:
                return bisect_right(plan.score.band_edges, score) <= BANDS.index(self.letter)
            return clipped(score) <= self.at_most + SCORE_TOLERANCE
        if self.kind == "premium":
            return premium <= self.at_most
        return DECISIONS.index(decision) <= self.at_most

    def score_bound(self, plan: RatingPlan) -> float:
        """Unclipped score that must not be exceeded."""
        if not self.letter:
            return math.inf if self.at_most >= 100.0 else self.at_most + SCORE_TOLERANCE
        place = BANDS.index(self.letter)
        return math.inf if place >= len(plan.score.band_edges) else plan.score.band_edges[place]


def _number(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise TargetError(f"a {name} to come under must be a number of at least 0; got {value!r}")
    return float(value)
