"""The audit log as one caller may read it."""

from allowance.access.store import CallerStore
from allowance.audit.models import AuditEntry, AuditPage, AuditQuery, IdsOfTimes
from allowance.contract.pages import fitting
from allowance.errors import NotAuthorized
from allowance.rbac.policy import Action, audit_log_object


class AuditStore(CallerStore):
    """Entries of the organizations whose audit log the caller may read."""

    def list_audit(self, query: AuditQuery) -> AuditPage:
        """Return a page of entries, newest first; an empty page where the caller may read none."""
        try:
            db, organization_ids = self._gate.open_organizations(Action.READ, audit_log_object)
        except NotAuthorized:
            return AuditPage(entries=[], next=None)
        ids = IdsOfTimes(above=None, below=None)
        if query.from_ is not None or query.to is not None:
            # As parameters, so that the planner knows how many entries they leave.
            ids = db.one(
                IdsOfTimes,
                "find_audit_times",
                organization_ids=organization_ids,
                since=query.from_,
                until=query.to,
            )
        before = [each for each in (query.after, ids.below) if each is not None]
        entries = db.many(
            AuditEntry,
            "list_audit",
            organization_ids=organization_ids,
            group_id=query.group,
            user_id=self._caller.user_id if query.user == "me" else query.user_id,
            username=query.user,
            by_kind=query.action is not None or query.resource_type is not None,
            actions=query.actions,
            resource_types=query.resource_types,
            since=query.from_,
            until=query.to,
            after=min(before, default=None),
            above=ids.above,
            limit=query.limit,
        )
        page = fitting(entries, query.limit)
        following = str(page[-1].id) if len(page) < len(entries) else None
        return AuditPage(entries=page, next=following)
