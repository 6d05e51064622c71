"""The answer: quotes."""

from cyberscore.quoting.engine import quote, risk_score
from cyberscore.quoting.improvements import Improvement
from cyberscore.quoting.quote import Quote
from cyberscore.quoting.reasons import Reason

__all__ = ["Improvement", "Quote", "Reason", "quote", "risk_score"]
