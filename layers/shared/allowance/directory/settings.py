"""Settings of tokens: TOKEN_MAX_DAYS."""

import os
from functools import cache

from allowance.settings import BadSetting

MAX_TOKEN_DAYS = 3650


@cache
def token_max_days() -> int:
    """Return for how many days at most a user's own token is valid.

    TOKEN_MAX_DAYS, from 1 to 3650; the default is 90. Raise BadSetting.
    """
    days = os.environ.get("TOKEN_MAX_DAYS") or "90"
    # Its length first: Python refuses to read very long numbers.
    is_whole = days.isascii() and days.isdecimal() and len(days) <= len(str(MAX_TOKEN_DAYS))
    if not is_whole or not 1 <= int(days) <= MAX_TOKEN_DAYS:
        raise BadSetting(
            f"TOKEN_MAX_DAYS must be a whole number from 1 to {MAX_TOKEN_DAYS}, not {days!r}."
        )
    return int(days)
