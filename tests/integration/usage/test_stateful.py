"""Any order of usage, retries, dropped months and changes of people, budgets and prices.

The sums always equal all usage that was ever recorded.
"""

from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from allowance.budgets.effective import EffectiveBudget
from tests.depth import by_depth
from tests.ledger import assert_sums_agree, remember_entries
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.priced_by_hand import priced_by_hand
from tests.random_usage import MYSTERY, NOBODY, RECORDS, TO_COME, counting, micros_of, said_by
from tests.rerating import RULES_OF_BEFORE
from tests.surroundings import Surroundings, budgets, groups_for_usage
from tests.usage import expire, failed, message, rerate, results


class Ledger(Surroundings):
    """Rules that record, retry, forget and rerate usage, and what always holds."""

    sent = Bundle("sent")

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__(database, acme)
        self.kept: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[int | None, bool]] = {}
        self.cost_from = "book"

    def expected(self, each: dict[str, Any]) -> set[str]:
        before = self.kept.get(each["id"])
        if before == each:
            return {"duplicate"}
        refused = each["occurred_at"] == TO_COME or each["user"] == NOBODY
        if before is None:
            return {"rejected"} if refused else {"recorded"}
        return {"conflict", "rejected"} if refused else {"conflict"}

    def attributed(self, names: list[str], groups: dict[tuple[str, str | None], UUID]) -> None:
        """New usage counts for the group that the rule gives when it is recorded."""
        found = self.database.rows(
            "SELECT source_id, group_id FROM ai_usage_ever WHERE reason = 'usage' AND "
            "source_id = ANY(%s)",
            names,
        )
        assert dict(found) == {
            name: groups[self.kept[name]["user"], self.kept[name].get("group")] for name in names
        }

    def send(self, *batch: dict[str, Any]) -> None:
        groups, new = groups_for_usage(self.database), []
        for each, answer in zip(batch, results(self.gateway, *batch), strict=True):
            # A record without a user may conflict with another record of its key.
            shared = each["user"] == NOBODY and each["id"] in {
                other["id"] for other in batch if other != each
            }
            assert answer["status"] in self.expected(each) | ({"conflict"} if shared else set())
            if answer["status"] == "recorded":
                new.append(each["id"])
                self.kept[each["id"]] = each
                self.answers[each["id"]] = answer["cost_micros"], answer["priced"]
                if "cost_usd" in each and self.cost_from == "record":
                    assert answer["priced"]
                    assert answer["cost_micros"] == round(micros_of(each))
            elif answer["status"] == "duplicate":
                assert (answer["cost_micros"], answer["priced"]) == self.answers[each["id"]]
        self.attributed(new, groups)

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
        is_read = "usage" not in each
        other = each | counting(tokens, is_read=is_read)
        self.send({name: value for name, value in other.items() if value is not None})

    @rule(
        target=sent,
        batches=st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=3),
    )
    def put_into_the_queue(self, batches: list[list[dict[str, Any]]]) -> Any:
        """Each message is recorded or retried alone."""
        groups, new, bad = groups_for_usage(self.database), [], []
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
            name: (None if cost is None else round(cost), priced)
            for name, cost, priced in self.database.rows(
                "SELECT source_id, cost_micros, priced FROM ai_usage_ever WHERE reason = "
                "'usage' AND source_id = ANY(%s)",
                new,
            )
        }
        self.attributed(new, groups)
        return multiple(*(each for batch in batches for each in batch))

    @rule(months=st.integers(1, 3))
    def forget_months(self, months: int) -> None:
        expire(self.database, months)
        assert expire(self.database, months) == {"dropped": [], "postponed": []}
        assert self.database.rows(
            "SELECT 1 FROM ai_usage WHERE occurred_at <"
            " (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => %s))"
            " AT TIME ZONE 'UTC'", months
        ) == []  # fmt: skip

    @rule()
    def know_the_unknown_counter(self) -> None:
        """As after a deployment whose reader ignores it."""
        for ledger in ("ai_usage", "ai_usage_ever"):
            self.database.run(f"UPDATE {ledger} SET usage_object = usage_object - '{MYSTERY}'")
        self.database.run(RULES_OF_BEFORE)

    @rule(cost_from=st.sampled_from(("book", "record")))
    def set_the_source(self, cost_from: str) -> None:
        path = "/api/v2/ai/sources/litellm"
        assert self.olivia.put(path, {"cost_from": cost_from}).status == 200
        self.cost_from = cost_from

    @rule()
    def rerate_usage(self) -> None:
        rerate()
        assert rerate()["corrected"] == 0
        wrong = {
            each: (booked, due)
            for each, booked, due in priced_by_hand(self.database)
            if due is not None and booked != due
        }
        assert wrong == {}

    @invariant()
    def nothing_is_lost_and_nothing_counted_twice(self) -> None:
        assert_sums_agree(self.database)
        entries = self.database.rows(
            "SELECT source_id, input_tokens, coalesce(other_units, '{}'), usage_count,"
            " stated_cost_micros, labels FROM ai_usage_ever WHERE reason = 'usage'"
        )
        assert sorted(entries, key=str) == sorted(map(said_by, self.kept.values()), key=str)
        assert (
            self.database.rows("SELECT id FROM ai_usage EXCEPT SELECT id FROM ai_usage_ever") == []
        )

    @invariant()
    def the_effective_budget_follows_the_rule(self) -> None:
        found = self.database.rows(
            "SELECT u.username, e.group_id, e.spend_limit_micros, e.limit_source"
            " FROM users AS u CROSS JOIN LATERAL ai_effective_budget(u.id) AS e"
        )
        assert {user: EffectiveBudget(*budget) for user, *budget in found} == budgets(self.database)


def test_sums_match_all_recorded_usage_in_any_order_of_events(
    database: Database, acme: Acme
) -> None:
    seed(price(input_price=2_000_000))
    remember_entries(database)
    profile = settings(max_examples=by_depth(8, 20, 100), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Ledger(database, acme), settings=profile)
