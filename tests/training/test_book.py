"""The claims contract: what a carrier may hand over, and what is said of each mistake in it."""

import re
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import TrainingError
from cyberscore.market import simulate
from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.profile import sectors, signals
from cyberscore.training.books.book import Book
from cyberscore.training.books.columns import day_of
from cyberscore.training.books.development import ReportingDelays, default_delays

AS_OF = date(2026, 6, 30)
SIGNALS = list(signals())


def policies(**columns):
    """Four terms of three policies, well made; P2 has two."""
    frame = {
        "policy_id": ["P1", "P2", "P2", "P3"],
        "start": ["2025-01-01", "2025-03-01", "2026-03-01", "2025-07-01"],
        "end": ["2026-01-01", "2026-03-01", "2027-03-01", "2026-07-01"],
        "annual_revenue": [1e6, 2e6, 2e6, 3e6],
        "sector": ["retail", "healthcare", "healthcare", "technology"],
        "country": ["US", "GB", "GB", "DE"],
        "retention": [5e3, 1e4, 1e4, 2.5e4],
        "limit": [1e6, 1e6, 1e6, 5e5],
        "mfa_email_coverage": [0.9, 0.5, None, 1.0],
    }
    return pd.DataFrame({name: value for name, value in (frame | columns).items() if value is not None})


def claims(**columns):
    """Three claims, well made."""
    frame = {
        "claim_id": ["C1", "C2", "C3"],
        "policy_id": ["P1", "P2", "P3"],
        "peril": ["ransomware", "data_breach", "email_compromise"],
        "occurred_at": ["2025-05-01", "2026-03-01", "2026-05-20"],
        "reported_at": ["2025-05-03", "2026-04-01", "2026-06-01"],
        "incurred": [50e3, 8e3, 100e3],
        "paid": [50e3, 2e3, 0.0],
        "status": ["closed", "open", "open"],
    }
    return pd.DataFrame({name: value for name, value in (frame | columns).items() if value is not None})


# --- what is read


def test_a_book_as_of_a_date():
    book = Book(policies(), claims(), as_of=AS_OF)
    encoded, found = book.encoded_policies, book.encoded_claims
    assert len(book) == 4
    assert encoded.exposure.tolist() == pytest.approx(np.array([365, 365, 122, 365]) / 365.25)
    assert encoded.year.tolist() == [2025, 2025, 2026, 2025]
    assert encoded.insured.tolist() == [0, 1, 1, 2]
    assert encoded.codes[:, len(SIGNALS) + 1].tolist() == [
        COUNTRY_GROUPS.index(one) for one in ("US", "GB", "GB", "EU")
    ]
    assert list(encoded.index_of) == ["P1", "P2", "P2", "P3"]
    assert found.policy.tolist() == [0, 2, 3]  # occurred on the first day of the second term of P2
    assert found.peril.tolist() == [0, 3, 2]
    assert found.excess.tolist() == [45e3, 2e3, 15e3]  # open ones at paid, and never below what the retention hides
    assert found.censored.tolist() == [False, True, True]
    assert found.truncation.tolist() == [0.0, 0.0, 15e3]
    assert book.as_of == AS_OF
    assert (encoded.reported > 0).all()
    assert (encoded.reported < 1).all()
    assert encoded.reported[0].min() > encoded.reported[2].max()
    assert book.reporting_delays.claims == (1, 0, 1, 1, 0)
    assert repr(book) == (
        "<Book: 4 terms of 3 policies from 2025-01-01 to 2027-03-01, 3.3 years; 3 claims above 10,000, "
        "as of 2026-06-30; 1 notes>"
    )
    assert book.notes == ("policies: terms in progress, cut at as_of 2026-06-30: 1",)


def test_without_as_of_everything_is_at_ultimate():
    book = Book(policies(), claims(status=None, paid=None))
    assert (book.encoded_policies.reported == 1.0).all()
    assert book.encoded_policies.exposure.tolist() == pytest.approx([365 / 365.25] * 4)
    assert not book.encoded_claims.censored.any()
    assert book.reporting_delays is None
    assert book.notes == ()


def test_an_open_claim_without_payments_known_is_censored_at_incurred():
    found = Book(policies(), claims(paid=None), as_of=AS_OF).encoded_claims
    assert found.excess.tolist() == [45e3, 8e3, 115e3]
    assert found.censored.tolist() == [False, True, True]


def test_dates_may_be_text_dates_or_datetimes():
    plain = Book(policies(), claims()).encoded_policies
    for convert in (date.fromisoformat, datetime.fromisoformat, pd.Timestamp, lambda day: f"{day}T13:00:00Z"):
        changed = policies(
            start=[convert(day) for day in policies()["start"]], end=[convert(day) for day in policies()["end"]]
        )
        found = Book(changed, claims()).encoded_policies
        assert found.exposure.tolist() == plain.exposure.tolist()
        assert found.terms.start.tolist() == plain.terms.start.tolist()


def test_age_at_the_start_is_taken_from_the_date_of_observation():
    sources = {"mfa_email_coverage__source": ["attestation"] * 4}
    aged = policies(**sources, mfa_email_coverage__age_days=[0, 100, 7, 30])
    dated = policies(**sources, mfa_email_coverage__observed_at=["2025-01-01", "2024-11-21", None, "2025-06-01"])
    one, other = (Book(frame, claims()).encoded_policies for frame in (aged, dated))
    np.testing.assert_array_equal(one.weights, other.weights)
    assert one.weights[1, SIGNALS.index("mfa_email_coverage")] < 0.5


def test_words_that_mean_something():
    frame = policies(
        mfa_remote_coverage=["0.9", "not_applicable", None, "not_applicable"],
        mfa_remote_coverage__source=["audit", "audit", None, "attestation"],
        training_age_days=["never", "10", None, "400"],
    )
    encoded = Book(frame, claims()).encoded_policies
    remote, training = SIGNALS.index("mfa_remote_coverage"), SIGNALS.index("training_age_days")
    about = signals()["training_age_days"]
    assert encoded.codes[[1, 3], remote].tolist() == [0, 0]
    assert encoded.weights[:, remote].tolist() == pytest.approx([0.9, 0.9, 1.0, 0.0])
    assert encoded.codes[:, training].tolist() == [about.n_codes - 1, about.code(10), about.unknown, about.code(400)]


def test_naics_and_countries():
    frame = policies(sector=None, naics=["621210", "541990", "541990", "62"], country=["US", "DE", "EU", "JP"])
    encoded = Book(frame, claims()).encoded_policies
    names = [sectors()[code] for code in encoded.codes[:, len(SIGNALS)]]
    assert names == ["healthcare", "professional_services", "professional_services", "healthcare"]
    assert encoded.codes[:, len(SIGNALS) + 1].tolist() == [COUNTRY_GROUPS.index(c) for c in ("US", "EU", "EU", "other")]
    as_numbers = policies(sector=None, naics=[621210, 541990, 541990, 62], country=["US", "DE", "EU", "JP"])
    np.testing.assert_array_equal(Book(as_numbers, claims()).encoded_policies.codes, encoded.codes)


def test_values_without_an_age_count_as_fresh_and_that_is_told():
    columns = {"mfa_email_coverage__source": ["audit"] * 4, "mfa_email_coverage__age_days": [None, 100, 3, 30]}
    book = Book(policies(**columns), claims())
    assert book.notes[0] == "policies: mfa_email_coverage__age_days is empty beside 1 values: they count as fresh"
    assert book.encoded_policies.weights[0, SIGNALS.index("mfa_email_coverage")] == pytest.approx(0.9)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "object", "int64[pyarrow]", "decimal"])
def test_numbers_of_any_dtype(dtype):
    plain = Book(policies(), claims())
    values = policies()["limit"]
    values = values.map(lambda value: Decimal(int(value))) if dtype == "decimal" else values.astype(dtype)
    assert Book(policies(limit=values), claims()).encoded_policies.limit.tolist() == [1e6, 1e6, 1e6, 5e5]
    assert plain.encoded_policies.limit.tolist() == [1e6, 1e6, 1e6, 5e5]


@pytest.mark.parametrize(
    "dtype",
    [
        "date32[pyarrow]",
        "timestamp[us][pyarrow]",
        "timestamp[us, tz=UTC][pyarrow]",
        "datetime64[ns]",
        "datetime64[ns, UTC]",
    ],
)
def test_dates_of_any_dtype(dtype):
    plain = Book(policies(), claims()).encoded_policies.terms
    start = pd.to_datetime(policies()["start"])
    start = (start.dt.tz_localize("UTC") if "UTC" in dtype else start).astype(dtype)
    assert Book(policies(start=start), claims()).encoded_policies.terms.start.tolist() == plain.start.tolist()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "UTC"])
@pytest.mark.parametrize("hour", [0, 21])
@pytest.mark.parametrize("form", ["pandas", "pyarrow", "text", "space", "objects"])
def test_a_date_with_a_zone_is_the_day_there(form, zone, hour):
    plain = Book(policies(), claims()).encoded_policies.terms
    start = (pd.to_datetime(policies()["start"]) + pd.Timedelta(hours=hour)).dt.tz_localize(zone)
    written = {
        "pandas": start,
        "pyarrow": start.astype(f"timestamp[us, tz={zone}][pyarrow]"),
        "text": [moment.isoformat() for moment in start],
        "space": [f"{moment:%Y-%m-%d %H:%M:%S.%f%z}" for moment in start],
        "objects": pd.Series([moment.to_pydatetime() for moment in start], dtype=object),
    }
    found = Book(policies(start=written[form]), claims()).encoded_policies.terms
    assert found.start.tolist() == plain.start.tolist()


def test_what_is_not_used_is_told():
    frame = policies(
        sector=["retail"] * 4,
        naics=["621210"] * 4,
        broker=["x"] * 4,
        year=[2025, 2025, 2025, 2025],
        exposed_rdp=[0, 0, 1, 2],
        exposed_rdp__age_days=[1, 1, 1, 1],
    )
    theirs = claims(incurred=[50e3, 8e3, 100e3], adjuster=["A"] * 3, policy_id=["P1", "P1", "P3"], paid=[4e4, 2e3, 0.0])
    theirs["occurred_at"] = ["2025-05-01", "2025-06-01", "2026-05-20"]
    theirs.loc[1, "incurred"] = 3e3
    notes = Book(frame, theirs).notes
    assert notes == (
        "policies: columns not used: broker",
        "policies: exposed_rdp__age_days not used: without exposed_rdp__source a value counts as certain",
        "policies: naics not used: sector is given",
        "policies: year differs from the year of start in 1 rows; that of start counts",
        "claims: columns not used: adjuster",
        "claims: 1 closed claims have more incurred than paid; incurred counts",
        "claims: 1 losses (incurred 3,000) are not above the basis of 10,000 and left out",
        "claims: 2 are open though no as_of is given: exposure counts as fully reported",
    )
    parent = Book(policies(sector=None, naics=["621217", "621210", "621210", "621210"]), claims()).notes
    assert parent == (
        "policies: naics of 1 rows is in neither edition and rated by its parent (621217)",
        "claims: 2 are open though no as_of is given: exposure counts as fully reported",
    )


def test_own_delays_and_defaults():
    own = ReportingDelays((1.0,) * 5, (0.5,) * 5)
    assert Book(policies(), claims(), as_of=AS_OF, delays=own).reporting_delays is own
    assert Book(policies(), claims(), as_of=AS_OF, delays=own).encoded_policies.reported.min() > 0.9
    silent = Book(policies(), claims(reported_at=None), as_of="2026-06-30")
    assert silent.reporting_delays.claims == (0,) * 5
    assert silent.notes[-1].startswith("claims: 3 have no reported_at")


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_the_same_book_from_any_library(library):
    market = simulate(3_000, 7, as_of=AS_OF)
    convert = pl.from_pandas if library == "polars" else pa.Table.from_pandas
    one = Book(market.policies, market.claims, as_of=AS_OF)
    other = Book(convert(market.policies), convert(market.claims), as_of=AS_OF)
    for name in ("codes", "weights", "revenue", "exposure", "retention", "limit", "year", "insured", "reported"):
        np.testing.assert_array_equal(getattr(one.encoded_policies, name), getattr(other.encoded_policies, name), name)
    for name in ("policy", "peril", "excess", "censored", "truncation"):
        np.testing.assert_array_equal(getattr(one.encoded_claims, name), getattr(other.encoded_claims, name), name)
    assert len(one.encoded_claims.peril) > 10
    assert repr(one) == repr(other)
    assert one.notes == other.notes


def test_text_dates_and_gaps_from_any_library():
    one = Book(policies(), claims(), as_of=AS_OF).encoded_policies
    for convert in (pl.from_pandas, pa.Table.from_pandas):
        other = Book(convert(policies()), convert(claims()), as_of=AS_OF).encoded_policies
        np.testing.assert_array_equal(one.codes, other.codes)
        np.testing.assert_array_equal(one.reported, other.reported)


def test_tables_handed_over_stay_as_they_are():
    frame, theirs = policies(), claims()
    before = frame.copy(deep=True), theirs.copy(deep=True)
    Book(frame, theirs, as_of=AS_OF)
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_frame_equal(theirs, before[1])


def test_csv(tmp_path):
    """Ids keep their zeros, and Namibia is a country."""
    frame = policies(policy_id=["007", "008", "008", "009"], country=["NA", "GB", "GB", "DE"], sector=None)
    frame["naics"] = ["621210"] * 4
    theirs = claims(policy_id=["007", "008", "009"])
    paths = tmp_path / "policies.csv", tmp_path / "claims.csv"
    for table, path in zip((frame, theirs), paths, strict=True):
        table.to_csv(path, index=False)
    read = Book.from_csv(*paths, as_of=AS_OF)
    plain = Book(frame, theirs, as_of=AS_OF)
    np.testing.assert_array_equal(read.encoded_policies.codes, plain.encoded_policies.codes)
    np.testing.assert_array_equal(read.encoded_claims.excess, plain.encoded_claims.excess)
    assert list(read.encoded_policies.index_of) == ["007", "008", "008", "009"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "policies: cannot read .*No such file"),
        (b"", "policies: .* has no columns: a header line is wanted"),
        (b"policy_id\nP1\nP2\n", "policies: .* has no columns: a header line is wanted"),
        (b"policy_id,start,start\nP1,1,2\n", "policies: the column start appears twice"),
        (b"policy_id,start\nP1,2\nP2,3,4,5\n", "policies: cannot read .*"),
        ("policy_id,größe\n".encode("utf-16"), "missing: annual_revenue"),
    ],
)
def test_bad_csv(tmp_path, content, said):
    path, theirs = tmp_path / "policies.csv", tmp_path / "claims.csv"
    if content is not None:
        path.write_bytes(content)
    claims().to_csv(theirs, index=False)
    with pytest.raises(TrainingError, match=said):
        Book.from_csv(path, theirs)


def test_huge_csv_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cyberscore.training.books.csv_layout.MAX_BYTES", 100)
    policies().to_csv(tmp_path / "policies.csv")
    with pytest.raises(TrainingError, match="bytes, more than 100: split it"):
        Book.from_csv(tmp_path / "policies.csv", tmp_path / "claims.csv")


# --- units, and faults that follow from others


@settings(max_examples=40, deadline=None)
@given(unit=st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6]), typical=st.floats(2e5, 2e8))
def test_a_slip_of_a_unit_in_revenue_is_noted(unit, typical):
    """A median limit of 5 % to twice the revenue is sold; a thousand times more, or a revenue beyond all, is a slip."""
    limit = float(np.clip(typical / 4, 2.5e5, 5e6))
    revenue = np.array([0.5, 1.0, 1.0, 3.0]) * typical * unit
    notes = Book(policies(annual_revenue=revenue, limit=[limit] * 4), claims(incurred=[1e5, 8e3, 1e5])).notes
    told = [note for note in notes if "median annual_revenue" in note]
    if unit == 1.0:
        assert not told
    elif unit < 1.0:
        assert len(told) == 1
        assert "thousands or millions" in told[0]
    else:
        assert bool(told) == (np.median(revenue) > 1e9)


@pytest.mark.parametrize(
    ("column", "value"), [("start", "01/03/2025"), ("start", None), ("end", "soon"), ("end", "2020-01-01")]
)
@pytest.mark.parametrize("given", [{}, {"as_of": AS_OF}])
def test_a_date_that_cannot_be_read_is_one_fault(column, value, given):
    """The claims of that policy may lie inside: they are not blamed for it; those of others still are."""
    frame = policies()
    frame.loc[0, column] = value
    with pytest.raises(TrainingError, match=f"^policies: {column} must be .*wrong in row 0") as told:
        Book(frame, claims(), **given)
    assert "occurred_at" not in str(told.value)
    astray = claims(occurred_at=["2025-05-01", "2024-01-01", "2026-05-20"])
    with pytest.raises(TrainingError, match=r"2 problems.*\n.*\n- claims: occurred_at .* wrong in row 1 \(") as both:
        Book(frame, astray, **given)
    assert "policy_id 'P2' has the terms" in str(both.value)


def test_ids_are_shown_as_they_are_written():
    frame = policies(policy_id=[1, 2, 2, 3])
    with pytest.raises(TrainingError, match="policy_id 3 has the terms"):
        Book(frame, claims(policy_id=[1, 2, 3], occurred_at=["2025-05-01", "2026-03-01", "2030-05-20"]))
    with pytest.raises(TrainingError, match=r"policies lack \(got 9\)"):
        Book(frame, claims(policy_id=[1, 2, 9]))


# --- splitting a term


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(0, 500),
    length=st.integers(2, 900),
    split=st.floats(0.0, 1.0),
    occurred=st.floats(0.0, 0.999),
    known=st.integers(0, 1_500),
)
def test_splitting_a_term_changes_nothing(first, length, split, occurred, known):
    """Exposure and reported exposure add up, and a claim falls in the part that covers its day."""
    begin = day_of(date(2024, 1, 1)) + first
    cut = begin + 1 + int(split * (length - 2))
    end = begin + length
    as_of = date.fromordinal(date(1970, 1, 1).toordinal() + max(cut, begin + known))
    day = min(begin + int(occurred * length), day_of(as_of))

    def made(spans):
        rows = len(spans)
        frame = pd.DataFrame(
            {
                "policy_id": ["P1"] * rows,
                "start": [np.datetime64(a, "D") for a, _ in spans],
                "end": [np.datetime64(b, "D") for _, b in spans],
                "annual_revenue": 1e6,
                "sector": "retail",
                "country": "US",
                "retention": 1e4,
                "limit": 1e6,
            }
        )
        theirs = pd.DataFrame(
            {
                "policy_id": ["P1"],
                "peril": ["ransomware"],
                "incurred": [5e4],
                "occurred_at": [np.datetime64(day, "D")],
                "reported_at": [np.datetime64(day, "D")],
            }
        )
        return Book(frame, theirs, as_of=as_of, delays=default_delays())

    whole, parts = made([(begin, end)]), made([(begin, cut), (cut, end)])
    one, two = whole.encoded_policies, parts.encoded_policies
    assert two.exposure.sum() == pytest.approx(one.exposure.sum(), rel=1e-12)
    np.testing.assert_allclose(two.exposure @ two.reported, one.exposure @ one.reported, rtol=1e-9)
    assert parts.encoded_claims.policy.tolist() == [int(day >= cut)]


# --- mistakes


def said_of(frame, theirs, **options):
    with pytest.raises(TrainingError) as caught:
        Book(frame, theirs, **options)
    return str(caught.value)


MISTAKES = {
    "duplicate term": (
        {
            "start": ["2025-01-01", "2025-03-01", "2025-03-01", "2025-07-01"],
            "end": ["2026-01-01", "2026-03-01", "2026-03-01", "2026-07-01"],
        },
        {},
        (
            "policies: one policy has the same term twice: row 1 (2025-03-01 to 2026-03-01) and row 2 (2025-03-01 to "
            "2026-03-01), policy_id 'P2': leave one out"
        ),
    ),
    "end before start": (
        {"end": ["2025-01-01", "2026-03-01", "2027-03-01", "2024-07-01"]},
        {},
        (
            "policies: end must be after start: the first day that is not covered; wrong in rows 0, 3 (policy_id 'P1', "
            "got '2025-01-01')"
        ),
    ),
    "start without end": ({"end": None}, {}, "policies: start is given without end: give both, or neither"),
    "missing date": (
        {"start": ["2025-01-01", None, "2026-03-01", "2025-07-01"]},
        {},
        (
            "policies: start must be a date such as 2026-01-31 (ISO 8601) in every row; wrong in row 1 "
            "(policy_id 'P2', "
            "got nothing)"
        ),
    ),
    "American date": (
        {"start": ["01/31/2025", "2025-03-01", "2026-03-01", "2025-07-01"]},
        {},
        (
            "policies: start must be a date such as 2026-01-31 (ISO 8601); wrong in row 0 (policy_id 'P1', got "
            "'01/31/2025')"
        ),
    ),
    "year as a date": (
        {"start": [2025, 2025, 2026, 2025]},
        {},
        "policies: start must be a date such as 2026-01-31 (ISO 8601); wrong in rows 0, 1, 2, 3",
    ),
    "mistyped century": (
        {"end": ["2206-01-01", "2026-03-01", "2027-03-01", "2026-07-01"]},
        {},
        "policies: end must be between 1990-01-01 and 2100-01-01; wrong in row 0 (policy_id 'P1', got '2206-01-01')",
    ),
    "exposure against dates": (
        {"exposure": [1.0, 1.0, 0.5, 1.0]},
        {},
        (
            "policies: exposure must be the years from start to end, or left out; wrong in row 2 (policy_id 'P2', got "
            "0.5): those dates span 0.999 years"
        ),
    ),
    "claim outside": (
        {},
        {"occurred_at": ["2026-01-01", "2026-03-01", "2026-05-20"], "reported_at": None},
        (
            "claims: occurred_at must be inside a term of its policy; wrong in row 0 (claim_id 'C1', got "
            "'2026-01-01'): "
            "policy_id 'P1' has the terms 2025-01-01 to 2026-01-01: end is the first day that is not covered"
        ),
    ),
    "unknown policy": (
        {},
        {"policy_id": ["P1", "P9", "P3"]},
        "claims of unknown policies: row 1 name a policy_id that policies lack (got 'P9')",
    ),
    "ids of another kind": (
        {"policy_id": [1, 2, 2, 3]},
        {"policy_id": ["1", "2", "3"]},
        (
            "rows 0, 1, 2 name a policy_id that policies lack (got '1'): ids are text in one table and numbers "
            "in the other"
        ),
    ),
    "negative incurred": (
        {},
        {"incurred": [50e3, -8e3, 100e3], "paid": None},
        (
            "claims: incurred must be positive, net of the retention; wrong in row 1 (claim_id 'C2', got "
            "-8000.0): leave "
            "out claims that cost nothing, and add recoveries (subrogation, salvage) back"
        ),
    ),
    "net of recoveries": (
        {},
        {"paid": [60e3, 2e3, 0.0]},
        (
            "claims: paid must be at most incurred; wrong in row 0 (claim_id 'C1', got 60000.0): incurred must "
            "be paid plus "
            "reserve, gross of recoveries: add subrogation and salvage back"
        ),
    ),
    "negative paid": ({}, {"paid": [50e3, -1.0, 0.0]}, "claims: paid must be at least 0; wrong in row 1"),
    "ground-up": (
        {},
        {"incurred": [50e3, 8e3, 510e3]},
        (
            "claims: incurred must not exceed the policy's limit; wrong in row 2 (claim_id 'C3', got 510,000, limit "
            "500,000): give what the policy pays, net of the retention and up to the limit, not the loss from "
            "the ground up"
        ),
    ),
    "mixed currencies": (
        {"currency": ["USD", "EUR", "EUR", "USD"]},
        {},
        "currencies are mixed: policies in EUR, USD: convert every amount to USD",
    ),
    "currencies between tables": (
        {"currency": ["USD"] * 4},
        {"currency": ["EUR"] * 3},
        "currencies are mixed: policies in USD; claims in EUR",
    ),
    "another currency": (
        {"currency": ["GBP"] * 4},
        {},
        "policies: currency must be USD; got GBP: convert every amount to USD at the rate of a stated date",
    ),
    "no currency": ({"currency": ["USD", None, "USD", "USD"]}, {}, "policies: currency must be given in every row"),
    "claim twice": (
        {},
        {"claim_id": ["C1", "C2", "C1"]},
        (
            "claims: claim_id must be unique: one row a claim, at its latest valuation; wrong in row 2 "
            "(claim_id 'C1', got "
            "'C1'): add up its payments in one row"
        ),
    ),
    "hindsight": (
        {"mfa_email_coverage__observed_at": ["2025-02-01", "2025-03-01", "2026-03-02", "2025-07-01"]},
        {},
        (
            "policies: mfa_email_coverage__observed_at must be no later than start; wrong in row 0 (policy_id "
            "'P1', got "
            "'2025-02-01'): what was learned after inception, perhaps from a claim, must not rate the term"
        ),
    ),
    "hindsight after a claim": (
        {"mfa_email_coverage__observed_at": ["2025-05-02", "2025-03-01", None, "2025-07-01"]},
        {},
        "policies: mfa_email_coverage__observed_at must be from before the term's claims; wrong in row 0",
    ),
    "negative age": (
        {"mfa_email_coverage__age_days": [3, -1, 0, 0]},
        {},
        (
            "policies: mfa_email_coverage__age_days must be at least 0; wrong in row 1 (policy_id 'P2', got "
            "-1): learned "
            "after the start of the term"
        ),
    ),
    "age and date": (
        {"mfa_email_coverage__age_days": [3, 1, 0, 0], "mfa_email_coverage__observed_at": ["2025-01-01"] * 4},
        {},
        "policies: both mfa_email_coverage__age_days and mfa_email_coverage__observed_at are given: drop one",
    ),
    "unknown peril": (
        {},
        {"peril": ["ransomeware", "data_breach", "data_breach"]},
        (
            "claims: peril must be one of ransomware, funds_transfer_fraud, email_compromise, data_breach, "
            "system_outage; "
            "wrong in row 0 (claim_id 'C1', got 'ransomeware'): did you mean 'ransomware'?"
        ),
    ),
    "unknown sector": (
        {"sector": ["retail", "health care", "healthcare", "technology"]},
        {},
        "wrong in row 1 (policy_id 'P2', got 'health care'): did you mean 'healthcare'?",
    ),
    "unknown NAICS": (
        {"sector": None, "naics": ["621210", "999999", "541990", "62"]},
        {},
        (
            "policies: naics must be a NAICS code of 2017 or 2022; wrong in row 1 (policy_id 'P2', got "
            "'999999'): unknown "
            "NAICS code '999999'"
        ),
    ),
    "bad country": (
        {"country": ["US", "UK", "GB", "DE"]},
        {},
        (
            "policies: country must be one of US, CA, GB, EU, other, or a country code of ISO 3166 such as DE; "
            "wrong in "
            "row 1 (policy_id 'P2', got 'UK'): did you mean 'GB'?"
        ),
    ),
    "percent": (
        {"mfa_email_coverage": [94.0, 50.0, None, 100.0]},
        {},
        (
            "policies: mfa_email_coverage must be between 0 and 1; wrong in rows 0, 1, 3 (policy_id 'P1', got 94.0): a "
            "share is wanted, not a percentage; did you mean 0.94?"
        ),
    ),
    "half a flag": (
        {"mdr_24x7": [0.5, 1, 0, 1]},
        {},
        "policies: mdr_24x7 must be a whole number (flag); wrong in row 0",
    ),
    "unknown level": (
        {"backup_isolation": ["offsite", "off site", None, "none"]},
        {},
        (
            "policies: backup_isolation must be offline_or_immutable, offsite, none; wrong in row 1 (policy_id "
            "'P2', got "
            "'off site'): did you mean 'offsite'?"
        ),
    ),
    "unknown source": (
        {"mfa_email_coverage__source": ["scan", "Telemetry", None, "audit"]},
        {},
        (
            "policies: mfa_email_coverage__source must be one of telemetry, scan, audit, document, attestation; "
            "wrong in "
            "row 1 (policy_id 'P2', got 'Telemetry'): did you mean 'telemetry'?"
        ),
    ),
    "misspelt signal": (
        {"mfa_emial_coverage": [1, 1, 1, 1], "mfa_email_coverage": None},
        {},
        "policies: unknown column 'mfa_emial_coverage': did you mean 'mfa_email_coverage'? rename it, or drop it",
    ),
    "short name of a signal": (
        {"mfa_admin": [1, 1, 1, 1]},
        {},
        "policies: unknown column 'mfa_admin': did you mean 'mfa_admin_coverage'? rename it, or drop it",
    ),
    "orphan": (
        {"mfa_email__source": ["scan"] * 4},
        {},
        (
            "policies: mfa_email__source (did you mean 'mfa_email_coverage'?) without a column of the signal: "
            "mend the name"
        ),
    ),
    "orphan of a signal": (
        {"exposed_rdp__age_days": [1, 1, 1, 1]},
        {},
        "policies: exposed_rdp__age_days without a column of the signal: mend the name, or drop them",
    ),
    "misspelt ending": (
        {"mfa_email_coverage__sorce": ["scan"] * 4},
        {},
        "policies: mfa_email_coverage__sorce (did you mean 'mfa_email_coverage__source'?) without",
    ),
    "misspelt column": (
        {},
        {"reported_on": ["2025-05-03", "2026-04-01", "2026-06-01"], "reported_at": None},
        "claims: unknown column 'reported_on': did you mean 'reported_at'?",
    ),
    "reported before occurred": (
        {},
        {"reported_at": ["2025-05-03", "2026-02-01", "2026-06-01"]},
        "claims: reported_at must be no earlier than occurred_at; wrong in row 1 (claim_id 'C2', got '2026-02-01')",
    ),
    "no date of loss": (
        {},
        {"occurred_at": None},
        "claims need the columns policy_id, peril, incurred, occurred_at; missing: occurred_at",
    ),
    "status": ({}, {"status": ["closed", "open", "reopened"]}, "claims: status must be open or closed; wrong in row 2"),
    "text amount": (
        {"annual_revenue": ["1000000", "2M", "2e6", "3e6"]},
        {},
        "policies: annual_revenue must be numeric: wrong in row 1 (policy_id 'P2', got '2M')",
    ),
    "infinite": ({"limit": [1e6, np.inf, 1e6, 5e5]}, {}, "policies: limit must be finite; wrong in row 1"),
    "zero revenue": ({"annual_revenue": [0.0, 1e6, 1e6, 1e6]}, {}, "annual_revenue must be positive; wrong in row 0"),
    "no revenue yet": (
        {"annual_revenue": [1e6, 0.0, 1e6, 1e6]},
        {},
        "got 0.0): of a firm without revenue yet, give what it projected for its first 12 months",
    ),
    "retention above limit": (
        {"retention": [5e3, 2e6, 1e4, 2.5e4]},
        {},
        "policies: retention must be below limit; wrong in row 1 (policy_id 'P2', got 2000000.0)",
    ),
    "no policy": ({"policy_id": ["P1", None, "P2", "P3"]}, {}, "policies: policy_id must be given in every row; wrong"),
    "date as a number": (
        {"annual_revenue": pd.to_datetime(["2025-01-01"] * 4)},
        {},
        "policies: annual_revenue must be numeric: wrong in rows 0, 1, 2, 3",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    ours, theirs, said = MISTAKES[name]
    assert said in said_of(policies(**ours), claims(**theirs))


def test_overlapping_terms_name_both_rows():
    ends = ["2026-01-01", "2026-04-01", "2027-03-01", "2026-07-01"]
    assert said_of(policies(end=ends), claims()) == (
        "policies: one policy has terms that overlap: row 1 (2025-03-01 to 2026-04-01) and row 2 (2026-03-01 to "
        "2027-03-01), policy_id 'P2': end one where the next begins (end is exclusive) (rows are counted from 0)"
    )


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2026-04-15", "claims: occurred_at must be no later than as_of 2026-04-15; wrong in row 2 (claim_id 'C3'"),
        ("2026-05-25", "claims: reported_at must be no later than as_of 2026-05-25; wrong in row 2 (claim_id 'C3'"),
        ("2026-01-31", "policies: start must be no later than as_of 2026-01-31; wrong in row 2 (policy_id 'P2'"),
        ("yesterday", "as_of must be a date such as 2026-01-31; got 'yesterday'"),
        (2026, "as_of must be a date such as 2026-01-31; got 2026"),
    ],
)
def test_what_lies_after_as_of(as_of, said):
    assert said in said_of(policies(), claims(), as_of=as_of)


def test_as_of_needs_dates():
    undated = policies(start=None, end=None, exposure=[1.0] * 4, policy_id=["P1", "P2", "P4", "P3"])
    assert "as_of needs dated policies" in said_of(undated, claims(), as_of=AS_OF)
    assert Book(undated, claims()).notes[0] == "claims: dates not used: policies have no start and end"
    again = undated.assign(policy_id=["P1", "P2", "P2", "P3"])
    assert said_of(again, claims()).startswith(
        "policies: policy_id must be unique; row 2 repeat one (row 2 that of row 1, policy_id 'P2'): several terms"
    )
    observed = undated.assign(mfa_email_coverage__observed_at="2025-01-01")
    assert "policies: mfa_email_coverage__observed_at needs start and end" in said_of(observed, claims())


def test_all_problems_at_once():
    said = said_of(
        policies(limit=[0.0, 1e6, 1e6, 5e5], country=["US", "UK", "GB", "DE"], sector=["shop"] * 4),
        claims(peril=["fire"] * 3, incurred=[np.nan, 1.0, 1.0], paid=None),
    ).splitlines()
    assert said[0] == "the book has 5 problems (rows are counted from 0):"
    assert [re.match(r"- \w+: \w+", line).group() for line in said[1:6]] == [
        "- policies: limit",
        "- policies: sector",
        "- policies: country",
        "- claims: incurred",
        "- claims: peril",
    ]


def test_one_mistake_is_told_once():
    """A claim outside its policy is no hindsight, and a date that cannot be read is named a single time."""
    said = said_of(
        policies(mfa_email_coverage__observed_at=["2025-01-01", "soon", None, "2025-07-01"]),
        claims(occurred_at=["2024-05-01", "2026-03-01", "2026-05-20"]),
    ).splitlines()
    assert len(said) == 3
    assert "observed_at must be a date" in said[1]
    assert "occurred_at must be inside a term" in said[2]


def test_no_more_than_twenty_lines():
    bad = {name: ["?"] * 4 for name in SIGNALS if signals()[name].kind != "category"}
    said = said_of(policies(**bad), claims()).splitlines()
    lines = [line for line in said if line.startswith("- ")]
    assert len(lines) == 21
    assert lines[-1].startswith("- and ")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ([1, 2], "policies must be a DataFrame of pandas or polars or an Arrow table; got list"),
        (pl.DataFrame({"a": [1]}).lazy(), "got LazyFrame: collect() it first"),
        (policies().head(0), "policies are empty"),
        (pd.DataFrame([[1, 2]], columns=["start", "start"]), "start"),
    ],
)
def test_what_is_no_book(frame, said):
    assert said in said_of(frame, claims())


def test_a_book_without_claims():
    book = Book(policies(), claims().head(0), as_of=AS_OF)
    assert len(book.encoded_claims.peril) == 0
    assert book.reporting_delays.claims == (0,) * len(PERILS)
