"""ExpireOverrides: end the users' own limits whose time is over, with their audit entries."""

from typing import Any

from allowance.budgets.expiry import EndedOverrides, OverrideExpirer
from allowance.rbac.system import OVERRIDE_EXPIRER
from allowance.triggers.jobs import job


@job(OVERRIDE_EXPIRER, OverrideExpirer)
def handler(expirer: OverrideExpirer, event: dict[str, Any]) -> EndedOverrides:
    return expirer.end_overrides()
