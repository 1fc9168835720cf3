"""Gateways that run the client in processes of their own: `python -m tests.gateways_of_clients
NUMBER WHAT URL ...` with the token in ALLOWANCE_TOKEN. Each prints a line for what it has done.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from allowance_client import Allowance, Refused, SpillQueue
from allowance_client.terms import LeaseTerms

CALL: LeaseTerms = {"user": "maya", "provider": "p", "model": "m"}


@dataclass
class Gateways:
    """Processes of a group, and what they print."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """Return the next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def rest(self) -> list[str]:
        """Return the lines until all processes have ended."""
        assert self.process.stdout is not None
        lines = self.process.stdout.read().splitlines()
        self.process.wait()
        return lines

    def kill(self) -> None:
        """Kill all processes."""
        os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def gateways(token: str | None, number: int, *arguments: object) -> Generator[Gateways]:
    """Start this number of gateways. One process imports what they need, and forks them."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.gateways_of_clients", str(number), *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"ALLOWANCE_TOKEN": str(token), "PYTHONPATH": "clients/python"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        made = Gateways(process)
        try:
            yield made
        finally:
            with suppress(ProcessLookupError):
                made.kill()


def spend_lease(_: str, url: str, micros: str, threads: str) -> None:
    """Make calls of 6 micro-units by a lease until it is refused, and print how many."""
    made: list[int] = []
    start_together = threading.Barrier(int(threads))
    with Allowance(
        url, os.environ["ALLOWANCE_TOKEN"], on_unavailable="deny", timeout_seconds=60
    ) as client:
        lease = client.lease(**CALL, micros=int(micros))

        def run() -> None:
            start_together.wait()
            while True:
                try:
                    with lease.call(estimate_micros=6) as call:
                        call.used(tokens={"input": 3})
                        made.append(1)
                except Refused:
                    return

        running = [threading.Thread(target=run) for _ in range(int(threads))]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    print(len(made), flush=True)


def hold_lease(_: str, url: str, micros: str, ttl_seconds: str) -> None:
    """Admit two calls of a lease, use one of them, and wait to be killed."""
    with Allowance(url, os.environ["ALLOWANCE_TOKEN"], on_unavailable="deny") as client:
        lease = client.lease(
            **CALL, micros=int(micros), ttl_seconds=int(ttl_seconds), report_seconds=0.1
        )
        with lease.call(estimate_micros=700):
            with lease.call(estimate_micros=700) as used:
                used.used(tokens={"input": 1})
            print("held", flush=True)
            sys.stdin.readline()


def queue_usage(name: str, url: str, path: str, turn: str) -> None:
    """Record into a queue on the disk, forever, and print the id of each record that is kept."""
    queue = SpillQueue(path)
    with Allowance(
        url, os.environ["ALLOWANCE_TOKEN"], on_unavailable="deny", spill=queue, timeout_seconds=0.3
    ) as client:
        n = 0
        while True:
            batch = [
                {
                    **CALL,
                    "source": "s",
                    "id": f"{turn}-{name}-{n + each}",
                    "occurred_at": datetime.now(UTC),
                    "tokens": {"input": 1_000},
                }
                for each in range(3)
            ]
            client.record(batch)
            n += 3
            print(name, flush=True)


def main(number: str, what: str, *parts: str) -> None:
    run = {"spend": spend_lease, "hold": hold_lease, "queue": queue_usage}[what]
    pids: list[int] = []
    for n in range(int(number)):
        if not (pid := os.fork()):
            run(str(n), *parts)
            sys.exit()
        pids.append(pid)
    failures = [os.waitpid(pid, 0)[1] for pid in pids]
    sys.exit(any(failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
