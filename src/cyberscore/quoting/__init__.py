"""The answer: quotes."""

from cyberscore.quoting.differences import Difference
from cyberscore.quoting.engine import quote, risk_score
from cyberscore.quoting.improvements import Improvement
from cyberscore.quoting.path import PathStep, PathToTarget, path_to
from cyberscore.quoting.quote import Quote
from cyberscore.quoting.reasons import Reason
from cyberscore.quoting.record import QuoteRecord, Replay, record
from cyberscore.quoting.record_log import QuoteLog, Verification
from cyberscore.quoting.targets import Target
from cyberscore.quoting.what_if import WhatIf, what_if

__all__ = [
    "Difference",
    "Improvement",
    "PathStep",
    "PathToTarget",
    "Quote",
    "QuoteLog",
    "QuoteRecord",
    "Reason",
    "Replay",
    "Target",
    "Verification",
    "WhatIf",
    "path_to",
    "quote",
    "record",
    "risk_score",
    "what_if",
]
