"""Damaged and foreign files, for every reader there is: a reading or a ReadingError, in bounded time."""

import contextlib
import json
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from mutations import mutate, seeds

SEEDS = seeds()
NAMES = sorted(readers.READERS)


def attempt(name, data):
    """Read; what was wrong is said of this input and is short, what was read is plain JSON."""
    start, said = time.perf_counter(), ""
    try:
        json.dumps(readers.read(data, tool=name, observed_at="2026-01-02").to_dict())
    except ReadingError as error:
        said = str(error)
    assert not said or ("bytes" in said and len(said) < 2000)
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_damage_gives_a_reading_or_a_reading_error(name, seed):
    chance = random.Random(seed)  # noqa: S311  nothing is kept secret
    other = chance.choice(SEEDS[chance.choice(NAMES)])
    data = mutate(chance, chance.choice(SEEDS[name]), other)
    attempt(name, data)
    with contextlib.suppress(ReadingError):
        assert readers.detect(data) in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_files_of_other_tools_are_refused_or_read_as_nothing(name):
    for other in NAMES:
        if other != name:
            attempt(name, SEEDS[other][0])


DEEP = 200_000
HOSTILE = {
    "brackets": b"[" * DEEP,
    "objects": b'{"a":' * DEEP,
    "elements": b"<a>" * DEEP,
    "quotes": b'"' * DEEP,
    "number": b'{"matches": ' + b"9" * DEEP + b"}",
    "commas": b"," * DEEP,
    "zeros": bytes(DEEP),
    "laughs": b'<!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><NessusClientData_v2>&c;</NessusClientData_v2>',
    "external": b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><ASSET_DATA_REPORT>&a;</ASSET_DATA_REPORT>',
    "blank": b" \n" * 1000,
    "comment": b"<!--" * 20_000,
    "prolog": b"<?" * 20_000,
    "doctype": b"<!DOCTYPE [" * 10_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_bounded_time(case):
    start = time.perf_counter()
    with pytest.raises(ReadingError):
        readers.read(HOSTILE[case], observed_at="2026-01-02")
    for name in NAMES:
        attempt(name, HOSTILE[case])
    assert time.perf_counter() - start < 30
