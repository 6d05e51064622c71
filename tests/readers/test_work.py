"""How much work a file may ask for: rows, values, elements and tokens are bounded, and what is allowed grows evenly.

Seconds and memory are measured by `benchmarks/fuzz_readers.py`; here calls are counted, which no other load disturbs.
"""

# ruff: noqa: E501  cases on few lines

import contextlib
import gzip
import io
import json
import os
import re
import sys

import pytest
from defusedxml.ElementTree import XMLParser

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.profile.json_values import BYTES_A_BRACKET, BYTES_A_VALUE, FREE_BRACKETS, FREE_VALUES, JsonValues
from cyberscore.readers import documents, findings, text_rows, xml_events
from cyberscore.readers.base import Leftovers
from hostile_corpus import JOINS, ROOTS, ROWS, SHAPES, SHORTEST_ROW, entries, repeated, zip64, zipped
from samples import plain, samples

SMALL, BYTES = 60_000, 250_000
MOST_CALLS = 20
"""Calls that a reader makes for a byte of a small file, at most; some 10 million take a second."""


def attempt(data, tool=None):
    """Read; return what was wrong, or nothing."""
    problem = ""
    try:
        json.dumps(readers.read(data, tool=tool, observed_at="2026-01-02").to_dict())
    except ReadingError as error:
        problem = str(error)
    assert len(problem) < 2000
    return problem


def calls(data, tool):
    """Calls of Python and C functions while a file is read."""
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        attempt(data, tool)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_shapes_are_refused_or_say_nothing(shape):
    data, observations = SHAPES[shape](BYTES), ()
    for tool in (None, *sorted(readers.READERS)):
        with contextlib.suppress(ReadingError):
            observations = readers.read(
                data if tool is None else data[: SMALL // 4], tool=tool, observed_at="2026-01-02"
            ).observations
        assert not observations, tool


@pytest.mark.parametrize("rows", [*ROWS, *JOINS])
def test_work_grows_as_the_file_does(rows):
    make, tool = {**ROWS, **JOINS}[rows], rows.partition(":")[0]
    attempt(make(1_000), tool)  # what is read once for all files
    small, large = make(SMALL), make(2 * SMALL)
    assert calls(large, tool) < 2.2 * len(large) / len(small) / 2 * calls(small, tool) + 1_000
    assert calls(large, tool) < MOST_CALLS * len(large)


def test_short_rows_are_the_shortest_that_are_taken():
    assert SHORTEST_ROW == text_rows.BYTES_A_ROW


# tokens


def fed(data, size):
    """Bytes that a parser which reads open tokens again looks at, when a file comes in pieces of some bytes."""
    parser = XMLParser(target=type("Target", (), {"start": lambda *_: None, "end": lambda *_: None})())
    events, looked_at = xml_events.XmlEvents("it", parser.parser, parser.target), 0
    for piece in xml_events.whole_tokens(events, (data[k : k + size] for k in range(0, len(data), size))):
        looked_at += events.pending + len(piece)
        parser.feed(piece)
        events.check(len(piece))
    return looked_at


@pytest.mark.parametrize("part", ['<a b="', "<!--", "<?a "])
def test_a_long_token_is_not_read_again_with_every_piece(part):
    end = {"<a": '"/>', "<!": "-->", "<?": "?>"}[part[:2]]
    data = f"<r>{part}{'x' * 1_000_000}{end}</r>".encode()
    assert fed(data, 1_000) < 4 * len(data)


@pytest.mark.parametrize("name", ROOTS)
def test_a_token_without_end_is_refused(name):
    data = SHAPES[f"{name}: attribute without end"](3 * xml_events.MAX_TOKEN)
    assert "a tag or comment longer than 4 MB" in attempt(gzip.compress(data), name)
    whole = data[: xml_events.MAX_TOKEN // 2] + b'"/></' + re.match(r"<(\w+)", ROOTS[name])[1].encode() + b">"
    assert "tag or comment" not in attempt(whole, name)


def test_more_elements_than_bytes_allow_are_refused():
    data = repeated("<a/>", ROOTS["nessus"], "</NessusClientData_v2>")
    assert not attempt(data(4 * xml_events.FREE_ELEMENTS), "nessus")
    assert "which no tool writes" in attempt(data(9 * xml_events.FREE_ELEMENTS), "nessus")


# values of JSON


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_values_are_counted_outside_of_texts(size):
    found = [{"a,[{:": '\\"[,:{', "b\\": ["\\\\", "[", 1, [], {}]}, '\u00e9"', None] * 40
    for text in (json.dumps(found), json.dumps(found, indent=1, ensure_ascii=False)):
        values = JsonValues()
        for start in range(0, len(text), size):
            assert not values.excess(text[start : start + size])
        plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        assert (values.values, values.brackets) == tuple(len(re.findall(one, plain)) for one in (r"[\[{,:]", r"[\[{]"))


@pytest.mark.parametrize(
    ("part", "free", "each", "what"),
    [("1,", FREE_VALUES, BYTES_A_VALUE, "keys and values"), ("[]" + " " * 8 + ",", FREE_BRACKETS, BYTES_A_BRACKET, "objects and lists")],
)  # fmt: skip
def test_values_are_counted_before_any_is_made(part, free, each, what, monkeypatch):
    most = int(free / (1 - len(part) / each))
    wanted = {"a": [1] * (most - 9)} if part[0] == "1" else {"a": [[]] * (most - 9)}
    text = '{"a":[' + part * (most - 9) + part.rstrip(",") + "]}"
    assert documents.read_json(text.encode(), 10**9)["a"][:-1] == wanted["a"]
    monkeypatch.setattr(documents.json, "JSONDecoder", None)
    with pytest.raises(ReadingError, match=what):
        documents.read_json(('{"a":[' + part * int(most * 1.1)).encode(), 10**9)


@pytest.mark.parametrize("between", ["", " ", "\n"])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_lists_of_objects_are_read_one_by_one(between, pack):
    found = [{"a": ["x" * (k % 7) * 9_000, k], "\u00e9": {"b": None}} for k in range(60)]
    text = f",{between}".join(json.dumps(one, ensure_ascii=False) for one in found)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        data = pack(f"{between}[{between}{text}{between}]{between}".encode(encoding))
        assert list(documents.read_objects(data, 10**7)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [('[{"a": 1}', "wanted"), ('[{"a": 1},', "wanted"), ('[{"a": 1}] x', "followed by 'x'"), ('[{"a" 1}]', "item 0: not valid"),
     ('[{"a": 1} {"b": 2}]', "a comma or ] is wanted"), ('[{"a": "x', "item 0: not valid"), ("[1]", "a JSON object is wanted"),
     ('[{"a": 1, "a": 2}]', "given twice"), ("[" + '{"a":' * 100 + "1" + "}" * 100 + "]", "nested deeper"),
     ('[{"a": 1' + "0" * 5000 + "}]", "a number too long"), ('[{"a": 1},]', "a JSON object is wanted"), ("[", "wanted")],
)  # fmt: skip
def test_lists_that_are_wrong_give_one_clear_error(text, words):
    with pytest.raises(ReadingError, match=re.escape(words)):
        list(documents.read_objects(text.encode(), 10**7))


def test_no_list_is_held_whole():
    data = b"[" + b'{"a":"' + b"x" * 1000 + b'"},' * 1 + b'{"a":"' + b"y" * 100 + b'"}]'
    text = documents.Text(data, 10**7, "it", "strict")
    assert len(list(documents._items(text.row(64), text, "it"))) == 2
    large = b"[" + b",".join([b'{"a":"' + b"x" * 1000 + b'"}'] * 3_000) + b"]"
    text = documents.Text(large, 10**7, "it", "strict")
    held = documents._Held(text.row(64), text, "it")
    held.place, most = 1, 0
    for _ in range(3_000):
        held.item(held.mark(), "it")
        most = max(most, len(held.held))
        held.place += held.mark() == ","
    assert most < 200_000


# rows


@pytest.mark.parametrize(
    ("read", "row"),
    [
        (lambda data: documents.read_rows(data, 10**9), "\n"),
        (lambda data: documents.read_rows(data, 10**9), ",,,\n"),
        (lambda data: documents.read_table(data, 10**9, ["a"]), "1,2\n"),
        (lambda data: documents.read_objects(data, 10**9), '{"a":1}\n'),
        (lambda data: documents.read_objects(data, 10**9), "\n"),
        (lambda data: documents.read_objects(b"[" + data.replace(b"a\n", b"") + b"{}]", 10**9), '{"a":1},'),
        (lambda data: text_rows.read_lines(data, 10**9), "\r"),
    ],
)  # fmt: skip
def test_rows_that_are_nearly_empty_are_refused_beyond_the_free_ones(read, row):
    begin = b"" if "{" in row else b"{}\n" if row == "\n" else b"a\n"
    free = text_rows.FREE_ROWS - 10
    for _ in read(begin + row.encode() * free):
        pass
    with pytest.raises(ReadingError, match="empty or nearly so"):
        for _ in read(begin + row.encode() * (3 * free)):
            pass


def test_a_row_without_end_is_refused():
    for part in (b",", b'"\n",', b"x"):
        with pytest.raises(ReadingError, match=r"a row of more than|not readable as CSV|more rows or columns"):
            list(documents.read_rows(part * (documents.MAX_ROW // len(part) + 9), 10**9))


# what tools write is far from the limits


@pytest.mark.parametrize("name", sorted(samples()))
def test_what_tools_write_is_far_from_the_limits(name):
    for path in samples()[name]:
        data = plain(path)
        text = data.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
        if len(text) < 2_000:
            continue
        if text.startswith(("{", "[")):
            values = JsonValues()
            values.excess(text)
            assert len(text) > 1.5 * BYTES_A_VALUE * values.values, path
            assert len(text) > 1.5 * BYTES_A_BRACKET * values.brackets, path
        elif text.startswith("<"):
            events = len(re.findall(r"<\w", text)) + len(re.findall(r"""\s[\w:-]+=["']""", text))
            assert len(text) > 1.2 * xml_events.BYTES_AN_ELEMENT * events, path
        else:
            least = text_rows.BYTES_A_LINE if name in {"masscan", "nmap"} else text_rows.BYTES_A_ROW
            assert len(text) > 1.2 * least * len(text.splitlines()), path


# what is joined


def test_open_vulnerabilities_are_bounded_asset_by_asset(monkeypatch):
    monkeypatch.setattr(findings, "MAX_OPEN", 1_000)
    for name in ("qualys: glossary", "nexpose: definitions"):
        assert "open vulnerabilities" in attempt(JOINS[name](20_000), name.partition(":")[0])
    inventory, asset = findings.Inventory("it", Leftovers()), findings.Asset("a")
    inventory.join(asset, ["CVE-2021-1", "CVE-2021-2"])
    assert list(asset.cves) == ["CVE-2021-1", "CVE-2021-2"]


# archives and what is no file


def test_the_list_of_a_large_archive_is_bounded_too():
    assert readers.nmap.TOOL == "nmap"
    with pytest.raises(ReadingError, match="too many files"):
        readers.detect(entries(1_000_000))
    scan = b'<nmaprun scanner="nmap" start="1700000000" args=""></nmaprun>'
    assert readers.detect(zip64(zipped({"a": scan}))) == "nmap"
    cut = zip64(zipped({"a": scan})).replace(b"PK\x06\x06", b"PK\x06\x05")
    with pytest.raises(ReadingError, match="too many files"):
        readers.detect(cut)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ReadingError, match="no regular file"):
            readers.read(path)


def test_text_of_any_bytes_is_decoded_in_one_go():
    for data in (b"\xff\xfe" + b"\x00\xd8" * 50_000, b"\xff" * 50_000):
        lines = text_rows.read_lines(io.BytesIO(data).read(), 10**7)
        with pytest.raises(StopIteration):
            [next(lines) for _ in range(50_000)]
