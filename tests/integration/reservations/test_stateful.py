"""Any order of reservations, settlements, releases, usage and changes around them.

A plain model in Python decides beside the database. Time passes where an owner moves it back: a
hold's end into the past, or all sums of months by a month, which ends the period.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.depth import by_depth
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservation_limits import USERS, Limits
from tests.reservations import PATH, assert_holds_agree, request, settle
from tests.surroundings import budgets
from tests.usage import expire, record, results

TOKENS = st.integers(0, 16).map(lambda quarters: quarters * 250_000)
"""A million tokens cost one micro-unit, so what is compared with a limit has decimals."""
EVERYTHING = (
    "SELECT (SELECT jsonb_agg(r ORDER BY r.id) FROM ai_reservations AS r),"
    " (SELECT jsonb_agg(s ORDER BY s.usage_key_digest) FROM ai_reservation_settlements AS s),"
    " (SELECT jsonb_agg(h ORDER BY h.reservation_id) FROM ai_reservation_holds AS h"
    " WHERE h.expires_at > now()),"
    # A refusal locks the sum of the month, which it may have to create: a sum of 0.
    " (SELECT coalesce(sum(cost_micros), 0) FROM ai_user_spend_monthly),"
    " (SELECT count(*) FROM ai_usage)"
)


def cost(tokens: int) -> Decimal:
    return Decimal(tokens) / 1_000_000


@dataclass
class Grant:
    """A granted reservation as the model knows it."""

    user: str
    sent: dict[str, Any]
    body: str
    estimate: Decimal
    held: Decimal
    state: str = "held"
    settled: Decimal = Decimal(0)
    settlements: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)


class Reservations(Limits):
    """Rules that hold, settle, release and forget, and what always holds."""

    granted = Bundle("granted")

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__(database, acme)
        self.grants: dict[str, Grant] = {}
        self.keys: dict[str, str] = {}
        self.total = dict.fromkeys(USERS, Decimal(0))
        self.numbers = count(1)
        self.gateway = acme.client("nora")

    def live(self, user: str) -> Decimal:
        return sum((each.held for each in self.grants.values() if each.user == user), Decimal(0))

    def count(self, user: str, amount: Decimal) -> None:
        self.spent[user] += amount
        self.total[user] += amount

    def used(self, user: str, tokens: int) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return record(next(self.numbers), user=user, occurred_at=now, tokens={"input": tokens})

    @rule(
        target=granted,
        user=st.sampled_from(USERS),
        tokens=TOKENS,
        key=st.integers(1, 9),
        dry_run=st.sampled_from((False, False, False, True)),
    )
    def reserve(self, user: str, tokens: int, key: int, dry_run: bool) -> str | None:
        sent = request(key, user=user, estimate={"tokens": {"input": tokens}})
        known = self.grants.get(self.keys.get(sent["id"], ""))
        before = self.database.rows(EVERYTHING)
        limit = budgets(self.database)[user].spend_limit_micros
        answer = self.gateway.post(PATH, sent | ({"dry_run": True} if dry_run else {}))
        if known is not None and not dry_run:
            assert answer.status == (201 if known.sent == sent else 409)
            assert known.sent != sent or answer.body == known.body
            assert self.database.rows(EVERYTHING) == before
            return None
        room = None if limit is None else limit - self.spent[user] - self.live(user)
        fits = room is None or cost(tokens) <= room
        assert answer.status == ((200 if dry_run else 201) if fits else 403), answer.body
        (budget,) = answer.json()["decision"]["budgets"]
        assert budget["limit_micros"] == limit
        assert budget["spent_micros"] == round(self.spent[user])
        assert budget["reserved_micros"] == round(self.live(user))
        if room is not None:
            assert answer.json()["decision"]["would_fit_micros"] == max(int(room // 1), 0)
        if not fits or dry_run:
            assert self.database.rows(EVERYTHING) == before, "a refusal changes nothing"
            return None
        id_ = answer.json()["reservation_id"]
        self.grants[id_] = Grant(user, sent, answer.body, cost(tokens), cost(tokens))
        self.keys[sent["id"]] = id_
        return id_

    @rule(
        id_=granted, tokens=TOKENS, final=st.booleans(), extends=st.booleans(), again=st.booleans()
    )
    def settle_a_part_or_all(
        self, id_: str | None, tokens: int, final: bool, extends: bool, again: bool
    ) -> None:
        if id_ is None:
            return
        grant = self.grants[id_]
        sent = self.used(grant.user, tokens) | {"final": final}
        if extends and not final:
            sent["extend_seconds"] = 60
        if again:
            # Another door recorded it first.
            plain = {name: sent[name] for name in sent.keys() - {"final", "extend_seconds"}}
            assert results(self.gateway, plain)[0]["status"] == "recorded"
            self.count(grant.user, cost(tokens))
        before = self.database.rows(EVERYTHING)
        answer = settle(self.gateway, id_, sent)
        if grant.state in ("settled", "released"):
            assert answer.status == 409
            assert self.database.rows(EVERYTHING) == before
            return
        assert answer.status == 200, answer.body
        if not again:
            self.count(grant.user, cost(tokens))
        grant.settled += cost(tokens)
        grant.held = Decimal(0) if final else max(grant.held - cost(tokens), Decimal(0))
        grant.state = "settled" if final else grant.state
        grant.settlements[sent["id"]] = sent, answer.body
        said = answer.json()
        assert said["status"] == grant.state
        assert said["reserved_micros"] == round(grant.held)
        assert said["overrun_micros"] == round(max(grant.settled - grant.estimate, Decimal(0)))
        assert said["budget"]["spent_micros"] == round(self.spent[grant.user])
        assert said["budget"]["reserved_micros"] == round(self.live(grant.user))

    @rule(id_=granted)
    def retry_settlements(self, id_: str | None) -> None:
        before = self.database.rows(EVERYTHING)
        for sent, body in self.grants[id_].settlements.values() if id_ else ():
            assert settle(self.gateway, id_ or "", sent).body == body
            other = sent | {"tokens": {"input": 1}}
            assert settle(self.gateway, id_ or "", other).status == 409
        assert self.database.rows(EVERYTHING) == before

    @rule(id_=granted)
    def release(self, id_: str | None) -> None:
        if id_ is not None:
            grant = self.grants[id_]
            status = self.gateway.delete(f"{PATH}/{id_}").status
            assert status == (409 if grant.state == "settled" else 204)
            if grant.state in ("held", "expired"):
                grant.state, grant.held = "released", Decimal(0)

    @rule(id_=granted)
    def let_it_expire(self, id_: str | None) -> None:
        if id_ is not None and self.grants[id_].state == "held":
            grant = self.grants[id_]
            for table, key in (
                ("ai_reservation_holds", "reservation_id"),
                ("ai_reservations", "id"),
            ):
                self.database.run(
                    f"UPDATE {table} SET expires_at = expires_at - interval '1 day'"
                    f" WHERE {key} = %s",
                    id_,
                )
            self.database.run(
                "UPDATE ai_user_reserved SET next_expiry = '-infinity' WHERE user_id = %s",
                self.acme.users[grant.user],
            )
            grant.state, grant.held = "expired", Decimal(0)

    @rule()
    def tidy(self) -> None:
        expire(self.database, 12)
        assert self.database.rows(
            "SELECT FROM ai_reservation_holds WHERE expires_at <= now()"
        ) == []  # fmt: skip

    @rule(user=st.sampled_from(USERS), tokens=TOKENS)
    def use_without_a_reservation(self, user: str, tokens: int) -> None:
        results(self.gateway, self.used(user, tokens))
        self.count(user, cost(tokens))

    @invariant()
    def what_is_held_is_the_sum_of_the_holds(self) -> None:
        assert_holds_agree(self.database)
        live = dict(
            self.database.rows(
                "SELECT u.username, sum(h.amount_micros) FROM ai_reservation_holds AS h"
                " JOIN users AS u ON u.id = h.user_id WHERE h.expires_at > now() GROUP BY 1"
            )
        )
        assert {user: live.get(user, 0) for user in USERS} == {
            user: self.live(user) for user in USERS
        }

    @invariant()
    def what_is_spent_is_the_ledger(self) -> None:
        for table in ("ai_user_spend_monthly", "ai_usage"):
            found = dict(
                self.database.rows(
                    f"SELECT u.username, sum(s.cost_micros) FROM {table} AS s"
                    " JOIN users AS u ON u.id = s.user_id GROUP BY 1"
                )
            )
            assert {user: found.get(user, 0) for user in USERS} == self.total

    @invariant()
    def each_grant_is_closed_once(self) -> None:
        found = self.database.rows(
            "SELECT r.id::text, CASE WHEN r.state = 'held' AND r.expires_at <= now()"
            " THEN 'expired' ELSE r.state END, r.settled_micros, coalesce(sum(s.cost_micros), 0)"
            " FROM ai_reservations AS r LEFT JOIN ai_reservation_settlements AS s"
            " ON s.granted_at = r.granted_at AND s.reservation_id = r.id GROUP BY 1, 2, 3"
        )
        assert {id_: rest for id_, *rest in found} == {
            id_: [each.state, each.settled, each.settled] for id_, each in self.grants.items()
        }


def test_holds_and_spend_match_a_plain_model_in_any_order(database: Database, acme: Acme) -> None:
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=1))
    profile = settings(max_examples=by_depth(5, 25, 150), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Reservations(database, acme), settings=profile)
