"""Options of commands that read tool exports, and reading them: `takes_evidence` gives a command all of these."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from cyberscore.cli.options import named_values, replaces
from cyberscore.exceptions import ProfileError
from cyberscore.readers import READERS, Reading, detect, options_of, read
from cyberscore.readers.vulnerabilities import Catalogue

EvidenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        metavar="[TOOL:]FILE",
        help="Tool export to add, such as scan.xml; TOOL: only if the content does not tell; may be repeated.",
    ),
]
OPTIONS: dict[str, Any] = {
    "evidence": EvidenceOption,
    "vantage": Annotated[
        str | None,
        typer.Option(
            help="Where scanners stood: auto (routable addresses are the perimeter), external or internal; for those "
            "files whose tool may stand inside or outside.",
        ),
    ],
    "assets_total": Annotated[
        list[str] | None,
        typer.Option(
            "--assets-total",
            metavar="KIND=N",
            help="How many hosts (users, domains, ...) there are in all, such as hosts=200; may be repeated.",
        ),
    ],
    "observed_at": Annotated[
        str | None,
        typer.Option("--observed-at", metavar="YYYY-MM-DD", help="Date of exports that do not tell theirs."),
    ],
    "kev": Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CISA's known exploited vulnerabilities (JSON or CSV); default a snapshot."),
    ],
    "epss": Annotated[
        Path | None, typer.Option(metavar="FILE", help="FIRST's EPSS scores (CSV, .gz); default a snapshot.")
    ],
}
_FLAGS = {"vantage": "--vantage", "catalogue": "--kev or --epss"}
"""Options of readers, as the command line calls them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Tool exports named on the command line, and how they are read.

    Parameters
    ----------
    files : tuple of str
        Each `FILE` or `TOOL:FILE`.
    totals : mapping
        How many assets of a kind there are in all.
    observed_at : str, optional
        Date of files that do not tell theirs.
    options : mapping
        Passed to the readers that take them; at least one must.
    catalogue : tuple of path
        Files of --kev and --epss.
    """

    files: tuple[str, ...] = ()
    totals: Mapping[str, int] = field(default_factory=dict, hash=False)
    observed_at: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    catalogue: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that is read."""
        return (*(Path(split_evidence(item)[1]) for item in self.files), *self.catalogue)

    @classmethod
    def of(
        cls,
        evidence: list[str] | None = None,
        *,
        vantage: str | None = None,
        assets_total: list[str] | None = None,
        observed_at: str | None = None,
        kev: Path | None = None,
        epss: Path | None = None,
    ) -> Self:
        """Make it of the options as they stand on the command line.

        Raises
        ------
        ProfileError
            When there are options on how to read files, and no file.
        """
        given = {
            "--vantage": vantage, "--assets-total": assets_total, "--observed-at": observed_at,
            "--kev": kev, "--epss": epss,
        }  # fmt: skip
        alone = [flag for flag, value in given.items() if value is not None and value != []]
        if alone and not evidence:
            raise ProfileError(f"{alone[0]} says how to read a tool export, and none is given: add --evidence FILE")
        options: dict[str, Any] = {}
        if vantage is not None:
            options["vantage"] = vantage
        if kev is not None or epss is not None:
            options["catalogue"] = Catalogue.load(kev=kev, epss=epss)
        totals = {}
        for kind, number in named_values("--assets-total", assets_total or []).items():
            if not (kind and number.isascii() and number.isdigit() and len(number) < 10):
                got = f"{kind}={number}" if number else kind
                raise ProfileError(f"--assets-total must be KIND=N, such as hosts=200; got {got!r}")
            totals[kind] = int(number)
        catalogue = tuple(path for path in (kev, epss) if path is not None)
        return cls(tuple(evidence or ()), totals, observed_at, options, catalogue)

    def readings(self) -> Iterator[tuple[str, Reading]]:
        """Read the files, in order, each with its name.

        Raises
        ------
        ReadingError
            When a file cannot be read.
        ProfileError
            When no file is of a tool whose reader takes an option, or none counts the assets that a total is of.
        """
        counted, taken = set(), set()
        tools: dict[str, None] = {}
        for item in self.files:
            named, file = split_evidence(item)
            tool = (named or detect(Path(file))).strip().lower()
            options: dict[str, Any] = {"observed_at": self.observed_at}
            if tool in READERS:  # else reading tells that there is no such tool
                tools[tool] = None
                options |= {name: value for name, value in self.options.items() if name in options_of(tool)}
            taken |= set(options)
            reading = read(Path(file), tool=tool, **options)
            total = None
            if reading.assets is not None:
                counted.add(reading.assets.kind)
                total = self.totals.get(reading.assets.kind)
            if total is not None:
                reading = read(Path(file), tool=tool, assets_total=total, **options)
            yield file, reading
        idle = [name for name in self.options if name not in taken]
        if idle:
            takers = ", ".join(name for name in sorted(READERS) if idle[0] in options_of(name))
            raise ProfileError(
                f"{_FLAGS[idle[0]]}: no file given takes it (they are of {', '.join(tools)}): leave it out; "
                f"exports that take it are those of {takers}"
            )
        unused = sorted(set(self.totals) - counted)
        if unused:
            kinds = ", ".join(sorted(counted)) or "none"
            raise ProfileError(f"--assets-total {unused[0]}: no file given counts them; the kinds counted are: {kinds}")


def split_evidence(item: str) -> tuple[str | None, str]:
    """Split `TOOL:FILE`; the tool is None for a bare file, whose name may hold colons or a drive letter."""
    tool, colon, file = item.partition(":")
    named = bool(colon) and (tool.lower() in READERS or (tool.isalnum() and len(tool) > 1 and not Path(item).exists()))
    if not (file if named else item):
        raise ProfileError(f"--evidence must be FILE or TOOL:FILE, such as scan.xml or nmap:scan.xml; got {item!r}")
    return (tool, file) if named else (None, item)


def takes_evidence(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of this module in place of its parameter `evidence`, an `Evidence`."""
    return replaces(command, "evidence", OPTIONS, Evidence.of, panel="Evidence from tools and forms")
