"""Reservations for tests: requests, settlements, and what is held."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.gateway import Answer, Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record

PATH = "/api/v2/ai/reservations"
ESTIMATE = 3000
"""What `request` may cost at the prices of the fixture `gateway`, in micro-units."""


def request(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A request whose estimate is ESTIMATE."""
    made = {
        "id": f"call-{number}",
        "user": "maya",
        "provider": "p",
        "model": "m",
        "estimate": {"tokens": {"input": 1000, "output": 100}},
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def of_cost(micros: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    return request(number, estimate={"cost_micros": micros}, **changes)


def used(number: int = 1, **changes: Any) -> dict[str, Any]:
    """What a call used, now: it costs ESTIMATE."""
    return record(number, occurred_at=datetime.now(UTC).isoformat(), **changes)


def reserve(client: Client, body: dict[str, Any]) -> str:
    """The id of a granted reservation."""
    answer = client.post(PATH, body)
    assert answer.status == 201, answer.body
    return answer.json()["reservation_id"]


def settle(client: Client, reservation: str, body: dict[str, Any]) -> Answer:
    return client.post(f"{PATH}/{reservation}/settle", body)


def limit_everyone(database: Database, acme: Acme, micros: int) -> None:
    """Limit each member of acme."""
    database.run(
        "INSERT INTO group_ai_budgets (group_id, spend_limit_micros) VALUES (%s, %s)"
        " ON CONFLICT (group_id) DO UPDATE SET spend_limit_micros = excluded.spend_limit_micros",
        acme.organizations["acme"],
        micros,
    )


def end_holds(database: Database) -> None:
    """Let the time of every hold be over."""
    database.run("UPDATE ai_reservation_holds SET expires_at = expires_at - interval '1 day'")
    database.run("UPDATE ai_reservations SET expires_at = expires_at - interval '1 day'")
    database.run("UPDATE ai_user_reserved SET next_expiry = next_expiry - interval '1 day'")


def held(database: Database) -> dict[UUID, Decimal]:
    """What is held of each user's limit, live and expired holds alike."""
    return dict(
        database.rows("SELECT user_id, sum(amount_micros) FROM ai_reservation_holds GROUP BY 1")
    )


def assert_holds_agree(database: Database) -> None:
    """What is kept of each user is the sum of the holds."""
    kept = dict(database.rows("SELECT user_id, reserved_micros FROM ai_user_reserved"))
    sums = held(database)
    assert {user: micros for user, micros in kept.items() if micros} == {
        user: micros for user, micros in sums.items() if micros
    }
