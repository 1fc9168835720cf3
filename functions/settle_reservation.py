"""Close a reservation: settle it with what its call used, or release what it holds."""

from uuid import UUID

from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.reservations.closing import ClosingStore
from allowance.reservations.models import Settled, Settlement

app = Api()


@app.post("/api/v2/ai/reservations/{reservation}/settle", needs=Action.CREATE)
def settle_reservation(store: ClosingStore, reservation: UUID, settlement: Settlement) -> Settled:
    """Settle a reservation with what its call used. The usage is recorded, and counts once."""
    return store.settle(reservation, settlement)


@app.delete("/api/v2/ai/reservations/{reservation}", needs=Action.CREATE)
def release_reservation(store: ClosingStore, reservation: UUID) -> None:
    """Release what a reservation still holds: its call was not made."""
    store.release(reservation)


handler = app.handler
