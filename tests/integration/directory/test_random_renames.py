"""Random documents with renames: nobody loses spend, a budget, an override or a membership."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.depth import by_depth
from tests.directory_documents import apply, problems
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

DOCUMENTS = by_depth(4, 60, 400)
GROUPS = ["red", "green", "blue", "gold", "grey"]
PEOPLE = ["ann", "ben", "cyd", "dan", "eve", "fay"]


@dataclass
class State:
    """What a document may change, by id."""

    groups: dict[UUID, tuple[str, str | None]]
    """Name and external id."""
    budgets: dict[UUID, int]
    users: dict[UUID, tuple[str, str | None]]
    members: set[tuple[UUID, UUID]]
    """Group and user."""
    overrides: dict[UUID, tuple[UUID, int]]
    spend: list[tuple[Any, ...]] = field(compare=False)


def state_of(database: Database) -> State:
    rows = database.rows
    return State(
        groups={
            id_: (name, external)
            for id_, name, external in rows(
                "SELECT g.id, g.name, g.external_id FROM groups AS g JOIN organizations AS o"
                " ON o.id = g.organization_id WHERE o.name = 'acme' AND g.id <> o.id"
            )
        },
        budgets=dict(rows("SELECT group_id, spend_limit_micros FROM group_ai_budgets")),
        users={
            id_: (name, external)
            for id_, name, external in rows("SELECT id, username, external_id FROM users")
        },
        members=set(rows("SELECT group_id, user_id FROM group_members")),
        overrides={
            user: (group, limit)
            for user, group, limit in rows(
                "SELECT user_id, group_id, spend_limit_micros FROM user_ai_budget_overrides"
            )
        },
        spend=rows("SELECT user_id, group_id, cost_micros FROM ai_spend_daily ORDER BY 1, 2, 3"),
    )


def keys_of(
    random_: random.Random, id_: UUID, before: tuple[str, str | None], name: str, *, passed: bool
) -> dict[str, Any]:
    """Keys by which an entry finds its row. `passed`: another row gets or had one of the names."""
    ways: list[dict[str, Any]] = [{"id": str(id_)}]
    if before[1] is not None:
        ways.append({"external_id": before[1]})
    if name == before[0]:
        ways.append({})
    elif not passed:
        ways.append({"renamed_from": before[0]})
    chosen = dict(random_.choice(ways))
    if before[1] is None and random_.random() < 0.3:
        chosen["external_id"] = f"x-{id_}"
    return chosen


def entries(
    random_: random.Random, rows: dict[UUID, tuple[str, str | None]], names: list[str], key: str
) -> dict[UUID, dict[str, Any]]:
    """An entry for each row, with new names for some."""
    renamed = {id_ for id_ in rows if random_.random() < 0.6}
    kept = {name for id_, (name, _) in rows.items() if id_ not in renamed}
    free = random_.sample([each for each in names if each not in kept], len(renamed))
    after = {id_: free.pop() if id_ in renamed else rows[id_][0] for id_ in rows}
    before = {name for name, _ in rows.values()}
    return {
        id_: {
            key: after[id_],
            **keys_of(
                random_,
                id_,
                old,
                after[id_],
                passed=after[id_] in before or old[0] in after.values(),
            ),
        }
        for id_, old in rows.items()
    }


@pytest.fixture
def spent(database: Database, acme: Acme, gateway: Client) -> list[UUID]:
    """People in groups with budgets, overrides and spend, by id."""
    document = {
        "organizations": [{"name": "acme", "groups": GROUPS[:3]}],
        "users": [
            {
                "username": name,
                "organizations": [{"name": "acme", "groups": [GROUPS[n % 3], GROUPS[(n + 1) % 3]]}],
            }
            for n, name in enumerate(PEOPLE[:4])
        ],
    }
    answer = apply(document)
    owner = acme.client("olivia")
    for limit, name in enumerate(GROUPS[:3], 1_000_000):
        path = f"/api/v2/groups/{answer['groups'][f'acme/{name}']}/ai/budget"
        assert owner.put(path, {"spend_limit_micros": limit}).status == 200
    for n, name in enumerate(PEOPLE[:4]):
        override = {
            "group_id": answer["groups"][f"acme/{GROUPS[n % 3]}"],
            "spend_limit_micros": 2_000_000 + n,
        }
        assert owner.put(f"/api/v2/users/{name}/ai/budget", override).status == 200
    sent = [record(n, user=name, cost_micros=n + 1) for n, name in enumerate(PEOPLE[:4])]
    assert {each["status"] for each in results(gateway, *sent)} == {"recorded"}
    return [UUID(answer["users"][name]) for name in PEOPLE[:4]]


@pytest.mark.parametrize("seed", [1, 2])
def test_random_renames_lose_nothing(database: Database, spent: list[UUID], seed: int) -> None:
    for n in range(DOCUMENTS // 2):
        random_ = random.Random(f"{seed} {n}")  # noqa: S311
        before = state_of(database)
        assert before.spend, "somebody spent"
        groups = entries(random_, before.groups, GROUPS, "name")
        people = {id_: before.users[id_] for id_ in spent}
        users = entries(random_, people, PEOPLE, "username")
        expected = state_of(database)
        taken = {each["name"] for each in groups.values()}
        dropped = {
            id_
            for id_, (name, _) in before.groups.items()
            # A document cannot give the name of a group that it deletes to another one.
            if name == groups[id_]["name"] or name not in taken
            if len(groups) > 2 and random_.random() < 0.15
        }
        kept = {id_: each for id_, each in groups.items() if id_ not in dropped}
        for id_, each in kept.items():
            expected.groups[id_] = (each["name"], each.get("external_id") or before.groups[id_][1])
        listed: list[Any] = [
            each["name"] if each.keys() == {"name"} else each for each in kept.values()
        ]
        old = {name for name, _ in before.groups.values()}
        new = [name for name in GROUPS if name not in taken | old]
        if new and len(kept) < 4 and random_.random() < 0.5:
            listed.append(new[0])
        random_.shuffle(listed)
        for id_ in dropped:
            expected.groups.pop(id_)
            expected.budgets.pop(id_, None)
        for id_, user in users.items():
            expected.users[id_] = (
                user["username"],
                user.get("external_id") or before.users[id_][1],
            )
            if random_.random() < 0.5:
                chosen = [each for each in kept if random_.random() < 0.6]
                names = [kept[each]["name"] for each in chosen]
                user["organizations"] = [{"name": "acme", "groups": names}]
                expected.members = {(g, u) for g, u in expected.members if u != id_} | {
                    (g, id_) for g in chosen
                }
        expected.members = {(g, u) for g, u in expected.members if g not in dropped}
        expected.overrides = {
            user: (group, limit)
            for user, (group, limit) in expected.overrides.items()
            if (group, user) in expected.members
        }
        document: dict[str, Any] = {
            "organizations": [{"name": "acme", "groups": listed}],
            "users": random_.sample(list(users.values()), len(users)),
        }
        if dropped & before.budgets.keys():
            refused = problems(document)
            assert len(refused) == len(dropped & before.budgets.keys())
            assert state_of(database) == before
        answer = apply(document | {"confirm_deletions": True})
        after = state_of(database)
        added = {id_ for id_ in after.groups if id_ not in expected.groups}
        assert {after.groups.pop(id_)[0] for id_ in added} <= set(new)
        assert after == expected
        assert after.spend == before.spend
        assert answer["users"] == {name: str(id_) for id_, (name, _) in after.users.items()
                                   if id_ in people}  # fmt: skip
