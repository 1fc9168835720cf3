"""How recording finds users by their names: by index, however few there are."""

import psycopg

from allowance.database.adapters import adapt
from allowance.database.queries import queries
from allowance.usage.look_ups import call_of_users
from tests.people import Acme
from tests.plans import tables_scanned
from tests.postgres import Database

NAMES = ["maya", "otto", "Maya@acme.example", "nobody", "00000000-0000-0000-0000-000000000009"]


def test_names_are_looked_up_by_index_however_few_users_there_are(
    acme: Acme, database: Database
) -> None:
    assert acme.users
    query = call_of_users(NAMES)
    with psycopg.connect(database.app_url) as app:
        adapt(app)
        rows = app.execute(queries()[query.query].sql, query.parameters).fetchall()
        assert {row[0] for row in rows} >= {"maya", "otto"}
        assert "users" not in tables_scanned(app)
