"""The receivers of spend alerts: moto's SNS and EventBridge, each read by a queue, behind a door
that a test can close.
"""

import http.client
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import boto3
from moto.server import ThreadedMotoServer

from tests.conftest import environment
from tests.remembered import keys_and_paths_of_moto

REGION = "eu-west-1"
SIGNED_IN = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "key",
    "AWS_SESSION_TOKEN": "session",
}

type Answer = tuple[int, bytes]
type Forward = Callable[[bytes], Answer]
type Doorman = Callable[[bytes, Forward], Answer]
"""What happens to a call: it gets the body and the way to moto, and says what is answered."""


def let_in(body: bytes, forward: Forward) -> Answer:
    return forward(body)


def sns_error(status: int, code: str) -> Answer:
    """https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html"""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error>"
    return status, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode()


def events_error(status: int, code: str) -> Answer:
    return status, json.dumps({"__type": code, "message": "m"}).encode()


def posted(host: str, port: int, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(host, port)
    connection.request("POST", path, body, headers)
    with connection.getresponse() as answer:
        answered = answer.status, answer.read()
    connection.close()
    return answered


@dataclass
class Door:
    """A server in front of moto for one service."""

    doorman: Doorman = let_in
    calls: list[bytes] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def open(self, host: str, port: int) -> Generator[None]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                door.calls.append(body)
                headers = {
                    name: value for name, value in self.headers.items() if name != "Content-Length"
                }

                def forward(changed: bytes) -> Answer:
                    return posted(host, port, "/", changed, headers)

                status, content = door.doorman(body, forward)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that was killed

        with Server(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
            thread.start()
            self.url = f"http://127.0.0.1:{server.server_port}"
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


@cache
def moto_address() -> tuple[str, int]:
    """Where moto serves, for as long as this process runs: each stop would wait half a second."""
    keys_and_paths_of_moto()
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    return moto.get_host_and_port()


@cache
def client_of(service: str, url: str) -> Any:
    """A client of moto, made once: botocore reads a service's description for 50 ms."""
    return boto3.client(
        service,
        REGION,
        endpoint_url=url,
        aws_access_key_id=SIGNED_IN["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SIGNED_IN["AWS_SECRET_ACCESS_KEY"],
    )


@dataclass
class Receivers:
    """A topic and a bus of one test, and what arrived."""

    sns: Door
    eventbridge: Door
    moto_url: str
    topic_arn: str = ""
    queues: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return client_of(service, self.moto_url)

    def environment(self) -> dict[str, str]:
        """Of the function."""
        return {
            "AWS_ENDPOINT_URL_SNS": self.sns.url,
            "AWS_ENDPOINT_URL_EVENTBRIDGE": self.eventbridge.url,
            "ALERT_TOPIC_ARN": self.topic_arn,
            "ALERT_EVENT_BUS": "alerts",
            "ALERT_API_URL": "https://api.example",
        }

    def queue(self, name: str, *, fifo: bool = False) -> str:
        """The ARN of a new queue."""
        attributes = {"FifoQueue": "true"} if fifo else {}
        full_name = f"{name}.fifo" if fifo else name
        url = self.client("sqs").create_queue(QueueName=full_name, Attributes=attributes)[
            "QueueUrl"
        ]
        self.queues[name] = url
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def subscribe(
        self, name: str, filter_policy: dict[str, Any] | None = None, *, fifo: bool = False
    ) -> None:
        attributes = {"FilterPolicy": json.dumps(filter_policy)} if filter_policy else {}
        self.client("sns").subscribe(
            TopicArn=self.topic_arn,
            Protocol="sqs",
            Endpoint=self.queue(name, fifo=fifo),
            Attributes=attributes,
        )

    def messages(self, name: str) -> list[dict[str, Any]]:
        """The messages that arrived in a queue since the last call."""
        sqs, url = self.client("sqs"), self.queues[name]
        found: list[dict[str, Any]] = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            found += [json.loads(each["Body"]) for each in received]
            handles = [
                {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]}
                for number, each in enumerate(received)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=handles)
        return found

    def published(self, name: str = "topic") -> list[dict[str, Any]]:
        return [json.loads(each["Message"]) for each in self.messages(name)]

    def put(self) -> list[dict[str, Any]]:
        return [each["detail"] for each in self.messages("bus")]


@contextmanager
def receivers(database_url: str) -> Generator[Receivers]:
    """Both receivers, and the environment of a function that is to reach them."""
    host, port = moto_address()
    sns, eventbridge = Door(), Door()
    with sns.open(host, port), eventbridge.open(host, port):
        made = Receivers(sns, eventbridge, f"http://{host}:{port}")
        with environment(AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, **SIGNED_IN):
            made.topic_arn = made.client("sns").create_topic(Name="alerts")["TopicArn"]
            made.subscribe("topic")
            events = made.client("events")
            events.create_event_bus(Name="alerts")
            pattern = json.dumps({"source": ["allowance"]})
            events.put_rule(Name="alerts", EventBusName="alerts", EventPattern=pattern)
            targets = [{"Id": "queue", "Arn": made.queue("bus")}]
            events.put_targets(Rule="alerts", EventBusName="alerts", Targets=targets)
            with environment(DATABASE_URL=database_url, **made.environment()):
                yield made
            # The server lives in this process: so does what it keeps.
            posted(host, port, "/moto-api/reset", b"", {})


def without_entry(body: bytes, text: str) -> tuple[bytes, str]:
    """The body of a PublishBatch without the entry that says this, and the entry's Id."""
    entries: dict[str, dict[str, str]] = {}
    rest: dict[str, str] = {}
    prefix = "PublishBatchRequestEntries.member."
    for key, value in parse_qsl(body.decode(), keep_blank_values=True):
        if key.startswith(prefix):
            number, _, name = key.removeprefix(prefix).partition(".")
            entries.setdefault(number, {})[name] = value
        else:
            rest[key] = value
    (unwanted,) = (each for each in entries.values() if text in each["Message"])
    kept = [each for each in entries.values() if each is not unwanted]
    numbered = {
        f"{prefix}{n}.{name}": value
        for n, each in enumerate(kept, 1)
        for name, value in each.items()
    }
    return urlencode(rest | numbered).encode(), unwanted["Id"]
