"""The calls that run, by LiteLLM's id of them, and what is held for each. Pure.

LiteLLM gives its hooks after a call nothing else that the hook before it could leave there:
metadata does not reach each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allowance_client.models import Reservation

KEPT_SECONDS = 3 * 3600
"""Longer than any call of LiteLLM, whose own deadline is 6,000 seconds."""


@dataclass
class OpenCall:
    """A call that runs. Without a reservation, its decision has not come yet."""

    request: int
    begun_at: float
    reservation: Reservation | None = None

    @property
    def held_input(self) -> int | None:
        """The input that is held; None: only an amount is held."""
        if self.reservation is None:
            return None
        tokens = self.reservation.request["estimate"].get("tokens")
        return tokens["input"] if tokens else None


class OpenCalls:
    """The calls of a process. Its event loop alone uses it."""

    def __init__(self) -> None:
        self._calls: dict[str, OpenCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def begin(self, call_id: str, request: Mapping[str, Any], now: float) -> OpenCall | None:
        """Return a new call. None: a call with this id runs, since its caller may choose it."""
        while self._calls:
            oldest = next(iter(self._calls))
            if now - self._calls[oldest].begun_at < KEPT_SECONDS:
                break
            # Neither of its ends came, and what it held has expired.
            del self._calls[oldest]
        if call_id in self._calls:
            return None
        self._calls[call_id] = OpenCall(id(request), now)
        return self._calls[call_id]

    def get(self, call_id: str) -> OpenCall | None:
        """Return the call that has this id, if money is held for it."""
        found = self._calls.get(call_id)
        return found if found is not None and found.reservation is not None else None

    def failed(self, request: Mapping[str, Any]) -> tuple[str, OpenCall] | None:
        """Return the id and the call of a request that failed. None: nothing is held for it.

        The id alone is no proof: a request that LiteLLM rejects may name the id of another one.
        """
        call_id = request.get("litellm_call_id")
        if not isinstance(call_id, str):
            return None
        found = self.get(call_id)
        return (call_id, found) if found is not None and found.request == id(request) else None

    def end(self, call_id: str) -> None:
        """Forget a call."""
        self._calls.pop(call_id, None)
