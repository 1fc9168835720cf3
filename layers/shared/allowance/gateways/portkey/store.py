"""Portkey's webhook guardrail: a verdict before a call, and its usage after it."""

from allowance.errors import RequestRefused, ValidationFailed
from allowance.gateways.parsed import Parsed, Refused, Sender
from allowance.gateways.portkey.hook_models import HookMessage, Verdict, VerdictReason
from allowance.gateways.portkey.hooks import NAMES, hook_of, question_of, record_of
from allowance.gateways.recording import DoorStore, refusal
from allowance.log import logger
from allowance.rbac.policy import USAGE, Action

WHOLE = ""
"""The place of a message that is one call."""

PASSED = Verdict(verdict=True, data=VerdictReason(reason=None))


class HookStore(DoorStore):
    """Decides about calls that go through Portkey, and records them."""

    source = "portkey"
    names = NAMES

    def run(self, message: HookMessage) -> Verdict:
        """Return the verdict on a call that is about to be made; record one that was made.

        Portkey takes each error for a pass. So a refusal before the call is a verdict. Raise
        NotAuthorized, and ValidationFailed for a call that is not recorded.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        sender = self._sender(db, message)
        try:
            hook = hook_of(message.document)
        except Refused as error:
            raise refusal(error) from error
        if hook == "before":
            return self._decide(message, sender)
        parsed = Parsed()
        try:
            parsed.add(WHOLE, record_of(message.document, sender))
        except Refused as error:
            parsed.refuse(WHOLE, error.problems)
        self._record(parsed)
        if parsed.refused:
            raise ValidationFailed(parsed.refused)
        return PASSED

    def _decide(self, message: HookMessage, sender: Sender) -> Verdict:
        try:
            self._reserve(question_of(message.document, sender, self._origin.request_id))
        except Refused as error:
            return self._failed("unfit", str(error))
        except ValidationFailed as error:
            return self._failed("invalid", "; ".join(map(str, error.problems)))
        except RequestRefused as error:
            return self._failed(error.code, error.message or str(type(error).__doc__))
        return PASSED

    def _failed(self, code: str, reason: str) -> Verdict:
        """Return the refusal, and log it: the status of the response does not show it."""
        logger().info("call refused", request_id=self._origin.request_id, code=code)
        return Verdict(verdict=False, data=VerdictReason(reason=reason))
