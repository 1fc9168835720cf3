"""Measure seeding the shipped book, against a bare insert of its rows and the promised time: `make
bench`.
"""

import importlib
import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg

from allowance.access.session import WARM
from allowance.rbac.system import Login
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
FIRST_SECONDS, UNCHANGED_SECONDS = 2.0, 0.3
"""The promised times, on two cores that Postgres shares."""

BARE_INSERT = (
    "INSERT INTO bare SELECT p ->> 'provider', p ->> 'model', p"
    " FROM jsonb_array_elements(%s::jsonb -> 'prices') AS p"
)


def median(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Return the median seconds of the work, without the preparation."""
    times: list[float] = []
    for _ in range(RUNS):
        before()
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    sys.path.append(str(ROOT / "functions"))
    seed_prices: Any = importlib.import_module("seed_prices")
    document = (ROOT / "functions" / "prices.json").read_text()
    password = secrets.token_hex(16)
    with (
        EmbeddedPostgres(durable=True) as server,
        psycopg.connect(server.url, autocommit=True) as owner,
    ):
        migrate(owner, passwords=dict.fromkeys(Login, password))
        parts = urlsplit(server.url)
        address = parts.netloc.rpartition("@")[2]
        os.environ["DATABASE_URL"] = parts._replace(netloc=f":{password}@{address}").geturl()
        owner.execute(
            "CREATE TABLE bare (provider text, model text, price jsonb,"
            " PRIMARY KEY (provider, model, price))"
        )
        context = SimpleNamespace(aws_request_id="bench")
        empty = "TRUNCATE ai_model_price_versions, ai_model_price_changes_held, audit_log, bare"

        def seed() -> object:
            return seed_prices.handler({}, context)

        def forget() -> None:
            owner.execute(empty.encode())
            owner.execute("UPDATE ai_price_book SET etag = NULL, location = NULL")

        seed()
        figures = {
            "a bare insert of the same rows": median(
                lambda: owner.execute(BARE_INSERT, [document]), forget
            ),
            "the first seeding": median(seed, forget),
            "another book with the same prices": median(
                seed, lambda: owner.execute("UPDATE ai_price_book SET etag = NULL")
            ),
            "the same book": median(seed),
        }
        for each in WARM.values():
            each.close()
    bare = figures["a bare insert of the same rows"]
    print(f"{'seeding':40}{'ms':>7}{'ratio':>8}")
    for label, taken in figures.items():
        print(f"{label:40}{taken * 1000:7.0f}{taken / bare:8.2f}")
    print(
        f"share of the promised time: first {figures['the first seeding'] / FIRST_SECONDS:.2f}",
        end=", ",
    )
    print(f"unchanged {figures['another book with the same prices'] / UNCHANGED_SECONDS:.2f}")


if __name__ == "__main__":
    main()
