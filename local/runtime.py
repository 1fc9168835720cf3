"""The folder that stands for /var/runtime: the runtime client and boto3, linked out of the virtual
environment.
"""

import contextlib
import re
import shutil
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

PROVIDED = ("boto3", "awslambdaric") if sys.platform == "linux" else ("boto3",)


def build_runtime(folder: Path) -> Path:
    """Link what the Python runtime of Lambda provides into a folder made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for provided in _closure(PROVIDED):
        for entry in _top_level(provided):
            (folder / entry).symlink_to(Path(str(provided.locate_file(entry))).absolute())
    return folder


def _closure(names: tuple[str, ...]) -> list[Distribution]:
    """These distributions and everything that they need here, optional extras left out."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        with contextlib.suppress(PackageNotFoundError):  # needed on another platform only
            found[name] = distribution(name)
            needs = [need for need in found[name].requires or [] if "extra ==" not in need]
            waiting += [re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0] for need in needs]
    return list(found.values())


def _top_level(provided: Distribution) -> set[str]:
    """The names that a distribution puts into site-packages; scripts, which lie outside, are left
    out.
    """
    return {file.parts[0] for file in provided.files or []} - {"..", "__pycache__"}
