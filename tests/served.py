"""The handlers over HTTP on loopback: in threads of this process, or in processes that can be
killed.

A handler has one connection to the database for its process, so a process serves one request at a
time, as a Lambda does. `python -m tests.served WORKERS` prints its address, keeps that many worker
processes alive, and starts another one for each that is killed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

from tests.gateway import Client, routes

ONE_AT_A_TIME = threading.Lock()
Fault = Callable[[str], None]
"""Called `before` and `after` each request is handled. An OSError loses the connection then."""


class Handler(BaseHTTPRequestHandler):
    """Passes each request to its handler."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: "HandlerServer"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode() if length else None
        try:
            self.server.fault("before")
            headers = {name.lower(): value for name, value in self.headers.items()}
            with ONE_AT_A_TIME:
                answer = Client().send(self.command, self.path, headers=headers, body=body)
            self.server.fault("after")
        except OSError:
            self.close_connection = True
            return
        content = answer.body.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


class HandlerServer(ThreadingHTTPServer):
    """Serves in threads."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, fault: Fault = lambda _: None, listener: socket.socket | None = None
    ) -> None:
        self.fault = fault
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=listener is None)
        if listener is not None:
            self.socket.close()
            self.socket = listener

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed leaves its connection: that is no error of the server."""


@contextmanager
def served(fault: Fault = lambda _: None) -> Generator[str]:
    """Yield the address of the handlers, in threads of this process."""
    routes()
    server = HandlerServer(fault)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Workers:
    """Processes that serve, and the one that starts them."""

    url: str
    process: subprocess.Popen[str]

    def kill_one(self) -> None:
        """Kill a worker in the midst of whatever it does. Another one takes its place."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in tasks.split()[:1]:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


@contextmanager
def workers(number: int, database_url: str) -> Generator[Workers]:
    """Yield processes that serve the handlers on a database."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join(("functions", "migrations", "layers/shared", ".")),
    }
    command = [sys.executable, "-m", "tests.served", str(number)]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Workers(json.loads(process.stdout.readline())["url"], process)
        finally:
            process.terminate()


def main(number: int) -> None:
    routes()
    # A killed worker leaves the connections that wait in the queue of the listener to the next one.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        pids = {_worker(listener) for _ in range(number)}

        def end(*_: object) -> None:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(json.dumps({"url": url}), flush=True)
        while True:
            pid, _ = os.wait()
            pids.discard(pid)
            pids.add(_worker(listener))


def _worker(listener: socket.socket) -> int:
    if pid := os.fork():
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    HandlerServer(listener=listener).serve_forever()
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
