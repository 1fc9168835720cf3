"""The accounts of the stores of reservations, and the reservations that they close."""

from uuid import UUID

from allowance.contract.fields import rfc3339
from allowance.contract.preconditions import Precondition
from allowance.reservations.closing import ClosingStore
from allowance.reservations.estimates import Estimate
from allowance.reservations.listing import ReservationQuery, ReservationStore
from allowance.reservations.models import ReservationRequest, Settlement
from allowance.reservations.policies import PolicyStore
from allowance.reservations.policy_models import PolicyTerms
from allowance.reservations.store import ReservingStore
from allowance.usage.reservation_ids import granted_at
from tests.accounting import CALLER, Account, now
from tests.postgres import Database

TO_SETTLE, TO_SETTLE_AFTERWARDS, TO_RELEASE = (
    UUID(int=int(now().timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | number)
    for number in (1, 2, 3)
)


def settlement() -> Settlement:
    """What a call of maya used a moment ago."""
    return Settlement.model_validate(
        {
            "source": "s",
            "id": "settled",
            "user": "maya",
            "provider": "p",
            "model": "m",
            "occurred_at": rfc3339(now()),
            "tokens": {"input": 1},
        }
    )


def settle_two(store: ClosingStore) -> None:
    """Settle by a new usage, and then by one that is recorded already."""
    usage = settlement()
    for each in (TO_SETTLE, TO_SETTLE_AFTERWARDS):
        store.settle(each, usage)


def request() -> ReservationRequest:
    return ReservationRequest(
        id="r",
        source="s",
        user="maya",
        provider="p",
        model="m",
        estimate=Estimate(cost_micros=0),
    )


def hold_something(database: Database, user_id: UUID) -> None:
    """Grant the reservations that the accounts close, to their caller."""
    for each in (TO_SETTLE, TO_SETTLE_AFTERWARDS, TO_RELEASE):
        database.run("SELECT ensure_ai_reservation_month(%s)", granted_at(each))
        database.run(
            "INSERT INTO ai_reservations (id, granted_at, key_digest, content_sha256, maker_id,"
            " user_id, group_id, organization_id, provider, model, estimate_micros, expires_at,"
            " facts) VALUES (%s, %s, gen_random_uuid(), sha256(''), %s, %s, gen_random_uuid(),"
            " gen_random_uuid(), 'p', 'm', 0, now() + interval '1 hour', '{}')",
            each,
            granted_at(each),
            CALLER,
            user_id,
        )


RESERVATION_ACCOUNTS: dict[tuple[type, str], Account] = {
    (ReservingStore, "reserve"): Account(["create ai_usage"], lambda s, _: s.reserve(request())),
    (ClosingStore, "settle"): Account(["create ai_usage"], lambda s, _: settle_two(s)),
    (ClosingStore, "release"): Account(["create ai_usage"], lambda s, _: s.release(TO_RELEASE)),
    (PolicyStore, "see_path"): Account(["read group Everyone"], lambda s, _: s.see_path()),
    (PolicyStore, "get_policy"): Account(["read group Everyone"], lambda s, _: s.get_policy()),
    (PolicyStore, "set_policy"): Account(
        ["update group Everyone"],
        lambda s, _: s.set_policy(PolicyTerms(unpriced="deny"), Precondition()),
    ),
    (ReservationStore, "see_path"): Account(["read user caller"], lambda s, _: s.see_path()),
    (ReservationStore, "list_reservations"): Account(
        ["read user caller"], lambda s, _: s.list_reservations(ReservationQuery())
    ),
    (ReservationStore, "get_reservation"): Account(
        ["read user caller"], lambda s, _: s.get_reservation(TO_RELEASE)
    ),
}
