"""Usage of nobody: what is listed of it, what is rejected, and where totals show it."""

import csv
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.unattributed import COST, assign, listed, spent
from tests.usage import failed, message, record, rerate, results

SOURCES = "/api/v2/ai/sources/litellm"
LOGGED = "UnattributedUsage"


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners assign."""
    return acme.client("olivia")


def set_source(olivia: Client, **settings: Any) -> None:
    assert olivia.put(SOURCES, {"cost_from": "book"} | settings).status == 200


def test_names_without_a_user_are_listed_with_their_sums(
    gateway: Client, olivia: Client, acme: Acme
) -> None:
    early, late = "2026-11-02T10:00:00Z", "2026-11-20T10:00:00Z"
    results(
        gateway,
        record(1, user="kim", occurred_at=early),
        record(2, user="kim", model="new", requests=3, occurred_at=late),
        record(3, user="Kim"),
        record(4),
    )
    set_source(olivia, organization="acme")
    results(gateway, record(5, user="kim"))
    shared = {"source": "litellm", "unpriced_usage_count": 0, "cost_micros": COST, "usage_count": 1}
    place = {"id": str(acme.organizations["acme"]), "name": "acme"}
    found = listed(gateway)
    assert found["total"] == {"usage_count": 6, "unpriced_usage_count": 3, "cost_micros": 3 * COST}
    assert found["next"] is None
    assert [
        (each["name"], each["organization"], each["usage_count"]) for each in found["names"]
    ] == [
        ("kim", None, 4),
        ("Kim", None, 1),
        ("kim", place, 1),
    ]
    first, second, _ = found["names"]
    assert second.items() >= shared.items()
    assert second["assigned_to"] is None
    assert (
        first.items()
        >= {
            "unpriced_usage_count": 3,
            "cost_micros": COST,
            "first_occurred_at": "2026-11-02T10:00:00.000000Z",
            "last_occurred_at": "2026-11-20T10:00:00.000000Z",
        }.items()
    )


def test_pages_of_names_follow_each_other(gateway: Client) -> None:
    results(gateway, *(record(n, user=f"kim-{n % 5}", source=f"s{n % 2}") for n in range(12)))
    whole = listed(gateway)["names"]
    assert len(whole) == 10
    paged, after = list[Any](), ""
    while True:
        page = listed(gateway, f"?limit=3{after}")
        paged += page["names"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert paged == whole
    assert gateway.get("/api/v2/ai/usage/unattributed?after=x").status == 400


def test_a_price_that_appears_later_is_in_the_sums_of_a_name(
    gateway: Client, database: Database
) -> None:
    results(gateway, record(1, user="kim", model="new"), record(2, user="kim"))
    seed(price(model="new", input_price=1_000_000, output_price=0))
    rerate()
    (name,) = listed(gateway)["names"]
    assert (name["unpriced_usage_count"], name["cost_micros"]) == (0, COST + 1000)
    assert_sums_agree(database)


def test_a_source_that_denies_unknown_users_rejects_their_usage(
    gateway: Client, olivia: Client, database: Database
) -> None:
    set_source(olivia, unknown_users="deny")
    assign(olivia, "lee", "maya")
    found = results(gateway, record(1, user="kim"), record(2, user="lee"), record(3))
    assert [each["status"] for each in found] == ["rejected", "recorded", "recorded"]
    ((problem),) = found[0]["validations"]
    assert problem["field"] == "user"
    assert "litellm" in problem["detail"]
    assert listed(gateway)["names"] == []
    assert failed(message("1", record(4, user="kim"))) == ["1"]
    set_source(olivia, unknown_users="unattributed")
    assert results(gateway, record(1, user="kim"))[0]["status"] == "recorded"
    assert spent(database) == {"maya": 2 * COST, "nobody": COST}


def test_usage_of_nobody_is_counted_and_logged(
    gateway: Client,
    capsys: pytest.CaptureFixture[str],
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    results(gateway, record(1), record(2, user="kim"), record(3, user="lee"))
    assert '"UnattributedUsage":[2.0]' in capsys.readouterr().out
    assert [each["usages"] for each in logged() if each["message"] == LOGGED] == [2]
    results(gateway, record(1), record(2, user="kim"))
    assert "UnattributedUsage" not in capsys.readouterr().out
    failed(message("1", record(4, user="kim")))
    written = capsys.readouterr().out
    assert '"UnattributedUsage":[1.0]' in written
    assert "kim" not in f"{written}{logged()}"


def test_exports_of_an_organization_show_usage_of_nobody(
    gateway: Client, olivia: Client, adam: Client, acme: Acme
) -> None:
    set_source(olivia, organization="acme")
    results(gateway, record(1, user="kim"), record(2, user="lee", model="new"), record(3))
    path = "/api/v2/organizations/acme/ai/spend/export?month=2026-11&format="
    spend, focus = (
        list(csv.DictReader(adam.get(path + each).body.splitlines())) for each in ("spend", "focus")
    )
    nobody, maya = sorted(spend, key=lambda row: row["user_id"] != str(UUID(int=0)))
    assert (nobody["username"], nobody["cost_usd"], nobody["usage_count"]) == (
        "",
        "0.003000000000",
        "2",
    )
    assert (maya["username"], maya["user_id"]) == ("maya", str(acme.users["maya"]))
    of_nobody = [row for row in focus if not row["SubAccountId"]]
    assert {row["BillingAccountName"] for row in of_nobody} == {"acme"}
    assert sum(Decimal(row["BilledCost"]) for row in of_nobody) == Decimal("0.003")
