"""Business activities that underwriters screen: their words, and the industry codes that speak of them.

Callers are the insured, whose words become names here, and the fields that rules read.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from cyberscore.exceptions import ProfileError

NONE = frozenset(
    {"none", "no", "nil", "n a", "na", "none of these", "none of the above", "not applicable", "无", "没有", "否"}
)
"""Words that say that there is no such activity."""


def plain_activities(words: Iterable[str]) -> tuple[str, ...]:
    """Names of activities, each once, in the order given: a synonym becomes its name, other words are kept.

    Words are compared without case, and with spaces, hyphens and underscores alike; a plural counts as its singular.

    Raises
    ------
    ProfileError
        When "none" stands beside an activity.

    Examples
    --------
    >>> plain_activities(["Online Casino", "MSP", "web-design"])
    ('gambling', 'managed_service_provider', 'web_design')
    >>> plain_activities(["none"])
    ()
    """
    given = list(words)
    names = [_name_of(word) for word in given]
    if None in names and len(set(names)) > 1:
        others = ", ".join(repr(word) for word, name in zip(given, names, strict=True) if name is not None)
        raise ProfileError(f"{given[names.index(None)]!r} says that there is none, but {others} is given too: keep one")
    return tuple(dict.fromkeys(name for name in names if name is not None))


def activities_of_industry(naics: str) -> tuple[str, ...]:
    """Activities that the definition of a NAICS code holds, sorted; none where the code may mean something else."""
    return tuple(name for name, prefixes in _prefixes().items() if any(naics.startswith(one) for one in prefixes))


@cache
def screened_activities() -> tuple[str, ...]:
    """Names of all activities of the catalogue, sorted."""
    return tuple(sorted(_catalogue()))


def _name_of(word: str) -> str | None:
    """Name of an activity, None for a word that says that there is none."""
    plain = _plain(word)
    if plain in NONE:
        return None
    names = _names_by_word()
    name = names.get(plain) or names.get(_singular(plain))
    return name or plain.replace(" ", "_")


def _plain(word: str) -> str:
    return re.sub(r"[\s_/\u2010-\u2015-]+", " ", unicodedata.normalize("NFKC", word).casefold()).strip()


def _singular(words: str) -> str:
    """Take the plural off the last word: casinos, agencies."""
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words.removesuffix("s")


@cache
def _catalogue() -> Mapping[str, Mapping[str, list[str]]]:
    text = files("cyberscore.profile").joinpath("activities.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    for name, about in found.items():
        if set(about) != {"words", "naics"} or not about["words"]:
            raise ProfileError(f"activities.toml: {name} must have words and naics; got {', '.join(sorted(about))}")
    return found


@cache
def _names_by_word() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, about in _catalogue().items():
        for word in (name, *about["words"]):
            for plain in {_plain(word), _singular(_plain(word))}:
                if found.setdefault(plain, name) != name:
                    raise ProfileError(f"activities.toml: {word!r} is a word of both {found[plain]} and {name}")
    return found


@cache
def _prefixes() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(_catalogue()[name]["naics"]) for name in screened_activities()}
