"""What a vendor counted beside what the ledger has, by vendor, model and day. Pure.

A figure of a vendor is known, or no report has it. A report has a column for a whole day of its
vendor: a model that it leaves out was not used, so its figure is 0. Where the report has the column
without models, its figure is compared with what the ledger has of all models that have none.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from allowance.contract.money import EXACT
from allowance.prices.units import COUNTED_IN_TOKENS
from allowance.reconciliation.models import COLUMNS, Column
from allowance.reconciliation.rows import LedgerRow, VendorRow

type Meaning = Callable[[str, str], tuple[str, str]]
"""Who sells what a name means, and the name there."""

type Key = tuple[date, str, str]
"""The day, the vendor and the model of a line. No model is an empty one."""

type Times = dict[Column, datetime]
"""When the columns of a vendor's day were reported, the earliest of several rows."""


@dataclass(slots=True)
class Figures:
    """Tokens by class, requests and the exact cost. None: not known."""

    tokens: dict[str, int] | None = None
    requests: int | None = None
    cost: Decimal | None = None

    @property
    def total_tokens(self) -> int | None:
        return None if self.tokens is None else sum(self.tokens.values())

    def amount(self, column: Column) -> Decimal | None:
        """Return the figure of a column as one number."""
        found = {"tokens": self.total_tokens, "requests": self.requests, "cost": self.cost}[column]
        return None if found is None else Decimal(found)

    def take(self, column: Column, of: "Figures") -> None:
        """Add the figure of a column, if it is known."""
        if column == "tokens" and of.tokens is not None:
            self.tokens = self.tokens or {}
            for name, count in of.tokens.items():
                self.tokens[name] = self.tokens.get(name, 0) + count
        elif column == "requests" and of.requests is not None:
            self.requests = (self.requests or 0) + of.requests
        elif column == "cost" and of.cost is not None:
            self.cost = EXACT.add(self.cost or Decimal(), of.cost)


NOTHING = Figures({}, 0, Decimal())


@dataclass(slots=True)
class Line:
    """A vendor, model and day. An empty model: what the vendor reported without models.

    `uncovered` are the columns that no report of this day has. `beside` are the differences in
    tokens and requests of the models with which a cost without models is compared.
    """

    day: date
    vendor: str
    model: str
    counted: Figures = field(default_factory=Figures)
    recorded: Figures = field(default_factory=Figures)
    vendor_names: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    ledger_names: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    uncovered: set[Column] = field(default_factory=set[Column])
    beside: dict[Column, Decimal] = field(default_factory=dict[Column, Decimal])
    unpriced_usage_count: int = 0
    stated_alone: Decimal = Decimal()
    reported_at: dict[Column, datetime] = field(default_factory=dict[Column, datetime])
    changed_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.day, self.vendor, self.model

    def difference(self, column: Column) -> Decimal | None:
        """Return the ledger's figure less the vendor's. None: one of them is not known."""
        counted, recorded = self.counted.amount(column), self.recorded.amount(column)
        return None if counted is None or recorded is None else EXACT.subtract(recorded, counted)

    def usage_difference(self, column: Column) -> Decimal | None:
        """Return the difference in tokens or requests of the usage that the cost is of."""
        return self.difference(column) if self.model else self.beside.get(column)


@dataclass(slots=True)
class Total:
    """The sums of lines. `uncovered` is what the ledger has and no report covers, so the ledger's
    figure is the vendor's, and the difference, and that.
    """

    vendor: str
    counted: Figures = field(default_factory=Figures)
    recorded: Figures = field(default_factory=Figures)
    differences: dict[Column, Decimal] = field(default_factory=dict[Column, Decimal])
    uncovered: dict[Column, Decimal] = field(
        default_factory=lambda: dict.fromkeys(COLUMNS, Decimal())
    )


def lines_of(
    vendor_rows: Iterable[VendorRow], ledger_rows: Iterable[LedgerRow], meaning: Meaning
) -> dict[Key, Line]:
    """Return the lines by their keys, sorted."""
    found: dict[Key, Line] = {}
    for each in ledger_rows:
        if each.is_anything:
            _take_recorded(_line(found, each.day, meaning(each.provider, each.model)), each)
    reported: dict[tuple[date, str], Times] = defaultdict(dict)
    whole: dict[tuple[date, str], Times] = defaultdict(dict)
    for each in vendor_rows:
        vendor, model = meaning(each.vendor, each.model)
        line = _line(found, each.day, (vendor, model if each.model else ""))
        _take_all(line.counted, Figures(each.tokens, each.requests, each.cost_micros))
        line.vendor_names.add((each.vendor, each.account, each.model))
        of_day = (reported if each.model else whole)[each.day, vendor]
        for column, at in each.reported_at.items():
            of_day[column] = min(of_day.get(column, at), at)
            line.reported_at[column] = min(line.reported_at.get(column, at), at)
            if not each.model and getattr(line.recorded, column) is None:
                line.recorded.take(column, NOTHING)
    for line in list(found.values()):
        if line.model:
            of_day = line.day, line.vendor
            _compare(line, reported[of_day], whole[of_day], found)
    return dict(sorted(found.items()))


def totals_of(lines: Iterable[Line]) -> list[Total]:
    """Return the sums by vendor, sorted."""
    found: dict[str, Total] = {}
    for line in lines:
        total = found.setdefault(line.vendor, Total(line.vendor))
        for column in COLUMNS:
            total.counted.take(column, line.counted)
            # The ledger's side of a line without a model is in the lines of its models.
            if line.model:
                total.recorded.take(column, line.recorded)
            if (difference := line.difference(column)) is not None:
                before = total.differences.get(column, Decimal())
                total.differences[column] = EXACT.add(before, difference)
            if column in line.uncovered:
                amount = line.recorded.amount(column) or Decimal()
                total.uncovered[column] = EXACT.add(total.uncovered[column], amount)
    return [found[vendor] for vendor in sorted(found)]


def _line(found: dict[Key, Line], day: date, meant: tuple[str, str]) -> Line:
    vendor, model = meant
    key = day, vendor, model
    if key not in found:
        # The ledger's figures of a model that it does not have are 0.
        recorded = Figures({}, 0, Decimal()) if model else Figures()
        found[key] = Line(day, vendor, model, recorded=recorded)
    return found[key]


def _take_recorded(line: Line, row: LedgerRow) -> None:
    others = {unit: (row.other_units or {}).get(unit, 0) for unit in COUNTED_IN_TOKENS}
    tokens = {name: count for name, count in (row.tokens | others).items() if count}
    _take_all(line.recorded, Figures(tokens, row.usage_count, row.cost_micros))
    line.ledger_names.add((row.provider, row.model))
    line.unpriced_usage_count += row.unpriced_usage_count
    line.stated_alone = EXACT.add(line.stated_alone, row.stated_alone_micros)
    line.changed_at = _latest(line.changed_at, row.changed_at)


def _take_all(figures: Figures, of: Figures) -> None:
    for column in COLUMNS:
        figures.take(column, of)


def _compare(line: Line, reported: Times, whole: Times, found: Mapping[Key, Line]) -> None:
    """Complete a line: what the vendor's reports of the day have of a model that they leave out."""
    for column in COLUMNS:
        if getattr(line.counted, column) is not None:
            continue
        if column in whole:
            without_model = found[line.day, line.vendor, ""]
            without_model.recorded.take(column, line.recorded)
            if column == "cost":
                _take_beside(without_model, line)
        elif column in reported:
            line.counted.take(column, NOTHING)
            line.reported_at[column] = reported[column]
        else:
            line.uncovered.add(column)


def _take_beside(without_model: Line, line: Line) -> None:
    """Add what explains the cost of a model to the line with which its cost is compared."""
    without_model.changed_at = _latest(without_model.changed_at, line.changed_at)
    without_model.unpriced_usage_count += line.unpriced_usage_count
    without_model.stated_alone = EXACT.add(without_model.stated_alone, line.stated_alone)
    for column in COLUMNS:
        # The cost is the last column: the figures of the others are complete.
        if column != "cost" and (difference := line.difference(column)) is not None:
            before = without_model.beside.get(column, Decimal())
            without_model.beside[column] = EXACT.add(before, difference)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
