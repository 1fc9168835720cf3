"""Usage: the batch as it comes in, what is answered, and what each record costs at the prices of
its time. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, GetJsonSchemaHandler, with_config
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from allowance.contract.fields import Body, Row
from allowance.errors import Problem
from allowance.usage.records import UsageRecord

MAX_RECORDS = 1000

RecordedStatus = Literal["recorded", "duplicate"]
NotRecordedStatus = Literal["conflict", "rejected"]
Status = Literal[RecordedStatus, NotRecordedStatus]

NOT_RECORDED: frozenset[Status] = frozenset(get_args(NotRecordedStatus))
"""The statuses of records that are not in the ledger."""


class _Unread:
    """A record as it was sent, which is validated on its own, so that a bad one does not stop the
    others.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(UsageRecord.__pydantic_core_schema__)


class UsageBatch(Body):
    """Up to 1,000 usage records, each answered by itself."""

    records: Annotated[list[Annotated[Any, _Unread]], Field(min_length=1, max_length=MAX_RECORDS)]


class UsageProblem(Row):
    """What was wrong with a record, or what its price lacks."""

    field: str
    detail: str


# A model takes six times as long to make, and there are a thousand in an answer.
@with_config(extra="forbid")
@dataclass(slots=True)
class UsageAnswer:
    """What became of a record. `cost_micros` is null where there is no price for what was used, or
    nothing is recorded.

    A duplicate is answered as the record was the first time.
    """

    status: Status
    cost_micros: int | None
    priced: bool
    validations: list[UsageProblem]


class UsageAnswers(Row):
    """The answers, in the order of the records."""

    results: list[UsageAnswer]


NO_PRICE = [
    UsageProblem(
        field="model", detail="There is no price for what was used: the cost is not known yet."
    )
]
CONFLICT = UsageAnswer(
    "conflict",
    None,
    priced=False,
    validations=[UsageProblem(field="id", detail="It was recorded with other content.")],
)


def rejected(problems: Sequence[Problem]) -> UsageAnswer:
    """The answer to a record that cannot be taken."""
    told = [UsageProblem(field=each.field, detail=each.detail) for each in problems]
    return UsageAnswer("rejected", None, priced=False, validations=told)
