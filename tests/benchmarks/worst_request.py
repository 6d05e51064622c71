"""The worst allowed request of every endpoint, and `/health` beside it: `python tests/benchmarks/worst_request.py`.

Runs the service under uvicorn in a process of its own on 127.0.0.1. Each request of `tests/bodies.py` is sent by one
connection while another asks for `/health` again and again; the longest that one of those waited is told. With
`--together 8` as many of the same request are sent at once.
"""

import argparse
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bodies import bad, costly, nonsense

HOST = "127.0.0.1"
LONGEST = 120.0
"""Seconds after which a request is given up."""
PAUSE = 0.002
"""Seconds between two questions for `/health`."""


@contextmanager
def service() -> Iterator[int]:
    """Run the service; gives its port."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = int(free.getsockname()[1])
    command = ["-m", "uvicorn", "--factory", "cyberscore.app:create_app", "--host", HOST, "--port", str(port)]
    with subprocess.Popen([sys.executable, *command, "--log-level", "warning"]) as process:
        try:
            for _ in range(300):
                try:
                    asked(port, "GET", "/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def asked(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, int]:
    """Send one request; give status and bytes of the answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, len(answer.read())
    finally:
        connection.close()


def beside_health(port: int, path: str, body: bytes, together: int) -> tuple[int, int, float, float]:
    """Send a request, and ask for `/health` until it is answered: status, bytes, seconds, longest wait for health."""
    answers: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(asked(port, "POST", path, body)), daemon=True)
        for _ in range(together)
    ]
    start, worst = time.perf_counter(), 0.0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and time.perf_counter() - start < LONGEST:
        before = time.perf_counter()
        asked(port, "GET", "/health")
        worst = max(worst, time.perf_counter() - before)
        time.sleep(PAUSE)
    seconds = time.perf_counter() - start
    status, size = max(answers) if len(answers) == together else (0, 0)
    return status, size, seconds, worst


def main() -> None:
    """Print a line a request, then the worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--together", type=int, default=1, help="how many of the same request at once")
    parser.add_argument("--only", default="", help="only requests whose name holds this")
    options = parser.parse_args()
    requests = {name: (f"{path}", body) for name, (path, body) in costly().items()}
    requests |= {f"/quote refused: {name}": ("/quote", body) for name, body in nonsense().items()}
    requests |= {
        f"{path} refused: {name}": (path, body)
        for path in ("/quote", "/what-if", "/path")
        for name, body in bad(path).items()
    }
    print(f"{'request':58}{'KB':>7}{'status':>8}{'answer KB':>11}{'seconds':>9}{'/health':>9}")
    slowest = most_waited = largest_refusal = 0.0
    with service() as port:
        for name, (path, body) in requests.items():
            if options.only not in name:
                continue
            status, size, seconds, health = beside_health(port, path, body, options.together)
            slowest, most_waited = max(slowest, seconds), max(most_waited, health)
            largest_refusal = max(largest_refusal, size if status >= 400 else 0)
            told = f"{len(body) / 1e3:7.0f}{status or 'none':>8}{size / 1e3:11.1f}{seconds:9.2f}{health:9.3f}"
            print(f"{name[:57]:58}{told}", flush=True)
    worst = f"slowest {slowest:.2f} s; longest wait for /health {most_waited:.3f} s"
    print(f"{worst}; largest refusal {largest_refusal:.0f} B")


if __name__ == "__main__":
    main()
