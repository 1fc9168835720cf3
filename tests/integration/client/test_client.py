"""Both clients against the service: decisions, usage, and what they do without the service."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from allowance_client import Allowance, ApiError, Refused, Unavailable, UsageNotStated
from tests.blocking import Blocking
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import held, limit_everyone
from tests.served import served

CALL: Any = {"user": "maya", "provider": "p", "model": "m"}
ESTIMATE = {"tokens": {"input": 1000, "output": 100}}
COST = 3000
KINDS = pytest.mark.parametrize("kind", [Allowance, Blocking])
NOBODY = "http://127.0.0.1:9"


def spent(database: Database) -> int:
    ((micros,),) = database.rows("SELECT coalesce(sum(cost_micros), 0) FROM ai_user_spend_monthly")
    return int(micros)


def record(n: int, **more: Any) -> dict[str, Any]:
    return {
        **CALL,
        "source": "s",
        "id": str(n),
        "occurred_at": datetime.now(UTC),
        "tokens": {"input": 1},
        **more,
    }


@KINDS
def test_a_call_is_reserved_and_settled_once(
    kind: Any, url: str, gateway: Client, database: Database
) -> None:
    with kind(url, gateway.token, on_unavailable="deny", source="gw") as client:
        reservation = client.reserve(**CALL, estimate=ESTIMATE, labels={"project": "x"})
        assert (reservation.unchecked, reservation.reserved_micros) == (False, COST)
        part = client.settle(reservation, final=False, id="part", tokens={"input": 500})
        assert (part.cost_micros, part.status, part.reserved_micros) == (1000, "held", COST - 1000)
        first, second = (client.settle(reservation, tokens={"input": 10}) for _ in range(2))
        assert first == second
        assert (first.cost_micros, first.status, first.reserved_micros) == (20, "settled", 0)
        assert client.spend("maya").current_spend_micros == 1020
    labels = database.rows("SELECT DISTINCT source, labels FROM ai_usage")
    assert labels == [("gw", {"project": "x"})]


@KINDS
def test_a_block_settles_releases_or_says_what_is_missing(
    kind: Any, url: str, gateway: Client, database: Database
) -> None:
    with kind(url, gateway.token, on_unavailable="deny") as client:
        with client.call(**CALL, estimate=ESTIMATE) as call:
            call.used(tokens={"input": 500})
        assert (spent(database), held(database)) == (1000, {})
        with pytest.raises(ConnectionRefusedError), client.call(**CALL, estimate=ESTIMATE):
            raise ConnectionRefusedError
        assert held(database) == {}
        with pytest.raises(UsageNotStated), client.call(**CALL, estimate=ESTIMATE):
            pass
        assert sum(held(database).values()) == COST
        with suppress(ZeroDivisionError), client.call(**CALL, estimate=ESTIMATE) as call:
            call.used(tokens={"input": 500})
            raise ZeroDivisionError
    assert spent(database) == 2000


@KINDS
def test_a_refusal_says_what_would_fit_and_when(
    kind: Any, url: str, gateway: Client, database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, COST)
    with kind(url, gateway.token, on_unavailable="allow") as client:
        client.reserve(**CALL, estimate={"cost_micros": 1})
        for ask in (client.reserve, client.dry_run):
            with pytest.raises(Refused) as raised:
                ask(**CALL, estimate=ESTIMATE)
            refused = raised.value
            assert (refused.status, refused.code) == (403, "ai_budget_exceeded")
            assert refused.would_fit_micros == COST - 1
            assert refused.retry_at is not None
            assert refused.decision is not None
            assert refused.decision.budgets[0].would_refuse
        assert client.dry_run(**CALL, estimate={"cost_micros": 1}).allowed
        with pytest.raises(Refused) as raised:
            client.reserve(**{**CALL, "user": "nobody"}, estimate=ESTIMATE)
        assert raised.value.code == "unknown_user"
    assert sum(held(database).values()) == 1


@KINDS
@pytest.mark.parametrize("choice", ["deny", "allow"])
def test_a_wrong_request_or_token_is_no_outage(
    kind: Any, choice: Any, url: str, gateway: Client
) -> None:
    with kind(url, gateway.token, on_unavailable=choice) as client:
        with pytest.raises(ApiError) as raised:
            client.reserve(**CALL, estimate={"cost_micros": -1})
        assert raised.value.status == 400
        assert raised.value.validations[0].field == "estimate.cost_micros"
    with kind(url, "alw_a_b", on_unavailable=choice) as client:
        with pytest.raises(ApiError) as raised:
            client.reserve(**CALL, estimate=ESTIMATE)
        assert raised.value.status == 401


@KINDS
def test_without_a_response_the_caller_has_chosen(kind: Any) -> None:
    options = {"timeout_seconds": 0.1}
    with (
        kind(NOBODY, "alw_a_b", on_unavailable="deny", **options) as client,
        pytest.raises(Unavailable),
    ):
        client.reserve(**CALL, estimate=ESTIMATE)
    with kind(NOBODY, "alw_a_b", on_unavailable="allow", **options) as client:
        reservation = client.reserve(**CALL, estimate=ESTIMATE)
        assert reservation.unchecked
        client.release(reservation)
        with pytest.raises(Unavailable):
            client.settle(reservation, tokens={"input": 1})
        with pytest.raises(Unavailable):
            client.dry_run(**CALL, estimate=ESTIMATE)
    with pytest.raises(ValueError, match="on_unavailable"):
        kind(NOBODY, "alw_a_b", on_unavailable="maybe")
    with pytest.raises(TypeError):
        kind(NOBODY, "alw_a_b")


@KINDS
def test_an_unchecked_call_settles_a_grant_that_got_lost(
    kind: Any, gateway: Client, database: Database
) -> None:
    """The service granted, and its response never came."""
    is_losing = True

    def lose(when: str) -> None:
        if is_losing and when == "after":
            raise OSError

    with (
        served(lose) as url,
        kind(url, gateway.token, on_unavailable="allow", timeout_seconds=0.5) as client,
    ):
        reservation = client.reserve(**CALL, estimate=ESTIMATE)
        assert reservation.unchecked
        assert sum(held(database).values()) == COST
        is_losing = False
        settled = client.settle(reservation, tokens={"input": 500})
    assert (settled.cost_micros, held(database), spent(database)) == (1000, {}, 1000)


@KINDS
def test_records_have_results_in_their_order(
    kind: Any, url: str, gateway: Client, database: Database
) -> None:
    records = [record(n) for n in range(1001)]
    records[1] = record(1, tokens={"input": -1})
    with kind(url, gateway.token, on_unavailable="deny") as client:
        results = client.record(records)
        assert [each.status for each in results] == ["recorded", "rejected"] + ["recorded"] * 999
        assert [each.field for each in results[1].validations] == ["tokens.input"]
        assert {each.status for each in client.record(records[2:])} == {"duplicate"}
        assert client.record([]) == []
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1000,)]


@KINDS
def test_budgets_and_prices_are_read_page_by_page(
    kind: Any, url: str, acme: Acme, gateway: Client
) -> None:
    with kind(url, acme.tokens["olivia/test"], on_unavailable="deny") as client:
        client.set_prices([{"provider": "p", "model": "m2", "input_price": 5_000}])
        assert [each.model for each in client.prices("p")] == ["m", "m2"]
        assert client.resolve_price("p", "m2").price.input_price == 5_000
        assert client.resolve_price("p", "unheard-of").price is None
        terms = {"scope": {"type": "organization"}, "per": "total", "limit_micros": 7}
        terms |= {"period": {"unit": "month"}, "enforcement": "enforce"}
        for name in ("a", "b"):
            answer = acme.client("olivia").post(
                "/api/v2/organizations/acme/ai/budgets", {"name": name, **terms}
            )
            assert answer.status == 201, answer.body
        assert [(each.name, each.limit_micros) for each in client.budgets("acme")] == [
            ("a", 7),
            ("b", 7),
        ]
        with pytest.raises(ApiError) as raised:
            list(client.budgets("nowhere/.."))
        assert raised.value.status == 404


def test_the_environment_names_the_service(
    url: str, gateway: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="ALLOWANCE_URL and ALLOWANCE_TOKEN"):
        Allowance.from_environment(on_unavailable="deny")
    monkeypatch.setenv("ALLOWANCE_URL", url + "/")
    monkeypatch.setenv("ALLOWANCE_TOKEN", str(gateway.token))
    with Allowance.from_environment(on_unavailable="deny", source="gw") as client:
        assert client.spend().current_spend_micros == 0
        assert repr(client) == f"Allowance('{url}')"
