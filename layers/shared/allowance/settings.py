"""What every function needs to know of its deployment: read once, typed, late.

The settings of one domain lie in its own `settings` module.
"""

import os
from dataclasses import dataclass
from functools import cache


class BadSetting(Exception):
    """A setting of the deployment cannot be used: an environment variable, or what a
    secret holds.
    """


@dataclass(frozen=True)
class Settings:
    """What a function needs to know of its deployment."""

    ai_budgets_enabled: bool
    function_name: str


@cache
def settings() -> Settings:
    """The settings of this process. Raises BadSetting."""
    enabled = os.environ.get("AI_BUDGETS_ENABLED", "true")
    if enabled not in ("true", "false"):
        raise BadSetting(f"AI_BUDGETS_ENABLED must be true or false, not {enabled!r}.")
    return Settings(
        ai_budgets_enabled=enabled == "true",
        function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
    )
