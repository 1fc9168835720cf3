"""The accounts of authorization: what each public method of a store needs, and its call."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from allowance.access.store import CallerStore, GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.alerts.delivery import AlertStore
from allowance.alerts.listing import AlertListStore, AlertQuery
from allowance.alerts.models import Alert
from allowance.alerts.receivers import ReceiverName
from allowance.audit.models import AuditPage, AuditQuery
from allowance.audit.store import AuditStore
from allowance.budgets.expiry import OverrideExpirer
from allowance.budgets.groups import GroupBudgetStore
from allowance.budgets.models import OverrideLimit
from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.directory.importer import DirectoryStore
from allowance.directory.models import GroupQuery
from allowance.directory.reading import read_directory
from allowance.directory.store import CallerDirectoryStore, GroupStore, OrganizationStore
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action
from allowance.usage.differences import DifferenceQuery
from allowance.usage.importing import UsageImportStore
from allowance.usage.models import UsageBatch
from allowance.usage.rerating import UsageRerater
from allowance.usage.retention import UsageExpirer
from allowance.usage.store import UsageQueueStore, UsageStore
from allowance.usage.unpriced import UnpricedQuery
from tests.accounting import EVERYWHERE, Account, platform
from tests.budget_accounts import BUDGET_ACCOUNTS
from tests.export_accounts import EXPORT_ACCOUNTS
from tests.gateway_accounts import GATEWAY_ACCOUNTS
from tests.overview_accounts import OVERVIEW_ACCOUNTS
from tests.people import EVERY_STEP
from tests.people_accounts import PEOPLE_ACCOUNTS
from tests.price_accounts import PRICE_ACCOUNTS
from tests.reconciliation_accounts import RECONCILIATION_ACCOUNTS
from tests.reservation_accounts import RESERVATION_ACCOUNTS
from tests.sender_accounts import SENDER_ACCOUNTS
from tests.spend_accounts import SPEND_ACCOUNTS
from tests.token_accounts import TOKEN_ACCOUNTS
from tests.unattributed_accounts import UNATTRIBUTED_ACCOUNTS, UNKNOWN

USAGE = {
    "source": "s",
    "id": "1",
    "user": "maya",
    "provider": "p",
    "model": "m",
    "occurred_at": "2026-11-20T10:00:00Z",
    "tokens": {"input": 1},
    "cost_usd": 1,
}

OF_NOBODY = [USAGE | {"id": name, "user": name} for name in UNKNOWN]
SENT_LATER = USAGE | {"id": "later", "user": "later"}
FRESH = USAGE | {"id": "3"}
VOID = {"source": "s", "id": "3", "void": True}
SETTLING = USAGE | {"id": "2", "reservation_key": "k"}
RENAMED = [
    USAGE | {"id": "4"},
    *(USAGE | {"id": "4", "user": each, "amends": True} for each in ("another", "maya")),
]


@dataclass
class TakesAll:
    """A receiver that accepts every alert."""

    name: ReceiverName = "sns"
    keeps_order: bool = False
    alerts: list[Alert] = field(default_factory=list)

    def send(self, alerts: Sequence[Alert]) -> list[str | None]:
        self.alerts += alerts
        return [None] * len(alerts)

    def close(self) -> None:
        """Nothing is open."""


ACCOUNTS: dict[tuple[type, str], Account] = (
    PRICE_ACCOUNTS
    | RESERVATION_ACCOUNTS
    | BUDGET_ACCOUNTS
    | UNATTRIBUTED_ACCOUNTS
    | TOKEN_ACCOUNTS
    | EXPORT_ACCOUNTS
    | GATEWAY_ACCOUNTS
    | PEOPLE_ACCOUNTS
    | SPEND_ACCOUNTS
    | OVERVIEW_ACCOUNTS
    | RECONCILIATION_ACCOUNTS
    | SENDER_ACCOUNTS
    | {
        (CallerStore, "require"): Account(
            ["update ai_model_price"], lambda s, _: s.require(Action.UPDATE), kind=ModelPriceStore
        ),
        (GroupPathStore, "see_path"): Account(["read group platform"], lambda s, _: s.see_path()),
        (UserPathStore, "see_path"): Account(["read user maya"], lambda s, _: s.see_path()),
        (OrganizationPathStore, "see_path"): Account(
            ["read group Everyone"], lambda s, _: s.see_path()
        ),
        (CallerDirectoryStore, "see_path"): Account(
            ["read user caller"], lambda s, _: s.see_path()
        ),
        (CallerDirectoryStore, "me"): Account(["read user caller"], lambda s, _: s.me()),
        (CallerDirectoryStore, "list_others"): Account(
            [f"read group in {EVERYWHERE}"], lambda s, _: s.list_others()
        ),
        (GroupStore, "get_group"): Account(
            ["read group platform"], lambda s, a: s.get_group(platform(a))
        ),
        (OrganizationStore, "list_groups"): Account(
            ["read group Everyone"], lambda s, _: s.list_groups(GroupQuery())
        ),
        (GroupBudgetStore, "get"): Account(
            ["read group platform"], lambda s, a: s.get(platform(a))
        ),
        (GroupBudgetStore, "set"): Account(
            ["update group platform"], lambda s, a: s.set(platform(a), 2, Precondition())
        ),
        (GroupBudgetStore, "delete"): Account(
            ["update group platform"], lambda s, a: s.delete(platform(a), Precondition())
        ),
        (OverrideStore, "get"): Account(["read user maya"], lambda s, _: s.get()),
        (OverrideStore, "set"): Account(
            ["update user maya"],
            lambda s, a: s.set(
                OverrideLimit(group_id=platform(a), spend_limit_micros=2), Precondition()
            ),
            then=["update group platform"],
        ),
        (OverrideStore, "delete"): Account(
            ["update user maya"],
            lambda s, _: s.delete(Precondition()),
            then=["update group platform"],
        ),
        (AuditStore, "list_audit"): Account(
            [f"read audit_log in {EVERYWHERE}"],
            lambda s, _: s.list_audit(AuditQuery.model_validate({"from": "2026-01-01T00:00:00Z"})),
            refused=lambda page: page == AuditPage(entries=[], next=None),
        ),
        (UsageStore, "record"): Account(
            ["create ai_usage"],
            lambda s, _: s.record(
                UsageBatch(records=[USAGE, SETTLING, FRESH, VOID, *OF_NOBODY, *RENAMED])
            ),
        ),
        (UsageStore, "list_unpriced"): Account(
            ["read ai_usage"], lambda s, _: s.list_unpriced(UnpricedQuery())
        ),
        (UsageStore, "list_cost_differences"): Account(
            ["read ai_usage"], lambda s, _: s.list_cost_differences(DifferenceQuery())
        ),
        (UsageRerater, "rerate"): Account(["update ai_usage"], lambda s, _: s.rerate()),
        (OverrideExpirer, "end_overrides"): Account(
            ["update user"], lambda s, _: s.end_overrides()
        ),
        (UsageExpirer, "expire"): Account(["delete ai_usage"], lambda s, _: s.expire(1)),
        (UsageQueueStore, "take"): Account(
            ["create ai_usage"],
            lambda s, _: s.take({"records": [USAGE, SETTLING, SENT_LATER, VOID, *RENAMED]}),
        ),
        (UsageImportStore, "identity_of"): Account(
            ["create ai_usage"], lambda s, _: s.identity_of("litellm")
        ),
        (UsageImportStore, "record"): Account(
            ["create ai_usage"], lambda s, _: s.record([USAGE, FRESH, *OF_NOBODY])
        ),
        (AlertListStore, "see_path"): Account(
            ["read group_member in acme", "read group in acme"],
            lambda s, _: s.see_path(),
            either=True,
        ),
        (AlertListStore, "list_alerts"): Account(
            ["read group_member in acme", "read group in acme"],
            lambda s, _: s.list_alerts(AlertQuery()),
            either=True,
        ),
        (AlertStore, "deliver"): Account(
            ["update ai_spend_alert"], lambda s, _: s.deliver([TakesAll()])
        ),
        (DirectoryStore, "import_directory"): Account(
            ["update directory"], lambda s, _: s.import_directory(read_directory(EVERY_STEP))
        ),
    }
)
