"""MODEL_CARD.md: what a plan is, what it was learned from, how well it does, and what it cannot do."""

from collections.abc import Sequence
from typing import Any

from cyberscore.perils import PERILS
from cyberscore.rating.plan import RatingPlan


def _risk_load_line(plan: RatingPlan) -> str:
    load = plan.pricing.risk_load
    largest = max(max(row) for row in load.factors.values())
    if largest <= load.floor:
        return (
            f"The risk load is its floor of {load.floor:.0%} for every peril and limit: the co-TVaR of the simulated "
            f"reference book asks for at most {largest:.1%}."
        )
    return f"The risk load is at least {load.floor:.0%}, at most {largest:.1%} of layer pure premium."


def _pairs_text(training: dict[str, Any]) -> str:
    pairs = training["pairs"]
    return ", ".join(" with ".join(pair) for pair in pairs) if pairs else "none (no pair was clear on both halves)"


def _ceiling_text(metrics: dict[str, Any]) -> str:
    found = metrics["ceiling"]
    return (
        f"The most that any model could reach from what the insurer sees, E[truth | seen], is {found['ceiling']:.3f} "
        f"on {found['policies']:,} yet other policies; the plan reaches {found['plan']:.3f} there, "
        f"{found['of_it']:.1%} of it."
    )


def _folds_text(training: dict[str, Any]) -> str:
    deviance = training["out_of_fold"]["deviance"]
    return ", ".join(f"{name} {value:.5f}" for name, value in deviance.items())


def _questionnaire_text(metrics: dict[str, Any]) -> str:
    found = metrics["questionnaire"]
    rows = "\n".join(
        f"| {k} | {row['plan_over_questionnaire']:.2f} | {row['true_over_plan']:.2f} "
        f"| {row['true_over_questionnaire']:.2f} |"
        for k, row in enumerate(found["double_lift"], start=1)
    )
    return f"""**Against a questionnaire.** A GLM on the yes/no answers of a typical application, learned from {found["policies"]:,} policies of the same
market, has a share of {found["share"]:.3f}. Double lift, fifths of the held-out policies by what the plan expects over what the form expects:

| fifth | plan / questionnaire | true / plan | true / questionnaire |
|---|---|---|---|
{rows}
"""  # noqa: E501  lines of Markdown


def _peers_text(metrics: dict[str, Any]) -> str:
    if "peers" not in metrics:
        return ""
    found = metrics["peers"]
    best_first = sorted(found["learners"], key=lambda row: -row["share"])
    rows = "\n".join(f"| {row['learner']} | {row['share']:.3f} | {row['deviance']:.5f} |" for row in best_first)
    return f"""**Against other learners**, the same folds of the same books of {found["policies"]:,} simulated policies (seeds {", ".join(map(str, found["seeds"]))},
{found["folds"]} folds by insured; `python tests/benchmarks/peers.py`): this library's estimator is "rating plan".

| learner | share | deviance of claims held out |
|---|---|---|
{rows}
"""  # noqa: E501  lines of Markdown


def _market_text(metrics: dict[str, Any]) -> str:
    found = metrics["market"]
    rows = "\n".join(
        f"| {row['evidence']} | {row['what']} | {row['published']:g} | {row['simulated']:g} | {row['why']} |"
        for row in found["missed"]
    )
    return f"""{found["summary"]} (`cyberscore market check`). Those outside their range:

| evidence | what | published | simulated | why |
|---|---|---|---|---|
{rows}"""


def model_card(plan: RatingPlan, metrics: dict[str, Any], intervals: str) -> str:
    """MODEL_CARD.md from the plan, its metrics, and the paragraph on intervals."""
    training, held_out = metrics["training"], metrics["held_out"]
    about = plan.about
    shares = held_out["share_of_explainable_deviance"]
    rows = "\n".join(
        f"| {peril} | {training['claims_by_peril'][peril]:,} | {shares[peril]:.3f} "
        f"| {held_out['predicted_over_true'][peril]:.3f} |"
        for peril in PERILS
    )
    residuals = "\n".join(
        f"| {int(revenue):,} | {value:+.1%} |"
        for revenue, value in training["technical_over_published_premium"].items()
    )
    return f"""# Model card: {plan.name}

Digest `{plan.digest}`

**What it is.** A rating plan for the cyber risk of small and medium enterprises: frequency and severity by peril as additive
tables under monotone constraints, shrunk and then boosted (scikit-learn), with score references, pricing and rules.

**What it was learned from.** A *simulated* market of {about["policies"]:,} policies ({training["claims_above_basis"]:,} claims above
10,000 USD), seed {about["seed"]}, calibrated to published evidence. `cyberscore market check` holds that market
against published figures. There is no public data that links security posture to claims; nothing here was learned from a firm's data. Control effects are published figures, tempered; see market.toml.

**Use.** Indicative pricing and triage of SMEs by underwriters, and a prior for a carrier's own plan. Not an offer of cover. Not for
firms above 100M revenue without an underwriter, nor for natural persons.

Made by `cyberscore train` ({about["bags"]} bags). Same seed and same wheels give the same bytes.

**How.** Each peril's log rate is a sum: a revenue curve, sector, country and every signal's steps, shrunk from peril to group of perils
to all perils to one hygiene index, under monotone constraints; then gradient boosting on what is left, by the share of it that did best
out of fold ({training["boosting_share"]:g}). Factors that meet: {_pairs_text(training)}.

## Judged on {held_out["policies"]:,} other simulated policies

Share of explainable Poisson deviance: 0 is the mean rate, 1 the true rate of every firm (which no insurer can see).

| peril | claims learned from | share | predicted / true |
|---|---|---|---|
{rows}
| all | {training["claims_above_basis"]:,} | {shares["pooled"]:.3f} | |

{_ceiling_text(metrics)}

Out of fold in training (folds by insured, and the last year after the others), mean Poisson deviance a year: {_folds_text(training)}.

{_questionnaire_text(metrics)}
{_peers_text(metrics)}
## Intervals

{intervals}
## The market it was learned from

{_market_text(metrics)}

## Level

Level {training["level"]} on loss cost and a fixed expense of {training["fixed_expense"]} USD a policy were fitted to published base
premiums between 0.5M and 10M of revenue (limit 1M, retention 10k, US, average class and controls).

| revenue | technical / published |
|---|---|
{residuals}

Above 10M the published premiums are weak evidence (pricing.md) and were not fitted.

## Limits

- Intervals are calibrated on simulated markets; they know nothing of a book unlike them, nor of a systemic event.
- Standard errors of relativities are those of shrunk estimates over bootstrap bags: what shrinkage hides they do not show.
- Severity shifts only with sector, revenue, records and four resilience signals.
- The aggregate limit bounds the expected payment by L (1 - exp(-E / L)), a little low, by less than E^2 / 2L.
- {_risk_load_line(plan)}
- Below a retention of 10,000 the frequency follows the evidence's ground-up lognormal, not claims.
"""  # noqa: E501  the lines of MODEL_CARD.md


def card_of_own_plan(plan: RatingPlan, report: dict[str, Any], notes: Sequence[str]) -> str:
    """MODEL_CARD.md of a plan learned from a carrier's book, from the estimator's report and the book's notes."""
    by_prior = report.get("claims_over_expected_by_prior")
    rows = "\n".join(
        f"| {peril} | {report['claims_by_peril'][peril]:,} | "
        + (f"{by_prior[peril]:.2f} | " if by_prior else "")
        + f"{report['claims_over_expected'][peril]:.2f} |"
        for peril in PERILS
    )
    prior_column, rule = (" over those the prior expects |", "---|") if by_prior else ("", "")
    told = "\n".join(f"- {note}" for note in notes) or "- nothing was left out"
    chosen = f"Out of fold, mean Poisson deviance a year: {_folds_text(report)}." if "out_of_fold" in report else ""
    return f"""# Model card: {plan.name}

Digest `{plan.digest}`

**What it is.** A rating plan for the cyber risk of small and medium enterprises, learned from a book of {report["policies"]:,} policy terms with
{report["claims_above_basis"]:,} claims above 10,000 USD ({plan.about["bags"]} bags, seed {plan.about["seed"]}). Not an offer of cover.

Of the book:

{told}

| peril | claims |{prior_column} over those this plan expects |
|---|---|{rule}---|
{rows}

{chosen}

{_prior_text(plan, report)}

## Before it is used

- Judge it on a book that it has not seen (`cyberscore plan validate`), and see who moves and why (`cyberscore plan compare`).
- What was kept from elsewhere ({", ".join(report.get("kept_from_prior", ("pricing", "rules")))}) was not learned from this book: review pricing.toml and rules.toml.
- Standard errors are those of shrunk estimates over bootstrap bags: what shrinkage hides they do not show.
"""  # noqa: E501  the lines of MODEL_CARD.md


def _told(value: float | None, shape: str) -> str:
    """Return a number, or - for what is none."""
    return "-" if value is None else format(value, shape)


def _prior_text(plan: RatingPlan, report: dict[str, Any]) -> str:
    if "moved_from_prior" not in report:
        return "It was learned without a prior plan."
    moved = sorted(report["moved_from_prior"].items(), key=lambda item: -item[1]["moved"])[:10]
    rows = "\n".join(
        f"| {name} | {one['moved']:.3f} | {_told(one['standard_error'], '.3f')} | {_told(one['kept'], '.0%')} |"
        for name, one in moved
    )
    return f"""**Prior.** `{plan.about["prior"]}`; this plan went {report["way_from_prior"]:.0%} of the way from it to the tables of its own claims, by their likelihood
out of fold. The tables that moved furthest (mean absolute change of the log relativity; how much of the prior's effect was kept):

| table | moved | standard error | kept |
|---|---|---|---|
{rows}"""  # noqa: E501  the lines of MODEL_CARD.md
