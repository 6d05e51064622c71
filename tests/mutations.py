"""Small seeds out of exports, and how they are damaged: callers are the tests of all readers and the fuzzer."""

# ruff: noqa: E501  words and values on few lines

import contextlib
import gzip
import json
import random
import re
import zlib
from xml.etree.ElementTree import tostring

from defusedxml.ElementTree import fromstring

from samples import plain, samples

WORDS = [b"", b"0", b"-1", b"1e999", b"9" * 5000, b"null", b"true", b"[]", b"{}", b'"', b"<", b"&lol;", b"]]>", b"\x00",
         b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"CVE-2021-44228", b"192.0.2.1", b"::ffff:10.0.0.1", b"fe80::1%x",
         b"1-65535", b"65536", b"\n", b",", b";", b"\t", b"2026-13-45T99:99:99Z", b"0001-01-01T00:00:00+23:59",
         b"9999-12-31T23:59:59-23:59", "ⅷ٣²".encode()]  # fmt: skip
JUNK = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "9" * 400,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
    "CVE-2021-44228",
    "192.0.2.1",
]


def seeds():
    """Cut-down samples by the name of their reader."""
    return {name: [small(plain(path)) for path in paths] for name, paths in samples().items()}


def small(data):
    """Cut a document down: three children of a name, three items of a list, few lines."""
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start == b"<":
        root = fromstring(data)
        _prune(root)
        return tostring(root)
    with contextlib.suppress(ValueError):
        return json.dumps(_shorter(json.loads(data.decode("utf-8-sig")))).encode()
    return b"\n".join(data.splitlines()[:8])


def _prune(element):
    counts = {}
    for child in list(element):
        counts[child.tag] = counts.get(child.tag, 0) + 1
        if counts[child.tag] > 3:
            element.remove(child)
        else:
            _prune(child)
    element.text = element.text and element.text[:200]


def _shorter(found):
    if isinstance(found, dict):
        return {key: _shorter(value) for key, value in list(found.items())[:60]}
    return [_shorter(one) for one in found[:3]] if isinstance(found, list) else found


def mutate(chance: random.Random, data, other):
    """Damage a document once to four times; `other` is one of another tool."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_WAYS)(chance, data, other)[:400_000]
    return data


def _span(chance, data):
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice([1, 2, 8, 64, 512]))


def _truncate(chance, data, other):
    return data[: chance.randrange(len(data) + 1)]


def _flip(chance, data, other):
    found = bytearray(data)
    for _ in range(chance.choice([1, 4, 16]) if found else 0):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _duplicate(chance, data, other):
    start, end = _span(chance, data)
    return data[:end] + data[start:end] * chance.choice([1, 2, 50]) + data[end:]


def _swap(chance, data, other):
    (a, b), (c, d) = sorted([_span(chance, data), _span(chance, data)])
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:] if b <= c else data


def _delete(chance, data, other):
    start, end = _span(chance, data)
    return data[:start] + data[end:]


def _word(chance, data, other):
    """Put a word in the place of an attribute, a field or a piece of text."""
    places = [match.span(1) for match in re.finditer(rb'"([^"]{0,60})"|>([^<]{1,60})<|(?<=[,;\t])([^,;\t]*)', data)]
    start, end = chance.choice([one for one in places if one != (-1, -1)] or [_span(chance, data)])
    return data[:start] + chance.choice(WORDS) + data[end:]


def _splice(chance, data, other):
    start, end = _span(chance, other)
    place = chance.randrange(len(data) + 1)
    return data[:place] + other[start:end] + data[place:]


def _structure(chance, data, other):
    """Put a value of another type somewhere into JSON."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return data
    node = found
    for _ in range(chance.randint(0, 8)):
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
        if not keys:
            break
        key = chance.choice(list(keys))
        if chance.random() < 0.25 or not isinstance(node[key], dict | list):
            node[key] = chance.choice(JUNK)
            break
        node = node[key]
    return json.dumps(found).encode()


def _encode(chance, data, other):
    text = data.decode("utf-8", "replace")
    return text.encode(chance.choice(["utf-16", "utf-16-le", "utf-8-sig", "utf-32"]))


def _pack(chance, data, other):
    packed = gzip.compress(data, 1)
    return chance.choice([packed, packed[:-5], packed + packed, zlib.compress(data)])


_WAYS = [_truncate, _flip, _flip, _duplicate, _swap, _delete, _word, _word, _word, _splice, _structure, _structure,
         _structure, _encode, _pack]  # fmt: skip
