"""The command `allowance` in this process."""

import io
import json
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, override

import certifi

from allowance_client.cli.main import run


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the lines behind the titles."""
        return [line.split("\t") for line in self.out.splitlines()[1:]]

    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]
"""Runs the words after `allowance`."""


class Printed(io.StringIO):
    """What this thread prints. Servers of the test print beside it, as they did before."""

    def __init__(self, others: TextIO, *, is_terminal: bool) -> None:
        super().__init__()
        self._others, self._is_terminal = others, is_terminal
        self._thread = threading.get_ident()

    @override
    def write(self, text: str, /) -> int:
        if threading.get_ident() == self._thread:
            return super().write(text)
        return self._others.write(text)

    @override
    def isatty(self) -> bool:
        return self._is_terminal


@contextmanager
def printing(*, is_terminal: bool = False) -> Generator[tuple[Printed, Printed]]:
    """Collect stdout and stderr of this thread."""
    before = sys.stdout, sys.stderr
    out, err = (Printed(each, is_terminal=is_terminal) for each in before)
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = before


def one_authority(folder: Path) -> Path:
    """A new file with one certificate authority. To read all of them takes most of the time of a
    command, and loopback needs none.
    """
    end = "-----END CERTIFICATE-----\n"
    first, _, _ = Path(certifi.where()).read_text().partition(end)
    file = folder / "authority.pem"
    file.write_text(first + end)
    return file


def ran(*words: str, is_terminal: bool = False) -> Ran:
    """Run a command, as if it printed into a file or onto a terminal."""
    with printing(is_terminal=is_terminal) as (out, err):
        code = run(words)
    return Ran(code, out.getvalue(), err.getvalue())
