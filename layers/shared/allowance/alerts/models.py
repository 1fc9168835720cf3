"""What a spend alert says: its fields, and a text for people. Pure. docs/alerts.md is
the contract.
"""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from allowance.budgets.effective import LimitSource, period_containing
from allowance.contract.fields import Row, Timestamp, rfc3339

MICROS = 1_000_000
CENT_DIGITS = 2

LIMITS: dict[LimitSource, str] = {
    "user_override": "the user's own",
    "group": "of the group, for each member",
}


class SpendAlert(Row):
    """That a user reached a share of the limit in a period, and what was known then. Money in
    micros of US dollars.

    Names are those of now; None: what had it is gone.
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
    spent_micros: int
    period_start: Timestamp
    raised_at: Timestamp

    @property
    def id(self) -> str:
        """One for each user, period and threshold, for ever: by it a receiver knows a
        repetition.
        """
        return f"{self.user_id}/{self._start:%Y-%m-%d}/{self.threshold_percent}"

    @property
    def _start(self) -> datetime:
        return self.period_start.astimezone(UTC)

    @property
    def _user(self) -> str:
        return self.username or str(self.user_id)

    def document(self) -> dict[str, Any]:
        """The fields of the message, as JSON has them."""
        fields = self.model_dump(mode="json", include=set(SpendAlert.model_fields))
        return (
            {"id": self.id}
            | fields
            | {"period_end": rfc3339(period_containing(self.period_start).end)}
        )

    def message(self) -> str:
        """The message: a JSON object in ASCII."""
        return json.dumps(self.document())

    def subject(self) -> str:
        """ASCII on one line, under 100 characters: names that people choose are not in it, but for
        the username.
        """
        return f"AI spend of {self._user} has reached {self.threshold_percent}% of the limit"

    def text(self) -> str:
        """What somebody reads who gets it by e-mail."""
        address = f" ({self.email})" if self.email else ""
        return f"""\
{self._user}{address} has reached {self.threshold_percent}% \
of the AI spend limit in {self._start:%B %Y} (UTC).

Spent:         {dollars(self.spent_micros)}
Limit:         {dollars(self.spend_limit_micros)} ({LIMITS[self.limit_source]})
Group:         {self.group_name or self.group_id}
Organization:  {self.organization_name or self.organization_id}
Noticed at:    {rfc3339(self.raised_at)}

Alert {self.id}
"""


def dollars(micros: int) -> str:
    """US dollars, exact: at least two digits behind the point, and as many of six as it takes."""
    whole, rest = divmod(abs(micros), MICROS)
    digits = f"{rest:06}".rstrip("0").ljust(CENT_DIGITS, "0")
    return f"{'-' if micros < 0 else ''}US$ {whole:,}.{digits}"
