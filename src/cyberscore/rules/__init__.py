"""What an underwriter insists on: rules as data, three-valued, never rewarding silence."""

from cyberscore.rules.actions import DECISIONS, STAGES, Action
from cyberscore.rules.rules import (
    OUTCOMES,
    Finding,
    Rule,
    RuleBook,
    decision_of,
    evaluate,
    rate_percent,
    stage_name,
)

__all__ = [
    "DECISIONS",
    "OUTCOMES",
    "STAGES",
    "Action",
    "Finding",
    "Rule",
    "RuleBook",
    "decision_of",
    "evaluate",
    "rate_percent",
    "stage_name",
]
