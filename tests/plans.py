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


def tables_scanned(session: psycopg.Connection[Any]) -> set[str]:
    """The tables that the transaction has read from end to end, also by functions."""
    rows = session.execute("SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0")
    return {name for (name,) in rows}
