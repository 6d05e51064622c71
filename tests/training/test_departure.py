"""How far a plan has moved from its prior: known moves are measured as such."""

from dataclasses import replace

import numpy as np
import pytest

import cyberscore
from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.parts import factors
from cyberscore.training.learning.departure import compute_departure

N = len(PERILS)


@pytest.fixture(scope="module")
def plan():
    return cyberscore.load_plan()


def moved(plan, change):
    """Return the plan with frequency tables changed by `change(name, table)`, severity as it was."""
    tables = {}
    for name, table in plan.tables.items():
        tables[name] = table.copy()
        tables[name][:, :N] = change(name, table[:, :N])
    return replace(plan, tables=tables, pairs={}, bag_base=None, bag_deviations=None)


def test_a_plan_has_not_moved_from_itself(plan):
    found = compute_departure(plan, plan).set_index("factor")
    assert list(found.index) == [factor.name for factor in factors()]
    assert (found["moved"] == 0.0).all()
    varies = [np.ptp(plan.tables[name][:, :N], axis=0).any() for name in found.index]
    assert found["kept"][varies].to_numpy() == pytest.approx(1.0)
    assert found["kept"][~np.array(varies)].isna().all()
    assert found["kept_in_group"].dropna().to_numpy() == pytest.approx(1.0)
    assert (found["standard_error"][varies] > 0).all()


@pytest.mark.parametrize("share", [0.5, 1.3])
def test_tables_times_a_share_keep_that_share(plan, share):
    other = moved(plan, lambda _, table: share * table)
    found = compute_departure(other, plan).set_index("factor")
    assert found["kept"].dropna().to_numpy() == pytest.approx(share)
    assert found["kept_in_group"].dropna().to_numpy() == pytest.approx(share)
    back = compute_departure(plan, other).set_index("factor")
    assert back["kept"].dropna().to_numpy() == pytest.approx(1 / share)
    np.testing.assert_allclose(back["moved"], found["moved"])
    gone = compute_departure(moved(plan, lambda _, table: 0 * table), plan).set_index("factor")
    np.testing.assert_allclose(found["moved"], abs(1 - share) * gone["moved"])


def test_another_level_is_no_move(plan):
    shifted = compute_departure(moved(plan, lambda _, table: table + 0.3), plan)
    assert shifted["moved"].to_numpy() == pytest.approx(0.0, abs=1e-5)  # rounded shares


def test_one_factor_moves_alone_and_its_group_by_its_part(plan):
    name = "exposed_rdp"
    found = compute_departure(moved(plan, lambda one, table: 0.5 * table if one == name else table), plan)
    found = found.set_index("factor")
    assert found.index[found["moved"] > 0].tolist() == [name]
    assert found["kept"][name] == pytest.approx(0.5)
    domain = signals()[name].domain
    assert found["group"][name] == domain
    group = found[found["group"] == domain]
    assert group["kept_in_group"].nunique() == 1
    assert 0.5 < group["kept_in_group"].iloc[0] < 1.0
    others = found[found["group"] != domain]
    assert others["kept_in_group"].dropna().to_numpy() == pytest.approx(1.0)
    assert set(found["group"][["sector", "country", "record_count"]]) == {"context"}


def test_cells_count_by_their_share_of_the_book(plan):
    """One cell that moves by d is a root mean square of d sqrt(w (1 - w)) for its share w."""
    f = next(f for f, factor in enumerate(factors()) if factor.name == "country")
    share = plan.score.mean_codes[f]

    def one_cell(name, table):
        return table + 0.2 * (np.arange(len(table)) == 1)[:, None] if name == "country" else table

    found = compute_departure(moved(plan, one_cell), plan).set_index("factor")
    assert found["moved"]["country"] == pytest.approx(0.2 * np.sqrt(share[1] * (1 - share[1])))


def test_a_plan_without_bags_has_no_standard_error(plan):
    found = compute_departure(replace(plan, bag_base=None, bag_deviations=None), plan)
    assert found["standard_error"].isna().all()
