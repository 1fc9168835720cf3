"""Numbers in the JSON of a query are as exact as those of a column."""

from decimal import Decimal

import psycopg
import pytest

from allowance.database.adapters import adapt
from tests.postgres import Database


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_a_number_in_json_loses_no_digit(database: Database, kind: str) -> None:
    amount = Decimal("9999999999999999.000001")
    with psycopg.connect(database.app_url) as app:
        adapt(app)
        found = app.execute(
            f"SELECT json_build_object('amount', %s::numeric, 'count', 3)::{kind}", (amount,)
        ).fetchone()
    assert found == ({"amount": amount, "count": 3},)
    assert isinstance(found[0]["count"], int)
