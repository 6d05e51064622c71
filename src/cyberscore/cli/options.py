"""One group of options for many commands, put in the place of a parameter; called by `covers` and `evidence`."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints


def replaces(
    command: Callable[..., None], name: str, options: Mapping[str, Any], made_of: Callable[..., Any]
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
    """
    hints = get_type_hints(command, include_extras=True)
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name == name:
            parameters += [
                inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
                for one, option in options.items()
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
