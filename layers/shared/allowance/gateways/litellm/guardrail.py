"""LiteLLM's generic guardrail: hold money for a call, or block it."""

from collections.abc import Mapping
from typing import Any, override
from uuid import UUID

from pydantic import ValidationError

from allowance.access.store import CallerStore
from allowance.contract.fields import Body
from allowance.contract.validation import problems_of
from allowance.database.queries import Call
from allowance.errors import RequestRefused, ReservationConflict, ValidationFailed
from allowance.gateways.litellm.callers import SOURCE
from allowance.gateways.litellm.guardrail_models import (
    OUTPUT_TOKENS,
    LiteLLMCall,
    LiteLLMDecision,
)
from allowance.gateways.litellm.names import provider_and_model
from allowance.gateways.sources import DoorTerms, call_of_terms
from allowance.log import logger
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.models import ReservationRequest
from allowance.reservations.store import ReservingStore

ADMITTED = LiteLLMDecision(action="NONE")
USED_BEFORE = (
    "Money is held for this litellm_call_id already, or was. Each call needs an id of its own, and"
    " the guardrail the mode pre_call alone."
)
NO_ESTIMATE = (
    "This version of LiteLLM does not name the model of a call. Set estimate_micros at"
    f" /api/v2/ai/sources/{SOURCE}."
)
NO_CALL_ID = "LiteLLM sent no litellm_call_id, so nothing could settle what would be held."


class GuardrailStore(CallerStore):
    """Admits or blocks calls of LiteLLM, for the gateway that the token belongs to."""

    route_object = USAGE

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        return () if body is None else (call_of_terms(SOURCE),)

    def decide(self, request: LiteLLMCall) -> LiteLLMDecision:
        """Return whether a call may be made. A call that may be made holds its estimate.

        Three round trips, with the caller's. Every refusal is a result, since LiteLLM reads no
        status. Raise NotAuthorized, DatabaseUnavailable.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        if request.input_type == "response":
            return ADMITTED
        (found,) = db.all_in_one_trip(*self._looked_up(request))
        terms: DoorTerms = next(iter(found), DoorTerms())
        try:
            made = _reservation(request, terms)
            ReservingStore(self._gate, self._origin, self._caller).reserve(made, once=True)
        except ReservationConflict:
            return self._blocked("used_before", USED_BEFORE)
        except RequestRefused as error:
            return self._blocked(error.code, error.message or str(type(error).__doc__))
        except _Unfit as error:
            return self._blocked("unfit", str(error))
        except ValidationFailed as error:
            return self._blocked("invalid", "; ".join(map(str, error.problems)))
        return ADMITTED

    def _blocked(self, code: str, reason: str) -> LiteLLMDecision:
        """Return the refusal, and log it: the status of the response does not show it."""
        logger().info("call blocked", request_id=self._origin.request_id, code=code)
        return LiteLLMDecision(action="BLOCKED", blocked_reason=reason)


class _Unfit(Exception):
    """A message or the settings lack what a reservation needs."""


def _reservation(request: LiteLLMCall, terms: DoorTerms) -> ReservationRequest:
    """Return the request for what a call may cost. Raise _Unfit, ValidationFailed."""
    if request.litellm_call_id is None:
        raise _Unfit(NO_CALL_ID)
    if request.model is None and terms.estimate_micros is None:
        raise _Unfit(NO_ESTIMATE)
    named = request.request_data.named(terms.identity, request.request_headers or {})
    if named.unknown_fields:
        fields = ", ".join(named.unknown_fields)
        raise _Unfit(f"The settings of the source {SOURCE} name unknown fields: {fields}.")
    estimate: dict[str, Any] = {"cost_micros": terms.estimate_micros}
    if terms.estimate_micros is None:
        estimate = {"tokens": {"input": request.input_tokens, "output": OUTPUT_TOKENS}}
    provider, model = provider_and_model(None, request.model)
    try:
        return ReservationRequest.model_validate(
            {
                "id": request.litellm_call_id,
                "user": named.user,
                "provider": provider,
                "model": model,
                "source": SOURCE,
                "estimate": estimate,
            }
        )
    except ValidationError as error:
        raise ValidationFailed(problems_of(error)) from error
