"""The readers of files run in a Lambda layer that has no library."""

import subprocess
import sys

ALONE = """
import sys
for name in ("httpx", "yaml", "rich", "cyclopts", "platformdirs", "allowance"):
    sys.modules[name] = None
import allowance_client.imports.scheduled
"""


def test_a_job_needs_the_standard_library_alone() -> None:
    ran = subprocess.run([sys.executable, "-c", ALONE], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
