"""The shapes of recording usage: the batch of a request, and the result of each record. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, GetJsonSchemaHandler, with_config
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from allowance.contract.fields import Body, Row, example
from allowance.errors import Problem
from allowance.prices.cost import half_even_micros
from allowance.usage.counts import TokenCounts
from allowance.usage.record_shape import EXAMPLE, UsageRecord
from allowance.usage.records import Usage

MAX_RECORDS = 1000
MAX_PROBLEMS = 20
"""Most problems in the result of one record. A response has at most 6 MB, and a body of a mebibyte
can name 170,000 unknown fields.
"""

RecordedStatus = Literal["recorded", "amended", "voided", "duplicate"]
NotRecordedStatus = Literal["conflict", "rejected"]
Status = Literal[RecordedStatus, NotRecordedStatus]

NOT_RECORDED: frozenset[Status] = frozenset(get_args(NotRecordedStatus))
"""The statuses of records that are not in the ledger."""


class _Unread:
    """A record as it was sent. Each is validated on its own, so that a bad one stops no other."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(UsageRecord.__pydantic_core_schema__)


class UsageBatch(Body):
    """Up to 1,000 usage records. Each has a result of its own."""

    model_config = example({"records": [EXAMPLE]})

    records: Annotated[
        list[Annotated[Any, _Unread]],
        Field(
            min_length=1,
            max_length=MAX_RECORDS,
            description="Usage records, each with a result of its own.",
        ),
    ]


class UsageProblem(Row):
    """What is wrong with a record, or what its price lacks."""

    field: str
    detail: str


def _is_none(value: object) -> bool:
    return value is None


Stated = Annotated[int | None, Field(exclude_if=_is_none)]


# A dataclass: a pydantic model takes six times as long to create, and a response has a thousand.
@with_config(extra="forbid")
@dataclass(slots=True)
class UsageAnswer:
    """The result of one record. `cost_micros` is null if what was used has no price, if the usage
    object was not read whole, or if the record is not recorded. `validations` says which, and if
    nothing was counted.

    `attributed` is false if the user is not known yet, or the record is not recorded. A duplicate
    has the `cost_micros` and `priced` of the first time. `stated_cost_micros` is the
    cost that the record states, and `cost_difference_micros` is ours less that one. Each is left
    out if there is none.
    """

    status: Status
    cost_micros: int | None
    priced: bool
    attributed: bool
    validations: list[UsageProblem]
    stated_cost_micros: Stated = None
    cost_difference_micros: Stated = None


class UsageAnswers(Row):
    """The results, in the order of the records."""

    results: list[UsageAnswer]


NO_PRICE = [
    UsageProblem(
        field="model",
        detail=(
            "There is no price for what was used: the cost is not known yet."
            " PUT /api/v2/ai/model-aliases/{provider}/{model} says which model it is."
        ),
    )
]
NO_PRICE_OF_VARIANT = UsageProblem(
    field="variant", detail="The model has no price for it: the cost is not known yet."
)
NOTHING_COUNTED = UsageProblem(
    field="(record)",
    detail=(
        "Nothing was counted: no tokens, no units, and no fee for a request. If the call used"
        " something, send the record again with `amends`: true."
    ),
)
OTHER_GROUP = UsageProblem(
    field="group",
    detail=(
        "The user is in no group of this name, or in several: the usage counts for the user's"
        " primary group, else for the group of the budget in effect."
    ),
)
BOOKED_USER = UsageProblem(
    field="user",
    detail=(
        "The directory has no such user, or several: the usage counts for the user for whom it was"
        " booked or reserved before. To count it for another one, send that user's id."
    ),
)
UNKNOWN_USER = UsageProblem(
    field="user",
    detail=(
        "There is no such user, or there are several: the usage counts for nobody until it is"
        " assigned, or until the directory has the user."
    ),
)


def conflict(field: str, detail: str) -> UsageAnswer:
    """Return the result `conflict`, with its reason."""
    problem = UsageProblem(field=field, detail=detail)
    return UsageAnswer("conflict", None, priced=False, attributed=False, validations=[problem])


CONFLICT = conflict(
    "id", "It was recorded with other content. To replace that, send `amends`: true."
)
TAKEN_BACK = conflict(
    "id", "The usage was taken back (void), which is final. Send it again with another id."
)


def taken_back(status: RecordedStatus) -> UsageAnswer:
    """Return the result of a void: the usage costs nothing any more."""
    return UsageAnswer(status, 0, priced=True, attributed=True, validations=[])


def without_price(name: str) -> UsageProblem:
    """Return what the result of a record says of a class, a unit or a variant without a price."""
    if name == "variant":
        return NO_PRICE_OF_VARIANT
    place = "tokens" if name in TokenCounts.model_fields else "units"
    return UsageProblem(field=f"{place}.{name}", detail="Has no price: the cost is not known yet.")


def problems_shown(problems: Sequence[Problem]) -> list[UsageProblem]:
    """Return the problems as a result shows them."""
    return [UsageProblem(field=each.field, detail=each.detail) for each in problems]


def rejected(problems: Sequence[Problem]) -> UsageAnswer:
    """Return the result `rejected`, with these problems."""
    validations = problems_shown(problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    if more > 0:
        validations.append(UsageProblem(field="(record)", detail=f"And {more} problems more."))
    return UsageAnswer("rejected", None, priced=False, attributed=False, validations=validations)


def held_result(
    status: RecordedStatus,
    cost_picos: int | None,
    usage: Usage,
    unpriced: Sequence[str] = (),
    *,
    attributed: bool = True,
) -> UsageAnswer:
    """Return the result of a usage that is in the ledger. `unpriced` has no price."""
    stated = usage.stated_cost_picos
    if cost_picos and stated is None and usage.kept is None:
        return UsageAnswer(status, half_even_micros(cost_picos), True, attributed, [])
    if usage.kept is not None:
        reasons = problems_shown(usage.kept.reasons)
    elif cost_picos is not None:
        is_nothing = cost_picos == 0 and not usage.others and not any(usage.tokens)
        reasons = [NOTHING_COUNTED] if is_nothing else []
    else:
        reasons = [without_price(each) for each in unpriced] or NO_PRICE
    return UsageAnswer(
        status,
        None if cost_picos is None else half_even_micros(cost_picos),
        cost_picos is not None,
        attributed,
        reasons,
        None if stated is None else half_even_micros(stated),
        None if stated is None or cost_picos is None else half_even_micros(cost_picos - stated),
    )
