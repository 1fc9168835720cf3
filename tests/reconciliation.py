"""Rows of vendors and of the ledger for tests, and the routes that store and compare them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from allowance.prices.names import sold_as
from allowance.reconciliation.comparison import around_of
from allowance.reconciliation.lines import Key, Line, lines_of
from allowance.reconciliation.reasons import Reason, reasons_of
from allowance.reconciliation.rows import LedgerRow, VendorRow
from tests.gateway import Answer, Client

REPORTS = "/api/v2/organizations/acme/ai/vendor-usage"
PATH = "/api/v2/organizations/acme/ai/reconciliation"

DAY = date(2026, 11, 10)
LATER = datetime(2026, 11, 20, tzinfo=UTC)
NO_ALIAS: Mapping[str, None] = dict.fromkeys(("target_provider", "target_model", "by_pattern"))


def counted(model: str = "gpt-5", day: date = DAY, **more: Any) -> VendorRow:
    """A row of a vendor, reported long after its day. `tokens` may be a number of input."""
    row: dict[str, Any] = {"tokens": None, "requests": None, "cost_micros": None} | more
    if isinstance(row["tokens"], int):
        row["tokens"] = {"input": row["tokens"]}
    has_usage = row["tokens"] is not None or row["requests"] is not None
    return VendorRow.model_validate(
        {"vendor": "openai", "account": "", "model": model, "day": day}
        | {"usage_reported_at": LATER if has_usage else None}
        | {"cost_reported_at": LATER if row["cost_micros"] is not None else None}
        | NO_ALIAS
        | row
    )


def recorded(model: str = "gpt-5", day: date = DAY, **more: Any) -> LedgerRow:
    """A row of the ledger: one usage, with these tokens of input and this cost."""
    row: dict[str, Any] = {
        "provider": "openai",
        "model": model,
        "day": day,
        "usage_count": 1,
        "unpriced_usage_count": 0,
        "cost_micros": Decimal(),
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0,
        "stated_alone_micros": Decimal(),
        "other_units": None,
        "changed_at": None,
    }
    return LedgerRow.model_validate(row | NO_ALIAS | more)


def compared(vendors: Sequence[VendorRow], ledger: Sequence[LedgerRow]) -> dict[Key, Line]:
    return lines_of(vendors, ledger, sold_as)


def reasons(
    vendors: Sequence[VendorRow],
    ledger: Sequence[LedgerRow],
    model: str = "gpt-5",
    unattributed: Sequence[LedgerRow] = (),
) -> list[Reason]:
    """The reasons of the line of a model on DAY."""
    lines = compared(vendors, ledger)
    return reasons_of(lines[DAY, "openai", model], around_of(lines, unattributed, sold_as))


def codes(
    vendors: Sequence[VendorRow], ledger: Sequence[LedgerRow], model: str = "gpt-5"
) -> list[str]:
    return [each.code for each in reasons(vendors, ledger, model)]


def row(model: str | None = "gpt-5", day: date | str = DAY, **more: Any) -> dict[str, Any]:
    """A row of the body of a report."""
    return {"vendor": "openai", "model": model, "day": str(day)} | more


def post(client: Client, *rows: object) -> Answer:
    return client.post(REPORTS, {"rows": list(rows)})


def statuses(client: Client, *rows: object) -> list[str]:
    answer = post(client, *rows)
    assert answer.status == 200, answer.body
    return [each["status"] for each in answer.json()["results"]]


def seen(client: Client, query: str = "?month=2026-11") -> Any:
    answer = client.get(PATH + query)
    assert answer.status == 200, answer.body
    return answer.json()


def line(client: Client, model: str | None = "gpt-5", query: str = "?month=2026-11") -> Any:
    """The only line of a model."""
    (found,) = (each for each in seen(client, query)["lines"] if each["model"] == model)
    return found
