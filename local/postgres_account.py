"""The account that runs Postgres, and folders of programs and data that it can reach. Only root
needs this module.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.processes import NOBODY_ELSE, Account

ROOTS_PLACE = Path("/var/lib/allowance-local")
"""Root's folder for files that `nobody` must reach. Only root can write to it. In a temporary
folder another user could plant programs with the expected names.
"""


def account_for(cluster: Path) -> Account:
    """Return our own account. For root, which Postgres refuses, return the owner of the cluster,
    else `nobody`.
    """
    if os.geteuid() != 0:
        return NOBODY_ELSE
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable_binaries(binaries: Path, account: Account) -> Path:
    """Return the folder of programs, or a copy if the account cannot reach it, for example below a
    0700 folder.
    """
    if account == NOBODY_ELSE or _succeeds(account, str(binaries / "initdb"), "--version"):
        return binaries
    tree = binaries.resolve().parent
    package = tree.parent
    libraries = package.with_name(f"{package.name}.libs")
    # Another version or a new installation gets another copy.
    made = (binaries / "postgres").stat().st_mtime_ns
    copy = ROOTS_PLACE / f"programs-{_short_hash(f'{tree} {made}')}"
    if not copy.exists():
        ROOTS_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=ROOTS_PLACE))
        headers = shutil.ignore_patterns("include")
        shutil.copytree(tree, unfinished / package.name / tree.name, symlinks=True, ignore=headers)
        # The programs look for their libraries in the sibling folder, by a relative path.
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:
            # Another process was faster, and its copy is the same.
            shutil.rmtree(unfinished)
    return copy / package.name / tree.name / "bin"


def reachable_data(data: Path, account: Account) -> Path:
    """Return the data folder, created if missing. If the account cannot reach `data`, `data`
    becomes a link to a folder that it can reach.

    The link is the only record of the move, so deleting `data` must delete its target too.
    """
    # The account `nobody` must pass through the folder to the cluster. Otherwise it is private.
    mode = 0o700 if account == NOBODY_ELSE else 0o711
    data.parent.mkdir(parents=True, exist_ok=True)
    if (
        account != NOBODY_ELSE
        and not data.is_symlink()
        and not _succeeds(account, "test", "-x", str(data.parent))
    ):
        elsewhere = ROOTS_PLACE / f"data-{_short_hash(str(data))}"
        elsewhere.mkdir(mode=mode, parents=True, exist_ok=True)
        if data.is_dir():
            data.rmdir()
        data.symlink_to(elsewhere)
    home = data.resolve()
    home.mkdir(mode=mode, parents=True, exist_ok=True)
    home.chmod(mode)
    return home


def run_as(
    account: Account, command: list[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as an account, and return its result. It starts in the root folder, because
    the account may not reach our folder.
    """
    if account == NOBODY_ELSE:
        return subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, check=False
        )
    return subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )


def _succeeds(account: Account, *command: str) -> bool:
    """Return whether the command succeeds for the account."""
    try:
        return run_as(account, list(command)).returncode == 0
    except PermissionError:
        return False


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
