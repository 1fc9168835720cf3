"""Held price changes: owners list them, and approve or reject each once."""

from uuid import UUID

from allowance.contract.fields import rfc3339
from allowance.contract.pages import fitting
from allowance.database.queries import call
from allowance.errors import AlreadyDecided, HeldChangeNotFound
from allowance.prices.models import (
    HeldChange,
    HeldChangePage,
    HeldChangeQuery,
    HeldDecision,
    LockedBook,
    OwnerDecision,
)
from allowance.prices.store import PriceBookStore
from allowance.rbac.policy import PRICE_BOOK, Action


class HeldChangeStore(PriceBookStore):
    """Changes of default prices that wait for an owner. Raise Forbidden for other callers."""

    def list_held(self, query: HeldChangeQuery) -> HeldChangePage:
        """Return a page of the changes that wait for an owner."""
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        found = db.many(
            HeldChange,
            "list_held_changes",
            provider=query.provider,
            model=query.model,
            after_id=query.after,
            limit=query.limit,
        )
        page = fitting(found, query.limit)
        return HeldChangePage(held=page, next=str(page[-1].id) if len(page) < len(found) else None)

    def decide(self, held_id: UUID, decision: OwnerDecision) -> None:
        """Approve or reject a held change, once. Raise HeldChangeNotFound or AlreadyDecided."""
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        _, outcome = db.in_one_trip(
            call(LockedBook, "lock_price_book"),
            call(
                HeldDecision,
                "decide_held_change",
                held_id=held_id,
                decision=decision,
                **self._origin.parameters,
            ),
        )
        if not outcome:
            raise HeldChangeNotFound
        earlier = outcome[0]
        if not earlier.done:
            when = rfc3339(earlier.decided_at) if earlier.decided_at else "before"
            raise AlreadyDecided(
                detail=f"It was {earlier.decision} by {earlier.decided_by_name} at {when}."
            )
