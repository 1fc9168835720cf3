"""Changes of one usage at the same time: each counts once, and nothing doubles."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from allowance.access.gate import Gate
from allowance.errors import UsageKeyTaken
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_INGESTER, USAGE_RERATER, Login
from allowance.usage import attributing, corrections
from allowance.usage.attributing import attribute
from allowance.usage.recording import record as record_usage
from allowance.usage.records import key_digest_of
from allowance.usage.store import ANYBODY
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import expire, record, rerate, results

TOTAL = "SELECT coalesce(sum(cost_micros), 0)::int, sum(usage_count)::int FROM ai_usage"
VOID = {"source": "litellm", "id": "call-1", "void": True}
COST = 3000


def amended(tokens: int, **more: Any) -> dict[str, Any]:
    return record(amends=True, tokens={"input": tokens}, **more)


def statuses_after(
    database: Database, meanwhile: Callable[[], object], *sent: dict[str, Any]
) -> list[str]:
    """Record as the queue does; something else happens once between the look-up and the write."""
    connection = connection_of(database)
    looks = connection.batch
    todo = [meanwhile]

    def then(*calls: Any) -> Any:
        found = looks(*calls)
        if todo:
            todo.pop()()
        return found

    connection.batch = then  # type: ignore[method-assign]
    db = Gate(USAGE_INGESTER.subject, connection).open(Action.CREATE, USAGE)
    return [each.status for each in record_usage(db, sent, datetime.now(UTC), ANYBODY)]


@pytest.mark.parametrize(
    ("meanwhile", "sent", "status", "total"),
    [
        (amended(500), amended(600), "amended", (1200, 1)),
        (amended(600), amended(600), "duplicate", (1200, 1)),
        (amended(500, revision=3), amended(600, revision=2), "duplicate", (1000, 1)),
        (VOID, amended(600), "conflict", (0, 0)),
        (amended(600), VOID, "voided", (0, 0)),
        (VOID, VOID, "duplicate", (0, 0)),
        (amended(600), record(), "duplicate", (1200, 1)),
    ],
)
def test_a_change_that_comes_between_is_seen(
    gateway: Client,
    database: Database,
    meanwhile: dict[str, Any],
    sent: dict[str, Any],
    status: str,
    total: tuple[int, int],
) -> None:
    results(gateway, record())
    assert statuses_after(database, lambda: results(gateway, meanwhile), sent) == [status]
    assert database.rows(TOTAL) == [total]
    assert_sums_agree(database)


def test_a_second_change_is_not_behind_the_first(gateway: Client, database: Database) -> None:
    """Each change takes the next number, so one from an old look-up fails, and looks again."""
    results(gateway, record(), amended(1, revision=1))
    revised = amended(600, revision=2)
    assert statuses_after(
        database, lambda: results(gateway, amended(500, revision=3)), revised
    ) == ["duplicate"]
    assert database.rows(TOTAL) == [(1000, 1)]


def test_a_price_that_is_booked_between_is_taken_back(gateway: Client, database: Database) -> None:
    results(gateway, record(model="new"))
    seed(price("new", input_price=2_000_000, output_price=10_000_000))
    assert statuses_after(database, rerate, amended(7, model="new")) == ["amended"]
    assert database.rows(TOTAL) == [(14, 1)]
    assert_sums_agree(database)


def test_an_amendment_between_leaves_nothing_to_rerate(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(gateway, record(model="new"))
    seed(price("new", input_price=2_000_000, output_price=10_000_000))
    written, todo = corrections.write, [amended(7, model="new")]

    def amend_first(*given: Any) -> None:
        if todo:
            results(gateway, todo.pop())
        written(*given)

    monkeypatch.setattr(corrections, "write", amend_first)
    assert rerate()["corrected"] == 0
    assert database.rows(TOTAL) == [(14, 1)]
    assert_sums_agree(database)


def test_an_amendment_between_is_not_attributed_again(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(gateway, record(user="kim"), record(2, user="kim"))
    written, todo = attributing.write, [record(amends=True)]

    def amend_first(*given: Any, **more: Any) -> None:
        if todo:
            results(gateway, todo.pop())
        written(*given, **more)

    monkeypatch.setattr(attributing, "write", amend_first)
    db = Gate(USAGE_RERATER.subject, connection_of(database)).open(Action.UPDATE, USAGE)
    assert sum(attribute(db, "litellm", "kim", acme.users["otto"])) == 1
    assert database.rows(
        "SELECT u.username, s.cost_micros::int FROM ai_user_spend_monthly AS s"
        " JOIN users AS u ON u.id = s.user_id ORDER BY 1"
    ) == [("maya", COST), ("otto", COST)]
    assert_sums_agree(database)


def test_a_month_dropped_between_is_named(gateway: Client, database: Database) -> None:
    results(gateway, record(occurred_at="2026-01-10T10:00:00Z"))
    assert statuses_after(database, lambda: expire(database, 1), VOID) == ["rejected"]


def test_an_amendment_that_always_loses_gives_up(gateway: Client, database: Database) -> None:
    results(gateway, record())
    connection = connection_of(database)
    looks, numbers = connection.batch, iter(range(1, 99))

    def then_amended(*calls: Any) -> Any:
        found = looks(*calls)
        results(gateway, amended(next(numbers)))
        return found

    connection.batch = then_amended  # type: ignore[method-assign]
    db = Gate(USAGE_INGESTER.subject, connection).open(Action.CREATE, USAGE)
    with pytest.raises(UsageKeyTaken):
        record_usage(db, [VOID], datetime.now(UTC), ANYBODY)
    assert database.rows(TOTAL)[0][1] == 1


TAKE_BACK = """
SELECT record_ai_usage(
    p_kinds => '[]', p_label_sets => '[]', p_label_sets_of => '{}', p_user_ids => '{}',
    p_group_ids => '{}', p_organization_ids => '{}', p_ids => '', p_key_digests => '{}',
    p_content_sha256s => '{}', p_moments => '{}', p_persons => '{}', p_kinds_of => '{}',
    p_input_tokens => '{}', p_output_tokens => '{}', p_cache_read_tokens => '{}',
    p_cache_write_tokens => '{}', p_cache_write_1h_tokens => '{}', p_other_units => '',
    p_costs => '{}', p_large_costs => '', p_stated_costs => '', p_stated_differences => '',
    p_corrects => '{}', p_extra_counts => '{}', p_unpriced_counts => '{}',
    p_limited_user_ids => '{}', p_spend_limits => '{}', p_thresholds => '{}',
    p_settlements => NULL, p_changes => jsonb_build_array(
        jsonb_build_object('key_digest', %s::uuid, 'number', %s, 'reason', %s::text)
    )
)
"""


@pytest.mark.parametrize(
    ("number", "reason"), [(1, "void"), (2, "void"), (3, "void"), (2, "amend"), (2, "attribute")]
)
def test_a_session_of_routes_takes_back_what_is_booked_alone(
    gateway: Client, database: Database, number: int, reason: str
) -> None:
    """The second void of a usage, and one of a number that is no next one, fail."""
    results(gateway, record(), amended(500))
    digest = key_digest_of("litellm", "call-1").hex()
    with psycopg.connect(database.url_of(Login.ROUTES), autocommit=True) as routes:
        if (number, reason) == (2, "void"):
            routes.execute(TAKE_BACK.encode(), (digest, number, reason))
        with pytest.raises((psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation)):
            routes.execute(TAKE_BACK.encode(), (digest, number, reason))
    assert_sums_agree(database)
    assert database.rows("SELECT min(cost_micros) >= 0 FROM ai_user_spend_monthly") == [(True,)]
