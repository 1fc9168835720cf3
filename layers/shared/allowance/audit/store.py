"""The audit log as one caller may read it."""

from allowance.access.store import CallerStore
from allowance.audit.models import AuditEntry, AuditPage, AuditQuery
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
        entries = db.many(
            AuditEntry,
            "list_audit",
            organization_ids=organization_ids,
            group_id=query.group,
            user_id=self._caller.user_id if query.user == "me" else query.user_id,
            username=query.user,
            after=query.after,
            limit=query.limit,
        )
        page = fitting(entries, query.limit)
        following = str(page[-1].id) if len(page) < len(entries) else None
        return AuditPage(entries=page, next=following)
