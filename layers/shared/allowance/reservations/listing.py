"""Reservations as one caller may read them: one by its id, or a page of a list."""

from typing import Annotated, override
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import UUID_FORM, Row, hyphenated
from allowance.contract.pages import fitting
from allowance.contract.query import WHOLE_NUMBER, Query, UserKey
from allowance.errors import ReservationNotFound
from allowance.rbac.policy import Action, group_members_object, user_object
from allowance.reservations.models import ReservationState, State
from allowance.usage.reservation_ids import granted_at


def _of_a_reservation(id_: UUID) -> UUID:
    if granted_at(id_) is None:
        raise ValueError("must be `next` of the page before")
    return id_


class ReservationQuery(Query):
    """Which reservations to list."""

    user: Annotated[
        UserKey | None, Field(description="For this user: a UUID, a username or `me`.")
    ] = None
    state: Annotated[State | None, Field(description="In this state now.")] = None
    limit: Annotated[
        int, Field(ge=1, le=1000, description="Reservations per page."), WHOLE_NUMBER
    ] = 100
    after: Annotated[
        UUID | None,
        BeforeValidator(hyphenated),
        AfterValidator(_of_a_reservation),
        Field(description="`next` of the page before."),
    ] = None


class ReservationPage(Row):
    """Reservations, the latest first. `next` is the `after` of the next page, null on the last."""

    reservations: list[ReservationState]
    next: str | None


class ReservationStore(CallerStore):
    """The reservations that the caller made, those for the caller, and those in organizations whose
    members' spend the caller may read.
    """

    @override
    def see_path(self) -> None:
        """Raise NotAuthorized for a credential that may not read its own user. No round trip."""
        self._gate.check(Action.READ, user_object(self._caller.user_id))

    def get_reservation(self, reservation: UUID) -> ReservationState:
        """Return a reservation as it is now. Raise ReservationNotFound, NotAuthorized."""
        db, organization_ids = self._opened()
        found = db.first(
            ReservationState,
            "get_reservation",
            caller_id=self._caller.user_id,
            organization_ids=organization_ids,
            reservation_id=reservation,
            granted_at=granted_at(reservation),
        )
        if found is None:
            raise ReservationNotFound
        return found

    def list_reservations(self, query: ReservationQuery) -> ReservationPage:
        """Return a page of reservations, the latest first. Raise NotAuthorized."""
        db, organization_ids = self._opened()
        caller_id = self._caller.user_id
        key = str(caller_id) if query.user == "me" else query.user
        found = db.many(
            ReservationState,
            "list_reservations",
            caller_id=caller_id,
            organization_ids=organization_ids,
            named_user_id=UUID(key) if key is not None and UUID_FORM.fullmatch(key) else None,
            named_username=key,
            reservation_state=query.state,
            after_reservation=query.after,
            after_granted_at=query.after and granted_at(query.after),
            limit=query.limit,
        )
        page = fitting(found, query.limit)
        following = str(page[-1].reservation_id) if len(page) < len(found) else None
        return ReservationPage(reservations=page, next=following)

    def _opened(self) -> tuple[Handle, list[UUID] | None]:
        """Return a handle for what the caller may see, and the organizations; None: all."""
        return self._gate.open_organizations(
            Action.READ, group_members_object, beside=[user_object(self._caller.user_id)]
        )
