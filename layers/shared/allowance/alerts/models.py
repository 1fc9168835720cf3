"""A spend alert: its fields, and its text for people. Pure. The contract is docs/alerts.md."""

import json
from datetime import UTC, datetime
from typing import Any, assert_never
from uuid import UUID

from allowance.budgets.effective import LimitSource, period_containing
from allowance.contract.fields import ExactMicros, Row, Timestamp, rfc3339
from allowance.contract.money import usd_text


class SpendAlert(Row):
    """A user reached a percentage of the limit in a period. Amounts are those at that time, in
    micro-units of US dollars. `spent_micros` is exact here and in the text, whole in the message.

    Names are current; None if the user, group or organization is deleted.
    """

    user_id: UUID
    username: str | None
    email: str | None
    organization_id: UUID
    organization_name: str | None
    group_id: UUID
    group_name: str | None
    threshold_percent: int
    spend_limit_micros: int
    limit_source: LimitSource
    spent_micros: ExactMicros
    period_start: Timestamp
    raised_at: Timestamp

    @property
    def id(self) -> str:
        """One id per user, period and threshold, which never changes: receivers drop
        repetitions by it.
        """
        return f"{self.user_id}/{self._start:%Y-%m-%d}/{self.threshold_percent}"

    @property
    def _start(self) -> datetime:
        return self.period_start.astimezone(UTC)

    @property
    def _user(self) -> str:
        return self.username or str(self.user_id)

    def document(self) -> dict[str, Any]:
        """Return the fields of the message as JSON values."""
        fields = self.model_dump(mode="json", include=set(SpendAlert.model_fields))
        return (
            {"id": self.id}
            | fields
            | {"period_end": rfc3339(period_containing(self.period_start).end)}
        )

    def message(self) -> str:
        """Return the message: a JSON object in ASCII."""
        return json.dumps(self.document())

    def subject(self) -> str:
        """Return one line of ASCII under 100 characters. The username is the only chosen name in
        it.
        """
        return f"AI spend of {self._user} has reached {self.threshold_percent}% of the limit"

    def text(self) -> str:
        """Return the text for people who receive alerts by e-mail."""
        address = f" ({self.email})" if self.email else ""
        return f"""\
{self._user}{address} has reached {self.threshold_percent}% \
of the AI spend limit in {self._start:%B %Y} (UTC).

Spent:         {usd_text(self.spent_micros)}
Limit:         {usd_text(self.spend_limit_micros)} ({_limit_of(self.limit_source)})
Group:         {self.group_name or self.group_id}
Organization:  {self.organization_name or self.organization_id}
Noticed at:    {rfc3339(self.raised_at)}

Alert {self.id}
"""


def _limit_of(source: LimitSource) -> str:
    match source:
        case "user_override":
            return "the user's own"
        case "group":
            return "of the group, for each member"
        case _:
            assert_never(source)
