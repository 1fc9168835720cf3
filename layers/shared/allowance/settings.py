"""The settings that every function needs: read once, typed, at first use.

The settings of one domain are in its own `settings` module.
"""

import os
from dataclasses import dataclass
from functools import cache


class BadSetting(Exception):
    """A setting of the deployment is invalid: an environment variable, or a secret's content."""


@dataclass(frozen=True)
class Settings:
    """The settings that every function needs."""

    ai_budgets_enabled: bool
    function_name: str


@cache
def settings() -> Settings:
    """Return the settings of this process. Raise BadSetting."""
    enabled = os.environ.get("AI_BUDGETS_ENABLED", "true")
    if enabled not in ("true", "false"):
        raise BadSetting(f"AI_BUDGETS_ENABLED must be true or false, not {enabled!r}.")
    return Settings(
        ai_budgets_enabled=enabled == "true",
        function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
    )
