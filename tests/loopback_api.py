"""The real handlers behind HTTP on loopback, one request after the other."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import override

from tests.gateway import Client


class Door(BaseHTTPRequestHandler):
    """Passes each request to its handler, like API Gateway."""

    def serve(self) -> None:
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size).decode() if size else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.meanwhile is not None:
            self.server.meanwhile(self.command)
        answer = Client().send(self.command, self.path, headers=headers, body=body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body.encode())

    do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - names of http.server

    server: "Served"

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: tests read what the command prints."""


class Served(HTTPServer):
    """`meanwhile` runs before each request, with its method."""

    meanwhile: Callable[[str], None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def served() -> Generator[Served]:
    """The API on loopback. The handlers use the environment of the test."""
    with Served(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
