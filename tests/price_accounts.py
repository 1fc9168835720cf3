"""The accounts of the stores of prices and aliases."""

from allowance.contract.preconditions import Precondition
from allowance.prices.alias_models import AliasMeaning, ModelAliasQuery
from allowance.prices.aliases import ModelAliasStore
from allowance.prices.book import PriceBook
from allowance.prices.custom import CustomPriceStore
from allowance.prices.custom_models import CoderPrice, CoderPrices, CustomPrice, CustomPrices
from allowance.prices.held import HeldChangeStore
from allowance.prices.models import HeldChangeQuery, ModelPriceFilter, ModelPriceQuery, ResolveQuery
from allowance.prices.seeding.source import TakenBook
from allowance.prices.seeding.store import SeedingStore
from allowance.prices.store import ModelPriceStore
from tests.accounting import HELD, Account

PRICE_ACCOUNTS: dict[tuple[type, str], Account] = {
    (ModelPriceStore, "list_prices"): Account(
        ["read ai_model_price"], lambda s, _: s.list_prices(ModelPriceQuery())
    ),
    (ModelPriceStore, "list_all_prices"): Account(
        ["read ai_model_price"], lambda s, _: s.list_all_prices(ModelPriceFilter())
    ),
    (ModelPriceStore, "resolve"): Account(
        ["read ai_model_price"], lambda s, _: s.resolve(ResolveQuery(provider="p", model="m"))
    ),
    (CustomPriceStore, "set_prices"): Account(
        ["update ai_model_price"],
        lambda s, _: s.set_prices(
            CustomPrices(prices=[CustomPrice(provider="p", model="m", input_price=1, confirm=True)])
        ),
    ),
    (CustomPriceStore, "set_prices_of_coder"): Account(
        ["update ai_model_price"],
        lambda s, _: s.set_prices_of_coder(
            CoderPrices(prices=[CoderPrice(provider="p", model="m", input_price=1)]), confirm=True
        ),
    ),
    (CustomPriceStore, "remove_price"): Account(
        ["update ai_model_price"], lambda s, _: s.remove_price("p", "priced", None)
    ),
    (ModelAliasStore, "list_aliases"): Account(
        ["read ai_model_price"], lambda s, _: s.list_aliases(ModelAliasQuery())
    ),
    (ModelAliasStore, "set_alias"): Account(
        ["update ai_model_price"],
        lambda s, _: s.set_alias("p", "a", AliasMeaning(free=True, confirm=True), Precondition()),
    ),
    (ModelAliasStore, "remove_alias"): Account(
        ["update ai_model_price"], lambda s, _: s.remove_alias("p", "aliased", Precondition())
    ),
    (HeldChangeStore, "list_held"): Account(
        ["update ai_model_price"], lambda s, _: s.list_held(HeldChangeQuery())
    ),
    (HeldChangeStore, "decide"): Account(
        ["update ai_model_price"], lambda s, _: s.decide(HELD, "rejected")
    ),
    (SeedingStore, "known_etag"): Account(
        ["update ai_model_price"], lambda s, _: s.known_etag("https://a.example")
    ),
    (SeedingStore, "seed_prices"): Account(
        ["update ai_model_price"],
        lambda s, _: s.seed_prices(TakenBook(PriceBook(prices=[]), "test")),
    ),
}
