"""quote(): profile, cover, date and plan in; quote out. A pure function: no clock, no network, no randomness."""

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

from cyberscore.exceptions import CoverageError, PlanError, ProfileError
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import Profile, SignalState, posture_at
from cyberscore.quoting.figures import (
    Figures,
    Firm,
    SettledCover,
    Standing,
    claim_costs,
    loss_by_part,
    posture_findings,
    priced,
    settle,
)
from cyberscore.quoting.improvements import improvements_for
from cyberscore.quoting.intervals import loss_intervals
from cyberscore.quoting.ledger_lines import build_ledger
from cyberscore.quoting.quote import PerilFigures, Quote, RuleResult, Subjectivity, Unknown, rule_ids
from cyberscore.quoting.reasons import reasons_for
from cyberscore.quoting.terms import cover_offered, held_premium, restrictions_of
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.expected_loss import expected_loss, rate_risk
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import CENTRE, band, clipped, safer_than, score_change, unclipped_score
from cyberscore.rules import DECISIONS, Finding

DEAR = 0.25
"""Share of the limit above which a premium is flagged (judgement)."""


def risk_score(
    profile: Profile, *, as_of: date, plan: RatingPlan | None = None, exchange_rate: float | None = None
) -> float:
    """Score a profile, and nothing else: the unclipped risk score (50 is average, 10 more is twice the expected loss).

    Parameters and errors as in `quote`.
    """
    _check_profile(profile)
    plan = _plan(plan)
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate)
    risk = rate_risk(plan, profile.insured, posture_at(profile, as_of).mixtures, firm.revenue)
    return unclipped_score(expected_loss(plan, risk), firm.reference_loss)


def quote(
    profile: Profile,
    coverage: Coverage | None = None,
    *,
    as_of: date,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
) -> Quote:
    """Quote a profile.

    Parameters
    ----------
    profile : Profile
    coverage : Coverage, optional
        What is asked for, USD; default limit 1,000,000, retention 10,000.
    as_of : date
        Date of the quote; no observation may be later.
    plan : RatingPlan, optional
        Default the shipped plan.
    exchange_rate : float, optional
        USD for one unit of the insured's currency; default the plan's dated rate.

    Returns
    -------
    Quote
        Indicative, not an offer of cover.

    Raises
    ------
    ProfileError, CoverageError, PlanError
        Naming what is wrong, what was got and what to do.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> import cyberscore
    >>> profile = cyberscore.example("dental_clinic")
    >>> answer = cyberscore.quote(profile, as_of=date(2026, 11, 23))
    >>> answer.notice
    'indicative, not an offer of cover'
    """
    _check_profile(profile)
    requested = Coverage() if coverage is None else coverage
    if not isinstance(requested, Coverage):
        raise CoverageError(
            f"coverage must be a cyberscore.Coverage; got {type(requested).__name__}: use Coverage.from_dict"
        )
    plan = _plan(plan)
    posture = posture_at(profile, as_of)
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate)
    settled = settle(firm, requested)
    standing = Standing.of(firm, posture)
    on_posture = posture_findings(firm, settled, standing.values)
    figures = priced(settled, standing.rates, claim_costs(firm, settled, standing.locations), on_posture)

    cover, terms, score, risk = settled.cover, settled.terms, standing.score, standing.risk
    percent, decision, premium = figures.percent, figures.decision, figures.premium
    findings = sorted(figures.findings, key=lambda finding: finding.rule.stage)
    held, on_premium = held_premium(plan.rules, requested.expiring_premium, figures.uncapped)
    results = tuple([RuleResult.of(finding) for finding in (*findings, *on_premium)])
    ends = loss_intervals(firm, settled, standing, figures)
    # the steps after the expected loss keep order, so the ends of its interval pass through them
    low, high = (
        terms.indicative(terms.technical([amount * math.exp(end) for amount in figures.pure]), percent)
        for end in ends.quoted
    )
    states = {state.signal.name: state for state in posture}
    by_peril = _by_peril(firm, settled, standing, figures)
    tax = plan.pricing.taxes.get(profile.insured.country, 0.0)
    return Quote(
        as_of=as_of,
        plan_id=plan.plan_id,
        library_version=_library_version(),
        input_digest=input_digest(profile, requested, as_of, exchange_rate),
        risk_score=clipped(score),
        unclipped_score=score,
        risk_score_low=clipped(score + score_change(ends.standard[0])),
        risk_score_high=clipped(score + score_change(ends.standard[1])),
        security_rating=100.0 - clipped(score),
        band=band(plan, score),
        safer_than=safer_than(plan, score, profile.insured.sector, firm.revenue),
        annual_claim_probability=-math.expm1(
            -sum(one.annual_frequency for one in by_peril.values() if one.mean_cost > 0.0)
        ),
        expected_loss=terms.paid(sum(figures.pure)),
        by_peril=by_peril,
        by_part=loss_by_part(firm, settled, standing),
        technical_premium=figures.technical,
        indicative_premium=premium,
        uncapped_premium=figures.uncapped,
        premium_low=low,
        premium_high=high,
        taxes={f"{profile.insured.country} premium tax": round(premium * tax, 2)} if tax else {},
        currency="USD",
        exchange_rate=firm.usd_rate,
        decision=decision,
        decision_reasons=_decision_reasons(findings, decision),
        subjectivities=subjectivities_of(findings),
        adjustments=(*settled.adjustments, *restrictions_of(findings), *held),
        rules=results,
        passed=rule_ids(results, "pass"),
        failed=rule_ids(results, "fail"),
        ungraded=rule_ids(results, "unknown"),
        applied=rule_ids(results, "applies"),
        requested=requested.to_dict(),
        coverage=cover.to_dict(),
        cover_offered=cover_offered(cover, findings),
        reasons=reasons_for(plan, risk, states, score - CENTRE),
        ledger=build_ledger(firm, settled, standing, figures),
        improvements=improvements_for(firm, settled, standing, figures, on_posture),
        unknowns=tuple(
            Unknown(s.signal.name, s.signal.title, s.status)
            for s in states.values()
            if s.status in {"unknown", "unanswered"}
        ),
        contradictions=tuple(_contradiction(s) for s in states.values() if s.contradicted),
        warnings=_warnings(plan, profile, cover, as_of, revenue=firm.revenue, premium=premium),
    )


@cache
def _library_version() -> str:
    return version("cyberscore")


def _check_profile(profile: object) -> None:
    if not isinstance(profile, Profile):
        raise ProfileError(
            f"profile must be a cyberscore.Profile; got {type(profile).__name__}: use Profile.from_dict or Profile.load"
        )


def _plan(plan: RatingPlan | None) -> RatingPlan:
    if plan is not None and not isinstance(plan, RatingPlan):
        raise PlanError(f"plan must be a cyberscore.RatingPlan; got {plan!r}: use cyberscore.load_plan")
    return load_plan() if plan is None else plan


def input_digest(profile: Profile, coverage: Coverage, as_of: date, exchange_rate: float | None) -> str:
    """SHA-256 of everything but the plan that a quote depends on."""
    content: dict[str, Any] = {
        "profile": profile.to_dict(),
        "coverage": coverage.to_dict(),
        "as_of": as_of.isoformat(),
        "exchange_rate": exchange_rate,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_peril(firm: Firm, settled: SettledCover, standing: Standing, figures: Figures) -> dict[str, PerilFigures]:
    found = {}
    by_peril = zip(PERILS, firm.plan.severity, standing.rates, standing.locations, figures.pure, strict=True)
    for peril, severity, rate, mu, loss in by_peril:
        frequency = rate * severity.frequency_factor(settled.cover.retention, mu, firm.revenue)
        found[peril] = PerilFigures(frequency, loss / frequency if frequency > 0 else 0.0, loss)
    return found


def _decision_reasons(findings: Sequence[Finding], decision: str) -> tuple[str, ...]:
    if decision == DECISIONS[0]:
        return ()
    wanted = {"decline": {"decline"}, "refer": {"refer"}}.get(decision, {"pre_bind", "post_bind"})
    return tuple(f"{f.rule.id}: {action.text}" for f in findings for action in f.actions if action.type in wanted)


def subjectivities_of(findings: Sequence[Finding]) -> tuple[Subjectivity, ...]:
    """Conditions that rules set, those before binding first."""
    found = [
        Subjectivity(f.rule.id, action.type, action.text, action.days)
        for f in findings
        for action in f.actions
        if action.type in {"pre_bind", "post_bind"}
    ]
    return tuple(sorted(found, key=lambda one: one.when != "pre_bind"))


def _contradiction(state: SignalState) -> str:
    return f"{state.signal.name}: evidence disagrees; {state.status} evidence counts ({state.value})"


def _warnings(
    plan: RatingPlan, profile: Profile, cover: Coverage, as_of: date, *, revenue: float, premium: float
) -> tuple[str, ...]:
    found = []
    if cover.retention < BASIS_RETENTION:
        found.append(
            f"retention {cover.retention:,.0f} is below {BASIS_RETENTION:,.0f}, the lowest the plan's claims tell of: "
            "small losses follow published severities"
        )
    dates = plan.pricing.index.dates
    if not dates[0] <= as_of <= dates[-1] + timedelta(days=365):
        found.append(f"the market index is held constant: it is known from {dates[0]} to {dates[-1]}")
    low, high = (math.exp(x) for x in (plan.base.log_revenue[0], plan.base.log_revenue[-1]))
    if not low <= revenue <= high:
        found.append(
            f"revenue of {revenue:,.0f} USD lies outside {low:,.0f} to {high:,.0f}, where the plan was learned: "
            "rates are extrapolated"
        )
    if premium > DEAR * cover.aggregate_limit:
        found.append(
            f"the premium is {premium / cover.aggregate_limit:.0%} of the limit: an underwriter should look at it"
        )
    if profile.insured.business_activities:
        known = plan.rules.known_activities
        strange = [activity for activity in profile.insured.business_activities if activity not in known]
        if strange:
            found.append(f"no rule speaks of {', '.join(strange)}; those of the plan know {', '.join(sorted(known))}")
    gone = [
        source.name for source in profile.sources if source.withdrawn_at is not None and source.withdrawn_at <= as_of
    ]
    if gone:
        found.append(
            f"withdrawn connections: {', '.join(gone)}; what they found in the insured's favour no longer counts"
        )
    return tuple(found)
