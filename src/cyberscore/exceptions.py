"""Every error this library raises on purpose, as one tree.

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


class CyberscoreError(Exception):
    """Base of every error that cyberscore raises on purpose."""


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
