"""Processes that are killed at random: recorders of usage, and jobs.

`python -m tests.mortals KIND...` imports everything once, and forks a process of each kind, which
works until it is killed; another one takes its place. It ends when its input does. Its output has
a JSON object on each line: what a recorder got acknowledged, what surprised a process, which kind
was killed.
"""

import importlib
import itertools
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from tests.gateway import Context
from tests.ledger import record_in
from tests.usage import in_month_before

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 0.3
"""Between two kills, at most."""
PATIENCE_SECONDS = 60
"""On a busy machine a process needs longer to begin."""
BATCH = 30
RESENT = 3
"""Batches of its predecessor that a recorder sends again, like a gateway without a response."""

JOBS = {
    "rerate": "rerate_usage",
    "expire": "expire_usage",
    "export": "export_spend",
    "deliver": "deliver_alerts",
}
"""Their functions: imported only for a test of jobs, because AWS's SDK takes a second."""
END_LEASES = {
    "export": "UPDATE ai_spend_exports SET leased_until = '-infinity'",
    "deliver": "UPDATE ai_alerts SET leased_until = '-infinity'",
}
"""A run that was killed leaves leases. A test does not wait for their end."""


def batch_of(name: str, users: Sequence[str], months: Sequence[int]) -> list[dict[str, Any]]:
    """A batch of usages, some months old, the same for the same name. Who sends `A-1` and who sends
    `B-1` has one key in ten in common. One usage in ten is of nobody.
    """
    made: list[dict[str, Any]] = []
    for n in range(BATCH):
        id_ = f"{name}-{n}" if n % 10 else f"shared-{name.rpartition('-')[2]}-{n}"
        user = users[len(id_) * 7 % len(users)] if n % 10 != 5 else "nobody"
        month = months[n % len(months)]
        made.append(in_month_before(month, user=user, tokens={"input": 1000 + n}) | {"id": id_})
    return made


@dataclass
class Witness:
    """What the processes said."""

    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    recorded: int = 0
    surprises: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, output: Path) -> "Witness":
        made = cls()
        for line in output.read_text().splitlines():
            match json.loads(line):
                case {"killed": kind}:
                    made.kills[kind] += 1
                case {"surprise": text}:
                    made.surprises.append(text)
                case {"answers": answers}:
                    made.recorded += sum(status == "recorded" for status in answers.values())
                    for id_, status in answers.items():
                        (made.refused if status == "rejected" else made.acknowledged).add(id_)
                case other:
                    raise AssertionError(other)
        return made


@contextmanager
def mortals(
    *kinds: str,
    output: Path,
    app_url: str,
    owner_url: str,
    users: Sequence[str],
    months: Sequence[int],
) -> Generator[Callable[[], bool]]:
    """Processes of these kinds, killed at random, and whether that is enough: each kind was killed
    twice, and the recorders got some batches through. They have time until their patience ends.
    """
    path = os.pathsep.join(map(str, (ROOT, ROOT / "functions", ROOT / "layers/shared")))
    given = {"app_url": app_url, "owner_url": owner_url, "users": users, "months": months}
    started = time.monotonic()

    def enough() -> bool:
        witness = Witness.of(output)
        return time.monotonic() > started + PATIENCE_SECONDS or (
            all(witness.kills[kind] > 1 for kind in kinds) and len(witness.acknowledged) > 2 * BATCH
        )

    with (
        output.open("w") as lines,
        subprocess.Popen(
            [sys.executable, "-m", "tests.mortals", json.dumps(given), *kinds],
            stdin=subprocess.PIPE,
            stdout=lines,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path, "DATABASE_URL": app_url},
        ) as process,
    ):
        yield enough
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def say(descriptor: int, **said: object) -> None:
    """One line, in one write: a process that is killed leaves no half of it."""
    os.write(descriptor, f"{json.dumps(said)}\n".encode())


def recorder(kind: str, generation: int, given: dict[str, Any], output: int) -> Callable[[], None]:
    """What records a new batch each time, beside those of the predecessor."""
    connection = Connection(DatabaseSource(given["app_url"]), kind)
    names = itertools.chain(
        (f"{kind}.{generation - 1}-{sent}" for sent in range(RESENT)),
        (f"{kind}.{generation}-{sent}" for sent in itertools.count()),
    )

    def record_next() -> None:
        batch = batch_of(next(names), given["users"], given["months"])
        answers = record_in(connection, batch, datetime.now(UTC))
        said = {each["id"]: got.status for each, got in zip(batch, answers, strict=True)}
        say(output, answers=said)

    return record_next


def work(kind: str, generation: int, given: dict[str, Any]) -> NoReturn:
    """Record, or run a job, again and again until this process is killed."""
    output = os.dup(1)
    # Handlers log to the standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        if kind in JOBS:
            handler = importlib.import_module(JOBS[kind]).handler
            step: Callable[[], object] = lambda: handler({}, Context())  # noqa: E731
        else:
            step = recorder(kind, generation, given, output)
        while True:
            try:
                step()
            except DatabaseUnavailable:
                time.sleep(0.02)
    except BaseException as error:  # noqa: BLE001
        say(output, surprise=f"{kind}: {error!r}")
    os._exit(1)


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def main(given: dict[str, Any], kinds: Sequence[str]) -> None:
    for kind in JOBS.keys() & set(kinds):
        importlib.import_module(JOBS[kind])
    if "export" in kinds:
        # Reading the descriptions of AWS's services takes longer than a process lives.
        importlib.import_module("boto3").client("s3", region_name="us-east-1")
    chance = random.Random(len(kinds))  # noqa: S311
    generations: Counter[str] = Counter()
    living: dict[str, int] = {}
    victims: list[str] = []
    try:
        while not select.select([sys.stdin], [], [], chance.uniform(0, LONGEST_SECONDS))[0]:
            if living:
                # In rounds, so that no kind is spared for long.
                victims = victims or chance.sample(kinds, len(kinds))
                kind = victims.pop()
                kill(living.pop(kind))
                say(1, killed=kind)
                if kind in END_LEASES:
                    with psycopg.connect(given["owner_url"], autocommit=True) as owner:
                        owner.execute(END_LEASES[kind].encode())
            for kind in kinds:
                if kind not in living:
                    generations[kind] += 1
                    living[kind] = os.fork()
                    if living[kind] == 0:
                        work(kind, generations[kind], given)
    finally:
        for process in living.values():
            kill(process)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
