"""From one row per price to versions: what was there is carried over, and the code of the version
before still works.
"""

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import seed_prices
from migrations.migrate import MIGRATIONS, migrate
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database, Server
from tests.price_books import counts, price, rows, seed, versions

SEED_OF_THE_VERSION_BEFORE = """
WITH book AS (
    SELECT p.provider, p.model, p.input_price, p.output_price, p.cache_read_price, p.cache_write_price
    FROM jsonb_to_recordset(%(book)s::jsonb -> 'prices') AS p (
        provider text, model text,
        input_price bigint, output_price bigint, cache_read_price bigint, cache_write_price bigint
    )
),
written AS (
    INSERT INTO ai_model_prices AS p (
        provider, model, source, input_price, output_price, cache_read_price, cache_write_price
    )
    SELECT b.provider, b.model, 'default', b.input_price, b.output_price, b.cache_read_price, b.cache_write_price
    FROM book AS b
    ORDER BY b.provider, b.model
    ON CONFLICT (provider, model, source) DO UPDATE
    SET input_price = excluded.input_price,
        output_price = excluded.output_price,
        cache_read_price = excluded.cache_read_price,
        cache_write_price = excluded.cache_write_price,
        updated_at = now()
    WHERE (p.input_price, p.output_price, p.cache_read_price, p.cache_write_price)
        IS DISTINCT FROM (excluded.input_price, excluded.output_price, excluded.cache_read_price, excluded.cache_write_price)
    RETURNING p.xmax = 0 AS inserted
)
SELECT
    count(*) FILTER (WHERE w.inserted) AS inserted,
    count(*) FILTER (WHERE NOT w.inserted) AS updated,
    (SELECT count(*) FROM book) - count(*) AS unchanged
FROM written AS w
"""


def seed_as_before(database: Database, *prices: dict[str, Any]) -> tuple[Any, ...] | None:
    with psycopg.connect(database.app_url, autocommit=True) as app:
        return app.execute(
            SEED_OF_THE_VERSION_BEFORE, {"book": json.dumps({"prices": prices})}
        ).fetchone()


@pytest.fixture
def before(server: Server, tmp_path: Path) -> Generator[Database]:
    """The schema of the version before, with a default and a custom price."""
    for path in sorted(MIGRATIONS.glob("000[1-4]_*.sql")):
        shutil.copy(path, tmp_path)
    with server.database() as database:
        with database.connect() as owner:
            migrate(owner, tmp_path)
        database.run(
            "INSERT INTO ai_model_prices VALUES ('p', 'm', 'default', 10, 20), ('p', 'm', 'custom', 5, NULL)"
        )
        with environment(DATABASE_URL=database.app_url):
            yield database


def test_the_prices_of_before_are_versions_that_always_counted(before: Database) -> None:
    with before.connect() as owner:
        migrate(owner)
    assert rows(before) == [
        ("p", "m", "custom", 5, None, None, None, None),
        ("p", "m", "default", 10, 20, None, None, None),
    ]
    assert [row[1] for row in versions(before)] == [None, None]


def test_a_seeding_of_the_version_before_still_works_and_becomes_versions(
    empty_database: Database,
) -> None:
    assert seed_as_before(
        empty_database, price("a", input_price=10), price("b", input_price=20)
    ) == (2, 0, 0)
    assert seed_as_before(
        empty_database, price("a", input_price=11), price("b", input_price=20)
    ) == (0, 1, 1)
    assert [row[2] for row in versions(empty_database, "a")] == [10, 11]
    assert seed(price("a", input_price=11), price("b", input_price=20)) == counts(unchanged=2)


def test_what_the_version_before_changes_after_a_rollback_is_told_and_put_right(
    empty_database: Database,
) -> None:
    seed_prices.handler({}, Context())
    ((provider, model, input_price),) = empty_database.rows(
        "SELECT provider, model, input_price FROM ai_model_prices_at(now()) WHERE tiers <> '[]' AND input_price > 0 LIMIT 1"
    )
    seed_as_before(
        empty_database, {"provider": provider, "model": model, "input_price": input_price * 2}
    )
    audited = "SELECT actor_name, action, before -> 'input_price', after -> 'input_price' FROM audit_log ORDER BY id DESC LIMIT 1"
    assert empty_database.rows(audited) == [
        ("the version before", "update", input_price, input_price * 2)
    ]
    assert seed_prices.handler({}, Context())["updated"] == 1, (
        "the file is the same, but the prices were not"
    )
    now = "SELECT input_price, tiers <> '[]' FROM ai_model_prices_at(now()) WHERE provider = %s AND model = %s"
    assert empty_database.rows(now, provider, model) == [(input_price, True)]


def test_what_is_seeded_now_is_seen_by_the_version_before(empty_database: Database) -> None:
    one_hour = price("c", cache_write_1h_price=3)
    seed(price("a", input_price=10), price("b", input_price=20), one_hour)
    seed(price("a", input_price=11))
    assert seed_as_before(
        empty_database, price("a", input_price=11), price("b", input_price=20)
    ) == (0, 0, 2)
    assert len(versions(empty_database, "a")) == 2, "neither table repeats what came from the other"


def test_a_version_can_be_added_but_never_changed_by_the_application(
    empty_database: Database,
) -> None:
    seed(price(input_price=10))
    with psycopg.connect(empty_database.app_url, autocommit=True) as app:
        for statement in (
            "UPDATE ai_model_price_versions SET input_price = 1",
            "DELETE FROM ai_model_price_versions",
            "TRUNCATE ai_model_price_versions",
            "UPDATE ai_model_price_changes_held SET proposed = '{}'",
            "DELETE FROM ai_model_price_changes_held",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'p', 'm', 'other', now(), 1, false, false", "source"),
        ("'p', 'm', 'default', 'infinity', 1, false, false", "effective_from"),
        ("'p', 'm', 'default', now(), -1, false, false", "input_price"),
        ("'p', 'm', 'default', now(), 1000000000001, false, false", "input_price"),
        ("'p', 'm', 'default', now(), NULL, false, false", "at_least_one"),
        ("'p', 'm', 'custom', now(), 1, true, false", "at_least_one"),
        ("'p', 'm', 'default', now(), NULL, true, false", "only_custom_is_removed"),
        ("'p', 'm', 'custom', now(), 1, false, true", "only_default_is_withdrawn"),
        ("'', 'm', 'custom', now(), 1, false, false", "provider_length"),
    ],
)
def test_the_schema_refuses_what_no_price_can_be(
    empty_database: Database, values: str, constraint: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        empty_database.run(
            "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, removed, withdrawn, origin)"
            f" VALUES ({values}, 'test')"
        )
    assert caught.value.diag.constraint_name == f"ai_model_price_versions_{constraint}"
