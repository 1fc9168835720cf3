"""HTTP to Allowance, with a deadline: the connection of threads, and the connection of asyncio.

A request is retried until its deadline. Every route takes the same request twice, so a lost
response is no reason to give up.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import httpx

from allowance_client.attempts import Attempts
from allowance_client.clock import Clock
from allowance_client.errors import ApiError, Unavailable
from allowance_client.http_terms import checked_url, http_headers, http_limits
from allowance_client.responses import Answer, read_answer

__all__ = ["Answer", "ApiError", "AsyncConnection", "Connection", "Unavailable"]

DEFAULT_TIMEOUT_SECONDS = 5.0

Params: TypeAlias = Mapping[str, str | int | bool | None]
"""The query; None leaves a parameter out."""


class Connection:
    """A connection to one Allowance with one token. Threads may share it; processes may not."""

    def __init__(
        self, url: str, token: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Raise ValueError if the address or the token cannot be one."""
        self.url, self._timeout_seconds = checked_url(url), timeout_seconds
        self.clock = Clock()

        def learn(response: httpx.Response) -> None:
            self.clock.learn(response.headers)

        self._http = httpx.Client(
            base_url=self.url,
            headers=http_headers(token),
            limits=http_limits(),
            event_hooks={"response": [learn]},
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        timeout_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Answer:
        """Return the response of success. `body` is sent as JSON; None sends none.

        `timeout_seconds` bounds the whole, retries included. `retry` false sends the request once:
        with `If-Match`, a retry after a lost response is refused. Raise ApiError, and Unavailable
        at the deadline.
        """
        attempts = Attempts(self._timeout_seconds if timeout_seconds is None else timeout_seconds)
        content = _content(body)
        sent = {**_type_of(content), **(headers or {})}
        while True:
            try:
                return self._attempt(method, path, params, content, sent, attempts)
            except Unavailable as error:
                if not retry:
                    raise
                time.sleep(attempts.pause_after(error))

    def _attempt(
        self,
        method: str,
        path: str,
        params: Params | None,
        content: bytes | None,
        headers: Mapping[str, str],
        attempts: Attempts,
    ) -> Answer:
        request = self._http.build_request(
            method,
            path,
            params=_stated(params),
            content=content,
            headers=headers,
            timeout=attempts.remaining_seconds(),
        )

        def shorten(event: str, _: Mapping[str, Any]) -> None:
            # Each of connect, write and read would have all of the time that is left at the start.
            if event.endswith(".started"):
                left = attempts.remaining_seconds()
                request.extensions["timeout"].update(read=left, write=left)

        request.extensions["trace"] = shorten
        try:
            response = self._http.send(request, stream=True)
            try:
                received = bytearray()
                for chunk in response.iter_bytes():
                    received += chunk
                    _raise_if_late(attempts)
            finally:
                response.close()
        except httpx.RequestError as error:
            raise _unreached(error) from None
        return read_answer(response.status_code, response.headers, bytes(received))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncConnection:
    """Like Connection, for asyncio."""

    def __init__(
        self, url: str, token: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Raise ValueError if the address or the token cannot be one."""
        self.url, self._timeout_seconds = checked_url(url), timeout_seconds
        self.clock = Clock()

        async def learn(response: httpx.Response) -> None:
            self.clock.learn(response.headers)

        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=http_headers(token),
            limits=http_limits(),
            event_hooks={"response": [learn]},
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        timeout_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Answer:
        """Like `Connection.request`."""
        attempts = Attempts(self._timeout_seconds if timeout_seconds is None else timeout_seconds)
        content = _content(body)
        sent = {**_type_of(content), **(headers or {})}
        while True:
            try:
                return await self._attempt(method, path, params, content, sent, attempts)
            except Unavailable as error:
                if not retry:
                    raise
                pause = attempts.pause_after(error)
            await asyncio.sleep(pause)

    async def _attempt(
        self,
        method: str,
        path: str,
        params: Params | None,
        content: bytes | None,
        headers: Mapping[str, str],
        attempts: Attempts,
    ) -> Answer:
        left = attempts.remaining_seconds()
        try:
            async with asyncio.timeout(left):
                response = await self._http.request(
                    method,
                    path,
                    params=_stated(params),
                    content=content,
                    headers=headers,
                    timeout=left,
                )
        except httpx.RequestError as error:
            raise _unreached(error) from None
        except TimeoutError:
            raise _late() from None
        return read_answer(response.status_code, response.headers, response.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _content(body: Any) -> bytes | None:
    """Raise ValueError for what JSON does not have, such as NaN."""
    if body is None:
        return None
    return json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _type_of(content: bytes | None) -> dict[str, str]:
    return {} if content is None else {"Content-Type": "application/json"}


def _stated(params: Params | None) -> dict[str, str | int | bool]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _unreached(error: httpx.RequestError) -> Unavailable:
    return Unavailable(f"No response came: {str(error) or type(error).__name__}.")


def _late() -> Unavailable:
    return Unavailable("No whole response came before the deadline.")


def _raise_if_late(attempts: Attempts) -> None:
    if attempts.now() > attempts.deadline:
        raise _late()
