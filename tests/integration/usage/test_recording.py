"""POST /api/v2/ai/usage: one result per record, the price of its time, and one count."""

import pytest

from allowance.usage.models import CONFLICT
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.model_prices import confirmed
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import record, results

NOBODY = "00000000-0000-0000-0000-000000000000"


def test_a_record_is_priced_and_kept_with_its_rates(
    gateway: Client, acme: Acme, database: Database
) -> None:
    assert results(gateway, record()) == [
        {
            "status": "recorded",
            "cost_micros": 3000,
            "priced": True,
            "attributed": True,
            "validations": [],
        }
    ]
    ((*entry, rates),) = database.rows(
        "SELECT user_id, group_id, organization_id, provider, model, priced_provider,"
        " priced_model, input_tokens, output_tokens, cost_micros, reason, rates FROM ai_usage"
    )
    everyone = acme.organizations["acme"]
    assert entry == [
        acme.users["maya"],
        everyone,
        everyone,
        "p",
        "m",
        "p",
        "m",
        1000,
        100,
        3000,
        "usage",
    ]
    assert rates == {
        "input_price": 2_000_000,
        "output_price": 10_000_000,
        # Cached reads have no price of their own here, so they cost what input does.
        "cache_read_price": 2_000_000,
        "cache_write_price": None,
        "cache_write_1h_price": None,
    }
    assert_sums_agree(database)


def test_a_record_counts_against_the_group_of_the_effective_budget(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(gateway, record())
    assert database.rows("SELECT group_id, cost_micros FROM ai_spend_daily") == [
        (acme.groups["acme/platform"], 3000)
    ]


def test_a_user_without_an_organization_spends_for_no_group(
    gateway: Client, database: Database
) -> None:
    database.run("UPDATE organizations SET is_default = false")
    results(gateway, record(user="nora"))
    ((group, organization),) = database.rows("SELECT group_id, organization_id FROM ai_usage")
    assert (str(group), str(organization)) == (NOBODY, NOBODY)


def test_a_record_names_its_user_by_id_username_or_email(
    gateway: Client, acme: Acme, database: Database
) -> None:
    names = [
        str(acme.users["maya"]),
        str(acme.users["maya"]).upper(),
        "maya",
        "Maya@ACME.example",
        "nobody",
        "a@b.c",
    ]
    found = results(gateway, *(record(number, user=name) for number, name in enumerate(names)))
    assert [each["status"] for each in found] == ["recorded"] * 6
    assert [each["attributed"] for each in found] == [True] * 4 + [False] * 2
    assert {str(user) for (user,) in database.rows("SELECT user_id FROM ai_usage")} == {
        str(acme.users["maya"]),
        NOBODY,
    }


def test_usage_of_a_deleted_user_is_still_recorded(gateway: Client, database: Database) -> None:
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'maya'")
    found = results(gateway, record(), record(2, user="maya@acme.example"))
    assert [(each["status"], each["attributed"]) for each in found] == [
        ("recorded", True),
        ("recorded", False),
    ]


def test_the_same_content_is_a_duplicate_and_other_content_a_conflict(
    gateway: Client, database: Database
) -> None:
    first = results(gateway, record())
    again = results(
        gateway,
        record(),
        record(tokens={"input": 1}),
        record(occurred_at="2026-11-20T12:00:00+02:00"),
    )
    assert [each["status"] for each in again] == ["duplicate", "conflict", "duplicate"]
    assert again[0] == first[0] | {"status": "duplicate"}
    assert again[1]["validations"] == [each.model_dump() for each in CONFLICT.validations]
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]
    assert_sums_agree(database)


def test_a_retry_is_a_duplicate_after_user_and_price_change(
    gateway: Client, database: Database
) -> None:
    results(gateway, record(user="maya@acme.example"))
    database.run("UPDATE users SET status = 'deleted', email = NULL WHERE username = 'maya'")
    seed(price(input_price=2_100_000, output_price=10_000_000))
    assert [
        (each["status"], each["cost_micros"])
        for each in results(gateway, record(user="maya@acme.example"))
    ] == [("duplicate", 3000)]


def test_usage_without_a_price_is_recorded_without_a_cost(
    gateway: Client, database: Database
) -> None:
    found = results(
        gateway,
        record(1, model="unheard-of"),
        record(2, tokens={"cache_write": 5}),
        record(3, variant="batch"),
    )
    assert [(each["status"], each["cost_micros"], each["priced"]) for each in found] == [
        ("recorded", None, False)
    ] * 3
    assert [each["validations"][0]["field"] for each in found] == [
        "model",
        "tokens.cache_write",
        "variant",
    ]
    assert database.rows(
        "SELECT sum(usage_count), sum(unpriced_usage_count), sum(cost_micros) FROM ai_spend_daily"
    ) == [(3, 3, 0)]
    assert [each["status"] for each in results(gateway, record(1, model="unheard-of"))] == [
        "duplicate"
    ]
    assert_sums_agree(database)


def test_each_record_is_priced_as_of_its_time(
    gateway: Client, acme: Acme, database: Database
) -> None:
    custom = price(input_price=4_000_000) | {"effective_from": "2026-11-10T00:00:00Z"}
    assert acme.client("olivia").post("/api/v2/ai/model-prices", confirmed([custom])).status == 200
    moments = [
        "2026-11-09T23:59:59.999999Z",
        "2026-11-10T00:00:00Z",
        "2026-11-10T00:59:59+01:00",
        "2026-10-01T00:00:00Z",
    ]
    found = results(
        gateway,
        *(
            record(n, occurred_at=moment, tokens={"input": 1000})
            for n, moment in enumerate(moments)
        ),
    )
    assert [each["cost_micros"] for each in found] == [2000, 4000, 2000, 2000]


@pytest.mark.parametrize(
    ("provider", "model"), [("P", "M"), ("p", "m-2026-11-22"), ("litellm", "p/m")]
)
def test_the_price_is_the_one_that_the_name_resolves_to(
    gateway: Client, database: Database, provider: str, model: str
) -> None:
    resolved = gateway.get(
        f"/api/v2/ai/model-prices/resolve?provider={provider}&model={model}"
    ).json()["price"]
    (found,) = results(gateway, record(provider=provider, model=model))
    assert (found["cost_micros"] is None) == (resolved is None)
    ((priced, sent),) = database.rows("SELECT priced_model, model FROM ai_usage")
    assert (priced, sent) == (resolved and resolved["model"], model)


def test_a_month_ends_with_its_last_microsecond_wherever_the_gateway_is(
    gateway: Client, database: Database
) -> None:
    moments = [
        "2026-10-31T23:59:59.999999Z",
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:59:59.999999+01:00",  # still October in UTC
        "2026-10-31T20:00:00-04:00",  # November in UTC
        "2026-10-25T02:30:00+02:00",  # Berlin repeats this hour: UTC does not
        "2026-10-25T02:30:00+01:00",
    ]
    results(gateway, *(record(n, occurred_at=moment) for n, moment in enumerate(moments)))
    assert database.rows(
        "SELECT to_char(day, 'YYYY-MM'), sum(usage_count)::int FROM ai_spend_daily GROUP BY 1 "
        "ORDER BY 1"
    ) == [("2026-10", 4), ("2026-11", 2)]
    assert database.rows("SELECT count(*) FROM ai_usage_2026_10") == [(4,)]
    assert database.rows(
        "SELECT count(DISTINCT starts_at) FROM ai_usage_quarter_hourly"
        " WHERE starts_at < '2026-10-26'"
    ) == [(2,)]


def test_vendors_usage_objects_are_read(gateway: Client) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "completion_tokens_details": None,
    }
    (found,) = results(gateway, record(tokens=None, usage_format="openai", usage=usage))
    assert found["cost_micros"] == 3000
    assert results(gateway, record())[0]["status"] == "conflict", "tokens in place of usage"
