"""Connections: standing sources of evidence that a profile lists; observations name the one that delivered them."""

from pydantic import Field

from cyberscore.profile.evidence import SourceName
from cyberscore.profile.moments import Day
from cyberscore.profile.problems import Input


class Connection(Input):
    """A standing source of evidence, such as a mail tenant or a weekly scan.

    Once withdrawn, what it found in the insured's favour no longer counts; what it found against the insured stands.
    """

    name: str = Field(min_length=1, max_length=200)
    kind: SourceName
    withdrawn_at: Day | None = None
