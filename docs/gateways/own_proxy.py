"""An OpenAI-compatible proxy that asks Allowance before each call, and settles after it.

    uvicorn own_proxy:app

It needs fastapi, httpx and uvicorn. docs/gateways/own_proxy.md says what it promises.
"""

import json
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import anyio
import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.background import BackgroundTask

ALLOWANCE = os.environ["ALLOWANCE_URL"]
TOKEN = os.environ["ALLOWANCE_TOKEN"]
VENDOR = os.environ["VENDOR_URL"]
VENDOR_KEY = os.environ["VENDOR_KEY"]
KEYS: dict[str, str] = json.loads(os.environ["KEYS"])
"""The keys that this proxy gives out -> the user of each. The user is never what a caller says."""

PROVIDER, SOURCE = "openai", "own-proxy"
BYTES_PER_TOKEN = 3
"""Rather too few: an estimate that is too high refuses early, one that is too low refuses late."""
OUTPUT_TOKENS = 4096
TTL_SECONDS = 900
DEADLINE_SECONDS = float(os.environ.get("DEADLINE_SECONDS", "2"))
"""How long a call waits for Allowance. After it, this proxy refuses the call (it fails closed)."""

app = FastAPI()
allowance = httpx.AsyncClient(
    base_url=ALLOWANCE,
    headers={"Authorization": f"Bearer {TOKEN}"},
    timeout=DEADLINE_SECONDS,
)
vendor = httpx.AsyncClient(
    base_url=VENDOR, headers={"Authorization": f"Bearer {VENDOR_KEY}"}, timeout=600
)


class Call:
    """A call that Allowance admitted: it is settled or released, once."""

    def __init__(self, user: str, body: dict[str, Any], size: int) -> None:
        self.id, self.user, self.model = str(uuid4()), user, str(body.get("model"))
        bound = body.get("max_completion_tokens") or body.get("max_tokens") or OUTPUT_TOKENS
        # Each of `n` answers may have that length.
        output = int(bound) * int(body.get("n") or 1)
        self.estimate = {"input": -(-size // BYTES_PER_TOKEN), "output": output}
        self.reservation = ""
        self.usage: dict[str, Any] | None = None
        self.chunks = 0
        self.is_free = False
        """Whether the vendor responded with an error, or was not reached."""

    async def reserve(self) -> JSONResponse | None:
        """Hold the estimate. Return the refusal, or None."""
        request = {
            "id": self.id,
            "user": self.user,
            "provider": PROVIDER,
            "model": self.model,
            "source": SOURCE,
            "estimate": {"tokens": self.estimate},
            "ttl_seconds": TTL_SECONDS,
        }
        try:
            answer = await allowance.post("/api/v2/ai/reservations", json=request)
        except httpx.HTTPError:
            return refusal(503, "The budget cannot be checked now. Try again shortly.", "down")
        found = document(answer)
        if answer.status_code == 201 and "reservation_id" in found:
            self.reservation = found["reservation_id"]
            return None
        status = answer.status_code if answer.status_code in (400, 403) else 503
        message = found.get("message", "The budget cannot be checked now.")
        return refusal(status, message, found.get("code", "not_admitted"))

    async def end(self) -> None:
        """Settle once with what the vendor counted, or release if it bills nothing.

        A caller who leaves in mid-stream gets no count. Then the input that was held is settled,
        and one token for each chunk that came. It runs to its end when the caller has left.
        """
        if not self.reservation:
            return
        path, self.reservation = f"/api/v2/ai/reservations/{self.reservation}", ""
        with anyio.CancelScope(shield=True):
            if self.is_free:
                await self._send("DELETE", path, None)
                return
            used: dict[str, Any] = {"usage_format": "openai", "usage": self.usage}
            if self.usage is None:
                used = {"tokens": {"input": self.estimate["input"], "output": self.chunks}}
            record = {
                "source": SOURCE,
                "id": self.id,
                "user": self.user,
                "provider": PROVIDER,
                "model": self.model,
                "occurred_at": datetime.now(UTC).isoformat(),
            }
            await self._send("POST", f"{path}/settle", record | used)

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        """Send until it is taken: the same settlement again gets the same response."""
        for pause in (0.2, 1, 5, None):
            try:
                answer = await allowance.request(method, path, json=body)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 500:
                if answer.is_error:
                    print("not settled:", self.id, answer.status_code, answer.text)
                return
            if pause is not None:
                await anyio.sleep(pause)
        # The hold ends after TTL_SECONDS. Record it by hand, or from a queue on disk.
        print("not settled:", self.id, json.dumps(body))


def document(answer: httpx.Response) -> dict[str, Any]:
    """Return the object of a response. Empty: it has none, as the error of a load balancer."""
    try:
        found: Any = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def refusal(status: int, message: str, code: str) -> JSONResponse:
    """Return an error in OpenAI's form, which its clients show."""
    error = {"message": message, "type": "allowance", "code": code, "param": None}
    return JSONResponse({"error": error}, status)


@app.post("/v1/chat/completions", response_model=None)
async def complete(request: Request) -> JSONResponse | StreamingResponse:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    user = KEYS.get(key) if scheme.lower() == "bearer" else None
    if user is None:
        return refusal(401, "Unknown key.", "invalid_api_key")
    content = await request.body()
    try:
        body: dict[str, Any] = json.loads(content)
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        options = dict(body.get("stream_options") or {})
        call = Call(user, body, len(content))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return refusal(400, "The body is no request for a chat completion.", "invalid_request")
    if (refused := await call.reserve()) is not None:
        return refused
    if not body.get("stream"):
        return await completed(call, body)
    wants_usage = bool(options.get("include_usage"))
    body["stream_options"] = options | {"include_usage": True}
    return await streamed(call, body, wants_usage=wants_usage)


async def completed(call: Call, body: dict[str, Any]) -> JSONResponse:
    """Return the vendor's response as a whole."""
    # Without a count, the call costs what was held: it was made.
    call.chunks = call.estimate["output"]
    try:
        answer = await vendor.post("/v1/chat/completions", json=body)
    except httpx.HTTPError as error:
        return failed(call, error)
    else:
        call.is_free = not answer.is_success
        found = document(answer)
        call.usage = found.get("usage") if answer.is_success else None
        return JSONResponse(found, answer.status_code) if found else no_response()
    finally:
        await call.end()


def failed(call: Call, error: httpx.HTTPError) -> JSONResponse:
    """Return the error for a vendor that did not respond. It bills what it began, also if we wait
    no longer: only without a connection nothing was sent.
    """
    call.is_free = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return no_response()


def no_response() -> JSONResponse:
    return refusal(502, "The vendor did not respond.", "vendor")


async def streamed(
    call: Call, body: dict[str, Any], *, wants_usage: bool
) -> JSONResponse | StreamingResponse:
    """Return the vendor's stream, line by line."""
    request = vendor.build_request("POST", "/v1/chat/completions", json=body)
    try:
        answer = await vendor.send(request, stream=True)
        if answer.is_success:
            # The background task ends the call of a caller who left before the first line.
            return StreamingResponse(
                lines(call, answer, wants_usage=wants_usage),
                media_type="text/event-stream",
                background=BackgroundTask(left, call, answer),
            )
        call.is_free = True
        await answer.aread()
    except httpx.HTTPError as error:
        call.chunks = call.estimate["output"]
        refused = no_response() if call.is_free else failed(call, error)
    else:
        found = document(answer)
        refused = JSONResponse(found, answer.status_code) if found else no_response()
    await left(call, None)
    return refused


async def left(call: Call, answer: httpx.Response | None) -> None:
    """End a call, and the vendor's stream if it has one."""
    with anyio.CancelScope(shield=True):
        if answer is not None:
            await answer.aclose()
        await call.end()


async def lines(call: Call, answer: httpx.Response, *, wants_usage: bool) -> AsyncGenerator[str]:
    """Yield the lines of the vendor's stream, and keep its count."""
    try:
        async for line in answer.aiter_lines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                yield f"{line}\n"
                continue
            chunk = json.loads(line.removeprefix("data: "))
            call.usage = chunk.get("usage") or call.usage
            call.chunks += bool(chunk.get("choices"))
            if chunk.get("choices") or wants_usage:
                yield f"{line}\n"
    except httpx.HTTPError:
        # The vendor broke off, so it had begun.
        call.chunks = call.chunks or call.estimate["output"]
        raise
    finally:
        await left(call, answer)
