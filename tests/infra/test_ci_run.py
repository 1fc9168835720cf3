"""`.ci/run` says whether its steps passed, and stops the Docker engine that it made."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def command(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the script, in which every step passes and no Docker engine runs yet."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    command(tmp_path / "bin/docker", "exit 1")
    command(tmp_path / "bin/ldconfig", "exit 0")
    command(tmp_path / "bin/make", f'echo "$@" >>{tmp_path}/steps')
    command(
        tmp_path / "local/docker/engine.sh",
        f'echo "engine $1" >>{tmp_path}/steps\necho "export ENGINE=made"',
    )
    return tmp_path


def run(checkout: Path) -> tuple[int, list[str]]:
    """The status of the script, and the steps that it took."""
    done = subprocess.run(
        ["/bin/bash", ".ci/run"],
        cwd=checkout,
        env={"PATH": f"{checkout}/bin:/usr/bin:/bin"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (checkout / "steps").read_text().splitlines()


def test_all_steps_that_pass_are_a_success_and_end_the_engine(checkout: Path) -> None:
    status, steps = run(checkout)
    assert status == 0
    assert {"check", "test", "test-docker", "engine all"} <= set(steps)
    assert "test-postgres-16" not in steps, "the container is of this version"
    assert steps[-1] == "engine down"


@pytest.mark.parametrize("failing", ["check", "test", "test-docker"])
def test_a_step_that_fails_is_a_failure_and_ends_the_engine(checkout: Path, failing: str) -> None:
    command(checkout / "bin/make", f'echo "$@" >>{checkout}/steps\n[ "$1" != {failing} ] || exit 2')
    status, steps = run(checkout)
    assert status == 2
    assert steps[-1] == "engine down"


@pytest.mark.parametrize("libraries", ["", "libxml2.so.2"])
def test_without_an_engine_the_embedded_server_is_of_that_version(
    checkout: Path, libraries: str
) -> None:
    command(checkout / "local/docker/engine.sh", f'echo "engine $1" >>{checkout}/steps\nexit 1')
    command(checkout / "bin/ldconfig", f"echo {libraries}")
    status, steps = run(checkout)
    assert status == 0
    assert "test-docker" not in steps
    assert ("test-postgres-16" in steps) == bool(libraries)
