"""Usage without a cost or a user, or with another cost than stated, and settings of sources."""

from allowance.contract.preconditions import Precondition
from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.usage.differences import CostDifferences, DifferenceQuery
from allowance.usage.sources import (
    DefaultSource,
    SourceSettings,
    UsageSource,
    UsageSourceStore,
)
from allowance.usage.store import UsageStore
from allowance.usage.unattributed import (
    Assigned,
    Assignment,
    UnattributedNames,
    UnattributedQuery,
    UnattributedStore,
)
from allowance.usage.unpriced import UnpricedModels, UnpricedQuery

UNATTRIBUTED = "/api/v2/ai/usage/unattributed"
SOURCE = "/api/v2/ai/sources/{source}"

app = Api()


@app.get("/api/v2/ai/usage/unpriced", needs=Action.READ)
def list_unpriced_usage(store: UsageStore, query: UnpricedQuery) -> UnpricedModels:
    """List models with usage without a cost, because it has no price."""
    return store.list_unpriced(query)


@app.get("/api/v2/ai/usage/cost-differences", needs=Action.READ)
def list_cost_differences(store: UsageStore, query: DifferenceQuery) -> CostDifferences:
    """List models whose usage has a cost that differs from what its records state."""
    return store.list_cost_differences(query)


@app.get(UNATTRIBUTED, needs=Action.READ)
def list_unattributed_usage(
    store: UnattributedStore, query: UnattributedQuery
) -> UnattributedNames:
    """List the names, by source, whose usage counts for nobody because no user has them."""
    return store.list_unattributed(query)


@app.post(UNATTRIBUTED, needs=Action.UPDATE)
def assign_usage(store: UnattributedStore, assignment: Assignment) -> Assigned:
    """Assign a name of a source to a user: past usage of the name, and all that comes."""
    return store.assign(assignment)


@app.get(SOURCE, needs=Action.READ)
def get_usage_source(store: UsageSourceStore, source: str) -> UsageSource | DefaultSource:
    """Get the settings of a source of usage: the defaults if nobody has set them."""
    return store.get_source(source)


@app.put(SOURCE, needs=Action.UPDATE)
def set_usage_source(
    store: UsageSourceStore, source: str, settings: SourceSettings, precondition: Precondition
) -> UsageSource:
    """Set which cost of a source's usage counts, and what happens to users who are not known."""
    return store.set_source(source, settings, precondition)


handler = app.handler
