"""Verify and replay of a long log of quotes: records a second, by one process and by two, and the peak memory.

python tests/benchmarks/record_log.py --records 100000
"""

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import cyberscore
from cyberscore.quoting.record import FIRST

AS_OF = date(2026, 11, 23)
REPLAYED = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quotes.jsonl"
        made = [cyberscore.record(cyberscore.example(name), as_of=AS_OF) for name in cyberscore.example_names()]
        log = cyberscore.QuoteLog(path, fsync=False)
        start = time.perf_counter()
        for k in range(records):
            log.append(replace(made[k % len(made)], reference=f"Q-{k}").after(FIRST))
        told("append", records, start)
        print(f"{path.stat().st_size / 1e6:,.0f} MB")
        few = Path(folder) / "few.jsonl"
        with path.open("rb") as whole:
            few.write_bytes(b"".join(line for _, line in zip(range(REPLAYED), whole, strict=False)))
        for jobs in (1, 2):
            start = time.perf_counter()
            assert log.verify(jobs=jobs).records == records
            told(f"verify, {jobs} processes", records, start)
            start = time.perf_counter()
            replayed = sum(found.reproduced for _, found in cyberscore.QuoteLog(few).replay(jobs=jobs))
            assert replayed == min(records, REPLAYED)
            told(f"replay, {jobs} processes", replayed, start)
        for who, name in ((resource.RUSAGE_SELF, "this process"), (resource.RUSAGE_CHILDREN, "the largest other")):
            print(f"peak memory of {name}: {resource.getrusage(who).ru_maxrss / 1e3:,.0f} MB")


def told(what: str, count: int, start: float) -> None:
    seconds = time.perf_counter() - start
    print(f"{what}: {count:,} records in {seconds:.1f} s, {count / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
