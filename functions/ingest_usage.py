"""IngestUsage: record what gateways that must not wait put into the queue, a batch of usage records
a message.
"""

from typing import Any

from allowance.rbac.system import USAGE_INGESTER
from allowance.triggers.queue import consumer
from allowance.usage.store import UsageQueueStore


@consumer(USAGE_INGESTER, UsageQueueStore)
def handler(store: UsageQueueStore, message: dict[str, Any]) -> None:
    store.take(message)
