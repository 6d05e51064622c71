"""More cover never costs less: through floors, caps, minimums, sublimits, coinsurance and rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cyberscore
from cyberscore import Coverage, Insured, Profile, quote
from cyberscore.perils import PARTS
from cyberscore.quoting.figures import Firm, Standing, claim_costs, posture_findings, priced, settle
from cyberscore.rating.ledger import apply
from strategies import AS_OF, COVER_NAMES, examples, profiles, requests

PLAN = cyberscore.load_plan()

firm_profiles = st.builds(
    Insured,
    naics=st.sampled_from(("621210", "541110", "332721", "523", "6111")),
    country=st.sampled_from(("US", "GB", "DE")),
    annual_revenue=st.sampled_from((90_000.0, 1.1e6, 7e6, 38e6, 2.5e8)),
    known_circumstances=st.sampled_from((None, False)),
).flatmap(lambda firm: profiles(insured=firm, max_signals=5))


@st.composite
def more_cover(draw):
    """Two requests of which the second asks for no less of anything, and for more of one thing."""
    fields = draw(requests())
    limit, kind = fields["aggregate_limit"], draw(st.sampled_from(("limit", "claim", "keep", "wait", "part", "bear")))
    less, more = dict(fields), dict(fields)
    match kind:
        case "limit":
            more["aggregate_limit"] = draw(st.sampled_from([x for x in (250_000.0, 1e6, 5e6, 1e7) if x >= limit]))
        case "claim":
            less["per_claim_limit"], more["per_claim_limit"] = (
                limit / 3,
                draw(st.sampled_from((limit / 2, limit, None))),
            )
        case "keep":
            less["retention"] = draw(st.sampled_from((10_000.0, 26_000.0, 49_000.0)))
            more["retention"] = min(less["retention"], fields["retention"])
        case "wait":
            less["waiting_period_hours"] = 72.0
        case "part":
            name = draw(st.sampled_from(COVER_NAMES))
            amounts = sorted(draw(st.lists(st.floats(0.0, limit), min_size=2, max_size=2)))
            less["sublimits"] = {**fields["sublimits"], name: amounts[0]}
            more["sublimits"] = {**fields["sublimits"], name: amounts[1]}
        case _:
            name = draw(st.sampled_from(COVER_NAMES))
            percent = st.floats(0.0, 100.0).filter(lambda one: not 0.0 < one < 1.0)  # that would be a share
            percents = sorted(draw(st.lists(percent, min_size=2, max_size=2)))
            less["coinsurance"] = {**fields["coinsurance"], name: percents[1]}
            more["coinsurance"] = {**fields["coinsurance"], name: percents[0]}
    claim = less["per_claim_limit"]
    if claim is not None and less["retention"] >= claim:
        less["per_claim_limit"] = more["per_claim_limit"] = None
    return Coverage(**less), Coverage(**more)


def quoted(profile, cover):
    return quote(profile, cover, as_of=AS_OF, plan=PLAN)


def priced_at(profile, covers):
    """Figures of a profile under several covers, as a quote works them out."""
    firm = Firm.of(profile.insured, AS_OF, PLAN)
    standing = Standing.of(firm, cyberscore.posture_at(profile, AS_OF))
    found = []
    for cover in covers:
        settled = settle(firm, cover)
        costs = claim_costs(firm, settled, standing.locations)
        findings = posture_findings(firm, settled, standing.values)
        found.append(priced(settled, standing.rates, costs, findings))
    return found


@examples(40)
@given(firm_profiles, more_cover())
def test_more_cover_never_costs_less(profile, covers):
    less, more = priced_at(profile, covers)
    assert less.premium <= more.premium
    assert less.technical <= more.technical * (1 + 1e-12)


@examples(15)
@given(firm_profiles, requests())
def test_every_line_of_the_ledger_tells_the_truth(profile, fields):
    """Each step's result is what its operation makes of the one before; parts sum to perils; the end is the premium."""
    answer = quoted(profile, Coverage(**fields))
    assert priced_at(profile, [Coverage(**fields)])[0].premium == answer.indicative_premium
    for steps in (*answer.ledger.perils.values(), answer.ledger.premium):
        assert steps[0].operation == "start"
        assert all(step.source and step.label for step in steps)
        amount = 0.0
        for step in steps:
            amount = apply(step.operation, amount, step.value)
            assert step.result == amount
    assert answer.ledger.replay() == answer.indicative_premium
    total = sum(one.expected_loss for one in answer.by_peril.values())
    assert sum(answer.by_part.values()) == pytest.approx(total, rel=1e-9)


@examples(15)
@given(firm_profiles, requests())
def test_terms_that_change_nothing_cost_nothing(profile, fields):
    """A sublimit of the limit, a per-claim limit of the limit and coinsurance of nothing are no terms at all."""
    names = [name for name in COVER_NAMES if name not in fields["sublimits"]]
    limit = fields["aggregate_limit"]
    idle = {**fields, "sublimits": {**fields["sublimits"], **dict.fromkeys(names, limit)}}
    idle["coinsurance"] = dict.fromkeys(COVER_NAMES, 0.0) | fields["coinsurance"]
    idle["per_claim_limit"] = fields["per_claim_limit"] or limit
    plain, same = priced_at(profile, [Coverage(**fields), Coverage(**idle)])
    assert same.premium == plain.premium
    assert same.technical == pytest.approx(plain.technical, rel=1e-12)


@pytest.mark.parametrize("name", cyberscore.example_names())
def test_a_cap_on_ransoms_is_priced_and_shown(name):
    profile = cyberscore.example(name)
    plain, capped = (quoted(profile, Coverage(currency="USD", sublimits=own)) for own in ({}, {"extortion": 25_000.0}))
    assert capped.technical_premium < plain.technical_premium
    moved = {part for part in PARTS if capped.by_part[part] != pytest.approx(plain.by_part[part], rel=1e-12)}
    assert moved == {"extortion"}
    step = next(step for step in capped.ledger.perils["ransomware"] if step.label == "Sublimits and coinsurance")
    assert step.value < 1.0
    assert step.source == "pricing parts, ransomware: extortion to 25,000 USD, 0.2 of a claim"
    assert capped.cover_offered["sublimits"]["extortion"] == 25_000.0


def test_coinsurance_a_rule_imposes_earns_no_credit_and_one_asked_for_does():
    """The firm has no MFA on email, so that a rule lets it bear half of a ransomware loss."""
    bad = {"signal": "mfa_email_coverage", "value": 0.0, "observed_at": "2026-11-20", "source": "telemetry"}
    firm = {"naics": "621210", "country": "US", "annual_revenue": 2e6}
    profile = Profile.from_dict({"insured": firm, "observations": [bad]})
    plain, asked = (quoted(profile, Coverage(coinsurance=own)) for own in ({}, {"ransomware": 50.0}))
    assert plain.coverage["coinsurance"] == {}
    assert plain.cover_offered["coinsurance"]["ransomware"] == 50
    assert asked.by_peril["ransomware"].expected_loss == pytest.approx(plain.by_peril["ransomware"].expected_loss / 2)
    assert asked.indicative_premium < plain.indicative_premium


@examples(12)
@given(
    st.sampled_from((7e5, 2e6, 9e6, 3e7)),
    st.sampled_from((1.0, 1.01, 1.3)),
    st.sampled_from(("621210", "541110", "332721")),
    requests(),
)
def test_a_larger_firm_never_pays_less_for_the_same_cover(revenue, factor, naics, fields):
    """At the terms that rules leave, which change at borders of revenue, and with the market index at its date."""
    small, large = (
        Profile(insured=Insured(naics=naics, country="US", annual_revenue=amount), observations=())
        for amount in (revenue, revenue * factor)
    )
    (less,), (more,) = priced_at(small, [Coverage(**fields)]), priced_at(large, [Coverage(**fields)])
    if [f.outcome for f in less.findings] == [f.outcome for f in more.findings]:
        assert less.premium <= more.premium


@examples(12)
@given(firm_profiles, requests(), st.lists(st.floats(50.0, 1e5), min_size=2, max_size=2))
def test_a_renewal_follows_its_expiring_premium_within_the_cap(profile, fields, expiring):
    low, high = sorted(min(one, 0.99 * fields["aggregate_limit"]) for one in expiring)  # no year's premium is the limit
    less, more, free = priced_at(
        profile, [Coverage(**{**fields, "expiring_premium": one}) for one in (low, high, None)]
    )
    assert less.premium <= more.premium
    cap = PLAN.pricing.renewal_cap
    least = PLAN.pricing.minimum.premium
    assert more.premium <= max(high * (1 + cap), least) + 0.005
    assert more.premium >= high * (1 - cap) - 0.005
    assert more.uncapped == free.uncapped
