"""Measure how many calls a gateway of 32 threads decides with a lease, and with a reservation for
each call: `make bench-lease`.

Both decide and report: the time ends when the ledger has every usage. The service is the handlers
over HTTP, in processes on this machine, so the client, the service and Postgres share its cores.
The two ways take turns. Each call states tokens, and uses a half of its estimate.
"""

import importlib
import os
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg

from allowance.rbac.system import Login
from allowance_client import Allowance
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate
from tests.served import workers

THREADS = 32
SECONDS = float(os.environ.get("SECONDS") or 5)
ROUNDS = 3
WORKERS = 2
DIRECTORY = {
    "organizations": [{"name": "acme", "is_default": True}],
    "users": [
        {"username": "maya", "organizations": [{"name": "acme"}]},
        {"username": "nora", "roles": ["gateway"]},
    ],
    "tokens": [{"username": "nora", "name": "bench"}],
}
PRICES = {
    "prices": [
        {"provider": "p", "model": "m", "input_price": 2_000_000, "output_price": 10_000_000}
    ]
}
CALL = {"user": "maya", "provider": "p", "model": "m"}
ESTIMATE = {"input": 1000, "output": 100}
USED = {"input": 500, "output": 50}
LEASE_MICROS = 10_000_000
AT_LEAST = 20


def reserving(client: Allowance) -> None:
    """One call with a reservation of its own."""
    with client.call(**CALL, estimate={"tokens": ESTIMATE}) as call:  # type: ignore[arg-type]
        call.used(tokens=USED)


def decided(one_call: Callable[[], None]) -> tuple[int, float]:
    """Return how many calls all threads decided in SECONDS, and the 99th hundredth of their
    durations in milliseconds.
    """
    durations: list[list[float]] = [[] for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def run(mine: list[float]) -> None:
        start.wait()
        end = time.perf_counter() + SECONDS
        while (begun := time.perf_counter()) < end:
            one_call()
            mine.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=run, args=(each,)) for each in durations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [each for of_thread in durations for each in of_thread]
    return len(found), statistics.quantiles(found, n=100)[98] * 1000


def measured(client: Allowance, *, leased: bool) -> tuple[int, float, float]:
    """Return the calls, the seconds until all are reported, and the slow hundredth of durations."""
    started = time.perf_counter()
    if leased:
        with client.lease(**CALL, micros=LEASE_MICROS) as lease:

            def one_call() -> None:
                with lease.call(tokens=ESTIMATE) as call:
                    call.used(tokens=USED)

            calls, slow = decided(one_call)
    else:
        calls, slow = decided(lambda: reserving(client))
    return calls, time.perf_counter() - started, slow


def populate(url: str) -> str:
    """Import a directory and a price, and return the token of a gateway."""
    os.environ["DATABASE_URL"] = url
    context = SimpleNamespace(aws_request_id="bench")
    for name, event in (("import_directory", DIRECTORY), ("seed_prices", PRICES)):
        found = importlib.import_module(name).handler(event, context)
        if name == "import_directory":
            token: str = found["tokens"]["nora/bench"]
    return token


def main() -> None:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "functions"))
    password = secrets.token_hex(16)
    with (
        EmbeddedPostgres(durable=True) as server,
        psycopg.connect(server.url, autocommit=True) as owner,
    ):
        migrate(owner, passwords=dict.fromkeys(Login, password))
        parts = urlsplit(server.url)
        address = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=f":{password}@{address}").geturl()
        token = populate(url)
        owner.execute("INSERT INTO group_ai_budgets SELECT id, 1000000000000 FROM organizations")
        owner.execute("ANALYZE")
        with (
            workers(WORKERS, url) as serving,
            Allowance(serving.url, token, on_unavailable="deny", timeout_seconds=30) as client,
        ):
            compare(client, owner)


def compare(client: Allowance, owner: psycopg.Connection[Any]) -> None:
    """Print the figures of both ways. Raise AssertionError if a usage is missing, or if the lease
    is not AT_LEAST times as fast.
    """
    reserving(client)
    rates: dict[bool, list[float]] = {False: [], True: []}
    total = 1
    print(f"{'':28}{'calls':>9}{'a second':>10}{'p99 ms':>9}")
    for _ in range(ROUNDS):
        for leased, label in ((False, "a reservation for each call"), (True, "a lease")):
            calls, seconds, slow = measured(client, leased=leased)
            total += calls
            rates[leased].append(calls / seconds)
            print(f"{label:28}{calls:9,}{calls / seconds:10,.0f}{slow:9.2f}", flush=True)
    ((recorded,),) = owner.execute("SELECT count(*) FROM ai_usage").fetchall()
    if recorded != total:
        raise AssertionError(f"{recorded} of {total} usages are recorded.")
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"With a lease, {THREADS} threads decide {ratio:.0f} times as many calls a second.")
    if ratio < AT_LEAST:
        raise AssertionError(f"That is less than {AT_LEAST} times as many.")


if __name__ == "__main__":
    sys.exit(main())
