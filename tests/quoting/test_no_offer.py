"""Where nothing is offered, no cover is: declined, or under sanctions. And a cover that pays nothing is no cover."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

import cyberscore
from cyberscore import Coverage, CoverageError
from cyberscore.cli import app as cli
from cyberscore.perils import PARTS, PERILS
from cyberscore.quoting.quote import NO_COVER
from cyberscore.report import render_report
from cyberscore.report_text import print_quote
from rule_firms import AS_OF, firm_profile, quoted

SANCTIONED = {"BY": "BYN", "CU": "CUP", "IR": "IRR", "KP": "KPW", "RU": "RUB", "SY": "SYP"}


@pytest.mark.parametrize("firm", [{"active_incident": True}, *({"country": country} for country in SANCTIONED)])
def test_no_cover_is_offered(firm):
    profile = firm_profile(firm)
    answer = cyberscore.quote(profile, as_of=AS_OF, options=Coverage.grid(limits=[5e5, 1e6], retentions=[10_000]))
    assert answer.decision in {"decline", "refer"}
    assert answer.cover_offered is None
    assert answer.to_dict()["cover_offered"] is None
    assert all(option.cover_offered is None for option in answer.options)
    assert answer.coverage["aggregate_limit"] == 1e6
    for language in ("en", "zh"):
        page = render_report(profile, answer, lang=language)
        assert 'class="no-offer"' in page
        assert ("可承保条件" if language == "zh" else ">Offered<") not in page


def test_every_other_place_says_so_too(tmp_path):
    """Notebook, terminal and what-if; and no rule is said to take a place in a cover that is not offered."""
    profile = firm_profile({"active_incident": True}, payment_verification=("none", "document"))
    answer = cyberscore.quote(profile, as_of=AS_OF)
    assert any(one.superseded_by for one in answer.adjustments)
    assert NO_COVER in answer._repr_html_()
    assert NO_COVER not in quoted()._repr_html_()
    path = tmp_path / "firm.json"
    path.write_text(profile.to_json(), encoding="utf-8")
    for command, said in (("quote", NO_COVER), ("what-if --set active_incident=false", "none offered")):
        options = [str(path), "--as-of", AS_OF.isoformat()]
        name, *more = command.split()
        told = CliRunner(env={"COLUMNS": "200"}).invoke(cli, [name, *options, *more], catch_exceptions=False).stdout
        assert said in told
        assert "in the cover offered" not in told
    assert "Cover                             none offered                   offered" in told
    assert "in the cover offered" not in render_report(profile, answer)
    assert "在可出单保障中" not in render_report(profile, answer, lang="zh")


@pytest.mark.parametrize("firm", [{}, {"known_circumstances": True}, {"record_count": 600_000}, {"naics": "713210"}])
def test_else_a_cover_is_offered_even_where_an_underwriter_looks_first(firm):
    answer = quoted(firm)
    assert answer.cover_offered["aggregate_limit"] == 1e6
    assert 'class="no-offer"' not in render_report(firm_profile(firm), answer)


@pytest.mark.parametrize(
    ("firm", "read", "in_chinese"),
    [
        ({"naics": "713210"}, "activities of the industry code: gambling", "行业代码所示的业务\uff1a博彩"),
        ({"business_activities": ["催收公司"]}, "activities: debt collection", "业务活动\uff1a债务催收"),
        ({"country": "IR"}, "country is IR", "国家或地区为 IR"),
        ({"claims_12m": 5, "claims_36m": None}, "claims in 36 months: at least 5", "36 个月内索赔次数\uff1a至少 5"),
        ({"annual_revenue": 2.4}, "revenue is 2.40", "营业收入为 2.40 美元"),
    ],
)
def test_a_referral_says_what_it_read(firm, read, in_chinese):
    """An underwriter need not look a rule up to know which activity, country or figure it is about."""
    profile = firm_profile(firm)
    answer = cyberscore.quote(profile, as_of=AS_OF)
    console = Console(file=io.StringIO(), width=200)
    print_quote(console, profile, answer)
    assert f"\n    {read}\n" in console.file.getvalue()
    for lang, words in (("en", read), ("zh", in_chinese)):
        decided = render_report(profile, answer, lang=lang).partition('id="conditions"')[2].partition("</ul>")[0]
        assert f'<span class="sub">{words}</span>' in decided.replace('<span lang="en">IR</span>', "IR")


@pytest.mark.parametrize(("country", "currency"), SANCTIONED.items())
def test_a_sanctioned_firm_in_its_own_currency_is_a_referral(country, currency):
    rate = cyberscore.load_plan().pricing.usd_rate(currency, None)
    profile = firm_profile({"country": country, "currency": currency, "annual_revenue": 2e6 / rate})
    answer = cyberscore.quote(profile, as_of=AS_OF)
    assert (answer.decision, answer.currency, answer.cover_offered) == ("refer", currency, None)
    assert "U22" in answer.failed


NOTHING = [
    {"sublimits": dict.fromkeys(PERILS, 0)},
    {"sublimits": dict.fromkeys(PARTS, 0)},
    {"coinsurance": dict.fromkeys(PERILS, 100)},
    {"coinsurance": dict.fromkeys(PARTS, 100)},
    {"sublimits": dict.fromkeys(PERILS[:2], 0), "coinsurance": dict.fromkeys(PERILS[2:], 100)},
]


@pytest.mark.parametrize("cover", NOTHING)
def test_a_cover_that_pays_nothing_is_refused(cover):
    asked = Coverage.from_dict(cover)
    for ask in (
        lambda: quoted(cover=cover),
        lambda: cyberscore.quote(firm_profile(), as_of=AS_OF, options=[asked]),
        lambda: cyberscore.path_to(firm_profile(), "band:A", asked, as_of=AS_OF),
    ):
        with pytest.raises(CoverageError, match="it pays nothing: of every peril the sublimit is 0, or"):
            ask()


@pytest.mark.parametrize(
    "cover",
    [{"sublimits": {**dict.fromkeys(PERILS, 0), "ransomware": 1}}, {"coinsurance": dict.fromkeys(PERILS, 99.9)}],
)
def test_a_cover_that_pays_a_little_is_quoted(cover):
    assert quoted(cover=cover).expected_loss > 0.0
