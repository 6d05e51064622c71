"""Invented firms to try things on: a dental clinic, a manufacturer, an online shop and a law firm."""

from importlib.resources import files

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Profile


def example_names() -> tuple[str, ...]:
    """Names of the examples."""
    return tuple(
        sorted(
            path.name.removesuffix(".json")
            for path in files("cyberscore.examples").iterdir()
            if path.name.endswith(".json")
        )
    )


def example_text(name: str) -> str:
    """JSON text of an example profile.

    Raises
    ------
    ProfileError
        When there is no such example.
    """
    if name not in example_names():
        raise ProfileError(f"unknown example {name!r}: there are {', '.join(example_names())}")
    return files("cyberscore.examples").joinpath(f"{name}.json").read_text(encoding="utf-8")


def example(name: str) -> Profile:
    """Profile of an example; see `example_names`."""
    return Profile.from_json(example_text(name))


__all__ = ["example", "example_names", "example_text"]
