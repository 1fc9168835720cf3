"""ExpireUsage: drop the months of the usage ledger past their retention. The sums stay."""

from typing import Any

from allowance.rbac.system import USAGE_EXPIRER
from allowance.triggers.jobs import job
from allowance.usage.retention import ExpiredMonths, UsageExpirer
from allowance.usage.settings import usage_retention_months


@job(USAGE_EXPIRER, UsageExpirer)
def handler(expirer: UsageExpirer, event: dict[str, Any]) -> ExpiredMonths:
    return expirer.expire(usage_retention_months())
