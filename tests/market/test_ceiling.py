"""The mean of the truth given what is seen: exact where it can be known, calibrated and best where it cannot."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import cyberscore
from cyberscore.market import market_parameters, simulate
from cyberscore.market.ceiling import compute_ceiling
from cyberscore.market.firms import Chances
from cyberscore.market.losses import true_log_rates
from cyberscore.market.population import draw_population
from cyberscore.market.posture import draw_hygiene, draw_posture
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.training.release import predicted_rates
from cyberscore.training.validation.discrimination import share_of_explainable_deviance

pytestmark = pytest.mark.slow  # learns many times over

PARAMETERS = market_parameters()
STANDARD_ERRORS = 4.0  # seeds are fixed: a test that passes goes on passing
N, SEED = 2_000, 8


def seen_by(**changes):
    """Return the market with other chances of seeing."""
    raw = copy.deepcopy(PARAMETERS.raw)
    raw["seen"] |= changes
    return replace(PARAMETERS, raw=raw)


ALL = {"connected": [1.0] * 3, "scanned": 1.0, "telemetry_reach": 1.0, "scan_reach": 1.0, "document_share": 1.0}
FAITHFUL = {
    **dict.fromkeys(("silence_of_the_worst", "rosy_attestation", "rosy_document", "telemetry_error", "scan_miss"), 0.0),
    "mean_age": dict.fromkeys(PARAMETERS.raw["seen"]["mean_age"], 0.0),
}
BLIND = {
    "connected": [0.0] * 3,
    **dict.fromkeys(("scanned", "scan_reach", "document_share", "answer_required", "answer_other"), 0.0),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other make small fits many times slower on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def found():
    return compute_ceiling(N, SEED)


@pytest.fixture(scope="module")
def policies():
    return simulate(N, SEED).policies


def year_index(years):
    about = PARAMETERS.raw["year"]
    return np.array(about["frequency"])[years - about["first"]][:, None]


def test_the_truth_is_that_of_the_simulated_policies(found):
    market = simulate(N, SEED)
    index = year_index(market.policies["year"].to_numpy())
    np.testing.assert_allclose(found.true * index, market.true_rates, rtol=1e-9)
    assert found.expected.shape == (N, len(PERILS))
    assert (found.expected > 0).all()


def test_when_all_is_seen_as_it_is_the_truth_is_known():
    """Through scans, tools, documents and answers without error, of today."""
    everything = seen_by(**ALL, **FAITHFUL, answer_required=1.0, answer_other=1.0)
    exact = compute_ceiling(120, 1, parameters=everything)
    np.testing.assert_allclose(exact.expected, exact.true, rtol=1e-6)


@pytest.mark.parametrize(
    "worse",
    [{"rosy_document": 0.12}, {"telemetry_error": 0.02}, {"scan_miss": 0.08}, {"scanned": 0.5}],
    ids=lambda one: next(iter(one)),
)
def test_what_blurs_the_view_costs_knowledge(worse):
    blurred = seen_by(**(ALL | FAITHFUL | {"answer_required": 1.0, "answer_other": 1.0} | worse))
    exact = compute_ceiling(120, 1, parameters=blurred)
    assert np.abs(exact.expected / exact.true - 1.0).max() > 0.01
    assert 0.5 < share_of_explainable_deviance(exact.true, exact.expected) < 1.0


def test_old_observations_are_believed_less():
    """All seen and told as it was, but some time ago: what has moved since is not known."""
    aged = {"mean_age": dict.fromkeys(PARAMETERS.raw["seen"]["mean_age"], 200.0)}
    moved = seen_by(**(ALL | FAITHFUL | {"answer_required": 1.0, "answer_other": 1.0} | aged))
    exact = compute_ceiling(120, 1, parameters=moved)
    assert 0.1 < share_of_explainable_deviance(exact.true, exact.expected) < 0.97


def test_when_nothing_is_seen_the_mean_over_all_postures_is_left():
    """Quadrature against draws of the posture of the same firms, of whom the large are much better at all."""
    n, times = 60, 1_500
    market = replace(seen_by(**BLIND), size_slope=np.full(len(signals()), 0.5))
    blind = compute_ceiling(n, 4, parameters=market)
    one = draw_population(n, market, Chances.of(4).population)
    rows = np.tile(np.arange(n), times)
    many = type(one)(**{name: getattr(one, name)[rows] for name in one.__dataclass_fields__})
    rng = np.random.default_rng(0)
    truth = draw_posture(many, draw_hygiene(len(rows), market, rng), market, rng)
    drawn = np.exp(true_log_rates(many, truth, market)).reshape(times, n, len(PERILS))
    error = drawn.std(axis=0) / np.sqrt(times)
    z = (blind.expected - drawn.mean(axis=0)) / error
    assert np.abs(z).max() < STANDARD_ERRORS
    assert z.std() < 1.3


def test_quadrature_is_fine_enough(monkeypatch):
    from cyberscore.market import ceiling

    usual = compute_ceiling(80, 2).expected
    monkeypatch.setattr(ceiling, "_NODES", 17)
    np.testing.assert_allclose(usual, compute_ceiling(80, 2).expected, rtol=5e-3)


def test_parts_do_not_matter(monkeypatch):
    from cyberscore.market import ceiling

    whole = compute_ceiling(60, 3).expected
    monkeypatch.setattr(ceiling, "_ROWS", 7)
    np.testing.assert_allclose(compute_ceiling(60, 3).expected, whole, rtol=1e-12)


def test_the_mean_is_the_mean_of_the_truth(found):
    gap = found.true - found.expected
    error = gap.std(axis=0) / np.sqrt(N)
    assert (np.abs(gap.mean(axis=0)) < STANDARD_ERRORS * error).all()
    relative = gap.mean(axis=0) / found.true.mean(axis=0)
    assert np.abs(relative).max() < 0.05


@pytest.mark.parametrize("peril", range(len(PERILS)), ids=PERILS)
def test_firms_expected_alike_are_so_on_average(found, peril):
    order = np.argsort(found.expected[:, peril])
    for rows in np.array_split(order, 8):
        gap = found.true[rows, peril] - found.expected[rows, peril]
        assert abs(gap.mean()) < STANDARD_ERRORS * gap.std() / np.sqrt(len(rows))


def test_what_was_seen_is_used_up(found, policies):
    """Nothing seen tells where the mean is wrong: who is connected, how many signals are unknown, any one value."""
    names = list(signals())
    relative = (found.true / found.expected).mean(axis=1) - 1.0
    groups = [policies[name].notna().to_numpy() for name in names]
    groups += [policies[f"{name}__source"].eq("telemetry").to_numpy() for name in names]
    unknown = policies[names].isna().sum(axis=1).to_numpy()
    groups += [unknown <= np.quantile(unknown, 0.25), unknown >= np.quantile(unknown, 0.75)]
    z = []
    for group in groups:
        if 50 < group.sum() < N - 50:
            mine = relative[group]
            z.append(mine.mean() / (mine.std() / np.sqrt(len(mine))))
    assert len(z) > 50
    assert np.abs(z).max() < STANDARD_ERRORS


def test_no_coarser_prediction_explains_more(found, policies):
    best = share_of_explainable_deviance(found.true, found.expected)
    plan = predicted_rates(cyberscore.load_plan(), policies) / year_index(policies["year"].to_numpy())
    plan *= found.true.mean(axis=0) / plan.mean(axis=0)
    rounded = np.exp(np.round(np.log(found.expected)))
    noisy = found.expected * np.exp(0.2 * np.random.default_rng(0).standard_normal(found.true.shape))
    flat = np.tile(found.true.mean(axis=0), (N, 1))
    half = np.sqrt(found.expected * flat)
    shares = [share_of_explainable_deviance(found.true, other) for other in (plan, rounded, noisy, half, flat)]
    assert 0.3 < best < 0.95
    assert max(shares) < best
    assert shares[-1] == pytest.approx(0.0, abs=1e-9)
