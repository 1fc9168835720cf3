"""Audit entries, and the filters by which a route lists them."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from allowance.contract.fields import UUID_FORM, Moment, Row, Timestamp, hyphenated
from allowance.contract.query import WHOLE_NUMBER, Query, UserKey

ChangeAction = Literal["create", "update", "delete"]
ChangedType = Literal[
    "ai_model_alias",
    "ai_model_price",
    "ai_model_price_change",
    "ai_policy",
    "ai_usage_assignment",
    "ai_usage_source",
    "ai_vendor_usage",
    "api_token",
    "group",
    "group_ai_budget",
    "organization",
    "organization_ai_budget",
    "organization_member",
    "user",
    "user_ai_budget_override",
]
"""The types that entries are about. A test compares them with the queries."""
ACTIONS: tuple[ChangeAction, ...] = get_args(ChangeAction)
CHANGED_TYPES: tuple[ChangedType, ...] = get_args(ChangedType)


class Actor(Row):
    """Who made a change: a user, or a system actor, which has a name and no id."""

    id: UUID | None
    username: str


class AuditEntry(Row):
    """One change: who, what, from what, to what. `before` null is a creation, `after` null a
    deletion.
    """

    id: int
    created_at: Timestamp
    actor: Actor
    action: ChangeAction
    resource_type: str
    resource_id: str
    organization_id: UUID | None
    group_id: UUID | None
    user_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    token_id: Annotated[
        str | None,
        Field(
            description="The token with which the actor made the change; a system actor has none."
        ),
    ]


class IdsOfTimes(Row):
    """The ids between which the entries of a time are; null: no entry limits them."""

    above: int | None
    below: int | None


class AuditPage(Row):
    """Audit entries, newest first; `next` is the `after` of the following page, null on
    the last.
    """

    entries: list[AuditEntry]
    next: str | None


class AuditQuery(Query):
    """Filters of the audit log."""

    group: Annotated[
        UUID | None,
        Field(description="Entries that concern this group."),
        BeforeValidator(hyphenated),
    ] = None
    user: Annotated[
        UserKey | None,
        Field(description="Entries made by or concerning this user: a UUID, a username or `me`."),
    ] = None
    action: Annotated[ChangeAction | None, Field(description="Entries with this action.")] = None
    resource_type: Annotated[ChangedType | None, Field(description="Entries about this type.")] = (
        None
    )
    from_: Annotated[
        Moment | None, Field(alias="from", description="Entries of this time and later.")
    ] = None
    to: Annotated[Moment | None, Field(description="Entries before this time.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Entries per page."), WHOLE_NUMBER] = 100
    after: Annotated[int | None, Field(description="`next` of the page before."), WHOLE_NUMBER] = (
        None
    )

    @field_validator("to")
    @classmethod
    def _after_from(cls, to: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if to is not None and start is not None and to <= start:
            raise ValueError("must be later than `from`")
        return to

    @property
    def actions(self) -> list[ChangeAction]:
        """Return the actions of the kinds to list."""
        return [self.action] if self.action else list(ACTIONS)

    @property
    def resource_types(self) -> list[ChangedType]:
        """Return the types of the kinds to list."""
        return [self.resource_type] if self.resource_type else list(CHANGED_TYPES)

    @property
    def user_id(self) -> UUID | None:
        """Return `user` if it is an id."""
        return UUID(self.user) if self.user is not None and UUID_FORM.fullmatch(self.user) else None
