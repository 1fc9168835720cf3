"""ExpireOverrides' writes: delete the overrides whose time is over, with their audit entries.

No budget depends on this job: an override counts for nothing from its `expires_at` on, by the clock
of the database. The job gives its end an entry in the audit log.
"""

from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.rbac.policy import USERS, Action

PAGE = 500


class EndedOverride(Row):
    """A user whose override is over."""

    user_id: str


class EndedOverrides(Row):
    """The number of overrides that a run ended."""

    ended: int


class OverrideExpirer(Store):
    """Ends overrides for a system actor."""

    def end_overrides(self) -> EndedOverrides:
        """End the overrides whose time is over, a page at a time. Raise NotAuthorized.

        An override that a writer holds is left: the writer ends it, or the next run does.
        """
        db = self._gate.open(Action.UPDATE, USERS)
        ended = 0
        while page := db.many(EndedOverride, "end_expired_overrides", limit=PAGE):
            ended += len(page)
        return EndedOverrides(ended=ended)
