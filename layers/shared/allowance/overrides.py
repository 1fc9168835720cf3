"""The shapes of a user's own AI budget, which stands in place of the budgets of the user's groups."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, Strict

from allowance.models import Row, SpendLimit, Timestamp, hyphenated, rfc3339


class UserBudgetOverride(Row):
    """A user's own limit per period, and the group of the user that it counts for. 0 blocks all spend."""

    user_id: UUID
    group_id: UUID
    spend_limit_micros: int
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def etag(self) -> str:
        """The version: `updated_at` moves with every write."""
        return f'"{rfc3339(self.updated_at)}"'


class OverrideLimit(SpendLimit):
    """The body of PUT: the limit of the user, and the group that it counts for."""

    group_id: Annotated[
        UUID,
        Strict(strict=False),
        BeforeValidator(hyphenated),
        Field(description="A group of which the user is a member; spend is attributed to it."),
    ]
