"""Regular expressions on text of others: no text makes any of them take steps that grow faster than the text."""

import functools
import re
import sys

import pytest

from cyberscore.readers import cloud_checks, pingcastle
from hostile_corpus import TEXTS
from pattern_steps import FLOATING, calls, pumps, steps

SHORT = 50
TRUSTED = ("cyberscore.training.", "cyberscore.market.")
"""Packages that match text of the library's own."""


@functools.cache
def patterns():
    """All of them by where they stand; bytes are looked at as text."""
    found = {}
    for place, pattern, flags, floating in calls():
        if not place.startswith(TRUSTED):
            text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
            found[place] = (text, flags & ~re.UNICODE, floating)
    ports, _ = cloud_checks.checks()
    for kind, one in ports.items():
        found[f"cloud_checks.toml: {kind} rules"] = (one.rules.pattern, 0, False)
        found[f"cloud_checks.toml: {kind} hosts"] = (one.hosts.pattern, 0, False)
    for number, (pattern, _) in enumerate(pingcastle._windows()):
        found[f"windows_support.toml: {number}"] = (pattern.pattern, re.IGNORECASE, True)
    return found


@pytest.fixture(autouse=True)
def _deep():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    yield
    sys.setrecursionlimit(limit)


def texts(pattern, flags):
    """Runs of what the pattern repeats, and of what others stumble over, each with one twice as long."""
    for before, pump in [*pumps(pattern, flags), *(("", one) for one in TEXTS)]:
        for begin, part in ((before, pump), ("", before + pump)) if before else ((before, pump),):
            times = max(8, SHORT // len(part))
            for end in ("\n", "\x00"):
                yield begin + part * times + end, begin + part * 2 * times + end


def growth(pattern, flags, floating):
    """How many times as many steps a text of twice the length takes, at worst, and on which."""

    def count(text):
        return steps(pattern, text, flags=flags, floating=floating)

    return max((count(long) / count(short), long) for short, long in texts(pattern, flags))


@pytest.mark.parametrize(
    ("pattern", "squares"),
    [(r"a+b", True), (r"(?<!a)a+b", False), (r"<[^>]*>", True), (r"<[^<>]*>", False), (r"^\s*x", False),
     (r"\s+$", True), (r"^[ ]*[ ]*:", True), (r"\{.*\}", True), (r"x\d+", False), (r"(a|b)*c", True)],
)  # fmt: skip
def test_the_count_tells_what_grows_with_the_square(pattern, squares):
    assert (growth(pattern, 0, floating=True)[0] > 2.5) == squares


@pytest.mark.parametrize("text", ["", "ab12", "aaab", "CVE-2021-1234", "Host: a ()\tb", "\n x: y \n"])
def test_the_count_follows_the_matches_of_the_real_engine(text):
    from pattern_steps import _Matcher

    for pattern, flags, _ in patterns().values():
        found = re.compile(pattern, flags).match(text)
        matcher = _Matcher(pattern, flags, text)
        assert next(matcher.sequence(matcher.tree, 0, 0), None) == (None if found is None else found.end()), pattern


@pytest.mark.parametrize("place", sorted(patterns()))
def test_steps_grow_no_faster_than_the_text(place):
    pattern, flags, floating = patterns()[place]
    times, text = growth(pattern, flags, floating)
    assert times < 2.5, f"{pattern}: {times:.1f} times as many steps for twice {text[:40]!r}"


def test_all_ways_of_matching_are_known():
    assert {"search", "findall", "finditer", "sub", "subn", "split"} == FLOATING
