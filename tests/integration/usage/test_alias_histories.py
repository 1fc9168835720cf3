"""Any history of aliases and custom prices: the cost of each usage is at the price that `resolve`
says was in effect then.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.depth import by_depth
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.model_aliases import path_of, put_alias
from tests.model_prices import PRICES, confirmed
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.resolved_prices import resolve
from tests.usage import record, rerate, results

MODELS = ("m", "m2", "Chat/A")
USED = ("chat", "chat/a", "CHAT/AB", "m-2026-01-01", "M2")
NAMES = (*USED, "m", "*", "ch*", "Chat/*", "chat/a*", "chat/ab*")
TIMES = ("2026-10-01T00:00:00Z", "2026-11-10T00:00:00Z", "2026-11-20T10:00:00Z")
MEANINGS: tuple[dict[str, Any], ...] = (
    {"free": True},
    *({"provider": "p", "model": model} for model in ("m", "m2", "chat/a")),
)
COSTS = """
SELECT provider, model, occurred_at, coalesce(sum(cost_micros), 0)::bigint,
    sum(unpriced_usage_count)::bigint
FROM ai_usage
GROUP BY 1, 2, 3
"""


class Histories(RuleBasedStateMachine):
    """Each example starts with an empty ledger, two prices and no alias."""

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__()
        self.database, self.acme = database, acme

    @initialize()
    def begin(self) -> None:
        self.database.run(
            "TRUNCATE ai_usage, ai_usage_keys, ai_usage_revisions,"
            " ai_rolled_hours, ai_rolled_groups, ai_rolled_days,"
            " ai_usage_unattributed, ai_spend_daily, ai_usage_quarter_hourly,"
            " ai_user_spend_monthly, ai_group_spend_monthly, ai_usage_rating_passes,"
            " ai_model_price_versions, ai_model_aliases"
        )
        seed(price("m", input_price=5), price("m2", input_price=6))
        self.olivia: Client = self.acme.client("olivia")
        used = [
            record(n, model=model, occurred_at=time, tokens={"input": 1_000_000})
            for n, (model, time) in enumerate((model, time) for model in USED for time in TIMES)
        ]
        results(self.olivia, *used)
        self.check()

    @rule(name=st.sampled_from(NAMES), meaning=st.sampled_from(MEANINGS))
    def set_an_alias(self, name: str, meaning: dict[str, Any]) -> None:
        answer = put_alias(self.olivia, "P", name, meaning | {"confirm": True})
        assert answer.status in (200, 400)
        self.check()

    @rule(name=st.sampled_from(NAMES))
    def remove_an_alias(self, name: str) -> None:
        assert self.olivia.delete(path_of("p", name)).status in (204, 404)
        self.check()

    @rule(
        model=st.sampled_from((*MODELS, *USED)),
        input_price=st.integers(0, 9),
        since=st.none() | st.sampled_from(TIMES),
    )
    def set_a_custom_price(self, model: str, input_price: int, since: str | None) -> None:
        dated = {} if since is None else {"effective_from": since}
        stated = price(model, input_price=input_price) | dated
        assert self.olivia.post(PRICES, confirmed([stated])).status == 200
        self.check()

    @rule(model=st.sampled_from((*MODELS, *USED)))
    def end_a_custom_price(self, model: str) -> None:
        assert self.olivia.delete(f"{PRICES}/p/{model}").status in (204, 404)
        self.check()

    def check(self) -> None:
        """Each usage costs what `resolve` says, and nothing that has no price is counted."""
        rerate()
        costs: dict[tuple[str, str], int] = {}
        for model in USED:
            for time in TIMES:
                found = resolve(self.olivia, "p", model, f"&at={time}")
                if found["price"] is not None:
                    costs[model, time] = found["price"]["input_price"]
                elif found["alias"] is not None and found["alias"]["free"]:
                    costs[model, time] = 0
        booked = {
            (model, f"{time:%Y-%m-%dT%H:%M:%SZ}"): (cost, unpriced)
            for _, model, time, cost, unpriced in self.database.rows(COSTS)
        }
        assert booked == {
            (model, time): (costs.get((model, time), 0), int((model, time) not in costs))
            for model in USED
            for time in TIMES
        }
        assert_sums_agree(self.database)


def test_usage_costs_what_is_said_after_any_history(database: Database, acme: Acme) -> None:
    profile = settings(max_examples=by_depth(2, 20, 100), stateful_step_count=10, deadline=None)

    class WithDatabase(Histories):
        def __init__(self) -> None:
            super().__init__(database, acme)

    run_state_machine_as_test(WithDatabase, settings=profile)
