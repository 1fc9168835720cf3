"""Reservations: read one, or list them."""

from uuid import UUID

from allowance.http.api import Api
from allowance.reservations.listing import ReservationPage, ReservationQuery, ReservationStore
from allowance.reservations.models import ReservationState

app = Api()


@app.get("/api/v2/ai/reservations")
def list_reservations(store: ReservationStore, query: ReservationQuery) -> ReservationPage:
    """List reservations with their states: those that you made, and those that you may read."""
    return store.list_reservations(query)


@app.get("/api/v2/ai/reservations/{reservation}")
def get_reservation(store: ReservationStore, reservation: UUID) -> ReservationState:
    """Get a reservation as it is now: its state, what is held, and what was settled."""
    return store.get_reservation(reservation)


handler = app.handler
