"""What files become: records of usage, and rows that a vendor counted for a day."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import FILE, Findings, refused
from allowance_client.imports.values import (
    EXACT,
    FIRST_TIME,
    MAX_COST_USD,
    MAX_COUNT,
    name_of,
    usd_text,
)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the caller says about a file. `identity` are the fields that name the user, best first.

    `source` and `identity` are empty for the defaults of the format. `provider` is for rows that
    name none. `account` stands for the vendor's account in rows for reconciliation.
    """

    source: str = ""
    identity: tuple[str, ...] = ()
    provider: str = ""
    account: str = ""
    is_identity_asked: bool = False
    """Whether the caller named `identity`, rather than the settings of the source."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def require_identity(self, is_known: Callable[[str], bool], findings: Findings) -> None:
        """Raise ImportRefused if the caller names a field that the format has not: a slip would
        book the whole file to nobody. Name those of the settings, which may be a door's own.
        """
        for name in self.identity:
            if is_known(name):
                continue
            if self.is_identity_asked:
                raise refused(f"{name}: no field of this format names a user so.", "--user-from")
            findings.leave_out(f"the identity {name} of the source's settings, not in this format")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A record of usage, as the service takes it, and its place in the file."""

    place: str
    record: dict[str, Any]


@dataclass(slots=True)
class VendorRow:
    """What a vendor counted for a model and a day in UTC. A column that the file has not is None.

    `cost` is in US dollars.
    """

    vendor: str
    account: str | None
    model: str | None
    day: date
    tokens: dict[str, int] | None = None
    requests: int | None = None
    cost: Decimal | None = None

    def document(self) -> dict[str, Any]:
        """Return the row as the service takes it."""
        optional = {
            "account": self.account,
            "tokens": None
            if self.tokens is None
            else {name: count for name, count in self.tokens.items() if count},
            "requests": self.requests,
            "cost_usd": None if self.cost is None else usd_text(self.cost),
        }
        stated = {name: value for name, value in optional.items() if value is not None}
        return {
            "vendor": self.vendor,
            "model": self.model,
            "day": self.day.isoformat(),
            **stated,
        }


class VendorDays:
    """The sums of a file, by vendor, account, model and day. Memory grows with these alone."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str, date], VendorRow] = {}

    def add(self, row: VendorRow) -> None:
        """Add a row of the file to its day."""
        # The service compares names without regard to case, but for accounts.
        key = (row.vendor.lower(), row.account or "", (row.model or "").lower(), row.day)
        sums = self._rows.get(key)
        if sums is None:
            sums = VendorRow(row.vendor, row.account, row.model, row.day)
            self._rows[key] = sums
        if row.tokens is not None:
            sums.tokens = sums.tokens or {}
            for name, count in row.tokens.items():
                sums.tokens[name] = sums.tokens.get(name, 0) + count
        if row.requests is not None:
            sums.requests = (sums.requests or 0) + row.requests
        if row.cost is not None:
            sums.cost = EXACT.add(sums.cost or Decimal(0), row.cost)

    def rows(self, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
        """Yield the sums by day, vendor and model. Refuse those that the service does not take, and
        a file without any.
        """
        if options.account and (reason := _unfit(options.account)):
            findings.refuse("--account", "", reason)
        if not self._rows and not findings.total:
            findings.refuse(FILE, "", "It has no usage and no cost: nothing to import.")
        latest = options.now.astimezone(UTC).date()
        for row in sorted(self._rows.values(), key=_order):
            for name, count in (row.tokens or {}).items():
                if count > MAX_COUNT:
                    findings.refuse(f"sum of {row.model} on {row.day}", name, "is above 1e12")
            if abs(row.cost or 0) > MAX_COST_USD:
                findings.refuse(f"sum of {row.model} on {row.day}", "cost", "is above 1e7 dollars")
            if row.day > latest:
                findings.refuse(f"sum of {row.model} on {row.day}", "day", "is in the future")
            if row.day < FIRST_TIME.date():
                findings.refuse(f"sum of {row.model} on {row.day}", "day", "is before 2020")
            yield row


def _unfit(name: str) -> str:
    try:
        name_of(name)
    except ValueError as error:
        return str(error)
    return ""


def _order(row: VendorRow) -> tuple[date, str, str, str]:
    return row.day, row.vendor, row.account or "", row.model or ""


UsageReader = Callable[[ImportFile, ImportOptions, Findings], Iterator[UsageRow]]
VendorReader = Callable[[ImportFile, ImportOptions, Findings], Iterator[VendorRow]]
