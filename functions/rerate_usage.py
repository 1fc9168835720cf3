"""RerateUsage: correct the cost of usage whose price appeared or changed after the recording."""

from typing import Any

from allowance.rbac.system import USAGE_RERATER
from allowance.triggers.jobs import job
from allowance.usage.rerating import RerateCounts, UsageRerater


@job(USAGE_RERATER, UsageRerater)
def handler(rerater: UsageRerater, event: dict[str, Any]) -> RerateCounts:
    return rerater.rerate()
