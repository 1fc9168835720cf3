"""The shapes of a user's own AI budget, which stands in place of the budgets of the
user's groups.
"""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, Strict

from allowance.contract.fields import SpendLimit, Timestamp, Versioned, hyphenated


class UserBudgetOverride(Versioned):
    """A user's own limit per period, and the group of the user that it counts for. 0 blocks all
    spend.
    """

    user_id: UUID
    group_id: UUID
    spend_limit_micros: int
    created_at: Timestamp
    updated_at: Timestamp


class OverrideLimit(SpendLimit):
    """The body of PUT: the limit of the user, and the group that it counts for."""

    group_id: Annotated[
        UUID,
        Strict(strict=False),
        BeforeValidator(hyphenated),
        Field(description="A group of which the user is a member; spend is attributed to it."),
    ]
