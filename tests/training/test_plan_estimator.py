"""From a book to a plan: on a small simulated book with known truth, and on books that cannot be learned from."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import cyberscore
from cyberscore import RatingPlan, TrainingError
from cyberscore.market import simulate
from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import sectors, signals
from cyberscore.rating.audit import audit_tables
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.library import shipped_text
from cyberscore.rating.parts import IntervalWidths, factors
from cyberscore.rating.plan_file import OTHER_FILES
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import encode_claims, encode_policies
from cyberscore.training.card import card_of_own_plan
from cyberscore.training.interval_calibration import with_intervals
from cyberscore.training.learning import selection
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator

pytestmark = pytest.mark.slow  # learns many times over

AS_OF = date(2026, 11, 23)
N = 6_000
RATES = np.array([0.03, 0.03, 0.04, 0.02, 0.02])
RDP_EFFECT, MFA_EFFECT = 3.0, 2.0
# a reference book of few policies: risk loads are not what is tested here
PRICING = shipped_text("pricing.toml").replace("reference_policies = 10000", "reference_policies = 50")


def simulated(seed=1):
    """Book in which exposed remote desktop triples and no MFA on email doubles every peril's claims."""
    rng = np.random.default_rng(seed)
    revenue = np.exp(rng.normal(np.log(3e6), 1.3, N)).clip(1.2e5, 4e8)
    rdp = rng.choice([0.0, 2.0, np.nan], p=[0.6, 0.25, 0.15], size=N)
    mfa = rng.choice([1.0, 0.6, 0.0, np.nan], p=[0.4, 0.2, 0.25, 0.15], size=N)
    true_rdp = np.where(np.isnan(rdp), rng.choice([0.0, 2.0], p=[0.7, 0.3], size=N), rdp)
    true_mfa = np.where(np.isnan(mfa), rng.choice([1.0, 0.6, 0.0], p=[0.4, 0.2, 0.4], size=N), mfa)
    policies = pd.DataFrame(
        {
            "policy_id": np.arange(N) + 100,
            "annual_revenue": revenue,
            "sector": rng.choice(sectors(), N),
            "country": rng.choice(["US", "GB", "EU"], N),
            "exposure": rng.choice([0.5, 1.0], size=N),
            "retention": rng.choice([5e3, 1e4, 2.5e4, 5e4], p=[0.2, 0.4, 0.3, 0.1], size=N),
            "limit": rng.choice([2.5e5, 1e6, 2e6], size=N),
            "year": 2026,
            "exposed_rdp": rdp,
            "mfa_email_coverage": mfa,
        }
    )
    risk = (revenue / 3e6) ** 0.3 * RDP_EFFECT ** (true_rdp == 2.0) * MFA_EFFECT ** (true_mfa == 0.0)
    counts = rng.poisson(RATES * (risk * policies["exposure"].to_numpy())[:, None])
    policy, peril = (np.repeat(index, counts[np.nonzero(counts)]) for index in np.nonzero(counts))
    gross = BASIS_RETENTION + np.exp(rng.normal(10.9 + 0.27 * np.log(revenue[policy] / 1e7), 1.6))
    term = policies.iloc[policy]
    claims = pd.DataFrame(
        {
            "policy_id": term["policy_id"].to_numpy(),
            "peril": np.array(PERILS)[peril],
            "incurred": np.minimum(gross - term["retention"].to_numpy(), term["limit"].to_numpy()),
        }
    )
    return policies, claims[claims["incurred"] > 0].reset_index(drop=True)


@pytest.fixture(scope="module")
def book():
    return simulated()


def learned(book, **options):
    own = {"n_bags": 2, "max_iter": 20, "learning_rate": 0.1, "random_state": 3, "pricing": PRICING}
    own |= {"boosting_share": 1.0, **options}
    # threads that wait for each other make this fifty times slower on a busy machine
    with threadpool_limits(1):
        return RatingPlanEstimator(**own).fit(Book(*book))


@pytest.fixture(scope="module")
def estimator(book):
    return learned(book, name="small", about={"data": "test"}, pairs=(("mfa_email_coverage", "exposed_rdp"),))


# --- the plan


def test_the_plan_loads_quotes_and_passes_the_audit(estimator, tmp_path):
    plan = estimator.plan_
    plan.save(tmp_path)
    loaded = RatingPlan.load(tmp_path)
    assert loaded.digest == plan.digest
    assert loaded.name == "small"
    assert loaded.about == {"data": "test"}
    assert list(loaded.pairs) == [("mfa_email_coverage", "exposed_rdp")]
    assert loaded.bag_deviations.shape == (2, *plan.cells.shape)
    audit_tables(loaded.tables, loaded.pairs)
    answers = [
        cyberscore.quote(cyberscore.example(name), as_of=AS_OF, plan=loaded) for name in cyberscore.example_names()
    ]
    for answer in answers:
        assert answer.ledger.replay() == answer.indicative_premium
        assert answer.premium_low <= answer.indicative_premium <= answer.premium_high
        assert answer.plan_id == loaded.plan_id
    assert any(answer.premium_low < answer.premium_high for answer in answers)


def test_predicted_claims_equal_observed_claims_by_peril(estimator, book):
    plan, policies = estimator.plan_, encode_policies(book[0])
    totals = totals_of_many(plan, policies.codes, policies.weights.astype(float), policies.revenue)
    hidden = np.maximum(policies.retention - BASIS_RETENTION, 1e-9)[:, None]
    sigma = np.array([shape.sigma for shape in plan.severity])
    visible = ndtr((totals[:, len(PERILS) :] - np.log(hidden)) / sigma)
    expected = (np.exp(totals[:, : len(PERILS)]) * visible * policies.exposure[:, None]).sum(axis=0)
    claims = book[1].merge(book[0][["policy_id", "retention"]])
    counted = claims[claims["incurred"] + claims["retention"] > BASIS_RETENTION]["peril"].value_counts()
    assert expected.tolist() == pytest.approx([counted[peril] for peril in PERILS], rel=2e-3)
    assert estimator.report_["claims_by_peril"] == {peril: counted[peril] for peril in PERILS}
    assert estimator.report_["policies"] == N


def log_base_rates(plan):
    return plan.base.values[:, : len(PERILS)]  # noqa: PD011  not a frame


def relativities(plan, name):
    return np.exp(plan.tables[name][:, : len(PERILS)])


def test_true_relativities_are_recovered(estimator, book):
    plan = learned(book, max_iter=40).plan_
    codes = {name: signals()[name].code for name in ("exposed_rdp", "mfa_email_coverage")}
    rdp, mfa = relativities(plan, "exposed_rdp"), relativities(plan, "mfa_email_coverage")
    for table, name in ((rdp, "exposed_rdp"), (mfa, "mfa_email_coverage")):
        assert (table[-1] > 1.1).all()
        assert (table[0] < 0.95).all()
        assert table[signals()[name].unknown].tolist() == [1.0] * len(PERILS)
    assert (rdp[codes["exposed_rdp"](2)] / rdp[0]).mean() == pytest.approx(RDP_EFFECT, rel=0.2)
    # boosting on top of the hygiene index can only steepen: the weaker effect comes out too strong
    assert 0.9 * MFA_EFFECT < (mfa[codes["mfa_email_coverage"](0.0)] / mfa[0]).mean() < 1.7 * MFA_EFFECT
    assert all(1.3 < shape.sigma < 1.9 for shape in plan.severity)


def test_claims_grow_with_revenue(estimator):
    log_rates = log_base_rates(estimator.plan_)[1:5]
    assert (np.diff(log_rates, axis=0).mean(axis=0) > 0).all()


def files_of(plan, folder):
    plan.save(folder)
    return {name: (folder / name).read_bytes() for name in ("plan.json", *OTHER_FILES)}


def test_same_seed_same_bytes(book, tmp_path):
    one, again, other = (
        files_of(learned(book, max_iter=5, random_state=seed).plan_, tmp_path / str(k))
        for k, seed in enumerate((7, 7, 8))
    )
    assert one == again
    assert one["plan.json"] != other["plan.json"]
    assert one["bags.json"] != other["bags.json"]


def test_rows_in_another_order_of_claims_change_nothing_much(book, estimator):
    """Which claim comes first is no information."""
    policies, claims = book
    mixed = learned((policies, claims.sample(frac=1.0, random_state=1)), pairs=estimator.pairs)
    assert mixed.report_["claims_by_peril"] == estimator.report_["claims_by_peril"]
    np.testing.assert_allclose(mixed.plan_.cells, estimator.plan_.cells, atol=2e-3)


def test_pairs_may_be_named_in_any_order_and_twice(book, estimator):
    (pair,) = estimator.pairs
    turned = learned(book, pairs=(pair[::-1], pair))
    assert turned.plan_.cells.tolist() == estimator.plan_.cells.tolist()
    assert turned.report_["pairs"] == [list(pair)]


def test_one_bag_has_no_deviations(book):
    plan = learned(book, n_bags=1, max_iter=5).plan_
    assert plan.bag_base is None
    assert plan.bag_deviations is None


def test_trend(book):
    """An index that does not move changes nothing; one that does moves claims to the level wanted."""
    policies, claims = book
    flat = learned(book, max_iter=5, trend={2026: (1.0, 1.0)})
    plain = learned(book, max_iter=5)
    assert flat.plan_.digest == plain.plan_.digest
    moved = learned((policies, claims), max_iter=5, trend={2026: (2.0, 1.0)})
    shift = log_base_rates(moved.plan_) - log_base_rates(plain.plan_)
    balance = (moved.plan_.log_balance - plain.plan_.log_balance)[None, :]
    assert (shift + balance) == pytest.approx(np.full(shift.shape, -np.log(2.0)), abs=0.05)


def test_options_are_those_of_scikit_learn(estimator):
    own = RatingPlanEstimator(n_bags=3, pairs=(("a", "b"),), random_state=5)
    assert clone(own).get_params() == own.get_params()
    assert clone(estimator).get_params() == estimator.get_params()
    assert not hasattr(clone(estimator), "plan_")
    assert own.set_params(n_bags=1).n_bags == 1


# --- what earns its place out of fold


def test_same_bytes_whatever_the_jobs_and_a_report_of_what_was_chosen(book, tmp_path, monkeypatch):
    monkeypatch.setattr(selection, "MIN_CLAIMS_TO_BOOST", len(book[1]) // 2)
    one, two = (learned(book, boosting_share=None, max_iter=3, n_jobs=jobs) for jobs in (1, 2))
    assert files_of(one.plan_, tmp_path / "1") == files_of(two.plan_, tmp_path / "2")
    assert one.report_ == two.report_
    found = one.report_["out_of_fold"]
    assert found == one.selection_.to_dict()
    shares = {one.selection_.deviance[selection._boosting_name(share)]: share for share in selection.BOOSTING_SHARES}
    assert set(one.selection_.deviance.values()) > set(shares)
    assert found["deviance"]["stage 0"] < found["deviance"]["mean"]
    assert one.report_["boosting_share"] == one.selection_.boosting_share == shares[min(shares)]


def test_nothing_to_choose_means_no_folds(estimator):
    assert estimator.selection_ is None
    assert "out_of_fold" not in estimator.report_
    assert estimator.report_["boosting_share"] == 1.0
    assert "moved_from_prior" not in estimator.report_


# --- with a prior plan


@pytest.fixture(scope="module")
def prior():
    return with_intervals(cyberscore.load_plan(), IntervalWidths(shift=0.1, lean=0.3, model_high=0.2))


def few_of(book, n_claims):
    """First policies of a book with the first few claims above the basis."""
    few, claims = spoilt(book)
    large = claims[claims["incurred"] > 20_000].head(n_claims).reset_index(drop=True)
    assert len(large) == n_claims
    return few, large


def with_prior(book, prior, **options):
    return learned(book, prior=prior, pricing=None, **{"boosting_share": 0.0, **options})


@pytest.fixture(scope="module")
def nearly_the_prior(book, prior):
    return with_prior(few_of(book, 5), prior, n_bags=4, name="mine")


def test_five_claims_leave_the_prior_nearly_as_it_is(nearly_the_prior, prior):
    plan = nearly_the_prior.plan_
    assert plan.name == "mine"
    assert nearly_the_prior.report_["claims_above_basis"] == 5
    for factor in factors():
        own, before = plan.tables[factor.name], prior.tables[factor.name]
        np.testing.assert_allclose(own, before, atol=0.1, err_msg=factor.name)
    for own, before in zip(plan.severity, prior.severity, strict=True):
        assert own.sigma == pytest.approx(before.sigma, rel=0.1)
        assert own.alpha == pytest.approx(before.alpha, rel=0.1)
    audit_tables(plan.tables, plan.pairs)
    assert list(plan.pairs) == list(prior.pairs)


def test_what_few_policies_cannot_tell_is_carried_over(nearly_the_prior, prior):
    plan = nearly_the_prior.plan_
    assert plan.files.others["pricing.toml"] == prior.files.others["pricing.toml"]
    assert plan.files.others["rules.toml"] == prior.files.others["rules.toml"]
    assert plan.intervals == prior.intervals
    for part in ("score", "unknowns"):
        assert plan.files.content[part] == prior.files.content[part]
    kept = nearly_the_prior.report_["kept_from_prior"]
    assert kept == ["pricing", "rules", "score", "unknowns", "intervals"]
    assert "level" not in nearly_the_prior.report_


def test_five_claims_hardly_move_a_quote(nearly_the_prior, prior):
    for name in cyberscore.example_names():
        one = cyberscore.example(name)
        before, after = (cyberscore.quote(one, as_of=AS_OF, plan=plan) for plan in (prior, nearly_the_prior.plan_))
        assert after.risk_score == pytest.approx(before.risk_score, abs=4.0)
        assert after.decision == before.decision


def test_the_report_tells_how_far_each_table_moved(nearly_the_prior):
    moved = nearly_the_prior.report_["moved_from_prior"]
    assert list(moved) == [factor.name for factor in factors()]
    assert set(moved["exposed_rdp"]) == {"group", "moved", "standard_error", "kept", "kept_in_group"}
    assert all(0.0 <= one["moved"] < 0.1 for one in moved.values())
    assert any(one["moved"] > 0.0 for one in moved.values())
    assert moved["exposed_rdp"]["kept"] == pytest.approx(1.0, abs=0.15)


def test_many_claims_move_the_prior_to_the_truth(book, prior, nearly_the_prior):
    """Remote desktop triples claims here, and MFA on email halves them; the other signals are not seen."""
    found = with_prior(book, prior)
    last = {name: signals()[name].code(value) for name, value in (("exposed_rdp", 2), ("mfa_email_coverage", 0.0))}
    for name, truth in (("exposed_rdp", RDP_EFFECT), ("mfa_email_coverage", MFA_EFFECT)):
        before, few, many = (
            abs(np.log(relativities(plan, name)[last[name]] / relativities(plan, name)[0] / truth)).mean()
            for plan in (prior, nearly_the_prior.plan_, found.plan_)
        )
        assert many < 0.8 * few
        assert few == pytest.approx(before, abs=0.1)
    moved = found.report_["moved_from_prior"]
    assert moved["exposed_rdp"]["moved"] > 5 * nearly_the_prior.report_["moved_from_prior"]["exposed_rdp"]["moved"]
    assert found.report_["claims_over_expected"] == pytest.approx(dict.fromkeys(PERILS, 1.0), abs=0.12)


def test_the_way_from_the_prior_is_chosen_out_of_fold(book, prior):
    found = with_prior(few_of(book, 12), prior, boosting_share=None, n_bags=1)
    assert 0.0 < found.report_["way_from_prior"] == found.selection_.way < 1.0
    assert found.report_["boosting_share"] == 0.0


def test_claims_are_set_against_those_the_prior_expects(book, prior):
    """And against those that the plan expects, which is nearer to them."""
    found = with_prior(book, prior)
    by_prior, own = (found.report_[name] for name in ("claims_over_expected_by_prior", "claims_over_expected"))
    assert set(by_prior) == set(own) == set(PERILS)
    assert all(abs(np.log(own[peril])) < 0.3 * abs(np.log(by_prior[peril])) for peril in PERILS)


def test_texts_of_ones_own_replace_those_of_the_prior(book, prior):
    own = prior.files.others["pricing.toml"].decode() + "\n# mine\n"
    found = learned(few_of(book, 5), prior=prior, pricing=own, boosting_share=0.0, n_bags=1)
    assert found.plan_.files.others["pricing.toml"].decode() == own
    assert "pricing" not in found.report_["kept_from_prior"]


# --- what is encoded


def test_sources_and_ages_weigh_a_signal(book):
    policies = book[0].head(6).copy()
    policies["exposed_rdp"] = [0.0, 0.0, 2.0, np.nan, 0.0, 2.0]
    policies["exposed_rdp__source"] = ["scan", "scan", "scan", None, "scan", "scan"]
    policies["exposed_rdp__age_days"] = [0, 30, 0, 0, np.nan, 300]
    encoded = encode_policies(policies)
    column = list(signals()).index("exposed_rdp")
    assert encoded.codes[:, column].tolist() == [0, 0, 2, 1, 0, 2]
    assert encoded.weights[:, column].tolist() == pytest.approx([0.9, 0.45, 0.9, 1.0, 0.9, 0.9])
    assert encoded.codes[:, list(signals()).index("mfa_remote_coverage")].tolist() == [4] * 6  # unanswered


def test_claims_are_brought_to_the_basis():
    policies = simulated()[0].head(4).copy()
    policies["retention"] = [5e3, 1e4, 2.5e4, 1e4]
    policies["limit"] = [1e5, 1e5, 1e5, 1e5]
    ids = policies["policy_id"].tolist()
    claims = pd.DataFrame(
        {
            "policy_id": [ids[0], ids[0], ids[1], ids[2], ids[3]],
            "peril": ["ransomware", "data_breach", "ransomware", "system_outage", "ransomware"],
            "incurred": [4_999.0, 6_000.0, 1.0, 500.0, 1e5],
        }
    )
    found = encode_claims(claims, encode_policies(policies))
    assert found.policy.tolist() == [0, 1, 2, 3]  # the first is below the basis
    assert found.excess.tolist() == [1_000.0, 1.0, 15_500.0, 1e5]
    assert found.truncation.tolist() == [0.0, 0.0, 15_000.0, 0.0]
    assert found.censored.tolist() == [False, False, False, True]


# --- books that cannot be learned from


def spoilt(book, *, policies=None, claims=None):
    """First policies and claims of a book, with values set at (row, column)."""
    few = book[0].head(400).copy()
    theirs = book[1][book[1]["policy_id"].isin(few["policy_id"])].reset_index(drop=True)
    for frame, changes in ((few, policies), (theirs, claims)):
        for (row, column), value in (changes or {}).items():
            if isinstance(value, str) or value is None:
                frame[column] = frame[column].astype(object) if column in frame else None
            elif column not in frame:
                frame[column] = np.nan
            frame.loc[row, column] = value
    return few, theirs


@pytest.mark.parametrize(
    ("policies", "claims", "said"),
    [
        ({(7, "policy_id"): 100}, {}, "policy_id must be unique; row 7 repeat one"),
        ({(7, "annual_revenue"): 0.0}, {}, "annual_revenue must be positive; wrong in row 7"),
        ({(7, "annual_revenue"): np.inf}, {}, "annual_revenue must be finite; wrong in row 7"),
        ({(7, "annual_revenue"): "2M"}, {}, "annual_revenue must be numeric: .*2M"),
        ({(7, "exposure"): np.nan, (9, "exposure"): np.nan}, {}, "exposure must be finite; wrong in rows 7, 9"),
        ({(7, "exposure"): 0.0}, {}, "exposure must be positive; wrong in row 7"),
        ({(7, "exposure"): -1.0}, {}, "exposure must be positive; wrong in row 7"),
        ({(7, "retention"): -1.0}, {}, "retention must be at least 0; wrong in row 7"),
        ({(7, "limit"): 0.0}, {}, "limit must be positive; wrong in row 7"),
        ({(7, "sector"): "dentist"}, {}, "sector must be one of .*healthcare.*; wrong in row 7"),
        ({(7, "sector"): None}, {}, "sector must be one of .*; wrong in row 7"),
        ({(7, "country"): "Germany"}, {}, "country must be one of US, CA, GB, EU, other, or .*; wrong in row 7"),
        ({(7, "mfa_email_coverage"): 82.0}, {}, "mfa_email_coverage must be between 0 and 1; wrong in row 7"),
        ({(7, "mfa_email_coverage"): "most"}, {}, "mfa_email_coverage must be numeric, empty where unknown"),
        ({(7, "exposed_rdp"): -1.0}, {}, "exposed_rdp must be at least 0; wrong in row 7"),
        (
            {(7, "backup_isolation"): "tape"},
            {},
            "backup_isolation must be offline_or_immutable, offsite, none; wrong in row 7",
        ),
        ({(7, "exposed_rdp__source"): "rumour"}, {}, "exposed_rdp__source must be one of telemetry"),
        (
            {(k, "exposed_rdp__source"): "scan" for k in range(400)}
            | {(4, "exposed_rdp"): 0.0, (4, "exposed_rdp__age_days"): -3.0},
            {},
            "exposed_rdp__age_days must be at least 0; wrong in row 4",
        ),
        ({(7, "record_count"): -1.0}, {}, "record_count must be at least 0; wrong in row 7"),
        ({(7, "record_count"): "many"}, {}, "record_count must be numeric"),
        ({(7, "year"): "last"}, {}, "year must be numeric"),
        ({}, {(2, "policy_id"): 7}, "claims of unknown policies: row 2 name a policy_id that policies lack"),
        ({}, {(2, "peril"): "malware"}, "claims: peril must be one of ransomware, .*; wrong in row 2"),
        ({}, {(2, "peril"): None}, "claims: peril must be one of ransomware, .*; wrong in row 2"),
        ({}, {(2, "incurred"): -5.0, (5, "incurred"): 0.0}, "incurred must be positive, .*; wrong in rows 2, 5"),
        ({}, {(2, "incurred"): np.nan}, "incurred must be finite; wrong in row 2"),
        ({}, {(2, "incurred"): 1e9}, "incurred must not exceed the policy's limit; wrong in row 2"),
        ({}, {(2, "incurred"): "much"}, "incurred must be numeric"),
    ],
)
def test_bad_values_name_their_rows(policies, claims, said, book):
    with pytest.raises(TrainingError, match=said):
        learned(spoilt(book, policies=policies, claims=claims))


def test_seven_bad_rows_are_counted(book):
    bad = {(row, "exposure"): np.nan for row in range(3, 10)}
    with pytest.raises(TrainingError, match="wrong in rows 3, 4, 5, 6, 7 and 2 more"):
        learned(spoilt(book, policies=bad))


@pytest.mark.parametrize(
    "column", ["policy_id", "annual_revenue", "sector", "country", "exposure", "retention", "limit"]
)
def test_missing_columns_of_policies(column, book):
    policies, claims = spoilt(book)
    with pytest.raises(TrainingError, match=f"policies need the columns .*; missing: {column}"):
        learned((policies.drop(columns=column), claims))


@pytest.mark.parametrize("column", ["policy_id", "peril", "incurred"])
def test_missing_columns_of_claims(column, book):
    policies, claims = spoilt(book)
    with pytest.raises(TrainingError, match=f"claims need the columns .*; missing: {column}"):
        learned((policies, claims.drop(columns=column)))


def test_books_too_small(book):
    policies, claims = spoilt(book)
    with pytest.raises(TrainingError, match="policies are empty"):
        learned((policies.head(0), claims))
    with pytest.raises(TrainingError, match="at least 30 claims above 10,000; got 3"):
        learned((policies, claims[claims["incurred"] > 20_000].head(3)))
    with pytest.raises(TrainingError, match="at least 30 claims above 10,000; got 0; with a prior plan few are enough"):
        learned((policies, claims.head(0)))


def test_fewer_than_five_claims_are_not_worth_a_plan(book, prior):
    with pytest.raises(TrainingError, match=r"at least 5 claims above 10,000; got 4$"):
        with_prior(few_of(book, 4), prior)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_bags": 0}, "n_bags must be at least 1; got 0"),
        ({"boosting_share": 1.5}, r"boosting_share must be between 0 and 1; got 1\.5"),
        ({"boosting_share": -0.1}, r"boosting_share must be between 0 and 1; got -0\.1"),
        ({"pairs": [("exposed_rdp", "mfa")]}, r"pairs must name two factors each.*got \('exposed_rdp', 'mfa'\)"),
        ({"pairs": [("exposed_rdp",)]}, r"pairs must name two factors each.*got \('exposed_rdp',\)"),
        ({"pairs": [("sector", "sector")]}, r"pairs must name two factors each.*got \('sector', 'sector'\)"),
        ({"pairs": [("sector", "record_count")]}, "pairs must name two factors each, and not record_count"),
    ],
)
def test_options_that_are_not_valid(book, options, said):
    with pytest.raises(TrainingError, match=said):
        learned(spoilt(book), **options)


def test_trends_that_do_not_fit(book):
    policies, claims = spoilt(book)
    with pytest.raises(TrainingError, match="a trend needs dates, or a column year, in policies"):
        learned((policies.drop(columns="year"), claims), trend={2026: (1.0, 1.0)})
    with pytest.raises(TrainingError, match=r"trend has no index for the years \[2026\]"):
        learned((policies, claims), trend={2025: (1.0, 1.0)})


def test_few_claims_leave_the_price_of_a_prior_plan_almost_as_it_is():
    """Books of the market that the prior was learned from: severity must not run after a few dozen claims."""
    plan = cyberscore.load_plan()
    ratios = []
    for seed in (11, 12, 14):
        market = simulate(3_000, seed)
        book = Book(market.policies, market.claims)
        with threadpool_limits(1):
            found = RatingPlanEstimator(prior=plan, n_bags=2).fit(book).plan_
        policies = book.encoded_policies
        losses = [
            expected_losses_of_many(
                one, totals_of_many(one, policies.codes, policies.weights.astype(float), policies.revenue)
            ).sum()
            for one in (plan, found)
        ]
        ratios.append(losses[1] / losses[0])
        spread = found.bag_deviations[:, :, : len(PERILS)].std(axis=0)
        assert spread.max() > 0.01  # what stays the prior's is as uncertain as it was there
    assert max(np.abs(np.log(ratios))) < 0.35, ratios


def test_a_prior_is_a_plan(book):
    with pytest.raises(TrainingError, match=r"prior must be a RatingPlan, such as cyberscore.load_plan\(\); got 'sme"):
        learned(book, prior="sme-2026")


# --- options that did nothing

PAIR = "mfa_email_coverage x exposed_rdp"


@pytest.mark.parametrize(
    ("options", "notes"),
    [
        ({}, ["learning_rate, max_iter did nothing: boosting_share is 0"]),
        ({"max_iter": 40, "learning_rate": 0.05}, []),
        (
            {"screen_pairs": True, "boosting_share": None, "max_iter": 40, "learning_rate": 0.05},
            ["screen_pairs did nothing: the book has 40 claims above 10,000, and at least 2,000 are needed"],
        ),
        (
            {"pairs": [("mfa_email_coverage", "exposed_rdp")], "max_iter": 40, "learning_rate": 0.05},
            [f"pairs did nothing ({PAIR}): only boosting lets them meet, and boosting_share is 0"],
        ),
        (
            {"pairs": [("mfa_email_coverage", "exposed_rdp")], "boosting_share": 1.0, "max_leaf_nodes": 2},
            ["pairs did nothing: a tree of 2 leaves holds one factor; give max_leaf_nodes=3 or more"],
        ),
        (
            {"trend_to": (1.1, 1.0), "max_iter": 40, "learning_rate": 0.05},
            ["trend_to did nothing: no trend is given"],
        ),
    ],
)
def test_options_that_did_nothing_are_told(book, prior, options, notes, caplog):
    found = with_prior(few_of(book, 40), prior, n_bags=1, **options)
    assert found.report_["notes"] == notes
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == notes


def test_what_one_bag_cannot_tell_is_no_number(book, prior):
    """JSON knows no NaN, and the card shows a dash."""
    found = with_prior(few_of(book, 40), prior, n_bags=1)
    report = json.loads(json.dumps(found.report_, allow_nan=False))
    assert {one["standard_error"] for one in report["moved_from_prior"].values()} == {None}
    card = card_of_own_plan(found.plan_, report, ())
    assert "nan" not in card
    assert " | - | " in card


def test_names_of_pairs_in_capitals_are_told(book):
    with pytest.raises(TrainingError, match=r"got \('Exposed_RDP', 'sector'\): did you mean 'exposed_rdp'\?"):
        learned(spoilt(book), pairs=[("Exposed_RDP", "sector")])
