"""What a query reads. Blocks depend on the data, times on how busy the machine is."""

from typing import Any

import psycopg

from allowance.database.queries import queries


def blocks_read(session: psycopg.Connection[Any], query: str, **parameters: Any) -> int:
    """The blocks of 8 kB that a query reads, those of the functions that it calls included.

    The first run in a session reads some more, of the catalog.
    """
    statement = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queries()[query].sql
    row = session.execute(statement, parameters).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
