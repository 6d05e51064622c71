"""Words, numbers, money and dates of the report in one language. The callers are the report's view and its template.

The report's own words are keyed alike in `texts/en.toml` and `texts/zh.toml`. What the engine says in English (rules,
ledger lines, notes) is translated by its English text, as a whole or by a template; what has no translation, such as
the rules of a carrier's own plan, is shown as it is and marked as English.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from cyberscore.money import decimals_of, plain
from cyberscore.profile import Signal, SignalState, signals
from cyberscore.profile.signals import NEVER, NOT_APPLICABLE, Value
from cyberscore.quoting.advice import Advice
from cyberscore.rules.amounts import MARK

LANGUAGES = ("en", "zh")

_BIDI = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
_ENGLISH = re.compile(r"[A-Za-z]{2}")
_NUMBER = re.compile(r"[+-]?[\d,.]+ ?%?")
_MILLIONS = re.compile(r"([\d.]+)M")
_MONEY = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?M?)(?: ([A-Z]{3}) \(([0-9][0-9,]*(?:\.[0-9]+)?M?) USD\))?")
_TABLE = re.compile(r"table ([\w ]+): (.*)")
_SHARE = re.compile(r"(\d\.\d{4}) (.*)")


def clean(text: str) -> str:
    """Text without control characters, and without those that turn the direction of what follows."""
    if text.isprintable():  # most texts are; none of the characters removed below is printable
        return text
    return "".join(c if c.isprintable() else " " for c in text.translate(_BIDI))


@dataclass(frozen=True, slots=True)
class Language:
    """One language; build it with `language`. `words`, `rules` and `phrases` translate what the engine says."""

    code: str
    texts: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, str]
    rules: tuple[tuple[re.Pattern[str], str], ...]
    phrases: tuple[tuple[re.Pattern[str], str], ...]
    titles: Mapping[str, Mapping[str, str]]

    @property
    def tag(self) -> str:
        """Language tag of the page (BCP 47)."""
        return str(self.texts["format"]["lang"])

    def __call__(self, key: str, **values: object) -> str:
        """Return a text of the report's own."""
        text = str(self.texts["ui"][key])
        return text.format(**values) if values else text

    def name(self, group: str, key: str) -> str:
        """Name of a peril, a part, a decision, ...; the key itself when there is none."""
        return str(self.texts[group].get(key, key))

    def money(self, amount: float, currency: str, decimals: int = 0) -> str:
        """Amount of money with its currency."""
        named = self.name("currencies", currency)
        return str(self.texts["format"]["money"].format(currency=named, amount=self.number(amount, decimals)))

    def exact(self, amount: float, currency: str) -> str:
        """Amount with every decimal of its currency, as a premium has."""
        return self.money(amount, currency, decimals_of(currency))

    def term(self, amount: float, currency: str) -> str:
        """Amount that a cover is agreed at: with its decimals when it is not whole, so that none is rounded away."""
        return self.exact(amount, currency) if "." in plain(amount, currency) else self.money(amount, currency)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with thousands separated; minus is a minus sign, and there is no minus zero."""
        text = f"{value:,.{decimals}f}"
        if not text.strip("-0.,"):
            text = text.lstrip("-")
        return text.replace("-", "\u2212")

    def short(self, value: float) -> str:
        """Round amount in few characters: 10k, 1M."""
        for unit, name in self.texts["format"]["units"]:
            if value >= unit:
                return f"{value / unit:,g}{name}"
        return f"{value:,g}"

    def signed(self, value: float, decimals: int = 1) -> str:
        """Write a number that always shows its sign."""
        text = self.number(value, decimals)
        return text if text.startswith("\u2212") or not text.strip("0.") else f"+{text}"

    def percent(self, share: float, decimals: int = 0) -> str:
        """Share in percent."""
        return f"{self.number(100.0 * share, decimals)}{' %' if self.code == 'en' else '%'}"

    def chance(self, share: float) -> str:
        """Chance in percent with two digits that tell."""
        return self.percent(share, 0 if share in {0.0, 1.0} else 1 if share >= 0.1 else 2 if share >= 0.001 else 4)

    def share(self, part: float) -> str:
        """Share in percent, as it was told."""
        return f"{100.0 * part:.3g}{' %' if self.code == 'en' else '%'}"

    def span(self, low: str, high: str) -> str:
        """From one value to another."""
        return str(self.texts["format"]["span"].format(low=low, high=high))

    def day(self, when: date) -> str:
        """Date as the language writes it."""
        form = self.texts["format"]
        return str(form["date"].format(day=when.day, month=form["months"][when.month - 1], year=when.year))

    def title(self, about: Signal) -> str:
        """Title of a signal."""
        return self.titles.get(about.name, {}).get("title", about.title)

    def advice(self, about: Signal) -> str:
        """Advice of a signal."""
        return self.titles.get(about.name, {}).get("advice", about.advice)

    def action(self, advice: Advice) -> str:
        """Put into words what to do about a signal, or what to show of it."""
        return advice.told(self.code, self)

    def source(self, name: str) -> str:
        """Kind of source."""
        return self.name("sources", name)

    def either(self, sources: Sequence[str]) -> str:
        """One kind of source or another."""
        form = self.texts["format"]
        *first, last = (self.source(name) for name in sources)
        return str(form["or"]).join([str(form["list"]).join(first), last] if first else [last])

    def value(self, state: SignalState) -> str:
        """Value of a signal in words; a dash when nothing counts."""
        if state.observation is None or state.value is None:
            return "\u2013"
        raw = state.observation.observation.value
        return self.told(state.signal, NEVER if raw == NEVER else state.value)

    def told(self, about: Signal, value: Value) -> str:
        """Put a value of a signal into words."""
        if value in {NEVER, NOT_APPLICABLE}:
            return self.name("values", str(value))
        if isinstance(value, str):
            return self.name("named", value) if value in self.texts["named"] else self.spoken(value)
        if about.kind == "flag":
            return self.name("values", "yes" if value else "no")
        return self._number_told(about, value)

    def spoken(self, value: str) -> str:
        """Put a name with underscores into words."""
        return value.replace("_", " ") if self.code == "en" else self.plain(value)

    def _number_told(self, about: Signal, value: float) -> str:
        if about.kind == "share":
            return self.percent(value, 0 if round(100 * value, 2) == round(100 * value) else 1)
        if about.name in self.texts["levels"]:
            return str(self.texts["levels"][about.name][int(value)])
        if about.kind == "age" or about.unit == "days":
            return str(self.texts["values"]["days"].format(n=self.number(value)))
        return self.number(value, 0 if value == int(value) else 1)

    def plain(self, text: str) -> str:
        """Translate what the engine says as far as it goes, as plain text."""
        return str(self.say(text).striptags()) if self.code != "en" else clean(text)

    def say(self, text: str) -> Markup:
        """Translate what the engine says; what stays English is marked as English."""
        text = clean(text)
        if self.code == "en":
            table = _TABLE.fullmatch(text)
            return escape(text) if table is None else self._table(table[1], table[2])
        found = self._translate(text)
        if found is not None:
            return found
        return Markup('<span lang="en">{}</span>').format(text) if _ENGLISH.search(text) else escape(text)

    def read(self, text: str) -> Markup:
        """Translate what a rule read."""
        if self.code != "en":
            return self._part("read", clean(text))
        # a rule reads a level by its key without underscores: "Remote access technology: high risk ssl vpn"
        spoken = {key.replace("_", " "): str(name) for key, name in self.texts["named"].items()}
        parts = (one.rpartition(": ") for one in clean(text).split("; "))
        return escape("; ".join(name + colon + spoken.get(value, value) for name, colon, value in parts))

    def cited(self, evidence: str) -> str:
        """Ids of evidence, as a rule names them; what is no id but judgement, in the language."""
        return evidence.replace("judgement", self("judgement"))

    def _translate(self, text: str) -> Markup | None:
        whole = self.words.get(text)
        if whole is not None:
            return escape(whole)
        if _NUMBER.fullmatch(text):
            return escape(text.replace(" %", "%"))
        millions = _MILLIONS.fullmatch(text)
        if millions:
            return escape(f"{float(millions[1]) * 100:,.10g} 万")
        table = _TABLE.fullmatch(text)
        if table:
            return self._table(table[1], table[2])
        return self._by_rule(text) or self._by_colon(text) or self._by_phrase(text, self.phrases)

    def _by_rule(self, text: str) -> Markup | None:
        """Translate a rule's own words, whatever the currency of their amounts."""
        own = self.words.get(text)
        return self._by_phrase(text, self.rules) if own is None else escape(own)

    def _by_phrase(self, text: str, phrases: tuple[tuple[re.Pattern[str], str], ...]) -> Markup | None:
        for pattern, wanted in phrases:
            found = pattern.fullmatch(text)
            if found:
                parts = {name: self._part(name, said) for name, said in found.groupdict().items()}
                return escape(wanted).format(**parts)
        return None

    def _amount(self, text: str) -> Markup:
        """Translate an amount: of USD when it names no currency, else with the USD that the plan holds beside it."""
        found = _MONEY.fullmatch(text)
        if found is None:
            return self.say(text)
        dollars = _named(_digits(found[3] or found[1]), self.name("currencies", "USD"))
        if found[2] is None:
            return escape(dollars)
        return escape(f"{_named(_digits(found[1]), self.name('currencies', found[2]))}（{dollars}）")

    def _part(self, name: str, text: str) -> Markup:
        if name.startswith("money"):
            return self._amount(text)
        if name == "read":
            return Markup("；").join(self.say(one) for one in text.split("; "))
        if name.startswith("list"):
            return Markup("、").join(self._listed(one) for one in text.split(", "))
        return self.say(text)

    def _listed(self, text: str) -> Markup:
        """Translate a rule with its percentage, or an activity."""
        rule, space, rest = text.partition(" ")
        if space and _NUMBER.fullmatch(rest):
            return escape(f"{rule} {rest.replace(' %', '%')}")
        found = self.words.get(text.replace(" ", "_"))
        return self.say(text) if found is None else escape(found)

    def _by_colon(self, text: str) -> Markup | None:
        """Translate a sentence or a title, a colon, and what was read."""
        start = text.find(": ")
        while start >= 0:
            left, right = text[:start], text[start + 2 :]
            own = self._by_rule(left + ".")
            if own is not None:
                return Markup("{}：{}。").format(own.removesuffix("。"), self._part("read", right.removesuffix(".")))
            named = self.words.get(left)
            if named is not None:
                return Markup("{}：{}").format(named, self.say(right))
            start = text.find(": ", start + 1)
        return None

    def _table(self, name: str, said: str) -> Markup:
        """Put the source of a relativity into words: which rows of which table, with what weights."""
        english = self.code == "en"
        between = Markup(" with ") if english else Markup("，与 ")
        rows = between.join(
            Markup(" + ").join(self._row(row) for row in part.split(" + ")) for part in said.split(" with ")
        )
        if english:
            return Markup("table {}: {}").format(name, rows)
        factors = Markup(" × ").join(escape(self.factor(one)) for one in name.split(" x "))
        return Markup("{}：{}").format(factors, rows)

    def _row(self, text: str) -> Markup:
        found = _SHARE.fullmatch(text)
        row = text if found is None else found[2]
        said = self.say(row) if self.code != "en" else escape(self.texts["named"].get(row, row.replace("_", " ")))
        return said if found is None else Markup("{} × [{}]").format(found[1], said)

    def factor(self, name: str) -> str:
        """Title of a factor: a signal, or the sector, the country, the records."""
        about = signals().get(name)
        return self.title(about) if about is not None else self.name("factors", name)


def _digits(text: str) -> str:
    """Write an amount as Chinese does: in 万 or 亿 where `money.short` would say millions."""
    value = float(text.removesuffix("M").replace(",", "")) * (1e6 if text.endswith("M") else 1.0)
    for unit, name in ((1e8, "亿"), (1e4, "万")):
        if unit <= value < 1e9 and round(value / unit, 2) * unit == value:
            return f"{value / unit:,.10g} {name}"
    return text


def _named(digits: str, currency: str) -> str:
    """Put an amount before its currency: 30 万美元, but 1,234 美元 and 30 万 KWD."""
    return f"{digits}{'' if digits[-1] in '万亿' and not currency.isascii() else ' '}{currency}"


def _of_rule(english: str, own: str) -> tuple[re.Pattern[str], str]:
    """Pattern of a rule's words with amounts, and their translation with the same amounts in their places."""
    marks = list(dict.fromkeys(MARK.findall(english)))
    name_of = {f"{{{number}{unit}}}": f"money{k}" for k, (number, unit) in enumerate(marks)}
    pattern, wanted = re.escape(english), own
    for mark, name in name_of.items():
        pattern = pattern.replace(re.escape(mark), f"(?P<{name}>{_MONEY.pattern})", 1)
        pattern = pattern.replace(re.escape(mark), f"(?P={name})")
        wanted = wanted.replace(mark, f"{{{name}}}")
    return re.compile(pattern), wanted


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("cyberscore.report") / "texts" / name).read_text(encoding="utf-8"))


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{one}>.+?)" if k % 2 else re.escape(one) for k, one in enumerate(pieces)))


@cache
def language(code: str) -> Language:
    """Language of the report.

    Raises
    ------
    ValueError
        When there is no such language.
    """
    if code not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}; got {code!r}")
    texts = _read(f"{code}.toml")
    if code == "en":
        return Language(code, texts, {}, (), (), {})
    titles, said = _read("zh_signals.toml"), _read("zh_phrases.toml")
    of_rules = _read("zh_rules.toml")
    words = {**said["words"], **{english: own for english, own in of_rules.items() if "{" not in english}}
    for group in ("sectors", "perils", "parts", "named", "scenarios"):
        words |= texts[group]
    for about in signals().values():
        own = titles[about.name]
        words[about.title] = own["title"]
        if about.advice:
            words[about.advice] = own["advice"]
    spoken = {key.replace("_", " "): value for key, value in words.items()}
    capital = {key[:1].upper() + key[1:]: value for key, value in spoken.items() if key.islower()}
    phrases = tuple((_pattern(english), own) for english, own in said["phrases"].items())
    rules = tuple(_of_rule(english, own) for english, own in of_rules.items() if "{" in english)
    return Language(code, texts, {**capital, **spoken, **words}, rules, phrases, titles)
