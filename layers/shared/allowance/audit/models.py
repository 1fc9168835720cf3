"""Audit entries, and the filters by which a route lists them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from allowance.contract.fields import UUID_FORM, Row, Timestamp, hyphenated
from allowance.contract.query import WHOLE_NUMBER, Query, UserKey


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
    action: Literal["create", "update", "delete"]
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
    limit: Annotated[int, Field(ge=1, le=1000, description="Entries per page."), WHOLE_NUMBER] = 100
    after: Annotated[int | None, Field(description="`next` of the page before."), WHOLE_NUMBER] = (
        None
    )

    @property
    def user_id(self) -> UUID | None:
        """Return `user` if it is an id."""
        return UUID(self.user) if self.user is not None and UUID_FORM.fullmatch(self.user) else None
