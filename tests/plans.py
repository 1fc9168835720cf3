"""What a query reads. Blocks depend on the data, times on how busy the machine is."""

from typing import Any

import psycopg

from allowance.database.queries import queries
from tests.postgres import Database


def blocks_read(database: Database, query: str, **parameters: Any) -> int:
    """The blocks of 8 kB that a query reads, those of the functions that it calls included."""
    with psycopg.connect(database.app_url) as app:
        statement = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queries()[query].sql
        app.execute(statement, parameters)  # Fills the caches of the session.
        row = app.execute(statement, parameters).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
