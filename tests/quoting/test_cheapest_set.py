"""The cheapest set, against every set: sums of exponentials brought under a bound, costs whole or not."""

import math
import random
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.quoting.cheapest_set import CheapestSet

FALLS = st.lists(st.floats(0.0, 2.0), min_size=2, max_size=2)


def height(start, falls, chosen):
    """`log sum exp` of the columns with the falls of some items."""
    return math.log(sum(math.exp(a + sum(falls[i][q] for i in chosen)) for q, a in enumerate(start)))


def every_set(n):
    return chain.from_iterable(combinations(range(n), size) for size in range(n + 1))


def solved(start, falls, costs, bound, *, whole, work=100_000):
    search = CheapestSet(
        start,
        falls,
        costs,
        log_bound=bound,
        admissible=lambda chosen: height(start, falls, chosen) <= bound + 1e-12,
        whole=whole,
        work=work,
    )
    return search.solve()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(FALLS, st.integers(1, 6)), min_size=1, max_size=8),
    st.floats(0.0, 1.0),
    st.booleans(),
)
def test_no_set_is_cheaper(items, depth, whole):
    start = (0.0, 0.3)
    falls = [[-x for x in row] for row, _ in items]
    # costs that are not whole lie closely together, so that stopping a little early shows
    costs = [float(cost) if whole else 100.0 + 0.1 * cost + 0.013 * k for k, (_, cost) in enumerate(items)]
    top, bottom = height(start, falls, ()), height(start, falls, range(len(items)))
    bound = top + depth * (bottom - top)
    enough = [one for one in every_set(len(items)) if height(start, falls, one) <= bound + 1e-12]
    least = min(sum(costs[i] for i in one) for one in enough)
    found = solved(start, falls, costs, bound, whole=whole)
    assert found.proven
    assert found.cost == pytest.approx(least, abs=1e-9)
    assert found.chosen in {tuple(sorted(one)) for one in enough} or set(found.chosen) in map(set, enough)


@pytest.mark.parametrize("step", [1.0, 0.01])
def test_a_set_that_is_a_little_dearer_does_not_settle_it(step):
    """Greedy by value per cost takes the first item; two others together are cheaper by one step."""
    falls = [[-1.0], [-0.5], [-0.5]]
    costs = [10.0, 5.0 - step / 2, 5.0 - step / 2]
    found = solved((0.0,), falls, costs, -1.0, whole=False)
    assert (set(found.chosen), found.proven) == ({1, 2}, True)
    dearer = solved((0.0,), falls, [10.0, 5.0 + step / 2, 5.0 + step / 2], -1.0, whole=False)
    assert (set(dearer.chosen), dearer.proven) == ({0}, True)


@pytest.mark.parametrize("work", [1, 3, 10])
def test_out_of_work_the_bound_still_holds(work):
    falls = [[-0.3 - 0.01 * k, -0.2 + 0.005 * k] for k in range(12)]
    costs = [3.0 + (7 * k) % 5 for k in range(12)]
    whole = solved((0.0, 0.1), falls, costs, -0.9, whole=True)
    short = solved((0.0, 0.1), falls, costs, -0.9, whole=True, work=work)
    assert whole.proven
    assert short.lower_bound <= whole.cost <= short.cost
    assert short.proven is (short.lower_bound == short.cost)


def drawn(seed, n=10, columns=3):
    """Draw items of very different worth, for which taking the best first is often not the cheapest."""
    draw = random.Random(seed)  # noqa: S311  a drawn instance, no secret
    falls = [[-1.5 * draw.random() ** 3 for _ in range(columns)] for _ in range(n)]
    start = [draw.uniform(-0.5, 0.5) for _ in range(columns)]
    whole = seed % 2 == 0
    costs = [float(draw.randint(1, 9)) if whole else 100.0 + draw.random() for _ in range(n)]
    top, bottom = height(start, falls, ()), height(start, falls, range(n))
    return start, falls, costs, top + draw.uniform(0.3, 0.8) * (bottom - top), whole


@pytest.mark.parametrize("seed", range(100))
def test_no_set_is_cheaper_where_the_best_first_is_not(seed):
    start, falls, costs, bound, whole = drawn(seed)
    enough = (one for one in every_set(len(costs)) if height(start, falls, one) <= bound + 1e-12)
    found = solved(start, falls, costs, bound, whole=whole)
    assert found.proven
    assert found.cost == pytest.approx(min(sum(costs[i] for i in one) for one in enough), abs=1e-9)
