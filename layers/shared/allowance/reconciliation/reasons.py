"""Why the ledger and a vendor may differ: a closed list of reasons, each by a rule. Pure.

A reason is likely, never certain: it says what the figures look like.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from allowance.contract.money import EXACT, usd_text
from allowance.reconciliation.lines import Figures, Key, Line
from allowance.reconciliation.models import COLUMNS
from allowance.reconciliation.ratios import is_same, ratio_of

Code = Literal[
    "no_vendor_report",
    "not_recorded",
    "not_reported",
    "unattributed_usage",
    "named_differently",
    "day_boundary",
    "request_counts",
    "token_classes",
    "unpriced_usage",
    "stated_costs",
    "rounding",
    "discount",
    "surcharge",
    "variant",
    "price_differs",
    "early_report",
    "changed_later",
    "unexplained",
]

SETTLING = timedelta(hours=24)
"""For how long after its end vendors may still add to a day."""

ROUNDING_MICROS = Decimal(5000)
"""Half a cent: vendors round the cost of a day to cents."""

CANCELS = Decimal("0.1")
"""What may remain of two differences that cancel, as a part of the larger."""

VARIANTS = {Decimal("0.5"): "batch or flex", Decimal("1.75"): "priority", Decimal(2): "priority"}
"""What vendors charge for a call of a variant, as a part of the standard price."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason, in words for people."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """What the reasons of a line look at beside it: the other lines, also by day and vendor, the
    tokens of usage outside of all organizations, and the part of the ledger's cost that vendors
    charge steadily.
    """

    lines: Mapping[Key, Line]
    of_day: Mapping[tuple[date, str], Sequence[Line]]
    unattributed: Mapping[Key, int]
    steady: Mapping[str, Decimal]


def reasons_of(line: Line, around: Around) -> list[Reason]:
    """Return the likely reasons why the figures of a line differ, none if they are equal."""
    found: list[Reason] = []
    if line.uncovered and line.recorded.requests:
        columns = " and ".join(sorted(line.uncovered))
        text = f"No report of the vendor has {columns} of this day."
        found.append(Reason("no_vendor_report", text))
    if any(line.difference(column) for column in COLUMNS):
        why = [*_of_counts(line, around), *_of_cost(line, around), *_of_times(line)]
        found += why or [Reason("unexplained", "No rule here explains the difference.")]
    return found


def _of_counts(line: Line, around: Around) -> Iterable[Reason]:
    """Yield why the ledger has other usage than the vendor counted."""
    difference = _count_difference(line)
    if difference < 0:
        what = "has less than" if _has_anything(line.recorded) else "has nothing of what"
        yield Reason(
            "not_recorded",
            f"The ledger {what} the vendor counted: calls beside the gateway, or of others who use"
            " the account.",
        )
        if tokens := around.unattributed.get(line.key):
            yield Reason(
                "unattributed_usage",
                f"Usage of unknown users, which is in no organization, has {tokens} tokens of the"
                " model on this day.",
            )
    elif difference > 0:
        what = "less than" if _has_anything(line.counted) else "nothing of what"
        yield Reason(
            "not_reported",
            f"The vendor counted {what} the ledger has: its report is incomplete, or the calls"
            " went to another account.",
        )
    if difference and (name := _other_name(line, difference, around)) is not None:
        yield Reason(
            "named_differently",
            f"{name} has the opposite difference: it may be the same model. An alias says so.",
        )
    if difference and (day := _other_day(line, difference, around)) is not None:
        yield Reason(
            "day_boundary",
            f"The difference of {day} is the opposite: late hours count on the other day.",
        )
    if line.usage_difference("tokens") == 0 and line.usage_difference("requests"):
        yield Reason(
            "request_counts",
            "The tokens are as many: calls without tokens, or several in one record.",
        )
    if line.usage_difference("tokens") == 0 and _classes_differ(line):
        yield Reason("token_classes", "The tokens are as many, but of other classes.")


def _of_cost(line: Line, around: Around) -> Iterable[Reason]:
    """Yield why the same usage has another cost."""
    difference = line.difference("cost")
    if not difference:
        return
    if line.unpriced_usage_count and difference < 0:
        yield Reason(
            "unpriced_usage", f"The ledger has {line.unpriced_usage_count} usages without a price."
        )
    if line.stated_alone:
        yield Reason(
            "stated_costs",
            f"Usages state {usd_text(line.stated_alone)} themselves, and the price book has no cost"
            " of them.",
        )
    if line.usage_difference("tokens") == 0 and abs(difference) <= ROUNDING_MICROS:
        yield Reason("rounding", "The costs differ by half a cent at most.")
        return
    ratio = ratio_of(line)
    if ratio is None:
        return
    share = f"{ratio * 100:.1f}%"
    steady = around.steady.get(line.vendor)
    if steady is not None and is_same(ratio, steady):
        yield Reason(
            "discount" if ratio < 1 else "surcharge",
            f"The vendor charges {share} of the ledger's cost on all days and for all models.",
        )
    for variant_ratio, variant in VARIANTS.items():
        if is_same(ratio, variant_ratio):
            yield Reason("variant", f"The vendor charges {share}, like calls of {variant}.")
    if line.usage_difference("tokens") == 0 and not _classes_differ(line):
        yield Reason("price_differs", f"For the same tokens the vendor charges {share}.")


def _of_times(line: Line) -> Iterable[Reason]:
    """Yield what happened after the vendor's report."""
    reported_at = min(line.reported_at.values(), default=None)
    if reported_at is None:
        return
    if reported_at < _end_of(line.day) + SETTLING:
        yield Reason(
            "early_report",
            "The report came less than 24 hours after the day: the vendor may add to it.",
        )
    if line.changed_at is not None and line.changed_at > reported_at:
        yield Reason(
            "changed_later", "The ledger changed after the report: corrections, or late usage."
        )


def _count_difference(line: Line) -> Decimal:
    """Return the difference in tokens, else in requests. Without either, the whole cost counts if
    one side has none.
    """
    for column in ("tokens", "requests"):
        if (difference := line.usage_difference(column)) is not None:
            return difference
    cost = line.difference("cost")
    is_one_sided = not line.counted.cost or not line.recorded.cost
    return cost if cost is not None and is_one_sided else Decimal()


def _other_name(line: Line, difference: Decimal, around: Around) -> str | None:
    """Return the model of the same vendor and day that lacks exactly what this one has too much, or
    the reverse, if each is known to one side alone.
    """
    if not line.model or bool(line.vendor_names) == bool(line.ledger_names):
        return None
    for other in around.of_day[line.day, line.vendor]:
        if (
            other.model
            and bool(other.vendor_names) != bool(other.ledger_names)
            and _count_difference(other) == -difference
        ):
            return other.model
    return None


def _other_day(line: Line, difference: Decimal, around: Around) -> date | None:
    """Return the neighbouring day whose difference cancels with this one."""
    for day in (line.day - timedelta(days=1), line.day + timedelta(days=1)):
        other = around.lines.get((day, line.vendor, line.model))
        beside = Decimal() if other is None else _count_difference(other)
        if (beside < 0) != (difference < 0) and beside:
            rest = abs(EXACT.add(beside, difference))
            if rest <= CANCELS * max(abs(beside), abs(difference)):
                return day
    return None


def _has_anything(figures: Figures) -> bool:
    return any(figures.amount(column) for column in COLUMNS)


def _classes_differ(line: Line) -> bool:
    counted, recorded = line.counted.tokens or {}, line.recorded.tokens or {}
    return any(counted.get(each, 0) != recorded.get(each, 0) for each in {*counted, *recorded})


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)
