"""Several covers in one call: each is the quote one would get, and more cover never costs less."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, CoverageError, Insured, quote
from strategies import AS_OF, profiles

PLAN = cyberscore.load_plan()
LIMITS, RETENTIONS = (100_000.0, 250_000.0, 500_000.0, 1e6, 2e6, 5e6), (500.0, 2_500.0, 10_000.0, 25_000.0, 50_000.0)
SHARED = (
    "indicative_premium", "premium_low", "premium_high", "technical_premium", "uncapped_premium", "expected_loss",
    "taxes", "decision", "decision_reasons", "coverage", "cover_offered", "requested", "adjustments",
)  # fmt: skip

firm_profiles = st.builds(
    Insured,
    naics=st.sampled_from(("621210", "332721", "523", "6111")),
    country=st.sampled_from(("US", "GB", "DE")),
    annual_revenue=st.sampled_from((90_000.0, 3e6, 38e6, 2.5e8)),
).flatmap(lambda firm: profiles(insured=firm, max_signals=5))


def axis(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(sorted)


@settings(max_examples=25)
@given(
    firm_profiles,
    axis(LIMITS),
    axis(RETENTIONS),
    axis((4.0, 8.0, 24.0, 72.0)),
    st.sampled_from(({}, {"extortion": 50_000.0}, {"ransomware": 100_000.0, "business_interruption": 0.0})),
    st.sampled_from((None, None, 700.0, 20_000.0)),
)
def test_options_are_consistent(profile, limits, retentions, waits, sublimits, expiring):
    """Up with the limit, down with the retention and the waiting period, whatever rules, caps and rounding do."""
    shared = {"sublimits": sublimits, "expiring_premium": expiring}
    asked = [
        one
        for hours in waits
        for one in Coverage.grid(limits=limits, retentions=retentions, waiting_period_hours=hours, **shared)
    ]
    answer = quote(profile, as_of=AS_OF, plan=PLAN, options=asked)
    assert [option.requested for option in answer.options] == [cover.to_dict() for cover in asked]
    premium = {
        (hours, limit, retention): option.indicative_premium
        for (hours, limit, retention), option in zip(
            [(h, a, r) for h in waits for a in limits for r in retentions], answer.options, strict=True
        )
    }
    for (hours, limit, retention), less in premium.items():
        for (h, a, r), more in premium.items():
            if h <= hours and a >= limit and r <= retention:
                assert more >= less


@settings(max_examples=15)
@given(firm_profiles, st.sampled_from(LIMITS), st.sampled_from(RETENTIONS))
def test_an_option_is_the_quote_one_would_get(profile, limit, retention):
    cover = Coverage(aggregate_limit=limit, retention=retention, sublimits={"extortion": 20_000.0})
    (option,) = quote(profile, as_of=AS_OF, plan=PLAN, options=[cover]).options
    alone = quote(profile, cover, as_of=AS_OF, plan=PLAN)
    assert {name: getattr(option, name) for name in SHARED} == {name: getattr(alone, name) for name in SHARED}


def test_options_leave_the_quote_as_it_is_and_travel_in_json():
    profile = cyberscore.example("law_firm")
    grid = Coverage.grid(limits=[5e5, 1e6], retentions=[5e3, 1e4], waiting_period_hours=12)
    plain, several = (quote(profile, Coverage(), as_of=AS_OF, options=options).to_dict() for options in ((), grid))
    assert [(o["requested"]["aggregate_limit"], o["requested"]["retention"]) for o in several["options"]] == [
        (5e5, 5e3), (5e5, 1e4), (1e6, 5e3), (1e6, 1e4)
    ]  # fmt: skip
    different = {name for name in plain if plain[name] != several[name]}
    assert different == {"options", "input_digest"}
    assert json.loads(json.dumps(several)) == several


def test_options_on_record_replay():
    profile, grid = cyberscore.example("online_shop"), Coverage.grid(limits=[5e5, 1e6], retentions=[5e3])
    made = cyberscore.record(profile, as_of=AS_OF, options=grid)
    again = cyberscore.QuoteRecord.from_json(made.to_json())
    assert again.replay().reproduced
    assert len(again.result["options"]) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([{}], r"options\[0\] must be a cyberscore.Coverage; got dict"),
        ([Coverage(), 1e6], r"options\[1\] must be a cyberscore.Coverage; got float"),
        (
            [Coverage(currency="USD"), Coverage(currency="GBP")],
            "options must be in the currency of coverage, USD; got GBP: give",
        ),
    ],
)
def test_options_that_make_no_sense(options, said):
    with pytest.raises(CoverageError, match=said):
        quote(cyberscore.example("law_firm"), as_of=AS_OF, options=options)


def test_covers_that_name_no_currency_follow_those_that_do_else_the_insured():
    firm, dollars = cyberscore.example("law_firm"), Coverage(currency="USD", retention=25_000)
    assert firm.insured.currency == "GBP"
    assert quote(firm, as_of=AS_OF).currency == "GBP"
    assert quote(firm, Coverage(retention=25_000), as_of=AS_OF) == quote(
        firm, Coverage(currency="GBP", retention=25_000), as_of=AS_OF
    )
    assert quote(firm, dollars, as_of=AS_OF, options=[Coverage()]) == quote(
        firm, dollars, as_of=AS_OF, options=[Coverage(currency="USD")]
    )
    assert quote(firm, as_of=AS_OF, options=[dollars]) == quote(
        firm, Coverage(currency="USD"), as_of=AS_OF, options=[dollars]
    )
    for cover, options in ((None, [dollars]), (Coverage(), [Coverage(retention=5_000)]), (dollars, [Coverage()])):
        assert cyberscore.record(firm, cover, as_of=AS_OF, options=options).replay().reproduced


@pytest.mark.parametrize(
    ("limits", "retentions", "said"),
    [
        ([], [5e3], "a grid needs at least one limit and one retention"),
        ([1e6], [], "a grid needs at least one limit and one retention"),
        ([1e4], [2e4], "retention 20_000 must be below aggregate_limit 10_000"),
    ],
)
def test_a_grid_that_makes_no_sense(limits, retentions, said):
    with pytest.raises(CoverageError, match=said):
        Coverage.grid(limits=limits, retentions=retentions)
