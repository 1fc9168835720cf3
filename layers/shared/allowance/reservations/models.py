"""The shapes of reservations and decisions. Money is micro-units of US dollars."""

from functools import cached_property
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from allowance.contract.fields import (
    Body,
    Created,
    ExactMicros,
    Key,
    Name,
    NumberedName,
    Row,
    Timestamp,
    example,
)
from allowance.contract.spellings import stated
from allowance.prices.terms import Variant
from allowance.reservations.decisions import BindingBudget, BudgetDecision
from allowance.reservations.estimates import Estimate
from allowance.usage.labels import Labels
from allowance.usage.models import UsageProblem
from allowance.usage.record_shape import EXAMPLE, CallRecord
from allowance.usage.records import Usage, usage_from
from allowance.usage.variants import StatedVariant

MAX_SECONDS = 3600
DEFAULT_TTL_SECONDS = 600

State = Literal["held", "settled", "released", "expired"]


def _without_empty(labels: Labels | None) -> Labels | None:
    return labels or None


class ReservationRequest(Body):
    """A call that is about to be made, and the most that it may cost."""

    model_config = example(
        {
            "id": "call-1",
            "user": "maya",
            "provider": "openai",
            "model": "gpt-5.1",
            "estimate": {"tokens": {"input": 1000, "output": 4000}},
        }
    )

    id: Annotated[
        Key, Field(description="Your own: the same request again gets the same reservation.")
    ]
    user: Annotated[
        NumberedName,
        Field(description="A UUID, a username, a user name, an email address or an external id."),
    ]
    provider: Annotated[Name, Field(description="For example openai.")]
    model: Annotated[Name, Field(description="As the provider names it.")]
    variant: StatedVariant = None
    source: Annotated[
        Name | None,
        BeforeValidator(stated),
        Field(
            description="The source of the usage to come. Its settings say what happens if the user"
            " is not known."
        ),
    ] = None
    group: Annotated[
        Name | None,
        BeforeValidator(stated),
        Field(
            description="The group of the user that the call counts for: a UUID, a name, or "
            "organization/name."
        ),
    ] = None
    labels: Annotated[
        Labels | None,
        Field(description="What the call counts by, such as its project."),
        AfterValidator(_without_empty),
    ] = None
    estimate: Estimate
    ttl_seconds: Annotated[
        int, Field(ge=1, le=MAX_SECONDS, description="After this time the hold ends by itself.")
    ] = DEFAULT_TTL_SECONDS
    dry_run: Annotated[bool, Field(description="Decide, and hold nothing.")] = False


class Settlement(CallRecord):
    """What a call used. `final: false` settles a part and keeps the rest held."""

    model_config = example(EXAMPLE)

    final: Annotated[bool, Field(description="Whether the rest of the hold ends.")] = True
    extend_seconds: Annotated[
        int | None,
        Field(ge=1, le=MAX_SECONDS, description="From now on, the hold lasts this long."),
    ] = None

    @model_validator(mode="after")
    def _extends_a_hold(self) -> "Settlement":
        if self.final and self.extend_seconds is not None:
            raise ValueError("must have final: false with extend_seconds")
        return self

    @property
    def record(self) -> CallRecord:
        """The usage record alone."""
        return CallRecord.model_construct(
            **{name: getattr(self, name) for name in CallRecord.model_fields}
        )

    @cached_property
    def as_usage(self) -> Usage:
        """The usage of the record. Cached: it is read for the look-ups, and to be recorded. Raise
        UsageOutOfRange.
        """
        return usage_from(self.record)


class Decision(Row):
    """Whether a call is admitted, and why. `would_fit_micros` is the largest estimate with room
    now; null: there is no limit. `retry_at` is when this estimate fits, if nothing else is spent.
    """

    allowed: bool
    would_fit_micros: int | None
    retry_at: Timestamp | None
    budgets: list[BudgetDecision]


class ReservedUser(Row):
    """For whom the call is. Null in its place: nobody, because no user has the name."""

    id: UUID
    username: str


class ReservedGroup(Row):
    """The group that the call counts for."""

    id: UUID
    name: str


class ReservedPrice(Row):
    """The price of the estimate."""

    provider: str
    model: str
    version_id: int


class DecisionOnly(Row):
    """The decision on a dry run."""

    user: ReservedUser | None
    group: ReservedGroup | None
    price: ReservedPrice | None
    decision: Decision
    budget: BindingBudget


class Reservation(Created):
    """A granted reservation. The same request gets it again word for word, also once it is closed.

    `reserved_micros` is what is held at the grant.
    """

    reservation_id: UUID
    reserved_micros: ExactMicros
    expires_at: Timestamp
    user: ReservedUser | None
    group: ReservedGroup | None
    price: ReservedPrice | None
    decision: Decision
    budget: BindingBudget


class Settled(Row):
    """A settlement. `reserved_micros` is still held; `overrun_micros` is what all settlements cost
    above the estimate. `validations` says why there is no cost, and if the usage counts for another
    group than it names.
    """

    status: State
    cost_micros: ExactMicros | None
    priced: bool
    reserved_micros: ExactMicros
    overrun_micros: ExactMicros
    expires_at: Timestamp
    validations: list[UsageProblem]
    budget: BindingBudget


class BudgetHold(Row):
    """What a budget of the organization holds now, for a member or a value, or for all together."""

    budget_id: UUID
    name: str
    subject: str | None
    reserved_micros: ExactMicros


class SettledUsage(Row):
    """A usage that settled a part of a reservation, or all of it."""

    source: str
    id: str
    cost_micros: ExactMicros | None


class ReservationState(Row):
    """A reservation as it is now. `reserved_micros` is held of the limit of the user, `holds` are
    held of budgets of the organization.
    """

    reservation_id: UUID
    state: State
    user: ReservedUser | None
    group_id: UUID | None
    provider: str
    model: str
    variant: Variant | None
    labels: dict[str, str]
    estimate_micros: ExactMicros
    reserved_micros: ExactMicros
    settled_micros: ExactMicros
    overrun_micros: ExactMicros
    granted_at: Timestamp
    expires_at: Timestamp
    closed_at: Timestamp | None
    holds: list[BudgetHold]
    settled: list[SettledUsage]
