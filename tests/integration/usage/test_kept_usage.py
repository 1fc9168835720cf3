"""A usage object that is not read whole is kept without a cost, and RerateUsage reads it again."""

import pytest

from allowance.usage.models import CONFLICT
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.rerating import RULES_OF_BEFORE
from tests.usage import custom, failed, message, of_vendor, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
UNPRICED = "/api/v2/ai/usage/unpriced"
LEDGER = (
    "SELECT reason, variant, cost_micros, unpriced_usage_count, input_tokens, output_tokens,"
    " usage_format, usage_object, unpriced_reasons FROM ai_usage ORDER BY id"
)
READ_WHOLE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
UNREAD = READ_WHOLE | {"x": {"y": 7}}
REASON = {"field": "usage.x.y", "detail": "Not a counter that this format knows."}


def test_an_object_that_is_not_read_whole_is_kept_with_its_reasons(
    gateway: Client, database: Database
) -> None:
    kept = {
        "status": "recorded",
        "cost_micros": None,
        "priced": False,
        "attributed": True,
        "validations": [REASON],
    }
    both = results(gateway, of_vendor(UNREAD), record(2))
    assert both[0] == kept
    assert both[1]["cost_micros"] == 3000
    assert database.rows(LEDGER) == [
        ("usage", None, None, 1, 0, 0, "openai", UNREAD, [REASON]),
        ("usage", None, 3000, 0, 1000, 100, None, None, None),
    ]
    assert results(
        gateway,
        of_vendor(dict(reversed(UNREAD.items()))),
        of_vendor(UNREAD | {"x": {"y": 8}}),
        of_vendor(UNREAD, "auto"),
        record(),
    ) == [
        kept | {"status": "duplicate"},
        *[
            kept
            | {
                "status": "conflict",
                "attributed": False,
                "validations": [each.model_dump() for each in CONFLICT.validations],
            }
        ]
        * 3,
    ]
    assert_sums_agree(database)


def left_by_an_older_reader(database: Database, usage: str) -> None:
    """As if the code of before had not known a counter of this object."""
    database.run("UPDATE ai_usage SET usage_object = %s::jsonb WHERE usage_object <> 'null'", usage)
    database.run(RULES_OF_BEFORE)


def test_a_better_reader_books_tokens_and_cost_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    priced = {"input_price": 2_000_000, "output_price": 10_000_000, "effective_from": SINCE_EVER}
    batch = {"input_price": 1_000_000, "output_price": 5_000_000}
    custom(acme, **priced, variants={"batch": batch})
    results(gateway, of_vendor(UNREAD), record(2))
    rerate()
    database.run(RULES_OF_BEFORE)
    assert rerate() == rerated(1), "the reader is not better"
    left_by_an_older_reader(
        database,
        '{"prompt_tokens": 1000, "completion_tokens": 100, "service_tier": "batch"}',
    )
    assert rerate() == rerated(1, 1, 1500), "only usage without a cost is read"
    assert database.rows(LEDGER)[-1] == (
        "rerate", "batch", 1500, -1, 1000, 100, "openai", None, None,
    )  # fmt: skip
    assert_sums_agree(database)
    assert results(gateway, of_vendor(UNREAD)) == [
        {
            "status": "duplicate",
            "cost_micros": None,
            "priced": False,
            "attributed": True,
            "validations": [REASON],
        }
    ]
    database.run(RULES_OF_BEFORE)
    assert rerate() == rerated()
    # Another price is for the variant and the tokens of the object, which count once.
    batch = {"input_price": 4_000_000, "output_price": 0}
    custom(acme, **priced, variants={"batch": batch})
    assert rerate() == rerated(2, 1, 2500)
    assert rerate() == rerated()
    assert database.rows(LEDGER)[-1][2:6] == (2500, 0, 0, 0)
    assert database.rows(
        "SELECT cost_micros, input_tokens, output_tokens, unpriced_usage_count, unread_usage_count"
        " FROM ai_usage_quarter_hourly"
    ) == [(7000, 2000, 200, 0, 0)]
    assert_sums_agree(database)


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": 1000, "completion_tokens": 1.5}',
        '{"prompt_tokens": 1000, "total_tokens": 999}',
    ],
)
def test_an_object_that_still_says_too_little_stays_without_a_cost(
    gateway: Client, database: Database, usage: str
) -> None:
    results(gateway, of_vendor(UNREAD))
    left_by_an_older_reader(database, usage)
    assert rerate() == rerated(1)
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]


def test_tokens_that_were_counted_wrongly_are_corrected_downwards(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """A kept object may have been read before: its correction takes back what was too much."""
    results(gateway, of_vendor(UNREAD))
    left_by_an_older_reader(database, '{"prompt_tokens": 1000, "completion_tokens": 7}')
    assert rerate() == rerated(1, 1, 2070)
    left_by_an_older_reader(database, '{"prompt_tokens": 400, "completion_tokens": 10}')
    custom(acme, input_price=2_000_000, output_price=10_000_000, effective_from=SINCE_EVER)
    assert rerate() == rerated(1, 1, -1170)
    assert database.rows(LEDGER)[-1][3:6] == (0, -600, 3)
    assert_sums_agree(database)


def test_unpriced_usage_tells_unread_objects_from_models_without_a_price(
    gateway: Client, database: Database
) -> None:
    results(
        gateway,
        of_vendor(UNREAD),
        of_vendor(UNREAD, id="b", model="new"),
        record(2, model="new"),
        record(3),
    )

    def listed() -> dict[str, tuple[int, int]]:
        return {
            each["model"]: (each["unpriced_usage_count"], each["unread_usage_count"])
            for each in gateway.get(UNPRICED).json()["models"]
        }

    assert listed() == {"new": (2, 1), "m": (1, 1)}
    left_by_an_older_reader(database, '{"prompt_tokens": 1000}')
    rerate()
    assert listed() == {"new": (2, 1)}


def test_a_message_of_unread_objects_is_not_sent_back(gateway: Client, database: Database) -> None:
    sent = message("a", of_vendor(UNREAD), of_vendor(UNREAD, id="b"))
    assert failed(sent) == []
    assert failed(sent) == []
    assert database.rows("SELECT usage_count, unpriced_usage_count FROM ai_spend_daily") == [(2, 2)]


def test_other_tokens_at_the_same_cost_are_booked(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, of_vendor(UNREAD))
    custom(acme, input_price=0, output_price=0, effective_from=SINCE_EVER)
    left_by_an_older_reader(database, '{"prompt_tokens": 1000}')
    assert rerate() == rerated(1, 1, 0)
    left_by_an_older_reader(database, '{"prompt_tokens": 700}')
    custom(acme, input_price=0, output_price=0, cache_read_price=1, effective_from=SINCE_EVER)
    assert rerate() == rerated(1, 1, 0)
    assert database.rows("SELECT sum(input_tokens)::int FROM ai_usage") == [(700,)]
    assert_sums_agree(database)
