"""The answer: quotes."""

from cyberscore.quoting.differences import Difference
from cyberscore.quoting.engine import quote, risk_score
from cyberscore.quoting.explain_change import ChangeExplanation, ChangeStep, explain_change
from cyberscore.quoting.improvements import Improvement
from cyberscore.quoting.next_evidence import NextEvidence, NextQuestion, next_evidence
from cyberscore.quoting.path import PathStep, PathToTarget, path_to
from cyberscore.quoting.quote import Quote
from cyberscore.quoting.reasons import Reason
from cyberscore.quoting.record import QuoteRecord, Replay, record
from cyberscore.quoting.record_log import QuoteLog, Verification
from cyberscore.quoting.targets import Target
from cyberscore.quoting.timeline import Trajectory, TrajectoryPoint, trajectory
from cyberscore.quoting.watch import Alert, Watch, WatchState, watch
from cyberscore.quoting.what_if import WhatIf, what_if

__all__ = [
    "Alert",
    "ChangeExplanation",
    "ChangeStep",
    "Difference",
    "Improvement",
    "NextEvidence",
    "NextQuestion",
    "PathStep",
    "PathToTarget",
    "Quote",
    "QuoteLog",
    "QuoteRecord",
    "Reason",
    "Replay",
    "Target",
    "Trajectory",
    "TrajectoryPoint",
    "Verification",
    "Watch",
    "WatchState",
    "WhatIf",
    "explain_change",
    "next_evidence",
    "path_to",
    "quote",
    "record",
    "risk_score",
    "trajectory",
    "watch",
    "what_if",
]
