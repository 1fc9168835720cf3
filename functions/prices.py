"""Model prices: list, set and end them, resolve a model, decide on held changes, and say by aliases
what names mean.
"""

from uuid import UUID

from allowance.contract.preconditions import Precondition
from allowance.http.api import Api
from allowance.prices.alias_models import (
    AliasMeaning,
    ModelAlias,
    ModelAliasPage,
    ModelAliasQuery,
)
from allowance.prices.aliases import ModelAliasStore
from allowance.prices.custom import CustomPriceStore
from allowance.prices.custom_models import (
    CoderPrices,
    Confirmation,
    CustomPrices,
    EndOfPrice,
    SetPrices,
)
from allowance.prices.held import HeldChangeStore
from allowance.prices.models import (
    CoderModelPrice,
    HeldChangePage,
    HeldChangeQuery,
    ModelPriceFilter,
    ModelPricePage,
    ModelPriceQuery,
    Resolution,
    ResolveQuery,
)
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

ALIAS = "/api/v2/ai/model-aliases/{provider}/{model+}"

app = Api()


@app.get("/api/experimental/ai/model-prices", needs=Action.READ)
def list_model_prices_experimental(
    store: ModelPriceStore, query: ModelPriceFilter
) -> list[CoderModelPrice]:
    """List all model prices in effect, without pages."""
    return store.list_all_prices(query)


@app.get("/api/v2/ai/model-prices", needs=Action.READ)
def list_model_prices(store: ModelPriceStore, query: ModelPriceQuery) -> ModelPricePage:
    """List the model prices in effect at a time, or the prices of a source, page by page."""
    return store.list_prices(query)


@app.post("/api/v2/ai/model-prices", needs=Action.UPDATE)
def set_model_prices(store: CustomPriceStore, prices: CustomPrices) -> SetPrices:
    """Set custom model prices, all or none. A custom price changes what it names, and replaces the
    custom prices that began since its time. A price that is far from the book's needs `confirm`.
    """
    return store.set_prices(prices)


@app.post("/api/experimental/ai/model-prices", needs=Action.UPDATE)
def set_model_prices_experimental(
    store: CustomPriceStore, query: Confirmation, prices: CoderPrices
) -> None:
    """Set custom model prices, all or none, as Coder's clients send them."""
    store.set_prices_of_coder(prices, confirm=query.confirm == "true")


@app.delete("/api/v2/ai/model-prices/{provider}/{model+}", needs=Action.UPDATE)
def delete_model_price(
    store: CustomPriceStore, provider: str, model: str, query: EndOfPrice
) -> None:
    """Take back a custom price for all time, or from a time on. The default price is in effect
    again, and usage is priced again.
    """
    store.remove_price(provider, model, query.since)


@app.get("/api/v2/ai/model-prices/resolve", needs=Action.READ)
def resolve_model_price(store: ModelPriceStore, query: ResolveQuery) -> Resolution:
    """Resolve a model, as a gateway sent it, to the price that applies, and explain why."""
    return store.resolve(query)


@app.get("/api/v2/ai/model-prices/held", needs=Action.UPDATE)
def list_held_model_prices(store: HeldChangeStore, query: HeldChangeQuery) -> HeldChangePage:
    """List the changes of default prices that wait for an owner's decision."""
    return store.list_held(query)


@app.post("/api/v2/ai/model-prices/held/{held}/approve", needs=Action.UPDATE)
def approve_held_model_price(store: HeldChangeStore, held: UUID) -> None:
    """Make a held change the default price."""
    store.decide(held, "approved")


@app.post("/api/v2/ai/model-prices/held/{held}/reject", needs=Action.UPDATE)
def reject_held_model_price(store: HeldChangeStore, held: UUID) -> None:
    """Reject a held change and keep the price."""
    store.decide(held, "rejected")


@app.get("/api/v2/ai/model-aliases", needs=Action.READ)
def list_model_aliases(store: ModelAliasStore, query: ModelAliasQuery) -> ModelAliasPage:
    """List the aliases of models, page by page."""
    return store.list_aliases(query)


@app.put(ALIAS, needs=Action.UPDATE)
def set_model_alias(
    store: ModelAliasStore,
    provider: str,
    model: str,
    meaning: AliasMeaning,
    precondition: Precondition,
) -> ModelAlias:
    """Set which model a name means, or that it costs nothing. With `*` at its end, the name is a
    pattern.
    """
    return store.set_alias(provider, model, meaning, precondition)


@app.delete(ALIAS, needs=Action.UPDATE)
def delete_model_alias(
    store: ModelAliasStore, provider: str, model: str, precondition: Precondition
) -> None:
    """Remove an alias. Usage that has no other price has no cost again."""
    store.remove_alias(provider, model, precondition)


handler = app.handler
