"""Quotes, postures, the catalogue and the check of the market as text for a terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from cyberscore.money import outward, plain, whole, written
from cyberscore.profile import Posture, Profile, Signal, signals
from cyberscore.quoting import Quote
from cyberscore.quoting.quote import NO_COVER
from cyberscore.quoting.reasons import BOOK_MIX
from cyberscore.quoting.terms import Adjustment
from cyberscore.rating.ledger import CURRENCY
from cyberscore.readers import NotMapped


def escape(text: str) -> str:
    """Text as it may be printed: no markup, no control characters that a terminal would obey."""
    return escape_markup("".join(c if c.isprintable() else " " for c in text))


_TAXES = {"none_due": "none due in {country}", "not_known": "not known here for {country}; ask what is due"}
_COLOURS = {"quote": "green", "quote_with_contingencies": "yellow", "refer": "dark_orange", "decline": "red"}
_STATUS_COLOURS = {"favourable": "green", "adverse": "red", "unanswered": "yellow", "unknown": "yellow"}


def _table(*columns: str, title: str = "") -> Table:
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        name = column.removeprefix(">")
        # names that one copies are never broken
        table.add_column(
            name, justify="right" if column.startswith(">") else "left", overflow="fold", no_wrap=name == "signal"
        )
    return table


def print_quote(console: Console, profile: Profile, quote: Quote) -> None:
    """Print a quote on about a screen and a half."""
    _print_answer(console, profile, quote)
    _print_options(console, quote)
    _print_reasons(console, quote)
    _print_conditions(console, quote)
    _print_rules(console, quote)
    _print_improvements(console, quote)
    _print_ledger(console, quote)
    for line in (*quote.contradictions, *quote.other_evidence, *quote.warnings):
        console.print(escape(f"Note: {line}"))
    _print_disputes(console, quote)
    plan, digest = quote.plan_id.split("@")[:2]
    console.print(
        f"\n{len(quote.unknowns)} of {len(signals())} signals unknown. Plan {plan} {digest[:12]}, as of {quote.as_of}. "
        f"{quote.notice.capitalize()}."
    )
    console.print(" ".join(quote.disclaimers))


def _print_disputes(console: Console, quote: Quote) -> None:
    if quote.disputed is None:
        return
    now, then, cur = quote.disputed.standing, quote.disputed.upheld, quote.currency
    console.print("\nDisputed")
    table = _table("", "as quoted", "if upheld")
    table.add_row("risk score", f"{now.risk_score:.1f} ({now.band})", f"{then.risk_score:.1f} ({then.band})")
    table.add_row("premium", written(now.indicative_premium, cur), written(then.indicative_premium, cur))
    table.add_row("decision", now.decision.replace("_", " "), then.decision.replace("_", " "))
    console.print(table)
    for one in quote.disputed.disputes:
        seen = one.about["observation"]
        told = f"{one.dispute.at} {seen['signal']} = {seen.get('value', seen.get('occurred_at'))} ({seen['source']})"
        console.print(escape(f"  {told}: {one.dispute.kind.replace('_', ' ')}: {one.dispute.note}"))


def _print_answer(console: Console, profile: Profile, quote: Quote) -> None:
    insured, cover = profile.insured, quote.coverage
    console.print(
        f"[bold]{escape(insured.name or 'Unnamed firm')}[/bold], {insured.country}, NAICS {insured.naics} "
        f"{insured.industry.title}, revenue {plain(insured.annual_revenue, insured.currency)} {insured.currency}"
    )
    colour = _COLOURS[quote.decision]
    console.print(
        f"\nDecision: [bold {colour}]{quote.decision.replace('_', ' ')}[/]   "
        f"limit {plain(cover['aggregate_limit'], quote.currency)}, "
        f"retention {plain(cover['retention'], quote.currency)} {quote.currency}"
    )
    if quote.cover_offered is None:
        console.print(NO_COVER)
    console.print(
        f"Indicative premium [bold]{written(quote.indicative_premium, quote.currency)} {quote.currency}[/bold]  "
        f"(80 % interval {' to '.join(outward(quote.premium_low, quote.premium_high))}; "
        f"technical {written(quote.technical_premium, quote.currency)})"
    )
    console.print(
        f"Risk score [bold]{quote.risk_score:.1f}[/bold] of 100 (80 % interval {quote.risk_score_low:.0f} to "
        f"{quote.risk_score_high:.0f}; higher is riskier, 50 average), band {quote.band}, "
        f"safer than {quote.safer_than:.0%} of its peers"
    )
    console.print(
        f"Chance of a claim in a year {quote.annual_claim_probability:.2%}, "
        f"expected loss {whole(quote.expected_loss)} {quote.currency} under the aggregate limit"
    )
    for name, tax in quote.taxes.items():
        console.print(f"{name}, not in the premium: {written(tax, quote.currency)} {quote.currency}")
    if quote.tax_status != "due":
        console.print(f"Taxes and fees beside the premium: {_TAXES[quote.tax_status].format(country=insured.country)}")


def _print_options(console: Console, quote: Quote) -> None:
    """Print options as a grid, limits down and retentions across, terms as priced; * is not a plain quote."""
    if not quote.options:
        return
    retentions = sorted({option.requested["retention"] for option in quote.options})
    names = (f">{plain(retention, quote.currency)}" for retention in retentions)
    grid = _table("limit", *names, title="\nOptions (retentions across)")
    premiums: dict[tuple[float, float], str] = {}
    for option in quote.options:
        asked = option.requested
        changed = any(asked[name] != option.coverage[name] for name in ("aggregate_limit", "retention"))
        mark = ("" if option.decision == quote.decision else "*") + ("+" if changed else "")
        premiums[asked["aggregate_limit"], asked["retention"]] = (
            f"{written(option.indicative_premium, quote.currency)}{mark}"
        )
    for limit in sorted({limit for limit, _ in premiums}):
        grid.add_row(plain(limit, quote.currency), *(premiums.get((limit, retention), "") for retention in retentions))
    console.print(grid)
    marks = "".join(premiums.values())
    if "*" in marks:
        console.print("* another decision than the quote's; --json tells which")
    if "+" in marks:
        console.print("+ priced at a limit or retention that rules set; --json tells which")


def _print_reasons(console: Console, quote: Quote) -> None:
    reasons = _table(">points", "reason", "evidence", title="\nReasons (points from the average score of 50)")
    ranked = [reason for reason in quote.reasons if reason.factor != BOOK_MIX]
    for reason in ranked[:10]:
        reasons.add_row(f"{reason.shown:+.1f}", escape(reason.text), escape(reason.evidence))
    if len(ranked) > 10:
        rest = round(sum(reason.shown for reason in ranked[10:]), 1) + 0.0  # no minus zero
        count = "1 smaller reason" if len(ranked) == 11 else f"{len(ranked) - 10} smaller reasons"
        reasons.add_row(f"{rest:+.1f}", count, "")
    for reason in quote.reasons[len(ranked) :]:
        reasons.add_row(f"{reason.shown:+.1f}", escape(reason.text), escape(reason.evidence))
    console.print(reasons)


def _print_conditions(console: Console, quote: Quote) -> None:
    if quote.subjectivities or quote.decision_reasons:
        console.print("\n[bold]Conditions[/bold]")
        read = {one.rule: one.read for one in quote.rules}
        listed = {f"{s.rule}: {s.text}" for s in quote.subjectivities}
        for text in quote.decision_reasons:
            if text not in listed:
                rule, _, words = text.partition(": ")
                console.print(escape(f"  {quote.decision}: {words} ({rule})"))
                console.print(escape(f"    {read[rule]}"))
        for condition in quote.subjectivities:
            console.print(escape(f"  {condition.told}"))
    if quote.open_questions:
        console.print("\n[bold]Not answered: to be asked[/bold]")
        for one in quote.open_questions:
            console.print(escape(f"  {one}"))
    if quote.adjustments:
        console.print("\n[bold]Terms[/bold]")
        for adjustment in quote.adjustments:
            console.print(escape(f"  {_adjustment_told(quote, adjustment)}"))


def _adjustment_told(quote: Quote, adjustment: Adjustment) -> str:
    """One term with its rule, whether it is priced and what takes its place; what is not known is said once."""
    text, other = adjustment.text, adjustment.superseded_by
    if adjustment.rule in quote.ungraded and not adjustment.priced:  # its words end in what must be shown or told
        read = next(one.read for one in quote.rules if one.rule == adjustment.rule)
        text = text.replace(f": {read}.", ".")
    note = ""
    if other is not None:
        by = "the cover asked for" if other == "request" else other
        note = (
            f"; priced, but {by} takes its place in the cover offered"
            if adjustment.priced and quote.cover_offered is not None
            else f"; {by} is stronger"
        )
    elif not adjustment.priced:
        note = "; at no premium" if adjustment.kind == "retention_credit" else "; no premium credit"
    return f"{text} ({adjustment.rule}{note})"


def _print_rules(console: Console, quote: Quote) -> None:
    console.print(f"\n[bold]Rules[/bold]\n  passed: {len(quote.passed)} of {len(quote.rules)}")
    for word, ids in (("failed", quote.failed), ("not known", quote.ungraded), ("terms and credits", quote.applied)):
        if ids:
            console.print(escape(f"  {word}: {', '.join(ids)}"))


def _print_improvements(console: Console, quote: Quote) -> None:
    if not quote.improvements:
        return
    improvements = _table("improvement", ">score", ">premium", ">saving", title="\nWhat would help most")
    for better in quote.improvements[:6]:
        improvements.add_row(
            better.action,
            f"{better.risk_score:.1f}",
            written(better.indicative_premium, quote.currency),
            written(better.saving, quote.currency),
        )
    console.print(improvements)


def _print_ledger(console: Console, quote: Quote) -> None:
    amount = "USD" if quote.currency == "USD" else f"USD, then {quote.currency}"
    ledger = _table("step", "", ">value", f">{amount}", title="\nFrom expected loss to premium")
    currency = "USD"
    for step in quote.ledger.premium:
        currency = quote.currency if step.label == CURRENCY else currency
        value = f"{step.value:.0f} decimals" if step.operation == "round" else f"{step.value:,.4f}"
        operation = "round to" if step.operation == "round" else step.operation.replace("_", " ")
        ledger.add_row(step.label, operation, value, written(step.result, currency))
    console.print(ledger)


def print_posture(console: Console, posture: Posture) -> None:
    """Print what evidence says of every signal."""
    table = _table("signal", "status", "value", "source", ">age", ">weight", title=f"Posture as of {posture.as_of}")
    table.padding = (0, 1, 0, 0)
    table.columns[1].min_width = len("favourable")  # whole words in a window of 80 columns
    for state in posture:
        observation = state.observation.observation if state.observation else None
        colour = _STATUS_COLOURS.get(state.status)
        status = f"[{colour}]{state.status}[/]" if colour else state.status
        table.add_row(
            state.signal.name,
            status + (" (contradicted)" if state.contradicted else ""),
            "" if state.value is None else str(state.value),
            observation.source if observation else "",
            "" if state.age_days is None else f"{state.age_days} d",
            f"{state.weight:.2f}" if observation else "",
        )
    console.print(table)


def print_signals(console: Console, catalogue: list[Signal]) -> None:
    """Print the catalogue."""
    table = _table("signal", "unit", "range", "safer", "sources, best first", ">half-life")
    for about in catalogue:
        safer = "safest first" if about.safer == "order" else about.safer
        table.add_row(
            about.name,
            about.unit,
            about.range_text(),
            safer,
            ", ".join(about.sources),
            f"{about.half_life_days:g} d",
        )
    console.print(table)
    console.print('"not_applicable" is a value of ' + ", ".join(s.name for s in catalogue if s.may_not_apply) + ".")


def not_mapped_line(item: NotMapped) -> str:
    """One line for what a reader could not map."""
    shown = ", ".join(item.what[:3])
    more = f" and {len(item.what) - 3} more" if len(item.what) > 3 else ""
    return f"{item.count} x {item.why}" + (f" ({shown}{more})" if shown else "")


def print_market_check(console: Console, rows: Iterable[Mapping[Any, Any]]) -> None:
    """Print published figures beside the simulated market's, then why those missed are missed."""
    found = list(rows)
    table = _table(
        "what", "evidence", ">published", ">range", ">simulated", "", title="The market against published figures"
    )
    for row in found:
        within = "[green]within[/green]" if row["within"] else "[red]missed[/red]"
        table.add_row(
            escape(row["what"]),
            escape(row["evidence"]),
            _figure(row["published"]),
            f"{_figure(row['low'])} to {_figure(row['high'])}",
            _figure(row["simulated"]),
            within if row["counted"] else "not counted",
        )
    console.print(table)
    for title, counted in (("Missed", True), ("Not counted: of what the market does not hold", False)):
        console.print(f"\n[bold]{title}[/bold]")
        for row in found:
            if row["counted"] is counted and not (counted and row["within"]):
                console.print(f"{escape(row['what'])}: {escape(row['why'] or 'no explanation')}")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
