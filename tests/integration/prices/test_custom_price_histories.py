"""Any history of a custom price and the book below it has the prices of a plain model."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb

from tests.depth import by_depth
from tests.model_prices import PRICES, set_prices, url_time
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price
from tests.price_model import EVER, BookPrice, OwnPrice, TakenBack, Written, price_in_effect
from tests.resolved_prices import resolve

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
TIMES = (
    *(FIRST + timedelta(days=10 * n) for n in range(3)),
    datetime(2098, 1, 1, tzinfo=UTC),
    datetime(2099, 1, 1, tzinfo=UTC),
)
RATES = st.none() | st.integers(1, 9)
NAMED = st.fixed_dictionaries(
    {"input_price": st.integers(1, 9)},
    optional={
        "output_price": RATES,
        "cache_read_price": RATES,
        "unit_prices": st.dictionaries(st.sampled_from(["web_searches", "pages"]), RATES),
        "variants": st.dictionaries(
            st.sampled_from(["batch", "flex"]),
            st.none() | st.fixed_dictionaries({"input_price": st.integers(1, 9)}),
        ),
    },
)
BOOK = st.fixed_dictionaries(
    {"input_price": st.integers(4, 6), "output_price": st.integers(4, 6)},
    optional={
        "unit_prices": st.fixed_dictionaries({"web_searches": st.integers(4, 6)}),
        "variants": st.fixed_dictionaries({"batch": st.just({"input_price": 5})}),
    },
)
INSERT = """
INSERT INTO ai_model_price_versions (
    provider, model, source, effective_from, input_price, output_price, unit_prices, variants,
    origin
)
SELECT 'p', 'm', 'default', %s, g.input_price, g.output_price, coalesce(g.unit_prices, '{}'),
    coalesce(g.variants, '{}'), 'test'
FROM jsonb_to_record(%s) AS g (
    input_price bigint, output_price bigint, unit_prices jsonb, variants jsonb
)
"""


class Histories(RuleBasedStateMachine):
    """Each example starts without a price of the model."""

    def __init__(self, database: Database, acme: Acme) -> None:
        super().__init__()
        self.database, self.olivia = database, acme.client("olivia")
        self.history: list[Written] = []

    @initialize()
    def begin(self) -> None:
        self.database.run("TRUNCATE ai_model_price_versions")

    @rule(starts=st.sampled_from((EVER, *TIMES)), terms=BOOK)
    def change_the_book(self, starts: datetime, terms: dict[str, Any]) -> None:
        time = "-infinity" if starts == EVER else starts
        self.database.run(INSERT, time, Jsonb(terms))
        self.history.append(BookPrice(starts, terms))

    @rule(named=st.dictionaries(st.sampled_from(TIMES), NAMED, min_size=1, max_size=2))
    def set_custom_prices(self, named: dict[datetime, dict[str, Any]]) -> None:
        dated = [price(**each, effective_from=url_time(at)) for at, each in named.items()]
        set_prices(self.olivia, *dated)
        now = datetime.now(UTC)
        self.history += [OwnPrice(at, named[at], now) for at in sorted(named)]

    @rule(since=st.none() | st.sampled_from(TIMES))
    def take_them_back(self, since: datetime | None) -> None:
        query = "" if since is None else f"?from={url_time(since)}"
        assert self.olivia.delete(f"{PRICES}/p/m{query}").status in (204, 404)
        self.history.append(TakenBack(EVER if since is None else since))

    def teardown(self) -> None:
        for at in (FIRST - timedelta(days=1), *TIMES):
            found = resolve(self.olivia, "p", "m", f"&at={url_time(at)}")["price"]
            expected = price_in_effect(self.history, at)
            assert _plain(found) == _plain(expected), at


def _plain(terms: dict[str, Any] | None) -> dict[str, Any] | None:
    if terms is None:
        return None
    rates = ("input_price", "output_price", "cache_read_price", "unit_prices")
    variants = {name: each["input_price"] for name, each in terms["variants"].items()}
    return {name: terms[name] for name in rates} | {"variants": variants}


def test_the_price_in_effect_is_the_plain_models(database: Database, acme: Acme) -> None:
    profile = settings(max_examples=by_depth(4, 40, 200), stateful_step_count=8, deadline=None)

    class WithDatabase(Histories):
        def __init__(self) -> None:
            super().__init__(database, acme)

    run_state_machine_as_test(WithDatabase, settings=profile)
