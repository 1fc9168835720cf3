"""LiteLLM's guardrail: a call is admitted and held, or blocked by a result."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.gateway_accounts import call_of_litellm
from tests.litellm import ESTIMATE, GUARDRAIL, configure, decide, log_one
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import end_holds, held, limit_everyone
from tests.wire import wire

ADMITTED = ("NONE", "")


@pytest.fixture
def limited(gateway: Client, acme: Acme, database: Database) -> Client:
    """The gateway, in an organization whose members may spend two estimates each."""
    limit_everyone(database, acme, 2 * ESTIMATE)
    return gateway


def test_calls_are_held_until_the_limit_and_then_blocked(
    limited: Client, acme: Acme, database: Database
) -> None:
    assert decide(limited) == ADMITTED
    assert held(database) == {acme.users["maya"]: ESTIMATE}
    assert decide(limited, litellm_call_id="2") == ADMITTED
    action, reason = decide(limited, litellm_call_id="3")
    assert action == "BLOCKED"
    assert reason.startswith("AI budget of US$0.08 exceeded.")
    # After the call, also for one that held nothing.
    assert decide(limited, input_type="response", litellm_call_id="3") == ADMITTED
    assert held(database) == {acme.users["maya"]: 2 * ESTIMATE}


def test_an_id_of_a_call_is_admitted_once_also_after_its_hold(
    limited: Client, database: Database
) -> None:
    """A caller may choose the id, and so have any number of calls on one hold."""
    assert decide(limited) == ADMITTED
    for _ in range(2):
        action, reason = decide(limited)
        assert action == "BLOCKED"
        assert "litellm_call_id" in reason
        end_holds(database)


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"litellm_call_id": None}, "litellm_call_id"),
    ({"litellm_call_id": "a\nb"}, "id: "),
    ({"model": None}, "Set estimate_micros"),
    ({"model": "nobody/knows"}, "no price"),
    ({"request_data": {"user_api_key_user_id": "stranger"}}, "no such user"),
    ({"request_data": {"user_api_key_user_id": "default_user_id"}}, "no such user"),
    ({"request_data": {}}, "no such user"),
]


def test_what_cannot_be_held_is_blocked_with_its_reason(
    limited: Client, database: Database
) -> None:
    for changes, words in UNFIT:
        action, reason = decide(limited, **changes)
        assert action == "BLOCKED", changes
        assert words in reason
    assert held(database) == {}


def test_the_estimate_of_the_source_comes_first(
    limited: Client, acme: Acme, database: Database
) -> None:
    configure(acme.client("olivia"), estimate_micros=700)
    assert decide(limited, model=None) == ADMITTED
    assert decide(limited, model="nobody/knows", litellm_call_id="2") == ADMITTED
    assert held(database) == {acme.users["maya"]: 1400}


def test_a_longer_prompt_holds_more(limited: Client, acme: Acme, database: Database) -> None:
    assert decide(limited, texts=["x" * 2996]) == ADMITTED
    assert held(database) == {acme.users["maya"]: ESTIMATE + (1000 - 3) * 2}


def test_the_caller_names_nobody_unless_the_source_says_so(
    limited: Client, acme: Acme, database: Database
) -> None:
    claims: dict[str, Any] = {
        "request_data": {"user_api_key_user_id": "maya", "user_api_key_end_user_id": "otto"},
        "request_headers": {"X-User": "otto"},
        "additional_provider_specific_params": {"user": "otto", "estimate_micros": 0},
        "user": "otto",
    }
    assert decide(limited, **claims) == ADMITTED
    assert held(database) == {acme.users["maya"]: ESTIMATE}
    for number, field in enumerate(("user_api_key_end_user_id", "header:x-user"), 2):
        configure(acme.client("olivia"), identity=[field], estimate_micros=number)
        assert decide(limited, **claims, litellm_call_id=str(number)) == ADMITTED
    assert held(database)[acme.users["otto"]] == 2 + 3


def test_a_field_that_litellm_does_not_have_blocks_every_call(limited: Client, acme: Acme) -> None:
    configure(acme.client("olivia"), identity=["user_id", "user_api_key_user_id"])
    action, reason = decide(limited)
    assert (action, "unknown fields: user_id." in reason) == ("BLOCKED", True)


def test_nobody_may_call_where_the_source_says_so(
    limited: Client, acme: Acme, database: Database
) -> None:
    configure(acme.client("olivia"), unknown_users="unattributed")
    assert decide(limited, request_data={"user_api_key_user_id": "default_user_id"}) == ADMITTED
    assert set(held(database).values()) == {ESTIMATE}
    assert acme.users["maya"] not in held(database)


def test_a_message_that_is_not_understood_is_a_400(limited: Client, database: Database) -> None:
    """LiteLLM blocks the call then."""
    wrong: list[dict[str, Any]] = [
        {"input_type": "before"},
        {"request_data": None},
        {"texts": 1, "input_type": None},
    ]
    for each in wrong:
        answer = limited.post(GUARDRAIL, call_of_litellm(**each))
        assert answer.status == 400
        assert answer.json()["validations"]
    assert held(database) == {}


def test_the_log_says_why_a_call_was_blocked(
    limited: Client, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    decide(limited, model="nobody/knows")
    (line,) = [each for each in logged() if each["message"] == "call blocked"]
    assert line["code"] == "unpriced_model"


def test_a_decision_takes_three_round_trips_and_a_log_four(
    limited: Client, database: Database
) -> None:
    # The first grant and the first usage of a month create its partitions.
    decide(limited)
    log_one(limited)
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert limited.get("/api/v2/users/me").status == 200
        counted.reset()
        decide(limited, litellm_call_id="2")
        assert counted.trips == 3
        counted.reset()
        log_one(limited, litellm_call_id="2", id="chatcmpl-2")
        assert counted.trips == 4
