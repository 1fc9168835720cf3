"""What changes around the ledger while usage is recorded: people, groups, budgets and prices."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import import_directory
from allowance.budgets.effective import EffectiveBudget, GroupOfUser, Override, effective_budget
from allowance.errors import ValidationFailed
from tests.gateway import Context
from tests.model_prices import confirmed
from tests.people import DIRECTORY, Acme
from tests.postgres import Database
from tests.price_books import price

USERS = ("maya", "otto", "ana", "gus", "olivia")
MOVED = USERS[:-1]
"""The users that the rules move or delete. olivia is the caller, so she stays."""
GROUPS = ("acme/platform", "acme/research", "acme/Everyone", "globex/sales", "globex/Everyone")
MODELS = ("m", "m2", "unheard-of")
ZEROS = UUID(int=0)
MEMBERSHIPS = """
SELECT
    u.username, u.id, g.id, g.organization_id, om.joined_at, o.is_default,
    o.deleted_at IS NOT NULL, b.spend_limit_micros
FROM users AS u
LEFT JOIN organization_members AS om ON om.user_id = u.id
LEFT JOIN organizations AS o ON o.id = om.organization_id
LEFT JOIN groups AS g ON g.organization_id = om.organization_id AND (
    g.id = g.organization_id
    OR EXISTS (SELECT 1 FROM group_members AS gm WHERE gm.group_id = g.id AND gm.user_id = u.id)
)
LEFT JOIN group_ai_budgets AS b ON b.group_id = g.id
"""


OWN_GROUPS = """
SELECT u.primary_group_id, o.name, m.group_name, m.group_id
FROM group_members_expanded AS m
JOIN users AS u ON u.id = m.user_id
JOIN organizations AS o ON o.id = m.organization_id
WHERE u.username = %s
"""


def budgets(database: Database) -> dict[str, EffectiveBudget]:
    """The effective budget of each user, by the rule in Python."""
    groups: dict[str, list[GroupOfUser]] = {}
    overrides = {
        user: Override(group, limit)
        for user, group, limit in database.rows(
            "SELECT u.username, v.group_id, v.spend_limit_micros FROM user_ai_budget_overrides AS "
            "v JOIN users AS u ON u.id = v.user_id"
        )
    }
    for user, _, group, *of_group in database.rows(MEMBERSHIPS):
        groups.setdefault(user, []).extend(
            [GroupOfUser(group, *of_group)] if group is not None else []
        )
    return {
        user: effective_budget(of_user, overrides.get(user)) for user, of_user in groups.items()
    }


def groups_for_usage(database: Database) -> dict[tuple[str, str | None], UUID]:
    """The group that a usage counts for, by its user and the group that it names, or None."""
    found: dict[tuple[str, str | None], UUID] = {}
    for user, budget in budgets(database).items():
        named = [
            (primary, f"{organization}/{group}", id_)
            for primary, organization, group, id_ in database.rows(OWN_GROUPS, user)
        ]
        primary = [id_ for primary, _, id_ in named if primary == id_]
        by_default = primary[0] if primary else budget.group_id or ZEROS
        found[user, None] = by_default
        for name in ("platform", "globex/sales", "Everyone"):
            own = [id_ for _, full, id_ in named if name in (full, full.partition("/")[2])]
            found[user, name] = own[0] if len(own) == 1 else by_default
    return found


class Surroundings(RuleBasedStateMachine):
    """Rules that change everything except usage.

    Each example starts with an empty ledger and the directory of the tests.
    """

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__()
        self.database, self.acme = database, acme

    @initialize()
    def empty(self) -> None:
        self.database.run(
            "TRUNCATE ai_usage, ai_usage_ever, ai_usage_keys, ai_usage_revisions,"
            " ai_rolled_hours, ai_rolled_groups, ai_rolled_days,"
            " ai_usage_unattributed, ai_spend_daily,"
            " ai_usage_quarter_hourly, ai_user_spend_monthly, ai_group_spend_monthly,"
            " ai_alerts, ai_alert_deliveries, ai_alert_states, ai_alert_queue,"
            " ai_usage_rating_passes, ai_usage_sources,"
            " ai_model_price_versions, group_ai_budgets, user_ai_budget_overrides"
        )
        self.database.run("UPDATE ai_price_book SET location = NULL, etag = NULL, entries = 0")
        as_before = [
            {"organizations": [], "status": "active"} | each for each in DIRECTORY["users"]
        ]
        self.bring(organizations=DIRECTORY["organizations"], users=as_before)
        self.gateway, self.olivia = self.acme.client("olivia"), self.acme.client("olivia")

    def bring(self, **document: Any) -> None:
        """Import a document, as an operator does who confirms deletions."""
        import_directory.handler(document | {"confirm_deletions": True}, Context())

    def groups(self) -> dict[str, UUID]:
        return dict(
            self.database.rows(
                "SELECT o.name || '/' || g.name, g.id FROM groups AS g"
                " JOIN organizations AS o ON o.id = g.organization_id"
                " WHERE o.deleted_at IS NULL"
            )
        )

    def is_deleted(self, user: str) -> bool:
        return self.database.rows(
            "SELECT status = 'deleted' FROM users WHERE username = %s", user
        ) == [(True,)]

    @rule(limit=st.none() | st.integers(0, 5), group=st.sampled_from(GROUPS))
    def change_a_budget(self, limit: int | None, group: str) -> None:
        # A deleted group has no id, so the path uses one that nothing has.
        path = f"/api/v2/groups/{self.groups().get(group, ZEROS)}/ai/budget"
        there = group in self.groups()
        if limit is None:
            assert self.olivia.delete(path).status in (204, 404)
        else:
            assert self.olivia.put(path, {"spend_limit_micros": limit}).status == (
                200 if there else 404
            )

    @rule(user=st.sampled_from(USERS), group=st.sampled_from(GROUPS), limit=st.integers(0, 5))
    def put_an_override(self, user: str, group: str, limit: int) -> None:
        id_ = self.groups().get(group, ZEROS)
        is_in = {each[2] for each in self.database.rows(MEMBERSHIPS) if each[0] == user}
        body = {"group_id": str(id_), "spend_limit_micros": limit}
        answer = self.olivia.put(f"/api/v2/users/{user}/ai/budget/override", body)
        gone = self.is_deleted(user) or id_ == ZEROS
        assert answer.status == (404 if gone else 200 if id_ in is_in else 400)

    @rule(user=st.sampled_from(USERS))
    def delete_an_override(self, user: str) -> None:
        (there,) = self.database.rows(
            "SELECT count(*) FROM user_ai_budget_overrides v JOIN users u ON u.id = v.user_id"
            " JOIN organizations o ON o.id = v.organization_id WHERE username = %s"
            " AND o.deleted_at IS NULL AND status <> 'deleted'",
            user,
        )
        answer = self.olivia.delete(f"/api/v2/users/{user}/ai/budget/override")
        assert answer.status == (204 if there == (1,) else 404)

    @rule(user=st.sampled_from(USERS), group=st.sampled_from(GROUPS[:2]), joins=st.booleans())
    def change_a_membership(self, user: str, group: str, joins: bool) -> None:
        """In SQL: the schema refuses a user outside the group's organization."""
        member = self.groups().get(group), self.acme.users[user]
        if joins and member[0]:
            insert = "INSERT INTO group_members VALUES (%s, %s) ON CONFLICT DO NOTHING"
            if self.acme.organizations["acme"] in {
                each[2] for each in self.database.rows(MEMBERSHIPS) if each[0] == user
            }:
                self.database.run(insert, *member)
            else:
                with pytest.raises(psycopg.errors.ForeignKeyViolation):
                    self.database.run(insert, *member)
        else:
            self.database.run(
                "DELETE FROM group_members WHERE group_id = %s AND user_id = %s", *member
            )

    @rule(
        user=st.sampled_from(MOVED),
        status=st.sampled_from(["active", "active", "deleted"]),
        places=st.sets(st.sampled_from(GROUPS)),
    )
    def move_or_delete_a_user(self, user: str, status: str, places: set[str]) -> None:
        groups = self.groups()
        by_organization: dict[str, list[str]] = {}
        for organization, _, group in (
            each.partition("/") for each in sorted(places & groups.keys())
        ):
            by_organization.setdefault(organization, []).extend(
                [group] if group != "Everyone" else []
            )
        organizations = [{"name": name, "groups": names} for name, names in by_organization.items()]
        self.bring(users=[{"username": user, "status": status, "organizations": organizations}])

    @rule(user=st.sampled_from(USERS), group=st.none() | st.sampled_from(GROUPS))
    def set_a_primary_group(self, user: str, group: str | None) -> None:
        own = {each[2] for each in self.database.rows(MEMBERSHIPS) if each[0] == user}
        id_ = self.groups().get(group or "")
        # What a document says of a deleted user is not applied.
        if group is None or (id_ is not None and (id_ in own or self.is_deleted(user))):
            self.bring(users=[{"username": user, "primary_group": group}])
        else:
            with pytest.raises(ValidationFailed):
                self.bring(users=[{"username": user, "primary_group": group}])

    @rule(names=st.sets(st.sampled_from(["platform", "research"])))
    def keep_these_groups(self, names: set[str]) -> None:
        self.bring(organizations=[{"name": "acme", "groups": sorted(names)}])
        assert {"acme/Everyone", *(f"acme/{name}" for name in names)} == {
            name for name in self.groups() if name.startswith("acme/")
        }

    @rule()
    def delete_or_recreate_an_organization(self) -> None:
        there = "globex/Everyone" in self.groups()
        self.bring(
            organizations=[
                {"name": "globex"} | ({"deleted": True} if there else {"groups": ["sales"]})
            ]
        )
        assert there != ("globex/Everyone" in self.groups())

    @rule(
        model=st.sampled_from(MODELS),
        micros=st.integers(0, 10**7) | st.integers(0, 3),
        unit_prices=st.fixed_dictionaries(
            {}, optional={"input_audio": st.integers(0, 3), "web_searches": st.integers(0, 10**10)}
        ),
        days=st.none() | st.integers(0, 90),
    )
    def change_a_price(
        self, model: str, micros: int, unit_prices: dict[str, int], days: int | None
    ) -> None:
        stated = price(model, input_price=micros, unit_prices=unit_prices)
        if days is not None:
            stated["effective_from"] = (
                datetime(2026, 8, 15, tzinfo=UTC) + timedelta(days=days)
            ).isoformat()
        assert self.olivia.post("/api/v2/ai/model-prices", confirmed([stated])).status == 200
