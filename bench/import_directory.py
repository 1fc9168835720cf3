"""Measure imports of a large directory, each in a process of its own: `make bench-import`.

The document has 50,000 users (`USERS=`) in three organizations and 200 groups, each user in one to
five groups. The promises: 60 seconds, and 400 MB of memory.
"""

import importlib
import json
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg

from allowance.rbac.system import Login
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

ROOT = Path(__file__).resolve().parent.parent
SECONDS, MEGABYTES = 60, 400
GROUPS = 200
TOKENS = 30_000


def directory(count: int, seed: int) -> dict[str, Any]:
    """Return a document. Another seed puts the same users into other groups."""
    random_ = random.Random(seed)  # noqa: S311
    groups = {f"org-{i}": [f"group-{n:03}" for n in range(i, GROUPS, 3)] for i in range(3)}

    def memberships(organization: str) -> list[dict[str, Any]]:
        listed = random_.sample(groups[organization], random_.randint(1, 5))
        return [{"name": organization, "groups": listed}]

    return {
        "organizations": [{"name": name, "groups": listed} for name, listed in groups.items()],
        "users": [
            {
                "username": f"u{n:05}",
                "email": f"u{n:05}@acme.example",
                "organizations": memberships(f"org-{n % 3}"),
            }
            for n in range(count)
        ],
    }


def write_documents(folder: Path, count: int) -> None:
    """Write the documents of the five imports."""
    first, other = directory(count, 1), directory(count, 2)
    names = [each["username"] for each in first["users"]]
    half = [new if n % 2 else old for n, (old, new) in enumerate(
        zip(first["users"], other["users"], strict=True))]  # fmt: skip
    documents = {
        "1 into an empty database": first,
        "2 the same again": first,
        "3 half of the users change groups": first | {"users": half},
        "4 a token each": {
            "tokens": [{"username": name, "name": "laptop"} for name in names[:TOKENS]]
        },
        "5 all users are deleted": {
            "users": [{"username": name, "status": "deleted"} for name in names]
        },
    }
    for label, document in documents.items():
        (folder / label).write_text(json.dumps(document, separators=(",", ":")))


def import_one(path: Path) -> None:
    """Import a document, as Lambda's runtime does, and print what it took."""
    sys.path.append(str(ROOT / "functions"))
    import_directory: Any = importlib.import_module("import_directory")
    event = json.loads(path.read_text())
    started = time.perf_counter()
    response = json.dumps(import_directory.handler(event, SimpleNamespace(aws_request_id="bench")))
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{path.name[2:]:36}{path.stat().st_size / 1e6:10.1f}{len(response) / 1e6:10.1f}"
        f"{seconds:8.1f}{seconds / SECONDS:7.2f}{megabytes:8.0f}{megabytes / MEGABYTES:7.2f}",
        flush=True,
    )


def main() -> None:
    count = int(os.environ.get("USERS", "50000"))
    password = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(durable=True) as server,
        psycopg.connect(server.url, autocommit=True) as owner,
    ):
        migrate(owner, passwords={Login.DIRECTORY: password})
        parts = urlsplit(server.url)
        address = parts.netloc.rpartition("@")[2]
        os.environ["DATABASE_URL"] = parts._replace(
            netloc=f"{Login.DIRECTORY}:{password}@{address}"
        ).geturl()
        # In a process of its own: the peak of a new process begins with its parent's.
        _run("write", folder, str(count))
        print(f"{f'import, {count} users':36}{'request':>10}{'response':>10}", end="")
        print(f"{'seconds':>8}{'ratio':>7}{'MB':>8}{'ratio':>7}")
        print(f"the load of {os.cpu_count()} cores is {os.getloadavg()[0]:.1f}", flush=True)
        for path in sorted(Path(folder).iterdir()):
            _run("import", str(path))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "bench.import_directory", *arguments], check=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder, count]:
            write_documents(Path(folder), int(count))
        case ["import", path]:
            import_one(Path(path))
        case _:
            main()
