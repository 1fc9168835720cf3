"""The overview of an organization, as one caller may read it."""

from allowance.access.store import OrganizationPathStore
from allowance.budgets.effective import period_containing
from allowance.overview.models import Overview, OverviewParts
from allowance.overview.reading import readable
from allowance.rbac.policy import Action, audit_log_object

MOST_GROUPS = 20
MOST_BUDGETS = 50
MOST_MEMBERS = 20
MOST = 10
"""Models, users, models without a price, and changes."""


class OverviewStore(OrganizationPathStore):
    """The overview of the organization in the path. A refusal is an absence."""

    def get(self) -> Overview:
        """Return the overview of the current month, without what the caller may not read.

        Raise OrganizationNotFound, NotAuthorized.
        """
        organization = self._seen_organization()
        log = audit_log_object(organization.id)
        audited = [organization.id] if self._gate.may_any(Action.READ, [log]) else []
        db, parameters = readable(self._gate, self._caller.user_id, organization.id, also=[log])
        user_ids = parameters["user_ids"]
        period = period_containing(self._caller.now)
        parts = db.one(
            OverviewParts,
            "get_overview",
            **parameters,
            reads_usage=user_ids != [],
            audited_ids=audited,
            period_start=period.start,
            period_end=period.end,
            most_groups=MOST_GROUPS,
            most_budgets=MOST_BUDGETS,
            most_members=MOST_MEMBERS,
            most=MOST,
        )
        return Overview(
            organization_id=organization.id,
            organization_name=organization.name,
            period_start=period.start,
            period_end=period.end,
            usage_of="organization" if user_ids is None else "caller" if user_ids else None,
            **dict(parts),
        )
