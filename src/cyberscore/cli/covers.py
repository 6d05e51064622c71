"""Options that say what cover is asked for: `takes_cover` gives them to every command that quotes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cyberscore.cli.options import named_values, replaces
from cyberscore.exceptions import CoverageError
from cyberscore.money import number_of
from cyberscore.profile import Insured
from cyberscore.profile.places import CURRENCIES
from cyberscore.rating.coverage import Coverage, usual_covers

OPTIONS: dict[str, Any] = {
    "limit": Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Aggregate limit; default 1,000,000 USD, or the usual of the currency."),
    ],
    "retention": Annotated[
        str | None,
        typer.Option(help="Retention; default 10,000 USD, or the usual one.", metavar="AMOUNT"),
    ],
    "waiting_hours": Annotated[
        str | None,
        typer.Option(
            "--waiting-hours", "--waiting-period", metavar="HOURS", help="Waiting period before lost income is paid."
        ),
    ],
    "per_claim_limit": Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Limit for one claim; default the aggregate limit.")
    ],
    "sublimit": Annotated[
        list[str] | None,
        typer.Option(
            "--sublimit", metavar="NAME=AMOUNT", help="Sublimit of a peril or coverage part; may be repeated."
        ),
    ],
    "coinsurance": Annotated[
        list[str] | None,
        typer.Option(
            "--coinsurance", metavar="NAME=PERCENT", help="Share the insured bears of a peril or part; may be repeated."
        ),
    ],
    "expiring_premium": Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Last year's premium, on a renewal.")
    ],
    "currency": Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Currency of amounts asked for and quoted: the insured's own (default), or USD."
        ),
    ],
    "surplus_lines_state": Annotated[
        str | None, typer.Option(metavar="STATE", help="US state whose surplus lines tax applies, such as TX.")
    ],
    "market_scenario": Annotated[
        str | None, typer.Option("--scenario", metavar="NAME", help="Market scenario of the plan, such as howden_2023.")
    ],
}
PANEL = "Cover asked for"
"""Title of these options in the help of a command."""
FIELDS = {"limit": "aggregate_limit", "waiting_hours": "waiting_period_hours"}
"""Options that are not named as the field of `Coverage` that they give."""
NUMBERS = ("limit", "retention", "waiting_hours", "per_claim_limit", "expiring_premium")
"""Options that are numbers; read as text, so that one that may be read in two ways is refused."""
ExchangeRateOption = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="USD for one unit of the insured's currency; default the plan's dated rate.",
        rich_help_panel=PANEL,
    ),
]
RateIsMeantOption = Annotated[
    bool,
    typer.Option(
        "--exchange-rate-is-meant",
        help="Take a rate that is far from the plan's: it is meant.",
        rich_help_panel=PANEL,
    ),
]
LimitsOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,...", help="Limits of a grid of options, with --retentions.", rich_help_panel=PANEL),
]
RetentionsOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,...", help="Retentions of a grid of options, with --limits.", rich_help_panel=PANEL),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say of the cover; the rest is as usual for the insured."""

    fields: dict[str, Any]

    def of(self, insured: Insured, *, grid: bool = False) -> Coverage:
        """Return the cover asked for, in the insured's currency where no other was named; beside a grid or not.

        Raises
        ------
        CoverageError
            When it makes no sense.
        """
        currency = str(self.fields.get("currency", insured.currency))
        needed = {"--limit": "aggregate_limit", "--retention": "retention"}
        missing = [option for option, name in needed.items() if name not in self.fields]
        if missing and currency in CURRENCIES and currency not in usual_covers():
            if grid or "currency" in self.fields or Coverage.model_construct(**self.fields).gives_amounts:
                raise CoverageError(
                    f"no usual cover is known in {currency}: give {' and '.join(missing)} in {currency}, "
                    "or --currency USD"
                )
            currency = "USD"
        # a cover in USD that nobody named USD follows the insured's currency in a what-if
        named = {} if currency == "USD" else {"currency": currency}
        return Coverage.from_dict({**named, **self.fields})


def cover_of(*, sublimit: list[str] | None = None, coinsurance: list[str] | None = None, **asked: str | None) -> Asked:
    """Gather the options as they stand on the command line; None where nothing was said.

    Raises
    ------
    CoverageError
        Naming the option that is wrong.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    fields: dict[str, Any] = {
        FIELDS.get(name, name): _number(f"--{name.replace('_', '-')}", value) if name in NUMBERS else value
        for name, value in given.items()
    }
    fields["sublimits"] = _named_numbers("--sublimit", sublimit or [], "ransomware=250000")
    fields["coinsurance"] = _named_numbers("--coinsurance", coinsurance or [], "ransomware=20 for 20 %")
    return Asked(fields)


def takes_cover(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of this module in place of its parameter `cover`, an `Asked`."""
    return replaces(command, "cover", OPTIONS, cover_of, panel=PANEL)


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


def _named_numbers(option: str, texts: list[str], example: str) -> dict[str, float]:
    found = {}
    for name, number in named_values(option, texts).items():
        try:
            found[name] = number_of(number)
        except ValueError as error:
            given = next(text for text in texts if text.partition("=")[0].strip() == name)
            raise CoverageError(f"{option} must be NAME=NUMBER, such as {example}; got {given!r}: {error}") from error
    return found


def _number(option: str, text: str) -> float:
    try:
        return number_of(text)
    except ValueError as error:
        raise CoverageError(f"{option}: {error}") from error


def _numbers(option: str, text: str) -> list[float]:
    either = re.search(r"(?<![\d.])\d{1,3},\d{3}(?!\d)", text)
    if either:
        first, _, second = either[0].partition(",")
        raise CoverageError(
            f"{option}: {either[0]!r} may be {first}{second}, or {first} and {second}: write thousands without commas, "
            "and a space after the comma between two numbers"
        )
    try:
        return [number_of(item) for item in text.split(",")]
    except ValueError as error:
        raise CoverageError(
            f"{option} must be numbers with commas between, such as 500000,1000000; got {text!r}: {error}"
        ) from error
