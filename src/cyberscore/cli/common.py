"""What the commands share: options, messages, reading a profile with its evidence, the date of an answer."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cyberscore import report_text
from cyberscore.cli.evidence import Evidence, EvidenceOption
from cyberscore.exceptions import ProfileError
from cyberscore.profile import Profile
from cyberscore.profile.profile import MAX_BYTES
from cyberscore.readers import Assets

ProfileArgument = Annotated[
    Path,
    typer.Argument(metavar="PROFILE.json", help="Profile to read; - for standard input.", show_default=False),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="YYYY-MM-DD", help="Date of the answer; default the newest observation's."),
]


__all__ = [
    "AsOfOption",
    "EvidenceOption",
    "ProfileArgument",
    "console",
    "date_of",
    "keep_inputs",
    "needs",
    "note",
    "read_profile",
]


def console() -> Console:
    """Return a console that adds no colour of its own to numbers."""
    return Console(highlight=False)


def note(text: str) -> None:
    """Print to standard error, so that standard output stays clean."""
    print(text, file=sys.stderr)  # noqa: T201  messages of a command line


def read_profile(path: Path, evidence: Evidence | list[str] | None) -> Profile:
    """Read a profile and add what tool exports say, telling what they hold that no signal takes."""
    from_input = str(path) == "-"
    profile = Profile.from_json(sys.stdin.buffer.read(MAX_BYTES + 1)) if from_input else Profile.load(path)
    chosen = evidence if isinstance(evidence, Evidence) else Evidence.of(evidence)
    for file, reading in chosen.readings():
        profile = profile.with_observations(*reading.observations)
        seen = f"; {_seen(reading.assets)} seen" if reading.assets is not None else ""
        note(
            f"{file}: {len(reading.observations)} observations from {reading.tool}, "
            f"{len(reading.not_mapped)} kinds of finding not mapped{seen}"
        )
        for line in reading.not_mapped:
            note(f"  not mapped: {report_text.not_mapped_line(line)}")
    return profile


def keep_inputs(option: str, output: Path | None, *inputs: Path | None) -> None:
    """Refuse to write over a file that the same command reads, by whatever name; of a folder, over a file in it.

    Raises
    ------
    ProfileError
        Naming the option and the file that would be lost.
    """
    if output is None:
        return
    for read in inputs:
        if read is None:
            continue
        if any(_is_same(output, one) for one in (read.iterdir() if read.is_dir() else (read,))):
            raise ProfileError(f"{option} {output} would replace {read}, which this command reads: give another file")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, also where a link stands between them."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.resolve() == other.resolve()


def needs(option: str, partner: str, *, given: bool, has_partner: bool) -> None:
    """Refuse an option that does nothing without another.

    Raises
    ------
    ProfileError
        Naming both.
    """
    if given and not has_partner:
        raise ProfileError(f"{option} does nothing without {partner}: give both, or leave it out")


def _seen(assets: Assets) -> str:
    return f"{assets.seen} {assets.kind}" if assets.total is None else f"{assets.seen} of {assets.total} {assets.kind}"


def date_of(text: str | None, profile: Profile) -> date:
    """Return the date of the answer: the one given, else that of the newest observation or dispute."""
    if text is not None:
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ProfileError(f"--as-of must be a date such as 2026-11-23; got {text!r}") from error
    if not profile.newest:
        raise ProfileError("the profile has no observation to take a date from: give --as-of YYYY-MM-DD")
    found, what = date.fromordinal(profile.newest), "observation"
    disputed = max((one.at for one in profile.disputes), default=found)
    if disputed > found:
        found, what = disputed, "dispute"
    newest = (one.observed_at for one in profile.observations if one.prepared.day == profile.newest)
    zones = (moment.tzinfo for moment in newest) if what == "observation" else (UTC,)
    if any(found > datetime.now(zone).date() for zone in zones):
        raise ProfileError(f"the newest {what} is dated {found}, in the future: mend it, or give --as-of YYYY-MM-DD")
    note(f"as of {found}, the date of the newest {what} (--as-of sets another)")
    return found
