"""What vendors counted, as owners store it for the organization in the path."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import override

from allowance.access.store import OrganizationPathStore
from allowance.database.queries import call
from allowance.errors import OrganizationNotFound, Problem, ValidationFailed
from allowance.rbac.policy import USAGE, Action, group_members_object
from allowance.reconciliation.models import (
    LockedReports,
    StoredRow,
    StoredRows,
    VendorUsageReport,
    VendorUsageRow,
)


class VendorUsageStore(OrganizationPathStore):
    """The reports of vendors for the organization in the path."""

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized unless the caller may read the spend of all
        members. No round trip.
        """
        self._gate.check(Action.READ, group_members_object(self._organization().id))

    def store(self, report: VendorUsageReport) -> StoredRows:
        """Store the rows, all or none, with an audit entry for each vendor that changes.

        The same again changes nothing. Raise OrganizationNotFound, NotAuthorized, ValidationFailed.
        """
        organization_id = self._organization().id
        # The sums of an organization are of its members; only owners change what concerns usage.
        self.see_path()
        db = self._gate.open(Action.UPDATE, USAGE)
        if problems := self._problems(report.rows):
            raise ValidationFailed(problems)
        rows = [each.stored(place) for place, each in enumerate(report.rows)]
        locked, stored = db.in_one_trip(
            call(LockedReports, "lock_vendor_usage", organization_id=organization_id),
            call(
                StoredRow,
                "set_vendor_usage",
                organization_id=organization_id,
                rows=json.dumps(rows),
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise OrganizationNotFound
        return StoredRows(results=stored)

    def _problems(self, rows: Sequence[VendorUsageRow]) -> list[Problem]:
        """Return the rows that repeat an earlier one, and those of days to come, in UTC."""
        latest = self._caller.now.astimezone(UTC).date()
        places: dict[object, int] = {}
        problems: list[Problem] = []
        for place, row in enumerate(rows):
            first = places.setdefault(row.key, place)
            if first != place:
                detail = f"Repeats vendor, account, model and day of rows[{first}]: put them in one"
                problems.append(Problem(f"rows[{place}]", f"{detail} row."))
            if row.day > latest:
                problems.append(Problem(f"rows[{place}].day", "Must not be in the future."))
        return problems
