"""A Postgres that is reached some seconds later, like Aurora that resumes."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit


def relay(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for each in (source, sink):
            each.close()


@contextmanager
def late(url: str, after_seconds: float, *, accepts: bool = False) -> Generator[str]:
    """The URL of a way to Postgres that opens later. Until then it refuses connections, or accepts
    them and says nothing.
    """
    parts = urlsplit(url)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    opens = time.monotonic() + after_seconds

    def serve() -> None:
        if not accepts:
            time.sleep(after_seconds)
        while True:
            try:
                listener.listen()
                client, _ = listener.accept()
            except OSError:
                return
            time.sleep(max(opens - time.monotonic(), 0))
            server = socket.create_connection((parts.hostname or "", parts.port or 5432))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=relay, args=ends, daemon=True).start()

    if accepts:
        listener.listen()
    threading.Thread(target=serve, daemon=True).start()
    login = parts.netloc.rpartition("@")[0]
    with listener:
        yield parts._replace(netloc=f"{login}@127.0.0.1:{listener.getsockname()[1]}").geturl()
