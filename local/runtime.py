"""The local equivalent of /var/runtime: the runtime client and boto3, as links into the virtual
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
    """Recreate the folder with links to the packages of Lambda's Python runtime, and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for provided in _closure(PROVIDED):
        for entry in _top_level(provided):
            (folder / entry).symlink_to(Path(str(provided.locate_file(entry))).absolute())
    return folder


def _closure(names: tuple[str, ...]) -> list[Distribution]:
    """Return these distributions and all their requirements on this platform, without extras."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        with contextlib.suppress(PackageNotFoundError):  # Only another platform needs it.
            found[name] = distribution(name)
            needs = [need for need in found[name].requires or [] if "extra ==" not in need]
            waiting += [re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0] for need in needs]
    return list(found.values())


def _top_level(provided: Distribution) -> set[str]:
    """Return the names of a distribution in site-packages. Scripts are outside, so not included."""
    return {file.parts[0] for file in provided.files or []} - {"..", "__pycache__"}
