"""IngestUsage: record the queued usage of gateways that must not wait for a response. Each message
is a batch of records.
"""

from typing import Any

from allowance.rbac.system import USAGE_INGESTER
from allowance.triggers.queue import consumer
from allowance.usage.store import UsageQueueStore


@consumer(USAGE_INGESTER, UsageQueueStore)
def handler(store: UsageQueueStore, message: dict[str, Any]) -> None:
    store.take(message)
