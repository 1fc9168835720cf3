"""What must never be logged: tokens, passwords, connection strings. Every suite searches its logs
for them.
"""

import re
from pathlib import Path

TOKEN = re.compile(r"alw_[A-Za-z0-9]{12}_[A-Za-z0-9]{32}")
CONNECTION_STRING = re.compile(r"postgres(ql)?://[^\s:/@]+:[^\s@]+@")
SIGNATURE = re.compile(r"X-Amz-Signature=[0-9a-f]{64}|AWS4-HMAC-SHA256 Credential=")

PASSWORDS: set[str] = set()
"""The passwords of the servers that the suites started. The code that makes one adds it here."""


def leaks(text: str) -> list[str]:
    """The kinds of secrets that a text holds, without the secrets themselves."""
    kinds = {
        "a token": TOKEN,
        "a connection string": CONNECTION_STRING,
        "a signed credential": SIGNATURE,
    }
    found = [kind for kind, pattern in kinds.items() if pattern.search(text)]
    return [*found, *("a password" for password in PASSWORDS if password in text)]


def leaks_in_logs_of(state: Path) -> dict[str, list[str]]:
    """The kinds of secrets in each log of a stack that holds any."""
    return {
        path.name: found
        for path in state.glob("*.log")
        if (found := leaks(path.read_text(errors="replace")))
    }
