"""AttributeUsage: book usage whose user was not known, once its name has one."""

from typing import Any

from allowance.rbac.system import USAGE_ATTRIBUTOR
from allowance.triggers.jobs import job
from allowance.usage.attributor import AttributedUsage, UsageAttributor


@job(USAGE_ATTRIBUTOR, UsageAttributor)
def handler(attributor: UsageAttributor, event: dict[str, Any]) -> AttributedUsage:
    return attributor.attribute_usage()
