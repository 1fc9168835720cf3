"""RerateUsage: a price that appears or is corrected is booked as another entry, in the period of
the usage.
"""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, record, rerate, results

UNPRICED = "/api/v2/ai/usage/unpriced"
LEDGER = (
    "SELECT reason, corrects IS NULL, cost_micros, usage_count, unpriced_usage_count, "
    "input_tokens FROM ai_usage ORDER BY id"
)
SPEND = (
    "SELECT day::text, cost_micros::int, usage_count, unpriced_usage_count FROM "
    "ai_spend_daily ORDER BY day"
)


def test_a_price_that_appears_is_booked_on_the_day_of_the_usage_and_once(
    gateway: Client, database: Database
) -> None:
    results(
        gateway,
        record(model="new", occurred_at="2026-10-31T23:59:59.999999Z", tokens={"input": 1000}),
    )
    assert rerate() == {"examined": 1, "corrected": 0, "difference_micros": 0}
    seed(price("new", input_price=5_000_000))
    assert rerate() == {"examined": 1, "corrected": 1, "difference_micros": 5000}
    assert rerate() == {"examined": 1, "corrected": 0, "difference_micros": 0}
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
            "validations": [
                {
                    "field": "model",
                    "detail": "There is no price for what was used: the cost is not known yet.",
                }
            ],
        }
    ]


def test_a_price_that_is_corrected_backwards_books_the_difference_each_time(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(
        gateway,
        record(1, tokens={"input": 1000}),
        record(2, occurred_at="2026-11-01T00:00:00Z", tokens={"input": 1000}),
    )
    custom(acme, input_price=1_000_000, effective_from="2026-11-10T00:00:00Z")
    assert rerate() == {"examined": 2, "corrected": 1, "difference_micros": -1000}
    custom(acme, input_price=3_000_000, effective_from="2026-11-11T00:00:00Z")
    assert rerate() == {"examined": 2, "corrected": 1, "difference_micros": 2000}
    assert database.rows(SPEND) == [("2026-11-01", 2000, 1, 0), ("2026-11-20", 3000, 1, 0)]
    assert [each[2] for each in database.rows(LEDGER)] == [2000, 2000, -1000, 2000]
    assert_sums_agree(database)


def test_two_runs_at_once_book_a_correction_once(gateway: Client, database: Database) -> None:
    results(gateway, *(record(n, model="new", tokens={"input": 1000}) for n in range(30)))
    seed(price("new", input_price=5_000_000))
    from concurrent.futures import ThreadPoolExecutor

    from allowance.access.gate import Gate
    from allowance.access.store import Origin
    from allowance.rbac.system import USAGE_RERATER
    from allowance.usage.rerating import UsageRerater
    from tests.ledger import connection_of

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


def test_more_than_a_page_is_rated(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.rerating.PAGE", 7)
    moments = [f"2026-11-{1 + n % 3:02}T{n % 5:02}:00:00Z" for n in range(50)]
    results(
        gateway,
        *(
            record(n, model="new", occurred_at=each, tokens={"input": 1000})
            for n, each in enumerate(moments)
        ),
    )
    seed(price("new", input_price=5_000_000))
    assert rerate() == {"examined": 50, "corrected": 50, "difference_micros": 250_000}
    assert_sums_agree(database)


def test_what_has_no_price_is_listed_by_model_until_it_has_one(
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
def test_page_by_page_each_model_comes_once_be_there_as_much_of_it_as_of_others(
    gateway: Client, limit: int
) -> None:
    # Names that differ in case only, and in what sorts by other rules elsewhere.
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
    "parts", ["x", "\u00e9", {}, 7, [], [1, "p"], ["1", "p", "m"], [1.5, "p", "m"], [True, "p", "m"], [0, "p", "m"],
              [1 << 63, "p", "m"], [1, "p", "a\x00b"], [1, "p", None], [1, "p", "m", "m"]],
)  # fmt: skip
def test_a_cursor_that_no_page_gave_is_refused(gateway: Client, parts: object) -> None:
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
