"""A vendor of models on loopback, which counts what it would bill: chat, stream, Responses,
Messages and embeddings. A prompt says how it behaves: `[case NAME BEHAVIOUR]`.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

from tests.vendor_wire import INPUT, OUTPUT, STREAMS, WHOLE, WORDS

CASE = re.compile(r"\[case ([\w-]+) ([\w-]+)\]")


@dataclass(frozen=True)
class Billed:
    """What the vendor counted for one request."""

    case: str
    model: str
    input: int
    output: int


class Vendor(ThreadingHTTPServer):
    """Serves in threads. `released` ends every stall."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.billed: list[Billed] = []
        self.requests: Counter[str] = Counter()
        self.released = threading.Event()
        self.answering = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def billed_for(self, case: str) -> list[Billed]:
        return [each for each in self.billed if each.case == case]

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway that leaves is no error of the vendor."""


class Handler(BaseHTTPRequestHandler):
    """One request, of any of the vendor's protocols."""

    server: Vendor

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        body = json.loads(text)
        found = CASE.search(text)
        self.case, self.behaviour = (found[1], found[2]) if found else ("none", "normal")
        self.model = body["model"]
        self.server.requests[self.case] += 1
        with suppress(BrokenPipeError, ConnectionResetError):
            self.respond(self.path.rsplit("/", 1)[1], body)

    def respond(self, kind: str, body: dict[str, Any]) -> None:
        fails_first = self.behaviour == "fails-once" and self.server.requests[self.case] == 1
        falls_back = self.behaviour == "falls-back" and "mini" not in self.model
        if self.behaviour == "fails" or fails_first or falls_back:
            self.send_json(500, {"error": {"message": "The vendor failed.", "type": "server"}})
            return
        if self.behaviour == "stalls":
            # It works on a response that nobody gets, and counts it.
            self.bill(OUTPUT)
            self.stall()
            return
        if body.get("stream"):
            self.stream(kind, body)
            return
        self.bill(0 if kind == "embeddings" else OUTPUT)
        self.send_json(200, WHOLE[kind](self.model))

    def bill(self, output: int) -> None:
        self.server.billed.append(Billed(self.case, self.model, INPUT, output))

    def stall(self) -> None:
        self.server.answering.set()
        self.server.released.wait(timeout=60)

    def stream(self, kind: str, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        events = STREAMS[kind](self.model, wants_usage)
        breaks_off = self.behaviour == "stalls-midway"
        if breaks_off:
            self.bill(WORDS // 2)
        else:
            self.bill(OUTPUT)
        for place, (name, data) in enumerate(events):
            if breaks_off and place == WORDS // 2:
                self.stall()
                return
            content = data if isinstance(data, str) else json.dumps(data)
            self.wfile.write(f"{f'event: {name}\n' if name else ''}data: {content}\n\n".encode())
            self.wfile.flush()

    def send_json(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def vendor() -> Generator[Vendor]:
    """A vendor that serves."""
    with Vendor() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
