"""Fuzz every reader with damaged samples for some minutes: `python tests/benchmarks/fuzz_readers.py --minutes 10`.

Samples are the project's own, and those of others where they lie beside the checkout (see tests/samples.py).

With atheris installed, `--atheris` lets coverage guide the damage; else seeds are damaged at random. What raises
anything but a ReadingError, or takes long, is written to the folder `--crashes` and told at the end.
"""

import argparse
import random
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
from mutations import mutate, seeds

SLOW_SECONDS = 20.0


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
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args()
    if asked.atheris:
        guided(asked.crashes)
    else:
        sys.exit(1 if fuzz(asked.minutes, asked.seed, asked.crashes) else 0)
