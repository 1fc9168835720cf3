"""The schema of prices: what the application may write, what a version must be, and the view of the
prices in effect.
"""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from allowance.rbac.system import Login
from tests.postgres import Database
from tests.price_books import price, seed

VIEW = (
    "SELECT source, input_price, output_price, cache_read_price, cache_write_price"
    " FROM ai_model_prices"
)
INSERT = (
    "INSERT INTO ai_model_price_versions"
    " (provider, model, source, effective_from, input_price, removed, withdrawn, named, origin)"
)


def add_version(
    database: Database,
    input_price: int | None,
    *,
    source: str = "custom",
    effective_from: datetime | str = "-infinity",
    removed: bool = False,
    withdrawn: bool = False,
) -> datetime:
    """Add a version of p/m and return when it was recorded."""
    ((recorded_at,),) = database.rows(
        f"{INSERT} VALUES ('p', 'm', %s, %s, %s, %s, %s, %s, 'test') RETURNING recorded_at",
        source, effective_from, input_price, removed, withdrawn,
        ["input_price"] if source == "custom" else [],
    )  # fmt: skip
    return recorded_at


def test_the_view_shows_custom_and_default_prices_in_effect(empty_database: Database) -> None:
    seed(price(input_price=10, output_price=20, cache_read_price=1, cache_write_price=12))
    now = datetime.now(UTC)
    add_version(empty_database, 4)
    add_version(empty_database, 5, effective_from=now - timedelta(hours=1))
    add_version(empty_database, 6, effective_from=now + timedelta(hours=1))
    assert empty_database.rows(f"{VIEW} WHERE (provider, model) = ('p', 'm') ORDER BY source") == [
        ("custom", 5, 20, 1, 12),
        ("default", 10, 20, 1, 12),
    ]


def test_the_view_leaves_out_removed_prices_and_keeps_withdrawn_ones(
    empty_database: Database,
) -> None:
    add_version(empty_database, 5)
    add_version(empty_database, None, effective_from=datetime.now(UTC), removed=True)
    add_version(empty_database, 10, source="default")
    add_version(
        empty_database, 10, source="default", effective_from=datetime.now(UTC), withdrawn=True
    )
    assert empty_database.rows(VIEW) == [("default", 10, None, None, None)]


def test_the_view_dates_the_first_price_and_the_price_in_effect(empty_database: Database) -> None:
    first = add_version(empty_database, 4)
    add_version(empty_database, 9, source="default")
    in_effect = add_version(empty_database, 5, effective_from=datetime.now(UTC))
    dates = "SELECT created_at, updated_at FROM ai_model_prices WHERE source = 'custom'"
    assert empty_database.rows(dates) == [(first, in_effect)]


@pytest.mark.parametrize("login", [Login.ROUTES, Login.JOBS])
def test_a_login_adds_versions_and_changes_none(empty_database: Database, login: Login) -> None:
    seed(price(input_price=10))
    with psycopg.connect(empty_database.url_of(login), autocommit=True) as session:
        for statement in (
            "UPDATE ai_model_price_versions SET input_price = 1",
            "DELETE FROM ai_model_price_versions",
            "TRUNCATE ai_model_price_versions",
            "UPDATE ai_model_price_changes_held SET proposed = '{}'",
            "DELETE FROM ai_model_price_changes_held",
            "INSERT INTO ai_model_prices (provider) VALUES ('p')",
            "DELETE FROM ai_model_prices",
        ):
            with pytest.raises(psycopg.Error) as refused:
                session.execute(statement.encode())
            assert type(refused.value) in {
                psycopg.errors.InsufficientPrivilege,
                psycopg.errors.ObjectNotInPrerequisiteState,  # the view is not updatable
            }


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
def test_the_schema_refuses_an_invalid_version(
    empty_database: Database, values: str, constraint: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        empty_database.run(f"{INSERT} VALUES ({values}, '{{}}', 'test')")
    assert caught.value.diag.constraint_name == f"ai_model_price_versions_{constraint}"
