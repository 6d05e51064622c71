"""Hostile files for every reader: `python tests/benchmarks/fuzz_readers.py --megabytes 20 --minutes 10`.

First the shapes of tests/hostile_corpus.py, of that size: endless tokens, many small values, blank rows, encodings,
nested archives, for every reader, and the shortest rows of each; each file in a process of its own. The worst seconds
and memory of each reader are printed. Then samples are damaged at random for that many minutes: the project's own, and
those of others where they lie beside the checkout (see tests/samples.py).

With atheris installed, `--atheris` lets coverage guide the damage. What raises anything but a ReadingError, or takes
long, is written to the folder `--crashes` and told at the end.
"""

import argparse
import json
import os
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

if "--atheris" in sys.argv:
    import atheris  # not a dependency: pip install atheris

    with atheris.instrument_imports(include=["cyberscore.readers"]):
        from cyberscore import readers
else:
    from cyberscore import readers

from cyberscore.exceptions import ReadingError
from hostile_corpus import JOINS, ROWS, SHAPES
from mutations import mutate, seeds

SLOW_SECONDS, LARGE_MEGABYTES = 10.0, 1_000.0
"""What a file of at most 20 MB may take, unpacked, on two cores."""


def attempt(name: str, data: bytes) -> tuple[str, float]:
    """How a reader ends on a file, and how long it takes."""
    start = time.perf_counter()
    try:
        readers.detect(data)
    except ReadingError:
        pass
    except Exception as error:  # noqa: BLE001  whatever else it is, is a finding
        return f"detect: {type(error).__name__}: {error}", time.perf_counter() - start
    try:
        readers.read(data, tool=name, observed_at="2026-01-02").to_dict()
        outcome = "read"
    except ReadingError:
        outcome = "refused"
    except Exception as error:  # noqa: BLE001  whatever else it is, is a finding
        outcome = f"{type(error).__name__}: {str(error)[:200]}"
    return outcome, time.perf_counter() - start


def measured(name: str, data: bytes) -> tuple[str, float, float]:
    """How a reader ends on a file, its seconds and the peak of its process in MB."""
    taken, given = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(taken)
        outcome, seconds = attempt(name, data)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        os.write(given, json.dumps([outcome[:300], seconds, peak]).encode())
        os._exit(0)
    os.close(given)
    with os.fdopen(taken, "rb") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return tuple(json.loads(told)) if told else ("the process ended", 0.0, 0.0)


def shapes(megabytes: float) -> int:
    """Read every shape with every reader; the number of those that fail or take too much."""
    size, names = int(megabytes * 1e6), sorted(readers.READERS)
    slowest: dict[str, tuple[float, str]] = dict.fromkeys(names, (0.0, ""))
    largest: dict[str, tuple[float, str]] = dict.fromkeys(names, (0.0, ""))
    findings = 0
    for shape, make in {**SHAPES, **ROWS, **JOINS}.items():
        data = make(size)
        for name in names if shape in SHAPES else [shape.partition(":")[0]]:
            outcome, seconds, peak = measured(name, data)
            slowest[name] = max(slowest[name], (seconds, shape))
            largest[name] = max(largest[name], (peak, shape))
            if outcome not in {"read", "refused"} or seconds > SLOW_SECONDS or peak > LARGE_MEGABYTES:
                findings += 1
                print(f"{name}: {shape}: {outcome}, {seconds:.1f} s, {peak:.0f} MB", flush=True)
    for name in names:
        (seconds, slow), (peak, large) = slowest[name], largest[name]
        print(f"{name:20} {seconds:5.1f} s ({slow})   {peak:5.0f} MB ({large})", flush=True)
    return findings


def fuzz(minutes: float, seed: int, crashes: Path) -> int:
    """Damage seeds at random until the time is over; the number of different findings."""
    found, names, chance = seeds(), sorted(readers.READERS), random.Random(seed)  # noqa: S311
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in names}
    findings: dict[str, Path] = {}
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        name = chance.choice(names)
        data = mutate(chance, chance.choice(found[name]), chance.choice(found[chance.choice(names)]))
        outcome, seconds = attempt(name, data)
        if outcome not in {"read", "refused"} or seconds > SLOW_SECONDS:
            key = f"{name}: {outcome if seconds <= SLOW_SECONDS else 'slow'}"
            if key not in findings:
                crashes.mkdir(parents=True, exist_ok=True)
                findings[key] = crashes / f"{name}-{len(findings)}.bin"
                findings[key].write_bytes(data)
                print(f"{key} ({seconds:.1f} s): {findings[key]}", flush=True)
            outcome = "found"
        outcomes[name][outcome] += 1
    for name, counts in outcomes.items():
        print(f"{name:14} {sum(counts.values()):7} files: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    print(f"{sum(sum(one.values()) for one in outcomes.values())} files, {len(findings)} findings")
    return len(findings)


def guided(crashes: Path) -> None:
    """Let atheris guide the damage; it ends at the first finding."""
    import atheris

    names = sorted(readers.READERS)

    def one(data: bytes) -> None:
        if data:
            outcome, _ = attempt(names[data[0] % len(names)], data[1:])
            if outcome not in {"read", "refused"}:
                raise AssertionError(outcome)

    corpus = crashes / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        for number, data in enumerate(seeds()[name]):
            (corpus / f"{name}-{number}").write_bytes(bytes([place]) + data)
    atheris.Setup([sys.argv[0], str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=20.0, help="Size of each shape; 0 for none.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args()
    if asked.atheris:
        guided(asked.crashes)
    else:
        found = shapes(asked.megabytes) if asked.megabytes else 0
        sys.exit(1 if found + fuzz(asked.minutes, asked.seed, asked.crashes) else 0)
