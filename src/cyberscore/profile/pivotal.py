"""Findings on which it turns how a signal is weighed: the caller prices disputes, however many there are."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from cyberscore.profile.evidence import MAX_RANK, Prepared, not_cleared, riskiness, value_for_rules
from cyberscore.profile.signals import Signal

_Weighed: TypeAlias = tuple[int, float, Prepared]
"""An observation with its code and its weight at a date."""


def pivotal(about: Signal, prepared: Sequence[Prepared], day: int) -> frozenset[str]:
    """Name the findings without any one of which a signal would be weighed otherwise; there are only a few.

    Without any other finding, mixture and rule value stay as they are: something as bad and as well sourced stands
    beside it, or it was cleared and a later one too. So that many disputes need not each weigh all evidence anew.

    Returns
    -------
    frozenset of str
        Digests of observations.
    """
    distinct = {one.observation: one for one in prepared}
    if len(distinct) == 1:
        return frozenset(one.digest for one in distinct)
    adverse: list[_Weighed] = []
    favourable: list[_Weighed] = []
    for one in distinct.values():
        code = one.code_at(about, day)
        if not one.lapsed(about, code, day):
            (adverse if code > about.unknown else favourable).append((code, one.weight_at(about, code, day), one))
    standing = not_cleared(adverse, favourable)
    found = set()
    if len(standing) == 1:
        found = {standing[0][2].observation.digest}
    elif standing:
        for code in {item[0] for item in standing}:
            found |= _alone_highest([item for item in standing if item[0] == code], lambda item: item[1])
        found |= _alone_highest(
            standing, lambda item: (item[0], riskiness(about, value_for_rules(about, item[2], day)))
        )
    else:  # what was cleared still takes the place of older favourable evidence
        for rank in range(MAX_RANK + 1):
            found |= _alone_highest([item for item in adverse if item[2].rank >= rank], lambda item: item[2].moment)
    return frozenset(found)


def _alone_highest(items: Sequence[_Weighed], measure: Callable[[_Weighed], Any]) -> set[str]:
    """Digest of the item that measures highest, if it is the only one."""
    measures = [measure(item) for item in items]
    highest = max(measures, default=None)
    return {items[measures.index(highest)][2].observation.digest} if measures.count(highest) == 1 else set()
