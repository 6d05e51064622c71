"""Underwrite the cyber risk of small and medium enterprises: profile in; score, premium, decision and reasons out."""

from cyberscore.examples import example, example_names
from cyberscore.exceptions import (
    CoverageError,
    CyberscoreError,
    PlanError,
    ProfileError,
    ReadingError,
    RecordError,
    RuleError,
    TrainingError,
)
from cyberscore.profile import Connection, Insured, Observation, Posture, Profile, Signal, posture_at, signals
from cyberscore.quoting import (
    Improvement,
    Quote,
    QuoteLog,
    QuoteRecord,
    Reason,
    Replay,
    WhatIf,
    quote,
    record,
    risk_score,
    what_if,
)
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan

__all__ = [
    "Connection",
    "Coverage",
    "CoverageError",
    "CyberscoreError",
    "Improvement",
    "Insured",
    "Observation",
    "PlanError",
    "Posture",
    "Profile",
    "ProfileError",
    "Quote",
    "QuoteLog",
    "QuoteRecord",
    "RatingPlan",
    "ReadingError",
    "Reason",
    "RecordError",
    "Replay",
    "RuleError",
    "Signal",
    "TrainingError",
    "WhatIf",
    "example",
    "example_names",
    "load_plan",
    "posture_at",
    "quote",
    "record",
    "risk_score",
    "signals",
    "what_if",
]
