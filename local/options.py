"""The options of the local stack, and the error of a stack that cannot run."""

from collections.abc import Mapping
from dataclasses import dataclass


class CannotRun(Exception):
    """The stack cannot run. The message is one line for the person who typed `make run`."""


@dataclass(frozen=True)
class Options:
    """The options of the stack, from environment variables."""

    port: int
    lambda_port: int
    database_url: str | None
    ai_budgets_enabled: str
    has_usage: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        """Return the options of an environment. An empty variable counts as unset, because make
        passes it on. Raise CannotRun.
        """
        try:
            port, lambda_port = (
                int(environment.get("PORT") or 3000),
                int(environment.get("LAMBDA_PORT") or 3001),
            )
        except ValueError:
            raise CannotRun("PORT and LAMBDA_PORT must be numbers") from None
        enabled = environment.get("AI_BUDGETS_ENABLED") or "true"
        if enabled not in {"true", "false"}:
            raise CannotRun("AI_BUDGETS_ENABLED must be true or false")
        if port == lambda_port != 0:
            raise CannotRun("PORT and LAMBDA_PORT must differ")
        demo = environment.get("DEMO") or "month"
        if demo not in {"month", "empty"}:
            raise CannotRun("DEMO must be month or empty")
        # Without the feature no usage is recorded.
        has_usage = demo == "month" and enabled == "true"
        database_url = environment.get("DATABASE_URL") or None
        return cls(port, lambda_port, database_url, enabled, has_usage)
