"""The simulated market against the published figures it is calibrated to, and against its own truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from cyberscore.market import market_parameters, simulate
from cyberscore.market.calibration import frequencies_by_band
from cyberscore.market.losses import (
    draw_losses,
    posture_effect,
    revenue_curve,
    survival,
    true_log_medians,
    true_log_rates,
)
from cyberscore.market.parameters import parameters_from
from cyberscore.market.population import Population, draw_population
from cyberscore.market.posture import draw_hygiene, draw_posture, see_posture, still_so
from cyberscore.market.simulation import representatives
from cyberscore.perils import BASIS_RETENTION, COUNTRY_GROUPS, PERILS
from cyberscore.profile import signals
from cyberscore.profile.signals import SOURCE_NAMES

pytestmark = pytest.mark.slow

PARAMETERS = market_parameters()
STANDARD_ERRORS = 4.5  # seeds are fixed: a test that passes goes on passing


@pytest.fixture(scope="module")
def market():
    return simulate(300_000, seed=5)


@pytest.fixture(scope="module")
def firms():
    """Draw a population and its true posture."""
    rng = np.random.default_rng(11)
    population = draw_population(200_000, PARAMETERS, rng)
    hygiene = draw_hygiene(200_000, PARAMETERS, rng)
    return population, draw_posture(population, hygiene, PARAMETERS, rng)


def population_of(policies):
    """Read a population back from the policies an insurer sees."""
    return Population(
        revenue=policies["annual_revenue"].to_numpy(),
        band=np.digitize(policies["annual_revenue"], PARAMETERS.raw["revenue"]["bands"][:-1]),
        sector=policies["sector"].cat.codes.to_numpy(),
        country=policies["country"].cat.codes.to_numpy(),
        record_count=policies["record_count"].to_numpy(),
        year=policies["year"].to_numpy(),
        retention=policies["retention"].to_numpy(),
        limit=policies["limit"].to_numpy(),
    )


# --- frequency


def test_published_frequencies_are_those_of_the_evidence():
    totals = [sum(PARAMETERS.raw["perils"][peril]["frequency"][band] for peril in PERILS) for band in range(3)]
    assert totals == pytest.approx([1.20, 3.90, 5.90])


def test_mean_rates_by_revenue_band_are_the_published_ones(market):
    published = np.array([PARAMETERS.raw["perils"][peril]["frequency"] for peril in PERILS]).T / 100
    np.testing.assert_allclose(frequencies_by_band(PARAMETERS, n=400_000, seed=1), published, rtol=0.10)
    band = np.digitize(market.policies["annual_revenue"], [25e6, 100e6])
    seen = np.array([market.true_rates[band == one].mean() for one in range(3)])
    np.testing.assert_allclose(seen, published, rtol=0.10)


@pytest.mark.parametrize("peril", range(len(PERILS)), ids=PERILS)
def test_the_spread_by_posture_is_plausible(firms, peril):
    effect = np.sort(np.exp(posture_effect(firms[1], PARAMETERS)[:, peril]))
    fifth = len(effect) // 5
    assert 3 < effect[-fifth:].mean() / effect[:fifth].mean() < 10
    low, high = np.percentile(effect, [1, 99])
    assert high / low < 25


def test_a_worse_cell_never_lowers_a_rate(firms):
    """But for the mail platform, which has no order."""
    rows = firms[1][:200]
    base = posture_effect(rows, PARAMETERS)
    for j, name in enumerate(signals()):
        if name == "mail_platform":
            continue
        last = len(PARAMETERS.prevalence[j]) - 1
        worse = rows.copy()
        worse[:, j] = np.minimum(worse[:, j] + 1, last)
        change = posture_effect(worse, PARAMETERS) - base
        assert (change >= -1e-12).all(), name
        assert (change[rows[:, j] < last] > 0).any() or PARAMETERS.severity_effects[j].any(), name


def test_the_revenue_curve_rises_and_has_no_cliff():
    revenue = np.geomspace(1e5, 5e8, 2_000)
    steps = np.diff(revenue_curve(revenue, PARAMETERS), axis=0) / np.diff(np.log(revenue))[:, None]
    assert (steps > 0).all()
    assert (steps < 1.0).all()


# --- severity


def test_ground_up_means_at_ten_million_are_the_published_ones():
    """Claims.md (b): lognormal, capped at 10M, without the tail, in closed form."""
    mu, sigma, cap = np.log(PARAMETERS.peril("median")), PARAMETERS.peril("log_sigma"), 1e7
    below = np.exp(mu + sigma**2 / 2) * ndtr((np.log(cap) - mu - sigma**2) / sigma)
    means = below + cap * ndtr((mu - np.log(cap)) / sigma)
    np.testing.assert_allclose(means, [354e3, 120e3, 46e3, 170e3, 75e3], rtol=0.15)


def test_firms_of_ten_million_have_the_published_means(firms):
    population, truth = firms
    mu = true_log_medians(replace(population, revenue=np.full(len(truth), 1e7)), truth, PARAMETERS)
    sigma, cap = PARAMETERS.peril("log_sigma"), 1e7
    below = np.exp(mu + sigma**2 / 2) * ndtr((np.log(cap) - mu - sigma**2) / sigma)
    means = (below + cap * ndtr((mu - np.log(cap)) / sigma)).mean(axis=0)
    np.testing.assert_allclose(means, [354e3, 120e3, 46e3, 170e3, 75e3], rtol=0.15)


def test_medians_scale_with_revenue(firms):
    population, truth = firms
    one, ten = (
        true_log_medians(
            replace(population, revenue=np.full(len(truth), size), record_count=records), truth, PARAMETERS
        )
        for size, records in ((1e6, np.full(len(truth), 10**3.2)), (1e7, np.full(len(truth), 10**3.95)))
    )
    np.testing.assert_allclose((ten - one) / np.log(10), np.broadcast_to([0.25, 0.22, 0.20, 0.24, 0.30], one.shape))


def test_sectors_differ_in_severity_and_frequency_as_stated(firms):
    population, truth = firms
    names = sorted(PARAMETERS.raw["sectors"])

    def all_in(sector):
        moved = replace(population, sector=np.full(len(truth), names.index(sector)))
        return true_log_medians(moved, truth, PARAMETERS), true_log_rates(moved, truth, PARAMETERS)

    made, built = all_in("manufacturing"), all_in("construction")
    np.testing.assert_allclose(made[0] - built[0], np.log(1.10 / 0.70))
    stated = np.log([2.2, 1.4, 1.4, 1.4, 1.4])  # over 1.0
    np.testing.assert_allclose(made[1] - built[1], np.broadcast_to(stated, made[1].shape))


@pytest.mark.parametrize(("name", "by"), [("exposed_rdp", "mfa_remote_coverage")])
def test_one_control_softens_the_lack_of_another(firms, name, by):
    """Exposed remote desktop does half the harm where remote access has MFA."""
    j, k = list(signals()).index(name), list(signals()).index(by)

    def harm(softener):
        rows = firms[1][[0, 0]]
        rows[:, k] = softener
        rows[:, j] = 0, len(PARAMETERS.prevalence[j]) - 1
        return np.diff(posture_effect(rows, PARAMETERS), axis=0)[0]

    alone, softened = harm(len(PARAMETERS.prevalence[k]) - 1), harm(0)
    temper = np.array([PARAMETERS.raw["perils"][peril]["temper"] for peril in PERILS])
    np.testing.assert_allclose(alone[0], temper[0] * np.log(3.0))
    np.testing.assert_allclose(softened, 0.5 * alone)


@pytest.fixture(scope="module")
def many_losses():
    """Draw about three losses for each of 40,000 like firms and peril."""
    log_medians = np.log(PARAMETERS.peril("median")) * np.ones((40_000, 1))
    above = survival(np.array(BASIS_RETENTION), log_medians, PARAMETERS.peril("log_sigma"), PARAMETERS)
    return draw_losses(np.log(3 * above), log_medians, PARAMETERS, np.random.default_rng(3))


@pytest.mark.parametrize("peril", range(len(PERILS)), ids=PERILS)
def test_losses_follow_their_survival_function(many_losses, peril):
    amounts = np.sort(many_losses.amount[many_losses.peril == peril])
    assert abs(len(amounts) - 120_000) < STANDARD_ERRORS * np.sqrt(120_000)
    median, sigma = np.log(PARAMETERS.peril("median")[peril]), PARAMETERS.peril("log_sigma")[peril]
    for threshold in (2e3, 1e4, 3e4, 1e5, 5e5, 9.9e5, 1.01e6, 2e6, 5e6, 9.9e6):
        expected = float(survival(np.array(threshold), median, sigma, PARAMETERS))
        error = np.sqrt(expected * (1 - expected) / len(amounts))
        assert abs((amounts > threshold).mean() - expected) < STANDARD_ERRORS * error, threshold
    for share in (0.1, 0.5, 0.9, 0.99):
        quantile = np.quantile(amounts, share)
        assert float(survival(quantile, median, sigma, PARAMETERS)) == pytest.approx(
            1 - share, abs=STANDARD_ERRORS * np.sqrt(share * (1 - share) / len(amounts))
        )
    assert amounts[0] > 0
    assert amounts[-1] <= PARAMETERS.raw["severity"]["cap"]
    at_cap = float(survival(np.array(1e7), median, sigma, PARAMETERS))
    assert abs((amounts == 1e7).sum() - at_cap * len(amounts)) < STANDARD_ERRORS * np.sqrt(at_cap * len(amounts) + 1)


def test_survival_falls_from_one_and_is_continuous():
    amounts = np.geomspace(1, 1e7, 5_000)
    for median, sigma in zip(np.log(PARAMETERS.peril("median")), PARAMETERS.peril("log_sigma"), strict=True):
        values = survival(amounts, median, sigma, PARAMETERS)
        assert values[0] == pytest.approx(1.0, abs=1e-5)
        assert (np.diff(values) <= 0).all()
        assert (np.abs(np.diff(values)) < 0.01).all()
        tail = survival(np.array([1e6, 2e6, 8e6]), median, sigma, PARAMETERS)
        np.testing.assert_allclose(tail / tail[0], np.array([1.0, 2.0, 8.0]) ** -1.2)


# --- claims


def test_claims_are_within_the_cover(market):
    claims, policies = market.claims, market.policies.set_index("policy_id").loc[market.claims["policy_id"]]
    assert (claims["incurred"] > 0).all()
    assert (claims["incurred"].to_numpy() <= policies["limit"].to_numpy()).all()
    assert (claims["incurred"].to_numpy() == policies["limit"].to_numpy()).any()
    assert (claims["year"].to_numpy() == policies["year"].to_numpy()).all()
    assert set(claims["status"]) == {"closed"}
    assert set(claims["peril"]) == set(PERILS)


def test_the_number_of_claims_is_the_expected_one(market):
    """By peril, and by retention: a rate above 10,000 carried to each policy's own retention."""
    population = population_of(market.policies)
    year = PARAMETERS.raw["year"]
    step = population.year - year["first"]
    log_medians = true_log_medians(population, market.truth, PARAMETERS) + np.log(year["severity"])[step][:, None]
    sigma = PARAMETERS.peril("log_sigma")
    at_basis = survival(np.array(BASIS_RETENTION), log_medians, sigma, PARAMETERS)

    def expected_above(amount):
        return market.true_rates * survival(amount[:, None], log_medians, sigma, PARAMETERS) / at_basis

    large = expected_above(population.retention + 1e5).sum().sum()
    assert abs((market.claims["incurred"] > 1e5).sum() - large) < STANDARD_ERRORS * np.sqrt(large)
    expected = expected_above(population.retention)
    for peril in PERILS:
        count = (market.claims["peril"] == peril).sum()
        assert abs(count - expected[peril].sum()) < STANDARD_ERRORS * np.sqrt(expected[peril].sum())
    retentions = market.policies["retention"]
    claimed = market.claims["policy_id"].map(retentions)
    for retention, total in expected.sum(axis=1).groupby(retentions).sum().items():
        assert abs((claimed == retention).sum() - total) < STANDARD_ERRORS * np.sqrt(total), retention
    worst = expected.sum(axis=1) > expected.sum(axis=1).quantile(0.9)  # the truth tells who claims
    assert abs(worst[market.claims["policy_id"]].sum() - expected[worst].sum().sum()) < STANDARD_ERRORS * np.sqrt(
        expected[worst].sum().sum()
    )


def test_true_rates_are_those_of_the_true_posture(market):
    population = population_of(market.policies)
    index = np.log(PARAMETERS.raw["year"]["frequency"])[population.year - PARAMETERS.raw["year"]["first"]]
    log_rates = true_log_rates(population, market.truth, PARAMETERS) + index[:, None]
    np.testing.assert_allclose(market.true_rates, np.exp(log_rates), rtol=1e-12)
    assert list(market.true_rates) == list(PERILS)


# --- posture, true and seen


def test_true_cells_are_as_prevalent_as_stated(firms):
    for j, name in enumerate(signals()):
        shares = np.bincount(firms[1][:, j], minlength=len(PARAMETERS.prevalence[j])) / len(firms[1])
        np.testing.assert_allclose(shares, PARAMETERS.prevalence[j], atol=0.012, err_msg=name)


def test_domains_hang_together_and_size_helps_where_stated(firms):
    population, truth = firms
    names = list(signals())
    alike = np.abs(population.size) < 0.25  # the mail platform goes with size alone
    correlation = np.corrcoef(truth[alike].T.astype(float))
    remote, admin = names.index("mfa_remote_coverage"), names.index("mfa_admin_coverage")
    platform = names.index("mail_platform")
    assert 0.2 < correlation[remote, admin] < 0.5
    assert np.abs(np.delete(correlation[platform], platform)).max() < 0.03
    big = population.size > 1
    footprint, logs = names.index("internet_footprint"), names.index("central_log_days")
    assert truth[big, footprint].mean() > truth[~big, footprint].mean() + 0.5
    assert truth[big, logs].mean() < truth[~big, logs].mean() - 0.2


def test_attestation_is_rosier_than_the_truth_and_telemetry_near_it(firms):
    population, truth = firms
    seen = see_posture(truth, truth, population, PARAMETERS, np.random.default_rng(0))  # nothing has moved
    signed = np.array([not about.is_context for about in signals().values()])
    error = {}
    for index, name in enumerate(SOURCE_NAMES):
        there = (seen.cell >= 0) & (seen.source == index) & signed
        error[name] = (seen.cell.astype(int) - truth)[there]
    assert (error["attestation"] <= 0).all()
    assert error["attestation"].mean() < error["document"].mean() - 0.1 < -0.1
    assert (error["telemetry"] == 0).mean() > 0.97
    assert abs(error["telemetry"].mean()) < 0.01
    assert (error["scan"] == 0).mean() > 0.93
    # the worse the truth, the less is said
    silent = (seen.cell < 0)[:, list(signals()).index("mdr_24x7")]
    mdr = truth[:, list(signals()).index("mdr_24x7")]
    assert silent[mdr == 1].mean() > silent[mdr == 0].mean() + 0.1


def test_what_was_seen_long_ago_is_less_often_still_so(market):
    about = signals()["patch_14d_rate"]
    j = list(signals()).index(about.name)
    policies = market.policies
    told = policies[about.name].notna() & (policies[f"{about.name}__source"] == "telemetry")
    right = policies[about.name].map(_codes(about)) == pd.Series(_code(about)[market.truth[:, j]])
    age = policies[f"{about.name}__age_days"]
    fresh, old = right[told & (age <= 1)], right[told & (age >= 10)]
    assert fresh.mean() > 0.96
    chance = still_so(about, age[told & (age >= 10)].to_numpy()).mean()
    again = old.mean() - 0.98 * chance  # moved, and yet the same cell
    assert 0.1 < again / (1 - chance) < 0.7
    assert still_so(signals()["mail_platform"], np.array([700])) == still_so(about, np.array([0])) == 1


def test_what_is_seen_comes_from_a_source_the_catalogue_allows(market):
    policies = market.policies
    for j, about in enumerate(signals().values()):
        source = policies[f"{about.name}__source"]
        assert set(source.dropna().unique()) == set(about.sources)
        value = policies[about.name]
        assert (value.isna() == source.isna()).all()
        assert 0.05 < value.notna().mean() < 0.995, about.name
        assert policies[f"{about.name}__age_days"].between(0, 700).all()
        agrees = value.notna() & (value.map(_codes(about)) == pd.Series(_code(about)[market.truth[:, j]]))
        assert agrees.sum() / value.notna().sum() > 0.4, about.name


def _code(about):
    """Code of each cell, safest first."""
    return np.array(sorted(about.code_of_cell))


def _codes(about):
    values = about.levels or [np.float32(one) for one in representatives(about)]
    return {value: about.code(value if about.levels else float(value)) for value in values}


@pytest.mark.parametrize("about", [one for one in signals().values() if not one.levels], ids=lambda about: about.name)
def test_every_cell_has_a_value_inside_it(about):
    values = representatives(about)
    assert [about.code(about.check(float(np.float32(value)))) for value in values] == _code(about).tolist()


# --- the book


def test_the_same_seed_gives_the_same_book():
    one, same, other = simulate(3_000, seed=1), simulate(3_000, seed=1), simulate(3_000, seed=2)
    pd.testing.assert_frame_equal(one.policies, same.policies)
    pd.testing.assert_frame_equal(one.claims, same.claims)
    pd.testing.assert_frame_equal(one.true_rates, same.true_rates)
    assert (one.truth == same.truth).all()
    assert not one.policies["annual_revenue"].equals(other.policies["annual_revenue"])
    assert not (one.truth == other.truth).all()
    assert not one.true_rates.equals(other.true_rates)
    assert not one.claims.equals(other.claims)


def test_the_book_is_the_stated_mix(market):
    policies, raw = market.policies, PARAMETERS.raw
    assert policies["policy_id"].is_unique
    assert policies["annual_revenue"].between(raw["revenue"]["lowest"], 5e8).all()
    sectors = pd.Series({name: about["share"] for name, about in raw["sectors"].items()})
    seen = policies["sector"].value_counts(normalize=True)
    np.testing.assert_allclose(seen[sectors.index], sectors / sectors.sum(), atol=0.004)
    countries = policies["country"].value_counts(normalize=True)
    np.testing.assert_allclose(
        countries[list(COUNTRY_GROUPS)], [raw["country"]["shares"][one] for one in COUNTRY_GROUPS], atol=0.004
    )
    years = policies["year"].value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(years, raw["year"]["shares"], atol=0.004)
    band = np.digitize(policies["annual_revenue"], [25e6, 100e6])
    np.testing.assert_allclose(np.bincount(band) / len(band), raw["revenue"]["shares"], atol=0.003)
    for column, steps, shares in (
        ("retention", "retentions", "retention_shares"),
        ("limit", "limits", "limit_shares"),
    ):
        for one in range(3):
            drawn = policies[column][band == one].value_counts(normalize=True)
            wanted = pd.Series(raw["cover"][shares][one], index=raw["cover"][steps])
            np.testing.assert_allclose(drawn.reindex(wanted.index).fillna(0), wanted, atol=0.03)


@pytest.mark.parametrize("n_policies", [0, -1])
def test_an_empty_book_is_refused(n_policies):
    with pytest.raises(ValueError, match=f"n_policies must be at least 1; got {n_policies}"):
        simulate(n_policies, seed=1)


def test_parameters_must_be_those_of_the_catalogue():
    raw = PARAMETERS.raw
    backwards = dict(reversed(raw["signals"].items()))
    with pytest.raises(ValueError, match="signals must be those of the catalogue, in its order"):
        parameters_from({**raw, "signals": backwards})
    with pytest.raises(ValueError, match=r"sectors must be those of industries\.toml"):
        parameters_from({**raw, "sectors": {}})


def test_every_signal_is_described_in_full():
    for name, spec in PARAMETERS.raw["signals"].items():
        about = signals()[name]
        assert len(spec["prevalence"]) == len(spec["badness"]) == len(about.code_of_cell), name
        assert sum(spec["prevalence"]) == pytest.approx(1.0), name
        assert spec["badness"] == sorted(spec["badness"]), name
        assert spec["loading_general"] ** 2 + spec["loading_domain"] ** 2 < 1
        assert 0 <= spec["loading_general"] <= 0.5
        assert min(spec["relative_risk"].values()) >= 1.0
        assert spec["basis"] == about.basis
