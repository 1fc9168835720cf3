"""What changes around reservations: limits, groups, and the period."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.people import Acme
from tests.postgres import Database
from tests.reservations import limit_everyone

USERS = ("maya", "nora")
"""maya has limits by her groups. nora is in no organization, so an override cannot limit her."""
GROUPS = ("acme/platform", "acme/research", "acme/Everyone")


class Limits(RuleBasedStateMachine):
    """Rules that change limits, groups and the period. `spent` is what users spent in it."""

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__()
        self.database, self.acme, self.olivia = database, acme, acme.client("olivia")
        self.spent = dict.fromkeys(USERS, Decimal(0))

    @initialize()
    def empty(self) -> None:
        self.database.run(
            "TRUNCATE ai_reservations, ai_reservation_settlements, ai_reservation_holds,"
            " ai_user_reserved, ai_usage, ai_usage_keys, ai_usage_revisions,"
            " ai_rolled_hours, ai_rolled_groups, ai_rolled_days,"
            " ai_usage_unattributed, ai_spend_daily, ai_usage_quarter_hourly,"
            " ai_user_spend_monthly, ai_group_spend_monthly, ai_alerts, ai_alert_deliveries,"
            " ai_alert_states, group_ai_budgets,"
            " user_ai_budget_overrides"
        )
        limit_everyone(self.database, self.acme, 6)

    @rule(group=st.sampled_from(GROUPS), limit=st.none() | st.integers(0, 9))
    def limit_a_group(self, group: str, limit: int | None) -> None:
        path = self.acme.budget_path(group) if "Everyone" not in group else self.everyone()
        if limit is None:
            assert self.olivia.delete(path).status in (204, 404)
        else:
            assert self.olivia.put(path, {"spend_limit_micros": limit}).status == 200

    def everyone(self) -> str:
        return f"/api/v2/groups/{self.acme.organizations['acme']}/ai/budget"

    @rule(limit=st.none() | st.integers(0, 9))
    def override(self, limit: int | None) -> None:
        path = "/api/v2/users/maya/ai/budget/override"
        if limit is None:
            assert self.olivia.delete(path).status in (204, 404)
        else:
            body = {
                "group_id": str(self.acme.organizations["acme"]),
                "spend_limit_micros": limit,
            }
            assert self.olivia.put(path, body).status == 200

    @rule(group=st.sampled_from(GROUPS[:2]), joins=st.booleans())
    def join_or_leave(self, group: str, joins: bool) -> None:
        statement = (
            "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
            if joins
            else "DELETE FROM group_members WHERE group_id = %s AND user_id = %s"
        )
        self.database.run(statement, self.acme.groups[group], self.acme.users["maya"])

    @rule()
    def end_the_period(self) -> None:
        for months in (-1000, 999):
            self.database.run(
                "UPDATE ai_user_spend_monthly SET month = month + make_interval(months => %s)",
                months,
            )
        self.spent = dict.fromkeys(USERS, Decimal(0))
