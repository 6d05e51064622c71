"""XML, JSON, JSON lines and CSV out of files as tools and spreadsheets write them."""

import codecs
import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.readers import documents

LIMIT = 1_000_000
ENCODINGS = {
    "utf-8": str.encode,
    "utf-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 with a mark": lambda text: text.encode("utf-16"),
    "utf-16 big-endian with a mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
}
OBJECTS = [{"a": 1, "b": ["ü", None]}, {"c": {"d": "\n"}}]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_is_read_in_the_encodings_that_tools_write(encoding):
    encode = ENCODINGS[encoding]
    assert documents.read_json(encode(json.dumps(OBJECTS[0], ensure_ascii=False)), LIMIT) == OBJECTS[0]
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in OBJECTS)
    assert list(documents.read_objects(encode(lines), LIMIT)) == OBJECTS
    assert list(documents.read_table(encode('Host,"Näme"\r\na,"b\r\nc"'), LIMIT, ["host"])) == [
        {"host": "a", "näme": "b\r\nc"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        "\n\n".join(map(json.dumps, OBJECTS)),
        "\r\n".join([*map(json.dumps, OBJECTS), ""]),
    ],
)
def test_objects_come_as_lines_or_as_an_array(text):
    assert list(documents.read_objects(text.encode(), LIMIT)) == OBJECTS


def test_one_object_over_several_lines_is_one():
    assert list(documents.read_objects(json.dumps(OBJECTS[0], indent=1).encode(), LIMIT)) == [OBJECTS[0]]


def test_arrays_are_read_where_they_are_wanted():
    data = json.dumps(OBJECTS).encode()
    assert documents.read_json(data, LIMIT, arrays=True) == OBJECTS
    with pytest.raises(ReadingError, match="a JSON object is wanted; got list"):
        documents.read_json(data, LIMIT)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_tables_of_any_delimiter_and_preamble(delimiter, newline):
    rows = [
        ["Report"],
        ["by x"],
        ["IP", "Title", "Text"],
        ["192.0.2.1", "a,b;c", 'say "x"'],
        [],
        ["192.0.2.2", "short"],
    ]
    text = newline.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    assert list(documents.read_table(text.encode(), LIMIT, ["ip", "Text"])) == [
        {"ip": "192.0.2.1", "title": "a,b;c", "text": 'say "x"'},
        {"ip": "192.0.2.2", "title": "short"},
    ]


def test_text_in_an_old_encoding_keeps_its_ascii():
    rows = list(documents.read_table("IP,Title\n192.0.2.1,Zürich".encode("cp1252"), LIMIT, ["ip"]))
    assert rows[0]["ip"] == "192.0.2.1"


BAD = {
    "header": (lambda data: list(documents.read_table(data, LIMIT, ["ip"])), b"a,b\n1,2", "no row with the columns ip"),
    "quote": (
        lambda data: list(documents.read_table(data, 10_000_000, ["a"])),
        b'a,b\n"' + b"x" * (documents.MAX_FIELD + 2),
        "a quote is open",
    ),
    "columns": (lambda data: list(documents.read_rows(data, LIMIT)), b"," * 5000, "more rows or columns"),
    "line": (lambda data: list(documents.read_objects(data, LIMIT)), b'{"a": 1}\n{"a": ', "bytes, line 2: not valid"),
    "item": (
        lambda data: list(documents.read_objects(data, LIMIT)),
        b'[{"a": 1}, 3]',
        "item 1: a JSON object is wanted",
    ),
    "blank": (lambda data: list(documents.read_objects(data, LIMIT)), b" \n ", "nothing but white space"),
    "not text": (lambda data: list(documents.read_objects(data, LIMIT)), b'{"a": "\xff"}', "not text"),
    "deep line": (
        lambda data: list(documents.read_objects(data, LIMIT)),
        b"[" * 100_000,
        "a JSON object is wanted; got '\\['",
    ),
    "scalar": (lambda data: documents.read_json(data, LIMIT, arrays=True), b"3", "object or array is wanted; got int"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_documents_give_one_clear_error(case):
    read, data, words = BAD[case]
    with pytest.raises(ReadingError, match=words):
        read(data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_objects_or_one_error(data):
    for read in (
        lambda: list(documents.read_rows(data, LIMIT)),
        lambda: list(documents.read_objects(data, LIMIT)),
        lambda: documents.read_json(data, LIMIT, arrays=True),
    ):
        with contextlib.suppress(ReadingError):
            read()


def test_a_notice_before_the_declaration_is_skipped():
    scan = b'<?xml version="1.0"?><nmaprun scanner="nmap" start="1700000000" args=""></nmaprun>'
    notice = b"<!--\nSPDX-License-Identifier: Apache-2.0\n-->\n\n"
    assert readers.detect(notice + scan) == "nmap"
    assert readers.read(notice + scan) == readers.read(scan) == readers.read(b"\n" + scan)
    many = b"<!-- -->" * 8_000  # takes no time, though none of them ends in a declaration
    with pytest.raises(ReadingError, match="not readable as XML"):
        documents.read_xml(many + b"<", object(), LIMIT)
