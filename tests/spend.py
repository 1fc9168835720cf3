"""Spend for tests: book it on a day, and the paths and totals of the spend routes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from allowance.budgets.effective import period_containing
from allowance.contract.fields import rfc3339
from tests.ledger import add_spend
from tests.people import Acme
from tests.postgres import Database

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NO_GROUP = UUID(int=0)


def today() -> date:
    return datetime.now(UTC).date()


def spend(
    database: Database,
    acme: Acme,
    username: str,
    group: str | None,
    micros: int | Decimal,
    day: date | None = None,
) -> None:
    add_spend(
        database,
        acme.users[username],
        acme.groups[group] if group else NO_GROUP,
        day or today(),
        micros,
    )


def spend_paths(acme: Acme) -> list[str]:
    """One path per spend route."""
    return [
        group_spend(acme),
        member_spend(acme, "maya"),
        groups_spend(acme, "acme/platform"),
        "/api/v2/users/me/ai/spend",
    ]


def period() -> dict[str, str]:
    now = period_containing(datetime.now(UTC))
    return {"period_start": rfc3339(now.start), "period_end": rfc3339(now.end)}


def group_spend(acme: Acme, group: str = "acme/platform") -> str:
    return f"/api/v2/groups/{acme.groups[group]}/ai/spend"


def member_spend(acme: Acme, *usernames: str, group: str = "acme/platform") -> str:
    ids = ",".join(str(acme.users[each]) for each in usernames)
    return f"/api/v2/groups/{acme.groups[group]}/members/ai/spend?user_ids={ids}"


def groups_spend(acme: Acme, *groups: str, organization: str = "acme") -> str:
    ids = ",".join(str(acme.groups[each]) for each in groups)
    return f"/api/v2/organizations/{organization}/groups/ai/spend?group_ids={ids}"


def totals(
    acme: Acme, group: str, limit: int | None, total: int | None, current: int
) -> dict[str, Any]:
    return {
        "group_id": str(acme.groups[group]),
        "spend_limit_micros": limit,
        "total_spend_limit_micros": total,
        "current_spend_micros": current,
        "reserved_micros": 0,
        "unpriced_usage_count": 0,
    }
