"""Commands on rating plans and the market they are learned from: train, plan, market."""

import logging
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cyberscore import report_text
from cyberscore.cli.books import BookFiles, takes_book_files
from cyberscore.cli.commands import Commands
from cyberscore.cli.common import console, keep_inputs, needs, note
from cyberscore.exceptions import CyberscoreError, PlanError
from cyberscore.rating.library import DEFAULT_PLAN, load_plan, plan_folder
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles, catalogue_digest

plan_app = Commands(no_args_is_help=True, help="Check, seal, judge and compare rating plans.")
market_app = Commands(no_args_is_help=True, help="The simulated market that the shipped plan is learned from.")

PoliciesOption = Annotated[Path | None, typer.Option(metavar="P.csv", help="Policies of the book (CSV or Parquet).")]
SimulatedOption = Annotated[int | None, typer.Option(help="Simulate a book of so many policies instead.", min=1)]
SeedOption = Annotated[int | None, typer.Option(help="Seed of the simulated book; default 1.", min=0)]
BOOK_AS_OF = "Last day the book knows of; default at ultimate."


def _claim(folder: Path, *, force: bool) -> None:
    """Make sure, before long work, that a folder can be written and holds no plan that would be lost."""
    if (folder / "plan.json").exists() and not force:
        raise PlanError(f"{folder} holds a plan already: give another folder with -o, or --force to replace it")
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise PlanError(f"{folder}: cannot be written: {error.strerror}: give another folder with -o") from error


def train(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write the plan to.")] = Path("models")
    / DEFAULT_PLAN,
    policies: Annotated[int | None, typer.Option(help="Simulated policies; default as shipped.", min=10_000)] = None,
    bags: Annotated[int | None, typer.Option(help="Bootstrap fits; default as shipped.", min=1, max=100)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; default as shipped.", min=0)] = None,
    peers: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="What tests/benchmarks/peers.py measured, for the card.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Bags at the same time; -1 for all cores.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is already there.")] = False,
) -> None:
    """Rebuild a rating plan from the simulated market (the shipped one by default; under an hour on two cores)."""
    from cyberscore.training import release  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    _claim(output, force=force)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    metrics = release.train_plan(
        output,
        name=output.resolve().name,
        n_policies=policies or release.N_POLICIES,
        n_bags=bags or release.N_BAGS,
        seed=release.SEED if seed is None else seed,
        peers=peers,
        n_jobs=jobs,
    )
    share = metrics["held_out"]["share_of_explainable_deviance"]["pooled"]
    note(
        f"wrote {output}: plan {RatingPlan.load(output).digest[:16]}, "
        f"share of explainable deviance {share:.3f} on held-out policies"
    )


@plan_app.command("learn")
@takes_book_files
def learn_plan(
    *,
    policies: Annotated[Path, typer.Option(metavar="P.csv", help="Policies of the book (CSV or Parquet).")],
    claims: Annotated[Path, typer.Option(metavar="C.csv", help="Claims of the book.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write the plan to; its name is the plan's.")
    ],
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    prior: Annotated[
        str, typer.Option(help="Plan to start from, a name or a folder; none for no plan.")
    ] = DEFAULT_PLAN,
    bags: Annotated[int, typer.Option(help="Bootstrap fits; 30 for a release.", min=1, max=100)] = 8,
    seed: Annotated[int, typer.Option(help="Seed of the bags.", min=0)] = 0,
    jobs: Annotated[int | None, typer.Option(help="Bags at the same time; -1 for all cores.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is already there.")] = False,
    written: BookFiles,
) -> None:
    """Learn a plan from your own policies and claims, starting from a prior plan."""
    from cyberscore.training import book_reports  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    if prior != "none":
        keep_inputs("--output", output / "plan.json", plan_folder(prior))
    _claim(output, force=force)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    made = book_reports.learn_plan(
        output,
        policies,
        claims,
        as_of=as_of.date() if as_of else None,
        prior=None if prior == "none" else load_plan(prior),
        n_bags=bags,
        seed=seed,
        n_jobs=jobs,
        written=written.options,
    )
    note(f"wrote {output}: plan {made.digest[:16]}; its MODEL_CARD.md tells what it was learned from")


@plan_app.command("check")
def check_plan(
    folder: Annotated[str | None, typer.Argument(help="Plan's folder or name; default the shipped plan.")] = None,
) -> None:
    """Check a plan's digest, bounds and order."""
    plan = load_plan(folder)
    sys.stdout.write(f"{plan.plan_id}: sound, {len(plan.rules.rules)} rules, {len(plan.cells)} cells\n")


@plan_app.command("seal")
def seal_plan(folder: Annotated[Path, typer.Argument(help="Folder of the edited plan.")]) -> None:
    """Check an edited plan and write its new digest."""
    files = PlanFiles.read(folder, check_digest=False)
    files.content["catalogue"] = catalogue_digest()
    plan = RatingPlan.from_files(files)
    files.write(folder)
    card = folder / "MODEL_CARD.md"
    if card.is_file():
        text = re.sub(r"(?m)^Digest `[0-9a-f]{64}`$", f"Digest `{plan.digest}`", card.read_text(encoding="utf-8"))
        card.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{plan.plan_id}: sealed\n")


@plan_app.command("exhibits")
@takes_book_files
def write_plan_exhibits(
    plan: Annotated[str | None, typer.Argument(help="Plan's folder or name; default the shipped plan.")] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    policies: Annotated[Path | None, typer.Option(help="Policies (CSV) of a book, to show its exposure.")] = None,
    claims: Annotated[Path | None, typer.Option(help="Claims (CSV) of that book.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    written: BookFiles,
) -> None:
    """Write a plan's exhibits: CSV of every table, and a rating manual to print (HTML)."""
    from cyberscore.training import exhibits  # noqa: PLC0415  pandas stays off the path of a quote
    from cyberscore.training.books.book import Book  # noqa: PLC0415

    if (policies is None) != (claims is None):
        raise CyberscoreError("--policies and --claims go together: give both, or neither")
    if as_of is not None and policies is None:
        raise CyberscoreError("--as-of is the last day a book knows of: give it with --policies and --claims")
    if written.options and policies is None:
        raise CyberscoreError(
            f"--{next(iter(written.options))} says how a book is written: give --policies and --claims"
        )
    day = as_of.date() if as_of else None
    known = (
        None if policies is None or claims is None else Book.from_csv(policies, claims, as_of=day, **written.options)
    )
    for told in () if known is None else known.notes:
        note(f"note: {told}")
    files = exhibits.write_exhibits(load_plan(plan), output, known, keep=[one for one in (policies, claims) if one])
    note(f"wrote {files[0]} and {len(files) - 1} CSV files")


@plan_app.command("validate")
@takes_book_files
def validate_plan(
    plan: Annotated[str, typer.Argument(help="Plan's folder or name.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")],
    policies: PoliciesOption = None,
    claims: Annotated[Path | None, typer.Option(metavar="C.csv", help="Claims of the book.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    simulated: SimulatedOption = None,
    seed: SeedOption = None,
    against: Annotated[str | None, typer.Option(help="Another plan to hold it against.")] = None,
    written: BookFiles,
) -> None:
    """Judge a plan on a book it was not learned from: discrimination, calibration, drift, order, stability."""
    from cyberscore.training import book_reports  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    needs("--seed", "--simulated", given=seed is not None, has_partner=simulated is not None)
    keep_inputs("--output", output, policies, claims, plan_folder(plan), plan_folder(against) if against else None)
    found = book_reports.validate_plan(
        load_plan(plan),
        output,
        policies=policies,
        claims=claims,
        as_of=as_of.date() if as_of else None,
        simulated=simulated,
        seed=seed,
        against=load_plan(against) if against else None,
        written=written.options,
    ).summary
    whole, order = found["actual_over_expected"]["all"], found["discrimination"]["all"]
    note(
        f"wrote {output}: {whole['actual']:,.0f} claims, actual over expected {whole['ratio']:.3f} "
        f"({whole['low']:.3f} to {whole['high']:.3f}), Gini "
        + ("not a number" if order["gini"] is None else f"{order['gini']:.3f}")
    )


@plan_app.command("compare")
@takes_book_files
def compare_plans(
    old: Annotated[str, typer.Argument(help="Old plan's folder or name.")],
    new: Annotated[str, typer.Argument(help="New plan's folder or name.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")],
    policies: PoliciesOption = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    simulated: SimulatedOption = None,
    seed: SeedOption = None,
    written: BookFiles,
) -> None:
    """Show how a new plan moves a book: who moves, how far, and which table cells move them."""
    from cyberscore.training import book_reports  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    needs("--seed", "--simulated", given=seed is not None, has_partner=simulated is not None)
    keep_inputs("--output", output, policies, plan_folder(old), plan_folder(new))
    found = book_reports.compare_plans(
        load_plan(old),
        load_plan(new),
        output,
        policies=policies,
        as_of=as_of.date() if as_of else None,
        simulated=simulated,
        seed=seed,
        written=written.options,
    ).summary
    moved = found["distribution"]["expected loss"]
    note(
        f"wrote {output}: expected loss of the book {found['book_ratio'] - 1:+.1%}; "
        f"{moved['up_25'] + moved['down_25']:.1%} of terms move by more than 25 %"
    )


@market_app.command("check")
def check_market(
    *,
    policies: Annotated[int | None, typer.Option(help="Simulated policies; default 200,000.", min=1_000)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; default as shipped.", min=0)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the comparison as CSV.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a miss has no explanation.")] = False,
) -> None:
    """Compare the simulated market with published figures: which are met, which are not, and why."""
    from cyberscore.market.check import N_POLICIES, SEED, check, summary, unexplained  # noqa: PLC0415  needs pandas

    if as_json and as_csv:
        raise CyberscoreError("--json and --csv exclude each other: give one")
    found = check(policies or N_POLICIES, SEED if seed is None else seed)
    if as_json:
        sys.stdout.write(found.to_json(orient="records", indent=2) + "\n")
    elif as_csv:
        from cyberscore.training.exhibits import safe_cell  # noqa: PLC0415  needs pandas

        sys.stdout.write(found.map(safe_cell).to_csv(index=False))
    else:
        report_text.print_market_check(console(), found.to_dict("records"))
    note(summary(found))
    if strict and unexplained(found):
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(train)
    app.add_typer(plan_app, name="plan")
    app.add_typer(market_app, name="market")
