"""The rows of the database that are compared."""

from datetime import date, datetime
from decimal import Decimal

from allowance.contract.fields import Row
from allowance.reconciliation.models import Column


class NamedRow(Row):
    """A row of a day with the target of the alias that its name has."""

    day: date
    target_provider: str | None
    target_model: str | None
    by_pattern: bool | None


class VendorRow(NamedRow):
    """What a vendor counted on a day. An empty account or model: the report names none."""

    vendor: str
    account: str
    model: str
    tokens: dict[str, int] | None
    requests: int | None
    cost_micros: Decimal | None
    usage_reported_at: datetime | None
    cost_reported_at: datetime | None

    @property
    def name(self) -> tuple[str, str]:
        return self.vendor, self.model

    @property
    def reported_at(self) -> dict[Column, datetime]:
        """Return when each column that the row has was reported."""
        columns: tuple[tuple[Column, object, datetime | None], ...] = (
            ("tokens", self.tokens, self.usage_reported_at),
            ("requests", self.requests, self.usage_reported_at),
            ("cost", self.cost_micros, self.cost_reported_at),
        )
        return {column: at for column, value, at in columns if value is not None and at is not None}


class LedgerRow(NamedRow):
    """What the ledger has of a model, as gateways name it, on a day."""

    provider: str
    model: str
    usage_count: int
    unpriced_usage_count: int
    cost_micros: Decimal
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    stated_alone_micros: Decimal
    other_units: dict[str, int] | None
    changed_at: datetime | None

    @property
    def name(self) -> tuple[str, str]:
        return self.provider, self.model

    @property
    def tokens(self) -> dict[str, int]:
        """Return the tokens of text by class."""
        return {
            "input": self.input_tokens,
            "output": self.output_tokens,
            "cache_read": self.cache_read_tokens,
            "cache_write": self.cache_write_tokens,
            "cache_write_1h": self.cache_write_1h_tokens,
        }

    @property
    def is_anything(self) -> bool:
        """Return whether the sums are of any usage. Usage that was taken back leaves zeros."""
        return bool(self.usage_count or self.cost_micros or any(self.tokens.values()))


class KnownName(Row):
    """A name that the price book has."""

    place: int
