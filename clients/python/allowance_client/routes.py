"""The routes that the client uses: how to ask, and how to read the response. Pure.

Both clients run them, so that they differ in nothing but how they wait.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from allowance_client.clock import Clock
from allowance_client.documents import read, read_part
from allowance_client.errors import AllowanceError, ApiError
from allowance_client.models import (
    BudgetPage,
    Decided,
    Decision,
    Granted,
    PricePage,
    RecordResult,
    RecordResults,
    Refused,
    Reservation,
    Resolution,
    Settled,
    UserSpend,
)
from allowance_client.responses import Answer
from allowance_client.terms import Record, Used, usage_record

RESERVATIONS = "/api/v2/ai/reservations"
USAGE = "/api/v2/ai/usage"
PRICES = "/api/v2/ai/model-prices"
FORBIDDEN = 403
PAGE = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Route(Generic[T]):
    """A request, and the reader of its response."""

    method: str
    path: str
    read: Callable[[Answer], T]
    params: Mapping[str, str | int | bool | None] | None = None
    body: Any = None


def segment(text: str) -> str:
    """Return a name as a segment of a path."""
    return quote(text, safe="")


def reserve(body: Mapping[str, Any], clock: Clock) -> Route[Reservation]:
    """Return the route that decides on a call, and holds its estimate."""
    asked = clock.local()

    def granted(answer: Answer) -> Reservation:
        found = read(Granted, answer)
        return Reservation(
            body["id"],
            body,
            # Not before the response, which tells the clock.
            clock.text(asked),
            found.reservation_id,
            found.reserved_micros,
            found.expires_at,
            found.decision,
        )

    return Route("POST", RESERVATIONS, granted, body=body)


def dry_run(body: Mapping[str, Any]) -> Route[Decision]:
    """Return the route that decides on a call, and holds nothing."""
    return Route(
        "POST",
        RESERVATIONS,
        lambda answer: read(Decided, answer).decision,
        body={**body, "dry_run": True},
    )


def unchecked(body: Mapping[str, Any], clock: Clock) -> Reservation:
    """Return what stands for a decision that did not come."""
    return Reservation(body["id"], body, clock.text(), None, 0, None, None)


def refusal(error: AllowanceError) -> AllowanceError:
    """Return the refusal of a decision for the error that has it, and any other error as it is."""
    if not isinstance(error, ApiError) or error.status != FORBIDDEN or error.code is None:
        return error
    answer = Answer(error.status, error.body, {}, error.request_id)
    decision = error.body.get("decision")
    return Refused(error, read_part(Decision, answer, decision) if decision else None)


def settle(
    reservation: Reservation, used: Used, *, final: bool = True, extend_seconds: int | None = None
) -> Route[Settled]:
    """Return the route that books what a call used. Without a decision the usage is recorded, and
    settles the reservation by its key, if there is one.

    Raise ValueError if nothing is counted, or a part has no id of its own.
    """
    record = usage_record(reservation.request, reservation.asked_at, used)
    if not final and "id" not in used:
        raise ValueError("A part of what a call used needs an id of its own.")
    if reservation.reservation_id is None:
        key = {"reservation_key": reservation.key} if final else {}
        return Route(
            "POST", USAGE, lambda answer: _settled(answer, record), body={"records": [record | key]}
        )
    path = f"{RESERVATIONS}/{segment(reservation.reservation_id)}/settle"
    part: dict[str, Any] = {} if final else {"final": False}
    if extend_seconds is not None:
        part["extend_seconds"] = extend_seconds
    return Route("POST", path, lambda answer: read(Settled, answer), body=record | part)


def settling_record(reservation: Reservation, used: Used) -> dict[str, Any]:
    """Return the usage record that settles a reservation finally, for a queue."""
    name, value = (
        ("reservation_key", reservation.key)
        if reservation.reservation_id is None
        else ("reservation_id", reservation.reservation_id)
    )
    return usage_record(reservation.request, reservation.asked_at, used) | {name: value}


def _settled(answer: Answer, record: Record) -> Settled:
    (result,) = results_of(answer, [record])
    if not result.is_kept:
        raise ApiError(
            400,
            f"The usage is not recorded: {result.status}.",
            validations=result.validations,
            body=answer.body,
            request_id=answer.request_id,
        )
    return Settled(result.cost_micros, result.priced, result.validations)


def release(reservation_id: str) -> Route[None]:
    """Return the route that ends a hold whose call was not made."""
    return Route("DELETE", f"{RESERVATIONS}/{segment(reservation_id)}", lambda _: None)


def record(batch: Sequence[Record]) -> Route[list[RecordResult]]:
    """Return the route that records a batch of usage records."""
    return Route(
        "POST", USAGE, lambda answer: results_of(answer, batch), body={"records": list(batch)}
    )


def results_of(answer: Answer, batch: Sequence[Record]) -> list[RecordResult]:
    """Return the results of a batch. Raise ApiError unless each record has one."""
    found = list(read(RecordResults, answer).results)
    if len(found) != len(batch):
        raise ApiError(
            answer.status,
            f"The response has {len(found)} results for {len(batch)} records.",
            body=answer.body,
            request_id=answer.request_id,
        )
    return found


def budgets(organization: str, after: str | None) -> Route[BudgetPage]:
    """Return the route of a page of budgets."""
    path = f"/api/v2/organizations/{segment(organization)}/ai/budgets"
    return Route("GET", path, lambda answer: read(BudgetPage, answer), {"after": after})


def spend(user: str, month: str | None) -> Route[UserSpend]:
    """Return the route of what a user spent."""
    path = f"/api/v2/users/{segment(user)}/ai/spend"
    return Route("GET", path, lambda answer: read(UserSpend, answer), {"month": month})


def prices(provider: str | None, model: str | None, after: str | None) -> Route[PricePage]:
    """Return the route of a page of prices in effect."""
    params = {"provider": provider, "model": model, "after": after, "limit": PAGE}
    return Route("GET", PRICES, lambda answer: read(PricePage, answer), params)


def resolve_price(provider: str, model: str) -> Route[Resolution]:
    """Return the route that says which price applies to a model as it is sent."""
    return Route(
        "GET",
        f"{PRICES}/resolve",
        lambda answer: read(Resolution, answer),
        {"provider": provider, "model": model},
    )


def set_prices(entries: Sequence[Mapping[str, Any]]) -> Route[None]:
    """Return the route that sets custom prices, all or none."""
    return Route("POST", PRICES, lambda _: None, body={"prices": list(entries)})
