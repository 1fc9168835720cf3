"""Reservations as the routes make, settle and release them, for one caller.

What a request needs beside the caller is known from its body and path, so it comes in the same
round trip as the caller. The decision is the second one: a single statement.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import NIL_UUID, Body
from allowance.database.queries import Call
from allowance.errors import AllowanceError, GroupDeleted, ReservationConflict, UsageOutOfRange
from allowance.metrics import count_refused_decision
from allowance.prices.cost import MAX_COST_PICOS, PICOS_PER_MICRO
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.facts import Decided, DecisionFacts, NoDecision, limit_text
from allowance.reservations.models import DecisionOnly, Reservation, ReservationRequest
from allowance.reservations.refusals import (
    BudgetExceeded,
    EstimateTooLarge,
    OtherGroup,
    UnknownUser,
    UnpricedModel,
    UserInactive,
)
from allowance.reservations.settings import unpriced_default
from allowance.usage.content import content_sha256_of
from allowance.usage.entries import UsageUser
from allowance.usage.look_ups import call_of_prices, call_of_users
from allowance.usage.rating import Rated, UsagePrice, UsagePrices
from allowance.usage.recording import ATTEMPTS
from allowance.usage.records import counts_of
from allowance.usage.reservation_ids import key_digest_of
from allowance.usage.revisions import NO_USER
from allowance.usage.unknown import Sent, SourceRules, calls_of_unknown

WITHOUT_FACTS: Mapping[str, type[AllowanceError]] = {
    "unknown": UnknownUser,
    "inactive": UserInactive,
    "conflict": ReservationConflict,
    "other_group": OtherGroup,
    "too_large": EstimateTooLarge,
}
"""The errors of outcomes that looked at no budget."""
TOO_LARGE = Rated(MAX_COST_PICOS + 1)
REFUSALS = ("refused", "unpriced", "unknown", "inactive")
"""The outcomes that refuse a call. The others are grants, and errors of the request."""


class ForWhom(NamedTuple):
    """What a call counts for. No user: the name is not known. The nil UUID: nobody, in an
    organization or in none.
    """

    user_id: str | None
    group_id: UUID | None
    is_in_group: bool
    organization_id: UUID | None


class ReservingStore(CallerStore):
    """Holds money for calls that are about to be made."""

    route_object = USAGE

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        """Return the queries for the user and the price of a request."""
        if not isinstance(body, ReservationRequest):
            return ()
        now = datetime.now(UTC)
        groups = [] if body.group is None else [(body.user, body.group)]
        prices = call_of_prices({(body.provider, body.model): (now, now)})
        users = call_of_users([body.user], groups)
        if body.source is None:
            return users, prices
        return users, prices, *calls_of_unknown([Sent(body.source, body.user, body.group)])

    def reserve(
        self, request: ReservationRequest, *, once: bool = False
    ) -> Reservation | DecisionOnly:
        """Hold the estimate of a call, or decide only on a dry run.

        Two round trips, with the caller's; two more if the group of the call is deleted
        between them. The same request gets the same reservation again; with `once`, it is a
        ReservationConflict, for ids that the caller of a gateway may choose. Raise NotAuthorized,
        ValidationFailed, ReservationConflict, and a RequestRefused: UnknownUser, UserInactive,
        UnpricedModel, BudgetExceeded. Raise GroupDeleted after ATTEMPTS.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        calls = self._looked_up(request)
        attempts = 0
        while True:
            users, prices, *of_source = db.all_in_one_trip(*calls)
            try:
                facts = self._decide(
                    db, request, _for_whom(request, users, of_source), prices, once=once
                )
            except GroupDeleted:
                attempts += 1
                if attempts == ATTEMPTS:
                    raise
            else:
                break
        if facts.outcome in REFUSALS and not request.dry_run:
            count_refused_decision()
        return _response(facts)

    def _decide(
        self,
        db: Handle,
        request: ReservationRequest,
        caller: ForWhom,
        prices: list[UsagePrice],
        *,
        once: bool,
    ) -> DecisionFacts | NoDecision:
        """Return what the database decides. Raise GroupDeleted."""
        rated = _rated(request, prices)
        # What an alias declares free has no row of the price list.
        price = None if rated.price is None or rated.price.free else rated.price
        input_tokens, output_tokens = _tokens_of(request)
        content = request.model_dump(mode="json", exclude={"id", "dry_run"}, exclude_none=True)
        if once:
            # No other request has this content.
            content["request_id"] = self._origin.request_id
        return db.one(
            Decided,
            "reserve_ai_spend",
            key_digest=UUID(bytes=key_digest_of(self._caller.user_id, request.id)),
            content_sha256=content_sha256_of(content),
            maker_id=self._caller.user_id,
            user_id=caller.user_id,
            group_id=caller.group_id,
            is_in_group=caller.is_in_group,
            provider=request.provider,
            model=request.model,
            variant=request.variant,
            labels=request.labels and json.dumps(request.labels),
            estimate_micros=(
                None if rated.cost_picos is None else Decimal(rated.cost_picos) / PICOS_PER_MICRO
            ),
            estimated_input=input_tokens,
            estimated_output=output_tokens,
            unpriced_default=unpriced_default().model_dump_json(),
            ttl_seconds=request.ttl_seconds,
            dry_run=request.dry_run,
            price=price
            and json.dumps(price.model_dump(include={"provider", "model", "version_id"})),
            organization_id=caller.organization_id,
        ).facts


def _for_whom(
    request: ReservationRequest, users: Sequence[UsageUser], of_source: Sequence[Sequence[Any]]
) -> ForWhom:
    """Return what the call counts for: a user of the directory, else the one to whom an owner
    assigned the name, else nobody, where the settings of the source say so.
    """
    rules = SourceRules(of_source)
    by_group: dict[str | None, UsageUser] = {}
    for found in (users, rules.users):
        by_group = {each.named_group: each for each in found}
        if len({each.user_id for each in found}) == 1:
            break
    else:
        if request.source is None or rules.says(request.source) != "unattributed":
            return ForWhom(None, None, is_in_group=True, organization_id=None)
        organization_id = _real(rules.organization_of(request.source))
        return ForWhom(NO_USER, None, is_in_group=True, organization_id=organization_id)
    user, counted = by_group[None], by_group.get(request.group)
    return ForWhom(
        user.user_id,
        counted and _real(counted.group_id),
        is_in_group=counted is not None,
        organization_id=None,
    )


def _real(group_id: str) -> UUID | None:
    """Return the id of a group or an organization; None for the nil UUID, which is none."""
    found = UUID(group_id)
    return None if found == NIL_UUID else found


def _tokens_of(request: ReservationRequest) -> tuple[int | None, int | None]:
    """Return the tokens of input and output, which assumed prices apply to. None: the estimate has
    other units.
    """
    tokens, others = counts_of(request.estimate.tokens, request.estimate.units)
    if others:
        return None, None
    return sum(tokens) - tokens.output, tokens.output


def _rated(request: ReservationRequest, prices: list[UsagePrice]) -> Rated:
    """Return what the estimate costs now, at most; TOO_LARGE if no call may cost so much.

    The database refuses that, but for a request that was granted before: the price may have risen.
    """
    estimate = request.estimate
    if estimate.cost_micros is not None:
        return Rated(estimate.cost_micros * PICOS_PER_MICRO)
    tokens, others = counts_of(estimate.tokens, estimate.units)
    name = request.provider, request.model
    try:
        return UsagePrices([name], prices).rate(
            *name, request.variant, prices[0].starts, tokens, others
        )
    except UsageOutOfRange:
        return TOO_LARGE


def _response(facts: DecisionFacts | NoDecision) -> Reservation | DecisionOnly:
    """Return the response to a granted request. Raise the refusal of another."""
    if isinstance(facts, NoDecision):
        raise WITHOUT_FACTS[facts.outcome]
    match facts.outcome:
        case "refused":
            raise BudgetExceeded(limit_text(facts.binding.limit_micros), _shown(facts))
        case "unpriced":
            raise UnpricedModel(_shown(facts))
        case _:
            return facts.reservation()


def _shown(facts: DecisionFacts) -> dict[str, Any]:
    """Return what a refusal shows: the decision and the budget that binds."""
    return {
        "decision": facts.decision.model_dump(mode="json"),
        "budget": facts.budget.model_dump(mode="json"),
    }
