"""The limits of groups and users in requests and responses. Money is micro-units of US dollars."""

from typing import Annotated, override
from uuid import UUID

from pydantic import BeforeValidator, Field, Strict, ValidationError

from allowance.budgets.small_limits import SmallSpendLimit
from allowance.contract.fields import (
    Body,
    Moment,
    Row,
    Timestamp,
    Versioned,
    example,
    hyphenated,
)
from allowance.contract.validation import ABOVE, problems_of
from allowance.errors import InvalidSpendLimit, ValidationFailed

MAX_SPEND_LIMIT_MICROS = 1_000_000_000_000


class GroupBudget(Versioned):
    """The AI budget of a group: the limit is per member of the group and period. 0 blocks all
    spend.
    """

    group_id: UUID
    spend_limit_micros: Annotated[int, Field(ge=0, le=MAX_SPEND_LIMIT_MICROS)]
    warning: SmallSpendLimit
    created_at: Timestamp
    updated_at: Timestamp


class SpendLimit(Body):
    """The body of PUT: the limit of each member of the group."""

    model_config = example({"spend_limit_micros": 25_000_000})

    spend_limit_micros: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_SPEND_LIMIT_MICROS,
            description=(
                "Whole micro-units of US dollars per person and month: 25000000 is $25.00; 0 blocks"
                " all spend."
            ),
        ),
    ]

    @override
    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Return InvalidSpendLimit if the only problem is a limit above the cap, else the other
        problems.
        """
        problems = problems_of(error, cls)
        above = [
            each["type"] == ABOVE and each["loc"][-1] == "spend_limit_micros"
            for each in error.errors()
        ]
        if all(above):
            return InvalidSpendLimit(problems)
        return ValidationFailed(
            problem for problem, is_above in zip(problems, above, strict=True) if not is_above
        )


class UserBudgetOverride(Versioned):
    """A user's own limit per period, and the user's group to which spend is attributed. 0 blocks
    all spend. From `expires_at` on the groups' budgets apply again; null: it has no end.
    """

    user_id: UUID
    group_id: UUID
    spend_limit_micros: int
    warning: SmallSpendLimit
    expires_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class OverrideLimit(SpendLimit):
    """The body of PUT: the limit of the user, and the group to which spend is attributed."""

    model_config = example(
        {
            "group_id": "5c0c3d3e-0b1f-4f0e-9a60-0d6c1c3f2a11",
            "spend_limit_micros": 50_000_000,
        }
    )

    group_id: Annotated[
        UUID,
        Strict(strict=False),
        BeforeValidator(hyphenated),
        Field(description="A group of which the user is a member; spend is attributed to it."),
    ]
    expires_at: Annotated[
        Moment | None,
        Field(
            description="A time to come, from which on the groups' budgets apply again. Without it,"
            " the limit has no end."
        ),
    ] = None


class LockedOverride(Row):
    """Whether the locked user has an override."""

    is_there: bool


class RemovedBudget(Row):
    """Whether a limit was deleted."""

    removed: bool
