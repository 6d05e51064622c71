"""Whom a changed set of rules would touch: a book quoted under two sets of rules, side by side.

Called by `cyberscore rules test` and by apps. Only what rules decide is worked out again: no intervals, no reasons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from cyberscore.exceptions import CoverageError, ProfileError
from cyberscore.profile import Profile, posture_at
from cyberscore.profile.profile import parse_json, read_bytes
from cyberscore.quoting.figures import Firm, Standing, claim_costs, posture_findings, priced, settle
from cyberscore.quoting.terms import check_open_since, cover_offered
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.plan import RatingPlan
from cyberscore.rules import DECISIONS, RuleBook, told_action
from cyberscore.rules.actions import DECISION_OF

MAX_BOOK = 2_000_000_000
"""A book of more bytes than this is refused."""
NO_COVER = "no_cover"
"""In place of a decision: the rules' floors and caps leave nothing of the cover asked for."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One line of a book: a profile and the cover it asks for."""

    name: str
    profile: Profile
    coverage: Coverage = field(default_factory=Coverage)


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What one set of rules says of a risk; premium in USD, None without cover."""

    decision: str
    premium: float | None
    outcomes: dict[str, str]
    cover: dict[str, Any] | None
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """One risk that a change of rules touches; premiums in USD, None without cover.

    `rules` are those that say something else, are new or are gone, with both outcomes; `what` tells what changes:
    decision, premium, cover, conditions.
    """

    name: str
    what: tuple[str, ...]
    decision_before: str
    decision_after: str
    premium_before: float | None
    premium_after: float | None
    rules: dict[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """How a changed set of rules moves a book.

    Attributes
    ----------
    risks : int
        Risks of the book.
    decisions : dict of (before, after) to int
        Risks by decision under both sets; `no_cover` where floors and caps leave nothing.
    rules : dict of rule to dict of outcome to (before, after)
        How many risks each rule says what of, for rules whose counts differ or that only one set has.
    premium_before, premium_after : float
        Sum of indicative premiums (USD) of the risks that have cover under both sets.
    dearer, cheaper : int
        Risks among those whose premium rises or falls.
    touched : tuple of Touched
        Risks whose decision, premium, cover or conditions change, gravest first.
    """

    risks: int
    decisions: dict[tuple[str, str], int]
    rules: dict[str, dict[str, tuple[int, int]]]
    premium_before: float
    premium_after: float
    dearer: int
    cheaper: int
    touched: tuple[Touched, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "risks": self.risks,
            "touched": len(self.touched),
            "decisions": [{"before": a, "after": b, "risks": n} for (a, b), n in self.decisions.items()],
            "rules": {
                rule: {outcome: {"before": a, "after": b} for outcome, (a, b) in counts.items()}
                for rule, counts in self.rules.items()
            },
            "premium_before": self.premium_before,
            "premium_after": self.premium_after,
            "dearer": self.dearer,
            "cheaper": self.cheaper,
            "who": [
                {
                    "name": one.name,
                    "what": list(one.what),
                    "decision": {"before": one.decision_before, "after": one.decision_after},
                    "premium": {"before": one.premium_before, "after": one.premium_after},
                    "rules": {rule: {"before": a, "after": b} for rule, (a, b) in one.rules.items()},
                }
                for one in self.touched
            ],
        }


def read_risks(path: Path) -> list[Risk]:
    """Read a book of risks.

    Parameters
    ----------
    path : Path
        A folder of JSON files, or a file of JSON lines. Each file or line is a profile, or an object with `profile`
        and, as one likes, `coverage` and `name`.

    Raises
    ------
    ProfileError, CoverageError
        Naming the file, the line and what is wrong.
    """
    found = list(_folder(path) if path.is_dir() else _lines(path))
    if not found:
        what = "a folder of .json files" if path.is_dir() else "a file of JSON lines"
        raise ProfileError(f"{path}: no risk found: a book is {what}, each a profile")
    return found


def _folder(path: Path) -> Iterator[Risk]:
    for file in sorted(path.glob("*.json")):
        yield _risk(parse_json(read_bytes(file), name=str(file)), file.stem, str(file))


def _lines(path: Path) -> Iterator[Risk]:
    for number, line in enumerate(read_bytes(path, MAX_BOOK).splitlines(), 1):
        if line.strip():
            where = f"{path}:{number}"
            yield _risk(parse_json(line, name=where), f"line {number}", where)


def _risk(data: Any, name: str, where: str) -> Risk:
    try:
        if not isinstance(data, dict) or "profile" not in data:
            profile = Profile.from_dict(data)
            return Risk(name, profile, cover_asked(None, profile.insured.currency))
        _check_names(data)
        profile = Profile.from_dict(data["profile"])
        asked = Coverage.from_dict(data["coverage"]) if data.get("coverage") else None
        return Risk(str(data.get("name") or name), profile, cover_asked(asked, profile.insured.currency))
    except CoverageError as error:
        raise CoverageError(f"{where}: {error}") from error
    except ProfileError as error:
        raise ProfileError(f"{where}: {error}") from error


def _check_names(data: dict[str, Any]) -> None:
    strange = sorted(set(data) - {"profile", "coverage", "name"})
    if strange:
        raise ProfileError(f"unknown {strange[0]!r}: a risk has profile, coverage and name")


def compare_rules(
    plan: RatingPlan, rules: RuleBook, risks: Iterable[Risk], *, as_of: date | None = None
) -> RuleChanges:
    """Show whom other rules would touch.

    Parameters
    ----------
    plan : RatingPlan
        The plan, with the rules as they are.
    rules : RuleBook
        The rules as they would be; everything else stays as in the plan.
    risks : iterable of Risk
    as_of : date, optional
        Date of the quotes; default the date of each profile's newest observation.

    Raises
    ------
    ProfileError, CoverageError
        Naming the risk that cannot be quoted under the plan as it is.
    """
    other = replace(plan, rules=rules)
    decisions: Counter[tuple[str, str]] = Counter()
    counts: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    total, before_sum, after_sum, dearer, cheaper = 0, 0.0, 0.0, 0, 0
    touched = []
    for risk in risks:
        day = _day(risk, as_of)
        try:
            before, after = (_standpoint(one, risk, day) for one in (plan, other))
        except (ProfileError, CoverageError) as error:
            raise type(error)(f"{risk.name}: {error}") from error
        total += 1
        decisions[before.decision, after.decision] += 1
        for counted, said in zip(counts, (before, after), strict=True):
            counted.update(said.outcomes.items())
        if before.premium is not None and after.premium is not None:
            before_sum, after_sum = before_sum + before.premium, after_sum + after.premium
            dearer += after.premium > before.premium
            cheaper += after.premium < before.premium
        what = _differences(before, after)
        if what:
            touched.append(_touched(risk, before, after, what))
    return RuleChanges(
        risks=total,
        decisions=dict(sorted(decisions.items(), key=lambda item: [_gravity(one) for one in item[0]])),
        rules=_changed_counts(*counts),
        premium_before=round(before_sum, 2),
        premium_after=round(after_sum, 2),
        dearer=dearer,
        cheaper=cheaper,
        touched=tuple(sorted(touched, key=_most_first)),
    )


def _day(risk: Risk, as_of: date | None) -> date:
    if as_of is not None:
        return as_of
    if not risk.profile.newest:
        raise ProfileError(f"{risk.name}: the profile has no observation to take a date from: give as_of")
    return date.fromordinal(risk.profile.newest)


def _standpoint(plan: RatingPlan, risk: Risk, as_of: date) -> Standpoint:
    posture = posture_at(risk.profile, as_of)
    firm = Firm.of(risk.profile.insured, as_of, plan)
    standing = Standing.of(firm, posture)
    firm.rate_of(risk.coverage.currency)  # what is wrong with the request itself is an error, whatever the rules
    check_open_since(risk.coverage, as_of)
    try:
        settled = settle(firm, risk.coverage)
    except CoverageError:
        return Standpoint(NO_COVER, None, {}, {}, ())
    found = posture_findings(firm, settled, standing.values)
    figures = priced(settled, standing.rates, claim_costs(firm, settled, standing.locations), found)
    return Standpoint(
        decision=figures.decision,
        premium=round(figures.premium / settled.terms.conversion, 2),
        outcomes={one.rule.id: one.outcome for one in figures.findings},
        cover=cover_offered(settled.cover, figures.findings),
        asked=tuple(
            told_action(action) for one in figures.findings for action in one.actions if action.type in DECISION_OF
        ),
    )


def _differences(before: Standpoint, after: Standpoint) -> tuple[str, ...]:
    changed = {
        "decision": before.decision != after.decision,
        "premium": before.premium != after.premium,
        "cover": before.cover != after.cover,
        "conditions": before.asked != after.asked,
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)


def _touched(risk: Risk, before: Standpoint, after: Standpoint, what: tuple[str, ...]) -> Touched:
    names = dict.fromkeys((*before.outcomes, *after.outcomes))
    pairs = {rule: (before.outcomes.get(rule), after.outcomes.get(rule)) for rule in names}
    return Touched(
        name=risk.name,
        what=what,
        decision_before=before.decision,
        decision_after=after.decision,
        premium_before=before.premium,
        premium_after=after.premium,
        rules={rule: pair for rule, pair in pairs.items() if pair[0] != pair[1]},
    )


def _changed_counts(
    before: Counter[tuple[str, str]], after: Counter[tuple[str, str]]
) -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for rule in sorted({rule for rule, _ in (*before, *after)}):
        outcomes = sorted({said for name, said in (*before, *after) if name == rule})
        counts = {said: (before[rule, said], after[rule, said]) for said in outcomes}
        if any(a != b for a, b in counts.values()):
            found[rule] = counts
    return found


def _gravity(decision: str) -> int:
    return (*DECISIONS, NO_COVER).index(decision)


def _most_first(one: Touched) -> tuple[float, float, str]:
    """Order by how much graver the decision gets, then by how much the premium moves."""
    moved = abs((one.premium_after or 0.0) - (one.premium_before or 0.0))
    return (_gravity(one.decision_before) - _gravity(one.decision_after), -moved, one.name)
