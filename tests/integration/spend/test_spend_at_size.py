"""What a page of group spend reads depends on the groups that it shows, not on the deployment."""

from uuid import UUID

import psycopg

from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

START = "2026-11-01T00:00:00Z"
USERS = 2000
MEMBERS_OF_EACH = 4


def fill(database: Database, acme: Acme) -> None:
    """Many small groups, each with a budget; every user is in two of them and in Everyone."""
    database.run(
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, %s) AS n", USERS
    )
    database.run(
        "INSERT INTO organization_members (organization_id, user_id)"
        " SELECT %s, id FROM users WHERE username LIKE 'u%%'",
        acme.organizations["acme"],
    )
    add_groups(database, acme, "g", USERS * 2 // MEMBERS_OF_EACH)
    database.run(
        "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id"
        " FROM users AS u CROSS JOIN generate_series(1, 2) AS k"
        " JOIN groups AS g ON g.name = 'g' ||"
        " 1 + (substr(u.username, 2)::int * k + k) %% %s WHERE u.username LIKE 'u%%'"
        " ON CONFLICT DO NOTHING",
        USERS * 2 // MEMBERS_OF_EACH,
    )
    database.run("VACUUM ANALYZE")


def add_groups(database: Database, acme: Acme, prefix: str, number: int) -> None:
    database.run(
        "INSERT INTO groups (organization_id, name)"
        " SELECT %s, %s || n FROM generate_series(1, %s) AS n",
        acme.organizations["acme"],
        prefix,
        number,
    )
    database.run(
        "INSERT INTO group_ai_budgets SELECT id, 5 + length(name) %% 3 FROM groups"
        " WHERE name LIKE %s",
        f"{prefix}%",
    )


def cost(database: Database, acme: Acme, group_ids: list[UUID]) -> int:
    with psycopg.connect(database.app_url) as app:
        _, blocks = (
            blocks_read(
                app,
                "list_group_spend",
                organization_id=acme.organizations["acme"],
                group_ids=group_ids,
                period_start=START,
            )
            for _ in range(2)
        )
    return blocks


def test_the_spend_of_groups_costs_the_same_among_ten_times_the_budgets(
    database: Database, acme: Acme
) -> None:
    fill(database, acme)
    shown = [
        row[0] for row in database.rows("SELECT id FROM groups WHERE name LIKE 'g%%1' LIMIT 50")
    ]

    before = cost(database, acme, shown)
    # Some 20 for each member: the member's other groups, organizations, and override.
    assert before < 20 * MEMBERS_OF_EACH * len(shown)
    add_groups(database, acme, "more", 9 * USERS * 2 // MEMBERS_OF_EACH)
    assert cost(database, acme, shown) < 1.5 * before


def test_a_large_group_reads_the_higher_budgets_and_not_each_member(
    database: Database, acme: Acme
) -> None:
    fill(database, acme)
    database.run("DELETE FROM group_ai_budgets")
    database.run("INSERT INTO group_ai_budgets SELECT id, 3 FROM groups WHERE name = 'Everyone'")
    database.run("INSERT INTO group_ai_budgets SELECT id, 9 FROM groups WHERE name = 'g7'")
    database.run("VACUUM ANALYZE")
    # Four for each member: whether the user has an override, and is deleted.
    assert cost(database, acme, [acme.organizations["acme"]]) < 5 * USERS


def test_what_is_held_for_a_group_is_read_by_the_group(database: Database, acme: Acme) -> None:
    """Holds of other groups, and those that have expired, are not read."""
    platform, everyone = acme.groups["acme/platform"], acme.organizations["acme"]
    database.run("INSERT INTO group_ai_budgets VALUES (%s, 5)", platform)
    hold(database, platform, 50, "1 hour")
    before = cost(database, acme, [platform])
    hold(database, everyone, 20_000, "1 hour")
    hold(database, platform, 20_000, "-1 hour")
    database.run("VACUUM ANALYZE ai_reservation_holds")
    assert cost(database, acme, [platform]) < before + 60


def hold(database: Database, group_id: UUID, number: int, until: str) -> None:
    database.run(
        "INSERT INTO ai_reservation_holds SELECT gen_random_uuid(), now() + %s::interval,"
        " gen_random_uuid(), 1, %s FROM generate_series(1, %s)",
        until,
        group_id,
        number,
    )
