"""DeliverAlerts: tell the configured receivers of the spend alerts that are due, and of each until they have it."""

from typing import Any

from allowance.alert_receivers import configured_receivers
from allowance.alert_store import AlertStore, DeliveryCounts
from allowance.jobs import job
from allowance.rbac.system import ALERT_DELIVERER


@job(ALERT_DELIVERER, AlertStore)
def handler(store: AlertStore, event: dict[str, Any]) -> DeliveryCounts:
    return store.deliver(configured_receivers())
