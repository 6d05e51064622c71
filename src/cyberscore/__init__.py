"""Underwrite the cyber risk of small and medium enterprises: profile in; score, premium, decision and reasons out."""

from cyberscore.examples import example, example_names
from cyberscore.exceptions import (
    CoverageError,
    CyberscoreError,
    PlanError,
    ProfileError,
    ReadingError,
    RuleError,
    TrainingError,
)
from cyberscore.profile import Connection, Insured, Observation, Posture, Profile, Signal, posture_at, signals
from cyberscore.quoting import Improvement, Quote, Reason, quote, risk_score
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
    "RatingPlan",
    "ReadingError",
    "Reason",
    "RuleError",
    "Signal",
    "TrainingError",
    "example",
    "example_names",
    "load_plan",
    "posture_at",
    "quote",
    "risk_score",
    "signals",
]
