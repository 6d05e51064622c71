"""Options of many commands: a group of them in the place of a parameter, and those of names with values.

Callers are the modules of commands and of options.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args, get_type_hints

from cyberscore.exceptions import CyberscoreError


def replaces(
    command: Callable[..., None], name: str, options: Mapping[str, Any], made_of: Callable[..., Any], *, panel: str
) -> Callable[..., None]:
    """Give a command options in place of one parameter.

    Parameters
    ----------
    command : callable
    name : str
        The parameter, which gets what `made_of` makes of the options.
    options : mapping
        Annotations of typer by parameter; each defaults to None.
    made_of : callable
        Takes the options by name.
    panel : str
        Title under which the help shows them.
    """
    hints = get_type_hints(command, include_extras=True)
    shown = {one: _in_panel(option, panel) for one, option in options.items()}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name == name:
            parameters += [
                inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
                for one, option in shown.items()
            ]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name]))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        chosen = {one: given.pop(one) for one in options}
        command(**given, **{name: made_of(**chosen)})

    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # as inspect documents
    return run


def _in_panel(option: Any, panel: str) -> Any:
    """Return an annotation of typer whose help stands under a title."""
    kind, shown = get_args(option)
    shown = copy.copy(shown)
    shown.rich_help_panel = panel
    return Annotated[kind, shown]


def named_values(option: str, texts: Iterable[str]) -> dict[str, str]:
    """Return the values of an option `NAME=VALUE` by name, as they stand; no sign of equality is an empty value.

    Raises
    ------
    CyberscoreError
        When a name is given twice: neither value is more meant than the other.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        name = name.strip()
        if name in found:
            raise CyberscoreError(f"{option} {name} is given twice, {found[name]} and {value}: keep one")
        found[name] = value
    return found
