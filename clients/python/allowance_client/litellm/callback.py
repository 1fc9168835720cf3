"""The callback that LiteLLM's `callbacks` name. Only this file and `deployments` import LiteLLM."""

# LiteLLM is installed beside this package in the proxy, and nowhere else.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

from allowance_client.async_client import AsyncAllowance
from allowance_client.lease import OnUnavailable
from allowance_client.litellm import estimates
from allowance_client.litellm.callers import (
    DEFAULT_IDENTITY,
    checked_identity,
    fields_of_key,
    user_of,
)
from allowance_client.litellm.deployments import deployed
from allowance_client.litellm.keeper import Denied, Keeper, KeeperTerms
from allowance_client.settings import from_environment
from allowance_client.spill import SpillQueue
from allowance_client.terms import CallTerms
from allowance_client.transport import DEFAULT_TIMEOUT_SECONDS

SOURCE = "litellm"
DEFAULT_TTL_SECONDS = 600


class AllowanceCallback(CustomLogger):
    """Asks before each call, and settles after it. LiteLLM calls the hooks.

    A subclass would not be asked before a call: LiteLLM looks for that hook in the class itself.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        on_unavailable: OnUnavailable,
        queue: Path | str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        source: str = SOURCE,
        identity: Sequence[str] = DEFAULT_IDENTITY,
        output_tokens: int = estimates.OUTPUT_TOKENS,
        estimate_micros: int | None = None,
        ttl_seconds: int = DEFAULT_TTL_SECONDS,
    ) -> None:
        """Open the queue on the disk. Raise ValueError if a choice cannot be one."""
        super().__init__()
        self._identity = checked_identity(identity)
        self._output_tokens, self._estimate_micros = output_tokens, estimate_micros
        self._ttl_seconds = ttl_seconds
        spill = SpillQueue(queue)
        client = AsyncAllowance(
            url,
            token,
            on_unavailable=on_unavailable,
            timeout_seconds=timeout_seconds,
            source=source,
            spill=spill,
        )
        self._keeper = Keeper(client, spill, KeeperTerms(source, self._identity))

    @classmethod
    def from_environment(cls, *, on_unavailable: OnUnavailable, **options: Any) -> Self:
        """Return a callback for ALLOWANCE_URL and ALLOWANCE_TOKEN. Raise ValueError without."""
        url, token = from_environment(os.environ)
        return cls(url, token, on_unavailable=on_unavailable, **options)

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> None:
        """Hold money for a call. Raise HTTPException if it must not be made."""
        if not estimates.costs(call_type, data):
            return
        try:
            await self._keeper.before(data, **self._terms(user_api_key_dict, data, call_type))
        except Denied as denied:
            raise HTTPException(status_code=denied.status, detail=denied.message) from None

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Settle what a call used."""
        await self._keeper.succeeded(kwargs, response_obj)

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> None:
        """End the hold of a call whose attempts all failed. `async_log_failure_event` would come
        for an attempt that another one follows.
        """
        await self._keeper.failed(request_data, original_exception)

    async def close(self) -> None:
        """Send what waits, and close. LiteLLM has no hook for it: without it, the queue waits for
        the next start.
        """
        await self._keeper.close()

    def _terms(self, key: Any, data: dict[str, Any], call_type: str) -> CallTerms:
        provider, model = deployed(str(data["model"]), getattr(key, "team_id", None))
        tokens = estimates.tokens_of(call_type, data, self._output_tokens)
        fixed = self._estimate_micros
        return {
            "user": user_of(self._identity, fields_of_key(key)),
            "provider": provider,
            "model": model,
            "estimate": {"tokens": tokens} if fixed is None else {"cost_micros": fixed},
            "ttl_seconds": self._ttl_seconds,
        }
