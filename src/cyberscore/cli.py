"""The command line: quote, posture, example, signals, train, plan. Errors go to standard error, with exit status 2."""

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
plan_app = typer.Typer(no_args_is_help=True, help="Check and seal rating plans.")
app.add_typer(plan_app, name="plan")

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
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is already there.")] = False,
) -> None:
    """Rebuild a rating plan from the simulated market (the shipped one by default; some minutes)."""
    from cyberscore.training import release  # noqa: PLC0415  scikit-learn and pandas stay off the path of a quote

    _claim(output, force=force)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    metrics = release.train_plan(
        output,
        name=output.resolve().name,
        n_policies=policies or release.N_POLICIES,
        n_bags=bags or release.N_BAGS,
        seed=release.SEED if seed is None else seed,
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
