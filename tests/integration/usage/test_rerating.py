"""RerateUsage: a new or corrected price adds another entry in the period of the usage."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.rbac.system import USAGE_RERATER
from allowance.usage.models import NO_PRICE
from allowance.usage.rerating import UsageRerater
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, record, rerate, rerated, results

UNPRICED = "/api/v2/ai/usage/unpriced"
LEDGER = (
    "SELECT reason, corrects IS NULL, cost_micros, usage_count, unpriced_usage_count, "
    "input_tokens FROM ai_usage ORDER BY id"
)
SPEND = (
    "SELECT day::text, cost_micros::int, usage_count, unpriced_usage_count FROM "
    "ai_spend_daily ORDER BY day"
)


def test_a_new_price_is_booked_once_on_the_day_of_the_usage(
    gateway: Client, database: Database
) -> None:
    results(
        gateway,
        record(model="new", occurred_at="2026-10-31T23:59:59.999999Z", tokens={"input": 1000}),
    )
    assert rerate() == rerated()
    seed(price("new", input_price=5_000_000))
    assert rerate() == rerated(1, 1, 5000)
    assert rerate() == rerated()
    assert database.rows(LEDGER) == [
        ("usage", True, None, 1, 1, 1000),
        ("rerate", False, 5000, 0, -1, 0),
    ]
    assert database.rows(SPEND) == [("2026-10-31", 5000, 1, 0)]
    assert_sums_agree(database)
    assert results(
        gateway,
        record(model="new", occurred_at="2026-10-31T23:59:59.999999Z", tokens={"input": 1000}),
    ) == [
        {
            "status": "duplicate",
            "cost_micros": None,
            "priced": False,
            "attributed": True,
            "validations": [each.model_dump() for each in NO_PRICE],
        }
    ]


def test_each_retroactive_price_correction_books_the_difference(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(
        gateway,
        record(1, tokens={"input": 1000}),
        record(2, occurred_at="2026-11-01T00:00:00Z", tokens={"input": 1000}),
    )
    custom(acme, input_price=1_000_000, effective_from="2026-11-10T00:00:00Z")
    assert rerate() == rerated(2, 1, -1000)
    custom(acme, input_price=3_000_000, effective_from="2026-11-11T00:00:00Z")
    # The second change concerns usage from the 11th on.
    assert rerate() == rerated(1, 1, 2000)
    assert database.rows(SPEND) == [("2026-11-01", 2000, 1, 0), ("2026-11-20", 3000, 1, 0)]
    assert [each[2] for each in database.rows(LEDGER)] == [2000, 2000, -1000, 2000]
    assert_sums_agree(database)


def test_concurrent_runs_book_a_correction_once(gateway: Client, database: Database) -> None:
    results(gateway, *(record(n, model="new", tokens={"input": 1000}) for n in range(30)))
    seed(price("new", input_price=5_000_000))

    def run(_: int) -> int:
        connection = connection_of(database)
        try:
            counts = UsageRerater(
                Gate(USAGE_RERATER.subject, connection), Origin(None, "test", "test")
            ).rerate()
        finally:
            connection.close()
        return counts.corrected

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 30
    assert database.rows(SPEND) == [("2026-11-20", 150_000, 30, 0)]
    assert_sums_agree(database)


def test_more_than_one_page_is_rerated(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.passes.PAGE", 7)
    moments = [f"2026-11-{1 + n % 3:02}T{n % 5:02}:00:00Z" for n in range(50)]
    results(
        gateway,
        *(
            record(n, model="new", occurred_at=each, tokens={"input": 1000})
            for n, each in enumerate(moments)
        ),
    )
    seed(price("new", input_price=5_000_000))
    assert rerate() == rerated(50, 50, 250_000)
    assert_sums_agree(database)


def test_unpriced_usage_is_listed_by_model_until_it_has_a_price(
    gateway: Client, acme: Acme, database: Database
) -> None:
    moments = ["2026-11-20T10:59:59Z", "2026-11-21T00:00:00+02:00"]
    results(
        gateway,
        *(record(n, model="new", occurred_at=each) for n, each in enumerate(moments)),
        record(3, model="other"),
    )
    database.run("UPDATE users SET roles = '{auditor}' WHERE username = 'otto'")
    answer = acme.client("otto").get(UNPRICED)
    assert (answer.status, answer.json()["models"][0]) == (
        200,
        {
            "provider": "p",
            "model": "new",
            "unpriced_usage_count": 2,
            "unread_usage_count": 0,
            "first_hour": "2026-11-20T10:00:00.000000Z",
            "last_hour": "2026-11-20T22:00:00.000000Z",
        },
    )
    assert [each["model"] for each in gateway.get(f"{UNPRICED}?limit=1").json()["models"]] == [
        "new"
    ]
    seed(price("new", input_price=1, output_price=1))
    rerate()
    assert [each["model"] for each in gateway.get(UNPRICED).json()["models"]] == ["other"]
    assert acme.client("maya").get(UNPRICED).status == 404
    assert gateway.get(f"{UNPRICED}?limit=0").status == 400


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_list_each_model_once_also_where_counts_are_equal(
    gateway: Client, limit: int
) -> None:
    # Names that differ in case only, or that sort differently by other collations.
    used = {
        ("p", "a"): 2,
        ("p", "B"): 1,
        ("p", "b"): 1,
        ("P", "b"): 1,
        ("p", "ä-z"): 3,
        ("q", "a"): 2,
        ("p", "b/c"): 1,
    }
    named = [name for name, times in used.items() for _ in range(times)]
    batch = [
        record(n, provider=provider, model=model, occurred_at=f"2026-11-20T1{n % 2}:00:00Z")
        for n, (provider, model) in enumerate(named)
    ]
    results(gateway, *batch)
    seen: list[dict[str, Any]] = []
    after = ""
    for _ in range(10):
        page = gateway.get(f"{UNPRICED}?limit={limit}{after}").json()
        assert len(page["models"]) == limit or page["next"] is None
        seen += page["models"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    expected = sorted(used, key=lambda name: (-used[name], name))
    assert [(each["provider"], each["model"]) for each in seen] == expected
    assert [each["unpriced_usage_count"] for each in seen] == [used[name] for name in expected]


@pytest.mark.parametrize(
    "parts",
    [
        "x",
        "\u00e9",
        {},
        7,
        [],
        [1, "p"],
        ["1", "p", "m"],
        [1.5, "p", "m"],
        [True, "p", "m"],
        [0, "p", "m"],
        [1 << 63, "p", "m"],
        [1, "p", "a\x00b"],
        [1, "p", None],
        [1, "p", "m", "m"],
    ],
)
def test_a_forged_cursor_is_refused(gateway: Client, parts: object) -> None:
    after = (
        parts
        if isinstance(parts, str)
        else base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    )
    answer = gateway.get(f"{UNPRICED}?after={quote(after)}")
    assert (answer.status, answer.json()["validations"]) == (
        400,
        [{"field": "after", "detail": "Must be `next` of the page before."}],
    )
