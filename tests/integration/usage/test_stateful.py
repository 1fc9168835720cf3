"""Any interleaving of usage, retries, months that go, changes of people, budgets and prices: the
sums are those of all that was ever recorded, always.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

import import_directory
from allowance.budgets.effective import EffectiveBudget, GroupOfUser, Override, effective_budget
from allowance.contract.fields import rfc3339
from tests.depth import by_depth
from tests.gateway import Context
from tests.ledger import assert_sums_agree, remember_entries
from tests.people import DIRECTORY, Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import expire, failed, message, record, rerate, results

USERS = ("maya", "otto", "ana", "gus", "olivia")
NOBODY = "nobody"
MOVED = USERS[:-1]
"""Who may be moved or deleted: olivia is who does it."""
GROUPS = ("acme/platform", "acme/research", "acme/Everyone", "globex/sales", "globex/Everyone")
MODELS = ("m", "m2", "unheard-of")
TO_COME = "2999-01-01T00:00:00Z"
MOMENTS = (
    "2026-08-31T23:59:59.999999Z", "2026-09-01T00:00:00Z", "2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z",
    "2026-10-01T00:30:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-31T20:00:00-04:00", "2026-11-20T10:00:00Z", TO_COME,
    *(rfc3339(datetime.now(UTC) + timedelta(minutes=each)) for each in (-1, 3)),
)  # fmt: skip
ZEROS = UUID(int=0)
MEMBERSHIPS = """
SELECT u.username, u.id, g.id, g.organization_id, om.joined_at, o.is_default, o.deleted_at IS NOT NULL, b.spend_limit_micros
FROM users AS u
LEFT JOIN organization_members AS om ON om.user_id = u.id
LEFT JOIN organizations AS o ON o.id = om.organization_id
LEFT JOIN groups AS g ON g.organization_id = om.organization_id AND (
    g.id = g.organization_id
    OR EXISTS (SELECT 1 FROM group_members AS gm WHERE gm.group_id = g.id AND gm.user_id = u.id)
)
LEFT JOIN group_ai_budgets AS b ON b.group_id = g.id
"""
RECORDS = st.builds(
    lambda number, user, model, moment, tokens: record(
        number, user=user, model=model, occurred_at=moment, tokens={"input": tokens}
    ),
    st.integers(1, 30),
    st.sampled_from((*USERS, NOBODY)),
    st.sampled_from(MODELS),
    st.sampled_from(MOMENTS),
    st.integers(0, 10**7),
)


def budgets(database: Database) -> dict[str, EffectiveBudget]:
    """Whose budget is which, by the rule in Python."""
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


def ledger_machine(database: Database, acme: Acme) -> type[RuleBasedStateMachine]:
    """The machine of one test's database: every example begins with an empty ledger and the
    directory of the tests.
    """

    class Ledger(RuleBasedStateMachine):
        sent = Bundle("sent")

        @initialize()
        def empty(self) -> None:
            database.run(
                "TRUNCATE ai_usage, ai_usage_ever, ai_usage_keys, ai_spend_daily, ai_usage_hourly, ai_user_spend_monthly,"
                " ai_group_spend_monthly, ai_spend_alerts, ai_model_price_versions, group_ai_budgets, user_ai_budget_overrides"
            )
            database.run("UPDATE ai_price_book SET location = NULL, etag = NULL, entries = 0")
            as_before = [
                {"organizations": [], "status": "active"} | each for each in DIRECTORY["users"]
            ]
            self.bring(organizations=DIRECTORY["organizations"], users=as_before)
            self.gateway, self.olivia = acme.client("olivia"), acme.client("olivia")
            self.kept: dict[str, dict[str, Any]] = {}
            self.answers: dict[str, tuple[int | None, bool]] = {}

        def bring(self, **document: Any) -> None:
            """The directory to a document, as an operator would."""
            import_directory.handler(document, Context())

        def groups(self) -> dict[str, UUID]:
            return dict(
                database.rows(
                    "SELECT o.name || '/' || g.name, g.id FROM groups AS g JOIN organizations AS o ON o.id = g.organization_id"
                    " WHERE o.deleted_at IS NULL"
                )
            )

        def is_deleted(self, user: str) -> bool:
            return database.rows(
                "SELECT status = 'deleted' FROM users WHERE username = %s", user
            ) == [(True,)]

        def expected(self, each: dict[str, Any]) -> set[str]:
            before = self.kept.get(each["id"])
            if before == each:
                return {"duplicate"}
            refused = each["occurred_at"] == TO_COME or each["user"] == NOBODY
            if before is None:
                return {"rejected"} if refused else {"recorded"}
            return {"conflict", "rejected"} if refused else {"conflict"}

        def attributed(self, names: list[str], in_effect: dict[str, EffectiveBudget]) -> None:
            """What was new counts against the budget that was in effect when it came."""
            found = database.rows(
                "SELECT source_id, group_id FROM ai_usage_ever WHERE reason = 'usage' AND "
                "source_id = ANY(%s)",
                names,
            )
            assert dict(found) == {
                name: in_effect[self.kept[name]["user"]].group_id or ZEROS for name in names
            }

        def send(self, *batch: dict[str, Any]) -> None:
            in_effect, new = budgets(database), []
            for each, answer in zip(batch, results(self.gateway, *batch), strict=True):
                # Who names nobody is told of what another record of the call did to the key.
                shared = each["user"] == NOBODY and each["id"] in {
                    other["id"] for other in batch if other != each
                }
                assert answer["status"] in self.expected(each) | ({"conflict"} if shared else set())
                if answer["status"] == "recorded":
                    new.append(each["id"])
                    self.kept[each["id"]] = each
                    self.answers[each["id"]] = answer["cost_micros"], answer["priced"]
                elif answer["status"] == "duplicate":
                    assert (answer["cost_micros"], answer["priced"]) == self.answers[each["id"]]
            self.attributed(new, in_effect)

        @rule(target=sent, each=RECORDS)
        def use(self, each: dict[str, Any]) -> dict[str, Any]:
            self.send(each)
            return each

        @rule(target=sent, batch=st.lists(RECORDS, min_size=2, max_size=6), again=st.integers(0, 5))
        def use_several_in_one_call(self, batch: list[dict[str, Any]], again: int) -> Any:
            self.send(*batch, *batch[:again])
            return multiple(*batch)

        @rule(batch=st.lists(sent, min_size=1, max_size=5))
        def retry(self, batch: list[dict[str, Any]]) -> None:
            self.send(*batch)

        @rule(each=consumes(sent), tokens=st.integers(0, 100))
        def retry_with_other_content(self, each: dict[str, Any], tokens: int) -> None:
            self.send(each | {"tokens": {"input": tokens}})

        @rule(
            target=sent,
            batches=st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=3),
        )
        def put_into_the_queue(self, batches: list[list[dict[str, Any]]]) -> Any:
            """Each message by itself, delivered once or again."""
            in_effect, new, bad = budgets(database), [], []
            for number, batch in enumerate(batches):
                for each in batch:
                    expected = self.expected(each)
                    if expected == {"recorded"}:
                        new.append(each["id"])
                        self.kept[each["id"]] = each
                    elif expected != {"duplicate"}:
                        bad.append(str(number))
            messages = [message(str(number), *batch) for number, batch in enumerate(batches)]
            assert failed(*messages) == sorted(set(bad))
            self.answers |= {
                name: (cost, priced)
                for name, cost, priced in database.rows(
                    "SELECT source_id, cost_micros, priced FROM ai_usage_ever WHERE reason = "
                    "'usage' AND source_id = ANY(%s)",
                    new,
                )
            }
            self.attributed(new, in_effect)
            return multiple(*(each for batch in batches for each in batch))

        @rule(months=st.integers(1, 3))
        def forget_months(self, months: int) -> None:
            expire(database, months)
            assert expire(database, months) == {"dropped": [], "postponed": None}
            assert database.rows(
                "SELECT 1 FROM ai_usage WHERE occurred_at < (date_trunc('month', now() AT TIME ZONE 'UTC')"
                " - make_interval(months => %s)) AT TIME ZONE 'UTC'", months
            ) == []  # fmt: skip

        @rule(limit=st.none() | st.integers(0, 5), group=st.sampled_from(GROUPS))
        def change_a_budget(self, limit: int | None, group: str) -> None:
            # Of a group that is gone by now the path names nothing.
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
            is_in = {each[2] for each in database.rows(MEMBERSHIPS) if each[0] == user}
            body = {"group_id": str(id_), "spend_limit_micros": limit}
            answer = self.olivia.put(f"/api/v2/users/{user}/ai/budget/override", body)
            gone = self.is_deleted(user) or id_ == ZEROS
            assert answer.status == (404 if gone else 200 if id_ in is_in else 400)

        @rule(user=st.sampled_from(USERS))
        def delete_an_override(self, user: str) -> None:
            (there,) = database.rows(
                "SELECT count(*) FROM user_ai_budget_overrides v JOIN users u ON u.id = v.user_id"
                " JOIN organizations o ON o.id = v.organization_id WHERE username = %s AND o.deleted_at IS NULL AND status <> 'deleted'",
                user,
            )
            answer = self.olivia.delete(f"/api/v2/users/{user}/ai/budget/override")
            assert answer.status == (204 if there == (1,) else 404)

        @rule(user=st.sampled_from(USERS), group=st.sampled_from(GROUPS[:2]), joins=st.booleans())
        def change_a_membership(self, user: str, group: str, joins: bool) -> None:
            """At a prompt, where the schema refuses who is not in the group's organization."""
            member = self.groups().get(group), acme.users[user]
            if joins and member[0]:
                insert = "INSERT INTO group_members VALUES (%s, %s) ON CONFLICT DO NOTHING"
                if acme.organizations["acme"] in {
                    each[2] for each in database.rows(MEMBERSHIPS) if each[0] == user
                }:
                    database.run(insert, *member)
                else:
                    with pytest.raises(psycopg.errors.ForeignKeyViolation):
                        database.run(insert, *member)
            else:
                database.run(
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
            organizations = [
                {"name": name, "groups": names} for name, names in by_organization.items()
            ]
            self.bring(users=[{"username": user, "status": status, "organizations": organizations}])

        @rule(names=st.sets(st.sampled_from(["platform", "research"])))
        def keep_these_groups(self, names: set[str]) -> None:
            self.bring(organizations=[{"name": "acme", "groups": sorted(names)}])
            assert {"acme/Everyone", *(f"acme/{name}" for name in names)} == {
                name for name in self.groups() if name.startswith("acme/")
            }

        @rule()
        def end_an_organization_or_found_it_anew(self) -> None:
            there = "globex/Everyone" in self.groups()
            self.bring(
                organizations=[
                    {"name": "globex"} | ({"deleted": True} if there else {"groups": ["sales"]})
                ]
            )
            assert there != ("globex/Everyone" in self.groups())

        @rule(
            model=st.sampled_from(MODELS),
            micros=st.integers(0, 10**7),
            days=st.none() | st.integers(0, 90),
        )
        def change_a_price(self, model: str, micros: int, days: int | None) -> None:
            stated = price(model, input_price=micros)
            if days is not None:
                stated["effective_from"] = (
                    datetime(2026, 8, 15, tzinfo=UTC) + timedelta(days=days)
                ).isoformat()
            assert self.olivia.post("/api/v2/ai/model-prices", {"prices": [stated]}).status == 204

        @rule()
        def rate_anew(self) -> None:
            rerate()
            assert rerate()["corrected"] == 0

        @invariant()
        def nothing_is_lost_and_nothing_counted_twice(self) -> None:
            assert_sums_agree(database)
            entries = database.rows(
                "SELECT source_id, input_tokens FROM ai_usage_ever WHERE reason = 'usage'"
            )
            assert sorted(entries) == sorted(
                (name, each["tokens"]["input"]) for name, each in self.kept.items()
            )
            assert (
                database.rows("SELECT id FROM ai_usage EXCEPT SELECT id FROM ai_usage_ever") == []
            )

        @invariant()
        def the_budget_in_effect_is_that_of_the_rule(self) -> None:
            found = database.rows(
                "SELECT u.username, e.group_id, e.spend_limit_micros, e.limit_source"
                " FROM users AS u CROSS JOIN LATERAL ai_effective_budget(u.id) AS e"
            )
            assert {user: EffectiveBudget(*budget) for user, *budget in found} == budgets(database)

    return Ledger


def test_sums_match_all_recorded_usage_in_any_order_of_events(
    database: Database, acme: Acme
) -> None:
    seed(price(input_price=2_000_000))
    remember_entries(database)
    profile = settings(max_examples=by_depth(8, 20, 100), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(ledger_machine(database, acme), settings=profile)
