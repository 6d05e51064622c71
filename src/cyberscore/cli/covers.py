"""Options of the command line that say what cover is asked for; called by the commands that quote."""

from typing import Annotated, Any

import typer

from cyberscore.exceptions import CoverageError
from cyberscore.rating.coverage import Coverage

LimitOption = Annotated[float | None, typer.Option(help="Aggregate limit; default 1,000,000.")]
RetentionOption = Annotated[float | None, typer.Option(help="Retention; default 10,000.")]
WaitingOption = Annotated[float | None, typer.Option(help="Waiting period before lost income is paid, hours.")]
PerClaimOption = Annotated[float | None, typer.Option(help="Limit for one claim; default the aggregate limit.")]
SublimitOption = Annotated[
    list[str] | None,
    typer.Option("--sublimit", metavar="NAME=AMOUNT", help="Sublimit of a peril or coverage part; may be repeated."),
]
CoinsuranceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--coinsurance", metavar="NAME=PERCENT", help="Share the insured bears of a peril or part; may be repeated."
    ),
]
ExpiringOption = Annotated[float | None, typer.Option(help="Last year's premium, on a renewal.")]
CurrencyOption = Annotated[
    str | None, typer.Option(help="Currency of amounts asked for and quoted: USD (default), or the insured's own.")
]
StateOption = Annotated[
    str | None, typer.Option(metavar="STATE", help="US state whose surplus lines tax applies, such as TX.")
]
ScenarioOption = Annotated[
    str | None, typer.Option("--scenario", metavar="NAME", help="Market scenario of the plan, such as howden_2023.")
]
LimitsOption = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Limits of a grid of options, with --retentions.")
]
RetentionsOption = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Retentions of a grid of options, with --limits.")
]


def cover_of(asked: dict[str, Any], sublimits: list[str] | None, coinsurance: list[str] | None) -> Coverage:
    """Build a request from fields that are None where nothing was said, and NAME=NUMBER texts.

    Raises
    ------
    CoverageError
        Naming the option that is wrong.
    """
    fields = {name: value for name, value in asked.items() if value is not None}
    fields["sublimits"] = _named_numbers("--sublimit", sublimits or [])
    fields["coinsurance"] = _named_numbers("--coinsurance", coinsurance or [])
    return Coverage.from_dict(fields)


def grid_of(cover: Coverage, limits: str | None, retentions: str | None) -> tuple[Coverage, ...]:
    """Make the grid of options that `--limits` and `--retentions` ask for; the other one stays as in the cover.

    Raises
    ------
    CoverageError
        When a number is none, or a limit and a retention do not fit.
    """
    if limits is None and retentions is None:
        return ()
    shared = cover.model_dump(exclude={"aggregate_limit", "retention"})
    return Coverage.grid(
        limits=[cover.aggregate_limit] if limits is None else _numbers("--limits", limits),
        retentions=[cover.retention] if retentions is None else _numbers("--retentions", retentions),
        **shared,
    )


def _named_numbers(option: str, texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        (found[name.strip()],) = _numbers(option, number, wanted="NAME=NUMBER, such as ransomware=250000", got=text)
    return found


def _numbers(
    option: str, text: str, *, wanted: str = "numbers with commas between, such as 500000,1000000", got: str = ""
) -> list[float]:
    try:
        return [float(item) for item in text.split(",")]
    except ValueError as error:
        raise CoverageError(f"{option} must be {wanted}; got {got or text!r}") from error
