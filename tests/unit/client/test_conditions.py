"""Requests with a condition: their headers, and that they are sent once."""

import asyncio
from typing import Any

import pytest

from allowance_client.errors import Unavailable
from allowance_client.transport import Answer, AsyncConnection, Connection
from tests.scripted_server import http, scripted

TOKEN = "alw_id_SecretOfTheTest"
BUSY = http(503, b'{"message":"Later."}')


def put(kind: str, url: str, **more: Any) -> Answer:
    """A change by one of the two connections."""
    if kind == "threads":
        with Connection(url, TOKEN) as connection:
            return connection.request("PUT", "/api/v2/x", **more)

    async def run() -> Answer:
        async with AsyncConnection(url, TOKEN) as connection:
            return await connection.request("PUT", "/api/v2/x", **more)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_request_with_a_condition_is_sent_once(kind: str) -> None:
    with scripted([BUSY], [http(200)]) as server, pytest.raises(Unavailable, match=r"Later\."):
        put(kind, server.url, body={}, headers={"If-Match": '"1"'}, retry=False)
    assert len(server.requests) == 1
    assert b'\r\nIf-Match: "1"\r\n' in server.requests[0]
    assert b"\r\nContent-Type: application/json\r\n" in server.requests[0]
