"""What an underwriter insists on: rules as data, three-valued, never rewarding silence."""

from cyberscore.rules.actions import DECISIONS, STAGES, Action, told_action
from cyberscore.rules.conditions import condition_text
from cyberscore.rules.rule import OUTCOMES, Rule, stage_name
from cyberscore.rules.rules import Finding, RuleBook, decision_of, evaluate, rate_percent

__all__ = [
    "DECISIONS",
    "OUTCOMES",
    "STAGES",
    "Action",
    "Finding",
    "Rule",
    "RuleBook",
    "condition_text",
    "decision_of",
    "evaluate",
    "rate_percent",
    "stage_name",
    "told_action",
]
