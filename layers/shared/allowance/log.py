"""The log: JSON lines, each with the request id that the caller also sees."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache


@contextmanager
def _hidden(module: str) -> Generator[None]:
    """Make an import of the module fail as if it were not installed, unless it is
    loaded already.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[module]


# Powertools imports botocore wherever it finds it, only to put its own name into the user agent of
# AWS calls, and does without where it is not. No route calls AWS, so no route's cold start pays for
# it.
with _hidden("botocore"):
    from aws_lambda_powertools.logging import Logger


def cause_of(error: Exception) -> str | None:
    """What lies behind an error of the database: its SQLSTATE and its words, which name host and
    user at most.
    """
    cause = error.__cause__
    return (
        None
        if cause is None
        else f"{type(cause).__name__} {getattr(cause, 'sqlstate', None) or '-'}: {cause}"
    )


@cache
def logger() -> Logger:
    """The logger of this process, by POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
    return Logger(utc=True)
