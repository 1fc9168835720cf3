"""What vendors counted, as owners send it: rows by vendor, account, model and UTC day."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from allowance.contract.fields import Body, Name, NumberedName, Row, example
from allowance.contract.money import EXACT
from allowance.contract.spellings import whole
from allowance.prices.cost import MAX_COST_MICROS, MAX_TOKENS
from allowance.usage.counts import TokenCounts

MAX_ROWS = 1000

DAY_FORM = re.compile(r"20[2-9]\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
"""Days from 2020 to 2099: the ledger holds nothing older."""

USD_FORM = re.compile(r"-?(0|[1-9][0-9]{0,7})(\.[0-9]{1,12})?", re.ASCII)
"""US dollars to 1e-12. Negative: a credit."""

USD_WANTED = (
    "must be US dollars as a string like 12.5 or -0.000125, from -10000000 to 10000000, with at"
    " most twelve decimals"
)


def day_of(value: object) -> object:
    """Return the day that a text like 2026-11-03 names. Raise ValueError for any other text."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and DAY_FORM.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # For example the 31st of February.
    raise ValueError("must be a day like 2026-11-03, in UTC")


Day = Annotated[date, BeforeValidator(day_of), WithJsonSchema({"type": "string", "format": "date"})]


def _dollars(text: str) -> str:
    if not USD_FORM.fullmatch(text) or abs(Decimal(text)).scaleb(6, EXACT) > MAX_COST_MICROS:
        raise ValueError(USD_WANTED)
    return text


def _requests(value: object) -> object:
    return None if value is None else whole(value)


COLUMNS = ("tokens", "requests", "cost")
type Column = Literal["tokens", "requests", "cost"]
"""What a report counts. Each column of a row is replaced on its own."""


class VendorUsageRow(Body):
    """What a vendor counted for one model on one UTC day, or for all models together.

    A usage report has tokens and requests, a cost report the cost. A row changes only what it
    names: null takes back what an earlier report had.
    """

    vendor: Annotated[Name, Field(description="For example openai or bedrock, in any case.")]
    account: Annotated[
        NumberedName | None,
        Field(description="The vendor's own name of a project, workspace or account."),
    ] = None
    model: Annotated[
        Name | None,
        Field(description="As the vendor names it. Null: the report has no models."),
    ]
    day: Annotated[Day, Field(description="The vendor's day, which is of UTC: 2026-11-03.")]
    tokens: Annotated[
        TokenCounts | None, Field(description="In disjoint classes: input is not cached.")
    ] = None
    requests: Annotated[
        Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None, BeforeValidator(_requests)
    ] = None
    cost_micros: Annotated[
        int | None,
        Field(
            ge=-MAX_COST_MICROS,
            le=MAX_COST_MICROS,
            description="Whole micro-units of US dollars; negative: a credit.",
        ),
    ] = None
    cost_usd: Annotated[
        Annotated[str, AfterValidator(_dollars)] | None,
        Field(description="In place of cost_micros: US dollars as a string, exact to 1e-12."),
    ] = None

    @field_validator("cost_usd")
    @classmethod
    def _one_cost(cls, dollars: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("cost_micros") is not None:
            raise ValueError("must not be given beside cost_micros")
        return dollars

    @model_validator(mode="after")
    def _names_a_count(self) -> Self:
        if not self.named:
            raise ValueError("must have tokens, requests, cost_micros or cost_usd")
        return self

    @property
    def named(self) -> set[Column]:
        """Return the columns that the row names, those to take back included."""
        fields = self.model_fields_set
        found: dict[Column, bool] = {
            "tokens": "tokens" in fields,
            "requests": "requests" in fields,
            "cost": bool(fields & {"cost_micros", "cost_usd"}),
        }
        return {column for column, is_named in found.items() if is_named}

    @property
    def key(self) -> tuple[str, str, str, date]:
        """Return what tells rows apart: vendor, account, model and day. Names are in lower case,
        but for the account, which is a vendor's id.
        """
        return self.vendor.lower(), self.account or "", (self.model or "").lower(), self.day

    @property
    def micros(self) -> Decimal | None:
        """Return the exact cost."""
        if self.cost_usd is not None:
            return Decimal(self.cost_usd).scaleb(6, EXACT)
        return None if self.cost_micros is None else Decimal(self.cost_micros)

    def stored(self, place: int) -> Mapping[str, Any]:
        """Return the row as the database takes it. The cost is text: JSON has no exact decimals."""
        vendor, account, model, day = self.key
        counts = None if self.tokens is None else self.tokens.model_dump(exclude_defaults=True)
        return {
            "place": place,
            "vendor": vendor,
            "account": account,
            "model": model,
            "day": day.isoformat(),
            "tokens": counts and {name: each for name, each in counts.items() if each},
            "requests": self.requests,
            "cost_micros": None if self.micros is None else str(self.micros),
        } | {f"has_{column}": column in self.named for column in COLUMNS}


class VendorUsageReport(Body):
    """Up to 1,000 rows, stored all or none."""

    model_config = example(
        {
            "rows": [
                {
                    "vendor": "openai",
                    "model": "gpt-5.1-2025-11-13",
                    "day": "2026-11-03",
                    "tokens": {"input": 1_200_000, "output": 90_000},
                    "requests": 410,
                },
                {"vendor": "openai", "model": None, "day": "2026-11-03", "cost_usd": "2.4"},
            ]
        }
    )

    rows: Annotated[
        list[VendorUsageRow],
        Field(
            min_length=1,
            max_length=MAX_ROWS,
            description="Each vendor, account, model and day at most once.",
        ),
    ]


class StoredRow(Row):
    """What became of a row. `removed`: all of it was taken back."""

    status: Literal["created", "replaced", "unchanged", "removed"]
    vendor: str
    account: str | None
    model: str | None
    day: date


class StoredRows(Row):
    """The results, in the order of the rows."""

    results: list[StoredRow]


class LockedReports(Row):
    """The reports of an organization are locked."""

    is_locked: bool
