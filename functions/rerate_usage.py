"""RerateUsage: book what usage costs by prices that appeared or were corrected since it was
recorded.
"""

from typing import Any

from allowance.rbac.system import USAGE_RERATER
from allowance.triggers.jobs import job
from allowance.usage.rerating import RerateCounts, UsageRerater


@job(USAGE_RERATER, UsageRerater)
def handler(rerater: UsageRerater, event: dict[str, Any]) -> RerateCounts:
    return rerater.rerate()
