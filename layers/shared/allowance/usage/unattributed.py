"""Usage without a user: the list by name, and the assignment of a name to a user.

An assignment holds for all usage of the name in its source, past and future, until it is changed
or taken back. What it has booked stays booked.
"""

from time import monotonic
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from allowance.access.store import CallerStore
from allowance.contract.fields import UUID_FORM, Body, ExactMicros, Micros, Name, Row, Timestamp
from allowance.contract.fields import example as example_of
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.database.queries import call
from allowance.errors import Problem, ValidationFailed
from allowance.rbac.policy import USAGE, Action
from allowance.usage.attributing import attribute
from allowance.usage.look_ups import call_of_users
from allowance.usage.record_shape import not_ours
from allowance.usage.sources import SourceOrganization

MAX_SECONDS = 3.0
"""How long a request books past usage. A job books the rest."""


class UnattributedCursor(Cursor):
    """The last name of a page."""

    usage_count: Annotated[int, Field(ge=1, lt=1 << 63)]
    source: Printable
    name: Printable
    organization_id: Annotated[str, Field(pattern=f"^{UUID_FORM.pattern}$")]


class UnattributedQuery(Query):
    """The page of the list of names."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Names per page."), WHOLE_NUMBER] = 100
    after: Annotated[UnattributedCursor | None, AFTER] = None


class AssignedUser(Row):
    """The user to whom a name is assigned."""

    id: UUID
    username: str


class UnattributedSums(Row):
    """Usage without a user, and its cost. Usage without a price has no cost."""

    usage_count: int
    unpriced_usage_count: int
    cost_micros: Micros


class UnattributedName(UnattributedSums):
    """A name in a source whose usage counts for nobody, in one organization or in none.

    `assigned_to` is the user to whom a job is about to book it; null: nobody is assigned.
    """

    source: str
    name: str
    organization: SourceOrganization | None
    first_occurred_at: Timestamp
    last_occurred_at: Timestamp
    assigned_to: AssignedUser | None
    # A part of the cursor: the nil UUID without an organization.
    organization_id: Annotated[UUID, Field(exclude=True)]


class UnattributedNames(Row):
    """Names whose usage counts for nobody, those with the most of it first.

    `total` is of all names. `next` is the `after` of the next page, null on the last. A name whose
    usage changes between two requests may be missing, or be on both pages.
    """

    names: list[UnattributedName]
    total: UnattributedSums
    next: str | None


class Assignment(Body):
    """The user whose usage a name is; null takes an assignment back."""

    model_config = example_of({"source": "litellm", "name": "maya@old.example", "user": "maya"})

    source: Annotated[Name, Field(description="As records name it."), AfterValidator(not_ours)]
    name: Annotated[Name, Field(description="The user as records name it.")]
    user: Annotated[
        Name | None,
        Field(
            description="A UUID, a username or an email address. Null: usage of the name counts for"
            " nobody from now on."
        ),
    ]


class Assigned(Row):
    """An assignment, and what it booked so far. A job books within minutes what remains."""

    source: str
    name: str
    user: AssignedUser | None
    booked_usage_count: int
    booked_cost_micros: Micros
    remaining_usage_count: int


class LockedAssignment(Row):
    """The assignment of a name is locked."""

    is_locked: bool


class AssignmentOfName(Row):
    """The user to whom a name is assigned now."""

    user: AssignedUser | None


class ExactSums(Row):
    """Usage of a name without a user."""

    usage_count: int
    cost_micros: ExactMicros


NAMED = "The directory has a user of this name, whose usage it is: an assignment changes nothing."


class UnattributedStore(CallerStore):
    """Usage without a user, as one caller may list and assign it."""

    route_object = USAGE

    def list_unattributed(self, query: UnattributedQuery) -> UnattributedNames:
        """Return a page of the names of usage without a user. Raise NotAuthorized."""
        db = self._gate.open(Action.READ, USAGE)
        after = query.after
        found, totals = db.in_one_trip(
            call(
                UnattributedName,
                "list_unattributed_usage",
                after_count=after and after.usage_count,
                after_source=after and after.source,
                after_name=after and after.name,
                after_organization=after and after.organization_id,
                limit=query.limit,
            ),
            call(UnattributedSums, "sum_unattributed_usage"),
        )
        page = found[: query.limit]
        if len(found) == len(page):
            return UnattributedNames(names=page, total=totals[0], next=None)
        last = page[-1]
        cursor = UnattributedCursor(
            usage_count=last.usage_count,
            source=last.source,
            name=last.name,
            organization_id=str(last.organization_id),
        )
        return UnattributedNames(names=page, total=totals[0], next=str(cursor))

    def assign(self, assignment: Assignment) -> Assigned:
        """Assign a name of a source to a user, with its audit entry, and book its past usage.

        The same again changes nothing, and books more of what remains. Raise NotAuthorized,
        ValidationFailed.
        """
        db = self._gate.open(Action.UPDATE, USAGE)
        source, name, user_id = assignment.source, assignment.name, None
        if assignment.user is not None:
            found = db.rows_of(call_of_users({assignment.user, name}))
            ids = {UUID(each.user_id) for each in found if each.name == assignment.user}
            if len(ids) != 1:
                raise ValidationFailed([Problem("user", "There is no such user, or several.")])
            if len({each.user_id for each in found if each.name == name}) == 1:
                raise ValidationFailed([Problem("name", NAMED)])
            (user_id,) = ids
        _, assigned, before = db.all_in_one_trip(
            call(LockedAssignment, "lock_usage_assignment", source=source, name=name),
            call(
                AssignmentOfName,
                "set_usage_assignment",
                source=source,
                name=name,
                user_id=user_id,
                **self._origin.parameters,
            ),
            call(ExactSums, "sum_unattributed_name", source=source, name=name),
        )
        remaining = before[0]
        if user_id is not None and remaining.usage_count > 0:
            until = monotonic() + MAX_SECONDS
            for _ in attribute(db, source, name, user_id, recorded_by=self._caller.user_id):
                if monotonic() >= until:
                    break
            remaining = db.one(ExactSums, "sum_unattributed_name", source=source, name=name)
        return Assigned(
            source=source,
            name=name,
            user=assigned[0].user,
            # Usage that a gateway records meanwhile is no reason for less than none.
            booked_usage_count=max(before[0].usage_count - remaining.usage_count, 0),
            booked_cost_micros=max(before[0].cost_micros - remaining.cost_micros, 0),
            remaining_usage_count=remaining.usage_count,
        )
