"""What an underwriter insists on: rules as data, three-valued, never rewarding silence."""

from cyberscore.rules.rules import (
    DECISIONS,
    Action,
    Finding,
    Rule,
    RuleBook,
    decision_of,
    evaluate,
    rate_percent,
)

__all__ = ["DECISIONS", "Action", "Finding", "Rule", "RuleBook", "decision_of", "evaluate", "rate_percent"]
