"""The reports of Coder's clients, for bench.spend to measure."""

from datetime import datetime, timedelta
from typing import Any

from allowance.exports.reports import ListedDetail, ListedUser
from bench.spend_overview import GROUP, ORGANIZATION

type Measured = tuple[str, type[Any], str, dict[str, Any]]


def measured(start: datetime, end: datetime, members: int) -> tuple[Measured, ...]:
    """What to measure, in a database that bench.spend has filled."""
    base = {
        "organization_id": ORGANIZATION,
        "provider_name": None,
        "model": None,
        "part_starts": [],
        "part_ends": [],
        "first_day": start.date(),
        "end_day": end.date(),
        "limit": 10,
        "offset": 0,
    }
    users = base | {"client": None}
    details = base | {"organization_name": "acme", "user_id": None, "group_id": None}
    week = {"end_day": (start + timedelta(days=7)).date()}
    return (
        ("users of the month", ListedUser, "list_report_users", users),
        ("users of a model", ListedUser, "list_report_users", users | {"model": "gpt-1"}),
        ("users of a week", ListedUser, "list_report_users", users | week),
        ("details of the month", ListedDetail, "list_spend_details", details),
        (
            f"details of a group of {members:,}",
            ListedDetail,
            "list_spend_details",
            details | {"group_id": GROUP},
        ),
        ("details of a week", ListedDetail, "list_spend_details", details | week),
    )
