"""The accounts of the stores of the reconciliation."""

from allowance.reconciliation.comparison import ReconciliationStore
from allowance.reconciliation.comparison_models import ReconciliationQuery
from allowance.reconciliation.models import VendorUsageReport
from allowance.reconciliation.store import VendorUsageStore
from tests.accounting import Account

REPORT = {"vendor": "p", "model": "m", "day": "2026-11-20", "cost_micros": 1}

RECONCILIATION_ACCOUNTS: dict[tuple[type, str], Account] = {
    (VendorUsageStore, "see_path"): Account(
        ["read group_member in acme"], lambda s, _: s.see_path()
    ),
    (VendorUsageStore, "store"): Account(
        ["read group_member in acme", "update ai_usage"],
        lambda s, _: s.store(VendorUsageReport.model_validate({"rows": [REPORT]})),
    ),
    (ReconciliationStore, "see_path"): Account(
        ["read group_member in acme"], lambda s, _: s.see_path()
    ),
    (ReconciliationStore, "compare"): Account(
        ["read group_member in acme"],
        lambda s, _: s.compare(ReconciliationQuery(month="2026-11")),
    ),
}
