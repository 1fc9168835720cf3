"""`make run`: Postgres, migrations, prices, a demo directory, and the API on this machine, until
ctrl-C.

PORT, LAMBDA_PORT, AI_BUDGETS_ENABLED and DATABASE_URL (the owner's, in place of the embedded
Postgres) change it. DEMO=empty leaves the demo company out. LOCAL_STATE is the folder for the state
between runs, in place of .local.
"""

import json
import os
import platform
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast
from urllib.parse import urlsplit

import psycopg

from local.demo import PEOPLE, STATE, Demo, DemoFailed, prepare
from local.demo_month import fill
from local.options import CannotRun, Options
from local.postgres import EmbeddedPostgres
from local.postgres_host import PostgresError
from local.processes import LOOPBACK, hold, private_log, write_private, write_private_json

if TYPE_CHECKING:
    from local.gateway import Gateway

TEMPLATE = Path(".local/build/template.yaml")
CONNECT_SECONDS = 5


def main() -> int:
    """Run the stack. Return 0 after a signal, 1 with one line on stderr if it cannot run."""
    # `kill` and a closed terminal end the stack like ctrl-C, also in the background, where shells
    # ignore ctrl-C. After `nohup` a closed terminal does not end it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    with ExitStack() as resources:
        try:
            run(Options.read(os.environ), resources)
        except KeyboardInterrupt:
            print("\nThe local stack ends.", flush=True)
            return 0
        except PermissionError as problem:
            print(f"make run: {problem.filename} belongs to another user", file=sys.stderr)
            return 1
        except (CannotRun, PostgresError, DemoFailed, OSError) as problem:
            print(f"make run: {problem}", file=sys.stderr)
            return 1
        finally:
            # An interrupted shutdown would leave processes running.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
    return 0


def run(options: Options, resources: ExitStack) -> None:
    """Start everything, print its use, and wait. Raise CannotRun, PostgresError, DemoFailed."""
    began = time.monotonic()
    STATE.mkdir(mode=0o755, exist_ok=True)
    lock = hold(STATE / "lock")
    if lock is None:
        raise CannotRun("the local stack already runs in this folder")
    resources.callback(os.close, lock)
    if not TEMPLATE.exists():
        raise CannotRun(f"{TEMPLATE} is missing: start it by `make run`, which builds it")
    # The file means that the stack is ready. This one is from the last run.
    (STATE / "stack.json").unlink(missing_ok=True)
    api, functions = (
        resources.enter_context(take_port(port)) for port in (options.port, options.lambda_port)
    )
    api_port, lambda_port = (int(bound.getsockname()[1]) for bound in (api, functions))
    owner_url = database(options, resources)
    gateway = open_gateway(options, owner_url, resources)
    invoke(gateway, "Migrate", {})
    invoke(gateway, "SeedPrices", {})
    gateway.serve(api, functions, access_log(resources))
    importer = partial(invoke, gateway, "ImportDirectory")
    demo = prepare(importer, api_port, STATE / "tokens.json")
    if options.has_usage:
        print("Recording two months of the demo company. DEMO=empty leaves it out.", flush=True)
        demo = fill(importer, api_port, demo, STATE / "gateway-token.json")
    urls = {
        "api_url": f"http://{LOOPBACK}:{api_port}",
        "lambda_url": f"http://{LOOPBACK}:{lambda_port}",
    }
    write_private_json(STATE / "stack.json", {**urls, "database_url": owner_url, **asdict(demo)})
    print(greeting(urls, demo, time.monotonic() - began), flush=True)
    threading.Event().wait()


def take_port(port: int) -> socket.socket:
    """Return a socket bound to the port, before anything starts. Raise CannotRun."""
    from local.serving import bound_socket

    try:
        return bound_socket(LOOPBACK, port)
    except (OSError, OverflowError) as problem:
        raise CannotRun(
            f"port {port} is not free ({problem}); PORT= and LAMBDA_PORT= choose others"
        ) from None


def database(options: Options, resources: ExitStack) -> str:
    """Return the owner's connection URL of a running database. Raise CannotRun, PostgresError."""
    if options.database_url is None:
        postgres = EmbeddedPostgres(STATE / "postgres")
        resources.callback(postgres.stop)
        starting = resources.enter_context(ThreadPoolExecutor(max_workers=1)).submit(postgres.start)
        # The import of SAM's modules takes longest, so it runs while Postgres starts.
        import local.gateway  # noqa: F401  # pyright: ignore[reportUnusedImport]

        starting.result()
        return postgres.url
    if not re.match(r"postgres(ql)?://[^/?@]+@[^/?@]+/", options.database_url):
        raise CannotRun(
            "DATABASE_URL must be of the form postgresql://owner:password@host:port/database"
        )
    try:
        psycopg.connect(options.database_url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as problem:
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        raise CannotRun(f"cannot connect to the database of DATABASE_URL: {reason[0]}") from None
    return options.database_url


def open_gateway(options: Options, owner_url: str, resources: ExitStack) -> "Gateway":
    """Return the functions of the built template. They log in to the database by their own roles;
    only Migrate uses the owner.
    """
    from local.gateway import Gateway

    parameters = {
        "AIBudgetsEnabled": options.ai_budgets_enabled,
        # Without an AWS account there is no topic and no bus.
        "AlertEventBus": "none",
        "AlertTopic": "none",
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "Database": "existing",
    }
    password = functions_password(STATE / "functions-password")
    environment = {
        "DATABASE_URL": functions_url(owner_url, password),
        "OWNER_DATABASE_URL": owner_url,
    }
    gateway = Gateway(TEMPLATE, parameters, environment=environment, state=STATE)
    return resources.enter_context(gateway)


def functions_password(kept: Path) -> str:
    """Return the password of the functions' roles from the file. Create it if it is missing."""
    password = kept.read_text() if kept.exists() else ""
    # A crash may leave an empty file. A new password works, because Migrate sets it at every start.
    if not re.fullmatch(r"[A-Za-z0-9_-]{32}", password):
        password = secrets.token_urlsafe(24)
        write_private(kept, password)
    return password


def functions_url(owner_url: str, password: str) -> str:
    """Return the URL of the same server and database for the functions. It names no user, because
    each function logs in by its own role.
    """
    url = urlsplit(owner_url)
    return url._replace(netloc=f":{password}@{url.netloc.rpartition('@')[2]}").geturl()


def invoke(gateway: "Gateway", name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function and return its result. Raise CannotRun if it fails."""
    outcome = gateway.call(name, json.dumps(event))
    result = cast("dict[str, Any]", json.loads(outcome.payload))
    if outcome.failed:
        problem = f"{result.get('errorType')}: {result.get('errorMessage')}".splitlines()[0]
        raise CannotRun(f"{name} failed: {problem} (more in {STATE / 'functions.log'})")
    return result


def access_log(resources: ExitStack) -> TextIO:
    """Return the stream for one line per request: the terminal, else a file, because a pipe without
    a reader would fill up.
    """
    if sys.stdout.isatty():
        return sys.stdout
    return resources.enter_context(private_log(STATE / "access.log"))


def greeting(urls: Mapping[str, str], demo: Demo, seconds: float) -> str:
    """Return the text that `make run` prints: addresses, tokens and the next commands."""
    people = "\n".join(f"  {name:8}{who:40}{demo.tokens[name]}" for name, who in PEOPLE.items())
    return f"""\
API      {urls["api_url"]}  (its documentation: /docs)
Lambda   {urls["lambda_url"]}  (boto3: endpoint_url)
State    {STATE}/  (stack.json, functions.log)

{people}

In another terminal, in this folder:
  eval "$(make demo)"
  curl -s $API/api/v2/users/me -H "Authorization: Bearer $MAYA"

The README continues from here.

ready in {seconds:.1f} s; ctrl-C ends it"""


if __name__ == "__main__":
    sys.exit(main())
