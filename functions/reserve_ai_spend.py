"""POST /api/v2/ai/reservations: ask whether a call fits the budget, and hold its estimate."""

from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.reservations.models import DecisionOnly, Reservation, ReservationRequest
from allowance.reservations.store import ReservingStore

app = Api()


@app.post("/api/v2/ai/reservations", needs=Action.CREATE)
def reserve_ai_spend(
    store: ReservingStore, request: ReservationRequest
) -> Reservation | DecisionOnly:
    return store.reserve(request)


handler = app.handler
