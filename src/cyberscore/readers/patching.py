"""How fast findings are fixed, from the days they were first seen and fixed: the caller is `findings`.

- `critical_patch_median_days`: median days from when a critical finding was first seen until it was fixed. Those
  still open count as fixed no earlier than the scan (the median of Kaplan and Meier), so that leaving the slow ones
  open does not help.
- `patch_14d_rate`: of high and critical findings first seen at least 14 days before the scan, the share fixed within 14
  days; it needs an authenticated look, since the catalogue takes it as telemetry alone.

One scan shows what is open, not what was fixed: without fixed findings, or without any open finding (an export of fixed
ones alone), nothing is claimed.
"""

from datetime import date, datetime

from cyberscore.readers.base import Claim, Leftovers

MIN_FIXED = 5
"""Fewer fixed findings than this tell no rate (judgement)."""
WINDOW_DAYS = 365
"""Findings fixed earlier than this before the scan say nothing of how fast patches come now (judgement)."""


class Patching:
    """Ages of findings while a scan is read."""

    def __init__(self) -> None:
        self.authenticated = False
        self.open_seen = 0
        self._findings: list[tuple[bool, int, int | None]] = []

    def add(self, severity: str, first_seen: date | None, fixed: date | None, *, is_open: bool) -> None:
        """Take a finding of severity "high" or "critical" whose first day is known; others say nothing."""
        self.open_seen += is_open
        usable = first_seen is not None and (is_open or (fixed is not None and fixed >= first_seen))
        if severity not in {"high", "critical"} or not usable or first_seen is None:
            return
        last = None if is_open or fixed is None else fixed.toordinal()
        self._findings.append((severity == "critical", first_seen.toordinal(), last))

    def claims(self, when: datetime, leftovers: Leftovers) -> list[Claim]:
        """Make the claims that the findings support."""
        today = when.toordinal()
        recent = [one for one in self._findings if one[2] is None or 0 <= today - one[2] <= WINDOW_DAYS]
        if not any(fixed is not None for _, _, fixed in recent):
            return []
        if not self.open_seen:
            leftovers.add("only fixed findings are listed, which tells no rate", "critical_patch_median_days")
            return []
        return [*self._median(recent, today, leftovers), *self._rate(recent, today, leftovers)]

    @staticmethod
    def _median(recent: list[tuple[bool, int, int | None]], today: int, leftovers: Leftovers) -> list[Claim]:
        name = "critical_patch_median_days"
        ages = sorted(
            (max(0, (today if fixed is None else fixed) - first), fixed is None)
            for critical, first, fixed in recent
            if critical
        )
        fixed_count = sum(not still for _, still in ages)
        if fixed_count < MIN_FIXED:
            leftovers.add(f"fewer than {MIN_FIXED} fixed critical findings", name)
            return []
        text = f"{fixed_count} critical findings fixed, {len(ages) - fixed_count} open"
        days = kaplan_meier_median(ages)
        if days is None:
            return [Claim(name, ages[-1][0], "scan", f"{text}; more than half are not fixed after that")]
        return [Claim(name, days, "scan", text)]

    def _rate(self, recent: list[tuple[bool, int, int | None]], today: int, leftovers: Leftovers) -> list[Claim]:
        name = "patch_14d_rate"
        due = [(first, fixed) for _, first, fixed in recent if today - first >= 14]
        in_time = sum(fixed is not None and fixed - first <= 14 for first, fixed in due)
        if not self.authenticated:
            leftovers.add("needs a look from inside", name)
        elif len(due) < MIN_FIXED:
            leftovers.add(f"fewer than {MIN_FIXED} high findings due", name)
        else:
            text = f"{in_time} of {len(due)} high and critical findings fixed within 14 days"
            return [Claim(name, round(in_time / len(due), 6), "telemetry", text)]
        return []


def kaplan_meier_median(ages: list[tuple[int, bool]]) -> int | None:
    """Return the day by which half are fixed; None when more than half are still open at the last.

    Parameters
    ----------
    ages : list of (days, still open)
        Sorted; on the same day the fixed come before those still open.

    References
    ----------
    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    """
    left, surviving = len(ages), 1.0
    for days, still_open in ages:
        if not still_open:
            surviving *= (left - 1) / left
            if surviving <= 0.5 + 1e-12:
                return days
        left -= 1
    return None
