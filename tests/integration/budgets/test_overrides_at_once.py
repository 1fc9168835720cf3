"""Admins, writers, imports and an operator at once: the audit entries of overrides stay chains."""

import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.budgets.expiry import OverrideExpirer
from allowance.budgets.models import OverrideLimit
from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.database.database import Database as Connection
from allowance.directory.reading import read_directory
from allowance.errors import BudgetChanged, ImportRunning, NotAGroupMember, NotFound
from allowance.rbac.system import OVERRIDE_EXPIRER
from tests.depth import by_depth
from tests.gateway import Client
from tests.ledger import connection_of, record_in
from tests.overrides import MAYA, limit
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import at_once, directory_store, store_of
from tests.usage import record

USERS = ("maya", "otto")
GROUPS = {"acme": ("platform", "research"), "globex": ("sales",)}
CHAIN = (
    "SELECT user_id, group_id, organization_id, before, after FROM audit_log WHERE resource_type = "
    "'user_ai_budget_override' ORDER BY id"
)
LEAVE_BY_HAND = (
    "DELETE FROM group_members AS gm USING user_ai_budget_overrides AS v WHERE v.user_id = %s AND "
    "gm.user_id = v.user_id AND gm.group_id = v.group_id"
)
STATE = "SELECT user_id, group_id, spend_limit_micros, expires_at FROM user_ai_budget_overrides"
SOON = timedelta(milliseconds=50)


def membership(choice: random.Random) -> dict[str, Any]:
    """A document that lets each user join and leave, and at times ends a group."""
    return {
        "organizations": [
            {"name": name, "groups": [each for each in groups if choice.random() < 0.9]}
            for name, groups in GROUPS.items()
        ],
        "users": [
            {
                "username": username,
                "email": f"{username}{choice.randrange(9)}@acme.example",
                "organizations": [{"name": name} for name in GROUPS if choice.random() < 0.9],
            }
            for username in choice.sample(USERS, len(USERS))
        ],
    }


def with_groups(document: dict[str, Any], choice: random.Random) -> dict[str, Any]:
    """The document with groups for each membership of those that it keeps."""
    kept = {each["name"]: each["groups"] for each in document["organizations"]}
    for user in document["users"]:
        for each in user["organizations"]:
            each["groups"] = [name for name in kept[each["name"]] if choice.random() < 0.8]
    return document


def test_admins_writers_and_imports_at_once_keep_every_chain(
    database: Database, acme: Acme
) -> None:
    """No deadlock, no 5xx, and no 412 without a precondition: each of them would raise."""
    groups = dict(acme.groups)
    rounds = by_depth(quick=15, thorough=60, deep=250)

    def admin(number: int) -> Callable[[], int]:
        choice = random.Random(number)  # noqa: S311

        def work() -> int:
            written = 0
            for _ in range(rounds):
                with (
                    store_of(
                        OverrideStore,
                        database,
                        acme.tokens["olivia/test"],
                        username=choice.choice(USERS),
                    ) as store,
                    suppress(NotFound, NotAGroupMember),
                ):
                    if choice.random() < 0.3:
                        store.delete(Precondition())
                    else:
                        group_id = choice.choice([*groups.values()])
                        micros = choice.randrange(10**6)
                        ends = datetime.now(UTC) + SOON if choice.random() < 0.4 else None
                        store.set(
                            OverrideLimit(
                                group_id=group_id, spend_limit_micros=micros, expires_at=ends
                            ),
                            Precondition(),
                        )
                    written += 1
            return written

        return work

    def writer(number: int) -> Callable[[], int]:
        def work() -> int:
            with closing(connection_of(database)) as connection:
                for turn in range(rounds // 5):
                    sent = [
                        record(source=f"s{number}", id=f"{turn}-{each}", user=each)
                        for each in USERS
                    ]
                    record_in(connection, sent, datetime.now(UTC))
            return rounds // 5

        return work

    def importer(number: int) -> Callable[[], int]:
        choice = random.Random(100 + number)  # noqa: S311

        def work() -> int:
            done = 0
            with directory_store(database) as store:
                while done < rounds // 3:
                    document = with_groups(membership(choice), choice)
                    try:
                        groups.update(store.import_directory(read_directory(document)).groups)
                        done += 1
                    except ImportRunning:
                        time.sleep(0.005)
            return done

        return work

    def expirer() -> int:
        with closing(connection_of(database)) as connection:
            for _ in range(rounds):
                end_overrides(connection)
                time.sleep(0.01)
        return rounds

    def operator() -> int:
        with database.connect() as owner:
            for turn in range(rounds):
                with owner.transaction():
                    owner.execute(LEAVE_BY_HAND.encode(), [acme.users[USERS[turn % 2]]])
                    time.sleep(0.01)
        return rounds

    done = at_once(
        *map(admin, range(4)), *map(writer, range(8)), *map(importer, range(2)), operator, expirer
    )
    assert sum(done[:4]) > rounds
    time.sleep(SOON.total_seconds())
    with closing(connection_of(database)) as connection:
        end_overrides(connection)
    assert_chains(database)


def end_overrides(connection: Connection) -> int:
    """End the overrides whose time is over, as ExpireOverrides does."""
    gate = Gate(OVERRIDE_EXPIRER.subject, connection)
    return OverrideExpirer(gate, Origin(None, OVERRIDE_EXPIRER.name, "test")).end_overrides().ended


def assert_chains(database: Database) -> None:
    """Each `before` is the last `after`, for each user and for each user in a group."""
    chains = defaultdict[tuple[Any, ...], list[tuple[Any, Any]]](list)
    organizations: dict[Any, Any] = {}
    for user_id, group_id, organization_id, before, after in database.rows(CHAIN):
        chains[user_id,].append((before, after))
        chains[user_id, group_id].append((before, after))
        assert organizations.setdefault(group_id, organization_id) == organization_id
        for side in (before, after):
            assert side is None or side["group_id"] == str(group_id)
    for chain in chains.values():
        assert chain[0][0] is None
        assert all(earlier[1] == later[0] for earlier, later in pairwise(chain))
    states = {
        (user_id,): {"group_id": str(group_id), "spend_limit_micros": micros}
        for user_id, group_id, micros, ends in database.rows(STATE)
        if ends is None
    }
    assert len(states) == len(database.rows(STATE)), "an override is over and still there"
    last = {key: chain[-1][1] for key, chain in chains.items() if len(key) == 1}
    assert {key: after for key, after in last.items() if after is not None} == states


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match"])
def test_of_many_writers_with_one_condition_only_one_succeeds(
    olivia: Client, database: Database, acme: Acme, condition: str
) -> None:
    """They set the override in two groups; with If-Match some delete it."""
    precondition = Precondition(must_be_absent=True)
    if condition == "If-Match":
        tag = olivia.put(MAYA, limit(acme, 9)).headers["ETag"]
        precondition = Precondition.of({"if-match": tag})

    def attempt(number: int) -> Callable[[], int]:
        group = acme.groups["acme/platform" if number % 2 else "acme/Everyone"]

        def work() -> int:
            with (
                store_of(
                    OverrideStore, database, acme.tokens["olivia/test"], username="maya"
                ) as store,
                suppress(BudgetChanged, NotFound),
            ):
                if condition == "If-Match" and number % 3 == 0:
                    store.delete(precondition)
                else:
                    store.set(
                        OverrideLimit(group_id=group, spend_limit_micros=number), precondition
                    )
                return 1
            return 0

        return work

    assert sum(at_once(*map(attempt, range(8)))) == 1
    assert_chains(database)
