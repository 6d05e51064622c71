"""The answer: a quote, with its reasons, its ledger and what would improve it."""

import json
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from cyberscore.money import outward, written
from cyberscore.profile import Contradiction, Industry
from cyberscore.quoting.disputed import Disputed
from cyberscore.quoting.improvements import Improvement
from cyberscore.quoting.open_questions import OpenQuestion
from cyberscore.quoting.options import QuoteOption
from cyberscore.quoting.reasons import Reason
from cyberscore.quoting.terms import Adjustment
from cyberscore.rating.ledger import Ledger
from cyberscore.rating.taxes import TaxStatus
from cyberscore.rules import Finding, stage_name
from cyberscore.rules.amounts import Money

NOTICE = "indicative, not an offer of cover"
DISCLAIMERS = (
    "No sanctions list was screened, neither for the insured nor for anyone it deals with.",
    "Nothing here is legal, regulatory or tax approval of a contract.",
)
"""What a quote does not do, whatever its decision."""
NO_COVER = "No cover is offered; premium and terms are for information only."
"""What stands beside the premium of a quote that offers no cover."""


@dataclass(frozen=True, slots=True)
class PerilFigures:
    """One peril at the cover quoted: claims a year above the retention, mean cost of one, expected loss of a year.

    All before the aggregate limit, which is for the perils together; in the currency of the quote.
    """

    annual_frequency: float
    mean_cost: float
    expected_loss: float


@dataclass(frozen=True, slots=True)
class Subjectivity:
    """A condition of the quote: `when` is pre_bind or post_bind; `days` to meet it after binding."""

    rule: str
    when: str
    text: str
    days: int | None

    @property
    def told(self) -> str:
        """The condition in one line: by when, what, and by which rule."""
        when = "before binding" if self.when == "pre_bind" else f"within {self.days} days of binding"
        return f"{when}: {self.text} ({self.rule})"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule said.

    `outcome` is pass or fail of a requirement, applies or does_not_apply of a term or a credit, and unknown of all;
    `read` is what decided, in words, with the insured's own figures.
    """

    rule: str
    version: int
    stage: str
    outcome: str
    sentence: str
    read: str
    evidence: str

    @classmethod
    def of(cls, finding: Finding, money: Money) -> "RuleResult":
        """Build the result of a finding, told in a currency."""
        rule = finding.rule
        sentence, read = money.text(rule.sentence), finding.read(money)
        return cls(rule.id, rule.version, stage_name(rule), finding.outcome, sentence, read, rule.evidence)


def rule_ids(results: tuple[RuleResult, ...], outcome: str) -> tuple[str, ...]:
    """Ids of the rules of one outcome."""
    return tuple([one.rule for one in results if one.outcome == outcome])


@dataclass(frozen=True, slots=True)
class Unknown:
    """A signal about which nothing counts: unknown, or unanswered although it is always asked."""

    signal: str
    title: str
    status: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote. Amounts are in `currency`.

    Attributes
    ----------
    risk_score, unclipped_score : float
        50 is the book's mean expected loss at this revenue; 10 points more is twice that. Higher is riskier. Shown
        0..100.
    risk_score_low, risk_score_high : float
        80 % interval of the risk score, 0..100, from the same causes as that of the premium.
    security_rating : float
        100 less the risk score.
    band : str
        A (safest fifth of the book) to F (riskiest twentieth).
    safer_than : float
        Share of peers of the same sector and size that are riskier, 0..1.
    annual_claim_probability : float
        Of at least one claim above the retention quoted.
    expected_loss : float
        Yearly, in the layer quoted and under the aggregate limit, from the loss model (before level and loads).
    technical_premium, indicative_premium, uncapped_premium : float
        Cost-based; after index, schedule, what smaller firms pay, renewal cap, minimum and rounding; and the last
        before cap, minimum and rounding.
    premium_low, premium_high : float
        80 % interval of the indicative premium: what is unknown of this insured, drawn given what is known, and the
        model's own uncertainty. Its width was calibrated on simulated markets other than the one the plan was learned
        from. It holds the premium, but need not be centred on it: what is left unknown is priced with care.
    by_peril, by_part : dict
        Expected loss by peril, and by coverage part, each before the aggregate limit of the year: both sum to the
        ledger's "Pure premium of the layer", a little more than `expected_loss`, which the aggregate limit bounds.
        `by_part` is empty for a plan without coverage parts.
    decision : str
        quote, quote_with_contingencies, refer or decline.
    rules : tuple of RuleResult
        What each rule said, gravest stage first: decline, refer, pre_bind, post_bind, terms, rate.
    passed, failed, ungraded, applied : tuple of str
        Ids of the rules that the insured passed and failed, that could not be told, and of the terms and credits that
        apply. Terms and credits that do not apply are in `rules` alone.
    open_questions : tuple of OpenQuestion
        What the ungraded rules wait for and what to ask, what no condition stands in for first.
    industry : Industry
        Code, title and rating sector of the insured's NAICS code.
    coverage, requested : dict
        Cover priced, after floors and caps, and cover asked for.
    cover_offered : dict or None
        Cover priced less what rules restrict: the lowest sublimit and the highest coinsurance (percent) by peril.
        This is the cover to bind. None where nothing is offered: declined, or referred before anything may be offered
        (sanctions).
    currency : str
        That of the coverage: USD, or the insured's own. The ledger is in USD up to its line "Currency".
    exchange_rate, exchange_rate_basis : float and str
        USD for one unit of the insured's currency, and where the rate comes from, with its date.
    adjustments : tuple of Adjustment
        What rules changed. `priced`: the premium reflects it. `superseded_by`: the rule whose stronger term holds in
        its place in the cover to bind ("request": the cover asked for is stronger already); None is what holds.
    disclaimers : tuple of str
        What the quote does not do.
    taxes : dict
        Taxes and fees, which are not in the premium.
    tax_status : str
        What an empty `taxes` means: none_due, or not_known where the plan does not have the country's taxes; else due.
    options : tuple of QuoteOption
        Other covers for the same risk, as asked for.
    contradictions : tuple of Contradiction
        Evidence that cannot all be so at about the same time: both sides, which counts, what the better claim still
        earns. Reported; by itself it changes nothing.
    other_evidence : tuple of Contradiction
        Signals on which evidence differs but contradicts nothing: of other dates or scopes; `relation` tells which.
    disputed : Disputed or None
        When findings are in dispute: score, premium and decision as quoted, with every finding standing, beside those
        if the disputes were upheld; and each dispute with its date. Upholding never costs more.
    """

    as_of: date
    plan_id: str
    library_version: str
    input_digest: str
    risk_score: float
    unclipped_score: float
    risk_score_low: float
    risk_score_high: float
    security_rating: float
    band: str
    safer_than: float
    annual_claim_probability: float
    expected_loss: float
    by_peril: dict[str, PerilFigures]
    by_part: dict[str, float]
    technical_premium: float
    indicative_premium: float
    uncapped_premium: float
    premium_low: float
    premium_high: float
    taxes: dict[str, float]
    tax_status: TaxStatus
    currency: str
    exchange_rate: float
    exchange_rate_basis: str
    decision: str
    decision_reasons: tuple[str, ...]
    subjectivities: tuple[Subjectivity, ...]
    adjustments: tuple[Adjustment, ...]
    rules: tuple[RuleResult, ...]
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    ungraded: tuple[str, ...]
    applied: tuple[str, ...]
    open_questions: tuple[OpenQuestion, ...]
    industry: Industry
    requested: dict[str, Any]
    coverage: dict[str, Any]
    cover_offered: dict[str, Any] | None
    reasons: tuple[Reason, ...]
    ledger: Ledger
    improvements: tuple[Improvement, ...]
    options: tuple[QuoteOption, ...]
    unknowns: tuple[Unknown, ...]
    contradictions: tuple[Contradiction, ...]
    other_evidence: tuple[Contradiction, ...]
    disputed: Disputed | None
    warnings: tuple[str, ...]
    notice: str = NOTICE
    disclaimers: tuple[str, ...] = DISCLAIMERS

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, in the order of the attributes."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    def to_json(self, *, indent: int | None = None) -> str:
        """JSON text; the same input gives the same bytes on one machine.

        On another processor, or with another version of numpy, the last bits of a number may differ; amounts that are
        rounded to the minor unit, codes and words do not. A record (`cyberscore.record`) keeps ten digits of a number.
        """
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def _repr_html_(self) -> str:
        """Short summary for notebooks."""
        rows = [
            ("Decision", self.decision.replace("_", " ")),
            *([] if self.cover_offered is not None else [("Cover", NO_COVER)]),
            (
                "Indicative premium",
                (
                    f"{written(self.indicative_premium, self.currency)} {self.currency} "
                    f"(80 %: {' to '.join(outward(self.premium_low, self.premium_high))})"
                ),
            ),
            ("Technical premium", f"{written(self.technical_premium, self.currency)} {self.currency}"),
            (
                "Risk score",
                (
                    f"{self.risk_score:.1f} (80 %: {self.risk_score_low:.0f} to {self.risk_score_high:.0f}), "
                    f"band {self.band}, safer than {self.safer_than:.0%} of peers"
                ),
            ),
            ("Claim in a year", f"{self.annual_claim_probability:.2%}"),
            *((f"Reason {k}", f"{r.shown:+.1f} {r.text}") for k, r in enumerate(self.reasons[:5], 1)),
            *((f"Condition ({s.when.replace('_', ' ')})", s.text) for s in self.subjectivities),
            *(
                (f"Improvement {k}", f"{i.action} (saves {written(i.saving, self.currency)} {self.currency})")
                for k, i in enumerate(self.improvements[:3], 1)
            ),
        ]
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(a)}</th><td style='text-align:left'>{escape(b)}</td></tr>"
            for a, b in rows
        )
        foot = escape(f"{self.plan_id[:25]}, as of {self.as_of.isoformat()}; {self.notice}")
        return f"<table>{cells}</table><p><small>{foot}</small></p>"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
