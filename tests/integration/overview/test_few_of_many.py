"""Whom the overview names: the heaviest users, and members near their limits."""

from tests.gateway import Client
from tests.organization_budgets import created
from tests.overrides import MAYA, limit
from tests.overview import PATH, fill, overview, use
from tests.people import Acme
from tests.postgres import Database


def test_whom_a_limit_concerns_is_decided_by_the_budget_in_effect(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    """An override, a higher budget, one of another organization, and one that ended."""
    olivia = acme.client("olivia")
    adam.put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    use(gateway, 1, 900)
    use(gateway, 2, 850, user="otto")
    assert overview(adam)["near_limit_count"] == 2
    adam.put(acme.budget_path(), {"spend_limit_micros": 1000})
    near = [each["user"]["username"] for each in overview(adam)["near_limit"]]
    assert near == ["otto", "maya"], "a limit of 0 comes first"
    olivia.put(MAYA, limit(acme, 2000))
    assert [each["user"]["username"] for each in overview(adam)["near_limit"]] == ["otto"]
    olivia.put(MAYA, limit(acme, 900))
    assert overview(adam)["near_limit"][1]["limit_source"] == "user_override"
    olivia.delete(MAYA)
    database.run(
        "INSERT INTO organization_members (organization_id, user_id) VALUES (%s, %s)",
        acme.organizations["globex"],
        acme.users["maya"],
    )
    olivia.put(acme.budget_path("globex/Everyone"), {"spend_limit_micros": 1001})
    assert overview(adam)["near_limit_count"] == 1, "the limit is of another organization"
    gus = acme.client("gus").get(PATH.replace("acme", "globex")).json()
    assert [each["spend_limit_micros"] for each in gus["near_limit"]] == [1001]
    olivia.put(acme.budget_path("globex/Everyone"), {"spend_limit_micros": 5000})
    database.run(
        "UPDATE organizations SET deleted_at = now() WHERE id = %s", acme.organizations["globex"]
    )
    assert overview(adam)["near_limit_count"] == 2
    adam.put(acme.budget_path(), {"spend_limit_micros": 1060})
    assert overview(adam)["near_limit_count"] == 1, "900 is less than 85% of 1060"
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'otto'")
    assert overview(adam)["near_limit_count"] == 0


def heaviest(client: Client) -> list[str]:
    return [each["user"]["username"] for each in overview(client)["users"]]


def test_the_heaviest_users_are_found_among_many(
    acme: Acme, adam: Client, database: Database
) -> None:
    """250 users, of whom the first look sees 200; and where all of these spent it elsewhere."""
    fill(database, acme, 250)
    top = [f"u{number}" for number in range(250, 240, -1)]
    assert heaviest(adam) == top
    database.run("UPDATE ai_user_spend_monthly SET cost_micros = cost_micros + 500")
    assert heaviest(adam) == top, "the other 500 are of another organization"
    database.run("DELETE FROM ai_spend_daily WHERE cost_micros > 50")
    assert heaviest(adam) == [f"u{number}" for number in range(50, 40, -1)]


def test_the_lists_have_the_most_that_they_may(
    acme: Acme, adam: Client, database: Database
) -> None:
    everyone = acme.organizations["acme"]
    fill(database, acme, 30)
    database.run(
        "INSERT INTO organization_members (organization_id, user_id)"
        " SELECT %s, id FROM users WHERE username ~ '^u[0-9]+$'",
        everyone,
    )
    database.run("INSERT INTO group_ai_budgets VALUES (%s, 1)", everyone)
    database.run(
        "INSERT INTO groups (organization_id, name) SELECT %s, 'g' || n"
        " FROM generate_series(1, 30) AS n",
        everyone,
    )
    for number in range(51):
        created(adam, f"b{number:02}")
    seen = overview(adam)
    lists = ("users", "near_limit", "groups", "budgets", "changes")
    assert [len(seen[name]) for name in lists] == [10, 20, 20, 50, 10]
    counts = ("near_limit_count", "group_count", "budget_count")
    assert [seen[name] for name in counts] == [30, 33, 51]
    assert seen["near_limit"][0]["user"]["username"] == "u30"
