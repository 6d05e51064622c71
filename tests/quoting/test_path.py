"""A path is optimal: held against brute force through `quote` itself, and its bounds against every set."""

import math
import random
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest

import cyberscore
from cyberscore import (
    Coverage,
    Insured,
    Observation,
    Profile,
    ProfileError,
    RatingPlan,
    Target,
    TargetError,
    path_to,
    quote,
)
from cyberscore.profile import SOURCES, signals
from cyberscore.quoting.cheapest_set import CheapestSet
from cyberscore.quoting.figures import Firm, Standing, settle
from cyberscore.quoting.fixes import Fixes
from cyberscore.quoting.improvements import best_observation
from cyberscore.quoting.path_search import Search, premium_bound, score_bound
from cyberscore.quoting.path_ties import Ends, TiesOfFigures
from cyberscore.rating.coverage import cover_asked
from cyberscore.rating.plan_file import PlanFiles
from cyberscore.rules import DECISIONS
from strategies import AS_OF, some_values

PLAN = cyberscore.load_plan()
MENDABLE = [name for name, about in signals().items() if about.target is not None]
CENT = 0.0101
UNIT = {"USD": 1.0, "GBP": 1.0, "JPY": 150.0}
TARGETS = ("band:A", "band:B", "band:C", "band:D", "no-referral", "no-conditions")


def some_profile(rng, most_open):
    """A firm with some signals open, unseen or seen otherwise than at their best, and all others at their target."""
    left = set(rng.sample(MENDABLE, rng.randint(1, most_open)))
    seen = []
    for name in signals():
        if name in MENDABLE and name not in left:
            seen.append(best_observation(name, AS_OF)[0])
        elif rng.random() < 0.7:
            about = signals()[name]
            seen.append(
                Observation(
                    signal=name,
                    value=rng.choice(some_values(about)),
                    observed_at=AS_OF - timedelta(days=rng.choice((1, 40, 200, 500))),
                    source=rng.choice(about.sources),
                )
            )
    country, currency = rng.choice((("US", "USD"), ("GB", "GBP"), ("DE", "USD"), ("JP", "JPY")))
    insured = Insured(
        naics=rng.choice(("621210", "541110", "332721", "523", "722511", "6111")),
        country=country,
        currency=currency,
        annual_revenue=rng.choice((9e4, 1.1e6, 4.99e6, 24.9e6, 38e6, 1.2e8)) * UNIT[currency],
        record_count=rng.choice((None, 0, 90_000, 600_000)),
        active_incident=rng.choice((None, False)),
        known_circumstances=rng.choice((None, False, False, True)),
    )
    return Profile(insured=insured, observations=tuple(seen))


def some_cover(rng, currency):
    """Draw a cover in the insured's currency or USD."""
    currency = rng.choice(("USD", currency))
    unit = UNIT[currency]
    expiring = rng.choice((None, None, None, 2_000.0, 60_000.0))
    return Coverage(
        currency=currency,
        aggregate_limit=rng.choice((1e5, 1e6, 3e6)) * unit,
        retention=rng.choice((2_500.0, 10_000.0, 50_000.0)) * unit,
        sublimits=rng.choice(({}, {"ransomware": 50_000.0 * unit}, {"funds_transfer_fraud": 0.0})),
        expiring_premium=None if expiring is None else expiring * unit,
    )


@dataclass
class EverySet:
    """Every set of fixes of a profile, quoted."""

    names: list
    quotes: dict

    @classmethod
    def of(cls, profile, cover, plan):
        now = quote(profile, cover, as_of=AS_OF, plan=plan)
        names = [
            name
            for name in MENDABLE
            if cyberscore.posture_at(profile, AS_OF)[name].mixture
            != cyberscore.posture_at(_with(profile, [name]), AS_OF)[name].mixture
        ]
        quotes = {(): now}
        for size in range(1, len(names) + 1):
            for chosen in combinations(names, size):
                quotes[chosen] = quote(_with(profile, chosen), cover, as_of=AS_OF, plan=plan)
        return cls(names, quotes)

    def cheapest(self, target, costs):
        """Least cost of all sets that reach a target, None when none does; every cost is 1 without costs."""
        return min(
            (
                math.fsum(1.0 if costs is None else costs[name] for name in chosen)
                for chosen, answer in self.quotes.items()
                if _met(target, answer) and (costs is None or all(name in costs for name in chosen))
            ),
            default=None,
        )


def best_of(fixes, target, costs):
    """The best of all sets that reach a target, by trying each: cost, needless fixes, saving, sureness, order."""
    met = Search(fixes, target, [], [], whole=False, work=0).met
    allowed = [k for k in range(len(fixes.fixes)) if costs[k] is not None]
    reach = [set_ for size in range(len(allowed) + 1) for set_ in combinations(allowed, size) if met(set_)]
    if not reach:
        return None
    least = min(math.fsum(costs[k] for k in set_) for set_ in reach)
    tied = [set_ for set_ in reach if math.fsum(costs[k] for k in set_) <= least + 1e-9 * max(1.0, least)]
    needed = [set_ for set_ in tied if not any(met([one for one in set_ if one != k]) for k in set_)]

    def sureness(set_):
        return round(math.fsum(math.log(SOURCES[fixes.fixes[k].observation.source].favourable) for k in set_), 12)

    return min(needed, key=lambda set_: (fixes.after(set_).figures.premium, -sureness(set_), set_))


def _with(profile, names):
    return profile.with_observations(*(best_observation(name, AS_OF)[0] for name in names))


def _met(target, answer):
    if target.startswith("band"):
        return answer.band <= target[-1]
    if target.startswith("premium"):
        return answer.indicative_premium <= float(target[8:])
    if target.startswith("score"):
        return answer.risk_score <= float(target[6:])
    return DECISIONS.index(answer.decision) <= (target == "no-referral")


def check(seed, *, most_open, plan=PLAN):
    """Hold paths to many targets against every set of one random profile; how many were told apart."""
    rng = random.Random(seed)  # noqa: S311  no secret
    profile = some_profile(rng, most_open)
    cover = rng.choice((None, some_cover(rng, profile.insured.currency)))
    every = EverySet.of(profile, cover, plan)
    answers = list(every.quotes.values())
    premiums = [rng.choice(answers).indicative_premium for _ in range(3)]
    # right at a premium that some set has, a cent below it, and between two
    targets = [*TARGETS, f"score:{rng.choice(answers).risk_score + 1e-7}", f"premium:{premiums[0]}"]
    targets += [f"premium:{premiums[1] - 0.01:.2f}", f"premium:{math.fsum(premiums) / 3:.2f}"]
    some_costs = {name: rng.choice((0, 100, 250.5, 1_000, 4_000)) for name in every.names if rng.random() < 0.9}
    for target in targets:
        for costs in (None, some_costs):
            found = path_to(profile, target, cover, as_of=AS_OF, plan=plan, costs=costs)
            assert found.optimal
            assert found.gap == 0.0
            least = every.cheapest(target, costs)
            assert found.reached == (least is not None)
            check_steps(every, found, target)
            if found.reached:
                assert found.best_of_ties
                got = len(found.steps) if costs is None else found.total_cost
                assert got == pytest.approx(least, abs=1e-6), (target, costs)
                assert found.lower_bound == pytest.approx(least, abs=1e-6)
            else:
                assert found.why
                allowed = tuple(name for name in every.names if costs is None or name in costs)
                check_best(every.quotes[allowed], found, target)
            assert set(found.without_cost) == (set() if costs is None else set(every.names) - set(costs))


def check_steps(every, found, target):
    """Every step is the plain quote with the fixes made so far, and none is needless."""
    made, before = [], every.quotes[()]
    for step in found.steps:
        assert not found.reached or not _met(target, before)
        made.append(step.signal)
        answer = every.quotes[tuple(name for name in every.names if name in made)]
        assert step.risk_score == pytest.approx(answer.risk_score, abs=1e-9)
        assert (step.band, step.decision) == (answer.band, answer.decision)
        assert step.indicative_premium == pytest.approx(answer.indicative_premium, abs=CENT)
        assert step.saving == pytest.approx(before.indicative_premium - answer.indicative_premium, abs=2 * CENT)
        assert step.subjectivities == answer.subjectivities
        if step.cost:
            assert step.return_on_cost == pytest.approx(step.saving / step.cost)
        before = answer


def check_best(best, found, target):
    last = found.steps[-1] if found.steps else found
    if target.startswith("premium"):
        assert last.indicative_premium == pytest.approx(best.indicative_premium, abs=CENT)
    elif target.startswith("no-"):
        assert last.decision == best.decision
    else:
        assert last.risk_score == pytest.approx(best.risk_score, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_paths_are_optimal(seed):
    check(seed, most_open=6)


def check_ties(seed, *, most_open, plan=PLAN):
    """Hold paths of one random profile to the best of all sets, where many cost the same; how many ties were met."""
    rng = random.Random(seed)  # noqa: S311  no secret
    profile = some_profile(rng, most_open)
    cover = rng.choice((Coverage(), some_cover(rng, profile.insured.currency)))
    if rng.random() < 0.5:  # so small a firm that the minimum premium is soon reached, and many sets save as much
        profile = profile.model_copy(update={"insured": profile.insured.model_copy(update={"annual_revenue": 9e4})})
    firm = Firm.of(profile.insured, AS_OF, plan)
    standing = Standing.of(firm, cyberscore.posture_at(profile, AS_OF))
    fixes = Fixes.of(firm, settle(firm, cover_asked(cover, profile.insured.currency)), standing)
    names = [fix.about.name for fix in fixes.fixes]
    some_sets = [rng.sample(range(len(names)), rng.randint(0, len(names))) for _ in range(2)]
    afters = [fixes.after(chosen) for chosen in some_sets]
    targets = [*TARGETS, *(f"score:{min(max(one.score, 0.0), 100.0) + 1e-7}" for one in afters)]
    targets += [f"premium:{one.figures.premium}" for one in afters]
    for target in targets:
        for costs in (None, {name: rng.choice((0, 0, 100, 100, 100, 200, 300)) for name in names}):
            found = path_to(profile, target, cover, as_of=AS_OF, plan=plan, costs=costs)
            by_fix = [1.0 if costs is None else float(costs[name]) for name in names]
            best = best_of(fixes, Target.parse(target), by_fix)
            assert found.reached == (best is not None)
            if best is not None:
                assert found.best_of_ties
                assert sorted(step.signal for step in found.steps) == sorted(names[k] for k in best), (target, costs)


@pytest.mark.parametrize("seed", range(300, 312))
def test_of_sets_that_cost_the_same_the_best_is_taken(seed):
    check_ties(seed, most_open=7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2_000, 2_150))
def test_of_sets_that_cost_the_same_the_best_is_taken_on_many_profiles(seed):
    check_ties(seed, most_open=10)


@pytest.mark.parametrize("seed", range(320, 324))
def test_of_sets_that_cost_the_same_the_best_is_taken_when_fixes_meet(meeting, seed):
    check_ties(seed, most_open=7, plan=meeting)


def test_of_many_small_sets_the_one_that_saves_most_is_taken():
    """Nothing is known of the firm, so that hundreds of sets are as small; each exchange of one fix saves less."""
    profile = Profile(insured=Insured(naics="541110", country="US", annual_revenue=2e6))
    for target in ("band:A", "band:B", "premium:1500", "premium:700"):
        found = path_to(profile, target, as_of=AS_OF, plan=PLAN)
        chosen = [step.signal for step in found.steps]
        assert found.best_of_ties
        for left in chosen:
            for other in set(MENDABLE) - set(chosen):
                answer = quote(_with(profile, [*(name for name in chosen if name != left), other]), as_of=AS_OF)
                reaches = _met(target, answer)
                assert not reaches or answer.indicative_premium >= found.steps[-1].indicative_premium - CENT


def test_a_choice_that_ran_out_of_work_says_so():
    profile = cyberscore.example("manufacturer")
    firm = Firm.of(profile.insured, AS_OF, PLAN)
    fixes = Fixes.of(firm, settle(firm, Coverage()), Standing.of(firm, cyberscore.posture_at(profile, AS_OF)))
    allowed = list(range(len(fixes.fixes)))
    search = Search(fixes, Target.band("A"), allowed, [1.0] * len(allowed), whole=True, work=20_000)
    chosen, lower, proven = search.run()
    assert search.best_of_ties
    short = Search(fixes, Target.band("A"), allowed, [1.0] * len(allowed), whole=True, work=20_000)
    *figure, log_bound = score_bound(fixes, Target.band("A"), allowed)
    *ends, _ = premium_bound(fixes, Target.premium(fixes.after(chosen).figures.premium), allowed)
    first, _, _ = short._cheapest()
    ties = TiesOfFigures(fixes, short.costs, short.met, first, Ends.of(*ends), work=3)
    best, settled = ties.settle(allowed, Ends.of(*figure), log_bound)
    assert not settled
    assert (len(best), proven) == (lower, True)
    assert fixes.after(chosen).figures.premium <= fixes.after(best).figures.premium


@pytest.mark.parametrize("seed", range(8))
def test_a_score_that_a_quote_told_can_be_reached(seed):
    """To the last digit, though a path adds up the same fixes in another order."""
    profile = some_profile(random.Random(seed), most_open=6)  # noqa: S311  # no secret hangs on it
    far = path_to(profile, Target.score(0.0), as_of=AS_OF, plan=PLAN)
    names = [step.signal for step in far.steps]
    told = quote(_with(profile, names), as_of=AS_OF, plan=PLAN).risk_score
    assert path_to(profile, Target.score(told), as_of=AS_OF, plan=PLAN).reached


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_paths_are_optimal_on_many_profiles(seed):
    check(seed, most_open=10)


@pytest.fixture(scope="module")
def meeting():
    """The shipped plan with pairs that matter: some pay for each other, some only together, in rates and severities."""
    files = PLAN.files
    pairs = {}
    for k, (a, b) in enumerate(combinations(MENDABLE[::5], 2)):
        rises = [np.linspace(0.0, 0.6, len(PLAN.tables[name])) for name in (a, b)]
        together = np.maximum.outer(*rises) if k % 2 else np.multiply.outer(*rises)
        columns = np.where(np.arange(PLAN.cells.shape[1]) % 3 == k % 3, 1.0, 0.25)
        pairs[f"{a} x {b}"] = np.round(together[..., None] * columns, 6).tolist()
    content = {**files.content, "name": "meeting", "pairs": pairs}
    return RatingPlan.from_files(PlanFiles(content, {**files.others, "bags.json": b'{"base":[],"deviations":[]}'}))


@pytest.mark.parametrize("seed", range(200, 204))
def test_paths_are_optimal_when_fixes_meet(meeting, seed):
    check(seed, most_open=5, plan=meeting)


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_for_every_set(meeting, seed):
    """What the search takes for a bound from below is one, for sets of any size, and is tight where nothing is made."""
    rng = random.Random(seed)  # noqa: S311  no secret
    plan = rng.choice((PLAN, meeting))
    profile = some_profile(rng, len(MENDABLE) if seed % 2 else 12)
    cover = rng.choice((Coverage(), some_cover(rng, profile.insured.currency)))
    firm = Firm.of(profile.insured, AS_OF, plan)
    fixes = Fixes.of(firm, settle(firm, cover), Standing.of(firm, cyberscore.posture_at(profile, AS_OF)))
    every = range(len(fixes.fixes))
    for bound, target in ((score_bound, Target.score(20)), (premium_bound, Target.premium(100.0))):
        start, falls, log_bound = bound(fixes, target, every)
        for size in (0, 1, 2, len(every) // 2, len(every)):
            chosen = sorted(rng.sample(every, min(size, len(every))))
            after = fixes.after(chosen)
            low = np.logaddexp.reduce(start + falls[chosen].sum(axis=0)) - log_bound
            if bound is score_bound:
                real = (after.score - 20.0) / 10.0 * math.log(2.0)
            else:
                terms = fixes.settled.terms
                real = math.log(after.figures.uncapped * terms.conversion / (100.0 + 0.5 * 10.0**-terms.decimals))
            assert low <= real + 1e-9
            if not chosen:
                assert low == pytest.approx(real, abs=0.05)


@pytest.mark.parametrize("seed", range(40))
def test_the_cheapest_set_is_the_cheapest(seed):
    rng = np.random.default_rng(seed)
    n, columns = int(rng.integers(1, 11)), int(rng.integers(1, 7))
    start, falls = rng.normal(0.0, 2.0, columns), -rng.exponential(0.5, (n, columns))
    falls[rng.random((n, columns)) < 0.4] = 0.0
    costs = np.ones(n) if seed % 2 else rng.choice([0.5, 1.0, 2.0, 7.0], n)
    share = rng.choice([1.0, 0.8])  # less than the bound promises

    def height(chosen):
        return np.logaddexp.reduce(start + share * falls[list(chosen)].sum(axis=0))

    log_bound = rng.uniform(height(range(n)), height(()))
    found = CheapestSet(
        start.tolist(), falls.tolist(), costs.tolist(),
        log_bound=log_bound, admissible=lambda chosen: height(chosen) <= log_bound, whole=bool(seed % 2), work=10_000,
    ).solve()  # fmt: skip
    sets = (c for size in range(n + 1) for c in combinations(range(n), size) if height(c) <= log_bound)
    assert found.proven
    assert height(found.chosen) <= log_bound
    assert found.cost == pytest.approx(min(costs[list(c)].sum() for c in sets))


def test_work_that_runs_out_is_said():
    """Many sets of nearly the same worth: the proof is given up, and the lower bound holds."""
    rng = np.random.default_rng(5)
    falls = -rng.uniform(0.9, 1.1, (30, 4))
    costs = (1.0 + 0.1 * rng.random(30)).tolist()

    def solve(work):
        def admissible(chosen):
            return np.logaddexp.reduce(0.93 * falls[list(chosen)].sum(axis=0)) <= -10.0

        return CheapestSet(
            [0.0] * 4, falls.tolist(), costs, log_bound=-10.0, admissible=admissible, whole=False, work=work
        ).solve()

    short, longer = solve(3), solve(400)
    assert not short.proven
    assert short.nodes == 4
    assert short.lower_bound <= longer.lower_bound <= longer.cost <= short.cost


def test_a_path_whose_proof_ran_out_of_work_says_so():
    answered = {
        "business_activities": (),
        "record_count": 900,
        "active_incident": False,
        "known_circumstances": False,
        "claims_36m": 0,
    }
    answered |= {"application_signed_at": AS_OF, "bank_details_verified": True, "dual_approval_above": 1.0}
    profile = Profile(insured=Insured(naics="541110", country="US", annual_revenue=5e6, **answered))
    costs = {name: 1_000.0 + 7.0 * k for k, name in enumerate(MENDABLE)}
    full = path_to(profile, "band:B", as_of=AS_OF, plan=PLAN, costs=costs)
    assert full.optimal
    short = path_to(profile, "band:B", as_of=AS_OF, plan=PLAN, costs=costs, work=1)
    assert short.reached
    assert short.lower_bound <= full.total_cost <= short.total_cost
    if not short.optimal:
        assert short.gap > 0.0
        assert short.gap == pytest.approx(short.total_cost - short.lower_bound)
    for target in ("no-conditions", "no-referral"):
        rushed = path_to(profile, target, as_of=AS_OF, plan=PLAN, costs=costs, work=1)
        whole = path_to(profile, target, as_of=AS_OF, plan=PLAN, costs=costs)
        assert rushed.reached
        assert whole.optimal
        assert rushed.lower_bound <= whole.total_cost <= rushed.total_cost


def test_what_cannot_be_reached_says_why():
    insured = Insured(naics="541110", country="US", annual_revenue=2e8, known_circumstances=True)
    profile = Profile(insured=insured)
    found = path_to(profile, Target.no_referral(), as_of=AS_OF, plan=PLAN)
    assert (found.reached, found.optimal) == (False, True)
    assert "U01-circumstances" in found.why
    small = Profile(insured=insured.model_copy(update={"annual_revenue": 1e5, "known_circumstances": False}))
    found = path_to(small, "premium:1", as_of=AS_OF, plan=PLAN)
    assert "minimum premium" in found.why or "with every fix the premium is" in found.why
    assert found.steps[-1].indicative_premium <= found.indicative_premium
    assert path_to(small, "premium:1", as_of=AS_OF, plan=PLAN, costs={}).steps == ()


def test_a_target_in_words_is_the_target():
    for text, target in (
        ("band:B", Target.band("B")),
        ("band b", Target.band("B")),
        ("premium:1200", Target.premium(1_200)),
        ("max_premium 1,200.50", Target.premium(1_200.5)),
        ("score=45.5", Target.score(45.5)),
        ("no-referral", Target.no_referral()),
        ("no_referral", Target.no_referral()),
        ("No conditions", Target.no_conditions()),
    ):
        assert Target.parse(text) == target


@pytest.mark.parametrize(
    ("target", "costs", "error", "said"),
    [
        ("band:G", None, TargetError, "one of A, B"),
        ("cheap", None, TargetError, "a target is band:B"),
        ("premium:much", None, TargetError, "wants a number"),
        ("premium:1.200", None, TargetError, "'1.200' may be 1200 or 1.2: write the one that is meant"),
        ("premium:1.200,50", None, TargetError, "is not a number such as 1200"),
        ("premium:1,20", None, TargetError, "is not a number such as 1200"),
        ("premium=12.500 ", None, TargetError, "'12.500' may be 12500 or 12.5"),
        ("score:45,5", None, TargetError, "is not a number such as"),
        ("premium:-3", None, TargetError, "at least 0"),
        ("premium:nan", None, TargetError, "at least 0"),
        ("score:101", None, TargetError, "between 0 and 100"),
        (7, None, TargetError, "target must be"),
        ("band:B", {"mfa_email_coverage": -1}, TargetError, "between 0"),
        ("band:B", {"mfa_email_coverage": math.nan}, TargetError, "between 0"),
        ("band:B", {"mfa_emial": 1}, ProfileError, "unknown signal"),
        ("band:B", {"mail_platform": 1}, TargetError, "has no target"),
        ("band:B", [1], TargetError, "mapping"),
    ],
)
def test_what_makes_no_sense_is_refused(target, costs, error, said):
    with pytest.raises(error, match=said):
        path_to(cyberscore.example("law_firm"), target, as_of=AS_OF, plan=PLAN, costs=costs)


def test_a_cost_with_its_return():
    costs = dict.fromkeys(MENDABLE, 500.0)
    found = path_to(cyberscore.example("manufacturer"), "premium:40000", as_of=AS_OF, plan=PLAN, costs=costs)
    assert found.total_cost == 500.0 * len(found.steps)
    for step in found.steps:
        assert step.payback_years == pytest.approx(500.0 / step.saving)
        assert step.return_on_cost * step.payback_years == pytest.approx(1.0)
    savings = [step.saving for step in found.steps]
    assert savings == sorted(savings, reverse=True)


def test_conditions_met_and_added_lead_from_step_to_step():
    found = path_to(cyberscore.example("manufacturer"), "band:B", as_of=AS_OF, plan=PLAN)
    held = list(found.subjectivities)
    for step in found.steps:
        assert set(step.subjectivities_met) <= set(held)
        assert not set(step.subjectivities_added) & set(held)
        held = [one for one in held if one not in step.subjectivities_met] + list(step.subjectivities_added)
        assert sorted(map(str, held)) == sorted(map(str, step.subjectivities))
    assert found.subjectivities_left == found.steps[-1].subjectivities
    assert found.to_dict()["subjectivities_left"][0]["rule"] == found.subjectivities_left[0].rule
