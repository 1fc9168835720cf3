"""What `make bench-spend` measures of spend over time: a month by day, of each kind of series."""

from datetime import date
from typing import Any
from uuid import UUID

from allowance.spend.models import GroupTotals, MemberTotals, UserTotals
from allowance.spend.series_models import SeriesRow
from allowance.spend.series_query import (
    TOKEN_UNITS,
    Asked,
    GroupSeriesQuery,
    OrganizationSeriesQuery,
    SeriesQuery,
    UserSeriesQuery,
)

type Measured = tuple[str, type, str, dict[str, Any]]
"""What it is, the model of the rows, the query and its parameters."""


def series(
    organization_id: UUID, group_id: UUID, members: list[UUID], month: date
) -> tuple[Measured, ...]:
    """The series of the month that the data are in."""
    given = {"month": f"{month:%Y-%m}"}
    in_berlin = given | {"time_zone": "Europe/Berlin"}
    by_model, by_group, by_user = (given | {"split": each} for each in ("model", "group", "user"))
    of_organization = {"organization_id": organization_id, "shows_groups": True}
    nobody = Asked(None, None, None, None)
    group = Asked(group_id, None, None, None)
    member = Asked(None, None, members[0], None)

    def listed(label: str, query: str, asked: SeriesQuery, named: Asked) -> Measured:
        parameters = of_organization | named.parameters | asked.terms
        if query.startswith("list_series_by_"):
            parameters |= {"split": asked.split, "top": asked.top, "token_units": TOKEN_UNITS}
            parameters["rolled_by"] = "day"
        else:
            parameters["rolled_by"] = "hour"
            parameters |= asked.parts
        return label, SeriesRow, query, parameters

    def organization(**parameters: str) -> OrganizationSeriesQuery:
        return OrganizationSeriesQuery.model_validate(parameters)

    user = UserSeriesQuery.model_validate(by_model)
    return (
        listed("series: organization by model", "list_series", organization(**by_model), nobody),
        listed(
            "series: organization by group",
            "list_series_by_group",
            organization(**by_group),
            nobody,
        ),
        listed(
            "series: organization by hour, Berlin",
            "list_series",
            organization(**in_berlin, by="hour"),
            nobody,
        ),
        listed(
            "series: organization by group, Berlin",
            "list_series_by_group",
            organization(**in_berlin, split="group"),
            nobody,
        ),
        listed(
            "series: organization by user", "list_series_by_user", organization(**by_user), nobody
        ),
        listed(
            "series: group by model",
            "list_series",
            GroupSeriesQuery.model_validate(by_model),
            group,
        ),
        listed(
            "series: group by user",
            "list_series_by_user",
            GroupSeriesQuery.model_validate(by_user),
            group,
        ),
        listed(
            "series: one user in the organization",
            "list_series_of_users",
            organization(**by_model),
            member,
        ),
        (
            "series: a user by model",
            SeriesRow,
            "list_user_series",
            {"user_id": members[0], "group_id": None, "group_name": None, "shows_groups": True}
            | user.terms
            | user.parts,
        ),
    )


def periods(
    organization_id: UUID, group_id: UUID, members: list[UUID], bounds: dict[str, Any]
) -> tuple[Measured, ...]:
    """The spend of a period that is not the current month."""
    group = {"organization_id": organization_id, "group_ids": [group_id]}
    of_members = {"organization_id": organization_id, "group_id": group_id, "user_ids": members}
    part = bounds | {"period_start": bounds["period_start"].replace(day=9)}
    return (
        ("a past month of a group", GroupTotals, "sum_group_spend", group | bounds),
        ("a part of a month of a group", GroupTotals, "sum_group_spend", group | part),
        ("a past month of 100 members", MemberTotals, "sum_member_spend", of_members | bounds),
        (
            "a past month of a user",
            UserTotals,
            "sum_user_spend",
            {"user_id": members[0]} | bounds,
        ),
    )
