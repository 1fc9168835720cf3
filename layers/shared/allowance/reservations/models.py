"""The shapes of reservations and decisions. Money is micro-units of US dollars."""

from functools import cached_property
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import Body, Created, ExactMicros, Key, Name, Row, Timestamp, example
from allowance.prices.cost import MAX_COST_MICROS
from allowance.prices.terms import Variant
from allowance.usage.record_shape import EXAMPLE, TokenCounts, UnitCounts, UsageRecord
from allowance.usage.records import Usage, usage_from

MAX_SECONDS = 3600
DEFAULT_TTL_SECONDS = 600

KeptState = Literal["held", "settled", "released"]
"""The states of a row. One that is held until a time is expired from then on."""

State = Literal["held", "settled", "released", "expired"]


class Estimate(Body):
    """The most that a call may use, or the most that it may cost."""

    tokens: Annotated[
        TokenCounts | None,
        Field(description="Disjoint counts: the input as counted, the output as bounded."),
    ] = None
    units: Annotated[UnitCounts | None, Field(description="What is not counted in tokens.")] = None
    cost_micros: Annotated[
        int | None,
        Field(ge=0, le=MAX_COST_MICROS, description="Whole micro-units of US dollars."),
    ] = None

    @model_validator(mode="after")
    def _stated_once(self) -> "Estimate":
        if (self.tokens is None and self.units is None) == (self.cost_micros is None):
            raise ValueError("must have either tokens or units, or cost_micros")
        return self


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
    user: Annotated[Name, Field(description="A UUID, a username or an email address.")]
    provider: Annotated[Name, Field(description="For example openai.")]
    model: Annotated[Name, Field(description="As the provider names it.")]
    variant: Variant | None = None
    estimate: Estimate
    ttl_seconds: Annotated[
        int, Field(ge=1, le=MAX_SECONDS, description="After this time the hold ends by itself.")
    ] = DEFAULT_TTL_SECONDS
    dry_run: Annotated[bool, Field(description="Decide, and hold nothing.")] = False


class Settlement(UsageRecord):
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
    def record(self) -> UsageRecord:
        """The usage record alone."""
        return UsageRecord.model_construct(
            **{name: getattr(self, name) for name in UsageRecord.model_fields}
        )

    @cached_property
    def as_usage(self) -> Usage:
        """The usage of the record. Cached: it is read for the look-ups, and to be recorded. Raise
        UsageOutOfRange.
        """
        return usage_from(self.record)


class BudgetDecision(Row):
    """A budget that concerns a call, as it was before the decision.

    `binding`: it has the least room. `would_refuse`: it has no room for the estimate.
    """

    kind: Literal["allowance"]
    id: UUID | None
    name: str
    limit_micros: int | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    remaining_micros: ExactMicros | None
    period_start: Timestamp
    period_end: Timestamp
    binding: bool
    would_refuse: bool


class Decision(Row):
    """Whether a call is admitted, and why. `would_fit_micros` is the largest estimate with room
    now; null: there is no limit. `retry_at` is when this estimate fits, if nothing else is spent.
    """

    allowed: bool
    would_fit_micros: int | None
    retry_at: Timestamp | None
    budgets: list[BudgetDecision]


class BindingBudget(Row):
    """The budget that binds, and the group that the call counts for."""

    group_id: UUID | None
    spend_limit_micros: int | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    remaining_micros: ExactMicros | None
    period_start: Timestamp
    period_end: Timestamp


class ReservedUser(Row):
    """For whom the call is."""

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

    user: ReservedUser
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
    user: ReservedUser
    group: ReservedGroup | None
    price: ReservedPrice | None
    decision: Decision
    budget: BindingBudget


class Settled(Row):
    """A settlement. `reserved_micros` is still held; `overrun_micros` is what all settlements cost
    above the estimate.
    """

    status: State
    cost_micros: ExactMicros | None
    priced: bool
    reserved_micros: ExactMicros
    overrun_micros: ExactMicros
    expires_at: Timestamp
    budget: BindingBudget


class ReservationState(Row):
    """A reservation as it is now."""

    reservation_id: UUID
    state: State
    user: ReservedUser
    group_id: UUID | None
    provider: str
    model: str
    variant: Variant | None
    estimate_micros: ExactMicros
    reserved_micros: ExactMicros
    settled_micros: ExactMicros
    overrun_micros: ExactMicros
    granted_at: Timestamp
    expires_at: Timestamp
    closed_at: Timestamp | None
