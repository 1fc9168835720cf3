"""Spend alerts: their fields, and the message to programs. Pure. The contract is docs/alerts.md."""

import json
from typing import Any, Literal
from uuid import UUID

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import ExactMicros, Row, Timestamp

AlertKind = Literal["threshold", "refused", "unpriced_models"]
BudgetKind = Literal["allowance", "budget"]


class UsedModel(Row):
    """A model without a price, as it was sent, and its usage in the last seven days."""

    provider: str
    model: str
    usage_count: int
    tokens: int


class AlertFacts(Row):
    """Why an alert was raised: the figures of that time, in micro-units of US dollars.

    A notice of models without a price has no budget and no amounts. A period of a budget without
    periods has no start and no end. `subject` is what the budget limits: the id of a user, the
    value of a label, or everything (empty). `group_name` is None if the group is deleted.
    """

    id: UUID
    kind: AlertKind
    budget_kind: BudgetKind | None
    budget_id: UUID | None
    budget_name: str | None
    subject: str
    organization_id: UUID
    group_id: UUID
    group_name: str | None
    threshold_percent: int | None
    limit_micros: ExactMicros | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros | None
    reserved_micros: ExactMicros | None
    period_start: Timestamp | None
    period_end: Timestamp | None
    models: list[UsedModel] | None
    model_count: int | None
    raised_at: Timestamp


class Recipient(Row):
    """The user whom an alert concerns. Name and address are None if the user is deleted."""

    id: UUID
    username: str | None
    email: str | None


class Admin(Row):
    """An active administrator of the organization, who may change its budgets."""

    username: str
    email: str


class Alert(AlertFacts):
    """An alert as receivers get it: the facts, and whom to tell. Names are current.

    `admins` are the first 20 with an address, and `admin_count` is how many there are.
    """

    organization_name: str | None
    user: Recipient | None
    admins: list[Admin]
    admin_count: int
    console_url: str | None

    @property
    def ordering_key(self) -> str:
        """Return what has an order: the alerts of a budget, or of a user's allowance."""
        return str(self.budget_id or (self.user and self.user.id) or self.organization_id)

    def document(self) -> dict[str, Any]:
        """Return the fields of the message as JSON values."""
        return self.model_dump(mode="json", include=set(Alert.model_fields))

    def message(self) -> str:
        """Return the message: a JSON object in ASCII."""
        return json.dumps(self.document())
