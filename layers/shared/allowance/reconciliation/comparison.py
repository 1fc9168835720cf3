"""The comparison of what vendors counted with the ledger, as one caller may see it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import OrganizationPathStore
from allowance.contract.pages import fitting
from allowance.database.queries import call
from allowance.errors import InvalidQuery, Problem
from allowance.prices.names import candidates, sold_as
from allowance.rbac.policy import Action, group_members_object
from allowance.reconciliation.comparison_models import (
    ComparedLine,
    LineCursor,
    Reconciliation,
    ReconciliationQuery,
    VendorTotal,
)
from allowance.reconciliation.lines import Key, Line, Meaning, lines_of, totals_of
from allowance.reconciliation.ratios import steady_ratios
from allowance.reconciliation.reasons import Around, reasons_of
from allowance.reconciliation.rows import KnownName, LedgerRow, VendorRow

MAX_ROWS = 10_000
"""Most rows of the ledger, and of the vendors, that a response compares: one for each name and day.
20,000 of each side took 4 seconds here, and a function is slower.
"""

DAY = timedelta(days=1)
OUTSIDE = group_members_object(None)
"""Usage in no organization, of users who are not known."""


class ReconciliationStore(OrganizationPathStore):
    """The comparison of the organization in the path."""

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized unless the caller may read the spend of all
        members. No round trip.
        """
        self._gate.check(Action.READ, group_members_object(self._organization().id))

    def compare(self, query: ReconciliationQuery) -> Reconciliation:
        """Return a page of the lines, by day, vendor and model, and the totals of all lines.

        Raise OrganizationNotFound, NotAuthorized, InvalidQuery.
        """
        organization_id = self._organization().id
        ids = [organization_id, *([None] if self._gate.may_any(Action.READ, [OUTSIDE]) else [])]
        db = self._gate.open(Action.READ, *(group_members_object(each) for each in ids))
        first, end = query.days(self._caller.now.astimezone(UTC).date())
        recorded, counted, unattributed = _rows(db, ids, first, end)
        if max(len(recorded), len(counted)) > MAX_ROWS:
            what = f"Has more than {MAX_ROWS} names and days: ask for a `day`."
            raise InvalidQuery([Problem("day" if query.day else "month", what)])
        meaning = _meaning(db, organization_id, [*recorded, *counted])
        lines = lines_of(counted, recorded, meaning)
        shown = _shown(lines.values(), first, end, query.vendor)
        after = query.after
        position = after and (date.fromisoformat(after.day), after.vendor, after.model)
        rest = [each for each in shown if position is None or each.key > position]
        around = around_of(lines, unattributed, meaning)
        found = [ComparedLine.of(each, reasons_of(each, around)) for each in rest[: query.limit]]
        page = fitting(found, query.limit)
        last = rest[len(page) - 1] if len(page) < len(rest) else None
        return Reconciliation(
            organization_id=organization_id,
            first_day=first,
            last_day=end - DAY,
            sees_unattributed=None in ids,
            totals=[VendorTotal.of(each) for each in totals_of(shown)],
            lines=page,
            next=last
            and str(LineCursor(day=last.day.isoformat(), vendor=last.vendor, model=last.model)),
        )


def _rows(
    db: Handle, organization_ids: Sequence[UUID | None], first: date, end: date
) -> tuple[list[LedgerRow], list[VendorRow], list[LedgerRow]]:
    """Return the rows of the days, and of the day before and after, which reasons look at. One
    round trip.
    """
    organization_id, *_ = organization_ids
    first_day, end_day = first - DAY, end + DAY
    recorded, counted, unattributed = db.all_in_one_trip(
        call(
            LedgerRow,
            "list_recorded_models",
            organization_id=organization_id,
            first_day=first_day,
            end_day=end_day,
            most=MAX_ROWS,
        ),
        call(
            VendorRow,
            "list_vendor_usage",
            organization_id=organization_id,
            first_day=first_day,
            end_day=end_day,
            most=MAX_ROWS,
        ),
        call(
            LedgerRow,
            "list_unattributed_models",
            organization_ids=list(organization_ids),
            first_day=first_day,
            end_day=end_day,
            most=MAX_ROWS,
        ),
    )
    return recorded, counted, unattributed


def _meaning(db: Handle, organization_id: UUID, rows: Iterable[LedgerRow | VendorRow]) -> Meaning:
    """Return what names mean: the target of an alias, else what the rules of the price book say.

    A pattern gives a meaning only to a name without a price. Looking that up takes one round trip.
    """
    aliased = {
        each.name: (each.target_provider, each.target_model, each.by_pattern)
        for each in rows
        if each.target_provider is not None and each.target_model is not None
    }
    by_pattern = [name for name, (_, _, is_pattern) in aliased.items() if is_pattern]
    known = _known(db, organization_id, by_pattern) if by_pattern else set[tuple[str, str]]()
    targets = {
        name: (provider, model)
        for name, (provider, model, _) in aliased.items()
        if name not in known
    }
    return lambda provider, model: sold_as(*targets.get((provider, model), (provider, model)))


def _known(db: Handle, organization_id: UUID, names: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the names that the price book has."""
    possible = [(place, each) for place, name in enumerate(names) for each in candidates(*name)]
    found = db.many(
        KnownName,
        "list_known_names",
        organization_id=organization_id,
        places=[place for place, _ in possible],
        providers=[each.provider for _, each in possible],
        models=[each.model for _, each in possible],
    )
    return {names[each.place] for each in found}


def _shown(lines: Iterable[Line], first: date, end: date, vendor: str | None) -> list[Line]:
    """Return the lines of the days and the vendor."""
    wanted = None if vendor is None else sold_as(vendor, "")[0]
    return [each for each in lines if first <= each.day < end and wanted in {None, each.vendor}]


def around_of(
    lines: Mapping[Key, Line], unattributed: Iterable[LedgerRow], meaning: Meaning
) -> Around:
    """Return what the reasons of the lines look at. Pure."""
    of_day: defaultdict[tuple[date, str], list[Line]] = defaultdict(list)
    for line in lines.values():
        of_day[line.day, line.vendor].append(line)
    outside: defaultdict[Key, int] = defaultdict(int)
    for line in lines_of((), unattributed, meaning).values():
        outside[line.key] += line.recorded.total_tokens or 0
    return Around(lines, of_day, outside, steady_ratios(lines.values()))
