"""Commands that refuse an option given twice, of which the last would win in silence: all groups of commands are so."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from cyberscore.exceptions import CyberscoreError

Command = TypeVar("Command", bound=Callable[..., Any])


class _Once(TyperCommand):
    """A command whose options with one value are given once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _refuse_repeats(self, ctx, args)
        return super().parse_args(ctx, args)


class _GroupOnce(TyperGroup):
    """A group of commands whose own options with one value are given once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _refuse_repeats(self, ctx, args)
        return super().parse_args(ctx, args)


class Commands(typer.Typer):
    """A group of commands that refuses an option given twice; -h asks for help as --help does."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=_GroupOnce, context_settings={"help_option_names": ["-h", "--help"]}, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Command], Command]:
        """Add a command, as typer's own decorator does."""
        return super().command(name, cls=_Once, **settings)


def _refuse_repeats(command: Any, ctx: Any, args: list[str]) -> None:
    """Refuse an option of one value that is given twice, by one of its names or by two.

    Raises
    ------
    CyberscoreError
        Naming it.
    """
    if ctx.resilient_parsing:  # the shell asks how a line that is not ended could go on
        return
    _, _, given = command.make_parser(ctx).parse_args(args=list(args))
    for parameter, times in Counter(given).items():
        single = parameter.param_type_name == "option" and not (parameter.multiple or parameter.is_flag)
        if single and times > 1:
            raise CyberscoreError(f"{' or '.join(parameter.opts)} is given {times} times: keep one")
