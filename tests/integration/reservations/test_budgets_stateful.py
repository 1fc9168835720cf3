"""Any order of reservations, settlements and usage under budgets that come, change and end.

A plain model in Python decides beside the database. Time passes where an owner moves it back: the
end of a hold into the past, or all usage and all counters by a day.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule, run_state_machine_as_test

from tests.budget_counters import assert_counters_agree
from tests.budget_model import DAY, ZERO, Entry, Hold
from tests.budget_rules import EVERYTHING, EXPIRE, HELD, SPENT, BudgetRules, time_of
from tests.depth import by_depth
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservation_limits import USERS
from tests.reservations import PATH, assert_holds_agree, request, settle
from tests.surroundings import groups_for_usage
from tests.usage import expire, record, results

PARTS = st.integers(0, 16)
"""Quarters of a micro-unit."""
LABELS = st.sampled_from([{}, {"project": "a"}, {"project": "b"}])
CALLS = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from([None, None, "platform"]),
    st.sampled_from(["m", "x-1"]),
    LABELS,
)
Call = tuple[str, str | None, str, dict[str, str]]


@dataclass
class Grant:
    """A granted reservation as the model knows it."""

    user: str
    sent: dict[str, Any]
    body: str
    state: str = "held"
    settlements: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)


def cost_of(parts: int) -> Decimal:
    return Decimal(parts) / 4


def said_of(call: Call) -> dict[str, Any]:
    user, named, model, labels = call
    return {"user": user, "group": named, "model": model, "labels": labels or None}


class Budgets(BudgetRules):
    """Rules under budgets of acme, and what always holds."""

    granted = Bundle("granted")

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__(database, acme)
        self.grants: dict[str, Grant] = {}
        self.keys: dict[str, str] = {}
        self.numbers = count(1)
        self.gateway = acme.client("nora")

    @rule(
        target=granted,
        call=CALLS,
        parts=PARTS,
        key=st.integers(1, 9),
        dry_run=st.sampled_from((False, False, False, True)),
    )
    def reserve(self, call: Call, parts: int, key: int, dry_run: bool) -> str | None:
        user, named, model, labels = call
        estimate = {"tokens": {"input": parts * 250_000}}
        sent = request(key, estimate=estimate, **said_of(call))
        known = self.grants.get(self.keys.get(sent["id"], ""))
        before = self.database.rows(EVERYTHING)
        groups = groups_for_usage(self.database)
        answer = self.gateway.post(PATH, sent | ({"dry_run": True} if dry_run else {}))
        now = datetime.now(UTC)
        if named and groups[user, named] != self.acme.groups[f"acme/{named}"]:
            assert answer.status == (400 if known is None or dry_run else answer.status)
            assert self.database.rows(EVERYTHING) == before
            return None
        if known is not None and not dry_run:
            assert answer.status == (201 if known.sent == sent else 409)
            assert known.sent != sent or answer.body == known.body
            assert self.database.rows(EVERYTHING) == before
            return None
        matched = self.ledger.budgets_of(user, groups[user, named], model, labels)
        fits = self.check_decision(answer, user, cost_of(parts), matched, now)
        assert answer.status == ((200 if dry_run else 201) if fits else 403), answer.body
        if not fits or dry_run:
            assert self.database.rows(EVERYTHING) == before, "a refusal changes nothing"
            return None
        id_ = answer.json()["reservation_id"]
        self.grants[id_] = Grant(user, sent, answer.body)
        self.keys[sent["id"]] = id_
        limits: list[tuple[str | None, str]] = [(each.id, subject) for each, subject in matched]
        until = time_of(answer.json()["expires_at"])
        self.ledger.holds[id_] = Hold(user, cost_of(parts), until, [(None, user), *limits])
        return id_

    @rule(
        id_=granted,
        call=CALLS,
        parts=PARTS,
        final=st.booleans(),
        extends=st.booleans(),
        again=st.booleans(),
    )
    def settle_a_part_or_all(
        self, id_: str | None, call: Call, parts: int, final: bool, extends: bool, again: bool
    ) -> None:
        if id_ is None:
            return
        grant = self.grants[id_]
        call = (grant.user, *call[1:])
        sent, entry = self.usage(call, parts)
        sent |= {"final": final} | ({"extend_seconds": 3600} if extends and not final else {})
        if again:
            # Another door recorded it first.
            plain = {name: sent[name] for name in sent.keys() - {"final", "extend_seconds"}}
            assert results(self.gateway, plain)[0]["status"] == "recorded"
            self.count(entry)
        before = self.database.rows(EVERYTHING)
        answer = settle(self.gateway, id_, sent)
        if grant.state in ("settled", "released"):
            assert answer.status == 409
            assert self.database.rows(EVERYTHING) == before
            return
        assert answer.status == 200, answer.body
        if not again:
            self.count(entry)
        hold = self.ledger.holds.get(id_)
        grant.state = "settled" if final else grant.state
        grant.settlements[sent["id"]] = sent, answer.body
        said = answer.json()
        if hold is not None:
            hold.amount = ZERO if final else max(hold.amount - entry.cost, ZERO)
            hold.until = time_of(said["expires_at"])
            assert said["reserved_micros"] == round(hold.amount)
            if extends and not final:
                assert hold.until > datetime.now(UTC) + timedelta(minutes=30)
            if final:
                del self.ledger.holds[id_]
        assert said["status"] == grant.state

    @rule(id_=granted)
    def retry_settlements(self, id_: str | None) -> None:
        before = self.database.rows(EVERYTHING)
        for sent, answered in self.grants[id_].settlements.values() if id_ else ():
            assert settle(self.gateway, id_ or "", sent).body == answered
        assert self.database.rows(EVERYTHING) == before

    @rule(id_=granted)
    def release(self, id_: str | None) -> None:
        if id_ is not None:
            grant = self.grants[id_]
            status = self.gateway.delete(f"{PATH}/{id_}").status
            assert status == (409 if grant.state == "settled" else 204)
            if grant.state != "settled":
                grant.state = "released"
                self.ledger.holds.pop(id_, None)

    @rule(id_=granted)
    def let_it_expire(self, id_: str | None) -> None:
        if id_ is None or self.grants[id_].state != "held":
            return
        for statement in EXPIRE:
            self.database.run(statement, id_)
        self.grants[id_].state = "expired"
        del self.ledger.holds[id_]

    @rule()
    def tidy(self) -> None:
        expire(self.database, 12)
        assert self.database.rows("SELECT FROM ai_budget_holds WHERE expires_at <= now()") == []

    @rule(call=CALLS, parts=PARTS, days=st.sampled_from([0, 0, 1, 2]))
    def use_without_a_reservation(self, call: Call, parts: int, days: int) -> None:
        sent, entry = self.usage(call, parts, days)
        assert results(self.gateway, sent)[0]["status"] == "recorded"
        self.count(entry)

    def usage(self, call: Call, parts: int, days: int = 0) -> tuple[dict[str, Any], Entry]:
        """What a call used some days ago, and its entry."""
        user, named, model, labels = call
        at = datetime.now(UTC) - days * DAY
        tokens = {"input": parts * 250_000}
        sent = record(
            next(self.numbers), occurred_at=at.isoformat(), tokens=tokens, **said_of(call)
        )
        group_id = groups_for_usage(self.database)[user, named]
        return sent, Entry(user, group_id, model, labels, at, cost_of(parts))

    def count(self, entry: Entry) -> None:
        self.ledger.entries.append(entry)
        if f"{entry.at:%Y-%m}" == f"{datetime.now(UTC):%Y-%m}":
            self.spent[entry.user] += entry.cost

    @invariant()
    def what_is_held_is_the_sum_of_the_holds(self) -> None:
        assert_holds_agree(self.database)
        assert_counters_agree(self.database)
        found = {(id_, subject): micros for id_, subject, micros in self.database.rows(HELD)}
        for id_, subject in {each for hold in self.ledger.holds.values() for each in hold.budgets}:
            if id_ is not None:
                held = self.ledger.held(id_, subject)
                assert found.pop((id_, subject)) == held
        assert found == {}

    @invariant()
    def what_is_spent_is_the_sum_of_the_usage(self) -> None:
        for id_, subject, starts, spent in self.database.rows(SPENT):
            if not (budget := self.ledger.budgets[id_]).ended:
                assert spent == self.ledger.spent(budget, subject, starts or datetime.now(UTC))


def test_budgets_match_a_plain_model_in_any_order(database: Database, acme: Acme) -> None:
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=1), price("x-1", input_price=1))
    profile = settings(max_examples=by_depth(5, 40, 400), stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: Budgets(database, acme), settings=profile)
