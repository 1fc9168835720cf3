"""The settings of a source of usage: what a gateway's records are worth, and whom they name."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from allowance.access.store import CallerStore
from allowance.contract.fields import Body, Name, Row, Timestamp, Versioned, example
from allowance.contract.preconditions import Precondition
from allowance.contract.validation import problems_of
from allowance.database.queries import call
from allowance.errors import ChangedMeanwhile, Problem, ValidationFailed
from allowance.prices.cost import MAX_COST_MICROS
from allowance.rbac.policy import USAGE, Action
from allowance.usage.rating import CostFrom
from allowance.usage.record_shape import OWN_SOURCE

_SOURCE: TypeAdapter[str] = TypeAdapter(Name)


UnknownUsers = Literal["unattributed", "deny"]
"""What a source says about users who are not known. `unattributed`: their usage is recorded without
a user, and their calls get reservations. `deny`: neither.
"""

MAX_IDENTITY_FIELDS = 8

IdentityField = Annotated[
    str, Field(max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$", examples=["user.email"])
]


class SourceOrganization(Row):
    """The organization of usage whose user is not known."""

    id: UUID
    name: str


class DefaultSource(Row):
    """The settings of a source that nobody has set."""

    source: str
    cost_from: Literal["book"] = "book"
    unknown_users: None = None
    identity: tuple[()] = ()
    estimate_micros: None = None
    organization: None = None
    created_at: None = None
    updated_at: None = None


class UsageSource(Versioned):
    """The settings of a source, with their version."""

    source: str
    cost_from: CostFrom
    unknown_users: UnknownUsers | None
    identity: list[str]
    estimate_micros: int | None
    organization: SourceOrganization | None
    created_at: Timestamp
    updated_at: Timestamp


def _distinct(fields: list[str]) -> list[str]:
    if len(set(fields)) < len(fields):
        raise ValueError("must name each field once")
    return fields


class SourceSettings(Body):
    """The body of PUT: all settings of a source. What is left out has its default."""

    model_config = example({"cost_from": "record", "unknown_users": "deny", "organization": "acme"})

    cost_from: Annotated[
        CostFrom,
        Field(
            description=(
                "`book`: usage costs what the price book gives. `record`: what its record states;"
                " without a stated cost, what the price book gives."
            )
        ),
    ]
    unknown_users: Annotated[
        UnknownUsers | None,
        Field(
            description=(
                "Of users who are not known. `unattributed`: their usage is recorded without a"
                " user, and their calls get reservations. `deny`: neither. Null: their usage is"
                " recorded, and their calls get no reservation."
            )
        ),
    ] = None
    identity: Annotated[
        list[IdentityField],
        Field(
            max_length=MAX_IDENTITY_FIELDS,
            description="The fields of a gateway's message that may name the user, best first.",
        ),
        AfterValidator(_distinct),
    ] = []
    estimate_micros: Annotated[
        int | None,
        Field(
            ge=0,
            le=MAX_COST_MICROS,
            description=(
                "What a call is estimated to cost if its message does not say: whole micro-units of"
                " US dollars."
            ),
        ),
    ] = None
    organization: Annotated[
        Name | None,
        Field(description="The id or name of the organization of users who are not known."),
    ] = None


class LockedSource(Row):
    """The settings of a source are locked. `has_organization` is false for an unknown one."""

    is_locked: bool
    has_organization: bool


class UsageSourceStore(CallerStore):
    """The settings of sources, as one caller may read and change them."""

    route_object = USAGE

    def get_source(self, source: str) -> UsageSource | DefaultSource:
        """Return the settings of a source. Raise NotAuthorized, ValidationFailed."""
        db = self._gate.open(Action.READ, USAGE)
        _check(source)
        found = db.first(UsageSource, "get_usage_source", source=source)
        return found or DefaultSource(source=source)

    def set_source(
        self, source: str, settings: SourceSettings, precondition: Precondition
    ) -> UsageSource:
        """Create or replace the settings of a source, with their audit entry.

        They apply to usage that is recorded from now on. Raise NotAuthorized, ValidationFailed,
        ChangedMeanwhile.
        """
        db = self._gate.open(Action.UPDATE, USAGE)
        _check(source)
        (locked, *_), rows = db.in_one_trip(
            call(
                LockedSource,
                "lock_usage_source",
                source=source,
                organization=settings.organization,
            ),
            call(
                UsageSource,
                "set_usage_source",
                source=source,
                cost_from=settings.cost_from,
                unknown_users=settings.unknown_users,
                identity=settings.identity,
                estimate_micros=settings.estimate_micros,
                organization=settings.organization,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked.has_organization:
            raise ValidationFailed([Problem("organization", "There is no such organization.")])
        if not rows:
            raise ChangedMeanwhile
        return rows[0]


def _check(source: str) -> None:
    """Raise ValidationFailed for a name that no record can have."""
    if source == OWN_SOURCE:
        raise ValidationFailed([Problem("path.source", f"The source {source} is reserved.")])
    try:
        _SOURCE.validate_python(source)
    except ValidationError as error:
        problems = (Problem("path.source", each.detail) for each in problems_of(error))
        raise ValidationFailed(problems) from error
