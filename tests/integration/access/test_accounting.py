"""The accounting of authorization: every public method of every store stands here with what it asks
of the gate.

Each runs once allowed, by a subject that may do exactly that and nothing else, and once refused, by
one that may do everything but that; and a refusal costs no query.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from allowance.access.gate import Gate
from allowance.access.store import CallerStore, Origin, Store
from allowance.alerts.delivery import AlertStore
from allowance.alerts.receivers import Topic
from allowance.budgets.effective import period_containing
from allowance.budgets.models import OverrideLimit
from allowance.budgets.overrides import UserBudgetStore
from allowance.contract.fields import (
    AuditPage,
    Caller,
    GroupReference,
    Membership,
    OrganizationReference,
    TokenInfo,
    UserReference,
)
from allowance.contract.preconditions import Precondition
from allowance.contract.query import AuditQuery
from allowance.database.database import Database as Connection
from allowance.directory.document import DirectoryDocument
from allowance.directory.importer import DirectoryStore
from allowance.errors import Forbidden, NotAuthorized, NotFound
from allowance.exports.spend_csv import ExportQuery
from allowance.exports.store import ExportSource, ExportStore
from allowance.prices.book import CustomPrices, ModelPrice, PriceBook
from allowance.prices.models import HeldChangeQuery, ModelPriceFilter, ModelPriceQuery, ResolveQuery
from allowance.prices.seeding.source import TakenBook
from allowance.prices.seeding.store import PriceStore
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import NO_SECRET, Action, Permission, ResourceType, Role, Subject
from allowance.settings import DatabaseSource
from allowance.spend.store import SpendStore
from allowance.usage.models import UsageBatch
from allowance.usage.rerating import UsageRerater
from allowance.usage.retention import UsageExpirer
from allowance.usage.store import UsageQueueStore, UsageStore
from allowance.usage.unpriced import UnpricedQuery
from tests.people import Acme
from tests.postgres import Database

ORIGIN = Origin(None, "test", "test")
PRICES = ResourceType.AI_MODEL_PRICE
HELD = UUID(int=9)
USAGE = {
    "source": "s",
    "id": "1",
    "user": "maya",
    "provider": "p",
    "model": "m",
    "occurred_at": "2026-11-20T10:00:00Z",
    "tokens": {"input": 1},
}
OVERRIDE = (
    "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros)"
    " SELECT %s, id, organization_id, 1 FROM groups WHERE id = %s"
)


@dataclass(frozen=True)
class Account:
    """What a method asks of the gate, and how to call it."""

    action: Action
    object: ResourceType
    run: Callable[[Any, UUID], Any]
    also: tuple[tuple[ResourceType, Action], ...] = ()
    """What it asks for next, once a query has told it of which object."""


ACCOUNTS: dict[tuple[type, str], Account] = {
    (Store, "me"): Account(Action.READ, ResourceType.USER, lambda s, _: s.me()),
    (Store, "see_group"): Account(Action.READ, ResourceType.GROUP, lambda s, g: s.see_group(g)),
    (Store, "get_group"): Account(Action.READ, ResourceType.GROUP, lambda s, g: s.get_group(g)),
    (Store, "list_groups"): Account(Action.READ, ResourceType.GROUP, lambda s, _: s.list_groups()),
    (Store, "get_group_budget"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.get_group_budget(g)
    ),
    (Store, "set_group_budget"): Account(
        Action.UPDATE, ResourceType.GROUP, lambda s, g: s.set_group_budget(g, 2, Precondition())
    ),
    (Store, "delete_group_budget"): Account(
        Action.UPDATE, ResourceType.GROUP, lambda s, g: s.delete_group_budget(g, Precondition())
    ),
    (Store, "list_audit"): Account(
        Action.READ, ResourceType.AUDIT_LOG, lambda s, _: s.list_audit(AuditQuery())
    ),
    (Store, "see_user"): Account(Action.READ, ResourceType.USER, lambda s, _: s.see_user()),
    (UserBudgetStore, "see_group"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.see_group(g)
    ),
    (UserBudgetStore, "see_user"): Account(
        Action.READ, ResourceType.USER, lambda s, _: s.see_user()
    ),
    (UserBudgetStore, "see_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.see_prices(Action.READ)
    ),
    (UserBudgetStore, "get_override"): Account(
        Action.READ, ResourceType.USER, lambda s, _: s.get_override()
    ),
    (UserBudgetStore, "set_override"): Account(
        Action.UPDATE,
        ResourceType.USER,
        lambda s, g: s.set_override(
            OverrideLimit(group_id=g, spend_limit_micros=2), Precondition()
        ),
        also=((ResourceType.GROUP, Action.UPDATE),),
    ),
    (UserBudgetStore, "remove_override"): Account(
        Action.UPDATE,
        ResourceType.USER,
        lambda s, _: s.remove_override(Precondition()),
        also=((ResourceType.GROUP, Action.UPDATE),),
    ),
    (SpendStore, "see_group"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.see_group(g)
    ),
    (SpendStore, "see_user"): Account(Action.READ, ResourceType.USER, lambda s, _: s.see_user()),
    (SpendStore, "see_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.see_prices(Action.READ)
    ),
    (SpendStore, "get_user_spend"): Account(
        Action.READ, ResourceType.USER, lambda s, _: s.get_user_spend()
    ),
    (SpendStore, "get_group_spend"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.get_group_spend(g)
    ),
    (SpendStore, "list_group_spend"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.list_group_spend([g])
    ),
    (SpendStore, "list_member_spend"): Account(
        Action.READ, ResourceType.GROUP_MEMBER, lambda s, g: s.list_member_spend(g, [UUID(int=1)])
    ),
    (ExportStore, "see_group"): Account(
        Action.READ, ResourceType.GROUP, lambda s, g: s.see_group(g)
    ),
    (ExportStore, "see_user"): Account(Action.READ, ResourceType.USER, lambda s, _: s.see_user()),
    (ExportStore, "see_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.see_prices(Action.READ)
    ),
    (ExportStore, "export"): Account(
        Action.READ, ResourceType.GROUP_MEMBER, lambda s, _: s.export(ExportQuery())
    ),
    (ExportStore, "export_spend"): Account(
        Action.READ, ResourceType.GROUP_MEMBER, lambda s, _: s.export_spend(ExportQuery())
    ),
    (ExportStore, "export_charges"): Account(
        Action.READ, ResourceType.GROUP, lambda s, _: s.export_charges(ExportQuery(format="focus"))
    ),
    (ExportSource, "now"): Account(Action.READ, ResourceType.GROUP, lambda s, _: s.now()),
    (ExportSource, "list_organizations"): Account(
        Action.READ,
        ResourceType.GROUP,
        lambda s, _: s.list_organizations(period_containing(datetime.now(UTC))),
    ),
    (ExportSource, "list_charges"): Account(
        Action.READ,
        ResourceType.GROUP,
        lambda s, g: s.list_charges(g, period_containing(datetime.now(UTC)), None),
    ),
    (Store, "see_prices"): Account(Action.READ, PRICES, lambda s, _: s.see_prices(Action.READ)),
    (ModelPriceStore, "see_prices"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.see_prices(Action.UPDATE)
    ),
    (ModelPriceStore, "list_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.list_prices(ModelPriceQuery())
    ),
    (ModelPriceStore, "list_all_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.list_all_prices(ModelPriceFilter())
    ),
    (ModelPriceStore, "resolve"): Account(
        Action.READ, PRICES, lambda s, _: s.resolve(ResolveQuery(provider="p", model="m"))
    ),
    (ModelPriceStore, "set_prices"): Account(
        Action.UPDATE,
        PRICES,
        lambda s, _: s.set_prices(
            CustomPrices(prices=[ModelPrice(provider="p", model="m", input_price=1)])
        ),
    ),
    (ModelPriceStore, "remove_price"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.remove_price("p", "priced")
    ),
    (ModelPriceStore, "list_held"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.list_held(HeldChangeQuery())
    ),
    (ModelPriceStore, "decide"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.decide(HELD, "rejected")
    ),
    (UsageStore, "see_prices"): Account(
        Action.READ, PRICES, lambda s, _: s.see_prices(Action.READ)
    ),
    (UsageStore, "record"): Account(
        Action.CREATE, ResourceType.AI_USAGE, lambda s, _: s.record(UsageBatch(records=[USAGE]))
    ),
    (UsageStore, "list_unpriced"): Account(
        Action.READ, ResourceType.AI_USAGE, lambda s, _: s.list_unpriced(UnpricedQuery())
    ),
    (UsageRerater, "rerate"): Account(
        Action.UPDATE, ResourceType.AI_USAGE, lambda s, _: s.rerate()
    ),
    (UsageExpirer, "expire"): Account(
        Action.DELETE, ResourceType.AI_USAGE, lambda s, _: s.expire(1)
    ),
    (UsageQueueStore, "take"): Account(
        Action.CREATE,
        ResourceType.AI_USAGE,
        lambda s, _: s.take({"records": [USAGE]}),
    ),
    (AlertStore, "deliver"): Account(
        Action.UPDATE,
        ResourceType.AI_SPEND_ALERT,
        lambda s, _: s.deliver([Topic("arn:aws:sns:eu-west-1:123456789012:t")]),
    ),
    (PriceStore, "known_etag"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.known_etag("https://a.example")
    ),
    (PriceStore, "seed_prices"): Account(
        Action.UPDATE, PRICES, lambda s, _: s.seed_prices(TakenBook(PriceBook(prices=[]), "test"))
    ),
    (DirectoryStore, "import_directory"): Account(
        Action.UPDATE, ResourceType.DIRECTORY, lambda s, _: s.import_directory(DirectoryDocument())
    ),
}


class CountingConnection(Connection):
    """The real database, counting what is asked of it."""

    asked = 0

    def _attempt(self, work: Callable[[Any], Any]) -> Any:
        self.asked += 1
        return super()._attempt(work)


def everything_but(action: Action, resource_type: ResourceType) -> tuple[Permission, ...]:
    return tuple(
        Permission(each_type, each_action)
        for each_type in ResourceType
        for each_action in Action
        if (each_type, each_action) != (resource_type, action)
    )


def store_for(
    method: tuple[type, str], permissions: tuple[Permission, ...], database: Database, acme: Acme
) -> Any:
    connection = CountingConnection(DatabaseSource(database.app_url, None), "test")
    gate = Gate(Subject(UUID(int=1), (Role(site=permissions),)), connection)
    if not issubclass(method[0], CallerStore):
        return method[0](gate, ORIGIN), connection
    caller = Caller(
        user_id=UUID(int=1),
        username="test",
        email=None,
        roles=[],
        organizations=list[Membership](),
        groups=[],
        token=TokenInfo(name="t", expires_at=None, scope=None),
        group=GroupReference(
            id=acme.groups["acme/platform"], organization_id=acme.organizations["acme"]
        ),
        organization=OrganizationReference(id=acme.organizations["acme"], name="acme"),
        now=datetime.now(UTC),
        user=UserReference(id=acme.users["maya"], username="maya"),
    )
    return method[0](gate, ORIGIN, caller), connection


def test_every_public_method_of_every_store_has_its_account() -> None:
    methods = {
        (store, name)
        for store in (
            Store,
            UserBudgetStore,
            SpendStore,
            ExportStore,
            ExportSource,
            ModelPriceStore,
            UsageStore,
            UsageQueueStore,
            UsageRerater,
            AlertStore,
            UsageExpirer,
            PriceStore,
            DirectoryStore,
        )
        for name, _ in inspect.getmembers(store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert ACCOUNTS.keys() == methods


@pytest.mark.parametrize("method", ACCOUNTS, ids=lambda m: m[1])
def test_it_runs_for_who_may_do_exactly_that(
    database: Database, acme: Acme, method: tuple[type, str]
) -> None:
    database.run("INSERT INTO group_ai_budgets SELECT id, 1 FROM groups")
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, origin)"
        " VALUES ('p', 'priced', 'custom', '-infinity', 1, 'test')"
    )
    database.run(
        "INSERT INTO ai_model_price_changes_held (id, provider, model, proposed, reasons, origin)"
        f" VALUES ('{HELD}', 'p', 'm', '{{\"input_price\": 1}}', '{{}}', 'test')"
    )
    database.run(OVERRIDE, acme.users["maya"], acme.groups["acme/platform"])
    account = ACCOUNTS[method]
    asked = (account.object, account.action), *account.also
    store, connection = store_for(
        method, tuple(Permission(*each) for each in asked), database, acme
    )
    account.run(store, acme.groups["acme/platform"])
    connection.close()


@pytest.mark.parametrize("method", ACCOUNTS, ids=lambda m: m[1])
def test_it_is_refused_without_a_query_to_who_may_do_everything_else(
    database: Database, acme: Acme, method: tuple[type, str]
) -> None:
    account = ACCOUNTS[method]
    store, connection = store_for(
        method, everything_but(account.action, account.object), database, acme
    )
    if method == (Store, "list_audit"):
        assert account.run(store, UUID(int=0)) == AuditPage(entries=[], next=None), (
            "a filter that lets nothing through"
        )
    elif method == (SpendStore, "list_member_spend"):
        assert account.run(store, acme.groups["acme/platform"]).members == [], (
            "those whom one may not see are left out"
        )
    else:
        # Who may not touch prices is told so; a refusal of what is somebody's looks like an
        # absence.
        told = Forbidden if account.object in NO_SECRET else NotAuthorized
        with pytest.raises(told):
            account.run(store, acme.groups["acme/platform"])
    assert connection.asked == 0


@pytest.mark.parametrize(
    "method", [each for each, account in ACCOUNTS.items() if account.also], ids=lambda m: m[1]
)
def test_what_it_asks_for_next_is_needed_too(
    database: Database, acme: Acme, method: tuple[type, str]
) -> None:
    database.run(OVERRIDE, acme.users["maya"], acme.groups["acme/platform"])
    account = ACCOUNTS[method]
    for resource_type, action in account.also:
        store, connection = store_for(method, everything_but(action, resource_type), database, acme)
        with pytest.raises(NotAuthorized):
            account.run(store, acme.groups["acme/platform"])
        assert connection.asked == 1
        connection.close()
    assert database.rows("SELECT spend_limit_micros FROM user_ai_budget_overrides") == [(1,)]


def test_only_what_is_no_secret_is_refused_openly() -> None:
    assert {ResourceType.AI_MODEL_PRICE, ResourceType.DIRECTORY} == NO_SECRET
    assert not issubclass(Forbidden, NotFound)
