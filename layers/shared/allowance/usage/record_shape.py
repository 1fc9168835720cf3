"""The shape of a usage record, as a request sends it. Pure."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    WithJsonSchema,
    model_validator,
)

from allowance.contract.fields import Body, Key, Moment, Name, NumberedName, example, hyphenated
from allowance.contract.spellings import stated, whole, word
from allowance.prices.cost import MAX_COST_MICROS, MAX_TOKENS, PICOS_PER_MICRO
from allowance.usage.content import storable
from allowance.usage.counts import TokenCounts, UnitCounts
from allowance.usage.labels import Labels
from allowance.usage.reading.formats import UsageFormat
from allowance.usage.stated_cost import MAX_COST_USD, picos_of_usd
from allowance.usage.variants import UsedVariant

OWN_SOURCE = "allowance"
"""The source of our own corrections. No record may use it."""


def not_ours(source: str) -> str:
    if source == OWN_SOURCE:
        raise ValueError(f"the source {OWN_SOURCE} is reserved: name your own system")
    return source


def _one_if_unset(value: object) -> object:
    return 1 if value is None else whole(value)


def _stated_usd(value: object) -> int | None:
    return None if value is None else picos_of_usd(value)


def _require_one_change(*, amends: bool, void: bool) -> None:
    if amends and void:
        raise ValueError("must have amends or void, not both")


EXAMPLE = {
    "source": "my-gateway",
    "id": "call-1",
    "user": "maya",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00Z",
    "tokens": {"input": 1000, "output": 200},
}
"""A record for errors and the OpenAPI document."""


class CallRecord(Body):
    """What one call to a model used: `tokens` and other `units`, or the vendor's own `usage` object
    and its `usage_format`. An aggregate is of several `requests`.
    """

    model_config = example(EXAMPLE)

    source: Annotated[Name, Field(description="The system that reports."), AfterValidator(not_ours)]
    id: Annotated[NumberedName, Field(description="Unique in its source: the record counts once.")]
    user: Annotated[
        NumberedName,
        Field(description="A UUID, a username, a user name, an email address or an external id."),
    ]
    provider: Annotated[Name, Field(description="For example openai.")]
    model: Annotated[Name, Field(description="As the provider names it.")]
    provider_name: Annotated[
        Name | None,
        BeforeValidator(stated),
        Field(description="The gateway's own name of its provider, which is kept."),
    ] = None
    variant: UsedVariant = None
    group: Annotated[
        Name | None,
        BeforeValidator(stated),
        Field(
            description="The group of the user that the usage counts for: a UUID, a name, or "
            "organization/name."
        ),
    ] = None
    labels: Annotated[
        Labels | None, Field(description="What to count the usage by, such as its project.")
    ] = None
    occurred_at: Annotated[Moment, Field(description="A time in RFC 3339.")]
    tokens: Annotated[
        TokenCounts | None, Field(description="Disjoint counts: input is not cached.")
    ] = None
    units: Annotated[UnitCounts | None, Field(description="What is not counted in tokens.")] = None
    usage_format: Annotated[
        UsageFormat | None,
        BeforeValidator(word),
        Field(description="The vendor whose object is in usage."),
    ] = None
    usage: Annotated[
        Annotated[dict[str, Any], AfterValidator(storable)] | None,
        Field(
            description="The vendor's own object, in place of tokens: at most 16 KiB and 8 levels."
        ),
    ] = None
    requests: Annotated[
        int,
        BeforeValidator(_one_if_unset),
        Field(
            ge=1,
            le=MAX_TOKENS,
            description="How many requests the record is of, if it is an aggregate.",
        ),
    ] = 1
    cost_micros: Annotated[
        int | None,
        Field(ge=0, le=MAX_COST_MICROS, description="What the call costs by the source's account."),
    ] = None
    cost_usd: Annotated[
        int | None,
        BeforeValidator(_stated_usd),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": MAX_COST_USD},
                    {"type": "string"},
                    {"type": "null"},
                ],
                "description": "The same in US dollars, rounded half-even to 1e-12.",
            }
        ),
    ] = None

    @model_validator(mode="after")
    def _counted_once(self) -> Self:
        is_counted = self.tokens is not None or self.units is not None
        if is_counted == (self.usage is not None) or (self.usage is None) != (
            self.usage_format is None
        ):
            raise ValueError("must have either tokens or units, or usage and usage_format")
        if self.cost_micros is not None and self.cost_usd is not None:
            raise ValueError("must have cost_micros or cost_usd, not both")
        return self

    @property
    def stated_cost_picos(self) -> int | None:
        """The cost that the record states, in 1e-12 USD."""
        return self.cost_usd if self.cost_micros is None else self.cost_micros * PICOS_PER_MICRO


class UsageRecord(CallRecord):
    """What one call to a model used: `tokens` and other `units`, or the vendor's own `usage` object
    and its `usage_format`. An aggregate is of several `requests`. It may settle a reservation, and
    amend or take back a usage that was recorded before.
    """

    reservation_id: Annotated[
        UUID | None,
        Strict(strict=False),
        BeforeValidator(hyphenated),
        BeforeValidator(stated),
        Field(description="The reservation that this settles finally."),
    ] = None
    reservation_key: Annotated[
        Key | None,
        BeforeValidator(stated),
        Field(description="The same by the `id` with which you reserved."),
    ] = None
    amends: Annotated[
        bool, Field(description="The usage of this source and id was recorded: this replaces it.")
    ] = False
    revision: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_TOKENS,
            description="With `amends`: your number of this content. Lower ones change nothing.",
        ),
    ] = None
    void: Annotated[
        bool,
        Field(
            description="Take back the usage of this source and id, finally. No other field needed."
        ),
    ] = False

    @model_validator(mode="after")
    def _changes_once(self) -> Self:
        _require_one_change(amends=self.amends, void=self.void)
        if self.revision is not None and not self.amends:
            raise ValueError("must have amends with revision: a void has none")
        return self

    @model_validator(mode="after")
    def _settles_one(self) -> Self:
        if self.reservation_id is not None and self.reservation_key is not None:
            raise ValueError("must have reservation_id or reservation_key, not both")
        return self


class VoidRecord(Body):
    """The key of a usage that is taken back."""

    source: Annotated[Name, AfterValidator(not_ours)]
    id: Name
    void: Literal[True]
    amends: bool = False
    revision: Annotated[None, Field(description="A void has none, because it is final.")] = None

    @model_validator(mode="after")
    def _changes_once(self) -> Self:
        _require_one_change(amends=self.amends, void=True)
        return self
