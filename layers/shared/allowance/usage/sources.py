"""The settings of a source of usage: what a gateway's records are worth."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from allowance.access.store import CallerStore
from allowance.contract.fields import Body, Name, Row, Timestamp, Versioned, example
from allowance.contract.preconditions import Precondition
from allowance.contract.validation import problems_of
from allowance.database.queries import call
from allowance.errors import ChangedMeanwhile, Problem, ValidationFailed
from allowance.rbac.policy import USAGE, Action
from allowance.usage.rating import CostFrom
from allowance.usage.record_shape import OWN_SOURCE

_SOURCE: TypeAdapter[str] = TypeAdapter(Name)


class DefaultSource(Row):
    """The settings of a source that nobody has set."""

    source: str
    cost_from: Literal["book"] = "book"
    created_at: None = None
    updated_at: None = None


class UsageSource(Versioned):
    """The settings of a source, with their version."""

    source: str
    cost_from: CostFrom
    created_at: Timestamp
    updated_at: Timestamp


class SourceSettings(Body):
    """The body of PUT: all settings of a source."""

    model_config = example({"cost_from": "record"})

    cost_from: Annotated[
        CostFrom,
        Field(
            description=(
                "`book`: usage costs what the price book gives. `record`: what its record states;"
                " without a stated cost, what the price book gives."
            )
        ),
    ]


class LockedSource(Row):
    """The settings of a source are locked."""

    is_locked: bool


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
        _, rows = db.in_one_trip(
            call(LockedSource, "lock_usage_source", source=source),
            call(
                UsageSource,
                "set_usage_source",
                source=source,
                cost_from=settings.cost_from,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
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
