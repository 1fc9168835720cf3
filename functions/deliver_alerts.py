"""DeliverAlerts: send due spend alerts to every configured receiver. Retry each alert until it is
accepted.
"""

from typing import Any

from allowance.alerts.delivery import AlertStore, DeliveryCounts
from allowance.alerts.receivers import configured_receivers
from allowance.rbac.system import ALERT_DELIVERER
from allowance.triggers.jobs import job


@job(ALERT_DELIVERER, AlertStore)
def handler(store: AlertStore, event: dict[str, Any]) -> DeliveryCounts:
    return store.deliver(configured_receivers())
