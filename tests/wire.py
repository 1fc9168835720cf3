"""A TCP proxy that counts round trips, and keeps the client's words.

A trip is each time that the client speaks after the server was ready for it: data that it sends
while earlier responses arrive adds no wait.
"""

import selectors
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

READY = b"Z\x00\x00\x00\x05"
"""ReadyForQuery, but for its last byte: whether a transaction is open."""

FLUSH = b"H\x00\x00\x00\x04"
"""What libpq says after the Sync of a pipeline, sometimes late: no answer comes of it."""


class Wire:
    """Between a client and Postgres. `trips` counts since the last reset, `sent` is all that
    clients ever sent.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "localhost", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        login = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(
            netloc=f"{login}@127.0.0.1:{self._listener.getsockname()[1]}"
        ).geturl()
        self.trips = 0
        self.sent = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        self.trips = 0

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with (
            client,
            socket.create_connection(self._server) as server,
            selectors.DefaultSelector() as ready,
        ):
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(one, selectors.EVENT_READ)
            tail, is_ready = b"", True
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is client:
                        self.sent += data
                        if data != FLUSH:
                            self.trips += is_ready
                            is_ready = False
                    else:
                        tail = (tail + data)[-len(READY) - 1 :]
                        is_ready = tail.startswith(READY)
                    (server if key.fileobj is client else client).sendall(data)


@contextmanager
def wire(url: str) -> Generator[Wire]:
    proxy = Wire(url)
    try:
        yield proxy
    finally:
        proxy.close()
