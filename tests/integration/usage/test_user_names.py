"""How recording finds users by their names: by index, however few there are."""

import psycopg

from allowance.database.adapters import adapt
from allowance.database.queries import queries
from allowance.usage.look_ups import call_of_users
from tests.people import Acme
from tests.postgres import Database

NAMES = ["maya", "otto", "Maya@acme.example", "nobody", "00000000-0000-0000-0000-000000000009"]


def test_names_are_looked_up_by_index_however_few_users_there_are(
    acme: Acme, database: Database
) -> None:
    assert acme.users
    query = call_of_users(NAMES)
    with psycopg.connect(database.app_url) as app:
        adapt(app)
        before = seq_scans(app)
        rows = app.execute(queries()[query.query].sql, query.parameters).fetchall()
        assert {row[0] for row in rows} >= {"maya", "otto"}
        assert seq_scans(app) == before


def seq_scans(app: psycopg.Connection) -> int:
    """Return how often the transaction has read all of the users."""
    row = app.execute(
        "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'users'"
    ).fetchone()
    assert row is not None
    return row[0]
