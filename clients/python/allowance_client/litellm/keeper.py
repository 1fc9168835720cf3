"""Hold money before each call of LiteLLM, and settle or release it when the call has ended."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from allowance_client import routes
from allowance_client.async_client import AsyncAllowance
from allowance_client.errors import AllowanceError, ApiError, Unavailable
from allowance_client.litellm.callers import user_of
from allowance_client.litellm.events import Ended, ended, is_uncertain
from allowance_client.litellm.open_calls import OpenCall, OpenCalls
from allowance_client.models import Refused
from allowance_client.spill import QueueFull, SpillQueue
from allowance_client.terms import CallTerms, Record, usage_record

logger = logging.getLogger("allowance_client")

BAD_REQUEST, FORBIDDEN, CONFLICT, INTERNAL_ERROR, UNAVAILABLE = 400, 403, 409, 500, 503
NO_ID = "LiteLLM gave this call no id, so nothing could settle what would be held."
ID_IN_USE = "A call with this x-litellm-call-id runs. Each call needs an id of its own."
NO_DECISION = "Allowance does not respond, and this gateway makes no call without its decision."
NOT_ALLOWED = "Allowance does not take this gateway's requests. Its log says why."


class Denied(Exception):
    """A call must not be made. `status` and `message` are for its caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class KeeperTerms:
    """What the operator chose."""

    source: str
    identity: tuple[str, ...]


class Keeper:
    """Follows the calls of a proxy."""

    def __init__(self, client: AsyncAllowance, queue: SpillQueue, terms: KeeperTerms) -> None:
        self._client, self._queue, self._terms = client, queue, terms
        self._open = OpenCalls()

    async def before(self, request: Mapping[str, Any], **terms: Unpack[CallTerms]) -> None:
        """Hold money for a call. Raise Denied if it must not be made."""
        call_id = request.get("litellm_call_id")
        if not isinstance(call_id, str) or not call_id:
            raise Denied(BAD_REQUEST, NO_ID)
        call = self._open.begin(call_id, request, time.monotonic())
        if call is None:
            raise Denied(CONFLICT, ID_IN_USE)
        try:
            call.reservation = await self._client.reserve(**terms)
        except AllowanceError as error:
            raise _denied(error) from error
        finally:
            if call.reservation is None:
                self._open.end(call_id)

    async def succeeded(self, details: Mapping[str, Any], response: object) -> None:
        """Settle a call that ended, by what it used. It never raises: LiteLLM would swallow it."""
        try:
            found = ended(details, response)
            if found is None:
                logger.error("LiteLLM made no log of a call, so its usage is not recorded.")
                return
            call = self._open.get(found.call_id)
            if not found.has_used_something:
                if call is not None:
                    logger.warning("The call %s states no usage: its hold expires.", found.call_id)
                return
            await self._keep(found, call, is_guess=found.client_left)
        except Exception:
            logger.exception("The usage of a call of LiteLLM is not recorded. Its hold expires.")

    async def failed(self, request: Mapping[str, Any], error: BaseException) -> None:
        """End the hold of a call that failed, once for all its attempts. It never raises.

        What had begun is settled. A hold stays until it expires where the vendor may count what
        the gateway does not know.
        """
        try:
            open_call = self._open.failed(request)
            if open_call is None:
                return
            call_id, call = open_call
            found = ended(request)
            if found is not None and found.output_tokens:
                await self._keep(found, call, is_guess=True)
                return
            self._open.end(call_id)
            if is_uncertain(error) or (found is not None and found.had_begun):
                logger.warning("Nobody knows what the call %s used: its hold expires.", call_id)
            elif call.reservation is not None:
                await self._client.release(call.reservation)
        except Exception as problem:  # noqa: BLE001
            logger.warning("A hold was not released, and expires: %s", problem)

    async def close(self) -> None:
        """Send what waits, and close the queue."""
        await self._client.close()
        self._queue.close()

    async def _keep(self, found: Ended, call: OpenCall | None, *, is_guess: bool) -> None:
        """Put the usage of a call into the queue, which sends it."""
        record = self._record(found, call, is_guess=is_guess)
        try:
            await asyncio.to_thread(self._queue.put, [record])
        except (QueueFull, sqlite3.Error):
            # The line has what is needed to record it by hand.
            logger.exception("The queue does not take a usage, which is lost: %s", dict(record))
        self._open.end(found.call_id)

    def _record(self, found: Ended, call: OpenCall | None, *, is_guess: bool) -> Record:
        if call is not None and call.reservation is not None:
            used = found.used(call.held_input if is_guess else None)
            return routes.settling_record(call.reservation, used)
        # LiteLLM asks about no call of its own, such as a health check: it counts all the same.
        request = {
            "source": self._terms.source,
            "id": found.record_id,
            "user": user_of(self._terms.identity, found.key),
            "provider": found.provider or "litellm",
            "model": found.model or "unknown",
        }
        return usage_record(request, found.occurred_at, found.used())


def _denied(error: AllowanceError) -> Denied:
    if isinstance(error, Refused):
        return Denied(FORBIDDEN, error.message)
    if isinstance(error, Unavailable):
        logger.error("A call was denied: %s", error)
        return Denied(UNAVAILABLE, NO_DECISION)
    logger.error("A call was denied, because Allowance rejects its request: %s", error)
    if isinstance(error, ApiError) and error.status == BAD_REQUEST:
        problems = " ".join(map(str, error.validations))
        return Denied(BAD_REQUEST, f"Allowance cannot decide about this call. {problems}".strip())
    return Denied(INTERNAL_ERROR, NOT_ALLOWED)
