"""Every error this library raises on purpose, as one tree. Messages are bounded, whatever the input repeats.

CyberscoreError
 ├─ ProfileError (ValueError)      a profile, an insured or an observation
 ├─ CoverageError (ValueError)     a coverage request
 ├─ ReadingError (ValueError)      a tool's export
 ├─ PlanError (ValueError)         a rating plan on disk or in memory
 │   └─ RuleError                  its underwriting rules
 ├─ TrainingError (ValueError)     a book of policies and claims
 ├─ RecordError (ValueError)       a quote on record, or a log of them
 ├─ TargetError (ValueError)       a target to find a path to, or the costs of fixes
 └─ MissingExtraError (ImportError) an optional dependency
"""

MOST_LINES = 50
"""Lines of a message that are told, one a problem; the others are counted."""
LONGEST_LINE = 1_000
"""Characters of a line; of a longer one the beginning and the end are told."""


class CyberscoreError(Exception):
    """Base of every error that cyberscore raises on purpose."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(bounded_text(part) if isinstance(part, str) else part for part in args))


class ProfileError(CyberscoreError, ValueError):
    """A profile, an insured or an observation is not valid."""


class CoverageError(CyberscoreError, ValueError):
    """A coverage request is not valid."""


class ReadingError(CyberscoreError, ValueError):
    """A tool's export cannot be read."""


class PlanError(CyberscoreError, ValueError):
    """A rating plan is damaged, out of bounds or of an unknown version."""


class RuleError(PlanError):
    """An underwriting rule is not valid."""


class TrainingError(CyberscoreError, ValueError):
    """A book of policies and claims cannot be learned from."""


class RecordError(CyberscoreError, ValueError):
    """A quote on record, or a log of them, cannot be read or was changed."""


class TargetError(CyberscoreError, ValueError):
    """A target to find a path to, or the costs of fixes, are not valid."""


class MissingExtraError(CyberscoreError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


def bounded_text(text: str) -> str:
    """Return a message of at most `MOST_LINES` lines, each of at most `LONGEST_LINE` characters."""
    if len(text) <= LONGEST_LINE and text.count("\n") < MOST_LINES:
        return text
    lines = text.split("\n")
    told = [bounded_line(line) for line in lines[:MOST_LINES]]
    more = len(lines) - MOST_LINES
    # a message that was cut before ends with its own count
    last = [bounded_line(lines[-1])] if more == 1 else [f"and {more:,} more"] if more > 0 else []
    return "\n".join(told + last)


def bounded_line(line: str, longest: int = LONGEST_LINE) -> str:
    """Return a line with its middle left out where it is too long: the place stands first, the remedy last."""
    if len(line) <= longest:
        return line
    start = longest * 2 // 3
    return f"{line[:start]} ... {line[-(longest - start - 5) :]}"
