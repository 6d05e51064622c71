"""Findings to signals: the catalogue, the formulas, and that nothing seen is never clean."""

import gzip
import json
import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore.exceptions import ReadingError
from cyberscore.profile import signals
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, loose_moment, moment
from cyberscore.readers.findings import UNSCORED, Asset, Inventory, past_end_of_life
from cyberscore.readers.patching import Patching, kaplan_meier_median
from cyberscore.readers.vulnerabilities import Catalogue, cves_in, probability

WHEN = moment("2026-09-01T00:00:00Z")
KNOWN = Catalogue(
    kev={"CVE-2021-44228": date(2021, 12, 10)},
    epss={"CVE-2021-44228": 0.9, "CVE-2022-0002": 0.01, "CVE-2022-0003": 0.03},
    kev_date=date(2026, 8, 22),
    epss_date=date(2026, 8, 22),
)
CVES = ["CVE-2021-44228", "CVE-2022-0002", "CVE-2022-0003", "CVE-2022-0004", "CVE-2022-0005"]


def read(assets, *, complete=True, listed=True, kind="hosts", vantage="auto", catalogue=KNOWN, total=None, when=WHEN):
    inventory = Inventory("x", Leftovers(), vantage, kind)
    for asset in assets:
        inventory.close(asset)
    return inventory.reading("x", None, when, complete=complete, listed=listed, catalogue=catalogue, assets_total=total)


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def asset(*cves, outside=True, number=1, **more):
    address = exposure.address_of(f"{'192.0.2' if outside else '10.0.0'}.{number}")
    settings = {"checked": True, "scanned": True, **more}
    return Asset(str(address), address, cves=dict.fromkeys(cves), **settings)


assets = st.lists(
    st.builds(
        lambda number, cves, outside, checked, authenticated, past: asset(
            *cves, number=number, outside=outside, checked=checked, authenticated=authenticated, end_of_life=past
        ),
        st.integers(1, 40),
        st.lists(st.sampled_from(CVES), unique=True),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["", "", "old"]),
    ),
    max_size=6,
    unique_by=lambda one: one.name,
)


@settings(max_examples=80, deadline=None)
@given(assets, st.booleans(), st.booleans())
def test_a_favourable_claim_needs_a_whole_look(found, complete, listed):
    reading = read(found, complete=complete, listed=listed)
    outside = [one for one in found if one.address in exposure._STAND_INS[0]]
    whole = complete and listed and all(one.checked for one in outside)
    catalogue = signals()
    for one in reading.observations:
        about = catalogue[one.signal]
        if one.signal in {"kev_open_external", "epss_any_30d"}:
            assert outside
            if about.code(one.value) <= about.unknown:
                assert whole
        if one.signal == "end_of_life_share" and one.value == 0:
            assert all(asset.authenticated and asset.checked for asset in found)


@settings(max_examples=80, deadline=None)
@given(assets)
def test_counts_and_probabilities_are_those_of_the_open_findings(found):
    got = values(read(found))
    outside = [one for one in found if one.address in exposure._STAND_INS[0]]
    pairs = sum("CVE-2021-44228" in one.cves for one in outside)
    open_ones = {cve for one in outside for cve in one.cves}
    if pairs:
        assert got["kev_open_external"] == pairs
    else:
        assert got.get("kev_open_external", 0) == 0
    scored = math.prod(1 - KNOWN.epss.get(cve, 0) for cve in open_ones)
    unscored = sum(cve not in KNOWN.epss for cve in open_ones)
    if "epss_any_30d" in got:
        assert got["epss_any_30d"] in {
            round(1 - scored, 6),
            round(1 - scored * (1 - UNSCORED) ** unscored, 6),
        }


@settings(max_examples=60, deadline=None)
@given(assets, st.sampled_from(CVES), st.integers(1, 40))
def test_one_more_finding_never_makes_a_claim_safer(found, cve, number):
    before = values(read(found))
    worse = [*(one for one in found if one.name != f"192.0.2.{number}"), asset(cve, number=number, checked=False)]
    after = values(read(worse))
    catalogue = signals()
    for signal in ("kev_open_external", "epss_any_30d"):
        about = catalogue[signal]
        place = {name: about.code(got[signal]) if signal in got else about.unknown for name, got in
                 {"before": before, "after": after}.items()}  # fmt: skip
        replaced = next((one for one in found if one.name == f"192.0.2.{number}"), None)
        if replaced is None:
            assert place["after"] >= place["before"]


def test_internal_hosts_and_images_never_rate():
    inside = read([asset("CVE-2021-44228", outside=False)])
    assert values(inside) == {}
    for vantage in ("auto", "external"):
        image = read([Asset("image", cves={"CVE-2021-44228": None}, checked=True)], kind="images", vantage=vantage)
        assert values(image) == {}
        assert "known to be exploited on images" in " ".join(one.why for one in image.not_mapped)
    assert values(read([asset("CVE-2021-44228", outside=False)], vantage="external"))["kev_open_external"] == 1
    assert "kev_open_external" not in values(read([asset("CVE-2021-44228")], vantage="internal"))
    with pytest.raises(ReadingError, match="vantage must be auto, external or internal"):
        Inventory("x", Leftovers(), "outside")


def test_an_old_catalogue_proves_no_absence():
    later = moment("2027-06-01T00:00:00Z")
    assert "kev_open_external" not in values(read([asset()], when=later))
    assert values(read([asset("CVE-2021-44228")], when=later))["kev_open_external"] == 1


@pytest.mark.parametrize(
    ("cves", "claimed"),
    [
        ([], 0.0),
        (["CVE-2022-0002"], 0.01),  # scored, and small
        (["CVE-2022-0002", "CVE-2022-0004"], round(1 - 0.99 * 0.94, 6)),  # small whatever the other is
        ([f"CVE-2022-1{n:03}" for n in range(10)], None),  # may be anything
        (["CVE-2021-44228", "CVE-2022-0004"], 0.9),  # large whatever the other is
    ],
)
def test_a_cve_without_a_score_may_have_any(cves, claimed):
    assert values(read([asset(*cves)])).get("epss_any_30d") == claimed


def test_share_past_its_end_of_life():
    old = asset(number=1, authenticated=True, end_of_life="Windows 7")
    new = [asset(number=n, authenticated=True) for n in range(2, 5)]
    assert values(read([old, *new]))["end_of_life_share"] == 0.25
    assert values(read(new))["end_of_life_share"] == 0.0
    assert "end_of_life_share" not in values(read([*new, asset(number=9)]))  # one was looked at from outside alone
    assert values(read([old, *new], total=10))["end_of_life_share"] == 0.1  # at least one of ten
    assert "end_of_life_share" not in values(read([old, *new], total=200))  # .25 of what was seen, .005 at least
    assert "end_of_life_share" not in values(read([old], listed=False))
    assert values(read([old], listed=False, total=4))["end_of_life_share"] == 0.25


@pytest.mark.parametrize(
    ("title", "past"),
    [
        ("Microsoft Windows Server 2008 Unsupported Version Detection", True),
        ("Operating System (OS) End of Life (EOL) Detection", True),
        ("EOL/Obsolete Software: Apache HTTP Server 2.2.x", True),
        ("Apache Tomcat SEoL (8.5.x)", True),
        ("Obsolete version of PHP", True),
        ("SSL/TLS: Deprecated protocol, unsupported ciphers", False),
        ("Unsupported encryption algorithm", False),
        ("Adobe Reader multiple vulnerabilities", False),
    ],
)
def test_titles_of_what_is_past_its_end_of_life(title, past):
    assert past_end_of_life(title) is past


# how fast patches come


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=40))
def test_the_median_never_falls_when_a_finding_stays_open(ages):
    ages = sorted(ages)
    got = kaplan_meier_median(ages)
    closed = sorted((days, False) for days, _ in ages)
    median = kaplan_meier_median(closed)
    assert median == closed[math.ceil(len(closed) / 2) - 1][0]  # without censoring, the lower median
    assert got is None or got >= median


def test_one_scan_of_open_findings_tells_no_speed():
    patching = Patching()
    for _ in range(50):
        patching.add("critical", date(2026, 1, 1), None, is_open=True)
    assert patching.claims(WHEN, Leftovers()) == []


def test_mostly_open_findings_claim_at_least_the_oldest():
    patching = Patching()
    for _ in range(5):
        patching.add("critical", date(2026, 8, 1), date(2026, 8, 3), is_open=False)
        patching.add("critical", date(2026, 7, 1), None, is_open=True)
        patching.add("critical", date(2026, 6, 1), None, is_open=True)
    claim = patching.claims(WHEN, Leftovers())[0]
    assert (claim.signal, claim.value) == ("critical_patch_median_days", (WHEN.date() - date(2026, 6, 1)).days)
    patching = Patching()
    patching.add("critical", date(2026, 8, 3), date(2026, 8, 1), is_open=False)  # fixed before it was seen
    assert patching.claims(WHEN, Leftovers()) == []


# the catalogue


def test_the_packaged_snapshot_is_dated_and_whole():
    known = Catalogue.load()
    assert len(known.kev) == len(known.epss) == 1556
    assert known.kev["CVE-2021-44228"] == date(2021, 12, 10)
    assert known.epss["CVE-2021-44228"] > 0.9
    assert max(known.kev.values()) <= known.kev_date == date(2026, 8, 22)
    assert all(0 <= score <= 1 for score in known.epss.values())


KEV_JSON = {"title": "CISA", "catalogVersion": "2026.11.01", "dateReleased": "2026-11-01T10:00:00.000Z", "count": 1,
            "vulnerabilities": [{"cveID": "CVE-2026-0001", "dateAdded": "2026-10-30"}]}  # fmt: skip
KEV_CSV = '"cveID","vendorProject","product","dateAdded"\n"CVE-2026-0001","x, inc","y","2026-10-30"\n'
EPSS = "#model_version:v2026.03.14,score_date:2026-11-02T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0002,0.25,0.9\n"


def test_fresher_files_take_the_place_of_the_snapshot(tmp_path):
    path = tmp_path / "kev.json"
    path.write_text(json.dumps(KEV_JSON))
    known = Catalogue.load(kev=path)
    assert (dict(known.kev), known.kev_date) == ({"CVE-2026-0001": date(2026, 10, 30)}, date(2026, 11, 1))
    assert known.epss == Catalogue.load().epss
    known = Catalogue.load(kev=KEV_CSV.encode(), epss=gzip.compress(EPSS.encode()))
    assert (dict(known.kev), known.kev_date) == ({"CVE-2026-0001": date(2026, 10, 30)}, date(2026, 10, 30))
    assert (dict(known.epss), known.epss_date) == ({"CVE-2026-0002": 0.25}, date(2026, 11, 2))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kev": b"{}"}, "not CISA's catalogue"),
        ({"kev": b"a,b\n1,2"}, "not CISA's catalogue"),
        ({"kev": json.dumps({"vulnerabilities": [{"cveID": "x", "dateAdded": "y"}]}).encode()}, "is no entry"),
        ({"epss": b"cve,epss\nCVE-2026-0002,0.25"}, "not FIRST's scores"),
        ({"epss": EPSS.replace("0.25", "25").encode()}, "is no score"),
        ({"epss": EPSS.replace("CVE-2026-0002", "x").encode()}, "is no score"),
        ({"epss": EPSS.rpartition("CVE")[0].encode()}, "holds no score"),
        ({"epss": b""}, "empty"),
    ],
)
def test_other_files_are_no_catalogue(options, words):
    with pytest.raises(ReadingError, match=words):
        Catalogue.load(**options)


def test_cves_and_probabilities_in_text():
    assert cves_in("cve-2021-44228, CVE-2021-44228;CVE-1999-1 CVE-2022-1234567") == [
        "CVE-2021-44228",
        "CVE-2022-1234567",
    ]
    assert [probability(one) for one in ("0.5", 1, 0, 2, "x", None, float("nan"), True, "1e999")] == [
        0.5, 1.0, 0.0, None, None, None, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Mon Jul  1 11:47:41 2013", "2013-07-01T11:47:41+00:00"),
        ("Feb 03, 2026 07:00 PM", "2026-02-03T19:00:00+00:00"),
        ("Wed, 31 Jul 2019 21:53:20 GMT", "2019-07-31T21:53:20+00:00"),
        ("02/03/2026 00:05:00", "2026-02-03T00:05:00+00:00"),
        ("20131127T115513233", "2013-11-27T11:55:13+00:00"),
        ("2024-01-02 03:04:05", "2024-01-02T03:04:05+00:00"),
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        ("2024-01-02", "2024-01-02T00:00:00+00:00"),
        ("31/31/2024", None),
        ("02.03.2026", "2026-03-02T00:00:00+00:00"),
        ("31.10.2026 14:05", "2026-10-31T14:05:00+00:00"),
        ("10.0.19045", None),
        ("1.2.3.2026", None),
        ("Jan 1, 1970", None),
        ("", None),
        ("nonsense 12 of 2024", None),
        (None, None),
        ("9" * 40, None),
    ],
)
def test_dates_as_tools_print_them(text, told):
    found = loose_moment(text)
    assert (found.isoformat() if found else None) == told


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=70))
def test_any_text_is_a_date_or_none(text):
    found = loose_moment(text)
    assert found is None or found.year >= 1997
