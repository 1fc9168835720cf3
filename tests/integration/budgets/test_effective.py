"""The SQL functions of effective budgets agree with `allowance.budgets.effective`.

Hypothesis compares them on thousands of random directories.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allowance.budgets.effective import EffectiveBudget, GroupOfUser, Override, effective_budget
from tests.depth import by_depth
from tests.postgres import Database

DIRECTORIES = by_depth(150, 1000, 4000)
USERS = [UUID(int=1 << 100 | n) for n in range(4)]
DELETED = USERS[-1]
"""A deleted user, who is in no total."""

MOMENTS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2)]
LIMITS = [None, None, 0, 5, 5, 10**12]
OVER, TO_COME = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2200))

INSERTS = (
    "INSERT INTO organizations (id, name, is_default, deleted_at)"
    " SELECT (e->>'id')::uuid, e->>'id', (e->>'is_default')::boolean,"
    " (e->>'deleted_at')::timestamptz FROM jsonb_array_elements(%(organizations)s) AS e",
    "INSERT INTO groups (id, organization_id, name)"
    " SELECT (e->>'id')::uuid, (e->>'organization_id')::uuid, e->>'id'"
    " FROM jsonb_array_elements(%(groups)s) AS e",
    "INSERT INTO organization_members (organization_id, user_id, joined_at)"
    " SELECT (e->>'organization_id')::uuid, (e->>'user_id')::uuid,"
    " (e->>'joined_at')::timestamptz FROM jsonb_array_elements(%(memberships)s) AS e",
    "INSERT INTO group_members (group_id, user_id)"
    " SELECT (e->>'group_id')::uuid, (e->>'user_id')::uuid"
    " FROM jsonb_array_elements(%(members)s) AS e",
    "INSERT INTO group_ai_budgets (group_id, spend_limit_micros) SELECT (e->>'group_id')::uuid,"
    " (e->>'spend_limit_micros')::bigint FROM jsonb_array_elements(%(budgets)s) AS e",
    "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros,"
    " expires_at) SELECT (e->>'user_id')::uuid, g.id, g.organization_id,"
    " (e->>'spend_limit_micros')::bigint, (e->>'expires_at')::timestamptz"
    " FROM jsonb_array_elements(%(overrides)s) AS e"
    " JOIN groups AS g ON g.id = (e->>'group_id')::uuid",
)


@dataclass(frozen=True)
class Directory:
    """Rows by table, and what each user is in."""

    rows: dict[str, list[dict[str, Any]]]
    groups: dict[UUID, list[GroupOfUser]]
    overrides: dict[UUID, Override]


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Up to four organizations. One may be the default, and some may be deleted.

    There are few ids, times and limits, so there are many ties. An Everyone group may list members
    too, which changes nothing.
    """
    numbers = iter(draw(st.permutations(range(1, 13))))
    organizations = [UUID(int=next(numbers)) for _ in range(draw(st.integers(0, 4)))]
    default = draw(st.sampled_from([None, *organizations]))
    deleted = {
        each
        for each in organizations
        if each != default and draw(st.sampled_from([False, False, True]))
    }
    groups = {each: each for each in organizations}
    if organizations:
        groups |= {
            UUID(int=next(numbers)): draw(st.sampled_from(organizations))
            for _ in range(draw(st.integers(0, 5)))
        }
    limits = {group: draw(st.sampled_from(LIMITS)) for group in groups}
    joined = {
        (organization, user): draw(st.sampled_from([None, *MOMENTS]))
        for user in USERS
        for organization in organizations
    }
    listed = {
        (group, user)
        for user in USERS
        for group, organization in groups.items()
        if joined[organization, user] is not None and draw(st.booleans())
    }
    in_groups: dict[UUID, list[GroupOfUser]] = {}
    overrides: dict[UUID, Override] = {}
    ends: dict[UUID, datetime | None] = {}
    for user in USERS:
        in_groups[user] = [
            GroupOfUser(
                group,
                organization,
                at,
                organization == default,
                organization in deleted,
                limits[group],
            )
            for group, organization in groups.items()
            if (at := joined[organization, user])
            and (group == organization or (group, user) in listed)
        ]
        if in_groups[user] and draw(st.sampled_from([False, False, True])):
            overrides[user] = Override(
                draw(st.sampled_from(in_groups[user])).group_id, draw(st.sampled_from([0, 7]))
            )
            ends[user] = draw(st.sampled_from([None, TO_COME, OVER]))
    rows: dict[str, list[dict[str, Any]]] = {
        "organizations": [
            {
                "id": each,
                "is_default": each == default,
                "deleted_at": MOMENTS[0] if each in deleted else None,
            }
            for each in organizations
        ],
        "groups": [{"id": g, "organization_id": o} for g, o in groups.items() if g != o],
        "memberships": [
            {"organization_id": o, "user_id": u, "joined_at": at}
            for (o, u), at in joined.items()
            if at is not None
        ],
        "members": [{"group_id": group, "user_id": user} for group, user in listed],
        "budgets": [
            {"group_id": g, "spend_limit_micros": n} for g, n in limits.items() if n is not None
        ],
        "overrides": [
            {
                "user_id": u,
                "group_id": v.group_id,
                "spend_limit_micros": v.spend_limit_micros,
                "expires_at": ends[u],
            }
            for u, v in overrides.items()
        ],
    }
    in_force = {user: each for user, each in overrides.items() if ends[user] != OVER}
    return Directory(rows, in_groups, in_force)


def answers(
    owner: psycopg.Connection[Any], directory: Directory
) -> tuple[dict[UUID, EffectiveBudget], dict[UUID, EffectiveBudget], list[dict[UUID, int | None]]]:
    """The results of the functions for all users, for each user, and for each group: by the other
    groups of members, by the members of higher budgets, and by the sizes of the tables.

    The transaction rolls back, so the directory is gone afterwards.
    """
    with owner.transaction(force_rollback=True), owner.pipeline():
        for statement in INSERTS:
            owner.execute(
                statement.encode(),
                {name: json.dumps(rows, default=str) for name, rows in directory.rows.items()},
            )
        at_once = owner.execute("SELECT * FROM ai_effective_budgets(ARRAY(SELECT id FROM users))")
        one_by_one = owner.execute(
            "SELECT u.id, e.group_id, e.spend_limit_micros, e.limit_source"
            " FROM users AS u CROSS JOIN LATERAL ai_effective_budget(u.id) AS e"
            " LEFT JOIN groups AS g ON g.id = e.group_id"
            " WHERE g.organization_id IS NOT DISTINCT FROM e.organization_id"
        )
        totals = [
            owner.execute(
                "SELECT g.id, t.total_spend_limit_micros FROM groups AS g LEFT JOIN"
                f" ai_group_spend_limit_totals(ARRAY(SELECT id FROM groups){cost}) AS t"
                " ON t.group_id = g.id".encode()
            )
            for cost in (", 0", ", 1000000000", "")
        ]
        first, second = (
            {row[0]: EffectiveBudget(*row[1:]) for row in found.fetchall()}
            for found in (at_once, one_by_one)
        )
        return first, second, [dict(each.fetchall()) for each in totals]


def test_the_sql_functions_agree_with_the_python_rule(empty_database: Database) -> None:
    with empty_database.connect() as owner:
        for n, user in enumerate(USERS):
            owner.execute(
                "INSERT INTO users (id, username, status) VALUES (%s, %s, %s)",
                (user, f"u{n}", "deleted" if user == DELETED else "active"),
            )

        seen: set[str | None] = set()
        highest_total = 0

        @settings(
            max_examples=DIRECTORIES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(directories())
        def agree(directory: Directory) -> None:
            nonlocal highest_total
            expected = {
                user: effective_budget(directory.groups[user], directory.overrides.get(user))
                for user in USERS
            }
            at_once, one_by_one, (totals, *others) = answers(owner, directory)
            assert at_once == one_by_one == expected
            assert others == [totals] * 2
            seen.update(each.limit_source for each in expected.values())
            budgets = {UUID(str(each["group_id"])) for each in directory.rows["budgets"]}
            deleted = {
                each["id"]
                for each in directory.rows["organizations"]
                if each["deleted_at"] is not None
            }
            gone = deleted | {
                each["id"]
                for each in directory.rows["groups"]
                if each["organization_id"] in deleted
            }
            for group, total in totals.items():
                limits = [
                    each.spend_limit_micros
                    for user, each in expected.items()
                    if each.group_id == group
                    and each.spend_limit_micros is not None
                    and user != DELETED
                ]
                assert total == (sum(limits) if group in budgets and group not in gone else None)
                highest_total = max(highest_total, len(limits))

        agree()
        assert seen == {"user_override", "group", None}
        assert highest_total == len(USERS) - 1


def test_an_unknown_user_has_no_budget_and_no_group(empty_database: Database) -> None:
    nobody = UUID(int=1)
    assert empty_database.rows("SELECT * FROM ai_effective_budget(%s)", nobody) == [
        (None, None, None, None)
    ]
    assert empty_database.rows("SELECT * FROM ai_effective_budgets(%s)", [nobody, nobody]) == [
        (nobody, None, None, None)
    ]
