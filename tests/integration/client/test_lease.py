"""A lease: exact to the micro-unit, few requests, and nothing stays held."""

import time
from threading import Thread
from typing import Any

import pytest

from allowance_client import Allowance, LeaseClosed, PriceUnknown, Refused, Unavailable
from tests.blocking import Blocking
from tests.gateway import Client
from tests.gateways_of_clients import gateways
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import assert_holds_agree, held, limit_everyone
from tests.served import served

CALL: Any = {"user": "maya", "provider": "p", "model": "m"}
LIVE = "SELECT coalesce(sum(amount_micros), 0) FROM ai_reservation_holds WHERE expires_at > now()"


def spent(database: Database) -> Any:
    return database.rows("SELECT coalesce(sum(cost_micros), 0) FROM ai_user_spend_monthly")[0][0]


def counts(database: Database) -> Any:
    return database.rows("SELECT count(*), count(DISTINCT id) FROM ai_usage")[0]


def test_a_thousand_calls_take_a_few_requests(gateway: Client, database: Database) -> None:
    """At most a fiftieth of what a reservation and a settlement for each call take."""
    asked: list[str] = []
    with (
        served(asked.append) as url,
        Allowance(url, gateway.token, on_unavailable="deny") as client,
    ):
        with client.lease(**CALL, micros=10_000_000) as lease:

            def run() -> None:
                for _ in range(50):
                    with lease.call(tokens={"input": 1000, "output": 100}) as call:
                        call.used(tokens={"input": 10})

            threads = [Thread(target=run) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert asked.count("before") <= 40
    assert counts(database) == (1000, 1000)
    assert (spent(database), held(database)) == (1000 * 20, {})
    assert_holds_agree(database)


def test_the_limit_is_used_up_and_never_passed(
    url: str, gateway: Client, database: Database, acme: Acme
) -> None:
    """Each call uses a half of its estimate: what it leaves is free for others."""
    limit_everyone(database, acme, 10_005)
    with Allowance(url, gateway.token, on_unavailable="deny") as client:
        lease, made = client.lease(**CALL, micros=3000), 0
        with pytest.raises(Refused) as raised:  # noqa: PT012
            while True:
                with lease.call(tokens={"input": 35}) as call:
                    call.used(tokens={"input": 18})
                made += 1
        assert raised.value.would_fit_micros == 10_005 - 36 * made
        assert 10_005 - 36 * made < 70
        with lease.call(tokens={"input": 1}) as call:
            call.used(tokens={"input": 1})
        lease.close()
        assert (spent(database), held(database)) == (36 * made + 2, {})
        with pytest.raises(LeaseClosed), lease.call(estimate_micros=0):
            pass


def test_four_processes_share_a_budget_to_the_micro(
    url: str, gateway: Client, database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, 6 * 1000 + 5)
    with gateways(gateway.token, 4, "spend", url, 6 * 90, 3) as four:
        made = [int(line) for line in four.rest()]
    assert (four.process.returncode, len(made)) == (0, 4)
    assert sum(made) == 1000
    assert sorted(made)[1] > 0, "they share it"
    assert counts(database) == (1000, 1000)
    assert (spent(database), held(database)) == (6000, {})
    assert_holds_agree(database)


def test_a_killed_clients_lease_returns_at_its_expiry(
    url: str, gateway: Client, database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, 5000)
    with gateways(gateway.token, 1, "hold", url, 5000, 2) as killed:
        assert killed.line() == "held\n"
    assert database.rows(LIVE)[0][0] == 5000
    with Allowance(url, gateway.token, on_unavailable="deny", timeout_seconds=1) as client:
        lease = client.lease(**CALL, micros=5000)
        with pytest.raises(Refused), lease.call(estimate_micros=1):
            pass
        deadline = time.monotonic() + 30
        while database.rows(LIVE)[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with lease.call(estimate_micros=5000) as call:
            call.used(tokens={"input": 2500})
    assert spent(database) == 5000


def test_an_unused_lease_returns_at_close(url: str, gateway: Client, database: Database) -> None:
    with Allowance(url, gateway.token, on_unavailable="deny") as client:
        lease = client.lease(**CALL, micros=5000)
        assert held(database) == {}, "it holds nothing before its first call"
        with lease.call(estimate_micros=1) as call:
            call.cancel()
        assert sum(held(database).values()) == 5000
        lease.close()
        assert (held(database), counts(database)) == ({}, (0, 0))


def test_usage_is_reported_while_the_lease_goes_on(
    url: str, gateway: Client, database: Database
) -> None:
    with Allowance(url, gateway.token, on_unavailable="deny") as client:
        lease = client.lease(**CALL, micros=5000, report_seconds=0.05)
        with lease.call(estimate_micros=100) as call:
            call.used(tokens={"input": 50})
        deadline = time.monotonic() + 30
        while (spent(database), held(database)) != (100, {}):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_price_that_is_unknown_is_not_guessed(url: str, gateway: Client) -> None:
    with Allowance(url, gateway.token, on_unavailable="deny") as client:
        lease = client.lease(user="maya", provider="p", model="unheard-of", micros=5000)
        with pytest.raises(PriceUnknown, match="state estimate_micros"), lease.call(tokens={}):
            pass
        for wrong in ({}, {"estimate_micros": -1}, {"estimate_micros": 1, "tokens": {}}):
            with pytest.raises(ValueError, match=r"State|whole"):
                lease.call(**wrong)
        for wrong in ({"micros": 0}, {"micros": 1, "ttl_seconds": 0}, {"micros": 1.0}):
            with pytest.raises(ValueError, match="whole number"):
                client.lease(**CALL, **wrong)


@pytest.mark.parametrize("choice", ["deny", "allow"])
def test_a_lease_without_the_service_does_as_chosen(
    choice: Any, gateway: Client, database: Database
) -> None:
    is_down = True

    def down(_: str) -> None:
        if is_down:
            raise OSError

    with (
        served(down) as url,
        Allowance(url, gateway.token, on_unavailable=choice, timeout_seconds=2) as client,
    ):
        lease = client.lease(**CALL, micros=5000)
        for _ in range(2):
            if choice == "deny":
                with pytest.raises(Unavailable), lease.call(estimate_micros=1):
                    pass
            else:
                with lease.call(estimate_micros=1) as call:
                    assert call.unchecked
                    call.used(tokens={"input": 500})
        is_down = False
    assert spent(database) == (2000 if choice == "allow" else 0)


def test_a_lease_of_asyncio_decides_alike(
    url: str, gateway: Client, database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, 100)
    with Blocking(url, gateway.token, on_unavailable="deny") as client:
        lease = client.lease(**CALL, micros=70)
        for _ in range(2):
            with client.block(lease.call(estimate_micros=50)) as call:
                call.used(tokens={"input": 25})
        with pytest.raises(Refused), client.block(lease.call(estimate_micros=50)):
            pass
    assert (spent(database), held(database)) == (100, {})
