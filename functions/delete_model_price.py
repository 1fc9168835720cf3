"""DELETE /api/v2/ai/model-prices/{provider}/{model+}: end a custom price; the default one is in
effect again.
"""

from allowance.http.api import Api
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

app = Api()


@app.delete("/api/v2/ai/model-prices/{provider}/{model+}", needs=Action.UPDATE)
def delete_model_price(store: ModelPriceStore, provider: str, model: str) -> None:
    store.remove_price(provider, model)


handler = app.handler
