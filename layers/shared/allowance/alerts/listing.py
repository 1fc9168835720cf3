"""The alerts of an organization as one caller may read them, newest first."""

from typing import Annotated, override
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from allowance.access.store import OrganizationPathStore
from allowance.alerts.models import AlertFacts
from allowance.contract.fields import UUID_FORM, Moment, Row, Timestamp, hyphenated
from allowance.contract.pages import fitting
from allowance.contract.query import WHOLE_NUMBER, Query, UserKey
from allowance.errors import NotAuthorized
from allowance.rbac.policy import (
    Action,
    Object,
    group_member_object,
    group_members_object,
    group_object,
    groups_object,
)

UUID_WITH_TIME = 7


def _of_an_alert(id_: UUID) -> UUID:
    if id_.version != UUID_WITH_TIME:
        raise ValueError("must be `next` of the page before")
    return id_


class AlertQuery(Query):
    """Which alerts to list."""

    since: Annotated[
        Moment | None, Field(alias="from", description="Raised at this time or later.")
    ] = None
    before: Annotated[Moment | None, Field(alias="to", description="Raised before this time.")] = (
        None
    )
    user: Annotated[
        UserKey | None, Field(description="About this user: a UUID, a username or `me`.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Alerts per page."), WHOLE_NUMBER] = 100
    after: Annotated[
        UUID | None,
        BeforeValidator(hyphenated),
        AfterValidator(_of_an_alert),
        Field(description="`next` of the page before."),
    ] = None


class AlertedUser(Row):
    """The user whom an alert concerns. The name is null if the user is deleted."""

    id: UUID
    username: str | None


class ListedAlert(AlertFacts):
    """An alert. `delivered_at` is when every configured receiver had it; null: it waits."""

    user: AlertedUser | None
    delivered_at: Timestamp | None


class AlertPage(Row):
    """Alerts, newest first. `next` is the `after` of the next page, null on the last."""

    alerts: list[ListedAlert]
    next: str | None


class AlertListStore(OrganizationPathStore):
    """The alerts of the organization in the path.

    An alert about a user is spend of a member, which the user may read too. Another alert is of its
    group: the group of its budget, or Everyone.
    """

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized for callers who may read no alert of it."""
        if not self._gate.may_any(Action.READ, self._objects().values()):
            raise NotAuthorized

    def list_alerts(self, query: AlertQuery) -> AlertPage:
        """Return a page of alerts. Raise OrganizationNotFound, NotAuthorized."""
        objects = self._objects()
        db, keys = self._gate.open_some(Action.READ, objects)
        key = str(self._caller.user_id) if query.user == "me" else query.user
        found = db.many(
            ListedAlert,
            "list_alerts",
            organization_id=self._organization().id,
            user_ids=_ids("users", keys),
            group_ids=_ids("groups", keys),
            since=query.since,
            before=query.before,
            named_user_id=UUID(key) if key is not None and UUID_FORM.fullmatch(key) else None,
            named_username=key,
            after_alert=query.after,
            limit=query.limit,
        )
        page = fitting(found, query.limit)
        following = str(page[-1].id) if len(page) < len(found) else None
        return AlertPage(alerts=page, next=following)

    def _objects(self) -> dict[tuple[str, UUID | None], Object]:
        """Return what the alerts of the organization may be about. No id: about any user or group.
        The rule can allow single ones only to the caller, and of groups that the caller names.
        """
        organization_id, caller_id = self._organization().id, self._caller.user_id
        named = [
            organization_id,
            *self._caller.groups,
            *(each.id for each in self._caller.scope_groups),
        ]
        return {
            ("users", None): group_members_object(organization_id),
            ("users", caller_id): group_member_object(caller_id, organization_id),
            ("groups", None): groups_object(organization_id),
            **{("groups", id_): group_object(id_, organization_id) for id_ in named},
        }


def _ids(kind: str, keys: list[tuple[str, UUID | None]]) -> list[UUID] | None:
    """Return the ids of a kind among the keys; None if they name all of the kind."""
    if (kind, None) in keys:
        return None
    return sorted(id_ for each, id_ in keys if each == kind and id_ is not None)
