"""What Allowance responds, as frozen dataclasses. Money is whole micro-units of US dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allowance_client.errors import ApiError, Validation


@dataclass(frozen=True, slots=True)
class BudgetDecision:
    """A budget that concerns a call, as it was before the decision."""

    kind: str
    name: str
    id: str | None
    scope: Mapping[str, Any] | None
    per: str
    subject: str | None
    models: tuple[str, ...]
    enforcement: str
    limit_micros: int | None
    limit_source: str | None
    spent_micros: int
    reserved_micros: int
    remaining_micros: int | None
    period_start: datetime | None
    period_end: datetime | None
    binding: bool
    would_refuse: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a call is admitted, and why. `would_fit_micros` is the largest estimate that fits
    now; None: no limit applies. `retry_at` is when this estimate fits, if nothing else is spent.
    """

    allowed: bool
    would_fit_micros: int | None
    retry_at: datetime | None
    budgets: tuple[BudgetDecision, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """The response to a granted request."""

    reservation_id: str
    reserved_micros: int
    expires_at: datetime
    decision: Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """The response to a dry run."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may be made, and the request for it.

    `unchecked`: Allowance did not respond, and the caller chose to make such calls. Then there is
    no id, and nobody knows whether anything is held.
    """

    key: str
    request: Mapping[str, Any]
    asked_at: str
    reservation_id: str | None
    reserved_micros: int
    expires_at: datetime | None
    decision: Decision | None

    @property
    def unchecked(self) -> bool:
        """Whether the call is made without a decision."""
        return self.reservation_id is None


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement. `status` and `reserved_micros` are the reservation's; None: it is unknown,
    because the usage was recorded without a decision. `overrun_micros` is above the estimate.
    """

    cost_micros: int | None
    priced: bool
    validations: tuple[Validation, ...] = ()
    status: str | None = None
    reserved_micros: int | None = None
    overrun_micros: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordResult:
    """The result of one usage record: `recorded`, `duplicate`, `amended`, `voided`, `conflict`,
    `rejected`, or `queued`, which is the client's own word for: it is on the disk.
    """

    status: str
    cost_micros: int | None = None
    priced: bool = False
    attributed: bool = False
    validations: tuple[Validation, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the usage is in the ledger, or in the queue."""
        return self.status not in ("conflict", "rejected")


@dataclass(frozen=True, slots=True)
class RecordResults:
    """The response to a batch of records."""

    results: tuple[RecordResult, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of an organization."""

    id: str
    name: str
    scope: Mapping[str, Any]
    per: str
    models: tuple[str, ...]
    limit_micros: int
    enforcement: str


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """A page of budgets. `next` is the `after` of the next page."""

    budgets: tuple[Budget, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class UserSpend:
    """What a user spent and holds in the period, and the limit; None: there is none."""

    user_id: str
    period_start: datetime
    period_end: datetime
    current_spend_micros: int
    reserved_micros: int
    spend_limit_micros: int | None = None
    limit_source: str | None = None
    effective_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model in micro-units of US dollars per million tokens; None is unknown, 0 is
    free. `tiers` and `variants` have the same fields.
    """

    provider: str
    model: str
    source: str
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None
    cache_write_1h_price: int | None
    unit_prices: Mapping[str, int] = field(default_factory=dict[str, int])
    tiers: tuple[Mapping[str, Any], ...] = ()
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class PricePage:
    """A page of prices. `next` is the `after` of the next page."""

    prices: tuple[Price, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The price that applies to a model as sent; None: it has none. `via` is `alias` where an alias
    decides; without a price, such an alias says that the model is free.
    """

    provider: str
    model: str
    via: str | None
    price: Price | None


class Refused(ApiError):
    """Allowance decided that the call must not be made. `code` says why: `ai_budget_exceeded`,
    `unpriced_model`, `unknown_user` or `user_inactive`.
    """

    def __init__(self, error: ApiError, decision: Decision | None) -> None:
        super().__init__(
            error.status,
            error.message,
            detail=error.detail,
            validations=error.validations,
            code=error.code,
            body=error.body,
            request_id=error.request_id,
        )
        self.decision = decision

    @property
    def would_fit_micros(self) -> int | None:
        """Return the largest estimate that would be admitted now; None: not known."""
        return self.decision.would_fit_micros if self.decision else None

    @property
    def retry_at(self) -> datetime | None:
        """Return when the estimate fits, if nothing else is spent; None: never, or not known."""
        return self.decision.retry_at if self.decision else None
