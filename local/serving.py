"""A small HTTP/1.1 server for a WSGI application: threads, keep-alive, one log line per request.

Werkzeug's own server closes every connection. It also logs whole request lines, including secrets
in query strings.
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
"""The largest body of a request, as in API Gateway."""

MAX_DRAIN_BYTES = 8 * MAX_BODY_BYTES
"""The part of a refused body that is read and dropped. A client that still writes its body would
not read the response.
"""

POLL_SECONDS = 0.05
"""How long a server may take to notice a shutdown."""

Application = Callable[..., Iterable[bytes]]


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    log_file: TextIO


class _RequestHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent together, without waiting for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def parse_request(self) -> bool:
        """Record the start of the request, and parse it."""
        self._began = time.perf_counter()
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        """Permit the client to send its body. The permission must not stay in our buffer."""
        permitted = super().handle_expect_100()
        self.wfile.flush()
        return permitted

    def run_wsgi(self) -> None:
        """Read the whole request, run the application, write the whole response. The connection can
        then serve the next request.
        """
        environ = self.make_environ()
        application: Application = self.server.app
        try:
            body = self._read_body()
        except OSError:
            # The length of a chunk is invalid.
            body = None
        if body is None:
            # A part of the body may be unread, so this connection cannot serve another request.
            self.close_connection = True
            application, body = _problem(413, "Request Entity Too Large"), b""
        environ["wsgi.input"] = io.BytesIO(body)
        if body or "CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
        except Exception:  # noqa: BLE001 (after any error the client needs a response)
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
        """Return the body, or None if it is larger than allowed."""
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
        """Log method, path, status and time. Never log a header or a query string: these may
        contain credentials.
        """
        path = urlsplit(getattr(self, "path", "-")).path
        printable = "".join(letter if letter.isprintable() else "?" for letter in path)
        spent_ms = (time.perf_counter() - self._began) * 1000
        line = f"{getattr(self, 'command', '-')} {printable} {code} {spent_ms:.1f} ms\n"
        cast("_Server", self.server).log_file.write(line)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        """Log nothing else: the parent class quotes a bad request."""


def _problem(status: int, message: str) -> Response:
    """Return an error response of the gateway itself, in the shape of API Gateway."""
    return Response(json.dumps({"message": message}), status, content_type="application/json")


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port. It accepts connections when it is served. Raise OSError if
    the port is not free.
    """
    bound = socket.socket()
    # A port whose connection has just closed counts as free.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def serve(application: Application, on: socket.socket, log: TextIO) -> BaseWSGIServer:
    """Serve an application on a socket in a new thread, until `shutdown()`. Return the server."""
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
