"""A command in a pseudo-terminal: each of its questions gets Enter."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 1.0
"""A command that prints nothing for so long, at the end of a question, waits for its answer."""
QUESTION = re.compile(r"[^\n]*:\s?\Z")
STYLES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Session:
    """What a command printed, the number of its questions, and its exit code."""

    printed: str
    questions: tuple[str, ...]
    code: int


def with_enter(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float
) -> Session:
    """Run a command to its end in a pseudo-terminal. TimeoutError: it runs for too long."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    printed, answered = "", 0
    questions: list[str] = []
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], QUIET_SECONDS)[0]:
                piece = _read(ours)
                if not piece:
                    return Session(printed, tuple(questions), process.wait(QUIET_SECONDS * 10))
                printed += STYLES.sub("", piece)
            elif question := QUESTION.search(printed, answered):
                questions.append(question[0].strip())
                answered = len(printed)
                os.write(ours, b"\n")
        raise TimeoutError(printed[-3000:])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def _read(terminal: int) -> str:
    """What came; nothing once the command has closed its end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536).decode(errors="replace").replace("\r\n", "\n")
    except OSError:
        return ""
