"""What a vendor counted beside what the ledger has, in requests and responses."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from allowance.contract.fields import MAX_NAME_LENGTH, ExactMicros, Row, Timestamp
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.reconciliation.lines import Figures, Line, Total
from allowance.reconciliation.models import Day
from allowance.reconciliation.reasons import Code, Reason
from allowance.spend.periods import MONTH_FORM, named_month


class LineCursor(Cursor):
    """The last line of a page."""

    day: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    vendor: Printable
    model: Printable


class ReconciliationQuery(Query):
    """The period and the vendor to compare, and the page."""

    month: Annotated[
        str | None,
        Field(
            description="A calendar month like 2026-11 (UTC); without it and `day`, the current.",
            json_schema_extra={
                "anyOf": [
                    {"type": "string", "pattern": f"^{MONTH_FORM.pattern}$"},
                    {"type": "null"},
                ]
            },
        ),
        AfterValidator(named_month),
    ] = None
    day: Annotated[
        Day | None, Field(description="A day like 2026-11-03 (UTC), in place of a month.")
    ] = None
    vendor: Annotated[
        Printable | None,
        Field(
            min_length=1,
            max_length=MAX_NAME_LENGTH,
            description="Lines of this vendor alone, by any of its names.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Lines per page."), WHOLE_NUMBER] = 100
    after: Annotated[LineCursor | None, AFTER] = None

    @field_validator("day")
    @classmethod
    def _day_alone(cls, day: date | None, info: ValidationInfo) -> date | None:
        if day is not None and info.data.get("month") is not None:
            raise ValueError("must not be given beside `month`")
        return day

    def days(self, today: date) -> tuple[date, date]:
        """Return the first day to compare, and the one after the last."""
        if self.day is not None:
            return self.day, self.day + timedelta(days=1)
        first = today.replace(day=1)
        if self.month is not None:
            first = date(int(self.month[:4]), int(self.month[5:]), 1)
        return first, (first + timedelta(days=31)).replace(day=1)


class Counted(Row):
    """Tokens by class and in total, requests, and the cost. Null: not known."""

    tokens: dict[str, int] | None
    total_tokens: int | None
    requests: int | None
    cost_micros: ExactMicros | None

    @classmethod
    def of(cls, figures: Figures) -> Self:
        return cls(
            tokens=figures.tokens,
            total_tokens=figures.total_tokens,
            requests=figures.requests,
            cost_micros=figures.cost,
        )


class Amounts(Row):
    """Tokens in total, requests and cost. Null: a figure to compare is not known."""

    total_tokens: int | None
    requests: int | None
    cost_micros: ExactMicros | None


class VendorName(Row):
    """How a report names what it counted."""

    vendor: str
    account: str | None
    model: str | None


class LedgerName(Row):
    """How gateways name a model."""

    provider: str
    model: str


class LikelyReason(Row):
    """Why the figures may differ: a code of a closed list, and a sentence for people."""

    code: Code
    text: str


class ComparedLine(Row):
    """A vendor, a model and a UTC day: what the vendor counted, what the ledger recorded, and the
    difference, the ledger less the vendor.

    `model` is null for what the vendor reported without models. It is compared with what the ledger
    has of all models that have no figure of their own.
    """

    day: date
    vendor: str
    model: str | None
    counted: Counted
    recorded: Counted
    difference: Amounts
    unpriced_usage_count: int
    vendor_names: list[VendorName]
    ledger_names: list[LedgerName]
    reported_at: Timestamp | None
    reasons: list[LikelyReason]

    @classmethod
    def of(cls, line: Line, reasons: list[Reason]) -> Self:
        return cls(
            day=line.day,
            vendor=line.vendor,
            model=line.model or None,
            counted=Counted.of(line.counted),
            recorded=Counted.of(line.recorded),
            difference=Amounts(
                total_tokens=_whole(line.difference("tokens")),
                requests=_whole(line.difference("requests")),
                cost_micros=line.difference("cost"),
            ),
            unpriced_usage_count=line.unpriced_usage_count,
            vendor_names=[
                VendorName(vendor=vendor, account=account or None, model=model or None)
                for vendor, account, model in sorted(line.vendor_names)
            ],
            ledger_names=[
                LedgerName(provider=provider, model=model)
                for provider, model in sorted(line.ledger_names)
            ],
            reported_at=min(line.reported_at.values(), default=None),
            reasons=[LikelyReason(code=each.code, text=each.text) for each in reasons],
        )


class VendorTotal(Row):
    """The sums of a vendor in the period. The ledger's figure is the vendor's, and the difference,
    and what no report covers (`uncovered`).
    """

    vendor: str
    counted: Counted
    recorded: Counted
    difference: Amounts
    uncovered: Amounts

    @classmethod
    def of(cls, total: Total) -> Self:
        differences, uncovered = total.differences, total.uncovered
        return cls(
            vendor=total.vendor,
            counted=Counted.of(total.counted),
            recorded=Counted.of(total.recorded),
            difference=Amounts(
                total_tokens=_whole(differences.get("tokens")),
                requests=_whole(differences.get("requests")),
                cost_micros=differences.get("cost"),
            ),
            uncovered=Amounts(
                total_tokens=_whole(uncovered["tokens"]),
                requests=_whole(uncovered["requests"]),
                cost_micros=uncovered["cost"],
            ),
        )


class Reconciliation(Row):
    """What vendors counted beside what the ledger has, in a month or on a day (UTC).

    `totals` are of the whole period, on each page. `sees_unattributed` is false for callers who may
    not read usage outside of all organizations: the reason `unattributed_usage` is never theirs.
    `next` is the `after` of the next page, null on the last.
    """

    organization_id: UUID
    first_day: date
    last_day: date
    sees_unattributed: bool
    totals: list[VendorTotal]
    lines: list[ComparedLine]
    next: str | None


def _whole(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount)
