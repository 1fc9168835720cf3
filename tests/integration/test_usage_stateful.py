"""Any interleaving of usage, retries, changes of people, budgets and prices: the sums are those of the ledger, always."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.integration.test_record_usage import record, results
from tests.integration.test_rerate_usage import rerate
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed

USERS = ("maya", "otto", "ana", "gus", "olivia")
MODELS = ("m", "m2", "unheard-of")
MOMENTS = (
    "2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z", "2026-10-01T00:30:00+01:00", "2026-10-25T02:30:00+02:00",
    "2026-10-31T20:00:00-04:00", "2026-11-20T10:00:00Z", "2999-01-01T00:00:00Z",
)  # fmt: skip


def ledger_machine(database: Database, acme: Acme) -> type[RuleBasedStateMachine]:
    """The machine of one test's database: every example begins with an empty ledger."""

    class Ledger(RuleBasedStateMachine):
        sent = Bundle("sent")

        @initialize()
        def empty(self) -> None:
            database.run(
                "TRUNCATE ai_usage, ai_usage_keys, ai_spend_daily, ai_usage_hourly, ai_user_spend_monthly,"
                " ai_group_spend_monthly, ai_spend_alerts, ai_model_price_versions"
            )
            database.run("UPDATE ai_price_book SET location = NULL, etag = NULL, entries = 0")
            self.gateway, self.olivia = acme.client("olivia"), acme.client("olivia")
            self.kept: dict[str, dict[str, Any]] = {}
            self.answers: dict[str, tuple[int | None, bool]] = {}

        def send(self, *batch: dict[str, Any]) -> None:
            for each, answer in zip(batch, results(self.gateway, *batch), strict=True):
                before = self.kept.get(each["id"])
                if before is None and each["occurred_at"].startswith("2999"):
                    assert answer["status"] == "rejected"
                elif before is None:
                    assert answer["status"] == "recorded"
                    self.kept[each["id"]] = each
                    self.answers[each["id"]] = answer["cost_micros"], answer["priced"]
                elif before == each:
                    assert answer["status"] == "duplicate"
                    assert (answer["cost_micros"], answer["priced"]) == self.answers[each["id"]]
                else:
                    assert answer["status"] in ("conflict", "rejected")

        @rule(
            target=sent,
            number=st.integers(1, 30),
            user=st.sampled_from(USERS),
            model=st.sampled_from(MODELS),
            moment=st.sampled_from(MOMENTS),
            tokens=st.integers(0, 10**7),
        )
        def use(self, number: int, user: str, model: str, moment: str, tokens: int) -> dict[str, Any]:
            made = record(number, user=user, model=model, occurred_at=moment, tokens={"input": tokens})
            self.send(made)
            return made

        @rule(batch=st.lists(sent, min_size=1, max_size=5))
        def retry(self, batch: list[dict[str, Any]]) -> None:
            self.send(*batch)

        @rule(each=consumes(sent), tokens=st.integers(0, 100))
        def retry_with_other_content(self, each: dict[str, Any], tokens: int) -> None:
            self.send(each | {"tokens": {"input": tokens}})

        @rule(
            limit=st.none() | st.integers(0, 5),
            group=st.sampled_from(["acme/platform", "acme/Everyone", "globex/sales"]),
        )
        def change_a_budget(self, limit: int | None, group: str) -> None:
            path = acme.budget_path(group)
            if limit is None:
                self.olivia.delete(path)
            else:
                assert self.olivia.put(path, {"spend_limit_micros": limit}).status == 200

        @rule(user=st.sampled_from(USERS), joins=st.booleans())
        def change_a_membership(self, user: str, joins: bool) -> None:
            member = (acme.groups["acme/platform"], acme.users[user])
            if joins:
                database.run("INSERT INTO group_members VALUES (%s, %s) ON CONFLICT DO NOTHING", *member)
            else:
                database.run("DELETE FROM group_members WHERE group_id = %s AND user_id = %s", *member)

        @rule(model=st.sampled_from(MODELS), micros=st.integers(0, 10**7), days=st.none() | st.integers(0, 60))
        def change_a_price(self, model: str, micros: int, days: int | None) -> None:
            stated = price(model, input_price=micros)
            if days is not None:
                stated["effective_from"] = (datetime(2026, 9, 15, tzinfo=UTC) + timedelta(days=days)).isoformat()
            assert self.olivia.post("/api/v2/ai/model-prices", {"prices": [stated]}).status == 204

        @rule()
        def rate_anew(self) -> None:
            rerate()
            assert rerate()["corrected"] == 0

        @invariant()
        def nothing_is_lost_and_nothing_counted_twice(self) -> None:
            assert_sums_agree(database)
            entries = database.rows(
                "SELECT k.id, u.input_tokens FROM ai_usage u JOIN ai_usage_keys k ON k.usage_id = u.id WHERE u.reason = 'usage'"
            )
            assert sorted(entries) == sorted((name, each["tokens"]["input"]) for name, each in self.kept.items())
            ((by_group, by_user),) = database.rows(
                "SELECT (SELECT sum(cost_micros) FROM ai_usage_hourly), (SELECT sum(cost_micros) FROM ai_spend_daily)"
            )
            assert by_group == by_user

    return Ledger


def test_whatever_happens_in_whatever_order_the_sums_are_those_of_the_ledger(database: Database, acme: Acme) -> None:
    seed(price(input_price=2_000_000))
    profile = settings(max_examples=max(5, settings().max_examples // 25), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(ledger_machine(database, acme), settings=profile)
