"""The report: complete in both languages, self-contained, readable without seeing it, safe with hostile text."""

import re
import tomllib
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, PlanError, ProfileError
from cyberscore.money import outward
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.report import render_report
from cyberscore.report.language import LANGUAGES, clean, language
from cyberscore.rules.amounts import MARK, USD, Money
from pages import Page
from strategies import AS_OF, profiles

COVERS = (
    Coverage(),
    Coverage(aggregate_limit=3_000_000, retention=500, waiting_period_hours=1, expiring_premium=900),
    Coverage(
        aggregate_limit=5e6, retention=25_000, sublimits={"extortion": 1e5, "data_breach": 2e5},
        coinsurance={"ransomware": 10, "business_interruption": 25}, market_scenario="howden_2023",
        contingencies_open_since=AS_OF - timedelta(days=40),
    ),
)  # fmt: skip
GRID = Coverage.grid(limits=[5e5, 1e6], retentions=[1e3, 2e4])

# names, codes and abbreviations that a Chinese report keeps; the last line are connections of random profiles
KEPT = set(
    """
    SHA cyberscore replay NAICS MFA EDR VPN SSL SMB FTP Telnet TLS DNS DMARC SPF DKIM ZTNA Google Microsoft Howden Aon
    Marsh CIAB AEP OEP USD EUR GBP US CA GB EU JP DE none reject quarantine sme
    tenant endpoints weekly_scan
    """.split()  # noqa: SIM905  a list runs to a line a word
)


@cache
def example_page(name, lang):
    profile = cyberscore.example(name)
    return render_report(profile, cyberscore.quote(profile, as_of=date(2026, 11, 23), options=GRID), lang=lang)


def texts(name):
    return tomllib.loads((files("cyberscore.report") / "texts" / name).read_text(encoding="utf-8"))


def visible(html):
    """Words of a page without code, evidence ids and what the firm itself wrote."""
    body = html[html.index("<body>") :]
    for tag in ("code", "bdi"):
        body = re.sub(rf"<{tag}>.*?</{tag}>", " ", body, flags=re.DOTALL)
    body = re.sub(r'<td class="quiet">[^<]*</td>', " ", body)
    return re.sub(r"<[^>]+>", "\n", body)


OFFICIAL = re.compile(r'<span class="official" lang="en">[^<]*</span>')
"""Titles of NAICS codes, which are official in English only."""


def english_in(html):
    """Runs of English words in a Chinese page, but for official titles."""
    found = []
    for line in visible(OFFICIAL.sub("", html)).splitlines():
        told = re.sub(r"\b(U\d\d[\w-]*|[a-z]+(?:[._][a-z_]+)+)\b|(定价参数|方案) [\w.]+", " ", line)
        words = [word for word in re.findall(r"[A-Za-z]{2,}", told) if word not in KEPT]
        if words:
            found.append((line.strip(), words))
    return found


def test_both_languages_have_the_same_keys_and_placeholders():
    def shape(tree):
        if isinstance(tree, dict):
            return {key: shape(value) for key, value in tree.items()}
        return sorted(re.findall(r"\{\w+\}", tree)) if isinstance(tree, str) else "list"

    english, chinese = texts("en.toml"), texts("zh.toml")
    assert shape(english) == shape(chinese)
    assert {key: len(value) for key, value in english["levels"].items()} == {
        key: len(value) for key, value in chinese["levels"].items()
    }


def test_every_text_is_used():
    page = (files("cyberscore.report") / "page.html").read_text(encoding="utf-8")
    names = ("view.py", "language.py")
    view = "".join((files("cyberscore.report") / name).read_text(encoding="utf-8") for name in names)
    for key in texts("en.toml")["ui"]:
        assert f'"{key}"' in page + view or f"t('{key}')" in page or key.startswith("rules_"), key


def test_every_signal_and_rule_is_translated():
    chinese = texts("zh_signals.toml")
    assert list(chinese) == list(signals())
    for about in signals().values():
        assert set(chinese[about.name]) == ({"title", "advice"} if about.advice else {"title"})
    words = language("zh")
    spoken = set()
    for rule in cyberscore.load_plan().rules.rules:
        spoken |= {rule.sentence}
        spoken |= {a.text for actions in (rule.on_fail, rule.on_pass, rule.on_unknown) for a in actions if a.text}
    assert spoken == set(texts("zh_rules.toml"))
    for text in spoken:
        for money in (USD, Money("EUR", 1 / 1.15), Money("JPY", 1 / 0.0065, 0)):
            said = str(words.say(money.text(text)))
            assert 'lang="en"' not in said
            assert "{" not in said
            wanted = len(set(MARK.findall(text)))
            assert said.count(words.name("currencies", money.currency)) >= wanted
            assert said.count("美元") >= wanted


def test_phrases_keep_their_placeholders():
    for english, chinese in texts("zh_phrases.toml")["phrases"].items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese))


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_examples_are_wholly_chinese(name):
    assert english_in(example_page(name, "zh")) == []


def test_a_premium_that_a_smaller_firm_holds_is_wholly_chinese():
    profile = cyberscore.example("manufacturer")
    larger = profile.model_copy(update={"insured": profile.insured.model_copy(update={"annual_revenue": 51e6})})
    answer = cyberscore.quote(larger, cyberscore.Coverage(retention=2_500), as_of=AS_OF)
    page = render_report(larger, answer, lang="zh")
    assert english_in(page) == []
    assert "不低于规模较小的同一企业" in page
    assert "同一企业在年营业收入略低于 50,000,000 美元时的保费" in page


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(profiles(), st.sampled_from(COVERS))
def test_any_profile_is_wholly_chinese(profile, cover):
    try:
        answer = cyberscore.quote(profile, cover, as_of=AS_OF)
    except (CoverageError, ProfileError):  # a cover or a revenue that no plan rates
        return
    assert english_in(render_report(profile, answer, lang="zh")) == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", cyberscore.example_names())
def test_a_page_is_self_contained_and_readable(name, lang):
    html = example_page(name, lang)
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.attrs_of[0] == ("html", {"lang": "en" if lang == "en" else "zh-CN"})
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\son\w+=", html)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.anchors) <= set(page.ids)
    assert (page.tags.count("h1"), page.tags.count("main"), page.tags.count("header"), page.tags.count("footer")) == (
        1, 1, 1, 1,
    )  # fmt: skip
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.tags.count("table") == page.tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in page.attrs_of if tag == "th")
    named = [attrs for tag, attrs in page.attrs_of if tag == "svg" and attrs.get("role") == "img"]
    assert len(named) == page.tags.count("title") - 1 > 2 < page.tags.count("desc")
    told = [attrs["aria-labelledby"] for attrs in named if "aria-labelledby" in attrs]
    assert len(told) == 2
    assert set(" ".join(told).split()) <= set(page.ids)
    assert html.count('<svg role="img" focusable="false"') == html.count('height="18"><title>') == len(named) - 2
    assert all(a.get("aria-hidden") or a.get("role") for tag, a in page.attrs_of if tag == "svg" and "class" in a)
    assert "prefers-color-scheme: dark" in html
    assert "prefers-reduced-motion" in html
    assert not re.search(r">\s*(nan|None|inf)\s*<", html)


def test_reasons_and_ledger_are_the_quotes():
    profile = cyberscore.example("manufacturer")
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23), options=GRID)
    html = render_report(profile, answer)
    assert f"USD {answer.indicative_premium:,.2f}" in html
    for step in answer.ledger.premium:
        assert f"{step.result:,.2f}" in html
    table = html.split('id="reasons"')[1].split("</section>")[0]
    found = re.findall(r'</td><td class="n">([+\u2212]?[\d.]+)</td><td', table)
    points = [float(one.replace("\u2212", "-")) for one in found]
    assert sum(points[:-1]) == pytest.approx(points[-1], abs=0.05)
    assert points[-1] == pytest.approx(answer.unclipped_score - 50, abs=0.051)
    for option in answer.options:
        assert f"USD {option.indicative_premium:,.2f}" in html
    for one in answer.subjectivities:
        assert one.text in html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_value_of_a_list_has_the_head_of_its_column(lang):
    """On a phone a row is read as a list: its values carry the names that the table's head gives them."""
    page, seen = example_page("manufacturer", lang), 0
    for heads, body in re.findall(
        r'<table class="[^"]*stack[^"]*">.*?<tr>(.*?)</tr></thead>(.*?)</table>', page, re.DOTALL
    ):
        names = re.findall(r"<th[^>]*>(.*?)</th>", heads)
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL):
            cells = re.findall(r"<(t[hd])([^>]*)>", row)
            assert len(cells) == len(names)
            for name, (kind, attributes) in zip(names, cells, strict=True):
                label = re.search(r'data-label="([^"]*)"', attributes)
                # the row's own head, and the mark of a signal's status, speak for themselves
                assert label or kind == "th" or "nowrap" in attributes, (name, row)
                if label:
                    assert label[1] == name
                    seen += 1
    assert seen > 400


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_an_underwriter_reads_is_what_the_quote_says(lang):
    raw = cyberscore.example("manufacturer").to_dict()
    raw["insured"] |= {"country": "DE", "currency": "EUR", "record_count": None}
    profile = cyberscore.Profile.from_dict(raw)
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23))
    page = visible(render_report(profile, answer, lang=lang))
    # terms to the cent: 50,000 USD is no whole number of EUR
    fraud = answer.cover_offered["sublimits"]["funds_transfer_fraud"]
    assert fraud != round(fraud)
    assert language(lang).money(fraud, "EUR", 2) in page
    assert language(lang)("rated_as", country="DE", group="EU") in page
    assert "high risk ssl vpn" not in page  # the rule's reading, in the words of the table of evidence
    assert ("judgement" in page) == (lang == "en")


def test_the_same_quote_gives_the_same_bytes():
    profile = cyberscore.example("law_firm")
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23), options=GRID)
    assert render_report(profile, answer) == example_page("law_firm", "en")


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}\u202etxt.exe\u0000\u2066"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_text_stays_text(lang):
    raw = cyberscore.example("dental_clinic").to_dict()
    raw["insured"]["name"] = HOSTILE
    raw["observations"][1]["reference"] = HOSTILE
    raw["observations"][0]["reference"] = HOSTILE
    profile = cyberscore.Profile.from_dict(raw)
    html = render_report(profile, cyberscore.quote(profile, as_of=date(2026, 11, 23)), lang=lang)
    Page(html)
    assert "<script" not in html
    assert "{{ 7*7 }}" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u0000]", html)
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


@given(st.text())
@settings(max_examples=40)
def test_cleaning_leaves_nothing_unprintable(text):
    assert clean(text) == "" or all(c.isprintable() for c in clean(text))
    assert clean(clean(text)) == clean(text)


def test_a_rule_of_ones_own_is_shown_in_english_and_marked():
    words = language("zh")
    assert words.say("No cover for <volcanoes>.") == '<span lang="en">No cover for &lt;volcanoes&gt;.</span>'
    assert language("en").say("a < b") == "a &lt; b"


@given(st.from_regex(r"[A-Za-z<&{}0-9 :;,.%]{0,60}", fullmatch=True))
@settings(max_examples=40)
def test_translating_anything_is_safe(text):
    assert "<" not in re.sub(r'</?span( lang="en")?>', "", language("zh").say(text))


def test_another_profile_plan_or_language_is_refused():
    profile = cyberscore.example("law_firm")
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23))
    with pytest.raises(ProfileError, match="another profile"):
        render_report(cyberscore.example("online_shop"), answer)
    with pytest.raises(PlanError, match="made with plan"):
        render_report(profile, _with(answer, plan_id="other@0"))
    with pytest.raises(ValueError, match="one of en, zh; got 'fr'"):
        render_report(profile, answer, lang="fr")


def _with(answer, **changes):
    from dataclasses import replace

    return replace(answer, **changes)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_disputes_and_contradictions_are_shown(lang):
    raw = cyberscore.example("manufacturer").to_dict()
    for value, day, source in ((1.0, "2026-11-01", "attestation"), (0.4, "2026-11-10", "document")):
        raw["observations"].append(
            {"signal": "mfa_email_coverage", "value": value, "observed_at": day, "source": source}
        )
    found = next(one for one in cyberscore.Profile.from_dict(raw).observations if one.signal == "exposed_rdp")
    raw["disputes"] = [{"observation": found.digest, "kind": "fixed", "note": "<b>Closed</b>", "at": "2026-11-22"}]
    profile = cyberscore.Profile.from_dict(raw)
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23))
    html = render_report(profile, answer, lang=lang)
    Page(html)
    words = language(lang)
    assert answer.contradictions
    assert words("contradictions_table") in html
    assert "&lt;b&gt;Closed&lt;/b&gt;" in html
    assert words.money(answer.disputed.upheld.indicative_premium, "USD", 2) in html


def test_a_callers_exchange_rate_is_kept():
    raw = cyberscore.example("law_firm").to_dict()
    raw["insured"]["currency"] = "EUR"
    profile = cyberscore.Profile.from_dict(raw)
    answer = cyberscore.quote(
        profile,
        Coverage(currency="EUR", retention=600, waiting_period_hours=4),
        as_of=date(2026, 11, 23),
        exchange_rate=1.2,
    )
    html = render_report(profile, answer, lang="zh")
    assert f"{answer.indicative_premium:,.2f} 欧元" in html
    assert english_in(html) == []


def _luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a, b):
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(scheme):
    css = (files("cyberscore.report") / "page.css").read_text(encoding="utf-8")
    found = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    blocks = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in found]
    colours = blocks[scheme]
    for text in ("ink", "quiet", "good", "warn", "bad", "note"):
        assert _contrast(colours[text], colours["paper"]) >= 4.5, text
        assert _contrast(colours[text], colours["panel"]) >= 4.5, text
    for k in range(1, 7):
        assert _contrast(colours["ink"], colours[f"band-{k}"]) >= 4.5
    for line in ("all", *PERILS, "strong", "good-fill", "bad-fill"):
        assert _contrast(colours[line], colours["paper"]) >= 3.0, line


@pytest.mark.parametrize(("currency", "rate"), [("KWD", 3.25), ("JPY", 0.0065), ("USD", 1.0)])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_premiums_of_a_page_agree_in_their_digits(lang, currency, rate):
    """No premium after a fix above the one before it, no interval without the premium, no amount cut."""
    data = cyberscore.example("dental_clinic").to_dict()
    data["insured"] |= {"currency": currency, "annual_revenue": 750_000.5 if currency == "KWD" else 2e6 / rate}
    profile, words = cyberscore.Profile.from_dict(data), language(lang)
    cover = Coverage(currency=currency, aggregate_limit=1e6 / rate, retention=1e4 / rate)
    answer = cyberscore.quote(profile, cover, as_of=AS_OF, exchange_rate=None if currency == "USD" else rate)
    page = render_report(profile, answer, lang=lang)
    rows = page[page.index('id="improvements"') :].partition("</section>")[0]
    for one in answer.improvements:
        assert words.exact(one.saving, currency) in rows
        assert words.exact(one.indicative_premium, currency) in rows
    assert words.span(*outward(answer.premium_low, answer.premium_high)) in page
    assert words.term(profile.insured.annual_revenue, currency) in page.partition("<section")[0]


def test_chinese_sets_a_code_of_a_currency_apart():
    words = language("zh")
    limits = {
        "限额为 30 万 KWD\uff0897.5 万美元\uff09": "limit is 300,000 KWD (975,000 USD)",
        "限额为 100 万美元": "limit is 1M",
    }
    for wanted, english in limits.items():
        assert words.read(english) == wanted


def test_the_command_line_writes_it(tmp_path):
    from typer.testing import CliRunner

    from cyberscore.cli import app

    profile, page = tmp_path / "clinic.json", tmp_path / "clinic.html"
    profile.write_text(cyberscore.example("dental_clinic").to_json(), encoding="utf-8")
    done = CliRunner().invoke(app, ["quote", str(profile), "--report", str(page), "--lang", "zh"])
    assert done.exit_code == 0, done.output
    assert '<html lang="zh-CN">' in page.read_text(encoding="utf-8")
    missing = CliRunner().invoke(app, ["quote", str(profile), "--report", str(tmp_path / "no" / "x.html")])
    assert isinstance(missing.exception, ProfileError)
    assert "cannot be written" in str(missing.exception)
