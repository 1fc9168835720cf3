"""A server on loopback that sends what a test tells it to, byte for byte, and keeps what it got."""

import socket
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Step = bytes | float
"""Bytes to send, or seconds to wait."""


@dataclass
class Scripted:
    """One script for each request; the last one serves all further requests."""

    scripts: list[list[Step]]
    url: str
    requests: list[bytes] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)


def http(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """A response. The name of a header has an underscore for each hyphen."""
    named = {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(body)),
        "x-request-id": "r-1",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Reason\r\n{lines}\r\n".encode() + body


@contextmanager
def scripted(*scripts: Iterable[Step], read_after: float = 0) -> Generator[Scripted]:
    """Serve until the block ends. A script without bytes closes the connection. The server reads a
    request some seconds after its connection.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if read_after else 1 << 20)
        server = Scripted(
            [list(each) for each in scripts], f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
        stop = threading.Event()
        thread = threading.Thread(target=_accept, args=(listener, server, stop, read_after))
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            # Ends the accept.
            socket.create_connection(listener.getsockname()).close()
            thread.join()


def _accept(
    listener: socket.socket, server: Scripted, stop: threading.Event, read_after: float
) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            if stop.is_set():
                return
            stop.wait(read_after)
            with suppress(OSError):
                _serve(connection, server, stop)


def _serve(connection: socket.socket, server: Scripted, stop: threading.Event) -> None:
    connection.settimeout(10)
    while request := _request(connection):
        server.arrived.append(time.monotonic())
        script = server.scripts[min(len(server.requests), len(server.scripts) - 1)]
        server.requests.append(request)
        for step in script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif stop.wait(step):
                return
        # No keep-alive: one thread serves one connection at a time.
        return


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        chunk = connection.recv(1 << 20)
        if not chunk:
            return b""
        body += chunk
    return head + b"\r\n\r\n" + body
