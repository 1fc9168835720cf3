"""A small HTTP/1.1 server for a WSGI application: threads, kept-alive connections, one line of log
per request.

Werkzeug's own server closes every connection and logs whole request lines, query strings with their
secrets included.
"""

import io
import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import IO, Any, TextIO, cast
from urllib.parse import urlsplit

from werkzeug.serving import (
    BaseWSGIServer,
    DechunkedInput,
    ThreadedWSGIServer,
    WSGIRequestHandler,
    make_server,
)
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Of a request, as in API Gateway."""

MAX_DRAIN_BYTES = 8 * MAX_BODY_BYTES
"""How much of a refused body is read all the same: a client that is still writing would not see the
answer.
"""

POLL_SECONDS = 0.05
"""How long a server may take to notice that it is to end."""

Application = Callable[..., Iterable[bytes]]


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    log_file: TextIO


class _RequestHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one piece, without waiting for the acknowledgement of an earlier
    # one.
    disable_nagle_algorithm = True
    wbufsize = -1

    def parse_request(self) -> bool:
        """Note when the request began."""
        self._began = time.perf_counter()
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        """Let the client send its body; the permission must not wait in our buffer."""
        permitted = super().handle_expect_100()
        self.wfile.flush()
        return permitted

    def run_wsgi(self) -> None:
        """Read the whole request, run the application, write the whole response, so that the
        connection can go on.
        """
        environ = self.make_environ()
        application: Application = self.server.app
        try:
            body = self._read_body()
        except OSError:
            # A length of a chunk that is none.
            body = None
        if body is None:
            # There may be more of the body than we read: this connection cannot go on.
            self.close_connection = True
            application, body = _problem(413, "Request Entity Too Large"), b""
        environ["wsgi.input"] = io.BytesIO(body)
        if body or "CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
        except Exception:  # noqa: BLE001 (whatever went wrong, the client gets an answer)
            cast("_Server", self.server).log_file.write(traceback.format_exc())
            chunks, status, headers = run_wsgi_app(
                _problem(500, "Internal Server Error"), environ, buffered=True
            )
        content = b"".join(chunks)
        code, _, reason = status.partition(" ")
        bodiless = self.command == "HEAD" or code in {"204", "304"}
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in headers and not bodiless:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bodiless:
            self.wfile.write(content)

    def _read_body(self) -> bytes | None:
        """The body, or None when it is larger than allowed."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunked: Any = DechunkedInput(cast("IO[bytes]", self.rfile))
            body = io.BufferedReader(chunked).read(MAX_BODY_BYTES + 1)
            return None if len(body) > MAX_BODY_BYTES else body
        declared = self.headers.get("Content-Length", "0")
        length = int(declared) if declared.isdecimal() else 0
        if length <= MAX_BODY_BYTES:
            return self.rfile.read(length)
        # A client that waits for permission has sent nothing yet.
        if "Expect" not in self.headers:
            unread = min(length, MAX_DRAIN_BYTES)
            while unread > 0 and (part := self.rfile.read(min(unread, 65536))):
                unread -= len(part)
        return None

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path, status, time. Never a header or a query string: they carry credentials."""
        path = urlsplit(getattr(self, "path", "-")).path
        printable = "".join(letter if letter.isprintable() else "?" for letter in path)
        spent_ms = (time.perf_counter() - self._began) * 1000
        line = f"{getattr(self, 'command', '-')} {printable} {code} {spent_ms:.1f} ms\n"
        cast("_Server", self.server).log_file.write(line)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        """Nothing else is logged: what the parent class says of a bad request quotes it."""


def _problem(status: int, message: str) -> Response:
    """An answer of the gateway itself, in the shape that API Gateway uses."""
    return Response(json.dumps({"message": message}), status, content_type="application/json")


def bound_socket(host: str, port: int) -> socket.socket:
    """Take a port now (OSError: it is taken); connections are accepted once it is served."""
    taken = socket.socket()
    # A port of a connection that closed a moment ago is free.
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError:
        taken.close()
        raise
    return taken


def serve(application: Application, on: socket.socket, log: TextIO) -> BaseWSGIServer:
    """Serve an application on a socket in a thread of its own, until `shutdown()`."""
    host, port = on.getsockname()
    on.listen(128)
    server = make_server(
        host, port, application, threaded=True, request_handler=_RequestHandler, fd=on.fileno()
    )
    cast("_Server", server).log_file = log
    threading.Thread(
        target=server.serve_forever, args=[POLL_SECONDS], name=f"http-{port}", daemon=True
    ).start()
    return server
