"""POST /api/v2/ai/usage: record up to 1,000 usages. Each is priced, counts once, and has its own
result.
"""

from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.usage.models import UsageAnswers, UsageBatch
from allowance.usage.store import UsageStore

app = Api()


@app.post("/api/v2/ai/usage", needs=Action.CREATE)
def record_usage(store: UsageStore, batch: UsageBatch) -> UsageAnswers:
    return store.record(batch)


handler = app.handler
