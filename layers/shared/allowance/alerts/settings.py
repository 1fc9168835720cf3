"""Where alerts go and lead: ALERT_TOPIC_ARN, ALERT_EVENT_BUS and ALERT_API_URL."""

import os
import re
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting

TOPIC_ARN = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?", re.ASCII)

API_URL = re.compile(r"https?://[\w.:-]+", re.ASCII)


@dataclass(frozen=True)
class AlertReceivers:
    """Where spend alerts go: the ARN of an SNS topic, and the name of an EventBridge bus. None: not
    there.
    """

    topic_arn: str | None
    event_bus: str | None


@cache
def alert_receivers() -> AlertReceivers:
    """ALERT_TOPIC_ARN and ALERT_EVENT_BUS; what is empty is none. Raises BadSetting."""
    topic_arn = os.environ.get("ALERT_TOPIC_ARN") or None
    if topic_arn is not None and not TOPIC_ARN.fullmatch(topic_arn):
        raise BadSetting(f"ALERT_TOPIC_ARN must be the ARN of an SNS topic, not {topic_arn!r}.")
    return AlertReceivers(topic_arn, os.environ.get("ALERT_EVENT_BUS") or None)


@cache
def console_url() -> str | None:
    """Return the address of the console. None: no ALERT_API_URL is set. Raise BadSetting."""
    url = os.environ.get("ALERT_API_URL") or None
    if url is not None and not API_URL.fullmatch(url):
        raise BadSetting(f"ALERT_API_URL must be like https://api.example.com, not {url!r}.")
    return url and f"{url}/console"
