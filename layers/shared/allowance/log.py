"""The log: JSON lines, each with the request id that the caller also sees."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache


@contextmanager
def _hidden(module: str) -> Generator[None]:
    """Make an import of the module fail as if it were not installed, unless it is loaded."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[module]


# Powertools imports botocore if it is installed, only to add its name to the user agent of requests
# to AWS. It works without botocore. No route sends a request to AWS, so no cold start of a route
# should take the time of the import.
with _hidden("botocore"):
    from aws_lambda_powertools.logging import Logger


def cause_of(error: Exception) -> str | None:
    """Return the class, SQLSTATE and message of the cause of a database error; None: no cause. The
    message contains host and user at most.
    """
    cause = error.__cause__
    return (
        None
        if cause is None
        else f"{type(cause).__name__} {getattr(cause, 'sqlstate', None) or '-'}: {cause}"
    )


@cache
def logger() -> Logger:
    """Return the logger of this process, by POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
    return Logger(utc=True)
