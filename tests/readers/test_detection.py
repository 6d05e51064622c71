"""Which reader a file needs is told from what it holds."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers.base import Assets, Claim, Leftovers, Reading, moment
from cyberscore.readers.head import Head
from samples import NOT_READ, OTHERS, OWN, others, plain, samples

FILES = [(name, path) for name, paths in samples().items() for path in paths]
IDS = [f"{path.parent.name}/{path.name}" for _, path in FILES]


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_every_sample_is_known_by_its_content_alone(name, path, tmp_path):
    hidden = tmp_path / "export.txt"
    hidden.write_bytes(path.read_bytes())
    assert readers.detect(hidden) == name
    head = Head.of(path, 10**9)
    others = [other for other, module in readers.READERS.items() if module.looks_like(head) and other != name]
    assert not others


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_a_sample_reads_the_same_packed_and_found(name, path):
    data, day = plain(path), "2026-01-02"
    by_name = readers.read(data, tool=name, observed_at=day)
    assert readers.read(gzip.compress(data), observed_at=day) == by_name
    assert json.loads(json.dumps(by_name.to_dict()))["tool"] == readers.READERS[name].TOOL


def test_every_reader_has_a_sample_of_the_projects_own():
    assert {path.parent.name for path in OWN.glob("*/*")} == set(readers.READERS)


def test_every_sample_of_the_projects_own_stands_in_its_list():
    rows = (OWN / "README.md").read_text(encoding="utf-8").splitlines()
    listed = set()
    for row in (row for row in rows if row.startswith("| ") and "/" in row.split("|")[1]):
        first, *more = (name.strip() for name in row.split("|")[1].split(","))
        listed |= {OWN / first, *((OWN / first).with_name(name) for name in more)}
    assert listed == set(OWN.glob("*/*"))


def test_exports_of_others_that_are_there_are_all_used():
    others("INDEX.csv")
    read = {path for paths in samples().values() for path in paths}
    unused = {path for path in OTHERS.glob("*/*") if path not in read and path.suffix != ".zip"}
    assert {str(path.relative_to(OTHERS)) for path in unused} == set(NOT_READ)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html><body/></html>", "XML, root element <html>"),
        (b'{"b": {"c": 1}, "a": 2}', "json object, fields a, b"),
        (b"Hello, world", "text that begins 'Hello, world'"),
        (bytes(range(1, 40)), "text that begins"),
        (b"", "empty"),
    ],
)
def test_a_foreign_file_is_described_and_the_tools_named(data, words):
    with pytest.raises(ReadingError, match=words) as caught:
        readers.read(data)
    if data:
        assert all(name in str(caught.value) for name in readers.READERS)


def test_an_unknown_tool_is_refused():
    with pytest.raises(ReadingError, match="there is no reader for 'npam'"):
        readers.read(b"<a/>", tool="npam")


def test_a_head_sees_through_what_precedes_an_xml_root():
    text = """\ufeff<?xml version="1.0"?><?style a="<b>"?>
    <!-- <nmaprun scanner="nmap"> --><!DOCTYPE r SYSTEM "x.dtd" [ <!ELEMENT r (a)> ]>
    <n:r one='1' x:two = "a > b"><n:child/><other>"""
    for encoding in ("utf-8", "utf-16"):
        head = Head.of(text.encode(encoding), 10_000)
        assert (head.form, head.root, head.attributes) == ("xml", "r", {"one": "1", "x:two": "a > b"})
        assert head.elements == {"r", "child", "other"}


def test_a_head_sees_the_fields_of_json_that_is_cut_off():
    whole = {"hits": {"total": 3, "hits": [{"_source": {"id": 'x"y'}}, {"_source": {"name": None}}]}, "took": [[], {}]}
    text = json.dumps(whole)
    for encoded in (text.encode(), text.encode("utf-16"), json.dumps(whole, indent=3).encode()):
        head = Head.of(encoded, 10_000)
        assert head.form == "json object"
        assert head.keys == {"hits", "hits.total", "hits.hits", "hits.hits._source", "hits.hits._source.id",
                             "hits.hits._source.name", "took"}  # fmt: skip
        assert head.values["hits.total"] == "3"
    for end in range(len(text)):
        cut = Head.of_text(text[: end + 1])
        assert cut.keys <= Head.of_text(text).keys
    assert Head.of_text("[" + text).form == "json array"
    assert Head.of_text("[" + text).keys == Head.of_text(text).keys
    assert Head.of_text(text + "\n" + text[:9]).form == "json lines"


def test_a_head_sees_the_columns_of_a_table():
    head = Head.of_text('Report;by x\n"IP";"Plugin ID"\n1;2')
    assert head.has_columns("ip", "PLUGIN ID")
    assert not head.has_columns("ip", "by x")


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_have_a_head_or_one_error(data):
    with contextlib.suppress(ReadingError):
        assert Head.of(data, 10_000).form


WHEN = moment("2026-01-02T00:00:00Z")


def reading(assets, total=None, **claim):
    claims = [Claim("exposed_rdp", 0, "scan", "none", **claim)]
    return Reading.of("x", "1", WHEN, claims, assets=assets, scope={}, leftovers=Leftovers(), assets_total=total)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 300), st.integers(1, 300))
def test_the_share_of_the_scope_is_what_was_seen_of_what_there_is(seen, more):
    found = reading(Assets("hosts", seen), seen + more)
    assert found.assets.share == seen / (seen + more)
    assert reading(Assets("hosts", seen)).assets.share is None
    assert found.to_dict()["assets"] == {
        "kind": "hosts",
        "seen": seen,
        "total": seen + more,
        "share": seen / (seen + more),
    }


@pytest.mark.parametrize("total", [2, 0, -1, True, "3", 3.0])
def test_a_total_below_what_was_seen_is_refused(total):
    with pytest.raises(ReadingError, match="assets_total must be a whole number of at least the 3 hosts that x saw"):
        reading(Assets("hosts", 3), total)


def test_a_total_without_a_number_seen_is_reported():
    assert "does not tell how many were seen" in reading(None, 9).not_mapped[0].why


@pytest.mark.parametrize("data", [b"[]", b"[\n]\n", b"\xef\xbb\xbf[ ]"])
def test_an_empty_list_is_said_to_be_one(data):
    with pytest.raises(ReadingError, match="holds an empty list"):
        readers.read(data)


@pytest.mark.parametrize("given", ["2026-13-01", "yesterday", "", "01/02/2026"])
def test_a_date_that_is_none_is_refused_where_the_file_has_one_too(given):
    path = next(path for name, path in FILES if name == "nmap")
    assert readers.read(path, observed_at="2026-11-23").not_mapped
    with pytest.raises(ReadingError, match="observed_at must be a date"):
        readers.read(path, observed_at=given)
