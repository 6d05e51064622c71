"""quote(): profile, cover, date and plan in; quote out. A pure function: no clock, no network, no randomness."""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

from cyberscore.exceptions import CoverageError, PlanError, ProfileError
from cyberscore.money import plain, whole
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import Profile, posture_at
from cyberscore.profile.contradictions import CONTRADICTION
from cyberscore.profile.disputes import denied_at
from cyberscore.quoting.disputed import differing_priced, disputed_outcomes
from cyberscore.quoting.figures import Firm, Standing, loss_by_part
from cyberscore.quoting.improvements import improvements_for
from cyberscore.quoting.intervals import loss_draws
from cyberscore.quoting.ledger_lines import build_ledger
from cyberscore.quoting.open_questions import open_questions
from cyberscore.quoting.options import Offer, QuoteOption, make_offer
from cyberscore.quoting.quote import PerilFigures, Quote, RuleResult, Subjectivity, Unknown, rule_ids
from cyberscore.quoting.reasons import reasons_for
from cyberscore.quoting.terms import decision_reasons
from cyberscore.rating.coverage import Coverage, cover_asked
from cyberscore.rating.expected_loss import expected_loss, rate_risk
from cyberscore.rating.library import load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.score import CENTRE, band, clipped, safer_than, score_change, unclipped_score
from cyberscore.rules import Finding
from cyberscore.rules.amounts import Money

DEAR = 0.25
"""Share of the limit above which a premium is flagged (judgement)."""
RATES_HOLD_DAYS = 365
"""Days after which, or before which, the plan's exchange rates are said to be old (judgement)."""
ODD = 4.0
"""How many times the expiring premium may be the new one, or the new one it, before it is asked about (judgement)."""


def risk_score(
    profile: Profile,
    *,
    as_of: date,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
) -> float:
    """Score a profile, and nothing else: the unclipped risk score (50 is average, 10 more is twice the expected loss).

    Parameters and errors as in `quote`.
    """
    _check_profile(profile)
    plan = _plan(plan)
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate, exchange_rate_is_meant=exchange_rate_is_meant)
    risk = rate_risk(plan, profile.insured, posture_at(profile, as_of).mixtures, firm.revenue)
    return unclipped_score(expected_loss(plan, risk), firm.reference_loss)


def quote(
    profile: Profile,
    coverage: Coverage | None = None,
    *,
    as_of: date,
    plan: RatingPlan | None = None,
    exchange_rate: float | None = None,
    exchange_rate_is_meant: bool = False,
    options: Iterable[Coverage] = (),
) -> Quote:
    """Quote a profile.

    Parameters
    ----------
    profile : Profile
    coverage : Coverage, optional
        What is asked for; default the usual cover (`Coverage.usual`: limit 1,000,000, retention 10,000 USD). The quote
        is in its currency: the one it names, else that of the options, else the insured's own.
    as_of : date
        Date of the quote; no observation may be later.
    plan : RatingPlan, optional
        Default the shipped plan.
    exchange_rate : float, optional
        USD for one unit of the insured's currency; default the plan's dated rate.
    exchange_rate_is_meant : bool
        Whether a rate that is far from the plan's (`cyberscore.rating.pricing.FAR`) is meant; else it is refused.
    options : iterable of Coverage, optional
        Other covers to price for the same risk, in the same currency; `Coverage.grid` makes limits times retentions.
        They come back in this order as `options` of the quote.

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
    others = tuple(_check_coverage(one, f"options[{k}]") for k, one in enumerate(options))
    asked = None if coverage is None else _check_coverage(coverage, "coverage")
    requested = cover_asked(asked, profile.insured.currency, others)
    others = tuple(one.in_own(requested.currency) for one in others)
    strange = [one.currency for one in others if one.currency != requested.currency]
    if strange:
        raise CoverageError(
            f"options must be in the currency of coverage, {requested.currency}; got {strange[0]}: "
            f"give options in {requested.currency}, or a coverage in {strange[0]}"
        )
    plan = _plan(plan)
    posture = posture_at(profile, as_of)
    firm = Firm.of(profile.insured, as_of, plan, exchange_rate, exchange_rate_is_meant=exchange_rate_is_meant)
    standing = Standing.of(firm, posture)
    draws = loss_draws(firm, standing)
    offer = make_offer(firm, standing, draws, requested)

    settled, figures, score = offer.settled, offer.figures, standing.score
    findings, decision, premium = offer.findings, figures.decision, figures.premium
    results = tuple([RuleResult.of(finding, settled.money) for finding in (*findings, *offer.on_premium)])
    states = {state.signal.name: state for state in posture}
    by_peril = _by_peril(firm, standing, offer)
    differing = differing_priced(firm, standing, states.values())
    return Quote(
        as_of=as_of,
        plan_id=plan.plan_id,
        library_version=_library_version(),
        input_digest=input_digest(profile, requested, as_of, exchange_rate, others),
        risk_score=clipped(score),
        unclipped_score=score,
        risk_score_low=clipped(score + score_change(draws.standard[0])),
        risk_score_high=clipped(score + score_change(draws.standard[1])),
        security_rating=100.0 - clipped(score),
        band=band(plan, score),
        safer_than=safer_than(plan, score, profile.insured.sector, firm.revenue),
        annual_claim_probability=-math.expm1(
            -sum(one.annual_frequency for one in by_peril.values() if one.mean_cost > 0.0)
        ),
        expected_loss=offer.expected_loss,
        by_peril=by_peril,
        by_part={part: offer.money(loss) for part, loss in loss_by_part(firm, settled, standing).items()},
        technical_premium=offer.money(figures.technical),
        indicative_premium=premium,
        uncapped_premium=offer.money(figures.uncapped),
        premium_low=offer.premium_low,
        premium_high=offer.premium_high,
        taxes=offer.taxes(firm),
        tax_status=offer.tax_status(firm),
        currency=requested.currency,
        exchange_rate=firm.usd_rate,
        exchange_rate_basis=firm.rate_basis,
        decision=decision,
        decision_reasons=decision_reasons(findings, decision, settled.money),
        subjectivities=subjectivities_of(findings, settled.money),
        adjustments=offer.adjustments,
        rules=results,
        passed=rule_ids(results, "pass"),
        failed=rule_ids(results, "fail"),
        ungraded=rule_ids(results, "unknown"),
        applied=rule_ids(results, "applies"),
        open_questions=open_questions((*findings, *offer.on_premium), plan.rules.known_activities, posture),
        industry=profile.insured.industry,
        requested=requested.to_dict(),
        coverage=settled.shown.to_dict(),
        cover_offered=offer.cover_offered(),
        reasons=reasons_for(plan, standing.risk, states, score - CENTRE),
        ledger=build_ledger(firm, settled, standing, figures),
        improvements=improvements_for(
            firm, settled, standing, figures, offer.on_posture, denied=denied_at(profile.disputes, as_of)
        ),
        options=tuple(QuoteOption.of(firm, make_offer(firm, standing, draws, other)) for other in others),
        unknowns=tuple(
            Unknown(s.signal.name, s.signal.title, s.status)
            for s in states.values()
            if s.status in {"unknown", "unanswered"}
        ),
        contradictions=tuple(one for one in differing if one.relation == CONTRADICTION),
        other_evidence=tuple(one for one in differing if one.relation != CONTRADICTION),
        disputed=disputed_outcomes(profile, firm, settled, standing, figures) if profile.disputes else None,
        warnings=_warnings(firm, profile, offer),
    )


@cache
def _library_version() -> str:
    return version("cyberscore")


def _check_profile(profile: object) -> None:
    if not isinstance(profile, Profile):
        raise ProfileError(
            f"profile must be a cyberscore.Profile; got {type(profile).__name__}: use Profile.from_dict or Profile.load"
        )


def _check_coverage(coverage: object, name: str) -> Coverage:
    if not isinstance(coverage, Coverage):
        raise CoverageError(
            f"{name} must be a cyberscore.Coverage; got {type(coverage).__name__}: use Coverage.from_dict"
        )
    return coverage


def _plan(plan: RatingPlan | None) -> RatingPlan:
    if plan is not None and not isinstance(plan, RatingPlan):
        raise PlanError(f"plan must be a cyberscore.RatingPlan; got {plan!r}: use cyberscore.load_plan")
    return load_plan() if plan is None else plan


def input_digest(
    profile: Profile, coverage: Coverage, as_of: date, exchange_rate: float | None, options: Sequence[Coverage] = ()
) -> str:
    """SHA-256 of everything but the plan that a quote depends on."""
    content: dict[str, Any] = {
        "profile": profile.to_dict(),
        "coverage": coverage.to_dict(),
        "as_of": as_of.isoformat(),
        "exchange_rate": exchange_rate,
    }
    if options:
        content["options"] = [one.to_dict() for one in options]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_peril(firm: Firm, standing: Standing, offer: Offer) -> dict[str, PerilFigures]:
    found = {}
    retention, pure = offer.settled.cover.retention, offer.figures.pure
    by_peril = zip(PERILS, firm.plan.severity, standing.rates, standing.locations, pure, strict=True)
    for peril, severity, rate, mu, loss in by_peril:
        frequency = rate * severity.frequency_factor(retention, mu, firm.revenue)
        mean = loss / frequency if frequency > 0 else 0.0
        found[peril] = PerilFigures(frequency, offer.money(mean), offer.money(loss))
    return found


def subjectivities_of(findings: Sequence[Finding], money: Money) -> tuple[Subjectivity, ...]:
    """Conditions that rules set, those before binding first; amounts as `money` tells them."""
    found = [
        Subjectivity(f.rule.id, action.type, money.text(action.text), action.days)
        for f in findings
        for action in f.actions
        if action.type in {"pre_bind", "post_bind"}
    ]
    return tuple(sorted(found, key=lambda one: one.when != "pre_bind"))


def _warnings(firm: Firm, profile: Profile, offer: Offer) -> tuple[str, ...]:
    plan, as_of, revenue = firm.plan, firm.as_of, firm.revenue
    cover, limit, premium = offer.settled.cover, offer.settled.shown.aggregate_limit, offer.figures.premium
    found = []

    def told(usd: float) -> str:
        return offer.settled.money.told(usd, plain)

    if cover.retention < BASIS_RETENTION:
        found.append(
            f"retention {told(cover.retention)} is below {told(BASIS_RETENTION)}, the lowest the plan's claims tell "
            "of: small losses follow published severities"
        )
    far = plan.pricing.far_rate(profile.insured.currency, firm.usd_rate)
    if far:
        found.append(f"{far}; the caller says that it is meant")
    currency, rates_of = profile.insured.currency, plan.pricing.currency.as_of
    if currency != "USD" and not firm.rate_given and abs((as_of - rates_of).days) > RATES_HOLD_DAYS:
        found.append(
            f"the plan's exchange rates are of {rates_of}, more than a year from {as_of}: give exchange_rate, USD for "
            f"one {currency}"
        )
    expiring, uncapped = cover.expiring_premium, offer.figures.uncapped
    if expiring is not None and not 1.0 / ODD <= expiring / uncapped <= ODD:
        found.append(
            f"the expiring premium of {told(expiring)} is far from {told(uncapped)}, what this cover comes to without "
            "it: ask whether it is the premium of a year, in full"
        )
    dates = plan.pricing.index.dates
    if not dates[0] <= as_of <= dates[-1] + timedelta(days=365):
        found.append(f"the market index is held constant: it is known from {dates[0]} to {dates[-1]}")
    low, high = (math.exp(x) for x in (plan.base.log_revenue[0], plan.base.log_revenue[-1]))
    if not low <= revenue <= high:
        found.append(
            f"revenue of {whole(revenue)} USD lies outside {whole(low)} to {whole(high)}, where the plan was learned: "
            "rates are extrapolated"
        )
    if premium > DEAR * limit:
        found.append(f"the premium is {premium / limit:.0%} of the limit: an underwriter should look at it")
    unmarked = (a for f in offer.findings for a in f.actions if a.text and a.amount is not None and "{" not in a.text)
    if offer.settled.requested.currency != "USD" and any(unmarked):
        found.append("amounts in the words of rules are in USD; those in fields are in the quote's currency")
    gone = [
        source.name for source in profile.sources if source.withdrawn_at is not None and source.withdrawn_at <= as_of
    ]
    if gone:
        found.append(
            f"withdrawn connections: {', '.join(gone)}; what they found in the insured's favour no longer counts"
        )
    return tuple(found)
