"""Lists of people in a large organization: who is on a page, and how a search finds them."""

import psycopg

from allowance.database.queries import queries
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

FEW = 10_000
PAGE = {"user_ids": None, "after_username": None, "limit": 2, "period_start": "2026-11-01T00:00Z"}


def fill(database: Database, acme: Acme) -> None:
    """More than FEW members of acme and of its group platform, and as many others between them."""
    database.run(
        "INSERT INTO users (username, email) SELECT 'u' || n, n || '@x.example'"
        " FROM generate_series(1, %s) AS n",
        2 * FEW + 2,
    )
    of_acme = acme.organizations["acme"]
    even = "FROM users WHERE username ~ '^u[0-9]*[02468]$'"
    database.run(
        f"INSERT INTO organization_members (organization_id, user_id) SELECT %s, id {even}", of_acme
    )
    database.run(
        f"INSERT INTO group_members (group_id, user_id, organization_id) SELECT %s, id, %s {even}",
        acme.groups["acme/platform"],
        of_acme,
    )
    database.run("VACUUM ANALYZE")


def test_a_large_list_is_right_and_a_search_reads_little(acme: Acme, database: Database) -> None:
    fill(database, acme)
    for who, paths in {"adam": ("platform", "Everyone"), "maya": ("platform",)}.items():
        client = acme.client(who)
        for group in paths:
            path = f"/api/v2/organizations/acme/groups/{group}/members"
            found: list[str] = []
            for query in ("q=u1999&limit=3", "q=19999@x", "q=20000@x", "q=nora"):
                members = client.get(f"{path}?{query}").json()["members"]
                found += [each["username"] for each in members]
            expected = ["u19990", "u19992", "u19994", "u20000"] if who == "adam" else []
            assert found == expected, (who, group)
    first = acme.client("adam").get("/api/v2/organizations/acme/members?limit=4").json()
    assert [each["username"] for each in first["members"]] == ["adam", "ana", "maya", "otto"]
    after = f"/api/v2/organizations/acme/members?limit=2&after={first['next']}"
    following = acme.client("adam").get(after).json()["members"]
    assert [each["username"] for each in following] == ["u10", "u100"]
    with psycopg.connect(database.app_url) as app:
        for query, more in (
            ("list_users", {"organization_ids": None}),
            (
                "list_organization_members",
                {"organization_id": acme.organizations["acme"], "group_id": None},
            ),
        ):
            parameters = PAGE | more | {"pattern": "%20001@x%"}
            plan = app.execute(b"EXPLAIN " + queries()[query].sql, parameters).fetchall()
            assert "users_search_text_idx" in str(plan)
        _, blocks = (
            blocks_read(app, "list_users", **PAGE, pattern=None, organization_ids=None)
            for _ in range(2)
        )
    assert blocks < 100
