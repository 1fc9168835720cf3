"""LiteLLM's proxy in an environment of its own: installed by hash, and run by an ordinary user.

It is never a dependency: three of its releases were compromised. As root, the user is `nobody`, who
can read nothing of ours but what is copied for it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from local.postgres_account import account_for, reachable_data, run_as
from local.processes import LOOPBACK, free_port, private_log, spawn, tethered

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".local/litellm-proxy"
REQUIREMENTS = Path(__file__).with_suffix(".txt")
CLIENT = ROOT / "clients/python/allowance_client"
PYTHONS = ">=3.11,<3.14"
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

OFFLINE = {
    "DISABLE_ADMIN_UI": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "NO_DOCS": "True",
    # Whatever else it would fetch fails at once.
    "HTTP_PROXY": f"http://{LOOPBACK}:9",
    "HTTPS_PROXY": f"http://{LOOPBACK}:9",
    "NO_PROXY": LOOPBACK,
}


class NotInstalled(Exception):
    """The proxy could not be installed."""


class Proxy:
    """An installation, and its user."""

    def __init__(self, place: Path = PLACE) -> None:
        self.account = account_for(place)
        self.home = reachable_data(place, self.account)
        digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
        self._environment = self.home / f"installed-{digest}"

    def install(self, uv: str) -> None:
        """Install what the hashes name, unless it is there. Raise NotInstalled."""
        if (self._environment / ".synced").exists():
            return
        folder = self._folder(self._environment)
        # Its user may not reach ours.
        copied = shutil.copy(shutil.which(uv) or uv, self.home / "uv")
        requirements = shutil.copy(REQUIREMENTS, self.home / "requirements.txt")
        variables = self._variables() | {"UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}
        variables |= {name: os.environ[name] for name in CERTIFICATES if name in os.environ}
        python = str(folder / "venv/bin/python")
        hashed = ["--require-hashes", "--only-binary", ":all:"]
        for command in (
            [copied, "venv", "--clear", "--python", PYTHONS, str(folder / "venv")],
            [copied, "pip", "sync", "--python", python, *hashed, requirements],
        ):
            done = run_as(self.account, list(map(str, command)), variables)
            if done.returncode:
                raise NotInstalled(done.stderr)
        (self._environment / ".synced").touch()

    @contextmanager
    def running(
        self, files: Mapping[str, str], log: Path, **variables: str
    ) -> Generator[tuple[str, subprocess.Popen[bytes], Path]]:
        """Yield the address of a proxy that starts, its process, and its folder, which has these
        files. `config.yaml` is its configuration.
        """
        folder = self._folder(Path(mkdtemp(prefix="run-", dir=self.home)))
        shutil.copytree(
            CLIENT, folder / "allowance_client", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name, text in files.items():
            (folder / name).write_text(text)
        port = free_port()
        command = [
            str(self._environment / "venv/bin/litellm"),
            *("--config", str(folder / "config.yaml")),
            *("--host", LOOPBACK, "--port", str(port), "--num_workers", "1"),
        ]
        with private_log(log) as output:
            process = spawn(
                tethered(command, account=self.account),
                environment=self._variables() | OFFLINE | {"PYTHONPATH": str(folder)} | variables,
                folder=folder,
                output=output,
                errors=output,
            )
            try:
                yield f"http://{LOOPBACK}:{port}", process, folder
            finally:
                process.kill()
                process.wait()
                shutil.rmtree(folder)

    def _folder(self, folder: Path) -> Path:
        """Return a folder that belongs to the user."""
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, self.account.uid, self.account.gid)
        return folder

    def _variables(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    try:
        Proxy().install(sys.argv[1])
    except NotInstalled as problem:
        sys.exit(f"make test-litellm: {problem}")
