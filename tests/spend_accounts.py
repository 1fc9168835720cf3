"""The accounts of the stores of spend."""

from collections.abc import Sequence
from typing import Any

from allowance.spend.models import GroupIds, UserIds
from allowance.spend.periods import PeriodQuery
from allowance.spend.series import GroupSeriesStore, OrganizationSeriesStore, UserSeriesStore
from allowance.spend.series_query import (
    GroupSeriesQuery,
    OrganizationSeriesQuery,
    UserSeriesQuery,
)
from allowance.spend.store import GroupSpendStore, OrganizationSpendStore, UserSpendStore
from tests.accounting import Account, nothing_seen, platform
from tests.people import Acme

PERIODS: Sequence[dict[str, str]] = ({}, {"month": "2026-01"})
SPLITS: Sequence[dict[str, str]] = (
    {},
    {"split": "group"},
    {"split": "user"},
    {"split": "user", "model": "m"},
)


def of_members(store: Any, acme: Acme) -> Any:
    """Each with its own query; the last result."""
    ids = str(acme.users["maya"])
    return [
        store.list_member_spend(platform(acme), UserIds.model_validate({"user_ids": ids} | each))
        for each in PERIODS
    ][-1]


SPEND_ACCOUNTS: dict[tuple[type, str], Account] = {
    (UserSpendStore, "get_user_spend"): Account(
        ["read user maya"],
        lambda s, _: [s.get_user_spend(PeriodQuery.model_validate(each)) for each in PERIODS],
    ),
    (GroupSpendStore, "get_group_spend"): Account(
        ["read group platform"],
        lambda s, a: [
            s.get_group_spend(platform(a), PeriodQuery.model_validate(each)) for each in PERIODS
        ],
    ),
    (GroupSpendStore, "list_member_spend"): Account(
        ["read group platform", "read group_member maya"],
        of_members,
        refused=nothing_seen("members"),
    ),
    (OrganizationSpendStore, "list_group_spend"): Account(
        ["read group Everyone"],
        lambda s, a: s.list_group_spend(
            GroupIds.model_validate({"group_ids": str(a.organizations["acme"])})
        ),
    ),
    (OrganizationSeriesStore, "see_path"): Account(
        ["read group_member in acme"], lambda s, _: s.see_path()
    ),
    (OrganizationSeriesStore, "list_series"): Account(
        ["read group_member in acme"],
        lambda s, _: [
            s.list_series(OrganizationSeriesQuery.model_validate(each)) for each in SPLITS
        ],
    ),
    (GroupSeriesStore, "see_path"): Account(
        ["read group_member in acme"], lambda s, _: s.see_path()
    ),
    (GroupSeriesStore, "list_series"): Account(
        ["read group_member in acme"],
        lambda s, a: s.list_series(platform(a), GroupSeriesQuery()),
    ),
    (UserSeriesStore, "list_series"): Account(
        ["read user maya"], lambda s, _: s.list_series(UserSeriesQuery())
    ),
}
