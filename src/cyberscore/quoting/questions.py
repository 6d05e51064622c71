"""What to ask about each signal, in plain words, read from questions.toml: the caller is `next_evidence`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from cyberscore.exceptions import ProfileError
from cyberscore.profile import signals


@cache
def questions() -> Mapping[str, Mapping[str, str]]:
    """Questions by signal and language.

    Raises
    ------
    ProfileError
        When a signal has no question in English, or there is a question about no signal.
    """
    text = files("cyberscore.quoting").joinpath("questions.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    wrong = sorted(set(found) ^ set(signals())) + [name for name, texts in found.items() if not texts.get("en")]
    if wrong:
        raise ProfileError(f"questions.toml must hold one question in English for each signal; see {', '.join(wrong)}")
    return found


def question(signal: str, language: str = "en") -> str:
    """Question about a signal; English where the language has none."""
    texts = questions()[signal]
    return texts.get(language, texts["en"])
