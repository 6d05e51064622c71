"""What to ask next: which signal, once verified, makes the price surest, and what it could save. Callers are apps.

For every signal that is unknown or rests on weak evidence, each value it could turn out to have is tried: the plan's
model of unknowns says how likely each is, given all that is known, and the premium's interval is worked out as if it
had been seen today by the best source. The expected interval afterwards is the mean over these values. Fixed nodes
stand in for chance, so the answer is a pure function of profile, cover, date and plan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyberscore.profile import Observation, Posture, Profile, Signal, SignalState, posture_at, signals
from cyberscore.profile.evidence import SOURCES, Mixture, Prepared, mixture_at
from cyberscore.profile.moments import end_of, quarters_west
from cyberscore.quoting.advice import Said, lacking
from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    findings_anew,
    posture_findings,
    premium_at,
    priced,
    rates_and_locations,
    settle,
    standard_costs,
)
from cyberscore.quoting.intervals import LEVEL, known_code, loss_draws
from cyberscore.quoting.questions import question
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.draws import chances_of_codes, draw_spread, draw_totals, ordered_codes
from cyberscore.rating.expected_loss import factor_change
from cyberscore.rating.library import load_plan
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.rating.plan import RatingPlan
from cyberscore.rules import Finding

LEAST_CHANCE = 0.02
"""A value less likely than this is not tried: it moves no mean by much."""
SURE = 0.85
"""Evidence that weighs this much is not asked for again: verifying it anew changes next to nothing (judgement)."""


@dataclass(frozen=True, slots=True)
class NextQuestion:
    """One thing to find out, and what knowing it is worth.

    Attributes
    ----------
    question : str
        In plain words, for the insured.
    source : str
        The best kind of source that can answer it; `sources` are all that can.
    status : str
        What is known now: unknown, unanswered, favourable, adverse or not_applicable.
    expected_narrowing, expected_narrowing_share : float
        By how much the 80 % interval of the premium is expected to narrow, in the currency of the cover, and as a
        share of its width now. Below zero when an answer is as likely to widen it.
    best_case_saving : float
        What the premium falls by if the answer is the best that is likely at all.
    kind : str
        "ask"; or, of what was answered in the insured's favour and counts for little, "show" (by a better source),
        "renew" (it faded) or "widen" (a part was looked at).
    evidence : Said or None
        What was answered so.
    """

    signal: str
    title: str
    question: str
    source: str
    sources: tuple[str, ...]
    status: str
    expected_narrowing: float
    expected_narrowing_share: float
    best_case_saving: float
    kind: str = "ask"
    evidence: Said | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        evidence = None if self.evidence is None else self.evidence.to_dict()
        return {**found, "sources": list(self.sources), "evidence": evidence}


@dataclass(frozen=True, slots=True)
class NextEvidence:
    """Questions, the most telling first, and the premium with its 80 % interval as it stands."""

    as_of: date
    plan_id: str
    currency: str
    indicative_premium: float
    premium_low: float
    premium_high: float
    questions: tuple[NextQuestion, ...]

    @property
    def width(self) -> float:
        """Width of the interval of the premium."""
        return self.premium_high - self.premium_low

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "as_of": self.as_of.isoformat(), "questions": [one.to_dict() for one in self.questions]}


@dataclass(frozen=True, slots=True)
class _Now:
    firm: Firm
    settled: SettledCover
    standing: Standing
    on_posture: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class _Answer:
    """One value a signal may turn out to have: its chance, and the risk once it is seen."""

    position: int
    chance: float
    code: int
    weight: float
    change: Floats
    figures: Figures
    log_relative: float


def next_evidence(
    profile: Profile,
    plan: RatingPlan | None = None,
    coverage: Coverage | None = None,
    *,
    as_of: date,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
    language: str = "en",
) -> NextEvidence:
    """Rank what to find out next.

    Parameters
    ----------
    profile : Profile
    plan : RatingPlan, optional
        Default the shipped plan.
    coverage : Coverage, optional
        Default as `quote`.
    as_of : date
    exchange_rate, exchange_rate_is_meant
        As `quote`.
    language : str
        Of the questions (not of titles and statuses): "en", or "zh" for Simplified Chinese; where a question has no
        text in another, English stands.

    Returns
    -------
    NextEvidence
        Questions by expected narrowing, then by best-case saving.

    Raises
    ------
    ProfileError, CoverageError
        As `quote`.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> found = cyberscore.next_evidence(cyberscore.example("dental_clinic"), as_of=date(2026, 11, 23))
    >>> found.questions[0].question.endswith("?")
    True
    """
    plan = load_plan() if plan is None else plan
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate, exchange_rate_is_meant=exchange_rate_is_meant)
    settled = settle(firm, cover_asked(coverage, profile.insured.currency))
    standing = Standing.of(firm, posture_at(profile, as_of))
    now = _Now(firm, settled, standing, posture_findings(firm, settled, standing.values))
    figures = priced(settled, standing.rates, claim_costs(firm, settled, standing.locations), now.on_posture)
    draws = loss_draws(firm, standing)
    low, high = (premium_at(settled, figures, end) for end in draws.quoted(settled, figures))
    states = list(standing.posture)
    open_ones = [k for k, state in enumerate(states) if not state.signal.is_context and state.weight < SURE]
    answers = _answers(now, open_ones)
    widths = _widths(now, answers, draws.elasticity(settled))
    found = []
    for position in open_ones:
        mine = [(one, width) for one, width in zip(answers, widths, strict=True) if one.position == position]
        total = sum(one.chance for one, _ in mine)
        after = sum(one.chance * width for one, width in mine) / total
        about = states[position].signal
        narrowing = high - low - after
        best = min(one.figures.premium for one, _ in mine)
        kind, said = _answered(standing.posture, states[position])
        found.append(
            NextQuestion(
                signal=about.name,
                title=about.title,
                question=question(about.name, language),
                source=_best_source(about),
                sources=about.sources,
                status=states[position].status,
                expected_narrowing=narrowing,
                expected_narrowing_share=narrowing / (high - low) if high > low else 0.0,
                best_case_saving=round(max(figures.premium - best, 0.0), 3),
                kind=kind,
                evidence=said,
            )
        )
    found.sort(key=lambda one: (-one.expected_narrowing, -one.best_case_saving, one.signal))
    currency = settled.requested.currency
    return NextEvidence(as_of, plan.plan_id, currency, figures.premium, low, high, tuple(found))


def _answered(posture: Posture, state: SignalState) -> tuple[str, Said | None]:
    """Tell what was said of a signal in the insured's favour, and what that lacks."""
    about, one, weight = state.signal, state.observation, state.weight
    if state.status in {"unknown", "unanswered"}:
        one, weight = max(posture.unproven.get(about.name, ()), key=lambda said: said.moment, default=None), 0.0
    if one is None or state.status == "adverse":
        return "ask", None
    return lacking(about, one, weight), Said.of(about, one, posture.as_of.toordinal())


def _best_source(about: Signal) -> str:
    return max(about.sources, key=lambda kind: (SOURCES[kind].rank, SOURCES[kind].favourable))


@lru_cache(maxsize=2048)
def seen_in_cell(name: str, code: int, as_of: date, west: int = 0) -> Prepared:
    """Return an observation of a value with this code, at the end of a date, from the signal's best source.

    `west` is as in `cyberscore.profile.moments.end_of`.
    """
    about = signals()[name]
    cell = about.code_of_cell.index(code)
    value: Any
    if about.levels:
        value = about.levels[cell]
    else:
        high = about.high if about.high < math.inf else about.breakpoints[-1] * 1.5 + 1
        edges = [about.low, *about.breakpoints, high]
        whole = about.kind in {"flag", "count", "level"}
        value = int(edges[cell]) if whole else (edges[cell] + edges[cell + 1]) / 2
    content = {"signal": name, "value": value, "observed_at": end_of(as_of, west), "source": _best_source(about)}
    return Observation.model_validate(content).prepared


def _answers(now: _Now, open_ones: Sequence[int]) -> list[_Answer]:
    """Try every likely value of every open signal, priced with all rules."""
    firm, standing, risk = now.firm, now.standing, now.standing.risk
    day = firm.as_of.toordinal()
    catalogue = list(signals().values())
    known = [known_code(about, mixture) for about, mixture in zip(catalogue, risk.mixtures, strict=False)]
    codes = np.array([[code for code, _ in known]])
    weights = np.array([[weight for _, weight in known]])
    chances = chances_of_codes(firm.plan, codes, weights, np.array([math.log(firm.revenue)]))
    same_costs = claim_costs(firm, now.settled, standing.locations)
    found = []
    for position in open_ones:
        about = catalogue[position]
        seen = standing.posture.evidence[position]
        west = quarters_west(firm.as_of, (one.moment for one in seen))
        likely = [code for code in ordered_codes(about) if chances[position][code] >= LEAST_CHANCE]
        for code in likely:
            evidence = (*seen, seen_in_cell(about.name, code, firm.as_of, west))
            mixture: Mixture = mixture_at(about, evidence, day)
            change = factor_change(firm.plan, position, mixture, risk.mixtures[position], risk.mixtures)
            rates, locations = rates_and_locations((risk.total + change).tolist())
            costs = claim_costs(firm, now.settled, locations) if change[N_PERILS:].any() else same_costs
            findings = findings_anew(firm, now.settled, standing, now.on_posture, about=about, evidence=evidence)
            figures = priced(now.settled, rates, costs, findings)
            own, weight = known_code(about, mixture)
            standard = standard_costs(firm, locations) if change[N_PERILS:].any() else standing.standard_costs
            loss = sum(rate * cost for rate, cost in zip(rates, standard, strict=True))
            relative = math.log(loss / firm.reference_loss)
            found.append(_Answer(position, float(chances[position][code]), own, weight, change, figures, relative))
    return found


def _widths(now: _Now, answers: Sequence[_Answer], elasticity: Floats) -> list[float]:
    """Width of the premium's interval after each answer, in the currency of the cover."""
    firm, risk = now.firm, now.standing.risk
    if not answers:
        return []
    catalogue = list(signals().values())
    known = [known_code(about, mixture) for about, mixture in zip(catalogue, risk.mixtures, strict=False)]
    context = [mixture[0][0] for mixture in risk.mixtures[len(catalogue) :]]
    codes: NDArray[np.intp] = np.tile([*(code for code, _ in known), *context], (len(answers), 1))
    weights = np.tile([weight for _, weight in known], (len(answers), 1))
    for row, answer in enumerate(answers):
        codes[row, answer.position], weights[row, answer.position] = answer.code, answer.weight
    log_revenue = np.full(len(answers), math.log(firm.revenue))
    own = risk.total + np.array([answer.change for answer in answers])
    deviations = draw_totals(firm.plan, codes, weights, log_revenue) - own[:, None, :]
    pure = np.array([answer.figures.pure for answer in answers])
    mean, deviation = draw_spread(deviations, pure, np.tile(elasticity, (len(answers), 1)))
    low, high = firm.plan.intervals.around(
        mean,
        deviation,
        log_revenue=log_revenue,
        log_relative=np.array([answer.log_relative for answer in answers]),
        z=NormalDist().inv_cdf(0.5 + 0.5 * LEVEL),
    )
    found = []
    for answer, *ends in zip(answers, low.tolist(), high.tolist(), strict=True):
        bottom, top = (premium_at(now.settled, answer.figures, end) for end in ends)
        found.append(top - bottom)
    return found
