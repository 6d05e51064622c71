"""Commands on underwriting rules: print them, and test a changed set on a book."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cyberscore.cli.commands import Commands
from cyberscore.cli.common import console, note
from cyberscore.exceptions import ProfileError, RuleError
from cyberscore.money import written
from cyberscore.profile.profile import read_bytes
from cyberscore.quoting.rule_changes import RuleChanges, compare_rules, read_risks
from cyberscore.rating.library import load_plan
from cyberscore.report_text import escape
from cyberscore.rules import STAGES, Rule, RuleBook, condition_text, stage_name, told_action
from cyberscore.rules.amounts import USD

rules_app = Commands(help="Underwriting rules: print them, or test a changed set on a book.")

PlanOption = Annotated[str | None, typer.Option("--plan", help="Plan's folder or name; default the shipped plan.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@rules_app.callback(invoke_without_command=True)
def list_rules(context: typer.Context, *, plan: PlanOption = None, as_json: JsonOption = False) -> None:
    """Print a plan's underwriting rules, in the order in which they act; `rules test` tries a changed set on a book."""
    if context.invoked_subcommand is not None:
        if plan is not None or as_json:
            after = f"rules {context.invoked_subcommand}"
            raise ProfileError(f"--plan and --json do nothing before a further command: give them after `{after}`")
        return
    found = load_plan(plan).rules.rules
    if as_json:
        _print_json([rule.to_dict() for rule in found])
        return
    screen = console()
    for stage in STAGES:
        own = [rule for rule in found if stage_name(rule) == stage]
        if own:
            screen.print(f"[bold]{stage.replace('_', '-').upper()}[/bold]")
        for rule in own:
            _print_rule(screen, rule)


def _print_rule(screen: Console, rule: Rule) -> None:
    screen.print(escape(f"{rule.id} v{rule.version}  {USD.text(rule.sentence)}"), soft_wrap=True)
    lines = [("when", condition_text(rule.condition))]
    for name, actions in (("then", rule.on_fail), ("unknown", rule.on_unknown), ("otherwise", rule.on_pass)):
        if actions:
            lines += [(name, told_action(action)) for action in actions]
        elif name == "unknown" and rule.may_be_unknown:
            lines.append((name, "nothing"))
    lines += [("why", rule.rationale), ("evidence", rule.evidence)]
    for name, text in lines:
        screen.print(escape(f"    {name:<10}{text}"), soft_wrap=True)
    screen.print()


@rules_app.command("test")
def try_rules(
    rules: Annotated[Path, typer.Argument(metavar="RULES.toml", help="The changed rules.", show_default=False)],
    book: Annotated[
        Path,
        typer.Argument(
            metavar="BOOK",
            help="A folder of JSON files or a file of JSON lines, each a profile or {profile, coverage, name}.",
            show_default=False,
        ),
    ],
    *,
    plan: PlanOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Date; default each newest observation's.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom a changed set of rules would touch: decisions, rules, premium, and who moves."""
    try:
        day = None if as_of is None else date.fromisoformat(as_of)
    except ValueError as error:
        raise ProfileError(f"--as-of must be a date such as 2026-11-23; got {as_of!r}") from error
    try:
        text = read_bytes(rules).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{rules}: not UTF-8 text: {error}") from error
    try:
        changed = RuleBook.from_toml(text)
    except RuleError as error:
        raise RuleError(str(error).replace("rules.toml", str(rules))) from error  # the file has a name of its own
    found = compare_rules(load_plan(plan), changed, read_risks(book), as_of=day)
    if as_json:
        _print_json(found.to_dict())
    else:
        _print_changes(console(), found)


def _print_changes(screen: Console, found: RuleChanges) -> None:
    screen.print(f"[bold]{len(found.touched)} of {found.risks} risks are touched[/bold]")
    moved = found.premium_after / found.premium_before - 1.0 if found.premium_before else 0.0
    before, after = written(found.premium_before, "USD"), written(found.premium_after, "USD")
    screen.print(f"Premium {before} to {after} USD ({moved:+.2%}); {found.dearer} dearer, {found.cheaper} cheaper")
    screen.print("\n[bold]Decisions, before and after[/bold]")
    for (first, then), count in found.decisions.items():
        arrow = "stays" if first == then else f"becomes {then.replace('_', ' ')}"
        screen.print(f"  {count:>6}  {first.replace('_', ' ')} {arrow}")
    if found.rules:
        screen.print("\n[bold]Rules that say something else, before and after[/bold]")
    for rule, counts in found.rules.items():
        said = ", ".join(f"{outcome.replace('_', ' ')} {a} to {b}" for outcome, (a, b) in counts.items())
        screen.print(escape(f"  {rule}: {said}"), soft_wrap=True)
    if found.touched:
        screen.print("\n[bold]Who is touched, gravest first[/bold]")
    for one in found.touched[:20]:
        prices = " to ".join(
            "none" if x is None else written(x, "USD") for x in (one.premium_before, one.premium_after)
        )
        rules = ", ".join(one.rules) or "same outcomes"
        screen.print(
            escape(
                f"  {one.name}: {', '.join(one.what)}; {one.decision_before} to {one.decision_after}; "
                f"premium {prices}; {rules}"
            ),
            soft_wrap=True,
        )
    if len(found.touched) > 20:
        note(f"{len(found.touched) - 20} more are touched: --json lists all")


def _print_json(content: object) -> None:
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(rules_app, name="rules")
