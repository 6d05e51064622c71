"""The additive model in tables: cells, sums, the single-row path, and what is refused."""

import json
import pickle
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.exceptions import PlanError
from cyberscore.rating.tables import MAX_TABLE_CELLS, AdditiveTables, Bins, Table

finite = st.floats(-1e6, 1e6)
breakpoint_lists = st.lists(finite, max_size=6, unique=True).map(lambda points: tuple(sorted(points)))


@st.composite
def models(draw):
    """Draw tables over one to four factors, with some of the singles, pairs and triples."""
    bins = {
        f"f{place}": Bins(draw(breakpoint_lists), has_missing=draw(st.booleans()))
        for place in range(draw(st.integers(1, 4)))
    }
    subsets = [chosen for order in (1, 2, 3) for chosen in combinations(bins, order)]
    kept = draw(st.lists(st.sampled_from(subsets), unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tables = tuple(Table(names, rng.normal(size=[bins[name].n_cells for name in names])) for names in kept)
    return AdditiveTables(draw(finite), bins, tables)


def random_codes(model, n_rows=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(bins.n_cells, size=n_rows) for bins in model.bins.values()])


@given(breakpoint_lists, st.lists(finite, max_size=20), st.booleans())
def test_cell_holds_its_half_open_interval(points, values, has_missing):
    bins = Bins(points, has_missing=has_missing)
    edges = (-np.inf, *points, np.inf)
    for value, code in zip([*values, *points], bins.encode([*values, *points]), strict=True):
        assert edges[code] <= value < edges[code + 1]
        assert bins.encode_one(value) == code
    assert len(bins.labels()) == len(set(bins.labels())) == bins.n_cells


def test_missing_has_the_last_cell():
    bins = Bins((1.0, 2.0), has_missing=True)
    assert bins.n_cells == 4
    assert bins.encode([np.nan, 0.0]).tolist() == [3, 0]
    assert bins.encode_one(np.nan) == 3
    assert bins.labels() == ("below 1", "1 to below 2", "2 and above", "missing")
    assert Bins((), has_missing=False).labels() == ("any value",)
    assert Bins((1_500_000.0, 2_500_000.5), has_missing=False).labels()[1] == "1,500,000 to below 2500000.5"


@given(models())
@settings(max_examples=50)
def test_total_is_the_sum_of_its_cells(model):
    codes = random_codes(model)
    names = list(model.bins)
    for row, total in zip(codes.tolist(), model.total(codes), strict=True):
        cell = dict(zip(names, row, strict=True))
        expected = model.intercept + sum(
            table.values[tuple(cell[name] for name in table.factors)] for table in model.tables
        )
        assert total == pytest.approx(expected, abs=1e-9)
        assert model.total_one(row) == pytest.approx(total, abs=1e-12, rel=1e-15)
    assert model.n_cells == sum(np.prod(table.values.shape) for table in model.tables)


@given(models(), st.integers(0, 2**32))
@settings(max_examples=50)
def test_single_row_and_batch_encode_alike(model, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(scale=1e6, size=(10, len(model.bins)))
    for column, bins in enumerate(model.bins.values()):
        if bins.has_missing:
            values[rng.random(10) < 0.3, column] = np.nan
    assert [model.encode_one(row) for row in values.tolist()] == model.encode(values).tolist()


@given(models())
@settings(max_examples=50)
def test_json_and_pickle_restore_the_model(model):
    codes = random_codes(model)
    model.total_one(codes[0].tolist())  # what the single path caches must not travel
    pickled = pickle.loads(pickle.dumps(model))  # noqa: S301
    for copy in (AdditiveTables.from_dict(json.loads(json.dumps(model.to_dict()))), pickled):
        assert copy == model
        assert np.array_equal(copy.total(codes), model.total(codes))
        assert not any(table.values.flags.writeable for table in copy.tables)


def test_a_changed_cell_breaks_equality():
    table = Table(("a",), np.array([0.0, 1.0]))
    assert table == Table(("a",), np.array([0.0, 1.0]))
    assert hash(table) == hash(Table(("a",), np.array([0.0, 1.0])))
    assert table != Table(("a",), np.array([0.0, 1.0 + 1e-12]))
    assert table != Table(("b",), np.array([0.0, 1.0]))
    assert table != "a"


def test_values_cannot_be_changed():
    values = np.array([0.0, 1.0])
    table = Table(("a",), values)
    values[0] = 9.0
    assert table.values[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        table.values[0] = 9.0


def test_bins_are_copied():
    bins = {"a": Bins((), has_missing=False)}
    model = AdditiveTables(0.0, bins, ())
    bins["b"] = Bins((), has_missing=False)
    assert list(model.bins) == ["a"]


def test_missing_without_a_cell_names_factor_and_row():
    model = AdditiveTables(0.0, {"mfa": Bins((0.5,), True), "staff": Bins((50.0,), False)}, ())
    with pytest.raises(PlanError, match="staff is missing in row 1"):
        model.encode([[np.nan, 3.0], [1.0, np.nan]])
    with pytest.raises(PlanError, match="staff is missing"):
        model.encode_one([1.0, np.nan])
    with pytest.raises(PlanError, match="mfa is infinite in row 1"):
        model.encode([[np.nan, 3.0], [np.inf, 3.0]])
    with pytest.raises(PlanError, match="mfa is infinite"):
        model.encode_one([-np.inf, 3.0])


def test_width_and_codes_are_checked():
    model = AdditiveTables(0.0, {"a": Bins((0.5,), False)}, (Table(("a",), np.array([0.0, 1.0])),))
    with pytest.raises(PlanError, match="expected 1 columns"):
        model.encode([[1.0, 2.0]])
    with pytest.raises(PlanError, match="expected 1 columns"):
        model.encode_one([1.0, 2.0])
    with pytest.raises(PlanError, match="expected 1 columns"):
        model.total(np.array([1]))
    with pytest.raises(PlanError, match="start at 0, got -1"):
        model.total(np.array([[-1]]))
    with pytest.raises(IndexError):
        model.total(np.array([[2]]))
    assert model.total(model.encode(np.empty((0, 1)))).shape == (0,)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ((1.0, 1.0), "strictly increasing"),
        ((2.0, 1.0), "strictly increasing"),
        ((np.nan,), "finite"),
        ((np.inf,), "finite"),
    ],
)
def test_bad_breakpoints(points, message):
    with pytest.raises(PlanError, match=message):
        Bins(points, has_missing=False)


def test_a_table_may_hold_six_thousand_cells_and_no_more():
    assert Table(("a", "b"), np.zeros((60, 100))).values.size == MAX_TABLE_CELLS
    with pytest.raises(PlanError, match=r"a x b would have 6,100 cells \(61 x 100\)"):
        Table(("a", "b"), np.zeros((61, 100)))


@pytest.mark.parametrize(
    ("factors", "values", "message"),
    [
        ((), np.zeros(()), "one to three"),
        (("a", "b", "c", "d"), np.zeros((1, 1, 1, 1)), "one to three"),
        (("a", "a"), np.zeros((2, 2)), "different"),
        (("a",), np.zeros((2, 2)), "1 dimensions"),
        (("a",), np.zeros(0), "dimensions"),
        (("a",), np.array([0.0, np.nan]), "not finite"),
    ],
)
def test_bad_tables(factors, values, message):
    with pytest.raises(PlanError, match=message):
        Table(factors, values)


@pytest.mark.parametrize(
    ("intercept", "tables", "message"),
    [
        (np.nan, (), "intercept"),
        (0.0, (Table(("c",), np.zeros(2)),), "'c', which has no bins"),
        (0.0, (Table(("a",), np.zeros(3)),), r"shape \(3,\)"),
        (0.0, (Table(("a", "b"), np.zeros((2, 1))), Table(("b", "a"), np.zeros((1, 2)))), "two tables"),
    ],
)
def test_tables_must_fit_their_bins(intercept, tables, message):
    with pytest.raises(PlanError, match=message):
        AdditiveTables(intercept, {"a": Bins((0.5,), False), "b": Bins((), False)}, tables)


def valid_dict():
    bins = {"a": {"breakpoints": [0.5], "has_missing": False}}
    return {"intercept": 0.0, "bins": bins, "tables": [{"factors": ["a"], "values": [0.0, 1.0]}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("intercept",), "many"),
        (("intercept",), None),
        (("bins",), []),
        (("bins", "a", "breakpoints"), "x"),
        (("bins", "a", "breakpoints"), 3),
        (("bins", "a", "has_missing"), "false"),
        (("tables",), None),
        (("tables", 0, "values"), [[0.0], [1.0, 2.0]]),
        (("tables", 0, "values"), [0.0, None]),
    ],
)
def test_malformed_dicts(path, value):
    data = valid_dict()
    assert AdditiveTables.from_dict(data).n_cells == 2
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    with pytest.raises(PlanError):
        AdditiveTables.from_dict(data)


@pytest.mark.parametrize("key", ["intercept", "bins", "tables"])
def test_a_missing_key_is_named(key):
    data = valid_dict()
    del data[key]
    with pytest.raises(PlanError, match=key):
        AdditiveTables.from_dict(data)


def test_order_of_names_in_a_table_is_free():
    bins = {"a": Bins((0.5,), False), "b": Bins((1.0, 2.0), False)}
    values = np.arange(6.0).reshape(3, 2)
    model = AdditiveTables(0.0, bins, (Table(("b", "a"), values),))
    for a, b in product(range(2), range(3)):
        assert model.total(np.array([[a, b]]))[0] == model.total_one([a, b]) == values[b, a]
