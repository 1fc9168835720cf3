"""RerateUsage after a change of an alias: recorded usage has the cost that it would have now."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree, record_in
from tests.model_aliases import alias, free, path_of
from tests.model_prices import PRICES
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.rerating import IDLE, Watched, queries_of_a_run
from tests.usage import custom, record, rerate, rerated, results

SETTLING = "allowance.usage.changes.SETTLING"
TOKENS = {"input": 1000}
PRICED = "SELECT sum(cost_micros)::int, sum(unpriced_usage_count)::int FROM ai_usage"


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners change aliases."""
    seed(price("five", input_price=5_000_000), price("six", input_price=6_000_000))
    rerate()
    return acme.client("olivia")


def used(gateway: Client, model: str = "Chat/Team", number: int = 1, provider: str = "p") -> None:
    """Record a usage of a thousand tokens."""
    sent = record(number, provider=provider, model=model, tokens=TOKENS)
    (result,) = results(gateway, sent)
    assert result["status"] == "recorded"


@pytest.mark.parametrize("name", ["Chat/Team", "chat/TEAM", "chat/*", "*", "chat/team*"])
def test_an_alias_prices_usage_from_before_it(
    gateway: Client, olivia: Client, database: Database, name: str
) -> None:
    used(gateway)
    used(gateway, "other/chat", number=2, provider="q")
    alias(olivia, "P", name, "p/five")
    assert rerate() == rerated(1, 1, 5000)
    assert queries_of_a_run(database) == IDLE
    assert database.rows(PRICED) == [(5000, 1)]
    assert_sums_agree(database)


def test_a_changed_alias_books_the_difference_and_free_books_all(
    gateway: Client, olivia: Client, database: Database
) -> None:
    alias(olivia, "p", "chat/*", "p/five")
    rerate()
    used(gateway)
    alias(olivia, "p", "chat/*", "p/six")
    assert rerate() == rerated(1, 1, 1000)
    free(olivia, "p", "chat/*")
    assert rerate() == rerated(1, 1, -6000)
    assert database.rows(PRICED) == [(0, 0)]
    alias(olivia, "p", "chat/*", "p/five")
    assert rerate() == rerated(1, 1, 5000)
    assert_sums_agree(database)


def test_free_usage_from_before_the_alias_is_priced_at_nothing(
    gateway: Client, olivia: Client, database: Database
) -> None:
    used(gateway)
    assert database.rows(PRICED) == [(None, 1)]
    free(olivia, "p", "*")
    assert rerate() == rerated(1, 1, 0)
    assert database.rows(PRICED) == [(0, 0)]
    assert_sums_agree(database)


def test_the_same_alias_again_leads_to_no_pass(
    gateway: Client, olivia: Client, database: Database
) -> None:
    alias(olivia, "p", "chat/team", "p/five")
    used(gateway)
    rerate()
    alias(olivia, "P", "chat/Team", "P/Five")
    assert queries_of_a_run(database) == IDLE


def test_without_its_alias_usage_has_the_next_price_or_no_cost_again(
    gateway: Client, olivia: Client, database: Database
) -> None:
    seed(price("book", input_price=1_000_000))
    alias(olivia, "p", "book", "p/five", confirm=True)
    alias(olivia, "p", "chat/t*", "p/five")
    alias(olivia, "p", "chat*", "p/six")
    alias(olivia, "p", "alone", "p/five")
    for number, model in enumerate(("book", "chat/team", "alone")):
        used(gateway, model, number=number)
    rerate()
    for name in ("book", "chat/t*", "alone"):
        assert olivia.delete(path_of("p", name)).status == 204
    assert rerate() == rerated(3, 3, -4000 + 1000 - 5000)
    assert database.rows(PRICED) == [(15_000 - 8000, 1)]
    assert queries_of_a_run(database) == IDLE
    assert_sums_agree(database)


def test_a_price_of_the_target_moves_along_from_its_time_on(
    gateway: Client, acme: Acme, olivia: Client, database: Database
) -> None:
    alias(olivia, "azure", "chat", "p/five")
    alias(olivia, "ollama", "*", "p/five")
    names = [("azure", "chat"), ("ollama", "Llama3")]
    days = ("2026-11-09", "2026-11-10")
    results(
        gateway,
        *(
            record(
                2 * n + later,
                provider=provider,
                model=model,
                occurred_at=f"{day}T00:00:00Z",
                tokens=TOKENS,
            )
            for n, (provider, model) in enumerate(names)
            for later, day in enumerate(days)
        ),
    )
    rerate()
    # A row of another spelling is another row.
    custom(acme, model="Five", input_price=1)
    assert rerate()["corrected"] == 0
    custom(acme, model="five", input_price=7_000_000, effective_from="2026-11-10T00:00:00Z")
    assert rerate() == rerated(2, 2, 2 * 2000)
    assert olivia.delete(f"{PRICES}/p/five").status == 204
    assert rerate() == rerated(2, 2, -2 * 2000)
    assert_sums_agree(database)


def test_a_custom_price_of_the_very_name_comes_before_its_alias(
    gateway: Client, acme: Acme, olivia: Client
) -> None:
    alias(olivia, "p", "chat", "p/five")
    used(gateway, "chat")
    rerate()
    since = {"effective_from": "2020-01-01T00:00:00Z"}
    custom(acme, model="Chat", input_price=2_000_000, **since)
    assert rerate() == rerated(1, 1, -3000)


def test_usage_written_late_by_the_old_alias_is_corrected(
    olivia: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch reads the old alias. Another one and a whole run come before its write."""
    alias(olivia, "p", "chat", "p/five")
    rerate()
    # What was changed so far needs no second pass any more.
    with monkeypatch.context() as later:
        later.setattr(SETTLING, timedelta(0))
        rerate()

    def change(query: str) -> None:
        if query == "record_usage":
            alias(olivia, "p", "chat", "p/six")
            rerate()

    with closing(Watched(database, change)) as connection:
        late = record(9, model="chat", tokens=TOKENS)
        assert record_in(connection, [late], datetime.now(UTC))[0].cost_micros == 5000
    assert rerate() == rerated()
    monkeypatch.setattr(SETTLING, timedelta(0))
    assert rerate() == rerated(1, 1, 1000)
    assert queries_of_a_run(database) == IDLE
    assert_sums_agree(database)
