"""Rules that create, change and end budgets of acme, and what a decision must show of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from allowance.contract.fields import rfc3339
from tests.budget_model import Budget, Ledger, earliest, noon_zone
from tests.gateway import Answer
from tests.organization_budgets import BUDGETS, body, group
from tests.organization_budgets import user as of_user
from tests.people import Acme
from tests.postgres import Database
from tests.reservation_limits import Limits
from tests.surroundings import budgets

NAMES = ("all", "platform", "member", "project", "a", "x", "maya")
A_DAY_LATER = (
    "SELECT ensure_ai_usage_month(now() - interval '60 days')",
    "SELECT ensure_ai_usage_month(now() - interval '30 days')",
    "UPDATE ai_usage SET occurred_at = occurred_at - interval '1 day'",
    *(
        f"UPDATE {table} SET {column} = {column} + {days} * interval '1 day'"
        for table, column in (
            ("ai_usage_quarter_hourly", "starts_at"),
            ("ai_spend_daily", "day"),
            ("ai_budget_counters", "period_start"),
            ("ai_budget_spend", "period_start"),
            ("ai_budget_limits", "since"),
        )
        # In one step, some row would take the place of another.
        for days in (-1000, 999)
    ),
)


HELD = (
    "SELECT budget_id::text, subject, sum(amount_micros) FROM ai_budget_holds"
    " WHERE expires_at > now() GROUP BY 1, 2"
)
SPENT = (
    "SELECT budget_id::text, subject, nullif(period_start, '-infinity'), sum(spent_micros)"
    " FROM (SELECT budget_id, subject, period_start, spent_micros FROM ai_budget_counters"
    " UNION ALL SELECT budget_id, subject, period_start, spent_micros FROM ai_budget_spend) AS s"
    " GROUP BY budget_id, subject, period_start"
)
EXPIRE = (
    *(
        f"UPDATE {table} SET expires_at = expires_at - interval '2 days' WHERE {key} = %s"
        for table, key in (
            ("ai_reservation_holds", "reservation_id"),
            ("ai_budget_holds", "reservation_id"),
            ("ai_reservations", "id"),
        )
    ),
    "UPDATE ai_user_reserved SET next_expiry = '-infinity' WHERE %s <> ''",
    "UPDATE ai_budget_counters SET next_expiry = '-infinity' WHERE %s <> ''",
)
EVERYTHING = (
    "SELECT (SELECT jsonb_agg(r ORDER BY r.id) FROM ai_reservations AS r),"
    " (SELECT jsonb_agg(c ORDER BY c.budget_id, c.subject, c.slice) FROM ai_budget_counters AS c),"
    " (SELECT jsonb_agg(h ORDER BY h) FROM ai_budget_holds AS h),"
    " (SELECT jsonb_agg(s ORDER BY s) FROM ai_budget_spend AS s),"
    " (SELECT jsonb_agg(h ORDER BY h) FROM ai_reservation_holds AS h WHERE h.expires_at > now()),"
    " (SELECT count(*) FROM ai_usage)"
)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


class BudgetRules(Limits):
    """Rules that change budgets, limits, groups and the day. `ledger` is the model."""

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__(database, acme)
        self.ledger = Ledger(acme.users)
        self.zone, self.offset = noon_zone()

    @initialize()
    def without_budgets(self) -> None:
        self.database.run(
            "TRUNCATE ai_budgets, ai_budget_limits, ai_budget_spend, ai_budget_counters,"
            " ai_budget_holds"
        )

    def terms_of(self, name: str, limit: int, rollover: int, enforcement: str) -> dict[str, Any]:
        day, never = {"unit": "day", "time_zone": self.zone}, {"unit": "none"}
        label = {"type": "label", "key": "project"}
        terms: dict[str, Any] = {
            "all": {"period": day},
            "platform": {"scope": group(self.acme.groups["acme/platform"]), "period": never},
            "member": {"per": "member", "period": day},
            "project": {"scope": label, "per": "value", "period": day},
            "a": {"scope": label | {"value": "a"}, "period": never},
            "x": {"models": ["p/x*"], "period": day},
            "maya": {"scope": of_user(self.acme.users["maya"]), "period": day},
        }[name]
        terms |= {"limit_micros": limit, "enforcement": enforcement}
        return body(name, **terms, rollover_micros=rollover if terms["period"] is day else 0)

    @rule(
        name=st.sampled_from(NAMES),
        limit=st.integers(0, 12),
        rollover=st.sampled_from([0, 0, 3]),
        enforcement=st.sampled_from(["enforce", "enforce", "enforce", "warn", "off"]),
    )
    def create_or_change_a_budget(
        self, name: str, limit: int, rollover: int, enforcement: str
    ) -> None:
        terms = self.terms_of(name, limit, rollover, enforcement)
        known = self.in_force(name)
        if known is None:
            answer = self.olivia.post(BUDGETS, terms)
            assert answer.status == 201, answer.body
            id_ = answer.json()["id"]
            since = time_of(answer.json()["created_at"])
            self.ledger.budgets[id_] = Budget(id_, terms, self.offset, [(since, limit)])
            return
        answer = self.olivia.put(f"{BUDGETS}/{known.id}", terms)
        assert answer.status == 200, answer.body
        known.terms = terms
        if known.limits[-1][1] != limit:
            known.limits.append((time_of(answer.json()["updated_at"]), limit))

    @rule(name=st.sampled_from(NAMES))
    def end_a_budget(self, name: str) -> None:
        if (known := self.in_force(name)) is not None:
            assert self.olivia.delete(f"{BUDGETS}/{known.id}").status == 204
            known.ended = True

    def in_force(self, name: str) -> Budget | None:
        every = self.ledger.budgets.values()
        return next((each for each in every if each.terms["name"] == name and not each.ended), None)

    @rule()
    def end_the_day(self) -> None:
        for statement in A_DAY_LATER:
            self.database.run(statement)
        self.ledger.pass_a_day()

    def check_decision(
        self,
        answer: Answer,
        user: str,
        estimate: Decimal,
        matched: list[tuple[Budget, str]],
        now: datetime,
    ) -> bool:
        """Compare a decision with the model's, and return whether the estimate fits."""
        limit, spent = budgets(self.database)[user].spend_limit_micros, self.spent[user]
        month = (
            now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(32)
        ).replace(day=1)
        held = self.ledger.held(None, user)
        figures = [(None if limit is None else Decimal(limit), spent, held, "enforce")]
        retries = [
            earliest(
                self.ledger.holds_of(None, user),
                estimate,
                (spent, Decimal(limit or 0)),
                Decimal(limit or 0),
                month,
            )
        ]
        for budget, subject in matched:
            figures.append(
                (
                    self.ledger.limit(budget, subject, now),
                    self.ledger.spent(budget, subject, now),
                    self.ledger.held(budget.id, subject),
                    budget.enforcement,
                )
            )
            retries.append(self.ledger.fits_at(budget, subject, estimate, now))
        decision = answer.json()["decision"]
        rooms = [None if most is None else most - spent - held for most, spent, held, _ in figures]
        can_refuse = [
            room is not None and each[3] == "enforce"
            for room, each in zip(rooms, figures, strict=True)
        ]
        enforced = [(room, n) for n, room in enumerate(rooms) if room is not None and can_refuse[n]]
        assert [
            (
                each["id"],
                each["limit_micros"],
                each["spent_micros"],
                each["reserved_micros"],
                each["remaining_micros"],
                each["would_refuse"],
                each["binding"],
            )
            for each in decision["budgets"]
        ] == [
            (
                None if n == 0 else matched[n - 1][0].id,
                None if most is None else round(most),
                round(spent),
                round(held),
                None if room is None else round(room),
                room is not None and enforcement != "off" and room < estimate,
                bool(enforced) and n == min(enforced)[1],
            )
            for n, ((most, spent, held, enforcement), room) in enumerate(
                zip(figures, rooms, strict=True)
            )
        ]
        refusing = [n for room, n in enforced if room < estimate]
        assert decision["allowed"] == (not refusing)
        fits = max(int(min(enforced)[0] // 1), 0) if enforced else None
        assert decision["would_fit_micros"] == fits
        times = [retries[n] for n in refusing]
        latest = max((each for each in times if each is not None), default=None)
        expected = None if None in times else latest
        assert decision["retry_at"] == (expected and rfc3339(expected))
        return not refusing
