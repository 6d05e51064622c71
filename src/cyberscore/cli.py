"""The command line: quote, posture, example, signals, train, plan, market. Errors: standard error, exit status 2."""

import io
import logging
import re
import sys
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cyberscore import report_text
from cyberscore.examples import example_names, example_text
from cyberscore.exceptions import CyberscoreError, PlanError, ProfileError
from cyberscore.profile import Profile, posture_at, signals
from cyberscore.profile.profile import MAX_BYTES
from cyberscore.quoting import quote as make_quote
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.library import DEFAULT_PLAN, load_plan
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import PlanFiles, catalogue_digest
from cyberscore.readers import read

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
plan_app = typer.Typer(no_args_is_help=True, help="Check, seal, judge and compare rating plans.")
app.add_typer(plan_app, name="plan")
market_app = typer.Typer(no_args_is_help=True, help="The simulated market that the shipped plan is learned from.")
app.add_typer(market_app, name="market")

ProfileArgument = Annotated[
    Path,
    typer.Argument(metavar="PROFILE.json", help="Profile to read; - for standard input.", show_default=False),
]
EvidenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        metavar="TOOL:FILE",
        help="Tool export to add, such as nmap:scan.xml or scubagear:results.json; may be repeated.",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="YYYY-MM-DD", help="Date of the answer; default the newest observation's."),
]

PoliciesOption = Annotated[Path | None, typer.Option(metavar="P.csv", help="Policies of the book.")]
SimulatedOption = Annotated[int | None, typer.Option(help="Simulate a book of so many policies instead.", min=1)]
SeedOption = Annotated[int, typer.Option(help="Seed of the simulated book.", min=0)]
BOOK_AS_OF = "Last day the book knows of; default at ultimate."


def _console() -> Console:
    return Console(highlight=False)


def _note(text: str) -> None:
    """Print to standard error, so that standard output stays clean."""
    print(text, file=sys.stderr)  # noqa: T201  messages of a command line


def _profile(path: Path, evidence: list[str] | None) -> Profile:
    from_input = str(path) == "-"
    profile = Profile.from_json(sys.stdin.buffer.read(MAX_BYTES + 1)) if from_input else Profile.load(path)
    for item in evidence or []:
        tool, _, file = item.partition(":")
        if not file:
            raise ProfileError(f"--evidence must be TOOL:FILE, such as nmap:scan.xml; got {item!r}")
        reading = read(Path(file), tool=tool)
        profile = profile.with_observations(*reading.observations)
        _note(
            f"{file}: {len(reading.observations)} observations from {reading.tool}, "
            f"{len(reading.not_mapped)} kinds of finding not mapped"
        )
        for line in reading.not_mapped:
            _note(f"  not mapped: {report_text.not_mapped_line(line)}")
    return profile


def _as_of(text: str | None, profile: Profile) -> date:
    if text is not None:
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ProfileError(f"--as-of must be a date such as 2026-11-23; got {text!r}") from error
    if not profile.newest:
        raise ProfileError("the profile has no observation to take a date from: give --as-of YYYY-MM-DD")
    found = date.fromordinal(profile.newest)
    if found > datetime.now(UTC).date():
        raise ProfileError(
            f"the newest observation is dated {found}, in the future: mend it, or give --as-of YYYY-MM-DD"
        )
    _note(f"as of {found}, the date of the newest observation (--as-of sets another)")
    return found


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it with the flag
    if wanted:
        sys.stdout.write(f"cyberscore {version('cyberscore')}\n")
        raise typer.Exit


@app.callback()
def describe(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Underwrite the cyber risk of small and medium enterprises. Answers are indicative, not an offer of cover."""


@app.command()
def quote(
    profile: ProfileArgument,
    *,
    evidence: EvidenceOption = None,
    limit: Annotated[float | None, typer.Option(help="Aggregate limit, USD.")] = None,
    retention: Annotated[float | None, typer.Option(help="Retention, USD.")] = None,
    waiting_hours: Annotated[
        float | None, typer.Option(help="Waiting period before lost income is paid, hours.")
    ] = None,
    as_of: AsOfOption = None,
    plan: Annotated[str | None, typer.Option(help="Name of a shipped plan, or a plan's folder.")] = None,
    exchange_rate: Annotated[
        float | None, typer.Option(help="USD for one unit of the insured's currency; default the plan's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole quote as JSON.")] = False,
) -> None:
    """Quote a profile: score, premium, decision, reasons."""
    known = _profile(profile, evidence)
    asked = {"aggregate_limit": limit, "retention": retention, "waiting_period_hours": waiting_hours}
    cover = Coverage.from_dict({name: value for name, value in asked.items() if value is not None})
    date_of_quote = _as_of(as_of, known)
    answer = make_quote(known, cover, as_of=date_of_quote, plan=load_plan(plan), exchange_rate=exchange_rate)
    if as_json:
        sys.stdout.write(answer.to_json(indent=2) + "\n")
    else:
        report_text.print_quote(_console(), known, answer)


@app.command()
def posture(profile: ProfileArgument, evidence: EvidenceOption = None, as_of: AsOfOption = None) -> None:
    """Show what a profile's evidence says at a date."""
    known = _profile(profile, evidence)
    report_text.print_posture(_console(), posture_at(known, _as_of(as_of, known)))


@app.command()
def example(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(example_names()), show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Print an example profile."""
    text = example_text(name)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"{output}: cannot be written: {error.strerror}") from error
    _note(f"wrote {output}")


@app.command("signals")
def list_signals() -> None:
    """List the posture signals: unit, range, order, sources, half-life."""
    report_text.print_signals(_console(), list(signals().values()))


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


@app.command()
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
    _note(
        f"wrote {output}: plan {RatingPlan.load(output).digest[:16]}, "
        f"share of explainable deviance {share:.3f} on held-out policies"
    )


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
def write_plan_exhibits(
    plan: Annotated[str | None, typer.Argument(help="Plan's folder or name; default the shipped plan.")] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    policies: Annotated[Path | None, typer.Option(help="Policies (CSV) of a book, to show its exposure.")] = None,
    claims: Annotated[Path | None, typer.Option(help="Claims (CSV) of that book.")] = None,
) -> None:
    """Write a plan's exhibits: CSV of every table, and a rating manual to print (HTML)."""
    from cyberscore.training import book, exhibits  # noqa: PLC0415  pandas stays off the path of a quote

    if (policies is None) != (claims is None):
        raise CyberscoreError("--policies and --claims go together: give both, or neither")
    known = None if policies is None or claims is None else book.Book.from_csv(policies, claims)
    written = exhibits.write_exhibits(load_plan(plan), output, known)
    _note(f"wrote {written[0]} and {len(written) - 1} CSV files")


@plan_app.command("validate")
def validate_plan(
    plan: Annotated[str, typer.Argument(help="Plan's folder or name.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")],
    policies: PoliciesOption = None,
    claims: Annotated[Path | None, typer.Option(metavar="C.csv", help="Claims of the book.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    simulated: SimulatedOption = None,
    seed: SeedOption = 1,
    against: Annotated[str | None, typer.Option(help="Another plan to hold it against.")] = None,
) -> None:
    """Judge a plan on a book it was not learned from: discrimination, calibration, drift, order, stability."""
    from cyberscore.training import book_reports  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    found = book_reports.validate_plan(
        load_plan(plan),
        output,
        policies=policies,
        claims=claims,
        as_of=as_of.date() if as_of else None,
        simulated=simulated,
        seed=seed,
        against=load_plan(against) if against else None,
    ).summary
    whole, order = found["actual_over_expected"]["all"], found["discrimination"]["all"]
    _note(
        f"wrote {output}: {whole['actual']:,.0f} claims, actual over expected {whole['ratio']:.3f} "
        f"({whole['low']:.3f} to {whole['high']:.3f}), Gini {order['gini']:.3f}"
    )


@plan_app.command("compare")
def compare_plans(
    old: Annotated[str, typer.Argument(help="Old plan's folder or name.")],
    new: Annotated[str, typer.Argument(help="New plan's folder or name.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")],
    policies: PoliciesOption = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=BOOK_AS_OF)] = None,
    simulated: SimulatedOption = None,
    seed: SeedOption = 1,
) -> None:
    """Show how a new plan moves a book: who moves, how far, and which table cells move them."""
    from cyberscore.training import book_reports  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    found = book_reports.compare_plans(
        load_plan(old),
        load_plan(new),
        output,
        policies=policies,
        as_of=as_of.date() if as_of else None,
        simulated=simulated,
        seed=seed,
    ).summary
    moved = found["distribution"]["expected loss"]
    _note(
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
        sys.stdout.write(found.to_csv(index=False))
    else:
        report_text.print_market_check(_console(), found.to_dict("records"))
    _note(summary(found))
    if strict and unexplained(found):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of ours is one message and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except CyberscoreError as error:
        for line in str(error).splitlines():
            _note(f"error: {line}")
        sys.exit(2)


if __name__ == "__main__":
    main()
