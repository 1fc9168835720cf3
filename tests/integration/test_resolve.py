"""Which price counts for a model as gateways send it: explained by the route, remembered for the look-ups of usage."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from allowance.model_names import RULES_VERSION
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import counts, price, seed

PRICES = "/api/v2/ai/model-prices"
SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-5", "input_price": 3_000_000}
BEDROCK_ID = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


def resolve(client: Client, provider: str, model: str, query: str = "") -> dict[str, Any]:
    answer = client.get(f"{PRICES}/resolve?provider={quote(provider, safe='')}&model={quote(model, safe='')}{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def looked_up(database: Database, provider: str, model: str) -> list[tuple[Any, ...]]:
    """The hot path, as the application's role."""
    with psycopg.connect(database.app_url) as app:
        return app.execute(
            "SELECT provider, model, source, input_price FROM ai_model_price_of(%s, %s, now())", (provider, model)
        ).fetchall()


def test_an_exact_name_wins_and_says_so(olivia: Client, database: Database) -> None:
    seed(SONNET, SONNET | {"model": "claude-sonnet-4-5-20250929", "input_price": 4_000_000})
    found = resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929")
    assert (found["price"]["input_price"], found["rule"]) == (4_000_000, "the name as sent")
    assert database.rows("SELECT * FROM ai_model_aliases") == [], "an exact name needs no memory"


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("Anthropic", "Claude-Sonnet-4-5"),
        ("litellm", "anthropic/claude-sonnet-4-5"),
    ],
)
def test_what_gateways_send_finds_its_price_and_is_remembered(
    olivia: Client, database: Database, provider: str, model: str
) -> None:
    seed(SONNET)
    assert looked_up(database, provider, model) == []
    found = resolve(olivia, provider, model)
    assert (found["provider"], found["model"]) == (provider, model)
    assert (found["price"]["provider"], found["price"]["model"]) == ("anthropic", "claude-sonnet-4-5")
    assert found["rule"]
    assert [each["priced"] for each in found["considered"]].count(True) == 1
    assert found["considered"][0]["rule"].startswith("the name as sent")
    assert looked_up(database, provider, model) == [("anthropic", "claude-sonnet-4-5", "default", 3_000_000)]


def test_rows_are_found_whatever_the_case_of_their_letters(olivia: Client) -> None:
    seed({"provider": "together", "model": "Qwen/Qwen3-Coder", "input_price": 5})
    found = resolve(olivia, "Together", "qwen/qwen3-CODER")
    assert found["price"]["model"] == "Qwen/Qwen3-Coder"
    assert found["rule"].endswith("upper and lower case")


def test_of_two_rows_that_differ_in_case_the_very_same_one_wins(olivia: Client) -> None:
    seed({"provider": "p", "model": "M", "input_price": 5}, {"provider": "p", "model": "m", "input_price": 6})
    assert [resolve(olivia, "p", name)["price"]["input_price"] for name in ("m", "M")] == [6, 5]
    assert resolve(olivia, "P", "M")["price"]["input_price"] == 5


def test_a_name_that_means_nothing_has_no_price_and_shows_what_was_considered(
    olivia: Client, database: Database
) -> None:
    found = resolve(olivia, "acme", "nothing-like-it-2026-11-22")
    assert (found["price"], found["rule"]) == (None, None)
    assert [each["priced"] for each in found["considered"]] == [False] * len(found["considered"])
    assert len(found["considered"]) > 1
    assert looked_up(database, "acme", "nothing-like-it-2026-11-22") == []


def test_a_better_match_that_is_priced_later_counts_at_once(olivia: Client, database: Database) -> None:
    seed(SONNET)
    dated = "claude-sonnet-4-5-20250929"
    resolve(olivia, "bedrock", BEDROCK_ID)
    resolve(olivia, "anthropic", dated)
    assert looked_up(database, "anthropic", dated)[0][1] == "claude-sonnet-4-5"
    olivia.post(PRICES, {"prices": [SONNET | {"model": dated, "input_price": 7}]})
    assert looked_up(database, "anthropic", dated)[0][3] == 7
    assert resolve(olivia, "anthropic", dated)["price"]["input_price"] == 7


def both(client: Client, database: Database, provider: str, model: str) -> tuple[int, int]:
    """The price of the GET and that of the hot path, which must be the same."""
    resolved = resolve(client, provider, model)["price"]["input_price"]
    ((*_, looked),) = looked_up(database, provider, model)
    return resolved, looked


def test_when_a_better_match_loses_its_price_the_next_one_counts_again(olivia: Client, database: Database) -> None:
    seed(SONNET)
    sent, dated = ("litellm", "anthropic/claude-sonnet-4-5-20250929"), SONNET | {"model": "claude-sonnet-4-5-20250929"}
    for provider, model in (("anthropic", dated["model"]), sent):
        assert both(olivia, database, provider, model) == (3_000_000, 3_000_000)
        olivia.post(PRICES, {"prices": [dated | {"input_price": 7}]})
        assert both(olivia, database, provider, model) == (7, 7)
        assert olivia.delete(f"{PRICES}/anthropic/{dated['model']}").status == 204
        assert both(olivia, database, provider, model) == (3_000_000, 3_000_000)
    ((ended,),) = database.rows("SELECT max(effective_from) FROM ai_model_price_versions WHERE removed")
    at_its_time = "SELECT count(*) FROM ai_model_price_of(%s, %s, %s - interval '1 microsecond')"
    assert database.rows(at_its_time, *sent, ended) == [(0,)], "then the better one had a price: it must be resolved"
    assert seed(dated | {"input_price": 1_000_000}) == counts(inserted=1)
    assert both(olivia, database, *sent) == (1_000_000, 1_000_000), "a default price is a price again"


def test_a_name_is_remembered_until_a_better_match_comes_to_its_price(olivia: Client, database: Database) -> None:
    seed(SONNET)
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    seed(SONNET | {"model": "claude-sonnet-4-5-20250929", "input_price": 9, "effective_from": tomorrow.isoformat()})
    sent = ("litellm", "anthropic/claude-sonnet-4-5-20250929")
    assert both(olivia, database, *sent) == (3_000_000, 3_000_000)
    assert both(olivia, database, *sent) == (3_000_000, 3_000_000)
    at_its_time = "SELECT input_price FROM ai_model_price_of(%s, %s, %s)"
    assert database.rows(at_its_time, *sent, tomorrow - timedelta(seconds=1)) == [(3_000_000,)]
    assert database.rows(at_its_time, *sent, tomorrow) == [], "it must be resolved"


def test_what_is_remembered_is_void_once_the_rules_of_names_change(olivia: Client, database: Database) -> None:
    seed(SONNET, SONNET | {"model": "another", "input_price": 7})
    sent = ("litellm", "anthropic/claude-sonnet-4-5")
    resolve(olivia, *sent)
    # As rules of before remembered it.
    database.run("UPDATE ai_model_aliases SET priced_model = 'another', rule = 'a rule of before'")
    assert looked_up(database, *sent)[0][3] == 7
    assert both(olivia, database, *sent) == (3_000_000, 3_000_000), "whoever asks corrects it"
    database.run("UPDATE ai_model_aliases SET priced_model = 'another'")
    database.run("UPDATE ai_price_book SET rules_version = rules_version - 1")
    seed()
    assert looked_up(database, *sent) == []
    assert both(olivia, database, *sent) == (3_000_000, 3_000_000)
    seed()
    assert looked_up(database, *sent)[0][3] == 3_000_000, "the same rules again make nothing void"
    ((rules_version,),) = database.rows("SELECT rules_version FROM ai_price_book")
    assert rules_version == RULES_VERSION


@pytest.mark.parametrize("how", ["seed", "post", "approve"])
def test_what_is_remembered_counts_only_until_a_model_is_priced_for_the_first_time(
    olivia: Client, database: Database, how: str
) -> None:
    seed(SONNET, *(price(f"m{n}", input_price=1_000_000) for n in range(30)))
    sent = ("litellm", "anthropic/claude-sonnet-4-5")
    resolve(olivia, *sent)
    assert looked_up(database, *sent)
    newcomer = {"provider": "litellm", "model": "another", "input_price": 1}
    if how == "post":
        olivia.post(PRICES, {"prices": [newcomer]})
    else:
        seed(newcomer if how == "approve" else newcomer | {"input_price": 1_000_000})
    if how == "approve":
        assert looked_up(database, *sent), "a held price is no price"
        (held,) = olivia.get(f"{PRICES}/held").json()["held"]
        assert olivia.post(f"{PRICES}/held/{held['id']}/approve").status == 204
    assert looked_up(database, *sent) == [], "it must be resolved anew"
    assert resolve(olivia, *sent)["price"]["input_price"] == 3_000_000
    assert looked_up(database, *sent)


def test_a_new_version_of_a_known_model_leaves_what_is_remembered(olivia: Client, database: Database) -> None:
    seed(SONNET)
    sent = ("litellm", "anthropic/claude-sonnet-4-5")
    resolve(olivia, *sent)
    seed(SONNET | {"input_price": 4_000_000})
    assert looked_up(database, *sent)[0][3] == 4_000_000
    olivia.post(PRICES, {"prices": [SONNET | {"input_price": 1}]})
    assert looked_up(database, *sent)[0][2:] == ("custom", 1)


def test_the_price_is_that_of_the_time_and_a_withdrawn_one_says_so(olivia: Client) -> None:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    later = SONNET | {"input_price": 4_000_000, "effective_from": tomorrow.isoformat()}
    seed(SONNET, later, price(input_price=5), complete=True)
    at = f"&at={tomorrow.isoformat().replace('+00:00', 'Z')}"
    assert resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929")["price"]["input_price"] == 3_000_000
    assert resolve(olivia, "anthropic", "claude-sonnet-4-5-20250929", at)["price"]["input_price"] == 4_000_000
    seed(SONNET, later, complete=True)
    assert resolve(olivia, "p", "m")["price"]["withdrawn_at"] is not None
    assert resolve(olivia, "p", "m", "&at=2020-01-01T00:00:00Z")["price"]["withdrawn_at"] is None


def test_resolving_while_prices_come_never_remembers_a_worse_match(database: Database, olivia: Client) -> None:
    """The memory is made of one snapshot, and says which: what was priced meanwhile makes it void."""
    seed(SONNET)
    with psycopg.connect(database.owner_url) as slow:
        slow.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        ((generation,),) = slow.execute("SELECT generation FROM ai_price_book").fetchall()
        pricing = threading.Thread(target=seed, args=(SONNET | {"model": "claude-sonnet-4-5-20250929"},))
        pricing.start()
        pricing.join()
        slow.execute(
            "INSERT INTO ai_model_aliases VALUES ('anthropic', 'claude-sonnet-4-5-20250929-x', 'anthropic',"
            " 'claude-sonnet-4-5', 'worked out before', %s)", (generation,)
        )  # fmt: skip
    assert looked_up(database, "anthropic", "claude-sonnet-4-5-20250929-x") == []


@pytest.mark.parametrize(
    "query", ["", "provider=p", "model=m", "provider=&model=m", "provider=p&model=a%00b", "provider=p&model=m&x=1"]
)
def test_a_provider_and_a_model_are_needed(olivia: Client, query: str) -> None:
    answer = olivia.get(f"{PRICES}/resolve?{query}")
    assert (answer.status, answer.json()["message"]) == (400, "Query parameters have invalid values.")


def test_the_look_up_of_a_price_reads_by_index_alone(database: Database) -> None:
    """With a book of some size and history; a sequential scan, or a sort of many rows, would be a fault."""
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, origin)"
        " SELECT 'p' || n % 40, 'm' || n, 'default', now() - v * interval '1 day', 1, 'test'"
        " FROM generate_series(1, 6000) n, generate_series(1, 5) v"
    )
    database.run(
        "INSERT INTO ai_model_aliases SELECT 's', 'sent' || n, 'p' || n % 40, 'm' || n, 'r', 0 FROM generate_series(1, 6000) n"
    )
    database.run("ANALYZE")
    with psycopg.connect(database.app_url) as app:
        for name in ("sent77", "m77"):
            rows = app.execute(
                f"EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM ai_model_price_of('{'s' if name == 'sent77' else 'p37'}', '{name}', now())"
            ).fetchall()
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan on ai_model_price_versions" not in plan, plan
            assert "Seq Scan on ai_model_aliases" not in plan, plan
            assert "ai_model_price_versions_in_effect_idx" in plan, plan
