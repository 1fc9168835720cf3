"""The policy of an organization for calls without a price, in requests and responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from allowance.contract.fields import Body, Row, Timestamp, Versioned, example
from allowance.prices.terms import MAX_PRICE_MICROS

Unpriced = Literal["deny", "allow", "assume"]
"""`deny` refuses a call where a limit applies, `allow` admits it at no cost, `assume` takes the
assumed prices of its tokens.
"""

AssumedPrice = Annotated[
    int | None,
    Field(
        ge=0,
        le=MAX_PRICE_MICROS,
        validate_default=True,
        description=(
            "Whole micro-units of US dollars per one million tokens: 3000000 is $3.00. Needed with"
            " assume, and only there."
        ),
    ),
]


class UnpricedTerms(Row):
    """What happens to a call without a price. The prices are null unless it is `assume`."""

    unpriced: Unpriced
    assumed_input_price: int | None
    assumed_output_price: int | None


class DefaultPolicy(UnpricedTerms):
    """The policy of an organization that has set none: the default of the deployment."""

    organization_id: UUID
    source: Literal["deployment"] = "deployment"
    created_at: None = None
    updated_at: None = None


class OrganizationPolicy(UnpricedTerms, Versioned):
    """The policy that an organization has set."""

    organization_id: UUID
    source: Literal["organization"] = "organization"
    created_at: Timestamp
    updated_at: Timestamp


class PolicyTerms(Body):
    """The body of PUT: all terms of a policy."""

    model_config = example(
        {
            "unpriced": "assume",
            "assumed_input_price": 15_000_000,
            "assumed_output_price": 75_000_000,
        }
    )

    unpriced: Annotated[
        Unpriced,
        Field(
            description=(
                "Of a call to a model without a price. `deny`: it is refused where a limit applies."
                " `allow`: it is admitted and costs nothing yet. `assume`: its tokens have the"
                " assumed prices."
            )
        ),
    ]
    assumed_input_price: AssumedPrice = None
    assumed_output_price: AssumedPrice = None

    @field_validator("assumed_input_price", "assumed_output_price")
    @classmethod
    def _only_where_assumed(cls, price: int | None, info: ValidationInfo) -> int | None:
        unpriced = info.data.get("unpriced")
        if price is None and unpriced == "assume":
            raise ValueError("is required with unpriced: assume")
        if price is not None and unpriced in {"deny", "allow"}:
            raise ValueError("must be left out, because only unpriced: assume uses it")
        return price


class LockedPolicy(Row):
    """The policy of an organization is locked."""

    is_locked: bool
