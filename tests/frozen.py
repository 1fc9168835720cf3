"""A caller in a process of its own, which a test stops by SIGSTOP and lets go on.

`python -m tests.frozen` reads a JSON object from its input: the URL of the database, who asks for
how much, the key, and whether it decides in a transaction that it keeps open. It writes `deciding`
before the decision, `held` before the COMMIT, for which it waits for a line of input, and the
outcome at last. What it lost it asks for again, like a gateway without a response.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from tests.decisions import call_of_decision

ROOT = Path(__file__).parents[1]


class Frozen:
    """The process, for the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def says(self) -> str:
        """The next line that it writes."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Write a line to its input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Freeze it. Returns when it has stopped."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def frozen(
    app_url: str, user_id: UUID, micros: int, key: str, *, in_transaction: bool
) -> Generator[Frozen]:
    """A process that is about to decide. It ends with the block."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "layers/shared")))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.frozen"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        try:
            made = Frozen(process)
            made.tell(json.dumps([app_url, str(user_id), micros, key, in_transaction]))
            assert made.says() == "deciding"
            yield made
        finally:
            process.kill()


def main() -> None:
    url, user_id, micros, key, in_transaction = json.loads(sys.stdin.readline())
    connection = Connection(DatabaseSource(url), "frozen")
    decision = call_of_decision(UUID(user_id), micros, key)
    print("deciding", flush=True)
    if in_transaction:
        try:
            with connection.transaction():
                connection.rows_of(decision)
                print("held", flush=True)
                sys.stdin.readline()
        except DatabaseUnavailable:
            print("lost", flush=True)
            connection.start_invocation()
    (decided,) = connection.rows_of(decision)
    print(decided.facts.outcome, flush=True)


if __name__ == "__main__":
    main()
