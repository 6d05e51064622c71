"""What rules could not tell for want of an answer, and what to ask: the callers are the engine and the report.

The texts about the insured are in insured_questions.toml, those about signals in questions.toml.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from cyberscore.exceptions import ProfileError
from cyberscore.profile import Posture, signals
from cyberscore.quoting.advice import ENGLISH, Advice, Said, Speech, asked_again
from cyberscore.quoting.questions import question
from cyberscore.rules import Finding
from cyberscore.rules.fields import FIELDS


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """Something that rules read and nobody has answered.

    Attributes
    ----------
    about : str
        "insured" or "signal".
    name : str
        The field of the insured, or the signal, where the answer belongs.
    question : str
        In English; `asked` gives other languages.
    choices : tuple of str
        Activities that the plan's rules name, where they are asked for.
    rules : tuple of str
        Ids of the rules that wait for it.
    guarded : bool
        Whether each of these rules sets a condition, a restriction or a charge meanwhile. If not, the quote stands as
        if the answer were harmless, and the answer may still change it.
    kind : str
        "ask" when nothing was said; "renew" when what was said counts for too little, and the question says so.
    shown_by : tuple of str
        Of what is to be shown anew, the sources that would do.
    evidence : mapping or None
        Of what is to be shown anew, what was said last (as `Said.to_dict` gives it).
    """

    about: str
    name: str
    question: str
    choices: tuple[str, ...]
    rules: tuple[str, ...]
    guarded: bool
    kind: str = "ask"
    shown_by: tuple[str, ...] = ()
    evidence: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        effect = "" if self.guarded else "; no condition stands in for the answer"
        return f"{self.question} [{self.name}] ({', '.join(self.rules)}{effect})"

    def asked(self, language: str, told: Callable[[str], str] = str, speech: Speech = ENGLISH) -> str:
        """Question in a language, English where there is none; `told` puts a choice into it, `speech` what was said."""
        if self.evidence is not None:
            said = Said.from_dict(self.evidence)
            return Advice(self.name, "asked_again", self.shown_by, said).told(language, speech)
        if self.about == "signal":
            return question(self.name, language)
        text = _texts()[_read_as(self.name)]
        between = "、" if language == "zh" else ", "
        return text.get(language, text["en"]).replace("{choices}", between.join(told(one) for one in self.choices))


def open_questions(
    findings: Iterable[Finding], activities: Iterable[str], posture: Posture
) -> tuple[OpenQuestion, ...]:
    """Gather what rules that cannot be told wait for, what nothing stands in for first, then the insured.

    Parameters
    ----------
    findings : iterable of Finding
        Of all rules.
    activities : iterable of str
        Business activities that rules of the plan name.
    posture : Posture
    """
    waiting: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.outcome != "unknown":
            continue
        for test in finding.rule.tests:
            if test.kind in {"insured", "signal"} and test.holds(finding.lookup) is None:
                waiting.setdefault((test.kind, test.name), []).append(finding)
    found = [_open(kind, name, own, tuple(sorted(activities)), posture) for (kind, name), own in waiting.items()]
    return tuple(sorted(found, key=lambda one: (one.guarded, one.about != "insured")))


def _open(kind: str, name: str, findings: list[Finding], activities: tuple[str, ...], posture: Posture) -> OpenQuestion:
    rules = tuple(dict.fromkeys(one.rule.id for one in findings))
    choices = activities if name == "business_activities" else ()
    field = name if kind == "signal" else _texts()[name]["field"]
    made = OpenQuestion(kind, field, "", choices, rules, all(one.actions for one in findings))
    if kind == "signal" and findings[0].lookup(kind, name) is None:
        position = list(signals()).index(name)
        heard = (*posture.evidence[position], *posture.unproven.get(name, ()))
        again = asked_again(signals()[name], heard, posture.as_of.toordinal())
        if again is not None and again.evidence is not None:
            made = replace(made, kind=again.kind, shown_by=again.shown_by, evidence=again.evidence.to_dict())
    return replace(made, question=made.asked("en", _words))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _read_as(field: str) -> str:
    """Name under which rules read a field of the insured."""
    return next(name for name, text in _texts().items() if text["field"] == field)


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    text = files("cyberscore.quoting").joinpath("insured_questions.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    wanted = {one.name for one in FIELDS.values() if one.source == "insured" and one.may_be_unknown}
    wrong = sorted(wanted ^ set(found)) + [name for name, own in found.items() if not {"field", "en"} <= set(own)]
    if wrong:
        raise ProfileError(
            f"insured_questions.toml must hold a field and a question for each statement; see {', '.join(wrong)}"
        )
    return found
