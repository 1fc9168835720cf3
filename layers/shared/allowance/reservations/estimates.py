"""The estimate of a call. Pure."""

from typing import Annotated

from pydantic import Field, model_validator

from allowance.contract.fields import Body
from allowance.prices.cost import MAX_COST_MICROS
from allowance.usage.counts import TokenCounts, UnitCounts


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
