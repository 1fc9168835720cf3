"""The surroundings of a command: no setting of the machine, and one certificate authority."""

from pathlib import Path

import pytest

from tests.command_line import one_authority


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the person who runs the tests."""
    for name in ("ALLOWANCE_URL", "ALLOWANCE_TOKEN", "ALLOWANCE_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority(tmp_path)))
