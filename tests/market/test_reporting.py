"""Dates, reports and payments of simulated claims: the same losses, seen at different dates."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from cyberscore.market import market_parameters, simulate
from cyberscore.perils import PERILS
from cyberscore.profile import signals

pytestmark = pytest.mark.slow

AS_OF = date(2025, 6, 30)
N, SEED = 60_000, 21
ABOUT = market_parameters().raw["reporting"]


@pytest.fixture(scope="module")
def ultimate():
    return simulate(N, SEED)


@pytest.fixture(scope="module")
def known():
    return simulate(N, SEED, as_of=AS_OF)


def days(frame, later, earlier):
    return (frame[later] - frame[earlier]).dt.days.to_numpy()


def test_terms_run_for_a_year_from_a_day_of_their_year(ultimate):
    policies = ultimate.policies
    assert (policies["start"].dt.year == policies["year"]).all()
    assert set(days(policies, "end", "start")) <= {365, 366}
    place = policies["start"].dt.day_of_year / 365.25
    assert place.mean() == pytest.approx(0.5, abs=4.5 * np.sqrt(1 / 12 / N))
    assert (policies["exposure"] == 1.0).all()


def test_claims_occur_evenly_in_their_term(ultimate):
    claims = ultimate.claims
    term = ultimate.policies.set_index("policy_id").loc[claims["policy_id"]].reset_index()
    assert (claims["occurred_at"] >= term["start"]).all()
    assert (claims["occurred_at"] < term["end"]).all()
    place = ((claims["occurred_at"] - term["start"]).dt.days + 0.5) / 365.25
    assert place.mean() == pytest.approx(0.5, abs=4.5 * np.sqrt(1 / 12 / len(claims)))
    assert claims["claim_id"].tolist() == list(range(len(claims)))


def test_reports_are_late_as_stated(ultimate):
    claims = ultimate.claims
    for peril in PERILS:
        delay = days(claims[claims["peril"] == peril], "reported_at", "occurred_at")
        assert delay.min() >= 0
        for day in (3, 10, 40):
            stated = ndtr((np.log(day + 1) - np.log(ABOUT["median_days"][peril])) / ABOUT["log_sigma"][peril])
            error = np.sqrt(stated * (1 - stated) / len(delay))
            assert (delay <= day).mean() == pytest.approx(stated, abs=4.5 * error), (peril, day)


def test_at_ultimate_all_is_paid_and_closed(ultimate):
    claims = ultimate.claims
    assert (claims["paid"] == claims["incurred"]).all()
    assert set(claims["status"]) == {"closed"}


def test_what_is_known_at_a_date_is_a_part_of_the_ultimate(ultimate, known):
    end_of_day = pd.Timestamp(AS_OF)
    begun = ultimate.policies["start"] <= end_of_day
    assert known.policies.equals(ultimate.policies[begun].reset_index(drop=True))
    assert known.true_rates.equals(ultimate.true_rates[begun].reset_index(drop=True))
    assert known.truth.shape == (begun.sum(), len(signals()))
    reported = ultimate.claims[ultimate.claims["reported_at"] <= end_of_day].reset_index(drop=True)
    same = ["claim_id", "policy_id", "peril", "year", "occurred_at", "reported_at"]
    assert known.claims[same].equals(reported[same])
    assert 0.5 < len(known.claims) / len(ultimate.claims) < 0.95
    assert set(known.claims["policy_id"]) <= set(known.policies["policy_id"])


def test_open_claims_are_young_or_large_and_short_of_their_ultimate(ultimate, known):
    claims = known.claims.merge(ultimate.claims[["claim_id", "incurred"]], on="claim_id", suffixes=("", "_ultimate"))
    is_open = claims["status"] == "open"
    assert 0.05 < is_open.mean() < 0.5
    closed = claims[~is_open]
    assert (closed["paid"] == closed["incurred"]).all()
    assert (closed["incurred"] == closed["incurred_ultimate"]).all()
    pending = claims[is_open]
    assert (pending["paid"] < pending["incurred"]).all()
    left = pending["incurred_ultimate"] - pending["paid"]
    reserve = pending["incurred"] - pending["paid"]
    np.testing.assert_allclose(reserve, ABOUT["case_reserve"] * left, atol=0.02)
    assert pending["occurred_at"].median() > closed["occurred_at"].median()
    assert pending["incurred_ultimate"].median() > 2 * closed["incurred_ultimate"].median()


def test_as_time_passes_payments_grow_and_claims_close():
    earlier, later = (simulate(20_000, 3, as_of=date(year, 12, 31)).claims for year in (2024, 2026))
    both = earlier.merge(later, on="claim_id")
    assert len(both) == len(earlier)
    assert (both["paid_y"] >= both["paid_x"]).all()
    assert not ((both["status_x"] == "closed") & (both["status_y"] == "open")).any()
    assert (both["status_y"] == "closed").mean() > (both["status_x"] == "closed").mean()


def test_dates_come_from_a_stream_of_their_own(ultimate):
    """Reporting that differs leaves firms and losses as they are."""
    from cyberscore.market.parameters import parameters_from

    raw = {**market_parameters().raw, "reporting": {**ABOUT, "median_days": dict.fromkeys(PERILS, 300.0)}}
    slow = simulate(N, SEED, parameters=parameters_from(raw))
    assert slow.policies.equals(ultimate.policies)
    assert slow.claims["incurred"].tolist() == ultimate.claims["incurred"].tolist()
    assert days(slow.claims, "reported_at", "occurred_at").mean() > 300
