"""Any order of usage, retries, amendments, voids, attributions, dropped months, and changes of
people, budgets and prices.

The sums always equal all usage that was ever recorded, and each usage is what its present content
says.
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

from allowance.access.gate import Gate
from allowance.budgets.effective import EffectiveBudget
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_RERATER
from allowance.usage.attributing import attribute
from tests.depth import by_depth
from tests.ledger import assert_sums_agree, connection_of, remember_entries
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.priced_by_hand import OPEN, priced_by_hand
from tests.random_usage import MYSTERY, NOBODY, RECORDS, counting, micros_of, said_by
from tests.rerating import RULES_OF_BEFORE
from tests.series_steps import SeriesSteps
from tests.surroundings import USERS, ZEROS, Surroundings, budgets, groups_for_usage
from tests.usage import expire, failed, message, rerate, results
from tests.usage_model import UsageModel, text


def as_sent(content: dict[str, Any], read: int) -> int:
    """The input tokens of an entry. Of an object that was read later, an attribution has them."""
    return 0 if read == content.get("usage", {}).get("prompt_tokens") else read


class Ledger(Surroundings):
    """Rules that record, retry, forget and rerate usage, and what always holds."""

    sent = Bundle("sent")

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__(database, acme)
        self.model = UsageModel()
        self.cost_from = "book"
        self.series = SeriesSteps(acme)

    def attributed(self, names: list[str], groups: dict[tuple[str, str | None], UUID]) -> None:
        """New usage counts for the group that the rule gives when it is recorded."""
        found = self.database.rows(
            f"SELECT source_id, group_id FROM ai_usage_ever AS u WHERE {OPEN}"
            " AND source_id = ANY(%s)",
            names,
        )
        contents = self.model.present
        assert dict(found) == {
            name: groups.get((contents[name]["user"], contents[name].get("group")), ZEROS)
            for name in names
        }

    def send(
        self, *batch: dict[str, Any], amends: bool = False, revision: int | None = None
    ) -> None:
        groups, new = groups_for_usage(self.database), []
        more: dict[str, Any] = {"amends": True} if amends else {}
        if revision is not None:
            more["revision"] = revision
        sent = [each | more for each in batch]
        for each, answer in zip(batch, results(self.gateway, *sent), strict=True):
            assert answer["status"] == self.model.expected(each, amends=amends, revision=revision)
            result = answer["cost_micros"], answer["priced"]
            if answer["status"] in {"recorded", "amended"}:
                new.append(each["id"])
                self.model.keep(each, result, revision)
                assert answer["attributed"] == (each["user"] != NOBODY)
                if "cost_usd" in each and self.cost_from == "record":
                    assert result == (round(micros_of(each)), True)
            elif answer["status"] == "duplicate":
                known = self.model.keys[each["id"]]
                assert result == known.results.get(text(each), result)
                assert answer["attributed"] == (known.user != NOBODY)
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

    @rule(each=sent, content=RECORDS, revision=st.none() | st.integers(1, 4))
    def amend(self, each: dict[str, Any], content: dict[str, Any], revision: int | None) -> None:
        self.send(content | {"id": each["id"]}, amends=True, revision=revision)

    @rule(each=sent, again=st.booleans())
    def take_back(self, each: dict[str, Any], *, again: bool) -> None:
        void = {"source": each["source"], "id": each["id"], "void": True}
        for _ in range(1 + again):
            (answer,) = results(self.gateway, void)
            assert answer["status"] == self.model.expected_of_void(each["id"])
            if answer["status"] == "voided":
                self.model.void(each["id"])

    @rule(user=st.sampled_from(USERS))
    def attribute_nobodys_usage(self, user: str) -> None:
        connection = connection_of(self.database)
        db = Gate(USAGE_RERATER.subject, connection).open(Action.UPDATE, USAGE)
        booked = sum(attribute(db, "litellm", NOBODY, self.acme.users[user]))
        connection.close()
        assert booked == self.model.attribute(user)

    @rule(
        target=sent,
        batches=st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=3),
    )
    def put_into_the_queue(self, batches: list[list[dict[str, Any]]]) -> Any:
        """Each message is recorded or retried alone."""
        groups, new, bad = groups_for_usage(self.database), [], []
        for number, batch in enumerate(batches):
            for each in batch:
                expected = self.model.expected(each)
                if expected == "recorded":
                    new.append(each["id"])
                    self.model.keep(each, None)
                elif expected != "duplicate":
                    bad.append(str(number))
        messages = [message(str(number), *batch) for number, batch in enumerate(batches)]
        assert failed(*messages) == sorted(set(bad))
        for name, cost, priced in self.database.rows(
            "SELECT source_id, cost_micros, priced FROM ai_usage_ever WHERE reason = 'usage'"
            " AND source_id = ANY(%s)",
            new,
        ):
            known = self.model.keys[name]
            known.results = dict.fromkeys(
                known.results, (None if cost is None else round(cost), priced)
            )
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
        self.model.forget(
            self.database.rows(
                "SELECT date_trunc('month', now(), 'UTC') - make_interval(months => %s)", months
            )[0][0]
        )

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
    def roll_up_days(self) -> None:
        self.series.roll_up(self.database)

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
            f" stated_cost_micros, labels, user_id FROM ai_usage_ever AS u WHERE {OPEN}"
        )
        said = {
            each[0]: (*each, self.acme.users.get(self.model.keys[each[0]].user, ZEROS))
            for each in map(said_by, self.model.present.values())
        }
        contents = self.model.present
        assert {
            name: (name, as_sent(contents[name], read), *rest) for name, read, *rest in entries
        } == said
        assert len(entries) == len(said)
        assert (
            self.database.rows("SELECT id FROM ai_usage EXCEPT SELECT id FROM ai_usage_ever") == []
        )

    @invariant()
    def series_are_the_sums_of_the_ledger(self) -> None:
        self.series.check(self.olivia, self.database)

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
    profile = settings(max_examples=by_depth(4, 20, 100), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Ledger(database, acme), settings=profile)
