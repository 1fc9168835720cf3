"""Settings of usage: ALERT_THRESHOLDS and USAGE_RETENTION_MONTHS."""

import os
import re
from functools import cache

from allowance.settings import BadSetting

MAX_RETENTION_MONTHS = 120


@cache
def alert_thresholds() -> tuple[int, ...]:
    """Return the percentages of a limit at which an alert is raised, in ascending order.

    ALERT_THRESHOLDS has them with commas, or is `none`; the default is 85,100. Raise BadSetting.
    """
    text = os.environ.get("ALERT_THRESHOLDS") or "85,100"
    if text == "none":
        return ()
    texts = text.split(",")
    if not all(re.fullmatch("[1-9][0-9]{0,2}", each) for each in texts):
        raise BadSetting(
            f"ALERT_THRESHOLDS must be whole percentages from 1 to 999, like 85,100, not {text!r}."
        )
    return tuple(sorted({int(each) for each in texts}))


@cache
def usage_retention_months() -> int:
    """Return how many whole months of the ledger are kept before the current one; 0 is all.

    USAGE_RETENTION_MONTHS, from 0 to 120; the default is 0. Raise BadSetting.
    """
    months = os.environ.get("USAGE_RETENTION_MONTHS", "0")
    if not (months.isascii() and months.isdecimal() and int(months) <= MAX_RETENTION_MONTHS):
        raise BadSetting(
            f"USAGE_RETENTION_MONTHS must be a whole number up to {MAX_RETENTION_MONTHS}, "
            f"not {months!r}."
        )
    return int(months)
