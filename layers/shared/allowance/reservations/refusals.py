"""Why a call is refused before it is made. Pure."""

from collections.abc import Mapping
from typing import Any

from allowance.errors import Problem, RequestRefused, ValidationFailed
from allowance.prices.cost import MAX_COST_MICROS


class BudgetExceeded(RequestRefused):
    """The budget has no room for the estimate of a call."""

    code = "ai_budget_exceeded"

    def __init__(self, limit_usd: str, shown: Mapping[str, Any]) -> None:
        super().__init__(
            f"AI budget of US${limit_usd} exceeded. Please contact an administrator for more"
            " details.",
            shown,
        )


class UnpricedModel(RequestRefused):
    """The model has no price, and a budget applies: its cost could pass the limit unseen."""

    code = "unpriced_model"

    def __init__(self, shown: Mapping[str, Any]) -> None:
        super().__init__(shown=shown)


class UnknownUser(RequestRefused):
    """There is no such user."""

    code = "unknown_user"


class UserInactive(RequestRefused):
    """The user is suspended or deleted."""

    code = "user_inactive"


class OtherGroup(ValidationFailed):
    """The user is not a member of the group that the request names."""

    def __init__(self) -> None:
        super().__init__([Problem("group", "The user is in no group of this name, or in several.")])


class EstimateTooLarge(ValidationFailed):
    """The estimate costs more than a call may cost, at the price in effect or an assumed one."""

    def __init__(self) -> None:
        detail = f"Must not cost more than {MAX_COST_MICROS} micro-units of USD."
        super().__init__([Problem("estimate", detail)])
