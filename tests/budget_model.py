"""A plain model of an organization's budgets: sums over lists, by the words of the contract."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

ZERO = Decimal(0)
DAY = timedelta(days=1)


def noon_zone() -> tuple[str, timedelta]:
    """A zone in which it is about noon, so that no day ends during a test, and its offset."""
    hours = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-hours:+d}", timedelta(hours=hours)


@dataclass
class Entry:
    """An entry of the ledger."""

    user: str
    group_id: UUID
    model: str
    labels: dict[str, str]
    at: datetime
    cost: Decimal


@dataclass
class Hold:
    """What a reservation holds of each limit; the user's is named by None."""

    user: str
    amount: Decimal
    until: datetime
    budgets: list[tuple[str | None, str]]


@dataclass
class Budget:
    """A budget, and its limits, each from a time on."""

    id: str
    terms: dict[str, Any]
    offset: timedelta
    limits: list[tuple[datetime, int]] = field(default_factory=list)
    ended: bool = False

    @property
    def limit(self) -> int:
        return self.terms["limit_micros"]

    @property
    def enforcement(self) -> str:
        return self.terms["enforcement"]

    @property
    def is_pool(self) -> bool:
        return self.terms["per"] == "total" and self.terms["scope"]["type"] != "user"

    def subject_of(
        self, user_id: UUID, group_id: UUID, model: str, labels: dict[str, str]
    ) -> str | None:
        """Return the subject that a call counts for; None: it does not count."""
        scope, value = self.terms["scope"], labels.get("project")
        counts = {
            "organization": True,
            "group": scope.get("group_id") == str(group_id),
            "user": scope.get("user_id") == str(user_id),
            "label": scope.get("value") in (None, value),
        }[scope["type"]]
        patterns = self.terms.get("models", ["*"])
        named = any(
            f"p/{model}".startswith(each[:-1]) if each.endswith("*") else each == f"p/{model}"
            for each in patterns
        )
        # A user without an organization has no group, and no budget of an organization counts.
        if not (counts and named) or group_id == UUID(int=0):
            return None
        return {"total": "", "member": str(user_id), "value": value or ""}[self.terms["per"]]

    def period(self, at: datetime) -> tuple[datetime, datetime]:
        """Return the period that contains a time; one without end is very long."""
        if self.terms["period"]["unit"] == "none":
            return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        local = (at + self.offset).replace(hour=0, minute=0, second=0, microsecond=0)
        return local - self.offset, local - self.offset + DAY


class Ledger:
    """All usage, all holds and all budgets."""

    def __init__(self, user_ids: dict[str, UUID]) -> None:
        self.user_ids = user_ids
        self.entries: list[Entry] = []
        self.holds: dict[str, Hold] = {}
        self.budgets: dict[str, Budget] = {}

    def budgets_of(
        self, user: str, group_id: UUID, model: str, labels: dict[str, str]
    ) -> list[tuple[Budget, str]]:
        """Return the budgets that count a call, with their subjects: pools last, then by id."""
        found = [
            (each, each.subject_of(self.user_ids[user], group_id, model, labels))
            for each in sorted(self.budgets.values(), key=lambda each: (each.is_pool, each.id))
            if not each.ended
        ]
        return [(each, subject) for each, subject in found if subject is not None]

    def spent(self, budget: Budget, subject: str, at: datetime) -> Decimal:
        """Return what was spent in the period of a time."""
        starts, ends = budget.period(at)
        return sum(
            (
                each.cost
                for each in self.entries
                if starts <= each.at < ends
                and budget.subject_of(
                    self.user_ids[each.user], each.group_id, each.model, each.labels
                )
                == subject
            ),
            ZERO,
        )

    def held(self, budget_id: str | None, subject: str) -> Decimal:
        return sum((each.amount for each in self.holds_of(budget_id, subject)), ZERO)

    def holds_of(self, budget_id: str | None, subject: str) -> list[Hold]:
        return [each for each in self.holds.values() if (budget_id, subject) in each.budgets]

    def limit(self, budget: Budget, subject: str, now: datetime) -> Decimal:
        """Return the limit in effect, with what is carried over."""
        starts, _ = budget.period(now)
        before = [limit for since, limit in budget.limits if since < starts]
        if budget.terms["rollover_micros"] == 0 or not before:
            return Decimal(budget.limit)
        left = before[-1] - self.spent(budget, subject, starts - timedelta(microseconds=1))
        return budget.limit + min(Decimal(budget.terms["rollover_micros"]), max(left, ZERO))

    def fits_at(
        self, budget: Budget, subject: str, estimate: Decimal, now: datetime
    ) -> datetime | None:
        """Return when an estimate fits at the earliest if nothing else is spent or held."""
        spent, limit = self.spent(budget, subject, now), self.limit(budget, subject, now)
        left = max(budget.limit - spent, ZERO)
        later = budget.limit + min(Decimal(budget.terms["rollover_micros"]), left)
        end = budget.period(now)[1]
        holds = self.holds_of(budget.id, subject)
        return earliest(holds, estimate, (spent, limit), later, end)

    def pass_a_day(self) -> None:
        """Make everything that was used or decided a day older."""
        for each in self.entries:
            each.at -= DAY
        for budget in self.budgets.values():
            budget.limits = [(since - DAY, limit) for since, limit in budget.limits]


def earliest(
    holds: list[Hold],
    estimate: Decimal,
    now: tuple[Decimal, Decimal],
    later: Decimal,
    end: datetime,
) -> datetime | None:
    """Return the first end of a hold, or of the period, after which an estimate fits. `now` is what
    is spent and the limit, `later` the limit of the next period.
    """
    ends = [] if end.year == 9999 else [end]
    for time in sorted([each.until for each in holds] + ends):
        held = sum((each.amount for each in holds if each.until > time), ZERO)
        spent, limit = now if time < end else (ZERO, later)
        if held + spent + estimate <= limit:
            return time
    return None
