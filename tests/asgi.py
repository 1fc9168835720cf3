"""ASGI applications on loopback: the handlers of Allowance, and a vendor that counts."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.gateway import Client

USAGE = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}


@contextmanager
def served(app: FastAPI) -> Generator[str]:
    """Yield the address of an application in a thread."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.002)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def handlers() -> FastAPI:
    """The handlers, one request at a time, as in a Lambda."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def handle(request: Request) -> Response:
        body = (await request.body()).decode() or None
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        answer = Client().send(request.method, request.url.path, headers=headers, body=body)
        kept = {name: value for name, value in answer.headers.items() if "ontent" not in name}
        return Response(answer.body or None, answer.status, kept)

    return app


class Vendor:
    """Answers like OpenAI, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.app = FastAPI()
        self.app.post("/v1/chat/completions", response_model=None)(self._complete)

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        if body["model"] == "broken":
            return JSONResponse({"error": {"message": "no"}}, 500)
        if body["model"] == "page":
            return Response("<html>", 502)
        if body["model"] in ("silent", "cut"):
            return StreamingResponse(_nothing(body), media_type="text/event-stream")
        if not body.get("stream"):
            return JSONResponse({"id": "1", "choices": [{"index": 0}], "usage": USAGE})
        return StreamingResponse(_chunks(body), media_type="text/event-stream")


async def _nothing(body: dict[str, Any]) -> AsyncGenerator[str]:
    """No chunk: the model `silent` thinks, and `cut` breaks off."""
    yield ": thinking\n\n"
    await asyncio.sleep(0 if body["model"] == "cut" else 20)
    raise OSError


async def _chunks(body: dict[str, Any]) -> AsyncGenerator[str]:
    """Three chunks and the count; the model `endless` sends 10,000 chunks."""
    for number in range(3 if body["model"] != "endless" else 10_000):
        yield _line({"choices": [{"delta": {"content": str(number)}}], "usage": None})
        await asyncio.sleep(0.01)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _line({"choices": [], "usage": USAGE})
    yield "data: [DONE]\n\n"


def _line(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"
