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
    {
        "none", "no", "nil", "na", "n a", "nothing", "none of these", "none of these activities", "none of the above",
        "none applicable", "no activities", "not applicable", "无", "無", "没有", "沒有", "否", "均无", "都没有",
        "以上皆无", "以上均无", "不适用", "不適用",
    }
)  # fmt: skip
"""Words that say that there is no such activity."""
_DROPPED = re.compile("['\u2019.\u3002]")
"""Signs that are left out: N.A. is NA, and gentlemen's is gentlemens."""
_SPACE = re.compile(r"[\s_/\u2010-\u2015-]+")
_BESIDE_HAN = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")
_BETWEEN = re.compile(r"[(),;、/+|&]| and | 和 |(?<=[\u3400-\u9fff])[和及与](?=[\u3400-\u9fff])")
"""What stands between two activities told as one, or around the second name of one."""
MOST_AROUND = 4
"""How many words around an activity are looked past."""
_FRAME = "frame"
"""Key of activities.toml for words that say nothing of the activity: a company, services, online."""


def plain_activities(words: Iterable[str]) -> tuple[str, ...]:
    """Names of activities, each once, in the order given: a synonym becomes its name, other words are kept.

    Words are compared without case, points and apostrophes, and with spaces, hyphens and underscores alike; a plural
    counts as its singular; words around the activity ("services", "company", "online") may be there or not. One text
    may hold several activities, "casino and crypto", or the same twice, "managed service provider (MSP)".

    Raises
    ------
    ProfileError
        When "none" stands beside an activity, or a text holds no word.

    Examples
    --------
    >>> plain_activities(["Online Casino", "MSP", "web-design"])
    ('gambling', 'managed_service_provider', 'web_design')
    >>> plain_activities(["Crypto & casinos", "支付公司"])
    ('crypto', 'gambling', 'payment_processing')
    >>> plain_activities(["none"])
    ()
    """
    given = [(word, name) for word in words for name in _names_of(word)]
    none = next((word for word, name in given if name is None), None)
    if none is not None and any(name is not None for _, name in given):
        others = ", ".join(dict.fromkeys(repr(word) for word, name in given if name is not None))
        raise ProfileError(f"{none!r} says that there is none, but {others} is given too: keep one")
    return tuple(dict.fromkeys(name for _, name in given if name is not None))


def activities_of_industry(naics: str) -> tuple[str, ...]:
    """Activities that the definition of a NAICS code holds, sorted; none where the code may mean something else."""
    return tuple(name for name, prefixes in _prefixes().items() if any(naics.startswith(one) for one in prefixes))


@cache
def screened_activities() -> tuple[str, ...]:
    """Names of all activities of the catalogue, sorted."""
    return tuple(sorted(_catalogue()))


def _names_of(word: str) -> tuple[str | None, ...]:
    """Names of the activities that a text holds, None for one that says that there is none."""
    plain = _plain(word)
    if not any(c.isalnum() for c in plain):
        raise ProfileError(f"{word!r} holds no word: name an activity, or give an empty list where none applies")
    if plain in NONE:
        return (None,)
    known = _known(plain)
    if known:
        return (known,)
    parts = [part for part in (_plain(one) for one in _BETWEEN.split(f" {_joined(word)} ")) if part]
    names = [None if part in NONE else _known(part) for part in parts]
    if len(parts) > 1 and all(name or part in NONE for name, part in zip(names, parts, strict=True)):
        return tuple(dict.fromkeys(names))
    return (plain.replace(" ", "_"),)


def _known(plain: str) -> str | None:
    """Name of an activity of the catalogue, told with words around it or without; None where it is not known."""
    names, (before, after) = _names_by_word(), _frame()
    tried = {plain}
    for _ in range(MOST_AROUND + 1):
        found = {name for words in tried if (name := names.get(words) or names.get(_singular(words)))}
        if found:
            return found.pop() if len(found) == 1 else None
        shorter = {words[len(one) :].strip() for words in tried for one in before if words.startswith(one)}
        tried = shorter | {words[: -len(one)].strip() for words in tried for one in after if words.endswith(one)}
    return None


def _joined(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _plain(word: str) -> str:
    spaced = _SPACE.sub(" ", _DROPPED.sub("", _joined(word)))
    return _BESIDE_HAN.sub("", spaced.strip(" ,;:!?()-"))


def _singular(words: str) -> str:
    """Take the plural off the last word: casinos, agencies."""
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words.removesuffix("s")


@cache
def _file() -> Mapping[str, Mapping[str, list[str]]]:
    text = files("cyberscore.profile").joinpath("activities.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    for name, about in found.items():
        wanted = {"before", "after"} if name == _FRAME else {"words", "naics"}
        if set(about) != wanted or not about[min(wanted - {"naics"})]:
            raise ProfileError(
                f"activities.toml: {name} must have {' and '.join(sorted(wanted))}; got {', '.join(sorted(about))}"
            )
    return found


@cache
def _catalogue() -> Mapping[str, Mapping[str, list[str]]]:
    return {name: about for name, about in _file().items() if name != _FRAME}


@cache
def _frame() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words that may stand before and after an activity, as they begin or end a text."""

    def edge(word: str, *, first: bool) -> str:
        plain = _plain(word)
        return plain if not plain.isascii() else f"{plain} " if first else f" {plain}"

    frame = _file()[_FRAME]
    return (
        tuple(edge(one, first=True) for one in frame["before"]),
        tuple(edge(one, first=False) for one in frame["after"]),
    )


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
