"""When usage raises alerts, and how long it is kept: ALERT_THRESHOLDS, USAGE_RETENTION_MONTHS."""

import os
import re
from functools import cache

from allowance.settings import BadSetting

MAX_RETENTION_MONTHS = 120


@cache
def alert_thresholds() -> tuple[int, ...]:
    """At which percentages of a limit an alert is raised: ALERT_THRESHOLDS, with commas between
    them, or `none`.

    Raises BadSetting.
    """
    stated = os.environ.get("ALERT_THRESHOLDS") or "85,100"
    if stated == "none":
        return ()
    texts = stated.split(",")
    if not all(re.fullmatch("[1-9][0-9]{0,2}", each) for each in texts):
        raise BadSetting(
            "ALERT_THRESHOLDS must be whole percentages from 1 to 999, like 85,100, not "
            f"{stated!r}."
        )
    return tuple(sorted({int(each) for each in texts}))


@cache
def usage_retention_months() -> int:
    """How many whole months of the ledger of usage are kept before the present one:
    USAGE_RETENTION_MONTHS, 0..120.

    0 is all of them. Raises BadSetting.
    """
    months = os.environ.get("USAGE_RETENTION_MONTHS", "0")
    if not (months.isascii() and months.isdecimal() and int(months) <= MAX_RETENTION_MONTHS):
        raise BadSetting(
            f"USAGE_RETENTION_MONTHS must be a whole number up to {MAX_RETENTION_MONTHS}, "
            f"not {months!r}."
        )
    return int(months)
