"""The command of a person of acme: `command("budgets list", by="adam")`."""

import shlex
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.command_line import Command, Ran, one_authority, ran
from tests.loopback_api import Served, served
from tests.people import Acme


@pytest.fixture
def server_of_commands() -> Generator[Served]:
    with served() as server:
        yield server


@pytest.fixture
def command(
    acme: Acme,
    server_of_commands: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """Runs a line as adam, or as another person, without a configuration file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("ALLOWANCE_URL", server_of_commands.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority(tmp_path)))
    monkeypatch.delenv("ALLOWANCE_ORGANIZATION", raising=False)

    def run_line(line: str, *more: str, by: str = "adam") -> Ran:
        monkeypatch.setenv("ALLOWANCE_TOKEN", acme.tokens[f"{by}/test"])
        return ran(*shlex.split(line), *more)

    return run_line
